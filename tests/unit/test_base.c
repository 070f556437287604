/* test_base.c - durations, numbers, suggestions, texts, arenas, folders. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rop/err.h"
#include "rop/io.h"
#include "rop/mem.h"
#include "rop/text.h"

Test(base, durations_have_one_number_and_one_unit)
{
	static const struct {
		const char *text;
		int64_t ms;
	} GOOD[] = {
		{ "0s", 0 },       { "250ms", 250 },  { "5s", 5000 },
		{ "10m", 600000 }, { "1h", 3600000 }, { "720h", 2592000000 },
	};
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		int64_t ms = -1;
		cr_assert(rop_duration_parse(GOOD[i].text, &ms), "%s", GOOD[i].text);
		cr_assert_eq(ms, GOOD[i].ms);
	}
	static const char *const BAD[] = { "",    "5",    "s",   "-5s",  "5 s",
					   "5S",  "1.5s", "05s", "721h", "99999999999999999s",
					   "5ms5" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		int64_t ms = -1;
		cr_assert_not(rop_duration_parse(BAD[i], &ms), "%s", BAD[i]);
		cr_assert_eq(ms, -1, "a failed parse leaves its output alone");
	}
	char buf[24];
	cr_assert_str_eq(rop_duration_print(90000, buf, sizeof buf), "90s");
	cr_assert_str_eq(rop_duration_print(0, buf, sizeof buf), "0ms");
	cr_assert_str_eq(rop_duration_print(7200000, buf, sizeof buf), "2h");
}

Test(base, whole_numbers_only)
{
	int64_t v = -1;
	cr_assert(rop_int_parse("0", 0, 9, &v) && v == 0);
	cr_assert(rop_int_parse("16384", 0, 20000, &v) && v == 16384);
	cr_assert_not(rop_int_parse("012", 0, 99, &v));
	cr_assert_not(rop_int_parse("1e3", 0, 9999, &v));
	cr_assert_not(rop_int_parse("-1", -5, 5, &v));
	cr_assert_not(rop_int_parse("10", 0, 9, &v));
	cr_assert_not(rop_int_parse(NULL, 0, 9, &v));
	cr_assert(rop_int_parse("999999999999999999", 0, INT64_MAX, &v) && v == 999999999999999999);
	cr_assert_not(rop_int_parse("1000000000000000000", 0, INT64_MAX, &v),
		      "it fits, but not each of 19 digits does");
}

Test(base, suggests_what_was_meant)
{
	static const char *const KEYS[] = { "replicasPerShard", "shards", "nodes", "settings" };
	cr_assert_str_eq(rop_suggest("replicas_per_shard", KEYS, 4), "replicasPerShard");
	cr_assert_str_eq(rop_suggest("shard", KEYS, 4), "shards");
	cr_assert_str_eq(rop_suggest("Nodes", KEYS, 4), "nodes");
	static const char *const COMMANDS[] = { "plan", "pause" };
	cr_assert_str_eq(rop_suggest("plna", COMMANDS, 2), "plan", "two letters changed places");
	cr_assert_null(rop_suggest("lpna", COMMANDS, 2), "twice");
	cr_assert_null(rop_suggest("colour", KEYS, 4));
}

Test(base, of_a_long_list_the_first_are_named_and_the_rest_counted)
{
	static const char *const NAMES[] = { "a", "b", "c", "d" };
	static const char *const TEXTS[] = { "", "a", "a, b", "a, b and 1 more", "a, b and 2 more" };
	ROP_OWN_ARENA arena = rop_arena_new();
	for (size_t n = 0; n <= 4; n++)
		cr_assert_str_eq(rop_text_some(arena, NAMES, n, 2), TEXTS[n]);
}

Test(base, utf8_is_checked_to_the_letter)
{
	size_t at = 99;
	cr_assert(rop_utf8_valid("z\xc3\xbcrich \xe2\x82\xac \xf0\x9f\x98\x80", 16, &at));
	cr_assert_not(rop_utf8_valid("ab\xff", 3, &at));
	cr_assert_eq(at, 2);
	cr_assert_not(rop_utf8_valid("\xc0\xaf", 2, &at));
	cr_assert_not(rop_utf8_valid("\xed\xa0\x80", 3, &at));
	cr_assert_not(rop_utf8_valid("a\xe2\x82", 3, &at));
	cr_assert_eq(at, 1);
}

Test(base, an_error_gains_context_and_keeps_it)
{
	struct rop_err err = { 0 };
	cr_assert_not(rop_fail(&err, ROP_INVALID, "no fact called '%s'", "x"));
	cr_assert_not(rop_wrap(&err, "states/cluster.yaml:%d", 17));
	cr_assert_str_eq(err.text, "states/cluster.yaml:17: no fact called 'x'");
	cr_assert_eq(err.code, ROP_INVALID);
	for (int i = 0; i < 200; i++)
		rop_wrap(&err, "context number %d", i);
	cr_assert_eq(strncmp(err.text, "context number 199: context number 198", 38), 0);
}

Test(base, an_arena_hands_out_zeroed_memory_and_lists_grow)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	ROP_LIST(int) list = { 0 };
	for (int i = 0; i < 10000; i++)
		*rop_push(arena, &list) = i;
	cr_assert_eq(list.n, 10000);
	cr_assert_eq(list.at[9999], 9999);
	const char *big = rop_alloc(arena, 100000);
	for (int i = 0; i < 100000; i++)
		cr_assert_eq(big[i], 0);
	cr_assert_str_eq(rop_printf(arena, "%d-%s", 7, "x"), "7-x");
}

/* ---- folders and open files -------------------------------------------------------------------------------- */

Test(base, folders_are_made_private_whatever_the_umask_and_those_that_were_there_are_let_alone)
{
	char root[] = "/tmp/rop-base-XXXXXX", path[64], again[64];
	struct stat st;
	cr_assert(mkdtemp(root));
	cr_assert_eq(chmod(root, 0755), 0);
	mode_t before = umask(0377);
	snprintf(path, sizeof path, "%s/a/b", root);
	snprintf(again, sizeof again, "%s", path);
	cr_assert(rop_make_folders(path));
	cr_assert(rop_make_folders(again), "all of it is there already");
	umask(before);
	cr_assert_str_eq(path, again, "the path is whole again");
	cr_assert(stat(path, &st) == 0 && (st.st_mode & 07777) == 0700);
	cr_assert(stat(root, &st) == 0 && (st.st_mode & 07777) == 0755);
	rmdir(path);
	snprintf(path, sizeof path, "%s/a", root);
	rmdir(path);
	rmdir(root);
}

Test(base, of_folders_that_cannot_be_made_the_path_ends_with_the_first)
{
	char path[] = "/proc/no-such/folder";
	cr_assert_not(rop_make_folders(path));
	cr_assert_eq(errno, ENOENT);
	cr_assert_str_eq(path, "/proc/no-such");
}

Test(base, reads_on_until_the_end_or_until_there_is_no_more_room)
{
	int ends[2];
	char buf[8] = "";
	cr_assert_eq(pipe(ends), 0);
	pid_t child = fork();
	if (child == 0) { /* says it in two pieces */
		bool said = write(ends[1], "abc", 3) == 3 && usleep(20000) == 0 && write(ends[1], "def", 3) == 3;
		_exit(!said);
	}
	close(ends[1]);
	cr_assert_eq(rop_read_all(ends[0], buf, 4), 4);
	cr_assert_arr_eq(buf, "abcd", 4);
	cr_assert_eq(rop_read_all(ends[0], buf, sizeof buf), 2, "and the end");
	cr_assert_eq(rop_read_all(ends[0], buf, sizeof buf), 0);
	cr_assert_eq(waitpid(child, NULL, 0), child);
	close(ends[0]);
	cr_assert_eq(rop_read_all(ends[0], buf, sizeof buf), -1);
	cr_assert_eq(errno, EBADF);
}

static const char *wrapped(const char *text, size_t indent, size_t width)
{
	static char kept[400];
	ROP_OWN_TEXT out = { 0 };
	rop_text_wrap(&out, text, indent, width);
	snprintf(kept, sizeof kept, "%s", out.n ? out.at : "");
	return kept;
}

Test(wrap, lines_are_broken_at_blanks_and_never_inside_of_a_word)
{
	cr_assert_str_eq(wrapped("", 2, 10), "");
	cr_assert_str_eq(wrapped("one two three", 2, 13), "one two three");
	cr_assert_str_eq(wrapped("one two three", 2, 12), "one two\n  three");
	cr_assert_str_eq(wrapped("one  two", 0, 20), "one  two", "room between words stays");
	cr_assert_str_eq(wrapped("127.0.0.1:7000 x", 1, 5), "127.0.0.1:7000\n x");
	cr_assert_str_eq(wrapped("a\nb c", 2, 5), "a\n  b c", "its own ends of line stay");
	cr_assert_str_eq(wrapped("  word  text goes on", 0, 16), "  word  text\n        goes on", "below its text");
	cr_assert_str_eq(wrapped("\033[1mab\033[0m cd", 0, 5), "\033[1mab\033[0m cd", "colours take no room");
	cr_assert_str_eq(wrapped("\u00fc\u00fc \u00fc", 0, 4), "\u00fc\u00fc \u00fc", "characters count, not bytes");
}

Test(wrap, a_command_is_not_broken)
{
	cr_assert_str_eq(wrapped("say `CONFIG SET a b` on it", 2, 10), "say\n  `CONFIG SET a b`\n  on it");
	cr_assert_str_eq(wrapped("gone: `redis-cli -p 7 cluster forget a`", 0, 40),
			 "gone: `redis-cli -p 7 cluster forget a`", "what fits stays as it is");
	cr_assert_str_eq(wrapped("  -> if gone: `redis-cli -p 7 forget a`; else wait", 3, 30),
			 "  -> if gone:\n       redis-cli -p 7 forget a\n     else wait");
	cr_assert_str_eq(wrapped("  -> if gone: `redis-cli -p 7 forget abc`.", 3, 24),
			 "  -> if gone:\n    redis-cli -p 7 forget abc", "too long for any place");
	cr_assert_str_eq(wrapped("error: unknown command `redis-cli and", 2, 30),
			 "error: unknown command\n  `redis-cli and", "nothing ends it");
}

Test(wrap, a_command_that_stands_alone_stays_so)
{
	ROP_OWN_TEXT out = { 0 };
	rop_text_wrap_lines(&out, "  -> if gone:\n    redis-cli -p 7 forget abc\n    and wait for all of it\n", 2, 20);
	cr_assert_str_eq(out.at, "  -> if gone:\n    redis-cli -p 7 forget abc\n    and wait for all\n      of it\n");
}

Test(wrap, wide_characters_take_two_columns_from_the_first_one_on)
{
	cr_assert_eq(rop_text_fits("\u10ff\u10ffa", 4), strlen("\u10ff\u10ffa"));
	cr_assert_eq(rop_text_fits("\u1100a", 4), strlen("\u1100a"));
	cr_assert_eq(rop_text_fits("\u1100a", 3), strlen("\u1100"));
	cr_assert_eq(rop_text_fits("\u1100a", 2), 0);
	cr_assert_eq(rop_text_fits("a\u6f22\u5b57", 5), strlen("a\u6f22"));
}

Test(wrap, of_lines_only_the_long_ones_change)
{
	ROP_OWN_TEXT out = { 0 };
	rop_text_wrap_lines(&out, "short\n\n  - a long line\nlast", 2, 10);
	cr_assert_str_eq(out.at, "short\n\n  - a long\n    line\nlast");
}

Test(wrap, a_line_that_is_written_over_leaves_the_last_column_free)
{
	cr_assert_eq(rop_text_fits("abcdef", 7), 6);
	cr_assert_eq(rop_text_fits("abcdef", 6), 5);
}

Test(duration, what_is_left_is_told_as_exactly_as_it_matters)
{
	char buf[24];
	cr_assert_str_eq(rop_duration_about(1, buf, sizeof buf), "1 s");
	cr_assert_str_eq(rop_duration_about(90000, buf, sizeof buf), "90 s");
	cr_assert_str_eq(rop_duration_about(7196000, buf, sizeof buf), "120 min");
	cr_assert_str_eq(rop_duration_about(7100000, buf, sizeof buf), "119 min");
}
