/* judge_bus.c - what must not come of moved members, clones, rebuilt members, dead shards and links that are down. What
 * nodes answered is taken as it was answered, before any sabotage; the rest from the truth.
 */
#include <inttypes.h>
#include <string.h>

#include "sim.h"

#define CLONE_COUNTS_MS 30000   /* peers hold now this one, now that one: a sighting counts for so long */
#define CLONE_BELIEVED_MS 20000 /* more than a node timeout, within which who moved is believed */

/* ---- looks ------------------------------------------------------------------------------------------------- */

void judge_bus_run_begins(struct sim *s)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	struct rop_image image = { 0 };
	struct rop_err err = { 0 };
	struct judge *j = &s->judge;
	j->clone_since_ms = j->clone_seen_ms = NEVER;
	j->members.n = 0;
	j->n_dances = 0;
	if (!s->world->ghosts.n)
		return;
	if (!rop_store_load(s->store, scratch, s->topology->name, &image, &err))
		sim_fail(s, "load: %s", err.text);
	for (size_t m = 0; m < image.members.n; m++) {
		struct known_member *member = rop_push(s->arena, &j->members);
		memcpy(member->id, image.members.at[m].node, ROP_ID_SIZE);
		member->address = rop_strdup(s->arena, image.members.at[m].address);
	}
}

void judge_bus_looked(struct sim *s)
{
	struct judge *j = &s->judge;
	int clone = s->world->clone;
	if (j->clone_seen_ms != NEVER && (clone < 0 || s->world->now_ms > j->clone_seen_ms + CLONE_COUNTS_MS))
		j->clone_since_ms = j->clone_seen_ms = NEVER;
	if (clone < 0 || !rop_answers(j->seen, (size_t)clone) || !j->seen->nodes[clone].elsewhere)
		return;
	j->clone_seen_ms = s->world->now_ms;
	if (j->clone_since_ms == NEVER)
		j->clone_since_ms = s->world->now_ms;
}

/* ---- commands ---------------------------------------------------------------------------------------------- */

static bool gives_data_or_slots(enum rop_step_kind kind)
{
	return kind == ROP_STEP_ROLE || kind == ROP_STEP_SLOTS || kind == ROP_STEP_IMPORT || kind == ROP_STEP_EXPORT ||
	       kind == ROP_STEP_CARRY || kind == ROP_STEP_TAKE;
}

static void judge_clone(struct sim *s, const struct rop_expect *e)
{
	const struct judge *j = &s->judge;
	const char *id = s->world->truth->nodes[s->world->clone].id;
	bool towards = strcmp(e->node, id) == 0 || strcmp(e->peer, id) == 0;
	bool just_seen = j->seen->nodes[s->world->clone].elsewhere != NULL;
	if (j->clone_since_ms == NEVER || e->kind == ROP_STEP_RESTORE)
		return;
	if (towards && just_seen && gives_data_or_slots(e->kind))
		sim_fail(s, "%s is sent, and peers are connected to a second server with that identity", e->subject);
	if (s->world->now_ms - j->clone_since_ms > CLONE_BELIEVED_MS)
		sim_fail(s, "%s is sent, and a second server with the identity of one was seen for %" PRId64 " ms",
			 e->subject, s->world->now_ms - j->clone_since_ms);
}

/* Both ways, since before they were asked. */
static void judge_introduction(struct sim *s, const struct rop_expect *e)
{
	const struct world *w = s->world;
	int a = rop_observed_find(w->truth, e->node), b = rop_observed_find(w->truth, e->peer);
	if (a < 0 || b < 0)
		return;
	int64_t there = bus_line(w, (size_t)a, (size_t)b)->found_ms, back = bus_line(w, (size_t)b, (size_t)a)->found_ms;
	if (there < s->judge.looked_ms && back < s->judge.looked_ms)
		sim_fail(s, "%s is sent, and these two have found each other for %" PRId64 " ms", e->subject,
			 s->judge.looked_ms - (there > back ? there : back));
}

void judge_bus_send(struct sim *s, const struct rop_step *step)
{
	if (s->world->clone >= 0)
		judge_clone(s, &step->expect);
	if (s->world->lines && step->expect.kind == ROP_STEP_MEET)
		judge_introduction(s, &step->expect);
}

/* ---- as declared, it says ---------------------------------------------------------------------------------- */

/* Living: it may have died since the operator looked, and be back without what it had. */
static int unserved_slot(const struct sim *s)
{
	const struct world *w = s->world;
	struct rop_slots served = { 0 };
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->servers[i].up && w->servers[i].started_ms >= s->judge.looked_ms)
			return -1;
	for (size_t i = 0; i < w->truth->n; i++)
		if (w->truth->nodes[i].role == ROP_ROLE_PRIMARY &&
		    (w->servers[i].up || w->servers[i].down_ms >= s->judge.looked_ms))
			rop_slots_join(&served, &w->truth->nodes[i].slots);
	for (int slot = 0; slot < ROP_SLOTS; slot++)
		if (!rop_slots_has(&served, slot))
			return slot;
	return -1;
}

static void judge_reached(struct sim *s)
{
	const struct rop_observed *seen = s->judge.seen;
	int slot = unserved_slot(s);
	if (slot >= 0)
		sim_fail(s, "it is said to be as declared, with slot %d, which no living node serves", slot);
	size_t n = seen->n - seen->n_leaving;
	for (size_t i = 0; i < n && !s->failed; i++) {
		if (rop_answers(seen, i) && seen->nodes[i].role == ROP_ROLE_REPLICA && !seen->nodes[i].link_up)
			sim_fail(s, "it is said to be as declared, and %s was seen without a link to its primary",
				 seen->nodes[i].address);
		for (size_t k = 0; k < n && !s->failed; k++)
			if (rop_answers(seen, i) && rop_answers(seen, k) && !rop_bit(seen, seen->linked, i, k))
				sim_fail(s, "it is said to be as declared, and %s and %s do not hear each other",
					 seen->nodes[i].address, seen->nodes[k].address);
	}
	if (s->judge.clone_seen_ms != NEVER)
		sim_fail(s, "it is said to be as declared, and a second server with the identity of one was seen");
}

void judge_bus_entry(struct sim *s, const struct rop_entry *entry)
{
	if (entry->reached_revision)
		judge_reached(s);
}

/* ---- what a run says at its end ---------------------------------------------------------------------------- */

static bool is_member(const struct judge *j, const char *id, const char *address)
{
	for (size_t m = 0; m < j->members.n; m++)
		if (strcmp(j->members.at[m].id, id) == 0 &&
		    (!address || strcmp(j->members.at[m].address, address) == 0))
			return true;
	return false;
}

/* Who was a member at an address where another id answers now, which never was one, is no stranger. */
static void judge_rebuilt(struct sim *s, const char *text)
{
	const struct judge *j = &s->judge;
	ROP_OWN_ARENA scratch = rop_arena_new();
	for (size_t f = 0; f < j->seen->foreign.n; f++) {
		const char *id = j->seen->foreign.at[f].id;
		if (!strstr(text, rop_printf(scratch, "not declared: %s", id)))
			continue;
		for (size_t i = 0; i < j->seen->n; i++)
			if (rop_answers(j->seen, i) && is_member(j, id, j->seen->nodes[i].address) &&
			    !is_member(j, j->seen->nodes[i].id, NULL))
				sim_fail(s, "%s, which was rebuilt, is taken for a stranger: it was %s",
					 j->seen->nodes[i].address, id);
	}
}

void judge_bus_run_ended(struct sim *s, const struct run_end *end)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct world *w = s->world;
	if (end->how != ENDED_DONE || !s->judge.seen)
		return;
	if (end->result.reached)
		judge_reached(s);
	judge_rebuilt(s, end->text);
	bool refused = end->result.code == ROP_REFUSED && !strstr(end->text, "is paused");
	if (!refused || strcmp(end->reason, "SameNodeId") != 0 || w->clone < 0)
		return;
	const char *one = w->truth->nodes[w->clone].address,
		   *other = bus_place_text(w, scratch, (int)w->truth->n + w->clone);
	if (!strstr(end->text, one) || !strstr(end->text, other))
		sim_fail(s, "a second server with one identity is not named with both addresses, %s and %s: %s", one,
			 other, end->text);
}
