/* map.h - the nodes that were heard of, and which of them owns each slot. */
#ifndef LEDGER_MAP_H
#define LEDGER_MAP_H

#include "conn.h"
#include "slots.h"

enum { NODES_MAX = 256, NOBODY = -1 };

struct map {
	struct address nodes[NODES_MAX]; /* never forgotten, so that numbers stay what they are */
	size_t n;
	int owner[SLOTS]; /* a node's number, or NOBODY */
};

void map_init(struct map *map);
/* The number of the node there, new or known; NOBODY if there is no such host (or are too many). */
int map_node(struct map *map, const char *host, const char *port);
/* The same of "HOST:PORT"; without a host it is the one of node `said_by`, as servers mean it. */
int map_address(struct map *map, const char *text, size_t n, int said_by);
/* Takes over a reply to CLUSTER SLOTS from node `said_by`; false if it tells no owner at all (nothing is changed). */
bool map_take(struct map *map, struct resp_cursor reply, int said_by);

#endif
