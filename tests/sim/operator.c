/* operator.c - the third driver of rop_reconcile: what drive.c does on sockets and clocks, here on a virtual world.
 * The sabotages, and the points where the operator is killed, are in here: the reconciler itself is the shipped one. */
#include <inttypes.h>
#include <string.h>

#include "../../src/operator/pass.h"
#include "rop/leaving.h"
#include "sim.h"

struct driver {
	struct sim *s;
	struct world *w;
	struct run_plan plan;
	struct rop_arena *arena;
	struct rop_image image;
	const struct rop_topology *topology; /* with those that are to leave */
	struct rop_reconcile *r;
	int64_t *seen_at;  /* [node] of the last look */
	int64_t looked_ms; /* when it began */
	int points;        /* of the planned kind, passed so far */
	bool stopped;
	int64_t deadline_ms;
	struct run_end end;
};

bool operator_open_store(struct sim *s)
{
	struct rop_err err = { 0 };
	if (!rop_store_open(":memory:", ROP_STORE_WRITE, &s->store, &err))
		sim_fail(s, "open the store: %s", err.text);
	return !s->failed;
}

static bool dies(struct driver *d, enum kill kill)
{
	if (d->plan.kill != kill || ++d->points != d->plan.nth)
		return false;
	d->end.how = kill == FAIL_COMMIT || kill == FAIL_COMMIT_WRITTEN ? ENDED_JOURNAL : ENDED_KILLED;
	d->s->stats->kills[kill]++;
	trace(d->s, "operator", "%s", KILL_NAMES[kill]);
	return true;
}

/* ---- look -------------------------------------------------------------------------------------------------- */

/* As if it answered, as it did last, and its replicas were in sync. */
static void pretend_serves(const struct world *w, struct rop_observed *seen, size_t i)
{
	const struct rop_observed *t = w->truth;
	const char **settings = seen->nodes[i].settings, *leaving = seen->nodes[i].leaving;
	seen->nodes[i] = t->nodes[i];
	seen->nodes[i].leaving = leaving;
	seen->nodes[i].settings = settings;
	memcpy(settings, t->nodes[i].settings, t->n_settings * sizeof *settings);
	seen->nodes[i].reach = ROP_REACH_OK;
	seen->nodes[i].state_ok = true;
	for (size_t k = 0; k < seen->n; k++) {
		rop_bit_clear(seen, seen->failing, k, i);
		uint64_t *matrices[] = { seen->known, seen->linked, seen->agrees };
		for (size_t m = 0; m < sizeof matrices / sizeof *matrices; m++) {
			rop_bit_set(seen, matrices[m], k, i);
			rop_bit_set(seen, matrices[m], i, k);
		}
		if (seen->nodes[k].role != ROP_ROLE_REPLICA || seen->nodes[k].primary != (int)i)
			continue;
		seen->nodes[k].link_up = true;
		rop_bit_set(seen, seen->online, i, k);
	}
}

/* Whom the operator has pointed at a primary is in sync with it at once. */
static void pretend_in_sync(const struct driver *d, struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (d->w->servers[i].pointed != TOLD_OPERATOR || node->role != ROP_ROLE_REPLICA || node->primary < 0)
			continue;
		node->link_up = true;
		node->syncing = false;
		rop_bit_set(seen, seen->online, (size_t)node->primary, i);
	}
}

static void pretend_all_serve(const struct driver *d, struct rop_observed *seen)
{
	bool bare = d->s->sabotage == SABOTAGE_ATTACH_SILENT;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		size_t replicas = 0, pointed = 0;
		if (node->reach != ROP_REACH_SILENT || rop_slots_empty(&node->slots))
			continue;
		for (size_t k = 0; k < seen->n; k++) {
			bool follows = seen->nodes[k].role == ROP_ROLE_REPLICA && seen->nodes[k].primary == (int)i;
			pointed += follows && d->w->servers[k].pointed == TOLD_OPERATOR;
			replicas += follows && d->w->servers[k].pointed != TOLD_OPERATOR;
		}
		if (bare == !replicas || (bare && pointed))
			pretend_serves(d->w, seen, i);
	}
}

/* All hear each other. */
static void pretend_linked(struct rop_observed *seen, size_t subject)
{
	for (size_t i = 0; i < seen->n; i++)
		if (rop_answers(seen, i) && rop_answers(seen, subject) && rop_bit(seen, seen->known, i, subject)) {
			rop_bit_set(seen, seen->linked, i, subject);
			rop_bit_clear(seen, seen->failing, i, subject);
			rop_bit_clear(seen, seen->astray, i, subject);
		}
}

static void go_on_looking(struct sim *s, struct rop_observed *seen)
{
	if (!s->once_astray)
		s->once_astray = rop_alloc_n(s->arena, s->world->truth->n * seen->words, sizeof *s->once_astray);
	for (size_t w = 0; w < seen->n * seen->words; w++)
		seen->astray[w] = s->once_astray[w] |= seen->astray[w];
}

static void hide_the_bus(const struct driver *d, struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++) {
		struct rop_node *node = &seen->nodes[i];
		if (d->s->sabotage == SABOTAGE_SILENT_IS_THERE && node->reach == ROP_REACH_SILENT)
			pretend_serves(d->w, seen, i);
		if (d->s->sabotage == SABOTAGE_NO_CLONE && node->elsewhere) {
			node->elsewhere = NULL;
			pretend_linked(seen, i);
			for (size_t k = 0; k < seen->n; k++)
				pretend_linked(seen, k);
		}
		if (d->s->sabotage == SABOTAGE_LINKS_ARE_UP && node->role == ROP_ROLE_REPLICA && node->primary >= 0) {
			node->link_up = true;
			rop_bit_set(seen, seen->online, (size_t)node->primary, i);
		}
		if (d->s->sabotage == SABOTAGE_ALL_HEAR)
			pretend_linked(seen, i);
	}
	if (d->s->sabotage == SABOTAGE_MEET_AGAIN)
		go_on_looking(d->s, seen);
}

static void hide(struct driver *d, struct rop_observed *seen)
{
	for (size_t i = 0; d->s->sabotage == SABOTAGE_IGNORE_VIEW && i < seen->n; i++)
		if (seen->nodes[i].reach == ROP_REACH_SILENT && !rop_slots_empty(&seen->nodes[i].slots))
			pretend_serves(d->w, seen, i);
	if (d->s->sabotage == SABOTAGE_IGNORE_REFUSAL) {
		seen->foreign.n = 0;
		for (size_t i = 0; i < seen->n; i++) {
			if (rop_slots_first(&seen->nodes[i].slots) == ROP_SLOTS && seen->nodes[i].keys > 0)
				seen->nodes[i].keys = 0;
			seen->nodes[i].strangers = 0;
			if (seen->nodes[i].others > (int)seen->n - 1)
				seen->nodes[i].others = (int)seen->n - 1;
		}
	}
	for (size_t i = 0; d->s->sabotage == SABOTAGE_UNKNOWN_EMPTY && i < seen->n; i++)
		if (seen->nodes[i].reach == ROP_REACH_OK && seen->nodes[i].keys == ROP_COUNT_UNKNOWN) {
			seen->nodes[i].keys = 0;
			seen->nodes[i].refused = NULL;
		}
	for (size_t i = 0; d->s->sabotage == SABOTAGE_NO_HISTORY && i < seen->n; i++)
		if (seen->nodes[i].reach == ROP_REACH_OK)
			seen->nodes[i].keys = 0;
	for (size_t i = 0; d->s->sabotage == SABOTAGE_IGNORE_SHARDS && i < seen->n; i++)
		seen->nodes[i].shards_apart = 0;
	hide_the_bus(d, seen);
	leave_hide(d->s, seen);
	wish_hide(d->s, seen);
	if (d->s->sabotage == SABOTAGE_EARLY_RESTORE)
		pretend_in_sync(d, seen);
	if (d->s->sabotage == SABOTAGE_ATTACH_SILENT || d->s->sabotage == SABOTAGE_MOVE_LAST_COPY)
		pretend_all_serve(d, seen);
	if (d->s->sabotage == SABOTAGE_OWNED_SLOTS)
		memset(&seen->nodes[d->s->seed % seen->n].slots, 0, sizeof seen->nodes->slots);
}

/* Is it paused now, by whom, until when? Asked wherever drive.c asks. */
static bool learn_of_pause(struct driver *d)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	bool paused = false;
	if (d->s->sabotage == SABOTAGE_IGNORE_PAUSE)
		return false;
	if (!rop_store_paused(d->s->store, d->s->topology->name, world_clock(d->w).wall_ms, &paused, &err) ||
	    (paused && !rop_store_load(d->s->store, scratch, d->s->topology->name, &image, &err)))
		sim_fail(d->s, "read the pause: %s", err.text);
	rop_reconcile_pause_changed(d->r, paused, image.paused_until_wall_ms, image.paused_by);
	return paused;
}

/* A replica is to be moved, and its own primary or the new one does not answer. */
static void note_moves(struct driver *d)
{
	const struct rop_situation *now = rop_reconcile_situation(d->r);
	for (size_t i = 0; !d->s->lived[LIVED_SILENT_MOVE] && i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int to = now->layout.primary_of[i];
		if (node->role == ROP_ROLE_REPLICA && to >= 0 && node->primary >= 0 && to != node->primary &&
		    (now->seen->nodes[to].reach != ROP_REACH_OK ||
		     now->seen->nodes[node->primary].reach != ROP_REACH_OK))
			sim_lived(d->s, LIVED_SILENT_MOVE);
	}
}

static void observe(struct driver *d)
{
	int64_t began = d->looked_ms = d->w->now_ms;
	struct rop_observed *seen = look(d->w, &d->image, d->topology, sim_trouble(d->s), d->seen_at);
	judge_looked(d->s, seen, d->seen_at, began);
	hide(d, seen);
	seen = look_narrow(d->w, seen, d->topology);
	moves_hide(d->s, rop_reconcile_situation(d->r), seen);
	d->s->stats->passes++;
	if (d->s->sabotage == SABOTAGE_DANCE) {
		memset(&d->r->roaming, 0, sizeof d->r->roaming);
		d->r->at_work = true;
	}
	rop_reconcile_observed(d->r, seen, world_clock(d->w));
	note_moves(d);
	judge_moves_left(d->s, rop_reconcile_situation(d->r));
}

/* ---- send -------------------------------------------------------------------------------------------------- */

struct wire { /* of one batch */
	struct delivery **deliveries;
	bool *reply_lost;
	int64_t *last_ms; /* [node] when its connection delivered last */
	bool *broken;     /* [node] its connection broke: nothing more arrives */
	int64_t done_ms;  /* when the last outcome is known */
};

static int64_t latest(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* One command on its way: it arrives sooner or later, or never; its reply too. A node executes what was sent to it in
 * order, also over several connections: the fleet resets a connection that it gives up, so that nothing of it can still
 * be on the network, and what is in the node's socket already comes before whatever is sent later. */
static void put_on_wire(struct driver *d, struct wire *wire, const struct rop_step *step, size_t at)
{
	struct sim *s = d->s;
	struct chance *c = &s->chance;
	size_t node = (size_t)step->node;
	bool trouble = sim_trouble(s) && chance_permille(c, s->trouble);
	struct delivery *delivery = wire->deliveries[at] = rop_alloc(s->arena, sizeof *delivery);
	delivery->node = step->node;
	delivery->deaths = d->w->servers[node].deaths;
	delivery->decided_ms = d->seen_at[node] >= 0 ? d->seen_at[node] : d->w->now_ms;
	delivery->looked_ms = d->looked_ms;
	delivery->expect = rop_expect_dup(s->arena, &step->expect);
	if (step->expect.kind == ROP_STEP_CARRY || step->expect.kind == ROP_STEP_TAKE)
		delivery->witnesses = rop_witnesses(s->arena, rop_reconcile_situation(d->r),
						    (size_t)(step->expect.kind == ROP_STEP_CARRY ? step->peer
												 : step->node),
						    &delivery->n_witnesses);
	judge_sent(s, step);
	judge_data_step(s, step);
	d->end.sent++;
	s->stats->commands++;
	int64_t delay = trouble ? chance_between(c, 0, 3000) : chance_between(c, 0, 3),
		*hung = &d->w->servers[node].hung_until_ms;
	int64_t arrives = latest(latest(wire->last_ms[node], *hung), d->w->now_ms + delay);
	bool request_lost = wire->broken[node] || (trouble && chance_permille(c, 400));
	wire->reply_lost[at] = request_lost || (trouble && chance_permille(c, 500));
	int64_t race = sim_trouble(s) && !request_lost ? leave_race_ms(d->w, &step->expect, node) : 0;
	if (race) {
		arrives = latest(arrives, d->w->now_ms + race);
		wire->reply_lost[at] = true;
	}
	if (wire->reply_lost[at]) {
		int64_t given_up = d->w->now_ms +
				   chance_between(c, 0, chance_permille(c, 500) ? 50 : s->topology->command_timeout_ms);
		wire->broken[node] |= request_lost;
		wire->done_ms = latest(wire->done_ms, given_up);
		s->stats->lost += request_lost;
		s->stats->late += !request_lost && arrives > given_up;
		trace(s, "network", "'%s' to node %zu: the %s is lost", step->expect.command, node,
		      request_lost ? "request" : "reply");
	} else {
		wire->done_ms = latest(wire->done_ms, arrives);
	}
	for (size_t k = 0; k < step->n_commands; k++)
		delivery->names_owner |= step->expect.kind == ROP_STEP_IMPORT &&
					 strcmp(step->commands[k].argv[3], "NODE") == 0;
	delivery->unanswered = wire->reply_lost[at];
	wire->last_ms[node] = arrives;
	if (request_lost)
		return;
	*hung = arrives;
	world_at(d->w, arrives, (struct event){ .kind = EVENT_COMMAND, .node = step->node, .delivery = delivery });
}

static struct rop_outcome outcome_of(const struct delivery *d, bool reply_lost)
{
	if (reply_lost || !d->executed)
		return (struct rop_outcome){ .sent = ROP_SENT_UNKNOWN, .text = "the connection was lost" };
	return (struct rop_outcome){ .sent = d->ok ? ROP_SENT_OK : ROP_SENT_ERROR, .text = d->text, .keys = d->keys };
}

static bool only_restores(const struct rop_step *steps, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (steps[i].expect.kind != ROP_STEP_RESTORE)
			return false;
	return true;
}

/* A twin's operator: from this command on it is not there any more. */
static bool falls_silent(struct driver *d)
{
	if (!d->s->twin || d->s->sent < d->s->mute_from)
		return false;
	d->s->muted = true;
	d->end.how = ENDED_KILLED;
	trace(d->s, "operator", "falls silent");
	return true;
}

static void transmit(struct driver *d, const struct rop_step *steps, size_t n, struct rop_outcome *outcomes)
{
	size_t nodes = d->w->truth->n;
	struct wire wire = {
		.deliveries = rop_alloc_n(d->arena, n, sizeof(struct delivery *)),
		.reply_lost = rop_alloc_n(d->arena, n, sizeof(bool)),
		.last_ms = rop_alloc_n(d->arena, nodes, sizeof(int64_t)),
		.broken = rop_alloc_n(d->arena, nodes, sizeof(bool)),
	};
	bool mid_send = dies(d, KILL_MID_SEND);
	size_t stop = mid_send ? chance_below(&d->s->chance, n) : n;
	for (size_t i = 0; i < stop; i++) {
		if (falls_silent(d))
			return;
		trace(d->s, "operator", "sends %s: '%s' to %s, because %s", steps[i].expect.subject,
		      steps[i].expect.command, steps[i].expect.address, steps[i].expect.why);
		struct rop_step step = steps[i];
		step.node = leave_node_of(d->w, d->topology, (size_t)step.node);
		put_on_wire(d, &wire, &step, i);
	}
	if (d->s->muted || mid_send || dies(d, KILL_AFTER_SEND))
		return;
	world_advance(d->w, latest(wire.done_ms, d->w->now_ms));
	for (size_t i = 0; i < n; i++) {
		outcomes[i] = outcome_of(wire.deliveries[i], wire.reply_lost[i]);
		if (outcomes[i].sent == ROP_SENT_ERROR)
			judge_refused(d->s, &steps[i]);
	}
}

static void send_batch(struct driver *d)
{
	size_t n;
	if (d->s->sabotage != SABOTAGE_NO_AGE && !rop_reconcile_sending(d->r, world_clock(d->w)))
		return;
	const struct rop_step *steps = rop_reconcile_steps(d->r, &n);
	struct rop_outcome *outcomes = rop_alloc_n(d->arena, n, sizeof *outcomes);
	if (learn_of_pause(d) && !only_restores(steps, n)) {
		for (size_t i = 0; i < n; i++) {
			outcomes[i] = (struct rop_outcome){ .sent = ROP_SENT_ERROR,
							    .text = "not sent: the cluster was paused" };
			judge_refused(d->s, &steps[i]);
		}
		rop_reconcile_sent(d->r, outcomes, world_clock(d->w));
		return;
	}
	judge_send(d->s, steps, n);
	transmit(d, steps, n, outcomes);
	bool unknown = false;
	for (size_t i = 0; i < n; i++)
		unknown |= outcomes[i].sent == ROP_SENT_UNKNOWN;
	if (d->s->sabotage == SABOTAGE_RESEND && unknown && d->end.how == ENDED_DONE)
		transmit(d, steps, n, outcomes);
	if (d->end.how != ENDED_DONE)
		return;
	rop_reconcile_sent(d->r, outcomes, world_clock(d->w));
	dies(d, KILL_AFTER_REPLY);
}

/* ---- commit ------------------------------------------------------------------------------------------------ */

/* What the entry says of rows that end is another thing than what happened. */
static void falsify(const struct sim *s, struct rop_entry *entry)
{
	size_t kept = 0;
	for (size_t i = 0; i < entry->resolutions.n; i++) {
		struct rop_resolution *end = &entry->resolutions.at[i];
		if (s->sabotage == SABOTAGE_CALL_MET &&
		    (end->status == ROP_EXPECT_REFUSED || end->status == ROP_EXPECT_EXPIRED))
			end->status = ROP_EXPECT_MET;
		if (s->sabotage != SABOTAGE_KEEP_REFUSED || end->status != ROP_EXPECT_REFUSED)
			entry->resolutions.at[kept++] = *end;
	}
	entry->resolutions.n = kept;
	struct rop_slots owned = { 0 };
	for (size_t i = 0; i < s->judge.seen->n; i++)
		rop_slots_join(&owned, &s->judge.seen->nodes[i].slots);
	if (s->sabotage == SABOTAGE_OWNED_IS_SERVED && entry->conditions_changed &&
	    rop_slots_count(&owned) == ROP_SLOTS)
		entry->conditions[ROP_COND_SLOTS_COVERED].status = ROP_TRUE;
}

static void commit(struct driver *d)
{
	struct sim *s = d->s;
	struct rop_err err = { 0 };
	struct rop_entry *entry = rop_reconcile_entry(d->r);
	bool paused = false;
	size_t n;
	const struct rop_step *steps = rop_reconcile_steps(d->r, &n);
	falsify(s, entry);
	judge_entry(s, entry);
	if (s->sabotage == SABOTAGE_SEND_FIRST && n) {
		judge_send(s, steps, n);
		transmit(d, steps, n, rop_alloc_n(d->arena, n, sizeof(struct rop_outcome)));
		if (s->muted)
			return;
	}
	if (dies(d, KILL_BEFORE_COMMIT) || dies(d, FAIL_COMMIT))
		return;
	if (!rop_store_commit(s->store, s->topology->name, entry, &paused, &err)) {
		sim_fail(s, "the store refuses an entry (code %d): %s", err.code, err.text);
		return;
	}
	if (!paused)
		judge_committed(s, entry);
	bool slow = sim_trouble(s) && chance_permille(&s->chance, s->trouble);
	if (n && slow && chance_permille(&s->chance, 100))
		faults_pause(s);
	world_advance(d->w, d->w->now_ms + chance_between(&s->chance, 0, slow ? 3000 : 10)); /* it waits for the disk */
	if (n && (dies(d, KILL_AFTER_COMMIT) || dies(d, FAIL_COMMIT_WRITTEN)))
		return;
	rop_reconcile_committed(d->r, paused);
	if (paused)
		learn_of_pause(d);
}

/* ---- the loop ---------------------------------------------------------------------------------------------- */

#define LOOKS_MAX 30000

static void stop_when_due(struct driver *d)
{
	if (d->stopped || (d->w->now_ms < d->deadline_ms && d->w->now_ms < d->plan.stop_ms))
		return;
	d->stopped = true;
	bool late = d->w->now_ms >= d->deadline_ms;
	trace(d->s, "operator", late ? "is out of time" : "is told to stop");
	rop_reconcile_stop(d->r, late ? ROP_TIMEOUT : ROP_FAIL, late ? "not converged in time" : "told to stop");
}

static void nap(struct driver *d)
{
	int64_t until = d->w->now_ms + rop_reconcile_sleep_ms(d->r);
	int64_t due = d->deadline_ms < d->plan.stop_ms ? d->deadline_ms : d->plan.stop_ms;
	if (dies(d, KILL_ASLEEP))
		return;
	world_advance(d->w, !d->stopped && due < until ? latest(due, d->w->now_ms) : until);
	stop_when_due(d);
	learn_of_pause(d);
	if (rop_reconcile_want(d->r) == ROP_WANT_SLEEP)
		rop_reconcile_woke(d->r);
}

static bool leaves_it_lowered(const struct driver *d)
{
	size_t n;
	const struct rop_step *steps = rop_reconcile_steps(d->r, &n);
	return d->s->sabotage == SABOTAGE_LEAVE_LOWERED && d->stopped && n && only_restores(steps, n);
}

static void drive(struct driver *d)
{
	for (size_t looks = 0; !d->s->failed && d->end.how == ENDED_DONE;) {
		switch (rop_reconcile_want(d->r)) {
		case ROP_WANT_OBSERVE:
			if (++looks > LOOKS_MAX)
				sim_fail(d->s, "the run does not come to an end: state %s", rop_reconcile_state(d->r));
			observe(d);
			break;
		case ROP_WANT_COMMIT: commit(d); break;
		case ROP_WANT_SEND:
			if (leaves_it_lowered(d))
				return;
			send_batch(d);
			stop_when_due(d);
			break;
		case ROP_WANT_SLEEP: nap(d); break;
		case ROP_WANT_DONE: return;
		}
	}
}

/* ---- one run ----------------------------------------------------------------------------------------------- */

static void told_transition(void *arg, const struct rop_transition *t)
{
	struct driver *d = arg;
	d->s->blocked |= strcmp(t->to, "Blocked") == 0;
	trace(d->s, "machine", "%s -> %s (%s) why=\"%s\"", t->from, t->to, t->row, t->why);
}

static void told_step(void *arg, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	struct driver *d = arg;
	if (status != ROP_EXPECT_PENDING)
		trace(d->s, "operator", "%s %s: %s%s%s", rop_step_kind_name(step->expect.kind), step->expect.subject,
		      rop_expect_status_name(status), note ? ": " : "", note ? note : "");
}

static bool load(struct driver *d, int64_t *ret_revision)
{
	struct rop_err err = { 0 };
	struct sim *s = d->s;
	if (!rop_store_load(s->store, d->arena, s->topology->name, &d->image, &err) ||
	    !rop_store_accept(s->store, s->topology->name, "digest", "canonical", "source", "sim.yaml",
			      world_clock(d->w).wall_ms, ret_revision, &err)) {
		sim_fail(s, "load: %s", err.text);
		return false;
	}
	if (s->sabotage == SABOTAGE_FORGET_RESTORE)
		d->image.temporaries.n = 0;
	if (s->sabotage == SABOTAGE_NO_HISTORY) {
		d->image.shards.n = 0;
		d->image.formed_wall_ms = 0;
	}
	if (s->sabotage == SABOTAGE_NO_MEMBERS)
		d->image.members.n = 0;
	if (s->sabotage == SABOTAGE_FORGET_PENDING)
		d->image.pending.n = 0;
	if (s->sabotage == SABOTAGE_NO_DRAINS)
		d->image.drains.n = 0;
	return true;
}

static void conclude(struct driver *d)
{
	const struct rop_situation *now = rop_reconcile_situation(d->r);
	d->end.result = rop_reconcile_result(d->r);
	d->end.text = rop_strdup(d->s->arena, d->end.result.text);
	d->end.result.text = d->end.text;
	const char *reason = now ? rop_situation_reason(now) : NULL;
	d->end.reason = reason ? rop_strdup(d->s->arena, reason) : "";
	if (d->end.how == ENDED_DONE)
		trace(d->s, "operator", "ends with code %d%s: %s", d->end.result.code,
		      d->end.result.reached ? ", reached" : "", d->end.text);
}

struct run_end operator_run(struct sim *s, struct run_plan plan)
{
	struct driver d = {
		.s = s, .w = s->world, .plan = plan, .arena = rop_arena_new(), .end = { .text = "", .reason = "" }
	};
	d.seen_at = rop_alloc_n(d.arena, s->world->truth->n, sizeof *d.seen_at);
	d.end.step = plan.step;
	d.deadline_ms = plan.keep ? NEVER : s->world->now_ms + plan.timeout_ms;
	struct rop_topology without = *s->topology;
	if (s->sabotage == SABOTAGE_NO_WEIGHTS)
		without.weights = NULL;
	if (s->sabotage == SABOTAGE_NO_BUDGET)
		without.disruption.keep_copies = 0;
	if (s->sabotage == SABOTAGE_NO_PLACEMENT)
		without.repair_placement = false;
	struct rop_reconcile_options options = {
		.machine = s->machine,
		.image = &d.image,
		.boot_id = rop_printf(d.arena, "boot-%d", s->world->boots),
		.pid = ++s->pid,
		.keep = plan.keep,
		.step = plan.step,
		.consent = s->consent,
		.takeover = s->takeover,
		.on_transition = told_transition,
		.on_step = told_step,
		.arg = &d,
	};
	s->stats->runs++;
	judge_bus_run_begins(s);
	if (load(&d, &options.revision)) {
		const char *how = plan.step ? " with --step" : "";
		trace(s, "operator", "starts%s: %zu pending, %zu temporary settings", plan.keep ? " as a daemon" : how,
		      d.image.pending.n, d.image.temporaries.n);
		options.topology = d.topology = rop_topology_leaving(
			d.arena,
			s->sabotage == SABOTAGE_NO_WEIGHTS || s->sabotage == SABOTAGE_NO_BUDGET ||
					s->sabotage == SABOTAGE_NO_PLACEMENT
				? &without
				: s->topology,
			&d.image);
		d.r = rop_reconcile_new(&options, world_clock(s->world));
		int64_t began = s->world->now_ms;
		drive(&d);
		conclude(&d);
		if (!s->failed && !s->muted) {
			judge_run_ended(s, &d.end);
			judge_bus_run_ended(s, &d.end);
		}
		if (!verdict_waited(s, &d.end, s->world->now_ms - began, &plan))
			sim_fail(s, "code 6 after %" PRId64 " ms: nothing can have been waited for",
				 s->world->now_ms - began);
		rop_reconcile_free(d.r);
		s->consent = NULL; /* for that run */
	}
	rop_arena_free(d.arena);
	return d.end;
}
