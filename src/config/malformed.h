/* malformed.h - inside config/: from libyaml's account of malformed YAML to a diagnostic. */
#ifndef CONFIG_MALFORMED_H
#define CONFIG_MALFORMED_H

#include "rop/doc.h"

struct config_malformed {
	const char *problem; /* libyaml's words */
	struct rop_mark at;
	struct rop_mark context; /* where the construct began; line 0: not said */
	char character;          /* the byte found at `at`; 0: none */
};

void config_malformed(struct rop_diags *diags, const struct rop_doc *doc, const struct config_malformed *what);

#endif
