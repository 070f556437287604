/* tries.h - what was tried, and how it went: the reconciler's memory, asked by planners. May a step on this subject be
 * planned now? Of policy and operator only; the clock is the caller's.
 */
#ifndef ROP_TRIES_H
#define ROP_TRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/journal.h"
#include "rop/mem.h"

struct rop_tries;

enum rop_may {
	ROP_MAY,
	ROP_MAY_PENDING, /* one is under way */
	ROP_MAY_LATER,   /* backing off */
	ROP_MAY_NEVER,   /* too often */
};

struct rop_tries *rop_tries_new(struct rop_arena *arena);
void rop_tries_pending(struct rop_tries *tries, const struct rop_expect *expect);
/* The expectation ended: met forgets the subject; refused and expired count, and say when it may be tried again. */
void rop_tries_ended(struct rop_tries *tries, const struct rop_expect *expect, enum rop_expect_status status,
		     int64_t boot_ms);
/* Asked once a pass: what failed too often may be tried once more after five minutes, and failures of ten minutes ago
 * do not count any more, so that whoever keeps a cluster for months neither gives a step up for ever nor adds up what
 * went wrong now and then. What nothing seen would ask for again (CONFIG REWRITE) stays remembered as not done. */
void rop_tries_forgive(struct rop_tries *tries, int64_t boot_ms);
/* What still counts, in another arena: subjects that are neither pending nor failing are left behind. */
struct rop_tries *rop_tries_copy(struct rop_arena *arena, const struct rop_tries *tries);
enum rop_may rop_tries_may(const struct rop_tries *tries, const char *subject, int64_t boot_ms);
bool rop_tries_slot_pending(const struct rop_tries *tries, int first, int last);
const char *rop_tries_note(const struct rop_tries *tries, const char *subject); /* of its last failure; NULL: none */
/* Was a node seen to take this value by CONFIG SET? (One may have it from its own configuration file.) */
bool rop_tries_was_taken(const struct rop_tries *tries, const char *name, const char *value);
/* Refused for good: what a server says of a name or a value it will say again. It is not tried again in this run, and
 * does not count as given up: nothing else depends on it. */
bool rop_tries_is_final(const struct rop_tries *tries, const char *subject);
/* A CONFIG REWRITE that is still to be done: nothing that is seen would tell. */
void rop_tries_owe_rewrite(struct rop_tries *tries, const char *node);
bool rop_tries_is_owed(const struct rop_tries *tries, const char *subject);
/* To lower this setting for a while was not permitted: it stays, and things take longer. */
bool rop_tries_is_no_help(const struct rop_tries *tries, const char *subject);
bool rop_has_no_file_note(const char *note); /* of a CONFIG REWRITE: the server runs without one */
bool rop_is_denial(const char *note);        /* the server's NOPERM: no use in trying again */
int rop_tries_count(const struct rop_tries *tries, const char *subject); /* attempts so far */
size_t rop_tries_n_pending(const struct rop_tries *tries);
bool rop_tries_fails_over(const struct rop_tries *tries); /* a fail-over is under way, of whichever shard */
bool rop_tries_gave_up(const struct rop_tries *tries, const char **ret_subject, const char **ret_note);
/* When the next backed-off subject may be tried; INT64_MAX: none. */
int64_t rop_tries_next_ms(const struct rop_tries *tries, int64_t boot_ms);

#endif
