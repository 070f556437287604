/* judge.c - what must never happen, held against every look, entry and command. It believes nothing the operator says
 * of itself: it keeps its own copy of the last answers and of the journal's rows, and reads the store. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define LOOK_AGES_MS 1000

/* ---- what was seen ----------------------------------------------------------------------------------------- */

void judge_looked(struct sim *s, const struct rop_observed *seen, const int64_t *at, int64_t began_ms)
{
	struct judge *j = &s->judge;
	for (size_t i = 0; j->seen && i < seen->n; i++) /* another one at that address has met nobody */
		j->met_others[i] &= strcmp(j->seen->nodes[i].id, seen->nodes[i].id) == 0;
	rop_arena_free(j->seen_arena);
	j->seen_arena = rop_arena_new();
	j->seen = rop_observed_copy(j->seen_arena, seen);
	j->looked_ms = began_ms;
	j->answered_ms = s->world->now_ms;
	if (!j->seen_at) {
		j->seen_at = rop_alloc_n(s->arena, seen->n, sizeof *j->seen_at);
		j->met_others = rop_alloc_n(s->arena, seen->n, sizeof *j->met_others);
		j->true_keys = rop_alloc_n(s->arena, seen->n, sizeof *j->true_keys);
	}
	memcpy(j->seen_at, at, seen->n * sizeof *at);
	for (size_t i = 0; i < j->rows.n; i++)
		j->rows.at[i].seen |= j->rows.at[i].pending && rop_expect_seen(&j->rows.at[i].expect, seen);
	for (size_t i = 0; i < seen->n; i++) {
		j->met_others[i] |= seen->nodes[i].reach == ROP_REACH_OK && seen->nodes[i].others > 0;
		j->true_keys[i] = s->world->truth->nodes[i].keys;
	}
	judge_bus_looked(s);
}

/* What it holds: as it said, or where it would not say, as it is. Unknown is never empty. */
static int64_t keys_of(const struct judge *j, size_t node)
{
	return j->seen->nodes[node].keys >= 0 ? j->seen->nodes[node].keys : j->true_keys[node];
}

static bool empty(const struct rop_slots *slots)
{
	return rop_slots_first(slots) == ROP_SLOTS;
}

/* Keys of slots that it is about to get. */
static bool is_importing(const struct rop_node *node)
{
	int64_t keys = 0;
	for (size_t k = 0; k < node->open.n; k++)
		keys += node->open.at[k].importing && node->open.at[k].keys > 0 ? node->open.at[k].keys : 0;
	return keys >= node->keys;
}

/* What the last answers said that forbids every change. */
static const char *seen_refusal(struct sim *s)
{
	const struct judge *j = &s->judge;
	for (size_t f = 0; f < j->seen->foreign.n; f++)
		if (!judge_leave_is_ghost(s, j->seen->foreign.at[f].id))
			return "a foreign peer was seen";
	for (size_t i = 0; i < j->seen->n - j->seen->n_leaving; i++) {
		const struct rop_node *node = &j->seen->nodes[i];
		if (node->reach == ROP_REACH_OK && node->keys > 0 && node->role != ROP_ROLE_REPLICA &&
		    empty(&node->slots) && !is_importing(node))
			return "a node with keys and without slots was seen";
	}
	return NULL;
}

/* What was not said forbids what needs to know it, and nothing else: nobody is made a member, or an owner. (REPLICATE
 * of such a node is judged by what it throws away, judge_data.c.) */
static const char *seen_untold(const struct judge *j)
{
	for (size_t i = 0; i < j->seen->n - j->seen->n_leaving; i++) {
		const struct rop_node *node = &j->seen->nodes[i];
		if (node->reach == ROP_REACH_OK && node->keys < 0 && keys_of(j, i) > 0 &&
		    node->role != ROP_ROLE_REPLICA && empty(&node->slots))
			return "a node without slots that holds keys did not say how many";
	}
	return NULL;
}

/* ---- rows -------------------------------------------------------------------------------------------------- */

static struct row *row_of(struct sim *s, int64_t id)
{
	for (size_t i = s->judge.rows.n; i-- > 0;)
		if (s->judge.rows.at[i].id == id)
			return &s->judge.rows.at[i];
	return NULL;
}

/* What goes on has a row already, by its subject. */
static struct row *row_of_step(struct sim *s, const struct rop_step *step)
{
	if (!step->goes_on)
		return row_of(s, step->expect.id);
	for (size_t i = s->judge.rows.n; i-- > 0;)
		if (s->judge.rows.at[i].pending &&
		    strcmp(s->judge.rows.at[i].expect.subject, step->expect.subject) == 0)
			return &s->judge.rows.at[i];
	return NULL;
}

static bool mirrored(const struct rop_expect *a, const struct rop_expect *b)
{
	return a->kind == ROP_STEP_MEET && b->kind == ROP_STEP_MEET && strcmp(a->node, b->peer) == 0 &&
	       strcmp(a->peer, b->node) == 0;
}

static bool overlap(const struct rop_expect *a, const struct rop_expect *b)
{
	return a->kind == ROP_STEP_SLOTS && b->kind == ROP_STEP_SLOTS && a->first <= b->last && b->first <= a->last;
}

/* One pending expectation per subject; so a repetition always follows the end of the first. */
static void judge_subject(struct sim *s, const struct rop_entry *entry, const struct rop_expect *e)
{
	for (size_t i = 0; i < s->judge.rows.n; i++) {
		const struct row *row = &s->judge.rows.at[i];
		bool ends = false;
		for (size_t k = 0; k < entry->resolutions.n; k++)
			ends |= entry->resolutions.at[k].id == row->id;
		if (row->pending && !ends &&
		    (strcmp(row->expect.subject, e->subject) == 0 || mirrored(&row->expect, e) ||
		     overlap(&row->expect, e)))
			sim_fail(s, "%s is written while row %" PRId64 " is pending on %s", e->subject, row->id,
				 row->expect.subject);
	}
}

/* Owned, and the operator could have seen it: since before its owner answered last. */
static void judge_slots(struct sim *s, const struct rop_expect *e)
{
	const struct rop_observed *truth = s->world->truth;
	for (size_t i = 0; i < truth->n; i++) {
		int64_t answered = s->judge.seen_at[i] >= 0 ? s->judge.seen_at[i] : s->judge.looked_ms;
		for (int slot = e->first; slot <= e->last; slot++) {
			if (!rop_slots_has(&truth->nodes[i].slots, slot) || s->world->slot_since_ms[slot] > answered ||
			    !judge_leave_knowable(s, i) || judge_leave_given_up(s, i))
				continue;
			sim_fail(s, "slots %d-%d are to be added to %.8s, but node %zu owns slot %d since %d ms",
				 e->first, e->last, e->node, i, slot, s->world->slot_since_ms[slot]);
			return;
		}
	}
}

/* Nothing of any write is left on any node, and the database (lost, or never written) remembers nothing of the cluster:
 * nobody can know. */
static bool is_unknowable(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	size_t keys = 0;
	for (size_t i = 0; i < s->world->truth->n; i++)
		for (size_t k = 0; k < s->world->n_writes && judge_leave_knowable(s, i); k++)
			keys += writes_has(&s->world->servers[i].has, k);
	if (!rop_store_load(s->store, scratch, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	return !keys && !image.formed_wall_ms && !image.shards.n;
}

/* Keys that nobody can see there: it leads, or who leads it, does not own their slot, and has not got it open. */
static bool is_stray(const struct world *w, size_t node, int slot)
{
	const struct rop_node *n = &w->truth->nodes[node];
	if (n->role == ROP_ROLE_REPLICA && n->primary >= 0)
		n = &w->truth->nodes[n->primary];
	return moves_is_start(w->sim->start) && n->role == ROP_ROLE_PRIMARY && !rop_slots_has(&n->slots, slot) &&
	       !rop_node_open(n, slot);
}

/* Slots in which something was ever written have a history. A standing consent (onTotalLoss: Reform) covers them where
 * nothing of it is left anywhere. */
static void judge_history(struct sim *s, const struct rop_expect *e)
{
	size_t held = 0, written = 0;
	for (size_t k = 0; k < s->world->n_writes; k++) {
		const struct write *write = &s->world->writes[k];
		if (!write->acked || write->stray || write->slot < e->first || write->slot > e->last)
			continue;
		written++;
		for (size_t i = 0; i < s->world->truth->n; i++)
			held += writes_has(&s->world->servers[i].has, k) && !is_stray(s->world, i, write->slot) &&
				judge_leave_knowable(s, i);
	}
	if (s->consent) /* what it names may be anything; that nobody is left who has it is judged at FORGET */
		return;
	if (held || (written && !s->topology->reform_on_total_loss && !is_unknowable(s)))
		sim_fail(s,
			 "slots %d-%d are to be given to %.8s without consent; %zu writes went there, of which %zu "
			 "copies are left",
			 e->first, e->last, e->node, written, held);
}

static void judge_expect(struct sim *s, const struct rop_expect *e)
{
	int node = rop_observed_find(s->judge.seen, e->node);
	if (node < 0 || s->judge.seen->nodes[node].reach != ROP_REACH_OK) {
		sim_fail(s, "%s: its node did not answer the last look", e->subject);
		return;
	}
	const struct rop_node *n = &s->judge.seen->nodes[node];
	if (e->kind == ROP_STEP_SLOTS) {
		judge_slots(s, e);
		judge_history(s, e);
	}
	if (e->kind == ROP_STEP_EPOCH && s->judge.met_others[node])
		sim_fail(s, "SET-CONFIG-EPOCH for %s, which was seen knowing others", e->address);
	bool holds = n->role != ROP_ROLE_REPLICA && keys_of(&s->judge, (size_t)node) > 0;
	int peer = e->kind == ROP_STEP_ROLE ? rop_observed_find(s->world->truth, e->peer) : -1;
	if (peer >= 0 && s->world->truth->nodes[peer].version > s->world->truth->nodes[node].version)
		sim_fail(s, "%s is to follow %s, whose RDB it cannot load", e->address,
			 s->world->truth->nodes[peer].address);
	if (e->kind == ROP_STEP_ROLE && (!empty(&n->slots) || holds))
		sim_fail(s, "REPLICATE by %s, which was seen with slots or keys", e->address);
}

static bool ended_by(const struct rop_entry *entry, int64_t id)
{
	for (size_t i = 0; i < entry->resolutions.n; i++)
		if (entry->resolutions.at[i].id == id)
			return true;
	return false;
}

/* Who was refused writes so in its next entry; and no look outlives the boot that its deadline belongs to. */
static void judge_overdue(struct sim *s, const struct rop_entry *entry)
{
	for (size_t i = 0; i < s->judge.rows.n; i++) {
		const struct row *row = &s->judge.rows.at[i];
		if (!row->pending || ended_by(entry, row->id))
			continue;
		if (row->refused && row->refused_pid == s->pid)
			sim_fail(s, "row %" PRId64 " (%s) was refused, and the next entry does not end it", row->id,
				 row->expect.subject);
		if (row->boots < s->world->boots)
			sim_fail(s, "row %" PRId64 " (%s) is of an earlier boot, and is pending after a look", row->id,
				 row->expect.subject);
	}
}

/* Each slot: whoever claims it with the greatest epoch has answered this look. */
static bool all_owners_answered(const struct judge *j)
{
	struct rop_slots served = { 0 };
	for (size_t i = 0; i < j->seen->n; i++) {
		const struct rop_node *node = &j->seen->nodes[i];
		struct rop_slots own = node->slots;
		for (size_t k = 0; k < j->seen->n; k++)
			if (j->seen->nodes[k].epoch > node->epoch)
				rop_slots_drop(&own, &j->seen->nodes[k].slots);
		if (node->reach == ROP_REACH_OK)
			rop_slots_join(&served, &own);
	}
	return rop_slots_count(&served) == ROP_SLOTS;
}

/* Three sabotages take a silent primary for one that serves: they say so, too, and are to be caught by what they lose.
 */
static void judge_conditions(struct sim *s, const struct rop_entry *entry)
{
	if (s->sabotage == SABOTAGE_SILENT_IS_THERE || s->sabotage == SABOTAGE_ATTACH_SILENT ||
	    s->sabotage == SABOTAGE_MOVE_LAST_COPY)
		return;
	if (entry->conditions_changed && entry->conditions[ROP_COND_SLOTS_COVERED].status == ROP_TRUE &&
	    !all_owners_answered(&s->judge))
		sim_fail(s, "SlotsCovered is said to be true, and the owner of some slot did not answer");
}

void judge_entry(struct sim *s, const struct rop_entry *entry)
{
	judge_conditions(s, entry);
	judge_bus_entry(s, entry);
	judge_moves_said(s, entry);
	judge_handover_entry(s, entry);
	judge_drain_entry(s, entry);
	judge_placement_entry(s, entry);
	judge_overdue(s, entry);
	for (size_t i = 0; i < entry->expects.n && !s->failed; i++) {
		judge_subject(s, entry, &entry->expects.at[i]);
		judge_expect(s, &entry->expects.at[i]);
	}
}

/* What leaves no trace is met by its reply; all else was seen in a look since it was written, or is so now. */
static bool is_met(const struct sim *s, const struct row *row)
{
	return row->expect.kind == ROP_STEP_PERSIST || row->seen || rop_expect_seen(&row->expect, s->world->truth);
}

/* Whoever ends an expectation too early repeats its command blindly. */
static void judge_resolution(struct sim *s, const struct rop_entry *entry, const struct rop_resolution *end)
{
	struct row *row = row_of(s, end->id);
	if (!row) {
		sim_fail(s, "row %" PRId64 " is resolved and was never written", end->id);
		return;
	}
	if (!row->pending)
		sim_fail(s, "row %" PRId64 " (%s) is resolved twice", row->id, row->expect.subject);
	if (end->status == ROP_EXPECT_REFUSED && !row->refused)
		sim_fail(s, "row %" PRId64 " (%s) ends as refused, and nobody refused it", row->id,
			 row->expect.subject);
	if (end->status == ROP_EXPECT_MET && !is_met(s, row))
		sim_fail(s, "row %" PRId64 " (%s) ends as met, and nobody has seen it", row->id, row->expect.subject);
	/* A setting that shows another value in two looks is set again. */
	bool otherwise = row->expect.kind == ROP_STEP_SETTING && end->note && strstr(end->note, " is shown as ");
	if (end->status == ROP_EXPECT_EXPIRED && row->boots == s->world->boots && !otherwise &&
	    entry->boot_ms < row->expect.deadline_boot_ms)
		sim_fail(s, "row %" PRId64 " (%s) expires before its time", row->id, row->expect.subject);
	row->pending = false;
}

#define ENTERED_MOST 4

static struct dance *dance_of(struct sim *s, const char *subject)
{
	struct judge *j = &s->judge;
	for (size_t i = 0; i < j->n_dances; i++)
		if (strcmp(j->dances[i].subject, subject) == 0)
			return &j->dances[i];
	if (j->n_dances == DANCES_MOST)
		return NULL;
	struct dance *dance = &j->dances[j->n_dances++];
	*dance = (struct dance){ 0 };
	snprintf(dance->subject, sizeof dance->subject, "%s", subject);
	return dance;
}

/* A journal that fills with moves of one instance between the same states, of which nothing comes, is the trace of a
 * dance. (Who holds which data is brought up to date with whatever is written: that is no change by itself.) */
static void judge_dance(struct sim *s, const struct rop_entry *entry)
{
	if (entry->expects.n || entry->resolutions.n || entry->members_changed || entry->conditions_changed ||
	    entry->formed || entry->reached_revision)
		s->judge.n_dances = 0;
	for (size_t i = 0; i < entry->transitions.n; i++) {
		const struct rop_transition *t = &entry->transitions.at[i];
		const struct rop_machine *hosted = rop_machine_hosted(s->machine, t->machine);
		const struct rop_machine *machine = hosted ? hosted : s->machine;
		struct dance *dance = dance_of(s, t->subject);
		int state = rop_machine_find_state(machine, t->to);
		if (state < 0)
			sim_fail(s, "%s moves to %s, which is no state of %s", t->subject, t->to, machine->name);
		else if (machine->states[state].final && !hosted)
			s->judge.n_dances = 0;
		else if (dance && ++dance->entered[state] > ENTERED_MOST)
			sim_fail(s,
				 "%s goes round and round: %s is written for the %dth time, and no step or change "
				 "between",
				 t->subject, t->to, dance->entered[state]);
	}
}

void judge_committed(struct sim *s, const struct rop_entry *entry)
{
	judge_dance(s, entry);
	for (size_t i = 0; i < entry->resolutions.n; i++)
		judge_resolution(s, entry, &entry->resolutions.at[i]);
	for (size_t i = 0; i < entry->expects.n; i++)
		*rop_push(s->arena,
			  &s->judge.rows) = (struct row){ .id = entry->expects.at[i].id,
							  .expect = rop_expect_dup(s->arena, &entry->expects.at[i]),
							  .pending = true,
							  .boots = s->world->boots };
}

void judge_refused(struct sim *s, const struct rop_step *step)
{
	struct row *row = row_of_step(s, step);
	if (!row)
		return;
	row->refused = true;
	row->refused_pid = s->pid;
}

void judge_forget_rows(struct sim *s)
{
	judge_moves_forget(s);
	s->judge.rows.n = 0;
}

/* ---- commands ---------------------------------------------------------------------------------------------- */

static void judge_words(struct sim *s, const struct rop_step *step)
{
	static const char *const NEVER_SENT[] = { "FORGET",   "RESET",    "FLUSHALL",      "FLUSHDB",
						  "FAILOVER", "DELSLOTS", "DELSLOTSRANGE", "SHUTDOWN" };
	if (step->n_commands == 0 && step->expect.kind != ROP_STEP_CARRY)
		sim_fail(s, "%s has no command", step->expect.subject);
	for (size_t c = 0; c < step->n_commands; c++)
		for (size_t i = 0; i < step->commands[c].argc; i++)
			for (size_t k = 0; k < sizeof NEVER_SENT / sizeof *NEVER_SENT; k++)
				if (strcmp(step->commands[c].argv[i], NEVER_SENT[k]) == 0 &&
				    !judge_leave_word(step, NEVER_SENT[k]))
					sim_fail(s, "%s is never to be sent", step->commands[c].argv[i]);
	if (step->expect.command && strstr(step->expect.command, " ?"))
		sim_fail(s, "'%s' has no address", step->expect.command);
}

/* Of a formed cluster most owners must have answered; of one that is not, all nodes. Who leaves and is silent does not
 * count where a person gave up what it had. */
static bool in_view(const struct sim *s)
{
	const struct judge *j = &s->judge;
	struct rop_slots all = { 0 };
	size_t owners = 0, answer_all = 0, answer_owners = 0;
	for (size_t i = 0; i < j->seen->n; i++) {
		const struct rop_node *node = &j->seen->nodes[i];
		struct rop_slots own = node->slots;
		bool leaves = i >= j->seen->n - j->seen->n_leaving;
		answer_all += node->reach == ROP_REACH_OK || leaves;
		if (leaves && s->consent && node->reach != ROP_REACH_OK)
			continue;
		for (size_t k = 0; k < j->seen->n; k++) /* a greater epoch has won them */
			if (j->seen->nodes[k].epoch > node->epoch)
				rop_slots_drop(&own, &j->seen->nodes[k].slots);
		rop_slots_join(&all, &own);
		owners += !empty(&own);
		answer_owners += !empty(&own) && node->reach == ROP_REACH_OK;
	}
	return rop_slots_count(&all) == ROP_SLOTS ? answer_owners * 2 > owners : answer_all == j->seen->n;
}

static bool written(const struct rop_image *image, const struct rop_expect *e, bool goes_on)
{
	for (size_t i = 0; i < image->pending.n; i++)
		if ((image->pending.at[i].id == e->id || goes_on) &&
		    strcmp(image->pending.at[i].subject, e->subject) == 0 && image->pending.at[i].kind == e->kind)
			return true;
	return false;
}

static bool remembered(const struct rop_image *image, const struct rop_expect *e)
{
	for (size_t i = 0; i < image->temporaries.n; i++)
		if (strcmp(image->temporaries.at[i].node, e->node) == 0 &&
		    strcmp(image->temporaries.at[i].name, e->name) == 0)
			return true;
	return false;
}

/* Checks age: a step that rests on an old look is not sent, unless it only puts something back. */
static void judge_age(struct sim *s, const struct rop_step *steps, size_t n)
{
	const struct judge *j = &s->judge;
	int64_t age = s->world->now_ms - j->looked_ms, took = j->answered_ms - j->looked_ms;
	bool changes = false;
	for (size_t i = 0; i < n; i++)
		changes |= steps[i].expect.kind != ROP_STEP_RESTORE;
	if (changes && age >= LOOK_AGES_MS + 2 * took)
		sim_fail(s, "%s is sent on a look that is %" PRId64 " ms old and took %" PRId64 " ms",
			 steps[0].expect.subject, age, took);
}

void judge_send(struct sim *s, const struct rop_step *steps, size_t n)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	bool paused = false;
	if (!rop_store_load(s->store, scratch, s->topology->name, &image, &err) ||
	    !rop_store_paused(s->store, s->topology->name, world_clock(s->world).wall_ms, &paused, &err))
		sim_fail(s, "load: %s", err.text);
	const char *refusal = seen_refusal(s);
	judge_age(s, steps, n);
	for (size_t i = 0; i < n && !s->failed; i++) {
		const struct rop_expect *e = &steps[i].expect;
		if (!written(&image, e, steps[i].goes_on))
			sim_fail(s, "%s is sent, but no pending row was committed for it", e->subject);
		if (e->kind == ROP_STEP_LOWER && !remembered(&image, e))
			sim_fail(s, "%s is lowered, but its value was not written down", e->subject);
		if (e->kind != ROP_STEP_RESTORE && paused)
			sim_fail(s, "%s is sent while the cluster is paused", e->subject);
		/* that is what it is about */
		bool given_up = (e->kind == ROP_STEP_EMPTY && s->consent) || judge_leave_takes_over(s, e);
		if (e->kind != ROP_STEP_RESTORE && refusal && !given_up)
			sim_fail(s, "%s is sent, though %s", e->subject, refusal);
		const char *untold = seen_untold(&s->judge);
		if (untold && (e->kind == ROP_STEP_MEET || e->kind == ROP_STEP_SLOTS || e->kind == ROP_STEP_EPOCH))
			sim_fail(s, "%s is sent, though %s", e->subject, untold);
		if (e->kind != ROP_STEP_RESTORE && e->kind != ROP_STEP_MEET && e->kind != ROP_STEP_TAKEOVER &&
		    !in_view(s))
			sim_fail(s, "%s is sent, though too few owners answered", e->subject);
		if (e->kind == ROP_STEP_TAKEOVER)
			judge_takeover_step(s, e, in_view(s));
		judge_bus_send(s, &steps[i]);
		judge_moves_step(s, &steps[i]);
		judge_leave_step(s, &steps[i]);
		judge_words(s, &steps[i]);
	}
}

void judge_sent(struct sim *s, const struct rop_step *step)
{
	struct row *row = row_of_step(s, step);
	if (!row)
		sim_fail(s, "%s goes out without a row", step->expect.subject);
	else if (!row->pending)
		sim_fail(s, "%s goes out, but its row has ended", step->expect.subject);
	else if (row->sent++ && !step->goes_on)
		sim_fail(s, "%s goes out twice for one row", step->expect.subject);
}

/* ---- the end of a run -------------------------------------------------------------------------------------- */

/* What it sent to put back may have been lost. */
static bool is_troubled(const struct sim *s)
{
	return s->trouble && s->world->now_ms < s->faults_end_ms + 15000;
}

/* In the last look it was still being filled by its new primary, whatever has come since. */
static bool was_filling(const struct rop_observed *seen, size_t node, const struct rop_temporary *temporary)
{
	const struct rop_node *n = &seen->nodes[node];
	int peer = rop_observed_find(seen, temporary->peer);
	return temporary->peer[0] && n->role == ROP_ROLE_REPLICA && strcmp(n->primary_id, temporary->peer) == 0 &&
	       (!n->link_up || n->syncing || peer < 0 || !rop_bit(seen, seen->online, (size_t)peer, node));
}

/* Who was stopped, refused or out of time puts back what was lowered, on every node that answers; but for what waits
 * for its condition. One batch (--step) leaves it as it is. */
void judge_run_ended(struct sim *s, const struct run_end *end)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	if (end->how != ENDED_DONE || !s->judge.seen || end->step || is_troubled(s))
		return;
	if (!rop_store_load(s->store, scratch, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	for (size_t t = 0; t < image.temporaries.n; t++) {
		const struct rop_temporary *temporary = &image.temporaries.at[t];
		int node = rop_observed_find(s->world->truth, temporary->node);
		if (node < 0 || !s->world->servers[node].up || s->judge.seen->nodes[node].reach != ROP_REACH_OK ||
		    verdict_waits(s, temporary) || was_filling(s->judge.seen, (size_t)node, temporary))
			continue;
		sim_fail(s, "a run ends with code %d, and %s of node %d is left lowered", end->result.code,
			 temporary->name, node);
	}
}
