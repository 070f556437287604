/* handover.c - the wish that a shard be led by another node: who leads it, who is to, how far it is, and what stands
 * against it. Held against what is seen, so that it does not matter who did what of it, or who asked.
 */
#include "handover.h"

#include <inttypes.h>
#include <string.h>

#include "copies.h"
#include "drained.h"
#include "guard.h"
#include "misplaced.h"
#include "rop/text.h"

#define MANUAL_TIMEOUT_MS 5000  /* CLUSTER_MF_TIMEOUT, where it is no setting */
#define LOCKED_TIMEOUTS 4       /* node timeouts until a replica stands again: auth_retry_time */
#define LOCKED_LEAST_MS 4000    /* ... at least */
#define REFUSED_REST_MS 1000    /* refused at once: what it lacked may be there by then */
#define FREE_SINCE_VALKEY 80100 /* which stands again at once, and votes again at once */
#define FRESH_MS 30000
#define VOTED_TIMEOUTS 2 /* node timeouts for which nobody is voted for in the place of the same primary again */

/* ---- who leads it -------------------------------------------------------------------------------------------- */

int handover_shard(const struct rop_situation *now, int number)
{
	for (size_t k = 0; k < now->layout.n; k++)
		if (now->layout.shards[k].number == number)
			return (int)k;
	return -1;
}

int handover_leader(const struct rop_situation *now, int shard)
{
	int primary = shard < 0 ? -1 : now->layout.shards[shard].primary;
	return primary >= 0 && !rop_slots_empty(&now->seen->nodes[primary].slots) ? primary : -1;
}

/* Numbers follow labels, and who takes over may have another one: the shard is that of whoever led it, and follows
 * there. Where that one is not to be asked, it is the shard of that number. ret_gone: there is none. */
static int leader_now(const struct rop_situation *now, const struct rop_wish *wish, bool *ret_gone)
{
	int before = rop_observed_find(now->seen, wish->primary), shard = handover_shard(now, wish->shard);
	*ret_gone = false;
	if (before >= 0 && (size_t)before < now->seen->n) {
		int root = copies_root(now->seen, (size_t)before);
		bool known = root == before || rop_answers(now->seen, (size_t)before);
		if (known && root >= 0 && !rop_slots_empty(&now->seen->nodes[root].slots))
			return root;
	}
	*ret_gone = shard < 0;
	return handover_leader(now, shard);
}

static bool is_led_as_wanted(const struct rop_handover *h)
{
	const struct rop_wish *wish = h->wish;
	if (h->from < 0 || !rop_answers(h->now->seen, (size_t)h->from))
		return false;
	const char *id = h->now->seen->nodes[h->from].id;
	return wish->node[0] ? strcmp(id, wish->node) == 0 : strcmp(id, wish->primary) != 0;
}

/* ---- confirmed ------------------------------------------------------------------------------------------------ */

/* What it was when it was asked for; -1: it is not there any more, leaves, or leads still. */
static int leader_before(const struct rop_handover *h)
{
	int before = rop_observed_find(h->now->seen, h->wish->primary);
	return before == h->from || (before >= 0 && (size_t)before >= h->now->seen->n) ? -1 : before;
}

/* Nodes that are yet to be introduced hold nothing of the kind. */
static bool has_heard(const struct rop_situation *now, size_t viewer, int about, size_t leader)
{
	return about < 0 || (int)viewer == about || !rop_answers(now->seen, viewer) ||
	       now->group[viewer] != now->group[leader] || rop_bit(now->seen, now->seen->agrees, viewer, (size_t)about);
}

int handover_unheard(const struct rop_handover *h, size_t viewer)
{
	const int about[] = { h->from, leader_before(h) };
	for (size_t k = 0; h->handed_over && k < 2; k++)
		if (!has_heard(h->now, viewer, about[k], (size_t)h->from))
			return about[k];
	return -1;
}

/* NULL: all views say so, and who led it before follows. */
static const char *unconfirmed(const struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	const struct rop_observed *seen = now->seen;
	size_t leader = (size_t)h->from;
	int before = leader_before(h);
	const char *open = copies_leadership_open(now, leader);
	if (open)
		return open;
	if (before >= 0 && !rop_answers(seen, (size_t)before))
		return rop_printf(now->arena, "%s does not answer", seen->nodes[before].address);
	if (before >= 0 && !copies_in_sync(seen, (size_t)before, leader))
		return rop_printf(now->arena, "%s does not follow it with its link up yet",
				  seen->nodes[before].address);
	for (size_t v = 0; v < seen->n; v++)
		if (handover_unheard(h, v) >= 0)
			return rop_printf(now->arena, "%s has not heard of it yet", seen->nodes[v].address);
	return NULL;
}

/* ---- attempts ------------------------------------------------------------------------------------------------- */

static int64_t timeout_of(const struct rop_handover *h, size_t node)
{
	return rop_observed_number(h->now->seen, node, "cluster-node-timeout", ROP_NODE_TIMEOUT_MS);
}

int64_t rop_handover_pause_ms(const struct rop_handover *h)
{
	int64_t most = 0;
	const int nodes[] = { h->from, h->to };
	for (size_t i = 0; i < 2; i++) {
		if (nodes[i] < 0)
			continue;
		int64_t ms = rop_observed_number(h->now->seen, (size_t)nodes[i], ROP_MANUAL_TIMEOUT, MANUAL_TIMEOUT_MS);
		most = ms > most ? ms : most;
	}
	return most ? most : MANUAL_TIMEOUT_MS;
}

static bool is_free(const struct rop_node *node)
{
	return node->valkey && node->own_version >= FREE_SINCE_VALKEY;
}

/* For how long after an attempt that came to nothing the servers may take no other one. */
static int64_t locked_ms(const struct rop_handover *h, size_t heir)
{
	const struct rop_node *node = &h->now->seen->nodes[heir];
	if (!h->wish->locked)
		return REFUSED_REST_MS;
	if (is_free(node))
		return rop_handover_pause_ms(h);
	int64_t ms = LOCKED_TIMEOUTS * timeout_of(h, heir);
	return (ms > LOCKED_LEAST_MS ? ms : LOCKED_LEAST_MS) + REFUSED_REST_MS;
}

static void give_up(struct rop_handover *h, enum rop_wish_status as, const char *why)
{
	if (h->hopeless)
		return;
	h->hopeless = why;
	h->ends_as = as;
}

/* When it gave its slots away last, as far as it was asked to by us; 0: it did not. */
static int64_t gave_away_ms(const struct rop_image *image, const char *id)
{
	for (size_t i = 0; i < image->handed.n; i++)
		if (strcmp(image->handed.at[i].node, id) == 0)
			return image->handed.at[i].boot_ms;
	return 0;
}

/* Until when the servers let an attempt come to nothing, while clients wait for it. */
static int64_t rests_until_ms(const struct rop_handover *h)
{
	const struct rop_node *heir = &h->now->seen->nodes[h->to], *from = &h->now->seen->nodes[h->from];
	int64_t gave_ms = gave_away_ms(h->now->image, from->id), failed_ms = h->wish->failed_boot_ms;
	int64_t until_ms = failed_ms ? failed_ms + locked_ms(h, (size_t)h->to) : 0;
	if (!gave_ms || is_free(heir))
		return until_ms;
	gave_ms += VOTED_TIMEOUTS * timeout_of(h, (size_t)h->to) + REFUSED_REST_MS;
	return gave_ms > until_ms ? gave_ms : until_ms;
}

/* It came about by our asking, and just now: what is missing comes in a moment, and nothing else is done until then.
 * What takes longer (a primary that went down, a full synchronisation), or came about otherwise, is not waited for so.
 */
static bool is_fresh(const struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	int64_t gave_ms = gave_away_ms(now->image, h->wish->primary);
	return guard_is_handing_over(now, h->wish->primary) || (gave_ms && now->boot_ms - gave_ms < FRESH_MS);
}

/* A plan does not wait. */
static void find_attempts(struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	if (h->to >= 0 && !(now->looks_once && now->tries)) {
		int64_t until_ms = rests_until_ms(h);
		h->rests = now->boot_ms < until_ms;
		h->rests_ms = h->rests ? until_ms - now->boot_ms : 0;
	}
	if (!now->tries)
		return;
	const char *subject = guard_failover_subject(now, now->seen->nodes[h->from].id);
	enum rop_may may = rop_tries_may(now->tries, subject, now->boot_ms);
	h->under_way = may == ROP_MAY_PENDING;
	h->rests |= may == ROP_MAY_LATER;
	if (may == ROP_MAY_NEVER)
		give_up(h, ROP_WISH_FAILED, rop_tries_note(now->tries, subject));
}

/* ---- what stands against it ----------------------------------------------------------------------------------- */

static const struct rop_candidate *candidate_of(const struct rop_handover *h, int node)
{
	for (size_t i = 0; i < h->candidates.n; i++)
		if (h->candidates.at[i].node == node)
			return &h->candidates.at[i];
	return NULL;
}

static void bar(struct rop_handover *h, enum rop_code code, const char *why)
{
	if (h->barred)
		return;
	h->barred = why;
	h->code = code;
}

/* All of them, and why not. */
static const char *nobody_is_ready(const struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	ROP_OWN_TEXT text = { 0 };
	if (!h->candidates.n)
		return rop_printf(now->arena, "shard %d has no replica", h->wish->shard);
	rop_text_add(&text, "no replica of shard %d is ready:", h->wish->shard);
	for (size_t i = 0; i < h->candidates.n; i++)
		rop_text_add(&text, "%s %s %s", i ? ";" : "", now->seen->nodes[h->candidates.at[i].node].address,
			     h->candidates.at[i].why);
	return rop_strndup(now->arena, text.at, text.n);
}

static void choose_named(struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	int node = rop_observed_find(now->seen, h->wish->node);
	const struct rop_candidate *it = node < 0 ? NULL : candidate_of(h, node);
	const char *name = h->wish->address ? h->wish->address : h->wish->node;
	if (node < 0 || (size_t)node >= now->seen->n)
		give_up(h, ROP_WISH_REFUSED, rop_printf(now->arena, "%s is no node of the cluster any more", name));
	else if (!it)
		bar(h, ROP_REFUSED, rop_printf(now->arena, "%s is no replica of shard %d", name, h->wish->shard));
	else if (!it->ready)
		bar(h, it->denied ? ROP_DENIED : ROP_REFUSED, rop_printf(now->arena, "%s %s", name, it->why));
	else
		h->to = node;
}

static void choose(struct rop_handover *h)
{
	bool denied = false;
	if (h->wish->node[0]) {
		choose_named(h);
		return;
	}
	if (h->candidates.n && h->candidates.at[0].ready) {
		h->to = h->candidates.at[0].node;
		return;
	}
	for (size_t i = 0; i < h->candidates.n; i++)
		denied |= h->candidates.at[i].denied;
	bar(h, denied ? ROP_DENIED : ROP_REFUSED, nobody_is_ready(h));
}

/* What the guard says is said first of what stands against the primary: no replica of a silent one is in sync. */
static void weigh(struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	struct rop_batch nothing = { .arena = now->arena };
	struct rop_step step;
	const char *open = copies_leadership_open(now, (size_t)h->from);
	if (open)
		bar(h, ROP_REFUSED, open);
	choose(h);
	if (!handover_step(h, &step))
		return;
	struct guard guard = guard_step(now, &nothing, &step);
	if (guard.verdict != GUARD_GO)
		bar(h, ROP_REFUSED, guard.why);
}

bool handover_step(const struct rop_handover *h, struct rop_step *ret_step)
{
	if (h->from < 0 || h->to < 0 || h->to == h->from)
		return false;
	*ret_step = policy_step(h->now, ROP_STEP_FAILOVER, h->to, h->from);
	return true;
}

static void find_end(struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	const struct rop_wish *wish = h->wish;
	int64_t age_ms = now->wall_ms - wish->asked_wall_ms;
	if (h->under_way || h->confirmed) /* it may come yet, or has */
		return;
	if (!h->handed_over && !drained_wants(now, wish))
		give_up(h, ROP_WISH_WITHDRAWN, "the host is not drained any more");
	if (!h->handed_over && !misplaced_wants(now, wish))
		give_up(h, wish->failures ? ROP_WISH_FAILED : ROP_WISH_WITHDRAWN,
			"it is not the way to a better placement now");
	if (!h->handed_over && wish->failures >= ROP_WISH_ATTEMPTS)
		give_up(h, ROP_WISH_FAILED,
			rop_printf(now->arena, "%d attempts have failed, the last one so: %s", wish->failures,
				   wish->failure ? wish->failure : "nothing was seen of it in time"));
	if (age_ms < ROP_WISH_LASTS_MS)
		return;
	give_up(h, h->handed_over ? ROP_WISH_FAILED : ROP_WISH_REFUSED,
		rop_printf(now->arena, "it was asked for more than %d minutes ago, and %s: ask again",
			   ROP_WISH_LASTS_MS / 60000,
			   h->barred ? h->barred : "was not done, or not seen by all, since"));
}

static void follow_wish(struct rop_handover *h)
{
	const struct rop_situation *now = h->now;
	bool gone;
	h->from = leader_now(now, h->wish, &gone);
	if (gone) {
		give_up(h, ROP_WISH_REFUSED, rop_printf(now->arena, "there is no shard %d any more", h->wish->shard));
		return;
	}
	h->handed_over = is_led_as_wanted(h);
	if (h->from < 0) {
		bar(h, ROP_REFUSED, rop_printf(now->arena, "nobody is known to lead shard %d", h->wish->shard));
	} else if (h->handed_over) {
		h->to = h->from;
		bar(h, ROP_REFUSED, unconfirmed(h));
		h->confirmed = !h->barred;
	} else {
		handover_find_candidates(h);
		weigh(h);
		find_attempts(h);
	}
	find_end(h);
}

struct rop_handover *handover_of(const struct rop_situation *now, const struct rop_wish *wish)
{
	struct rop_handover *h = rop_alloc(now->arena, sizeof *h);
	*h = (struct rop_handover){ .now = now, .wish = wish, .from = -1, .to = -1 };
	h->subject = rop_printf(now->arena, "shard:%d", wish->shard);
	if (!now->formed)
		bar(h, ROP_REFUSED, "the cluster is not formed");
	else
		follow_wish(h);
	return h;
}

void policy_find_handover(struct rop_situation *now)
{
	if (!now->image->wish.id)
		return;
	struct rop_handover *h = now->handover = handover_of(now, &now->image->wish);
	now->wish_due = now->only_wish || h->hopeless || h->under_way || h->rests || !h->barred ||
			(h->handed_over && is_fresh(h));
}
