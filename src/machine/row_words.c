/* row_words.c - the words of a row: facts and actions with their arguments, from a document's nodes. */
#include "internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rop/text.h"

bool machine_error(const struct machine_reader *reader, const struct rop_doc_node *node, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *message = rop_vprintf(reader->arena, fmt, ap);
	va_end(ap);
	rop_diag_error(reader->diags, reader->doc, node, NULL, "%s", message);
	return false;
}

bool machine_misspelt(const struct machine_reader *reader, const struct rop_doc_node *node, const char *word,
		      const char *const *candidates, size_t n, const char *message)
{
	const char *meant = rop_suggest(word, candidates, n);
	const char *hint = meant ? rop_printf(reader->diags->arena, "did you mean '%s'?", meant) : NULL;
	rop_diag_error(reader->diags, reader->doc, node, hint, "%s", message);
	return false;
}

const struct rop_fact *machine_find_fact(const struct rop_vocabulary *words, const char *name)
{
	for (size_t i = 0; i < words->n_facts; i++)
		if (strcmp(words->facts[i].name, name) == 0)
			return &words->facts[i];
	return NULL;
}

static const struct rop_action *find_action(const struct rop_vocabulary *words, const char *name)
{
	for (size_t i = 0; i < words->n_actions; i++)
		if (strcmp(words->actions[i].name, name) == 0)
			return &words->actions[i];
	return NULL;
}

size_t machine_count_args(const struct rop_arg *args)
{
	size_t n = 0;
	while (n < ROP_ARGS_MAX && args[n].name)
		n++;
	return n;
}

/* ---- arguments ---------------------------------------------------------------------------------------------- */

/* "250ms" or "5": an argument's value in the spelling of machine files. */
static const char *print_value(const struct rop_arg *arg, int64_t value, char *buf, size_t size)
{
	if (arg->type == ROP_ARG_DURATION)
		return rop_duration_print(value, buf, size);
	snprintf(buf, size, "%" PRId64, value);
	return buf;
}

static bool read_value(const struct machine_reader *reader, const struct rop_doc_node *node, const char *word,
		       const struct rop_arg *arg, int64_t *ret)
{
	bool duration = arg->type == ROP_ARG_DURATION;
	int64_t value;
	if (node->type != ROP_DOC_SCALAR || node->quoted ||
	    !(duration ? rop_duration_parse(node->text, &value) : rop_int_parse(node->text, 0, INT64_MAX, &value)))
		return machine_error(reader, node, "'%s' of '%s' must be a %s", arg->name, word,
				     duration ? "duration such as 250ms, 5s or 10m" : "whole number");
	if (value < arg->min || value > arg->max) {
		char low[24], high[24];
		return machine_error(reader, node, "'%s' of '%s' must be between %s and %s", arg->name, word,
				     print_value(arg, arg->min, low, sizeof low),
				     print_value(arg, arg->max, high, sizeof high));
	}
	*ret = value;
	return true;
}

static bool read_args_map(const struct machine_reader *reader, const struct rop_doc_node *map, const char *word,
			  const struct rop_arg *args, size_t n, int64_t *ret)
{
	const char *names[ROP_ARGS_MAX];
	size_t errors = 0;
	for (size_t i = 0; i < n; i++) {
		names[i] = args[i].name;
		const struct rop_doc_node *value = rop_doc_find(map, args[i].name);
		if (!value)
			errors += !machine_error(reader, map, "'%s' needs its argument '%s' (%s)", word, args[i].name,
						 args[i].doc);
		else
			errors += !read_value(reader, value, word, &args[i], &ret[i]);
	}
	for (size_t i = 0; i < map->n; i++) {
		bool known = false;
		for (size_t k = 0; k < n; k++)
			known = known || strcmp(map->keys[i]->text, names[k]) == 0;
		if (!known)
			errors += !machine_misspelt(reader, map->keys[i], map->keys[i]->text, names, n,
						    rop_printf(reader->arena, "'%s' has no argument '%s'", word,
							       map->keys[i]->text));
	}
	return errors == 0;
}

/* `given` is NULL for a word that stands alone. */
static bool read_args(const struct machine_reader *reader, const struct rop_doc_node *at,
		      const struct rop_doc_node *given, const char *word, const struct rop_arg *args, int64_t *ret)
{
	size_t n = machine_count_args(args);
	if (n == 0)
		return !given || machine_error(reader, given, "'%s' takes no argument", word);
	if (!given)
		return machine_error(reader, at, "'%s' needs its argument '%s' (%s)", word, args[0].name, args[0].doc);
	if (given->type == ROP_DOC_MAP)
		return read_args_map(reader, given, word, args, n, ret);
	if (n > 1)
		return machine_error(reader, given,
				     "'%s' has several arguments: give them by name, { %s: ..., %s: ... }", word,
				     args[0].name, args[1].name);
	return read_value(reader, given, word, &args[0], &ret[0]);
}

/* "not stable_for 2s", "moved chunks=3 within=2s" */
static const char *print_word(struct rop_arena *arena, bool negated, const char *name, const struct rop_arg *args,
			      const int64_t *values)
{
	size_t n = machine_count_args(args);
	const char *text = rop_printf(arena, "%s%s", negated ? "not " : "", name);
	for (size_t i = 0; i < n; i++) {
		char value[24];
		print_value(&args[i], values[i], value, sizeof value);
		text = n == 1 ? rop_printf(arena, "%s %s", text, value)
			      : rop_printf(arena, "%s %s=%s", text, args[i].name, value);
	}
	return text;
}

/* ---- words -------------------------------------------------------------------------------------------------- */

/* An item is a word, or a map from one word to its arguments. */
static bool split_item(const struct machine_reader *reader, const struct rop_doc_node *item, const char *kind,
		       const struct rop_doc_node **ret_word, const struct rop_doc_node **ret_args)
{
	*ret_word = item;
	*ret_args = NULL;
	if (item->type == ROP_DOC_SCALAR)
		return true;
	if (item->type != ROP_DOC_MAP || item->n != 1)
		return machine_error(reader, item, "each item of '%s' is one word, or { word: argument }", kind);
	*ret_word = item->keys[0];
	*ret_args = item->items[0];
	return true;
}

static bool unknown_fact(const struct machine_reader *reader, const struct rop_doc_node *word, const char *name)
{
	const struct rop_vocabulary *words = reader->words;
	if (find_action(words, name))
		return machine_error(reader, word, "'%s' is an action, not a fact", name);
	const char **names = rop_alloc_n(reader->arena, words->n_facts + 1, sizeof *names);
	for (size_t i = 0; i < words->n_facts; i++)
		names[i] = words->facts[i].name;
	names[words->n_facts] = ROP_FACT_OVERDUE;
	return machine_misspelt(reader, word, name, names, words->n_facts + 1,
				rop_printf(reader->arena, "no fact called '%s'", name));
}

static bool unknown_action(const struct machine_reader *reader, const struct rop_doc_node *word)
{
	const struct rop_vocabulary *words = reader->words;
	if (machine_find_fact(words, word->text) || strcmp(word->text, ROP_FACT_OVERDUE) == 0)
		return machine_error(reader, word, "'%s' is a fact, not an action", word->text);
	const char **names = rop_alloc_n(reader->arena, words->n_actions, sizeof *names);
	for (size_t i = 0; i < words->n_actions; i++)
		names[i] = words->actions[i].name;
	return machine_misspelt(reader, word, word->text, names, words->n_actions,
				rop_printf(reader->arena, "no action called '%s'", word->text));
}

bool machine_read_literal(const struct machine_reader *reader, const struct rop_doc_node *item,
			  struct rop_literal *ret_literal)
{
	static const struct rop_arg NO_ARGS[ROP_ARGS_MAX];
	const struct rop_doc_node *word, *given;
	if (!split_item(reader, item, "when", &word, &given))
		return false;
	struct rop_literal literal = { .negated = strncmp(word->text, "not ", 4) == 0 };
	const char *name = word->text + (literal.negated ? 4 : 0);
	bool overdue = strcmp(name, ROP_FACT_OVERDUE) == 0;
	literal.fact = overdue ? NULL : machine_find_fact(reader->words, name);
	if (!overdue && !literal.fact)
		return unknown_fact(reader, word, name);
	const struct rop_arg *args = overdue ? NO_ARGS : literal.fact->args;
	if (!read_args(reader, word, given, name, args, literal.args))
		return false;
	literal.text = print_word(reader->arena, literal.negated, name, args, literal.args);
	*ret_literal = literal;
	return true;
}

bool machine_read_do(const struct machine_reader *reader, const struct rop_doc_node *item, struct rop_do *ret_do)
{
	const struct rop_doc_node *word, *given;
	if (!split_item(reader, item, "do", &word, &given))
		return false;
	struct rop_do does = { .action = find_action(reader->words, word->text) };
	if (!does.action)
		return unknown_action(reader, word);
	if (!read_args(reader, word, given, word->text, does.action->args, does.args))
		return false;
	does.text = print_word(reader->arena, false, word->text, does.action->args, does.args);
	*ret_do = does;
	return true;
}

/* ---- the vocabulary itself ---------------------------------------------------------------------------------- */

static bool is_word(const char *name)
{
	return name && name[0] >= 'a' && name[0] <= 'z' &&
	       name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_")] == '\0';
}

static bool check_word(const char *name, const char *doc, const struct rop_arg *args, bool implemented,
		       struct rop_err *err)
{
	if (!is_word(name))
		return rop_fail(err, ROP_INTERNAL,
				"the vocabulary has a word '%s': lower case letters, digits and _ only",
				name ? name : "");
	if (strcmp(name, ROP_FACT_OVERDUE) == 0)
		return rop_fail(err, ROP_INTERNAL, "the vocabulary may not define '%s'", name);
	if (!doc || !implemented)
		return rop_fail(err, ROP_INTERNAL, "the word '%s' lacks its doc or its function", name);
	for (size_t i = 0; i < machine_count_args(args); i++)
		if (!is_word(args[i].name) || !args[i].doc || args[i].min < 0 || args[i].min > args[i].max)
			return rop_fail(err, ROP_INTERNAL,
					"the argument '%s' of the word '%s' lacks its doc or its range", args[i].name,
					name);
	return true;
}

static bool check_links(const struct rop_vocabulary *words, const char *name, const char *const *links,
			struct rop_err *err)
{
	for (size_t i = 0; i < ROP_IMPLIES_MAX && links[i]; i++) {
		const struct rop_fact *other = machine_find_fact(words, links[i]);
		if (!other || machine_count_args(other->args) || strcmp(name, links[i]) == 0)
			return rop_fail(err, ROP_INTERNAL,
					"the fact '%s' implies or excludes '%s', which is no other fact without "
					"arguments",
					name, links[i]);
	}
	return true;
}

bool machine_check_words(const struct rop_vocabulary *words, struct rop_err *err)
{
	for (size_t i = 0; i < words->n_facts; i++) {
		const struct rop_fact *fact = &words->facts[i];
		if (!check_word(fact->name, fact->doc, fact->args, fact->holds, err) ||
		    !check_links(words, fact->name, fact->implies, err) ||
		    !check_links(words, fact->name, fact->excludes, err))
			return false;
		if (machine_find_fact(words, fact->name) != fact)
			return rop_fail(err, ROP_INTERNAL, "the vocabulary has two facts '%s'", fact->name);
	}
	for (size_t i = 0; i < words->n_actions; i++) {
		const struct rop_action *action = &words->actions[i];
		if (!check_word(action->name, action->doc, action->args, action->plan, err))
			return false;
		if (find_action(words, action->name) != action || machine_find_fact(words, action->name))
			return rop_fail(err, ROP_INTERNAL, "the vocabulary has two words '%s'", action->name);
	}
	return true;
}
