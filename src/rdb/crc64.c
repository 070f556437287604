/* crc64.c - CRC-64/Jones, eight bytes at a time: reflected, begins with 0, as the servers' crc64.c has it. */
#include "rop/rdb.h"

#define POLYNOMIAL 0x95ac9329ac4bc9b5u /* 0xad93d23594c935a9, its bits reversed */

void rop_crc64_init(struct rop_crc64 *crc)
{
	for (unsigned byte = 0; byte < 256; byte++) {
		uint64_t sum = byte;
		for (int bit = 0; bit < 8; bit++)
			sum = sum & 1 ? sum >> 1 ^ POLYNOMIAL : sum >> 1;
		crc->table[0][byte] = sum;
	}
	for (unsigned byte = 0; byte < 256; byte++)
		for (int after = 1; after < 8; after++) {
			uint64_t sum = crc->table[after - 1][byte];
			crc->table[after][byte] = crc->table[0][sum & 255] ^ sum >> 8;
		}
}

static uint64_t eight(const uint8_t *at)
{
	uint64_t word = 0;
	for (int i = 7; i >= 0; i--)
		word = word << 8 | at[i];
	return word;
}

uint64_t rop_crc64_add(const struct rop_crc64 *crc, uint64_t sum, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	for (; n >= 8; n -= 8, at += 8) {
		uint64_t word = sum ^ eight(at);
		sum = 0;
		for (int i = 0; i < 8; i++)
			sum ^= crc->table[7 - i][word >> (8 * i) & 255];
	}
	for (; n; n--, at++)
		sum = crc->table[0][(sum ^ *at) & 255] ^ sum >> 8;
	return sum;
}
