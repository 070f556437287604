/* conn.c - one connection to one node, one exchange at a time.
 *
 * Happy path: connect, write, read until all replies are whole, stay open for the next exchange.
 *
 * Failure modes: no connection; closed at any point; what is no reply; a reply that nobody asked for. Each closes the
 * connection, and is told to the owner when an exchange was under way.
 */
#include "conn.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { READ_BYTES = 16 * 1024 };

bool address_of(const char *host, const char *port, struct address *ret)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV }, *found = NULL;
	int n = snprintf(ret->text, sizeof ret->text, "%s:%s", host, port);
	if (n < 0 || (size_t)n >= sizeof ret->text || getaddrinfo(host, port, &hints, &found) != 0)
		return false;
	memcpy(&ret->at, found->ai_addr, found->ai_addrlen);
	ret->size = found->ai_addrlen;
	freeaddrinfo(found);
	return true;
}

void conn_close(struct conn *conn)
{
	if (conn->watch.fd >= 0)
		loop_remove(&conn->watch);
	conn->connecting = conn->writing = false;
	conn->awaited = 0;
	conn->in.n = conn->out.n = conn->written = 0;
	conn->scan = (struct resp_scan){ 0 };
}

void conn_done(struct conn *conn)
{
	conn_close(conn);
	text_free(&conn->in);
	text_free(&conn->out);
}

static void broken(struct conn *conn)
{
	bool busy = conn->awaited > 0;
	conn_close(conn);
	if (busy)
		conn->lost(conn);
}

/* false: the connection is broken. */
static bool flush(struct conn *conn)
{
	while (conn->written < conn->out.n) {
		ssize_t n = send(conn->watch.fd, conn->out.at + conn->written, conn->out.n - conn->written,
				 MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno != EAGAIN)
			return false;
		if (n < 0)
			break;
		conn->sent = true;
		conn->written += (size_t)n;
	}
	bool writing = conn->written < conn->out.n;
	if (writing != conn->writing)
		loop_change(conn->loop, &conn->watch, writing);
	conn->writing = writing;
	return true;
}

/* false: the connection is broken, or brought what was not asked for. */
static bool receive(struct conn *conn)
{
	ssize_t n;
	do {
		n = recv(conn->watch.fd, text_room(&conn->in, READ_BYTES), READ_BYTES, 0);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN;
	conn->in.n += (size_t)n;
	return n > 0 && conn->awaited > 0 && resp_scan(&conn->scan, conn->in.at, conn->in.n, conn->awaited);
}

static void ready(struct watch *watch)
{
	struct conn *conn = (struct conn *)watch;
	int error = 0;
	socklen_t size = sizeof error;
	if (conn->connecting && (getsockopt(watch->fd, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error != 0)) {
		broken(conn);
		return;
	}
	conn->connecting = false;
	if (!flush(conn) || !receive(conn)) {
		broken(conn);
		return;
	}
	if (conn->awaited == 0 || conn->scan.whole < conn->awaited)
		return;
	if (conn->scan.at != conn->in.n) {
		broken(conn);
		return;
	}
	conn->awaited = 0;
	conn->answered(conn, (struct resp_cursor){ conn->in.at, conn->in.at + conn->in.n });
}

void conn_init(struct conn *conn, struct loop *loop, void *owner)
{
	*conn = (struct conn){ .watch = { .fd = -1, .ready = ready }, .loop = loop, .owner = owner };
}

/* false: not even begun. */
static bool open_socket(struct conn *conn, const struct address *to)
{
	int yes = 1, fd = socket(to->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		die("socket: %s", strerror(errno));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
	if (connect(fd, (const struct sockaddr *)&to->at, to->size) < 0 && errno != EINPROGRESS) {
		close(fd);
		return false;
	}
	conn->watch.fd = fd;
	conn->connecting = conn->writing = true;
	loop_add(conn->loop, &conn->watch, true);
	return true;
}

void conn_ask(struct conn *conn, const struct address *to, const struct text *first, const struct text *wire,
	      size_t replies)
{
	conn->in.n = conn->out.n = conn->written = 0;
	conn->scan = (struct resp_scan){ 0 };
	conn->awaited = replies;
	conn->sent = false;
	text_add(&conn->out, first->at, first->n);
	text_add(&conn->out, wire->at, wire->n);
	if (conn->watch.fd < 0 && !open_socket(conn, to)) {
		broken(conn);
		return;
	}
	if (!conn->connecting && !flush(conn))
		broken(conn);
}
