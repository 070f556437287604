/* test_retire_members.c - which members are to leave (src/operator/leaving.c), and what is written of them while they
 * do (src/operator/gather.c). */
#include <criterion/criterion.h>
#include <string.h>

#include "hand.h"
#include "rop/leaving.h"
#include "rop/names.h"
#include "rop/text.h"

TestSuite(retire_members, .init = world_setup, .fini = hand_teardown);

static struct rop_member *row(struct rop_image *image, const char *address, size_t id, int64_t forgotten_ms)
{
	struct rop_member *member = rop_push(pool, &image->members);
	*member = (struct rop_member){ .address = address, .shard = 1, .forgotten_boot_ms = forgotten_ms };
	memcpy(member->node, node_id(id), ROP_ID_SIZE);
	return member;
}

static struct rop_image members_of(size_t n)
{
	struct rop_image image = no_image;
	image.formed_wall_ms = 1;
	for (size_t i = 0; i < n; i++)
		row(&image, rop_printf(pool, "10.0.0.%zu:6379", i + 1), i, 0);
	return image;
}

/* ---- who is to leave ----------------------------------------------------------------------------------------- */

Test(retire_members, those_that_are_declared_no_more_come_last_and_those_that_left_very_last)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_image image = members_of(6);
	image.members.at[3].forgotten_boot_ms = 5000;
	const struct rop_topology *with = rop_topology_leaving(pool, topology, &image);
	cr_assert(with->nodes.n == 6 && with->n_leaving == 3);
	cr_assert(topology->nodes.n == 3 && topology->n_leaving == 0, "it is a copy");
	static const size_t ORDER[] = { 4, 5, 3 };
	for (size_t k = 0; k < 3; k++) {
		const struct rop_declared_node *node = &with->nodes.at[3 + k];
		cr_assert_str_eq(node->leaving, node_id(ORDER[k]));
		cr_assert_str_eq(node->host, rop_printf(pool, "10.0.0.%zu", ORDER[k] + 1));
		cr_assert(node->port == 6379 && strcmp(node->ip, node->host) == 0 && !node->no_ip);
	}
	for (size_t k = 0; k < 3; k++)
		cr_assert_null(with->nodes.at[k].leaving);
	/* Made of such a copy it is the same. */
	const struct rop_topology *again = rop_topology_leaving(pool, with, &image);
	cr_assert(again->nodes.n == 6 && again->n_leaving == 3);
}

Test(retire_members, a_line_that_is_back_leaves_no_more)
{
	struct rop_image image = members_of(6);
	const struct rop_topology *with = rop_topology_leaving(pool, topology_of(3, 0, 3), &image);
	image.members.at[5].forgotten_boot_ms = 5000;
	with = rop_topology_leaving(pool, topology_of(3, 0, 6), &image);
	cr_assert(with->nodes.n == 6 && with->n_leaving == 0);
}

Test(retire_members, discovery_only_adds_and_what_was_never_formed_has_no_members)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_image image = members_of(6);
	topology->discovery_dns = "cart.internal";
	cr_assert_eq(rop_topology_leaving(pool, topology, &image)->n_leaving, 0);
	topology->discovery_dns = NULL;
	cr_assert_eq(rop_topology_leaving(pool, topology, &image)->n_leaving, 3);
	image.formed_wall_ms = 0;
	cr_assert_eq(rop_topology_leaving(pool, topology, &image)->n_leaving, 0);
}

/* It leaves where it was, and is taken there only for who it was; the model sees that it is one node. */
Test(retire_members, who_is_declared_anew_at_another_address_leaves_the_old_one)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_image image = members_of(3);
	topology->nodes.at[2].host = topology->nodes.at[2].ip = "10.0.0.9";
	const struct rop_topology *with = rop_topology_leaving(pool, topology, &image);
	cr_assert(with->nodes.n == 4 && with->n_leaving == 1);
	cr_assert_str_eq(with->nodes.at[3].host, "10.0.0.3");
	cr_assert_str_eq(with->nodes.at[3].leaving, node_id(2));
}

Test(retire_members, a_name_is_not_looked_up_and_counts_where_it_was)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_image image = members_of(3);
	row(&image, "d.internal:7000", 7, 0)->ip = "10.0.0.77";
	row(&image, "e.internal:7000", 8, 0);
	row(&image, NULL, 9, 0);
	row(&image, "no address", 10, 0);
	const struct rop_topology *with = rop_topology_leaving(pool, topology, &image);
	cr_assert_eq(with->n_leaving, 2);
	cr_assert_str_eq(with->nodes.at[3].ip, "10.0.0.77");
	cr_assert(with->nodes.at[3].no_ip && with->nodes.at[4].no_ip && !with->nodes.at[4].ip);
}

/* ---- what is written of them ---------------------------------------------------------------------------------- */

/* Six that are declared and one that is not any more: a replica of the first. */
static void start_with_leaver(void)
{
	struct rop_topology *all = topology_of(3, 1, 7);
	struct rop_observed *world = three_owners(all);
	for (size_t i = 3; i < world->n; i++)
		make_replica(world, i, i % 3);
	struct rop_image image = members_of(7);
	struct rop_topology *topology = rop_topology_leaving(pool, topology_of(3, 1, 6), &image);
	cr_assert_eq(topology->n_leaving, 1);
	world->n_leaving = 1;
	world->nodes[6].leaving = node_id(6);
	for (size_t i = 0; i < 6; i++)
		rop_bit_set(world, world->listed, i, 6);
	op = hand_new(topology, world);
	op->image = image;
	strcpy(op->image.boot_id, "boot-1"); /* else the rows' times are of another clock */
}

static const struct rop_member *find_row(size_t id)
{
	for (size_t m = 0; m < op->image.members.n; m++)
		if (strcmp(op->image.members.at[m].node, node_id(id)) == 0)
			return &op->image.members.at[m];
	return NULL;
}

Test(retire_members, it_stays_a_member_until_it_is_struck_off)
{
	start_with_leaver();
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert(hand_sent(op, ROP_STEP_RESET) == 1 && hand_sent(op, ROP_STEP_FORGET) == 6);
	const struct rop_member *left = find_row(6);
	cr_assert(left && left->forgotten_boot_ms > 0, "since when nobody lists it is written");
	cr_assert_str_eq(left->address, "10.0.0.7:6379");
	int64_t since = left->forgotten_boot_ms;
	/* Another process goes on from the row, and strikes it off when it is time. */
	op->options.keep = true;
	hand_start(op);
	while (op->clock.boot_ms < since + 65000)
		hand_look(op);
	cr_assert(find_row(6) && find_row(6)->forgotten_boot_ms == since);
	while (op->clock.boot_ms < since + 80000)
		hand_look(op);
	cr_assert_null(find_row(6));
	cr_assert_eq(op->image.members.n, 6);
}

static enum rop_sent lose_answers_to_reset(struct hand *hand, const struct rop_step *step, const char **ret_text)
{
	*ret_text = NULL;
	if (step->expect.kind != ROP_STEP_RESET)
		return ROP_SENT_OK;
	rop_step_effect(&step->expect, hand->world);
	return ROP_SENT_UNKNOWN;
}

Test(retire_members, that_it_was_reset_is_seen_where_its_answer_was_lost)
{
	start_with_leaver();
	op->answer = lose_answers_to_reset;
	hand_start(op);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(hand_sent(op, ROP_STEP_RESET), 1);
	cr_assert_eq(hand_ended(op, "met"), 7, "%zu: it, and six that forgot it", hand_ended(op, "met"));
	cr_assert_eq(hand_ended(op, "expired"), 0);
}

Test(retire_members, one_that_is_listed_again_was_not_forgotten)
{
	start_with_leaver();
	op->image.members.at[6].forgotten_boot_ms = 999000;
	hand_start(op);
	hand_look(op);
	cr_assert(find_row(6) && find_row(6)->forgotten_boot_ms == 0);
	hand_run(op);
	cr_assert_gt(find_row(6)->forgotten_boot_ms, 1000000);
}

/* A replica whose line was deleted before it was in sync: what was lent to it goes with its row. */
Test(retire_members, what_it_was_lent_is_nobodys_when_it_is_struck_off)
{
	start_with_leaver();
	struct rop_temporary lent = {
		.address = "10.0.0.7:6379", .name = "cluster-replica-no-failover", .original = "no", .temporary = "yes"
	};
	memcpy(lent.node, node_id(6), ROP_ID_SIZE);
	memcpy(lent.peer, node_id(0), ROP_ID_SIZE);
	*rop_push(pool, &op->image.temporaries) = lent;
	op->options.keep = true;
	hand_start(op);
	for (int64_t began = op->clock.boot_ms; op->clock.boot_ms < began + 90000;)
		hand_look(op);
	cr_assert_null(find_row(6));
	cr_assert_eq(op->image.temporaries.n, 0);
}

/* What is written of members before all is as declared concerns those that leave only. */
Test(retire_members, the_others_rows_wait_until_all_is_as_declared)
{
	start_with_leaver();
	op->image.members.at[0].shard = 7;
	op->image.members.at[6].forgotten_boot_ms = 999000;
	hand_start(op);
	hand_look(op);
	cr_assert(find_row(0)->shard == 7 && find_row(6)->forgotten_boot_ms == 0);
	cr_assert(hand_run(op).reached);
	cr_assert_eq(find_row(0)->shard, 1);
}

/* ---- a server that left, was taken in again and leaves again ---------------------------------------------------- */

Test(retire_members, of_two_members_at_one_address_the_newer_one_is_who_answers_there)
{
	struct rop_image image = members_of(6);
	row(&image, "10.0.0.6:6379", 9, 0);
	image.members.at[5].forgotten_boot_ms = 5000;
	const struct rop_topology *with = rop_topology_leaving(pool, topology_of(3, 1, 5), &image);
	cr_assert_eq(with->n_leaving, 2);
	cr_assert_str_eq(with->nodes.at[5].leaving, node_id(9));
	cr_assert_null(with->nodes.at[5].no_ip);
	cr_assert_str_eq(with->nodes.at[6].leaving, node_id(5));
	cr_assert_not_null(with->nodes.at[6].no_ip, "who answers there is not this one");
	image.members.at[6].forgotten_boot_ms = 6000;
	with = rop_topology_leaving(pool, topology_of(3, 1, 5), &image);
	cr_assert(with->nodes.at[5].no_ip && !with->nodes.at[6].no_ip, "that one left later");
	const struct rop_endpoint *e = rop_endpoints_of(pool, topology_of(3, 1, 6), &image);
	cr_assert_str_eq(e[5].expected_id, node_id(9), "declared again, it is expected there");
}

/* Node 6 left as it, came back as 16, and 13 is a declared replica that is not in sync yet. */
static void start_with_one_that_is_back(void)
{
	struct rop_topology *all = topology_of(3, 1, 7);
	struct rop_observed *world = three_owners(all);
	for (size_t i = 3; i < world->n; i++)
		make_replica(world, i, i % 3);
	memcpy(world->nodes[6].id, node_id(16), ROP_ID_SIZE);
	op = hand_new(all, world);
	op->image = members_of(7);
	op->image.members.at[6].forgotten_boot_ms = 999000;
	strcpy(op->image.boot_id, "boot-1");
}

Test(retire_members, one_that_is_back_is_a_member_also_before_all_is_as_declared)
{
	start_with_one_that_is_back();
	op->frozen = true;
	op->world->nodes[6].link_up = false; /* far from being converged */
	hand_start(op);
	hand_look(op);
	cr_assert(find_row(6) && find_row(6)->forgotten_boot_ms == 999000, "its first id is watched still");
	cr_assert_not_null(find_row(16), "and the one that it has now is a member's");
}

Test(retire_members, one_that_is_back_leaves_again_while_its_first_id_is_watched)
{
	start_with_one_that_is_back();
	row(&op->image, "10.0.0.7:6379", 16, 0);
	struct rop_topology *topology = rop_topology_leaving(pool, topology_of(3, 1, 6), &op->image);
	cr_assert_eq(topology->n_leaving, 2);
	op->world = rop_observed_widened(pool, op->world, 1);
	op->world->n_leaving = 2;
	op->world->nodes[6].leaving = topology->nodes.at[6].leaving;
	struct rop_node *first = &op->world->nodes[7];
	first->address = op->world->nodes[6].address;
	first->leaving = topology->nodes.at[7].leaving;
	memcpy(first->id, first->leaving, ROP_ID_SIZE);
	go_silent(op->world, 7);
	for (size_t i = 0; i < 6; i++)
		rop_bit_set(op->world, op->world->listed, i, 6);
	op->options.topology = topology;
	hand_start(op);
	hand_look(op);
	struct rop_situation *now = rop_situation_make(&(struct rop_situation){
		.arena = pool, .topology = topology, .seen = op->world, .image = &op->image, .boot_ms = 1000000 });
	cr_assert_eq(now->retirements.n, 2);
	cr_assert(strstr(rop_retirement_sentence(pool, &now->retirements.at[1]), "10.0.0.7:6379 (as "));
	cr_assert(hand_run(op).reached);
	cr_assert(hand_sent(op, ROP_STEP_RESET) == 1 && hand_sent(op, ROP_STEP_FORGET) == 6);
	cr_assert(find_row(16)->forgotten_boot_ms > 1000000 && find_row(6)->forgotten_boot_ms == 999000);
}

/* So often it is there for 2.4 s, and then silent for as long. How often it was held by now, for not being reset. */
static int held_after(int visits)
{
	struct rop_observed *there = op->world, *silent = rop_observed_copy(pool, there);
	int held = 0;
	go_silent(silent, 6);
	for (int i = 0; i < 2 * visits; i++) {
		op->world = i % 2 ? silent : there;
		hand_look(op);
		op->clock.boot_ms += 2400;
	}
	op->world = there;
	for (size_t i = 0; i < op->moves.n; i++) {
		const struct rop_transition *move = &op->moves.at[i];
		held += strcmp(move->to, "Held") == 0 && strcmp(move->why, "it does not become a node of its own") == 0;
	}
	return held;
}

/* What it spends in a state counts over all visits, so that nothing goes round for ever; once held, it begins anew. */
Test(retire_members, one_that_comes_and_goes_is_held_after_ten_seconds_of_being_there)
{
	start_with_leaver();
	op->options.keep = true;
	op->frozen = true; /* RESET is said to have been done, and is not */
	hand_start(op);
	cr_assert_eq(held_after(4), 0);
	cr_assert_eq(held_after(1), 1);
	cr_assert_eq(held_after(3), 1, "not at once again");
}
