/* slots.c - which slot a key is in, sets of slots, a hash tag for each slot. */
#include "slots.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* CRC-16/XMODEM: polynomial 0x1021, beginning with 0, nothing reflected. */
static unsigned crc16(const char *bytes, size_t n)
{
	unsigned crc = 0;
	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned)(unsigned char)bytes[i] << 8;
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
		crc &= 0xffff;
	}
	return crc;
}

unsigned slot_of(const char *key, size_t n)
{
	const char *open = memchr(key, '{', n);
	const char *close = open ? memchr(open, '}', n - (size_t)(open - key)) : NULL;
	if (close && close > open + 1)
		return crc16(open + 1, (size_t)(close - open - 1)) % SLOTS;
	return crc16(key, n) % SLOTS;
}

static bool parse_slot(const char **at, unsigned *ret)
{
	size_t digits = strspn(*at, "0123456789");
	if (digits == 0 || digits > 5)
		return false;
	unsigned long slot = strtoul(*at, NULL, 10);
	*at += digits;
	*ret = (unsigned)slot;
	return slot < SLOTS;
}

bool slot_set_add(struct slot_set *set, const char *text)
{
	struct slot_set sum = *set;
	for (;;) {
		unsigned first, last;
		if (!parse_slot(&text, &first))
			return false;
		last = first;
		if (*text == '-' && (text++, !parse_slot(&text, &last) || last < first))
			return false;
		for (unsigned slot = first; slot <= last; slot++) {
			sum.n += !sum.has[slot];
			sum.has[slot] = true;
		}
		if (*text == '\0')
			break;
		if (*text++ != ',')
			return false;
	}
	*set = sum;
	return true;
}

unsigned slot_set_at(const struct slot_set *set, size_t k)
{
	unsigned slot = 0;
	while (!set->has[slot] || k-- > 0)
		slot++;
	return slot;
}

void slot_tags(uint32_t ret_tags[SLOTS])
{
	bool has[SLOTS] = { false };
	size_t found = 0;
	for (uint32_t tag = 0; found < SLOTS; tag++) {
		char text[12];
		unsigned slot = slot_of(text, (size_t)snprintf(text, sizeof text, "%u", tag));
		if (has[slot])
			continue;
		has[slot] = true;
		ret_tags[slot] = tag;
		found++;
	}
}
