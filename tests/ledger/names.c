/* names.c - texts, each once: a hash table that is never more than half full, with linear probing. */
#include "names.h"

#include <stdlib.h>
#include <string.h>

/* FNV-1a */
static uint64_t hash_of(const char *text, size_t n)
{
	uint64_t hash = 0xcbf29ce484222325u;
	for (size_t i = 0; i < n; i++)
		hash = (hash ^ (unsigned char)text[i]) * 0x100000001b3u;
	return hash;
}

/* The bucket that has it, or the free one where it belongs. */
static size_t *bucket_of(const struct names *names, const char *text, size_t n, uint64_t hash)
{
	for (size_t i = hash % names->n_buckets;; i = (i + 1) % names->n_buckets) {
		size_t *bucket = &names->buckets[i];
		if (*bucket == 0)
			return bucket;
		const struct name *name = &names->list.at[*bucket - 1];
		if (name->hash == hash && strncmp(name->text, text, n) == 0 && name->text[n] == '\0')
			return bucket;
	}
}

static void grow(struct names *names)
{
	free(names->buckets);
	names->n_buckets = names->n_buckets ? names->n_buckets * 2 : 1024;
	names->buckets = zeroed(names->n_buckets, sizeof *names->buckets);
	for (size_t i = 0; i < names->list.n; i++) {
		const struct name *name = &names->list.at[i];
		*bucket_of(names, name->text, strlen(name->text), name->hash) = i + 1;
	}
}

size_t names_add(struct names *names, const char *text, size_t n)
{
	uint64_t hash = hash_of(text, n);
	if ((names->list.n + 1) * 2 > names->n_buckets)
		grow(names);
	size_t *bucket = bucket_of(names, text, n, hash);
	if (*bucket)
		return *bucket - 1;
	struct name *name = list_add(&names->list);
	name->text = zeroed(n + 1, 1);
	memcpy(name->text, text, n);
	name->hash = hash;
	*bucket = names->list.n;
	return names->list.n - 1;
}

bool names_find(const struct names *names, const char *text, size_t n, size_t *ret)
{
	if (names->n_buckets == 0)
		return false;
	size_t bucket = *bucket_of(names, text, n, hash_of(text, n));
	if (bucket == 0)
		return false;
	*ret = bucket - 1;
	return true;
}

void names_free(struct names *names)
{
	for (size_t i = 0; i < names->list.n; i++)
		free(names->list.at[i].text);
	free(names->list.at);
	free(names->buckets);
	*names = (struct names){ 0 };
}
