/* resp.c - the servers' protocol (RESP2): commands written, replies found and walked through. */
#include "resp.h"

#include <string.h>

enum { LINE_MAX_BYTES = 64 * 1024 };
#define BULK_MAX ((int64_t)1 << 30)

enum taken { TAKEN, PARTIAL, BROKEN };

static bool parse_number(const char *text, size_t n, int64_t *ret)
{
	bool negative = n > 0 && text[0] == '-';
	size_t i = negative;
	uint64_t value = 0;
	if (i == n || n - i > 18)
		return false;
	for (; i < n; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		value = value * 10 + (uint64_t)(text[i] - '0');
	}
	*ret = negative ? -(int64_t)value : (int64_t)value;
	return true;
}

/* The text of a bulk stands behind its line, and ends like a line. */
static enum taken take_bulk(const char *bytes, size_t n, struct resp_item *item, size_t *used)
{
	size_t size = (size_t)item->number;
	if (n - *used < size + 2)
		return PARTIAL;
	item->text = bytes + *used;
	item->n = size;
	*used += size + 2;
	return memcmp(item->text + size, "\r\n", 2) == 0 ? TAKEN : BROKEN;
}

/* One item, without the elements of an array. */
static enum taken take(const char *bytes, size_t n, struct resp_item *item, size_t *used)
{
	const char *line = bytes + 1, *end = n > 0 ? memchr(bytes, '\n', n) : NULL;
	*item = (struct resp_item){ 0 };
	if (!end)
		return n > LINE_MAX_BYTES ? BROKEN : PARTIAL;
	if (end < line + 1 || end[-1] != '\r')
		return BROKEN;
	*used = (size_t)(end + 1 - bytes);
	item->text = line;
	item->n = (size_t)(end - 1 - line);
	if (bytes[0] == '+' || bytes[0] == '-') {
		item->type = bytes[0] == '+' ? RESP_SIMPLE : RESP_ERROR;
		return TAKEN;
	}
	if (!parse_number(item->text, item->n, &item->number))
		return BROKEN;
	if (bytes[0] == ':') {
		item->type = RESP_NUMBER;
		return TAKEN;
	}
	if ((bytes[0] != '$' && bytes[0] != '*') || item->number < -1 || item->number > BULK_MAX)
		return BROKEN;
	item->type = bytes[0] == '$' ? RESP_BULK : RESP_ARRAY;
	if (item->number == -1) {
		item->type = RESP_NULL;
		return TAKEN;
	}
	return item->type == RESP_BULK ? take_bulk(bytes, n, item, used) : TAKEN;
}

/* An item has ended, and with it each array whose last element it was. */
static void item_ended(struct resp_scan *scan)
{
	while (scan->depth > 0 && --scan->left[scan->depth - 1] == 0)
		scan->depth--;
	if (scan->depth == 0)
		scan->whole++;
}

bool resp_scan(struct resp_scan *scan, const char *bytes, size_t n, size_t wanted)
{
	while (scan->whole < wanted) {
		struct resp_item item;
		size_t used;
		enum taken taken = take(bytes + scan->at, n - scan->at, &item, &used);
		if (taken != TAKEN)
			return taken == PARTIAL;
		scan->at += used;
		if (item.type != RESP_ARRAY || item.number == 0) {
			item_ended(scan);
			continue;
		}
		if (scan->depth == RESP_DEPTH_MAX)
			return false;
		scan->left[scan->depth++] = item.number;
	}
	return true;
}

bool resp_next(struct resp_cursor *cursor, struct resp_item *ret)
{
	size_t used;
	if (cursor->at == cursor->end || take(cursor->at, (size_t)(cursor->end - cursor->at), ret, &used) != TAKEN)
		return false;
	cursor->at += used;
	return true;
}

bool resp_skip(struct resp_cursor *cursor)
{
	struct resp_scan scan = { 0 };
	if (!resp_scan(&scan, cursor->at, (size_t)(cursor->end - cursor->at), 1) || scan.whole == 0)
		return false;
	cursor->at += scan.at;
	return true;
}

bool resp_is(const struct resp_item *item, enum resp_type type, const char *text)
{
	return item->type == type && item->n == strlen(text) && memcmp(item->text, text, item->n) == 0;
}

static void add_header(struct text *out, char type, size_t number)
{
	char digits[24];
	size_t at = sizeof digits;
	digits[--at] = '\n';
	digits[--at] = '\r';
	do {
		digits[--at] = (char)('0' + number % 10);
		number /= 10;
	} while (number > 0);
	digits[--at] = type;
	text_add(out, digits + at, sizeof digits - at);
}

void resp_command(struct text *out, const char *const *words)
{
	size_t n = 0;
	while (words[n])
		n++;
	add_header(out, '*', n);
	for (size_t i = 0; i < n; i++) {
		size_t size = strlen(words[i]);
		add_header(out, '$', size);
		text_add(out, words[i], size);
		text_add(out, "\r\n", 2);
	}
}
