/* tally.c - what is counted of a snapshot's records, and that each key is where it belongs. */
#include "tally.h"

#include <stdlib.h>

#include "rop/mem.h"
#include "rop/text.h"

#define NAME_SHOWN 80

bool tally_add(struct tally *tally, const struct rop_rdb_record *record, struct rop_err *err)
{
	tally->functions += record->kind == ROP_RDB_FUNCTION;
	if (record->kind != ROP_RDB_KEY)
		return true;
	tally->keys++;
	tally->expiring += record->expires_ms >= 0;
	int slot = rop_key_slot(record->name, record->name_n);
	if (rop_slots_has(&tally->slots, slot))
		return true;
	ROP_OWN_ARENA arena = rop_arena_new();
	return rop_fail(err, ROP_FAIL, "key '%s' is of slot %d, which is another shard's",
			rop_text_visible(arena, (const char *)record->name, record->name_n, NAME_SHOWN), slot);
}

void progress_tell(const struct progress *progress, const struct rop_backup *backup,
		   void (*tell)(void *arg, const struct rop_backup_progress *shards, size_t n), void *arg)
{
	size_t n = backup->shards.n;
	if (!tell)
		return;
	struct rop_backup_progress *told = rop_malloc((n + 1) * sizeof *told);
	for (size_t i = 0; i < n; i++)
		told[i] = (struct rop_backup_progress){ .number = backup->shards.at[i].number,
							.phase = (enum rop_backup_phase)progress[i].phase,
							.bytes = progress[i].bytes,
							.keys = progress[i].keys };
	tell(arg, told, n);
	free(told);
}
