/* paint.c - how texts look: colours, times. */
#include <string.h>
#include <time.h>

#include "rop/report.h"

const char *rop_paint(bool color, const char *name)
{
	static const struct {
		const char *name, *code;
	} COLORS[] = {
		{ "green", "\033[32m" }, { "red", "\033[31m" }, { "yellow", "\033[33m" },
		{ "bold", "\033[1m" },   { "dim", "\033[2m" },  { "off", "\033[0m" },
	};
	for (size_t i = 0; color && i < sizeof COLORS / sizeof *COLORS; i++)
		if (strcmp(COLORS[i].name, name) == 0)
			return COLORS[i].code;
	return "";
}

char *rop_time_text(struct rop_arena *arena, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char buf[32];
	localtime_r(&seconds, &tm);
	strftime(buf, sizeof buf, "%Y-%m-%d %H:%M:%S", &tm);
	return rop_strdup(arena, buf);
}

char *rop_time_exact(struct rop_arena *arena, int64_t wall_ms)
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;
	char zone[8];
	localtime_r(&seconds, &tm);
	strftime(zone, sizeof zone, "%z", &tm);
	return rop_printf(arena, "%s.%03d %s", rop_time_text(arena, wall_ms), (int)(wall_ms % 1000), zone);
}
