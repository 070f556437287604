/* seed.c - a whole cluster found through one of its nodes: the seed says whom it knows, then all of them are asked. */
#include <stdlib.h>
#include <string.h>

#include "rop/fleet.h"
#include "rop/loop.h"
#include "rop/seed.h"
#include "rop/text.h"
#include "rop/topology.h"

#define CONNECT_TIMEOUT_MS 2000
#define COMMAND_TIMEOUT_MS 5000

/* ---- the seed ---------------------------------------------------------------------------------------------- */

static bool log_in(struct rop_seed *seed, const char *user, const char *password_file, struct rop_err *err)
{
	seed->fleet = rop_alloc(seed->arena, sizeof *seed->fleet);
	*seed->fleet = (struct rop_fleet_options){ .connect_timeout_ms = CONNECT_TIMEOUT_MS,
						   .command_timeout_ms = COMMAND_TIMEOUT_MS };
	if (!password_file)
		return !user || rop_fail(err, ROP_INVALID, "--user %s needs --password-file too", user);
	if (!rop_password_load(password_file, &seed->password, err))
		return false;
	seed->fleet->user = user;
	seed->fleet->password = seed->password;
	return true;
}

static void resolved(void *arg, const char *const *ips, size_t n, const char *why)
{
	struct rop_seed *seed = arg;
	const char **all = rop_alloc_n(seed->arena, n + 1, sizeof *all);
	for (size_t i = 0; i < n; i++)
		all[i] = rop_strdup(seed->arena, ips[i]);
	seed->ip = all[0];
	seed->ips = n > 1 ? all : NULL;
	seed->n_ips = n > 1 ? n : 0;
	seed->why = rop_strdup(seed->arena, why);
	rop_loop_stop(seed->loop);
}

static void first_looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct rop_seed *seed = arg;
	(void)n;
	seed->first = answers[0];
	seed->ip = answers[0].ip;
	rop_loop_stop(seed->loop);
}

static void look(struct rop_seed *seed, const struct rop_endpoint *endpoints, size_t n, unsigned flags,
		 const char **names, size_t n_names, void (*done)(void *, const struct rop_answer *, size_t), void *arg)
{
	struct rop_fleet *fleet = rop_fleet_new(seed->loop, seed->fleet, endpoints, n);
	rop_fleet_observe(fleet, seed->arena, flags, names, n_names, done, arg);
	rop_loop_run(seed->loop);
	rop_fleet_free(fleet);
}

/* ---- whom it knows ----------------------------------------------------------------------------------------- */

/* "127.0.0.1:7000@17000,name": what rop_node_line_parse cuts off. Up to 7.0 there may be no name, in 4.0 no bus port.
 */
static void take_rest_of_address(struct rop_arena *arena, const char *line, int *ret_bus_port, const char **ret_name)
{
	const char *address = strchr(line, ' ');
	size_t n = address ? strcspn(++address, " ") : 0;
	const char *at = n ? memchr(address, '@', n) : NULL, *comma = n ? memchr(address, ',', n) : NULL;
	int64_t bus_port;
	*ret_bus_port = 0;
	*ret_name = NULL;
	if (at && rop_int_parse(rop_strndup(arena, at + 1, strspn(at + 1, "0123456789")), 1, 65535, &bus_port))
		*ret_bus_port = (int)bus_port;
	if (comma && strcspn(comma + 1, ", ") > 0)
		*ret_name = rop_strndup(arena, comma + 1, strcspn(comma + 1, ", "));
}

static void list_peers(struct rop_seed *seed, const struct rop_endpoint *first)
{
	struct rop_arena *arena = seed->arena;
	ROP_LIST(struct rop_endpoint) list = { 0 };
	ROP_LIST(const char *) names = { 0 };
	*rop_push(arena, &list) = *first;
	*rop_push(arena, &names) = NULL;
	for (char *line = rop_strdup(arena, seed->first.cluster_nodes), *next; line && *line; line = next) {
		struct rop_node_line node;
		struct rop_endpoint peer = { 0 };
		const char *name;
		char *host = NULL;
		next = strchr(line, '\n');
		if (next)
			*next++ = '\0';
		take_rest_of_address(arena, line, &peer.bus_port, &name);
		if (!rop_node_line_parse(line, &node) || node.handshake)
			continue;
		bool known = rop_address_split(arena, node.address, &host, &peer.port);
		peer.expected_id = node.id;
		peer.ip = known ? host : "";
		peer.address = known ? rop_address_join(arena, host, peer.port) : "";
		if (node.myself) {
			list.at[0].expected_id = node.id;
			list.at[0].bus_port = peer.bus_port;
			names.at[0] = name;
			seed->announced = peer;
		} else if (!known || node.noaddr) {
			*rop_push(arena, &seed->nowhere) = node.id;
		} else {
			*rop_push(arena, &list) = peer;
			*rop_push(arena, &names) = name;
		}
	}
	seed->endpoints = list.at;
	seed->host_names = names.at;
	seed->n = list.n;
}

static enum rop_code code_of(enum rop_reach reach)
{
	if (reach == ROP_REACH_DENIED)
		return ROP_DENIED;
	return reach == ROP_REACH_SILENT || reach == ROP_REACH_LOADING ? ROP_UNREACHABLE : ROP_REFUSED;
}

static const char *what_to_do(enum rop_reach reach)
{
	if (reach == ROP_REACH_SENTINEL)
		return "; give the address of a data node";
	return reach == ROP_REACH_NO_COMMAND ? "; take that out of its configuration and restart it" : "";
}

bool rop_seed_open(struct rop_seed *seed, struct rop_arena *arena, const char *text, const char *user,
		   const char *password_file, struct rop_err *err)
{
	struct rop_endpoint first = { .address = text };
	char *host;
	seed->arena = arena;
	seed->text = text;
	if (!rop_address_split(arena, text, &host, &seed->port))
		return rop_fail(err, ROP_INVALID, "'%s' is not HOST:PORT", text);
	seed->host = host;
	if (!log_in(seed, user, password_file, err))
		return false;
	seed->loop = rop_loop_new(err);
	if (!seed->loop)
		return false;
	rop_resolve(seed->loop, host, resolved, seed);
	rop_loop_run(seed->loop);
	if (!seed->ip)
		return rop_fail(err, ROP_UNREACHABLE, "'%s' does not resolve: %s", host, seed->why);
	first.ip = seed->ip;
	first.ips = seed->ips;
	first.n_ips = seed->n_ips;
	first.port = seed->port;
	look(seed, &first, 1, 0, NULL, 0, first_looked, seed);
	first.ip = seed->ip; /* where it listens */
	first.ips = NULL;
	first.n_ips = 0;
	if (seed->first.reach != ROP_REACH_OK || !seed->first.cluster_nodes)
		return rop_fail(err, code_of(seed->first.reach), "%s: %s%s", text,
				seed->first.reach_why ? seed->first.reach_why : "no answer",
				what_to_do(seed->first.reach));
	list_peers(seed, &first);
	return true;
}

/* ---- all of them ------------------------------------------------------------------------------------------- */

struct looking {
	struct rop_seed *seed;
	const char **names;
	size_t n_names;
};

static void all_looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct looking *l = arg;
	l->seed->seen = rop_observed_from_answers(l->seed->arena, answers, n, l->names, l->n_names, rop_boot_ms());
	rop_loop_stop(l->seed->loop);
}

void rop_seed_look(struct rop_seed *seed, unsigned flags, const char **names, size_t n_names)
{
	struct looking l = { seed, names, n_names };
	look(seed, seed->endpoints, seed->n, flags, names, n_names, all_looked, &l);
}

void rop_seed_close(struct rop_seed *seed)
{
	rop_secret_free(seed->password);
	seed->password = NULL;
	if (seed->loop)
		rop_loop_free(seed->loop);
	seed->loop = NULL;
}

/* ---- where other machines find them ------------------------------------------------------------------------ */

static bool is_loopback(const char *ip)
{
	return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* As the nodes announce themselves. Loopback in the seed's view is the seed's own machine: seen from here, its host. */
size_t rop_seed_choose_addresses(struct rop_seed *seed)
{
	bool elsewhere = !is_loopback(seed->ip);
	size_t replaced = 0;
	if (*seed->announced.ip && !(elsewhere && is_loopback(seed->announced.ip))) {
		seed->endpoints[0] = seed->announced;
	} else {
		seed->endpoints[0].address = rop_address_join(seed->arena, seed->host, seed->port);
		replaced += *seed->announced.ip != '\0';
	}
	for (size_t i = 1; i < seed->n; i++) {
		struct rop_endpoint *peer = &seed->endpoints[i];
		if (!elsewhere || !is_loopback(peer->ip))
			continue;
		peer->ip = seed->ip;
		peer->address = rop_address_join(seed->arena, seed->host, peer->port);
		replaced++;
	}
	return replaced;
}

struct rop_topology *rop_seed_topology(const struct rop_seed *seed)
{
	struct rop_topology *t = rop_alloc(seed->arena, sizeof *t);
	t->name = seed->seen->nodes[0].address;
	for (size_t i = 0; i < seed->seen->n; i++) {
		const struct rop_node *node = &seed->seen->nodes[i];
		*rop_push(seed->arena, &t->nodes) = (struct rop_declared_node){ .host = node->ip,
										.ip = node->ip,
										.port = node->port };
		t->shards += !rop_slots_empty(&node->slots);
	}
	return t;
}
