/* pause.c - a person's word to leave a cluster alone for a while: written here, asked before every send. */
#include "inner.h"

static bool pause_cluster(struct rop_store *store, const char *cluster, int64_t until_wall_ms, const char *by,
			  const struct rop_deed *deed, int64_t wall_ms, struct rop_err *err)
{
	int64_t id;
	if (!store_cluster(store, cluster, &id, NULL, err))
		return false;
	struct sql q = sql_start(store, SQL_CLUSTER_PAUSE);
	sql_put_int(&q, id);
	sql_put_int(&q, until_wall_ms);
	sql_put_text(&q, by);
	sql_put_int(&q, wall_ms);
	return sql_run(&q, err) && store_add_deed(store, id, deed, wall_ms, err);
}

static bool resume_cluster(struct rop_store *store, const char *cluster, const struct rop_deed *deed, int64_t wall_ms,
			   struct rop_err *err)
{
	int64_t id;
	if (!store_find_cluster(store, cluster, &id, err))
		return false;
	struct sql q = sql_start(store, SQL_CLUSTER_RESUME);
	sql_put_int(&q, id);
	sql_put_int(&q, wall_ms);
	return sql_run(&q, err) && store_add_deed(store, id, deed, wall_ms, err);
}

static bool finish(struct rop_store *store, bool ok, const char *what, const char *cluster, struct rop_err *err)
{
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err))
		return rop_wrap(err, "%s cluster '%s'", what, cluster);
	return true;
}

bool rop_store_pause(struct rop_store *store, const char *cluster, int64_t until_wall_ms, const char *by,
		     const struct rop_deed *deed, int64_t wall_ms, struct rop_err *err)
{
	if (!store_begin(store, err))
		return rop_wrap(err, "pause cluster '%s'", cluster);
	return finish(store, pause_cluster(store, cluster, until_wall_ms, by, deed, wall_ms, err), "pause", cluster,
		      err);
}

bool rop_store_resume(struct rop_store *store, const char *cluster, const struct rop_deed *deed, int64_t wall_ms,
		      struct rop_err *err)
{
	if (!store_begin(store, err))
		return rop_wrap(err, "resume cluster '%s'", cluster);
	return finish(store, resume_cluster(store, cluster, deed, wall_ms, err), "resume", cluster, err);
}

bool rop_store_paused(struct rop_store *store, const char *cluster, int64_t wall_ms, bool *ret_paused,
		      struct rop_err *err)
{
	if (!store_usable(store, err))
		return false;
	bool paused = false;
	struct sql q = sql_start(store, SQL_CLUSTER_PAUSED);
	sql_put_text(&q, cluster);
	sql_put_int(&q, wall_ms);
	while (sql_row(&q))
		paused = true;
	if (!sql_end(&q, err))
		return false;
	*ret_paused = paused;
	return true;
}

bool rop_store_pauses(struct rop_store *store, struct rop_arena *arena, struct rop_pause **ret_pauses, size_t *ret_n,
		      struct rop_err *err)
{
	ROP_LIST(struct rop_pause) pauses = { 0 };
	if (!store_usable(store, err))
		return false;
	struct sql q = sql_start(store, SQL_CLUSTER_PAUSES);
	while (sql_row(&q)) {
		struct rop_pause *pause = rop_push(arena, &pauses);
		pause->cluster = sql_always(&q, arena);
		pause->by = sql_text(&q, arena);
		pause->until_wall_ms = sql_int(&q);
	}
	if (!sql_end(&q, err))
		return false;
	if (store->schema >= 5) {
		q = sql_start(store, SQL_WISHES_OPEN);
		while (sql_row(&q)) {
			struct rop_pause *wish = rop_push(arena, &pauses);
			wish->cluster = sql_always(&q, arena);
			wish->wish = sql_int(&q);
		}
		if (!sql_end(&q, err))
			return false;
	}
	if (store->schema >= 6) {
		q = sql_start(store, SQL_CLUSTERS_DRAINS);
		while (sql_row(&q)) {
			struct rop_pause *told = rop_push(arena, &pauses);
			told->cluster = sql_always(&q, arena);
			told->drains_told = sql_int(&q);
		}
		if (!sql_end(&q, err))
			return false;
	}
	*ret_pauses = pauses.at;
	*ret_n = pauses.n;
	return true;
}
