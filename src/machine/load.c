/* load.c - from a document to a machine: keys, states, rows; `everywhere` is expanded here. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rop/text.h"

/* Search steps for all questions about one machine: a ladder of twenty states needs four thousand; this many take a
 * second or two. */
#define VERIFY_BUDGET 200000

enum key_need { OPTIONAL, REQUIRED };

struct key {
	const char *name;
	enum key_need need;
};

static const struct key MACHINE_KEYS[] = {
	{ "machine", REQUIRED },    { "doc", REQUIRED },    { "initial", REQUIRED },
	{ "everywhere", OPTIONAL }, { "states", REQUIRED },
};
static const struct key STATE_KEYS[] = {
	{ "doc", REQUIRED },   { "within", OPTIONAL }, { "withinPerSubject", OPTIONAL },
	{ "final", OPTIONAL }, { "rows", OPTIONAL },
};
static const struct key ROW_KEYS[] = {
	{ "when", OPTIONAL },
	{ "to", REQUIRED },
	{ "do", OPTIONAL },
	{ "why", REQUIRED },
};
static const struct key EVERYWHERE_KEYS[] = {
	{ "when", OPTIONAL }, { "to", REQUIRED }, { "do", OPTIONAL }, { "except", OPTIONAL }, { "why", REQUIRED },
};
#define COUNT(table) (sizeof(table) / sizeof *(table))

struct loader {
	struct machine_reader reader;
	struct rop_machine *machine;
	const char **names;           /* of the states, before they are read: rows look ahead */
	struct machine_place *places; /* one per state */
	struct rop_row *everywhere;   /* not expanded; `from` is unused */
	uint64_t *excepted;           /* one per everywhere row: a set of states */
	size_t n_everywhere;
	const struct rop_doc_node **everywhere_nodes;
};

/* ---- small values ------------------------------------------------------------------------------------------- */

static void unknown_key(const struct loader *loader, const struct rop_doc_node *key, const char *what,
			const char *const *names, size_t n)
{
	const char *message = rop_printf(loader->reader.arena, "%s has no key '%s'", what, key->text);
	/* { to: A, why: it is full, and warm }: YAML takes what follows the comma for a key. */
	if (strchr(key->text, ' '))
		rop_diag_error(loader->reader.diags, loader->reader.doc, key,
			       "a sentence with a comma needs quotes within { }", "%s", message);
	else
		machine_misspelt(&loader->reader, key, key->text, names, n, message);
}

/* Is it a map, with all of the required keys and no other? Reports each key that is wrong. */
static bool check_keys(const struct loader *loader, const struct rop_doc_node *node, const char *what,
		       const struct key *keys, size_t n)
{
	const char *names[8];
	if (!node || node->type != ROP_DOC_MAP)
		return machine_error(&loader->reader, node, "%s must be a map", what);
	for (size_t i = 0; i < n; i++) {
		names[i] = keys[i].name;
		if (keys[i].need == REQUIRED && !rop_doc_find(node, keys[i].name))
			machine_error(&loader->reader, node, "%s needs the key '%s'", what, keys[i].name);
	}
	for (size_t i = 0; i < node->n; i++) {
		bool known = false;
		for (size_t k = 0; k < n; k++)
			known = known || strcmp(node->keys[i]->text, names[k]) == 0;
		if (!known)
			unknown_key(loader, node->keys[i], what, names, n);
	}
	return true;
}

/* A sentence for people: not empty, and on one line, because listings and drawings show it on one. "" when the key
 * is missing (reported already) or wrong. */
static const char *read_sentence(const struct loader *loader, const struct rop_doc_node *map, const char *key)
{
	const struct rop_doc_node *node = rop_doc_find(map, key);
	if (!node)
		return "";
	if (node->type != ROP_DOC_SCALAR || node->text[strspn(node->text, " ")] == '\0')
		machine_error(&loader->reader, node, "'%s' must be a sentence", key);
	else if (strpbrk(node->text, "\n\t"))
		machine_error(&loader->reader, node, "'%s' must be one line without tabs", key);
	else
		return rop_strdup(loader->reader.arena, node->text);
	return "";
}

static int64_t read_duration(const struct loader *loader, const struct rop_doc_node *map, const char *key)
{
	const struct rop_doc_node *node = rop_doc_find(map, key);
	int64_t ms = 0;
	if (node && (node->type != ROP_DOC_SCALAR || node->quoted || !rop_duration_parse(node->text, &ms) || ms == 0))
		machine_error(&loader->reader, node, "'%s' must be a duration above zero, such as 250ms, 5s or 10m",
			      key);
	return ms;
}

static bool read_final(const struct loader *loader, const struct rop_doc_node *map)
{
	const struct rop_doc_node *node = rop_doc_find(map, "final");
	if (!node)
		return false;
	bool is_true = node->type == ROP_DOC_SCALAR && !node->quoted && strcmp(node->text, "true") == 0;
	bool is_false = node->type == ROP_DOC_SCALAR && !node->quoted && strcmp(node->text, "false") == 0;
	if (!is_true && !is_false)
		machine_error(&loader->reader, node, "'final' must be true or false");
	return !is_false; /* after an error: what asks least of the rest */
}

/* The index of the state that the node names; -1 after an error. `use` ends the sentence. */
static int read_state_name(const struct loader *loader, const struct rop_doc_node *node, const char *use)
{
	const struct rop_machine *machine = loader->machine;
	if (!node)
		return -1; /* a missing key: reported already */
	if (node->type != ROP_DOC_SCALAR) {
		machine_error(&loader->reader, node, "%s must be the name of a state", use);
		return -1;
	}
	for (size_t i = 0; i < machine->n_states; i++)
		if (strcmp(loader->names[i], node->text) == 0)
			return (int)i;
	machine_misspelt(&loader->reader, node, node->text, loader->names, machine->n_states,
			 rop_printf(loader->reader.arena, "no state called '%s'", node->text));
	return -1;
}

static bool is_name(const char *name, char first_low, char first_high, const char *rest)
{
	return name[0] >= first_low && name[0] <= first_high && name[strspn(name, rest)] == '\0';
}

#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define UPPER "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

/* ---- rows --------------------------------------------------------------------------------------------------- */

/* The list under the key, or NULL when it is missing or not a list (reported). */
static const struct rop_doc_node *find_list(const struct loader *loader, const struct rop_doc_node *map,
					    const char *key)
{
	const struct rop_doc_node *node = rop_doc_find(map, key);
	if (node && node->type != ROP_DOC_LIST) {
		machine_error(&loader->reader, node, "'%s' must be a list", key);
		return NULL;
	}
	return node;
}

static void read_when(const struct loader *loader, const struct rop_doc_node *list, struct rop_row *row)
{
	row->when = rop_alloc_n(loader->reader.arena, list->n, sizeof *row->when);
	for (size_t i = 0; i < list->n; i++) {
		struct rop_literal *literal = &row->when[row->n_when];
		if (!machine_read_literal(&loader->reader, list->items[i], literal))
			continue;
		for (size_t k = 0; k < row->n_when; k++)
			if (strcmp(row->when[k].text, literal->text) == 0)
				machine_error(&loader->reader, list->items[i], "'%s' is asked twice in one row",
					      literal->text);
		row->n_when++;
	}
}

static void read_does(const struct loader *loader, const struct rop_doc_node *list, struct rop_row *row)
{
	row->does = rop_alloc_n(loader->reader.arena, list->n, sizeof *row->does);
	for (size_t i = 0; i < list->n; i++) {
		struct rop_do *does = &row->does[row->n_do];
		if (!machine_read_do(&loader->reader, list->items[i], does))
			continue;
		for (size_t k = 0; k < row->n_do; k++)
			if (strcmp(row->does[k].text, does->text) == 0)
				machine_error(&loader->reader, list->items[i], "'%s' is done twice in one row",
					      does->text);
		row->n_do++;
	}
}

static void read_row(const struct loader *loader, const struct rop_doc_node *node, bool everywhere, struct rop_row *row)
{
	row->everywhere = everywhere;
	row->to = -1;
	row->why = "";
	if (!check_keys(loader, node, everywhere ? "a row of 'everywhere'" : "a row",
			everywhere ? EVERYWHERE_KEYS : ROW_KEYS, everywhere ? COUNT(EVERYWHERE_KEYS) : COUNT(ROW_KEYS)))
		return;
	row->line = node->mark.line;
	row->to = read_state_name(loader, rop_doc_find(node, "to"), "'to'");
	row->why = read_sentence(loader, node, "why");
	const struct rop_doc_node *when = find_list(loader, node, "when"), *does = find_list(loader, node, "do");
	if (when)
		read_when(loader, when, row);
	if (does)
		read_does(loader, does, row);
}

/* The states that a row of 'everywhere' leaves alone. */
static uint64_t read_except(const struct loader *loader, const struct rop_doc_node *node, const struct rop_row *row)
{
	uint64_t excepted = 0;
	if (node->type != ROP_DOC_MAP)
		return 0; /* reported already */
	size_t before = loader->reader.diags->errors;
	const struct rop_doc_node *list = find_list(loader, node, "except");
	for (size_t i = 0; list && i < list->n; i++) {
		int state = read_state_name(loader, list->items[i], "each item of 'except'");
		if (state >= 0 && excepted >> state & 1)
			machine_error(&loader->reader, list->items[i], "'%s' is excepted twice", loader->names[state]);
		if (state >= 0)
			excepted |= (uint64_t)1 << state;
	}
	/* Written out, because a reader of the file must see that Paused does not lead to Paused. */
	if (row->to >= 0 && !(excepted >> row->to & 1) && loader->reader.diags->errors == before)
		machine_error(&loader->reader, list ? list : node,
			      "a row of 'everywhere' that leads to '%s' must name it under 'except'",
			      loader->names[row->to]);
	else if ((size_t)__builtin_popcountll(excepted) == loader->machine->n_states)
		machine_error(&loader->reader, list,
			      "this row of 'everywhere' applies nowhere: every state is excepted");
	return excepted;
}

static void read_everywhere(struct loader *loader, const struct rop_doc_node *root)
{
	const struct rop_doc_node *list = find_list(loader, root, "everywhere");
	if (!list)
		return;
	loader->everywhere = rop_alloc_n(loader->reader.arena, list->n, sizeof *loader->everywhere);
	loader->excepted = rop_alloc_n(loader->reader.arena, list->n, sizeof *loader->excepted);
	loader->everywhere_nodes = (const struct rop_doc_node **)list->items;
	loader->n_everywhere = list->n;
	for (size_t i = 0; i < list->n; i++) {
		read_row(loader, list->items[i], true, &loader->everywhere[i]);
		loader->excepted[i] = read_except(loader, list->items[i], &loader->everywhere[i]);
	}
}

/* ---- states ------------------------------------------------------------------------------------------------- */

/* The rows of everywhere, then the state's own. */
static void read_rows(struct loader *loader, const struct rop_doc_node *node, int index,
		      const struct rop_doc_node *list)
{
	struct rop_state *state = &loader->machine->states[index];
	struct machine_place *place = &loader->places[index];
	size_t own = list ? list->n : 0, room = own + loader->n_everywhere;
	if (!rop_doc_find(node, "rows") && !state->final)
		machine_error(&loader->reader, place->key, "the state '%s' needs the key 'rows': it is not final",
			      state->name);
	state->rows = rop_alloc_n(loader->reader.arena, room, sizeof *state->rows);
	place->rows = rop_alloc_n(loader->reader.arena, room, sizeof *place->rows);
	for (size_t i = 0; i < loader->n_everywhere; i++) {
		if (loader->excepted[i] >> index & 1)
			continue;
		place->rows[state->n_rows] = loader->everywhere_nodes[i];
		state->rows[state->n_rows++] = loader->everywhere[i];
	}
	for (size_t i = 0; i < own; i++) {
		place->rows[state->n_rows] = list->items[i];
		read_row(loader, list->items[i], false, &state->rows[state->n_rows++]);
	}
	for (size_t i = 0; i < state->n_rows; i++) {
		state->rows[i].from = index;
		state->rows[i].number = (int)i + 1;
	}
}

static void read_state(struct loader *loader, const struct rop_doc_node *key, const struct rop_doc_node *node,
		       int index)
{
	struct rop_state *state = &loader->machine->states[index];
	state->name = rop_strdup(loader->reader.arena, key->text);
	loader->places[index].key = key;
	if (!is_name(key->text, 'A', 'Z', UPPER LOWER DIGITS))
		machine_error(&loader->reader, key,
			      "the state's name '%s' must be a capital letter, then letters and digits", key->text);
	const char *what = rop_printf(loader->reader.arena, "the state '%s'", state->name);
	if (!check_keys(loader, node, what, STATE_KEYS, COUNT(STATE_KEYS)))
		return;
	state->doc = read_sentence(loader, node, "doc");
	state->final = read_final(loader, node);
	state->within_ms = read_duration(loader, node, "within");
	state->within_per_subject_ms = read_duration(loader, node, "withinPerSubject");
	loader->places[index].within = rop_doc_find(node, "within");
	if (rop_doc_find(node, "withinPerSubject") && !loader->places[index].within)
		machine_error(&loader->reader, rop_doc_find_key(node, "withinPerSubject"),
			      "'withinPerSubject' is added to 'within', which is missing");
	read_rows(loader, node, index, find_list(loader, node, "rows"));
}

/* false: there is nothing to read states from. */
static bool read_state_names(struct loader *loader, const struct rop_doc_node *map)
{
	if (!map)
		return false; /* a missing key: reported already */
	if (map->type != ROP_DOC_MAP || map->n == 0)
		return machine_error(&loader->reader, map, "'states' must be a map with at least one state");
	if (map->n > ROP_STATES_MAX)
		return machine_error(&loader->reader, map, "%zu states are too many: at most %d", map->n,
				     ROP_STATES_MAX);
	struct rop_machine *machine = loader->machine;
	machine->n_states = map->n;
	machine->states = rop_alloc_n(loader->reader.arena, map->n, sizeof *machine->states);
	loader->places = rop_alloc_n(loader->reader.arena, map->n, sizeof *loader->places);
	loader->names = rop_alloc_n(loader->reader.arena, map->n, sizeof *loader->names);
	for (size_t i = 0; i < map->n; i++)
		loader->names[i] = map->keys[i]->text;
	return true;
}

static void read_machine(struct loader *loader, const struct rop_doc_node *root)
{
	struct rop_machine *machine = loader->machine;
	if (!check_keys(loader, root, "a machine", MACHINE_KEYS, COUNT(MACHINE_KEYS)))
		return;
	machine->name = read_sentence(loader, root, "machine");
	if (*machine->name && !is_name(machine->name, 'a', 'z', LOWER DIGITS "-"))
		machine_error(&loader->reader, rop_doc_find(root, "machine"),
			      "the machine's name '%s' must be a small letter, then small letters, digits and '-'",
			      machine->name);
	machine->doc = read_sentence(loader, root, "doc");
	const struct rop_doc_node *states = rop_doc_find(root, "states");
	if (!read_state_names(loader, states))
		return;
	machine->initial = read_state_name(loader, rop_doc_find(root, "initial"), "'initial'");
	read_everywhere(loader, root);
	for (size_t i = 0; i < states->n; i++)
		read_state(loader, states->keys[i], states->items[i], (int)i);
}

/* ---- the digest --------------------------------------------------------------------------------------------- */

/* One fact per line, in the file's order. No text holds a line end or a tab, so nothing runs into its neighbour.
 * Whether a row came from `everywhere` is layout: written out by hand it would mean the same. */
static void make_digest(struct rop_machine *machine)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "%s\n%s\n%s\n", machine->name, machine->doc, machine->states[machine->initial].name);
	for (size_t s = 0; s < machine->n_states; s++) {
		const struct rop_state *state = &machine->states[s];
		rop_text_add(&text, "%s\t%s\t%d\t%" PRId64 "\t%" PRId64 "\n", state->name, state->doc, state->final,
			     state->within_ms, state->within_per_subject_ms);
		for (size_t r = 0; r < state->n_rows; r++) {
			const struct rop_row *row = &state->rows[r];
			for (size_t i = 0; i < row->n_when; i++)
				rop_text_add(&text, "\twhen %s", row->when[i].text);
			rop_text_add(&text, "\tto %s", machine->states[row->to].name);
			for (size_t i = 0; i < row->n_do; i++)
				rop_text_add(&text, "\tdo %s", row->does[i].text);
			rop_text_add(&text, "\twhy %s\n", row->why);
		}
	}
	snprintf(machine->digest, sizeof machine->digest, "%016" PRIx64, rop_digest(ROP_DIGEST_START, text.at, text.n));
}

bool rop_machine_load(struct rop_arena *arena, const struct rop_doc *doc, const struct rop_vocabulary *words,
		      struct rop_diags *diags, struct rop_machine **ret_machine)
{
	struct rop_err err;
	struct loader loader = { .reader = { .arena = arena, .doc = doc, .words = words, .diags = diags } };
	size_t before = diags->errors;
	if (!machine_check_words(words, &err))
		return machine_error(&loader.reader, NULL, "%s", err.text);
	loader.machine = rop_alloc(arena, sizeof *loader.machine);
	loader.machine->path = rop_strdup(arena, doc->path);
	loader.machine->words = words;
	read_machine(&loader, doc->root);
	if (diags->errors != before)
		return false;
	machine_verify(loader.machine, loader.places, &loader.reader, VERIFY_BUDGET);
	if (diags->errors != before)
		return false;
	make_digest(loader.machine);
	*ret_machine = loader.machine;
	return true;
}
