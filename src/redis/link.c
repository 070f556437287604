/* link.c - one connection to one server, on the loop; the only place that connects (and later speaks TLS).
 *
 * Happy path: connect, write AUTH, CLIENT SETNAME and the commands in one piece, take the replies as they come, stop
 * the clock. The connection stays, watched for the server closing it.
 *
 * Failure modes: no connection; closed at any point; an answer that stops midway or never comes (the deadline); an
 * answer that is not the protocol; one that never ends or is far too big (limits of reader.c); more than was asked
 * for. Each drops the connection.
 *
 * hiredis' plain context is driven by hand rather than its asynchronous one: that one calls abort() (an assertion in
 * redisProcessCallbacks, 0.14 to 1.2) when a peer sends a reply that nobody asked for, and gives no chance to look at
 * what was read before all of it has been parsed.
 */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <hiredis/hiredis.h>

#include "dial.h"
#include "reader.h"
#include "rop/mem.h"
#include "rop/text.h"
#include "tls_probe.h"

#define READS_PER_TURN 16 /* of 16 KiB each: a peer that never stops does not keep the others waiting */

struct link {
	struct rop_loop *loop;
	struct link_target target;
	struct rop_timer *timer;
	redisContext *context; /* NULL: no connection */
	struct rop_watch *watch;
	size_t ip_at, ips_left; /* of target.ips: the one in use, and how many are still to be tried */
	bool connected;
	bool probing;          /* this connection is to tell whether it speaks TLS; `doomed` is the end otherwise */
	bool answered;         /* at some time, this or an earlier connection */
	bool auth_left;        /* the next reply is AUTH's */
	size_t hello_left;     /* replies to AUTH and CLIENT SETNAME that are still to come */
	char hello_error[240]; /* what a new connection's server said to CLIENT SETNAME: why it hangs up, if it does
				  then */
	struct reader reader;

	bool busy; /* an exchange is under way; the rest is about it */
	struct link_exchange exchange;
	bool appended, sent;
	size_t replied;
	struct verdict doomed; /* reach not OK: known to fail already, to be told by the timer */
};

/* ---- the end of an exchange, of a connection, of a link ---------------------------------------------------- */

static void drop(struct link *link)
{
	rop_watch_free(link->watch);
	link->watch = NULL;
	if (link->context)
		redisFree(link->context);
	link->context = NULL;
	link->connected = link->probing = link->auth_left = false;
	link->hello_left = 0;
	link->hello_error[0] = '\0';
}

/* The last thing a caller does: `end` may start the next exchange on this link. */
static void end_with(struct link *link, const struct verdict *verdict)
{
	struct verdict copy = *verdict;
	rop_timer_stop(link->timer);
	if (copy.reach != ROP_REACH_OK)
		drop(link);
	else
		reader_settle(&link->reader, link->context);
	link->busy = false;
	link->exchange.end(link->exchange.arg, &copy, link->sent);
}

static void fail(struct link *link, enum rop_reach reach, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void fail(struct link *link, enum rop_reach reach, const char *fmt, ...)
{
	struct verdict verdict = { .reach = reach };
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(verdict.why, sizeof verdict.why, fmt, ap);
	va_end(ap);
	end_with(link, &verdict);
}

static bool look_for_tls(struct link *link);

/* Closed by the server. An error that it sent unasked before (too many clients, protected mode) is the reason. */
static void lost(struct link *link, const char *how)
{
	if (link->hello_error[0] && link->replied == 0) {
		struct verdict verdict;
		verdict_of_error(&link->target.login, "CLIENT SETNAME", link->hello_error, strlen(link->hello_error),
				 &verdict);
		end_with(link, &verdict);
		return;
	}
	if (link->reader.bytes > 0) {
		fail(link, ROP_REACH_SILENT, "%s in the middle of its answer", how);
		return;
	}
	verdict_set(&link->doomed, ROP_REACH_SILENT, "%s without an answer", how);
	if (link->answered || !look_for_tls(link))
		end_with(link, &link->doomed);
}

void link_free(struct link *link)
{
	if (!link)
		return;
	drop(link);
	rop_timer_free(link->timer);
	free(link);
}

/* ---- replies ----------------------------------------------------------------------------------------------- */

static bool flush(struct link *link);

#define TOO_LATE "its turn came too late, what it rests on may have changed"

static bool is_late(const struct link *link)
{
	return link->exchange.not_after_ms && rop_boot_ms() >= link->exchange.not_after_ms;
}

static void append_commands(struct link *link)
{
	redisAppendFormattedCommand(link->context, link->exchange.wire, link->exchange.wire_n);
	link->appended = true;
}

/* false: the exchange has ended. */
static bool append_in_time(struct link *link)
{
	if (is_late(link)) {
		fail(link, ROP_REACH_SILENT, TOO_LATE);
		return false;
	}
	append_commands(link);
	return true;
}

/* false: the exchange has ended. */
static bool take_hello(struct link *link, const redisReply *reply)
{
	bool is_auth = link->auth_left;
	struct verdict verdict;
	link->auth_left = false;
	link->hello_left--;
	if (reply->type == REDIS_REPLY_ERROR && is_auth) {
		verdict_of_error(&link->target.login, "AUTH", reply->str, reply->len, &verdict);
		end_with(link, &verdict);
		return false;
	}
	if (reply->type == REDIS_REPLY_ERROR) { /* a name is a courtesy: without it things go on */
		if (!verdict_is_noperm(reply->str, reply->len) && strncmp(reply->str, "ERR unknown", 11) != 0)
			verdict_quote(&link->target.login, reply->str, reply->len, link->hello_error,
				      sizeof link->hello_error);
	} else if (reply->type != REDIS_REPLY_STATUS) {
		fail(link, ROP_REACH_NOT_REDIS, "it answers %s with something odd",
		     is_auth ? "AUTH" : "CLIENT SETNAME");
		return false;
	}
	if (link->hello_left > 0 || link->appended)
		return true;
	return append_in_time(link) && flush(link);
}

/* false: the exchange has ended. */
static bool take_reply(struct link *link, const redisReply *reply)
{
	struct verdict verdict = { 0 };
	link->answered = true;
	if (link->hello_left > 0)
		return take_hello(link, reply);
	if (!link->exchange.reply(link->exchange.arg, link->replied, reply, &verdict)) {
		end_with(link, &verdict);
		return false;
	}
	if (++link->replied < link->exchange.replies)
		return true;
	if (reader_unread(link->context)) /* then who knows which of them were the answers */
		verdict_set(&verdict, ROP_REACH_NOT_REDIS, "it sends more replies than it was asked for");
	end_with(link, &verdict);
	return false;
}

static redisReply *next_reply(struct link *link, const char **ret_why)
{
	size_t limit = REPLY_BYTES_MAX;
	const char *asked = "a command";
	if (link->hello_left > 0)
		asked = link->auth_left ? "AUTH" : "CLIENT SETNAME";
	else if (link->exchange.limit)
		limit = link->exchange.limit(link->exchange.arg, link->replied, &asked);
	return reader_next(&link->reader, link->context, limit, asked, ret_why);
}

/* Read what there is and take the replies in it. false: the exchange has ended. */
static bool take_replies(struct link *link)
{
	for (int turn = 0; turn < READS_PER_TURN; turn++) {
		size_t got;
		if (!reader_read(&link->reader, link->context, &got)) {
			lost(link, "it closed the connection");
			return false;
		}
		if (got == 0)
			return true;
		redisReply *reply;
		const char *why = NULL;
		while ((reply = next_reply(link, &why))) {
			bool more = take_reply(link, reply);
			freeReplyObject(reply);
			if (!more)
				return false;
		}
		if (why) {
			fail(link, ROP_REACH_NOT_REDIS, "%s", why);
			return false;
		}
	}
	return true;
}

/* false: the exchange has ended. */
static bool flush(struct link *link)
{
	int done = 0;
	if (redisBufferWrite(link->context, &done) == REDIS_OK) {
		link->sent |= link->appended;
		rop_watch_set(link->watch, true, !done);
		return true;
	}
	link->context->err = 0; /* it may have said why before it hung up */
	if (take_replies(link))
		lost(link, "it closed the connection");
	return false;
}

/* ---- connecting -------------------------------------------------------------------------------------------- */

static void link_ready(void *arg, bool readable, bool writable);

static void append_hello(struct link *link)
{
	const struct verdict_login *login = &link->target.login;
	if (login->password && login->user) {
		const char *argv[] = { "AUTH", login->user, login->password };
		redisAppendCommandArgv(link->context, 3, argv, NULL);
	} else if (login->password) {
		const char *argv[] = { "AUTH", login->password };
		redisAppendCommandArgv(link->context, 2, argv, NULL);
	}
	link->auth_left = login->password != NULL;
	if (link->target.client_name) {
		const char *argv[] = { "CLIENT", "SETNAME", link->target.client_name };
		redisAppendCommandArgv(link->context, 3, argv, NULL);
	}
	link->hello_left = (login->password ? 1u : 0) + (link->target.client_name ? 1u : 0);
}

const char *link_ip(const struct link *link)
{
	return link->target.n_ips ? link->target.ips[link->ip_at] : link->target.ip;
}

static bool open_connection(struct link *link, struct verdict *ret_verdict)
{
	const char *ip = link_ip(link);
	if (!ip || !dial_is_literal(ip)) {
		verdict_set(ret_verdict, ROP_REACH_SILENT, "%s",
			    link->target.no_ip ? link->target.no_ip : "no address is known for it");
		return false;
	}
	link->context = dial(ip, link->target.port, ret_verdict);
	if (!link->context)
		return false;
	link->watch = rop_watch_new(link->loop, link->context->fd, link_ready, link);
	if (!link->watch) {
		verdict_set(ret_verdict, ROP_REACH_SILENT, "no connection: out of descriptors");
		drop(link);
		return false;
	}
	rop_watch_set(link->watch, true, true);
	return true;
}

/* A new connection, with what is to be sent on it. */
static bool begin_connection(struct link *link, struct verdict *ret_verdict)
{
	link->appended = false;
	if (!open_connection(link, ret_verdict))
		return false;
	reader_attach(&link->reader, link->context);
	append_hello(link);
	rop_timer_start(link->timer, link->target.connect_timeout_ms);
	if (!link->exchange.careful)
		append_commands(link);
	return true;
}

/* Nothing was sent yet: the next address of the name may be the one where it listens. false: there is none left. */
static bool try_next_address(struct link *link)
{
	struct verdict verdict;
	while (link->ips_left > 0) {
		link->ips_left--;
		link->ip_at = (link->ip_at + 1) % link->target.n_ips;
		drop(link);
		if (begin_connection(link, &verdict))
			return true;
	}
	return false;
}

/* "connection refused (tried ::1 and 127.0.0.1)" */
static void fail_to_connect(struct link *link, const char *why)
{
	ROP_OWN_TEXT tried = { 0 };
	if (try_next_address(link))
		return;
	for (size_t i = 0; i < link->target.n_ips; i++)
		rop_text_add(&tried, "%s%s", i ? " and " : " (tried ", link->target.ips[i]);
	fail(link, ROP_REACH_SILENT, "%s%s%s", why, tried.n ? tried.at : "", tried.n ? ")" : "");
}

static int64_t reply_ms(const struct link *link)
{
	return link->target.command_timeout_ms + link->exchange.patience_ms;
}

/* The first readiness of a new connection: it stands, or it never will. false: the exchange has ended. */
static bool finish_connecting(struct link *link)
{
	int error = 0;
	socklen_t n = sizeof error;
	if (getsockopt(link->context->fd, SOL_SOCKET, SO_ERROR, &error, &n) != 0)
		error = errno;
	if (error) {
		fail_to_connect(link, dial_reason(error));
		return false;
	}
	link->connected = true;
	rop_timer_start(link->timer, reply_ms(link));
	if (!link->appended && link->hello_left == 0 && !append_in_time(link))
		return false;
	return flush(link);
}

/* ---- is it a port for TLS? --------------------------------------------------------------------------------- */

#define PROBE_MS 1000

/* false: it cannot be asked. */
static bool look_for_tls(struct link *link)
{
	struct verdict ignored;
	drop(link);
	if (!open_connection(link, &ignored))
		return false;
	link->probing = true;
	rop_timer_start(link->timer,
			link->target.command_timeout_ms < PROBE_MS ? link->target.command_timeout_ms : PROBE_MS);
	return true;
}

static void probe_ready(struct link *link)
{
	if (!link->connected) {
		link->connected = true;
		rop_watch_set(link->watch, true, false);
		if (!tls_probe_send(link->context->fd))
			end_with(link, &link->doomed);
		return;
	}
	enum tls_answer answer = tls_probe_answer(link->context->fd);
	if (answer == TLS_ANSWER_NOT_YET)
		return;
	if (answer == TLS_ANSWER_SPEAKS_IT)
		verdict_set(&link->doomed, ROP_REACH_SILENT, ROP_SPEAKS_TLS);
	end_with(link, &link->doomed);
}

/* ---- events ------------------------------------------------------------------------------------------------ */

static void link_ready(void *arg, bool readable, bool writable)
{
	struct link *link = arg;
	if (!link->busy) { /* between exchanges: it closes, or says what nobody wants to know */
		drop(link);
		if (link->target.closed)
			link->target.closed(link->target.arg);
		return;
	}
	if (link->probing) {
		probe_ready(link);
		return;
	}
	if (!link->connected) {
		finish_connecting(link);
		return;
	}
	if (readable && !take_replies(link))
		return;
	if (writable)
		flush(link);
}

static bool has_connected(const struct link *link)
{
	struct pollfd fd = { .fd = link->context->fd, .events = POLLOUT };
	return poll(&fd, 1, 0) == 1;
}

/* The deadline. Timers come before descriptors: when this program itself was held up (a long computation, a suspended
 * machine), the answer may lie there already and counts. */
static void link_late(void *arg)
{
	struct link *link = arg;
	char buf[24];
	if (link->doomed.reach != ROP_REACH_OK) {
		end_with(link, &link->doomed);
		return;
	}
	if (!link->connected) {
		char why[64];
		rop_duration_print(link->target.connect_timeout_ms, buf, sizeof buf);
		snprintf(why, sizeof why, "no connection within %s", buf);
		if (has_connected(link))
			finish_connecting(link);
		else
			fail_to_connect(link, why);
		return;
	}
	if (!take_replies(link))
		return;
	rop_duration_print(reply_ms(link), buf, sizeof buf);
	if (link->reader.bytes > 0)
		fail(link, ROP_REACH_SILENT, "it began to answer, but was not done within %s", buf);
	else if (link->answered)
		fail(link, ROP_REACH_SILENT, "it answered, then did not answer within %s", buf);
	else
		fail(link, ROP_REACH_SILENT, "it takes connections, but did not answer within %s", buf);
}

/* ---- from outside ------------------------------------------------------------------------------------------ */

struct link *link_new(struct rop_loop *loop, const struct link_target *target)
{
	struct link *link = rop_malloc(sizeof *link);
	link->loop = loop;
	link->target = *target;
	link->timer = rop_timer_new(loop, link_late, link);
	return link;
}

bool link_is_open(const struct link *link)
{
	return link->context != NULL;
}

/* The least that the kernel measured on this connection: what the server takes for its answers is not in it. */
int link_rtt_ms(const struct link *link)
{
	return link->context && link->connected ? dial_rtt_ms(link->context->fd) : 0;
}

void link_close(struct link *link)
{
	drop(link);
}

/* Between exchanges there is nothing to read: something there is the end of the connection, or not for us. It may
 * have come in this very turn of the loop, before the watch could tell. */
static bool still_open(const struct link *link)
{
	char byte;
	return link->connected && recv(link->context->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 &&
	       (errno == EAGAIN || errno == EWOULDBLOCK);
}

void link_start(struct link *link, const struct link_exchange *exchange)
{
	link->busy = true;
	link->exchange = *exchange;
	link->appended = link->sent = false;
	link->replied = 0;
	link->doomed = (struct verdict){ 0 };
	reader_begin(&link->reader);
	if (is_late(link)) {
		verdict_set(&link->doomed, ROP_REACH_SILENT, TOO_LATE);
		rop_timer_start(link->timer, 0);
		if (link->watch)
			rop_watch_set(link->watch, false, false);
		return;
	}
	if (link->context && !still_open(link))
		drop(link);
	if (!link->context) {
		link->ips_left = link->target.n_ips > 1 ? link->target.n_ips - 1 : 0;
		if (begin_connection(link, &link->doomed))
			return;
		if (try_next_address(link))
			link->doomed = (struct verdict){ 0 };
		else
			rop_timer_start(link->timer, 0);
		return;
	}
	link->hello_error[0] = '\0'; /* it went on regardless: no reason for what comes now */
	append_commands(link);
	rop_timer_start(link->timer, reply_ms(link));
	int done = 0;
	if (redisBufferWrite(link->context, &done) != REDIS_OK) {
		verdict_set(&link->doomed, ROP_REACH_SILENT, "it closed the connection");
		rop_timer_start(link->timer, 0);
		rop_watch_set(link->watch, false, false);
		return;
	}
	link->sent = true;
	rop_watch_set(link->watch, true, !done);
}
