/* wishes.c - what people asked for besides what is declared: the open wish, and the last one that is over. */
#include <jansson.h>

#include "rop/text.h"
#include "shared.h"

#define TOLD_FOR_MS (24 * 3600 * 1000LL) /* status tells of the last one */

json_t *report_node_json(const char *id, const char *address)
{
	if (!id[0] && !address)
		return json_null();
	return rop_json("{s:o, s:o}", "id", rop_json_text(id[0] ? id : NULL), "address", rop_json_text(address));
}

json_t *rop_report_wish_json(const struct rop_wish *w)
{
	if (!w->id)
		return json_null();
	return rop_json("{s:i, s:o, s:o, s:s, s:o, s:o, s:o, s:o, s:s, s:I, s:s, s:i, s:s, s:o, s:i}", "shard",
			w->shard, "from", report_node_json(w->primary, w->primary_address), "to",
			report_node_json(w->node, w->address), "status", rop_wish_status_name(w->status), "note",
			rop_json_text(w->note), "asked", rop_json_time(w->asked_wall_ms), "closed",
			rop_json_time(w->closed_wall_ms), "elapsed_ms",
			w->closed_wall_ms ? json_integer((json_int_t)(w->closed_wall_ms - w->asked_wall_ms))
					  : json_null(),
			"user", w->by.user ? w->by.user : "", "uid", (json_int_t)w->by.uid, "host",
			w->by.host ? w->by.host : "", "pid", w->by.pid, "command", w->by.command ? w->by.command : "",
			"reason", rop_json_text(w->by.reason), "failures", w->failures);
}

/* ---- status --------------------------------------------------------------------------------------------------- */

static const char *asked_by(const struct rop_report *r, const struct rop_wish *w)
{
	if (rop_wish_is_repair(w))
		return rop_printf(r->arena, "%s: %s", w->by.command, w->by.reason ? w->by.reason : "");
	return rop_printf(r->arena, "asked for by %s@%s%s%s", w->by.user, w->by.host, w->by.reason ? ": " : "",
			  w->by.reason ? w->by.reason : "");
}

static const char *ended(const struct rop_report *r, const struct rop_wish *w)
{
	double took_s = (double)(w->closed_wall_ms - w->asked_wall_ms) / 1000;
	if (w->status == ROP_WISH_MET)
		return rop_printf(r->arena, "done in %.2f s, %s", took_s, w->note ? w->note : "");
	return rop_printf(r->arena, "%s, %s", rop_wish_status_name(w->status), w->note ? w->note : "");
}

void report_wishes(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	const struct rop_wish *last = &r->image->last_wish;
	if (now->handover) {
		rop_text_add(out, "\nFail-over\n");
		report_wrap(r,
			    rop_printf(r->arena, "%s; %s", rop_handover_sentence(r->arena, now->handover),
				       asked_by(r, now->handover->wish)),
			    0, out);
		rop_text_add(out, "\n");
	}
	if (!last->id || now->wall_ms - last->closed_wall_ms > TOLD_FOR_MS)
		return;
	rop_text_add(out, "\nLast fail-over\n");
	report_wrap(r,
		    rop_printf(r->arena, "%s  shard %d from %s: %s; %s", rop_time_text(r->arena, last->closed_wall_ms),
			       last->shard, last->primary_address ? last->primary_address : last->primary,
			       ended(r, last), asked_by(r, last)),
		    4, out);
	rop_text_add(out, "\n");
}
