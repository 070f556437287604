/* talk.c - a conversation with one server that waits for its answers.
 *
 * Failure modes: no connection; closed at any point; nothing comes or goes for a timeout; the caller wants to stop; an
 * answer that is not the protocol. Each is an error, and the end of the conversation.
 */
#include "rop/talk.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <hiredis/hiredis.h>

#include "dial.h"
#include "rop/loop.h"
#include "rop/mem.h"
#include "rop/text.h"
#include "verdict.h"
#include "wire.h"

#define WAIT_MOST_MS 60000 /* at a time */
#define IN_BYTES ((size_t)128 << 10)
#define OUT_KEPT ((size_t)1 << 20)          /* after a large word its memory is given back */
#define BULK_MAX_BYTES ((int64_t)520 << 20) /* a value's dump: servers take 512 MB */

struct rop_talk {
	struct rop_talk_options options;
	struct verdict_login login;
	redisContext *context;
	struct rop_text out, text; /* what is to be sent; of the last reply */
	size_t in_at, in_n;
	char in[IN_BYTES];
};

/* ---- waiting ---------------------------------------------------------------------------------------------------- */

static bool failed(struct rop_talk *talk, enum rop_code code, const char *what, struct rop_err *err)
{
	return rop_fail(err, code, "%s: %s", talk->options.address, what);
}

static bool wait_for(struct rop_talk *talk, short events, int64_t timeout_ms, const char *late, struct rop_err *err)
{
	int64_t until = rop_boot_ms() + timeout_ms;
	for (;;) {
		struct pollfd fds[2] = { { .fd = talk->context->fd, .events = events },
					 { .fd = talk->options.stop_fd, .events = POLLIN } };
		int64_t left = until - rop_boot_ms();
		if (left > WAIT_MOST_MS)
			left = WAIT_MOST_MS;
		int n = left > 0 ? poll(fds, 2, (int)left) : 0;
		if (n < 0 && errno != EINTR)
			return failed(talk, ROP_FAIL, strerror(errno), err);
		if (n > 0 && fds[1].revents)
			return failed(talk, ROP_FAIL, "stopped", err);
		if (n > 0)
			return true;
		if (n == 0 && rop_boot_ms() >= until)
			return failed(talk, ROP_UNREACHABLE, late, err);
	}
}

static bool fill(struct rop_talk *talk, void *to, size_t size, size_t *ret_n, struct rop_err *err)
{
	for (;;) {
		ssize_t n = recv(talk->context->fd, to, size, 0);
		if (n > 0) {
			*ret_n = (size_t)n;
			return true;
		}
		if (n == 0)
			return failed(talk, ROP_UNREACHABLE, "it closed the connection", err);
		if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!wait_for(talk, POLLIN, talk->options.timeout_ms, "no answer in time", err))
				return false;
		} else if (errno != EINTR) {
			return failed(talk, ROP_UNREACHABLE, strerror(errno), err);
		}
	}
}

bool rop_talk_flush(struct rop_talk *talk, struct rop_err *err)
{
	size_t sent = 0;
	while (sent < talk->out.n) {
		ssize_t n = send(talk->context->fd, talk->out.at + sent, talk->out.n - sent, MSG_NOSIGNAL);
		if (n >= 0)
			sent += (size_t)n;
		else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			if (!wait_for(talk, POLLOUT, talk->options.timeout_ms, "it takes nothing more", err))
				return false;
		} else if (errno != EINTR) {
			return failed(talk, ROP_UNREACHABLE, strerror(errno), err);
		}
	}
	talk->out.n = 0;
	if (talk->out.cap > OUT_KEPT)
		rop_text_done(&talk->out);
	return true;
}

void rop_talk_patience(struct rop_talk *talk, int64_t timeout_ms)
{
	talk->options.timeout_ms = timeout_ms;
}

/* ---- what is sent ----------------------------------------------------------------------------------------------- */

void rop_talk_begin(struct rop_talk *talk, size_t words)
{
	wire_begin(&talk->out, words);
}

void rop_talk_word(struct rop_talk *talk, const void *bytes, size_t n)
{
	wire_word(&talk->out, bytes, n);
}

void rop_talk_text(struct rop_talk *talk, const char *text)
{
	wire_word(&talk->out, text, strlen(text));
}

void rop_talk_number(struct rop_talk *talk, int64_t number)
{
	char text[24];
	int n = snprintf(text, sizeof text, "%" PRId64, number);
	wire_word(&talk->out, text, (size_t)n);
}

size_t rop_talk_waiting(const struct rop_talk *talk)
{
	return talk->out.n;
}

/* ---- what is answered ------------------------------------------------------------------------------------------- */

static bool byte(struct rop_talk *talk, char *ret, struct rop_err *err)
{
	if (talk->in_at == talk->in_n) {
		size_t n;
		if (!fill(talk, talk->in, sizeof talk->in, &n, err))
			return false;
		talk->in_at = 0;
		talk->in_n = n;
	}
	*ret = talk->in[talk->in_at++];
	return true;
}

bool rop_talk_bytes(struct rop_talk *talk, void *bytes, size_t size, size_t *ret_n, struct rop_err *err)
{
	size_t there = talk->in_n - talk->in_at;
	if (there == 0)
		return fill(talk, bytes, size, ret_n, err);
	*ret_n = there < size ? there : size;
	memcpy(bytes, talk->in + talk->in_at, *ret_n);
	talk->in_at += *ret_n;
	return true;
}

bool rop_talk_line(struct rop_talk *talk, char *line, size_t size, struct rop_err *err)
{
	size_t n = 0;
	for (char c;;) {
		if (!byte(talk, &c, err))
			return false;
		if (c == '\n')
			break;
		if (n + 1 >= size)
			return failed(talk, ROP_FAIL, "its line is too long: that is not the protocol", err);
		line[n++] = c;
	}
	line[n && line[n - 1] == '\r' ? n - 1 : n] = '\0';
	return true;
}

static bool bulk(struct rop_talk *talk, int64_t n, struct rop_talk_reply *ret, struct rop_err *err)
{
	char part[4096], end[2];
	talk->text.n = 0;
	for (int64_t left = n; left > 0;) {
		size_t got;
		if (!rop_talk_bytes(talk, part, left < (int64_t)sizeof part ? (size_t)left : sizeof part, &got, err))
			return false;
		rop_text_put(&talk->text, part, got);
		left -= (int64_t)got;
	}
	if (!byte(talk, &end[0], err) || !byte(talk, &end[1], err))
		return false;
	rop_text_put(&talk->text, "", 0);
	*ret = (struct rop_talk_reply){ .kind = '$', .text = talk->text.at ? talk->text.at : "", .n = talk->text.n };
	return end[0] == '\r' && end[1] == '\n' ? true : failed(talk, ROP_FAIL, "it does not speak the protocol", err);
}

bool rop_talk_reply(struct rop_talk *talk, struct rop_talk_reply *ret_reply, struct rop_err *err)
{
	char line[1024];
	int64_t number = 0;
	if (!rop_talk_line(talk, line, sizeof line, err))
		return false;
	const char *rest = *line ? line + 1 : line;
	bool negative = *rest == '-';
	bool is_number = rop_int_parse(rest + negative, 0, INT64_MAX, &number);
	if (negative)
		number = -number;
	if (*line == '$' && is_number && number >= 0 && number <= BULK_MAX_BYTES)
		return bulk(talk, number, ret_reply, err);
	if (!strchr("+-:$", *line) || !*line || (strchr(":$", *line) && !is_number) || (*line == '$' && number != -1))
		return failed(talk, ROP_FAIL, "it answers something unexpected", err);
	talk->text.n = 0;
	rop_text_put(&talk->text, rest, strlen(rest));
	*ret_reply = (struct rop_talk_reply){ .kind = *line == '$' ? '_' : *line,
					      .text = talk->text.at ? talk->text.at : "",
					      .n = talk->text.n,
					      .number = number };
	return true;
}

static enum rop_code code_of(enum rop_reach reach)
{
	if (reach == ROP_REACH_DENIED)
		return ROP_DENIED;
	return reach == ROP_REACH_SILENT || reach == ROP_REACH_LOADING ? ROP_UNREACHABLE : ROP_FAIL;
}

bool rop_talk_refused(struct rop_talk *talk, const char *command, const struct rop_talk_reply *reply,
		      struct rop_err *err)
{
	struct verdict verdict;
	verdict_of_error(&talk->login, command, reply->text, reply->n, &verdict);
	return failed(talk, code_of(verdict.reach), verdict.why, err);
}

bool rop_talk_is_ok(struct rop_talk *talk, const char *command, const struct rop_talk_reply *reply, struct rop_err *err)
{
	return (reply->kind == '+' && strcmp(reply->text, "OK") == 0) || rop_talk_refused(talk, command, reply, err);
}

bool rop_talk_ask(struct rop_talk *talk, const char *command, struct rop_talk_reply *ret_reply, struct rop_err *err)
{
	size_t words = 0;
	for (const char *at = command; *at; at += strspn(at, " ")) {
		at += strcspn(at, " ");
		words++;
	}
	rop_talk_begin(talk, words);
	for (const char *at = command; *at; at += strspn(at, " ")) {
		size_t n = strcspn(at, " ");
		rop_talk_word(talk, at, n);
		at += n;
	}
	return rop_talk_flush(talk, err) && rop_talk_reply(talk, ret_reply, err);
}

/* ---- begin and end ---------------------------------------------------------------------------------------------- */

static bool connected(struct rop_talk *talk, struct rop_err *err)
{
	struct verdict verdict;
	int error = 0;
	socklen_t size = sizeof error;
	talk->context = dial(talk->options.ip, talk->options.port, &verdict);
	if (!talk->context)
		return failed(talk, ROP_UNREACHABLE, verdict.why, err);
	if (!wait_for(talk, POLLOUT, talk->options.connect_timeout_ms, "no connection in time", err))
		return false;
	if (getsockopt(talk->context->fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0)
		error = errno;
	return error == 0 || failed(talk, ROP_UNREACHABLE, dial_reason(error), err);
}

/* As wire's other users do: nothing else is sent before the login is accepted. */
static bool logged_in(struct rop_talk *talk, struct rop_err *err)
{
	struct rop_talk_reply reply;
	const struct verdict_login *login = &talk->login;
	if (login->password) {
		rop_talk_begin(talk, login->user ? 3 : 2);
		rop_talk_text(talk, "AUTH");
		if (login->user)
			rop_talk_text(talk, login->user);
		rop_talk_text(talk, login->password);
		if (!rop_talk_flush(talk, err) || !rop_talk_reply(talk, &reply, err) ||
		    !rop_talk_is_ok(talk, "AUTH", &reply, err))
			return false;
	}
	if (!talk->options.client_name)
		return true;
	rop_talk_begin(talk, 3);
	rop_talk_text(talk, "CLIENT");
	rop_talk_text(talk, "SETNAME");
	rop_talk_text(talk, talk->options.client_name);
	if (!rop_talk_flush(talk, err) || !rop_talk_reply(talk, &reply, err))
		return false;
	/* A name is a help; that a login is missing is told by it too. */
	return reply.kind != '-' || verdict_is_noperm(reply.text, reply.n) ||
	       rop_talk_is_ok(talk, "CLIENT SETNAME", &reply, err);
}

bool rop_talk_open(const struct rop_talk_options *options, struct rop_talk **ret_talk, struct rop_err *err)
{
	struct rop_talk *talk = rop_malloc(sizeof *talk);
	memset(talk, 0, sizeof *talk);
	talk->options = *options;
	talk->login = (struct verdict_login){ .user = options->user, .password = options->password };
	if (!connected(talk, err) || !logged_in(talk, err)) {
		rop_talk_close(talk);
		return false;
	}
	*ret_talk = talk;
	return true;
}

void rop_talk_close(struct rop_talk *talk)
{
	if (!talk)
		return;
	if (talk->context)
		redisFree(talk->context);
	if (talk->out.at)
		explicit_bzero(talk->out.at, talk->out.cap); /* the password was in it */
	rop_text_done(&talk->out);
	rop_text_done(&talk->text);
	free(talk);
}
