/* open.c - open the database so that it can be relied upon, or say why not.
 *
 * Happy path: folder and file are fit, SQLite opens the file, it is ours, whole, of a schema we know (migrated when
 * opened for writing), every pragma reads back as it was set, every statement prepares.
 * Failure modes: each with its sentence, code 1, and nothing changed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "inner.h"
#include "rop/text.h"

#define VALUE_MAX_BYTES (64 * 1024 * 1024) /* no text of ours comes near; a damaged length does */

/* Set on every connection, read back at the end. */
static const struct {
	const char *set, *get, *expected;
	bool on_disk;       /* means nothing for a database in memory */
	bool may_be_absent; /* not every SQLite is built with it */
} PRAGMAS[] = {
	{ "PRAGMA journal_mode = TRUNCATE", "PRAGMA journal_mode", "truncate", true, false },
	{ "PRAGMA synchronous = FULL", "PRAGMA synchronous", "2", true, false },
	{ "PRAGMA mmap_size = 0", "PRAGMA mmap_size", "0", true, true },
	{ "PRAGMA busy_timeout = 5000", "PRAGMA busy_timeout", "5000", false, false },
	{ "PRAGMA foreign_keys = ON", "PRAGMA foreign_keys", "1", false, false },
	{ "PRAGMA trusted_schema = OFF", "PRAGMA trusted_schema", "0", false, false },
	{ "PRAGMA cell_size_check = ON", "PRAGMA cell_size_check", "1", false, false },
	{ "PRAGMA temp_store = MEMORY", "PRAGMA temp_store", "2", false, false }, /* nothing leaks into other folders */
	{ "PRAGMA cache_size = -16384", "PRAGMA cache_size", "-16384", false, false }, /* KiB: a batch fits, no spill */
};

/* Switches of the connection: a tampered file cannot make us run its triggers and views, nor write to its schema. */
static const struct {
	int option, value;
} SWITCHES[] = {
	{ SQLITE_DBCONFIG_DEFENSIVE, 1 },      { SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
	{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 }, { SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
	{ SQLITE_DBCONFIG_DQS_DML, 0 },        { SQLITE_DBCONFIG_DQS_DDL, 0 },
};

static bool set_switches(struct rop_store *store, struct rop_err *err)
{
	for (size_t i = 0; i < sizeof SWITCHES / sizeof *SWITCHES; i++) {
		int now = -1;
		int rc = sqlite3_db_config(store->db, SWITCHES[i].option, SWITCHES[i].value, &now);
		if (rc != SQLITE_OK || now != SWITCHES[i].value)
			return rop_fail(err, ROP_FAIL,
					"this SQLite (%s) cannot set its option %d, which is needed to open %s safely",
					sqlite3_libversion(), SWITCHES[i].option, store->path);
	}
	sqlite3_limit(store->db, SQLITE_LIMIT_LENGTH, VALUE_MAX_BYTES);
	return true;
}

static bool set_pragmas(struct rop_store *store, struct rop_err *err)
{
	for (size_t i = 0; i < sizeof PRAGMAS / sizeof *PRAGMAS; i++) {
		int rc = sqlite3_exec(store->db, PRAGMAS[i].set, NULL, NULL, NULL);
		if (rc != SQLITE_OK)
			return store_fail(store, rc, err);
	}
	return true;
}

static bool pragma_holds(struct rop_store *store, size_t i, struct rop_err *err)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(store->db, PRAGMAS[i].get, -1, &stmt, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	bool ok = true;
	const char *value = rc == SQLITE_ROW ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
	if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		ok = store_fail(store, rc, err);
	if (ok && !(value ? strcmp(value, PRAGMAS[i].expected) == 0 : PRAGMAS[i].may_be_absent))
		ok = rop_fail(err, ROP_FAIL,
			      "the database %s: %s is %s instead of %s. Another program has changed the file, or this "
			      "SQLite (%s) is not fit for it",
			      store->path, PRAGMAS[i].get + strlen("PRAGMA "), value ? value : "not known",
			      PRAGMAS[i].expected, sqlite3_libversion());
	sqlite3_finalize(stmt);
	return ok;
}

static bool check_pragmas(struct rop_store *store, struct rop_err *err)
{
	for (size_t i = 0; i < sizeof PRAGMAS / sizeof *PRAGMAS; i++)
		if (!(store->in_memory && PRAGMAS[i].on_disk) && !pragma_holds(store, i, err))
			return false;
	return true;
}

static bool quick_check(struct rop_store *store, struct rop_err *err)
{
	char finding[200] = "no answer from its check";
	struct sql q = sql_start(store, SQL_QUICK_CHECK);
	while (sql_row(&q)) {
		const char *text = (const char *)sqlite3_column_text(q.stmt, 0);
		snprintf(finding, sizeof finding, "%s", text ? text : "");
		for (char *c = finding; *c; c++)
			if (*c == '\n')
				*c = ' ';
	}
	if (!sql_end(&q, err))
		return false;
	return strcmp(finding, "ok") == 0 || store_damaged(store, finding, err);
}

/* Ours, and of a schema this program can work with? ret_empty: a new file, nothing in it yet. */
static bool check_identity(struct rop_store *store, int newest, struct store_identity *ret_identity, bool *ret_empty,
			   struct rop_err *err)
{
	struct store_identity is;
	if (!store_identify(store, &is, err))
		return false;
	bool empty = is.application_id == 0 && is.version == 0 && is.tables == 0;
	if (!empty && is.application_id != STORE_APPLICATION_ID)
		return rop_fail(err, ROP_FAIL,
				"%s is a database of another program (application id %lld). Name another file with "
				"--state",
				store->path, (long long)is.application_id);
	if (is.version > newest)
		return rop_fail(err, ROP_FAIL,
				"the database %s was written by schema %lld, this program knows %d. Use the newer "
				"redis-operator, or move the file away, which costs history, pauses and the memory "
				"of who held which data",
				store->path, (long long)is.version, newest);
	if (!empty && is.version < 1)
		return store_damaged(store, "it has no schema version", err);
	*ret_identity = is;
	*ret_empty = empty;
	return true;
}

static bool open_file(struct rop_store *store, int flags, struct rop_err *err)
{
	int rc = sqlite3_open_v2(store->file, &store->db, flags | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc != SQLITE_OK)
		return store_fail(store, rc, err);
	sqlite3_extended_result_codes(store->db, 1);
	sqlite3_busy_timeout(store->db, STORE_BUSY_MS);
	return set_switches(store, err) && set_pragmas(store, err);
}

static void close_file(struct rop_store *store)
{
	sql_finalize_all(store);
	sqlite3_close(store->db);
	store->db = NULL;
}

static bool prepare_for_writing(struct rop_store *store, const struct store_migration *migrations, int n,
				struct rop_err *err)
{
	int flags = SQLITE_OPEN_READWRITE | (store->in_memory ? SQLITE_OPEN_CREATE | SQLITE_OPEN_MEMORY : 0);
	if (!open_file(store, flags, err))
		return false;
	if (sqlite3_db_readonly(store->db, "main") == 1) /* SQLite falls back to reading in silence */
		return store_fail(store, SQLITE_READONLY, err);
	struct store_identity is;
	bool empty;
	store->schema = n; /* when this has worked */
	return check_identity(store, n, &is, &empty, err) && quick_check(store, err) &&
	       store_migrate(store, migrations, n, err) && check_pragmas(store, err) &&
	       sql_prepare_all(store, true, err);
}

static bool open_and_look(struct rop_store *store, int flags, struct rop_err *err)
{
	struct store_identity is;
	return open_file(store, flags, err) && store_identify(store, &is, err);
}

/* A writer that was killed leaves a journal to be rolled back, which a read-only connection cannot do. Whoever may
 * write the file does it here; the connection then still refuses to write anything of its own. */
static bool open_to_read(struct rop_store *store, struct rop_err *err)
{
	if (open_and_look(store, SQLITE_OPEN_READONLY, err))
		return true;
	if (sqlite3_extended_errcode(store->db) != SQLITE_READONLY_ROLLBACK)
		return false;
	close_file(store);
	return open_and_look(store, SQLITE_OPEN_READWRITE, err);
}

static bool prepare_for_reading(struct rop_store *store, int newest, bool *ret_empty, struct rop_err *err)
{
	if (!open_to_read(store, err))
		return false;
	int rc = sqlite3_exec(store->db, "PRAGMA query_only = ON", NULL, NULL, NULL);
	if (rc != SQLITE_OK)
		return store_fail(store, rc, err);
	struct store_identity is;
	if (!check_identity(store, newest, &is, ret_empty, err))
		return false;
	if (*ret_empty)
		return true;
	store->schema = (int)is.version;
	if (!check_pragmas(store, err))
		return false;
	if (sql_prepare_all(store, false, err))
		return true;
	if (is.version < newest)
		return rop_fail(err, ROP_FAIL,
				"the database %s was written by schema %lld and cannot be read as it is: this program "
				"knows %d. The next apply or run brings it up to date",
				store->path, (long long)is.version, newest);
	return false;
}

static bool open_on_disk(struct rop_store *store, const struct store_migration *migrations, int n, bool *ret_missing,
			 struct rop_err *err)
{
	char *folder = NULL;
	if (!store_folder(store->path, store->for_writing, &folder, err))
		return false;
	if (!folder) {
		*ret_missing = true;
		return true;
	}
	const char *slash = strrchr(store->path, '/');
	const char *base = slash ? slash + 1 : store->path;
	size_t size = strlen(folder) + strlen(base) + 2;
	store->file = rop_malloc(size);
	snprintf(store->file, size, "%s/%s", strcmp(folder, "/") == 0 ? "" : folder, base);
	free(folder);
	bool exists = false;
	if (!store_file(store->file, store->path, store->for_writing, &exists, err))
		return false;
	if (store->for_writing)
		return prepare_for_writing(store, migrations, n, err);
	*ret_missing = !exists;
	return !exists || prepare_for_reading(store, n, ret_missing, err);
}

bool store_open_with(const char *path, enum rop_store_mode mode, const struct store_migration *migrations, int n,
		     struct rop_store **ret_store, struct rop_err *err)
{
	struct rop_store *store = rop_malloc(sizeof *store);
	store->path = rop_heap_strdup(path);
	store->for_writing = mode == ROP_STORE_WRITE;
	store->in_memory = store->for_writing && strcmp(path, ":memory:") == 0;
	bool missing = false;
	bool ok;
	if (store->in_memory) {
		store->file = rop_heap_strdup(path);
		ok = prepare_for_writing(store, migrations, n, err);
	} else {
		ok = open_on_disk(store, migrations, n, &missing, err);
	}
	if (!ok || missing) {
		rop_store_close(store);
		store = NULL;
	}
	if (ok)
		*ret_store = store;
	return ok;
}

bool rop_store_open(const char *path, enum rop_store_mode mode, struct rop_store **ret_store, struct rop_err *err)
{
	return store_open_with(path, mode, store_migrations, store_migrations_n, ret_store, err);
}

void rop_store_close(struct rop_store *store)
{
	if (!store)
		return;
	close_file(store);
	free(store->broken);
	free(store->file);
	free(store->path);
	free(store);
}

bool rop_store_in_use(const struct rop_store *store)
{
	return store->in_use;
}

void rop_store_wait_at_most(struct rop_store *store, int ms)
{
	sqlite3_busy_timeout(store->db, ms);
}
