/* backup_report.h - what there is to say of backups: as text and as JSON. Prints nothing. */
#ifndef ROP_BACKUP_REPORT_H
#define ROP_BACKUP_REPORT_H

#include "rop/backup.h"

struct json_t;

const char *rop_backup_when(struct rop_arena *arena, int64_t wall_ms); /* 2026-03-01 12:01:07 UTC */
/* Of one: its shards, how large, how far apart, how it was proven. proven NULL: it was just made. */
void rop_report_backup(const char *folder, const struct rop_backup *backup, const struct rop_backup_entry *proven,
		       struct rop_text *text);
struct json_t *rop_report_backup_json(const char *folder, const struct rop_backup *backup,
				      const struct rop_backup_entry *proven);
void rop_report_backups(const char *folder, const struct rop_backup_list *list, struct rop_text *text);
struct json_t *rop_report_backups_json(const char *folder, const struct rop_backup_list *list);
void rop_report_proofs(const char *folder, const struct rop_backup *backup, const struct rop_proofs *proofs,
		       struct rop_text *text);
struct json_t *rop_report_proofs_json(const char *folder, const struct rop_backup *backup,
				      const struct rop_proofs *proofs);
void rop_report_prune(const struct rop_backup_list *list, const bool *goes, bool dry_run, struct rop_text *text);
struct json_t *rop_report_prune_json(const char *folder, const struct rop_backup_list *list, const bool *goes,
				     bool dry_run);
void rop_report_restore(const struct rop_backup *backup, const struct rop_restore_options *options,
			const struct rop_restore_result *result, struct rop_text *text);
struct json_t *rop_report_restore_json(const char *folder, const char *cluster,
				       const struct rop_restore_options *options,
				       const struct rop_restore_result *result);
void rop_report_drill(const struct rop_backup *backup, const char *server, const struct rop_drill_result *result,
		      struct rop_text *text);
struct json_t *rop_report_drill_json(const char *folder, const struct rop_backup *backup, const char *server,
				     const struct rop_drill_result *result);
struct rop_clone_names {
	const char *from, *to; /* clusters */
};
void rop_report_clone(const struct rop_clone_names *names, const struct rop_restore_target *targets, size_t n,
		      const struct rop_clone_result *result, struct rop_text *text);
struct json_t *rop_report_clone_json(const struct rop_clone_names *names, const struct rop_restore_target *targets,
				     size_t n, const struct rop_clone_result *result);

/* How far it is, on one line. of: bytes of all; -1: not known. */
void rop_report_backup_progress(const struct rop_backup_progress *shards, size_t n, int64_t elapsed_ms, int64_t of,
				struct rop_text *text);

#endif
