/* resync.c - a snapshot streamed by a server (replication.c of the servers: syncCommand, readSyncBulkPayload).
 *
 * We say that we take a snapshot without a length (capa eof), so that no disk of the server is needed, and that we want
 * nothing after it (rdb-only, since 6.2), so that the server keeps nothing for us. Then:
 *   PSYNC ? -1
 *   +FULLRESYNC <history> <offset>                  the snapshot is of that moment
 *   $EOF:<40 bytes> ... the same 40 bytes again     or: $<length> ...
 * Until it begins the server sends newlines, so that nobody takes it for dead; it waits for more replicas for
 * repl-diskless-sync-delay seconds.
 */
#include "resync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rop/mem.h"
#include "rop/text.h"

#define MARK_BYTES 40
#define BUFFER_BYTES ((size_t)256 << 10)
#define LINES_MAX 100000 /* newlines while it waits: one a second */

struct resync {
	struct rop_talk *talk;
	const char *address;
	char replid[ROP_ID_SIZE];
	int64_t offset;
	bool marked; /* it ends with the mark; else `left` bytes are to come */
	char mark[MARK_BYTES];
	int64_t left;
	size_t n; /* in the buffer: with a mark, the last bytes stay until it is known that they are not it */
	size_t given;
	uint8_t buffer[BUFFER_BYTES];
};

const char *resync_replid(const struct resync *r)
{
	return r->replid;
}

int64_t resync_offset(const struct resync *r)
{
	return r->offset;
}

/* What is not known to an older server is not needed: it refuses, and that is fine. */
static bool tell(struct resync *r, const char *command, bool needed, struct rop_err *err)
{
	struct rop_talk_reply reply;
	if (!rop_talk_ask(r->talk, command, &reply, err))
		return false;
	if (reply.kind != '-' || (!needed && strncmp(reply.text, "NOPERM", 6) != 0))
		return true;
	return rop_talk_refused(r->talk, "REPLCONF", &reply, err);
}

/* A newer Valkey writes as its replica can read: it is told that we read what it has. */
static bool tell_version(struct resync *r, const char *flavour, struct rop_err *err)
{
	char command[64];
	if (strncmp(flavour, "valkey ", 7) != 0)
		return true;
	snprintf(command, sizeof command, "REPLCONF version %.32s", flavour + 7);
	return tell(r, command, false, err);
}

/* The next line that is not empty. */
static bool line(struct resync *r, char *text, size_t size, struct rop_err *err)
{
	for (int i = 0; i < LINES_MAX; i++) {
		if (!rop_talk_line(r->talk, text, size, err))
			return false;
		if (*text)
			return true;
	}
	return rop_fail(err, ROP_FAIL, "%s: it does not begin", r->address);
}

static bool take_moment(struct resync *r, const char *text, struct rop_err *err)
{
	char offset[24];
	int64_t number;
	if (*text == '-') {
		const struct rop_talk_reply reply = { .kind = '-', .text = text + 1, .n = strlen(text + 1) };
		return rop_talk_refused(r->talk, "PSYNC", &reply, err);
	}
	if (sscanf(text, "+FULLRESYNC %40[0-9a-f] %20[0-9]", r->replid, offset) != 2 || strlen(r->replid) != 40 ||
	    !rop_int_parse(offset, 0, INT64_MAX, &number))
		return rop_fail(err, ROP_FAIL, "%s: it answers PSYNC with something unexpected", r->address);
	r->offset = number;
	return true;
}

static bool take_form(struct resync *r, const char *text, struct rop_err *err)
{
	if (*text == '-') {
		const struct rop_talk_reply reply = { .kind = '-', .text = text + 1, .n = strlen(text + 1) };
		return rop_talk_refused(r->talk, "PSYNC", &reply, err);
	}
	r->marked = strncmp(text, "$EOF:", 5) == 0;
	if (r->marked && strlen(text + 5) == MARK_BYTES) {
		memcpy(r->mark, text + 5, MARK_BYTES);
		return true;
	}
	if (!r->marked && *text == '$' && rop_int_parse(text + 1, 0, INT64_MAX, &r->left))
		return true;
	return rop_fail(err, ROP_FAIL, "%s: it begins its snapshot in an unknown way", r->address);
}

static bool ask(struct resync *r, const char *flavour, const struct resync_hooks *hooks, struct rop_err *err)
{
	char text[256];
	if (!tell(r, "REPLCONF capa eof capa psync2", true, err) || !tell(r, "REPLCONF rdb-only 1", false, err) ||
	    !tell_version(r, flavour, err) || (hooks && !hooks->before(hooks->arg, r->talk, err)))
		return false;
	rop_talk_begin(r->talk, 3);
	rop_talk_text(r->talk, "PSYNC");
	rop_talk_text(r->talk, "?");
	rop_talk_text(r->talk, "-1");
	return rop_talk_flush(r->talk, err) && line(r, text, sizeof text, err) && take_moment(r, text, err) &&
	       (!hooks || hooks->begun(hooks->arg, r->talk, r->offset, err));
}

bool resync_open(const struct rop_talk_options *options, const char *flavour, const struct resync_hooks *hooks,
		 struct resync **ret_resync, struct rop_err *err)
{
	struct rop_talk *talk;
	if (!rop_talk_open(options, &talk, err))
		return false;
	struct resync *r = rop_malloc(sizeof *r);
	memset(r, 0, sizeof *r);
	r->talk = talk;
	r->address = options->address;
	r->left = -1;
	if (!ask(r, flavour, hooks, err)) {
		resync_close(r);
		return false;
	}
	*ret_resync = r;
	return true;
}

void resync_close(struct resync *r)
{
	if (!r)
		return;
	rop_talk_close(r->talk);
	free(r);
}

static bool fill(struct resync *r, size_t most, struct rop_err *err)
{
	size_t room = sizeof r->buffer - r->n, got;
	if (!rop_talk_bytes(r->talk, r->buffer + r->n, room < most ? room : most, &got, err))
		return false;
	r->n += got;
	return true;
}

static ptrdiff_t more_of_length(struct resync *r, const uint8_t **ret_at, struct rop_err *err)
{
	r->n = 0;
	if (r->left == 0)
		return 0;
	if (!fill(r, r->left < (int64_t)sizeof r->buffer ? (size_t)r->left : sizeof r->buffer, err))
		return -1;
	r->left -= (int64_t)r->n;
	*ret_at = r->buffer;
	return (ptrdiff_t)r->n;
}

/* All but the last 40 bytes, which may be the mark. */
static ptrdiff_t more_to_mark(struct resync *r, const uint8_t **ret_at, struct rop_err *err)
{
	memmove(r->buffer, r->buffer + r->given, r->n - r->given);
	r->n -= r->given;
	r->given = 0;
	while (r->n <= MARK_BYTES)
		if (!fill(r, sizeof r->buffer, err))
			return -1;
	r->given = r->n - MARK_BYTES;
	*ret_at = r->buffer;
	return (ptrdiff_t)r->given;
}

ptrdiff_t resync_more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	struct resync *r = arg;
	char text[256];
	if (r->left < 0 && !r->marked && (!line(r, text, sizeof text, err) || !take_form(r, text, err)))
		return -1;
	return r->marked ? more_to_mark(r, ret_at, err) : more_of_length(r, ret_at, err);
}

bool resync_end(struct resync *r, struct rop_err *err)
{
	bool fine = r->left == 0;
	while (r->marked && r->n - r->given < MARK_BYTES)
		if (!fill(r, MARK_BYTES, err))
			return false;
	if (r->marked)
		fine = r->n - r->given == MARK_BYTES && memcmp(r->buffer + r->given, r->mark, MARK_BYTES) == 0;
	return fine || rop_fail(err, ROP_FAIL, "%s: its snapshot ends otherwise than its stream", r->address);
}
