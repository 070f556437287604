/* file_report.c - a topology file: what it describes where it is right, and what is wrong with it. */
#include <jansson.h>

#include "rop/text.h"
#include "shared.h"

void rop_report_valid(const char *path, const struct rop_topology *t, struct rop_text *out)
{
	rop_text_add(out, "%s: ok, cluster '%s': %d shard%s, ", path, t->name, t->shards, rop_plural(t->shards));
	if (t->discovery_dns)
		rop_text_add(out, "nodes discovered as %s\n", t->discovery_dns);
	else
		rop_text_add(out, "%zu node%s\n", t->nodes.n, rop_plural((int64_t)t->nodes.n));
}

json_t *rop_report_diagnostics_json(const char *path, bool valid, const struct rop_diags *diags)
{
	json_t *list = json_array();
	for (size_t i = 0; i < diags->list.n; i++) {
		const struct rop_diag *d = &diags->list.at[i];
		json_array_append_new(list, rop_json("{s:i, s:i, s:s, s:s, s:o}", "line", d->mark.line, "column",
						     d->mark.column, "severity", d->warning ? "warning" : "error",
						     "message", d->message, "hint", rop_json_text(d->hint)));
	}
	return rop_json("{s:s, s:b, s:I, s:I, s:o}", "path", path, "valid", valid, "errors", (json_int_t)diags->errors,
			"warnings", (json_int_t)diags->warnings, "diagnostics", list);
}
