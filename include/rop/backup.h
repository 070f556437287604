/* backup.h - snapshots of a cluster: taken, kept in a folder, proven, and given to a cluster of any shape.
 *
 * A backup is a folder: for each shard an RDB snapshot as its server streamed it (zstd-compressed or plain), and,
 * written last, manifest.json, which says what belongs to it. Without a manifest it is no backup. Files are written
 * under a temporary name, synced and renamed. What is read back is untrusted.
 *
 * Threads of their own do the work; `tell` is called on the caller's. SIGINT, SIGTERM and SIGHUP end each of these
 * calls as an error; what they had made that is not whole is removed.
 */
#ifndef ROP_BACKUP_H
#define ROP_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/mem.h"
#include "rop/observed.h"
#include "rop/snapshots.h"

/* ---- what a manifest says -------------------------------------------------------------------------------------- */

#define ROP_BACKUP_FORMAT "1.1" /* minor adds, major breaks */
#define ROP_BACKUP_MANIFEST "manifest.json"
#define ROP_SHA256_SIZE 65 /* hex, and the terminator */

struct rop_backup_shard {
	int number;
	const char *slots; /* rop_slots_text */
	const char *node, *address;
	bool from_replica;
	const char *server; /* "redis 7.0.15" */
	const char *replid; /* history, and the place in it that the snapshot is of */
	int64_t offset;
	int64_t begun_ms, ended_ms;   /* wall clock: its +FULLRESYNC, its last byte */
	const char *file;             /* a name in the folder */
	char sha256[ROP_SHA256_SIZE]; /* of the file, as it is stored */
	int64_t stored;               /* its bytes */
	int64_t bytes;                /* of the RDB in it */
	int rdb_version;
	bool valkey, checksum; /* checksum: the server wrote one, and it was right */
	int64_t keys, expiring, functions;
};

struct rop_backup {
	const char *cluster;
	const char *program;  /* that made it: "redis-operator 0.1.0" */
	const char *topology; /* the file's text */
	const char *topology_digest;
	int64_t begun_ms, ended_ms;
	bool compressed;
	bool consistent;   /* all shards are of one moment */
	int64_t paused_us; /* for which clients could not write for so long, at most */
	ROP_LIST(struct rop_backup_shard) shards;
};

int64_t rop_backup_keys(const struct rop_backup *backup);
int64_t rop_backup_bytes(const struct rop_backup *backup);
int64_t rop_backup_stored(const struct rop_backup *backup);
int64_t rop_backup_apart_ms(const struct rop_backup *backup); /* the first and the last shard's moment */

/* Everything is checked: shapes, names of files, numbers, its own digest, and that the shards' slots are all slots,
 * each once. Codes: INVALID (no backup, of a newer format, damaged), FAIL. */
bool rop_backup_load(struct rop_arena *arena, const char *folder, struct rop_backup *ret_backup, struct rop_err *err);

/* ---- taking one ------------------------------------------------------------------------------------------------- */

enum rop_backup_phase { ROP_BACKUP_WAITS, ROP_BACKUP_RUNS, ROP_BACKUP_DONE };
struct rop_backup_progress { /* of one shard; restore: of one file */
	int number;
	enum rop_backup_phase phase;
	int64_t bytes, keys;
};

struct rop_backup_options {
	const char *to; /* a folder; the backup becomes one in it: CLUSTER-20261127T030508Z */
	const char *cluster, *program, *topology, *topology_digest;
	bool compress;
	/* Writes are paused on all primaries at once until every snapshot has begun, for so long at most: beyond it
	 * there is no backup (TIMEOUT). Only each shard's first source is tried. 0: each has a moment of its own. */
	int64_t max_pause_ms;
	const char *user, *password, *client_name;
	int64_t connect_timeout_ms, command_timeout_ms;
	int at_a_time;                                                               /* shards; 0: 16 */
	void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n); /* a few times a second; NULL */
	/* The snapshots are complete, the manifest is not written: is the cluster still the same? NULL: not asked. */
	bool (*confirm)(void *arg, struct rop_err *err);
	void *arg;
};
/* *ret_folder: where it is. Each shard's sources are tried in their order. */
bool rop_backup_take(struct rop_arena *arena, const struct rop_backup_options *options,
		     const struct rop_snapshots *snapshots, struct rop_backup *ret_backup, const char **ret_folder,
		     struct rop_err *err);

/* ---- those that are there ---------------------------------------------------------------------------------------- */

struct rop_backup_entry {
	const char *name, *path;
	bool whole;          /* it has a manifest that can be read */
	const char *why_not; /* else, in a sentence */
	struct rop_backup backup;
	int64_t verified_ms; /* when it was verified last, as it is now; 0: it was not */
	int64_t drilled_ms;  /* when it was restored in a drill; the same */
	const char *drilled; /* with which server: "redis 7.0.15"; NULL: it was not */
};
struct rop_backup_list {
	ROP_LIST(struct rop_backup_entry) at; /* the newest first; those that are none at the end */
};
/* One, and how it was proven. Codes as rop_backup_load. */
bool rop_backup_look(struct rop_arena *arena, const char *folder, struct rop_backup_entry *ret_entry,
		     struct rop_err *err);
bool rop_backup_list(struct rop_arena *arena, const char *folder, struct rop_backup_list *ret_list,
		     struct rop_err *err);

struct rop_proof { /* of one shard's file */
	int number;
	const char *trouble; /* in a sentence; NULL: it is as the manifest says */
	int64_t keys, bytes;
};
struct rop_proofs {
	struct rop_proof *at; /* as the manifest's shards */
	size_t n, bad;
};
/* Reads every record of every shard: digests, checksums, counts, and that each key is of the shard's slots. All as it
 * should be is written down beside the manifest. false: it could not be done; what was found wrong is in the proofs. */
bool rop_backup_verify(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
		       void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n), void *arg,
		       struct rop_proofs *ret_proofs, struct rop_err *err);

/* Which go: [list->at] whole ones only. Kept are, of each cluster, the newest `last`, of each of the newest `daily`
 * days (UTC) the newest, and always the newest verified one; where none was verified, the newest. Pure. */
void rop_backup_prune_choose(const struct rop_backup_list *list, int64_t last, int64_t daily, bool *ret_goes);
/* Its manifest first, so that what is left of it is no backup at any moment. */
bool rop_backup_remove(const struct rop_backup_entry *entry, struct rop_err *err);

/* ---- giving it to a cluster -------------------------------------------------------------------------------------- */

struct rop_restore_target { /* a primary */
	const char *address, *ip, *flavour;
	int port;
	struct rop_slots slots;
};

struct rop_restore_options {
	const struct rop_restore_target *targets;
	size_t n_targets;
	const char *user, *password, *client_name;
	int64_t connect_timeout_ms, command_timeout_ms;
	bool dry_run; /* everything is read and asked, nothing is given */
	bool resumes; /* this backup's keys may be there already: they are compared, and not given again */
	void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n); /* NULL */
	/* All was asked, nothing is given yet. NULL: not told. */
	bool (*begin)(void *arg, struct rop_err *err);
	void *arg;
};

struct rop_restore_result {
	int64_t keys, expired, functions, bytes; /* keys: given; expired: passed over; bytes: of what was sent */
	int64_t *keys_of;                        /* [target] */
};

/* What is left to know who began: kept beside the database from the first key that is given to the last, so that a
 * restore that was interrupted can be gone on with. One for each cluster; without it, keys are a client's. */
struct rop_restore_mark {
	char backup[ROP_SHA256_SIZE]; /* rop_backup_identity; "": there is no mark */
	const char *folder;           /* where the backup was then, for sentences */
	int64_t begun_ms;             /* wall clock */
	ROP_LIST(const char *) nodes; /* ids of all that were members: only there can its keys be */
};
void rop_backup_identity(const struct rop_backup *backup, char *ret_hex); /* the same wherever its files are */
bool rop_restore_mark_read(struct rop_arena *arena, const char *state_path, const char *cluster,
			   struct rop_restore_mark *ret_mark, struct rop_err *err);
bool rop_restore_mark_write(const char *state_path, const char *cluster, const struct rop_restore_mark *mark,
			    struct rop_err *err);
bool rop_restore_mark_remove(const char *state_path, const char *cluster, struct rop_err *err); /* also where none is */

/* Into primaries without keys, which own all slots together. Refused before anything is sent: a target that holds keys
 * or functions (unless it resumes), or that cannot read this RDB version (both named). A key that is there with another
 * value is never written over: named, and an error. In the end the keys of each slot are compared with
 * what was given: a difference is an error with the slots named. */
bool rop_backup_restore(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
			const struct rop_restore_options *options, struct rop_restore_result *ret_result,
			struct rop_err *err);

/* ---- from one cluster into another ------------------------------------------------------------------------------- */

/* As a backup and its restore, with nothing on a disk: each shard is streamed from its first source, and each record
 * goes on to its target. from: user, password, timeouts, max_pause_ms are used. What was given when it fails stays. */
struct rop_clone_result {
	struct rop_restore_result given;
	bool consistent;
	int64_t paused_us;
};
bool rop_backup_clone(struct rop_arena *arena, const struct rop_backup_options *from,
		      const struct rop_snapshots *snapshots, const struct rop_restore_options *to,
		      struct rop_clone_result *ret_result, struct rop_err *err);

/* ---- does it come back? ------------------------------------------------------------------------------------------ */

/* A shard's snapshot as a server loads it: plain. The file is made. */
bool rop_backup_unpack(const char *folder, const struct rop_backup_shard *shard, const char *path, struct rop_err *err);

struct rop_drill_result {
	int64_t keys, expired; /* compared; passed over, for they expired meanwhile */
};
/* [shard] loaders: have loaded its snapshot by themselves; [shard] options->targets: rop_backup_restore has given it to
 * them. Each key of the backup must be the same on both, and the loaders must hold no others. Needs DEBUG. */
bool rop_backup_compare(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
			const struct rop_restore_target *loaders, const struct rop_restore_options *options,
			struct rop_drill_result *ret_result, struct rop_err *err);
/* Written down beside the manifest. */
bool rop_backup_write_drilled(const char *folder, const struct rop_backup *backup, const char *server,
			      struct rop_err *err);
/* As it is now: 0 and NULL where it was not. */
int64_t rop_backup_drilled_ms(struct rop_arena *arena, const char *folder, const struct rop_backup *backup,
			      const char **ret_server);

#endif
