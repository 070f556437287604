/* compare.c - the views of all nodes, held against each other.
 *
 * Every line is held against its node's own entry, and only bits are kept: who lists whom, with a link, and agrees with
 * what that one says of itself. Besides, what lines tell of a node's addresses: where peers find it, and where not.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_line.h"
#include "rop/text.h"
#include "view.h"

struct by_id { /* ids to indexes: sorted, searched by halves; N views of N lines each are looked up */
	const char *id;
	int index;
};

struct miss { /* one looks for another where that one does not answer */
	size_t viewer, subject;
	const struct rop_node_line *line;
};

struct comparison {
	struct rop_observed *seen;
	struct rop_arena *work;
	const struct view *views; /* [node] */
	struct by_id *ids;
	size_t n_ids;
	const char **places; /* all addresses at which one of the nodes is, or says that it is; sorted */
	size_t n_places;
	const char **slots_text; /* [node] its own, as it would be written in a line */
	bool *found;             /* [node] some peer is connected to it */
	int *held, *fresh;       /* [node] by how many peers; of how many the link had its answer just now */
	ROP_LIST(struct miss) misses;
};

/* ---- ids and places ---------------------------------------------------------------------------------------- */

static int compare_ids(const void *a, const void *b)
{
	return strcmp(((const struct by_id *)a)->id, ((const struct by_id *)b)->id);
}

static int find_id(const struct comparison *c, const char *id)
{
	struct by_id key = { id, 0 }, *hit = bsearch(&key, c->ids, c->n_ids, sizeof key, compare_ids);
	return hit ? hit->index : -1;
}

static void sort_ids(struct comparison *c)
{
	c->ids = rop_alloc_n(c->work, c->seen->n, sizeof *c->ids);
	for (size_t i = 0; i < c->seen->n; i++)
		if (c->seen->nodes[i].id[0])
			c->ids[c->n_ids++] = (struct by_id){ c->seen->nodes[i].id, (int)i };
	qsort(c->ids, c->n_ids, sizeof *c->ids, compare_ids);
}

static int compare_places(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_places(struct comparison *c)
{
	c->places = rop_alloc_n(c->work, 2 * c->seen->n + 1, sizeof *c->places);
	for (size_t i = 0; i < c->seen->n; i++) {
		const struct rop_node *node = &c->seen->nodes[i];
		if (node->ip)
			c->places[c->n_places++] = rop_printf(c->work, "%s:%d", node->ip, node->port);
		if (node->own_address)
			c->places[c->n_places++] = node->own_address;
	}
	qsort(c->places, c->n_places, sizeof *c->places, compare_places);
}

/* ---- where peers find a node ------------------------------------------------------------------------------- */

static void take_handshake(const struct comparison *c, size_t viewer, const struct rop_node_line *line)
{
	struct rop_node *self = &c->seen->nodes[viewer];
	const char *address = line->address;
	self->handshakes++;
	if (!self->strange && !bsearch(&address, c->places, c->n_places, sizeof *c->places, compare_places))
		self->strange = view_address(c->seen->arena, line);
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
#define FRESH_MS 500 /* a link that is new had its answer within that; an old one has one every few seconds */
#define FRESH_PART 8 /* ... or every half of cluster-node-timeout, where that is sooner */

/* Within how long an answer of a link speaks for a new one. */
static int64_t fresh_ms(const struct rop_observed *seen, size_t viewer)
{
	int64_t timeout = rop_observed_number(seen, viewer, "cluster-node-timeout", ROP_NODE_TIMEOUT_MS);
	return timeout / FRESH_PART < FRESH_MS ? timeout / FRESH_PART : FRESH_MS;
}

/* Of two servers with one identity peers hear now this one, now that one, and drop the link each time. Who moved is not
 * heard any more. */
static bool was_heard_just_now(const struct view *view, const struct rop_node_line *line)
{
	return view->clock_ms && line->pong && view->clock_ms - line->pong < JUST_NOW_MS;
}

/* A member that came back elsewhere: its peers try the place where it was. Until somebody is told, that lasts. */
static void take_astray(struct comparison *c, size_t viewer, size_t subject, const struct rop_node_line *line)
{
	struct rop_node *node = &c->seen->nodes[subject];
	bool connected = line->connected && !line->fail && !line->pfail && !line->noaddr;
	bool heard = was_heard_just_now(&c->views[viewer], line);
	if (!rop_node_answers(node))
		return;
	c->found[subject] |= connected && !line->ping_sent;
	bool elsewhere = !rop_node_is_at(node, line->address) && !rop_streq(line->address, node->own_address);
	node->torn |= heard && !line->noaddr && (!connected || (line->ping_sent && elsewhere));
	c->held[subject]++;
	c->fresh[subject] += connected && heard && c->views[viewer].clock_ms - line->pong < fresh_ms(c->seen, viewer);
	if (line->noaddr)
		rop_bit_set(c->seen, c->seen->astray, viewer, subject);
	else if (!connected && c->views[viewer].clock_ms && !heard && !rop_node_is_at(node, line->address) &&
		 !announces(c->seen, node))
		*rop_push(c->work, &c->misses) = (struct miss){ viewer, subject, line };
}

/* Behind a translation of addresses peers find it where we do not: what one of them finds, the others will. */
static void keep_misses(struct comparison *c)
{
	for (size_t i = 0; i < c->misses.n; i++) {
		const struct miss *miss = &c->misses.at[i];
		struct rop_node *node = &c->seen->nodes[miss->subject];
		if (c->found[miss->subject])
			continue;
		rop_bit_set(c->seen, c->seen->astray, miss->viewer, miss->subject);
		if (!node->astray_at)
			node->astray_at = view_address(c->seen->arena, miss->line);
	}
}

static bool is_host_of(const char *address, const char *host, size_t n)
{
	return strncmp(address, host, n) == 0 && address[n] == ':' && !strchr(address + n + 1, ':');
}

/* A process has its bus to itself: with that port on that host it is the same server, whatever port for clients it was
 * said to have (cluster-announce-port was changed, and that has not come round yet). */
static bool has_its_bus(const struct rop_node *node, const struct rop_node_line *line)
{
	size_t own = node->own_address ? (size_t)(strrchr(node->own_address, ':') - node->own_address) : 0;
	if (!line->bus_port || line->bus_port != node->own_bus_port)
		return false;
	return (node->ip && is_host_of(line->address, node->ip, strlen(node->ip))) ||
	       (own && is_host_of(line->address, node->own_address, own));
}

/* A peer holds the node's id where it does not call itself to be: connected there, or without an answer. A link that is
 * being made counts as connected for a moment, also where nobody listens. */
static void take_held_address(const struct comparison *c, const struct view *view, const struct rop_node_line *line,
			      struct rop_node *node)
{
	bool connected = line->connected && !line->fail && !line->pfail;
	if (line->noaddr || !node->own_address || rop_address_is_unknown(line->address))
		return;
	node->at_own |= connected && !line->ping_sent && strcmp(line->address, node->own_address) == 0;
	if (strcmp(line->address, node->own_address) == 0 || rop_node_is_at(node, line->address) ||
	    has_its_bus(node, line)) {
		node->at_home |= connected;
		return;
	}
	bool heard = !connected && was_heard_just_now(view, line);
	if (((connected && !line->ping_sent) || heard) && !node->elsewhere)
		node->elsewhere = view_address(c->seen->arena, line);
	if (!line->ping_sent)
		return;
	int64_t for_ms = view->clock_ms > line->ping_sent ? view->clock_ms - line->ping_sent : 0;
	if (!node->held_at || for_ms > node->held_ms) {
		node->held_at = view_address(c->seen->arena, line);
		node->held_ms = for_ms;
	}
	node->held_by++;
}

/* Where a peer has no answer from it, whatever the place: of several that of the one who has waited longest. */
static void take_sought(const struct comparison *c, const struct view *view, const struct rop_node_line *line,
			struct rop_node *node)
{
	bool connected = line->connected && !line->noaddr;
	if (line->noaddr || rop_address_is_unknown(line->address) || (connected && !line->ping_sent))
		return;
	int64_t since_ms = line->ping_sent || connected ? line->ping_sent : line->pong;
	int64_t for_ms = since_ms && view->clock_ms > since_ms ? view->clock_ms - since_ms : 0;
	bool same = node->sought_at && node->sought_bus == line->bus_port &&
		    strcmp(node->sought_at, line->address) == 0;
	if (same)
		node->sought_by++;
	if (node->sought_at && for_ms <= node->sought_ms)
		return;
	node->sought_ms = for_ms;
	if (same)
		return;
	node->sought_at = view_address(c->seen->arena, line);
	node->sought_bus = line->bus_port;
	node->sought_by = 1;
}

/* ---- what views hold otherwise --------------------------------------------------------------------------------- */

/* "replica of 10.0.0.1:6379": as that line, or the node itself, has it. */
static const char *role_text(const struct comparison *c, enum rop_role role, const char *primary_id)
{
	int primary = primary_id[0] ? find_id(c, primary_id) : -1;
	if (role == ROP_ROLE_PRIMARY)
		return "a primary";
	if (role == ROP_ROLE_REPLICA && primary_id[0])
		return rop_printf(c->seen->arena, "a replica of %s",
				  primary >= 0 ? c->seen->nodes[primary].address : primary_id);
	return role == ROP_ROLE_REPLICA ? "a replica of nobody" : "of no known role";
}

/* The line of whom the viewer gives a slot to; NULL: nobody. */
static const struct rop_node_line *owner_in(const struct comparison *c, size_t viewer, int slot)
{
	for (size_t k = 0; k < c->views[viewer].n; k++) {
		const struct rop_node_line *line = &c->views[viewer].lines[k];
		struct rop_slots slots;
		int open;
		if (*line->slots && node_line_slots(line->slots, &slots, &open) && rop_slots_has(&slots, slot))
			return line;
	}
	return NULL;
}

static const char *owner_text(const struct comparison *c, size_t viewer, int slot, int *ret_node)
{
	const struct rop_node_line *line = owner_in(c, viewer, slot);
	*ret_node = line ? find_id(c, line->id) : -1;
	if (!line)
		return "nobody";
	if (*ret_node == (int)viewer)
		return "itself";
	return *ret_node >= 0 ? c->seen->nodes[*ret_node].address : rop_strdup(c->seen->arena, line->id);
}

/* Those that the subject claims and the viewer gives to another come first: clients are sent astray by it. false: their
 * slots are the same. */
static bool take_slots_differ(const struct comparison *c, const struct rop_node_line *line, struct rop_difference *d)
{
	const struct rop_node *node = &c->seen->nodes[d->subject];
	struct rop_slots held, differ, extra;
	int open, other;
	if (!node_line_slots(line->slots, &held, &open))
		return false;
	for (size_t w = 0; w < ROP_SLOTS / 64; w++) {
		differ.bits[w] = node->slots.bits[w] & ~held.bits[w];
		extra.bits[w] = held.bits[w] & ~node->slots.bits[w];
	}
	if (rop_slots_empty(&differ))
		differ = extra;
	if (rop_slots_empty(&differ))
		return false;
	d->in = ROP_DIFFERS_SLOTS;
	d->slots = rop_slots_text(c->seen->arena, &differ);
	d->held = owner_text(c, (size_t)d->viewer, rop_slots_first(&differ), &d->holder);
	d->says = owner_text(c, (size_t)d->subject, rop_slots_first(&differ), &other);
	return true;
}

static void take_difference(const struct comparison *c, size_t viewer, size_t subject, const struct rop_node_line *line)
{
	struct rop_observed *seen = c->seen;
	const struct rop_node *node = &seen->nodes[subject];
	const char *primary_id = line->primary_id[0] == '-' ? "" : line->primary_id;
	struct rop_difference d = { .viewer = (int)viewer, .subject = (int)subject, .holder = -1 };
	if (!rop_node_answers(node) || seen->differences.n == ROP_DIFFERENCES_MAX)
		return;
	if (view_role(line) != node->role || strcmp(primary_id, node->primary_id) != 0) {
		d.in = ROP_DIFFERS_ROLE;
		d.held = role_text(c, view_role(line), primary_id);
		d.says = role_text(c, node->role, node->primary_id);
	} else if (!take_slots_differ(c, line, &d)) {
		d.in = ROP_DIFFERS_EPOCH;
		d.held = rop_printf(seen->arena, "%" PRId64, line->epoch);
		d.says = rop_printf(seen->arena, "%" PRId64, node->epoch);
	}
	*rop_push(seen->arena, &seen->differences) = d;
}

/* ---- whom they list, and as what --------------------------------------------------------------------------- */

static const struct rop_node_line *find_in_views(const struct comparison *c, const struct rop_node *node)
{
	const struct rop_node_line *best = NULL;
	for (size_t i = 0; i < c->seen->n; i++) {
		for (size_t k = 0; k < c->views[i].n; k++) {
			const struct rop_node_line *line = &c->views[i].lines[k];
			if (line->handshake || line->myself)
				continue;
			bool same = node->id[0] ? strcmp(line->id, node->id) == 0 : rop_node_is_at(node, line->address);
			if (same && (!best || line->epoch > best->epoch))
				best = line;
		}
	}
	return best;
}

/* A declared node that is silent is found in the others' views by its address, or by the id it had before. */
static void fill_in_silent(struct comparison *c)
{
	for (size_t i = 0; i < c->seen->n; i++) {
		struct rop_node *node = &c->seen->nodes[i];
		const struct rop_node_line *line = rop_node_answers(node) ? NULL : find_in_views(c, node);
		if (!line)
			continue;
		view_take_entry(c->seen->arena, line, node);
		node->open_text = NULL;
		int open;
		node_line_slots(line->slots, &node->slots, &open);
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

static bool is_the_same_place(const struct comparison *c, const struct rop_node_line *line, size_t subject)
{
	const struct rop_node *node = &c->seen->nodes[subject];
	const char *primary_id = line->primary_id[0] == '-' ? "" : line->primary_id;
	return view_role(line) == node->role && strcmp(primary_id, node->primary_id) == 0 &&
	       same_slots(line, c->slots_text[subject], &node->slots);
}

static void take_sayings(const struct comparison *c, size_t viewer, size_t subject, const struct rop_node_line *line)
{
	struct rop_node *node = &c->seen->nodes[subject];
	bool same = is_the_same_place(c, line, subject);
	if (same && line->epoch == node->epoch)
		rop_bit_set(c->seen, c->seen->agrees, viewer, subject);
	else if (!line->myself)
		take_difference(c, viewer, subject, line);
	node->named_otherwise |= !same;
	node->named_owner |= !line->myself && line->slots[0];
	if (line->epoch > node->epoch && line->epoch > node->epoch_held)
		node->epoch_held = line->epoch;
}

static void take_line(struct comparison *c, size_t viewer, size_t subject, const struct rop_node_line *line)
{
	struct rop_observed *seen = c->seen;
	bool failing = line->fail || line->pfail;
	rop_bit_set(seen, seen->known, viewer, subject);
	if (failing)
		rop_bit_set(seen, seen->failing, viewer, subject);
	if (line->myself || (line->connected && !failing && !line->noaddr && !line->odd))
		rop_bit_set(seen, seen->linked, viewer, subject);
	take_sayings(c, viewer, subject, line);
	if (line->myself)
		return;
	take_held_address(c, &c->views[viewer], line, &seen->nodes[subject]);
	take_sought(c, &c->views[viewer], line, &seen->nodes[subject]);
	take_astray(c, viewer, subject, line);
}

static void take_foreign(struct comparison *c, size_t viewer, const struct rop_node_line *line)
{
	struct rop_foreign *peer = rop_observed_add_foreign(c->seen, viewer, line->id, line->address, line->flags,
							    line->slots);
	if (peer)
		peer->linked |= line->connected && !line->fail && !line->pfail && !line->noaddr;
}

static void take_view(struct comparison *c, size_t viewer)
{
	for (size_t k = 0; k < c->views[viewer].n; k++) {
		const struct rop_node_line *line = &c->views[viewer].lines[k];
		if (line->handshake) { /* no identity yet: comes, or goes within the node timeout */
			take_handshake(c, viewer, line);
			continue;
		}
		int subject = find_id(c, line->id), leaving = rop_observed_find_leaving(c->seen, line->id);
		c->seen->nodes[viewer].others += !line->myself;
		if (leaving >= 0 && !line->myself)
			rop_bit_set(c->seen, c->seen->listed, viewer, (size_t)leaving);
		if (subject >= 0)
			take_line(c, viewer, (size_t)subject, line);
		else if (leaving < 0 || *line->slots)
			take_foreign(c, viewer, line);
	}
}

/* Where a replica stands in one shard and its primary in another, a server may refuse to load the nodes.conf that it
 * writes now (Valkey 8.1: "corrupted cluster config file"). */
static void take_shards(const struct comparison *c, size_t viewer, const char *shards)
{
	struct rop_observed *seen = c->seen;
	int *shard_of = rop_alloc_n(c->work, seen->n + 1, sizeof *shard_of); /* from 1; 0: not listed */
	char id[ROP_ID_SIZE];
	int shard = 1, node;
	for (const char *at = shards; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " \n");
		snprintf(id, sizeof id, "%.*s", (int)n, at);
		if (n && (node = find_id(c, id)) >= 0)
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

void views_compare(struct rop_observed *seen, const struct view *views, const char *const *shards)
{
	ROP_OWN_ARENA work = rop_arena_new();
	struct comparison c = { .seen = seen,
				.work = work,
				.views = views,
				.slots_text = rop_alloc_n(work, seen->n, sizeof *c.slots_text),
				.found = rop_alloc_n(work, seen->n, sizeof *c.found),
				.held = rop_alloc_n(work, seen->n, sizeof *c.held),
				.fresh = rop_alloc_n(work, seen->n, sizeof *c.fresh) };
	fill_in_silent(&c);
	sort_ids(&c);
	sort_places(&c);
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		node->primary = node->primary_id[0] ? find_id(&c, node->primary_id) : -1;
		c.slots_text[i] = rop_slots_text(work, &node->slots);
	}
	for (size_t i = 0; i < seen->n; i++) {
		take_view(&c, i);
		if (shards[i])
			take_shards(&c, i, shards[i]);
	}
	keep_misses(&c);
	for (size_t i = 0; i < seen->n; i++)
		seen->nodes[i].fresh = c.held[i] > 0 && c.fresh[i] == c.held[i];
}
