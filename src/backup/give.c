/* give.c - a backup into a cluster of any shape: asked first, then all snapshots at once, then counted.
 *
 * Snapshots are read side by side, each key goes to the owner of its slot. A slot is of just one snapshot, so what was
 * given is counted without a lock.
 */
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "feed.h"
#include "rop/loop.h"
#include "rop/rdb.h"
#include "target.h"

#define AT_A_TIME 4 /* the servers' work is the larger part */

struct giving {
	const struct rop_restore_options *options;
	const char *folder;
	const struct rop_backup *backup;
	struct feed_job *jobs; /* [shard] */
	struct progress *progress;
};

/* ---- before anything is sent ------------------------------------------------------------------------------------ */

/* Shards may be of servers of several versions: each target must read each of them. */
static bool all_may_take(const struct rop_restore_options *options, const struct rop_backup *backup,
			 struct rop_err *err)
{
	for (size_t i = 0; i < options->n_targets; i++)
		for (size_t s = 0; s < backup->shards.n; s++) {
			const struct rop_backup_shard *shard = &backup->shards.at[s];
			if ((s == 0 || shard->rdb_version != backup->shards.at[s - 1].rdb_version) &&
			    !target_may_take(options, i, shard, err))
				return false;
		}
	return true;
}

/* ---- functions: to every primary -------------------------------------------------------------------------------- */

struct libraries {
	const struct rop_restore_options *options;
	struct rop_arena *arena;
	ROP_LIST(struct rop_rdb_record) given; /* by their code: each shard has the same ones */
};

static bool is_given(const struct libraries *l, const struct rop_rdb_record *library)
{
	for (size_t i = 0; i < l->given.n; i++)
		if (l->given.at[i].name_n == library->name_n &&
		    memcmp(l->given.at[i].name, library->name, library->name_n) == 0)
			return true;
	return false;
}

static bool give_library(void *arg, const struct rop_rdb_record *library, struct rop_err *err)
{
	struct libraries *l = arg;
	if (is_given(l, library))
		return true;
	struct rop_rdb_record own = *library;
	uint8_t *code = rop_alloc(l->arena, library->name_n + 1);
	memcpy(code, library->name, library->name_n);
	own.name = code;
	own.value = NULL;
	*rop_push(l->arena, &l->given) = own;
	for (size_t i = 0; !l->options->dry_run && i < l->options->n_targets; i++)
		if (!target_give_function(l->options, i, library->value, (size_t)library->value_n, err))
			return false;
	return true;
}

static bool give_functions(const struct giving *g, int64_t *ret_n, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct libraries l = { .options = g->options, .arena = arena };
	for (size_t i = 0; i < g->backup->shards.n; i++)
		if (g->backup->shards.at[i].functions > 0 &&
		    !feed_functions(g->folder, &g->backup->shards.at[i], give_library, &l, err))
			return false;
	*ret_n = (int64_t)l.given.n;
	return true;
}

/* ---- keys ------------------------------------------------------------------------------------------------------- */

static bool work(void *arg, size_t i, struct crew *crew, struct rop_err *err)
{
	struct giving *g = arg;
	g->progress[i].phase = ROP_BACKUP_RUNS;
	if (!feed_keys(&g->jobs[i], crew, err))
		return false;
	g->progress[i].phase = ROP_BACKUP_DONE;
	return true;
}

static void tick(void *arg)
{
	const struct giving *g = arg;
	progress_tell(g->progress, g->backup, g->options->tell, g->options->arg);
}

/* ---- counted ---------------------------------------------------------------------------------------------------- */

/* What expired on the way is not missing: then the snapshots are read once more, for what must still be there. */
static bool compare(const struct giving *g, const int64_t *given, const int64_t *gone, const int64_t *there,
		    struct rop_err *err)
{
	if (memcmp(given, there, ROP_SLOTS * sizeof *given) == 0)
		return true;
	ROP_OWN_ARENA arena = rop_arena_new();
	int64_t *least = rop_alloc_n(arena, ROP_SLOTS, sizeof *least), now_ms = rop_wall_ms(), missing = 0, more = 0;
	struct rop_slots others = { 0 };
	for (size_t i = 0; i < g->backup->shards.n; i++)
		if (!feed_count_later(g->folder, &g->backup->shards.at[i], now_ms, least, err))
			return false;
	for (int slot = 0; slot < ROP_SLOTS; slot++) {
		/* What an interrupted restore gave and has expired since may not be deleted yet. */
		int64_t most = given[slot] + (g->options->resumes ? gone[slot] : 0);
		if (there[slot] >= least[slot] && there[slot] <= most)
			continue;
		rop_slots_add(&others, slot, slot);
		missing += there[slot] < least[slot] ? least[slot] - there[slot] : 0;
		more += there[slot] > most ? there[slot] - most : 0;
	}
	return rop_slots_empty(&others) ||
	       rop_fail(err, ROP_FAIL,
			"the slots %s do not hold as many keys as were given to them: %lld are missing, %lld more are "
			"there (a client writes, or the servers evicted some)",
			rop_slots_text(arena, &others), (long long)missing, (long long)more);
}

static bool count(const struct giving *g, const int64_t *given, const int64_t *gone, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	int64_t *there = rop_alloc_n(arena, ROP_SLOTS, sizeof *there);
	for (size_t i = 0; i < g->options->n_targets; i++)
		if (!target_count(g->options, i, there, err))
			return false;
	return compare(g, given, gone, there, err);
}

static void sum_up(const struct giving *g, const int64_t *given, const int16_t *owner,
		   struct rop_restore_result *result)
{
	for (size_t i = 0; i < g->backup->shards.n; i++) {
		result->keys += g->jobs[i].keys;
		result->expired += g->jobs[i].expired;
		result->bytes += g->jobs[i].bytes;
	}
	for (int slot = 0; slot < ROP_SLOTS; slot++)
		result->keys_of[owner[slot]] += given[slot];
}

bool rop_backup_restore(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
			const struct rop_restore_options *options, struct rop_restore_result *ret_result,
			struct rop_err *err)
{
	size_t n = backup->shards.n;
	int16_t *owner = rop_alloc_n(arena, ROP_SLOTS, sizeof *owner);
	int64_t *given = rop_alloc_n(arena, ROP_SLOTS, sizeof *given);
	int64_t *gone = rop_alloc_n(arena, ROP_SLOTS, sizeof *gone);
	struct rop_restore_result result = { .keys_of = rop_alloc_n(arena, options->n_targets + 1, sizeof(int64_t)) };
	struct giving g = { .options = options,
			    .folder = folder,
			    .backup = backup,
			    .jobs = rop_alloc_n(arena, n + 1, sizeof *g.jobs),
			    .progress = rop_alloc_n(arena, n + 1, sizeof *g.progress) };
	struct crew_job job = { .n = n, .at_a_time = AT_A_TIME, .work = work, .tick = tick, .arg = &g };
	for (size_t i = 0; i < n; i++)
		g.jobs[i] = (struct feed_job){ .options = options,
					       .folder = folder,
					       .shard = &backup->shards.at[i],
					       .owner = owner,
					       .progress = &g.progress[i],
					       .given = given,
					       .gone = gone };
	if (!target_owners(options, owner, err) || !all_may_take(options, backup, err) ||
	    (options->begin && !options->dry_run && !options->begin(options->arg, err)) ||
	    !give_functions(&g, &result.functions, err) || !crew_run(&job, err) ||
	    (!options->dry_run && !count(&g, given, gone, err)))
		return false;
	sum_up(&g, given, owner, &result);
	*ret_result = result;
	return true;
}
