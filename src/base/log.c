/* log.c - one line per fact, on stderr. */
#include "rop/log.h"

#include <stdarg.h>
#include <stdio.h>

static enum rop_log_level limit = ROP_LOG_WARN;

void rop_log_set_level(enum rop_log_level level)
{
	limit = level;
}

void rop_log(enum rop_log_level level, const char *fmt, ...)
{
	static const char *const NAMES[] = { "error", "warn", "info", "debug" };
	if (level > limit)
		return;
	char line[2048];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(line, sizeof line, fmt, ap);
	va_end(ap);
	fprintf(stderr, "level=%s %s\n", NAMES[level], line);
}
