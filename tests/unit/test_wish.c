/* test_wish.c - a person's wish in the database: written once, open until it is closed, counted, shown by history, gone
 * with its cluster.
 */
#include <criterion/criterion.h>
#include <string.h>

#include "store_fixture.h"

TestSuite(wish, .init = store_setup, .fini = store_teardown);

static struct rop_store *store;

static struct rop_wish wish_of(int shard, const char *node)
{
	struct rop_wish wish = { .shard = shard,
				 .primary_address = "10.0.0.1:6379",
				 .by = { .user = "ada",
					 .host = "desk",
					 .command = "redis-operator failover",
					 .uid = 7,
					 .pid = 8,
					 .reason = "a new kernel" } };
	memcpy(wish.primary, NODE_A, sizeof NODE_A);
	if (node) {
		memcpy(wish.node, node, strlen(node) + 1);
		wish.address = "10.0.0.2:6379";
	}
	return wish;
}

static int64_t ask(int shard, int64_t wall_ms)
{
	struct rop_wish wish = wish_of(shard, NODE_B);
	int64_t id = 0;
	cr_assert(rop_store_wish(store, "cart", &wish, wall_ms, &id, &err), "%s", err.text);
	cr_assert_gt(id, 0);
	return id;
}

static void end(int64_t id, enum rop_wish_status status, const char *note, int64_t wall_ms)
{
	struct rop_entry entry = entry_at(wall_ms);
	entry.wish_end = (struct rop_wish_end){ .id = id, .status = status, .note = note };
	commit_or_die(store, "cart", &entry);
}

Test(wish, is_open_until_a_pass_closes_it_and_then_the_last_one)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t id = ask(2, 1000);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.wish.id == id && image.wish.shard == 2 && image.wish.status == ROP_WISH_OPEN);
	cr_assert_str_eq(image.wish.node, NODE_B);
	cr_assert_str_eq(image.wish.primary, NODE_A);
	cr_assert_str_eq(image.wish.address, "10.0.0.2:6379");
	cr_assert_str_eq(image.wish.primary_address, "10.0.0.1:6379");
	cr_assert(image.wish.asked_wall_ms == 1000 && image.wish.closed_wall_ms == 0 && !image.wish.note);
	cr_assert(image.wish.by.uid == 7 && image.wish.by.pid == 8 && image.wish.by.what == ROP_DEED_FAILOVER);
	cr_assert_str_eq(image.wish.by.user, "ada");
	cr_assert_str_eq(image.wish.by.host, "desk");
	cr_assert_str_eq(image.wish.by.reason, "a new kernel");
	cr_assert_eq(image.last_wish.id, 0);
	end(id, ROP_WISH_MET, "10.0.0.2:6379 leads shard 2", 1500);
	image = image_of(store, "cart");
	cr_assert_eq(image.wish.id, 0);
	cr_assert(image.last_wish.id == id && image.last_wish.status == ROP_WISH_MET);
	cr_assert(image.last_wish.closed_wall_ms == 1500 && strstr(image.last_wish.note, "leads shard 2"));
	end(id, ROP_WISH_FAILED, "late", 1600);
	cr_assert_eq(image_of(store, "cart").last_wish.status, ROP_WISH_MET, "what is over is over");
	rop_store_close(store);
}

Test(wish, one_at_a_time_for_a_cluster_and_what_is_over_makes_room)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_wish other = wish_of(1, NULL);
	int64_t id = ask(2, 1000), second = 0;
	cr_assert(!rop_store_wish(store, "cart", &other, 1001, &second, &err) && err.code == ROP_BUSY);
	cr_assert(rop_store_wish(store, "basket", &other, 1001, &second, &err), "%s", err.text);
	struct rop_wish_end taken_back = { .id = id, .status = ROP_WISH_WITHDRAWN, .note = "not any more" };
	cr_assert(rop_store_withdraw(store, "basket", &taken_back, 1002, &err));
	cr_assert_eq(image_of(store, "cart").wish.id, id, "it is another cluster's");
	cr_assert(rop_store_withdraw(store, "cart", &taken_back, 1002, &err));
	cr_assert(rop_store_wish(store, "cart", &other, 1003, &second, &err));
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.wish.id == second && !image.wish.node[0] && !image.wish.address);
	cr_assert(image.last_wish.id == id && image.last_wish.status == ROP_WISH_WITHDRAWN);
	rop_store_close(store);
}

static void fail_over(int64_t wall_ms, enum rop_expect_status status, const char *note)
{
	struct rop_entry entry = entry_at(wall_ms);
	struct rop_expect x = expect_of(ROP_STEP_FAILOVER, "failover:" NODE_A);
	memcpy(x.peer, NODE_A, sizeof NODE_A);
	x.issued_wall_ms = wall_ms;
	x.issued_boot_ms = wall_ms + 5;
	add_expect(&entry, x);
	commit_or_die(store, "cart", &entry);
	struct rop_entry over = entry_at(wall_ms + 1);
	add_resolution(&over, entry.expects.at[0].id, status, note);
	commit_or_die(store, "cart", &over);
}

Test(wish, its_failures_are_those_of_the_journal_since_it_was_asked_for)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	fail_over(500, ROP_EXPECT_EXPIRED, "before");
	int64_t id = ask(2, 1000);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.wish.failures == 0 && !image.wish.failure && image.wish.failed_boot_ms == 0);
	fail_over(1100, ROP_EXPECT_EXPIRED, "nothing was seen");
	image = image_of(store, "cart");
	cr_assert(image.wish.failures == 1 && image.wish.locked && image.wish.failed_boot_ms == 1105);
	fail_over(1200, ROP_EXPECT_REFUSED, "ERR no");
	fail_over(1300, ROP_EXPECT_SUPERSEDED, "not sent");
	image = image_of(store, "cart");
	cr_assert(image.wish.failures == 2 && !image.wish.locked && image.wish.failed_boot_ms == 1205);
	cr_assert_str_eq(image.wish.failure, "ERR no");
	end(id, ROP_WISH_FAILED, "twice", 1400);
	ask(2, 1500);
	cr_assert_eq(image_of(store, "cart").wish.failures, 0, "another one");
	rop_store_close(store);
}

Test(wish, those_that_came_about_come_back_the_newest_first)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	fail_over(500, ROP_EXPECT_EXPIRED, "not this one");
	for (int i = 0; i < ROP_HANDED_MAX + 2; i++)
		fail_over(1000 + 10 * i, ROP_EXPECT_MET, NULL);
	struct rop_image image = image_of(store, "cart");
	cr_assert_eq(image.handed.n, ROP_HANDED_MAX);
	cr_assert_eq(image.handed.at[0].boot_ms, 1005 + 10 * (ROP_HANDED_MAX + 1));
	cr_assert_gt(image.handed.at[0].boot_ms, image.handed.at[1].boot_ms);
	cr_assert_str_eq(image.handed.at[0].node, NODE_A);
	rop_store_close(store);
}

Test(wish, what_was_decided_for_one_that_is_taken_back_is_not_written)
{
	store = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t id = ask(2, 1000);
	struct rop_entry entry = entry_at(1001);
	entry.state = "HandOver";
	entry.check_pass = true;
	entry.after_pass = image_of(store, "cart").pass;
	entry.wish = id;
	struct rop_commit_request request = { .cluster = "cart", .entry = &entry };
	cr_assert(rop_store_commit_group(store, &request, 1, &err) && request.result == ROP_COMMIT_WRITTEN);
	entry.after_pass = entry.pass;
	struct rop_wish_end back = { .id = id, .status = ROP_WISH_WITHDRAWN };
	cr_assert(rop_store_withdraw(store, "cart", &back, 1002, &err));
	cr_assert(rop_store_commit_group(store, &request, 1, &err) && request.result == ROP_COMMIT_OUTDATED);
	entry.wish = 0;
	cr_assert(rop_store_commit_group(store, &request, 1, &err) && request.result == ROP_COMMIT_WRITTEN);
	rop_store_close(store);
}

Test(wish, history_shows_who_asked_and_what_became_of_it)
{
	struct rop_history_line *lines;
	size_t n;
	store = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t id = ask(2, 1000);
	end(id, ROP_WISH_FAILED, "3 attempts", 1500);
	cr_assert(rop_store_history(store, arena, "cart", 10, &lines, &n, &err) && n == 1, "%s", err.text);
	cr_assert(lines[0].wish && lines[0].deed == &lines[0].wish->by && lines[0].wall_ms == 1000);
	cr_assert_str_eq(lines[0].deed->user, "ada");
	cr_assert(lines[0].wish->status == ROP_WISH_FAILED && lines[0].wish->closed_wall_ms == 1500);
	rop_store_close(store);
}

Test(wish, who_polls_is_told_of_open_ones)
{
	struct rop_pause *told;
	size_t n;
	store = open_or_die(db_path, ROP_STORE_WRITE);
	cr_assert(rop_store_pause(store, "basket", 0, "ada", NULL, 1, &err));
	int64_t id = ask(2, 1000);
	cr_assert(rop_store_pauses(store, arena, &told, &n, &err) && n == 2);
	cr_assert(told[0].wish == 0 && strcmp(told[0].cluster, "basket") == 0);
	cr_assert(told[1].wish == id && strcmp(told[1].cluster, "cart") == 0);
	end(id, ROP_WISH_MET, NULL, 1001);
	cr_assert(rop_store_pauses(store, arena, &told, &n, &err) && n == 1);
	rop_store_close(store);
}

Test(wish, goes_with_its_cluster_and_old_ones_with_their_time)
{
	bool more;
	store = open_or_die(db_path, ROP_STORE_WRITE);
	for (int i = 0; i < 3; i++)
		end(ask(1, 1000 + i), ROP_WISH_MET, NULL, 1000 + i);
	int64_t open = ask(1, 1003);
	cr_assert(rop_store_forget_before(store, 1002, 1, &more, &err), "%s", err.text);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM wish"), 2);
	cr_assert(rop_store_forget_before(store, INT64_MAX, 1, &more, &err));
	cr_assert_eq(image_of(store, "cart").wish.id, open);
	cr_assert(rop_store_forget_cluster(store, "cart", &err), "%s", err.text);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM wish"), 0);
	rop_store_close(store);
}
