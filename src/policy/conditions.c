/* conditions.c - the situation in Kubernetes' habit: type, status, reason, message. */
#include <string.h>

#include "drained.h"
#include "rop/policy.h"
#include "rop/text.h"

static struct rop_condition say(bool holds, const char *yes, const char *no, const char *message)
{
	return (struct rop_condition){ .status = holds ? ROP_TRUE : ROP_FALSE,
				       .reason = holds ? yes : no,
				       .message = message };
}

static struct rop_condition unknown(void)
{
	return (struct rop_condition){ .status = ROP_UNKNOWN,
				       .reason = "OutOfView",
				       .message = "too few nodes answer to tell" };
}

static const char *first_text(const struct rop_situation *now, const char *otherwise)
{
	if (now->findings.n)
		return now->findings.at[0].text;
	return now->open.n ? now->open.at[0].text : otherwise;
}

static const char *paused_by(const struct rop_situation *now)
{
	const char *by = now->image->paused_by ? now->image->paused_by : "a person";
	char left[24];
	if (!now->image->paused_until_wall_ms)
		return rop_printf(now->arena, "%s paused it", by);
	rop_duration_about(now->image->paused_until_wall_ms - now->wall_ms, left, sizeof left);
	return rop_printf(now->arena, "%s paused it, for another %s", by, left);
}

size_t rop_situation_declared(const struct rop_situation *now)
{
	return now->seen->asked - now->seen->n_leaving;
}

size_t rop_situation_declared_answer(const struct rop_situation *now)
{
	size_t n = 0;
	for (size_t i = 0; i < rop_situation_declared(now); i++)
		n += rop_answers(now->seen, i);
	return n;
}

size_t rop_situation_leavers(const struct rop_situation *now)
{
	size_t n = 0;
	for (size_t i = 0; i < now->retirements.n; i++)
		n += now->retirements.at[i].listed && !now->seen->nodes[now->retirements.at[i].node].ghost;
	return n;
}

static size_t denied_by(const struct rop_situation *now)
{
	size_t n = 0;
	for (size_t i = 0; i < rop_situation_declared(now); i++)
		n += now->seen->nodes[i].reach == ROP_REACH_DENIED;
	return n;
}

static const char *why_not_reachable(const struct rop_situation *now)
{
	if (now->silence_expected)
		return "SilenceExpected";
	return denied_by(now) ? rop_reason_word(ROP_WHY_DENIED) : "SomeSilent";
}

static const char *reachable(const struct rop_situation *now)
{
	size_t n = rop_situation_declared(now), answer = rop_situation_declared_answer(now);
	const char *text = rop_printf(now->arena, "%zu of %zu nodes answer", answer, n);
	size_t denied = denied_by(now);
	if (denied)
		text = rop_printf(now->arena, "%s what is asked; %zu let%s nobody in as this user", text, denied,
				  denied == 1 ? "s" : "");
	if (answer == n && !now->all_answer)
		text = rop_printf(now->arena, "%s, but not all that are to leave", text);
	return text;
}

/* Who is silent as somebody said that it would be. */
static const char *silent_ones(const struct rop_situation *now)
{
	const char *first = NULL;
	size_t more = 0;
	for (size_t i = 0; i < now->seen->n; i++) {
		if (rop_answers(now->seen, i))
			continue;
		more += first != NULL;
		first = first ? first : drained_silence(now, i);
	}
	return rop_printf(now->arena, more ? "%s; %s, and so are %zu more" : "%s; %s", reachable(now), first, more);
}

static struct rop_condition drained(const struct rop_situation *now)
{
	if (!now->host_drained)
		return (struct rop_condition){ .status = ROP_FALSE, .reason = "None", .message = "no host is drained" };
	const struct rop_drained *d = &now->drains.at[0];
	for (size_t i = 0; i < now->drains.n && !d->holds; i++)
		d = &now->drains.at[i];
	return (struct rop_condition){ .status = ROP_TRUE,
				       .reason = d->holds ? "Holds" : "MayBeStopped",
				       .message = rop_drained_sentence(now->arena, d) };
}

/* Of a cluster that is as declared: while something is missing, or going on, nobody says from where to lead. */
static struct rop_condition placed(const struct rop_situation *now)
{
	const struct rop_misplaced *first = now->misplaced.n ? &now->misplaced.at[0] : NULL;
	size_t n = now->misplaced.n + now->swaps.n;
	if (!first && now->swaps.n)
		first = &now->swaps.at[0];
	if (first)
		return (struct rop_condition){
			.status = ROP_FALSE,
			.reason = now->misplaced.n ? "Misplaced" : "Together",
			.message = n == 1 ? first->text : rop_printf(now->arena, "%s; and %zu more", first->text, n - 1)
		};
	if (!rop_situation_converged(now) || now->host_drained || now->image->wish.id)
		return (struct rop_condition){ .status = ROP_UNKNOWN,
					       .reason = "NotQuiet",
					       .message = "told once all is as declared, and no host is drained" };
	return (struct rop_condition){ .status = ROP_TRUE,
				       .reason = "Spread",
				       .message = "shards are led from as many hosts and zones as can be" };
}

static const char *well_formed(const struct rop_situation *now)
{
	size_t leave = rop_situation_leavers(now);
	const char *nodes = "exactly the declared nodes";
	if (leave)
		nodes = rop_printf(now->arena, "%s and the %zu that %s to leave", nodes, leave,
				   leave == 1 ? "is" : "are");
	if (!now->all_answer)
		return "not every node could be asked";
	return rop_printf(now->arena, now->members_agree ? "every node lists %s" : "some node does not list %s", nodes);
}

static const char *replicas_ready(const struct rop_situation *now)
{
	if (!now->all_answer)
		return "not every node could be asked";
	if (!now->replicas_attached)
		return "some replica is not attached";
	return now->links_up ? "replicas follow their primaries" : "some replica is not linked to its primary";
}

static const char *not_blocked(const struct rop_situation *now)
{
	size_t silent = now->seen->n - now->answering;
	if (!silent)
		return "nothing stands in the way";
	return rop_printf(now->arena, "%zu node%s do%s not answer; nothing else stands in the way", silent,
			  rop_plural((int64_t)silent), silent == 1 ? "es" : "");
}

/* All slots have owners, and some more than one. */
static const char *claimed_twice(const struct rop_situation *now)
{
	const struct rop_observed *seen = now->seen;
	for (size_t i = 0; i < seen->n; i++)
		for (size_t j = 0; j < i; j++) {
			int n = rop_slots_common(&seen->nodes[i].slots, &seen->nodes[j].slots);
			if (n)
				return rop_printf(
					now->arena,
					"every slot has an owner, but %d of them %s claimed by two: %s and %s", n,
					n == 1 ? "is" : "are", seen->nodes[j].address, seen->nodes[i].address);
		}
	return "every slot has an owner, but some are claimed by two";
}

/* Each slot is owned by one node, and that one serves it. */
static struct rop_condition slots_covered(const struct rop_situation *now)
{
	if (now->unserved)
		return (struct rop_condition){ .status = now->all_served,
					       .reason = now->all_served == ROP_FALSE ? "NotServed" : "OwnerUnseen",
					       .message = now->unserved };
	if (now->slots_assigned)
		return (struct rop_condition){ .status = ROP_TRUE,
					       .reason = "AllServed",
					       .message = "16384 of 16384 slots are served" };
	if (rop_slots_count(&now->owned) == ROP_SLOTS)
		return (struct rop_condition){ .status = ROP_FALSE,
					       .reason = "ClaimedTwice",
					       .message = claimed_twice(now) };
	return (struct rop_condition){ .status = ROP_FALSE,
				       .reason = "NotAssigned",
				       .message = rop_printf(now->arena, "%d of 16384 slots are owned",
							     rop_slots_count(&now->owned)) };
}

static const char *not_reached(const struct rop_situation *now)
{
	if (rop_situation_waits_for_drain(now))
		return "Drained";
	return now->waiting ? "InProgress" : "NotReached";
}

void rop_conditions_make(const struct rop_situation *now, bool converged, bool blocked,
			 struct rop_condition ret[ROP_CONDITIONS_N])
{
	ret[ROP_COND_REACHABLE] = say(now->all_answer, "AllAnswer", why_not_reachable(now),
				      now->silence_expected ? silent_ones(now) : reachable(now));
	ret[ROP_COND_WELL_FORMED] = say(now->members_agree && now->all_answer, "ViewsAgree",
					now->all_answer ? "ViewsDiffer" : "SomeSilent", well_formed(now));
	ret[ROP_COND_SLOTS_COVERED] = slots_covered(now);
	ret[ROP_COND_REPLICAS_READY] = say(now->replicas_attached && now->links_up && now->all_answer, "AllLinked",
					   now->all_answer ? "NotAllLinked" : "SomeSilent", replicas_ready(now));
	ret[ROP_COND_CONVERGED] = say(converged, "Reached", not_reached(now),
				      converged ? "the cluster matches its topology"
						: first_text(now, "not as declared yet"));
	ret[ROP_COND_PAUSED] = say(now->paused, "Asked", "Running",
				   now->paused ? paused_by(now) : "changes are allowed");
	ret[ROP_COND_BLOCKED] = say(blocked, blocked && now->findings.n ? now->findings.at[0].reason : ROP_REASON_STUCK,
				    "Free", blocked ? first_text(now, "it does not come to an end") : not_blocked(now));
	ret[ROP_COND_DRAINED] = drained(now);
	ret[ROP_COND_PLACED] = placed(now);
	for (int type = ROP_COND_WELL_FORMED; !now->in_view && type <= ROP_COND_REPLICAS_READY; type++)
		if (type != ROP_COND_SLOTS_COVERED || !now->formed)
			ret[type] = unknown();
	for (int type = 0; type < ROP_CONDITIONS_N; type++) {
		const struct rop_condition *before = &now->image->conditions[type];
		bool same = before->since_wall_ms && before->status == ret[type].status;
		ret[type].since_wall_ms = same ? before->since_wall_ms : now->wall_ms;
	}
}
