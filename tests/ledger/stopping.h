/* stopping.h - who says that it is over: a signal, or a file that is there. */
#ifndef LEDGER_STOPPING_H
#define LEDGER_STOPPING_H

#include <stdbool.h>

/* SIGTERM and SIGINT are noted from now on; `file` may be NULL. */
void stopping_begin(const char *file);
bool stopping(void);

#endif
