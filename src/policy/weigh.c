/* weigh.c - what stands against the steps that are wanted, found before any is planned: so that a loss, or what is not
 * known, is told at once and stays told, whatever state the machine is in.
 */
#include <string.h>

#include "copies.h"
#include "guard.h"
#include "risks.h"
#include "rop/text.h"

/* ---- findings ---------------------------------------------------------------------------------------------- */

/* Sentences that differ in the node only, and there may be hundreds: some are told, the others counted. */
#define LOSSES_TOLD 6

static const char *consent_advice(const struct rop_situation *now, bool silent)
{
	return rop_printf(now->arena, "%s; or give it up, once: %s",
			  silent ? "bring back the node that may hold it"
				 : "restore it first, if there is a copy anywhere",
			  policy_consenting_command(now, &now->losses));
}

/* It has happened. */
static const char *advice_on_emptied(const struct rop_situation *now)
{
	return rop_printf(now->arena,
			  "restore them first, if there is a copy anywhere; or give them up, once: %s. Who wants this "
			  "always (a cache): 'onTotalLoss: Reform' under spec",
			  policy_consenting_command(now, &now->losses));
}

static const char *advice_against_eviction(const struct rop_situation *now)
{
	return rop_printf(now->arena,
			  "declare a larger maxmemory, or maxmemory-policy noeviction; or let it delete keys, once: %s",
			  policy_consenting_command(now, &now->losses));
}

static int slots_at_stake(const struct rop_situation *now)
{
	struct rop_slots all = { 0 }, one;
	for (size_t i = 0; i < now->losses.list.n; i++)
		if (now->losses.list.at[i].slots && rop_slots_parse(now->losses.list.at[i].slots, &one))
			rop_slots_join(&all, &one);
	return rop_slots_count(&all);
}

static void find_losses(struct rop_situation *now)
{
	size_t n = now->losses.list.n;
	if (n && now->kase == ROP_CASE_TOTAL_LOSS) {
		policy_find(now, -1, ROP_WHY_TOTAL_LOSS,
			    rop_printf(now->arena,
				       "all %zu nodes are empty, but cluster '%s' was formed before: its data and its "
				       "nodes.conf files are gone",
				       now->seen->n, now->topology->name),
			    rop_printf(now->arena,
				       "%s; or form it anew, empty, always: 'onTotalLoss: Reform' under spec",
				       consent_advice(now, false)));
		return;
	}
	for (size_t i = 0; i < n && i < LOSSES_TOLD; i++) {
		const struct rop_risk *risk = &now->losses.list.at[i];
		const char *text = risk->text;
		if (i + 1 == LOSSES_TOLD && n > LOSSES_TOLD)
			text = rop_printf(now->arena,
					  "%s; and %zu more losses, of %d slots in all (`redis-operator plan -o json "
					  "%s` lists them)",
					  text, n - LOSSES_TOLD, slots_at_stake(now),
					  now->topology->path ? now->topology->path : "FILE");
		bool evicts = strcmp(risk->what, "evict") == 0;
		bool silent = strstr(risk->text, "may come back") != NULL;
		const char *advice = evicts ? advice_against_eviction(now) : consent_advice(now, silent);
		if (strcmp(risk->what, ROP_RISK_EMPTIED) == 0)
			advice = advice_on_emptied(now);
		policy_find(now, -1, ROP_WHY_DATA_LOSS, text, advice);
	}
}

/* There is no step that could be consented to: a node is missing. */
static void find_homeless_slots(struct rop_situation *now)
{
	for (size_t k = 0; k < now->layout.n; k++) {
		const char *silent = NULL, *text = guard_homeless_slots(now, k, &silent);
		if (!text)
			continue;
		policy_find(now, -1, ROP_WHY_DATA_LOSS, text,
			    silent ? rop_printf(now->arena, "bring back %s with its data", silent)
				   : "restore the data first, if there is a copy anywhere; then declare a node more, "
				     "empty, that can take these slots (spec.nodes)");
	}
}

bool policy_take_consent(struct rop_situation *now, const struct rop_losses *losses)
{
	struct rop_consent *consent = now->consent;
	if (!consent || consent->taken.list.n || !consent->digest || strcmp(consent->digest, losses->digest) != 0)
		return false;
	consent->taken = *losses; /* the caller copies it to memory that lasts */
	return true;
}

/* ---- all planners ------------------------------------------------------------------------------------------ */

static size_t attachable(const struct rop_batch *batch)
{
	size_t n = 0;
	for (size_t i = 0; i < batch->steps.n; i++)
		n += batch->steps.at[i].peer >= 0 && batch->steps.at[i].expect.kind != ROP_STEP_MEET;
	return n;
}

static void weigh(struct rop_situation *now)
{
	static void (*const PLANNERS[])(const void *, const int64_t *, void *) = {
		policy_introduce_nodes,
		policy_assign_slots,
		policy_apply_settings,
		policy_attach_replicas,
	};
	struct rop_batch batch = { .arena = now->arena, .state = "", .why = "", .weighing = now };
	for (size_t i = 0; i < sizeof PLANNERS / sizeof *PLANNERS; i++) {
		if (PLANNERS[i] == policy_introduce_nodes && now->fresh)
			continue; /* nothing to lose, and N x N pairs */
		PLANNERS[i](now, NULL, &batch);
	}
	now->replicas_held = attachable(&batch) == 0;
	risk_of_emptied(now);
}

void policy_weigh(struct rop_situation *now)
{
	weigh(now);
	if (now->losses.list.n)
		policy_digest_losses(&now->losses);
	if (now->losses.list.n && policy_take_consent(now, &now->losses)) {
		memset(&now->losses, 0, sizeof now->losses);
		now->held.n = 0;
		weigh(now);
	}
	find_losses(now);
	if (now->kase != ROP_CASE_TOTAL_LOSS)
		find_homeless_slots(now);
}

bool rop_consent_parse(struct rop_arena *arena, const char *word, const char *cluster, const char **ret_digest,
		       struct rop_err *err)
{
	size_t n = strcspn(word, "@");
	if (n != strlen(cluster) || strncmp(word, cluster, n) != 0)
		return rop_fail(err, ROP_INVALID, "--allow-data-loss names '%.*s', but the file describes cluster '%s'",
				(int)n, word, cluster);
	if (word[n] && (strlen(word + n + 1) != 8 || strspn(word + n + 1, "0123456789abcdef") != 8))
		return rop_fail(err, ROP_INVALID,
				"--allow-data-loss=%s: after '@' stand the 8 hexadecimal digits that plan printed",
				word);
	*ret_digest = word[n] ? rop_strdup(arena, word + n + 1) : NULL;
	return true;
}
