/* test_policy_announced.c - where nodes say that they are, what clients are told, views that differ, and why links are
 * down. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/text.h"
#include "world.h"

TestSuite(policy_announced, .init = world_setup, .fini = world_teardown);

static struct rop_topology *six(void)
{
	return topology_of(3, 1, 6);
}

/* As servers of today tell all of it. */
static void tell_all(struct rop_observed *world)
{
	for (size_t i = 0; i < world->n; i++) {
		world->nodes[i].tcp_port = world->nodes[i].port;
		world->nodes[i].own_bus_port = world->nodes[i].port + ROP_BUS_OFFSET;
		world->nodes[i].hostname = "";
		set_value(world, i, "cluster-announce-ip", "");
		set_value(world, i, "cluster-announce-port", "0");
		set_value(world, i, "cluster-announce-bus-port", "0");
		set_value(world, i, "cluster-port", "0");
		set_value(world, i, "cluster-preferred-endpoint-type", "ip");
		set_value(world, i, "tls-cluster", "no");
	}
}

static struct rop_observed *fresh(const struct rop_topology *topology)
{
	struct rop_observed *world = fresh_world(topology);
	tell_all(world);
	return world;
}

static const char *of_reason(const struct rop_finding *list, size_t n, enum rop_reason is)
{
	for (size_t i = 0; i < n; i++)
		if (list[i].is == is) {
			cr_assert_not_null(list[i].advice, "%s", list[i].text);
			return list[i].text;
		}
	return "";
}

static const char *refusal(const struct rop_situation *now)
{
	return of_reason(now->findings.at, now->findings.n, ROP_WHY_ANNOUNCED);
}

static const char *warning(const struct rop_situation *now, enum rop_reason is)
{
	return of_reason(now->warnings.at, now->warnings.n, is);
}

static void assert_holds(const char *text, const char *part)
{
	cr_assert(strstr(text, part), "'%s' is not in: %s", part, text);
}

/* ---- the port of the bus --------------------------------------------------------------------------------------- */

Test(policy_announced, a_bus_port_that_cannot_be_right_is_refused_before_nodes_meet)
{
	static const struct {
		int declared, own, tcp; /* declared: 0 the file is silent; own: of its own line */
		const char *announced, *cluster_port, *text;
	} CASES[] = {
		{ 0, 16379, 6379, "0", "0", NULL },
		{ 0, 17777, 6379, "0", "17777", NULL }, /* it says so itself */
		{ 0, 12999, 6379, "12999", "0",
		  "10.0.0.2:6379 announces port 12999 of its cluster bus (cluster-announce-bus-port), and listens on "
		  "16379; the other nodes go where it says" },
		{ 0, 12999, 6379, "12999", "12999", NULL },
		{ 0, 12999, 7001, "12999", "0", NULL }, /* its ports are translated: that one may be, too */
		{ 16379, 16379, 6379, "0", "0", NULL },
		{ 12998, 16379, 6379, "0", "0",
		  "the file says busPort: 12998 of 10.0.0.2:6379, whose cluster bus is at port 16379, as it says" },
		{ 12998, 16379, 7001, "0", "0", NULL },
		{ 12998, 12998, 6379, "12998", "0", NULL },
		{ 12998, 12999, 6379, "12999", "0",
		  "10.0.0.2:6379 announces port 12999 of its cluster bus (cluster-announce-bus-port), and the file "
		  "says busPort: 12998; the other nodes go where it says" },
		{ 0, 12999, 6379, NULL, NULL, NULL }, /* CONFIG GET is not permitted: then the node is believed */
	};
	struct rop_topology *topology = six();
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		for (int formed = 0; formed < 2; formed++) {
			struct rop_observed *world = formed ? formed_world(topology) : fresh_world(topology);
			tell_all(world);
			struct rop_node *node = &world->nodes[1];
			node->bus_declared = CASES[i].declared != 0;
			node->bus_port = CASES[i].declared ? CASES[i].declared : CASES[i].own;
			node->own_bus_port = CASES[i].own;
			node->tcp_port = CASES[i].tcp;
			set_value(world, 1, "cluster-announce-bus-port", CASES[i].announced);
			set_value(world, 1, "cluster-port", CASES[i].cluster_port);
			struct rop_situation *now = situation_of(topology, world);
			const char *said = formed ? warning(now, ROP_WHY_ANNOUNCES) : refusal(now);
			cr_assert_str_eq(said, CASES[i].text ? CASES[i].text : "", "case %zu, formed %d", i, formed);
			cr_assert_eq(now->refused, CASES[i].text && !formed, "case %zu", i);
		}
	}
}

Test(policy_announced, the_bus_of_a_member_that_peers_are_connected_to_is_where_it_says)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	tell_all(world);
	set_value(world, 1, "cluster-announce-bus-port", "12999");
	cr_assert_str_neq(warning(situation_of(topology, world), ROP_WHY_ANNOUNCES), "");
	world->nodes[1].at_home = true;
	cr_assert_str_eq(warning(situation_of(topology, world), ROP_WHY_ANNOUNCES), "");
}

/* ---- the address ----------------------------------------------------------------------------------------------- */

Test(policy_announced, an_address_that_cannot_be_right_is_refused)
{
	static const struct {
		const char *ip, *port, *text;
	} CASES[] = {
		{ "10.0.0.3", "0",
		  "10.0.0.2:6379 announces itself at 10.0.0.3:6379 (cluster-announce-ip 10.0.0.3), where "
		  "10.0.0.3:6379 is; the other nodes and clients go where it says" },
		{ "0.0.0.0", "0", ", which is no address of a host;" },
		{ "127.0.0.1", "0", ", which leads each of the others to its own host;" },
		{ "", "7001", "at 10.0.0.2:7001 (cluster-announce-port 7001), and listens on port 6379;" },
		{ "10.0.0.2", "7001", "at 10.0.0.2:7001 (cluster-announce-port 7001), and listens on port 6379;" },
		{ "10.0.0.2", "6379", NULL },
	};
	struct rop_topology *topology = six();
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_observed *world = fresh(topology);
		set_value(world, 1, "cluster-announce-ip", CASES[i].ip);
		set_value(world, 1, "cluster-announce-port", CASES[i].port);
		struct rop_situation *now = situation_of(topology, world);
		cr_assert_eq(now->refused, CASES[i].text != NULL, "case %zu", i);
		assert_holds(refusal(now), CASES[i].text ? CASES[i].text : "");
	}
	struct rop_observed *world = fresh(topology);
	set_value(world, 1, "cluster-announce-ip", "10.9.9.9");
	set_value(world, 4, "cluster-announce-ip", "10.9.9.9");
	assert_holds(refusal(situation_of(topology, world)),
		     "10.0.0.5:6379 announces itself at 10.9.9.9:6379 "
		     "(cluster-announce-ip 10.9.9.9), as 10.0.0.2:6379 does, too;");
}

Test(policy_announced, an_address_that_may_be_right_is_warned_of_until_peers_find_it_there)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh(topology);
	meet_all(world);
	set_value(world, 1, "cluster-announce-ip", "192.168.7.7");
	world->nodes[1].own_address = "192.168.7.7:6379";
	struct rop_situation *now = situation_of(topology, world);
	cr_assert(!now->refused && !now->members_agree, "no slots are given on that");
	assert_holds(warning(now, ROP_WHY_ANNOUNCES), "10.0.0.2:6379 announces itself at 192.168.7.7:6379 "
						      "(cluster-announce-ip 192.168.7.7), where it was not seen:");
	world->nodes[1].at_own = world->nodes[1].at_home = true;
	now = situation_of(topology, world);
	cr_assert(now->members_agree);
	cr_assert_str_eq(warning(now, ROP_WHY_ANNOUNCES), "");
}

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

static void seek_in_vain(struct rop_node *node, const char *at, int bus, int64_t ms)
{
	node->sought_at = at;
	node->sought_bus = bus;
	node->sought_by = 4;
	node->sought_ms = ms;
}

Test(policy_announced, peers_that_look_there_in_vain_end_it)
{
	static const char SAID[] = "4 peers look for 10.0.0.2:6379 at 192.168.7.7:6379 (port 16379 of its bus), as it "
				   "announces (cluster-announce-ip 192.168.7.7), and get no answer there";
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh(topology);
	struct rop_before before[6] = { 0 };
	meet_all(world);
	set_value(world, 1, "cluster-announce-ip", "192.168.7.7");
	seek_in_vain(&world->nodes[1], "192.168.7.7:6379", 16379, 1500);
	cr_assert_not(situation_after(topology, world, before, 5000)->refused, "it may be news under way");
	before[1].sought_since_ms = 3501;
	cr_assert_not(situation_after(topology, world, before, 5000)->refused);
	before[1].sought_since_ms = 3500;
	cr_assert_str_eq(refusal(situation_after(topology, world, before, 5000)), SAID);
	cr_assert_str_eq(refusal(situation_after(topology, world, NULL, 5000)), SAID, "who looks once tells at once");
	world->nodes[1].sought_ms = 1499;
	cr_assert_not(situation_after(topology, world, NULL, 5000)->refused);
	seek_in_vain(&world->nodes[1], "10.0.0.2:6379", 16379, 5000);
	cr_assert_not(situation_after(topology, world, NULL, 5000)->refused, "not there: it may be down");
}

Test(policy_announced, in_a_cluster_it_is_the_cause_that_is_told_of_links)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = formed_world(topology);
	tell_all(world);
	for (size_t i = 2; i < 6; i++)
		rop_bit_clear(world, world->linked, i, 1);
	seek_in_vain(&world->nodes[1], "10.0.0.2:6379", 12999, 5000);
	set_value(world, 1, "cluster-announce-bus-port", "12999");
	struct rop_situation *now = situation_after(topology, world, NULL, 5000);
	rop_situation_open(now);
	cr_assert(!now->refused && now->open.n == 1 && now->open.at[0].is == ROP_WHY_ANNOUNCED &&
		  now->open.at[0].advice);
	cr_assert_str_eq(now->open.at[0].text,
			 "4 peers look for 10.0.0.2:6379 at 10.0.0.2:6379 (port 12999 of its bus), "
			 "as it announces (cluster-announce-bus-port 12999), and get no answer there");
	/* Nobody announces it: then the port that was tried is told, and where. */
	set_value(world, 1, "cluster-announce-bus-port", "0");
	now = situation_after(topology, world, NULL, 5000);
	rop_situation_open(now);
	cr_assert_str_eq(now->open.at[0].text, "10.0.0.3:6379, 10.0.0.4:6379, 10.0.0.5:6379 and 1 more: no healthy bus "
					       "link to 10.0.0.2:6379 (port 12999)");
	seek_in_vain(&world->nodes[1], "10.9.9.9:6379", 16379, 5000);
	now = situation_after(topology, world, NULL, 5000);
	rop_situation_open(now);
	assert_holds(now->open.at[0].text, "to 10.0.0.2:6379, looked for at 10.9.9.9:6379 (port 16379 of its bus)");
}

Test(policy_announced, a_bus_port_is_not_blamed_where_nobody_looks_or_where_it_listens)
{
	static const char *const PORTS[] = { "12999", "16379" };
	struct rop_topology *topology = six();
	for (size_t k = 0; k < sizeof PORTS / sizeof *PORTS; k++) {
		struct rop_observed *world = formed_world(topology);
		tell_all(world);
		for (size_t i = 2; i < 6; i++)
			rop_bit_clear(world, world->linked, i, 1);
		seek_in_vain(&world->nodes[1], "10.0.0.2:6379", 16379, 5000);
		set_value(world, 1, "cluster-announce-bus-port", PORTS[k]);
		struct rop_situation *now = situation_after(topology, world, NULL, 5000);
		rop_situation_open(now);
		cr_assert_eq(now->open.n, 1);
		cr_assert_neq(now->open.at[0].is, ROP_WHY_ANNOUNCED, "%s", now->open.at[0].text);
		assert_holds(now->open.at[0].text, "no healthy bus link to 10.0.0.2:6379");
	}
}

/* ---- what clients are told --------------------------------------------------------------------------------------- */

Test(policy_announced, clients_that_are_sent_nowhere_are_warned_of)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_observed *world = formed_world(topology);
	tell_all(world);
	cr_assert_str_eq(warning(situation_of(topology, world), ROP_WHY_NO_ENDPOINT), "");
	set_value(world, 2, "cluster-preferred-endpoint-type", "hostname");
	world->nodes[0].hostname = "a.test";
	cr_assert_str_eq(warning(situation_of(topology, world), ROP_WHY_NO_ENDPOINT),
			 "clients are sent to '?' for 10.0.0.2:6379, 10.0.0.3:6379: cluster-preferred-endpoint-type is "
			 "hostname on 10.0.0.3:6379, and no cluster-announce-hostname is set there");
	world->nodes[1].hostname = "b.test";
	world->nodes[2].hostname = "c.test";
	cr_assert_str_eq(warning(situation_of(topology, world), ROP_WHY_NO_ENDPOINT), "");
	world->nodes[2].hostname = "a.test";
	assert_holds(warning(situation_of(topology, world), ROP_WHY_NO_ENDPOINT),
		     "10.0.0.1:6379 and 10.0.0.3:6379 both announce the host name a.test with port 6379");
	set_value(world, 2, "cluster-preferred-endpoint-type", "ip");
	cr_assert_str_eq(warning(situation_of(topology, world), ROP_WHY_NO_ENDPOINT), "", "nobody is told names");
	set_value(world, 0, "cluster-preferred-endpoint-type", "unknown-endpoint");
	assert_holds(warning(situation_of(topology, world), ROP_WHY_NO_ENDPOINT),
		     "10.0.0.1:6379 tells clients no address");
}

/* ---- protected mode, TLS, a primary that is looked for elsewhere ------------------------------------------------- */

static struct rop_situation *with_link_down(struct rop_topology *topology, struct rop_observed **ret_world)
{
	struct rop_observed *world = formed_world(topology);
	tell_all(world);
	world->nodes[3].link_up = false;
	rop_bit_set(world, world->unlisted, 0, 3);
	*ret_world = world;
	return situation_of(topology, world);
}

static const char *link_of(const struct rop_topology *topology, const struct rop_observed *world)
{
	struct rop_situation *now = situation_of(topology, world);
	rop_situation_open(now);
	for (size_t i = 0; i < now->open.n; i++)
		if (now->open.at[i].is == ROP_WHY_LINK_DOWN)
			return now->open.at[i].text;
	return "";
}

Test(policy_announced, what_is_known_of_both_tells_why_a_link_is_down)
{
	struct rop_topology *topology = six();
	struct rop_observed *world;
	with_link_down(topology, &world);
	set_value(world, 0, "protected-mode", "yes");
	cr_assert_str_eq(link_of(topology, world),
			 "10.0.0.4:6379: its link to its primary 10.0.0.1:6379 is down: that one is in protected mode "
			 "(protected-mode yes, and no password), in which it refuses replicas from other hosts");
	assert_holds(warning(situation_of(topology, world), ROP_WHY_PROTECTED),
		     "protected mode is on without a password on 10.0.0.1:6379: replicas and clients from other hosts");
	world->nodes[3].ip = "127.0.0.1";
	cr_assert_str_eq(link_of(topology, world), "10.0.0.4:6379: its link to its primary 10.0.0.1:6379 is down");
	world->nodes[3].ip = "127.0.1.4";
	assert_holds(link_of(topology, world), "protected mode");
	world->nodes[0].version = 70204;
	cr_assert_str_eq(link_of(topology, world), "10.0.0.4:6379: its link to its primary 10.0.0.1:6379 is down");
	world->nodes[3].ip = "10.0.0.4";
	assert_holds(link_of(topology, world), "protected mode");
	set_value(world, 3, "tls-replication", "yes");
	set_value(world, 0, "tls-port", "0");
	assert_holds(link_of(topology, world),
		     "it speaks TLS to its primary (tls-replication yes), which has no port for it");
	set_value(world, 0, "cluster-announce-port", "7777");
	assert_holds(link_of(topology, world), "is down: it looks for it at port 7777, as that one announces");
	topology->auth_password_file = "password";
	set_value(world, 0, "cluster-announce-port", "0");
	set_value(world, 0, "tls-port", "6380");
	assert_holds(link_of(topology, world), "(masterauth, masteruser)");
	cr_assert_str_eq(warning(situation_of(topology, world), ROP_WHY_PROTECTED), "", "there is a password");
}

Test(policy_announced, who_cannot_be_asked_plainly_is_told_as_such)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh(topology);
	go_silent(world, 2);
	world->nodes[2].reach_why = ROP_SPEAKS_TLS;
	struct rop_situation *now = situation_of(topology, world);
	assert_holds(of_reason(now->findings.at, now->findings.n, ROP_WHY_UNREACHABLE), "it speaks TLS");
	assert_holds(now->findings.at[0].advice, "'port' beside 'tls-port'");
	world->nodes[2].reach = ROP_REACH_DENIED;
	world->nodes[2].reach_why = "it refuses connections from other hosts (protected mode)";
	now = situation_of(topology, world);
	assert_holds(now->findings.at[0].advice, "CONFIG SET protected-mode no");
}

Test(policy_announced, of_very_many_that_announce_an_address_the_first_are_told)
{
	struct rop_topology *topology = six();
	struct rop_observed *world = fresh(topology);
	for (size_t i = 0; i < 6; i++)
		set_value(world, i, "cluster-announce-ip", rop_printf(pool, "192.168.7.%zu", i + 1));
	struct rop_situation *now = situation_of(topology, world);
	size_t told = 0;
	const char *last = "";
	for (size_t i = 0; i < now->warnings.n; i++)
		if (now->warnings.at[i].is == ROP_WHY_ANNOUNCES) {
			told++;
			last = now->warnings.at[i].text;
		}
	cr_assert_eq(told, 3);
	cr_assert_str_eq(last, "and so for 4 more nodes");
}

/* ---- views that differ ------------------------------------------------------------------------------------------- */

static void differ(struct rop_observed *world, struct rop_difference d)
{
	rop_bit_clear(world, world->agrees, (size_t)d.viewer, (size_t)d.subject);
	*rop_push(pool, &world->differences) = d;
}

static struct rop_situation *opened(const struct rop_topology *topology, const struct rop_observed *world)
{
	struct rop_situation *now = situation_of(topology, world);
	rop_situation_open(now);
	return now;
}

Test(policy_announced, a_copy_of_what_was_seen_has_all_differences)
{
	struct rop_observed *world = fresh(six());
	differ(world, (struct rop_difference){ 2, 1, ROP_DIFFERS_EPOCH, "7", "6", NULL, -1 });
	differ(world, (struct rop_difference){ 3, 1, ROP_DIFFERS_EPOCH, "8", "6", NULL, -1 });
	struct rop_observed *copy = rop_observed_copy(pool, world);
	cr_assert(copy->differences.n == 2 && copy->differences.at[0].viewer == 2 &&
		  copy->differences.at[1].viewer == 3);
}

Test(policy_announced, views_that_differ_are_told_with_both_values)
{
	static const struct {
		struct rop_difference d;
		const char *text;
	} CASES[] = {
		{ { 2, 1, ROP_DIFFERS_ROLE, "a primary", "a replica of 10.0.0.1:6379", NULL, -1 },
		  "10.0.0.3:6379 takes 10.0.0.2:6379 for a primary, which says that it is a replica of 10.0.0.1:6379" },
		{ { 2, 1, ROP_DIFFERS_SLOTS, "10.0.0.1:6379", "itself", "5", 0 },
		  "10.0.0.3:6379 gives slot 5 to 10.0.0.1:6379, 10.0.0.2:6379 gives it to itself" },
		{ { 2, 1, ROP_DIFFERS_SLOTS, "nobody", "itself",
		    "100 102 104 106 108 110 112 114 116 118 120 122 124 1000 1002", -1 }, /* 61 characters */
		  "10.0.0.3:6379 gives slots 100 102 104 106 108 110 112 114 116 118 120 122 124 1000 100 ... to "
		  "nobody, 10.0.0.2:6379 gives them to itself" },
		{ { 2, 1, ROP_DIFFERS_SLOTS, "nobody", "itself", "5-7", -1 },
		  "10.0.0.3:6379 gives slots 5-7 to nobody, 10.0.0.2:6379 gives them to itself" },
		{ { 2, 1, ROP_DIFFERS_EPOCH, "3", "5", NULL, -1 },
		  "10.0.0.3:6379 has config epoch 3 for 10.0.0.2:6379, which says that it is 5" },
	};
	struct rop_topology *topology = six();
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_observed *world = formed_world(topology);
		differ(world, CASES[i].d);
		struct rop_situation *now = opened(topology, world);
		cr_assert_eq(now->open.n, 1, "case %zu", i);
		cr_assert_eq(now->open.at[0].is, ROP_WHY_VIEWS_DIFFER);
		cr_assert_str_eq(now->open.at[0].text, CASES[i].text);
		cr_assert_null(now->open.at[0].advice, "servers of 7.0 see to that themselves");
	}
	struct rop_observed *world = formed_world(topology);
	for (int viewer = 2; viewer < 4; viewer++)
		differ(world, (struct rop_difference){ .viewer = viewer,
						       .subject = 1,
						       .in = ROP_DIFFERS_EPOCH,
						       .held = "3",
						       .says = "5",
						       .holder = -1 });
	rop_bit_clear(world, world->agrees, 4, 1); /* of whom nothing more is known */
	struct rop_situation *now = opened(topology, world);
	cr_assert_eq(now->open.n, 2);
	cr_assert_str_eq(now->open.at[0].text,
			 "10.0.0.3:6379, 10.0.0.4:6379 have config epoch 3 for 10.0.0.2:6379, which "
			 "says that it is 5");
	differ(world,
	       (struct rop_difference){
		       .viewer = 0, .subject = 2, .in = ROP_DIFFERS_EPOCH, .held = "3", .says = "5", .holder = -1 });
	struct rop_situation *more = opened(topology, world);
	cr_assert_eq(more->open.n, 3, "the same of another node is another sentence");
	cr_assert_str_eq(more->open.at[1].text,
			 "10.0.0.1:6379 has config epoch 3 for 10.0.0.3:6379, which says that it is 5");
	assert_holds(now->open.at[1].text, "10.0.0.5:6379: another role, epoch or slots for 10.0.0.2:6379");
}

Test(policy_announced, a_new_epoch_is_advised_only_where_nobody_else_can_claim_the_slots)
{
	struct rop_topology *topology = six();
	const struct rop_difference d = { 2, 0, ROP_DIFFERS_SLOTS, "10.0.0.2:6379", "itself", "5", 1 };
	for (int spoilt = 0; spoilt < 7; spoilt++) {
		struct rop_observed *world = formed_world(topology);
		for (size_t i = 0; i < 6; i++)
			world->nodes[i].version = 60214;
		if (spoilt == 1) /* another claims one of its slots: a new epoch would cost that one's keys */
			rop_slots_add(&world->nodes[1].slots, 5, 5);
		if (spoilt == 2)
			go_silent(world, 4);
		if (spoilt == 3)
			rop_observed_add_foreign(world, 0, node_id(99), "10.0.0.99:6379", "master", "5");
		if (spoilt == 4) /* it wins by itself */
			world->nodes[0].epoch = 9;
		if (spoilt == 5)
			world->nodes[2].version = 70015;
		if (spoilt == 6)
			world->nodes[3].open_slots = 1;
		differ(world, d);
		struct rop_situation *now = opened(topology, world);
		const char *advice = NULL;
		for (size_t i = 0; i < now->open.n; i++)
			if (now->open.at[i].is == ROP_WHY_VIEWS_DIFFER)
				advice = now->open.at[i].advice;
		cr_assert_eq(advice != NULL, !spoilt, "spoilt %d", spoilt);
		if (advice)
			assert_holds(advice, "redis-cli -h 10.0.0.1 -p 6379 cluster bumpepoch");
	}
}
