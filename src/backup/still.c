/* still.c - a primary that takes no writes for a moment (CLIENT PAUSE ms WRITE: reads go on).
 *
 * Happy path: all are ready, all primaries are paused, each replica has what its primary has, all snapshots have begun,
 * all are lifted. Failure modes: a primary does not pause; a replica does not come up; a snapshot does not begin in
 * time: then it is given up. The pause is lifted in each case, and ends by itself where we die.
 */
#include "still.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rop/mem.h"
#include "rop/text.h"

#define POLL_NS 1000000

struct still {
	struct rop_talk *primary;
	const char *address;
	struct moment *moment;
	struct crew *crew;
	bool from_replica, paused;
	int64_t offset;     /* of the primary, when it was paused */
	int64_t timeout_ms; /* of the source, when there is no hurry */
};

bool still_open(const struct rop_talk_options *primary, bool from_replica, struct moment *moment, struct crew *crew,
		struct still **ret_still, struct rop_err *err)
{
	struct still *still = rop_malloc(sizeof *still);
	*still = (struct still){ .address = primary->address,
				 .moment = moment,
				 .crew = crew,
				 .from_replica = from_replica,
				 .timeout_ms = primary->timeout_ms };
	if (!rop_talk_open(primary, &still->primary, err)) {
		free(still);
		return false;
	}
	*ret_still = still;
	return true;
}

static bool lift(struct still *still, struct rop_err *err)
{
	struct rop_talk_reply reply;
	still->paused = false;
	bool fine = rop_talk_ask(still->primary, "CLIENT UNPAUSE", &reply, err) &&
		    rop_talk_is_ok(still->primary, "CLIENT UNPAUSE", &reply, err);
	moment_lifted(still->moment);
	return fine;
}

void still_close(struct still *still)
{
	struct rop_err ignored = { 0 };
	if (!still)
		return;
	if (still->paused)
		lift(still, &ignored); /* else its own time ends it */
	rop_talk_close(still->primary);
	free(still);
}

static bool offset_of(struct rop_talk *talk, const char *name, int64_t *ret, struct rop_err *err)
{
	struct rop_talk_reply reply;
	char number[24];
	if (!rop_talk_ask(talk, "INFO replication", &reply, err))
		return false;
	const char *at = reply.kind == '$' ? strstr(reply.text, name) : NULL;
	if (!at)
		return rop_talk_refused(talk, "INFO replication", &reply, err);
	snprintf(number, sizeof number, "%.*s", (int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
	return rop_int_parse(number, 0, INT64_MAX, ret) || rop_fail(err, ROP_FAIL, "%s is no number", name);
}

static bool pause(struct still *still, struct rop_err *err)
{
	struct rop_talk_reply reply;
	char command[64];
	snprintf(command, sizeof command, "CLIENT PAUSE %lld WRITE", (long long)moment_max_ms(still->moment));
	moment_pausing(still->moment);
	still->paused = true; /* also where the answer is lost */
	return rop_talk_ask(still->primary, command, &reply, err) &&
	       rop_talk_is_ok(still->primary, "CLIENT PAUSE", &reply, err) &&
	       offset_of(still->primary, "master_repl_offset:", &still->offset, err);
}

static bool wait_for_replica(struct still *still, struct rop_talk *source, struct rop_err *err)
{
	for (int64_t has = -1;;) {
		if (!offset_of(source, "slave_repl_offset:", &has, err))
			return false;
		if (has >= still->offset)
			return true;
		if (moment_left_ms(still->moment) == 0)
			return rop_fail(
				err, ROP_TIMEOUT,
				"given up: after %lld ms a replica lacks %lld bytes of what %s has; writes go on",
				(long long)moment_max_ms(still->moment), (long long)(still->offset - has),
				still->address);
		nanosleep(&(struct timespec){ .tv_nsec = POLL_NS }, NULL);
	}
}

bool still_before(struct still *still, struct rop_talk *source, struct rop_err *err)
{
	if (!moment_pass(still->moment, MOMENT_READY, still->crew, err) || !pause(still, err) ||
	    !moment_pass(still->moment, MOMENT_PAUSED, still->crew, err) ||
	    (still->from_replica && !wait_for_replica(still, source, err)))
		return false;
	rop_talk_patience(source, moment_left_ms(still->moment) + 1);
	return true;
}

bool still_begun(struct still *still, struct rop_talk *source, int64_t offset, struct rop_err *err)
{
	rop_talk_patience(source, still->timeout_ms);
	if (offset < still->offset)
		return rop_fail(err, ROP_FAIL, "the snapshot is of offset %lld, and %s was paused at %lld",
				(long long)offset, still->address, (long long)still->offset);
	return moment_pass(still->moment, MOMENT_BEGUN, still->crew, err) && lift(still, err);
}
