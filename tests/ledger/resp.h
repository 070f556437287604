/* resp.h - the servers' protocol (RESP2): commands written, replies found and walked through.
 *
 * Replies stay where they were read to. A scan finds where they end, over bytes that come piecemeal; a cursor then
 * walks through the items, an array's elements behind the array.
 */
#ifndef LEDGER_RESP_H
#define LEDGER_RESP_H

#include <stdbool.h>

#include "base.h"

enum { RESP_DEPTH_MAX = 8 };

enum resp_type { RESP_SIMPLE, RESP_ERROR, RESP_NUMBER, RESP_BULK, RESP_ARRAY, RESP_NULL };

struct resp_item {
	enum resp_type type;
	const char *text; /* of SIMPLE, ERROR, BULK; not ended by a NUL */
	size_t n;
	int64_t number; /* of NUMBER: its value; of ARRAY: how many elements follow */
};

struct resp_scan {
	size_t at;    /* so far all is known, from the first byte */
	size_t whole; /* so many replies end before it */
	size_t depth;
	int64_t left[RESP_DEPTH_MAX]; /* elements to come, in each array that is open */
};

/* Goes on until `wanted` replies are whole or the bytes end. `bytes` are all since the scan began, at whatever address.
 * false: these are no replies. */
bool resp_scan(struct resp_scan *scan, const char *bytes, size_t n, size_t wanted);

struct resp_cursor {
	const char *at, *end;
};

/* The next item; false at the end. */
bool resp_next(struct resp_cursor *cursor, struct resp_item *ret);
/* Behind the next item and all its elements; false at the end. */
bool resp_skip(struct resp_cursor *cursor);

bool resp_is(const struct resp_item *item, enum resp_type type, const char *text);

/* RESP_COMMAND(&wire, "SET", key, value): appended. */
#define RESP_COMMAND(out, ...) resp_command((out), (const char *const[]){ __VA_ARGS__, NULL })
void resp_command(struct text *out, const char *const *words);

#endif
