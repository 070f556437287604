/* carry_pace.h - how many keys make one batch: pure arithmetic over what the last batches took.
 *
 * MIGRATE keeps its server from everybody else, so a batch is as much as fits into the stall that is declared. A key
 * costs something by itself, and something for each of its bytes: its weight. What a server moves of it in a
 * millisecond is learnt from batch to batch.
 */
#ifndef REDIS_CARRY_PACE_H
#define REDIS_CARRY_PACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct carry_pace {
	int64_t stall_us; /* how long a batch may take at most */
	int64_t aim_us;   /* and is to take */
	int64_t per_ms;   /* weight that is moved in a millisecond, as learnt */
};

void carry_pace_init(struct carry_pace *pace, int64_t stall_us,
		     bool gentle);   /* aims at a half of it, gentle at a quarter */
int64_t carry_weight(int64_t bytes); /* of one key */
/* A batch of that weight took so long at the source. */
void carry_pace_took(struct carry_pace *pace, int64_t weight, int64_t us);
int64_t carry_pace_budget(const struct carry_pace *pace); /* the weight of the next batch; one key always fits */
/* Keys of more bytes than this are large: alone they would take longer than ten times the stall. */
int64_t carry_pace_large(const struct carry_pace *pace);
/* How long a key of so many bytes may take on its way before it is given up, at the slowest that is believed. */
int64_t carry_patience_ms(int64_t bytes);
/* Who has moved n keys now may go on when? rate keys a second; 0: at once. All in microseconds. */
int64_t carry_rate_next_us(int64_t not_before_us, int64_t now_us, int64_t n, int64_t rate);
/* Keys of one batch under a rate: those of a twentieth of a second, one at least; 0: as many as fit. */
size_t carry_rate_most(int64_t rate);

#endif
