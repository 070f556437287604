/* base.c - the clock, memory, growing lists and texts, seeded random numbers. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * US_PER_S + now.tv_nsec / 1000;
}

void die(const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	fputs("ledger: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

void *list_room(void *at, size_t *cap, size_t wanted, size_t size)
{
	size_t before = *cap;
	if (wanted <= before)
		return at;
	while (*cap < wanted)
		*cap = *cap ? *cap * 2 : 16;
	at = realloc(at, *cap * size);
	if (!at)
		die("out of memory");
	memset((char *)at + before * size, 0, (*cap - before) * size);
	return at;
}

void *zeroed(size_t n, size_t size)
{
	void *at = calloc(n ? n : 1, size);
	if (!at)
		die("out of memory");
	return at;
}

char *text_room(struct text *text, size_t n)
{
	text->at = list_room(text->at, &text->cap, text->n + n, 1);
	return text->at + text->n;
}

void text_add(struct text *text, const char *bytes, size_t n)
{
	if (n == 0)
		return;
	memcpy(text_room(text, n), bytes, n);
	text->n += n;
}

void text_free(struct text *text)
{
	free(text->at);
	*text = (struct text){ 0 };
}

/* splitmix64 */
uint64_t random_word(uint64_t *seed)
{
	uint64_t z = *seed += 0x9e3779b97f4a7c15u;
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

uint64_t random_under(uint64_t *seed, uint64_t n)
{
	return random_word(seed) % n;
}
