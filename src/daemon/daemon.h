/* daemon.h - the daemon from inside.
 *
 *   folder.c    the folder: which files there are, which are right, what stands in two of them
 *   revision.c  one accepted version of one file
 *   cluster.c   one managed cluster: accept, look names up, drive, and again when its file changes
 *   tell.c      what the service manager and the log are told
 *   end.c       how a cluster goes, and why the daemon cannot go on
 *   daemon.c    wiring: signals, the folder watched, the end
 *
 * Each calls only what stands above it here, and tell.c and end.c; so nobody is freed by what it has called, but by its
 * own last word (daemon_cluster_gone). What the writer is asked is a member of who asks, closed before that is freed.
 */
#ifndef ROP_DAEMON_DAEMON_H
#define ROP_DAEMON_DAEMON_H

#include <sys/stat.h>

#include "rop/daemon.h"
#include "rop/drive.h"
#include "rop/events.h"
#include "rop/names.h"
#include "rop/topology.h"

/* ---- a revision: one version of a topology, frozen ----------------------------------------------------------- */

struct revision {
	struct rop_arena *arena;
	struct rop_topology *topology;
	const char *source;
	bool named; /* has names to be looked up again now and then */
};
/* NULL: errors has the diagnostics. The daemon's intervals where the topology does not say. */
struct revision *revision_load(const struct rop_config *config, const char *path, struct rop_text *errors);
struct revision *revision_parse(const struct rop_config *config, const char *path, const char *text,
				struct rop_text *errors);
void revision_free(struct revision *revision); /* NULL is fine */

/* ---- a cluster ----------------------------------------------------------------------------------------------- */

struct daemon;

enum phase { PHASE_IDLE, PHASE_ACCEPTING, PHASE_NAMING, PHASE_DRIVING, PHASE_WAITING /* after a failure */ };

struct cluster {
	struct cluster *next; /* of the daemon's list, by name */
	struct daemon *daemon;
	char *name, *path;
	enum phase phase;
	struct revision *wanted;               /* what its file says; NULL: no longer managed */
	struct revision *running;              /* what is being worked on: wanted, or the one before; NULL when idle */
	struct revision *again;                /* the same once more, its names being looked up anew */
	char *canonical;                       /* of the running revision, while it is being accepted */
	struct rop_write accepting, rereading; /* what the database is being asked: for running; for again */
	bool stopping;                         /* the drive was told to stop */
	struct rop_image image, image_again;   /* of the one being begun, or named again: its members */
	int64_t number;                        /* of the running revision */
	char *password;
	struct rop_fleet_options fleet;
	struct rop_drive *drive;
	struct rop_timer *timer;        /* retry, or names again */
	bool looked;                    /* a first pass is over, or it is known that there will be none */
	struct rop_condition converged; /* as logged last; texts on the heap */
	bool blocked;                   /* the same: that something stands in the way */
	bool unserved;                  /* slots are not served, as was logged last */
	char *trouble;                  /* why it cannot be begun, as logged last */
	char *nameless;                 /* its nodes whose names do not resolve, as logged last */
	char *drained;                  /* the host or zone that is drained, as was logged last; NULL: none */
	int64_t drain_id;               /* of that drain */
	bool may_be_stopped;            /* the same */
	uint64_t *warned;               /* digests of the warnings that were logged, on the heap */
	size_t n_warned;
};

struct cluster *cluster_new(struct daemon *daemon, const char *name, const char *path);
/* Takes the revision over; NULL: stop managing it (never: delete it). The cluster may be gone afterwards. */
void cluster_want(struct cluster *cluster, struct revision *revision);

/* ---- the folder ---------------------------------------------------------------------------------------------- */

struct file {
	struct file *next; /* by path */
	char *path;
	struct stat version;     /* what was read last */
	bool seen;               /* in this scan */
	struct revision *parsed; /* of this version; NULL: errors. The file's own: clusters get copies */
	struct rop_text errors;  /* of this version: diagnostics, and conflicts with other files */
	size_t own_errors;       /* how much of errors is the file's own: conflicts come after */
	bool asked;              /* the last good revision was asked for */
	char *logged;            /* errors as logged last */
};

/* Something of the folder that the database is being asked; the daemon's list keeps them, so that none is forgotten. */
struct errand {
	struct rop_write write; /* first: the one that is asked is the errand */
	struct errand *next;
	struct daemon *daemon;
	struct rop_arena *arena; /* that it lives in */
};

/* Reads what has changed (all: everything), and tells clusters what is wanted of them. false: the folder cannot be
 * read. */
bool files_scan(struct daemon *daemon, bool all, struct rop_err *err);
void files_free(struct daemon *daemon);

/* ---- the daemon ---------------------------------------------------------------------------------------------- */

struct daemon {
	const struct rop_daemon_options *options;
	struct rop_arena *config_arena;
	struct rop_config config;
	char *state; /* the database; the same from start to end, whatever the configuration says later */
	struct rop_loop *loop;
	struct rop_store *store;
	struct rop_writer *writer;
	struct rop_gate *gate;
	char instance[9];
	struct cluster *clusters;
	struct file *files;
	struct rop_text
		strays; /* names in the folder that look like topologies and are none, a line each: of the last scan */
	struct errand *errands;
	struct rop_signal *hup, *term, *interrupt;
	struct rop_watch *watch; /* of the folder, and its descriptor; -1: not watched */
	int watch_fd;
	struct rop_timer *tick; /* scans now and then, watched or not */
	struct rop_timer *soon; /* a scan after the folder was quiet for a moment */
	struct rop_timer *ready_by;
	struct rop_timer *forget; /* old history, now and then */
	struct rop_write forgetting;
	bool more_to_forget;
	bool ready, ending;
	size_t n_clusters;
	int64_t watchdog_ms, alive_boot_ms, status_boot_ms;
	char *status;       /* as told last */
	bool waiting;       /* for the database, which another process uses */
	struct rop_err err; /* why it ends; code OK: told to */
};

/* end.c */
void cluster_free(struct cluster *cluster);
void daemon_cluster_gone(struct daemon *daemon, struct cluster *cluster); /* idle and unwanted: freed */
void daemon_fail(struct daemon *daemon, const struct rop_err *err);       /* cannot go on */

/* tell.c */
void tell_pass(struct daemon *daemon); /* a pass is over: alive, status, perhaps ready */
void tell_status(struct daemon *daemon);
void tell_waiting(struct daemon *daemon, const struct rop_err *why); /* for the database; NULL: no longer */
void tell_written(struct cluster *cluster, const struct rop_entry *entry);
void tell_warnings(struct cluster *cluster, const struct rop_situation *now); /* logged when they are news */
void tell_drain(struct cluster *cluster, const struct rop_situation *now);
void tell_nameless(struct cluster *cluster, const struct rop_topology *topology); /* names without an address: news */
void tell_trouble(struct cluster *cluster, const char *why); /* logged when it is news; NULL: over */

#endif
