/* look.c - what the operator gets to see: each node's answer as of its own moment, put together as
 * rop_observed_from_answers does. A look takes time, so rows are of different ages; a node may be silent this time
 * though it is up. */
#include <stdlib.h>
#include <string.h>

#include "rop/text.h"
#include "sim.h"

/* ---- asking ------------------------------------------------------------------------------------------------ */

static uint64_t *copy_row(struct rop_arena *arena, const struct rop_observed *t, const uint64_t *row)
{
	uint64_t *copy = rop_alloc_n(arena, t->words, sizeof *copy);
	memcpy(copy, row, t->words * sizeof *copy);
	return copy;
}

/* The list is the reply's own: the truth goes on. */
static void show_open(const struct world *w, struct rop_arena *arena, struct reply *r)
{
	const struct rop_node *n = &w->truth->nodes[r->node];
	const struct server *server = &w->servers[r->node];
	struct frozen *frozen = rop_alloc_n(arena, server->kept.n + 1, sizeof *frozen);
	for (size_t k = 0; k < server->kept.n; k++)
		frozen[k] = server->kept.at[k];
	r->frozen = frozen;
	r->n_frozen = server->kept.n;
	memset(&r->own.open, 0, sizeof r->own.open);
	for (size_t k = 0; k < n->open.n; k++) {
		struct rop_open_slot open = n->open.at[k];
		open.keys = server->hides_keys ? ROP_COUNT_UNKNOWN : data_keys_in_slot(w, r->node, open.slot);
		*rop_push(arena, &r->own.open) = open;
	}
	if (n->open.n)
		r->own.open_text = rop_printf(arena, "[%d-%c-%s]", n->open.at[0].slot,
					      n->open.at[0].importing ? '<' : '>', n->open.at[0].peer);
}

static void take_reply(struct world *w, struct rop_arena *arena, struct reply *r)
{
	const struct rop_observed *t = w->truth;
	size_t row = r->node * t->words;
	r->own = t->nodes[r->node];
	memcpy(r->settings, t->nodes[r->node].settings, t->n_settings * sizeof *r->settings);
	size_t self = r->node;
	r->own.own_address = w->lines ? bus_place_text(w, arena, bus_own_place(w, self))
				      : rop_printf(arena, "%s:%d", r->own.ip, r->own.port);
	if (w->servers[r->node].hides_keys) {
		r->own.keys = ROP_COUNT_UNKNOWN;
		r->own.refused = "INFO keyspace";
	}
	show_open(w, arena, r);
	r->known = copy_row(arena, t, &t->known[row]);
	r->linked = copy_row(arena, t, &t->linked[row]);
	r->failing = copy_row(arena, t, &t->failing[row]);
	r->online = copy_row(arena, t, &t->online[row]);
	if (w->lines) {
		r->lines = rop_alloc_n(arena, t->n, sizeof *r->lines);
		memcpy(r->lines, bus_line(w, r->node, 0), t->n * sizeof *r->lines);
	}
	r->heard = rop_alloc_n(arena, t->n, sizeof *r->heard);
	memcpy(r->heard, &w->heard[AT(w, r->node, 0)], t->n * sizeof *r->heard);
}

/* Now down, now being synchronised: so shows a replica whose primary turns it away, and which tries again. */
static void flicker(const struct world *w, struct reply *r)
{
	const struct sim *s = w->sim;
	if (s->flickers != (int)r->node || s->calm || w->now_ms >= s->faults_end_ms || r->own.role != ROP_ROLE_REPLICA)
		return;
	r->own.link_up = false;
	r->own.syncing = world_luck(w, 'k', r->node, 0) & 1;
}

/* It is sent from its primary to that one's clone and back. */
static void tear(const struct world *w, struct reply *r)
{
	if (r->own.role == ROP_ROLE_REPLICA && r->own.primary >= 0 && w->clone == r->own.primary)
		r->own.link_up = r->own.link_up && world_luck(w, 'L', r->node, 0) % 3 == 0;
}

static void ask(struct world *w, struct rop_arena *arena, struct reply *r, bool lost)
{
	const struct server *server = &w->servers[r->node];
	r->reach = ROP_REACH_SILENT;
	r->why = server->up || server->frozen ? "no answer in time" : "connection refused";
	if (server->up && !lost && w->now_ms < server->loading_until_ms) {
		r->reach = ROP_REACH_LOADING;
		r->why = "it is loading its data set";
	} else if (server->up && !lost) {
		r->answers = true;
		r->reach = ROP_REACH_OK;
		take_reply(w, arena, r);
		flicker(w, r);
		tear(w, r);
	}
}

static int by_time(const void *a, const void *b)
{
	const struct reply *x = a, *y = b;
	return x->at_ms != y->at_ms ? (x->at_ms > y->at_ms) - (x->at_ms < y->at_ms)
				    : (x->node > y->node) - (x->node < y->node);
}

/* ---- putting together -------------------------------------------------------------------------------------- */

static bool has(const uint64_t *row, size_t subject)
{
	return row[subject / 64] >> (subject % 64) & 1;
}

static bool knows(const struct reply *r, size_t subject)
{
	return has(r->known, subject);
}

int64_t look_shown_epoch(const struct world *w, const struct claim *claim)
{
	return claim->role == ROP_ROLE_REPLICA && claim->primary >= 0 ? w->truth->nodes[claim->primary].epoch
								      : claim->epoch;
}

static void show_claim(const struct world *w, struct rop_node *node, const struct claim *claim)
{
	node->role = claim->role;
	node->primary = claim->primary;
	node->epoch = look_shown_epoch(w, claim);
	node->slots = claim->slots;
	if (claim->primary >= 0)
		memcpy(node->primary_id, w->truth->nodes[claim->primary].id, ROP_ID_SIZE);
}

/* A peer that was met and not heard of yet: a primary without anything. */
static const struct claim NOTHING_HEARD = { .role = ROP_ROLE_PRIMARY, .primary = -1 };

const struct claim *look_heard_by(const struct world *w, const struct reply *r, size_t subject, struct claim *room)
{
	if (r->heard[subject] < 0)
		return &NOTHING_HEARD;
	const struct claim *claim = &w->servers[subject].claims.at[r->heard[subject]];
	if (!w->contested || (!claim->owns && !r->n_frozen))
		return claim;
	*room = *claim;
	room->slots = gossip_slots_of(w, r->heard, r->known, subject);
	moves_seen_by(r->frozen, r->n_frozen, subject, &room->slots);
	return room;
}

const char *look_expected_id(const struct rop_image *image, const char *address)
{
	for (size_t m = 0; image && m < image->members.n; m++)
		if (strcmp(image->members.at[m].address, address) == 0)
			return image->members.at[m].node;
	return "";
}

/* As fill_in_silent: by what the others list, the greatest epoch first. */
static void show_silent(const struct world *w, struct rop_observed *seen, const struct reply *silent,
			const struct reply *replies, const struct rop_image *image)
{
	struct rop_node *node = &seen->nodes[silent->node];
	const char *expected = look_expected_id(image, node->address);
	struct claim best = { 0 }, room;
	bool any = false;
	for (size_t k = 0; k < seen->n; k++) {
		if (!replies[k].answers || !knows(&replies[k], silent->node))
			continue;
		const struct claim *claim = look_heard_by(w, &replies[k], silent->node, &room);
		if (!any || look_shown_epoch(w, claim) > look_shown_epoch(w, &best))
			best = *claim;
		any = true;
	}
	memcpy(node->id, expected, strlen(expected) + 1);
	if (!any || (expected[0] && strcmp(expected, w->truth->nodes[silent->node].id) != 0))
		return;
	memcpy(node->id, w->truth->nodes[silent->node].id, ROP_ID_SIZE);
	show_claim(w, node, &best);
}

static bool same_claim(const struct world *w, const struct claim *heard, const struct rop_node *shown)
{
	return heard->role == shown->role && heard->primary == shown->primary &&
	       (heard->role == ROP_ROLE_REPLICA || look_shown_epoch(w, heard) == shown->epoch) &&
	       memcmp(&heard->slots, &shown->slots, sizeof shown->slots) == 0;
}

/* As compare.c has it: what this one holds of the other, beside what that one says. */
static void show_difference(const struct world *w, const struct claim *heard, struct rop_node *shown)
{
	shown->named_otherwise |= heard->role != shown->role || heard->primary != shown->primary ||
				  memcmp(&heard->slots, &shown->slots, sizeof shown->slots) != 0;
	shown->named_owner |= !rop_slots_empty(&heard->slots);
	int64_t epoch = look_shown_epoch(w, heard);
	if (epoch > shown->epoch && epoch > shown->epoch_held)
		shown->epoch_held = epoch;
}

static void show_row(const struct world *w, struct rop_observed *seen, const struct reply *r)
{
	struct claim room;
	for (size_t j = 0; j < seen->n; j++) {
		if (!knows(r, j) || strcmp(seen->nodes[j].id, w->truth->nodes[j].id) != 0)
			continue;
		rop_bit_set(seen, seen->known, r->node, j);
		if (has(r->linked, j))
			rop_bit_set(seen, seen->linked, r->node, j);
		if (has(r->failing, j))
			rop_bit_set(seen, seen->failing, r->node, j);
		if (has(r->online, j) && seen->nodes[j].role == ROP_ROLE_REPLICA &&
		    seen->nodes[j].primary == (int)r->node)
			rop_bit_set(seen, seen->online, r->node, j);
		if (j == r->node || same_claim(w, look_heard_by(w, r, j, &room), &seen->nodes[j]))
			rop_bit_set(seen, seen->agrees, r->node, j);
		if (j != r->node)
			show_difference(w, look_heard_by(w, r, j, &room), &seen->nodes[j]);
	}
}

/* What a ghost still owns in the others' views: nobody has won it. */
static const char *slots_of_ghost(const struct rop_observed *seen, const struct ghost *ghost)
{
	struct rop_slots left = ghost->slots;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->nodes[i].epoch > ghost->epoch)
			rop_slots_drop(&left, &seen->nodes[i].slots);
	return rop_slots_empty(&left) ? NULL : rop_slots_text(seen->arena, &left);
}

static void show_ghost(struct rop_observed *seen, const struct ghost *ghost, size_t viewer, const char *slots)
{
	int leaver = rop_observed_find_leaving(seen, ghost->id);
	if (leaver >= 0)
		rop_bit_set(seen, seen->listed, viewer, (size_t)leaver);
	if (leaver < 0 || slots)
		ghost_show(ghost, seen, viewer, slots);
}

static void show_ghosts(const struct world *w, struct rop_observed *seen)
{
	for (size_t g = 0; g < w->ghosts.n; g++) {
		const struct ghost *ghost = &w->ghosts.at[g];
		const char *slots = ghost->forgotten ? NULL : slots_of_ghost(seen, ghost);
		for (size_t i = 0; i < seen->n; i++)
			if (seen->nodes[i].reach == ROP_REACH_OK && ghost_is_listed(ghost, i))
				show_ghost(seen, ghost, i, slots);
	}
}

/* ---- who leaves -------------------------------------------------------------------------------------------- */

static bool is_asked(const struct rop_observed *seen, size_t node)
{
	return node < seen->n - seen->n_leaving || seen->nodes[node].leaving;
}

static void show_who_leaves(const struct world *w, struct rop_observed *seen, const struct rop_topology *topology)
{
	size_t staying = topology->nodes.n - topology->n_leaving;
	seen->n_leaving = seen->n - staying;
	for (size_t i = staying; i < seen->n; i++)
		seen->nodes[i].leaving = rop_strdup(seen->arena, leave_as(w, topology, i));
}

/* Entries of those that are to leave, and of those that nobody asks. */
static void show_leavers(const struct world *w, struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = seen->n - seen->n_leaving; j < seen->n; j++) {
			if (i == j || !rop_answers(seen, i) || !rop_bit(seen, seen->known, i, j))
				continue;
			rop_bit_set(seen, seen->listed, i, j);
			const struct rop_node *node = &seen->nodes[j];
			if (!is_asked(seen, j))
				rop_observed_add_foreign(seen, i, w->truth->nodes[j].id, node->address,
							 node->role == ROP_ROLE_REPLICA ? "slave" : "master",
							 rop_slots_empty(&node->slots)
								 ? NULL
								 : rop_slots_text(seen->arena, &node->slots));
		}
}

static void narrow_bits(const struct rop_observed *all, struct rop_observed *seen, const int *order)
{
	uint64_t *from[] = { all->known, all->linked, all->agrees,   all->failing, all->astray,
			     all->apart, all->online, all->unlisted, all->listed };
	uint64_t *to[] = { seen->known, seen->linked, seen->agrees,   seen->failing, seen->astray,
			   seen->apart, seen->online, seen->unlisted, seen->listed };
	for (size_t m = 0; m < sizeof from / sizeof *from; m++)
		for (size_t a = 0; a < seen->n; a++)
			for (size_t b = 0; b < seen->n; b++)
				if (order[a] >= 0 && order[b] >= 0 &&
				    rop_bit(all, from[m], (size_t)order[a], (size_t)order[b]))
					rop_bit_set(seen, to[m], a, b);
}

/* It left, and another node was a member at its address after it. */
static void show_nobody(struct rop_observed *seen, size_t k, const struct rop_declared_node *declared)
{
	struct rop_node *node = &seen->nodes[k];
	node->address = rop_address_join(seen->arena, declared->host, declared->port);
	node->reach = ROP_REACH_SILENT;
	node->reach_why = declared->no_ip;
	node->leaving = rop_strdup(seen->arena, declared->leaving);
	memcpy(node->id, declared->leaving, ROP_ID_SIZE);
}

struct rop_observed *look_narrow(const struct world *w, struct rop_observed *all, const struct rop_topology *topology)
{
	size_t n = topology->nodes.n;
	int *order = rop_alloc_n(all->arena, n, sizeof *order), *place = rop_alloc_n(all->arena, all->n, sizeof *place);
	if (!all->n_leaving)
		return all;
	struct rop_observed *seen = rop_observed_new(all->arena, n, all->setting_names, all->n_settings);
	for (size_t i = 0; i < all->n; i++)
		place[i] = -1;
	for (size_t k = 0; k < n; k++) {
		order[k] = leave_node_of(w, topology, k);
		if (order[k] >= 0)
			place[order[k]] = (int)k;
	}
	for (size_t k = 0; k < n; k++) {
		if (order[k] < 0) {
			show_nobody(seen, k, &topology->nodes.at[k]);
			continue;
		}
		seen->nodes[k] = all->nodes[order[k]];
		int primary = seen->nodes[k].primary;
		seen->nodes[k].primary = primary < 0 ? -1 : place[primary];
	}
	narrow_bits(all, seen, order);
	for (size_t f = 0; f < all->foreign.n; f++) {
		struct rop_foreign *foreign = rop_push(all->arena, &seen->foreign);
		*foreign = all->foreign.at[f];
		foreign->viewer = place[foreign->viewer];
	}
	seen->foreign_more = all->foreign_more;
	seen->n_leaving = topology->n_leaving;
	seen->began_ms = all->began_ms;
	seen->boot_ms = all->boot_ms;
	return seen;
}

static struct rop_observed *put_together(const struct world *w, struct rop_arena *arena, const struct reply *replies,
					 const struct rop_image *image, const struct rop_topology *topology)
{
	const struct rop_observed *t = w->truth;
	struct rop_observed *seen = rop_observed_new(arena, t->n, t->setting_names, t->n_settings);
	seen->boot_ms = world_clock(w).boot_ms;
	for (size_t k = 0; k < t->n; k++) {
		const struct reply *r = &replies[k];
		struct rop_node *node = &seen->nodes[r->node];
		const char **settings = node->settings;
		if (r->answers) {
			*node = r->own;
			node->strangers = 0; /* counted below */
			node->strangers_digest = 0;
			node->settings = settings;
			memcpy(settings, r->settings, t->n_settings * sizeof *settings);
			node->handshakes = w->servers[r->node].meeting;
		} else {
			const struct rop_node *truth = &t->nodes[r->node];
			node->address = truth->address;
			node->ip = truth->ip;
			node->port = truth->port;
			node->bus_port = truth->bus_port;
		}
		node->reach = r->reach;
		node->reach_why = r->why;
	}
	show_who_leaves(w, seen, topology);
	if (w->lines)
		views_show(w, seen, replies, image);
	for (size_t k = 0; k < t->n && !w->lines; k++)
		if (!replies[k].answers)
			show_silent(w, seen, &replies[k], replies, image);
	for (size_t k = 0; k < t->n && !w->lines; k++)
		if (replies[k].answers)
			show_row(w, seen, &replies[k]);
	for (size_t k = 0; k < t->n; k++)
		if (replies[k].answers)
			shards_show(w, seen, replies[k].node);
	for (size_t i = 0; i < t->n; i++) { /* whom a primary lists as online: a link that is up has two ends */
		const struct rop_node *node = &seen->nodes[i];
		if (node->reach == ROP_REACH_OK && node->role == ROP_ROLE_REPLICA && node->link_up &&
		    node->primary >= 0 && seen->nodes[node->primary].reach == ROP_REACH_OK)
			rop_bit_set(seen, seen->online, (size_t)node->primary, i);
		else if (node->reach == ROP_REACH_OK && node->role == ROP_ROLE_REPLICA && node->primary >= 0 &&
			 w->now_ms < w->servers[i].severed_until_ms)
			rop_bit_set(seen, seen->unlisted, (size_t)node->primary, i);
	}
	for (size_t f = 0; f < t->foreign.n; f++)
		if (seen->nodes[t->foreign.at[f].viewer].reach == ROP_REACH_OK)
			rop_observed_add_foreign(seen, (size_t)t->foreign.at[f].viewer, t->foreign.at[f].id,
						 t->foreign.at[f].address, t->foreign.at[f].flags, NULL);
	show_ghosts(w, seen);
	show_leavers(w, seen);
	return seen;
}

/* ---- looking ----------------------------------------------------------------------------------------------- */

struct rop_observed *look(struct world *w, const struct rop_image *image, const struct rop_topology *topology,
			  bool trouble, int64_t *ret_at)
{
	struct chance *c = &w->sim->chance;
	struct rop_arena *arena = rop_arena_new();
	size_t n = w->truth->n, slow = n, lost = n;
	struct reply *replies = rop_alloc_n(arena, n, sizeof *replies);
	if (trouble && chance_permille(c, w->sim->trouble))
		slow = chance_below(c, n);
	if (trouble && chance_permille(c, w->sim->trouble / 3))
		lost = chance_below(c, n);
	for (size_t i = 0; i < n; i++) {
		int64_t at = w->now_ms + (i == slow ? chance_between(c, 0, 3000) : chance_between(c, 1, 12));
		bool waits = at < w->servers[i].hung_until_ms;
		replies[i] = (struct reply){ .node = i, .at_ms = waits ? w->servers[i].hung_until_ms : at };
		if (waits && trouble && chance_permille(c, 300))
			lost = i;
	}
	qsort(replies, n, sizeof *replies, by_time);
	int64_t began_ms = world_clock(w).boot_ms;
	for (size_t k = 0; k < n; k++) {
		world_advance(w, replies[k].at_ms);
		data_flow(w);
		if (replies[k].node < topology->nodes.n - topology->n_leaving || leave_as(w, topology, replies[k].node))
			ask(w, arena, &replies[k], replies[k].node == lost);
		else
			replies[k].reach = ROP_REACH_SILENT;
		ret_at[replies[k].node] = replies[k].answers ? w->now_ms : -1;
	}
	for (size_t k = 0; k < n; k++) /* whoever answered before two nodes changed places spoke of others */
		if (replies[k].answers && replies[k].at_ms <= w->swapped_ms) {
			replies[k].answers = false;
			replies[k].reach = ROP_REACH_SILENT;
			replies[k].why = "no answer in time";
			ret_at[replies[k].node] = -1;
		}
	struct rop_observed *seen = put_together(w, arena, replies, image, topology);
	seen->began_ms = began_ms;
	return seen;
}

struct rop_observed *look_at_truth(struct world *w, const struct rop_topology *topology)
{
	struct rop_arena *arena = rop_arena_new();
	size_t n = w->truth->n;
	struct reply *replies = rop_alloc_n(arena, n, sizeof *replies);
	for (size_t i = 0; i < n; i++) {
		replies[i].node = i;
		replies[i].reach = ROP_REACH_SILENT;
		if (i < topology->nodes.n - topology->n_leaving || leave_as(w, topology, i))
			ask(w, arena, &replies[i], false);
	}
	return look_narrow(w, put_together(w, arena, replies, NULL, topology), topology);
}
