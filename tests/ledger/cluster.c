/* cluster.c - the cluster as a client knows it: its map, kept up to date by asking one node after the other. */
#include "cluster.h"

#include <string.h>

#define SCOUT_TIMEOUT_US (500 * US_PER_MS)
#define SCOUT_PAUSE_US (50 * US_PER_MS)

static void scout_answered(struct conn *conn, struct resp_cursor replies)
{
	struct cluster *cluster = conn->owner;
	cluster->scout_at_us = now_us() + SCOUT_PAUSE_US;
	if (!map_take(&cluster->map, replies, (int)cluster->asked))
		return; /* the next one is asked, still wanted */
	cluster->wanted = false;
	cluster->maps++;
}

static void scout_lost(struct conn *conn)
{
	struct cluster *cluster = conn->owner;
	cluster->scout_at_us = now_us() + SCOUT_PAUSE_US;
}

static void asker_answered(struct conn *conn, struct resp_cursor replies)
{
	struct cluster *cluster = conn->owner;
	cluster->answer = replies;
}

static void asker_lost(struct conn *conn)
{
	(void)conn; /* nothing is awaited any more, and no answer there */
}

static void add_node(struct cluster *cluster, const char *text, size_t n)
{
	if (n == 0 || n >= ADDRESS_SIZE || map_address(&cluster->map, text, n, 0) == NOBODY)
		die("--nodes: '%.*s' is no HOST:PORT that can be looked up", (int)n, text);
}

void cluster_open(struct cluster *cluster, const char *nodes, int64_t timeout_us)
{
	*cluster = (struct cluster){ .timeout_us = timeout_us, .due_us = INT64_MAX, .asker_node = NOBODY };
	loop_open(&cluster->loop);
	map_init(&cluster->map);
	for (;;) {
		size_t n = strcspn(nodes, ",");
		if (nodes[0] == ':')
			die("--nodes: '%.*s' has no host", (int)n, nodes);
		add_node(cluster, nodes, n);
		if (nodes[n] == '\0')
			break;
		nodes += n + 1;
	}
	conn_init(&cluster->scout, &cluster->loop, cluster);
	cluster->scout.answered = scout_answered;
	cluster->scout.lost = scout_lost;
	conn_init(&cluster->asker, &cluster->loop, cluster);
	cluster->asker.answered = asker_answered;
	cluster->asker.lost = asker_lost;
}

void cluster_close(struct cluster *cluster)
{
	conn_done(&cluster->scout);
	conn_done(&cluster->asker);
	loop_close(&cluster->loop);
}

void cluster_due(struct cluster *cluster, int64_t at_us)
{
	if (at_us < cluster->due_us)
		cluster->due_us = at_us;
}

void cluster_want_map(struct cluster *cluster)
{
	cluster->wanted = true;
	cluster_due(cluster, cluster->scout_at_us);
}

static void scout_ask(struct cluster *cluster, int64_t now)
{
	struct text wire = { 0 };
	RESP_COMMAND(&wire, "CLUSTER", "SLOTS");
	conn_close(&cluster->scout); /* each time another node's turn */
	cluster->asked = (cluster->asked + 1) % cluster->map.n;
	cluster->scout_at_us = now + SCOUT_TIMEOUT_US;
	conn_ask(&cluster->scout, &cluster->map.nodes[cluster->asked], &(struct text){ 0 }, &wire, 1);
	text_free(&wire);
}

void cluster_tick(struct cluster *cluster, int64_t now)
{
	if (cluster->scout.awaited > 0 && now >= cluster->scout_at_us) {
		conn_close(&cluster->scout);
		cluster->scout_at_us = now;
	}
	if (cluster->wanted && cluster->scout.awaited == 0 && now >= cluster->scout_at_us)
		scout_ask(cluster, now);
	if (cluster->wanted || cluster->scout.awaited > 0)
		cluster_due(cluster, cluster->scout_at_us);
}

bool cluster_first_map(struct cluster *cluster, int64_t patience_us)
{
	int64_t end = now_us() + patience_us;
	uint64_t before = cluster->maps;
	cluster_want_map(cluster);
	while (cluster->maps == before && now_us() < end) {
		cluster->due_us = end;
		cluster_tick(cluster, now_us());
		loop_turn(&cluster->loop, cluster->due_us);
	}
	return cluster->maps > before;
}

/* One question, waited for. */
bool cluster_ask(struct cluster *cluster, int node, const struct text *wire, struct resp_cursor *ret_reply)
{
	int64_t end = now_us() + cluster->timeout_us;
	struct conn *conn = &cluster->asker;
	if (cluster->asker_node != node)
		conn_close(conn);
	cluster->asker_node = node;
	cluster->answer = (struct resp_cursor){ 0 };
	conn_ask(conn, &cluster->map.nodes[node], &(struct text){ 0 }, wire, 1);
	while (conn->awaited > 0 && now_us() < end)
		loop_turn(&cluster->loop, end);
	if (conn->awaited > 0)
		conn_close(conn);
	*ret_reply = cluster->answer;
	return ret_reply->at != NULL;
}
