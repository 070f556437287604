/* cmd_check.c - is this cluster healthy? redis-cli's phrases, and what it does not look at. Exit 1 on any [ERR]. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "rop/text.h"

#define CONNECT_TIMEOUT_MS 2000
#define COMMAND_TIMEOUT_MS 5000

struct checking {
	struct cli *cli;
	struct rop_loop *loop;
	const struct rop_observed *seen;
	struct rop_answer first;     /* the seed's */
	const char *ip, *why;
	size_t errors, warnings;
	json_t *findings;
};

/* ---- which nodes ------------------------------------------------------------------------------------------- */

static void seed_resolved(void *arg, const char *const *ips, size_t n, const char *why)
{
	struct checking *c = arg;
	c->ip = n ? rop_strdup(c->cli->arena, ips[0]) : NULL;
	c->why = rop_strdup(c->cli->arena, why);
	rop_loop_stop(c->loop);
}

static void seed_looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct checking *c = arg;
	(void)n;
	c->first = answers[0];
	rop_loop_stop(c->loop);
}

static bool split_address(struct rop_arena *arena, const char *text, char **ret_host, int *ret_port)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	if (!colon || colon == text || !rop_int_parse(colon + 1, 1, 65535, &port))
		return false;
	bool brackets = text[0] == '[' && colon[-1] == ']';
	*ret_host = rop_strndup(arena, text + brackets, (size_t)(colon - text) - 2 * brackets);
	*ret_port = (int)port;
	return true;
}

/* Every node the seed lists, the seed first. */
static size_t peers_of(struct checking *c, const struct rop_endpoint *seed, struct rop_endpoint **ret)
{
	struct rop_arena *arena = c->cli->arena;
	char *text = rop_strdup(arena, c->first.cluster_nodes);
	ROP_LIST(struct rop_endpoint) list = { 0 };
	*rop_push(arena, &list) = *seed;
	for (char *line = text, *next; line && *line; line = next) {
		struct rop_node_line node;
		struct rop_endpoint peer = { 0 };
		char *host;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		if (!rop_node_line_parse(line, &node))
			continue;
		if (node.myself)
			list.at[0].expected_id = node.id;
		if (node.myself || node.handshake || !split_address(arena, node.address, &host, &peer.port))
			continue;
		peer.ip = host;
		peer.address = rop_printf(arena, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, peer.port);
		peer.expected_id = node.id;
		*rop_push(arena, &list) = peer;
	}
	*ret = list.at;
	return list.n;
}

static void all_looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct checking *c = arg;
	c->seen = rop_observed_from_answers(c->cli->arena, answers, n, NULL, 0, rop_boot_ms());
	rop_loop_stop(c->loop);
}

static void look(struct checking *c, const struct rop_fleet_options *options, const struct rop_endpoint *endpoints, size_t n,
		 void (*done)(void *, const struct rop_answer *, size_t))
{
	struct rop_fleet *fleet = rop_fleet_new(c->loop, options, endpoints, n);
	rop_fleet_observe(fleet, c->cli->arena, 0, NULL, 0, done, c);
	rop_loop_run(c->loop);
	rop_fleet_free(fleet);
}

static bool look_from_seed(struct checking *c, const char *seed_text, struct rop_err *err)
{
	struct rop_fleet_options options = { .connect_timeout_ms = CONNECT_TIMEOUT_MS, .command_timeout_ms = COMMAND_TIMEOUT_MS };
	struct rop_endpoint seed = { .address = seed_text }, *endpoints;
	char *host;
	if (!split_address(c->cli->arena, seed_text, &host, &seed.port))
		return rop_fail(err, ROP_INVALID, "'%s' is neither a file nor HOST:PORT", seed_text);
	c->loop = rop_loop_new(err);
	if (!c->loop)
		return false;
	rop_resolve(c->loop, host, seed_resolved, c);
	rop_loop_run(c->loop);
	if (!c->ip)
		return rop_fail(err, ROP_UNREACHABLE, "'%s' does not resolve: %s", host, c->why);
	seed.ip = c->ip;
	look(c, &options, &seed, 1, seed_looked);
	if (c->first.reach != ROP_REACH_OK || !c->first.cluster_nodes)
		return rop_fail(err, c->first.reach == ROP_REACH_DENIED ? ROP_DENIED : c->first.reach == ROP_REACH_SILENT ? ROP_UNREACHABLE : ROP_REFUSED,
				"%s: %s", seed_text, c->first.reach_why ? c->first.reach_why : "no answer");
	size_t n = peers_of(c, &seed, &endpoints);
	look(c, &options, endpoints, n, all_looked);
	return true;
}

/* ---- saying it --------------------------------------------------------------------------------------------- */

static void say(struct checking *c, const char *level, const char *color, const char *text)
{
	bool error = strcmp(level, "ERR") == 0, warning = strcmp(level, "WARNING") == 0;
	c->errors += error;
	c->warnings += warning;
	if (c->findings)
		json_array_append_new(c->findings, json_pack("{s:s, s:s}", "level", level, "message", text));
	else
		printf("%s[%s]%s %s\n", cli_paint(c->cli, color), level, cli_paint(c->cli, "off"), text);
}

static void section(struct checking *c, const char *text)
{
	if (!c->findings)
		printf("%s>>> %s%s\n", cli_paint(c->cli, "bold"), text, cli_paint(c->cli, "off"));
}

static void say_nodes(struct checking *c)
{
	for (size_t i = 0; i < c->seen->n && !c->findings; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		if (node->reach != ROP_REACH_OK)
			continue;
		if (node->role == ROP_ROLE_REPLICA)
			printf("S: %s %s\n   slots: (0 slots) slave\n   replicates %s\n", node->id, node->address, node->primary_id);
		else
			printf("M: %s %s\n   slots:%s (%d slots) master, %lld keys\n", node->id, node->address,
			       rop_slots_text(c->cli->arena, &node->slots), rop_slots_count(&node->slots), (long long)node->keys);
	}
}

static void check_reach(struct checking *c)
{
	for (size_t i = 0; i < c->seen->n; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		if (node->reach != ROP_REACH_OK)
			say(c, "ERR", "red", rop_printf(c->cli->arena, "%s does not answer: %s", node->address, node->reach_why));
	}
}

/* Everything the situation finds open says which node and what; redis-cli stops at "don't agree". */
static void check_views(struct checking *c, struct rop_situation *now)
{
	struct rop_arena *arena = c->cli->arena;
	bool fine = now->views_agree;
	for (size_t i = 0; i < now->findings.n; i++)
		say(c, "ERR", "red", now->findings.at[i].text);
	if (fine) {
		say(c, "OK", "green", "All nodes agree about slots configuration.");
	} else {
		say(c, "ERR", "red", "Nodes don't agree about configuration!");
		rop_situation_open(now);
		for (size_t i = 0; i < now->open.n; i++)
			if (strcmp(now->open.at[i].reason, "Unreachable") != 0 && strcmp(now->open.at[i].reason, "SlotsUncovered") != 0 &&
			    strcmp(now->open.at[i].reason, "StateFail") != 0 && strcmp(now->open.at[i].reason, "OpenSlots") != 0 &&
			    strcmp(now->open.at[i].reason, "NotAttached") != 0)
				say(c, "ERR", "red", now->open.at[i].text);
	}
	for (size_t i = 0; i < now->seen->n; i++) /* every one, not only the first dozen that are told as open */
		if (now->seen->nodes[i].reach == ROP_REACH_OK && !now->seen->nodes[i].state_ok)
			say(c, "ERR", "red", rop_printf(arena, "%s reports cluster_state:fail", now->seen->nodes[i].address));
}

static void check_slots(struct checking *c, const struct rop_situation *now)
{
	struct rop_arena *arena = c->cli->arena;
	section(c, "Check for open slots...");
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].open_slots)
			say(c, "WARNING", "yellow", rop_printf(arena, "Node %s has %d slots in migrating or importing state: %.200s",
							       now->seen->nodes[i].address, now->seen->nodes[i].open_slots, now->seen->nodes[i].open_text));
	section(c, "Check slots coverage...");
	int covered = rop_slots_count(&now->owned);
	if (covered == ROP_SLOTS)
		say(c, "OK", "green", "All 16384 slots covered.");
	else
		say(c, "ERR", "red", rop_printf(arena, "Not all 16384 slots are covered by nodes. (%d are not)", ROP_SLOTS - covered));
	for (size_t i = 0; i < now->seen->n; i++)
		for (size_t j = i + 1; j < now->seen->n; j++)
			if (rop_slots_meet(&now->seen->nodes[i].slots, &now->seen->nodes[j].slots))
				say(c, "ERR", "red", rop_printf(arena, "%s and %s claim %d of the same slots", now->seen->nodes[i].address,
								now->seen->nodes[j].address,
								rop_slots_common(&now->seen->nodes[i].slots, &now->seen->nodes[j].slots)));
}

static void check_replicas(struct checking *c, const struct rop_situation *now)
{
	struct rop_arena *arena = c->cli->arena;
	size_t down = 0, replicas = 0;
	section(c, "Check replicas...");
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (node->reach != ROP_REACH_OK || node->role != ROP_ROLE_REPLICA)
			continue;
		replicas++;
		if (node->primary >= 0 && now->seen->nodes[node->primary].role == ROP_ROLE_REPLICA)
			say(c, "ERR", "red", rop_printf(arena, "%s replicates %s, which is a replica itself", node->address, now->seen->nodes[node->primary].address));
		if (node->link_up && !node->syncing)
			continue;
		down++;
		say(c, "WARNING", "yellow", rop_printf(arena, "%s: its link to its primary is %s", node->address, node->syncing ? "synchronising" : "down"));
	}
	for (size_t i = 0; i < now->seen->n; i++) {
		size_t own = 0;
		if (rop_slots_first(&now->seen->nodes[i].slots) == ROP_SLOTS || now->seen->nodes[i].role != ROP_ROLE_PRIMARY)
			continue;
		for (size_t j = 0; j < now->seen->n; j++)
			own += now->seen->nodes[j].role == ROP_ROLE_REPLICA && now->seen->nodes[j].primary == (int)i && now->seen->nodes[j].reach == ROP_REACH_OK;
		if (own == 0)
			say(c, "WARNING", "yellow", rop_printf(arena, "%s has no replica: its loss stops the cluster", now->seen->nodes[i].address));
	}
	if (!down && replicas)
		say(c, "OK", "green", rop_printf(arena, "All %zu replicas are linked to their primaries.", replicas));
}

static enum rop_code check(struct checking *c, const struct rop_topology *topology, const char *name)
{
	static const struct rop_image nothing_known;
	struct rop_situation now = { .arena = c->cli->arena, .topology = topology, .seen = c->seen, .image = &nothing_known };
	rop_situation_assess(&now);
	if (c->cli->values.output != CLI_TEXT)
		c->findings = json_array();
	section(c, rop_printf(c->cli->arena, "Performing Cluster Check (using node %s)", c->seen->nodes[0].address));
	say_nodes(c);
	check_reach(c);
	check_views(c, &now);
	check_slots(c, &now);
	check_replicas(c, &now);
	if (c->findings)
		cli_print_json(json_pack("{s:s, s:s, s:i, s:i, s:o}", "format_version", "1.0", "cluster", name, "errors", (int)c->errors, "warnings",
					 (int)c->warnings, "findings", c->findings));
	return c->errors ? ROP_FAIL : ROP_OK;
}

/* A topology of the nodes found, for facts that need one: as many shards as there are owners of slots. */
static struct rop_topology *topology_found(struct checking *c)
{
	struct rop_topology *t = rop_alloc(c->cli->arena, sizeof *t);
	t->name = c->seen->nodes[0].address;
	for (size_t i = 0; i < c->seen->n; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		*rop_push(c->cli->arena, &t->nodes) = (struct rop_declared_node){ .host = node->ip, .ip = node->ip, .port = node->port };
		t->shards += rop_slots_first(&node->slots) < ROP_SLOTS;
	}
	return t;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { .cli = cli };
	struct checking c = { .cli = cli };
	enum rop_code code;
	char *host;
	int port;
	bool is_file = session_is_file(argv[0]) && !(split_address(cli->arena, argv[0], &host, &port) && !strchr(host, '/'));
	if (is_file) {
		if (session_open_topology(&s, cli, argv[0], &err) && session_open_nodes(&s, &err) && session_look(&s, 0, &err)) {
			c.seen = s.seen;
			code = check(&c, s.topology, s.topology->name);
		} else {
			code = cli_fail(&err);
		}
	} else if (look_from_seed(&c, argv[0], &err)) {
		code = check(&c, topology_found(&c), argv[0]);
	} else {
		code = cli_fail(&err);
	}
	if (c.loop)
		rop_loop_free(c.loop);
	session_close(&s);
	return code;
}

const struct cli_command cli_check = {
	.name = "check", .operands = "FILE|HOST:PORT", .min_operands = 1, .max_operands = 1, .run = run,
	.summary = "Is this cluster healthy? Exit 1 on any [ERR]",
	.about = "redis-cli's phrases. Also looked at: every pair of views (members, roles, epochs, slots), links, cluster_state\n"
		 "of every node, replicas of replicas, rival claims.\n",
};
