/* machine_sound.c - that a machine was checked, and what there is of it. */
#include <jansson.h>

#include "rop/report.h"

void rop_report_machine(const struct rop_machine *machine, size_t cells, struct rop_text *out)
{
	rop_text_add(out,
		     "%s: machine '%s' is sound: %zu states, %zu cells (state x facts), each leads somewhere; digest "
		     "%s\n",
		     machine->path, machine->name, machine->n_states, cells, machine->digest);
}

json_t *rop_report_machine_json(const struct rop_machine *machine, size_t cells)
{
	return rop_json("{s:o, s:s, s:b, s:i, s:I, s:s}", "path", rop_json_text(machine->path), "machine",
			machine->name, "sound", true, "states", (int)machine->n_states, "cells", (json_int_t)cells,
			"digest", machine->digest);
}
