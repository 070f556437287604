/* run.h - `ledger run`, `ledger verify`, `ledger probe`: each gives the exit code. */
#ifndef LEDGER_RUN_H
#define LEDGER_RUN_H

#include "options.h"

int run(const struct options *with);
int verify(const struct options *with);
int probe(const struct options *with);

#endif
