/* functions.h - of this folder: function libraries go before slots. */
#ifndef ROP_POLICY_FUNCTIONS_H
#define ROP_POLICY_FUNCTIONS_H

#include "policy.h"

/* Clients that call functions of `source` would not find them on `target`; or nobody knows. */
bool policy_lacks_functions(const struct rop_situation *now, size_t target, size_t source);
/* Why they cannot be given to it, in a sentence; NULL: they can. */
const char *policy_functions_clash(const struct rop_situation *now, size_t target, size_t source);
/* Slots are to go where their functions cannot: a finding. */
void policy_find_functions_apart(struct rop_situation *now);

#endif
