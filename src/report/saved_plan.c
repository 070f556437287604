/* saved_plan.c - what a plan relied on, and how that differs from what is seen later. Pure. */
#include "config.h"

#include "rop/saved_plan.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rop/text.h"

/* ---- from what is seen ------------------------------------------------------------------------------------- */

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Whom a node knows: a number and a digest, as a list for each of N nodes would be N x N. */
static void take_peers(const struct rop_observed *seen, size_t viewer, struct rop_saved_node *node)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	ROP_LIST(const char *) ids = { 0 };
	for (size_t i = 0; i < seen->n; i++)
		if (i != viewer && seen->nodes[i].id[0] && rop_bit(seen, seen->known, viewer, i))
			*rop_push(arena, &ids) = seen->nodes[i].id;
	uint64_t digest = ROP_DIGEST_START;
	if (ids.n)
		qsort(ids.at, ids.n, sizeof *ids.at, by_text);
	for (size_t i = 0; i < ids.n; i++)
		digest = rop_digest(digest, ids.at[i], strlen(ids.at[i]));
	digest += seen->nodes[viewer].strangers_digest;
	node->peers = (int)ids.n + seen->nodes[viewer].strangers;
	memcpy(node->peers_digest, rop_printf(arena, "%016" PRIx64, digest), sizeof node->peers_digest);
}

static struct rop_saved_node node_of(struct rop_arena *arena, const struct rop_observed *seen, size_t i)
{
	const struct rop_node *n = &seen->nodes[i];
	struct rop_saved_node node = {
		.address = n->address,
		.ip = n->ip ? n->ip : "",
		.port = n->port,
		.bus_port = n->bus_port,
		.answers = rop_node_answers(n),
		.slots = rop_slots_text(arena, &n->slots),
		.role = n->role,
		.epoch = n->epoch,
	};
	memcpy(node.id, n->id, ROP_ID_SIZE);
	memcpy(node.primary_id, n->primary_id, ROP_ID_SIZE);
	take_peers(seen, i, &node);
	for (size_t k = 0; k < seen->n_settings; k++)
		*rop_push(arena, &node.settings) = (struct rop_setting){ .name = seen->setting_names[k],
									 .value = n->settings ? n->settings[k] : NULL };
	return node;
}

static struct rop_saved_step step_of(const struct rop_step *step)
{
	return (struct rop_saved_step){ .kind = rop_step_kind_name(step->expect.kind),
					.subject = step->expect.subject,
					.node = step->expect.address,
					.command = step->expect.command };
}

void rop_saved_plan_make(struct rop_arena *arena, const struct rop_topology *topology, const char *source,
			 const struct rop_machine *machine, const struct rop_image *image, const struct rop_plan *plan,
			 struct rop_saved_plan *ret)
{
	const struct rop_observed *seen = plan->first->seen;
	*ret = (struct rop_saved_plan){
		.program = PACKAGE_VERSION,
		.cluster = topology->name,
		.path = topology->path,
		.digest = topology->digest,
		.source = source,
		.accepted = image->digest,
		.machine = machine->digest,
	};
	for (size_t i = 0; i < seen->n; i++)
		*rop_push(arena, &ret->nodes) = node_of(arena, seen, i);
	for (size_t i = 0; i < plan->steps.n; i++)
		*rop_push(arena, &ret->steps) = step_of(&plan->steps.at[i]);
}

/* ---- what differs ------------------------------------------------------------------------------------------ */

struct compare {
	struct rop_arena *arena;
	const struct rop_saved_plan *then, *now;
	const char *address; /* of the node being compared */
	struct rop_saved_lines *lines;
};

static void differ(struct compare *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void differ(struct compare *c, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = rop_vprintf(c->arena, fmt, ap);
	va_end(ap);
	*rop_push(c->arena, c->lines) = c->address ? rop_printf(c->arena, "%s: %s", c->address, text) : text;
}

static const struct rop_saved_node *node_at(const struct rop_saved_plan *plan, const char *address)
{
	for (size_t i = 0; i < plan->nodes.n; i++)
		if (strcmp(plan->nodes.at[i].address, address) == 0)
			return &plan->nodes.at[i];
	return NULL;
}

static const char *role_text(struct rop_arena *arena, const struct rop_saved_plan *plan,
			     const struct rop_saved_node *node)
{
	if (node->role != ROP_ROLE_REPLICA)
		return node->role == ROP_ROLE_PRIMARY ? "primary" : "unknown";
	for (size_t i = 0; i < plan->nodes.n; i++)
		if (node->primary_id[0] && strcmp(plan->nodes.at[i].id, node->primary_id) == 0)
			return rop_printf(arena, "replica of %s", plan->nodes.at[i].address);
	return node->primary_id[0] ? rop_printf(arena, "replica of node %s", node->primary_id) : "replica";
}

static const char *or_none(const char *text)
{
	return text && *text ? text : "none";
}

static void compare_settings(struct compare *c, const struct rop_saved_node *then, const struct rop_saved_node *now)
{
	for (size_t i = 0; i < then->settings.n; i++) {
		const struct rop_setting *a = &then->settings.at[i], *b = NULL;
		for (size_t k = 0; k < now->settings.n && !b; k++)
			if (strcmp(now->settings.at[k].name, a->name) == 0)
				b = &now->settings.at[k];
		if (!b || !rop_streq(a->value, b->value))
			differ(c, "%s was %s, is %s", a->name, a->value ? a->value : "unknown",
			       b && b->value ? b->value : "unknown");
	}
	if (then->settings.n != now->settings.n)
		differ(c, "%zu settings were looked at, now %zu", then->settings.n, now->settings.n);
}

static void compare_roles(struct compare *c, const struct rop_saved_node *then, const struct rop_saved_node *now)
{
	if (then->role != now->role || strcmp(then->primary_id, now->primary_id) != 0)
		differ(c, "role was %s, is %s", role_text(c->arena, c->then, then), role_text(c->arena, c->now, now));
	else if (then->role == ROP_ROLE_PRIMARY && then->epoch != now->epoch) /* a replica shows its primary's */
		differ(c, "config epoch was %" PRId64 ", is %" PRId64, then->epoch, now->epoch);
	if (strcmp(then->slots, now->slots) != 0)
		differ(c, "slots were %s, are %s", or_none(then->slots), or_none(now->slots));
}

static void compare_node(struct compare *c, const struct rop_saved_node *then, const struct rop_saved_node *now)
{
	if (then->answers != now->answers) {
		differ(c, then->answers ? "answered, does not now" : "did not answer, does now");
		return;
	}
	if (strcmp(then->ip, now->ip) != 0 || then->port != now->port || then->bus_port != now->bus_port)
		differ(c, "was at %s port %d (bus %d), is at %s port %d (bus %d)", or_none(then->ip), then->port,
		       then->bus_port, or_none(now->ip), now->port, now->bus_port);
	if (!then->answers)
		return;
	if (strcmp(then->id, now->id) != 0)
		differ(c, "node id was %s, is %s", or_none(then->id), or_none(now->id));
	compare_roles(c, then, now);
	if (then->peers != now->peers)
		differ(c, "knew %d other node%s, knows %d", then->peers, rop_plural(then->peers), now->peers);
	else if (strcmp(then->peers_digest, now->peers_digest) != 0)
		differ(c, "the %d other node%s that it knows are not the same as before", then->peers,
		       rop_plural(then->peers));
	compare_settings(c, then, now);
}

static void compare_facts(struct compare *c)
{
	const struct rop_saved_plan *then = c->then, *now = c->now;
	if (then->accepted && !rop_streq(then->accepted, now->accepted))
		differ(c, "the newest accepted revision of cluster %s was %s, is %s", then->cluster, then->accepted,
		       or_none(now->accepted));
	if (strcmp(then->machine, now->machine) != 0)
		differ(c, "the machine's digest was %s, is %s (planned by version %s, this is version %s)",
		       then->machine, now->machine, then->program, now->program);
	for (size_t i = 0; i < then->nodes.n; i++) {
		const struct rop_saved_node *node = node_at(now, then->nodes.at[i].address);
		c->address = then->nodes.at[i].address;
		if (node)
			compare_node(c, &then->nodes.at[i], node);
		else
			differ(c, "was a node of the cluster, is none now");
	}
	for (size_t i = 0; i < now->nodes.n; i++) {
		c->address = now->nodes.at[i].address;
		if (!node_at(then, c->address))
			differ(c, "is a node of the cluster now, was none");
	}
	c->address = NULL;
}

static int compare_steps(const struct rop_saved_step *a, const struct rop_saved_step *b)
{
	int order = strcmp(a->subject, b->subject);
	order = order ? order : strcmp(a->kind, b->kind);
	order = order ? order : strcmp(a->node, b->node);
	return order ? order : strcmp(a->command, b->command);
}

static int by_identity(const void *a, const void *b)
{
	return compare_steps(*(const struct rop_saved_step *const *)a, *(const struct rop_saved_step *const *)b);
}

const struct rop_saved_step **rop_saved_plan_index(struct rop_arena *arena, const struct rop_saved_plan *plan)
{
	const struct rop_saved_step **index = rop_alloc_n(arena, plan->steps.n + 1, sizeof *index);
	for (size_t i = 0; i < plan->steps.n; i++)
		index[i] = &plan->steps.at[i];
	qsort(index, plan->steps.n, sizeof *index, by_identity);
	return index;
}

/* "CLUSTER SETSLOT 4096-4159 4161 NODE ID": the slots, and what stands behind them. */
static bool slots_of_command(const char *command, struct rop_slots *ret_slots, const char **ret_rest)
{
	static const char PREFIX[] = "CLUSTER SETSLOT ";
	ROP_OWN_ARENA arena = rop_arena_new();
	if (!command || strncmp(command, PREFIX, strlen(PREFIX)) != 0)
		return false;
	const char *slots = command + strlen(PREFIX);
	size_t n = strspn(slots, "0123456789- ");
	*ret_rest = slots + n;
	while (n && slots[n - 1] == ' ')
		n--;
	return n && rop_slots_parse(rop_strndup(arena, slots, n), ret_slots);
}

/* A look may come in the middle of what is done to a run of slots: what is left of it then is part of the step that the
 * plan holds. */
static bool is_part_of(const struct rop_saved_step *part, const struct rop_saved_step *whole)
{
	struct rop_slots some, all;
	const char *verb, *verb_of_whole;
	return strcmp(part->subject, whole->subject) == 0 && strcmp(part->kind, whole->kind) == 0 &&
	       strcmp(part->node, whole->node) == 0 && slots_of_command(part->command, &some, &verb) &&
	       slots_of_command(whole->command, &all, &verb_of_whole) && strcmp(verb, verb_of_whole) == 0 &&
	       rop_slots_within(&some, &all);
}

bool rop_saved_plan_holds(const struct rop_saved_step **index, size_t n, const struct rop_step *step)
{
	struct rop_saved_step wanted = step_of(step);
	const struct rop_saved_step *key = &wanted;
	if (bsearch(&key, index, n, sizeof *index, by_identity))
		return true;
	for (size_t i = 0; rop_step_moves_slots(step->expect.kind) && i < n; i++)
		if (is_part_of(&wanted, index[i]))
			return true;
	return false;
}

/* Both in order: what is on one side only. The same step twice counts twice. */
static void compare_plans(struct compare *c)
{
	const struct rop_saved_step **then = rop_saved_plan_index(c->arena, c->then),
				    **now = rop_saved_plan_index(c->arena, c->now);
	size_t i = 0, k = 0, before = c->lines->n;
	while (i < c->then->steps.n || k < c->now->steps.n) {
		int order = i == c->then->steps.n ? 1 : -1;
		if (i < c->then->steps.n && k < c->now->steps.n)
			order = compare_steps(then[i], now[k]);
		if (order < 0)
			differ(c, "'%s' to %s is in the plan, and is not to be done now", then[i]->command,
			       then[i]->node);
		else if (order > 0)
			differ(c, "'%s' to %s is to be done now, and is not in the plan", now[k]->command,
			       now[k]->node);
		i += order <= 0;
		k += order >= 0;
	}
	for (i = 0; c->lines->n == before && i < c->then->steps.n; i++)
		if (compare_steps(&c->then->steps.at[i], &c->now->steps.at[i]) != 0)
			differ(c, "the steps would be done in another order: first '%s' to %s",
			       c->now->steps.at[i].command, c->now->steps.at[i].node);
}

void rop_saved_plan_differences(struct rop_arena *arena, const struct rop_saved_plan *then,
				const struct rop_saved_plan *now, struct rop_saved_lines *ret)
{
	struct compare c = { .arena = arena, .then = then, .now = now, .lines = ret };
	size_t before = ret->n;
	compare_facts(&c);
	if (ret->n == before) /* else they follow from it */
		compare_plans(&c);
}

#define LINES_MAX 200 /* of what has changed; who moves a thousand steps need not read each */

void rop_saved_plan_outdated(const struct rop_saved_lines *differences, const char *saved, const char *path,
			     struct rop_text *out)
{
	rop_text_add(out, "%s does not fit any more: since %s this has changed; nothing was sent\n",
		     saved ? saved : "the plan", saved ? "it was planned" : "it was shown");
	for (size_t i = 0; i < differences->n && i < LINES_MAX; i++)
		rop_text_add(out, "- %s\n", differences->at[i]);
	if (differences->n > LINES_MAX)
		rop_text_add(out, "- ... and %zu more\n", differences->n - LINES_MAX);
	if (saved)
		rop_text_add(out, "  -> `redis-operator plan --out %s %s`, and review it again\n", saved, path);
	else
		rop_text_add(out, "  -> apply again, to see what would be done now\n");
}

size_t rop_saved_plan_counted(const struct rop_saved_plan *plan)
{
	size_t n = 0;
	for (size_t i = 0; i < plan->steps.n; i++) {
		int kind = rop_step_kind_find(plan->steps.at[i].kind);
		n += kind < 0 || rop_step_is_counted((enum rop_step_kind)kind);
	}
	return n;
}
