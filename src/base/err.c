/* err.c - errors: made once, wrapped upward. */
#include "rop/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool rop_fail(struct rop_err *err, enum rop_code code, const char *fmt, ...)
{
	if (!err)
		return false;
	va_list ap;
	va_start(ap, fmt);
	char text[sizeof err->text]; /* fmt's arguments may point into err itself */
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	err->code = code;
	memcpy(err->text, text, sizeof text);
	return false;
}

bool rop_wrap(struct rop_err *err, const char *fmt, ...)
{
	if (!err)
		return false;
	char text[sizeof err->text];
	va_list ap;
	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (n >= 0 && n < (int)sizeof text - 3)
		snprintf(text + n, sizeof text - (size_t)n, ": %.*s", (int)sizeof text - n - 3, err->text);
	memcpy(err->text, text, sizeof text);
	return false;
}
