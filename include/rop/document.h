/* document.h - what programs read: one whole document a call, or an object a line as it happens. An error is part of
 * it: who reads that alone misses nothing.
 *
 * Of a whole document nothing is given before the end: what a command gives is kept, so that an error later on stands
 * in the same document.
 */
#ifndef ROP_DOCUMENT_H
#define ROP_DOCUMENT_H

#include "rop/err.h"
#include "rop/mem.h"

struct json_t; /* jansson's; what is given is taken over, what is returned is the caller's */

struct rop_document {
	bool whole;              /* else lines */
	struct json_t *document; /* what the command gave; NULL: nothing yet */
	struct json_t *events;   /* of apply; NULL: none yet */
	struct json_t *summary;  /* the last one of them; of events */
	struct rop_text said;    /* what became wrong */
	const char *reason;      /* a word of the program's own */
};

/* The document, or a line of it. Returns what is to be printed now; NULL: it is kept. */
struct json_t *rop_document_add(struct rop_document *d, struct json_t *json);
/* Something that happened, with a "type": gets its time. Returns as above. */
struct json_t *rop_document_event(struct rop_document *d, struct json_t *event, int64_t wall_ms);
/* Sentences; reason: a word of ours, or NULL. */
void rop_document_error(struct rop_document *d, const char *reason, const char *text);
/* With the exit code: what is still to be printed, or NULL. Begins anew. */
struct json_t *rop_document_end(struct rop_document *d, enum rop_code code, int64_t wall_ms);

#endif
