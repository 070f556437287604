/* fleet_send.c - commands to nodes: one pipeline to each, in the order given; keys are carried beside them.
 *
 * What was sent and not answered is unknown: nobody knows whether it was done. Commands with witnesses are a pipeline
 * of their own, which begins once the node's replicas have what the node has got, and is not sent where they do not get
 * it.
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

/* ---- after witnesses, a few at a time ------------------------------------------------------------------------- */

struct paced {
	struct errand *errand;
	size_t node;
	int64_t not_after_ms;
	const struct rop_pace *pace;
	ROP_LIST(struct paced_command {
		size_t command;
		const char *wire;
		size_t n;
	}) commands;
	size_t next;
	struct rop_timer *timer;
};

static void begin(struct job *job, int64_t not_after_ms)
{
	job->exchange.wire = job->wire.at;
	job->exchange.wire_n = job->wire.n;
	job->exchange.replies = job->commands.n;
	job->exchange.not_after_ms = not_after_ms;
	job_enqueue(job);
}

/* Nothing more of it is sent. */
static void end_paced(struct paced *paced, const char *why)
{
	struct errand *errand = paced->errand;
	const char *text = rop_printf(errand->arena, "not sent: %s", why ? why : "");
	for (; paced->next < paced->commands.n; paced->next++)
		errand->outcomes[paced->commands.at[paced->next].command] = (struct rop_outcome){
			.sent = ROP_SENT_ERROR, .text = text
		};
	errand_let_go(errand);
}

static void paced_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct paced *paced = job->paced;
	if (verdict->reach != ROP_REACH_OK)
		end_paced(paced, verdict->why);
	else if (paced->next == paced->commands.n)
		end_paced(paced, NULL);
	else
		rop_timer_start(paced->timer, paced->pace->rest_ms);
	send_end(job, verdict, sent);
}

static void send_some(void *arg)
{
	struct paced *paced = arg;
	struct job *job = send_job(paced->errand, paced->node);
	job->paced = paced;
	job->exchange.end = paced_end;
	for (size_t i = 0; i < paced->pace->at_a_time && paced->next < paced->commands.n; i++, paced->next++) {
		const struct paced_command *command = &paced->commands.at[paced->next];
		*rop_push(paced->errand->own, &job->commands) = command->command;
		rop_text_put(&job->wire, command->wire, command->n);
	}
	begin(job, paced->not_after_ms);
	errand_begin(paced->errand);
}

static void witnessed(void *arg, const char *why)
{
	struct paced *paced = arg;
	if (why)
		end_paced(paced, why);
	else
		send_some(paced);
}

static void put_paced(struct errand *errand, struct paced **paced, size_t c, const struct rop_command *command)
{
	struct rop_arena *own = errand->own;
	if (!*paced) {
		struct rop_pace *pace = rop_alloc(own, sizeof *pace);
		*pace = *command->pace;
		*paced = rop_alloc(own, sizeof **paced);
		(*paced)->errand = errand;
		(*paced)->node = (size_t)command->node;
		(*paced)->pace = pace;
		(*paced)->timer = errand_timer(errand, send_some, *paced);
	}
	ROP_OWN_TEXT wire = { 0 };
	wire_put(&wire, command->argc, command->argv);
	*rop_push(own, &(*paced)->commands) = (struct paced_command){ c, rop_strndup(own, wire.at, wire.n), wire.n };
}

static void begin_paced(struct paced *paced, int64_t not_after_ms)
{
	paced->not_after_ms = not_after_ms;
	errand_hold(paced->errand);
	if (!paced->pace->n_witnesses) {
		send_some(paced);
		return;
	}
	witnesses_ask(paced->errand, &(struct witnesses){ .primary = paced->node,
							  .nodes = paced->pace->witnesses,
							  .n = paced->pace->n_witnesses,
							  .all = true,
							  .done = witnessed,
							  .arg = paced });
}

/* ---- sending ------------------------------------------------------------------------------------------------- */

void rop_fleet_send(struct rop_fleet *fleet, struct rop_arena *arena, const struct rop_command *commands, size_t n,
		    int64_t not_after_ms, void (*done)(void *arg, const struct rop_outcome *outcomes, size_t n),
		    void *arg)
{
	struct errand *errand = errand_new(fleet, arena, n, arg);
	errand->sent = done;
	errand->outcomes = rop_alloc_n(arena, n, sizeof *errand->outcomes);
	struct job **jobs = rop_alloc_n(errand->own, fleet->n, sizeof *jobs);
	struct paced **paced = rop_alloc_n(errand->own, fleet->n, sizeof *paced);
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
		if (commands[c].pace) {
			put_paced(errand, &paced[node], c, &commands[c]);
			continue;
		}
		if (!jobs[node])
			jobs[node] = send_job(errand, node);
		*rop_push(errand->own, &jobs[node]->commands) = c;
		wire_put(&jobs[node]->wire, commands[c].argc, commands[c].argv);
	}
	for (size_t node = 0; node < fleet->n; node++) {
		if (jobs[node])
			begin(jobs[node], not_after_ms);
		if (paced[node])
			begin_paced(paced[node], not_after_ms);
	}
	errand_begin(errand);
}
