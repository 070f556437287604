/* test_events.c - what happens to a cluster, as facts for the log: which level, which fields, and nothing for nobody.
 */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/daemon/daemon.h"
#include "rop/events.h"
#include "rop/log.h"

static char line[1024];
static int told;

static void sink(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	told++;
	snprintf(line, sizeof line, "%s '%s'", rop_log_level_name(level), message);
	for (size_t i = 0; i < n; i++)
		if (fields[i].value)
			snprintf(line + strlen(line), sizeof line - strlen(line), " %s=%s", fields[i].key,
				 fields[i].value);
}

static void events_setup(void)
{
	rop_log_set_sink(sink);
	rop_log_set_level(ROP_LOG_DEBUG);
	told = 0;
}

TestSuite(events, .init = events_setup);

static const struct rop_transition MOVE = {
	.machine = "cluster", .from = "Verify", .to = "AssignSlots", .row = "Verify#2", .why = "all views agree"
};

static struct rop_step step_of(enum rop_step_kind kind)
{
	struct rop_step step = { .node = 1 };
	step.expect = (struct rop_expect){ .kind = kind,
					   .address = "10.0.0.1:6379",
					   .command = "CLUSTER MEET 10.0.0.2 6379",
					   .why = "they do not know each other",
					   .attempts = 3 };
	return step;
}

Test(events, a_transition_names_both_states_the_row_and_the_reason)
{
	rop_log_transition("cart", &MOVE);
	cr_assert_eq(told, 1);
	cr_assert_str_eq(line, "info 'Verify -> AssignSlots' cluster=cart from=Verify to=AssignSlots row=Verify#2 "
			       "why=all views agree");
	struct rop_transition of_a_node = MOVE;
	of_a_node.subject = "node:ab";
	rop_log_transition("cart", &of_a_node);
	cr_assert(strstr(line, " to=AssignSlots of=node:ab row="), "%s", line);
	of_a_node.subject = "cluster";
	rop_log_transition("cart", &of_a_node);
	cr_assert_null(strstr(line, " of="), "%s", line);
}

Test(events, a_step_under_way_or_met_is_for_who_looks_closely)
{
	struct rop_step step = step_of(ROP_STEP_MEET);
	rop_log_step("cart", &step, ROP_EXPECT_PENDING, NULL);
	cr_assert_str_eq(line, "debug 'CLUSTER MEET 10.0.0.2 6379' cluster=cart node=10.0.0.1:6379 step=meet "
			       "status=pending attempts=3 why=they do not know each other");
	rop_log_step("cart", &step, ROP_EXPECT_MET, NULL);
	cr_assert(strncmp(line, "debug ", 6) == 0 && strstr(line, " status=met "), "%s", line);
	rop_log_step("cart", &step, ROP_EXPECT_SUPERSEDED, "the look was old");
	cr_assert(strncmp(line, "debug ", 6) == 0 && strstr(line, " error=the look was old"), "%s", line);
	cr_assert_eq(told, 3);
}

Test(events, one_that_failed_is_for_everybody_and_says_why)
{
	struct rop_step step = step_of(ROP_STEP_ROLE);
	rop_log_step("cart", &step, ROP_EXPECT_REFUSED, "ERR To set a master the node must be empty");
	cr_assert(strncmp(line, "info ", 5) == 0 && strstr(line, " status=refused ") &&
			  strstr(line, " error=ERR To set a master the node must be empty"),
		  "%s", line);
	rop_log_step("cart", &step, ROP_EXPECT_EXPIRED, "not seen in time");
	cr_assert(strncmp(line, "info ", 5) == 0 && strstr(line, " status=expired "), "%s", line);
	cr_assert_eq(told, 2);
}

Test(events, what_nobody_wants_is_not_told)
{
	struct rop_step step = step_of(ROP_STEP_MEET);
	rop_log_set_level(ROP_LOG_INFO);
	rop_log_step("cart", &step, ROP_EXPECT_MET, NULL);
	cr_assert_eq(told, 0);
	rop_log_transition("cart", &MOVE);
	rop_log_step("cart", &step, ROP_EXPECT_EXPIRED, "late");
	cr_assert_eq(told, 2);
	rop_log_set_level(ROP_LOG_WARN);
	rop_log_transition("cart", &MOVE);
	rop_log_step("cart", &step, ROP_EXPECT_REFUSED, "no");
	cr_assert_eq(told, 2);
}

/* States may have names as long as they like. */
Test(events, a_message_that_is_too_long_is_cut_and_its_fields_are_not)
{
	char from[120], to[120];
	memset(from, 'a', sizeof from);
	memset(to, 'b', sizeof to);
	from[sizeof from - 1] = to[sizeof to - 1] = '\0';
	struct rop_transition move = { .from = from, .to = to, .row = "x#1", .why = "so" };
	rop_log_transition("cart", &move);
	cr_assert(strstr(line, " why=so") && strstr(line, to), "%s", line);
}

/* ---- the daemon's warnings --------------------------------------------------------------------------------- */

/* One look that warns of `n` things, from `first` on; told: how many of them were news. */
static int told_of(struct cluster *c, int first, int n)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct rop_situation now = { .arena = arena };
	for (int i = first; i < first + n; i++)
		*rop_push(arena, &now.warnings) = (struct rop_finding){ .text = rop_printf(arena, "warning %d", i) };
	told = 0;
	tell_warnings(c, &now);
	return told;
}

Test(events, each_warning_of_the_daemon_is_said_once_however_many_there_are)
{
	struct cluster c = { .name = (char *)"cart" };
	cr_assert_eq(told_of(&c, 0, 200), 200, "none is taken for another");
	cr_assert_eq(told_of(&c, 0, 200), 0);
	cr_assert_eq(told_of(&c, 0, 0), 0);
	cr_assert_eq(told_of(&c, 0, 201), 1, "a look without them is not their end");
	free(c.warned);
}

Test(events, warnings_that_come_and_go_for_months_are_not_all_remembered_and_those_that_stand_are_not_said_again)
{
	struct cluster c = { .name = (char *)"cart" };
	for (int i = 0; i < 1000; i++) {
		ROP_OWN_ARENA arena = rop_arena_new();
		struct rop_situation now = { .arena = arena };
		*rop_push(arena, &now.warnings) = (struct rop_finding){ .text = "it stands" };
		*rop_push(arena, &now.warnings) = (struct rop_finding){ .text = rop_printf(arena, "it was %d", i) };
		told = 0;
		tell_warnings(&c, &now);
		cr_assert_eq(told, i ? 1 : 2, "look %d", i);
		cr_assert_leq(c.n_warned, 67);
	}
	free(c.warned);
}
