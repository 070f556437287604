/* predict.c - the plan: the same reconciler, driven against the cluster as it is predicted to become. */
#include <string.h>

#include "rop/leaving.h"
#include "rop/reconcile.h"

#define LOOK_MS 150 /* of the predicted clock, between looks */

struct prediction {
	struct rop_arena *arena;
	struct rop_observed *world;
	const struct rop_image *image;
	struct rop_clock clock;
	struct rop_plan *plan;
};

static void note_transition(void *arg, const struct rop_transition *t)
{
	struct prediction *p = arg;
	*rop_push(p->arena, &p->plan->transitions) = (struct rop_transition){
		.machine = rop_strdup(p->arena, t->machine),
		.digest = rop_strdup(p->arena, t->digest),
		.subject = rop_strdup(p->arena, t->subject),
		.from = rop_strdup(p->arena, t->from),
		.to = rop_strdup(p->arena, t->to),
		.row = rop_strdup(p->arena, t->row),
		.why = rop_strdup(p->arena, t->why),
	};
}

static void look(struct prediction *p, struct rop_reconcile *r)
{
	struct rop_arena *pass = rop_arena_new(); /* the reconciler frees it with the next look */
	/* What a step makes a ghost of is one from here on: it is to be forgotten in this world. */
	const struct rop_observed *with = rop_observed_with_ghosts(p->arena, p->world, p->image);
	if (with != p->world)
		p->world = rop_observed_copy(p->arena, with);
	struct rop_observed *seen = rop_observed_copy(pass, p->world);
	p->clock.boot_ms += LOOK_MS;
	p->clock.wall_ms += LOOK_MS;
	seen->boot_ms = p->clock.boot_ms;
	rop_reconcile_observed(r, seen, p->clock);
}

static void pretend_to_write(struct rop_entry *entry, int64_t *next_id)
{
	for (size_t i = 0; i < entry->expects.n; i++)
		entry->expects.at[i].id = (*next_id)++;
	if (entry->wish_begin.shard)
		entry->wish_begin.id = (*next_id)++;
}

static void dup_risk(struct rop_arena *arena, struct rop_risk *risk)
{
	const char **texts[] = { &risk->what, &risk->slots, &risk->copies, &risk->nodes, &risk->text };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_strdup(arena, *texts[i]);
}

static void pretend_to_send(struct prediction *p, struct rop_reconcile *r)
{
	size_t n;
	const struct rop_step *steps = rop_reconcile_steps(r, &n);
	struct rop_outcome *outcomes = rop_alloc_n(p->arena, n, sizeof *outcomes);
	for (size_t i = 0; i < n; i++) {
		struct rop_step step = steps[i];
		step.expect = rop_expect_dup(p->arena, &steps[i].expect);
		step.state = rop_strdup(p->arena, steps[i].state);
		step.n_commands = 0;
		step.commands = NULL; /* nothing is sent */
		dup_risk(p->arena, &step.risk);
		*rop_push(p->arena, &p->plan->steps) = step;
		rop_step_effect(&step.expect, p->world);
	}
	rop_settle(p->world);
	rop_reconcile_sent(r, outcomes, p->clock);
}

void rop_plan_make(struct rop_arena *arena, const struct rop_reconcile_options *options,
		   const struct rop_observed *seen, struct rop_clock clock, struct rop_plan *ret_plan)
{
	*ret_plan = (struct rop_plan){ 0 };
	seen = rop_observed_with_ghosts(arena, seen, options->image);
	struct prediction p = { .arena = arena,
				.clock = clock,
				.plan = ret_plan,
				.image = options->image,
				.world = rop_observed_copy(arena, seen) };
	struct rop_consent consent = { .digest = options->consent };
	struct rop_situation *first = rop_situation_make(&(struct rop_situation){ .looks_once = true,
										  .consent = &consent,
										  .to_take_over = options->takeover,
										  .arena = arena,
										  .topology = options->topology,
										  .seen = seen,
										  .image = options->image,
										  .instance = options->instance,
										  .wall_ms = clock.wall_ms,
										  .boot_ms = clock.boot_ms,
										  .moving = options->image->moving,
										  .only_wish = options->only_wish,
										  .only_drain = options->only_drain,
										  .may_lower = !options->step });
	first->consent = NULL;
	ret_plan->first = first;

	struct rop_reconcile_options predicted = *options;
	predicted.predict = true;
	predicted.keep = false;
	predicted.on_transition = note_transition;
	predicted.on_step = NULL;
	predicted.may_step = NULL;
	predicted.arg = &p;
	struct rop_reconcile *r = rop_reconcile_new(&predicted, clock);
	int64_t next_id = INT64_MAX / 2; /* no row of the database has it */
	for (enum rop_want want; (want = rop_reconcile_want(r)) != ROP_WANT_DONE;) {
		switch (want) {
		case ROP_WANT_OBSERVE: look(&p, r); break;
		case ROP_WANT_COMMIT:
			pretend_to_write(rop_reconcile_entry(r), &next_id);
			rop_reconcile_committed(r, false);
			break;
		case ROP_WANT_SEND: pretend_to_send(&p, r); break;
		case ROP_WANT_SLEEP:
			rop_settle(p.world);
			rop_reconcile_woke(r);
			break;
		case ROP_WANT_DONE: break;
		}
	}
	ret_plan->end = p.world;
	ret_plan->result = rop_reconcile_result(r);
	ret_plan->result.text = rop_strdup(arena, ret_plan->result.text);
	rop_reconcile_free(r);
}
