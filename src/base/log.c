/* log.c - one line per fact, on stderr: logfmt or JSON. */
#include "rop/log.h"

#include <stdio.h>
#include <string.h>

#include "rop/mem.h"

static const char *const LEVELS[ROP_LOG_LEVELS_N] = { "error", "warn", "info", "debug" };
static const char *const FORMATS[ROP_LOG_FORMATS_N] = { "auto", "logfmt", "json" };
static enum rop_log_level limit = ROP_LOG_WARN;
static rop_log_sink sink = rop_log_logfmt;

static int find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *rop_log_level_name(enum rop_log_level level)
{
	return LEVELS[level];
}

int rop_log_level_find(const char *name)
{
	return find(LEVELS, ROP_LOG_LEVELS_N, name);
}

int rop_log_format_find(const char *name)
{
	return find(FORMATS, ROP_LOG_FORMATS_N, name);
}

/* In quotes, as both formats want it; bytes above 127 are passed on as they are. */
static void add_quoted(struct rop_text *line, const char *value)
{
	rop_text_add(line, "\"");
	for (const char *c = value; *c; c++) {
		if (*c == '"' || *c == '\\')
			rop_text_add(line, "\\%c", *c);
		else if (*c == '\n')
			rop_text_add(line, "\\n");
		else if ((unsigned char)*c < 0x20 || *c == 0x7f)
			rop_text_add(line, "\\u%04x", (unsigned)*c);
		else
			rop_text_add(line, "%c", *c);
	}
	rop_text_add(line, "\"");
}

static bool is_plain(const char *value)
{
	for (const char *c = value; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == '"' || *c == '=' || *c == '\\' || *c == 0x7f)
			return false;
	return *value != '\0';
}

static void add_logfmt(struct rop_text *line, const char *key, const char *value)
{
	rop_text_add(line, " %s=", key);
	if (is_plain(value))
		rop_text_add(line, "%s", value);
	else
		add_quoted(line, value);
}

void rop_log_logfmt(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	ROP_OWN_TEXT line = { 0 };
	rop_text_add(&line, "level=%s", LEVELS[level]);
	for (size_t i = 0; i < n; i++)
		if (fields[i].value)
			add_logfmt(&line, fields[i].key, fields[i].value);
	add_logfmt(&line, "msg", message);
	fprintf(stderr, "%s\n", line.at);
}

static void add_json(struct rop_text *line, const char *key, const char *value)
{
	rop_text_add(line, "%s\"%s\":", line->n ? "," : "{", key);
	add_quoted(line, value);
}

void rop_log_json(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	ROP_OWN_TEXT line = { 0 };
	add_json(&line, "level", LEVELS[level]);
	for (size_t i = 0; i < n; i++)
		if (fields[i].value)
			add_json(&line, fields[i].key, fields[i].value);
	add_json(&line, "msg", message);
	fprintf(stderr, "%s}\n", line.at);
}

void rop_log_set_sink(rop_log_sink to)
{
	sink = to;
}

void rop_log_set_level(enum rop_log_level level)
{
	limit = level;
}

bool rop_log_wants(enum rop_log_level level)
{
	return level <= limit;
}

void rop_log(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	if (rop_log_wants(level))
		sink(level, message, fields, n);
}
