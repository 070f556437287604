/* json_values.c - values as JSON has them, whatever a name or a node holds. */
#include <jansson.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include "rop/report.h"
#include "rop/text.h"

static void (*on_missing)(const char *why);

void rop_json_on_missing(void (*handler)(const char *why))
{
	on_missing = handler;
}

json_t *rop_json(const char *fmt, ...)
{
	json_error_t error;
	va_list ap;
	va_start(ap, fmt);
	json_t *json = json_vpack_ex(&error, 0, fmt, ap);
	va_end(ap);
	if (json)
		return json;
	if (on_missing)
		on_missing(error.text);
	return json_null();
}

json_t *rop_json_text(const char *s)
{
	if (!s)
		return json_null();
	json_t *json = json_string(s);
	if (json)
		return json;
	ROP_OWN_ARENA arena = rop_arena_new(); /* names of files are any bytes */
	return json_string(rop_text_visible(arena, s, strlen(s), SIZE_MAX));
}

json_t *rop_json_time(int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char buf[48];
	if (!wall_ms)
		return json_null();
	gmtime_r(&seconds, &tm);
	strftime(buf, sizeof buf, "%Y-%m-%dT%H:%M:%S", &tm);
	ROP_OWN_ARENA arena = rop_arena_new();
	return json_string(rop_printf(arena, "%s.%03dZ", buf, (int)(wall_ms % 1000)));
}
