/* document.c - what programs read: with -o json one whole document a call, with -o jsonl an object a line as it
 * happens. An error is part of it: who reads stdout alone misses nothing.
 *
 * With -o json nothing is printed before the end: what a command gives is kept, so that an error later on stands in the
 * same document.
 */
#include <string.h>

#include "cli.h"
#include "rop/text.h"

#define FORMAT_VERSION "1.0" /* minor adds, major breaks */

static struct {
	enum cli_output output;
	json_t *document; /* what the command gave; NULL: nothing yet */
	json_t *events;   /* of apply; NULL: none yet */
	json_t *summary;  /* the last one of them; of events */
	struct rop_text said;
	const char *reason; /* a word of the program's own */
} whole;

void cli_document_begin(enum cli_output output)
{
	whole.output = output;
}

void cli_document_error(const char *reason, const char *text)
{
	if (whole.output == CLI_TEXT || !*text)
		return;
	if (!whole.reason)
		whole.reason = reason;
	rop_text_add(&whole.said, "%s%s", whole.said.n ? "\n" : "", text);
}

static void print_line(const json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
}

/* First in what is printed, as it is what a reader needs first. */
static json_t *with_version(json_t *json)
{
	json_t *first = rop_json("{s:s}", "format_version", FORMAT_VERSION);
	json_object_update(first, json);
	json_decref(json);
	return first;
}

void cli_print_json(json_t *json)
{
	json = with_version(json);
	if (whole.output == CLI_JSON) {
		json_decref(whole.document);
		whole.document = json;
		return;
	}
	print_line(json);
	json_decref(json);
}

void cli_print_event(json_t *event)
{
	json_object_set_new(event, "time", rop_json_time(rop_wall_ms()));
	event = with_version(event);
	bool is_summary = rop_streq(json_string_value(json_object_get(event, "type")), "summary");
	if (is_summary) {
		json_decref(whole.summary);
		whole.summary = json_incref(event);
	}
	if (whole.output == CLI_JSON) {
		if (!whole.events)
			whole.events = json_array();
		json_array_append(whole.events, event);
	} else {
		print_line(event);
	}
	json_decref(event);
}

static json_t *of_events(enum rop_code code)
{
	json_t *cluster = json_object_get(json_array_get(whole.events, 0), "cluster");
	return rop_json("{s:s, s:O, s:i, s:o, s:O}", "format_version", FORMAT_VERSION, "cluster", cluster, "exit_code",
			(int)code, "summary", whole.summary ? json_incref(whole.summary) : json_null(), "events",
			whole.events);
}

static void end_document(enum rop_code code, json_t *error)
{
	json_t *document = whole.document;
	if (!document)
		document = whole.events ? of_events(code)
					: rop_json("{s:s}", "format_version", FORMAT_VERSION); /* only an error */
	if (error)
		json_object_set(document, "error", error);
	json_dumpf(document, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(document);
	whole.document = NULL;
}

void cli_document_end(enum rop_code code)
{
	json_t *error = NULL;
	if (code != ROP_OK && whole.said.n)
		error = rop_report_error_json(code, whole.reason, whole.said.at);
	if (whole.output == CLI_JSON && (whole.document || whole.events || error))
		end_document(code, error);
	else if (whole.output == CLI_JSONL && error && !whole.summary) /* a summary has it already */
		cli_print_event(rop_json("{s:s, s:O}", "type", "error", "error", error));
	json_decref(error);
	json_decref(whole.events);
	json_decref(whole.summary);
	rop_text_done(&whole.said);
	memset(&whole, 0, sizeof whole);
}
