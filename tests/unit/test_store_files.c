/* test_store_files.c - the store's files: who may read them, what is refused, schemas, and the lock. */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../src/store/inner.h"
#include "store_fixture.h"

TestSuite(store_files, .init = store_setup, .fini = store_teardown);
TestSuite(store_lock, .init = store_setup, .fini = store_teardown);

static int mode_of(const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 ? (int)(st.st_mode & 07777) : -errno;
}

static void assert_not_opened(const char *path, enum rop_store_mode mode, const char *named)
{
	struct rop_store *store = (struct rop_store *)folder; /* to see that it is left alone */
	err = (struct rop_err){ 0 };
	cr_assert_not(rop_store_open(path, mode, &store, &err), "%s", path);
	cr_assert_eq(err.code, ROP_FAIL);
	cr_assert(strstr(err.text, named), "'%s' says '%s'", err.text, named);
	const char *place = rop_strndup(arena, path, (size_t)(strrchr(path, '/') - path)); /* the file or its folder */
	cr_assert(strstr(err.text, place), "'%s' names '%s'", err.text, place);
	cr_assert_eq((char *)store, folder);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");
	cr_assert(f && fputs(text, f) >= 0 && fclose(f) == 0);
}

/* ---- folder and file --------------------------------------------------------------------------------------- */

Test(store_files, folder_and_file_are_private_whatever_the_umask)
{
	static const mode_t UMASKS[] = { 0, 022, 0277 };
	for (size_t i = 0; i < sizeof UMASKS / sizeof *UMASKS; i++) {
		char *deep = in_folder(rop_printf(arena, "a%zu/b/c/state.db", i));
		mode_t before = umask(UMASKS[i]);
		struct rop_store *store = open_or_die(deep, ROP_STORE_WRITE);
		struct rop_entry entry = entry_at(1);
		entry.state = "Observe";
		commit_or_die(store, "cart", &entry);
		umask(before);
		cr_assert_eq(mode_of(deep), 0600);
		cr_assert_eq(mode_of(rop_printf(arena, "%s-journal", deep)), 0600);
		cr_assert_eq(mode_of(in_folder(rop_printf(arena, "a%zu", i))), 0700);
		cr_assert_eq(mode_of(in_folder(rop_printf(arena, "a%zu/b/c", i))), 0700);
		rop_store_close(store);
	}
	char *lax = in_folder("a0/b/c/state.db");
	chmod(lax, 0644);
	rop_store_close(open_or_die(lax, ROP_STORE_READ));
	cr_assert_eq(mode_of(lax), 0644, "reading changes nothing");
	rop_store_close(open_or_die(lax, ROP_STORE_WRITE));
	cr_assert_eq(mode_of(lax), 0600);
}

Test(store_files, a_folder_that_was_there_keeps_its_mode)
{
	chmod(folder, 0755);
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	cr_assert_eq(mode_of(folder), 0755);
}

Test(store_files, every_pragma_reads_back)
{
	static const struct {
		const char *get, *value;
	} PRAGMAS[] = {
		{ "PRAGMA journal_mode", "truncate" }, { "PRAGMA synchronous", "2" },
		{ "PRAGMA foreign_keys", "1" },        { "PRAGMA trusted_schema", "0" },
		{ "PRAGMA cell_size_check", "1" },     { "PRAGMA mmap_size", "0" },
		{ "PRAGMA busy_timeout", "5000" },     { "PRAGMA temp_store", "2" },
		{ "PRAGMA user_version", "6" },        { "PRAGMA application_id", "1919905841" },
		{ "PRAGMA encoding", "UTF-8" },
	};
	for (int mode = ROP_STORE_WRITE; mode >= ROP_STORE_READ; mode--) {
		struct rop_store *store = open_or_die(db_path, (enum rop_store_mode)mode);
		for (size_t i = 0; i < sizeof PRAGMAS / sizeof *PRAGMAS; i++) {
			sqlite3_stmt *stmt;
			cr_assert_eq(sqlite3_prepare_v2(store->db, PRAGMAS[i].get, -1, &stmt, NULL), SQLITE_OK);
			cr_assert_eq(sqlite3_step(stmt), SQLITE_ROW);
			cr_assert_str_eq((const char *)sqlite3_column_text(stmt, 0), PRAGMAS[i].value, "%s",
					 PRAGMAS[i].get);
			sqlite3_finalize(stmt);
		}
		int defensive = 0;
		sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, -1, &defensive);
		cr_assert_eq(defensive, 1);
		rop_store_close(store);
	}
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pragma_table_list WHERE schema = 'main' AND type = 'table' "
				      "AND name NOT LIKE 'sqlite_%' AND strict = 0"),
		     0, "all tables are STRICT");
}

Test(store_files, a_database_that_another_program_put_into_wal_mode_is_brought_back_or_refused)
{
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	raw_exec(db_path, "PRAGMA journal_mode = WAL");
	assert_not_opened(db_path, ROP_STORE_READ, "database");
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	rop_store_close(open_or_die(db_path, ROP_STORE_READ));
}

Test(store_files, reading_what_is_not_there_is_no_error_and_makes_nothing)
{
	static const char *const MISSING[] = { "state.db", "no/such/folder/state.db" };
	for (size_t i = 0; i < sizeof MISSING / sizeof *MISSING; i++) {
		struct rop_store *store = (struct rop_store *)folder;
		cr_assert(rop_store_open(in_folder(MISSING[i]), ROP_STORE_READ, &store, &err), "%s", err.text);
		cr_assert_null(store);
		cr_assert_eq(mode_of(in_folder(MISSING[i])), -ENOENT);
	}
	cr_assert_eq(mode_of(in_folder("no")), -ENOENT);
	write_file(db_path, ""); /* what a process leaves that died while it made one */
	struct rop_store *store = NULL;
	cr_assert(rop_store_open(db_path, ROP_STORE_READ, &store, &err) && !store, "%s", err.text);
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
}

Test(store_files, a_reader_cannot_write)
{
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	struct rop_store *store = open_or_die(db_path, ROP_STORE_READ);
	struct rop_entry entry = entry_at(1);
	entry.state = "Observe";
	bool paused;
	cr_assert_not(rop_store_commit(store, "cart", &entry, &paused, &err));
	cr_assert_eq(err.code, ROP_INTERNAL);
	cr_assert_not(rop_store_pause(store, "cart", 0, "ada", NULL, 1, &err));
	rop_store_close(store);
}

Test(store_files, what_is_not_ours_is_refused_and_left_alone)
{
	write_file(db_path, "once upon a time there was a text file that somebody named state.db and that was long "
			    "enough, which is at least a hundred characters, to look like the first page of a database "
			    "to a careless eye");
	assert_not_opened(db_path, ROP_STORE_WRITE, "not a database");
	assert_not_opened(db_path, ROP_STORE_READ, "not a database");
	char *foreign = in_folder("foreign.db");
	raw_exec(foreign, "PRAGMA application_id = 77; CREATE TABLE cluster (id)");
	assert_not_opened(foreign, ROP_STORE_WRITE, "another program");
	assert_not_opened(foreign, ROP_STORE_READ, "another program");
	char *unnamed = in_folder("unnamed.db");
	raw_exec(unnamed, "CREATE TABLE t (id)");
	assert_not_opened(unnamed, ROP_STORE_WRITE, "another program");
	cr_assert_eq(raw_int(unnamed, "SELECT count(*) FROM sqlite_schema"), 1);
	char *target = in_folder("real.db");
	rop_store_close(open_or_die(target, ROP_STORE_WRITE));
	cr_assert_eq(symlink(target, in_folder("link.db")), 0);
	assert_not_opened(in_folder("link.db"), ROP_STORE_WRITE, "symbolic link");
	cr_assert_eq(mkfifo(in_folder("fifo.db"), 0600), 0);
	assert_not_opened(in_folder("fifo.db"), ROP_STORE_WRITE, "regular file");
	assert_not_opened(folder, ROP_STORE_WRITE, "regular file");
	assert_not_opened(in_folder("real.db/state.db"), ROP_STORE_WRITE, "folder");
	assert_not_opened(rop_printf(arena, "%s/", folder), ROP_STORE_WRITE, "name a file");
}

Test(store_files, a_folder_reached_by_a_symbolic_link_is_fine)
{
	cr_assert_eq(mkdir(in_folder("real"), 0700), 0);
	cr_assert_eq(symlink("real", in_folder("link")), 0);
	rop_store_close(open_or_die(in_folder("link/state.db"), ROP_STORE_WRITE));
	rop_store_close(open_or_die(in_folder("real/state.db"), ROP_STORE_READ));
}

Test(store_files, a_folder_that_cannot_be_written_is_refused_at_once)
{
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	bool root = geteuid() == 0; /* root may write everywhere: go on as somebody else */
	chmod(folder, root ? 0755 : 0500);
	chmod(db_path, root ? 0666 : 0600); /* the file alone would let us */
	if (root && seteuid(65534) != 0)
		cr_skip("root, and may not become anybody else");
	assert_not_opened(db_path, ROP_STORE_WRITE, "cannot be written");
	assert_not_opened(in_folder("more/state.db"), ROP_STORE_WRITE, "cannot be made");
	rop_store_close(open_or_die(db_path, ROP_STORE_READ));
	cr_assert(!root || seteuid(0) == 0);
	chmod(folder, root ? 0777 : 0700); /* the folder alone would let us */
	chmod(db_path, root ? 0644 : 0400);
	if (root && seteuid(65534) != 0)
		cr_skip("root, and may not become anybody else");
	assert_not_opened(db_path, ROP_STORE_WRITE, "cannot be written");
	cr_assert(!root || seteuid(0) == 0);
	chmod(db_path, 0600);
	chmod(folder, 0700);
	if (root && seteuid(65534) == 0) {
		assert_not_opened(db_path, ROP_STORE_READ, folder);
		cr_assert_eq(seteuid(0), 0);
	}
}

static uid_t owner_of(const char *path)
{
	struct stat st;
	cr_assert_eq(lstat(path, &st), 0, "%s", path);
	return st.st_uid;
}

Test(store_files, what_root_makes_in_a_service_s_folder_is_the_service_s)
{
	if (geteuid() != 0 || chown(folder, 65534, 65534) != 0)
		cr_skip("only root can make files for others");
	mode_t before = umask(0777);
	struct rop_lock *lock;
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err), "%s", err.text);
	umask(before);
	rop_lock_release(lock);
	cr_assert_eq(owner_of(db_path), 65534);
	cr_assert_eq(owner_of(in_folder("cart.lock")), 65534);
	struct stat st;
	cr_assert(stat(db_path, &st) == 0 && (st.st_mode & 07777) == 0600);
}

/* Whoever has the folder may put another file under the name: that one stays whose it is. */
Test(store_files, what_root_gives_away_is_the_file_that_it_made_whatever_its_name_stands_for)
{
	if (geteuid() != 0 || chown(folder, 65534, 65534) != 0)
		cr_skip("only root can make files for others");
	char *fresh = in_folder("fresh"), *moved = in_folder("moved"), *roots = in_folder("root's");
	int fd = open(fresh, O_RDWR | O_CREAT | O_EXCL, 0600);
	cr_assert_geq(fd, 0);
	write_file(roots, "of root");
	cr_assert(rename(fresh, moved) == 0 && link(roots, fresh) == 0);
	store_give_away(fd, fresh);
	close(fd);
	cr_assert_eq(owner_of(moved), 65534);
	cr_assert_eq(owner_of(roots), 0);
}

Test(store_files, network_file_systems_are_known_by_name)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} KNOWN[] = {
		{ 0x6969, "NFS" },      { 0x01021997, "9P" },   { 0x65735546, "FUSE" },
		{ 0x517b, "SMB" },      { 0xff534d42, "CIFS" }, { (unsigned long)(int)0xff534d42, "CIFS" },
		{ 0xfe534d42, "SMB2" }, { 0xef53, NULL },       { 0x01021994, NULL },
		{ 0x9123683e, NULL },   { 0x58465342, NULL },
	};
	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++) {
		const char *name = store_network_name(KNOWN[i].magic);
		cr_assert(KNOWN[i].name ? name && strcmp(name, KNOWN[i].name) == 0 : !name, "%lx", KNOWN[i].magic);
	}
}

/* ---- schemas ----------------------------------------------------------------------------------------------- */

enum { NEXT = 7 }; /* the schema after the newest one */
static struct store_migration steps[NEXT];

static const struct store_migration *steps_and(const char *next)
{
	cr_assert_eq(store_migrations_n, NEXT - 1);
	for (int i = 0; i < NEXT - 1; i++)
		steps[i] = store_migrations[i];
	steps[NEXT - 1].sql = next;
	return steps;
}

static void one_move(struct rop_store *store, const char *state)
{
	struct rop_entry entry = entry_at(1);
	entry.state = state;
	commit_or_die(store, "cart", &entry);
}

Test(store_files, a_newer_schema_is_refused)
{
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	raw_exec(db_path, "PRAGMA user_version = 9");
	assert_not_opened(db_path, ROP_STORE_WRITE, "written by schema 9, this program knows 6");
	assert_not_opened(db_path, ROP_STORE_READ, "written by schema 9, this program knows 6");
	raw_exec(db_path, "PRAGMA user_version = 0");
	assert_not_opened(db_path, ROP_STORE_WRITE, "damaged");
	raw_exec(db_path, "PRAGMA user_version = -3");
	assert_not_opened(db_path, ROP_STORE_READ, "damaged");
}

/* Of the newest schema all that is read is asked for at once, and not when it is needed. */
Test(store_files, a_table_that_is_missing_is_found_at_opening)
{
	static const char *const TABLES[] = { "temporary_setting", "shard", "cluster", "expectation", "wish", "drain" };
	for (size_t i = 0; i < sizeof TABLES / sizeof *TABLES; i++) {
		rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
		raw_exec(db_path, rop_printf(arena, "PRAGMA foreign_keys = OFF; DROP TABLE %s", TABLES[i]));
		assert_not_opened(db_path, ROP_STORE_READ, rop_printf(arena, "no such table: %s", TABLES[i]));
		assert_not_opened(db_path, ROP_STORE_WRITE, rop_printf(arena, "no such table: %s", TABLES[i]));
		unlink(db_path);
	}
}

Test(store_files, a_migration_keeps_what_was_there_and_a_copy_of_it)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	one_move(store, "Ready");
	rop_store_close(store);
	char *copy = rop_printf(arena, "%s.before-7", db_path);
	write_file(rop_printf(arena, "%s.part", copy), "left by a copy that was interrupted");
	const struct store_migration *all = steps_and("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT;ALTER TABLE "
						      "cluster ADD COLUMN colour TEXT;");
	cr_assert(store_open_with(db_path, ROP_STORE_READ, all, NEXT, &store, &err), "%s", err.text);
	cr_assert_str_eq(image_of(store, "cart").state, "Ready", "compatible: an older schema can be read");
	rop_store_close(store);
	cr_assert_eq(mode_of(copy), -ENOENT, "reading migrates nothing");
	cr_assert(store_open_with(db_path, ROP_STORE_WRITE, all, NEXT, &store, &err), "%s", err.text);
	cr_assert_str_eq(image_of(store, "cart").state, "Ready");
	one_move(store, "Degraded");
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), NEXT);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM extra"), 0);
	cr_assert(integrity_ok(db_path));
	cr_assert_eq(mode_of(copy), 0600);
	cr_assert_eq(mode_of(rop_printf(arena, "%s.part", copy)), -ENOENT);
	store = open_or_die(copy, ROP_STORE_READ);
	cr_assert_str_eq(image_of(store, "cart").state, "Ready", "the copy is a database of the schema before");
	rop_store_close(store);
	assert_not_opened(db_path, ROP_STORE_WRITE, "written by schema 7, this program knows 6");
}

Test(store_files, a_new_database_takes_all_steps_without_copies)
{
	struct rop_store *store;
	const struct store_migration *all = steps_and("CREATE TABLE extra (id INTEGER PRIMARY KEY) STRICT");
	cr_assert(store_open_with(db_path, ROP_STORE_WRITE, all, NEXT, &store, &err), "%s", err.text);
	one_move(store, "Ready");
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), NEXT);
	cr_assert_eq(mode_of(rop_printf(arena, "%s.before-7", db_path)), -ENOENT);
	cr_assert(store_open_with(":memory:", ROP_STORE_WRITE, all, NEXT, &store, &err), "%s", err.text);
	rop_store_close(store);
}

Test(store_files, a_migration_that_fails_changes_nothing)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	one_move(store, "Ready");
	rop_store_close(store);
	static const char *const BAD[] = {
		"CREATE TABLE extra (id); SELECT nonsense",
		"CREATE TABLE extra (id INTEGER REFERENCES cluster (id)); INSERT INTO extra VALUES (99)",
		"ALTER TABLE cluster RENAME COLUMN state TO mood; INSERT INTO cluster (name) VALUES ('cart')",
	};
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		store = NULL;
		cr_assert_not(store_open_with(db_path, ROP_STORE_WRITE, steps_and(BAD[i]), NEXT, &store, &err));
		cr_assert(err.code == ROP_FAIL && strstr(err.text, "schema 7"), "%s", err.text);
		cr_assert_null(store);
		cr_assert_eq(raw_int(db_path, "PRAGMA user_version"), NEXT - 1);
		cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM sqlite_schema WHERE name = 'extra'"), 0);
	}
	store = open_or_die(db_path, ROP_STORE_WRITE);
	cr_assert_str_eq(image_of(store, "cart").state, "Ready");
	rop_store_close(store);
}

Test(store_files, an_older_schema_that_cannot_be_read_says_what_brings_it_up_to_date)
{
	const struct store_migration old = { "CREATE TABLE cluster (id INTEGER PRIMARY KEY, name TEXT) STRICT" };
	struct rop_store *store = NULL;
	cr_assert_not(store_open_with(db_path, ROP_STORE_WRITE, &old, 1, &store, &err)); /* made, but not fit */
	cr_assert_not(store_open_with(db_path, ROP_STORE_READ, steps_and("SELECT 1"), NEXT, &store, &err));
	cr_assert(strstr(err.text, "written by schema 1") && strstr(err.text, "brings it up to date"), "%s", err.text);
	cr_assert_null(store);
}

/* ---- an SQLite that is not fit for it ------------------------------------------------------------------------ */

static const char *ignored; /* what it cannot be told */

static int ignore_it(void *arg, int action, const char *name, const char *value, const char *database,
		     const char *trigger)
{
	(void)arg;
	(void)database;
	(void)trigger;
	bool is_it = action == SQLITE_PRAGMA && value && strcmp(name, ignored) == 0;
	return is_it ? SQLITE_IGNORE : SQLITE_OK;
}

static int make_deaf(sqlite3 *db, const char **ret_text, const void *api)
{
	(void)ret_text;
	(void)api;
	return sqlite3_set_authorizer(db, ignore_it, NULL);
}

/* As one does that was built without it: no error, and no effect. */
Test(store_files, an_sqlite_that_does_not_do_as_it_is_told_is_not_used)
{
	static const char *const NAMES[] = { "cell_size_check", "cache_size" };
	static const char *const SAID[] = { "cell_size_check is 0 instead of 1", " instead of -16384" };
	struct rop_store *store = NULL;
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
	cr_assert_eq(sqlite3_auto_extension((void (*)(void))make_deaf), SQLITE_OK);
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		for (int mode = 0; mode < 2; mode++) {
			ignored = NAMES[i];
			err = (struct rop_err){ 0 };
			cr_assert_not(rop_store_open(db_path, mode ? ROP_STORE_WRITE : ROP_STORE_READ, &store, &err));
			cr_assert(strstr(err.text, SAID[i]) && strstr(err.text, "not fit for it"), "%s", err.text);
		}
	sqlite3_reset_auto_extension();
	rop_store_close(open_or_die(db_path, ROP_STORE_WRITE));
}

/* ---- the lock ---------------------------------------------------------------------------------------------- */

static struct rop_lock *lock_or_die(const char *cluster, const char *command)
{
	struct rop_lock *lock = NULL;
	cr_assert(rop_lock_take(db_path, cluster, command, &lock, &err), "%s", err.text);
	cr_assert_not_null(lock);
	return lock;
}

Test(store_lock, the_holder_is_named_with_its_command_and_start)
{
	db_path = in_folder("new/state.db");
	char before[32], after[32];
	time_t now = time(NULL);
	strftime(before, sizeof before, "%Y-%m-%d %H:%M:%S", localtime(&now));
	struct rop_lock *lock = lock_or_die("cart", "apply");
	now = time(NULL);
	strftime(after, sizeof after, "%Y-%m-%d %H:%M:%S", localtime(&now));
	struct rop_lock *second = (struct rop_lock *)folder;
	cr_assert_not(rop_lock_take(db_path, "cart", "run", &second, &err));
	cr_assert_eq(err.code, ROP_BUSY);
	cr_assert_eq((char *)second, folder);
	char *with = rop_printf(arena, "held by pid %d (apply, since %s)", getpid(), before);
	char *or_with = rop_printf(arena, "held by pid %d (apply, since %s)", getpid(), after);
	cr_assert(strstr(err.text, with) || strstr(err.text, or_with), "%s", err.text);
	cr_assert_eq(mode_of(in_folder("new/cart.lock")), 0600);
	struct rop_lock *other = lock_or_die("wishlist", "apply"); /* one per cluster */
	rop_lock_release(other);
	rop_lock_release(lock);
	struct stat st;
	cr_assert(stat(in_folder("new/cart.lock"), &st) == 0 && st.st_size == 0, "kept, but empty");
	rop_lock_release(lock_or_die("cart", "run"));
	rop_lock_release(NULL);
}

Test(store_lock, a_holder_that_has_not_signed_yet_is_still_a_holder)
{
	int fd = open(in_folder("cart.lock"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	cr_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
	static const char *const CONTENTS[] = { "",           "4711",    "4711 app",    "1 apply 17672",
						"nonsense\n", "x y z\n", "-4 apply 1\n" };
	for (size_t i = 0; i < sizeof CONTENTS / sizeof *CONTENTS; i++) {
		cr_assert_eq(ftruncate(fd, 0), 0);
		cr_assert_eq(pwrite(fd, CONTENTS[i], strlen(CONTENTS[i]), 0), (ssize_t)strlen(CONTENTS[i]));
		struct rop_lock *lock = NULL;
		cr_assert_not(rop_lock_take(db_path, "cart", "apply", &lock, &err));
		cr_assert(err.code == ROP_BUSY && strstr(err.text, "held by another process"), "%s", err.text);
	}
	close(fd);
	rop_lock_release(lock_or_die("cart", "apply"));
}

/* Its lock lies beside the database, where there may be others. */
Test(store_lock, of_one_folder_one_daemon_and_it_is_not_called_that_of_the_database)
{
	struct rop_lock *lock = NULL, *second = NULL;
	cr_assert(rop_lock_take(db_path, NULL, "run", &lock, &err), "%s", err.text);
	cr_assert_not(rop_lock_take(in_folder("other.db"), NULL, "run", &second, &err));
	cr_assert_eq(err.code, ROP_BUSY);
	cr_assert(strstr(err.text, "the place of the daemon, one for all databases beside ") &&
			  strstr(err.text, ".lock is held by pid "),
		  "%s", err.text);
	rop_lock_release(lock);
}

Test(store_lock, the_name_of_a_dead_process_holds_nothing)
{
	write_file(in_folder("cart.lock"), "999999999 apply 1767268867\n");
	rop_lock_release(lock_or_die("cart", "apply"));
}

/* In a child that shares the locked file: sign after a moment, as a new holder does, and stay. */
static void sign_late(int fd)
{
	alarm(60); /* should the test fail and forget it */
	usleep(20000);
	char *line = rop_printf(arena, "%d apply 1767268867\n", getpid());
	if (ftruncate(fd, 0) == 0 && pwrite(fd, line, strlen(line), 0) > 0)
		pause();
	_exit(1);
}

Test(store_lock, a_new_holder_is_not_taken_for_the_dead_one_before_it)
{
	bool named = false;
	for (int round = 0; round < 10 && !named; round++) { /* a busy machine may need more than one */
		write_file(in_folder("cart.lock"), "999999999 run 1767268867\n");
		int fd = open(in_folder("cart.lock"), O_RDWR | O_CLOEXEC);
		cr_assert(fd >= 0 && flock(fd, LOCK_EX) == 0);
		pid_t child = fork();
		if (child == 0)
			sign_late(fd);
		close(fd);
		struct rop_lock *lock = NULL;
		cr_assert_not(rop_lock_take(db_path, "cart", "apply", &lock, &err));
		named = strstr(err.text, rop_printf(arena, "held by pid %d (apply, since ", child)) != NULL;
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	cr_assert(named, "%s", err.text);
}

Test(store_lock, odd_names_and_places_are_refused)
{
	static const char *const BAD[] = { "", "../cart", ".", "a/b" };
	struct rop_lock *lock = NULL;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		cr_assert(!rop_lock_take(db_path, BAD[i], "apply", &lock, &err) && err.code == ROP_INVALID, "%s",
			  BAD[i]);
	cr_assert_eq(symlink("elsewhere", in_folder("cart.lock")), 0);
	cr_assert(!rop_lock_take(db_path, "cart", "apply", &lock, &err) && err.code == ROP_FAIL, "%s", err.text);
	cr_assert_eq(mode_of(in_folder("elsewhere")), -ENOENT);
	cr_assert(rop_lock_take(":memory:", "cart", "apply", &lock, &err), "%s", err.text);
	rop_lock_release(lock);
	cr_assert_eq(mode_of("cart.lock"), -ENOENT, "a database in memory needs no lock file");
}

struct shared {
	int inside, overlaps, taken, refused, odd;
};

/* In a child: try again and again; count what was seen. */
static void race(struct shared *shared, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		struct rop_lock *lock = NULL;
		if (!rop_lock_take(db_path, "cart", "race", &lock, &err)) {
			__atomic_add_fetch(&shared->refused, 1, __ATOMIC_SEQ_CST);
			if (err.code != ROP_BUSY ||
			    (!strstr(err.text, "(race, since 2") && !strstr(err.text, "not yet said")))
				__atomic_add_fetch(&shared->odd, 1, __ATOMIC_SEQ_CST);
			continue;
		}
		__atomic_add_fetch(&shared->taken, 1, __ATOMIC_SEQ_CST);
		if (__atomic_add_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST) != 1)
			__atomic_add_fetch(&shared->overlaps, 1, __ATOMIC_SEQ_CST);
		/* until somebody was turned away: else the race proves nothing */
		for (int k = 0; k < 20 || (k < 1000000 && __atomic_load_n(&shared->refused, __ATOMIC_SEQ_CST) == 0);
		     k++)
			sched_yield();
		__atomic_sub_fetch(&shared->inside, 1, __ATOMIC_SEQ_CST);
		rop_lock_release(lock);
	}
}

Test(store_lock, of_processes_that_race_one_at_a_time_is_in)
{
	struct shared *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	cr_assert_neq(shared, MAP_FAILED);
	pid_t children[3];
	for (int i = 0; i < 3; i++) {
		children[i] = fork();
		if (children[i] == 0) {
			race(shared, 300);
			_exit(0);
		}
	}
	for (int i = 0; i < 3; i++) {
		int status = -1;
		cr_assert(waitpid(children[i], &status, 0) == children[i] && status == 0);
	}
	cr_assert_eq(shared->overlaps, 0);
	cr_assert_eq(shared->odd, 0);
	cr_assert_eq(shared->taken + shared->refused, 900);
	cr_assert_gt(shared->refused, 0, "they did meet");
	munmap(shared, sizeof *shared);
}

Test(store_lock, the_lock_of_a_killed_process_is_free)
{
	int ready[2];
	cr_assert_eq(pipe(ready), 0);
	pid_t child = fork();
	if (child == 0) {
		struct rop_lock *lock;
		alarm(60); /* should the test fail and forget it */
		if (rop_lock_take(db_path, "cart", "run", &lock, NULL) && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	char x;
	cr_assert_eq(read(ready[0], &x, 1), 1);
	struct rop_lock *lock = NULL;
	cr_assert_not(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	cr_assert(strstr(err.text, rop_printf(arena, "held by pid %d (run, since ", child)), "%s", err.text);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	rop_lock_release(lock_or_die("cart", "apply"));
}
