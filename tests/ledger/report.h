/* report.h - what verify found, as text or JSON on stdout. */
#ifndef LEDGER_REPORT_H
#define LEDGER_REPORT_H

#include "options.h"
#include "places.h"

void report_print(const struct options *with, const struct books *books, const struct places *places,
		  const struct verdict *verdict);

#endif
