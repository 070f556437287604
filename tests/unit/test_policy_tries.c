/* test_policy_tries.c - the memory of tries: what is under way, when to try again, and when not to any more. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "world.h"

TestSuite(policy_tries, .init = world_setup, .fini = world_teardown);

static struct rop_expect on(const char *subject)
{
	return (struct rop_expect){ .kind = ROP_STEP_ROLE, .subject = subject, .first = -1, .last = -1 };
}

static struct rop_expect on_slots(int first, int last)
{
	return (struct rop_expect){ .kind = ROP_STEP_SLOTS,
				    .subject = rop_printf(pool, "slot:%d-%d", first, last),
				    .first = first,
				    .last = last };
}

static void fail_once(struct rop_tries *tries, const char *subject, const char *note, int64_t boot_ms)
{
	struct rop_expect expect = on(subject);
	expect.note = note;
	rop_tries_pending(tries, &expect);
	rop_tries_ended(tries, &expect, note ? ROP_EXPECT_REFUSED : ROP_EXPECT_EXPIRED, boot_ms);
}

Test(policy_tries, a_subject_never_heard_of_may_be_tried)
{
	struct rop_tries *tries = rop_tries_new(pool);
	cr_assert_eq(rop_tries_may(tries, "role:a", 0), ROP_MAY);
	cr_assert_eq(rop_tries_count(tries, "role:a"), 0);
	cr_assert_eq(rop_tries_n_pending(tries), 0);
	cr_assert_eq(rop_tries_next_ms(tries, 0), INT64_MAX);
	cr_assert_not(rop_tries_gave_up(tries, NULL, NULL));
}

Test(policy_tries, one_expectation_at_a_time_per_subject)
{
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect expect = on("role:a");
	rop_tries_pending(tries, &expect);
	rop_tries_pending(tries, &expect);
	cr_assert_eq(rop_tries_n_pending(tries), 1);
	cr_assert_eq(rop_tries_may(tries, "role:a", 1000000), ROP_MAY_PENDING);
	cr_assert_eq(rop_tries_may(tries, "role:b", 1000000), ROP_MAY);
	rop_tries_ended(tries, &expect, ROP_EXPECT_MET, 5);
	cr_assert_eq(rop_tries_n_pending(tries), 0);
	cr_assert_eq(rop_tries_may(tries, "role:a", 5), ROP_MAY, "what was met may be wanted again");
	rop_tries_ended(tries, &expect, ROP_EXPECT_MET, 5);
	cr_assert_eq(rop_tries_n_pending(tries), 0, "ended twice counts once");
}

Test(policy_tries, failures_back_off_twice_as_long_each_time_up_to_five_seconds)
{
	struct rop_tries *tries = rop_tries_new(pool);
	static const int64_t BACKOFF[] = { 50, 100, 200, 400, 800, 1600, 3200 };
	int64_t now = 1000;
	for (int i = 0; i < 7; i++) {
		fail_once(tries, "role:a", "ERR Unknown node", now);
		cr_assert_eq(rop_tries_count(tries, "role:a"), i + 1);
		cr_assert_eq(rop_tries_may(tries, "role:a", now + BACKOFF[i] - 1), ROP_MAY_LATER, "%d", i);
		cr_assert_eq(rop_tries_may(tries, "role:a", now + BACKOFF[i]), ROP_MAY);
		cr_assert_eq(rop_tries_next_ms(tries, now), now + BACKOFF[i]);
		cr_assert_eq(rop_tries_next_ms(tries, now + BACKOFF[i]), INT64_MAX);
		now += BACKOFF[i];
	}
}

Test(policy_tries, the_eighth_failure_is_the_last_until_it_is_seen_done)
{
	struct rop_tries *tries = rop_tries_new(pool);
	const char *subject = NULL, *note = NULL;
	for (int i = 0; i < 7; i++)
		fail_once(tries, "role:a", NULL, 0);
	cr_assert_not(rop_tries_gave_up(tries, &subject, &note));
	cr_assert_eq(rop_tries_may(tries, "role:a", 1000000), ROP_MAY);
	fail_once(tries, "role:a", NULL, 0);
	cr_assert(rop_tries_gave_up(tries, &subject, &note));
	cr_assert_str_eq(subject, "role:a");
	cr_assert_str_eq(note, "nothing was seen of it in time");
	cr_assert(rop_tries_gave_up(tries, NULL, NULL));
	cr_assert_eq(rop_tries_may(tries, "role:a", 1000000), ROP_MAY_NEVER);
	cr_assert_eq(rop_tries_next_ms(tries, 0), INT64_MAX);
	fail_once(tries, "role:a", NULL, 0);
	cr_assert(rop_tries_gave_up(tries, NULL, NULL), "a ninth does not unmake it");
	struct rop_expect expect = on("role:a");
	rop_tries_ended(tries, &expect, ROP_EXPECT_MET, 0);
	cr_assert_not(rop_tries_gave_up(tries, NULL, NULL));
	cr_assert_eq(rop_tries_may(tries, "role:a", 0), ROP_MAY);
}

Test(policy_tries, the_reason_is_the_last_answer)
{
	struct rop_tries *tries = rop_tries_new(pool);
	for (int i = 0; i < 8; i++)
		fail_once(tries, "setting:a/maxmemory", i < 7 ? "ERR busy" : "NOPERM", 0);
	const char *note;
	rop_tries_gave_up(tries, NULL, &note);
	cr_assert_str_eq(note, "NOPERM");
}

Test(policy_tries, a_pending_range_claims_each_of_its_slots)
{
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect range = on_slots(100, 199);
	rop_tries_pending(tries, &range);
	static const struct {
		int first, last;
		bool pending;
	} ASKED[] = {
		{ 0, 99, false },   { 0, 100, true },    { 150, 160, true },
		{ 199, 300, true }, { 200, 300, false }, { 0, 16383, true },
	};
	for (size_t i = 0; i < sizeof ASKED / sizeof *ASKED; i++)
		cr_assert_eq(rop_tries_slot_pending(tries, ASKED[i].first, ASKED[i].last), ASKED[i].pending);
	rop_tries_ended(tries, &range, ROP_EXPECT_EXPIRED, 0);
	cr_assert_not(rop_tries_slot_pending(tries, 0, 16383));
	cr_assert_eq(rop_tries_may(tries, "slot:100-199", 0), ROP_MAY_LATER);
}

Test(policy_tries, thousands_of_subjects_are_kept_apart)
{
	struct rop_tries *tries = rop_tries_new(pool);
	for (int i = 0; i < 5000; i++) {
		struct rop_expect expect = on(rop_printf(pool, "link:%d", i));
		rop_tries_pending(tries, &expect);
		if (i % 3 == 0)
			rop_tries_ended(tries, &expect, ROP_EXPECT_SUPERSEDED, 0);
	}
	cr_assert_eq(rop_tries_n_pending(tries), 5000 - 1667);
	for (int i = 0; i < 5000; i++)
		cr_assert_eq(rop_tries_may(tries, rop_printf(pool, "link:%d", i), 0),
			     i % 3 ? ROP_MAY_PENDING : ROP_MAY);
	fail_once(tries, "link:7", "no", 100);
	fail_once(tries, "link:10", "no", 50);
	cr_assert_eq(rop_tries_next_ms(tries, 0), 100, "the earliest of them");
}

Test(policy_tries, what_failed_too_often_gets_one_more_try_every_five_minutes)
{
	struct rop_tries *tries = rop_tries_new(pool);
	for (int i = 0; i < 8; i++)
		fail_once(tries, "role:a", "no", 1000);
	rop_tries_forgive(tries, 1000 + 299999);
	cr_assert_eq(rop_tries_may(tries, "role:a", 1000 + 299999), ROP_MAY_NEVER);
	rop_tries_forgive(tries, 301000);
	cr_assert_eq(rop_tries_may(tries, "role:a", 301000), ROP_MAY);
	cr_assert_not(rop_tries_gave_up(tries, NULL, NULL));
	fail_once(tries, "role:a", "no", 301000);
	cr_assert(rop_tries_gave_up(tries, NULL, NULL), "one try, not eight");
}

Test(policy_tries, failures_of_long_ago_do_not_add_up)
{
	struct rop_tries *tries = rop_tries_new(pool);
	int64_t now = 0;
	for (int i = 0; i < 20; i++, now += 600000) {
		rop_tries_forgive(tries, now);
		fail_once(tries, "role:a", "no", now);
		cr_assert_eq(rop_tries_count(tries, "role:a"), 1);
	}
	struct rop_expect rewrite = {
		.kind = ROP_STEP_PERSIST, .subject = "config:a", .first = -1, .last = -1, .note = "ERR"
	};
	rop_tries_ended(tries, &rewrite, ROP_EXPECT_REFUSED, now);
	rop_tries_forgive(tries, now + 6000000);
	cr_assert_eq(rop_tries_count(tries, "config:a"), 1, "what nothing seen would ask for again is not forgotten");
}

Test(policy_tries, a_copy_knows_what_counts_and_nothing_else)
{
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect range = on_slots(5, 9);
	for (int i = 0; i < 1000; i++) {
		struct rop_expect expect = on(rop_printf(pool, "link:%d", i));
		rop_tries_pending(tries, &expect);
		rop_tries_ended(tries, &expect, ROP_EXPECT_MET, 0);
	}
	rop_tries_pending(tries, &range);
	for (int i = 0; i < 8; i++)
		fail_once(tries, "role:a", "why not", 70);
	fail_once(tries, "role:b", "no", 70);
	struct rop_arena *own = rop_arena_new();
	struct rop_tries *copy = rop_tries_copy(own, tries);
	const char *subject, *note;
	cr_assert(rop_tries_gave_up(copy, &subject, &note));
	cr_assert_str_eq(subject, "role:a");
	cr_assert_str_eq(note, "why not");
	cr_assert(subject != NULL && rop_tries_n_pending(copy) == 1 && rop_tries_slot_pending(copy, 9, 9));
	cr_assert_eq(rop_tries_may(copy, "slot:5-9", 0), ROP_MAY_PENDING);
	cr_assert_eq(rop_tries_may(copy, "role:b", 80), ROP_MAY_LATER);
	cr_assert_eq(rop_tries_next_ms(copy, 80), rop_tries_next_ms(tries, 80));
	cr_assert_leq(rop_arena_bytes(own), (size_t)16 * 1024);
	rop_tries_forgive(copy, 10000000);
	cr_assert_not(rop_tries_gave_up(copy, NULL, NULL));
	rop_arena_free(own);
}

/* There is nothing to write to: what is set later is not owed either. Found by seed 5740. */
Test(policy_tries, where_there_is_no_configuration_file_no_rewrite_is_owed)
{
	struct rop_tries *tries = rop_tries_new(pool);
	const char *config = rop_printf(pool, "config:%s", node_id(0));
	struct rop_expect rewrite = { .kind = ROP_STEP_PERSIST,
				      .subject = config,
				      .note = "ERR The server is running without a config file" };
	struct rop_expect set = {
		.kind = ROP_STEP_SETTING, .subject = "setting:x/y", .name = "y", .value = "1", .unwritten = true
	};
	memcpy(rewrite.node, node_id(0), ROP_ID_SIZE);
	memcpy(set.node, node_id(0), ROP_ID_SIZE);
	rop_tries_ended(tries, &set, ROP_EXPECT_MET, 1);
	cr_assert(rop_tries_is_owed(tries, config));
	rop_tries_ended(tries, &rewrite, ROP_EXPECT_REFUSED, 2);
	cr_assert_not(rop_tries_is_owed(tries, config));
	rop_tries_ended(tries, &set, ROP_EXPECT_MET, 3);
	cr_assert_not(rop_tries_is_owed(tries, config));
}

Test(policy_tries, a_fail_over_is_under_way_from_its_first_send_to_its_end)
{
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_expect role = on("role:a"), first = on("failover:a"), second = on("failover:b");
	first.kind = second.kind = ROP_STEP_FAILOVER;
	rop_tries_pending(tries, &role);
	cr_assert_not(rop_tries_fails_over(tries));
	rop_tries_pending(tries, &first);
	rop_tries_pending(tries, &first);
	rop_tries_pending(tries, &second);
	rop_tries_ended(tries, &first, ROP_EXPECT_EXPIRED, 1);
	cr_assert(rop_tries_fails_over(tries) && rop_tries_fails_over(rop_tries_copy(pool, tries)));
	rop_tries_ended(tries, &second, ROP_EXPECT_MET, 2);
	rop_tries_ended(tries, &second, ROP_EXPECT_MET, 3);
	cr_assert_not(rop_tries_fails_over(tries));
	cr_assert_eq(rop_tries_n_pending(tries), 1);
}
