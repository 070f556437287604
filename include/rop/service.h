/* service.h - what the service manager is told, and its journal. libsystemd inside; without systemd all of it does
 * nothing. */
#ifndef ROP_SERVICE_H
#define ROP_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/log.h"

/* sd_notify(3). Each is one datagram; where there is no NOTIFY_SOCKET nothing happens. */
void rop_service_ready(void);
void rop_service_status(const char *text); /* STATUS=: one line, for `systemctl status` */
void rop_service_reloading(void);          /* RELOADING=1 with MONOTONIC_USEC; rop_service_ready() ends it */
void rop_service_stopping(void);
void rop_service_alive(void);          /* WATCHDOG=1: only from a finished pass */
int64_t rop_service_watchdog_ms(void); /* WATCHDOG_USEC for this process; 0: nobody watches */

/* Is stderr connected to the journal ($JOURNAL_STREAM names its device and inode)? */
bool rop_service_has_journal(void);
/* A sink for rop_log_set_sink: MESSAGE, PRIORITY, SYSLOG_IDENTIFIER and one journal field per log field (cluster:
 * REDIS_CLUSTER, node: REDIS_NODE, from: STATE_FROM, to: STATE_TO, others: upper case). */
void rop_service_journal(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n);

#endif
