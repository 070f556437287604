/* steps.c - a step: its words, its command, what it changes, and how it is seen to have happened. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"

struct rop_step policy_step(const struct rop_situation *now, enum rop_step_kind kind, int node, int peer)
{
	struct rop_step step = { .node = node, .peer = peer };
	step.expect.kind = kind;
	step.expect.first = step.expect.last = -1;
	memcpy(step.expect.node, now->seen->nodes[node].id, ROP_ID_SIZE);
	if (peer >= 0)
		memcpy(step.expect.peer, now->seen->nodes[peer].id, ROP_ID_SIZE);
	return step;
}

static const char *subject_of(struct rop_arena *arena, const struct rop_expect *e)
{
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: return rop_printf(arena, "setting:%s/%s", e->node, e->name);
	case ROP_STEP_EPOCH: return rop_printf(arena, "epoch:%s", e->node);
	case ROP_STEP_MEET: return rop_printf(arena, "link:%s>%s", e->node, e->peer);
	case ROP_STEP_GREET: return rop_printf(arena, "greet:%s>%s", e->node, e->peer);
	case ROP_STEP_SLOTS: return rop_printf(arena, "slot:%d-%d", e->first, e->last);
	case ROP_STEP_ROLE: return rop_printf(arena, "role:%s", e->node);
	case ROP_STEP_PERSIST: return rop_printf(arena, "config:%s", e->node);
	case ROP_STEP_KINDS_N: break;
	}
	return "";
}

/* Two actions of one row may want the same: one thing at a time on one subject, the next look decides about the rest.
 * The batch remembers its subjects as tries do, which is quick also for thousands. */
static bool batch_holds(const struct rop_situation *now, struct rop_batch *batch, const struct rop_expect *e)
{
	if (!batch->claimed)
		batch->claimed = rop_tries_new(batch->arena);
	if (rop_tries_may(batch->claimed, e->subject, now->boot_ms) == ROP_MAY_PENDING)
		return true;
	return e->kind == ROP_STEP_SLOTS && rop_tries_slot_pending(batch->claimed, e->first, e->last);
}

bool policy_add(const struct rop_situation *now, struct rop_batch *batch, struct rop_step *step)
{
	struct rop_expect *e = &step->expect;
	if (!rop_node_answers(&now->seen->nodes[step->node]))
		return false;
	e->subject = subject_of(batch->arena, e);
	struct guard guard = guard_step(now, batch, step);
	step->risk = guard.risk;
	if (batch->weighing) {
		policy_note_guard(batch->weighing, step, &guard);
		if (guard.verdict == GUARD_GO)
			*rop_push(batch->arena, &batch->steps) = *step;
		return false;
	}
	if (guard.verdict != GUARD_GO)
		return false;
	if (now->tries && rop_tries_may(now->tries, e->subject, now->boot_ms) != ROP_MAY)
		return false;
	if (batch_holds(now, batch, e))
		return false;
	rop_tries_pending(batch->claimed, e);
	e->attempts = now->tries ? rop_tries_count(now->tries, e->subject) + 1 : 1;
	e->why = batch->why;
	e->address = now->seen->nodes[step->node].address;
	step->state = batch->state;
	*rop_push(batch->arena, &batch->steps) = *step;
	return true;
}

struct rop_expect rop_expect_dup(struct rop_arena *arena, const struct rop_expect *expect)
{
	struct rop_expect copy = *expect;
	const char **texts[] = { &copy.subject, &copy.name,         &copy.value, &copy.was,  &copy.address,
				 &copy.command, &copy.precondition, &copy.why,   &copy.note, &copy.shown };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_strdup(arena, *texts[i]);
	return copy;
}

/* ---- the command ------------------------------------------------------------------------------------------- */

#define ADDSLOTSRANGE_SINCE 70000

static size_t add_slots_command(struct rop_arena *arena, const struct rop_expect *e, int version,
				const char ***ret_argv)
{
	if (version == 0 || version >= ADDSLOTSRANGE_SINCE) {
		const char **argv = rop_alloc_n(arena, 4, sizeof *argv);
		argv[0] = "CLUSTER";
		argv[1] = "ADDSLOTSRANGE";
		argv[2] = rop_printf(arena, "%d", e->first);
		argv[3] = rop_printf(arena, "%d", e->last);
		*ret_argv = argv;
		return 4;
	}
	size_t n = 2;
	const char **argv = rop_alloc_n(arena, (size_t)(e->last - e->first) + 3, sizeof *argv);
	argv[0] = "CLUSTER";
	argv[1] = "ADDSLOTS";
	for (int s = e->first; s <= e->last; s++)
		argv[n++] = rop_printf(arena, "%d", s);
	*ret_argv = argv;
	return n;
}

static size_t meet_command(struct rop_arena *arena, const struct rop_node *peer, const char ***ret_argv)
{
	const char **argv = rop_alloc_n(arena, 5, sizeof *argv);
	bool own_bus = peer->bus_port != peer->port + ROP_BUS_OFFSET;
	argv[0] = "CLUSTER";
	argv[1] = "MEET";
	argv[2] = peer->ip ? peer->ip : "?";
	argv[3] = rop_printf(arena, "%d", peer->port);
	if (own_bus)
		argv[4] = rop_printf(arena, "%d", peer->bus_port);
	*ret_argv = argv;
	return own_bus ? 5 : 4;
}

static size_t words(struct rop_arena *arena, const char ***ret_argv, const char *a, const char *b, const char *c,
		    const char *d)
{
	const char **argv = rop_alloc_n(arena, 4, sizeof *argv);
	argv[0] = a;
	argv[1] = b;
	argv[2] = c;
	argv[3] = d;
	*ret_argv = argv;
	if (d)
		return 4;
	return c ? 3 : 2;
}

static size_t make_command(struct rop_arena *arena, const struct rop_expect *e, const struct rop_observed *seen,
			   const char ***ret_argv)
{
	int node = rop_observed_find(seen, e->node), peer = rop_observed_find(seen, e->peer);
	static const struct rop_node nobody = { .ip = "?" };
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: return words(arena, ret_argv, "CONFIG", "SET", e->name, e->value);
	case ROP_STEP_EPOCH:
		return words(arena, ret_argv, "CLUSTER", "SET-CONFIG-EPOCH", rop_printf(arena, "%" PRId64, e->epoch),
			     NULL);
	case ROP_STEP_MEET:
	case ROP_STEP_GREET: return meet_command(arena, peer >= 0 ? &seen->nodes[peer] : &nobody, ret_argv);
	case ROP_STEP_SLOTS: return add_slots_command(arena, e, node >= 0 ? seen->nodes[node].version : 0, ret_argv);
	case ROP_STEP_ROLE: return words(arena, ret_argv, "CLUSTER", "REPLICATE", e->peer, NULL);
	case ROP_STEP_PERSIST: return words(arena, ret_argv, "CONFIG", "REWRITE", NULL, NULL);
	case ROP_STEP_KINDS_N: break;
	}
	return 0;
}

static const char *precondition_of(struct rop_arena *arena, const struct rop_expect *e)
{
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: return rop_printf(arena, "%s is %s", e->name, e->was ? e->was : "not as declared");
	case ROP_STEP_EPOCH: return "knows no other node, config epoch 0";
	case ROP_STEP_MEET: return "does not know the peer";
	case ROP_STEP_GREET: return "the peer holds it, or its replica, for one of another shard";
	case ROP_STEP_SLOTS: return "nobody owns these slots";
	case ROP_STEP_ROLE: return "owns no slots; knows the primary";
	case ROP_STEP_PERSIST: return "its settings were changed";
	case ROP_STEP_KINDS_N: break;
	}
	return "";
}

#define COMMAND_SHOWN 8 /* words; a long ADDSLOTS is cut */

/* The command for people: of a long one its beginning. */
static const char *in_words(struct rop_arena *arena, const struct rop_step *step)
{
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < step->argc && i < COMMAND_SHOWN; i++) {
		bool plain = step->argv[i][0] && !strpbrk(step->argv[i], " \t\"'");
		rop_text_add(&text, plain ? "%s%s" : "%s\"%s\"", i ? " " : "", step->argv[i]);
	}
	if (step->argc > COMMAND_SHOWN)
		rop_text_add(&text, " ... (%zu slots)", step->argc - 2);
	return rop_strndup(arena, text.at, text.n);
}

void rop_step_describe(struct rop_arena *arena, const struct rop_observed *seen, struct rop_step *step)
{
	struct rop_expect *e = &step->expect;
	step->argc = make_command(arena, e, seen, &step->argv);
	e->command = in_words(arena, step);
	e->precondition = precondition_of(arena, e);
	if (!e->subject)
		e->subject = subject_of(arena, e);
	if (!e->address)
		e->address = seen->nodes[step->node].address;
}

/* ---- seen to have happened --------------------------------------------------------------------------------- */

/* Of a node and its replicas. */
static bool knows_shard_of(const struct rop_observed *seen, size_t viewer, size_t node)
{
	if (seen->nodes[viewer].shards_apart < 0)
		return false;
	for (size_t i = 0; i < seen->n; i++)
		if ((i == node || seen->nodes[i].primary == (int)node) && rop_bit(seen, seen->apart, viewer, i))
			return false;
	return true;
}

bool rop_expect_seen(const struct rop_expect *e, const struct rop_observed *seen)
{
	int node = rop_observed_find(seen, e->node);
	if (node < 0 || !rop_node_answers(&seen->nodes[node]))
		return false;
	const struct rop_node *n = &seen->nodes[node];
	int peer = rop_observed_find(seen, e->peer);
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: {
		const char *value = rop_observed_value(seen, (size_t)node, e->name);
		return value && policy_same_value(value, e->value);
	}
	case ROP_STEP_EPOCH: return n->epoch >= e->epoch;
	case ROP_STEP_MEET:
		return peer >= 0 && rop_knows(seen, (size_t)node, (size_t)peer) &&
		       rop_knows(seen, (size_t)peer, (size_t)node);
	case ROP_STEP_GREET: return peer >= 0 && knows_shard_of(seen, (size_t)peer, (size_t)node);
	case ROP_STEP_SLOTS: {
		struct rop_slots range = { 0 };
		rop_slots_add(&range, e->first, e->last);
		return rop_slots_common(&range, &n->slots) == e->last - e->first + 1;
	}
	case ROP_STEP_ROLE: return n->role == ROP_ROLE_REPLICA && strcmp(n->primary_id, e->peer) == 0;
	case ROP_STEP_PERSIST: /* leaves no trace that can be asked for: its reply decides */
	case ROP_STEP_KINDS_N: break;
	}
	return false;
}

/* ---- what it changes --------------------------------------------------------------------------------------- */

void rop_step_effect(const struct rop_expect *e, struct rop_observed *seen)
{
	int node = rop_observed_find(seen, e->node), peer = rop_observed_find(seen, e->peer);
	if (node < 0)
		return;
	struct rop_node *n = &seen->nodes[node];
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: {
		int at = rop_observed_setting(seen, e->name);
		if (at >= 0)
			n->settings[at] = e->value;
		return;
	}
	case ROP_STEP_EPOCH:
		n->epoch = e->epoch;
		if (n->current_epoch < e->epoch)
			n->current_epoch = e->epoch;
		return;
	case ROP_STEP_MEET:
		if (peer >= 0)
			rop_bit_clear(seen, seen->astray, (size_t)node, (size_t)peer);
		if (peer >= 0 && !rop_bit(seen, seen->known, (size_t)node, (size_t)peer)) {
			rop_bit_set(seen, seen->known, (size_t)node, (size_t)peer);
			n->others++;
		}
		return;
	case ROP_STEP_GREET:
		for (size_t i = 0; peer >= 0 && i < seen->n; i++)
			rop_bit_clear(seen, seen->apart, (size_t)peer, i);
		if (peer >= 0)
			seen->nodes[peer].shards_apart = 0;
		return;
	case ROP_STEP_SLOTS: rop_slots_add(&n->slots, e->first, e->last); break;
	case ROP_STEP_ROLE:
		for (size_t i = 0; i < seen->n; i++) /* whom it followed before lists it no more */
			rop_bit_clear(seen, seen->online, i, (size_t)node);
		n->role = ROP_ROLE_REPLICA;
		n->primary = peer;
		memcpy(n->primary_id, e->peer, ROP_ID_SIZE);
		if (peer >= 0)
			n->epoch = seen->nodes[peer].epoch;
		n->link_up = false;
		break;
	case ROP_STEP_PERSIST:
	case ROP_STEP_KINDS_N: return;
	}
	/* Others still have the old entry; they learn by gossip (rop_settle). */
	for (size_t i = 0; i < seen->n; i++)
		if ((int)i != node)
			rop_bit_clear(seen, seen->agrees, i, (size_t)node);
}
