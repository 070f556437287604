/* schema.c - the topology file as one table: what validates it, suggests from it and sets its defaults. */
#include "schema.h"

#include <string.h>

#include "rop/topology.h"

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

static bool is_name(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && strspn(s, LOWER DIGITS "-") == n && s[0] != '-' && s[n - 1] != '-';
}

static bool is_zone(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && strspn(s, LOWER UPPER DIGITS "._-") == n && !strchr("._-", s[0]) && !strchr("._-", s[n - 1]);
}

static bool is_user(const char *s)
{
	return s[0] != '\0' && strpbrk(s, " \t\n") == NULL;
}

static bool is_path(const char *s)
{
	return s[0] != '\0' && strpbrk(s, "\t\n") == NULL && s[strlen(s) - 1] != '/';
}

static bool is_credential(const char *s)
{
	size_t n = strlen(s);
	return n > 0 && strspn(s, LOWER UPPER DIGITS "._-") == n && strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

#define IN_TOPOLOGY(field) offsetof(struct rop_topology, field)
#define IN_NODE(field) offsetof(struct rop_declared_node, field)
#define NOT_STORED .at = CONFIG_NOT_STORED

const struct config_key CONFIG_KEYS[] = {
	{ "apiVersion", CONFIG_CHOICE, true, .choices = { "redis-operator/v1" }, .example = "redis-operator/v1",
	  NOT_STORED, .doc = "The version of this format." },
	{ "kind", CONFIG_CHOICE, true, .choices = { "RedisCluster" }, .example = "RedisCluster", NOT_STORED,
	  .doc = "What the file declares." },
	{ "metadata", CONFIG_MAP, true, .example = "{ name: cart }", NOT_STORED, .doc = "How the cluster is called." },
	{ "metadata.name", CONFIG_TEXT, true, 1, 63, .example = "cart", .fits = is_name,
	  .form = "lower-case letters, digits and '-', with a letter or digit at both ends", .at = IN_TOPOLOGY(name),
	  .doc = "The cluster's name: in commands, logs and the database. No two files may share one." },
	{ "spec", CONFIG_MAP, true, .example = "{ shards: 3, nodes: [...] }", NOT_STORED,
	  .doc = "What the cluster should be." },
	{ "spec.shards", CONFIG_INT, true, 1, 500, .example = "3", .at = IN_TOPOLOGY(shards),
	  .doc = "How many primaries share the 16384 slots." },
	{ "spec.replicasPerShard", CONFIG_INT, false, 0, 10, "1", .at = IN_TOPOLOGY(replicas_per_shard),
	  .doc = "How many replicas each primary has at least. Nodes beyond the sum become extra replicas." },
	{ "spec.shardWeights", CONFIG_WEIGHTS, false, 1, ROP_SLOTS, .example = "{ 1: 2 }", NOT_STORED,
	  .doc = "Shares of the slots, by the numbers of shards; a shard that is not named has the weight 1. Slots are "
		 "moved until each has its share. Left out, they stay where they are." },
	{ "spec.nodes", CONFIG_LIST, false, 1, ROP_NODES_MAX, .example = "[...]", NOT_STORED,
	  .doc = "The servers. In this order the first ones become the primaries." },
	{ "spec.nodes[]", CONFIG_MAP, false, .example = "{ address: 10.0.0.11:6379 }", NOT_STORED,
	  .doc = "One server." },
	{ "spec.nodes[].address", CONFIG_TEXT, true, 1, 300, .example = "10.0.0.11:6379", .at = IN_NODE(host),
	  .doc = "host:port; the host is an IPv4 address, an IPv6 address in brackets, or a name. The port is at most "
		 "55535 unless busPort is given." },
	{ "spec.nodes[].zone", CONFIG_TEXT, false, 1, 63, .example = "a", .fits = is_zone,
	  .form = "letters, digits, '.', '_' and '-', with a letter or digit at both ends", .at = IN_NODE(zone),
	  .doc = "Where the server stands. A shard's nodes are spread over zones." },
	{ "spec.nodes[].shard", CONFIG_INT, false, 1, 500, .example = "1", .at = IN_NODE(shard),
	  .doc = "The shard this node belongs to, from 1 to spec.shards. Left out, the operator chooses." },
	{ "spec.nodes[].busPort", CONFIG_INT, false, 1, 65535, .example = "16379", .at = IN_NODE(bus_port),
	  .doc = "The cluster bus port of this node, when it is not the port + 10000." },
	{ "spec.discovery", CONFIG_MAP, false, .example = "{ dns: redis.internal, port: 6379 }", NOT_STORED,
	  .doc = "Where to learn the servers' addresses, instead of nodes." },
	{ "spec.discovery.dns", CONFIG_TEXT, true, 1, 253, .example = "redis.internal",
	  .at = IN_TOPOLOGY(discovery_dns), .doc = "A DNS name with one address record for each node." },
	{ "spec.discovery.port", CONFIG_INT, true, 1, 55535, .example = "6379", .at = IN_TOPOLOGY(discovery_port),
	  .doc = "The port of all of them." },
	{ "spec.auth", CONFIG_MAP, false, .example = "{ passwordFile: password }", NOT_STORED,
	  .doc = "How the operator logs in to the servers." },
	{ "spec.auth.user", CONFIG_TEXT, false, 1, 255, .example = "operator", .fits = is_user, .form = "no blanks",
	  .at = IN_TOPOLOGY(auth_user), .doc = "The ACL user. Left out, the default user." },
	{ "spec.auth.passwordFile", CONFIG_TEXT, false, 1, 4000, .example = "/etc/redis-operator/credentials/cart",
	  .fits = is_path, .form = "the path of a file", .at = IN_TOPOLOGY(auth_password_file),
	  .doc = "A file of mode 0600 that holds the password. A relative path begins at this file's folder." },
	{ "spec.auth.credential", CONFIG_TEXT, false, 1, 255, .example = "cart", .fits = is_credential,
	  .form = "letters, digits, '.', '_' and '-'; the name that LoadCredential= gives it",
	  .at = IN_TOPOLOGY(auth_credential),
	  .doc = "The systemd credential that holds the password, instead of passwordFile: its name in "
		 "LoadCredential=." },
	{ "spec.settings", CONFIG_SETTINGS, false, .example = "{ maxmemory: 4gb }", NOT_STORED,
	  .doc = "Redis settings that every node gets by CONFIG SET, by their names in redis.conf." },
	{ "spec.intervals", CONFIG_MAP, false, .example = "{ observe: 5s }", NOT_STORED, .doc = "Times." },
	{ "spec.intervals.observe", CONFIG_DURATION, false, 10, 24 * HOUR, "5s", .at = IN_TOPOLOGY(interval_ms),
	  .declared = IN_TOPOLOGY(interval_declared), .doc = "Between two looks at a cluster that is as declared." },
	{ "spec.intervals.connectTimeout", CONFIG_DURATION, false, 10, MINUTE, "2s",
	  .at = IN_TOPOLOGY(connect_timeout_ms), .declared = IN_TOPOLOGY(connect_timeout_declared),
	  .doc = "How long a connection may take." },
	{ "spec.intervals.commandTimeout", CONFIG_DURATION, false, 10, 10 * MINUTE, "5s",
	  .at = IN_TOPOLOGY(command_timeout_ms), .declared = IN_TOPOLOGY(command_timeout_declared),
	  .doc = "How long a reply may take." },
	{ "spec.intervals.settle", CONFIG_DURATION, false, 0, 10 * MINUTE, "0s", .at = IN_TOPOLOGY(settle_ms),
	  .doc = "How long all nodes must agree before it is believed." },
	{ "spec.onTotalLoss", CONFIG_CHOICE, false, .fallback = "Refuse", .choices = { "Refuse", "Reform" },
	  .at = IN_TOPOLOGY(reform_on_total_loss),
	  .doc = "What to do when a cluster that was formed before is found with all its nodes empty." },
	{ "spec.disruption", CONFIG_MAP, false, .example = "{ shardsAtOnce: 1 }", NOT_STORED,
	  .doc = "How much of the cluster may be disturbed by what could as well be done tomorrow: drains, fail-overs "
		 "that a person asks for, replicas that change their shard, nodes that leave." },
	{ "spec.disruption.shardsAtOnce", CONFIG_INT, false, 1, 500, "1", .at = IN_TOPOLOGY(disruption.shards_at_once),
	  .doc = "How many shards at the same time; never as many as would be a majority." },
	{ "spec.disruption.keepCopies", CONFIG_INT, false, 0, 10, "1", .at = IN_TOPOLOGY(disruption.keep_copies),
	  .doc = "How many replicas in sync each shard keeps meanwhile, where as many are declared." },
	{ "spec.placement", CONFIG_MAP, false, .example = "{ repair: Auto }", NOT_STORED,
	  .doc = "Where shards are led from, after fail-overs." },
	{ "spec.placement.repair", CONFIG_CHOICE, false, .fallback = "Propose", .choices = { "Propose", "Auto" },
	  .at = IN_TOPOLOGY(repair_placement),
	  .doc = "Hosts or zones from which more shards are led than need be: Propose says which shards had better be "
		 "handed over, and to whom; Auto hands them over, one at a time." },
	{ "spec.migration", CONFIG_MAP, false, .example = "{ profile: gentle }", NOT_STORED,
	  .doc = "How slots move from one shard to another with their keys." },
	{ "spec.migration.profile", CONFIG_CHOICE, false, .fallback = "gentle", .choices = { "gentle", "fast" },
	  .at = IN_TOPOLOGY(migration.fast),
	  .doc = "gentle: small batches, then a rest as long as they took. fast: one batch after the other." },
	{ "spec.migration.stall", CONFIG_DURATION, false, 1, SECOND, "5ms", .at = IN_TOPOLOGY(migration.stall_ms),
	  .doc = "How long a server may be kept from its clients by one batch of keys; what is measured sizes the "
		 "batches." },
	{ "spec.migration.rate", CONFIG_INT, false, 0, 100000000, "0", .at = IN_TOPOLOGY(migration.rate),
	  .doc = "How many keys a second may move, over the whole cluster; 0: as many as go." },
	{ "spec.migration.largeKeys", CONFIG_CHOICE, false, .fallback = "Refuse", .choices = { "Refuse", "Move" },
	  .at = IN_TOPOLOGY(migration.move_large),
	  .doc = "A key that would take longer than ten times the stall by itself: its slot is held, or it is moved "
		 "regardless." },
	{ "spec.migration.atomic", CONFIG_CHOICE, false, .fallback = "Auto", .choices = { "Auto", "Never" },
	  .at = IN_TOPOLOGY(never_atomic),
	  .doc = "Auto: where the servers on both sides move slots by themselves (CLUSTER MIGRATESLOTS), they do. "
		 "Never: key by key." },
	{ "spec.replicaMigration", CONFIG_CHOICE, false, .fallback = "Managed", .choices = { "Managed", "Keep" },
	  .at = IN_TOPOLOGY(keep_replica_migration),
	  .doc = "Whether servers are kept from moving replicas between shards by themselves "
		 "(cluster-allow-replica-migration no): Managed, from the forming or the first move of slots on; Keep "
		 "leaves the setting as it is." },
};
const size_t CONFIG_KEYS_N = sizeof CONFIG_KEYS / sizeof *CONFIG_KEYS;

const char *config_key_name(const struct config_key *key)
{
	const char *dot = strrchr(key->path, '.');
	return dot ? dot + 1 : key->path;
}

bool config_key_in(const struct config_key *key, const char *parent)
{
	const char *name = config_key_name(key);
	size_t n = strlen(parent);
	if (strchr(name, '['))
		return false; /* the items of a list are no key */
	if (n == 0)
		return name == key->path;
	return (size_t)(name - key->path) == n + 1 && strncmp(key->path, parent, n) == 0;
}

/* Where a server can be reached, as itself and as a replica: of whatever name later versions give it. */
static bool is_announced(const char *name)
{
	static const char *const BEGINNINGS[] = { "cluster-announce-", "replica-announce-", "slave-announce-" };
	for (size_t i = 0; i < sizeof BEGINNINGS / sizeof *BEGINNINGS; i++)
		if (strncmp(name, BEGINNINGS[i], strlen(BEGINNINGS[i])) == 0)
			return true;
	return false;
}

/* Secrets belong in files of mode 0600. The others: `ours` would take the node out of the operator's hands, `each` is
 * where one server listens, is found or keeps its files, so that one value for all of them sends clients to a dead
 * address or makes servers overwrite each other's files; `fixed` are read from redis.conf only (config.c
 * IMMUTABLE_CONFIG, or no setting at all for CONFIG SET). */
enum config_setting_kind config_setting_kind(const char *name)
{
	static const struct {
		const char *name;
		enum config_setting_kind kind;
	} REFUSED[] = {
		{ "requirepass", CONFIG_SETTING_SECRET },
		{ "masterauth", CONFIG_SETTING_SECRET },
		{ "primaryauth", CONFIG_SETTING_SECRET },
		{ "masteruser", CONFIG_SETTING_SECRET },
		{ "primaryuser", CONFIG_SETTING_SECRET },
		{ "tls-key-file-pass", CONFIG_SETTING_SECRET },
		{ "tls-client-key-file-pass", CONFIG_SETTING_SECRET },
		{ "cluster-enabled", CONFIG_SETTING_OURS },
		{ "replicaof", CONFIG_SETTING_OURS },
		{ "slaveof", CONFIG_SETTING_OURS },
		{ "port", CONFIG_SETTING_EACH },
		{ "tls-port", CONFIG_SETTING_EACH },
		{ "cluster-port", CONFIG_SETTING_EACH },
		{ "rdma-port", CONFIG_SETTING_EACH },
		{ "bind", CONFIG_SETTING_EACH },
		{ "rdma-bind", CONFIG_SETTING_EACH },
		{ "bind-source-addr", CONFIG_SETTING_EACH },
		{ "unixsocket", CONFIG_SETTING_EACH },
		{ "availability-zone", CONFIG_SETTING_EACH },
		{ "cluster-config-file", CONFIG_SETTING_EACH },
		{ "dir", CONFIG_SETTING_EACH },
		{ "dbfilename", CONFIG_SETTING_EACH },
		{ "appendfilename", CONFIG_SETTING_EACH },
		{ "appenddirname", CONFIG_SETTING_EACH },
		{ "logfile", CONFIG_SETTING_EACH },
		{ "pidfile", CONFIG_SETTING_EACH },
		{ "daemonize", CONFIG_SETTING_FIXED },
		{ "databases", CONFIG_SETTING_FIXED },
		{ "tcp-backlog", CONFIG_SETTING_FIXED },
		{ "include", CONFIG_SETTING_FIXED },
		{ "loadmodule", CONFIG_SETTING_FIXED },
		{ "aclfile", CONFIG_SETTING_FIXED },
		{ "user", CONFIG_SETTING_FIXED },
		{ "rename-command", CONFIG_SETTING_FIXED },
	};
	if (is_announced(name))
		return CONFIG_SETTING_EACH;
	for (size_t i = 0; i < sizeof REFUSED / sizeof *REFUSED; i++)
		if (strcmp(REFUSED[i].name, name) == 0)
			return REFUSED[i].kind;
	return CONFIG_SETTING_FREE;
}
