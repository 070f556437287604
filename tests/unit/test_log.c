/* test_log.c - facts as lines: what is quoted, what is replaced, one write for each. */
#include <criterion/criterion.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "rop/log.h"
#include "rop/text.h"

/* What stderr gets while `sink` is called: a datagram for each write, so that writes are told apart. */
static int stderr_before, catcher = -1;

static void catch_begin(void)
{
	int pair[2];
	cr_assert_eq(socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), 0);
	stderr_before = dup(STDERR_FILENO);
	dup2(pair[1], STDERR_FILENO);
	close(pair[1]);
	catcher = pair[0];
}

/* The first write; the others must not be. "": nothing was written. */
static const char *catch_end(void)
{
	static char line[65536];
	char more[16];
	dup2(stderr_before, STDERR_FILENO);
	close(stderr_before);
	ssize_t n = recv(catcher, line, sizeof line - 1, MSG_DONTWAIT);
	cr_assert_leq(recv(catcher, more, sizeof more, MSG_DONTWAIT), 0, "a line is one write");
	close(catcher);
	line[n > 0 ? n : 0] = '\0';
	return line;
}

static const char *logfmt(const char *message, const struct rop_log_field *fields, size_t n)
{
	catch_begin();
	rop_log_logfmt(ROP_LOG_INFO, message, fields, n);
	return catch_end();
}

static const char *json(const char *message, const struct rop_log_field *fields, size_t n)
{
	catch_begin();
	rop_log_json(ROP_LOG_ERROR, message, fields, n);
	return catch_end();
}

Test(log, a_fact_is_one_line_of_logfmt)
{
	cr_assert_str_eq(logfmt("Verify -> AssignSlots",
				ROP_FIELDS({ "cluster", "cart" }, { "from", "Verify" }, { "node", NULL },
					   { "why", "all 6 views agree" }, { "row", "" })),
			 "level=info cluster=cart from=Verify why=\"all 6 views agree\" row=\"\" msg=\"Verify -> "
			 "AssignSlots\"\n");
	cr_assert_str_eq(logfmt("started", NULL, 0), "level=info msg=started\n");
}

Test(log, logfmt_quotes_what_would_break_a_line)
{
	static const struct {
		const char *value, *shown;
	} CASES[] = {
		{ "a=b", "\"a=b\"" },
		{ "say \"no\"", "\"say \\\"no\\\"\"" },
		{ "c:\\x", "\"c:\\\\x\"" },
		{ "a\nb", "\"a\\nb\"" },
		{ "a\tb\r", "\"a\\u0009b\\u000d\"" },
		{ "\x1b[31m", "\"\\u001b[31m\"" },
		{ "\x7f", "\"\\u007f\"" },
		{ "\xc2\x9b"
		  "31m",
		  "\"\\u009b31m\"" },
		{ "k\xc3\xa4se", "k\xc3\xa4se" },
		{ "\xc2\xa0", "\xc2\xa0" },
		{ "\xe6\x97\xa5\xf0\x9f\x90\xb3", "\xe6\x97\xa5\xf0\x9f\x90\xb3" },
		{ "a\xff", "\"a\xef\xbf\xbd\"" },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		char wanted[128];
		snprintf(wanted, sizeof wanted, "level=info why=%s msg=m\n", CASES[i].shown);
		cr_expect_str_eq(logfmt("m", ROP_FIELDS({ "why", CASES[i].value })), wanted);
	}
}

Test(log, a_fact_is_one_object_of_json)
{
	cr_assert_str_eq(json("it's \"over\"",
			      ROP_FIELDS({ "cluster", "cart" }, { "node", NULL }, { "why", "a\\b\n" })),
			 "{\"level\":\"error\",\"cluster\":\"cart\",\"why\":\"a\\\\b\\n\",\"msg\":\"it's "
			 "\\\"over\\\"\"}\n");
}

static void must_be_json(const char *value)
{
	json_error_t error;
	const char *line = json(value, ROP_FIELDS({ "error", value }));
	cr_assert_eq(strcspn(line, "\n"), strlen(line) - 1, "one line");
	json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
	cr_assert_not_null(object, "%s: %s", error.text, line);
	size_t bad;
	if (rop_utf8_valid(value, strlen(value), &bad)) {
		cr_assert_str_eq(json_string_value(json_object_get(object, "error")), value);
		cr_assert_str_eq(json_string_value(json_object_get(object, "msg")), value);
	}
	json_decref(object);
}

Test(log, whatever_the_bytes_it_is_json)
{
	static const char *const ODD[] = {
		"\xff",         "a\x80z",           "\xc3",     "\xe2\x82",     "\xf0\x9f\x90", "\xc0\xaf",
		"\xed\xa0\x80", "\xf5\x80\x80\x80", "\xc2\x80", "\xe2\x80\xa8", "\x01\x1f\x7f", "\xef\xbb\xbf",
		"\xe2\x82\"",   "\xf0\"\"\"",
	};
	for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++)
		must_be_json(ODD[i]);
	unsigned seed = 4711;
	for (int round = 0; round < 2000; round++) {
		char bytes[24];
		for (size_t i = 0; i < sizeof bytes; i++) {
			seed = seed * 1103515245u + 12345u;
			bytes[i] = (char)(1 + (seed >> 16) % 255);
		}
		bytes[(seed >> 8) % sizeof bytes] = '\0';
		must_be_json(bytes);
	}
}

Test(log, each_bad_byte_is_replaced_and_its_neighbours_stay)
{
	cr_assert_str_eq(json("m", ROP_FIELDS({ "e", "a\xe2\x82z" })), "{\"level\":\"error\",\"e\":"
								       "\"a\xef\xbf\xbd\xef\xbf\xbdz\",\"msg\":\"m\"}"
								       "\n");
}

/* Longer than any buffer of stdio. */
Test(log, a_long_line_is_one_write_too)
{
	static char text[30001];
	memset(text, 'x', sizeof text - 1);
	cr_assert_eq(strlen(json(text, NULL, 0)), strlen(text) + strlen("{\"level\":\"error\",\"msg\":\"\"}\n"));
	cr_assert_eq(strlen(logfmt(text, NULL, 0)), strlen(text) + strlen("level=info msg=\n"));
}

static int calls;
static void count_call(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	cr_assert_eq(level, ROP_LOG_WARN);
	cr_assert_str_eq(message, "m");
	cr_assert_str_eq(fields[1].value, "b");
	cr_assert_eq(n, 2);
	calls++;
}

Test(log, a_sink_gets_what_the_level_lets_through)
{
	rop_log_set_sink(count_call);
	rop_log_set_level(ROP_LOG_ERROR);
	cr_assert_not(rop_log_wants(ROP_LOG_WARN));
	rop_log(ROP_LOG_WARN, "m", ROP_FIELDS({ "x", "a" }, { "y", "b" }));
	cr_assert_eq(calls, 0);
	rop_log_set_level(ROP_LOG_WARN);
	cr_assert(rop_log_wants(ROP_LOG_WARN) && rop_log_wants(ROP_LOG_ERROR) && !rop_log_wants(ROP_LOG_INFO));
	rop_log(ROP_LOG_WARN, "m", ROP_FIELDS({ "x", "a" }, { "y", "b" }));
	cr_assert_eq(calls, 1);
}

Test(log, names_are_found_again)
{
	for (int level = 0; level < ROP_LOG_LEVELS_N; level++)
		cr_assert_eq(rop_log_level_find(rop_log_level_name((enum rop_log_level)level)), level);
	cr_assert_eq(rop_log_level_find("Info"), -1);
	cr_assert_eq(rop_log_level_find(""), -1);
	cr_assert_eq(rop_log_format_find("auto"), ROP_LOG_AUTO);
	cr_assert_eq(rop_log_format_find("logfmt"), ROP_LOG_LOGFMT);
	cr_assert_eq(rop_log_format_find("json"), ROP_LOG_JSON);
	cr_assert_eq(rop_log_format_find("text"), -1);
}

/* What cannot be written is lost; nobody goes round for ever over it. */
Test(log, without_a_place_to_write_to_a_fact_is_lost, .timeout = 10)
{
	int before = dup(STDERR_FILENO), ends[2];
	close(STDERR_FILENO);
	rop_log_logfmt(ROP_LOG_INFO, "x", NULL, 0);
	rop_log_json(ROP_LOG_INFO, "x", NULL, 0);
	cr_assert_eq(pipe(ends), 0);
	dup2(open("/dev/full", O_WRONLY), STDERR_FILENO);
	rop_log_logfmt(ROP_LOG_INFO, "x", NULL, 0);
	dup2(before, STDERR_FILENO);
}

static int64_t a_moment(void)
{
	return 1772366467123;
}

Test(log, who_reads_it_later_is_told_when)
{
	rop_log_set_clock(a_moment);
	cr_assert_str_eq(logfmt("started", NULL, 0), "time=2026-03-01T12:01:07.123Z level=info msg=started\n");
	cr_assert_str_eq(json("m", NULL, 0),
			 "{\"time\":\"2026-03-01T12:01:07.123Z\",\"level\":\"error\",\"msg\":\"m\"}\n");
	rop_log_set_clock(NULL);
	cr_assert_str_eq(logfmt("started", NULL, 0), "level=info msg=started\n");
}
