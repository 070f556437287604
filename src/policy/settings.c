/* settings.c - managed settings: what the topology declares, kept on every node, and written to its configuration. */
#include <string.h>
#include <strings.h>

#include "alike.h"
#include "policy.h"
#include "rop/text.h"

static void watch(const char **names, size_t *n, const char *name)
{
	for (size_t k = 0; k < *n; k++)
		if (strcasecmp(names[k], name) == 0)
			return;
	names[(*n)++] = name;
}

static const char *const OTHERS[] = {
	"cluster-announce-ip", /* whoever has them is where they say: announced.c */
	"cluster-announce-port",
	"cluster-announce-bus-port",
	"cluster-port",
	"cluster-preferred-endpoint-type",
	"protected-mode", /* why a replica's link does not come up: links.c */
	"tls-replication",
	"tls-port",
	ROP_REPLICA_MIGRATION,
	ROP_SLOT_JOBS_SETTING,
	ROP_MANUAL_TIMEOUT, /* how long a hand-over may take */
	"repl-timeout",     /* how long a synchronisation may stand still: copies_is_filling */
	"save",             /* what is left of a primary that is started anew: `check` */
	"appendonly",
};
#define OTHERS_N (sizeof OTHERS / sizeof *OTHERS)

const char **rop_settings_watched(struct rop_arena *arena, const struct rop_topology *topology, size_t *ret_n)
{
	size_t most = topology->settings.n + POLICY_TEMPORARIES_N + ALIKE_SETTINGS_N + OTHERS_N + 2, n = 0;
	const char **names = rop_alloc_n(arena, most, sizeof *names);
	bool memory = false;
	for (size_t i = 0; i < POLICY_TEMPORARIES_N; i++)
		watch(names, &n, policy_temporary_names[i]);
	for (size_t i = 0; i < topology->settings.n; i++) {
		const char *name = topology->settings.at[i].name;
		watch(names, &n, name);
		memory |= strcasecmp(name, "maxmemory") == 0 || strcasecmp(name, "maxmemory-policy") == 0;
	}
	if (memory) { /* what one of them does depends on the other */
		watch(names, &n, "maxmemory");
		watch(names, &n, "maxmemory-policy");
	}
	for (size_t i = 0; i < ALIKE_SETTINGS_N; i++)
		watch(names, &n, alike_settings[i]);
	for (size_t i = 0; i < OTHERS_N; i++)
		watch(names, &n, OTHERS[i]);
	*ret_n = n;
	return names;
}

/* The server took the value and writes it in its own way: that was seen when it was set. */
static bool is_kept_as(const struct rop_situation *now, size_t node, const struct rop_setting *setting,
		       const char *value)
{
	for (size_t t = 0; t < now->image->tried.n; t++) {
		const struct rop_expect *e = &now->image->tried.at[t];
		if (e->status == ROP_EXPECT_MET && e->note && strncmp(e->note, ROP_KEPT_AS, strlen(ROP_KEPT_AS)) == 0 &&
		    strcmp(e->node, now->seen->nodes[node].id) == 0 && strcasecmp(e->name, setting->name) == 0 &&
		    strcmp(e->value, setting->value) == 0)
			return strcmp(e->note + strlen(ROP_KEPT_AS), value) == 0;
	}
	return false;
}

static bool as_declared(const struct rop_situation *now, size_t node, const struct rop_setting *setting)
{
	const char *value = rop_observed_value(now->seen, node, setting->name);
	return value && (policy_same_value(value, setting->value) || is_kept_as(now, node, setting, value));
}

bool rop_setting_is_declared(const struct rop_topology *topology, const char *name, const char *value)
{
	for (size_t s = 0; s < topology->settings.n; s++)
		if (strcasecmp(topology->settings.at[s].name, name) == 0 &&
		    strcmp(topology->settings.at[s].value, value) == 0)
			return true;
	return !topology->keep_replica_migration && strcmp(name, ROP_REPLICA_MIGRATION) == 0 &&
	       strcmp(value, "no") == 0;
}

/* A CONFIG REWRITE that did not work, or was never sent: nothing that is seen would tell. A run knows it from its
 * tries, which begin with what the journal says; who only looks, from the journal. */
static bool rewrite_is_owed(const struct rop_situation *now, size_t node)
{
	const struct rop_node *n = &now->seen->nodes[node];
	if (n->no_config_file)
		return false;
	if (now->tries)
		return rop_tries_is_owed(now->tries, rop_printf(now->arena, "config:%s", n->id));
	for (size_t i = 0; i < now->image->unwritten.n; i++) {
		const struct rop_expect *e = &now->image->unwritten.at[i];
		if (strcmp(e->node, n->id) == 0 && !rop_has_no_file_note(e->note) &&
		    rop_setting_is_declared(now->topology, e->name, e->value))
			return true;
	}
	return false;
}

bool policy_node_as_declared(const struct rop_situation *now, size_t node)
{
	if (!rop_answers(now->seen, node))
		return true;
	for (size_t s = 0; s < now->topology->settings.n; s++)
		if (!as_declared(now, node, &now->topology->settings.at[s]))
			return false;
	return !now->topology->settings.n || !rewrite_is_owed(now, node) || !policy_may_rewrite(now, NULL, node);
}

bool policy_settings_as_declared(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (!policy_node_as_declared(now, i))
			return false;
	return true;
}

#define OFF_TOLD 3

/* Which setting, where, what it is and what it should be: of those of `node` the first `most`. */
static size_t add_off(const struct rop_situation *now, size_t node, size_t most, struct rop_text *text)
{
	size_t n = 0;
	for (size_t s = 0; rop_answers(now->seen, node) && s < now->topology->settings.n; s++) {
		const struct rop_setting *setting = &now->topology->settings.at[s];
		const char *value = rop_observed_value(now->seen, node, setting->name);
		if (as_declared(now, node, setting) || n++ >= most)
			continue;
		rop_text_add(text, "%s%s of %s is %s, not %s as declared", text->n ? "; " : "", setting->name,
			     now->seen->nodes[node].address, rop_value_beside(now->arena, value, setting->value),
			     rop_value_shown(setting->value));
	}
	return n;
}

const char *policy_settings_off(const struct rop_situation *now)
{
	ROP_OWN_TEXT text = { 0 };
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		n += add_off(now, i, n < OFF_TOLD ? OFF_TOLD - n : 0, &text);
	if (!n)
		return "some settings are not as declared";
	if (n > OFF_TOLD)
		rop_text_add(&text, "; and %zu more", n - OFF_TOLD);
	return rop_strndup(now->arena, text.at, text.n);
}

const char *rop_node_settings_off(const struct rop_situation *now, size_t node)
{
	ROP_OWN_TEXT text = { 0 };
	return add_off(now, node, SIZE_MAX, &text) ? rop_strndup(now->arena, text.at, text.n) : NULL;
}

bool policy_rest_unsettable(const struct rop_situation *now)
{
	bool any = false;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!rop_node_answers(&now->seen->nodes[i]) || policy_node_as_declared(now, i))
			continue;
		if (!now->seen->nodes[i].no_config)
			return false;
		any = true;
	}
	return any;
}

/* That a node has the value says little: it may have it from its configuration file, and the name be one that cannot be
 * changed while a server runs. */
static bool is_proven(const struct rop_situation *now, const struct rop_setting *setting)
{
	return now->tries && rop_tries_was_taken(now->tries, setting->name, setting->value);
}

/* The node that it is tried on: the first that answers, can be told, and has another value. */
static size_t pilot_of(const struct rop_situation *now, const struct rop_setting *setting)
{
	size_t i = 0;
	while (i < now->seen->n &&
	       (!rop_answers(now->seen, i) || now->seen->nodes[i].no_config || as_declared(now, i, setting)))
		i++;
	return i;
}

static bool set(const struct rop_situation *now, struct rop_batch *batch, size_t node,
		const struct rop_setting *setting)
{
	struct rop_step step = policy_step(now, ROP_STEP_SETTING, (int)node, -1);
	step.expect.name = setting->name;
	step.expect.value = setting->value;
	step.expect.was = rop_observed_value(now->seen, node, setting->name);
	return policy_add(now, batch, &step);
}

/* A value that no node was seen to take goes to one node alone, and is written down there once it is seen; a refusal
 * there ends it. */
void policy_apply_settings(const void *subject, const int64_t *args, void *output)
{
	(void)args;
	const struct rop_situation *now = subject;
	struct rop_batch *batch = output;
	size_t n = now->topology->settings.n;
	bool *proven = rop_alloc_n(now->arena, n + 1, sizeof *proven);
	size_t *pilot = rop_alloc_n(now->arena, n + 1, sizeof *pilot);
	for (size_t s = 0; s < n; s++) {
		proven[s] = batch->weighing || is_proven(now, &now->topology->settings.at[s]);
		pilot[s] = pilot_of(now, &now->topology->settings.at[s]);
	}
	for (size_t i = 0; i < now->seen->n; i++) {
		bool changed = rewrite_is_owed(now, i);
		if (now->seen->nodes[i].no_config)
			continue;
		for (size_t s = 0; s < n; s++) {
			const struct rop_setting *setting = &now->topology->settings.at[s];
			if (as_declared(now, i, setting) || (!proven[s] && i != pilot[s]))
				continue;
			changed |= set(now, batch, i, setting) && proven[s];
		}
		if (changed && !now->seen->nodes[i].no_config_file && policy_may_rewrite(now, batch, i)) {
			struct rop_step step = policy_step(now, ROP_STEP_PERSIST, (int)i, -1);
			policy_add(now, batch, &step);
		}
	}
}
