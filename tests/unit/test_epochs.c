/* test_epochs.c - a primary that says a smaller config epoch than its peers hold for it gets a new one, or a sentence.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "hand.h"
#include "rop/permissions.h"
#include "rop/text.h"

TestSuite(epochs, .init = world_setup, .fini = hand_teardown);

#define BACK 1 /* the node that went back */

static struct rop_observed *world_with_one_back(const struct rop_topology *topology)
{
	struct rop_observed *world = formed_world(topology);
	world->nodes[BACK].epoch_held = 9;
	for (size_t i = 0; i < world->n; i++)
		if (i != BACK)
			rop_bit_clear(world, world->agrees, i, BACK);
	return world;
}

static struct rop_situation *look_at(const struct rop_topology *topology, const struct rop_observed *world,
				     const struct rop_before *before)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = world,
							   .image = &no_image,
							   .before = before,
							   .looks_once = !before,
							   .boot_ms = 5000 });
}

static bool is_bumped(struct rop_situation *now)
{
	struct rop_batch batch = batch_of(now, "raise_epochs");
	for (size_t i = 0; i < batch.steps.n; i++) {
		struct rop_step *step = &batch.steps.at[i];
		rop_step_describe(pool, now->seen, step);
		cr_assert(step->expect.kind == ROP_STEP_BUMP && step->node == BACK);
		cr_assert_str_eq(step->expect.command, "CLUSTER BUMPEPOCH");
	}
	cr_assert_eq(now->epochs_behind, batch.steps.n == 1);
	return batch.steps.n == 1;
}

/* With a new epoch it wins every slot that it claims; who else claims one deletes the keys. */
Test(epochs, a_new_one_is_given_only_where_nobody_could_lose_a_slot_by_it)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	cr_assert(is_bumped(look_at(topology, world_with_one_back(topology), NULL)));
	for (int spoilt = 0; spoilt < 8; spoilt++) {
		struct rop_observed *world = world_with_one_back(topology);
		struct rop_node *node = &world->nodes[BACK];
		switch (spoilt) {
		case 0: node->named_otherwise = true; break;
		case 1: go_silent(world, 5); break;
		case 2: rop_observed_add_foreign(world, 0, node_id(99), "10.0.0.99:6379", "master", NULL); break;
		case 3:
			rop_slots_add(&world->nodes[0].slots, rop_slots_first(&node->slots),
				      rop_slots_first(&node->slots));
			break;
		case 4: world->nodes[3].open_slots = 1; break;
		case 5: rop_bit_clear(world, world->linked, 2, BACK); break;
		case 6: rop_bit_set(world, world->failing, 2, BACK); break;
		case 7: node->epoch = 9; break; /* it is not behind */
		}
		cr_assert_not(is_bumped(look_at(topology, world, NULL)), "spoilt %d", spoilt);
	}
}

Test(epochs, one_look_is_an_accident_two_are_not)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = world_with_one_back(topology);
	struct rop_before before[6] = { 0 };
	for (size_t i = 0; i < 6; i++) {
		memcpy(before[i].id, world->nodes[i].id, ROP_ID_SIZE);
		before[i].answered = true;
		before[i].role = world->nodes[i].role;
		before[i].epoch = world->nodes[i].epoch;
	}
	cr_assert_not(is_bumped(look_at(topology, world, before)), "it may have taken one between two answers");
	before[BACK].epoch_held = 9;
	cr_assert(is_bumped(look_at(topology, world, before)));
	before[BACK].epoch--;
	cr_assert_not(is_bumped(look_at(topology, world, before)), "its epoch moves");
}

Test(epochs, why_it_is_not_given_is_told)
{
	static const char *const WHY[] = { "slots are being moved", "not every node answers, and a silent one" };
	struct rop_topology *topology = topology_of(3, 1, 6);
	for (size_t k = 0; k < sizeof WHY / sizeof *WHY; k++) {
		struct rop_observed *world = world_with_one_back(topology);
		const char *advice = NULL;
		*rop_push(pool, &world->differences) = (struct rop_difference){
			.viewer = 0, .subject = BACK, .in = ROP_DIFFERS_EPOCH, .held = "9", .says = "2", .holder = -1
		};
		if (k == 0)
			world->nodes[3].open_slots = 1;
		else
			go_silent(world, 5);
		struct rop_situation *now = look_at(topology, world, NULL);
		rop_situation_open(now);
		for (size_t i = 0; i < now->open.n; i++)
			if (now->open.at[i].is == ROP_WHY_VIEWS_DIFFER && now->open.at[i].advice)
				advice = now->open.at[i].advice;
		cr_assert(advice && strstr(advice, "came back with an older nodes.conf") &&
				  strstr(advice, rop_printf(pool, "; not now: %s", WHY[k])),
			  "case %zu: %s", k, advice ? advice : "");
	}
}

Test(epochs, it_is_given_once_and_the_views_agree)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	op = hand_new(topology, world_with_one_back(topology));
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.reached, "%s", result.text);
	cr_assert_eq(hand_sent(op, ROP_STEP_BUMP), 1);
	cr_assert_eq(op->sent.n, 1, "and nothing else is done");
	cr_assert(op->world->nodes[BACK].epoch > 9 && hand_ended(op, "met") == 1);
}

Test(epochs, without_the_permission_it_is_named)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = world_with_one_back(topology);
	world->nodes[BACK].forbidden = ROP_PERMIT(BUMPEPOCH);
	struct rop_situation *now = look_at(topology, world, NULL);
	bool told = false;
	for (size_t i = 0; i < now->warnings.n; i++)
		told |= now->warnings.at[i].is == ROP_WHY_NOT_PERMITTED &&
			strstr(now->warnings.at[i].text, "may not run cluster|bumpepoch");
	cr_assert(told);
}

Test(epochs, what_peers_hold_for_a_node_is_taken_from_their_views)
{
	struct rop_observed *world = formed_world(topology_of(2, 0, 2));
	struct rop_answer *answers = answers_of(world);
	answers[0].cluster_nodes = rop_printf(pool,
					      "%s 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-8191\n"
					      "%s 10.0.0.2:6379@16379 master - 0 1 9 connected 8192-16383\n",
					      node_id(0), node_id(1));
	const struct rop_node *node = &rop_observed_from_answers(pool, answers, 2, NULL, 0, 1)->nodes[1];
	cr_assert(node->epoch == 2 && node->epoch_held == 9 && !node->named_otherwise && rop_node_is_behind(node));
	answers[0].cluster_nodes = rop_printf(pool,
					      "%s 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-8192\n"
					      "%s 10.0.0.2:6379@16379 master - 0 1 1 connected 8193-16383\n",
					      node_id(0), node_id(1));
	node = &rop_observed_from_answers(pool, answers, 2, NULL, 0, 1)->nodes[1];
	cr_assert(node->epoch_held == 0 && node->named_otherwise && !rop_node_is_behind(node));
	cr_assert(node->named_owner);
	answers[0].cluster_nodes = rop_printf(pool,
					      "%s 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-16383\n"
					      "%s 10.0.0.2:6379@16379 master - 0 1 1 connected\n",
					      node_id(0), node_id(1));
	cr_assert_not(rop_observed_from_answers(pool, answers, 2, NULL, 0, 1)->nodes[1].named_owner);
}
