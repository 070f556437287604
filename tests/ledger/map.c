/* map.c - the nodes that were heard of, and which of them owns each slot. */
#include "map.h"

#include <stdio.h>
#include <string.h>

void map_init(struct map *map)
{
	map->n = 0;
	for (size_t i = 0; i < SLOTS; i++)
		map->owner[i] = NOBODY;
}

int map_node(struct map *map, const char *host, const char *port)
{
	char text[ADDRESS_SIZE];
	snprintf(text, sizeof text, "%s:%s", host, port);
	for (size_t i = 0; i < map->n; i++)
		if (strcmp(map->nodes[i].text, text) == 0)
			return (int)i;
	if (map->n == NODES_MAX || !address_of(host, port, &map->nodes[map->n]))
		return NOBODY;
	return (int)map->n++;
}

static int node_of(struct map *map, const char *host, size_t host_n, const char *port, int said_by)
{
	char name[ADDRESS_SIZE];
	bool unsaid = host_n == 0 || (host_n == 1 && host[0] == '?');
	if (unsaid) {
		host = map->nodes[said_by].text;
		host_n = (size_t)(strrchr(host, ':') - host);
	}
	snprintf(name, sizeof name, "%.*s", (int)host_n, host);
	return map_node(map, name, port);
}

int map_address(struct map *map, const char *text, size_t n, int said_by)
{
	size_t colon = n;
	char port[8];
	while (colon > 0 && text[colon - 1] != ':')
		colon--;
	if (colon == 0)
		return NOBODY;
	snprintf(port, sizeof port, "%.*s", (int)(n - colon), text + colon);
	return node_of(map, text, colon - 1, port, said_by);
}

/* One node of a range: host, port, and more that is skipped. */
static int take_node(struct map *map, struct resp_cursor node, int said_by)
{
	struct resp_item list, host, number;
	char port[24];
	if (!resp_next(&node, &list) || list.type != RESP_ARRAY || list.number < 2 || !resp_next(&node, &host) ||
	    !resp_next(&node, &number) || number.type != RESP_NUMBER)
		return NOBODY;
	snprintf(port, sizeof port, "%lld", (long long)number.number);
	if (host.type == RESP_NULL)
		host.n = 0;
	return node_of(map, host.text, host.n, port, said_by);
}

/* [first, last, owner, replica...]; replicas are noted as nodes that can be asked. */
static bool take_range(struct map *map, struct resp_cursor range, int said_by, int *owner)
{
	struct resp_item list, first, last;
	if (!resp_next(&range, &list) || list.type != RESP_ARRAY || list.number < 3 || !resp_next(&range, &first) ||
	    !resp_next(&range, &last) || first.type != RESP_NUMBER || last.type != RESP_NUMBER || first.number < 0 ||
	    last.number >= SLOTS)
		return false;
	int node = take_node(map, range, said_by);
	for (int64_t i = 3; i < list.number && resp_skip(&range); i++)
		take_node(map, range, said_by);
	for (int64_t slot = first.number; slot <= last.number; slot++)
		owner[slot] = node;
	return node != NOBODY;
}

bool map_take(struct map *map, struct resp_cursor reply, int said_by)
{
	struct resp_item list;
	int owner[SLOTS];
	bool any = false;
	if (!resp_next(&reply, &list) || list.type != RESP_ARRAY)
		return false;
	for (size_t i = 0; i < SLOTS; i++)
		owner[i] = NOBODY;
	for (int64_t i = 0; i < list.number; i++) {
		any |= take_range(map, reply, said_by, owner);
		resp_skip(&reply);
	}
	if (any)
		memcpy(map->owner, owner, sizeof owner);
	return any;
}
