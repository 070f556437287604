/* reader.c - hiredis' protocol reader with limits.
 *
 * Left alone, the reader believes what it is told: it allocates an array of as many elements as a peer announces,
 * waits for as many bytes, and searches a line without end from its beginning after every read. The limits are
 * checked after each read of 16 KiB, per exchange: bytes, elements of all arrays together (an empty string costs
 * three bytes on the wire and twenty times that in memory), their depth, the length of a line; and per reply: bytes, as
 * many as what was asked can explain, read or announced.
 */
#include "reader.h"

#include <stdio.h>
#include <string.h>

#define BYTES_MAX ((size_t)64 << 20)
#define ELEMENTS_MAX ((size_t)100 * 1000)
#define DEPTH_MAX 6 /* replies are freed by recursion, and hiredis has no limit of its own since 1.0 */
#define LINE_MAX_BYTES ((size_t)64 << 10)
#define KEEP_MAX ((size_t)64 << 10) /* a buffer larger than this does not stay with an idle connection */

static void *create_array(const redisReadTask *task, reader_count n)
{
	struct reader *reader = task->privdata;
	int depth = 0;
	for (const redisReadTask *parent = task->parent; parent; parent = parent->parent)
		depth++;
	reader->elements += (size_t)n;
	if (depth > DEPTH_MAX)
		reader->beyond = "its answer is nested too deeply";
	else if (reader->elements > ELEMENTS_MAX)
		reader->beyond = "its answer has more than 100000 elements";
	if (reader->beyond)
		return NULL;
	return reader->create_array(task, n);
}

void reader_attach(struct reader *reader, redisContext *context)
{
	reader->functions = *context->reader->fn;
	reader->create_array = reader->functions.createArray;
	reader->functions.createArray = create_array;
	context->reader->fn = &reader->functions;
	context->reader->privdata = reader;
}

void reader_begin(struct reader *reader)
{
	reader->bytes = reader->elements = reader->begun = 0;
	reader->beyond = NULL;
	memset(reader->start, 0, sizeof reader->start);
}

void reader_settle(struct reader *reader, redisContext *context)
{
	if (reader->bytes <= KEEP_MAX)
		return;
	redisReader *fresh = redisReaderCreate();
	if (!fresh)
		return;
	redisReaderFree(context->reader);
	context->reader = fresh;
	reader_attach(reader, context);
}

bool reader_unread(const redisContext *context)
{
	return context->reader->len > context->reader->pos;
}

bool reader_read(struct reader *reader, redisContext *context, size_t *ret_got)
{
	size_t before = context->reader->len;
	if (redisBufferRead(context) != REDIS_OK)
		return false;
	size_t got = context->reader->len - before;
	if (reader->bytes < sizeof reader->start) {
		size_t room = sizeof reader->start - reader->bytes;
		memcpy(reader->start + reader->bytes, context->reader->buf + before, got < room ? got : room);
	}
	reader->bytes += got;
	*ret_got = got;
	return true;
}

static bool has_line_end(const char *at, size_t n)
{
	for (const char *p = at; (p = memchr(p, '\r', n - (size_t)(p - at) - 1)); p++)
		if (p[1] == '\n')
			return true;
	return false;
}

static const char *too_long(struct reader *reader, size_t limit, const char *asked)
{
	snprintf(reader->why, sizeof reader->why, "its answer to %s is longer than %zu KiB, more than can be explained",
		 asked, limit >> 10);
	return reader->why;
}

/* What waits to be completed: a line that does not end, or "12345\r\n" of a string that announces too much (numbers
 * and arrays of that look were taken already). Its type byte is behind the cursor. */
static const char *check_unfinished(struct reader *reader, const redisContext *context, size_t limit, const char *asked)
{
	const char *at = context->reader->buf + context->reader->pos;
	size_t n = context->reader->len - context->reader->pos, length = 0, i = 0;
	if (n > LINE_MAX_BYTES && !has_line_end(at, LINE_MAX_BYTES))
		return "it sends a line without an end";
	for (; i < n && at[i] >= '0' && at[i] <= '9' && length <= limit; i++)
		length = length * 10 + (size_t)(at[i] - '0');
	return length > limit || reader->bytes - reader->begun > limit ? too_long(reader, limit, asked) : NULL;
}

static const char *not_the_protocol(struct reader *reader, const char *found)
{
	if (reader->beyond)
		return reader->beyond;
	if (memcmp(reader->start, "HTTP/", 5) == 0)
		return "it speaks HTTP, not the Redis protocol";
	if (memcmp(reader->start, "SSH-", 4) == 0)
		return "it speaks SSH, not the Redis protocol";
	if (reader->start[0] == 0x15 && reader->start[1] == 0x03)
		return "it wants TLS";
	snprintf(reader->why, sizeof reader->why, "it does not speak the Redis protocol (%s)", found);
	return reader->why;
}

/* Of the reply that was just completed; the next one begins behind it. */
static size_t take_size(struct reader *reader, const redisContext *context)
{
	size_t end = reader->bytes - (context->reader->len - context->reader->pos), size = end - reader->begun;
	reader->begun = end;
	return size;
}

redisReply *reader_next(struct reader *reader, redisContext *context, size_t limit, const char *asked,
			const char **ret_why)
{
	void *reply = NULL;
	if (redisReaderGetReply(context->reader, &reply) != REDIS_OK)
		*ret_why = not_the_protocol(reader, context->reader->errstr);
	else if (reader->bytes > BYTES_MAX && (!reply || reader_unread(context)))
		*ret_why = "its answers do not end within 64 MiB";
	else if (!reply)
		*ret_why = check_unfinished(reader, context, limit, asked);
	else if (take_size(reader, context) > limit)
		*ret_why = too_long(reader, limit, asked);
	if (*ret_why && reply)
		freeReplyObject(reply);
	return *ret_why ? NULL : reply;
}
