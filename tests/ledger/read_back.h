/* read_back.h - every account is read from the cluster, as a client would, and judged. */
#ifndef LEDGER_READ_BACK_H
#define LEDGER_READ_BACK_H

#include "cluster.h"
#include "judge.h"

void read_back(struct cluster *cluster, struct judge *judge);

#endif
