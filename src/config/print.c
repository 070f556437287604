/* print.c - diagnostics as a person sees them: message, source line, caret, hint (the form is in cli.md). */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "chars.h"
#include "rop/doc.h"
#include "rop/text.h"

#define LINE_COLUMNS_MAX 160             /* of a source line; what is longer is cut around the mark */
#define BEFORE_MARK(most) ((most)*3 / 8) /* columns kept before the mark then */
#define MARGIN 8                         /* columns: "  123 | " */
#define CUT "..."
#define SENTENCE_CHARS_MAX 500

/* Text from files and callers: nothing a terminal would obey, and not without end. */
static void put_sentence(struct rop_text *out, const char *s)
{
	size_t n = strlen(s), chars = 0;
	while (n > 0) {
		uint32_t c;
		size_t size = rop_char(s, n, &c);
		if (chars++ == SENTENCE_CHARS_MAX) {
			rop_text_add(out, "...");
			return;
		}
		if (c == ROP_NOT_A_CHAR)
			rop_text_add(out, "\\x%02x", (unsigned)(unsigned char)*s);
		else if (rop_char_hidden(c))
			rop_text_add(out, c < 0x100 ? "\\x%02x" : "\\u%04x", (unsigned)c);
		else
			rop_text_put(out, s, size);
		s += size;
		n -= size;
	}
}

/* The bytes of a line (from 1) without its end; NULL when the text has no such line. */
static const char *find_line(const struct rop_doc *doc, int line, size_t *ret_n)
{
	if (!doc || !doc->source || line < 1)
		return NULL;
	const char *at = doc->source, *end = doc->source + doc->source_n;
	for (int i = 1; i < line; i++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		if (!newline)
			return NULL;
		at = newline + 1;
	}
	const char *newline = memchr(at, '\n', (size_t)(end - at));
	size_t n = (size_t)((newline ? newline : end) - at);
	*ret_n = n > 0 && at[n - 1] == '\r' ? n - 1 : n;
	return at;
}

static bool word_is_secret(const char *word, size_t n)
{
	static const char *const SECRETS[] = { "pass",        "secret",     "token",      "masterauth",
					       "primaryauth", "masteruser", "primaryuser" };
	if (n >= 4 && strncasecmp(word + n - 4, "file", 4) == 0)
		return false; /* passwordFile: a path */
	for (size_t i = 0; i < sizeof SECRETS / sizeof *SECRETS; i++)
		for (size_t k = 0, m = strlen(SECRETS[i]); k + m <= n; k++)
			if (strncasecmp(word + k, SECRETS[i], m) == 0)
				return true;
	return false;
}

/* Where the value of something like `requirepass: ...` begins: a secret in a refused file must not reach a log.
 * All the rest of the line counts as the value. n: there is none. */
static size_t secret_from(const char *line, size_t n)
{
	for (size_t i = 0; i < n;) {
		size_t start = i;
		while (i < n && (isalnum((unsigned char)line[i]) || line[i] == '-' || line[i] == '_'))
			i++;
		if (i == start) {
			i++;
			continue;
		}
		size_t colon = i;
		while (colon < n && strchr("\"' \t", line[colon]))
			colon++;
		if (colon < n && line[colon] == ':' && word_is_secret(line + start, i - start))
			return colon + 1;
	}
	return n;
}

/* One source line seen through a window of columns, and where the carets go below it. */
struct view {
	size_t from, to;      /* the window, in columns of the whole line */
	size_t caret, carets; /* columns before the carets within the window; how many */
};

struct cell {
	size_t size; /* bytes */
	int width;
	char instead; /* shown instead of the bytes when not 0 */
};

static struct cell cell_at(const char *line, size_t n, size_t at, size_t secret)
{
	uint32_t c;
	struct cell cell = { .size = rop_char(line + at, n - at, &c), .width = 1 };
	if (at >= secret && c != ' ' && c != '\t')
		cell.instead = '*';
	else if (c == '\t')
		cell.instead = ' ';
	else if (rop_char_hidden(c))
		cell.instead = '?';
	else
		cell.width = config_char_width(c);
	return cell;
}

/* Of a terminal of so many columns (0: of none), those for a source line. */
static size_t room_for_line(size_t columns)
{
	size_t around = MARGIN + 2 * strlen(CUT);
	return columns > 2 * around && columns - around < LINE_COLUMNS_MAX ? columns - around : LINE_COLUMNS_MAX;
}

static struct view measure(const char *line, size_t n, size_t secret, const struct rop_diag *diag, size_t most)
{
	size_t column = 0, mark = 0, marked = 0;
	int nth = 1; /* character, from 1 */
	for (size_t at = 0; at < n; nth++) {
		struct cell cell = cell_at(line, n, at, secret);
		if (nth < diag->mark.column)
			mark += (size_t)cell.width;
		else if (nth - diag->mark.column < diag->length)
			marked += (size_t)cell.width;
		column += (size_t)cell.width;
		at += cell.size;
		if (nth - diag->mark.column >= diag->length && column > mark + most)
			break; /* what follows is out of view */
	}
	struct view view = { .to = column };
	if (column > most) {
		view.from = mark > BEFORE_MARK(most) ? mark - BEFORE_MARK(most) : 0;
		view.to = view.from + most;
	}
	view.caret = mark - view.from;
	view.carets = marked > 0 ? marked : 1;
	if (view.to > mark && view.carets > view.to - mark)
		view.carets = view.to - mark;
	return view;
}

static void put_in_lines(struct rop_text *out, const struct rop_text *text, size_t indent, size_t columns)
{
	if (columns)
		rop_text_wrap(out, text->at, indent, columns);
	else
		rop_text_put(out, text->at, text->n);
}

/* Beside the carets, which end in column `used`; or below them, where that is too wide. */
static void put_hint(struct rop_text *out, const char *hint, size_t used, size_t columns)
{
	ROP_OWN_TEXT text = { 0 };
	put_sentence(&text, hint);
	bool beside = !columns || used + 1 + text.n <= columns;
	rop_text_add(out, beside ? " " : "\n      | ");
	if (beside)
		rop_text_put(out, text.at, text.n);
	else
		put_in_lines(out, &text, MARGIN, columns);
}

static void put_source(struct rop_text *out, const char *line, size_t n, const struct rop_diag *diag, size_t columns)
{
	size_t secret = secret_from(line, n), column = 0;
	struct view view = measure(line, n, secret, diag, room_for_line(columns));
	const char *cut = view.from > 0 ? CUT : "";
	rop_text_add(out, "%5d | %s", diag->mark.line, cut);
	for (size_t at = 0; at < n && column < view.to;) {
		struct cell cell = cell_at(line, n, at, secret);
		if (column >= view.from) {
			if (cell.instead)
				rop_text_put(out, &cell.instead, 1);
			else
				rop_text_put(out, line + at, cell.size);
		}
		column += (size_t)cell.width;
		at += cell.size;
		if (column >= view.to && at < n)
			rop_text_add(out, CUT);
	}
	rop_text_add(out, "\n      | %*s", (int)(view.caret + strlen(cut)), "");
	for (size_t i = 0; i < view.carets; i++)
		rop_text_put(out, "^", 1);
	if (diag->hint)
		put_hint(out, diag->hint, MARGIN + strlen(cut) + view.caret + view.carets, columns);
	rop_text_put(out, "\n", 1);
}

static void put_place(struct rop_text *out, const struct rop_diag *diag)
{
	if (diag->doc && diag->doc->path)
		put_sentence(out, diag->doc->path);
	if (diag->mark.line > 0)
		rop_text_add(out, ":%d:%d", diag->mark.line, diag->mark.column);
	rop_text_add(out, ": ");
}

static void put_hint_in_line(struct rop_text *out, const struct rop_diag *diag)
{
	if (!diag->hint)
		return;
	rop_text_add(out, " (");
	put_sentence(out, diag->hint);
	rop_text_add(out, ")");
}

static void put_more(struct rop_text *out, size_t n, const char *what)
{
	if (n > 0)
		rop_text_add(out, "... and %zu more %s%s\n", n, what, rop_plural((int64_t)n));
}

void rop_diags_print_in(struct rop_diags *diags, size_t columns, struct rop_text *out)
{
	struct config_utf8 utf8 = config_utf8_begin();
	size_t errors = 0;
	for (size_t i = 0; i < diags->list.n; i++) { /* rop_diag_at() keeps them in order */
		const struct rop_diag *diag = &diags->list.at[i];
		ROP_OWN_TEXT sentence = { 0 };
		errors += !diag->warning;
		put_place(&sentence, diag);
		rop_text_add(&sentence, "%s: ", diag->warning ? "warning" : "error");
		put_sentence(&sentence, diag->message);
		size_t n = 0;
		const char *line = find_line(diag->doc, diag->mark.line, &n);
		if (!line)
			put_hint_in_line(&sentence, diag);
		put_in_lines(out, &sentence, 2, columns);
		rop_text_put(out, "\n", 1);
		if (line)
			put_source(out, line, n, diag, columns);
	}
	config_utf8_end(&utf8);
	put_more(out, diags->errors - errors, "error");
	put_more(out, diags->warnings - (diags->list.n - errors), "warning");
}

void rop_diags_print(struct rop_diags *diags, struct rop_text *out)
{
	rop_diags_print_in(diags, 0, out);
}

bool rop_diags_fail(const struct rop_diags *diags, struct rop_err *err)
{
	for (size_t i = 0; i < diags->list.n; i++) {
		const struct rop_diag *diag = &diags->list.at[i];
		if (diag->warning)
			continue;
		ROP_OWN_TEXT text = { 0 };
		put_place(&text, diag);
		put_sentence(&text, diag->message);
		put_hint_in_line(&text, diag);
		return rop_fail(err, ROP_INVALID, "%s", text.at);
	}
	return true; /* nothing to fail with */
}
