/* keys.h - the keys that are written, and who may write which. */
#ifndef LEDGER_KEYS_H
#define LEDGER_KEYS_H

#include "journal.h"
#include "slots.h"

enum { KEY_SIZE = 64 };

struct key {
	char name[KEY_SIZE];
	unsigned slot;
	unsigned generation; /* of a register: see keys_retire */
	size_t number;
	bool hot;
};

struct keys {
	char run[RUN_SIZE];
	size_t n; /* of each kind; key i belongs to worker i modulo workers, where one owns it */
	size_t workers;
	struct slot_set hot;
	uint32_t tags[SLOTS];
	struct key *lists, *shared, *registers, *pairs;
	uint64_t seed;
};

/* At least `wanted` of each kind. Where there are hot slots, four of five keys are in them. */
void keys_init(struct keys *keys, const char *run, size_t wanted, size_t workers, const struct slot_set *hot,
	       uint64_t seed);
void keys_done(struct keys *keys);

/* One for this kind of write by this worker; a key that is written only once is made in `once`. */
struct key *keys_draw(struct keys *keys, enum kind kind, uint32_t worker, uint64_t number, uint64_t *seed,
		      struct key *once);

/* A write to the register may still come into effect, later than the next one: it is left as it is, for another key. */
void keys_retire(struct keys *keys, struct key *key);

#endif
