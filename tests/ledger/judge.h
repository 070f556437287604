/* judge.h - what is there of an account, against what was written to it. Pure: replies and times are arguments. */
#ifndef LEDGER_JUDGE_H
#define LEDGER_JUDGE_H

#include "books.h"
#include "resp.h"
#include "verdict.h"

struct judge {
	struct books *books;
	struct verdict *verdict;
	uint64_t *newest; /* of each worker, in the list that is being judged */
};

void judge_init(struct judge *judge, struct books *books, struct verdict *verdict);
void judge_done(struct judge *judge);

/* The replies to what is asked of an account of its kind: LRANGE KEY 0 -1 (of both keys of a pair); GET; GET and PTTL.
 * They were asked for at `asked_us` and came at `answered_us`. */
void judge_account(struct judge *judge, const struct account *account, struct resp_cursor replies, int64_t asked_us,
		   int64_t answered_us);

#endif
