/* unsettable.c - declared settings that the servers do not have, or will not take: found out, tried once, remembered.
 */
#include <string.h>
#include <strings.h>

#include "policy.h"
#include "rop/text.h"

/* ---- names that no node has -------------------------------------------------------------------------------- */

static bool nobody_has(const struct rop_situation *now, const char *name)
{
	int at = rop_observed_setting(now->seen, name);
	size_t without = 0;
	for (size_t i = 0; at >= 0 && i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_node_answers(node))
			continue;
		if (!node->no_setting || !node->no_setting[at])
			return false;
		without++;
	}
	return without > 0;
}

void policy_find_unknown_settings(struct rop_situation *now)
{
	for (size_t s = 0; s < now->topology->settings.n; s++) {
		const char *name = now->topology->settings.at[s].name;
		if (nobody_has(now, name))
			policy_find(now, -1, ROP_WHY_UNKNOWN_SETTING,
				    rop_printf(now->arena, "no node has a setting called '%s' (CONFIG GET knows none)",
					       name),
				    rop_printf(now->arena,
					       "correct spec.settings in %s; `CONFIG GET *` lists what the servers "
					       "have",
					       now->topology->path ? now->topology->path : "the file"));
	}
}

/* ---- nodes that cannot be told ------------------------------------------------------------------------------- */

#define NAMES_TOLD 4

static const char *declared_names(const struct rop_situation *now)
{
	const struct rop_topology *t = now->topology;
	const char **names = rop_alloc_n(now->arena, t->settings.n + 1, sizeof *names);
	for (size_t s = 0; s < t->settings.n; s++)
		names[s] = t->settings.at[s].name;
	return rop_text_some(now->arena, names, t->settings.n, NAMES_TOLD);
}

/* Nothing is formed that cannot become as declared; where it is a cluster already, the others are kept as declared. */
void policy_find_no_config(struct rop_situation *now)
{
	for (size_t i = 0; now->topology->settings.n && i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!node->no_config)
			continue;
		const char *text = rop_printf(now->arena,
					      "%s: CONFIG is renamed or disabled there (rename-command): what the file "
					      "declares (%s) can be neither seen nor set",
					      node->address, declared_names(now));
		const char *advice = "take 'rename-command CONFIG' out of its configuration and restart it, or leave "
				     "spec.settings out of the file and set them in each server's configuration";
		if (now->formed)
			policy_warn(now, (int)i, ROP_WHY_NO_CONFIG, text, advice);
		else
			policy_find(now, (int)i, ROP_WHY_NO_CONFIG, text, advice);
	}
}

/* ---- values that a node refused ---------------------------------------------------------------------------- */

static const char *setting_subject(const struct rop_situation *now, size_t node, const char *name)
{
	return rop_printf(now->arena, "setting:%s/%s", now->seen->nodes[node].id, name);
}

const char *policy_refusal(const struct rop_situation *now, size_t node, const struct rop_setting *setting)
{
	const char *subject;
	if (!now->tries || !rop_answers(now->seen, node))
		return NULL;
	subject = setting_subject(now, node, setting->name);
	return rop_tries_is_final(now->tries, subject) ? rop_tries_note(now->tries, subject) : NULL;
}

const struct rop_setting *policy_refused_setting(const struct rop_situation *now, size_t *ret_node)
{
	for (size_t s = 0; s < now->topology->settings.n; s++)
		for (size_t i = 0; i < now->seen->n; i++)
			if (policy_refusal(now, i, &now->topology->settings.at[s])) {
				*ret_node = i;
				return &now->topology->settings.at[s];
			}
	return NULL;
}

/* Of an earlier run, for as long as the file declares that value: whoever plans or asks for the status is told, and an
 * apply tries it once more. */
void policy_warn_of_refusals(struct rop_situation *now)
{
	for (size_t r = 0; r < now->image->tried.n; r++) {
		const struct rop_expect *e = &now->image->tried.at[r];
		for (size_t s = 0; e->status == ROP_EXPECT_REFUSED && s < now->topology->settings.n; s++) {
			const struct rop_setting *setting = &now->topology->settings.at[s];
			int node = rop_observed_find(now->seen, e->node);
			const char *value = node < 0 ? NULL
						     : rop_observed_value(now->seen, (size_t)node, setting->name);
			if (!e->name || strcasecmp(e->name, setting->name) != 0 ||
			    !rop_streq(e->value, setting->value) || (value && policy_same_value(value, setting->value)))
				continue;
			policy_warn(now, node, ROP_WHY_SETTING_REFUSED,
				    rop_printf(now->arena, "%s refused %s = %s when it was tried: %s", e->address,
					       e->name, e->value, e->note ? e->note : "no reason was given"),
				    "correct spec.settings in the file");
		}
	}
}
