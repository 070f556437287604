librop_a_SOURCES += \
	src/report/acl.c \
	src/report/agreed.c \
	src/report/any_look.c \
	src/report/backup_json.c \
	src/report/backup_text.c \
	src/report/blocked.c \
	src/report/demo_text.c \
	src/report/file_report.c \
	src/report/document_json.c \
	src/report/drain_report.c \
	src/report/drains.c \
	src/report/error_json.c \
	src/report/events_json.c \
	src/report/explain.c \
	src/report/failover_report.c \
	src/report/grade.c \
	src/report/health.c \
	src/report/history_lines.c \
	src/report/import_proof.c \
	src/report/import_text.c src/report/import_text.h \
	src/report/import_unfit.c \
	src/report/json_values.c \
	src/report/lines.c \
	src/report/machine_sound.c \
	src/report/paint.c \
	src/report/placed.c \
	src/report/plan_groups.c \
	src/report/plan_groups.h \
	src/report/plan_json.c \
	src/report/plan_lines.c \
	src/report/plan_risk.c \
	src/report/plan_text.c \
	src/report/plan_wording.c \
	src/report/progress_text.c \
	src/report/rebalance_text.c \
	src/report/saved_plan.c \
	src/report/saved_plan_json.c \
	src/report/saved_plan_text.c \
	src/report/shared.h \
	src/report/status_json.c \
	src/report/node_words.c src/report/status_nodes.c \
	src/report/status_text.c \
	src/report/takeover_report.c \
	src/report/usage_text.c \
	src/report/wishes.c
