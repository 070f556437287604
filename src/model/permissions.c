/* permissions.c - the table of rop/permissions.h, and the words made of it. */
#include "rop/permissions.h"

#include <string.h>

#include "rop/text.h"

/* clang-format off */
static const struct {
	const char *name, *doc;
	enum rop_acl acl;
} TABLE[ROP_PERMISSIONS_N] = {
#define X(id, name, acl, doc) [ROP_PERMIT_##id] = { name, doc, ROP_ACL_##acl },
	ROP_PERMISSIONS(X)
#undef X
};
/* clang-format on */

#define PROBE_WORDS 6
#define NOBODY "0000000000000000000000000000000000000000"

/* ACL DRYRUN runs nothing; it looks at names, and at the number of arguments. */
static const char *const PROBES[ROP_PERMISSIONS_N][PROBE_WORDS] = {
	[ROP_PERMIT_CLUSTER_SHARDS] = { "CLUSTER", "SHARDS" },
	[ROP_PERMIT_CLIENT_SETNAME] = { "CLIENT", "SETNAME", "x" },
	[ROP_PERMIT_CLIENT_LIST] = { "CLIENT", "LIST" },
	[ROP_PERMIT_CONFIG_SET] = { "CONFIG", "SET", "maxmemory", "0" },
	[ROP_PERMIT_CONFIG_REWRITE] = { "CONFIG", "REWRITE" },
	[ROP_PERMIT_SET_CONFIG_EPOCH] = { "CLUSTER", "SET-CONFIG-EPOCH", "1" },
	[ROP_PERMIT_BUMPEPOCH] = { "CLUSTER", "BUMPEPOCH" },
	[ROP_PERMIT_MEET] = { "CLUSTER", "MEET", "127.0.0.1", "6379" },
	[ROP_PERMIT_ADDSLOTSRANGE] = { "CLUSTER", "ADDSLOTSRANGE", "0", "0" },
	[ROP_PERMIT_REPLICATE] = { "CLUSTER", "REPLICATE", NOBODY },
	[ROP_PERMIT_SETSLOT] = { "CLUSTER", "SETSLOT", "0", "STABLE" },
	[ROP_PERMIT_COUNTKEYSINSLOT] = { "CLUSTER", "COUNTKEYSINSLOT", "0" },
	[ROP_PERMIT_GETKEYSINSLOT] = { "CLUSTER", "GETKEYSINSLOT", "0", "1" },
	[ROP_PERMIT_MEMORY_USAGE] = { "MEMORY", "USAGE", "x" },
	[ROP_PERMIT_TIME] = { "TIME" },
	[ROP_PERMIT_MIGRATE] = { "MIGRATE", "127.0.0.1", "6379", "x", "0", "1" },
	[ROP_PERMIT_RESTORE_ASKING] = { "RESTORE-ASKING", "x", "0", "x" },
	[ROP_PERMIT_FUNCTION_DUMP] = { "FUNCTION", "DUMP" },
	[ROP_PERMIT_FUNCTION_RESTORE] = { "FUNCTION", "RESTORE", "x" },
	[ROP_PERMIT_SELECT] = { "SELECT", "0" },
	[ROP_PERMIT_FAILOVER] = { "CLUSTER", "FAILOVER" },
	[ROP_PERMIT_RESET] = { "CLUSTER", "RESET", "HARD" },
	[ROP_PERMIT_FLUSHALL] = { "FLUSHALL" },
	[ROP_PERMIT_FORGET] = { "CLUSTER", "FORGET", NOBODY },
};

static const char *const ACL_NAMES[ROP_ACLS_N] = {
	[ROP_ACL_OBSERVER] = "observer",
	[ROP_ACL_OPERATOR] = "operator",
	[ROP_ACL_MOVER] = "mover",
	[ROP_ACL_REPLICATION] = "replication",
};

const char *rop_acl_name(enum rop_acl acl)
{
	return ACL_NAMES[acl];
}

int rop_acl_find(const char *name)
{
	for (int i = 0; i < ROP_ACLS_N; i++)
		if (strcmp(ACL_NAMES[i], name) == 0)
			return i;
	return -1;
}

const char *rop_permission_name(enum rop_permission permission)
{
	return TABLE[permission].name;
}

const char *rop_permission_doc(enum rop_permission permission)
{
	return TABLE[permission].doc;
}

bool rop_permission_is_of(enum rop_permission permission, enum rop_acl acl)
{
	enum rop_acl least = TABLE[permission].acl;
	return least == acl || (least < acl && acl <= ROP_ACL_MOVER);
}

size_t rop_permission_probe(enum rop_permission permission, const char *const **ret_argv)
{
	size_t n = 0;
	while (n < PROBE_WORDS && PROBES[permission][n])
		n++;
	*ret_argv = PROBES[permission];
	return n;
}

const char *rop_acl_rule(struct rop_arena *arena, enum rop_acl acl, const char *user)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "ACL SETUSER %s on resetkeys%s resetchannels -@all", user,
		     acl == ROP_ACL_MOVER ? " ~*" : "");
	for (int p = 0; p < ROP_PERMISSIONS_N; p++)
		if (rop_permission_is_of((enum rop_permission)p, acl))
			rop_text_add(&text, " +%s", TABLE[p].name);
	return rop_strndup(arena, text.at, text.n);
}

const char *rop_permissions_text(struct rop_arena *arena, uint64_t set)
{
	ROP_OWN_TEXT text = { 0 };
	for (unsigned p = 0; p < ROP_PERMISSIONS_N; p++)
		if (set >> p & 1)
			rop_text_add(&text, "%s%s", text.n ? ", " : "", TABLE[p].name);
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}
