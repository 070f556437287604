/* import.h - a cluster that exists already, described by a topology file: what stands in the way, the file, and what it
 * does not hold. Nothing here asks a node or prints.
 *
 * In this order: look (rop_seed_look) at rop_import_settings, rop_import_unfit, rop_seed_shape, rop_import_write, a
 * plan of the file against the living nodes, and where that plan is not empty, rop_import_changes.
 */
#ifndef ROP_IMPORT_H
#define ROP_IMPORT_H

#include "rop/mem.h"
#include "rop/policy.h"
#include "rop/reconcile.h"
#include "rop/seed.h"
#include "rop/topology.h"

struct rop_import {
	struct rop_arena *arena;
	const struct rop_seed *seed;
	const char *name;
	bool named;                       /* by a person; else made up */
	const char *user, *password_file; /* what was given to log in; NULL: nothing */
	struct rop_seed_shape shape;      /* rop_seed_shape; for all that is asked after rop_import_unfit */

	/* by rop_import_write */
	bool even;          /* slots are as a cluster formed anew would have them */
	const char *uneven; /* else: which shards have what */
	bool pinned;        /* each node says its shard */
};

struct rop_findings {
	struct rop_finding *at;
	size_t n, cap;
};

/* Is it a cluster's name? NULL: none was given, which is fine. */
bool rop_import_name_is_fine(const char *name, struct rop_err *err);
/* That so many nodes announce an address that leads nowhere (rop_seed_choose_addresses). */
void rop_import_addresses(const struct rop_seed *seed, size_t replaced, struct rop_text *out);
/* Settings that import looks at. */
const char **rop_import_settings(struct rop_arena *arena, size_t *ret_n);
/* What stands in the way: nothing added, it can be described. */
void rop_import_unfit(const struct rop_import *im, struct rop_findings *ret);
/* The topology file; and what is read back from it. By order alone if that gives the same pairs again, else each node
 * says its shard. */
bool rop_import_write(struct rop_import *im, const char **ret_text, struct rop_topology **ret_topology,
		      struct rop_err *err);
/* What apply of the file would still change, and so why it is not printed. */
void rop_import_changes(const struct rop_import *im, const struct rop_plan *plan, struct rop_findings *ret);
/* What a cluster formed anew from the file would not have, a line each. */
void rop_import_notes(const struct rop_import *im, struct rop_text *out);
/* The findings as text, and the code that they mean. Not permitted comes before not there: nobody can say more without
 * it. */
enum rop_code rop_import_tell(const struct rop_findings *list, struct rop_text *out);

#endif
