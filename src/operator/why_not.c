/* why_not.c - why a run ends without being there: from findings, or else from what is open, into result.text. */
#include <string.h>

#include "pass.h"
#include "rop/takeover.h"
#include "rop/text.h"

/* Advice that several findings share is given once, after the last of them. */
static void add_findings(struct rop_text *text, const struct rop_finding *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		rop_text_add(text, "%s%s", text->n ? "\n" : "", list[i].text);
		if (list[i].advice &&
		    (i + 1 == n || !list[i + 1].advice || strcmp(list[i].advice, list[i + 1].advice) != 0))
			rop_text_add(text, "\n  -> %s", list[i].advice);
	}
}

/* That clients get no answer comes before what stands in our way; else it is the first of what is open. */
static void add_unserved(const struct rop_situation *now, struct rop_text *text)
{
	if (!now->unserved || !now->formed)
		return;
	rop_text_add(text, "%s", now->unserved);
	if (now->unserved_advice)
		rop_text_add(text, "\n  -> %s", now->unserved_advice);
}

/* What only a person can give up; a plan has it among its warnings, and goes on. */
static void add_lost(struct rop_reconcile *r, struct rop_text *text)
{
	const struct rop_situation *now = r->now;
	for (size_t i = 0; i < now->warnings.n && !r->options.predict; i++)
		if (now->warnings.at[i].is == ROP_WHY_DATA_LOSS)
			add_findings(text, &now->warnings.at[i], 1);
	if (now->lost.list.n && !r->options.predict)
		r->result.code = ROP_REFUSED;
}

void why_not(struct rop_reconcile *r)
{
	if (!r->now || r->result.code == ROP_INTERNAL)
		return;
	rop_text_done(&r->text);
	if (r->now->paused) {
		rop_text_add(&r->text, "cluster '%s' is paused", r->options.topology->name);
		if (r->image.paused_by)
			rop_text_add(&r->text, " by %s", r->image.paused_by);
		if (r->image.paused_until_wall_ms) {
			char left[24];
			rop_duration_about(r->image.paused_until_wall_ms - r->now->wall_ms, left, sizeof left);
			rop_text_add(&r->text, " for another %s", left);
		}
		rop_text_add(&r->text, "\n  -> `redis-operator resume %s`", r->options.topology->name);
		r->result.code = ROP_REFUSED;
		return;
	}
	if (r->now->findings.n)
		add_unserved(r->now, &r->text);
	add_findings(&r->text, r->now->findings.at, r->now->findings.n);
	r->result.code = r->now->findings.n ? r->now->findings.at[0].code : ROP_TIMEOUT;
	if (r->now->findings.n)
		return;
	add_lost(r, &r->text);
	rop_situation_open(r->now);
	add_findings(&r->text, r->now->open.at, r->now->open.n);
	for (size_t i = 0; i < r->now->open.n; i++)
		if (rop_reason_code(r->now->open.at[i].is) == ROP_DENIED ||
		    r->now->open.at[i].is == ROP_WHY_CANNOT_LEAVE) /* waiting does not help */
			r->result.code = rop_reason_code(r->now->open.at[i].is);
}

void why_not_taken_over(struct rop_reconcile *r)
{
	const struct rop_takeover *t = r->now->takeover;
	rop_text_done(&r->text);
	rop_text_add(&r->text, "%s", rop_takeover_sentence(r->pass, t));
	if (!t->done && !t->barred && !r->now->takeover_due)
		rop_text_add(&r->text, ": what it costs is not what was consented to any more");
	if (t->advice && !t->done)
		rop_text_add(&r->text, "\n  -> %s", t->advice);
}
