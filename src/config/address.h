/* address.h - inside config/: "host:port" taken apart. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include "rop/mem.h"

struct config_address {
	const char *host; /* as written, without brackets */
	int port;
	const char *ip; /* normalised, when the host is a literal address; else NULL */
};

struct config_problem {
	const char *message, *hint;
};

/* false: ret_problem says why. */
bool config_address_parse(struct rop_arena *arena, const char *text, struct config_address *ret_address,
			  struct config_problem *ret_problem);
bool config_is_host_name(const char *s);
/* The normalised literal address, or NULL when it is none. */
const char *config_ip(struct rop_arena *arena, const char *host);
bool config_is_loopback(const char *host, const char *ip);
/* Equal for two spellings of one host: the normalised address, or the name in lower case. */
const char *config_host_key(struct rop_arena *arena, const char *host);

#endif
