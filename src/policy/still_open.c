/* still_open.c - what is not as declared yet, in sentences that name pairs, nodes and slots. Made when somebody asks.
 */
#include <inttypes.h>
#include <string.h>

#include "policy.h"
#include "rop/text.h"

#define OPEN_MAX 12
#define PAIRS_MAX 5

static void note(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice)
{
	if (now->open.n == OPEN_MAX)
		return;
	policy_note_open(now, node, is, text, advice);
}

/* For each node that some others lack in the matrix: one sentence that names it and them. */
static void note_pairs(struct rop_situation *now, const uint64_t *matrix, enum rop_reason is,
		       const char *(*sentence)(struct rop_situation *now, const char *viewers,
					       const struct rop_node *node),
		       const char *advice)
{
	const struct rop_observed *seen = now->seen;
	size_t told = 0;
	for (size_t j = 0; j < seen->n; j++) {
		ROP_OWN_TEXT viewers = { 0 };
		size_t n = 0;
		for (size_t i = 0; i < seen->n; i++) {
			if (i == j || !rop_answers(now->seen, i) || !rop_answers(now->seen, j) ||
			    rop_bit(seen, matrix, i, j))
				continue;
			if (n++ < 3)
				rop_text_add(&viewers, "%s%s", n > 1 ? ", " : "", seen->nodes[i].address);
		}
		if (n > 3)
			rop_text_add(&viewers, " and %zu more", n - 3);
		if (n > 0 && told++ < PAIRS_MAX)
			note(now, (int)j, is, sentence(now, viewers.at, &seen->nodes[j]), advice);
	}
	if (told > PAIRS_MAX)
		note(now, -1, is, rop_printf(now->arena, "and so for %zu more nodes", told - PAIRS_MAX), advice);
}

static const char *cannot_reach(struct rop_situation *now, const char *viewers, const struct rop_node *node)
{
	return rop_printf(now->arena, "%s cannot reach the cluster bus of %s (port %d)", viewers, node->address,
			  node->bus_port);
}

static const char *sees_failing(struct rop_situation *now, const char *viewers, const struct rop_node *node)
{
	return rop_printf(now->arena, "%s: no healthy bus link to %s (port %d)", viewers, node->address,
			  node->bus_port);
}

static const char *sees_other(struct rop_situation *now, const char *viewers, const struct rop_node *node)
{
	return rop_printf(now->arena, "%s: another role, epoch or slots for %s than it says itself", viewers,
			  node->address);
}

/* Was an introduction of these two tried, and not seen to have happened in time? */
static bool was_tried(const struct rop_situation *now, size_t i, size_t j)
{
	const char *a = now->seen->nodes[i].id, *b = now->seen->nodes[j].id;
	const char *there = now->tries ? rop_tries_note(now->tries, rop_printf(now->arena, "link:%s>%s", a, b)) : NULL;
	const char *back = now->tries ? rop_tries_note(now->tries, rop_printf(now->arena, "link:%s>%s", b, a)) : NULL;
	return (there && !rop_is_denial(there)) || (back && !rop_is_denial(back));
}

/* Only what was tried can be blamed on the network; fresh nodes simply have not been introduced yet. */
static void note_introductions(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	size_t not_yet = 0, words = seen->n * seen->words;
	uint64_t *known = rop_alloc_n(now->arena, words + 1, sizeof *known);
	if (words)
		memcpy(known, seen->known, words * sizeof *known);
	for (size_t i = 0; i < seen->n; i++) {
		bool lacks = false;
		for (size_t j = 0; j < seen->n; j++) {
			if (i == j || !rop_answers(now->seen, i) || !rop_answers(now->seen, j) ||
			    rop_bit(seen, known, i, j) || was_tried(now, i, j))
				continue;
			rop_bit_set(seen, known, i, j);
			lacks = true;
		}
		not_yet += lacks;
	}
	note_pairs(now, known, ROP_WHY_NOT_INTRODUCED, cannot_reach,
		   "open the cluster bus port between these hosts (firewall, cluster-port, cluster-announce-*), or "
		   "declare busPort");
	if (not_yet)
		note(now, -1, ROP_WHY_NOT_INTRODUCED,
		     rop_printf(now->arena, "%zu of %zu nodes do not know all others yet", not_yet, seen->n), NULL);
}

static void note_silent_nodes(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && now->open.n < OPEN_MAX; i++)
		if (!rop_answers(now->seen, i))
			note(now, (int)i, ROP_WHY_UNREACHABLE,
			     rop_printf(now->arena, "%s does not answer: %s", now->seen->nodes[i].address,
					now->seen->nodes[i].reach_why),
			     NULL);
}

/* Two that know each other and claim one slot. Servers let the greater config epoch have it, so it lasts only where
 * their epochs are equal, or where the news does not come through. */
static void note_double_claims(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n && !now->slots_assigned; i++) {
		for (size_t j = i + 1; j < seen->n && now->open.n < OPEN_MAX; j++) {
			const struct rop_node *a = &seen->nodes[i], *b = &seen->nodes[j];
			if (!rop_answers(now->seen, i) || !rop_answers(now->seen, j) ||
			    !rop_slots_meet(&a->slots, &b->slots))
				continue;
			struct rop_slots both;
			for (size_t w = 0; w < ROP_SLOTS / 64; w++)
				both.bits[w] = a->slots.bits[w] & b->slots.bits[w];
			note(now, (int)j, ROP_WHY_DOUBLE_CLAIM,
			     rop_printf(now->arena,
					"%s and %s both claim the slots %.120s (config epochs %" PRId64 " and %" PRId64
					")",
					a->address, b->address, rop_slots_text(now->arena, &both), a->epoch, b->epoch),
			     "save what counts of both, then: redis-cli --cluster fix HOST:PORT "
			     "--cluster-search-multiple-owners");
		}
	}
}

static void note_open_slots(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && now->open.n < OPEN_MAX; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (rop_answers(now->seen, i) && node->open_slots)
			note(now, (int)i, ROP_WHY_OPEN_SLOTS,
			     rop_printf(now->arena, "%s has %d open slot%s: %.120s", node->address, node->open_slots,
					rop_plural(node->open_slots), node->open_text),
			     "finish or undo the slot migration somebody began: redis-cli --cluster fix");
	}
}

static const struct rop_held *held_for(const struct rop_situation *now, size_t node)
{
	for (size_t i = 0; i < now->held.n; i++)
		if (now->held.at[i].node == (int)node)
			return &now->held.at[i];
	return NULL;
}

static void note_not_attached(struct rop_situation *now, size_t i, int primary)
{
	const struct rop_held *held = held_for(now, i);
	const char *text = rop_printf(now->arena, "%s is not a replica of %s yet%s%s", now->seen->nodes[i].address,
				      now->seen->nodes[primary].address, held ? ", and waits: " : "",
				      held ? held->why : "");
	bool denied = held && held->denied;
	note(now, (int)i, denied ? ROP_WHY_DENIED : ROP_WHY_NOT_ATTACHED, text,
	     denied ? "allow it on every node (ACL SETUSER), or declare another user under spec.auth" : NULL);
}

/* What follows from the above, or is on its way. */
static void note_nodes(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && now->open.n < OPEN_MAX; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int primary = now->layout.primary_of[i];
		if (!rop_answers(now->seen, i))
			continue;
		if (primary >= 0 && !(node->role == ROP_ROLE_REPLICA && node->primary == primary))
			note_not_attached(now, i, primary);
		else if (node->role == ROP_ROLE_REPLICA && (!node->link_up || node->syncing))
			note(now, (int)i, ROP_WHY_LINK_DOWN,
			     rop_printf(now->arena, "%s: its link to its primary %s is %s", node->address,
					node->primary >= 0 ? now->seen->nodes[node->primary].address : node->primary_id,
					node->syncing ? "still synchronising" : "down"),
			     NULL);
		else if (!node->state_ok)
			note(now, (int)i, ROP_WHY_STATE_FAIL,
			     rop_printf(now->arena, "%s reports cluster_state:fail", node->address), NULL);
	}
}

static void note_waiting_temporaries(struct rop_situation *now)
{
	for (size_t t = 0; t < now->image->temporaries.n && now->temporaries_waiting && now->open.n < OPEN_MAX; t++) {
		const struct rop_temporary *temporary = &now->image->temporaries.at[t];
		int node = rop_observed_find(now->seen, temporary->node);
		if (node >= 0 && rop_answers(now->seen, (size_t)node) && rop_temporary_waits(now, temporary))
			note(now, node, ROP_WHY_TEMPORARY_WAITS, rop_temporary_sentence(now->arena, now, temporary),
			     NULL);
	}
}

/* The node whose id stands in a subject such as "link:A>B"; -1: a subject of another form. */
static int node_of_subject(const struct rop_situation *now, const char *subject)
{
	char id[ROP_ID_SIZE] = "";
	const char *colon = strchr(subject, ':');
	if (colon && strlen(colon + 1) >= ROP_ID_SIZE - 1)
		memcpy(id, colon + 1, ROP_ID_SIZE - 1);
	return *id ? rop_observed_find(now->seen, id) : -1;
}

static void note_failing_step(struct rop_situation *now)
{
	const char *subject, *why;
	if (!now->tries || !rop_tries_gave_up(now->tries, &subject, &why))
		return;
	int node = node_of_subject(now, subject);
	const char *who = node >= 0 ? now->seen->nodes[node].address : subject;
	if (rop_is_denial(why))
		note(now, node, ROP_WHY_DENIED,
		     rop_printf(now->arena, "%s: user '%s' lacks a permission: %s", who,
				now->topology->auth_user ? now->topology->auth_user : "default", why),
		     "allow it on every node (ACL SETUSER), or declare another user under spec.auth");
	else
		note(now, node, ROP_WHY_STEP_FAILS,
		     rop_printf(now->arena, "%s: tried again and again, and: %s", who, why), NULL);
}

/* Causes come before what follows from them: without a bus link between two nodes there is no agreement, no role
 * spreads and no state is ok. */
void rop_situation_open(struct rop_situation *now)
{
	if (now->open.n)
		return;
	note_failing_step(now);
	note_silent_nodes(now);
	note_introductions(now);
	if (now->introduced)
		note_pairs(now, now->seen->linked, ROP_WHY_NOT_LINKED, sees_failing, NULL);
	note_double_claims(now);
	note_open_slots(now);
	int missing = ROP_SLOTS - rop_slots_count(&now->owned);
	if (missing > 0 && now->open.n < OPEN_MAX)
		note(now, -1, ROP_WHY_SLOTS_UNCOVERED,
		     rop_printf(now->arena, "%d of 16384 slots are owned by nobody", missing), NULL);
	if (now->members_agree && !now->views_agree && now->open.n < OPEN_MAX)
		note_pairs(now, now->seen->agrees, ROP_WHY_VIEWS_DIFFER, sees_other, NULL);
	note_nodes(now);
	note_waiting_temporaries(now);
	size_t node;
	const struct rop_setting *refused = policy_refused_setting(now, &node);
	if (refused && now->open.n < OPEN_MAX)
		note(now, (int)node, ROP_WHY_SETTING_REFUSED,
		     rop_printf(now->arena, "%s refuses %s = %s: %s; it was tried on this node only",
				now->seen->nodes[node].address, refused->name, refused->value,
				policy_refusal(now, node, refused)),
		     "correct spec.settings in the file, or set it in redis.conf and restart the servers");
	if (!now->settings_as_declared && !refused && now->open.n < OPEN_MAX)
		note(now, -1, ROP_WHY_SETTINGS, "some settings are not as declared", NULL);
}
