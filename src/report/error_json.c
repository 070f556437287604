/* error_json.c - an error for programs: the exit code, a word for it, what is wrong, what to do. */
#include <jansson.h>
#include <string.h>

#include "shared.h"

const char *rop_code_word(enum rop_code code)
{
	switch (code) {
	case ROP_OK: return "Ok";
	case ROP_FAIL: return "Failed";
	case ROP_CHANGES: return "Changes";
	case ROP_INVALID: return "Invalid";
	case ROP_REFUSED: return "Refused";
	case ROP_BUSY: return "Busy";
	case ROP_TIMEOUT: return "NotConverged";
	case ROP_STALE: return "Stale";
	case ROP_UNREACHABLE: return "Unreachable";
	case ROP_DENIED: return "Denied";
	case ROP_UNSERVED: return "Unserved";
	case ROP_INTERNAL: return "Internal";
	}
	return "Failed";
}

static void add_line(struct rop_text *to, const char *line, size_t n)
{
	rop_text_add(to, "%s%.*s", to->n ? "\n" : "", (int)n, line);
}

/* Sentences are "what is wrong", and lines "  -> what to do" that belong to them. */
json_t *rop_report_error_json(enum rop_code code, const char *reason, const char *text)
{
	static const char ARROW[] = "  -> ";
	const size_t arrow = sizeof ARROW - 1;
	ROP_OWN_TEXT message = { 0 }, advice = { 0 };
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		if (n > arrow && strncmp(line, ARROW, arrow) == 0)
			add_line(&advice, line + arrow, n - arrow);
		else if (n)
			add_line(&message, line, n);
		line += n + (line[n] == '\n');
	}
	return rop_json("{s:i, s:s, s:o, s:o}", "code", (int)code, "reason", reason ? reason : rop_code_word(code),
			"message", rop_json_text(message.n ? message.at : ""), "advice",
			rop_json_text(advice.n ? advice.at : NULL));
}
