/* conn.h - one connection to one node, one exchange at a time; it opens when there is something to send.
 *
 * An exchange ends with one call, `answered` or `lost`, after which the next may begin (also from within the call). The
 * owner keeps the clock: who has waited long enough closes.
 */
#ifndef LEDGER_CONN_H
#define LEDGER_CONN_H

#include <sys/socket.h>

#include "loop.h"
#include "resp.h"

enum { ADDRESS_SIZE = 80 };

struct address {
	char text[ADDRESS_SIZE]; /* HOST:PORT */
	struct sockaddr_storage at;
	socklen_t size;
};

/* false: the host is not known (names are looked up, which waits). */
bool address_of(const char *host, const char *port, struct address *ret);

struct conn {
	struct watch watch; /* the first member */
	struct loop *loop;
	bool connecting, writing;
	struct text in, out;
	size_t written;
	struct resp_scan scan;
	size_t awaited; /* replies; 0: no exchange */
	bool sent;      /* something of this exchange has left: it may have been executed */

	void *owner;
	/* The replies are those of the whole exchange, and there until the call returns or the next exchange begins. */
	void (*answered)(struct conn *conn, struct resp_cursor replies);
	/* The connection is closed; `sent` tells whether the exchange may have happened. */
	void (*lost)(struct conn *conn);
};

void conn_init(struct conn *conn, struct loop *loop, void *owner);
/* Sends both pieces (each may be empty) and awaits this many replies. */
void conn_ask(struct conn *conn, const struct address *to, const struct text *first, const struct text *wire,
	      size_t replies);
/* Without a word to the owner. */
void conn_close(struct conn *conn);
/* Closes, and frees the buffers. */
void conn_done(struct conn *conn);

#endif
