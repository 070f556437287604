/* test_moved.c - members that came back at other addresses: what peers hold of them, and who is introduced again. */
#include <criterion/criterion.h>
#include <string.h>

#include "hand.h"
#include "rop/text.h"

TestSuite(moved, .init = world_setup, .fini = hand_teardown);

#define NOW_MS 1800000000000
#define HOME "10.0.0.2:6379"

/* What node 0 says of node 1, and what is made of it. */
static const struct rop_observed *seen_with(const char *address, const char *flags, int64_t pong_ms, const char *link,
					    const char *announce_ip)
{
	static const char *names[] = { "cluster-announce-ip", "cluster-announce-port" };
	struct rop_observed *world = formed_world(topology_of(2, 0, 2));
	struct rop_answer *answers = answers_of(world);
	answers[0].cluster_nodes = rop_printf(pool,
					      "%s 10.0.0.1:6379@16379 myself,master - 0 0 1 connected 0-8191\n%s "
					      "%s@16379 %s - 0 %lld 2 %s "
					      "8192-16383\n",
					      node_id(0), node_id(1), address, flags, (long long)pong_ms, link);
	answers[0].info_server = rop_printf(pool, "redis_version:7.0.15\r\nserver_time_usec:%lld000\r\n",
					    (long long)NOW_MS);
	for (size_t i = 0; i < 2; i++) {
		answers[i].settings = rop_alloc_n(pool, 2, sizeof *answers[i].settings);
		answers[i].settings[0] = announce_ip;
		answers[i].settings[1] = "0";
	}
	return rop_observed_from_answers(pool, answers, 2, names, 2, 1);
}

Test(moved, who_is_looked_for_in_vain_where_it_is_no_more_has_moved)
{
	static const struct {
		const char *address, *flags;
		int64_t heard_ms; /* so long ago */
		const char *link, *announce_ip;
		bool astray;
	} CASES[] = {
		{ "10.9.9.9:6379", "master", 5000, "disconnected", "", true },
		{ "10.9.9.9:6379", "master,fail", 5000, "connected", "", true },
		{ "10.0.0.2:6380", "master", 5000, "disconnected", "", true },
		{ HOME, "master,fail", 5000, "disconnected", "", false },               /* it was away */
		{ "10.9.9.9:6379", "master", 5000, "connected", "", false },            /* there it is reached */
		{ "10.9.9.9:6379", "master", 500, "disconnected", "", false },          /* two servers, one identity */
		{ "10.9.9.9:6379", "master", 5000, "disconnected", "10.9.9.9", false }, /* it says so itself */
		{ "10.9.9.9:6379", "master", 5000, "disconnected", NULL, false },       /* or nobody knows */
		{ ":0", "master,noaddr", 5000, "disconnected", "", true },
		{ ":0", "master,noaddr", 500, "disconnected", "10.9.9.9", true }, /* gossip may have heard of it */
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		const struct rop_observed *seen = seen_with(CASES[i].address, CASES[i].flags,
							    NOW_MS - CASES[i].heard_ms, CASES[i].link,
							    CASES[i].announce_ip);
		cr_assert_eq(rop_bit(seen, seen->astray, 0, 1), CASES[i].astray, "case %zu", i);
		cr_assert_eq(rop_knows(seen, 0, 1), !CASES[i].astray);
		cr_assert_not(rop_bit(seen, seen->astray, 1, 0));
	}
	cr_assert_str_eq(seen_with("10.9.9.9:6379", "master", 1, "disconnected", "")->nodes[1].astray_at,
			 "10.9.9.9:6379");
	cr_assert(seen_with("10.9.9.9:6379", "master", NOW_MS - 10, "disconnected", "")->nodes[1].torn);
}

Test(moved, behind_a_translation_of_addresses_what_one_peer_finds_the_others_will)
{
	for (int unanswered = 0; unanswered < 2;
	     unanswered++) { /* a link that is being made counts as connected, too */
		struct rop_observed *world = formed_world(topology_of(3, 0, 3));
		struct rop_answer *answers = answers_of(world);
		const char *names[] = { "cluster-announce-ip", "cluster-announce-port" };
		answers[0].cluster_nodes = rop_printf(pool,
						      "%s 10.0.0.1:6379@16379 myself,master - 0 0 1 connected\n"
						      "%s 10.9.9.9:6379@16379 master - 0 1 2 disconnected\n",
						      node_id(0), node_id(1));
		answers[2].cluster_nodes = rop_printf(pool,
						      "%s 10.0.0.3:6379@16379 myself,master - 0 0 3 connected\n"
						      "%s 10.9.9.9:6379@16379 master - %lld 1 2 connected\n",
						      node_id(2), node_id(1), unanswered ? (long long)NOW_MS - 100 : 0);
		for (size_t i = 0; i < 3; i++) {
			answers[i].info_server = rop_printf(pool,
							    "redis_version:7.0.15\r\nserver_time_usec:%lld000\r\n",
							    (long long)NOW_MS);
			answers[i].settings = rop_alloc_n(pool, 2, sizeof *answers[i].settings);
			answers[i].settings[0] = "";
			answers[i].settings[1] = "0";
		}
		const struct rop_observed *seen = rop_observed_from_answers(pool, answers, 3, names, 2, 1);
		cr_assert_eq(rop_bit(seen, seen->astray, 0, 1), unanswered != 0);
		cr_assert_eq(seen->nodes[1].astray_at != NULL, unanswered != 0);
	}
}

Test(moved, a_node_is_where_its_whole_address_is_the_one_that_is_asked)
{
	static const struct {
		const char *ip, *address;
		bool is_there;
	} CASES[] = {
		{ "10.0.0.2", "10.0.0.2:6379", true },
		{ "::1", "::1:6379", true },
		{ "10.0.0.2", "10.0.0.2:637", false },
		{ "10.0.0.2", "10.0.0.2:63790", false },
		{ "10.0.0.2", "10.0.0.22:6379", false },
		{ "10.0.0.2", "10.0.0.2:", false },
		{ "10.0.0.2", ":6379", false },
		{ "10.0.0.2", "", false },
		{ "::", "::1:6379", false },
		{ NULL, ":6379", false },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_node node = { .ip = CASES[i].ip, .port = 6379 };
		cr_assert_eq(rop_node_is_at(&node, CASES[i].address), CASES[i].is_there, "case %zu", i);
	}
}

Test(moved, what_it_calls_itself_may_be_old_where_it_answers_is_home)
{
	struct rop_observed *world = formed_world(topology_of(2, 0, 2));
	struct rop_answer *answers = answers_of(world);
	answers[1].cluster_nodes = rop_printf(pool,
					      "%s 10.9.9.9:6379@16379 myself,master - 0 0 2 connected 8192-16383\n"
					      "%s 10.0.0.1:6379@16379 master - 0 1 1 connected 0-8191\n",
					      node_id(1), node_id(0));
	const struct rop_observed *seen = rop_observed_from_answers(pool, answers, 2, NULL, 0, 1);
	cr_assert_str_eq(seen->nodes[1].own_address, "10.9.9.9:6379");
	cr_assert_null(seen->nodes[1].elsewhere, "the peer holds it where it answers");
}

static void lose(struct rop_observed *world, size_t viewer, size_t subject)
{
	rop_bit_set(world, world->astray, viewer, subject);
	rop_bit_clear(world, world->linked, viewer, subject);
	world->nodes[subject].astray_at = "10.9.9.9:6379";
}

Test(moved, they_are_introduced_again_and_it_converges)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	op = hand_new(topology, formed_world(topology));
	for (size_t i = 0; i < 6; i++)
		if (i != 4) {
			lose(op->world, i, 4);
			lose(op->world, 4, i);
		}
	struct rop_situation *now = situation_of(topology, op->world);
	cr_assert(!now->introduced && !now->refused);
	rop_situation_open(now);
	cr_assert_str_eq(now->open.at[0].text, "10.0.0.1:6379 has moved: 1 peer looks for it at 10.9.9.9:6379, where "
					       "it is no more");
	hand_start(op);
	struct rop_result result = hand_run(op);
	cr_assert(result.reached && result.code == ROP_OK);
	cr_assert_eq(hand_sent(op, ROP_STEP_MEET), 5, "one for each pair");
}

/* Who is met learns its own address by that: each that has moved must be met once. */
Test(moved, each_that_has_moved_is_met_by_somebody)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	bool met[3] = { false };
	for (size_t i = 0; i < 3; i++) {
		world->nodes[i].own_address = "10.9.9.9:6379";
		for (size_t j = 0; j < 3; j++)
			if (i != j)
				lose(world, i, j);
	}
	struct rop_batch batch = batch_of(situation_of(topology, world), "introduce_nodes");
	cr_assert_eq(batch.steps.n, 3);
	for (size_t i = 0; i < 3; i++) {
		cr_assert_eq(batch.steps.at[i].risk.kind, ROP_RISK_NONE);
		met[batch.steps.at[i].peer] = true;
	}
	cr_assert(met[0] && met[1] && met[2]);
}
