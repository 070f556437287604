/* writer.h - the database, off the loop: what is to be written waits for nobody, and nobody waits for the disk.
 *
 * A writer owns a thread and uses a store that nobody else uses meanwhile. Entries that come while a transaction is
 * under way go into the next one together: one commit to the disk for many clusters. Every callback comes once, on the
 * loop, never from inside the call.
 *
 * Memory. Each request is a `struct rop_write` that its owner embeds, and what the thread is given is that request,
 * nothing else: whatever it reads or writes is the owner's, found by ROP_OWNER. So one rule is enough: an owner closes
 * its requests before it goes. One that still waits is then dropped, one that the thread has is waited for, and nobody
 * is called. A writer that is freed while a request is open ends the process: that is a mistake of the program.
 *
 * In use by another process (somebody's sqlite3 and a pager, say) is not broken: what waits is kept and tried again, in
 * its order, until the writer's patience ends.
 */
#ifndef ROP_WRITER_H
#define ROP_WRITER_H

#include <stddef.h>

#include "rop/loop.h"
#include "rop/store.h"

struct rop_writer;
struct rop_write;

/* The structure that has the request as its member. */
#define ROP_OWNER(write, type, member) ((type *)(void *)((char *)(write)-offsetof(type, member)))

/* err: NULL, or why nothing was written (code 70: this entry alone is refused; else the journal failed, for good). The
 * owner may go in the middle of either. */
typedef void (*rop_committed)(struct rop_write *write, enum rop_commit result, const struct rop_err *err);
/* On the writer's thread; false: err says why. Called again when the database was in use by another process. */
typedef bool (*rop_store_work)(struct rop_store *store, struct rop_write *write, struct rop_err *err);
typedef void (*rop_store_done)(struct rop_write *write, const struct rop_err *err); /* err NULL: it worked */

struct rop_write {                 /* begins as zeros; one thing at a time */
	struct rop_writer *writer; /* NULL: nothing is asked, or it is over */
	/* the writer's own */
	struct rop_write *next;
	const char *cluster;
	struct rop_entry *entry; /* NULL: any other work */
	rop_committed committed;
	rop_store_work work;
	rop_store_done done;
};

struct rop_writer *rop_writer_new(struct rop_loop *loop, struct rop_store *store, struct rop_err *err);
void rop_writer_free(struct rop_writer *writer); /* calls nobody any more; after every rop_write_close. NULL is fine */

/* cluster and entry belong to the owner and stay until then. */
void rop_writer_commit(struct rop_writer *writer, struct rop_write *write, const char *cluster, struct rop_entry *entry,
		       rop_committed done);
/* Anything else with the store. */
void rop_writer_call(struct rop_writer *writer, struct rop_write *write, rop_store_work work, rop_store_done done);
/* Waits for as long as the thread is at it, which is a second or so at worst. One that is over, or was never begun, is
 * fine. */
void rop_write_close(struct rop_write *write);
bool rop_write_is_open(const struct rop_write *write);

/* How long another process may keep the database before what waits is given up with an error (code 1). At first there
 * is no limit. */
void rop_writer_patience(struct rop_writer *writer, int64_t ms);
/* Told after each try that found the database in use (why), and once when it is free again (NULL). One listener. */
void rop_writer_watch_waiting(struct rop_writer *writer, void (*told)(void *arg, const struct rop_err *why), void *arg);

/* Who is paused: told at once, and whenever somebody has changed the database since (asked every 250 ms). The list is
 * gone after the call. A failure to read is told as well: err, once. One listener. */
typedef void (*rop_pauses_told)(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err);
void rop_writer_watch_pauses(struct rop_writer *writer, rop_pauses_told told, void *arg);

#endif
