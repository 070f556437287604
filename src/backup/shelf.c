/* shelf.c - the backups that a folder holds; which go when only some are to be kept; and how one goes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "manifest.h"

#define DAY_MS ((int64_t)86400000)

static int newest_first(const void *a, const void *b)
{
	const struct rop_backup_entry *one = a, *other = b;
	if (one->whole != other->whole)
		return one->whole ? -1 : 1;
	if (one->whole && one->backup.begun_ms != other->backup.begun_ms)
		return one->backup.begun_ms > other->backup.begun_ms ? -1 : 1;
	return strcmp(other->name, one->name);
}

bool rop_backup_look(struct rop_arena *arena, const char *folder, struct rop_backup_entry *ret_entry,
		     struct rop_err *err)
{
	struct rop_backup_entry entry = { .name = folder, .path = folder, .whole = true };
	if (!rop_backup_load(arena, folder, &entry.backup, err))
		return false;
	entry.verified_ms = manifest_verified_ms(folder, &entry.backup);
	entry.drilled_ms = rop_backup_drilled_ms(arena, folder, &entry.backup, &entry.drilled);
	*ret_entry = entry;
	return true;
}

static void add(struct rop_arena *arena, const char *folder, const char *name, struct rop_backup_list *list)
{
	struct rop_backup_entry entry = { .name = rop_strdup(arena, name),
					  .path = rop_printf(arena, "%s/%s", folder, name) };
	struct rop_err err = { 0 };
	struct stat st;
	if (*name == '.' || lstat(entry.path, &st) != 0 || !S_ISDIR(st.st_mode))
		return;
	if (!rop_backup_look(arena, entry.path, &entry, &err))
		entry.why_not = rop_strdup(arena, err.text);
	entry.name = rop_strdup(arena, name);
	*rop_push(arena, &list->at) = entry;
}

bool rop_backup_list(struct rop_arena *arena, const char *folder, struct rop_backup_list *ret_list, struct rop_err *err)
{
	struct rop_backup_list list = { 0 };
	DIR *dir = opendir(folder);
	if (!dir)
		return rop_fail(err, errno == ENOENT ? ROP_INVALID : ROP_FAIL, "cannot read the folder %s: %s", folder,
				strerror(errno));
	errno = 0;
	for (struct dirent *each; (each = readdir(dir));)
		add(arena, folder, each->d_name, &list);
	closedir(dir);
	if (list.at.n)
		qsort(list.at.at, list.at.n, sizeof *list.at.at, newest_first);
	*ret_list = list;
	return true;
}

/* ---- which go --------------------------------------------------------------------------------------------------- */

static bool same_cluster(const struct rop_backup_list *list, size_t a, size_t b)
{
	return strcmp(list->at.at[a].backup.cluster, list->at.at[b].backup.cluster) == 0;
}

/* The list is the newest first: what came before it is newer. */
static bool is_kept(const struct rop_backup_list *list, size_t i, int64_t last, int64_t daily)
{
	const struct rop_backup_entry *entry = &list->at.at[i];
	int64_t newer = 0, days = 0, day = entry->backup.begun_ms / DAY_MS, day_before = -1;
	bool newer_verified = false, any_verified = false, newest_of_day = true;
	for (size_t j = 0; j < list->at.n; j++) {
		const struct rop_backup_entry *other = &list->at.at[j];
		if (!other->whole || !same_cluster(list, i, j))
			continue;
		any_verified = any_verified || other->verified_ms;
		if (j >= i)
			continue;
		newer++;
		newer_verified = newer_verified || other->verified_ms;
		int64_t others_day = other->backup.begun_ms / DAY_MS;
		newest_of_day = newest_of_day && others_day != day;
		days += others_day != day_before;
		day_before = others_day;
	}
	if (newer < last || (newest_of_day && days < daily))
		return true;
	return any_verified ? entry->verified_ms && !newer_verified : newer == 0;
}

void rop_backup_prune_choose(const struct rop_backup_list *list, int64_t last, int64_t daily, bool *ret_goes)
{
	for (size_t i = 0; i < list->at.n; i++)
		ret_goes[i] = list->at.at[i].whole && !is_kept(list, i, last, daily);
}

/* ---- how one goes ----------------------------------------------------------------------------------------------- */

static bool gone(int folder, const char *name, const char *path, struct rop_err *err)
{
	return unlinkat(folder, name, 0) == 0 || errno == ENOENT ||
	       rop_fail(err, ROP_FAIL, "cannot remove %s/%s: %s", path, name, strerror(errno));
}

/* Only what a manifest names, and what is ours beside it: a folder with anything else in it stays. */
bool rop_backup_remove(const struct rop_backup_entry *entry, struct rop_err *err)
{
	const struct rop_backup *backup = &entry->backup;
	int folder = open(entry->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (folder < 0)
		return rop_fail(err, ROP_FAIL, "%s: %s", entry->path, strerror(errno));
	bool fine = gone(folder, ROP_BACKUP_MANIFEST, entry->path, err);
	if (fine && fsync(folder) != 0)
		fine = rop_fail(err, ROP_FAIL, "cannot sync %s: %s", entry->path, strerror(errno));
	for (size_t i = 0; fine && i < backup->shards.n; i++)
		fine = gone(folder, backup->shards.at[i].file, entry->path, err);
	fine = fine && gone(folder, MANIFEST_VERIFIED, entry->path, err) &&
	       gone(folder, MANIFEST_DRILLED, entry->path, err);
	close(folder);
	return fine && (rmdir(entry->path) == 0 ||
			rop_fail(err, ROP_FAIL, "cannot remove %s: %s", entry->path, strerror(errno)));
}
