/* copies.c - who holds what data: from the replies of one look, and from what the database remembers (safety.md). */
#include "copies.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "rop/text.h"

bool copies_may_hold(const struct rop_node *node)
{
	return node->keys != 0;
}

/* The owner of slots that writes the history which this replica has: a server that was given a new id keeps its
 * replicas, for they follow an address. One only, and it must have told so in this look. -1: none. */
static int owner_by_history(const struct rop_observed *seen, size_t node)
{
	int owner = -1;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *other = &seen->nodes[i];
		if (!rop_answers(seen, i) || other->role == ROP_ROLE_REPLICA || rop_slots_empty(&other->slots) ||
		    !other->replid[0] || strcmp(other->replid, seen->nodes[node].replid) != 0)
			continue;
		if (owner >= 0)
			return -1;
		owner = (int)i;
	}
	return owner;
}

int copies_root(const struct rop_observed *seen, size_t node)
{
	size_t at = node;
	for (size_t hops = 0; hops <= seen->n; hops++) {
		const struct rop_node *there = &seen->nodes[at];
		if (there->role != ROP_ROLE_REPLICA)
			return (int)at;
		if (there->primary < 0)
			return owner_by_history(seen, at);
		at = (size_t)there->primary;
	}
	return -1; /* they follow each other in a circle */
}

bool copies_in_sync(const struct rop_observed *seen, size_t i, size_t primary)
{
	const struct rop_node *node = &seen->nodes[i];
	return rop_answers(seen, i) && rop_answers(seen, primary) && node->role == ROP_ROLE_REPLICA &&
	       node->primary == (int)primary && node->link_up && !node->syncing &&
	       rop_bit(seen, seen->online, primary, i);
}

bool copies_is_unlisted(const struct rop_observed *seen, size_t i)
{
	const struct rop_node *node = &seen->nodes[i];
	return rop_answers(seen, i) && node->role == ROP_ROLE_REPLICA && !node->link_up && node->primary >= 0 &&
	       rop_answers(seen, (size_t)node->primary) && rop_bit(seen, seen->unlisted, (size_t)node->primary, i);
}

#define REPL_TIMEOUT_S 60 /* the servers' default */

bool copies_is_filling(const struct rop_observed *seen, size_t i)
{
	const struct rop_node *node = &seen->nodes[i];
	int64_t timeout_s = rop_observed_number(seen, i, "repl-timeout", REPL_TIMEOUT_S);
	return node->syncing && node->sync_idle_s < timeout_s && !copies_is_unlisted(seen, i);
}

static bool in_sync_all_the_way(const struct rop_observed *seen, size_t i)
{
	size_t at = i;
	for (size_t hops = 0; hops <= seen->n; hops++) {
		const struct rop_node *node = &seen->nodes[at];
		if (node->role != ROP_ROLE_REPLICA)
			return rop_answers(seen, at);
		if (node->primary < 0 || !copies_in_sync(seen, at, (size_t)node->primary))
			return false;
		at = (size_t)node->primary;
	}
	return false;
}

enum copy_state copies_state(const struct rop_situation *now, size_t i)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[i];
	if (!rop_answers(seen, i))
		return COPY_SILENT;
	bool replica = node->role == ROP_ROLE_REPLICA;
	if (!replica && !rop_slots_empty(&node->slots))
		return COPY_SERVING;
	if (!replica)
		return node->keys == 0 ? COPY_NONE : COPY_UNKNOWN;
	if (node->syncing)
		return COPY_FILLING;
	if (in_sync_all_the_way(seen, i))
		return COPY_READY;
	if (node->keys == 0)
		return COPY_NONE;
	return node->keys < 0 ? COPY_UNKNOWN : COPY_STALE;
}

/* Who leaves is one as long as it is there: what is in its place has no data yet, where slots move at the same time. */
const int *rop_witnesses(struct rop_arena *arena, const struct rop_situation *now, size_t primary, size_t *ret_n)
{
	int *nodes = rop_alloc_n(arena, now->seen->asked + 1, sizeof *nodes);
	*ret_n = 0;
	for (size_t i = 0; i < now->seen->asked; i++)
		if (i != primary && copies_in_sync(now->seen, i, primary))
			nodes[(*ret_n)++] = (int)i;
	return nodes;
}

size_t copies_ready(const struct rop_situation *now, size_t primary, size_t but)
{
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		n += i != but && i != primary && copies_root(now->seen, i) == (int)primary &&
		     copies_state(now, i) == COPY_READY;
	return n;
}

size_t copies_wanted(const struct rop_situation *now, size_t primary)
{
	size_t n = 0, declared = (size_t)now->topology->replicas_per_shard;
	for (size_t i = 0; i < now->seen->n; i++)
		n += now->layout.primary_of[i] == (int)primary;
	return n < declared ? n : declared;
}

/* ---- leadership -------------------------------------------------------------------------------------------- */

/* A viewer whom most of the answering owners see failing says nothing of others. */
static bool is_trusted(const struct rop_observed *seen, size_t viewer)
{
	size_t owners = 0, against = 0;
	for (size_t j = 0; j < seen->n; j++) {
		if (j == viewer || !rop_answers(seen, j) || rop_slots_empty(&seen->nodes[j].slots))
			continue;
		owners++;
		against += rop_bit(seen, seen->failing, j, viewer);
	}
	return against * 2 <= owners;
}

struct rop_slots copies_claims(const struct rop_observed *seen, size_t i)
{
	const struct rop_node *node = &seen->nodes[i];
	struct rop_slots slots = node->slots;
	for (size_t k = 0; k < node->open.n; k++) {
		int slot = node->open.at[k].slot, to = rop_observed_find(seen, node->open.at[k].peer);
		if (!node->open.at[k].importing && to >= 0 && rop_slots_has(&seen->nodes[to].slots, slot))
			slots.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	}
	return slots;
}

static int rival_of(const struct rop_observed *seen, size_t primary)
{
	struct rop_slots own = copies_claims(seen, primary);
	for (size_t j = 0; j < seen->n; j++) {
		struct rop_slots others = copies_claims(seen, j);
		if (j != primary && rop_slots_meet(&others, &own))
			return (int)j;
	}
	return -1;
}

static bool has_changed(const struct rop_situation *now, size_t i)
{
	const struct rop_before *before = now->before ? &now->before[i] : NULL;
	const struct rop_node *node = &now->seen->nodes[i];
	return before && before->answered && strcmp(before->id, node->id) == 0 &&
	       (before->role != node->role || before->epoch != node->epoch);
}

const char *copies_elsewhere(const struct rop_situation *now, size_t i, int64_t *ret_ms)
{
	const struct rop_node *node = &now->seen->nodes[i];
	const struct rop_before *before = now->before ? &now->before[i] : NULL;
	bool lately = before && before->elsewhere[0] && strcmp(before->id, node->id) == 0 && before->answered;
	*ret_ms = 0;
	if (lately) /* what is not seen now was seen for as long as it was, not until now */
		*ret_ms = (node->elsewhere ? now->boot_ms : before->elsewhere_seen_ms) - before->elsewhere_since_ms;
	if (node->elsewhere)
		return node->elsewhere;
	return lately ? before->elsewhere : NULL;
}

const char *copies_doubted(const struct rop_situation *now, size_t primary)
{
	const struct rop_observed *seen = now->seen;
	const struct rop_node *node = &seen->nodes[primary];
	if (!rop_answers(seen, primary))
		return rop_printf(now->arena, "%s does not answer (%s)", node->address,
				  node->reach_why ? node->reach_why : "no reply");
	for (size_t v = 0; v < seen->n; v++)
		if (v != primary && rop_answers(seen, v) && rop_bit(seen, seen->failing, v, primary) &&
		    is_trusted(seen, v))
			return rop_printf(now->arena, "%s sees %s failing", seen->nodes[v].address, node->address);
	int64_t for_ms;
	const char *elsewhere = copies_elsewhere(now, primary, &for_ms);
	if (elsewhere)
		return rop_printf(now->arena, "a peer holds %s at another address, %s", node->address, elsewhere);
	const struct rop_before *before = now->before ? &now->before[primary] : NULL;
	if (before && before->answered && before->role != node->role)
		return rop_printf(now->arena, "the role of %s has just changed", node->address);
	return NULL;
}

const char *copies_leadership_open(const struct rop_situation *now, size_t primary)
{
	const struct rop_observed *seen = now->seen;
	const char *doubted = copies_doubted(now, primary);
	if (doubted)
		return doubted;
	int rival = rival_of(seen, primary);
	if (rival >= 0)
		return rop_printf(now->arena, "%s and %s claim the same slots", seen->nodes[primary].address,
				  seen->nodes[rival].address);
	if (has_changed(now, primary))
		return rop_printf(now->arena, "the role or epoch of %s has just changed", seen->nodes[primary].address);
	return NULL;
}

/* ---- what the database remembers --------------------------------------------------------------------------- */

/* The node that a remembered copy is now: the same id, or another id at the same declared address. -1: none. */
static int node_of_copy(const struct rop_observed *seen, const struct rop_copy_memory *copy)
{
	int node = rop_observed_find(seen, copy->node);
	for (size_t i = 0; node < 0 && copy->address && i < seen->n; i++)
		if (strcmp(seen->nodes[i].address, copy->address) == 0)
			node = (int)i;
	return node;
}

static int compare_ids(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

const char *copies_ids_text(struct rop_arena *arena, const char **ids, size_t n)
{
	ROP_OWN_TEXT text = { 0 };
	qsort(ids, n, sizeof *ids, compare_ids);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(ids[i], ids[i - 1]) != 0)
			rop_text_add(&text, "%s%s", text.n ? " " : "", ids[i]);
	return rop_strndup(arena, text.n ? text.at : "", text.n);
}

static void add_copy(const struct rop_situation *now, const struct rop_copy_memory *copy, struct remembered *r,
		     struct rop_text *nodes, struct rop_text *silent)
{
	int node = node_of_copy(now->seen, copy);
	bool up = node >= 0 && rop_answers(now->seen, (size_t)node);
	r->n++;
	r->empty += up && now->seen->nodes[node].keys == 0;
	r->silent += !up;
	if (copy->led && copy->keys >= 0)
		r->keys = (r->keys > 0 ? r->keys : 0) + copy->keys;
	rop_text_add(nodes, "%s%s%s", nodes->n ? ", " : "", copy->address ? copy->address : copy->node,
		     copy->led ? " (led them)" : "");
	if (!up)
		rop_text_add(silent, "%s%s", silent->n ? ", " : "", copy->address ? copy->address : copy->node);
}

const char *copies_ago(const struct rop_situation *now, int64_t wall_ms)
{
	char text[24];
	return rop_strdup(now->arena,
			  rop_duration_about(now->wall_ms > wall_ms ? now->wall_ms - wall_ms : 0, text, sizeof text));
}

struct remembered copies_remembered(const struct rop_situation *now, const struct rop_slots *slots)
{
	struct remembered r = { .keys = -1 };
	ROP_OWN_TEXT nodes = { 0 };
	ROP_OWN_TEXT silent = { 0 };
	ROP_LIST(const char *) ids = { 0 };
	for (size_t s = 0; s < now->image->shards.n; s++) {
		const struct rop_shard_memory *shard = &now->image->shards.at[s];
		struct rop_slots had;
		if (!rop_slots_parse(shard->slots, &had) || !rop_slots_meet(&had, slots))
			continue;
		r.shard = shard->number;
		for (size_t c = 0; c < shard->copies.n; c++) {
			add_copy(now, &shard->copies.at[c], &r, &nodes, &silent);
			*rop_push(now->arena, &ids) = shard->copies.at[c].node;
		}
	}
	if (!r.n)
		return r;
	r.ids = copies_ids_text(now->arena, ids.at, ids.n);
	r.nodes = rop_strndup(now->arena, nodes.at, nodes.n);
	r.silent_nodes = silent.n ? rop_strndup(now->arena, silent.at, silent.n) : NULL;
	return r;
}
