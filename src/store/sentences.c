/* sentences.c - what went wrong with the database, as a sentence that says what to do. Nothing is ever deleted. */
#include <stdio.h>
#include <string.h>

#include "inner.h"

#define MOVE_AWAY \
	"It is only a cache and a log of intentions: move it away and run again; that costs history, " \
	"pauses and the memory of who held which data"

bool store_damaged(const struct rop_store *store, const char *finding, struct rop_err *err)
{
	return rop_fail(err, ROP_FAIL, "the database %s is damaged (%s). " MOVE_AWAY, store->path, finding);
}

bool store_usable(struct rop_store *store, struct rop_err *err)
{
	store->in_use = false;
	if (!store->broken)
		return true;
	return rop_fail(err, ROP_FAIL, "the database %s is no longer used by this process, after: %s", store->path,
			store->broken);
}

static bool io_failed(const struct rop_store *store, int rc, struct rop_err *err)
{
	int system = sqlite3_system_errno(store->db);
	return rop_fail(err, ROP_FAIL,
			"the database %s: %s (code %d%s%s). Look at the disk and the kernel's log, then run again",
			store->path, sqlite3_errstr(rc), rc, system ? ": " : "", system ? strerror(system) : "");
}

static bool cannot_open(const struct rop_store *store, struct rop_err *err)
{
	int system = sqlite3_system_errno(store->db);
	return rop_fail(err, ROP_FAIL,
			"the database %s cannot be opened (%s). Look at who may read and write the file and its "
			"folder, or name another file with --state",
			store->path, system ? strerror(system) : sqlite3_errmsg(store->db));
}

static bool not_writable(const struct rop_store *store, int rc, struct rop_err *err)
{
	if (rc == SQLITE_READONLY_ROLLBACK || rc == SQLITE_READONLY_RECOVERY)
		return rop_fail(err, ROP_FAIL,
				"the database %s: a write was interrupted and must be rolled back, which needs the "
				"right to write. Run the command as the owner of the file",
				store->path);
	if (rc == SQLITE_READONLY_DBMOVED)
		return rop_fail(err, ROP_FAIL, "the database %s was moved or deleted while it was in use. Run again",
				store->path);
	return rop_fail(err, ROP_FAIL,
			"the database %s cannot be written: the file or its folder is read-only. Run as its owner, or "
			"name another file with --state",
			store->path);
}

static bool sentence(const struct rop_store *store, int rc, struct rop_err *err)
{
	switch (rc & 0xff) {
	case SQLITE_NOTADB:
		return rop_fail(err, ROP_FAIL,
				"%s is not a database of redis-operator (nor any SQLite database), or its first page "
				"is damaged. Name another file with --state, or move this one away",
				store->path);
	case SQLITE_CORRUPT:
	case SQLITE_CONSTRAINT: /* what callers may get wrong was checked before: the file contradicts itself */
		return store_damaged(store, sqlite3_errmsg(store->db), err);
	case SQLITE_FULL:
		return rop_fail(err, ROP_FAIL, "the database %s: the disk is full. Free some space, then run again",
				store->path);
	case SQLITE_READONLY: return not_writable(store, rc, err);
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return rop_fail(err, ROP_FAIL,
				"the database %s is in use by another process, which holds it for long (`fuser %s` "
				"names it). End that process, or run again later",
				store->path, store->file ? store->file : store->path);
	case SQLITE_CANTOPEN: return cannot_open(store, err);
	case SQLITE_IOERR: return io_failed(store, rc, err);
	case SQLITE_NOMEM: return rop_fail(err, ROP_FAIL, "the database %s: out of memory", store->path);
	}
	return rop_fail(err, ROP_FAIL, "the database %s does not work as expected (%s, code %d). " MOVE_AWAY,
			store->path, sqlite3_errmsg(store->db), rc);
}

bool store_fail(struct rop_store *store, int rc, struct rop_err *err)
{
	struct rop_err made;
	sentence(store, rc, &made);
	int primary = rc & 0xff;
	store->in_use = primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
	/* After a failed write or sync nobody knows what the disk holds, and a second sync on the same descriptor may
	 * report success for pages that the kernel has dropped. Only a new process may look again. */
	if (store->in_write && !store->broken &&
	    (primary == SQLITE_IOERR || primary == SQLITE_FULL || primary == SQLITE_CORRUPT ||
	     primary == SQLITE_NOTADB)) {
		store->broken = rop_malloc(strlen(made.text) + 1);
		memcpy(store->broken, made.text, strlen(made.text) + 1);
	}
	return rop_fail(err, ROP_FAIL, "%s", made.text);
}
