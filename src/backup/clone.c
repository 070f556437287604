/* clone.c - from one cluster into another of any shape: a pipe for each shard, from a server to servers.
 *
 * What a file would tell beforehand is told by each stream's beginning: the RDB version (all targets must read it) and
 * the libraries, which every target gets once. What expires on the way cannot be looked up again: of keys that expire,
 * fewer may be there in the end.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "crew.h"
#include "feed.h"
#include "resync.h"
#include "rop/snapshots.h"
#include "snapshot.h"
#include "target.h"

struct cloning;
struct stream { /* of one shard */
	struct cloning *c;
	struct rop_backup_shard shard;
	struct resync *resync;
	struct feed_job job;
	bool version_asked;
};

struct cloning {
	const struct rop_backup_options *from;
	const struct rop_snapshots *snapshots;
	const struct rop_restore_options *to;
	struct moment *moment;
	struct progress *progress;
	struct stream *streams;          /* [shard] */
	int16_t *owner;                  /* [slot] */
	int64_t *keys, *gone, *expiring; /* [slot] given; passed over; given, and to expire some time */
	pthread_mutex_t mutex;           /* the rest */
	struct rop_arena *arena;
	ROP_LIST(struct library {
		const char *code;
		size_t n;
	}) given;
};

/* ---- what is no key --------------------------------------------------------------------------------------------- */

static bool is_given(const struct cloning *c, const struct rop_rdb_record *library)
{
	for (size_t i = 0; i < c->given.n; i++)
		if (c->given.at[i].n == library->name_n &&
		    memcmp(c->given.at[i].code, library->name, library->name_n) == 0)
			return true;
	return false;
}

/* Under the mutex: others that have it too wait until it is there. */
static bool give_library(struct cloning *c, const struct rop_rdb_record *library, struct rop_err *err)
{
	if (is_given(c, library))
		return true;
	for (size_t i = 0; i < c->to->n_targets; i++)
		if (!target_give_function(c->to, i, library->value, (size_t)library->value_n, err))
			return false;
	*rop_push(c->arena, &c->given) = (struct library){
		.code = rop_strndup(c->arena, (const char *)library->name, library->name_n), .n = library->name_n
	};
	return true;
}

static bool take_other(void *arg, const struct rop_rdb *rdb, const struct rop_rdb_record *record, struct rop_err *err)
{
	struct stream *s = arg;
	s->shard.rdb_version = rop_rdb_version(rdb);
	for (size_t i = 0; !s->version_asked && i < s->c->to->n_targets; i++)
		if (!target_reads(s->c->to, i, &s->shard, err))
			return false;
	s->version_asked = true;
	if (record->kind != ROP_RDB_FUNCTION)
		return true;
	pthread_mutex_lock(&s->c->mutex);
	bool fine = give_library(s->c, record, err);
	pthread_mutex_unlock(&s->c->mutex);
	return fine;
}

/* ---- a shard ---------------------------------------------------------------------------------------------------- */

static ptrdiff_t more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	return resync_more(((struct stream *)arg)->resync, ret_at, err);
}

static bool ended(void *arg, const struct tally *tally, struct rop_err *err)
{
	(void)tally;
	return resync_end(((struct stream *)arg)->resync, err);
}

static bool work(void *arg, size_t i, struct crew *crew, struct rop_err *err)
{
	struct cloning *c = arg;
	struct stream *s = &c->streams[i];
	const struct rop_snapshot *shard = &c->snapshots->shards.at[i];
	const struct snapshot_job job = {
		.options = c->from, .shard = shard, .progress = &c->progress[i], .crew = crew, .moment = c->moment
	};
	const struct rop_rdb_input input = { .more = more, .arg = s };
	c->progress[i].phase = ROP_BACKUP_RUNS;
	bool fine = snapshot_begin(&job, &shard->sources.at[0], &s->resync, err) &&
		    feed_stream(&s->job, &input, ended, crew, err);
	resync_close(s->resync);
	c->progress[i].phase = ROP_BACKUP_DONE;
	return fine || rop_wrap(err, "shard %d", shard->number);
}

static void tick(void *arg)
{
	const struct cloning *c = arg;
	struct rop_backup shown = { 0 };
	ROP_OWN_ARENA arena = rop_arena_new();
	for (size_t i = 0; i < c->snapshots->shards.n; i++)
		*rop_push(arena, &shown.shards) = c->streams[i].shard;
	progress_tell(c->progress, &shown, c->to->tell, c->to->arg);
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static bool are_empty(const struct rop_restore_options *to, struct rop_err *err)
{
	for (size_t i = 0; i < to->n_targets; i++)
		if (!target_is_empty(to, i, err))
			return false;
	return true;
}

static bool count(const struct rop_restore_options *to, const int64_t *given, const int64_t *expiring,
		  struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	int64_t *there = rop_alloc_n(arena, ROP_SLOTS, sizeof *there);
	struct rop_slots others = { 0 };
	for (size_t i = 0; i < to->n_targets; i++)
		if (!target_count(to, i, there, err))
			return false;
	for (int slot = 0; slot < ROP_SLOTS; slot++)
		if (there[slot] > given[slot] || there[slot] < given[slot] - expiring[slot])
			rop_slots_add(&others, slot, slot);
	return rop_slots_empty(&others) ||
	       rop_fail(err, ROP_FAIL,
			"the slots %s do not hold as many keys as were given to them (a client writes, or the servers "
			"evicted some)",
			rop_slots_text(arena, &others));
}

static struct cloning new_cloning(struct rop_arena *arena, const struct rop_backup_options *from,
				  const struct rop_snapshots *snapshots, const struct rop_restore_options *to)
{
	size_t n = snapshots->shards.n;
	return (struct cloning){ .from = from,
				 .snapshots = snapshots,
				 .to = to,
				 .progress = rop_alloc_n(arena, n + 1, sizeof(struct progress)),
				 .streams = rop_alloc_n(arena, n + 1, sizeof(struct stream)),
				 .owner = rop_alloc_n(arena, ROP_SLOTS, sizeof(int16_t)),
				 .keys = rop_alloc_n(arena, ROP_SLOTS, sizeof(int64_t)),
				 .gone = rop_alloc_n(arena, ROP_SLOTS, sizeof(int64_t)),
				 .expiring = rop_alloc_n(arena, ROP_SLOTS, sizeof(int64_t)),
				 .mutex = PTHREAD_MUTEX_INITIALIZER,
				 .arena = arena };
}

static void begin_stream(struct cloning *c, size_t i)
{
	const struct rop_snapshot *shard = &c->snapshots->shards.at[i];
	struct stream *s = &c->streams[i];
	s->c = c;
	s->shard = (struct rop_backup_shard){ .number = shard->number,
					      .slots = rop_slots_text(c->arena, &shard->slots),
					      .server = shard->sources.at[0].flavour };
	s->job = (struct feed_job){ .options = c->to,
				    .shard = &s->shard,
				    .owner = c->owner,
				    .progress = &c->progress[i],
				    .given = c->keys,
				    .gone = c->gone,
				    .expiring = c->expiring,
				    .other = take_other,
				    .arg = s };
}

static void sum_up(const struct cloning *c, struct rop_restore_result *ret)
{
	*ret = (struct rop_restore_result){ .functions = (int64_t)c->given.n,
					    .keys_of = rop_alloc_n(c->arena, c->to->n_targets + 1, sizeof(int64_t)) };
	for (size_t i = 0; i < c->snapshots->shards.n; i++) {
		ret->keys += c->streams[i].job.keys;
		ret->expired += c->streams[i].job.expired;
		ret->bytes += c->streams[i].job.bytes;
	}
	for (int slot = 0; slot < ROP_SLOTS; slot++)
		ret->keys_of[c->owner[slot]] += c->keys[slot];
}

bool rop_backup_clone(struct rop_arena *arena, const struct rop_backup_options *from,
		      const struct rop_snapshots *snapshots, const struct rop_restore_options *to,
		      struct rop_clone_result *ret_result, struct rop_err *err)
{
	size_t n = snapshots->shards.n;
	struct cloning c = new_cloning(arena, from, snapshots, to);
	struct rop_clone_result result = { .consistent = from->max_pause_ms > 0 };
	/* All streams at once: those that are of one moment wait for each other. */
	struct crew_job job = { .n = n, .at_a_time = n, .work = work, .tick = tick, .arg = &c };
	for (size_t i = 0; i < n; i++)
		begin_stream(&c, i);
	if (!target_owners(to, c.owner, err) || !are_empty(to, err))
		return false;
	if (result.consistent)
		c.moment = moment_new(n, from->max_pause_ms);
	bool fine = crew_run(&job, err);
	result.paused_us = c.moment ? moment_pause_us(c.moment) : 0;
	moment_free(c.moment);
	if (!fine || !count(to, c.keys, c.expiring, err))
		return false;
	sum_up(&c, &result.given);
	*ret_result = result;
	return true;
}
