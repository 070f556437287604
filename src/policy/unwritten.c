/* unwritten.c - declared settings that are in force and in no configuration file: a restart loses them, and nothing
 * that is seen tells. The journal does: what was set, and whether a CONFIG REWRITE worked since. */
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "rop/text.h"

#define NODES_TOLD 3

/* The journal's row of this setting on this node; NULL: it was written, or never set by us. */
static const struct rop_expect *row_of(const struct rop_situation *now, size_t node, const struct rop_setting *setting)
{
	for (size_t i = 0; i < now->image->unwritten.n; i++) {
		const struct rop_expect *e = &now->image->unwritten.at[i];
		if (strcmp(e->node, now->seen->nodes[node].id) == 0 && strcasecmp(e->name, setting->name) == 0 &&
		    strcmp(e->value, setting->value) == 0)
			return e;
	}
	return NULL;
}

static const char *config_subject(const struct rop_situation *now, size_t node)
{
	return rop_printf(now->arena, "config:%s", now->seen->nodes[node].id);
}

/* Since the journal was read it may have been written, or failed to be: a run knows that from its tries. What it is
 * just about to write is nothing to tell. */
static bool is_owed(const struct rop_situation *now, size_t node, const struct rop_expect *row)
{
	const char *subject = config_subject(now, node);
	if (!now->tries || (row && rop_has_no_file_note(row->note)))
		return row;
	bool owed = rop_tries_is_owed(now->tries, subject) || rop_tries_is_final(now->tries, subject);
	return owed && (row || rop_tries_note(now->tries, subject));
}

static const char *why_of(const struct rop_situation *now, size_t node, const struct rop_expect *row)
{
	const char *note = now->tries ? rop_tries_note(now->tries, config_subject(now, node)) : NULL;
	if (now->seen->nodes[node].no_config_file)
		return "started without one";
	if (!note && row)
		note = row->note;
	return note ? note : "it was not written yet";
}

/* Why it is not in that node's file, where that is known; NULL: it is, or nothing is known. What is about to be set
 * where there is no file is told before. */
static const char *unwritten_on(const struct rop_situation *now, size_t node, const struct rop_setting *setting)
{
	if (!rop_answers(now->seen, node))
		return NULL;
	const struct rop_expect *row = row_of(now, node, setting);
	const char *value = rop_observed_value(now->seen, node, setting->name);
	bool in_force = value && policy_same_value(value, setting->value);
	if (now->seen->nodes[node].no_config_file)
		return row || !in_force ? why_of(now, node, row) : NULL;
	return in_force && is_owed(now, node, row) ? why_of(now, node, row) : NULL;
}

const char *policy_unwritten(const struct rop_situation *now, size_t *ret_node)
{
	for (size_t s = 0; s < now->topology->settings.n; s++) {
		const struct rop_setting *setting = &now->topology->settings.at[s];
		for (size_t i = 0; i < now->seen->n; i++) {
			const char *why = policy_node_as_declared(now, i) ? NULL : unwritten_on(now, i, setting);
			if (!why || now->seen->nodes[i].no_config_file)
				continue;
			*ret_node = i;
			return rop_printf(now->arena, "%s has %s = %s in force, and not in its configuration file: %s",
					  now->seen->nodes[i].address, setting->name, setting->value, why);
		}
	}
	return NULL;
}

static void warn_of(struct rop_situation *now, const struct rop_setting *setting)
{
	const char **nodes = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *nodes);
	const char *why = NULL;
	size_t n = 0;
	int first = -1;
	for (size_t i = 0; i < now->seen->n; i++) {
		const char *here = unwritten_on(now, i, setting);
		if (!here)
			continue;
		nodes[n++] = now->seen->nodes[i].address;
		first = first < 0 ? (int)i : first;
		why = why ? why : here;
	}
	if (!n)
		return;
	policy_warn(now, first, ROP_WHY_UNWRITTEN,
		    rop_printf(now->arena, "%s = %s is in no configuration file of %s (%s): a restart loses it",
			       setting->name, setting->value, rop_text_some(now->arena, nodes, n, NODES_TOLD), why),
		    now->seen->nodes[first].no_config_file ? "write it into what these servers are started with, or "
							     "start them with a configuration file"
							   : "make CONFIG REWRITE work there (the file, its folder and "
							     "their owner), then apply");
}

void policy_warn_of_unwritten(struct rop_situation *now)
{
	for (size_t s = 0; s < now->topology->settings.n; s++)
		warn_of(now, &now->topology->settings.at[s]);
}
