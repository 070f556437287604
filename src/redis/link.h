/* link.h - one connection to one server: kept open between exchanges, one exchange at a time, one deadline each.
 *
 * A link belongs to whoever made it and lives until link_free; the connection inside comes and goes. It is made on
 * the first exchange, dropped whenever an exchange does not end as it should, and made again by the next one. So a
 * reply that comes too late dies with its connection and is never taken for the reply to something else.
 */
#ifndef REDIS_LINK_H
#define REDIS_LINK_H

#include "rop/loop.h"
#include "verdict.h"

/* Where nothing is said of it: commands that change something are answered with OK or an error. */
#define REPLY_BYTES_MAX ((size_t)1 << 20)

struct link;
struct redisReply;

struct link_target {            /* borrowed by the link as long as it lives */
	const char *ip;         /* literal; NULL: no_ip says why */
	const char *const *ips; /* literals to be tried in turn until one takes the connection, ip among them; NULL */
	size_t n_ips;
	const char *no_ip;
	int port;
	struct verdict_login login;
	const char *client_name; /* NULL: none */
	int64_t connect_timeout_ms, command_timeout_ms;
	void (*closed)(void *arg); /* the server closed the connection between exchanges; may be NULL */
	void *arg;
};

struct link_exchange {
	const char *wire; /* commands as the protocol writes them; borrowed until `end` */
	size_t wire_n;
	size_t replies;       /* how many commands these are */
	bool careful;         /* on a new connection: wait until AUTH is answered before sending */
	int64_t not_after_ms; /* on the boot clock: what is not on its way by then is not sent at all; 0: whenever */
	int64_t patience_ms;  /* how much longer than usual the replies may take */
	/* How many bytes the reply to command i may have, and what that command is called. NULL: REPLY_BYTES_MAX. */
	size_t (*limit)(void *arg, size_t i, const char **ret_asked);
	/* One reply, in order; false: it makes no sense, the verdict says why, the exchange ends with it. */
	bool (*reply)(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict);
	/* Once, never from inside link_start. reach OK: every reply came. sent: the server may have got the commands.
	 */
	void (*end)(void *arg, const struct verdict *verdict, bool sent);
	void *arg;
};

struct link *link_new(struct rop_loop *loop, const struct link_target *target);
void link_free(struct link *link); /* calls nothing back */
void link_start(struct link *link, const struct link_exchange *exchange);
bool link_is_open(const struct link *link);   /* is there a connection? */
const char *link_ip(const struct link *link); /* the address that it is, or was last, connected to */
/* The round trip to the server; 0: less than a millisecond, or not known (no connection). */
int link_rtt_ms(const struct link *link);
void link_close(struct link *link); /* between exchanges; calls nothing back */

#endif
