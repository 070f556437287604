/* plan_text.c - a plan for people to review: what happens where, and what all of it comes to. */
#include <string.h>

#include "plan_groups.h"
#include "rop/text.h"

static const char *color_of(char sign)
{
	if (sign == '+')
		return "green";
	return sign == '-' ? "red" : "yellow";
}

static void put_groups(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	struct plan_groups groups;
	const char *heading = "";
	plan_groups_make(r->arena, plan, &groups);
	for (size_t i = 0; i < groups.list.n; i++) {
		const struct plan_group *g = &groups.list.at[i];
		/* What is put back is told with what is lowered. */
		if (plan_lowering_of(plan, g->step) >= 0)
			continue;
		struct plan_line line = plan_line_of(r->arena, plan, g);
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

/* Of a run that is on its way some steps are done already: the others are told of it, and count. */
static void join_moved(const struct rop_step *step, struct rop_slots *moved)
{
	struct rop_slots slots;
	if (rop_step_moves_slots(step->expect.kind) && rop_slots_parse(step->expect.value, &slots))
		rop_slots_join(moved, &slots);
}

struct report_summary report_summary(struct rop_arena *arena, const struct rop_plan *plan)
{
	struct report_summary sum = { 0 };
	bool *met = rop_alloc_n(arena, plan->first->seen->n + 1, sizeof *met);
	struct rop_slots moved = { 0 };
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_step *step = &plan->steps.at[i];
		join_moved(step, &moved);
		switch (step->expect.kind) {
		case ROP_STEP_MEET: met[step->node] = met[step->peer] = true; break;
		case ROP_STEP_SLOTS: sum.slots += step->expect.last - step->expect.first + 1; break;
		case ROP_STEP_ROLE: sum.replicas++; break;
		case ROP_STEP_SETTING: sum.settings++; break;
		case ROP_STEP_RESTORE: sum.restores += plan_lowering_of(plan, step) < 0; break;
		case ROP_STEP_TAKEOVER:
		case ROP_STEP_FAILOVER: sum.failovers++; break;
		case ROP_STEP_RESET:
		case ROP_STEP_EMPTY:
		case ROP_STEP_FORGET:
		case ROP_STEP_IMPORT:
		case ROP_STEP_EXPORT:
		case ROP_STEP_CARRY:
		case ROP_STEP_MOVE:
		case ROP_STEP_TAKE:
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
	sum.moved = rop_slots_count(&moved);
	sum.introduced = (int)plan_newcomers(plan->first->seen, met);
	return sum;
}

/* About, and of what is known: an even part of what each owner has. */
static int64_t keys_on_their_way(const struct rop_situation *now)
{
	int *going = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *going);
	int64_t keys = 0;
	for (int s = 0; s < ROP_SLOTS && now->aim; s++)
		going[now->owner[s]] += now->aim[s] != now->owner[s];
	for (size_t i = 0; i < now->seen->n; i++)
		if (going[i] && now->seen->nodes[i].keys > 0)
			keys += now->seen->nodes[i].keys * going[i] / rop_slots_count(&now->seen->nodes[i].slots);
	return keys;
}

static void put_pace(const struct rop_plan *plan, struct rop_text *text)
{
	int64_t rate = plan->first->topology->migration.rate, keys = rate > 0 ? keys_on_their_way(plan->first) : 0;
	char took[24];
	if (!keys)
		return;
	rop_duration_about(keys * 1000 / rate, took, sizeof took);
	rop_text_add(text, " At %lld keys a second (spec.migration.rate) ~%lld keys take about %s.", (long long)rate,
		     (long long)keys, took);
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
	if (sum.moved)
		put_pace(plan, &text);
	rop_text_add(out, "%sPlan:%s ", report_paint(r, "bold"), report_paint(r, "off"));
	report_wrap(r, text.at, 6, out);
	rop_text_add(out, "\n");
	report_risk(r, plan, out);
}

static void put_header(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	const struct rop_observed *seen = plan->first->seen;
	size_t n = rop_situation_declared(plan->first);
	int64_t epoch = 0;
	for (size_t i = 0; i < seen->n; i++)
		if (seen->nodes[i].current_epoch > epoch)
			epoch = seen->nodes[i].current_epoch;
	report_unserved(r, plan->first, out);
	const struct report_part parts[] = {
		{ "cluster ", r->topology->name, NULL },
		{ .text = rop_printf(r->arena, "%d shard%s, %zu node%s%s", r->topology->shards,
				     rop_plural(r->topology->shards), n, rop_plural((int64_t)n),
				     report_leavers(r, plan->first)) },
		{ .text = rop_printf(r->arena, "%zu/%zu nodes answer", rop_situation_declared_answer(plan->first), n) },
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

/* A plan is made as if the pause were over; that it is not yet is the last thing said. */
static void put_pause(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	int64_t until = r->image->paused_until_wall_ms;
	if (!rop_image_is_paused(r->image, plan->first->wall_ms))
		return;
	rop_text_add(out, "%sPaused%s by %s", report_paint(r, "yellow"), report_paint(r, "off"),
		     r->image->paused_by ? r->image->paused_by : "a person");
	if (until)
		rop_text_add(out, ", until %s", rop_time_text(r->arena, until));
	rop_text_add(out, ": apply is refused. To go on: `redis-operator resume %s`\n", r->topology->name);
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

static const char *without_line(const char *text, const char *line)
{
	size_t n = strcspn(text, "\n");
	return line && strncmp(line, text, n) == 0 ? text + n + (text[n] == '\n') : text;
}

/* Why it will not be converged; what clients get no answer of stands above, with what may be done about it. */
static const char *why_not_then(const struct rop_plan *plan)
{
	const struct rop_situation *first = plan->first;
	const char *text = plan->result.text;
	if (first->unserved && first->formed)
		text = without_line(text, first->unserved);
	if (text != plan->result.text && first->unserved_advice && strncmp(text, "  -> ", 5) == 0) {
		const char *rest = without_line(text + 5, first->unserved_advice);
		text = rest == text + 5 ? text : rest;
	}
	return *text ? text : plan->result.text;
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
			     plan->steps.n ? "\n" : "No changes can be made. ", why_not_then(plan));
	put_pause(r, plan, out);
}
