/* chars.h - how wide a character is, for whoever counts or prints columns. */
#ifndef CONFIG_CHARS_H
#define CONFIG_CHARS_H

#include <locale.h>
#include <stdint.h>

/* Display columns: 0, 1 or 2. wcwidth() knows only the characters of the current locale, and the program may never
 * have set one: widths are right between config_utf8_begin() and config_utf8_end() of the same thread. */
struct config_utf8 {
	locale_t before, utf8;
};
struct config_utf8 config_utf8_begin(void);
void config_utf8_end(struct config_utf8 *utf8);
int config_char_width(uint32_t c);

#endif
