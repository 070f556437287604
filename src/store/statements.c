/* statements.c - prepare each statement once, bind, step and read it. */
#include "statements.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "inner.h"

static const struct {
	const char *text;
	enum sql_when when;
} STATEMENTS[SQL_N] = {
#define X(name, when, text) { text, SQL_WHEN_##when },
	SQL_STATEMENTS(X)
#undef X
};

static int prepare(struct rop_store *store, int name)
{
	if (store->statements[name])
		return SQLITE_OK;
	return sqlite3_prepare_v3(store->db, STATEMENTS[name].text, -1, SQLITE_PREPARE_PERSISTENT,
				  &store->statements[name], NULL);
}

bool sql_prepare_all(struct rop_store *store, bool for_writing, struct rop_err *err)
{
	for (int i = 0; i < SQL_N; i++) {
		enum sql_when when = STATEMENTS[i].when;
		if (when == SQL_WHEN_SETUP || (when == SQL_WHEN_WRITE && !for_writing) ||
		    (when == SQL_WHEN_READ_2 && store->schema < 2) || (when == SQL_WHEN_READ_3 && store->schema < 3) ||
		    (when == SQL_WHEN_READ_4 && store->schema < 4) || (when == SQL_WHEN_READ_5 && store->schema < 5) ||
		    (when == SQL_WHEN_READ_6 && store->schema < 6))
			continue;
		int rc = prepare(store, i);
		if (rc != SQLITE_OK)
			return store_fail(store, rc, err);
	}
	return true;
}

void sql_finalize_all(struct rop_store *store)
{
	for (int i = 0; i < SQL_N; i++) {
		sqlite3_finalize(store->statements[i]);
		store->statements[i] = NULL;
	}
}

struct sql sql_start(struct rop_store *store, enum sql_name name)
{
	struct sql q = { .store = store };
	q.rc = prepare(store, (int)name);
	q.stmt = store->statements[name];
	return q;
}

void sql_put_int(struct sql *q, int64_t value)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_int64(q->stmt, ++q->at, value);
}

void sql_put_text(struct sql *q, const char *value)
{
	if (q->rc == SQLITE_OK)
		q->rc = sqlite3_bind_text(q->stmt, ++q->at, value, -1, SQLITE_STATIC); /* NULL binds NULL */
}

void sql_put_always(struct sql *q, const char *value)
{
	sql_put_text(q, value ? value : "");
}

bool sql_row(struct sql *q)
{
	if (q->rc != SQLITE_OK && q->rc != SQLITE_ROW)
		return false;
	if (q->odd[0])
		return false;
	q->at = 0;
	q->rc = sqlite3_step(q->stmt);
	return q->rc == SQLITE_ROW;
}

void sql_odd(struct sql *q, const char *what, const char *value)
{
	if (!q->odd[0])
		snprintf(q->odd, sizeof q->odd, "%s '%.40s'", what, value);
}

int64_t sql_int(struct sql *q)
{
	return sqlite3_column_int64(q->stmt, q->at++);
}

int sql_small(struct sql *q)
{
	int64_t value = sql_int(q);
	if (value >= INT_MIN && value <= INT_MAX)
		return (int)value;
	sql_odd(q, "a number out of range in", sqlite3_column_name(q->stmt, q->at - 1));
	return 0;
}

const char *sql_text(struct sql *q, struct rop_arena *arena)
{
	int column = q->at++;
	const char *value = (const char *)sqlite3_column_text(q->stmt, column);
	return value ? rop_strndup(arena, value, (size_t)sqlite3_column_bytes(q->stmt, column)) : NULL;
}

const char *sql_always(struct sql *q, struct rop_arena *arena)
{
	const char *value = sql_text(q, arena);
	return value ? value : "";
}

void sql_copy(struct sql *q, char *buf, size_t size)
{
	const char *value = (const char *)sqlite3_column_text(q->stmt, q->at++);
	if (!value)
		value = "";
	if (strlen(value) >= size) {
		sql_odd(q, sqlite3_column_name(q->stmt, q->at - 1), value);
		value = "";
	}
	snprintf(buf, size, "%s", value);
}

int sql_name_of(struct sql *q, int (*find)(const char *name), const char *what)
{
	const char *value = (const char *)sqlite3_column_text(q->stmt, q->at++);
	int found = value ? find(value) : -1;
	if (found >= 0)
		return found;
	sql_odd(q, what, value ? value : "");
	return 0;
}

bool sql_end(struct sql *q, struct rop_err *err)
{
	bool ok = q->rc == SQLITE_OK || q->rc == SQLITE_ROW || q->rc == SQLITE_DONE;
	if (!ok)
		store_fail(q->store, q->rc, err); /* before the reset, while SQLite remembers the message */
	if (ok && q->odd[0])
		ok = store_damaged(q->store, q->odd, err);
	if (q->stmt) {
		sqlite3_reset(q->stmt);
		sqlite3_clear_bindings(q->stmt);
	}
	return ok;
}

bool sql_run(struct sql *q, struct rop_err *err)
{
	while (sql_row(q))
		;
	return sql_end(q, err);
}
