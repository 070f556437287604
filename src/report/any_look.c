/* any_look.c - what is told to everybody who looks, whatever else is asked. */
#include "rop/text.h"
#include "shared.h"

bool report_is_of_any_look(const struct rop_finding *warning)
{
	enum rop_reason_kind kind = rop_reason_kind(warning->is);
	return kind == ROP_REASON_SECOND || kind == ROP_REASON_SETTING || warning->is == ROP_WHY_UNLIKE_SERVERS;
}

void rop_report_second(const struct rop_situation *now, struct rop_text *out)
{
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		if (report_is_of_any_look(w))
			rop_text_add(out, "warning: %s\n  -> %s\n", w->text, w->advice);
	}
}
