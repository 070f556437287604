/* document.c - what programs read, as it is printed: with -o json one document at the end of a call, with -o jsonl an
 * object a line as it happens. What is in it: rop/document.h. */
#include "cli.h"
#include "rop/document.h"

static enum cli_output wanted;
static struct rop_document whole;

void cli_document_begin(enum cli_output output)
{
	wanted = output;
	whole.whole = output == CLI_JSON;
}

void cli_document_error(const char *reason, const char *text)
{
	if (wanted != CLI_TEXT)
		rop_document_error(&whole, reason, text);
}

/* Taken over; NULL: it is kept for the end. */
static void print_line(json_t *json)
{
	if (!json)
		return;
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(json);
}

void cli_print_json(json_t *json)
{
	print_line(rop_document_add(&whole, json));
}

void cli_print_event(json_t *event)
{
	print_line(rop_document_event(&whole, event, rop_wall_ms()));
}

void cli_document_end(enum rop_code code)
{
	json_t *last = rop_document_end(&whole, code, rop_wall_ms());
	if (last && wanted == CLI_JSON) {
		json_dumpf(last, stdout, JSON_INDENT(2));
		putchar('\n');
		json_decref(last);
	} else {
		print_line(last);
	}
}
