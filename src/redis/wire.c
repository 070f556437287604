/* wire.c - commands as the protocol writes them: an array of strings, each with its length. */
#include "wire.h"

#include <string.h>

void wire_begin(struct rop_text *wire, size_t argc)
{
	rop_text_add(wire, "*%zu\r\n", argc);
}

void wire_word(struct rop_text *wire, const char *bytes, size_t n)
{
	rop_text_add(wire, "$%zu\r\n", n);
	rop_text_put(wire, bytes, n);
	rop_text_put(wire, "\r\n", 2);
}

void wire_put(struct rop_text *wire, size_t argc, const char *const *argv)
{
	wire_begin(wire, argc);
	for (size_t i = 0; i < argc; i++)
		wire_word(wire, argv[i], strlen(argv[i]));
}
