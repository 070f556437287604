/* document_json.c - the one document of a call, put together from what is given on the way. */
#include <jansson.h>
#include <string.h>

#include "rop/document.h"
#include "rop/report.h"
#include "rop/text.h"

#define FORMAT_VERSION "1.0" /* minor adds, major breaks */

/* First in what is printed, as it is what a reader needs first. */
static json_t *with_version(json_t *json)
{
	json_t *first = rop_json("{s:s}", "format_version", FORMAT_VERSION);
	if (json)
		json_object_update(first, json);
	json_decref(json);
	return first;
}

void rop_document_error(struct rop_document *d, const char *reason, const char *text)
{
	if (!*text)
		return;
	if (!d->reason)
		d->reason = reason;
	rop_text_add(&d->said, "%s%s", d->said.n ? "\n" : "", text);
}

json_t *rop_document_add(struct rop_document *d, json_t *json)
{
	json = with_version(json);
	if (!d->whole)
		return json;
	json_decref(d->document);
	d->document = json;
	return NULL;
}

json_t *rop_document_event(struct rop_document *d, json_t *event, int64_t wall_ms)
{
	json_object_set_new(event, "time", rop_json_time(wall_ms));
	event = with_version(event);
	if (rop_streq(json_string_value(json_object_get(event, "type")), "summary")) {
		json_decref(d->summary);
		d->summary = json_incref(event);
	}
	if (!d->whole)
		return event;
	if (!d->events)
		d->events = json_array();
	json_array_append_new(d->events, event);
	return NULL;
}

static json_t *of_events(const struct rop_document *d, enum rop_code code)
{
	json_t *cluster = json_object_get(json_array_get(d->events, 0), "cluster");
	return with_version(rop_json("{s:O, s:i, s:o, s:O}", "cluster", cluster, "exit_code", (int)code, "summary",
				     d->summary ? json_incref(d->summary) : json_null(), "events", d->events));
}

static json_t *whole_document(struct rop_document *d, enum rop_code code, json_t *error)
{
	json_t *document = d->document;
	d->document = NULL;
	if (!document && !d->events && !error)
		return NULL;
	if (!document)
		document = d->events ? of_events(d, code) : with_version(NULL); /* only an error */
	if (error)
		json_object_set(document, "error", error);
	return document;
}

json_t *rop_document_end(struct rop_document *d, enum rop_code code, int64_t wall_ms)
{
	json_t *error = NULL, *last = NULL;
	if (code != ROP_OK && d->said.n)
		error = rop_report_error_json(code, d->reason, d->said.at);
	if (d->whole)
		last = whole_document(d, code, error);
	else if (error && !d->summary) /* a summary has it already */
		last = rop_document_event(d, rop_json("{s:s, s:O}", "type", "error", "error", error), wall_ms);
	json_decref(error);
	json_decref(d->events);
	json_decref(d->summary);
	rop_text_done(&d->said);
	memset(d, 0, sizeof *d);
	return last;
}
