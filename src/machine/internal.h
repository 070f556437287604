/* internal.h - what the files of the engine share among themselves. */
#ifndef MACHINE_INTERNAL_H
#define MACHINE_INTERNAL_H

#include "rop/doc.h"
#include "rop/machine.h"
#include "rop/mem.h"

#include "sat.h"

/* ---- row_words.c: names and arguments --------------------------------------------------------------------------- */

/* Everything a reader of one file needs at hand. */
struct machine_reader {
	struct rop_arena *arena;
	const struct rop_doc *doc;
	const struct rop_vocabulary *words;
	struct rop_diags *diags;
};

/* An error at the node, with "did you mean '...'?" where a candidate is close to `word`. Always false. */
bool machine_misspelt(const struct machine_reader *reader, const struct rop_doc_node *node, const char *word,
		      const char *const *candidates, size_t n, const char *message);
/* An error at the node without a suggestion. Always false. */
bool machine_error(const struct machine_reader *reader, const struct rop_doc_node *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* One item of a `when` or `do` list. false: an error was reported. */
bool machine_read_literal(const struct machine_reader *reader, const struct rop_doc_node *item,
			  struct rop_literal *ret_literal);
bool machine_read_do(const struct machine_reader *reader, const struct rop_doc_node *item, struct rop_do *ret_do);

const struct rop_fact *machine_find_fact(const struct rop_vocabulary *words, const char *name);
/* The arguments of a word: those up to the first without a name. */
size_t machine_count_args(const struct rop_arg *args);
/* Is the vocabulary itself in order? A failure is a bug in the program, not in a machine file. */
bool machine_check_words(const struct rop_vocabulary *words, struct rop_err *err);

/* ---- logic.c: the facts of one machine as numbered variables, its rows as conjunctions ------------------------ */

#define LOGIC_OVERDUE 0 /* the variable of the engine's own fact */

struct logic_fact {
	const struct rop_fact *fact; /* NULL: overdue */
	const int64_t *args;
	const char *text; /* "stable_for 2s" */
};

/* The same fact with other arguments is another variable: nothing is assumed about how they relate. */
struct logic {
	const struct rop_machine *machine;
	ROP_LIST(struct logic_fact) facts;
	struct sat_literals **when; /* [state][row]: the row's conjunction */
	struct sat_set *named;      /* [state]: the facts that its rows name */
	struct sat sat;             /* the clauses at rest: implications and exclusions */
	bool gave_up;               /* some question was too hard: the answers so far are not to be trusted */
};

/* false: more than SAT_FACTS_MAX facts. Everything is owned by the arena. */
bool logic_init(struct logic *logic, struct rop_arena *arena, const struct rop_machine *machine, size_t budget);
/* Is there a valuation in which `given` holds and, in the state, row number `row` (from 0) is the first that holds?
 * row n_rows: none holds. *ret, if asked for, is as for sat_solve. Overdue is false where there is no within:. */
bool logic_can_take(struct logic *logic, int state, size_t row, const struct sat_literals *given,
		    struct sat_literals *ret);
/* From here on, in that state, that row is the first that holds: adds to `given` and to the clauses, which the caller
 * sets back (`sat.clauses.n`). */
void logic_assume_taken(struct logic *logic, int state, size_t row, struct sat_literals *given);
bool logic_solve(struct logic *logic, const struct sat_literals *given, struct sat_literals *ret);
/* Is there a valuation in which both hold? */
bool logic_can_hold(struct logic *logic, const struct sat_literals *a, const struct sat_literals *b);
/* "a, not b": the literals as a person writes them. */
const char *logic_print(const struct logic *logic, struct rop_arena *arena, const struct sat_literals *literals);

/* ---- verify.c ----------------------------------------------------------------------------------------------- */

/* Where things were written, for diagnostics. */
struct machine_place {
	const struct rop_doc_node *key;    /* the state's name */
	const struct rop_doc_node *within; /* its within:, or NULL */
	const struct rop_doc_node **rows;  /* one per row, after expansion */
};

/* Refuse what no machine may do. `budget` bounds the search. */
void machine_verify(const struct rop_machine *machine, const struct machine_place *places,
		    const struct machine_reader *reader, size_t budget);

/* ---- table.c ------------------------------------------------------------------------------------------------ */

/* "not full, stable_for 2s"; "always" or "otherwise" for a row without facts, by its place. */
void machine_print_when(const struct rop_row *row, struct rop_text *out);
/* "report, fill 3"; nothing for a row without actions. */
void machine_print_does(const struct rop_row *row, struct rop_text *out);
/* "within 5m + 10s each"; nothing for a state without. */
void machine_print_within(const struct rop_state *state, struct rop_text *out);

#endif
