/* saved_plan.h - a plan that can be put aside, reviewed and done later: what it relied on, and its steps.
 *
 * It holds the topology's text, so that what was reviewed is what is done, and no secret. When it is read back it is
 * untrusted input: every field is checked, and nothing in it is ever sent. What is sent is planned anew from what is
 * seen; the saved plan only says whether that is still what was reviewed. Everything is owned by the arena given.
 */
#ifndef ROP_SAVED_PLAN_H
#define ROP_SAVED_PLAN_H

#include "rop/err.h"
#include "rop/reconcile.h"
#include "rop/topology.h"

struct json_t; /* jansson's */

#define ROP_SAVED_PLAN_FORMAT "redis-operator plan"
#define ROP_SAVED_PLAN_VERSION "1.0" /* minor adds, major breaks */
#define ROP_SAVED_TOPOLOGY_MAX ((size_t)1 << 20)
#define ROP_SAVED_PLAN_MAX ((size_t)64 << 20) /* bytes of a file: some 700 nodes, each to be introduced to each */

struct rop_saved_node { /* as it was seen */
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

struct rop_saved_step {
	const char *kind, *subject, *node, *command;
}; /* its identity; node: the address it goes to */

struct rop_saved_plan {
	const char *program; /* version */
	const char *cluster;
	const char *path, *digest, *source; /* of the topology */
	const char *accepted;               /* digest of the newest accepted revision; NULL: none was known */
	const char *machine;                /* digest */
	ROP_LIST(struct rop_saved_node) nodes;
	ROP_LIST(struct rop_saved_step) steps;
};

struct rop_saved_lines {
	const char **at;
	size_t n, cap;
};

/* saved_plan.c */
void rop_saved_plan_make(struct rop_arena *arena, const struct rop_topology *topology, const char *source,
			 const struct rop_machine *machine, const struct rop_image *image, const struct rop_plan *plan,
			 struct rop_saved_plan *ret);
/* What the plan relied on and is not so any more, a line each; then, where there is nothing of that kind, how the steps
 * differ. None: it can be done as it was reviewed. */
void rop_saved_plan_differences(struct rop_arena *arena, const struct rop_saved_plan *then,
				const struct rop_saved_plan *now, struct rop_saved_lines *ret);
/* That it is not done, and why: the differences. saved: the plan's file, made of the topology at `path`; NULL: the plan
 * was only shown. */
void rop_saved_plan_outdated(const struct rop_saved_lines *differences, const char *saved, const char *path,
			     struct rop_text *out);
/* Steps, as a plan and a run count them: rop_step_is_counted. */
size_t rop_saved_plan_counted(const struct rop_saved_plan *plan);
/* saved_plan_text.c: what it was made of, and the commands it holds: each, or what goes together in one line. */
void rop_saved_plan_print(struct rop_arena *arena, const struct rop_saved_plan *plan, bool each, struct rop_text *out);
/* That it is in that file now, and what to do with it. */
void rop_saved_plan_written(const struct rop_saved_plan *plan, const char *path, struct rop_text *out);
/* The identities in order, for rop_saved_plan_holds: that very step, or what is left of one that moves slots. */
const struct rop_saved_step **rop_saved_plan_index(struct rop_arena *arena, const struct rop_saved_plan *plan);
bool rop_saved_plan_holds(const struct rop_saved_step **index, size_t n, const struct rop_step *step);

/* agreed.c: a plan that was agreed upon, a saved one or the one just shown. Nothing else is done. */
struct rop_report;
struct rop_agreed {
	const char *path; /* of the saved plan; NULL: it was shown, or --yes was said beforehand */
	struct rop_saved_plan plan;
	const struct rop_saved_step **index; /* NULL: --yes, all may be done */
};
/* The plan just shown becomes the one that is agreed upon; r and source (the topology's text) say what it is of. */
void rop_agreed_take(const struct rop_report *r, const char *source, const struct rop_plan *plan,
		     struct rop_agreed *ret);
/* Does what was agreed upon still fit what is seen, of which this plan was made? Else what has changed is added. */
bool rop_agreed_fits(const struct rop_agreed *agreed, const struct rop_report *r, const char *source,
		     const struct rop_plan *plan, struct rop_text *out);
bool rop_agreed_holds(const struct rop_agreed *agreed, const struct rop_step *step);
/* Is a saved plan one of this topology? said_by: where that was read. `name` is what errors call the plan. */
bool rop_saved_plan_is_of(const struct rop_saved_plan *plan, const struct rop_topology *topology, const char *name,
			  const char *said_by, struct rop_err *err);
/* Is the topology that was read from its own text the one that it names? */
bool rop_saved_plan_holds_together(const struct rop_saved_plan *plan, const struct rop_topology *own, const char *name,
				   struct rop_err *err);

/* saved_plan_json.c: name is what errors call it; they are code 3. */
struct json_t *rop_saved_plan_json(const struct rop_saved_plan *plan);
/* The bytes of its file. What could not be read back is an error. */
bool rop_saved_plan_bytes(struct rop_arena *arena, const char *name, const struct rop_saved_plan *plan,
			  struct rop_text *out, struct rop_err *err);
bool rop_saved_plan_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n,
			  struct rop_saved_plan *ret, struct rop_err *err);

#endif
