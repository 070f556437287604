/* test_carry.c - how keys are put into batches: pure arithmetic, and which keys are next. */
#include <criterion/criterion.h>
#include <string.h>

#include "../../src/redis/carry_pace.h"
#include "../../src/redis/carry_stock.h"

/* A server that takes so long for a key by itself and for each thousand bytes. */
static int64_t takes_us(int64_t keys, int64_t bytes, int64_t key_ns, int64_t kilobyte_ns)
{
	return (keys * key_ns + keys * bytes / 1000 * kilobyte_ns) / 1000;
}

static int64_t settled(struct carry_pace *pace, int64_t bytes, int64_t key_ns, int64_t kilobyte_ns)
{
	int64_t us = 0;
	for (int i = 0; i < 40; i++) {
		int64_t keys = carry_pace_budget(pace) / carry_weight(bytes);
		keys += keys == 0;
		us = takes_us(keys, bytes, key_ns, kilobyte_ns);
		carry_pace_took(pace, keys * carry_weight(bytes), us);
	}
	return us;
}

Test(carry, batches_come_to_take_half_of_what_is_declared)
{
	static const int64_t STALLS_US[] = { 1000, 5000, 50000 };
	static const int64_t BYTES[] = { 100, 3000, 20000 };
	for (size_t s = 0; s < 3; s++)
		for (size_t b = 0; b < 3; b++) {
			struct carry_pace pace;
			carry_pace_init(&pace, STALLS_US[s], false);
			int64_t us = settled(&pace, BYTES[b], 15000, 5000);
			cr_assert(us > STALLS_US[s] * 3 / 10 && us < STALLS_US[s] * 6 / 10, "%lld of %lld us",
				  (long long)us, (long long)STALLS_US[s]);
		}
}

Test(carry, gentle_batches_take_a_quarter_of_the_stall)
{
	struct carry_pace pace;
	carry_pace_init(&pace, 5000, true);
	int64_t us = settled(&pace, 100, 15000, 5000);
	cr_assert(us > 1000 && us < 1400, "%lld", (long long)us);
}

Test(carry, one_slow_batch_does_not_ruin_the_pace_and_a_slow_server_does)
{
	struct carry_pace pace;
	carry_pace_init(&pace, 5000, false);
	settled(&pace, 100, 15000, 5000);
	int64_t before = carry_pace_budget(&pace);
	carry_pace_took(&pace, before, 5000000);
	cr_assert_geq(carry_pace_budget(&pace), before / 2);
	int64_t us = settled(&pace, 100, 150000, 5000);
	cr_assert(us > 2000 && us < 2800, "%lld", (long long)us);
	carry_pace_took(&pace, 1, 0);
	cr_assert_gt(carry_pace_budget(&pace), 0);
}

Test(carry, a_small_batch_tells_nothing_unless_it_was_slow)
{
	struct carry_pace pace;
	carry_pace_init(&pace, 5000, false);
	int64_t before = pace.per_ms;
	carry_pace_took(&pace, carry_weight(100), 1);
	carry_pace_took(&pace, carry_weight(100), 900);
	cr_assert_eq(pace.per_ms, before);
	carry_pace_took(&pace, carry_weight(100), 6000);
	cr_assert_lt(pace.per_ms, before);
}

Test(carry, what_is_large_is_ten_stalls_at_a_speed_that_any_server_has)
{
	struct carry_pace pace;
	carry_pace_init(&pace, 5000, false);
	cr_assert_eq(carry_pace_large(&pace), 5000000);
	settled(&pace, 100, 1500000, 5000); /* a machine that is overloaded makes no key large */
	cr_assert_eq(carry_pace_large(&pace), 5000000);
	settled(&pace, 20000, 15000, 2000); /* a fast one makes fewer of them so */
	cr_assert_gt(carry_pace_large(&pace), 10000000);
	carry_pace_init(&pace, 5000, true);
	cr_assert_eq(carry_pace_large(&pace), 5000000, "gentle is no reason to refuse more");
}

Test(carry, a_large_key_gets_the_time_it_needs)
{
	cr_assert_eq(carry_patience_ms(0), 0);
	cr_assert_eq(carry_patience_ms(500000000), 100000);
}

Test(carry, a_rate_is_kept_on_the_average_without_a_burst)
{
	int64_t at = 0, moved = 0;
	for (int64_t now = 0; now < 10000000; now = at) {
		moved += (int64_t)carry_rate_most(1000);
		at = carry_rate_next_us(at, now, (int64_t)carry_rate_most(1000), 1000);
	}
	cr_assert(moved >= 9900 && moved <= 10100, "%lld", (long long)moved);
	cr_assert_eq(carry_rate_next_us(5, 1000000, 10, 1000), 1010000, "what was not used is gone");
	cr_assert_eq(carry_rate_next_us(5, 1000000, 10, 0), 1000000);
	cr_assert_eq(carry_rate_most(3), 1);
	cr_assert_eq(carry_rate_most(0), 0);
}

static void stock_of(struct stock *stock, struct rop_arena *arena, int first, int last, int databases)
{
	struct rop_slots slots = { 0 };
	rop_slots_add(&slots, first, last);
	stock_init(stock, arena, &slots, databases);
}

static struct stock_slot *asked(struct stock *stock, size_t wanted, int slot, int database)
{
	struct stock_slot *at = stock_to_ask(stock, wanted);
	cr_assert_not_null(at);
	cr_assert_eq(at->slot, slot);
	cr_assert_eq(at->database, database);
	return at;
}

static void answered(struct stock *stock, struct stock_slot *slot, const char *names, size_t most)
{
	for (const char *name = names; *name; name++)
		stock_name(stock, slot, name, 1);
	stock_named(stock, slot, strlen(names), most);
	slot->measured = slot->keys.n;
}

Test(carry, every_slot_of_every_database_is_gone_through)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct stock stock;
	stock_of(&stock, arena, 7, 8, 2);
	for (int database = 0; database < 2; database++)
		for (int slot = 7; slot <= 8; slot++) {
			struct stock_slot *at = asked(&stock, 1, slot, database);
			answered(&stock, at, "a", 10);
			cr_assert_null(stock_to_ask(&stock, 1), "enough is known");
			stock_sent(&stock, at, 1);
			stock_tidy(&stock);
		}
	cr_assert_null(stock_to_ask(&stock, 100));
	cr_assert_null(stock.first);
}

Test(carry, a_slot_with_more_is_asked_again_and_what_may_not_go_is_left_out)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct stock stock;
	stock_of(&stock, arena, 7, 7, 1);
	struct stock_slot *at = asked(&stock, 3, 7, 0);
	cr_assert_eq(stock_names_most(at, 3), 3);
	answered(&stock, at, "abc", 3);
	stock_sent(&stock, at, 1);
	stock_pass_over(&stock, at);
	stock_tidy(&stock);
	cr_assert_null(stock_to_ask(&stock, 1), "one is left to be sent");
	stock_sent(&stock, at, 1);
	stock_tidy(&stock);
	at = asked(&stock, 3, 7, 0);
	cr_assert_eq(stock_names_most(at, 3), 4, "b is still there");
	answered(&stock, at, "bd", 4);
	cr_assert_eq(at->keys.n, 1);
	cr_assert_eq(*at->keys.at[0].at, 'd');
	stock_sent(&stock, at, 1);
	stock_tidy(&stock);
	cr_assert_null(stock_to_ask(&stock, 3), "that was all of it");
	cr_assert_eq(stock.waiting, 0);
}

Test(carry, slots_are_asked_ahead_by_how_full_the_last_ones_were)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct stock stock;
	stock_of(&stock, arena, 0, 63, 1);
	size_t n = 0;
	while (stock_to_ask(&stock, 100))
		n++;
	cr_assert(n > 2 && n < 12, "%zu", n);
	for (struct stock_slot *at = stock.first; at; at = at->after)
		answered(&stock, at, "", 10);
	stock_tidy(&stock);
	for (n = 0; stock_to_ask(&stock, 100); n++)
		;
	cr_assert_gt(n, 40, "empty ones are gone through quickly: %zu", n);
}
