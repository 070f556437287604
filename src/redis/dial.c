/* dial.c - a socket towards one address: begun without waiting, and closed so that nothing of it arrives late. */
#include "dial.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>

#include <hiredis/hiredis.h>

#include "rop/observed.h"

const char *dial_reason(int error)
{
	return error == ECONNREFUSED ? ROP_NOBODY_LISTENS : strerror(error);
}

/* hiredis would ask DNS for anything else, on the loop. */
bool dial_is_literal(const char *ip)
{
	char copy[INET6_ADDRSTRLEN];
	struct in6_addr address;
	size_t n = strcspn(ip, "%"); /* fe80::1%eth0 */
	if (n >= sizeof copy)
		return false;
	memcpy(copy, ip, n);
	copy[n] = '\0';
	return inet_pton(AF_INET6, copy, &address) == 1 || inet_pton(AF_INET, ip, &address) == 1;
}

redisContext *dial(const char *ip, int port, struct verdict *ret_verdict)
{
	errno = 0;
	redisContext *context = redisConnectNonBlock(ip, port);
	int error = errno, on = 1;
	if (!context || context->err) {
		const char *why = context ? context->errstr : "out of memory";
		verdict_set(ret_verdict, ROP_REACH_SILENT, "no connection: %s",
			    error && error != EINPROGRESS ? dial_reason(error) : why);
		if (context)
			redisFree(context);
		return NULL;
	}
	fcntl(context->fd, F_SETFD, FD_CLOEXEC);
	setsockopt(context->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	/* Closed, it is reset: what was not delivered by then never is. A command whose reply did not come could else
	 * be executed after later ones on the next connection, also when this process died. */
	setsockopt(context->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 }, sizeof(struct linger));
	return context;
}

/* What the server takes for its answers is not in it. */
int dial_rtt_ms(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
		return 0;
	return (int)(info.tcpi_min_rtt < UINT32_MAX ? info.tcpi_min_rtt / 1000 : 0);
}
