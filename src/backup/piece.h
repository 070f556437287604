/* piece.h - of this folder: keys that were sent to one server together, for when it says that one is there already. */
#ifndef BACKUP_PIECE_H
#define BACKUP_PIECE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/mem.h"
#include "rop/rdb.h"

struct piece_key {
	size_t name_at, name_n, value_at, value_n; /* in the bytes */
	int64_t expires_ms;
	bool there; /* already */
};
struct piece { /* { 0 }: an empty one */
	struct rop_text bytes;
	struct piece_key *at;
	size_t n, cap, there;
};
void piece_add(struct piece *piece, const struct rop_rdb_record *record, bool values);
const char *piece_name(const struct piece *piece, size_t i);
const char *piece_value(const struct piece *piece, size_t i);
const char *piece_visible(struct rop_arena *arena, const struct piece *piece, size_t i);
void piece_clear(struct piece *piece); /* its memory stays for the next one, where it is not much */
void piece_done(struct piece *piece);

#endif
