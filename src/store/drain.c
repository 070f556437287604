/* drain.c - hosts that are to be stopped, as rows: asked for, and ended. (They are read in wish_rows.c.) */
#include "inner.h"

static bool told_once_more(struct rop_store *store, int64_t cluster, struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_CLUSTER_DRAINS_TOLD);
	sql_put_int(&q, cluster);
	return sql_run(&q, err);
}

/* by NULL: nobody ended it, the same one was asked for again. */
static bool end(struct rop_store *store, int64_t cluster, const char *target, const struct rop_deed *by,
		int64_t wall_ms, bool *ret_ended, struct rop_err *err)
{
	static const struct rop_deed NOBODY = { 0 };
	int64_t pass;
	if (!store_newest_pass(store, cluster, &pass, err))
		return false;
	if (!by)
		by = &NOBODY;
	struct sql q = sql_start(store, SQL_DRAIN_END);
	sql_put_int(&q, cluster);
	sql_put_text(&q, target);
	sql_put_int(&q, pass);
	sql_put_int(&q, wall_ms);
	sql_put_always(&q, by->user);
	sql_put_int(&q, by->uid);
	sql_put_always(&q, by->host);
	sql_put_int(&q, by->pid);
	sql_put_always(&q, by->command);
	sql_put_text(&q, by->reason);
	if (!sql_run(&q, err))
		return false;
	*ret_ended = sqlite3_changes(store->db) > 0;
	return true;
}

static bool add(struct rop_store *store, const char *name, const struct rop_drain *drain, int64_t wall_ms,
		int64_t *ret_id, struct rop_err *err)
{
	int64_t cluster, pass;
	bool ended;
	if (!store_cluster(store, name, &cluster, NULL, err) || !store_newest_pass(store, cluster, &pass, err) ||
	    !end(store, cluster, drain->target, NULL, wall_ms, &ended, err))
		return false;
	struct sql q = sql_start(store, SQL_DRAIN_ADD);
	sql_put_int(&q, cluster);
	sql_put_int(&q, pass);
	sql_put_text(&q, drain->target);
	sql_put_int(&q, drain->zone);
	sql_put_int(&q, wall_ms);
	sql_put_int(&q, drain->until_wall_ms);
	sql_put_text(&q, drain->fewer);
	sql_put_always(&q, drain->by.user);
	sql_put_int(&q, drain->by.uid);
	sql_put_always(&q, drain->by.host);
	sql_put_int(&q, drain->by.pid);
	sql_put_always(&q, drain->by.command);
	sql_put_text(&q, drain->by.reason);
	if (!sql_run(&q, err))
		return false;
	*ret_id = sqlite3_last_insert_rowid(store->db);
	return told_once_more(store, cluster, err);
}

static bool take_back(struct rop_store *store, const char *name, const char *target, const struct rop_deed *by,
		      int64_t wall_ms, bool *ret_ended, struct rop_err *err)
{
	int64_t cluster;
	return store_find_cluster(store, name, &cluster, err) &&
	       end(store, cluster, target, by, wall_ms, ret_ended, err) && told_once_more(store, cluster, err);
}

static bool finish(struct rop_store *store, bool ok, const char *what, const char *cluster, struct rop_err *err)
{
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err))
		return rop_wrap(err, "%s a host of cluster '%s'", what, cluster);
	return true;
}

bool rop_store_drain(struct rop_store *store, const char *cluster, const struct rop_drain *drain, int64_t wall_ms,
		     int64_t *ret_id, struct rop_err *err)
{
	if (!store_begin(store, err))
		return rop_wrap(err, "drain a host of cluster '%s'", cluster);
	return finish(store, add(store, cluster, drain, wall_ms, ret_id, err), "drain", cluster, err);
}

bool rop_store_undrain(struct rop_store *store, const char *cluster, const char *target, const struct rop_deed *by,
		       int64_t wall_ms, bool *ret_ended, struct rop_err *err)
{
	bool ended = false;
	if (!store_begin(store, err))
		return rop_wrap(err, "undrain a host of cluster '%s'", cluster);
	if (!finish(store, take_back(store, cluster, target, by, wall_ms, &ended, err), "undrain", cluster, err))
		return false;
	*ret_ended = ended;
	return true;
}
