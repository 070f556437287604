/* fleet.c - all links of one cluster: whose turn it is, and errands over them.
 *
 * Happy path: an errand (one observation, one batch of commands) makes one job per node that it concerns. A link
 * works on one job at a time, in the order they came; at most `concurrency` links work at once, and the gate
 * (gate.c) says whose turn it is among the fleets that share one. When an errand's last job is over, its `done` is
 * called from the fleet's own timer: never from inside a link's event, nor from inside rop_fleet_observe, so the callee
 * may do whatever it likes, freeing the fleet included.
 *
 * Failure modes are the links'; here they become reach or outcome of one node, and nothing of the others.
 */
#include "fleet.h"

#include <hiredis/hiredis.h>

#include "rop/text.h"
#include "wire.h"

#define CONCURRENCY_DEFAULT 256

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

void member_let_go(struct member *member)
{
	link_close(member->link);
	gate_lost(member->fleet->party.gate, &member->seat);
}

static void idle_unwanted(void *arg)
{
	struct member *member = arg;
	link_close(member->link);
}

void job_enqueue(struct job *job)
{
	struct rop_fleet *fleet = job->errand->fleet;
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

void job_over(struct job *job)
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

struct errand *errand_new(struct rop_fleet *fleet, struct rop_arena *arena, size_t n, void *arg)
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

struct job *job_new(struct errand *errand, size_t node)
{
	struct job *job = rop_alloc(errand->own, sizeof *job);
	job->errand = errand;
	job->node = node;
	job->exchange.arg = job;
	return job;
}

struct rop_timer *errand_timer(struct errand *errand, void (*fire)(void *arg), void *arg)
{
	struct rop_timer *timer = rop_timer_new(errand->fleet->loop, fire, arg);
	*rop_push(errand->own, &errand->timers) = timer;
	return timer;
}

void errand_hold(struct errand *errand)
{
	errand->left++;
}

void errand_let_go(struct errand *errand)
{
	if (--errand->left == 0)
		rop_timer_start(errand->fleet->tell, 0);
	start_ready(errand->fleet);
}

static void errand_free(struct errand *errand)
{
	for (size_t i = 0; i < errand->timers.n; i++)
		rop_timer_free(errand->timers.at[i]);
	rop_arena_free(errand->own);
}

void errand_begin(struct errand *errand)
{
	if (errand->left == 0) /* it concerns nobody */
		rop_timer_start(errand->fleet->tell, 0);
	start_ready(errand->fleet);
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
	if (errand->finish)
		errand->finish(errand);
	struct errand copy = *errand;
	errand_free(errand);
	if (copy.observed)
		copy.observed(copy.arg, copy.answers, copy.n);
	else
		copy.sent(copy.arg, copy.outcomes, copy.n);
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
		errand_free(errand);
	}
	rop_arena_free(fleet->arena);
}

void rop_fleet_expect(struct rop_fleet *fleet, size_t node, const char *id)
{
	struct rop_endpoint *endpoint = &fleet->members[node].endpoint;
	if (!rop_streq(endpoint->expected_id, id))
		endpoint->expected_id = rop_strdup(fleet->arena, id);
}
