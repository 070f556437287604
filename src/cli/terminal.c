/* terminal.c - how things are said: sentences on stderr, data on stdout. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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
	if (err->text[0]) {
		fputs("redis-operator: ", stderr);
		say(stderr, err->text);
		fputc('\n', stderr);
	}
	return err->code;
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
	if (text.n)
		fputs(text.at, stderr);
}

void cli_findings(const char *text)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		fprintf(stderr, "%s%s\n",
			*line == ' ' ? "" : "redis-operator: ", rop_text_visible(arena, line, n, SIZE_MAX));
		line += n + (line[n] == '\n');
	}
}

const char *cli_paint(const struct cli *cli, const char *color)
{
	static const struct {
		const char *name, *code;
	} COLORS[] = {
		{ "green", "\033[32m" }, { "red", "\033[31m" }, { "yellow", "\033[33m" },
		{ "bold", "\033[1m" },   { "dim", "\033[2m" },  { "off", "\033[0m" },
	};
	for (size_t i = 0; cli->color && i < sizeof COLORS / sizeof *COLORS; i++)
		if (strcmp(COLORS[i].name, color) == 0)
			return COLORS[i].code;
	return "";
}

void cli_print_json(json_t *json)
{
	json_dumpf(json, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(json);
}

void cli_print_jsonl(json_t *json)
{
	json_dumpf(json, stdout, JSON_COMPACT);
	putchar('\n');
	fflush(stdout);
	json_decref(json);
}

char *cli_time(struct rop_arena *arena, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char buf[32];
	localtime_r(&seconds, &tm);
	strftime(buf, sizeof buf, "%Y-%m-%d %H:%M:%S", &tm);
	return rop_strdup(arena, buf);
}

json_t *cli_json_time(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char buf[48];
	if (!wall_ms)
		return json_null();
	gmtime_r(&seconds, &tm);
	size_t n = strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + n, sizeof buf - n, ".%03dZ", (int)(wall_ms % 1000));
	return json_string(buf);
}

json_t *cli_json_text(const char *s)
{
	if (!s)
		return json_null();
	json_t *json = json_string(s);
	if (json)
		return json;
	ROP_OWN_ARENA arena = rop_arena_new(); /* names of files are any bytes */
	return json_string(rop_text_visible(arena, s, strlen(s), SIZE_MAX));
}

static bool json_is_missing;

json_t *cli_json(const char *fmt, ...)
{
	json_error_t error;
	va_list ap;
	va_start(ap, fmt);
	json_t *json = json_vpack_ex(&error, 0, fmt, ap);
	va_end(ap);
	if (json)
		return json;
	fprintf(stderr, "redis-operator: internal error: a part of the JSON cannot be written (%s)\n", error.text);
	json_is_missing = true;
	return json_null();
}

bool cli_json_failed(void)
{
	return json_is_missing;
}
