/* takeover.c - a take-over without a vote: who led the shard, who is to, how far it is, and what stands against it.
 * Of a run that is for nothing else: no other run has `to_take_over`, so none ever asks for one.
 */
#include "rop/takeover.h"

#include <stdlib.h>
#include <string.h>

#include "handover.h"
#include "risks.h"
#include "rop/permissions.h"
#include "rop/text.h"

/* ---- who ------------------------------------------------------------------------------------------------------ */

static int furthest_first(const void *a, const void *b)
{
	const struct rop_candidate *x = a, *y = b;
	if (x->ready != y->ready)
		return x->ready ? -1 : 1;
	if (x->lag != y->lag && x->lag >= 0 && y->lag >= 0)
		return x->lag < y->lag ? -1 : 1;
	if ((x->lag < 0) != (y->lag < 0))
		return x->lag < 0 ? 1 : -1;
	return x->node < y->node ? -1 : 1;
}

static void find_candidates(struct rop_takeover *t)
{
	const struct rop_situation *now = t->now;
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		if ((int)i == t->lost || node->role != ROP_ROLE_REPLICA || node->primary != t->lost)
			continue;
		const char *why = risk_takeover_by(now, (size_t)t->lost, i);
		bool denied = !why && node->forbidden & ROP_PERMIT(FAILOVER);
		if (denied)
			why = rop_printf(now->arena, "does not let user '%s' run cluster|failover", policy_user(now));
		*rop_push(now->arena,
			  &t->candidates) = (struct rop_candidate){ .node = (int)i,
								    .ready = !why,
								    .why = why,
								    .denied = denied,
								    .lag = risk_takeover_lag(now, (size_t)t->lost, i) };
	}
	if (t->candidates.n)
		qsort(t->candidates.at, t->candidates.n, sizeof *t->candidates.at, furthest_first);
}

static void bar(struct rop_takeover *t, const char *why)
{
	if (!t->barred)
		t->barred = why;
}

static void bar_by(struct rop_takeover *t, const struct rop_candidate *c)
{
	if (!t->barred && c->denied)
		t->code = ROP_DENIED;
	bar(t, rop_printf(t->now->arena, "%s %s", t->now->seen->nodes[c->node].address, c->why));
}

/* The one that was named, or the best. */
static void choose(struct rop_takeover *t)
{
	const struct rop_situation *now = t->now;
	int named = t->asked->node[0] ? rop_observed_find(now->seen, t->asked->node) : -1;
	for (size_t i = 0; i < t->candidates.n; i++) {
		const struct rop_candidate *c = &t->candidates.at[i];
		if (t->asked->node[0] && c->node != named)
			continue;
		if (!c->ready)
			bar_by(t, c);
		t->heir = c->node;
		return;
	}
	const char *name = t->asked->address ? t->asked->address : t->asked->node;
	if (t->asked->node[0])
		bar(t, rop_printf(now->arena, "%s is no replica of shard %d that is seen", name, t->asked->shard));
	bar(t, rop_printf(now->arena, "no replica of shard %d is seen", t->asked->shard));
}

/* ---- done ----------------------------------------------------------------------------------------------------- */

static bool leads(const struct rop_observed *seen, int node)
{
	return node >= 0 && rop_answers(seen, (size_t)node) && seen->nodes[node].role != ROP_ROLE_REPLICA &&
	       !rop_slots_empty(&seen->nodes[node].slots);
}

static bool all_say_so(const struct rop_takeover *t)
{
	const struct rop_observed *seen = t->now->seen;
	for (size_t v = 0; v < seen->n; v++)
		if ((int)v != t->heir && rop_answers(seen, v) && t->now->group[v] == t->now->group[t->heir] &&
		    !rop_bit(seen, seen->agrees, v, (size_t)t->heir))
			return false;
	return true;
}

/* ---- all of it ------------------------------------------------------------------------------------------------ */

static struct rop_step step_of(const struct rop_takeover *t)
{
	return policy_step(t->now, ROP_STEP_TAKEOVER, t->heir, t->lost);
}

/* The guard has the last word; of a loss it says what it is. false: nothing is to be asked for now. */
static bool weigh(struct rop_takeover *t, struct rop_situation *now)
{
	struct rop_batch nothing = { .arena = now->arena };
	struct rop_step step = step_of(t);
	struct guard guard = guard_step(now, &nothing, &step);
	if (guard.verdict == GUARD_WAIT || guard.verdict == GUARD_UNKNOWN)
		bar(t, guard.why);
	if (t->barred)
		return false;
	*rop_push(now->arena, &t->losses.list) = guard.risk;
	policy_digest_losses(&t->losses);
	return guard.verdict == GUARD_GO || policy_take_consent(now, &t->losses);
}

static bool consented(struct rop_takeover *t, struct rop_situation *now)
{
	t->lost = rop_observed_find(now->seen, t->asked->primary);
	if (!now->formed)
		bar(t, "the cluster is not known to be formed, by what those who answer say");
	else if (t->lost < 0 || (size_t)t->lost >= now->seen->n)
		bar(t, rop_printf(now->arena, "who led shard %d is no node that is declared", t->asked->shard));
	if (t->barred)
		return false;
	const char *why = risk_takeover_of(now, (size_t)t->lost, &t->advice);
	if (why)
		bar(t, why);
	find_candidates(t);
	choose(t);
	return t->heir >= 0 && weigh(t, now);
}

static bool is_under_way(const struct rop_situation *now, const char *lost)
{
	struct rop_expect e = { .kind = ROP_STEP_TAKEOVER };
	memcpy(e.peer, lost, strlen(lost) + 1);
	return now->tries && rop_tries_may(now->tries, policy_subject(now->arena, &e), now->boot_ms) == ROP_MAY_PENDING;
}

void policy_find_takeover(struct rop_situation *now)
{
	const struct rop_wish *asked = now->to_take_over;
	if (!asked)
		return;
	struct rop_takeover *t = now->takeover = rop_alloc(now->arena, sizeof *t);
	*t = (struct rop_takeover){ .now = now, .asked = asked, .lost = -1, .heir = -1, .code = ROP_REFUSED };
	int named = asked->node[0] ? rop_observed_find(now->seen, asked->node) : -1;
	t->under_way = is_under_way(now, asked->primary);
	t->done = leads(now->seen, named) && strcmp(asked->node, asked->primary) != 0;
	if (t->done) {
		t->heir = named;
		t->confirmed = all_say_so(t);
		now->takeover_due = !t->confirmed;
		return;
	}
	now->takeover_due = consented(t, now) || t->under_way;
}

void policy_take_over_unvoted(const void *subject, const int64_t *args, void *output)
{
	const struct rop_situation *now = subject;
	const struct rop_takeover *t = now->takeover;
	(void)args;
	if (!t || t->done || t->under_way || t->barred || t->heir < 0)
		return;
	struct rop_step step = step_of(t);
	policy_add(now, output, &step);
}
