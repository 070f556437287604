/* manifest.c - the file that makes a backup of a folder, as JSON; with a digest of its own. */
#include "manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "digest.h"
#include "manifest_json.h"
#include "rop/loop.h"
#include "sink.h"

/* ---- as JSON ---------------------------------------------------------------------------------------------------- */

static json_t *shard_json(const struct rop_backup_shard *s)
{
	return json_pack(
		"{s:i, s:s, s:{s:s, s:s, s:b, s:s}, s:s, s:I, s:I, s:I, s:{s:s, s:s, s:I}, s:I, s:{s:s, s:i, s:b}, "
		"s:I, s:I, s:I}",
		"shard", s->number, "slots", s->slots, "node", "id", s->node, "address", s->address, "replica",
		s->from_replica, "server", s->server, "replication_id", s->replid, "offset", (json_int_t)s->offset,
		"begun_ms", (json_int_t)s->begun_ms, "ended_ms", (json_int_t)s->ended_ms, "file", "name", s->file,
		"sha256", s->sha256, "bytes", (json_int_t)s->stored, "bytes", (json_int_t)s->bytes, "rdb", "of",
		s->valkey ? "valkey" : "redis", "version", s->rdb_version, "checksum", s->checksum, "keys",
		(json_int_t)s->keys, "expiring", (json_int_t)s->expiring, "functions", (json_int_t)s->functions);
}

static json_t *manifest_json(const struct rop_backup *b)
{
	json_t *shards = json_array();
	for (size_t i = 0; i < b->shards.n; i++)
		json_array_append_new(shards, shard_json(&b->shards.at[i]));
	json_t *pause = b->consistent ? json_pack("{s:I}", "paused_us", (json_int_t)b->paused_us) : json_null();
	return json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:b, s:o, s:{s:s, s:s}, s:o}", "format_version",
			 ROP_BACKUP_FORMAT, "program", b->program, "cluster", b->cluster, "begun_ms",
			 (json_int_t)b->begun_ms, "ended_ms", (json_int_t)b->ended_ms, "apart_ms",
			 (json_int_t)rop_backup_apart_ms(b), "compressed", b->compressed, "consistent", pause,
			 "topology", "digest", b->topology_digest, "text", b->topology, "shards", shards);
}

/* Of all but the digest itself, as jansson writes it with sorted keys. */
bool manifest_digest(json_t *manifest, char *ret_hex)
{
	json_t *copy = json_copy(manifest);
	json_object_del(copy, "digest");
	char *text = json_dumps(copy, JSON_COMPACT | JSON_SORT_KEYS);
	json_decref(copy);
	if (!text)
		return false;
	struct digest *digest = digest_new();
	digest_add(digest, text, strlen(text));
	digest_end(digest, ret_hex);
	digest_free(digest);
	free(text);
	return true;
}

bool manifest_write_json(int folder, const char *where, const char *name, json_t *json, struct rop_err *err)
{
	struct sink *sink;
	char sha256[ROP_SHA256_SIZE], *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	int64_t stored;
	bool fine = text || rop_fail(err, ROP_INTERNAL, "%s/%s: a text that is not UTF-8", where, name);
	if (fine)
		fine = sink_open(folder, where, name, false, &sink, err);
	if (fine && !(sink_put(sink, text, strlen(text), err) && sink_put(sink, "\n", 1, err))) {
		sink_drop(sink);
		fine = false;
	} else if (fine) {
		fine = sink_close(sink, sha256, &stored, err) && folder_sync(folder, where, err);
	}
	free(text);
	return fine;
}

bool manifest_write(int folder, const char *where, const struct rop_backup *backup, struct rop_err *err)
{
	char digest[ROP_SHA256_SIZE];
	json_t *json = manifest_json(backup);
	if (json && manifest_digest(json, digest))
		json_object_set_new(json, "digest", json_string(digest));
	bool fine = manifest_write_json(folder, where, ROP_BACKUP_MANIFEST, json, err);
	json_decref(json);
	return fine;
}

/* ---- verified --------------------------------------------------------------------------------------------------- */

/* What the snapshots' files are, in a word: a backup that was changed is another one. */
void rop_backup_identity(const struct rop_backup *backup, char *ret_hex)
{
	struct digest *digest = digest_new();
	for (size_t i = 0; i < backup->shards.n; i++)
		digest_add(digest, backup->shards.at[i].sha256, ROP_SHA256_SIZE);
	digest_end(digest, ret_hex);
	digest_free(digest);
}

static bool write_beside(int folder, const char *where, const char *name, const struct rop_backup *backup, json_t *json,
			 struct rop_err *err)
{
	ROP_OWN_TEXT part = { 0 };
	char files[ROP_SHA256_SIZE];
	rop_backup_identity(backup, files);
	rop_text_add(&part, "%s" SINK_PART, name);
	unlinkat(folder, part.at, 0); /* of one that was killed here */
	if (json)
		json_object_set_new(json, "files", json_string(files));
	bool fine = manifest_write_json(folder, where, name, json, err);
	json_decref(json);
	return fine;
}

/* What stands beside this manifest under that name and is of these files; NULL: nothing. */
static json_t *beside(const char *where, const char *name, const struct rop_backup *backup)
{
	ROP_OWN_TEXT path = { 0 };
	char wanted[ROP_SHA256_SIZE];
	rop_text_add(&path, "%s/%s", where, name);
	json_t *json = json_load_file(path.at, JSON_REJECT_DUPLICATES, NULL);
	const char *files = json_string_value(json_object_get(json, "files"));
	rop_backup_identity(backup, wanted);
	if (files && strcmp(files, wanted) == 0)
		return json;
	json_decref(json);
	return NULL;
}

static int64_t ms_of(const json_t *json, const char *name)
{
	int64_t ms = json_integer_value(json_object_get(json, name));
	return ms > 0 ? ms : 0;
}

bool manifest_write_verified(int folder, const char *where, const struct rop_backup *backup, int64_t wall_ms,
			     struct rop_err *err)
{
	return write_beside(folder, where, MANIFEST_VERIFIED, backup,
			    json_pack("{s:s, s:I}", "format_version", ROP_BACKUP_FORMAT, "verified_ms",
				      (json_int_t)wall_ms),
			    err);
}

int64_t manifest_verified_ms(const char *where, const struct rop_backup *backup)
{
	json_t *json = beside(where, MANIFEST_VERIFIED, backup);
	int64_t ms = ms_of(json, "verified_ms");
	json_decref(json);
	return ms;
}

bool rop_backup_write_drilled(const char *folder, const struct rop_backup *backup, const char *server,
			      struct rop_err *err)
{
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return rop_fail(err, ROP_FAIL, "%s: %s", folder, strerror(errno));
	bool fine = write_beside(fd, folder, MANIFEST_DRILLED, backup,
				 json_pack("{s:s, s:I, s:s}", "format_version", ROP_BACKUP_FORMAT, "drilled_ms",
					   (json_int_t)rop_wall_ms(), "server", server),
				 err);
	close(fd);
	return fine || rop_wrap(err, "it comes back, and that cannot be written down");
}

int64_t rop_backup_drilled_ms(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
			      const char **ret_server)
{
	json_t *json = beside(folder, MANIFEST_DRILLED, backup);
	const char *server = json_string_value(json_object_get(json, "server"));
	int64_t ms = server ? ms_of(json, "drilled_ms") : 0;
	*ret_server = ms ? rop_strdup(arena, server) : NULL;
	json_decref(json);
	return ms;
}

/* ---- sums ------------------------------------------------------------------------------------------------------- */

int64_t rop_backup_keys(const struct rop_backup *b)
{
	int64_t sum = 0;
	for (size_t i = 0; i < b->shards.n; i++)
		sum += b->shards.at[i].keys;
	return sum;
}

int64_t rop_backup_bytes(const struct rop_backup *b)
{
	int64_t sum = 0;
	for (size_t i = 0; i < b->shards.n; i++)
		sum += b->shards.at[i].bytes;
	return sum;
}

int64_t rop_backup_stored(const struct rop_backup *b)
{
	int64_t sum = 0;
	for (size_t i = 0; i < b->shards.n; i++)
		sum += b->shards.at[i].stored;
	return sum;
}

int64_t rop_backup_apart_ms(const struct rop_backup *b)
{
	int64_t first = INT64_MAX, last = 0;
	for (size_t i = 0; i < b->shards.n; i++) {
		first = b->shards.at[i].begun_ms < first ? b->shards.at[i].begun_ms : first;
		last = b->shards.at[i].begun_ms > last ? b->shards.at[i].begun_ms : last;
	}
	return b->shards.n ? last - first : 0;
}
