/* store_fixture.h - what the store's suites share: a folder to work in, entries, and looks from outside. */
#ifndef ROP_TEST_STORE_FIXTURE_H
#define ROP_TEST_STORE_FIXTURE_H

#include "rop/store.h"

#define NODE_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define NODE_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
#define BOOT_1 "11111111-1111-1111-1111-111111111111"
#define BOOT_2 "22222222-2222-2222-2222-222222222222"

/* For every test: a fresh folder, an arena, and a place for errors. Removed again afterwards. */
extern char *folder;
extern char *db_path; /* <folder>/state.db, not made yet */
extern struct rop_arena *arena;
extern struct rop_err err;
void store_setup(void);
void store_teardown(void);
char *in_folder(const char *name);

struct rop_store *open_or_die(const char *path, enum rop_store_mode mode);
struct rop_image image_of(struct rop_store *store, const char *cluster);
void commit_or_die(struct rop_store *store, const char *cluster, struct rop_entry *entry);

struct rop_entry entry_at(int64_t wall_ms);
struct rop_expect expect_of(enum rop_step_kind kind, const char *subject);
struct rop_expect expect_slots(int first, int last);
void add_expect(struct rop_entry *entry, struct rop_expect x);
void add_temporary(struct rop_entry *entry, const char *node, const char *address, const char *original,
		   const char *temporary);
struct rop_shard_memory *add_shard(struct rop_entry *entry, int number, const char *slots); /* ... are changed */
void add_copy(struct rop_shard_memory *shard, struct rop_copy_memory copy);
void add_resolution(struct rop_entry *entry, int64_t id, enum rop_expect_status status, const char *note);

/* By a connection of its own. */
int64_t raw_int(const char *path, const char *sql);
void raw_exec(const char *path, const char *sql);
bool integrity_ok(const char *path);

/* A small random generator with a seed, so that a failure can be repeated. */
unsigned next_random(unsigned *seed);

#endif
