/* hand.c - a reconciler driven by hand: a world that can be held still, a journal in memory, a clock that is told. */
#include "hand.h"

#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TURNS_MAX 20000

static struct rop_transition kept(const struct rop_transition *t)
{
	return (struct rop_transition){ .from = t->from, .to = t->to, .row = rop_strdup(pool, t->row), .why = t->why };
}

static void on_transition(void *arg, const struct rop_transition *t)
{
	struct hand *hand = arg;
	*rop_push(pool, &hand->moves) = kept(t);
}

static void on_step(void *arg, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	struct hand *hand = arg;
	(void)note;
	if (status != ROP_EXPECT_PENDING)
		*rop_push(pool, &hand->ended) = rop_printf(pool, "%s %s", step->expect.subject,
							   rop_expect_status_name(status));
}

struct hand *hand_new(struct rop_topology *topology, struct rop_observed *world)
{
	struct hand *hand = rop_alloc(pool, sizeof *hand);
	hand->world = world;
	hand->clock = (struct rop_clock){ .wall_ms = 1700000000000, .boot_ms = 1000000 };
	hand->options = (struct rop_reconcile_options){
		.machine = shipped_machine(),
		.topology = topology,
		.image = &hand->image,
		.boot_id = "boot-1",
		.pid = 1,
		.revision = 1,
		.on_transition = on_transition,
		.on_step = on_step,
		.arg = hand,
	};
	return hand;
}

void hand_stop(struct hand *hand)
{
	rop_reconcile_free(hand->r);
	hand->r = NULL;
}

void hand_start(struct hand *hand)
{
	hand_stop(hand);
	hand->r = rop_reconcile_new(&hand->options, hand->clock);
}

/* ---- the journal ------------------------------------------------------------------------------------------------- */

/* The newest try of a setting is remembered where the servers write it their own way. */
static void remember_tried(struct rop_image *image, const struct rop_expect *e, const char *note)
{
	struct rop_expect *tried = NULL;
	for (size_t i = 0; !tried && i < image->tried.n; i++)
		if (strcmp(image->tried.at[i].subject, e->subject) == 0)
			tried = &image->tried.at[i];
	if (!tried)
		tried = rop_push(pool, &image->tried);
	*tried = rop_expect_dup(pool, e);
	tried->status = ROP_EXPECT_MET;
	tried->note = rop_strdup(pool, note);
}

/* What was set and no CONFIG REWRITE came after: as the database finds it by the order of its rows. */
static void remember_written_down(struct rop_image *image, const struct rop_expect *e, const struct rop_resolution *end)
{
	static struct rop_expect rewrites[1024];
	size_t at = (size_t)strtoul(e->node + ROP_ID_SIZE - 1 - 8, NULL, 16);
	cr_assert_lt(at, 1024);
	if (e->kind == ROP_STEP_SETTING && end->status == ROP_EXPECT_MET && rewrites[at].id < e->id) {
		struct rop_expect *entry = rop_push(pool, &image->unwritten);
		*entry = rop_expect_dup(pool, e);
		entry->note = NULL;
	}
	if (e->kind != ROP_STEP_PERSIST)
		return;
	bool written = end->status == ROP_EXPECT_MET && !end->note;
	if (written)
		rewrites[at].id = e->id;
	for (size_t i = image->unwritten.n; i-- > 0;) {
		struct rop_expect *entry = &image->unwritten.at[i];
		if (strcmp(entry->node, e->node) != 0)
			continue;
		entry->note = rop_strdup(pool, end->note);
		entry->status = end->status;
		if (written && entry->id < e->id)
			*entry = image->unwritten.at[--image->unwritten.n];
	}
}

static void resolve(struct rop_image *image, const struct rop_resolution *end)
{
	for (size_t i = 0; i < image->pending.n; i++) {
		if (image->pending.at[i].id != end->id)
			continue;
		remember_written_down(image, &image->pending.at[i], end);
		if (end->status == ROP_EXPECT_MET && end->note && strncmp(end->note, ROP_KEPT_AS, 8) == 0)
			remember_tried(image, &image->pending.at[i], end->note);
		image->pending.at[i] = image->pending.at[--image->pending.n];
		return;
	}
	cr_assert_fail("a resolution of row %lld, which is not pending", (long long)end->id);
}

static void add_pending(struct hand *hand, struct rop_expect *e)
{
	struct rop_image *image = &hand->image;
	struct rop_slots range = { 0 }, other = { 0 };
	if (e->kind == ROP_STEP_SLOTS)
		rop_slots_add(&range, e->first, e->last);
	for (size_t i = 0; i < image->pending.n; i++) {
		const struct rop_expect *p = &image->pending.at[i];
		cr_assert_str_neq(p->subject, e->subject, "a second pending expectation on %s", e->subject);
		if (p->kind == ROP_STEP_SLOTS)
			rop_slots_add(&other, p->first, p->last);
	}
	cr_assert_not(rop_slots_meet(&range, &other), "%s: some of these slots are claimed already", e->subject);
	cr_assert(e->command && e->address && e->precondition && e->why && e->attempts >= 1 &&
		  e->status == ROP_EXPECT_PENDING);
	e->id = ++hand->next_id;
	*rop_push(pool, &image->pending) = rop_expect_dup(pool, e);
}

static bool same_temporary(const struct rop_temporary *a, const struct rop_temporary *b)
{
	return strcmp(a->node, b->node) == 0 && strcmp(a->name, b->name) == 0;
}

static void change_temporaries(struct rop_image *image, const struct rop_entry *entry)
{
	for (size_t i = 0; i < entry->temporaries_gone.n; i++)
		for (size_t k = image->temporaries.n; k-- > 0;)
			if (same_temporary(&image->temporaries.at[k], &entry->temporaries_gone.at[i]))
				image->temporaries.at[k] = image->temporaries.at[--image->temporaries.n];
	for (size_t i = 0; i < entry->temporaries_set.n; i++) {
		const struct rop_temporary *t = &entry->temporaries_set.at[i];
		bool known = false;
		for (size_t k = 0; k < image->temporaries.n; k++)
			known |= same_temporary(&image->temporaries.at[k], t);
		if (known)
			continue;
		struct rop_temporary *copy = rop_push(pool, &image->temporaries);
		*copy = *t;
		copy->address = rop_strdup(pool, t->address);
		copy->name = rop_strdup(pool, t->name);
		copy->original = rop_strdup(pool, t->original);
		copy->temporary = rop_strdup(pool, t->temporary);
	}
}

static void write_shards(struct rop_image *image, const struct rop_entry *entry)
{
	image->shards.n = 0;
	for (size_t s = 0; s < entry->shards.n; s++) {
		struct rop_shard_memory *shard = rop_push(pool, &image->shards);
		const struct rop_shard_memory *from = &entry->shards.at[s];
		*shard = (struct rop_shard_memory){ .number = from->number, .slots = rop_strdup(pool, from->slots) };
		for (size_t c = 0; c < from->copies.n; c++) {
			struct rop_copy_memory *copy = rop_push(pool, &shard->copies);
			*copy = from->copies.at[c];
			copy->address = rop_strdup(pool, copy->address);
		}
	}
}

/* As the store counts them: fail-overs that did not come. */
static void note_failure(struct rop_image *image, const struct rop_resolution *end)
{
	bool failed = end->status == ROP_EXPECT_REFUSED || end->status == ROP_EXPECT_EXPIRED;
	for (size_t i = 0; image->wish.id && failed && i < image->pending.n; i++) {
		const struct rop_expect *e = &image->pending.at[i];
		if (e->id != end->id || e->kind != ROP_STEP_FAILOVER)
			continue;
		image->wish.failures++;
		image->wish.failed_boot_ms = e->issued_boot_ms;
		image->wish.locked = end->status == ROP_EXPECT_EXPIRED;
		image->wish.failure = rop_strdup(pool, end->note);
	}
}

static void begin_wish(struct hand *hand, struct rop_entry *entry)
{
	struct rop_wish *wish = &hand->image.wish;
	cr_assert_eq(wish->id, 0, "one wish at a time");
	entry->wish_begin.id = ++hand->next_id;
	*wish = entry->wish_begin;
	wish->asked_wall_ms = entry->wall_ms;
	const char **texts[] = { &wish->address, &wish->primary_address, &wish->by.user,
				 &wish->by.host, &wish->by.command,      &wish->by.reason };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_strdup(pool, *texts[i]);
}

static void write_down(struct hand *hand, struct rop_entry *entry)
{
	struct rop_image *image = &hand->image;
	image->known = true;
	snprintf(image->boot_id, sizeof image->boot_id, "%s", entry->boot_id);
	for (size_t i = 0; i < entry->resolutions.n; i++) {
		note_failure(image, &entry->resolutions.at[i]);
		resolve(image, &entry->resolutions.at[i]);
	}
	if (entry->wish_end.id) {
		cr_assert_eq(entry->wish_end.id, image->wish.id);
		image->last_wish = image->wish;
		image->last_wish.status = entry->wish_end.status;
		image->last_wish.note = rop_strdup(pool, entry->wish_end.note);
		image->last_wish.closed_wall_ms = entry->wall_ms;
		image->wish = (struct rop_wish){ 0 };
	}
	if (entry->wish_begin.shard)
		begin_wish(hand, entry);
	for (size_t i = 0; i < entry->transitions.n; i++)
		*rop_push(pool, &hand->written) = kept(&entry->transitions.at[i]);
	for (size_t i = 0; i < entry->expects.n; i++)
		add_pending(hand, &entry->expects.at[i]);
	change_temporaries(image, entry);
	if (entry->members_changed) {
		image->members.n = 0;
		for (size_t i = 0; i < entry->members.n; i++) {
			struct rop_member *member = rop_push(pool, &image->members);
			*member = entry->members.at[i];
			member->address = rop_strdup(pool, member->address);
			member->ip = rop_strdup(pool, member->ip);
		}
	}
	if (entry->shards_changed)
		write_shards(image, entry);
	if (entry->state)
		image->state = rop_strdup(pool, entry->state);
	if (entry->formed)
		image->formed_wall_ms = entry->wall_ms;
	if (entry->moving != ROP_UNKNOWN)
		image->moving = entry->moving == ROP_TRUE;
	if (entry->reached_revision)
		image->reached_revision = entry->reached_revision;
	for (int i = 0; entry->conditions_changed && i < ROP_CONDITIONS_N; i++) {
		image->conditions[i] = entry->conditions[i];
		image->conditions[i].reason = rop_strdup(pool, entry->conditions[i].reason);
		image->conditions[i].message = rop_strdup(pool, entry->conditions[i].message);
	}
}

static void commit(struct hand *hand)
{
	struct rop_entry *entry = rop_reconcile_entry(hand->r);
	cr_assert_not(rop_entry_empty(entry), "a pass that changes nothing commits nothing");
	bool refused = hand->paused && !entry->ignore_pause;
	if (!refused) {
		hand->commits++;
		write_down(hand, entry);
	}
	rop_reconcile_committed(hand->r, refused);
}

/* ---- the servers ------------------------------------------------------------------------------------------------- */

static void send_all(struct hand *hand)
{
	size_t n;
	const struct rop_step *steps = rop_reconcile_steps(hand->r, &n);
	struct rop_outcome *outcomes = rop_alloc_n(pool, n, sizeof *outcomes);
	cr_assert_gt(n, 0, "a batch of nothing");
	for (size_t i = 0; i < n; i++) {
		struct rop_step copy = steps[i];
		copy.expect = rop_expect_dup(pool, &steps[i].expect);
		copy.state = rop_strdup(pool, steps[i].state);
		*rop_push(pool, &hand->sent) = copy;
		outcomes[i].sent = hand->answer ? hand->answer(hand, &copy, &outcomes[i].text) : ROP_SENT_OK;
		if (outcomes[i].sent == ROP_SENT_OK && !hand->frozen)
			rop_step_effect(&copy.expect, hand->world);
	}
	if (!hand->frozen)
		rop_settle(hand->world);
	rop_reconcile_sent(hand->r, outcomes, hand->clock);
}

static void advance(struct hand *hand, int64_t ms)
{
	hand->clock.boot_ms += ms;
	hand->clock.wall_ms += ms;
}

static void look(struct hand *hand)
{
	struct rop_observed *seen = rop_observed_copy(rop_arena_new(), hand->world);
	advance(hand, 1);
	seen->boot_ms = hand->clock.boot_ms;
	hand->looks++;
	rop_reconcile_observed(hand->r, seen, hand->clock);
}

enum rop_want hand_turn(struct hand *hand)
{
	enum rop_want want = rop_reconcile_want(hand->r);
	switch (want) {
	case ROP_WANT_OBSERVE: look(hand); break;
	case ROP_WANT_COMMIT: commit(hand); break;
	case ROP_WANT_SEND: send_all(hand); break;
	case ROP_WANT_SLEEP:
		cr_assert_gt(rop_reconcile_sleep_ms(hand->r), 0, "no busy waiting");
		advance(hand, rop_reconcile_sleep_ms(hand->r));
		if (!hand->frozen)
			rop_settle(hand->world);
		rop_reconcile_woke(hand->r);
		break;
	case ROP_WANT_DONE: break;
	}
	return want;
}

void hand_until(struct hand *hand, enum rop_want want)
{
	for (int turns = 0; rop_reconcile_want(hand->r) != want; turns++) {
		cr_assert_lt(turns, TURNS_MAX, "it never wants %d", want);
		cr_assert_neq(hand_turn(hand), ROP_WANT_DONE, "it is done before it wants %d", want);
	}
}

void hand_look(struct hand *hand)
{
	hand_until(hand, ROP_WANT_OBSERVE);
	do
		hand_turn(hand);
	while (rop_reconcile_want(hand->r) == ROP_WANT_COMMIT || rop_reconcile_want(hand->r) == ROP_WANT_SEND);
}

struct rop_result hand_run(struct hand *hand)
{
	hand_until(hand, ROP_WANT_DONE);
	return rop_reconcile_result(hand->r);
}

/* ---- what was seen of it ------------------------------------------------------------------------------------------
 */

size_t hand_sent(const struct hand *hand, enum rop_step_kind kind)
{
	size_t n = 0;
	for (size_t i = 0; i < hand->sent.n; i++)
		n += hand->sent.at[i].expect.kind == kind;
	return n;
}

size_t hand_ended(const struct hand *hand, const char *status)
{
	size_t n = 0;
	for (size_t i = 0; i < hand->ended.n; i++)
		n += strcmp(strrchr(hand->ended.at[i], ' ') + 1, status) == 0;
	return n;
}

bool hand_moved(const struct hand *hand, const char *from, const char *to)
{
	for (size_t i = 0; i < hand->moves.n; i++)
		if (strcmp(hand->moves.at[i].from, from) == 0 && strcmp(hand->moves.at[i].to, to) == 0)
			return true;
	return false;
}

/* ---- the operator under test ---------------------------------------------------------------------------------------
 */

struct hand *op;

void start_fresh(void)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	op = hand_new(topology, fresh_world(topology));
}

void start_formed(void)
{
	struct rop_topology *topology = topology_of(3, 1, 6);
	op = hand_new(topology, formed_world(topology));
}

const char *state(void)
{
	return rop_reconcile_state(op->r);
}

void hand_teardown(void)
{
	if (op)
		hand_stop(op);
	world_teardown();
}

enum rop_sent hand_refuses_failover(struct hand *hand, const struct rop_step *step, const char **ret_text)
{
	(void)hand;
	(void)step;
	*ret_text = "ERR Master is down or failed, please use CLUSTER FAILOVER FORCE";
	return ROP_SENT_ERROR;
}
