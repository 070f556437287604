/* cluster.h - the cluster as a client knows it: its map, kept up to date by asking one node after the other. */
#ifndef LEDGER_CLUSTER_H
#define LEDGER_CLUSTER_H

#include "map.h"

struct cluster {
	struct loop loop;
	struct map map;
	int64_t timeout_us; /* so long a reply is waited for */
	int64_t due_us;     /* when the next of those that wait is due; it is only ever too early */

	/* Who asks for the map. */
	struct conn scout;
	size_t asked;        /* the node that is asked, or was asked last */
	bool wanted;         /* somebody was told that the map is old */
	int64_t scout_at_us; /* its deadline while it asks; else not again before then */
	uint64_t maps;       /* taken over so far */

	/* Who waits for one reply (cluster_ask). */
	struct conn asker;
	int asker_node; /* whom it is connected to, or NOBODY */
	struct resp_cursor answer;
};

/* `nodes` is H:P,H:P,... as given on the command line; what is wrong with it ends the process. */
void cluster_open(struct cluster *cluster, const char *nodes, int64_t timeout_us);
void cluster_close(struct cluster *cluster);

/* The map is old: it is asked for soon, at most every 50 ms. */
void cluster_want_map(struct cluster *cluster);
/* Somebody is to be looked after at that time. */
void cluster_due(struct cluster *cluster, int64_t at_us);
/* What the scout has to do by now; call it once a turn, after setting due_us to the far future. */
void cluster_tick(struct cluster *cluster, int64_t now);

/* Waits for a map; false if no node had one in this time. */
bool cluster_first_map(struct cluster *cluster, int64_t patience_us);

/* One command to one node, waited for; false when no whole reply came in time. The reply is there until the next call.
 */
bool cluster_ask(struct cluster *cluster, int node, const struct text *wire, struct resp_cursor *ret_reply);

#endif
