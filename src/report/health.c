/* health.c - is this cluster healthy? redis-cli's phrases, and what it does not look at. */
#include <jansson.h>
#include <string.h>
#include <strings.h>

#include "rop/text.h"
#include "shared.h"

struct health {
	const struct rop_report *r;
	struct rop_situation *now;
	bool lost;            /* data is known to be */
	struct rop_text *out; /* or else: */
	json_t *findings;
	size_t errors, warnings;
};

static void say(struct health *h, const char *level, const char *color, const char *text)
{
	bool error = strcmp(level, "ERR") == 0, warning = strcmp(level, "WARNING") == 0;
	h->errors += error;
	h->warnings += warning;
	if (h->findings)
		json_array_append_new(h->findings, rop_json("{s:s, s:s}", "level", level, "message", text));
	else
		rop_text_add(h->out, "%s[%s]%s %s\n", report_paint(h->r, color), level, report_paint(h->r, "off"),
			     text);
}

/* What redis-cli has with [OK], which says nothing of the data. Where some is known to be lost, nothing here is well.
 */
static void say_ok(struct health *h, const char *text)
{
	if (h->lost)
		say(h, "WARNING", "yellow", rop_printf(h->r->arena, "%s Data was lost all the same, see above.", text));
	else
		say(h, "OK", "green", text);
}

static bool any_lost(const struct rop_losses *losses)
{
	for (size_t i = 0; i < losses->list.n; i++)
		if (rop_streq(losses->list.at[i].what, "slots") || rop_streq(losses->list.at[i].what, ROP_RISK_EMPTIED))
			return true;
	return false;
}

/* It has happened: not what a step would cost that nobody has taken. */
static bool has_lost_data(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->findings.n && !now->losses.list.n; i++) /* there is no step: a node is missing */
		if (now->findings.at[i].is == ROP_WHY_DATA_LOSS)
			return true;
	return any_lost(&now->losses) || any_lost(&now->lost);
}

/* First of all: what clients get no answer for. Of the text the line about coverage counts it too. */
static void say_unserved(struct health *h)
{
	if (!h->findings)
		report_unserved(h->r, h->now, h->out);
	else if (h->now->unserved)
		say(h, "ERR", "red", h->now->unserved);
	if (h->findings && h->now->unserved_advice)
		json_object_set_new(json_array_get(h->findings, 0), "advice", json_string(h->now->unserved_advice));
}

static void section(struct health *h, const char *text)
{
	if (!h->findings)
		rop_text_add(h->out, "%s>>> %s%s\n", report_paint(h->r, "bold"), text, report_paint(h->r, "off"));
}

static void say_nodes(struct health *h)
{
	for (size_t i = 0; i < h->now->seen->asked && !h->findings; i++) { /* who is to leave is one still */
		const struct rop_node *node = &h->now->seen->nodes[i];
		if (!rop_node_answers(node))
			continue;
		if (node->role == ROP_ROLE_REPLICA)
			rop_text_add(h->out, "S: %s %s\n   slots: (0 slots) slave\n   replicates %s\n", node->id,
				     node->address, node->primary_id);
		else
			rop_text_add(h->out, "M: %s %s\n   slots:%s (%d slots) master, %lld keys\n", node->id,
				     node->address, rop_slots_text(h->r->arena, &node->slots),
				     rop_slots_count(&node->slots), (long long)node->keys);
	}
}

/* A finding says already why this node cannot be used. */
static bool is_told(const struct rop_situation *now, size_t node)
{
	for (size_t i = 0; i < now->findings.n; i++) {
		const struct rop_finding *f = &now->findings.at[i];
		if (f->node == (int)node &&
		    (f->is == ROP_WHY_DENIED || f->is == ROP_WHY_NOT_REDIS || f->is == ROP_WHY_NOT_CLUSTER ||
		     f->is == ROP_WHY_SENTINEL || f->is == ROP_WHY_SEVERAL_SERVERS || f->is == ROP_WHY_NO_COMMAND ||
		     f->is == ROP_WHY_UNREACHABLE))
			return true;
	}
	return false;
}

static void check_reach(struct health *h)
{
	for (size_t i = 0; i < h->now->seen->n; i++) {
		const struct rop_node *node = &h->now->seen->nodes[i];
		const struct rop_drained *drained = report_drained(h->now, i);
		if (!rop_node_answers(node) && drained)
			say(h, "WARNING", "yellow",
			    rop_printf(h->r->arena, "%s is silent, expected until %s (%s)", node->address,
				       rop_time_text(h->r->arena, drained->drain->until_wall_ms),
				       report_drained_by(h->r, drained->drain)));
		else if (!rop_node_answers(node) && !is_told(h->now, i))
			say(h, "ERR", "red",
			    rop_printf(h->r->arena, "%s does not answer: %s", node->address, node->reach_why));
	}
}

/* Where the slots of a node are open, or it is the other end of a move, its entry changes while others still have the
 * old one. Any other difference is none of a reshard. */
static bool is_in_a_move(const struct rop_observed *seen, size_t node)
{
	if (seen->nodes[node].role == ROP_ROLE_REPLICA && seen->nodes[node].primary >= 0)
		node = (size_t)seen->nodes[node].primary; /* it shows the epoch of that one */
	if (seen->nodes[node].open_slots)
		return true;
	for (size_t i = 0; i < seen->n && seen->nodes[node].id[0]; i++)
		if (rop_answers(seen, i) && seen->nodes[i].open_text &&
		    strstr(seen->nodes[i].open_text, seen->nodes[node].id))
			return true;
	return false;
}

static bool reshard_explains(const struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t j = 0; j < seen->n && now->members_agree; j++) {
		bool differs = false;
		for (size_t i = 0; i < seen->n; i++)
			differs |= rop_answers(seen, i) && rop_answers(seen, j) && !rop_bit(seen, seen->agrees, i, j);
		if (differs && !is_in_a_move(seen, j))
			return false;
	}
	return now->members_agree;
}

/* Everything the situation finds open says which node and what; redis-cli stops at "don't agree". */
static void check_views(struct health *h)
{
	struct rop_situation *now = h->now;
	struct rop_arena *arena = h->r->arena;
	for (size_t i = 0; i < now->findings.n; i++)
		say(h, "ERR", "red", now->findings.at[i].text);
	for (size_t i = 0; i < now->warnings.n; i++) /* the rest goes on */
		if (now->warnings.at[i].is == ROP_WHY_DATA_LOSS)
			say(h, "ERR", "red", now->warnings.at[i].text);
	if (now->views_equal) {
		say_ok(h, "All nodes agree about slots configuration.");
	} else if (reshard_explains(now)) {
		say(h, "WARNING", "yellow",
		    "Not every node has heard of the latest move of slots: a reshard is under way.");
	} else {
		say(h, "ERR", "red", "Nodes don't agree about configuration!");
		rop_situation_open(now);
		for (size_t i = 0; i < now->open.n; i++)
			if (rop_reason_kind(now->open.at[i].is) != ROP_REASON_SHOWS &&
			    now->open.at[i].is != ROP_WHY_SETTINGS)
				say(h, "ERR", "red", now->open.at[i].text);
	}
	for (size_t i = 0; i < now->seen->n; i++) /* every one, not only the first dozen that are told as open */
		if (rop_answers(now->seen, i) && !now->seen->nodes[i].state_ok)
			say(h, "ERR", "red",
			    rop_printf(arena, "%s reports cluster_state:fail", now->seen->nodes[i].address));
}

/* What cannot be asked may well be served. */
static const char *not_covered(const struct rop_situation *now, int slots)
{
	if (now->all_served == ROP_UNKNOWN)
		return slots == 1 ? "is not seen to be" : "are not seen to be";
	return slots == 1 ? "is not" : "are not";
}

#define OPEN_SHOWN 200

/* Whole slots, and that there are more. */
static const char *open_text(struct rop_arena *arena, const char *text)
{
	size_t n = text ? strlen(text) : 0;
	if (n <= OPEN_SHOWN)
		return text ? text : "";
	for (n = OPEN_SHOWN; n && text[n - 1] != ']';)
		n--;
	return rop_printf(arena, "%.*s ...", (int)n, text);
}

static void check_slots(struct health *h)
{
	const struct rop_situation *now = h->now;
	struct rop_arena *arena = h->r->arena;
	section(h, "Check for open slots...");
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].open_slots)
			say(h, "WARNING", "yellow",
			    rop_printf(arena, "Node %s has %d slot%s in migrating or importing state: %s",
				       now->seen->nodes[i].address, now->seen->nodes[i].open_slots,
				       rop_plural(now->seen->nodes[i].open_slots),
				       open_text(arena, now->seen->nodes[i].open_text)));
	section(h, "Check slots coverage...");
	int served = rop_slots_count(&now->served);
	if (served == ROP_SLOTS)
		say_ok(h, "All 16384 slots covered.");
	else
		say(h, "ERR", "red",
		    rop_printf(arena, "Not all 16384 slots are covered by nodes. (%d %s)", ROP_SLOTS - served,
			       not_covered(now, ROP_SLOTS - served)));
	for (size_t i = 0; i < now->seen->n; i++)
		for (size_t j = i + 1; j < now->seen->n; j++)
			if (rop_slots_meet(&now->seen->nodes[i].slots, &now->seen->nodes[j].slots))
				say(h, "ERR", "red",
				    rop_printf(arena, "%s and %s claim %d of the same slots",
					       now->seen->nodes[i].address, now->seen->nodes[j].address,
					       rop_slots_common(&now->seen->nodes[i].slots,
								&now->seen->nodes[j].slots)));
}

/* With its most likely cause, where there is one to name. */
static const char *link_text(struct rop_situation *now, size_t node)
{
	rop_situation_open(now);
	for (size_t i = 0; i < now->open.n; i++)
		if (now->open.at[i].is == ROP_WHY_LINK_DOWN && now->open.at[i].node == (int)node)
			return now->open.at[i].text;
	return rop_printf(now->arena, "%s: its link to its primary is %s", now->seen->nodes[node].address,
			  now->seen->nodes[node].syncing ? "synchronising" : "down");
}

#define ALONE_TOLD 6

/* Who follows it, and how: "10.0.0.4:6379 silent". NULL: one that answers does, or nobody. */
static const char *silent_replicas(const struct health *h, size_t primary, bool *ret_none)
{
	const struct rop_observed *seen = h->now->seen;
	ROP_OWN_TEXT text = { 0 };
	*ret_none = true;
	for (size_t i = 0; i < seen->asked; i++) { /* who is to leave is one as long as it follows */
		if (seen->nodes[i].role != ROP_ROLE_REPLICA || seen->nodes[i].primary != (int)primary)
			continue;
		*ret_none = false;
		if (rop_node_answers(&seen->nodes[i]))
			return NULL;
		rop_text_add(&text, "%s%s %s", text.n ? ", " : "", seen->nodes[i].address,
			     report_link(&seen->nodes[i]));
	}
	return *ret_none ? NULL : rop_strndup(h->r->arena, text.at, text.n);
}

/* Of a primary that does not answer it is said what is lost with it. */
static void check_alone(struct health *h)
{
	const struct rop_observed *seen = h->now->seen;
	const char **alone = rop_alloc_n(h->r->arena, seen->n + 1, sizeof *alone);
	size_t n = 0;
	for (size_t i = 0; i < seen->n; i++) {
		bool none;
		if (rop_slots_empty(&seen->nodes[i].slots) || seen->nodes[i].role != ROP_ROLE_PRIMARY ||
		    !rop_answers(seen, i))
			continue;
		const char *silent = silent_replicas(h, i, &none);
		if (none)
			alone[n++] = seen->nodes[i].address;
		else if (silent)
			say(h, "WARNING", "yellow",
			    rop_printf(h->r->arena,
				       "%s has no replica that answers (%s): its loss may stop the cluster",
				       seen->nodes[i].address, silent));
	}
	if (n)
		say(h, "WARNING", "yellow",
		    rop_printf(h->r->arena, "%s %s no replica: %s stops the cluster",
			       rop_text_some(h->r->arena, alone, n, ALONE_TOLD), n == 1 ? "has" : "have",
			       n == 1 ? "its loss" : "the loss of one"));
}

static void check_replicas(struct health *h)
{
	struct rop_situation *now = h->now;
	struct rop_arena *arena = h->r->arena;
	size_t down = 0, replicas = 0;
	section(h, "Check replicas...");
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_node_answers(node) || node->role != ROP_ROLE_REPLICA)
			continue;
		replicas++;
		if (node->primary >= 0 && now->seen->nodes[node->primary].role == ROP_ROLE_REPLICA)
			say(h, "ERR", "red",
			    rop_printf(arena, "%s replicates %s, which is a replica itself", node->address,
				       now->seen->nodes[node->primary].address));
		if (node->link_up && !node->syncing)
			continue;
		down++;
		say(h, "WARNING", "yellow", link_text(now, i));
	}
	check_alone(h);
	if (!down && replicas)
		say_ok(h, rop_printf(arena, "All %zu replicas are linked to their primaries.", replicas));
}

/* Nothing of it outlives its process, and who copies it may not be asked in between. */
static bool saves_nothing(const struct rop_observed *seen, size_t node)
{
	const char *save = rop_observed_value(seen, node, "save"), *log = rop_observed_value(seen, node, "appendonly");
	return save && !save[0] && log && strcasecmp(log, "no") == 0;
}

/* A cache says so (spec.onTotalLoss), and one without replicas has nothing to be copied over. */
static void check_saved(struct health *h)
{
	const struct rop_situation *now = h->now;
	size_t primaries = 0, unsaved = 0, first = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		if (!rop_answers(now->seen, i) || node->role != ROP_ROLE_PRIMARY || rop_slots_empty(&node->slots))
			continue;
		primaries++;
		if (saves_nothing(now->seen, i) && unsaved++ == 0)
			first = i;
	}
	if (!unsaved || now->topology->reform_on_total_loss || now->topology->replicas_per_shard == 0)
		return;
	ROP_OWN_ARENA arena = rop_arena_new();
	say(h, "WARNING", "yellow",
	    rop_printf(
		    arena,
		    "%zu of %zu primaries (%s%s) save nothing (save is empty, appendonly no): one that is started anew "
		    "before its replica takes over is empty, and its replica copies that. Save, or restart later than "
		    "cluster-node-timeout; a cache declares 'onTotalLoss: Reform'",
		    unsaved, primaries, now->seen->nodes[first].address, unsaved > 1 ? " ..." : ""));
}

/* Where the journal can be read, what is neither declared nor ours is named; and what is declared, and not so. */
static void check_settings(struct health *h)
{
	struct rop_situation *now = h->now;
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		if (w->is == ROP_WHY_UNLIKE_SERVERS || w->is == ROP_WHY_NO_CONFIG)
			say(h, "ERR", "red", w->text);
		else if (rop_reason_kind(w->is) == ROP_REASON_SETTING || w->is == ROP_WHY_FEW_PRIMARIES)
			say(h, "WARNING", "yellow", w->text);
		else if (w->is == ROP_WHY_MISPLACED)
			say(h, "WARNING", "yellow",
			    w->advice ? rop_printf(h->r->arena, "%s: %s", w->text, w->advice) : w->text);
	}
	rop_situation_open(now);
	for (size_t i = 0; i < now->open.n; i++)
		if (now->open.at[i].is == ROP_WHY_SETTINGS)
			say(h, "WARNING", "yellow", now->open.at[i].text);
}

static void check_all(struct health *h)
{
	size_t using = 0;
	while (using + 1 < h->now->seen->n && !rop_answers(h->now->seen, using))
		using ++;
	say_unserved(h);
	if (!h->now->answering) {
		section(h, "Performing Cluster Check (no node answers)");
		check_reach(h);
		for (size_t i = 0; i < h->now->findings.n; i++)
			say(h, "ERR", "red", h->now->findings.at[i].text);
		say(h, "ERR", "red", "Nothing is known of slots and replicas.");
		return;
	}
	section(h, rop_printf(h->r->arena, "Performing Cluster Check (using node %s)",
			      h->now->seen->nodes[using].address));
	say_nodes(h);
	check_reach(h);
	check_views(h);
	check_slots(h);
	check_replicas(h);
	check_settings(h);
	check_saved(h);
}

struct rop_image rop_report_health_image(const struct rop_image *journal)
{
	return (struct rop_image){ .formed_wall_ms = journal->formed_wall_ms,
				   .temporaries = journal->temporaries,
				   .unwritten = journal->unwritten,
				   .shards = journal->shards,
				   .drains = journal->drains };
}

size_t rop_report_health(const struct rop_report *r, struct rop_situation *now, struct rop_text *out)
{
	struct health h = { .r = r, .now = now, .lost = has_lost_data(now), .out = out };
	check_all(&h);
	return h.errors;
}

json_t *rop_report_health_json(const struct rop_report *r, struct rop_situation *now, const char *name,
			       size_t *ret_errors)
{
	struct health h = { .r = r, .now = now, .lost = has_lost_data(now), .findings = json_array() };
	check_all(&h);
	*ret_errors = h.errors;
	return rop_json("{s:s, s:s, s:i, s:i, s:o}", "format_version", "1.0", "cluster", name, "errors", (int)h.errors,
			"warnings", (int)h.warnings, "findings", h.findings);
}
