/* still_open.c - what is not as declared yet, in sentences that name pairs, nodes and slots. Made when somebody asks.
 */
#include <inttypes.h>
#include <string.h>

#include "budget.h"
#include "copies.h"
#include "drained.h"
#include "migrations.h"
#include "retire.h"
#include "rop/text.h"

/* For each node that some others lack in the matrix: one sentence that names it and them. */
static void note_pairs(struct rop_situation *now, const uint64_t *matrix, enum rop_reason is,
		       const char *(*sentence)(struct rop_situation *now, const char *viewers,
					       const struct rop_node *node),
		       const char *advice)
{
	const struct rop_observed *seen = now->seen;
	const char **viewers = rop_alloc_n(now->arena, seen->n + 1, sizeof *viewers);
	size_t told = 0;
	for (size_t j = 0; j < seen->n; j++) {
		size_t n = 0;
		for (size_t i = 0; i < seen->n && rop_answers(seen, j); i++)
			if (i != j && rop_answers(seen, i) && !rop_bit(seen, matrix, i, j))
				viewers[n++] = seen->nodes[i].address;
		if (n > 0 && told++ < POLICY_PAIRS_MAX)
			policy_note_open(now, (int)j, is,
					 sentence(now, rop_text_some(now->arena, viewers, n, POLICY_VIEWERS_MAX),
						  &seen->nodes[j]),
					 advice);
	}
	if (told > POLICY_PAIRS_MAX)
		policy_note_open(now, -1, is,
				 rop_printf(now->arena, "and so for %zu more nodes", told - POLICY_PAIRS_MAX), advice);
}

static const char *cannot_reach(struct rop_situation *now, const char *viewers, const struct rop_node *node)
{
	return rop_printf(now->arena, "%s cannot reach the cluster bus of %s (port %d)", viewers, node->address,
			  node->bus_port);
}

/* Where they look, which need not be where it was declared. */
static const char *sees_failing(struct rop_situation *now, const char *viewers, const struct rop_node *node)
{
	if (node->sought_at && !rop_node_is_at(node, node->sought_at))
		return rop_printf(now->arena, "%s: no healthy bus link to %s, looked for at %s (port %d of its bus)",
				  viewers, node->address, node->sought_at, node->sought_bus);
	if (node->sought_at && node->sought_bus)
		return rop_printf(now->arena, "%s: no healthy bus link to %s (port %d)", viewers, node->address,
				  node->sought_bus);
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

static void note_moved(struct rop_situation *now, size_t node, int peers)
{
	const struct rop_node *n = &now->seen->nodes[node];
	bool one = peers == 1;
	const char *text;
	if (n->astray_at)
		text = rop_printf(now->arena, "%s has moved: %d peer%s for it at %s, where it is no more", n->address,
				  peers, one ? " looks" : "s look", n->astray_at);
	else
		text = rop_printf(now->arena, "%s has moved: %d peer%s no address for it any more", n->address, peers,
				  one ? " has" : "s have");
	policy_note_open(now, (int)node, ROP_WHY_NOT_INTRODUCED, text, NULL);
}

/* Only what was tried can be blamed on the network; fresh nodes simply have not been introduced yet. */
static void note_introductions(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	size_t not_yet = 0, there = 0, words = seen->n * seen->words;
	uint64_t *known = rop_alloc_n(now->arena, words + 1, sizeof *known);
	int *moved = rop_alloc_n(now->arena, seen->n + 1, sizeof *moved);
	if (words)
		memcpy(known, seen->known, words * sizeof *known);
	for (size_t w = 0; w < words; w++)
		known[w] &= ~seen->astray[w];
	for (size_t i = 0; i < seen->n; i++) {
		bool lacks = false;
		for (size_t j = 0; j < seen->n; j++) {
			if (i == j || !rop_answers(now->seen, i) || !rop_answers(now->seen, j) ||
			    rop_bit(seen, known, i, j) || was_tried(now, i, j))
				continue;
			rop_bit_set(seen, known, i, j);
			if (rop_bit(seen, seen->astray, i, j))
				moved[j]++;
			else
				lacks = true;
		}
		not_yet += lacks;
		there += !seen->nodes[i].ghost;
	}
	note_pairs(now, known, ROP_WHY_NOT_INTRODUCED, cannot_reach,
		   "open the cluster bus port between these hosts (firewall, cluster-port, cluster-announce-*), or "
		   "declare busPort");
	for (size_t j = 0; j < seen->n; j++)
		if (moved[j])
			note_moved(now, j, moved[j]);
	if (not_yet)
		policy_note_open(now, -1, ROP_WHY_NOT_INTRODUCED,
				 rop_printf(now->arena, "%zu of %zu nodes do not know all others yet", not_yet, there),
				 NULL);
}

/* The cause, of the nodes that it is known of. The links to them that do not stand are not told again. */
static const uint64_t *note_known_causes(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	size_t words = seen->n * seen->words, told = 0;
	uint64_t *linked = rop_alloc_n(now->arena, words + 1, sizeof *linked);
	if (words)
		memcpy(linked, seen->linked, words * sizeof *linked);
	for (size_t j = 0; j < seen->n; j++) {
		const char *text = policy_leaves_from(now, j), *advice = policy_set_its_address(now);
		enum rop_reason is = ROP_WHY_LEAVES_FROM;
		if (!text) {
			text = policy_announced_in_vain(now, j, &advice);
			is = ROP_WHY_ANNOUNCED;
		}
		for (size_t i = 0; text && i < seen->n; i++)
			rop_bit_set(seen, linked, i, j);
		if (text && told++ < POLICY_PAIRS_MAX)
			policy_note_open(now, (int)j, is, text, advice);
	}
	return linked;
}

static void note_silent_nodes(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && now->open.n < POLICY_OPEN_MAX; i++)
		if (!rop_answers(now->seen, i) && drained_is(now, i))
			policy_note_open(now, (int)i, ROP_WHY_DRAINED, drained_silence(now, i), NULL);
		else if (!rop_answers(now->seen, i))
			policy_note_open(now, (int)i, ROP_WHY_UNREACHABLE,
					 rop_printf(now->arena, "%s does not answer: %s", now->seen->nodes[i].address,
						    now->seen->nodes[i].reach_why),
					 policy_silent_advice(&now->seen->nodes[i]));
}

/* Two that know each other and claim one slot. Servers let the greater config epoch have it, so it lasts only where
 * their epochs are equal, or where the news does not come through. */
static void note_double_claims(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n && !now->slots_assigned; i++) {
		for (size_t j = i + 1; j < seen->n && now->open.n < POLICY_OPEN_MAX; j++) {
			const struct rop_node *a = &seen->nodes[i], *b = &seen->nodes[j];
			if (!rop_answers(now->seen, i) || !rop_answers(now->seen, j) ||
			    !rop_slots_meet(&a->slots, &b->slots))
				continue;
			struct rop_slots both;
			for (size_t w = 0; w < ROP_SLOTS / 64; w++)
				both.bits[w] = a->slots.bits[w] & b->slots.bits[w];
			policy_note_open(now, (int)j, ROP_WHY_DOUBLE_CLAIM,
					 rop_printf(now->arena,
						    "%s and %s both claim the slots %.120s (config epochs %" PRId64
						    " and %" PRId64 ")",
						    a->address, b->address, rop_slots_text(now->arena, &both), a->epoch,
						    b->epoch),
					 "save what counts of both, then: `redis-cli --cluster fix HOST:PORT "
					 "--cluster-search-multiple-owners`");
		}
	}
}

static void note_open_slots(struct rop_situation *now)
{
	if (policy_note_under_way(now))
		return;
	for (size_t i = 0; i < now->seen->n && now->open.n < POLICY_OPEN_MAX; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (rop_answers(now->seen, i) && node->open_slots)
			policy_note_open(now, (int)i, ROP_WHY_OPEN_SLOTS,
					 rop_printf(now->arena, "%s has %d open slot%s: %.120s", node->address,
						    node->open_slots, rop_plural(node->open_slots), node->open_text),
					 "finish or undo the slot migration somebody began: "
					 "`redis-cli --cluster fix HOST:PORT`");
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
	int root = held ? copies_root(now->seen, i) : -1;
	const char
		*keep = root >= 0 && budget_of_copy(now, (size_t)root, i)
				? "declare a node more for the shard that it leaves; or let that one be without for a "
				  "while, spec.disruption: { keepCopies: 0 }"
				: NULL;
	policy_note_open(now, (int)i, denied ? ROP_WHY_DENIED : ROP_WHY_NOT_ATTACHED, text,
			 denied ? POLICY_ALLOW : keep);
}

static void note_link(struct rop_situation *now, size_t i)
{
	const char *advice, *text = policy_link_down(now, i, &advice);
	policy_note_open(now, (int)i, ROP_WHY_LINK_DOWN, text, advice);
}

/* What follows from the above, or is on its way. */
static void note_nodes(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && now->open.n < POLICY_OPEN_MAX; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int primary = now->layout.primary_of[i];
		if (!rop_answers(now->seen, i))
			continue;
		if (primary >= 0 && !(node->role == ROP_ROLE_REPLICA && node->primary == primary)) {
			if (!now->seen->nodes[primary].ghost) /* of that one is said what it waits for */
				note_not_attached(now, i, primary);
		} else if (node->role == ROP_ROLE_REPLICA && (!node->link_up || node->syncing))
			note_link(now, i);
	}
}

/* Where slots are not served, that is why, and was said. */
static void note_states(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	const char **nodes = rop_alloc_n(now->arena, seen->n + 1, sizeof *nodes);
	size_t n = 0;
	int last = -1;
	for (size_t i = 0; i < seen->n; i++) {
		if (!rop_answers(seen, i) || seen->nodes[i].state_ok)
			continue;
		nodes[n++] = seen->nodes[i].address;
		last = (int)i;
	}
	if (n && !(now->unserved && now->formed) && rop_slots_count(&now->owned) == ROP_SLOTS &&
	    now->open.n < POLICY_OPEN_MAX)
		policy_note_open(now, n == 1 ? last : -1, ROP_WHY_STATE_FAIL,
				 rop_printf(now->arena, "%s report%s cluster_state:fail",
					    rop_text_some(now->arena, nodes, n, POLICY_VIEWERS_MAX), n == 1 ? "s" : ""),
				 NULL);
}

static void note_waiting_temporaries(struct rop_situation *now)
{
	for (size_t t = 0; t < now->image->temporaries.n && now->temporaries_waiting && now->open.n < POLICY_OPEN_MAX;
	     t++) {
		const struct rop_temporary *temporary = &now->image->temporaries.at[t];
		int node = rop_observed_find(now->seen, temporary->node);
		if (node >= 0 && rop_answers(now->seen, (size_t)node) && rop_temporary_waits(now, temporary))
			policy_note_open(now, node, ROP_WHY_TEMPORARY_WAITS,
					 rop_temporary_sentence(now->arena, now, temporary), NULL);
	}
}

/* "slot:0-5460" is of the primary that is to get them. -1: of nobody. */
static int node_to_get(const struct rop_situation *now, const char *slots)
{
	int64_t first;
	if (!rop_int_parse(rop_strndup(now->arena, slots, strcspn(slots, "-")), 0, ROP_SLOTS - 1, &first))
		return -1;
	for (size_t k = 0; k < now->layout.n; k++)
		if (rop_slots_has(&now->layout.shards[k].add, (int)first))
			return now->layout.shards[k].primary;
	return -1;
}

/* The node whose id stands in a subject such as "link:A>B", or that a range of slots is for; -1: neither. */
static int node_of_subject(const struct rop_situation *now, const char *subject)
{
	char id[ROP_ID_SIZE] = "";
	const char *colon = strchr(subject, ':');
	if (strncmp(subject, "slot:", 5) == 0)
		return node_to_get(now, colon + 1);
	if (colon && strlen(colon + 1) >= ROP_ID_SIZE - 1)
		memcpy(id, colon + 1, ROP_ID_SIZE - 1);
	return *id ? rop_observed_find(now->seen, id) : -1;
}

/* true: a permission is missing, which ended the work in the middle. */
static bool note_failing_step(struct rop_situation *now)
{
	const char *subject, *why;
	if (!now->tries || !rop_tries_gave_up(now->tries, &subject, &why))
		return false;
	int node = node_of_subject(now, subject);
	const char *who = node >= 0 ? now->seen->nodes[node].address : subject;
	if (rop_is_denial(why))
		policy_note_open(now, node, ROP_WHY_DENIED,
				 rop_printf(now->arena, "%s: user '%s' lacks a permission: %s", who, policy_user(now),
					    why),
				 POLICY_ALLOW);
	else
		policy_note_open(now, node, ROP_WHY_STEP_FAILS,
				 rop_printf(now->arena, "%s: tried again and again, last: %s", who, why), NULL);
	return rop_is_denial(why);
}

static void note_without_config(struct rop_situation *now)
{
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		if (w->is == ROP_WHY_NO_CONFIG)
			policy_note_open(now, w->node, w->is, w->text, w->advice);
	}
}

/* Causes come before what follows from them: without a bus link between two nodes there is no agreement, no role
 * spreads and no state is ok. What was done before a permission was missed is news still on its way. */
void rop_situation_open(struct rop_situation *now)
{
	if (now->open.n)
		return;
	if (now->unserved && now->formed)
		policy_note_open(now, -1, ROP_WHY_SLOTS_UNCOVERED, now->unserved, now->unserved_advice);
	bool denied = note_failing_step(now);
	note_silent_nodes(now);
	const uint64_t *linked = note_known_causes(now);
	note_introductions(now);
	if (now->introduced)
		note_pairs(now, linked, ROP_WHY_NOT_LINKED, sees_failing, NULL);
	note_double_claims(now);
	note_open_slots(now);
	if (now->slots_to_move && now->open.n < POLICY_OPEN_MAX && rop_moving_sentence(now->arena, now))
		policy_note_open(now, -1, ROP_WHY_MOVING, rop_moving_sentence(now->arena, now), NULL);
	int missing = ROP_SLOTS - rop_slots_count(&now->owned);
	if (missing > 0 && now->open.n < POLICY_OPEN_MAX)
		policy_note_open(now, -1, ROP_WHY_SLOTS_UNCOVERED,
				 rop_printf(now->arena, "%d of 16384 slots are owned by nobody", missing), NULL);
	if (now->members_agree && !now->views_agree && !denied && now->open.n < POLICY_OPEN_MAX)
		note_pairs(now, policy_note_differences(now), ROP_WHY_VIEWS_DIFFER, sees_other, NULL);
	for (size_t d = 0; d < now->drains.n && now->open.n < POLICY_OPEN_MAX; d++)
		if (now->drains.at[d].holds || now->optional_waits)
			policy_note_open(now, -1, ROP_WHY_DRAINED, rop_drained_sentence(now->arena, &now->drains.at[d]),
					 NULL);
	note_nodes(now);
	note_states(now);
	note_waiting_temporaries(now);
	policy_note_leaving(now);
	size_t node;
	const struct rop_setting *refused = policy_refused_setting(now, &node);
	if (refused && now->open.n < POLICY_OPEN_MAX)
		policy_note_open(now, (int)node, ROP_WHY_SETTING_REFUSED,
				 rop_printf(now->arena, "%s refuses %s = %s: %s; it was tried on this node only",
					    now->seen->nodes[node].address, refused->name, refused->value,
					    policy_refusal(now, node, refused)),
				 "correct spec.settings in the file, or set it in redis.conf and restart the servers");
	const char *unwritten = policy_unwritten(now, &node);
	if (!now->settings_as_declared && !refused && policy_rest_unsettable(now))
		note_without_config(now);
	else if (!now->settings_as_declared && !refused && now->open.n < POLICY_OPEN_MAX)
		policy_note_open(now, unwritten ? (int)node : -1, ROP_WHY_SETTINGS,
				 unwritten ? unwritten : policy_settings_off(now), NULL);
}
