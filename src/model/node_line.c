/* node_line.c - one line of CLUSTER NODES: its fields, and the slots at its end.
 *
 * Source: clusterGenNodeDescription and clusterGenNodesSlotsInfo of the servers' cluster.c (cluster_legacy.c).
 */
#include "node_line.h"

#include <stdlib.h>
#include <string.h>

#include "rop/text.h"

static bool is_id(const char *s)
{
	return strlen(s) == ROP_ID_SIZE - 1 && strspn(s, "0123456789abcdef") == ROP_ID_SIZE - 1;
}

static void parse_flags(char *flags, struct rop_node_line *line)
{
	const struct {
		const char *name;
		bool *flag;
	} FLAGS[] = {
		{ "myself", &line->myself }, { "master", &line->primary }, { "slave", &line->replica },
		{ "fail?", &line->pfail },   { "fail", &line->fail },      { "handshake", &line->handshake },
		{ "noaddr", &line->noaddr },
	};
	for (char *word = flags; *word;) {
		size_t n = strcspn(word, ",");
		bool found = (n == 7 && memcmp(word, "noflags", 7) == 0) ||
			     (n == 10 && memcmp(word, "nofailover", 10) == 0);
		for (size_t i = 0; i < sizeof FLAGS / sizeof *FLAGS; i++) {
			if (strlen(FLAGS[i].name) == n && memcmp(word, FLAGS[i].name, n) == 0)
				found = *FLAGS[i].flag = true;
		}
		line->odd |= !found;
		word += n + (word[n] == ',');
	}
}

/* "ip:port@bus,hostname,key=value": the address is cut off before "@". Servers of before 4.0 tell no bus port. */
static void parse_address(char *address, struct rop_node_line *line)
{
	char *bus = strchr(address, '@'), *name = strchr(address, ',');
	int64_t port;
	line->address = address;
	line->hostname = "";
	if (name) {
		*name++ = '\0';
		name[strcspn(name, ",")] = '\0';
		line->hostname = strchr(name, '=') ? "" : name;
	}
	if (!bus || (name && bus > name))
		return;
	*bus++ = '\0';
	if (rop_int_parse(bus, 1, UINT16_MAX, &port))
		line->bus_port = (int)port;
}

bool rop_node_line_parse(char *text, struct rop_node_line *ret_line)
{
	struct rop_node_line line = { 0 };
	char *field[8], *rest = text;
	for (int i = 0; i < 8; i++) {
		if (!rest || !*rest)
			return false;
		field[i] = rest;
		rest = strchr(rest, ' ');
		if (rest)
			*rest++ = '\0';
	}
	line.id = field[0];
	line.flags = field[2];
	line.primary_id = field[3];
	line.slots = rest ? rest : field[7] + strlen(field[7]);
	if (!is_id(line.id) || !(is_id(line.primary_id) || strcmp(line.primary_id, "-") == 0))
		return false;
	parse_address(field[1], &line);
	if (!rop_int_parse(field[6], 0, INT64_MAX / 2, &line.epoch))
		return false;
	if (!rop_int_parse(field[4], 0, INT64_MAX / 2, &line.ping_sent))
		line.ping_sent = 0;
	if (!rop_int_parse(field[5], 0, INT64_MAX / 2, &line.pong))
		line.pong = 0;
	line.connected = strcmp(field[7], "connected") == 0;
	if (!line.connected && strcmp(field[7], "disconnected") != 0)
		return false;
	parse_flags(line.flags, &line);
	*ret_line = line;
	return true;
}

/* Said twice is said once: after CLUSTER SHARDS servers from 7.2 to 9.1 print the slots of a node again that they do
 * not find in a shard, as it comes with a nodes.conf of an older one. What is said a hundred times over is no answer:
 * a megabyte of "0-16383" would be billions of slots. */
#define SAID_MOST 100

static bool add_range(struct rop_slots *slots, int first, int last, int *said)
{
	*said += last - first + 1;
	if (*said > SAID_MOST * ROP_SLOTS)
		return false;
	rop_slots_add(slots, first, last);
	return true;
}

/* "0-5460 6000 [7000->-id]" into a set and a count of open slots. false: not slots. */
bool node_line_slots(const char *text, struct rop_slots *ret_slots, int *ret_open)
{
	struct rop_slots slots = { 0 };
	int open = 0, said = 0;
	for (const char *p = text; *p;) {
		size_t n = strcspn(p, " ");
		char word[32], *end;
		if (*p == '[') {
			open++;
		} else if (n > 0) {
			if (n >= sizeof word)
				return false;
			memcpy(word, p, n);
			word[n] = '\0';
			long first = strtol(word, &end, 10), last = first;
			if (end == word)
				return false;
			if (*end == '-') {
				char *from = end + 1;
				last = strtol(from, &end, 10);
				if (end == from)
					return false;
			}
			if (*end || first < 0 || last < first || last >= ROP_SLOTS)
				return false;
			if (!add_range(&slots, (int)first, (int)last, &said))
				return false;
		}
		p += n + (p[n] == ' ');
	}
	*ret_slots = slots;
	*ret_open = open;
	return true;
}

bool rop_open_slot_parse(const char *word, size_t n, struct rop_open_slot *ret_open)
{
	char text[64], *end;
	static const char IMPORTING[] = "-<-", MIGRATING[] = "->-";
	if (n < sizeof "[0->-]" - 1 + ROP_ID_SIZE - 1 || n >= sizeof text || word[0] != '[' || word[n - 1] != ']')
		return false;
	memcpy(text, word + 1, n - 2);
	text[n - 2] = '\0';
	long slot = strtol(text, &end, 10);
	bool importing = strncmp(end, IMPORTING, strlen(IMPORTING)) == 0;
	if (end == text || slot < 0 || slot >= ROP_SLOTS ||
	    !(importing || strncmp(end, MIGRATING, strlen(MIGRATING)) == 0) || !is_id(end + strlen(IMPORTING)))
		return false;
	*ret_open = (struct rop_open_slot){ .slot = (int)slot, .importing = importing, .keys = ROP_COUNT_NOT_ASKED };
	memcpy(ret_open->peer, end + strlen(IMPORTING), ROP_ID_SIZE);
	return true;
}

void node_line_open(struct rop_arena *arena, const char *text, struct rop_node *node)
{
	struct rop_open_slot open;
	for (const char *p = strchr(text, '['); p && *p; p += strspn(p, " ")) {
		size_t n = strcspn(p, " ");
		if (rop_open_slot_parse(p, n, &open))
			rop_node_set_open(arena, node, &open);
		p += n;
	}
}
