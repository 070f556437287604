/* diagnostics_json.c - what is wrong with a file, for programs. format_version 1.0: minor adds, major breaks. */
#include <jansson.h>

#include "shared.h"

json_t *rop_report_diagnostics_json(const char *path, bool valid, const struct rop_diags *diags)
{
	json_t *list = json_array();
	for (size_t i = 0; i < diags->list.n; i++) {
		const struct rop_diag *d = &diags->list.at[i];
		json_array_append_new(list, rop_json("{s:i, s:i, s:s, s:s, s:o}", "line", d->mark.line, "column",
						     d->mark.column, "severity", d->warning ? "warning" : "error",
						     "message", d->message, "hint", rop_json_text(d->hint)));
	}
	return rop_json("{s:s, s:b, s:o}", "path", path, "valid", valid, "diagnostics", list);
}
