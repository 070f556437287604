/* guard.c - what a rule can answer: it may go, it waits, a thing is not known, something is lost; and consent. */
#include "guard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rop/takeover.h"
#include "rop/text.h"

const struct guard guard_go = { .verdict = GUARD_GO };

struct guard guard_wait(const char *why)
{
	return (struct guard){ .verdict = GUARD_WAIT, .why = why };
}

struct guard guard_unknown(const struct rop_situation *now, size_t i, const char *what)
{
	const struct rop_node *node = &now->seen->nodes[i];
	return (struct guard){
		.verdict = GUARD_UNKNOWN,
		.why = node->refused
			       ? rop_printf(now->arena,
					    "%s would not tell %s: user '%s' may not run %s; what is unknown is not "
					    "taken for empty",
					    node->address, what, policy_user(now), node->refused)
			       : rop_printf(now->arena, "%s did not tell %s; what is unknown is not taken for empty",
					    node->address, what),
	};
}

static bool is_part_of(const char *slots, const char *whole)
{
	struct rop_slots a, b;
	return slots && whole && rop_slots_parse(slots, &a) && rop_slots_parse(whole, &b) && rop_slots_within(&a, &b);
}

static bool is_covered_by(const struct rop_risk *risk, const struct rop_risk *taken)
{
	if (!rop_streq(risk->what, taken->what))
		return false;
	if (strcmp(risk->what, ROP_RISK_TAKEOVER) == 0 && !rop_streq(risk->copies, taken->copies))
		return false; /* whose copy it is that is led from */
	if (risk->slots || taken->slots)
		return is_part_of(risk->slots, taken->slots);
	return rop_streq(risk->copies, taken->copies);
}

static bool is_consented(const struct rop_situation *now, const struct rop_risk *risk)
{
	for (size_t i = 0; now->consent && i < now->consent->taken.list.n; i++)
		if (is_covered_by(risk, &now->consent->taken.list.at[i]))
			return true;
	return false;
}

struct guard guard_loss(const struct rop_situation *now, const struct rop_risk *risk)
{
	struct guard guard = { .verdict = GUARD_LOSS, .risk = *risk, .why = risk->text };
	guard.risk.kind = ROP_RISK_LOSS;
	if (is_consented(now, risk))
		guard.verdict = GUARD_GO;
	return guard;
}

struct guard guard_durability(const char *what, int shard, const char *text)
{
	return (struct guard){
		.verdict = GUARD_GO,
		.risk = { .kind = ROP_RISK_DURABILITY, .what = what, .shard = shard, .keys = -1, .text = text }
	};
}

const char *guard_failover_subject(const struct rop_situation *now, const char *primary)
{
	struct rop_expect e = { .kind = ROP_STEP_FAILOVER };
	memcpy(e.peer, primary, strlen(primary) + 1);
	return policy_subject(now->arena, &e);
}

bool guard_is_handing_over(const struct rop_situation *now, const char *primary)
{
	return now->tries && rop_tries_fails_over(now->tries) &&
	       rop_tries_may(now->tries, guard_failover_subject(now, primary), now->boot_ms) == ROP_MAY_PENDING;
}

bool guard_hands_over(const struct rop_situation *now, int but)
{
	for (size_t i = 0; now->tries && rop_tries_fails_over(now->tries) && i < now->seen->asked; i++)
		if ((int)i != but && guard_is_handing_over(now, now->seen->nodes[i].id))
			return true;
	return false;
}

/* ---- the digest -------------------------------------------------------------------------------------------- */

static int compare_losses(const void *a, const void *b)
{
	const struct rop_risk *x = a, *y = b;
	int by = strcmp(x->what, y->what);
	if (!by)
		by = (x->shard > y->shard) - (x->shard < y->shard);
	if (!by)
		by = strcmp(x->slots ? x->slots : "", y->slots ? y->slots : "");
	if (!by)
		by = strcmp(x->copies ? x->copies : "", y->copies ? y->copies : "");
	return by;
}

static uint64_t digest_text(uint64_t digest, const char *text)
{
	return rop_digest(digest, text ? text : "", text ? strlen(text) + 1 : 1);
}

void policy_digest_losses(struct rop_losses *losses)
{
	uint64_t digest = ROP_DIGEST_START;
	qsort(losses->list.at, losses->list.n, sizeof *losses->list.at, compare_losses);
	for (size_t i = 0; i < losses->list.n; i++) {
		const struct rop_risk *risk = &losses->list.at[i];
		char shard[16];
		snprintf(shard, sizeof shard, "%d", risk->shard);
		digest = digest_text(digest, risk->what);
		digest = digest_text(digest, shard);
		digest = digest_text(digest, risk->slots);
		digest = digest_text(digest, risk->copies);
	}
	snprintf(losses->digest, sizeof losses->digest, "%08x", (unsigned)(digest ^ digest >> 32));
}

const char *policy_consenting_command(const struct rop_situation *now, const struct rop_losses *losses)
{
	return rop_printf(now->arena, "`redis-operator apply --allow-data-loss=%s@%s %s`", now->topology->name,
			  losses->digest, now->topology->path ? now->topology->path : "FILE");
}
