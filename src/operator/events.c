/* events.c - what happens to a cluster, as facts for the log. */
#include "rop/events.h"

#include <stdio.h>
#include <string.h>

#include "rop/log.h"

void rop_log_transition(const char *cluster, const struct rop_transition *t)
{
	char message[128];
	if (!rop_log_wants(ROP_LOG_INFO))
		return;
	snprintf(message, sizeof message, "%s -> %s", t->from, t->to);
	rop_log(ROP_LOG_INFO, message,
		ROP_FIELDS({ "cluster", cluster }, { "from", t->from }, { "to", t->to },
			   { "of", t->subject && strchr(t->subject, ':') ? t->subject : NULL }, { "row", t->row },
			   { "why", t->why }));
}

static bool changes_its_node(enum rop_step_kind kind)
{
	switch (kind) {
	case ROP_STEP_ROLE:
	case ROP_STEP_SLOTS:
	case ROP_STEP_SETTING:
	case ROP_STEP_PERSIST:
	case ROP_STEP_BUMP:
	case ROP_STEP_TAKE:
	case ROP_STEP_FAILOVER:
	case ROP_STEP_TAKEOVER:
	case ROP_STEP_RESET:
	case ROP_STEP_EMPTY:
	case ROP_STEP_FUNCTIONS:
	case ROP_STEP_RELEASE: return true;
	case ROP_STEP_LOWER:
	case ROP_STEP_RESTORE:
	case ROP_STEP_EPOCH:
	case ROP_STEP_MEET:
	case ROP_STEP_GREET:
	case ROP_STEP_IMPORT:
	case ROP_STEP_EXPORT:
	case ROP_STEP_CARRY:
	case ROP_STEP_MOVE:
	case ROP_STEP_YIELD:
	case ROP_STEP_FORGET:
	case ROP_STEP_KINDS_N: break;
	}
	return false;
}

static void log_step(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note,
		     bool changed)
{
	const struct rop_expect *e = &step->expect;
	bool failed = status == ROP_EXPECT_REFUSED || status == ROP_EXPECT_EXPIRED;
	bool kept = status == ROP_EXPECT_MET && e->kind == ROP_STEP_SETTING && note;
	enum rop_log_level level = failed || kept || changed ? ROP_LOG_INFO : ROP_LOG_DEBUG;
	char attempts[16];
	if (!rop_log_wants(level))
		return;
	snprintf(attempts, sizeof attempts, "%d", e->attempts);
	rop_log(level, e->command,
		ROP_FIELDS({ "cluster", cluster }, { "node", e->address }, { "step", rop_step_kind_name(e->kind) },
			   { "status", rop_expect_status_name(status) }, { "attempts", attempts }, { "why", e->why },
			   { kept ? "note" : "error", note }));
}

void rop_log_step(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	log_step(cluster, step, status, note, false);
}

void rop_log_change(const char *cluster, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	log_step(cluster, step, status, note, status == ROP_EXPECT_MET && changes_its_node(step->expect.kind));
}
