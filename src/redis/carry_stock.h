/* carry_stock.h - the keys that are next: named slot by slot, then measured, then sent. No connection; any bytes.
 *
 * A slot is asked for its keys' names, a part of them at a time. Once all of that part were sent and the part was full,
 * it is asked again: what was sent is not named any more. Keys that are not to be sent are remembered and left out.
 */
#ifndef REDIS_CARRY_STOCK_H
#define REDIS_CARRY_STOCK_H

#include "rop/mem.h"
#include "rop/observed.h"

#define STOCK_NOT_MEASURED (-1)
#define STOCK_GONE (-2) /* deleted, carried already, or expired: then it is there still, to be named to MIGRATE */

struct stock_key {
	const char *at;
	size_t n;
	int64_t bytes; /* in memory; or one of the above */
};

struct stock_slot {
	int slot, database;
	bool asked;  /* for names, or they are here */
	bool partly; /* it may have more than were named */
	ROP_LIST(struct stock_key) keys;
	size_t measured, next;           /* the first so many were measured; sent or passed over */
	ROP_LIST(struct stock_key) left; /* are not to be sent */
	struct stock_slot *after;
};

struct stock {
	struct rop_arena *arena;
	struct rop_slots all, ahead; /* ahead: not begun, in this database */
	int database, databases;
	struct stock_slot *first; /* in hand */
	size_t waiting;           /* keys that were named and not sent */
	size_t n_named, n_slots;  /* so far, to tell how many a slot has */
};

void stock_init(struct stock *stock, struct rop_arena *arena, const struct rop_slots *slots, int databases);
/* The next slot whose names are to be asked for, marked as asked; NULL: enough keys are known, or no slot is left. */
struct stock_slot *stock_to_ask(struct stock *stock, size_t keys_wanted);
size_t stock_names_most(const struct stock_slot *slot, size_t part); /* how many to ask for, for `part` new ones */
/* One name of its answer; and the end of it, with how many there were and had been asked for. */
void stock_name(struct stock *stock, struct stock_slot *slot, const char *at, size_t n);
void stock_named(struct stock *stock, struct stock_slot *slot, size_t n, size_t most);
void stock_pass_over(struct stock *stock, struct stock_slot *slot); /* the next key is not sent, by this carry */
void stock_sent(struct stock *stock, struct stock_slot *slot, size_t n);
void stock_tidy(struct stock *stock); /* slots of which nothing is left go */

#endif
