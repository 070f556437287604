/* forget.c - old passes go, a little at a time: whoever waits for the database does not wait long; and all of a cluster
 * that is not managed any more. */
#include "inner.h"

#define ROWS_AT_ONCE 2000 /* when so many are gone the transaction ends; a single pass may have some thousand more */
#define PASSES_AT_ONCE 500

struct forgetting {
	struct rop_store *store;
	struct rop_arena *arena;
	int64_t before_wall_ms, keep;
	int64_t rows;
	bool more;
};

typedef ROP_LIST(int64_t) ids;

static bool list(struct forgetting *f, struct sql *q, ids *ret_ids, struct rop_err *err)
{
	while (sql_row(q))
		*rop_push(f->arena, ret_ids) = sql_int(q);
	return sql_end(q, err);
}

/* What belongs to the pass goes first: the rows refer to it. */
static bool forget_pass(struct forgetting *f, int64_t pass, struct rop_err *err)
{
	static const enum sql_name DROPS[] = { SQL_TRANSITIONS_DROP, SQL_EXPECTS_DROP, SQL_PASS_DROP };
	for (size_t i = 0; i < sizeof DROPS / sizeof *DROPS; i++) {
		struct sql q = sql_start(f->store, DROPS[i]);
		sql_put_int(&q, pass);
		if (!sql_run(&q, err))
			return false;
		f->rows += sqlite3_changes(f->store->db);
	}
	return true;
}

static bool forget_of_cluster(struct forgetting *f, int64_t cluster, struct rop_err *err)
{
	ids passes = { 0 };
	struct sql q = sql_start(f->store, SQL_PASS_OLD);
	sql_put_int(&q, cluster);
	sql_put_int(&q, f->before_wall_ms);
	sql_put_int(&q, f->keep);
	sql_put_int(&q, PASSES_AT_ONCE);
	if (!list(f, &q, &passes, err))
		return false;
	q = sql_start(f->store, SQL_DEEDS_DROP);
	sql_put_int(&q, cluster);
	sql_put_int(&q, f->before_wall_ms);
	if (!sql_run(&q, err))
		return false;
	q = sql_start(f->store, SQL_WISHES_DROP);
	sql_put_int(&q, cluster);
	sql_put_int(&q, f->before_wall_ms);
	if (!sql_run(&q, err))
		return false;
	q = sql_start(f->store, SQL_DRAINS_DROP);
	sql_put_int(&q, cluster);
	sql_put_int(&q, f->before_wall_ms);
	if (!sql_run(&q, err))
		return false;
	for (size_t i = 0; i < passes.n; i++) {
		if (f->rows >= ROWS_AT_ONCE) {
			f->more = true;
			return true;
		}
		if (!forget_pass(f, passes.at[i], err))
			return false;
	}
	f->more |= passes.n == PASSES_AT_ONCE;
	return true;
}

static bool forget(struct forgetting *f, struct rop_err *err)
{
	ids clusters = { 0 };
	struct sql q = sql_start(f->store, SQL_CLUSTER_IDS);
	if (!list(f, &q, &clusters, err))
		return false;
	for (size_t i = 0; i < clusters.n && !f->more; i++)
		if (!forget_of_cluster(f, clusters.at[i], err))
			return false;
	return true;
}

/* The newest pass of a cluster always stays: ids are given anew from the highest one on, and a pass that was forgotten
 * must not come back as another one (rop_entry.check_pass). */
bool rop_store_forget_before(struct rop_store *store, int64_t wall_ms, size_t keep, bool *ret_more, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct forgetting f = { .store = store, .arena = arena, .before_wall_ms = wall_ms };
	f.keep = keep > INT32_MAX ? INT32_MAX : (int64_t)keep;
	if (f.keep < 1)
		f.keep = 1;
	if (!store_begin(store, err))
		return rop_wrap(err, "forget old history");
	bool ok = forget(&f, err);
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err))
		return rop_wrap(err, "forget old history");
	*ret_more = f.more;
	return true;
}

/* What refers to a row goes before it. */
static bool drop_cluster(struct rop_store *store, const char *name, struct rop_err *err)
{
	static const enum sql_name DROPS[] = {
		SQL_CLUSTER_TRANSITIONS_DROP, SQL_CLUSTER_EXPECTS_DROP,
		SQL_CLUSTER_PASSES_DROP,      SQL_CLUSTER_DEEDS_DROP,
		SQL_CLUSTER_WISHES_DROP,      SQL_CLUSTER_DRAINS_DROP,
		SQL_CLUSTER_REVISIONS_DROP,   SQL_MEMBERS_CLEAR,
		SQL_SHARD_COPIES_CLEAR,       SQL_SHARDS_CLEAR,
		SQL_CLUSTER_TEMPORARIES_DROP, SQL_CLUSTER_CONDITIONS_DROP,
		SQL_CLUSTER_ERRORS_DROP,      SQL_CLUSTER_DROP,
	};
	int64_t id;
	if (!store_cluster(store, name, &id, NULL, err))
		return false;
	for (size_t i = 0; i < sizeof DROPS / sizeof *DROPS; i++) {
		struct sql q = sql_start(store, DROPS[i]);
		sql_put_int(&q, id);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

bool rop_store_forget_cluster(struct rop_store *store, const char *cluster, struct rop_err *err)
{
	if (!store_begin(store, err))
		return rop_wrap(err, "forget cluster '%s'", cluster);
	bool ok = drop_cluster(store, cluster, err);
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err))
		return rop_wrap(err, "forget cluster '%s'", cluster);
	return true;
}
