/* names.h - texts, each once, found again by what they say; numbered in the order in which they came. */
#ifndef LEDGER_NAMES_H
#define LEDGER_NAMES_H

#include <stdbool.h>

#include "base.h"

struct name {
	char *text; /* ended by a NUL */
	uint64_t hash;
};

struct names {
	LIST(struct name) list;
	size_t *buckets, n_buckets; /* number + 1; 0: free */
};

/* Its number; it is new when that is what list.n was. */
size_t names_add(struct names *names, const char *text, size_t n);
bool names_find(const struct names *names, const char *text, size_t n, size_t *ret);
void names_free(struct names *names);

#endif
