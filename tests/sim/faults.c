/* faults.c - what goes wrong until the faults end: nodes die, clocks jump, the operator is killed, a person types. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

const char *const KILL_NAMES[KILLS_N] = { "not killed", "before the commit", "after the commit, before sending", "between two sends",
					  "after sending, before the reply", "after the reply, before the next commit", "asleep",
					  "the commit fails", "the commit fails, but was written" };

bool sim_trouble(const struct sim *s)
{
	return s->world->now_ms < s->faults_end_ms;
}

static int64_t some_time(struct sim *s)
{
	return chance_between(&s->chance, s->world->now_ms, s->faults_end_ms - 1);
}

static void schedule_deaths(struct sim *s)
{
	struct chance *c = &s->chance;
	size_t deaths = chance_permille(c, 400) ? chance_below(c, 4) : 0;
	for (size_t i = 0; i < deaths; i++) {
		struct event event = { .kind = EVENT_DOWN, .node = (int)chance_below(c, s->world->truth->n) };
		int64_t down = some_time(s), back = down + chance_between(c, 100, 8000);
		world_at(s->world, down, event);
		event.kind = EVENT_UP;
		world_at(s->world, back < s->faults_end_ms ? back : s->faults_end_ms, event);
	}
	if (chance_permille(c, 40)) {
		size_t node = chance_below(c, s->world->truth->n);
		s->world->servers[node].for_good = true;
		world_at(s->world, some_time(s), (struct event){ .kind = EVENT_DOWN, .node = (int)node });
	}
}

void faults_schedule(struct sim *s)
{
	static const int64_t TROUBLE[] = { 0, 20, 60, 150, 300 };
	struct chance *c = &s->chance;
	s->calm = chance_permille(c, 100);
	if (s->calm)
		return;
	s->trouble = TROUBLE[chance_below(c, sizeof TROUBLE / sizeof *TROUBLE)];
	s->faults_end_ms = s->world->now_ms + chance_between(c, 1000, chance_permille(c, 200) ? 40000 : 8000);
	schedule_deaths(s);
	for (size_t acts = chance_permille(c, 500) ? chance_below(c, 5) : 0; acts > 0; acts--)
		world_at(s->world, some_time(s), (struct event){ .kind = EVENT_PERSON });
	for (size_t jumps = chance_permille(c, 300) ? chance_below(c, 3) : 0; jumps > 0; jumps--)
		world_at(s->world, some_time(s), (struct event){ .kind = EVENT_WALL, .amount = chance_between(c, -3600000, 3600000) });
}

/* ---- a person ---------------------------------------------------------------------------------------------- */

static struct delivery *type(struct world *w, enum rop_step_kind kind, size_t node, int peer)
{
	struct delivery *d = rop_alloc(w->arena, sizeof *d);
	d->node = (int)node;
	d->deaths = w->servers[node].deaths;
	d->decided_ms = -1;
	d->expect.kind = kind;
	d->expect.first = d->expect.last = -1;
	d->expect.command = rop_step_kind_name(kind);
	memcpy(d->expect.node, w->truth->nodes[node].id, ROP_ID_SIZE);
	if (peer >= 0)
		memcpy(d->expect.peer, w->truth->nodes[peer].id, ROP_ID_SIZE);
	return d;
}

static bool is_declared(const struct sim *s, const char *name)
{
	for (size_t i = 0; i < s->topology->settings.n; i++)
		if (strcmp(s->topology->settings.at[i].name, name) == 0)
			return true;
	return false;
}

static void person_sets(struct world *w, size_t node)
{
	static const char *const NAMES[] = { "cluster-node-timeout", "repl-diskless-sync-delay" };
	static const char *const VALUES[][2] = { { "7000", "3000" }, { "3", "2" } };
	size_t which = chance_below(&w->sim->chance, 2);
	struct delivery *d = type(w, ROP_STEP_SETTING, node, -1);
	d->expect.name = NAMES[which];
	d->expect.value = VALUES[which][chance_below(&w->sim->chance, 2)];
	server_execute(w, d);
	int at = rop_observed_setting(w->truth, d->expect.name);
	if (!d->executed || !d->ok)
		return;
	w->servers[node].person_ms[at] = w->now_ms;
	w->servers[node].orphaned[at] = false;
	if (!is_declared(w->sim, d->expect.name))
		w->servers[node].want[at] = d->expect.value;
}

static void person_adds_slots(struct world *w, size_t node)
{
	struct rop_slots owned = { 0 };
	for (size_t i = 0; i < w->truth->n; i++)
		rop_slots_join(&owned, &w->truth->nodes[i].slots);
	int first = (int)chance_below(&w->sim->chance, ROP_SLOTS - 10);
	for (int slot = first; slot < first + 10; slot++)
		if (rop_slots_has(&owned, slot))
			return;
	struct delivery *d = type(w, ROP_STEP_SLOTS, node, -1);
	d->expect.first = first;
	d->expect.last = first + (int)chance_below(&w->sim->chance, 10);
	server_execute(w, d);
	w->sim->person_assigned |= d->executed && d->ok;
}

static void person_pauses(struct sim *s, bool resume)
{
	struct rop_err err = { 0 };
	int64_t wall = world_clock(s->world).wall_ms;
	int64_t until = chance_permille(&s->chance, 500) ? wall + chance_between(&s->chance, 100, 20000) : 0;
	trace(s, "person", resume ? "resumes the cluster" : "pauses the cluster");
	bool ok = resume ? rop_store_resume(s->store, s->topology->name, wall, &err) :
			   rop_store_pause(s->store, s->topology->name, until, "a person", wall, &err);
	if (!ok)
		sim_fail(s, "pause or resume: %s", err.text);
}

void faults_person(struct world *w)
{
	struct chance *c = &w->sim->chance;
	size_t node = chance_below(c, w->truth->n), other = chance_below(c, w->truth->n), act = chance_below(c, 12);
	w->sim->stats->person++;
	if (act < 6 && !w->servers[node].up)
		return;
	if (act < 6)
		trace(w->sim, "person", "types a command at node %zu", node);
	if (act < 2 && node != other)
		server_execute(w, type(w, ROP_STEP_MEET, node, (int)other));
	else if (act < 4)
		person_sets(w, node);
	else if (act == 4)
		person_adds_slots(w, node);
	else if (act == 5) {
		struct delivery *d = type(w, ROP_STEP_ROLE, node, (int)other);
		server_execute(w, d);
		w->sim->person_replicated |= d->executed && d->ok;
	} else
		person_pauses(w->sim, act > 8);
}

/* ---- the operator's own misfortunes ------------------------------------------------------------------------ */

void faults_lose_database(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	if (!rop_store_load(s->store, scratch, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	for (size_t t = 0; t < image.temporaries.n; t++) {
		int node = rop_observed_find(s->world->truth, image.temporaries.at[t].node);
		int at = rop_observed_setting(s->world->truth, image.temporaries.at[t].name);
		if (node >= 0 && at >= 0)
			s->world->servers[node].orphaned[at] = true;
	}
	s->stats->databases_lost++;
	trace(s, "database", "is lost, with %zu temporary settings", image.temporaries.n);
	rop_store_close(s->store);
	operator_open_store(s);
	judge_forget_rows(s);
}

struct run_plan faults_run_plan(struct sim *s)
{
	struct chance *c = &s->chance;
	struct run_plan plan = { .timeout_ms = 60000, .stop_ms = NEVER };
	if (!sim_trouble(s))
		return plan;
	if (chance_permille(c, 650)) {
		plan.kill = (enum kill)chance_between(c, 1, KILLS_N - 1);
		plan.nth = (int)chance_between(c, 1, chance_permille(c, 300) ? 12 : 4);
	}
	plan.keep = chance_permille(c, 150);
	plan.step = !plan.keep && chance_permille(c, 80);
	if (chance_permille(c, 300))
		plan.timeout_ms = chance_between(c, 500, 30000);
	if (chance_permille(c, plan.keep ? 1000 : 80))
		plan.stop_ms = s->world->now_ms + chance_between(c, 0, 15000);
	return plan;
}
