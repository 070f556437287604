/* carry_stock.c - which keys are next: see the header. */
#include "carry_stock.h"

#include <string.h>

void stock_init(struct stock *stock, struct rop_arena *arena, const struct rop_slots *slots, int databases)
{
	*stock = (struct stock){ .arena = arena, .all = *slots, .ahead = *slots, .databases = databases };
}

/* Where this database is done, the next database. */
static struct stock_slot *begin_slot(struct stock *stock)
{
	int slot = rop_slots_first(&stock->ahead);
	if (slot == ROP_SLOTS && stock->database + 1 < stock->databases) {
		stock->database++;
		stock->ahead = stock->all;
		slot = rop_slots_first(&stock->ahead);
	}
	if (slot == ROP_SLOTS)
		return NULL;
	stock->ahead.bits[slot / 64] &= ~((uint64_t)1 << (slot % 64));
	struct stock_slot **last = &stock->first;
	while (*last)
		last = &(*last)->after;
	*last = rop_alloc(stock->arena, sizeof **last);
	(*last)->slot = slot;
	(*last)->database = stock->database;
	return *last;
}

/* How many keys the slots have that were asked and have not answered, as far as the others tell. */
static size_t expected(const struct stock *stock)
{
	size_t asked = 0, of_one = stock->n_slots ? stock->n_named / stock->n_slots + 1 : 16;
	for (const struct stock_slot *slot = stock->first; slot; slot = slot->after)
		asked += slot->asked && slot->keys.n == 0;
	return asked * of_one;
}

struct stock_slot *stock_to_ask(struct stock *stock, size_t keys_wanted)
{
	if (stock->waiting + expected(stock) >= keys_wanted)
		return NULL;
	struct stock_slot *slot = stock->first;
	while (slot && slot->asked)
		slot = slot->after;
	if (!slot)
		slot = begin_slot(stock);
	if (slot)
		slot->asked = true;
	return slot;
}

size_t stock_names_most(const struct stock_slot *slot, size_t part)
{
	return part + slot->left.n;
}

static bool is_left(const struct stock_slot *slot, const char *at, size_t n)
{
	for (size_t k = 0; k < slot->left.n; k++)
		if (slot->left.at[k].n == n && memcmp(slot->left.at[k].at, at, n) == 0)
			return true;
	return false;
}

void stock_name(struct stock *stock, struct stock_slot *slot, const char *at, size_t n)
{
	if (is_left(slot, at, n))
		return;
	*rop_push(stock->arena, &slot->keys) = (struct stock_key){ rop_strndup(stock->arena, at, n), n,
								   STOCK_NOT_MEASURED };
	stock->waiting++;
	stock->n_named++;
}

void stock_named(struct stock *stock, struct stock_slot *slot, size_t n, size_t most)
{
	slot->partly = n >= most;
	stock->n_slots++;
}

void stock_sent(struct stock *stock, struct stock_slot *slot, size_t n)
{
	slot->next += n;
	stock->waiting -= n;
}

void stock_pass_over(struct stock *stock, struct stock_slot *slot)
{
	*rop_push(stock->arena, &slot->left) = slot->keys.at[slot->next];
	stock_sent(stock, slot, 1);
}

void stock_tidy(struct stock *stock)
{
	for (struct stock_slot **at = &stock->first; *at;) {
		struct stock_slot *slot = *at;
		bool over = slot->asked && slot->next == slot->keys.n;
		if (over && !slot->partly) {
			*at = slot->after;
			continue;
		}
		if (over) {
			slot->keys.n = slot->next = slot->measured = 0;
			slot->asked = slot->partly = false;
		}
		at = &slot->after;
	}
}
