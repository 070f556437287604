/* test_policy_situation.c - form, complete, adopt or refuse, and what is done and still open, from what is seen. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(policy_situation, .init = world_setup, .fini = world_teardown);

static const struct rop_finding *finding(const struct rop_situation *now, const char *reason)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (strcmp(now->findings.at[i].reason, reason) == 0)
			return &now->findings.at[i];
	cr_assert_fail("no finding %s; the first of %zu: %s", reason, now->findings.n,
		       now->findings.n ? now->findings.at[0].text : "-");
	return NULL;
}

static bool is_found(const struct rop_situation *now, const char *reason)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (strcmp(now->findings.at[i].reason, reason) == 0)
			return true;
	return false;
}

static void expect_finding(const struct rop_situation *now, const char *reason, enum rop_code code, const char *text)
{
	const struct rop_finding *found = finding(now, reason);
	cr_assert_eq(found->code, code);
	cr_assert_str_eq(found->text, text);
	cr_assert(found->advice && *found->advice, "a refusal says how to go on");
	cr_assert(now->refused && now->kase == ROP_CASE_REFUSE);
}

static void expect_case(const struct rop_situation *now, enum rop_case kase)
{
	cr_assert_eq(now->kase, kase, "%s, not %s: %s", rop_case_name(now->kase), rop_case_name(kase),
		     now->findings.n ? now->findings.at[0].text : "nothing was found");
	cr_assert_not(now->refused);
	cr_assert_eq(now->findings.n, 0);
}

static const struct rop_image *formed_before(void)
{
	struct rop_image *image = rop_alloc(pool, sizeof *image);
	image->formed_wall_ms = 1;
	return image;
}

static struct rop_topology *six(void)
{
	return topology_of(3, 1, 6);
}

/* ---- the decision table, row by row ---------------------------------------------------------------------------- */

Test(policy_situation, all_empty_and_alone_is_formed)
{
	struct rop_topology *topology = six();
	struct rop_situation *now = situation_of(topology, fresh_world(topology));
	expect_case(now, ROP_CASE_FORM);
	cr_assert(now->all_answer && now->in_view && now->fresh && !now->formed && !now->prepared &&
		  now->answering == 6);
	cr_assert(!now->introduced && !now->slots_assigned && !now->views_agree && !now->replicas_attached &&
		  now->links_up);
	cr_assert_not(rop_situation_converged(now));
}

Test(policy_situation, all_empty_although_it_was_formed_before_is_total_loss)
{
	struct rop_topology *topology = six();
	struct rop_situation *now = situation_with(topology, fresh_world(topology), formed_before(), NULL, 0);
	expect_finding(now, "TotalLoss", ROP_REFUSED,
		       "all 6 nodes are empty, but cluster 'cart' was formed before: its data and its nodes.conf files "
		       "are gone");
	topology->reform_on_total_loss = true;
	expect_case(situation_with(topology, fresh_world(topology), formed_before(), NULL, 0), ROP_CASE_TOTAL_LOSS);
}

Test(policy_situation, an_interrupted_formation_is_completed_whatever_was_done)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[0].epoch = 1;
	expect_case(situation_of(topology, world), ROP_CASE_COMPLETE);
	know_each_other(world, 0, 3);
	expect_case(situation_of(topology, world), ROP_CASE_COMPLETE);
	rop_slots_add(&world->nodes[1].slots, 5461, 10922);
	expect_case(situation_of(topology, world), ROP_CASE_COMPLETE);
	make_replica(world, 3, 0);
	expect_case(situation_of(topology, world), ROP_CASE_COMPLETE);
	cr_assert(situation_of(topology, world)->fresh);
	/* Formed once, slots that nobody owns had an owner. */
	struct rop_situation *now = situation_with(topology, world, formed_before(), NULL, 0);
	cr_assert_eq(finding(now, "DataLoss")->code, ROP_REFUSED);
}

Test(policy_situation, the_one_component_that_owns_slots_or_keys_is_adopted_and_the_empty_ones_are_joined)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	expect_case(situation_of(topology, world), ROP_CASE_ADOPT);
	cr_assert(rop_situation_converged(situation_of(topology, world)));
	world->nodes[0].keys = world->nodes[3].keys = 1000;
	expect_case(situation_of(topology, world), ROP_CASE_ADOPT);

	world = fresh_world(topology);
	know_each_other(world, 0, 1);
	know_each_other(world, 1, 2);
	give_slots(world, 0, 0, 5460);
	world->nodes[0].keys = 10;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(finding(now, "DataLoss")->code, ROP_REFUSED, "beside keys, slots without an owner had one");
	cr_assert(!now->formed && !now->fresh && now->prepared, "no epochs and no lowered settings beside keys");
}

/* An adoption that was interrupted between two introductions. */
Test(policy_situation, empty_nodes_that_know_each_other_already_are_joined_too)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	for (size_t i = 1; i < 4; i++)
		know_each_other(world, 0, i);
	give_slots(world, 0, 0, 5460);
	give_slots(world, 1, 5461, 10922);
	give_slots(world, 2, 10923, 16383);
	world->nodes[0].keys = 10;
	know_each_other(world, 4, 5);
	world->nodes[4].epoch = 5;
	expect_case(situation_of(topology, world), ROP_CASE_ADOPT);
}

Test(policy_situation, two_components_with_keys_are_refused)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	know_each_other(world, 0, 1);
	know_each_other(world, 2, 3);
	give_slots(world, 0, 0, 5460);
	give_slots(world, 2, 5461, 9000);
	world->nodes[0].keys = 10;
	world->nodes[2].keys = 7;
	struct rop_situation *now = situation_of(topology, world);
	const struct rop_finding *found = finding(now, "SeveralClusters");
	cr_assert_eq(found->code, ROP_REFUSED);
	cr_assert(strstr(found->text, "2 nodes, 3540 slots, 7 keys"), "%s", found->text);
	world->nodes[2].keys = 0;
	finding(situation_of(topology, world), "SeveralClusters");
}

Test(policy_situation, two_strangers_who_claim_one_slot_are_refused)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	give_slots(world, 0, 0, 5460);
	give_slots(world, 4, 5000, 10922);
	expect_finding(situation_of(topology, world), "RivalClaims", ROP_REFUSED,
		       "10.0.0.1:6379 and 10.0.0.5:6379 both own 461 of the same slots, and do not know each other: "
		       "two clusters, or two halves of one");
}

Test(policy_situation, a_double_claim_of_an_old_primary_among_acquaintances_is_no_refusal)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_node *successor = &world->nodes[4];
	world->nodes[1].keys = successor->keys = 100;
	successor->role = ROP_ROLE_PRIMARY;
	successor->primary = -1;
	successor->primary_id[0] = '\0';
	successor->slots = world->nodes[1].slots;
	successor->epoch = 20;
	struct rop_situation *now = situation_of(topology, world);
	expect_case(now, ROP_CASE_ADOPT);
	cr_assert_not(now->slots_assigned, "but two own them");
	cr_assert(now->in_view);
}

Test(policy_situation, a_peer_that_was_never_declared_is_refused_once_however_many_see_it)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	for (int viewer = 0; viewer < 6; viewer++)
		rop_observed_add_foreign(world, (size_t)viewer, "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca",
					 "10.9.9.9:1", "master,fail", NULL);
	struct rop_situation *now = situation_of(topology, world);
	expect_finding(now, "ForeignPeer", ROP_REFUSED,
		       "10.0.0.1:6379 knows a peer that is not declared: e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca at "
		       "10.9.9.9:1 (master,fail)");
	cr_assert_eq(now->findings.n, 1);
	cr_assert_not(now->members_agree);
	for (size_t i = 0; i < 20; i++)
		rop_observed_add_foreign(world, 1, node_id(100 + i), "x", "y", NULL);
	now = situation_of(topology, world);
	cr_assert_eq(now->findings.n, 9, "a long list helps nobody");
	cr_assert_str_eq(now->findings.at[8].text, "and there are more peers that are not declared: 13 more entries of "
						   "CLUSTER NODES");
}

Test(policy_situation, a_name_that_leads_to_another_server_is_told_from_a_server_that_was_rebuilt)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	*rop_push(pool, &image.members) = (struct rop_member){ .address = "10.0.0.6:6379", .shard = 3 };
	memcpy(image.members.at[0].node, node_id(50), ROP_ID_SIZE);
	const struct {
		const char *address, *flags, *advice;
	} PEERS[] = {
		{ "10.9.9.9:6379", "slave",
		  rop_printf(pool,
			     "10.0.0.6:6379 leads to another server now (%s): let it lead to 10.9.9.9:6379 again, or "
			     "declare that address",
			     node_id(5)) },
		{ "10.0.0.6:6379", "slave", "put its nodes.conf (cluster-config-file) back and start it again" },
		{ ":0", "slave,noaddr",
		  rop_printf(
			  pool,
			  "; else let the others forget the old identity, within a minute: `redis-cli -h 10.0.0.1 -p "
			  "6379 cluster forget %s`; `redis-cli",
			  node_id(50)) },
		{ "10.9.9.9:6379", "slave,fail", "if it belongs to this cluster, add it to spec.nodes; if it is gone" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct rop_observed *seen = rop_observed_copy(pool, world);
		rop_observed_add_foreign(seen, 0, node_id(50), PEERS[i].address, PEERS[i].flags, NULL);
		struct rop_situation *now = situation_with(topology, seen, &image, NULL, 0);
		const struct rop_finding *rebuilt = is_found(now, "Rebuilt") ? finding(now, "Rebuilt") : NULL;
		cr_assert_eq(rebuilt != NULL, i == 1 || i == 2);
		const char *advice = (rebuilt ? rebuilt : finding(now, "ForeignPeer"))->advice;
		cr_assert(!rebuilt || rebuilt->node == 5);
		cr_assert(strstr(advice, PEERS[i].advice), "%s: %s", advice, PEERS[i].advice);
	}
}

Test(policy_situation, the_first_node_s_name_may_lead_elsewhere_too)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	*rop_push(pool, &image.members) = (struct rop_member){ .address = "10.0.0.1:6379", .shard = 1 };
	memcpy(image.members.at[0].node, node_id(50), ROP_ID_SIZE);
	rop_observed_add_foreign(world, 1, node_id(50), "10.9.9.9:6379", "slave", NULL);
	const char *advice = finding(situation_with(topology, world, &image, NULL, 0), "ForeignPeer")->advice;
	cr_assert(strstr(advice, "10.0.0.1:6379 leads to another server now"), "%s", advice);
}

/* It claims the slots of the keys that it kept: an old copy, and no other cluster. */
Test(policy_situation, of_a_server_that_was_rebuilt_with_its_keys_that_is_said_and_nothing_else)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	*rop_push(pool, &image.members) = (struct rop_member){ .address = "10.0.0.6:6379", .shard = 3 };
	memcpy(image.members.at[0].node, node_id(50), ROP_ID_SIZE);
	memset(world->known + 5 * world->words, 0, world->words * sizeof *world->known);
	for (size_t i = 0; i < 5; i++)
		rop_bit_clear(world, world->known, i, 5);
	world->nodes[5].role = ROP_ROLE_PRIMARY;
	world->nodes[5].primary = -1;
	world->nodes[5].primary_id[0] = '\0';
	world->nodes[5].others = 0;
	world->nodes[0].keys = 100;
	world->nodes[5].keys = 2;
	rop_slots_add(&world->nodes[5].slots, 16000, 16001);
	rop_observed_add_foreign(world, 0, node_id(50), ":0", "master,fail,noaddr", NULL);
	struct rop_situation *now = situation_with(topology, world, &image, NULL, 0);
	const char *advice = finding(now, "Rebuilt")->advice;
	cr_assert(strstr(advice, "it kept 2 keys of before: look whether the ones that are served now lack any") &&
			  strstr(advice, "empty it: `redis-cli -h 10.0.0.6 -p 6379 flushall`, then cluster reset hard"),
		  "%s", advice);
	for (size_t i = 0; i < now->findings.n; i++)
		cr_assert_str_eq(now->findings.at[i].reason, "Rebuilt", "%s", now->findings.at[i].text);
	cr_assert(now->refused);
	struct rop_condition c[ROP_CONDITIONS_N];
	rop_conditions_make(now, false, true, c);
	cr_assert_str_eq(c[ROP_COND_SLOTS_COVERED].reason, "ClaimedTwice");
	cr_assert_str_eq(c[ROP_COND_SLOTS_COVERED].message,
			 "every slot has an owner, but 2 of them are claimed by two: "
			 "10.0.0.3:6379 and 10.0.0.6:6379");
	world->foreign.n = 0; /* nobody knows that it was rebuilt: then it is a stranger with slots */
	now = situation_with(topology, world, &no_image, NULL, 0);
	cr_assert(is_found(now, "SeveralClusters") && is_found(now, "RivalClaims"));
	cr_assert(strstr(finding(now, "SeveralClusters")->text, "1 node, 2 slots, 2 keys"));
}

/* Advice is an act: what may hold the only copy is not to be forgotten. */
Test(policy_situation, of_a_rebuilt_node_that_owned_slots_or_is_followed_nothing_is_forgotten)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	*rop_push(pool, &image.members) = (struct rop_member){ .address = "10.0.0.6:6379", .shard = 3 };
	memcpy(image.members.at[0].node, node_id(50), ROP_ID_SIZE);
	rop_observed_add_foreign(world, 0, node_id(50), ":0", "master,fail,noaddr", "0-99");
	const char *advice = finding(situation_with(topology, world, &image, NULL, 0), "Rebuilt")->advice;
	cr_assert(strstr(advice, "still owns the slots 0-99: do not forget it") && !strstr(advice, "cluster forget"));
	world = formed_world(topology);
	rop_observed_add_foreign(world, 0, node_id(50), ":0", "master,fail,noaddr", NULL);
	world->nodes[4].primary = -1;
	memcpy(world->nodes[4].primary_id, node_id(50), ROP_ID_SIZE);
	advice = finding(situation_with(topology, world, &image, NULL, 0), "Rebuilt")->advice;
	cr_assert(strstr(advice, "10.0.0.5:6379 follows the old identity") && !strstr(advice, "cluster forget"));
	world->nodes[4].keys = 496; /* it asks at the address of the one it follows, where an empty one is now */
	world->foreign.at[0].slots = "0-99";
	advice = finding(situation_with(topology, world, &image, NULL, 0), "Rebuilt")->advice;
	cr_assert(strstr(advice,
			 "stop 10.0.0.6:6379 at once: 10.0.0.5:6379, which has the only copy of the data (496 keys)") &&
			  strstr(advice, "redis-cli -h 10.0.0.5 -p 6379 cluster failover force") &&
			  !strstr(advice, "cluster forget"),
		  "%s", advice);
}

Test(policy_situation, who_left_the_file_and_is_alive_is_no_stranger)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { .formed_wall_ms = 1 };
	*rop_push(pool, &image.members) = (struct rop_member){ .address = "10.0.0.9:6379", .shard = 3 };
	memcpy(image.members.at[0].node, node_id(50), ROP_ID_SIZE);
	rop_observed_add_foreign(world, 0, node_id(50), "10.0.0.9:6379", "slave", NULL);
	const struct rop_finding *found = finding(situation_with(topology, world, &image, NULL, 0), "ForeignPeer");
	cr_assert(strstr(found->text, "which was a member at 10.0.0.9:6379"));
	cr_assert(strstr(found->advice, "declare it again") && strstr(found->advice, "del-node"));
}

/* ---- single nodes that are not fit ----------------------------------------------------------------------------- */

static struct rop_situation *with_node_2(enum rop_reach reach, const char *why)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[2].reach = reach;
	world->nodes[2].reach_why = why;
	return situation_of(topology, world);
}

Test(policy_situation, nodes_that_cannot_be_of_a_cluster_are_named)
{
	expect_finding(with_node_2(ROP_REACH_DENIED, "WRONGPASS"), "Denied", ROP_DENIED, "10.0.0.3:6379: WRONGPASS");
	expect_finding(with_node_2(ROP_REACH_NOT_REDIS, "it speaks HTTP"), "NotRedis", ROP_REFUSED,
		       "10.0.0.3:6379 is not a Redis or Valkey server: it speaks HTTP");
	expect_finding(with_node_2(ROP_REACH_NOT_CLUSTER, "cluster mode is off"), "NotCluster", ROP_REFUSED,
		       "10.0.0.3:6379 is not in cluster mode");
	expect_finding(with_node_2(ROP_REACH_SENTINEL, "a watcher"), "Sentinel", ROP_REFUSED,
		       "10.0.0.3:6379 is a Sentinel, not a data node");
	expect_finding(with_node_2(ROP_REACH_SEVERAL, "its name is of two"), "SeveralServers", ROP_REFUSED,
		       "10.0.0.3:6379: its name is of two");
	expect_finding(with_node_2(ROP_REACH_NO_COMMAND, "INFO is gone"), "NoCommand", ROP_REFUSED,
		       "10.0.0.3:6379: INFO is gone");
}

Test(policy_situation, a_node_without_a_name_is_warned_of)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	cr_assert_eq(situation_of(topology, world)->layout.warnings.n, 0);
	world->nodes[2].nameless = "no such name";
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(!now->refused && rop_situation_converged(now) && now->warnings.n == 1);
	cr_assert_str_eq(now->warnings.at[0].reason, "Nameless");
	cr_assert_str_eq(now->warnings.at[0].text, "10.0.0.3:6379: no such name");
}

Test(policy_situation, before_it_is_formed_every_node_must_answer)
{
	static const enum rop_reach REACHES[] = { ROP_REACH_SILENT, ROP_REACH_LOADING };
	for (size_t i = 0; i < 2; i++) {
		struct rop_situation *now = with_node_2(REACHES[i], "it is away");
		const struct rop_finding *found = finding(now, "Unreachable");
		cr_assert(found->code == ROP_UNREACHABLE && found->node == 2);
		cr_assert_str_eq(found->text, "10.0.0.3:6379 does not answer: it is away");
		cr_assert_str_eq(found->advice, i ? "it runs, and answers when that is over: wait for it, then try "
						    "again"
						  : "start the node, or open its port; a cluster is formed only when "
						    "every declared node answers");
		cr_assert(!now->in_view && !now->all_answer && !now->refused && now->kase == ROP_CASE_UNDECIDED &&
			  now->answering == 5);
	}
}

Test(policy_situation, afterwards_the_majority_of_the_owners_must_answer)
{
	struct rop_topology *topology = topology_of(4, 1, 8);
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 0);
	go_silent(world, 5);
	go_silent(world, 6);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(now->in_view && !now->all_answer && now->formed && now->findings.n == 0 &&
		  now->kase == ROP_CASE_ADOPT);
	go_silent(world, 1);
	now = situation_of(topology, world);
	cr_assert_not(now->in_view, "two of four are no majority");
	cr_assert_eq(now->findings.n, 4);
	cr_assert_str_eq(now->findings.at[0].advice, "bring the majority of the primaries back; nothing is changed "
						     "without them");
	cr_assert_eq(now->kase, ROP_CASE_UNDECIDED);
}

/* Of the owners, however many of all nodes that are. */
Test(policy_situation, replicas_neither_make_that_majority_nor_are_missed_in_it)
{
	struct rop_topology *topology = topology_of(4, 1, 8);
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 0);
	go_silent(world, 1);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(now->answering, 6);
	cr_assert_not(now->in_view, "six of eight nodes, but two of four owners");
	cr_assert_eq(now->kase, ROP_CASE_UNDECIDED);
	world = formed_world(topology);
	for (size_t replica = 4; replica < 8; replica++)
		go_silent(world, replica);
	now = situation_of(topology, world);
	cr_assert_eq(now->answering, 4);
	cr_assert(now->in_view, "half of the nodes, but all owners");
	cr_assert_eq(now->kase, ROP_CASE_ADOPT);
}

Test(policy_situation, any_two_addresses_of_one_server_are_found)
{
	struct rop_topology *topology = six();
	for (size_t i = 0; i < 6; i++)
		for (size_t j = 0; j < i; j++) {
			struct rop_observed *world = fresh_world(topology);
			memcpy(world->nodes[i].id, world->nodes[j].id, ROP_ID_SIZE);
			cr_assert_eq(finding(situation_of(topology, world), "SameNodeId")->node, (int)i);
		}
}

Test(policy_situation, one_server_under_two_addresses_is_refused)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	memcpy(world->nodes[5].id, world->nodes[1].id, ROP_ID_SIZE);
	expect_finding(situation_of(topology, world), "SameNodeId", ROP_REFUSED,
		       rop_printf(pool,
				  "10.0.0.2:6379 and 10.0.0.6:6379 have the same node id %s: one server under two "
				  "addresses, or a copied nodes.conf",
				  node_id(1)));
	world->nodes[5].reach = ROP_REACH_SILENT;
	world->nodes[5].reach_why = "away";
	cr_assert_not(situation_of(topology, world)->refused);
}

Test(policy_situation, that_a_server_seen_twice_owns_twice_is_not_said_besides)
{
	struct rop_topology *topology = topology_of(3, 1, 7);
	struct rop_observed *world = formed_world(topology_of(3, 1, 6)), *seven = fresh_world(topology);
	for (size_t i = 0; i < 6; i++)
		seven->nodes[i] = world->nodes[i];
	seven->nodes[6] = world->nodes[0];
	seven->nodes[6].address = "10.0.0.7:6379";
	struct rop_situation *now = situation_of(topology, seven);
	cr_assert(is_found(now, "SameNodeId") && !is_found(now, "TooManyShards"));
	seven->nodes[5].reach = ROP_REACH_SENTINEL;
	now = situation_of(topology, seven);
	cr_assert(is_found(now, "Sentinel") && is_found(now, "SameNodeId"));
	cr_assert_not(is_found(now, "TooManyShards"), "whatever else is found before");
	seven->nodes[5].reach = ROP_REACH_OK;
	memcpy(seven->nodes[6].id, node_id(6), ROP_ID_SIZE);
	now = situation_of(topology, seven);
	cr_assert(!is_found(now, "SameNodeId") && is_found(now, "TooManyShards"), "another server is another owner");
}

Test(policy_situation, where_config_is_gone_nothing_declared_can_be_set)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[4].no_config = true;
	cr_assert_not(situation_of(topology, world)->refused, "nothing is declared");
	manage_setting(topology, "maxmemory", "90mb");
	world = fresh_world(topology);
	world->nodes[4].no_config = true;
	set_value(world, 4, "maxmemory", NULL);
	expect_finding(situation_of(topology, world), "NoConfig", ROP_REFUSED,
		       "10.0.0.5:6379: CONFIG is renamed or disabled there (rename-command): what the file declares "
		       "(maxmemory) can be neither seen nor set");
	world = formed_world(topology);
	world->nodes[4].no_config = true;
	set_value(world, 4, "maxmemory", NULL);
	struct rop_situation *now = situation_with(topology, world, &no_image, tries_that_took(topology), 0);
	cr_assert(!now->refused && !now->settings_refused && !now->settings_as_declared, "the others can be set");
	struct rop_batch batch = batch_of(now, "apply_settings");
	cr_assert_eq(batch.steps.n, 10, "a value and a rewrite on each of the five others");
	for (size_t i = 0; i < batch.steps.n; i++)
		cr_assert_neq(batch.steps.at[i].node, 4);
	for (size_t i = 0; i < 6; i++)
		set_value(world, i, "maxmemory", i == 4 ? NULL : "94371840");
	now = situation_of(topology, world);
	cr_assert(now->settings_refused && !now->settings_as_declared && !rop_situation_converged(now));
	rop_situation_open(now);
	cr_assert_eq(now->open.n, 1);
	cr_assert(now->open.at[0].is == ROP_WHY_NO_CONFIG && now->open.at[0].node == 4);
	set_value(world, 2, "maxmemory", "1");
	cr_assert_not(situation_of(topology, world)->settings_refused, "one that can be told comes first");
}

/* ---- packets that leave from another address --------------------------------------------------------------- */

static struct rop_situation *situation_after(const struct rop_topology *topology, const struct rop_observed *seen,
					     const struct rop_before *before, int64_t boot_ms)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = seen,
							   .image = &no_image,
							   .before = before,
							   .looks_once = !before,
							   .boot_ms = boot_ms });
}

static void hold_elsewhere(struct rop_node *node, int peers, int64_t for_ms)
{
	node->own_address = node->address;
	node->held_at = "10.0.9.9:6379";
	node->held_by = peers;
	node->held_ms = for_ms;
}

Test(policy_situation, a_node_whose_packets_leave_from_elsewhere_is_named_before_slots_are_given)
{
	static const char SAID[] = "5 peers hold 10.0.0.2:6379 at 10.0.9.9:6379, and get no answer there: its packets "
				   "leave from that address, or it announced it until now";
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	struct rop_before before[6] = { 0 };
	meet_all(world);
	cr_assert(situation_after(topology, world, before, 5000)->members_agree);
	for (size_t i = 0; i < 6; i++)
		set_value(world, i, "cluster-node-timeout", "511");
	hold_elsewhere(&world->nodes[1], 5, 1600);
	hold_elsewhere(&world->nodes[2], 1, 600);
	hold_elsewhere(&world->nodes[3], 1, 100);
	struct rop_situation *now = situation_after(topology, world, before, 5000);
	cr_assert(!now->refused && !now->members_agree, "the first look: it may pass, but nothing rests on it");
	before[1].held_since_ms = before[2].held_since_ms = 3600;
	now = situation_after(topology, world, before, 5000);
	cr_assert(!now->refused && !now->members_agree, "1.4 s are not long");
	before[1].held_since_ms = 3500;
	now = situation_after(topology, world, before, 5000);
	expect_finding(now, "LeavesFrom", ROP_REFUSED, SAID);
	cr_assert_eq(now->findings.n, 2, "the others that have begun to suffer from it too, not who waits since now");
	set_value(world, 1, "cluster-node-timeout", "15000");
	cr_assert_not(situation_after(topology, world, before, 18499)->refused, "it may have been put right just now");
	cr_assert(situation_after(topology, world, before, 18500)->refused);
	set_value(world, 1, "cluster-node-timeout", "511");
	cr_assert(strncmp(now->findings.at[1].text, "1 peer holds 10.0.0.3:6379 at 10.0.9.9:6379, and gets", 53) == 0);
	cr_assert_null(strstr(now->findings.at[0].advice, "one family"));
	expect_finding(situation_after(topology, world, NULL, 5000), "LeavesFrom", ROP_REFUSED, SAID);
	world->nodes[4].ip = "::1";
	now = situation_after(topology, world, NULL, 5000);
	cr_assert(strncmp(now->findings.at[0].advice, "declare all nodes by addresses of one family", 44) == 0);
	world->nodes[1].held_ms = 1400;
	cr_assert_not(situation_after(topology, world, NULL, 5000)->refused);
}

/* Who looks once and is about to refuse gives it the time that a run gives it; and that time only to this. */
Test(policy_situation, where_peers_hold_a_node_may_pass_within_a_node_timeout)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	cr_assert_eq(rop_situation_may_pass_ms(situation_after(topology, world, NULL, 5000)), 0);
	hold_elsewhere(&world->nodes[1], 5, 1600);
	set_value(world, 1, "cluster-node-timeout", "2000");
	cr_assert_eq(rop_situation_may_pass_ms(situation_after(topology, world, NULL, 5000)), 3500);
	world->nodes[4].reach = ROP_REACH_SENTINEL;
	cr_assert_eq(rop_situation_may_pass_ms(situation_after(topology, world, NULL, 5000)), 0, "that will not pass");
	world = formed_world(topology);
	world->nodes[1].own_address = world->nodes[1].address;
	world->nodes[1].elsewhere = "10.0.9.9:6379";
	set_value(world, 1, "cluster-node-timeout", "5000");
	cr_assert_eq(rop_situation_may_pass_ms(situation_after(topology, world, NULL, 5000)), 6500);
	world = formed_world(topology);
	memcpy(world->nodes[5].id, node_id(4), ROP_ID_SIZE);
	cr_assert_eq(rop_situation_may_pass_ms(situation_after(topology, world, NULL, 5000)), 0,
		     "one id, declared twice");
}

Test(policy_situation, in_a_cluster_that_is_formed_it_is_the_cause_that_is_told_of_links)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	hold_elsewhere(&world->nodes[1], 5, 60000);
	for (size_t i = 0; i < 6; i++)
		if (i != 1)
			rop_bit_clear(world, world->linked, i, 1);
	rop_bit_clear(world, world->linked, 0, 2);
	struct rop_situation *now = situation_after(topology, world, NULL, 5000);
	cr_assert_not(now->refused, "the others can be helped");
	rop_situation_open(now);
	cr_assert_eq(now->open.n, 2);
	cr_assert(now->open.at[0].is == ROP_WHY_LEAVES_FROM && now->open.at[0].node == 1 && now->open.at[0].advice);
	cr_assert_str_eq(now->open.at[1].text, "10.0.0.1:6379: no healthy bus link to 10.0.0.3:6379 (port 16379)");
}

Test(policy_situation, where_nobody_answers_no_second_server_is_made_up)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_node *node = &world->nodes[1];
	node->own_address = node->address;
	node->elsewhere = "10.0.9.9:6379";
	struct rop_situation *now = situation_after(topology, world, NULL, 5000);
	cr_assert_not_null(strstr(finding(now, "SameNodeId")->text, "either a second server runs there with a copy of "
								    "its nodes.conf"));
	cr_assert_not_null(strstr(finding(now, "SameNodeId")->text, "or it is this server, whose packets leave from "
								    "there"));
	node->at_home = true; /* by others it is reached where it is: there are two */
	now = situation_after(topology, world, NULL, 5000);
	cr_assert_not_null(strstr(finding(now, "SameNodeId")->text, ": a second server runs there with a copy"));
	hold_elsewhere(node, 3, 400);
	cr_assert(is_found(situation_after(topology, world, NULL, 5000), "SameNodeId"), "a ping under way says "
											"nothing");
	hold_elsewhere(node, 3, 600);
	cr_assert_not(is_found(situation_after(topology, world, NULL, 5000), "SameNodeId"));
	node->elsewhere = "10.0.9.8:6379";
	cr_assert(is_found(situation_after(topology, world, NULL, 5000), "SameNodeId"), "another address");
}

Test(policy_situation, introductions_to_where_nobody_is_are_said_of_who_has_that_port)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	struct rop_before before[6] = { 0 };
	know_each_other(world, 0, 1);
	world->nodes[1].strange = "10.0.9.9:6379";
	cr_assert_not(situation_after(topology, world, before, 5000)->refused);
	before[1].strange_since_ms = 4001;
	cr_assert_not(situation_after(topology, world, before, 5000)->refused);
	before[1].strange_since_ms = 4000;
	expect_finding(situation_after(topology, world, before, 5000), "LeavesFrom", ROP_REFUSED,
		       "10.0.0.2:6379 is being introduced to a node at 10.0.9.9:6379, where no declared one is and "
		       "nobody answers: the packets of one of the others leave from that address");
	world->nodes[3].port = 7003;
	world->nodes[1].strange = "10.0.9.9:7003";
	expect_finding(situation_after(topology, world, before, 5000), "LeavesFrom", ROP_REFUSED,
		       "10.0.0.2:6379 is being introduced to a node at 10.0.9.9:7003, where no declared one is and "
		       "nobody answers: the packets of 10.0.0.4:6379 leave from that address");
	meet_all(world);
	struct rop_situation *now = situation_after(topology, world, before, 5000);
	cr_assert(!now->refused && !now->members_agree, "it knows all others by now; but it was just so");
	before[1].strange_since_ms = 0;
	cr_assert(situation_after(topology, world, before, 5000)->members_agree);
}

Test(policy_situation, keys_without_slots_are_never_written_over)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[4].keys = 3;
	expect_finding(situation_of(topology, world), "NotEmpty", ROP_REFUSED,
		       "10.0.0.5:6379 holds 3 keys but owns no slots: they would be lost or served wrongly");
	world = formed_world(topology);
	world->nodes[4].keys = 3;
	expect_case(situation_of(topology, world), ROP_CASE_ADOPT);
}

Test(policy_situation, functions_count_as_content_except_in_the_cluster_that_is_adopted)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[4].functions = 2;
	expect_finding(situation_of(topology, world), "NotEmpty", ROP_REFUSED,
		       "10.0.0.5:6379 is not empty: it holds 2 function libraries");
	world = formed_world(topology);
	world->nodes[4].functions = 2;
	expect_case(situation_of(topology, world), ROP_CASE_ADOPT);
}

Test(policy_situation, another_number_of_shards_than_declared_is_reached_by_moving_slots)
{
	struct rop_topology *four = topology_of(4, 0, 4), *three = topology_of(3, 0, 4);
	struct rop_situation *now = situation_of(three, formed_world(four));
	cr_assert(now->findings.n == 0 && !now->slots_in_place && now->slots_to_move == 4096);
	now = situation_of(four, formed_world(four));
	cr_assert(now->slots_in_place && now->slots_to_move == 0 && now->migrations.n == 0);
}

Test(policy_situation, slots_without_an_owner_are_given_out_before_others_are_moved)
{
	struct rop_topology *four = topology_of(4, 0, 4), *three = topology_of(3, 0, 4);
	struct rop_observed *world = formed_world(four);
	memset(&world->nodes[0].slots, 0, sizeof world->nodes[0].slots);
	give_slots(world, 0, 0, 9);
	struct rop_situation *now = situation_of(three, world);
	cr_assert_eq(now->migrations.n, 0);
	expect_finding(now, "TooManyShards", ROP_REFUSED,
		       "4 nodes own slots, but the file declares 3 shards, and some slots are owned by nobody; slots "
		       "are moved in a whole cluster only");
}

Test(policy_situation, what_was_found_twice_is_told_once)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[1].reach = world->nodes[2].reach = ROP_REACH_DENIED;
	world->nodes[1].reach_why = world->nodes[2].reach_why = "NOAUTH";
	world->nodes[2].address = world->nodes[1].address;
	cr_assert_eq(situation_of(topology, world)->findings.n, 1);
}

/* ---- how far it is --------------------------------------------------------------------------------------------- */

Test(policy_situation, each_flag_falls_with_its_own_reason)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_situation *now;
#define AFTER(change) (change, now = situation_of(topology, world))
	AFTER((void)0);
	cr_assert(now->views_agree && now->members_agree && now->introduced && now->state_ok && now->links_up &&
		  now->replicas_attached);
	AFTER(rop_bit_clear(world, world->agrees, 1, 2));
	cr_assert(!now->views_agree && now->members_agree);
	AFTER(rop_bit_set(world, world->agrees, 1, 2));
	cr_assert(now->views_agree);
	AFTER(world->nodes[3].open_slots = 1);
	cr_assert(!now->views_agree && now->members_agree);
	world->nodes[3].open_slots = 0;
	AFTER(world->nodes[3].handshakes = 1);
	cr_assert_not(now->views_agree, "somebody is about to be known");
	world->nodes[3].handshakes = 0;
	AFTER(rop_bit_clear(world, world->linked, 4, 0));
	cr_assert(!now->members_agree && !now->views_agree && now->introduced);
	rop_bit_set(world, world->linked, 4, 0);
	AFTER(world->nodes[2].others = 6);
	cr_assert_not(now->members_agree, "it lists one too many");
	world->nodes[2].others = 5;
	AFTER(world->nodes[0].others = 4);
	cr_assert_not(now->members_agree, "the first one lists one too few");
	world->nodes[0].others = 5;
	AFTER(rop_bit_clear(world, world->known, 4, 0));
	cr_assert(!now->introduced && !now->members_agree);
	rop_bit_set(world, world->known, 4, 0);
	AFTER(world->nodes[5].state_ok = false);
	cr_assert(!now->state_ok && now->views_agree);
	world->nodes[5].state_ok = true;
	AFTER(world->nodes[5].link_up = false);
	cr_assert_not(now->links_up);
	world->nodes[5].link_up = true;
	AFTER(world->nodes[5].syncing = true);
	cr_assert_not(now->links_up);
	world->nodes[5].syncing = false;
	AFTER(world->nodes[5].primary = 0);
	cr_assert_not(rop_situation_converged(now), "a shard has two replicas and another none");
	world->nodes[5].primary = 2;
	world->nodes[5].link_up = false;
	AFTER(go_silent(world, 2));
	cr_assert(now->links_up, "the link to a primary that does not answer is another matter");
#undef AFTER
}

Test(policy_situation, a_replica_of_a_stranger_has_no_link_that_counts)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	world->nodes[5].primary = -1;
	world->nodes[5].link_up = false;
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(!now->links_up && !now->replicas_attached);
}

Test(policy_situation, two_owners_of_a_slot_are_not_assigned_slots)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	cr_assert(situation_of(topology, world)->slots_assigned);
	rop_slots_add(&world->nodes[0].slots, 16383, 16383);
	cr_assert_not(situation_of(topology, world)->slots_assigned);
}

Test(policy_situation, a_pause_ends_by_itself_when_it_has_an_end)
{
	struct rop_topology *topology = six();
	struct rop_image image = { .paused = true };
	struct rop_observed *world = formed_world(topology);
	cr_assert(situation_with(topology, world, &image, NULL, 0)->paused);
	image.paused_until_wall_ms = 1000500;
	cr_assert(situation_with(topology, world, &image, NULL, 499)->paused);
	cr_assert_not(situation_with(topology, world, &image, NULL, 500)->paused);
}

Test(policy_situation, temporary_settings_are_in_force_until_they_are_forgotten)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	struct rop_image image = { 0 };
	struct rop_temporary *temporary = rop_push(pool, &image.temporaries);
	*temporary = (struct rop_temporary){ .name = "cluster-node-timeout", .original = "15000", .temporary = "500" };
	memcpy(temporary->node, node_id(4), ROP_ID_SIZE);
	struct rop_situation *now = situation_with(topology, world, &image, NULL, 0);
	cr_assert(now->temporaries_in_force && !rop_situation_converged(now));
	struct rop_batch batch = batch_of(now, "restore_settings");
	cr_assert_eq(batch.steps.n, 1);
	cr_assert_str_eq(batch.steps.at[0].expect.value, "15000");
	cr_assert_str_eq(batch.steps.at[0].expect.was, "500");
	go_silent(world, 4);
	now = situation_with(topology, world, &image, NULL, 0);
	cr_assert_not(now->temporaries_in_force, "nobody can put it back now");
	cr_assert_eq(batch_of(now, "restore_settings").steps.n, 0);
	memcpy(temporary->node, node_id(77), ROP_ID_SIZE);
	now = situation_with(topology, world, &image, NULL, 0);
	cr_assert_not(now->temporaries_in_force);
	cr_assert_eq(batch_of(now, "restore_settings").steps.n, 0, "a node that is gone");
}

/* ---- what the actions ask for ----------------------------------------------------------------------------------- */

Test(policy_situation, settings_are_lowered_where_they_are_higher_and_where_that_is_allowed)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	set_value(world, 1, "cluster-node-timeout", "400");
	set_value(world, 2, "repl-diskless-sync-delay", "0");
	set_value(world, 3, "cluster-node-timeout", NULL);
	set_value(world, 4, "cluster-node-timeout", "many");
	struct rop_situation *now = situation_of(topology, world);
	struct rop_batch batch = batch_of(now, "lower_settings");
	cr_assert_eq(batch.steps.n, 2 + 0 + 1 + 0 + 0 + 2, "the delay only beside a timeout that tells of it");
	cr_assert_str_eq(batch.steps.at[0].expect.value, "531");
	cr_assert_str_eq(batch.steps.at[0].expect.was, "15000");
	cr_assert_str_eq(batch.steps.at[0].state, "Test");
	cr_assert_str_eq(batch.steps.at[0].expect.why, "a test asks for it");
	now->may_lower = false;
	cr_assert_eq(batch_of(now, "lower_settings").steps.n, 0);
	for (size_t i = 0; i < 6; i++) {
		set_value(world, i, "cluster-node-timeout", "500");
		set_value(world, i, "repl-diskless-sync-delay", "0");
		world->nodes[i].epoch = (int64_t)i + 1;
	}
	cr_assert(situation_of(topology, world)->prepared);
	set_value(world, 5, "cluster-node-timeout", "1000");
	cr_assert_not(situation_of(topology, world)->prepared);
}

Test(policy_situation, the_lowered_timeout_grows_with_the_cluster)
{
	static const struct {
		size_t n;
		const char *value;
	} SIZES[] = { { 40, "531" }, { 41, "1031" }, { 150, "1031" }, { 151, "2031" } };
	for (size_t i = 0; i < sizeof SIZES / sizeof *SIZES; i++) {
		struct rop_topology *topology = topology_of(3, 0, SIZES[i].n);
		struct rop_batch batch = batch_of(situation_of(topology, fresh_world(topology)), "lower_settings");
		cr_assert_str_eq(batch.steps.at[0].expect.value, SIZES[i].value);
	}
}

Test(policy_situation, fresh_nodes_get_epochs_that_nobody_has)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh_world(topology);
	world->nodes[0].epoch = 3;
	world->nodes[1].epoch = 40;
	struct rop_batch batch = batch_of(situation_of(topology, world), "set_epochs");
	static const int64_t EPOCHS[] = { 41, 4, 5, 6 };
	cr_assert_eq(batch.steps.n, 4);
	for (size_t i = 0; i < 4; i++)
		cr_assert(batch.steps.at[i].node == (int)i + 2 && batch.steps.at[i].expect.epoch == EPOCHS[i], "%zu",
			  i);
	know_each_other(world, 4, 5);
	make_replica(world, 3, 0);
	cr_assert_eq(batch_of(situation_of(topology, world), "set_epochs").steps.n, 1,
		     "only nodes that know nobody take one");
	struct rop_topology *alone = topology_of(1, 0, 1);
	struct rop_observed *one = fresh_world(alone);
	set_value(one, 0, "cluster-node-timeout", "500");
	set_value(one, 0, "repl-diskless-sync-delay", "0");
	cr_assert(situation_of(alone, one)->prepared, "one node has nobody to collide with");
}

Test(policy_situation, every_pair_that_is_not_mutual_is_introduced_once)
{
	struct rop_topology *topology = topology_of(4, 0, 4);
	struct rop_observed *world = fresh_world(topology);
	rop_bit_set(world, world->known, 0, 1); /* 1 does not know 0 */
	rop_bit_set(world, world->known, 3, 0); /* 0 does not know 3 */
	rop_bit_set(world, world->known, 1, 2);
	rop_bit_set(world, world->known, 2, 1);
	struct rop_batch batch = batch_of(situation_of(topology, world), "introduce_nodes");
	static const int PAIRS[][2] = { { 1, 0 }, { 0, 2 }, { 0, 3 }, { 1, 3 }, { 2, 3 } };
	cr_assert_eq(batch.steps.n, 5);
	for (size_t i = 0; i < 5; i++)
		cr_assert(batch.steps.at[i].node == PAIRS[i][0] && batch.steps.at[i].peer == PAIRS[i][1],
			  "%zu: %d > %d", i, batch.steps.at[i].node, batch.steps.at[i].peer);
	go_silent(world, 3);
	cr_assert_eq(batch_of(situation_of(topology, world), "introduce_nodes").steps.n, 2);
}

Test(policy_situation, no_pair_is_introduced_while_either_way_is_under_way_or_backs_off)
{
	struct rop_topology *topology = topology_of(2, 0, 2);
	struct rop_observed *world = fresh_world(topology);
	const char *const LINKS[] = { rop_printf(pool, "link:%s>%s", node_id(0), node_id(1)),
				      rop_printf(pool, "link:%s>%s", node_id(1), node_id(0)) };
	for (size_t i = 0; i < 2; i++) {
		struct rop_tries *tries = rop_tries_new(pool);
		struct rop_expect expect = { .kind = ROP_STEP_MEET, .subject = LINKS[i], .first = -1, .last = -1 };
		cr_assert_eq(batch_of(situation_with(topology, world, &no_image, tries, 0), "introduce_nodes").steps.n,
			     1);
		rop_tries_pending(tries, &expect);
		cr_assert_eq(batch_of(situation_with(topology, world, &no_image, tries, 0), "introduce_nodes").steps.n,
			     0);
		rop_tries_ended(tries, &expect, ROP_EXPECT_EXPIRED, 0);
		cr_assert_eq(batch_of(situation_with(topology, world, &no_image, tries, 49), "introduce_nodes").steps.n,
			     0);
		struct rop_batch batch = batch_of(situation_with(topology, world, &no_image, tries, 50),
						  "introduce_nodes");
		cr_assert_eq(batch.steps.n, 1);
		cr_assert_eq(batch.steps.at[0].expect.attempts, i == 0 ? 2 : 1, "attempts are counted by direction");
	}
}

Test(policy_situation, a_range_that_is_under_way_in_part_is_left_alone)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = fresh_world(topology);
	meet_all(world);
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect expect = { .kind = ROP_STEP_SLOTS, .subject = "slot:6000-6001", .first = 6000, .last = 6001 };
	rop_tries_pending(tries, &expect);
	struct rop_batch batch = batch_of(situation_with(topology, world, &no_image, tries, 0), "assign_slots");
	cr_assert_eq(batch.steps.n, 2);
	cr_assert_eq(batch.steps.at[1].expect.first, 10923);
	give_slots(world, 0, 100, 199);
	batch = batch_of(situation_of(topology, world), "assign_slots");
	cr_assert_eq(batch.steps.n, 4, "a hole in a share makes two ranges of it");
	cr_assert(batch.steps.at[0].expect.last == 99 && batch.steps.at[1].expect.first == 200);
}

Test(policy_situation, nobody_is_attached_where_the_server_would_refuse_or_data_be_lost)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	for (size_t i = 3; i < 6; i++) {
		world->nodes[i].role = ROP_ROLE_PRIMARY;
		world->nodes[i].primary = -1;
		world->nodes[i].primary_id[0] = '\0';
	}
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 3);
	rop_bit_clear(world, world->known, 3, 0);
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 2,
		     "it does not know its primary");
	world->nodes[4].keys = 5;
	cr_assert_eq(batch_of(situation_of(topology, world), "attach_replicas").steps.n, 1, "it has keys of its own");
	rop_slots_add(&world->nodes[5].slots, 0, 9);
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0, "it owns slots");
	/* Whatever the layout came to: an owner, and a primary that has become a replica, are not acted on. */
	now->layout.primary_of[5] = 2;
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	now->layout.primary_of[5] = ROP_LEADS;
	rop_bit_set(world, world->known, 3, 0);
	world->nodes[0].role = ROP_ROLE_REPLICA;
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0);
	world->nodes[0].role = ROP_ROLE_PRIMARY;
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0, "two claim its slots");
	memset(&world->nodes[5].slots, 0, sizeof world->nodes[5].slots);
	cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 1);
}

/* Its primary was failed over and follows the new one already; it has not heard of that yet, and will follow by itself.
 */
Test(policy_situation, who_follows_its_primary_to_the_new_one_is_told_nothing)
{
	for (size_t old = 0; old < 3; old++) {
		struct rop_topology *topology = topology_of(3, 2, 9);
		struct rop_observed *world = three_owners(topology);
		size_t new = old + 3, other = old + 6;
		for (size_t i = 3; i < 9; i++)
			if (i != new)
				make_replica(world, i, i % 3);
		world->nodes[new].slots = world->nodes[old].slots;
		world->nodes[new].epoch = 20;
		memset(&world->nodes[old].slots, 0, sizeof world->nodes[old].slots);
		make_replica(world, old, new);
		world->nodes[other].primary = (int)old;
		memcpy(world->nodes[other].primary_id, world->nodes[old].id, ROP_ID_SIZE);
		rop_bit_clear(world, world->agrees, other, old);
		const struct rop_situation *now = situation_of(topology, world);
		cr_assert(now->layout.primary_of[other] == (int)new && now->replicas_attached, "node %zu", old);
		cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 0, "node %zu", old);
		rop_bit_set(world, world->agrees, other, old);
		now = situation_of(topology, world);
		cr_assert_not(now->replicas_attached, "node %zu: it has heard of that, and stays", old);
		cr_assert_eq(batch_of(now, "attach_replicas").steps.n, 1, "node %zu", old);
	}
}

Test(policy_situation, managed_settings_are_set_where_they_differ_and_written_down_once_a_node)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	manage_setting(topology, "maxmemory", "100mb");
	manage_setting(topology, "cluster-node-timeout", "5000");
	struct rop_observed *world = formed_world(topology);
	set_value(world, 0, "maxmemory", "104857600");
	set_value(world, 0, "cluster-node-timeout", "5000");
	set_value(world, 1, "maxmemory", "104857600");
	set_value(world, 2, "maxmemory", NULL);
	struct rop_situation *now = situation_with(topology, world, &no_image, tries_that_took(topology), 0);
	cr_assert_eq(world->n_settings, 21,
		     "a name that is watched anyway is watched once; maxmemory asks for its policy");
	cr_assert_not(now->settings_as_declared);
	struct rop_batch batch = batch_of(now, "apply_settings");
	static const struct {
		int node;
		enum rop_step_kind kind;
	} STEPS[] = {
		{ 1, ROP_STEP_SETTING }, { 1, ROP_STEP_PERSIST }, { 2, ROP_STEP_SETTING },
		{ 2, ROP_STEP_SETTING }, { 2, ROP_STEP_PERSIST },
	};
	cr_assert_eq(batch.steps.n, 5);
	for (size_t i = 0; i < 5; i++)
		cr_assert(batch.steps.at[i].node == STEPS[i].node && batch.steps.at[i].expect.kind == STEPS[i].kind,
			  "%zu", i);
	go_silent(world, 1);
	go_silent(world, 2);
	cr_assert(situation_of(topology, world)->settings_as_declared, "of those who answer");
}

Test(policy_situation, a_value_that_no_node_was_seen_to_take_is_tried_on_the_first_that_lacks_it_and_not_written)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	manage_setting(topology, "tcp-backlog", "600");
	struct rop_observed *world = formed_world(topology);
	set_value(world, 0, "tcp-backlog", "600"); /* it may have been started with it: that proves nothing */
	set_value(world, 1, "tcp-backlog", "511");
	set_value(world, 2, "tcp-backlog", "511");
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_batch batch = batch_of(situation_with(topology, world, &no_image, tries, 0), "apply_settings");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].node == 1 &&
		  batch.steps.at[0].expect.kind == ROP_STEP_SETTING);
	struct rop_expect e = batch.steps.at[0].expect;
	e.note = "ERR CONFIG SET failed - can't set immutable config";
	rop_tries_ended(tries, &e, ROP_EXPECT_REFUSED, 0);
	batch = batch_of(situation_with(topology, world, &no_image, tries, 100000), "apply_settings");
	cr_assert_eq(batch.steps.n, 0, "a refusal ends it, for all of them");
	tries = rop_tries_new(pool);
	rop_tries_ended(tries, &e, ROP_EXPECT_MET, 0);
	set_value(world, 1, "tcp-backlog", "600");
	struct rop_situation *now = situation_with(topology, world, &no_image, rop_tries_copy(pool, tries), 0);
	cr_assert(batch_of(now, "apply_settings").steps.n == 2, "taken once, it goes to the others, and is written "
								"there");
}

Test(policy_situation, settings_that_were_changed_and_not_written_down_are_not_as_declared)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	manage_setting(topology, "maxmemory", "0");
	struct rop_observed *world = formed_world(topology);
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect expect = { .kind = ROP_STEP_PERSIST, .subject = rop_printf(pool, "config:%s", node_id(1)) };
	cr_assert(situation_with(topology, world, &no_image, tries, 0)->settings_as_declared);
	rop_tries_pending(tries, &expect);
	rop_tries_ended(tries, &expect, ROP_EXPECT_EXPIRED, 0);
	struct rop_situation *now = situation_with(topology, world, &no_image, tries, 100);
	cr_assert_not(now->settings_as_declared);
	struct rop_batch batch = batch_of(now, "apply_settings");
	cr_assert(batch.steps.n == 1 && batch.steps.at[0].expect.kind == ROP_STEP_PERSIST &&
		  batch.steps.at[0].node == 1);
}

/* ---- identities that were lost -------------------------------------------------------------------------------- */

/* Three nodes that kept their keys and not their nodes.conf: alone, each with slots of its own. */
static struct rop_observed *without_identities(const struct rop_topology *topology)
{
	struct rop_observed *world = fresh_world(topology);
	for (size_t i = 0; i < 3; i++) {
		give_slots(world, i, (int)i * 5000, (int)i * 5000 + 99);
		world->nodes[i].keys = 7;
	}
	return world;
}

static bool is_lost(const struct rop_topology *topology, const struct rop_observed *world,
		    const struct rop_image *image)
{
	const struct rop_situation *now = situation_with(topology, world, image, NULL, 0);
	cr_assert_gt(now->findings.n, 0, "it is refused in any case");
	for (size_t i = 0; i < now->findings.n; i++)
		if (strcmp(now->findings.at[i].reason, "IdentitiesLost") == 0)
			return true;
	return false;
}

Test(policy_situation, where_all_ids_are_new_the_identities_are_lost)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_image image = { .formed_wall_ms = 1 }, never = { .formed_wall_ms = 1 };
	for (size_t i = 0; i < 3; i++) {
		*rop_push(pool, &image.members) = (struct rop_member){ .address = "x" };
		snprintf(image.members.at[i].node, ROP_ID_SIZE, "%s", node_id(500 + i));
	}
	struct rop_observed *world = without_identities(topology);
	cr_assert(is_lost(topology, world, &image));
	expect_finding(
		situation_with(topology, world, &image, NULL, 0), "IdentitiesLost", ROP_REFUSED,
		"all 3 nodes have other ids than when cluster 'cart' was seen last: their nodes.conf files were "
		"lost. No two of them claim a slot: each holds the only copy of its keys: 10.0.0.1:6379 (7 keys), "
		"10.0.0.2:6379 (7 keys), 10.0.0.3:6379 (7 keys). 16084 slots nobody claims: what was in them, "
		"if there was anything, is gone");
	cr_assert_not(is_lost(topology, world, &never), "nothing is known of any id");
	for (size_t i = 0; i < 3; i++) { /* each of them counts */
		world = without_identities(topology);
		snprintf(image.members.at[i].node, ROP_ID_SIZE, "%s", world->nodes[i].id);
		cr_assert_not(is_lost(topology, world, &image), "node %zu is known", i);
		snprintf(image.members.at[i].node, ROP_ID_SIZE, "%s", node_id(500 + i));
		go_silent(world, i);
		const struct rop_situation *now = situation_with(topology, world, &image, NULL, 0);
		for (size_t k = 0; k < now->findings.n; k++)
			cr_assert_str_neq(now->findings.at[k].reason, "IdentitiesLost", "node %zu is silent", i);
	}
	world = without_identities(topology);
	rop_slots_add(&world->nodes[2].slots, 50, 50);
	cr_assert_not(is_lost(topology, world, &image), "two claim a slot: that is another matter");
	for (size_t i = 0; i < 3; i++) { /* keys alone make a group too, and so do slots */
		world = without_identities(topology);
		memset(&world->nodes[i].slots, 0, sizeof world->nodes[i].slots);
		cr_assert(is_lost(topology, world, &image));
		world = without_identities(topology);
		world->nodes[i].keys = 0;
		cr_assert(is_lost(topology, world, &image));
	}
}

/* ---- a second operator ------------------------------------------------------------------------------------------ */

static void connected(struct rop_node *node, const char *cluster, const char *instance, const char *from)
{
	if (!node->operators)
		node->operators = rop_alloc_n(pool, ROP_OPERATORS_MAX, sizeof *node->operators);
	struct rop_operator *operator= & node->operators[node->n_operators++];
	operator->cluster = cluster;
	operator->from = from;
	snprintf(operator->instance, sizeof operator->instance, "%s", instance);
}

Test(policy_situation, another_database_s_operator_is_warned_of_once_with_where_it_came_from)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	for (size_t i = 0; i < 6; i++) {
		connected(&world->nodes[i], topology->name, "00000001", "10.0.0.9"); /* our own */
		connected(&world->nodes[i], "of-another-name", "00000003", "10.0.0.9");
		connected(&world->nodes[i], topology->name, "1a2b3c4d", i < 5 ? "10.0.0.5" : "10.0.0.6");
	}
	struct rop_situation now = { .arena = pool, .topology = topology, .seen = world, .image = formed_before() };
	struct rop_situation unknown = now;
	rop_situation_assess(&unknown);
	for (size_t i = 0; i < unknown.warnings.n; i++)
		cr_assert_str_neq(unknown.warnings.at[i].reason, "SecondOperator");
	now.instance = "00000001";
	rop_situation_assess(&now);
	cr_assert_eq(now.warnings.n, unknown.warnings.n + 1);
	const struct rop_finding *warning = &now.warnings.at[now.warnings.n - 1];
	cr_assert(warning->code == ROP_OK && strcmp(warning->reason, "SecondOperator") == 0 && warning->advice);
	const char *begin = rop_printf(pool,
				       "another redis-operator (database 1a2b3c4d, connected from 10.0.0.5, 10.0.0.6) "
				       "manages cluster '%s' too",
				       topology->name);
	cr_assert(strncmp(warning->text, begin, strlen(begin)) == 0, "%s", warning->text);
	cr_assert(!now.refused && now.findings.n == 0, "it forbids nothing");
}

static size_t seconds(const struct rop_situation *now, const char **ret_text)
{
	size_t n = 0;
	for (size_t i = 0; i < now->warnings.n; i++) {
		if (strcmp(now->warnings.at[i].reason, "SecondOperator") != 0)
			continue;
		if (n++ == 0)
			*ret_text = now->warnings.at[i].text;
	}
	return n;
}

Test(policy_situation, of_many_other_operators_a_few_are_told_of)
{
	struct rop_topology *topology = six();
	for (int others = 4; others <= 8; others++) {
		struct rop_observed *world = formed_world(topology);
		for (int i = 0; i < others; i++)
			connected(&world->nodes[i % 6], topology->name, rop_printf(pool, "0000000%d", i + 1),
				  rop_printf(pool, "10.0.0.%d", 20 + i));
		struct rop_situation now = {
			.arena = pool, .topology = topology, .seen = world, .image = formed_before(), .instance = "0"
		};
		const char *text = NULL;
		rop_situation_assess(&now);
		cr_assert_eq(seconds(&now, &text), others < 5 ? (size_t)others : 5, "%d others", others);
		cr_assert(strstr(text, "(database 00000001, connected from 10.0.0.20)"), "%s", text);
	}
}

Test(policy_situation, of_many_places_of_another_operator_three_are_told_of)
{
	struct rop_topology *topology = six();
	for (int places = 2; places <= 5; places++) {
		struct rop_observed *world = formed_world(topology);
		for (int i = 0; i < places * 2; i++)
			connected(&world->nodes[i % 6], topology->name, "1a2b3c4d",
				  rop_printf(pool, "10.0.0.%d", i % places));
		struct rop_situation now = {
			.arena = pool, .topology = topology, .seen = world, .image = formed_before(), .instance = "0"
		};
		const char *text = NULL;
		rop_situation_assess(&now);
		cr_assert_eq(seconds(&now, &text), 1);
		size_t told = 0;
		for (const char *at = text; (at = strstr(at, "10.0.0.")); at++)
			told++;
		cr_assert_eq(told, places < 3 ? (size_t)places : 3, "%s", text);
		cr_assert_eq(strstr(text, "and more") != NULL, places > 3, "%s", text);
	}
}

Test(policy_situation, warns_of_all_that_its_layout_warns_of)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	for (size_t i = 0; i < 6; i++)
		put_on_host(topology, i, 1);
	struct rop_situation *now = situation_of(topology, fresh_world(topology));
	cr_assert_eq(now->layout.warnings.n, 1);
	cr_assert_eq(now->warnings.n, 1);
	cr_assert_str_eq(now->warnings.at[0].reason, "OneHost");
}
