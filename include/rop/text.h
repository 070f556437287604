/* text.h - small things about strings, durations and digests; libc only. */
#ifndef ROP_TEXT_H
#define ROP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Durations are written 250ms, 5s, 10m, 1h: one number, one unit, at most 30 days. false: not one. */
bool rop_duration_parse(const char *s, int64_t *ret_ms);
/* "250ms", "5s", "90s", "10m", "1h": the largest unit that is exact. buf holds at least 24 bytes; returns buf. */
const char *rop_duration_print(int64_t ms, char *buf, size_t size);
/* A whole decimal number within [min, max]; no sign, blanks or leading zeros (but "0"). */
bool rop_int_parse(const char *s, int64_t min, int64_t max, int64_t *ret);
/* Sizes: 16MiB, 4KiB, 1GiB, 512B. */
bool rop_size_parse(const char *s, int64_t *ret_bytes);

/* The candidate closest to `word` by edit distance, or NULL when none is close (more than a third wrong).
 * A name written in another case style (snake_case for camelCase) counts as the same. */
const char *rop_suggest(const char *word, const char *const *candidates, size_t n);

/* FNV-1a, 64 bits: tells versions of a text apart; no protection against an adversary. */
#define ROP_DIGEST_START 0xcbf29ce484222325u
uint64_t rop_digest(uint64_t seed, const void *bytes, size_t n);

bool rop_utf8_valid(const char *s, size_t n, size_t *ret_bad_at);
bool rop_streq(const char *a, const char *b); /* NULL equals only NULL */

#endif
