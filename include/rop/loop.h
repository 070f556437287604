/* loop.h - the event loop, and the only clock of the program. libuv inside. One thread; callbacks are thin. */
#ifndef ROP_LOOP_H
#define ROP_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/mem.h"

struct rop_loop;
struct rop_loop *rop_loop_new(struct rop_err *err); /* the process ignores SIGPIPE from here on: writes fail instead */
void rop_loop_free(
	struct rop_loop *loop); /* the last of all: frees what still hangs on it; waits for names being looked up */
void rop_loop_run(struct rop_loop *loop); /* until rop_loop_stop, or nothing is left to wait for */
void rop_loop_stop(struct rop_loop *loop);

int64_t rop_wall_ms(void);     /* since 1970 */
int64_t rop_boot_ms(void);     /* CLOCK_BOOTTIME: goes on during suspend, starts anew with the host */
const char *rop_boot_id(void); /* tells boots apart; "" where the kernel does not say */

struct rop_timer;
struct rop_timer *rop_timer_new(struct rop_loop *loop, void (*fire)(void *arg), void *arg);
void rop_timer_start(struct rop_timer *timer, int64_t ms); /* once; starting again sets it anew */
void rop_timer_stop(struct rop_timer *timer);
void rop_timer_free(struct rop_timer *timer); /* NULL is fine */

/* Readiness of a descriptor somebody else owns. NULL: it cannot be watched (a file). An error of the descriptor counts
 * as readable and writable: the read or the write tells. */
struct rop_watch;
struct rop_watch *rop_watch_new(struct rop_loop *loop, int fd, void (*ready)(void *arg, bool readable, bool writable),
				void *arg);
void rop_watch_set(struct rop_watch *watch, bool read, bool write);
void rop_watch_free(struct rop_watch *watch); /* before the descriptor is closed; NULL is fine */

/* SIGINT, SIGTERM, SIGHUP ... as events. Waiting for a signal alone does not keep the loop running. */
struct rop_signal;
struct rop_signal *rop_signal_new(struct rop_loop *loop, int signum, void (*fire)(void *arg, int signum), void *arg);
void rop_signal_free(struct rop_signal *signal);

/* One thread beside the loop, for what may block (the disk). Jobs run one after another in the order they were given;
 * done follows on the loop, never from inside rop_worker_do. Waiting for a job keeps the loop running. Its own thread,
 * and not libuv's few: those may all be busy with names that nobody answers. */
struct rop_worker;
struct rop_worker *rop_worker_new(struct rop_loop *loop, struct rop_err *err);
void rop_worker_do(struct rop_worker *worker, void (*work)(void *arg), void (*done)(void *arg), void *arg);
void rop_worker_wait(struct rop_worker *worker); /* until no job is waiting or under way; their done still follow */
void rop_worker_free(struct rop_worker *worker); /* does what was given to it first; no done any more. NULL is fine */

/* Names to addresses, off the loop. found is called once, on the loop, with n literal addresses (n = 0: why says);
 * never from inside this call, and not at all when the loop is freed before. There is no deadline but the resolver's.
 */
void rop_resolve(struct rop_loop *loop, const char *host,
		 void (*found)(void *arg, const char *const *ips, size_t n, const char *why), void *arg);

#endif
