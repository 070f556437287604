/* store.h - what must outlive the process: journal, expectations, conditions, revisions. SQLite inside, plain data
 * outside. The database is a cache and a log of intentions: truth is the live cluster.
 *
 * Rules (design, testing.md 1.4): journal_mode=TRUNCATE, synchronous=FULL, foreign_keys=ON, trusted_schema=OFF,
 * cell_size_check=ON, mmap_size=0, busy_timeout=5000, DEFENSIVE, each read back and asserted; BEGIN IMMEDIATE for
 * every write; one function is one transaction; STRICT tables; application_id and user_version checked; mode 0600 in
 * a 0700 folder (created when missing); quick_check at opening for writing. Nothing is ever sent inside a transaction.
 */
#ifndef ROP_STORE_H
#define ROP_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/journal.h"
#include "rop/mem.h"

/* One thread uses a store at a time; a thread that must not wait for another's commit opens its own. Do not fork() and
 * go on with an open store. After an I/O error or a full disk inside a write the store is broken: every later call
 * fails with code 1, and only a new process may look again. */
struct rop_store;

enum rop_store_mode {
	ROP_STORE_READ,  /* read-only; a missing file is success with *ret_store = NULL */
	ROP_STORE_WRITE, /* created and migrated when needed */
};

/* path ":memory:" is allowed with ROP_STORE_WRITE, for the simulator. Errors are code 1: not a database, damaged,
 * from a newer version ("written by schema 9, this program knows 1"), not ours (application_id), read-only folder,
 * disk full, a network file system. The sentence says what to do. */
bool rop_store_open(const char *path, enum rop_store_mode mode, struct rop_store **ret_store, struct rop_err *err);
void rop_store_close(struct rop_store *store); /* NULL is fine */

/* Did the last call fail only because another process has the database? Then nothing is broken and nothing was written:
 * the same may be asked again. */
bool rop_store_in_use(const struct rop_store *store);
/* For another process, each time; 5 s where this was not said. */
void rop_store_wait_at_most(struct rop_store *store, int ms);

/* One cluster's image: record, machine state, pending expectations, temporary settings, conditions. A cluster never
 * seen gives an empty image (known = false). Owned by the arena. A pause is shown as written, also when its time has
 * passed. boot_id holds for all boot clock values of the image: the first commit of another boot moves them to its own
 * clock, by way of the wall clock. */
bool rop_store_load(struct rop_store *store, struct rop_arena *arena, const char *cluster, struct rop_image *ret_image,
		    struct rop_err *err);

/* Everything one pass decided, in one transaction: resolutions, the moves, new expectations, temporary settings,
 * conditions. Resolutions come first and touch only pending rows; temporaries_gone come before temporaries_set, and one
 * that is set again keeps its first original. Fills in the ids of entry->expects. Refuses (code 70, nothing written) a
 * second pending expectation on a subject, also where slot ranges overlap. If the cluster is paused meanwhile (by the
 * entry's wall clock), nothing is written and *ret_paused = true. */
bool rop_store_commit(struct rop_store *store, const char *cluster, struct rop_entry *entry, bool *ret_paused,
		      struct rop_err *err);

/* The same for several clusters in one transaction, one commit to the disk: the daemon's. Each request has a result of
 * its own: one that is refused, paused or outdated (entry->check_pass) leaves the others as they are. false: the
 * transaction failed, nothing of any was written. */
enum rop_commit { ROP_COMMIT_WRITTEN, ROP_COMMIT_PAUSED, ROP_COMMIT_OUTDATED, ROP_COMMIT_REFUSED /* err says why */ };
struct rop_commit_request {
	const char *cluster;
	struct rop_entry *entry;
	enum rop_commit result;
	struct rop_err err;
};
bool rop_store_commit_group(struct rop_store *store, struct rop_commit_request *requests, size_t n,
			    struct rop_err *err);

/* Accepts a topology: a new revision when its digest differs from the newest one, else the newest again. `source` is
 * the file's text (it holds no secret). */
bool rop_store_accept(struct rop_store *store, const char *cluster, const char *digest, const char *canonical,
		      const char *source, const char *path, int64_t wall_ms, int64_t *ret_revision,
		      struct rop_err *err);
/* The newest accepted revision's source text; NULL when there is none. */
bool rop_store_source(struct rop_store *store, struct rop_arena *arena, const char *cluster, const char **ret_source,
		      const char **ret_path, struct rop_err *err);

/* The newest accepted revision that came from this file: of a cluster whose newest revision has this path. */
bool rop_store_source_of_path(struct rop_store *store, struct rop_arena *arena, const char *path,
			      const char **ret_cluster, const char **ret_source, struct rop_err *err);

/* Errors of topology files that the daemon could not take: text NULL when the file is right again, or gone. Writes only
 * what differs. `cluster` is the one the file last stood for, or NULL. */
bool rop_store_file_error(struct rop_store *store, const char *path, const char *cluster, const char *text,
			  int64_t wall_ms, struct rop_err *err);
/* Of one cluster's file, or of all (cluster NULL); ordered by path. */
bool rop_store_file_errors(struct rop_store *store, struct rop_arena *arena, const char *cluster,
			   struct rop_file_error **ret_errors, size_t *ret_n, struct rop_err *err);

/* 8 hex digits, made at random with the database: tells operators with different databases apart. */
bool rop_store_instance(struct rop_store *store, char ret_id[9], struct rop_err *err);

/* Passes older than this go, with their transitions and their steps that are over; the newest `keep` of each cluster
 * and whatever is pending stay. One transaction of at most some thousand rows; *ret_more says that there is more to do.
 */
bool rop_store_forget_before(struct rop_store *store, int64_t wall_ms, size_t keep, bool *ret_more,
			     struct rop_err *err);

/* Everything of one cluster, in one transaction. Who changes it holds its lock meanwhile. */
bool rop_store_forget_cluster(struct rop_store *store, const char *cluster, struct rop_err *err);

/* Has another connection written since this was asked last? One small read; true the first time. */
bool rop_store_changed(struct rop_store *store, bool *ret_changed, struct rop_err *err);
/* What people said of clusters: who is paused, as written (also where the time has passed), whose wish is open, and how
 * often they spoke of hosts. Each kind sorted by name; in the arena. */
struct rop_pause {
	const char *cluster, *by;
	int64_t until_wall_ms;
	int64_t wish;        /* else 0: the open wish of a cluster, and no pause */
	int64_t drains_told; /* else 0: rop_image.drains_told, neither a pause nor a wish */
};
bool rop_store_pauses(struct rop_store *store, struct rop_arena *arena, struct rop_pause **ret_pauses, size_t *ret_n,
		      struct rop_err *err);

/* What a person asked for, in one transaction. */
bool rop_store_deeds(struct rop_store *store, const char *cluster, const struct rop_deed *deeds, size_t n,
		     int64_t wall_ms, struct rop_err *err);

/* A wish is written down, open: shard, node, primary, their addresses, and by whom; the rest is the store's. ROP_BUSY:
 * one is open already. Who does this holds the cluster's lock, so that nobody is at work on another one. */
bool rop_store_wish(struct rop_store *store, const char *cluster, const struct rop_wish *wish, int64_t wall_ms,
		    int64_t *ret_id, struct rop_err *err);
/* Closes it, where it is open still: what was not done is not wanted any more. */
bool rop_store_withdraw(struct rop_store *store, const char *cluster, const struct rop_wish_end *end, int64_t wall_ms,
			struct rop_err *err);

/* A host is drained: target, zone, until, fewer, and by whom; the rest is the store's. The same target again takes the
 * place of the one before. Who does this holds the cluster's lock. */
bool rop_store_drain(struct rop_store *store, const char *cluster, const struct rop_drain *drain, int64_t wall_ms,
		     int64_t *ret_id, struct rop_err *err);
/* Ends it, where it is not ended; also where its time has passed. ret_ended: there was one. */
bool rop_store_undrain(struct rop_store *store, const char *cluster, const char *target, const struct rop_deed *by,
		       int64_t wall_ms, bool *ret_ended, struct rop_err *err);

/* until_wall_ms 0: until resumed. deed: who, for history, in the same transaction; NULL: nobody is written down. */
bool rop_store_pause(struct rop_store *store, const char *cluster, int64_t until_wall_ms, const char *by,
		     const struct rop_deed *deed, int64_t wall_ms, struct rop_err *err);
bool rop_store_resume(struct rop_store *store, const char *cluster, const struct rop_deed *deed, int64_t wall_ms,
		      struct rop_err *err);
/* Read before every send. A pause whose time has passed does not count. */
bool rop_store_paused(struct rop_store *store, const char *cluster, int64_t wall_ms, bool *ret_paused,
		      struct rop_err *err);

/* Names of clusters in the database, sorted. */
bool rop_store_clusters(struct rop_store *store, struct rop_arena *arena, const char ***ret_names, size_t *ret_n,
			struct rop_err *err);

/* history: transitions, steps (expectations with their results) and what people asked for, in order of time; at most
 * `limit` newest. */
bool rop_store_history(struct rop_store *store, struct rop_arena *arena, const char *cluster, size_t limit,
		       struct rop_history_line **ret_lines, size_t *ret_n, struct rop_err *err);

/* ---- the lock: one writer per cluster --------------------------------------------------------------------- */
/* A separate file <folder of the database>/<cluster>.lock, flock()ed, never the database itself (closing any
 * descriptor of the database would drop SQLite's locks). Holds "pid command start-time" for the message of exit 5:
 * "held by pid 4711 (apply, since 2026-03-01 12:01:07)". */
struct rop_lock;
/* cluster NULL: the place of the one daemon that a database may have. */
bool rop_lock_take(const char *store_path, const char *cluster, const char *command, struct rop_lock **ret_lock,
		   struct rop_err *err); /* code 5: held; code 1: cannot be made */
void rop_lock_release(struct rop_lock *lock);

#endif
