/* wire.h - commands as the protocol writes them. */
#ifndef REDIS_WIRE_H
#define REDIS_WIRE_H

#include "rop/mem.h"

/* Appends one command. */
void wire_put(struct rop_text *wire, size_t argc, const char *const *argv);
/* The same word by word: so many follow, of any bytes. */
void wire_begin(struct rop_text *wire, size_t argc);
void wire_word(struct rop_text *wire, const char *bytes, size_t n);

#endif
