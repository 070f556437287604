/* test_daemon_config.c - the daemon's configuration: what it sets, and every mistake with its line. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rop/config.h"

static struct rop_arena *arena;
static struct rop_text errors;
static struct rop_config config;
static char folder[256];

static void setup(void)
{
	const char *tmp = getenv("TMPDIR");
	arena = rop_arena_new();
	snprintf(folder, sizeof folder, "%s/rop-daemon-XXXXXX", tmp ? tmp : "/tmp");
	cr_assert_not_null(mkdtemp(folder));
}

static void teardown(void)
{
	DIR *dir = opendir(folder);
	for (struct dirent *e; dir && (e = readdir(dir));)
		if (e->d_name[0] != '.')
			unlink(rop_printf(arena, "%s/%s", folder, e->d_name));
	if (dir)
		closedir(dir);
	rmdir(folder);
	rop_text_done(&errors);
	rop_arena_free(arena);
}

TestSuite(daemon_config, .init = setup, .fini = teardown);

static const char *in_folder(const char *name)
{
	return rop_printf(arena, "%s/%s", folder, name);
}

static bool load_bytes(const char *bytes, size_t n)
{
	const char *path = in_folder("c");
	FILE *f = fopen(path, "w");
	cr_assert_not_null(f);
	cr_assert_eq(fwrite(bytes, 1, n, f), n);
	fclose(f);
	rop_text_done(&errors);
	errors = (struct rop_text){ 0 };
	memset(&config, 0x5a, sizeof config);
	bool ok = rop_config_load(arena, path, NULL, &config, &errors);
	struct rop_config untouched;
	memset(&untouched, 0x5a, sizeof untouched);
	cr_assert_eq(ok, errors.n == 0);
	cr_assert(ok || memcmp(&config, &untouched, sizeof config) == 0, "a failure leaves the configuration alone");
	return ok;
}

static bool load(const char *text)
{
	return load_bytes(text, strlen(text));
}

static void must_equal(const struct rop_config *a, const struct rop_config *b)
{
	cr_assert_str_eq(a->state, b->state);
	cr_assert_str_eq(a->clusters, b->clusters);
	cr_assert_str_eq(a->machines, b->machines);
	cr_assert_eq(a->interval_ms, b->interval_ms);
	cr_assert_eq(a->connect_timeout_ms, b->connect_timeout_ms);
	cr_assert_eq(a->command_timeout_ms, b->command_timeout_ms);
	cr_assert_eq(a->concurrency, b->concurrency);
	cr_assert_eq(a->log_level, b->log_level);
	cr_assert_eq(a->log_format, b->log_format);
}

Test(daemon_config, the_defaults_are_those_of_the_contract)
{
	rop_config_defaults(&config);
	must_equal(&config, &(struct rop_config){
				    .state = "/var/lib/redis-operator/state.db",
				    .clusters = "/etc/redis-operator/clusters.d",
				    .machines = "",
				    .interval_ms = 5000,
				    .connect_timeout_ms = 2000,
				    .command_timeout_ms = 5000,
				    .concurrency = 256,
				    .log_level = ROP_LOG_INFO,
				    .log_format = ROP_LOG_AUTO,
			    });
}

/* Each key of the example changed alone must change the configuration: so the example has every key, at its default. */
Test(daemon_config, the_example_has_every_key_at_its_default)
{
	static const char *const KEYS[] = { "state",          "clusters",    "machines", "interval", "connectTimeout",
					    "commandTimeout", "concurrency", "level",    "format" };
	const char *path = TOP_SRCDIR "/examples/redis-operator.conf";
	struct rop_config defaults;
	static char text[8192];
	rop_config_defaults(&defaults);
	cr_assert(rop_config_load(arena, path, NULL, &config, &errors), "%s", errors.at);
	must_equal(&config, &defaults);
	FILE *f = fopen(path, "r");
	cr_assert_not_null(f);
	cr_assert_lt(fread(text, 1, sizeof text - 1, f), sizeof text - 1);
	fclose(f);
	for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
		char *at = strstr(text, rop_printf(arena, "\n%s = ", KEYS[i]));
		at = at ? at : strstr(text, rop_printf(arena, "\n\t%s = ", KEYS[i]));
		cr_assert_not_null(at, "%s", KEYS[i]);
		char *name = strstr(at, KEYS[i]), first = *name;
		*name = 'X';
		cr_assert_not(load(text), "%s is not a setting there", KEYS[i]);
		*name = first;
	}
}

Test(daemon_config, every_key_arrives)
{
	cr_assert(load("# all\nstate = \"/s/x.db\"; clusters : \"/c\"\nmachines=\"/m\", interval = \"100ms\";\r\n"
		       "/* connectTimeout = \"9s\"; */ connectTimeout = \"10ms\"; commandTimeout = \"10m\";\n"
		       "concurrency = 65536; // most\nlog : { format = \"json\"; level = \"debug\" }\n"),
		  "%s", errors.at);
	must_equal(&config, &(struct rop_config){
				    .state = "/s/x.db",
				    .clusters = "/c",
				    .machines = "/m",
				    .interval_ms = 100,
				    .connect_timeout_ms = 10,
				    .command_timeout_ms = 600000,
				    .concurrency = 65536,
				    .log_level = ROP_LOG_DEBUG,
				    .log_format = ROP_LOG_JSON,
			    });
}

Test(daemon_config, what_is_not_said_keeps_its_default)
{
	struct rop_config defaults;
	static const char *const EMPTY[] = { "", "\n", "# nothing\n", "log = { };\n",
					     "\xef\xbb\xbf# from an editor\n" };
	rop_config_defaults(&defaults);
	for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; i++) {
		cr_assert(load(EMPTY[i]), "%zu: %s", i, errors.at);
		must_equal(&config, &defaults);
	}
	cr_assert(load("log = { level = \"error\"; };"));
	cr_assert_eq(config.log_level, ROP_LOG_ERROR);
	cr_assert_eq(config.log_format, ROP_LOG_AUTO);
	cr_assert(load("concurrency = 0x10; machines = \"\";"), "%s", errors.at);
	cr_assert_eq(config.concurrency, 16);
}

Test(daemon_config, relative_paths_begin_at_the_file)
{
	char *real = realpath(folder, NULL);
	cr_assert(load("state = \"state.db\"; clusters = \"./clusters.d\";"), "%s", errors.at);
	cr_assert_str_eq(config.state, rop_printf(arena, "%s/state.db", real));
	cr_assert_str_eq(config.clusters, rop_printf(arena, "%s/./clusters.d", real));
	cr_assert_str_eq(config.machines, "");
	cr_assert(load("state = \"s\"; clusters = \"c\"; machines = \"m\";"), "%s", errors.at);
	cr_assert_str_eq(config.state, rop_printf(arena, "%s/s", real), "one letter is a name");
	cr_assert_str_eq(config.clusters, rop_printf(arena, "%s/c", real));
	cr_assert_str_eq(config.machines, rop_printf(arena, "%s/m", real));
	free(real);
}

/* The one complaint, without its path. */
static void must_say(const char *text, const char *wanted)
{
	cr_assert_not(load(text), "accepted: %s", text);
	const char *line = rop_printf(arena, "%s%s\n", in_folder("c"), wanted);
	cr_expect_str_eq(errors.at, line, "of:     %s\ngot:    %swanted: %s", text, errors.at, line);
}

#define A_DURATION "a duration from 100ms to 1h in double quotes, like \"5s\""
#define A_TIMEOUT "a duration from 10ms to 10m in double quotes, like \"2s\""
#define A_COUNT "a whole number from 1 to 65536"

Test(daemon_config, one_mistake_is_one_sentence)
{
	static const struct {
		const char *text, *wanted;
	} CASES[] = {
		{ "\n\ninterval_ms = 3;", ":3: error: unknown key 'interval_ms' (did you mean 'interval'?)" },
		{ "connect_timeout = \"2s\";", ":1: error: unknown key 'connect_timeout' (did you mean "
					       "'connectTimeout'?)" },
		{ "log = {\n\n levl = \"info\"; };", ":3: error: unknown key 'log.levl' (did you mean 'level'?)" },
		{ "level = \"info\";", ":1: error: unknown key 'level' (its name is 'log.level')" },
		{ "log = { concurrency = 3; };", ":1: error: unknown key 'log.concurrency' (its name is "
						 "'concurrency')" },
		{ "log = { zzz = 3; };", ":1: error: unknown key 'log.zzz' (known here: level, format)" },
		{ "zzz = 3;", ":1: error: unknown key 'zzz' (known here: state, clusters, machines, interval, "
			      "connectTimeout, commandTimeout, concurrency, log)" },
		{ "interval = 5;", ":1: error: 'interval' must be " A_DURATION ", not a number" },
		{ "interval = \"5\";", ":1: error: 'interval' must be " A_DURATION ", not \"5\"" },
		{ "interval = \"99ms\";", ":1: error: 'interval' must be " A_DURATION ", not \"99ms\"" },
		{ "interval = \"61m\";", ":1: error: 'interval' must be " A_DURATION ", not \"61m\"" },
		{ "interval = \"\";", ":1: error: 'interval' must be " A_DURATION ", not \"\"" },
		{ "interval = { };", ":1: error: 'interval' must be " A_DURATION ", not a group" },
		{ "interval = [ \"5s\" ];", ":1: error: 'interval' must be " A_DURATION ", not a list" },
		{ "connectTimeout = \"9ms\";", ":1: error: 'connectTimeout' must be " A_TIMEOUT ", not \"9ms\"" },
		{ "commandTimeout = \"9ms\";",
		  ":1: error: 'commandTimeout' must be a duration from 10ms to 10m in double "
		  "quotes, like \"5s\", not \"9ms\"" },
		{ "connectTimeout = \"11m\";", ":1: error: 'connectTimeout' must be " A_TIMEOUT ", not \"11m\"" },
		{ "concurrency = 0;", ":1: error: 'concurrency' must be " A_COUNT ", not 0" },
		{ "concurrency = -1;", ":1: error: 'concurrency' must be " A_COUNT ", not -1" },
		{ "concurrency = 65537;", ":1: error: 'concurrency' must be " A_COUNT ", not 65537" },
		{ "concurrency = 70000L;", ":1: error: 'concurrency' must be " A_COUNT ", not 70000" },
		{ "concurrency =\n 4294967297;", ":2: error: the number 4294967297 has too many digits" },
		{ "concurrency = 4294967552L;", ":1: error: the number 4294967552L has too many digits" },
		{ "concurrency=0x100000100;", ":1: error: the number 0x100000100 has too many digits" },
		{ "concurrency = \"256\";", ":1: error: 'concurrency' must be " A_COUNT ", not a text" },
		{ "concurrency = 2.5;", ":1: error: 'concurrency' must be " A_COUNT ", not a number" },
		{ "state = true;", ":1: error: 'state' must be a path in double quotes, not a boolean" },
		{ "state = \"\";", ":1: error: 'state' must be a path in double quotes, at most 4000 bytes and without "
				   "control characters" },
		{ "clusters = \"/a\\n/b\";", ":1: error: 'clusters' must be a path in double quotes, at most 4000 "
					     "bytes and without control characters" },
		{ "machines = ();", ":1: error: 'machines' must be a path in double quotes, or \"\", not a list" },
		{ "log = \"info\";", ":1: error: 'log' must be a group: log = { ... };, not a text" },
		{ "log = { level = \"warning\"; };", ":1: error: 'log.level' must be one of \"error\" \"warn\" "
						     "\"info\" \"debug\", not \"warning\"" },
		{ "log = { level = \"Info\"; };", ":1: error: 'log.level' must be one of \"error\" \"warn\" \"info\" "
						  "\"debug\", not \"Info\" (did you mean \"info\"?)" },
		{ "log = { format = 1; };", ":1: error: 'log.format' must be one of \"auto\" \"logfmt\" \"json\", not "
					    "a number" },
		{ "# x\n@include \"/etc/passwd\"\n", ":2: error: @include is not supported: the configuration is one "
						     "file" },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
		must_say(CASES[i].text, CASES[i].wanted);
}

static void must_have(const char *part)
{
	cr_assert(strstr(errors.at, part), "wanted: %s\ngot:    %s", part, errors.at);
}

Test(daemon_config, all_mistakes_are_said_in_one_run_by_line)
{
	cr_assert_not(load("concurency = 3;\nlog = {\n level = \"loud\";\n x = 1; };\n@include \"y\"\ninterval = "
			   "5;\nstate = ;\n"
			   "clusters = 3;\n"));
	static const char *const STARTS[] = { ":1: error: unknown key 'concurency'",
					      ":3: error: 'log.level'",
					      ":4: error: unknown key 'log.x'",
					      ":5: error: @include",
					      ":6: error: 'interval'",
					      ":7: error: syntax error" };
	const char *at = errors.at;
	for (size_t i = 0; i < sizeof STARTS / sizeof *STARTS; i++) {
		const char *start = rop_printf(arena, "%s%s", in_folder("c"), STARTS[i]);
		cr_assert_eq(strncmp(at, start, strlen(start)), 0, "wanted %s, got %s", start, at);
		at = strchr(at, '\n') + 1;
	}
	cr_assert_str_eq(at, "", "after its syntax error libconfig reads no further");
}

Test(daemon_config, syntax_errors_have_their_line)
{
	static const struct {
		const char *text, *wanted;
	} CASES[] = {
		{ "state = \"/x\";\n\ninterval \"5s\";\n", ":3: error: syntax error" },
		{ "\ninterval = 5s;\n", ":2: error: syntax error" },
		{ "log = {\n level = \"info\";\n", ":3: error: syntax error" },
		{ "\nstate = \"/x;\n", ": error: syntax error" },
		{ "interval = \"5s\";\ninterval = \"6s\";\n", ":2: error: duplicate setting name" },
		{ "log = { };\nlog = { };\n", ":2: error: duplicate setting name" },
	};
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		cr_assert_not(load(CASES[i].text), "accepted: %s", CASES[i].text);
		must_have(CASES[i].wanted);
	}
}

Test(daemon_config, an_include_is_one_only_where_libconfig_sees_one)
{
	cr_assert(load("# @include \"x\"\n// @include \"x\"\n/*\n@include \"x\"\n*/ state = \"/a@include\\\"@b\"; # "
		       "\"\n"
		       "clusters = \"/c\";\n"),
		  "%s", errors.at);
	cr_assert_str_eq(config.state, "/a@include\"@b");
	cr_assert_not(load("/* \" */\n@include \"/dev/null\"\nstate = 1;"));
	must_have(":2: error: @include is not supported");
	must_have(":3: error: 'state'");
	cr_assert_not(load("state = \"a\\\\\";\n  @include \"/dev/null\"\n"));
	must_have(":2: error: @include is not supported");
}

/* Digits in names, texts and comments are no numbers. */
Test(daemon_config, digits_elsewhere_are_let_be)
{
	cr_assert(load("# 4294967297\nstate = \"/4294967297\"; concurrency = 000000256;"), "%s", errors.at);
	cr_assert_str_eq(config.state, "/4294967297");
	cr_assert_eq(config.concurrency, 256);
	must_say("a4294967297-1234567890 = 1;", ":1: error: unknown key 'a4294967297-1234567890' (known here: state, "
						"clusters, machines, interval, connectTimeout, commandTimeout, "
						"concurrency, log)");
}

Test(daemon_config, only_text_is_read)
{
	static const char nul[] = "state = \"/a\";\n\0clusters = 3;\n";
	cr_assert_not(load_bytes(nul, sizeof nul - 1));
	must_have(":2: error: the file holds a NUL byte");
	cr_assert_not(load("\nstate = \"/\xff\";"));
	must_have(":2: error: byte 0xff is not valid UTF-8");
	cr_assert_not(load("state = \"/a\xe2\x80\xae\";"));
	must_have(":1: error: hidden character U+202E");
}

Test(daemon_config, a_missing_file_is_an_error_where_it_was_named)
{
	struct rop_config defaults;
	const char *path = in_folder("gone.conf");
	bool missing = false;
	rop_config_defaults(&defaults);
	cr_assert(rop_config_load(arena, path, &missing, &config, &errors), "%s", errors.at);
	cr_assert(missing);
	must_equal(&config, &defaults);
	cr_assert_eq(errors.n, 0);
	cr_assert_not(rop_config_load(arena, path, NULL, &config, &errors));
	cr_assert_str_eq(errors.at,
			 rop_printf(arena, "%s: error: cannot read the file: No such file or directory\n", path));
	missing = true;
	cr_assert(load("") && rop_config_load(arena, in_folder("c"), &missing, &config, &errors));
	cr_assert_not(missing);
}

Test(daemon_config, what_cannot_be_read_is_not_missing)
{
	bool missing = true;
	cr_assert_not(rop_config_load(arena, folder, &missing, &config, &errors));
	cr_assert_not(missing);
	must_have(": error: is a directory");
	cr_assert_eq(symlink("nowhere", in_folder("link")), 0);
	missing = true;
	cr_assert_not(rop_config_load(arena, in_folder("link"), &missing, &config, &errors));
	cr_assert_not(missing);
	must_have("link: error: cannot read the file");
}

/* Any byte changed: an answer, never a crash (the sanitizers watch). */
Test(daemon_config, damaged_files_do_no_harm)
{
	static char text[8192], damaged[8192];
	FILE *f = fopen(TOP_SRCDIR "/examples/redis-operator.conf", "r");
	size_t n = fread(text, 1, sizeof text, f);
	fclose(f);
	unsigned seed = 4711;
	for (int round = 0; round < 2000; round++) {
		memcpy(damaged, text, n);
		for (int k = 0; k < 1 + round % 5; k++) {
			seed = seed * 1103515245u + 12345u;
			damaged[(seed >> 8) % n] = "\n\t ={}[]()\"#/*@;,\\-0xL\xff"[(seed >> 24) % 24];
		}
		load_bytes(damaged, n - (size_t)round % 9);
	}
}

Test(daemon_config, deep_nesting_is_a_syntax_error_at_worst)
{
	ROP_OWN_TEXT text = { 0 };
	for (int i = 0; i < 200000; i++)
		rop_text_put(&text, "a:{", 3);
	cr_assert_not(load(text.at));
}
