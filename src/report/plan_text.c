/* plan_text.c - a plan for people to review: what happens where, grouped as a person would say it. */
#include <string.h>

#include "rop/libraries.h"
#include "rop/text.h"
#include "shared.h"

/* "127.0.0.1:7000 ... 7005": first and last of the nodes named, in the order of the topology. */
static const char *span(struct rop_arena *arena, const struct rop_observed *seen, const bool *in)
{
	const char *first = NULL, *last = NULL;
	size_t n = 0;
	for (size_t i = 0; i < seen->asked; i++) {
		if (!in[i])
			continue;
		n++;
		last = seen->nodes[i].address;
		if (!first)
			first = last;
	}
	if (n < 2)
		return first ? first : "";
	const char *a = strrchr(first, ':'), *b = strrchr(last, ':');
	if (a && b && a - first == b - last && strncmp(first, last, (size_t)(a - first)) == 0)
		last = b + 1;
	return rop_printf(arena, n == 2 ? "%s, %s" : "%s ... %s", first, last);
}

struct group { /* steps that one line can tell */
	const struct rop_step *step;
	bool *nodes;
	size_t n_nodes, n_steps;
	struct rop_slots slots; /* that move */
};

/* Of slots that move: the node that gives them. Of those that stay: their owner. */
static int giver(const struct rop_plan *plan, const struct rop_step *step)
{
	const int16_t *owner = plan->first->owner;
	if (step->expect.kind == ROP_STEP_RELEASE)
		return owner && owner[step->expect.first] == step->peer ? step->peer : step->node;
	bool at_target = step->expect.kind == ROP_STEP_IMPORT || step->expect.kind == ROP_STEP_TAKE;
	return at_target ? step->peer : step->node;
}

static int taker(const struct rop_plan *plan, const struct rop_step *step)
{
	return giver(plan, step) == step->node ? step->peer : step->node;
}

/* All that is done for slots that go from one node to another. */
static bool is_one_move(const struct rop_plan *plan, const struct rop_step *a, const struct rop_step *b)
{
	bool back = a->expect.kind == ROP_STEP_RELEASE;
	return rop_step_moves_slots(a->expect.kind) && rop_step_moves_slots(b->expect.kind) &&
	       back == (b->expect.kind == ROP_STEP_RELEASE) && giver(plan, a) == giver(plan, b) &&
	       taker(plan, a) == taker(plan, b);
}

static bool one_line(const struct rop_plan *plan, const struct rop_step *a, const struct rop_step *b)
{
	if (is_one_move(plan, a, b))
		return true;
	if (a->expect.kind != b->expect.kind || strcmp(a->state, b->state) != 0)
		return false;
	switch (a->expect.kind) {
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_SETTING:
		return rop_streq(a->expect.name, b->expect.name) && rop_streq(a->expect.value, b->expect.value) &&
		       rop_streq(a->expect.was, b->expect.was);
	case ROP_STEP_EPOCH:
	case ROP_STEP_MEET:
	case ROP_STEP_GREET:
	case ROP_STEP_PERSIST: return true;
	case ROP_STEP_BUMP: return a->expect.epoch == b->expect.epoch;
	case ROP_STEP_FORGET: return rop_streq(a->expect.peer, b->expect.peer);
	case ROP_STEP_FAILOVER:
	case ROP_STEP_RESET:
	case ROP_STEP_SLOTS:
	case ROP_STEP_ROLE:
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE:
	case ROP_STEP_FUNCTIONS:
	case ROP_STEP_KINDS_N: break;
	}
	return false;
}

/* A temporary setting that the nodes show and the database does not know; its `why` has both values and says so. */
static bool is_found(const struct rop_plan *plan, const struct rop_step *step)
{
	return step->expect.kind == ROP_STEP_RESTORE &&
	       rop_temporary_is_found(plan->first, step->expect.node, step->expect.name);
}

static void add_node(struct group *group, int node)
{
	if (node >= 0 && !group->nodes[node]) {
		group->nodes[node] = true;
		group->n_nodes++;
	}
}

/* Of the nodes in MEETs: those that know nobody yet, where there are some; the others were there before. */
static size_t keep_newcomers(const struct rop_observed *seen, bool *nodes)
{
	size_t all = 0, alone = 0;
	for (size_t i = 0; i < seen->n; i++) {
		all += nodes[i];
		alone += nodes[i] && seen->nodes[i].others == 0;
	}
	for (size_t i = 0; alone && i < seen->n; i++)
		nodes[i] &= seen->nodes[i].others == 0;
	return alone ? alone : all;
}

typedef ROP_LIST(struct group) group_list;

/* Of several that could, the newest. */
static int group_of(const struct rop_plan *plan, const group_list *groups, const struct rop_step *step)
{
	for (size_t g = groups->n; g-- > 0;) {
		const struct rop_step *first = groups->at[g].step;
		if (first == step || (one_line(plan, first, step) && is_found(plan, first) == is_found(plan, step)))
			return (int)g;
	}
	return -1;
}

static void group_steps(struct rop_arena *arena, const struct rop_plan *plan, group_list *ret_groups)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_step *step = &plan->steps.at[i];
		int found = group_of(plan, ret_groups, step);
		struct group *group = found < 0 ? NULL : &ret_groups->at[found];
		if (!group) {
			group = rop_push(arena, ret_groups);
			*group = (struct group){ .step = step,
						 .nodes = rop_alloc_n(arena, plan->first->seen->asked, sizeof(bool)) };
		}
		group->n_steps++;
		struct rop_slots moved;
		if (rop_step_moves_slots(step->expect.kind) && rop_slots_parse(step->expect.value, &moved))
			rop_slots_join(&group->slots, &moved);
		add_node(group, step->node);
		if (step->expect.kind == ROP_STEP_MEET)
			add_node(group, step->peer);
	}
	for (size_t g = 0; g < ret_groups->n; g++)
		if (ret_groups->at[g].step->expect.kind == ROP_STEP_MEET)
			ret_groups->at[g].n_nodes = keep_newcomers(plan->first->seen, ret_groups->at[g].nodes);
}

/* A RESTORE of what the same plan lowers is told with the LOWER. */
static bool is_own_restore(const struct rop_plan *plan, const struct rop_step *restore)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_expect *e = &plan->steps.at[i].expect;
		if (e->kind == ROP_STEP_LOWER && strcmp(e->name, restore->expect.name) == 0 &&
		    strcmp(e->node, restore->expect.node) == 0)
			return true;
	}
	return false;
}

static int shard_number(const struct rop_plan *plan, int node)
{
	int shard = plan->first->layout.shard_of[node];
	return shard < 0 ? 0 : plan->first->layout.shards[shard].number;
}

struct line {
	const char *heading, *sign, *who, *what;
	int shard; /* 0: told elsewhere */
};

static const char *place_before(struct rop_arena *arena, const struct rop_plan *plan, int node)
{
	const struct rop_node *n = &plan->first->seen->nodes[node];
	if (n->primary < 0)
		return "a replica of a node that is not declared";
	return rop_printf(arena, "replica of shard %d", shard_number(plan, n->primary));
}

static const char *shown(const char *value)
{
	return *value ? value : "\"\"";
}

/* Servers tell sizes in bytes: beside a size with a unit the other one gets one too, where it is exact. */
static const char *shown_before(struct rop_arena *arena, const struct rop_expect *e)
{
	static const struct {
		const char *unit;
		int64_t bytes;
	} UNITS[] = { { "gb", 1 << 30 }, { "mb", 1 << 20 }, { "kb", 1 << 10 } };
	int64_t bytes;
	size_t digits = strspn(e->value, "0123456789");
	if (!e->was)
		return "(unknown)";
	if (digits && strpbrk(e->value + digits, "bB") && rop_int_parse(e->was, 1, INT64_MAX, &bytes))
		for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
			if (bytes % UNITS[i].bytes == 0)
				return rop_printf(arena, "%lld%s", (long long)(bytes / UNITS[i].bytes), UNITS[i].unit);
	return shown(e->was);
}

/* About: an even part of what its owner has. */
static const char *keys_to_move(struct rop_arena *arena, const struct rop_node *from, int slots)
{
	int owned = rop_slots_count(&from->slots);
	if (from->keys < 0)
		return "an unknown number of keys";
	if (!from->keys || !owned)
		return "no keys";
	return rop_printf(arena, "~%lld keys", (long long)(from->keys * slots / owned));
}

#define RANGES_SHOWN 60 /* characters */

static const char *move_text(struct rop_arena *arena, const struct rop_plan *plan, const struct group *g)
{
	int n = rop_slots_count(&g->slots);
	const char *slots = rop_slots_text(arena, &g->slots);
	const char *more = strlen(slots) > RANGES_SHOWN ? " ..." : "";
	if (g->step->expect.kind == ROP_STEP_RELEASE)
		return rop_printf(arena, "%d slot%s stay%s where %s (%.*s%s); the move was begun and carried nothing",
				  n, rop_plural(n), n == 1 ? "s" : "", n == 1 ? "it is" : "they are", RANGES_SHOWN,
				  slots, more);
	return rop_printf(arena, "%d slot%s, %s: %.*s%s", n, rop_plural(n),
			  keys_to_move(arena, &plan->first->seen->nodes[giver(plan, g->step)], n), RANGES_SHOWN, slots,
			  more);
}

/* What it was, and that it is none of this cluster any more. */
static const char *leaver_text(struct rop_arena *arena, const struct rop_plan *plan, int node)
{
	const struct rop_node *n = &plan->first->seen->nodes[node];
	if (n->role == ROP_ROLE_REPLICA)
		return rop_printf(arena, "leaves: a replica, reset to a node without data (CLUSTER RESET HARD)");
	return "leaves: reset to a node that knows nobody (CLUSTER RESET HARD)";
}

static struct line line_of(struct rop_arena *arena, const struct rop_plan *plan, const struct group *g)
{
	const struct rop_observed *seen = plan->first->seen;
	const struct rop_expect *e = &g->step->expect;
	const char *who = g->n_nodes > 2 ? rop_printf(arena, "%zu nodes", g->n_nodes) : span(arena, seen, g->nodes);
	struct line line = { .heading = g->step->state, .sign = "+", .who = who };
	bool again;
	switch (e->kind) {
	case ROP_STEP_LOWER:
		line.heading = "Settings (temporary)";
		line.sign = "~";
		line.what = rop_printf(arena, "%s %s -> %s, %s", e->name, e->was, e->value,
				       e->peer[0] ? "put back once in sync" : "restored when formed");
		break;
	case ROP_STEP_RESTORE:
		line.heading = "Settings (temporary)";
		line.sign = "~";
		line.what = is_found(plan, g->step)
				    ? rop_printf(arena, "%s %s", e->name, e->why)
				    : rop_printf(arena, "%s %s -> %s, put back", e->name, e->was, e->value);
		break;
	case ROP_STEP_EPOCH: line.what = "a config epoch of its own for each"; break;
	case ROP_STEP_BUMP:
		line.sign = "~";
		line.what = rop_printf(arena, "a new config epoch: it went back, its peers hold %lld",
				       (long long)e->epoch);
		break;
	case ROP_STEP_MEET:
		again = rop_bit(seen, seen->known, (size_t)g->step->node, (size_t)g->step->peer);
		line.who = span(arena, seen, g->nodes);
		line.what = rop_printf(arena, "introduce %zu node%s%s%s", g->n_nodes, rop_plural((int64_t)g->n_nodes),
				       g->n_nodes < seen->n ? " to the others" : "",
				       again ? " again, at new addresses" : "");
		break;
	case ROP_STEP_GREET: line.what = "tell other nodes its shard (MEET again)"; break;
	case ROP_STEP_SLOTS:
		line.shard = shard_number(plan, g->step->node);
		line.what = e->first == e->last ? rop_printf(arena, "slot %d", e->first)
						: rop_printf(arena, "slots %d-%d", e->first, e->last);
		break;
	case ROP_STEP_ROLE:
		line.what = rop_printf(arena, "replica of shard %d (%s)", shard_number(plan, g->step->peer),
				       seen->nodes[g->step->peer].address);
		if (seen->nodes[g->step->node].role == ROP_ROLE_REPLICA) { /* it moves */
			line.sign = "~";
			line.what = rop_printf(arena, "%s, was %s", line.what,
					       place_before(arena, plan, g->step->node));
		}
		break;
	case ROP_STEP_SETTING:
		line.heading = "Settings";
		line.sign = "~";
		line.what = rop_printf(arena, "%s %s -> %s", e->name, shown_before(arena, e), shown(e->value));
		break;
	case ROP_STEP_PERSIST:
		line.heading = "Settings";
		line.sign = "~";
		line.what = "write the settings to the configuration file";
		break;
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_MOVE:
	case ROP_STEP_TAKE:
	case ROP_STEP_YIELD:
	case ROP_STEP_RELEASE:
		line.sign = "~";
		line.who = rop_printf(arena, "shard %d -> shard %d", shard_number(plan, giver(plan, g->step)),
				      shard_number(plan, taker(plan, g->step)));
		line.what = move_text(arena, plan, g);
		break;
	case ROP_STEP_FAILOVER:
		line.sign = "~";
		line.what = rop_printf(arena, "takes shard %d over from %s, which leaves",
				       shard_number(plan, g->step->peer), seen->nodes[g->step->peer].address);
		break;
	case ROP_STEP_RESET:
		line.sign = "-";
		line.who = seen->nodes[g->step->node].address;
		line.what = leaver_text(arena, plan, g->step->node);
		break;
	case ROP_STEP_FORGET: {
		int gone = rop_observed_find_leaving(seen, e->peer);
		line.sign = "-";
		line.what = rop_printf(arena, "forget%s %s", g->n_nodes == 1 ? "s" : "",
				       gone >= 0 ? seen->nodes[gone].address : e->peer);
		break;
	}
	case ROP_STEP_FUNCTIONS:
		line.what = rop_printf(arena, "function libraries of %s: %s", seen->nodes[g->step->peer].address,
				       rop_libraries_names(arena, e->value));
		break;
	case ROP_STEP_KINDS_N: break;
	}
	return line;
}

static const char *color_of(char sign)
{
	if (sign == '+')
		return "green";
	return sign == '-' ? "red" : "yellow";
}

static void put_groups(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	group_list groups = { 0 };
	const char *heading = "";
	group_steps(r->arena, plan, &groups);
	for (size_t i = 0; i < groups.n; i++) {
		const struct group *g = &groups.at[i];
		if (g->step->expect.kind == ROP_STEP_RESTORE && is_own_restore(plan, g->step))
			continue;
		struct line line = line_of(r->arena, plan, g);
		if (strcmp(line.heading, heading) != 0)
			rop_text_add(out, "%s%s%s\n", report_paint(r, "bold"), line.heading, report_paint(r, "off"));
		heading = line.heading;
		const char *color = report_paint(r, color_of(*line.sign));
		const char *who = line.shard ? rop_printf(r->arena, "shard %d  %s", line.shard, line.who) : line.who;
		rop_text_add(out, "  %s%s%s %-28s ", color, line.sign, report_paint(r, "off"), who);
		report_below(r, line.what, 33, out);
		rop_text_add(out, "\n");
	}
}

/* Of a RESTORE of what the same plan lowers: the line of the LOWER of the same node. */
static int line_of_lowering(const struct rop_plan *plan, const int *of_step, const struct rop_step *restore)
{
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_expect *e = &plan->steps.at[i].expect;
		if (e->kind == ROP_STEP_LOWER && strcmp(e->name, restore->expect.name) == 0 &&
		    strcmp(e->node, restore->expect.node) == 0)
			return of_step[i];
	}
	return -1;
}

const char **report_plan_lines(const struct rop_report *r, const struct rop_plan *plan, int *of_step, int **ret_after,
			       size_t *ret_n)
{
	group_list groups = { 0 };
	group_steps(r->arena, plan, &groups);
	const char **lines = rop_alloc_n(r->arena, groups.n + 1, sizeof *lines);
	int *after = rop_alloc_n(r->arena, groups.n + 1, sizeof *after);
	for (size_t i = 0; i < groups.n; i++) {
		struct line line = line_of(r->arena, plan, &groups.at[i]);
		lines[i] = line.shard ? rop_printf(r->arena, "%s: %s of shard %d", line.who, line.what, line.shard)
				      : rop_printf(r->arena, "%s: %s", line.who, line.what);
		after[i] = -1;
	}
	for (size_t i = 0; i < plan->steps.n; i++)
		of_step[i] = group_of(plan, &groups, &plan->steps.at[i]);
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_step *step = &plan->steps.at[i];
		if (step->expect.kind == ROP_STEP_RESTORE)
			after[of_step[i]] = line_of_lowering(plan, of_step, step);
	}
	*ret_after = after;
	*ret_n = groups.n;
	return lines;
}

struct report_summary report_summary(struct rop_arena *arena, const struct rop_plan *plan)
{
	struct report_summary sum = { 0 };
	bool *met = rop_alloc_n(arena, plan->first->seen->n + 1, sizeof *met);
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_step *step = &plan->steps.at[i];
		struct rop_slots moved;
		switch (step->expect.kind) {
		case ROP_STEP_MEET: met[step->node] = met[step->peer] = true; break;
		case ROP_STEP_SLOTS: sum.slots += step->expect.last - step->expect.first + 1; break;
		case ROP_STEP_ROLE: sum.replicas++; break;
		case ROP_STEP_SETTING: sum.settings++; break;
		case ROP_STEP_RESTORE: sum.restores += !is_own_restore(plan, step); break;
		case ROP_STEP_MOVE:
		case ROP_STEP_TAKE:
			if (rop_slots_parse(step->expect.value, &moved))
				sum.moved += rop_slots_count(&moved);
			break;
		case ROP_STEP_FAILOVER: sum.failovers++; break;
		case ROP_STEP_RESET:
		case ROP_STEP_FORGET:
		case ROP_STEP_IMPORT:
		case ROP_STEP_EXPORT:
		case ROP_STEP_CARRY:
		case ROP_STEP_YIELD:
		case ROP_STEP_RELEASE:
		case ROP_STEP_LOWER:
		case ROP_STEP_EPOCH:
		case ROP_STEP_BUMP:
		case ROP_STEP_FUNCTIONS:
		case ROP_STEP_GREET:
		case ROP_STEP_PERSIST:
		case ROP_STEP_KINDS_N: break;
		}
	}
	for (size_t i = 0; i < plan->first->retirements.n; i++)
		sum.leaving += plan->first->retirements.at[i].listed;
	sum.introduced = (int)keep_newcomers(plan->first->seen, met);
	return sum;
}

static void put_summary(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	struct report_summary sum = report_summary(r->arena, plan);
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "%d node%s to introduce, %d slot%s to assign, %d replica%s to attach", sum.introduced,
		     rop_plural(sum.introduced), sum.slots, rop_plural(sum.slots), sum.replicas,
		     rop_plural(sum.replicas));
	if (sum.settings)
		rop_text_add(&text, ", %d setting%s to change", sum.settings, rop_plural(sum.settings));
	if (sum.restores)
		rop_text_add(&text, ", %d temporary setting%s to put back", sum.restores, rop_plural(sum.restores));
	if (sum.leaving)
		rop_text_add(&text, ", %d node%s to leave", sum.leaving, rop_plural(sum.leaving));
	rop_text_add(&text, "; %d slot%s to move, %d fail-over%s, 0 restarts.", sum.moved, rop_plural(sum.moved),
		     sum.failovers, rop_plural(sum.failovers));
	rop_text_add(out, "%sPlan:%s ", report_paint(r, "bold"), report_paint(r, "off"));
	report_wrap(r, text.at, 6, out);
	rop_text_add(out, "\n");
	report_risk(r, plan, out);
}

static void put_header(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	const struct rop_observed *seen = plan->first->seen;
	int64_t epoch = 0;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->nodes[i].current_epoch > epoch)
			epoch = seen->nodes[i].current_epoch;
	report_unserved(r, plan->first, out);
	const struct report_part parts[] = {
		{ "cluster ", r->topology->name, NULL },
		{ .text = rop_printf(r->arena, "%d shard%s, %zu node%s", r->topology->shards,
				     rop_plural(r->topology->shards), seen->n, rop_plural((int64_t)seen->n)) },
		{ .text = rop_printf(r->arena, "%zu/%zu nodes answer", plan->first->answering, seen->n) },
		{ .text = rop_printf(r->arena, "epoch %lld", (long long)epoch) },
	};
	report_parts(r, parts, sizeof parts / sizeof *parts, out);
}

/* Where it will not be converged, that is among the reasons. */
static bool is_told_silent(const struct rop_plan *plan, const char *sentence)
{
	return !plan->result.reached && strstr(plan->result.text, sentence);
}

void rop_report_plan_warnings(const struct rop_plan *plan, bool told, struct rop_text *out)
{
	const struct rop_situation *first = plan->first;
	ROP_OWN_ARENA arena = rop_arena_new();
	for (size_t i = 0; i < first->warnings.n; i++) {
		const struct rop_finding *w = &first->warnings.at[i];
		if (told && report_is_of_any_look(w))
			continue;
		rop_text_add(out, "warning: %s\n", w->text);
		if (w->advice)
			rop_text_add(out, "  -> %s\n", w->advice);
	}
	for (size_t i = 0; first->in_view && i < first->seen->n; i++) {
		const struct rop_node *node = &first->seen->nodes[i];
		const char *sentence = rop_printf(arena, "%s does not answer: %s", node->address, node->reach_why);
		if (!rop_node_answers(node) && (told || !is_told_silent(plan, sentence)))
			rop_text_add(out, "warning: %s\n", sentence);
	}
}

bool report_is_paused(const struct rop_report *r, int64_t wall_ms)
{
	int64_t until = r->image->paused_until_wall_ms;
	return r->image->paused && (!until || until > wall_ms);
}

/* A plan is made as if the pause were over; that it is not yet is the last thing said. */
static void put_pause(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	int64_t until = r->image->paused_until_wall_ms;
	if (!report_is_paused(r, plan->first->wall_ms))
		return;
	rop_text_add(out, "%sPaused%s by %s, until ", report_paint(r, "yellow"), report_paint(r, "off"),
		     r->image->paused_by ? r->image->paused_by : "a person");
	if (until)
		rop_text_add(out, "%s or ", rop_time_text(r->arena, until));
	rop_text_add(out, "'redis-operator resume %s': apply is refused until then.\n", r->topology->name);
}

#define WAITS_FOR_MAX 3

/* Nothing is to be done, and it may not be as declared all the same: then what apply would wait for. */
static void put_no_changes(const struct rop_plan *plan, struct rop_text *out)
{
	struct rop_situation first = *plan->first; /* what is open is filled in */
	if (rop_situation_converged(&first)) {
		rop_text_add(out, "No changes. The cluster matches its topology.\n");
		return;
	}
	rop_text_add(out, "No changes. The nodes are to come to agree by themselves; apply waits for that. Now:\n");
	rop_situation_open(&first);
	for (size_t i = 0; i < first.open.n && i < WAITS_FOR_MAX; i++) {
		rop_text_add(out, "- %s\n", first.open.at[i].text);
		if (first.open.at[i].advice)
			rop_text_add(out, "  -> %s\n", first.open.at[i].advice);
	}
	if (first.open.n > WAITS_FOR_MAX)
		rop_text_add(out, "- and %zu more\n", first.open.n - WAITS_FOR_MAX);
}

void rop_report_plan(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	put_header(r, plan, out);
	rop_text_add(out, "\n");
	if (plan->steps.n) {
		put_groups(r, plan, out);
		rop_text_add(out, "\n");
		put_summary(r, plan, out);
	}
	if (plan->result.reached && !plan->steps.n)
		put_no_changes(plan, out);
	else if (!plan->result.reached && plan->result.text[0])
		rop_text_add(out, "%sIt will not be converged then:\n%s\n",
			     plan->steps.n ? "\n" : "No changes can be made. ", plan->result.text);
	put_pause(r, plan, out);
}
