/* text.c - durations, suggestions, digests, what may be shown. */
#include "rop/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rop/mem.h"

#define DAY_MS ((int64_t)24 * 3600 * 1000)
#define DURATION_MAX_MS (30 * DAY_MS)

struct unit {
	const char *name;
	int64_t factor;
};

static const struct unit DURATIONS[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };
/* "250ms": digits, then exactly one of the units. */
static bool parse_with_unit(const char *s, const struct unit *units, size_t n, int64_t max, int64_t *ret)
{
	size_t digits = strspn(s, "0123456789");
	if (digits == 0 || digits > 15 || (digits > 1 && s[0] == '0'))
		return false;
	int64_t value = 0;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (s[i] - '0');
	for (size_t i = 0; i < n; i++) {
		if (strcmp(s + digits, units[i].name) != 0)
			continue;
		if (value > max / units[i].factor)
			return false;
		*ret = value * units[i].factor;
		return true;
	}
	return false;
}

bool rop_duration_parse(const char *s, int64_t *ret_ms)
{
	return s && parse_with_unit(s, DURATIONS, sizeof DURATIONS / sizeof *DURATIONS, DURATION_MAX_MS, ret_ms);
}

const char *rop_duration_print(int64_t ms, char *buf, size_t size)
{
	for (size_t i = 0; i < sizeof DURATIONS / sizeof *DURATIONS; i++) {
		if (DURATIONS[i].factor == 1 || (ms != 0 && ms % DURATIONS[i].factor == 0)) {
			snprintf(buf, size, "%" PRId64 "%s", ms / DURATIONS[i].factor, DURATIONS[i].name);
			break;
		}
	}
	return buf;
}

bool rop_int_parse(const char *s, int64_t min, int64_t max, int64_t *ret)
{
	size_t digits = s ? strspn(s, "0123456789") : 0;
	if (digits == 0 || digits > 18 || s[digits] || (digits > 1 && s[0] == '0'))
		return false;
	int64_t value = 0;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (s[i] - '0');
	if (value < min || value > max)
		return false;
	*ret = value;
	return true;
}

#define WORD_MAX 63

/* Letters and digits only, lower case: replicas_per_shard and replicasPerShard are the same. */
static size_t squeeze(const char *s, char *out)
{
	size_t n = 0;
	for (; *s && n < WORD_MAX; s++)
		if (isalnum((unsigned char)*s))
			out[n++] = (char)tolower((unsigned char)*s);
	out[n] = '\0';
	return n;
}

static size_t edit_distance(const char *a, size_t an, const char *b, size_t bn)
{
	size_t row[WORD_MAX + 2];
	for (size_t j = 0; j <= bn; j++)
		row[j] = j;
	for (size_t i = 1; i <= an; i++) {
		size_t diagonal = row[0];
		row[0] = i;
		for (size_t j = 1; j <= bn; j++) {
			size_t best = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			diagonal = row[j];
			row[j] = best;
		}
	}
	return row[bn];
}

/* Two neighbours changed places: the commonest slip of all. */
static bool is_swapped(const char *a, size_t an, const char *b, size_t bn)
{
	size_t i = 0;
	while (i < an && i < bn && a[i] == b[i])
		i++;
	return an == bn && i + 1 < an && a[i] == b[i + 1] && a[i + 1] == b[i] &&
	       memcmp(a + i + 2, b + i + 2, an - i - 2) == 0;
}

const char *rop_suggest(const char *word, const char *const *candidates, size_t n)
{
	char a[WORD_MAX + 1], b[WORD_MAX + 1];
	size_t an = squeeze(word, a), best_distance = SIZE_MAX;
	const char *best = NULL;
	for (size_t i = 0; i < n; i++) {
		size_t bn = squeeze(candidates[i], b);
		size_t distance = is_swapped(a, an, b, bn) ? 1 : edit_distance(a, an, b, bn);
		size_t longest = an > bn ? an : bn;
		if (distance * 3 <= longest && distance < best_distance) {
			best = candidates[i];
			best_distance = distance;
		}
	}
	return best;
}

uint64_t rop_digest(uint64_t seed, const void *bytes, size_t n)
{
	const unsigned char *p = bytes;
	for (size_t i = 0; i < n; i++)
		seed = (seed ^ p[i]) * 0x100000001b3u;
	return seed;
}

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool rop_utf8_valid(const char *s, size_t n, size_t *ret_bad_at)
{
	const unsigned char *p = (const unsigned char *)s;
	for (size_t i = 0; i < n;) {
		size_t more;
		unsigned char low = 0x80, high = 0xbf; /* bounds of the second byte */
		if (p[i] < 0x80) {
			i++;
			continue;
		}
		if (p[i] >= 0xc2 && p[i] <= 0xdf) {
			more = 1;
		} else if ((p[i] & 0xf0) == 0xe0) {
			more = 2;
			low = p[i] == 0xe0 ? 0xa0 : 0x80;
			high = p[i] == 0xed ? 0x9f : 0xbf;
		} else if (p[i] >= 0xf0 && p[i] <= 0xf4) {
			more = 3;
			low = p[i] == 0xf0 ? 0x90 : 0x80;
			high = p[i] == 0xf4 ? 0x8f : 0xbf;
		} else {
			*ret_bad_at = i;
			return false;
		}
		for (size_t k = 1; k <= more; k++) {
			unsigned char lo = k == 1 ? low : 0x80, hi = k == 1 ? high : 0xbf;
			if (i + k >= n || p[i + k] < lo || p[i + k] > hi) {
				*ret_bad_at = i;
				return false;
			}
		}
		i += more + 1;
	}
	return true;
}

/* ---- what may be shown ------------------------------------------------------------------------------------- */

/* By its first byte alone. */
static size_t char_size(unsigned char first)
{
	if (first < 0x80)
		return 1;
	if (first >= 0xf0)
		return 4;
	return first >= 0xe0 ? 3 : 2;
}

size_t rop_char(const char *s, size_t n, uint32_t *ret_char)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t size = char_size(p[0]), bad;
	if (size > n || !rop_utf8_valid(s, size, &bad)) {
		*ret_char = ROP_NOT_A_CHAR;
		return 1;
	}
	uint32_t c = size == 1 ? p[0] : p[0] & (0xffu >> (size + 1));
	for (size_t i = 1; i < size; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*ret_char = c;
	return size;
}

bool rop_char_hidden(uint32_t c)
{
	static const struct {
		uint32_t from, to;
	} HIDDEN[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     /* C0, DEL, C1: terminals obey them */
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, /* zero width, line separators, direction marks */
		{ 0x2060, 0x206f }, { 0xfeff, 0xfeff },   { 0xfff9, 0xfffb },
		{ 0xfffe, 0xffff }, { 0xe0000, 0xe007f }, { ROP_NOT_A_CHAR, ROP_NOT_A_CHAR },
	};
	for (size_t i = 0; i < sizeof HIDDEN / sizeof *HIDDEN; i++)
		if (c >= HIDDEN[i].from && c <= HIDDEN[i].to)
			return true;
	return false;
}

/* Where the first hidden character is; n: nowhere. */
static size_t first_hidden(const char *s, size_t n)
{
	uint32_t c;
	for (size_t at = 0, size; at < n; at += size) {
		size = rop_char(s + at, n - at, &c);
		if (rop_char_hidden(c))
			return at;
	}
	return n;
}

bool rop_text_is_visible(const char *s, size_t n)
{
	return first_hidden(s, n) == n;
}

char *rop_text_visible(struct rop_arena *arena, const char *s, size_t n, size_t max)
{
	ROP_OWN_TEXT text = { 0 };
	uint32_t c;
	size_t size;
	if (n <= max && rop_text_is_visible(s, n))
		return rop_strndup(arena, s, n);
	for (size_t at = 0; at < n; at += size) {
		size = rop_char(s + at, n - at, &c);
		if (text.n + size > max) {
			rop_text_put(&text, "...", 3);
			break;
		}
		if (rop_char_hidden(c))
			rop_text_put(&text, "\xef\xbf\xbd", 3);
		else
			rop_text_put(&text, s + at, size);
	}
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

bool rop_streq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

char *rop_text_some(struct rop_arena *arena, const char *const *names, size_t n, size_t most)
{
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < n && i < most; i++)
		rop_text_add(&text, "%s%s", i ? ", " : "", names[i]);
	if (n > most)
		rop_text_add(&text, " and %zu more", n - most);
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

const char *rop_plural(int64_t n)
{
	return n == 1 ? "" : "s";
}

bool rop_address_split(struct rop_arena *arena, const char *text, char **ret_host, int *ret_port)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	if (!colon || colon == text || !rop_int_parse(colon + 1, 1, 65535, &port))
		return false;
	bool brackets = text[0] == '[' && colon[-1] == ']';
	*ret_host = rop_strndup(arena, text + brackets, (size_t)(colon - text) - 2 * brackets);
	*ret_port = (int)port;
	return true;
}

char *rop_address_join(struct rop_arena *arena, const char *host, int port)
{
	return rop_printf(arena, strchr(host, ':') ? "[%s]:%d" : "%s:%d", host, port);
}

size_t rop_text_fits(const char *line, size_t columns)
{
	size_t at = 0, n = strlen(line), used = 0;
	while (at < n) {
		uint32_t c;
		size_t bytes = rop_char(line + at, n - at, &c);
		used += c < 0x1100 ? 1 : 2;
		if (used >= columns)
			break;
		at += bytes;
	}
	return at;
}

const char *rop_duration_about(int64_t ms, char *buf, size_t size)
{
	int64_t unit_ms = ms > 600000 ? 60000 : 1000, units = (ms + unit_ms - 1) / unit_ms;
	snprintf(buf, size, "%" PRId64 " %s", units, unit_ms == 1000 ? "s" : "min");
	return buf;
}

char *rop_bytes_about(struct rop_arena *arena, int64_t bytes)
{
	static const char *const UNITS[] = { "B", "KiB", "MiB", "GiB", "TiB" };
	size_t unit = 0;
	double n = (double)bytes;
	for (; n >= 1024 && unit + 1 < sizeof UNITS / sizeof *UNITS; unit++)
		n /= 1024;
	return rop_printf(arena, unit ? "%.1f %s" : "%.0f %s", n, UNITS[unit]);
}
