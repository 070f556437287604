/* by_server.c - slots that servers move by themselves: who can, what their jobs are at, and why they gave one up.
 *
 * Nothing is remembered but what the servers list: a job that is at work is waited for by whatever process sees it, one
 * that failed is tried again after a while, and after the third time within ten minutes the slots go key by key.
 */
#include "by_server.h"

#include <string.h>

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

/* By two clocks, the server's and ours. Where they are far apart, or one was set back, nobody knows its age: it is not
 * waited for until they agree. */
static int64_t age_of(const struct rop_situation *now, const struct rop_job *job)
{
	int64_t age_s = now->wall_ms / 1000 - job->updated_s;
	if (age_s < -CANCELLED_S)
		return FAILURES_S;
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

bool by_server_is_at(const struct rop_node *node, const struct rop_slots *slots)
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
	m->job_runs = by_server_is_at(&nodes[m->source], m->whole) || by_server_is_at(&nodes[m->target], m->whole);
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
		if (rop_answers(seen, i) && by_server_is_at(&seen->nodes[i], slots))
			return true;
	return false;
}
