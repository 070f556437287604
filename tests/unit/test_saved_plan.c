/* test_saved_plan.c - a saved plan: what it relied on is found again, what differs is told, and a hostile one is
 * refused. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hand.h"
#include "rop/host.h"
#include "rop/saved_plan.h"

TestSuite(saved_plan, .init = world_setup, .fini = world_teardown);

static struct rop_saved_plan plan_of(const struct rop_topology *topology, const struct rop_observed *world)
{
	struct hand *hand = hand_new((struct rop_topology *)topology, (struct rop_observed *)world);
	struct rop_plan plan;
	struct rop_saved_plan saved;
	rop_plan_make(pool, &hand->options, world, hand->clock, &plan);
	rop_saved_plan_make(pool, topology, "the text", shipped_machine(), &no_image, &plan, &saved);
	if (!saved.digest[0])
		saved.digest = "0123456789abcdef";
	saved.path = "/etc/cart.yaml";
	return saved;
}

static const char *text_of(const struct rop_saved_plan *plan)
{
	json_t *json = rop_saved_plan_json(plan);
	char *text = json_dumps(json, JSON_INDENT(2));
	cr_assert_not_null(text);
	const char *copy = rop_strdup(pool, text);
	free(text);
	json_decref(json);
	return copy;
}

static struct rop_saved_plan fresh_plan(void)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	return plan_of(topology, fresh_world(topology));
}

static bool parse(const char *text, size_t n, struct rop_err *err)
{
	struct rop_saved_plan plan;
	return rop_saved_plan_parse(pool, "x.plan", text, n, &plan, err);
}

/* All lines, joined. */
static const char *differences(const struct rop_saved_plan *then, const struct rop_saved_plan *now)
{
	struct rop_saved_lines lines = { 0 };
	ROP_OWN_TEXT text = { 0 };
	rop_saved_plan_differences(pool, then, now, &lines);
	for (size_t i = 0; i < lines.n; i++)
		rop_text_add(&text, "%s\n", lines.at[i]);
	return rop_strndup(pool, text.n ? text.at : "", text.n);
}

/* ---- there and back ---------------------------------------------------------------------------------------- */

Test(saved_plan, read_back_is_what_was_written)
{
	EACH_SEED(seed, 60)
	{
		uint64_t random = seed;
		struct rop_topology *topology = random_topology(&random, (struct chances){ .max_shards = 6,
											   .max_replicas = 2,
											   .extra = 2,
											   .zones = PLACING_ANY,
											   .hosts = true });
		if (seed % 3 == 0)
			manage_setting(topology, "maxmemory", "1gb");
		struct rop_observed *world = seed % 2 ? fresh_world(topology) : formed_world(topology);
		struct rop_saved_plan then = plan_of(topology, world), again;
		struct rop_err err = { 0 };
		const char *text = text_of(&then);
		cr_assert(rop_saved_plan_parse(pool, "x", text, strlen(text), &again, &err), "seed %" PRIu64 ": %s",
			  seed, err.text);
		cr_assert_str_eq(differences(&again, &then), "", "seed %" PRIu64, seed);
		cr_assert_str_eq(differences(&then, &again), "", "seed %" PRIu64, seed);
		cr_assert_str_eq(text_of(&again), text);
	}
}

Test(saved_plan, knows_its_steps_and_no_others)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct hand *hand = hand_new(topology, fresh_world(topology));
	struct rop_plan plan;
	rop_plan_make(pool, &hand->options, hand->world, hand->clock, &plan);
	struct rop_saved_plan saved = plan_of(topology, hand->world);
	const struct rop_saved_step **index = rop_saved_plan_index(pool, &saved);
	for (size_t i = 0; i < plan.steps.n; i++) {
		struct rop_step step = plan.steps.at[i];
		cr_assert(rop_saved_plan_holds(index, saved.steps.n, &step));
		step.expect.attempts++;
		cr_assert(rop_saved_plan_holds(index, saved.steps.n, &step), "a repeated attempt is no new step");
		step.expect.command = "FLUSHALL";
		cr_assert(!rop_saved_plan_holds(index, saved.steps.n, &step));
		step = plan.steps.at[i];
		step.expect.address = "10.9.9.9:1";
		cr_assert(!rop_saved_plan_holds(index, saved.steps.n, &step));
	}
	cr_assert(!rop_saved_plan_holds(index, 0, &plan.steps.at[0]));
}

static struct rop_step taking(const char *slots, int first)
{
	struct rop_step step = { .expect = { .kind = ROP_STEP_TAKE, .address = "10.0.0.4:6379" } };
	step.expect.first = first;
	memcpy(step.expect.node, node_id(4), ROP_ID_SIZE);
	memcpy(step.expect.peer, node_id(1), ROP_ID_SIZE);
	step.expect.subject = rop_printf(pool, "take:%s>%s/%d", node_id(4), node_id(1), first / 64 * 64);
	step.expect.command = rop_printf(pool, "CLUSTER SETSLOT %s NODE %s", slots, node_id(4));
	return step;
}

Test(saved_plan, what_is_left_of_a_run_of_slots_is_part_of_its_step)
{
	struct rop_step planned = taking("128-190", 128);
	struct rop_saved_plan saved = { 0 };
	*rop_push(pool, &saved.steps) = (struct rop_saved_step){ .kind = rop_step_kind_name(ROP_STEP_TAKE),
								 .subject = planned.expect.subject,
								 .node = planned.expect.address,
								 .command = planned.expect.command };
	const struct rop_saved_step **index = rop_saved_plan_index(pool, &saved);
	static const struct {
		const char *slots;
		bool held;
	} LEFT[] = { { "128-190", true },  { "132-190", true },  { "130 140-150", true },
		     { "132-191", false }, { "127-190", false }, { "what", false } };
	for (size_t i = 0; i < sizeof LEFT / sizeof *LEFT; i++) {
		struct rop_step step = taking(LEFT[i].slots, 128);
		cr_assert_eq(rop_saved_plan_holds(index, 1, &step), LEFT[i].held, "%s", LEFT[i].slots);
	}
	struct rop_step step = taking("132-190", 128);
	step.expect.command = rop_printf(pool, "CLUSTER SETSLOT 132-190 NODE %s", node_id(5));
	cr_assert_not(rop_saved_plan_holds(index, 1, &step), "to somebody else");
	step = taking("132-190", 128);
	step.expect.address = "10.0.0.5:6379";
	cr_assert_not(rop_saved_plan_holds(index, 1, &step), "by somebody else");
}

Test(saved_plan, is_read_back_with_a_line_for_what_goes_together)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_saved_plan plan = plan_of(topology, fresh_world(topology));
	ROP_OWN_TEXT brief = { 0 };
	ROP_OWN_TEXT each = { 0 };
	for (int k = 0; k < 3; k++) {
		struct rop_step step = taking(rop_printf(pool, "%d-%d", 128 + 64 * k, 190 + 64 * k), 128 + 64 * k);
		*rop_push(pool, &plan.steps) = (struct rop_saved_step){ .kind = rop_step_kind_name(ROP_STEP_TAKE),
									.subject = step.expect.subject,
									.node = step.expect.address,
									.command = step.expect.command };
	}
	rop_saved_plan_print(pool, &plan, false, &brief);
	rop_saved_plan_print(pool, &plan, true, &each);
	const char *move = strstr(brief.at, "189 slots with their keys, 128-190 192-254 256-318 (3 commands)");
	cr_assert(move && !strstr(move + 40, "with their keys"), "%s", brief.at);
	cr_assert_null(strstr(brief.at, "SETSLOT"));
	cr_assert(strstr(each.at, "SETSLOT 192-254 NODE") && strstr(each.at, "SETSLOT 256-318 NODE"), "%s", each.at);
	cr_assert(brief.n < each.n);
}

/* ---- what differs ------------------------------------------------------------------------------------------ */

static void expect_told(const char *what, const struct rop_saved_plan *then, const struct rop_saved_plan *now)
{
	cr_assert(strstr(differences(then, now), what), "'%s' is not in:\n%s", what, differences(then, now));
}

Test(saved_plan, tells_what_has_changed)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", "1gb");
	struct rop_saved_plan then = plan_of(topology, formed_world(topology)), now;
	struct rop_observed *world = formed_world(topology);
	strcpy(world->nodes[2].id, "ffffffffffffffffffffffffffffffffffffffff");
	now = plan_of(topology, world);
	expect_told("10.0.0.3:6379: node id was ", &then, &now);
	expect_told(", is ffffffffffffffffffffffffffffffffffffffff", &then, &now);

	world = formed_world(topology);
	world->nodes[0].epoch = 77;
	set_value(world, 4, "maxmemory", "2gb");
	go_silent(world, 5);
	now = plan_of(topology, world);
	expect_told("10.0.0.1:6379: config epoch was 1, is 77", &then, &now);
	expect_told("10.0.0.5:6379: maxmemory was ", &then, &now);
	expect_told("10.0.0.6:6379: answered, does not now", &then, &now);
	expect_told("10.0.0.6:6379: did not answer, does now", &now, &then);
	cr_assert(!strstr(differences(&then, &now), "is to be done now"), "steps follow from facts");

	world = formed_world(topology);
	make_replica(world, 3, 1);
	now = plan_of(topology, world);
	expect_told("10.0.0.4:6379: role was replica of 10.0.0.1:6379, is replica of 10.0.0.2:6379", &then, &now);

	world = formed_world(topology);
	rop_bit_clear(world, world->known, 1, 5);
	now = plan_of(topology, world);
	expect_told("10.0.0.2:6379: knew 5 other nodes, knows 4", &then, &now);
	rop_observed_add_foreign(world, 1, "eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee", "10.0.0.99:6379", "master",
				 NULL);
	now = plan_of(topology, world);
	expect_told("10.0.0.2:6379: the 5 other nodes that it knows are not the same as before", &then, &now);

	struct rop_saved_plan accepted = then;
	accepted.accepted = "aaaaaaaaaaaaaaaa";
	expect_told("the newest accepted revision of cluster cart was aaaaaaaaaaaaaaaa, is none", &accepted, &then);
	cr_assert_str_eq(differences(&then, &accepted), "", "who planned without a database relied on none");
	accepted = then;
	accepted.nodes.n--;
	expect_told("10.0.0.6:6379: is a node of the cluster now, was none", &accepted, &then);
	expect_told("10.0.0.6:6379: was a node of the cluster, is none now", &then, &accepted);
	accepted = then;
	accepted.machine = "bbbbbbbbbbbbbbbb";
	expect_told("the machine's digest was", &accepted, &then);
}

Test(saved_plan, compares_steps_where_the_facts_are_the_same)
{
	struct rop_saved_plan then = fresh_plan(), now = fresh_plan();
	now.steps.n--;
	expect_told("is in the plan, and is not to be done now", &then, &now);
	expect_told("is to be done now, and is not in the plan", &now, &then);
	now.steps.n++;
	struct rop_saved_step first = now.steps.at[0];
	now.steps.at[0] = now.steps.at[1];
	now.steps.at[1] = first;
	expect_told("in another order", &then, &now);
	now.steps.at[1] = now.steps.at[0]; /* one twice, another not at all */
	expect_told("is in the plan, and is not to be done now", &then, &now);
	expect_told("is to be done now, and is not in the plan", &then, &now);
}

/* ---- hostile ----------------------------------------------------------------------------------------------- */

static const struct {
	const char *at, *put, *says;
} EDITS[] = {
	/* the first place of a text is made another */
	{ "\"redis-operator plan\"", "\"something\"", "its format is 'something'" },
	{ "\"redis-operator plan\"", "7", "plan.format is missing, or is no string" },
	{ "\"format_version\": \"1.0\"", "\"format_version\": \"9.0\"", "format_version is '9.0'" },
	{ "\"format_version\": \"1.0\"", "\"format_version\": \"\"", "format_version is ''" },
	{ "\"cluster\": \"cart\"", "\"cluster\": null", "plan.cluster is missing" },
	{ "\"cluster\"", "\"klaster\"", "unknown key 'klaster'" },
	{ "\"cluster\"", "\"\\u202ekl\"", "unknown key '(a key that cannot be printed)'" },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"a\", \"cluster\": \"b\"", "duplicate" },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"a\\u0000b\"", "line " },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"a\\u001b[2J\"", "cannot be printed" },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"a\\u009b2J\"", "cannot be printed" },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"a\\u202eb\"", "cannot be printed" },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"a\\nb\"", "cannot be printed" },
	{ "\"cluster\": \"cart\"", "\"cluster\": \"\xff\"", "line " },
	{ "\"accepted\": null", "\"accepted\": 3", "plan.accepted" },
	{ "\"accepted\": null", "\"accepted\": \"xyz\"", "plan.accepted is no digest" },
	{ "\"accepted\": null,", "", "plan.accepted is missing" },
	{ "\"topology\": {", "\"topology\": [], \"x\": {", "unknown key 'x'" },
	{ "\"source\": \"the text\"", "\"source\": [1]", "topology.source is missing" },
	{ "\"path\": \"/etc/cart.yaml\"", "\"path\": \"/etc/\\tcart\"", "topology.path holds" },
	{ "\"port\": 6379", "\"port\": 0", "nodes[0].port is 0, not within 1 and 65535" },
	{ "\"port\": 6379", "\"port\": 65536", "nodes[0].port" },
	{ "\"port\": 6379", "\"port\": 6379.0", "nodes[0].port is missing, or is no whole number" },
	{ "\"port\": 6379", "\"port\": 99999999999999999999", "line " },
	{ "\"bus_port\": 16379", "\"bus_port\": -1", "nodes[0].bus_port" },
	{ "\"answers\": true", "\"answers\": 1", "nodes[0].answers" },
	{ "\"role\": \"primary\"", "\"role\": \"king\"", "nodes[0].role is none of" },
	{ "\"replica_of\": \"\"", "\"replica_of\": \"short\"", "nodes[0].replica_of is no node id" },
	{ "\"slots\": \"\"", "\"slots\": \"5-3\"", "nodes[0].slots are no ranges" },
	{ "\"slots\": \"\"", "\"slots\": \"0-16384\"", "nodes[0].slots are no ranges" },
	{ "\"slots\": \"\"", "\"slots\": \"1-2 2-3\"", "nodes[0].slots are no ranges" },
	{ "\"slots\": \"\"", "\"slots\": \"1,2\"", "nodes[0].slots are no ranges" },
	{ "\"slots\": \"\"", "\"slots\": \"-99999999999999999999\"", "nodes[0].slots are no ranges" },
	{ "\"epoch\": 0", "\"epoch\": -1", "nodes[0].epoch" },
	{ "\"peers\": {", "\"peers\": 0, \"y\": {", "unknown key 'y'" },
	{ "\"count\": 0", "\"count\": 5000000", "nodes[0].peers.count" },
	{ "\"settings\": {", "\"settings\": { \"a\": 3, ", "nodes[0].settings.a is missing, or is no string" },
	{ "\"settings\": {", "\"settings\": { \"\\u0007\": null, ", "a name that cannot be printed" },
	{ "\"10.0.0.2:6379\"", "\"10.0.0.1:6379\"", "nodes[1] is nodes[0] again" },
	{ "\"nodes\": [", "\"nodes\": [ null, ", "nodes[0] is missing, or is no object" },
	{ "\"steps\": [", "\"steps\": [ [], ", "steps[0] is missing, or is no object" },
	{ "\"steps\": [", "\"steps\": [ {}, ", "steps[0].action is missing" },
	{ "\"action\": \"lower-setting\"", "\"action\": \"flush\"", "steps[0].action is no kind of step: 'flush'" },
	{ "\"action\": \"lower-setting\"", "\"action\": \"lower-setting\", \"force\": true", "unknown key 'force'" },
	{ "{", "[", "line " },
};

Test(saved_plan, malformed_is_refused_with_what_is_wrong)
{
	struct rop_saved_plan plan = fresh_plan();
	const char *text = text_of(&plan);
	for (size_t i = 0; i < sizeof EDITS / sizeof *EDITS; i++) {
		struct rop_err err = { 0 };
		const char *at = strstr(text, EDITS[i].at);
		cr_assert_not_null(at, "edit %zu: no %s", i, EDITS[i].at);
		const char *edited = rop_printf(pool, "%.*s%s%s", (int)(at - text), text, EDITS[i].put,
						at + strlen(EDITS[i].at));
		cr_assert(!parse(edited, strlen(edited), &err), "edit %zu: %s", i, EDITS[i].put);
		cr_assert_eq(err.code, ROP_INVALID);
		cr_assert(strstr(err.text, EDITS[i].says), "edit %zu: %s", i, err.text);
	}
}

Test(saved_plan, cut_short_anywhere_is_refused)
{
	struct rop_saved_plan plan = fresh_plan();
	const char *text = text_of(&plan);
	size_t n = strlen(text);
	for (size_t cut = 0; cut < n; cut += 1 + cut / 16)
		cr_assert(!parse(text, cut, NULL), "cut at %zu", cut);
}

Test(saved_plan, deep_long_and_many_are_refused)
{
	ROP_OWN_TEXT text = { 0 };
	struct rop_err err = { 0 };
	for (int i = 0; i < 200000; i++)
		rop_text_put(&text, "[", 1);
	cr_assert(!parse(text.at, text.n, &err) && err.code == ROP_INVALID);
	cr_assert(!parse("[]", 2, &err) && strstr(err.text, "it is no object"));
	cr_assert(!parse("{}", ROP_SAVED_PLAN_MAX + 1, &err) && strstr(err.text, "more than 64 MiB"));
	struct rop_saved_plan plan = fresh_plan();
	char *path = rop_alloc(pool, 6000);
	memset(path, 'a', 5999);
	plan.path = path;
	const char *much = text_of(&plan);
	cr_assert(!parse(much, strlen(much), &err) && strstr(err.text, "topology.path is longer than 4096 bytes"));
}

/* No seed may crash it, and what is taken must be printable and read back as itself. */
Test(saved_plan, mutated_at_random_is_taken_as_something_sane_or_refused)
{
	size_t taken = 0, refused = 0;
	struct rop_saved_plan first = fresh_plan();
	char *whole = strdup(text_of(&first)); /* worlds are cleared */
	cr_assert_not_null(whole);
	EACH_SEED(seed, ROUNDS(4000))
	{
		static const char BYTES[] = "{}[]\",:0-9 ae\\u\x00\x01\x1b\xff\xc2\xe2n.";
		uint64_t random = seed;
		struct rop_saved_plan plan, again;
		char *text = rop_strdup(pool, whole);
		size_t n = strlen(text);
		for (size_t edits = 1 + random_below(&random, 3); edits; edits--) {
			size_t at = random_below(&random, n), from = random_below(&random, n),
			       len = 1 + random_below(&random, 12);
			if (from + len > n || at + len > n)
				continue;
			if (random_below(&random, 3) == 0)
				memmove(text + at, text + from, len);
			else
				text[at] = BYTES[random_below(&random, sizeof BYTES - 1)];
		}
		if (rop_saved_plan_parse(pool, "x", text, n, &plan, NULL)) {
			const char *written = text_of(&plan);
			cr_assert(rop_saved_plan_parse(pool, "x", written, strlen(written), &again, NULL),
				  "seed %" PRIu64, seed);
			cr_assert_str_eq(differences(&plan, &again), "", "seed %" PRIu64, seed);
			taken++;
		} else {
			refused++;
		}
	}
	free(whole);
	cr_assert(taken > ROUNDS(100) && refused > ROUNDS(1000), "%zu taken, %zu refused", taken, refused);
}

/* ---- as a file --------------------------------------------------------------------------------------------- */

Test(saved_plan, file_is_private_whole_and_known_by_its_content)
{
	char folder[] = "/tmp/rop-plan.XXXXXX";
	cr_assert_not_null(mkdtemp(folder));
	const char *path = rop_printf(pool, "%s/p", folder), *link = rop_printf(pool, "%s/l", folder), *bytes;
	struct rop_err err = { 0 };
	struct stat st;
	size_t n;
	static const char *const OTHERS[] = {
		"", " \n", "apiVersion: x\n", "{apiVersion: x}", "{", "# {\"format\": 1}", "\"format\""
	};
	mode_t before = umask(0);
	for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
		cr_assert(rop_plan_file_write(path, OTHERS[i], strlen(OTHERS[i]), &err), "%s", err.text);
		cr_assert(rop_plan_file_read(pool, path, &bytes, &n, &err) && !bytes, "%zu", i);
		if (OTHERS[i][0]) /* somebody's file: never written over */
			cr_assert(!rop_plan_file_write(path, "{\"format\": 0}", 13, &err) &&
				  strstr(err.text, "is no saved plan"));
		unlink(path);
	}
	cr_assert(rop_plan_file_write(path, " \n{\"format\": 0}", 15, &err));
	umask(before);
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0600);
	cr_assert(rop_plan_file_read(pool, path, &bytes, &n, &err) && bytes && n == 15);
	cr_assert(rop_plan_file_read(pool, folder, &bytes, &n, &err) && !bytes);
	static const mode_t OPEN[] = { 0620, 0602, 0666 }, CLOSED[] = { 0644, 0400 };
	for (size_t i = 0; i < sizeof OPEN / sizeof *OPEN; i++) {
		cr_assert(chmod(path, OPEN[i]) == 0);
		cr_assert(!rop_plan_file_read(pool, path, &bytes, &n, &err) && !bytes, "%zu", i);
		cr_assert(err.code == ROP_INVALID && strstr(err.text, "chmod go-w"), "%s", err.text);
		cr_assert(!rop_plan_file_topology(pool, path, &bytes, &err) && err.code == ROP_INVALID, "%zu", i);
	}
	for (size_t i = 0; i < sizeof CLOSED / sizeof *CLOSED; i++) {
		cr_assert(chmod(path, CLOSED[i]) == 0);
		cr_assert(rop_plan_file_read(pool, path, &bytes, &n, &err) && bytes, "%zu", i);
		cr_assert(rop_plan_file_topology(pool, path, &bytes, &err) && strlen(bytes) == 15, "%zu", i);
	}
	cr_assert(symlink(path, link) == 0);
	cr_assert(!rop_plan_file_read(pool, link, &bytes, &n, &err) && err.code == ROP_INVALID);
	cr_assert(!rop_plan_file_topology(pool, link, &bytes, &err) && err.code == ROP_INVALID);
	cr_assert(!rop_plan_file_topology(pool, folder, &bytes, &err) && err.code == ROP_INVALID);
	const char *gone = rop_printf(pool, "%s/gone", folder);
	cr_assert(rop_plan_file_topology(pool, gone, &bytes, &err) && !bytes, "that it is gone is no error");
	cr_assert(unlink(link) == 0 && symlink(gone, link) == 0);
	cr_assert(!rop_plan_file_topology(pool, link, &bytes, &err), "a link to nothing is not gone");
	cr_assert(unlink(link) == 0);
	cr_assert(symlink(path, link) == 0 && !rop_plan_file_write(link, "x", 1, &err) && err.code == ROP_INVALID);
	cr_assert(!rop_plan_file_write(folder, "x", 1, &err) && err.code == ROP_INVALID);
	cr_assert(unlink(link) == 0 && unlink(path) == 0);
	cr_assert(rmdir(folder) == 0, "nothing else is left there");
}

Test(saved_plan, of_very_many_differences_the_first_are_told_and_the_others_counted)
{
	struct rop_saved_lines lines = { 0 };
	ROP_OWN_TEXT few = { 0 }, many = { 0 };
	*rop_push(pool, &lines) = "10.0.0.1:6379 holds keys";
	rop_saved_plan_outdated(&lines, "cart.plan", "cart.yaml", &few);
	cr_assert_str_eq(few.at, "cart.plan does not fit any more: since it was planned this has changed; nothing was "
				 "sent\n- 10.0.0.1:6379 holds keys\n  -> `redis-operator plan --out cart.plan "
				 "cart.yaml`, and review it again\n");
	while (lines.n < 203)
		*rop_push(pool, &lines) = "another one";
	rop_saved_plan_outdated(&lines, NULL, "cart.yaml", &many);
	cr_assert(strstr(many.at, "since it was shown this has changed"));
	cr_assert(strstr(many.at, "\n- another one\n- ... and 3 more\n  -> apply again, "), "%s", many.at);
}

Test(saved_plan, one_without_a_step_is_written_and_is_said_to_be_for_nothing)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_saved_plan some = plan_of(topology, fresh_world(topology));
	struct rop_saved_plan none = plan_of(topology, formed_world(topology));
	ROP_OWN_TEXT told = { 0 }, nothing = { 0 };
	rop_saved_plan_written(&some, "cart.plan", &told);
	cr_assert(strstr(told.at, " steps saved; to do exactly this: `redis-operator apply cart.plan`\n"), "%s",
		  told.at);
	rop_saved_plan_written(&none, "cart.plan", &nothing);
	cr_assert_str_eq(nothing.at,
			 "nothing is to be applied; cart.plan was written all the same, as a plan without steps\n");
}
