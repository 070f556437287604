/* verdict.h - what a server's refusal means for us, in a word for the program and a sentence for a person. */
#ifndef REDIS_VERDICT_H
#define REDIS_VERDICT_H

#include "rop/observed.h"

struct verdict {
	enum rop_reach reach;
	char why[320]; /* "" when OK; never holds the secret, nor bytes that a terminal would obey */
};

/* Who we are for that server; borrowed. */
struct verdict_login {
	const char *user, *password; /* NULL as in rop_fleet_options */
};

void verdict_set(struct verdict *verdict, enum rop_reach reach, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* An error reply to `command` ("CLUSTER NODES", "AUTH"), n bytes of text without the '-'. */
void verdict_of_error(const struct verdict_login *login, const char *command, const char *error, size_t n,
		      struct verdict *ret_verdict);

/* A server's text made fit to be shown: printable ASCII, cut to size, the secret covered. */
void verdict_quote(const struct verdict_login *login, const char *text, size_t n, char *buf, size_t size);

/* The server refuses a command because of the user's permissions. */
bool verdict_is_noperm(const char *error, size_t n);

/* The server does not know the command: of another version, or it was renamed or disabled there. */
bool verdict_is_unknown(const char *error, size_t n);

#endif
