/* carry_exchange.c - one exchange of a carry with its source: written, and its answers taken.
 *
 * It does three things in one pipeline: it sends the keys that were measured (MIGRATE, one for each slot of the batch),
 * measures those that were named (MEMORY USAGE), and asks for the names of more (GETKEYSINSLOT). How long the batch
 * took is told by the source's own clock (TIME before and after).
 *
 * While a slot is open its owner's key is the one that counts as long as it is there, so REPLACE is right in this
 * direction. Keys are any bytes. MEMORY USAGE looks at a thousand parts of a key at most: what has fewer is measured
 * exactly, and what has more costs less than a millisecond (with SAMPLES 0 a hash of a million fields took half a
 * second).
 */
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "carry.h"
#include "rop/text.h"
#include "wire.h"

#define NAMES_MAX 1000
#define KEYS_BYTES_MAX ((size_t)64 << 20) /* of one reply with names of keys */
#define KEY_SHOWN_MAX 80

/* ---- what is sent ---------------------------------------------------------------------------------------------- */

static void note_asked(struct carry *carry, enum carry_asked what, struct stock_slot *slot, size_t n)
{
	*rop_push(carry->errand->own, &carry->asked) = (struct asked_of){ what, slot, n };
}

static void text_word(struct rop_text *wire, const char *text)
{
	wire_word(wire, text, strlen(text));
}

static void number_word(struct rop_text *wire, int64_t number)
{
	char text[24];
	snprintf(text, sizeof text, "%lld", (long long)number);
	text_word(wire, text);
}

static void put_time(struct carry *carry)
{
	wire_begin(&carry->job->wire, 1);
	text_word(&carry->job->wire, "TIME");
	note_asked(carry, CARRY_TIME, NULL, 0);
}

static void put_select(struct carry *carry, int database)
{
	if (carry->database == database)
		return;
	carry->database = database;
	wire_begin(&carry->job->wire, 2);
	text_word(&carry->job->wire, "SELECT");
	number_word(&carry->job->wire, database);
	note_asked(carry, CARRY_SELECT, NULL, 0);
}

static size_t words_of_auth(const struct verdict_login *login)
{
	if (!login->password)
		return 0;
	return login->user ? 3 : 2; /* AUTH2 user password, AUTH password */
}

/* n keys from the next one on. Those that are gone too: a server counts a key that has expired, and names it, until it
 * comes by to delete it, which may take long; MIGRATE looks at it, and so deletes it. Of what is not there it is
 * silent. */
static void put_move(struct carry *carry, struct stock_slot *slot, size_t n)
{
	const struct verdict_login *login = &carry->errand->fleet->login;
	const struct rop_endpoint *to = &carry->errand->fleet->members[carry->wanted.to].endpoint;
	struct rop_text *wire = &carry->job->wire;
	size_t auth = words_of_auth(login);
	put_select(carry, slot->database);
	wire_begin(wire, 8 + auth + n);
	text_word(wire, "MIGRATE");
	text_word(wire, to->ip);
	number_word(wire, to->port);
	text_word(wire, "");
	number_word(wire, slot->database);
	number_word(wire, carry->wanted.timeout_ms + carry->patience_ms);
	text_word(wire, "REPLACE");
	if (auth) {
		text_word(wire, login->user ? "AUTH2" : "AUTH");
		if (login->user)
			text_word(wire, login->user);
		text_word(wire, login->password);
	}
	text_word(wire, "KEYS");
	for (size_t k = slot->next; k < slot->next + n; k++)
		wire_word(wire, slot->keys.at[k].at, slot->keys.at[k].n);
	note_asked(carry, CARRY_MOVE, slot, n);
	carry->batch += n;
	carry->unwitnessed = true;
}

static void note_large(struct carry *carry, const struct stock_slot *slot, const struct stock_key *key)
{
	if (carry->large)
		return;
	carry->large = rop_printf(
		carry->errand->arena,
		ROP_LARGE_KEY "'%s' of slot %d has %.1f MB, and %.1f MB may be moved at a time (ten stalls of %lldms); "
			      "make it smaller, declare a longer spec.migration.stall, or 'largeKeys: Move'",
		rop_text_visible(carry->errand->arena, key->at, key->n, KEY_SHOWN_MAX), slot->slot,
		(double)key->bytes / 1e6, (double)carry_pace_large(&carry->pace) / 1e6,
		(long long)carry->wanted.stall_ms);
}

/* A large key travels alone, or not at all. false: the batch ends before this one. */
static bool takes(struct carry *carry, struct stock_slot *slot, size_t k, size_t taken)
{
	const struct stock_key *key = &slot->keys.at[k];
	int64_t weight = carry_weight(key->bytes);
	size_t most = carry_rate_most(carry->wanted.rate);
	bool first = carry->weight == 0;
	if (!first && carry->weight + weight > carry_pace_budget(&carry->pace))
		return false;
	if (most && carry->batch + taken >= most)
		return false;
	if (key->bytes > carry_pace_large(&carry->pace)) /* then it is the first */
		carry->patience_ms = carry_patience_ms(key->bytes);
	carry->weight += weight;
	return true;
}

/* What is not to be sent, at the front of a slot's keys. */
static void pass_over(struct carry *carry, struct stock_slot *slot)
{
	while (slot->next < slot->measured) {
		const struct stock_key *key = &slot->keys.at[slot->next];
		if (key->bytes <= carry_pace_large(&carry->pace) || carry->wanted.move_large)
			return;
		note_large(carry, slot, key);
		stock_pass_over(&carry->stock, slot);
	}
}

static bool is_next(const struct carry *carry, const struct stock_key *key)
{
	return key->bytes <= carry_pace_large(&carry->pace) || carry->wanted.move_large;
}

/* false: the batch is full. */
static bool put_moves_of(struct carry *carry, struct stock_slot *slot)
{
	size_t n = 0;
	bool more = true;
	pass_over(carry, slot);
	while (more && slot->next + n < slot->measured && is_next(carry, &slot->keys.at[slot->next + n])) {
		more = takes(carry, slot, slot->next + n, n);
		n += more;
	}
	if (n)
		put_move(carry, slot, n);
	return more;
}

static void put_moves(struct carry *carry)
{
	carry->weight = carry->patience_ms = 0;
	carry->batch = 0;
	for (struct stock_slot *slot = carry->stock.first; slot; slot = slot->after)
		if (!put_moves_of(carry, slot))
			return;
}

/* How many keys about make up a batch. */
static size_t keys_of_batch(const struct carry *carry)
{
	size_t most = carry_rate_most(carry->wanted.rate);
	size_t fit = (size_t)(carry_pace_budget(&carry->pace) / carry_weight(0)) + 1;
	return most && most < fit ? most : fit;
}

static void put_sizes(struct carry *carry)
{
	size_t left = keys_of_batch(carry) * 2;
	struct rop_text *wire = &carry->job->wire;
	for (struct stock_slot *slot = carry->stock.first; slot && left; slot = slot->after)
		for (; slot->measured < slot->keys.n && left; left--) {
			const struct stock_key *key = &slot->keys.at[slot->measured];
			put_select(carry, slot->database);
			wire_begin(wire, 5);
			text_word(wire, "MEMORY");
			text_word(wire, "USAGE");
			wire_word(wire, key->at, key->n);
			text_word(wire, "SAMPLES");
			text_word(wire, "1000");
			note_asked(carry, CARRY_SIZE, slot, slot->measured++);
		}
}

static void put_names(struct carry *carry)
{
	size_t batch = keys_of_batch(carry), part = batch * 2 < NAMES_MAX ? batch * 2 + 8 : NAMES_MAX;
	struct stock_slot *slot;
	while ((slot = stock_to_ask(&carry->stock, batch * 3))) {
		struct rop_text *wire = &carry->job->wire;
		size_t most = stock_names_most(slot, part);
		put_select(carry, slot->database);
		wire_begin(wire, 4);
		text_word(wire, "CLUSTER");
		text_word(wire, "GETKEYSINSLOT");
		number_word(wire, slot->slot);
		number_word(wire, (int64_t)most);
		note_asked(carry, CARRY_NAMES, slot, most);
	}
}

bool carry_write(struct carry *carry)
{
	struct job *job = carry->job;
	rop_text_done(&job->wire);
	job->wire = (struct rop_text){ 0 };
	carry->asked.n = 0;
	carry->database = 0;
	carry->first_time_us = carry->batch_us = 0;
	put_time(carry);
	put_moves(carry);
	if (carry->batch)
		put_time(carry);
	size_t asked = carry->asked.n;
	stock_tidy(&carry->stock); /* what was passed over */
	put_sizes(carry);
	put_names(carry);
	if (!carry->batch && carry->asked.n == asked)
		return false;
	put_select(carry, 0); /* whoever uses this connection next finds it as it was */
	job->exchange.wire = job->wire.at;
	job->exchange.wire_n = job->wire.n;
	job->exchange.replies = carry->asked.n;
	job->exchange.patience_ms = carry->wanted.timeout_ms + carry->patience_ms;
	return true;
}

/* ---- what is answered ------------------------------------------------------------------------------------------ */

static void take_time(struct carry *carry, const struct redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 || reply->element[0]->type != REDIS_REPLY_STRING ||
	    reply->element[1]->type != REDIS_REPLY_STRING)
		return;
	int64_t us = strtoll(reply->element[0]->str, NULL, 10) * 1000000 + strtoll(reply->element[1]->str, NULL, 10);
	if (carry->first_time_us)
		carry->batch_us = us - carry->first_time_us;
	else
		carry->first_time_us = us;
}

/* An error says that the key is where the others went (ASK), and so does nothing. */
static void take_size(struct stock_key *key, const struct redisReply *reply)
{
	key->bytes = reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 ? reply->integer : STOCK_GONE;
}

static void take_names(struct carry *carry, const struct asked_of *asked, const struct redisReply *reply)
{
	for (size_t k = 0; k < reply->elements; k++)
		if (reply->element[k]->type == REDIS_REPLY_STRING)
			stock_name(&carry->stock, asked->slot, reply->element[k]->str, reply->element[k]->len);
	stock_named(&carry->stock, asked->slot, reply->elements, asked->n);
}

static void take_moved(struct carry *carry, const struct asked_of *asked, const struct redisReply *reply)
{
	struct stock_slot *slot = asked->slot;
	if (reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0)
		for (size_t k = slot->next; k < slot->next + asked->n; k++)
			carry->moved += slot->keys.at[k].bytes >= 0;
	stock_sent(&carry->stock, slot, asked->n);
}

/* Of one key: it went, or is being sent on. What concerns all of them is no such error. */
static bool is_of_key(const struct redisReply *reply)
{
	return strncmp(reply->str, "ASK ", 4) == 0 || strncmp(reply->str, "TRYAGAIN", 8) == 0;
}

bool carry_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct carry *carry = ((struct job *)arg)->carry;
	const struct asked_of *asked = &carry->asked.at[i];
	char text[512];
	(void)ret_verdict;
	if (reply->type == REDIS_REPLY_ERROR && !(asked->what == CARRY_SIZE && is_of_key(reply))) {
		verdict_quote(&carry->errand->fleet->login, reply->str, reply->len, text, sizeof text);
		if (!carry->error)
			carry->error = rop_strdup(carry->errand->arena, text);
		return true;
	}
	if (carry->error && asked->what != CARRY_MOVE)
		return true;
	switch (asked->what) {
	case CARRY_TIME: take_time(carry, reply); break;
	case CARRY_MOVE: take_moved(carry, asked, reply); break;
	case CARRY_SIZE: take_size(&asked->slot->keys.at[asked->n], reply); break;
	case CARRY_NAMES: take_names(carry, asked, reply); break;
	case CARRY_SELECT: break;
	}
	return true;
}

size_t carry_limit(void *arg, size_t i, const char **ret_asked)
{
	static const char *const WORDS[] = { [CARRY_SELECT] = "SELECT",
					     [CARRY_TIME] = "TIME",
					     [CARRY_MOVE] = "MIGRATE",
					     [CARRY_SIZE] = "MEMORY USAGE",
					     [CARRY_NAMES] = "CLUSTER GETKEYSINSLOT" };
	const struct carry *carry = ((struct job *)arg)->carry;
	*ret_asked = WORDS[carry->asked.at[i].what];
	return carry->asked.at[i].what == CARRY_NAMES ? KEYS_BYTES_MAX : REPLY_BYTES_MAX;
}
