/* target.h - of this folder: what a primary is asked before and after keys are given to it. */
#ifndef BACKUP_TARGET_H
#define BACKUP_TARGET_H

#include "rop/backup.h"
#include "rop/talk.h"

struct rop_talk_options target_talk(const struct rop_restore_options *options, size_t target, int stop_fd);

/* [slot] the index of its target. Code REFUSED: one has none. */
bool target_owners(const struct rop_restore_options *options, int16_t *owner, struct rop_err *err);
/* It holds no key, and takes what is of that RDB version; nothing is written. Code REFUSED else, both versions named.
 */
bool target_may_take(const struct rop_restore_options *options, size_t target, const struct rop_backup_shard *of,
		     struct rop_err *err);
/* The first half of that: no key. */
bool target_is_empty(const struct rop_restore_options *options, size_t target, struct rop_err *err);
/* The second half of that, also where it holds keys by now. */
bool target_reads(const struct rop_restore_options *options, size_t target, const struct rop_backup_shard *of,
		  struct rop_err *err);
/* A library as FUNCTION RESTORE takes it. */
bool target_give_function(const struct rop_restore_options *options, size_t target, const uint8_t *payload, size_t n,
			  struct rop_err *err);
/* The keys of each of its slots, in ret_keys[slot]. */
bool target_count(const struct rop_restore_options *options, size_t target, int64_t *ret_keys, struct rop_err *err);

#endif
