/* fleet_witness.c - has a primary's replica got what the primary was given?
 *
 * WAIT would not tell: but for Redis 7.0 it speaks of what its own connection wrote, and keys that come by MIGRATE are
 * written by the source's. So the primary is asked how far it is, and then its replicas how far they are, by INFO
 * replication; what a replica says is what it has applied. Asked again until they have it, or the time is up.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet.h"
#include "rop/text.h"
#include "wire.h"

#define PATIENCE_MS 1000
#define AGAIN_MS 1

static void ask_replicas(void *arg);

/* What follows "\nNAME:" in the text, up to the end of its line. */
static const char *field(const struct redisReply *reply, const char *name, size_t *ret_n)
{
	size_t n = strlen(name);
	for (const char *at = strchr(reply->str, '\n'); at; at = strchr(at + 1, '\n')) {
		if (strncmp(at + 1, name, n) != 0 || at[1 + n] != ':')
			continue;
		*ret_n = strcspn(at + 2 + n, "\r\n");
		return at + 2 + n;
	}
	*ret_n = 0;
	return "";
}

static bool field_is(const struct redisReply *reply, const char *name, const char *value)
{
	size_t n;
	const char *at = field(reply, name, &n);
	return n == strlen(value) && memcmp(at, value, n) == 0;
}

static int64_t number(const struct redisReply *reply, const char *name)
{
	size_t n;
	const char *at = field(reply, name, &n);
	return n ? strtoll(at, NULL, 10) : -1;
}

static void finish(struct witnesses *w, const char *why)
{
	if (w->over)
		return;
	w->over = true;
	rop_timer_stop(w->timer);
	w->done(w->arg, why);
	errand_let_go(w->errand);
}

static const char *address(const struct witnesses *w, size_t node)
{
	return w->errand->fleet->members[node].endpoint.address;
}

/* ---- the primary ----------------------------------------------------------------------------------------------- */

static bool primary_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	struct witnesses *w = job->witnesses;
	size_t n;
	(void)i;
	(void)ret_verdict;
	if (reply->type != REDIS_REPLY_STRING || !field_is(reply, "role", "master")) {
		w->why = "it does not lead any more, or does not say so";
		return true;
	}
	const char *replid = field(reply, "master_replid", &n);
	snprintf(w->replid, sizeof w->replid, "%.*s", (int)n, replid);
	w->offset = number(reply, "master_repl_offset");
	return true;
}

static void primary_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct witnesses *w = job->witnesses;
	(void)sent;
	const char *why = verdict->reach == ROP_REACH_OK ? w->why : verdict->why;
	if (why && *why)
		finish(w, rop_printf(w->errand->arena, "%s: %s", address(w, w->primary), why));
	else
		ask_replicas(w);
	rop_text_done(&job->wire);
	job_over(job);
}

/* ---- its replicas ---------------------------------------------------------------------------------------------- */

static bool replica_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	struct witnesses *w = job->witnesses;
	(void)i;
	(void)ret_verdict;
	if (reply->type == REDIS_REPLY_STRING && field_is(reply, "role", "slave") &&
	    field_is(reply, "master_replid", w->replid) && number(reply, "slave_repl_offset") >= w->offset)
		w->states[job->replied] = WITNESS_HAS_IT;
	return true;
}

static size_t how_many_have_it(const struct witnesses *w)
{
	size_t n = 0;
	for (size_t i = 0; i < w->n; i++)
		n += w->states[i] == WITNESS_HAS_IT;
	return n;
}

static void replica_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct witnesses *w = job->witnesses;
	(void)verdict;
	(void)sent;
	if (w->states[job->replied] == WITNESS_ASKED)
		w->states[job->replied] = WITNESS_TO_ASK;
	if (!w->over && how_many_have_it(w) >= (w->all ? w->n : 1))
		finish(w, NULL);
	else if (!w->over)
		rop_timer_start(w->timer, AGAIN_MS);
	rop_text_done(&job->wire);
	job_over(job);
}

/* ---- asking ---------------------------------------------------------------------------------------------------- */

static struct job *ask(struct witnesses *w, size_t node)
{
	static const char *const WORDS[] = { "INFO", "replication" };
	struct job *job = job_new(w->errand, node);
	job->witnesses = w;
	wire_put(&job->wire, 2, WORDS);
	job->exchange.wire = job->wire.at;
	job->exchange.wire_n = job->wire.n;
	job->exchange.replies = 1;
	return job;
}

static void ask_replicas(void *arg)
{
	struct witnesses *w = arg;
	int64_t left_ms = w->until_ms - rop_boot_ms();
	if (left_ms <= 0) {
		finish(w, rop_printf(w->errand->arena, "the replicas of %s have not got what it was given within %ds",
				     address(w, w->primary), PATIENCE_MS / 1000));
		return;
	}
	for (size_t i = 0; i < w->n; i++) {
		if (w->states[i] != WITNESS_TO_ASK)
			continue;
		struct job *job = ask(w, (size_t)w->nodes[i]);
		job->replied = i;
		job->exchange.reply = replica_reply;
		job->exchange.end = replica_end;
		w->states[i] = WITNESS_ASKED;
		job_enqueue(job);
	}
	rop_timer_start(w->timer, left_ms);
	errand_begin(w->errand);
}

void witnesses_ask(struct errand *errand, const struct witnesses *wanted)
{
	struct witnesses *w = rop_alloc(errand->own, sizeof *w);
	*w = *wanted;
	w->errand = errand;
	int *nodes = rop_alloc_n(errand->own, w->n + 1, sizeof *nodes);
	memcpy(nodes, wanted->nodes, w->n * sizeof *nodes);
	w->nodes = nodes;
	w->states = rop_alloc_n(errand->own, w->n + 1, sizeof *w->states);
	w->timer = errand_timer(errand, ask_replicas, w);
	w->until_ms = rop_boot_ms() + PATIENCE_MS;
	errand_hold(errand);
	struct job *job = ask(w, w->primary);
	job->exchange.reply = primary_reply;
	job->exchange.end = primary_end;
	job_enqueue(job);
	errand_begin(errand);
}
