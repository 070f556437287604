/* fleet_observe.c - one observation of all nodes: a job for each, and what becomes of its answer.
 *
 * After the questions that matter a node is asked for the keys of its open slots, where it has such, and now and then
 * for its clients, each in a round trip of its own. The first
 * observation asks every address of a name that has several; a node that is reached only where it was last must be the
 * one that it was.
 */
#include "fleet.h"

#include <stdio.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "rop/text.h"
#include "slot_counts.h"
#include "slot_jobs.h"

/* ---- who answered ------------------------------------------------------------------------------------------ */

#define OWN_ID_MAX 64

/* The first word of its own line of CLUSTER NODES. "": it has none. */
static void own_id(const struct rop_answer *answer, char id[OWN_ID_MAX])
{
	const char *text = answer->reach == ROP_REACH_OK ? answer->cluster_nodes : NULL;
	const char *own = text ? strstr(text, "myself") : NULL;
	while (own && own > text && own[-1] != '\n')
		own--;
	snprintf(id, OWN_ID_MAX, "%.*s", own ? (int)strcspn(own, " ") : 0, own ? own : "");
}

/* Half an answer is none: where it was asked, and what became of that, stay. */
static void forget_answer(struct rop_answer *answer)
{
	*answer = (struct rop_answer){
		.address = answer->address,
		.ip = answer->ip,
		.port = answer->port,
		.bus_port = answer->bus_port,
		.expected_id = answer->expected_id,
		.leaving = answer->leaving,
		.reach = answer->reach,
		.reach_why = answer->reach_why,
		.rtt_ms = answer->rtt_ms,
		.asked_shards = answer->asked_shards,
		.asked_memory = answer->asked_memory,
		.functions = ROP_COUNT_NOT_ASKED,
	};
}

/* Its name has no address: whom it reaches where it was last must be the one that it was. */
static void look_at_last_known(struct rop_arena *arena, const struct rop_endpoint *endpoint, struct rop_answer *answer)
{
	char id[OWN_ID_MAX];
	own_id(answer, id);
	if (answer->reach == ROP_REACH_OK && rop_streq(endpoint->expected_id, id)) {
		answer->nameless = rop_printf(arena, "%s; it is reached where it was last, at %s", endpoint->no_ip,
					      answer->ip);
		return;
	}
	answer->reach_why = rop_printf(arena, "%s; where it was last, at %s: %s", endpoint->no_ip, answer->ip,
				       answer->reach == ROP_REACH_OK ? "another server answers" : answer->reach_why);
	answer->reach = ROP_REACH_SILENT;
}

static void tell_names_apart(struct rop_fleet *fleet, const struct rop_answer *answers)
{
	for (size_t k = fleet->n; k < fleet->n_all; k++) {
		size_t node = fleet->node_of[k - fleet->n];
		char here[OWN_ID_MAX], there[OWN_ID_MAX];
		own_id(&answers[node], here);
		own_id(&answers[k], there);
		if (*here && *there && strcmp(here, there) != 0)
			fleet->members[node].several = rop_printf(fleet->arena,
								  "its name leads to two servers: node %s answers at "
								  "%s, node %s at %s",
								  here, answers[node].ip, there, answers[k].ip);
	}
}

static void observe_finish(struct errand *errand)
{
	struct rop_fleet *fleet = errand->fleet;
	if (errand->asked_names)
		tell_names_apart(fleet, errand->answers);
	for (size_t k = fleet->n; k < fleet->n_all && errand->asked_names; k++)
		member_let_go(&fleet->members[k]);
	for (size_t i = 0; i < fleet->n; i++) {
		struct rop_answer *answer = &errand->answers[i];
		if (!fleet->members[i].several || answer->reach != ROP_REACH_OK)
			continue;
		forget_answer(answer);
		answer->reach = ROP_REACH_SEVERAL;
		answer->reach_why = rop_strdup(errand->arena, fleet->members[i].several);
	}
}

/* ---- observing --------------------------------------------------------------------------------------------- */

static bool observe_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	struct errand *errand = job->errand;
	return questions_take(errand->questions, &errand->fleet->login, errand->arena, i, reply,
			      &errand->answers[job->node], ret_verdict);
}

static size_t observe_limit(void *arg, size_t i, const char **ret_asked)
{
	const struct errand *errand = ((struct job *)arg)->errand;
	return questions_limit(errand->questions, errand->n, i, ret_asked);
}

static size_t clients_limit(void *arg, size_t i, const char **ret_asked)
{
	(void)arg, (void)i;
	*ret_asked = "CLIENT LIST";
	return CLIENT_LIST_BYTES_MAX;
}

static bool clients_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	struct rop_fleet *fleet = job->errand->fleet;
	(void)i, (void)ret_verdict;
	if (!client_list_take(job->errand->arena, reply, &job->errand->answers[job->node]))
		fleet->members[job->node].keeps_clients = true;
	return true;
}

/* The node has answered what matters; whatever became of this question. An absurd answer is not asked for again. */
static void clients_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	(void)sent;
	job->errand->fleet->members[job->node].keeps_clients |= verdict->reach == ROP_REACH_NOT_REDIS;
	job_over(job);
}

/* A round trip of its own: only now it is known how long the reply will be. false: not worth it. */
static bool ask_for_clients(struct job *job)
{
	const struct rop_answer *answer = &job->errand->answers[job->node];
	struct member *member = &job->errand->fleet->members[job->node];
	if (!job->errand->questions->clients || member->keeps_clients || answer->reach != ROP_REACH_OK ||
	    answer->n_clients < 1 || answer->n_clients > CLIENT_LIST_MAX)
		return false;
	job->exchange.wire = CLIENT_LIST_WIRE;
	job->exchange.wire_n = strlen(CLIENT_LIST_WIRE);
	job->exchange.replies = 1;
	job->exchange.limit = clients_limit;
	job->exchange.reply = clients_reply;
	job->exchange.end = clients_end;
	link_start(member->link, &job->exchange);
	return true;
}

static void ask_last(struct job *job)
{
	if (!ask_for_clients(job))
		job_over(job);
}

static size_t jobs_limit(void *arg, size_t i, const char **ret_asked)
{
	(void)arg;
	return slot_jobs_limit(i, ret_asked);
}

static bool jobs_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	(void)ret_verdict;
	if (!slot_jobs_take(job->errand->arena, i, reply, &job->errand->answers[job->node]))
		job->errand->fleet->members[job->node].keeps_jobs = true;
	return true;
}

static void jobs_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct rop_answer *answer = &job->errand->answers[job->node];
	(void)sent;
	answer->moves_by_itself &= verdict->reach == ROP_REACH_OK;
	ask_last(job);
}

/* A round trip of its own: only now it is known whether it may be such a server. Not as a user of its own: what that
 * may not run would be noted in the server's ACL LOG with every look. */
static void ask_for_jobs(struct job *job)
{
	struct member *member = &job->errand->fleet->members[job->node];
	const struct rop_answer *answer = &job->errand->answers[job->node];
	bool own_user = job->errand->fleet->login.user != NULL;
	if (answer->reach != ROP_REACH_OK || member->keeps_jobs || own_user ||
	    !slot_jobs_asked(job->errand->questions, answer)) {
		ask_last(job);
		return;
	}
	job->exchange.wire = slot_jobs_wire;
	job->exchange.wire_n = strlen(slot_jobs_wire);
	job->exchange.replies = SLOT_JOBS_REPLIES;
	job->exchange.limit = jobs_limit;
	job->exchange.reply = jobs_reply;
	job->exchange.end = jobs_end;
	link_start(member->link, &job->exchange);
}

static bool counts_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	(void)ret_verdict;
	slot_counts_take(job->counts, i, reply);
	job->replied = i + 1;
	return true;
}

/* All of them, or none is known: an answer that was cut off may lack a database. */
static void counts_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	(void)sent;
	if (verdict->reach == ROP_REACH_OK)
		slot_counts_end(job->counts, &job->errand->answers[job->node]);
	ask_for_jobs(job);
}

/* A round trip of its own: only now it is known which slots are open. */
static bool ask_for_counts(struct job *job)
{
	struct errand *errand = job->errand;
	const struct rop_answer *answer = &errand->answers[job->node];
	struct slot_counts counts;
	if (answer->reach != ROP_REACH_OK || !slot_counts_new(errand->arena, errand->questions, answer, &counts))
		return false;
	job->counts = rop_alloc(errand->own, sizeof *job->counts);
	*job->counts = counts;
	job->exchange.wire = counts.wire;
	job->exchange.wire_n = counts.wire_n;
	job->exchange.replies = counts.replies;
	job->exchange.limit = NULL;
	job->exchange.reply = counts_reply;
	job->exchange.end = counts_end;
	link_start(errand->fleet->members[job->node].link, &job->exchange);
	return true;
}

static void observe_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct rop_answer *answer = &job->errand->answers[job->node];
	(void)sent;
	const struct link *link = job->errand->fleet->members[job->node].link;
	answer->ip = rop_strdup(job->errand->arena, link_ip(link));
	answer->rtt_ms = link_rtt_ms(link);
	if (verdict->reach != ROP_REACH_OK && answer->reach == ROP_REACH_OK) {
		answer->reach = verdict->reach;
		answer->reach_why = rop_strdup(job->errand->arena, verdict->why);
	}
	const struct rop_endpoint *endpoint = &job->errand->fleet->members[job->node].endpoint;
	if (endpoint->no_ip && endpoint->ip)
		look_at_last_known(job->errand->arena, endpoint, answer);
	if (answer->reach != ROP_REACH_OK)
		forget_answer(answer);
	if (job->node >= job->errand->fleet->n)
		job_over(job);
	else if (!ask_for_counts(job))
		ask_for_jobs(job);
}

static struct rop_answer answer_new(const struct errand *errand, const struct rop_endpoint *endpoint)
{
	struct rop_arena *arena = errand->arena;
	size_t n = errand->questions->n_settings;
	return (struct rop_answer){
		.address = rop_strdup(arena, endpoint->address),
		.ip = rop_strdup(arena, endpoint->ip),
		.port = endpoint->port,
		.bus_port = endpoint->bus_port,
		.expected_id = rop_strdup(arena, endpoint->expected_id),
		.leaving = endpoint->leaving,
		.functions = ROP_COUNT_NOT_ASKED,
		.asked_shards = errand->questions->shards,
		.asked_memory = errand->questions->memory,
		.settings = n ? rop_alloc_n(arena, n, sizeof(char *)) : NULL,
		.no_setting = n ? rop_alloc_n(arena, n, sizeof(bool)) : NULL,
	};
}

void rop_fleet_observe(struct rop_fleet *fleet, struct rop_arena *arena, unsigned flags, const char **setting_names,
		       size_t n_settings, void (*done)(void *arg, const struct rop_answer *answers, size_t n),
		       void *arg)
{
	struct errand *errand = errand_new(fleet, arena, fleet->n, arg);
	errand->observed = done;
	errand->finish = observe_finish;
	errand->asked_names = !fleet->asked_names;
	fleet->asked_names = true;
	size_t n = errand->asked_names ? fleet->n_all : fleet->n;
	errand->answers = rop_alloc_n(arena, n, sizeof *errand->answers);
	errand->questions = questions_new(errand->own, flags, fleet->login.password ? fleet->login.user : NULL,
					  setting_names, n_settings);
	for (size_t i = 0; i < n; i++) {
		errand->answers[i] = answer_new(errand, &fleet->members[i].endpoint);
		struct job *job = job_new(errand, i);
		job->exchange.wire = errand->questions->wire;
		job->exchange.wire_n = errand->questions->wire_n;
		job->exchange.replies = errand->questions->n;
		job->exchange.limit = observe_limit;
		job->exchange.reply = observe_reply;
		job->exchange.end = observe_end;
		job_enqueue(job);
	}
	errand_begin(errand);
}
