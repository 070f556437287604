/* toy.c - the words of a washing machine, and how tests load its file. */
#include "toy.h"

#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#define FACT(name, condition) \
	static bool name(const void *subject, const int64_t *args) \
	{ \
		const struct toy_world *w = subject; \
		(void)args; \
		return condition; \
	}
FACT(started, w->started)
FACT(power_cut, w->power_cut)
FACT(door_open, w->door_open)
FACT(full, w->litres >= 20)
FACT(empty, w->litres == 0)
FACT(warm, w->degrees > 20)
FACT(hotter_than, w->degrees > args[0])
FACT(turned, w->turns >= args[0] && w->litres >= args[1])
FACT(still_for, w->turns * 1000 < args[0])

#define ACTION(name, change, ...) \
	static void name(const void *subject, const int64_t *args, void *output) \
	{ \
		struct toy_orders *orders = output; \
		struct toy_world *w = orders->world; \
		(void)subject; \
		(void)args; \
		rop_text_add(&orders->text, __VA_ARGS__); \
		if (w) \
			change; \
	}
ACTION(lock_door, w->started = true, "lock_door\n")
ACTION(unlock_door, w->started = false, "unlock_door\n")
ACTION(fill, w->litres += args[0], "fill %" PRId64 "\n", args[0])
ACTION(heat, w->degrees += 10, "heat\n")
ACTION(drain, w->litres = 0, "drain\n")
ACTION(turn, w->turns += args[0], "turn %" PRId64 " %" PRId64 "\n", args[0], args[1])
ACTION(beep, w->started = false, "beep\n")

static const struct rop_fact FACTS[] = {
	{ .name = "started", .doc = "A person pressed start.", .holds = started },
	{ .name = "power_cut", .doc = "There is no power.", .holds = power_cut },
	{ .name = "door_open", .doc = "The door stands open.", .holds = door_open },
	{ .name = "full", .doc = "The drum holds 20 litres.", .excludes = { "empty" }, .holds = full },
	{ .name = "empty", .doc = "There is no water in the drum.", .holds = empty },
	{ .name = "warm", .doc = "The water is warmer than the room.", .holds = warm },
	{ .name = "hotter_than",
	  .doc = "The water is hotter than that.",
	  .implies = { "warm" },
	  .args = { { "degrees", "degrees Celsius", ROP_ARG_INT, 20, 95 } },
	  .holds = hotter_than },
	{ .name = "turned",
	  .doc = "The drum has turned that often, in that much water.",
	  .excludes = { "empty", "door_open" },
	  .args = { { "times", "turns", ROP_ARG_INT, 1, 500 }, { "litres", "litres of water", ROP_ARG_INT, 1, 20 } },
	  .holds = turned },
	{ .name = "still_for",
	  .doc = "The drum has stood still for that long.",
	  .args = { { "time", "time without a turn", ROP_ARG_DURATION, 100, 3600000 } },
	  .holds = still_for },
};

static const struct rop_action ACTIONS[] = {
	{ .name = "lock_door", .doc = "Lock the door.", .plan = lock_door },
	{ .name = "unlock_door", .doc = "Unlock the door.", .plan = unlock_door },
	{ .name = "fill",
	  .doc = "Let some water in.",
	  .args = { { "litres", "litres of water", ROP_ARG_INT, 1, 20 } },
	  .plan = fill },
	{ .name = "heat", .doc = "Heat for a while.", .plan = heat },
	{ .name = "drain", .doc = "Pump the water out.", .plan = drain },
	{ .name = "turn",
	  .doc = "Turn the drum.",
	  .args = { { "times", "turns", ROP_ARG_INT, 1, 100 },
		    { "pause", "time between turns", ROP_ARG_DURATION, 0, 60000 } },
	  .plan = turn },
	{ .name = "beep", .doc = "Call a person.", .plan = beep },
};

const struct rop_vocabulary TOY_WORDS = {
	.facts = FACTS,
	.n_facts = sizeof FACTS / sizeof *FACTS,
	.actions = ACTIONS,
	.n_actions = sizeof ACTIONS / sizeof *ACTIONS,
};

static struct toy_loaded finish(struct toy_loaded loaded, struct rop_doc *doc, const struct rop_vocabulary *words)
{
	bool ok = doc && rop_machine_load(loaded.arena, doc, words, &loaded.diags, &loaded.machine);
	cr_assert_eq(ok, loaded.diags.errors == 0, "refused if and only if there are errors");
	cr_assert_eq(ok, loaded.machine != NULL);
	rop_diags_print(&loaded.diags, &loaded.printed);
	return loaded;
}

struct toy_loaded toy_load_file(const char *path)
{
	struct toy_loaded loaded = { .arena = rop_arena_new() };
	struct rop_doc *doc = NULL;
	rop_diags_init(&loaded.diags, loaded.arena);
	rop_doc_load(loaded.arena, path, &loaded.diags, &doc);
	return finish(loaded, doc, &TOY_WORDS);
}

struct toy_loaded toy_load_text(const char *text, const struct rop_vocabulary *words)
{
	struct toy_loaded loaded = { .arena = rop_arena_new() };
	struct rop_doc *doc = NULL;
	rop_diags_init(&loaded.diags, loaded.arena);
	rop_doc_parse(loaded.arena, "test.yaml", text, strlen(text), &loaded.diags, &doc);
	return finish(loaded, doc, words);
}

void toy_unload(struct toy_loaded *loaded)
{
	rop_text_done(&loaded->printed);
	rop_arena_free(loaded->arena);
}
