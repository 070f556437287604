/* cmd_check.c - is this cluster healthy? redis-cli's phrases, and what it does not look at. Exit 1 on any [ERR]. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "seed.h"

struct checking {
	struct cli *cli;
	const struct rop_observed *seen;
	const struct rop_image *journal; /* NULL: there is no file, or it cannot be read */
	size_t errors, warnings;
	json_t *findings;
};

/* ---- saying it --------------------------------------------------------------------------------------------- */

static void say(struct checking *c, const char *level, const char *color, const char *text)
{
	bool error = strcmp(level, "ERR") == 0, warning = strcmp(level, "WARNING") == 0;
	c->errors += error;
	c->warnings += warning;
	if (c->findings)
		json_array_append_new(c->findings, rop_json("{s:s, s:s}", "level", level, "message", text));
	else
		printf("%s[%s]%s %s\n", rop_paint(c->cli->color, color), level, rop_paint(c->cli->color, "off"), text);
}

static void section(struct checking *c, const char *text)
{
	if (!c->findings)
		printf("%s>>> %s%s\n", rop_paint(c->cli->color, "bold"), text, rop_paint(c->cli->color, "off"));
}

static void say_nodes(struct checking *c)
{
	for (size_t i = 0; i < c->seen->n && !c->findings; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		if (node->reach != ROP_REACH_OK)
			continue;
		if (node->role == ROP_ROLE_REPLICA)
			printf("S: %s %s\n   slots: (0 slots) slave\n   replicates %s\n", node->id, node->address,
			       node->primary_id);
		else
			printf("M: %s %s\n   slots:%s (%d slots) master, %lld keys\n", node->id, node->address,
			       rop_slots_text(c->cli->arena, &node->slots), rop_slots_count(&node->slots),
			       (long long)node->keys);
	}
}

static void check_reach(struct checking *c)
{
	for (size_t i = 0; i < c->seen->n; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		if (node->reach != ROP_REACH_OK)
			say(c, "ERR", "red",
			    rop_printf(c->cli->arena, "%s does not answer: %s", node->address, node->reach_why));
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
			if (strcmp(now->open.at[i].reason, "Unreachable") != 0 &&
			    strcmp(now->open.at[i].reason, "SlotsUncovered") != 0 &&
			    strcmp(now->open.at[i].reason, "StateFail") != 0 &&
			    strcmp(now->open.at[i].reason, "OpenSlots") != 0 &&
			    strcmp(now->open.at[i].reason, "NotAttached") != 0 &&
			    strcmp(now->open.at[i].reason, "TemporaryWaits") != 0)
				say(c, "ERR", "red", now->open.at[i].text);
	}
	for (size_t i = 0; i < now->seen->n; i++) /* every one, not only the first dozen that are told as open */
		if (now->seen->nodes[i].reach == ROP_REACH_OK && !now->seen->nodes[i].state_ok)
			say(c, "ERR", "red",
			    rop_printf(arena, "%s reports cluster_state:fail", now->seen->nodes[i].address));
}

static void check_slots(struct checking *c, const struct rop_situation *now)
{
	struct rop_arena *arena = c->cli->arena;
	section(c, "Check for open slots...");
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].open_slots)
			say(c, "WARNING", "yellow",
			    rop_printf(arena, "Node %s has %d slots in migrating or importing state: %.200s",
				       now->seen->nodes[i].address, now->seen->nodes[i].open_slots,
				       now->seen->nodes[i].open_text));
	section(c, "Check slots coverage...");
	int covered = rop_slots_count(&now->owned);
	if (covered == ROP_SLOTS)
		say(c, "OK", "green", "All 16384 slots covered.");
	else
		say(c, "ERR", "red",
		    rop_printf(arena, "Not all 16384 slots are covered by nodes. (%d are not)", ROP_SLOTS - covered));
	for (size_t i = 0; i < now->seen->n; i++)
		for (size_t j = i + 1; j < now->seen->n; j++)
			if (rop_slots_meet(&now->seen->nodes[i].slots, &now->seen->nodes[j].slots))
				say(c, "ERR", "red",
				    rop_printf(arena, "%s and %s claim %d of the same slots",
					       now->seen->nodes[i].address, now->seen->nodes[j].address,
					       rop_slots_common(&now->seen->nodes[i].slots,
								&now->seen->nodes[j].slots)));
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
			say(c, "ERR", "red",
			    rop_printf(arena, "%s replicates %s, which is a replica itself", node->address,
				       now->seen->nodes[node->primary].address));
		if (node->link_up && !node->syncing)
			continue;
		down++;
		say(c, "WARNING", "yellow",
		    rop_printf(arena, "%s: its link to its primary is %s", node->address,
			       node->syncing ? "synchronising" : "down"));
	}
	for (size_t i = 0; i < now->seen->n; i++) {
		size_t own = 0;
		if (rop_slots_first(&now->seen->nodes[i].slots) == ROP_SLOTS ||
		    now->seen->nodes[i].role != ROP_ROLE_PRIMARY)
			continue;
		for (size_t j = 0; j < now->seen->n; j++)
			own += now->seen->nodes[j].role == ROP_ROLE_REPLICA && now->seen->nodes[j].primary == (int)i &&
			       now->seen->nodes[j].reach == ROP_REACH_OK;
		if (own == 0)
			say(c, "WARNING", "yellow",
			    rop_printf(arena, "%s has no replica: its loss stops the cluster",
				       now->seen->nodes[i].address));
	}
	if (!down && replicas)
		say(c, "OK", "green", rop_printf(arena, "All %zu replicas are linked to their primaries.", replicas));
}

/* Where the journal can be read, what is neither declared nor ours is named. */
static void check_settings(struct checking *c, const struct rop_situation *now)
{
	for (size_t i = 0; i < now->layout.warnings.n; i++) {
		const struct rop_finding *w = &now->layout.warnings.at[i];
		if (strcmp(w->reason, "LeftLowered") == 0 || strcmp(w->reason, "NeverTakesOver") == 0 ||
		    strcmp(w->reason, "SettingRefused") == 0)
			say(c, "WARNING", "yellow", w->text);
	}
}

static enum rop_code check(struct checking *c, const struct rop_topology *topology, const char *name)
{
	static const struct rop_image nothing_known;
	struct rop_image image = nothing_known;
	if (c->journal) /* of it, only what is temporary: a check judges by what is there, not by what was */
		image.temporaries = c->journal->temporaries;
	struct rop_situation *now = rop_situation_make(&(struct rop_situation){ .arena = c->cli->arena,
										.topology = topology,
										.seen = c->seen,
										.image = &image,
										.warn_of_found = c->journal != NULL,
										.looks_once = true });
	if (c->cli->values.output != CLI_TEXT)
		c->findings = json_array();
	section(c, rop_printf(c->cli->arena, "Performing Cluster Check (using node %s)", c->seen->nodes[0].address));
	say_nodes(c);
	check_reach(c);
	check_views(c, now);
	check_slots(c, now);
	check_replicas(c, now);
	check_settings(c, now);
	if (c->findings)
		cli_print_json(rop_json("{s:s, s:s, s:i, s:i, s:o}", "format_version", "1.0", "cluster", name, "errors",
					(int)c->errors, "warnings", (int)c->warnings, "findings", c->findings));
	return c->errors ? ROP_FAIL : ROP_OK;
}

/* A topology of the nodes found, for facts that need one: as many shards as there are owners of slots. */
static struct rop_topology *topology_found(struct checking *c)
{
	struct rop_topology *t = rop_alloc(c->cli->arena, sizeof *t);
	t->name = c->seen->nodes[0].address;
	for (size_t i = 0; i < c->seen->n; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		*rop_push(c->cli->arena, &t->nodes) = (struct rop_declared_node){ .host = node->ip,
										  .ip = node->ip,
										  .port = node->port };
		t->shards += rop_slots_first(&node->slots) < ROP_SLOTS;
	}
	return t;
}

static enum rop_code check_file(struct checking *c, const char *path)
{
	struct rop_err err = { 0 }, unread = { 0 };
	struct session s = { 0 };
	enum rop_code code;
	if (c->cli->values.user || c->cli->values.password_file) {
		rop_fail(&err, ROP_INVALID,
			 "--user and --password-file go with HOST:PORT; a file says it under spec.auth");
		return cli_fail(&err);
	}
	bool read = session_open_topology(&s, c->cli, path, &err) && session_open_store(&s, ROP_STORE_READ, &unread);
	if (s.topology && session_open_nodes(&s, &err) && session_look(&s, ROP_OBSERVE_SETTINGS, &err)) {
		c->seen = s.seen;
		c->journal = read ? &s.image : NULL;
		code = check(c, s.topology, s.topology->name);
	} else {
		code = cli_fail(&err);
	}
	session_close(&s);
	return code;
}

static enum rop_code check_seed(struct checking *c, const char *text)
{
	struct rop_err err = { 0 };
	struct seed seed = { 0 };
	enum rop_code code;
	if (seed_open(&seed, c->cli, text, &err)) {
		seed_look(&seed, 0, NULL, 0);
		c->seen = seed.seen;
		code = check(c, topology_found(c), text);
	} else {
		code = cli_fail(&err);
	}
	seed_close(&seed);
	return code;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct checking c = { .cli = cli };
	char *host;
	int port;
	bool is_address = seed_split_address(cli->arena, argv[0], &host, &port) && !strchr(host, '/');
	if (is_address)
		return check_seed(&c, argv[0]);
	if (session_is_file(argv[0]))
		return check_file(&c, argv[0]);
	struct rop_err err = { 0 };
	rop_fail(&err, ROP_INVALID, "'%s' is neither a file nor HOST:PORT", argv[0]);
	return cli_fail(&err);
}

static const struct cli_option OPTIONS[] = { SEED_OPTIONS, { 0 } };

const struct cli_command cli_check = {
	.name = "check",
	.operands = "FILE|HOST:PORT",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Is this cluster healthy? Exit 1 on any [ERR]",
	.about = "redis-cli's phrases. Also looked at: every pair of views (members, roles, epochs, slots), links, "
		 "cluster_state\n"
		 "of every node, replicas of replicas, rival claims.\n",
};
