/* feed.c - one stored snapshot, record by record to the owners of its keys.
 *
 * A connection to each target, opened when its first key comes. Commands go in pieces; the answers to a piece are taken
 * before the one after the next is sent, so neither side keeps more than two. An answer that is not OK ends it all:
 * what was given stays, and the cluster is not empty any more. Where that is gone on with, a key that is there already
 * is compared with the backup's, and never written over.
 */
#include "feed.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "already.h"
#include "piece.h"
#include "rop/loop.h"
#include "rop/rdb.h"
#include "rop/text.h"
#include "target.h"
#include "unpack.h"

#define PIECE_BYTES ((size_t)128 << 10)
#define PIECE_COMMANDS 2000
#define CLOCK_EVERY 1024 /* records */
#define NAME_SHOWN 80

struct pipe {                  /* to one target */
	struct rop_talk *talk; /* NULL: not yet */
	struct rop_talk_options options;
	bool resumes, valkey;
	struct piece put, sent; /* this piece; the one before, whose answers are to come */
};

struct feeding {
	struct feed_job *job;
	struct crew *crew;
	struct pipe *pipes; /* [target] */
	int64_t now_ms, records;
};

/* ---- to one target ---------------------------------------------------------------------------------------------- */

/* What loses its target for a while, so that another look may find another: said as a silence. */
static bool is_of_the_moment(const char *text)
{
	static const char *const WORDS[] = { "MOVED ", "READONLY ", "CLUSTERDOWN ", "LOADING ", "MASTERDOWN ", "ASK " };
	for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
		if (strncmp(text, WORDS[i], strlen(WORDS[i])) == 0)
			return true;
	return false;
}

static bool key_refused(struct pipe *pipe, const struct rop_talk_reply *reply, size_t i, struct rop_err *err)
{
	if (strncmp(reply->text, "BUSYKEY", 7) != 0) {
		bool moment = is_of_the_moment(reply->text);
		rop_talk_refused(pipe->talk, "RESTORE", reply, err);
		if (moment)
			err->code = ROP_UNREACHABLE;
		return false;
	}
	if (!pipe->resumes)
		return already_other(pipe->options.address, &pipe->sent, i, err);
	pipe->sent.at[i].there = true;
	pipe->sent.there++;
	return true;
}

static bool answered(struct pipe *pipe, struct rop_err *err)
{
	for (size_t i = 0; i < pipe->sent.n; i++) {
		struct rop_talk_reply reply;
		if (!rop_talk_reply(pipe->talk, &reply, err))
			return false;
		if (reply.kind == '-' ? !key_refused(pipe, &reply, i, err)
				      : !rop_talk_is_ok(pipe->talk, "RESTORE", &reply, err))
			return false;
	}
	bool fine = !pipe->sent.there ||
		    already_ours(pipe->talk, pipe->options.address, pipe->valkey, &pipe->sent, err);
	piece_clear(&pipe->sent);
	return fine;
}

/* Where keys may be there already, the answers are awaited, for they may lead to questions. */
static bool send_piece(struct pipe *pipe, struct rop_err *err)
{
	if (!rop_talk_flush(pipe->talk, err) || !answered(pipe, err))
		return false;
	struct piece empty = pipe->sent;
	pipe->sent = pipe->put;
	pipe->put = empty;
	return !pipe->resumes || answered(pipe, err);
}

static bool put_key(struct feeding *f, struct pipe *pipe, const struct rop_rdb_record *record, struct rop_err *err)
{
	bool more = record->idle_s >= 0 || record->frequency >= 0;
	if (!pipe->talk && !rop_talk_open(&pipe->options, &pipe->talk, err))
		return false;
	rop_talk_begin(pipe->talk, more ? 7 : 5);
	rop_talk_text(pipe->talk, "RESTORE");
	rop_talk_word(pipe->talk, record->name, record->name_n);
	rop_talk_number(pipe->talk, record->expires_ms >= 0 ? record->expires_ms : 0);
	rop_talk_word(pipe->talk, record->value, (size_t)record->value_n);
	rop_talk_text(pipe->talk, "ABSTTL");
	if (more) {
		rop_talk_text(pipe->talk, record->idle_s >= 0 ? "IDLETIME" : "FREQ");
		rop_talk_number(pipe->talk, record->idle_s >= 0 ? record->idle_s : record->frequency);
	}
	piece_add(&pipe->put, record, pipe->resumes);
	f->job->bytes += (int64_t)(record->value_n + record->name_n);
	return (rop_talk_waiting(pipe->talk) < PIECE_BYTES && pipe->put.n < PIECE_COMMANDS) || send_piece(pipe, err);
}

/* ---- a snapshot ------------------------------------------------------------------------------------------------- */

static bool is_fit(const struct rop_rdb_record *record, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const char *name = rop_text_visible(arena, (const char *)record->name, record->name_n, NAME_SHOWN);
	if (record->database != 0)
		return rop_fail(err, ROP_REFUSED,
				"key '%s' is of database %" PRId64
				": keys of other databases than 0 cannot be restored",
				name, record->database);
	return record->value != NULL ||
	       rop_fail(err, ROP_REFUSED, "key '%s' has %" PRIu64 " bytes, too many for a RESTORE", name,
			record->value_n);
}

static bool take_key(struct feeding *f, const struct rop_rdb_record *record, struct rop_err *err)
{
	struct feed_job *job = f->job;
	int slot = rop_key_slot(record->name, record->name_n);
	if (record->expires_ms >= 0 && record->expires_ms <= f->now_ms) {
		job->expired++;
		job->gone[slot]++;
		return true;
	}
	if ((record->database != 0 || !record->value) && !is_fit(record, err))
		return false;
	job->given[slot]++;
	if (job->expiring)
		job->expiring[slot] += record->expires_ms >= 0;
	job->keys++;
	if (!job->options->dry_run)
		return put_key(f, &f->pipes[job->owner[slot]], record, err);
	job->bytes += (int64_t)(record->value_n + record->name_n);
	return true;
}

static bool pace(struct feeding *f, const struct rop_rdb *rdb, struct rop_err *err)
{
	if (f->records++ % CLOCK_EVERY)
		return true;
	f->now_ms = rop_wall_ms();
	f->job->progress->bytes = (int64_t)rop_rdb_bytes(rdb);
	f->job->progress->keys = f->job->keys;
	return !crew_stopped(f->crew, err);
}

static bool records(struct feeding *f, struct rop_rdb *rdb, struct tally *tally, struct rop_err *err)
{
	for (;;) {
		struct rop_rdb_record record;
		if (!pace(f, rdb, err) || !rop_rdb_next(rdb, &record, err) || !tally_add(tally, &record, err))
			return false;
		if (record.kind == ROP_RDB_END)
			return true;
		if (record.kind == ROP_RDB_KEY && !take_key(f, &record, err))
			return false;
		if (record.kind != ROP_RDB_KEY && f->job->other && !f->job->other(f->job->arg, rdb, &record, err))
			return false;
	}
}

/* It was what the manifest says: told at the end only, for it is read as it is sent. */
static bool was_sound(struct unpack *unpack, const struct rop_backup_shard *shard, const struct tally *tally,
		      struct rop_err *err)
{
	char sha256[ROP_SHA256_SIZE];
	int64_t stored;
	if (!unpack_end(unpack, sha256, &stored, err))
		return false;
	return (strcmp(sha256, shard->sha256) == 0 && tally->keys == shard->keys) ||
	       rop_fail(err, ROP_FAIL, "%s is not what the manifest says (`redis-operator backup verify` tells)",
			shard->file);
}

static bool drain(struct feeding *f, struct rop_err *err)
{
	for (size_t i = 0; i < f->job->options->n_targets; i++) {
		struct pipe *pipe = &f->pipes[i];
		if (pipe->talk && (!send_piece(pipe, err) || !answered(pipe, err)))
			return false;
	}
	return true;
}

static struct pipe *pipes_new(const struct rop_restore_options *options, int stop_fd)
{
	struct pipe *pipes = rop_malloc((options->n_targets + 1) * sizeof *pipes);
	for (size_t i = 0; i < options->n_targets; i++)
		pipes[i] = (struct pipe){ .options = target_talk(options, i, stop_fd),
					  .resumes = options->resumes,
					  .valkey = strncmp(options->targets[i].flavour, "valkey", 6) == 0 };
	return pipes;
}

static void pipes_free(struct pipe *pipes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rop_talk_close(pipes[i].talk);
		piece_done(&pipes[i].put);
		piece_done(&pipes[i].sent);
	}
	free(pipes);
}

static bool open_snapshot(const char *folder, const struct rop_backup_shard *shard, bool values,
			  struct unpack **ret_unpack, struct rop_rdb **ret_rdb, struct rop_err *err)
{
	if (!unpack_open(folder, shard->file, ret_unpack, err))
		return false;
	*ret_rdb = rop_rdb_new(&(struct rop_rdb_input){ .more = unpack_more, .arg = *ret_unpack }, values);
	return true;
}

bool feed_stream(struct feed_job *job, const struct rop_rdb_input *input,
		 bool (*ended)(void *arg, const struct tally *tally, struct rop_err *err), struct crew *crew,
		 struct rop_err *err)
{
	struct feeding f = { .job = job, .crew = crew };
	struct tally tally = { 0 };
	if (!rop_slots_parse(job->shard->slots, &tally.slots))
		return rop_fail(err, ROP_INTERNAL, "slots of shard %d", job->shard->number);
	struct rop_rdb *rdb = rop_rdb_new(input, true);
	f.pipes = pipes_new(job->options, crew_stop_fd(crew));
	bool fine = records(&f, rdb, &tally, err) && ended(input->arg, &tally, err) && drain(&f, err);
	job->functions = tally.functions;
	job->progress->bytes = (int64_t)rop_rdb_bytes(rdb);
	job->progress->keys = job->keys;
	pipes_free(f.pipes, job->options->n_targets);
	rop_rdb_free(rdb);
	return fine;
}

struct stored {
	struct unpack *unpack;
	const struct rop_backup_shard *shard;
};

static ptrdiff_t stored_more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	return unpack_more(((struct stored *)arg)->unpack, ret_at, err);
}

static bool stored_ended(void *arg, const struct tally *tally, struct rop_err *err)
{
	const struct stored *stored = arg;
	return was_sound(stored->unpack, stored->shard, tally, err);
}

bool feed_keys(struct feed_job *job, struct crew *crew, struct rop_err *err)
{
	struct stored stored = { .shard = job->shard };
	if (!unpack_open(job->folder, job->shard->file, &stored.unpack, err))
		return false;
	const struct rop_rdb_input input = { .more = stored_more, .arg = &stored };
	bool fine = feed_stream(job, &input, stored_ended, crew, err);
	unpack_close(stored.unpack);
	return fine || rop_wrap(err, "shard %d of the backup", job->shard->number);
}

bool feed_functions(const char *folder, const struct rop_backup_shard *shard,
		    bool (*take)(void *arg, const struct rop_rdb_record *library, struct rop_err *err), void *arg,
		    struct rop_err *err)
{
	struct unpack *unpack;
	struct rop_rdb *rdb;
	struct rop_rdb_record record = { 0 };
	bool fine = open_snapshot(folder, shard, true, &unpack, &rdb, err);
	if (!fine)
		return false;
	for (int64_t left = shard->functions; fine && left > 0 && record.kind != ROP_RDB_END;) {
		fine = rop_rdb_next(rdb, &record, err);
		if (fine && record.kind == ROP_RDB_FUNCTION) {
			fine = take(arg, &record, err);
			left--;
		}
	}
	rop_rdb_free(rdb);
	unpack_close(unpack);
	return fine || rop_wrap(err, "functions of shard %d", shard->number);
}

bool feed_names(const char *folder, const struct rop_backup_shard *shard,
		bool (*take)(void *arg, const struct rop_rdb_record *key, struct rop_err *err), void *arg,
		struct progress *progress, struct rop_err *err)
{
	struct unpack *unpack;
	struct rop_rdb *rdb;
	struct rop_rdb_record record = { 0 };
	if (!open_snapshot(folder, shard, false, &unpack, &rdb, err))
		return false;
	bool fine = true;
	while (fine && record.kind != ROP_RDB_END) {
		fine = rop_rdb_next(rdb, &record, err) && (record.kind != ROP_RDB_KEY || take(arg, &record, err));
		progress->bytes = (int64_t)rop_rdb_bytes(rdb);
		progress->keys += record.kind == ROP_RDB_KEY;
	}
	rop_rdb_free(rdb);
	unpack_close(unpack);
	return fine;
}

struct counting {
	int64_t wall_ms, *keys;
};

static bool count_key(void *arg, const struct rop_rdb_record *key, struct rop_err *err)
{
	struct counting *c = arg;
	(void)err;
	if (key->expires_ms < 0 || key->expires_ms > c->wall_ms)
		c->keys[rop_key_slot(key->name, key->name_n)]++;
	return true;
}

bool feed_count_later(const char *folder, const struct rop_backup_shard *shard, int64_t wall_ms, int64_t *ret_keys,
		      struct rop_err *err)
{
	struct counting counting = { .wall_ms = wall_ms, .keys = ret_keys };
	struct progress progress = { 0 };
	return feed_names(folder, shard, count_key, &counting, &progress, err);
}
