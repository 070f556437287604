/* verdict.c - what a server's refusal means for us.
 *
 * The texts are those of the servers' sources: acl.c (AUTH, NOPERM), server.c (NOAUTH, LOADING, BUSY, unknown command),
 * cluster.c (cluster support disabled), networking.c (protected mode, number of clients); the older wordings of
 * Redis 5 and before are known too. An error to AUTH is never quoted: servers repeat the arguments of a command
 * they do not know, and one of them is the secret.
 */
#include "verdict.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void verdict_set(struct verdict *verdict, enum rop_reach reach, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	verdict->reach = reach;
	vsnprintf(verdict->why, sizeof verdict->why, fmt, ap);
	va_end(ap);
}

void verdict_quote(const struct verdict_login *login, const char *text, size_t n, char *buf, size_t size)
{
	const char *secret = login && login->password ? login->password : "";
	size_t hidden = strlen(secret), used = 0;
	for (size_t i = 0; i < n && used + 4 < size; i++) {
		if (hidden && n - i >= hidden && memcmp(text + i, secret, hidden) == 0) {
			memcpy(buf + used, "***", 3);
			used += 3;
			i += hidden - 1;
			continue;
		}
		buf[used++] = text[i] >= ' ' && text[i] <= '~' ? text[i] : '?';
	}
	buf[used] = '\0';
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

bool verdict_is_noperm(const char *error, size_t n)
{
	return n >= 6 && memcmp(error, "NOPERM", 6) == 0;
}

bool verdict_is_unknown(const char *error, size_t n)
{
	static const char UNKNOWN[] = "ERR unknown command";
	return n >= sizeof UNKNOWN - 1 && memcmp(error, UNKNOWN, sizeof UNKNOWN - 1) == 0;
}

/* The name between the first two single quotes: "... to run the 'cluster|nodes' command". */
static bool quoted_name(const char *text, char *buf, size_t size)
{
	const char *from = strchr(text, '\''), *to = from ? strchr(from + 1, '\'') : NULL;
	if (!to || to == from + 1)
		return false;
	snprintf(buf, size, "%.*s", (int)(to - from - 1), from + 1);
	return true;
}

static void auth_refused(const struct verdict_login *login, const char *text, struct verdict *verdict)
{
	const char *user = login->user ? login->user : "default";
	if (starts(text, "WRONGPASS"))
		verdict_set(verdict, ROP_REACH_DENIED, "user '%s': wrong password, or no such user, or it is disabled",
			    user);
	else if (starts(text, "ERR invalid password"))
		verdict_set(verdict, ROP_REACH_DENIED, "wrong password");
	else if (starts(text, "ERR Client sent AUTH, but no password is set") || starts(text, "ERR AUTH <password> "
											      "called"))
		verdict_set(verdict, ROP_REACH_DENIED, "a password is declared for it, but the server has none set");
	else if (starts(text, "ERR wrong number of arguments"))
		verdict_set(verdict, ROP_REACH_DENIED,
			    "user '%s': the server knows no users (Redis before 6), only a password", user);
	else if (starts(text, "ERR unknown command"))
		verdict_set(verdict, ROP_REACH_DENIED, "it has no AUTH command");
	else
		verdict_set(verdict, ROP_REACH_DENIED, "user '%s': it refuses AUTH (%.*s)", user,
			    (int)strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"), text);
}

static void not_permitted(const struct verdict_login *login, const char *command, const char *text,
			  struct verdict *verdict)
{
	const char *user = login->user ? login->user : "default";
	char name[96];
	if (strstr(text, " to run ") && quoted_name(strstr(text, " to run "), name, sizeof name))
		verdict_set(verdict, ROP_REACH_DENIED, "user '%s' may not run '%s'", user, name);
	else
		verdict_set(verdict, ROP_REACH_DENIED, "user '%s' may not run %s: %s", user, command, text);
}

void verdict_of_error(const struct verdict_login *login, const char *command, const char *error, size_t n,
		      struct verdict *ret_verdict)
{
	struct verdict *v = ret_verdict;
	char text[240];
	verdict_quote(login, error, n, text, sizeof text);
	if (starts(text, "LOADING") || starts(text, "BUSY "))
		verdict_set(v, ROP_REACH_LOADING, "%s",
			    starts(text, "BUSY ") ? "it is busy with a script or a function"
						  : "it is loading its data set");
	else if (starts(text, "ERR max number of clients"))
		verdict_set(v, ROP_REACH_SILENT, "it takes no more connections (max number of clients reached)");
	else if (starts(text, "DENIED"))
		verdict_set(v, ROP_REACH_DENIED, "it refuses connections from other hosts (protected mode)");
	else if (starts(text, "NOAUTH") && !login->password)
		verdict_set(v, ROP_REACH_DENIED, "it asks for a password, and none is declared");
	else if (starts(text, "NOAUTH") || starts(text, "ERR operation not permitted"))
		verdict_set(v, ROP_REACH_DENIED, "it asks for a login");
	else if (strcmp(command, "AUTH") == 0)
		auth_refused(login, text, v);
	else if (starts(text, "NOPERM"))
		not_permitted(login, command, text, v);
	else if (starts(text, "ERR This instance has cluster support disabled"))
		verdict_set(v, ROP_REACH_NOT_CLUSTER, "it does not run in cluster mode (cluster-enabled no)");
	else if (verdict_is_unknown(error, n))
		verdict_set(v, ROP_REACH_NO_COMMAND, "%.*s is renamed or disabled there (rename-command)",
			    (int)strcspn(command, " "), command);
	else
		verdict_set(v, ROP_REACH_NOT_REDIS, "it answers %s with: %s", command, text);
}
