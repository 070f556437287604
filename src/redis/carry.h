/* carry.h - of this folder: keys on their way from one node to another; the flow is fleet_carry.c, one exchange with
 * the source is carry_exchange.c, which knows no timer, no other node and no next exchange.
 */
#ifndef REDIS_CARRY_H
#define REDIS_CARRY_H

#include "carry_pace.h"
#include "carry_stock.h"
#include "fleet.h"

enum carry_asked { CARRY_SELECT, CARRY_TIME, CARRY_MOVE, CARRY_SIZE, CARRY_NAMES };

struct carry {
	struct errand *errand;
	struct job *job; /* the exchange with the source */
	size_t command;  /* whose outcome it is */
	size_t node;
	struct rop_carry wanted;
	struct stock stock;
	struct carry_pace pace;
	ROP_LIST(struct asked_of {
		enum carry_asked what;
		struct stock_slot *slot;
		size_t n; /* MOVE: keys that it covers; SIZE: which key; NAMES: how many were asked for */
	}) asked;
	int database; /* selected while the pipeline is written */
	int64_t began_ms, exchange_began_us, first_time_us, batch_us;
	int64_t weight; /* of the batch on its way */
	size_t batch;   /* its keys */
	int64_t patience_ms;
	int64_t moved;
	bool unwitnessed; /* the target got something that no replica is known to have */
	const char *error, *large;
	struct rop_timer *timer;
	struct carry *after; /* of the same source */
};

/* Writes the next exchange into the job's wire: the keys that were measured are sent, those that were named are
 * measured, and more are named. false: nothing is left to be asked. */
bool carry_write(struct carry *carry);
/* Of link_exchange: how long the i-th answer may be, and what it says. */
size_t carry_limit(void *arg, size_t i, const char **ret_asked);
bool carry_reply(void *arg, size_t i, const struct redisReply *reply, struct verdict *ret_verdict);

#endif
