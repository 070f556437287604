/* migrate.c - bring a database to the newest schema: a copy first, then one transaction for each step. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "inner.h"

static const char SCHEMA[] =
#include "src/store/schema.inc"
	;
static const char SCHEMA_2[] =
#include "src/store/schema-2.inc"
	;
static const char SCHEMA_3[] =
#include "src/store/schema-3.inc"
	;
static const char SCHEMA_4[] =
#include "src/store/schema-4.inc"
	;

static const char SCHEMA_5[] =
#include "src/store/schema-5.inc"
	;

static const char SCHEMA_6[] =
#include "src/store/schema-6.inc"
	;

const struct store_migration store_migrations[] = {
	{ SCHEMA }, /* 1 */
	{ SCHEMA_2 }, { SCHEMA_3 }, { SCHEMA_4 }, { SCHEMA_5 }, { SCHEMA_6 },
};
const int store_migrations_n = (int)(sizeof store_migrations / sizeof *store_migrations);

bool store_identify(struct rop_store *store, struct store_identity *ret_identity, struct rop_err *err)
{
	struct store_identity is = { 0 };
	struct sql q = sql_start(store, SQL_IDENTITY);
	while (sql_row(&q)) {
		is.application_id = sql_int(&q);
		is.version = sql_int(&q);
		is.tables = sql_int(&q);
	}
	if (!sql_end(&q, err))
		return false;
	*ret_identity = is;
	return true;
}

static bool exec(struct rop_store *store, const char *text, struct rop_err *err)
{
	int rc = sqlite3_exec(store->db, text, NULL, NULL, NULL);
	return rc == SQLITE_OK || store_fail(store, rc, err);
}

/* VACUUM INTO is for connections outside of a transaction: another one, that sees what was there before it. */
static bool copy_to(struct rop_store *store, const char *part, struct rop_err *err)
{
	struct rop_store before = { .path = store->path, .file = store->file };
	int rc = sqlite3_open_v2(store->file, &before.db,
				 SQLITE_OPEN_READONLY | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(before.db, "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY", NULL, NULL,
				  NULL);
	bool ok = rc == SQLITE_OK || store_fail(&before, rc, err);
	if (ok) {
		struct sql q = sql_start(&before, SQL_COPY);
		sql_put_text(&q, part);
		ok = sql_run(&q, err);
	}
	sql_finalize_all(&before);
	sqlite3_close(before.db);
	return ok && store_sync_file(part, err);
}

/* Inside the transaction: of several processes that come with a newer program one makes the copy, and no other can
 * write over it what is migrated already. It gets its name when it is complete and on the disk, so that a file of that
 * name is always whole. */
static bool copy_before(struct rop_store *store, int version, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const char *copy = rop_printf(arena, "%s.before-%d", store->file, version);
	const char *part = rop_printf(arena, "%s.part", copy);
	bool exists;
	unlink(part); /* of an attempt that was interrupted */
	if (!store_file(part, part, true, &exists, err))
		return false;
	if (!copy_to(store, part, err)) {
		unlink(part);
		return rop_wrap(err, "copy to %s", copy);
	}
	if (rename(part, copy) != 0)
		return rop_fail(err, ROP_FAIL, "copy to %s: %s", copy, strerror(errno));
	return true;
}

static bool references_hold(struct rop_store *store, struct rop_err *err)
{
	int rows = 0;
	struct sql q = sql_start(store, SQL_FOREIGN_KEY_CHECK);
	while (sql_row(&q))
		rows++;
	return sql_end(&q, err) && (rows == 0 || store_damaged(store, "rows refer to rows that do not exist", err));
}

static bool step_to(struct rop_store *store, int version, const char *text, struct rop_err *err)
{
	char mark[96];
	snprintf(mark, sizeof mark, "PRAGMA application_id = %d; PRAGMA user_version = %d", STORE_APPLICATION_ID,
		 version);
	if (!exec(store, text, err) || !references_hold(store, err) || !exec(store, mark, err))
		return rop_wrap(err, "bringing it to schema %d", version);
	return true;
}

/* Inside the transaction: what was seen before it may be outdated, another process may have been faster. A new database
 * takes all steps at once, so that nobody finds it half made. */
static bool step_on(struct rop_store *store, const struct store_migration *migrations, int n, int *ret_version,
		    struct rop_err *err)
{
	struct store_identity is;
	if (!store_identify(store, &is, err))
		return false;
	int version = (int)is.version, last = version == 0 || version >= n ? n : version + 1;
	if (version > 0 && version < last && !store->in_memory && !copy_before(store, last, err))
		return rop_wrap(err, "before bringing it to schema %d", last);
	while (version < last) {
		version++;
		if (!step_to(store, version, migrations[version - 1].sql, err))
			return false;
	}
	*ret_version = version;
	return true;
}

bool store_migrate(struct rop_store *store, const struct store_migration *migrations, int n, struct rop_err *err)
{
	struct store_identity is;
	if (!store_identify(store, &is, err))
		return false;
	if (is.version >= n)
		return true;
	if (!exec(store, "PRAGMA foreign_keys = OFF", err)) /* a step may rebuild a table that others refer to */
		return false;
	for (int version = (int)is.version; version < n;) {
		if (!store_begin(store, err))
			return false;
		if (!step_on(store, migrations, n, &version, err)) {
			store_undo(store);
			return false;
		}
		if (!store_finish(store, err))
			return false;
	}
	return exec(store, "PRAGMA foreign_keys = ON", err);
}
