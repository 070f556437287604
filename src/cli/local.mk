redis_operator_SOURCES = \
	src/cli/args.c \
	src/cli/backing.c src/cli/backing.h \
	src/cli/backup_drill.c src/cli/backup_drill.h \
	src/cli/builtin.h \
	src/cli/cli.h \
	src/cli/cmd_acl.c \
	src/cli/cmd_apply.c \
	src/cli/cmd_backup.c \
	src/cli/cmd_check.c \
	src/cli/cmd_clone.c \
	src/cli/cmd_demo.c \
	src/cli/cmd_drain.c \
	src/cli/cmd_explain.c \
	src/cli/cmd_failover.c \
	src/cli/cmd_forget.c \
	src/cli/cmd_help.c \
	src/cli/cmd_history.c \
	src/cli/cmd_import.c \
	src/cli/cmd_machine.c \
	src/cli/cmd_pause.c \
	src/cli/cmd_plan.c \
	src/cli/cmd_rebalance.c \
	src/cli/cmd_restore.c \
	src/cli/cmd_run.c \
	src/cli/cmd_show.c \
	src/cli/cmd_status.c \
	src/cli/cmd_takeover.c \
	src/cli/cmd_validate.c \
	src/cli/commands.c \
	src/cli/consent.c \
	src/cli/document.c \
	src/cli/main.c \
	src/cli/progress.c src/cli/progress.h \
	src/cli/review.c src/cli/review.h \
	src/cli/run_once.c src/cli/run_once.h \
	src/cli/session.c \
	src/cli/sync_delay.c src/cli/sync_delay.h \
	src/cli/targets.c src/cli/targets.h \
	src/cli/task.c src/cli/task.h \
	src/cli/terminal.c
nodist_redis_operator_SOURCES = src/cli/builtin.c
redis_operator_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
redis_operator_LDADD = $(ROP_LIBS)

# The shipped machines are compiled in as the default.
BUILT_SOURCES += src/cli/builtin.c
CLEANFILES += src/cli/builtin.c
C_TEXT = $(SED) -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/"/' -e 's/$$/\\n"/'
src/cli/builtin.c: $(srcdir)/states/cluster.yaml $(srcdir)/states/migration.yaml $(srcdir)/states/retire.yaml \
		$(srcdir)/states/failover.yaml
	$(AM_V_GEN)$(MKDIR_P) src/cli && { \
	  echo '/* made from states/ by make */' && echo '#include "builtin.h"' && \
	  echo 'const char BUILTIN_CLUSTER_YAML[] =' && $(C_TEXT) $(srcdir)/states/cluster.yaml && echo ';' && \
	  echo 'const char BUILTIN_MIGRATION_YAML[] =' && $(C_TEXT) $(srcdir)/states/migration.yaml && echo ';' && \
	  echo 'const char BUILTIN_RETIRE_YAML[] =' && $(C_TEXT) $(srcdir)/states/retire.yaml && echo ';' && \
	  echo 'const char BUILTIN_FAILOVER_YAML[] =' && $(C_TEXT) $(srcdir)/states/failover.yaml && echo ';'; } > $@.tmp && mv $@.tmp $@
