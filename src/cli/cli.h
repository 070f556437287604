/* cli.h - what the commands share: options, a session with one cluster, the terminal. The only layer that prints. */
#ifndef ROP_CLI_H
#define ROP_CLI_H

#include <jansson.h>
#include <stdio.h>

#include "rop/drive.h"
#include "rop/err.h"
#include "rop/events.h"
#include "rop/machine.h"
#include "rop/mem.h"
#include "rop/names.h"
#include "rop/policy.h"
#include "rop/report.h"
#include "rop/store.h"
#include "rop/topology.h"

/* ---- options and commands: one table feeds the parser, --help, the man page and completion ------------------- */

enum cli_output { CLI_TEXT, CLI_JSON, CLI_JSONL };
enum cli_color { CLI_COLOR_AUTO, CLI_COLOR_ALWAYS, CLI_COLOR_NEVER };

struct cli_values { /* every option of every command has a place here */
	const char *state, *config, *machines, *clusters;
	enum cli_output output;
	enum cli_color color;
	int quiet, verbose, help, version;
	int detailed_exitcode, exit_code, plan, yes, force, step, watch, purge;
	int dry_run, consistent;
	const char *allow_data_loss, *allow_fewer_copies, *out, *reason, *by, *to, *compress, *server;
	const char *name, *user, *password_file; /* for commands that take a HOST:PORT */
	int64_t timeout_ms, for_ms, max_pause_ms, limit, port, keep_last, keep_daily;
};

enum cli_option_type { CLI_FLAG, CLI_STRING, CLI_DURATION, CLI_NUMBER, CLI_OUTPUT, CLI_COLOR };

struct cli_option {
	const char *name; /* without the dashes */
	char letter;      /* 0: none */
	enum cli_option_type type;
	const char *arg, *doc; /* arg: "PATH"; NULL for flags */
	size_t offset;         /* in struct cli_values */
};
#define CLI_VALUE(field) offsetof(struct cli_values, field)

struct cli {
	struct cli_values values;
	struct rop_arena *arena; /* of the whole call */
	int argc;
	char **argv; /* as called */
	const struct cli_command *command;
	bool color; /* on stdout */
	bool live;  /* stderr is a terminal: one line that is written over */
};

struct cli_command {
	const char *name, *operands, *summary;
	int min_operands, max_operands;   /* max -1: any number */
	const struct cli_option *options; /* own ones, up to the first without a name; NULL: none */
	enum rop_code (*run)(struct cli *cli, int argc, char **argv); /* operands only; NULL: main.c's own */
	const char *about;                                            /* the paragraph of --help */
};

extern const struct cli_command cli_validate, cli_plan, cli_apply, cli_status, cli_check, cli_history, cli_explain,
	cli_pause, cli_resume, cli_import, cli_acl, cli_machine, cli_demo, cli_run, cli_show, cli_rebalance, cli_forget,
	cli_failover, cli_takeover, cli_backup, cli_restore, cli_clone, cli_drain, cli_undrain, cli_help_command,
	cli_version_command;
extern const struct cli_command *const CLI_COMMANDS[]; /* NULL at the end */
extern const struct cli_option CLI_GLOBAL_OPTIONS[];

/* args.c: false: err says what was wrong. operands points into argv, permuted. */
bool cli_parse(struct cli *cli, int argc, char **argv, char ***ret_operands, int *ret_n, struct rop_err *err);
enum cli_output cli_wanted_output(int argc, char **argv);                /* as far as it can be told without parsing */
void cli_help(const struct cli *cli, const struct cli_command *command); /* NULL: the overview */
void cli_version(const struct cli *cli);
bool cli_find_command(const char *name, const struct cli_command **ret_command, struct rop_err *err);

/* ---- telling ----------------------------------------------------------------------------------------------- */

/* What cli_fail, cli_tell and cli_findings print is made fit to be shown, whoever said it. */
/* "redis-operator: ..." on stderr; returns err->code. */
enum rop_code cli_fail(const struct rop_err *err);
void cli_fail_text(const struct rop_text *text); /* the same, of lines, each with its end */
void cli_tell(const struct cli *cli, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))); /* stderr; not with -q */
void cli_print_diags(struct rop_diags *diags); /* stderr */
/* result.text, one error a finding, on stderr. reason: a word for the first of them, or NULL. */
void cli_findings(const char *reason, const char *text);
/* Where nobody is asked, or a person types just that word. Else err: there is no terminal, and what to do; or `not`. */
bool cli_agreed(const struct cli *cli, const char *question, const char *word, const char *instead, const char * not,
		struct rop_err *err);
bool cli_answered(const char *word);         /* what a person types next, after the question on stderr, is just that */
size_t cli_columns(FILE *of);                /* of a terminal: its width, of old where it does not say; else 0 */
void cli_print(const struct rop_text *text); /* on stdout */
void cli_print_lines(const struct rop_text *text); /* the same, for people: in lines that fit a terminal */
void cli_say_text(const struct rop_text *text);    /* on stderr, also with -q: lines, each with its end */
void cli_tell_text(const struct cli *cli, const struct rop_text *text); /* as cli_tell: lines, each with its end */

/* document.c: for programs; what is given is taken over. */
void cli_document_begin(enum cli_output output);
/* The document of this call (-o json), printed at its end; or a line of it (-o jsonl). */
void cli_print_json(json_t *json);
/* Something that happened, with a "type": a line, with its time; or one of the document's events. */
void cli_print_event(json_t *event);
/* What became wrong: sentences that were told on stderr too. reason: a word of ours, or NULL. */
void cli_document_error(const char *reason, const char *text);
void cli_document_end(enum rop_code code); /* once, with the exit code */
void cli_json_missing(const char *why);    /* for rop_json_on_missing: told on stderr, and the call ends with 70 */
bool cli_json_failed(void);

/* ---- a session: one cluster, seen from the command line ----------------------------------------------------- */

struct session {
	struct cli *cli;
	struct rop_topology *topology;
	const char *source; /* the topology's text, for the revision */
	struct rop_machine *machine;
	struct rop_store *store; /* NULL: none there (reading) */
	struct rop_image image;
	char instance[9]; /* of the database; "": none */
	bool changes;     /* opened for writing: its connections say whose they are */
	struct rop_loop *loop;
	char *password;
	struct rop_fleet_options fleet;
	const struct rop_observed *seen;
	const char *consent; /* digest of the losses a person consented to; NULL: none */
};

/* A file's path, or the name of a cluster in the database. Prints diagnostics itself. */
bool session_open_topology(struct session *s, struct cli *cli, const char *file_or_name, struct rop_err *err);
bool session_open_machine(struct session *s, struct rop_err *err);
/* ROP_STORE_READ: also without a database. Loads the image. */
bool session_open_store(struct session *s, enum rop_store_mode mode, struct rop_err *err);
/* Loop, names resolved, password read. */
bool session_open_nodes(struct session *s, struct rop_err *err);
/* One look at all nodes, into s->seen too. */
const struct rop_observed *session_look(struct session *s, unsigned flags);
/* After a look: whether some node is a member of a cluster that the database knows by another name; a warning, and
 * false where that one is paused and this call is to change something. */
bool session_is_of_no_other(struct session *s, struct rop_err *err);
/* All of that in order, for commands that look and change nothing: the database is read where there is one. */
bool session_open_to_look(struct session *s, struct cli *cli, const char *file_or_name, unsigned more,
			  struct rop_err *err);
/* The topology's text from elsewhere than its file; path is what diagnostics call it. */
bool session_open_source(struct session *s, struct cli *cli, const char *path, const char *source, struct rop_err *err);
/* The newest accepted revision of a cluster, whatever files there are. Where there is none the error begins with
 * missing. */
bool session_open_accepted(struct session *s, struct cli *cli, const char *name, const char *missing,
			   struct rop_err *err);
void session_close(struct session *s);
struct rop_report session_report(const struct session *s);
void session_reconcile_options(const struct session *s, struct rop_reconcile_options *ret_options);
struct rop_clock session_clock(void); /* now */
/* The situation as it is now, from the last look. */
struct rop_situation *session_situation(const struct session *s);
bool session_is_file(const char *name);
/* What was saved by plan --out is no topology: said with what to do. true: it is something else, or cannot be read. */
bool session_is_no_plan(struct cli *cli, const char *path, struct rop_err *err);
#define CLI_STDIN "-"

bool cli_machine_load(struct cli *cli, const char *path, struct rop_machine **ret_machine, struct rop_err *err);
const char *cli_state_path(struct cli *cli);
/* Names of the clusters in the database: all (only NULL), or the one asked for, which must be there. store may be NULL.
 */
bool cli_clusters(struct cli *cli, struct rop_store *store, const char *only, const char ***ret_names, size_t *ret_n,
		  struct rop_err *err);

/* A word for why it is refused: that of its first finding; NULL: there is none. */
const char *plan_reason(const struct rop_plan *plan);

/* consent.c: from --allow-data-loss into s->consent. false: it names another cluster, or is no digest. */
bool consent_take(struct session *s, struct rop_err *err);
/* The losses stand against the plan, and a terminal is there to ask on: true when they are consented to now. */
bool consent_ask(struct session *s, const struct rop_plan *plan);

/* Of another operator on the nodes: on stderr. */
void session_warn_of_second(struct cli *cli, const struct rop_situation *now);

/* Who calls this, and what for. */
struct rop_deed cli_deed(struct cli *cli, enum rop_deed_kind what, const char *note);
#define CLI_REASON_OPTION \
	{ \
		"reason", 0, CLI_STRING, "TEXT", "what for: kept, and shown by history", CLI_VALUE(reason) \
	}

#define CLI_EXIT_CODE_OPTION \
	{ \
		"exit-code", 0, CLI_FLAG, NULL, "exit with what the cluster is: 9, 8, 4, 10, 6, 2 or 0", \
			CLI_VALUE(exit_code) \
	}

/* --user and --password-file, for the tables of commands that take a HOST:PORT. */
#define CLI_SEED_OPTIONS \
	{ "user",         0, CLI_STRING, "NAME", "log in to the servers as this ACL user (needs --password-file)", \
	  CLI_VALUE(user) }, \
	{ \
		"password-file", 0, CLI_STRING, "FILE", "a file of mode 0600 that holds the servers' password", \
			CLI_VALUE(password_file) \
	}

#endif
