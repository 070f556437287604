/* test_store_beside.c - what is kept beside the journal: whose database it is, errors of files, pauses; what is
 * forgotten. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/store/inner.h"
#include "rop/text.h"
#include "store_fixture.h"

TestSuite(store_beside, .init = store_setup, .fini = store_teardown);

/* ---- seen from another connection --------------------------------------------------------------------------- */

static bool changed(struct rop_store *store)
{
	bool is = false;
	cr_assert(rop_store_changed(store, &is, &err), "%s", err.text);
	return is;
}

Test(store_beside, only_another_connection_s_writes_are_changes)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE), *reader = open_or_die(db_path, ROP_STORE_READ);
	cr_assert(changed(store) && changed(reader), "the first time");
	cr_assert(!changed(store) && !changed(reader));
	cr_assert(rop_store_pause(store, "cart", 0, "ada", NULL, 1, &err));
	cr_assert_not(changed(store), "its own");
	cr_assert(changed(reader));
	cr_assert_not(changed(reader));
	raw_exec(db_path, "UPDATE cluster SET paused = 0");
	cr_assert(changed(store) && changed(reader));
	rop_store_close(reader);
	rop_store_close(store);
}

Test(store_beside, pauses_are_listed_as_written)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_pause *pauses = NULL;
	size_t n = 9;
	cr_assert(rop_store_pauses(store, arena, &pauses, &n, &err) && n == 0);
	cr_assert(rop_store_pause(store, "wishlist", 5000, "ada", NULL, 1, &err));
	cr_assert(rop_store_pause(store, "basket", 0, "bob", NULL, 1, &err));
	cr_assert(rop_store_pause(store, "cart", 0, NULL, NULL, 1, &err));
	cr_assert(rop_store_resume(store, "basket", NULL, 2, &err));
	cr_assert(rop_store_pauses(store, arena, &pauses, &n, &err) && n == 2);
	cr_assert(rop_streq(pauses[0].cluster, "cart") && !pauses[0].by && pauses[0].until_wall_ms == 0);
	cr_assert(rop_streq(pauses[1].cluster, "wishlist") && rop_streq(pauses[1].by, "ada"));
	cr_assert_eq(pauses[1].until_wall_ms, 5000);
	rop_store_close(store);
}

/* ---- files -------------------------------------------------------------------------------------------------- */

static void accept_one(struct rop_store *store, const char *cluster, const char *source, const char *path)
{
	int64_t revision;
	cr_assert(rop_store_accept(store, cluster, source, "c", source, path, 1, &revision, &err), "%s", err.text);
}

static const char *came_from(struct rop_store *store, const char *path)
{
	const char *cluster = "?", *source = "?";
	cr_assert(rop_store_source_of_path(store, arena, path, &cluster, &source, &err), "%s", err.text);
	cr_assert_eq(cluster == NULL, source == NULL);
	return cluster ? rop_printf(arena, "%s=%s", cluster, source) : "none";
}

Test(store_beside, a_file_leads_to_the_cluster_whose_newest_revision_came_from_it)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	cr_assert_str_eq(came_from(store, "/d/cart.yaml"), "none");
	accept_one(store, "cart", "one", "/d/cart.yaml");
	accept_one(store, "cart", "two", "/d/cart.yaml");
	accept_one(store, "wishlist", "three", "/d/wishlist.yaml");
	cr_assert_str_eq(came_from(store, "/d/cart.yaml"), "cart=two");
	accept_one(store, "cart", "four", "/d/shop.yaml");
	cr_assert_str_eq(came_from(store, "/d/cart.yaml"), "none", "an older revision came from there");
	cr_assert_str_eq(came_from(store, "/d/shop.yaml"), "cart=four");
	accept_one(store, "cart", "four", "/d/cart.yaml");
	cr_assert_str_eq(came_from(store, "/d/cart.yaml"), "cart=four", "renamed, and the same inside");
	cr_assert_eq(image_of(store, "cart").revision, 3);
	accept_one(store, "basket", "five", "/d/cart.yaml");
	cr_assert_str_eq(came_from(store, "/d/cart.yaml"), "basket=five", "of two the one accepted last");
	rop_store_close(store);
}

static struct rop_file_error *errors_of(struct rop_store *store, const char *cluster, size_t expected)
{
	struct rop_file_error *errors = NULL;
	size_t n = 99;
	cr_assert(rop_store_file_errors(store, arena, cluster, &errors, &n, &err), "%s", err.text);
	cr_assert_eq(n, expected, "%zu of %s", n, cluster ? cluster : "all");
	return errors;
}

/* The table came with schema 2: a reader of such a database is told of them, one of an older hears of none. */
Test(store_beside, errors_of_files_are_read_from_schema_2_on)
{
	for (int schema = 1; schema <= 4; schema++) {
		for (int i = 0; i < schema; i++)
			raw_exec(db_path, store_migrations[i].sql);
		raw_exec(db_path, rop_printf(arena, "PRAGMA application_id = %d; PRAGMA user_version = %d",
					     STORE_APPLICATION_ID, schema));
		chmod(db_path, 0600);
		if (schema >= 2)
			raw_exec(db_path, "INSERT INTO file_error (path, text, since_wall_ms) VALUES ('/d/a.yaml', "
					  "'x', 1)");
		struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
		errors_of(store, NULL, schema >= 2);
		rop_store_close(store);
		unlink(db_path);
	}
}

Test(store_beside, errors_of_files_stay_until_the_file_is_right)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE), *other = open_or_die(db_path, ROP_STORE_READ);
	changed(other);
	cr_assert(rop_store_file_error(store, "/d/cart.yaml", NULL, NULL, 1, &err));
	cr_assert_not(changed(other), "nothing to take away");
	cr_assert(rop_store_file_error(store, "/d/wishlist.yaml", "wishlist", "line 1: error", 1000, &err));
	cr_assert(rop_store_file_error(store, "/d/new.yaml", NULL, "line 2: error", 2000, &err));
	cr_assert(changed(other));
	cr_assert(rop_store_file_error(store, "/d/wishlist.yaml", "wishlist", "line 1: error", 3000, &err));
	cr_assert_not(changed(other), "the same again");
	struct rop_file_error *errors = errors_of(other, NULL, 2);
	cr_assert_str_eq(errors[0].path, "/d/new.yaml");
	cr_assert_null(errors[0].cluster);
	cr_assert_eq(errors[0].since_wall_ms, 2000);
	cr_assert_str_eq(errors[1].cluster, "wishlist");
	cr_assert_str_eq(errors[1].text, "line 1: error");
	cr_assert_eq(errors[1].since_wall_ms, 1000);
	cr_assert_str_eq(errors_of(other, "wishlist", 1)->path, "/d/wishlist.yaml");
	errors_of(other, "cart", 0);
	cr_assert(rop_store_file_error(store, "/d/wishlist.yaml", "wishlist", "line 9: error", 4000, &err));
	errors = errors_of(other, "wishlist", 1);
	cr_assert_str_eq(errors->text, "line 9: error");
	cr_assert_eq(errors->since_wall_ms, 1000, "it has had errors since then");
	cr_assert(rop_store_file_error(store, "/d/new.yaml", "cart", "line 2: error", 4000, &err));
	errors_of(other, "cart", 1);
	cr_assert(rop_store_file_error(store, "/d/wishlist.yaml", "wishlist", NULL, 5000, &err));
	errors_of(other, "wishlist", 0);
	errors_of(other, NULL, 1);
	rop_store_close(other);
	rop_store_close(store);
}

/* ---- instances, and the database of before ------------------------------------------------------------------ */

Test(store_beside, each_database_has_a_name_of_its_own_and_keeps_it)
{
	char one[9] = "", again[9] = "", two[9] = "";
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	cr_assert(rop_store_instance(store, one, &err), "%s", err.text);
	cr_assert_eq(strspn(one, "0123456789abcdef"), 8, "%s", one);
	rop_store_close(store);
	store = open_or_die(db_path, ROP_STORE_READ);
	cr_assert(rop_store_instance(store, again, &err));
	cr_assert_str_eq(one, again);
	rop_store_close(store);
	store = open_or_die(in_folder("other.db"), ROP_STORE_WRITE);
	cr_assert(rop_store_instance(store, two, &err));
	cr_assert_str_neq(one, two);
	rop_store_close(store);
	raw_exec(db_path, "DELETE FROM instance");
	store = open_or_die(db_path, ROP_STORE_READ);
	cr_assert_not(rop_store_instance(store, again, &err));
	cr_assert(err.code == ROP_FAIL && strstr(err.text, "damaged"), "%s", err.text);
	rop_store_close(store);
}

static void fill(struct rop_store *store, const char *cluster, int passes)
{
	for (int i = 0; i < passes; i++) {
		struct rop_entry entry = entry_at(1000 + i);
		entry.state = rop_printf(arena, "S%d", i);
		*rop_push(arena, &entry.transitions) = (struct rop_transition){ "cluster",   "d",   cluster, "A",
										entry.state, "A#1", "a test" };
		add_expect(&entry, expect_of(ROP_STEP_MEET, rop_printf(arena, "link:%d", i)));
		commit_or_die(store, cluster, &entry);
		if (i == 0) /* stays pending */
			continue;
		struct rop_entry over = entry_at(1000 + i);
		add_resolution(&over, entry.expects.at[0].id, ROP_EXPECT_MET, NULL);
		commit_or_die(store, cluster, &over);
	}
}

#define UNDO_6 \
	"DROP INDEX drain_open; DROP INDEX drain_of_cluster; DROP TABLE drain;" \
	"ALTER TABLE cluster DROP COLUMN drains; ALTER TABLE wish DROP COLUMN drain;"
#define UNDO_5 "DROP INDEX wish_open; DROP INDEX wish_of_cluster; DROP TABLE wish;"
#define UNDO_4 \
	"DROP INDEX deed_of_cluster; DROP TABLE deed; ALTER TABLE member DROP COLUMN ip;" \
	"ALTER TABLE member DROP COLUMN forgotten_boot_ms;" \
	"ALTER TABLE cluster DROP COLUMN moving;"
#define UNDO_3 "DROP TABLE shard_copy; DROP TABLE shard; ALTER TABLE temporary_setting DROP COLUMN peer;"
#define UNDO_2 \
	"DROP TABLE instance; DROP TABLE file_error; DROP INDEX pass_of_cluster; DROP INDEX pass_by_age;" \
	"DROP INDEX transition_of_pass; DROP INDEX expectation_of_pass; DROP INDEX revision_of_path;"

/* As version 1 to 5 of the program left it. */
static void make_version(int version)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	accept_one(store, "cart", "one", "/d/cart.yaml");
	cr_assert(rop_store_pause(store, "wishlist", 0, "ada", NULL, 1, &err));
	fill(store, "cart", 3);
	struct rop_entry entry = entry_at(1002);
	add_temporary(&entry, NODE_A, "10.0.0.1:6379", "15000", "500");
	commit_or_die(store, "cart", &entry);
	rop_store_close(store);
	raw_exec(db_path,
		 rop_printf(arena, UNDO_6 "%s %s %s %s PRAGMA user_version = %d", version < 5 ? UNDO_5 : "",
			    version < 4 ? UNDO_4 : "", version < 3 ? UNDO_3 : "", version < 2 ? UNDO_2 : "", version));
	sqlite3 *bare = NULL; /* it is what the schemas up to then make, to the letter */
	cr_assert_eq(sqlite3_open(in_folder("bare.db"), &bare), SQLITE_OK);
	for (int i = 0; i < version; i++)
		cr_assert_eq(sqlite3_exec(bare, store_migrations[i].sql, NULL, NULL, NULL), SQLITE_OK);
	cr_assert_eq(sqlite3_exec(bare, rop_printf(arena, "ATTACH '%s' AS made", db_path), NULL, NULL, NULL),
		     SQLITE_OK);
	sqlite3_stmt *q = NULL;
	cr_assert_eq(sqlite3_prepare_v2(bare,
					"SELECT (SELECT group_concat(sql) FROM (SELECT sql FROM main.sqlite_schema "
					"ORDER BY name)) IS (SELECT group_concat(sql) FROM (SELECT sql FROM "
					"made.sqlite_schema ORDER BY name))",
					-1, &q, NULL),
		     SQLITE_OK);
	cr_assert(sqlite3_step(q) == SQLITE_ROW && sqlite3_column_int(q, 0) == 1);
	sqlite3_finalize(q);
	sqlite3_close(bare);
}

static void assert_complete(struct rop_store *store)
{
	struct rop_image image = image_of(store, "cart");
	cr_assert_str_eq(image.state, "S2");
	cr_assert_eq(image.pass, 6);
	cr_assert_eq(image.temporaries.n, 1);
	cr_assert_str_eq(image.temporaries.at[0].original, "15000");
	cr_assert_str_eq(image.temporaries.at[0].peer, "");
	cr_assert_eq(image.shards.n, 0);
	cr_assert_eq(image.pending.n, 1);
	cr_assert_eq(image.revision, 1);
	struct rop_history_line *lines;
	size_t n;
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 6);
	cr_assert_str_eq(came_from(store, "/d/cart.yaml"), "cart=one");
	cr_assert(image_of(store, "wishlist").paused);
}

Test(store_beside, a_database_of_version_1_is_read_as_it_is_and_then_migrates_complete)
{
	char id[9] = "?";
	make_version(1);
	struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
	assert_complete(store);
	cr_assert(rop_store_instance(store, id, &err) && !id[0], "none yet");
	errors_of(store, NULL, 0);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 1, "reading migrates nothing");
	store = open_or_die(db_path, ROP_STORE_WRITE);
	assert_complete(store);
	cr_assert(rop_store_instance(store, id, &err) && strlen(id) == 8);
	cr_assert(rop_store_file_error(store, "/d/cart.yaml", "cart", "line 1: error", 1, &err), "%s", err.text);
	fill(store, "basket", 2);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 6);
	cr_assert(integrity_ok(db_path));
	cr_assert_eq(raw_int(rop_printf(arena, "%s.before-2", db_path), "PRAGMA user_version"), 1);
	/* and the program of version 1 leaves it alone */
	store = NULL;
	cr_assert_not(store_open_with(db_path, ROP_STORE_WRITE, store_migrations, 1, &store, &err));
	cr_assert(strstr(err.text, "written by schema 6, this program knows 1"), "%s", err.text);
	cr_assert_null(store);
}

Test(store_beside, one_of_version_2_keeps_all_it_had_and_learns_of_shards)
{
	char before[9] = "?", after[9] = "!";
	make_version(2);
	struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
	assert_complete(store);
	cr_assert(rop_store_instance(store, before, &err) && strlen(before) == 8);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 2, "reading migrates nothing");
	store = open_or_die(db_path, ROP_STORE_WRITE);
	assert_complete(store);
	cr_assert(rop_store_instance(store, after, &err));
	cr_assert_str_eq(after, before);
	struct rop_entry entry = entry_at(2000);
	add_copy(add_shard(&entry, 2, "0-99"), (struct rop_copy_memory){ NODE_A, "a:1", true, 1, 2, 3 });
	commit_or_die(store, "cart", &entry);
	cr_assert_eq(image_of(store, "cart").shards.n, 1);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 6);
	cr_assert(integrity_ok(db_path));
	cr_assert_eq(raw_int(rop_printf(arena, "%s.before-3", db_path), "PRAGMA user_version"), 2);
}

Test(store_beside, one_of_version_3_keeps_its_members_and_learns_where_they_are)
{
	make_version(3);
	raw_exec(db_path, "INSERT INTO member (cluster, node, address, shard) VALUES (1, '" NODE_A "', 'a.test:1', 2)");
	struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
	assert_complete(store);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.members.n == 1 && image.members.at[0].shard == 2 && !image.members.at[0].ip);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 3, "reading migrates nothing");
	store = open_or_die(db_path, ROP_STORE_WRITE);
	cr_assert(image_of(store, "cart").members.n == 1);
	struct rop_entry entry = entry_at(2000);
	entry.members_changed = true;
	*rop_push(arena, &entry.members) = (struct rop_member){
		.node = NODE_A, .address = "a.test:1", .shard = 2, .ip = "10.0.0.1"
	};
	*rop_push(arena, &entry.members) = (struct rop_member){ .node = NODE_B, .address = "10.0.0.2:1", .shard = 1 };
	commit_or_die(store, "cart", &entry);
	image = image_of(store, "cart");
	cr_assert_str_eq(image.members.at[0].ip, "10.0.0.1");
	cr_assert_null(image.members.at[1].ip);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 6);
	cr_assert(integrity_ok(db_path));
	cr_assert_eq(raw_int(rop_printf(arena, "%s.before-4", db_path), "PRAGMA user_version"), 3);
}

Test(store_beside, one_of_version_4_shows_its_history_and_learns_of_wishes)
{
	make_version(4);
	raw_exec(db_path, "INSERT INTO deed (cluster, pass, wall_ms, what, user, uid, host, pid, command) VALUES"
			  " (1, 9, 3000, 'apply', 'ada', 7, 'desk', 8, 'redis-operator apply')");
	struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
	struct rop_history_line *lines;
	size_t n;
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 7, "%s", err.text);
	cr_assert(lines[6].deed && !lines[6].wish);
	cr_assert_eq(image_of(store, "cart").wish.id, 0);
	struct rop_pause *pauses;
	cr_assert(rop_store_pauses(store, arena, &pauses, &n, &err) && n == 1, "%s", err.text);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 4, "reading migrates nothing");
	store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_wish wish = { .shard = 2, .primary = NODE_A };
	int64_t id = 0;
	cr_assert(rop_store_wish(store, "cart", &wish, 4000, &id, &err) && id > 0, "%s", err.text);
	cr_assert_eq(image_of(store, "cart").wish.id, id);
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 8);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 6);
	cr_assert(integrity_ok(db_path));
	cr_assert_eq(raw_int(rop_printf(arena, "%s.before-5", db_path), "PRAGMA user_version"), 4);
}

Test(store_beside, one_of_version_5_keeps_its_wishes_and_learns_of_drains)
{
	make_version(5);
	raw_exec(db_path,
		 "INSERT INTO wish (cluster, pass, what, shard, node, leader, asked_wall_ms, user, uid, host, pid,"
		 " command) VALUES (1, 9, 'failover', 2, '', 'aa', 3000, 'ada', 7, 'desk', 8, 'x')");
	struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
	struct rop_history_line *lines;
	struct rop_pause *pauses;
	size_t n;
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 7, "%s", err.text);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.wish.shard == 2 && !image.wish.drain && !image.drains.n && !image.drains_told);
	cr_assert(rop_store_pauses(store, arena, &pauses, &n, &err) && n == 2, "%s", err.text);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 5, "reading migrates nothing");
	store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_drain drain = { .target = "10.0.0.1", .until_wall_ms = 9000 };
	int64_t id = 0;
	cr_assert(rop_store_drain(store, "cart", &drain, 4000, &id, &err) && id > 0, "%s", err.text);
	image = image_of(store, "cart");
	cr_assert(image.wish.shard == 2 && image.drains.n == 1 && image.drains_told == 1);
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 8);
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 6);
	cr_assert(integrity_ok(db_path));
	cr_assert_eq(raw_int(rop_printf(arena, "%s.before-6", db_path), "PRAGMA user_version"), 5);
}

Test(store_beside, of_processes_that_all_migrate_one_does_and_its_copy_is_the_old_one)
{
	enum { PROCESSES = 6, ROUNDS = 8 };
	for (int round = 0; round < ROUNDS; round++) {
		pid_t children[PROCESSES];
		unlink(db_path);
		unlink(in_folder("bare.db"));
		make_version(1);
		for (int i = 0; i < PROCESSES; i++) {
			children[i] = fork();
			if (children[i] == 0) {
				struct rop_store *store;
				bool ok = rop_store_open(db_path, ROP_STORE_WRITE, &store, &err) &&
					  rop_store_pause(store, "x", 0, "x", NULL, 1, &err);
				if (!ok)
					fprintf(stderr, "%s\n", err.text);
				_exit(ok ? 0 : 1);
			}
		}
		for (int i = 0; i < PROCESSES; i++) {
			int status = -1;
			cr_assert(waitpid(children[i], &status, 0) == children[i] && status == 0, "process %d", i);
		}
		cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), 6);
		cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM instance"), 1);
		cr_assert_eq(raw_int(rop_printf(arena, "%s.before-2", db_path), "PRAGMA user_version"), 1);
		cr_assert(integrity_ok(db_path));
	}
}

/* ---- forgetting --------------------------------------------------------------------------------------------- */

static bool forget(struct rop_store *store, int64_t before, size_t keep)
{
	bool more = false;
	cr_assert(rop_store_forget_before(store, before, keep, &more, &err), "%s", err.text);
	return more;
}

Test(store_beside, old_passes_go_but_the_newest_and_the_pending_stay)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	fill(store, "cart", 10); /* 19 passes, at 1000 to 1009; the first is pending */
	fill(store, "wishlist", 2);
	cr_assert_not(forget(store, 1000, 1), "none is older");
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass"), 22);
	cr_assert_not(forget(store, 1005, 3));
	/* cart: the pending one and 1005 to 1009, two passes each; wishlist has but three */
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass WHERE cluster = 1"), 11);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass WHERE cluster = 2"), 3);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM transition_log WHERE cluster = 1"), 6);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM expectation WHERE cluster = 1"), 6);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.pending.n == 1 && rop_streq(image.state, "S9"));
	int64_t newest = image.pass;
	cr_assert_not(forget(store, INT64_MAX, 4));
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass WHERE cluster = 1"), 5, "four, and the pending one");
	cr_assert_not(forget(store, INT64_MAX, 0));
	image = image_of(store, "cart");
	cr_assert_eq(image.pass, newest, "the last one always stays: its id is not given again");
	cr_assert_eq(image.pending.n, 1);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass"), 4, "the newest and the pending one of each");
	rop_store_close(store);
	cr_assert(integrity_ok(db_path));
}

Test(store_beside, much_is_forgotten_in_several_turns_each_of_them_short)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	fill(store, "cart", 1);
	raw_exec(db_path, "WITH RECURSIVE i (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 5000) INSERT "
			  "INTO pass (cluster, wall_ms, boot_ms, boot_id, pid) SELECT 1, n, n, '', 1 FROM i");
	raw_exec(db_path, "WITH RECURSIVE i (n) AS (VALUES (1) UNION ALL SELECT n + 1 FROM i WHERE n < 20) INSERT INTO "
			  "transition_log (cluster, pass, machine, digest, subject, from_state, to_state, row, why) "
			  "SELECT 1, pass.id, '', '', '', '', '', '', '' FROM pass, i WHERE pass.id > 4000");
	int turns = 0;
	int64_t rows = 0, last = raw_int(db_path, "SELECT (SELECT count(*) FROM pass) + (SELECT count(*) FROM "
						  "transition_log)");
	for (bool more = true; more; turns++) {
		more = forget(store, INT64_MAX, 10);
		rows = raw_int(db_path, "SELECT (SELECT count(*) FROM pass) + (SELECT count(*) FROM transition_log)");
		cr_assert_lt(last - rows, 3000, "%lld rows in one turn", (long long)(last - rows));
		last = rows;
	}
	cr_assert_gt(turns, 10);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass"), 11);
	rop_store_close(store);
	cr_assert(integrity_ok(db_path));
}

Test(store_beside, forgetting_uses_its_indexes)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	static const enum sql_name STATEMENTS[] = { SQL_PASS_OLD, SQL_PASS_NEWEST, SQL_TRANSITIONS_DROP,
						    SQL_EXPECTS_DROP, SQL_REVISION_OF_PATH };
	for (size_t i = 0; i < sizeof STATEMENTS / sizeof *STATEMENTS; i++) {
		sqlite3_stmt *q = NULL;
		const char *text = sqlite3_sql(store->statements[STATEMENTS[i]]);
		cr_assert_eq(sqlite3_prepare_v2(store->db, rop_printf(arena, "EXPLAIN QUERY PLAN %s", text), -1, &q,
						NULL),
			     SQLITE_OK);
		while (sqlite3_step(q) == SQLITE_ROW)
			cr_assert_not(strstr((const char *)sqlite3_column_text(q, 3), "SCAN"), "%s: %s", text,
				      sqlite3_column_text(q, 3));
		sqlite3_finalize(q);
	}
	rop_store_close(store);
}
