/* test_model.c - from what servers say, word by word, to the observed cluster; sets of slots; INFO. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../../src/model/replication.h"
#include "rop/text.h"
#include "world.h"

TestSuite(model, .init = world_setup, .fini = world_teardown);

#define A "07c37dfeb235213a872192d90877d0cd55635b91"
#define B "67ed2db8d677e59ec4a4cefb06858cf2a1a89fa1"
#define C "e7d1eecce10fd6bb5eb35b9f99a514335d9ba9ca"

static struct rop_node_line line_of(const char *text)
{
	struct rop_node_line line;
	cr_assert(rop_node_line_parse(rop_strdup(pool, text), &line), "%s", text);
	return line;
}

/* ---- one line ------------------------------------------------------------------------------------------------- */

Test(model, reads_a_primary_of_6_2)
{
	struct rop_node_line line = line_of(A " 10.0.0.1:6379@16379 myself,master - 0 1426238317239 4 connected 0-5460 "
					      "6000 [7000->-" B "]");
	cr_assert_str_eq(line.id, A);
	cr_assert_str_eq(line.address, "10.0.0.1:6379");
	cr_assert_str_eq(line.primary_id, "-");
	cr_assert_str_eq(line.slots, "0-5460 6000 [7000->-" B "]");
	cr_assert_eq(line.epoch, 4);
	cr_assert(line.connected && line.myself && line.primary);
	cr_assert_not(line.replica || line.pfail || line.fail || line.handshake || line.noaddr || line.odd);
}

Test(model, reads_hostnames_of_7_0_and_auxiliary_fields_of_valkey)
{
	static const char *const ADDRESSES[] = {
		"10.0.0.1:6379@16379,redis-1.internal",
		"10.0.0.1:6379@16379,,tls-port=0,shard-id=a2b1",
		"10.0.0.1:6379@16379,redis-1.internal,tls-port=6380,shard-id=69bc080733d1355567173199cff4a6a039a2f024",
		"10.0.0.1:6379,redis-1",
	};
	for (size_t i = 0; i < sizeof ADDRESSES / sizeof *ADDRESSES; i++) {
		struct rop_node_line line = line_of(
			rop_printf(pool, A " %s slave " B " 0 1 2 connected", ADDRESSES[i]));
		cr_assert_str_eq(line.address, "10.0.0.1:6379");
		cr_assert(line.replica);
		cr_assert_str_eq(line.primary_id, B);
		cr_assert_str_eq(line.slots, "");
	}
	cr_assert_str_eq(line_of(A " 2001:db8::1:6379@16379 master - 0 0 0 connected").address, "2001:db8::1:6379");
}

Test(model, knows_all_flags_and_tells_one_that_nobody_told_us_of)
{
	struct rop_node_line line = line_of(A " :0@0 slave,fail?,noaddr,nofailover " B " 0 0 1 disconnected");
	cr_assert(line.replica && line.pfail && line.noaddr && !line.fail && !line.odd && !line.connected);
	line = line_of(A " 10.0.0.1:1@2 handshake - 0 0 0 connected");
	cr_assert(line.handshake && !line.odd && !line.primary && !line.replica);
	line = line_of(A " 10.0.0.1:1@2 master,fail - 0 0 0 connected");
	cr_assert(line.fail && !line.pfail);
	cr_assert_not(line_of(A " 10.0.0.1:1@2 noflags - 0 0 0 connected").odd);
	static const char *const ODD[] = { "master,learner", "masters", "fail??", "no", "failover" };
	for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++)
		cr_assert(line_of(rop_printf(pool, A " 10.0.0.1:1@2 %s - 0 0 0 connected", ODD[i])).odd, "%s", ODD[i]);
}

Test(model, a_line_that_is_cut_or_not_one_is_refused)
{
	const char *whole = A " 10.0.0.1:6379@16379 master - 0 1426238317239 4 connected";
	for (size_t n = 0; n < strlen(whole); n++) {
		struct rop_node_line line;
		cr_assert_not(rop_node_line_parse(rop_strndup(pool, whole, n), &line), "cut after %zu bytes", n);
	}
	static const char *const BAD[] = {
		"",
		" ",
		"hello",
		"vars currentEpoch 6 lastVoteEpoch 0",
		"07C37DFEB235213A872192D90877D0CD55635B91 10.0.0.1:1@2 master - 0 0 1 connected",
		"07c3 10.0.0.1:1@2 master - 0 0 1 connected",
		A "0 10.0.0.1:1@2 master - 0 0 1 connected",
		A " 10.0.0.1:1@2 slave e7d1 0 0 1 connected",
		A " 10.0.0.1:1@2 master - 0 0 -1 connected",
		A " 10.0.0.1:1@2 master - 0 0 99999999999999999999 connected",
		A " 10.0.0.1:1@2 master - 0 0 1 linked",
		A " 10.0.0.1:1@2  master - 0 0 1 connected",
	};
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct rop_node_line line;
		cr_assert_not(rop_node_line_parse(rop_strdup(pool, BAD[i]), &line), "%s", BAD[i]);
	}
}

/* ---- one node's answer ---------------------------------------------------------------------------------------- */

static struct rop_answer answer_of(const char *nodes)
{
	return (struct rop_answer){ .address = "a:6379",
				    .ip = "10.0.0.1",
				    .port = 6379,
				    .reach = ROP_REACH_OK,
				    .cluster_nodes = nodes,
				    .functions = -1 };
}

static struct rop_observed *seen_by(struct rop_answer *answers, size_t n)
{
	return rop_observed_from_answers(pool, answers, n, NULL, 0, 77);
}

static struct rop_node *alone(struct rop_answer answer)
{
	return &seen_by(&answer, 1)->nodes[0];
}

#define OWN_LINE A " 10.0.0.1:6379@16379 myself,master - 0 0 4 connected"

Test(model, of_each_open_slot_the_keys_are_told)
{
	struct rop_answer answer = answer_of(OWN_LINE " 0-99 [30->-" B "] [40-<-" C "]\n");
	int64_t *keys = rop_alloc_n(pool, ROP_SLOTS, sizeof *keys);
	keys[30] = 7;
	keys[40] = 9;
	answer.slot_keys = keys;
	struct rop_node *node = alone(answer);
	cr_assert_eq(node->open.n, 2);
	cr_assert(node->open.at[0].keys == 7 && node->open.at[1].keys == 9);
	cr_assert(!node->open.at[0].importing && node->open.at[1].importing);
}

Test(model, a_node_is_what_its_own_line_and_its_info_say)
{
	struct rop_answer answer = answer_of(OWN_LINE " 0-99 200 [300->-" B "] [400-<-" C "]\n");
	answer.cluster_info = "cluster_state:ok\r\ncluster_current_epoch:9\r\n";
	answer.info_server = "# Server\r\nredis_version:7.2.4\r\nredis_git_sha1:0\r\n";
	answer.info_replication =
		"# Replication\r\nrole:slave\r\nmaster_link_status:up\r\nmaster_sync_in_progress:1\r\n";
	answer.info_keyspace = "# Keyspace\r\ndb0:keys=12,expires=0,avg_ttl=0\r\ndb3:keys=30,expires=1,avg_ttl=5\r\n";
	answer.functions = 2;
	struct rop_node *node = alone(answer);
	cr_assert_eq(node->reach, ROP_REACH_OK);
	cr_assert_str_eq(node->id, A);
	cr_assert_eq(node->role, ROP_ROLE_PRIMARY);
	cr_assert(node->primary == -1 && node->primary_id[0] == '\0');
	cr_assert(node->epoch == 4 && node->current_epoch == 9 && node->state_ok);
	cr_assert_str_eq(rop_slots_text(pool, &node->slots), "0-99 200");
	cr_assert_eq(node->open_slots, 2);
	cr_assert_str_eq(node->open_text, "[300->-" B "] [400-<-" C "]");
	cr_assert(node->link_up && node->syncing && node->keys == 42 && node->functions == 2);
	cr_assert_eq(node->version, 70204);
	cr_assert_str_eq(node->flavour, "redis 7.2.4");
	cr_assert_eq(node->bus_port, 16379);
}

Test(model, valkey_says_which_redis_it_resembles_and_is_called_by_its_own_version)
{
	struct rop_answer answer = answer_of(OWN_LINE);
	answer.info_server = "redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.1\r\n";
	struct rop_node *node = alone(answer);
	cr_assert_eq(node->version, 70204);
	cr_assert_str_eq(node->flavour, "valkey 8.1.1");
	answer.info_server = "redis_version:unstable\r\n";
	cr_assert_eq(alone(answer)->version, 0);
	static const char *const NONE[] = { "redis_version:-7.1.3\r\n", "redis_version:7.-1.3\r\n",
					    "redis_version:7.1.-3\r\n", "redis_version:7\r\n" };
	for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
		answer.info_server = NONE[i];
		cr_assert_eq(alone(answer)->version, 0, "%s", NONE[i]);
	}
	answer.info_server = "redis_version:8.0\r\n";
	cr_assert_eq(alone(answer)->version, 80000);
	answer.info_server = "redis_version:255.255.255\r\nvalkey_version:0.9.1\r\n";
	cr_assert(alone(answer)->version == 2575755 && alone(answer)->own_version == 901, "a development version too");
	answer.info_server = "# Server\r\nos:Linux\r\n";
	cr_assert_null(alone(answer)->flavour);
}

Test(model, what_was_not_sent_is_not_known)
{
	struct rop_node *node = alone(answer_of(OWN_LINE "\r\n\r\n"));
	cr_assert(node->keys == -1 && node->functions == -1 && node->version == 0 && !node->flavour && !node->state_ok);
	cr_assert(node->current_epoch == 0 && !node->link_up && !node->open_text && node->open_slots == 0);
	struct rop_answer answer = answer_of(OWN_LINE);
	answer.info_keyspace = "# Keyspace\r\n";
	answer.cluster_info = "cluster_state:ok and more\r\ncluster_current_epoch:many\r\n";
	node = alone(answer);
	cr_assert_eq(node->keys, 0, "no database line: no keys");
	cr_assert(!node->state_ok && node->current_epoch == 0);
	answer.bus_port = 17000;
	cr_assert_eq(alone(answer)->bus_port, 17000);
}

Test(model, operators_are_known_by_the_names_of_their_connections)
{
	struct rop_answer answer = answer_of(OWN_LINE);
	answer.operators = "id=3 addr=10.0.0.5:40112 laddr=10.0.0.1:6379 fd=8 name=redis-operator:cart:1a2b3c4d age=1 "
			   "cmd=info user=default\n"
			   "id=4 addr=10.0.0.5:40113 laddr=10.0.0.1:6379 fd=9 name=redis-operator:cart:1a2b3c4d age=1 "
			   "cmd=info user=default\n"
			   "id=5 addr=[2001:db8::1]:5 laddr=10.0.0.1:6379 name=redis-operator:cart:00000000 age=1\n"
			   "id=6 addr=/run/redis.sock:0 laddr=/run/redis.sock:0 "
			   "name=redis-operator:my.wish-list:ffffffff\n"
			   "id=7 addr=10.0.0.6:1 name=redis-operator:cart age=1\n"
			   "id=7 addr=10.0.0.6:1 name=redis-operator:cart: age=1\n"
			   "id=7 addr=10.0.0.6:1 name=redis-operator::1a2b3c4d age=1\n"
			   "id=7 addr=10.0.0.6:1 name=redis-operator:cart:1A2B3C4D age=1\n"
			   "id=7 addr=10.0.0.6:1 name=redis-operator:cart:1a2b3c4d5 age=1\n"
			   "id=7 addr=10.0.0.6:1 name=my-redis-operator:cart:1a2b3c4d age=1\n"
			   "id=8 name=redis-operator:cart:1a2b3c4d\n"
			   "id=8 addr= name=redis-operator:cart:12345678\n"
			   "id=9 addr=10.0.0.7:1 name=redis-operator:cart:1a2b3c4d";
	static const char *const WANT[][3] = { { "cart", "1a2b3c4d", "10.0.0.5" },
					       { "cart", "00000000", "2001:db8::1" },
					       { "my.wish-list", "ffffffff", "/run/redis.sock" },
					       { "cart", "12345678", "?" },
					       { "cart", "1a2b3c4d", "10.0.0.7" } };
	struct rop_node *node = alone(answer);
	cr_assert_eq(node->n_operators, 5, "%zu", node->n_operators);
	for (size_t i = 0; i < node->n_operators; i++) {
		cr_assert_str_eq(node->operators[i].cluster, WANT[i][0]);
		cr_assert_str_eq(node->operators[i].instance, WANT[i][1]);
		cr_assert_str_eq(node->operators[i].from, WANT[i][2]);
	}
	char *many = rop_alloc(pool, 100000), *at = many;
	for (int i = 0; i < 1000; i++)
		at += sprintf(at, "id=1 addr=10.0.0.%d:1 name=redis-operator:cart:1a2b3c4d\n", i);
	answer.operators = many;
	cr_assert_eq(alone(answer)->n_operators, ROP_OPERATORS_MAX);
	for (size_t n = strlen(many) < 200 ? strlen(many) : 200; n > 0; n--) { /* cut anywhere */
		many[n] = '\0';
		cr_assert_leq(alone(answer)->n_operators, 5);
	}
}

Test(model, an_answer_that_cannot_be_understood_is_not_redis)
{
	static const char *const TEXTS[] = {
		NULL,
		"",
		"\n\n",
		"+OK",
		"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n",
		A " 10.0.0.1:6379@16379 master - 0 0 4 connected\n", /* no line of its own */
		OWN_LINE "\n" B " 10.0.0.2:6379@16379 mas",          /* cut */
		"\x01\x02\xff\xfe",
	};
	for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
		struct rop_node *node = alone(answer_of(TEXTS[i]));
		cr_assert_eq(node->reach, ROP_REACH_NOT_REDIS, "%s", TEXTS[i] ? TEXTS[i] : "nothing");
		cr_assert_str_eq(node->reach_why, "its CLUSTER NODES cannot be understood");
		cr_assert_eq(node->others, 0);
	}
	static const char *const SLOTS[] = {
		"x",
		"0-x",
		"0-",
		"-5",
		"5-4",
		"16384",
		"0-16384",
		"12x",
		"0-5-7",
		"99999999999999999999",
		"0000000000000000000000000000000000000001",
	};
	for (size_t i = 0; i < sizeof SLOTS / sizeof *SLOTS; i++) {
		struct rop_node *node = alone(answer_of(rop_printf(pool, OWN_LINE " %s", SLOTS[i])));
		cr_assert_eq(node->reach, ROP_REACH_NOT_REDIS, "%s", SLOTS[i]);
		cr_assert_str_eq(node->reach_why, "its slots cannot be understood");
	}
}

/* Servers from 7.2 to 9.1 do so after CLUSTER SHARDS, where a node is in no shard. */
Test(model, slots_that_are_said_twice_are_said_once)
{
	struct rop_node *node = alone(answer_of(OWN_LINE " 0-99 0-99 50-60 [7-<-" B "]"));
	cr_assert_eq(node->reach, ROP_REACH_OK);
	cr_assert_eq(rop_slots_count(&node->slots), 100);
}

Test(model, garbage_of_any_kind_does_no_harm)
{
	const char *whole = OWN_LINE " 0-99 [300->-" B "]\n" B " 10.0.0.2:6379@16379,h slave " A " 0 0 4 connected\n";
	size_t n = strlen(whole), understood = 0;
	EACH_SEED(seed, 3000)
	{
		uint64_t random = seed;
		char *text = rop_strdup(pool, whole);
		for (size_t i = random_below(&random, 4); i-- > 0;)
			text[random_below(&random, n)] = (char)(1 + random_below(&random, 255));
		if (random_below(&random, 2))
			text[random_below(&random, n)] = '\0';
		struct rop_answer answers[] = { answer_of(text), answer_of(whole) };
		struct rop_observed *seen = seen_by(answers, 2);
		cr_assert(seen->nodes[0].reach == ROP_REACH_OK || seen->nodes[0].reach == ROP_REACH_NOT_REDIS);
		understood += seen->nodes[0].reach == ROP_REACH_OK;
	}
	cr_assert(understood > 100 && understood < 2900, "%zu", understood);
}

Test(model, each_node_is_on_one_line)
{
	static const struct {
		const char *line, *why;
	} LINES[] = {
		{ OWN_LINE "\n", "two lines of its own" },
		{ C " 10.0.0.1:1@2 myself,master - 0 0 4 connected\n", "two lines of its own" },
		{ B " 10.0.0.3:1@2 slave - 0 0 4 connected\n", "lists a node twice" },
		{ A " 10.0.0.1:1@2 master - 0 0 4 connected\n", "lists a node twice" },
	};
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
		struct rop_node *node = alone(answer_of(
			rop_printf(pool, OWN_LINE "\n" B " 10.0.0.2:1@2 master - 0 0 4 connected\n%s", LINES[i].line)));
		cr_assert_eq(node->reach, ROP_REACH_NOT_REDIS);
		cr_assert(strstr(node->reach_why, LINES[i].why), "%s", node->reach_why);
	}
}

/* ---- nodes that mean harm --------------------------------------------------------------------------------------- */

/* A view of so many lines, its own among them; ids from `first` on. */
static const char *long_view(const char *own, size_t lines, size_t first)
{
	struct rop_text text = { 0 };
	rop_text_add(&text, "%s 10.0.0.1:6379@16379 myself,master - 0 0 4 connected\n", own);
	for (size_t i = 1; i < lines; i++)
		rop_text_add(&text, "%040zx 10.%zu.%zu.1:6379@16379 master - 0 0 1 connected\n", first + i, i / 200,
			     i % 200);
	const char *copy = rop_strndup(pool, text.at, text.n);
	rop_text_done(&text);
	return copy;
}

#if defined __has_feature
#if __has_feature(address_sanitizer) /* how clang says it */
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#ifdef __SANITIZE_ADDRESS__
#define CPU_MAX_MS 1000
#else
#define CPU_MAX_MS 100
#endif

static double cpu_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

/* As a pass would: observed, then assessed. */
static struct rop_situation *take(struct rop_answer *answers, size_t n, double *ret_ms)
{
	struct rop_topology *topology = topology_of((int)n, 0, n);
	double start = cpu_ms();
	struct rop_situation *now = situation_of(topology, seen_by(answers, n));
	*ret_ms = cpu_ms() - start;
	return now;
}

Test(model, more_lines_than_the_declared_nodes_explain_are_refused_at_once)
{
	double ms;
	struct rop_answer answers[] = { answer_of(long_view(A, 40000, 1)), answer_of(long_view(B, 40000, 1)) };
	answers[1].address = "b:6379";
	struct rop_situation *now = take(answers, 2, &ms);
	cr_assert_lt(ms, CPU_MAX_MS, "%.1f ms of CPU", ms);
	cr_assert_eq(now->findings.n, 2);
	for (size_t i = 0; i < 2; i++)
		cr_assert(strstr(now->findings.at[i].text, "longer than the declared nodes can explain"), "%s",
			  now->findings.at[i].text);
	cr_assert_eq(now->seen->foreign.n, 0);

	answers[0].cluster_nodes = long_view(A, ROP_VIEW_LINES_MAX(2), 1);
	answers[1].cluster_nodes = long_view(B, ROP_VIEW_LINES_MAX(2), 100000);
	now = take(answers, 2, &ms);
	cr_assert_lt(ms, CPU_MAX_MS, "%.1f ms of CPU", ms);
	cr_assert_eq(now->seen->nodes[0].reach, ROP_REACH_OK);
	cr_assert_eq(now->seen->nodes[0].strangers, ROP_VIEW_LINES_MAX(2) - 1);
	cr_assert_eq(now->seen->foreign.n, ROP_FOREIGN_MAX);
	cr_assert_eq(now->seen->foreign_more, 2 * (ROP_VIEW_LINES_MAX(2) - 1) - ROP_FOREIGN_MAX);
	answers[0].cluster_nodes = long_view(A, ROP_VIEW_LINES_MAX(2) + 1, 1);
	cr_assert_eq(take(answers, 2, &ms)->seen->nodes[0].reach, ROP_REACH_NOT_REDIS);
}

Test(model, one_line_of_all_slots_each_by_itself_and_open_is_taken)
{
	struct rop_text text = { 0 };
	double ms;
	rop_text_add(&text, OWN_LINE);
	for (int slot = 0; slot < ROP_SLOTS; slot += 2)
		rop_text_add(&text, " %d", slot);
	for (int slot = 0; slot < ROP_SLOTS; slot++)
		rop_text_add(&text, " [%d->-" B "]", slot);
	rop_text_add(&text, "\n");
	struct rop_answer answer = answer_of(text.at);
	struct rop_node *node = &take(&answer, 1, &ms)->seen->nodes[0];
	cr_assert_eq(node->reach, ROP_REACH_OK, "%s", node->reach_why);
	cr_assert_eq(node->open_slots, ROP_SLOTS);
	cr_assert_eq(rop_slots_count(&node->slots), ROP_SLOTS / 2);
	cr_assert_lt(strlen(node->open_text), 1100, "of so many the first are enough");
	rop_text_done(&text);
}

Test(model, a_megabyte_of_ranges_is_not_counted_through)
{
	struct rop_text ranges = { 0 };
	double ms;
	while (ranges.n < 1 << 20)
		rop_text_add(&ranges, " 0-16383");
	struct rop_answer answers[] = {
		answer_of(rop_printf(pool, OWN_LINE "%s\n", ranges.at)),
		answer_of(rop_printf(pool,
				     B " 10.0.0.2:6379@16379 myself,master - 0 0 4 connected\n" C
				       " 10.0.0.3:6379@16379 master - 0 0 4 connected%s\n",
				     ranges.at)),
		answer_of(C " 10.0.0.3:6379@16379 myself,master - 0 0 4 connected 0-16383\n"),
	};
	rop_text_done(&ranges);
	struct rop_situation *now = take(answers, 3, &ms);
	cr_assert_lt(ms, CPU_MAX_MS, "%.1f ms of CPU", ms);
	cr_assert_str_eq(now->seen->nodes[0].reach_why, "its slots cannot be understood");
	cr_assert(now->seen->nodes[1].reach == ROP_REACH_OK && !rop_bit(now->seen, now->seen->agrees, 1, 2));
}

Test(model, a_megabyte_of_replicas_costs_little)
{
	static const char *const LINES[] = { "slave0:\r\n", "\n",
					     "slave0:ip=10.0.0.1,port=6379,state=online,offset=1,lag=0\r\n" };
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
		struct rop_text info = { 0 };
		double ms;
		while (info.n < 1 << 20)
			rop_text_add(&info, "%s", LINES[i]);
		struct rop_answer answer = answer_of(OWN_LINE "\n");
		answer.info_replication = answer.info_keyspace = answer.info_server = answer.cluster_info = info.at;
		cr_assert_eq(take(&answer, 1, &ms)->seen->nodes[0].reach, ROP_REACH_OK);
		cr_assert_lt(ms, 5 * CPU_MAX_MS, "%.1f ms of CPU", ms); /* read by sscanf(): seconds */
		rop_text_done(&info);
	}
}

Test(model, a_history_has_forty_hexadecimal_digits_that_are_not_all_zero)
{
	static const struct {
		const char *id, *taken;
	} CASES[] = {
		{ A, A },
		{ "0000000000000000000000000000000000000000", "" },
		{ "07c37dfeb235213a872192d90877d0cd55635b9", "" },
		{ A "0", "" },
		{ "07C37DFEB235213A872192D90877D0CD55635B91", "" },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct rop_node node = { 0 };
		replication_take(rop_printf(pool, "master_replid:%s\r\nmaster_replid2:%s\r\n", CASES[i].id,
					    CASES[i].id),
				 &node);
		cr_assert_str_eq(node.replid, CASES[i].taken);
		cr_assert_str_eq(node.replid2, CASES[i].taken);
	}
}

/* Behind the nodes that were asked lies another world: it has no say. */
Test(model, a_line_stands_for_one_of_the_nodes_that_were_asked_or_for_nobody)
{
	static const char LINE[] = "slave0:ip=10.0.0.3,port=6379,state=online,offset=1,lag=0\r\n";
	struct rop_observed *seen = fresh_world(topology_of(3, 0, 3));
	make_replica(seen, 2, 0);
	seen->nodes[2].link_up = true;
	seen->n = 2;
	rop_bit_clear(seen, seen->online, 0, 2);
	replication_take_online(seen, 0, LINE);
	cr_assert_not(rop_bit(seen, seen->online, 0, 2));

	make_replica(seen, 1, 0);
	seen->nodes[1].link_up = true;
	rop_bit_clear(seen, seen->online, 0, 1);
	replication_take_online(seen, 0, "slave0:ip=10.9.9.9,port=9999,state=online,offset=1,lag=0\r\n");
	cr_assert(rop_bit(seen, seen->online, 0, 1), "the one stranger is the one replica whose link is up");
	cr_assert_not(rop_bit(seen, seen->online, 0, 2));
}

/* Whom a primary lists as its replica in sync: a line that is not whole names nobody. */
Test(model, only_a_whole_line_says_that_a_replica_is_online)
{
	static const struct {
		const char *line;
		bool online;
	} CASES[] = {
		{ "slave0:ip=%s,port=6379,state=online,offset=14,lag=1", true },
		{ "slave0:ip=%s,port=6379,state=wait_bgsave,offset=14,lag=1", false },
		{ "slave0:xx=%s,port=6379,state=online,offset=14,lag=1", false },
		{ "slave0:ip=%s,state=online,offset=14,lag=1", false },
		{ "slave0:ip=%s,port=9999,state=online,offset=14,lag=1",
		  true }, /* announced as another: the only one up */
		{ "slave0:ip=%s,port=6379,offset=14,lag=1", false },
		{ "slave0:ip=%s,port=x,state=online,offset=14,lag=1", false },
	};
	for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
		struct rop_topology *topology = topology_of(3, 1, 6);
		struct rop_observed *world = formed_world(topology);
		struct rop_answer *answers = answers_of(world);
		size_t replica = 0, n;
		const char **names = rop_settings_watched(pool, topology, &n);
		while (world->nodes[replica].primary != 1)
			replica++;
		const char *format = CASES[c].line, *at = strstr(format, "%s");
		answers[1].info_replication = rop_printf(pool, "role:master\r\n%.*s%s%s\r\n", (int)(at - format),
							 format, world->nodes[replica].ip, at + 2);
		struct rop_observed *seen = rop_observed_from_answers(pool, answers, 6, names, n, 1);
		cr_assert_eq(rop_bit(seen, seen->online, 1, replica), CASES[c].online, "%s", CASES[c].line);
	}
}

/* Told by the primary: who has no connection to it. A line of nobody that was asked may be of anybody. */
Test(model, a_primary_that_tells_its_connections_tells_who_has_none)
{
	static const struct {
		const char *info;
		bool unlisted;
	} CASES[] = {
		{ "role:master\r\nconnected_slaves:0\r\n", true },
		{ "role:master\r\nconnected_slaves:1\r\nslave0:ip=%s,port=6379,state=online,offset=1,lag=0\r\n",
		  false },
		{ "role:master\r\nconnected_slaves:1\r\nslave0:ip=%s,port=6379,state=wait_bgsave,offset=0,lag=0\r\n",
		  false },
		{ "role:master\r\nconnected_slaves:1\r\nslave0:ip=10.9.9.9,port=1,state=send_bulk,offset=0,lag=0\r\n",
		  false },
		{ "role:master\r\nconnected_slaves:1\r\nslave0:of another form\r\n", false },
		{ "role:master\r\n", false },
	};
	for (size_t c = 0; c < sizeof CASES / sizeof *CASES; c++) {
		struct rop_topology *topology = topology_of(3, 1, 6);
		struct rop_observed *world = formed_world(topology);
		struct rop_answer *answers = answers_of(world);
		size_t n;
		const char **names = rop_settings_watched(pool, topology, &n);
		const char *format = CASES[c].info, *at = strstr(format, "%s");
		answers[1].info_replication = at ? rop_printf(pool, "%.*s%s%s", (int)(at - format), format,
							      world->nodes[4].ip, at + 2)
						 : format;
		answers[4].info_replication = "role:slave\r\nmaster_link_status:down\r\nmaster_sync_in_progress:1\r\n"
					      "master_sync_last_io_seconds_ago:7\r\n";
		struct rop_observed *seen = rop_observed_from_answers(pool, answers, 6, names, n, 1);
		cr_assert_eq(world->nodes[4].primary, 1);
		cr_assert_eq(rop_bit(seen, seen->unlisted, 1, 4), CASES[c].unlisted, "%s", CASES[c].info);
		cr_assert(seen->nodes[4].sync_idle_s == 7 && seen->nodes[3].sync_idle_s == -1);
		cr_assert_eq(situation_of(topology, seen)->synchronising, !CASES[c].unlisted, "%s", CASES[c].info);
	}
}

Test(model, absurd_numbers_of_keys_are_many_keys_and_no_numbers_are_unknown)
{
	static const struct {
		const char *info;
		int64_t keys;
	} INFOS[] = {
		{ "# Keyspace\r\n", 0 },
		{ "db0:keys=0,expires=0\r\n", 0 },
		{ "db0:keys=9223372036854775807,expires=0\r\ndb1:keys=9223372036854775807\r\n", ROP_KEYS_MAX },
		{ "db0:keys=99999999999999999999999999999999,expires=0\r\ndb1:keys=1\r\n", ROP_KEYS_MAX },
		{ "db0:keys=-1,expires=0\r\n", -1 },
		{ "db0:keys=,expires=0\r\n", -1 },
		{ "db0:keys=many,expires=0\r\ndb1:keys=4\r\n", -1 },
	};
	for (size_t i = 0; i < sizeof INFOS / sizeof *INFOS; i++) {
		struct rop_answer answer = answer_of(OWN_LINE "\n");
		answer.info_keyspace = INFOS[i].info;
		cr_assert_eq(alone(answer)->keys, INFOS[i].keys, "%s", INFOS[i].info);
	}
	size_t n = 300;
	double ms;
	struct rop_answer *answers = rop_alloc_n(pool, n, sizeof *answers);
	for (size_t i = 0; i < n; i++) {
		answers[i] = answer_of(
			rop_printf(pool, "%s 10.0.0.1:6379@16379 myself,master - 0 0 4 connected\n", node_id(i)));
		answers[i].info_keyspace = "db0:keys=9223372036854775807,expires=0\r\n";
	}
	cr_assert(take(answers, n, &ms)->refused, "and their sum is a number");
}

#define HARM "\x1b[2J\xc2\x9b\xff\xe2\x80\xae"

Test(model, what_nodes_say_is_fit_to_be_shown)
{
	static const char *names[] = { "maxmemory" };
	const char *values[] = { "1" HARM };
	static const char LINES[] = OWN_LINE " [7->-" HARM "]\n" C " 10.9.9.9" HARM ":1@2 master," HARM
					     " - 0 0 7 connected\n";
	struct rop_answer answer = answer_of(LINES);
	answer.info_server = "redis_version:7.0" HARM "\r\n";
	answer.operators = "id=3 addr=10.0.0.5:4 name=redis-operator:ca" HARM "rt:1a2b3c4d age=1\n";
	answer.settings = values;
	struct rop_observed *seen = rop_observed_from_answers(pool, &answer, 1, names, 1, 1);
	const struct rop_node *node = &seen->nodes[0];
	cr_assert_eq(node->reach, ROP_REACH_OK, "%s", node->reach_why);
	const char *texts[] = { node->open_text,
				node->flavour,
				node->settings[0],
				node->operators[0].cluster,
				seen->foreign.at[0].address,
				seen->foreign.at[0].flags };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		cr_assert(rop_text_is_visible(texts[i], strlen(texts[i])), "%s", texts[i]);
		cr_assert(strstr(texts[i], "\xef\xbf\xbd[2J\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"), "%zu: %s", i,
			  texts[i]);
	}
}

/* ---- all of them together ------------------------------------------------------------------------------------ */

Test(model, what_nodes_say_of_a_world_is_read_back_as_that_world)
{
	EACH_SEED(seed, 25)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, (struct chances){ .max_shards = 30,
											   .max_replicas = 2,
											   .extra = 2 });
		struct rop_observed *world = formed_world(topology);
		for (size_t i = 0; i < world->n; i++) {
			world->nodes[i].keys = (int64_t)random_below(&random, 3);
			if (!random_below(&random, 5))
				rop_bit_clear(world, world->linked, i, (i + 1) % world->n);
		}
		struct rop_observed *seen = rop_observed_from_answers(pool, answers_of(world), world->n,
								      world->setting_names, world->n_settings, 5);
		cr_assert(seen->boot_ms == 5 && seen->foreign.n == 0);
		size_t matrix = world->n * world->words * sizeof(uint64_t);
		cr_assert_arr_eq(seen->known, world->known, matrix);
		cr_assert_arr_eq(seen->agrees, world->agrees, matrix);
		for (size_t i = 0; i < world->n; i++) {
			const struct rop_node *a = &seen->nodes[i], *b = &world->nodes[i];
			cr_assert(strcmp(a->id, b->id) == 0 && a->role == b->role && a->primary == b->primary &&
				  a->epoch == b->epoch);
			cr_assert(strcmp(a->primary_id, b->primary_id) == 0 && a->keys == b->keys &&
				  a->others == b->others);
			cr_assert(a->state_ok == b->state_ok && a->link_up == b->link_up &&
				  a->current_epoch == b->current_epoch);
			cr_assert_arr_eq(&a->slots, &b->slots, sizeof a->slots);
			cr_assert_str_eq(a->settings[0], "15000");
			for (size_t j = 0; j < world->n; j++)
				if (i != j)
					cr_assert_eq(rop_bit(seen, seen->linked, i, j),
						     rop_bit(world, world->linked, i, j), "seed %" PRIu64, seed);
		}
	}
}

/* The second node as the first sees it. */
static struct rop_observed *two(const char *other_line)
{
	struct rop_answer *answers = rop_alloc_n(pool, 2, sizeof *answers);
	answers[0] = answer_of(rop_printf(pool, OWN_LINE " 0-99\n%s\n", other_line));
	answers[1] = answer_of(B " 10.0.0.2:6379@16379 myself,master - 0 0 7 connected 100-199 300\n" A
				 " 10.0.0.1:6379@16379 master - 0 0 4 connected 0-99\n");
	answers[1].address = "b:6379";
	answers[1].ip = "10.0.0.2";
	return seen_by(answers, 2);
}

Test(model, a_peer_may_hold_a_node_elsewhere_than_it_says_itself)
{
	struct rop_observed *seen = two(B " 10.0.0.9:6379@16379 master - 0 0 7 connected 100-199 300");
	cr_assert_str_eq(seen->nodes[0].own_address, "10.0.0.1:6379");
	cr_assert_str_eq(seen->nodes[1].own_address, "10.0.0.2:6379");
	cr_assert_null(seen->nodes[0].elsewhere);
	cr_assert_str_eq(seen->nodes[1].elsewhere, "10.0.0.9:6379");
	static const char *const NOWHERE[] = {
		B " :0@0 master,noaddr - 0 0 7 connected",
		B " 10.0.0.9:6379@16379 master,fail? - 0 0 7 connected",
		B " 10.0.0.9:6379@16379 master - 0 0 7 disconnected",
		B " :6379@16379 master - 0 0 7 connected",
	};
	for (size_t i = 0; i < sizeof NOWHERE / sizeof *NOWHERE; i++)
		cr_assert_null(two(NOWHERE[i])->nodes[1].elsewhere, "%s", NOWHERE[i]);
	struct rop_node *shy = alone(answer_of(A " :6379@16379 myself,master - 0 0 4 connected"));
	cr_assert_null(shy->own_address, "it does not know it yet");
}

Test(model, a_peer_that_waits_for_an_answer_elsewhere_is_told_from_one_that_is_connected_there)
{
	static const struct {
		const char *line;
		const char *elsewhere, *held_at;
		int64_t held_ms;
		bool at_home;
	} VIEWS[] = {
		{ "10.0.0.9:6379@16379 master - 0 5 7 connected", "10.0.0.9:6379", NULL, 0, false },
		{ "10.0.0.9:6379@16379 master - 1700000000000 5 7 connected", NULL, "10.0.0.9:6379", 1500, false },
		{ "10.0.0.9:6379@16379 master,fail - 1700000000000 5 7 disconnected", NULL, "10.0.0.9:6379", 1500,
		  false },
		{ "10.0.0.9:6379@16379 master - 1800000000000 5 7 disconnected", NULL, "10.0.0.9:6379", 0, false },
		{ "10.0.0.9:6379@16379 master - what 5 7 disconnected", NULL, NULL, 0, false },
		{ "10.0.0.9:6379@16379 master - 0 5 7 disconnected", NULL, NULL, 0, false },
		{ "::1:6379@16379 master - 1700000000000 5 7 disconnected", NULL, "::1:6379", 1500, false },
		{ ":6379@16379 master - 1700000000000 5 7 disconnected", NULL, NULL, 0, false },
		{ "10.0.0.2:6379@16379 master - 1700000000000 5 7 disconnected", NULL, NULL, 0, false },
		{ "10.0.0.2:6379@16379 master - 1700000000000 5 7 connected", NULL, NULL, 0, true },
	};
	for (size_t i = 0; i < sizeof VIEWS / sizeof *VIEWS; i++) {
		struct rop_answer answers[2] = {
			answer_of(rop_printf(pool, OWN_LINE "\n" B " %s\n", VIEWS[i].line)),
			answer_of(B " 10.0.0.2:6379@16379 myself,master - 0 0 7 connected\n"),
		};
		answers[0].info_server = "redis_version:7.0.15\r\nserver_time_usec:1700000001500000\r\n";
		struct rop_node *node = &seen_by(answers, 2)->nodes[1];
		cr_assert(rop_streq(node->elsewhere, VIEWS[i].elsewhere), "%s", VIEWS[i].line);
		cr_assert(rop_streq(node->held_at, VIEWS[i].held_at), "%s", VIEWS[i].line);
		cr_assert_eq(node->held_ms, VIEWS[i].held_ms, "%s", VIEWS[i].line);
		cr_assert_eq(node->held_by, VIEWS[i].held_at != NULL);
		cr_assert_eq(node->at_home, VIEWS[i].at_home, "%s", VIEWS[i].line);
	}
}

/* Of two servers with one identity a look may show the declared one alone, with links that are new or were just lost.
 */
Test(model, a_look_that_may_be_one_at_two_servers_is_told_from_a_quiet_one)
{
	static const struct {
		const char *line;
		bool may_be; /* it was heard last at ...1000, now it is ...1500 */
	} VIEWS[] = {
		{ "10.0.0.2:6379@16379 master - 0 1700000001200 7 connected", true },
		{ "10.0.0.2:6379@16379 master - 0 1700000000900 7 connected", false },
		{ "10.0.0.2:6379@16379 master - 0 1700000000900 7 disconnected", true },
		{ "10.0.0.2:6379@16379 master - 0 1699999999000 7 disconnected", false },
		{ "10.0.0.2:6379@16379 master - 1700000001300 1700000000900 7 connected", false },
		{ "10.0.0.9:6379@16379 master - 1700000001300 1700000000900 7 connected", true },
		{ "10.0.0.9:6379@16379 master - 0 1700000001200 7 connected", false }, /* here is the other one */
		{ ":0@0 master,noaddr - 0 1700000001200 7 disconnected", false },
	};
	for (size_t i = 0; i < sizeof VIEWS / sizeof *VIEWS; i++) {
		struct rop_answer answers[3] = {
			answer_of(rop_printf(pool, OWN_LINE "\n" B " %s\n", VIEWS[i].line)),
			answer_of(B " 10.0.0.2:6379@16379 myself,master - 0 0 7 connected\n"),
			answer_of(C " 10.0.0.3:6379@16379 myself,master - 0 0 9 connected\n" B
				    " 10.0.0.2:6379@16379 master - 0 1700000000100 7 connected\n"),
		};
		answers[0].info_server = answers[2].info_server =
			"redis_version:7.0.15\r\nserver_time_usec:1700000001500000\r\n";
		answers[1].ip = "10.0.0.2";
		answers[2].ip = "10.0.0.3";
		cr_assert_eq(rop_observed_may_be_torn(seen_by(answers, 2)), VIEWS[i].may_be, "%s", VIEWS[i].line);
	}
	struct rop_answer both[3] = {
		answer_of(OWN_LINE "\n" B " 10.0.0.2:6379@16379 master - 0 1700000001200 7 connected\n"),
		answer_of(B " 10.0.0.2:6379@16379 myself,master - 0 0 7 connected\n"),
		answer_of(C " 10.0.0.3:6379@16379 myself,master - 0 0 9 connected\n" B
			    " 10.0.0.2:6379@16379 master - 0 1700000000100 7 connected\n"),
	};
	both[0].info_server = both[2].info_server = "redis_version:7.0.15\r\nserver_time_usec:1700000001500000\r\n";
	both[1].ip = "10.0.0.2";
	both[2].ip = "10.0.0.3";
	cr_assert_not(rop_observed_may_be_torn(seen_by(both, 3)), "one peer has a link that is not new");
}

Test(model, a_node_tells_its_bus_port_and_host_name_where_the_file_is_silent)
{
	static const struct {
		const char *address;
		int declared, bus, own;
		const char *hostname;
	} LINES[] = {
		{ "10.0.0.1:6379@16379", 0, 16379, 16379, "" },
		{ "10.0.0.1:6379@17777,a.test", 0, 17777, 17777, "a.test" },
		{ ":6379@17777", 0, 17777, 17777, "" },             /* nobody has met it yet */
		{ "10.0.0.1:6379@17777", 12999, 12999, 17777, "" }, /* the file says it */
		{ "10.0.0.1:7001@17001", 0, 16379, 17001, "" },     /* ports are translated on the way to it */
		{ "10.0.0.1:6379@17777,,shard-id=ab", 0, 17777, 17777, "" },
		{ "10.0.0.1:6379@17777,shard-id=ab", 0, 17777, 17777, "" },
		{ "10.0.0.1:6379@17777,a.test,shard-id=ab", 0, 17777, 17777, "a.test" },
		{ "10.0.0.1:6379", 0, 16379, 0, "" },
		{ "10.0.0.1:6379@0", 0, 16379, 0, "" },
		{ "10.0.0.1:6379@99999", 0, 16379, 0, "" },
		{ "10.0.0.1:6379,a@17777", 0, 16379, 0, "a@17777" },
	};
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
		struct rop_answer answer = answer_of(
			rop_printf(pool, A " %s myself,master - 0 0 4 connected\n", LINES[i].address));
		answer.bus_port = LINES[i].declared;
		const struct rop_node *node = alone(answer);
		cr_assert_eq(node->reach, ROP_REACH_OK, "%s", LINES[i].address);
		cr_assert_eq(node->bus_port, LINES[i].bus, "%s", LINES[i].address);
		cr_assert_eq(node->own_bus_port, LINES[i].own, "%s", LINES[i].address);
		cr_assert_str_eq(node->hostname, LINES[i].hostname, "%s", LINES[i].address);
	}
}

Test(model, where_peers_look_for_a_node_without_an_answer_is_kept)
{
	static const struct {
		const char *line, *at;
		int bus;
		int64_t ms;
	} VIEWS[] = {
		{ "10.0.0.2:6379@16379 master - 0 1699999999500 7 connected", NULL, 0, 0 },
		{ "10.0.0.2:6379@16379 master - 1700000000000 5 7 connected", "10.0.0.2:6379", 16379, 1500 },
		{ "10.9.9.9:6379@12999 master,fail - 1700000000000 5 7 disconnected", "10.9.9.9:6379", 12999, 1500 },
		{ "10.9.9.9:6379@12999 master - 0 1700000000500 7 disconnected", "10.9.9.9:6379", 12999, 1000 },
		{ "10.9.9.9:6379@12999 master - 0 0 7 disconnected", "10.9.9.9:6379", 12999, 0 },
		{ ":0@0 master,noaddr - 1700000000000 0 7 disconnected", NULL, 0, 0 },
	};
	for (size_t i = 0; i < sizeof VIEWS / sizeof *VIEWS; i++) {
		struct rop_answer answers[2] = {
			answer_of(rop_printf(pool, OWN_LINE "\n" B " %s\n", VIEWS[i].line)),
			answer_of(B " 10.0.0.2:6379@16379 myself,master - 0 0 7 connected\n"),
		};
		answers[0].info_server = "redis_version:7.0.15\r\nserver_time_usec:1700000001500000\r\n";
		answers[1].ip = "10.0.0.2";
		const struct rop_node *node = &seen_by(answers, 2)->nodes[1];
		cr_assert(rop_streq(node->sought_at, VIEWS[i].at), "%s", VIEWS[i].line);
		cr_assert_eq(node->sought_bus, VIEWS[i].bus, "%s", VIEWS[i].line);
		cr_assert_eq(node->sought_ms, VIEWS[i].ms, "%s", VIEWS[i].line);
		cr_assert_eq(node->sought_by, VIEWS[i].at != NULL);
	}
}

/* Its port for clients was announced otherwise until now; the process behind that bus is the same. */
Test(model, whoever_has_its_bus_is_the_node_itself)
{
	struct rop_node *node = &two(B " 10.0.0.2:7777@16379 master - 0 1 7 connected 100-199 300")->nodes[1];
	cr_assert(!node->elsewhere && node->at_home);
	node = &two(B " 10.0.0.2:7777@17777 master - 0 1 7 connected 100-199 300")->nodes[1];
	cr_assert_str_eq(node->elsewhere, "10.0.0.2:7777");
	node = &two(B " 10.0.0.22:6379@16379 master - 0 1 7 connected 100-199 300")->nodes[1];
	cr_assert_str_eq(node->elsewhere, "10.0.0.22:6379");
}

Test(model, what_a_view_holds_otherwise_is_kept_with_both_values)
{
	static const struct {
		const char *line;
		enum rop_differs in;
		const char *held, *says, *slots;
	} VIEWS[] = {
		{ B " 10.0.0.2:6379@16379 slave " A " 0 1 7 connected", ROP_DIFFERS_ROLE, "a replica of a:6379",
		  "a primary", NULL },
		{ B " 10.0.0.2:6379@16379 slave " C " 0 1 7 connected", ROP_DIFFERS_ROLE, "a replica of " C,
		  "a primary", NULL },
		{ B " 10.0.0.2:6379@16379 master - 0 1 6 connected 100-199 300", ROP_DIFFERS_EPOCH, "6", "7", NULL },
		{ B " 10.0.0.2:6379@16379 master - 0 1 7 connected 100-199", ROP_DIFFERS_SLOTS, "nobody", "itself",
		  "300" },
		{ B " 10.0.0.2:6379@16379 master - 0 1 7 connected 110-199\n" C
		    " 10.0.0.3:6379@16379 master - 0 1 9 connected 100-109 300",
		  ROP_DIFFERS_SLOTS, C, "itself", "100-109 300" },
		{ B " 10.0.0.2:6379@16379 master - 0 1 7 connected 100-199 300 400", ROP_DIFFERS_SLOTS, "b:6379",
		  "nobody", "400" },
	};
	for (size_t i = 0; i < sizeof VIEWS / sizeof *VIEWS; i++) {
		const struct rop_observed *seen = two(VIEWS[i].line);
		cr_assert_eq(seen->differences.n, 1, "case %zu", i);
		const struct rop_difference *d = &seen->differences.at[0];
		cr_assert(d->viewer == 0 && d->subject == 1 && d->in == VIEWS[i].in, "case %zu", i);
		cr_assert_str_eq(d->held, VIEWS[i].held, "case %zu", i);
		cr_assert_str_eq(d->says, VIEWS[i].says, "case %zu", i);
		cr_assert(rop_streq(d->slots, VIEWS[i].slots), "case %zu: %s", i, d->slots ? d->slots : "");
	}
	cr_assert_eq(two(B " 10.0.0.2:6379@16379 master - 0 1 7 connected 100-199 300")->differences.n, 0);
}

Test(model, an_introduction_to_where_no_declared_node_is_is_kept)
{
	static const struct {
		const char *address, *strange;
	} ENTRIES[] = {
		{ "10.0.0.2:6379@16379", NULL },   /* the other, as declared */
		{ "172.16.0.2:7002@17002", NULL }, /* the other, as it announces itself */
		{ "10.0.0.1:7002@17002", "10.0.0.1:7002" },
		{ "10.0.0.9:6379@16379", "10.0.0.9:6379" },
		{ "::1:6379@16379", "::1:6379" },
	};
	for (size_t i = 0; i < sizeof ENTRIES / sizeof *ENTRIES; i++) {
		struct rop_answer answers[2] = {
			answer_of(rop_printf(pool, OWN_LINE "\n" C " %s handshake - 0 0 0 disconnected\n",
					     ENTRIES[i].address)),
			answer_of(B " 172.16.0.2:7002@17002 myself,master - 0 0 7 connected\n"),
		};
		answers[1].ip = "10.0.0.2";
		struct rop_observed *seen = seen_by(answers, 2);
		cr_assert(rop_streq(seen->nodes[0].strange, ENTRIES[i].strange), "%s", ENTRIES[i].address);
		cr_assert_eq(seen->nodes[0].handshakes, 1);
		cr_assert_null(seen->nodes[1].strange);
	}
}

Test(model, names_of_modules_are_kept_in_order)
{
	static const struct {
		const char *info, *modules;
	} INFOS[] = {
		{ NULL, NULL },
		{ "# Modules\r\n", "" },
		{ "# Modules\r\nmodule:name=search,ver=1,api=1\r\nmodule:name=ReJSON,ver=2,api=1\r\n",
		  "ReJSON search " },
		{ "# Modules\r\nmodule:name=a b\x1b,ver=1", "a " },
		{ "module:name=", " " },
	};
	for (size_t i = 0; i < sizeof INFOS / sizeof *INFOS; i++) {
		struct rop_answer answer = answer_of(OWN_LINE);
		answer.info_modules = INFOS[i].info;
		cr_assert(rop_streq(alone(answer)->modules, INFOS[i].modules), "%zu: %s", i, alone(answer)->modules);
	}
}

Test(model, a_view_agrees_only_with_what_the_node_says_of_itself)
{
	static const struct {
		const char *line;
		bool linked, agrees;
	} VIEWS[] = {
		{ B " 10.0.0.2:6379@16379 master - 0 0 7 connected 100-199 300", true, true },
		{ B " 10.0.0.2:6379@16379 master - 0 0 7 connected 300 100-150 151-199", true, true },
		{ B " 10.0.0.2:6379@16379 master - 0 0 7 connected 100-199", true, false },
		{ B " 10.0.0.2:6379@16379 master - 0 0 7 connected nonsense", true, false },
		{ B " 10.0.0.2:6379@16379 master - 0 0 6 connected 100-199 300", true, false },
		{ B " 10.0.0.2:6379@16379 slave " A " 0 0 7 connected 100-199 300", true, false },
		{ B " 10.0.0.2:6379@16379 master " A " 0 0 7 connected 100-199 300", true, false },
		{ B " 10.0.0.2:6379@16379 noflags - 0 0 7 connected 100-199 300", true, false },
		{ B " 10.0.0.2:6379@16379 master,fail - 0 0 7 connected 100-199 300", false, true },
		{ B " 10.0.0.2:6379@16379 master,fail? - 0 0 7 connected 100-199 300", false, true },
		{ B " :0@0 master,noaddr - 0 0 7 connected 100-199 300", false, true },
		{ B " 10.0.0.2:6379@16379 master,learner - 0 0 7 connected 100-199 300", false, true },
		{ B " 10.0.0.2:6379@16379 master - 0 0 7 disconnected 100-199 300", false, true },
		{ B " 10.0.0.9:6379@16379 master,nofailover - 0 0 7 connected 100-199 300", true, true },
	};
	for (size_t i = 0; i < sizeof VIEWS / sizeof *VIEWS; i++) {
		struct rop_observed *seen = two(VIEWS[i].line);
		cr_assert(rop_bit(seen, seen->known, 0, 1), "%s", VIEWS[i].line);
		cr_assert_eq(rop_bit(seen, seen->linked, 0, 1), VIEWS[i].linked, "%s", VIEWS[i].line);
		cr_assert_eq(rop_bit(seen, seen->agrees, 0, 1), VIEWS[i].agrees, "%s", VIEWS[i].line);
		cr_assert(rop_bit(seen, seen->linked, 0, 0) && rop_bit(seen, seen->agrees, 0, 0) &&
			  seen->nodes[0].others == 1);
	}
}

Test(model, a_handshake_is_no_acquaintance_yet)
{
	struct rop_observed *seen = two(B " 10.0.0.2:6379@16379 handshake - 0 0 0 disconnected");
	cr_assert_not(rop_bit(seen, seen->known, 0, 1));
	cr_assert(seen->nodes[0].handshakes == 1 && seen->nodes[0].others == 0 && seen->foreign.n == 0);
}

Test(model, a_peer_that_nobody_declared_is_kept_with_who_saw_it)
{
	struct rop_observed *seen = two(C " 10.9.9.9:6379@16379,evil slave,fail " A " 0 0 7 disconnected");
	cr_assert_eq(seen->foreign.n, 1);
	cr_assert_eq(seen->foreign.at[0].viewer, 0);
	cr_assert_str_eq(seen->foreign.at[0].id, C);
	cr_assert_str_eq(seen->foreign.at[0].address, "10.9.9.9:6379");
	cr_assert_str_eq(seen->foreign.at[0].flags, "slave,fail");
	cr_assert(seen->nodes[0].others == 1 && !rop_bit(seen, seen->known, 0, 1));
}

Test(model, a_replica_is_linked_to_its_primary_by_id)
{
	struct rop_answer answers[] = {
		answer_of(A " 10.0.0.1:6379@16379 myself,slave " B " 0 0 7 connected\n"),
		answer_of(B " 10.0.0.2:6379@16379 myself,master - 0 0 7 connected 0-16383\n"),
		answer_of(C " 10.0.0.3:6379@16379 myself,slave 1111111111111111111111111111111111111111 0 0 7 "
			    "connected\n"),
	};
	struct rop_observed *seen = seen_by(answers, 3);
	cr_assert(seen->nodes[0].role == ROP_ROLE_REPLICA && seen->nodes[0].primary == 1);
	cr_assert_eq(seen->nodes[1].primary, -1);
	cr_assert(seen->nodes[2].role == ROP_ROLE_REPLICA && seen->nodes[2].primary == -1);
}

/* ---- nodes that do not answer --------------------------------------------------------------------------------- */

static struct rop_observed *with_a_silent_one(const char *lines, const char *expected_id, const char *ip)
{
	struct rop_answer *answers = rop_alloc_n(pool, 3, sizeof *answers);
	answers[0] = answer_of(rop_printf(pool, OWN_LINE "\n%s", lines));
	answers[1] = (struct rop_answer){ .address = "b:6379",
					  .ip = ip,
					  .port = 6379,
					  .reach = ROP_REACH_SILENT,
					  .reach_why = "connection refused",
					  .expected_id = expected_id,
					  .functions = -1 };
	answers[2] = answer_of(C " 10.0.0.3:6379@16379 myself,master - 0 0 9 connected\n" B " 10.0.0.2:6379@16379 "
				 "master,fail - 0 0 3 "
				 "connected 5-9\n");
	return seen_by(answers, 3);
}

Test(model, a_silent_node_is_what_the_newest_view_of_its_address_says)
{
	struct rop_observed *seen = with_a_silent_one(B " 10.0.0.2:6379@16379 slave,fail " C " 0 0 5 connected [7->-" A
							"]\n",
						      NULL, "10.0.0.2");
	const struct rop_node *node = &seen->nodes[1];
	cr_assert_eq(node->reach, ROP_REACH_SILENT);
	cr_assert_str_eq(node->reach_why, "connection refused");
	cr_assert_str_eq(node->id, B);
	cr_assert(node->role == ROP_ROLE_REPLICA && node->primary == 2 && node->epoch == 5);
	cr_assert_eq(rop_slots_count(&node->slots), 0);
	cr_assert(!node->open_text && node->open_slots == 0);
	cr_assert(rop_bit(seen, seen->agrees, 0, 1) && !rop_bit(seen, seen->agrees, 2, 1));
	cr_assert_eq(seen->foreign.n, 0);
	seen = with_a_silent_one(B " 10.0.0.2:6379@16379 slave,fail " C " 0 0 2 connected\n", NULL, "10.0.0.2");
	cr_assert_str_eq(rop_slots_text(pool, &seen->nodes[1].slots), "5-9");
}

Test(model, a_silent_node_is_known_by_its_earlier_id_wherever_it_is_now)
{
	struct rop_observed *seen = with_a_silent_one("", B, "10.0.0.77");
	cr_assert(seen->nodes[1].role == ROP_ROLE_PRIMARY && seen->nodes[1].epoch == 3);
	seen = with_a_silent_one("", A, "10.0.0.2");
	cr_assert_eq(seen->nodes[1].role, ROP_ROLE_UNKNOWN, "its own line does not count for another");
	cr_assert_eq(seen->foreign.n, 1, "at its address is somebody else now");
}

Test(model, nobody_knows_a_node_that_is_silent_in_a_handshake_or_not_resolved)
{
	struct rop_observed *seen = with_a_silent_one(B " 10.0.0.5:6379@16379 handshake - 0 0 8 connected\n", NULL,
						      NULL);
	cr_assert_str_eq(seen->nodes[1].id, "");
	cr_assert_eq(seen->nodes[1].role, ROP_ROLE_UNKNOWN);
	cr_assert_eq(seen->foreign.n, 1);
}

/* ---- copies and finding --------------------------------------------------------------------------------------- */

Test(model, a_copy_is_equal_and_independent)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	rop_observed_add_foreign(world, 2, C, "x", "y", NULL);
	world->foreign_more = 3;
	struct rop_observed *copy = rop_observed_copy(pool, world);
	cr_assert(copy->foreign.n == 1 && copy->foreign_more == 3 && copy->boot_ms == world->boot_ms && copy->n == 6);
	cr_assert_arr_eq(copy->known, world->known, 6 * sizeof(uint64_t));
	copy->nodes[1].settings[0] = "1";
	rop_bit_clear(copy, copy->known, 0, 1);
	rop_slots_add(&copy->nodes[5].slots, 0, 9);
	cr_assert_str_eq(world->nodes[1].settings[0], "15000");
	cr_assert(rop_bit(world, world->known, 0, 1));
	cr_assert_eq(rop_slots_count(&world->nodes[5].slots), 0);
}

Test(model, finds_nodes_by_id_and_settings_by_name)
{
	struct rop_observed *world = fresh_world(topology_of(3, 0, 3));
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(rop_observed_find(world, node_id(i)), (int)i);
	cr_assert_eq(rop_observed_find(world, node_id(9)), -1);
	char near[ROP_ID_SIZE];
	memcpy(near, node_id(1), ROP_ID_SIZE);
	near[39] = near[39] == 'f' ? 'e' : 'f';
	cr_assert_eq(rop_observed_find(world, near), -1);
	world->nodes[1].id[0] = '\0';
	cr_assert_eq(rop_observed_find(world, ""), -1, "a node whose id is not known is not found by it");
	cr_assert_eq(rop_observed_setting(world, "repl-diskless-sync-delay"), 1);
	cr_assert_eq(rop_observed_setting(world, "maxmemory"), -1);
}

Test(model, a_seventieth_node_has_bits_of_its_own)
{
	struct rop_observed *world = fresh_world(topology_of(35, 1, 70));
	cr_assert_eq(world->words, 2);
	rop_bit_set(world, world->known, 69, 65);
	for (size_t i = 0; i < 70; i++)
		for (size_t j = 0; j < 70; j++)
			cr_assert_eq(rop_bit(world, world->known, i, j), i == j || (i == 69 && j == 65));
	rop_bit_clear(world, world->known, 69, 65);
	cr_assert_not(rop_bit(world, world->known, 69, 65));
}

/* ---- sets of slots -------------------------------------------------------------------------------------------- */

Test(model, sets_of_slots_are_like_an_array_of_bools)
{
	EACH_SEED(seed, 300)
	{
		uint64_t random = seed;
		struct rop_slots sets[2] = { 0 };
		bool plain[2][ROP_SLOTS] = { 0 };
		for (int i = 0; i < 12; i++) {
			int which = i % 2, first = (int)random_below(&random, ROP_SLOTS),
			    last = first + (int)random_below(&random, 1 + random_below(&random, 3000));
			rop_slots_add(&sets[which], first, last);
			for (int s = first; s <= last && s < ROP_SLOTS; s++)
				plain[which][s] = true;
		}
		int count = 0, common = 0, lowest = ROP_SLOTS, runs = 0, n_runs = 0;
		for (int s = ROP_SLOTS - 1; s >= 0; s--) {
			cr_assert_eq(rop_slots_has(&sets[0], s), plain[0][s]);
			count += plain[0][s];
			common += plain[0][s] && plain[1][s];
			lowest = plain[0][s] ? s : lowest;
			runs += plain[0][s] && (s == 0 || !plain[0][s - 1]);
		}
		cr_assert_eq(rop_slots_count(&sets[0]), count);
		cr_assert_eq(rop_slots_common(&sets[0], &sets[1]), common);
		cr_assert_eq(rop_slots_meet(&sets[0], &sets[1]), common > 0);
		cr_assert_eq(rop_slots_first(&sets[0]), lowest);
		for (int from = 0, first, last; rop_slots_run(&sets[0], from, &first, &last); from = last + 1, n_runs++)
			cr_assert(plain[0][first] && plain[0][last] && (last == ROP_SLOTS - 1 || !plain[0][last + 1]));
		cr_assert_eq(n_runs, runs);
		rop_slots_join(&sets[0], &sets[1]);
		for (int s = 0; s < ROP_SLOTS; s++)
			cr_assert_eq(rop_slots_has(&sets[0], s), plain[0][s] || plain[1][s]);
	}
}

Test(model, slots_are_written_as_the_servers_write_them)
{
	struct rop_slots slots = { 0 };
	int first = 1, last = 2;
	cr_assert_str_eq(rop_slots_text(pool, &slots), "");
	cr_assert_eq(rop_slots_first(&slots), ROP_SLOTS);
	cr_assert_not(rop_slots_run(&slots, 0, &first, &last));
	cr_assert(first == 1 && last == 2, "a miss leaves the outputs alone");
	rop_slots_add(&slots, 0, 63);
	rop_slots_add(&slots, 64, 64);
	rop_slots_add(&slots, 100, 100);
	rop_slots_add(&slots, 16383, 16383);
	cr_assert_str_eq(rop_slots_text(pool, &slots), "0-64 100 16383");
	cr_assert_not(rop_slots_run(&slots, ROP_SLOTS, &first, &last));
}

/* ---- INFO ------------------------------------------------------------------------------------------------------ */

Test(model, info_gives_a_value_by_its_whole_key)
{
	const char *info = "# Server\r\nredis_version:7.0.15\r\nversion:no\r\nempty:\r\nlast:line";
	char buf[8] = "before";
	cr_assert(rop_info_get(info, "redis_version", buf, sizeof buf));
	cr_assert_str_eq(buf, "7.0.15");
	cr_assert(rop_info_get(info, "version", buf, sizeof buf));
	cr_assert_str_eq(buf, "no");
	cr_assert(rop_info_get(info, "empty", buf, sizeof buf));
	cr_assert_str_eq(buf, "");
	cr_assert(rop_info_get(info, "last", buf, sizeof buf));
	cr_assert_str_eq(buf, "line");
	cr_assert_not(rop_info_get(info, "redis", buf, sizeof buf));
	cr_assert_not(rop_info_get(info, "line", buf, sizeof buf));
	cr_assert_not(rop_info_get(NULL, "line", buf, sizeof buf));
	cr_assert_str_eq(buf, "line", "a miss leaves the output alone");
	cr_assert(rop_info_get("k:0123456789", "k", buf, sizeof buf));
	cr_assert_str_eq(buf, "0123456", "cut to the room there is");
	char *endless = rop_alloc(pool, 10000);
	memset(endless, 'x', 9999);
	memcpy(endless, "key:", 4);
	char big[8192];
	cr_assert(rop_info_get(endless, "key", big, sizeof big) && strlen(big) == 4096);
}

/* ---- names ----------------------------------------------------------------------------------------------------- */

Test(model, kinds_and_statuses_are_found_by_their_names)
{
	for (int kind = 0; kind < ROP_STEP_KINDS_N; kind++) {
		cr_assert_eq(rop_step_kind_find(rop_step_kind_name((enum rop_step_kind)kind)), kind);
		cr_assert_geq(rop_step_kind_deadline_ms((enum rop_step_kind)kind), 1000);
	}
	cr_assert_eq(rop_step_kind_find("dismiss"), -1);
	for (int status = 0; status < ROP_EXPECT_STATUSES_N; status++)
		cr_assert_eq(rop_expect_status_find(rop_expect_status_name((enum rop_expect_status)status)), status);
	cr_assert_eq(rop_expect_status_find("lost"), -1);
	cr_assert_str_eq(rop_condition_type_name(ROP_COND_CONVERGED), "Converged");
	cr_assert_str_eq(rop_truth_name(ROP_UNKNOWN), "Unknown");
	cr_assert_str_eq(rop_truth_name(ROP_TRUE), "True");
}
