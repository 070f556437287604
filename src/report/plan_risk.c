/* plan_risk.c - what a plan may cost in data, worked out from its steps: as text and as JSON. */
#include <jansson.h>
#include <string.h>

#include "rop/text.h"
#include "shared.h"

#define RISKS_TOLD 8

static enum rop_risk_kind worst(const struct rop_plan *plan)
{
	enum rop_risk_kind kind = ROP_RISK_NONE;
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.at[i].risk.kind > kind)
			kind = plan->steps.at[i].risk.kind;
	return kind;
}

static bool is_told(const struct rop_plan *plan, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (rop_streq(plan->steps.at[i].risk.text, plan->steps.at[at].risk.text))
			return true;
	return false;
}

/* Of the worst kind, where there are several of it: what all of it comes to. */
static void put_sum(const struct rop_plan *plan, enum rop_risk_kind kind, size_t told, struct rop_text *out)
{
	struct rop_slots slots = { 0 }, one;
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_risk *risk = &plan->steps.at[i].risk;
		if (risk->kind != kind || is_told(plan, i))
			continue;
		if (risk->slots && rop_slots_parse(risk->slots, &one))
			rop_slots_join(&slots, &one);
	}
	if (told > 1 && !rop_slots_empty(&slots))
		rop_text_add(out, "  = in all %d of 16384 slots\n", rop_slots_count(&slots));
}

static void put_line(const struct rop_report *r, const char *text, struct rop_text *out)
{
	rop_text_add(out, "  ! ");
	report_wrap(r, text, 4, out);
	rop_text_add(out, "\n");
}

void report_risk(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out)
{
	enum rop_risk_kind kind = worst(plan);
	size_t told = 0, more = 0;
	if (kind == ROP_RISK_NONE) {
		rop_text_add(out, "Data-loss risk: none.\n");
		return;
	}
	rop_text_add(out, "%sData-loss risk: %s%s\n", report_paint(r, kind == ROP_RISK_LOSS ? "red" : "yellow"),
		     kind == ROP_RISK_LOSS ? "DATA IS LOST." : "less durable.", report_paint(r, "off"));
	for (size_t i = 0; i < plan->steps.n; i++) {
		if (plan->steps.at[i].risk.kind == ROP_RISK_NONE || is_told(plan, i))
			continue;
		if (told++ < RISKS_TOLD || r->verbose)
			put_line(r, plan->steps.at[i].risk.text, out);
		else
			more++;
	}
	if (more)
		put_line(r,
			 rop_printf(r->arena, "and %zu more; all of them: `redis-operator plan --verbose %s`", more,
				    r->topology->path ? r->topology->path : "FILE"),
			 out);
	put_sum(plan, kind, told, out); /* (told: how many there are) */
}

const char *report_risk_word(const struct rop_plan *plan)
{
	return rop_risk_kind_name(plan->first->losses.list.n ? ROP_RISK_LOSS
							     : worst(plan)); /* what stands against it counts too */
}

json_t *report_risk_json(const struct rop_risk *risk)
{
	if (risk->kind == ROP_RISK_NONE)
		return json_null();
	json_t *shards = json_array();
	if (risk->shard)
		json_array_append_new(shards, json_integer(risk->shard));
	return rop_json("{s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "kind", rop_risk_kind_name(risk->kind), "what",
			risk->what, "shards", shards, "slots", rop_json_text(risk->slots), "keys",
			risk->keys >= 0 ? json_integer(risk->keys) : json_null(), "nodes", rop_json_text(risk->nodes),
			"text", risk->text);
}

json_t *report_losses_json(const struct rop_losses *losses)
{
	json_t *list = json_array();
	for (size_t i = 0; i < losses->list.n; i++)
		json_array_append_new(list, report_risk_json(&losses->list.at[i]));
	return list;
}
