/* remember.c - what lasts beyond a pass: the image follows what was written; the look is kept for the next one to be
 * held against; a consent that was met holds for the run. */
#include <stdio.h>
#include <string.h>

#include "pass.h"
#include "rop/text.h"

/* ---- after the commit -------------------------------------------------------------------------------------- */

static void remember_temporaries(struct rop_reconcile *r)
{
	for (size_t i = 0; i < r->entry.temporaries_set.n; i++) {
		struct rop_temporary t = r->entry.temporaries_set.at[i];
		bool known = false;
		for (size_t k = 0; k < r->image.temporaries.n && !known; k++) {
			struct rop_temporary *before = &r->image.temporaries.at[k];
			known = strcmp(before->node, t.node) == 0 && strcmp(before->name, t.name) == 0;
			if (known) /* the first original value is the one to put back; whom it waits for is the newest
				    */
				memcpy(before->peer, t.peer, ROP_ID_SIZE);
		}
		if (known)
			continue;
		*rop_push(r->arena, &r->image.temporaries) = memory_temporary(r->arena, &t);
	}
}

static void remember_members(struct rop_reconcile *r)
{
	r->image.members.n = 0;
	for (size_t i = 0; i < r->entry.members.n; i++)
		*rop_push(r->arena, &r->image.members) = memory_member(r->arena, &r->entry.members.at[i]);
}

static bool batch_rewrites(const struct rop_reconcile *r, int node)
{
	for (size_t i = 0; i < r->batch.steps.n; i++)
		if (r->batch.steps.at[i].node == node && r->batch.steps.at[i].expect.kind == ROP_STEP_PERSIST)
			return true;
	return false;
}

static void remember_wish(struct rop_reconcile *r)
{
	struct rop_image *image = &r->image;
	const struct rop_wish_end *end = &r->entry.wish_end;
	if (r->entry.wish_begin.shard) {
		image->wish = memory_wish(r->arena, &r->entry.wish_begin);
		image->wish.asked_wall_ms = r->entry.wall_ms;
		return;
	}
	if (!end->id || end->id != image->wish.id)
		return;
	image->last_wish = image->wish;
	image->last_wish.status = end->status;
	image->last_wish.closed_wall_ms = r->entry.wall_ms;
	image->last_wish.note = rop_strdup(r->arena, end->note);
	image->wish = (struct rop_wish){ 0 };
	r->result.wish = end->status;
	r->wish_note = rop_strdup(r->consent_arena, end->note);
}

void remember_written(struct rop_reconcile *r)
{
	struct rop_image *image = &r->image;
	image->known = true;
	for (size_t i = 0, written = 0; i < r->batch.steps.n; i++) {
		struct rop_step step = r->batch.steps.at[i];
		if (step.goes_on)
			continue;
		step.expect.id = r->batch.steps.at[i].expect.id = r->entry.expects.at[written++].id;
		step.expect = rop_expect_dup(r->arena, &step.expect);
		step.n_commands = 0;
		step.commands = NULL; /* of this pass: what is pending was sent */
		step.expect.unwritten = step.expect.kind == ROP_STEP_SETTING && !batch_rewrites(r, step.node);
		*rop_push(r->arena, &r->pending) = step;
		rop_tries_pending(r->tries, &step.expect);
		if (r->options.on_step)
			r->options.on_step(r->options.arg, &r->batch.steps.at[i], ROP_EXPECT_PENDING, NULL);
	}
	r->sent_since_compact |= r->batch.steps.n > 0;
	r->at_work |= r->batch.steps.n > 0;
	remember_temporaries(r);
	if (r->entry.members_changed)
		remember_members(r);
	if (r->entry.shards_changed)
		memory_shards(r->arena, &r->image, r->entry.shards.at, r->entry.shards.n);
	remember_wish(r);
	if (r->entry.moving != ROP_UNKNOWN)
		r->moving = image->moving = r->entry.moving == ROP_TRUE;
	if (r->entry.formed)
		image->formed_wall_ms = r->entry.wall_ms;
	if (r->entry.reached_revision)
		image->reached_revision = r->entry.reached_revision;
	if (r->entry.state)
		image->state = r->entry.state;
	for (int i = 0; r->entry.conditions_changed && i < ROP_CONDITIONS_N; i++) {
		image->conditions[i] = r->entry.conditions[i];
		image->conditions[i].reason = rop_strdup(r->arena, r->entry.conditions[i].reason);
		image->conditions[i].message = rop_strdup(r->arena, r->entry.conditions[i].message);
	}
	r->ended.n = 0;
	r->gone.n = 0;
	r->held.n = 0;
	r->held_news = false;
	r->unwritten_since_boot_ms = r->entry.boot_ms;
}

/* ---- of the look itself --------------------------------------------------------------------------------------- */

#define ELSEWHERE_COUNTS_MS 30000
#define STRANGE_COUNTS_MS 3000 /* introductions are tried again and again: in between there is nothing to be seen */

static void remember_elsewhere(struct rop_before *before, const struct rop_node *node, int64_t boot_ms)
{
	if (before->elsewhere[0] && (boot_ms - before->elsewhere_seen_ms > ELSEWHERE_COUNTS_MS ||
				     rop_node_is_held_in_vain(node, before->elsewhere)))
		before->elsewhere[0] = '\0';
	if (!node->elsewhere || rop_node_is_held_in_vain(node, node->elsewhere))
		return;
	if (!before->elsewhere[0])
		before->elsewhere_since_ms = boot_ms;
	before->elsewhere_seen_ms = boot_ms;
	snprintf(before->elsewhere, sizeof before->elsewhere, "%s", node->elsewhere);
}

static void remember_held(struct rop_before *before, const struct rop_node *node, int64_t boot_ms)
{
	if (!node->held_at)
		before->held_since_ms = 0;
	else if (!before->held_since_ms)
		before->held_since_ms = boot_ms;
	if (!node->sought_at)
		before->sought_since_ms = 0;
	else if (!before->sought_since_ms)
		before->sought_since_ms = boot_ms;
	if (before->strange_since_ms && boot_ms - before->strange_seen_ms > STRANGE_COUNTS_MS)
		before->strange_since_ms = 0;
	if (!node->strange)
		return;
	if (!before->strange_since_ms)
		before->strange_since_ms = boot_ms;
	before->strange_seen_ms = boot_ms;
}

/* What stands against who leaves, and may pass. */
static void remember_barred(struct rop_reconcile *r, int64_t boot_ms)
{
	for (size_t k = 0; k < r->now->retirements.n; k++) {
		const struct rop_retirement *leaves = &r->now->retirements.at[k];
		int64_t *since = &r->before[leaves->node].barred_since_ms;
		if (!leaves->barred)
			*since = 0;
		else if (!*since)
			*since = boot_ms;
	}
}

/* What the next look is held against. */
void remember_look(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	if (!r->before) {
		size_t most = seen->asked + ROP_FOREIGN_MAX + 1; /* ghosts come and go */
		r->before = rop_malloc(most * sizeof *r->before);
		memset(r->before, 0, most * sizeof *r->before);
	}
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		struct rop_before *before = &r->before[i];
		if (strcmp(before->id, node->id) != 0) {
			before->elsewhere[0] = '\0';
			before->held_since_ms = before->strange_since_ms = before->sought_since_ms = 0;
			before->orphan_since_ms = 0;
		}
		if (!r->now->orphan || r->now->orphan->copy != (int)i)
			before->orphan_since_ms = 0;
		else if (!before->orphan_since_ms)
			before->orphan_since_ms = clock.boot_ms;
		before->role = node->role;
		before->epoch = node->epoch;
		before->epoch_held = node->epoch_held;
		before->answered = rop_node_answers(node);
		memcpy(before->id, node->id, ROP_ID_SIZE);
		remember_elsewhere(before, node, clock.boot_ms);
		remember_held(before, node, clock.boot_ms);
	}
	remember_barred(r, clock.boot_ms);
}

/* A consent that was met in this pass holds for the run. */
void remember_consent(struct rop_reconcile *r, const struct rop_consent *asked)
{
	struct rop_arena *arena = r->consent_arena;
	if (!asked->taken.list.n || r->consent.taken.list.n)
		return;
	for (size_t i = 0; i < asked->taken.list.n; i++) {
		struct rop_risk risk = asked->taken.list.at[i];
		const char **texts[] = { &risk.what, &risk.slots, &risk.copies, &risk.nodes, &risk.text };
		for (size_t t = 0; t < sizeof texts / sizeof *texts; t++)
			*texts[t] = rop_strdup(arena, *texts[t]);
		*rop_push(arena, &r->consent.taken.list) = risk;
	}
}
