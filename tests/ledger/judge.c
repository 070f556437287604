/* judge.c - what is there of an account, against what was written to it. */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_ROOM = 256 };
/* The server's clock counts whole milliseconds, and is another one than ours, which may be put right meanwhile. */
#define CLOCK_TOLERANCE_US (100 * US_PER_MS)

void judge_init(struct judge *judge, struct books *books, struct verdict *verdict)
{
	*judge = (struct judge){ .books = books,
				 .verdict = verdict,
				 .newest = zeroed(books->head.workers, sizeof *judge->newest) };
}

void judge_done(struct judge *judge)
{
	free(judge->newest);
}

static void add(struct judge *judge, enum fault fault, const struct account *account, const struct record *record)
{
	verdict_add(judge->verdict, fault, "%s %" PRIu32 ":%" PRIu64 ", %s from %" PRId64 " to %" PRId64,
		    account_name(judge->books, account), record->worker, record->number, OUTCOME_WORDS[record->outcome],
		    record->begin_us, record->end_us);
}

static void add_lost(struct judge *judge, const struct account *account, const struct record *record)
{
	char line[LINE_ROOM];
	add(judge, FAULT_LOST, account, record);
	int n = snprintf(line, sizeof line, "%s %" PRIu32 ":%" PRIu64 "\n", account_name(judge->books, account),
			 record->worker, record->number);
	text_add(&judge->verdict->lost, line, (size_t)n);
}

static bool parse_part(const char **at, const char *end, uint64_t *ret)
{
	const char *begin = *at;
	for (*ret = 0; *at < end && **at >= '0' && **at <= '9' && *at - begin < 18; ++*at)
		*ret = *ret * 10 + (uint64_t)(**at - '0');
	return *at > begin;
}

/* The write that a value stands for, or NULL: nobody sent that to this key. */
static struct record *record_of(const struct judge *judge, const struct account *account, const struct resp_item *item)
{
	const char *at = item->text, *end = item->text + item->n;
	uint64_t worker, number;
	if (item->type != RESP_BULK || !parse_part(&at, end, &worker) || at == end || *at++ != ':' ||
	    !parse_part(&at, end, &number) || at != end || worker >= judge->books->head.workers)
		return NULL;
	return account_find(judge->books, account, (uint32_t)worker, number);
}

/* The record of what is there, counted; NULL when nothing is there that was sent. */
static struct record *take(struct judge *judge, const struct account *account, const struct resp_item *item, int half)
{
	struct record *record = record_of(judge, account, item);
	if (!record) {
		verdict_add(judge->verdict, FAULT_NEVER_SENT, "%s has '%.*s'", account_name(judge->books, account),
			    (int)(item->n < 60 ? item->n : 60), item->text ? item->text : "");
		return NULL;
	}
	record->seen[half]++;
	if (record->outcome == REFUSED && record->seen[half] == 1)
		add(judge, FAULT_UNEXPECTED, account, record);
	return record;
}

/* ---- lists --------------------------------------------------------------------------------------------------- */

/* An unknown write may come into effect after later ones of the same worker, and one that is there twice is counted as
 * that: neither is out of order. */
static void judge_list(struct judge *judge, const struct account *account, struct resp_cursor *replies, int half)
{
	struct resp_item list, item;
	memset(judge->newest, 0, judge->books->head.workers * sizeof *judge->newest);
	if (!resp_next(replies, &list) || list.type != RESP_ARRAY)
		return;
	for (int64_t i = 0; i < list.number && resp_next(replies, &item); i++) {
		struct record *record = take(judge, account, &item, half);
		if (!record || record->outcome != ACKNOWLEDGED || record->seen[half] > 1)
			continue;
		if (record->number < judge->newest[record->worker])
			add(judge, FAULT_OUT_OF_ORDER, account, record);
		else
			judge->newest[record->worker] = record->number;
	}
}

static void judge_pushed(struct judge *judge, const struct account *account, bool pair)
{
	for (size_t i = account->first; i < account->first + account->n; i++) {
		const struct record *record = &judge->books->records.at[i];
		bool whole = !pair || (record->seen[0] > 0) == (record->seen[1] > 0);
		if (!whole)
			add(judge, FAULT_TORN, account, record);
		else if (record->outcome == ACKNOWLEDGED && record->seen[0] == 0)
			add_lost(judge, account, record);
		if (record->seen[0] > 1 || record->seen[1] > 1)
			add(judge, FAULT_DUPLICATED, account, record);
	}
}

/* ---- single values ------------------------------------------------------------------------------------------- */

/* Every acknowledged version that is later than what is there is lost. */
static void judge_register(struct judge *judge, const struct account *account, const struct resp_item *item)
{
	const struct record *there = item->type == RESP_NULL ? NULL : take(judge, account, item, 0);
	for (size_t i = account->first; i < account->first + account->n; i++) {
		const struct record *record = &judge->books->records.at[i];
		if (record->outcome == ACKNOWLEDGED && (!there || record->number > there->number))
			add_lost(judge, account, record);
	}
}

static void judge_present(struct judge *judge, const struct account *account, const struct record *record,
			  int64_t left_ms, int64_t asked_us)
{
	int64_t latest_us = record->end_us + record->px_ms * US_PER_MS + CLOCK_TOLERANCE_US;
	/* Of an unknown write nobody knows when it came into effect. -2: it went between GET and PTTL. */
	bool timeless = left_ms == -1, late = left_ms >= 0 && asked_us + left_ms * US_PER_MS > latest_us;
	if (timeless || (late && record->outcome == ACKNOWLEDGED))
		add(judge, FAULT_OUTLIVED, account, record);
}

/* Its key was written once. */
static void judge_expiring(struct judge *judge, const struct account *account, const struct resp_item *item,
			   const struct resp_item *left, int64_t asked_us, int64_t answered_us)
{
	const struct record *record = &judge->books->records.at[account->first];
	if (item->type != RESP_NULL) {
		if (take(judge, account, item, 0))
			judge_present(judge, account, record, left->number, asked_us);
		return;
	}
	if (record->outcome == ACKNOWLEDGED &&
	    answered_us < record->begin_us + record->px_ms * US_PER_MS - CLOCK_TOLERANCE_US)
		add_lost(judge, account, record);
}

void judge_account(struct judge *judge, const struct account *account, struct resp_cursor replies, int64_t asked_us,
		   int64_t answered_us)
{
	struct resp_item item = { .type = RESP_NULL }, left = item;
	switch (account->kind) {
	case KIND_OWN:
	case KIND_SHARED:
		judge_list(judge, account, &replies, 0);
		judge_pushed(judge, account, false);
		break;
	case KIND_PAIR:
		judge_list(judge, account, &replies, 0);
		judge_list(judge, account, &replies, 1);
		judge_pushed(judge, account, true);
		break;
	case KIND_REGISTER:
		resp_next(&replies, &item);
		judge_register(judge, account, &item);
		break;
	case KIND_LASTING:
	case KIND_FLEETING:
		resp_next(&replies, &item);
		resp_next(&replies, &left);
		judge_expiring(judge, account, &item, &left, asked_us, answered_us);
		break;
	case KINDS_N: break;
	}
}
