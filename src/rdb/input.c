/* input.c - bytes, lengths and strings of a snapshot, in order. */
#include "input.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lzf.h"
#include "rop/mem.h"

enum { ENCODED_INT8, ENCODED_INT16, ENCODED_INT32, ENCODED_LZF };

void bytes_put(struct bytes *bytes, const void *more, size_t n)
{
	if (bytes->cap - bytes->n < n) {
		bytes->cap = (bytes->n + n) * 3 / 2 + 64;
		bytes->at = rop_realloc(bytes->at, bytes->cap);
	}
	if (n)
		memcpy(bytes->at + bytes->n, more, n);
	bytes->n += n;
}

uint64_t input_offset(const struct input *in)
{
	return in->before - (uint64_t)(in->end - in->at);
}

bool input_damaged(struct input *in, const char *fmt, ...)
{
	char text[400];
	va_list ap;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return rop_fail(in->err, ROP_FAIL, "byte %" PRIu64 ": %s", input_offset(in), text);
}

uint64_t input_sum(struct input *in)
{
	if (in->at != in->summed_from)
		in->sum = rop_crc64_add(&in->crc, in->sum, in->summed_from, (size_t)(in->at - in->summed_from));
	in->summed_from = in->at;
	return in->sum;
}

static bool fill(struct input *in)
{
	input_sum(in);
	ptrdiff_t n = in->from.more(in->from.arg, &in->at, in->err);
	if (n <= 0) {
		in->at = in->end = in->summed_from = NULL;
		return n < 0 ? false : input_damaged(in, "it is cut short here");
	}
	in->end = in->at + n;
	in->summed_from = in->at;
	in->before += (uint64_t)n;
	return true;
}

static void keep(struct input *in, size_t n)
{
	if (!in->in_value)
		return;
	in->value_n += n;
	if (in->keep && in->value_n <= ROP_RDB_KEPT_MAX)
		bytes_put(&in->value, in->at, n);
}

bool input_take(struct input *in, void *to, size_t n)
{
	uint8_t *copy = to;
	while (n) {
		if (in->at == in->end && !fill(in))
			return false;
		size_t here = (size_t)(in->end - in->at) < n ? (size_t)(in->end - in->at) : n;
		keep(in, here);
		if (copy) {
			memcpy(copy, in->at, here);
			copy += here;
		}
		in->at += here;
		n -= here;
	}
	return true;
}

bool input_pass(struct input *in, uint64_t n)
{
	for (; n > SIZE_MAX; n -= SIZE_MAX)
		if (!input_take(in, NULL, SIZE_MAX))
			return false;
	return input_take(in, NULL, (size_t)n);
}

bool input_byte(struct input *in, uint8_t *ret)
{
	return input_take(in, ret, 1);
}

bool input_little(struct input *in, size_t n, uint64_t *ret)
{
	uint8_t raw[8];
	if (!input_take(in, raw, n))
		return false;
	*ret = 0;
	for (size_t i = n; i-- > 0;)
		*ret = *ret << 8 | raw[i];
	return true;
}

static bool big(struct input *in, size_t n, uint64_t *ret)
{
	uint8_t raw[8];
	if (!input_take(in, raw, n))
		return false;
	*ret = 0;
	for (size_t i = 0; i < n; i++)
		*ret = *ret << 8 | raw[i];
	return true;
}

/* A length, or how a string is encoded. */
static bool length(struct input *in, uint64_t *ret, bool *ret_encoded)
{
	uint8_t first, second;
	*ret_encoded = false;
	if (!input_byte(in, &first))
		return false;
	switch (first >> 6) {
	case 0: *ret = first & 63; return true;
	case 1:
		if (!input_byte(in, &second))
			return false;
		*ret = (uint64_t)(first & 63) << 8 | second;
		return true;
	case 2:
		if (first == 0x80)
			return big(in, 4, ret);
		if (first == 0x81)
			return big(in, 8, ret);
		return input_damaged(in, "0x%02x is no length", first);
	default:
		*ret = first & 63;
		*ret_encoded = true;
		return true;
	}
}

bool input_length(struct input *in, uint64_t *ret)
{
	bool encoded;
	return length(in, ret, &encoded) &&
	       (!encoded || input_damaged(in, "an encoded string where a length should be"));
}

static bool is_believed(struct input *in, uint64_t n)
{
	return n <= ROP_RDB_STRING_MAX || input_damaged(in, "a string of %" PRIu64 " bytes", n);
}

/* What a compressed string takes, and what it becomes. */
static bool lzf_lengths(struct input *in, uint64_t *ret_packed, uint64_t *ret_n)
{
	if (!input_length(in, ret_packed) || !input_length(in, ret_n) || !is_believed(in, *ret_packed) ||
	    !is_believed(in, *ret_n))
		return false;
	return *ret_n <= LZF_MOST(*ret_packed) ||
	       input_damaged(in, "%" PRIu64 " compressed bytes cannot be %" PRIu64, *ret_packed, *ret_n);
}

bool input_string_pass(struct input *in)
{
	uint64_t n, packed;
	bool encoded;
	if (!length(in, &n, &encoded))
		return false;
	if (!encoded)
		return is_believed(in, n) && input_pass(in, n);
	switch (n) {
	case ENCODED_INT8: return input_pass(in, 1);
	case ENCODED_INT16: return input_pass(in, 2);
	case ENCODED_INT32: return input_pass(in, 4);
	case ENCODED_LZF: return lzf_lengths(in, &packed, &n) && input_pass(in, packed);
	default: return input_damaged(in, "a string of the unknown encoding %d", (int)n);
	}
}

static bool collect(struct input *in, uint64_t n, struct bytes *to)
{
	uint8_t part[4096];
	to->n = 0;
	while (n) {
		size_t here = n < sizeof part ? (size_t)n : sizeof part;
		if (!input_take(in, part, here))
			return false;
		bytes_put(to, part, here);
		n -= here;
	}
	return true;
}

static bool whole_number(struct input *in, size_t n, struct bytes *to)
{
	uint64_t raw;
	char text[24];
	if (!input_little(in, n, &raw))
		return false;
	uint64_t sign = (uint64_t)1 << (8 * n - 1);
	int written = snprintf(text, sizeof text, "%" PRId64, (int64_t)((raw ^ sign) - sign));
	to->n = 0;
	bytes_put(to, text, (size_t)written);
	return true;
}

static bool compressed(struct input *in, struct bytes *to)
{
	uint64_t packed_n, n;
	struct bytes packed = { 0 };
	bool fine = lzf_lengths(in, &packed_n, &n) && collect(in, packed_n, &packed);
	if (fine) {
		uint8_t *out = rop_malloc((size_t)n + 1);
		fine = lzf_expand(packed.at, packed.n, out, (size_t)n) ||
		       input_damaged(in, "a compressed string that cannot be expanded");
		to->n = 0;
		if (fine)
			bytes_put(to, out, (size_t)n);
		free(out);
	}
	free(packed.at);
	return fine;
}

bool input_string(struct input *in, struct bytes *to)
{
	uint64_t n;
	bool encoded;
	if (!length(in, &n, &encoded))
		return false;
	if (!encoded)
		return is_believed(in, n) && collect(in, n, to);
	switch (n) {
	case ENCODED_INT8: return whole_number(in, 1, to);
	case ENCODED_INT16: return whole_number(in, 2, to);
	case ENCODED_INT32: return whole_number(in, 4, to);
	case ENCODED_LZF: return compressed(in, to);
	default: return input_damaged(in, "a string of the unknown encoding %d", (int)n);
	}
}
