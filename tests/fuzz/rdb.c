/* rdb.c - fuzz target: an RDB snapshot from anywhere, through the reader of records, in pieces. The first byte says how
 * large these are. What is given out must be what a server would take. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "rop/rdb.h"

struct pieces {
	const uint8_t *at;
	size_t n, size;
};

static ptrdiff_t more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	struct pieces *p = arg;
	size_t n = p->n < p->size ? p->n : p->size;
	(void)err;
	*ret_at = p->at;
	p->at += n;
	p->n -= n;
	return (ptrdiff_t)n;
}

static void must(bool so, const char *what)
{
	if (so)
		return;
	fprintf(stderr, "fuzz: not so: %s\n", what);
	abort();
}

static void look_at(const struct rop_rdb_record *record, const struct rop_crc64 *crc, bool kept)
{
	uint64_t sum = 0;
	must(record->name != NULL || record->kind == ROP_RDB_MODULE_AUX || record->kind == ROP_RDB_END,
	     "it has a name");
	if (record->kind != ROP_RDB_KEY && record->kind != ROP_RDB_FUNCTION)
		return;
	must(record->value_n > 10, "a value has a type and a foot");
	must((record->value != NULL) == kept, "values are kept where they are asked for");
	must(record->frequency <= 255 && record->database >= 0, "numbers are");
	if (!kept)
		return;
	for (int i = 7; i >= 0; i--)
		sum = sum << 8 | record->value[record->value_n - 8 + (uint64_t)i];
	must(sum == rop_crc64_add(crc, 0, record->value, record->value_n - 8), "its checksum is right");
}

static uint64_t read_all(const uint8_t *data, size_t n, size_t size, bool keep, bool *ret_whole)
{
	struct pieces pieces = { data, n, size };
	struct rop_rdb *rdb = rop_rdb_new(&(struct rop_rdb_input){ .more = more, .arg = &pieces }, keep);
	struct rop_rdb_record record = { 0 };
	struct rop_err err = { 0 };
	struct rop_crc64 crc;
	uint64_t records = 0;
	rop_crc64_init(&crc);
	*ret_whole = false;
	while (!*ret_whole && rop_rdb_next(rdb, &record, &err)) {
		look_at(&record, &crc, keep);
		*ret_whole = record.kind == ROP_RDB_END;
		records++;
	}
	must(*ret_whole || err.text[0], "why not is said");
	must(rop_rdb_bytes(rdb) <= n, "no more is read than there is");
	rop_rdb_free(rdb);
	return records;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool whole, also;
	if (size < 1)
		return 0;
	uint64_t records = read_all(data + 1, size - 1, (size_t)data[0] + 1, true, &whole);
	must(records == read_all(data + 1, size - 1, size, false, &also) && whole == also,
	     "pieces and kept values change nothing of what is there");
	return 0;
}
