/* answers.c - fuzz target: what nodes say, as texts, to the situation.
 *
 * The input is cut at 0x01 into texts: for each of up to four nodes CLUSTER NODES, CLUSTER INFO, INFO server, INFO
 * replication, INFO keyspace, lines of CLIENT LIST, one setting. An empty text was not sent; a node whose first is
 * empty is silent.
 */
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "rop/text.h"

#define NODES_MAX 4

static const char *next_text(struct rop_arena *arena, const uint8_t **at, const uint8_t *end)
{
	const uint8_t *from = *at, *to = from < end ? memchr(from, 1, (size_t)(end - from)) : NULL;
	if (!to)
		to = end;
	*at = to < end ? to + 1 : end;
	size_t n = strnlen((const char *)from, (size_t)(to - from)); /* NUL bytes end at observe.c */
	return n ? rop_strndup(arena, (const char *)from, n) : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *names[] = { "cluster-node-timeout", "repl-diskless-sync-delay", "maxmemory" };
	ROP_OWN_ARENA arena = rop_arena_new();
	struct rop_answer answers[NODES_MAX];
	const uint8_t *at = data, *end = data + size;
	size_t n = 0;
	while (n < NODES_MAX && (at < end || n == 0)) {
		struct rop_answer *answer = &answers[n++];
		*answer = (struct rop_answer){ .address = rop_printf(arena, "10.0.0.%zu:6379", n),
					       .port = 6379,
					       .functions = -1 };
		answer->ip = rop_printf(arena, "10.0.0.%zu", n);
		answer->cluster_nodes = next_text(arena, &at, end);
		answer->cluster_info = next_text(arena, &at, end);
		answer->info_server = next_text(arena, &at, end);
		answer->info_replication = next_text(arena, &at, end);
		answer->info_keyspace = next_text(arena, &at, end);
		answer->operators = next_text(arena, &at, end);
		answer->asked_shards = true;
		answer->shards = answer->operators; /* lines of words as well */
		answer->settings = rop_alloc_n(arena, 3, sizeof *answer->settings);
		answer->settings[0] = next_text(arena, &at, end);
		if (answer->cluster_nodes)
			continue;
		answer->reach = ROP_REACH_SILENT;
		answer->reach_why = "connection refused";
	}
	fuzz_assess(arena, answers, n, names, 3);
	return 0;
}
