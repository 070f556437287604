/* differ.c - views that differ: in what, both values, and whether that can end by itself. */
#include <inttypes.h>
#include <string.h>

#include "policy.h"
#include "rop/text.h"

static const char *difference_text(struct rop_situation *now, const struct rop_difference *d, const char *viewers,
				   bool one)
{
	const char *node = now->seen->nodes[d->subject].address, *s = one ? "s" : "";
	switch (d->in) {
	case ROP_DIFFERS_ROLE:
		return rop_printf(now->arena, "%s take%s %s for %s, which says that it is %s", viewers, s, node,
				  d->held, d->says);
	case ROP_DIFFERS_SLOTS: {
		bool slot = !strpbrk(d->slots, "- ");
		return rop_printf(now->arena, "%s give%s slot%s %.60s%s to %s, %s gives %s to %s", viewers, s,
				  slot ? "" : "s", d->slots, strlen(d->slots) > 60 ? " ..." : "", d->held, node,
				  slot ? "it" : "them", d->says);
	}
	case ROP_DIFFERS_EPOCH:
		return rop_printf(now->arena, "%s %s config epoch %s for %s, which says that it is %s", viewers,
				  one ? "has" : "have", d->held, node, d->says);
	}
	return "";
}

/* Nobody but this node says that one of its slots is its own, and everybody who could was asked: the others only have
 * not heard, or do not believe it. */
static bool is_only_claimant(const struct rop_situation *now, size_t node)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (!rop_answers(now->seen, i) || now->seen->nodes[i].open_slots ||
		    (i != node && rop_slots_meet(&now->seen->nodes[i].slots, &now->seen->nodes[node].slots)))
			return false;
	return !now->seen->foreign.n && !now->seen->foreign_more;
}

/* Servers believe the greater config epoch. Before 7.0, who got slots without one (SETSLOT NODE that closes no import,
 * DELSLOTS and ADDSLOTS) is not believed while who had them before has a greater one, for ever; since 7.0 they see that
 * the latter claims them no more (owner_not_claiming_slot in cluster.c), and no view stays so. A new epoch makes it win
 * over whoever claims the same slots, who throws the keys away: so a person decides, and is told it only where there is
 * nobody. */
#define UNCLAIMED_SEEN_SINCE 70000
static const char *bump_advice(struct rop_situation *now, const struct rop_difference *d)
{
	const struct rop_node *node = &now->seen->nodes[d->subject], *other;
	if (d->in != ROP_DIFFERS_SLOTS || d->holder < 0 || strcmp(d->says, "itself") != 0)
		return NULL;
	other = &now->seen->nodes[d->holder];
	int version = now->seen->nodes[d->viewer].version;
	if (!version || version >= UNCLAIMED_SEEN_SINCE || other->epoch < node->epoch ||
	    !is_only_claimant(now, (size_t)d->subject))
		return NULL;
	return rop_printf(
		now->arena,
		"%s is not believed while its config epoch, %" PRId64 ", is not greater than that of %s, "
		"%" PRId64 ", and that does not end by itself. All nodes answer, and nobody else claims its "
		"slots: when %s holds no key of them any more (CLUSTER COUNTKEYSINSLOT), a person may have it "
		"take a new epoch: `redis-cli -h %s -p %d cluster bumpepoch`",
		node->address, node->epoch, other->address, other->epoch, other->address, node->ip ? node->ip : "HOST",
		node->port);
}

/* Peers take a smaller epoch of nobody, so this one does not end by itself. */
static const char *behind_advice(struct rop_situation *now, const struct rop_difference *d)
{
	const char *why = policy_bump_waits(now, (size_t)d->subject);
	if (d->in != ROP_DIFFERS_EPOCH || !rop_node_is_behind(&now->seen->nodes[d->subject]))
		return NULL;
	return rop_printf(
		now->arena,
		"it came back with an older nodes.conf, and its peers take no smaller epoch of it; apply gives it a "
		"new one (CLUSTER BUMPEPOCH) where nobody else can claim its slots%s%s",
		why ? "; not now: " : "", why ? why : "");
}

static bool is_same_difference(const struct rop_difference *a, const struct rop_difference *b)
{
	return a->subject == b->subject && a->in == b->in && strcmp(a->held, b->held) == 0 &&
	       strcmp(a->says, b->says) == 0 && rop_streq(a->slots, b->slots);
}

const uint64_t *policy_note_differences(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	size_t words = seen->n * seen->words, told = 0;
	uint64_t *agrees = rop_alloc_n(now->arena, words + 1, sizeof *agrees);
	const char **viewers = rop_alloc_n(now->arena, seen->n + 1, sizeof *viewers);
	if (words)
		memcpy(agrees, seen->agrees, words * sizeof *agrees);
	for (size_t k = 0; k < seen->differences.n; k++) {
		const struct rop_difference *d = &seen->differences.at[k];
		size_t n = 0;
		for (size_t m = k; m < seen->differences.n; m++) {
			const struct rop_difference *same = &seen->differences.at[m];
			if (!is_same_difference(d, same) ||
			    rop_bit(seen, agrees, (size_t)same->viewer, (size_t)same->subject))
				continue;
			viewers[n++] = seen->nodes[same->viewer].address;
			rop_bit_set(seen, agrees, (size_t)same->viewer, (size_t)same->subject);
		}
		if (n && told++ < POLICY_PAIRS_MAX)
			policy_note_open(now, d->subject, ROP_WHY_VIEWS_DIFFER,
					 difference_text(now, d,
							 rop_text_some(now->arena, viewers, n, POLICY_VIEWERS_MAX),
							 n == 1),
					 d->in == ROP_DIFFERS_EPOCH ? behind_advice(now, d) : bump_advice(now, d));
	}
	if (told > POLICY_PAIRS_MAX)
		policy_note_open(now, -1, ROP_WHY_VIEWS_DIFFER,
				 rop_printf(now->arena, "and %zu more views of nodes that differ",
					    told - POLICY_PAIRS_MAX),
				 NULL);
	return agrees;
}
