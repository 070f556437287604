/* config.h - how the daemon runs on this host: /etc/redis-operator/redis-operator.conf. libconfig inside. */
#ifndef ROP_CONFIG_H
#define ROP_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/log.h"
#include "rop/mem.h"
#include "rop/text.h"

#define ROP_CONFIG_PATH "/etc/redis-operator/redis-operator.conf"

struct rop_config {
	const char *state;    /* the database */
	const char *clusters; /* the folder of topology files, *.yaml */
	const char *machines; /* a folder; "": the machines compiled in */
	int64_t interval_ms;  /* between passes over a converged cluster, where its topology does not say */
	int64_t connect_timeout_ms, command_timeout_ms; /* likewise */
	int concurrency;                                /* connections open at once, over all clusters */
	enum rop_log_level log_level;
	enum rop_log_format log_format;
};

void rop_config_defaults(struct rop_config *ret_config);
/* The defaults, overridden by what stands in the file; texts in the arena. Unknown keys, wrong types, values out of
 * range and syntax errors: false, with every one of them in `errors` as "path:line: error: ..." lines (with a
 * suggestion for a misspelt key), ret_config untouched. A missing file: `missing` (may be NULL) is set and the defaults
 * are success where it is not NULL; else it is an error. */
bool rop_config_load(struct rop_arena *arena, const char *path, bool *missing, struct rop_config *ret_config,
		     struct rop_text *errors);

#endif
