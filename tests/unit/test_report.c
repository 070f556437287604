/* test_report.c - what is said of plans and clusters: texts with and without colours, JSON that is whole. */
#include <criterion/criterion.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "hand.h"
#include "rop/report.h"
#include "rop/text.h"

TestSuite(report, .init = world_setup, .fini = world_teardown);

static struct rop_report about(const struct rop_topology *topology)
{
	return (struct rop_report){
		.arena = pool, .topology = topology, .machine = shipped_machine(), .image = &no_image
	};
}

static struct rop_plan plan_of(struct rop_topology *topology, struct rop_observed *world)
{
	struct hand *hand = hand_new(topology, world);
	struct rop_plan plan;
	rop_plan_make(pool, &hand->options, world, hand->clock, &plan);
	return plan;
}

Test(report, a_plan_says_what_is_done_where)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	ROP_OWN_TEXT text = { 0 }, lines = { 0 };
	rop_report_plan(&r, &plan, &text);
	cr_assert(strstr(text.at, "Plan: 6 nodes to introduce, 16384 slots to assign, 3 replicas to attach;"), "%s",
		  text.at);
	cr_assert(strstr(text.at, "Data-loss risk: none.\n"));
	cr_assert_null(strchr(text.at, '\033'), "no colours");
	rop_plan_lines_planned(rop_plan_lines_new(&r, &plan), &lines);
	cr_assert(strstr(lines.at, ": slots 0-5460 of shard 1\n"), "%s", lines.at);
}

/* As many losses as that, each of a hundred slots. */
static struct rop_plan costly_plan(struct rop_topology *topology, size_t losses)
{
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	for (size_t i = 0; i < losses; i++)
		plan.steps.at[i].risk = (struct rop_risk){
			.kind = ROP_RISK_LOSS,
			.what = "slots",
			.slots = rop_printf(pool, "%zu-%zu", i * 100, i * 100 + 99),
			.text = rop_printf(pool, "loss %zu: %s", i + 1,
					   "what was in these slots is given up, and nobody has it"),
		};
	plan.steps.at[losses].risk = plan.steps.at[0].risk; /* the same loss, in another step */
	return plan;
}

Test(report, of_many_losses_the_first_ones_are_told_and_what_all_come_to)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	topology->path = "cart.yaml";
	struct rop_report r = about(topology);
	struct rop_plan plan = costly_plan(topology, 11);
	ROP_OWN_TEXT brief = { 0 }, all = { 0 }, narrow = { 0 }, one = { 0 };
	rop_report_plan(&r, &plan, &brief);
	cr_assert(strstr(brief.at, "Data-loss risk: DATA IS LOST.\n  ! loss 1: "), "%s", brief.at);
	cr_assert(strstr(brief.at, "  ! loss 8: ") && !strstr(brief.at, "loss 9: "), "%s", brief.at);
	cr_assert(strstr(brief.at, "  ! and 3 more; all of them: `redis-operator plan --verbose cart.yaml`\n"
				   "  = in all 1100 of 16384 slots\n"),
		  "%s", brief.at);
	r.verbose = true;
	rop_report_plan(&r, &plan, &all);
	cr_assert(strstr(all.at, "  ! loss 9: ") && strstr(all.at, "  ! loss 11: ") && !strstr(all.at, " more; all"));
	cr_assert(strstr(all.at, "  = in all 1100 of 16384 slots\n"), "%s", all.at);
	r.columns = 60;
	rop_report_plan(&r, &plan, &narrow);
	cr_assert(strstr(narrow.at, "  ! loss 9: what was in these slots is given up, and nobody\n    has it\n"), "%s",
		  narrow.at);
	plan = costly_plan(topology, 1);
	rop_report_plan(&r, &plan, &one);
	cr_assert(strstr(one.at, "  ! loss 1: ") && !strstr(one.at, "in all"), "one is no sum: %s", one.at);
}

/* Of one run the target has its slots already, and the source is told; of the other all is still to be done. */
Test(report, slots_on_their_way_count_as_the_lines_above_show_them)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	enum rop_step_kind kinds[] = { ROP_STEP_YIELD, ROP_STEP_IMPORT, ROP_STEP_TAKE, ROP_STEP_YIELD };
	for (size_t i = 0; i < 4; i++) {
		struct rop_step *step = &plan.steps.at[i];
		step->node = 1;
		step->peer = 0;
		step->expect.kind = kinds[i];
		step->expect.value = i ? "64-127" : "0-63";
	}
	plan.steps.n = 4;
	ROP_OWN_TEXT text = { 0 };
	rop_report_plan(&r, &plan, &text);
	cr_assert(strstr(text.at, "; 128 slots to move,"), "%s", text.at);
}

Test(report, what_is_under_way_is_told_with_short_ids_and_within_the_terminal)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_image image = no_image;
	struct rop_expect *e = rop_push(pool, &image.pending);
	*e = (struct rop_expect){ .address = "10.0.0.1:6379", .attempts = 1, .subject = "carry" };
	e->command = rop_printf(pool, "MIGRATE the keys of slots 0-63 to %s", node_id(3));
	*rop_push(pool, &image.pending) = *e;
	image.pending.at[1].attempts = 2;
	r.image = &image;
	r.columns = 80;
	struct rop_observed *world = formed_world(topology);
	struct rop_situation *now = rop_situation_make(
		&(struct rop_situation){ .arena = pool, .topology = topology, .seen = world, .image = &image });
	ROP_OWN_TEXT text = { 0 };
	rop_report_status(&r, now, NULL, 0, &text);
	const char *told = strstr(text.at, "\nUnder way\n");
	cr_assert(told, "%s", text.at);
	cr_assert(strstr(told,
			 rop_printf(pool, "10.0.0.1:6379  MIGRATE the keys of slots 0-63 to %.8s, until ", node_id(3))),
		  "%s", told);
	cr_assert(!strstr(told, "attempt 1") && strstr(told, ", attempt 2, until\n    00:00:"), "%s", told);
	for (const char *line = told; *line; line += strcspn(line, "\n") + 1)
		cr_assert_leq(strcspn(line, "\n"), 80, "%s", line);
}

Test(report, a_line_is_told_when_its_last_step_is_met)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	struct rop_plan_lines *lines = rop_plan_lines_new(&r, &plan);
	ROP_OWN_TEXT early = { 0 }, done = { 0 }, rest = { 0 }, planned = { 0 };
	size_t half = 0;
	while (plan.steps.at[half].expect.kind != ROP_STEP_SLOTS)
		rop_plan_lines_met(lines, &plan.steps.at[half++], &early);
	cr_assert(strstr(early.at, "introduce 6 nodes\n"), "%s", early.at);
	cr_assert(strstr(early.at, ": 6 nodes: cluster-node-timeout 15000 -> "), "told when it is so: %s", early.at);
	cr_assert(strstr(early.at, ", restored when formed\n"), "%s", early.at);
	cr_assert_null(strstr(early.at, "put back"), "it is not put back yet: %s", early.at);
	cr_assert_null(strstr(early.at, "slots"), "%s", early.at);
	rop_plan_lines_not_done(lines, &rest);
	cr_assert(strstr(rest.at, ": not done: 10.0.0.1:6379: slots 0-5460 of shard 1\n"), "%s", rest.at);
	cr_assert(strstr(rest.at, ": not done: 6 nodes: cluster-node-timeout "), "what is still lowered: %s", rest.at);
	cr_assert(strstr(rest.at, " -> 15000, put back\n"), "%s", rest.at);
	cr_assert_null(strstr(rest.at, "introduce"), "%s", rest.at);
	for (size_t i = half; i < plan.steps.n; i++)
		rop_plan_lines_met(lines, &plan.steps.at[i], &done);
	rop_plan_lines_reached(lines, &done);
	cr_assert(strstr(done.at, " -> 15000, put back\n"), "%s", done.at);
	rop_text_done(&rest);
	rop_plan_lines_not_done(lines, &rest);
	cr_assert_eq(rest.n, 0, "%s", rest.at);
	rop_plan_lines_planned(lines, &planned);
	size_t n_planned = 0, n_done = 0;
	for (const char *at = planned.at; *at; at++)
		n_planned += *at == '\n';
	rop_text_put(&early, done.at, done.n);
	for (const char *at = early.at; *at; at++)
		n_done += *at == '\n';
	cr_assert_eq(n_done, n_planned + 2, "each once, and that two settings are put back:\n%s", early.at);
}

Test(report, what_was_never_lowered_needs_no_putting_back)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	ROP_OWN_TEXT rest = { 0 };
	rop_plan_lines_not_done(rop_plan_lines_new(&r, &plan), &rest);
	cr_assert(strstr(rest.at, "restored when formed\n"), "%s", rest.at);
	cr_assert_null(strstr(rest.at, "put back"), "%s", rest.at);
}

static size_t widest(const char *text)
{
	size_t widest = 0;
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		widest = n > widest ? n : widest;
	}
	return widest;
}

Test(report, lines_fit_the_terminal_and_ranges_stay_in_their_column)
{
	static const size_t COLUMNS[] = { 44, 60, 80, 100 };
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	for (size_t i = 0; i < sizeof COLUMNS / sizeof *COLUMNS; i++) {
		ROP_OWN_TEXT text = { 0 }, planned = { 0 };
		r.columns = COLUMNS[i];
		struct rop_observed *world = formed_world(topology);
		cr_assert(rop_slots_parse("0-99 200 300-5460", &world->nodes[0].slots));
		rop_report_status(&r, situation_of(topology, world), NULL, 0, &text);
		cr_assert_leq(widest(text.at), COLUMNS[i], "%zu: %s", COLUMNS[i], text.at);
		cr_assert(strstr(text.at, "10923-16383"), "%s", text.at);
		struct rop_plan plan = plan_of(topology, fresh_world(topology));
		rop_report_plan(&r, &plan, &planned);
		cr_assert_leq(widest(planned.at), COLUMNS[i], "%zu: %s", COLUMNS[i], planned.at);
		cr_assert(strstr(planned.at, "\nPlan: 6 nodes to introduce, "), "%s", planned.at);
	}
}

Test(report, what_was_not_planned_is_told_and_what_is_met_again_is_not)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	struct rop_plan_lines *lines = rop_plan_lines_new(&r, &plan);
	ROP_OWN_TEXT text = { 0 };
	size_t at = 0;
	while (plan.steps.at[at].expect.kind != ROP_STEP_SLOTS)
		at++;
	struct rop_step step = plan.steps.at[at];
	rop_plan_lines_met(lines, &step, &text);
	size_t once = text.n;
	rop_plan_lines_met(lines, &step, &text);
	cr_assert_eq(text.n, once);
	step.expect.subject = "slot:7";
	rop_plan_lines_met(lines, &step, &text);
	cr_assert_str_eq(text.at + once, "cart: 10.0.0.1:6379: slots 0-5460 of shard 1\n", "in a plan's words");
	memcpy(step.expect.node, node_id(77), ROP_ID_SIZE);
	rop_plan_lines_met(lines, &step, &text);
	cr_assert(strstr(text.at, "cart: 10.0.0.1:6379: CLUSTER ADDSLOTSRANGE"), "who it is the plan does not know: %s",
		  text.at);
}

static struct rop_step *nth_meet(struct rop_plan *plan, size_t n)
{
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.at[i].expect.kind == ROP_STEP_MEET && n-- == 0)
			return &plan->steps.at[i];
	return NULL;
}

/* Who announces a wrong address is met, gets lost, and is met again by whoever has to: these are no news. */
Test(report, an_introduction_is_told_once_whoever_of_the_two_was_told_of_the_other)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	struct rop_plan_lines *lines = rop_plan_lines_new(&r, &plan);
	ROP_OWN_TEXT text = { 0 }, rest = { 0 }, again = { 0 };
	for (size_t i = 0; i < 3; i++) {
		struct rop_step turned = *nth_meet(&plan, i);
		memcpy(turned.expect.node, nth_meet(&plan, i)->expect.peer, ROP_ID_SIZE);
		memcpy(turned.expect.peer, nth_meet(&plan, i)->expect.node, ROP_ID_SIZE);
		turned.expect.subject = "link:turned";
		turned.expect.address = "10.0.0.9:6379";
		rop_plan_lines_asked(lines, &turned);
		rop_plan_lines_met(lines, &turned, &text);
		rop_plan_lines_met(lines, nth_meet(&plan, i), &text);
	}
	cr_assert_str_eq(text.at, "cart: 10.0.0.1:6379 ... 10.0.0.3:6379: introduce 3 nodes\n");
	rop_plan_lines_not_done(lines, &rest);
	cr_assert_null(strstr(rest.at, "introduce"), "%s", rest.at);

	rop_plan_lines_asked(lines, nth_meet(&plan, 1));
	rop_text_done(&rest);
	rop_plan_lines_not_done(lines, &rest);
	cr_assert(strstr(rest.at,
			 "cart: done, and not so any more: 10.0.0.1:6379 ... 10.0.0.3:6379: introduce 3 nodes\n"),
		  "%s", rest.at);
	rop_plan_lines_met(lines, nth_meet(&plan, 1), &again);
	cr_assert_eq(again.n, 0, "it was told: %s", again.at);
	rop_text_done(&rest);
	rop_plan_lines_not_done(lines, &rest);
	cr_assert_null(strstr(rest.at, "introduce"), "%s", rest.at);
}

Test(report, a_move_that_was_not_planned_is_one_line_when_its_slots_are_there)
{
	static const enum rop_step_kind KINDS[] = { ROP_STEP_IMPORT, ROP_STEP_EXPORT, ROP_STEP_CARRY, ROP_STEP_TAKE,
						    ROP_STEP_YIELD };
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, formed_world(topology));
	struct rop_plan_lines *lines = rop_plan_lines_new(&r, &plan);
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < sizeof KINDS / sizeof *KINDS; i++) {
		bool at_target = KINDS[i] == ROP_STEP_IMPORT || KINDS[i] == ROP_STEP_TAKE;
		struct rop_step step = { .node = at_target, .peer = !at_target, .state = "Move" };
		step.expect = (struct rop_expect){ .kind = KINDS[i], .subject = "x", .value = "0-63", .address = "y" };
		memcpy(step.expect.node, node_id(at_target), ROP_ID_SIZE);
		memcpy(step.expect.peer, node_id(!at_target), ROP_ID_SIZE);
		rop_plan_lines_met(lines, &step, &text);
	}
	cr_assert_str_eq(text.at, "cart: shard 1 -> shard 2: 64 slots, no keys: 0-63\n");
}

Test(report, an_introduction_that_was_not_planned_names_both)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, formed_world(topology));
	struct rop_step meet = *nth_meet(&(struct rop_plan){ .steps = plan_of(topology, fresh_world(topology)).steps },
					 0);
	ROP_OWN_TEXT text = { 0 };
	rop_plan_lines_met(rop_plan_lines_new(&r, &plan), &meet, &text);
	cr_assert_str_eq(text.at, "cart: 10.0.0.1:6379: introduced to 10.0.0.2:6379\n");
}

Test(report, colours_change_nothing_else)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_plan plan = plan_of(topology, fresh_world(topology));
	ROP_OWN_TEXT plain = { 0 }, painted = { 0 }, stripped = { 0 };
	rop_report_plan(&r, &plan, &plain);
	r.color = true;
	rop_report_plan(&r, &plan, &painted);
	for (const char *at = painted.at; *at; at++) {
		if (*at == '\033')
			at = strchr(at, 'm');
		else
			rop_text_put(&stripped, at, 1);
	}
	cr_assert_str_eq(stripped.at, plain.at);
	cr_assert_gt(painted.n, plain.n);
}

static const char *without_colours(const char *painted)
{
	ROP_OWN_TEXT stripped = { 0 };
	for (const char *at = painted; *at; at++) {
		if (*at == '\033')
			at = strchr(at, 'm');
		else
			rop_text_put(&stripped, at, 1);
	}
	return rop_strdup(pool, stripped.at);
}

Test(report, colours_move_no_column_of_explain)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_situation *now = situation_of(topology, fresh_world(topology));
	ROP_OWN_TEXT plain = { 0 }, painted = { 0 };
	r.verbose = true;
	rop_report_explain(&r, now, NULL, &plain);
	r.color = true;
	rop_report_explain(&r, now, NULL, &painted);
	cr_assert(strstr(painted.at, "\033[32mholds\033[0m"));
	cr_assert_str_eq(without_colours(painted.at), plain.at);
}

static size_t times(const char *text, const char *what)
{
	size_t n = 0;
	for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
		n++;
	return n;
}

/* plan prints the plan and its warnings; apply --yes the warnings alone, before it begins. */
Test(report, that_a_node_is_silent_is_said_once)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_observed *world = formed_world(topology);
	go_silent(world, 4);
	struct rop_plan plan = plan_of(topology, world);
	ROP_OWN_TEXT text = { 0 }, alone = { 0 };
	rop_report_plan(&r, &plan, &text);
	rop_report_plan_warnings(&plan, false, &text);
	cr_assert_eq(times(text.at, "10.0.0.5:6379 does not answer: "), 1, "%s", text.at);
	rop_report_plan_warnings(&plan, true, &alone);
	cr_assert_eq(times(alone.at, "warning: 10.0.0.5:6379 does not answer: "), 1, "%s", alone.at);
}

Test(report, where_nothing_is_to_be_done_it_says_what_is_waited_for)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_observed *world = formed_world(topology);
	struct rop_plan plan = plan_of(topology, world);
	ROP_OWN_TEXT fine = { 0 }, text = { 0 };
	rop_report_plan(&r, &plan, &fine);
	cr_assert(strstr(fine.at, "\nNo changes. The cluster matches its topology.\n"), "%s", fine.at);
	world->nodes[3].link_up = false;
	plan = plan_of(topology, world);
	rop_report_plan(&r, &plan, &text);
	cr_assert(strstr(text.at, "apply waits for that. Now:\n- 10.0.0.4:6379: its link to its primary 10.0.0.1:6379 "
				  "is down\n"),
		  "%s", text.at);
}

Test(report, status_names_the_state_that_the_rows_lead_to)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_image image = { .state = "Observe" };
	struct rop_situation *now = situation_of(topology, formed_world(topology));
	json_t *fresh, *later;
	fresh = rop_report_status_json(&r, now, NULL, 0);
	cr_assert_str_eq(json_string_value(json_object_get(fresh, "state")), "Ready", "nobody has begun");
	r.image = &image;
	now->agreed_ms = INT64_MAX;
	later = rop_report_status_json(&r, now, NULL, 0);
	cr_assert_str_eq(json_string_value(json_object_get(later, "state")), "Ready");
	cr_assert_eq(json_array_size(json_object_get(later, "nodes")), 6);
	json_decref(fresh);
	json_decref(later);
}

Test(report, a_machine_may_call_its_states_as_it_likes)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	const struct rop_machine *machine = r.machine;
	machine->states[rop_machine_find_state(machine, "Ready")].name = "Done";
	json_t *json = rop_report_status_json(&r, situation_of(topology, formed_world(topology)), NULL, 0);
	cr_assert_str_eq(json_string_value(json_object_get(json, "state")), "Done");
	json_decref(json);
}

Test(report, explain_ends_where_the_machine_rests_or_acts)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	ROP_OWN_TEXT text = { 0 }, more = { 0 };
	struct rop_situation *now = situation_of(topology, fresh_world(topology));
	rop_report_explain(&r, now, NULL, &text);
	cr_assert(strstr(text.at, "    does "), "%s", text.at);
	cr_assert_null(strstr(text.at, "' does not hold\n"));
	r.verbose = true;
	rop_report_explain(&r, now, NULL, &more);
	cr_assert(strstr(more.at, "' does not hold\n"), "%s", more.at);
}

Test(report, explain_begins_with_what_is_open_and_tells_all_facts_only_when_asked)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_situation *now = situation_of(topology, fresh_world(topology));
	ROP_OWN_TEXT text = { 0 }, more = { 0 };
	rop_report_explain(&r, now, NULL, &text);
	cr_assert(strstr(strstr(text.at, "\nNot as declared\n"), "\nRows, "), "%s", text.at);
	cr_assert_null(strstr(text.at, "\nFacts\n"), "%s", text.at);
	r.verbose = true;
	rop_report_explain(&r, now, NULL, &more);
	cr_assert(strstr(strstr(more.at, "\nRows, "), "\nFacts\n") && strstr(more.at, "\n  all_answer "), "%s",
		  more.at);
	r.verbose = false;
	json_t *json = rop_report_explain_json(&r, now, NULL), *facts = json_object_get(json, "facts");
	cr_assert_gt(json_object_size(facts), 30);
	cr_assert(json_is_true(json_object_get(facts, "all_answer")));
	json_decref(json);
}

Test(report, the_health_of_a_whole_cluster_has_no_errors_and_of_a_torn_one_some)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	ROP_OWN_TEXT text = { 0 };
	struct rop_observed *world = formed_world(topology);
	size_t errors = 99;
	cr_assert_eq(rop_report_health(&r, situation_of(topology, world), &text), 0, "%s", text.at);
	cr_assert(strstr(text.at, "[OK] All 16384 slots covered.\n"));
	go_silent(world, 0);
	json_t *json = rop_report_health_json(&r, situation_of(topology, world), "cart", &errors);
	cr_assert_gt(errors, 0);
	cr_assert_eq(json_integer_value(json_object_get(json, "errors")), (json_int_t)errors);
	json_decref(json);
}

static char missing[256];

static void is_missing(const char *why)
{
	rop_json_on_missing(NULL);
	strncpy(missing, why, sizeof missing - 1);
}

Test(report, what_json_cannot_hold_is_told_and_null_stands_for_it)
{
	rop_json_on_missing(is_missing);
	json_t *json = rop_json("{s:s}", "version", "7.\xff");
	cr_assert(json_is_null(json));
	cr_assert_neq(missing[0], '\0');
	json = rop_json_text("7.\xff");
	cr_assert_str_eq(json_string_value(json), "7.\xef\xbf\xbd");
	json_decref(json);
	json = rop_json_time(1234);
	cr_assert_str_eq(json_string_value(json), "1970-01-01T00:00:01.234Z");
	json_decref(json);
}

/* ---- one verdict ---------------------------------------------------------------------------------------------- */

static struct rop_grade grade_of(struct rop_topology *topology, struct rop_observed *world)
{
	struct rop_report r = about(topology);
	return rop_report_grade(&r, situation_of(topology, world), NULL);
}

Test(report, the_verdict_is_the_first_that_holds)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	cr_assert_eq(grade_of(topology, fresh_world(topology)).code, ROP_CHANGES, "nothing is there that could fail");
	cr_assert_eq(grade_of(topology, world).code, ROP_OK);
	go_silent(world, 5);
	cr_assert_eq(grade_of(topology, world).code, ROP_TIMEOUT, "a replica: served, but degraded");
	go_silent(world, 2);
	struct rop_grade grade = grade_of(topology, world);
	cr_assert_eq(grade.code, ROP_UNSERVED, "its primary too");
	cr_assert_str_eq(grade.why, "5461 of 16384 slots are not served (shard 3: 10.0.0.3:6379 dead, its replica "
				    "10.0.0.6:6379 dead too)");
	go_silent(world, 1);
	cr_assert_eq(grade_of(topology, world).code, ROP_UNREACHABLE, "no majority of the primaries");
	world->nodes[0].reach = ROP_REACH_DENIED;
	cr_assert_eq(grade_of(topology, world).code, ROP_DENIED, "whatever else there is");
}

Test(report, what_a_plan_mends_is_changes_and_what_it_does_not_is_told)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_observed *world = formed_world(topology);
	world->nodes[5].role = ROP_ROLE_PRIMARY; /* a replica that left: the plan attaches it again */
	world->nodes[5].primary = -1;
	world->nodes[5].primary_id[0] = '\0';
	struct rop_plan plan = plan_of(topology, world);
	cr_assert(plan.steps.n && plan.result.reached, "%s", plan.result.text);
	cr_assert_eq(rop_report_grade(&r, situation_of(topology, world), &plan).code, ROP_CHANGES);
	cr_assert_eq(rop_report_grade(&r, situation_of(topology, world), NULL).code, ROP_TIMEOUT);
	go_silent(world, 4);
	plan = plan_of(topology, world);
	cr_assert_eq(rop_report_grade(&r, situation_of(topology, world), &plan).code, ROP_TIMEOUT, "never 0, nor 2");
}

Test(report, of_several_clusters_the_worst)
{
	static const enum rop_code ORDER[] = { ROP_DENIED,  ROP_UNREACHABLE, ROP_REFUSED, ROP_UNSERVED,
					       ROP_TIMEOUT, ROP_CHANGES,     ROP_OK };
	for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++)
		for (size_t j = i; j < sizeof ORDER / sizeof *ORDER; j++) {
			cr_assert_eq(rop_worse_code(ORDER[i], ORDER[j]), ORDER[i]);
			cr_assert_eq(rop_worse_code(ORDER[j], ORDER[i]), ORDER[i]);
		}
}

Test(report, an_error_is_a_code_a_word_a_sentence_and_what_to_do)
{
	json_t *json = rop_report_error_json(ROP_REFUSED, NULL, "a is so\n  -> do this\nb is so\n  -> do that");
	cr_assert_eq(json_integer_value(json_object_get(json, "code")), ROP_REFUSED);
	cr_assert_str_eq(json_string_value(json_object_get(json, "reason")), "Refused");
	cr_assert_str_eq(json_string_value(json_object_get(json, "message")), "a is so\nb is so");
	cr_assert_str_eq(json_string_value(json_object_get(json, "advice")), "do this\ndo that");
	json_decref(json);
	json = rop_report_error_json(ROP_REFUSED, "TotalLoss", "a");
	cr_assert_str_eq(json_string_value(json_object_get(json, "reason")), "TotalLoss");
	cr_assert(json_is_null(json_object_get(json, "advice")));
	json_decref(json);
}

/* ---- while a plan is carried out ----------------------------------------------------------------------------- */

static const char *text_of(const json_t *json, const char *key)
{
	return json_string_value(json_object_get(json, key));
}

Test(report, a_step_is_told_when_it_begins_and_when_it_is_over)
{
	static const struct {
		enum rop_expect_status status;
		const char *type;
	} CASES[] = {
		{ ROP_EXPECT_PENDING, "step_start" },
		{ ROP_EXPECT_MET, "step_done" },
		{ ROP_EXPECT_REFUSED, "step_failed" },
		{ ROP_EXPECT_EXPIRED, "step_failed" },
	};
	struct rop_plan plan = plan_of(topology_of(3, 1, 6), fresh_world(topology_of(3, 1, 6)));
	const struct rop_step *step = &plan.steps.at[0];
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		json_t *json = rop_report_step_event_json("cart", step, CASES[i].status, i ? "a note" : NULL);
		cr_assert_str_eq(text_of(json, "type"), CASES[i].type);
		cr_assert_str_eq(text_of(json, "status"), rop_expect_status_name(CASES[i].status));
		cr_assert_str_eq(text_of(json, "command"), step->expect.command);
		cr_assert(rop_streq(text_of(json, "note"), i ? "a note" : NULL));
		json_decref(json);
	}
	json_t *planned = rop_report_planned_json("cart", step);
	cr_assert_str_eq(text_of(planned, "type"), "planned_change");
	cr_assert_str_eq(text_of(planned, "cluster"), "cart");
	cr_assert_str_eq(text_of(planned, "command"), step->expect.command);
	json_decref(planned);
}

Test(report, what_is_not_served_is_told_once_with_its_causes)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_observed *world = formed_world(topology);
	static const int DEAD[] = { 1, 4 };
	for (size_t k = 0; k < 2; k++) {
		world->nodes[DEAD[k]].reach = ROP_REACH_SILENT;
		world->nodes[DEAD[k]].reach_why = "connection refused";
	}
	struct rop_plan plan = plan_of(topology, world);
	ROP_OWN_TEXT status = { 0 }, planned = { 0 };
	rop_report_status(&r, situation_of(topology, world), NULL, 0, &status);
	cr_assert_eq(times(status.at, "(shard 2: 10.0.0.2:6379"), 1, "%s", status.at);
	cr_assert_eq(times(status.at, "5462 of 16384 slots are not served: see above"), 2, "%s", status.at);
	rop_report_plan(&r, &plan, &planned);
	cr_assert_eq(times(planned.at, "(shard 2: 10.0.0.2:6379"), 1, "%s", planned.at);
	cr_assert(strstr(planned.at, "converged then:\n10.0.0.2:6379 does not answer"), "%s", planned.at);
}

Test(report, when_it_gives_up_is_told_who_waits_for_long)
{
	struct rop_waiting waiting = {
		.cluster = "cart", .state = "Verify", .what = "a second look", .elapsed_ms = 1007, .timeout_ms = 300000
	};
	ROP_OWN_TEXT soon = { 0 }, late = { 0 };
	rop_report_waiting(&waiting, true, &soon);
	cr_assert_str_eq(soon.at, "cart: Verify, 1.0 s: a second look");
	waiting.elapsed_ms = 10000;
	rop_report_waiting(&waiting, false, &late);
	cr_assert_str_eq(late.at, "cart: Verify, for 10 s, gives up in 290 s: a second look");
}

Test(report, history_has_a_line_for_each_run_of_slots)
{
	static const struct rop_history_line LINES[] = {
		{ .from = "Verify", .to = "Move", .row = "Verify#3", .why = "some slots are to be moved" },
		{ .from = "Begin", .to = "Open", .row = "Begin#6", .subject = "slots:0-63 a>b", .why = "both" },
		{ .from = "Move", .to = "Move", .row = "Move#1", .why = "some" },
		{ .is_step = true,
		  .subject = "import:b>a/0",
		  .status = "met",
		  .command = "CLUSTER SETSLOT 0-63 IMPORTING a" },
		{ .from = "Move", .to = "Move", .row = "Move#1", .why = "some" },
		{ .is_step = true, .subject = "carry:a>b/0", .status = "met", .command = "MIGRATE" },
		{ .is_step = true, .subject = "carry:a>b/0", .status = "failed", .command = "MIGRATE" },
		{ .is_step = true, .subject = "take:b>a/0", .status = "met", .command = "CLUSTER SETSLOT 0-63 NODE b" },
		{ .is_step = true,
		  .subject = "yield:a>b/0",
		  .status = "met",
		  .command = "CLUSTER SETSLOT 0-63 NODE b" },
		{ .from = "Close", .to = "Held", .row = "Close#1", .subject = "slots:64-127 a>b", .why = "held" },
		{ .from = "Move", .to = "Verify", .row = "Move#2", .why = "done" },
	};
	static const bool TOLD[] = { true, false, true, false, false, false, true, true, false, true, true };
	enum { N = sizeof LINES / sizeof *LINES };
	struct rop_report r = { .arena = pool };
	bool told[N];
	cr_assert_eq(rop_report_history_told(&r, LINES, N, told), 6);
	for (size_t i = 0; i < N; i++)
		cr_assert_eq(told[i], TOLD[i], "%zu", i);
	ROP_OWN_TEXT text = { 0 };
	rop_report_history(&r, &LINES[7], &text);
	cr_assert(strstr(text.at, "has slots 0-63 now, with their keys"), "%s", text.at);
	r.verbose = true;
	cr_assert_eq(rop_report_history_told(&r, LINES, N, told), N);
}

static const char *health_of(struct rop_topology *topology, const struct rop_observed *world)
{
	struct rop_report r = about(topology);
	ROP_OWN_TEXT text = { 0 };
	rop_report_health(&r, situation_of(topology, world), &text);
	return rop_strdup(pool, text.at);
}

Test(report, primaries_without_a_replica_are_told_in_one_line)
{
	struct rop_topology *one = topology_of(1, 0, 1), *three = topology_of(3, 0, 3), *many = topology_of(8, 0, 8);
	const char *text = health_of(one, formed_world(one));
	cr_assert(strstr(text, "[WARNING] 10.0.0.1:6379 has no replica: its loss stops the cluster\n"), "%s", text);
	text = health_of(three, formed_world(three));
	cr_assert(strstr(text, "[WARNING] 10.0.0.1:6379, 10.0.0.2:6379, 10.0.0.3:6379 have no replica: the loss of one "
			       "stops the cluster\n"),
		  "%s", text);
	text = health_of(many, formed_world(many));
	cr_assert(strstr(text, "10.0.0.6:6379 and 2 more have no replica: "), "%s", text);
}

Test(report, a_replica_that_is_silent_is_one_and_is_said_to_be_silent)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_observed *world = formed_world(topology);
	cr_assert_null(strstr(health_of(topology, world), "no replica"));
	go_silent(world, 3);
	const char *text = health_of(topology, world);
	cr_assert(strstr(text, "[WARNING] 10.0.0.1:6379 has no replica that answers (10.0.0.4:6379 silent): its loss "
			       "may stop the cluster\n"),
		  "%s", text);
	cr_assert_null(strstr(text, "no replica: "), "%s", text);
	world->nodes[3].reach = ROP_REACH_DENIED;
	cr_assert(strstr(health_of(topology, world), "(10.0.0.4:6379 denied)"));
}

Test(report, who_waits_is_told_for_how_long_at_most_and_never_less_than_nothing)
{
	struct rop_waiting waiting = {
		.cluster = "cart", .state = "Verify", .what = "a second look", .elapsed_ms = 1007, .timeout_ms = 1000
	};
	json_t *json = rop_report_waiting_json(&waiting);
	cr_assert_eq(json_integer_value(json_object_get(json, "at_most_ms")), 0);
	json_decref(json);
	waiting.timeout_ms = 2241;
	json = rop_report_waiting_json(&waiting);
	cr_assert_eq(json_integer_value(json_object_get(json, "at_most_ms")), 1234);
	json_decref(json);
	json = rop_report_database_json("cart", "in use");
	cr_assert(json_is_true(json_object_get(json, "in_use")));
	json_decref(json);
	json = rop_report_database_json("cart", NULL);
	cr_assert(json_is_false(json_object_get(json, "in_use")) && json_is_null(json_object_get(json, "message")));
	json_decref(json);
}

/* The sentence names at most three nodes, and is of none of them. */
Test(report, a_node_that_is_asked_for_says_its_own_settings)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", "100mb");
	struct rop_observed *world = formed_world(topology);
	struct rop_report r = about(topology);
	ROP_OWN_TEXT fifth = { 0 }, first = { 0 }, health = { 0 };
	set_value(world, 0, "maxmemory", "104857600");
	for (size_t i = 1; i < world->n; i++)
		set_value(world, i, "maxmemory", "52428800");
	rop_report_explain(&r, situation_of(topology, world), world->nodes[5].address, &fifth);
	cr_assert(strstr(fifth.at, "maxmemory of 10.0.0.6:6379 is 50mb, not 100mb as declared\n"), "%s", fifth.at);
	cr_assert_null(strstr(fifth.at, "10.0.0.2:6379"), "%s", fifth.at);
	rop_report_explain(&r, situation_of(topology, world), world->nodes[0].address, &first);
	cr_assert(strstr(first.at, "Nothing is open at 10.0.0.1:6379."), "%s", first.at);
	cr_assert_eq(rop_report_health(&r, situation_of(topology, world), &health), 0);
	cr_assert(strstr(health.at, "[WARNING] maxmemory of 10.0.0.2:6379 is 50mb, not 100mb"), "%s", health.at);
}

Test(report, what_apply_is_refused_for_is_said_with_what_to_do)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	struct rop_report r = about(topology);
	struct rop_observed *world = fresh_world(topology);
	ROP_OWN_TEXT free = { 0 }, now = { 0 }, later = { 0 };
	rop_report_status(&r, situation_of(topology, world), NULL, 0, &free);
	cr_assert(strstr(free.at, "Observe") && strstr(free.at, "Blocked        False"), "%s", free.at);
	cr_assert_null(strstr(free.at, "Apply "), "%s", free.at);
	world->nodes[1].keys = 3;
	struct rop_situation *refused = situation_of(topology, world);
	rop_report_status(&r, refused, NULL, 0, &now);
	cr_assert(strstr(now.at, "cluster cart   Blocked   "), "though nothing was begun: %s", now.at);
	cr_assert(strstr(now.at, "\nApply is refused:\n- 10.0.0.2:6379 holds 3 keys"), "%s", now.at);
	cr_assert(strstr(strstr(now.at, "Apply is refused"), "\n  -> "), "%s", now.at);
	r.foreseen = refused;
	rop_report_status(&r, situation_of(topology, fresh_world(topology)), NULL, 0, &later);
	cr_assert(strstr(later.at, "Blocked        True     NotEmpty     apply would be stopped on its way, see"), "%s",
		  later.at);
	cr_assert(strstr(later.at, "\nApply would be stopped on its way:\n- 10.0.0.2:6379 holds 3 keys"), "%s",
		  later.at);
}
