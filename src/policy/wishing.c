/* wishing.c - what a person's words mean: a shard by its number, or a node of it, is to be handed over. */
#include <string.h>

#include "copies.h"
#include "handover.h"
#include "rop/text.h"

/* As it is declared, or by its id. */
static int node_of_words(const struct rop_situation *now, const char *words)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (strcmp(now->seen->nodes[i].address, words) == 0 ||
		    (words[0] && strcmp(now->seen->nodes[i].id, words) == 0))
			return (int)i;
	return -1;
}

static bool wish_for_node(const struct rop_situation *now, int node, struct rop_wish *wish, struct rop_err *err)
{
	const struct rop_node *n = &now->seen->nodes[node];
	int root = copies_root(now->seen, (size_t)node);
	int shard = root < 0 || (size_t)root >= now->seen->n ? -1 : now->layout.shard_of[root];
	if (!n->id[0] || shard < 0 || handover_leader(now, shard) != root)
		return rop_fail(err, ROP_REFUSED,
				"%s is neither the primary nor a replica of a shard, as far as is seen%s%s%s",
				n->address, n->reach_why ? " (" : "", n->reach_why ? n->reach_why : "",
				n->reach_why ? ")" : "");
	wish->shard = now->layout.shards[shard].number;
	wish->address = n->address;
	memcpy(wish->node, n->id, ROP_ID_SIZE);
	return true;
}

bool rop_wish_make(const struct rop_situation *now, const char *target, struct rop_wish *ret_wish, struct rop_err *err)
{
	struct rop_wish wish = { .id = INT64_MAX, .asked_wall_ms = now->wall_ms };
	int64_t number;
	int node = node_of_words(now, target);
	if (!now->formed)
		return rop_fail(err, ROP_REFUSED,
				"cluster '%s' is not formed: no shard has a primary that could hand over",
				now->topology->name);
	if (node >= 0) {
		if (!wish_for_node(now, node, &wish, err))
			return false;
	} else if (rop_int_parse(target, 1, INT32_MAX, &number) && handover_shard(now, (int)number) >= 0) {
		wish.shard = (int)number;
	} else {
		return rop_fail(
			err, ROP_INVALID,
			"'%s' is no shard of cluster '%s' (1 to %zu), and no node of it: a node is named as in its "
			"file, host:port, or by its id",
			target, now->topology->name, now->layout.n);
	}
	int leader = handover_leader(now, handover_shard(now, wish.shard));
	if (leader < 0 || !now->seen->nodes[leader].id[0])
		return rop_fail(err, ROP_REFUSED, "nobody is known to lead shard %d", wish.shard);
	memcpy(wish.primary, now->seen->nodes[leader].id, ROP_ID_SIZE);
	wish.primary_address = now->seen->nodes[leader].address;
	*ret_wish = wish;
	return true;
}
