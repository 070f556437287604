/* lost.c - shards that nobody is left of: who owned their slots is gone for good, as far as the file and the addresses
 * tell, and so is everybody who had a copy. Their slots stay with an id that nobody has any more, until a person gives
 * up what was in them: then all forget that id, and the slots go to nodes that have none.
 *
 * Never where one that had a copy is declared still and silent: it may come back with it.
 */
#include "lost.h"

#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "rop/text.h"

/* ---- what became of each copy --------------------------------------------------------------------------------- */

enum fate {
	FATE_LEFT,    /* silent, and not declared any more */
	FATE_REBUILT, /* another id answers in its place, and has no key */
	FATE_EMPTY,   /* it answers, and has no key */
	FATE_OPEN,    /* it may come back, or has keys, or would not tell */
};

/* The declared node of that address; -1: it is declared no more. */
static int who_is_at(const struct rop_observed *seen, const char *address)
{
	for (size_t i = 0; address && i < seen->asked - seen->n_leaving; i++)
		if (strcmp(seen->nodes[i].address, address) == 0)
			return (int)i;
	return -1;
}

/* Who was not asked may be there, with all it had. */
static enum fate fate_of(const struct rop_observed *seen, const struct rop_copy_memory *copy)
{
	int node = rop_observed_find(seen, copy->node), leaver = rop_observed_find_leaving(seen, copy->node);
	int asked = leaver >= 0 ? leaver : node, place = who_is_at(seen, copy->address);
	if (asked >= 0 && rop_answers(seen, (size_t)asked))
		return seen->nodes[asked].keys == 0 ? FATE_EMPTY : FATE_OPEN;
	if ((asked >= 0 && leaver < 0) || (asked >= 0 && seen->nodes[asked].reach != ROP_REACH_SILENT))
		return FATE_OPEN;
	if (place >= 0)
		return rop_answers(seen, (size_t)place) && seen->nodes[place].keys == 0 ? FATE_REBUILT : FATE_OPEN;
	return asked >= 0 ? FATE_LEFT : FATE_OPEN;
}

static const char *word_of(enum fate fate)
{
	switch (fate) {
	case FATE_LEFT: return "silent, and not declared any more";
	case FATE_REBUILT: return "rebuilt, and empty";
	case FATE_EMPTY: return "empty";
	case FATE_OPEN: break;
	}
	return "";
}

struct fates {
	struct rop_text text; /* each copy, and what became of it */
	const char *open;     /* the first of which something may be left; NULL: there is none */
	bool answer;          /* all of them do, and have no key */
};

static struct fates fates_of(const struct rop_observed *seen, const struct rop_shard_memory *shard)
{
	struct fates fates = { .answer = true };
	for (size_t c = 0; c < shard->copies.n; c++) {
		const struct rop_copy_memory *copy = &shard->copies.at[c];
		const char *who = copy->address ? copy->address : copy->node;
		enum fate fate = fate_of(seen, copy);
		if (fate == FATE_OPEN && !fates.open)
			fates.open = who;
		fates.answer &= fate == FATE_REBUILT || fate == FATE_EMPTY;
		rop_text_add(&fates.text, "%s%s (%s%s)", fates.text.n ? ", " : "", who, copy->led ? "led it; " : "",
			     word_of(fate));
	}
	return fates;
}

/* ---- what the others see ------------------------------------------------------------------------------------- */

/* Nobody who answers has to do with it: not as a peer that is well, not as whom it follows, not by an open slot, nor
 * by a claim on what it owned. */
static bool nobody_needs(const struct rop_observed *seen, size_t node)
{
	const struct rop_node *lost = &seen->nodes[node];
	int open;
	if (policy_follower_of(seen, lost->id) >= 0 || policy_open_towards(seen, lost->id, &open) >= 0)
		return false;
	for (size_t i = 0; i < seen->asked; i++) {
		if (i == node || !rop_answers(seen, i))
			continue;
		if (rop_bit(seen, seen->linked, i, node) || rop_slots_meet(&seen->nodes[i].slots, &lost->slots))
			return false;
		if (rop_bit(seen, seen->known, i, node) && !rop_bit(seen, seen->failing, i, node))
			return false;
	}
	return true;
}

/* ---- the loss ------------------------------------------------------------------------------------------------- */

/* What that shard had, as far as nobody who answers owns it now: views may differ in what they leave to the lost one.
 */
static struct rop_slots left_of(const struct rop_observed *seen, const struct rop_shard_memory *shard)
{
	struct rop_slots slots = { 0 };
	rop_slots_parse(shard->slots, &slots); /* it was found by them */
	for (size_t i = 0; i < seen->asked; i++)
		if (rop_answers(seen, i))
			rop_slots_drop(&slots, &seen->nodes[i].slots);
	return slots;
}

/* Of all that it owns, one shard's memory, for they were one shard; NULL: what it owned is not remembered as that. */
static const struct rop_shard_memory *memory_of(const struct rop_image *image, const struct rop_node *node)
{
	struct rop_slots had;
	for (size_t s = 0; s < image->shards.n; s++)
		if (rop_slots_parse(image->shards.at[s].slots, &had) && rop_slots_within(&node->slots, &had))
			return &image->shards.at[s];
	return NULL;
}

/* Clients may have written since; none is what a cluster that was just formed has, and says nothing of later. */
static const char *keys_counted(const struct rop_situation *now, const struct rop_copy_memory *led)
{
	if (!led || led->keys <= 0)
		return "";
	return rop_printf(now->arena, " (%" PRId64 " key%s when they were counted last, %s before)", led->keys,
			  rop_plural(led->keys), copies_ago(now, led->seen_wall_ms));
}

/* What is lost with that node, which leaves; NULL: nothing, or it is not known that nobody is left who has it. */
static const struct rop_risk *loss_of(const struct rop_situation *now, size_t node, bool *ret_answer)
{
	const struct rop_node *lost = &now->seen->nodes[node];
	const struct rop_shard_memory *shard = memory_of(now->image, lost);
	if (!lost->leaving || lost->reach != ROP_REACH_SILENT || rop_slots_empty(&lost->slots) || !shard ||
	    !shard->copies.n || !nobody_needs(now->seen, node))
		return NULL;
	struct fates fates = fates_of(now->seen, shard);
	ROP_OWN_TEXT copies = fates.text;
	*ret_answer = fates.answer;
	if (fates.open)
		return NULL;
	const struct rop_copy_memory *led = rop_shard_led(shard);
	struct rop_slots slots = left_of(now->seen, shard);
	struct remembered r = copies_remembered(now, &slots);
	struct rop_risk *risk = rop_alloc(now->arena, sizeof *risk);
	*risk = (struct rop_risk){
		.kind = ROP_RISK_LOSS,
		.what = "slots",
		.shard = shard->number,
		.slots = rop_slots_text(now->arena, &slots),
		.keys = led ? led->keys : -1,
		.copies = r.ids,
		.nodes = r.nodes,
	};
	risk->text = rop_printf(now->arena, "shard %d: nobody is left who had slots %s%s: %s", shard->number,
				risk->slots, keys_counted(now, led), copies.at);
	return risk;
}

static bool is_word_of(const struct rop_consent *consent, const struct rop_losses *losses)
{
	return consent && consent->digest && losses->list.n && !consent->taken.list.n &&
	       strcmp(consent->digest, losses->digest) == 0;
}

static bool is_any_open(const struct rop_situation *now, const struct rop_risk *losses, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (guard_loss(now, &losses[i]).verdict != GUARD_GO)
			return true;
	return false;
}

bool lost_is_given_up(struct rop_situation *now, const struct rop_risk *losses, size_t n)
{
	if (!is_any_open(now, losses, n))
		return true;
	for (size_t i = 0; i < n; i++)
		if (guard_loss(now, &losses[i]).verdict != GUARD_GO)
			*rop_push(now->arena, &now->lost.list) = losses[i];
	policy_digest_losses(&now->lost);
	if (!is_word_of(now->consent, &now->lost))
		return false;
	now->consent->taken = now->lost; /* the caller copies it to memory that lasts */
	now->lost = (struct rop_losses){ 0 };
	return !is_any_open(now, losses, n);
}

/* spec.onTotalLoss: Reform is a standing consent where each copy answers, and is empty. */
void lost_find(struct rop_situation *now)
{
	struct rop_risk *losses = rop_alloc_n(now->arena, now->retirements.n + 1, sizeof *losses);
	size_t n = 0;
	for (size_t k = 0; k < now->retirements.n; k++) {
		struct rop_retirement *r = &now->retirements.at[k];
		bool answer = false;
		r->loss = r->moved ? NULL : loss_of(now, (size_t)r->node, &answer);
		r->given_up = r->loss && answer && now->topology->reform_on_total_loss;
		if (r->loss && !r->given_up)
			losses[n++] = *r->loss;
	}
	lost_is_given_up(now, losses, n);
	for (size_t k = 0; k < now->retirements.n; k++) {
		struct rop_retirement *r = &now->retirements.at[k];
		r->given_up |= r->loss && guard_loss(now, r->loss).verdict == GUARD_GO;
	}
}

/* Too few are left to decide anything: then it is what stands in the way. */
void policy_warn_of_lost(struct rop_situation *now)
{
	for (size_t i = 0; i < now->lost.list.n; i++)
		(now->in_view ? policy_warn : policy_find)(
			now, -1, ROP_WHY_DATA_LOSS, now->lost.list.at[i].text,
			rop_printf(now->arena,
				   "bring one of them back with its data (nodes.conf and RDB or AOF), if there is a "
				   "copy; or give up what was in these slots, once, and let them go to a node that is "
				   "empty: %s",
				   policy_consenting_command(now, &now->lost)));
}

static const char *who_may_have(const struct rop_situation *now, const struct rop_node *ghost)
{
	const struct rop_shard_memory *shard = memory_of(now->image, ghost);
	if (!shard || !shard->copies.n)
		return "it is not known who had copies of what is in them";
	struct fates fates = fates_of(now->seen, shard);
	rop_text_done(&fates.text);
	return fates.open ? rop_printf(now->arena, "%s may have what is in them", fates.open)
			  : "another node has to do with it still";
}

void policy_find_owning_ghosts(struct rop_situation *now)
{
	for (size_t k = 0; k < now->retirements.n; k++) {
		const struct rop_retirement *r = &now->retirements.at[k];
		const struct rop_node *ghost = &now->seen->nodes[r->node];
		if (!ghost->ghost || r->loss || rop_slots_empty(&ghost->slots))
			continue;
		policy_find(now, -1, ROP_WHY_REBUILT,
			    rop_printf(now->arena,
				       "%s is nobody any more: another id answers at its address, for its nodes.conf "
				       "was lost; it owns the slots %.120s still, and %s",
				       ghost->address, rop_slots_text(now->arena, &ghost->slots),
				       who_may_have(now, ghost)),
			    rop_printf(now->arena,
				       "put its nodes.conf (cluster-config-file) back and start it again, if there is "
				       "a copy; do not forget the old id (%s) before these slots and their data have "
				       "another owner",
				       r->id));
	}
}

/* ---- given up ------------------------------------------------------------------------------------------------- */

bool lost_is(const struct rop_situation *now, size_t node)
{
	for (size_t k = 0; k < now->retirements.n; k++)
		if (now->retirements.at[k].node == (int)node && now->retirements.at[k].loss)
			return true;
	return now->seen->nodes[node].ghost;
}

const char *lost_is_listed(const struct rop_situation *now, const struct rop_slots *slots)
{
	for (size_t k = 0; k < now->retirements.n; k++) {
		const struct rop_retirement *r = &now->retirements.at[k];
		const struct rop_node *node = &now->seen->nodes[r->node];
		if (r->given_up && r->listed && rop_slots_meet(&node->slots, slots))
			return rop_printf(now->arena, "%s, which owned them, is not forgotten by all yet",
					  node->address);
	}
	return NULL;
}
