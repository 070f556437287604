/* test_shard_ids.c - every node must know which shard a replica belongs to: what CLUSTER SHARDS says, and who greets.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "hand.h"
#include "rop/permissions.h"

TestSuite(shard_ids, .init = world_setup, .fini = hand_teardown);

static struct rop_topology *topology;

static struct rop_observed *six(void)
{
	topology = topology_of(3, 1, 6);
	return formed_world(topology); /* node 3 follows 0, 4 follows 1, 5 follows 2 */
}

/* One character a node, a blank between shards: "03 14 25". */
static const char *shards_text(const char *groups)
{
	ROP_OWN_TEXT text = { 0 };
	for (const char *g = groups; *g; g++)
		if (*g == ' ')
			rop_text_add(&text, "\n");
		else
			rop_text_add(&text, "%s ", node_id((size_t)(*g - '0')));
	rop_text_add(&text, "\n");
	return rop_strdup(pool, text.at);
}

static const struct rop_observed *told(const char *groups)
{
	struct rop_observed *world = six();
	struct rop_answer *answers = answers_of(world);
	answers[2].shards = groups ? shards_text(groups) : NULL;
	return rop_observed_from_answers(pool, answers, 6, world->setting_names, world->n_settings, 1);
}

/* ---- what is said ------------------------------------------------------------------------------------------- */

Test(shard_ids, a_replica_in_another_shard_than_its_primary_is_apart)
{
	static const struct {
		const char *groups;
		int apart, who;
	} CASES[] = {
		{ "03 14 25", 0, -1 }, { "30 41 52", 0, -1 }, { "0 14 25 3", 1, 3 }, { "04 1 25 3", 2, 3 },
		{ "03 14 2", 0, -1 },  { "", 0, -1 },         { "3 14 25", 0, -1 },  { "0 1 2 3 4 5", 3, 5 },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const struct rop_observed *seen = told(CASES[i].groups);
		cr_assert_eq(seen->nodes[2].shards_apart, CASES[i].apart, "%s", CASES[i].groups);
		if (CASES[i].who >= 0)
			cr_assert(rop_bit(seen, seen->apart, 2, (size_t)CASES[i].who));
	}
}

/* After CLUSTER REPLICATE a viewer holds the replica for a primary, of a shard of its own, until it hears of it: that
 * is no matter of shard ids (Redis 7.0 has none). */
Test(shard_ids, who_has_not_heard_of_the_role_is_not_counted)
{
	struct rop_observed *world = six();
	struct rop_answer *answers = answers_of(world);
	char *view = rop_strdup(pool, answers[2].cluster_nodes), *line = strstr(view, node_id(3));
	char *role = strstr(line, " slave ");
	memcpy(role, " master", 7); /* "slave ID" becomes "master" and one sign less */
	memcpy(role + 7, " -", 2);
	memmove(role + 9, strchr(role + 9, ' '), strlen(strchr(role + 9, ' ')) + 1);
	answers[2].cluster_nodes = view;
	answers[2].shards = shards_text("0 14 25 3");
	const struct rop_observed *seen = rop_observed_from_answers(pool, answers, 6, world->setting_names,
								    world->n_settings, 1);
	cr_assert_not(rop_bit(seen, seen->agrees, 2, 3));
	cr_assert_eq(seen->nodes[2].shards_apart, 0);
}

Test(shard_ids, what_is_not_told_or_not_asked_is_not_nothing)
{
	const struct rop_observed *seen = told(NULL);
	cr_assert_eq(seen->nodes[2].shards_apart, ROP_COUNT_UNKNOWN);
	struct rop_observed *world = six();
	struct rop_answer *answers = answers_of(world);
	answers[1].asked_shards = false;
	seen = rop_observed_from_answers(pool, answers, 6, world->setting_names, world->n_settings, 1);
	cr_assert_eq(seen->nodes[1].shards_apart, ROP_COUNT_NOT_ASKED);
	struct rop_situation *now = situation_of(topology, seen);
	cr_assert(!now->shards_known && !now->shards_apart, "it may be");
	world->nodes[1].shards_apart = ROP_COUNT_UNKNOWN;
	cr_assert(situation_of(topology, world)->shards_known, "it cannot be waited for");
	world->nodes[1].shards_apart = ROP_COUNT_NOT_ASKED;
	world->nodes[4].forbidden = ROP_PERMIT(CLUSTER_SHARDS);
	cr_assert(situation_of(topology, world)->shards_known, "nor where it is not permitted");
	world->nodes[1].shards_apart = 1;
	cr_assert(!situation_of(topology, world)->shards_known);
}

/* ---- greeting ----------------------------------------------------------------------------------------------- */

static void hold_apart(struct rop_observed *world, size_t viewer, size_t replica)
{
	rop_bit_set(world, world->apart, viewer, replica);
	world->nodes[viewer].shards_apart++;
}

static struct rop_situation *acting_on(const struct rop_observed *world)
{
	struct rop_situation *now = situation_of(topology, world);
	now->has_acted = true;
	return now;
}

/* Which of the two is unknown there is not told. */
Test(shard_ids, replica_and_primary_greet_who_holds_them_apart)
{
	struct rop_observed *world = six();
	hold_apart(world, 2, 3);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->shards_apart && !now->shards_known);
	cr_assert_eq(batch_of(now, "greet_nodes").steps.n, 0, "who changes nothing sends nothing");
	now = acting_on(world);
	struct rop_batch batch = batch_of(now, "greet_nodes");
	cr_assert_eq(batch.steps.n, 2);
	for (size_t i = 0; i < 2; i++) {
		struct rop_step *step = &batch.steps.at[i];
		cr_assert(step->expect.kind == ROP_STEP_GREET && step->node == (i ? 0 : 3) && step->peer == 2);
		cr_assert_eq(step->risk.kind, ROP_RISK_NONE);
		rop_step_describe(pool, world, step);
		cr_assert_str_eq(step->expect.command, "CLUSTER MEET 10.0.0.3 6379");
		cr_assert_not(rop_expect_seen(&step->expect, world));
	}
	struct rop_observed *after = rop_observed_copy(pool, world);
	rop_step_effect(&batch.steps.at[0].expect, after);
	cr_assert(rop_expect_seen(&batch.steps.at[0].expect, after));
	after->nodes[2].shards_apart = ROP_COUNT_NOT_ASKED;
	cr_assert_not(rop_expect_seen(&batch.steps.at[0].expect, after), "not asked is not seen");
	go_silent(world, 3);
	cr_assert_eq(batch_of(acting_on(world), "greet_nodes").steps.n, 1, "the primary alone");
	hold_apart(world, 0, 4);
	cr_assert_eq(batch_of(acting_on(world), "greet_nodes").steps.n, 3, "nobody greets for another");
}

Test(shard_ids, the_viewer_may_be_one_of_them)
{
	struct rop_observed *world = six();
	hold_apart(world, 3, 3); /* a new replica of 0 holds its primary for somebody else's */
	struct rop_batch batch = batch_of(acting_on(world), "greet_nodes");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert(batch.steps.at[0].node == 0 && batch.steps.at[0].peer == 3);
}

Test(shard_ids, it_is_not_converged_before_and_a_greeting_is_enough)
{
	topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", "90mb"); /* something to do */
	op = hand_new(topology, formed_world(topology));
	hold_apart(op->world, 2, 3);
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.reached && result.code == ROP_OK);
	cr_assert_eq(hand_sent(op, ROP_STEP_GREET), 2);
	cr_assert(hand_moved(op, "Verify", "Confirm") && hand_moved(op, "Confirm", "Ready"));
}

static bool settings_alone(void *arg, const struct rop_step *step)
{
	(void)arg;
	return step->expect.kind == ROP_STEP_SETTING || step->expect.kind == ROP_STEP_PERSIST;
}

/* Nobody can plan to whom a shard is not told yet. */
Test(shard_ids, a_saved_plan_need_not_hold_a_greeting)
{
	topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", "90mb"); /* something to do */
	op = hand_new(topology, formed_world(topology));
	op->options.may_step = settings_alone;
	hold_apart(op->world, 2, 3);
	hand_start(op);
	cr_assert(hand_run(op).reached);
}

/* What it hastens comes by itself. */
Test(shard_ids, a_greeting_is_never_given_up)
{
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect expect = { .kind = ROP_STEP_GREET, .subject = "greet:a>b" };
	for (int i = 0; i < 20; i++)
		rop_tries_ended(tries, &expect, ROP_EXPECT_EXPIRED, i);
	cr_assert_not(rop_tries_gave_up(tries, NULL, NULL));
	expect.note = "NOPERM no";
	rop_tries_ended(tries, &expect, ROP_EXPECT_REFUSED, 30);
	cr_assert(rop_tries_gave_up(tries, NULL, NULL), "but where it is forbidden");
}
