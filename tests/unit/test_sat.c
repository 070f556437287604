/* test_sat.c - the solver against brute force. */
#include <criterion/criterion.h>

#include "../../src/machine/sat.h"
#include "random.h"

static bool holds(const struct sat_literals *clause, uint64_t valuation)
{
	return (clause->plain.at[0] & valuation) || (clause->negated.at[0] & ~valuation);
}

static bool all_hold(const struct sat *sat, const struct sat_literals *given, uint64_t valuation)
{
	if ((given->plain.at[0] & ~valuation) || (given->negated.at[0] & valuation))
		return false;
	for (size_t i = 0; i < sat->clauses.n; i++)
		if (!holds(&sat->clauses.at[i], valuation))
			return false;
	return true;
}

static struct sat_literals random_literals(uint64_t *seed, size_t facts, size_t n)
{
	struct sat_literals literals = { 0 };
	for (size_t i = 0; i < n; i++)
		sat_set_add(random_below(seed, 2) ? &literals.plain : &literals.negated, random_below(seed, facts));
	return literals;
}

/* One random formula over up to ten facts: the solver's answer is that of trying all valuations. Returns it. */
static bool compare(uint64_t seed)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct sat sat = { .arena = arena, .budget = 100000 };
	size_t facts = 1 + random_below(&seed, 10), clauses = random_below(&seed, facts * 5 + 1);
	for (size_t i = 0; i < clauses; i++) {
		struct sat_literals clause = random_literals(&seed, facts, 1 + random_below(&seed, 3));
		sat_add(&sat, &clause);
	}
	struct sat_literals given = random_literals(&seed, facts, random_below(&seed, 3)), answer = { 0 };
	bool any = false;
	for (uint64_t v = 0; v < (uint64_t)1 << facts; v++)
		any = any || all_hold(&sat, &given, v);
	enum sat_answer solved = sat_solve(&sat, &given, &answer);
	cr_assert_eq(solved, any ? SAT_YES : SAT_NO);
	if (!any)
		return false;
	for (uint64_t v = 0; v < (uint64_t)1 << facts; v++) {
		bool in_answer = (answer.plain.at[0] & ~v) == 0 && (answer.negated.at[0] & v) == 0;
		cr_assert(!in_answer || all_hold(&sat, &given, v), "an answer holds whatever the facts it leaves open");
	}
	cr_assert_eq(given.plain.at[0] & ~answer.plain.at[0], 0, "an answer contains what was given");
	cr_assert_eq(given.negated.at[0] & ~answer.negated.at[0], 0);
	cr_assert_not(sat_set_meets(&answer.plain, &answer.negated), "an answer does not contradict itself");
	return true;
}

Test(sat, agrees_with_brute_force_on_random_formulas)
{
	size_t yes = 0, no = 0;
	for (uint64_t seed = 1; seed <= 6000; seed++)
		*(compare(seed) ? &yes : &no) += 1;
	cr_assert_gt(yes, 1000, "both answers were seen often: %zu yes", yes);
	cr_assert_gt(no, 1000, "both answers were seen often: %zu no", no);
}

Test(sat, an_empty_formula_holds_and_a_contradiction_does_not)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct sat sat = { .arena = arena, .budget = 10 };
	struct sat_literals nothing = { 0 }, both = { 0 }, answer;
	cr_assert_eq(sat_solve(&sat, &nothing, &answer), SAT_YES);
	cr_assert_eq(sat_solve(&sat, &nothing, NULL), SAT_YES);
	sat_set_add(&both.plain, 255);
	sat_set_add(&both.negated, 255);
	cr_assert_eq(sat_solve(&sat, &both, NULL), SAT_NO);
	sat_add(&sat, &both); /* as a clause it always holds */
	cr_assert_eq(sat_solve(&sat, &nothing, NULL), SAT_YES);
	sat_add(&sat, &nothing); /* the empty clause never does */
	cr_assert_eq(sat_solve(&sat, &nothing, NULL), SAT_NO);
}

Test(sat, facts_of_all_words_of_the_set_are_used)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct sat sat = { .arena = arena, .budget = 1000 };
	struct sat_literals given = { 0 }, answer;
	for (size_t i = 0; i + 1 < SAT_FACTS_MAX; i++) { /* each implies the next */
		struct sat_literals clause = { 0 };
		sat_set_add(&clause.negated, i);
		sat_set_add(&clause.plain, i + 1);
		sat_add(&sat, &clause);
	}
	sat_set_add(&given.plain, 0);
	cr_assert_eq(sat_solve(&sat, &given, &answer), SAT_YES);
	for (size_t i = 0; i < SAT_FACTS_MAX; i++)
		cr_assert(sat_set_has(&answer.plain, i), "fact %zu follows", i);
	sat_set_drop(&answer.plain, 200);
	cr_assert_not(sat_set_has(&answer.plain, 200));
	sat_set_add(&given.negated, 255);
	cr_assert_eq(sat_solve(&sat, &given, &answer), SAT_NO);
}

/* n + 1 pigeons in n holes: no solver of this kind decides it quickly, so the budget has to stop it. */
Test(sat, gives_up_when_the_budget_is_spent_and_says_so)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	const size_t holes = 9, pigeons = 10;
	struct sat sat = { .arena = arena, .budget = 2000 };
	for (size_t p = 0; p < pigeons; p++) {
		struct sat_literals sits = { 0 };
		for (size_t h = 0; h < holes; h++) {
			sat_set_add(&sits.plain, p * holes + h);
			for (size_t other = 0; other < p; other++) {
				struct sat_literals alone = { 0 };
				sat_set_add(&alone.negated, p * holes + h);
				sat_set_add(&alone.negated, other * holes + h);
				sat_add(&sat, &alone);
			}
		}
		sat_add(&sat, &sits);
	}
	struct sat_literals nothing = { 0 }, answer = { .plain = { { 42 } } };
	cr_assert_eq(sat_solve(&sat, &nothing, &answer), SAT_GAVE_UP);
	cr_assert_eq(answer.plain.at[0], 42, "no answer, no output");
	cr_assert_eq(sat.budget, 0);
	cr_assert_eq(sat_solve(&sat, &nothing, NULL), SAT_GAVE_UP, "the budget is for all questions together");
}
