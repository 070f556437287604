/* drill.c - does a backup come back? A server that loads a snapshot by itself, and one that was given it by us, must
 * hold the same: each key's type, value (by the servers' own digest of it) and expiry.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crew.h"
#include "feed.h"
#include "manifest.h"
#include "piece.h"
#include "rop/loop.h"
#include "target.h"
#include "unpack.h"

#define AT_A_TIME 4
#define PIECE_KEYS 256
#define DIGEST_SIZE 41
#define NO_KEY "0000000000000000000000000000000000000000"

/* ---- the snapshot as a server loads it -------------------------------------------------------------------------- */

static bool write_all(int fd, const char *path, const uint8_t *bytes, size_t n, struct rop_err *err)
{
	for (size_t done = 0; done < n;) {
		ssize_t written = write(fd, bytes + done, n - done);
		if (written < 0 && errno != EINTR)
			return rop_fail(err, ROP_FAIL, "cannot write %s: %s", path, strerror(errno));
		done += written > 0 ? (size_t)written : 0;
	}
	return true;
}

static bool copy(struct unpack *unpack, const struct rop_backup_shard *shard, int fd, const char *path,
		 struct rop_err *err)
{
	char sha256[ROP_SHA256_SIZE];
	int64_t stored;
	const uint8_t *at;
	ptrdiff_t n;
	while ((n = unpack_more(unpack, &at, err)) > 0)
		if (!write_all(fd, path, at, (size_t)n, err))
			return false;
	if (n < 0 || !unpack_end(unpack, sha256, &stored, err))
		return false;
	return strcmp(sha256, shard->sha256) == 0 ||
	       rop_fail(err, ROP_FAIL, "%s is not what the manifest says (`redis-operator backup verify` tells)",
			shard->file);
}

bool rop_backup_unpack(const char *folder, const struct rop_backup_shard *shard, const char *path, struct rop_err *err)
{
	struct unpack *unpack;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return rop_fail(err, ROP_FAIL, "cannot create %s: %s", path, strerror(errno));
	bool fine = unpack_open(folder, shard->file, &unpack, err);
	if (fine) {
		fine = copy(unpack, shard, fd, path, err);
		unpack_close(unpack);
	}
	if (close(fd) != 0 && fine)
		fine = rop_fail(err, ROP_FAIL, "cannot write %s: %s", path, strerror(errno));
	return fine;
}

/* ---- compared --------------------------------------------------------------------------------------------------- */

struct comparing {
	const char *folder;
	const struct rop_backup *backup;
	const struct rop_restore_options *options;
	struct rop_restore_options loaders;
	struct progress *progress;
	int64_t *keys, *expired;
};

struct pair { /* of one shard: [0] loaded it by itself, [1] was given it */
	struct rop_talk *talks[2];
	struct piece piece;
	int64_t keys, expired;
};

struct told {
	char digest[DIGEST_SIZE];
	int64_t expires_ms; /* -1: never; -2: there is no such key */
};

static void ask(struct rop_talk *talk, const struct piece *piece)
{
	for (size_t i = 0; i < piece->n; i++) {
		rop_talk_begin(talk, 3);
		rop_talk_text(talk, "DEBUG");
		rop_talk_text(talk, "DIGEST-VALUE");
		rop_talk_word(talk, piece_name(piece, i), piece->at[i].name_n);
		rop_talk_begin(talk, 2);
		rop_talk_text(talk, "PEXPIRETIME");
		rop_talk_word(talk, piece_name(piece, i), piece->at[i].name_n);
	}
}

static bool take(struct rop_talk *talk, struct told *ret, struct rop_err *err)
{
	char line[256];
	struct rop_talk_reply reply;
	if (!rop_talk_line(talk, line, sizeof line, err))
		return false;
	if (strcmp(line, "*1") != 0)
		return rop_fail(err, ROP_FAIL, "DEBUG DIGEST-VALUE is answered with '%s'", line);
	if (!rop_talk_reply(talk, &reply, err))
		return false;
	if (reply.n != DIGEST_SIZE - 1)
		return rop_fail(err, ROP_FAIL, "DEBUG DIGEST-VALUE gives no digest");
	memcpy(ret->digest, reply.text, DIGEST_SIZE);
	if (!rop_talk_reply(talk, &reply, err))
		return false;
	ret->expires_ms = reply.number;
	return reply.kind == ':' || rop_talk_refused(talk, "PEXPIRETIME", &reply, err);
}

static bool differ(const struct piece *piece, size_t i, const char *how, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	return rop_fail(err, ROP_FAIL, "key '%s' %s", piece_visible(arena, piece, i), how);
}

/* What expires on the way says nothing. */
static bool is_same(struct pair *pair, size_t i, const struct told *loaded, const struct told *given,
		    struct rop_err *err)
{
	const struct piece *piece = &pair->piece;
	int64_t expires_ms = piece->at[i].expires_ms;
	if (expires_ms >= 0 && expires_ms <= rop_wall_ms()) {
		pair->expired++;
		return true;
	}
	pair->keys++;
	if (strcmp(loaded->digest, NO_KEY) == 0)
		return differ(piece, i, "is not there where the server loaded the snapshot by itself", err);
	if (strcmp(given->digest, NO_KEY) == 0)
		return differ(piece, i, "is not there where it was restored", err);
	if (strcmp(loaded->digest, given->digest) != 0)
		return differ(piece, i, "has another value where it was restored", err);
	return (loaded->expires_ms == given->expires_ms && loaded->expires_ms == expires_ms) ||
	       differ(piece, i, "expires at another time where it was restored", err);
}

static bool compare_piece(struct pair *pair, struct rop_err *err)
{
	for (size_t side = 0; side < 2; side++) {
		ask(pair->talks[side], &pair->piece);
		if (!rop_talk_flush(pair->talks[side], err))
			return false;
	}
	for (size_t i = 0; i < pair->piece.n; i++) {
		struct told loaded, given;
		if (!take(pair->talks[0], &loaded, err) || !take(pair->talks[1], &given, err) ||
		    !is_same(pair, i, &loaded, &given, err))
			return false;
	}
	piece_clear(&pair->piece);
	return true;
}

static bool compare_key(void *arg, const struct rop_rdb_record *record, struct rop_err *err)
{
	struct pair *pair = arg;
	piece_add(&pair->piece, record, false);
	return pair->piece.n < PIECE_KEYS || compare_piece(pair, err);
}

/* All that we read was there: is there more, that we did not read? */
static bool holds_no_more(struct pair *pair, const struct rop_backup_shard *shard, struct rop_err *err)
{
	struct rop_talk_reply reply;
	if (!rop_talk_ask(pair->talks[0], "DBSIZE", &reply, err))
		return false;
	if (reply.kind != ':')
		return rop_talk_refused(pair->talks[0], "DBSIZE", &reply, err);
	/* What has expired is maybe not deleted yet. */
	return reply.number <= pair->keys + pair->expired ||
	       rop_fail(err, ROP_FAIL, "the server reads %lld keys in %s, and we read %lld", (long long)reply.number,
			shard->file, (long long)(pair->keys + pair->expired));
}

static bool compare_shard(struct comparing *c, size_t i, struct crew *crew, struct rop_err *err)
{
	const struct rop_backup_shard *shard = &c->backup->shards.at[i];
	struct pair pair = { 0 };
	struct rop_talk_options loads = target_talk(&c->loaders, i, crew_stop_fd(crew));
	struct rop_talk_options given = target_talk(c->options, i, crew_stop_fd(crew));
	bool fine = rop_talk_open(&loads, &pair.talks[0], err) && rop_talk_open(&given, &pair.talks[1], err) &&
		    feed_names(c->folder, shard, compare_key, &pair, &c->progress[i], err) &&
		    compare_piece(&pair, err) && holds_no_more(&pair, shard, err);
	rop_talk_close(pair.talks[0]);
	rop_talk_close(pair.talks[1]);
	piece_done(&pair.piece);
	c->keys[i] = pair.keys;
	c->expired[i] = pair.expired;
	return fine || rop_wrap(err, "shard %d", shard->number);
}

static bool work(void *arg, size_t i, struct crew *crew, struct rop_err *err)
{
	struct comparing *c = arg;
	c->progress[i].phase = ROP_BACKUP_RUNS;
	bool fine = compare_shard(c, i, crew, err);
	c->progress[i].phase = ROP_BACKUP_DONE;
	return fine;
}

static void tick(void *arg)
{
	const struct comparing *c = arg;
	progress_tell(c->progress, c->backup, c->options->tell, c->options->arg);
}

bool rop_backup_compare(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
			const struct rop_restore_target *loaders, const struct rop_restore_options *options,
			struct rop_drill_result *ret_result, struct rop_err *err)
{
	size_t n = backup->shards.n;
	struct comparing c = { .folder = folder,
			       .backup = backup,
			       .options = options,
			       .loaders = *options,
			       .progress = rop_alloc_n(arena, n + 1, sizeof *c.progress),
			       .keys = rop_alloc_n(arena, n + 1, sizeof *c.keys),
			       .expired = rop_alloc_n(arena, n + 1, sizeof *c.expired) };
	struct crew_job job = { .n = n, .at_a_time = AT_A_TIME, .work = work, .tick = tick, .arg = &c };
	struct rop_drill_result result = { 0 };
	c.loaders.targets = loaders;
	if (!crew_run(&job, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		result.keys += c.keys[i];
		result.expired += c.expired[i];
	}
	*ret_result = result;
	return true;
}
