/* talk.h - a conversation with one server that waits for its answers: for threads of their own, never on the loop.
 *
 * For what is a long stream rather than a question: a snapshot that is read, keys that are given. Each wait ends with
 * its timeout, or when the caller's stop_fd becomes readable. A conversation that failed is only good for closing; it
 * is closed so that nothing of it arrives late.
 */
#ifndef ROP_TALK_H
#define ROP_TALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"

struct rop_talk_options {    /* borrowed while it is open */
	const char *address; /* "host:port", for sentences */
	const char *ip;      /* literal */
	int port;
	const char *user, *password, *client_name; /* as in rop_fleet_options */
	int64_t connect_timeout_ms, timeout_ms;    /* timeout: of each wait */
	int stop_fd;                               /* -1: none */
};

struct rop_talk;
/* Connects and logs in. Codes: UNREACHABLE, DENIED, FAIL. */
bool rop_talk_open(const struct rop_talk_options *options, struct rop_talk **ret_talk, struct rop_err *err);
void rop_talk_close(struct rop_talk *talk); /* NULL is fine */

void rop_talk_patience(struct rop_talk *talk, int64_t timeout_ms); /* from now on */

/* Commands are put together word by word and sent together. */
void rop_talk_begin(struct rop_talk *talk, size_t words);
void rop_talk_word(struct rop_talk *talk, const void *bytes, size_t n);
void rop_talk_text(struct rop_talk *talk, const char *text);
void rop_talk_number(struct rop_talk *talk, int64_t number);
size_t rop_talk_waiting(const struct rop_talk *talk); /* bytes that were put and not sent */
bool rop_talk_flush(struct rop_talk *talk, struct rop_err *err);

struct rop_talk_reply {
	char kind;        /* + - : $; '_' for nil */
	const char *text; /* terminated; until the next call */
	size_t n;
	int64_t number; /* of ':' */
};
/* The next reply, whatever it says. Arrays are none that is expected: FAIL. */
bool rop_talk_reply(struct rop_talk *talk, struct rop_talk_reply *ret_reply, struct rop_err *err);
/* Is it +OK? Else what it means, with the server and the command named. */
bool rop_talk_is_ok(struct rop_talk *talk, const char *command, const struct rop_talk_reply *reply,
		    struct rop_err *err);
/* Always false: the error reply to that command, in words. */
bool rop_talk_refused(struct rop_talk *talk, const char *command, const struct rop_talk_reply *reply,
		      struct rop_err *err);
/* One command of words without blanks, sent alone, and its reply. */
bool rop_talk_ask(struct rop_talk *talk, const char *command, struct rop_talk_reply *ret_reply, struct rop_err *err);

/* Of a stream that is no reply: a line without its end, at most `size` - 1 bytes; bytes as they come, at least one. */
bool rop_talk_line(struct rop_talk *talk, char *line, size_t size, struct rop_err *err);
bool rop_talk_bytes(struct rop_talk *talk, void *bytes, size_t size, size_t *ret_n, struct rop_err *err);

#endif
