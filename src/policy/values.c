/* values.c - the value of a setting: as a node shows it, and which values are the same to a server. */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "rop/text.h"

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

const char *rop_value_shown(const char *value)
{
	if (!value)
		return "not known";
	return *value ? value : "\"\"";
}

const char *rop_value_beside(struct rop_arena *arena, const char *value, const char *other)
{
	static const struct {
		const char *unit;
		int64_t bytes;
	} UNITS[] = { { "gb", 1 << 30 }, { "mb", 1 << 20 }, { "kb", 1 << 10 } };
	int64_t bytes;
	size_t digits = strspn(other, "0123456789");
	if (value && digits && strpbrk(other + digits, "bB") && rop_int_parse(value, 1, INT64_MAX, &bytes))
		for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
			if (bytes % UNITS[i].bytes == 0)
				return rop_printf(arena, "%lld%s", (long long)(bytes / UNITS[i].bytes), UNITS[i].unit);
	return rop_value_shown(value);
}
