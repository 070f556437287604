/* moment.c - threads that wait for each other. */
#include "moment.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "rop/mem.h"

#define ADVICE "\n  -> a larger --max-pause, or no --consistent"
#define LOOK_MS 5 /* how often a stop is looked for */

struct moment {
	pthread_mutex_t mutex;
	pthread_cond_t changed; /* on the monotonic clock */
	size_t n, come[MOMENT_STEPS_N];
	int64_t max_us, first_us, last_us; /* 0: none yet */
};

static int64_t now_us(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

struct moment *moment_new(size_t n, int64_t max_pause_ms)
{
	struct moment *moment = rop_malloc(sizeof *moment);
	pthread_condattr_t attributes;
	*moment = (struct moment){ .mutex = PTHREAD_MUTEX_INITIALIZER, .n = n, .max_us = max_pause_ms * 1000 };
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&moment->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	return moment;
}

void moment_free(struct moment *moment)
{
	if (moment)
		pthread_cond_destroy(&moment->changed);
	free(moment);
}

static int64_t left_us(const struct moment *moment)
{
	return moment->first_us ? moment->first_us + moment->max_us - now_us() : moment->max_us;
}

static bool too_late(const struct moment *moment, enum moment_step step, struct rop_err *err)
{
	return rop_fail(err, ROP_TIMEOUT,
			step == MOMENT_PAUSED
				? "given up: after %lld ms %zu of %zu primaries were paused; writes go on" ADVICE
				: "given up: after %lld ms %zu of %zu shards' snapshots had begun; writes "
				  "go on" ADVICE,
			(long long)(moment->max_us / 1000), moment->come[step], moment->n);
}

static void wait_a_little(struct moment *moment)
{
	struct timespec until;
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += LOOK_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	pthread_cond_timedwait(&moment->changed, &moment->mutex, &until);
}

/* Whoever comes too late has not come: time is looked at under the same lock. */
bool moment_pass(struct moment *moment, enum moment_step step, struct crew *crew, struct rop_err *err)
{
	bool fine = true, timed = step != MOMENT_READY;
	pthread_mutex_lock(&moment->mutex);
	if (timed && left_us(moment) <= 0)
		fine = too_late(moment, step, err);
	else
		moment->come[step]++;
	pthread_cond_broadcast(&moment->changed);
	while (fine && moment->come[step] < moment->n) {
		if (crew_stopped(crew, err))
			fine = false;
		else if (timed && left_us(moment) <= 0)
			fine = too_late(moment, step, err);
		else
			wait_a_little(moment);
	}
	pthread_mutex_unlock(&moment->mutex);
	return fine;
}

bool moment_failed(struct moment *moment, struct rop_err *err)
{
	pthread_mutex_lock(&moment->mutex);
	if (left_us(moment) <= 0 && (!err || err->code == ROP_UNREACHABLE))
		too_late(moment, MOMENT_BEGUN, err);
	pthread_mutex_unlock(&moment->mutex);
	return false;
}

void moment_pausing(struct moment *moment)
{
	pthread_mutex_lock(&moment->mutex);
	if (!moment->first_us)
		moment->first_us = now_us();
	pthread_mutex_unlock(&moment->mutex);
}

int64_t moment_left_ms(struct moment *moment)
{
	pthread_mutex_lock(&moment->mutex);
	int64_t left = left_us(moment);
	pthread_mutex_unlock(&moment->mutex);
	return left > 0 ? (left + 999) / 1000 : 0;
}

void moment_lifted(struct moment *moment)
{
	pthread_mutex_lock(&moment->mutex);
	moment->last_us = now_us();
	pthread_mutex_unlock(&moment->mutex);
}

int64_t moment_pause_us(struct moment *moment)
{
	pthread_mutex_lock(&moment->mutex);
	int64_t took = moment->first_us && moment->last_us ? moment->last_us - moment->first_us : 0;
	pthread_mutex_unlock(&moment->mutex);
	return took;
}

int64_t moment_max_ms(const struct moment *moment)
{
	return moment->max_us / 1000;
}
