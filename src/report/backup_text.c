/* backup_text.c - backups as a person reads them. */
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "rop/backup_report.h"
#include "rop/text.h"

const char *rop_backup_when(struct rop_arena *arena, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[32];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &tm);
	return rop_printf(arena, "%s UTC", text);
}

static const char *visible(struct rop_arena *arena, const char *text)
{
	return rop_text_visible(arena, text, strlen(text), 200);
}

#define MS_PER_S 1000

static const char *lasted(struct rop_arena *arena, int64_t ms)
{
	char about[24];
	if (ms < MS_PER_S)
		return rop_printf(arena, "%" PRId64 " ms", ms);
	return rop_strdup(arena, rop_duration_about(ms, about, sizeof about));
}

static void sums(struct rop_arena *arena, const struct rop_backup *b, struct rop_text *text)
{
	rop_text_add(text, "%" PRId64 " key%s, %s of RDB, %s stored", rop_backup_keys(b),
		     rop_plural(rop_backup_keys(b)), rop_bytes_about(arena, rop_backup_bytes(b)),
		     rop_bytes_about(arena, rop_backup_stored(b)));
}

static void shard(struct rop_arena *arena, const struct rop_backup_shard *s, struct rop_text *text)
{
	rop_text_add(text, "  shard %d  %s (%s, %s)  slots %s  %" PRId64 " key%s  %s%s\n", s->number,
		     visible(arena, s->address), s->from_replica ? "replica" : "primary", visible(arena, s->server),
		     s->slots, s->keys, rop_plural(s->keys), rop_bytes_about(arena, s->stored),
		     s->checksum ? "" : "  (the server writes no checksum)");
}

/* What was done with it since it was made. */
static void proofs_of(struct rop_arena *arena, const struct rop_backup_entry *e, const char *end, struct rop_text *text)
{
	rop_text_add(text, e->verified_ms ? "verified %s" : "not verified%s",
		     e->verified_ms ? rop_backup_when(arena, e->verified_ms) : "");
	if (e->drilled)
		rop_text_add(text, ", restored in a drill %s (%s)", rop_backup_when(arena, e->drilled_ms),
			     visible(arena, e->drilled));
	rop_text_add(text, "%s", end);
}

void rop_report_backup(const char *folder, const struct rop_backup *b, const struct rop_backup_entry *proven,
		       struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	rop_text_add(text, "%s\n", visible(arena, folder));
	rop_text_add(text, "cluster %s   %zu shard%s   begun %s, took %s\n", visible(arena, b->cluster), b->shards.n,
		     rop_plural((int64_t)b->shards.n), rop_backup_when(arena, b->begun_ms),
		     lasted(arena, b->ended_ms - b->begun_ms));
	for (size_t i = 0; i < b->shards.n; i++)
		shard(arena, &b->shards.at[i], text);
	sums(arena, b, text);
	if (b->consistent)
		rop_text_add(text, "; all shards are of one moment: writes were paused for %s.\n",
			     lasted(arena, (b->paused_us + 999) / 1000));
	else
		rop_text_add(text, "; the shards' moments are %s apart.\n", lasted(arena, rop_backup_apart_ms(b)));
	if (proven)
		proofs_of(arena, proven, ".\n", text);
	else
		rop_text_add(text, "Read it back with `redis-operator backup verify %s`.\n", visible(arena, folder));
}

static void entry(struct rop_arena *arena, const struct rop_backup_entry *e, struct rop_text *text)
{
	if (!e->whole) {
		rop_text_add(text, "  %s  is no backup: %s\n", visible(arena, e->name), visible(arena, e->why_not));
		return;
	}
	rop_text_add(text, "  %s  %s  %zu shard%s  ", visible(arena, e->name),
		     rop_backup_when(arena, e->backup.begun_ms), e->backup.shards.n,
		     rop_plural((int64_t)e->backup.shards.n));
	sums(arena, &e->backup, text);
	rop_text_add(text, "  ");
	proofs_of(arena, e, "\n", text);
}

void rop_report_backups(const char *folder, const struct rop_backup_list *list, struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	int64_t whole = 0;
	for (size_t i = 0; i < list->at.n; i++)
		whole += list->at.at[i].whole;
	rop_text_add(text, "%" PRId64 " backup%s in %s\n", whole, rop_plural(whole), visible(arena, folder));
	for (size_t i = 0; i < list->at.n; i++)
		entry(arena, &list->at.at[i], text);
}

void rop_report_proofs(const char *folder, const struct rop_backup *b, const struct rop_proofs *proofs,
		       struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	for (size_t i = 0; i < proofs->n; i++) {
		const struct rop_proof *p = &proofs->at[i];
		rop_text_add(text, p->trouble ? "[ERR] shard %d: %s\n" : "[OK] shard %d%s", p->number,
			     p->trouble ? visible(arena, p->trouble) : "");
		if (!p->trouble)
			rop_text_add(text, ": %" PRId64 " key%s, %s read\n", p->keys, rop_plural(p->keys),
				     rop_bytes_about(arena, p->bytes));
	}
	if (proofs->bad)
		rop_text_add(text, "%s is damaged: %zu of %zu shards are not as they were.\n", visible(arena, folder),
			     proofs->bad, proofs->n);
	else
		rop_text_add(text, "Backup of cluster %s is sound: every record was read.\n",
			     visible(arena, b->cluster));
}

void rop_report_prune(const struct rop_backup_list *list, const bool *goes, bool dry_run, struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	int64_t n = 0, bytes = 0;
	for (size_t i = 0; i < list->at.n; i++) {
		const struct rop_backup_entry *e = &list->at.at[i];
		if (goes[i]) {
			n++;
			bytes += rop_backup_stored(&e->backup);
			rop_text_add(text, "  - %s\n", visible(arena, e->name));
		} else if (!e->whole) {
			rop_text_add(text, "    %s stays: it is no backup, and may be one that is being made\n",
				     visible(arena, e->name));
		}
	}
	rop_text_add(text,
		     dry_run ? "%" PRId64 " backup%s would be removed, %s.\n" : "%" PRId64 " backup%s removed, %s.\n",
		     n, rop_plural(n), rop_bytes_about(arena, bytes));
}

static void targets(struct rop_arena *arena, const struct rop_restore_target *targets, size_t n, const int64_t *keys_of,
		    struct rop_text *text)
{
	for (size_t i = 0; i < n; i++)
		rop_text_add(text, "  %s  slots %s  %" PRId64 " key%s\n", targets[i].address,
			     rop_slots_text(arena, &targets[i].slots), keys_of[i], rop_plural(keys_of[i]));
}

static void given(struct rop_arena *arena, const struct rop_restore_result *result, struct rop_text *text)
{
	rop_text_add(text, " %" PRId64 " key%s, %s; %" PRId64 " had expired; %" PRId64 " function librar%s",
		     result->keys, rop_plural(result->keys), rop_bytes_about(arena, result->bytes), result->expired,
		     result->functions, result->functions == 1 ? "y" : "ies");
}

void rop_report_restore(const struct rop_backup *b, const struct rop_restore_options *options,
			const struct rop_restore_result *result, struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	rop_text_add(text, "%zu shard%s of cluster %s into %zu\n", b->shards.n, rop_plural((int64_t)b->shards.n),
		     visible(arena, b->cluster), options->n_targets);
	targets(arena, options->targets, options->n_targets, result->keys_of, text);
	rop_text_add(text, options->dry_run ? "Would restore" : "Restored");
	given(arena, result, text);
	rop_text_add(text, "%s.\n", options->dry_run ? "" : ". The counts of all slots agree");
}

void rop_report_clone(const struct rop_clone_names *names, const struct rop_restore_target *at, size_t n,
		      const struct rop_clone_result *result, struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	char paused[24];
	rop_text_add(text, "cluster %s into cluster %s, %zu shard%s\n", visible(arena, names->from),
		     visible(arena, names->to), n, rop_plural((int64_t)n));
	targets(arena, at, n, result->given.keys_of, text);
	rop_text_add(text, "Cloned");
	given(arena, &result->given, text);
	rop_text_add(text, ". The counts of all slots agree.\n");
	if (result->consistent)
		rop_text_add(text, "All shards are of one moment: writes were paused for %s.\n",
			     rop_duration_print((result->paused_us + 999) / 1000, paused, sizeof paused));
}

void rop_report_drill(const struct rop_backup *b, const char *server, const struct rop_drill_result *result,
		      struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	rop_text_add(text, "Backup of cluster %s comes back: %" PRId64 " key%s of %zu shard%s are the same where %s ",
		     visible(arena, b->cluster), result->keys, rop_plural(result->keys), b->shards.n,
		     rop_plural((int64_t)b->shards.n), visible(arena, server));
	rop_text_add(text, "loaded them and where they were restored; %" PRId64 " expired meanwhile.\n",
		     result->expired);
}

void rop_report_backup_progress(const struct rop_backup_progress *shards, size_t n, int64_t elapsed_ms, int64_t of,
				struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	int64_t bytes = 0, keys = 0;
	size_t done = 0, waiting = 0;
	char left[24];
	for (size_t i = 0; i < n; i++) {
		bytes += shards[i].bytes;
		keys += shards[i].keys;
		done += shards[i].phase == ROP_BACKUP_DONE;
		waiting += shards[i].phase != ROP_BACKUP_DONE && shards[i].bytes == 0;
	}
	int64_t rate = elapsed_ms > 0 ? bytes * 1000 / elapsed_ms : 0;
	rop_text_add(text, "%zu of %zu shards done, %" PRId64 " keys, %s, %s/s", done, n, keys,
		     rop_bytes_about(arena, bytes), rop_bytes_about(arena, rate));
	if (waiting)
		rop_text_add(text, ", %zu not begun%s", waiting,
			     of >= 0 ? "" : " (servers wait for repl-diskless-sync-delay)");
	if (of > bytes && rate > 0)
		rop_text_add(text, ", about %s left",
			     rop_duration_about((of - bytes) * 1000 / rate, left, sizeof left));
}
