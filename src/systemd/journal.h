/* journal.h - inside systemd/: which journal fields a fact of the log becomes. Pure; service.c sends them. */
#ifndef SYSTEMD_JOURNAL_H
#define SYSTEMD_JOURNAL_H

#include "rop/log.h"
#include "rop/mem.h"

/* One for each kind of event that people ask the journal for (`journalctl MESSAGE_ID=...`). Constants, never reused. */
#define SYSTEMD_ID_TRANSITION "7c7f6515c60f4c8f8669c9db44b5aedb"  /* fields from and to */
#define SYSTEMD_ID_STEP_FAILED "21522da2db5b431b8316b265d10d4ca6" /* field step; refused, expired, or a warning */
#define SYSTEMD_ID_ERROR "ddac89317d8b46bdb60cb30d9b08f43c"       /* any other fact of level error */

struct systemd_entry {
	ROP_LIST(const char *) fields;
}; /* each "NAME=value" */

void systemd_entry_of(struct rop_arena *arena, enum rop_log_level level, const char *message,
		      const struct rop_log_field *fields, size_t n, struct systemd_entry *ret_entry);

#endif
