/* world.c - declared topologies and worlds of nodes, for the tests of the pure core. */
#include "world.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rop/text.h"

struct rop_arena *pool;
struct rop_image no_image;

void world_setup(void)
{
	pool = rop_arena_new();
	no_image = (struct rop_image){ 0 };
}

void world_teardown(void)
{
	rop_arena_free(pool);
}

void world_clear(void)
{
	rop_arena_free(pool);
	pool = rop_arena_new();
}

/* ---- topologies --------------------------------------------------------------------------------------------- */

void put_on_host(struct rop_topology *topology, size_t node, int host)
{
	struct rop_declared_node *declared = &topology->nodes.at[node];
	declared->host = declared->ip = rop_printf(pool, "10.0.%d.%d", host / 250, host % 250 + 1);
	declared->port = 6379 + (int)node;
}

void put_in_zone(struct rop_topology *topology, size_t node, const char *zone)
{
	topology->nodes.at[node].zone = rop_strdup(pool, zone);
}

void manage_setting(struct rop_topology *topology, const char *name, const char *value)
{
	*rop_push(pool, &topology->settings) = (struct rop_setting){ name, value };
}

struct rop_topology *topology_of(int shards, int replicas, size_t n)
{
	struct rop_topology *topology = rop_alloc(pool, sizeof *topology);
	topology->name = "cart";
	topology->shards = shards;
	topology->replicas_per_shard = replicas;
	topology->interval_ms = 5000;
	for (size_t i = 0; i < n; i++) {
		*rop_push(pool, &topology->nodes) = (struct rop_declared_node){ 0 };
		put_on_host(topology, i, (int)i);
		topology->nodes.at[i].port = 6379;
	}
	return topology;
}

/* No shard gets more than it needs: the validator sees to that. */
static void label_some(uint64_t *seed, struct rop_topology *topology)
{
	int *labelled = rop_alloc_n(pool, (size_t)topology->shards + 1, sizeof(int));
	for (size_t i = 0; i < topology->nodes.n; i++) {
		int shard = 1 + (int)random_below(seed, (size_t)topology->shards);
		if (random_below(seed, 3) || labelled[shard] > topology->replicas_per_shard)
			continue;
		labelled[shard]++;
		topology->nodes.at[i].shard = shard;
	}
}

struct rop_topology *random_topology(uint64_t *seed, struct chances chances)
{
	int shards = 1 + (int)random_below(seed, (size_t)chances.max_shards);
	int replicas = (int)random_below(seed, (size_t)chances.max_replicas + 1);
	size_t n = (size_t)(shards * (1 + replicas)) + random_below(seed, (size_t)chances.extra + 1);
	struct rop_topology *topology = topology_of(shards, replicas, n);
	size_t hosts = 1 + random_below(seed, n), zones = 1 + random_below(seed, 4);
	for (size_t i = 0; i < n; i++) {
		size_t host = chances.hosts ? random_below(seed, hosts) : i;
		put_on_host(topology, i, (int)host);
		if (chances.zones == PLACING_BY_HOST)
			put_in_zone(topology, i, rop_printf(pool, "z%zu", host % zones));
		if (chances.zones == PLACING_ANY && random_below(seed, 4))
			put_in_zone(topology, i, rop_printf(pool, "z%zu", random_below(seed, zones + 1)));
	}
	if (chances.labels)
		label_some(seed, topology);
	return topology;
}

/* ---- worlds ------------------------------------------------------------------------------------------------- */

const char *node_id(size_t i)
{
	static char ids[1024][ROP_ID_SIZE];
	cr_assert_lt(i, 1024);
	snprintf(ids[i], ROP_ID_SIZE, "%016" PRIx64 "%016" PRIx64 "%08zx", rop_digest(1, &i, sizeof i),
		 rop_digest(2, &i, sizeof i), i);
	return ids[i];
}

static void see_itself(struct rop_observed *world, size_t i)
{
	rop_bit_set(world, world->known, i, i);
	rop_bit_set(world, world->linked, i, i);
	rop_bit_set(world, world->agrees, i, i);
}

void add_member(struct rop_image *image, size_t id, const char *address)
{
	struct rop_member *member = rop_push(pool, &image->members);
	*member = (struct rop_member){ .address = address, .shard = 1 };
	memcpy(member->node, node_id(id), ROP_ID_SIZE);
}

void lose_conf(struct rop_observed *world, size_t node)
{
	struct rop_node *n = &world->nodes[node];
	for (size_t i = 0; i < world->asked; i++) {
		if (i == node)
			continue;
		rop_bit_clear(world, world->known, i, node);
		rop_bit_clear(world, world->known, node, i);
		rop_bit_clear(world, world->linked, i, node);
		rop_bit_clear(world, world->linked, node, i);
	}
	n->role = ROP_ROLE_PRIMARY;
	n->primary = -1;
	n->primary_id[0] = '\0';
	n->epoch = 0;
	n->others = 0;
	n->slots = (struct rop_slots){ 0 };
}

void set_value(struct rop_observed *world, size_t node, const char *name, const char *value)
{
	int at = rop_observed_setting(world, name);
	cr_assert_geq(at, 0, "%s is not watched", name);
	world->nodes[node].settings[at] = value;
}

struct rop_observed *fresh_world(const struct rop_topology *topology)
{
	size_t n_settings;
	const char **settings = rop_settings_watched(pool, topology, &n_settings);
	struct rop_observed *world = rop_observed_new(pool, topology->nodes.n, settings, n_settings);
	for (size_t i = 0; i < world->n; i++) {
		const struct rop_declared_node *declared = &topology->nodes.at[i];
		struct rop_node *node = &world->nodes[i];
		node->address = rop_printf(pool, "%s:%d", declared->host, declared->port);
		node->ip = declared->ip;
		node->port = declared->port;
		node->bus_port = declared->port + ROP_BUS_OFFSET;
		node->role = ROP_ROLE_PRIMARY;
		node->keys = node->functions = 0;
		node->used_memory = node->data_memory = node->max_memory = 0;
		node->version = 70015;
		node->flavour = "redis 7.0.15";
		memcpy(node->id, node_id(i), ROP_ID_SIZE);
		see_itself(world, i);
		set_value(world, i, "cluster-node-timeout", "15000");
		set_value(world, i, "repl-diskless-sync-delay", "5");
		set_value(world, i, "cluster-replica-no-failover", "no");
		for (size_t s = 0; s < topology->settings.n; s++)
			set_value(world, i, topology->settings.at[s].name, "0");
	}
	return world;
}

void know_each_other(struct rop_observed *world, size_t a, size_t b)
{
	rop_bit_set(world, world->known, a, b);
	rop_bit_set(world, world->known, b, a);
	rop_settle(world);
}

void meet_all(struct rop_observed *world)
{
	for (size_t i = 0; i < world->n; i++) {
		world->nodes[i].epoch = (int64_t)i + 1;
		for (size_t j = 0; j < world->n; j++)
			rop_bit_set(world, world->known, i, j);
	}
	rop_settle(world);
}

void give_slots(struct rop_observed *world, size_t node, int first, int last)
{
	rop_slots_add(&world->nodes[node].slots, first, last);
	rop_settle(world);
}

void make_replica(struct rop_observed *world, size_t node, size_t primary)
{
	struct rop_node *n = &world->nodes[node];
	n->role = ROP_ROLE_REPLICA;
	n->primary = (int)primary;
	memcpy(n->primary_id, world->nodes[primary].id, ROP_ID_SIZE);
	rop_settle(world);
}

/* As an observation shows it: what the node itself would say is not known, what others say of it remains. */
void go_silent(struct rop_observed *world, size_t node)
{
	world->nodes[node].reach = ROP_REACH_SILENT;
	world->nodes[node].reach_why = "connection refused";
	world->nodes[node].version = 0;
	world->nodes[node].keys = world->nodes[node].functions = -1;
	for (size_t j = 0; j < world->n; j++) {
		rop_bit_clear(world, world->known, node, j);
		rop_bit_clear(world, world->linked, node, j);
		rop_bit_clear(world, world->online, node, j);
		rop_bit_clear(world, world->agrees, node, j);
		rop_bit_clear(world, world->linked, j, node);
		rop_bit_clear(world, world->online, node, j);
	}
}

struct rop_observed *three_owners(const struct rop_topology *topology)
{
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	give_slots(world, 0, 0, 5460);
	give_slots(world, 1, 5461, 10922);
	give_slots(world, 2, 10923, ROP_SLOTS - 1);
	rop_settle(world);
	return world;
}

struct rop_observed *formed_world(const struct rop_topology *topology)
{
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	struct rop_layout layout = layout_of(topology, world);
	for (size_t k = 0; k < layout.n; k++)
		rop_slots_join(&world->nodes[layout.shards[k].primary].slots, &layout.shards[k].add);
	for (size_t i = 0; i < world->n; i++)
		if (layout.primary_of[i] >= 0)
			make_replica(world, i, (size_t)layout.primary_of[i]);
	rop_settle(world);
	return world;
}

/* ---- what is made of them ------------------------------------------------------------------------------------ */

struct rop_situation *situation_with(const struct rop_topology *topology, const struct rop_observed *seen,
				     const struct rop_image *image, struct rop_tries *tries, int64_t boot_ms)
{
	struct rop_situation *now = rop_alloc(pool, sizeof *now);
	*now = (struct rop_situation){ .arena = pool,
				       .topology = topology,
				       .seen = seen,
				       .image = image,
				       .tries = tries,
				       .wall_ms = 1000000 + boot_ms,
				       .boot_ms = boot_ms,
				       .may_lower = true };
	rop_situation_assess(now);
	return now;
}

struct rop_situation *situation_of(const struct rop_topology *topology, const struct rop_observed *seen)
{
	return situation_with(topology, seen, &no_image, NULL, 0);
}

struct rop_layout layout_of(const struct rop_topology *topology, const struct rop_observed *seen)
{
	struct rop_layout layout;
	rop_layout_make(pool, topology, seen, NULL, 0, NULL, &layout);
	return layout;
}

void plan_action(const struct rop_vocabulary *words, const char *action, const void *subject, struct rop_batch *batch)
{
	static const int64_t NO_ARGS[ROP_ARGS_MAX];
	for (size_t i = 0; i < words->n_actions; i++) {
		if (strcmp(words->actions[i].name, action) != 0)
			continue;
		words->actions[i].plan(subject, NO_ARGS, batch);
		return;
	}
	cr_assert_fail("no action called %s", action);
}

bool fact_holds(const struct rop_vocabulary *words, const char *fact, const void *subject, int64_t arg)
{
	const int64_t args[ROP_ARGS_MAX] = { arg };
	for (size_t i = 0; i < words->n_facts; i++)
		if (strcmp(words->facts[i].name, fact) == 0)
			return words->facts[i].holds(subject, args);
	cr_assert_fail("no fact called %s", fact);
	return false;
}

struct rop_batch batch_of(const struct rop_situation *now, const char *action)
{
	struct rop_batch batch = { .arena = pool, .state = "Test", .why = "a test asks for it" };
	plan_action(rop_cluster_words(), action, now, &batch);
	return batch;
}

/* ---- as texts ------------------------------------------------------------------------------------------------ */

static void print_line(struct rop_text *text, const struct rop_observed *world, size_t viewer, size_t subject)
{
	const struct rop_node *node = &world->nodes[subject];
	bool replica = node->role == ROP_ROLE_REPLICA, linked = rop_bit(world, world->linked, viewer, subject);
	const char *slots = rop_slots_text(pool, &node->slots);
	rop_text_add(text, "%s %s:%d@%d %s%s%s %s 0 1700000000000 %" PRId64 " %s%s%s\n", node->id, node->ip, node->port,
		     node->bus_port, viewer == subject ? "myself," : "", replica ? "slave" : "master",
		     linked ? "" : ",fail", replica ? node->primary_id : "-", node->epoch,
		     linked ? "connected" : "disconnected", *slots ? " " : "", slots);
}

struct rop_answer *answers_of(const struct rop_observed *world)
{
	struct rop_answer *answers = rop_alloc_n(pool, world->n, sizeof *answers);
	for (size_t i = 0; i < world->n; i++) {
		const struct rop_node *node = &world->nodes[i];
		struct rop_answer *answer = &answers[i];
		*answer = (struct rop_answer){ .address = node->address,
					       .ip = node->ip,
					       .port = node->port,
					       .bus_port = node->bus_port,
					       .reach = node->reach,
					       .reach_why = node->reach_why,
					       .functions = -1 };
		if (node->reach != ROP_REACH_OK)
			continue;
		ROP_OWN_TEXT nodes = { 0 };
		for (size_t j = 0; j < world->n; j++)
			if (rop_bit(world, world->known, i, j))
				print_line(&nodes, world, i, j);
		answer->cluster_nodes = rop_strdup(pool, nodes.at);
		answer->cluster_info = rop_printf(pool, "cluster_state:%s\r\ncluster_current_epoch:%" PRId64 "\r\n",
						  node->state_ok ? "ok" : "fail", node->current_epoch);
		answer->info_server = "# Server\r\nredis_version:7.0.15\r\n";
		answer->info_replication = rop_printf(pool,
						      "role:x\r\nmaster_link_status:%s\r\nmaster_sync_in_progress:%"
						      "d\r\n",
						      node->link_up ? "up" : "down", node->syncing);
		answer->info_keyspace = node->keys
						? rop_printf(pool, "# Keyspace\r\ndb0:keys=%" PRId64 ",expires=0\r\n",
							     node->keys)
						: "# Keyspace\r\n";
		answer->functions = node->functions;
		answer->settings = node->settings;
		answer->asked_shards = true;
		answer->forbidden = node->forbidden;
		answer->rights_hidden = node->rights_hidden;
	}
	return answers;
}

/* ---- files of the source tree --------------------------------------------------------------------------------- */

char *read_source(const char *path)
{
	FILE *file = fopen(rop_printf(pool, "%s/%s", TOP_SRCDIR, path), "r");
	ROP_OWN_TEXT text = { 0 };
	char buf[4096];
	if (!file)
		return NULL;
	for (size_t n; (n = fread(buf, 1, sizeof buf, file)) > 0;)
		rop_text_put(&text, buf, n);
	fclose(file);
	return rop_strndup(pool, text.at, text.n);
}

const struct rop_machine *shipped_machine(void)
{
	struct rop_diags diags;
	struct rop_doc *doc;
	struct rop_machine *machine = NULL;
	ROP_OWN_TEXT printed = { 0 };
	rop_diags_init(&diags, pool);
	if (!rop_doc_load(pool, TOP_SRCDIR "/states/cluster.yaml", &diags, &doc) ||
	    !rop_machine_load(pool, doc, rop_cluster_words(), &diags, &machine))
		rop_diags_print(&diags, &printed);
	cr_assert(machine, "%s", printed.at);
	machine->hosted[0] = shipped_migration();
	machine->hosted[1] = shipped_retire();
	machine->hosted[2] = shipped_failover();
	return machine;
}

static const struct rop_machine *shipped(const char *path, const struct rop_vocabulary *words)
{
	struct rop_diags diags;
	struct rop_doc *doc;
	struct rop_machine *machine = NULL;
	ROP_OWN_TEXT printed = { 0 };
	rop_diags_init(&diags, pool);
	if (!rop_doc_load(pool, path, &diags, &doc) || !rop_machine_load(pool, doc, words, &diags, &machine))
		rop_diags_print(&diags, &printed);
	cr_assert(machine, "%s", printed.at);
	return machine;
}

const struct rop_machine *shipped_migration(void)
{
	return shipped(TOP_SRCDIR "/states/migration.yaml", rop_migration_words());
}

const struct rop_machine *shipped_retire(void)
{
	return shipped(TOP_SRCDIR "/states/retire.yaml", rop_retire_words());
}

const struct rop_machine *shipped_failover(void)
{
	return shipped(TOP_SRCDIR "/states/failover.yaml", rop_failover_words());
}

struct rop_tries *tries_that_took(const struct rop_topology *topology)
{
	struct rop_tries *tries = rop_tries_new(pool);
	for (size_t i = 0; i < topology->settings.n; i++) {
		const struct rop_setting *setting = &topology->settings.at[i];
		struct rop_expect e = { .kind = ROP_STEP_SETTING,
					.first = -1,
					.last = -1,
					.name = setting->name,
					.value = setting->value,
					.subject = rop_printf(pool, "setting:%s/%s", node_id(999), setting->name) };
		rop_tries_ended(tries, &e, ROP_EXPECT_MET, 0);
	}
	return tries;
}
