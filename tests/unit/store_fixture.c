/* store_fixture.c - see store_fixture.h. */
#define _XOPEN_SOURCE 700 /* nftw */
#include "store_fixture.h"

#include <criterion/criterion.h>
#include <ftw.h>
#include <limits.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

char *folder, *db_path;
struct rop_arena *arena;
struct rop_err err;

void store_setup(void)
{
	const char *base = getenv("TMPDIR");
	arena = rop_arena_new();
	folder = rop_printf(arena, "%s/store-XXXXXX", base && *base ? base : P_tmpdir);
	cr_assert(mkdtemp(folder), "a folder to work in");
	db_path = in_folder("state.db");
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(path);
}

void store_teardown(void)
{
	nftw(folder, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	rop_arena_free(arena);
}

char *in_folder(const char *name)
{
	return rop_printf(arena, "%s/%s", folder, name);
}

struct rop_store *open_or_die(const char *path, enum rop_store_mode mode)
{
	struct rop_store *store = NULL;
	cr_assert(rop_store_open(path, mode, &store, &err), "%s", err.text);
	cr_assert_not_null(store);
	return store;
}

struct rop_image image_of(struct rop_store *store, const char *cluster)
{
	struct rop_image image;
	cr_assert(rop_store_load(store, arena, cluster, &image, &err), "%s", err.text);
	return image;
}

void commit_or_die(struct rop_store *store, const char *cluster, struct rop_entry *entry)
{
	bool paused = true;
	cr_assert(rop_store_commit(store, cluster, entry, &paused, &err), "%s", err.text);
	cr_assert_not(paused);
}

struct rop_entry entry_at(int64_t wall_ms)
{
	return (struct rop_entry){ .wall_ms = wall_ms, .boot_ms = wall_ms / 1000, .boot_id = BOOT_1, .pid = 4711 };
}

struct rop_expect expect_of(enum rop_step_kind kind, const char *subject)
{
	struct rop_expect x = { .kind = kind,
				.subject = subject,
				.node = NODE_A,
				.first = -1,
				.last = -1,
				.attempts = 1,
				.address = "10.0.0.1:6379",
				.command = "PING",
				.why = "a test",
				.issued_wall_ms = 1000,
				.issued_boot_ms = 10,
				.deadline_boot_ms = 2010 };
	return x;
}

struct rop_expect expect_slots(int first, int last)
{
	struct rop_expect x = expect_of(ROP_STEP_SLOTS, rop_printf(arena, "slot:%d-%d", first, last));
	x.first = first;
	x.last = last;
	return x;
}

void add_expect(struct rop_entry *entry, struct rop_expect x)
{
	*rop_push(arena, &entry->expects) = x;
}

void add_temporary(struct rop_entry *entry, const char *node, const char *address, const char *original,
		   const char *temporary)
{
	struct rop_temporary t = {
		.address = address, .name = "timeout", .original = original, .temporary = temporary
	};
	snprintf(t.node, sizeof t.node, "%s", node);
	*rop_push(arena, &entry->temporaries_set) = t;
}

struct rop_shard_memory *add_shard(struct rop_entry *entry, int number, const char *slots)
{
	entry->shards_changed = true;
	struct rop_shard_memory *shard = rop_push(arena, &entry->shards);
	*shard = (struct rop_shard_memory){ .number = number, .slots = slots };
	return shard;
}

void add_copy(struct rop_shard_memory *shard, struct rop_copy_memory copy)
{
	*rop_push(arena, &shard->copies) = copy;
}

void add_resolution(struct rop_entry *entry, int64_t id, enum rop_expect_status status, const char *note)
{
	*rop_push(arena, &entry->resolutions) = (struct rop_resolution){ id, status, note };
}

int64_t raw_int(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *stmt = NULL;
	int64_t value = INT64_MIN;
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
	    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW)
		value = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	sqlite3_close(db);
	return value;
}

void raw_exec(const char *path, const char *sql)
{
	sqlite3 *db = NULL;
	char *message = NULL;
	cr_assert_eq(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(db, sql, NULL, NULL, &message), SQLITE_OK, "%s", message);
	sqlite3_close(db);
}

bool integrity_ok(const char *path)
{
	return raw_int(path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check") == 1 &&
	       raw_int(path, "SELECT count(*) FROM pragma_foreign_key_check") == 0;
}

unsigned next_random(unsigned *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 17;
	*seed ^= *seed << 5;
	return *seed;
}
