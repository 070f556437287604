/* host.h - what the machine that this runs on is asked for: a saved plan's files, servers that are started here, who
 * calls.
 *
 * Sentences name the path. Texts that are given back are in the arena.
 */
#ifndef ROP_HOST_H
#define ROP_HOST_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "rop/err.h"
#include "rop/journal.h"
#include "rop/mem.h"

/* ---- files ----------------------------------------------------------------------------------------------------- */

/* Is it a saved plan, by its first bytes and by saying so? Then its bytes, in the arena. *ret_bytes NULL: something
 * else, or nothing that can be read. false: a plan that is too large, or not the caller's alone. */
bool rop_plan_file_read(struct rop_arena *arena, const char *path, const char **ret_bytes, size_t *ret_n,
			struct rop_err *err);
/* The text of the topology file of a plan; *ret_source NULL: it is gone. false: it cannot be read, or is not the
 * caller's alone: owned by the caller or root, writable by nobody else, named by its own path and not by a link. */
bool rop_plan_file_topology(struct rop_arena *arena, const char *path, const char **ret_source, struct rop_err *err);
/* Mode 0600; all of it or nothing; replaces regular files only, follows no link. */
bool rop_plan_file_write(const char *path, const char *bytes, size_t n, struct rop_err *err);
/* Standard input, as a topology's text. */
bool rop_stdin_read(struct rop_arena *arena, const char **ret_text, struct rop_err *err);
bool rop_is_same_file(const char *a, const char *b);
/* Absolute where it can be: what is kept is read again from another folder. */
const char *rop_full_path(struct rop_arena *arena, const char *path);

/* ---- servers started here, each in a folder of its own --------------------------------------------------------- */

/* Ours is what runs in that folder: the system uses pids again. */
bool rop_server_runs(struct rop_arena *arena, const char *folder);
/* With `conf` as its configuration, in `folder`, which is made. */
bool rop_server_start(struct rop_arena *arena, const char *folder, const char *conf, int port, struct rop_err *err);
/* Stops it and removes what is known to be its; the folder too, if nothing else is in it. *ret_ran: there was one. */
bool rop_server_remove(struct rop_arena *arena, const char *folder, int port, bool *ret_ran, struct rop_err *err);
/* The ports that folders of `folder` are named after. */
void rop_servers_in(struct rop_arena *arena, const char *folder, const int **ret_ports, size_t *ret_n);
/* A file in a folder, which is made. */
bool rop_file_put(struct rop_arena *arena, const char *folder, const char *name, const char *text, struct rop_err *err);

/* ---- servers that end with this process ------------------------------------------------------------------------ */

/* A folder of its own, in TMPDIR: NAME.XXXXXX. What processes left there that were killed is removed first. */
bool rop_scratch_make(struct rop_arena *arena, const char *name, const char **ret_path, struct rop_err *err);
void rop_scratch_remove(const char *path); /* with all that is in it */
/* On 127.0.0.1, and 10000 above each. */
bool rop_ports_free(size_t n, int *ret_ports, struct rop_err *err);

struct rop_child {
	pid_t pid;          /* 0: it is over */
	const char *folder; /* borrowed */
};
/* `server` with `conf` as its configuration (not as a daemon) in `folder`, which is made. When this process dies,
 * however it does, the server is killed. By the thread that lives as long as the process. */
bool rop_child_start(struct rop_arena *arena, const char *server, const char *folder, const char *conf,
		     struct rop_child *ret_child, struct rop_err *err);
bool rop_child_runs(struct rop_child *child);
void rop_child_end(struct rop_child *child); /* killed, and waited for */
const char *rop_child_last_words(struct rop_arena *arena,
				 const struct rop_child *child); /* of its log, fit to be shown */

/* ---- who calls ------------------------------------------------------------------------------------------------- */

/* Who asks for something, from where, with which command. reason and note may be NULL. */
struct rop_deed rop_deed_by_caller(struct rop_arena *arena, enum rop_deed_kind what, int argc, char **argv,
				   const char *reason, const char *note);
/* Where the caller's database is, unless something else is said. */
const char *rop_state_path(struct rop_arena *arena);

#endif
