/* input.h - of this folder: bytes, lengths and strings of a snapshot, in order; what is asked to be kept is kept. */
#ifndef RDB_INPUT_H
#define RDB_INPUT_H

#include "rop/rdb.h"

struct bytes { /* on the heap; what is at `at` is reused for the next ones */
	uint8_t *at;
	size_t n, cap;
};
void bytes_put(struct bytes *bytes, const void *more, size_t n);

struct input {
	struct rop_rdb_input from;
	const uint8_t *at, *end;    /* of what the source gave last */
	const uint8_t *summed_from; /* what stands before that is in `sum` */
	uint64_t before;            /* bytes of all that came before it */
	struct rop_crc64 crc;
	uint64_t sum;
	bool keep;          /* values are asked for */
	bool in_value;      /* what is read now belongs to one */
	uint64_t value_n;   /* of it so far */
	struct bytes value; /* of it so far, up to ROP_RDB_KEPT_MAX */
	struct rop_err *err;
};

uint64_t input_offset(const struct input *in);
uint64_t input_sum(struct input *in); /* of all that was read so far */
/* "byte 712: ..."; returns false. */
bool input_damaged(struct input *in, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

bool input_take(struct input *in, void *to, size_t n); /* to NULL: passed over */
bool input_pass(struct input *in, uint64_t n);
bool input_byte(struct input *in, uint8_t *ret);
bool input_little(struct input *in, size_t n, uint64_t *ret); /* n bytes, the lowest first */
bool input_length(struct input *in, uint64_t *ret);           /* a plain one */
bool input_string_pass(struct input *in);
bool input_string(struct input *in, struct bytes *to); /* what it says, however it is written */

#endif
