/* fakes.h - what a drive stands on, made up: the clock, its timers, the fleet, the writer and the resolver.
 *
 * The program is linked so that these calls come by here first (--wrap). While `fakes.on` nothing happens by itself: a
 * test asks what is under way and lets it happen. The database is the real store, in memory; the nodes are a world.
 */
#ifndef TEST_FAKES_H
#define TEST_FAKES_H

#include "rop/drive.h"
#include "world.h"

/* Under way, the one that would end first. */
enum out { OUT_NOTHING, OUT_LOOK, OUT_SEND, OUT_COMMIT, OUT_CALL, OUT_NAME, OUT_TIMER };

struct fakes {
	bool on;
	int64_t now_ms; /* both clocks */
	struct rop_store *store;
	struct rop_observed *world;
	struct rop_drive *drive; /* whose steps are sent: commands are words, effects need the step */
	bool frozen;             /* commands arrive and change nothing */
	struct rop_err broken;   /* code not 0: what the next request to the writer ends with */

	int64_t look_takes_ms, commit_takes_ms;
	unsigned look_flags; /* of the last look */
	int64_t look_began_ms, not_after_ms;
	size_t looks, sends, commands, unwritten; /* unwritten: commands without a pending row in the database */
	size_t commits, calls;                    /* that were told */
	int fleets, timers, requests;             /* open now */
	char expected[ROP_NODES_MAX][ROP_ID_SIZE];
	size_t n_names; /* being looked up */
};
extern struct fakes fakes;

void fakes_begin(void); /* an empty store; after world_setup */
void fakes_end(void);   /* nothing may be open any more */

enum out fake_out(void);
void fake_turn(void);           /* lets it happen */
void fake_until(enum out what); /* until that is under way */
int64_t fake_timer_ms(void);    /* how long until the first timer; -1: none runs */

/* The resolver's answer to a name that is being looked up. */
void fake_resolves(const char *host, const char *const *ips, size_t n, const char *why);

#endif
