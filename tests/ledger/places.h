/* places.h - every primary is asked for all its keys: each key on one node, and that one owns its slot. */
#ifndef LEDGER_PLACES_H
#define LEDGER_PLACES_H

#include "books.h"
#include "cluster.h"
#include "verdict.h"

struct places {
	size_t primaries;
	size_t ours, others; /* keys found: of the journal, and of nobody that we know */
};

/* By the cluster's map, which is as new as can be. Slots must not be moving. */
void places_search(struct cluster *cluster, const struct books *books, struct verdict *verdict, struct places *ret);

#endif
