/* faults.c - what goes wrong until the faults end: nodes die, clocks jump, the operator is killed, a person types. */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

const char *const KILL_NAMES[KILLS_N] = { "not killed",
					  "before the commit",
					  "after the commit, before sending",
					  "between two sends",
					  "after sending, before the reply",
					  "after the reply, before the next commit",
					  "asleep",
					  "the commit fails",
					  "the commit fails, but was written" };

bool sim_trouble(const struct sim *s)
{
	return s->world->now_ms < s->faults_end_ms;
}

static int64_t some_time(struct sim *s)
{
	return chance_between(&s->fate, s->world->now_ms, s->faults_end_ms - 1);
}

static void schedule_death(struct sim *s, size_t node, int64_t down_ms, int64_t for_ms, int64_t how)
{
	int64_t back = down_ms + for_ms;
	world_at(s->world, down_ms, (struct event){ .kind = EVENT_DOWN, .node = (int)node, .amount = how });
	struct event up = { .kind = EVENT_UP, .node = (int)node };
	world_at(s->world, back < s->faults_end_ms ? back : s->faults_end_ms, up);
}

/* At once, and for long enough that somebody takes over. */
void faults_death(struct sim *s, size_t node)
{
	if (s->world->now_ms < s->faults_end_ms)
		schedule_death(s, node, s->world->now_ms + 1, 20000, 0);
}

/* What a node loses with its process: each on its own. */
static int64_t some_loss(struct sim *s)
{
	struct chance *c = &s->fate;
	int64_t how = chance_permille(c, 150) ? DOWN_FROZEN : 0;
	if (!how && chance_permille(c, 200))
		how |= DOWN_LOSES_CONF;
	if (how != DOWN_FROZEN && chance_permille(c, how ? 600 : 200))
		how |= DOWN_LOSES_DATA;
	return how;
}

static void schedule_deaths(struct sim *s)
{
	struct chance *c = &s->fate;
	bool living = start_is_living(s->start);
	int64_t some_die = living ? 700 : 400;
	size_t deaths = chance_permille(c, some_die) ? chance_below(c, 4) : 0;
	for (size_t i = 0; i < deaths; i++) {
		size_t node = chance_below(c, s->world->truth->n);
		int64_t for_ms = chance_between(c, 100, living && chance_permille(c, 600) ? 40000 : 8000);
		schedule_death(s, node, some_time(s), for_ms, living ? some_loss(s) : 0);
	}
	if (chance_permille(c, 40)) {
		size_t node = chance_below(c, s->world->truth->n);
		s->world->servers[node].for_good = true;
		world_at(s->world, some_time(s), (struct event){ .kind = EVENT_DOWN, .node = (int)node });
	}
}

/* A primary goes down just as a replica is to be moved: the bare shard's when the operator first looks, that of a
 * pinned replica about the time when its pin is changed. */
static void schedule_aimed_death(struct sim *s, int64_t about_ms)
{
	struct chance *c = &s->fate;
	const struct rop_observed *t = s->world->truth;
	size_t primary = t->n;
	if (s->start == START_PINNED && t->nodes[s->edit_nodes[0]].role == ROP_ROLE_REPLICA)
		primary = (size_t)t->nodes[s->edit_nodes[0]].primary;
	for (size_t i = 0; s->start == START_BARE && i < t->n; i++) {
		bool bare = t->nodes[i].role == ROP_ROLE_PRIMARY && !rop_slots_empty(&t->nodes[i].slots);
		for (size_t k = 0; k < t->n; k++)
			bare &= t->nodes[k].primary != (int)i;
		if (bare)
			primary = i;
	}
	int64_t down = about_ms + chance_between(c, chance_permille(c, 500) ? -900 : 0, 400);
	int64_t for_ms = chance_between(c, 1000, 45000), how = chance_permille(c, 800) ? 0 : some_loss(s);
	if (primary < t->n && chance_permille(c, 750))
		schedule_death(s, primary, down > s->world->now_ms ? down : s->world->now_ms, for_ms, how);
}

/* A shard without replicas loses node and data: its slots are a ghost's, and are to be given to nobody unasked. */
static void schedule_partial_loss(struct sim *s)
{
	struct chance *c = &s->fate;
	size_t node = chance_below(c, s->world->truth->n);
	int64_t at = chance_between(c, s->world->now_ms, s->faults_end_ms - 1);
	if (s->topology->replicas_per_shard == 0 && chance_permille(c, 600))
		schedule_death(s, node, at, chance_between(c, 100, 3000), DOWN_LOSES_CONF | DOWN_LOSES_DATA);
}

/* A person points a replica at another primary, which goes down before it has given its data: what the operator must
 * never do is what a person may. */
static void schedule_pointing(struct sim *s)
{
	struct chance *c = &s->fate;
	const struct rop_observed *t = s->world->truth;
	size_t node = chance_below(c, t->n), other = chance_below(c, t->n);
	int64_t at = chance_between(c, s->world->now_ms, s->faults_end_ms - 1);
	if (!chance_permille(c, 150) || t->nodes[node].role != ROP_ROLE_REPLICA ||
	    t->nodes[other].role != ROP_ROLE_PRIMARY || t->nodes[node].primary == (int)other)
		return;
	world_at(s->world, at,
		 (struct event){ .kind = EVENT_PERSON, .node = (int)node, .peer = (int)other, .amount = -1 });
	schedule_death(s, other, at + chance_between(c, 1, 300), chance_between(c, 5000, 30000), 0);
}

void faults_schedule(struct sim *s)
{
	static const int64_t TROUBLE[] = { 0, 20, 60, 150, 300 };
	struct chance *c = &s->fate;
	bool living = start_is_living(s->start);
	s->calm = chance_permille(c, 100);
	s->world->elections = true;
	s->world->unsettled = true;
	s->world->writes_until_ms = s->world->now_ms + 10000;
	/* Where nothing goes wrong nothing comes between either: a first key is what changes a plan. */
	if (!s->calm || s->world->n_writes)
		world_at(s->world, s->world->now_ms, (struct event){ .kind = EVENT_WRITE });
	if (s->calm && s->start == START_LEAVE)
		leave_schedule(s);
	if (s->calm)
		return;
	s->trouble = TROUBLE[chance_below(c, sizeof TROUBLE / sizeof *TROUBLE)];
	s->faults_end_ms = s->world->now_ms + chance_between(c, 1000, chance_permille(c, 200) ? 40000 : 8000);
	if (living)
		s->faults_end_ms += chance_between(c, 0, 40000);
	s->world->writes_until_ms = s->faults_end_ms + 2000;
	schedule_deaths(s);
	plights_schedule(s);
	if (s->edit_nodes[0] != s->edit_nodes[1])
		s->edit_ms = chance_between(c, s->world->now_ms,
					    s->world->now_ms + (s->faults_end_ms - s->world->now_ms) / 3);
	if (s->start == START_LEAVE)
		leave_schedule(s);
	schedule_aimed_death(s, s->edit_ms != NEVER ? s->edit_ms : s->world->now_ms);
	if (moves_is_start(s->start))
		moves_schedule(s);
	if (living) {
		schedule_pointing(s);
		schedule_partial_loss(s);
	}
	for (size_t acts = chance_permille(c, 500) ? chance_below(c, 5) : 0; acts > 0; acts--) {
		int64_t draw = (int64_t)(chance_next(c) >> 1);
		world_at(s->world, some_time(s), (struct event){ .kind = EVENT_PERSON, .amount = draw });
	}
	for (size_t jumps = chance_permille(c, 300) ? chance_below(c, 3) : 0; jumps > 0; jumps--)
		world_at(s->world, some_time(s),
			 (struct event){ .kind = EVENT_WALL, .amount = chance_between(c, -3600000, 3600000) });
}

/* The two pins change places in the file; a run that is under way does not see it. */
void faults_edit(struct sim *s)
{
	struct rop_declared_node *nodes = s->topology->nodes.at;
	if (s->world->now_ms < s->edit_ms)
		return;
	s->edit_ms = NEVER;
	judge_moves_forget(s);
	if (moves_edit(s) || leave_edit(s))
		return;
	int pin = nodes[s->edit_nodes[0]].shard;
	nodes[s->edit_nodes[0]].shard = nodes[s->edit_nodes[1]].shard;
	nodes[s->edit_nodes[1]].shard = pin;
	sim_lived(s, LIVED_EDIT);
	trace(s, "person", "swaps the pins of nodes %d and %d", s->edit_nodes[0], s->edit_nodes[1]);
}

/* As told ("cluster forget ID, on every node"), or because it stood in the way; of a ghost: who it was is not there any
 * more. */
/* A person gives up what was named, for one run. */
static bool take_word(struct sim *s, const char *text)
{
	static const char FLAG[] = "--allow-data-loss=";
	const char *word = strstr(text, FLAG), *digest = word ? strchr(word, '@') : NULL;
	if (!digest)
		return false;
	s->consent = rop_strndup(s->arena, digest + 1, 8);
	trace(s, "person", "gives up what was named: %s", s->consent);
	sim_lived(s, s->world->identities_lost ? LIVED_REJOINED : LIVED_CONSENT);
	return true;
}

bool faults_follow_advice(struct sim *s, const char *reason, const char *text)
{
	struct world *w = s->world;
	uint64_t luck = world_luck(w, 'a', 0, 0) % 10;
	ROP_OWN_ARENA scratch = rop_arena_new();
	if (drain_follow_advice(s, text))
		return true;
	if (w->clone >= 0 && strcmp(reason, "SameNodeId") == 0 && luck < 7 &&
	    strstr(text, bus_place_text(w, scratch, (int)w->truth->n + w->clone))) {
		bus_stop_clone(w);
		return true;
	}
	bool of_loss = strcmp(reason, "DataLoss") == 0 || strcmp(reason, "IdentitiesLost") == 0 ||
		       strcmp(reason, "Rebuilt") == 0;
	if (of_loss && luck < 8 && !s->consent && take_word(s, text))
		return true;
	bool did = false, of_ghosts = strcmp(reason, "ForeignPeer") == 0 || strcmp(reason, "Rebuilt") == 0;
	for (size_t g = 0; g < w->ghosts.n && of_ghosts; g++) {
		const struct ghost *ghost = &w->ghosts.at[g];
		bool told = strstr(text, "cluster forget") && strstr(text, ghost->id);
		if (ghost->forgotten || luck >= (told ? 7 : 4))
			continue;
		trace(s, "person", "forgets %s on every node%s", ghost->id, told ? ", as told" : "");
		sim_lived(s, LIVED_FORGET);
		ghost_forget(w, ghost->id, told);
		did = true;
		for (size_t i = 0; i < w->truth->n && s->judge.met_others;
		     i++) /* who knows nobody else now begins anew */
			s->judge.met_others[i] = false;
	}
	return did;
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

static void person_sets(struct world *w, struct chance *c, size_t node)
{
	static const char *const NAMES[] = { "cluster-node-timeout", "repl-diskless-sync-delay" };
	static const char *const VALUES[][2] = { { "7000", "3000" }, { "3", "2" } };
	size_t which = chance_below(c, 2);
	struct delivery *d = type(w, ROP_STEP_SETTING, node, -1);
	d->expect.name = NAMES[which];
	d->expect.value = VALUES[which][chance_below(c, 2)];
	server_execute(w, d);
	int at = rop_observed_setting(w->truth, d->expect.name);
	if (!d->executed || !d->ok)
		return;
	w->servers[node].person_ms[at] = w->now_ms;
	w->servers[node].orphaned[at] = false;
	if (!is_declared(w->sim, d->expect.name))
		w->servers[node].want[at] = d->expect.value;
}

static void person_adds_slots(struct world *w, struct chance *c, size_t node)
{
	struct rop_slots owned = { 0 };
	for (size_t i = 0; i < w->truth->n; i++)
		rop_slots_join(&owned, &w->truth->nodes[i].slots);
	int first = (int)chance_below(c, ROP_SLOTS - 10);
	for (int slot = first; slot < first + 10; slot++)
		if (rop_slots_has(&owned, slot))
			return;
	struct delivery *d = type(w, ROP_STEP_SLOTS, node, -1);
	d->expect.first = first;
	d->expect.last = first + (int)chance_below(c, 10);
	server_execute(w, d);
	w->sim->person_assigned |= d->executed && d->ok;
}

static void person_pauses(struct sim *s, struct chance *c, bool resume)
{
	struct rop_err err = { 0 };
	int64_t wall = world_clock(s->world).wall_ms;
	int64_t until = chance_permille(c, 500) ? wall + chance_between(c, 100, 20000) : 0;
	trace(s, "person", resume ? "resumes the cluster" : "pauses the cluster");
	bool ok = resume ? rop_store_resume(s->store, s->topology->name, NULL, wall, &err)
			 : rop_store_pause(s->store, s->topology->name, until, "a person", NULL, wall, &err);
	if (!ok)
		sim_fail(s, "pause or resume: %s", err.text);
}

void faults_pause(struct sim *s)
{
	person_pauses(s, &s->chance, false);
}

static void person_points(struct world *w, size_t node, int other)
{
	struct delivery *d = type(w, ROP_STEP_ROLE, node, other);
	trace(w->sim, "person", "types a command at node %zu", node);
	server_execute(w, d);
	w->sim->person_replicated |= d->executed && d->ok;
}

void faults_person(struct world *w, const struct event *event)
{
	struct chance own = { (uint64_t)event->amount }, *c = &own;
	if (event->amount < -1) {
		moves_person(w, -event->amount);
		return;
	}
	if (event->amount < 0) {
		person_points(w, (size_t)event->node, event->peer);
		return;
	}
	size_t node = chance_below(c, w->truth->n), other = chance_below(c, w->truth->n), act = chance_below(c, 12);
	w->sim->stats->person++;
	if (act < 6 && !w->servers[node].up)
		return;
	if (act < 6)
		trace(w->sim, "person", "types a command at node %zu", node);
	if (act < 2 && node != other)
		server_execute(w, type(w, ROP_STEP_MEET, node, (int)other));
	else if (act < 4)
		person_sets(w, c, node);
	else if (act == 4)
		person_adds_slots(w, c, node);
	else if (act == 5)
		person_points(w, node, (int)other);
	else
		person_pauses(w->sim, c, act > 8);
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
	s->database_lost = true;
	for (size_t i = leave_staying(s); i < s->world->truth->n; i++) /* nobody tells the next one of these */
		data_pointed(s->world, i, TOLD_PERSON);
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
	if ((s->edit_shards || s->edit_weights || s->drop_weights || s->n_leave) &&
	    s->edit_ms < plan.stop_ms) /* the next run reads the file anew */
		plan.stop_ms = s->edit_ms;
	return plan;
}
