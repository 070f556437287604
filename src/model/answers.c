/* answers.c - from the texts that nodes sent to the observed cluster. Pure; the fuzzers live on it.
 *
 * Nodes may be broken or hostile. Work is linear in what they sent, which is bounded by the number of declared nodes;
 * numbers are ones that sums of them do not overflow; texts are made fit to be shown as they become part of the model.
 *
 * First every node's own line becomes its entry; then all other lines are held against those entries (compare.c).
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_line.h"
#include "operators.h"
#include "replication.h"
#include "rop/text.h"
#include "view.h"

static int64_t info_number(const char *info, const char *key, int64_t otherwise)
{
	char buf[32];
	int64_t value;
	return rop_info_get(info, key, buf, sizeof buf) && rop_int_parse(buf, 0, INT64_MAX / 2, &value) ? value
													: otherwise;
}

static bool info_is(const char *info, const char *key, const char *value)
{
	char buf[64];
	return rop_info_get(info, key, buf, sizeof buf) && strcmp(buf, value) == 0;
}

/* A text of a node's, as it may be kept. */
static const char *visible(struct rop_arena *arena, const char *s, size_t max)
{
	return s ? rop_text_visible(arena, s, strlen(s), max) : NULL;
}

/* ---- one node's own answer --------------------------------------------------------------------------------- */

static int parse_version(const char *text)
{
	int major = 0, minor = 0, patch = 0;
	if (sscanf(text, "%3d.%3d.%3d", &major, &minor, &patch) < 2 || major < 0 || minor < 0 || patch < 0)
		return 0;
	return major * 10000 + minor * 100 + patch;
}

static void take_server(struct rop_arena *arena, const char *info, struct rop_node *node)
{
	char version[32] = "", own[32];
	if (!info || !rop_info_get(info, "redis_version", version, sizeof version))
		return;
	char file[2];
	node->no_config_file = rop_info_get(info, "config_file", file, sizeof file) && !file[0];
	node->version = parse_version(version);
	int64_t port = info_number(info, "tcp_port", 0);
	node->tcp_port = port <= UINT16_MAX ? (int)port : 0;
	node->uptime_s = info_number(info, "uptime_in_seconds", -1);
	node->valkey = rop_info_get(info, "valkey_version", own, sizeof own);
	node->own_version = parse_version(node->valkey ? own : version);
	if (node->valkey)
		node->flavour = rop_printf(arena, "valkey %s", visible(arena, own, sizeof own));
	else
		node->flavour = rop_printf(arena, "redis %s", visible(arena, version, sizeof version));
}

/* "db0:keys=12,expires=0,avg_ttl=0", one line a database. -1: a number is none. */
static int64_t count_keys(const char *info)
{
	int64_t keys = 0;
	for (const char *p = info; (p = strstr(p, ":keys=")); p++) {
		int64_t more = 0;
		const char *digit = p + 6;
		if (!isdigit((unsigned char)*digit))
			return -1;
		for (; isdigit((unsigned char)*digit) && more < ROP_KEYS_MAX; digit++)
			more = more * 10 + (*digit - '0');
		keys = more < ROP_KEYS_MAX - keys ? keys + more : ROP_KEYS_MAX;
	}
	return keys;
}

#define MODULES_MAX 64
#define MODULE_NAME_MAX 64

static int compare_texts(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* "module:name=ReJSON,ver=20000,api=1,...", one line each. */
static const char *module_names(struct rop_arena *arena, const char *info)
{
	static const char MARK[] = "module:name=";
	const char *names[MODULES_MAX];
	size_t n = 0;
	ROP_OWN_TEXT text = { 0 };
	if (!info)
		return NULL;
	for (const char *p = info; n < MODULES_MAX && (p = strstr(p, MARK)); n++) {
		p += sizeof MARK - 1;
		names[n] = rop_text_visible(arena, p, strcspn(p, ", \r\n"), MODULE_NAME_MAX);
	}
	qsort(names, n, sizeof *names, compare_texts);
	for (size_t i = 0; i < n; i++)
		rop_text_add(&text, "%s ", names[i]);
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

static void not_redis(struct rop_node *node, const char *why)
{
	node->reach = ROP_REACH_NOT_REDIS;
	node->reach_why = why;
}

#define HOSTNAME_MAX 256

/* Where the file is silent the node knows it best (cluster-port, tls-cluster), unless ports are translated on the way:
 * then what it calls its port is another. */
static void take_bus_port(const struct rop_node_line *own, struct rop_node *node)
{
	const char *colon = strrchr(own->address, ':');
	int64_t port;
	if (!node->bus_declared && own->bus_port && colon && rop_int_parse(colon + 1, 1, UINT16_MAX, &port) &&
	    port == node->port)
		node->bus_port = own->bus_port;
}

static void take_answer(const struct rop_observed *seen, struct rop_arena *work, const struct rop_answer *answer,
			struct rop_node *node, struct view *view)
{
	struct rop_arena *arena = seen->arena;
	const char **settings = node->settings;
	node->address = answer->address;
	node->ip = answer->ip;
	node->port = answer->port;
	node->bus_declared = answer->bus_port != 0;
	node->bus_port = answer->bus_port ? answer->bus_port : answer->port + ROP_BUS_OFFSET;
	node->reach = answer->reach;
	node->reach_why = answer->reach_why;
	if (answer->expected_id)
		snprintf(node->id, sizeof node->id, "%s", answer->expected_id);
	node->leaving = answer->leaving ? answer->expected_id : NULL;
	if (!rop_node_answers(node))
		return;
	const char *why = view_parse(work, answer->cluster_nodes, seen->n, view);
	if (why) {
		not_redis(node, why);
		return;
	}
	view_take_entry(arena, view->own, node);
	node->own_address = view_address(arena, view->own);
	node->own_bus_port = view->own->bus_port;
	node->hostname = rop_text_visible(arena, view->own->hostname, strlen(view->own->hostname), HOSTNAME_MAX);
	take_bus_port(view->own, node);
	if (!node_line_slots(view->own->slots, &node->slots, &node->open_slots)) {
		*view = (struct view){ 0 };
		not_redis(node, "its slots cannot be understood");
		return;
	}
	node_line_open(arena, view->own->slots, node);
	for (size_t k = 0; k < node->open.n && answer->slot_keys; k++)
		node->open.at[k].keys = answer->slot_keys[node->open.at[k].slot];
	take_server(arena, answer->info_server, node);
	view->clock_ms = answer->info_server ? info_number(answer->info_server, "server_time_usec", 0) / 1000 : 0;
	if (answer->cluster_info) {
		node->state_ok = info_is(answer->cluster_info, "cluster_state", "ok");
		node->current_epoch = info_number(answer->cluster_info, "cluster_current_epoch", 0);
	}
	if (answer->info_replication) {
		node->link_up = info_is(answer->info_replication, "master_link_status", "up");
		node->syncing = info_is(answer->info_replication, "master_sync_in_progress", "1");
		replication_take(answer->info_replication, node);
	}
	node->keys = answer->info_keyspace ? count_keys(answer->info_keyspace) : ROP_COUNT_UNKNOWN;
	node->functions = answer->functions;
	node->libraries = answer->libraries;
	node->moves_by_itself = answer->moves_by_itself;
	node->jobs = answer->jobs;
	node->n_jobs = answer->n_jobs;
	node->refused = answer->refused;
	node->rtt_ms = answer->rtt_ms;
	node->config_denied = answer->config_denied;
	node->forbidden = answer->forbidden;
	node->rights_hidden = answer->rights_hidden;
	node->no_config = answer->no_config;
	node->nameless = answer->nameless;
	node->modules = module_names(arena, answer->info_modules);
	if (answer->info_memory)
		replication_take_memory(answer->info_memory, node);
	else if (answer->asked_memory)
		node->used_memory = node->data_memory = node->max_memory = ROP_COUNT_UNKNOWN;
	operators_take(arena, answer->operators, node);
	for (size_t s = 0; answer->settings && s < seen->n_settings; s++)
		settings[s] = visible(arena, answer->settings[s], SIZE_MAX);
	node->no_setting = answer->no_setting;
}

/* ---- all of them together ---------------------------------------------------------------------------------- */

/* One that is to leave, and answers somewhere else: it was declared anew there, and is looked for no more where it was.
 */
static void find_moved(struct rop_observed *seen)
{
	for (size_t i = seen->n - seen->n_leaving; i < seen->n; i++)
		for (size_t k = 0; k < seen->n && !rop_answers(seen, i); k++)
			if (k != i && rop_answers(seen, k) && strcmp(seen->nodes[k].id, seen->nodes[i].id) == 0)
				seen->nodes[i].id[0] = '\0';
}

struct rop_observed *rop_observed_from_answers(struct rop_arena *arena, const struct rop_answer *answers, size_t n,
					       const char **setting_names, size_t n_settings, int64_t boot_ms)
{
	struct rop_observed *seen = rop_observed_new(arena, n, setting_names, n_settings);
	ROP_OWN_ARENA work = rop_arena_new();
	struct view *views = rop_alloc_n(work, n, sizeof *views);
	const char **shards = rop_alloc_n(work, n, sizeof *shards);
	seen->boot_ms = boot_ms;
	for (size_t i = 0; i < n; i++) {
		struct rop_node *node = &seen->nodes[i];
		seen->n_leaving += answers[i].leaving;
		take_answer(seen, work, &answers[i], node, &views[i]);
		node->shards_apart = answers[i].asked_shards ? ROP_COUNT_UNKNOWN : ROP_COUNT_NOT_ASKED;
		shards[i] = rop_node_answers(node) ? answers[i].shards : NULL;
	}
	find_moved(seen);
	views_compare(seen, views, shards);
	for (size_t i = 0; i < n; i++)
		if (rop_answers(seen, i) && answers[i].info_replication)
			replication_take_online(seen, i, answers[i].info_replication);
	return seen;
}
