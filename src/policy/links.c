/* links.c - why a replica's link to its primary does not stand: what is known of both tells the cause. */
#include <string.h>

#include "copies.h"
#include "rop/text.h"

static bool is_set_to(const struct rop_situation *now, size_t node, const char *name, const char *value)
{
	return rop_streq(rop_observed_value(now->seen, node, name), value);
}

#define ALL_127_LOCAL_SINCE 70200 /* Valkey, too, which calls itself 7.2.4 there */

/* Does that server take who comes from there for one of its own host? (connIsLocal in networking.c) */
static bool is_local(const struct rop_node *server, const char *ip)
{
	if (server->version >= ALL_127_LOCAL_SINCE && strncmp(ip, "127.", 4) == 0)
		return true;
	return strcmp(ip, "127.0.0.1") == 0 || strcmp(ip, "::1") == 0;
}

/* Nobody needs a password there: we have none, and it lets us ask. */
static bool is_protected(const struct rop_situation *now, size_t node)
{
	return !now->topology->auth_password_file && !now->topology->auth_credential && rop_answers(now->seen, node) &&
	       is_set_to(now, node, "protected-mode", "yes");
}

#define UNPROTECT \
	"set a password on every node (requirepass, and masterauth to the same) and declare it under spec.auth; or, " \
	"where nobody else reaches these ports, `CONFIG SET protected-mode no`; and so in their configuration"

/* Packets between addresses of the loopback mostly leave from 127.0.0.1, whatever their servers listen on. */
static bool is_far_from_any(const struct rop_situation *now, size_t server)
{
	for (size_t i = 0; i < now->seen->n; i++)
		if (now->seen->nodes[i].ip && i != server &&
		    !is_local(&now->seen->nodes[server], now->seen->nodes[i].ip) &&
		    strncmp(now->seen->nodes[i].ip, "127.", 4) != 0)
			return true;
	return false;
}

void policy_warn_of_protected(struct rop_situation *now)
{
	const char **names = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *names);
	size_t n = 0;
	int first = -1;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (!is_protected(now, i) || !is_far_from_any(now, i))
			continue;
		first = n ? first : (int)i;
		names[n++] = now->seen->nodes[i].address;
	}
	if (n)
		policy_warn(now, first, ROP_WHY_PROTECTED,
			    rop_printf(now->arena,
				       "protected mode is on without a password on %s: replicas and clients from other "
				       "hosts are refused there",
				       rop_text_some(now->arena, names, n, POLICY_VIEWERS_MAX)),
			    UNPROTECT);
}

const char *policy_silent_advice(const struct rop_node *node)
{
	if (!rop_streq(node->reach_why, ROP_SPEAKS_TLS))
		return NULL;
	return "declare the port at which it does not: 'port' beside 'tls-port' in its configuration, and restart it, "
	       "if it has none; its bus and its replication may speak TLS all the same (tls-cluster, tls-replication)";
}

/* ---- the causes ------------------------------------------------------------------------------------------------ */

/* A primary that wants a password from us wants one from its replicas too, and lists those that have given it. What a
 * replica logs in with is never asked for. */
static const char *turned_away(const struct rop_situation *now, const struct rop_node *node, const char *primary,
			       const char **ret_advice)
{
	if (!now->topology->auth_password_file && !now->topology->auth_credential)
		return NULL;
	*ret_advice = rop_printf(
		now->arena,
		"set masterauth (and masteruser, where replicas log in as a user) on %s and in its "
		"configuration file, and so on every node: after a fail-over any of them may be a replica",
		node->address);
	return rop_printf(
		now->arena,
		"%s: its link to its primary %s is down, and that one, which wants a password, has no connection "
		"of it: most likely it logs in with none or a wrong one (masterauth, masteruser)",
		node->address, primary);
}

#define LASTS_S 3 /* a link that broke is up again in a second */

/* We are let in without a password, and the replica is not: it is refused, or does not get there. Nobody else tells. */
static const char *not_let_in(const struct rop_situation *now, const struct rop_node *node, const char **ret_advice)
{
	const struct rop_node *primary = &now->seen->nodes[node->primary];
	if (node->link_down_s >= 0 && node->link_down_s < LASTS_S)
		return NULL;
	*ret_advice = rop_printf(
		now->arena,
		"see the log of %s; where it cannot log in: `CONFIG SET masterauth \"\"` (and masteruser) on it, for "
		"its primary wants no password; where its user may not replicate: give %s what `redis-operator acl "
		"replication` prints; else open port %d to it",
		node->address, primary->address, primary->port);
	return rop_printf(
		now->arena,
		"%s: its link to its primary %s is down, and that one has no connection of it: most likely it "
		"refuses what this one logs in with or may do (masterauth, masteruser), or its port cannot be "
		"reached from there",
		node->address, primary->address);
}

static const char *from_another_host(const struct rop_situation *now, const struct rop_node *node,
				     const char **ret_advice)
{
	const struct rop_node *primary = &now->seen->nodes[node->primary];
	if (!is_protected(now, (size_t)node->primary) || !node->ip || is_local(primary, node->ip))
		return NULL;
	*ret_advice = UNPROTECT;
	return rop_printf(
		now->arena,
		"%s: its link to its primary %s is down: that one is in protected mode (protected-mode yes, and "
		"no password), in which it refuses replicas from other hosts",
		node->address, primary->address);
}

static const char *unlike_speech(const struct rop_situation *now, size_t i, const char **ret_advice)
{
	const struct rop_node *node = &now->seen->nodes[i], *primary = &now->seen->nodes[node->primary];
	size_t p = (size_t)node->primary;
	if (!is_set_to(now, i, "tls-replication", "yes") || !is_set_to(now, p, "tls-port", "0"))
		return NULL;
	*ret_advice = rop_printf(
		now->arena,
		"set tls-port on %s, or `CONFIG SET tls-replication no` on %s; and so in their configuration",
		primary->address, node->address);
	return rop_printf(now->arena,
			  "%s: its link to its primary %s is down: it speaks TLS to its primary (tls-replication yes), "
			  "which has no port for it (tls-port 0)",
			  node->address, primary->address);
}

static const char *looks_elsewhere(const struct rop_situation *now, const struct rop_node *node,
				   const char **ret_advice)
{
	const struct rop_node *primary = &now->seen->nodes[node->primary];
	const char *port = rop_observed_value(now->seen, (size_t)node->primary, "cluster-announce-port");
	if (!port || strcmp(port, "0") == 0 || strcmp(port, rop_printf(now->arena, "%d", primary->port)) == 0)
		return NULL;
	*ret_advice = rop_printf(
		now->arena,
		"`CONFIG SET cluster-announce-port 0` on %s, or to a port that leads to it, and so in its "
		"configuration",
		primary->address);
	return rop_printf(now->arena,
			  "%s: its link to its primary %s is down: it looks for it at port %s, as that one announces "
			  "(cluster-announce-port)",
			  node->address, primary->address, port);
}

const char *policy_link_down(const struct rop_situation *now, size_t i, const char **ret_advice)
{
	const struct rop_node *node = &now->seen->nodes[i];
	const char *primary = node->primary >= 0 ? now->seen->nodes[node->primary].address : node->primary_id;
	const char *text = NULL;
	*ret_advice = NULL;
	if (copies_is_unlisted(now->seen, i)) {
		text = looks_elsewhere(now, node, ret_advice);
		text = text ? text : unlike_speech(now, i, ret_advice);
		text = text ? text : from_another_host(now, node, ret_advice);
		text = text ? text : turned_away(now, node, primary, ret_advice);
		text = text ? text : not_let_in(now, node, ret_advice);
	}
	if (text)
		return text;
	return rop_printf(now->arena, "%s: its link to its primary %s is %s", node->address, primary,
			  copies_is_filling(now->seen, i) ? "still synchronising" : "down");
}
