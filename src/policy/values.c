/* values.c - the value of a setting: as a node shows it, and which values are the same to a server. */
#include <ctype.h>
#include <stdlib.h>
#include <strings.h>

#include "policy.h"

/* memtoll of the servers: k, m, g count in thousands; kb, mb, gb in 1024s. */
bool policy_memory_parse(const char *s, int64_t *ret)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} UNITS[] = {
		{ "", 1 },
		{ "b", 1 },
		{ "k", 1000 },
		{ "kb", 1024 },
		{ "m", 1000 * 1000 },
		{ "mb", 1024 * 1024 },
		{ "g", 1000 * 1000 * 1000 },
		{ "gb", 1024 * 1024 * 1024 },
	};
	char *end;
	if (!isdigit((unsigned char)s[0]))
		return false;
	int64_t value = strtoll(s, &end, 10);
	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
		if (strcasecmp(end, UNITS[i].unit) == 0)
			return !__builtin_mul_overflow(value, UNITS[i].factor, ret);
	return false;
}

bool policy_same_value(const char *a, const char *b)
{
	int64_t x, y;
	return strcasecmp(a, b) == 0 || (policy_memory_parse(a, &x) && policy_memory_parse(b, &y) && x == y);
}
