/* saved_plan.h - a plan that can be put aside, reviewed and done later: what it relied on, and its steps.
 *
 * It holds the topology's text, so that what was reviewed is what is done, and no secret. When it is read back it is
 * untrusted input: every field is checked, and nothing in it is ever sent. What is sent is planned anew from what is
 * seen; the saved plan only says whether that is still what was reviewed. Everything is owned by the arena given.
 */
#ifndef ROP_CLI_SAVED_PLAN_H
#define ROP_CLI_SAVED_PLAN_H

#include <jansson.h>

#include "rop/err.h"
#include "rop/reconcile.h"
#include "rop/topology.h"

#define SAVED_PLAN_FORMAT "redis-operator plan"
#define SAVED_PLAN_VERSION "1.0" /* minor adds, major breaks */
#define SAVED_TOPOLOGY_MAX ((size_t)1 << 20)
#define SAVED_PLAN_MAX ((size_t)64 << 20) /* bytes of a file: some 700 nodes, each to be introduced to each */

struct saved_node { /* as it was seen */
	const char *address, *ip;
	int port, bus_port;
	bool answers;
	char id[ROP_ID_SIZE], primary_id[ROP_ID_SIZE]; /* "" where there is none */
	enum rop_role role;
	const char *slots; /* "0-5460 6000" */
	int64_t epoch;
	int peers;                             /* other nodes in its view ... */
	char peers_digest[17];                 /* ... and a digest of their ids */
	ROP_LIST(struct rop_setting) settings; /* value NULL: not known */
};

struct saved_step {
	const char *kind, *subject, *node, *command;
}; /* its identity; node: the address it goes to */

struct saved_plan {
	const char *program; /* version */
	const char *cluster;
	const char *path, *digest, *source; /* of the topology */
	const char *accepted;               /* digest of the newest accepted revision; NULL: none was known */
	const char *machine;                /* digest */
	ROP_LIST(struct saved_node) nodes;
	ROP_LIST(struct saved_step) steps;
};

typedef ROP_LIST(const char *) saved_lines;

/* saved_plan.c */
void saved_plan_make(struct rop_arena *arena, const struct rop_topology *topology, const char *source,
		     const struct rop_machine *machine, const struct rop_image *image, const struct rop_plan *plan,
		     struct saved_plan *ret);
/* What the plan relied on and is not so any more, a line each; then, where there is nothing of that kind, how the steps
 * differ. None: it can be done as it was reviewed. */
void saved_plan_differences(struct rop_arena *arena, const struct saved_plan *then, const struct saved_plan *now,
			    saved_lines *ret);
/* The identities in order, for saved_plan_holds. */
const struct saved_step **saved_plan_index(struct rop_arena *arena, const struct saved_plan *plan);
bool saved_plan_holds(const struct saved_step **index, size_t n, const struct rop_step *step);

/* saved_plan_json.c: name is what errors call it; they are code 3. */
json_t *saved_plan_json(const struct saved_plan *plan);
bool saved_plan_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n, struct saved_plan *ret,
		      struct rop_err *err);

/* saved_plan_file.c */
/* Is it a saved plan, by its first bytes and by saying so? Then its bytes, in the arena. *ret_bytes NULL: something
 * else, or nothing that can be read. false: a plan that is too large, or not the caller's alone. */
bool saved_plan_read(struct rop_arena *arena, const char *path, const char **ret_bytes, size_t *ret_n,
		     struct rop_err *err);
/* The text of the topology file of a plan; *ret_source NULL: it is gone. false: it cannot be read, or is not the
 * caller's alone: owned by the caller or root, writable by nobody else, named by its own path and not by a link. */
bool saved_plan_topology(struct rop_arena *arena, const char *path, const char **ret_source, struct rop_err *err);
/* Mode 0600; all of it or nothing; replaces regular files only, follows no link. */
bool saved_plan_write(const char *path, const char *bytes, size_t n, struct rop_err *err);

#endif
