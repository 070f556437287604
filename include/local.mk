librop_a_SOURCES += \
	include/rop/config.h include/rop/daemon.h include/rop/doc.h include/rop/drive.h include/rop/err.h \
	include/rop/events.h include/rop/fleet.h include/rop/import.h include/rop/journal.h include/rop/log.h \
	include/rop/loop.h include/rop/machine.h include/rop/mem.h include/rop/names.h include/rop/observed.h \
	include/rop/outcome.h include/rop/policy.h include/rop/reconcile.h include/rop/report.h include/rop/risk.h \
	include/rop/saved_plan.h include/rop/seed.h include/rop/service.h include/rop/store.h include/rop/text.h \
	include/rop/topology.h include/rop/tries.h include/rop/writer.h
