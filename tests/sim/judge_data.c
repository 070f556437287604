/* judge_data.c - why is a write gone? It believes nothing the operator says of data: it knows where each copy is.
 *
 * A write that was acknowledged is on some nodes: in memory, or on the disk of a dead one. When the last copy goes, the
 * question is whether it would be there without the operator. Its twin answers: the same seed, with an operator that
 * falls silent before its last command about nodes that held the write (or the one before that, and so on for a few).
 * Still there in the twin is a failure. Else the cause is one of a fixed list, and counted; a loss without one fails.
 *
 * The price of replicas is not the operator's: who has one can lose, at the servers' own fail-over, what it had not got
 * yet, and would not without it. So where a cause of the list took the last copy, and no command of the
 * operator had taken one while no other node served it ("endangered"), the twin is not asked.
 *
 * Stranded: there, but where nobody is served from, when all is converged. That counts as gone.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define TWINS_MAX 3 /* losses of a seed that are looked into; one is enough to fail it */
#define TOUCHES_TRIED 4

const char *const CAUSE_NAMES[CAUSES_N] = { "not replicated yet when the servers failed over",
					    "a process that saves nothing ended", "a disk was lost",
					    "a person pointed its node elsewhere, or joined two clusters",
					    "a clone of its primary, which was empty, was followed" };

const struct lived_row LIVED[LIVED_N] = {
	[LIVED_FAILOVER] = { "a fail-over of the servers", 60 },
	[LIVED_DISK_LOST] = { "a disk lost", 40 },
	[LIVED_CONF_LOST] = { "a nodes.conf lost", 30 },
	[LIVED_SILENT_MOVE] = { "a replica to be moved from or to a silent primary", 40 },
	[LIVED_POINTED_PROMOTED] = { "a replica promoted that never had its primary's data", 1 },
	[LIVED_STALE] = { "a REPLICATE that came to be sent late", 5 },
	[LIVED_EMPTY_RETURN] = { "a primary that came back empty", 40 },
	[LIVED_FORGET] = { "a ghost forgotten by a person", 5 },
	[LIVED_GHOST_GONE] = { "a ghost forgotten, with another node in its place", 5 },
	[LIVED_CONSENT] = { "a consent to a loss", 5 },
	[LIVED_REJOINED] = { "a consent after every nodes.conf was lost", 0 },
	[LIVED_EMPTIED] = { "a server emptied that had kept a copy", 1 },
	[LIVED_GIVEN_UP] = { "a shard given up that nobody was left of", 1 },
	[LIVED_EDIT] = { "two pins swapped", 40 },
	[LIVED_EDIT_SHARDS] = { "other shards declared in mid-move", 0 },
	[LIVED_WEIGHED] = { "shares by weight", 30 },
	[LIVED_EDIT_WEIGHTS] = { "other weights declared in mid-move", 5 },
	[LIVED_OPENED] = { "slots opened by a person", 0 },
	[LIVED_TAKEN] = { "slots handed over", 0 },
	[LIVED_CARRIED] = { "keys carried", 0 },
	[LIVED_BY_SERVER] = { "slots moved by the servers themselves", 0 },
	[LIVED_BATCH_LOST] = { "carried keys that a primary alone had when it was replaced", 0 },
	[LIVED_ASKED] = { "a client sent on to the importer", 0 },
	[LIVED_BOTH_SIDES] = { "a key on both sides", 0 },
	[LIVED_WENT_BACK] = { "a primary that went back to an older epoch", 5 },
	[LIVED_TWIN] = { "a twin asked", 0 },
	[LIVED_LINES_GONE] = { "lines deleted from the file", 30 },
	[LIVED_LINE_BACK] = { "a deleted line that came back", 5 },
	[LIVED_RESET] = { "a node reset", 25 },
	[LIVED_FORGOTTEN] = { "a node forgotten", 25 },
	[LIVED_FORGET_RACES] = { "... while a replica stood for a primary that had failed", 1 },
	[LIVED_HANDED] = { "a shard handed over to a replica", 10 },
	[LIVED_DRAINED] = { "a host drained", 80 },
	[LIVED_DRAIN_HANDED] = { "... and a shard handed over for that", 20 },
	[LIVED_DRAIN_STOPPED] = { "... and its servers stopped", 20 },
	[LIVED_KEPT] = { "a replica that waits, for its shard is to keep it", 3 },
	[LIVED_PLACED] = { "a shard handed over for a better placement", 20 },
	[LIVED_PROPOSED] = { "a better placement that is only proposed", 20 },
	[LIVED_WISHED] = { "a shard that a person wants led by another node", 100 },
	[LIVED_WISH_MET] = { "... which came about", 80 },
	[LIVED_WISH_NOT_MET] = { "... which could not be done", 1 },
	[LIVED_WISH_FAILED] = { "... of which three attempts failed", 0 },
	[LIVED_UNVOTED] = { "a replica that took over without a vote", 3 },
	[LIVED_LISTED_AGAIN] = { "a forgotten node listed again", 1 },
	[LIVED_NEW_LISTED] = { "a reset node listed by its new id", 0 },
	[LIVED_STRUCK] = { "leavers watched and struck off", 20 },
	[LIVED_TAKEN_OVER] = { "slots of an id that nobody had any more, taken over by force", 1 },
	[LIVED_EDITS] = { "three edits of the file and more, one after the other", 15 },
	[LIVED_AFRESH] = { "an end that was held against a fresh formation", 500 },
#define X(id, text, least) [LIVED_PLIGHTS + PLIGHT_##id] = { text, least },
	PLIGHTS(X)
#undef X
};

static const char *how_text(enum gone how)
{
	static const char *const TEXTS[] = { "its process ended", "its disk was lost",
					     "it was thrown away for another data set", "its slot was given up",
					     "no owner of its slot has it" };
	return TEXTS[how];
}

/* ---- gone -------------------------------------------------------------------------------------------------- */

static bool is_anywhere(const struct world *w, size_t k)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (writes_has(&w->servers[i].has, k))
			return true;
	return false;
}

static void lose(struct world *w, size_t k, size_t node, enum gone how)
{
	w->writes[k].lost = true;
	*rop_push(w->arena, &w->sim->losses) = (struct loss){
		.write = (int)k, .node = (int)node, .how = how, .at_ms = w->now_ms
	};
	trace(w->sim, "data", "write %zu (slot %d) is gone: %s at node %zu, which had the last copy", k,
	      w->writes[k].slot, how_text(how), node);
}

void judge_data_gone(struct world *w, size_t node, const struct writes *gone, enum gone how)
{
	for (size_t k = 0; k < w->n_writes; k++)
		if (writes_has(gone, k) && w->writes[k].acked && !w->writes[k].lost && !is_anywhere(w, k))
			lose(w, k, node, how);
}

static bool is_served(const struct world *w, size_t k)
{
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->truth->nodes[i].role == ROP_ROLE_PRIMARY &&
		    rop_slots_has(&w->truth->nodes[i].slots, w->writes[k].slot))
			return writes_has(&w->servers[i].has, k);
	return false;
}

void judge_data_stranded(struct sim *s)
{
	for (size_t k = 0; k < s->world->n_writes; k++)
		if (s->world->writes[k].acked && !s->world->writes[k].lost && !is_served(s->world, k))
			lose(s->world, k, 0, GONE_STRANDED);
}

/* ---- commands of the operator ------------------------------------------------------------------------------ */

static void touch_node(const struct world *w, int node, struct writes *touched)
{
	for (size_t i = 0; node >= 0 && i < WRITES_MAX / 64; i++)
		touched->bits[i] |= w->servers[node].has.bits[i];
	for (size_t k = 0; node >= 0 && k < w->n_writes; k++)
		if (rop_slots_has(&w->truth->nodes[node].slots, w->writes[k].slot))
			touched->bits[k / 64] |= (uint64_t)1 << (k % 64);
}

void judge_data_step(struct sim *s, const struct rop_step *step)
{
	struct touch touch = { .number = s->sent };
	const struct rop_expect *e = &step->expect;
	s->sent++;
	if (e->kind != ROP_STEP_ROLE && e->kind != ROP_STEP_SLOTS && e->kind != ROP_STEP_MEET &&
	    e->kind != ROP_STEP_EPOCH && e->kind != ROP_STEP_BUMP && e->kind != ROP_STEP_RESET &&
	    e->kind != ROP_STEP_EMPTY && e->kind != ROP_STEP_FAILOVER && e->kind != ROP_STEP_FORGET &&
	    !rop_step_moves_slots(e->kind))
		return;
	struct rop_slots moved;
	bool moves = rop_step_moves_slots(e->kind) && e->value && rop_slots_parse(e->value, &moved);
	for (size_t k = 0; moves && k < s->world->n_writes; k++)
		if (rop_slots_has(&moved, s->world->writes[k].slot))
			touch.writes.bits[k / 64] |= (uint64_t)1 << (k % 64);
	if (!moves)
		touch_node(s->world, rop_observed_find(s->world->truth, e->node), &touch.writes);
	if (!moves)
		touch_node(s->world, rop_observed_find(s->world->truth, e->peer), &touch.writes);
	for (size_t k = 0; e->kind == ROP_STEP_SLOTS && k < s->world->n_writes; k++)
		if (s->world->writes[k].slot >= e->first && s->world->writes[k].slot <= e->last)
			touch.writes.bits[k / 64] |= (uint64_t)1 << (k % 64);
	*rop_push(s->arena, &s->touches) = touch;
}

/* ---- the twin ---------------------------------------------------------------------------------------------- */

static bool twin_keeps(struct sim *s, size_t k, enum gone how, size_t mute_from)
{
	struct stats unused = { 0 };
	struct sim twin = { .seed = s->seed,
			    .sabotage = s->sabotage,
			    .machine = s->machine,
			    .stats = &unused,
			    .twin = true,
			    .mute_from = mute_from,
			    .asked = k,
			    .asked_served = how == GONE_STRANDED };
	sim_lived(s, LIVED_TWIN);
	sim_run(&twin);
	const char *is = twin.answer_acked ? "not" : "never acknowledged and not";
	trace(s, "twin", "silent from command %zu on: write %zu is %s there", mute_from, k,
	      twin.answer_kept ? "still" : is);
	return twin.muted && twin.answer_kept;
}

static void answer(struct sim *s)
{
	const struct write *write = &s->world->writes[s->asked];
	s->answer_acked = s->asked < s->world->n_writes && write->acked;
	s->answer_kept = s->answer_acked && (s->asked_served ? is_served(s->world, s->asked)
							     : !write->lost && is_anywhere(s->world, s->asked));
}

static bool last_touch_kept(struct sim *s, const struct loss *loss, size_t *ret_number)
{
	size_t tried = 0;
	for (size_t t = s->touches.n; t-- > 0 && tried < TOUCHES_TRIED;) {
		const struct touch *touch = &s->touches.at[t];
		if (!writes_has(&touch->writes, (size_t)loss->write))
			continue;
		tried++;
		*ret_number = touch->number;
		if (twin_keeps(s, (size_t)loss->write, loss->how, touch->number))
			return true;
	}
	return false;
}

/* ---- causes ------------------------------------------------------------------------------------------------ */

static enum cause cause_of(const struct write *write, enum gone how)
{
	if (how == GONE_DIED)
		return CAUSE_UNSAVED;
	if (how == GONE_DISK)
		return CAUSE_DISK;
	if (write->tail)
		return CAUSE_TAIL;
	if (write->unsaved)
		return CAUSE_UNSAVED;
	if (write->disk)
		return CAUSE_DISK;
	if (write->cloned)
		return CAUSE_CLONE;
	return write->by_person ? CAUSE_PERSON : CAUSES_N;
}

static bool is_alike(const struct sim *s, const struct loss *a, const struct loss *b)
{
	const struct write *x = &s->world->writes[a->write], *y = &s->world->writes[b->write];
	return a->at_ms == b->at_ms && a->node == b->node && a->how == b->how && x->endangered == y->endangered &&
	       cause_of(x, a->how) == cause_of(y, b->how);
}

static void judge_loss(struct sim *s, const struct loss *loss, bool ask)
{
	const struct write *write = &s->world->writes[loss->write];
	enum cause cause = cause_of(write, loss->how);
	size_t number = 0;
	if ((write->endangered || cause == CAUSES_N) && ask && last_touch_kept(s, loss, &number)) {
		sim_fail(s,
			 "write %d (slot %d) is gone: at %" PRId64 " ms %s at node %d; it is still there where the "
			 "operator falls silent before its command number "
			 "%zu",
			 loss->write, write->slot, loss->at_ms, how_text(loss->how), loss->node, number);
		return;
	}
	if (cause == CAUSES_N && ask)
		sim_fail(s, "write %d (slot %d) is gone: at %" PRId64 " ms %s at node %d, for no known cause",
			 loss->write, write->slot, loss->at_ms, how_text(loss->how), loss->node);
	if (cause < CAUSES_N)
		s->stats->causes[cause]++;
}

void judge_data_end(struct sim *s)
{
	if (s->twin) {
		answer(s);
		return;
	}
	size_t asked = 0;
	for (size_t l = 0; l < s->losses.n && !s->failed; l++) {
		bool first = true;
		for (size_t before = 0; before < l && first; before++)
			first = !is_alike(s, &s->losses.at[before], &s->losses.at[l]);
		judge_loss(s, &s->losses.at[l], first && asked < TWINS_MAX);
		asked += first;
	}
}
