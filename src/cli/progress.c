/* progress.c - what is told of a run while it goes on, and at its end. */
#include "progress.h"

#include <string.h>
#include <unistd.h>

#include "rop/text.h"

#define SAID_EVERY_MS 10000

static bool for_programs(const struct progress *p)
{
	return p->cli->values.output != CLI_TEXT;
}

void progress_close_line(struct progress *p)
{
	if (p->line_open)
		fputs("\r\033[K", stderr);
	p->line_open = false;
}

void progress_transition(struct progress *p, const struct rop_transition *transition)
{
	if (for_programs(p)) {
		cli_print_event(rop_report_transition_json(p->cluster, transition));
		return;
	}
	if (p->cli->values.verbose)
		progress_close_line(p);
	rop_log_transition(p->cluster, transition);
}

/* Once, of all the nodes that do so. */
static void tell_kept(struct progress *p, const struct rop_expect *e, const char *note)
{
	const char *text = rop_printf(p->cli->arena, "%s: %s %s is %s", p->cluster, e->name, e->value, note);
	for (size_t i = 0; i < p->kept.n; i++)
		if (strcmp(p->kept.at[i], text) == 0)
			return;
	*rop_push(p->cli->arena, &p->kept) = text;
	progress_close_line(p);
	cli_tell(p->cli, "%s by the servers", text);
}

/* On a terminal the plan was shown, and its end will be. */
static void print_done(struct progress *p, const struct rop_text *done)
{
	if (!done->n)
		return;
	if (isatty(STDOUT_FILENO)) {
		rop_text_put(&p->held, done->at, done->n);
		return;
	}
	progress_close_line(p);
	cli_print(done);
	fflush(stdout);
}

void progress_not_done(struct progress *p)
{
	ROP_OWN_TEXT text = { 0 };
	if (!p->lines)
		return;
	if (p->held.n)
		cli_print(&p->held);
	fflush(stdout);
	rop_plan_lines_not_done(p->lines, &text);
	if (text.n)
		cli_say_text(&text);
}

static void tell_met(struct progress *p, const struct rop_step *step)
{
	ROP_OWN_TEXT text = { 0 };
	if (p->lines)
		rop_plan_lines_met(p->lines, step, &text);
	print_done(p, &text);
}

void progress_step(struct progress *p, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	const struct rop_expect *e = &step->expect;
	p->asked += status == ROP_EXPECT_PENDING;
	if (for_programs(p)) {
		cli_print_event(rop_report_step_event_json(p->cluster, step, status, note));
		return;
	}
	if (status == ROP_EXPECT_PENDING && p->lines)
		rop_plan_lines_asked(p->lines, step);
	if (status == ROP_EXPECT_MET)
		tell_met(p, step);
	if (status == ROP_EXPECT_MET && e->kind == ROP_STEP_SETTING && note)
		tell_kept(p, e, note);
	if (p->cli->values.verbose)
		progress_close_line(p);
	rop_log_step(p->cluster, step, status, note);
}

int64_t progress_every_ms(const struct progress *p)
{
	return p->cli->live ? 200 : 1000;
}

void progress_tick(struct progress *p, const struct rop_reconcile *r)
{
	ROP_OWN_TEXT line = { 0 };
	int64_t now = rop_boot_ms();
	bool due = now - p->said_ms >= SAID_EVERY_MS;
	if (!p->cli->live && !due)
		return;
	struct rop_waiting waiting = { .cluster = p->cluster,
				       .state = rop_reconcile_state(r),
				       .elapsed_ms = now - p->began_ms,
				       .timeout_ms = p->cli->values.timeout_ms };
	rop_report_waits_for(&waiting, (struct rop_situation *)rop_reconcile_situation(r));
	if (for_programs(p)) {
		p->said_ms = now;
		cli_print_event(rop_report_waiting_json(&waiting));
		return;
	}
	rop_report_waiting(&waiting, p->cli->live, &line);
	if (p->cli->live) {
		size_t columns = cli_columns(stderr);
		bool whole = rop_text_fits(line.at, columns) == line.n || columns < 4;
		fprintf(stderr, "\r\033[K%.*s%s", (int)rop_text_fits(line.at, whole ? columns : columns - 3), line.at,
			whole ? "" : "...");
		p->line_open = true;
	} else if (waiting.open || p->asked) { /* nothing to do, and a long `settle`: cron hears nothing of that */
		p->said_ms = now;
		cli_tell(p->cli, "%s", line.at);
	}
}

void progress_database(struct progress *p, const struct rop_err *why)
{
	if (p->waiting == (why != NULL))
		return;
	p->waiting = why != NULL;
	progress_close_line(p);
	if (for_programs(p))
		cli_print_event(rop_report_database_json(p->cluster, why ? why->text : NULL));
	else if (why)
		cli_tell(p->cli, "%s: waiting, nothing is sent meanwhile: %s", p->cluster, why->text);
	else
		cli_tell(p->cli, "the database is free again");
}

/* As somebody said that it would be: no news for whoever runs this every minute. */
static bool is_awaited(const struct progress *p, const struct rop_result *result, const struct rop_situation *now)
{
	return now && !result->steps && !p->cli->live && rop_situation_waits_for_drain(now);
}

void progress_result(struct progress *p, const struct rop_result *result, const struct rop_situation *now)
{
	int64_t took_ms = rop_boot_ms() - p->began_ms;
	progress_close_line(p);
	if (for_programs(p))
		cli_print_event(rop_report_summary_json(p->cluster, result, took_ms));
	if (result->code != ROP_OK)
		cli_findings(now ? rop_situation_reason(now) : NULL, result->text);
	if (result->code != ROP_OK)
		progress_not_done(p);
	if (for_programs(p) || result->code != ROP_OK)
		return;
	ROP_OWN_TEXT rest = { 0 }, end = { 0 };
	rop_plan_lines_reached(p->lines, &rest);
	print_done(p, &rest);
	rop_report_end(p->cluster, result, took_ms, now, &end);
	if (result->reached && result->steps && !p->cli->values.quiet)
		cli_print_lines(&end);
	else if ((!result->reached && !is_awaited(p, result, now)) || (!result->steps && p->cli->live))
		cli_tell_text(p->cli, &end);
}
