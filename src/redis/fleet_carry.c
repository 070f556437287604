/* fleet_carry.c - keys go from one node to another: GETKEYSINSLOT and MIGRATE, exchange by exchange, for a while.
 *
 * Lanes are slots that are worked on together. In each exchange every lane sends the keys that it was told of (MIGRATE)
 * and asks for more (GETKEYSINSLOT), so that one round trip moves a batch of each. The source does nothing else while
 * it moves keys: the size of a batch follows how long the last exchange took. While a slot is open its owner's key is
 * the one that counts as long as it is there, so REPLACE is right in this direction.
 *
 * An error ends the carry, and is its outcome unless keys were moved: then the next one tells. Keys are any bytes.
 */
#include <string.h>

#include <hiredis/hiredis.h>

#include "fleet.h"
#include "rop/loop.h"
#include "rop/text.h"
#include "wire.h"

#define LANES_MAX 64
#define BATCH_FIRST 16
#define BATCH_MAX 1024
#define KEYS_BYTES_MAX ((size_t)64 << 20) /* of one reply with names of keys */
#define MIGRATE_TIMEOUT_MS 5000           /* of a MIGRATE on its way between the servers */

struct key {
	const char *at;
	size_t n;
};

struct lane {
	int slot, database; /* slot -1: there is nothing left for it */
	ROP_LIST(struct key) keys;
};

enum asked { ASKED_SELECT, ASKED_MOVE, ASKED_KEYS };

struct carry {
	struct job *job;
	size_t command; /* whose outcome it is */
	const struct member *to;
	struct rop_slots left; /* slots that no lane has taken, in this database */
	struct rop_slots all;
	int database, databases;
	struct lane lanes[LANES_MAX];
	size_t n_lanes;
	ROP_LIST(struct asked_of {
		enum asked what;
		size_t lane;
	}) asked;
	size_t batch; /* keys of a lane at a time */
	int64_t began_ms, exchange_began_ms, for_ms, stall_ms;
	int64_t moved;
	const char *error;
};

/* ---- lanes --------------------------------------------------------------------------------------------------- */

/* The next slot; where this database is done, the next database. */
static void next_slot(struct carry *carry, struct lane *lane)
{
	int slot = rop_slots_first(&carry->left);
	if (slot == ROP_SLOTS && carry->database + 1 < carry->databases) {
		carry->database++;
		carry->left = carry->all;
		slot = rop_slots_first(&carry->left);
	}
	lane->keys.n = 0;
	lane->slot = slot == ROP_SLOTS ? -1 : slot;
	lane->database = carry->database;
	if (slot < ROP_SLOTS)
		carry->left.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
}

/* ---- what is sent ---------------------------------------------------------------------------------------------- */

static void put(struct carry *carry, const char *const *argv, size_t argc, enum asked what, size_t lane)
{
	wire_put(&carry->job->wire, argc, argv);
	*rop_push(carry->job->errand->own, &carry->asked) = (struct asked_of){ what, lane };
}

static void text_word(struct rop_text *wire, const char *text)
{
	wire_word(wire, text, strlen(text));
}

static size_t words_of_auth(const struct verdict_login *login)
{
	if (!login->password)
		return 0;
	return login->user ? 3 : 2; /* AUTH2 user password, AUTH password */
}

static void put_move(struct carry *carry, size_t at)
{
	const struct lane *lane = &carry->lanes[at];
	const struct verdict_login *login = &carry->job->errand->fleet->login;
	struct rop_arena *arena = carry->job->errand->own;
	struct rop_text *wire = &carry->job->wire;
	size_t auth = words_of_auth(login);
	wire_begin(wire, 8 + auth + lane->keys.n);
	text_word(wire, "MIGRATE");
	text_word(wire, carry->to->endpoint.ip);
	text_word(wire, rop_printf(arena, "%d", carry->to->endpoint.port));
	text_word(wire, "");
	text_word(wire, rop_printf(arena, "%d", lane->database));
	text_word(wire, rop_printf(arena, "%d", MIGRATE_TIMEOUT_MS));
	text_word(wire, "REPLACE");
	if (auth) {
		text_word(wire, login->user ? "AUTH2" : "AUTH");
		if (login->user)
			text_word(wire, login->user);
		text_word(wire, login->password);
	}
	text_word(wire, "KEYS");
	for (size_t k = 0; k < lane->keys.n; k++)
		wire_word(wire, lane->keys.at[k].at, lane->keys.at[k].n);
	*rop_push(arena, &carry->asked) = (struct asked_of){ ASKED_MOVE, at };
}

static void put_lane(struct carry *carry, size_t at)
{
	struct lane *lane = &carry->lanes[at];
	struct rop_arena *arena = carry->job->errand->own;
	if (carry->databases > 1) {
		const char *select[] = { "SELECT", rop_printf(arena, "%d", lane->database) };
		put(carry, select, 2, ASKED_SELECT, at);
	}
	if (lane->keys.n)
		put_move(carry, at);
	const char *keys[] = { "CLUSTER", "GETKEYSINSLOT", rop_printf(arena, "%d", lane->slot),
			       rop_printf(arena, "%zu", carry->batch) };
	put(carry, keys, 4, ASKED_KEYS, at);
}

static bool begin_exchange(struct carry *carry)
{
	struct job *job = carry->job;
	rop_text_done(&job->wire);
	job->wire = (struct rop_text){ 0 };
	carry->asked.n = 0;
	for (size_t at = 0; at < carry->n_lanes; at++)
		if (carry->lanes[at].slot >= 0)
			put_lane(carry, at);
	if (carry->asked.n && carry->databases > 1) { /* whoever uses this connection next finds it as it was */
		const char *select[] = { "SELECT", "0" };
		put(carry, select, 2, ASKED_SELECT, 0);
	}
	if (!carry->asked.n)
		return false;
	job->exchange.wire = job->wire.at;
	job->exchange.wire_n = job->wire.n;
	job->exchange.replies = carry->asked.n;
	carry->exchange_began_ms = rop_boot_ms();
	return true;
}

/* ---- what is answered ------------------------------------------------------------------------------------------ */

static void take_keys(struct carry *carry, struct lane *lane, const struct redisReply *reply)
{
	struct rop_arena *arena = carry->job->errand->own;
	memset(&lane->keys, 0, sizeof lane->keys);
	for (size_t k = 0; k < reply->elements; k++)
		if (reply->element[k]->type == REDIS_REPLY_STRING)
			*rop_push(arena, &lane->keys) = (struct key){ rop_strndup(arena, reply->element[k]->str,
										  reply->element[k]->len),
								      reply->element[k]->len };
	if (!lane->keys.n)
		next_slot(carry, lane);
}

static bool carry_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict)
{
	struct job *job = arg;
	struct carry *carry = job->carry;
	struct lane *lane = &carry->lanes[carry->asked.at[i].lane];
	char text[512];
	(void)ret_verdict;
	if (reply->type == REDIS_REPLY_ERROR) {
		verdict_quote(&job->errand->fleet->login, reply->str, reply->len, text, sizeof text);
		if (!carry->error)
			carry->error = rop_strdup(job->errand->arena, text);
		return true;
	}
	if (carry->asked.at[i].what == ASKED_MOVE && reply->type == REDIS_REPLY_STATUS && strcmp(reply->str, "OK") == 0)
		carry->moved += (int64_t)lane->keys.n;
	if (carry->asked.at[i].what == ASKED_KEYS && reply->type == REDIS_REPLY_ARRAY && !carry->error)
		take_keys(carry, lane, reply);
	return true;
}

static size_t carry_limit(void *arg, size_t i, const char **ret_asked)
{
	const struct carry *carry = ((struct job *)arg)->carry;
	*ret_asked = carry->asked.at[i].what == ASKED_KEYS ? "CLUSTER GETKEYSINSLOT" : "MIGRATE";
	return KEYS_BYTES_MAX;
}

/* The source was busy with us for as long as the exchange took, about. */
static void fit_batch(struct carry *carry)
{
	int64_t took_ms = rop_boot_ms() - carry->exchange_began_ms;
	if (took_ms > carry->stall_ms && carry->batch > 1)
		carry->batch /= 2;
	else if (took_ms * 2 < carry->stall_ms && carry->batch < BATCH_MAX)
		carry->batch *= 2;
}

static void finish(struct carry *carry, bool answered, const char *why)
{
	struct job *job = carry->job;
	struct rop_outcome *outcome = &job->errand->outcomes[carry->command];
	*outcome = (struct rop_outcome){ .sent = ROP_SENT_OK, .keys = carry->moved };
	if (!answered && !carry->moved)
		*outcome = (struct rop_outcome){ .sent = ROP_SENT_UNKNOWN, .text = why };
	else if (carry->error && !carry->moved)
		*outcome = (struct rop_outcome){ .sent = ROP_SENT_ERROR, .text = carry->error };
	rop_text_done(&job->wire);
	job_over(job);
}

static void carry_end(void *arg, const struct verdict *verdict, bool sent)
{
	struct job *job = arg;
	struct carry *carry = job->carry;
	if (verdict->reach != ROP_REACH_OK) {
		if (!sent && !carry->error)
			carry->error = rop_printf(job->errand->arena, "not sent: %s", verdict->why);
		finish(carry, !sent, rop_strdup(job->errand->arena, verdict->why));
		return;
	}
	fit_batch(carry);
	bool time_is_up = rop_boot_ms() - carry->began_ms >= carry->for_ms;
	if (carry->error || time_is_up || !begin_exchange(carry)) {
		finish(carry, true, NULL);
		return;
	}
	job->exchange.not_after_ms = 0; /* it is under way: what is left of it is bounded */
	link_start(job->errand->fleet->members[job->node].link, &job->exchange);
}

void carry_enqueue(struct errand *errand, size_t command, size_t node, const struct rop_carry *wanted)
{
	struct rop_fleet *fleet = errand->fleet;
	struct carry *carry = rop_alloc(errand->own, sizeof *carry);
	if (wanted->to < 0 || (size_t)wanted->to >= fleet->n || !fleet->members[wanted->to].endpoint.ip ||
	    !rop_slots_parse(wanted->slots, &carry->all)) {
		errand->outcomes[command] = (struct rop_outcome){ .sent = ROP_SENT_ERROR,
								  .text = "not sent: nobody can take the keys" };
		return;
	}
	struct job *job = job_new(errand, node);
	job->carry = carry;
	job->exchange.careful = true;
	job->exchange.limit = carry_limit;
	job->exchange.reply = carry_reply;
	job->exchange.end = carry_end;
	carry->job = job;
	carry->command = command;
	carry->to = &fleet->members[wanted->to];
	carry->left = carry->all;
	carry->databases = wanted->databases;
	carry->n_lanes = wanted->lanes < 1 ? 1 : (size_t)wanted->lanes;
	if (carry->n_lanes > LANES_MAX)
		carry->n_lanes = LANES_MAX;
	carry->batch = BATCH_FIRST;
	carry->for_ms = wanted->for_ms;
	carry->stall_ms = wanted->stall_ms;
	carry->began_ms = rop_boot_ms();
	for (size_t at = 0; at < carry->n_lanes; at++)
		next_slot(carry, &carry->lanes[at]);
	if (begin_exchange(carry))
		job_enqueue(job);
}
