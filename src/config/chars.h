/* chars.h - reading UTF-8 character by character, for whoever counts or prints columns. */
#ifndef CONFIG_CHARS_H
#define CONFIG_CHARS_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CONFIG_NOT_A_CHAR UINT32_MAX

/* The bytes of the character at s (n > 0 are left); a byte that begins no valid character is one of its own and
 * gives CONFIG_NOT_A_CHAR. */
size_t config_char(const char *s, size_t n, uint32_t *ret_char);

/* Controls, direction marks and other characters that change what a reader sees without being seen themselves. */
bool config_char_hidden(uint32_t c);

/* Display columns: 0, 1 or 2. wcwidth() knows only the characters of the current locale, and the program may never
 * have set one: widths are right between config_utf8_begin() and config_utf8_end() of the same thread. */
struct config_utf8 { locale_t before, utf8; };
struct config_utf8 config_utf8_begin(void);
void config_utf8_end(struct config_utf8 *utf8);
int config_char_width(uint32_t c);

#endif
