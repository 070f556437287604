/* boundaries.c - where the value of each type ends. Shapes: rdbSaveObject and rdbLoadObject of the servers' rdb.c. */
#include "boundaries.h"

/* How a value is put together; n: repeated so often as the length in front of it says. */
enum shape {
	UNKNOWN,
	STRING,           /* one string: packed values too */
	STRINGS,          /* n strings */
	PAIRS,            /* n times two strings */
	OLD_SCORES,       /* n times a string and a number as text */
	SCORES,           /* n times a string and eight bytes */
	NODES,            /* n times a kind and a string */
	TRIPLES,          /* n times two strings and eight bytes: when the field expires */
	LATER_FIELDS,     /* when the first field expires, then n times a length and two strings */
	OLD_LATER_FIELDS, /* the same without the first: release candidates of 7.4 */
	LATER_STRING,     /* when the first field expires, and a string */
	STREAM,
	MODULE,
};

/* Valkey from 9.0 and Redis from 7.4 gave 22 each to something else. */
static const enum shape SHAPES[] = {
	[0] = STRING,   [1] = STRINGS, [2] = STRINGS,  [3] = OLD_SCORES, [4] = PAIRS,         [5] = SCORES,
	[7] = MODULE,   [9] = STRING,  [10] = STRING,  [11] = STRING,    [12] = STRING,       [13] = STRING,
	[14] = STRINGS, [15] = STREAM, [16] = STRING,  [17] = STRING,    [18] = NODES,        [19] = STREAM,
	[20] = STRING,  [21] = STREAM, [22] = UNKNOWN, [23] = STRING,    [24] = LATER_FIELDS, [25] = LATER_STRING,
};
enum { TYPE_STREAM_2 = 19, TYPE_STREAM_3 = 21, TYPE_22 = 22 };

static enum shape shape_of(uint8_t type, bool valkey)
{
	if (type == TYPE_22)
		return valkey ? TRIPLES : OLD_LATER_FIELDS;
	if (valkey && type > TYPE_22)
		return UNKNOWN;
	return type < sizeof SHAPES / sizeof *SHAPES ? SHAPES[type] : UNKNOWN;
}

static bool strings(struct input *in, uint64_t n)
{
	for (; n; n--)
		if (!input_string_pass(in))
			return false;
	return true;
}

/* A byte tells its length; 253 to 255 are words of their own: nan, inf, -inf. */
static bool old_score(struct input *in)
{
	uint8_t n;
	return input_byte(in, &n) && (n >= 253 || input_pass(in, n));
}

static bool length_pass(struct input *in)
{
	uint64_t n;
	return input_length(in, &n);
}

static bool lengths(struct input *in, int n)
{
	for (; n; n--)
		if (!length_pass(in))
			return false;
	return true;
}

static bool element(struct input *in, enum shape shape)
{
	switch (shape) {
	case STRINGS: return strings(in, 1);
	case PAIRS: return strings(in, 2);
	case OLD_SCORES: return strings(in, 1) && old_score(in);
	case SCORES: return strings(in, 1) && input_pass(in, 8);
	case NODES: return length_pass(in) && strings(in, 1);
	case TRIPLES: return strings(in, 2) && input_pass(in, 8);
	case LATER_FIELDS:
	case OLD_LATER_FIELDS: return length_pass(in) && strings(in, 2);
	case UNKNOWN:
	case STRING:
	case LATER_STRING:
	case STREAM:
	case MODULE: break;
	}
	return false;
}

static bool elements(struct input *in, enum shape shape)
{
	uint64_t n;
	if (!input_length(in, &n))
		return false;
	for (; n; n--)
		if (!element(in, shape))
			return false;
	return true;
}

/* ---- streams ---------------------------------------------------------------------------------------------------- */

#define STREAM_ID 16

static bool consumers(struct input *in, uint8_t type)
{
	uint64_t n, pending;
	if (!input_length(in, &n))
		return false;
	for (; n; n--) {
		size_t times = type >= TYPE_STREAM_3 ? 16 : 8; /* seen, and since version 3 active */
		if (!strings(in, 1) || !input_pass(in, times) || !input_length(in, &pending))
			return false;
		for (; pending; pending--)
			if (!input_pass(in, STREAM_ID))
				return false;
	}
	return true;
}

static bool group(struct input *in, uint8_t type)
{
	uint64_t pending;
	int numbers = type >= TYPE_STREAM_2 ? 3 : 2; /* last id, and since version 2 entries read */
	if (!strings(in, 1) || !lengths(in, numbers) || !input_length(in, &pending))
		return false;
	for (; pending; pending--)
		if (!input_pass(in, STREAM_ID + 8) || !length_pass(in)) /* delivered when, how often */
			return false;
	return consumers(in, type);
}

static bool stream(struct input *in, uint8_t type)
{
	uint64_t packs, groups;
	int numbers = type >= TYPE_STREAM_2 ? 8 : 3; /* length, last id; first id, greatest deleted id, entries added */
	if (!input_length(in, &packs))
		return false;
	for (; packs; packs--)
		if (!strings(in, 2))
			return false;
	if (!lengths(in, numbers) || !input_length(in, &groups))
		return false;
	for (; groups; groups--)
		if (!group(in, type))
			return false;
	return true;
}

/* ---- modules ---------------------------------------------------------------------------------------------------- */

bool boundary_module(struct input *in)
{
	enum { END, SIGNED, UNSIGNED, FLOAT, DOUBLE, TEXT };
	for (;;) {
		uint64_t part;
		bool fine;
		if (!input_length(in, &part))
			return false;
		switch (part) {
		case END: return true;
		case SIGNED:
		case UNSIGNED: fine = length_pass(in); break;
		case FLOAT: fine = input_pass(in, 4); break;
		case DOUBLE: fine = input_pass(in, 8); break;
		case TEXT: fine = strings(in, 1); break;
		default: return input_damaged(in, "a module's value with an unknown part (%d)", (int)(part & 255));
		}
		if (!fine)
			return false;
	}
}

bool boundary_value(struct input *in, uint8_t type, bool valkey)
{
	enum shape shape = shape_of(type, valkey);
	switch (shape) {
	case UNKNOWN: return input_damaged(in, "a value of the unknown type %d", type);
	case STRING: return strings(in, 1);
	case STRINGS:
	case PAIRS:
	case OLD_SCORES:
	case SCORES:
	case NODES:
	case TRIPLES:
	case OLD_LATER_FIELDS: return elements(in, shape);
	case LATER_FIELDS: return input_pass(in, 8) && elements(in, shape);
	case LATER_STRING: return input_pass(in, 8) && strings(in, 1);
	case STREAM: return stream(in, type);
	case MODULE: return length_pass(in) && boundary_module(in);
	}
	return false;
}
