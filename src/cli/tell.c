/* tell.c - how things are said: sentences on stderr, data on stdout. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli.h"

enum rop_code cli_fail(const struct rop_err *err)
{
	if (err->text[0])
		fprintf(stderr, "redis-operator: %s\n", err->text);
	return err->code;
}

void cli_tell(const struct cli *cli, const char *fmt, ...)
{
	if (cli->values.quiet)
		return;
	va_list ap;
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
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
	for (const char *line = text; *line;) {
		size_t n = strcspn(line, "\n");
		fprintf(stderr, "%s%.*s\n", *line == ' ' ? "" : "redis-operator: ", (int)n, line);
		line += n + (line[n] == '\n');
	}
}

const char *cli_paint(const struct cli *cli, const char *color)
{
	static const struct { const char *name, *code; } COLORS[] = {
		{ "green", "\033[32m" }, { "red", "\033[31m" }, { "yellow", "\033[33m" }, { "bold", "\033[1m" },
		{ "dim", "\033[2m" }, { "off", "\033[0m" },
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
	return s ? json_string(s) : json_null();
}
