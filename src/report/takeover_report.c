/* takeover_report.c - a replica that is to lead its shard without a vote: who may, and what it costs. */
#include <jansson.h>

#include "rop/takeover.h"
#include "rop/text.h"
#include "shared.h"

void rop_report_takeover(const struct rop_report *r, const struct rop_takeover *t, struct rop_text *out)
{
	const struct rop_node *nodes = t->now->seen->nodes;
	rop_text_add(out, "%scluster %s, shard %d%s\n", report_paint(r, "bold"), r->topology->name, t->asked->shard,
		     report_paint(r, "off"));
	if (t->lost >= 0) {
		const struct rop_node *lost = &nodes[t->lost];
		bool silent = !rop_node_answers(lost);
		rop_text_add(out, "  %-21s  ", lost->address);
		report_below(r,
			     rop_printf(r->arena, "%s it%s%s%s", silent ? "led" : "leads",
					silent ? ", does not answer (" : "",
					silent && lost->reach_why ? lost->reach_why : "", silent ? ")" : ""),
			     25, out);
		rop_text_add(out, "\n");
	}
	for (size_t i = 0; i < t->candidates.n; i++) {
		const struct rop_candidate *c = &t->candidates.at[i];
		rop_text_add(out, "  %-21s  ", nodes[c->node].address);
		report_below(r, rop_takeover_candidate_sentence(r->arena, t, c), 25, out);
		rop_text_add(out, "\n");
	}
	for (size_t i = 0; i < t->losses.list.n; i++) {
		rop_text_add(out, "\n");
		report_wrap(r, t->losses.list.at[i].text, 0, out);
		rop_text_add(out, "\n");
	}
	if (t->losses.list.n)
		rop_text_add(out, "\nIts digest: %s@%s\n", r->topology->name, t->losses.digest);
}

static json_t *candidate_json(const struct rop_report *r, const struct rop_takeover *t, const struct rop_candidate *c)
{
	const struct rop_node *node = &t->now->seen->nodes[c->node];
	return rop_json("{s:o, s:s, s:o, s:o, s:b, s:b, s:o, s:s}", "id", rop_json_text(node->id[0] ? node->id : NULL),
			"address", node->address, "keys",
			node->keys < 0 ? json_null() : json_integer((json_int_t)node->keys), "lag",
			c->lag < 0 ? json_null() : json_integer((json_int_t)c->lag), "ready", c->ready, "chosen",
			c->node == t->heir, "why", rop_json_text(c->why), "message",
			rop_takeover_candidate_sentence(r->arena, t, c));
}

json_t *rop_report_takeover_json(const struct rop_report *r, const struct rop_takeover *t, const char *result,
				 const char *message)
{
	const struct rop_node *nodes = t->now->seen->nodes;
	const struct rop_wish *asked = t->asked;
	json_t *candidates = json_array();
	for (size_t i = 0; i < t->candidates.n; i++)
		json_array_append_new(candidates, candidate_json(r, t, &t->candidates.at[i]));
	bool priced = t->losses.list.n > 0;
	return rop_json("{s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "cluster", r->topology->name, "shard",
			asked->shard, "from", report_node_json(asked->primary, asked->primary_address), "to",
			t->heir >= 0 ? report_node_json(nodes[t->heir].id, nodes[t->heir].address) : json_null(),
			"result", result, "message", rop_json_text(message), "candidates", candidates, "risk",
			priced ? report_risk_json(&t->losses.list.at[0]) : json_null(), "consent",
			rop_json_text(priced ? rop_printf(r->arena, "%s@%s", r->topology->name, t->losses.digest)
					     : NULL));
}
