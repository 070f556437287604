/* records.c - a snapshot from its first bytes to its checksum: which record comes next. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "boundaries.h"
#include "input.h"
#include "rop/mem.h"

#define MAGIC_BYTES 9 /* REDIS0011, VALKEY080 */
#define NEWEST_REDIS 12
#define NEWEST_VALKEY 80
#define OLDEST_WITH_CHECKSUM 5

enum opcode { /* RDB_OPCODE_... */
	      OPCODE_SLOT_IMPORT = 243,
	      OPCODE_SLOT_INFO,
	      OPCODE_FUNCTION,
	      OPCODE_FUNCTION_PRE_GA,
	      OPCODE_MODULE_AUX,
	      OPCODE_IDLE,
	      OPCODE_FREQUENCY,
	      OPCODE_AUX,
	      OPCODE_RESIZE,
	      OPCODE_EXPIRES_MS,
	      OPCODE_EXPIRES_S,
	      OPCODE_DATABASE,
	      OPCODE_END,
};

struct rop_rdb {
	struct input in;
	struct bytes name, text;
	int version;
	bool valkey, begun, ended, has_checksum;
	uint64_t database;
};

struct rop_rdb *rop_rdb_new(const struct rop_rdb_input *input, bool keep_values)
{
	struct rop_rdb *rdb = rop_malloc(sizeof *rdb);
	*rdb = (struct rop_rdb){ .in = { .from = *input, .keep = keep_values } };
	rop_crc64_init(&rdb->in.crc);
	return rdb;
}

void rop_rdb_free(struct rop_rdb *rdb)
{
	if (!rdb)
		return;
	free(rdb->in.value.at);
	free(rdb->name.at);
	free(rdb->text.at);
	free(rdb);
}

int rop_rdb_version(const struct rop_rdb *rdb)
{
	return rdb->version;
}

bool rop_rdb_is_valkey(const struct rop_rdb *rdb)
{
	return rdb->valkey;
}

bool rop_rdb_has_checksum(const struct rop_rdb *rdb)
{
	return rdb->has_checksum;
}

uint64_t rop_rdb_bytes(const struct rop_rdb *rdb)
{
	return input_offset(&rdb->in);
}

/* ---- its two ends ----------------------------------------------------------------------------------------------- */

static bool begin(struct rop_rdb *rdb)
{
	char magic[MAGIC_BYTES + 1] = "";
	int64_t version = 0;
	if (!input_take(&rdb->in, magic, MAGIC_BYTES))
		return false;
	rdb->valkey = memcmp(magic, "VALKEY", 6) == 0;
	if (!rdb->valkey && memcmp(magic, "REDIS", 5) != 0)
		return input_damaged(&rdb->in, "it does not begin as an RDB snapshot does");
	for (const char *digit = magic + (rdb->valkey ? 6 : 5); *digit; digit++) {
		if (*digit < '0' || *digit > '9')
			return input_damaged(&rdb->in, "its version is no number");
		version = version * 10 + (*digit - '0');
	}
	int newest = rdb->valkey ? NEWEST_VALKEY : NEWEST_REDIS;
	if (version < 1 || version > newest)
		return input_damaged(&rdb->in, "RDB version %d of %s; this program knows them up to %d", (int)version,
				     rdb->valkey ? "Valkey" : "Redis", newest);
	rdb->version = (int)version;
	rdb->begun = true;
	return true;
}

static bool end(struct rop_rdb *rdb)
{
	uint64_t sum = input_sum(&rdb->in), told = 0;
	if (rdb->version >= OLDEST_WITH_CHECKSUM && !input_little(&rdb->in, 8, &told))
		return false;
	rdb->has_checksum = told != 0;
	rdb->ended = true;
	if (told && told != sum)
		return input_damaged(&rdb->in, "its checksum is %016" PRIx64 ", and its bytes make %016" PRIx64, told,
				     sum);
	return true;
}

/* ---- records ---------------------------------------------------------------------------------------------------- */

static void value_begin(struct rop_rdb *rdb, uint8_t first)
{
	struct input *in = &rdb->in;
	in->value.n = 0;
	in->value_n = 1;
	in->in_value = true;
	if (in->keep)
		bytes_put(&in->value, &first, 1);
}

/* What verifyDumpPayload of the servers' cluster.c looks at. */
static void value_end(struct rop_rdb *rdb, struct rop_rdb_record *record)
{
	struct input *in = &rdb->in;
	uint8_t foot[10] = { (uint8_t)(rdb->version & 255), (uint8_t)(rdb->version >> 8) };
	in->in_value = false;
	record->value_n = in->value_n + sizeof foot;
	if (!in->keep || in->value_n > ROP_RDB_KEPT_MAX)
		return;
	uint64_t sum = rop_crc64_add(&in->crc, 0, in->value.at, in->value.n);
	sum = rop_crc64_add(&in->crc, sum, foot, 2);
	for (int i = 0; i < 8; i++)
		foot[2 + i] = (uint8_t)(sum >> (8 * i));
	bytes_put(&in->value, foot, sizeof foot);
	record->value = in->value.at;
}

static void name_is(struct rop_rdb_record *record, const struct bytes *name)
{
	record->name = name->at ? name->at : (const uint8_t *)"";
	record->name_n = name->n;
}

static bool key(struct rop_rdb *rdb, uint8_t type, struct rop_rdb_record *record)
{
	record->kind = ROP_RDB_KEY;
	record->type = type;
	record->database = (int64_t)rdb->database;
	if (!input_string(&rdb->in, &rdb->name))
		return false;
	name_is(record, &rdb->name);
	value_begin(rdb, type);
	if (!boundary_value(&rdb->in, type, rdb->valkey))
		return false;
	value_end(rdb, record);
	return true;
}

static bool function(struct rop_rdb *rdb, struct rop_rdb_record *record)
{
	record->kind = ROP_RDB_FUNCTION;
	value_begin(rdb, OPCODE_FUNCTION);
	if (!input_string(&rdb->in, &rdb->name))
		return false;
	value_end(rdb, record);
	name_is(record, &rdb->name);
	return true;
}

static bool aux(struct rop_rdb *rdb, struct rop_rdb_record *record)
{
	record->kind = ROP_RDB_AUX;
	if (!input_string(&rdb->in, &rdb->name) || !input_string(&rdb->in, &rdb->text))
		return false;
	name_is(record, &rdb->name);
	record->value = rdb->text.at ? rdb->text.at : (const uint8_t *)"";
	record->value_n = rdb->text.n;
	return true;
}

static bool module_aux(struct rop_rdb *rdb, struct rop_rdb_record *record)
{
	uint64_t id, part, when;
	record->kind = ROP_RDB_MODULE_AUX;
	return input_length(&rdb->in, &id) && input_length(&rdb->in, &part) && input_length(&rdb->in, &when) &&
	       boundary_module(&rdb->in);
}

static bool database(struct rop_rdb *rdb)
{
	if (!input_length(&rdb->in, &rdb->database))
		return false;
	return rdb->database <= INT32_MAX || input_damaged(&rdb->in, "database %" PRIu64, rdb->database);
}

/* Sizes, for whoever builds tables. */
static bool sizes(struct rop_rdb *rdb, int n)
{
	uint64_t size;
	for (; n; n--)
		if (!input_length(&rdb->in, &size))
			return false;
	return true;
}

/* Slots that were on their way to the node: its keys of them belong to another shard. */
static bool slot_import(struct rop_rdb *rdb)
{
	uint64_t ranges;
	if (!input_string_pass(&rdb->in) || !input_length(&rdb->in, &ranges))
		return false;
	for (; ranges; ranges--)
		if (!sizes(rdb, 2))
			return false;
	return true;
}

static bool expires(struct rop_rdb *rdb, size_t bytes, int64_t unit_ms, struct rop_rdb_record *record)
{
	uint64_t raw;
	if (!input_little(&rdb->in, bytes, &raw))
		return false;
	if (raw > INT64_MAX / 1000)
		return input_damaged(&rdb->in, "an expiry at %" PRIu64, raw);
	record->expires_ms = (int64_t)raw * unit_ms;
	return true;
}

static bool idle(struct rop_rdb *rdb, struct rop_rdb_record *record)
{
	uint64_t seconds;
	if (!input_length(&rdb->in, &seconds))
		return false;
	if (seconds > INT64_MAX)
		return input_damaged(&rdb->in, "idle for %" PRIu64 " seconds", seconds);
	record->idle_s = (int64_t)seconds;
	return true;
}

static bool frequency(struct rop_rdb *rdb, struct rop_rdb_record *record)
{
	uint8_t told;
	if (!input_byte(&rdb->in, &told))
		return false;
	record->frequency = told;
	return true;
}

/* *ret_whole: it is one that is told; else it only says something of what follows. */
static bool part(struct rop_rdb *rdb, uint8_t opcode, struct rop_rdb_record *record, bool *ret_whole)
{
	*ret_whole = false;
	switch (opcode) {
	case OPCODE_EXPIRES_MS: return expires(rdb, 8, 1, record);
	case OPCODE_EXPIRES_S: return expires(rdb, 4, 1000, record);
	case OPCODE_IDLE: return idle(rdb, record);
	case OPCODE_FREQUENCY: return frequency(rdb, record);
	case OPCODE_DATABASE: return database(rdb);
	case OPCODE_RESIZE: return sizes(rdb, 2);
	case OPCODE_SLOT_INFO: return sizes(rdb, 3);
	case OPCODE_SLOT_IMPORT: return slot_import(rdb);
	case OPCODE_FUNCTION_PRE_GA:
		return input_damaged(&rdb->in, "a function as the release candidates of Redis 7.0 wrote it");
	default: break;
	}
	*ret_whole = true;
	switch (opcode) {
	case OPCODE_AUX: return aux(rdb, record);
	case OPCODE_FUNCTION: return function(rdb, record);
	case OPCODE_MODULE_AUX: return module_aux(rdb, record);
	case OPCODE_END: record->kind = ROP_RDB_END; return end(rdb);
	default: return key(rdb, opcode, record);
	}
}

bool rop_rdb_next(struct rop_rdb *rdb, struct rop_rdb_record *ret_record, struct rop_err *err)
{
	struct rop_err own = { 0 };
	struct rop_rdb_record record = { .expires_ms = -1, .idle_s = -1, .frequency = -1 };
	rdb->in.err = err ? err : &own;
	rdb->in.in_value = false;
	if (rdb->ended)
		return rop_fail(err, ROP_INTERNAL, "the snapshot has ended");
	if (!rdb->begun && !begin(rdb))
		return false;
	for (bool whole = false; !whole;) {
		uint8_t opcode;
		if (!input_byte(&rdb->in, &opcode) || !part(rdb, opcode, &record, &whole))
			return false;
	}
	*ret_record = record;
	return true;
}
