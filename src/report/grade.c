/* grade.c - one verdict for monitoring: how a cluster stands, as one exit code. `status` and `check` with --exit-code
 * and `plan` with --detailed-exitcode all ask here.
 */
#include <jansson.h>

#include "rop/text.h"
#include "shared.h"

/* Nobody owns anything and nobody ever did: there is nothing yet that could fail. */
static bool is_there(const struct rop_situation *now)
{
	return now->formed || now->image->formed_wall_ms || !rop_slots_empty(&now->owned);
}

static bool is_well(const struct rop_situation *now)
{
	return (now->all_answer || now->silence_expected) && now->replicas_attached && now->links_up && now->state_ok &&
	       now->views_agree;
}

static bool is_denied(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (now->findings.at[i].code == ROP_DENIED)
			return true;
	for (size_t i = 0; i < now->open.n; i++)
		if (rop_reason_code(now->open.at[i].is) == ROP_DENIED)
			return true;
	return false;
}

/* Who waits for a host to be drained asks until this says 0. */
static const struct rop_drained *not_drained_yet(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->drains.n; i++)
		if (now->drains.at[i].holds)
			return &now->drains.at[i];
	return NULL;
}

static const char *why(const struct rop_situation *now, const struct rop_plan *plan)
{
	if (now->findings.n)
		return now->findings.at[0].text;
	if (now->open.n)
		return now->open.at[0].text;
	return plan && plan->result.text ? plan->result.text : "";
}

struct rop_grade rop_report_grade(const struct rop_report *r, struct rop_situation *now, const struct rop_plan *plan)
{
	/* A plan that leads to the declared cluster mends what is missing: then it is changes that are pending. */
	bool mended = plan && plan->steps.n && plan->result.reached;
	bool refused = now->findings.n || (plan && plan->result.code != ROP_OK && plan->result.code != ROP_TIMEOUT);
	bool missing = is_there(now) && now->all_served == ROP_FALSE;
	rop_situation_open(now);
	if (is_denied(now) || (plan && plan->result.code == ROP_DENIED))
		return (struct rop_grade){ .code = ROP_DENIED, .word = "denied", .why = why(now, plan) };
	if (!now->in_view)
		return (struct rop_grade){ .code = ROP_UNREACHABLE,
					   .word = "unreachable",
					   .why = rop_printf(r->arena, "%zu of %zu nodes answer", now->answering,
							     now->seen->n) };
	if (refused)
		return (struct rop_grade){ .code = ROP_REFUSED, .word = "refused", .why = why(now, plan) };
	if (missing && !mended)
		return (struct rop_grade){ .code = ROP_UNSERVED,
					   .word = "unserved",
					   .why = now->unserved ? now->unserved : "some slots are owned by nobody" };
	bool waits = plan && plan->last && rop_situation_waits_for_drain(plan->last);
	if ((is_there(now) && !is_well(now) && !mended) || (plan && !plan->result.reached && !waits))
		return (struct rop_grade){ .code = ROP_TIMEOUT, .word = "degraded", .why = why(now, plan) };
	if (not_drained_yet(now))
		return (struct rop_grade){ .code = ROP_CHANGES,
					   .word = "draining",
					   .why = rop_drained_sentence(r->arena, not_drained_yet(now)) };
	if (now->drains.n && (rop_situation_converged(now) || rop_situation_waits_for_drain(now)))
		return (struct rop_grade){ .code = ROP_OK,
					   .word = "drained",
					   .why = rop_drained_sentence(r->arena, &now->drains.at[0]) };
	if (plan ? plan->steps.n > 0 : !rop_situation_converged(now))
		return (struct rop_grade){ .code = ROP_CHANGES, .word = "changes", .why = why(now, plan) };
	return (struct rop_grade){ .code = ROP_OK, .word = "converged", .why = "" };
}

/* Without a file nothing is declared that could be changed; and an [ERR] is never 0. */
struct rop_grade rop_report_check_grade(const struct rop_report *r, struct rop_situation *now, size_t errors,
					bool declared)
{
	struct rop_grade grade = rop_report_grade(r, now, NULL);
	if (grade.code == ROP_CHANGES && !declared)
		grade = (struct rop_grade){ .code = ROP_OK, .word = "converged", .why = "" };
	if (errors && grade.code == ROP_OK)
		grade = (struct rop_grade){ .code = ROP_TIMEOUT, .word = "degraded", .why = grade.why };
	return grade;
}

/* The first of them that holds: 9, 8, 4, 10, 6, 2, 0; an error that kept it from being told comes before all. */
static int rank(enum rop_code code)
{
	switch (code) {
	case ROP_OK: return 0;
	case ROP_CHANGES: return 1;
	case ROP_TIMEOUT: return 2;
	case ROP_UNSERVED: return 3;
	case ROP_REFUSED: return 4;
	case ROP_UNREACHABLE: return 5;
	case ROP_DENIED: return 6;
	case ROP_FAIL:
	case ROP_INVALID:
	case ROP_BUSY:
	case ROP_STALE:
	case ROP_INTERNAL: break;
	}
	return 7;
}

enum rop_code rop_worse_code(enum rop_code a, enum rop_code b)
{
	return rank(b) > rank(a) ? b : a;
}

json_t *rop_report_grade_json(const struct rop_grade *grade)
{
	return rop_json("{s:i, s:s, s:o}", "exit_code", (int)grade->code, "word", grade->word, "why",
			rop_json_text(grade->why[0] ? grade->why : NULL));
}
