/* import_text.c - a cluster as it was found, as a topology file that explains itself. */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "import_text.h"
#include "rop/text.h"

#define WIDTH 80       /* whoever reads it at night has a terminal of that width */
#define SLOTS_SHOWN 48 /* characters of a primary's slots; a scattered set is counted instead */
#define DIFFERENT_SHOWN 8

/* What people set on purpose, with the value that a server has by itself (redis.conf of 7.0). What a server takes from
 * its surroundings (ports, folders, maxclients cut down by ulimit) and what holds secrets is not here. */
static const struct known_setting {
	const char *name, *normal;
	bool memory;
	const char *of_valkey; /* measured on 8.1 and 9.1, where it differs; NULL */
} KNOWN[] = {
	{ "maxmemory", "0", true, NULL },
	{ "maxmemory-policy", "noeviction", false, NULL },
	{ "maxmemory-samples", "5", false, NULL },
	{ "maxmemory-clients", "0", false, NULL },
	{ "appendonly", "no", false, NULL },
	{ "appendfsync", "everysec", false, NULL },
	{ "auto-aof-rewrite-percentage", "100", false, NULL },
	{ "auto-aof-rewrite-min-size", "67108864", true, NULL },
	{ "no-appendfsync-on-rewrite", "no", false, NULL },
	{ "save", "3600 1 300 100 60 10000", false, NULL },
	{ "stop-writes-on-bgsave-error", "yes", false, NULL },
	{ "cluster-node-timeout", "15000", false, NULL },
	{ "cluster-require-full-coverage", "yes", false, NULL },
	{ "cluster-allow-reads-when-down", "no", false, NULL },
	{ "cluster-allow-pubsubshard-when-down", "yes", false, NULL },
	{ "cluster-allow-replica-migration", "yes", false, NULL },
	{ "cluster-migration-barrier", "1", false, NULL },
	{ "cluster-replica-no-failover", "no", false, NULL },
	{ "cluster-replica-validity-factor", "10", false, NULL },
	{ "cluster-preferred-endpoint-type", "ip", false, NULL },
	{ "repl-diskless-sync", "yes", false, NULL },
	{ "repl-diskless-sync-delay", "5", false, NULL },
	{ "repl-diskless-load", "disabled", false, NULL },
	{ "repl-backlog-size", "1048576", true, "10485760" },
	{ "repl-backlog-ttl", "3600", false, NULL },
	{ "repl-timeout", "60", false, NULL },
	{ "repl-ping-replica-period", "10", false, NULL },
	{ "replica-serve-stale-data", "yes", false, NULL },
	{ "replica-read-only", "yes", false, NULL },
	{ "replica-priority", "100", false, NULL },
	{ "min-replicas-to-write", "0", false, NULL },
	{ "min-replicas-max-lag", "10", false, NULL },
	{ "client-output-buffer-limit", "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60", false,
	  NULL },
	{ "timeout", "0", false, NULL },
	{ "tcp-keepalive", "300", false, NULL },
	{ "hz", "10", false, NULL },
	{ "lazyfree-lazy-eviction", "no", false, "yes" },
	{ "lazyfree-lazy-expire", "no", false, "yes" },
	{ "lazyfree-lazy-server-del", "no", false, "yes" },
	{ "lazyfree-lazy-user-del", "no", false, "yes" },
	{ "lazyfree-lazy-user-flush", "no", false, "yes" },
	{ "activedefrag", "no", false, NULL },
	{ "notify-keyspace-events", "", false, NULL },
	{ "latency-monitor-threshold", "0", false, NULL },
};
#define KNOWN_N (sizeof KNOWN / sizeof *KNOWN)

const char **rop_import_settings(struct rop_arena *arena, size_t *ret_n)
{
	const char **names = rop_alloc_n(arena, KNOWN_N, sizeof *names);
	for (size_t i = 0; i < KNOWN_N; i++)
		names[i] = KNOWN[i].name;
	*ret_n = KNOWN_N;
	return names;
}

/* ---- scalars ----------------------------------------------------------------------------------------------- */

/* YAML's versions disagree on what yes, 012 and 1:30 are: all that is not plainly a word or a number is quoted. */
static const char *scalar(struct rop_arena *arena, const char *text, bool number_is_fine)
{
	static const char *const WORDS[] = { "y", "n", "yes", "no", "on", "off", "true", "false", "null" };
	static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	int64_t number;
	bool plain = (*text && strchr(LETTERS, *text)) || *text == '/';
	for (const char *p = text; *p; p++)
		plain &= isalnum((unsigned char)*p) || strchr("._/-", *p);
	for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
		plain &= strcasecmp(WORDS[i], text) != 0;
	if (plain || (number_is_fine && rop_int_parse(text, 0, INT64_MAX, &number)))
		return text;
	ROP_OWN_TEXT quoted = { 0 };
	for (const char *p = text; *p; p++)
		rop_text_add(&quoted, strchr("\"\\", *p) ? "\\%c" : "%c", *p);
	return rop_printf(arena, "\"%s\"", quoted.n ? quoted.at : "");
}

/* Servers choose what they announce, and a line break would end the comment. */
static const char *for_comment(struct rop_arena *arena, const char *text)
{
	char *copy = rop_printf(arena, "%.120s", text);
	for (char *p = copy; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 127)
			*p = '?';
	return copy;
}

/* ---- comments ---------------------------------------------------------------------------------------------- */

/* On lines of their own, `#` in column `indent`; what goes on hangs `hang` columns further in. */
static void put_comment(struct rop_text *out, size_t indent, size_t hang, const char *text)
{
	ROP_OWN_TEXT lines = { 0 };
	rop_text_add(&lines, "%*s# ", (int)indent, "");
	rop_text_wrap(&lines, text, indent + 2 + hang, WIDTH);
	for (char *end = strchr(lines.at, '\n'); end; end = strchr(end + 1, '\n'))
		end[1 + indent] = '#';
	rop_text_add(out, "%s\n", lines.at);
}

/* Beside the line, in that column, where there is room; else above it. */
static void put_explained(struct rop_text *out, size_t column, const char *line, const char *comment)
{
	bool beside = strlen(line) < column && column + 2 + strlen(comment) <= WIDTH;
	if (!beside)
		put_comment(out, strspn(line, " "), 0, comment);
	if (beside)
		rop_text_add(out, "%-*s# %s\n", (int)column, line, comment);
	else
		rop_text_add(out, "%s\n", line);
}

/* ---- nodes ------------------------------------------------------------------------------------------------- */

static const char *slots_in_words(struct rop_arena *arena, const struct rop_slots *slots)
{
	const char *text = rop_slots_text(arena, slots);
	int runs = 0;
	if (strlen(text) <= SLOTS_SHOWN)
		return rop_printf(arena, "%s (%d)", text, rop_slots_count(slots));
	for (int from = 0, first, last; rop_slots_run(slots, from, &first, &last); from = last + 1)
		runs++;
	return rop_printf(arena, "%d slots in %d ranges", rop_slots_count(slots), runs);
}

static const char *node_comment(const struct rop_import *im, int i)
{
	struct rop_arena *arena = im->arena;
	const struct rop_node *node = &im->seed->seen->nodes[i];
	int shard = im->shape.shard_of[i];
	const char *what = im->shape.shards[shard].primary == i
				   ? rop_printf(arena, "primary of shard %d, %s", shard + 1,
						slots_in_words(arena, &node->slots))
				   : rop_printf(arena, "replica of shard %d", shard + 1);
	const char *name = im->seed->host_names[i];
	return name ? rop_printf(arena, "%s; calls itself %s", what, for_comment(arena, name)) : what;
}

static const char *node_line(const struct rop_import *im, int i)
{
	struct rop_arena *arena = im->arena;
	const struct rop_endpoint *at = &im->seed->endpoints[i];
	bool colon = at->address[0] == '['; /* "[" begins a list, in YAML */
	const char *bus = at->bus_port && at->bus_port != at->port + ROP_BUS_OFFSET
				  ? rop_printf(arena, ", busPort: %d", at->bus_port)
				  : "";
	const char *shard = im->pinned ? rop_printf(arena, ", shard: %d", im->shape.shard_of[i] + 1) : "";
	return rop_printf(arena, "    - { address: %s%s%s%s%s }", colon ? "\"" : "", at->address, colon ? "\"" : "",
			  bus, shard);
}

static void put_nodes(const struct rop_import *im, struct rop_text *out)
{
	put_comment(
		out, 2, 0,
		"The primaries by their lowest slot, then the replicas. Servers do not know in which zone they "
		"stand: say it where machines fail together, as in `{ address: ..., zone: a }`, and new replicas are "
		"kept apart.");
	if (im->pinned && im->shape.fewest != im->shape.most)
		put_comment(out, 2, 0,
			    "The shards have different numbers of replicas: 'shard' says for each node where it "
			    "belongs. With cluster-allow-replica-migration the servers may move one to a shard that "
			    "has none: then this is to be changed.");
	else if (im->pinned)
		put_comment(out, 2, 0,
			    "'shard' says for each node where it belongs: by order alone, a cluster formed anew would "
			    "pair them otherwise.");
	if (!im->even) {
		put_comment(out, 2, 0,
			    "The slots are not in equal ranges, and this format has no key for ranges: plan and apply "
			    "leave each slot where it is, but a cluster formed anew from this file would have equal "
			    "ranges.");
		put_comment(out, 2, 0, rop_printf(im->arena, "Now %s.", im->uneven));
	}
	rop_text_add(out, "  nodes:\n");
	size_t column = 0, longest = 0; /* all comments stand beside their lines, in one column, or all above */
	for (size_t line = 0; line < im->seed->n; line++) {
		int i = im->shape.order[line];
		size_t wide = strlen(node_line(im, i)), comment = strlen(node_comment(im, i));
		column = wide + 1 > column ? wide + 1 : column;
		longest = comment > longest ? comment : longest;
	}
	if (column + 2 + longest > WIDTH)
		column = 0;
	for (size_t line = 0; line < im->seed->n; line++) {
		int i = im->shape.order[line];
		put_explained(out, column, node_line(im, i), node_comment(im, i));
	}
}

/* ---- settings ---------------------------------------------------------------------------------------------- */

static const char *value_of(const struct rop_import *im, size_t node, size_t setting)
{
	return im->seed->seen->nodes[node].settings[setting];
}

static bool can_be_said(const char *value)
{
	if (strlen(value) > 1024)
		return false;
	for (const char *p = value; *p; p++)
		if ((unsigned char)*p < ' ' || (unsigned char)*p > '~')
			return false;
	return true;
}

/* 4294967296 as 4gb: how it stands in a redis.conf. */
static const char *memory_in_words(struct rop_arena *arena, const char *value)
{
	static const struct {
		const char *unit;
		int64_t bytes;
	} UNITS[] = { { "gb", 1024 * 1024 * 1024 }, { "mb", 1024 * 1024 }, { "kb", 1024 } };
	int64_t bytes;
	if (!rop_int_parse(value, 1, INT64_MAX, &bytes))
		return value;
	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
		if (bytes % UNITS[i].bytes == 0)
			return rop_printf(arena, "%" PRId64 "%s", bytes / UNITS[i].bytes, UNITS[i].unit);
	return value;
}

static const char *value_in_words(const struct rop_import *im, size_t setting, const char *value)
{
	if (!value)
		return "a value that is not known";
	if (!*value)
		return "\"\"";
	return for_comment(im->arena, KNOWN[setting].memory ? memory_in_words(im->arena, value) : value);
}

static size_t nodes_alike(const struct rop_import *im, size_t setting, const char *value)
{
	size_t n = 0;
	for (size_t i = 0; i < im->seed->n; i++)
		n += rop_streq(value_of(im, i, setting), value);
	return n;
}

/* The value that most nodes have; of several, the one that stands first in the file. */
static const char *common_value(const struct rop_import *im, size_t setting)
{
	const char *best = NULL;
	size_t most = 0;
	for (size_t line = 0; line < im->seed->n; line++) {
		const char *value = value_of(im, (size_t)im->shape.order[line], setting);
		size_t n = nodes_alike(im, setting, value);
		if (n > most) {
			most = n;
			best = value;
		}
	}
	return best;
}

static void put_difference(const struct rop_import *im, size_t setting, struct rop_text *out)
{
	const char *common = common_value(im, setting);
	size_t others = im->seed->n - nodes_alike(im, setting, common), told = 0;
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "  %s:", KNOWN[setting].name);
	for (size_t line = 0; line < im->seed->n && told < DIFFERENT_SHOWN; line++) {
		const char *value = value_of(im, (size_t)im->shape.order[line], setting);
		if (!rop_streq(value, common))
			rop_text_add(&text, "%s %s has %s", told++ ? "," : "",
				     im->seed->endpoints[im->shape.order[line]].address,
				     value_in_words(im, setting, value));
	}
	if (others > told)
		rop_text_add(&text, ", %zu more have other values", others - told);
	rop_text_add(&text, "; the other%s %zu: %s", im->seed->n - others == 1 ? "" : "s,", im->seed->n - others,
		     value_in_words(im, setting, common));
	put_comment(out, 2, 4, text.at);
}

static bool all_alike(const struct rop_import *im, size_t setting)
{
	return nodes_alike(im, setting, value_of(im, 0, setting)) == im->seed->n;
}

/* What a server of this kind has by itself. */
static const char *normal_of(const struct rop_import *im, size_t setting)
{
	bool valkey = im->seed->seen && im->seed->seen->n && im->seed->seen->nodes[0].valkey;
	return valkey && KNOWN[setting].of_valkey ? KNOWN[setting].of_valkey : KNOWN[setting].normal;
}

static void put_settings(const struct rop_import *im, struct rop_text *out)
{
	bool any = false;
	for (size_t s = 0; s < KNOWN_N; s++) {
		const char *value = value_of(im, 0, s);
		if (!all_alike(im, s) || !value || strcmp(value, normal_of(im, s)) == 0 || !can_be_said(value))
			continue;
		if (!any) {
			put_comment(
				out, 2, 0,
				"What all nodes have set and a server does not have by itself. Declared here, apply "
				"keeps it so (CONFIG SET) and gives it to new nodes; what is not declared is left "
				"alone.");
			rop_text_add(out, "  settings:\n");
		}
		any = true;
		const char *text = KNOWN[s].memory ? memory_in_words(im->arena, value) : value;
		rop_text_add(out, "    %s: %s\n", KNOWN[s].name,
			     KNOWN[s].memory ? text : scalar(im->arena, text, true));
	}
	any = false;
	for (size_t s = 0; s < KNOWN_N; s++) {
		if (all_alike(im, s))
			continue;
		if (!any)
			put_comment(out, 2, 0,
				    "Not declared, because the nodes differ; under 'settings', apply would make them "
				    "equal:");
		any = true;
		put_difference(im, s, out);
	}
}

/* ---- the whole --------------------------------------------------------------------------------------------- */

static void put_shape(const struct rop_import *im, struct rop_text *out)
{
	struct rop_arena *arena = im->arena;
	const char *shards = rop_printf(arena, "  shards: %zu", im->shape.n_shards);
	const char *replicas = rop_printf(arena, "  replicasPerShard: %d",
					  im->shape.fewest < 10 ? im->shape.fewest : 10);
	rop_text_add(out, "spec:\n%-33s # primaries; together they own the 16384 slots\n", shards);
	if (im->shape.fewest == im->shape.most) {
		rop_text_add(out, "%s\n", replicas);
		return;
	}
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "at least; there are");
	for (size_t k = 0; k < im->shape.n_shards && k < 16; k++)
		rop_text_add(&text, "%s %d", k ? "," : "", im->shape.shards[k].replicas);
	rop_text_add(&text, "%s", im->shape.n_shards > 16 ? ", ..." : "");
	put_explained(out, 34, replicas, text.at);
}

static void put_auth(const struct rop_import *im, struct rop_text *out)
{
	if (!im->password_file)
		return;
	const char *relative = im->password_file[0] == '/' ? "" : " A relative path begins at the folder of this file.";
	put_comment(out, 2, 0,
		    rop_printf(im->arena,
			       "The file that was given to import; mode 0600, the password and nothing else.%s",
			       relative));
	rop_text_add(out, "  auth:\n");
	if (im->user)
		rop_text_add(out, "    user: %s\n", scalar(im->arena, im->user, false));
	rop_text_add(out, "    passwordFile: %s\n", scalar(im->arena, im->password_file, false));
}

char *report_import_text(const struct rop_import *im)
{
	ROP_OWN_TEXT out = { 0 };
	int nodes = (int)im->seed->n;
	put_comment(&out, 0, 0,
		    rop_printf(im->arena,
			       "The cluster of %s as it was found: %d node%s. Written by redis-operator import, which "
			       "changed nothing.",
			       im->seed->text, nodes, rop_plural(nodes)));
	put_comment(&out, 0, 0,
		    "'redis-operator plan' of this file says 'No changes' as long as the cluster stays like this.");
	rop_text_add(&out, "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata:\n");
	if (!im->named)
		put_comment(&out, 2, 0,
			    "Made up from the port: change it to what people call it; no two files may share a name.");
	rop_text_add(&out, "  name: %s\n", scalar(im->arena, im->name, false));
	put_shape(im, &out);
	put_nodes(im, &out);
	put_auth(im, &out);
	put_settings(im, &out);
	put_explained(&out, 34, "  replicaMigration: Keep", "cluster-allow-replica-migration stays as it is");
	return rop_strdup(im->arena, out.at);
}
