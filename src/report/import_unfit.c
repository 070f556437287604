/* import_unfit.c - what stands in the way of describing a cluster by a file. What the file could not say is refused,
 * not left out. */
#include <string.h>

#include "rop/import.h"
#include "rop/text.h"

static void problem(const struct rop_import *im, struct rop_findings *list, enum rop_code code, const char *text,
		    const char *advice)
{
	*rop_push(im->arena, list) = (struct rop_finding){ .code = code, .node = -1, .text = text, .advice = advice };
}

enum rop_code rop_import_tell(const struct rop_findings *list, struct rop_text *out)
{
	enum rop_code code = ROP_REFUSED;
	for (size_t i = 0; i < list->n; i++) {
		const struct rop_finding *p = &list->at[i];
		rop_text_add(out, p->advice ? "%s\n  -> %s\n" : "%s\n", p->text, p->advice);
		if (p->code == ROP_DENIED || (p->code == ROP_UNREACHABLE && code != ROP_DENIED))
			code = p->code;
	}
	return code;
}

/* What may hold the only copy of its data is not to be forgotten. */
static const char *what_of_silent(const struct rop_import *im, const struct rop_node *node)
{
	const struct rop_observed *seen = im->seed->seen;
	bool replica = node->role == ROP_ROLE_REPLICA && node->primary >= 0;
	if (!replica || !rop_answers(seen, (size_t)node->primary))
		return "start it, or run import where it can be reached: it may hold the only copy of its data";
	return rop_printf(im->arena,
			  "start it, or run import where it can be reached; if it is gone for good, on every node: "
			  "`redis-cli cluster forget %s`",
			  node->id);
}

/* It owns slots, or is followed, as somebody says. */
static bool is_needed(const struct rop_observed *seen, const char *id)
{
	for (size_t f = 0; f < seen->foreign.n; f++)
		if (strcmp(seen->foreign.at[f].id, id) == 0 && seen->foreign.at[f].slots)
			return true;
	for (size_t i = 0; i < seen->n; i++)
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_REPLICA &&
		    strcmp(seen->nodes[i].primary_id, id) == 0)
			return true;
	return false;
}

#define BRING_BACK "bring it back: it owns slots, or is followed, and may hold the only copy of its data"

static void find_unreached(const struct rop_import *im, struct rop_findings *list)
{
	for (size_t i = 0; i < im->seed->n; i++) {
		const struct rop_node *node = &im->seed->seen->nodes[i];
		const char *text = rop_printf(im->arena, "%s: %s", node->address, node->reach_why);
		switch (node->reach) {
		case ROP_REACH_OK: break;
		case ROP_REACH_SILENT:
		case ROP_REACH_LOADING:
			problem(im, list, ROP_UNREACHABLE,
				rop_printf(im->arena, "%s, a node of this cluster, does not answer: %s", node->address,
					   node->reach_why),
				what_of_silent(im, node));
			break;
		case ROP_REACH_DENIED:
			problem(im, list, ROP_DENIED, text,
				"--user and --password-file say as whom to log in; all nodes need the same");
			break;
		case ROP_REACH_NO_COMMAND:
			problem(im, list, ROP_REFUSED, text,
				"take 'rename-command' out of its configuration and restart it: without this command "
				"nobody can tell how the node stands");
			break;
		case ROP_REACH_NOT_REDIS:
		case ROP_REACH_NOT_CLUSTER:
		case ROP_REACH_SENTINEL:
		case ROP_REACH_SEVERAL:
			problem(im, list, ROP_REFUSED, text,
				rop_printf(im->arena,
					   "a node of the cluster is announced at this address: correct its "
					   "cluster-announce-ip and cluster-announce-port (asked: %s)",
					   im->seed->text));
			break;
		}
	}
}

static void find_strangers(const struct rop_import *im, struct rop_findings *list)
{
	struct rop_arena *arena = im->arena;
	const struct rop_observed *seen = im->seed->seen;
	for (size_t i = 0; i < seen->n; i++) {
		const char *id = im->seed->endpoints[i].expected_id;
		if (id && strcmp(seen->nodes[i].id, id) != 0)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "at %s another node answers (%s) than the one that %s knows there (%s)",
					   seen->nodes[i].address, seen->nodes[i].id, im->seed->text, id),
				"run import where the addresses that the nodes announce lead to them");
		if (seen->nodes[i].handshakes)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "%s is being introduced to %d node%s (handshake): who belongs to the "
					   "cluster is not settled",
					   seen->nodes[i].address, seen->nodes[i].handshakes,
					   rop_plural(seen->nodes[i].handshakes)),
				"import again when that is over: it ends within the node timeout");
	}
	for (size_t i = 0; i < im->seed->nowhere.n; i++)
		problem(im, list, ROP_REFUSED,
			rop_printf(arena, "%s lists node %s without an address", im->seed->text,
				   im->seed->nowhere.at[i]),
			is_needed(seen, im->seed->nowhere.at[i])
				? BRING_BACK
				: rop_printf(arena,
					     "if it is gone for good, on every node: `redis-cli cluster forget %s`",
					     im->seed->nowhere.at[i]));
	for (size_t f = 0; f < seen->foreign.n && !im->seed->nowhere.n; f++)
		problem(im, list, ROP_REFUSED,
			rop_printf(arena, "%s knows node %s at %s (%s), and %s does not",
				   seen->nodes[seen->foreign.at[f].viewer].address, seen->foreign.at[f].id,
				   seen->foreign.at[f].address, seen->foreign.at[f].flags, im->seed->text),
			is_needed(seen, seen->foreign.at[f].id)
				? BRING_BACK ", or introduce it to all (cluster meet)"
				: rop_printf(
					  arena,
					  "if it is gone for good, on every node: `redis-cli cluster forget %s`; else "
					  "introduce it to all (cluster meet)",
					  seen->foreign.at[f].id));
	if (seen->foreign_more && !im->seed->nowhere.n)
		problem(im, list, ROP_REFUSED,
			rop_printf(arena, "and there are more that %s does not know: %d more entries of CLUSTER NODES",
				   im->seed->text, seen->foreign_more),
			"correct the above first");
}

static bool owns(const struct rop_import *im, size_t i)
{
	return !rop_slots_empty(&im->seed->seen->nodes[i].slots);
}

static void find_odd_roles(const struct rop_import *im, struct rop_findings *list)
{
	struct rop_arena *arena = im->arena;
	for (size_t i = 0; i < im->seed->n; i++) {
		const struct rop_node *node = &im->seed->seen->nodes[i];
		if (node->role != ROP_ROLE_REPLICA && !owns(im, i))
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "%s is a primary without slots: the file cannot say that, and apply would "
					   "make it a replica",
					   node->address),
				rop_printf(arena,
					   "give it slots: `redis-cli --cluster rebalance --cluster-use-empty-masters "
					   "%s`; make it a replica (cluster replicate); or remove it: `redis-cli "
					   "--cluster del-node %s %s`",
					   im->seed->text, im->seed->text, node->id));
		else if (node->role == ROP_ROLE_REPLICA && node->primary < 0)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena, "%s replicates %s, which is no node of this cluster", node->address,
					   node->primary_id),
				"give it another primary: cluster replicate");
		else if (node->role == ROP_ROLE_REPLICA && !owns(im, (size_t)node->primary))
			problem(im, list, ROP_REFUSED,
				rop_printf(arena, "%s replicates %s, which owns no slots: the file cannot say that",
					   node->address, im->seed->seen->nodes[node->primary].address),
				"give it another primary: cluster replicate");
		if (node->open_slots)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "%s has %d slot%s on the way from one shard to another (migrating or "
					   "importing)",
					   node->address, node->open_slots, rop_plural(node->open_slots)),
				rop_printf(arena,
					   "import again when they have arrived; where nobody moves them any more, "
					   "finish what was begun: `redis-cli --cluster fix %s`",
					   im->seed->text));
	}
}

/* As long as nobody owns anything there is nothing to describe, whatever else is odd. */
static void find_wrong_shape(const struct rop_import *im, struct rop_findings *list)
{
	struct rop_slots owned = { 0 };
	for (size_t i = 0; i < im->seed->n; i++)
		rop_slots_join(&owned, &im->seed->seen->nodes[i].slots);
	int missing = ROP_SLOTS - rop_slots_count(&owned);
	if (missing == ROP_SLOTS) {
		problem(im, list, ROP_REFUSED,
			im->seed->n == 1 ? rop_printf(im->arena,
						      "%s is a node by itself, without slots and peers: there is no "
						      "cluster to describe",
						      im->seed->text)
					 : rop_printf(im->arena,
						      "%s and its %zu peers own no slots: there is no cluster to "
						      "describe yet",
						      im->seed->text, im->seed->n - 1),
			"to make one, list the servers in a topology file (examples/topologies) and apply it");
		return;
	}
	find_odd_roles(im, list);
	if (missing)
		problem(im, list, ROP_REFUSED, rop_printf(im->arena, "%d of 16384 slots are owned by nobody", missing),
			rop_printf(im->arena, "give them to somebody: `redis-cli --cluster fix %s`", im->seed->text));
}

/* Each stage alone: of a node that does not answer, nothing more can be said. */
void rop_import_unfit(const struct rop_import *im, struct rop_findings *ret)
{
	static void (*const STAGES[])(const struct rop_import *,
				      struct rop_findings *) = { find_unreached, find_strangers, find_wrong_shape };
	for (size_t i = 0; i < sizeof STAGES / sizeof *STAGES && !ret->n; i++)
		STAGES[i](im, ret);
}

void rop_import_changes(const struct rop_import *im, const struct rop_plan *plan, struct rop_findings *list)
{
	struct rop_situation *now = rop_alloc(im->arena, sizeof *now);
	*now = *plan->first;
	rop_situation_open(now);
	for (size_t i = 0; i < now->findings.n; i++)
		problem(im, list, now->findings.at[i].code, now->findings.at[i].text, now->findings.at[i].advice);
	for (size_t i = 0; i < now->open.n; i++)
		problem(im, list, ROP_REFUSED, now->open.at[i].text, now->open.at[i].advice);
	for (size_t i = 0; !list->n && i < plan->steps.n; i++)
		problem(im, list, ROP_REFUSED,
			rop_printf(im->arena, "apply would still send to %s: %s",
				   now->seen->nodes[plan->steps.at[i].node].address, plan->steps.at[i].expect.command),
			NULL);
	problem(im, list, ROP_REFUSED,
		rop_printf(im->arena, "%s: only a cluster that is whole and agrees can be described", im->seed->text),
		rop_printf(im->arena, "mend it (`redis-operator check %s` names everything), then import again",
			   im->seed->text));
}
