/* plan_risk.c - what a plan may cost in data, worked out from its steps: as text and as JSON. */
#include <string.h>

#include "cli.h"
#include "rop/text.h"

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

void plan_print_risk(struct cli *cli, const struct rop_plan *plan)
{
	enum rop_risk_kind kind = worst(plan);
	size_t told = 0, more = 0;
	if (kind == ROP_RISK_NONE) {
		printf("Data-loss risk: none.\n");
		return;
	}
	printf("%sData-loss risk: %s%s\n", cli_paint(cli, kind == ROP_RISK_LOSS ? "red" : "yellow"),
	       kind == ROP_RISK_LOSS ? "DATA IS LOST." : "less durable.", cli_paint(cli, "off"));
	for (size_t i = 0; i < plan->steps.n; i++) {
		if (plan->steps.at[i].risk.kind == ROP_RISK_NONE || is_told(plan, i))
			continue;
		if (told++ < RISKS_TOLD)
			printf("  ! %s\n", plan->steps.at[i].risk.text);
		else
			more++;
	}
	if (more)
		printf("  ! and %zu more\n", more);
}

const char *plan_risk_word(const struct rop_plan *plan)
{
	return rop_risk_kind_name(plan->first->losses.list.n ? ROP_RISK_LOSS
							     : worst(plan)); /* what stands against it counts too */
}

json_t *plan_risk_json(const struct rop_risk *risk)
{
	if (risk->kind == ROP_RISK_NONE)
		return json_null();
	json_t *shards = json_array();
	if (risk->shard)
		json_array_append_new(shards, json_integer(risk->shard));
	return cli_json("{s:s, s:s, s:o, s:o, s:o, s:o, s:s}", "kind", rop_risk_kind_name(risk->kind), "what",
			risk->what, "shards", shards, "slots", cli_json_text(risk->slots), "keys",
			risk->keys >= 0 ? json_integer(risk->keys) : json_null(), "nodes", cli_json_text(risk->nodes),
			"text", risk->text);
}

json_t *plan_losses_json(const struct rop_losses *losses)
{
	json_t *list = json_array();
	for (size_t i = 0; i < losses->list.n; i++)
		json_array_append_new(list, plan_risk_json(&losses->list.at[i]));
	return list;
}
