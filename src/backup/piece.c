/* piece.c - keys that were sent to one server together. */
#include "piece.h"

#include <stdlib.h>

#include "rop/text.h"

#define NAME_SHOWN 80
#define BYTES_KEPT ((size_t)1 << 20)

void piece_add(struct piece *piece, const struct rop_rdb_record *record, bool values)
{
	if (piece->n == piece->cap) {
		piece->cap = piece->cap * 2 + 64;
		piece->at = rop_realloc(piece->at, piece->cap * sizeof *piece->at);
	}
	struct piece_key *key = &piece->at[piece->n++];
	*key = (struct piece_key){ .name_at = piece->bytes.n,
				   .name_n = record->name_n,
				   .value_at = piece->bytes.n + record->name_n,
				   .value_n = values ? (size_t)record->value_n : 0,
				   .expires_ms = record->expires_ms };
	rop_text_put(&piece->bytes, (const char *)record->name, record->name_n);
	if (values)
		rop_text_put(&piece->bytes, (const char *)record->value, (size_t)record->value_n);
}

const char *piece_name(const struct piece *piece, size_t i)
{
	return piece->bytes.at + piece->at[i].name_at;
}

const char *piece_value(const struct piece *piece, size_t i)
{
	return piece->bytes.at + piece->at[i].value_at;
}

const char *piece_visible(struct rop_arena *arena, const struct piece *piece, size_t i)
{
	return rop_text_visible(arena, piece_name(piece, i), piece->at[i].name_n, NAME_SHOWN);
}

void piece_clear(struct piece *piece)
{
	piece->n = piece->there = piece->bytes.n = 0;
	if (piece->bytes.cap > BYTES_KEPT)
		rop_text_done(&piece->bytes);
}

void piece_done(struct piece *piece)
{
	rop_text_done(&piece->bytes);
	free(piece->at);
	*piece = (struct piece){ 0 };
}
