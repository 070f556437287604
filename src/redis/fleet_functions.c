/* fleet_functions.c - function libraries go from one node to another: FUNCTION DUMP there, FUNCTION RESTORE here.
 *
 * Two jobs, the second is made when the first has its reply. The payload is bytes, and stays here. RESTORE is all or
 * nothing; APPEND fails where the node has got a library of one of the names meanwhile.
 */
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet.h"
#include "rop/text.h"
#include "wire.h"

#define DUMP_BYTES_MAX ((size_t)64 << 20)

struct functions {
	size_t command, to;
	bool replace;
	int64_t not_after_ms;
	const char *payload;
	size_t n;
};

static void set_outcome(const struct job *job, enum rop_sent sent, const char *text)
{
	job->errand->outcomes[job->functions->command] = (struct rop_outcome){ .sent = sent, .text = text };
}

static const char *quoted(const struct job *job, const struct redisReply *reply)
{
	char text[512];
	verdict_quote(&job->errand->fleet->login, reply->str, reply->len, text, sizeof text);
	return rop_strdup(job->errand->arena, text);
}

/* ---- restored ---------------------------------------------------------------------------------------------- */

static bool restore_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	(void)i, (void)ret_verdict;
	job->replied = 1;
	if (reply->type == REDIS_REPLY_ERROR)
		set_outcome(job, ROP_SENT_ERROR, quoted(job, reply));
	else
		set_outcome(job, ROP_SENT_OK, NULL);
	return true;
}

static void restore_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct rop_arena *arena = job->errand->arena;
	if (!job->replied && sent)
		set_outcome(job, ROP_SENT_UNKNOWN, rop_strdup(arena, verdict->why));
	else if (!job->replied)
		set_outcome(job, ROP_SENT_ERROR, rop_printf(arena, "not sent: %s", verdict->why));
	rop_text_done(&job->wire);
	job_over(job);
}

static void restore(struct errand *errand, struct functions *functions)
{
	struct job *job = job_new(errand, functions->to);
	job->functions = functions;
	wire_begin(&job->wire, 4);
	wire_word(&job->wire, "FUNCTION", strlen("FUNCTION"));
	wire_word(&job->wire, "RESTORE", strlen("RESTORE"));
	wire_word(&job->wire, functions->payload, functions->n);
	const char *policy = functions->replace ? "REPLACE" : "APPEND";
	wire_word(&job->wire, policy, strlen(policy));
	job->exchange.wire = job->wire.at;
	job->exchange.wire_n = job->wire.n;
	job->exchange.replies = 1;
	job->exchange.careful = true;
	job->exchange.not_after_ms = functions->not_after_ms;
	job->exchange.reply = restore_reply;
	job->exchange.end = restore_end;
	job_enqueue(job);
}

/* ---- dumped ------------------------------------------------------------------------------------------------ */

static size_t dump_limit(void *arg, size_t i, const char **ret_asked)
{
	(void)arg, (void)i;
	*ret_asked = "FUNCTION DUMP";
	return DUMP_BYTES_MAX;
}

static bool dump_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	(void)i, (void)ret_verdict;
	if (reply->type == REDIS_REPLY_STRING) {
		job->functions->payload = rop_strndup(job->errand->own, reply->str, reply->len);
		job->functions->n = reply->len;
	} else if (reply->type == REDIS_REPLY_ERROR) {
		set_outcome(job, ROP_SENT_ERROR, quoted(job, reply));
	}
	return true;
}

static void dump_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	(void)sent;
	if (verdict->reach != ROP_REACH_OK)
		set_outcome(job, ROP_SENT_ERROR,
			    rop_printf(job->errand->arena, "not sent: FUNCTION DUMP: %s", verdict->why));
	else if (job->functions->payload)
		restore(job->errand, job->functions);
	rop_text_done(&job->wire);
	job_over(job);
}

void functions_enqueue(struct errand *errand, size_t command, size_t node, const struct rop_functions *wanted,
		       int64_t not_after_ms)
{
	static const char *const DUMP[] = { "FUNCTION", "DUMP" };
	struct rop_fleet *fleet = errand->fleet;
	errand->outcomes[command] = (struct rop_outcome){ .sent = ROP_SENT_ERROR,
							  .text = "not sent: there is nothing to be given" };
	if (wanted->from < 0 || (size_t)wanted->from >= fleet->n)
		return;
	struct functions *functions = rop_alloc(errand->own, sizeof *functions);
	*functions = (struct functions){
		.command = command, .to = node, .replace = wanted->replace, .not_after_ms = not_after_ms
	};
	struct job *job = job_new(errand, (size_t)wanted->from);
	job->functions = functions;
	wire_put(&job->wire, 2, DUMP);
	job->exchange.wire = job->wire.at;
	job->exchange.wire_n = job->wire.n;
	job->exchange.replies = 1;
	job->exchange.careful = true;
	job->exchange.not_after_ms = not_after_ms;
	job->exchange.limit = dump_limit;
	job->exchange.reply = dump_reply;
	job->exchange.end = dump_end;
	job_enqueue(job);
}
