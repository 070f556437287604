/* toy.h - a washing machine: the world and the vocabulary that the tests of the generic engine use. */
#ifndef TEST_TOY_H
#define TEST_TOY_H

#include "rop/machine.h"

struct toy_world {
	bool started, power_cut, door_open;
	int64_t litres, degrees, turns;
};

/* What the actions of one step asked for, one per line: "heat 40". */
struct toy_orders {
	struct rop_text text;
	struct toy_world *world; /* changed by the orders at once; NULL: only written down */
};

extern const struct rop_vocabulary TOY_WORDS;

/* A machine file, loaded or refused. */
struct toy_loaded {
	struct rop_arena *arena;
	struct rop_diags diags;
	struct rop_text printed;     /* the diagnostics as a person sees them */
	struct rop_machine *machine; /* NULL: refused */
};
#define MACHINES TOP_SRCDIR "/tests/machines/"
struct toy_loaded toy_load_file(const char *path);
struct toy_loaded toy_load_text(const char *text, const struct rop_vocabulary *words);
void toy_unload(struct toy_loaded *loaded);
#define OWN_TOY __attribute__((cleanup(toy_unload))) struct toy_loaded

#endif
