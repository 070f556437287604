/* events.c - what happens to a cluster, as facts for the log. */
#include "rop/events.h"

#include <stdio.h>

#include "rop/log.h"

void rop_log_transition(const char *cluster, const struct rop_transition *t)
{
	char message[128];
	if (!rop_log_wants(ROP_LOG_INFO))
		return;
	snprintf(message, sizeof message, "%s -> %s", t->from, t->to);
	rop_log(ROP_LOG_INFO, message,
		ROP_FIELDS({ "cluster", cluster }, { "from", t->from }, { "to", t->to }, { "row", t->row },
			   { "why", t->why }));
}

void rop_log_step(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	const struct rop_expect *e = &step->expect;
	bool failed = status == ROP_EXPECT_REFUSED || status == ROP_EXPECT_EXPIRED;
	bool kept = status == ROP_EXPECT_MET && e->kind == ROP_STEP_SETTING && note;
	enum rop_log_level level = failed || kept ? ROP_LOG_INFO : ROP_LOG_DEBUG;
	char attempts[16];
	if (!rop_log_wants(level))
		return;
	snprintf(attempts, sizeof attempts, "%d", e->attempts);
	rop_log(level, e->command,
		ROP_FIELDS({ "cluster", cluster }, { "node", e->address }, { "step", rop_step_kind_name(e->kind) },
			   { "status", rop_expect_status_name(status) }, { "attempts", attempts }, { "why", e->why },
			   { kept ? "note" : "error", note }));
}
