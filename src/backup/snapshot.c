/* snapshot.c - one shard's snapshot, from a server into a file.
 *
 * Each byte goes three ways as it comes: through the reader of records, which checks and counts, into the file, and
 * into the digests. A source that fails in the middle is followed by the next one, from the beginning.
 */
#include "snapshot.h"

#include <string.h>

#include "resync.h"
#include "rop/loop.h"
#include "rop/rdb.h"
#include "sink.h"
#include "still.h"

#define PATIENCE_MS \
	15000 /* nothing comes for so long: it stalls. Servers that wait for something say so every second */

struct taking {
	struct resync *resync;
	struct sink *sink;
	struct progress *progress;
};

static ptrdiff_t more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	struct taking *t = arg;
	ptrdiff_t n = resync_more(t->resync, ret_at, err);
	if (n <= 0)
		return n;
	t->progress->bytes += n;
	return sink_put(t->sink, *ret_at, (size_t)n, err) ? n : -1;
}

static bool records(struct rop_rdb *rdb, struct tally *tally, struct progress *progress, struct rop_err *err)
{
	for (struct rop_rdb_record record = { 0 }; record.kind != ROP_RDB_END;) {
		if (!rop_rdb_next(rdb, &record, err) || !tally_add(tally, &record, err))
			return false;
		progress->keys = tally->keys;
	}
	return true;
}

static bool read_all(const struct snapshot_job *job, struct taking *t, struct rop_backup_shard *ret,
		     struct rop_err *err)
{
	struct rop_rdb *rdb = rop_rdb_new(&(struct rop_rdb_input){ .more = more, .arg = t }, false);
	struct tally tally = { .slots = job->shard->slots };
	bool fine = records(rdb, &tally, job->progress, err) && resync_end(t->resync, err);
	ret->bytes = (int64_t)rop_rdb_bytes(rdb);
	ret->rdb_version = rop_rdb_version(rdb);
	ret->valkey = rop_rdb_is_valkey(rdb);
	ret->checksum = rop_rdb_has_checksum(rdb);
	ret->keys = tally.keys;
	ret->expiring = tally.expiring;
	ret->functions = tally.functions;
	rop_rdb_free(rdb);
	return fine;
}

static bool to_file(struct rop_arena *arena, const struct snapshot_job *job, struct taking *t,
		    struct rop_backup_shard *ret, struct rop_err *err)
{
	ret->file = rop_printf(arena, "shard-%d.rdb%s", job->shard->number, job->options->compress ? ".zst" : "");
	if (!sink_open(job->folder, job->where, ret->file, job->options->compress, &t->sink, err))
		return false;
	if (!read_all(job, t, ret, err)) {
		sink_drop(t->sink);
		return false;
	}
	ret->ended_ms = rop_wall_ms();
	return sink_close(t->sink, ret->sha256, &ret->stored, err);
}

static struct rop_talk_options talk_with(const struct snapshot_job *job, const struct rop_snapshot_source *node)
{
	const struct rop_backup_options *options = job->options;
	int64_t timeout_ms = options->command_timeout_ms > PATIENCE_MS ? options->command_timeout_ms : PATIENCE_MS;
	return (struct rop_talk_options){ .address = node->address,
					  .ip = node->ip,
					  .port = node->port,
					  .user = options->user,
					  .password = options->password,
					  .client_name = options->client_name,
					  .connect_timeout_ms = options->connect_timeout_ms,
					  .timeout_ms = timeout_ms,
					  .stop_fd = crew_stop_fd(job->crew) };
}

static bool hook_before(void *arg, struct rop_talk *source, struct rop_err *err)
{
	return still_before(arg, source, err);
}

static bool hook_begun(void *arg, struct rop_talk *source, int64_t offset, struct rop_err *err)
{
	return still_begun(arg, source, offset, err);
}

/* Writes go on when it has begun, whatever becomes of it. */
bool snapshot_begin(const struct snapshot_job *job, const struct rop_snapshot_source *from, struct resync **ret,
		    struct rop_err *err)
{
	struct rop_talk_options talk = talk_with(job, from);
	if (!job->moment)
		return resync_open(&talk, from->flavour, NULL, ret, err);
	const struct rop_snapshot *shard = job->shard;
	struct rop_talk_options primary = talk_with(job, &shard->sources.at[shard->sources.n - 1]);
	struct still *still;
	if (!still_open(&primary, from->replica, job->moment, job->crew, &still, err))
		return false;
	const struct resync_hooks hooks = { .before = hook_before, .begun = hook_begun, .arg = still };
	bool fine = resync_open(&talk, from->flavour, &hooks, ret, err) || moment_failed(job->moment, err);
	still_close(still);
	return fine;
}

static bool take_from(struct rop_arena *arena, const struct snapshot_job *job, const struct rop_snapshot_source *from,
		      struct rop_backup_shard *ret, struct rop_err *err)
{
	struct taking t = { .progress = job->progress };
	job->progress->bytes = job->progress->keys = 0;
	if (!snapshot_begin(job, from, &t.resync, err))
		return false;
	ret->begun_ms = rop_wall_ms();
	ret->node = from->id;
	ret->address = from->address;
	ret->from_replica = from->replica;
	ret->server = from->flavour;
	ret->replid = rop_strdup(arena, resync_replid(t.resync));
	ret->offset = resync_offset(t.resync);
	bool fine = to_file(arena, job, &t, ret, err);
	resync_close(t.resync);
	return fine || rop_wrap(err, "the snapshot of %s", from->address);
}

/* Of several sources, what became of each. A moment of all shards does not come again: then there is just one. */
bool snapshot_take(struct rop_arena *arena, const struct snapshot_job *job, struct rop_backup_shard *ret_shard,
		   struct rop_err *err)
{
	const struct rop_snapshot *shard = job->shard;
	ROP_OWN_TEXT reasons = { 0 };
	enum rop_code code = ROP_FAIL;
	for (size_t i = 0; i < (job->moment ? 1 : shard->sources.n); i++) {
		struct rop_backup_shard taken = { .number = shard->number,
						  .slots = rop_slots_text(arena, &shard->slots) };
		struct rop_err failed = { 0 };
		if (take_from(arena, job, &shard->sources.at[i], &taken, &failed)) {
			*ret_shard = taken;
			return true;
		}
		rop_text_add(&reasons, "%s%s", i ? "; " : "", failed.text);
		code = failed.code;
	}
	return rop_fail(err, code, "shard %d: %s", shard->number, reasons.at);
}
