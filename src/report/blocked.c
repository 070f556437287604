/* blocked.c - what apply is refused for, or would be further on its way: with all that a person may do about it. */
#include "rop/text.h"
#include "shared.h"

static void take_open(const struct rop_report *r, struct rop_situation *now, struct report_refusals *ret)
{
	rop_situation_open(now);
	for (size_t i = 0; i < now->open.n; i++)
		if (rop_reason_code(now->open.at[i].is) == ROP_REFUSED)
			*rop_push(r->arena, &ret->list) = now->open.at[i];
}

void report_refusals(const struct rop_report *r, struct rop_situation *now, struct report_refusals *ret)
{
	*ret = (struct report_refusals){ .later = !now->findings.n };
	for (size_t i = 0; i < now->findings.n; i++)
		*rop_push(r->arena, &ret->list) = now->findings.at[i];
	if (ret->list.n || now->paused)
		return;
	for (size_t i = 0; i < now->denied.n; i++)
		*rop_push(r->arena, &ret->list) = now->denied.at[i];
	if (ret->list.n) {
		ret->later = false;
		return;
	}
	take_open(r, now, ret);
	if (ret->list.n || !r->foreseen)
		return;
	struct rop_situation last = *r->foreseen; /* what is open is filled in */
	for (size_t i = 0; i < last.findings.n; i++)
		*rop_push(r->arena, &ret->list) = last.findings.at[i];
	if (!ret->list.n)
		take_open(r, &last, ret);
}

const char *report_refused_below(const struct rop_report *r, struct rop_situation *now)
{
	struct report_refusals refusals;
	report_refusals(r, now, &refusals);
	if (!refusals.list.n)
		return NULL;
	return refusals.later ? "apply would be stopped on its way, see below" : "apply is refused, see below";
}

void report_put_refusals(const struct rop_report *r, struct rop_situation *now, struct rop_text *out)
{
	struct report_refusals refusals;
	report_refusals(r, now, &refusals);
	for (size_t i = 0; i < refusals.list.n; i++) {
		const struct rop_finding *f = &refusals.list.at[i];
		if (!i)
			rop_text_add(out, "\n%sApply %s%s\n", report_paint(r, "red"),
				     refusals.later ? "would be stopped on its way:" : "is refused:",
				     report_paint(r, "off"));
		rop_text_add(out, "- %s\n", f->text);
		bool same = i + 1 < refusals.list.n && rop_streq(f->advice, refusals.list.at[i + 1].advice);
		if (f->advice && !same) /* told once, after the last of them */
			rop_text_add(out, "  -> %s\n", f->advice);
	}
}
