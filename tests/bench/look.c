/* look.c - CPU time of watching a healthy cluster: one pass as the daemon makes it, without the waiting.
 *
 *   look MACHINE.yaml TOPOLOGY.yaml [PASSES]
 *
 * The topology's nodes (of tests/bench/stub, or real ones) are looked at PASSES times over open connections, three
 * times: only asking; asking and understanding; the whole pass with its decision. Prints per cluster and pass, median
 * of five: `WHAT: TOTAL us CPU (USER user, SYSTEM system)`, and the arena bytes of one pass. Exits 1 when the cluster
 * is not converged.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "rop/config.h"
#include "rop/drive.h"
#include "rop/names.h"
#include "rop/policy.h"
#include "rop/reconcile.h"

enum { RUNS = 5, DEPTHS = 3 };

struct bench {
	struct rop_loop *loop;
	struct rop_fleet *fleet;
	struct rop_reconcile *r;
	struct rop_arena *arena;
	const char **settings;
	size_t n_settings, bytes;
	int left, depth;
	bool bad;
};

static void look(struct bench *bench);

static struct rop_clock clock_now(void)
{
	return (struct rop_clock){ .wall_ms = rop_wall_ms(), .boot_ms = rop_boot_ms() };
}

static bool decide(struct bench *bench, const struct rop_observed *seen)
{
	rop_reconcile_observed(bench->r, seen, clock_now());
	while (rop_reconcile_want(bench->r) == ROP_WANT_COMMIT) {
		rop_reconcile_entry(bench->r);
		rop_reconcile_committed(bench->r, false);
	}
	if (rop_reconcile_want(bench->r) != ROP_WANT_SLEEP && rop_reconcile_want(bench->r) != ROP_WANT_OBSERVE)
		return false;
	if (rop_reconcile_want(bench->r) == ROP_WANT_SLEEP)
		rop_reconcile_woke(bench->r);
	return true;
}

static void looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct bench *bench = arg;
	const struct rop_observed *seen = NULL;
	if (bench->depth > 0)
		seen = rop_observed_from_answers(bench->arena, answers, n, bench->settings, bench->n_settings,
						 rop_boot_ms());
	bench->bytes = rop_arena_bytes(bench->arena);
	for (size_t i = 0; i < n; i++)
		bench->bad |= answers[i].reach != ROP_REACH_OK;
	if (bench->depth > 1)
		bench->bad |= !decide(bench, seen); /* the arena is its own now */
	else
		rop_arena_free(bench->arena);
	if (--bench->left > 0 && !bench->bad)
		look(bench);
	else
		rop_loop_stop(bench->loop);
}

static void look(struct bench *bench)
{
	bench->arena = rop_arena_new();
	rop_fleet_observe(bench->fleet, bench->arena, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, bench->settings,
			  bench->n_settings, looked, bench);
}

static void cpu_us(double *ret_user, double *ret_system)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	*ret_user = (double)usage.ru_utime.tv_sec * 1e6 + (double)usage.ru_utime.tv_usec;
	*ret_system = (double)usage.ru_stime.tv_sec * 1e6 + (double)usage.ru_stime.tv_usec;
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;
	return (*x > *y) - (*x < *y);
}

static double median(double *values)
{
	qsort(values, RUNS, sizeof *values, ascending);
	return values[RUNS / 2];
}

static bool measure(struct bench *bench, int depth, int passes, const char *what)
{
	double user[RUNS], system[RUNS], total[RUNS];
	bench->depth = depth;
	for (int run = 0; run < RUNS; run++) {
		double user0, system0, user1, system1;
		cpu_us(&user0, &system0);
		bench->left = passes;
		look(bench);
		rop_loop_run(bench->loop);
		cpu_us(&user1, &system1);
		user[run] = (user1 - user0) / passes;
		system[run] = (system1 - system0) / passes;
		total[run] = user[run] + system[run];
	}
	printf("%-12s %7.1f us CPU (%.1f user, %.1f system), %zu KiB\n", what, median(total), median(user),
	       median(system), bench->bytes / 1024);
	return !bench->bad;
}

static struct rop_doc *load(struct rop_arena *arena, const char *path, struct rop_diags *diags)
{
	struct rop_doc *doc = NULL;
	rop_diags_init(diags, arena);
	if (rop_doc_load(arena, path, diags, &doc))
		return doc;
	fprintf(stderr, "look: %s cannot be read\n", path);
	exit(2);
}

int main(int argc, char **argv)
{
	static const char *const WHAT[DEPTHS] = { "ask:", "understand:", "decide:" };
	static const struct rop_image IMAGE;
	struct rop_arena *arena = rop_arena_new();
	struct rop_diags diags;
	struct rop_machine *machine = NULL;
	struct rop_topology *topology = NULL;
	int passes = argc > 3 ? atoi(argv[3]) : 2000;
	if (argc < 3) {
		fprintf(stderr, "look MACHINE.yaml TOPOLOGY.yaml [PASSES]\n");
		return 2;
	}
	if (!rop_machine_load(arena, load(arena, argv[1], &diags), rop_cluster_words(), &diags, &machine) ||
	    !rop_topology_from_doc(arena, load(arena, argv[2], &diags), &diags, &topology)) {
		fprintf(stderr, "look: %s or %s is not right\n", argv[1], argv[2]);
		return 2;
	}
	for (size_t i = 0; i < topology->nodes.n; i++)
		topology->nodes.at[i].ip = topology->nodes.at[i].host; /* literal addresses */
	struct bench bench = { .loop = rop_loop_new(NULL) };
	struct rop_fleet_options fleet = { .client_name = "redis-operator:bench",
					   .connect_timeout_ms = 2000,
					   .command_timeout_ms = 5000 };
	struct rop_reconcile_options options = {
		.machine = machine, .topology = topology, .image = &IMAGE, .boot_id = rop_boot_id(), .keep = true
	};
	bench.settings = rop_settings_watched(arena, topology, &bench.n_settings);
	bench.fleet = rop_fleet_new(bench.loop, &fleet, rop_endpoints_of(arena, topology, NULL), topology->nodes.n);
	bench.r = rop_reconcile_new(&options, clock_now());
	for (int depth = 0; depth < DEPTHS && !bench.bad; depth++)
		measure(&bench, depth, passes, WHAT[depth]);
	bool converged = !bench.bad && rop_reconcile_converged(bench.r);
	if (!converged)
		fprintf(stderr, "look: the cluster is not converged\n");
	rop_fleet_free(bench.fleet);
	rop_reconcile_free(bench.r);
	rop_loop_free(bench.loop);
	rop_arena_free(arena);
	return converged ? 0 : 1;
}
