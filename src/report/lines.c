/* lines.c - lines that fit a terminal, where a text is for one; else each is as long as it is. */
#include <string.h>

#include "rop/text.h"
#include "shared.h"

#define GAP "   "
#define NARROW 60 /* less does not hold a column of text beside another one */

static size_t width_of(const struct rop_report *r)
{
	return r->columns > 20 ? r->columns : 20;
}

bool report_fits(const struct rop_report *r, size_t width)
{
	return !r->columns || width <= width_of(r);
}

bool report_is_narrow(const struct rop_report *r)
{
	return r->columns && r->columns < NARROW;
}

void report_wrap(const struct rop_report *r, const char *text, size_t indent, struct rop_text *out)
{
	if (!r->columns)
		rop_text_add(out, "%s", text);
	else
		rop_text_wrap(out, text, indent, width_of(r));
}

void report_below(const struct rop_report *r, const char *text, size_t column, struct rop_text *out)
{
	if (report_is_narrow(r)) {
		column = 4;
		while (out->n && out->at[out->n - 1] == ' ')
			out->n--;
		rop_text_add(out, "\n%*s", (int)column, "");
	}
	report_wrap(r, text, column, out);
}

void report_parts(const struct rop_report *r, const struct report_part *parts, size_t n, struct rop_text *out)
{
	size_t used = 0;
	for (size_t i = 0; i < n; i++) {
		size_t wide = strlen(parts[i].text);
		bool here = !i || report_fits(r, used + strlen(GAP) + wide);
		if (i)
			rop_text_add(out, here ? GAP : "\n  ");
		if (i && here)
			used += strlen(GAP) + wide;
		else
			used = here ? wide : wide + 2;
		rop_text_add(out, "%s%s%s%s", parts[i].before ? parts[i].before : "",
			     parts[i].color ? report_paint(r, parts[i].color) : "", parts[i].text,
			     parts[i].color ? report_paint(r, "off") : "");
		used += parts[i].before ? strlen(parts[i].before) : 0;
	}
	rop_text_add(out, "\n");
}
