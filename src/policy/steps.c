/* steps.c - a step: its words, its command, what it changes, and how it is seen to have happened. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "guard.h"
#include "migrations.h"
#include "rop/libraries.h"
#include "rop/text.h"

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
	e->subject = policy_subject(batch->arena, e);
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
	enum rop_may may = now->tries ? rop_tries_may(now->tries, e->subject, now->boot_ms) : ROP_MAY;
	step->goes_on = may == ROP_MAY_PENDING && e->kind == ROP_STEP_CARRY;
	if (may != ROP_MAY && !step->goes_on)
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

static struct rop_words words(struct rop_arena *arena, size_t argc, const char *const *argv)
{
	struct rop_words command = { .argc = argc, .argv = rop_alloc_n(arena, argc, sizeof *command.argv) };
	memcpy(command.argv, argv, argc * sizeof *argv);
	return command;
}
#define WORDS(arena, ...) \
	words(arena, sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(char *), (const char *[]){ __VA_ARGS__ })

static struct rop_words add_slots_command(struct rop_arena *arena, const struct rop_expect *e, int version)
{
	if (version == 0 || version >= ADDSLOTSRANGE_SINCE)
		return WORDS(arena, "CLUSTER", "ADDSLOTSRANGE", rop_printf(arena, "%d", e->first),
			     rop_printf(arena, "%d", e->last));
	size_t n = 2;
	const char **argv = rop_alloc_n(arena, (size_t)(e->last - e->first) + 3, sizeof *argv);
	argv[0] = "CLUSTER";
	argv[1] = "ADDSLOTS";
	for (int s = e->first; s <= e->last; s++)
		argv[n++] = rop_printf(arena, "%d", s);
	return (struct rop_words){ .argc = n, .argv = argv };
}

static struct rop_words meet_command(struct rop_arena *arena, const struct rop_node *peer)
{
	const char *ip = peer->ip ? peer->ip : "?", *port = rop_printf(arena, "%d", peer->port);
	if (peer->bus_port == peer->port + ROP_BUS_OFFSET)
		return WORDS(arena, "CLUSTER", "MEET", ip, port);
	return WORDS(arena, "CLUSTER", "MEET", ip, port, rop_printf(arena, "%d", peer->bus_port));
}

/* Who imports a slot believes nobody about it meanwhile: when its owner failed over, it has to be told. */
static bool knows_another_owner(const struct rop_observed *seen, const struct rop_expect *e, int slot)
{
	int node = rop_observed_find(seen, e->node), peer = rop_observed_find(seen, e->peer);
	const struct rop_open_slot *open = node >= 0 ? rop_node_open(&seen->nodes[node], slot) : NULL;
	return e->kind == ROP_STEP_IMPORT && open && open->importing && peer >= 0 &&
	       (strcmp(open->peer, e->peer) != 0 || policy_importer_is_misled(seen, (size_t)node, (size_t)peer));
}

/* SETSLOT takes one slot. */
static size_t set_slots(struct rop_arena *arena, const struct rop_observed *seen, const struct rop_expect *e,
			const char *to, const char *whom, const struct rop_words **ret_commands)
{
	struct rop_slots slots;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return 0;
	struct rop_words *commands = rop_alloc_n(arena, 2 * (size_t)rop_slots_count(&slots) + 1, sizeof *commands);
	size_t n = 0;
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++) {
			const char *slot = rop_printf(arena, "%d", s);
			if (knows_another_owner(seen, e, s))
				commands[n++] = WORDS(arena, "CLUSTER", "SETSLOT", slot, "NODE", e->peer);
			commands[n++] = whom ? WORDS(arena, "CLUSTER", "SETSLOT", slot, to, whom)
					     : WORDS(arena, "CLUSTER", "SETSLOT", slot, to);
		}
	*ret_commands = commands;
	return n;
}

static struct rop_words migrate_slots_command(struct rop_arena *arena, const struct rop_expect *e)
{
	struct rop_slots slots;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return (struct rop_words){ 0 };
	const char **argv = rop_alloc_n(arena, 2 * (size_t)rop_slots_count(&slots) + 5, sizeof *argv);
	size_t n = 0;
	argv[n++] = "CLUSTER";
	argv[n++] = "MIGRATESLOTS";
	argv[n++] = "SLOTSRANGE";
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1) {
		argv[n++] = rop_printf(arena, "%d", first);
		argv[n++] = rop_printf(arena, "%d", last);
	}
	argv[n++] = "NODE";
	argv[n++] = e->peer;
	return (struct rop_words){ .argc = n, .argv = argv };
}

static struct rop_words make_command(struct rop_arena *arena, const struct rop_expect *e,
				     const struct rop_observed *seen)
{
	int node = rop_observed_find(seen, e->node), peer = rop_observed_find(seen, e->peer);
	static const struct rop_node nobody = { .ip = "?" };
	switch (e->kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING: return WORDS(arena, "CONFIG", "SET", e->name, e->value);
	case ROP_STEP_EPOCH:
		return WORDS(arena, "CLUSTER", "SET-CONFIG-EPOCH", rop_printf(arena, "%" PRId64, e->epoch));
	case ROP_STEP_MEET:
	case ROP_STEP_GREET: return meet_command(arena, peer >= 0 ? &seen->nodes[peer] : &nobody);
	case ROP_STEP_SLOTS: return add_slots_command(arena, e, node >= 0 ? seen->nodes[node].version : 0);
	case ROP_STEP_ROLE: return WORDS(arena, "CLUSTER", "REPLICATE", e->peer);
	case ROP_STEP_PERSIST: return WORDS(arena, "CONFIG", "REWRITE");
	case ROP_STEP_BUMP: return WORDS(arena, "CLUSTER", "BUMPEPOCH");
	case ROP_STEP_FAILOVER: return WORDS(arena, "CLUSTER", "FAILOVER");
	case ROP_STEP_RESET: return WORDS(arena, "CLUSTER", "RESET", "HARD");
	case ROP_STEP_FORGET: return WORDS(arena, "CLUSTER", "FORGET", e->peer);
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE:
	case ROP_STEP_FUNCTIONS:
	case ROP_STEP_KINDS_N: break;
	case ROP_STEP_MOVE: return migrate_slots_command(arena, e);
	}
	return (struct rop_words){ 0 };
}

static size_t make_commands(struct rop_arena *arena, const struct rop_expect *e, const struct rop_observed *seen,
			    const struct rop_words **ret_commands)
{
	*ret_commands = NULL;
	switch (e->kind) {
	case ROP_STEP_IMPORT: return set_slots(arena, seen, e, "IMPORTING", e->peer, ret_commands);
	case ROP_STEP_EXPORT: return set_slots(arena, seen, e, "MIGRATING", e->peer, ret_commands);
	case ROP_STEP_TAKE: return set_slots(arena, seen, e, "NODE", e->node, ret_commands);
	case ROP_STEP_YIELD: return set_slots(arena, seen, e, "NODE", e->peer, ret_commands);
	case ROP_STEP_RELEASE: return set_slots(arena, seen, e, "STABLE", NULL, ret_commands);
	case ROP_STEP_FUNCTIONS: return 0; /* FUNCTION DUMP of the peer, and RESTORE of what it says */
	case ROP_STEP_CARRY: return 0;     /* GETKEYSINSLOT and MIGRATE, as many as it takes */
	default: break;
	}
	struct rop_words *one = rop_alloc(arena, sizeof *one);
	*one = make_command(arena, e, seen);
	*ret_commands = one;
	return one->argc > 0;
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
	case ROP_STEP_IMPORT: return "does not own the slots";
	case ROP_STEP_EXPORT: return "owns the slots; the other side lets clients in";
	case ROP_STEP_CARRY: return "both sides have the slots open";
	case ROP_STEP_MOVE: return "owns the slots; both sides move slots by themselves, and none is open there";
	case ROP_STEP_TAKE: return "both sides have the slots open, and the other one has no key of them";
	case ROP_STEP_YIELD: return "the other side owns the slots";
	case ROP_STEP_RELEASE: return "nothing was carried";
	case ROP_STEP_BUMP:
		return "peers hold a greater config epoch for it; every view gives it its slots, and nobody else";
	case ROP_STEP_FAILOVER: return "in sync with its primary, which leaves";
	case ROP_STEP_RESET: return "owns nothing, nobody follows it, and what it has others have";
	case ROP_STEP_FORGET: return "that one owns nothing, and is silent or knows nobody any more";
	case ROP_STEP_FUNCTIONS: return "lacks function libraries of the other one, and has no others";
	case ROP_STEP_KINDS_N: break;
	}
	return "";
}

#define COMMAND_SHOWN 8 /* words; a long ADDSLOTS is cut */

/* Of many that differ in the slot alone: one, with all the slots. */
static const char *slots_in_words(struct rop_arena *arena, const struct rop_observed *seen, const struct rop_step *step)
{
	const struct rop_expect *e = &step->expect;
	int peer = rop_observed_find(seen, e->peer);
	if (e->kind == ROP_STEP_CARRY)
		return rop_printf(arena, "MIGRATE the keys of slots %s to %s", e->value,
				  peer >= 0 ? seen->nodes[peer].address : e->peer);
	if (!step->n_commands)
		return "";
	if (e->kind == ROP_STEP_MOVE)
		return rop_printf(arena, "CLUSTER MIGRATESLOTS SLOTSRANGE %s NODE %s", e->value, e->peer);
	const struct rop_words *last = &step->commands[step->n_commands - 1];
	const char *to = last->argc > 4 ? last->argv[4] : NULL;
	return rop_printf(arena, "CLUSTER SETSLOT %s %s%s%s", e->value, last->argv[3], to ? " " : "", to ? to : "");
}

/* The command for people: of a long one its beginning. */
static const char *in_words(struct rop_arena *arena, const struct rop_observed *seen, const struct rop_step *step)
{
	ROP_OWN_TEXT text = { 0 };
	if (rop_step_moves_slots(step->expect.kind))
		return slots_in_words(arena, seen, step);
	if (step->expect.kind == ROP_STEP_FUNCTIONS)
		return rop_printf(arena, "FUNCTION RESTORE %s of %s", rop_libraries_names(arena, step->expect.value),
				  seen->nodes[step->peer].address);
	const struct rop_words *command = step->commands;
	for (size_t i = 0; step->n_commands && i < command->argc && i < COMMAND_SHOWN; i++) {
		bool plain = command->argv[i][0] && !strpbrk(command->argv[i], " \t\"'");
		rop_text_add(&text, plain ? "%s%s" : "%s\"%s\"", i ? " " : "", command->argv[i]);
	}
	if (step->n_commands && command->argc > COMMAND_SHOWN)
		rop_text_add(&text, " ... (%zu slots)", command->argc - 2);
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

void rop_step_describe(struct rop_arena *arena, const struct rop_observed *seen, struct rop_step *step)
{
	struct rop_expect *e = &step->expect;
	step->n_commands = make_commands(arena, e, seen, &step->commands);
	e->command = in_words(arena, seen, step);
	e->precondition = precondition_of(arena, e);
	if (!e->subject)
		e->subject = policy_subject(arena, e);
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

/* Every slot of it is as the command leaves it. */
static bool moves_seen(const struct rop_expect *e, const struct rop_node *node)
{
	struct rop_slots slots;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return false;
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++) {
			const struct rop_open_slot *open = rop_node_open(node, s);
			bool owns = rop_slots_has(&node->slots, s), towards = open && strcmp(open->peer, e->peer) == 0,
			     seen = false;
			switch (e->kind) {
			case ROP_STEP_IMPORT: seen = towards && open->importing; break;
			case ROP_STEP_EXPORT: seen = towards && !open->importing; break;
			case ROP_STEP_CARRY: seen = open && open->keys == 0; break;
			case ROP_STEP_TAKE: seen = owns && !open; break;
			case ROP_STEP_YIELD: seen = !owns && !open; break;
			case ROP_STEP_RELEASE: seen = !open; break;
			default: break;
			}
			if (!seen)
				return false;
		}
	return true;
}

/* It answers under another id, and knows nobody. */
static bool reset_seen(const struct rop_expect *e, const struct rop_observed *seen)
{
	int node = rop_observed_find_leaving(seen, e->peer);
	const struct rop_node *n = node >= 0 ? &seen->nodes[node] : NULL;
	return n && rop_node_answers(n) && strcmp(n->id, e->node) != 0 && n->others == 0;
}

static bool forget_seen(const struct rop_expect *e, const struct rop_observed *seen, size_t node)
{
	int gone = rop_observed_find_leaving(seen, e->peer);
	return gone >= 0 && !rop_bit(seen, seen->listed, node, (size_t)gone);
}

/* A new job of it is listed, whatever became of it; or the slots are gone already. */
static bool move_seen(const struct rop_expect *e, const struct rop_node *node)
{
	struct rop_slots slots;
	const struct rop_job *newest = NULL;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return false;
	for (size_t i = 0; i < node->n_jobs; i++) {
		const struct rop_job *job = &node->jobs[i];
		if (strcmp(job->source, e->node) == 0 && strcmp(job->target, e->peer) == 0 &&
		    (!newest || job->state == ROP_JOB_RUNS || job->created_s > newest->created_s))
			newest = job;
	}
	return !rop_slots_meet(&node->slots, &slots) || (newest && !rop_streq(newest->name, e->was));
}

bool rop_expect_seen(const struct rop_expect *e, const struct rop_observed *seen)
{
	if (e->kind == ROP_STEP_RESET)
		return reset_seen(e, seen);
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
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE: return moves_seen(e, n);
	case ROP_STEP_BUMP: return n->epoch >= e->epoch;
	case ROP_STEP_FAILOVER: return n->role == ROP_ROLE_PRIMARY && !rop_slots_empty(&n->slots);
	case ROP_STEP_FORGET: return forget_seen(e, seen, (size_t)node);
	case ROP_STEP_MOVE: return move_seen(e, n);
	case ROP_STEP_FUNCTIONS: return n->functions > 0 && rop_libraries_hold(n->libraries, e->value);
	case ROP_STEP_RESET:
	case ROP_STEP_PERSIST: /* leaves no trace that can be asked for: its reply decides */
	case ROP_STEP_KINDS_N: break;
	}
	return false;
}

/* ---- what it changes --------------------------------------------------------------------------------------- */

/* Keys of a slot that nobody has counted: an even part of what the node has. */
static int64_t keys_of_a_slot(const struct rop_node *node)
{
	int owned = rop_slots_count(&node->slots);
	if (node->keys <= 0 || !owned)
		return node->keys < 0 ? ROP_COUNT_UNKNOWN : 0;
	return node->keys > owned ? node->keys / owned : 1;
}

static void open_slot(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node, int slot)
{
	struct rop_open_slot open = { .slot = slot, .importing = e->kind == ROP_STEP_IMPORT };
	memcpy(open.peer, e->peer, ROP_ID_SIZE);
	open.keys = open.importing ? 0 : keys_of_a_slot(node);
	rop_node_set_open(seen->arena, node, &open);
}

/* Keys go from one node to the other; of the estimate no more than there are. */
static void carry_slot(struct rop_node *node, struct rop_node *peer, int slot)
{
	struct rop_open_slot *open = rop_node_open(node, slot);
	if (!open)
		return;
	int64_t keys = open->keys < node->keys ? open->keys : node->keys;
	open->keys = 0;
	if (keys <= 0)
		return;
	node->keys -= keys;
	if (peer && peer->keys >= 0)
		peer->keys += keys;
	struct rop_open_slot *there = peer ? rop_node_open(peer, slot) : NULL;
	if (there && there->keys >= 0)
		there->keys += keys;
}

/* clusterBumpConfigEpochWithoutConsensus: the greatest of all, so that the others believe it. */
static void bump_epoch(struct rop_observed *seen, struct rop_node *node)
{
	int64_t greatest = node->current_epoch;
	bool has = node->epoch > 0;
	for (size_t i = 0; i < seen->n; i++) {
		if (seen->nodes[i].epoch > greatest)
			greatest = seen->nodes[i].epoch;
		has &= &seen->nodes[i] == node || seen->nodes[i].role == ROP_ROLE_REPLICA ||
		       seen->nodes[i].epoch < node->epoch;
	}
	if (has && node->epoch == greatest)
		return;
	node->epoch = node->current_epoch = greatest + 1;
}

/* Who gives its last slot away becomes a replica of who got it (cluster-allow-replica-migration). */
static void follow_last_slot(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node)
{
	int peer = rop_observed_find(seen, e->peer);
	const char *may = rop_observed_value(seen, (size_t)(node - seen->nodes), "cluster-allow-replica-migration");
	if (peer < 0 || !rop_slots_empty(&node->slots) || (may && strcmp(may, "no") == 0))
		return;
	node->role = ROP_ROLE_REPLICA;
	node->primary = peer;
	memcpy(node->primary_id, e->peer, ROP_ID_SIZE);
	node->epoch = seen->nodes[peer].epoch;
	node->link_up = false;
	node->open.n = 0;
}

/* Its keys go along with it, and then it is the other one's. */
static void move_by_itself(struct rop_node *node, struct rop_node *peer, int slot)
{
	int64_t keys = keys_of_a_slot(node);
	node->slots.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	if (!peer)
		return;
	rop_slots_add(&peer->slots, slot, slot);
	keys = keys < node->keys ? keys : node->keys;
	if (keys <= 0)
		return;
	node->keys -= keys;
	if (peer->keys >= 0)
		peer->keys += keys;
}

static void move_slot(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node, int slot)
{
	int peer = rop_observed_find(seen, e->peer);
	switch (e->kind) {
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT: open_slot(seen, e, node, slot); break;
	case ROP_STEP_CARRY: carry_slot(node, peer >= 0 ? &seen->nodes[peer] : NULL, slot); break;
	case ROP_STEP_TAKE:
		rop_slots_add(&node->slots, slot, slot);
		rop_node_close(node, slot);
		break;
	case ROP_STEP_YIELD:
		node->slots.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
		rop_node_close(node, slot);
		break;
	case ROP_STEP_MOVE: move_by_itself(node, peer >= 0 ? &seen->nodes[peer] : NULL, slot); break;
	default: rop_node_close(node, slot); break;
	}
}

static void move_slots(struct rop_observed *seen, const struct rop_expect *e, struct rop_node *node)
{
	struct rop_slots slots;
	if (!e->value || !rop_slots_parse(e->value, &slots))
		return;
	for (int from = 0, first, last; rop_slots_run(&slots, from, &first, &last); from = last + 1)
		for (int s = first; s <= last; s++)
			move_slot(seen, e, node, s);
	if (e->kind == ROP_STEP_TAKE)
		bump_epoch(seen, node);
	int peer = rop_observed_find(seen, e->peer);
	if (e->kind == ROP_STEP_MOVE && peer >= 0) {
		bump_epoch(seen, &seen->nodes[peer]);
		for (size_t i = 0; i < seen->n; i++)
			if ((int)i != peer)
				rop_bit_clear(seen, seen->agrees, i, (size_t)peer);
	}
	if (e->kind == ROP_STEP_YIELD || e->kind == ROP_STEP_MOVE)
		follow_last_slot(seen, e, node);
	node->open_slots = (int)node->open.n;
}

/* The heir takes all, and the others of the shard follow it. */
static void hand_over(struct rop_observed *seen, int heir, int primary)
{
	struct rop_node *to = &seen->nodes[heir], *from = &seen->nodes[primary];
	to->role = ROP_ROLE_PRIMARY;
	to->primary = -1;
	to->primary_id[0] = '\0';
	rop_slots_join(&to->slots, &from->slots);
	memset(&from->slots, 0, sizeof from->slots);
	from->role = ROP_ROLE_REPLICA;
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if ((int)i != primary && node->primary != primary)
			continue;
		node->primary = heir;
		memcpy(node->primary_id, to->id, ROP_ID_SIZE);
		rop_bit_clear(seen, seen->online, (size_t)primary, i);
		for (size_t k = 0; k < seen->n; k++)
			rop_bit_clear(seen, seen->agrees, k, i);
	}
	bump_epoch(seen, to);
}

/* A new node with another id, and nobody in its view. */
static void reset_node(struct rop_observed *seen, int at)
{
	struct rop_node *node = &seen->nodes[at];
	uint64_t *const both[] = { seen->known, seen->linked, seen->agrees, seen->astray, seen->online };
	for (size_t m = 0; m < sizeof both / sizeof *both; m++)
		for (size_t i = 0; i < seen->asked; i++) {
			rop_bit_clear(seen, both[m], (size_t)at, i);
			rop_bit_clear(seen, both[m], i, (size_t)at);
		}
	memset(&node->slots, 0, sizeof node->slots);
	node->role = ROP_ROLE_PRIMARY;
	node->primary = -1;
	node->primary_id[0] = '\0';
	node->id[0] = node->id[0] == 'f' ? 'e' : 'f';
	node->keys = node->epoch = node->current_epoch = 0;
	node->others = node->strangers = 0;
	node->state_ok = node->link_up = node->syncing = false;
}

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
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_RELEASE: move_slots(seen, e, n); return;
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD: move_slots(seen, e, n); break;
	case ROP_STEP_BUMP:
		n->epoch = (n->current_epoch > e->epoch ? n->current_epoch : e->epoch) + 1;
		n->current_epoch = n->epoch;
		n->epoch_held = 0;
		break;
	case ROP_STEP_FAILOVER:
		if (peer >= 0)
			hand_over(seen, node, peer);
		return;
	case ROP_STEP_RESET: reset_node(seen, node); return;
	case ROP_STEP_FORGET: {
		int gone = rop_observed_find_leaving(seen, e->peer);
		if (gone < 0)
			return;
		rop_bit_clear(seen, seen->listed, (size_t)node, (size_t)gone);
		rop_bit_clear(seen, seen->known, (size_t)node, (size_t)gone);
		return;
	}
	case ROP_STEP_FUNCTIONS: /* of its own it had none but these */
		n->libraries = e->value;
		n->functions = rop_libraries_count(e->value);
		return;
	case ROP_STEP_PERSIST:
	case ROP_STEP_KINDS_N: return;
	}
	/* Others still have the old entry; they learn by gossip (rop_settle). */
	for (size_t i = 0; i < seen->n; i++)
		if ((int)i != node)
			rop_bit_clear(seen, seen->agrees, i, (size_t)node);
}
