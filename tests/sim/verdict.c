/* verdict.c - how a seed may end: converged, or with a reason that the truth bears out. Judged from the truth alone. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "sim.h"

static bool empty(const struct rop_slots *slots)
{
	return rop_slots_first(slots) == ROP_SLOTS;
}

/* ---- reasons ----------------------------------------------------------------------------------------------- */

/* It owns slots, or a node that stays follows it, or who it was. */
static bool is_needed(const struct sim *s, size_t leaver)
{
	const struct world *w = s->world;
	bool needed = !empty(&w->truth->nodes[leaver].slots);
	for (size_t k = 0; k < leave_staying(s); k++) {
		int ghost = w->servers[k].ghost;
		needed |= w->truth->nodes[k].primary == (int)leaver;
		needed |= ghost >= 0 && w->ghosts.at[ghost].node == (int)leaver;
	}
	return needed;
}

/* Of those that leave, while one of them is needed: the others of them are seen like members then, too. */
static bool any_down(const struct sim *s)
{
	bool down = false, needed = false;
	for (size_t i = leave_staying(s); i < s->world->truth->n; i++)
		needed |= is_needed(s, i);
	for (size_t i = 0; i < s->world->truth->n; i++)
		down |= (needed || i < leave_staying(s)) && !s->world->servers[i].up;
	return down;
}

/* Not converged in time is said after time has passed: every state of the machine waits longer, and so does a step that
 * is tried until it is given up. */
#define WAITED_AT_LEAST_MS 5000

/* Up again, and its fail flag stayed for two node timeouts, most of the time that the run had. */
bool verdict_marked(const struct sim *s)
{
	bool marked = s->world->now_ms < s->world->unmarked_ms + WAITED_AT_LEAST_MS;
	for (size_t i = 0; i < s->world->truth->n; i++)
		marked |= s->world->servers[i].up && s->world->servers[i].fail_ms != NEVER;
	return marked;
}

/* Keys outside of the slots' owners, or functions. */
static bool any_misplaced(const struct rop_observed *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->nodes[i].functions > 0 ||
		    (t->nodes[i].role != ROP_ROLE_REPLICA && empty(&t->nodes[i].slots) && t->nodes[i].keys > 0))
			return true;
	return false;
}

static bool any_rivals(const struct rop_observed *t)
{
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < i; j++)
			if (rop_slots_meet(&t->nodes[i].slots, &t->nodes[j].slots))
				return true;
	return false;
}

static bool all_covered(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	struct rop_slots all = { 0 };
	for (size_t i = 0; i < t->n; i++)
		if (judge_leave_knowable(s, i))
			rop_slots_join(&all, &t->nodes[i].slots);
	return rop_slots_count(&all) == ROP_SLOTS;
}

static size_t group_of(const size_t *group, size_t i)
{
	while (group[i] != i)
		i = group[i];
	return i;
}

/* Two groups that know nothing of each other, with keys somewhere; one of them may be a single empty node. */
static bool several_groups(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	size_t group[ROP_NODES_MAX], with_something = 0;
	int64_t keys = 0;
	for (size_t i = 0; i < t->n; i++)
		group[i] = i;
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < t->n; j++)
			if (rop_bit(t, t->known, i, j))
				group[group_of(group, i)] = group_of(group, j);
	for (size_t i = 0; i < t->n; i++) {
		bool something = false;
		size_t members = 0;
		keys += t->nodes[i].keys;
		for (size_t j = 0; j < t->n; j++) {
			if (group_of(group, j) != i)
				continue;
			members++;
			something |= t->nodes[j].keys > 0 || !empty(&t->nodes[j].slots);
		}
		with_something += something || members > 1;
	}
	return with_something > 1 && (keys > 0 || all_covered(s));
}

static int owners(const struct rop_observed *t)
{
	int n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += !empty(&t->nodes[i].slots);
	return n;
}

static int owners_up(const struct sim *s)
{
	int n = 0;
	for (size_t i = 0; i < s->world->truth->n; i++)
		n += s->world->servers[i].up && !empty(&s->world->truth->nodes[i].slots);
	return n;
}

static bool blank(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	for (size_t i = 0; i < leave_staying(s); i++)
		if (!empty(&t->nodes[i].slots) || t->nodes[i].epoch || t->nodes[i].others || t->nodes[i].keys > 0)
			return false;
	return true;
}

/* Nodes that can own slots are fewer than shards: only a person's REPLICATE does that to a cluster being formed. */
static bool too_few_primaries(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	int n = 0;
	for (size_t i = 0; i < t->n; i++)
		n += t->nodes[i].role != ROP_ROLE_REPLICA;
	return n < s->topology->shards;
}

static bool any_ghost(const struct sim *s)
{
	bool listed = false;
	for (size_t g = 0; g < s->world->ghosts.n; g++)
		for (size_t i = 0; i < s->world->truth->n; i++)
			listed |= ghost_is_listed(&s->world->ghosts.at[g], i);
	return listed;
}

static bool any_hides(const struct sim *s)
{
	bool hides = false;
	for (size_t i = 0; i < s->world->truth->n; i++)
		hides |= s->world->servers[i].hides_keys;
	return hides;
}

/* Not declared, and listed: to leave where the database knows it, which may have been lost. */
static bool any_stranger(const struct sim *s)
{
	bool listed = false;
	for (size_t i = leave_staying(s); i < s->world->truth->n; i++)
		listed |= judge_leave_listed(s, i);
	return listed;
}

/* A process that ended with what it had not saved took the last copy of something with it. */
static bool any_emptied(const struct sim *s)
{
	for (size_t k = 0; k < s->world->n_writes; k++)
		if (s->world->writes[k].lost && s->world->writes[k].acked &&
		    (s->world->writes[k].unsaved || s->world->writes[k].disk))
			return true;
	return false;
}

static bool bears_out(const struct sim *s, const char *reason)
{
	const struct rop_observed *t = s->world->truth;
	if (strcmp(reason, "ForeignPeer") == 0)
		return t->foreign.n > 0 || any_ghost(s) || any_stranger(s);
	if (strcmp(reason, "Rebuilt") == 0)
		return any_ghost(s);
	if (strcmp(reason, "NotEmpty") == 0)
		return any_misplaced(t);
	if (strcmp(reason, "RivalClaims") == 0)
		return any_rivals(t);
	if (strcmp(reason, "SeveralClusters") == 0)
		return several_groups(s);
	if (strcmp(reason, "TotalLoss") == 0)
		return blank(s) && !s->topology->reform_on_total_loss;
	if (strcmp(reason, "DataLoss") == 0)
		return (!all_covered(s) && (s->start == START_TOTAL_LOSS || s->world->n_writes > 0)) || any_emptied(s);
	if (strcmp(reason, "Unknown") == 0)
		return any_hides(s);
	if (strcmp(reason, "UnlikeServers") == 0)
		return s->mixed;
	if (strcmp(reason, "TooManyShards") == 0)
		return owners(t) > s->topology->shards;
	if (strcmp(reason, "TooFewShards") == 0)
		return (all_covered(s) || moves_is_start(s->start) || s->edits > 1) &&
		       owners_up(s) < s->topology->shards;
	if (strcmp(reason, "Unreachable") == 0)
		return any_down(s);
	if (strcmp(reason, "SameNodeId") == 0)
		return s->world->clone >= 0;
	if (strcmp(reason, "LeavesFrom") == 0 || strcmp(reason, "Announced") == 0)
		return plights_last(s);
	if (strcmp(reason, "IdentitiesLost") == 0)
		return s->world->identities_lost;
	return false;
}

static bool is_paused(struct sim *s)
{
	bool paused = false;
	struct rop_err err = { 0 };
	if (!rop_store_paused(s->store, s->topology->name, world_clock(s->world).wall_ms, &paused, &err))
		sim_fail(s, "read the pause: %s", err.text);
	return paused;
}

bool verdict_waited(const struct sim *s, const struct run_end *end, int64_t took_ms, const struct run_plan *plan)
{
	if (s->unknown_setting) /* a refused setting ends it at once */
		return true;
	return end->how != ENDED_DONE || end->result.code != ROP_TIMEOUT || took_ms >= WAITED_AT_LEAST_MS ||
	       took_ms >= plan->timeout_ms;
}

/* One that is to leave has something that nobody else is known to have. */
static bool is_kept(const struct sim *s, const char *text)
{
	const struct world *w = s->world;
	for (size_t i = leave_staying(s); i < w->truth->n; i++)
		for (size_t k = 0; k < w->n_writes && w->servers[i].up; k++)
			if (writes_has(&w->servers[i].has, k))
				return strstr(text, "cannot leave") != NULL;
	return false;
}

bool verdict_is_true(struct sim *s, const struct run_end *end)
{
	switch (end->result.code) {
	case ROP_OK: return end->result.reached;
	case ROP_REFUSED: return is_paused(s) || bears_out(s, end->reason) || is_kept(s, end->text);
	case ROP_DENIED: return any_hides(s);
	case ROP_UNREACHABLE: return any_down(s);
	case ROP_TIMEOUT: /* formed and a node is down for good; or the file asks for what no server has; or a person's
			     doing */
		return (any_down(s) && all_covered(s)) || verdict_marked(s) || is_paused(s) || s->unknown_setting ||
		       plights_last(s) || (s->person_replicated && too_few_primaries(s)) ||
		       moves_undecidable(s->world) || (any_hides(s) && moves_open(s->world)) ||
		       moves_left(s) < s->left_before || judge_leave_held(s) || drain_is_kept(s, end->text);
	case ROP_FAIL:
	case ROP_CHANGES:
	case ROP_UNSERVED:
	case ROP_INVALID:
	case ROP_BUSY:
	case ROP_STALE:
	case ROP_INTERNAL: break;
	}
	return false;
}

/* ---- the end ----------------------------------------------------------------------------------------------- */

/* Everything as declared, as all nodes see it at this moment. */
bool verdict_converged(struct sim *s)
{
	struct rop_observed *seen = look_at_truth(s->world, s->topology);
	struct rop_image nothing = { 0 };
	struct rop_situation now = { .arena = seen->arena, .topology = s->topology, .seen = seen, .image = &nothing };
	rop_situation_assess(&now);
	bool converged = rop_situation_converged(&now);
	for (size_t i = 0; i < seen->n; i++)
		converged &= rop_slots_first(&seen->nodes[i].slots) < ROP_SLOTS ||
			     seen->nodes[i].role == ROP_ROLE_REPLICA;
	rop_arena_free(seen->arena);
	int lead = 0;
	for (size_t i = 0; i < leave_staying(s); i++)
		lead += !empty(&s->world->truth->nodes[i].slots);
	return converged && lead == s->topology->shards;
}

/* What was begun with nothing, or by redis-cli, ends in even shares of one range each, give or take a rounding. */
bool verdict_even(const struct sim *s)
{
	const struct rop_observed *t = s->world->truth;
	bool given_out = s->start == START_FRESH || s->start == START_OURS || s->start == START_TOTAL_LOSS ||
			 s->start == START_REDIS_CLI;
	int share = ROP_SLOTS / s->topology->shards;
	for (size_t i = 0; given_out && !s->person_assigned && !s->world->contested && i < t->n; i++) {
		int first, last, count = rop_slots_count(&t->nodes[i].slots);
		if (!count)
			continue;
		rop_slots_run(&t->nodes[i].slots, 0, &first, &last);
		if (last - first + 1 != count || count < share - 1 || count > share + 2)
			return false;
	}
	return true;
}

static const char *declared_value(const struct sim *s, const char *name)
{
	for (size_t i = 0; i < s->topology->settings.n; i++)
		if (strcmp(s->topology->settings.at[i].name, name) == 0)
			return s->topology->settings.at[i].value;
	return NULL;
}

/* What the operator lowers them to; nothing else in here has these values but as an original. */
static bool looks_lowered(const char *name, const char *value)
{
	if (strcmp(name, "cluster-node-timeout") == 0)
		return rop_lowered_original(strtoll(value, NULL, 10)) >= 0;
	if (strcmp(name, "cluster-replica-no-failover") == 0)
		return strcmp(value, "yes") == 0;
	return strcmp(name, "repl-diskless-sync-delay") == 0 && strcmp(value, "0") == 0;
}

static bool same(const char *a, const char *b)
{
	return strcasecmp(a, b) == 0 || (strcmp(a, "104857600") == 0 && strcmp(b, "100mb") == 0);
}

/* A lowered timeout is known by itself. The delay is known by the timeout beside it, unless that was not lowered when
 * the database was lost, or a person has set it since. A node that never takes over is only named (status, check). */
static bool lost_its_trace(const struct sim *s, size_t node, size_t at)
{
	const struct server *server = &s->world->servers[node];
	int timeout = rop_observed_setting(s->world->truth, "cluster-node-timeout");
	if (strcmp(s->world->truth->setting_names[at], "cluster-replica-no-failover") == 0)
		return true;
	return (int)at != timeout && !server->orphaned[timeout];
}

/* One that goes back only when its node is in sync with that primary, or follows it no more. */
bool verdict_waits(const struct sim *s, const struct rop_temporary *temporary)
{
	const struct rop_observed *t = s->world->truth;
	int node = rop_observed_find(t, temporary->node), peer = rop_observed_find(t, temporary->peer);
	if (!temporary->peer[0] || node < 0)
		return false;
	if (t->nodes[node].role != ROP_ROLE_REPLICA || strcmp(t->nodes[node].primary_id, temporary->peer) != 0)
		return false;
	return peer < 0 || !s->world->servers[peer].up || !t->nodes[node].link_up;
}

/* An identity that no node has any more: what was set there ended with its process. */
static bool was_a_node(const struct sim *s, const char *id)
{
	for (size_t f = 0; f < s->world->former.n; f++)
		if (strcmp(s->world->former.at[f], id) == 0)
			return true;
	return false;
}

static bool is_waiting(const struct sim *s, const struct rop_image *image, size_t node, const char *name)
{
	for (size_t t = 0; t < image->temporaries.n; t++) {
		const struct rop_temporary *temporary = &image->temporaries.at[t];
		if (strcmp(temporary->name, name) == 0 &&
		    rop_observed_find(s->world->truth, temporary->node) == (int)node)
			return verdict_waits(s, temporary);
	}
	return false;
}

/* Either nobody was ever kept from moving replicas, or at the end all are. */
static bool stays_as_others(const struct sim *s, size_t at, const char *value)
{
	for (size_t i = 0; i < leave_staying(s); i++)
		if (s->world->servers[i].up && s->world->truth->nodes[i].settings[at] &&
		    strcmp(s->world->truth->nodes[i].settings[at], value) != 0)
			return false;
	return true;
}

static void judge_setting(struct sim *s, const struct rop_image *image, size_t node, size_t at, bool reached)
{
	const struct server *server = &s->world->servers[node];
	const char *name = s->world->truth->setting_names[at], *value = s->world->truth->nodes[node].settings[at];
	const char *declared = declared_value(s, name), *original = server->want[at];
	if (!value)
		return;
	if (strcmp(name, ROP_REPLICA_MIGRATION) == 0) {
		if (reached && !stays_as_others(s, at, value))
			sim_fail(s, "node %zu is left with %s %s, unlike others", node, name, value);
		return;
	}
	bool lowered = looks_lowered(name, value), left = lowered && strcmp(value, original) != 0;
	bool as_should = declared && reached ? same(value, declared) : strcmp(value, original) == 0;
	if (declared && !reached) /* it may have come to the declared ones, or a person to others */
		as_should |= same(value, declared) || (server->person_ms[at] >= 0 && !lowered);
	if (server->raced[at] && !lowered)
		as_should = true;
	if (as_should || is_waiting(s, image, node, name))
		return;
	if ((server->orphaned[at] || server->file_orphaned[at]) && left && !(declared && reached) &&
	    lost_its_trace(s, node, at)) {
		s->stats->left_behind++;
		trace(s, "verdict", "node %zu keeps %s %s: the database that knew was lost", node, name, value);
		return;
	}
	sim_fail(s, "node %zu is left with %s %s instead of %s", node, name, value,
		 declared && reached ? declared : original);
}

/* The configuration file must never come to hold a temporary value. */
static void judge_file(struct sim *s, size_t node, size_t at)
{
	const struct server *server = &s->world->servers[node];
	const char *name = s->world->truth->setting_names[at], *value = server->file[at],
		   *declared = declared_value(s, name);
	if (!value || !looks_lowered(name, value) || strcmp(value, server->keeps[at]) == 0 ||
	    (declared && same(value, declared)))
		return;
	if (!server->file_orphaned[at] || strcmp(name, "cluster-node-timeout") == 0)
		sim_fail(s, "the configuration file of node %zu holds the temporary %s %s", node, name, value);
}

void verdict_settings(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	struct rop_observed *seen = look_at_truth(s->world, s->topology);
	ROP_OWN_ARENA of_look = seen->arena;
	struct rop_situation now = { .arena = seen->arena, .topology = s->topology, .seen = seen, .image = &image };
	rop_situation_assess(&now);
	bool reached = rop_situation_converged(&now);
	if (!rop_store_load(s->store, scratch, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	for (size_t i = 0; i < s->world->truth->n && of_look; i++) {
		if (i >=
		    leave_staying(s)) /* not put back on who leaves: what waits for a link is not waited for there */
			continue;
		for (size_t at = 0; s->world->servers[i].up && at < s->world->truth->n_settings; at++) {
			judge_setting(s, &image, i, at, reached);
			judge_file(s, i, at);
		}
	}
	for (size_t t = 0; t < image.temporaries.n; t++) {
		int node = rop_observed_find(s->world->truth, image.temporaries.at[t].node);
		if (node >= (int)leave_staying(s))
			continue;
		bool there = node < 0 ? !was_a_node(s, image.temporaries.at[t].node) : s->world->servers[node].up;
		if (there && !verdict_waits(s, &image.temporaries.at[t]))
			sim_fail(s, "the database still lists %s of %s as temporary", image.temporaries.at[t].name,
				 image.temporaries.at[t].address);
	}
}
