/* same_value.c - are two values the same, as one server dumped them?
 *
 * It writes most values in one way. Not so sets and hashes that are hash tables: their elements stand in the order of
 * their buckets and chains, which is another one after a restart. So these are compared by the sum of their elements'
 * sums.
 */
#include <stdlib.h>
#include <string.h>

#include "input.h"

#define FOOT_BYTES 10 /* version and checksum */
enum { TYPE_SET = 2, TYPE_HASH = 4, TYPE_HASH_VALKEY = 22, TYPE_HASH_LATER = 24 };

struct once {
	const uint8_t *at;
	size_t n;
};

static ptrdiff_t more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	struct once *once = arg;
	size_t n = once->n;
	(void)err;
	*ret_at = once->at;
	once->n = 0;
	return (ptrdiff_t)n;
}

struct form {
	size_t strings, bytes_behind;
	bool begins_with_time, number_in_front;
};

static bool form_of(uint8_t type, bool valkey, struct form *ret)
{
	switch (type) {
	case TYPE_SET: *ret = (struct form){ .strings = 1 }; return true;
	case TYPE_HASH: *ret = (struct form){ .strings = 2 }; return true;
	case TYPE_HASH_VALKEY: *ret = (struct form){ .strings = 2, .bytes_behind = 8 }; return valkey;
	case TYPE_HASH_LATER:
		*ret = (struct form){ .strings = 2, .begins_with_time = true, .number_in_front = true };
		return !valkey;
	default: return false;
	}
}

static void add_number(struct input *in, uint64_t number, uint64_t *sum)
{
	*sum = rop_crc64_add(&in->crc, *sum, &number, sizeof number);
}

/* Each part with its length, so that no two elements are written alike. */
static bool element(struct input *in, const struct form *form, struct bytes *text, uint64_t *ret_sum)
{
	uint64_t sum = 1, number;
	if (form->number_in_front) {
		if (!input_length(in, &number))
			return false;
		add_number(in, number, &sum);
	}
	for (size_t i = 0; i < form->strings; i++) {
		if (!input_string(in, text))
			return false;
		add_number(in, text->n, &sum);
		sum = rop_crc64_add(&in->crc, sum, text->at, text->n);
	}
	if (form->bytes_behind) {
		if (!input_little(in, form->bytes_behind, &number))
			return false;
		add_number(in, number, &sum);
	}
	*ret_sum = sum;
	return true;
}

static bool sum_of(const uint8_t *value, size_t n, const struct form *form, uint64_t *ret_n, uint64_t *ret_sum)
{
	struct rop_err err = { 0 };
	struct once once = { .at = value + 1, .n = n - 1 - FOOT_BYTES };
	struct input *in = calloc(1, sizeof *in);
	struct bytes text = { 0 };
	uint64_t count = 0, sum = 0, one = 0;
	if (!in)
		return false;
	in->from = (struct rop_rdb_input){ .more = more, .arg = &once };
	in->err = &err;
	rop_crc64_init(&in->crc);
	bool fine = (!form->begins_with_time || input_little(in, 8, &sum)) && input_length(in, &count);
	for (uint64_t i = 0; fine && i < count; i++) {
		fine = element(in, form, &text, &one);
		sum += one * 0x9e3779b97f4a7c15u;
	}
	free(text.at);
	free(in);
	*ret_n = count;
	*ret_sum = sum;
	return fine;
}

bool rop_rdb_alike(const void *one, size_t one_n, const void *other, size_t other_n, bool valkey)
{
	const uint8_t *a = one, *b = other;
	struct form form;
	uint64_t a_count, b_count, a_sum, b_sum;
	if (one_n <= FOOT_BYTES || one_n != other_n || a[0] != b[0])
		return false;
	if (memcmp(a, b, one_n - FOOT_BYTES) == 0)
		return true;
	return form_of(a[0], valkey, &form) && sum_of(a, one_n, &form, &a_count, &a_sum) &&
	       sum_of(b, other_n, &form, &b_count, &b_sum) && a_count == b_count && a_sum == b_sum;
}
