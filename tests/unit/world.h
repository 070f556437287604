/* world.h - declared topologies and worlds of nodes, for the tests of the pure core. */
#ifndef TEST_WORLD_H
#define TEST_WORLD_H

#include "random.h"
#include "rop/policy.h"
#include "rop/reconcile.h"
#include "rop/tries.h"

/* For every test (TestSuite .init and .fini): an arena, and an image of a cluster never seen. */
extern struct rop_arena *pool;
extern struct rop_image no_image;
void world_setup(void);
void world_teardown(void);
void world_clear(void); /* a new arena: for the next of many worlds */
/* Sanitizers take some six times as long: there a part of the rounds is enough. */
#ifdef __SANITIZE_ADDRESS__
#define ROUNDS(n) ((n) / 8)
#else
#define ROUNDS(n) (n)
#endif

#define EACH_SEED(seed, last) for (uint64_t seed = 1; seed <= (last) && (world_clear(), true); seed++)

/* ---- topologies --------------------------------------------------------------------------------------------- */

/* n nodes, each on a host of its own (10.0.0.1:6379, 10.0.0.2:6379, ...), no zones, no labels. */
struct rop_topology *topology_of(int shards, int replicas, size_t n);
void put_on_host(struct rop_topology *topology, size_t node, int host);
void put_in_zone(struct rop_topology *topology, size_t node, const char *zone);
void manage_setting(struct rop_topology *topology, const char *name, const char *value);

enum placing { PLACING_NONE, PLACING_BY_HOST /* a host is in one zone */, PLACING_ANY, PLACINGS_N };
struct chances { /* of a random topology; n is shards * (1 + replicas) and up to `extra` more */
	int max_shards, max_replicas, extra;
	enum placing zones;
	bool hosts;  /* several nodes on one host */
	bool labels; /* some nodes say `shard:` */
};
struct rop_topology *random_topology(uint64_t *seed, struct chances chances);

/* ---- worlds ------------------------------------------------------------------------------------------------- */

const char *node_id(size_t i); /* static; the same for the same i */

/* Every node answers, is empty and alone, on 7.0.15 with default settings. */
struct rop_observed *fresh_world(const struct rop_topology *topology);
void meet_all(struct rop_observed *world); /* everybody knows everybody, epochs 1..n */
void give_slots(struct rop_observed *world, size_t node, int first, int last);
void make_replica(struct rop_observed *world, size_t node, size_t primary);
void go_silent(struct rop_observed *world, size_t node);
void know_each_other(struct rop_observed *world, size_t a, size_t b);
void add_member(struct rop_image *image, size_t id, const char *address); /* node_id(id), in shard 1 */
/* It was started anew without its nodes.conf: alone, a primary without slots and epoch; what it holds stays. */
void lose_conf(struct rop_observed *world, size_t node);
void set_value(struct rop_observed *world, size_t node, const char *name, const char *value);
/* Everybody knows everybody; the first three own the slots, the others follow nobody yet. */
struct rop_observed *three_owners(const struct rop_topology *topology);
/* As its layout says: introduced, slots assigned, replicas attached, everything agreed. */
struct rop_observed *formed_world(const struct rop_topology *topology);

/* A situation, assessed; of no_image, without tries. */
struct rop_situation *situation_of(const struct rop_topology *topology, const struct rop_observed *seen);
struct rop_situation *situation_with(const struct rop_topology *topology, const struct rop_observed *seen,
				     const struct rop_image *image, struct rop_tries *tries, int64_t boot_ms);
/* As after a run in which some node took every declared setting: the others get it at once. */
struct rop_tries *tries_that_took(const struct rop_topology *topology);
struct rop_layout layout_of(const struct rop_topology *topology, const struct rop_observed *seen);
/* What an action of a vocabulary plans for a subject, behind what the batch holds; it fails where there is none such.
 */
void plan_action(const struct rop_vocabulary *words, const char *action, const void *subject, struct rop_batch *batch);
/* A fact of a vocabulary, of a subject; arg is its first argument. */
bool fact_holds(const struct rop_vocabulary *words, const char *fact, const void *subject, int64_t arg);
/* What one action word of the cluster asks for now. */
struct rop_batch batch_of(const struct rop_situation *now, const char *action);

/* What every node of the world would answer, as texts of the servers' shape. */
struct rop_answer *answers_of(const struct rop_observed *world);

/* The shipped machine, from the source tree. */
const struct rop_machine *shipped_machine(void);
const struct rop_machine *shipped_migration(void);
const struct rop_machine *shipped_retire(void);
const struct rop_machine *shipped_failover(void);
char *read_source(const char *path); /* below TOP_SRCDIR, in the pool; NULL when it is not there */

#endif
