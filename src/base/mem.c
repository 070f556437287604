/* mem.c - arenas, lists and texts; the one place that checks allocations. */
#include "rop/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As much again as the arena has, within these: most arenas of a daemon stay small, and there are many to a cluster. */
#define CHUNK_MIN_BYTES ((size_t)1024)
#define CHUNK_BYTES ((size_t)16 * 1024)

struct chunk {
	struct chunk *next;
	size_t size, used;
	_Alignas(max_align_t) char bytes[];
};

struct rop_arena {
	struct chunk *chunks; /* the first has room; full ones follow */
	size_t bytes;
};

static void out_of_memory(size_t size)
{
	char line[96];
	int n = snprintf(line, sizeof line, "redis-operator: out of memory (%zu bytes wanted)\n", size);
	if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
		_exit(71);
	_exit(70);
}

static void (*oom_handler)(size_t) = out_of_memory;

void rop_set_oom_handler(void (*handler)(size_t size))
{
	oom_handler = handler ? handler : out_of_memory;
}

void *rop_malloc(size_t size)
{
	void *p = calloc(1, size ? size : 1);
	if (!p) {
		oom_handler(size);
		abort();
	}
	return p;
}

void *rop_realloc(void *p, size_t size)
{
	void *q = realloc(p, size ? size : 1);
	if (!q) {
		oom_handler(size);
		abort();
	}
	return q;
}

char *rop_heap_strndup(const char *s, size_t n)
{
	char *copy = rop_malloc(n + 1);
	memcpy(copy, s, n);
	copy[n] = '\0';
	return copy;
}

char *rop_heap_strdup(const char *s)
{
	return s ? rop_heap_strndup(s, strlen(s)) : NULL;
}

struct rop_arena *rop_arena_new(void)
{
	return rop_malloc(sizeof(struct rop_arena));
}

void rop_arena_free(struct rop_arena *arena)
{
	if (!arena)
		return;
	for (struct chunk *c = arena->chunks, *next; c; c = next) {
		next = c->next;
		free(c);
	}
	free(arena);
}

size_t rop_arena_bytes(const struct rop_arena *arena)
{
	return arena->bytes;
}

static size_t chunk_bytes(const struct rop_arena *arena)
{
	if (arena->bytes < CHUNK_MIN_BYTES)
		return CHUNK_MIN_BYTES;
	return arena->bytes < CHUNK_BYTES ? arena->bytes : CHUNK_BYTES;
}

void *rop_alloc(struct rop_arena *arena, size_t size)
{
	const size_t align = _Alignof(max_align_t);
	if (size > SIZE_MAX / 2) {
		oom_handler(size);
		abort();
	}
	size = (size + align - 1) / align * align;
	struct chunk *c = arena->chunks;
	if (!c || c->size - c->used < size) {
		size_t room = chunk_bytes(arena);
		bool big = size > room;
		if (big)
			room = size;
		c = rop_malloc(sizeof *c + room); /* zeroed: what it hands out is zeroed */
		c->size = room;
		arena->bytes += room;
		if (arena->chunks && big) { /* a big one does not displace the chunk with room */
			c->next = arena->chunks->next;
			arena->chunks->next = c;
		} else {
			c->next = arena->chunks;
			arena->chunks = c;
		}
	}
	void *p = c->bytes + c->used;
	c->used += size;
	return p;
}

void *rop_alloc_n(struct rop_arena *arena, size_t n, size_t size)
{
	size_t total;
	if (__builtin_mul_overflow(n, size, &total))
		total = SIZE_MAX;
	return rop_alloc(arena, total);
}

char *rop_strndup(struct rop_arena *arena, const char *s, size_t n)
{
	char *copy = rop_alloc(arena, n + 1);
	memcpy(copy, s, n);
	return copy;
}

char *rop_strdup(struct rop_arena *arena, const char *s)
{
	return s ? rop_strndup(arena, s, strlen(s)) : NULL;
}

char *rop_vprintf(struct rop_arena *arena, const char *fmt, va_list ap)
{
	va_list again;
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	char *s = rop_alloc(arena, (size_t)(n < 0 ? 0 : n) + 1);
	if (n > 0)
		vsnprintf(s, (size_t)n + 1, fmt, ap);
	return s;
}

char *rop_printf(struct rop_arena *arena, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	char *s = rop_vprintf(arena, fmt, ap);
	va_end(ap);
	return s;
}

void *rop_list_room(struct rop_arena *arena, void *at, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return at;
	size_t wanted = *cap ? *cap * 2 : 8;
	void *bigger = rop_alloc_n(arena, wanted, size);
	if (n)
		memcpy(bigger, at, n * size);
	*cap = wanted;
	return bigger;
}

static void text_room(struct rop_text *text, size_t more)
{
	if (text->n + more + 1 <= text->cap)
		return;
	size_t cap = text->cap ? text->cap : 128;
	while (cap < text->n + more + 1)
		cap *= 2;
	text->at = rop_realloc(text->at, cap);
	text->cap = cap;
}

void rop_text_put(struct rop_text *text, const char *bytes, size_t n)
{
	text_room(text, n);
	if (n)
		memcpy(text->at + text->n, bytes, n);
	text->n += n;
	text->at[text->n] = '\0';
}

void rop_text_add(struct rop_text *text, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	text_room(text, (size_t)n);
	va_start(ap, fmt);
	vsnprintf(text->at + text->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	text->n += (size_t)n;
}

void rop_text_done(struct rop_text *text)
{
	free(text->at);
	*text = (struct rop_text){ 0 };
}
