/* machine.h - the generic engine: states, rows, words. Knows nothing of Redis.
 *
 * A machine is a table. In a state, the rows are tried in order; the first whose facts all hold is taken: go to
 * `to`, do the actions, because `why`. The vocabulary (which facts and actions exist, and what they mean) is
 * handed in by the caller; tests run a toy machine with another one.
 */
#ifndef ROP_MACHINE_H
#define ROP_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/doc.h"
#include "rop/err.h"
#include "rop/mem.h"

/* ---- words ------------------------------------------------------------------------------------------------- */

enum rop_arg_type { ROP_ARG_INT, ROP_ARG_DURATION /* milliseconds */ };
#define ROP_ARGS_MAX 3
#define ROP_IMPLIES_MAX 4

struct rop_arg {
	const char *name, *doc; /* doc names the unit */
	enum rop_arg_type type;
	int64_t min, max;
};

/* A fact: true or false of the subject now. `subject` is whatever the caller passes to the engine. */
struct rop_fact {
	const char *name, *doc;
	struct rop_arg args[ROP_ARGS_MAX];     /* up to the first without a name; all are required */
	const char *implies[ROP_IMPLIES_MAX];  /* facts without arguments that hold whenever this one holds */
	const char *excludes[ROP_IMPLIES_MAX]; /* facts without arguments that never hold together with this one */
	bool (*holds)(const void *subject, const int64_t *args);
};

/* An action: what to do when a row is taken. Appends to whatever the caller's `output` is. */
struct rop_action {
	const char *name, *doc;
	struct rop_arg args[ROP_ARGS_MAX];
	void (*plan)(const void *subject, const int64_t *args, void *output);
};

struct rop_vocabulary {
	const struct rop_fact *facts;
	size_t n_facts;
	const struct rop_action *actions;
	size_t n_actions;
};
/* `overdue` is the engine's own fact: the state's `within:` has passed. A vocabulary must not define it. */
#define ROP_FACT_OVERDUE "overdue"

/* ---- a loaded machine -------------------------------------------------------------------------------------- */

struct rop_literal {
	const struct rop_fact *fact; /* NULL: overdue */
	bool negated;
	int64_t args[ROP_ARGS_MAX];
	const char *text; /* as written, for drawings and explain: "not all_introduced", "stable_for 2s" */
};

struct rop_do {
	const struct rop_action *action;
	int64_t args[ROP_ARGS_MAX];
	const char *text;
};

struct rop_row {
	int from, to;    /* indexes of states */
	bool everywhere; /* declared under everywhere: and expanded */
	int number;      /* its place in the state's list, from 1, after expansion */
	int line;        /* in the file */
	const char *why;
	size_t n_when, n_do;
	struct rop_literal *when;
	struct rop_do *does;
};

struct rop_state {
	const char *name, *doc;
	bool final;                    /* may rest here for ever */
	int64_t within_ms;             /* 0: none */
	int64_t within_per_subject_ms; /* added once per subject (node): the engine is told how many there are */
	size_t n_rows;
	struct rop_row *rows;
};

#define ROP_HOSTED_MAX 3

struct rop_machine {
	const char *name, *path, *doc;
	const struct rop_vocabulary *words; /* not owned: it must outlive the machine */
	/* Whose instances it runs, by action words; up to the first NULL; not part of the digest. */
	const struct rop_machine *hosted[ROP_HOSTED_MAX + 1];
	int initial;
	size_t n_states;
	struct rop_state *states;
	char digest[17]; /* of the meaning: names, rows, words and texts, not of comments or layout */
};

/* Load and verify. The machine is owned by the arena and does not need the document afterwards. false: the errors are
 * in diags. Refused (each with its own sentence; states/README.md lists them): unknown or missing or duplicate
 * keys, unknown words (with a suggestion), bad arguments, unknown `to`, missing doc/why, a state with no way on for
 * certain (some valuation of the facts finds no row; a final state may have none: it rests), rows that can never be
 * taken, unreachable states, traps (no path to a final state), waiting states (a row that leads back) without
 * `within:`, `within:` without a row for overdue that is certain to be taken, `overdue` where there is no `within:`,
 * rows without actions that go round in a circle for the same facts. Everything is decided by a complete search over
 * the facts; the same fact with other arguments counts as an independent one. At most ROP_STATES_MAX states and 256
 * facts. */
bool rop_machine_load(struct rop_arena *arena, const struct rop_doc *doc, const struct rop_vocabulary *words,
		      struct rop_diags *diags, struct rop_machine **ret_machine);

/* Of that name, hosted by this one; NULL: none. */
const struct rop_machine *rop_machine_hosted(const struct rop_machine *machine, const char *name);

int rop_machine_find_state(const struct rop_machine *machine, const char *name); /* -1: none */

/* ---- running ----------------------------------------------------------------------------------------------- */

#define ROP_STATES_MAX 64 /* a person must be able to read the drawing; sets of states fit a word */

struct rop_clock_in_state {
	int64_t in_state_ms; /* in the state; not reset by a row that leads back; overdue from within: on */
	size_t n_subjects;   /* scales within: */
	/* [state] what was spent in it on earlier visits that count: two states that lead to each other must not wait
	 * for ever because each visit is short. Read while the machine walks. NULL: nothing counts. */
	const int64_t *spent_ms;
};

bool rop_literal_holds(const struct rop_state *state, const struct rop_literal *literal, const void *subject,
		       struct rop_clock_in_state clock);
/* The first row that holds. NULL only in a final state: no row holds, the machine rests there. */
const struct rop_row *rop_machine_pick(const struct rop_machine *machine, int state, const void *subject,
				       struct rop_clock_in_state clock);
/* When the state becomes overdue, counted from its entry; 0: never. */
int64_t rop_state_within_ms(const struct rop_state *state, size_t n_subjects);
void rop_row_plan(const struct rop_row *row, const void *subject, void *output);

/* The way through the machine from one state, told row by row: what all who follow the rows have in common. */
struct rop_walk {
	/* The row that is taken in a state; NULL: none holds, and the machine rests there. false: the walk ends here.
	 */
	bool (*visit)(void *arg, const struct rop_state *state, const struct rop_row *row);
	/* A condition that does not hold of a row that stands before the one that is taken. NULL: nobody asks. */
	void (*missed)(void *arg, const struct rop_row *row, const struct rop_literal *literal);
	void *arg;
};
/* Rows are taken until a visit ends it, none holds, or one leads back. `clock` is of the first state: each one that is
 * entered counts from what was spent in it. What a visit does may change the facts; so a state may come up again, but
 * not for ever. false: more moves than twice the number of states: it goes round in a circle. */
bool rop_machine_walk(const struct rop_machine *machine, int state, const void *subject,
		      struct rop_clock_in_state clock, const struct rop_walk *walk);

/* ---- looking at it ----------------------------------------------------------------------------------------- */

void rop_machine_dot(const struct rop_machine *machine, struct rop_text *out);     /* Graphviz; names quoted */
void rop_machine_mermaid(const struct rop_machine *machine, struct rop_text *out); /* stateDiagram-v2 */
void rop_machine_table(const struct rop_machine *machine, struct rop_text *out);   /* aligned text */
/* The same for a terminal of so many columns: each row in a few lines. */
void rop_machine_rows(const struct rop_machine *machine, size_t columns, struct rop_text *out);
void rop_vocabulary_print(const struct rop_vocabulary *words, struct rop_text *out);

/* The whole-table check, also a unit test: visits every state and every valuation class of the facts its rows name
 * (implications and exclusions respected) and counts the cells. false: a cell leads nowhere or a state has no path to
 * rest; err says which. */
bool rop_machine_check_table(const struct rop_machine *machine, size_t *ret_cells, struct rop_err *err);

#endif
