/* drains.c - hosts that are to be stopped: who asked and until when, what would be left, and whether they may be
 * stopped. */
#include <jansson.h>

#include "rop/text.h"
#include "shared.h"

const char *report_drain_target(const struct rop_report *r, const struct rop_drain *drain)
{
	return drain->zone ? rop_printf(r->arena, "zone %s", drain->target) : drain->target;
}

const char *report_drained_by(const struct rop_report *r, const struct rop_drain *drain)
{
	return rop_printf(r->arena, "drained by %s%s%s", drain->by.user, drain->by.reason ? ": " : "",
			  drain->by.reason ? drain->by.reason : "");
}

const struct rop_drained *report_drained(const struct rop_situation *now, size_t node)
{
	for (size_t d = 0; d < now->drains.n; d++)
		for (size_t i = 0; i < now->drains.at[d].nodes.n; i++)
			if (now->drains.at[d].nodes.at[i] == (int)node)
				return &now->drains.at[d];
	return NULL;
}

/* ---- status ---------------------------------------------------------------------------------------------------- */

static void put_silent(const struct rop_report *r, const struct rop_drained *d, struct rop_text *out)
{
	for (size_t i = 0; i < d->nodes.n; i++) {
		if (rop_answers(d->now->seen, (size_t)d->nodes.at[i]))
			continue;
		report_wrap(r,
			    rop_printf(r->arena, "%s  silent, expected until %s (%s)",
				       d->now->seen->nodes[d->nodes.at[i]].address,
				       rop_time_text(r->arena, d->drain->until_wall_ms),
				       report_drained_by(r, d->drain)),
			    0, out);
		rop_text_add(out, "\n");
	}
}

void report_fewer(const struct rop_report *r, const struct rop_drained *d, struct rop_text *out)
{
	for (size_t i = 0; i < d->fewer.n; i++) {
		const struct rop_fewer *fewer = &d->fewer.at[i];
		report_wrap(r,
			    rop_printf(r->arena,
				       "shard %d has %zu replica%s in sync without it, of %zu that it is to keep%s",
				       fewer->shard, fewer->left, rop_plural((int64_t)fewer->left), fewer->keeps,
				       fewer->consented ? "; somebody consented to that" : ""),
			    0, out);
		rop_text_add(out, "\n");
	}
}

void report_drains(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	for (size_t i = 0; i < now->drains.n; i++) {
		const struct rop_drained *d = &now->drains.at[i];
		rop_text_add(out, "%s", i ? "" : "\nDrained\n");
		report_wrap(r,
			    rop_printf(r->arena, "%s until %s, by %s@%s%s%s: %s", report_drain_target(r, d->drain),
				       rop_time_text(r->arena, d->drain->until_wall_ms), d->drain->by.user,
				       d->drain->by.host, d->drain->by.reason ? ": " : "",
				       d->drain->by.reason ? d->drain->by.reason : "",
				       d->holds ? rop_printf(r->arena, "may not be stopped yet: %s", d->holds)
						: "may be stopped"),
			    0, out);
		rop_text_add(out, "\n");
		put_silent(r, d, out);
		report_fewer(r, d, out);
	}
}

/* ---- for programs ---------------------------------------------------------------------------------------------- */

static json_t *nodes_json(const struct rop_drained *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->nodes.n; i++) {
		const struct rop_node *node = &d->now->seen->nodes[d->nodes.at[i]];
		json_array_append_new(list, rop_json("{s:s, s:s, s:b}", "address", node->address, "role",
						     report_role(node), "answers", rop_node_answers(node)));
	}
	return list;
}

static json_t *fewer_json(const struct rop_drained *d)
{
	json_t *list = json_array();
	for (size_t i = 0; i < d->fewer.n; i++) {
		const struct rop_fewer *fewer = &d->fewer.at[i];
		json_array_append_new(list, rop_json("{s:i, s:I, s:I, s:b}", "shard", fewer->shard, "left",
						     (json_int_t)fewer->left, "keeps", (json_int_t)fewer->keeps,
						     "consented", fewer->consented));
	}
	return list;
}

json_t *rop_report_drained_json(const struct rop_report *r, const struct rop_drained *d)
{
	const struct rop_drain *drain = d->drain;
	return rop_json("{s:s, s:b, s:o, s:o, s:s, s:I, s:s, s:s, s:o, s:b, s:o, s:I, s:o, s:o, s:o, s:s}", "target",
			drain->target, "zone", drain->zone, "asked", rop_json_time(drain->asked_wall_ms), "until",
			rop_json_time(drain->until_wall_ms), "user", drain->by.user ? drain->by.user : "", "uid",
			(json_int_t)drain->by.uid, "host", drain->by.host ? drain->by.host : "", "command",
			drain->by.command ? drain->by.command : "", "reason", rop_json_text(drain->by.reason),
			"may_stop", !d->holds, "holds", rop_json_text(d->holds), "leads", (json_int_t)d->leads, "nodes",
			nodes_json(d), "fewer", fewer_json(d), "digest",
			d->fewer.n ? json_string(d->digest) : json_null(), "message",
			rop_drained_sentence(r->arena, d));
}

json_t *rop_report_drains_json(const struct rop_report *r, const struct rop_situation *now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < now->drains.n; i++)
		json_array_append_new(list, rop_report_drained_json(r, &now->drains.at[i]));
	return list;
}
