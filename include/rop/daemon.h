/* daemon.h - `redis-operator run`: every topology of a folder kept converged, on one event loop. */
#ifndef ROP_DAEMON_H
#define ROP_DAEMON_H

#include "rop/config.h"
#include "rop/machine.h"

struct rop_daemon_options {
	/* The configuration, the command line's options already in it; asked at the start and at SIGHUP. false: errors
	 * says why (the configuration in force stays). Texts in the arena, which lives as long as the configuration is
	 * in force. */
	bool (*configure)(void *arg, struct rop_arena *arena, struct rop_config *ret_config, struct rop_text *errors);
	void *arg;
	const struct rop_machine *machine;
};

/* Until SIGTERM or SIGINT (success: what was under way is finished), or until it cannot go on: the journal cannot be
 * written, the folder cannot be read at the start, another daemon works on this database. */
bool rop_daemon_run(const struct rop_daemon_options *options, struct rop_err *err);

#endif
