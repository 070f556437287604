/* drive.h - one cluster's reconciler on the event loop: it is what waits, asks, writes and sends.
 *
 * One drive is one run over one frozen revision of a topology. Everything it is given stays the caller's and must
 * outlive it. Used by `apply`, and once per cluster by the daemon.
 *
 * Beside other processes (lock_path): the cluster's lock is held only from the first thing that is to be written until
 * the machine rests with nothing under way. Whoever changed the cluster in between has left a newer transaction in the
 * journal; then nothing is written, and the drive begins anew from what the database says and the nodes show.
 */
#ifndef ROP_DRIVE_H
#define ROP_DRIVE_H

#include "rop/fleet.h"
#include "rop/loop.h"
#include "rop/reconcile.h"
#include "rop/topology.h"
#include "rop/writer.h"

struct rop_drive;

struct rop_drive_options {
	struct rop_loop *loop;
	struct rop_writer *writer;
	const char *lock_path;    /* the database; NULL: the caller holds the lock of this cluster all the time */
	const char *lock_command; /* what the lock says of its holder: "run" */
	const struct rop_fleet_options *fleet;
	struct rop_reconcile_options reconcile; /* with lock_path, the image is loaded by the drive */
	int64_t timeout_ms;                     /* one-shot: not converged by then ends it with ROP_TIMEOUT; 0: none */
	int64_t clients_every_ms; /* how often to ask for ROP_OBSERVE_CLIENTS, beginning with the first look; 0: never
				   */
	void (*on_pass)(void *arg, const struct rop_reconcile *r);    /* after each observation; may be NULL */
	void (*on_written)(void *arg, const struct rop_entry *entry); /* the journal has it; may be NULL */
	/* Somebody else is changing the cluster (err says who), or does no more (NULL): told when it changes; may be
	 * NULL. */
	void (*on_held)(void *arg, const struct rop_err *err);
	/* The run is over, once. err is set (code not OK) when the journal failed: nothing was sent after that. */
	void (*on_done)(void *arg, const struct rop_result *result, const struct rop_err *err);
	void *arg;
};

struct rop_drive *rop_drive_start(const struct rop_drive_options *options);
void rop_drive_stop(struct rop_drive *drive, enum rop_code code, const char *why); /* on_done follows */
/* From rop_writer_watch_pauses: whether this cluster is among them. */
void rop_drive_pauses(struct rop_drive *drive, const struct rop_pause *pauses, size_t n);
const struct rop_reconcile *rop_drive_reconcile(
	const struct rop_drive *drive);       /* NULL while the database is being read */
void rop_drive_free(struct rop_drive *drive); /* any time but in on_pass; nothing is called back afterwards */

#endif
