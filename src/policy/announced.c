/* announced.c - where nodes say that they are (cluster-announce-*, cluster-port), held against where they are declared
 * and answer; and what clients are told of them.
 *
 * Source: clusterBuildMessageHdr and clusterUpdateMyselfIp of the servers' cluster.c: what is announced goes out with
 * every packet, and is where peers look and clients are sent. An address of its own that a node announces may be right
 * though nobody is asked there (a translation of addresses): that is warned of, until peers look there in vain. What
 * cannot be right is refused.
 */
#include <string.h>

#include "policy.h"
#include "rop/text.h"

#define TOLD_MAX 2 /* of those that announce an address: mostly all of them do, for one reason */
#define NAMES_MAX 3
#define VAIN_MS 1500 /* a packet lost, and another */

/* What is set there; NULL: nothing is, or it is not known. */
static const char *set_to(const struct rop_situation *now, size_t node, const char *name)
{
	const char *value = rop_observed_value(now->seen, node, name);
	return value && *value && strcmp(value, "0") != 0 ? value : NULL;
}

static int port_set_to(const struct rop_situation *now, size_t node, const char *name)
{
	const char *value = set_to(now, node, name);
	int64_t port;
	return value && rop_int_parse(value, 1, UINT16_MAX, &port) ? (int)port : 0;
}

static bool is_loopback(const char *ip)
{
	return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* It listens where we ask it, so no port of it is translated on the way. */
static bool listens_there(const struct rop_node *node)
{
	return node->tcp_port && node->tcp_port == node->port;
}

/* The cluster is not what it will be before they are met: it is refused. Of members it is said. */
static bool is_member(const struct rop_situation *now, size_t node)
{
	return now->formed && now->group[node] == now->main_group;
}

static void say(struct rop_situation *now, size_t node, const char *text, const char *advice)
{
	if (is_member(now, node))
		policy_warn(now, (int)node, ROP_WHY_ANNOUNCES, text, advice);
	else
		policy_find(now, (int)node, ROP_WHY_ANNOUNCED, text, advice);
}

/* ---- the port of the bus -------------------------------------------------------------------------------------- */

/* Where its bus listens; 0: not known. */
static int bus_listens(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	const char *tls = rop_observed_value(now->seen, i, "tls-cluster");
	int port = port_set_to(now, i, "cluster-port");
	if (!rop_observed_value(now->seen, i, "cluster-announce-bus-port"))
		return 0;
	if (!set_to(now, i, "cluster-announce-bus-port"))
		return node->own_bus_port;
	if (port)
		return port;
	return tls && strcmp(tls, "yes") == 0 ? 0 : node->tcp_port + ROP_BUS_OFFSET;
}

static void look_at_bus(struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	int announced = port_set_to(now, i, "cluster-announce-bus-port"), listens = bus_listens(now, i);
	if (node->bus_declared && announced && announced != node->bus_port) {
		say(now, i,
		    rop_printf(now->arena,
			       "%s announces port %d of its cluster bus (cluster-announce-bus-port), and the file says "
			       "busPort: %d; the other nodes go where it says",
			       node->address, announced, node->bus_port),
		    rop_printf(
			    now->arena,
			    "correct busPort of that node in the file; or `CONFIG SET cluster-announce-bus-port %d` on "
			    "it, and so in its configuration",
			    node->bus_port));
	} else if (node->bus_declared && !announced && node->own_bus_port && listens_there(node) &&
		   node->own_bus_port != node->bus_port) {
		say(now, i,
		    rop_printf(now->arena,
			       "the file says busPort: %d of %s, whose cluster bus is at port %d, as it says",
			       node->bus_port, node->address, node->own_bus_port),
		    rop_printf(
			    now->arena,
			    "correct busPort of that node in the file (%d), or leave it out: then it is where the node "
			    "says; where ports are translated, set cluster-announce-bus-port, too",
			    node->own_bus_port));
	} else if (!node->bus_declared && announced && listens && announced != listens && listens_there(node) &&
		   !(is_member(now, i) && node->at_home)) {
		say(now, i,
		    rop_printf(
			    now->arena,
			    "%s announces port %d of its cluster bus (cluster-announce-bus-port), and listens on %d; "
			    "the other nodes go where it says",
			    node->address, announced, listens),
		    rop_printf(now->arena,
			       "`CONFIG SET cluster-announce-bus-port 0` on it, and take it out of its configuration; "
			       "where that port leads to it, say busPort: %d of that node in the file",
			       announced));
	}
}

/* ---- the address ---------------------------------------------------------------------------------------------- */

struct place { /* that a node announces */
	const char *ip, *text;
	int port;
	const char *set; /* "cluster-announce-ip 10.0.0.1": what says so */
	const char *undo;
};

/* false: it announces none, or where it is declared and answers. */
static bool place_of(const struct rop_situation *now, size_t i, struct place *ret)
{
	const struct rop_node *node = &now->seen->nodes[i];
	const char *ip = set_to(now, i, "cluster-announce-ip");
	int port = port_set_to(now, i, "cluster-announce-port");
	bool own_ip = ip && node->ip && strcmp(ip, node->ip) != 0, own_port = port && port != node->port;
	if (!rop_node_answers(node) || !node->ip || (!own_ip && !own_port))
		return false;
	ret->ip = ip ? ip : node->ip;
	ret->port = port ? port : node->port;
	ret->text = rop_printf(now->arena, "%s:%d", ret->ip, ret->port);
	ret->set = own_ip ? rop_printf(now->arena, "cluster-announce-ip %s", ip)
			  : rop_printf(now->arena, "cluster-announce-port %d", port);
	ret->undo = own_ip ? "cluster-announce-ip \"\"" : "cluster-announce-port 0";
	return true;
}

/* Another that is declared there, or announces the same. -1: none. */
static int other_at(const struct rop_situation *now, size_t node, const struct place *place)
{
	for (size_t j = 0; j < now->seen->n; j++) {
		struct place same;
		if (j == node)
			continue;
		if (rop_node_is_at(&now->seen->nodes[j], place->text) ||
		    (j < node && place_of(now, j, &same) && strcmp(same.text, place->text) == 0))
			return (int)j;
	}
	return -1;
}

static bool others_are_elsewhere(const struct rop_situation *now, size_t node)
{
	for (size_t j = 0; j < now->seen->n; j++)
		if (now->seen->nodes[j].ip && strcmp(now->seen->nodes[j].ip, now->seen->nodes[node].ip) != 0)
			return true;
	return false;
}

/* Why that cannot be right; NULL: it may be. */
static const char *why_wrong(const struct rop_situation *now, size_t i, const struct place *place)
{
	const struct rop_node *node = &now->seen->nodes[i];
	int other = other_at(now, i, place);
	if (other >= 0 && rop_node_is_at(&now->seen->nodes[other], place->text))
		return rop_printf(now->arena, "where %s is", now->seen->nodes[other].address);
	if (other >= 0)
		return rop_printf(now->arena, "as %s does, too", now->seen->nodes[other].address);
	if (strcmp(place->ip, "0.0.0.0") == 0 || strcmp(place->ip, "::") == 0)
		return "which is no address of a host";
	if (is_loopback(place->ip) && !is_loopback(node->ip) && others_are_elsewhere(now, i))
		return "which leads each of the others to its own host";
	if (strcmp(place->ip, node->ip) == 0 && listens_there(node))
		return rop_printf(now->arena, "and listens on port %d", node->port);
	return NULL;
}

static const char *how_to_correct(const struct rop_situation *now, size_t i, const struct place *place)
{
	return rop_printf(
		now->arena,
		"`CONFIG SET %s` on %s, or to what leads to it, and so in its configuration; where %s does lead "
		"to it, declare it by that address",
		place->undo, now->seen->nodes[i].address, place->text);
}

/* Peers that are connected to it where it says to be have shown that it is right; of its port for clients they show
 * nothing. */
static void look_at_place(struct rop_situation *now, size_t i, size_t *told)
{
	const struct rop_node *node = &now->seen->nodes[i];
	struct place place;
	if (!place_of(now, i, &place))
		return;
	const char *wrong = why_wrong(now, i, &place);
	if (node->at_home && is_member(now, i) && (!wrong || strcmp(place.ip, node->ip) != 0))
		return;
	if (wrong) {
		say(now, i,
		    rop_printf(now->arena,
			       "%s announces itself at %s (%s), %s; the other nodes and clients go where it says",
			       node->address, place.text, place.set, wrong),
		    how_to_correct(now, i, &place));
		return;
	}
	if (++*told > TOLD_MAX || node->at_home)
		return;
	policy_warn(now, (int)i, ROP_WHY_ANNOUNCES,
		    rop_printf(now->arena,
			       "%s announces itself at %s (%s), where it was not seen: the other nodes and clients go "
			       "there, not to where it is declared",
			       node->address, place.text, place.set),
		    rop_printf(now->arena, "if %s does not lead to it: %s", place.text,
			       how_to_correct(now, i, &place)));
}

bool policy_announced_unseen(const struct rop_situation *now, size_t i)
{
	struct place place;
	return now->seen->n > 1 && place_of(now, i, &place) && !now->seen->nodes[i].at_own;
}

/* ---- looked for in vain, where it says -------------------------------------------------------------------------- */

const char *policy_announced_in_vain(const struct rop_situation *now, size_t i, const char **ret_advice)
{
	const struct rop_node *node = &now->seen->nodes[i];
	int bus = port_set_to(now, i, "cluster-announce-bus-port"), listens = bus_listens(now, i);
	struct place place = { 0 };
	const char *set = NULL, *undo = NULL;
	if (!rop_node_answers(node) || !node->sought_at || node->sought_ms < VAIN_MS)
		return NULL;
	if (place_of(now, i, &place) && strcmp(place.text, node->sought_at) == 0) {
		set = place.set;
		undo = place.undo;
	} else if (bus && bus == node->sought_bus && bus != listens) {
		set = rop_printf(now->arena, "cluster-announce-bus-port %d", bus);
		undo = "cluster-announce-bus-port 0";
	}
	if (!set)
		return NULL;
	*ret_advice = rop_printf(
		now->arena,
		"`CONFIG SET %s` on %s, or to what leads to it, and so in its configuration; or open the "
		"way there",
		undo, node->address);
	return rop_printf(
		now->arena,
		"%d peer%s %s for %s at %s (port %d of its bus), as it announces (%s), and get%s no answer there",
		node->sought_by, rop_plural(node->sought_by), node->sought_by == 1 ? "looks" : "look", node->address,
		node->sought_at, node->sought_bus, set, node->sought_by == 1 ? "s" : "");
}

/* What lasts is no news that is still on its way. */
static bool lasts(const struct rop_situation *now, size_t i)
{
	const struct rop_before *before = now->before ? &now->before[i] : NULL;
	return now->looks_once ||
	       (before && before->sought_since_ms && now->boot_ms - before->sought_since_ms >= VAIN_MS);
}

static void find_in_vain(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n && !now->formed; i++) {
		const char *advice, *text = lasts(now, i) ? policy_announced_in_vain(now, i, &advice) : NULL;
		if (text)
			policy_find(now, (int)i, ROP_WHY_ANNOUNCED, text, advice);
	}
}

void policy_find_announced(struct rop_situation *now)
{
	size_t told = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!rop_answers(now->seen, i))
			continue;
		look_at_bus(now, i);
		look_at_place(now, i, &told);
	}
	if (told > TOLD_MAX)
		policy_warn(now, -1, ROP_WHY_ANNOUNCES,
			    rop_printf(now->arena, "and so for %zu more node%s", told - TOLD_MAX,
				       rop_plural((int64_t)(told - TOLD_MAX))),
			    "see cluster-announce-ip and cluster-announce-port of each");
	find_in_vain(now);
}

/* ---- what clients are told -------------------------------------------------------------------------------------- */

static bool prefers(const struct rop_situation *now, size_t i, const char *type)
{
	return rop_answers(now->seen, i) &&
	       rop_streq(rop_observed_value(now->seen, i, "cluster-preferred-endpoint-type"), type);
}

/* The addresses of those that prefer it; NULL: nobody does. */
static const char *who_prefers(const struct rop_situation *now, const char *type, int *ret_first)
{
	const char **names = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *names);
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!prefers(now, i, type))
			continue;
		*ret_first = n ? *ret_first : (int)i;
		names[n++] = now->seen->nodes[i].address;
	}
	return n ? rop_text_some(now->arena, names, n, NAMES_MAX) : NULL;
}

static void warn_of_nameless_hosts(struct rop_situation *now, const char *who)
{
	const char **names = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *names);
	size_t n = 0;
	int first = -1;
	for (size_t i = 0; i < now->seen->n; i++) {
		const char *name = now->seen->nodes[i].hostname;
		if (!rop_answers(now->seen, i) || !name || *name)
			continue;
		first = n ? first : (int)i;
		names[n++] = now->seen->nodes[i].address;
	}
	if (n)
		policy_warn(
			now, first, ROP_WHY_NO_ENDPOINT,
			rop_printf(now->arena,
				   "clients are sent to '?' for %s: cluster-preferred-endpoint-type is hostname on %s, "
				   "and no cluster-announce-hostname is set there",
				   rop_text_some(now->arena, names, n, NAMES_MAX), who),
			"CONFIG SET cluster-announce-hostname on each of them, to the name at which clients reach it; "
			"or cluster-preferred-endpoint-type ip on all; and so in their configuration");
}

static void warn_of_shared_hostnames(struct rop_situation *now)
{
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *a = &now->seen->nodes[i];
		for (size_t j = 0; j < i && a->hostname && *a->hostname; j++) {
			const struct rop_node *b = &now->seen->nodes[j];
			if (!rop_streq(a->hostname, b->hostname) || a->port != b->port || !rop_node_answers(a) ||
			    !rop_node_answers(b))
				continue;
			policy_warn(
				now, (int)i, ROP_WHY_NO_ENDPOINT,
				rop_printf(now->arena,
					   "%s and %s both announce the host name %s with port %d: clients that are "
					   "sent to one may reach the other",
					   b->address, a->address, a->hostname, a->port),
				"CONFIG SET cluster-announce-hostname on each of them, to a name of its own, and so "
				"in their configuration");
			return;
		}
	}
}

void policy_warn_of_endpoints(struct rop_situation *now)
{
	int first = -1;
	const char *who = who_prefers(now, "hostname", &first);
	if (who) {
		warn_of_nameless_hosts(now, who);
		warn_of_shared_hostnames(now);
	}
	who = who_prefers(now, "unknown-endpoint", &first);
	if (who)
		policy_warn(
			now, first, ROP_WHY_NO_ENDPOINT,
			rop_printf(
				now->arena,
				"%s tell%s clients no address ('?': cluster-preferred-endpoint-type "
				"unknown-endpoint): they stay on the address that they know and change the port only",
				who, strpbrk(who, ", ") ? "" : "s"),
			"right only where one address leads to all nodes by their ports; else `CONFIG SET "
			"cluster-preferred-endpoint-type ip` on all nodes, and so in their configuration");
}
