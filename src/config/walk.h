/* walk.h - inside config/: from a document to a topology, in three passes: the table, values, what spans keys. */
#ifndef CONFIG_WALK_H
#define CONFIG_WALK_H

#include "rop/topology.h"
#include "schema.h"

struct config_weight {
	int shard, weight;
	const struct rop_doc_node *at; /* the key */
};

struct config_walk {
	struct rop_arena *arena;
	const struct rop_doc *doc;
	struct rop_diags *diags;
	struct rop_topology *topology;
	/* Where each of topology->nodes is declared; NULL for one that is not even a map. */
	ROP_LIST(const struct rop_doc_node *) places;
	ROP_LIST(struct config_weight) weights;
};

/* walk.c: every key by the table. Values that are wrong have been complained about and are left out of the topology:
 * NULL, or CONFIG_WRONG for numbers. */
#define CONFIG_WRONG (-1)
void config_walk(struct config_walk *walk);

/* value.c: one scalar. name: its key's own node, to point at when there is no value to point at. */
void config_value(struct config_walk *walk, const struct config_key *key, const struct rop_doc_node *name,
		  const struct rop_doc_node *value, void *base);
void config_setting(struct config_walk *walk, const struct rop_doc_node *name, const struct rop_doc_node *value);
/* weights.c: one entry of spec.shardWeights; and what they are together. */
void config_weight(struct config_walk *walk, const struct config_key *key, const struct rop_doc_node *name,
		   const struct rop_doc_node *value);
void config_weights(struct config_walk *walk);
void config_wrong_type(struct config_walk *walk, const struct config_key *key, const struct rop_doc_node *name,
		       const struct rop_doc_node *value);
void config_defaults(struct rop_topology *topology);

/* checks.c: what no single key can tell: counts, the same address twice, ports that clash. */
void config_checks(struct config_walk *walk);

#endif
