/* test_ledger_judge.c - the ledger's judge: what it must say of each thing that can go wrong, and of nothing else. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "../ledger/judge.h"

#define S US_PER_S
enum { ASKED_S = 100 };

/* Journal and replies as texts; lines of the journal end with a semicolon. */
struct story {
	const char *journal, *replies;
	uint64_t expected[FAULTS_N];
};

static void tell(const struct story *story)
{
	struct books books = { .head = { .run = "L1", .workers = 4 } };
	struct verdict verdict = { 0 };
	struct judge judge;
	char journal[1024], *save = NULL;
	snprintf(journal, sizeof journal, "%s", story->journal);
	for (char *line = strtok_r(journal, ";", &save); line; line = strtok_r(NULL, ";", &save)) {
		struct entry entry;
		cr_assert(journal_parse(line, &entry), "%s", line);
		books_add(&books, &entry, NULL);
	}
	books_close(&books);
	cr_assert_eq(books.accounts.n, 1);
	judge_init(&judge, &books, &verdict);
	judge_account(&judge, &books.accounts.at[0],
		      (struct resp_cursor){ story->replies, story->replies + strlen(story->replies) }, ASKED_S * S,
		      ASKED_S * S + 1000);
	for (size_t i = 0; i < FAULTS_N; i++)
		cr_assert_eq(verdict.counts[i], story->expected[i], "%s: %s is %lu, expected %lu", story->replies,
			     FAULT_WORDS[i].word, (unsigned long)verdict.counts[i], (unsigned long)story->expected[i]);
	judge_done(&judge);
	verdict_free(&verdict);
	books_free(&books);
}

static void tell_all(const struct story *stories, size_t n)
{
	for (size_t i = 0; i < n; i++)
		tell(&stories[i]);
}

#define NONE \
	{ \
		0 \
	}
#define ONE(fault) \
	{ \
		[FAULT_##fault] = 1 \
	}
#define COUNT(stories) (sizeof(stories) / sizeof *(stories))

#define LISTS \
	"acknowledged shared 1 2 0 k 0:1 0 direct n;acknowledged shared 1 2 0 k 1:1 0 direct n;" \
	"acknowledged shared 3 4 0 k 0:2 0 direct n;unknown shared 3 4 0 k 1:2 0 direct n;" \
	"refused shared 3 4 0 k 2:1 0 direct n"

Test(ledger_judge, lists)
{
	static const struct story STORIES[] = {
		{ LISTS, "*3\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n", NONE },
		/* the unknown one is there, early, late, between */
		{ LISTS, "*4\r\n$3\r\n1:2\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n", NONE },
		{ LISTS, "*4\r\n$3\r\n1:1\r\n$3\r\n0:1\r\n$3\r\n0:2\r\n$3\r\n1:2\r\n", NONE },
		{ LISTS, "*2\r\n$3\r\n0:1\r\n$3\r\n0:2\r\n", ONE(LOST) },
		{ LISTS, "*0\r\n", { [FAULT_LOST] = 3 } },
		{ LISTS, "*4\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n$3\r\n0:1\r\n", ONE(DUPLICATED) },
		{ LISTS, "*5\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n$3\r\n1:2\r\n$3\r\n1:2\r\n", ONE(DUPLICATED) },
		{ LISTS, "*3\r\n$3\r\n0:2\r\n$3\r\n1:1\r\n$3\r\n0:1\r\n", ONE(OUT_OF_ORDER) },
		{ LISTS, "*4\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n$3\r\n0:3\r\n", ONE(NEVER_SENT) },
		{ LISTS, "*4\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n$3\r\n9:1\r\n", ONE(NEVER_SENT) },
		{ LISTS, "*4\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n$4\r\n0:1x\r\n", ONE(NEVER_SENT) },
		{ LISTS, "*4\r\n$3\r\n0:1\r\n$3\r\n1:1\r\n$3\r\n0:2\r\n$3\r\n2:1\r\n", ONE(UNEXPECTED) },
	};
	tell_all(STORIES, COUNT(STORIES));
}

#define PAIRS "acknowledged pair 1 2 0 k 0:1 0 direct n;unknown pair 3 4 0 k 0:2 0 direct n"

Test(ledger_judge, transactions)
{
	static const struct story STORIES[] = {
		{ PAIRS, "*1\r\n$3\r\n0:1\r\n*1\r\n$3\r\n0:1\r\n", NONE },
		{ PAIRS, "*2\r\n$3\r\n0:1\r\n$3\r\n0:2\r\n*2\r\n$3\r\n0:1\r\n$3\r\n0:2\r\n", NONE },
		{ PAIRS, "*2\r\n$3\r\n0:1\r\n$3\r\n0:2\r\n*1\r\n$3\r\n0:1\r\n", ONE(TORN) },
		{ PAIRS, "*0\r\n*1\r\n$3\r\n0:1\r\n", ONE(TORN) },
		{ PAIRS, "*0\r\n*0\r\n", ONE(LOST) },
		{ PAIRS, "*1\r\n$3\r\n0:1\r\n*2\r\n$3\r\n0:1\r\n$3\r\n0:1\r\n", ONE(DUPLICATED) },
	};
	tell_all(STORIES, COUNT(STORIES));
}

#define REGISTERS \
	"acknowledged register 1 2 0 k 0:1 0 direct n;acknowledged register 3 4 0 k 0:5 0 direct n;" \
	"unknown register 5 6 0 k 0:7 0 direct n"

Test(ledger_judge, registers)
{
	static const struct story STORIES[] = {
		{ REGISTERS, "$3\r\n0:5\r\n", NONE },
		{ REGISTERS, "$3\r\n0:7\r\n", NONE },
		{ REGISTERS, "$3\r\n0:1\r\n", ONE(LOST) },
		{ REGISTERS, "$-1\r\n", { [FAULT_LOST] = 2 } },
		{ REGISTERS, "$3\r\n0:6\r\n", { [FAULT_NEVER_SENT] = 1, [FAULT_LOST] = 2 } },
	};
	tell_all(STORIES, COUNT(STORIES));
}

/* Written at 90 s and asked for at 100 s: to be there with 10 s is its last moment. */
#define EXPIRING(px) "acknowledged fleeting 90000000 90000500 0 k 0:1 " px " direct n"

Test(ledger_judge, expiring_keys)
{
	static const struct story STORIES[] = {
		{ EXPIRING("20000"), "$3\r\n0:1\r\n:9900\r\n", NONE },
		{ EXPIRING("20000"), "$-1\r\n:-2\r\n", ONE(LOST) },
		{ EXPIRING("20000"), "$3\r\n0:1\r\n:-1\r\n", ONE(OUTLIVED) },
		{ EXPIRING("20000"), "$3\r\n0:1\r\n:11000\r\n", ONE(OUTLIVED) },
		{ EXPIRING("20000"), "$3\r\n0:2\r\n:9900\r\n", ONE(NEVER_SENT) },
		{ EXPIRING("9000"), "$-1\r\n:-2\r\n", NONE },
		{ EXPIRING("9000"), "$3\r\n0:1\r\n:500\r\n", ONE(OUTLIVED) },
		{ EXPIRING("10000"), "$3\r\n0:1\r\n:-2\r\n", NONE },
		{ "unknown fleeting 90000000 90000500 0 k 0:1 20000 direct n", "$-1\r\n:-2\r\n", NONE },
		{ "refused fleeting 90000000 90000500 0 k 0:1 20000 direct n", "$3\r\n0:1\r\n:9900\r\n",
		  ONE(UNEXPECTED) },
	};
	tell_all(STORIES, COUNT(STORIES));
}

Test(ledger_judge, gaps_and_counts_in_a_window)
{
	static struct slot_set slots;
	struct books books = { .head = { .workers = 1 } };
	struct books_window window = { .from_us = 1000, .to_us = 2000, .slots = &slots };
	static const struct {
		int64_t end_us;
		unsigned slot;
		enum outcome outcome;
	} WRITES[] = { { 500, 7, ACKNOWLEDGED }, { 1000, 7, ACKNOWLEDGED }, { 1100, 8, ACKNOWLEDGED },
		       { 1200, 8, UNKNOWN },     { 1900, 7, ACKNOWLEDGED }, { 2000, 8, ACKNOWLEDGED },
		       { 2001, 7, ACKNOWLEDGED } };
	slot_set_add(&slots, "7");
	for (size_t i = 0; i < COUNT(WRITES); i++)
		books_add(&books,
			  &(struct entry){ .key = "k",
					   .number = i,
					   .end_us = WRITES[i].end_us,
					   .slot = WRITES[i].slot,
					   .outcome = WRITES[i].outcome,
					   .detours = { [DETOUR_ASK] = i == 1 } },
			  &window);
	cr_assert(books.gap.us == 800 && books.gap.from_us == 1100);
	cr_assert(books.slots_gap.us == 900 && books.slots_gap.from_us == 1000);
	cr_assert(books.between == 4 && books.slots_between == 2);
	cr_assert(books.direct == 5 && books.detours[DETOUR_ASK] == 1);
	cr_assert(books.outcomes[ACKNOWLEDGED] == 6 && books.outcomes[UNKNOWN] == 1);
	books_free(&books);
}
