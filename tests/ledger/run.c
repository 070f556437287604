/* run.c - `ledger run`: the workers write until enough is written, the time is over, or somebody says so. */
#include "run.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "stopping.h"
#include "workers.h"

#define TICK_US (100 * US_PER_MS)
#define LAST_REPLIES_US (2 * US_PER_S)
#define FIRST_MAP_US (5 * US_PER_S)

static void print_detours(FILE *out, const struct crew *crew)
{
	for (size_t i = 0; i < DETOURS_N; i++)
		fprintf(out, ", %s %" PRIu64, DETOUR_WORDS[i], crew->detours[i]);
}

static void tell_second(const struct crew *crew, int64_t began_us, uint64_t before)
{
	fprintf(stderr, "%" PRId64 " s: acknowledged %" PRIu64 " (+%" PRIu64 "), unknown %" PRIu64 ", refused %" PRIu64,
		(now_us() - began_us) / US_PER_S, crew->outcomes[ACKNOWLEDGED], crew->outcomes[ACKNOWLEDGED] - before,
		crew->outcomes[UNKNOWN], crew->outcomes[REFUSED]);
	print_detours(stderr, crew);
	fprintf(stderr, ", longest gap %" PRId64 " us\n", crew->longest_gap_us);
}

/* One turn; what is due is done when its time has come, so that a turn costs no look at every worker. */
static void turn(struct crew *crew)
{
	struct cluster *cluster = crew->cluster;
	loop_turn(&cluster->loop, cluster->due_us);
	int64_t now = now_us();
	if (now < cluster->due_us)
		return;
	cluster->due_us = INT64_MAX;
	cluster_tick(cluster, now);
	crew_tick(crew, now);
}

static void write_on(struct crew *crew, const struct options *with)
{
	int64_t began = now_us(), tick = began + TICK_US, second = began + US_PER_S;
	uint64_t before = 0;
	while (!crew->ending) {
		cluster_due(crew->cluster, tick);
		turn(crew);
		int64_t now = now_us();
		if (now < tick)
			continue;
		tick = now + TICK_US;
		journal_flush(crew->journal);
		if (stopping() || (with->seconds > 0 && now >= began + with->seconds * US_PER_S))
			crew->ending = true;
		if (now < second)
			continue;
		if (with->verbose)
			tell_second(crew, began, before);
		before = crew->outcomes[ACKNOWLEDGED];
		second += US_PER_S;
	}
}

static void take_last_replies(struct crew *crew)
{
	int64_t end = now_us() + LAST_REPLIES_US;
	crew_end(crew);
	while (crew_busy(crew) && now_us() < end) {
		cluster_due(crew->cluster, end);
		turn(crew);
	}
	crew_give_up(crew);
}

static void summarise(const struct crew *crew, int64_t took_us)
{
	struct rusage used;
	getrusage(RUSAGE_SELF, &used);
	double cpu = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
		     (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / US_PER_S;
	uint64_t acknowledged = crew->outcomes[ACKNOWLEDGED];
	printf("acknowledged %" PRIu64 ", unknown %" PRIu64 ", refused %" PRIu64, acknowledged, crew->outcomes[UNKNOWN],
	       crew->outcomes[REFUSED]);
	print_detours(stdout, crew);
	printf(", longest gap %" PRId64 " us; %.1f s, %.0f writes/s, %.0f for each second of its own CPU time\n",
	       crew->longest_gap_us, (double)took_us / US_PER_S, (double)acknowledged * US_PER_S / (double)took_us,
	       (double)acknowledged / cpu);
}

/* Two runs on one cluster must not share keys, also with one seed. */
static void name_run(char ret_run[RUN_SIZE])
{
	uint64_t now = (uint64_t)now_us() ^ (uint64_t)getpid() << 40;
	snprintf(ret_run, RUN_SIZE, "L%08" PRIx32, (uint32_t)(random_word(&now) >> 32));
}

int run(const struct options *with)
{
	struct journal_head head = { .workers = (unsigned)with->connections, .seed = (uint64_t)with->seed };
	struct cluster cluster;
	struct journal journal;
	struct keys keys;
	name_run(head.run);
	stopping_begin(with->stop_file);
	cluster_open(&cluster, with->nodes, with->timeout_ms * US_PER_MS);
	if (!cluster_first_map(&cluster, FIRST_MAP_US))
		die("none of %s tells who owns the slots: is the cluster formed, and can it be reached?", with->nodes);
	journal_create(&journal, with->journal, &head);
	keys_init(&keys, head.run, (size_t)with->keys, head.workers, &with->slots, head.seed);
	struct crew crew = {
		.cluster = &cluster,
		.keys = &keys,
		.journal = &journal,
		.writes_max = (uint64_t)with->writes,
		.apart_us = with->rate > 0 ? US_PER_S / with->rate : 0,
	};
	crew_init(&crew, head.workers, head.seed);
	int64_t began = now_us();
	crew_begin(&crew);
	write_on(&crew, with);
	take_last_replies(&crew);
	summarise(&crew, now_us() - began);
	journal_close(&journal);
	crew_done(&crew);
	keys_done(&keys);
	cluster_close(&cluster);
	return crew.outcomes[ACKNOWLEDGED] > 0 ? 0 : 1;
}
