/* log.h - facts with a subject, one line each. Only cli/, daemon/ and operator/ log above debug.
 *
 *     rop_log(ROP_LOG_INFO, "Verify -> AssignSlots", ROP_FIELDS({ "cluster", name }, { "from", "Verify" }, ...));
 *
 * A fact is a message for people and fields for programs. Where it goes is a sink: by default logfmt on stderr
 * (`level=info cluster=cart from=Verify to=AssignSlots why="all 6 views agree" msg="Verify -> AssignSlots"`), or JSON,
 * one object a line; service.h has one that writes to the journal.
 */
#ifndef ROP_LOG_H
#define ROP_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum rop_log_level { ROP_LOG_ERROR, ROP_LOG_WARN, ROP_LOG_INFO, ROP_LOG_DEBUG, ROP_LOG_LEVELS_N };
enum rop_log_format {
	ROP_LOG_AUTO /* the journal under systemd, else logfmt */,
	ROP_LOG_LOGFMT,
	ROP_LOG_JSON,
	ROP_LOG_FORMATS_N
};
const char *rop_log_level_name(enum rop_log_level level); /* "error" "warn" "info" "debug" */
int rop_log_level_find(const char *name);                 /* -1: none */
int rop_log_format_find(const char *name);                /* "auto" "logfmt" "json"; -1: none */

struct rop_log_field {
	const char *key, *value;
}; /* value NULL: the field is left out */
/* keys in use: cluster node from to row why step command status error path pid */
#define ROP_FIELDS(...) \
	(const struct rop_log_field[]){ __VA_ARGS__ }, \
		sizeof((const struct rop_log_field[]){ __VA_ARGS__ }) / sizeof(struct rop_log_field)

typedef void (*rop_log_sink)(enum rop_log_level level, const char *message, const struct rop_log_field *fields,
			     size_t n);
void rop_log_logfmt(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n);
void rop_log_json(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n);
void rop_log_set_sink(rop_log_sink sink);
/* Lines of the sinks below begin with the time that it tells; NULL, the default: without, for who reads them at once.
 */
void rop_log_set_clock(int64_t (*wall_ms)(void));
void rop_log_set_level(enum rop_log_level level);
bool rop_log_wants(enum rop_log_level level); /* would it be written? */
void rop_log(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n);

#endif
