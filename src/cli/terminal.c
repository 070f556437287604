/* terminal.c - how things are said: sentences on stderr, data on stdout. */
#include <stdarg.h>
#include <string.h>

#include "cli.h"
#include "rop/text.h"

/* Lines, and nothing else that a terminal obeys. The last one's end is the caller's. */
static void say(FILE *to, const char *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	for (size_t n; n = strcspn(text, "\n"), true; text += n + 1) {
		fputs(rop_text_visible(arena, text, n, SIZE_MAX), to);
		if (!text[n])
			break;
		fputc('\n', to);
	}
}

enum rop_code cli_fail(const struct rop_err *err)
{
	cli_document_error(NULL, err->text);
	if (err->text[0]) {
		fputs("redis-operator: ", stderr);
		say(stderr, err->text);
		fputc('\n', stderr);
	}
	return err->code;
}

void cli_fail_text(const struct rop_text *text)
{
	cli_document_error(NULL, text->at);
	fputs("redis-operator: ", stderr);
	say(stderr, text->at);
}

void cli_tell(const struct cli *cli, const char *fmt, ...)
{
	if (cli->values.quiet)
		return;
	ROP_OWN_ARENA arena = rop_arena_new();
	va_list ap;
	va_start(ap, fmt);
	say(stderr, rop_vprintf(arena, fmt, ap));
	va_end(ap);
	fputc('\n', stderr);
}

void cli_print_diags(struct rop_diags *diags)
{
	ROP_OWN_TEXT text = { 0 };
	rop_diags_print(diags, &text);
	if (!text.n)
		return;
	fputs(text.at, stderr);
	cli_document_error(NULL, text.at);
}

void cli_findings(const char *reason, const char *text)
{
	cli_document_error(reason, text);
	ROP_OWN_ARENA arena = rop_arena_new();
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		fprintf(stderr, "%s%s\n",
			*line == ' ' ? "" : "redis-operator: ", rop_text_visible(arena, line, n, SIZE_MAX));
		line += n + (line[n] == '\n');
	}
}

void cli_say_text(const struct rop_text *text)
{
	say(stderr, text->at);
}

void cli_print(const struct rop_text *text)
{
	if (text->n)
		fwrite(text->at, 1, text->n, stdout);
}

void cli_tell_text(const struct cli *cli, const struct rop_text *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	if (text->n)
		cli_tell(cli, "%s", rop_strndup(arena, text->at, text->n - 1)); /* the last line's end is added there */
}

static bool json_is_missing;

void cli_json_missing(const char *why)
{
	fprintf(stderr, "redis-operator: internal error: a part of the JSON cannot be written (%s)\n", why);
	json_is_missing = true;
}

bool cli_json_failed(void)
{
	return json_is_missing;
}
