/* carry_pace.c - batches sized by what the last ones took: see the header. No clock, no connection. */
#include "carry_pace.h"

#define KEY_BYTES 2048           /* bytes that take as long as a key does by itself: measured 1 to 4 thousand */
#define PER_MS_FIRST (64 * 1024) /* careful; it doubles with each batch */
#define PER_MS_MIN (15 * 1024)   /* slower than that is a machine that is busy: smaller batches would not help it */
#define PER_MS_MAX (1024 * 1024) /* a thousand megabytes a second */
#define PER_MS_SURE (100 * 1000) /* what any server does with one large key */
#define STALLS_OF_ONE_KEY 10
#define PER_MS_PATIENT (5 * 1000)
#define US 1000000

static int64_t between(int64_t value, int64_t least, int64_t most)
{
	if (value < least)
		return least;
	return value > most ? most : value;
}

void carry_pace_init(struct carry_pace *pace, int64_t stall_us, bool gentle)
{
	*pace = (struct carry_pace){ .stall_us = stall_us, .per_ms = PER_MS_FIRST };
	pace->aim_us = gentle ? stall_us / 4 : stall_us / 2;
}

int64_t carry_weight(int64_t bytes)
{
	return KEY_BYTES + (bytes > 0 ? bytes : 0);
}

int64_t carry_pace_budget(const struct carry_pace *pace)
{
	return pace->per_ms * pace->aim_us / 1000;
}

/* A small batch says little of how fast it could be, unless it was slow. */
void carry_pace_took(struct carry_pace *pace, int64_t weight, int64_t us)
{
	int64_t measured = weight * 1000 / (us < 1 ? 1 : us);
	if (weight < carry_pace_budget(pace) / 4 && (measured > pace->per_ms || us < pace->aim_us))
		return;
	measured = between(measured, pace->per_ms / 4, pace->per_ms * 3);
	pace->per_ms = between((pace->per_ms + measured) / 2, PER_MS_MIN, PER_MS_MAX);
}

int64_t carry_pace_large(const struct carry_pace *pace)
{
	int64_t per_ms = pace->per_ms > PER_MS_SURE ? pace->per_ms : PER_MS_SURE;
	return per_ms * pace->stall_us / 1000 * STALLS_OF_ONE_KEY;
}

int64_t carry_patience_ms(int64_t bytes)
{
	return bytes > 0 ? bytes / PER_MS_PATIENT : 0;
}

int64_t carry_rate_next_us(int64_t not_before_us, int64_t now_us, int64_t n, int64_t rate)
{
	int64_t from = not_before_us > now_us ? not_before_us : now_us;
	return rate > 0 ? from + n * US / rate : from;
}

size_t carry_rate_most(int64_t rate)
{
	if (rate <= 0)
		return 0;
	return rate / 20 > 0 ? (size_t)(rate / 20) : 1;
}
