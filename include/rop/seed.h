/* seed.h - a whole cluster found through one of its nodes, HOST:PORT: for check and import, which have no file. */
#ifndef ROP_SEED_H
#define ROP_SEED_H

#include "rop/err.h"
#include "rop/mem.h"
#include "rop/observed.h"

struct rop_loop;
struct rop_fleet_options;

struct rop_seed {
	struct rop_arena *arena;
	struct rop_loop *loop;
	struct rop_fleet_options *fleet;
	char *password;
	const char *text, *host, *ip; /* as typed; its host; what that resolves to */
	const char *const *ips;       /* all that it resolves to; NULL: that is one */
	size_t n_ips;
	int port;
	struct rop_endpoint *endpoints; /* the seed first, then every peer that it knows an address of */
	const char **host_names;        /* [endpoint]: cluster-announce-hostname; NULL: none */
	size_t n;
	struct rop_endpoint
		announced; /* the seed, as its own view has it; ip "" where it has not learned its address */
	ROP_LIST(const char *) nowhere;  /* ids of peers without an address */
	const struct rop_observed *seen; /* [endpoint], of the last look */
	const char *why;                 /* why the host's name did not resolve */
	struct rop_answer first;         /* the seed's own answer */
};

/* Resolves, logs in (password_file NULL: as whoever needs no password), asks the seed whom it knows. rop_seed_close in
 * any case. */
bool rop_seed_open(struct rop_seed *seed, struct rop_arena *arena, const char *text, const char *user,
		   const char *password_file, struct rop_err *err);
/* One look at all endpoints, into seed->seen. */
void rop_seed_look(struct rop_seed *seed, unsigned flags, const char **names, size_t n_names);
void rop_seed_close(struct rop_seed *seed);

/* Which address stands for each endpoint from now on: as the nodes announce themselves. Loopback in the seed's view is
 * the seed's own machine: seen from here, its host. Returns how many of those there are. */
size_t rop_seed_choose_addresses(struct rop_seed *seed);

struct rop_seed_shard {
	int primary; /* index of the node in seen */
	int replicas;
};

struct rop_seed_shape {
	struct rop_seed_shard *shards; /* by lowest slot */
	size_t n_shards;
	int *shard_of;    /* [node of seen]; from 0 */
	int *order;       /* [node of a file]: node of seen; the primaries, then the first replica of each shard ... */
	int fewest, most; /* replicas of a shard */
};
/* Only of a cluster whose every node owns slots or replicates one that does. In the seed's arena. */
void rop_seed_shape(const struct rop_seed *seed, struct rop_seed_shape *ret);

/* A topology of the nodes that were seen, for facts that need one: as many shards as there are owners of slots. */
struct rop_topology;
struct rop_topology *rop_seed_topology(const struct rop_seed *seed);

#endif
