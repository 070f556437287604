/* test_libraries.c - function libraries go before slots, and nothing of the target's own is written over. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/libraries.h"
#include "world.h"

TestSuite(libraries, .init = world_setup, .fini = world_teardown);

#define A "a@0000000000000001"
#define A_OTHER "a@0000000000000002"
#define B "b@0000000000000003"

Test(libraries, a_text_is_sorted_and_tells_codes_apart)
{
	struct rop_library two[] = {
		{ .name = "b", .engine = "LUA", .engine_n = 3, .code = "x\0y", .code_n = 3 },
		{ .name = "a", .engine = "LUA", .engine_n = 3, .code = "x", .code_n = 1 },
	};
	const char *text = rop_libraries_text(pool, two, 2);
	cr_assert(strncmp(text, "a@", 2) == 0 && strstr(text, " b@"), "%s", text);
	struct rop_library cut = { .name = "b", .engine = "LUA", .engine_n = 3, .code = "x\0z", .code_n = 3 };
	cr_assert_str_eq(rop_libraries_clash(pool, text, rop_libraries_text(pool, &cut, 1)), "b");
	struct rop_library odd = { .name = "a b", .engine = "", .code = "" };
	cr_assert_null(rop_libraries_text(pool, &odd, 1));
	cr_assert_str_eq(rop_libraries_text(pool, &odd, 0), "");
}

Test(libraries, are_compared_by_name_and_digest)
{
	cr_assert(rop_libraries_hold(A " " B, B));
	cr_assert(rop_libraries_hold("", ""));
	cr_assert_not(rop_libraries_hold(A, A " " B));
	cr_assert_not(rop_libraries_hold(A_OTHER, A));
	cr_assert_not(rop_libraries_hold(NULL, ""), "not known is not none");
	cr_assert_null(rop_libraries_clash(pool, A, B));
	cr_assert_str_eq(rop_libraries_clash(pool, A " " B, A_OTHER), "a");
	cr_assert_str_eq(rop_libraries_beyond(pool, A " " B, A), "b");
	cr_assert_null(rop_libraries_beyond(pool, A, A " " B));
	cr_assert_str_eq(rop_libraries_names(pool, A " " B), "a, b");
	cr_assert_eq(rop_libraries_count(A " " B), 2);
	cr_assert_eq(rop_libraries_count(""), 0);
}

static void load(struct rop_observed *world, size_t node, const char *libraries)
{
	world->nodes[node].libraries = libraries;
	world->nodes[node].functions = rop_libraries_count(libraries);
}

static const struct rop_migration *first_of(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->migrations.n; i++)
		if (now->migrations.at[i].in_hand)
			return &now->migrations.at[i];
	cr_assert_fail("nothing is in hand");
	return NULL;
}

static struct rop_batch of_chunk(const struct rop_situation *now, const char *action)
{
	struct rop_batch batch = { .arena = now->arena, .state = "Open", .why = "" };
	plan_action(rop_migration_words(), action, first_of(now), &batch);
	return batch;
}

static bool holds(const struct rop_situation *now, const char *fact)
{
	return fact_holds(rop_migration_words(), fact, first_of(now), 0);
}

Test(libraries, go_before_slots)
{
	struct rop_topology *four = topology_of(4, 0, 4);
	struct rop_observed *world = three_owners(four);
	for (size_t i = 0; i < 3; i++)
		load(world, i, A " " B);
	load(world, 3, "");
	struct rop_situation *now = situation_of(four, world);
	cr_assert_not(now->refused);
	cr_assert_not(holds(now, "functions_there"));
	cr_assert_eq(of_chunk(now, "tell_target").steps.n, 0, "the guard holds the slots back");
	struct rop_batch batch = of_chunk(now, "give_functions");
	cr_assert_eq(batch.steps.n, 1);
	struct rop_step step = batch.steps.at[0];
	cr_assert(step.node == 3 && step.peer == 0);
	cr_assert_eq(step.risk.kind, ROP_RISK_NONE);
	cr_assert_not(rop_expect_seen(&step.expect, world));
	rop_step_effect(&step.expect, world);
	cr_assert(rop_expect_seen(&step.expect, world));
	now = situation_of(four, world);
	cr_assert(holds(now, "functions_there"));
	cr_assert_eq(of_chunk(now, "tell_target").steps.n, 1);
	load(world, 3, A " " A_OTHER);
	cr_assert_not(rop_expect_seen(&step.expect, world));
}

Test(libraries, of_the_targets_own_are_not_written_over)
{
	struct rop_topology *four = topology_of(4, 0, 4);
	struct rop_observed *world = three_owners(four);
	static const char *const OWN[] = { A_OTHER, "c@0000000000000004" };
	for (size_t i = 0; i < 3; i++)
		load(world, i, A " " B);
	for (size_t k = 0; k < 2; k++) {
		load(world, 3, OWN[k]);
		struct rop_situation *now = situation_of(four, world);
		cr_assert(now->refused);
		cr_assert_eq(now->findings.at[0].is, ROP_WHY_FUNCTIONS_APART);
		cr_assert_not_null(strstr(now->findings.at[0].text, k ? "'c'" : "'a' with other code"), "%s",
				   now->findings.at[0].text);
		cr_assert_eq(of_chunk(now, "give_functions").steps.n, 0);
		cr_assert_eq(of_chunk(now, "tell_target").steps.n, 0);
	}
	load(world, 3, A " " B " c@0000000000000004");
	cr_assert_not(situation_of(four, world)->refused, "it has all that clients call, and more");
}

Test(libraries, that_are_not_told_are_not_taken_for_none)
{
	struct rop_topology *four = topology_of(4, 0, 4);
	struct rop_observed *world = three_owners(four);
	for (size_t i = 0; i < 4; i++)
		load(world, i, "");
	world->nodes[0].functions = ROP_COUNT_UNKNOWN;
	world->nodes[0].libraries = NULL;
	struct rop_situation *now = situation_of(four, world);
	cr_assert_not(holds(now, "functions_there"));
	cr_assert_eq(of_chunk(now, "give_functions").steps.n, 0);
	cr_assert_eq(of_chunk(now, "tell_target").steps.n, 0);
}
