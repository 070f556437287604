/* target.c - what a primary is asked before and after keys are given to it. */
#include "target.h"

#include <stdio.h>
#include <string.h>

#include "already.h"
#include "rop/rdb.h"

struct rop_talk_options target_talk(const struct rop_restore_options *options, size_t target, int stop_fd)
{
	const struct rop_restore_target *to = &options->targets[target];
	return (struct rop_talk_options){ .address = to->address,
					  .ip = to->ip,
					  .port = to->port,
					  .user = options->user,
					  .password = options->password,
					  .client_name = options->client_name,
					  .connect_timeout_ms = options->connect_timeout_ms,
					  .timeout_ms = options->command_timeout_ms,
					  .stop_fd = stop_fd };
}

static bool open_talk(const struct rop_restore_options *options, size_t target, struct rop_talk **ret_talk,
		      struct rop_err *err)
{
	struct rop_talk_options talk = target_talk(options, target, -1);
	return rop_talk_open(&talk, ret_talk, err);
}

/* ---- who they are ---------------------------------------------------------------------------------------------- */

bool target_owners(const struct rop_restore_options *options, int16_t *owner, struct rop_err *err)
{
	for (int slot = 0; slot < ROP_SLOTS; slot++) {
		owner[slot] = -1;
		for (size_t i = 0; i < options->n_targets; i++)
			if (rop_slots_has(&options->targets[i].slots, slot))
				owner[slot] = (int16_t)i;
		if (owner[slot] < 0)
			return rop_fail(err, ROP_REFUSED, "nobody owns slot %d of the cluster", slot);
	}
	return true;
}

/* ---- before ----------------------------------------------------------------------------------------------------- */

static bool is_empty(struct rop_talk *talk, const char *address, struct rop_err *err)
{
	struct rop_talk_reply reply;
	if (!rop_talk_ask(talk, "DBSIZE", &reply, err))
		return false;
	if (reply.kind != ':')
		return rop_talk_refused(talk, "DBSIZE", &reply, err);
	return reply.number == 0 ||
	       rop_fail(err, ROP_REFUSED, "%s holds %lld keys already: a backup is restored into an empty cluster",
			address, (long long)reply.number);
}

/* A name whose slot is the server's: it would send others elsewhere. */
static void name_of_its(const struct rop_slots *slots, char *name, size_t size)
{
	for (unsigned i = 0;; i++) {
		int n = snprintf(name, size, "redis-operator:%u", i);
		if (rop_slots_has(slots, rop_key_slot(name, (size_t)n)))
			return;
	}
}

#define NO_TYPE 200 /* of a value that is none: it is refused after the version and the checksum were looked at */

/* RESTORE of nothing at all, well wrapped: the server says whether it would read what is of that version. */
static bool takes_version(struct rop_talk *talk, const char *name, int version, bool *ret_takes, struct rop_err *err)
{
	struct rop_crc64 crc;
	struct rop_talk_reply reply;
	uint8_t payload[11] = { NO_TYPE, (uint8_t)(version & 255), (uint8_t)(version >> 8) };
	rop_crc64_init(&crc);
	uint64_t sum = rop_crc64_add(&crc, 0, payload, 3);
	for (int i = 0; i < 8; i++)
		payload[3 + i] = (uint8_t)(sum >> (8 * i));
	rop_talk_begin(talk, 4);
	rop_talk_text(talk, "RESTORE");
	rop_talk_text(talk, name);
	rop_talk_text(talk, "0");
	rop_talk_word(talk, payload, sizeof payload);
	if (!rop_talk_flush(talk, err) || !rop_talk_reply(talk, &reply, err))
		return false;
	*ret_takes = reply.kind == '-' && strstr(reply.text, "Bad data format");
	if (*ret_takes || (reply.kind == '-' && strstr(reply.text, "payload version or checksum")))
		return true;
	return rop_talk_refused(talk, "RESTORE", &reply, err);
}

static bool reads_version(struct rop_talk *talk, const struct rop_restore_target *to, const struct rop_backup_shard *of,
			  struct rop_err *err)
{
	char name[48];
	bool takes = false;
	name_of_its(&to->slots, name, sizeof name);
	if (!takes_version(talk, name, of->rdb_version, &takes, err))
		return false;
	int newest = of->rdb_version;
	for (bool lower = takes; !lower && newest > 1;)
		if (!takes_version(talk, name, --newest, &lower, err))
			return false;
	return takes || rop_fail(err, ROP_REFUSED,
				 "%s (%s) reads RDB up to version %d, and the backup is of version %d (%s): it can be "
				 "restored into servers of at least that version and the same fork",
				 to->address, to->flavour, newest, of->rdb_version, of->server);
}

bool target_may_take(const struct rop_restore_options *options, size_t target, const struct rop_backup_shard *of,
		     struct rop_err *err)
{
	const struct rop_restore_target *to = &options->targets[target];
	struct rop_talk *talk;
	if (!open_talk(options, target, &talk, err))
		return false;
	bool fine = (options->resumes || is_empty(talk, to->address, err)) && reads_version(talk, to, of, err);
	rop_talk_close(talk);
	return fine;
}

bool target_is_empty(const struct rop_restore_options *options, size_t target, struct rop_err *err)
{
	struct rop_talk *talk;
	if (!open_talk(options, target, &talk, err))
		return false;
	bool fine = is_empty(talk, options->targets[target].address, err);
	rop_talk_close(talk);
	return fine;
}

bool target_reads(const struct rop_restore_options *options, size_t target, const struct rop_backup_shard *of,
		  struct rop_err *err)
{
	struct rop_talk *talk;
	if (!open_talk(options, target, &talk, err))
		return false;
	bool fine = reads_version(talk, &options->targets[target], of, err);
	rop_talk_close(talk);
	return fine;
}

/* ---- functions -------------------------------------------------------------------------------------------------- */

static bool give_function(struct rop_talk *talk, const uint8_t *payload, size_t n, struct rop_err *err)
{
	struct rop_talk_reply reply;
	rop_talk_begin(talk, 3);
	rop_talk_text(talk, "FUNCTION");
	rop_talk_text(talk, "RESTORE");
	rop_talk_word(talk, payload, n);
	return rop_talk_flush(talk, err) && rop_talk_reply(talk, &reply, err) &&
	       rop_talk_is_ok(talk, "FUNCTION RESTORE", &reply, err);
}

bool target_give_function(const struct rop_restore_options *options, size_t target, const uint8_t *payload, size_t n,
			  struct rop_err *err)
{
	struct rop_talk *talk;
	bool has = false;
	if (!open_talk(options, target, &talk, err))
		return false;
	bool fine = (!options->resumes || already_has_library(talk, payload, n, &has, err)) &&
		    (has || give_function(talk, payload, n, err));
	rop_talk_close(talk);
	return fine;
}

/* ---- after ------------------------------------------------------------------------------------------------------ */

#define COUNTED_AT_ONCE 1024

static bool count_some(struct rop_talk *talk, const int *slots, size_t n, int64_t *ret_keys, struct rop_err *err)
{
	for (size_t i = 0; i < n; i++) {
		rop_talk_begin(talk, 3);
		rop_talk_text(talk, "CLUSTER");
		rop_talk_text(talk, "COUNTKEYSINSLOT");
		rop_talk_number(talk, slots[i]);
	}
	if (!rop_talk_flush(talk, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct rop_talk_reply reply;
		if (!rop_talk_reply(talk, &reply, err))
			return false;
		if (reply.kind != ':')
			return rop_talk_refused(talk, "CLUSTER COUNTKEYSINSLOT", &reply, err);
		ret_keys[slots[i]] = reply.number;
	}
	return true;
}

static bool count_all(struct rop_talk *talk, const struct rop_slots *its, int64_t *ret_keys, struct rop_err *err)
{
	int slots[COUNTED_AT_ONCE];
	size_t n = 0;
	for (int slot = 0; slot <= ROP_SLOTS; slot++) {
		if (slot < ROP_SLOTS && rop_slots_has(its, slot))
			slots[n++] = slot;
		if (n == 0 || (n < COUNTED_AT_ONCE && slot < ROP_SLOTS))
			continue;
		if (!count_some(talk, slots, n, ret_keys, err))
			return false;
		n = 0;
	}
	return true;
}

bool target_count(const struct rop_restore_options *options, size_t target, int64_t *ret_keys, struct rop_err *err)
{
	struct rop_talk *talk;
	if (!open_talk(options, target, &talk, err))
		return false;
	bool fine = count_all(talk, &options->targets[target].slots, ret_keys, err);
	rop_talk_close(talk);
	return fine;
}
