/* terminal.c - how things are said: sentences on stderr, data on stdout. */
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"
#include "rop/text.h"

bool cli_answered(const char *word)
{
	char answer[128] = "";
	fflush(stderr);
	if (!fgets(answer, sizeof answer, stdin))
		return false;
	answer[strcspn(answer, "\n")] = '\0';
	return strcmp(answer, word) == 0;
}

bool cli_agreed(const struct cli *cli, const char *question, const char *word, const char *instead, const char * not,
		struct rop_err *err)
{
	if (cli->values.yes)
		return true;
	if (!isatty(STDIN_FILENO))
		return rop_fail(err, ROP_REFUSED,
				"this needs a person's yes, and there is no terminal to ask on\n  -> %s", instead);
	fprintf(stderr, "%s", question);
	return cli_answered(word) || rop_fail(err, ROP_REFUSED, "%s", not );
}

size_t cli_columns(FILE *of)
{
	struct winsize size;
	if (!isatty(fileno(of)))
		return 0;
	return ioctl(fileno(of), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
}

/* One line, and nothing else that a terminal obeys; on one that fits, what goes on stands below what it says. */
static void say_line(const char *prefix, const char *line, size_t n)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	ROP_OWN_TEXT text = { 0 };
	size_t columns = cli_columns(stderr);
	const char *shown = rop_printf(arena, "%s%s", prefix, rop_text_visible(arena, line, n, SIZE_MAX));
	if (columns > 20)
		rop_text_wrap(&text, shown, strncmp(shown, "  -> ", 5) == 0 ? 3 : 2, columns - 1);
	fputs(text.n ? text.at : shown, stderr);
}

/* The last line's end is the caller's. */
static void say(const char *prefix, const char *text)
{
	for (size_t n; n = strcspn(text, "\n"), true; text += n + 1) {
		say_line(prefix, text, n);
		if (!text[n])
			break;
		fputc('\n', stderr);
		prefix = "";
	}
}

enum rop_code cli_fail(const struct rop_err *err)
{
	cli_document_error(NULL, err->text);
	if (err->text[0]) {
		say("redis-operator: ", err->text);
		fputc('\n', stderr);
	}
	return err->code;
}

void cli_fail_text(const struct rop_text *text)
{
	cli_document_error(NULL, text->at);
	say("redis-operator: ", text->at);
}

void cli_tell(const struct cli *cli, const char *fmt, ...)
{
	if (cli->values.quiet)
		return;
	ROP_OWN_ARENA arena = rop_arena_new();
	va_list ap;
	va_start(ap, fmt);
	say("", rop_vprintf(arena, fmt, ap));
	va_end(ap);
	fputc('\n', stderr);
}

void cli_print_diags(struct rop_diags *diags)
{
	ROP_OWN_TEXT text = { 0 }, lines = { 0 };
	size_t columns = cli_columns(stderr);
	rop_diags_print(diags, &text);
	if (!text.n)
		return;
	rop_diags_print_in(diags, columns > 40 ? columns : 0, &lines);
	fputs(lines.at, stderr);
	cli_document_error(NULL, text.at);
}

void cli_findings(const char *reason, const char *text)
{
	cli_document_error(reason, text);
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		say_line(*line == ' ' ? "" : "redis-operator: ", line, n);
		fputc('\n', stderr);
		line += n + (line[n] == '\n');
	}
}

void cli_say_text(const struct rop_text *text)
{
	say("", text->at);
}

void cli_print(const struct rop_text *text)
{
	if (text->n)
		fwrite(text->at, 1, text->n, stdout);
}

void cli_print_lines(const struct rop_text *text)
{
	ROP_OWN_TEXT lines = { 0 };
	size_t columns = cli_columns(stdout);
	if (columns <= 20 || !text->n) {
		cli_print(text);
		return;
	}
	rop_text_wrap_lines(&lines, text->at, 2, columns);
	cli_print(&lines);
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
