/* test_seed.c - a cluster found through one of its nodes: whom it knows, where they are for others, what its shards
 * are. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet_lib.h"
#include "rop/seed.h"
#include "rop/text.h"
#include "world.h"

static struct rop_arena *arena;
static struct rop_seed seed;
static struct rop_err err;

static void setup(void)
{
	arena = rop_arena_new();
	seed = (struct rop_seed){ 0 };
}

static void teardown(void)
{
	rop_seed_close(&seed);
	rop_arena_free(arena);
}

TestSuite(seed, .init = setup, .fini = teardown, .timeout = 30);

/* ---- whom it knows ----------------------------------------------------------------------------------------- */

static char logged_in[64]; /* the last AUTH */

/* CLUSTER NODES is what the peer is told to say. */
static void is_member(struct peer *peer, int fd)
{
	char name[128], bulk[2048];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strncmp(name, "AUTH", 4) == 0)
			snprintf(logged_in, sizeof logged_in, "%.63s", name);
		if (strcmp(name, "CLUSTER NODES") == 0) {
			snprintf(bulk, sizeof bulk, "$%zu\r\n%s\r\n", strlen(peer->say), peer->say);
			peer_say(fd, bulk, strlen(bulk));
		} else {
			peer_answer(fd, name);
		}
	}
}

static const char *line(size_t id, const char *rest)
{
	return rop_printf(arena, "%s %s\n", node_id(id), rest);
}

static bool open_at(int port)
{
	return rop_seed_open(&seed, arena, rop_printf(arena, "127.0.0.1:%d", port), NULL, NULL, &err);
}

static void must_be(size_t i, size_t id, const char *address, int bus_port, const char *name)
{
	const struct rop_endpoint *e = &seed.endpoints[i];
	cr_assert_str_eq(e->expected_id, node_id(id), "endpoint %zu", i);
	cr_assert_str_eq(e->address, address, "endpoint %zu", i);
	cr_assert_eq(e->bus_port, bus_port, "endpoint %zu: %d", i, e->bus_port);
	cr_assert(rop_streq(seed.host_names[i], name), "endpoint %zu: %s", i, seed.host_names[i]);
}

Test(seed, all_that_it_knows_an_address_of_are_endpoints)
{
	struct peer peer;
	const char *const LINES[] = {
		line(1, "10.9.0.2:7001@27001,b.internal master - 0 0 2 connected 5461-10922"),
		line(0, "10.9.0.1:7000@17000,a.internal,shard-id=x myself,master - 0 0 1 connected 0-5460"),
		line(2, "10.9.0.3:7002 master - 0 0 3 connected 10923-16383"), /* as 3.2 says it */
		line(3, rop_printf(arena, "fd00::4:7003@17003, slave %s 0 0 1 connected", node_id(0))),
		line(4, ":0@0 master,noaddr - 0 0 4 disconnected"),
		line(5, "10.9.0.9:7009@17009 handshake - 0 0 0 disconnected"),
		line(6, "10.9.0.6:7006@17006,f.internal master,noaddr - 0 0 4 disconnected"),
	};
	char *text = rop_strdup(arena, "");
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++)
		text = rop_printf(arena, "%s%s", text, LINES[i]);
	peer_start(&peer, is_member, text);
	cr_assert(open_at(peer.port), "%s", err.text);
	peer_stop(&peer);
	cr_assert_eq(seed.n, 4);
	must_be(0, 0, rop_printf(arena, "127.0.0.1:%d", peer.port), 17000, "a.internal");
	must_be(1, 1, "10.9.0.2:7001", 27001, "b.internal");
	must_be(2, 2, "10.9.0.3:7002", 0, NULL);
	must_be(3, 3, "[fd00::4]:7003", 17003, NULL);
	cr_assert_eq(seed.endpoints[3].port, 7003);
	cr_assert_str_eq(seed.endpoints[3].ip, "fd00::4");
	cr_assert_str_eq(seed.announced.address, "10.9.0.1:7000");
	cr_assert_eq(seed.nowhere.n, 2, "a handshake has no identity yet");
	cr_assert_str_eq(seed.nowhere.at[0], node_id(4));
	cr_assert_str_eq(seed.nowhere.at[1], node_id(6));
}

Test(seed, all_endpoints_are_looked_at)
{
	struct peer first, second;
	char says[2][512] = { "", "" };
	peer_start(&first, is_member, says[0]);
	peer_start_beside(&second, &first, is_member, says[1]);
	for (int i = 0; i < 2; i++)
		snprintf(says[i], sizeof says[i],
			 "%s 127.0.0.1:%d@17000 %smaster - 0 0 1 connected 0-8191\n"
			 "%s 127.0.0.2:%d@17000 %smaster - 0 0 2 connected 8192-16383\n",
			 node_id(0), first.port, i ? "" : "myself,", node_id(1), first.port, i ? "myself," : "");
	cr_assert(open_at(first.port), "%s", err.text);
	rop_seed_look(&seed, 0, NULL, 0);
	peer_stop(&first);
	peer_stop(&second);
	cr_assert_eq(seed.seen->n, 2);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(seed.seen->nodes[i].reach, ROP_REACH_OK, "%s", seed.seen->nodes[i].reach_why);
		cr_assert_str_eq(seed.seen->nodes[i].id, node_id(i));
		cr_assert(rop_slots_has(&seed.seen->nodes[i].slots, i ? 8192 : 8191));
	}
}

Test(seed, a_password_is_given_and_is_not_asked_for_without_need)
{
	struct peer peer;
	char file[] = "/tmp/rop-seed-XXXXXX";
	int fd = mkstemp(file);
	cr_assert(fd >= 0 && write(fd, "hunter2\n", 8) == 8 && fchmod(fd, 0600) == 0);
	close(fd);
	peer_start(&peer, is_member, line(0, "127.0.0.1:7000@17000 myself,master - 0 0 1 connected"));
	const char *address = rop_printf(arena, "127.0.0.1:%d", peer.port);
	cr_assert(open_at(peer.port), "%s", err.text);
	cr_assert_str_empty(logged_in);
	rop_seed_close(&seed);
	cr_assert(rop_seed_open(&seed, arena, address, "eva", file, &err), "%s", err.text);
	cr_assert_str_eq(logged_in, "AUTH eva hunter2");
	rop_seed_close(&seed);
	cr_assert_not(rop_seed_open(&seed, arena, address, "eva", NULL, &err));
	cr_assert(err.code == ROP_INVALID && strstr(err.text, "--user eva needs --password-file too"), "%s", err.text);
	peer_stop(&peer);
	unlink(file);
	cr_assert_not(rop_seed_open(&seed, arena, address, "eva", file, &err));
	cr_assert(strstr(err.text, "No such file"), "%s", err.text);
}

Test(seed, one_that_does_not_answer_or_is_no_address_says_why)
{
	struct peer peer;
	peer_start(&peer, is_member, "");
	peer_stop(&peer);
	cr_assert_not(open_at(peer.port));
	cr_assert_eq(err.code, ROP_UNREACHABLE);
	cr_assert(strstr(err.text, "refused"), "%s", err.text);
	cr_assert_not(rop_seed_open(&seed, arena, "7000", NULL, NULL, &err));
	cr_assert(err.code == ROP_INVALID && strstr(err.text, "'7000' is not HOST:PORT"), "%s", err.text);
}

/* ---- where they are for others ----------------------------------------------------------------------------- */

static void give_endpoints(const char *const *ips, size_t n)
{
	seed.arena = arena;
	seed.host = "db.test";
	seed.port = 7000;
	seed.n = n;
	seed.endpoints = rop_alloc_n(arena, n, sizeof *seed.endpoints);
	for (size_t i = 0; i < n; i++) {
		int port = 7000 + (int)i;
		seed.endpoints[i] = (struct rop_endpoint){ .address = rop_address_join(arena, ips[i], port),
							   .ip = ips[i],
							   .port = port };
	}
	seed.announced = seed.endpoints[0];
}

Test(seed, what_it_calls_loopback_is_its_host_for_who_is_elsewhere)
{
	static const struct {
		const char *asked_at, *ips[4];
		size_t replaced;
		const char *becomes[4];
	} CASES[] = {
		{ "192.0.2.7",
		  { "127.0.0.1", "127.0.0.1", "10.0.0.9", "::1" },
		  3,
		  { "db.test:7000", "db.test:7001", "10.0.0.9:7002", "db.test:7003" } },
		{ "192.0.2.7",
		  { "10.0.0.1", "127.0.0.1", "10.0.0.9", "10.0.0.8" },
		  1,
		  { "10.0.0.1:7000", "db.test:7001", "10.0.0.9:7002", "10.0.0.8:7003" } },
		{ "192.0.2.7", /* it has not learned its own address */
		  { "", "10.0.0.2", "10.0.0.9", "10.0.0.8" },
		  0,
		  { "db.test:7000", "10.0.0.2:7001", "10.0.0.9:7002", "10.0.0.8:7003" } },
		{ "127.0.0.1",
		  { "127.0.0.1", "127.0.0.1", "10.0.0.9", "::1" },
		  0,
		  { "127.0.0.1:7000", "127.0.0.1:7001", "10.0.0.9:7002", "[::1]:7003" } },
	};
	for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
		give_endpoints(CASES[c].ips, 4);
		seed.ip = CASES[c].asked_at;
		cr_assert_eq(rop_seed_choose_addresses(&seed), CASES[c].replaced, "case %zu", c);
		for (size_t i = 0; i < 4; i++)
			cr_assert_str_eq(seed.endpoints[i].address, CASES[c].becomes[i], "case %zu", c);
	}
}

/* ---- its shards -------------------------------------------------------------------------------------------- */

struct member {
	const char *ip;
	int first, last, primary;
};

static void must_be_shaped(const struct member *members, size_t n, const char *wanted)
{
	struct rop_seed_shape shape;
	const char *ips[8] = { NULL };
	for (size_t i = 0; i < n; i++)
		ips[i] = members[i].ip;
	give_endpoints(ips, n);
	struct rop_observed *seen = rop_observed_new(arena, n, NULL, 0);
	for (size_t i = 0; i < n; i++) {
		seen->nodes[i].primary = members[i].primary;
		if (members[i].primary < 0)
			rop_slots_add(&seen->nodes[i].slots, members[i].first, members[i].last);
	}
	seed.seen = seen;
	rop_seed_shape(&seed, &shape);
	char *text = rop_printf(arena, "%zu shards of %d to %d replicas:", shape.n_shards, shape.fewest, shape.most);
	for (size_t i = 0; i < n; i++)
		text = rop_printf(arena, "%s %s/%d", text, seed.endpoints[shape.order[i]].ip,
				  shape.shard_of[shape.order[i]]);
	cr_assert_str_eq(text, wanted);
}

Test(seed, its_shards_are_the_same_whichever_node_was_asked)
{
	static const struct member ONE[] = {
		{ "10.0.0.10", 0, 0, 2 }, { "10.0.0.3", 0, 8191, -1 }, { "10.0.0.1", 8192, 16383, -1 },
		{ "10.0.0.9", 0, 0, 2 },  { "10.0.0.2", 0, 0, 1 },
	};
	static const struct member OTHER[] = {
		{ "10.0.0.1", 8192, 16383, -1 }, { "10.0.0.2", 0, 0, 3 },  { "10.0.0.9", 0, 0, 0 },
		{ "10.0.0.3", 0, 8191, -1 },     { "10.0.0.10", 0, 0, 0 },
	};
	static const char WANTED[] = "2 shards of 1 to 2 replicas: 10.0.0.3/0 10.0.0.1/1 10.0.0.2/0 10.0.0.9/1 "
				     "10.0.0.10/1";
	must_be_shaped(ONE, 5, WANTED);
	must_be_shaped(OTHER, 5, WANTED);
}
