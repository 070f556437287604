/* log.h - facts with a subject, one line each, on stderr. Only cli/, daemon/ and operator/ log above debug. */
#ifndef ROP_LOG_H
#define ROP_LOG_H

enum rop_log_level { ROP_LOG_ERROR, ROP_LOG_WARN, ROP_LOG_INFO, ROP_LOG_DEBUG };

void rop_log_set_level(enum rop_log_level level);
/* rop_log(ROP_LOG_INFO, "cluster=cart Verify -> AssignSlots why=\"all 6 views agree\"") */
void rop_log(enum rop_log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
