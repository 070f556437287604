/* progress.c - what is told of a run while it goes on, and at its end. */
#include "progress.h"

#include <string.h>
#include <sys/ioctl.h>
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
	if (status == ROP_EXPECT_MET)
		tell_met(p, step);
	if (status == ROP_EXPECT_MET && e->kind == ROP_STEP_SETTING && note)
		tell_kept(p, e, note);
	if (p->cli->values.verbose)
		progress_close_line(p);
	rop_log_step(p->cluster, step, status, note);
}

/* What it waits for, in a few words: the first thing that is open. *ret_open: is there such a thing? */
static const char *waits_for(const struct rop_reconcile *r, bool *ret_open)
{
	struct rop_situation *now = (struct rop_situation *)rop_reconcile_situation(r);
	*ret_open = true;
	if (!now)
		return "the nodes' first answers";
	rop_situation_open(now);
	*ret_open = now->open.n > 0;
	return *ret_open ? now->open.at[0].text : "a second look that confirms it";
}

/* Of the terminal that is written to; where it does not say, that of old. */
static size_t terminal_width(void)
{
	struct winsize size;
	return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* Bytes of what fits into a line: one that wraps could not be written over. The last column stays free, as some
 * terminals go on to the next line when it is written. A character counts as one column, a wide one as what it may
 * take. */
static size_t fits_in(const char *line, size_t columns)
{
	size_t at = 0, n = strlen(line), used = 0;
	while (at < n) {
		uint32_t c;
		size_t bytes = rop_char(line + at, n - at, &c);
		used += c < 0x1100 ? 1 : 2;
		if (used >= columns)
			break;
		at += bytes;
	}
	return at;
}

int64_t progress_every_ms(const struct progress *p)
{
	return p->cli->live ? 200 : 1000;
}

void progress_tick(struct progress *p, const struct rop_reconcile *r)
{
	int64_t now = rop_boot_ms(), elapsed = now - p->began_ms;
	int64_t left = p->cli->values.timeout_ms - elapsed,
		left_s = left > 0 ? (left + 999) / 1000 : 0; /* at most: rounded up */
	const char *state = rop_reconcile_state(r), *what;
	bool open, due = now - p->said_ms >= SAID_EVERY_MS;
	if (!p->cli->live && !due)
		return;
	what = waits_for(r, &open);
	if (for_programs(p)) {
		p->said_ms = now;
		cli_print_event(rop_report_waiting_json(p->cluster, state, what, left));
	} else if (p->cli->live) {
		ROP_OWN_ARENA arena = rop_arena_new();
		const char *line = rop_printf(arena, "%s: %s, %.1f s, at most %lld s more: %s", p->cluster, state,
					      (double)elapsed / 1000, (long long)left_s, what);
		fprintf(stderr, "\r\033[K%.*s", (int)fits_in(line, terminal_width()), line);
		p->line_open = true;
	} else if (open || p->asked) { /* nothing to do, and a long `settle`: cron hears nothing of that */
		p->said_ms = now;
		cli_tell(p->cli, "%s: %s, for %lld s, at most %lld s more: %s", p->cluster, state,
			 (long long)(elapsed / 1000), (long long)left_s, what);
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

void progress_result(struct progress *p, const struct rop_result *result, const struct rop_situation *now)
{
	int64_t took_ms = rop_boot_ms() - p->began_ms;
	progress_close_line(p);
	if (for_programs(p))
		cli_print_event(rop_report_summary_json(p->cluster, result, took_ms));
	if (result->code != ROP_OK)
		cli_findings(now && now->findings.n ? now->findings.at[0].reason : NULL, result->text);
	if (result->code != ROP_OK)
		progress_not_done(p);
	if (for_programs(p) || result->code != ROP_OK)
		return;
	ROP_OWN_TEXT rest = { 0 };
	rop_plan_lines_reached(p->lines, &rest);
	print_done(p, &rest);
	if (!result->reached)
		cli_tell(p->cli, "%s: one batch of %zu step%s done; apply --step again, or without --step to go on",
			 p->cluster, result->steps, rop_plural((int64_t)result->steps));
	else if (result->steps && !p->cli->values.quiet)
		printf("%s: converged in %.2f s, %zu step%s: %zu node%s agree%s, 16384 slots owned, cluster_state ok "
		       "everywhere\n",
		       p->cluster, (double)took_ms / 1000, result->steps, rop_plural((int64_t)result->steps),
		       now->answering, rop_plural((int64_t)now->answering), now->answering == 1 ? "s" : "");
	else if (!result->steps && p->cli->live)
		cli_tell(p->cli, "%s: converged, nothing had to be done (waited %.1f s until all nodes agreed)",
			 p->cluster, (double)took_ms / 1000);
}
