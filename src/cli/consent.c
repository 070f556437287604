/* consent.c - a person's consent to a loss: for one run, for one cluster, to what was shown and nothing else.
 *
 *   --allow-data-loss=CLUSTER@DIGEST   the digest that plan printed; another loss has another digest
 *   --allow-data-loss=CLUSTER          only on a terminal, after the loss was shown there
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

bool consent_take(struct session *s, struct rop_err *err)
{
	const char *word = s->cli->values.allow_data_loss, *name = s->topology->name;
	if (!word)
		return true;
	return rop_consent_parse(s->cli->arena, word, name, &s->consent, err);
}

/* What is to be given up, as it is shown: what stands in the way; or else what has happened, and holds nobody up. */
static const char *what_is_lost(struct rop_arena *arena, const struct rop_plan *plan)
{
	ROP_OWN_TEXT text = { 0 };
	if (plan->first->losses.list.n)
		return plan->result.text;
	for (size_t i = 0; i < plan->first->lost.list.n; i++)
		rop_text_add(&text, "%s%s", i ? "\n" : "", plan->first->lost.list.at[i].text);
	return rop_strndup(arena, text.at, text.n);
}

bool consent_ask(struct session *s, const struct rop_plan *plan)
{
	const struct rop_losses *losses = plan->first->losses.list.n ? &plan->first->losses : &plan->first->lost;
	if (!s->cli->values.allow_data_loss || s->consent || !losses->list.n || !isatty(STDIN_FILENO))
		return false;
	cli_findings(rop_reason_word(ROP_WHY_DATA_LOSS), what_is_lost(s->cli->arena, plan));
	fprintf(stderr, "\nGive this up? It cannot be undone. Only the cluster's name, '%s', is taken for a yes: ",
		s->topology->name);
	if (!cli_answered(s->topology->name))
		return false;
	s->consent = rop_strdup(s->cli->arena, losses->digest);
	return true;
}
