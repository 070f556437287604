/* drained.c - hosts that somebody is to stop: which nodes are there, by whom and for how long, in words. */
#include "drained.h"

#include "rop/text.h"

/* ---- which ----------------------------------------------------------------------------------------------------- */

bool rop_drain_is_of(const struct rop_drain *drain, const struct rop_declared_node *node)
{
	if (drain->zone)
		return rop_streq(node->zone, drain->target);
	return rop_streq(node->host, drain->target) || rop_streq(node->ip, drain->target);
}

static const struct rop_drain *drain_of(const struct rop_situation *now, size_t node)
{
	for (size_t d = 0; d < now->drains.n; d++)
		if (rop_drain_is_of(now->drains.at[d].drain, &now->topology->nodes.at[node]))
			return now->drains.at[d].drain;
	return NULL;
}

void policy_find_drained(struct rop_situation *now)
{
	for (size_t d = 0; d < now->image->drains.n; d++) {
		const struct rop_drain *drain = &now->image->drains.at[d];
		if (rop_drain_holds(drain, now->wall_ms))
			*rop_push(now->arena, &now->drains) = (struct rop_drained){ .now = now, .drain = drain };
	}
	now->host_drained = now->drains.n > 0;
	if (!now->host_drained)
		return;
	bool *drained = rop_alloc_n(now->arena, now->seen->n + 1, sizeof *drained);
	for (size_t i = 0; i < now->seen->n; i++)
		drained[i] = drain_of(now, i) != NULL;
	now->drained = drained;
}

/* ---- said ------------------------------------------------------------------------------------------------------ */

static const char *by_whom(const struct rop_situation *now, const struct rop_drain *drain)
{
	char left[24];
	rop_duration_about(drain->until_wall_ms - now->wall_ms, left, sizeof left);
	return rop_printf(now->arena, "drained by %s for another %s%s%s", drain->by.user, left,
			  drain->by.reason ? ": " : "", drain->by.reason ? drain->by.reason : "");
}

const char *drained_words(const struct rop_situation *now, size_t node)
{
	return rop_printf(now->arena, "its host is %s", by_whom(now, drain_of(now, node)));
}

const char *drained_silence(const struct rop_situation *now, size_t node)
{
	return rop_printf(now->arena, "%s is silent, which is expected: %s", now->seen->nodes[node].address,
			  drained_words(now, node));
}

const char *rop_drained_sentence(struct rop_arena *arena, const struct rop_drained *d)
{
	const char *what = d->drain->zone ? "zone " : "", *by = by_whom(d->now, d->drain);
	if (d->holds)
		return rop_printf(arena, "%s%s is %s; it may not be stopped yet: %s", what, d->drain->target, by,
				  d->holds);
	return rop_printf(arena, "%s%s is %s; it may be stopped", what, d->drain->target, by);
}

bool drained_wants(const struct rop_situation *now, const struct rop_wish *wish)
{
	for (size_t d = 0; d < now->drains.n; d++)
		if (now->drains.at[d].drain->id == wish->drain)
			return true;
	return !wish->drain;
}
