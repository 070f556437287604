/* chars.c - how wide a character is. */
#include "config.h" /* wcwidth() is behind _GNU_SOURCE */

#include "chars.h"

#include <wchar.h>

struct config_utf8 config_utf8_begin(void)
{
	struct config_utf8 utf8 = { .utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0) };
	if (utf8.utf8)
		utf8.before = uselocale(utf8.utf8);
	return utf8;
}

void config_utf8_end(struct config_utf8 *utf8)
{
	if (!utf8->utf8)
		return;
	uselocale(utf8->before);
	freelocale(utf8->utf8);
}

int config_char_width(uint32_t c)
{
	int width = c < 0x80 ? 1 : wcwidth((wchar_t)c);
	return width < 0 ? 1 : width;
}
