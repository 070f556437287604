/* story.c - one seed from its beginning to its end: faults for a while, then calm, in which it must come to an end. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define LATE_MS 7000    /* until the last delayed command has had its effect */
#define CALM_MS 600000  /* within which the end must be reached */
#define CRON_MS 10000   /* between two runs of apply in the calm */
#define ALONE_MS 120000 /* a twin, until its servers have come to rest */

/* Formed by the same operator, and killed in the middle of it. */
static void begin_interrupted(struct sim *s)
{
	struct run_plan plan = { .kill = (enum kill)chance_between(&s->chance, KILL_BEFORE_COMMIT, KILL_ASLEEP),
				 .nth = (int)chance_between(&s->chance, 1, 12),
				 .timeout_ms = 300000,
				 .stop_ms = NEVER };
	operator_run(s, plan);
	if (chance_permille(&s->chance, 300))
		faults_lose_database(s);
}

static void reboot(struct sim *s)
{
	s->world->boots++;
	s->world->boot_base_ms = s->world->now_ms - chance_between(&s->chance, 1, 20000);
	s->stats->reboots++;
	trace(s, "host", "of the operator is rebooted");
}

static void misfortunes(struct sim *s)
{
	struct chance *c = &s->chance;
	while (sim_trouble(s) && !s->failed && !s->muted) {
		faults_edit(s);
		wish_ask(s);
		drain_go_on(s);
		takeover_ask(s);
		struct run_end end = operator_run(s, faults_run_plan(s));
		if (!sim_trouble(s) || s->muted)
			break;
		if (end.how == ENDED_DONE && end.result.code == ROP_REFUSED)
			faults_follow_advice(s, end.reason, end.text);
		if (chance_permille(c, 80))
			reboot(s);
		if (chance_permille(c, 50))
			faults_lose_database(s);
		world_advance(s->world, s->world->now_ms + chance_between(c, 0, chance_permille(c, 500) ? 200 : 5000));
	}
}

static void resume(struct sim *s)
{
	struct rop_err err = { 0 };
	trace(s, "person", "resumes whatever was paused");
	if (!rop_store_resume(s->store, s->topology->name, NULL, world_clock(s->world).wall_ms, &err))
		sim_fail(s, "resume: %s", err.text);
}

static void ends_without(struct sim *s, const struct run_end *end)
{
	if (!verdict_is_true(s, end))
		sim_fail(s, "after the faults a run ends with code %d (%s), which the truth does not bear out: %s",
			 end->result.code, end->reason, end->text);
}

/* Nothing left to do is nothing sent (but for what waited for its time): neither with the database nor without it. */
static void judge_again(struct sim *s)
{
	for (int without = 0; without < 2 && !s->failed && !s->muted; without++) {
		if (without)
			faults_lose_database(s);
		struct run_end end = operator_run(s, faults_run_plan(s));
		if (!s->failed && !s->muted && (!end.result.reached || (end.sent && !s->placement_rests)))
			sim_fail(s, "a run over the converged cluster sends %zu commands and ends with code %d: %s",
				 end.sent, end.result.code, end.text);
	}
}

static void calm(struct sim *s)
{
	if (chance_permille(&s->chance, 850))
		resume(s);
	if (!s->calm)
		world_advance(s->world, s->faults_end_ms + LATE_MS > s->world->now_ms ? s->faults_end_ms + LATE_MS
										      : s->world->now_ms);
	while (s->edit_ms != NEVER) {
		s->edit_ms = s->world->now_ms;
		faults_edit(s);
	}
	drain_end(s);
	int64_t by = s->world->now_ms + CALM_MS;
	struct run_end end = { 0 };
	wish_ask(s);
	bool resumed = false, promised = s->calm && s->start != START_OURS;
	const struct rop_plan *plan = promised ? promise_make(s) : NULL;
	while (!s->failed && s->world->now_ms < by) {
		wish_ask(s);
		takeover_ask(s);
		if (s->failed || s->muted)
			return;
		s->left_before = moves_left(s);
		end = operator_run(s, faults_run_plan(s));
		if (s->failed || s->muted || end.result.reached)
			break;
		ends_without(s, &end);
		if (!end.reason[0] && !resumed && strstr(end.text, "is paused")) {
			resume(s);
			resumed = true;
		} else if (end.result.code == ROP_TIMEOUT && verdict_marked(s)) {
			trace(s, "story", "a fail flag has stayed until now: once more");
		} else if (end.result.code == ROP_TIMEOUT && moves_left(s) < s->left_before) {
			trace(s, "story", "slots are still on their way: once more");
		} else if (end.result.code != ROP_OK && !faults_follow_advice(s, end.reason, end.text)) {
			break; /* a true reason: the next run would say the same */
		}
		world_advance(s->world, s->world->now_ms + CRON_MS);
	}
	if (s->failed || s->muted)
		return;
	if (promised && end.result.reached && !s->unforeseen)
		promise_judge(s, plan);
	verdict_settings(s);
	if (!end.result.reached) {
		s->stats->reasons++;
		return;
	}
	s->stats->converged++;
	if (promised && s->blocked)
		sim_fail(s, "nothing went wrong, and it was blocked on its way");
	judge_moves_end(s); /* more closely than the model does */
	if (!verdict_converged(s))
		sim_fail(s, "the operator says 'reached', and the truth is not as declared");
	if (shards_apart(s->world))
		sim_fail(s, "the operator says 'reached', and a node holds a replica for one of another shard");
	if (!verdict_even(s))
		sim_fail(s, "the slots that were given out are no even shares");
	fresh_judge(s);
	judge_handover_end(s);
	judge_leave_end(s);
	judge_data_stranded(s);
	if (!s->failed)
		judge_leave_watch(s);
	judge_again(s);
}

/* A thing that the run counts the seeds of. */
void sim_lived(struct sim *s, enum lived what)
{
	if (!s->lived[what] && !s->twin)
		s->stats->lived[what]++;
	s->lived[what] = true;
}

/* Nobody operates it any more: the faults come to their end, and the servers to rest. */
static void go_on_alone(struct sim *s)
{
	int64_t by = s->faults_end_ms + LATE_MS + ALONE_MS;
	world_advance(s->world, by > s->world->now_ms ? by : s->world->now_ms);
}

static void begin_streams(struct sim *s)
{
	struct chance root = { s->seed * 0x2545f4914f6cdd1du + 1 };
	s->chance = root;
	s->fate.state = chance_next(&root) ^ 0x66617465;
	s->clients.state = chance_next(&root) ^ 0x636c6965;
	s->plights.state = chance_next(&root) ^ 0x706c6967;
	s->weights.state = chance_next(&root) ^ 0x77656967;
	s->takeovers.state = s->plights.state ^ 0x74616b65;
	s->takeover_ms = NEVER;
	s->wishes.state = chance_next(&root) ^ 0x77697368;
	s->drains.state = chance_next(&root) ^ 0x64726169;
}

bool sim_run(struct sim *s)
{
	s->arena = rop_arena_new();
	begin_streams(s);
	if (operator_open_store(s)) {
		start_make(s);
		trace_begin(s);
		if (s->start == START_OURS)
			begin_interrupted(s);
		if (s->start == START_LEAVE)
			leave_begin(s);
		faults_schedule(s);
		wish_schedule(s);
		drain_schedule(s);
		placement_declare(s);
		trace(s, "seed", "faults end at %" PRId64 " ms", s->faults_end_ms);
		s->stats->starts[s->start]++;
		misfortunes(s);
		if (!s->failed && !s->muted)
			calm(s);
		if (s->muted)
			go_on_alone(s);
		if (!s->failed)
			judge_data_end(s);
		rop_store_close(s->store);
	}
	rop_arena_free(s->judge.seen_arena);
	rop_arena_free(s->arena);
	return !s->failed;
}
