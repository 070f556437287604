/* draining.c - how far the drain of a host is: which shards are led from there still, what would be left without it,
 * which hand-over is next, and what waits meanwhile. Nothing is taken for granted of a host because somebody drains it:
 * its silence is told otherwise, and proves nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "budget.h"
#include "copies.h"
#include "drained.h"
#include "handover.h"
#include "rop/text.h"

#define TRY_AGAIN_MS 60000 /* after one that did not come about */

/* ---- what would be left ----------------------------------------------------------------------------------------- */

/* "2:0 3:1": does it let that shard be left with so few? */
static bool permits(const char *fewer, int number, size_t left)
{
	int shard, least, n;
	for (const char *at = fewer; at && sscanf(at, "%d:%d%n", &shard, &least, &n) == 2; at += n)
		if (shard == number && left >= (size_t)least)
			return true;
	return false;
}

static bool has_a_node_of(const struct rop_drained *d, size_t shard)
{
	for (size_t i = 0; i < d->nodes.n; i++)
		if (d->now->layout.shard_of[d->nodes.at[i]] == (int)shard)
			return true;
	return false;
}

/* Who leads from there hands over to one of those that are left. */
static size_t left_without(const struct rop_situation *now, size_t primary)
{
	size_t left = budget_copies(now, primary, primary);
	return drained_is(now, primary) && left ? left - 1 : left;
}

static int by_number(const void *a, const void *b)
{
	const struct rop_fewer *x = a, *y = b;
	return (x->shard > y->shard) - (x->shard < y->shard);
}

/* Each shard that would be left with fewer replicas than it keeps. */
static void find_fewer(struct rop_drained *d)
{
	const struct rop_situation *now = d->now;
	ROP_OWN_TEXT text = { 0 };
	for (size_t k = 0; k < now->layout.n; k++) {
		int primary = now->layout.shards[k].primary, number = now->layout.shards[k].number;
		if (primary < 0 || !has_a_node_of(d, k))
			continue;
		size_t left = left_without(now, (size_t)primary), keeps = budget_keeps(now, (size_t)primary);
		if (left >= keeps)
			continue;
		*rop_push(now->arena, &d->fewer) = (struct rop_fewer){
			.shard = number,
			.left = left,
			.keeps = keeps,
			.consented = permits(d->drain->fewer, number, left),
		};
	}
	if (d->fewer.n)
		qsort(d->fewer.at, d->fewer.n, sizeof *d->fewer.at, by_number);
	for (size_t i = 0; i < d->fewer.n; i++)
		rop_text_add(&text, "%s%d:%zu", i ? " " : "", d->fewer.at[i].shard, d->fewer.at[i].left);
	d->fewer_text = rop_strndup(now->arena, text.n ? text.at : "", text.n);
	uint64_t digest = rop_digest(ROP_DIGEST_START, d->drain->target, strlen(d->drain->target) + 1);
	digest = rop_digest(digest, d->fewer_text, strlen(d->fewer_text));
	snprintf(d->digest, sizeof d->digest, "%08x", (unsigned)(digest ^ digest >> 32));
}

static const struct rop_fewer *not_consented(const struct rop_drained *d)
{
	for (size_t i = 0; i < d->fewer.n; i++)
		if (!d->fewer.at[i].consented)
			return &d->fewer.at[i];
	return NULL;
}

/* ---- who leads from there ---------------------------------------------------------------------------------------- */

static bool leads(const struct rop_situation *now, int node)
{
	int shard = now->layout.shard_of[node];
	return shard >= 0 && handover_leader(now, shard) == node;
}

static struct rop_wish wish_of(const struct rop_drained *d, int primary)
{
	const struct rop_situation *now = d->now;
	const struct rop_node *node = &now->seen->nodes[primary];
	const char *reason = d->drain->by.reason;
	struct rop_wish wish = { .id = INT64_MAX,
				 .shard = now->layout.shards[now->layout.shard_of[primary]].number,
				 .primary_address = node->address,
				 .asked_wall_ms = now->wall_ms,
				 .by = d->drain->by,
				 .drain = d->drain->id };
	memcpy(wish.primary, node->id, ROP_ID_SIZE);
	wish.by.what = ROP_DEED_FAILOVER;
	wish.by.reason = rop_printf(now->arena, "drain of %s%s%s", d->drain->target, reason ? ": " : "",
				    reason ? reason : "");
	return wish;
}

/* The first one whose turn it can be becomes the wish that is next. */
static void look_at_leader(struct rop_situation *now, struct rop_drained *d, int primary)
{
	struct rop_wish *wish = rop_alloc(now->arena, sizeof *wish);
	const struct rop_handover *open = now->handover;
	*wish = wish_of(d, primary);
	d->leads++;
	const struct rop_handover *h = open && open->from == primary ? open : handover_of(now, wish);
	if (!d->holds)
		d->holds = rop_printf(now->arena, "%s leads shard %d%s%s", now->seen->nodes[primary].address,
				      wish->shard, h->barred ? ", and " : "", h->barred ? h->barred : "");
	if (!h->barred && !h->hopeless && !now->drain_wish)
		now->drain_wish = wish;
}

static const char *without_them(const struct rop_drained *d)
{
	const struct rop_situation *now = d->now;
	const struct rop_fewer *fewer = not_consented(d);
	for (size_t k = 0; k < now->layout.n; k++) {
		int primary = now->layout.shards[k].primary;
		const char *open = primary >= 0 && has_a_node_of(d, k) ? copies_leadership_open(now, (size_t)primary)
								       : NULL;
		if (open)
			return open;
	}
	if (!fewer)
		return NULL;
	return rop_printf(now->arena, "shard %d would have %zu replica%s in sync without it, and is to keep %zu",
			  fewer->shard, fewer->left, rop_plural((int64_t)fewer->left), fewer->keeps);
}

static const char *not_known(const struct rop_situation *now)
{
	if (now->refused)
		return now->findings.at[0].text;
	return now->in_view ? "nobody is known to own all slots" : "too few nodes answer to tell who leads what";
}

/* By shard, whoever leads it first; those of no shard last. */
static bool comes_before(const struct rop_situation *now, int a, int b)
{
	int x = now->layout.shard_of[a], y = now->layout.shard_of[b];
	if (x < 0 || y < 0 || x == y)
		return x >= 0 && (y < 0 || (leads(now, a) && !leads(now, b)));
	return now->layout.shards[x].number < now->layout.shards[y].number;
}

/* Hand-overs come in this order, and so is all that is told. */
static void add_node(const struct rop_situation *now, struct rop_drained *d, int node)
{
	rop_push(now->arena, &d->nodes);
	size_t at = d->nodes.n - 1;
	for (; at > 0 && comes_before(now, node, d->nodes.at[at - 1]); at--)
		d->nodes.at[at] = d->nodes.at[at - 1];
	d->nodes.at[at] = node;
}

static void look_at(struct rop_situation *now, struct rop_drained *d)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!rop_drain_is_of(d->drain, &now->topology->nodes.at[i]))
			continue;
		add_node(now, d, (int)i);
		d->silent += !rop_answers(now->seen, i);
	}
	if (!now->formed || !now->in_view || now->refused) { /* unknown is not safe */
		d->holds = not_known(now);
		return;
	}
	find_fewer(d);
	for (size_t i = 0; i < d->nodes.n; i++)
		if (leads(now, d->nodes.at[i]))
			look_at_leader(now, d, d->nodes.at[i]);
		else if (!d->holds && !rop_slots_empty(&now->seen->nodes[d->nodes.at[i]].slots))
			d->holds = rop_printf(now->arena, "%s claims slots", now->seen->nodes[d->nodes.at[i]].address);
	if (!d->holds && now->handover && now->handover->wish->drain == d->drain->id)
		d->holds = rop_handover_sentence(now->arena, now->handover);
	if (!d->holds)
		d->holds = without_them(d);
}

/* ---- what follows ------------------------------------------------------------------------------------------------ */

static bool all_silent_are_drained(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (!rop_answers(now->seen, i) && !drained_is(now, i))
			return false;
	return !now->all_answer;
}

/* What was begun is seen through. */
static bool nothing_is_begun(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->migrations.n; i++)
		if (now->migrations.at[i].open || now->migrations.at[i].job_runs)
			return false;
	for (size_t i = 0; i < now->retirements.n; i++)
		if (now->retirements.at[i].alone && now->retirements.at[i].listed)
			return false;
	return true;
}

static bool failed_just_now(const struct rop_situation *now)
{
	const struct rop_wish *last = &now->image->last_wish;
	return last->id && last->drain && last->status != ROP_WISH_MET &&
	       now->wall_ms - last->closed_wall_ms < TRY_AGAIN_MS;
}

void policy_find_drains(struct rop_situation *now)
{
	for (size_t d = 0; d < now->drains.n; d++)
		look_at(now, &now->drains.at[d]);
	if (!now->host_drained)
		return;
	now->silence_expected = now->in_view && all_silent_are_drained(now);
	now->drain_due = now->only_drain ||
			 (now->drain_wish && !now->image->wish.id && !failed_just_now(now) && !now->only_wish);
	now->optional_waits = nothing_is_begun(now) && (now->slots_to_move > 0 || now->leaving || now->leavers_held);
}

void policy_begin_handover(const void *subject, const int64_t *args, void *output)
{
	const struct rop_situation *now = subject;
	struct rop_batch *batch = output;
	(void)args;
	if (now->drain_wish && !now->image->wish.id && !failed_just_now(now))
		batch->wish_begin = *now->drain_wish;
	else if (now->placement_due)
		batch->wish_begin = *now->placement_wish;
}

bool rop_situation_waits_for_drain(const struct rop_situation *now)
{
	bool there = now->slots_in_place && !now->leaving && !now->leavers_held;
	return (now->silence_expected || (now->all_answer && now->optional_waits)) && !now->refused &&
	       now->views_agree && now->slots_assigned && now->replicas_attached && now->links_up && now->state_ok &&
	       now->settings_as_declared && !now->temporaries_in_force && !now->temporaries_waiting &&
	       (there || now->optional_waits);
}
