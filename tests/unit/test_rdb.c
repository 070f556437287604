/* test_rdb.c - RDB snapshots, record by record: those that real servers wrote, and such as nobody should. */
#include <criterion/criterion.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../src/rdb/lzf.h"
#include "rop/mem.h"
#include "rop/observed.h"
#include "rop/rdb.h"

TestSuite(rdb);

#define CORPUS TOP_SRCDIR "/tests/fuzz/corpus/rdb"

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

struct seen {
	int keys, expiring, functions, idle, frequency, databases;
	bool whole;
	unsigned types; /* a bit each */
	struct rop_err err;
};

static struct seen read_all(const void *bytes, size_t n, size_t size)
{
	struct pieces pieces = { bytes, n, size };
	struct rop_rdb *rdb = rop_rdb_new(&(struct rop_rdb_input){ .more = more, .arg = &pieces }, true);
	struct seen seen = { 0 };
	struct rop_rdb_record r = { 0 };
	while (!seen.whole && rop_rdb_next(rdb, &r, &seen.err)) {
		seen.whole = r.kind == ROP_RDB_END;
		seen.functions += r.kind == ROP_RDB_FUNCTION;
		if (r.kind != ROP_RDB_KEY)
			continue;
		seen.keys++;
		seen.expiring += r.expires_ms >= 0;
		seen.idle += r.idle_s >= 0;
		seen.frequency += r.frequency >= 0;
		seen.databases += r.database != 0;
		seen.types |= 1u << r.type;
	}
	rop_rdb_free(rdb);
	return seen;
}

static size_t load(const char *name, uint8_t *bytes, size_t size)
{
	char path[512];
	snprintf(path, sizeof path, CORPUS "/%s", name);
	FILE *file = fopen(path, "rb");
	cr_assert(file, "%s", path);
	fgetc(file); /* the fuzz target's own */
	size_t n = fread(bytes, 1, size, file);
	fclose(file);
	cr_assert(n > 100 && n < size);
	return n;
}

static void for_each_of_servers(void (*look)(const char *name, uint8_t *bytes, size_t n))
{
	static uint8_t bytes[16384];
	DIR *dir = opendir(CORPUS);
	int files = 0;
	cr_assert(dir);
	for (struct dirent *each; (each = readdir(dir));) {
		if (!strstr(each->d_name, "-lru-") && !strstr(each->d_name, "-lfu-"))
			continue;
		files++;
		look(each->d_name, bytes, load(each->d_name, bytes, sizeof bytes));
	}
	closedir(dir);
	cr_assert_geq(files, 8, "of four servers, two each");
}

static void look_is_whole(const char *name, uint8_t *bytes, size_t n)
{
	int keys = atoi(strrchr(name, '-') + 1);
	bool lru = strstr(name, "-lru-"), valkey = strncmp(name, "valkey", 6) == 0;
	for (size_t size = 1; size < 10000; size = size * 3 + 1) {
		struct seen seen = read_all(bytes, n, size);
		cr_assert(seen.whole, "%s: %s", name, seen.err.text);
		cr_assert_eq(seen.keys, keys, "%s", name);
		cr_assert(seen.expiring == 1 && seen.functions == 1 && seen.databases == 1, "%s", name);
		cr_assert_eq(lru ? seen.idle : seen.frequency, keys, "%s", name);
		cr_assert(seen.types & 1 && seen.types & 1u << 18 && seen.types & 1u << 11 && seen.types & 1u << 17,
			  "%s: strings, lists, sets of integers, packed sorted sets", name);
	}
	unsigned types = read_all(bytes, n, n).types;
	if (strstr(name, "redis-8.0"))
		cr_assert(types & 1u << 24 && types & 1u << 25, "fields that expire");
	if (valkey && strstr(name, "9.1"))
		cr_assert(types & 1u << 22, "fields that expire");
}

Test(rdb, what_real_servers_write_is_read_to_its_end_in_pieces_of_any_size)
{
	for_each_of_servers(look_is_whole);
}

static void look_at_every_byte(const char *name, uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		bytes[i] ^= 0x10;
		cr_assert_not(read_all(bytes, n, 512).whole, "%s: byte %zu is another, and nobody noticed", name, i);
		bytes[i] ^= 0x10;
		cr_assert_not(read_all(bytes, i, 512).whole, "%s: cut at byte %zu", name, i);
	}
}

Test(rdb, a_changed_byte_and_a_missing_end_are_always_found)
{
	for_each_of_servers(look_at_every_byte);
}

/* Redis 7.0.15: SET plain value; DUMP plain */
Test(rdb, a_value_is_what_dump_gives)
{
	static const char FILE_[] =
		"REDIS0010\xfe\x00\xfc\x00\x01\x00\x00\x00\x00\x00\x00\x00\x05plain\x05value\xff\0\0\0\0\0\0\0";
	static const char DUMP[] = "\x00\x05value\n\x00\x81\xf6\xc1"
				   "8\xc1\xaa\x9b"
				   "n";
	struct pieces pieces = { (const uint8_t *)FILE_, sizeof FILE_, 4 };
	struct rop_rdb *rdb = rop_rdb_new(&(struct rop_rdb_input){ .more = more, .arg = &pieces }, true);
	struct rop_rdb_record r;
	cr_assert(rop_rdb_next(rdb, &r, NULL));
	cr_assert(r.kind == ROP_RDB_KEY && r.name_n == 5 && memcmp(r.name, "plain", 5) == 0 && r.expires_ms == 256);
	cr_assert(r.value_n == sizeof DUMP - 1 && memcmp(r.value, DUMP, sizeof DUMP - 1) == 0);
	cr_assert(rop_rdb_next(rdb, &r, NULL) && r.kind == ROP_RDB_END);
	cr_assert_not(rop_rdb_has_checksum(rdb), "eight zeros: the server writes none");
	rop_rdb_free(rdb);
}

/* ---- such as nobody should write ------------------------------------------------------------------------------- */

#define HEAD "REDIS0011\xfe\x00"
#define EXPECT_REFUSED(bytes, why) \
	do { \
		struct seen seen_ = read_all(bytes, sizeof bytes - 1, 7); \
		cr_assert_not(seen_.whole); \
		cr_assert(strstr(seen_.err.text, why), "%s", seen_.err.text); \
	} while (0)

Test(rdb, what_is_not_known_is_refused_with_its_place)
{
	EXPECT_REFUSED("", "byte 0: it is cut short");
	EXPECT_REFUSED("HELLO0011.........", "does not begin as an RDB snapshot");
	EXPECT_REFUSED("REDIS00x1.........", "its version is no number");
	EXPECT_REFUSED("REDIS0013.........", "RDB version 13 of Redis; this program knows them up to 12");
	EXPECT_REFUSED("VALKEY081.........", "RDB version 81 of Valkey");
	EXPECT_REFUSED(HEAD "\xf6........", "release candidates");
	EXPECT_REFUSED(HEAD "\x63\x01k.........", "byte 14: a value of the unknown type 99");
	EXPECT_REFUSED(HEAD "\x06\x01k.........", "unknown type 6");
	EXPECT_REFUSED("VALKEY080\x18\x01k......", "unknown type 24");
	EXPECT_REFUSED(HEAD "\x00\x01k\xc7......", "unknown encoding 7");
	EXPECT_REFUSED(HEAD "\x07\x01k\x01\x09......", "unknown part");
}

Test(rdb, absurd_lengths_take_no_memory)
{
	EXPECT_REFUSED(HEAD "\x00\x01k\x81\xff\xff\xff\xff\xff\xff\xff\xff", "a string of 18446744073709551615 bytes");
	EXPECT_REFUSED(HEAD "\x00\x81\x00\x00\x00\x01\x00\x00\x00\x00", "cut short"); /* a name of 4 GiB */
	EXPECT_REFUSED(HEAD "\x00\x01k\x80\xf0\x00\x00\x00......", "cut short");
	EXPECT_REFUSED(HEAD "\x01\x01k\x81\xff\xff\xff\xff\xff\xff\xff\xff\x01.", "cut short"); /* so many elements */
	EXPECT_REFUSED(HEAD "\x00\xc3\x01\x80\x00\x10\x00\x00...", "1 compressed bytes cannot be 1048576");
	EXPECT_REFUSED(HEAD "\x00\x82......", "0x82 is no length");
	EXPECT_REFUSED(HEAD "\xfe\x81\x00\x00\x00\x01\x00\x00\x00\x00......", "database 4294967296");
	EXPECT_REFUSED(HEAD "\xfc\xff\xff\xff\xff\xff\xff\xff\xff......", "an expiry at");
}

/* A module's value tells its parts; nobody here has the module. */
Test(rdb, values_of_modules_and_what_servers_only_count_are_passed_over)
{
	static const char FILE_[] = HEAD "\xfb\x02\x01\xf4\x05\x01\x00"   /* sizes, of a slot too */
					 "\xf7\x05\x02\x01\x05\x02hi\x00" /* what a module keeps besides */
					 "\x07\x01k\x05\x01\x01\x02\x40\x41\x03"
					 "abcd\x04"
					 "abcdefgh\x05\x03xyz\x00"
					 "\x09\x01m\x03zip" /* a map of old */
					 "\x03\x01z\x02\x01"
					 "a\x03"
					 "1.5\x01"
					 "b\xfe"               /* scores as text, inf */
					 "\xff\0\0\0\0\0\0\0"; /* the eighth zero is the text's */
	struct seen seen = read_all(FILE_, sizeof FILE_, 2);
	cr_assert(seen.whole, "%s", seen.err.text);
	cr_assert_eq(seen.keys, 3);
}

Test(rdb, slots_that_were_on_their_way_are_passed_over)
{
	static const char FILE_[] = "VALKEY080\xf3\x04name\x02\x01\x02\x05\x09\xfe\x00\x16\x01h\x01\x01"
				    "f\x01v12345678"
				    "\xff\0\0\0\0\0\0\0";
	struct seen seen = read_all(FILE_, sizeof FILE_, 1);
	cr_assert(seen.whole, "%s", seen.err.text);
	cr_assert_eq(seen.keys, 1);
}

/* ---- its parts --------------------------------------------------------------------------------------------------- */

Test(rdb, crc64_is_the_servers)
{
	struct rop_crc64 crc;
	rop_crc64_init(&crc);
	cr_assert_eq(rop_crc64_add(&crc, 0, "123456789", 9), 0xe9c6d914c4b8d9cau); /* crc64.c of the servers */
	const char *digits = "123456789";
	for (size_t cut = 0; cut <= 9; cut++) {
		uint64_t sum = rop_crc64_add(&crc, 0, digits, cut);
		cr_assert_eq(rop_crc64_add(&crc, sum, digits + cut, 9 - cut), 0xe9c6d914c4b8d9cau);
	}
}

Test(rdb, compressed_strings_expand_to_just_their_length)
{
	uint8_t out[16];
	cr_assert(lzf_expand((const uint8_t *)"\x01"
					      "ab\x80\x01",
			     5, out, 8) &&
		  memcmp(out, "abababab", 8) == 0);
	cr_assert_not(lzf_expand((const uint8_t *)"\x01"
						  "ab\x80\x01",
				 5, out, 7));
	cr_assert_not(lzf_expand((const uint8_t *)"\x01"
						  "ab\x80\x01",
				 5, out, 9));
	cr_assert_not(lzf_expand((const uint8_t *)"\x01"
						  "ab\x80\x02",
				 5, out, 8),
		      "behind its beginning");
	cr_assert_not(lzf_expand((const uint8_t *)"\x05"
						  "ab",
				 3, out, 6),
		      "cut short");
	cr_assert(lzf_expand(NULL, 0, NULL, 0), "nothing is nothing; ASan + UBSan watch");
	cr_assert_not(lzf_expand(NULL, 0, out, 1));
}

Test(rdb, the_slot_of_a_key_is_the_servers)
{
	cr_assert_eq(rop_key_slot("123456789", 9), 0x31c3);
	cr_assert_eq(rop_key_slot("foo", 3), 12182);
	cr_assert_eq(rop_key_slot("", 0), 0);
	cr_assert_eq(rop_key_slot("a{foo}b", 7), 12182);
	cr_assert_eq(rop_key_slot("{foo}{bar}", 10), 12182);
	cr_assert_neq(rop_key_slot("{}foo", 5), 12182, "nothing between them: the whole");
	cr_assert_eq(rop_key_slot("{{foo}}", 7), rop_key_slot("{foo", 4));
}

/* ---- the same value --------------------------------------------------------------------------------------------- */

static bool alike(const char *a, size_t a_n, const char *b, size_t b_n)
{
	return rop_rdb_alike(a, a_n, b, b_n, false);
}
#define FOOT "\x0a\0........"
#define ALIKE(a, b) alike(a FOOT, sizeof(a FOOT) - 1, b FOOT, sizeof(b FOOT) - 1)

Test(rdb, values_of_a_hash_table_are_the_same_in_any_order)
{
	cr_assert(ALIKE("\x02\x03\x01"
			"a\x02"
			"bc\x01"
			"d",
			"\x02\x03\x01"
			"d\x01"
			"a\x02"
			"bc"));
	cr_assert(ALIKE("\x04\x02\x01"
			"a\x01"
			"x\x01"
			"b\x01"
			"y",
			"\x04\x02\x01"
			"b\x01"
			"y\x01"
			"a\x01"
			"x"));
	cr_assert(ALIKE("\x02\x02\xc0\x05\x01"
			"a",
			"\x02\x02\x01"
			"a\xc0\x05"));
}

Test(rdb, other_values_are_told_apart)
{
	cr_assert(!ALIKE("\x02\x02\x01"
			 "a\x01"
			 "b",
			 "\x02\x02\x01"
			 "a\x01"
			 "c"));
	cr_assert(!ALIKE("\x02\x02\x02"
			 "ab\x01"
			 "c",
			 "\x02\x02\x01"
			 "a\x02"
			 "bc"),
		  "parts count with their lengths");
	cr_assert(!ALIKE("\x04\x02\x01"
			 "a\x01"
			 "x\x01"
			 "b\x01"
			 "y",
			 "\x04\x02\x01"
			 "a\x01"
			 "y\x01"
			 "b\x01"
			 "x"),
		  "a value belongs to its field");
	cr_assert(!ALIKE("\x01\x02\x01"
			 "a\x01"
			 "b",
			 "\x01\x02\x01"
			 "b\x01"
			 "a"),
		  "a list has an order");
	cr_assert(!ALIKE("\x02\x02\x01"
			 "a\x01"
			 "b",
			 "\x04\x02\x01"
			 "a\x01"
			 "b"),
		  "types");
	cr_assert(!ALIKE("\x02\x09\x01"
			 "a\x01"
			 "b",
			 "\x02\x09\x01"
			 "b\x01"
			 "a"),
		  "cut short: unknown is not the same");
	cr_assert(!alike("\0", 1, "\0", 1));
}
