/* test_machine_random.c - the verifier against brute force, on random machines; no surprise at run time. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <string.h>

#include "random.h"
#include "toy.h"

/* The world is a set of bits. a implies b, b implies c; d and e exclude each other, c excludes f; a excludes d. */
#define N_FACTS 6
#define BIT(name, n) \
	static bool name(const void *subject, const int64_t *args) \
	{ \
		(void)args; \
		return *(const unsigned *)subject >> n & 1; \
	}
BIT(bit_a, 0)
BIT(bit_b, 1)
BIT(bit_c, 2)
BIT(bit_d, 3)
BIT(bit_e, 4)
BIT(bit_f, 5)
static void act(const void *subject, const int64_t *args, void *output)
{
	(void)subject, (void)args;
	++*(int *)output;
}

static const struct rop_fact FACTS[N_FACTS] = {
	{ .name = "a", .doc = "A.", .implies = { "b" }, .excludes = { "d" }, .holds = bit_a },
	{ .name = "b", .doc = "B.", .implies = { "c" }, .holds = bit_b },
	{ .name = "c", .doc = "C.", .excludes = { "f" }, .holds = bit_c },
	{ .name = "d", .doc = "D.", .excludes = { "e" }, .holds = bit_d },
	{ .name = "e", .doc = "E.", .holds = bit_e },
	{ .name = "f", .doc = "F.", .holds = bit_f },
};
static const struct rop_action ACTIONS[] = { { .name = "act", .doc = "Act.", .plan = act } };
static const struct rop_vocabulary WORDS = { FACTS, N_FACTS, ACTIONS, 1 };

static bool consistent(unsigned world)
{
	bool a = world & 1, b = world & 2, c = world & 4, d = world & 8, e = world & 16, f = world & 32;
	return (!a || b) && (!b || c) && !(d && e) && !(c && f) && !(a && d);
}

/* ---- a random machine, as a table and as YAML --------------------------------------------------------------- */

#define STATES_MAX 5
#define ROWS_MAX 5
#define OVERDUE 64u

struct random_row {
	unsigned plain, negated;
	int to;
	bool acts;
}; /* facts as bits; bit 6 is overdue */
struct random_state {
	bool final, within;
	int n;
	struct random_row rows[ROWS_MAX];
};
struct random_machine {
	int n;
	struct random_state states[STATES_MAX];
};

static struct random_row random_row(uint64_t *seed, int states, bool within)
{
	struct random_row row = { .to = (int)random_below(seed, (size_t)states), .acts = random_below(seed, 2) };
	for (size_t n = 1 + random_below(seed, 2); n > 0; n--) {
		unsigned bit = 1u << random_below(seed, N_FACTS);
		if (row.plain & bit || row.negated & bit)
			continue;
		*(random_below(seed, 2) ? &row.plain : &row.negated) |= bit;
	}
	if (within && random_below(seed, 4) == 0)
		*(random_below(seed, 3) ? &row.plain : &row.negated) |= OVERDUE;
	return row;
}

/* Mostly sane, so that a good part of them loads. */
static struct random_machine random_machine(uint64_t *seed)
{
	struct random_machine m = { .n = 2 + (int)random_below(seed, STATES_MAX - 1) };
	for (int s = 0; s < m.n; s++) {
		struct random_state *state = &m.states[s];
		state->final = s == m.n - 1 || random_below(seed, 3) == 0;
		state->within = random_below(seed, 2);
		state->n = state->final && random_below(seed, 2) ? 0 : 1 + (int)random_below(seed, 3);
		for (int r = 0; r < state->n; r++)
			state->rows[r] = random_row(seed, m.n, state->within);
		if (state->within && !state->final &&
		    random_below(seed, 4)) { /* a waiting state as a person writes it */
			state->rows[state->n++] = (struct random_row){ .plain = OVERDUE, .to = m.n - 1, .acts = true };
			state->rows[state->n++] = (struct random_row){ .to = s, .acts = true };
		} else if (!state->final && random_below(seed, 8)) {
			state->rows[state->n++] = (struct random_row){ .to = (s + 1) % m.n,
								       .acts = random_below(seed, 2) };
		}
	}
	return m;
}

static void write_row(const struct random_row *row, struct rop_text *out)
{
	static const char *const NAMES[] = { "a", "b", "c", "d", "e", "f", "overdue" };
	const char *separator = "";
	rop_text_add(out, "      - { to: S%d, why: so, %s when: [", row->to, row->acts ? "do: [act]," : "");
	for (unsigned i = 0; i <= N_FACTS; i++) {
		if (!((row->plain | row->negated) >> i & 1))
			continue;
		rop_text_add(out, "%s%s%s", separator, row->negated >> i & 1 ? "not " : "", NAMES[i]);
		separator = ", ";
	}
	rop_text_add(out, "] }\n");
}

static void write_machine(const struct random_machine *m, struct rop_text *out)
{
	rop_text_add(out, "machine: random\ndoc: Random.\ninitial: S0\nstates:\n");
	for (int s = 0; s < m->n; s++) {
		const struct random_state *state = &m->states[s];
		rop_text_add(out, "  S%d:\n    doc: State.\n    final: %s\n%s    rows:%s\n", s,
			     state->final ? "true" : "false", state->within ? "    within: 5s\n" : "",
			     state->n ? "" : " []");
		for (int r = 0; r < state->n; r++)
			write_row(&state->rows[r], out);
	}
}

/* ---- the same rules by brute force -------------------------------------------------------------------------- */

static int first_row(const struct random_state *state, unsigned world)
{
	for (int r = 0; r < state->n; r++)
		if ((state->rows[r].plain & ~world) == 0 && (state->rows[r].negated & world) == 0)
			return r;
	return -1;
}

/* One state in all its worlds: holes, waiting, dead rows; *ret_to are the states that it leads to. */
static bool state_is_good(const struct random_state *state, int s, unsigned *ret_to)
{
	bool taken[ROWS_MAX] = { false }, good = true, names_overdue = false, waits = false;
	for (unsigned world = 0; world < OVERDUE * 2; world++) {
		if (!consistent(world) || (world & OVERDUE && !state->within))
			continue;
		int r = first_row(state, world);
		if (r < 0) {
			good = good && state->final;
			continue;
		}
		taken[r] = true;
		*ret_to |= 1u << state->rows[r].to;
		if (state->rows[r].to == s && world & OVERDUE && !state->final)
			good = false;
	}
	for (int r = 0; r < state->n; r++) {
		good = good && taken[r];
		names_overdue = names_overdue || (state->rows[r].plain | state->rows[r].negated) & OVERDUE;
		waits = waits || state->rows[r].to == s;
	}
	return good && names_overdue == state->within && (!waits || state->final || state->within);
}

static unsigned reach(const unsigned *to, int n, int from)
{
	unsigned reached = 1u << from;
	for (int round = 0; round < n; round++)
		for (int s = 0; s < n; s++)
			if (reached >> s & 1)
				reached |= to[s];
	return reached;
}

/* In one world, does the way without actions from `s` never end? */
static bool goes_round(const struct random_machine *m, unsigned world, int s)
{
	for (int steps = 0; steps <= m->n; steps++) {
		int r = first_row(&m->states[s], world);
		if (r < 0 || m->states[s].rows[r].acts || m->states[s].rows[r].to == s)
			return false;
		s = m->states[s].rows[r].to;
	}
	return true;
}

static bool machine_is_good(const struct random_machine *m)
{
	unsigned to[STATES_MAX] = { 0 }, final = 0;
	for (int s = 0; s < m->n && s < STATES_MAX; s++) {
		if (!state_is_good(&m->states[s], s, &to[s]))
			return false;
		final |= (unsigned)m->states[s].final << s;
	}
	for (int s = 0; s < m->n && s < STATES_MAX; s++) {
		if (!(reach(to, m->n, 0) >> s & 1) || !(reach(to, m->n, s) & final))
			return false;
		for (unsigned world = 0; world < OVERDUE; world++)
			if (consistent(world) && goes_round(m, world, s))
				return false;
	}
	return true;
}

/* ---- both agree --------------------------------------------------------------------------------------------- */

/* In every consistent world, overdue or not: the row that brute force expects, and one at all where it must be. */
static size_t run_everywhere(const struct random_machine *m, const struct rop_machine *machine, uint64_t seed)
{
	size_t picks = 0;
	for (int s = 0; s < m->n; s++)
		for (unsigned world = 0; world < OVERDUE * 2; world++) {
			const struct random_state *state = &m->states[s];
			if (!consistent(world) || (world & OVERDUE && !state->within))
				continue;
			unsigned facts = world & ~OVERDUE;
			struct rop_clock_in_state clock = { .in_state_ms = world & OVERDUE ? 5000 : 4999 };
			const struct rop_row *row = rop_machine_pick(machine, s, &facts, clock);
			cr_assert(row || state->final, "seed %" PRIu64 ": S%d finds no row in world %x", seed, s,
				  world);
			cr_assert_eq(row ? row->number - 1 : -1, first_row(state, world), "seed %" PRIu64, seed);
			int acted = 0;
			if (row)
				rop_row_plan(row, &facts, &acted);
			cr_assert_eq(acted, row ? state->rows[row->number - 1].acts : 0);
			picks++;
		}
	return picks;
}

static void compare(uint64_t seed, size_t *good, size_t *bad)
{
	uint64_t random = seed;
	struct random_machine m = random_machine(&random);
	ROP_OWN_TEXT text = { 0 };
	write_machine(&m, &text);
	OWN_TOY loaded = toy_load_text(text.at, &WORDS);
	cr_assert_eq(loaded.machine != NULL, machine_is_good(&m), "seed %" PRIu64 ":\n%s\n%s", seed, text.at,
		     loaded.printed.at ? loaded.printed.at : "brute force refuses it");
	++*(loaded.machine ? good : bad);
	if (!loaded.machine)
		return;
	struct rop_err err = { 0 };
	size_t cells = 0, picks = run_everywhere(&m, loaded.machine, seed);
	cr_assert(rop_machine_check_table(loaded.machine, &cells, &err), "seed %" PRIu64 ": %s", seed, err.text);
	cr_assert_leq(cells, picks, "cells name fewer facts than worlds do");
}

Test(machine_random, verify_decides_as_brute_force_does_and_what_loads_always_finds_a_row)
{
	size_t good = 0, bad = 0;
	for (uint64_t seed = 1; seed <= 20000; seed++)
		compare(seed, &good, &bad);
	cr_assert_gt(good, 500, "only %zu machines loaded", good);
	cr_assert_gt(bad, 300, "only %zu machines were refused", bad);
	cr_log_info("%zu machines loaded, %zu refused", good, bad);
}
