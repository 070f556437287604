/* lzf.h - of this folder: strings that the servers compressed. */
#ifndef RDB_LZF_H
#define RDB_LZF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* n bytes make at most so many: three say "the same 264 again". */
#define LZF_MOST(n) ((uint64_t)(n)*88)

/* Exactly `size` bytes come out, or it is damaged: false. */
bool lzf_expand(const uint8_t *from, size_t n, uint8_t *to, size_t size);

#endif
