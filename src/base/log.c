/* log.c - one line per fact, on stderr: logfmt or JSON. */
#include "rop/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "rop/mem.h"
#include "rop/text.h"

static const char *const LEVELS[ROP_LOG_LEVELS_N] = { "error", "warn", "info", "debug" };
static const char *const FORMATS[ROP_LOG_FORMATS_N] = { "auto", "logfmt", "json" };
static enum rop_log_level limit = ROP_LOG_WARN;
static rop_log_sink sink = rop_log_logfmt;
static int64_t (*clock_ms)(void);

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

/* As JSON escapes it, which logfmt's readers understand too. */
static void add_escaped(struct rop_text *line, uint32_t c)
{
	if (c == '\n')
		rop_text_add(line, "\\n");
	else if (c == ROP_NOT_A_CHAR)
		rop_text_add(line, "\xef\xbf\xbd"); /* U+FFFD */
	else if (c > 0xffff)
		rop_text_add(line, "\\u%04x\\u%04x", 0xd800u + ((c - 0x10000u) >> 10),
			     0xdc00u + ((c - 0x10000u) & 0x3ffu));
	else
		rop_text_add(line, "\\u%04x", (unsigned)c);
}

/* In quotes, as both formats want it, and always valid UTF-8: what a server said may be any bytes, and one line that is
 * no JSON stops many a reader. */
static void add_quoted(struct rop_text *line, const char *value)
{
	uint32_t c;
	rop_text_add(line, "\"");
	for (size_t left = strlen(value), size; left > 0; value += size, left -= size) {
		size = rop_char(value, left, &c);
		if (c == '"' || c == '\\')
			rop_text_add(line, "\\%c", (char)c);
		else if (rop_char_hidden(c))
			add_escaped(line, c);
		else
			rop_text_put(line, value, size);
	}
	rop_text_add(line, "\"");
}

static bool is_plain(const char *value)
{
	return *value && !value[strcspn(value, " \"=\\")] && rop_text_is_visible(value, strlen(value));
}

/* One write for a line, and none through stdio's buffers, so that lines of several processes on one pipe or file do not
 * mix. What cannot be written is lost: there is nobody left to tell. */
static void write_line(struct rop_text *line)
{
	rop_text_put(line, "\n", 1);
	for (size_t done = 0; done < line->n;) {
		ssize_t n = write(STDERR_FILENO, line->at + done, line->n - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return;
		done += (size_t)n;
	}
}

/* RFC 3339, UTC. NULL: without. */
static const char *time_of_line(char *buf, size_t size)
{
	if (!clock_ms)
		return NULL;
	struct tm tm;
	char seconds[32];
	int64_t now_ms = clock_ms();
	time_t now = (time_t)(now_ms / 1000);
	gmtime_r(&now, &tm);
	strftime(seconds, sizeof seconds, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf, size, "%s.%03dZ", seconds, (int)(now_ms % 1000));
	return buf;
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
	char buf[48];
	const char *time = time_of_line(buf, sizeof buf);
	rop_text_add(&line, "%s%s%slevel=%s", time ? "time=" : "", time ? time : "", time ? " " : "", LEVELS[level]);
	for (size_t i = 0; i < n; i++)
		if (fields[i].value)
			add_logfmt(&line, fields[i].key, fields[i].value);
	add_logfmt(&line, "msg", message);
	write_line(&line);
}

static void add_json(struct rop_text *line, const char *key, const char *value)
{
	rop_text_add(line, "%s\"%s\":", line->n ? "," : "{", key);
	add_quoted(line, value);
}

void rop_log_json(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	ROP_OWN_TEXT line = { 0 };
	char buf[48];
	const char *time = time_of_line(buf, sizeof buf);
	if (time)
		add_json(&line, "time", time);
	add_json(&line, "level", LEVELS[level]);
	for (size_t i = 0; i < n; i++)
		if (fields[i].value)
			add_json(&line, fields[i].key, fields[i].value);
	add_json(&line, "msg", message);
	rop_text_add(&line, "}");
	write_line(&line);
}

void rop_log_set_sink(rop_log_sink to)
{
	sink = to;
}

void rop_log_set_clock(int64_t (*wall_ms)(void))
{
	clock_ms = wall_ms;
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
