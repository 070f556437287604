/* saved_plan_text.c - a saved plan read back by a person: the steps of a move are one line, and equal commands to
 * several nodes. It is untrusted: nothing of it is shown but as visible text.
 */
#include <string.h>

#include "rop/report.h"
#include "rop/saved_plan.h"
#include "rop/text.h"

#define ID_LENGTH 40
#define NODES_TOLD 4

struct bundle { /* of steps that are one line; in the order of the first of them */
	const struct rop_saved_step *first;
	size_t n;
	struct rop_slots slots;    /* of a move */
	ROP_LIST(const char *) at; /* the nodes */
};

static const char *visible(struct rop_arena *arena, const char *text)
{
	return text ? rop_text_visible(arena, text, strlen(text), SIZE_MAX) : "?";
}

static bool is_move(const struct rop_saved_step *step)
{
	int kind = rop_step_kind_find(step->kind);
	return kind >= 0 && rop_step_moves_slots((enum rop_step_kind)kind);
}

/* "take:ID>ID/4096": between which two. On the side that gets them the target comes first. NULL: it is none of ours. */
static const char *pair_of(struct rop_arena *arena, const struct rop_saved_step *step, bool *ret_turned)
{
	const char *colon = strchr(step->subject, ':'), *pair = colon ? colon + 1 : NULL;
	int kind = rop_step_kind_find(step->kind);
	*ret_turned = kind == ROP_STEP_IMPORT || kind == ROP_STEP_TAKE;
	if (!pair || strlen(pair) < 2 * ID_LENGTH + 1 || pair[ID_LENGTH] != '>')
		return NULL;
	const char *a = rop_strndup(arena, pair, ID_LENGTH), *b = rop_strndup(arena, pair + ID_LENGTH + 1, ID_LENGTH);
	return *ret_turned ? rop_printf(arena, "%s>%s", b, a) : rop_printf(arena, "%s>%s", a, b);
}

static const char *address_of(struct rop_arena *arena, const struct rop_saved_plan *plan, const char *id)
{
	for (size_t i = 0; i < plan->nodes.n; i++)
		if (strncmp(plan->nodes.at[i].id, id, ID_LENGTH) == 0 && plan->nodes.at[i].id[0])
			return visible(arena, plan->nodes.at[i].address);
	return visible(arena, rop_strndup(arena, id, ID_LENGTH));
}

static bool is_one(struct rop_arena *arena, const struct rop_saved_step *a, const struct rop_saved_step *b)
{
	bool turned;
	if (is_move(a) && is_move(b)) {
		const char *pair = pair_of(arena, a, &turned);
		return pair && rop_streq(pair, pair_of(arena, b, &turned));
	}
	return strcmp(a->kind, b->kind) == 0 && strcmp(a->command, b->command) == 0;
}

static void add_slots(struct rop_arena *arena, struct bundle *bundle, const struct rop_saved_step *step)
{
	static const char PREFIX[] = "CLUSTER SETSLOT ";
	struct rop_slots slots;
	if (strncmp(step->command, PREFIX, strlen(PREFIX)) != 0)
		return;
	const char *text = step->command + strlen(PREFIX);
	size_t n = strspn(text, "0123456789- ");
	while (n && text[n - 1] == ' ')
		n--;
	if (rop_slots_parse(rop_strndup(arena, text, n), &slots))
		rop_slots_join(&bundle->slots, &slots);
}

static void put_move(struct rop_arena *arena, const struct rop_saved_plan *plan, const struct bundle *bundle,
		     struct rop_text *out)
{
	bool turned;
	const char *pair = pair_of(arena, bundle->first, &turned);
	int n = rop_slots_count(&bundle->slots);
	rop_text_add(out, "  %-21s  to %s: ", address_of(arena, plan, pair),
		     address_of(arena, plan, pair + ID_LENGTH + 1));
	if (n)
		rop_text_add(out, "%d slot%s with their keys, %s (", n, rop_plural(n),
			     rop_slots_text(arena, &bundle->slots));
	else
		rop_text_add(out, "slots with their keys (");
	rop_text_add(out, "%zu command%s)\n", bundle->n, rop_plural((int64_t)bundle->n));
}

static void put(struct rop_arena *arena, const struct rop_saved_plan *plan, const struct bundle *bundle,
		struct rop_text *out)
{
	bool turned;
	const char *command = visible(arena, bundle->first->command);
	if (is_move(bundle->first) && bundle->n > 1 && pair_of(arena, bundle->first, &turned))
		put_move(arena, plan, bundle, out);
	else if (bundle->n == 1)
		rop_text_add(out, "  %-21s  %s\n", bundle->at.at[0], command);
	else
		rop_text_add(out, "  %-21s  %s\n    (%s)\n", rop_printf(arena, "%zu nodes", bundle->n), command,
			     rop_text_some(arena, bundle->at.at, bundle->at.n, NODES_TOLD));
}

static void put_bundles(struct rop_arena *arena, const struct rop_saved_plan *plan, struct rop_text *out)
{
	ROP_LIST(struct bundle) bundles = { 0 };
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_saved_step *step = &plan->steps.at[i];
		struct bundle *of = NULL;
		for (size_t b = bundles.n; b-- > 0 && !of;)
			if (is_one(arena, bundles.at[b].first, step))
				of = &bundles.at[b];
		if (!of) {
			of = rop_push(arena, &bundles);
			*of = (struct bundle){ .first = step };
		}
		of->n++;
		*rop_push(arena, &of->at) = visible(arena, step->node);
		if (is_move(step))
			add_slots(arena, of, step);
	}
	for (size_t b = 0; b < bundles.n; b++)
		put(arena, plan, &bundles.at[b], out);
}

void rop_saved_plan_print(struct rop_arena *arena, const struct rop_saved_plan *plan, bool each, struct rop_text *out)
{
	size_t steps = rop_saved_plan_counted(plan);
	rop_text_add(out, "saved plan of cluster %s   %zu node%s, %zu step%s   made by redis-operator %s\n",
		     visible(arena, plan->cluster), plan->nodes.n, rop_plural((int64_t)plan->nodes.n), steps,
		     rop_plural((int64_t)steps), visible(arena, plan->program));
	rop_text_add(out, "of %s, digest %s\n\n", visible(arena, plan->path), visible(arena, plan->digest));
	for (size_t i = 0; each && i < plan->steps.n; i++)
		rop_text_add(out, "  %-21s  %s\n", visible(arena, plan->steps.at[i].node),
			     visible(arena, plan->steps.at[i].command));
	if (!each)
		put_bundles(arena, plan, out);
	if (!plan->steps.n)
		rop_text_add(out, "No changes.\n");
}

void rop_saved_plan_written(const struct rop_saved_plan *plan, const char *path, struct rop_text *out)
{
	size_t steps = rop_saved_plan_counted(plan);
	if (plan->steps.n)
		rop_text_add(out, "%zu step%s saved; to do exactly this: `redis-operator apply %s`\n", steps,
			     rop_plural((int64_t)steps), path);
	else
		rop_text_add(out, "nothing is to be applied; %s was written all the same, as a plan without steps\n",
			     path);
}
