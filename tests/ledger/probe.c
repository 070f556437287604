/* probe.c - `ledger probe`: how long a light client waits, one GET or SET at a time at each primary.
 *
 * A probe that is due while the one before it is still under way is late by the server's doing: it counts from when it
 * was due. So a stop of 100 ms shows as what a hundred clients would have seen, not as one slow answer.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "caller.h"
#include "run.h"
#include "stopping.h"

#define FIRST_MAP_US (5 * US_PER_S)
#define TICK_US (100 * US_PER_MS)
enum { RATE_USUAL = 1000 };

struct probing {
	struct cluster cluster;
	uint32_t tags[SLOTS];
	uint64_t seed;
	int64_t apart_us;
	bool ending;
	LIST(int64_t) latencies_us;
	uint64_t failed;
	struct prober {
		struct probing *probing;
		struct caller caller;
		struct text wire;
		int node;
		bool writes;     /* the next one */
		int64_t due_us;  /* when the next one is */
		int64_t from_us; /* its latency counts from */
	} * probers[NODES_MAX];  /* by the node's number */
};

/* A slot of the node's, drawn; false when it has none any more. */
static bool draw_slot(struct prober *prober, unsigned *ret)
{
	const struct map *map = &prober->probing->cluster.map;
	unsigned first = (unsigned)random_under(&prober->probing->seed, SLOTS);
	for (unsigned i = 0; i < SLOTS; i++) {
		*ret = (first + i) % SLOTS;
		if (map->owner[*ret] == prober->node)
			return true;
	}
	return false;
}

static void begin(struct prober *prober, int64_t from_us)
{
	struct probing *probing = prober->probing;
	char key[32];
	unsigned slot;
	prober->due_us = from_us + probing->apart_us;
	cluster_due(&probing->cluster, prober->due_us);
	if (probing->ending || !draw_slot(prober, &slot))
		return;
	snprintf(key, sizeof key, "probe:{%" PRIu32 "}", probing->tags[slot]);
	prober->wire.n = 0;
	if (prober->writes)
		RESP_COMMAND(&prober->wire, "SET", key, "1", "PX", "60000");
	else
		RESP_COMMAND(&prober->wire, "GET", key);
	prober->writes = !prober->writes;
	prober->from_us = from_us;
	caller_begin(&prober->caller, slot, &prober->wire, 1);
}

static void ended(struct caller *caller, enum call_end how, struct resp_cursor replies)
{
	struct prober *prober = caller->owner;
	struct probing *probing = prober->probing;
	int64_t now = now_us();
	(void)replies;
	if (probing->ending && how != CALL_ANSWERED)
		return; /* given up for the end's sake */
	*list_add(&probing->latencies_us) = now - prober->from_us;
	probing->failed += how != CALL_ANSWERED;
	if (now >= prober->due_us)
		begin(prober, prober->due_us);
}

/* One for each node that owns slots, also for those that come later. */
static void man(struct probing *probing)
{
	for (unsigned slot = 0; slot < SLOTS; slot++) {
		int node = probing->cluster.map.owner[slot];
		if (node == NOBODY || probing->probers[node])
			continue;
		struct prober *prober = zeroed(1, sizeof *prober);
		probing->probers[node] = prober;
		prober->probing = probing;
		prober->node = node;
		caller_init(&prober->caller, &probing->cluster, prober);
		prober->caller.ended = ended;
		begin(prober, now_us());
	}
}

static void tick(struct probing *probing, int64_t now)
{
	for (size_t i = 0; i < NODES_MAX; i++) {
		struct prober *prober = probing->probers[i];
		if (!prober)
			continue;
		caller_tick(&prober->caller, now);
		if (caller_busy(&prober->caller))
			continue;
		if (now >= prober->due_us)
			begin(prober, now);
		else
			cluster_due(&probing->cluster, prober->due_us);
	}
}

static void probe_on(struct probing *probing, int64_t end_us)
{
	struct cluster *cluster = &probing->cluster;
	for (int64_t check = 0; !probing->ending;) {
		int64_t now = now_us();
		if (now >= check) {
			man(probing);
			check = now + TICK_US;
			probing->ending = stopping() || now >= end_us;
		}
		cluster_due(cluster, check);
		loop_turn(&cluster->loop, cluster->due_us);
		cluster->due_us = INT64_MAX;
		cluster_tick(cluster, now_us());
		tick(probing, now_us());
	}
	for (size_t i = 0; i < NODES_MAX; i++)
		if (probing->probers[i])
			caller_give_up(&probing->probers[i]->caller);
}

static int by_size(const void *left, const void *right)
{
	int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
	return (a > b) - (a < b);
}

static void print_latencies(struct probing *probing)
{
	static const struct {
		const char *name;
		size_t of_1000;
	} PERCENTILES[] = { { "p50", 500 }, { "p99", 990 }, { "p99.9", 999 }, { "max", 1000 } };
	size_t n = probing->latencies_us.n;
	qsort(probing->latencies_us.at, n, sizeof *probing->latencies_us.at, by_size);
	printf("%zu probes, %" PRIu64 " without an answer", n, probing->failed);
	for (size_t i = 0; n > 0 && i < sizeof PERCENTILES / sizeof *PERCENTILES; i++)
		printf(", %s %" PRId64 " us", PERCENTILES[i].name,
		       probing->latencies_us.at[(n - 1) * PERCENTILES[i].of_1000 / 1000]);
	printf("\n");
}

int probe(const struct options *with)
{
	struct probing *probing = zeroed(1, sizeof *probing);
	probing->apart_us = US_PER_S / (with->rate ? with->rate : RATE_USUAL);
	probing->seed = (uint64_t)now_us();
	slot_tags(probing->tags);
	stopping_begin(with->stop_file);
	cluster_open(&probing->cluster, with->nodes, with->timeout_ms * US_PER_MS);
	if (!cluster_first_map(&probing->cluster, FIRST_MAP_US))
		die("none of %s tells who owns the slots: whom to probe?", with->nodes);
	probe_on(probing, with->seconds > 0 ? now_us() + with->seconds * US_PER_S : INT64_MAX);
	print_latencies(probing);
	bool any = probing->latencies_us.n > 0;
	for (size_t i = 0; i < NODES_MAX; i++) {
		if (!probing->probers[i])
			continue;
		caller_done(&probing->probers[i]->caller);
		text_free(&probing->probers[i]->wire);
		free(probing->probers[i]);
	}
	free(probing->latencies_us.at);
	cluster_close(&probing->cluster);
	free(probing);
	return any ? 0 : 1;
}
