/* rights.c - what is needed and not permitted, known before the first change.
 *
 * A run that begins and is then refused by a server leaves a cluster half made. So what the user may do is asked of
 * each node (ACL DRYRUN) and compared with what is still to be done there. Who only looks is told what an apply would
 * meet; a run does not begin. Lowering settings for a while is left out where it is not permitted: it is a convenience.
 */
#include <string.h>

#include "functions.h"
#include "policy.h"
#include "rop/permissions.h"
#include "rop/text.h"

#define NODES_TOLD 3

/* ---- what is still to be done on a node ------------------------------------------------------------------------- */

/* MEET goes from i to every j after it: policy_introduce_nodes. */
static bool introduces(const struct rop_situation *now, size_t i)
{
	const struct rop_observed *seen = now->seen;
	for (size_t j = i + 1; j < seen->n; j++)
		if (rop_node_answers(&seen->nodes[j]) && !(rop_knows(seen, i, j) && rop_knows(seen, j, i)))
			return true;
	return false;
}

static bool gets_slots(const struct rop_situation *now, size_t node)
{
	for (size_t k = 0; k < now->layout.n; k++)
		if (now->layout.shards[k].primary == (int)node && !rop_slots_empty(&now->layout.shards[k].add))
			return true;
	return false;
}

static bool becomes_replica(const struct rop_situation *now, size_t node)
{
	int primary = now->layout.primary_of[node];
	const struct rop_node *n = &now->seen->nodes[node];
	return primary >= 0 && !(n->role == ROP_ROLE_REPLICA && n->primary == primary);
}

static bool has_temporary(const struct rop_situation *now, size_t node)
{
	for (size_t t = 0; t < now->image->temporaries.n; t++)
		if (strcmp(now->image->temporaries.at[t].node, now->seen->nodes[node].id) == 0)
			return true;
	return false;
}

static uint64_t moves_slots(const struct rop_situation *now, size_t node)
{
	uint64_t set = 0;
	for (size_t i = 0; i < now->migrations.n; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		if (m->source == (int)node)
			set |= ROP_PERMIT(SETSLOT) | ROP_PERMIT(COUNTKEYSINSLOT) | ROP_PERMIT(GETKEYSINSLOT) |
			       ROP_PERMIT(MEMORY_USAGE) | ROP_PERMIT(TIME) | ROP_PERMIT(MIGRATE);
		if (m->target == (int)node)
			set |= ROP_PERMIT(SETSLOT) | ROP_PERMIT(RESTORE_ASKING);
		if (policy_lacks_functions(now, (size_t)m->target, (size_t)m->source))
			set |= m->source == (int)node ? ROP_PERMIT(FUNCTION_DUMP) : 0;
		if (policy_lacks_functions(now, (size_t)m->target, (size_t)m->source))
			set |= m->target == (int)node ? ROP_PERMIT(FUNCTION_RESTORE) : 0;
	}
	return set;
}

static uint64_t lets_leave(const struct rop_situation *now, size_t node)
{
	uint64_t set = 0;
	for (size_t i = 0; i < now->retirements.n; i++) {
		const struct rop_retirement *r = &now->retirements.at[i];
		if (rop_bit(now->seen, now->seen->listed, node, (size_t)r->node))
			set |= ROP_PERMIT(FORGET);
		if (!r->drained && now->seen->nodes[node].primary == r->node)
			set |= ROP_PERMIT(FAILOVER);
	}
	return set;
}

static uint64_t needs(const struct rop_situation *now, size_t node)
{
	uint64_t set = 0;
	if (introduces(now, node) || (now->shards_apart && now->has_acted))
		set |= ROP_PERMIT(MEET);
	if (now->fresh && policy_needs_epoch(now, node))
		set |= ROP_PERMIT(SET_CONFIG_EPOCH);
	if (rop_node_is_behind(&now->seen->nodes[node]) && !policy_bump_waits(now, node))
		set |= ROP_PERMIT(BUMPEPOCH);
	if (gets_slots(now, node))
		set |= ROP_PERMIT(ADDSLOTSRANGE);
	if (becomes_replica(now, node))
		set |= ROP_PERMIT(REPLICATE);
	if (policy_is_to_empty(now, node))
		set |= ROP_PERMIT(FLUSHALL) | ROP_PERMIT(RESET);
	set |= moves_slots(now, node) | lets_leave(now, node);
	if (!policy_node_as_declared(now, node))
		set |= ROP_PERMIT(CONFIG_SET) | ROP_PERMIT(CONFIG_REWRITE);
	if (has_temporary(now, node))
		set |= ROP_PERMIT(CONFIG_SET);
	return set;
}

/* ---- told -------------------------------------------------------------------------------------------------------- */

/* Of those whose value is `value`. */
static const char *nodes_of(struct rop_situation *now, const uint64_t *values, uint64_t value)
{
	const char **names = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *names);
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		if (values[i] == value)
			names[n++] = now->seen->nodes[i].address;
	return rop_text_some(now->arena, names, n, NODES_TOLD);
}

static void tell_missing(struct rop_situation *now, size_t first, const uint64_t *missing)
{
	const char *what = rop_permissions_text(now->arena, missing[first]);
	const char *where = nodes_of(now, missing, missing[first]);
	const char *text = rop_printf(now->arena, "%s: user '%s' may not run %s, which is needed there", where,
				      policy_user(now), what);
	if (!now->looks_once) {
		policy_find(now, (int)first, ROP_WHY_DENIED, text, POLICY_ALLOW);
		return;
	}
	*rop_push(now->arena, &now->denied) = (struct rop_finding){ .node = (int)first,
								    .is = ROP_WHY_DENIED,
								    .reason = rop_reason_word(ROP_WHY_DENIED),
								    .text = text,
								    .advice = POLICY_ALLOW };
	policy_warn(now, (int)first, ROP_WHY_NOT_PERMITTED,
		    rop_printf(now->arena, "%s: an apply would change nothing and end with code 9", text),
		    POLICY_ALLOW);
}

/* Two operators that do not see each other are no danger to data, only to sleep. */
static void warn_of_blindness(struct rop_situation *now)
{
	const uint64_t sight = ROP_PERMIT(CLIENT_LIST) | ROP_PERMIT(CLIENT_SETNAME);
	for (size_t i = 0; i < now->seen->n; i++) {
		uint64_t lacks = now->seen->nodes[i].forbidden & sight;
		if (!lacks)
			continue;
		policy_warn(now, (int)i, ROP_WHY_NOT_PERMITTED,
			    rop_printf(now->arena,
				       "%s: user '%s' may not run %s: another redis-operator at work there would not "
				       "be recognised",
				       now->seen->nodes[i].address, policy_user(now),
				       rop_permissions_text(now->arena, lacks)),
			    NULL);
		return;
	}
}

/* Nodes that lack the same are told together. */
static void find_missing(struct rop_situation *now, const uint64_t *missing)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		bool told = !missing[i];
		for (size_t j = 0; j < i && !told; j++)
			told = missing[j] == missing[i];
		if (!told)
			tell_missing(now, i, missing);
	}
}

static void warn_of_hidden(struct rop_situation *now, const uint64_t *needed)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!needed[i] || !node->rights_hidden)
			continue;
		policy_warn(now, (int)i, ROP_WHY_RIGHTS_HIDDEN,
			    rop_printf(now->arena,
				       "whether user '%s' may change what is to be changed cannot be checked "
				       "beforehand: %s: %s",
				       policy_user(now), node->address, node->rights_hidden),
			    "compare the user's rules with `redis-operator acl operator`");
		return;
	}
}

/* Where CONFIG GET is not permitted, nobody knows whether a declared setting has its value. */
static void find_hidden_settings(struct rop_situation *now)
{
	uint64_t *denied = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *denied);
	size_t n = 0, first = 0;
	for (size_t i = now->seen->n; i-- > 0;) {
		denied[i] = rop_node_answers(&now->seen->nodes[i]) && now->seen->nodes[i].config_denied;
		n += denied[i];
		if (denied[i])
			first = i;
	}
	if (n && now->topology->settings.n)
		policy_find(now, (int)first, ROP_WHY_DENIED,
			    rop_printf(now->arena,
				       "%s: user '%s' may not run config|get: whether the declared settings have their "
				       "values cannot be known",
				       nodes_of(now, denied, 1), policy_user(now)),
			    POLICY_ALLOW);
}

void policy_find_rights(struct rop_situation *now)
{
	find_hidden_settings(now);
	if (!now->in_view || now->findings.n || now->paused)
		return;
	uint64_t *needed = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *needed);
	uint64_t *missing = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *missing);
	bool any = false;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_node_answers(node) || (!node->forbidden && !node->rights_hidden))
			continue;
		needed[i] = needs(now, i);
		missing[i] = needed[i] & node->forbidden;
		any = true;
	}
	if (!any)
		return;
	find_missing(now, missing);
	warn_of_blindness(now);
	warn_of_hidden(now, needed);
}
