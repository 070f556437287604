/* topology.h - what a person declared: the model of the topology file. Plain data, owned by one arena. */
#ifndef ROP_TOPOLOGY_H
#define ROP_TOPOLOGY_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/doc.h"
#include "rop/mem.h"

#define ROP_SLOTS 16384
#define ROP_BUS_OFFSET 10000 /* cluster.h CLUSTER_PORT_INCR */
#define ROP_NODES_MAX 1000
#define ROP_ID_SIZE 41 /* a node id: 40 hex digits and the terminator */

struct rop_declared_node {
	const char *host; /* as written: name, IPv4 or IPv6 (without brackets) */
	int port;
	int bus_port;           /* 0: port + ROP_BUS_OFFSET */
	const char *zone;       /* NULL: not declared */
	int shard;              /* from 1; 0: not declared */
	const char *ip;         /* resolved, literal; NULL until resolved (config fills it in for literal addresses) */
	const char *const *ips; /* all addresses of its name, the first is ip; NULL: that one only */
	size_t n_ips;
	const char *no_ip;   /* why its name has no address, in words (ip: where it was last); NULL: it has, or was not
				looked up */
	const char *leaving; /* its node id, where an earlier revision declared it and this one does not; NULL: it is
				declared */
};

/* The servers' own author of topology changes; `no` with spec.replicaMigration: Managed. */
#define ROP_REPLICA_MIGRATION "cluster-allow-replica-migration"

#define ROP_FEW_PRIMARIES "a cluster with fewer than 3 primaries cannot fail over by itself"

struct rop_setting {
	const char *name, *value;
};

struct rop_topology {
	const char *path;
	const char *name;       /* metadata.name: [a-z0-9]([a-z0-9-]*[a-z0-9])?, at most 63 */
	int shards;             /* 1 .. 500 */
	int replicas_per_shard; /* 0 .. 10 */
	const int *weights; /* spec.shardWeights: [number of a shard - 1], each 1 .. ROP_SLOTS; NULL: not declared */
	ROP_LIST(struct rop_declared_node) nodes; /* empty with discovery until resolved */
	size_t n_leaving; /* the last ones of them, which are to leave (rop_topology_leaving); 0 in what was loaded */
	const char *discovery_dns; /* NULL: nodes are listed */
	int discovery_port;
	const char *auth_user;                 /* NULL: default user */
	const char *auth_credential;           /* spec.auth.credential: name of a systemd credential; NULL; not beside a
						  passwordFile */
	const char *auth_password_file;        /* NULL: no AUTH; relative paths are relative to the file's folder */
	ROP_LIST(struct rop_setting) settings; /* spec.settings, in file order; values as text */
	int64_t interval_ms;        /* spec.intervals.observe, default 5s: between passes over a converged cluster */
	int64_t connect_timeout_ms; /* spec.intervals.connectTimeout, default 2s */
	int64_t command_timeout_ms; /* spec.intervals.commandTimeout, default 5s */
	bool interval_declared, connect_timeout_declared,
		command_timeout_declared; /* else the default; the daemon has its own */
	struct {                          /* spec.disruption: what is done unforced */
		int shards_at_once;       /* shards that it may disturb at the same time; default 1 */
		int keep_copies; /* replicas in sync that each shard keeps, where as many are declared; default 1 */
	} disruption;
	int64_t settle_ms;           /* spec.intervals.settle, default 0: how long agreement must last to be believed */
	bool reform_on_total_loss;   /* spec.onTotalLoss: Refuse (default) | Reform */
	bool repair_placement;       /* spec.placement.repair: Propose (default) | Auto */
	bool never_atomic;           /* spec.migration.atomic: Auto (default) | Never */
	bool keep_replica_migration; /* spec.replicaMigration: Managed (default) | Keep */
	struct rop_declared_migration {
		bool fast;        /* spec.migration.profile: gentle (default) | fast */
		int64_t stall_ms; /* spec.migration.stall, default 5ms: how long a server may be kept from its clients
				   */
		int rate;         /* spec.migration.rate: keys a second, default 0: as fast as it goes */
		bool move_large;  /* spec.migration.largeKeys: Refuse (default) | Move */
	} migration;
	char digest[17]; /* of the canonical fields: equal for files that mean the same */
};

/* model/shares.c. How many slots each shard is to have, [its number - 1], at least one and ROP_SLOTS together: by the
 * weights, and evenly without them; where that does not divide, those next to one more have it, the first before the
 * others. Of so many shards; weights may be NULL. */
void rop_shares(const int *weights, int shards, int *ret_shares);
/* Would some shard get none by these weights? Its number; 0: no. */
int rop_shares_too_small(const int *weights, int shards);

/* config/topology.c. Reads, checks, reports every error of the file into diags. Literal IP addresses get .ip set.
 * false: diags holds at least one error. Warnings may remain on success (for instance: fewer than 3 shards). */
bool rop_topology_load(struct rop_arena *arena, const char *path, struct rop_diags *diags,
		       struct rop_topology **ret_topology);
bool rop_topology_from_doc(struct rop_arena *arena, const struct rop_doc *doc, struct rop_diags *diags,
			   struct rop_topology **ret_topology);
/* The canonical text the digest is made of: one "key=value" line per field, in a fixed order, defaults included. */
char *rop_topology_canonical(struct rop_arena *arena, const struct rop_topology *topology);

/* Reads topology->auth_password_file: mode 0600 or stricter, owned by the caller or root, no symbolic link, one
 * trailing newline dropped, 1 to 512 bytes, no NUL. ret_password is heap memory of the caller, to be wiped with
 * rop_secret_free. Errors: code 3, path and reason named, the secret never. */
bool rop_password_load(const char *path, char **ret_password, struct rop_err *err);
/* The password that the topology names: its file, or $CREDENTIALS_DIRECTORY/<auth_credential> (readable because systemd
 * gave it to this service alone: its mode is not asked). *ret_password is NULL where none is declared. */
bool rop_topology_password(const struct rop_topology *topology, char **ret_password, struct rop_err *err);
void rop_secret_free(char *secret);

#endif
