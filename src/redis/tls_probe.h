/* tls_probe.h - of this folder: does whoever listens there speak TLS? */
#ifndef REDIS_TLS_PROBE_H
#define REDIS_TLS_PROBE_H

#include <stdbool.h>

enum tls_answer { TLS_ANSWER_NOT_YET, TLS_ANSWER_SPEAKS_IT, TLS_ANSWER_ANOTHER /* or none: it hung up */ };

/* On a new connection on which nothing was said yet. false: it cannot be asked. */
bool tls_probe_send(int fd);
enum tls_answer tls_probe_answer(int fd);

#endif
