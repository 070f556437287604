/* chars.c - UTF-8 character by character: decode, tell the hidden ones, measure. */
#include "config.h" /* wcwidth() is behind _GNU_SOURCE */

#include "chars.h"

#include <wchar.h>

#include "rop/text.h"

size_t config_char(const char *s, size_t n, uint32_t *ret_char)
{
	const unsigned char *p = (const unsigned char *)s;
	size_t size = p[0] < 0x80 ? 1 : p[0] >= 0xf0 ? 4 : p[0] >= 0xe0 ? 3 : 2, bad;
	if (size > n || !rop_utf8_valid(s, size, &bad)) {
		*ret_char = CONFIG_NOT_A_CHAR;
		return 1;
	}
	uint32_t c = size == 1 ? p[0] : p[0] & (0xffu >> (size + 1));
	for (size_t i = 1; i < size; i++)
		c = c << 6 | (p[i] & 0x3fu);
	*ret_char = c;
	return size;
}

bool config_char_hidden(uint32_t c)
{
	static const struct { uint32_t from, to; } HIDDEN[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f },       /* C0, DEL, C1: terminals obey them */
		{ 0x200b, 0x200f }, { 0x2028, 0x202e }, /* zero width, line separators, direction marks */
		{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe007f },
		{ CONFIG_NOT_A_CHAR, CONFIG_NOT_A_CHAR },
	};
	for (size_t i = 0; i < sizeof HIDDEN / sizeof *HIDDEN; i++)
		if (c >= HIDDEN[i].from && c <= HIDDEN[i].to)
			return true;
	return false;
}

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
