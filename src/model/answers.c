/* answers.c - from the texts that nodes sent to the observed cluster. Pure; the fuzzers live on it.
 *
 * Nodes may be broken or hostile. Work is linear in what they sent, which is bounded by the number of declared nodes;
 * numbers are ones that sums of them do not overflow; texts are made fit to be shown as they become part of the model.
 *
 * First every node's own line becomes its canonical entry; then all other lines are held against those entries, and
 * only bits are kept. Nodes that did not answer take their entry from the first view that lists them.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_line.h"
#include "operators.h"
#include "replication.h"
#include "rop/observed.h"
#include "rop/text.h"

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

struct view { /* a node's CLUSTER NODES, parsed */
	struct rop_node_line *lines;
	size_t n;
	struct rop_node_line *own;
};

static size_t count_lines(const char *text)
{
	size_t n = 0;
	for (const char *p = text; *p; n++) {
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return n;
}

/* Each id once, as in the servers' own table; NULL: so it is. Open addressing; ids are hexadecimal noise, and whoever
 * makes them collide has only so many lines to do it with. */
static const char *find_twice(struct rop_arena *work, const struct view *view)
{
	size_t size = 16;
	while (size < 2 * view->n)
		size *= 2;
	const char **table = rop_alloc_n(work, size, sizeof *table);
	for (size_t i = 0; i < view->n; i++) {
		const char *id = view->lines[i].id;
		size_t at = (size_t)rop_digest(ROP_DIGEST_START, id, ROP_ID_SIZE - 1) & (size - 1);
		for (; table[at]; at = (at + 1) & (size - 1))
			if (memcmp(table[at], id, ROP_ID_SIZE) == 0)
				return id;
		table[at] = id;
	}
	return NULL;
}

/* NULL: understood; else a sentence why not. Lines and their texts live in `work`. */
static const char *parse_view(struct rop_arena *work, const char *text, size_t declared, struct view *ret_view)
{
	static const char NOT_UNDERSTOOD[] = "its CLUSTER NODES cannot be understood";
	struct view view = { 0 };
	if (!text)
		return NOT_UNDERSTOOD;
	size_t lines = count_lines(text);
	if (lines > ROP_VIEW_LINES_MAX(declared) || strlen(text) > ROP_VIEW_BYTES_MAX(declared))
		return "its CLUSTER NODES is longer than the declared nodes can explain";
	char *copy = rop_strdup(work, text);
	view.lines = rop_alloc_n(work, lines, sizeof *view.lines);
	for (char *line = copy, *next; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		size_t n = strlen(line);
		if (n && line[n - 1] == '\r')
			line[--n] = '\0';
		if (!n)
			continue;
		if (!rop_node_line_parse(line, &view.lines[view.n++]))
			return NOT_UNDERSTOOD;
	}
	for (size_t i = 0; i < view.n; i++) {
		if (!view.lines[i].myself)
			continue;
		if (view.own)
			return "its CLUSTER NODES has two lines of its own";
		view.own = &view.lines[i];
	}
	if (!view.own)
		return NOT_UNDERSTOOD;
	if (find_twice(work, &view))
		return "its CLUSTER NODES lists a node twice";
	*ret_view = view;
	return NULL;
}

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

#define OPEN_TEXT_MAX 1024
#define ADDRESS_MAX 128

/* Where a line says that its node is; NULL: it does not say (":0", or a node that nobody has met yet). "::1:6379" is an
 * address. */
static const char *line_address(struct rop_arena *arena, const struct rop_node_line *line)
{
	return rop_address_is_unknown(line->address) ? NULL : visible(arena, line->address, ADDRESS_MAX);
}

static enum rop_role role_of(const struct rop_node_line *line)
{
	if (line->replica)
		return ROP_ROLE_REPLICA;
	return line->primary ? ROP_ROLE_PRIMARY : ROP_ROLE_UNKNOWN;
}

static void take_own_line(struct rop_arena *arena, const struct rop_node_line *own, struct rop_node *node)
{
	memcpy(node->id, own->id, ROP_ID_SIZE);
	node->role = role_of(own);
	node->primary_id[0] = '\0';
	if (own->primary_id[0] != '-')
		memcpy(node->primary_id, own->primary_id, ROP_ID_SIZE);
	node->epoch = own->epoch;
	const char *bracket = strchr(own->slots, '[');
	node->open_text = visible(arena, bracket, OPEN_TEXT_MAX);
}

static void not_redis(struct rop_node *node, const char *why)
{
	node->reach = ROP_REACH_NOT_REDIS;
	node->reach_why = why;
}

static void take_answer(const struct rop_observed *seen, struct rop_arena *work, const struct rop_answer *answer,
			struct rop_node *node, struct view *view)
{
	struct rop_arena *arena = seen->arena;
	const char **settings = node->settings;
	node->address = answer->address;
	node->ip = answer->ip;
	node->port = answer->port;
	node->bus_port = answer->bus_port ? answer->bus_port : answer->port + ROP_BUS_OFFSET;
	node->reach = answer->reach;
	node->reach_why = answer->reach_why;
	if (answer->expected_id)
		snprintf(node->id, sizeof node->id, "%s", answer->expected_id);
	if (!rop_node_answers(node))
		return;
	const char *why = parse_view(work, answer->cluster_nodes, seen->n, view);
	if (why) {
		not_redis(node, why);
		return;
	}
	take_own_line(arena, view->own, node);
	node->own_address = line_address(arena, view->own);
	if (!node_line_slots(view->own->slots, &node->slots, &node->open_slots)) {
		*view = (struct view){ 0 };
		not_redis(node, "its slots cannot be understood");
		return;
	}
	take_server(arena, answer->info_server, node);
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
	node->refused = answer->refused;
	node->rtt_ms = answer->rtt_ms;
	node->config_denied = answer->config_denied;
	node->forbidden = answer->forbidden;
	node->rights_hidden = answer->rights_hidden;
	node->no_config = answer->no_config;
	node->nameless = answer->nameless;
	node->modules = module_names(arena, answer->info_modules);
	if (answer->info_memory)
		node->used_memory = replication_used_memory(answer->info_memory);
	operators_take(arena, answer->operators, node);
	for (size_t s = 0; answer->settings && s < seen->n_settings; s++)
		settings[s] = visible(arena, answer->settings[s], SIZE_MAX);
	node->no_setting = answer->no_setting;
}

/* ---- all of them together ---------------------------------------------------------------------------------- */

/* Ids to indexes: sorted, searched by halves; N views of N lines each are looked up. */
struct by_id {
	const char *id;
	int index;
};

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct by_id *)a)->id, ((const struct by_id *)b)->id);
}

static int find_id(const struct by_id *index, size_t n, const char *id)
{
	struct by_id key = { id, 0 }, *hit = bsearch(&key, index, n, sizeof key, compare_ids);
	return hit ? hit->index : -1;
}

static size_t index_ids(struct rop_arena *arena, const struct rop_observed *seen, struct by_id **ret_index)
{
	struct by_id *index = rop_alloc_n(arena, seen->n, sizeof *index);
	size_t n = 0;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->nodes[i].id[0])
			index[n++] = (struct by_id){ seen->nodes[i].id, (int)i };
	qsort(index, n, sizeof *index, compare_ids);
	*ret_index = index;
	return n;
}

/* All addresses at which one of the nodes is, or says that it is; sorted. */
struct places {
	const char **at;
	size_t n;
};

static struct places places_of(struct rop_arena *work, const struct rop_observed *seen)
{
	struct places places = { .at = rop_alloc_n(work, 2 * seen->n + 1, sizeof(char *)) };
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		if (node->ip)
			places.at[places.n++] = rop_printf(work, "%s:%d", node->ip, node->port);
		if (node->own_address)
			places.at[places.n++] = node->own_address;
	}
	qsort(places.at, places.n, sizeof *places.at, compare_texts);
	return places;
}

static void take_handshake(const struct rop_observed *seen, const struct rop_node_line *line,
			   const struct places *places, struct rop_node *viewer)
{
	const char *address = line->address;
	viewer->handshakes++;
	if (!viewer->strange && !bsearch(&address, places->at, places->n, sizeof *places->at, compare_texts))
		viewer->strange = line_address(seen->arena, line);
}

/* Where it was asked, and gave this id. */
static bool is_where_it_answers(const struct rop_node_line *line, const struct rop_node *node)
{
	char address[128];
	snprintf(address, sizeof address, "%s:%d", node->ip ? node->ip : "?", node->port);
	return strcmp(line->address, address) == 0;
}

/* Told to say something else than where its packets come from; or nobody may know. */
static bool announces(const struct rop_observed *seen, const struct rop_node *node)
{
	int ip = rop_observed_setting(seen, "cluster-announce-ip"),
	    port = rop_observed_setting(seen, "cluster-announce-port");
	const char *an_ip = ip < 0 ? NULL : node->settings[ip], *a_port = port < 0 ? NULL : node->settings[port];
	return !an_ip || !a_port || *an_ip || strcmp(a_port, "0") != 0;
}

#define JUST_NOW_MS 2000

/* Of two servers with one identity peers hear now this one, now that one, and drop the link each time. Who moved is not
 * heard any more. */
static bool was_heard_just_now(const struct rop_node_line *line, int64_t viewer_ms)
{
	return viewer_ms && line->pong && viewer_ms - line->pong < JUST_NOW_MS;
}

/* A member that came back elsewhere: its peers try the place where it was. Until somebody is told, that lasts. */
static void take_astray(struct rop_observed *seen, size_t viewer, size_t subject, const struct rop_node_line *line,
			int64_t viewer_ms, bool *home)
{
	struct rop_node *node = &seen->nodes[subject];
	bool connected = line->connected && !line->fail && !line->pfail && !line->noaddr;
	if (!rop_node_answers(node) || line->myself)
		return;
	if (connected && !line->ping_sent)
		home[subject] = true;
	bool heard = was_heard_just_now(line, viewer_ms);
	node->torn |= !connected && !line->noaddr && heard;
	bool elsewhere = !connected && viewer_ms && !heard && !is_where_it_answers(line, node) &&
			 !announces(seen, node);
	if (!line->noaddr && !elsewhere)
		return;
	rop_bit_set(seen, seen->astray, viewer, subject);
	if (!node->astray_at && !line->noaddr)
		node->astray_at = line_address(seen->arena, line);
}

/* A peer holds the node's id where it does not call itself to be: connected there, or without an answer. A link that is
 * being made counts as connected for a moment, also where nobody listens. */
static void take_held_address(const struct rop_observed *seen, const struct rop_node_line *line, int64_t viewer_ms,
			      struct rop_node *node)
{
	bool connected = line->connected && !line->fail && !line->pfail;
	if (line->noaddr || !node->own_address || !line_address(seen->arena, line))
		return;
	if (strcmp(line->address, node->own_address) == 0 || is_where_it_answers(line, node)) {
		node->at_home |= connected;
		return;
	}
	bool heard = !connected && was_heard_just_now(line, viewer_ms);
	if (((connected && !line->ping_sent) || heard) && !node->elsewhere)
		node->elsewhere = line_address(seen->arena, line);
	if (!line->ping_sent)
		return;
	int64_t for_ms = viewer_ms > line->ping_sent ? viewer_ms - line->ping_sent : 0;
	if (!node->held_at || for_ms > node->held_ms) {
		node->held_at = line_address(seen->arena, line);
		node->held_ms = for_ms;
	}
	node->held_by++;
}

/* A declared node that is silent is found in the others' views by its address, or by the id it had before. */
static void fill_in_silent(struct rop_observed *seen, const struct view *views)
{
	for (size_t j = 0; j < seen->n; j++) {
		struct rop_node *node = &seen->nodes[j];
		if (rop_node_answers(node))
			continue;
		char address[128];
		snprintf(address, sizeof address, "%s:%d", node->ip ? node->ip : "?", node->port);
		const struct rop_node_line *best = NULL;
		for (size_t i = 0; i < seen->n; i++) {
			for (size_t k = 0; k < views[i].n; k++) {
				const struct rop_node_line *line = &views[i].lines[k];
				if (line->handshake || line->myself)
					continue;
				bool same = node->id[0] ? strcmp(line->id, node->id) == 0
							: strcmp(line->address, address) == 0;
				if (same && (!best || line->epoch > best->epoch))
					best = line;
			}
		}
		if (best) {
			take_own_line(seen->arena, best, node);
			node->open_text = NULL;
			int open;
			node_line_slots(best->slots, &node->slots, &open);
		}
	}
}

static bool same_slots(const struct rop_node_line *line, const char *canonical_text, const struct rop_slots *canonical)
{
	if (strcmp(line->slots, canonical_text) == 0)
		return true;
	struct rop_slots slots;
	int open;
	return node_line_slots(line->slots, &slots, &open) && memcmp(&slots, canonical, sizeof slots) == 0;
}

static void hold_against(struct rop_observed *seen, size_t viewer, const struct view *views, const struct by_id *index,
			 size_t n_index, const char **slots_text, const struct places *places, int64_t viewer_ms,
			 bool *home)
{
	struct rop_node *self = &seen->nodes[viewer];
	for (size_t k = 0; k < views[viewer].n; k++) {
		const struct rop_node_line *line = &views[viewer].lines[k];
		if (line->handshake) { /* no identity yet: comes, or goes within the node timeout */
			take_handshake(seen, line, places, self);
			continue;
		}
		int subject = find_id(index, n_index, line->id);
		if (!line->myself)
			self->others++;
		if (subject < 0) {
			rop_observed_add_foreign(seen, viewer, line->id, line->address, line->flags, line->slots);
			continue;
		}
		struct rop_node *node = &seen->nodes[subject];
		rop_bit_set(seen, seen->known, viewer, (size_t)subject);
		bool failing = line->fail || line->pfail;
		if (failing)
			rop_bit_set(seen, seen->failing, viewer, (size_t)subject);
		if (!line->myself)
			take_held_address(seen, line, viewer_ms, node);
		take_astray(seen, viewer, (size_t)subject, line, viewer_ms, home);
		if (line->myself || (line->connected && !line->fail && !line->pfail && !line->noaddr && !line->odd))
			rop_bit_set(seen, seen->linked, viewer, (size_t)subject);
		const char *primary_id = line->primary_id[0] == '-' ? "" : line->primary_id;
		if (role_of(line) == node->role && strcmp(primary_id, node->primary_id) == 0 &&
		    line->epoch == node->epoch && same_slots(line, slots_text[subject], &node->slots))
			rop_bit_set(seen, seen->agrees, viewer, (size_t)subject);
	}
}

/* Behind a translation of addresses peers find it where we do not: what one of them finds, the others will. */
static void keep_astray(struct rop_observed *seen, const bool *home, const struct view *views,
			const struct by_id *index, size_t n_index)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; k < views[i].n; k++) {
			const struct rop_node_line *line = &views[i].lines[k];
			int subject = line->handshake ? -1 : find_id(index, n_index, line->id);
			if (subject >= 0 && home[subject] && !line->noaddr)
				rop_bit_clear(seen, seen->astray, i, (size_t)subject);
		}
}

/* Where a replica stands in one shard and its primary in another, a server may refuse to load the nodes.conf that it
 * writes now (Valkey 8.1: "corrupted cluster config file"). */
static void take_shards(struct rop_observed *seen, struct rop_arena *work, size_t viewer, const char *shards,
			const struct by_id *index, size_t n_index)
{
	int *shard_of = rop_alloc_n(work, seen->n + 1, sizeof *shard_of); /* from 1; 0: not listed */
	char id[ROP_ID_SIZE];
	int shard = 1, node;
	for (const char *at = shards; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " \n");
		snprintf(id, sizeof id, "%.*s", (int)n, at);
		if (n && (node = find_id(index, n_index, id)) >= 0)
			shard_of[node] = shard;
		at += n;
		shard += *at == '\n';
		at += *at == '\n';
	}
	seen->nodes[viewer].shards_apart = 0;
	for (size_t i = 0; i < seen->n; i++) {
		int primary = seen->nodes[i].primary;
		if (seen->nodes[i].role != ROP_ROLE_REPLICA || primary < 0 || !shard_of[i] || !shard_of[primary] ||
		    shard_of[i] == shard_of[primary])
			continue;
		/* Who has not heard yet of the role itself shows that, too. */
		if (!rop_bit(seen, seen->agrees, viewer, i) || !rop_bit(seen, seen->agrees, viewer, (size_t)primary))
			continue;
		rop_bit_set(seen, seen->apart, viewer, i);
		seen->nodes[viewer].shards_apart++;
	}
}

struct rop_observed *rop_observed_from_answers(struct rop_arena *arena, const struct rop_answer *answers, size_t n,
					       const char **setting_names, size_t n_settings, int64_t boot_ms)
{
	struct rop_observed *seen = rop_observed_new(arena, n, setting_names, n_settings);
	ROP_OWN_ARENA work = rop_arena_new();
	struct view *views = rop_alloc_n(work, n, sizeof *views);
	const char **slots_text = rop_alloc_n(work, n, sizeof *slots_text);
	seen->boot_ms = boot_ms;
	for (size_t i = 0; i < n; i++)
		take_answer(seen, work, &answers[i], &seen->nodes[i], &views[i]);
	fill_in_silent(seen, views);

	struct by_id *index;
	size_t n_index = index_ids(work, seen, &index);
	for (size_t i = 0; i < n; i++) {
		struct rop_node *node = &seen->nodes[i];
		node->primary = node->primary_id[0] ? find_id(index, n_index, node->primary_id) : -1;
		slots_text[i] = rop_slots_text(work, &node->slots);
	}
	struct places places = places_of(work, seen);
	bool *home = rop_alloc_n(work, n + 1, sizeof *home);
	for (size_t i = 0; i < n; i++) {
		seen->nodes[i].shards_apart = answers[i].asked_shards ? ROP_COUNT_UNKNOWN : ROP_COUNT_NOT_ASKED;
		int64_t clock_us = answers[i].info_server ? info_number(answers[i].info_server, "server_time_usec", 0)
							  : 0;
		hold_against(seen, i, views, index, n_index, slots_text, &places, clock_us / 1000, home);
		if (rop_node_answers(&seen->nodes[i]) && answers[i].shards)
			take_shards(seen, work, i, answers[i].shards, index, n_index);
		if (rop_node_answers(&seen->nodes[i]) && answers[i].info_replication)
			replication_take_online(seen, i, answers[i].info_replication);
	}
	keep_astray(seen, home, views, index, n_index);
	return seen;
}
