/* drive.h - one cluster's reconciler on the event loop: it is what waits, asks, writes and sends.
 *
 * One drive is one run over one frozen revision of a topology. Everything it is given stays the caller's and must
 * outlive it. Used by `apply`, and once per cluster by the daemon.
 */
#ifndef ROP_DRIVE_H
#define ROP_DRIVE_H

#include "rop/fleet.h"
#include "rop/loop.h"
#include "rop/reconcile.h"
#include "rop/store.h"
#include "rop/topology.h"

struct rop_drive;

struct rop_drive_options {
	struct rop_loop *loop;
	struct rop_store *store;
	const struct rop_fleet_options *fleet;
	struct rop_reconcile_options reconcile;
	int64_t clients_every_ms;      /* how often to ask for ROP_OBSERVE_CLIENTS, beginning with the first look; 0: never */
	int64_t timeout_ms;            /* one-shot: not converged by then ends it with ROP_TIMEOUT; 0: none */
	void (*on_pass)(void *arg, const struct rop_reconcile *r); /* after each observation; may be NULL */
	/* The run is over, once. err is set (code not OK) when the journal failed: nothing was sent after that. */
	void (*on_done)(void *arg, const struct rop_result *result, const struct rop_err *err);
	void *arg;
};

struct rop_drive *rop_drive_start(const struct rop_drive_options *options);
void rop_drive_stop(struct rop_drive *drive, enum rop_code code, const char *why); /* on_done follows */
const struct rop_reconcile *rop_drive_reconcile(const struct rop_drive *drive);
void rop_drive_free(struct rop_drive *drive); /* any time; nothing is called back afterwards */

/* events.c: what is told through on_transition and on_step, as facts for the log. */
void rop_log_transition(const char *cluster, const struct rop_transition *transition);
void rop_log_step(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note);

/* The addresses of a topology's nodes for a fleet; expected ids from the image's members. In the arena. */
struct rop_endpoint *rop_endpoints_of(struct rop_arena *arena, const struct rop_topology *topology,
				      const struct rop_image *image);

#endif
