/* test_by_server.c - slots that servers move by themselves: who is asked, what is waited for, what becomes of failures.
 */
#include <criterion/criterion.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "../../src/redis/slot_jobs.h"
#include "world.h"

TestSuite(by_server, .init = world_setup, .fini = world_teardown);

#define NOW_S 1000000

static struct rop_topology *four;

/* Three shards of four that are declared; the fourth is to get slots, and all move them by themselves. */
static struct rop_observed *wider_world(void)
{
	four = topology_of(4, 0, 4);
	struct rop_observed *world = three_owners(four);
	for (size_t i = 0; i < 4; i++) {
		world->nodes[i].moves_by_itself = true;
		world->nodes[i].libraries = "";
	}
	return world;
}

static struct rop_situation *look_at(const struct rop_observed *world)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = four,
							   .seen = world,
							   .image = &no_image,
							   .wall_ms = (int64_t)NOW_S * 1000,
							   .boot_ms = 1 });
}

static const struct rop_migration *of_source(const struct rop_situation *now, int source)
{
	for (size_t i = 0; i < now->migrations.n; i++)
		if (now->migrations.at[i].source == source)
			return &now->migrations.at[i];
	return NULL;
}

static const char *warned(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->warnings.n; i++)
		if (now->warnings.at[i].is == ROP_WHY_JOB_FAILED)
			return now->warnings.at[i].text;
	return "";
}

static struct rop_batch ask(const struct rop_situation *now, int source)
{
	struct rop_batch batch = { .arena = pool, .state = "Serve", .why = "" };
	plan_action(rop_migration_words(), "ask_source", of_source(now, source), &batch);
	return batch;
}

static struct rop_job *job_at(struct rop_observed *world, size_t node, size_t n)
{
	struct rop_job *jobs = rop_alloc_n(pool, n, sizeof *jobs);
	for (size_t i = 0; i < n; i++) {
		jobs[i] = (struct rop_job){ .message = "", .created_s = NOW_S - (int64_t)i, .updated_s = NOW_S };
		memcpy(jobs[i].name, node_id(100 + i), ROP_ID_SIZE);
		memcpy(jobs[i].source, node_id(0), ROP_ID_SIZE);
		memcpy(jobs[i].target, node_id(3), ROP_ID_SIZE);
		rop_slots_add(&jobs[i].slots, 4096, 5460);
	}
	world->nodes[node].jobs = jobs;
	world->nodes[node].n_jobs = n;
	return jobs;
}

static struct rop_job *one_that(struct rop_observed *world, enum rop_job_state state, const char *message)
{
	struct rop_job *job = job_at(world, 0, 1);
	job->state = state;
	job->message = message;
	return job;
}

Test(by_server, each_source_is_told_once_of_all_its_slots)
{
	struct rop_observed *world = wider_world();
	struct rop_situation *now = look_at(world);
	for (int source = 0; source < 3; source++) {
		cr_assert_not_null(of_source(now, source)->whole);
		struct rop_batch batch = ask(now, source);
		cr_assert_eq(batch.steps.n, 1);
		cr_assert_eq(batch.steps.at[0].node, source);
		cr_assert_eq(batch.steps.at[0].peer, 3);
	}
	struct rop_step step = ask(now, 0).steps.at[0];
	rop_step_describe(pool, world, &step);
	cr_assert_eq(step.n_commands, 1);
	cr_assert_str_eq(step.expect.value, "4096-5460");
	cr_assert_str_eq(step.commands[0].argv[1], "MIGRATESLOTS");
	cr_assert_str_eq(step.commands[0].argv[3], "4096");
	cr_assert_not(rop_expect_seen(&step.expect, world));
	job_at(world, 0, 1)->state = ROP_JOB_RUNS;
	cr_assert(rop_expect_seen(&step.expect, world), "a job of it is listed");
	world->nodes[0].n_jobs = 0;
	rop_step_effect(&step.expect, world);
	cr_assert(rop_expect_seen(&step.expect, world), "the slots are gone");
	cr_assert(rop_slots_has(&world->nodes[3].slots, 4096));
	cr_assert_gt(world->nodes[3].epoch, world->nodes[0].epoch);
}

Test(by_server, key_by_key_where_one_cannot_or_it_is_declared_so_or_slots_are_open)
{
	struct rop_observed *world = wider_world();
	world->nodes[3].moves_by_itself = false;
	cr_assert_null(of_source(look_at(world), 0)->whole);
	world = wider_world();
	four->never_atomic = true;
	cr_assert_null(of_source(look_at(world), 0)->whole);
	world = wider_world();
	struct rop_open_slot open = { .slot = 5460, .importing = false, .keys = 0 };
	memcpy(open.peer, world->nodes[3].id, ROP_ID_SIZE);
	rop_node_set_open(pool, &world->nodes[0], &open);
	world->nodes[0].open_slots = 1;
	struct rop_situation *now = look_at(world);
	cr_assert_null(of_source(now, 0)->whole);
	cr_assert_not_null(of_source(now, 1)->whole);
}

Test(by_server, a_job_that_is_at_work_is_waited_for_whoever_began_it)
{
	struct rop_observed *world = wider_world();
	job_at(world, 0, 1)->state = ROP_JOB_RUNS;
	struct rop_situation *now = look_at(world);
	cr_assert(of_source(now, 0)->job_runs);
	cr_assert_eq(ask(now, 0).steps.n, 0, "the guard does not begin it twice");
	world->nodes[0].n_jobs = 0;
	job_at(world, 3, 1)->state = ROP_JOB_RUNS;
	cr_assert(of_source(look_at(world), 0)->job_runs, "as the target tells");
}

Test(by_server, who_has_a_job_at_work_becomes_no_replica)
{
	struct rop_observed *world = wider_world();
	four->shards = 3; /* it is declared otherwise meanwhile */
	four->replicas_per_shard = 0;
	cr_assert_gt(batch_of(look_at(world), "attach_replicas").steps.n, 0);
	job_at(world, 3, 1)->state = ROP_JOB_RUNS;
	cr_assert_eq(batch_of(look_at(world), "attach_replicas").steps.n, 0);
}

Test(by_server, one_that_failed_is_tried_again_after_a_while_and_then_goes_key_by_key)
{
	struct rop_observed *world = wider_world();
	struct rop_job *jobs = one_that(world, ROP_JOB_FAILED, "Connection lost to target");
	struct rop_situation *now = look_at(world);
	cr_assert(of_source(now, 0)->job_rests);
	cr_assert_not_null(strstr(warned(now), "Connection lost to target"));
	jobs[0].updated_s = NOW_S - 5;
	now = look_at(world);
	cr_assert_not(of_source(now, 0)->job_rests);
	struct rop_batch batch = ask(now, 0);
	cr_assert_eq(batch.steps.n, 1);
	cr_assert_not(rop_expect_seen(&batch.steps.at[0].expect, world),
		      "the one that failed is not the one asked for");
	jobs = job_at(world, 0, 3);
	for (size_t i = 0; i < 3; i++)
		jobs[i].state = ROP_JOB_FAILED;
	now = look_at(world);
	cr_assert_null(of_source(now, 0)->whole);
	cr_assert_not(of_source(now, 0)->in_hand, "never both ways on one node: the target is at work for others");
	for (size_t i = 0; i < 3; i++)
		jobs[i].updated_s = NOW_S - 600;
	cr_assert_not_null(of_source(look_at(world), 0)->whole, "that is long ago");
}

Test(by_server, the_fault_of_io_threads_is_told_and_not_tried_again)
{
	struct rop_observed *world = wider_world();
	one_that(world, ROP_JOB_FAILED, "Protocol error: invalid CRLF in request");
	struct rop_situation *now = look_at(world);
	cr_assert_null(of_source(now, 0)->whole);
	cr_assert_not_null(strstr(warned(now), "io-threads"));
}

Test(by_server, one_that_was_cancelled_rests_for_a_minute)
{
	struct rop_observed *world = wider_world();
	struct rop_job *job = one_that(world, ROP_JOB_CANCELLED, "");
	job->updated_s = NOW_S - 59;
	cr_assert(of_source(look_at(world), 0)->job_rests);
	job->updated_s = NOW_S - 60;
	cr_assert_not(of_source(look_at(world), 0)->job_rests);
}

Test(by_server, what_is_to_come_by_a_clock_that_was_set_back_is_not_waited_for)
{
	struct rop_observed *world = wider_world();
	struct rop_job *job = one_that(world, ROP_JOB_FAILED, "Connection lost to target");
	job->updated_s = NOW_S + 60;
	cr_assert(of_source(look_at(world), 0)->job_rests, "two clocks are never quite the same");
	job->updated_s = NOW_S + 61;
	cr_assert_not(of_source(look_at(world), 0)->job_rests);
}

/* ---- what a server lists -------------------------------------------------------------------------------------- */

static struct rop_answer listed(const char *reply)
{
	struct rop_answer answer = { 0 };
	redisReader *reader = redisReaderCreate();
	void *root = NULL;
	cr_assert(redisReaderFeed(reader, reply, strlen(reply)) == REDIS_OK &&
			  redisReaderGetReply(reader, &root) == REDIS_OK && root,
		  "%s", reply);
	slot_jobs_take(pool, 1, root, &answer);
	freeReplyObject(root);
	redisReaderFree(reader);
	return answer;
}

static const char *entry(const char *key, const char *value)
{
	return rop_printf(pool, "$%zu\r\n%s\r\n$%zu\r\n%s\r\n", strlen(key), key, strlen(value), value);
}

/* As Valkey 9.0 lists it, but for what is not looked at. */
static const char *a_job(const char *name, const char *slots, const char *state, int64_t created_s)
{
	return rop_printf(pool,
			  "*16\r\n%s%s%s%s%s$11\r\ncreate_time\r\n:%lld\r\n$16\r\nlast_update_time\r\n:%lld\r\n%s",
			  entry("name", name), entry("slot_ranges", slots), entry("target_node", node_id(3)),
			  entry("source_node", node_id(0)), entry("state", state), (long long)created_s,
			  (long long)created_s + 5, entry("message", "all is well"));
}

Test(by_server, a_job_is_what_its_server_lists_of_it)
{
	const char *one = a_job(node_id(100), "0-9 20", "success", NOW_S);
	const char *other = a_job(node_id(101), "4096-5460", "snapshotting", NOW_S - 60);
	const struct rop_answer answer = listed(rop_printf(pool, "*2\r\n%s%s", one, other));
	cr_assert_eq(answer.n_jobs, 2);
	const struct rop_job *at_work = &answer.jobs[0], *done = &answer.jobs[1];
	cr_assert(at_work->state == ROP_JOB_RUNS && done->state == ROP_JOB_DONE, "those at work first");
	cr_assert_str_eq(done->name, node_id(100));
	cr_assert_str_eq(done->source, node_id(0));
	cr_assert_str_eq(done->target, node_id(3));
	cr_assert_str_eq(rop_slots_text(pool, &done->slots), "0-9 20");
	cr_assert_str_eq(done->message, "all is well");
	cr_assert(done->created_s == NOW_S && done->updated_s == NOW_S + 5);
	cr_assert_str_eq(rop_slots_text(pool, &at_work->slots), "4096-5460");
}

Test(by_server, what_is_listed_and_is_no_job_is_left_out)
{
	const char *good = a_job(node_id(100), "0-9", "failed", NOW_S);
	const char *const BAD[] = { a_job("short", "0-9", "failed", NOW_S),
				    a_job(node_id(1), "9-0", "failed", NOW_S),
				    "*-1\r\n",
				    ":7\r\n",
				    "*1\r\n$4\r\nname\r\n",
				    "*0\r\n" };
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		const struct rop_answer answer = listed(rop_printf(pool, "*2\r\n%s%s", BAD[i], good));
		cr_assert(answer.n_jobs == 1 && answer.jobs[0].state == ROP_JOB_FAILED, "case %zu", i);
	}
}
