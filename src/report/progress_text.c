/* progress_text.c - what a run says on its way and at its end, for people. */
#include "rop/report.h"
#include "rop/text.h"

void rop_report_waits_for(struct rop_waiting *waiting, struct rop_situation *now)
{
	waiting->open = true;
	waiting->what = "the nodes' first answers";
	if (!now)
		return;
	const char *moving = rop_moving_sentence(now->arena, now);
	rop_situation_open(now);
	waiting->open = now->open.n > 0;
	waiting->what = waiting->open ? now->open.at[0].text : "a second look that confirms it";
	if (moving && !now->findings.n)
		waiting->what = moving;
	if (now->wish_due) {
		waiting->open = true;
		waiting->what = rop_handover_sentence(now->arena, now->handover);
	}
}

#define GIVES_UP_TOLD_MS 5000

void rop_report_waiting(const struct rop_waiting *waiting, bool live, struct rop_text *out)
{
	int64_t left = waiting->timeout_ms - waiting->elapsed_ms;
	int64_t left_s = left > 0 ? (left + 999) / 1000 : 0; /* rounded up */
	rop_text_add(out, "%s: %s, ", waiting->cluster, waiting->state);
	if (live)
		rop_text_add(out, "%.1f s", (double)waiting->elapsed_ms / 1000);
	else
		rop_text_add(out, "for %lld s", (long long)(waiting->elapsed_ms / 1000));
	/* How long it takes nobody knows; when it is given up, --timeout says. A job of a second is not told of that.
	 */
	if (waiting->elapsed_ms >= GIVES_UP_TOLD_MS)
		rop_text_add(out, ", gives up in %lld s", (long long)left_s);
	rop_text_add(out, ": %s", waiting->what);
}

void rop_report_end(const char *cluster, const struct rop_result *result, int64_t took_ms,
		    const struct rop_situation *now, struct rop_text *out)
{
	const char *s = rop_plural((int64_t)result->steps);
	double took_s = (double)took_ms / 1000;
	if (!result->reached && result->text[0])
		rop_text_add(out, "%s: %s\n", cluster, result->text);
	else if (!result->reached)
		rop_text_add(out, "%s: one batch of %zu step%s done; apply --step again, or without --step to go on\n",
			     cluster, result->steps, s);
	else if (result->steps)
		rop_text_add(out,
			     "%s: converged in %.2f s, %zu step%s: %zu node%s agree%s, 16384 slots owned, "
			     "cluster_state ok everywhere\n",
			     cluster, took_s, result->steps, s, now->answering, rop_plural((int64_t)now->answering),
			     now->answering == 1 ? "s" : "");
	else
		rop_text_add(out, "%s: converged, nothing had to be done (waited %.1f s until all nodes agreed)\n",
			     cluster, took_s);
}
