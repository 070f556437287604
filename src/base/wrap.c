/* wrap.c - text in lines of a width: broken at blanks, never inside of a word, nor of what stands in backticks. */
#include <string.h>

#include "rop/mem.h"
#include "rop/text.h"

#define COMMAND_COLUMN 4 /* of one that is too long for its place */

/* A terminal's colours (ESC [ ... m) take no room. */
static size_t columns_of(const char *s, size_t n)
{
	size_t used = 0;
	for (size_t at = 0; at < n;) {
		uint32_t c;
		if (s[at] == '\033') {
			const char *end = memchr(s + at, 'm', n - at);
			at = end ? (size_t)(end - s) + 1 : n;
			continue;
		}
		at += rop_char(s + at, n - at, &c);
		used += c < 0x1100 ? 1 : 2;
	}
	return used;
}

static size_t column_of_end(const struct rop_text *out)
{
	size_t from = out->n;
	while (from && out->at[from - 1] != '\n')
		from--;
	return out->n ? columns_of(out->at + from, out->n - from) : 0;
}

/* "  word  text": what follows of an indented line stands below its text. */
static size_t hangs_at(const char *line, size_t n)
{
	size_t blank = strspn(line, " "), word = strcspn(line + blank, " \n");
	size_t gap = blank ? strspn(line + blank + word, " ") : 0;
	return blank && gap > 1 && blank + word + gap < n ? blank + word + gap : blank;
}

static bool is_shell_command(const char *text)
{
	static const char *const PROGRAMS[] = { "redis-cli ", "redis-operator ", "chmod ", "apt-get " };
	for (size_t i = 0; i < sizeof PROGRAMS / sizeof *PROGRAMS; i++)
		if (strncmp(text, PROGRAMS[i], strlen(PROGRAMS[i])) == 0)
			return true;
	return false;
}

/* Its end, where one begins at `text` and ends within n bytes; else 0. */
static size_t quoted(const char *text, size_t n)
{
	const char *end = n && *text == '`' ? memchr(text + 1, '`', n - 1) : NULL;
	return end ? (size_t)(end - text) + 1 : 0;
}

/* What is not broken: as far as the next blank that is not in backticks. */
static size_t word_of(const char *text, size_t n)
{
	size_t at = 0;
	while (at < n && text[at] != ' ') {
		size_t whole = quoted(text + at, n - at);
		at += whole ? whole : 1;
	}
	return at;
}

/* Alone on its line, which a terminal may go on with but nobody breaks. What ended the words before it is not needed.
 */
static size_t put_command(struct rop_text *out, const char *text, size_t n, size_t below, size_t width)
{
	size_t whole = quoted(text, n), wide = columns_of(text + 1, whole - 2), column = below + 2;
	if (column + wide > width)
		column = COMMAND_COLUMN < column ? COMMAND_COLUMN : column;
	rop_text_add(out, "\n%*s%.*s", (int)column, "", (int)whole - 2, text + 1);
	whole += strspn(text + whole, ",;:.");
	whole += strspn(text + whole, " ");
	if (whole < n)
		rop_text_add(out, "\n%*s", (int)below, "");
	return whole;
}

/* below: the column where what goes on of it begins. */
static void put_line(struct rop_text *out, const char *line, size_t n, size_t below, size_t width)
{
	size_t column = column_of_end(out), at = strspn(line, " ");
	bool fits = column + columns_of(line, n) <= width;
	if (at && at < n && is_shell_command(line + at)) { /* by itself already */
		rop_text_put(out, line, n);
		return;
	}
	for (at = 0; at < n;) {
		size_t gap = strspn(line + at, " "), word = word_of(line + at + gap, n - at - gap);
		const char *text = line + at + gap;
		size_t wide = columns_of(text, word);
		if (at + gap >= n)
			break;
		if (!fits && quoted(text, word) && is_shell_command(text + 1)) {
			at += gap + put_command(out, text, n - at - gap, below, width);
			column = below;
			continue;
		}
		if (at && column + gap + wide > width) {
			rop_text_add(out, "\n%*s", (int)below, "");
			column = below;
			gap = 0;
		}
		rop_text_add(out, "%*s%.*s", (int)gap, "", (int)word, text);
		column += gap + wide;
		at = (size_t)(text - line) + word;
	}
}

void rop_text_wrap(struct rop_text *out, const char *text, size_t indent, size_t width)
{
	for (size_t n;; text += n + 1) {
		n = strcspn(text, "\n");
		put_line(out, text, n, indent + hangs_at(text, n), width);
		if (!text[n] || !text[n + 1])
			break;
		rop_text_add(out, "\n%*s", (int)indent, "");
	}
}

void rop_text_wrap_lines(struct rop_text *out, const char *text, size_t indent, size_t width)
{
	for (size_t n; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (columns_of(text, n) <= width)
			rop_text_put(out, text, n);
		else
			put_line(out, text, n, strspn(text, " ") + indent, width);
		rop_text_put(out, "\n", text[n] == '\n');
	}
}
