/* already.c - keys that a target has already: are they the backup's, or did a client write them?
 *
 * A key is dumped. What the server dumps may be written otherwise than what it was given, for it has its own encodings;
 * then the backup's value is restored beside it, under a name of the same slot that nobody else has, dumped too, and
 * removed, in one transaction: at no moment is it seen, and none is left behind by whoever dies.
 */
#include "config.h"

#include "already.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "rop/loop.h"
#include "rop/observed.h"

#define FOOT_BYTES 10 /* of a payload: version and checksum */
#define IN_TRANSACTION 4

bool already_other(const char *address, const struct piece *piece, size_t i, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	return rop_fail(err, ROP_REFUSED,
			"%s: key '%s' is there with another value than the backup's: a client writes while the backup "
			"is being restored",
			address, piece_visible(arena, piece, i));
}

static void put_name(struct rop_talk *talk, const struct piece *piece, size_t i)
{
	rop_talk_word(talk, piece_name(piece, i), piece->at[i].name_n);
}

/* It was there a moment ago. */
static bool may_be_gone(const char *address, const struct piece *piece, size_t i, struct rop_err *err)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	if (piece->at[i].expires_ms >= 0 && piece->at[i].expires_ms <= rop_wall_ms())
		return true;
	return rop_fail(err, ROP_REFUSED,
			"%s: key '%s' of the backup was there and is gone: a client writes while the backup is being "
			"restored, or the server evicts keys",
			address, piece_visible(arena, piece, i));
}

/* ---- as it was given -------------------------------------------------------------------------------------------- */

static void settle(struct piece *piece, size_t i)
{
	piece->at[i].there = false;
	piece->there--;
}

static bool dump(struct rop_talk *talk, const char *address, bool valkey, struct piece *piece, struct rop_err *err)
{
	for (size_t i = 0; i < piece->n; i++) {
		if (!piece->at[i].there)
			continue;
		rop_talk_begin(talk, 2);
		rop_talk_text(talk, "DUMP");
		put_name(talk, piece, i);
	}
	if (!rop_talk_flush(talk, err))
		return false;
	for (size_t i = 0; i < piece->n; i++) {
		struct rop_talk_reply reply;
		if (!piece->at[i].there)
			continue;
		if (!rop_talk_reply(talk, &reply, err))
			return false;
		if (reply.kind != '_' && reply.kind != '$')
			return rop_talk_refused(talk, "DUMP", &reply, err);
		if (reply.kind == '_' && !may_be_gone(address, piece, i, err))
			return false;
		if (reply.kind == '_' ||
		    rop_rdb_alike(piece_value(piece, i), piece->at[i].value_n, reply.text, reply.n, valkey))
			settle(piece, i);
	}
	return true;
}

/* ---- as the server writes it ------------------------------------------------------------------------------------ */

/* What of a name is hashed where it can be put between braces; else a number that is hashed to the same slot. */
static void tag_of(const char *name, size_t n, struct rop_text *text)
{
	const char *open = memchr(name, '{', n);
	const char *close = open ? memchr(open, '}', n - (size_t)(open - name)) : NULL;
	char number[24];
	if (close && close > open + 1) {
		rop_text_put(text, open + 1, (size_t)(close - open - 1));
		return;
	}
	if (n > 0 && !memchr(name, '}', n)) {
		rop_text_put(text, name, n);
		return;
	}
	for (unsigned i = 0, slot = (unsigned)rop_key_slot(name, n);; i++) {
		int size = snprintf(number, sizeof number, "%u", i);
		if ((unsigned)rop_key_slot(number, (size_t)size) != slot)
			continue;
		rop_text_put(text, number, (size_t)size);
		return;
	}
}

static void temporary_name(const struct piece *piece, size_t i, const uint64_t *random, struct rop_text *text)
{
	text->n = 0;
	rop_text_put(text, "{", 1);
	tag_of(piece_name(piece, i), piece->at[i].name_n, text);
	rop_text_add(text, "}redis-operator:%016" PRIx64 "%016" PRIx64, random[0], random[1]);
}

static void put_transaction(struct rop_talk *talk, const struct piece *piece, size_t i, const struct rop_text *name)
{
	rop_talk_begin(talk, 1);
	rop_talk_text(talk, "MULTI");
	rop_talk_begin(talk, 4);
	rop_talk_text(talk, "RESTORE");
	rop_talk_word(talk, name->at, name->n);
	rop_talk_number(talk, 0);
	rop_talk_word(talk, piece_value(piece, i), piece->at[i].value_n);
	rop_talk_begin(talk, 2);
	rop_talk_text(talk, "DUMP");
	rop_talk_word(talk, name->at, name->n);
	rop_talk_begin(talk, 2);
	rop_talk_text(talk, "DUMP");
	put_name(talk, piece, i);
	rop_talk_begin(talk, 2);
	rop_talk_text(talk, "UNLINK");
	rop_talk_word(talk, name->at, name->n);
	rop_talk_begin(talk, 1);
	rop_talk_text(talk, "EXEC");
}

static bool begun(struct rop_talk *talk, struct rop_err *err)
{
	static const char *const COMMANDS[] = { "MULTI", "RESTORE", "DUMP", "DUMP", "UNLINK" };
	for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
		struct rop_talk_reply reply;
		if (!rop_talk_reply(talk, &reply, err))
			return false;
		if (reply.kind != '+')
			return rop_talk_refused(talk, COMMANDS[i], &reply, err);
	}
	return true;
}

static bool array_of(struct rop_talk *talk, const char *address, struct rop_err *err)
{
	char line[256];
	if (!rop_talk_line(talk, line, sizeof line, err))
		return false;
	return strcmp(line, "*4") == 0 || rop_fail(err, ROP_FAIL, "%s: EXEC is answered with '%s'", address, line);
}

static bool next_dump(struct rop_talk *talk, struct rop_talk_reply *reply, struct rop_err *err)
{
	return rop_talk_reply(talk, reply, err) &&
	       (reply->kind == '$' || reply->kind == '_' || rop_talk_refused(talk, "DUMP", reply, err));
}

static bool take_transaction(struct rop_talk *talk, const char *address, bool valkey, struct piece *piece, size_t i,
			     struct rop_err *err)
{
	struct rop_talk_reply reply;
	ROP_OWN_TEXT ours = { 0 };
	if (!begun(talk, err) || !array_of(talk, address, err) || !rop_talk_reply(talk, &reply, err) ||
	    !rop_talk_is_ok(talk, "RESTORE", &reply, err) || !next_dump(talk, &reply, err))
		return false;
	rop_text_put(&ours, reply.text, reply.n);
	if (!next_dump(talk, &reply, err))
		return false;
	if (reply.kind == '_' && !may_be_gone(address, piece, i, err))
		return false;
	if (reply.kind == '$' && !rop_rdb_alike(ours.at, ours.n, reply.text, reply.n, valkey))
		return already_other(address, piece, i, err);
	settle(piece, i);
	return rop_talk_reply(talk, &reply, err); /* of UNLINK */
}

/* One at a time: values may be large, and both are in the server's memory for that moment. */
static bool restore_beside(struct rop_talk *talk, const char *address, bool valkey, struct piece *piece,
			   struct rop_err *err)
{
	uint64_t random[2] = { 0 };
	ROP_OWN_TEXT name = { 0 };
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return rop_fail(err, ROP_FAIL, "no random numbers");
	for (size_t i = 0; i < piece->n; i++) {
		if (!piece->at[i].there)
			continue;
		temporary_name(piece, i, random, &name);
		put_transaction(talk, piece, i, &name);
		if (!rop_talk_flush(talk, err) || !take_transaction(talk, address, valkey, piece, i, err))
			return false;
	}
	return true;
}

bool already_ours(struct rop_talk *talk, const char *address, bool valkey, struct piece *piece, struct rop_err *err)
{
	return dump(talk, address, valkey, piece, err) && restore_beside(talk, address, valkey, piece, err);
}

/* ---- libraries -------------------------------------------------------------------------------------------------- */

/* A dump is all libraries one behind the other, each as it stands in its own payload. */
bool already_has_library(struct rop_talk *talk, const void *payload, size_t n, bool *ret_has, struct rop_err *err)
{
	struct rop_talk_reply reply;
	if (!rop_talk_ask(talk, "FUNCTION DUMP", &reply, err))
		return false;
	if (reply.kind != '$')
		return rop_talk_refused(talk, "FUNCTION DUMP", &reply, err);
	*ret_has = n > FOOT_BYTES && memmem(reply.text, reply.n, payload, n - FOOT_BYTES) != NULL;
	return true;
}
