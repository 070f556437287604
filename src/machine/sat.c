/* sat.c - the solver behind the checks of a machine: unit propagation and search (Davis-Putnam-Logemann-Loveland). */
#include "sat.h"

enum clause_state { SATISFIED, OPEN, UNIT, FALSIFIED };

void sat_add(struct sat *sat, const struct sat_literals *clause)
{
	*rop_push(sat->arena, &sat->clauses) = *clause;
}

/* What `known` makes of the clause; for UNIT and OPEN *ret_left are the *ret_n literals not decided yet. */
static enum clause_state look_at(const struct sat_literals *clause, const struct sat_literals *known,
				 struct sat_literals *ret_left, int *ret_n)
{
	int left = 0;
	if (sat_set_meets(&clause->plain, &known->plain) || sat_set_meets(&clause->negated, &known->negated))
		return SATISFIED;
	for (size_t i = 0; i < SAT_WORDS; i++) {
		ret_left->plain.at[i] = clause->plain.at[i] & ~known->negated.at[i];
		ret_left->negated.at[i] = clause->negated.at[i] & ~known->plain.at[i];
		left += __builtin_popcountll(ret_left->plain.at[i]) + __builtin_popcountll(ret_left->negated.at[i]);
	}
	*ret_n = left;
	if (left == 0)
		return FALSIFIED;
	return left == 1 ? UNIT : OPEN;
}

/* Follow what is forced. false: a contradiction. *ret_open: the shortest clause still open, or no literals at all. */
static bool propagate(const struct sat *sat, struct sat_literals *known, struct sat_literals *ret_open)
{
	for (bool again = true; again;) {
		int shortest = 0;
		again = false;
		*ret_open = (struct sat_literals){ 0 };
		for (size_t i = 0; i < sat->clauses.n; i++) {
			struct sat_literals left;
			int n;
			switch (look_at(&sat->clauses.at[i], known, &left, &n)) {
			case SATISFIED: break;
			case OPEN:
				if (shortest == 0 || n < shortest) {
					*ret_open = left;
					shortest = n;
				}
				break;
			case UNIT:
				sat_set_join(&known->plain, &left.plain);
				sat_set_join(&known->negated, &left.negated);
				again = true;
				break;
			case FALSIFIED: return false;
			}
		}
	}
	return true;
}

/* The lowest member of the set, or SAT_FACTS_MAX. */
static size_t lowest(const struct sat_set *set)
{
	for (size_t i = 0; i < SAT_WORDS; i++)
		if (set->at[i])
			return i * 64 + (size_t)__builtin_ctzll(set->at[i]);
	return SAT_FACTS_MAX;
}

static enum sat_answer search(struct sat *sat, struct sat_literals *known)
{
	struct sat_literals open;
	if (sat->budget == 0)
		return SAT_GAVE_UP;
	sat->budget--;
	if (!propagate(sat, known, &open))
		return SAT_NO;
	/* Facts are tried false first: what remains true in an answer is what a person needs to read. */
	size_t negated = lowest(&open.negated), fact = negated < SAT_FACTS_MAX ? negated : lowest(&open.plain);
	if (fact == SAT_FACTS_MAX)
		return SAT_YES;
	bool value = negated == SAT_FACTS_MAX;
	for (int i = 0; i < 2; i++, value = !value) {
		struct sat_literals deeper = *known;
		sat_set_add(value ? &deeper.plain : &deeper.negated, fact);
		enum sat_answer answer = search(sat, &deeper);
		if (answer == SAT_NO)
			continue;
		*known = deeper;
		return answer;
	}
	return SAT_NO;
}

enum sat_answer sat_solve(struct sat *sat, const struct sat_literals *given, struct sat_literals *ret)
{
	struct sat_literals known = *given;
	if (sat_set_meets(&given->plain, &given->negated))
		return SAT_NO;
	enum sat_answer answer = search(sat, &known);
	if (answer == SAT_YES && ret)
		*ret = known;
	return answer;
}
