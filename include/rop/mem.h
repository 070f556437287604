/* mem.h - memory: arenas for things that die together, growable lists and texts.
 *
 * Running out of memory is not an error that callers handle. Every allocation is checked in one place, which
 * calls the handler (default: one sentence on stderr, exit 70). The program is crash-only: the journal makes the
 * next process go on where this one stopped, and a test fails the 1st, 2nd, ... nth allocation to see it.
 */
#ifndef ROP_MEM_H
#define ROP_MEM_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct rop_arena;

struct rop_arena *rop_arena_new(void);
void rop_arena_free(struct rop_arena *arena); /* NULL is fine */
size_t rop_arena_bytes(const struct rop_arena *arena);

/* Zeroed, aligned for anything, never NULL; owned by the arena. */
void *rop_alloc(struct rop_arena *arena, size_t size);
void *rop_alloc_n(struct rop_arena *arena, size_t n, size_t size);
char *rop_strdup(struct rop_arena *arena, const char *s); /* NULL gives NULL */
char *rop_strndup(struct rop_arena *arena, const char *s, size_t n);
char *rop_printf(struct rop_arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *rop_vprintf(struct rop_arena *arena, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

/* Heap memory with the same promise; released with free(). */
void *rop_malloc(size_t size);
void *rop_realloc(void *p, size_t size);
char *rop_heap_strdup(const char *s); /* NULL gives NULL */
char *rop_heap_strndup(const char *s, size_t n);
void rop_set_oom_handler(void (*handler)(size_t size)); /* must not return */

/* A list in an arena:  ROP_LIST(struct rop_step) steps;  *rop_push(arena, &steps) = step; */
#define ROP_LIST(type) \
	struct { \
		type *at; \
		size_t n, cap; \
	}
void *rop_list_room(struct rop_arena *arena, void *at, size_t n, size_t *cap, size_t size);
#define rop_push(arena, list) \
	((list)->at = rop_list_room((arena), (list)->at, (list)->n, &(list)->cap, sizeof *(list)->at), \
	 &(list)->at[(list)->n++])

/* A growing text on the heap: { 0 } is an empty one. */
struct rop_text {
	char *at; /* always terminated once something was added; NULL before */
	size_t n, cap;
};
void rop_text_add(struct rop_text *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void rop_text_put(struct rop_text *text, const char *bytes, size_t n);
void rop_text_done(struct rop_text *text);

/* Ownership at the declaration. */
static inline void rop_arena_cleanup(struct rop_arena **arena)
{
	rop_arena_free(*arena);
}
#define ROP_OWN_ARENA __attribute__((cleanup(rop_arena_cleanup))) struct rop_arena *
#define ROP_OWN_TEXT __attribute__((cleanup(rop_text_done))) struct rop_text

#endif
