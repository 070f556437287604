/* targets.h - of this folder: primaries that keys are given to, by `restore` and `clone`. */
#ifndef CLI_TARGETS_H
#define CLI_TARGETS_H

#include "backing.h"

struct targets {
	const struct rop_restore_target *at;
	const char *const *ids;
	size_t n;
};
/* Of the session's last look, which the situation is of: formed, with all slots owned; `fits` is asked of each. then:
 * "restore", for what is to be done after `apply`. In the call's arena. */
bool targets_choose(struct session *s, struct rop_situation *now, const char *file, const char *then,
		    bool (*fits)(void *arg, const struct rop_node *node, struct rop_err *err), void *arg,
		    struct targets *ret_targets, struct rop_err *err);
/* It tells how many keys it holds: else DENIED. */
bool targets_tells_keys(const struct rop_node *node, struct rop_err *err);
bool targets_not_paused(const struct session *s, const char *then, struct rop_err *err);

#endif
