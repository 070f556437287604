/* test_drain.c - a host that is drained in the database: in force until it is ended or asked for again, counted, told
 * to whoever polls, shown by history, gone with its cluster; and what another process decided without knowing of it.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "store_fixture.h"

TestSuite(drain, .init = store_setup, .fini = store_teardown);

static struct rop_store *store;

static int64_t drain(const char *target, int64_t wall_ms, int64_t until_ms)
{
	struct rop_drain it = { .target = target,
				.until_wall_ms = until_ms,
				.fewer = "2:0",
				.by = { .user = "ada",
					.host = "desk",
					.command = "redis-operator drain",
					.uid = 7,
					.pid = 8,
					.reason = "a new kernel" } };
	int64_t id = 0;
	cr_assert(rop_store_drain(store, "cart", &it, wall_ms, &id, &err), "%s", err.text);
	cr_assert_gt(id, 0);
	return id;
}

static bool undrain(const char *target, int64_t wall_ms)
{
	struct rop_deed by = { .user = "bob", .host = "lap", .command = "redis-operator undrain", .uid = 9, .pid = 3 };
	bool ended;
	cr_assert(rop_store_undrain(store, "cart", target, &by, wall_ms, &ended, &err), "%s", err.text);
	return ended;
}

static struct rop_history_line *history(size_t expected)
{
	struct rop_history_line *lines;
	size_t n;
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err), "%s", err.text);
	cr_assert_eq(n, expected, "%zu", n);
	return lines;
}

Test(drain, is_in_force_until_somebody_ends_it_or_its_time_has_passed)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t id = drain("10.0.0.1", 1000, 5000);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.drains.n == 1 && image.drains_told == 1);
	const struct rop_drain *it = &image.drains.at[0];
	cr_assert(it->id == id && it->asked_wall_ms == 1000 && it->until_wall_ms == 5000 && !it->zone);
	cr_assert_str_eq(it->target, "10.0.0.1");
	cr_assert_str_eq(it->fewer, "2:0");
	cr_assert_str_eq(it->by.user, "ada");
	cr_assert_str_eq(it->by.reason, "a new kernel");
	cr_assert(it->by.uid == 7 && it->by.pid == 8 && it->by.what == ROP_DEED_DRAIN);
	cr_assert(rop_drain_holds(it, 4999) && !rop_drain_holds(it, 5000));
	cr_assert_not(undrain("10.0.0.2", 2000), "there is none");
	cr_assert(undrain("10.0.0.1", 2000));
	cr_assert_not(undrain("10.0.0.1", 2001), "twice is once");
	image = image_of(store, "cart");
	cr_assert_eq(image.drains.n, 0);
	rop_store_close(store);
}

Test(drain, the_same_host_again_takes_the_place_of_the_one_before)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	drain("10.0.0.1", 1000, 5000);
	int64_t second = drain("10.0.0.1", 2000, 9000);
	drain("b", 2000, 9000);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.drains.n == 2 && image.drains.at[0].id == second && image.drains_told == 3);
	history(3);
	rop_store_close(store);
}

Test(drain, history_shows_who_asked_and_who_ended_it)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	drain("10.0.0.1", 1000, 5000);
	undrain("10.0.0.1", 2000);
	struct rop_history_line *lines = history(2);
	cr_assert(lines[0].drain && lines[0].deed->what == ROP_DEED_DRAIN && lines[0].wall_ms == 1000);
	cr_assert_str_eq(lines[0].drain->target, "10.0.0.1");
	cr_assert_str_eq(lines[0].deed->user, "ada");
	cr_assert(lines[1].drain && lines[1].deed->what == ROP_DEED_UNDRAIN && lines[1].wall_ms == 2000);
	cr_assert_str_eq(lines[1].deed->user, "bob");
	cr_assert_null(lines[1].deed->reason);
	rop_store_close(store);
}

/* A decision that was made without knowing of it is not written. */
Test(drain, who_did_not_know_of_it_writes_nothing)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1);
	entry.state = "Ready";
	commit_or_die(store, "cart", &entry);
	drain("10.0.0.1", 1000, 5000);
	struct rop_entry late = entry_at(2000);
	late.state = "Move";
	late.check_pass = true;
	late.after_pass = entry.pass;
	struct rop_commit_request request = { .cluster = "cart", .entry = &late };
	cr_assert(rop_store_commit_group(store, &request, 1, &err), "%s", err.text);
	cr_assert_eq(request.result, ROP_COMMIT_OUTDATED);
	late.drains_told = 1;
	cr_assert(rop_store_commit_group(store, &request, 1, &err), "%s", err.text);
	cr_assert_eq(request.result, ROP_COMMIT_WRITTEN);
	rop_store_close(store);
}

/* The hand-over that it wants is a wish like a person's, written with the pass; of two processes one writes it. */
Test(drain, a_pass_writes_down_the_hand_over_that_it_wants)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t id = drain("10.0.0.1", 1000, 5000);
	struct rop_entry entry = entry_at(2000);
	entry.wish_begin = (struct rop_wish){ .shard = 2, .primary = NODE_A, .drain = id, .by = { .user = "ada" } };
	entry.check_pass = true;
	entry.drains_told = 1;
	struct rop_entry other = entry;
	struct rop_commit_request request = { .cluster = "cart", .entry = &entry };
	cr_assert_not(rop_entry_empty(&entry));
	cr_assert(rop_store_commit_group(store, &request, 1, &err), "%s", err.text);
	cr_assert(request.result == ROP_COMMIT_WRITTEN && entry.wish_begin.id > 0);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.wish.id == entry.wish_begin.id && image.wish.drain == id && image.wish.shard == 2);
	request.entry = &other;
	other.after_pass = entry.pass;
	cr_assert(rop_store_commit_group(store, &request, 1, &err), "%s", err.text);
	cr_assert_eq(request.result, ROP_COMMIT_OUTDATED);
	rop_store_close(store);
}

Test(drain, whoever_polls_hears_of_it_and_it_goes_with_its_cluster)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_pause *pauses;
	size_t n;
	cr_assert(rop_store_pauses(store, arena, &pauses, &n, &err) && n == 0);
	drain("10.0.0.1", 1000, 5000);
	undrain("10.0.0.1", 2000);
	cr_assert(rop_store_pauses(store, arena, &pauses, &n, &err) && n == 1);
	cr_assert(pauses[0].drains_told == 2 && !pauses[0].wish);
	cr_assert_str_eq(pauses[0].cluster, "cart");
	cr_assert(rop_store_forget_cluster(store, "cart", &err), "%s", err.text);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM drain"), 0);
	rop_store_close(store);
}

Test(drain, old_ones_are_forgotten_but_not_the_newest)
{
	bool more;
	store = open_or_die(db_path, ROP_STORE_WRITE);
	drain("10.0.0.1", 1000, 5000);
	undrain("10.0.0.1", 2000);
	drain("10.0.0.2", 3000, 6000);
	cr_assert(rop_store_forget_before(store, 5500, 1, &more, &err), "%s", err.text);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM drain"), 1);
	cr_assert_eq(image_of(store, "cart").drains.n, 1);
	rop_store_close(store);
}
