/* slot_jobs.c - COMMAND INFO cluster|migrateslots and CLUSTER GETSLOTMIGRATIONS (Valkey 9): can it, and what is it at.
 *
 * Asked where the node has a setting that only such servers have, so that others never hear of it, nor note a command
 * that their user may not run.
 */
#include "slot_jobs.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <hiredis/hiredis.h>

#include "rop/text.h"

#define JOBS_KEPT 64
#define MESSAGE_MAX 200

const char *const slot_jobs_wire = "*3\r\n$7\r\nCOMMAND\r\n$4\r\nINFO\r\n$20\r\ncluster|migrateslots\r\n"
				   "*2\r\n$7\r\nCLUSTER\r\n$17\r\nGETSLOTMIGRATIONS\r\n";

bool slot_jobs_asked(const struct questions *questions, const struct rop_answer *answer)
{
	for (size_t s = 0; s < questions->n_settings && answer->settings; s++)
		if (strcmp(questions->setting_names[s], ROP_SLOT_JOBS_SETTING) == 0)
			return answer->settings[s] != NULL;
	return false;
}

size_t slot_jobs_limit(size_t i, const char **ret_asked)
{
	*ret_asked = i == 0 ? "COMMAND INFO" : "CLUSTER GETSLOTMIGRATIONS";
	return (size_t)4 << 20;
}

static const char *text_of(const struct redisReply *job, const char *key)
{
	for (size_t i = 0; job->type == REDIS_REPLY_ARRAY && i + 1 < job->elements; i += 2) {
		const struct redisReply *name = job->element[i], *value = job->element[i + 1];
		bool is_it = (name->type == REDIS_REPLY_STRING || name->type == REDIS_REPLY_STATUS) &&
			     strcasecmp(name->str, key) == 0;
		if (is_it && (value->type == REDIS_REPLY_STRING || value->type == REDIS_REPLY_STATUS))
			return value->str;
	}
	return "";
}

static int64_t number_of(const struct redisReply *job, const char *key)
{
	for (size_t i = 0; job->type == REDIS_REPLY_ARRAY && i + 1 < job->elements; i += 2)
		if (job->element[i]->type == REDIS_REPLY_STRING && strcasecmp(job->element[i]->str, key) == 0 &&
		    job->element[i + 1]->type == REDIS_REPLY_INTEGER)
			return job->element[i + 1]->integer;
	return 0;
}

static enum rop_job_state state_of(const char *word)
{
	if (strcmp(word, "success") == 0)
		return ROP_JOB_DONE;
	if (strcmp(word, "failed") == 0)
		return ROP_JOB_FAILED;
	return strcmp(word, "cancelled") == 0 || strcmp(word, "canceled") == 0 ? ROP_JOB_CANCELLED : ROP_JOB_RUNS;
}

static bool take_id(char *id, const char *text)
{
	if (strlen(text) != ROP_ID_SIZE - 1)
		return false;
	memcpy(id, text, ROP_ID_SIZE);
	return true;
}

static bool take_job(struct rop_arena *arena, const struct redisReply *reply, struct rop_job *job)
{
	const char *message = text_of(reply, "message");
	*job = (struct rop_job){ .state = state_of(text_of(reply, "state")),
				 .created_s = number_of(reply, "create_time"),
				 .updated_s = number_of(reply, "last_update_time"),
				 .message = rop_text_visible(arena, message, strlen(message), MESSAGE_MAX) };
	return take_id(job->name, text_of(reply, "name")) && take_id(job->source, text_of(reply, "source_node")) &&
	       take_id(job->target, text_of(reply, "target_node")) &&
	       rop_slots_parse(text_of(reply, "slot_ranges"), &job->slots);
}

/* Those at work first, then the newest. */
static int by_weight(const void *a, const void *b)
{
	const struct rop_job *x = a, *y = b;
	if ((x->state == ROP_JOB_RUNS) != (y->state == ROP_JOB_RUNS))
		return x->state == ROP_JOB_RUNS ? -1 : 1;
	return (x->created_s < y->created_s) - (x->created_s > y->created_s);
}

static void take_jobs(struct rop_arena *arena, const struct redisReply *reply, struct rop_answer *answer)
{
	struct rop_job *jobs = rop_alloc_n(arena, reply->elements + 1, sizeof *jobs);
	size_t n = 0;
	for (size_t i = 0; i < reply->elements; i++)
		n += take_job(arena, reply->element[i], &jobs[n]);
	if (n)
		qsort(jobs, n, sizeof *jobs, by_weight);
	answer->jobs = jobs;
	answer->n_jobs = n < JOBS_KEPT ? n : JOBS_KEPT;
}

bool slot_jobs_take(struct rop_arena *arena, size_t i, const struct redisReply *reply, struct rop_answer *answer)
{
	if (reply->type != REDIS_REPLY_ARRAY) {
		answer->moves_by_itself = false;
		return false;
	}
	if (i == 0)
		answer->moves_by_itself = reply->elements == 1 && reply->element[0]->type == REDIS_REPLY_ARRAY;
	else
		take_jobs(arena, reply, answer);
	return true;
}
