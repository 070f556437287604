/* pass.c - one pass: expectations are matched with what is seen, the situation is made of it, the machine moves
 * (moves.c), what is to be written is gathered (gather.c), and when to look again is decided. */
#include <string.h>

#include "pass.h"
#include "rop/text.h"

#define SOON_MS 250          /* who waits for something looks again that soon, at rest */
#define AT_ONCE_MS 8         /* while something moves */
#define IDLE_MS 1000         /* nothing has moved for so long: it need not be looked at so often ... */
#define IDLE_SHARE 20        /* ... but after a twentieth more of that time */
#define TROUBLE_LOOK_MS 5000 /* where something may heal, it is seen within that time */

/* ---- expectations ------------------------------------------------------------------------------------------ */

/* As the database will have it. */
static void note_handed(struct rop_reconcile *r, const struct rop_expect *e)
{
	struct rop_image *image = &r->image;
	if (e->status != ROP_EXPECT_MET || e->kind != ROP_STEP_FAILOVER)
		return;
	if (image->handed.n < ROP_HANDED_MAX)
		rop_push(r->arena, &image->handed);
	for (size_t i = image->handed.n; i-- > 1;)
		image->handed.at[i] = image->handed.at[i - 1];
	image->handed.at[0].boot_ms = e->issued_boot_ms;
	memcpy(image->handed.at[0].node, e->peer, ROP_ID_SIZE);
}

static void note_failure(struct rop_wish *wish, const struct rop_expect *e)
{
	bool failed = e->status == ROP_EXPECT_REFUSED || e->status == ROP_EXPECT_EXPIRED;
	if (!wish->id || e->kind != ROP_STEP_FAILOVER || !failed)
		return;
	wish->failures++;
	wish->failed_boot_ms = e->issued_boot_ms;
	wish->failure = e->note;
	wish->locked = e->status == ROP_EXPECT_EXPIRED;
}

void pass_end_step(struct rop_reconcile *r, size_t at, enum rop_expect_status status, const char *note, int64_t boot_ms)
{
	struct rop_step *step = &r->pending.at[at];
	step->expect.status = status;
	step->expect.note = rop_strdup(r->arena, note);
	*rop_push(r->arena, &r->ended) = (struct rop_resolution){ .id = step->expect.id,
								  .status = status,
								  .note = step->expect.note };
	rop_tries_ended(r->tries, &step->expect, status, boot_ms);
	note_failure(&r->image.wish, &step->expect);
	note_handed(r, &step->expect);
	if (r->options.on_step)
		r->options.on_step(r->options.arg, step, status, note);
	r->pending.at[at] = r->pending.at[--r->pending.n];
}

/* What a server made of the value that it took: `hz 1000` is shown as 500, `KEA` as AKE. Answered with OK, and the same
 * in two looks. */
static const char *shown_instead(struct rop_reconcile *r, struct rop_expect *e, const struct rop_observed *seen)
{
	int node = rop_observed_find(seen, e->node);
	if (node < 0 || !rop_answers(seen, (size_t)node)) { /* it may come back without what it took */
		e->accepted = false;
		return NULL;
	}
	const char *value = e->name ? rop_observed_value(seen, (size_t)node, e->name) : NULL;
	if (e->kind != ROP_STEP_SETTING || !e->accepted || !value)
		return NULL;
	if (rop_streq(e->shown, value))
		return e->shown;
	e->shown = rop_strdup(r->arena, value);
	return NULL;
}

static struct rop_expect *find_tried(struct rop_reconcile *r, const struct rop_expect *e)
{
	for (size_t i = 0; i < r->image.tried.n; i++)
		if (strcmp(r->image.tried.at[i].node, e->node) == 0 && strcmp(r->image.tried.at[i].name, e->name) == 0)
			return &r->image.tried.at[i];
	return NULL;
}

static void remember_kept(struct rop_reconcile *r, const struct rop_expect *e, const char *note)
{
	struct rop_expect *tried = find_tried(r, e);
	if (!tried)
		tried = rop_push(r->arena, &r->image.tried);
	*tried = *e;
	tried->status = ROP_EXPECT_MET;
	tried->note = note;
}

/* Once may be somebody else, who set it right after us. When a second try of the same comes to the same, that is as
 * near as it comes. */
static void end_shown(struct rop_reconcile *r, size_t at, const char *shown, int64_t boot_ms)
{
	const struct rop_expect *e = &r->pending.at[at].expect, *before = find_tried(r, e);
	const char *once = rop_printf(r->pass, "%s is shown as %s", e->value, shown);
	const char *kept = rop_printf(r->arena, ROP_KEPT_AS "%s", shown);
	bool again = rop_streq(rop_tries_note(r->tries, e->subject), once) ||
		     (before && rop_streq(before->value, e->value) && rop_streq(before->note, kept));
	if (!again) {
		pass_end_step(r, at, ROP_EXPECT_EXPIRED, once, boot_ms);
		return;
	}
	remember_kept(r, e, kept);
	pass_end_step(r, at, ROP_EXPECT_MET, kept, boot_ms);
}

static void match_pending(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	for (size_t i = r->pending.n; i-- > 0;) {
		struct rop_expect *expect = &r->pending.at[i].expect;
		const char *instead;
		if (rop_expect_seen(expect, seen))
			pass_end_step(r, i, ROP_EXPECT_MET, NULL, clock.boot_ms);
		else if ((instead = shown_instead(r, expect, seen)))
			end_shown(r, i, instead, clock.boot_ms);
		else if (clock.boot_ms >= expect->deadline_boot_ms)
			pass_end_step(r, i, ROP_EXPECT_EXPIRED, "its effect was not seen in time", clock.boot_ms);
	}
}

static bool subject_is_pending(const struct rop_reconcile *r, const struct rop_temporary *t)
{
	for (size_t i = 0; i < r->pending.n; i++) {
		const struct rop_expect *e = &r->pending.at[i].expect;
		if (e->name && strcmp(e->name, t->name) == 0 && strcmp(e->node, t->node) == 0)
			return true;
	}
	return false;
}

/* A temporary setting is over when its node shows another value: ours put back, or a person's own. */
static void match_temporaries(struct rop_reconcile *r, const struct rop_observed *seen)
{
	for (size_t i = r->image.temporaries.n; i-- > 0;) {
		struct rop_temporary *t = &r->image.temporaries.at[i];
		int node = rop_observed_find(seen, t->node);
		bool answers = node >= 0 && rop_answers(seen, (size_t)node);
		const char *value = answers ? rop_observed_value(seen, (size_t)node, t->name) : NULL;
		if (!value || strcmp(value, t->temporary) == 0 || subject_is_pending(r, t))
			continue;
		*rop_push(r->arena, &r->gone) = *t;
		r->image.temporaries.at[i] = r->image.temporaries.at[--r->image.temporaries.n];
	}
}

/* ---- when to look again ------------------------------------------------------------------------------------- */

/* The longest wait. A one-shot run that is not done waits for something, so it looks again soon. Who keeps a cluster
 * looks at it every spec.intervals.observe; where it is not as declared (Degraded, Blocked, Paused), or nothing has
 * moved for minutes (a replica takes over much data, say), within five seconds, however long the interval is. */
static int64_t longest_wait(const struct rop_reconcile *r, bool final)
{
	int64_t interval = r->options.topology->interval_ms;
	int64_t trouble = interval < TROUBLE_LOOK_MS ? interval : TROUBLE_LOOK_MS;
	if (!r->options.keep)
		return SOON_MS;
	if (final && r->reached)
		return interval;
	return final || trouble > SOON_MS ? trouble : SOON_MS;
}

/* On its way: often while something moves, more seldom the longer nothing does. */
static int64_t wait_under_way(const struct rop_reconcile *r, struct rop_clock clock)
{
	int64_t idle = clock.boot_ms - r->idle_since_boot_ms;
	return AT_ONCE_MS + (idle > IDLE_MS ? idle / IDLE_SHARE : 0);
}

/* At rest somewhere else than declared: as long as may be, but a step may be tried again before that. */
static int64_t wait_in_trouble(const struct rop_reconcile *r, struct rop_clock clock, int64_t longest)
{
	int64_t next = rop_tries_next_ms(r->tries, clock.boot_ms);
	if (next == INT64_MAX || next - clock.boot_ms >= longest)
		return longest;
	return next - clock.boot_ms > SOON_MS ? next - clock.boot_ms : SOON_MS;
}

/* Never later than look_at_most_ms. */
static int64_t time_to_look_again(const struct rop_reconcile *r, struct rop_clock clock)
{
	bool final = r->options.machine->states[r->state].final && !r->pending.n;
	int64_t longest = longest_wait(r, final), wait = longest, look_by = r->options.look_at_most_ms;
	if (!final)
		wait = wait_under_way(r, clock);
	else if (!r->reached)
		wait = wait_in_trouble(r, clock, longest);
	if (wait > longest)
		wait = longest;
	return look_by && wait > look_by ? look_by : wait;
}

/* ---- the pass ---------------------------------------------------------------------------------------------- */

/* Of what is left to be moved. */
static uint64_t left_to_move(const struct rop_situation *now)
{
	int64_t left[] = { now->slots_to_move, 0, 0, 0 };
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		left[1] += node->open_slots;
		for (size_t k = 0; k < node->n_jobs;
		     k++) /* a job that is at work goes on: the server ends it otherwise */
			if (node->jobs[k].state == ROP_JOB_RUNS)
				left[3] = now->boot_ms;
		for (size_t k = 0; k < node->open.n; k++)
			left[2] += node->open.at[k].importing ? 0 : node->open.at[k].keys;
	}
	return rop_digest(ROP_DIGEST_START, left, sizeof left);
}

static void note_progress(struct rop_reconcile *r, struct rop_clock clock)
{
	uint64_t progress = r->now->slots_in_place ? 0 : left_to_move(r->now);
	if (r->now->slots_in_place && r->now->aim) /* without one nobody knows: the cluster is not whole */
		r->moving = false;
	if (progress != r->progress)
		r->progress_boot_ms = clock.boot_ms;
	r->progress = progress;
	if (!r->now->slots_to_move)
		r->to_move_at_first = 0;
	else if (!r->to_move_at_first || r->now->slots_to_move > r->to_move_at_first) {
		r->to_move_at_first = r->now->slots_to_move;
		r->moving_since_boot_ms = clock.boot_ms;
	}
	r->now->to_move_at_first = r->to_move_at_first;
	r->now->moving_ms = r->to_move_at_first ? clock.boot_ms - r->moving_since_boot_ms : 0;
	r->now->stalled_ms = r->now->slots_in_place ? 0 : clock.boot_ms - r->progress_boot_ms;
}

static void make_situation(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	struct rop_consent consent = r->consent;
	r->now = rop_situation_make(&(struct rop_situation){
		.arena = r->pass,
		.topology = r->options.topology,
		.seen = seen,
		.image = &r->image,
		.tries = r->tries,
		.instance = r->options.instance,
		.wall_ms = clock.wall_ms,
		.boot_ms = clock.boot_ms,
		.may_lower = !r->options.step && !r->stopping,
		.has_acted = r->batches > 0,
		.looks_once = r->options.predict,
		.moving = r->moving,
		.only_wish = r->options.only_wish,
		.only_drain = r->options.only_drain,
		.before = r->before,
		.consent = &consent,
		.to_take_over = r->options.takeover,
		.warn_of_found = r->options.keep,
		.ends = r->stopping,
	});
	remember_consent(r, &consent);
	r->now->consent = &r->consent; /* for the planners of this pass */
	r->now->finding_gone = r->reported_finding && !r->now->findings.n;
	if (!r->now->views_agree)
		r->agreed_since_boot_ms = -1;
	else if (r->agreed_since_boot_ms < 0)
		r->agreed_since_boot_ms = clock.boot_ms;
	note_progress(r, clock);
	r->now->agreed_ms = r->now->views_agree ? clock.boot_ms - r->agreed_since_boot_ms : 0;
}

void pass_decide(struct rop_reconcile *r, const struct rop_observed *seen, struct rop_clock clock)
{
	r->result.passes++;
	r->state_before = r->state;
	r->state_since_before = r->state_since_boot_ms;
	r->roaming_before = r->roaming;
	r->news = false;
	memset(&r->held_before, 0, sizeof r->held_before);
	memset(&r->child_moves, 0, sizeof r->child_moves);
	r->children_before = children_copy(r->pass, r->children.at, r->children.n);
	r->n_children_before = r->children.n;
	for (size_t i = 0; i < r->held.n; i++)
		*rop_push(r->pass, &r->held_before) = r->held.at[i];
	r->entry = (struct rop_entry){ 0 };
	r->batch = (struct rop_batch){ .arena = r->pass };
	r->rests = false;
	match_pending(r, seen, clock);
	match_temporaries(r, seen);
	rop_tries_forgive(r->tries, clock.boot_ms);
	make_situation(r, seen, clock);
	if (r->stopping)
		moves_stopping(r, clock);
	else
		moves_run(r, clock);
	bool moved = r->batch.steps.n || (r->state != r->state_before && r->news) || r->ended.n;
	r->idle_passes = moved ? 0 : r->idle_passes + 1;
	if (moved)
		r->idle_since_boot_ms = clock.boot_ms;
	r->sleep_ms = time_to_look_again(r, clock);
	gather_entry(r, clock);
	remember_look(r, seen, clock);
}
