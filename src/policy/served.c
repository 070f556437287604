/* served.c - which slots are served: owned is not enough, their owner must live. What is not served is said with whose
 * it is, how each of that shard is, and what only a person may do about it. */
#include "served.h"

#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "risks.h"
#include "rop/text.h"

#define SHARDS_TOLD 3
#define REPLICAS_TOLD 3

/* ---- how one node is ---------------------------------------------------------------------------------------- */

enum standing {
	STANDS_UP,       /* it answers, and most others see it so */
	STANDS_FAILING,  /* it answers, and most others see it failing: they do not send clients there */
	STANDS_DEAD,     /* nobody listens where it is declared */
	STANDS_SILENT,   /* it does not answer, and others do not reach it either, or nobody is there to tell */
	STANDS_LOADING,  /* it reads its data set */
	STANDS_UNSEEN,   /* it does not answer us, and most others see it healthy */
	STANDS_WITHHELD, /* it answers, and does not let us ask */
	STANDS_UNFIT,    /* what answers there is no node of a cluster */
};

/* Do most of the others that answer and list it see it healthy? */
static bool most_see_healthy(const struct rop_observed *seen, size_t node)
{
	size_t viewers = 0, against = 0;
	for (size_t v = 0; v < seen->n; v++) {
		if (v == node || !rop_answers(seen, v) || !rop_bit(seen, seen->known, v, node))
			continue;
		viewers++;
		against += rop_bit(seen, seen->failing, v, node);
	}
	return viewers && against * 2 <= viewers;
}

/* The owners' word counts, as it does among the servers: a replica that lost touch fails nobody. */
static bool most_owners_against(const struct rop_observed *seen, const bool *owner, size_t node)
{
	size_t owners = 0, against = 0;
	for (size_t v = 0; v < seen->n; v++) {
		if (v == node || !owner[v] || !rop_answers(seen, v))
			continue;
		owners++;
		against += rop_bit(seen, seen->failing, v, node);
	}
	return owners && against * 2 > owners;
}

static enum standing standing_of(const struct rop_observed *seen, const bool *owner, size_t node)
{
	const struct rop_node *n = &seen->nodes[node];
	switch (n->reach) {
	case ROP_REACH_OK: return most_owners_against(seen, owner, node) ? STANDS_FAILING : STANDS_UP;
	case ROP_REACH_LOADING: return STANDS_LOADING;
	case ROP_REACH_DENIED: return STANDS_WITHHELD;
	case ROP_REACH_NOT_REDIS:
	case ROP_REACH_NOT_CLUSTER:
	case ROP_REACH_SENTINEL:
	case ROP_REACH_SEVERAL:
	case ROP_REACH_NO_COMMAND: return STANDS_UNFIT;
	case ROP_REACH_SILENT: break;
	}
	if (n->reach_why && strncmp(n->reach_why, ROP_NOBODY_LISTENS, strlen(ROP_NOBODY_LISTENS)) == 0)
		return STANDS_DEAD;
	return most_see_healthy(seen, node) ? STANDS_UNSEEN : STANDS_SILENT;
}

static const char *word_of(enum standing standing)
{
	switch (standing) {
	case STANDS_UP: return "answers";
	case STANDS_FAILING: return "failing";
	case STANDS_DEAD: return "dead";
	case STANDS_SILENT: return "silent";
	case STANDS_LOADING: return "loading";
	case STANDS_UNSEEN: return "silent to us, not to other nodes";
	case STANDS_WITHHELD: return "does not let us ask";
	case STANDS_UNFIT: return "no node of a cluster";
	}
	return "";
}

/* Nobody can say that it does not serve. */
static bool may_serve(enum standing standing)
{
	return standing == STANDS_UNSEEN || standing == STANDS_WITHHELD;
}

/* Neither we nor most others reach it. */
static bool is_gone(const struct rop_observed *seen, enum standing standing, size_t node)
{
	return (standing == STANDS_DEAD || standing == STANDS_SILENT) && !most_see_healthy(seen, node);
}

/* ---- one shard ---------------------------------------------------------------------------------------------- */

struct serving { /* one look at who serves what */
	struct rop_situation *now;
	const bool *owner;
	enum standing *standing; /* [node] */
	size_t owners, gone;
	bool rivals; /* some slot is claimed twice */
};

/* What a node claims and nobody with a greater epoch does. */
static struct rop_slots claim_of(const struct serving *s, size_t node)
{
	const struct rop_observed *seen = s->now->seen;
	struct rop_slots claim = seen->nodes[node].slots;
	for (size_t j = 0; s->rivals && j < seen->n; j++) {
		const struct rop_node *other = &seen->nodes[j];
		if (j == node || other->epoch <= seen->nodes[node].epoch || !rop_slots_meet(&other->slots, &claim))
			continue;
		rop_slots_drop(&claim, &other->slots);
	}
	return claim;
}

static bool follows(const struct rop_observed *seen, size_t i, size_t owner)
{
	return i != owner && seen->nodes[i].role == ROP_ROLE_REPLICA && copies_root(seen, i) == (int)owner;
}

static void add_replicas(const struct serving *s, size_t owner, struct rop_text *text)
{
	const struct rop_observed *seen = s->now->seen;
	size_t n = 0, told = 0;
	for (size_t i = 0; i < seen->n; i++)
		n += follows(seen, i, owner);
	if (!n)
		rop_text_add(text, ", without a replica");
	for (size_t i = 0; i < seen->n && told < REPLICAS_TOLD; i++) {
		if (!follows(seen, i, owner))
			continue;
		const char *before = n > 1 ? ", its replicas" : ", its replica";
		rop_text_add(text, "%s %s %s%s", told ? "," : before, seen->nodes[i].address, word_of(s->standing[i]),
			     s->standing[i] == s->standing[owner] ? " too" : "");
		told++;
	}
	if (n > told)
		rop_text_add(text, " and %zu more", n - told);
}

static int shard_number(const struct rop_situation *now, size_t node)
{
	int shard = now->layout.shard_of[node];
	return shard < 0 ? 0 : now->layout.shards[shard].number;
}

static void add_shard(const struct serving *s, size_t owner, struct rop_text *text)
{
	int number = shard_number(s->now, owner);
	if (number)
		rop_text_add(text, "shard %d: ", number);
	rop_text_add(text, "%s %s", s->now->seen->nodes[owner].address, word_of(s->standing[owner]));
	add_replicas(s, owner, text);
}

/* Of one kind: those that are known not to serve, or those that nobody could ask. Returns how many slots. */
static int add_shards(const struct serving *s, bool unseen, struct rop_text *text)
{
	const struct rop_observed *seen = s->now->seen;
	int slots = 0;
	size_t told = 0, more = 0;
	for (size_t i = 0; i < seen->n; i++) {
		if (!s->owner[i] || s->standing[i] == STANDS_UP || may_serve(s->standing[i]) != unseen)
			continue;
		struct rop_slots claim = claim_of(s, i);
		int own = rop_slots_count(&claim) - rop_slots_common(&claim, &s->now->served);
		if (!own)
			continue;
		slots += own;
		if (told == SHARDS_TOLD) {
			more++;
			continue;
		}
		rop_text_add(text, "%s", told++ ? "; " : "");
		add_shard(s, i, text);
	}
	if (more)
		rop_text_add(text, "; and %zu more shard%s", more, rop_plural((int64_t)more));
	return slots;
}

/* ---- what only a person may do ------------------------------------------------------------------------------ */

/* What takeover would refuse is not advised; NULL: nothing, as far as is known here. */
static const char *barred_from_it(const struct rop_situation *now, size_t lost, size_t heir)
{
	return now->image->shards.n ? risk_takeover_by(now, lost, heir) : NULL;
}

/* The replica that is furthest on, of those that the guard would let lead, if there is one; a copy that is being filled
 * is none. -1: nobody. */
static int heir_of(const struct serving *s, size_t owner, bool unvoted)
{
	const struct rop_observed *seen = s->now->seen;
	int best = -1;
	bool best_may = false;
	for (size_t i = 0; i < seen->n; i++) {
		if (!follows(seen, i, owner) || s->standing[i] != STANDS_UP || seen->nodes[i].syncing)
			continue;
		bool may = unvoted && !barred_from_it(s->now, owner, i);
		if (best < 0 || may > best_may ||
		    (may == best_may && seen->nodes[i].offset > seen->nodes[best].offset)) {
			best = (int)i;
			best_may = may;
		}
	}
	return best;
}

static const char *keys_text(struct rop_arena *arena, const struct rop_node *node)
{
	if (node->keys < 0)
		return "it does not tell how many keys it holds";
	return rop_printf(arena, "it holds %" PRId64 " key%s", node->keys, rop_plural(node->keys));
}

/* Where no majority is left nobody is elected, so a live copy stays a replica for ever. To make it a primary without a
 * vote costs what had not reached it, and two primaries where the others come back: that is a person's decision. */
static const char *takeover_advice(const struct serving *s)
{
	struct rop_situation *now = s->now;
	const struct rop_observed *seen = now->seen;
	ROP_OWN_TEXT text = { 0 };
	bool majority = (s->owners - s->gone) * 2 > s->owners;
	for (size_t i = 0; i < seen->n && !majority; i++) {
		int heir = s->owner[i] && is_gone(seen, s->standing[i], i) ? heir_of(s, i, true) : -1;
		if (heir < 0)
			continue;
		const char *barred = barred_from_it(now, i, (size_t)heir);
		const struct rop_node *lost = &seen->nodes[i], *node = &seen->nodes[heir];
		if (!text.n)
			rop_text_add(&text,
				     "%zu of %zu primaries %s gone, and without a majority no replica is elected",
				     s->gone, s->owners, s->gone == 1 ? "is" : "are");
		if (barred) {
			rop_text_add(&text, "; bring %s back: %s %s", lost->address, node->address, barred);
			continue;
		}
		rop_text_add(
			&text,
			"; only if %s is gone for good: `redis-operator takeover %s %s` (%s; what was written to %s "
			"and had not reached it is lost then, also where that comes back)",
			lost->address, now->topology->path ? now->topology->path : "FILE", node->address,
			keys_text(now->arena, node), lost->address);
	}
	return text.n ? rop_strndup(now->arena, text.at, text.n) : NULL;
}

#define VALID_TIMES 10 /* cluster-replica-validity-factor */

/* It was away from its primary for longer than servers allow, or never was linked to it since it was started. */
static bool will_not_be_elected(const struct serving *s, size_t heir, size_t owner)
{
	const struct rop_node *node = &s->now->seen->nodes[heir];
	int64_t timeout_ms = rop_observed_number(s->now->seen, heir, "cluster-node-timeout", ROP_NODE_TIMEOUT_MS);
	return !node->link_up && node->keys > 0 && most_owners_against(s->now->seen, s->owner, owner) &&
	       (node->link_down_s < 0 || node->link_down_s * 1000 > timeout_ms * VALID_TIMES);
}

/* There is a majority, and nobody asks it. */
static const char *force_advice(const struct serving *s)
{
	struct rop_situation *now = s->now;
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < now->seen->n; i++) {
		int heir = s->owner[i] && is_gone(now->seen, s->standing[i], i) ? heir_of(s, i, false) : -1;
		if (heir < 0 || !will_not_be_elected(s, (size_t)heir, i))
			continue;
		const struct rop_node *lost = &now->seen->nodes[i], *node = &now->seen->nodes[heir];
		rop_text_add(
			&text,
			"%s%s (%s) is not elected: it has been away from its primary for too long. If %s comes "
			"back without its data, it wipes that copy; if it is gone for good, let the copy take over: "
			"`redis-cli -h %s -p %d cluster failover force`",
			text.n ? "; " : "", node->address, keys_text(now->arena, node), lost->address,
			node->ip ? node->ip : "HOST", node->port);
	}
	return text.n ? rop_strndup(now->arena, text.at, text.n) : NULL;
}

/* Nobody who answers has what is in its slots. */
static const char *revive_advice(const struct serving *s)
{
	const struct rop_observed *seen = s->now->seen;
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < seen->n; i++) {
		size_t replicas = 0, up = 0;
		if (!s->owner[i] || !is_gone(seen, s->standing[i], i))
			continue;
		for (size_t k = 0; k < seen->n; k++) {
			replicas += follows(seen, k, i);
			up += follows(seen, k, i) && rop_answers(seen, k);
		}
		if (!up)
			rop_text_add(&text, "%s%s%s",
				     text.n ? ", " : "start again, with its data: ", seen->nodes[i].address,
				     replicas ? " or a replica of it" : "");
	}
	if (!text.n)
		return NULL;
	rop_text_add(&text, "; first where the data is on disk: one that comes back empty wipes its replicas");
	return rop_strndup(s->now->arena, text.at, text.n);
}

/* ---- all of it ---------------------------------------------------------------------------------------------- */

static void note_standings(struct serving *s)
{
	const struct rop_observed *seen = s->now->seen;
	int claimed = 0;
	for (size_t i = 0; i < seen->n; i++)
		claimed += rop_slots_count(&seen->nodes[i].slots);
	s->rivals = claimed > rop_slots_count(&s->now->owned);
	for (size_t i = 0; i < seen->n; i++) {
		s->standing[i] = standing_of(seen, s->owner, i);
		s->owners += s->owner[i];
		s->gone += s->owner[i] && is_gone(seen, s->standing[i], i);
		if (s->standing[i] != STANDS_UP || seen->nodes[i].role == ROP_ROLE_REPLICA)
			continue;
		struct rop_slots claim = claim_of(s, i);
		rop_slots_join(&s->now->served, &claim);
	}
}

/* The owners that answer refuse their slots, all of them. */
static bool others_refuse(const struct serving *s)
{
	size_t answering = 0, refusing = 0;
	for (size_t i = 0; i < s->now->seen->n; i++) {
		if (!s->owner[i] || s->standing[i] != STANDS_UP)
			continue;
		answering++;
		refusing += !s->now->seen->nodes[i].state_ok;
	}
	return answering && refusing == answering;
}

void policy_find_served(struct rop_situation *now)
{
	ROP_OWN_TEXT lost = { 0 }, unseen = { 0 }, text = { 0 };
	struct serving s = { .now = now,
			     .owner = policy_owners(now->arena, now->seen),
			     .standing = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *s.standing) };
	note_standings(&s);
	int unowned = ROP_SLOTS - rop_slots_count(&now->owned);
	int not_served = add_shards(&s, false, &lost), not_seen = add_shards(&s, true, &unseen);
	now->all_served = ROP_TRUE;
	if (not_seen)
		now->all_served = ROP_UNKNOWN;
	if (not_served || unowned)
		now->all_served = ROP_FALSE;
	if (not_served) {
		rop_text_add(&text, "%d of 16384 slots are not served (", not_served + unowned);
		if (unowned)
			rop_text_add(&text, "%d are owned by nobody; ", unowned);
		rop_text_add(&text, "%s)", lost.at);
	}
	if (not_served && others_refuse(&s))
		rop_text_add(&text,
			     "; the others are refused too: the primaries that answer report cluster_state:fail%s",
			     (s.owners - s.gone) * 2 > s.owners ? " (cluster-require-full-coverage)" : "");
	if (not_seen)
		rop_text_add(&text, "%s%d of 16384 slots are not seen to be served (%s)", text.n ? "; " : "", not_seen,
			     unseen.at);
	if (!text.n)
		return;
	now->unserved = rop_strndup(now->arena, text.at, text.n);
	now->unserved_advice = takeover_advice(&s);
	if (!now->unserved_advice)
		now->unserved_advice = force_advice(&s);
	if (!now->unserved_advice)
		now->unserved_advice = revive_advice(&s);
}

void policy_warn_of_few_primaries(struct rop_situation *now)
{
	if (now->topology->shards < 3)
		policy_warn(now, -1, ROP_WHY_FEW_PRIMARIES, ROP_FEW_PRIMARIES, NULL);
}
