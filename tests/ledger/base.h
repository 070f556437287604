/* base.h - what every part of the ledger stands on: the clock, memory, growing lists and texts, seeded random numbers.
 *
 * Nothing here or in this folder is shared with the program under test. Memory that is not to be had ends the process.
 */
#ifndef LEDGER_BASE_H
#define LEDGER_BASE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

enum { US_PER_MS = 1000, US_PER_S = 1000000 };

/* Microseconds of CLOCK_MONOTONIC: the journal's clock. */
int64_t now_us(void);

/* Says "ledger: ..." on stderr and ends with exit code 2: what was asked for could not be done. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* ---- lists -------------------------------------------------------------------------------------------------- */

#define LIST(type) \
	struct { \
		type *at; \
		size_t n, cap; \
	}

/* The place of a new last element, zeroed; it moves when the list grows. */
#define list_add(list) \
	((list)->at = list_room((list)->at, &(list)->cap, (list)->n + 1, sizeof *(list)->at), (list)->at + (list)->n++)

void *list_room(void *at, size_t *cap, size_t wanted, size_t size);

void *zeroed(size_t n, size_t size);

/* ---- texts: bytes that grow, not ended by a NUL -------------------------------------------------------------- */

struct text {
	char *at;
	size_t n, cap;
};

/* Room for n more bytes behind what there is. */
char *text_room(struct text *text, size_t n);
void text_add(struct text *text, const char *bytes, size_t n);
void text_free(struct text *text);

/* ---- numbers ------------------------------------------------------------------------------------------------- */

uint64_t random_word(uint64_t *seed);
/* Less than n, which is not 0. */
uint64_t random_under(uint64_t *seed, uint64_t n);

#endif
