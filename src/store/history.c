/* history.c - transitions and steps of a cluster, in the order in which they were written. */
#include "inner.h"

enum { LINE_MOVE, LINE_STEP, LINE_DEED, LINE_WISH, LINE_DRAIN, LINE_DRAIN_END }; /* as SQL_HISTORY has them */

static void get_deed(struct sql *q, struct rop_arena *arena, struct rop_history_line *line)
{
	struct rop_deed *deed = rop_alloc(arena, sizeof *deed);
	deed->pid = line->pid;
	deed->user = sql_always(q, arena);
	deed->command = sql_always(q, arena);
	deed->what = (enum rop_deed_kind)sql_name_of(q, rop_deed_find, "a deed");
	deed->reason = sql_text(q, arena);
	deed->host = sql_always(q, arena);
	deed->uid = sql_int(q);
	sql_int(q);
	deed->note = sql_text(q, arena);
	line->deed = deed;
}

static void get_line(struct sql *q, struct rop_arena *arena, struct rop_history_line *line)
{
	sql_int(q); /* pass */
	int64_t kind = sql_int(q);
	int64_t id = sql_int(q);
	line->wall_ms = sql_int(q);
	line->pid = sql_small(q);
	line->is_step = kind == LINE_STEP;
	if (kind == LINE_WISH) { /* read afterwards: its row is another one's shape */
		struct rop_wish *wish = rop_alloc(arena, sizeof *wish);
		wish->id = id;
		line->wish = wish;
		line->deed = &wish->by;
		return;
	}
	if (kind == LINE_DRAIN || kind == LINE_DRAIN_END) {
		struct rop_drain *drain = rop_alloc(arena, sizeof *drain);
		drain->id = id;
		drain->by.what = kind == LINE_DRAIN ? ROP_DEED_DRAIN : ROP_DEED_UNDRAIN;
		line->drain = drain;
		line->deed = &drain->by;
		return;
	}
	if (kind == LINE_DEED) {
		get_deed(q, arena, line);
		return;
	}
	const char **transition[] = { &line->from, &line->to, &line->why, &line->row };
	const char **step[] = { &line->subject, &line->command, &line->status, &line->note };
	for (int i = 0; i < 4; i++)
		*(line->is_step ? step[i] : transition[i]) = sql_text(q, arena);
	line->address = sql_text(q, arena);
	line->attempts = sql_small(q);
	line->resolved_wall_ms = sql_int(q);
	*(line->is_step ? &line->why : &line->subject) = sql_text(q, arena);
}

static enum sql_name history_of(int schema)
{
	if (schema < 4)
		return SQL_HISTORY_3;
	if (schema < 5)
		return SQL_HISTORY_4;
	return schema < 6 ? SQL_HISTORY_5 : SQL_HISTORY;
}

static bool read_wanted(struct rop_store *store, struct rop_arena *arena, struct rop_history_line *lines, size_t n,
			struct rop_err *err)
{
	for (size_t i = 0; i < n; i++)
		if ((lines[i].wish && !store_get_wish(store, arena, (struct rop_wish *)lines[i].wish, err)) ||
		    (lines[i].drain && !store_get_drain(store, arena, (struct rop_drain *)lines[i].drain, err)))
			return false;
	return true;
}

static bool read_history(struct rop_store *store, struct rop_arena *arena, const char *cluster, int64_t limit,
			 struct rop_history_line **ret_lines, size_t *ret_n, struct rop_err *err)
{
	int64_t id;
	if (!store_find_cluster(store, cluster, &id, err))
		return false;
	ROP_LIST(struct rop_history_line) lines = { 0 };
	struct sql q = sql_start(store, history_of(store->schema));
	sql_put_int(&q, id);
	sql_put_int(&q, limit);
	while (sql_row(&q))
		get_line(&q, arena, rop_push(arena, &lines));
	if (!sql_end(&q, err))
		return false;
	for (size_t i = 0; i < lines.n / 2; i++) { /* the newest came first */
		struct rop_history_line line = lines.at[i];
		lines.at[i] = lines.at[lines.n - 1 - i];
		lines.at[lines.n - 1 - i] = line;
	}
	*ret_lines = lines.at;
	*ret_n = lines.n;
	return read_wanted(store, arena, lines.at, lines.n, err);
}

bool rop_store_history(struct rop_store *store, struct rop_arena *arena, const char *cluster, size_t limit,
		       struct rop_history_line **ret_lines, size_t *ret_n, struct rop_err *err)
{
	if (!store_begin_read(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	int64_t rows = limit > INT64_MAX ? INT64_MAX : (int64_t)limit;
	bool ok = read_history(store, arena, cluster, rows, ret_lines, ret_n, err);
	store_end_read(store);
	return ok || rop_wrap(err, "cluster '%s'", cluster);
}
