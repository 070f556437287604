/* step_command.c - a step in commands for the server, and in words for people: what is sent, and what it rests on. */
#include <inttypes.h>
#include <string.h>

#include "migrations.h"
#include "rop/libraries.h"
#include "rop/text.h"

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
	case ROP_STEP_FAILOVER:
		return e->value ? WORDS(arena, "CLUSTER", "FAILOVER", e->value) : WORDS(arena, "CLUSTER", "FAILOVER");
	case ROP_STEP_TAKEOVER: return WORDS(arena, "CLUSTER", "FAILOVER", "TAKEOVER");
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
	case ROP_STEP_EMPTY: /* two, below */ break;
	case ROP_STEP_MOVE: return migrate_slots_command(arena, e);
	}
	return (struct rop_words){ 0 };
}

/* In this order: a primary with keys is not reset. SOFT: it keeps its id, by which it is known to be the same. */
static size_t empty_commands(struct rop_arena *arena, const struct rop_words **ret_commands)
{
	struct rop_words *two = rop_alloc_n(arena, 2, sizeof *two);
	two[0] = WORDS(arena, "FLUSHALL");
	two[1] = WORDS(arena, "CLUSTER", "RESET", "SOFT");
	*ret_commands = two;
	return 2;
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
	case ROP_STEP_EMPTY: return empty_commands(arena, ret_commands);
	case ROP_STEP_CARRY: return 0; /* GETKEYSINSLOT and MIGRATE, as many as it takes */
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
	case ROP_STEP_GREET:
		return rop_streq(e->name, ROP_GREET_ROLE)
			       ? "the peer has not heard of its role yet"
			       : "the peer holds it, or its replica, for one of another shard";
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
	case ROP_STEP_FAILOVER:
		return "in sync with its primary, which answers; nothing else is under way in the shard";
	case ROP_STEP_TAKEOVER: return "its primary is silent, and no majority of the primaries answers";
	case ROP_STEP_RESET: return "owns nothing, nobody follows it, and what it has others have";
	case ROP_STEP_EMPTY: return "knows nobody; others serve what it kept, and somebody gave its copy up";
	case ROP_STEP_FORGET: return "that one owns nothing, and is silent or knows nobody any more";
	case ROP_STEP_FUNCTIONS: return "lacks function libraries of the other one, and has no others";
	case ROP_STEP_KINDS_N: break;
	}
	return "";
}

#define COMMAND_SHOWN 8 /* words; a long ADDSLOTS is cut */

#define RANGES_SHOWN 3 /* what is carried of a run has a gap wherever a slot is empty */

static const char *carried_slots(struct rop_arena *arena, const struct rop_expect *e)
{
	struct rop_slots slots;
	size_t ranges = 1;
	for (const char *c = e->value; *c; c++)
		ranges += *c == ' ';
	if (ranges <= RANGES_SHOWN || !rop_slots_parse(e->value, &slots))
		return rop_printf(arena, "slots %s", e->value);
	return rop_printf(arena, "%d of the slots %d-%d", rop_slots_count(&slots), e->first, e->last);
}

/* Of many that differ in the slot alone: one, with all the slots. */
static const char *slots_in_words(struct rop_arena *arena, const struct rop_observed *seen, const struct rop_step *step)
{
	const struct rop_expect *e = &step->expect;
	int peer = rop_observed_find(seen, e->peer);
	if (e->kind == ROP_STEP_CARRY)
		return rop_printf(arena, "MIGRATE the keys of %s to %s", carried_slots(arena, e),
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
