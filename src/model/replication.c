/* replication.c - what INFO replication tells of copies: histories, offsets, and which replicas a primary has online.
 *
 * Source: genRedisInfoString, section replication, of the servers' server.c: master_replid, master_replid2,
 * master_repl_offset, slave_repl_offset, "slave0:ip=...,port=...,state=online,offset=...,lag=...".
 */
#include "replication.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "rop/text.h"

static void take_id(const char *info, const char *key, char ret_id[ROP_ID_SIZE])
{
	char text[64];
	ret_id[0] = '\0';
	if (!rop_info_get(info, key, text, sizeof text) || strlen(text) != ROP_ID_SIZE - 1 ||
	    strspn(text, "0123456789abcdef") != ROP_ID_SIZE - 1 || strspn(text, "0") == ROP_ID_SIZE - 1)
		return;
	memcpy(ret_id, text, ROP_ID_SIZE);
}

static int64_t take_number(const char *info, const char *key)
{
	char text[32];
	int64_t value;
	return rop_info_get(info, key, text, sizeof text) && rop_int_parse(text, 0, INT64_MAX / 2, &value) ? value : -1;
}

void replication_take(const char *info, struct rop_node *node)
{
	take_id(info, "master_replid", node->replid);
	take_id(info, "master_replid2", node->replid2);
	int64_t followed = take_number(info, "slave_repl_offset");
	node->sync_idle_s = take_number(info, "master_sync_last_io_seconds_ago");
	node->link_down_s = take_number(info, "master_link_down_since_seconds");
	node->priority = take_number(info, "slave_priority");
	node->offset = followed >= 0 ? followed : take_number(info, "master_repl_offset");
}

/* What evicts nothing is no key's: the server as it started, and buffers that come and go. Not its own
 * used_memory_dataset: that leaves out the table of keys, which goes with them. */
static int64_t data_memory(const char *info)
{
	static const char *const OTHERS[] = { "used_memory_startup",     "mem_clients_normal", "mem_clients_slaves",
					      "mem_replication_backlog", "mem_aof_buffer",     "mem_cluster_links" };
	int64_t data = take_number(info, "used_memory");
	for (size_t i = 0; data >= 0 && i < sizeof OTHERS / sizeof *OTHERS; i++) {
		int64_t other = take_number(info, OTHERS[i]);
		if (other > 0)
			data -= other < data ? other : data;
	}
	return data;
}

void replication_take_memory(const char *info, struct rop_node *node)
{
	char policy[32];
	node->used_memory = take_number(info, "used_memory");
	node->data_memory = data_memory(info);
	node->max_memory = take_number(info, "maxmemory");
	node->evicts = rop_info_get(info, "maxmemory_policy", policy, sizeof policy) &&
		       strcmp(policy, "noeviction") != 0;
}

/* One "ip=127.0.0.1,port=7003,state=online,..." */
struct online {
	char ip[64];
	int port;
	bool online;
};

static bool parse_line(const char *line, size_t n, struct online *ret)
{
	char text[256], state[32] = "";
	if (n >= sizeof text)
		return false;
	memcpy(text, line, n);
	text[n] = '\0';
	*ret = (struct online){ 0 };
	const char *port = strstr(text, ",port="), *at = strstr(text, ",state=");
	if (strncmp(text, "ip=", 3) != 0 || !port || !at || (size_t)(port - text) - 3 >= sizeof ret->ip)
		return false;
	memcpy(ret->ip, text + 3, (size_t)(port - text) - 3);
	if (sscanf(port, ",port=%5d", &ret->port) != 1 || sscanf(at, ",state=%31[a-z_]", state) != 1)
		return false;
	ret->online = strcmp(state, "online") == 0;
	return true;
}

static bool follows(const struct rop_observed *seen, size_t i, size_t primary)
{
	return seen->nodes[i].role == ROP_ROLE_REPLICA && seen->nodes[i].primary == (int)primary;
}

/* The replica that such a line stands for: by address and port, else by its port where only one replica has it (a host
 * may be seen by another address from there). -1: nobody that was asked. */
static int find_replica(const struct rop_observed *seen, size_t primary, const struct online *line)
{
	int by_port = -1, n = 0;
	for (size_t i = 0; i < seen->n; i++) {
		if (!follows(seen, i, primary) || seen->nodes[i].port != line->port)
			continue;
		if (seen->nodes[i].ip && strcmp(seen->nodes[i].ip, line->ip) == 0)
			return (int)i;
		by_port = (int)i;
		n++;
	}
	return n == 1 ? by_port : -1;
}

/* Replicas behind another address and port (replica-announce-*) cannot be told apart by their lines; where as many are
 * online as say that their link is up, it is those. */
static void take_the_rest(struct rop_observed *seen, size_t primary, int strangers)
{
	int up = 0;
	for (size_t i = 0; i < seen->n; i++)
		up += follows(seen, i, primary) && seen->nodes[i].link_up && !rop_bit(seen, seen->online, primary, i);
	for (size_t i = 0; up > 0 && strangers >= up && i < seen->n; i++)
		if (follows(seen, i, primary) && seen->nodes[i].link_up)
			rop_bit_set(seen, seen->online, primary, i);
}

/* Where in a line what follows "slave12:" begins; 0: it is another line. By hand, as sscanf() measures the whole text
 * that is behind it, for every line anew. */
static size_t after_name(const char *line, size_t n)
{
	size_t at = strlen("slave");
	if (n <= at || memcmp(line, "slave", at) != 0 || !isdigit((unsigned char)line[at]))
		return 0;
	while (at < n && isdigit((unsigned char)line[at]))
		at++;
	return at < n && line[at] == ':' ? at + 1 : 0;
}

/* Of the primary's replicas those that none of its lines is of, in whatever state: they are not connected to it. Where
 * a line is of nobody that was asked, it may be of any. */
static void note_unlisted(struct rop_observed *seen, size_t primary, const char *info, const bool *listed, int unknown)
{
	char count[16];
	if (unknown || !rop_info_get(info, "connected_slaves", count, sizeof count))
		return;
	for (size_t i = 0; i < seen->n; i++)
		if (follows(seen, i, primary) && !listed[i])
			rop_bit_set(seen, seen->unlisted, primary, i);
}

void replication_take_online(struct rop_observed *seen, size_t primary, const char *info)
{
	ROP_OWN_ARENA work = rop_arena_new();
	bool *listed = rop_alloc_n(work, seen->n + 1, sizeof *listed);
	int strangers = 0, unknown = 0;
	for (const char *p = info, *next; p && *p; p = next) {
		size_t n = strcspn(p, "\r\n");
		struct online line;
		next = strchr(p, '\n');
		next = next ? next + 1 : NULL;
		size_t at = after_name(p, n);
		if (!at)
			continue;
		bool read = parse_line(p + at, n - at, &line);
		int replica = read ? find_replica(seen, primary, &line) : -1;
		unknown += replica < 0;
		if (replica >= 0)
			listed[replica] = true;
		if (!read || !line.online)
			continue;
		if (replica >= 0)
			rop_bit_set(seen, seen->online, primary, (size_t)replica);
		else
			strangers++;
	}
	take_the_rest(seen, primary, strangers);
	note_unlisted(seen, primary, info, listed, unknown);
}
