/* journal.c - names and rules of step kinds, statuses and conditions; from the tables in journal.h. */
#include "rop/journal.h"

#include <string.h>

static const struct {
	const char *name;
	int64_t deadline_ms;
} STEP_KINDS[] = {
#define X(id, name, deadline, doc) { name, deadline },
	ROP_STEP_KINDS(X)
#undef X
};

static const char *const STATUSES[] = {
#define X(id, name) name,
	ROP_EXPECT_STATUSES(X)
#undef X
};

static const char *const CONDITIONS[] = {
#define X(id, name) name,
	ROP_CONDITION_TYPES(X)
#undef X
};

static const char *const DEEDS[] = {
#define X(id, name) name,
	ROP_DEEDS(X)
#undef X
};

static const char *const WISHES[] = {
#define X(id, name) name,
	ROP_WISH_STATUSES(X)
#undef X
};

static int find(const char *const *names, int n, const char *name)
{
	for (int i = 0; i < n; i++)
		if (strcmp(names[i], name) == 0)
			return i;
	return -1;
}

const char *rop_step_kind_name(enum rop_step_kind kind)
{
	return STEP_KINDS[kind].name;
}

bool rop_step_is_counted(enum rop_step_kind kind)
{
	return kind != ROP_STEP_GREET && kind != ROP_STEP_CARRY;
}

int rop_step_kind_find(const char *name)
{
	for (int i = 0; i < ROP_STEP_KINDS_N; i++)
		if (strcmp(STEP_KINDS[i].name, name) == 0)
			return i;
	return -1;
}

int64_t rop_step_kind_deadline_ms(enum rop_step_kind kind)
{
	return STEP_KINDS[kind].deadline_ms;
}

const char *rop_expect_status_name(enum rop_expect_status status)
{
	return STATUSES[status];
}

int rop_expect_status_find(const char *name)
{
	return find(STATUSES, ROP_EXPECT_STATUSES_N, name);
}

const char *rop_condition_type_name(enum rop_condition_type type)
{
	return CONDITIONS[type];
}

const char *rop_truth_name(enum rop_truth truth)
{
	static const char *const NAMES[] = { "Unknown", "False", "True" };
	return NAMES[truth];
}

bool rop_entry_empty(const struct rop_entry *entry)
{
	return !entry->resolutions.n && !entry->transitions.n && !entry->expects.n && !entry->temporaries_set.n &&
	       !entry->temporaries_gone.n && !entry->members_changed && !entry->shards_changed && !entry->state &&
	       !entry->formed && !entry->reached_revision && !entry->conditions_changed &&
	       entry->moving == ROP_UNKNOWN && !entry->wish_end.id && !entry->wish_begin.shard;
}

const char *rop_deed_name(enum rop_deed_kind what)
{
	return what < ROP_DEEDS_N ? DEEDS[what] : "";
}

int rop_deed_find(const char *name)
{
	return find(DEEDS, ROP_DEEDS_N, name);
}

const char *rop_wish_status_name(enum rop_wish_status status)
{
	return WISHES[status];
}

int rop_wish_status_find(const char *name)
{
	return find(WISHES, ROP_WISH_STATUSES_N, name);
}

/* ---- who had a shard's data ------------------------------------------------------------------------------------- */

const struct rop_copy_memory *rop_shard_led(const struct rop_shard_memory *shard)
{
	for (size_t c = 0; c < shard->copies.n; c++)
		if (shard->copies.at[c].led)
			return &shard->copies.at[c];
	return NULL;
}

bool rop_shard_had(const struct rop_shard_memory *shard, const char *node)
{
	for (size_t c = 0; c < shard->copies.n; c++)
		if (strcmp(shard->copies.at[c].node, node) == 0)
			return true;
	return false;
}
