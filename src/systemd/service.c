/* service.c - what the service manager is told, and facts as entries of its journal. */
#include "rop/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#define SD_JOURNAL_SUPPRESS_LOCATION /* a fact is known by its MESSAGE_ID, not by a line of this file */
#include <systemd/sd-journal.h>

#include "journal.h"
#include "rop/text.h"

/* ---------------------------------------------------------------- notifications: nobody there is no error */

#define STATUS_BYTES_MAX 2000 /* the manager drops datagrams of more than 4096 bytes whole */

void rop_service_ready(void)
{
	sd_notify(0, "READY=1");
}

/* A newline would begin another assignment, and the manager drops a status that is not valid UTF-8. */
void rop_service_status(const char *text)
{
	char line[STATUS_BYTES_MAX + 1];
	size_t n = strnlen(text, STATUS_BYTES_MAX), bad;
	memcpy(line, text, n);
	line[n] = '\0';
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			line[i] = ' ';
	while (!rop_utf8_valid(line, n, &bad)) {
		if (text[n] && n - bad < 4)
			line[n = bad] = '\0'; /* a character cut in two */
		else
			line[bad] = '?';
	}
	sd_notifyf(0, "STATUS=%s", line);
}

/* The manager compares the time with its own clock, to tell this reload from an earlier one. */
void rop_service_reloading(void)
{
	struct timespec now = { 0 };
	clock_gettime(CLOCK_MONOTONIC, &now);
	sd_notifyf(0, "RELOADING=1\nMONOTONIC_USEC=%" PRId64, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
}

void rop_service_stopping(void)
{
	sd_notify(0, "STOPPING=1");
}

void rop_service_alive(void)
{
	sd_notify(0, "WATCHDOG=1");
}

/* sd_watchdog_enabled() compares WATCHDOG_PID: the variables may have been inherited from another process. */
int64_t rop_service_watchdog_ms(void)
{
	uint64_t usec = 0;
	if (sd_watchdog_enabled(0, &usec) <= 0)
		return 0;
	return usec < 1000 ? 1 : (int64_t)(usec / 1000);
}

/* ---------------------------------------------------------------- the journal */

/* "device:inode". Only equality says that it is this process's stderr: the variable is inherited, descriptors change.
 */
bool rop_service_has_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	struct stat st;
	char here[48];
	if (!stream || fstat(STDERR_FILENO, &st) != 0)
		return false;
	snprintf(here, sizeof here, "%ju:%ju", (uintmax_t)st.st_dev, (uintmax_t)st.st_ino);
	return strcmp(stream, here) == 0;
}

/* Journal field names are A-Z, 0-9 and _, begin with a letter and have at most 64 characters; others are dropped there
 * in silence. */
#define NAME_MAX_BYTES 64

static const char *name_of(struct rop_arena *arena, const char *key)
{
	static const struct {
		const char *key, *name;
	} NAMES[] = {
		{ "cluster", "REDIS_CLUSTER" },
		{ "node", "REDIS_NODE" },
		{ "from", "STATE_FROM" },
		{ "to", "STATE_TO" },
	};
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (strcmp(NAMES[i].key, key) == 0)
			return NAMES[i].name;
	char *name = rop_strndup(arena, key, strnlen(key, NAME_MAX_BYTES));
	for (char *c = name; *c; c++) {
		if (*c >= 'a' && *c <= 'z')
			*c = (char)(*c - 'a' + 'A');
		else if (!(*c >= 'A' && *c <= 'Z') && !(*c >= '0' && *c <= '9'))
			*c = '_';
	}
	return name + strspn(name, "_0123456789");
}

static const char *value_of(const struct rop_log_field *fields, size_t n, const char *key)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(fields[i].key, key) == 0)
			return fields[i].value;
	return NULL;
}

/* NULL: a fact of no kind that has an id. */
static const char *id_of(enum rop_log_level level, const struct rop_log_field *fields, size_t n)
{
	const char *status = value_of(fields, n, "status");
	bool failed = level <= ROP_LOG_WARN || rop_streq(status, "refused") || rop_streq(status, "expired");
	if (value_of(fields, n, "from") && value_of(fields, n, "to"))
		return SYSTEMD_ID_TRANSITION;
	if (value_of(fields, n, "step") && failed)
		return SYSTEMD_ID_STEP_FAILED;
	return level == ROP_LOG_ERROR ? SYSTEMD_ID_ERROR : NULL;
}

static int priority_of(enum rop_log_level level)
{
	switch (level) {
	case ROP_LOG_ERROR: return LOG_ERR;
	case ROP_LOG_WARN: return LOG_WARNING;
	case ROP_LOG_INFO: return LOG_INFO;
	case ROP_LOG_DEBUG:
	case ROP_LOG_LEVELS_N: break;
	}
	return LOG_DEBUG;
}

void systemd_entry_of(struct rop_arena *arena, enum rop_log_level level, const char *message,
		      const struct rop_log_field *fields, size_t n, struct systemd_entry *ret_entry)
{
	struct systemd_entry entry = { 0 };
	const char *id = id_of(level, fields, n);
	*rop_push(arena, &entry.fields) = rop_printf(arena, "MESSAGE=%s", message);
	*rop_push(arena, &entry.fields) = rop_printf(arena, "PRIORITY=%d", priority_of(level));
	*rop_push(arena, &entry.fields) = "SYSLOG_IDENTIFIER=redis-operator";
	if (id)
		*rop_push(arena, &entry.fields) = rop_printf(arena, "MESSAGE_ID=%s", id);
	for (size_t i = 0; i < n; i++) {
		const char *name = fields[i].value ? name_of(arena, fields[i].key) : "";
		if (name[0])
			*rop_push(arena, &entry.fields) = rop_printf(arena, "%s=%s", name, fields[i].value);
	}
	*ret_entry = entry;
}

void rop_service_journal(enum rop_log_level level, const char *message, const struct rop_log_field *fields, size_t n)
{
	ROP_OWN_ARENA arena = rop_arena_new();
	struct systemd_entry entry;
	systemd_entry_of(arena, level, message, fields, n, &entry);
	struct iovec *parts = rop_alloc_n(arena, entry.fields.n, sizeof *parts);
	for (size_t i = 0; i < entry.fields.n; i++)
		parts[i] = (struct iovec){ .iov_base = rop_strdup(arena, entry.fields.at[i]),
					   .iov_len = strlen(entry.fields.at[i]) };
	if (sd_journal_sendv(parts, (int)entry.fields.n) < 0)
		rop_log_logfmt(level, message, fields, n); /* stderr is what is left */
}
