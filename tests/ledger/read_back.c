/* read_back.c - every account is read from the cluster, as a client would (through the map, following redirections).
 *
 * Several readers share the accounts. A reply that was lost costs nothing here, it is asked for again; a key of which
 * nothing was heard in ten seconds is unreadable.
 */
#include "read_back.h"

#include <stdio.h>

#include "caller.h"
#include "keys.h"

enum { READERS = 16 };
#define PATIENCE_US (10 * US_PER_S)

struct reading {
	struct cluster *cluster;
	struct judge *judge;
	size_t next; /* account to be read */
	struct reader {
		struct reading *reading;
		struct caller caller;
		struct text wire;
		const struct account *account; /* NULL: it has nothing to do any more */
		size_t replies;
		int64_t asked_us, give_up_us;
	} readers[READERS];
};

static size_t compose(struct text *wire, enum kind kind, const char *key)
{
	char half[KEY_SIZE + 1];
	wire->n = 0;
	switch (kind) {
	case KIND_OWN:
	case KIND_SHARED: RESP_COMMAND(wire, "LRANGE", key, "0", "-1"); return 1;
	case KIND_REGISTER: RESP_COMMAND(wire, "GET", key); return 1;
	case KIND_LASTING:
	case KIND_FLEETING:
		RESP_COMMAND(wire, "GET", key);
		RESP_COMMAND(wire, "PTTL", key);
		return 2;
	case KIND_PAIR:
	case KINDS_N: break;
	}
	for (const char *letter = "ab"; *letter; letter++) {
		snprintf(half, sizeof half, "%s%c", key, *letter);
		RESP_COMMAND(wire, "LRANGE", half, "0", "-1");
	}
	return 2;
}

static void ask(struct reader *reader)
{
	reader->asked_us = now_us();
	caller_begin(&reader->caller, reader->account->slot, &reader->wire, reader->replies);
}

static void next_account(struct reader *reader)
{
	struct reading *reading = reader->reading;
	const struct books *books = reading->judge->books;
	reader->account = NULL;
	if (reading->next == books->accounts.n)
		return;
	reader->account = &books->accounts.at[reading->next++];
	reader->replies = compose(&reader->wire, reader->account->kind, account_name(books, reader->account));
	reader->give_up_us = now_us() + PATIENCE_US;
	ask(reader);
}

static void ended(struct caller *caller, enum call_end how, struct resp_cursor replies)
{
	struct reader *reader = caller->owner;
	struct judge *judge = reader->reading->judge;
	int64_t now = now_us();
	struct resp_item error = { 0 };
	if (how == CALL_LOST && now < reader->give_up_us) {
		ask(reader);
		return;
	}
	if (how == CALL_ANSWERED) {
		judge_account(judge, reader->account, replies, reader->asked_us, now);
	} else {
		resp_next(&replies, &error);
		verdict_add(judge->verdict, FAULT_UNREADABLE, "%s: %.*s", account_name(judge->books, reader->account),
			    error.n ? (int)error.n : 9, error.n ? error.text : "no answer");
	}
	next_account(reader);
}

static bool tick(struct reading *reading, int64_t now)
{
	bool busy = false;
	for (size_t i = 0; i < READERS; i++) {
		struct reader *reader = &reading->readers[i];
		if (reader->account && now >= reader->give_up_us)
			caller_give_up(&reader->caller);
		caller_tick(&reader->caller, now);
		busy |= reader->account != NULL;
	}
	return busy;
}

void read_back(struct cluster *cluster, struct judge *judge)
{
	struct reading reading = { .cluster = cluster, .judge = judge };
	for (size_t i = 0; i < READERS; i++) {
		struct reader *reader = &reading.readers[i];
		reader->reading = &reading;
		caller_init(&reader->caller, cluster, reader);
		reader->caller.ended = ended;
	}
	for (size_t i = 0; i < READERS; i++)
		next_account(&reading.readers[i]);
	do {
		loop_turn(&cluster->loop, cluster->due_us);
		cluster->due_us = INT64_MAX;
		cluster_tick(cluster, now_us());
	} while (tick(&reading, now_us()));
	for (size_t i = 0; i < READERS; i++) {
		caller_done(&reading.readers[i].caller);
		text_free(&reading.readers[i].wire);
	}
}
