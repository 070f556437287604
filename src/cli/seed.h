/* seed.h - a whole cluster found through one of its nodes, HOST:PORT: for check and import, which have no file. */
#ifndef ROP_SEED_H
#define ROP_SEED_H

#include "cli.h"
#include "rop/fleet.h"
#include "rop/loop.h"

struct seed {
	struct cli *cli;
	struct rop_loop *loop;
	struct rop_fleet_options fleet;
	char *password;
	const char *text, *host, *ip; /* as typed; its host; what that resolves to */
	int port;
	struct rop_endpoint *endpoints; /* the seed first, then every peer that it knows an address of */
	const char **host_names;        /* [endpoint]: cluster-announce-hostname; NULL: none */
	size_t n;
	struct rop_endpoint
		announced; /* the seed, as its own view has it; ip "" where it has not learned its address */
	ROP_LIST(const char *) nowhere;  /* ids of peers without an address */
	const struct rop_observed *seen; /* [endpoint], of the last look */
	const char *why;                 /* why the host's name did not resolve */
	struct rop_answer first;         /* the seed's own answer */
};

/* --user and --password-file, for the tables of commands that take a HOST:PORT. */
#define SEED_OPTIONS \
	{ "user",         0, CLI_STRING, "NAME", "log in to the servers as this ACL user (needs --password-file)", \
	  CLI_VALUE(user) }, \
	{ \
		"password-file", 0, CLI_STRING, "FILE", "a file of mode 0600 that holds the servers' password", \
			CLI_VALUE(password_file) \
	}

/* "host:port", "[::1]:port", as servers write it too: "::1:port". The host is copied, without brackets. */
bool seed_split_address(struct rop_arena *arena, const char *text, char **ret_host, int *ret_port);
char *seed_join_address(struct rop_arena *arena, const char *host, int port);
/* Resolves, logs in, asks the seed whom it knows. seed_close in any case. */
bool seed_open(struct seed *seed, struct cli *cli, const char *text, struct rop_err *err);
/* One look at all endpoints, into seed->seen. */
void seed_look(struct seed *seed, unsigned flags, const char **names, size_t n_names);
void seed_close(struct seed *seed);

#endif
