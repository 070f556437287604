/* slot_counts.c - CLUSTER COUNTKEYSINSLOT of the slots that are open on a node's own line.
 *
 * It counts in the selected database only; where a server has several (cluster-databases, Valkey 9) each is asked,
 * which is known where that setting is among those asked for. What is refused, or does not come, is unknown, which is
 * never taken for empty. Of very many the first are asked for.
 */
#include "slot_counts.h"

#include <string.h>

#include <hiredis/hiredis.h>

#include "rop/text.h"
#include "wire.h"

#define ASKED_MAX 8192 /* commands of one look to one node */

/* The open slots at the end of its own line. */
static const char *open_slots(const struct rop_answer *answer)
{
	const char *own = answer->cluster_nodes ? strstr(answer->cluster_nodes, "myself") : NULL;
	const char *open = own ? strchr(own, '[') : NULL;
	return open && open < own + strcspn(own, "\n") ? open : NULL;
}

/* 0: not known, and then nothing is counted: a database that is not counted would be taken for empty. */
static size_t databases(const struct questions *questions, const struct rop_answer *answer)
{
	int64_t n;
	for (size_t s = 0; s < questions->n_settings && answer->settings; s++) {
		if (strcmp(questions->setting_names[s], "cluster-databases") != 0)
			continue;
		if (answer->no_setting && answer->no_setting[s])
			return 1;
		return answer->settings[s] && rop_int_parse(answer->settings[s], 1, ASKED_MAX, &n) ? (size_t)n : 0;
	}
	return 0;
}

static void put(struct rop_text *wire, struct slot_counts *counts, const char *a, const char *b, const char *c)
{
	const char *argv[] = { a, b, c };
	wire_put(wire, c ? 3 : 2, argv);
	counts->replies++;
}

bool slot_counts_new(struct rop_arena *arena, const struct questions *questions, const struct rop_answer *answer,
		     struct slot_counts *ret_counts)
{
	struct slot_counts counts = { .databases = databases(questions, answer) };
	const char *open = open_slots(answer);
	struct rop_open_slot slot;
	size_t most = counts.databases ? ASKED_MAX / counts.databases : 0;
	for (const char *p = open; p && *p == '[' && counts.slots.n < most; p += strspn(p, " ")) {
		size_t n = strcspn(p, " \r\n");
		if (rop_open_slot_parse(p, n, &slot))
			*rop_push(arena, &counts.slots) = slot.slot;
		p += n;
	}
	if (!counts.slots.n)
		return false;
	ROP_OWN_TEXT wire = { 0 };
	for (size_t d = 0; d < counts.databases; d++) {
		if (counts.databases > 1)
			put(&wire, &counts, "SELECT", rop_printf(arena, "%zu", d), NULL);
		for (size_t i = 0; i < counts.slots.n; i++)
			put(&wire, &counts, "CLUSTER", "COUNTKEYSINSLOT", rop_printf(arena, "%d", counts.slots.at[i]));
	}
	if (counts.databases > 1)
		put(&wire, &counts, "SELECT", "0", NULL);
	counts.wire = rop_strndup(arena, wire.at, wire.n);
	counts.wire_n = wire.n;
	counts.keys = rop_alloc_n(arena, ROP_SLOTS, sizeof *counts.keys);
	for (int s = 0; s < ROP_SLOTS; s++)
		counts.keys[s] = ROP_COUNT_NOT_ASKED;
	for (size_t i = 0; i < counts.slots.n; i++)
		counts.keys[counts.slots.at[i]] = 0;
	*ret_counts = counts;
	return true;
}

/* Of which slot the i-th reply tells; -1: of none, it answers SELECT. */
static int slot_of(const struct slot_counts *counts, size_t i)
{
	size_t a_database = counts->slots.n + (counts->databases > 1);
	if (i / a_database >= counts->databases)
		return -1;
	size_t at = i % a_database;
	if (counts->databases > 1 && at == 0)
		return -1;
	return counts->slots.at[counts->databases > 1 ? at - 1 : at];
}

static void forget_all(struct slot_counts *counts)
{
	for (size_t i = 0; i < counts->slots.n; i++)
		counts->keys[counts->slots.at[i]] = ROP_COUNT_UNKNOWN;
}

void slot_counts_take(struct slot_counts *counts, size_t i, const struct redisReply *reply)
{
	int slot = slot_of(counts, i);
	if (slot < 0) { /* a database that cannot be selected cannot be counted */
		if (reply->type == REDIS_REPLY_ERROR)
			forget_all(counts);
		return;
	}
	if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0)
		counts->keys[slot] = ROP_COUNT_UNKNOWN;
	else if (counts->keys[slot] >= 0)
		counts->keys[slot] += reply->integer;
}

void slot_counts_end(const struct slot_counts *counts, struct rop_answer *answer)
{
	answer->slot_keys = counts->keys;
}
