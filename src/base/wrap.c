/* wrap.c - text in lines of a width: broken at blanks, never inside of a word. */
#include <string.h>

#include "rop/mem.h"
#include "rop/text.h"

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

/* below: the column where what goes on of it begins. */
static void put_line(struct rop_text *out, const char *line, size_t n, size_t below, size_t width)
{
	size_t column = column_of_end(out), at = 0;
	while (at < n) {
		size_t gap = strspn(line + at, " "), word = strcspn(line + at + gap, " \n");
		size_t wide = columns_of(line + at + gap, word);
		if (at + gap >= n)
			break;
		if (at && column + gap + wide > width) {
			rop_text_add(out, "\n%*s", (int)below, "");
			column = below;
			gap = 0;
		}
		rop_text_add(out, "%*s%.*s", (int)gap, "", (int)word, line + at + strspn(line + at, " "));
		column += gap + wide;
		at += strspn(line + at, " ") + word;
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
