/* wire.c - commands as the protocol writes them: an array of strings, each with its length. */
#include "wire.h"

#include <string.h>

void wire_put(struct rop_text *wire, size_t argc, const char *const *argv)
{
	rop_text_add(wire, "*%zu\r\n", argc);
	for (size_t i = 0; i < argc; i++) {
		size_t n = strlen(argv[i]);
		rop_text_add(wire, "$%zu\r\n", n);
		rop_text_put(wire, argv[i], n);
		rop_text_put(wire, "\r\n", 2);
	}
}
