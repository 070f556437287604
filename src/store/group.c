/* group.c - what passes decided, of one cluster or of many, in one transaction, before anything is sent. */
#include "inner.h"

/* Ids of rows that are not there would be taken for real ones. */
static void forget_ids(struct rop_entry *entry)
{
	entry->pass = 0;
	for (size_t i = 0; i < entry->expects.n; i++)
		entry->expects.at[i].id = 0;
}

/* On the entry's own clock; asked inside the transaction, so that a pause cannot slip in between. */
static bool pause_holds(struct rop_store *store, const struct rop_commit_request *request, bool *ret_paused,
			struct rop_err *err)
{
	*ret_paused = false;
	return request->entry->ignore_pause ||
	       rop_store_paused(store, request->cluster, request->entry->wall_ms, ret_paused, err);
}

static bool is_outdated(struct rop_store *store, const struct rop_commit_request *request, bool *ret_outdated,
			struct rop_err *err)
{
	int64_t cluster, pass = 0;
	*ret_outdated = false;
	if (!request->entry->check_pass)
		return true;
	if (!store_find_cluster(store, request->cluster, &cluster, err) ||
	    !store_newest_pass(store, cluster, &pass, err))
		return false;
	int64_t told, wish;
	if (!store_drains_told(store, cluster, &told, err) || !store_open_wish(store, cluster, &wish, err))
		return false;
	const struct rop_entry *entry = request->entry;
	*ret_outdated = pass != entry->after_pass || told != entry->drains_told ||
			/* who asked for it may have taken it back; another one may be wanted meanwhile */
			((entry->wish || entry->wish_begin.shard) && wish != entry->wish);
	return true;
}

/* May it be written? Also asked of an entry without content: it hears of a pause, too. */
static bool look_at(struct rop_store *store, struct rop_commit_request *request, struct rop_err *err)
{
	bool paused, outdated;
	if (!pause_holds(store, request, &paused, err) || !is_outdated(store, request, &outdated, err))
		return false;
	request->result = outdated ? ROP_COMMIT_OUTDATED : ROP_COMMIT_WRITTEN;
	if (paused)
		request->result = ROP_COMMIT_PAUSED;
	return true;
}

/* A savepoint around each: what is refused takes back what it had written so far, and nothing else. */
static bool write_request(struct rop_store *store, struct rop_commit_request *request, struct rop_err *err)
{
	struct sql q = sql_start(store, SQL_REQUEST_BEGIN);
	if (!sql_run(&q, err))
		return false;
	if (!store_write_entry(store, request->cluster, request->entry, &request->err)) {
		forget_ids(request->entry);
		if (request->err.code != ROP_INTERNAL) /* not its own mistake: the database cannot be relied upon */
			return rop_fail(err, request->err.code, "%s", request->err.text);
		request->result = ROP_COMMIT_REFUSED;
		q = sql_start(store, SQL_REQUEST_UNDO);
		if (!sql_run(&q, err))
			return false;
	}
	q = sql_start(store, SQL_REQUEST_KEEP);
	return sql_run(&q, err);
}

static bool handle(struct rop_store *store, struct rop_commit_request *request, struct rop_err *err)
{
	if (request->result == ROP_COMMIT_REFUSED)
		return true;
	if (!look_at(store, request, err))
		return false;
	if (request->result != ROP_COMMIT_WRITTEN || rop_entry_empty(request->entry))
		return true;
	return write_request(store, request, err);
}

/* ret_writes: there is something to write, so a transaction is needed. */
static void check_all(struct rop_commit_request *requests, size_t n, bool *ret_writes)
{
	*ret_writes = false;
	for (size_t i = 0; i < n; i++) {
		struct rop_commit_request *request = &requests[i];
		forget_ids(request->entry);
		bool fine = store_check_entry(request->entry, &request->err);
		request->result = fine ? ROP_COMMIT_WRITTEN : ROP_COMMIT_REFUSED;
		*ret_writes |= fine && !rop_entry_empty(request->entry);
	}
}

static bool handle_all(struct rop_store *store, struct rop_commit_request *requests, size_t n, bool *ret_written,
		       struct rop_err *err)
{
	*ret_written = false;
	for (size_t i = 0; i < n; i++) {
		if (!handle(store, &requests[i], err))
			return false;
		*ret_written |= requests[i].entry->pass != 0;
	}
	return true;
}

static bool commit_all(struct rop_store *store, struct rop_commit_request *requests, size_t n, struct rop_err *err)
{
	bool writes, written;
	check_all(requests, n, &writes);
	if (!writes)
		return store_usable(store, err) && handle_all(store, requests, n, &written, err);
	if (!store_begin(store, err))
		return false;
	bool ok = handle_all(store, requests, n, &written, err);
	if (!ok || !written)
		store_undo(store);
	return ok && (!written || store_finish(store, err));
}

bool rop_store_commit_group(struct rop_store *store, struct rop_commit_request *requests, size_t n, struct rop_err *err)
{
	struct rop_err failed;
	if (commit_all(store, requests, n, &failed))
		return true;
	for (size_t i = 0; i < n; i++) { /* so that nobody takes one of them for written */
		forget_ids(requests[i].entry);
		requests[i].result = ROP_COMMIT_REFUSED;
		requests[i].err = failed;
	}
	return rop_fail(err, failed.code, "%s", failed.text);
}

bool rop_store_commit(struct rop_store *store, const char *cluster, struct rop_entry *entry, bool *ret_paused,
		      struct rop_err *err)
{
	struct rop_commit_request request = { .cluster = cluster, .entry = entry };
	if (!rop_store_commit_group(store, &request, 1, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	switch (request.result) {
	case ROP_COMMIT_REFUSED: return rop_fail(err, request.err.code, "cluster '%s': %s", cluster, request.err.text);
	case ROP_COMMIT_OUTDATED:
		return rop_fail(err, ROP_FAIL,
				"cluster '%s': another process has written to its journal meanwhile. Run again",
				cluster);
	case ROP_COMMIT_WRITTEN:
	case ROP_COMMIT_PAUSED: *ret_paused = request.result == ROP_COMMIT_PAUSED; break;
	}
	return true;
}
