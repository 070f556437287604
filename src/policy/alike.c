/* alike.c - servers that must be alike and are not: what a replica cannot load or file as its primary does, it loses.
 *
 * Sources: RDB_VERSION of the servers' rdb.h (6.2: 9, 7.0: 10, 7.2: 11, 7.4 and 8.0: 12; Valkey 7.2 to 8.1: 11, from
 * 9.0 on a range of its own). Measured: a replica that gets an RDB of a later version never syncs, and does not start
 * again, for the file lies in its folder; Valkey 8.1 and 9.1 follow each other either way. A replica with fewer
 * databases than its primary (cluster-databases, Valkey 9) files the keys of those it does not have under database 0.
 * Measured, too: a replica that is sent what a module keeps, and lacks the module, ends ("The RDB file contains module
 * data I can't load", rdb.c).
 */
#include <string.h>

#include "alike.h"
#include "guard.h"
#include "rop/text.h"

#define RDB_OF_VALKEY 11 /* what a Valkey server of any version sends to one that is not of its kind at most */
#define RDB_FOREIGN 12   /* from here on Redis's own, which no Valkey server loads */

/* The version of RDB that a Redis server writes and loads; 0: unknown. */
static int rdb_of_redis(int version)
{
	static const struct {
		int from, rdb;
	} SINCE[] = { { 80200, 13 }, { 70400, 12 }, { 70200, 11 }, { 70000, 10 }, { 1, 9 } };
	for (size_t i = 0; i < sizeof SINCE / sizeof *SINCE; i++)
		if (version >= SINCE[i].from)
			return SINCE[i].rdb;
	return 0;
}

int alike_rank(const struct rop_node *node)
{
	return node->valkey ? RDB_OF_VALKEY : rdb_of_redis(node->version);
}

bool alike_loads(const struct rop_node *replica, const struct rop_node *primary)
{
	int mine = alike_rank(replica), theirs = alike_rank(primary);
	if (!mine || !theirs || (replica->valkey && primary->valkey))
		return true;
	if (replica->valkey)
		return theirs < RDB_FOREIGN;
	if (primary->valkey) /* from 9.0 on it writes what is not known elsewhere */
		return primary->own_version < 90000 && mine >= RDB_OF_VALKEY && mine < RDB_FOREIGN;
	return theirs <= mine;
}

bool alike_ranks_differ(const struct rop_observed *seen)
{
	int first = 0;
	for (size_t i = 0; i < seen->n; i++) {
		int rank = rop_answers(seen, i) ? alike_rank(&seen->nodes[i]) : 0;
		if (rank && first && rank != first)
			return true;
		first = first ? first : rank;
	}
	return false;
}

/* ---- versions ---------------------------------------------------------------------------------------------- */

static const char *server_of(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	return rop_printf(now->arena, "%s (%s)", node->address, node->flavour ? node->flavour : "version unknown");
}

/* The word with the blank behind it, and nothing before it. */
static bool has_word(const char *text, const char *word)
{
	for (const char *at = text; (at = strstr(at, word)); at++)
		if (at == text || at[-1] == ' ')
			return true;
	return false;
}

/* One that the primary has and the other has not; NULL: there is none, or it cannot be known. Valkey's engine for
 * scripts is one from 9.1 on, and keeps nothing. */
static const char *missing_module(struct rop_arena *arena, const struct rop_node *replica,
				  const struct rop_node *primary)
{
	if (!replica->modules || !primary->modules)
		return NULL;
	for (const char *name = primary->modules; *name; name += strcspn(name, " ") + 1) {
		const char *word = rop_strndup(arena, name, strcspn(name, " ") + 1);
		if (strcmp(word, "lua ") != 0 && !has_word(replica->modules, word))
			return rop_strndup(arena, word, strlen(word) - 1);
	}
	return NULL;
}

static const char *cannot_load_modules(const struct rop_situation *now, const struct rop_node *x,
				       const struct rop_node *p)
{
	const char *module = missing_module(now->arena, x, p);
	if (!module)
		return NULL;
	return rop_printf(now->arena,
			  "%s lacks the module '%s' that %s has: as its replica it cannot load what that module keeps, "
			  "and ends",
			  x->address, module, p->address);
}

const char *alike_cannot_load(const struct rop_situation *now, size_t replica, size_t primary)
{
	const struct rop_node *x = &now->seen->nodes[replica], *p = &now->seen->nodes[primary];
	if (!rop_node_answers(x) || !rop_node_answers(p))
		return NULL;
	if (alike_loads(x, p))
		return cannot_load_modules(now, x, p);
	return rop_printf(now->arena,
			  "%s cannot load what %s sends: as its replica it would never be in sync, and not start again",
			  server_of(now, replica), server_of(now, primary));
}

#define UPGRADE "upgrade the older ones soon, replicas first"
#define LOAD_MODULE "load it there, too (loadmodule in its configuration, and restart it)"

/* Whether it can load what the primary has is not known, and the primary has something. */
static void look_at_untold_modules(struct rop_situation *now, size_t x, size_t p)
{
	const struct rop_node *replica = &now->seen->nodes[x], *primary = &now->seen->nodes[p];
	if (!rop_node_answers(replica) || replica->modules || !primary->modules || !*primary->modules ||
	    strcmp(primary->modules, "lua ") == 0)
		return;
	policy_find(now, (int)x, ROP_WHY_UNKNOWN,
		    rop_printf(now->arena,
			       "%s would not tell which modules it has (user '%s' may not run INFO modules), and %s "
			       "has %s: whether it can load what those keep is not known",
			       replica->address, policy_user(now), primary->address,
			       rop_strndup(now->arena, primary->modules, strlen(primary->modules) - 1)),
		    POLICY_ALLOW);
}

/* A pair of today, or the pair that the plan makes. */
static void look_at_pair(struct rop_situation *now, size_t x, size_t p)
{
	const struct rop_node *replica = &now->seen->nodes[x];
	bool is_one = replica->role == ROP_ROLE_REPLICA && replica->primary == (int)p;
	const char *why = alike_cannot_load(now, x, p), *after = alike_cannot_load(now, p, x);
	bool by_version = !alike_loads(replica, &now->seen->nodes[p]);
	bool by_version_after = !alike_loads(&now->seen->nodes[p], replica);
	if (!is_one)
		look_at_untold_modules(now, x, p);
	if (why && !is_one)
		policy_find(now, (int)x, ROP_WHY_UNLIKE_SERVERS, why,
			    by_version ? "put newer servers under older ones only (spec.nodes[].shard says who goes "
					 "where), or bring all to one version first"
				       : LOAD_MODULE);
	else if (why)
		policy_warn(now, (int)x, ROP_WHY_UNLIKE_SERVERS, why, by_version ? UPGRADE : LOAD_MODULE);
	else if (after)
		policy_warn(now, (int)p, ROP_WHY_UNLIKE_LATER,
			    rop_printf(now->arena, "after a fail-over of shard %d %s", now->layout.shard_of[p] + 1,
				       after),
			    by_version_after ? UPGRADE : LOAD_MODULE);
}

static void look_at_versions(struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		int planned = now->layout.primary_of[i];
		int followed = seen->nodes[i].role == ROP_ROLE_REPLICA ? seen->nodes[i].primary : -1;
		if (followed >= 0)
			look_at_pair(now, i, (size_t)followed);
		if (planned >= 0 && planned != followed)
			look_at_pair(now, i, (size_t)planned);
	}
}

/* ---- settings that only a restart changes ------------------------------------------------------------------ */

static const char *value_at(const struct rop_situation *now, size_t i, int at)
{
	return rop_answers(now->seen, i) ? now->seen->nodes[i].settings[at] : NULL;
}

static const char *commonest(const struct rop_situation *now, int at)
{
	const char *best = NULL;
	size_t best_n = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		const char *value = value_at(now, i, at);
		size_t n = 0;
		for (size_t j = 0; value && j < now->seen->n; j++)
			n += rop_streq(value, value_at(now, j, at));
		if (n > best_n) {
			best = value;
			best_n = n;
		}
	}
	return best;
}

/* Members already: it is said, for nothing that we do makes it worse. Who is to become one is kept out. */
static void look_at_setting(struct rop_situation *now, const char *name, const char *price)
{
	int at = rop_observed_setting(now->seen, name);
	const char *most = at < 0 ? NULL : commonest(now, at);
	for (size_t i = 0; most && i < now->seen->n; i++) {
		const char *value = value_at(now, i, at);
		if (!value || strcmp(value, most) == 0)
			continue;
		const char *text = rop_printf(now->arena, "%s has %s %s, the others %s: %s",
					      now->seen->nodes[i].address, name, value, most, price);
		const char *advice = rop_printf(now->arena, "set '%s %s' in its configuration, and restart it", name,
						most);
		if (now->formed && now->group[i] == now->main_group)
			policy_warn(now, (int)i, ROP_WHY_UNLIKE_SERVERS, text, advice);
		else
			policy_find(now, (int)i, ROP_WHY_UNLIKE_SERVERS, text, advice);
	}
}

const char *const alike_settings[ALIKE_SETTINGS_N] = { "cluster-databases", "tls-cluster" };

void policy_find_unlike(struct rop_situation *now)
{
	look_at_setting(now, alike_settings[0],
			"a replica files the keys of a database that it does not have under database 0, over others of "
			"the same name");
	look_at_setting(now, alike_settings[1], "nodes with and without TLS on the cluster bus do not hear each other");
	look_at_versions(now);
}
