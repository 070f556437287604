/* tls_probe.c - does whoever listens there speak TLS?
 *
 * A port for TLS hangs up on whoever speaks plainly, and so do others. What tells them apart is its answer to the
 * beginning of a TLS handshake (RFC 5246, 7.4.1.2): a handshake of its own, or an alert. Nothing secret is in it.
 */
#include "tls_probe.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/types.h>

#define TLS_ALERT 0x15
#define TLS_HANDSHAKE 0x16
#define TLS_MAJOR 3

static const unsigned char CLIENT_HELLO[] = {
	TLS_HANDSHAKE,
	TLS_MAJOR,
	1,
	0,
	47, /* a record of 47 bytes */
	1,
	0,
	0,
	43, /* ClientHello, 43 bytes */
	3,
	3, /* TLS 1.2 */
	'r',
	'e',
	'd',
	'i',
	's',
	'-',
	'o',
	'p',
	'e',
	'r',
	'a',
	't',
	'o',
	'r',
	' ',
	'l', /* 32 that should be random */
	'o',
	'o',
	'k',
	's',
	' ',
	'f',
	'o',
	'r',
	' ',
	'T',
	'L',
	'S',
	' ',
	' ',
	' ',
	' ',
	0, /* no session */
	0,
	4,
	0xc0,
	0x2f,
	0xc0,
	0x30, /* two ciphers that are common */
	1,
	0, /* no compression */
};

bool tls_probe_send(int fd)
{
	return send(fd, CLIENT_HELLO, sizeof CLIENT_HELLO, MSG_NOSIGNAL) == (ssize_t)sizeof CLIENT_HELLO;
}

enum tls_answer tls_probe_answer(int fd)
{
	unsigned char head[3];
	ssize_t n = recv(fd, head, sizeof head, MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR))
		return TLS_ANSWER_NOT_YET;
	if (n == (ssize_t)sizeof head && (head[0] == TLS_HANDSHAKE || head[0] == TLS_ALERT) && head[1] == TLS_MAJOR)
		return TLS_ANSWER_SPEAKS_IT;
	return TLS_ANSWER_ANOTHER;
}
