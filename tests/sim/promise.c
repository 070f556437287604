/* promise.c - a plan cannot lie: where nothing goes wrong, the steps that were taken are the steps that were planned.
 */
#include <string.h>

#include "rop/leaving.h"
#include "sim.h"

/* A step's identity: kind, subject, arguments. A repeated attempt is not a new step; that of an introduction may start
 * at the other end. */
static bool same_step(const struct rop_expect *a, const struct rop_expect *b)
{
	if (a->kind == ROP_STEP_MEET && b->kind == ROP_STEP_MEET && strcmp(a->node, b->peer) == 0 &&
	    strcmp(a->peer, b->node) == 0)
		return true;
	return a->kind == b->kind && strcmp(a->subject, b->subject) == 0 && a->epoch == b->epoch &&
	       strcmp(a->peer, b->peer) == 0 && (a->value ? b->value && strcmp(a->value, b->value) == 0 : !b->value);
}

struct rop_plan *promise_make(struct sim *s)
{
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	struct rop_plan *plan = rop_alloc(s->arena, sizeof *plan);
	if (!rop_store_load(s->store, s->arena, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	const struct rop_topology *topology = rop_topology_leaving(s->arena, s->topology, &image);
	struct rop_observed *seen = look_at_truth(s->world, topology);
	struct rop_reconcile_options options = {
		.machine = s->machine, .topology = topology, .image = &image, .boot_id = "boot-0", .pid = 1
	};
	rop_plan_make(s->arena, &options, rop_observed_copy(s->arena, seen), world_clock(s->world), plan);
	rop_arena_free(seen->arena);
	for (size_t i = 0; i < plan->steps.n; i++)
		trace(s, "plan", "%s '%s' to %s", plan->steps.at[i].expect.subject, plan->steps.at[i].expect.command,
		      plan->steps.at[i].expect.address);
	return plan;
}

/* After an interrupted redis-cli acquaintance still spreads by itself: who is to meet whom depends on the moment; so
 * does to whom a shard was not told yet; and whether who gives its last slots away is told or has heard of it, and
 * closed them as a replica does. How many keys there are to be carried nobody knew before; nor what has come to a node
 * that was not told yet to let clients in: that decides which way slots go that somebody opened. A replica whose
 * emptied primary was told to follow another one follows there by itself, unless it is told first. */
static bool counts(const struct sim *s, const struct rop_expect *e)
{
	if (e->kind == ROP_STEP_GREET || e->kind == ROP_STEP_CARRY)
		return false;
	int node = rop_observed_find(s->world->truth, e->node);
	if (e->kind == ROP_STEP_YIELD && node >= 0 && s->world->truth->nodes[node].role == ROP_ROLE_REPLICA)
		return false;
	bool points = e->kind == ROP_STEP_ROLE ||
		      (e->peer[0] && (e->kind == ROP_STEP_LOWER || e->kind == ROP_STEP_RESTORE)) ||
		      (e->name && strcmp(e->name, "cluster-replica-no-failover") == 0);
	if ((moves_is_start(s->start) || s->edits > 1) && points)
		return false;
	if (e->kind == ROP_STEP_FORGET && s->edits > 1 && (node < 0 || (size_t)node >= leave_staying(s)))
		return false; /* of two that leave one may hear of the other before it is reset */
	if ((s->start == START_OPENED || s->person_opened) && rop_step_moves_slots(e->kind))
		return false;
	return e->kind != ROP_STEP_MEET || s->start != START_REDIS_CLI;
}

void promise_judge(struct sim *s, const struct rop_plan *plan)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		bool taken = !counts(s, &plan->steps.at[i].expect);
		for (size_t k = 0; k < s->judge.rows.n && !taken; k++)
			taken = same_step(&plan->steps.at[i].expect, &s->judge.rows.at[k].expect);
		if (!taken)
			sim_fail(s, "planned and not taken: %s '%s'", plan->steps.at[i].expect.subject,
				 plan->steps.at[i].expect.command);
	}
	for (size_t k = 0; k < s->judge.rows.n; k++) {
		bool planned = !counts(s, &s->judge.rows.at[k].expect);
		for (size_t i = 0; i < plan->steps.n && !planned; i++)
			planned = same_step(&plan->steps.at[i].expect, &s->judge.rows.at[k].expect);
		if (!planned)
			sim_fail(s, "taken and not planned: %s '%s'", s->judge.rows.at[k].expect.subject,
				 s->judge.rows.at[k].expect.command);
	}
}
