/* boundaries.h - of this folder: where the value of each type ends. */
#ifndef RDB_BOUNDARIES_H
#define RDB_BOUNDARIES_H

#include "input.h"

/* Passes over a value; the type's own byte was read. false: in->err. */
bool boundary_value(struct input *in, uint8_t type, bool valkey);
/* What follows a module's id: parts that each tell their own length. */
bool boundary_module(struct input *in);

#endif
