/* test_ledger.c - the ledger's own reader of replies, its slots, and its journal written and read again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../ledger/journal.h"
#include "../ledger/names.h"
#include "../ledger/resp.h"
#include "../ledger/slots.h"
#include "random.h"

/* ---- replies ------------------------------------------------------------------------------------------------- */

static const char REPLIES[] =
	"+OK\r\n-MOVED 5 127.0.0.1:7000\r\n:-42\r\n$5\r\na\r\nbc\r\n$-1\r\n$0\r\n\r\n*0\r\n*-1\r\n"
	"*3\r\n:1\r\n*2\r\n$1\r\nx\r\n*0\r\n+y\r\n";
enum { REPLIES_N = 9 };

Test(ledger, replies_are_found_whole_however_they_are_cut)
{
	size_t n = sizeof REPLIES - 1;
	for (size_t step = 1; step <= n; step++) {
		struct resp_scan scan = { 0 };
		for (size_t have = 0; have < n; have += step)
			cr_assert(resp_scan(&scan, REPLIES, have, REPLIES_N) && scan.whole < REPLIES_N);
		cr_assert(resp_scan(&scan, REPLIES, n, REPLIES_N));
		cr_assert_eq(scan.whole, REPLIES_N);
		cr_assert_eq(scan.at, n);
	}
}

Test(ledger, a_scan_stops_behind_the_replies_that_are_wanted)
{
	struct resp_scan scan = { 0 };
	cr_assert(resp_scan(&scan, REPLIES, sizeof REPLIES - 1, 2));
	cr_assert_eq(scan.whole, 2);
	cr_assert_eq(scan.at, strlen("+OK\r\n-MOVED 5 127.0.0.1:7000\r\n"));
}

Test(ledger, items_are_what_was_said)
{
	struct resp_cursor at = { REPLIES, REPLIES + sizeof REPLIES - 1 };
	struct resp_item item;
	cr_assert(resp_next(&at, &item) && resp_is(&item, RESP_SIMPLE, "OK"));
	cr_assert(resp_next(&at, &item) && resp_is(&item, RESP_ERROR, "MOVED 5 127.0.0.1:7000"));
	cr_assert(resp_next(&at, &item) && item.type == RESP_NUMBER && item.number == -42);
	cr_assert(resp_next(&at, &item) && resp_is(&item, RESP_BULK, "a\r\nbc"));
	cr_assert(resp_next(&at, &item) && item.type == RESP_NULL);
	cr_assert(resp_next(&at, &item) && resp_is(&item, RESP_BULK, ""));
	cr_assert(resp_next(&at, &item) && item.type == RESP_ARRAY && item.number == 0);
	cr_assert(resp_next(&at, &item) && item.type == RESP_NULL);
	struct resp_cursor again = at;
	cr_assert(resp_next(&at, &item) && item.type == RESP_ARRAY && item.number == 3);
	cr_assert(resp_next(&at, &item) && item.number == 1);
	cr_assert(resp_skip(&at));
	cr_assert(resp_next(&at, &item) && resp_is(&item, RESP_SIMPLE, "y"));
	cr_assert_not(resp_next(&at, &item));
	cr_assert(resp_skip(&again));
	cr_assert_eq(again.at, again.end);
	cr_assert_not(resp_skip(&again));
}

Test(ledger, what_is_no_reply_is_refused)
{
	static const char *const BAD[] = { "OK\r\n",
					   "+OK\n",
					   "$x\r\n",
					   "$-2\r\n",
					   "$2\r\nabc\r\n",
					   "*-5\r\n",
					   ":\r\n",
					   ":1x\r\n",
					   ":-\r\n",
					   "\r\n",
					   "%1\r\n",
					   "HTTP/1.1 400\r\n",
					   "$99999999999999999999\r\n",
					   "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct resp_scan scan = { 0 };
		cr_assert_not(resp_scan(&scan, BAD[i], strlen(BAD[i]), 1), "taken: %s", BAD[i]);
	}
}

Test(ledger, damaged_replies_never_read_beyond_their_end)
{
	uint64_t seed = 11;
	for (int round = 0; round < 20000; round++) {
		size_t n = 1 + random_below(&seed, sizeof REPLIES - 1);
		char *copy = malloc(n);
		struct resp_scan scan = { 0 };
		memcpy(copy, REPLIES, n);
		copy[random_below(&seed, n)] = (char)random_next(&seed);
		copy[random_below(&seed, n)] = "0123456789-*$:+\r\n"[random_below(&seed, 17)];
		if (resp_scan(&scan, copy, n, REPLIES_N)) {
			struct resp_cursor at = { copy, copy + scan.at };
			struct resp_item item;
			while (resp_next(&at, &item))
				;
			cr_assert(scan.at <= n);
		}
		free(copy);
	}
}

Test(ledger, commands_are_arrays_of_bulk_strings)
{
	static const char WIRE[] = "*3\r\n$3\r\nSET\r\n$0\r\n\r\n$10\r\n0123456789\r\n";
	struct text out = { 0 };
	RESP_COMMAND(&out, "SET", "", "0123456789");
	cr_assert_eq(out.n, sizeof WIRE - 1);
	cr_assert_arr_eq(out.at, WIRE, out.n);
	text_free(&out);
}

/* ---- slots --------------------------------------------------------------------------------------------------- */

static unsigned slot(const char *key)
{
	return slot_of(key, strlen(key));
}

Test(ledger, slots_are_those_of_the_specification)
{
	cr_assert_eq(slot("123456789"), 0x31c3); /* the CRC's check value */
	cr_assert_eq(slot(""), 0);
	cr_assert_eq(slot("foo"), 12182);
	cr_assert_eq(slot("bar"), 5061);
}

Test(ledger, a_hash_tag_stands_for_its_key)
{
	cr_assert_eq(slot("{user1000}.following"), slot("user1000"));
	cr_assert_eq(slot("a{user1000}"), slot("{user1000}b"));
	cr_assert_eq(slot("foo{{bar}}zap"), slot("{bar"));
	cr_assert_eq(slot("foo{bar}{zap}"), slot("bar"));
	cr_assert_neq(slot("foo{}{bar}"), slot("bar")); /* an empty one stands for nothing */
	cr_assert_neq(slot("foo{bar"), slot("bar"));
	cr_assert_neq(slot("}bar{"), slot("bar"));
}

Test(ledger, there_is_a_tag_for_each_slot)
{
	static uint32_t tags[SLOTS];
	slot_tags(tags);
	for (unsigned i = 0; i < SLOTS; i++) {
		char key[32];
		snprintf(key, sizeof key, "a:{%u}:b", tags[i]);
		cr_assert_eq(slot(key), i);
	}
}

Test(ledger, sets_of_slots)
{
	static const char *const BAD[] = { "", "a", "1-", "-1", "5-3", "16384", "1,", ",1", "1 2", "100000" };
	static struct slot_set set;
	cr_assert(slot_set_add(&set, "3-5,5,100"));
	cr_assert(slot_set_add(&set, "16383"));
	cr_assert_eq(set.n, 5);
	cr_assert_eq(slot_set_at(&set, 0), 3);
	cr_assert_eq(slot_set_at(&set, 3), 100);
	cr_assert_eq(slot_set_at(&set, 4), 16383);
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		cr_assert_not(slot_set_add(&set, BAD[i]), "taken: '%s'", BAD[i]);
	cr_assert_eq(set.n, 5);
}

/* ---- the journal --------------------------------------------------------------------------------------------- */

Test(ledger, a_line_is_read_as_it_was_written)
{
	struct entry written = { .outcome = UNKNOWN,
				 .kind = KIND_FLEETING,
				 .begin_us = 12345678901,
				 .end_us = 12345679999,
				 .slot = 16383,
				 .key = "L1:{7}:fleeting:3.9",
				 .worker = 3,
				 .number = 9,
				 .px_ms = 1500,
				 .detours = { [DETOUR_ASK] = 2, [DETOUR_TRYAGAIN] = 11 },
				 .node = "127.0.0.1:7000" };
	struct entry read;
	struct text line = { 0 };
	journal_print(&line, &written);
	cr_assert_eq(line.at[line.n - 1], '\n');
	line.at[line.n - 1] = '\0';
	cr_assert_str_eq(line.at, "unknown fleeting 12345678901 12345679999 16383 L1:{7}:fleeting:3.9 3:9 1500 "
				  "ask=2,tryagain=11 127.0.0.1:7000");
	cr_assert(journal_parse(line.at, &read));
	cr_assert(read.outcome == UNKNOWN && read.kind == KIND_FLEETING && read.slot == 16383);
	cr_assert(read.begin_us == written.begin_us && read.end_us == written.end_us && read.px_ms == 1500);
	cr_assert(read.worker == 3 && read.number == 9);
	cr_assert_str_eq(read.key, written.key);
	cr_assert_str_eq(read.node, written.node);
	cr_assert_arr_eq(read.detours, written.detours, sizeof read.detours);
	text_free(&line);
}

Test(ledger, what_is_no_line_is_refused)
{
	static const char *const BAD[] = {
		"",
		"acknowledged own 1 2 3 k 1:1 0 direct",
		"acknowledged own 1 2 3 k 1:1 0 direct n more",
		"granted own 1 2 3 k 1:1 0 direct n",
		"acknowledged hers 1 2 3 k 1:1 0 direct n",
		"acknowledged own x 2 3 k 1:1 0 direct n",
		"acknowledged own 1 2 16384 k 1:1 0 direct n",
		"acknowledged own 1 2 3 k 11 0 direct n",
		"acknowledged own 1 2 3 k 1:1x 0 direct n",
		"acknowledged own 1 2 3 k 1:1 0 asked=1 n",
	};
	struct entry entry;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		char line[80];
		snprintf(line, sizeof line, "%s", BAD[i]);
		cr_assert_not(journal_parse(line, &entry), "taken: %s", BAD[i]);
	}
}

Test(ledger, names_are_found_again)
{
	struct names names = { 0 };
	size_t at;
	cr_assert_not(names_find(&names, "0", 1, &at));
	for (unsigned round = 0; round < 2; round++)
		for (unsigned i = 0; i < 5000; i++) {
			char text[16];
			cr_assert_eq(names_add(&names, text, (size_t)snprintf(text, sizeof text, "%u", i)), i);
		}
	cr_assert(names_find(&names, "1234x", 4, &at) && at == 1234);
	cr_assert_not(names_find(&names, "1234x", 5, &at));
	cr_assert_eq(names.list.n, 5000);
	names_free(&names);
}
