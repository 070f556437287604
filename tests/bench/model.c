/* model.c - CPU time of planning, without sockets: the formation of 100 nodes; slots and replicas of 1000 nodes; from
 * 100 shards to 150, and memory.
 *
 * Prints one line a figure, `WHAT: MEDIAN ms CPU (under MUST)`; the median of nine. Exits 1 when one is above. (Of
 * memory the most that the process ever had, in MiB.) Measure an optimised build without sanitizers.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "rop/policy.h"
#include "rop/reconcile.h"
#include "rop/tries.h"

#define RUNS 9
#define MUST_MS 100
#define SCALE_MUST_MS 200
#define SCALE_MUST_MIB 64

static double cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct rop_topology *topology_of(struct rop_arena *arena, int shards, int replicas, const char *const *zones,
					size_t n_zones)
{
	struct rop_topology *topology = rop_alloc(arena, sizeof *topology);
	*topology = (struct rop_topology){
		.name = "bench",
		.shards = shards,
		.replicas_per_shard = replicas,
		.interval_ms = 5000,
		.disruption = { .shards_at_once = 1, .keep_copies = 1 },
	};
	for (int i = 0; i < shards * (1 + replicas); i++) {
		const char *host = rop_printf(arena, "10.0.%d.%d", i / 250, i % 250 + 1);
		*rop_push(arena, &topology->nodes) = (struct rop_declared_node){
			.host = host, .ip = host, .port = 6379, .zone = n_zones ? zones[(size_t)i % n_zones] : NULL
		};
	}
	return topology;
}

static struct rop_observed *fresh_world(struct rop_arena *arena, const struct rop_topology *topology)
{
	size_t n_settings;
	const char **settings = rop_settings_watched(arena, topology, &n_settings);
	struct rop_observed *world = rop_observed_new(arena, topology->nodes.n, settings, n_settings);
	for (size_t i = 0; i < world->n; i++) {
		struct rop_node *node = &world->nodes[i];
		node->address = rop_printf(arena, "%s:6379", topology->nodes.at[i].host);
		node->ip = topology->nodes.at[i].ip;
		node->port = 6379;
		node->bus_port = 6379 + ROP_BUS_OFFSET;
		node->role = ROP_ROLE_PRIMARY;
		node->keys = node->functions = 0;
		node->used_memory = node->data_memory = node->max_memory = 0;
		node->version = 70015;
		snprintf(node->id, sizeof node->id, "%08zx%032" PRIx64, i * 2654435761u & 0xffffffff, (uint64_t)i);
		node->settings[0] = "15000";
		node->settings[1] = "5";
		rop_bit_set(world, world->known, i, i);
	}
	return world;
}

static struct rop_machine *load(struct rop_arena *arena, const char *path, const struct rop_vocabulary *words)
{
	struct rop_diags diags;
	struct rop_doc *doc;
	struct rop_machine *machine;
	rop_diags_init(&diags, arena);
	if (rop_doc_load(arena, path, &diags, &doc) && rop_machine_load(arena, doc, words, &diags, &machine))
		return machine;
	fprintf(stderr, "model: %s: not a machine\n", path);
	exit(1);
}

static const struct rop_machine *machine_of(struct rop_arena *arena, const char *folder)
{
	struct rop_machine *machine = load(arena, rop_printf(arena, "%s/cluster.yaml", folder), rop_cluster_words());
	machine->hosted[0] = load(arena, rop_printf(arena, "%s/migration.yaml", folder), rop_migration_words());
	machine->hosted[1] = load(arena, rop_printf(arena, "%s/retire.yaml", folder), rop_retire_words());
	machine->hosted[2] = load(arena, rop_printf(arena, "%s/failover.yaml", folder), rop_failover_words());
	return machine;
}

/* ---- what is measured ------------------------------------------------------------------------------------------ */

static void plan(const struct rop_machine *machine, const struct rop_topology *topology,
		 const struct rop_observed *world, size_t wanted)
{
	static const struct rop_image IMAGE;
	struct rop_arena *arena = rop_arena_new();
	struct rop_reconcile_options options = { .machine = machine, .topology = topology, .image = &IMAGE };
	struct rop_plan made;
	rop_plan_make(arena, &options, world, (struct rop_clock){ .boot_ms = 1, .wall_ms = 1 }, &made);
	if (!made.result.reached || made.steps.n != wanted) {
		fprintf(stderr, "model: planned %zu steps, not %zu: %s\n", made.steps.n, wanted, made.result.text);
		exit(1);
	}
	rop_arena_free(arena);
}

static void act(const struct rop_situation *now, const char *action, struct rop_batch *batch)
{
	static const int64_t NO_ARGS[ROP_ARGS_MAX];
	const struct rop_vocabulary *words = rop_cluster_words();
	for (size_t i = 0; i < words->n_actions; i++)
		if (strcmp(words->actions[i].name, action) == 0)
			words->actions[i].plan(now, NO_ARGS, batch);
}

/* One pass over nodes that know each other: the situation, then slots and replicas as the machine asks for them. */
static void slots_and_replicas(const struct rop_topology *topology, const struct rop_observed *world, size_t wanted)
{
	static const struct rop_image IMAGE;
	struct rop_arena *arena = rop_arena_new();
	struct rop_situation now = {
		.arena = arena, .topology = topology, .seen = world, .image = &IMAGE, .tries = rop_tries_new(arena)
	};
	struct rop_batch batch = { .arena = arena, .state = "AssignSlots", .why = "" };
	rop_situation_assess(&now);
	act(&now, "assign_slots", &batch);
	act(&now, "attach_replicas", &batch);
	if (batch.steps.n != wanted) {
		fprintf(stderr, "model: planned %zu steps, not %zu\n", batch.steps.n, wanted);
		exit(1);
	}
	rop_arena_free(arena);
}

/* Of so many nodes, two a shard, the others members without a slot. */
static struct rop_observed *scaled_world(struct rop_arena *arena, const struct rop_topology *topology, size_t shards)
{
	struct rop_observed *world = fresh_world(arena, topology);
	for (size_t n = 0; n < world->n; n++) {
		struct rop_node *node = &world->nodes[n];
		node->epoch = (int64_t)n + 1;
		rop_bit_set(world, world->known, 0, n);
		if (n < shards)
			rop_slots_add(&node->slots, (int)(n * ROP_SLOTS / shards),
				      (int)((n + 1) * ROP_SLOTS / shards) - 1);
		if (n < shards || n >= 2 * shards)
			continue;
		node->role = ROP_ROLE_REPLICA;
		node->primary = (int)(n - shards);
		memcpy(node->primary_id, world->nodes[n - shards].id, ROP_ID_SIZE);
		node->link_up = true;
	}
	rop_settle(world);
	return world;
}

static int moved_by(const struct rop_plan *made)
{
	int moved = 0;
	for (size_t i = 0; i < made->steps.n; i++) {
		struct rop_slots slots;
		const struct rop_expect *e = &made->steps.at[i].expect;
		if (e->kind == ROP_STEP_TAKE && rop_slots_parse(e->value, &slots))
			moved += rop_slots_count(&slots);
	}
	return moved;
}

/* The whole plan: replicas of the new shards, and each chunk through its machine. */
static void scale_out(const struct rop_machine *machine, const struct rop_topology *topology,
		      const struct rop_observed *world, int wanted)
{
	static const struct rop_image IMAGE;
	struct rop_arena *arena = rop_arena_new();
	struct rop_reconcile_options options = { .machine = machine, .topology = topology, .image = &IMAGE };
	struct rop_plan made;
	rop_plan_make(arena, &options, world, (struct rop_clock){ .boot_ms = 1, .wall_ms = 1 }, &made);
	int moved = moved_by(&made);
	if (!made.result.reached || moved != wanted) {
		fprintf(stderr, "model: planned to move %d slots, not %d: %s\n", moved, wanted, made.result.text);
		exit(1);
	}
	rop_arena_free(arena);
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static bool report(const char *what, double *ms, int must_ms)
{
	qsort(ms, RUNS, sizeof *ms, ascending);
	printf("%s: %.1f ms CPU (under %d)\n", what, ms[RUNS / 2], must_ms);
	return ms[RUNS / 2] < must_ms;
}

/* First of all, so that the most memory is its own. */
static bool scaling(struct rop_arena *arena, const struct rop_machine *machine)
{
	enum { FROM = 100, TO = 150 };
	double ms[RUNS];
	struct rusage usage;
	struct rop_topology *topology = topology_of(arena, TO, 1, NULL, 0);
	struct rop_observed *world = scaled_world(arena, topology, FROM);
	int shares[TO], wanted = 0;
	rop_shares(NULL, TO, shares);
	for (int k = FROM; k < TO; k++)
		wanted += shares[k];
	for (int k = 0; k < FROM; k++)
		topology->nodes.at[k].shard = k + 1;
	for (int run = 0; run < RUNS; run++) {
		double from = cpu_ms();
		scale_out(machine, topology, world, wanted);
		ms[run] = cpu_ms() - from;
	}
	bool ok = report("plan 100 -> 150 shards of 300 nodes", ms, SCALE_MUST_MS);
	getrusage(RUSAGE_SELF, &usage);
	double mib = (double)usage.ru_maxrss / 1024;
	printf("plan 100 -> 150 shards of 300 nodes, memory: %.1f MiB (under %d)\n", mib, SCALE_MUST_MIB);
	return ok && mib < SCALE_MUST_MIB;
}

int main(int argc, char **argv)
{
	static const char *const ZONES[] = { "a", "b", "c" };
	struct rop_arena *arena = rop_arena_new();
	const struct rop_machine *machine = machine_of(arena, argc > 1 ? argv[1] : "states");
	double ms[3][RUNS];
	bool ok = scaling(arena, machine);

	struct rop_topology *hundred = topology_of(arena, 50, 1, NULL, 0);
	struct rop_topology *thousand[] = { topology_of(arena, 500, 1, NULL, 0), topology_of(arena, 333, 2, ZONES, 3) };
	struct rop_observed *fresh = fresh_world(arena, hundred);
	const size_t hundred_steps = 2 * 2 * 100 + 100 + 100 * 99 / 2 + 50 + 50, thousand_steps[] = { 1000, 999 };
	for (int run = 0; run < RUNS; run++) {
		double from = cpu_ms();
		plan(machine, hundred, fresh, hundred_steps);
		ms[0][run] = cpu_ms() - from;
	}
	ok &= report("plan formation of 100 nodes", ms[0], MUST_MS);
	for (int i = 0; i < 2; i++) {
		struct rop_observed *world = fresh_world(arena, thousand[i]);
		for (size_t n = 0; n < world->n; n++) {
			world->nodes[n].epoch = (int64_t)n + 1;
			rop_bit_set(world, world->known, 0, n);
		}
		rop_settle(world);
		for (int run = 0; run < RUNS; run++) {
			double from = cpu_ms();
			slots_and_replicas(thousand[i], world, thousand_steps[i]);
			ms[1 + i][run] = cpu_ms() - from;
		}
		ok &= report(i == 0 ? "plan slots and replicas of 1000 nodes"
				    : "plan slots and replicas of 999 nodes in 3 zones",
			     ms[1 + i], MUST_MS);
	}
	rop_arena_free(arena);
	return ok ? 0 : 1;
}
