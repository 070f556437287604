/* journal.h - what was written, how it ended and when: a line for each write, in the order in which they ended.
 *
 *   ledger 1 run L6a3f09c2 workers 32 seed 7
 *   acknowledged own 8123456 8123999 5461 L6a3f09c2:own:17 3:1045 0 direct 127.0.0.1:7001
 *
 * Outcome, kind, begin and end (microseconds of CLOCK_MONOTONIC), slot, key, value (WORKER:NUMBER), milliseconds until
 * it expires (0: never), detours (direct, or moved=1,ask=2 ...), the node that was asked last. The key of a pair stands
 * for two: with an `a` and with a `b` behind it.
 *
 * Lines are kept in memory for a tenth of a second at most (journal_flush): a ledger that is killed with -9 leaves a
 * journal that lacks what it wrote last.
 */
#ifndef LEDGER_JOURNAL_H
#define LEDGER_JOURNAL_H

#include <stdbool.h>

#include "base.h"
#include "words.h"

struct entry {
	enum outcome outcome;
	enum kind kind;
	int64_t begin_us, end_us;
	unsigned slot;
	const char *key;
	uint32_t worker;
	uint64_t number; /* grows with each write of the worker */
	int64_t px_ms;
	unsigned detours[DETOURS_N];
	const char *node;
};

enum { RUN_SIZE = 16 };

struct journal_head {
	char run[RUN_SIZE]; /* every key begins with it and a colon */
	unsigned workers;
	uint64_t seed;
};

struct journal {
	const char *path;
	int fd;
	struct text lines;
};

/* Makes the file; one that is there already is left alone. What cannot be written ends the process. */
void journal_create(struct journal *journal, const char *path, const struct journal_head *head);
void journal_add(struct journal *journal, const struct entry *entry);
void journal_flush(struct journal *journal);
void journal_close(struct journal *journal);

/* One line, without its end. `line` is cut into pieces, which the entry then points to. */
bool journal_parse_head(const char *line, struct journal_head *ret);
bool journal_parse(char *line, struct entry *ret);
/* As journal_add writes it, with its end. */
void journal_print(struct text *out, const struct entry *entry);

#endif
