/* temporary.c - settings changed for a while: lowered before, put back after, whatever happens. What is to be lowered,
 * and what may go back; the steps are lowering.c's.
 *
 * Why: a fresh primary stays in cluster_state:fail for clamp(cluster-node-timeout, 0.5 s, 5 s) after it got its slots
 * (clusterUpdateState), pings follow half that timeout, and a diskless synchronisation waits
 * repl-diskless-sync-delay seconds for more replicas. Lowered, a cluster is formed in under a second.
 *
 * A lowered timeout tells its original by its last two digits, so that it is known for ours without any database:
 * base + 1 + original / 500 ms, base a multiple of 100 (3000 -> 507). What does not fit is not lowered.
 * The delay is lowered only from the servers' default, after the timeout of its node, and put back before it: a lowered
 * timeout and no delay mean that the delay was 5. Where somebody has a delay of 0, the base says so.
 */
#include <stdlib.h>
#include <string.h>

#include "policy.h"
#include "rop/permissions.h"
#include "rop/text.h"

#define NODE_TIMEOUT "cluster-node-timeout"
#define SYNC_DELAY "repl-diskless-sync-delay"
#define NO_FAILOVER "cluster-replica-no-failover"

const char *const policy_temporary_names[POLICY_TEMPORARIES_N] = {
	[POLICY_NODE_TIMEOUT] = NODE_TIMEOUT,
	[POLICY_SYNC_DELAY] = SYNC_DELAY,
	[POLICY_NO_FAILOVER] = NO_FAILOVER,
};

#define USUAL_DELAY "5" /* the servers' default */

/* ---- the lowered value and its original ---------------------------------------------------------------------- */

#define GRAIN_MS 500
#define BASE_STEP 100
#define BASE_MIN 100
#define BASE_MAX 4000
#define OWN_ZERO_OF \
	500 /* a base that is OWN_ZERO above a multiple of this: the delay was 0 before, which is nobody's trace */
#define OWN_ZERO 100

/* Such values people choose themselves: 510, 525, 550, 999, 1024, 1250. */
static bool looks_chosen(int64_t value)
{
	return value % 10 == 0 || value % 25 == 0 || value % 100 == 99 || (value & (value - 1)) == 0;
}

int64_t rop_lowered_timeout(int64_t base, int64_t original)
{
	int64_t tail = original / GRAIN_MS + 1;
	if (original < 0 || original % GRAIN_MS != 0 || tail >= BASE_STEP || looks_chosen(base + tail) ||
	    original <= base + tail)
		return -1;
	return base + tail;
}

int64_t rop_lowered_original(int64_t value)
{
	int64_t tail = value % BASE_STEP, base = value - tail, original = (tail - 1) * GRAIN_MS;
	if (base < BASE_MIN || base > BASE_MAX || rop_lowered_timeout(base, original) != value)
		return -1;
	return original;
}

/* Too low a timeout lets pings drown many servers on few cores (measured: 500 ms is best to some 40 nodes on two
 * cores, 1000 ms at 100, 2000 ms above). */
static int64_t base_for_size(size_t n)
{
	if (n <= 40)
		return 500;
	return n <= 150 ? 1000 : 2000;
}

/* A node is taken for failing when it did not answer a ping for the timeout, and pings follow half of it; a timeout of
 * few round trips makes fail-overs (measured: 500 ms, at a round trip of 400, won 8 elections among 6 nodes). */
#define ROUND_TRIPS 10

/* In steps of OWN_ZERO_OF: what stands above one of them says something else. */
static int64_t base_for(const struct rop_observed *seen)
{
	int64_t by_size = base_for_size(seen->n), by_distance = ROUND_TRIPS * rop_observed_rtt_ms(seen);
	by_distance = (by_distance + OWN_ZERO_OF - 1) / OWN_ZERO_OF * OWN_ZERO_OF;
	return by_distance > by_size ? by_distance : by_size;
}

/* ---- what a node shows --------------------------------------------------------------------------------------- */

static const char *shown(const struct rop_situation *now, size_t node, const char *name)
{
	int at = rop_observed_setting(now->seen, name);
	return at < 0 || !rop_node_answers(&now->seen->nodes[node]) ? NULL : now->seen->nodes[node].settings[at];
}

static bool shows(const struct rop_situation *now, size_t node, const char *name, const char *value)
{
	const char *is = shown(now, node, name);
	return is && strcmp(is, value) == 0;
}

static const char *declared(const struct rop_situation *now, const char *name)
{
	for (size_t s = 0; s < now->topology->settings.n; s++)
		if (strcmp(now->topology->settings.at[s].name, name) == 0)
			return now->topology->settings.at[s].value;
	return NULL;
}

static bool has_row(const struct rop_situation *now, size_t node, const char *name)
{
	for (size_t t = 0; t < now->image->temporaries.n; t++)
		if (strcmp(now->image->temporaries.at[t].node, now->seen->nodes[node].id) == 0 &&
		    strcmp(now->image->temporaries.at[t].name, name) == 0)
			return true;
	return false;
}

/* -1: not shown, or not one of ours, or it is what the file declares. */
static int64_t lowered_from(const struct rop_situation *now, size_t node, int64_t *ret_base)
{
	const char *value = shown(now, node, NODE_TIMEOUT), *wanted = declared(now, NODE_TIMEOUT);
	int64_t number;
	if (!value || !rop_int_parse(value, 0, BASE_MAX + BASE_STEP, &number) ||
	    (wanted && policy_same_value(value, wanted)))
		return -1;
	*ret_base = number - number % BASE_STEP;
	return rop_lowered_original(number);
}

static bool tells_of_delay(int64_t base)
{
	return base % OWN_ZERO_OF != OWN_ZERO;
}

/* ---- lowering ------------------------------------------------------------------------------------------------ */

/* Not known to be forbidden. Lowering is a help: where it is not permitted, forming takes longer. */
static bool may_lower(const struct rop_situation *now, size_t node, const char *name)
{
	const struct rop_node *n = &now->seen->nodes[node];
	if (n->forbidden & ROP_PERMIT(CONFIG_SET))
		return false;
	return !now->tries || !rop_tries_is_no_help(now->tries, rop_printf(now->arena, "setting:%s/%s", n->id, name));
}

/* The value that the node's timeout is to be lowered to; -1: it stays. One that we lowered already stays: lowered again
 * (a smaller cluster wants a smaller timeout) it would tell another original. */
int64_t policy_timeout_wanted(const struct rop_situation *now, size_t node)
{
	const char *value = shown(now, node, NODE_TIMEOUT);
	bool own_zero = shows(now, node, SYNC_DELAY, POLICY_NO_DELAY) && !has_row(now, node, SYNC_DELAY);
	int64_t number;
	if (!value || !rop_int_parse(value, 0, INT64_MAX / 2, &number) || has_row(now, node, NODE_TIMEOUT) ||
	    !may_lower(now, node, NODE_TIMEOUT))
		return -1;
	int64_t base = base_for(now->seen) + (own_zero ? OWN_ZERO : 0);
	return base > BASE_MAX ? -1 : rop_lowered_timeout(base, number);
}

/* Only beside a lowered timeout, which alone tells of it. */
bool policy_delay_is_wanted(const struct rop_situation *now, size_t node)
{
	int64_t base;
	if (!shows(now, node, SYNC_DELAY, USUAL_DELAY) || has_row(now, node, SYNC_DELAY) ||
	    !may_lower(now, node, SYNC_DELAY))
		return false;
	return policy_timeout_wanted(now, node) >= 0 || (lowered_from(now, node, &base) >= 0 && tells_of_delay(base));
}

bool policy_all_lowered(const struct rop_situation *now)
{
	for (size_t i = 0; now->may_lower && i < now->seen->n; i++)
		if (policy_timeout_wanted(now, i) >= 0 || policy_delay_is_wanted(now, i))
			return false;
	return true;
}

/* ---- found without a row ------------------------------------------------------------------------------------- */

static void found(struct rop_situation *now, size_t node, const char *name, const char *original)
{
	const struct rop_node *n = &now->seen->nodes[node];
	struct rop_temporary *t = rop_push(now->arena, &now->found);
	*t = (struct rop_temporary){
		.address = n->address, .name = name, .original = original, .temporary = shown(now, node, name)
	};
	memcpy(t->node, n->id, ROP_ID_SIZE);
}

/* A row for the timeout means that the database knows this node: what it does not list of it is not ours. The delay
 * comes first, as it goes back first. What the file declares is brought to its value like any other managed setting. */
void policy_find_temporaries(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		int64_t base, original = lowered_from(now, i, &base);
		if (original < 0 || has_row(now, i, NODE_TIMEOUT))
			continue;
		if (tells_of_delay(base) && shows(now, i, SYNC_DELAY, POLICY_NO_DELAY) &&
		    !has_row(now, i, SYNC_DELAY) && !declared(now, SYNC_DELAY))
			found(now, i, SYNC_DELAY, USUAL_DELAY);
		if (!declared(now, NODE_TIMEOUT))
			found(now, i, NODE_TIMEOUT, rop_printf(now->arena, "%lld", (long long)original));
	}
}

/* Who keeps a cluster only warns; but where the file declares the timeout it changes that, the only trace of the delay.
 */
bool policy_found_goes_back(const struct rop_situation *now, const struct rop_temporary *t)
{
	return !now->warn_of_found || (strcmp(t->name, SYNC_DELAY) == 0 && declared(now, NODE_TIMEOUT));
}

bool rop_temporary_is_found(const struct rop_situation *now, const char *node, const char *name)
{
	for (size_t t = 0; t < now->found.n; t++)
		if (strcmp(now->found.at[t].node, node) == 0 && strcmp(now->found.at[t].name, name) == 0)
			return true;
	return false;
}

/* ---- when one goes back -------------------------------------------------------------------------------------- */

static bool role_is_pending(const struct rop_situation *now, int node)
{
	const char *subject = rop_printf(now->arena, "role:%s", now->seen->nodes[node].id);
	return now->tries && rop_tries_may(now->tries, subject, now->boot_ms) == ROP_MAY_PENDING;
}

/* It was told to stand aside and is about to be told to follow: putting it back first would begin that anew for ever.
 */
static bool is_about_to_follow(const struct rop_situation *now, int node, int peer)
{
	const char *subject = rop_printf(now->arena, "role:%s", now->seen->nodes[node].id);
	if (peer < 0 || now->layout.primary_of[node] != peer || now->ends || now->paused || now->refused ||
	    !now->in_view)
		return false;
	if (!now->introduced || !now->slots_assigned) /* other things come first, and may not come to an end */
		return false;
	for (size_t i = 0; i < now->held.n; i++)
		if (now->held.at[i].node == node)
			return false;
	return !now->tries || rop_tries_may(now->tries, subject, now->boot_ms) != ROP_MAY_NEVER;
}

bool rop_temporary_waits(const struct rop_situation *now, const struct rop_temporary *t)
{
	int node = rop_observed_find(now->seen, t->node), peer = rop_observed_find(now->seen, t->peer);
	if (!t->peer[0])
		return false;
	if (node < 0 || !rop_node_answers(&now->seen->nodes[node]))
		return true;
	const struct rop_node *n = &now->seen->nodes[node];
	if (n->role == ROP_ROLE_REPLICA && strcmp(n->primary_id, t->peer) == 0)
		return !n->link_up || n->syncing || peer < 0 ||
		       !rop_bit(now->seen, now->seen->online, (size_t)peer, (size_t)node);
	return n->role == ROP_ROLE_UNKNOWN || role_is_pending(now, node) || is_about_to_follow(now, node, peer);
}

static bool is_on_a_node(const struct rop_situation *now, const struct rop_temporary *t)
{
	int node = rop_observed_find(now->seen, t->node);
	return node >= 0 && rop_node_answers(&now->seen->nodes[node]);
}

void policy_set_temporary_flags(struct rop_situation *now)
{
	for (size_t t = 0; t < now->image->temporaries.n; t++) {
		const struct rop_temporary *temporary = &now->image->temporaries.at[t];
		bool waits = rop_temporary_waits(now, temporary), there = is_on_a_node(now, temporary);
		now->temporaries_in_force |= there && !waits;
		now->temporaries_waiting |= there && waits;
	}
	for (size_t t = 0; t < now->found.n; t++)
		now->temporaries_in_force |= policy_found_goes_back(now, &now->found.at[t]);
}

const char *rop_temporary_sentence(struct rop_arena *arena, const struct rop_situation *now,
				   const struct rop_temporary *t)
{
	int node = rop_observed_find(now->seen, t->node), peer = rop_observed_find(now->seen, t->peer);
	const char *where = node >= 0 ? now->seen->nodes[node].address : t->address;
	if (!rop_temporary_waits(now, t))
		return rop_printf(arena, "%s is %s on %s, will be put back to %s", t->name, t->temporary, where,
				  t->original);
	return rop_printf(arena, "%s stays %s on %s until it is in sync with %s, or follows it no more", t->name,
			  t->temporary, where, peer >= 0 ? now->seen->nodes[peer].address : t->peer);
}

/* ---- no file gets a temporary value -------------------------------------------------------------------------- */

static bool sets(const struct rop_batch *batch, size_t node, const char *name)
{
	for (size_t i = 0; batch && i < batch->steps.n; i++)
		if (batch->steps.at[i].expect.kind == ROP_STEP_SETTING && batch->steps.at[i].node == (int)node &&
		    strcmp(batch->steps.at[i].expect.name, name) == 0)
			return true;
	return false;
}

bool policy_may_rewrite(const struct rop_situation *now, const struct rop_batch *batch, size_t node)
{
	int64_t base;
	for (size_t t = 0; t < now->image->temporaries.n; t++)
		if (strcmp(now->image->temporaries.at[t].node, now->seen->nodes[node].id) == 0)
			return false;
	return lowered_from(now, node, &base) < 0 ||
	       (declared(now, NODE_TIMEOUT) && sets(batch, node, NODE_TIMEOUT) &&
		!rop_temporary_is_found(now, now->seen->nodes[node].id, SYNC_DELAY));
}

/* ---- warnings ------------------------------------------------------------------------------------------------ */

/* Ours goes back when the journal says so; declared, it is wanted. Else nobody may know that this node never takes
 * over. */
static void warn_of_no_failover(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && !declared(now, NO_FAILOVER); i++) {
		const char *value = shown(now, i, NO_FAILOVER);
		const struct rop_node *node = &now->seen->nodes[i];
		if (!value || strcmp(value, "yes") != 0 || has_row(now, i, NO_FAILOVER))
			continue;
		policy_warn(now, (int)i, ROP_WHY_NEVER_TAKES_OVER,
			    rop_printf(now->arena,
				       "%s never takes over: cluster-replica-no-failover is yes and the file does not "
				       "declare it",
				       node->address),
			    "`CONFIG SET cluster-replica-no-failover no` on that node; or declare it under "
			    "spec.settings");
	}
}

void policy_warn_of_temporaries(struct rop_situation *now)
{
	if (!now->warn_of_found)
		return;
	for (size_t t = 0; t < now->found.n; t++) {
		const struct rop_temporary *f = &now->found.at[t];
		int node = rop_observed_find(now->seen, f->node);
		if (!policy_found_goes_back(now, f))
			policy_warn(now, node, ROP_WHY_LEFT_LOWERED,
				    rop_printf(now->arena,
					       "%s: %s is %s instead of %s, left by an interrupted formation; the "
					       "database does not know of it",
					       f->address, f->name, f->temporary, f->original),
				    "`redis-operator apply FILE` puts it back");
	}
	warn_of_no_failover(now);
}
