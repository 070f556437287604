/* report.h - what there is to say of a cluster, as text for people and as JSON for programs.
 *
 * Takes situations, plans and rows of the journal, and gives texts (struct rop_text) or JSON. It prints nothing, asks
 * nobody and knows no command line: what it says may go to a terminal, a page or a mail.
 */
#ifndef ROP_REPORT_H
#define ROP_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/journal.h"
#include "rop/machine.h"
#include "rop/mem.h"
#include "rop/permissions.h"
#include "rop/policy.h"
#include "rop/reconcile.h"
#include "rop/topology.h"

struct json_t; /* jansson's; what is returned is the caller's */

struct rop_report { /* what all reports are about, and how their texts look */
	struct rop_arena *arena;
	const struct rop_topology *topology;
	const struct rop_machine *machine;
	const struct rop_image *image;
	bool color;                           /* texts hold a terminal's colours */
	const struct rop_situation *foreseen; /* status: where apply would come to, from here; or NULL */
	bool verbose;                         /* explain: what does not hold, too */
	size_t columns; /* of the terminal that texts are for; 0: for none, a line is as long as it is */
};

/* ---- values -------------------------------------------------------------------------------------------------- */

/* json_pack, and what it cannot pack (a text that is no UTF-8) is not left out in silence: null stands in its place,
 * and the handler is told why. */
struct json_t *rop_json(const char *fmt, ...);
void rop_json_on_missing(void (*handler)(const char *why));     /* once, before anything is reported */
struct json_t *rop_json_text(const char *s);                    /* null for NULL; valid whatever the bytes */
struct json_t *rop_json_time(int64_t wall_ms);                  /* RFC 3339, UTC; null for 0 */
char *rop_time_text(struct rop_arena *arena, int64_t wall_ms);  /* 2026-03-01 12:01:07, local */
char *rop_time_exact(struct rop_arena *arena, int64_t wall_ms); /* 2026-03-01 12:01:07.123 +0100 */
/* What a terminal is told to write in "green" "red" "yellow" "bold" "dim", and "off" again. "" without colours. */
const char *rop_paint(bool color, const char *name);

/* ---- plans --------------------------------------------------------------------------------------------------- */

void rop_report_plan(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out);
/* One line a change, for logs and mails: no headings, no summary. Of r and plan everything must outlive it. */
struct rop_plan_lines;
struct rop_plan_lines *rop_plan_lines_new(const struct rop_report *r, const struct rop_plan *plan);
void rop_plan_lines_planned(const struct rop_plan_lines *lines, struct rop_text *out);
/* A step is asked for: if it was met before, it is not so any more. */
void rop_plan_lines_asked(struct rop_plan_lines *lines, const struct rop_step *step);
/* A step was seen to be met: its line, when it was the last one of that; what was not planned has a line of its own. */
void rop_plan_lines_met(struct rop_plan_lines *lines, const struct rop_step *step, struct rop_text *out);
/* It ended well: lines whose last steps were not needed any more. */
void rop_plan_lines_reached(struct rop_plan_lines *lines, struct rop_text *out);
/* It did not: what was not done, or only in part, or was done and came undone. */
void rop_plan_lines_not_done(const struct rop_plan_lines *lines, struct rop_text *out);
/* What is not as good as it could be. told: without what rop_report_second says, which was said already. */
void rop_report_plan_warnings(const struct rop_plan *plan, bool told, struct rop_text *out);
struct json_t *rop_report_plan_json(const struct rop_report *r, const struct rop_plan *plan);
struct json_t *rop_report_step_json(const struct rop_step *step);

/* ---- how it stands --------------------------------------------------------------------------------------------- */

/* Nodes, state, conditions, what is under way; and the errors of its file, if there are any. May fill in now->open. */
void rop_report_status(const struct rop_report *r, struct rop_situation *now, const struct rop_file_error *errors,
		       size_t n_errors, struct rop_text *out);
struct json_t *rop_report_status_json(const struct rop_report *r, struct rop_situation *now,
				      const struct rop_file_error *errors, size_t n_errors);
/* Files that the daemon could not take. revision 0: there is none in force. Of r only arena and color are used. */
void rop_report_file_errors(const struct rop_report *r, const struct rop_file_error *errors, size_t n_errors,
			    int64_t revision, struct rop_text *out);
/* Keeps those of none of these clusters: a file that was never right, or whose cluster is not known any more. */
void rop_report_file_errors_unknown(struct rop_file_error *errors, size_t *n_errors, const char *const *clusters,
				    size_t n_clusters);
struct json_t *rop_report_file_errors_json(const struct rop_file_error *errors, size_t n);
/* What a person should know who looks at the nodes, whatever else was asked: another operator on them, settings that
 * were left lowered or refused. */
void rop_report_second(const struct rop_situation *now, struct rop_text *out);

/* One verdict, for machines: the exit code of status and check with --exit-code, of plan with --detailed-exitcode. */
struct rop_grade {
	enum rop_code code;     /* OK, CHANGES, TIMEOUT (degraded), UNSERVED, REFUSED, UNREACHABLE or DENIED */
	const char *word, *why; /* why: a sentence; "" where all is well */
};
/* plan: what would be done about it; NULL: nothing was planned. Fills in now->open. Of r only arena is used. */
struct rop_grade rop_report_grade(const struct rop_report *r, struct rop_situation *now, const struct rop_plan *plan);
/* As check has it: `errors` were found; declared: a file says how it should be. */
struct rop_grade rop_report_check_grade(const struct rop_report *r, struct rop_situation *now, size_t errors,
					bool declared);
struct json_t *rop_report_grade_json(const struct rop_grade *grade);
enum rop_code rop_worse_code(enum rop_code a, enum rop_code b); /* of several clusters */

/* ---- why, and is it healthy ------------------------------------------------------------------------------------ */

/* Which row holds now, which facts made it hold, what is open; of that, node: only what is about this address. NULL:
 * everything. Fills in now->open. */
void rop_report_explain(const struct rop_report *r, struct rop_situation *now, const char *node, struct rop_text *out);
struct json_t *rop_report_explain_json(const struct rop_report *r, struct rop_situation *now, const char *node);

/* What a check takes from the database: that there was a cluster, with what data; what is temporary or not written
 * down; whose silence is expected. All else it judges by what is there. */
struct rop_image rop_report_health_image(const struct rop_image *journal);
/* redis-cli's phrases, and what it does not look at. Returns the number of errors. Of r only arena and color are used.
 */
size_t rop_report_health(const struct rop_report *r, struct rop_situation *now, struct rop_text *out);
struct json_t *rop_report_health_json(const struct rop_report *r, struct rop_situation *now, const char *name,
				      size_t *ret_errors);

/* ---- a shard handed over ------------------------------------------------------------------------------------------
 */

/* Who leads the shard, its replicas and what speaks for or against each, and what would be done; of
 * plan->first->handover.
 */
void rop_report_handover(const struct rop_report *r, const struct rop_plan *plan, struct rop_text *out);
/* The same for programs; wish: what became of it (its status OPEN: nothing yet, it was only planned). plan->first has a
 * handover. */
struct json_t *rop_report_handover_json(const struct rop_report *r, const struct rop_plan *plan,
					const struct rop_wish *wish);
struct rop_takeover; /* rop/takeover.h */
/* A take-over without a vote: who may, and what it costs. result: "planned", "refused", "met" or "failed". */
void rop_report_takeover(const struct rop_report *r, const struct rop_takeover *takeover, struct rop_text *out);
struct json_t *rop_report_takeover_json(const struct rop_report *r, const struct rop_takeover *takeover,
					const char *result, const char *message);
/* Who asked, for what, and what became of it. id 0: null. */
struct json_t *rop_report_wish_json(const struct rop_wish *wish);

/* ---- a host drained --------------------------------------------------------------------------------------------- */

/* Who has which role there, what would be handed over, and what would be left; drained is one of plan->first. */
void rop_report_drain(const struct rop_report *r, const struct rop_plan *plan, const struct rop_drained *drained,
		      struct rop_text *out);
/* The same for programs; result: "planned", "drained", "held", "refused"; message: why, or NULL. */
struct json_t *rop_report_drain_json(const struct rop_report *r, const struct rop_plan *plan,
				     const struct rop_drained *drained, const char *result, const char *message);
/* Who asked, until when, and what keeps it from being stopped. */
struct json_t *rop_report_drained_json(const struct rop_report *r, const struct rop_drained *drained);
struct json_t *rop_report_drains_json(const struct rop_report *r, const struct rop_situation *now); /* all in force */

/* ---- what happened --------------------------------------------------------------------------------------------- */

/* Which of these lines a person is told: of slots that moved as was wanted, each run once, when it has come over; not
 * again and again that the way goes on. All of them where r is verbose. Returns how many. */
size_t rop_report_history_told(const struct rop_report *r, const struct rop_history_line *lines, size_t n,
			       bool *ret_told);
/* A transition or a step. Of r only arena, color, columns and verbose are used. */
void rop_report_history(const struct rop_report *r, const struct rop_history_line *line, struct rop_text *out);
struct json_t *rop_report_history_json(const struct rop_history_line *line);

/* ---- weights that make the shards even --------------------------------------------------------------------------- */

struct rop_rebalance; /* rop/rebalance.h */
void rop_report_rebalance(const struct rop_report *r, const struct rop_situation *now,
			  const struct rop_rebalance *rebalance, struct rop_text *out);
struct json_t *rop_report_rebalance_json(const struct rop_report *r, const struct rop_situation *now,
					 const struct rop_rebalance *rebalance);

/* ---- while a plan is carried out: an object an event, its "type" first ------------------------------------------ */

struct json_t *rop_report_warning_json(const char *cluster, const struct rop_finding *warning);
struct json_t *rop_report_planned_json(const char *cluster, const struct rop_step *step);
struct json_t *rop_report_transition_json(const char *cluster, const struct rop_transition *transition);
/* Begun, done or failed: status says which; note may be NULL. */
struct json_t *rop_report_step_event_json(const char *cluster, const struct rop_step *step,
					  enum rop_expect_status status, const char *note);
struct rop_waiting {
	const char *cluster, *state, *what; /* what: it waits for, the first thing that is open */
	bool open;                          /* there is such a thing */
	int64_t elapsed_ms, timeout_ms;
};
/* Of the situation that was seen last (NULL: none yet) into what and open. */
void rop_report_waits_for(struct rop_waiting *waiting, struct rop_situation *now);
/* Without an end of line. live: it is written over a few times a second. */
void rop_report_waiting(const struct rop_waiting *waiting, bool live, struct rop_text *out);
struct json_t *rop_report_waiting_json(const struct rop_waiting *waiting);
/* Another process uses it: why; NULL: it is free again. */
struct json_t *rop_report_database_json(const char *cluster, const char *why);
struct json_t *rop_report_summary_json(const char *cluster, const struct rop_result *result, int64_t elapsed_ms);

/* How it ended, where it ended well; now: the situation at the end. */
void rop_report_end(const char *cluster, const struct rop_result *result, int64_t took_ms,
		    const struct rop_situation *now, struct rop_text *out);

/* ---- how it is used ---------------------------------------------------------------------------------------------- */

struct rop_usage_option {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	const char *arg, *doc;
};
struct rop_usage {
	const char *name, *operands, *summary, *about; /* about: paragraphs, an end of line after each; or NULL */
	const struct rop_usage_option *options;
	size_t n_options;
};
/* everywhere: the options of all commands; its summary and about stand around the list of them. */
void rop_report_usage(const struct rop_usage *command, const struct rop_usage *everywhere, struct rop_text *out);
void rop_report_overview(const struct rop_usage *commands, size_t n, const struct rop_usage *everywhere,
			 struct rop_text *out);
struct json_t *rop_report_usage_json(const struct rop_usage *commands, size_t n, const struct rop_usage *everywhere);

/* ---- errors --------------------------------------------------------------------------------------------------- */

const char *rop_code_word(enum rop_code code); /* "Refused" */
/* {code, reason, message, advice} of sentences, and of lines "  -> what to do" below them. reason NULL: the code's. */
struct json_t *rop_report_error_json(enum rop_code code, const char *reason, const char *text);

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Of a topology file that is right: what it describes. */
void rop_report_valid(const char *path, const struct rop_topology *topology, struct rop_text *out);
/* Of a machine that was checked, with so many cells. */
void rop_report_machine(const struct rop_machine *machine, size_t cells, struct rop_text *out);
struct json_t *rop_report_machine_json(const struct rop_machine *machine, size_t cells);
/* Of an ACL rule (rop_acl_rule): what each permission is for. */
void rop_report_acl(enum rop_acl acl, struct rop_text *out);
struct json_t *rop_report_acl_json(enum rop_acl acl, const char *user, const char *rule);
/* Of a demo: its topology, and the configuration of one of its servers. */
void rop_demo_topology(int first_port, int servers, struct rop_text *out);
void rop_demo_server(const char *folder, int port, struct rop_text *out);

struct json_t *rop_report_diagnostics_json(const char *path, bool valid, const struct rop_diags *diags);

#endif
