/* moves_jobs.c - servers that move slots by themselves: CLUSTER MIGRATESLOTS, and what becomes of its jobs.
 *
 * A job is known to the source and the target, in memory; all its slots go at once, at its end, or none does. It fails
 * where one of both has gone down, or leads no more, meanwhile; and now and then for no reason at all.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sim.h"

#define LASTS_MOST_MS 9000 /* longer than a step is waited for */
#define JOBS_MOST 32       /* at one node; older ones are forgotten */

bool moves_jobs_are_known(const struct sim *s)
{
	return moves_is_start(s->start) && s->version >= 70000 && s->seed % 3 == 0;
}

static void refuse(struct world *w, struct delivery *d, const char *text)
{
	d->ok = false;
	d->text = text;
	w->sim->stats->refused++;
}

/* Lists are never changed in place: looks hold older ones. */
static void list(struct world *w, size_t node, const struct rop_job *job)
{
	struct rop_node *n = &w->truth->nodes[node];
	struct rop_job *jobs = rop_alloc_n(w->arena, JOBS_MOST, sizeof *jobs);
	size_t k = 0;
	jobs[k++] = *job;
	for (size_t i = 0; i < n->n_jobs && k < JOBS_MOST; i++)
		if (strcmp(n->jobs[i].name, job->name) != 0)
			jobs[k++] = n->jobs[i];
	n->jobs = jobs;
	n->n_jobs = k;
}

void moves_jobs_lost(struct world *w, size_t node)
{
	w->truth->nodes[node].n_jobs = 0;
}

static bool is_at_work(const struct rop_node *node, const struct rop_slots *slots)
{
	for (size_t i = 0; i < node->n_jobs; i++)
		if (node->jobs[i].state == ROP_JOB_RUNS && rop_slots_meet(&node->jobs[i].slots, slots))
			return true;
	return false;
}

static const char *why_not(const struct world *w, const struct delivery *d, int to, const struct rop_slots *slots)
{
	const struct rop_node *node = &w->truth->nodes[d->node];
	if (node->role == ROP_ROLE_REPLICA)
		return "ERR Slot migration can only be used on primary nodes.";
	if (to < 0 || !rop_bit(w->truth, w->truth->known, (size_t)d->node, (size_t)to))
		return "ERR Unknown node name";
	if (rop_slots_common(slots, &node->slots) != rop_slots_count(slots))
		return "ERR Slots are not served by this node.";
	if (node->open.n)
		return "ERR Slots are being manually imported/migrated";
	return is_at_work(node, slots) ? "ERR I am already migrating slot" : NULL;
}

void moves_begin_job(struct world *w, struct delivery *d)
{
	struct rop_slots slots;
	int to = rop_observed_find(w->truth, d->expect.peer);
	if (!d->expect.value || !rop_slots_parse(d->expect.value, &slots))
		return;
	const char *error = why_not(w, d, to, &slots);
	if (error) {
		refuse(w, d, error);
		return;
	}
	struct rop_job job = { .slots = slots, .message = "" };
	uint64_t luck = world_luck(w, 'J', (size_t)d->node, (size_t)to);
	snprintf(job.name, sizeof job.name, "%040" PRIx64, luck ^ (uint64_t)w->next_event);
	memcpy(job.source, w->truth->nodes[d->node].id, ROP_ID_SIZE);
	memcpy(job.target, w->truth->nodes[to].id, ROP_ID_SIZE);
	job.created_s = job.updated_s = world_clock(w).wall_ms / 1000;
	list(w, (size_t)d->node, &job);
	list(w, (size_t)to, &job);
	struct moving *moving = rop_push(w->arena, &w->moving);
	*moving = (struct moving){ .job = job,
				   .source = d->node,
				   .target = to,
				   .source_deaths = w->servers[d->node].deaths,
				   .target_deaths = w->servers[to].deaths,
				   .fails = luck % 100 < (sim_trouble(w->sim) ? 35 : 0) };
	world_at(w, w->now_ms + 20 + (int64_t)(luck / 100 % LASTS_MOST_MS),
		 (struct event){ .kind = EVENT_JOB, .node = d->node, .amount = (int64_t)w->moving.n - 1 });
}

static const char *broken(const struct world *w, const struct moving *m)
{
	const struct rop_node *from = &w->truth->nodes[m->source], *to = &w->truth->nodes[m->target];
	if (m->fails)
		return "Connection lost to target";
	if (!w->servers[m->target].up || w->servers[m->target].deaths != m->target_deaths ||
	    w->servers[m->source].deaths != m->source_deaths || to->role == ROP_ROLE_REPLICA ||
	    from->role == ROP_ROLE_REPLICA || to->open.n || from->open.n || strcmp(to->id, m->job.target) != 0 ||
	    strcmp(from->id, m->job.source) != 0)
		return "Connection lost to target";
	return rop_slots_common(&m->job.slots, &from->slots) == rop_slots_count(&m->job.slots) ? NULL : "Slots changed";
}

void moves_end_job(struct world *w, const struct event *event)
{
	struct moving *m = &w->moving.at[event->amount];
	const char *why = w->servers[m->source].up ? broken(w, m) : NULL;
	if (!w->servers[m->source].up || w->servers[m->source].deaths != m->source_deaths)
		return; /* it was in its memory; the target hears of it when the connection breaks */
	m->job.state = why ? ROP_JOB_FAILED : ROP_JOB_DONE;
	m->job.message = why ? why : "";
	m->job.updated_s = world_clock(w).wall_ms / 1000;
	list(w, (size_t)m->source, &m->job);
	if (w->servers[m->target].up && w->servers[m->target].deaths == m->target_deaths)
		list(w, (size_t)m->target, &m->job);
	trace(w->sim, "node", "%d: its job that moves slots %s to %d ends: %s", m->source,
	      rop_slots_text(w->arena, &m->job.slots), m->target, why ? why : "success");
	if (!why) {
		moves_hand_over(w, (size_t)m->source, (size_t)m->target, &m->job.slots);
		sim_lived(w->sim, LIVED_BY_SERVER);
		if (w->sim->lived[LIVED_EDIT_SHARDS]) /* it was begun towards another aim */
			judge_moves_forget(w->sim);
	}
	w->unsettled = true;
}

/* A target whose source has died ends its job, too. */
void moves_jobs_break(struct world *w, size_t node)
{
	for (size_t k = 0; k < w->moving.n; k++) {
		struct moving *m = &w->moving.at[k];
		int other = m->source == (int)node ? m->target : m->source;
		if ((m->source != (int)node && m->target != (int)node) || m->job.state != ROP_JOB_RUNS ||
		    !w->servers[other].up)
			continue;
		m->job.state = ROP_JOB_FAILED;
		m->job.message = "Connection lost to target";
		m->job.updated_s = world_clock(w).wall_ms / 1000;
		m->fails = true;
		list(w, (size_t)other, &m->job);
	}
	moves_jobs_lost(w, node);
}
