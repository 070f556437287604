/* wire.h - commands as the protocol writes them. */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

#include "rop/mem.h"

/* Appends one command. */
void wire_put(struct rop_text *wire, size_t argc, const char *const *argv);

#endif
