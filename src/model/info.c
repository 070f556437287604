/* info.c - one line of what INFO answers: KEY:VALUE, up to the end of the line. */
#include <stdio.h>
#include <string.h>

#include "rop/observed.h"

bool rop_info_get(const char *info, const char *key, char *buf, size_t size)
{
	size_t n = strlen(key);
	for (const char *p = info; p && *p; p = strchr(p, '\n'), p = p ? p + 1 : NULL) {
		if (strncmp(p, key, n) != 0 || p[n] != ':')
			continue;
		size_t length = strcspn(p + n + 1, "\r\n");
		snprintf(buf, size, "%.*s", (int)(length < 4096 ? length : 4096), p + n + 1);
		return true;
	}
	return false;
}
