/* dial.h - of this folder: a socket towards one address, and what the kernel knows of it. */
#ifndef REDIS_DIAL_H
#define REDIS_DIAL_H

#include <stdbool.h>

#include "verdict.h"

struct redisContext;

bool dial_is_literal(const char *ip); /* no name: those are asked for elsewhere, off the loop */
/* Begins to connect; the caller frees it (redisFree). NULL: the verdict says why. */
struct redisContext *dial(const char *ip, int port, struct verdict *ret_verdict);
const char *dial_reason(int error); /* an errno of connecting, in words */
/* The least that the kernel measured on it; 0: not known. */
int dial_rtt_ms(int fd);

#endif
