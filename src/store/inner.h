/* inner.h - what the files of the store share. Only they include it, and the store's tests. */
#ifndef ROP_STORE_INNER_H
#define ROP_STORE_INNER_H

#include <sqlite3.h>

#include "rop/store.h"
#include "statements.h"

#define STORE_APPLICATION_ID 0x726f7031 /* "rop1": tells our files from other SQLite databases */
#define STORE_BUSY_MS 5000

struct rop_store {
	sqlite3 *db;
	char *path; /* as the caller named it: for sentences */
	char *file; /* the same with its folder resolved, which SQLite opens */
	bool in_memory, for_writing;
	bool in_write;      /* between store_begin and its end */
	int schema;         /* may be an older one when it is only read */
	bool asked_version; /* rop_store_changed: seen_version holds */
	int64_t seen_version;
	char *broken; /* why it may not be used any more, or NULL */
	bool in_use;  /* the last failure was another process's lock */
	sqlite3_stmt *statements[SQL_N];
};

/* ---- sentences.c ---- */

/* Makes the error of a failed SQLite call on this store: what, which file, what to do. Code 1. An I/O error or a full
 * disk inside a write transaction marks the store as broken. */
bool store_fail(struct rop_store *store, int rc, struct rop_err *err);
bool store_damaged(const struct rop_store *store, const char *finding, struct rop_err *err);
/* false, with the reason, once the store is broken. The first thing that every call asks. */
bool store_usable(struct rop_store *store, struct rop_err *err);

/* ---- open.c ---- */

/* Migration i leads from schema i to i + 1; the newest schema is n. */
struct store_migration {
	const char *sql;
};
bool store_open_with(const char *path, enum rop_store_mode mode, const struct store_migration *migrations, int n,
		     struct rop_store **ret_store, struct rop_err *err);

/* ---- transaction.c ---- */

/* One function is one transaction. */
bool store_begin(struct rop_store *store, struct rop_err *err);  /* for writing */
bool store_finish(struct rop_store *store, struct rop_err *err); /* commits; on failure rolled back */
void store_undo(struct rop_store *store);
bool store_begin_read(struct rop_store *store, struct rop_err *err);
void store_end_read(struct rop_store *store);

/* ---- migrate.c ---- */

struct store_identity {
	int64_t application_id, version, tables;
};
bool store_identify(struct rop_store *store, struct store_identity *ret_identity, struct rop_err *err);
bool store_migrate(struct rop_store *store, const struct store_migration *migrations, int n, struct rop_err *err);
extern const struct store_migration store_migrations[];
extern const int store_migrations_n;

/* ---- files.c ---- */

/* The folder of a path, resolved and fit to hold a database. With `make` it is created (0700, as are the parents that
 * are missing) and must be writable. Without it a missing folder gives *ret_folder = NULL. Heap, the caller's. */
bool store_folder(const char *path, bool make, char **ret_folder, struct rop_err *err);
/* A file that was made just now, to the owner of its folder, where root made it. */
void store_give_away(int fresh_fd, const char *fresh);
/* The database's file: exists when it is made or was there. Mode 0600, a regular file. */
bool store_file(const char *file, const char *path, bool make, bool *ret_exists, struct rop_err *err);
const char *store_network_name(unsigned long magic); /* "NFS"; NULL: not one of those */
bool store_sync_file(const char *file, struct rop_err *err);

/* ---- commit.c ---- */

/* Mistakes of the caller, code 70. */
bool store_check_entry(const struct rop_entry *entry, struct rop_err *err);
/* Inside a write transaction. Fills in the ids of the new rows. Code 70: refused, and only this entry is to be undone.
 */
bool store_write_entry(struct rop_store *store, const char *cluster, struct rop_entry *entry, struct rop_err *err);

/* The cluster's row, added when there is none. ret_boot_id has the size of rop_image.boot_id, or is NULL. Inside a
 * write transaction. */
bool store_cluster(struct rop_store *store, const char *name, int64_t *ret_id, char *ret_boot_id, struct rop_err *err);

/* ---- deed.c ---- */

/* Inside a write transaction. deed NULL, or no such cluster: nothing. */
bool store_add_deed(struct rop_store *store, int64_t cluster, const struct rop_deed *deed, int64_t wall_ms,
		    struct rop_err *err);

/* ---- wish_rows.c ---- */

/* Inside a read transaction: the row with wish->id; of a cluster, the open one and the newest that is over. */
bool store_get_wish(struct rop_store *store, struct rop_arena *arena, struct rop_wish *wish, struct rop_err *err);
bool store_read_wishes(struct rop_store *store, struct rop_arena *arena, int64_t cluster, struct rop_image *image,
		       struct rop_err *err);
/* Inside a write transaction. */
bool store_close_wish(struct rop_store *store, int64_t cluster, const struct rop_wish_end *end, int64_t wall_ms,
		      struct rop_err *err);
/* 0: none. */
bool store_open_wish(struct rop_store *store, int64_t cluster, int64_t *ret_id, struct rop_err *err);

/* Inside a write transaction; the row of an open wish. ROP_BUSY: one is open. */
bool store_add_wish(struct rop_store *store, int64_t cluster, int64_t pass, const struct rop_wish *wish,
		    int64_t wall_ms, int64_t *ret_id, struct rop_err *err);

/* Inside a read transaction: those of a cluster that nobody ended, and how often they were told of; the row with
 * drain->id, by whom it was asked for, or ended (by.what: ROP_DEED_UNDRAIN). */
bool store_read_drains(struct rop_store *store, struct rop_arena *arena, int64_t cluster, struct rop_image *image,
		       struct rop_err *err);
bool store_get_drain(struct rop_store *store, struct rop_arena *arena, struct rop_drain *drain, struct rop_err *err);
bool store_drains_told(struct rop_store *store, int64_t cluster, int64_t *ret_told, struct rop_err *err);

/* ---- image.c ---- */

/* 0: no such cluster; no pass of it. */
bool store_find_cluster(struct rop_store *store, const char *name, int64_t *ret_id, struct rop_err *err);
bool store_newest_pass(struct rop_store *store, int64_t cluster, int64_t *ret_pass, struct rop_err *err);

#endif
