/* file_error.c - topology files that could not be taken, and why; which database this is, and whether it was changed.
 */
#include "inner.h"

#include <string.h>

static bool set_error(struct rop_store *store, const struct rop_file_error *e, struct rop_err *err)
{
	struct sql q = sql_start(store, e->text ? SQL_FILE_ERROR_SET : SQL_FILE_ERROR_DROP);
	sql_put_text(&q, e->path);
	if (e->text) {
		sql_put_text(&q, e->cluster);
		sql_put_text(&q, e->text);
		sql_put_int(&q, e->since_wall_ms);
	}
	return sql_run(&q, err);
}

bool rop_store_file_error(struct rop_store *store, const char *path, const char *cluster, const char *text,
			  int64_t wall_ms, struct rop_err *err)
{
	const struct rop_file_error error = {
		.path = path, .cluster = cluster, .text = text, .since_wall_ms = wall_ms
	};
	if (!store_begin(store, err))
		return rop_wrap(err, "%s", path);
	bool ok = set_error(store, &error, err);
	if (!ok)
		store_undo(store);
	if (!ok || !store_finish(store, err)) /* when nothing differs this costs nothing */
		return rop_wrap(err, "%s", path);
	return true;
}

bool rop_store_file_errors(struct rop_store *store, struct rop_arena *arena, const char *cluster,
			   struct rop_file_error **ret_errors, size_t *ret_n, struct rop_err *err)
{
	ROP_LIST(struct rop_file_error) errors = { 0 };
	if (!store_usable(store, err))
		return false;
	if (store->schema >= 2) {
		struct sql q = sql_start(store, SQL_FILE_ERRORS);
		sql_put_text(&q, cluster);
		while (sql_row(&q)) {
			struct rop_file_error *e = rop_push(arena, &errors);
			e->path = sql_always(&q, arena);
			e->cluster = sql_text(&q, arena);
			e->text = sql_always(&q, arena);
			e->since_wall_ms = sql_int(&q);
		}
		if (!sql_end(&q, err))
			return false;
	}
	*ret_errors = errors.at;
	*ret_n = errors.n;
	return true;
}

bool rop_store_instance(struct rop_store *store, char ret_id[9], struct rop_err *err)
{
	char id[9] = "";
	if (!store_usable(store, err))
		return false;
	if (store->schema >= 2) {
		struct sql q = sql_start(store, SQL_INSTANCE);
		while (sql_row(&q))
			sql_copy(&q, id, sizeof id);
		if (!sql_end(&q, err))
			return false;
		if (strlen(id) != 8 || id[strspn(id, "0123456789abcdef")])
			return store_damaged(store, "it has no name of its own", err);
	}
	memcpy(ret_id, id, sizeof id);
	return true;
}

bool rop_store_changed(struct rop_store *store, bool *ret_changed, struct rop_err *err)
{
	int64_t version = 0;
	if (!store_usable(store, err))
		return false;
	struct sql q = sql_start(store, SQL_DATA_VERSION);
	while (sql_row(&q))
		version = sql_int(&q);
	if (!sql_end(&q, err))
		return false;
	*ret_changed = !store->asked_version || version != store->seen_version;
	store->asked_version = true;
	store->seen_version = version;
	return true;
}
