/* proof.c - is a backup what its manifest says? Every byte and every record of it is read. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "manifest.h"
#include "rop/loop.h"
#include "tally.h"
#include "unpack.h"

#define AT_A_TIME 4 /* it is the processor's work */

struct proving {
	const char *folder;
	const struct rop_backup *backup;
	void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n);
	void *arg;
	struct progress *progress;
	struct rop_err *found; /* [shard] what is wrong; code OK: nothing */
	int64_t *keys, *bytes;
};

static bool is_told(const char *what, int64_t is, int64_t told, struct rop_err *err)
{
	return is == told || rop_fail(err, ROP_FAIL, "it has %lld %s, and the manifest says %lld", (long long)is, what,
				      (long long)told);
}

static bool as_told(const struct rop_backup_shard *shard, const struct tally *tally, const struct rop_rdb *rdb,
		    struct rop_err *err)
{
	return is_told("keys", tally->keys, shard->keys, err) &&
	       is_told("keys that expire", tally->expiring, shard->expiring, err) &&
	       is_told("functions", tally->functions, shard->functions, err) &&
	       is_told("bytes", (int64_t)rop_rdb_bytes(rdb), shard->bytes, err) &&
	       is_told("as its RDB version", rop_rdb_version(rdb), shard->rdb_version, err) &&
	       is_told("as the fork of its server", rop_rdb_is_valkey(rdb), shard->valkey, err) &&
	       is_told("checksums", rop_rdb_has_checksum(rdb), shard->checksum, err);
}

/* *ret_stopped: not its fault. */
static bool read_records(struct proving *p, size_t i, struct rop_rdb *rdb, struct crew *crew, struct tally *tally,
			 bool *ret_stopped, struct rop_err *err)
{
	for (struct rop_rdb_record record = { 0 }; record.kind != ROP_RDB_END;) {
		if ((tally->keys & 1023) == 0 && crew_stopped(crew, err)) {
			*ret_stopped = true;
			return false;
		}
		if (!rop_rdb_next(rdb, &record, err) || !tally_add(tally, &record, err))
			return false;
		p->progress[i].keys = tally->keys;
		p->progress[i].bytes = (int64_t)rop_rdb_bytes(rdb);
	}
	return true;
}

static bool digest_fits(struct unpack *unpack, const struct rop_backup_shard *shard, struct rop_err *err)
{
	char sha256[ROP_SHA256_SIZE];
	int64_t stored;
	if (!unpack_end(unpack, sha256, &stored, err))
		return false;
	if (!is_told("stored bytes", stored, shard->stored, err))
		return false;
	return strcmp(sha256, shard->sha256) == 0 ||
	       rop_fail(err, ROP_FAIL, "its SHA-256 is %s, and the manifest says %s", sha256, shard->sha256);
}

static bool prove(struct proving *p, size_t i, struct crew *crew, bool *ret_stopped, struct rop_err *err)
{
	const struct rop_backup_shard *shard = &p->backup->shards.at[i];
	struct unpack *unpack;
	struct tally tally = { 0 };
	*ret_stopped = false;
	if (!rop_slots_parse(shard->slots, &tally.slots) || !unpack_open(p->folder, shard->file, &unpack, err))
		return false;
	struct rop_rdb *rdb = rop_rdb_new(&(struct rop_rdb_input){ .more = unpack_more, .arg = unpack }, false);
	bool fine = read_records(p, i, rdb, crew, &tally, ret_stopped, err) && digest_fits(unpack, shard, err) &&
		    as_told(shard, &tally, rdb, err);
	p->keys[i] = tally.keys;
	p->bytes[i] = (int64_t)rop_rdb_bytes(rdb);
	rop_rdb_free(rdb);
	unpack_close(unpack);
	return fine;
}

/* What is wrong with one shard ends nothing: the others are looked at too. */
static bool work(void *arg, size_t i, struct crew *crew, struct rop_err *err)
{
	struct proving *p = arg;
	bool stopped = false;
	p->progress[i].phase = ROP_BACKUP_RUNS;
	bool fine = prove(p, i, crew, &stopped, &p->found[i]);
	p->progress[i].phase = ROP_BACKUP_DONE;
	if (stopped)
		return rop_fail(err, ROP_FAIL, "stopped");
	if (!fine && p->found[i].code == ROP_OK)
		rop_fail(&p->found[i], ROP_FAIL, "it cannot be read");
	return true;
}

static void tick(void *arg)
{
	const struct proving *p = arg;
	progress_tell(p->progress, p->backup, p->tell, p->arg);
}

static bool write_down(const char *path, const struct rop_backup *backup, struct rop_err *err)
{
	int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (folder < 0)
		return rop_fail(err, ROP_FAIL, "%s: %s", path, strerror(errno));
	bool fine = manifest_write_verified(folder, path, backup, rop_wall_ms(), err);
	close(folder);
	return fine || rop_wrap(err, "it is sound, and that cannot be written down");
}

bool rop_backup_verify(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
		       void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n), void *arg,
		       struct rop_proofs *ret_proofs, struct rop_err *err)
{
	size_t n = backup->shards.n;
	struct proving p = { .folder = folder,
			     .backup = backup,
			     .tell = tell,
			     .arg = arg,
			     .progress = rop_alloc_n(arena, n + 1, sizeof *p.progress),
			     .found = rop_alloc_n(arena, n + 1, sizeof *p.found),
			     .keys = rop_alloc_n(arena, n + 1, sizeof *p.keys),
			     .bytes = rop_alloc_n(arena, n + 1, sizeof *p.bytes) };
	struct crew_job job = { .n = n, .at_a_time = AT_A_TIME, .work = work, .tick = tick, .arg = &p };
	struct rop_proofs proofs = { .at = rop_alloc_n(arena, n + 1, sizeof *proofs.at), .n = n };
	if (!crew_run(&job, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		bool fine = p.found[i].code == ROP_OK;
		proofs.bad += !fine;
		proofs.at[i] = (struct rop_proof){ .number = backup->shards.at[i].number,
						   .trouble = fine ? NULL : rop_strdup(arena, p.found[i].text),
						   .keys = p.keys[i],
						   .bytes = p.bytes[i] };
	}
	if (!proofs.bad && !write_down(folder, backup, err))
		return false;
	*ret_proofs = proofs;
	return true;
}
