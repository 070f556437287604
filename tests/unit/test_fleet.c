/* test_fleet.c - observing and sending when the other side misbehaves. */
#include <criterion/criterion.h>

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fleet_lib.h"

#define MIB_KIB 1024
#if defined __has_feature
#if __has_feature(address_sanitizer) /* how clang says it */
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define MEMORY_MAX_KIB (700 * MIB_KIB) /* its quarantine keeps what was freed */
#else
#define MEMORY_MAX_KIB (260 * MIB_KIB)
#endif

static void assert_says(const char *text, const char *what)
{
	cr_assert(text && strstr(text, what), "'%s' does not say '%s'", text ? text : "(null)", what);
}

static void assert_reach(int port, enum rop_reach reach, const char *what)
{
	struct rop_answer answer = look_once(port);
	cr_assert_eq(answer.reach, reach, "reach %d: %s", (int)answer.reach, answer.reach_why);
	if (what)
		assert_says(answer.reach_why, what);
}

/* ---- what is said ------------------------------------------------------------------------------------------ */

static void says_at_once(struct peer *peer, int fd)
{
	peer_say(fd, peer->say, strlen(peer->say));
	peer_wait_closed(fd);
}

Test(fleet, other_protocols_are_not_redis)
{
	static const struct {
		const char *say, *why;
	} PEERS[] = {
		{ "\x01\x02\x03 garbage\r\n", "does not speak the Redis protocol" },
		{ "HTTP/1.1 400 Bad Request\r\nServer: nginx\r\n\r\n", "speaks HTTP" },
		{ "SSH-2.0-OpenSSH_9.2\r\n", "speaks SSH" },
		{ "\x15\x03\x01\x02\x02\x46", "wants TLS" },
		{ "$-7\r\n", "does not speak the Redis protocol" },
		{ "+OK\r\n+OK\r\n", "answers CLUSTER NODES with a status" },
		{ "+OK\r\n:17\r\n", "answers CLUSTER NODES with a number" },
		{ "+OK\r\n*1\r\n+x\r\n", "answers CLUSTER NODES with an array" },
		{ "+OK\r\n$-1\r\n", "answers CLUSTER NODES with nothing" },
		{ "+OK\r\n$9999999999\r\nabc", "longer than 2052 KiB" },
		{ "+OK\r\n$9223372036854775807\r\nabc", "longer than 2052 KiB" },
		{ "+OK\r\n*1000000000\r\n", "more than 100000 elements" },
		{ "+OK\r\n*100001\r\n", "more than 100000 elements" },
		{ "+OK\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n",
		  "nested too deeply" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		int64_t start = rop_boot_ms();
		peer_start(&peer, says_at_once, PEERS[i].say);
		assert_reach(peer.port, ROP_REACH_NOT_REDIS, PEERS[i].why);
		cr_assert_lt(rop_boot_ms() - start, 250, "seen at once, not at the deadline");
		peer_stop(&peer);
	}
}

static void says_nul(struct peer *peer, int fd)
{
	static const char SAY[] = "+OK\r\n$4\r\nab\0c\r\n";
	(void)peer;
	peer_say(fd, SAY, sizeof SAY - 1);
	peer_wait_closed(fd);
}

Test(fleet, nul_bytes_in_a_text_are_not_redis)
{
	struct peer peer;
	peer_start(&peer, says_nul, NULL);
	assert_reach(peer.port, ROP_REACH_NOT_REDIS, "NUL bytes");
	peer_stop(&peer);
}

/* Answers everything well but CLUSTER NODES, where it says peer->say. */
static void answers_nodes_with(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "CLUSTER NODES") == 0)
			peer_say(fd, peer->say, strlen(peer->say));
		else
			peer_answer(fd, name);
	}
}

Test(fleet, an_error_reply_says_what_is_wrong_with_the_node)
{
	static const struct {
		const char *say;
		enum rop_reach reach;
		const char *why;
	} PEERS[] = {
		{ "-LOADING Redis is loading the dataset in memory\r\n", ROP_REACH_LOADING, "loading" },
		{ "-BUSY Redis is busy running a script.\r\n", ROP_REACH_LOADING, "busy" },
		{ "-NOAUTH Authentication required.\r\n", ROP_REACH_DENIED, "asks for a password" },
		{ "-NOPERM this user has no permissions to run the 'cluster|nodes' command\r\n", ROP_REACH_DENIED,
		  "user 'default' may not run 'cluster|nodes'" },
		{ "-NOPERM User default has no permissions to run the 'cluster|nodes' command\r\n", ROP_REACH_DENIED,
		  "user 'default' may not run 'cluster|nodes'" },
		{ "-NOPERM this user has no permissions to run the 'cluster' command or its subcommand\r\n",
		  ROP_REACH_DENIED, "may not run 'cluster'" },
		{ "-NOPERM because I say so\r\n", ROP_REACH_DENIED, "may not run CLUSTER NODES" },
		{ "-NOPERM this user has no permissions to run '' today\r\n", ROP_REACH_DENIED,
		  "user 'default' may not run CLUSTER NODES" },
		{ "-ERR This instance has cluster support disabled\r\n", ROP_REACH_NOT_CLUSTER, "cluster mode" },
		{ "-ERR unknown command `CLUSTER`, with args beginning with: `NODES`, \r\n", ROP_REACH_NO_COMMAND,
		  "CLUSTER is renamed or disabled there (rename-command)" },
		{ "-ERR max number of clients reached\r\n", ROP_REACH_SILENT, "no more connections" },
		{ "-DENIED Redis is running in protected mode because\r\n", ROP_REACH_DENIED, "protected mode" },
		{ "-ERR something\x1b[31m new\r\n", ROP_REACH_NOT_REDIS, "something?[31m new" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		peer_start(&peer, answers_nodes_with, PEERS[i].say);
		assert_reach(peer.port, PEERS[i].reach, PEERS[i].why);
		peer_stop(&peer);
	}
}

/* Knows no CLUSTER, and says of itself what peer->say is; no INFO either where that is "". */
static void knows_no_cluster(struct peer *peer, int fd)
{
	static const char UNKNOWN[] = "-ERR unknown command 'X', with args beginning with: 'Y' \r\n";
	char name[128], bulk[256];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strncmp(name, "CLUSTER", 7) == 0 || (strncmp(name, "INFO", 4) == 0 && !*peer->say)) {
			peer_say(fd, UNKNOWN, sizeof UNKNOWN - 1);
		} else if (strcmp(name, "INFO server") == 0) {
			snprintf(bulk, sizeof bulk, "$%zu\r\n%s\r\n", strlen(peer->say), peer->say);
			peer_say(fd, bulk, strlen(bulk));
		} else {
			peer_answer(fd, name);
		}
	}
}

Test(fleet, a_server_without_cluster_is_what_its_info_says)
{
	static const struct {
		const char *info;
		enum rop_reach reach;
		const char *why;
	} PEERS[] = {
		{ "redis_version:7.0.15\r\nredis_mode:sentinel\r\n", ROP_REACH_SENTINEL,
		  "it is a Sentinel, not a data node" },
		{ "redis_version:7.2.4\r\nserver_mode:sentinel\r\n", ROP_REACH_SENTINEL,
		  "it is a Sentinel, not a data node" },
		{ "redis_version:7.0.15\r\nredis_mode:standalone\r\n", ROP_REACH_NOT_CLUSTER, "cluster-enabled no" },
		{ "redis_version:7.0.15\r\nredis_mode:cluster\r\n", ROP_REACH_NO_COMMAND,
		  "CLUSTER is renamed or disabled" },
		{ "redis_version:7.0.15\r\n", ROP_REACH_NO_COMMAND, "CLUSTER is renamed or disabled" },
		{ "", ROP_REACH_NO_COMMAND,
		  "CLUSTER and INFO are renamed or disabled there (rename-command), or it is no data node" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		peer_start(&peer, knows_no_cluster, PEERS[i].info);
		assert_reach(peer.port, PEERS[i].reach, PEERS[i].why);
		peer_stop(&peer);
	}
}

/* Knows all but INFO, and no CONFIG. */
static void knows_no_info(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strncmp(name, peer->say, strlen(peer->say)) == 0)
			peer_say(fd, "-ERR unknown command\r\n", 22);
		else
			peer_answer(fd, name);
	}
}

Test(fleet, a_command_that_is_gone_is_named)
{
	struct peer peer;
	struct view view;
	peer_start(&peer, knows_no_info, "INFO");
	assert_reach(peer.port, ROP_REACH_NO_COMMAND, "INFO is renamed or disabled there (rename-command)");
	peer_stop(&peer);
	for (int gone = 0; gone < 2; gone++) {
		view_init(&view);
		peer_start(&peer, knows_no_info, gone ? "CONFIG" : "nothing");
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view, ROP_OBSERVE_SETTINGS);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		cr_assert_eq(answer->no_config, gone == 1);
		view_done(&view);
		peer_stop(&peer);
	}
}

/* A node whose id is peer->say. */
static void is_node(struct peer *peer, int fd)
{
	char name[128], line[128], bulk[256];
	snprintf(line, sizeof line, "%s 127.0.0.1:7000@17000 myself,master - 0 0 0 connected\n", peer->say);
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "CLUSTER NODES") == 0) {
			snprintf(bulk, sizeof bulk, "$%zu\r\n%s\r\n", strlen(line), line);
			peer_say(fd, bulk, strlen(bulk));
		} else {
			peer_answer(fd, name);
		}
	}
}

#define OTHER_ID "9876543210987654321098765432109876543210"

Test(fleet, a_name_of_two_servers_is_not_taken_for_one)
{
	static const char *const IPS[] = { "127.0.0.1", "127.0.0.2", "127.0.0.3" };
	static const char *const IDS[] = { NODE_ID, OTHER_ID };
	for (int same = 0; same < 2; same++) {
		struct peer first, second;
		struct view view;
		peer_start(&first, is_node, NODE_ID);
		peer_start_beside(&second, &first, is_node, IDS[!same]);
		const struct rop_endpoint named = {
			.address = "db.test:7000", .ip = IPS[0], .ips = IPS, .n_ips = 3, .port = first.port
		};
		view_init(&view);
		view.fleet = rop_fleet_new(view.loop, &view.options, &named, 1);
		for (int again = 0; again < 3; again++) {
			const struct rop_answer *answer = look(&view, ROP_OBSERVE_FULL);
			if (same) { /* the third, where nobody listens, says nothing against it */
				cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
				continue;
			}
			cr_assert_eq(answer->reach, ROP_REACH_SEVERAL, "%s", answer->reach_why);
			cr_assert_str_eq(answer->reach_why, "its name leads to two servers: node " NODE_ID
							    " answers at 127.0.0.1, node " OTHER_ID " at 127.0.0.2");
			cr_assert(!answer->cluster_nodes && !answer->info_server &&
				  answer->functions == ROP_COUNT_NOT_ASKED);
		}
		cr_assert_eq(second.connections, 1, "asked once");
		view_done(&view);
		peer_stop(&first);
		peer_stop(&second);
	}
}

Test(fleet, where_a_nameless_node_was_last_only_itself_counts)
{
	static const struct {
		const char *expected;
		enum rop_reach reach;
		const char *why;
	} CASES[] = {
		{ NODE_ID, ROP_REACH_OK, "no such name; it is reached where it was last, at 127.0.0.1" },
		{ OTHER_ID, ROP_REACH_SILENT, "no such name; where it was last, at 127.0.0.1: another server answers" },
		{ NULL, ROP_REACH_SILENT, "no such name; where it was last, at 127.0.0.1: another server answers" },
	};
	struct peer peer;
	peer_start(&peer, is_node, NODE_ID);
	for (size_t i = 0; i <= sizeof CASES / sizeof *CASES; i++) {
		bool gone = i == sizeof CASES / sizeof *CASES;
		const struct rop_endpoint named = { .address = "db.test:7000",
						    .ip = "127.0.0.1",
						    .no_ip = "no such name",
						    .port = peer.port,
						    .expected_id = gone ? NODE_ID : CASES[i].expected };
		struct view view;
		if (gone)
			peer_stop(&peer);
		view_init(&view);
		view.fleet = rop_fleet_new(view.loop, &view.options, &named, 1);
		const struct rop_answer *answer = look(&view, 0);
		cr_assert_eq(answer->reach, gone ? ROP_REACH_SILENT : CASES[i].reach);
		cr_assert_eq(answer->cluster_nodes != NULL, answer->reach == ROP_REACH_OK);
		const char *said = answer->reach == ROP_REACH_OK ? answer->nameless : answer->reach_why;
		cr_assert_str_eq(said, gone ? "no such name; where it was last, at 127.0.0.1: connection refused"
					    : CASES[i].why);
		view_done(&view);
	}
}

/* Sends unasked and hangs up, as servers do with too many clients or in protected mode. */
static void refuses_and_closes(struct peer *peer, int fd)
{
	peer_say(fd, peer->say, strlen(peer->say));
}

Test(fleet, a_refusal_that_closes_the_connection_is_the_reason)
{
	static const struct {
		const char *say;
		enum rop_reach reach;
		const char *why;
	} PEERS[] = {
		{ "-ERR max number of clients reached\r\n", ROP_REACH_SILENT, "no more connections" },
		{ "-DENIED Redis is running in protected mode because\r\n", ROP_REACH_DENIED, "protected mode" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		peer_start(&peer, refuses_and_closes, PEERS[i].say);
		for (int again = 0; again < 20; again++) /* hanging up races with our writing */
			assert_reach(peer.port, PEERS[i].reach, PEERS[i].why);
		peer_stop(&peer);
	}
}

/* Takes no name; says so, answers one look, and hangs up in the middle of the second. */
static void takes_no_name(struct peer *peer, int fd)
{
	char name[128];
	for (int i = 0; i < LOOK_COMMANDS + 1 && peer_command(peer, fd, name, sizeof name); i++)
		if (strncmp(name, "CLIENT SETNAME", 14) == 0)
			peer_say(fd, peer->say, strlen(peer->say));
		else if (i < LOOK_COMMANDS)
			peer_answer(fd, name);
}

/* Says so and hangs up before it has answered anything. */
static void takes_no_name_and_closes(struct peer *peer, int fd)
{
	char name[128];
	peer_command(peer, fd, name, sizeof name);
	peer_say(fd, peer->say, strlen(peer->say));
	while (!strstr(name, "modules") && peer_command(peer, fd, name, sizeof name))
		;
}

Test(fleet, a_refused_name_is_no_reason_for_what_comes_later)
{
	static const char *const SAY[] = {
		"-NOPERM this user has no permissions to run the 'client|setname' command\r\n",
		"-ERR unknown subcommand 'SETNAME'\r\n",
		"-ERR max number of clients reached\r\n",
	};
	for (size_t i = 0; i < sizeof SAY / sizeof *SAY; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		peer_start(&peer, takes_no_name, SAY[i]);
		view_open(&view, &peer.port, 1);
		cr_assert_eq(look(&view, 0)->reach, ROP_REACH_OK);
		const struct rop_answer *answer = look(&view, 0);
		cr_assert_eq(peer.connections, 1);
		cr_assert_eq(answer->reach, ROP_REACH_SILENT, "%s", answer->reach_why);
		assert_says(answer->reach_why, "closed the connection");
		view_done(&view);
		peer_stop(&peer);
		if (i == 2) /* that one is the reason, at once */
			continue;
		peer_start(&peer, takes_no_name_and_closes, SAY[i]);
		assert_reach(peer.port, ROP_REACH_SILENT, "closed the connection");
		peer_stop(&peer);
	}
}

/* ---- what never ends --------------------------------------------------------------------------------------- */

static void never_ends(struct peer *peer, int fd)
{
	char block[65536];
	size_t n = strlen(peer->say), filled = 0;
	const char *loop = strchr(peer->say, '~');
	peer_say(fd, peer->say, (size_t)(loop - peer->say));
	n = strlen(loop + 1);
	while (filled + n <= sizeof block) {
		memcpy(block + filled, loop + 1, n);
		filled += n;
	}
	while (!peer->stop && peer_say(fd, block, filled))
		;
}

#define X10 "xxxxxxxxxx"
#define X100 X10 X10 X10 X10 X10 X10 X10 X10 X10 X10
#define X1000 X100 X100 X100 X100 X100 X100 X100 X100 X100 X100

Test(fleet, an_endless_answer_ends_and_stays_small)
{
	/* up to '~' once, what follows for ever */
	static const struct {
		const char *say, *why;
	} PEERS[] = {
		{ "+OK\r\n$60000000\r\n~abcdefgh", NULL },
		{ "+OK\r\n$67000000\r\n~abcdefgh", NULL },
		{ "+OK\r\n+~x", "line without an end" },
		{ "+OK\r\n-~x\n", "line without an end" },
		{ "~+OK\r\n", "a status" },
		{ "+OK\r\n~$1\r\nx\r\n", "more replies than it was asked for" },
		{ "+OK\r\n*100000\r\n~+\r\n", "an array" },
		{ "+OK\r\n*90000\r\n~*9\r\n+\r\n+\r\n+\r\n+\r\n+\r\n+\r\n+\r\n+\r\n+\r\n",
		  "more than 100000 elements" },
		{ "+OK\r\n*1\r\n~*1\r\n", "nested too deeply" },
		{ "+OK\r\n*90000\r\n~$1000\r\n" X1000 "\r\n", "its answer to CLUSTER NODES is longer than 2052 KiB" },
		{ "*90000\r\n~$1000\r\n" X1000 "\r\n", "its answer to CLIENT SETNAME is longer than 1024 KiB" },
		{ "+OK\r\n$3000000\r\n~abcdefgh", "its answer to CLUSTER NODES is longer than 2052 KiB" },
	};
	long before = memory_peak_kib();
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		view.options.command_timeout_ms = 5000;
		peer_start(&peer, never_ends, PEERS[i].say);
		view_open(&view, &peer.port, 1);
		int64_t start = rop_boot_ms();
		const struct rop_answer *answer = look(&view, 0);
		cr_assert_eq(answer->reach, ROP_REACH_NOT_REDIS, "%s: %s", PEERS[i].say, answer->reach_why);
		if (PEERS[i].why)
			assert_says(answer->reach_why, PEERS[i].why);
		cr_assert_lt(rop_boot_ms() - start, 4500, "%s: ends before the deadline", PEERS[i].say);
		view_done(&view);
		peer_stop(&peer);
	}
	cr_assert_lt(memory_peak_kib() - before, MEMORY_MAX_KIB, "grew by %ld KiB", memory_peak_kib() - before);
}

static void big_but_true(struct peer *peer, int fd)
{
	char name[128], header[32], block[1000];
	memset(block, 'x', sizeof block);
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "CLUSTER NODES") != 0) {
			peer_answer(fd, name);
			continue;
		}
		snprintf(header, sizeof header, "$%d\r\n", 2000 * 1000);
		peer_say(fd, header, strlen(header));
		for (int i = 0; i < 2000; i++)
			peer_say(fd, block, sizeof block);
		peer_say(fd, "\r\n", 2);
	}
}

Test(fleet, a_big_answer_is_taken_whole)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.command_timeout_ms = 10000;
	peer_start(&peer, big_but_true, NULL);
	view_open(&view, &peer.port, 1);
	for (int pass = 0; pass < 2; pass++) {
		const struct rop_answer *answer = look(&view, 0);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		cr_assert_eq(strlen(answer->cluster_nodes), 2000 * 1000);
	}
	cr_assert_eq(peer.connections, 1, "its buffer is let go of, the connection is not");
	view_done(&view);
	peer_stop(&peer);
}

static void answers_well(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name))
		peer_answer(fd, name);
}

/* ---- longer than can be explained ---------------------------------------------------------------------------- */

/* peer->say: "COMMAND|SIZE"; that command is answered with so many bytes of lines, all others well. */
static void answers_at_length(struct peer *peer, int fd)
{
	static char block[1 << 16];
	static const char LINE[] = NODE_ID " 10.0.0.1:6379@16379 master - 0 0 1 connected\n";
	char name[128], header[32];
	size_t command = strcspn(peer->say, "|");
	for (size_t at = 0; at < sizeof block; at++)
		block[at] = LINE[at % (sizeof LINE - 1)];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strncmp(name, peer->say, command) != 0) {
			peer_answer(fd, name);
			continue;
		}
		size_t left = (size_t)atol(peer->say + command + 1);
		snprintf(header, sizeof header, "$%zu\r\n", left);
		peer_say(fd, header, strlen(header));
		for (size_t n; left > 0 && peer_say(fd, block, n = left < sizeof block ? left : sizeof block);
		     left -= n)
			;
		peer_say(fd, "\r\n", 2);
	}
}

Test(fleet, megabytes_of_nodes_cost_little_and_delay_nobody)
{
	struct peer peers[6];
	int ports[6];
	struct view view;
	view_init(&view);
	view.options.command_timeout_ms = 10000;
	for (int i = 0; i < 6; i++) {
		peer_start(&peers[i], i % 2 ? answers_well : answers_at_length, "CLUSTER NODES|60000000");
		ports[i] = peers[i].port;
	}
	view_open(&view, ports, 6);
	long before = memory_peak_kib();
	int64_t start = rop_boot_ms();
	const struct rop_answer *answers = look(&view, 0);
	cr_assert_lt(rop_boot_ms() - start, 1000);
	cr_assert_lt(memory_peak_kib() - before, 16 * MIB_KIB, "grew by %ld KiB", memory_peak_kib() - before);
	for (int i = 0; i < 6; i++) {
		cr_assert_eq(answers[i].reach, i % 2 ? ROP_REACH_OK : ROP_REACH_NOT_REDIS, "%s", answers[i].reach_why);
		if (i % 2 == 0)
			assert_says(answers[i].reach_why, "its answer to CLUSTER NODES is longer than");
	}
	view_done(&view);
	for (int i = 0; i < 6; i++)
		peer_stop(&peers[i]);
}

Test(fleet, every_question_has_a_longest_answer)
{
	static const struct {
		const char *say, *asked;
	} PEERS[] = {
		{ "CLUSTER NODES|2200000", "CLUSTER NODES" },
		{ "CLUSTER INFO|1100000", "CLUSTER INFO" },
		{ "INFO server|1100000", "INFO server" },
		{ "INFO replication|1100000", "INFO replication" },
		{ "INFO keyspace|1100000", "INFO keyspace" },
		{ "CONFIG GET maxmemory|66000", "CONFIG GET" },
		{ "FUNCTION LIST WITHCODE|68000000", "FUNCTION LIST" },
		{ "INFO memory|1100000", "INFO memory" },
		{ "INFO clients|1100000", "INFO clients" },
		{ "CLIENT SETNAME|1100000", "CLIENT SETNAME" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		view.options.command_timeout_ms = 5000;
		peer_start(&peer, answers_at_length, PEERS[i].say);
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view,
						       ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS);
		cr_assert_eq(answer->reach, ROP_REACH_NOT_REDIS, "%s", PEERS[i].say);
		assert_says(answer->reach_why,
			    rop_printf(view.arena, "its answer to %s is longer than", PEERS[i].asked));
		view_done(&view);
		peer_stop(&peer);
	}
}

/* ---- slots that servers move by themselves --------------------------------------------------------------------- */

/* A server that can, and lists what it is at as peer->say. */
static void moves_slots(struct peer *peer, int fd)
{
	static const char SETTING[] = "*2\r\n$34\r\n" ROP_SLOT_JOBS_SETTING "\r\n$4\r\n1000\r\n";
	static const char COMMAND[] = "*1\r\n*1\r\n$20\r\ncluster|migrateslots\r\n";
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "CONFIG GET " ROP_SLOT_JOBS_SETTING) == 0)
			peer_say(fd, SETTING, sizeof SETTING - 1);
		else if (strncmp(name, "COMMAND INFO", 12) == 0)
			peer_say(fd, COMMAND, sizeof COMMAND - 1);
		else if (strcmp(name, "CLUSTER GETSLOTMIGRATIONS") == 0)
			peer_say(fd, peer->say, strlen(peer->say));
		else
			peer_answer(fd, name);
	}
}

/* By when it began. */
static const char *job_of(struct rop_arena *arena, const char *state, int created_s)
{
	return rop_printf(arena,
			  "*12\r\n$4\r\nname\r\n$40\r\n%040d\r\n"
			  "$11\r\nsource_node\r\n$40\r\n" NODE_ID "\r\n$11\r\ntarget_node\r\n$40\r\n%040d\r\n"
			  "$11\r\nslot_ranges\r\n$5\r\n0-100\r\n$5\r\nstate\r\n$%zu\r\n%s\r\n"
			  "$11\r\ncreate_time\r\n:%d\r\n",
			  created_s, 2, strlen(state), state, created_s);
}

Test(fleet, jobs_at_work_come_first_then_the_newest)
{
	static const int BEGAN[][3] = { { 1, 2, 3 }, { 3, 2, 1 }, { 2, 3, 1 } };
	for (size_t k = 0; k < sizeof BEGAN / sizeof *BEGAN; k++) {
		ROP_OWN_ARENA said = rop_arena_new(); /* for as long as the peer may be saying it */
		struct peer peer;
		struct view view;
		view_init(&view);
		const char *list = rop_printf(said, "*4\r\n%s%s%s%s", job_of(said, "success", BEGAN[k][0]),
					      job_of(said, "failed", BEGAN[k][1]), job_of(said, "snapshotting", 0),
					      job_of(said, "canceled", BEGAN[k][2]));
		peer_start(&peer, moves_slots, list);
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view, ROP_OBSERVE_SETTINGS);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		cr_assert(answer->moves_by_itself && answer->n_jobs == 4, "%zu", answer->n_jobs);
		cr_assert(answer->jobs[0].state == ROP_JOB_RUNS && answer->jobs[0].created_s == 0);
		for (int i = 1; i < 4; i++)
			cr_assert_eq(answer->jobs[i].created_s, 4 - i, "order %zu, job %d", k, i);
		view_done(&view);
		peer_stop(&peer);
	}
}

/* It is looked at as before, but not taken for one that could be asked to move slots. */
Test(fleet, a_list_of_jobs_that_is_longer_than_can_be_explained_is_not_read)
{
	static const size_t SIZES[] = { 4000000, 4500000 };
	for (size_t k = 0; k < sizeof SIZES / sizeof *SIZES; k++) {
		ROP_OWN_ARENA said = rop_arena_new(); /* for as long as the peer may be saying it */
		struct peer peer;
		struct view view;
		view_init(&view);
		view.options.command_timeout_ms = 5000;
		char *text = rop_alloc(said, SIZES[k] + 1);
		memset(text, 'x', SIZES[k]);
		peer_start(&peer, moves_slots, rop_printf(said, "*1\r\n$%zu\r\n%s\r\n", SIZES[k], text));
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view, ROP_OBSERVE_SETTINGS);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		cr_assert_eq(answer->moves_by_itself, k == 0, "%zu bytes", SIZES[k]);
		cr_assert_eq(answer->n_jobs, 0);
		view_done(&view);
		peer_stop(&peer);
	}
}

/* ---- what waits for replicas ----------------------------------------------------------------------------------- */

#define HISTORY "0000000000000000000000000000000000000001"
#define OTHER_HISTORY "0000000000000000000000000000000000000002"

/* peer->say: "FIELDS|TIMES|FIELDS": INFO replication says the former so often, then the latter. */
static void replicates(struct peer *peer, int fd)
{
	char name[128], info[256], bulk[300];
	const char *times = strchr(peer->say, '|'), *then = strchr(times + 1, '|');
	int asked = 0;
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "INFO replication") != 0) {
			peer_answer(fd, name);
			continue;
		}
		bool before = asked++ < atoi(times + 1);
		snprintf(info, sizeof info, "# Replication\r\n%.*s\r\n",
			 before ? (int)(times - peer->say) : (int)strlen(then + 1), before ? peer->say : then + 1);
		snprintf(bulk, sizeof bulk, "$%zu\r\n%s\r\n", strlen(info), info);
		peer_say(fd, bulk, strlen(bulk));
	}
}

#define PRIMARY_AT(offset) "|0|role:master\r\nmaster_replid:" HISTORY "\r\nmaster_repl_offset:" #offset
#define PRIMARY PRIMARY_AT(100)
#define REPLICA_AT(offset) "role:slave\r\nmaster_replid:" HISTORY "\r\nslave_repl_offset:" #offset
#define REPLICA "|0|" REPLICA_AT(100)

/* A primary and two replicas: two commands to it that are to wait until both replicas have what it has. */
static void slots_are_handed_over(const char *const *say, enum rop_sent sent, const char *why, int least)
{
	static const char *const COMMANDS[] = { "CLUSTER SETSLOT 7 NODE " NODE_ID, "CLUSTER SETSLOT 8 NODE " NODE_ID };
	static const int REPLICAS[] = { 1, 2 };
	struct rop_pace pace = { .witnesses = REPLICAS, .n_witnesses = 2, .at_a_time = 1, .rest_ms = 1 };
	struct peer peers[3];
	int ports[3];
	struct view view;
	view_init(&view);
	for (int i = 0; i < 3; i++) {
		peer_start(&peers[i], replicates, say[i]);
		ports[i] = peers[i].port;
	}
	view_open(&view, ports, 3);
	const struct rop_outcome *outcomes = tell_paced(&view, COMMANDS, 2, &pace);
	for (int i = 0; i < 2; i++) {
		cr_assert_eq(outcomes[i].sent, sent, "%s: %s", say[2], outcomes[i].text ? outcomes[i].text : "");
		if (why)
			assert_says(outcomes[i].text, why);
	}
	cr_assert_geq(peers[2].commands, least, "it was asked %d times only", peers[2].commands);
	view_done(&view);
	for (int i = 0; i < 3; i++)
		peer_stop(&peers[i]);
}

Test(fleet, slots_are_handed_over_once_all_replicas_have_what_their_primary_has)
{
	slots_are_handed_over((const char *[]){ PRIMARY, REPLICA, REPLICA }, ROP_SENT_OK, NULL, 1);
	slots_are_handed_over((const char *[]){ PRIMARY, REPLICA, REPLICA_AT(99) "|5|" REPLICA_AT(101) }, ROP_SENT_OK,
			      NULL, 6);
	slots_are_handed_over((const char *[]){ PRIMARY, REPLICA_AT(0) "|3|" REPLICA_AT(100), REPLICA }, ROP_SENT_OK,
			      NULL, 1);
}

Test(fleet, slots_are_not_handed_over_where_a_replica_stays_behind)
{
	static const char *const BEHIND[] = {
		"|0|" REPLICA_AT(99),
		"|0|role:slave\r\nmaster_replid:" OTHER_HISTORY "\r\nslave_repl_offset:500",
		"|0|role:master\r\nmaster_replid:" HISTORY "\r\nslave_repl_offset:500",
	};
	for (size_t i = 0; i < sizeof BEHIND / sizeof *BEHIND; i++)
		slots_are_handed_over((const char *[]){ PRIMARY, REPLICA, BEHIND[i] }, ROP_SENT_ERROR,
				      "have not got what it was given within 1s", 10);
}

Test(fleet, a_replica_that_does_not_say_how_far_it_is_has_nothing, .timeout = 20)
{
	slots_are_handed_over((const char *[]){ PRIMARY_AT(0), REPLICA, "|0|role:slave\r\nmaster_replid:" HISTORY },
			      ROP_SENT_ERROR, "have not got what it was given", 10);
}

Test(fleet, slots_are_not_handed_over_by_who_does_not_lead)
{
	slots_are_handed_over((const char *[]){ REPLICA, REPLICA, REPLICA }, ROP_SENT_ERROR,
			      "it does not lead any more, or does not say so", 0);
}

/* ---- odd pairs ----------------------------------------------------------------------------------------------- */

/* Answers everything well but CONFIG GET, where it says peer->say. */
static void answers_settings_with(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strncmp(name, "CONFIG GET", 10) == 0)
			peer_say(fd, peer->say, strlen(peer->say));
		else
			peer_answer(fd, name);
	}
}

/* A proxy may leave out the words behind it. */
Test(fleet, settings_that_may_not_be_read_are_told_from_those_that_are_gone)
{
	static const struct {
		const char *say;
		bool denied;
	} PEERS[] = {
		{ "-NOPERM this user has no permissions to run the 'config|get' command\r\n", true },
		{ "-NOPERM\r\n", true },
		{ "-NOPER\r\n", false },
		{ "-ERR unknown command 'CONFIG'\r\n", false },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		peer_start(&peer, answers_settings_with, PEERS[i].say);
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view, ROP_OBSERVE_SETTINGS);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		cr_assert_eq(answer->config_denied, PEERS[i].denied, "%s", PEERS[i].say);
		cr_assert_null(answer->settings[2]);
		view_done(&view);
		peer_stop(&peer);
	}
}

#define PAIR_OF_ANOTHER "$3\r\nabc\r\n$1\r\n7\r\n"

Test(fleet, a_setting_without_its_pair_is_not_known)
{
	static const struct {
		const char *say, *value;
	} PEERS[] = {
		{ "*3\r\n" PAIR_OF_ANOTHER "$9\r\nmaxmemory\r\n", NULL },
		{ "*1\r\n$9\r\nmaxmemory\r\n", NULL },
		{ "*0\r\n", NULL },
		{ "*4\r\n" PAIR_OF_ANOTHER "$9\r\nMaxMemory\r\n$2\r\n12\r\n", "12" },
		{ "*4\r\n" PAIR_OF_ANOTHER ":9\r\n$2\r\n12\r\n", NULL },
		{ "*4\r\n" PAIR_OF_ANOTHER "*0\r\n*0\r\n", NULL },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		peer_start(&peer, answers_settings_with, PEERS[i].say);
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view, ROP_OBSERVE_SETTINGS);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		const char *value = answer->settings[2];
		cr_assert(PEERS[i].value ? value && strcmp(value, PEERS[i].value) == 0 : !value, "%zu: %s", i, value);
		view_done(&view);
		peer_stop(&peer);
	}
}

/* ---- what stops -------------------------------------------------------------------------------------------- */

static void closes(struct peer *peer, int fd)
{
	(void)peer;
	(void)fd;
}

static void stays_silent(struct peer *peer, int fd)
{
	(void)peer;
	peer_wait_closed(fd);
}

static void closes_midway(struct peer *peer, int fd)
{
	char name[128];
	for (int i = 0; i < 3; i++)
		peer_command(peer, fd, name, sizeof name);
	peer_say(fd, "+OK\r\n$3\r\nabc\r\n$100\r\nabc", 23);
}

/* It hangs up on plain speech; a handshake it answers, with an alert. */
static void speaks_tls(struct peer *peer, int fd)
{
	unsigned char first = 0;
	if (recv(fd, &first, 1, 0) == 1 && first == 0x16)
		peer_say(fd, peer->say, strlen(peer->say));
}

Test(fleet, a_port_for_tls_is_told_from_one_that_hangs_up)
{
	static const struct {
		const char *answer, *said;
	} ANSWERS[] = {
		{ "\x15\x03\x03\x01\x02\x02\x28", ROP_SPEAKS_TLS },
		{ "\x16\x03\x03\x01\x7a\x02", ROP_SPEAKS_TLS },
		{ "-ERR what is that\r\n", "it closed the connection without an answer" },
		{ "\x16\x02\x03\x01", "it closed the connection without an answer" },
		{ "\x16\x03", "it closed the connection without an answer" },
		{ "", "it closed the connection without an answer" },
	};
	for (size_t i = 0; i < sizeof ANSWERS / sizeof *ANSWERS; i++) {
		struct peer peer;
		peer_start(&peer, speaks_tls, ANSWERS[i].answer);
		struct rop_answer answer = look_once(peer.port);
		cr_assert_eq(answer.reach, ROP_REACH_SILENT, "case %zu: %d", i, (int)answer.reach);
		cr_assert_str_eq(answer.reach_why, ANSWERS[i].said, "case %zu", i);
		cr_assert_eq(peer.connections, 2, "case %zu", i);
		peer_stop(&peer);
	}
}

Test(fleet, a_silent_peer_is_silent_for_a_reason)
{
	struct peer peer;
	peer_start(&peer, closes, NULL);
	assert_reach(peer.port, ROP_REACH_SILENT, "closed the connection without an answer");
	int port = peer.port;
	peer_stop(&peer);
	assert_reach(port, ROP_REACH_SILENT, "connection refused");
	peer_start(&peer, stays_silent, NULL);
	assert_reach(peer.port, ROP_REACH_SILENT, "takes connections, but did not answer within 300ms");
	peer_stop(&peer);
	peer_start(&peer, says_at_once, "+OK\r\n$100\r\nabc");
	assert_reach(peer.port, ROP_REACH_SILENT, "not done within 300ms");
	peer_stop(&peer);
	peer_start(&peer, closes_midway, NULL);
	assert_reach(peer.port, ROP_REACH_SILENT, "in the middle of its answer");
	cr_assert_null(look_once(peer.port).cluster_nodes, "half an answer is none");
	peer_stop(&peer);
}

/* The first address of its name fails before anything is tried; what the second one does is what is told. */
Test(fleet, of_two_addresses_the_one_that_takes_the_connection_says_why)
{
	static const char *const IPS[] = { "no address", "127.0.0.1" };
	struct peer peer;
	struct view view;
	peer_start(&peer, stays_silent, NULL);
	const struct rop_endpoint named = {
		.address = "db.test:7000", .ip = IPS[0], .ips = IPS, .n_ips = 2, .port = peer.port
	};
	view_init(&view);
	view.fleet = rop_fleet_new(view.loop, &view.options, &named, 1);
	const struct rop_answer *answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_SILENT);
	assert_says(answer->reach_why, "takes connections, but did not answer within 300ms");
	view_done(&view);
	peer_stop(&peer);
}

Test(fleet, a_full_backlog_is_no_connection)
{
	struct view view;
	view_init(&view);
	view.options.connect_timeout_ms = 200;
	struct peer full;
	peer_start(&full, stays_silent, NULL);
	full.stop = true; /* accepts no more */
	view_open(&view, &full.port, 1);
	listen(full.listener, 0);
	const struct rop_answer *answer = NULL;
	for (int i = 0; i < 6; i++) { /* one after the other takes a place in the backlog */
		struct view other;
		view_init(&other);
		other.options.connect_timeout_ms = 200;
		other.options.command_timeout_ms = 50;
		view_open(&other, &full.port, 1);
		look(&other, 0);
		view_done(&other);
	}
	answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_SILENT);
	assert_says(answer->reach_why, "within");
	view_done(&view);
	peer_stop(&full);
}

static void answers_bit_by_bit(struct peer *peer, int fd)
{
	char name[128];
	static const char NODES[] = "$94\r\n" NODE_ID " 127.0.0.1:7000@17000 myself,master - 0 0 0 connected\n\r\n";
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "CLUSTER NODES") != 0) {
			peer_answer(fd, name);
			continue;
		}
		for (size_t i = 0; i < sizeof NODES - 1; i++) {
			peer_say(fd, NODES + i, 1);
			nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
		}
	}
}

Test(fleet, a_slow_answer_within_the_deadline_counts)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.command_timeout_ms = 5000;
	peer_start(&peer, answers_bit_by_bit, NULL);
	view_open(&view, &peer.port, 1);
	const struct rop_answer *answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
	cr_assert_eq(strlen(answer->cluster_nodes), 94);
	view_done(&view);
	peer_stop(&peer);
}

/* The first connection answers after the deadline, and says "late"; later ones are in time. */
static void late_at_first(struct peer *peer, int fd)
{
	char name[128];
	bool late = peer->connections == 1;
	for (int i = 0; peer_command(peer, fd, name, sizeof name); i++) {
		if (late && i == 1)
			nanosleep(&(struct timespec){ .tv_nsec = 400000000 }, NULL);
		if (late && strncmp(name, "CLUSTER", 7) == 0)
			peer_say(fd, "$4\r\nlate\r\n", 10);
		else
			peer_answer(fd, name);
	}
}

Test(fleet, a_late_reply_is_never_taken_for_a_later_one)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.command_timeout_ms = 150;
	peer_start(&peer, late_at_first, NULL);
	view_open(&view, &peer.port, 1);
	const struct rop_answer *answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_SILENT);
	for (int64_t end = rop_boot_ms() + 3000; rop_boot_ms() < end;) {
		answer = look(&view, 0);
		cr_assert(answer->reach == ROP_REACH_SILENT || strncmp(answer->cluster_nodes, NODE_ID, 40) == 0, "%s",
			  answer->cluster_nodes);
		if (answer->reach == ROP_REACH_OK)
			break;
	}
	cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
	view_done(&view);
	peer_stop(&peer);
}

static void answers_once(struct peer *peer, int fd)
{
	char name[128];
	for (int i = 0; i < LOOK_COMMANDS && peer_command(peer, fd, name, sizeof name); i++)
		peer_answer(fd, name);
	if (peer->say)
		peer_say(fd, peer->say, strlen(peer->say));
}

Test(fleet, a_connection_that_ended_between_two_looks_is_made_again)
{
	static const char *const LEAVES[] = { NULL, "+OK\r\n", "-ERR idle too long\r\n" };
	for (size_t i = 0; i < sizeof LEAVES / sizeof *LEAVES; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		peer_start(&peer, answers_once, LEAVES[i]);
		view_open(&view, &peer.port, 1);
		for (int pass = 1; pass <= 5; pass++) {
			const struct rop_answer *answer = look(&view, 0);
			/* said in one breath with the last reply it is one reply too many, else nobody asked */
			cr_assert(answer->reach == ROP_REACH_OK || (LEAVES[i] && answer->reach == ROP_REACH_NOT_REDIS),
				  "%s", answer->reach_why);
			while (peer.connections < pass)
				nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
			nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL); /* it has hung up by now */
		}
		view_done(&view);
		peer_stop(&peer);
	}
}

/* A process that was killed, a firewall: not an end, but an error, which is the first thing that a read tells. */
static void answers_once_and_resets(struct peer *peer, int fd)
{
	struct linger hard = { .l_onoff = 1 };
	answers_once(peer, fd);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
}

Test(fleet, a_connection_that_was_reset_between_two_looks_is_made_again)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, answers_once_and_resets, NULL);
	view_open(&view, &peer.port, 1);
	for (int pass = 1; pass <= 5; pass++) {
		const struct rop_answer *answer = look(&view, 0);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL); /* it has hung up by now */
	}
	cr_assert_eq(peer.connections, 5);
	view_done(&view);
	peer_stop(&peer);
}

Test(fleet, a_connection_that_the_server_closed_is_let_go_of_at_once)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, answers_once, NULL);
	view_open(&view, &peer.port, 1);
	cr_assert_eq(look(&view, 0)->reach, ROP_REACH_OK);
	alarm(5);                /* ends the test if it waits */
	rop_loop_run(view.loop); /* nothing is left to wait for */
	alarm(0);
	view_done(&view);
	peer_stop(&peer);
}

/* Answers everything well but INFO keyspace. */
static void hides_keyspace(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "INFO keyspace") == 0)
			peer_say(fd, peer->say, strlen(peer->say));
		else
			peer_answer(fd, name);
	}
}

Test(fleet, a_keyspace_that_may_not_be_seen_is_unknown)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, hides_keyspace, "-NOPERM this user has no permissions to run the 'info' command\r\n");
	view_open(&view, &peer.port, 1);
	const struct rop_answer *answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
	cr_assert_null(answer->info_keyspace);
	cr_assert_not_null(answer->info_server);
	view_done(&view);
	peer_stop(&peer);
}

/* ---- secrets ----------------------------------------------------------------------------------------------- */

static void refuses_auth(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name))
		if (strncmp(name, "AUTH", 4) == 0)
			peer_say(fd, peer->say, strlen(peer->say));
		else
			peer_answer(fd, name);
}

Test(fleet, a_refused_login_says_why_and_never_the_secret)
{
	static const struct {
		const char *user, *say, *why;
	} PEERS[] = {
		{ NULL, "-ERR invalid password\r\n", "wrong password" },
		{ "op", "-WRONGPASS invalid username-password pair or user is disabled.\r\n", "user 'op'" },
		{ NULL, "-ERR Client sent AUTH, but no password is set\r\n", "the server has none set" },
		{ NULL,
		  "-ERR AUTH <password> called without any password configured for the default user. Are you sure your "
		  "configuration is correct?\r\n",
		  "the server has none set" },
		{ "op", "-ERR wrong number of arguments for 'auth' command\r\n", "knows no users" },
		{ "op", "-ERR unknown command `AUTH`, with args beginning with: `op`, `s3cret`, \r\n",
		  "no AUTH command" },
		{ "op", "-WEIRD s3cret is wrong\r\n", "refuses AUTH (WEIRD)" },
	};
	for (size_t i = 0; i < sizeof PEERS / sizeof *PEERS; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		view.options.user = PEERS[i].user;
		view.options.password = "s3cret";
		peer_start(&peer, refuses_auth, PEERS[i].say);
		view_open(&view, &peer.port, 1);
		const struct rop_answer *answer = look(&view, 0);
		cr_assert_eq(answer->reach, ROP_REACH_DENIED, "%s", answer->reach_why);
		assert_says(answer->reach_why, PEERS[i].why);
		cr_assert_not(strstr(answer->reach_why, "s3cret"));
		const struct rop_outcome *outcome = tell(&view, (const char *const[]){ "CLUSTER MEET 127.0.0.1 7000" },
							 1);
		cr_assert_eq(outcome->sent, ROP_SENT_ERROR, "known not executed");
		assert_says(outcome->text, "not sent: ");
		cr_assert_not(strstr(outcome->text, "s3cret"));
		view_done(&view);
		peer_stop(&peer);
	}
}

Test(fleet, a_secret_that_a_server_repeats_is_covered)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.password = "s3cret";
	peer_start(&peer, answers_nodes_with, "-ERR what is s3cret for? s3cre\r\n");
	view_open(&view, &peer.port, 1);
	const struct rop_answer *answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_NOT_REDIS);
	assert_says(answer->reach_why, "what is *** for? s3cre");
	const struct rop_outcome *outcome = tell(&view, (const char *const[]){ "CLUSTER NODES" }, 1);
	cr_assert_str_eq(outcome->text, "ERR what is *** for? s3cre");
	view_done(&view);
	peer_stop(&peer);
}

static _Atomic int changes;

/* Answers AUTH by peer->say; counts what would change it. */
static void wants_a_login(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		changes += strncmp(name, "CLUSTER MEET", 12) == 0 || strncmp(name, "FUNCTION RESTORE", 16) == 0;
		if (strncmp(name, "AUTH", 4) == 0 && peer->say)
			peer_say(fd, peer->say, strlen(peer->say));
		else if (strcmp(name, "FUNCTION DUMP") == 0)
			peer_say(fd, "$4\r\ndump\r\n", 10);
		else
			peer_answer(fd, name);
	}
}

static const char *const LOGINS[] = { "-WRONGPASS invalid username-password pair\r\n", NULL /* accepted */ };

Test(fleet, no_command_is_sent_before_the_login_is_accepted)
{
	static const char *const COMMANDS[] = { "CLUSTER MEET 127.0.0.1 7000" };
	for (int accepted = 0; accepted < 2; accepted++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		view.options.password = "s3cret";
		changes = 0;
		peer_start(&peer, wants_a_login, LOGINS[accepted]);
		view_open(&view, &peer.port, 1);
		cr_assert_eq(tell(&view, COMMANDS, 1)->sent, accepted ? ROP_SENT_OK : ROP_SENT_ERROR);
		view_done(&view);
		peer_stop(&peer); /* has read all there was */
		cr_assert_eq(changes, accepted);
	}
}

Test(fleet, functions_are_given_to_nobody_before_the_login_is_accepted)
{
	const struct rop_functions from_first = { .from = 0 };
	const struct rop_command give = { .node = 1, .functions = &from_first };
	for (int accepted = 0; accepted < 2; accepted++) {
		struct peer from, to;
		struct view view;
		view_init(&view);
		view.options.password = "s3cret";
		changes = 0;
		peer_start(&from, wants_a_login, NULL);
		peer_start(&to, wants_a_login, LOGINS[accepted]);
		const int ports[] = { from.port, to.port };
		view_open(&view, ports, 2);
		send_all(&view, &give, 1);
		cr_assert_eq(view.outcomes[0].sent, accepted ? ROP_SENT_OK : ROP_SENT_ERROR, "%s",
			     view.outcomes[0].text);
		view_done(&view);
		peer_stop(&from);
		peer_stop(&to); /* has read all there was */
		cr_assert_eq(changes, accepted);
	}
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

static void answers_two(struct peer *peer, int fd)
{
	char name[128];
	for (int i = 0; i < 4 && peer_command(peer, fd, name, sizeof name); i++)
		if (strcmp(name, "BAD") == 0)
			peer_say(fd, "-ERR no s3cret\r\n", 16);
		else if (i < 3)
			peer_say(fd, "+OK\r\n", 5);
	if (peer->say)
		peer_wait_closed(fd);
}

Test(fleet, a_command_for_no_node_is_not_sent_and_the_others_are)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, answers_two, NULL);
	view_open(&view, &peer.port, 1);
	const char *argv[] = { "GOOD" };
	const struct rop_command commands[] = { { .node = -1, .argc = 1, .argv = argv },
						{ .node = 0, .argc = 1, .argv = argv },
						{ .node = 1, .argc = 1, .argv = argv } };
	send_all(&view, commands, 3);
	cr_assert(view.n == 3 && view.outcomes[1].sent == ROP_SENT_OK);
	for (size_t i = 0; i < 3; i += 2) {
		cr_assert_eq(view.outcomes[i].sent, ROP_SENT_ERROR);
		cr_assert_str_eq(view.outcomes[i].text, "not sent: there is no such node");
	}
	view_done(&view);
	peer_stop(&peer);
}

Test(fleet, a_missing_reply_leaves_its_command_and_those_behind_it_unknown)
{
	static const char *const COMMANDS[] = { "GOOD", "BAD", "LOST", "BEHIND" };
	static const char *const HOW[] = { "in the middle of its answer", "not done within 300ms" };
	for (size_t i = 0; i < 2; i++) {
		struct peer peer;
		struct view view;
		view_init(&view);
		peer_start(&peer, answers_two, i ? "silence" : NULL);
		view_open(&view, &peer.port, 1);
		const struct rop_outcome *outcomes = tell(&view, COMMANDS, 4);
		cr_assert_eq(outcomes[0].sent, ROP_SENT_OK);
		cr_assert_null(outcomes[0].text);
		cr_assert_eq(outcomes[1].sent, ROP_SENT_ERROR, "%s", outcomes[1].text);
		cr_assert_str_eq(outcomes[1].text, "ERR no s3cret");
		cr_assert_eq(outcomes[2].sent, ROP_SENT_UNKNOWN);
		assert_says(outcomes[2].text, HOW[i]);
		cr_assert_eq(outcomes[3].sent, ROP_SENT_UNKNOWN);
		view_done(&view);
		peer_stop(&peer);
	}
}

Test(fleet, what_finds_no_connection_is_known_not_executed)
{
	static const char *const COMMANDS[] = { "ONE", "TWO" };
	struct peer peer;
	peer_start(&peer, closes, NULL);
	int port = peer.port;
	peer_stop(&peer);
	struct view view;
	view_init(&view);
	view_open(&view, &port, 1);
	const struct rop_outcome *outcomes = tell(&view, COMMANDS, 2);
	for (size_t i = 0; i < 2; i++) {
		cr_assert_eq(outcomes[i].sent, ROP_SENT_ERROR);
		cr_assert_str_eq(outcomes[i].text, "not sent: connection refused");
	}
	cr_assert_eq(tell(&view, COMMANDS, 0), view.outcomes, "nothing to send is told too");
	view_done(&view);
}

/* ---- many, and the end ------------------------------------------------------------------------------------- */

Test(fleet, a_hung_node_does_not_delay_the_others)
{
	struct peer good[3], hung;
	int ports[4];
	struct view view;
	view_init(&view);
	view.options.concurrency = 2;
	peer_start(&hung, stays_silent, NULL);
	ports[0] = hung.port;
	for (int i = 0; i < 3; i++) {
		peer_start(&good[i], answers_well, NULL);
		ports[i + 1] = good[i].port;
	}
	view_open(&view, ports, 4);
	int64_t start = rop_boot_ms();
	const struct rop_answer *answers = look(&view, 0);
	cr_assert_lt(rop_boot_ms() - start, 550, "one deadline, not four");
	cr_assert_eq(answers[0].reach, ROP_REACH_SILENT);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(answers[i + 1].reach, ROP_REACH_OK, "%s", answers[i + 1].reach_why);
		cr_assert_eq(answers[i + 1].port, ports[i + 1]);
		cr_assert_eq(good[i].commands, LOOK_COMMANDS);
	}
	view_done(&view);
	peer_stop(&hung);
	for (int i = 0; i < 3; i++)
		peer_stop(&good[i]);
}

Test(fleet, concurrency_limits_how_many_are_asked_at_once)
{
	struct peer hung[4];
	int ports[4];
	struct view view;
	view_init(&view);
	view.options.concurrency = 1;
	view.options.command_timeout_ms = 100;
	for (int i = 0; i < 4; i++) {
		peer_start(&hung[i], stays_silent, NULL);
		ports[i] = hung[i].port;
	}
	view_open(&view, ports, 4);
	int64_t start = rop_boot_ms();
	look(&view, 0);
	cr_assert_geq(rop_boot_ms() - start, 390, "one after the other");
	view_done(&view);
	for (int i = 0; i < 4; i++)
		peer_stop(&hung[i]);
}

/* Among the descriptors' events: the deadline passes before the loop asks for events again. */
static void hold_up(void *arg, bool readable, bool writable)
{
	char byte;
	(void)readable;
	(void)writable;
	if (read(*(int *)arg, &byte, 1) == 1)
		nanosleep(&(struct timespec){ .tv_nsec = 400000000 }, NULL);
}

Test(fleet, an_answer_in_time_counts_though_we_were_held_up)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.command_timeout_ms = 100;
	peer_start(&peer, answers_well, NULL);
	view_open(&view, &peer.port, 1);
	cr_assert_eq(look(&view, 0)->reach, ROP_REACH_OK);
	int ends[2];
	cr_assert(pipe(ends) == 0 && write(ends[1], "x", 1) == 1);
	struct rop_watch *watch = rop_watch_new(view.loop, ends[0], hold_up, &ends[0]);
	rop_watch_set(watch, true, false);
	const struct rop_answer *answer = look(&view, 0);
	cr_assert_eq(answer->reach, ROP_REACH_OK, "%s", answer->reach_why);
	rop_watch_free(watch);
	view_done(&view);
	peer_stop(&peer);
}

static void take_answer(void *arg, const struct rop_answer *answers, size_t n)
{
	struct view *view = arg;
	view->answers = answers;
	view->n = n;
	rop_loop_stop(view->loop);
}

Test(fleet, a_connection_in_time_counts_though_we_were_held_up)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.connect_timeout_ms = 100;
	peer_start(&peer, answers_well, NULL);
	view_open(&view, &peer.port, 1);
	rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, take_answer, &view);
	nanosleep(&(struct timespec){ .tv_nsec = 300000000 }, NULL);
	rop_loop_run(view.loop);
	cr_assert(view.n == 1 && view.answers[0].reach == ROP_REACH_OK, "%s", view.answers[0].reach_why);
	view_done(&view);
	peer_stop(&peer);
}

static void never_called(void *arg, const struct rop_answer *answers, size_t n)
{
	(void)arg;
	(void)answers;
	(void)n;
	cr_assert_fail("called after the fleet was freed");
}

static void never_sent(void *arg, const struct rop_outcome *outcomes, size_t n)
{
	(void)arg;
	(void)outcomes;
	(void)n;
	cr_assert_fail("called after the fleet was freed");
}

static void free_fleet(void *arg)
{
	struct view *view = arg;
	rop_fleet_free(view->fleet);
	view->fleet = NULL;
}

static void free_and_stop(void *arg, const struct rop_answer *answers, size_t n)
{
	(void)answers;
	(void)n;
	free_fleet(arg);
	rop_loop_stop(((struct view *)arg)->loop);
}

Test(fleet, freeing_drops_what_is_under_way)
{
	struct peer peer;
	peer_start(&peer, says_at_once, "+OK\r\n$100\r\nabc");
	for (int ms = -1; ms < 40; ms += 4) { /* at once, while connecting, while it answers */
		struct view view;
		const char *argv[] = { "PING" };
		struct rop_command ping = { .argc = 1, .argv = argv };
		view_init(&view);
		view_open(&view, (int[]){ peer.port, 1 }, 2);
		rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, never_called, NULL);
		rop_fleet_send(view.fleet, view.arena, &ping, 1, 0, never_sent, NULL);
		struct rop_timer *timer = rop_timer_new(view.loop, free_fleet, &view);
		if (ms < 0)
			free_fleet(&view);
		else
			rop_timer_start(timer, ms);
		rop_loop_run(view.loop); /* nothing is left to wait for */
		cr_assert_null(view.fleet);
		rop_timer_free(timer);
		view_done(&view);
	}
	peer_stop(&peer);
}

Test(fleet, done_may_free_the_fleet)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, answers_well, NULL);
	view_open(&view, &peer.port, 1);
	rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, free_and_stop, &view);
	rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, never_called, NULL);
	rop_loop_run(view.loop);
	cr_assert_null(view.fleet);
	view_done(&view);
	peer_stop(&peer);
}

static char heard[1024];

static void remembers(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		snprintf(heard + strlen(heard), sizeof heard - strlen(heard), "%s;", name);
		peer_answer(fd, name);
	}
}

Test(fleet, each_node_gets_its_own_commands)
{
	struct peer peers[2];
	struct view view;
	view_init(&view);
	heard[0] = '\0';
	for (size_t i = 0; i < 2; i++)
		peer_start(&peers[i], remembers, NULL);
	const int ports[] = { peers[0].port, peers[1].port };
	view_open(&view, ports, 2);
	const char *argv[] = { "PING" };
	const struct rop_command commands[] = { { .node = 1, .argc = 1, .argv = argv },
						{ .node = 0, .argc = 1, .argv = argv } };
	send_all(&view, commands, 2);
	cr_assert(view.n == 2 && view.outcomes[0].sent == ROP_SENT_OK && view.outcomes[1].sent == ROP_SENT_OK);
	view_done(&view);
	for (size_t i = 0; i < 2; i++)
		peer_stop(&peers[i]);
	const char *first = strstr(heard, "PING;");
	cr_assert(first && strstr(first + 1, "PING;"), "%s", heard);
}

static void count_sent(void *arg, const struct rop_outcome *outcomes, size_t n)
{
	struct view *view = arg;
	cr_assert(n == 1 && outcomes[0].sent == ROP_SENT_OK);
	view->calls++;
}

static void stop_after_three(void *arg, const struct rop_answer *answers, size_t n)
{
	struct view *view = arg;
	cr_assert(n == 1 && answers[0].reach == ROP_REACH_OK);
	if (++view->calls == 3)
		rop_loop_stop(view->loop);
}

Test(fleet, errands_to_one_node_keep_their_order)
{
	struct peer peer;
	struct view view;
	const char *argv[] = { "PING" };
	struct rop_command ping = { .argc = 1, .argv = argv };
	view_init(&view);
	view.options.client_name = NULL;
	peer_start(&peer, remembers, NULL);
	view_open(&view, &peer.port, 1);
	rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, stop_after_three, &view);
	rop_fleet_send(view.fleet, view.arena, &ping, 1, 0, count_sent, &view);
	rop_fleet_observe(view.fleet, view.arena, ROP_OBSERVE_FULL, NULL, 0, stop_after_three, &view);
	rop_loop_run(view.loop);
	cr_assert_eq(view.calls, 3);
	view_done(&view);
	peer_stop(&peer);
	cr_assert_str_eq(heard, "CLUSTER NODES;CLUSTER INFO;INFO server;INFO replication;INFO keyspace;INFO "
				"modules;PING;CLUSTER "
				"NODES;CLUSTER INFO;INFO server;INFO replication;INFO keyspace;INFO modules;FUNCTION "
				"LIST WITHCODE;");
	cr_assert_eq(peer.connections, 1);
}

static void count_late(void *arg, const struct rop_outcome *outcomes, size_t n)
{
	struct view *view = arg;
	cr_assert(n == 1 && outcomes[0].sent == ROP_SENT_ERROR, "known not executed");
	cr_assert_not_null(strstr(outcomes[0].text, "not sent: its turn came too late"));
	view->calls++;
}

Test(fleet, what_comes_too_late_is_not_sent)
{
	struct peer peer;
	struct view view;
	const char *argv[] = { "PING" };
	struct rop_command ping = { .argc = 1, .argv = argv };
	heard[0] = '\0';
	view_init(&view);
	view.options.client_name = NULL;
	peer_start(&peer, remembers, NULL);
	view_open(&view, &peer.port, 1);
	rop_fleet_send(view.fleet, view.arena, &ping, 1, 1, count_late, &view);
	rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, stop_after_three, &view); /* a connection that stands */
	rop_fleet_send(view.fleet, view.arena, &ping, 1, rop_boot_ms() - 1, count_late, &view);
	rop_fleet_send(view.fleet, view.arena, &ping, 1, rop_boot_ms() + 60000, count_sent, &view);
	rop_fleet_observe(view.fleet, view.arena, 0, NULL, 0, stop_after_three, &view);
	view.calls = -2; /* five in all */
	rop_loop_run(view.loop);
	view_done(&view);
	peer_stop(&peer);
	cr_assert_str_eq(heard, "CLUSTER NODES;CLUSTER INFO;INFO server;INFO replication;INFO keyspace;INFO "
				"modules;PING;CLUSTER "
				"NODES;CLUSTER INFO;INFO server;INFO replication;INFO keyspace;INFO modules;");
}

/* ---- who is connected ---------------------------------------------------------------------------------------- */

static char listed[512];

/* "INFO clients" is answered with `say`; CLIENT LIST too, where it begins with '$' or '-' a second line. */
static void has_clients(struct peer *peer, int fd)
{
	char name[128];
	const char *list = strchr(peer->say, '|');
	while (peer_command(peer, fd, name, sizeof name)) {
		strncat(listed, name, sizeof listed - strlen(listed) - 2);
		strcat(listed, ";");
		if (strcmp(name, "INFO clients") == 0)
			peer_say(fd, peer->say, (size_t)(list - peer->say));
		else if (strncmp(name, "CLIENT LIST", 11) == 0 && !list[1])
			return; /* hangs up */
		else if (strncmp(name, "CLIENT LIST", 11) == 0)
			peer_say(fd, list + 1, strlen(list + 1));
		else
			peer_answer(fd, name);
	}
}

static void look_at_clients(const char *say, int asked, const char *operators)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	view.options.client_name = NULL;
	listed[0] = '\0';
	peer_start(&peer, has_clients, say);
	view_open(&view, &peer.port, 1);
	for (int pass = 0; pass < 2; pass++) {
		const struct rop_answer *answer = look(&view, ROP_OBSERVE_CLIENTS);
		cr_assert_eq(answer->reach, ROP_REACH_OK, "%s: %s", say, answer->reach_why);
		cr_assert_not_null(answer->cluster_nodes);
		cr_assert(operators ? answer->operators && strcmp(answer->operators, operators) == 0
				    : !answer->operators,
			  "%s", say);
	}
	view_done(&view);
	peer_stop(&peer);
	int times = 0;
	for (const char *at = listed; (at = strstr(at, "CLIENT LIST TYPE normal;")); at++)
		times++;
	cr_assert_eq(times, asked, "%s: %s", say, listed);
}

#define OPERATOR_LINE "id=3 addr=10.0.0.5:4 name=redis-operator:cart:1a2b3c4d age=1\n"

Test(fleet, a_node_is_asked_for_its_clients_only_where_there_are_not_too_many)
{
	look_at_clients("$25\r\nconnected_clients:5000\r\nx\r\n|$66\r\nid=1\n" OPERATOR_LINE "\r\n", 2, OPERATOR_LINE);
	look_at_clients("$25\r\nconnected_clients:5001\r\nx\r\n|$5\r\nid=1\n\r\n", 0, NULL);
	look_at_clients("$8\r\nnothing!\r\n|$5\r\nid=1\n\r\n", 0, NULL);
	look_at_clients("-NOPERM no\r\n|$5\r\nid=1\n\r\n", 0, NULL);
	look_at_clients("$25\r\nconnected_clients:5000\r\nx\r\n|$5\r\nid=1\n\r\n", 2, "");
	look_at_clients("$25\r\nconnected_clients:5000\r\nx\r\n|-ERR unknown subcommand\r\n", 1, NULL);
	look_at_clients("$25\r\nconnected_clients:5000\r\nx\r\n|:7\r\n", 1, NULL);
	look_at_clients("$25\r\nconnected_clients:5000\r\nx\r\n|", 2, NULL);
}

/* INFO clients well, CLIENT LIST at length. */
static void has_endless_clients(struct peer *peer, int fd)
{
	char name[128];
	while (peer_command(peer, fd, name, sizeof name)) {
		if (strcmp(name, "INFO clients") == 0)
			peer_say(fd, "$22\r\nconnected_clients:10\r\n\r\n", 29);
		else if (strncmp(name, "CLIENT LIST", 11) == 0)
			peer_say(fd, "$60000000\r\nid=1", 15);
		else
			peer_answer(fd, name);
	}
}

Test(fleet, an_absurd_list_of_clients_is_not_asked_for_again_and_harms_nothing_else)
{
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, has_endless_clients, NULL);
	view_open(&view, &peer.port, 1);
	for (int pass = 0; pass < 3; pass++)
		cr_assert_eq(look(&view, ROP_OBSERVE_CLIENTS)->reach, ROP_REACH_OK);
	cr_assert_eq(peer.connections, 2);
	view_done(&view);
	peer_stop(&peer);
}

/* ---- what is given up never arrives ---------------------------------------------------------------------------- */

static _Atomic bool may_read;

/* Takes its login, then reads nothing before it may; then counts what arrives until the connection ends. */
static void reads_late(struct peer *peer, int fd)
{
	static char block[1 << 16];
	char name[128];
	if (!peer_command(peer, fd, name, sizeof name))
		return;
	peer_answer(fd, name);
	while (!may_read)
		nanosleep(&(struct timespec){ .tv_nsec = 1000000 }, NULL);
	for (ssize_t n; (n = recv(fd, block, sizeof block, 0)) > 0;)
		peer->commands += (int)n;
}

/* What lies in the system's buffers when an answer is given up must not be executed behind what is sent later. */
Test(fleet, a_command_that_was_given_up_does_not_arrive_later)
{
	enum { SIZE = 1 << 20 };
	struct peer peer;
	struct view view;
	view_init(&view);
	peer_start(&peer, reads_late, NULL);
	int small = 4096;
	setsockopt(peer.listener, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
	view_open(&view, &peer.port, 1);
	char *command = rop_alloc(view.arena, SIZE + 1);
	memset(command, 'x', SIZE);
	cr_assert_eq(tell(&view, (const char *const *)&command, 1)->sent, ROP_SENT_UNKNOWN);
	may_read = true;
	for (int64_t end = rop_boot_ms() + 5000; peer.connections == 1 && rop_boot_ms() < end;)
		tell(&view, (const char *const[]){ "PING" }, 1);
	cr_assert_eq(peer.connections, 2, "the first connection has ended");
	cr_assert_lt(peer.commands, SIZE / 2, "%d bytes came after all", peer.commands);
	view_done(&view);
	peer_stop(&peer);
}

Test(fleet, no_nodes_are_observed_too)
{
	struct view view;
	view_init(&view);
	view_open(&view, NULL, 0);
	look(&view, ROP_OBSERVE_FULL | ROP_OBSERVE_SETTINGS);
	cr_assert_eq(view.n, 0);
	view_done(&view);
}

Test(fleet, an_endpoint_without_an_address_is_silent)
{
	struct view view;
	view_init(&view);
	struct rop_endpoint endpoints[] = {
		{ .address = "a:1", .ip = NULL, .port = 1 },
		{ .address = "b:1", .ip = "localhost", .port = 1 },
		/* as long as there is room for one, without its end */
		{ .address = "c:1", .ip = "2001:0db8:0000:0000:0000:0000:0000:0000:0000:7", .port = 1 }
	};
	cr_assert_eq(strlen(endpoints[2].ip), INET6_ADDRSTRLEN);
	view.fleet = rop_fleet_new(view.loop, &view.options, endpoints, 3);
	const struct rop_answer *answers = look(&view, 0);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(answers[i].reach, ROP_REACH_SILENT);
		assert_says(answers[i].reach_why, "no address is known");
	}
	view_done(&view);
}

/* ---- keys that are carried ------------------------------------------------------------------------------------ */

/* One key in the slot, of 100 bytes, until it was moved; and how. */
static char moved_by[256];

static void gives_keys(struct peer *peer, int fd)
{
	char name[256];
	bool moved = false;
	while (peer_command(peer, fd, name, sizeof name)) {
		const char *text = "+OK\r\n";
		if (strcmp(name, "TIME") == 0)
			text = "*2\r\n$10\r\n1700000000\r\n$1\r\n7\r\n";
		else if (strncmp(name, "CLUSTER GETKEYSINSLOT 5 ", 24) == 0)
			text = moved ? "*0\r\n" : "*1\r\n$3\r\nkey\r\n";
		else if (strncmp(name, "MEMORY USAGE key ", 17) == 0)
			text = ":100\r\n";
		else if (strstr(name, "KEYS key")) {
			snprintf(moved_by, sizeof moved_by, "%s", name);
			moved = true;
		}
		peer_say(fd, text, strlen(text));
	}
}

Test(fleet, a_key_is_named_measured_and_moved_with_what_the_target_is_called, .timeout = 20)
{
	const struct rop_carry carry = {
		.to = 1, .slots = "5", .databases = 1, .for_ms = 200, .stall_ms = 5, .timeout_ms = 1000
	};
	const struct rop_command give = { .node = 0, .carry = &carry };
	struct peer from, to;
	struct view view;
	char wanted[128];
	view_init(&view);
	peer_start(&from, gives_keys, NULL);
	peer_start(&to, gives_keys, NULL);
	const int ports[] = { from.port, to.port };
	view_open(&view, ports, 2);
	send_all(&view, &give, 1);
	cr_assert(view.n == 1 && view.outcomes[0].sent == ROP_SENT_OK, "%s", view.outcomes[0].text);
	cr_assert_eq(view.outcomes[0].keys, 1);
	snprintf(wanted, sizeof wanted, "MIGRATE 127.0.0.1 %d  0 ", to.port);
	cr_assert_eq(strncmp(moved_by, wanted, strlen(wanted)), 0, "%s", moved_by);
	cr_assert_not_null(strstr(moved_by, "REPLACE KEYS key"), "%s", moved_by);
	view_done(&view);
	peer_stop(&from);
	peer_stop(&to);
}
