/* manifest_load.c - a manifest read back: nothing of it is believed that was not checked. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "manifest.h"
#include "manifest_json.h"
#include "rop/io.h"
#include "rop/text.h"

#define MANIFEST_BYTES_MAX ((size_t)8 << 20)
#define NUMBER_MAX ((int64_t)1 << 53)

struct loading {
	struct rop_arena *arena;
	const char *path;
	struct rop_err *err;
};

static bool bad(const struct loading *l, const char *what)
{
	return rop_fail(l->err, ROP_INVALID, "%s: %s", l->path, what);
}

static bool text_of(const struct loading *l, json_t *in, const char *key, const char **ret)
{
	json_t *value = json_object_get(in, key);
	const char *text = json_string_value(value);
	if (!text || strlen(text) != json_string_length(value))
		return bad(l, rop_printf(l->arena, "'%s' is no text", key));
	*ret = rop_strdup(l->arena, text);
	return true;
}

static bool number_of(const struct loading *l, json_t *in, const char *key, int64_t *ret)
{
	json_t *value = json_object_get(in, key);
	if (!json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > NUMBER_MAX)
		return bad(l, rop_printf(l->arena, "'%s' is no number", key));
	*ret = json_integer_value(value);
	return true;
}

static bool flag_of(const struct loading *l, json_t *in, const char *key, bool *ret)
{
	json_t *value = json_object_get(in, key);
	*ret = json_is_true(value);
	return json_is_boolean(value) || bad(l, rop_printf(l->arena, "'%s' is neither true nor false", key));
}

/* ---- a shard ---------------------------------------------------------------------------------------------------- */

/* It stays in the folder. */
static bool is_plain_name(const char *name)
{
	return *name && *name != '.' && strlen(name) < 200 && !strchr(name, '/');
}

static bool file_of(const struct loading *l, json_t *in, struct rop_backup_shard *s)
{
	json_t *file = json_object_get(in, "file");
	const char *sha256;
	if (!text_of(l, file, "name", &s->file) || !text_of(l, file, "sha256", &sha256) ||
	    !number_of(l, file, "bytes", &s->stored))
		return false;
	if (!is_plain_name(s->file))
		return bad(l, "the name of a file that is none of this folder");
	if (strlen(sha256) != ROP_SHA256_SIZE - 1)
		return bad(l, "'sha256' is no SHA-256");
	memcpy(s->sha256, sha256, ROP_SHA256_SIZE);
	return true;
}

static bool node_of(const struct loading *l, json_t *in, struct rop_backup_shard *s)
{
	json_t *node = json_object_get(in, "node");
	return text_of(l, node, "id", &s->node) && text_of(l, node, "address", &s->address) &&
	       flag_of(l, node, "replica", &s->from_replica) && text_of(l, node, "server", &s->server);
}

static bool rdb_of(const struct loading *l, json_t *in, struct rop_backup_shard *s)
{
	json_t *rdb = json_object_get(in, "rdb");
	const char *of;
	int64_t version;
	if (!text_of(l, rdb, "of", &of) || !number_of(l, rdb, "version", &version) ||
	    !flag_of(l, rdb, "checksum", &s->checksum))
		return false;
	s->valkey = strcmp(of, "valkey") == 0;
	s->rdb_version = (int)(version < 1000 ? version : 1000);
	return s->valkey || strcmp(of, "redis") == 0 || bad(l, "'of' is neither redis nor valkey");
}

static bool shard_of(const struct loading *l, json_t *in, struct rop_slots *all, struct rop_backup_shard *s)
{
	struct rop_slots slots;
	int64_t number;
	if (!number_of(l, in, "shard", &number) || !text_of(l, in, "slots", &s->slots) || !node_of(l, in, s) ||
	    !text_of(l, in, "replication_id", &s->replid) || !number_of(l, in, "offset", &s->offset) ||
	    !number_of(l, in, "begun_ms", &s->begun_ms) || !number_of(l, in, "ended_ms", &s->ended_ms) ||
	    !file_of(l, in, s) || !number_of(l, in, "bytes", &s->bytes) || !rdb_of(l, in, s) ||
	    !number_of(l, in, "keys", &s->keys) || !number_of(l, in, "expiring", &s->expiring) ||
	    !number_of(l, in, "functions", &s->functions))
		return false;
	s->number = (int)(number < INT32_MAX ? number : INT32_MAX);
	if (!rop_slots_parse(s->slots, &slots))
		return bad(l, "'slots' are none");
	if (rop_slots_meet(all, &slots))
		return bad(l, "two of its shards have the same slots");
	rop_slots_join(all, &slots);
	return true;
}

static bool shards_of(const struct loading *l, json_t *in, struct rop_backup *b)
{
	json_t *shards = json_object_get(in, "shards");
	struct rop_slots all = { 0 };
	for (size_t i = 0; i < json_array_size(shards); i++) {
		struct rop_backup_shard shard = { 0 };
		if (!shard_of(l, json_array_get(shards, i), &all, &shard))
			return false;
		for (size_t j = 0; j < b->shards.n; j++)
			if (strcmp(b->shards.at[j].file, shard.file) == 0)
				return bad(l, "two of its shards have the same file");
		*rop_push(l->arena, &b->shards) = shard;
	}
	return rop_slots_count(&all) == ROP_SLOTS || bad(l, "its shards do not have all slots together");
}

/* ---- the whole -------------------------------------------------------------------------------------------------- */

static bool version_is_known(const struct loading *l, json_t *in)
{
	const char *version;
	int64_t major = 0;
	if (!text_of(l, in, "format_version", &version))
		return false;
	const char *number = rop_strndup(l->arena, version, strcspn(version, "."));
	if (!rop_int_parse(number, 1, NUMBER_MAX, &major))
		return bad(l, "'format_version' is none");
	return major == 1 ||
	       bad(l, rop_printf(l->arena, "it is of format %s, and this program knows " ROP_BACKUP_FORMAT, version));
}

static bool is_itself(const struct loading *l, json_t *in)
{
	const char *told;
	char digest[ROP_SHA256_SIZE];
	if (!text_of(l, in, "digest", &told) || !manifest_digest(in, digest))
		return false;
	return strcmp(told, digest) == 0 || bad(l, "it was changed: its digest is another");
}

/* Since 1.1: before, each shard had a moment of its own. */
static bool moment_of(const struct loading *l, json_t *in, struct rop_backup *b)
{
	json_t *consistent = json_object_get(in, "consistent");
	b->consistent = json_is_object(consistent);
	return !b->consistent || number_of(l, consistent, "paused_us", &b->paused_us);
}

static bool take(const struct loading *l, json_t *in, struct rop_backup *b)
{
	json_t *topology = json_object_get(in, "topology");
	return version_is_known(l, in) && is_itself(l, in) && text_of(l, in, "program", &b->program) &&
	       text_of(l, in, "cluster", &b->cluster) && number_of(l, in, "begun_ms", &b->begun_ms) &&
	       number_of(l, in, "ended_ms", &b->ended_ms) && flag_of(l, in, "compressed", &b->compressed) &&
	       text_of(l, topology, "digest", &b->topology_digest) && text_of(l, topology, "text", &b->topology) &&
	       moment_of(l, in, b) && shards_of(l, in, b);
}

static bool bytes_of(const struct loading *l, char **ret_bytes, size_t *ret_n)
{
	int fd = open(l->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return rop_fail(l->err, ROP_INVALID,
				"no backup: there is no %s (it was cut short, or is something else)", l->path);
	if (fd < 0)
		return bad(l, strerror(errno));
	char *bytes = rop_malloc(MANIFEST_BYTES_MAX);
	ssize_t n = rop_read_all(fd, bytes, MANIFEST_BYTES_MAX);
	bool fine = n >= 0 ? (size_t)n < MANIFEST_BYTES_MAX || bad(l, "it is too long") : bad(l, strerror(errno));
	close(fd);
	*ret_n = fine ? (size_t)n : 0;
	*ret_bytes = bytes;
	if (!fine)
		free(bytes);
	return fine;
}

bool rop_backup_load(struct rop_arena *arena, const char *folder, struct rop_backup *ret_backup, struct rop_err *err)
{
	const struct loading l = { .arena = arena,
				   .path = rop_printf(arena, "%s/" ROP_BACKUP_MANIFEST, folder),
				   .err = err };
	struct rop_backup backup = { 0 };
	json_error_t error;
	char *bytes = NULL;
	size_t n = 0;
	if (!bytes_of(&l, &bytes, &n))
		return false;
	json_t *json = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
	free(bytes);
	if (!json)
		return bad(&l, rop_printf(arena, "it is no JSON (line %d: %s)", error.line, error.text));
	bool fine = take(&l, json, &backup);
	json_decref(json);
	if (fine)
		*ret_backup = backup;
	return fine;
}
