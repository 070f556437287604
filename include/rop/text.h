/* text.h - small things about strings, durations and digests; libc only. */
#ifndef ROP_TEXT_H
#define ROP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct rop_arena;
struct rop_text;

/* Durations are written 250ms, 5s, 10m, 1h: one number, one unit, at most 30 days. false: not one. */
bool rop_duration_parse(const char *s, int64_t *ret_ms);
/* "250ms", "5s", "90s", "10m", "1h": the largest unit that is exact. buf holds at least 24 bytes; returns buf. */
const char *rop_duration_print(int64_t ms, char *buf, size_t size);
/* How long something still takes, for people, rounded up: "15 s"; what is longer than ten minutes "12 min". */
const char *rop_duration_about(int64_t ms, char *buf, size_t size);
/* "812 B", "1.5 KiB", "3.2 GiB": as a person reads bytes. Into the arena. */
char *rop_bytes_about(struct rop_arena *arena, int64_t bytes);
/* A whole decimal number within [min, max]; no sign, blanks or leading zeros (but "0"). */
bool rop_int_parse(const char *s, int64_t min, int64_t max, int64_t *ret);

/* The candidate closest to `word` by edit distance, or NULL when none is close (more than a third wrong).
 * A name written in another case style (snake_case for camelCase) counts as the same. */
const char *rop_suggest(const char *word, const char *const *candidates, size_t n);

/* FNV-1a, 64 bits: tells versions of a text apart; no protection against an adversary. */
#define ROP_DIGEST_START 0xcbf29ce484222325u
uint64_t rop_digest(uint64_t seed, const void *bytes, size_t n);

bool rop_utf8_valid(const char *s, size_t n, size_t *ret_bad_at);

/* ---- what may be shown: the one place that knows ------------------------------------------------------------ */

#define ROP_NOT_A_CHAR UINT32_MAX
/* The bytes of the UTF-8 character at s (n > 0 are left); a byte that begins no valid character is one of its own and
 * gives ROP_NOT_A_CHAR. */
size_t rop_char(const char *s, size_t n, uint32_t *ret_char);
/* Controls, direction marks and other characters that change what a reader sees without being seen themselves; and
 * what is no character. */
bool rop_char_hidden(uint32_t c);
/* Nothing of it is hidden: it may stand on a terminal, in a line of a log and in JSON. */
bool rop_text_is_visible(const char *s, size_t n);
/* A copy of the first n bytes at s that is: each hidden character is U+FFFD. Of more than `max` bytes the beginning,
 * with three dots. For all that nodes say, once, where it becomes part of the model. */
char *rop_text_visible(struct rop_arena *arena, const char *s, size_t n, size_t max);
/* "a, b, c and 4 more": of n names the first `most`. */
char *rop_text_some(struct rop_arena *arena, const char *const *names, size_t n, size_t most);
/* Bytes of what fits into a line of a terminal: one that wraps could not be written over. The last column stays free,
 * as some terminals go on to the next line when it is written. A character counts as one column, a wide one as what it
 * may take. */
size_t rop_text_fits(const char *line, size_t columns);
/* Appends it in lines of at most `width` columns, broken at blanks; later lines begin at column `indent`, those that go
 * on with an indented "  word  text" below its text. Its own ends of line stay; the last one is the caller's.
 * What stands in `backticks` is not broken. A command of the shell that does, in a text of more than one line, gets a
 * line of its own, without them, however long it is: a person copies it. */
void rop_text_wrap(struct rop_text *out, const char *text, size_t indent, size_t width);
/* Of lines, each by itself: what goes on of one begins `indent` columns below its beginning. Each keeps its end. */
void rop_text_wrap_lines(struct rop_text *out, const char *text, size_t indent, size_t width);
bool rop_streq(const char *a, const char *b); /* NULL equals only NULL */
const char *rop_plural(int64_t n);            /* what follows a word after a number: "s", or "" for 1 */

/* "host:port", "[::1]:port", as servers write it too: "::1:port". The host is copied, without brackets. */
bool rop_address_split(struct rop_arena *arena, const char *text, char **ret_host, int *ret_port);
char *rop_address_join(struct rop_arena *arena, const char *host, int port);

#endif
