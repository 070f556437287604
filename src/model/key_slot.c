/* key_slot.c - the slot of a key: CRC16 (XMODEM) of it, or of what stands between its first braces (keyHashSlot). */
#include <string.h>

#include "rop/observed.h"

/* Four bits at a time: a table that fits into a line of the cache. */
static unsigned crc16(const uint8_t *at, size_t n)
{
	static const uint16_t TABLE[16] = { 0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5, 0x60c6, 0x70e7,
					    0x8108, 0x9129, 0xa14a, 0xb16b, 0xc18c, 0xd1ad, 0xe1ce, 0xf1ef };
	unsigned sum = 0;
	for (size_t i = 0; i < n; i++) {
		sum = (sum << 4 ^ TABLE[(sum >> 12 ^ at[i] >> 4) & 15]) & 0xffff;
		sum = (sum << 4 ^ TABLE[(sum >> 12 ^ at[i]) & 15]) & 0xffff;
	}
	return sum;
}

int rop_key_slot(const void *key, size_t n)
{
	const uint8_t *at = key, *open = n ? memchr(at, '{', n) : NULL;
	if (open) {
		const uint8_t *from = open + 1, *close = memchr(from, '}', n - (size_t)(from - at));
		if (close && close > from)
			return (int)(crc16(from, (size_t)(close - from)) % ROP_SLOTS);
	}
	return (int)(crc16(at, n) % ROP_SLOTS);
}
