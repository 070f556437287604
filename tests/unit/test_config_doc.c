/* test_config_doc.c - the YAML reader: its trees, its limits, and how diagnostics look. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../../src/config/documents.h"
#include "rop/doc.h"
#include "rop/topology.h"

#define MIB ((size_t)1 << 20)

#if defined(__SANITIZE_ADDRESS__)
#define SLOWER 10
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SLOWER 10
#endif
#endif
#ifndef SLOWER
#define SLOWER 1
#endif

static struct rop_arena *arena;
static struct rop_diags diags;

static void setup(void)
{
	arena = rop_arena_new();
	rop_diags_init(&diags, arena);
}

static void teardown(void)
{
	rop_arena_free(arena);
}

TestSuite(config_doc, .init = setup, .fini = teardown);

static struct rop_doc *parse_n(const char *text, size_t n)
{
	struct rop_doc *doc = NULL;
	rop_diags_init(&diags, arena);
	bool ok = rop_doc_parse(arena, "t.yaml", text, n, &diags, &doc);
	cr_assert_eq(ok, diags.errors == 0);
	cr_assert_eq(ok, doc != NULL, "a failed parse leaves its output alone");
	return doc;
}

static struct rop_doc *parse(const char *text)
{
	return parse_n(text, strlen(text));
}

static const char *first_error(void)
{
	static struct rop_err err;
	err = (struct rop_err){ 0 };
	cr_assert_not(rop_diags_fail(&diags, &err));
	cr_assert_eq(err.code, ROP_INVALID);
	return err.text;
}

#define REFUSED(text, sentence) \
	do { \
		cr_assert_null(parse(text)); \
		cr_assert(strstr(first_error(), sentence), "got: %s", first_error()); \
	} while (0)

Test(config_doc, a_tree_remembers_where_things_were_written)
{
	struct rop_doc *doc = parse("a: 1\n\"\xc3\xbc\": { b: [x, 'two words'] }\nc: |\n  text\n");
	cr_assert_not_null(doc);
	cr_assert_eq(doc->root->n, 3);
	struct rop_doc_node *list = rop_doc_find(doc->root->items[1], "b");
	cr_assert_eq(list->n, 2);
	cr_assert_eq(list->mark.line, 2);
	cr_assert_eq(list->mark.column, 11, "columns count characters: %d", list->mark.column);
	cr_assert_eq(list->items[1]->mark.column, 15);
	cr_assert_eq(list->items[1]->length, 11);
	cr_assert(list->items[1]->quoted && !list->items[0]->quoted);
	cr_assert_eq(rop_doc_find_key(doc->root, "c")->mark.line, 3);
	cr_assert_str_eq(rop_doc_find(doc->root, "c")->text, "text\n");
	cr_assert(rop_doc_find(doc->root, "c")->quoted, "a block text is never a number");
	cr_assert_null(rop_doc_find(doc->root, "d"));
	cr_assert_null(rop_doc_find(list, "d"));
	cr_assert_null(rop_doc_find(NULL, "d"));
}

Test(config_doc, an_empty_document_has_no_root)
{
	static const char *const EMPTY[] = { "", "\n\n", "# nothing\n", "---\n", "---\n...\n", "~\n", "\xef\xbb\xbf" };
	for (size_t i = 0; i < sizeof EMPTY / sizeof *EMPTY; i++) {
		struct rop_doc *doc = parse(EMPTY[i]);
		cr_assert_not_null(doc, "%zu", i);
		cr_assert_null(doc->root, "%zu", i);
	}
	cr_assert_not_null(parse("''\n")->root);
}

Test(config_doc, a_byte_order_mark_is_no_column)
{
	struct rop_doc *doc = parse("\xef\xbb\xbf"
				    "ab: 1\n");
	cr_assert_eq(doc->root->keys[0]->mark.column, 1);
	cr_assert_str_eq(doc->root->keys[0]->text, "ab");
}

Test(config_doc, what_is_no_text_is_refused_with_its_place)
{
	cr_assert_null(parse_n("a: 1\nb: \0\n", 10));
	cr_assert(strstr(first_error(), "t.yaml:2:4: the file holds a NUL byte"), "%s", first_error());
	REFUSED("a: \xc3\xbc\xff\n", "t.yaml:1:5: byte 0xff is not valid UTF-8 (save the file as UTF-8)");
	REFUSED("a: 1\nb: \xc0\xaf\n", "t.yaml:2:4: byte 0xc0 is not valid UTF-8");
	REFUSED("a: 1\nb: \x1b[31m\n", "t.yaml:2:4: hidden character U+001B");
	REFUSED("a: \xe2\x80\xa8\n", "t.yaml:1:4: hidden character U+2028");
	REFUSED("a: 1\n\xef\xbb\xbf"
		"b: 1\n",
		"t.yaml:2:1: hidden character U+FEFF");
	REFUSED("a: 1\rb: 2\n", "t.yaml:1:5: a carriage return without a newline");
	cr_assert_not_null(parse("a: 1\r\nb: 2\r\n"));
	static const struct {
		const char *bytes;
		size_t n;
	} UTF16[] = {
		{ "\xff\xfe"
		  "a\0:\0",
		  6 },
		{ "\xfe\xff\0a\0:", 6 },
		{ "a\0:\0", 4 },
		{ "\0a\0:", 4 },
	};
	for (size_t i = 0; i < 4; i++) {
		cr_assert_null(parse_n(UTF16[i].bytes, UTF16[i].n));
		cr_assert(strstr(first_error(), "t.yaml: the file is UTF-16 (save it as UTF-8)"), "%s", first_error());
	}
}

Test(config_doc, reading_goes_on_after_what_is_not_allowed)
{
	cr_assert_null(parse("a: &x 1\nb: *x\nc: !!int 2\na: 3\n<<: { d: 1 }\n[e]: 1\n"));
	cr_assert_eq(diags.errors, 6);
	static const int LINES[] = { 1, 2, 3, 4, 5, 6 };
	for (size_t i = 0; i < 6; i++)
		cr_assert_eq(diags.list.at[i].mark.line, LINES[i], "%zu: %s", i, diags.list.at[i].message);
	cr_assert_str_eq(diags.list.at[3].message, "duplicate key 'a' (first at line 1, column 1)");
}

static char *repeat(const char *what, size_t times)
{
	size_t n = strlen(what);
	char *all = rop_alloc(arena, n * times + 1);
	for (size_t i = 0; i < times; i++)
		memcpy(all + i * n, what, n);
	return all;
}

Test(config_doc, limits_are_exact)
{
	cr_assert_not_null(parse(rop_printf(arena, "%s%s", repeat("[", 32), repeat("]", 32))));
	REFUSED(rop_printf(arena, "%s%s", repeat("[", 33), repeat("]", 33)), "t.yaml:1:33: nested too deeply");
	cr_assert_not_null(parse(repeat("x", 4096)));
	REFUSED(repeat("x", 4097), "a text of 4097 bytes is too long (at most 4096)");
	cr_assert_not_null(parse(repeat("- x\n", 49999)));
	REFUSED(repeat("- x\n", 50000), "more than 50000 values in one file");
	cr_assert_not_null(parse_n(repeat("\n", MIB), MIB));
	cr_assert_null(parse_n(repeat("\n", MIB + 1), MIB + 1));
	cr_assert(strstr(first_error(), "larger than 1 MiB"));
	struct rop_doc *doc = NULL;
	cr_assert_not(config_doc_parse(arena, "t.yaml", repeat("\n", MIB + 1), MIB + 1, &diags, &doc));
	cr_assert_null(doc);
}

struct bomb {
	const char *begin, *again;
};

/* Wall time would measure the neighbours. */
static double cpu_ms(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

Test(config_doc, bombs_are_refused_at_once)
{
	static const struct bomb BOMBS[] = {
		{ "", "[" },
		{ "", "{a: " },
		{ "", "- " },
		{ "", "? " },
		{ "", "[a, " },
		{ "", "x" },
		{ "\"", "x" },
		{ "\"", "\\u00e9" },
		{ "'", "''" },
		{ "a: |\n", " x\n" },
		{ "", "!" },
		{ "!<", "x" },
		{ "&", "x" },
		{ "[", "*a, " },
		{ "[", "&a 1, " },
		{ "[", "!!int 1, " },
		{ "%", "x" },
		{ "", "%YAML 1.1\n" },
		{ "a: ", "b " },
		{ "", "---\n" },
		{ "", "a: 1\n" },
		{ "[", "{}, " },
		{ "[", "[], " },
		{ "{", "a, " },
		{ "", "[a]: 1\n" },
		{ "", "\t" },
		{ "", "\xc3\xbc" },
		{ "", "- - - x\n" },
		{ "", "x: " },
		{ "a: &a [x]\n", "b: *a\n" },
		{ "", ": " },
		{ "", "\"a\" " },
		{ "spec: { nodes: [", "{address: 'a:1'}, " },
		{ "spec: { settings: {", "Aa: b, " },
	};
	for (size_t i = 0; i < sizeof BOMBS / sizeof *BOMBS; i++) {
		size_t times = (MIB - strlen(BOMBS[i].begin)) / strlen(BOMBS[i].again);
		const char *text = rop_printf(arena, "%s%s", BOMBS[i].begin, repeat(BOMBS[i].again, times));
		double start = cpu_ms();
		cr_assert_null(parse(text), "%s%s", BOMBS[i].begin, BOMBS[i].again);
		double took = cpu_ms() - start;
		cr_assert_lt(took, 200 * SLOWER, "%s%s... took %.0f ms", BOMBS[i].begin, BOMBS[i].again, took);
	}
}

Test(config_doc, thousands_of_keys_are_checked_at_once)
{
	ROP_OWN_TEXT text = { 0 };
	for (int i = 0; i < 12000; i++)
		rop_text_add(&text, "key%dabcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz: 1\n", i);
	double start = cpu_ms();
	struct rop_doc *doc = parse(text.at);
	struct rop_topology *topology = NULL;
	cr_assert_not_null(doc);
	cr_assert_not(rop_topology_from_doc(arena, doc, &diags, &topology));
	double took = cpu_ms() - start;
	cr_assert_eq(diags.errors, 12004);
	cr_assert_eq(diags.list.n, 20);
	cr_assert_lt(took, 100 * SLOWER, "took %.0f ms", took);
}

Test(config_doc, errors_are_kept_by_place_and_before_warnings)
{
	struct rop_doc doc = { .path = "t.yaml", .source = "", .source_n = 0 };
	for (int line = 1; line <= 20; line++)
		rop_diag_at(&diags, &doc, (struct rop_mark){ line, 1 }, 1, true, NULL, "w");
	for (int line = 40; line > 0; line--)
		rop_diag_at(&diags, &doc, (struct rop_mark){ line, 1 }, 1, false, NULL, rop_printf(arena, "e%d", line));
	cr_assert_eq(diags.errors, 40);
	cr_assert_eq(diags.warnings, 20);
	cr_assert_eq(diags.list.n, 20);
	for (int i = 0; i < 20; i++)
		cr_assert_str_eq(diags.list.at[i].message, rop_printf(arena, "e%d", i + 1));
	ROP_OWN_TEXT out = { 0 };
	rop_diags_print(&diags, &out);
	cr_assert(strstr(out.at, "\n... and 20 more errors\n... and 20 more warnings\n"), "%s", out.at);
}

Test(config_doc, what_comes_after_those_that_are_kept_is_counted_alone)
{
	struct rop_doc doc = { .path = "t.yaml", .source = "", .source_n = 0 };
	for (int line = 1; line <= 40; line++)
		rop_diag_at(&diags, &doc, (struct rop_mark){ line, 1 }, 1, false, NULL, rop_printf(arena, "e%d", line));
	rop_diag_at(&diags, &doc, (struct rop_mark){ 1, 1 }, 1, true, NULL, "w");
	cr_assert(diags.errors == 40 && diags.warnings == 1 && diags.list.n == 20);
	for (int i = 0; i < 20; i++)
		cr_assert_str_eq(diags.list.at[i].message, rop_printf(arena, "e%d", i + 1));
}

Test(config_doc, a_line_is_shown_whole_whichever_way_it_ends)
{
	static const char *const LINES[] = { "shards: x\n", "shards: x\r\n", "shards: x" };
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
		struct rop_doc doc = { .path = "t.yaml", .source = LINES[i], .source_n = strlen(LINES[i]) };
		ROP_OWN_TEXT out = { 0 };
		rop_diags_init(&diags, arena);
		rop_diag_at(&diags, &doc, (struct rop_mark){ 1, 9 }, 1, false, NULL, "no");
		rop_diags_print(&diags, &out);
		cr_assert(strstr(out.at, "1 | shards: x\n"), "%s", out.at);
	}
}

Test(config_doc, errors_and_warnings_are_put_together_from_their_parts)
{
	struct rop_doc doc = { .path = "a.yaml" };
	struct rop_doc_node node = { .mark = { 0, 0 } };
	ROP_OWN_TEXT out = { 0 };
	rop_diag_error(&diags, &doc, &node, NULL, "%s of %d and %s", "one", 22, "three");
	rop_diag_warn(&diags, &doc, &node, NULL, "%s of %d or %s", "four", 55, "six");
	rop_diags_print(&diags, &out);
	cr_assert(strstr(out.at, "error: one of 22 and three"), "%s", out.at);
	cr_assert(strstr(out.at, "warning: four of 55 or six"), "%s", out.at);
	cr_assert(diags.errors == 1 && diags.warnings == 1);
}

Test(config_doc, of_a_key_that_is_an_alias_that_is_said_and_the_pair_is_dropped)
{
	parse("x: 1\n*a : 2\n*b : 3\n");
	cr_assert_eq(diags.errors, 2);
	for (size_t i = 0; i < diags.list.n; i++)
		cr_assert(strstr(diags.list.at[i].message, "aliases are not allowed"), "%s", diags.list.at[i].message);
}

Test(config_doc, diagnostics_name_a_file_that_has_no_lines)
{
	struct rop_doc doc = { .path = "gone.yaml" };
	ROP_OWN_TEXT out = { 0 };
	rop_diag_at(&diags, &doc, (struct rop_mark){ 0, 0 }, 1, false, "a hint", "cannot read the file");
	rop_diags_print(&diags, &out);
	cr_assert_str_eq(out.at, "gone.yaml: error: cannot read the file (a hint)\n");
	cr_assert_str_eq(first_error(), "gone.yaml: cannot read the file (a hint)");
	rop_diags_init(&diags, arena);
	cr_assert(rop_diags_fail(&diags, NULL), "without an error there is nothing to fail with");
}

Test(config_doc, no_sentence_is_longer_than_500_characters)
{
	struct rop_doc doc = { .path = "a.yaml" };
	for (int n = 499; n <= 502; n++) {
		ROP_OWN_TEXT out = { 0 }, long_one = { 0 }, wanted = { 0 };
		for (int i = 0; i < n; i++)
			rop_text_add(&long_one, "\xc3\xa9"); /* characters, not bytes */
		for (int i = 0; i < n && i < 500; i++)
			rop_text_add(&wanted, "\xc3\xa9");
		rop_diags_init(&diags, arena);
		rop_diag_at(&diags, &doc, (struct rop_mark){ 0, 0 }, 1, false, NULL, long_one.at);
		rop_diags_print(&diags, &out);
		cr_assert_str_eq(out.at, rop_printf(arena, "a.yaml: error: %s%s\n", wanted.at, n > 500 ? "..." : ""));
	}
}

Test(config_doc, nothing_that_a_terminal_obeys_is_printed)
{
	struct rop_doc doc = { .path = "a\033]0;x\ab.yaml", .source = "a\033[2Jb \xe2\x80\xaezz \xff\n" };
	doc.source_n = strlen(doc.source);
	rop_diag_at(&diags, &doc, (struct rop_mark){ 1, 1 }, 3, false, "h\x01i", "no\xc2\x9b\rw \xff \xe2\x80\xae");
	ROP_OWN_TEXT out = { 0 };
	rop_diags_print(&diags, &out);
	for (const char *p = out.at; *p; p++)
		cr_assert(*p == '\n' || (*p >= ' ' && *p < 0x7f), "byte 0x%02x in %s", (unsigned char)*p, out.at);
	cr_assert(strstr(out.at, "error: no\\x9b\\x0dw \\xff \\u202e\n    1 | a?[2Jb ?zz ?\n      | ^^^ h\\x01i\n"),
		  "%s", out.at);
}

Test(config_doc, secrets_in_a_source_line_are_masked)
{
	static const char *const LINES[] = {
		"requirepass: hunter2",     "  auth: { user: x, password: hunter2, foo: 1 }",
		"masterauth : \"hunter2\"", "'tls-key-file-pass': hunter2",
		"# PASSWORD:hunter2",       "apiToken:\thunter2",
	};
	for (size_t i = 0; i < sizeof LINES / sizeof *LINES; i++) {
		struct rop_doc doc = { .path = "t.yaml", .source = LINES[i], .source_n = strlen(LINES[i]) };
		ROP_OWN_TEXT out = { 0 };
		rop_diags_init(&diags, arena);
		rop_diag_at(&diags, &doc, (struct rop_mark){ 1, 3 }, 1, false, NULL, "x");
		rop_diags_print(&diags, &out);
		cr_assert_null(strstr(out.at, "hunter2"), "%s", out.at);
		cr_assert(strstr(out.at, "*******"));
	}
	struct rop_doc doc = { .path = "t.yaml", .source = "passwordFile: x/y", .source_n = 17 };
	ROP_OWN_TEXT out = { 0 };
	rop_diags_init(&diags, arena);
	rop_diag_at(&diags, &doc, (struct rop_mark){ 1, 1 }, 1, false, NULL, "x");
	rop_diags_print(&diags, &out);
	cr_assert(strstr(out.at, "passwordFile: x/y"), "a path is no secret");
}

/* Looked at by a person once, in tests/golden/diagnostics.txt, and held there. */
Test(config_doc, diagnostics_look_as_the_golden_file_says)
{
	static const struct {
		const char *name, *text;
	} FILES[] = {
		{ "cluster.yaml", "# cart\napiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata:\n    name: "
				  "cart\n"
				  "spec:\n    nodes:\n    - address: 10.0.0.11:6379\n    - address: 10.0.0.12:6379\n"
				  "    - address: 10.0.0.13:6379\n    - address: 10.0.0.14:6379\n"
				  "    - address: 10.0.0.15:6379\n    - address: 10.0.0.16:6379\n"
				  "    replicas_per_shard: 1\n    shards: 3\n" },
		{ "many.yaml", "apiVersion: redis-operator/v1\nkind: rediscluster\nmetadata: { name: Cart }\nspec:\n"
			       "  replicas_per_shard: 1\n  shards: \"2\"\n  nodes:\n  - { address: 10.0.0.1 }\n" },
		{ "wide.yaml", "metadata: { \xe6\x97\xa5\xe6\x9c\xac: 1,\tcafe\xcc\x81: 2, x: 3 }\n" },
		{ "warnings.yaml", "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: cart }\n"
				   "spec:\n  shards: 2\n  replicasPerShard: 0\n  nodes:\n  - { address: 127.0.0.1:1 }\n"
				   "  - { address: 10.0.0.1:2 }\n" },
		{ "secret.yaml", "spec: { settings: { requirepass: hunter2 } }\n" },
		{ "each.yaml", "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: cart }\nspec:\n"
			       "  shards: 3\n  replicasPerShard: 1\n  discovery: { dns: redis.internal, port: 6379 }\n"
			       "  settings: { maxmemory: 1gb, cluster-announce-ip: 10.0.0.1 }\n" },
		{ "empty.yaml", "" },
	};
	ROP_OWN_TEXT out = { 0 };
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
		struct rop_doc *doc;
		struct rop_topology *topology;
		rop_diags_init(&diags, arena);
		if (rop_doc_parse(arena, FILES[i].name, FILES[i].text, strlen(FILES[i].text), &diags, &doc))
			rop_topology_from_doc(arena, doc, &diags, &topology);
		rop_diags_print(&diags, &out);
	}
	const char *line = rop_printf(arena, "%s: { bad: 1 }, %s", repeat("abcdefgh ", 30), repeat("xyz ", 60));
	struct rop_doc longest = { .path = "long.yaml", .source = line, .source_n = strlen(line) };
	rop_diags_init(&diags, arena);
	rop_diag_at(&diags, &longest, (struct rop_mark){ 1, 275 }, 3, false, "cut on both sides", "unknown key 'bad'");
	for (int n = 1; n <= 23; n++)
		rop_diag_at(&diags, &longest, (struct rop_mark){ 2, n }, 3, false, NULL, "no such line");
	rop_diags_print(&diags, &out);

	static char golden[65536];
	FILE *f = fopen(TOP_SRCDIR "/tests/golden/diagnostics.txt", "r");
	size_t n = f ? fread(golden, 1, sizeof golden - 1, f) : 0;
	golden[n] = '\0';
	if (f)
		fclose(f);
	cr_assert_eq(strcmp(out.at, golden), 0, "printed:\n%s", out.at);
}
