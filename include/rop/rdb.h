/* rdb.h - RDB snapshots, record by record: where each begins and ends, and never what a value says. Pure.
 *
 * Shapes: rdb.c and rdb.h of the servers' sources, up to what Redis 8.0 (version 12) and Valkey 9.1 (version 80) write.
 * What is not known is refused with a sentence, for nothing after it could be told apart. Memory: the input's bytes at
 * hand, and one value where values are kept; a length is believed only as far as its bytes have come.
 */
#ifndef ROP_RDB_H
#define ROP_RDB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"

/* The longest string, key or function that is believed: servers take 512 MB. */
#define ROP_RDB_STRING_MAX ((uint64_t)4 << 30)
/* What one RESTORE may carry (proto-max-bulk-len); a longer value is told, and not kept. */
#define ROP_RDB_KEPT_MAX ((uint64_t)512 << 20)

/* Where the bytes come from. */
struct rop_rdb_input {
	/* The next ones: at least one, which stay until the next call; 0: there are no more. Negative: they cannot be
	 * had, err says why. */
	ptrdiff_t (*more)(void *arg, const uint8_t **ret_at, struct rop_err *err);
	void *arg;
};

enum rop_rdb_kind {
	ROP_RDB_KEY,
	ROP_RDB_FUNCTION,   /* a library: name is its code, value what FUNCTION RESTORE takes */
	ROP_RDB_AUX,        /* name and value, as text */
	ROP_RDB_MODULE_AUX, /* what a module keeps besides its keys; passed over */
	ROP_RDB_END,        /* its checksum was right */
};

struct rop_rdb_record { /* stays until the next one is read */
	enum rop_rdb_kind kind;
	int64_t database;
	uint8_t type;        /* of a key: RDB_TYPE_... of the servers */
	const uint8_t *name; /* of a key: any bytes */
	size_t name_n;
	/* As DUMP gives it and RESTORE takes it: type, value, version, CRC64. NULL: values are not kept, or it is
	 * longer than ROP_RDB_KEPT_MAX. value_n tells its length in each case. Of AUX: its text. */
	const uint8_t *value;
	uint64_t value_n;
	int64_t expires_ms; /* since 1970; -1: never */
	int64_t idle_s;     /* since it was last used (LRU); -1: not told */
	int frequency;      /* of use (LFU), 0 to 255; -1: not told */
};

struct rop_rdb;
struct rop_rdb *rop_rdb_new(const struct rop_rdb_input *input, bool keep_values);
void rop_rdb_free(struct rop_rdb *rdb); /* NULL is fine */

/* The next record. After ROP_RDB_END there is none, and no byte of the input was asked for that is not of the snapshot.
 * false: it is cut short, damaged, or of a kind that is not known: byte and reason named. */
bool rop_rdb_next(struct rop_rdb *rdb, struct rop_rdb_record *ret_record, struct rop_err *err);

/* After the first record. */
int rop_rdb_version(const struct rop_rdb *rdb);
bool rop_rdb_is_valkey(const struct rop_rdb *rdb); /* by its first bytes: versions count apart from Redis' */
bool rop_rdb_has_checksum(
	const struct rop_rdb *rdb); /* after the end: false where the server wrote none (rdbchecksum no) */
uint64_t rop_rdb_bytes(const struct rop_rdb *rdb); /* read of it so far */

/* Two values as DUMP gave them on servers of one version: the same? Also where a hash table's elements stand in
 * another order. */
bool rop_rdb_alike(const void *one, size_t one_n, const void *other, size_t other_n, bool valkey);

/* CRC-64/Jones as the servers have it (crc64.c). The tables are made anew: 16 KiB of the caller's. */
struct rop_crc64 {
	uint64_t table[8][256];
};
void rop_crc64_init(struct rop_crc64 *crc);
uint64_t rop_crc64_add(const struct rop_crc64 *crc, uint64_t sum, const void *bytes, size_t n); /* sum begins with 0 */

#endif
