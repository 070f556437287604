/* slots.h - which of the 16384 slots a key is in (Redis Cluster specification, "Key distribution model"), sets of
 * slots. */
#ifndef LEDGER_SLOTS_H
#define LEDGER_SLOTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLOTS = 16384 };

/* CRC16 of the key, or of what stands between its first `{` and the next `}` if that is not empty. */
unsigned slot_of(const char *key, size_t n);

struct slot_set {
	bool has[SLOTS];
	size_t n;
};

/* "0-99,200,300-400", added to the set; false when it is no such text (the set is untouched then). */
bool slot_set_add(struct slot_set *set, const char *text);
/* The k-th of the set, k less than its n. */
unsigned slot_set_at(const struct slot_set *set, size_t k);

/* For each slot a number whose decimal digits, as a hash tag, are in it. */
void slot_tags(uint32_t ret_tags[SLOTS]);

#endif
