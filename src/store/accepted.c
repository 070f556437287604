/* accepted.c - the topologies that were accepted, and the names of their clusters. */
#include <string.h>

#include "inner.h"
#include "rop/text.h"

struct topology_text {
	const char *digest, *canonical, *source, *path;
};

/* The same topology from another place: that file is now the one to be asked after (rop_store_source_of_path). */
static bool move(struct rop_store *store, int64_t cluster, int64_t revision, const char *path, struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_REVISION_MOVE);
	sql_put_int(&q, cluster);
	sql_put_int(&q, revision);
	sql_put_always(&q, path);
	return sql_run(&q, err);
}

static bool accept(struct rop_store *store, const char *cluster, const struct topology_text *topology, int64_t wall_ms,
		   int64_t *ret_revision, struct rop_err *err)
{
	int64_t id, revision = 0;
	bool same = false;
	if (!store_cluster(store, cluster, &id, NULL, err))
		return false;
	struct sql q = sql_start(store, SQL_REVISION_NEWEST);
	sql_put_int(&q, id);
	while (sql_row(&q)) {
		revision = sql_int(&q);
		same = rop_streq((const char *)sqlite3_column_text(q.stmt, 1), topology->digest);
	}
	if (!sql_end(&q, err))
		return false;
	*ret_revision = revision + !same;
	if (same)
		return move(store, id, revision, topology->path, err);
	q = sql_start(store, SQL_REVISION_ADD);
	sql_put_int(&q, id);
	sql_put_int(&q, revision + 1);
	sql_put_int(&q, wall_ms);
	sql_put_always(&q, topology->digest);
	sql_put_always(&q, topology->canonical);
	sql_put_always(&q, topology->source);
	sql_put_always(&q, topology->path);
	return sql_run(&q, err);
}

bool rop_store_accept(struct rop_store *store, const char *cluster, const char *digest, const char *canonical,
		      const char *source, const char *path, int64_t wall_ms, int64_t *ret_revision, struct rop_err *err)
{
	const struct topology_text topology = { digest, canonical, source, path };
	int64_t revision = 0;
	if (!store_begin(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	bool ok = accept(store, cluster, &topology, wall_ms, &revision, err);
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err)) /* when nothing was written this costs nothing */
		return rop_wrap(err, "cluster '%s'", cluster);
	*ret_revision = revision;
	return true;
}

bool rop_store_source(struct rop_store *store, struct rop_arena *arena, const char *cluster, const char **ret_source,
		      const char **ret_path, struct rop_err *err)
{
	const char *source = NULL, *path = NULL;
	if (!store_usable(store, err))
		return false;
	struct sql q = sql_start(store, SQL_REVISION_SOURCE);
	sql_put_text(&q, cluster);
	while (sql_row(&q)) {
		source = sql_text(&q, arena);
		path = sql_text(&q, arena);
	}
	if (!sql_end(&q, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	*ret_source = source;
	*ret_path = path;
	return true;
}

bool rop_store_source_of_path(struct rop_store *store, struct rop_arena *arena, const char *path,
			      const char **ret_cluster, const char **ret_source, struct rop_err *err)
{
	const char *cluster = NULL, *source = NULL;
	if (!store_usable(store, err))
		return false;
	struct sql q = sql_start(store, SQL_REVISION_OF_PATH);
	sql_put_text(&q, path);
	while (sql_row(&q)) {
		cluster = sql_always(&q, arena);
		source = sql_always(&q, arena);
	}
	if (!sql_end(&q, err))
		return rop_wrap(err, "%s", path);
	*ret_cluster = cluster;
	*ret_source = source;
	return true;
}

bool rop_store_clusters(struct rop_store *store, struct rop_arena *arena, const char ***ret_names, size_t *ret_n,
			struct rop_err *err)
{
	ROP_LIST(const char *) names = { 0 };
	if (!store_usable(store, err))
		return false;
	struct sql q = sql_start(store, SQL_CLUSTER_NAMES);
	while (sql_row(&q))
		*rop_push(arena, &names) = sql_always(&q, arena);
	if (!sql_end(&q, err))
		return false;
	*ret_names = names.at;
	*ret_n = names.n;
	return true;
}
