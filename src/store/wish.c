/* wish.c - what a person wants of a cluster besides what is declared: written here, and taken back. */
#include "inner.h"

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
