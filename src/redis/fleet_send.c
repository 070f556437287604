/* fleet_send.c - commands to nodes: one pipeline to each, in the order given; keys are carried beside them.
 *
 * What was sent and not answered is unknown: nobody knows whether it was done.
 */
#include <hiredis/hiredis.h>

#include "fleet.h"
#include "rop/text.h"
#include "wire.h"

static bool send_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	struct errand *errand = job->errand;
	struct rop_outcome *outcome = &errand->outcomes[job->commands.at[i]];
	char text[512];
	(void)ret_verdict;
	job->replied = i + 1;
	outcome->sent = ROP_SENT_OK;
	if (reply->type == REDIS_REPLY_ERROR) {
		verdict_quote(&errand->fleet->login, reply->str, reply->len, text, sizeof text);
		*outcome = (struct rop_outcome){ .sent = ROP_SENT_ERROR, .text = rop_strdup(errand->arena, text) };
	}
	return true;
}

static void send_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct rop_arena *arena = job->errand->arena;
	const char *why = sent ? rop_strdup(arena, verdict->why) : rop_printf(arena, "not sent: %s", verdict->why);
	for (size_t i = job->replied; i < job->commands.n; i++) {
		struct rop_outcome *outcome = &job->errand->outcomes[job->commands.at[i]];
		*outcome = (struct rop_outcome){ .sent = sent ? ROP_SENT_UNKNOWN : ROP_SENT_ERROR, .text = why };
	}
	rop_text_done(&job->wire);
	job_over(job);
}

static struct job *send_job(struct errand *errand, size_t node)
{
	struct job *job = job_new(errand, node);
	job->exchange.careful = true; /* never as another user than the one declared */
	job->exchange.reply = send_reply;
	job->exchange.end = send_end;
	return job;
}

void rop_fleet_send(struct rop_fleet *fleet, struct rop_arena *arena, const struct rop_command *commands, size_t n,
		    int64_t not_after_ms, void (*done)(void *arg, const struct rop_outcome *outcomes, size_t n),
		    void *arg)
{
	struct errand *errand = errand_new(fleet, arena, n, arg);
	errand->sent = done;
	errand->outcomes = rop_alloc_n(arena, n, sizeof *errand->outcomes);
	struct job **jobs = rop_alloc_n(errand->own, fleet->n, sizeof *jobs);
	for (size_t c = 0; c < n; c++) {
		size_t node = (size_t)commands[c].node;
		if (commands[c].node < 0 || node >= fleet->n) {
			errand->outcomes[c] = (struct rop_outcome){ .sent = ROP_SENT_ERROR,
								    .text = "not sent: there is no such node" };
			continue;
		}
		if (commands[c].carry) {
			carry_enqueue(errand, c, node, commands[c].carry);
			continue;
		}
		if (commands[c].functions) {
			functions_enqueue(errand, c, node, commands[c].functions, not_after_ms);
			continue;
		}
		if (!jobs[node])
			jobs[node] = send_job(errand, node);
		*rop_push(errand->own, &jobs[node]->commands) = c;
		wire_put(&jobs[node]->wire, commands[c].argc, commands[c].argv);
	}
	for (size_t node = 0; node < fleet->n; node++) {
		if (!jobs[node])
			continue;
		jobs[node]->exchange.wire = jobs[node]->wire.at;
		jobs[node]->exchange.wire_n = jobs[node]->wire.n;
		jobs[node]->exchange.replies = jobs[node]->commands.n;
		jobs[node]->exchange.not_after_ms = not_after_ms;
		job_enqueue(jobs[node]);
	}
	errand_begin(errand);
}
