/* test_ghosts.c - a server was rebuilt at its address: who it was is given up where that costs nothing, and else not.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/leaving.h"
#include "world.h"

TestSuite(ghosts, .init = world_setup, .fini = world_teardown);

#define REBUILT 5 /* a replica of the third shard before */
#define WAS 50

static struct rop_topology *topology;
static struct rop_observed *world;
static struct rop_image *image;

/* Three shards with a replica each; the last one's server lost its nodes.conf and its data. The others list who it was.
 */
static void a_server_was_rebuilt(void)
{
	topology = topology_of(3, 1, 6);
	world = formed_world(topology);
	image = rop_alloc(pool, sizeof *image);
	image->formed_wall_ms = 1;
	for (size_t i = 0; i < 6; i++)
		add_member(image, i == REBUILT ? WAS : i, world->nodes[i].address);
	lose_conf(world, REBUILT);
	for (size_t i = 0; i < 6; i++)
		if (i != REBUILT)
			rop_observed_add_foreign(world, i, node_id(WAS), ":0", "slave,noaddr", NULL);
	world->nodes[REBUILT].keys = 0;
}

static const struct rop_observed *looked(void)
{
	return rop_observed_with_ghosts(pool, world, image);
}

static struct rop_situation *situation(void)
{
	return situation_with(topology, looked(), image, NULL, 1000);
}

static bool is_refused(void)
{
	struct rop_situation *now = situation();
	return now->refused && now->retirements.n == 0;
}

Test(ghosts, an_empty_server_takes_the_place_and_who_it_was_leaves)
{
	a_server_was_rebuilt();
	const struct rop_observed *seen = looked();
	cr_assert(seen->asked == 7 && seen->n_leaving == 1 && seen->foreign.n == 0);
	cr_assert_str_eq(seen->nodes[6].address,
			 rop_printf(pool, "%s (formerly %.8s)", world->nodes[REBUILT].address, node_id(WAS)));
	cr_assert_eq(seen->nodes[0].strangers, 0);
	struct rop_situation *now = situation();
	cr_assert_not(now->refused);
	cr_assert_eq(now->seen->n, 6);
	cr_assert_eq(now->retirements.n, 1);
	const struct rop_retirement *r = &now->retirements.at[0];
	cr_assert(r->drained && r->listed && r->alone && !r->present && !r->held);
	cr_assert_str_eq(r->id, node_id(WAS));
	cr_assert_eq(now->layout.primary_of[REBUILT], 2, "its place is its shard's");
	bool told = false;
	for (size_t i = 0; i < now->warnings.n; i++)
		told |= now->warnings.at[i].is == ROP_WHY_REPLACED && now->warnings.at[i].node == REBUILT;
	cr_assert(told);
}

Test(ghosts, once_it_is_taken_in_its_keys_are_no_doubt)
{
	a_server_was_rebuilt();
	know_each_other(world, 0, REBUILT);
	world->nodes[REBUILT].keys = 7;
	cr_assert_eq(looked()->n_leaving, 1);
}

Test(ghosts, any_member_that_lists_it_has_taken_it_in)
{
	for (size_t member = 0; member < REBUILT; member++) {
		a_server_was_rebuilt();
		rop_bit_set(world, world->known, member, REBUILT);
		world->nodes[REBUILT].keys = 7;
		cr_assert_eq(looked()->n_leaving, 1, "node %zu", member);
		go_silent(world, member);
		cr_assert_eq(looked()->n_leaving, 0, "node %zu does not say so any more", member);
	}
}

Test(ghosts, who_was_taken_in_and_is_listed_by_nobody_now_is_no_stranger)
{
	a_server_was_rebuilt();
	add_member(image, REBUILT, world->nodes[REBUILT].address);
	world->nodes[REBUILT].keys = 7;
	struct rop_situation *now = situation();
	cr_assert(now->refused && now->findings.n > 0);
	cr_assert_eq(now->findings.at[0].is, ROP_WHY_REBUILT);
	image->members.at[image->members.n - 1].address = "10.9.9.9:6379";
	cr_assert_eq(situation()->findings.at[0].is, ROP_WHY_FOREIGN_PEER, "it was a member elsewhere");
}

Test(ghosts, what_may_cost_something_is_refused_as_before)
{
	a_server_was_rebuilt();
	world->nodes[REBUILT].keys = 1;
	cr_assert(is_refused(), "it kept keys");
	world->nodes[REBUILT].keys = ROP_COUNT_UNKNOWN;
	cr_assert(is_refused(), "nobody knows whether it kept keys");
	world->nodes[REBUILT].keys = 0;
	world->nodes[REBUILT].functions = 1;
	cr_assert(is_refused(), "it has functions");
	world->nodes[REBUILT].functions = 0;
	world->foreign.at[0].slots = "7 and more";
	cr_assert(is_refused(), "which slots it owns cannot be told");
	world->foreign.at[0].slots = NULL;
	world->foreign.at[0].linked = true;
	cr_assert(is_refused(), "somebody has a link to who it was");
	world->foreign.at[0].linked = false;
	world->foreign.at[0].addresses_differ = true;
	cr_assert(is_refused(), "others list it elsewhere");
	world->foreign.at[0].addresses_differ = false;
	world->foreign.at[0].address = "10.9.9.9:6379";
	cr_assert(is_refused(), "it is listed elsewhere");
	world->foreign.at[0].address = world->nodes[REBUILT].address;
	cr_assert_not(is_refused(), "it is listed where the other one is");
	world->foreign_more = 1;
	cr_assert(is_refused(), "there are more strangers than can be told");
	world->foreign_more = 0;
	world->nodes[3].primary = -1;
	memcpy(world->nodes[3].primary_id, node_id(WAS), ROP_ID_SIZE);
	cr_assert(is_refused(), "somebody follows who it was");
}

Test(ghosts, slots_open_with_who_it_was_keep_it)
{
	a_server_was_rebuilt();
	struct rop_open_slot *open = rop_push(pool, &world->nodes[0].open);
	*open = (struct rop_open_slot){ .slot = 3, .keys = 0 };
	memcpy(open->peer, node_id(WAS), ROP_ID_SIZE);
	cr_assert_eq(looked()->n_leaving, 0);
}

Test(ghosts, a_member_of_another_address_is_no_new_server)
{
	a_server_was_rebuilt();
	image->members.n = 0;
	for (size_t i = 0; i < 5; i++)
		add_member(image, i, world->nodes[i].address);
	add_member(image, WAS, world->nodes[REBUILT].address);
	add_member(image, REBUILT, "10.0.0.77:6379");
	cr_assert_eq(looked()->n_leaving, 0);
}

Test(ghosts, a_stranger_that_the_database_does_not_know_stays_one)
{
	a_server_was_rebuilt();
	image->members.n = 5;
	cr_assert(is_refused());
	image->members.n = 6;
	image->formed_wall_ms = 0;
	cr_assert(is_refused(), "the cluster was never formed");
}

Test(ghosts, forgotten_it_is_watched_while_the_database_has_it)
{
	a_server_was_rebuilt();
	world->foreign.n = 0;
	cr_assert_eq(looked()->n_leaving, 0, "nobody lists it, and nobody was taken in");
	know_each_other(world, 0, REBUILT);
	const struct rop_observed *seen = looked();
	cr_assert_eq(seen->n_leaving, 1);
	cr_assert_not(rop_bit(seen, seen->listed, 0, 6));
	image->members.at[REBUILT].forgotten_boot_ms = 400;
	struct rop_situation *now = situation();
	cr_assert_eq(now->retirements.at[0].forgotten_ms, 600);
	add_member(image, REBUILT, world->nodes[REBUILT].address);
	cr_assert_eq(looked()->n_leaving, 1, "also when the new one is a member");
	memcpy(world->nodes[3].primary_id, node_id(WAS), ROP_ID_SIZE);
	cr_assert_eq(looked()->n_leaving, 0, "who is followed is not given up");
}

Test(ghosts, more_nodes_than_a_word_has_bits)
{
	topology = topology_of(64, 0, 64);
	world = formed_world(topology);
	image = rop_alloc(pool, sizeof *image);
	image->formed_wall_ms = 1;
	add_member(image, WAS + 100, world->nodes[63].address);
	memset(&world->nodes[63].slots, 0, sizeof world->nodes[63].slots);
	for (size_t i = 0; i < 63; i += 2)
		rop_observed_add_foreign(world, i, node_id(WAS + 100), ":0", "master,fail,noaddr", NULL);
	const struct rop_observed *seen = looked();
	cr_assert(seen->asked == 65 && seen->words == 2);
	for (size_t i = 0; i < 64; i++) {
		cr_assert_eq(rop_bit(seen, seen->listed, i, 64), i < 63 && i % 2 == 0);
		for (size_t j = 0; j < 64; j++)
			cr_assert_eq(rop_bit(seen, seen->known, i, j), rop_bit(world, world->known, i, j));
	}
}

/* ---- a primary that was rebuilt before the others called it failed ------------------------------------------------
 */

#define LED 2 /* the third shard, followed by REBUILT */

static void a_primary_was_rebuilt(void)
{
	topology = topology_of(3, 1, 6);
	world = formed_world(topology);
	image = rop_alloc(pool, sizeof *image);
	image->formed_wall_ms = 1;
	for (size_t i = 0; i < 6; i++)
		add_member(image, i == LED ? WAS : i, world->nodes[i].address);
	const char *slots = rop_slots_text(pool, &world->nodes[LED].slots);
	lose_conf(world, LED);
	world->nodes[LED].keys = 0;
	memset(&world->nodes[LED].slots, 0, sizeof world->nodes[LED].slots);
	for (size_t i = 0; i < 6; i++)
		if (i != LED)
			rop_observed_add_foreign(world, i, node_id(WAS), ":0", "master,noaddr", slots);
	struct rop_node *copy = &world->nodes[REBUILT];
	copy->primary = -1;
	memcpy(copy->primary_id, node_id(WAS), ROP_ID_SIZE);
	copy->keys = 100;
	copy->link_up = false;
}

static struct rop_situation *at_one_look(void)
{
	struct rop_situation asked = {
		.arena = pool, .topology = topology, .seen = looked(), .image = image, .looks_once = true
	};
	return rop_situation_make(&asked);
}

Test(ghosts, who_followed_it_takes_its_slots_over_once_the_servers_had_their_time)
{
	a_primary_was_rebuilt();
	struct rop_situation *now = situation();
	cr_assert(now->orphan && now->orphan->copy == REBUILT && now->orphan->place == LED && !now->refused);
	cr_assert_eq(batch_of(now, "take_over").steps.n, 1, "what it has would be wiped");
	world->nodes[REBUILT].keys = 0;
	world->nodes[REBUILT].link_up = true;
	cr_assert_eq(batch_of(situation(), "take_over").steps.n, 0, "the servers may elect it by themselves");
	struct rop_batch batch = batch_of(at_one_look(), "take_over");
	cr_assert_eq(batch.steps.n, 1);
	const struct rop_step *step = &batch.steps.at[0];
	cr_assert_str_eq(step->expect.value, "FORCE");
	cr_assert_str_eq(step->expect.node, node_id(REBUILT));
	cr_assert_eq(step->risk.kind, ROP_RISK_DURABILITY);
	cr_assert_not(rop_expect_seen(&step->expect, world));
	rop_step_effect(&step->expect, world);
	cr_assert(rop_expect_seen(&step->expect, world));
	cr_assert_eq(rop_slots_count(&world->nodes[REBUILT].slots), 5461);
	cr_assert_null(situation()->orphan);
}

Test(ghosts, nobody_takes_over_where_that_could_cost_data)
{
	for (int k = 0; k < 6; k++) {
		a_primary_was_rebuilt();
		if (k == 0)
			world->nodes[LED].keys = 1; /* it kept some */
		if (k == 1)
			world->nodes[REBUILT].keys = ROP_COUNT_UNKNOWN;
		if (k == 2)
			rop_slots_add(&world->nodes[0].slots, 16000, 16000); /* claimed by another one, too */
		if (k == 3)
			rop_bit_clear(world, world->linked, 0, REBUILT); /* one vote of three */
		if (k == 4)
			world->nodes[4].reach = ROP_REACH_SILENT;
		if (k == 5)
			world->foreign.at[0].linked = true; /* it is there for somebody */
		cr_assert_null(at_one_look()->orphan, "%d", k);
	}
}

/* ---- an address that another cluster has now --------------------------------------------------------------------- */

Test(ghosts, a_node_of_another_cluster_is_named_as_that_and_left_alone)
{
	a_server_was_rebuilt();
	world->nodes[REBUILT].keys = 7;
	world->nodes[REBUILT].strangers = 1;
	rop_slots_add(&world->nodes[REBUILT].slots, 0, 99);
	rop_observed_add_foreign(world, REBUILT, node_id(70), "10.9.9.9:7000", "master", "100-16383");
	struct rop_elsewhere other = { .cluster = "orders" };
	memcpy(other.node, node_id(70), ROP_ID_SIZE);
	*rop_push(pool, &image->others) = other;
	struct rop_situation *now = situation();
	cr_assert_str_eq(now->findings.at[0].reason, "SeveralClusters", "%s", now->findings.at[0].text);
	for (size_t f = 0; f < now->findings.n; f++)
		cr_assert(f == 0, "%s", now->findings.at[f].text);
	cr_assert(strstr(now->findings.at[0].text, "is a node of cluster 'orders' now"), "%s",
		  now->findings.at[0].text);
	cr_assert(strstr(now->findings.at[0].text, "10.9.9.9:7000") &&
		  strstr(now->findings.at[0].text, rop_printf(pool, "of cluster '%s'", topology->name)));
	cr_assert(strstr(now->findings.at[0].advice, "empty neither"));
	image->others.n = 0;
	cr_assert(strstr(situation()->findings.at[0].text, "is a node of another cluster now"));
}
