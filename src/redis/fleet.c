/* fleet.c - all links of one cluster: observations and sends over them, so many at a time.
 *
 * Happy path: an errand (one observation, one batch of commands) makes one job per node that it concerns. A link
 * works on one job at a time, in the order they came; at most `concurrency` links work at once, and the gate
 * (gate.c) says whose turn it is among the fleets that share one. When an errand's last job is over, its `done` is
 * called from the fleet's own timer: never from inside a link's event, nor from inside rop_fleet_observe, so the callee
 * may do whatever it likes, freeing the fleet included.
 *
 * Failure modes are the links'; here they become reach or outcome of one node, and nothing of the others.
 */
#include "rop/fleet.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "gate.h"
#include "link.h"
#include "observe.h"
#include "rop/mem.h"
#include "rop/text.h"
#include "wire.h"

#define CONCURRENCY_DEFAULT 256

struct errand {
	struct errand *next; /* of the fleet's list of errands that are not told yet */
	struct rop_fleet *fleet;
	struct rop_arena *arena; /* the caller's: what `done` gets */
	struct rop_arena *own;   /* everything else; this errand too */
	size_t left;             /* jobs that are not over */
	size_t n;
	void *arg;
	struct questions *questions; /* an observation; else NULL */
	struct rop_answer *answers;
	bool asked_names; /* answers go on behind the nodes: fleet.members */
	void (*observed)(void *arg, const struct rop_answer *answers, size_t n);
	struct rop_outcome *outcomes; /* a send */
	void (*sent)(void *arg, const struct rop_outcome *outcomes, size_t n);
};

struct job {              /* one exchange with one node, for one errand; owned by the errand's own arena */
	struct job *next; /* of its node's queue */
	struct errand *errand;
	size_t node;
	struct link_exchange exchange;
	ROP_LIST(size_t) commands; /* a send: which of the errand's commands, in order */
	struct rop_text wire;      /* a send: being written; on the heap */
	size_t replied;
};

struct member { /* one node */
	struct rop_fleet *fleet;
	struct rop_endpoint endpoint;
	struct link *link;
	struct gate_seat seat;
	struct job *first, *last; /* waiting, or (the first) under way */
	bool keeps_clients;       /* does not tell who is connected to it: it is not asked again */
	const char *several;      /* its name is that of two servers, and which; NULL: not known */
	struct member *next_ready;
};

struct rop_fleet {
	struct rop_loop *loop;
	struct rop_arena *arena;
	struct verdict_login login;
	/* The nodes; and behind them, for each address of a name that has several, whoever is there: asked once. */
	struct member *members;
	size_t n, n_all;
	size_t *node_of; /* [behind them]: whose name it is */
	bool asked_names;
	struct gate_party party;
	struct rop_gate *own_gate;               /* or NULL: it is shared */
	struct member *ready_first, *ready_last; /* have a job, wait for their turn */
	struct errand *errands;
	struct rop_timer *tell;
};

/* ---- turns ------------------------------------------------------------------------------------------------- */

static void make_ready(struct rop_fleet *fleet, struct member *member)
{
	member->next_ready = NULL;
	if (fleet->ready_last)
		fleet->ready_last->next_ready = member;
	else
		fleet->ready_first = member;
	fleet->ready_last = member;
}

static struct gate_seat *first_ready(void *arg)
{
	struct rop_fleet *fleet = arg;
	return fleet->ready_first ? &fleet->ready_first->seat : NULL;
}

static void start_first(void *arg)
{
	struct rop_fleet *fleet = arg;
	struct member *member = fleet->ready_first;
	fleet->ready_first = member->next_ready;
	if (!fleet->ready_first)
		fleet->ready_last = NULL;
	link_start(member->link, &member->first->exchange);
}

static void start_ready(struct rop_fleet *fleet)
{
	if (fleet->ready_first)
		gate_wait(&fleet->party);
	else
		gate_pump(fleet->party.gate);
}

static void idle_closed(void *arg)
{
	struct member *member = arg;
	gate_lost(member->fleet->party.gate, &member->seat);
}

static void let_go(struct member *member)
{
	link_close(member->link);
	gate_lost(member->fleet->party.gate, &member->seat);
}

static void idle_unwanted(void *arg)
{
	struct member *member = arg;
	link_close(member->link);
}

static void enqueue(struct rop_fleet *fleet, struct job *job)
{
	struct member *member = &fleet->members[job->node];
	job->errand->left++;
	if (member->first) {
		member->last->next = job;
		member->last = job;
		return;
	}
	member->first = member->last = job;
	make_ready(fleet, member);
}

static void job_over(struct job *job)
{
	struct rop_fleet *fleet = job->errand->fleet;
	struct member *member = &fleet->members[job->node];
	gate_over(&fleet->party, &member->seat, link_is_open(member->link));
	member->first = job->next;
	if (member->first)
		make_ready(fleet, member);
	else
		member->last = NULL;
	if (--job->errand->left == 0)
		rop_timer_start(fleet->tell, 0);
	start_ready(fleet);
}

/* ---- errands ----------------------------------------------------------------------------------------------- */

static struct errand *errand_new(struct rop_fleet *fleet, struct rop_arena *arena, size_t n, void *arg)
{
	struct rop_arena *own = rop_arena_new();
	struct errand *errand = rop_alloc(own, sizeof *errand);
	errand->fleet = fleet;
	errand->arena = arena;
	errand->own = own;
	errand->n = n;
	errand->arg = arg;
	struct errand **at = &fleet->errands;
	while (*at)
		at = &(*at)->next;
	*at = errand;
	return errand;
}

static struct job *job_new(struct errand *errand, size_t node)
{
	struct job *job = rop_alloc(errand->own, sizeof *job);
	job->errand = errand;
	job->node = node;
	job->exchange.arg = job;
	return job;
}

/* ---- names of several servers ------------------------------------------------------------------------------- */

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

static void forget_answer(struct rop_answer *answer)
{
	answer->cluster_nodes = answer->cluster_info = answer->info_server = NULL;
	answer->info_replication = answer->info_keyspace = answer->info_memory = NULL;
	answer->info_modules = NULL;
	answer->settings = NULL;
	answer->no_setting = NULL;
	answer->functions = ROP_COUNT_NOT_ASKED;
	answer->shards = NULL;
}

static void look_at_names(struct errand *errand)
{
	struct rop_fleet *fleet = errand->fleet;
	if (errand->asked_names)
		tell_names_apart(fleet, errand->answers);
	for (size_t k = fleet->n; k < fleet->n_all && errand->asked_names; k++)
		let_go(&fleet->members[k]);
	for (size_t i = 0; i < fleet->n; i++) {
		struct rop_answer *answer = &errand->answers[i];
		if (!fleet->members[i].several || answer->reach != ROP_REACH_OK)
			continue;
		forget_answer(answer);
		answer->reach = ROP_REACH_SEVERAL;
		answer->reach_why = rop_strdup(errand->arena, fleet->members[i].several);
	}
}

/* One errand that is over; the fleet may be gone when its callback returns. */
static void tell(void *arg)
{
	struct rop_fleet *fleet = arg;
	struct errand **at = &fleet->errands;
	while (*at && (*at)->left > 0)
		at = &(*at)->next;
	struct errand *errand = *at;
	if (!errand)
		return;
	*at = errand->next;
	rop_timer_start(fleet->tell, 0); /* there may be another */
	if (errand->observed)
		look_at_names(errand);
	struct errand copy = *errand;
	rop_arena_free(errand->own);
	if (copy.observed)
		copy.observed(copy.arg, copy.answers, copy.n);
	else
		copy.sent(copy.arg, copy.outcomes, copy.n);
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
	if (answer->reach != ROP_REACH_OK) /* half an answer is none */
		forget_answer(answer);
	if (job->node >= job->errand->fleet->n || !ask_for_clients(job))
		job_over(job);
}

void rop_fleet_observe(struct rop_fleet *fleet, struct rop_arena *arena, unsigned flags, const char **setting_names,
		       size_t n_settings, void (*done)(void *arg, const struct rop_answer *answers, size_t n),
		       void *arg)
{
	struct errand *errand = errand_new(fleet, arena, fleet->n, arg);
	errand->observed = done;
	errand->asked_names = !fleet->asked_names;
	fleet->asked_names = true;
	size_t n = errand->asked_names ? fleet->n_all : fleet->n;
	errand->answers = rop_alloc_n(arena, n, sizeof *errand->answers);
	errand->questions = questions_new(errand->own, flags, fleet->login.password ? fleet->login.user : NULL,
					  setting_names, n_settings);
	for (size_t i = 0; i < n; i++) {
		const struct rop_endpoint *endpoint = &fleet->members[i].endpoint;
		struct rop_answer *answer = &errand->answers[i];
		answer->address = rop_strdup(arena, endpoint->address);
		answer->ip = rop_strdup(arena, endpoint->ip);
		answer->port = endpoint->port;
		answer->bus_port = endpoint->bus_port;
		answer->expected_id = rop_strdup(arena, endpoint->expected_id);
		answer->functions = ROP_COUNT_NOT_ASKED;
		answer->asked_shards = errand->questions->shards;
		if (errand->questions->n_settings)
			answer->settings = rop_alloc_n(arena, n_settings, sizeof *answer->settings);
		if (errand->questions->n_settings)
			answer->no_setting = rop_alloc_n(arena, n_settings, sizeof *answer->no_setting);
		struct job *job = job_new(errand, i);
		job->exchange.wire = errand->questions->wire;
		job->exchange.wire_n = errand->questions->wire_n;
		job->exchange.replies = errand->questions->n;
		job->exchange.limit = observe_limit;
		job->exchange.reply = observe_reply;
		job->exchange.end = observe_end;
		enqueue(fleet, job);
	}
	if (errand->left == 0)
		rop_timer_start(fleet->tell, 0);
	start_ready(fleet);
}

/* ---- sending ----------------------------------------------------------------------------------------------- */

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
		enqueue(fleet, jobs[node]);
	}
	if (errand->left == 0)
		rop_timer_start(fleet->tell, 0);
	start_ready(fleet);
}

/* ---- the fleet --------------------------------------------------------------------------------------------- */

/* Without a gate to share every node keeps its connection. */
static void join_gate(struct rop_fleet *fleet, const struct rop_fleet_options *options)
{
	if (!options->gate) {
		fleet->own_gate = gate_new(fleet->n_all);
		gate_make_room(fleet->n_all); /* many systems give a process 1024 descriptors unless it asks for more */
	}
	fleet->party = (struct gate_party){
		.gate = options->gate ? options->gate : fleet->own_gate,
		.most = options->concurrency > 0 ? (size_t)options->concurrency : CONCURRENCY_DEFAULT,
		.first = first_ready,
		.start = start_first,
		.arg = fleet,
	};
	gate_join(&fleet->party);
}

static const char *const *copies_of(struct rop_arena *arena, const char *const *texts, size_t n)
{
	const char **copies = rop_alloc_n(arena, n + 1, sizeof *copies);
	for (size_t i = 0; i < n; i++)
		copies[i] = rop_strdup(arena, texts[i]);
	return copies;
}

static void member_init(struct rop_fleet *fleet, struct member *member, const struct rop_endpoint *at,
			struct link_target target)
{
	struct rop_arena *arena = fleet->arena;
	struct rop_endpoint *endpoint = &member->endpoint;
	*endpoint = *at;
	endpoint->address = rop_strdup(arena, endpoint->address);
	endpoint->ip = rop_strdup(arena, endpoint->ip);
	endpoint->expected_id = rop_strdup(arena, endpoint->expected_id);
	endpoint->no_ip = rop_strdup(arena, endpoint->no_ip);
	endpoint->ips = copies_of(arena, endpoint->ips, endpoint->n_ips);
	target.ip = endpoint->ip;
	target.ips = endpoint->ips;
	target.n_ips = endpoint->n_ips;
	target.no_ip = endpoint->no_ip;
	target.port = endpoint->port;
	target.arg = member;
	member->fleet = fleet;
	member->link = link_new(fleet->loop, &target);
	member->seat = (struct gate_seat){ .vacate = idle_unwanted, .arg = member };
}

struct rop_fleet *rop_fleet_new(struct rop_loop *loop, const struct rop_fleet_options *options,
				const struct rop_endpoint *endpoints, size_t n)
{
	struct rop_arena *arena = rop_arena_new();
	struct rop_fleet *fleet = rop_alloc(arena, sizeof *fleet);
	fleet->loop = loop;
	fleet->arena = arena;
	fleet->login = (struct verdict_login){ options->user, options->password };
	fleet->n = fleet->n_all = n;
	for (size_t i = 0; i < n; i++)
		fleet->n_all += endpoints[i].n_ips;
	fleet->members = rop_alloc_n(arena, fleet->n_all, sizeof *fleet->members);
	fleet->node_of = rop_alloc_n(arena, fleet->n_all - n, sizeof *fleet->node_of);
	fleet->tell = rop_timer_new(loop, tell, fleet);
	join_gate(fleet, options);
	struct link_target target = {
		.login = fleet->login,
		.client_name = rop_strdup(arena, options->client_name),
		.connect_timeout_ms = options->connect_timeout_ms,
		.command_timeout_ms = options->command_timeout_ms,
		.closed = idle_closed,
	};
	for (size_t i = 0, k = n; i < n; i++) {
		member_init(fleet, &fleet->members[i], &endpoints[i], target);
		for (size_t a = 0; a < endpoints[i].n_ips; a++, k++) {
			struct rop_endpoint there = { .address = endpoints[i].address,
						      .ip = endpoints[i].ips[a],
						      .port = endpoints[i].port,
						      .bus_port = endpoints[i].bus_port };
			fleet->node_of[k - n] = i;
			member_init(fleet, &fleet->members[k], &there, target);
		}
	}
	return fleet;
}

void rop_fleet_free(struct rop_fleet *fleet)
{
	if (!fleet)
		return;
	for (size_t i = 0; i < fleet->n_all; i++) {
		link_free(fleet->members[i].link);
		gate_lost(fleet->party.gate, &fleet->members[i].seat);
	}
	gate_leave(&fleet->party);
	rop_gate_free(fleet->own_gate);
	rop_timer_free(fleet->tell);
	for (size_t i = 0; i < fleet->n_all; i++)
		for (struct job *job = fleet->members[i].first; job; job = job->next)
			rop_text_done(&job->wire);
	for (struct errand *errand = fleet->errands, *next; errand; errand = next) {
		next = errand->next;
		rop_arena_free(errand->own);
	}
	rop_arena_free(fleet->arena);
}

void rop_fleet_expect(struct rop_fleet *fleet, size_t node, const char *id)
{
	struct rop_endpoint *endpoint = &fleet->members[node].endpoint;
	if (!rop_streq(endpoint->expected_id, id))
		endpoint->expected_id = rop_strdup(fleet->arena, id);
}
