/* verdict.h - what was found wrong: how often, and the first of each in words. */
#ifndef LEDGER_VERDICT_H
#define LEDGER_VERDICT_H

#include <stdbool.h>

#include "base.h"

#define FAULTS(X) /* id, word, JSON's word, what it means */ \
	X(LOST, "lost", "lost", "acknowledged, and not there") \
	X(DUPLICATED, "duplicated", "duplicated", "there more than once") \
	X(OUT_OF_ORDER, "out of order", "outOfOrder", "behind a later one of the same worker") \
	X(TORN, "torn", "torn", "a transaction of which one half is there") \
	X(NEVER_SENT, "never sent", "neverSent", "there, and nobody sent it") \
	X(UNEXPECTED, "refused but there", "refusedButThere", "refused by the server, and there") \
	X(OUTLIVED, "outlived", "outlived", "there longer than its time, or without one") \
	X(MISPLACED, "misplaced", "misplaced", "a key on a node that does not own its slot") \
	X(TWICE, "on two nodes", "onTwoNodes", "a key on two primaries") \
	X(DISPUTED, "disputed slots", "disputedSlots", "a slot that two primaries say different owners of") \
	X(UNREADABLE, "unreadable", "unreadable", "a key or a node that gave no answer")

/* clang-format off */
enum fault {
#define X(id, word, json, meaning) FAULT_##id,
	FAULTS(X)
#undef X
	FAULTS_N
};
/* clang-format on */

struct fault_words {
	const char *word, *json, *meaning;
};
extern const struct fault_words FAULT_WORDS[FAULTS_N];

struct verdict {
	uint64_t counts[FAULTS_N];
	struct text told; /* a line for each of the first ones */
	struct text lost; /* KEY VALUE of every lost one, a line each */
};

void verdict_add(struct verdict *verdict, enum fault fault, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void verdict_free(struct verdict *verdict);
bool verdict_clean(const struct verdict *verdict);

#endif
