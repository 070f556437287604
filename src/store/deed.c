/* deed.c - what a person asked for, and who it was: written beside what was done, and shown by history. */
#include "inner.h"

bool store_add_deed(struct rop_store *store, int64_t cluster, const struct rop_deed *deed, int64_t wall_ms,
		    struct rop_err *err)
{
	int64_t pass = 0;
	if (!deed || !cluster)
		return true;
	if (!store_newest_pass(store, cluster, &pass, err))
		return false;
	struct sql q = sql_start(store, SQL_DEED_ADD);
	sql_put_int(&q, cluster);
	sql_put_int(&q, pass);
	sql_put_int(&q, wall_ms);
	sql_put_text(&q, rop_deed_name(deed->what));
	sql_put_always(&q, deed->user);
	sql_put_int(&q, deed->uid);
	sql_put_always(&q, deed->host);
	sql_put_int(&q, deed->pid);
	sql_put_always(&q, deed->command);
	sql_put_text(&q, deed->reason);
	sql_put_text(&q, deed->note);
	return sql_run(&q, err);
}

static bool add(struct rop_store *store, const char *cluster, const struct rop_deed *deeds, size_t n, int64_t wall_ms,
		struct rop_err *err)
{
	int64_t id;
	if (!store_cluster(store, cluster, &id, NULL, err))
		return false;
	for (size_t i = 0; i < n; i++)
		if (!store_add_deed(store, id, &deeds[i], wall_ms, err))
			return false;
	return true;
}

bool rop_store_deeds(struct rop_store *store, const char *cluster, const struct rop_deed *deeds, size_t n,
		     int64_t wall_ms, struct rop_err *err)
{
	if (!store_begin(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	bool ok = add(store, cluster, deeds, n, wall_ms, err);
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	return true;
}
