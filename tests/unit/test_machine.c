/* test_machine.c - loading a machine: what is read, what is refused, what counts as the same machine. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/machine/internal.h"
#include "rop/doc.h"
#include "rop/machine.h"
#include "toy.h"

Test(machine, the_toy_is_read_as_written)
{
	OWN_TOY toy = toy_load_file(MACHINES "toy.yaml");
	cr_assert(toy.machine, "%s", toy.printed.at);
	const struct rop_machine *m = toy.machine;
	cr_assert_str_eq(m->name, "washer");
	cr_assert_eq(m->n_states, 7);
	cr_assert_eq(m->initial, rop_machine_find_state(m, "Idle"));
	cr_assert_eq(rop_machine_find_state(m, "idle"), -1);
	const struct rop_state *filling = &m->states[rop_machine_find_state(m, "Filling")];
	cr_assert_eq(filling->within_ms, 120000);
	cr_assert_eq(filling->within_per_subject_ms, 500);
	cr_assert_not(filling->final);
	cr_assert_eq(filling->n_rows, 5, "two of everywhere and three of its own");
	for (size_t i = 0; i < 5; i++) {
		cr_assert_eq(filling->rows[i].number, (int)i + 1);
		cr_assert_eq(filling->rows[i].everywhere, i < 2);
		cr_assert_eq(filling->rows[i].from, rop_machine_find_state(m, "Filling"));
	}
	cr_assert_eq(filling->rows[0].line, 7);
	cr_assert_str_eq(filling->rows[1].when[1].text, "not empty");
	cr_assert(filling->rows[1].when[1].negated);
	cr_assert_null(filling->rows[3].when[0].fact, "overdue is the engine's own");
	cr_assert_str_eq(filling->rows[4].does[0].text, "fill 5");
	cr_assert_eq(filling->rows[4].n_when, 0);
	const struct rop_state *washing = &m->states[rop_machine_find_state(m, "Washing")];
	cr_assert_str_eq(washing->rows[5].when[0].text, "not turned times=30 litres=15");
	cr_assert_eq(washing->rows[5].when[0].args[1], 15);
	cr_assert_str_eq(washing->rows[4].does[1].text, "turn times=5 pause=1s");
	cr_assert_eq(m->states[rop_machine_find_state(m, "Stopped")].n_rows, 2,
		     "excepted from both rows of everywhere");
	cr_assert_eq(m->states[rop_machine_find_state(m, "Broken")].n_rows, 1);
}

Test(machine, a_machine_outlives_its_document)
{
	struct rop_arena *arena = rop_arena_new(), *doc_arena = rop_arena_new();
	struct rop_machine *machine = NULL;
	struct rop_diags diags;
	struct rop_doc *doc;
	rop_diags_init(&diags, doc_arena);
	cr_assert(rop_doc_load(doc_arena, MACHINES "toy.yaml", &diags, &doc));
	cr_assert(rop_machine_load(arena, doc, &TOY_WORDS, &diags, &machine));
	rop_arena_free(doc_arena);
	struct rop_text table = { 0 };
	rop_machine_table(machine, &table);
	cr_assert(strstr(table.at, "start from an empty drum"));
	cr_assert(strstr(machine->path, "toy.yaml"));
	rop_text_done(&table);
	rop_arena_free(arena);
}

/* ---- refusals ----------------------------------------------------------------------------------------------- */

/* The rest of the line "# KEY: rest" among the first lines; NULL when there is none. */
static char *expectation(struct rop_arena *arena, const char *source, const char *key)
{
	const char *at = strstr(source, rop_printf(arena, "# %s: ", key));
	if (!at)
		return NULL;
	at += strlen(key) + 4;
	return rop_strndup(arena, at, strcspn(at, "\n"));
}

static const char *read_source(struct rop_arena *arena, const char *path)
{
	static char buf[65536];
	FILE *f = fopen(path, "r");
	cr_assert(f, "%s", path);
	buf[fread(buf, 1, sizeof buf - 1, f)] = '\0';
	fclose(f);
	return rop_strdup(arena, buf);
}

/* Each file says what it expects: the place and the beginning of the first error, and how many there are. */
static void check_refusal(const char *path)
{
	OWN_TOY bad = toy_load_file(path);
	const char *source = read_source(bad.arena, path);
	const char *expect = expectation(bad.arena, source, "expect"), *hint = expectation(bad.arena, source, "hint");
	const char *errors = expectation(bad.arena, source, "errors");
	cr_assert(expect, "%s says what it expects", path);
	cr_assert_null(bad.machine, "%s is refused", path);
	cr_assert_gt(bad.diags.list.n, 0, "%s: there is an error", path);
	const struct rop_diag *first = &bad.diags.list.at[0];
	const char *said = rop_printf(bad.arena, "%d:%d: %s", first->mark.line, first->mark.column, first->message);
	if (getenv("SHOW_REFUSALS"))
		fprintf(stderr, "%s\t%zu\t%s\t%s\n", strrchr(path, '/') + 1, bad.diags.errors, said,
			first->hint ? first->hint : "");
	cr_expect_eq(strncmp(said, expect, strlen(expect)), 0, "%s\n expected %s\n but was  %s", path, expect, said);
	cr_expect_str_eq(first->hint ? first->hint : "", hint ? hint : "", "%s", path);
	cr_expect_eq(bad.diags.errors, errors ? strtoul(errors, NULL, 10) : 1, "%s:\n%s", path, bad.printed.at);
}

Test(machine, every_bad_machine_is_refused_with_its_own_sentence)
{
	size_t n = 0;
	DIR *dir = opendir(MACHINES "bad");
	cr_assert(dir);
	for (struct dirent *entry; (entry = readdir(dir));) {
		char path[4096];
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, MACHINES "bad/%s", entry->d_name);
		check_refusal(path);
		n++;
	}
	closedir(dir);
	cr_assert_geq(n, 100, "only %zu files were found", n);
}

static const struct rop_arg PAIR[] = { { "pigeon", "its number", ROP_ARG_INT, 0, 99 },
				       { "hole", "its number", ROP_ARG_INT, 0, 99 } };
static bool never(const void *subject, const int64_t *args)
{
	(void)subject, (void)args;
	return false;
}
static void nothing(const void *subject, const int64_t *args, void *output)
{
	(void)subject, (void)args, (void)output;
}

/* A state for which every pigeon sits in a hole, and no two in one: whether some valuation finds no row takes long. */
static void add_pigeons(struct rop_text *text, int pigeons, int holes)
{
	for (int p = 0; p < pigeons; p++) {
		rop_text_add(text, "      - { to: Z, why: homeless, when: [");
		for (int h = 0; h < holes; h++)
			rop_text_add(text, "%s{ not sits: { pigeon: %d, hole: %d } }", h ? ", " : "", p, h);
		rop_text_add(text, "] }\n");
	}
	for (int h = 0; h < holes; h++)
		for (int p = 0; p < pigeons; p++)
			for (int q = 0; q < p; q++)
				rop_text_add(text,
					     "      - { to: Z, why: crowded, when: [sits: { pigeon: %d, hole: %d }, "
					     "sits: { pigeon: %d, hole: %d }] }\n",
					     p, h, q, h);
}

static struct toy_loaded load_pigeons(int pigeons, int holes)
{
	struct rop_fact sits = {
		.name = "sits", .doc = "It sits there.", .args = { PAIR[0], PAIR[1] }, .holds = never
	};
	struct rop_vocabulary words = { .facts = &sits, .n_facts = 1 };
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "machine: pigeons\ndoc: Pigeons in holes.\ninitial: A\nstates:\n  A:\n    doc: All sit.\n  "
			    "  rows:\n");
	add_pigeons(&text, pigeons, holes);
	rop_text_add(&text, "  Z: { doc: The end., final: true }\n");
	return toy_load_text(text.at, &words);
}

Test(machine, too_intricate_rules_are_refused_and_not_pondered_for_ever)
{
	OWN_TOY easy = load_pigeons(3, 2);
	cr_assert(easy.machine, "three pigeons never fit into two holes, so some row always holds: %s",
		  easy.printed.at);
	OWN_TOY hard = load_pigeons(10, 9);
	cr_assert_null(hard.machine);
	cr_assert_eq(hard.diags.errors, 1, "%s", hard.printed.at);
	cr_assert(strstr(hard.printed.at, "the rules are too intricate to be decided"));
}

Test(machine, more_facts_than_the_solver_holds_are_refused)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "machine: many\ndoc: Many facts.\ninitial: A\nstates:\n  A:\n    doc: Choose.\n    "
			    "rows:\n");
	for (int i = 0; i < 255; i++)
		rop_text_add(&text, "      - { when: [still_for: %dms], to: Z, why: still }\n", 1000 + i);
	rop_text_add(&text, "      - { to: Z, why: moved }\n  Z: { doc: The end., final: true }\n");
	OWN_TOY enough = toy_load_text(text.at, &TOY_WORDS);
	cr_assert(enough.machine, "255 and overdue are not too many: %s", enough.printed.at);
	char *last = strstr(text.at, "still_for: 1254ms");
	ROP_OWN_TEXT more = { 0 };
	rop_text_put(&more, text.at, (size_t)(last - text.at));
	rop_text_add(&more, "full, %s", last);
	OWN_TOY many = toy_load_text(more.at, &TOY_WORDS);
	cr_assert_null(many.machine);
	cr_assert_eq(many.diags.errors, 1);
	cr_assert(strstr(many.printed.at, "the rows name more than 255 facts"), "%s", many.printed.at);
}

/* ---- the vocabulary ----------------------------------------------------------------------------------------- */

static void expect_bad_words(const char *expected, const struct rop_fact *facts, size_t n_facts,
			     const struct rop_action *actions, size_t n_actions)
{
	struct rop_vocabulary words = { facts, n_facts, actions, n_actions };
	OWN_TOY bad = toy_load_text("machine: toy\n", &words);
	cr_assert_null(bad.machine);
	cr_assert_eq(bad.diags.errors, 1);
	cr_assert(strstr(bad.printed.at, expected), "expected %s\nbut was %s", expected, bad.printed.at);
}

Test(machine, a_vocabulary_with_a_bug_is_refused)
{
	static const struct rop_fact ok = { .name = "ok", .doc = "Fine.", .holds = never };
	static const struct rop_fact sits = { .name = "sits",
					      .doc = "It sits.",
					      .holds = never,
					      .args = { { "hole", "its number", ROP_ARG_INT, 0, 9 } } };
	static const struct {
		const char *expected;
		struct rop_fact fact;
	} BAD[] = {
		{ "has a word 'Bad'", { .name = "Bad", .doc = "Bad.", .holds = never } },
		{ "has a word 'not it'", { .name = "not it", .doc = "Bad.", .holds = never } },
		{ "has a word '~'", { .name = "~", .doc = "Bad.", .holds = never } },
		{ "has a word ''", { .doc = "Bad.", .holds = never } },
		{ "may not define 'overdue'", { .name = "overdue", .doc = "Bad.", .holds = never } },
		{ "the word 'bad' lacks its doc or its function", { .name = "bad", .holds = never } },
		{ "the word 'bad' lacks its doc or its function", { .name = "bad", .doc = "Bad." } },
		{ "'n' of the word 'bad' lacks",
		  { .name = "bad", .doc = "Bad.", .args = { { .name = "n", .max = 1 } }, .holds = never } },
		{ "'n' of the word 'bad' lacks",
		  { .name = "bad", .doc = "Bad.", .args = { { "n", "n", ROP_ARG_INT, 2, 1 } }, .holds = never } },
		{ "'n' of the word 'bad' lacks",
		  { .name = "bad", .doc = "Bad.", .args = { { "n", "n", ROP_ARG_INT, -1, 1 } }, .holds = never } },
		{ "'N' of the word 'bad' lacks",
		  { .name = "bad", .doc = "Bad.", .args = { { "N", "n", ROP_ARG_INT, 0, 1 } }, .holds = never } },
		{ "implies or excludes 'on_fire'",
		  { .name = "bad", .doc = "Bad.", .implies = { "ok", "on_fire" }, .holds = never } },
		{ "implies or excludes 'sits'",
		  { .name = "bad", .doc = "Bad.", .excludes = { "sits" }, .holds = never } },
		{ "implies or excludes 'bad'",
		  { .name = "bad", .doc = "Bad.", .excludes = { "bad" }, .holds = never } },
		{ "has two facts 'ok'", { .name = "ok", .doc = "Bad.", .holds = never } },
	};
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct rop_fact facts[] = { ok, sits, BAD[i].fact };
		expect_bad_words(BAD[i].expected, facts, 3, NULL, 0);
	}
	static const struct rop_action act = { .name = "act", .doc = "Act.", .plan = nothing };
	struct rop_action actions[] = { act, act };
	expect_bad_words("has two words 'act'", NULL, 0, actions, 2);
	actions[1].name = "sits";
	expect_bad_words("has two words 'sits'", &sits, 1, actions, 2);
	actions[1].plan = NULL;
	expect_bad_words("the word 'sits' lacks", NULL, 0, actions, 2);
	cr_assert_not(never(NULL, NULL));
	nothing(NULL, NULL, NULL);
}

/* Words that use every place that the tables have. */
Test(machine, words_may_have_as_many_arguments_and_links_as_the_tables_hold)
{
	static const struct rop_fact FACTS[] = {
		{ .name = "p", .doc = "P.", .holds = never },
		{ .name = "q", .doc = "Q.", .holds = never },
		{ .name = "r", .doc = "R.", .holds = never },
		{ .name = "s", .doc = "S.", .holds = never },
		{ .name = "all", .doc = "All.", .implies = { "p", "q", "r", "s" }, .holds = never },
		{ .name = "none",
		  .doc = "None.",
		  .excludes = { "p", "q", "r", "s" },
		  .holds = never,
		  .args = { { "x", "x", ROP_ARG_INT, 0, 9 },
			    { "y", "y", ROP_ARG_INT, 0, 9 },
			    { "z", "z", ROP_ARG_DURATION, 0, 9000 } } },
	};
	static const struct rop_vocabulary WORDS = { .facts = FACTS, .n_facts = 6 };
	static const char HEAD[] = "machine: toy\ndoc: A toy.\ninitial: A\nstates:\n  Z: { doc: The end., final: true "
				   "}\n"
				   "  A:\n    doc: A state.\n    rows:\n",
			  TAIL[] = "      - { to: Z, why: on }\n";
	static const char *const DEAD[] = {
		"all, not s",
		"all, none: { x: 1, y: 2, z: 3s }",
		"s, none: { x: 1, y: 2, z: 3s }",
		NULL,
	};
	for (size_t i = 0; i < sizeof DEAD / sizeof *DEAD; i++) {
		ROP_OWN_TEXT text = { 0 }, table = { 0 };
		rop_text_add(&text, "%s", HEAD);
		if (DEAD[i])
			rop_text_add(&text, "      - { when: [%s], to: Z, why: on }\n", DEAD[i]);
		rop_text_add(&text, "%s", TAIL);
		OWN_TOY loaded = toy_load_text(text.at, &WORDS);
		if (DEAD[i]) {
			cr_assert(strstr(loaded.printed.at, "its facts contradict each other"), "%s", DEAD[i]);
			continue;
		}
		cr_assert(loaded.machine, "%s", loaded.printed.at);
		rop_machine_table(loaded.machine, &table);
		cr_assert(strstr(table.at, "A      1  always  Z   -   on\n"), "%s", table.at);
	}
	ROP_OWN_TEXT words = { 0 };
	rop_vocabulary_print(&WORDS, &words);
	cr_assert(strstr(words.at, "implies p, q, r, s\n") && strstr(words.at, "never together with p, q, r, s\n"),
		  "%s", words.at);
	cr_assert(strstr(words.at, "z: z; a duration from 0ms to 9s\n"));
}

/* ---- the digest --------------------------------------------------------------------------------------------- */

static char *digest_of(const char *source, const char *from, const char *to, char *ret)
{
	ROP_OWN_TEXT text = { 0 };
	const char *at = strstr(source, from);
	cr_assert(at, "the source contains %s", from);
	rop_text_put(&text, source, (size_t)(at - source));
	rop_text_add(&text, "%s%s", to, at + strlen(from));
	OWN_TOY loaded = toy_load_text(text.at, &TOY_WORDS);
	cr_assert(loaded.machine, "%s", loaded.printed.at);
	return strcpy(ret, loaded.machine->digest);
}

Test(machine, the_digest_follows_the_meaning_and_not_the_layout)
{
	static const char BASE[] = "machine: toy\ndoc: A toy.\ninitial: A\nstates:\n"
				   "  A:\n    doc: A state.\n    within: 5s\n    withinPerSubject: 1s\n    rows:\n"
				   "      - { when: [overdue], to: Z, do: [beep], why: late }\n"
				   "      - { when: [full], to: Z, why: done }\n"
				   "      - { to: A, do: [{ fill: 5 }], why: more }\n"
				   "  Z:\n    doc: The end.\n    final: true\n";
	static const char *const SAME[][2] = {
		{ "machine: toy\n", "# a comment\nmachine: \"toy\"\n" },
		{ "within: 5s", "within: 5000ms" },
		{ "when: [full], to: Z, why: done", "why: 'done', to: Z, when: [full]" },
		{ "[{ fill: 5 }]", "[ fill: { litres: 5 } ]" },
		{ "    final: true\n", "    final: true\n    rows: []\n" },
		{ "      - { when: [overdue]", "\n      - { when: [overdue]" },
	};
	static const char *const OTHER[][2] = {
		{ "machine: toy", "machine: toi" },
		{ "A toy", "The toy" },
		{ "A state", "The state" },
		{ "within: 5s", "within: 6s" },
		{ "Subject: 1s", "Subject: 2s" },
		{ "    withinPerSubject: 1s\n", "" },
		{ "when: [full]", "when: [empty]" },
		{ "when: [full]", "when: [not full]" },
		{ "fill: 5", "fill: 6" },
		{ "do: [beep]", "do: [heat]" },
		{ ", do: [beep]", "" },
		{ "why: late", "why: too late" },
		{ "The end", "An end" },
		{ "    final: true\n", "    final: true\n    rows: [ { when: [empty], to: A, why: again } ]\n" },
	};
	char base[17], digest[17];
	digest_of(BASE, "toy", "toy", base);
	cr_assert_eq(strlen(base), 16);
	for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++)
		cr_assert_str_eq(digest_of(BASE, SAME[i][0], SAME[i][1], digest), base, "%s", SAME[i][1]);
	for (size_t i = 0; i < sizeof OTHER / sizeof *OTHER; i++)
		cr_assert_str_neq(digest_of(BASE, OTHER[i][0], OTHER[i][1], digest), base, "%s", OTHER[i][1]);
	static const char RING[] = "machine: toy\ndoc: A toy.\ninitial: A\nstates:\n"
				   "  A: { doc: A state., final: true, rows: [ { to: Z, do: [beep], why: on } ] }\n"
				   "  Z: { doc: A state., final: true, rows: [ { when: [empty], to: A, why: on } ] }\n";
	digest_of(RING, "toy", "toy", base);
	cr_assert_str_neq(digest_of(RING, "initial: A", "initial: Z", digest), base);
	cr_assert_str_neq(digest_of(RING, "final: true", "final: false", digest), base);
}
