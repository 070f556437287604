/* backup_json.c - backups as programs read them. */
#include <jansson.h>

#include "rop/backup_report.h"
#include "rop/report.h"

static json_t *shard_json(const struct rop_backup_shard *s)
{
	return rop_json(
		"{s:i, s:o, s:o, s:b, s:o, s:o, s:I, s:o, s:o, s:o, s:s, s:I, s:I, s:o, s:i, s:b, s:I, s:I, s:I}",
		"shard", s->number, "slots", rop_json_text(s->slots), "address", rop_json_text(s->address), "replica",
		s->from_replica, "server", rop_json_text(s->server), "replication_id", rop_json_text(s->replid),
		"offset", (json_int_t)s->offset, "begun", rop_json_time(s->begun_ms), "ended",
		rop_json_time(s->ended_ms), "file", rop_json_text(s->file), "sha256", s->sha256, "stored_bytes",
		(json_int_t)s->stored, "rdb_bytes", (json_int_t)s->bytes, "rdb_of",
		rop_json_text(s->valkey ? "valkey" : "redis"), "rdb_version", s->rdb_version, "checksum", s->checksum,
		"keys", (json_int_t)s->keys, "expiring", (json_int_t)s->expiring, "functions",
		(json_int_t)s->functions);
}

static json_t *drilled_json(const struct rop_backup_entry *e)
{
	if (!e || !e->drilled)
		return json_null();
	return rop_json("{s:o, s:o}", "time", rop_json_time(e->drilled_ms), "server", rop_json_text(e->drilled));
}

json_t *rop_report_backup_json(const char *folder, const struct rop_backup *b, const struct rop_backup_entry *proven)
{
	json_t *shards = json_array();
	for (size_t i = 0; i < b->shards.n; i++)
		json_array_append_new(shards, shard_json(&b->shards.at[i]));
	return rop_json("{s:o, s:o, s:o, s:o, s:I, s:b, s:I, s:b, s:I, s:I, s:I, s:o, s:o, s:o}", "cluster",
			rop_json_text(b->cluster), "backup", rop_json_text(folder), "begun", rop_json_time(b->begun_ms),
			"ended", rop_json_time(b->ended_ms), "apart_ms", (json_int_t)rop_backup_apart_ms(b),
			"consistent", b->consistent, "paused_us", (json_int_t)b->paused_us, "compressed", b->compressed,
			"keys", (json_int_t)rop_backup_keys(b), "rdb_bytes", (json_int_t)rop_backup_bytes(b),
			"stored_bytes", (json_int_t)rop_backup_stored(b), "verified",
			rop_json_time(proven ? proven->verified_ms : 0), "drilled", drilled_json(proven), "shards",
			shards);
}

static json_t *entry_json(const struct rop_backup_entry *e)
{
	const struct rop_backup *b = &e->backup;
	if (!e->whole)
		return rop_json("{s:o, s:b, s:o}", "name", rop_json_text(e->name), "whole", 0, "reason",
				rop_json_text(e->why_not));
	return rop_json("{s:o, s:b, s:o, s:o, s:o, s:i, s:I, s:I, s:o, s:o}", "name", rop_json_text(e->name), "whole",
			1, "cluster", rop_json_text(b->cluster), "begun", rop_json_time(b->begun_ms), "ended",
			rop_json_time(b->ended_ms), "shards", (int)b->shards.n, "keys", (json_int_t)rop_backup_keys(b),
			"stored_bytes", (json_int_t)rop_backup_stored(b), "verified", rop_json_time(e->verified_ms),
			"drilled", drilled_json(e));
}

json_t *rop_report_backups_json(const char *folder, const struct rop_backup_list *list)
{
	json_t *backups = json_array();
	for (size_t i = 0; i < list->at.n; i++)
		json_array_append_new(backups, entry_json(&list->at.at[i]));
	return rop_json("{s:o, s:o}", "folder", rop_json_text(folder), "backups", backups);
}

json_t *rop_report_proofs_json(const char *folder, const struct rop_backup *b, const struct rop_proofs *proofs)
{
	json_t *shards = json_array();
	for (size_t i = 0; i < proofs->n; i++) {
		const struct rop_proof *p = &proofs->at[i];
		json_array_append_new(shards, rop_json("{s:i, s:b, s:o, s:I, s:I}", "shard", p->number, "sound",
						       p->trouble == NULL, "reason", rop_json_text(p->trouble), "keys",
						       (json_int_t)p->keys, "rdb_bytes", (json_int_t)p->bytes));
	}
	return rop_json("{s:o, s:o, s:b, s:o}", "cluster", rop_json_text(b->cluster), "backup", rop_json_text(folder),
			"sound", proofs->bad == 0, "shards", shards);
}

json_t *rop_report_prune_json(const char *folder, const struct rop_backup_list *list, const bool *goes, bool dry_run)
{
	json_t *removed = json_array(), *kept = json_array();
	for (size_t i = 0; i < list->at.n; i++)
		json_array_append_new(goes[i] ? removed : kept, rop_json_text(list->at.at[i].name));
	return rop_json("{s:o, s:b, s:o, s:o}", "folder", rop_json_text(folder), "dry_run", dry_run, "removed", removed,
			"kept", kept);
}

static json_t *targets_json(const struct rop_restore_target *at, size_t n, const int64_t *keys_of)
{
	json_t *targets = json_array();
	ROP_OWN_ARENA arena = rop_arena_new();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(targets, rop_json("{s:o, s:o, s:I}", "address", rop_json_text(at[i].address),
							"slots", rop_json_text(rop_slots_text(arena, &at[i].slots)),
							"keys", (json_int_t)keys_of[i]));
	return targets;
}

json_t *rop_report_restore_json(const char *folder, const char *cluster, const struct rop_restore_options *options,
				const struct rop_restore_result *result)
{
	return rop_json("{s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:o}", "cluster", rop_json_text(cluster), "backup",
			rop_json_text(folder), "dry_run", options->dry_run, "keys", (json_int_t)result->keys, "expired",
			(json_int_t)result->expired, "functions", (json_int_t)result->functions, "bytes",
			(json_int_t)result->bytes, "targets",
			targets_json(options->targets, options->n_targets, result->keys_of));
}

json_t *rop_report_clone_json(const struct rop_clone_names *names, const struct rop_restore_target *targets, size_t n,
			      const struct rop_clone_result *result)
{
	const struct rop_restore_result *given = &result->given;
	return rop_json("{s:o, s:o, s:b, s:I, s:I, s:I, s:I, s:I, s:o}", "cluster", rop_json_text(names->to), "source",
			rop_json_text(names->from), "consistent", result->consistent, "paused_us",
			(json_int_t)result->paused_us, "keys", (json_int_t)given->keys, "expired",
			(json_int_t)given->expired, "functions", (json_int_t)given->functions, "bytes",
			(json_int_t)given->bytes, "targets", targets_json(targets, n, given->keys_of));
}

json_t *rop_report_drill_json(const char *folder, const struct rop_backup *b, const char *server,
			      const struct rop_drill_result *result)
{
	return rop_json("{s:o, s:o, s:o, s:I, s:I}", "cluster", rop_json_text(b->cluster), "backup",
			rop_json_text(folder), "server", rop_json_text(server), "keys", (json_int_t)result->keys,
			"expired", (json_int_t)result->expired);
}
