/* writer.h - the database, off the loop: what is to be written waits for nobody, and nobody waits for the disk.
 *
 * A writer owns a thread and uses a store that nobody else uses meanwhile. Entries that come while a transaction is under way
 * go into the next one together: one commit to the disk for many clusters. Every callback comes once, on the loop,
 * never from inside the call.
 */
#ifndef ROP_WRITER_H
#define ROP_WRITER_H

#include "rop/loop.h"
#include "rop/store.h"

struct rop_writer;
struct rop_writer *rop_writer_new(struct rop_loop *loop, struct rop_store *store, struct rop_err *err);
void rop_writer_free(struct rop_writer *writer); /* does what it was given first, calls nobody any more. NULL is fine */
/* Nobody is called with this arg any more, and what it had given is written or dropped: its memory may go. */
void rop_writer_forget(struct rop_writer *writer, const void *arg);

/* cluster and entry must live until then. err: NULL, or why nothing was written (code 70: this entry alone is refused;
 * else the journal failed, for good). */
typedef void (*rop_committed)(void *arg, enum rop_commit result, const struct rop_err *err);
void rop_writer_commit(struct rop_writer *writer, const char *cluster, struct rop_entry *entry, rop_committed done, void *arg);

/* Anything else with the store: `work` runs on the writer's thread with `arg`; false: err says why. */
typedef bool (*rop_store_work)(struct rop_store *store, void *arg, struct rop_err *err);
typedef void (*rop_store_done)(void *arg, const struct rop_err *err); /* err NULL: it worked */
void rop_writer_call(struct rop_writer *writer, rop_store_work work, rop_store_done done, void *arg);

/* Who is paused: told at once, and whenever somebody has changed the database since (asked every 250 ms). The list is gone
 * after the call. A failure to read is told as well: err, once. One listener. */
typedef void (*rop_pauses_told)(void *arg, const struct rop_pause *pauses, size_t n, const struct rop_err *err);
void rop_writer_watch_pauses(struct rop_writer *writer, rop_pauses_told told, void *arg);

#endif
