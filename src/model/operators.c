/* operators.c - other operators at work, from a node's CLIENT LIST: by the names that they give their connections. */
#include "operators.h"

#include <stdio.h>
#include <string.h>

#include "rop/text.h"

#define CLUSTER_NAME_MAX 128

/* One word of a line of CLIENT LIST: the value of " key=". */
static bool client_word(const char *line, size_t n, const char *key, const char **ret_value, size_t *ret_n)
{
	size_t length = strlen(key);
	for (const char *p = line; (p = memchr(p, ' ', n - (size_t)(p - line))); p++) {
		const char *value = p + 1 + length;
		if ((size_t)(value - line) > n || memcmp(p + 1, key, length) != 0)
			continue;
		*ret_value = value;
		*ret_n = strcspn(value, " \n");
		return true;
	}
	return false;
}

/* "10.0.0.5:40112", "[::1]:40112", "/run/redis.sock:0": without the port. */
static const char *client_host(struct rop_arena *arena, const char *address, size_t n)
{
	static const char FINE[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.:%/_-";
	while (n && address[n - 1] != ':')
		n--;
	n -= n > 0;
	if (n > 2 && address[0] == '[' && address[n - 1] == ']') {
		address++;
		n -= 2;
	}
	const char *host = rop_strndup(arena, address, n);
	return n && n < 128 && strspn(host, FINE) == n ? host : "?";
}

/* "redis-operator:CLUSTER:INSTANCE"; of those without an instance nothing is to be feared: they only look. */
static bool parse_operator(struct rop_arena *arena, const char *line, size_t n, struct rop_operator *ret_operator)
{
	static const char PREFIX[] = "redis-operator:";
	const char *name, *address, *colon;
	size_t name_n, address_n, prefix = strlen(PREFIX);
	if (!client_word(line, n, "name=", &name, &name_n) || !client_word(line, n, "addr=", &address, &address_n))
		return false;
	if (name_n < prefix || memcmp(name, PREFIX, prefix) != 0)
		return false;
	name += prefix;
	name_n -= prefix;
	colon = memchr(name, ':', name_n);
	if (!colon || colon == name || name + name_n - colon != sizeof ret_operator->instance ||
	    strspn(colon + 1, "0123456789abcdef") < sizeof ret_operator->instance - 1)
		return false;
	ret_operator->cluster = rop_text_visible(arena, name, (size_t)(colon - name), CLUSTER_NAME_MAX);
	snprintf(ret_operator->instance, sizeof ret_operator->instance, "%s", colon + 1);
	ret_operator->from = client_host(arena, address, address_n);
	return true;
}

static bool same_operator(const struct rop_operator *a, const struct rop_operator *b)
{
	return strcmp(a->cluster, b->cluster) == 0 && strcmp(a->instance, b->instance) == 0 &&
	       strcmp(a->from, b->from) == 0;
}

void operators_take(struct rop_arena *arena, const char *lines, struct rop_node *node)
{
	for (const char *line = lines, *next; line && *line && node->n_operators < ROP_OPERATORS_MAX; line = next) {
		struct rop_operator operator;
		size_t n = strcspn(line, "\n"), i = 0;
		next = line + n + (line[n] == '\n');
		if (!parse_operator(arena, line, n, &operator))
			continue;
		if (!node->operators)
			node->operators = rop_alloc_n(arena, ROP_OPERATORS_MAX, sizeof *node->operators);
		while (i < node->n_operators && !same_operator(&node->operators[i], &operator))
			i++;
		if (i == node->n_operators)
			node->operators[node->n_operators++] = operator;
	}
}
