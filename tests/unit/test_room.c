/* test_room.c - whether the keys that come with slots fit into the memory of who gets them. */
#include <criterion/criterion.h>
#include <string.h>

#include "world.h"

TestSuite(room, .init = world_setup, .fini = world_teardown);

#define HALF (ROP_SLOTS / 2)
#define A_SLOT 1000 /* bytes */
#define COMES (HALF / 2 * A_SLOT)

static struct rop_topology *topology;
static struct rop_observed *world;
static size_t giver, taker, follower; /* follower: the taker's replica */

/* Two shards of one half each; the second is to have three quarters. */
static void a_quarter_moves(void)
{
	static const int WEIGHTS[] = { 1, 3 };
	topology = topology_of(2, 1, 4);
	world = formed_world(topology);
	topology->weights = WEIGHTS;
	struct rop_layout layout = layout_of(topology, world);
	giver = (size_t)layout.shards[0].primary;
	taker = (size_t)layout.shards[1].primary;
	for (size_t i = 0; i < world->n; i++) {
		world->nodes[i].keys = HALF;
		world->nodes[i].used_memory = world->nodes[i].data_memory = HALF * A_SLOT;
		world->nodes[i].max_memory = 2 * HALF * A_SLOT;
		if (layout.primary_of[i] == (int)taker)
			follower = i;
	}
}

static const struct rop_finding *find(const struct rop_finding *at, size_t n, enum rop_reason is)
{
	for (size_t i = 0; i < n; i++)
		if (at[i].is == is)
			return &at[i];
	return NULL;
}

static const struct rop_finding *refused(void)
{
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_eq(now->slots_to_move, HALF / 2);
	return find(now->findings.at, now->findings.n, ROP_WHY_NO_ROOM);
}

static const struct rop_finding *warned(enum rop_reason is)
{
	struct rop_situation *now = situation_of(topology, world);
	return find(now->warnings.at, now->warnings.n, is);
}

Test(room, what_fits_is_not_refused_and_nothing_is_said)
{
	a_quarter_moves();
	cr_assert_null(refused());
	cr_assert_null(warned(ROP_WHY_NO_LIMIT));
	cr_assert_null(warned(ROP_WHY_ROOM_UNKNOWN));
	world->nodes[taker].max_memory = HALF * A_SLOT + COMES;
	cr_assert_null(refused(), "to the byte");
}

Test(room, a_target_that_is_too_small_is_refused_by_name_before_a_slot_moves)
{
	a_quarter_moves();
	world->nodes[taker].max_memory = HALF * A_SLOT + COMES - 1;
	const struct rop_finding *finding = refused();
	cr_assert_not_null(finding);
	cr_assert_eq(finding->node, (int)taker);
	cr_assert_not_null(strstr(finding->text, "would get about 3.9 MiB"), "%s", finding->text);
	cr_assert_not_null(strstr(finding->text, "refuse them"), "%s", finding->text);
	world->nodes[taker].evicts = true;
	cr_assert_not_null(strstr(refused()->text, "delete keys"));
}

Test(room, a_replica_that_is_too_small_counts_as_its_primary_does)
{
	a_quarter_moves();
	world->nodes[follower].max_memory = HALF * A_SLOT + COMES - 1;
	const struct rop_finding *finding = refused();
	cr_assert_not_null(finding);
	cr_assert_eq(finding->node, (int)follower);
}

Test(room, who_gives_needs_no_room)
{
	a_quarter_moves();
	world->nodes[giver].max_memory = 1;
	cr_assert_null(refused());
}

Test(room, without_a_limit_it_is_a_warning)
{
	a_quarter_moves();
	world->nodes[taker].max_memory = world->nodes[follower].max_memory = 0;
	cr_assert_null(refused());
	const struct rop_finding *warning = warned(ROP_WHY_NO_LIMIT);
	cr_assert_not_null(warning);
	cr_assert_not_null(strstr(warning->text, world->nodes[taker].address), "%s", warning->text);
	world->nodes[giver].keys = 0;
	cr_assert_null(warned(ROP_WHY_NO_LIMIT), "no key comes");
}

Test(room, what_is_not_told_is_a_warning_and_never_taken_for_nothing)
{
	a_quarter_moves();
	world->nodes[taker].used_memory = ROP_COUNT_UNKNOWN;
	cr_assert_not_null(warned(ROP_WHY_ROOM_UNKNOWN));
	a_quarter_moves();
	world->nodes[giver].data_memory = ROP_COUNT_UNKNOWN;
	cr_assert_not_null(warned(ROP_WHY_ROOM_UNKNOWN));
}

Test(room, what_was_begun_is_walked_to_its_end)
{
	a_quarter_moves();
	world->nodes[taker].max_memory = 1;
	struct rop_situation asked = { .arena = pool,
				       .topology = topology,
				       .seen = world,
				       .image = &no_image,
				       .boot_ms = 1000,
				       .wall_ms = 1700000000000,
				       .moving = true };
	struct rop_situation *now = rop_situation_make(&asked);
	cr_assert_gt(now->slots_to_move, 0);
	cr_assert_null(find(now->findings.at, now->findings.n, ROP_WHY_NO_ROOM));
}

Test(room, nothing_is_opened_before_both_sides_were_asked)
{
	a_quarter_moves();
	struct rop_situation *now = situation_of(topology, world);
	cr_assert_gt(now->migrations.n, 0);
	struct rop_batch batch = { .arena = pool };
	plan_action(rop_migration_words(), "tell_target", &now->migrations.at[0], &batch);
	cr_assert_eq(batch.steps.n, 1);
	world->nodes[giver].used_memory = world->nodes[giver].data_memory = ROP_COUNT_NOT_ASKED;
	now = situation_of(topology, world);
	batch = (struct rop_batch){ .arena = pool };
	plan_action(rop_migration_words(), "tell_target", &now->migrations.at[0], &batch);
	cr_assert_eq(batch.steps.n, 0);
}

/* ---- a limit under what is used, where nothing is evicted ---- */

static const char *of_the_limit(const char *maxmemory, const char *policy, int64_t used, int64_t in_force)
{
	topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", maxmemory);
	world = formed_world(topology);
	for (size_t i = 0; i < world->n; i++) {
		set_value(world, i, "maxmemory-policy", policy);
		world->nodes[i].used_memory = i == 3 ? INT64_MAX : 1000; /* a replica */
	}
	world->nodes[1].used_memory = used;
	world->nodes[1].max_memory = in_force;
	const struct rop_finding *warning = warned(ROP_WHY_WRITES_REFUSED);
	cr_assert(!warning || warning->node == 1);
	return warning ? warning->text : "";
}

Test(room, a_limit_under_what_is_used_refuses_writes)
{
	cr_assert_str_eq(of_the_limit("1mb", "noeviction", 2000000, 0),
			 "10.0.0.2:6379 uses 2000000 bytes: with maxmemory 1mb (1048576 bytes) and maxmemory-policy "
			 "noeviction, what clients write will be refused as soon as that is set (OOM)");
	cr_assert(strstr(of_the_limit("1mb", "noeviction", 2000000, 1048576), " write is refused (OOM)"));
	cr_assert_str_eq(of_the_limit("1mb", "allkeys-lru", 2000000, 0), "", "that is weighed as a loss");
	cr_assert_str_eq(of_the_limit("1mb", "noeviction", 1048576, 0), "");
	cr_assert_str_eq(of_the_limit("0", "noeviction", 2000000, 0), "", "no limit");
	cr_assert_str_eq(of_the_limit("1mb", "noeviction", ROP_COUNT_UNKNOWN, 0), "");
}
