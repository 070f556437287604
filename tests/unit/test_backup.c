/* test_backup.c - which nodes a backup is taken from, and which backups go when some are to be kept. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/backup.h"
#include "rop/snapshots.h"
#include "world.h"

TestSuite(backup, .init = world_setup, .fini = world_teardown);

/* ---- sources ---------------------------------------------------------------------------------------------------- */

static struct rop_topology *topology;
static struct rop_observed *seen;
static struct rop_snapshots chosen;
static struct rop_err err;

static void formed(void)
{
	topology = topology_of(3, 2, 9);
	seen = formed_world(topology);
}

static bool choose(void)
{
	err = (struct rop_err){ 0 };
	return rop_snapshots_choose(situation_of(topology, seen), &chosen, &err);
}

static const struct rop_snapshot *shard_of(size_t primary)
{
	for (size_t i = 0; i < chosen.shards.n; i++)
		if (rop_slots_meet(&chosen.shards.at[i].slots, &seen->nodes[primary].slots))
			return &chosen.shards.at[i];
	return NULL;
}

static size_t replica_of(size_t primary, int nth)
{
	for (size_t i = 0; i < seen->n; i++)
		if (seen->nodes[i].primary == (int)primary && nth-- == 0)
			return i;
	cr_assert(false);
	return 0;
}

static bool is_from(const struct rop_snapshot *shard, size_t nth, size_t node)
{
	return nth < shard->sources.n && strcmp(shard->sources.at[nth].id, seen->nodes[node].id) == 0;
}

Test(backup, each_shard_is_taken_from_its_replica_that_lags_least_and_the_primary_is_the_last)
{
	formed();
	size_t one = replica_of(0, 0), other = replica_of(0, 1);
	seen->nodes[one].offset = 100;
	seen->nodes[other].offset = 200;
	cr_assert(choose(), "%s", err.text);
	cr_assert_eq(chosen.shards.n, 3);
	const struct rop_snapshot *shard = shard_of(0);
	cr_assert(shard->sources.n == 3 && is_from(shard, 0, other) && is_from(shard, 1, one) && is_from(shard, 2, 0));
	cr_assert(shard->sources.at[0].replica && !shard->sources.at[2].replica);
	for (size_t i = 0; i < 3; i++)
		cr_assert_eq(chosen.shards.at[i].number, (int)i + 1);
}

Test(backup, a_replica_that_is_not_in_sync_is_no_source)
{
	formed();
	size_t one = replica_of(0, 0), other = replica_of(0, 1);
	seen->nodes[one].link_up = false;
	go_silent(seen, other);
	cr_assert(choose(), "%s", err.text);
	cr_assert(shard_of(0)->sources.n == 1 && is_from(shard_of(0), 0, 0));
}

Test(backup, nothing_is_taken_where_a_key_could_be_in_two_snapshots_or_in_none)
{
	formed();
	seen->nodes[1].open_slots = 1;
	seen->nodes[1].open_text = "[100->-x]";
	cr_assert_not(choose());
	cr_assert(err.code == ROP_REFUSED && strstr(err.text, "on their way"));

	formed();
	seen->nodes[2].jobs = rop_alloc(pool, sizeof(struct rop_job)); /* its state is RUNS */
	seen->nodes[2].n_jobs = 1;
	cr_assert_not(choose());
	cr_assert_eq(err.code, ROP_REFUSED);

	formed();
	rop_slots_drop(&seen->nodes[1].slots, &(struct rop_slots){ .bits[100] = 1 });
	cr_assert_not(choose());
	cr_assert(err.code == ROP_REFUSED && strstr(err.text, "6400"));

	formed();
	go_silent(seen, 0);
	cr_assert_not(choose());

	topology = topology_of(3, 0, 3);
	seen = fresh_world(topology);
	cr_assert_not(choose());
	cr_assert(strstr(err.text, "not formed"));
}

Test(backup, slots_and_leaders_must_be_the_same_before_and_after)
{
	formed();
	cr_assert(choose());
	struct rop_snapshots before = chosen;
	cr_assert(choose() && rop_snapshots_same(&before, &chosen, &err));
	struct rop_slots one = { .bits[0] = 1 };
	rop_slots_drop(&seen->nodes[0].slots, &one);
	rop_slots_join(&seen->nodes[1].slots, &one);
	cr_assert(choose(), "%s", err.text);
	cr_assert_not(rop_snapshots_same(&before, &chosen, &err));
	cr_assert(strstr(err.text, "changed hands"));
	formed();
	cr_assert(choose());
	struct rop_snapshot_source *leads = &chosen.shards.at[1].sources.at[chosen.shards.at[1].sources.n - 1];
	leads->id = "somebody else";
	cr_assert_not(rop_snapshots_same(&before, &chosen, &err));
	cr_assert(strstr(err.text, "shard 2"));
}

/* ---- which go --------------------------------------------------------------------------------------------------- */

#define DAY ((int64_t)86400000)

static struct rop_backup_list list;
static bool goes[16];

static void add(const char *cluster, int64_t begun_ms, bool verified)
{
	struct rop_backup_entry entry = { .whole = true, .backup = { .cluster = cluster, .begun_ms = begun_ms } };
	entry.verified_ms = verified;
	*rop_push(pool, &list.at) = entry;
}

static const char *stays(int64_t last, int64_t daily)
{
	static char text[17];
	rop_backup_prune_choose(&list, last, daily, goes);
	for (size_t i = 0; i < list.at.n; i++)
		text[i] = goes[i] ? '-' : 'k';
	text[list.at.n] = '\0';
	return text;
}

Test(backup, the_newest_verified_one_is_kept_whatever_is_asked)
{
	for (int i = 6; i > 0; i--) /* the newest first, three on a day */
		add("cart", i * DAY / 3, i == 2);
	cr_assert_str_eq(stays(1, 0), "k---k-");
	cr_assert_str_eq(stays(3, 0), "kkk-k-");
	cr_assert_str_eq(stays(0, 1), "k---k-");
	cr_assert_str_eq(stays(0, 2), "kk--k-");
	list.at.at[4].verified_ms = 0;
	cr_assert_str_eq(stays(0, 0), "k-----", "none was verified: the newest");
	list.at.at[5].verified_ms = 1;
	list.at.at[3].verified_ms = 1;
	cr_assert_str_eq(stays(1, 0), "k--k--", "the newest of them");
}

Test(backup, clusters_are_pruned_each_by_itself_and_what_is_no_backup_stays)
{
	add("cart", 5 * DAY, true);
	add("shop", 4 * DAY, true);
	add("cart", 3 * DAY, true);
	add("shop", 2 * DAY, true);
	add("cart", DAY, true);
	list.at.at[4].whole = false;
	cr_assert_str_eq(stays(1, 0), "kk--k");
}
