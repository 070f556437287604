/* test_slot_counts.c - how many keys a node has of its open slots: asked of every database, and never taken for fewer.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "../../src/redis/slot_counts.h"
#include "world.h"

TestSuite(slot_counts, .init = world_setup, .fini = world_teardown);

#define LINE "aaaa 10.0.0.1:6379@16379 myself,master - 0 0 4 connected 0-99 "
#define OPEN "[30->-bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb] [40-<-cccccccccccccccccccccccccccccccccccccccc]\n"

static const char *setting = "cluster-databases", *databases;

static bool counts_of(const char *nodes, const char *n_databases, struct slot_counts *ret)
{
	static struct questions questions;
	static bool missing[1];
	questions = (struct questions){ .setting_names = &setting, .n_settings = 1 };
	databases = n_databases;
	missing[0] = !n_databases;
	struct rop_answer answer = { .cluster_nodes = nodes, .settings = &databases, .no_setting = missing };
	return slot_counts_new(pool, &questions, &answer, ret);
}

static void reply(struct slot_counts *counts, size_t i, int type, long long integer)
{
	redisReply r = { .type = type, .integer = integer };
	slot_counts_take(counts, i, &r);
}

static const int64_t *end(const struct slot_counts *counts)
{
	struct rop_answer answer = { 0 };
	slot_counts_end(counts, &answer);
	return answer.slot_keys;
}

Test(slot_counts, nothing_is_asked_where_no_slot_is_open)
{
	struct slot_counts counts;
	cr_assert_not(counts_of(LINE "\n", NULL, &counts));
	cr_assert_not(counts_of(LINE "\nbbbb 10.0.0.2:6379@16379 master - 0 0 4 connected " OPEN, NULL, &counts));
}

Test(slot_counts, each_open_slot_is_counted_and_none_has_none)
{
	struct slot_counts counts;
	cr_assert(counts_of(LINE OPEN, NULL, &counts));
	cr_assert_eq(counts.replies, 2);
	reply(&counts, 0, REDIS_REPLY_INTEGER, 0);
	reply(&counts, 1, REDIS_REPLY_INTEGER, 7);
	const int64_t *keys = end(&counts);
	cr_assert(keys[30] == 0 && keys[40] == 7 && keys[41] == ROP_COUNT_NOT_ASKED);
}

Test(slot_counts, the_databases_of_a_slot_are_added_up)
{
	struct slot_counts counts;
	cr_assert(counts_of(LINE OPEN, "2", &counts));
	cr_assert_eq(counts.replies, 7, "SELECT 0, two counts, SELECT 1, two counts, SELECT 0");
	for (size_t i = 0; i < 7; i++)
		reply(&counts, i, i % 3 ? REDIS_REPLY_INTEGER : REDIS_REPLY_STATUS, (long long)i);
	const int64_t *keys = end(&counts);
	cr_assert(keys[30] == 1 + 4 && keys[40] == 2 + 5, "%d %d", (int)keys[30], (int)keys[40]);
}

Test(slot_counts, what_is_refused_is_unknown_whatever_else_was_counted)
{
	struct slot_counts counts;
	cr_assert(counts_of(LINE OPEN, "2", &counts));
	reply(&counts, 1, REDIS_REPLY_ERROR, 0);
	reply(&counts, 2, REDIS_REPLY_INTEGER, 3);
	reply(&counts, 4, REDIS_REPLY_INTEGER, 5);
	const int64_t *keys = end(&counts);
	cr_assert(keys[30] == ROP_COUNT_UNKNOWN && keys[40] == 3);
	reply(&counts, 3, REDIS_REPLY_ERROR, 0);
	cr_assert_eq(end(&counts)[40], ROP_COUNT_UNKNOWN, "a database that cannot be selected may hold any");
}
