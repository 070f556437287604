/* import.h - between the two halves of import: what was found (cmd_import.c), and the file that says so
 * (import_text.c). */
#ifndef ROP_IMPORT_H
#define ROP_IMPORT_H

#include "cli.h"
#include "rop/seed.h"

struct import_shard {
	int primary; /* index of the node in seed.seen */
	int replicas;
};

struct import {
	struct cli *cli;
	struct rop_seed seed;
	const char *name;
	const char **settings; /* names looked at: import_settings */
	size_t n_settings;
	struct import_shard *shards; /* by lowest slot */
	size_t n_shards;
	int *shard_of;      /* [node of seen]; from 0 */
	int *order;         /* [line of the file]: node of seen */
	int fewest, most;   /* replicas of a shard */
	bool even;          /* slots are as a cluster formed anew would have them */
	const char *uneven; /* else: which shards have what */
	bool pinned;        /* each node says its shard */
};

/* Settings that import looks at. Owned by nobody. */
const char **import_settings(struct rop_arena *arena, size_t *ret_n);
/* The topology file. The same cluster gives the same bytes. */
char *import_text(const struct import *im);

#endif
