/* permissions.h - what a server must allow its user: the smallest ACLs, in one table. `redis-operator acl` prints it,
 * a look asks for what it cannot see by itself, tests/live/acl.sh takes each away.
 *
 * No key and no channel is needed, but for moving slots, which moves keys. Names are those of ACL rules (Redis 7.0 and
 * later, Valkey); measured by taking each away on Redis 7.0 and 8.0, Valkey 8.1 and 9.1.
 */
#ifndef ROP_PERMISSIONS_H
#define ROP_PERMISSIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/mem.h"

enum rop_acl {
	ROP_ACL_OBSERVER, /* plan, status, check, explain, import: nothing of it changes a server */
	ROP_ACL_OPERATOR, /* apply, run: what the observer has, and more */
	ROP_ACL_MOVER,    /* what the operator has, and what is needed to move slots with their keys, and to let nodes
			     leave */
	ROP_ACL_REPLICATION, /* the servers among themselves (masteruser) */
	ROP_ACLS_N
};
const char *rop_acl_name(enum rop_acl acl); /* "observer" */
int rop_acl_find(const char *name);         /* -1: none */

/* X(enum, as in ACL rules, of whom at least, what is done with it) */
/* clang-format off */
#define ROP_PERMISSIONS(X) \
	X(CLUSTER_NODES,     "cluster|nodes",            OBSERVER,    "read each node's view of the cluster") \
	X(CLUSTER_INFO,      "cluster|info",             OBSERVER,    "read each node's state of the cluster") \
	X(CLUSTER_SHARDS,    "cluster|shards",           OBSERVER,    "know that every node knows every shard") \
	X(INFO,              "info",                     OBSERVER,    "read version, replication and number of keys") \
	X(CONFIG_GET,        "config|get",               OBSERVER,    "compare settings with what is declared") \
	X(FUNCTION_LIST,     "function|list",            OBSERVER,    "know that a node without keys is empty") \
	X(CLIENT_SETNAME,    "client|setname",           OBSERVER,    "be recognised by another redis-operator") \
	X(CLIENT_LIST,       "client|list",              OBSERVER,    "see another redis-operator at work") \
	X(ACL_DRYRUN,        "acl|dryrun",               OBSERVER,    "know beforehand what is permitted") \
	X(CONFIG_SET,        "config|set",               OPERATOR,    "change settings") \
	X(CONFIG_REWRITE,    "config|rewrite",           OPERATOR,    "write them to the node's configuration file") \
	X(SET_CONFIG_EPOCH,  "cluster|set-config-epoch", OPERATOR,    "give fresh nodes epochs of their own") \
	X(BUMPEPOCH,         "cluster|bumpepoch",        OPERATOR,    "raise the epoch of a node that went back") \
	X(MEET,              "cluster|meet",             OPERATOR,    "introduce nodes to each other") \
	X(ADDSLOTSRANGE,     "cluster|addslotsrange",    OPERATOR,    "give slots to primaries") \
	X(REPLICATE,         "cluster|replicate",        OPERATOR,    "attach replicas") \
	X(SETSLOT,           "cluster|setslot",          MOVER,       "move slots from one shard to another") \
	X(COUNTKEYSINSLOT,   "cluster|countkeysinslot",  MOVER,       "know that a node has no key of a slot left") \
	X(GETKEYSINSLOT,     "cluster|getkeysinslot",    MOVER,       "know which keys a slot has") \
	X(MEMORY_USAGE,      "memory|usage",             MOVER,       "measure each key before it is moved") \
	X(TIME,              "time",                     MOVER,       "measure how long a batch of keys takes") \
	X(MIGRATE,           "migrate",                  MOVER,       "move keys from one node to another") \
	X(RESTORE_ASKING,    "restore-asking",           MOVER,       "take in keys from another node") \
	X(SELECT,            "select",                   MOVER,       "move the keys of every database") \
	X(FAILOVER,          "cluster|failover",         MOVER,       "have a replica take over from its primary") \
	X(RESET,             "cluster|reset",            MOVER,       "make a node that leaves one that knows nobody") \
	X(FLUSHALL,          "flushall",                 MOVER,       "empty a server whose old copy was given up") \
	X(FORGET,            "cluster|forget",           MOVER,       "have the others forget it") \
	X(FUNCTION_DUMP,     "function|dump",            MOVER,       "read function libraries") \
	X(FUNCTION_RESTORE,  "function|restore",         MOVER,       "give them to a node that gets slots") \
	X(PSYNC,             "psync",                    REPLICATION, "follow a primary") \
	X(REPLCONF,          "replconf",                 REPLICATION, "tell a primary how far a replica is") \
	X(PING,              "ping",                     REPLICATION, "greet a primary")

enum rop_permission {
#define X(id, name, acl, doc) ROP_PERMIT_##id,
	ROP_PERMISSIONS(X)
#undef X
	ROP_PERMISSIONS_N
};
/* clang-format on */
#define ROP_PERMIT(id) ((uint64_t)1 << ROP_PERMIT_##id) /* in a set of them */
_Static_assert(ROP_PERMISSIONS_N <= 64, "a set of permissions has 64 bits");

const char *rop_permission_name(enum rop_permission permission);
const char *rop_permission_doc(enum rop_permission permission);
bool rop_permission_is_of(enum rop_permission permission,
			  enum rop_acl acl); /* the operator has the observer's too, the mover both */
/* The command as ACL DRYRUN is asked about it, with arguments that its arity allows; argc 0: a look sees by itself
 * whether it is permitted, or nobody of ours needs it. */
size_t rop_permission_probe(enum rop_permission permission, const char *const **ret_argv);

/* "ACL SETUSER NAME on resetkeys resetchannels -@all +cluster|nodes ...": sets neither a password nor takes one away.
 */
const char *rop_acl_rule(struct rop_arena *arena, enum rop_acl acl, const char *user);
/* "cluster|meet, cluster|replicate" of a set */
const char *rop_permissions_text(struct rop_arena *arena, uint64_t set);

#endif
