/* transaction.c - one function of the store is one transaction: its begin and its end. */
#include "inner.h"

bool store_begin(struct rop_store *store, struct rop_err *err)
{
	if (!store_usable(store, err))
		return false;
	if (!store->for_writing)
		return rop_fail(err, ROP_INTERNAL, "the database %s was opened for reading only", store->path);
	struct sql q = sql_start(store, SQL_BEGIN_WRITE); /* takes the write lock now: a later upgrade would not wait */
	store->in_write = sql_run(&q, err);
	return store->in_write;
}

void store_undo(struct rop_store *store)
{
	if (!sqlite3_get_autocommit(store->db)) { /* else SQLite has rolled back by itself */
		struct sql q = sql_start(store, SQL_ROLLBACK);
		sql_run(&q, NULL);
	}
	store->in_write = false;
}

bool store_finish(struct rop_store *store, struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_COMMIT);
	bool ok = sql_run(&q, err);
	if (!ok)
		store_undo(store);
	store->in_write = false;
	return ok;
}

bool store_begin_read(struct rop_store *store, struct rop_err *err)
{
	if (!store_usable(store, err))
		return false;
	struct sql q = sql_start(store, SQL_BEGIN_READ);
	return sql_run(&q, err);
}

void store_end_read(struct rop_store *store)
{
	store_undo(store); /* nothing was written: the cheap way to let go of the lock */
}
