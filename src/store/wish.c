/* wish.c - what a person wants of a cluster besides what is declared: written here, and taken back. */
#include "inner.h"

bool store_add_wish(struct rop_store *store, int64_t id, int64_t pass, const struct rop_wish *wish, int64_t wall_ms,
		    int64_t *ret_id, struct rop_err *err)
{
	int64_t open;
	if (!store_open_wish(store, id, &open, err))
		return false;
	if (open)
		return rop_fail(err, ROP_BUSY, "another fail-over is wanted already");
	struct sql q = sql_start(store, SQL_WISH_ADD);
	sql_put_int(&q, id);
	sql_put_int(&q, pass);
	sql_put_int(&q, wish->shard);
	sql_put_always(&q, wish->node);
	sql_put_text(&q, wish->address);
	sql_put_always(&q, wish->primary);
	sql_put_text(&q, wish->primary_address);
	sql_put_int(&q, wall_ms);
	sql_put_always(&q, wish->by.user);
	sql_put_int(&q, wish->by.uid);
	sql_put_always(&q, wish->by.host);
	sql_put_int(&q, wish->by.pid);
	sql_put_always(&q, wish->by.command);
	sql_put_text(&q, wish->by.reason);
	sql_put_int(&q, wish->drain);
	if (!sql_run(&q, err))
		return false;
	*ret_id = sqlite3_last_insert_rowid(store->db);
	return true;
}

static bool add_wish(struct rop_store *store, const char *cluster, const struct rop_wish *wish, int64_t wall_ms,
		     int64_t *ret_id, struct rop_err *err)
{
	int64_t id, pass;
	return store_cluster(store, cluster, &id, NULL, err) && store_newest_pass(store, id, &pass, err) &&
	       store_add_wish(store, id, pass, wish, wall_ms, ret_id, err);
}

static bool finish(struct rop_store *store, bool ok, const char *cluster, struct rop_err *err)
{
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	return true;
}

bool rop_store_wish(struct rop_store *store, const char *cluster, const struct rop_wish *wish, int64_t wall_ms,
		    int64_t *ret_id, struct rop_err *err)
{
	if (!store_begin(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	return finish(store, add_wish(store, cluster, wish, wall_ms, ret_id, err), cluster, err);
}

bool rop_store_withdraw(struct rop_store *store, const char *cluster, const struct rop_wish_end *end, int64_t wall_ms,
			struct rop_err *err)
{
	int64_t id;
	if (!store_begin(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	return finish(store,
		      store_find_cluster(store, cluster, &id, err) && store_close_wish(store, id, end, wall_ms, err),
		      cluster, err);
}
