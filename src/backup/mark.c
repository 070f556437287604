/* mark.c - that a restore was begun and is not over: a file beside the database, CLUSTER.restore. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "manifest.h"
#include "sink.h"

static const char *folder_of(struct rop_arena *arena, const char *state_path)
{
	const char *slash = strrchr(state_path, '/');
	if (!slash)
		return ".";
	return slash == state_path ? "/" : rop_strndup(arena, state_path, (size_t)(slash - state_path));
}

static const char *name_of(struct rop_arena *arena, const char *cluster)
{
	return rop_printf(arena, "%s.restore", cluster);
}

static int open_folder(const char *where, struct rop_err *err)
{
	int fd = open(where, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		rop_fail(err, ROP_FAIL, "%s: %s", where, strerror(errno));
	return fd;
}

static bool take(struct rop_arena *arena, json_t *json, struct rop_restore_mark *mark)
{
	const char *backup = json_string_value(json_object_get(json, "backup"));
	const char *folder = json_string_value(json_object_get(json, "folder"));
	json_t *nodes = json_object_get(json, "nodes"), *node;
	size_t i;
	if (!backup || strlen(backup) != ROP_SHA256_SIZE - 1 || !folder || !json_is_array(nodes))
		return false;
	memcpy(mark->backup, backup, ROP_SHA256_SIZE);
	mark->folder = rop_strdup(arena, folder);
	mark->begun_ms = json_integer_value(json_object_get(json, "begun_ms"));
	json_array_foreach(nodes, i, node) if (json_is_string(node)) *
		rop_push(arena, &mark->nodes) = rop_strdup(arena, json_string_value(node));
	return true;
}

bool rop_restore_mark_read(struct rop_arena *arena, const char *state_path, const char *cluster,
			   struct rop_restore_mark *ret_mark, struct rop_err *err)
{
	struct rop_restore_mark mark = { 0 };
	const char *path = rop_printf(arena, "%s/%s", folder_of(arena, state_path), name_of(arena, cluster));
	json_error_t error;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno != ENOENT)
		return rop_fail(err, ROP_FAIL, "%s: %s", path, strerror(errno));
	if (fd >= 0) {
		json_t *json = json_loadfd(fd, JSON_REJECT_DUPLICATES, &error);
		bool fine = take(arena, json, &mark);
		json_decref(json);
		close(fd);
		if (!fine)
			return rop_fail(
				err, ROP_FAIL,
				"%s is damaged: it said which restore was begun\n  -> remove it, and empty the cluster",
				path);
	}
	*ret_mark = mark;
	return true;
}

bool rop_restore_mark_write(const char *state_path, const char *cluster, const struct rop_restore_mark *mark,
			    struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const char *where = folder_of(arena, state_path), *name = name_of(arena, cluster);
	json_t *nodes = json_array();
	int folder = open_folder(where, err);
	for (size_t i = 0; i < mark->nodes.n; i++)
		json_array_append_new(nodes, json_string(mark->nodes.at[i]));
	json_t *json = json_pack("{s:s, s:s, s:s, s:I, s:o}", "format_version", ROP_BACKUP_FORMAT, "backup",
				 mark->backup, "folder", mark->folder, "begun_ms", (json_int_t)mark->begun_ms, "nodes",
				 nodes);
	bool fine = folder >= 0;
	if (fine) {
		unlinkat(folder, rop_printf(arena, "%s" SINK_PART, name), 0); /* of one that was killed here */
		fine = manifest_write_json(folder, where, name, json, err);
		close(folder);
	}
	json_decref(json);
	return fine;
}

bool rop_restore_mark_remove(const char *state_path, const char *cluster, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const char *where = folder_of(arena, state_path), *name = name_of(arena, cluster);
	int folder = open_folder(where, err);
	if (folder < 0)
		return false;
	bool fine = unlinkat(folder, name, 0) == 0 || errno == ENOENT ||
		    rop_fail(err, ROP_FAIL, "cannot remove %s/%s: %s", where, name, strerror(errno));
	fine = fine && folder_sync(folder, where, err);
	close(folder);
	return fine;
}
