/* wish_rows.c - what people want of a cluster, as rows: read, counted, closed. */
#include <string.h>

#include "inner.h"

static void get_wish(struct sql *q, struct rop_arena *arena, struct rop_wish *wish)
{
	wish->id = sql_int(q);
	wish->shard = sql_small(q);
	sql_copy(q, wish->node, sizeof wish->node);
	wish->address = sql_text(q, arena);
	sql_copy(q, wish->primary, sizeof wish->primary);
	wish->primary_address = sql_text(q, arena);
	wish->asked_wall_ms = sql_int(q);
	wish->closed_wall_ms = sql_int(q);
	wish->status = (enum rop_wish_status)sql_name_of(q, rop_wish_status_find, "a wish that is");
	wish->note = sql_text(q, arena);
	wish->by.what = ROP_DEED_FAILOVER;
	wish->by.user = sql_always(q, arena);
	wish->by.uid = sql_int(q);
	wish->by.host = sql_always(q, arena);
	wish->by.pid = sql_small(q);
	wish->by.command = sql_always(q, arena);
	wish->by.reason = sql_text(q, arena);
}

/* One at most: the first parameter is its id, or its cluster's. */
static bool read_one(struct rop_store *store, struct rop_arena *arena, enum sql_name name, int64_t of,
		     struct rop_wish *wish, struct rop_err *err)
{
	struct sql q = sql_start(store, name);
	sql_put_int(&q, of);
	while (sql_row(&q))
		get_wish(&q, arena, wish);
	return sql_end(&q, err);
}

bool store_get_wish(struct rop_store *store, struct rop_arena *arena, struct rop_wish *wish, struct rop_err *err)
{
	return read_one(store, arena, SQL_WISH_GET, wish->id, wish, err);
}

static bool read_failures(struct rop_store *store, struct rop_arena *arena, int64_t cluster, struct rop_wish *wish,
			  struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_WISH_FAILURES);
	sql_put_int(&q, cluster);
	sql_put_int(&q, wish->id);
	while (sql_row(&q)) {
		int64_t boot_ms = sql_int(&q);
		const char *note = sql_text(&q, arena), *status = sql_always(&q, arena);
		if (wish->failures++)
			continue;
		wish->failed_boot_ms = boot_ms;
		wish->failure = note;
		wish->locked = strcmp(status, rop_expect_status_name(ROP_EXPECT_EXPIRED)) == 0;
	}
	return sql_end(&q, err);
}

static bool read_handed(struct rop_store *store, struct rop_arena *arena, int64_t cluster, struct rop_image *image,
			struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_FAILOVERS_MET);
	sql_put_int(&q, cluster);
	sql_put_int(&q, ROP_HANDED_MAX);
	while (sql_row(&q)) {
		struct rop_handed *handed = rop_push(arena, &image->handed);
		sql_copy(&q, handed->node, sizeof handed->node);
		handed->boot_ms = sql_int(&q);
	}
	return sql_end(&q, err);
}

static bool read_drain_of(struct rop_store *store, struct rop_wish *wish, struct rop_err *err)
{
	if (store->schema < 6 || !wish->id)
		return true;
	struct sql q = sql_start(store, SQL_WISH_DRAIN);
	sql_put_int(&q, wish->id);
	while (sql_row(&q))
		wish->drain = sql_int(&q);
	return sql_end(&q, err);
}

bool store_read_wishes(struct rop_store *store, struct rop_arena *arena, int64_t cluster, struct rop_image *image,
		       struct rop_err *err)
{
	if (!read_handed(store, arena, cluster, image, err))
		return false;
	if (store->schema < 5)
		return true;
	return read_one(store, arena, SQL_WISH_OPEN, cluster, &image->wish, err) &&
	       read_one(store, arena, SQL_WISH_LAST, cluster, &image->last_wish, err) &&
	       read_drain_of(store, &image->wish, err) && read_drain_of(store, &image->last_wish, err) &&
	       (!image->wish.id || read_failures(store, arena, cluster, &image->wish, err));
}

bool store_open_wish(struct rop_store *store, int64_t cluster, int64_t *ret_id, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct rop_wish wish = { 0 };
	if (!read_one(store, arena, SQL_WISH_OPEN, cluster, &wish, err))
		return false;
	*ret_id = wish.id;
	return true;
}

bool store_close_wish(struct rop_store *store, int64_t cluster, const struct rop_wish_end *end, int64_t wall_ms,
		      struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_WISH_CLOSE);
	sql_put_int(&q, end->id);
	sql_put_int(&q, cluster);
	sql_put_text(&q, rop_wish_status_name(end->status));
	sql_put_text(&q, end->note);
	sql_put_int(&q, wall_ms);
	return sql_run(&q, err);
}

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

/* ---- hosts that are to be stopped ------------------------------------------------------------------------------ */

static void get_drain(struct sql *q, struct rop_arena *arena, struct rop_drain *drain)
{
	drain->id = sql_int(q);
	drain->target = sql_always(q, arena);
	drain->zone = sql_int(q) != 0;
	drain->asked_wall_ms = sql_int(q);
	drain->until_wall_ms = sql_int(q);
	drain->fewer = sql_text(q, arena);
	drain->ended_wall_ms = sql_int(q);
	drain->by.user = sql_always(q, arena);
	drain->by.uid = sql_int(q);
	drain->by.host = sql_always(q, arena);
	drain->by.pid = sql_small(q);
	drain->by.command = sql_always(q, arena);
	drain->by.reason = sql_text(q, arena);
}

bool store_get_drain(struct rop_store *store, struct rop_arena *arena, struct rop_drain *drain, struct rop_err *err)
{
	struct sql q = sql_start(store, drain->by.what == ROP_DEED_UNDRAIN ? SQL_DRAIN_GET_END : SQL_DRAIN_GET);
	sql_put_int(&q, drain->id);
	while (sql_row(&q))
		get_drain(&q, arena, drain);
	return sql_end(&q, err);
}

bool store_drains_told(struct rop_store *store, int64_t cluster, int64_t *ret_told, struct rop_err *err)
{
	int64_t told = 0;
	if (store->schema >= 6) {
		struct sql q = sql_start(store, SQL_CLUSTER_DRAINS);
		sql_put_int(&q, cluster);
		while (sql_row(&q))
			told = sql_int(&q);
		if (!sql_end(&q, err))
			return false;
	}
	*ret_told = told;
	return true;
}

bool store_read_drains(struct rop_store *store, struct rop_arena *arena, int64_t cluster, struct rop_image *image,
		       struct rop_err *err)
{
	if (!store_drains_told(store, cluster, &image->drains_told, err))
		return false;
	if (store->schema < 6)
		return true;
	struct sql q = sql_start(store, SQL_DRAINS);
	sql_put_int(&q, cluster);
	while (sql_row(&q)) {
		struct rop_drain *drain = rop_push(arena, &image->drains);
		get_drain(&q, arena, drain);
		drain->by.what = ROP_DEED_DRAIN;
	}
	return sql_end(&q, err);
}
