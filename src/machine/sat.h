/* sat.h - is there a valuation of the facts such that ...? A small, sound and complete solver.
 *
 * Facts are numbered from 0. A set of literals is two sets of facts: those that stand plain and those that stand
 * negated. The same struct serves as a conjunction (a row's `when`: all of them hold) and as a clause (one of them
 * holds); the negation of a conjunction is the clause with both sets swapped.
 */
#ifndef MACHINE_SAT_H
#define MACHINE_SAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/mem.h"

#define SAT_FACTS_MAX 256
#define SAT_WORDS (SAT_FACTS_MAX / 64)

struct sat_set {
	uint64_t at[SAT_WORDS];
};

struct sat_literals {
	struct sat_set plain, negated;
};

static inline void sat_set_add(struct sat_set *set, size_t fact)
{
	set->at[fact / 64] |= (uint64_t)1 << fact % 64;
}

static inline void sat_set_drop(struct sat_set *set, size_t fact)
{
	set->at[fact / 64] &= ~((uint64_t)1 << fact % 64);
}

static inline bool sat_set_has(const struct sat_set *set, size_t fact)
{
	return set->at[fact / 64] >> fact % 64 & 1;
}

static inline bool sat_set_meets(const struct sat_set *a, const struct sat_set *b)
{
	for (size_t i = 0; i < SAT_WORDS; i++)
		if (a->at[i] & b->at[i])
			return true;
	return false;
}

static inline void sat_set_join(struct sat_set *into, const struct sat_set *more)
{
	for (size_t i = 0; i < SAT_WORDS; i++)
		into->at[i] |= more->at[i];
}

static inline void sat_set_keep(struct sat_set *set, const struct sat_set *kept)
{
	for (size_t i = 0; i < SAT_WORDS; i++)
		set->at[i] &= kept->at[i];
}

static inline struct sat_literals sat_not(const struct sat_literals *conjunction)
{
	return (struct sat_literals){ .plain = conjunction->negated, .negated = conjunction->plain };
}

/* A stack of clauses: `clauses.n` may be set back to drop the latest. Owned by the arena. */
struct sat {
	struct rop_arena *arena;
	ROP_LIST(struct sat_literals) clauses;
	size_t budget; /* search steps left; shared by all questions, so that no input can keep us for ever */
};

enum sat_answer { SAT_NO, SAT_YES, SAT_GAVE_UP /* the budget is spent */ };

void sat_add(struct sat *sat, const struct sat_literals *clause);
/* Is there a valuation that makes `given` (a conjunction) and all clauses true? On SAT_YES *ret, if asked for, is a
 * conjunction that contains `given` and makes all clauses true whatever the facts it does not name. */
enum sat_answer sat_solve(struct sat *sat, const struct sat_literals *given, struct sat_literals *ret);

#endif
