/* workers.h - who writes: each worker has one write in flight, and no value is ever sent as another write again. */
#ifndef LEDGER_WORKERS_H
#define LEDGER_WORKERS_H

#include "caller.h"
#include "keys.h"

struct crew;

struct worker {
	struct crew *crew;
	struct caller caller;
	uint32_t name;
	uint64_t number; /* of its newest write */
	uint64_t seed;
	int64_t begin_us; /* it rests until then; 0: it does not rest */
	struct text wire;
	struct key *key, once;
	struct entry entry;
};

struct crew {
	struct cluster *cluster;
	struct keys *keys;
	struct journal *journal;
	struct worker *workers;
	size_t n;

	uint64_t writes_max;   /* acknowledged; 0: any number */
	int64_t apart_us;      /* between the beginnings of two writes, of all workers together; 0: none */
	int64_t next_begin_us; /* when the next one may begin */
	bool ending;           /* nothing more is begun */

	uint64_t outcomes[OUTCOMES_N];
	uint64_t detours[DETOURS_N]; /* acknowledged writes that met such a thing at least once */
	int64_t last_us, longest_gap_us;
};

void crew_init(struct crew *crew, size_t workers, uint64_t seed);
void crew_done(struct crew *crew);
void crew_begin(struct crew *crew);
/* What is due; call it when the cluster's due_us has come, after setting that to the far future. */
void crew_tick(struct crew *crew, int64_t now);
/* Nothing more is begun; what waits to be sent again is given up. */
void crew_end(struct crew *crew);
/* What is in flight still is unknown from now on. */
void crew_give_up(struct crew *crew);
bool crew_busy(const struct crew *crew);

#endif
