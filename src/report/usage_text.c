/* usage_text.c - what --help says, in lines of 80 columns; and the same for programs. */
#include <jansson.h>
#include <string.h>

#include "rop/report.h"
#include "rop/text.h"

#define WIDTH 79
#define SUMMARIES 25 /* the column where they begin */
#define DOCS 29

/* left, and text from a column on: below it where left is too long to stand beside. */
static void put_row(struct rop_text *out, const char *left, const char *text, int column)
{
	if ((int)strlen(left) + 2 > column)
		rop_text_add(out, "%s\n%*s", left, column, "");
	else
		rop_text_add(out, "%-*s", column, left);
	rop_text_wrap(out, text, (size_t)column, WIDTH);
	rop_text_add(out, "\n");
}

static void put_options(struct rop_text *out, const char *heading, const struct rop_usage *usage)
{
	rop_text_add(out, "\n%s\n", heading);
	for (size_t i = 0; i < usage->n_options; i++) {
		const struct rop_usage_option *o = &usage->options[i];
		ROP_OWN_TEXT left = { 0 };
		if (o->letter)
			rop_text_add(&left, "  -%c, --%s", o->letter, o->name);
		else
			rop_text_add(&left, "      --%s", o->name);
		if (o->arg)
			rop_text_add(&left, " %s", o->arg);
		put_row(out, left.at, o->doc, DOCS);
	}
}

void rop_report_usage(const struct rop_usage *command, const struct rop_usage *everywhere, struct rop_text *out)
{
	rop_text_add(out, "redis-operator %s%s%s%s\n\n", command->name, *command->operands ? " " : "",
		     command->operands, command->n_options ? " [options]" : "");
	rop_text_wrap(out, command->summary, 0, WIDTH);
	rop_text_add(out, ".\n");
	if (command->about) {
		rop_text_add(out, "\n");
		rop_text_wrap(out, command->about, 0, WIDTH);
		rop_text_add(out, "\n");
	}
	if (command->n_options)
		put_options(out, "Options", command);
	put_options(out, "Options everywhere", everywhere);
}

void rop_report_overview(const struct rop_usage *commands, size_t n, const struct rop_usage *everywhere,
			 struct rop_text *out)
{
	rop_text_wrap(out, everywhere->summary, 0, WIDTH);
	rop_text_add(out, "\n\n  redis-operator COMMAND ... [options]\n\nCommands\n");
	for (size_t i = 0; i < n; i++) {
		ROP_OWN_TEXT left = { 0 };
		rop_text_add(&left, "  %s%s%s", commands[i].name, *commands[i].operands ? " " : "",
			     commands[i].operands);
		put_row(out, left.at, commands[i].summary, SUMMARIES);
	}
	put_options(out, "Options everywhere", everywhere);
	rop_text_add(out, "\n");
	rop_text_wrap(out, everywhere->about, 0, WIDTH);
	rop_text_add(out, "\n");
}

static json_t *options_json(const struct rop_usage *usage)
{
	json_t *list = json_array();
	for (size_t i = 0; i < usage->n_options; i++) {
		const struct rop_usage_option *o = &usage->options[i];
		json_array_append_new(list, rop_json("{s:s, s:s%, s:o, s:s}", "name", o->name, "letter", &o->letter,
						     (size_t)(o->letter != '\0'), "value", rop_json_text(o->arg),
						     "summary", o->doc));
	}
	return list;
}

json_t *rop_report_usage_json(const struct rop_usage *commands, size_t n, const struct rop_usage *everywhere)
{
	json_t *list = json_array();
	for (size_t i = 0; i < n; i++)
		json_array_append_new(list, rop_json("{s:s, s:s, s:s, s:o, s:o}", "name", commands[i].name, "operands",
						     commands[i].operands, "summary", commands[i].summary, "about",
						     rop_json_text(commands[i].about), "options",
						     options_json(&commands[i])));
	return rop_json("{s:o, s:o}", "commands", list, "options", options_json(everywhere));
}
