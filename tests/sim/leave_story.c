/* leave_story.c - how nodes come to leave in a seed: a healthy cluster, which its operator has known for long, and a
 * file that loses its last lines: now or in mid-way, with fewer shards, fewer replicas, or neither. Some of the lines
 * may come back, and who is to leave may be dead, and come back late.
 */
#include <inttypes.h>
#include <string.h>

#include "rop/text.h"
#include "sim.h"

static size_t nodes_for(int shards, int replicas)
{
	return (size_t)(shards * (1 + replicas));
}

/* ---- what is declared ---------------------------------------------------------------------------------------- */

/* The last edit is made first. */
static void plan_edit(struct sim *s, int shards, int replicas, size_t nodes)
{
	s->leave[s->n_leave++] = (struct leave_edit){ .shards = shards, .replicas = replicas, .nodes = nodes };
}

static size_t some_nodes(struct chance *c, size_t least, size_t most)
{
	return least == most || chance_permille(c, 700) ? least
							: (size_t)chance_between(c, (int64_t)least, (int64_t)most);
}

/* One line or some are back; or one more is gone. */
static void draw_second_edit(struct sim *s, size_t all)
{
	struct chance *c = &s->chance;
	struct leave_edit first = s->leave[0];
	size_t least = nodes_for(first.shards, first.replicas);
	if (!chance_permille(c, 250))
		return;
	bool back = first.nodes <= least || chance_permille(c, 700);
	size_t nodes = back ? (size_t)chance_between(c, (int64_t)first.nodes + 1, (int64_t)all) : least;
	if (nodes == all && chance_permille(c, 500)) { /* as it was */
		first.shards = s->topology->shards;
		first.replicas = s->topology->replicas_per_shard;
	}
	s->leave[1] = s->leave[0];
	s->leave[0] = (struct leave_edit){ .shards = first.shards, .replicas = first.replicas, .nodes = nodes };
	s->n_leave = 2;
}

/* One after the other, each another shape that these nodes can be: more of anything, or less. */
static void draw_chain(struct sim *s, struct chance *c, size_t all)
{
	size_t n = (size_t)chance_between(c, 3, sizeof s->leave / sizeof *s->leave);
	s->n_leave = 0;
	while (s->n_leave < n) {
		int shards = (int)chance_between(c, 1, 4), replicas = (int)chance_between(c, 0, 2);
		size_t least = nodes_for(shards, replicas);
		if (least <= all)
			plan_edit(s, shards, replicas, some_nodes(c, least, all));
	}
}

void leave_shape(struct sim *s)
{
	static const int SHARDS[] = { 1, 2, 3, 3, 3, 3, 3, 4 }, REPLICAS[] = { 0, 0, 1, 1, 1, 1, 2 };
	struct chance *c = &s->chance;
	int shards = SHARDS[chance_below(c, sizeof SHARDS / sizeof *SHARDS)];
	int replicas = REPLICAS[chance_below(c, sizeof REPLICAS / sizeof *REPLICAS)];
	bool fewer_shards = chance_permille(c, 450), fewer_replicas = chance_permille(c, fewer_shards ? 200 : 700);
	s->topology->shards = shards + fewer_shards;
	s->topology->replicas_per_shard = replicas + fewer_replicas;
	size_t all = nodes_for(s->topology->shards, s->topology->replicas_per_shard);
	all += !fewer_shards && !fewer_replicas ? (size_t)chance_between(c, 1, 3) : chance_permille(c, 200);
	plan_edit(s, shards, replicas, some_nodes(c, nodes_for(shards, replicas), all - 1));
	draw_second_edit(s, all);
	struct chance edits = { s->seed ^ 0x65646974 }; /* not of the story's own: the other seeds stay what they are */
	if (chance_permille(&edits, 400))
		draw_chain(s, &edits, all);
	s->leave_nodes = all;
}

/* ---- on the way ---------------------------------------------------------------------------------------------- */

/* The operator knew them all: its database says so. */
void leave_begin(struct sim *s)
{
	struct run_plan plan = { .timeout_ms = 300000, .stop_ms = NEVER };
	struct run_end end = operator_run(s, plan);
	if (!s->failed && !end.result.reached)
		sim_fail(s, "the cluster is not as declared before nodes are to leave: %s", end.text);
	s->judge.rows.n = 0;
	s->blocked = false;
}

static void schedule_return(struct sim *s, size_t node, int64_t about_ms)
{
	struct chance *c = &s->fate;
	bool before = chance_permille(c, 500); /* it is forgotten while it is down */
	int64_t down = about_ms + (before ? -300 : chance_between(c, -500, chance_permille(c, 500) ? 3000 : 20000));
	int64_t up = down + chance_between(c, before ? 6000 : 500, chance_permille(c, 400) ? 100000 : 12000);
	if (down < s->world->now_ms)
		down = s->world->now_ms;
	world_at(s->world, down,
		 (struct event){ .kind = EVENT_DOWN,
				 .node = (int)node,
				 .amount = chance_permille(c, 150) ? DOWN_LOSES_DATA : 0 });
	if (up > s->faults_end_ms && chance_permille(c, 300)) {
		s->world->servers[node].for_good = true;
		return;
	}
	world_at(s->world, up < s->faults_end_ms ? up : s->faults_end_ms,
		 (struct event){ .kind = EVENT_UP, .node = (int)node });
}

void leave_schedule(struct sim *s)
{
	struct chance *c = &s->fate;
	const struct leave_edit *first = &s->leave[s->n_leave - 1];
	int64_t now = s->world->now_ms;
	if (s->calm) {
		while (s->n_leave)
			leave_edit(s);
		return;
	}
	s->faults_end_ms += chance_between(c, 0, 20000);
	if (chance_permille(c, 150)) /* time to be struck off in */
		s->faults_end_ms += 100000;
	s->edit_ms = chance_permille(c, 400) ? now : chance_between(c, now, now + (s->faults_end_ms - now) / 2);
	for (size_t i = first->nodes; i < s->world->truth->n; i++)
		if (chance_permille(c, 250))
			schedule_return(s, i, s->edit_ms);
}

bool leave_edit(struct sim *s)
{
	if (!s->n_leave)
		return false;
	struct leave_edit edit = s->leave[--s->n_leave];
	trace(s, "person", "declares %zu nodes instead of %zu, %d shards and %d replicas each", edit.nodes,
	      s->topology->nodes.n, edit.shards, edit.replicas);
	sim_lived(s, edit.nodes > s->topology->nodes.n ? LIVED_LINE_BACK : LIVED_LINES_GONE);
	if (s->edits++ == 2)
		sim_lived(s, LIVED_EDITS);
	s->topology->nodes.n = edit.nodes;
	s->topology->shards = edit.shards;
	s->topology->replicas_per_shard = edit.replicas;
	if (s->n_leave && !s->calm)
		s->edit_ms = chance_between(&s->fate, s->world->now_ms, s->world->now_ms + 30000);
	return true;
}

/* ---- who is asked -------------------------------------------------------------------------------------------- */

size_t leave_staying(const struct sim *s)
{
	return s->topology->nodes.n;
}

/* The id that this node had as a member, where it is asked as one that is to leave; NULL: it is not. */
const char *leave_as(const struct world *w, const struct rop_topology *topology, size_t node)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	for (size_t k = topology->nodes.n - topology->n_leaving; k < topology->nodes.n; k++) {
		const struct rop_declared_node *declared = &topology->nodes.at[k];
		if (!declared->no_ip && strcmp(rop_address_join(scratch, declared->host, declared->port),
					       w->truth->nodes[node].address) == 0)
			return declared->leaving;
	}
	return NULL;
}

/* Which node of the world the operator's k-th is. -1: none; another one was a member there after it. */
int leave_node_of(const struct world *w, const struct rop_topology *topology, size_t k)
{
	ROP_OWN_ARENA scratch = rop_arena_new();
	const struct rop_declared_node *declared = &topology->nodes.at[k];
	if (k < topology->nodes.n - topology->n_leaving)
		return (int)k;
	const char *address = rop_address_join(scratch, declared->host, declared->port);
	for (size_t i = 0; i < w->truth->n && !declared->no_ip; i++)
		if (strcmp(w->truth->nodes[i].address, address) == 0)
			return (int)i;
	return -1;
}
