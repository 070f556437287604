/* failover_report.c - a shard that is to be led by another node: who may, what would be done, who asked, and what
 * became of it.
 */
#include <jansson.h>

#include "rop/text.h"
#include "shared.h"

/* ---- the plan ------------------------------------------------------------------------------------------------- */

static const char *zone_of(const struct rop_report *r, const struct rop_handover *h, int node)
{
	const char *zone = h->now->topology->nodes.at[node].zone;
	return zone ? rop_printf(r->arena, ", zone %s", zone) : "";
}

void rop_report_handover(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	const struct rop_handover *h = plan->first->handover;
	const struct rop_node *nodes = plan->first->seen->nodes;
	rop_text_add(out, "%scluster %s, shard %d%s\n", report_paint(r, "bold"), r->topology->name, h->wish->shard,
		     report_paint(r, "off"));
	if (h->from >= 0)
		rop_text_add(out, "  %-21s  leads it%s, %d slots\n", nodes[h->from].address, zone_of(r, h, h->from),
			     rop_slots_count(&nodes[h->from].slots));
	for (size_t i = 0; i < h->candidates.n; i++) {
		const struct rop_candidate *c = &h->candidates.at[i];
		rop_text_add(out, "  %-21s  ", nodes[c->node].address);
		report_below(r, rop_candidate_sentence(r->arena, h, c), 25, out);
		rop_text_add(out, "\n");
	}
	if (h->barred || h->hopeless)
		return;
	report_plan_steps(r, plan, out);
	if (h->rests)
		rop_text_add(out, "\n%s\n", rop_handover_sentence(r->arena, h));
	rop_text_add(out, "\n");
	report_wrap(
		r,
		rop_printf(
			r->arena,
			"Clients' writes to this shard wait until the replica has caught up, for %lld s at most; none "
			"is lost. Nothing else is changed.",
			(long long)(rop_handover_pause_ms(h) + 999) / 1000),
		0, out);
	rop_text_add(out, "\n");
}

/* ---- for programs --------------------------------------------------------------------------------------------- */

static json_t *candidate_json(const struct rop_report *r, const struct rop_handover *h, const struct rop_candidate *c)
{
	const struct rop_node *node = &h->now->seen->nodes[c->node];
	return rop_json("{s:o, s:s, s:o, s:o, s:b, s:b, s:o, s:s}", "id", rop_json_text(node->id[0] ? node->id : NULL),
			"address", node->address, "zone", rop_json_text(h->now->topology->nodes.at[c->node].zone),
			"lag", c->lag < 0 ? json_null() : json_integer((json_int_t)c->lag), "ready", c->ready, "chosen",
			c->node == h->to, "why", rop_json_text(c->why), "message",
			rop_candidate_sentence(r->arena, h, c));
}

json_t *rop_report_handover_json(const struct rop_report *r, const struct rop_plan *plan, const struct rop_wish *wish)
{
	const struct rop_handover *h = plan->first->handover;
	const struct rop_node *nodes = plan->first->seen->nodes;
	json_t *candidates = json_array(), *changes = json_array();
	for (size_t i = 0; i < h->candidates.n; i++)
		json_array_append_new(candidates, candidate_json(r, h, &h->candidates.at[i]));
	for (size_t i = 0; i < plan->steps.n; i++)
		json_array_append_new(changes, rop_report_step_json(&plan->steps.at[i]));
	return rop_json("{s:s, s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o}", "cluster", r->topology->name, "shard",
			wish->shard, "from", report_node_json(wish->primary, wish->primary_address), "to",
			h->to >= 0 ? report_node_json(nodes[h->to].id, nodes[h->to].address) : json_null(), "result",
			wish->status == ROP_WISH_OPEN ? "planned" : rop_wish_status_name(wish->status), "message",
			rop_json_text(wish->note), "elapsed_ms",
			wish->closed_wall_ms ? json_integer((json_int_t)(wish->closed_wall_ms - wish->asked_wall_ms))
					     : json_null(),
			"candidates", candidates, "changes", changes);
}
