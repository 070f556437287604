/* malformed.c - what libyaml says about malformed YAML, in words that help the person who wrote it. */
#include "malformed.h"

#include <string.h>

struct phrase {
	const char *problem; /* how libyaml's own words begin */
	const char *message, *hint;
	bool at_context; /* point at where the construct began: the problem shows up far behind its cause */
};

#define CHECK_INDENT "check the indentation of this line"

static const struct phrase PHRASES[] = {
	{ "mapping values are not allowed", "a ':' does not belong here",
	  "put text that holds ': ' in quotes, or " CHECK_INDENT, false },
	{ "did not find expected key", "expected a key here", CHECK_INDENT " and the one before", false },
	{ "did not find expected '-' indicator", "expected '-' and another entry of the list", CHECK_INDENT, false },
	{ "block sequence entries are not allowed", "a list entry '-' does not belong here",
	  "start the list on a line of its own", false },
	{ "block mapping", "a key does not belong here", CHECK_INDENT, false },
	{ "mapping keys are not allowed", "a key does not belong here", CHECK_INDENT, false },
	{ "did not find expected ',' or ']'", "expected ',' or ']' in the list that begins with '['",
	  "close the list; an IPv6 address needs quotes: \"[::1]:7000\"", false },
	{ "did not find expected ',' or '}'", "expected ',' or '}' in the map that begins with '{'", "close the map",
	  false },
	{ "could not find expected ':'", "expected ':' and a value after this key", CHECK_INDENT, true },
	{ "found unexpected end of stream", "the quote that begins here is never closed", "close it", true },
	{ "found unexpected document indicator", "the quote that begins here is not closed before '---' or '...'",
	  "close it", true },
	{ "found unknown escape character", "no such escape in double quotes",
	  "write '\\\\' for a backslash, or use single quotes", false },
	{ "did not find expected hexdecimal number", "this escape needs hexadecimal digits", NULL, false },
	{ "found invalid Unicode character escape code", "this escape names no character", NULL, false },
	{ "found a tab character", "a tab cannot be used for indentation", "use spaces", false },
	{ "did not find expected <document start>", "expected a single document here",
	  "a file holds one document; " CHECK_INDENT, false },
	{ "did not find expected node content", "expected a value here", NULL, false },
	{ "found undefined tag handle", "tags are not allowed", "remove it: every key knows its type", false },
	{ "found incompatible YAML document", "this YAML version is not known", "remove the %YAML line", false },
	{ "found extremely long version number", "this YAML version is not known", "remove the %YAML line", false },
	{ "exceeded maximum depth", "nested too deeply", NULL, false },
};

/* libyaml says only that a character cannot be here: which one it is makes the difference. */
static const struct phrase *for_character(const char *problem, char c)
{
	static const struct phrase COLON = { "", "expected a value before this ':'",
					     "an IPv6 address needs quotes: \"[::1]:7000\"", false };
	static const struct phrase TAB = { "", "a tab cannot be used for indentation", "use spaces", false },
				   SIGN = { "", "a value cannot begin with this character", "put the value in quotes",
					    false };
	if (strncmp(problem, "did not find expected node content", 34) == 0 && c == ':')
		return &COLON;
	if (strncmp(problem, "found character that cannot start", 33) == 0)
		return c == '\t' ? &TAB : &SIGN;
	return NULL;
}

void config_malformed(struct rop_diags *diags, const struct rop_doc *doc, const struct config_malformed *what)
{
	const char *problem = what->problem ? what->problem : "unknown problem";
	const struct phrase *phrase = for_character(problem, what->character);
	for (size_t i = 0; !phrase && i < sizeof PHRASES / sizeof *PHRASES; i++)
		if (strncmp(problem, PHRASES[i].problem, strlen(PHRASES[i].problem)) == 0)
			phrase = &PHRASES[i];
	if (!phrase) {
		rop_diag_at(diags, doc, what->at, 1, false, NULL,
			    rop_printf(diags->arena, "malformed YAML: %s", problem));
		return;
	}
	bool at_context = phrase->at_context && what->context.line > 0;
	rop_diag_at(diags, doc, at_context ? what->context : what->at, 1, false, phrase->hint, phrase->message);
}
