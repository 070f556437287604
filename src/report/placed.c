/* placed.c - shards that had better be led by another node: which, by whom, and the command for it. */
#include "rop/text.h"
#include "shared.h"

void report_misplaced(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	bool told = false;
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		if (w->is != ROP_WHY_MISPLACED)
			continue;
		rop_text_add(out, "%s", told ? "" : "\nPlacement\n");
		told = true;
		report_wrap(r, w->text, 0, out);
		rop_text_add(out, "\n");
		if (w->advice)
			rop_text_add(out, "  -> %s\n", w->advice);
	}
}
