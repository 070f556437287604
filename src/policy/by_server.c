/* by_server.c - slots that servers move by themselves: who can, what their jobs are at, and why they gave one up.
 *
 * Nothing is remembered but what the servers list: a job that is at work is waited for by whatever process sees it, one
 * that failed is tried again after a while, and after the third time within ten minutes the slots go key by key.
 */
#include "by_server.h"

#include <string.h>

#include "alike.h"
#include "copies.h"
#include "functions.h"
#include "rop/text.h"
#include "rop/tries.h"

#define FAILURES_MAX 3
#define FAILURES_S 600 /* for so long a failure counts */
#define AGAIN_S 5      /* after the first one; times their number */
#define CANCELLED_S 60 /* somebody wanted it to end */

struct tally_of_jobs {
	int failed; /* lately */
	const struct rop_job *last;
	int64_t age_s; /* of the last */
};

static int64_t age_of(const struct rop_situation *now, const struct rop_job *job)
{
	int64_t age_s = now->wall_ms / 1000 - job->updated_s;
	return age_s > 0 ? age_s : 0;
}

static bool is_of(const struct rop_situation *now, const struct rop_job *job, size_t source, size_t target)
{
	return strcmp(job->source, now->seen->nodes[source].id) == 0 &&
	       strcmp(job->target, now->seen->nodes[target].id) == 0;
}

/* From one node to another, as the source lists them. */
static struct tally_of_jobs tally(const struct rop_situation *now, size_t source, size_t target)
{
	struct tally_of_jobs tally = { 0 };
	const struct rop_node *node = &now->seen->nodes[source];
	for (size_t i = 0; i < node->n_jobs; i++) {
		const struct rop_job *job = &node->jobs[i];
		if (!is_of(now, job, source, target) || job->state == ROP_JOB_RUNS)
			continue;
		if (!tally.last || job->created_s > tally.last->created_s)
			tally.last = job;
		tally.failed += job->state == ROP_JOB_FAILED && age_of(now, job) < FAILURES_S;
	}
	tally.age_s = tally.last ? age_of(now, tally.last) : 0;
	return tally;
}

/* A fault of Valkey 9 with several io-threads: while the moving slots are written to, it fails again and again. */
static bool is_io_threads(const struct rop_job *job)
{
	return job && job->state == ROP_JOB_FAILED && strstr(job->message, "CRLF");
}

const char *by_server_subject(struct rop_arena *arena, const char *source, const char *target)
{
	return rop_printf(arena, "move:%s>%s", source, target);
}

static bool has_failed(const struct rop_situation *now, size_t source, size_t target)
{
	struct tally_of_jobs jobs = tally(now, source, target);
	if (is_io_threads(jobs.last) && jobs.age_s < FAILURES_S)
		return true;
	const char *subject = by_server_subject(now->arena, now->seen->nodes[source].id, now->seen->nodes[target].id);
	return jobs.failed >= FAILURES_MAX ||
	       (now->tries && rop_tries_may(now->tries, subject, now->boot_ms) == ROP_MAY_NEVER);
}

bool by_server_is_busy(const struct rop_situation *now, size_t node)
{
	const struct rop_node *n = &now->seen->nodes[node];
	for (size_t i = 0; i < n->n_jobs; i++)
		if (n->jobs[i].state == ROP_JOB_RUNS)
			return true;
	return false;
}

bool by_server_can(const struct rop_situation *now, size_t source, size_t target)
{
	const struct rop_node *from = &now->seen->nodes[source], *to = &now->seen->nodes[target];
	if (now->topology->never_atomic || !rop_node_answers(from) || !rop_node_answers(to) || !from->moves_by_itself ||
	    !to->moves_by_itself || from->open_slots || to->open_slots)
		return false;
	return !has_failed(now, source, target);
}

static bool is_at(const struct rop_node *node, const struct rop_slots *slots)
{
	for (size_t i = 0; i < node->n_jobs; i++)
		if (node->jobs[i].state == ROP_JOB_RUNS && rop_slots_meet(&node->jobs[i].slots, slots))
			return true;
	return false;
}

void by_server_look_at(struct rop_migration *m)
{
	const struct rop_node *nodes = m->now->seen->nodes;
	struct tally_of_jobs jobs = tally(m->now, (size_t)m->source, (size_t)m->target);
	m->job_runs = is_at(&nodes[m->source], m->whole) || is_at(&nodes[m->target], m->whole);
	if (jobs.last && jobs.last->state == ROP_JOB_FAILED)
		m->job_rests = jobs.age_s < (int64_t)AGAIN_S * (jobs.failed ? jobs.failed : 1);
	else if (jobs.last && jobs.last->state == ROP_JOB_CANCELLED)
		m->job_rests = jobs.age_s < CANCELLED_S;
}

const char *by_server_newest(const struct rop_migration *m)
{
	struct tally_of_jobs jobs = tally(m->now, (size_t)m->source, (size_t)m->target);
	return jobs.last ? jobs.last->name : "";
}

/* ---- the risk ---------------------------------------------------------------------------------------------- */

static struct guard wait_for(const char *why)
{
	return (struct guard){ .verdict = GUARD_WAIT, .why = why };
}

static size_t replicas_wanted(const struct rop_situation *now, size_t primary)
{
	size_t n = 0, declared = (size_t)now->topology->replicas_per_shard;
	for (size_t i = 0; i < now->seen->n; i++)
		n += now->layout.primary_of[i] == (int)primary;
	return n < declared ? n : declared;
}

struct guard risk_of_asking(const struct rop_situation *now, const struct rop_step *step)
{
	size_t from = (size_t)step->node, to = (size_t)step->peer;
	struct rop_slots slots;
	if (!now->owner || step->peer < 0 || !step->expect.value || !rop_slots_parse(step->expect.value, &slots))
		return wait_for("nobody knows what is to be moved");
	const size_t sides[] = { from, to };
	for (size_t k = 0; k < 2; k++) {
		const struct rop_node *node = &now->seen->nodes[sides[k]];
		const char *doubted = copies_doubted(now, sides[k]);
		if (doubted)
			return wait_for(doubted);
		if (node->role == ROP_ROLE_REPLICA)
			return wait_for("a replica neither gives nor takes slots");
		if (!node->state_ok)
			return wait_for("one of both sides reports cluster_state:fail");
		if (node->open_slots)
			return wait_for("slots are open there: servers move none by themselves meanwhile");
		if (is_at(node, &slots))
			return wait_for("a job is at work on some of the slots");
	}
	for (int from_slot = 0, first, last; rop_slots_run(&slots, from_slot, &first, &last); from_slot = last + 1)
		for (int s = first; s <= last; s++)
			if (now->owner[s] != step->node)
				return wait_for("it does not own the slots");
	const char *unlike = alike_cannot_load(now, to, from);
	if (unlike)
		return wait_for(unlike);
	if (copies_ready(now, to, to) < replicas_wanted(now, to))
		return wait_for(rop_printf(now->arena, "%s waits for its replicas to be in sync before it gets slots",
					   now->seen->nodes[to].address));
	if (policy_lacks_functions(now, to, from))
		return wait_for(rop_printf(now->arena,
					   "%s lacks function libraries that %s has, and clients would call them there",
					   now->seen->nodes[to].address, now->seen->nodes[from].address));
	return (struct guard){ .verdict = GUARD_GO };
}

/* ---- told -------------------------------------------------------------------------------------------------- */

static bool is_told(const struct rop_situation *now, size_t i)
{
	for (size_t k = 0; k < i; k++)
		if (now->migrations.at[k].source == now->migrations.at[i].source &&
		    now->migrations.at[k].target == now->migrations.at[i].target)
			return true;
	return false;
}

void by_server_warn(struct rop_situation *now)
{
	for (size_t i = 0; i < now->migrations.n; i++) {
		const struct rop_migration *m = &now->migrations.at[i];
		struct tally_of_jobs jobs = tally(now, (size_t)m->source, (size_t)m->target);
		if (!jobs.last || jobs.last->state == ROP_JOB_DONE || jobs.age_s >= FAILURES_S || is_told(now, i))
			continue;
		const char *what = jobs.last->state == ROP_JOB_CANCELLED ? "was told to cancel" : "gave up";
		const char *known = is_io_threads(jobs.last)
					    ? "; Valkey 9 with io-threads above 1 does so while the slots are written "
					      "to, so they go key by key"
					    : "";
		policy_warn(now, m->source, ROP_WHY_JOB_FAILED,
			    rop_printf(now->arena, "%s %s moving slots to %s by itself: %s%s",
				       now->seen->nodes[m->source].address, what, now->seen->nodes[m->target].address,
				       jobs.last->message[0] ? jobs.last->message : "it gives no reason", known),
			    is_io_threads(jobs.last)
				    ? "set io-threads 1 there, or declare 'migration: { atomic: Never }'"
				    : NULL);
	}
}

bool by_server_hands_over(const struct rop_observed *seen, const struct rop_slots *slots)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t k = 0; k < seen->nodes[i].n_jobs && rop_answers(seen, i); k++)
			if (seen->nodes[i].jobs[k].state == ROP_JOB_RUNS &&
			    rop_slots_meet(&seen->nodes[i].jobs[k].slots, slots))
				return true;
	return false;
}
