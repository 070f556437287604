/* take.c - a backup: all shards at once, each on a thread of its own; the manifest last. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "crew.h"
#include "moment.h"
#include "manifest.h"
#include "rop/io.h"
#include "rop/loop.h"
#include "sink.h"
#include "snapshot.h"

#define AT_A_TIME 16
#define NAMES_TRIED 100 /* of backups begun in the same second */

struct taking {
	const struct rop_backup_options *options;
	const struct rop_snapshots *snapshots;
	int folder; /* descriptor */
	const char *path;
	struct rop_arena **arenas; /* [shard]: of its thread */
	struct rop_backup_shard *taken;
	struct progress *progress;
	struct moment *moment; /* NULL: each shard has a moment of its own */
};

/* ---- its folder ------------------------------------------------------------------------------------------------- */

static const char *name_of(struct rop_arena *arena, const char *cluster, int64_t wall_ms, int try)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char text[32];
	gmtime_r(&seconds, &tm);
	strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &tm);
	return try ? rop_printf(arena, "%s-%s-%d", cluster, text, try + 1) : rop_printf(arena, "%s-%s", cluster, text);
}

static bool make_folder(struct rop_arena *arena, struct taking *t, int64_t wall_ms, struct rop_err *err)
{
	char *to = rop_strdup(arena, t->options->to);
	if (!rop_make_folders(to))
		return rop_fail(err, ROP_FAIL, "cannot make the folder %s: %s", to, strerror(errno));
	for (int i = 0; i < NAMES_TRIED; i++) {
		t->path = rop_printf(arena, "%s/%s", t->options->to, name_of(arena, t->options->cluster, wall_ms, i));
		if (mkdir(t->path, 0700) == 0) {
			t->folder = open(t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
			return t->folder >= 0 || rop_fail(err, ROP_FAIL, "%s: %s", t->path, strerror(errno));
		}
		if (errno != EEXIST)
			break;
	}
	return rop_fail(err, ROP_FAIL, "cannot make the folder %s: %s", t->path, strerror(errno));
}

/* What was made of it is nobody's. */
static void remove_all(const struct taking *t)
{
	for (size_t i = 0; i < t->snapshots->shards.n; i++)
		if (t->taken[i].file)
			unlinkat(t->folder, t->taken[i].file, 0);
	unlinkat(t->folder, ROP_BACKUP_MANIFEST, 0);
	rmdir(t->path);
}

/* ---- the work --------------------------------------------------------------------------------------------------- */

static bool work(void *arg, size_t i, struct crew *crew, struct rop_err *err)
{
	struct taking *t = arg;
	struct snapshot_job job = { .options = t->options,
				    .shard = &t->snapshots->shards.at[i],
				    .folder = t->folder,
				    .where = t->path,
				    .progress = &t->progress[i],
				    .crew = crew,
				    .moment = t->moment };
	t->progress[i].phase = ROP_BACKUP_RUNS;
	if (crew_stopped(crew, err) || !snapshot_take(t->arenas[i], &job, &t->taken[i], err))
		return false;
	t->progress[i].phase = ROP_BACKUP_DONE;
	return true;
}

static void tick(void *arg)
{
	struct taking *t = arg;
	size_t n = t->snapshots->shards.n;
	if (!t->options->tell)
		return;
	struct rop_backup_progress *told = rop_malloc((n + 1) * sizeof *told);
	for (size_t i = 0; i < n; i++)
		told[i] = (struct rop_backup_progress){ .number = t->snapshots->shards.at[i].number,
							.phase = (enum rop_backup_phase)t->progress[i].phase,
							.bytes = t->progress[i].bytes,
							.keys = t->progress[i].keys };
	t->options->tell(t->options->arg, told, n);
	free(told);
}

/* Out of the arena of its thread. */
static struct rop_backup_shard copy(struct rop_arena *arena, const struct rop_backup_shard *shard)
{
	struct rop_backup_shard own = *shard;
	own.slots = rop_strdup(arena, shard->slots);
	own.replid = rop_strdup(arena, shard->replid);
	own.file = rop_strdup(arena, shard->file);
	return own;
}

/* Those that wait for each other are all at work. */
static size_t at_a_time(const struct taking *t)
{
	if (t->moment)
		return t->snapshots->shards.n;
	return t->options->at_a_time ? (size_t)t->options->at_a_time : AT_A_TIME;
}

static bool take_all(struct rop_arena *arena, struct taking *t, struct rop_backup *ret, struct rop_err *err)
{
	size_t n = t->snapshots->shards.n;
	struct crew_job job = { .n = n, .at_a_time = at_a_time(t), .work = work, .tick = tick, .arg = t };
	for (size_t i = 0; i < n; i++)
		t->arenas[i] = rop_arena_new();
	bool fine = crew_run(&job, err);
	for (size_t i = 0; i < n; i++) {
		if (fine)
			*rop_push(arena, &ret->shards) = copy(arena, &t->taken[i]);
		else if (t->taken[i].file)
			t->taken[i] = copy(arena, &t->taken[i]); /* to be removed */
		rop_arena_free(t->arenas[i]);
	}
	return fine;
}

static bool seal(struct taking *t, struct rop_backup *backup, struct rop_err *err)
{
	if (t->options->confirm && !t->options->confirm(t->options->arg, err))
		return false;
	backup->ended_ms = rop_wall_ms();
	if (!folder_sync(t->folder, t->path, err) || !manifest_write(t->folder, t->path, backup, err))
		return false;
	/* The folder itself is an entry of another one. */
	int above = open(t->options->to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool fine = above >= 0 ? folder_sync(above, t->options->to, err)
			       : rop_fail(err, ROP_FAIL, "%s: %s", t->options->to, strerror(errno));
	if (above >= 0)
		close(above);
	return fine;
}

bool rop_backup_take(struct rop_arena *arena, const struct rop_backup_options *options,
		     const struct rop_snapshots *snapshots, struct rop_backup *ret_backup, const char **ret_folder,
		     struct rop_err *err)
{
	size_t n = snapshots->shards.n;
	struct taking t = { .options = options,
			    .snapshots = snapshots,
			    .folder = -1,
			    .arenas = rop_alloc_n(arena, n + 1, sizeof *t.arenas),
			    .taken = rop_alloc_n(arena, n + 1, sizeof *t.taken),
			    .progress = rop_alloc_n(arena, n + 1, sizeof *t.progress) };
	struct rop_backup backup = { .cluster = options->cluster,
				     .program = options->program,
				     .topology = options->topology,
				     .topology_digest = options->topology_digest,
				     .compressed = options->compress,
				     .begun_ms = rop_wall_ms() };
	if (!make_folder(arena, &t, backup.begun_ms, err))
		return false;
	if (options->max_pause_ms > 0)
		t.moment = moment_new(n, options->max_pause_ms);
	bool fine = take_all(arena, &t, &backup, err);
	if (t.moment) {
		backup.consistent = true;
		backup.paused_us = moment_pause_us(t.moment);
		moment_free(t.moment);
	}
	fine = fine && seal(&t, &backup, err);
	if (!fine)
		remove_all(&t);
	close(t.folder);
	if (!fine)
		return false;
	*ret_backup = backup;
	*ret_folder = t.path;
	return true;
}
