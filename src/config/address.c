/* address.c - "host:port" as a person writes it: an IPv4 address, an IPv6 address in brackets, or a name; and the port.
 *
 * Stricter than rop_address_split (rop/text.h), which takes what servers write, and says what is wrong where.
 */
#include "address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "rop/text.h"

#define DIGITS "0123456789"
#define HEX_DIGITS DIGITS "abcdefABCDEF"
#define HOST_CHARS DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_-"

/* inet_aton() and with it getaddrinfo() take "1", "10.1" and "0x7f000001" for IPv4 addresses; nobody else does. */
static bool is_number(const char *label)
{
	if (label[0] == '0' && (label[1] == 'x' || label[1] == 'X'))
		return label[2 + strspn(label + 2, HEX_DIGITS)] == '\0';
	return label[strspn(label, DIGITS)] == '\0';
}

/* RFC 1123, and '_' because machines in the field carry it. */
bool config_is_host_name(const char *s)
{
	if (s[0] == '\0' || strlen(s) > 253)
		return false;
	for (;;) {
		size_t n = strspn(s, HOST_CHARS);
		if (n == 0 || n > 63 || s[0] == '-' || s[n - 1] == '-')
			return false;
		if (s[n] == '\0')
			return !is_number(s);
		if (s[n] != '.')
			return false;
		s += n + 1;
	}
}

const char *config_ip(struct rop_arena *arena, const char *host)
{
	unsigned char bytes[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN];
	int family = strchr(host, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, host, bytes) != 1 || !inet_ntop(family, bytes, text, sizeof text))
		return NULL;
	return rop_strdup(arena, text);
}

bool config_is_loopback(const char *host, const char *ip)
{
	if (ip)
		return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
	return strcasecmp(host, "localhost") == 0;
}

const char *config_host_key(struct rop_arena *arena, const char *host)
{
	const char *ip = config_ip(arena, host);
	if (ip)
		return ip;
	char *name = rop_strdup(arena, host);
	for (char *p = name; *p; p++)
		*p = (char)tolower((unsigned char)*p);
	return name;
}

static bool problem(struct config_problem *ret, const char *message, const char *hint)
{
	*ret = (struct config_problem){ message, hint };
	return false;
}

/* A literal address must be one that other nodes can send to. */
static bool check_ip(const char *ip, struct config_problem *ret)
{
	struct in_addr four;
	struct in6_addr six;
	if (inet_pton(AF_INET, ip, &four) == 1) {
		unsigned first = ntohl(four.s_addr) >> 24;
		if (four.s_addr == INADDR_ANY)
			return problem(ret, "0.0.0.0 means every address of a machine and names no node",
				       "write the address that the other nodes reach it by");
		if (first >= 224 || first == 0)
			return problem(ret, "this is not the address of a single machine", NULL);
		return true;
	}
	if (inet_pton(AF_INET6, ip, &six) != 1)
		return problem(ret, "this is no address", NULL);
	if (IN6_IS_ADDR_UNSPECIFIED(&six))
		return problem(ret, ":: means every address of a machine and names no node",
			       "write the address that the other nodes reach it by");
	if (IN6_IS_ADDR_MULTICAST(&six))
		return problem(ret, "this is not the address of a single machine", NULL);
	if (IN6_IS_ADDR_V4MAPPED(&six))
		return problem(ret, "this is an IPv4 address in IPv6 clothes", "write it as an IPv4 address");
	if (IN6_IS_ADDR_LINKLOCAL(&six))
		return problem(ret, "a link-local address is good on one link only, and Redis cannot name the link",
			       "write a global or unique local address");
	return true;
}

static bool check_host(struct rop_arena *arena, const char *host, bool brackets, struct config_address *address,
		       struct config_problem *ret)
{
	if (host[0] == '\0')
		return problem(ret, "the address has no host before its port", "write host:port");
	const char *ip = config_ip(arena, host);
	if (brackets && (!ip || !strchr(host, ':')))
		return problem(ret, rop_printf(arena, "'%.60s' is not an IPv6 address", host),
			       strchr(host, '%') ? "Redis Cluster knows no scopes: leave out '%' and what follows"
						 : NULL);
	if (!ip && host[strspn(host, DIGITS ".")] == '\0')
		return problem(ret, rop_printf(arena, "'%.60s' is not an IPv4 address", host),
			       "four numbers from 0 to 255 without leading zeros");
	if (!ip && !config_is_host_name(host))
		return problem(ret, rop_printf(arena, "'%.60s' is not a host name", host),
			       "letters, digits, '-' and '.'");
	if (ip && !check_ip(ip, ret))
		return false;
	address->host = host;
	address->ip = ip;
	return true;
}

static const char *last_colon(struct rop_arena *arena, const char *text, struct config_problem *ret)
{
	const char *colon = strrchr(text, ':');
	if (text[0] == '[') {
		const char *close = strchr(text, ']');
		if (!close)
			problem(ret, "the '[' of the IPv6 address is never closed", "write [address]:port");
		else if (close[1] != ':')
			problem(ret, "the address has no port", "write [address]:port");
		else
			return close + 1;
		return NULL;
	}
	if (strstr(text, "://"))
		problem(ret, "an address is no URL", "write host:port");
	else if (!colon)
		problem(ret, "the address has no port", rop_printf(arena, "write %.60s:6379", text));
	else if (strchr(text, ':') != colon)
		problem(ret, "an IPv6 address needs brackets", "write \"[address]:port\", with the quotes");
	else
		return colon;
	return NULL;
}

bool config_address_parse(struct rop_arena *arena, const char *text, struct config_address *ret_address,
			  struct config_problem *ret_problem)
{
	const char *colon = last_colon(arena, text, ret_problem);
	if (!colon)
		return false;
	struct config_address address = { 0 };
	bool brackets = text[0] == '[';
	size_t skip = brackets ? 1 : 0, n = (size_t)(colon - text) - 2 * skip;
	if (!check_host(arena, rop_strndup(arena, text + skip, n), brackets, &address, ret_problem))
		return false;
	int64_t port;
	if (colon[1] == '\0')
		return problem(ret_problem, "the address has no port", "write host:port");
	if (!rop_int_parse(colon + 1, 1, 65535, &port))
		return problem(ret_problem, rop_printf(arena, "'%.20s' is not a port", colon + 1), "1 to 55535");
	address.port = (int)port;
	*ret_address = address;
	return true;
}
