/* test_drive.c - a drive on a real loop and database, over nodes that do not answer: what it writes, and when not. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fleet_lib.h"
#include "rop/drive.h"
#include "store_fixture.h"
#include "world.h"

static struct run {
	struct rop_loop *loop;
	struct rop_store *store;
	struct rop_writer *writer;
	struct rop_drive *drive;
	struct rop_timer *timer;
	int written, done, held;
	char text[512];
} run;
static int first_port = 1; /* of the first node */

static void on_written(void *arg, const struct rop_entry *entry)
{
	(void)arg, (void)entry;
	run.written++;
}

static void on_held(void *arg, const struct rop_err *why)
{
	(void)arg, (void)why;
	run.held++;
}

static void on_done(void *arg, const struct rop_result *result, const struct rop_err *why)
{
	(void)arg;
	run.done++;
	snprintf(run.text, sizeof run.text, "%.511s", why ? why->text : result->text);
	rop_loop_stop(run.loop);
}

static void drive_setup(void)
{
	world_setup();
	store_setup();
}

static void drive_teardown(void)
{
	store_teardown();
	world_teardown();
}

TestSuite(drive, .init = drive_setup, .fini = drive_teardown, .timeout = 30);

/* Port 1: nobody listens, it is refused at once. */
static struct rop_drive *start(const struct rop_fleet_options *fleet)
{
	struct rop_topology *topology = topology_of(3, 0, 3);
	topology->interval_ms = 100;
	for (size_t i = 0; i < 3; i++) {
		topology->nodes.at[i].ip = rop_printf(pool, "127.0.0.%zu", i + 1);
		topology->nodes.at[i].port = i ? 1 : first_port;
	}
	run = (struct run){ .store = open_or_die(db_path, ROP_STORE_WRITE), .loop = rop_loop_new(&err) };
	run.writer = rop_writer_new(run.loop, run.store, &err);
	struct rop_drive_options options = {
		.loop = run.loop,
		.writer = run.writer,
		.lock_path = db_path,
		.lock_command = "run",
		.fleet = fleet,
		.clients_every_ms = 1,
		.reconcile = { .machine = shipped_machine(),
			       .topology = topology,
			       .boot_id = BOOT_1,
			       .pid = 1,
			       .revision = 1,
			       .keep = true },
		.on_written = on_written,
		.on_held = on_held,
		.on_done = on_done,
	};
	run.drive = rop_drive_start(&options);
	return run.drive;
}

static void stop(void)
{
	rop_timer_free(run.timer);
	rop_drive_free(run.drive);
	rop_writer_free(run.writer);
	rop_loop_free(run.loop);
	rop_store_close(run.store);
}

static const struct rop_fleet_options FLEET = { .connect_timeout_ms = 1000, .command_timeout_ms = 1000 };

static void enough(void *arg)
{
	(void)arg;
	rop_loop_stop(run.loop);
}

Test(drive, writes_what_it_has_seen)
{
	start(&FLEET);
	run.timer = rop_timer_new(run.loop, enough, NULL);
	rop_timer_start(run.timer, 1000);
	rop_loop_run(run.loop);
	cr_assert_geq(run.written, 1);
	cr_assert_eq(run.done, 0);
	stop();
	cr_assert_geq(raw_int(db_path, "SELECT count(*) FROM pass"), 1);
}

static _Atomic int asked_clients, asked_settings, asked_functions;

static void answers_and_counts(struct peer *peer, int fd)
{
	char name[256];
	while (peer_command(peer, fd, name, sizeof name)) {
		asked_clients += strcmp(name, "INFO clients") == 0;
		asked_settings += strncmp(name, "CONFIG GET", 10) == 0;
		asked_functions += strncmp(name, "FUNCTION", 8) == 0;
		peer_answer(fd, name);
	}
}

/* Here every look asks for clients: one that asked for nothing else would take all settings for not as declared. */
Test(drive, a_look_that_asks_for_clients_asks_for_all_else_too)
{
	struct peer peer;
	peer_start(&peer, answers_and_counts, NULL);
	first_port = peer.port;
	start(&FLEET);
	run.timer = rop_timer_new(run.loop, enough, NULL);
	for (int rounds = 0; rounds < 100 && asked_clients < 2; rounds++) {
		rop_timer_start(run.timer, 50);
		rop_loop_run(run.loop);
	}
	stop();
	peer_stop(&peer);
	first_port = 1;
	cr_assert_geq(asked_clients, 2);
	cr_assert_geq(asked_settings, asked_clients);
	cr_assert_geq(asked_functions, asked_clients);
}

/* It was said that nothing more is changed: then nothing is, the journal included. */
Test(drive, a_lock_that_cannot_be_used_ends_it_and_nothing_is_written)
{
	char *lock;
	start(&FLEET);
	lock = in_folder(rop_printf(pool, "%s.lock", topology_of(3, 0, 3)->name));
	cr_assert_eq(mkdir(lock, 0700), 0);
	rop_loop_run(run.loop);
	cr_assert_eq(run.done, 1);
	cr_assert(strstr(run.text, "nothing more is changed") && strstr(run.text, "lock file"), "%s", run.text);
	run.timer = rop_timer_new(run.loop, enough, NULL); /* whatever was given all the same would be done by then */
	rop_timer_start(run.timer, 500);
	rop_loop_run(run.loop);
	cr_assert(run.written == 0 && run.done == 1 && run.held == 0);
	stop();
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass"), 0);
	rmdir(lock);
}

/* Freed with something in the writer: while the database is read, and while a commit waits. Told to stop: likewise. */
Test(drive, may_go_at_any_time)
{
	for (int i = 0; i < 20; i++) {
		start(&FLEET);
		run.timer = rop_timer_new(run.loop, enough, NULL);
		rop_timer_start(run.timer, i);
		rop_loop_run(run.loop);
		if (i % 2)
			rop_drive_stop(run.drive, ROP_OK, "");
		stop();
	}
}

/* The reason is copied: whose it is may be gone before it is told. */
Test(drive, stopped_while_it_reads_the_database_it_ends_at_once)
{
	char why[] = "told to";
	start(&FLEET);
	rop_drive_stop(run.drive, ROP_FAIL, why);
	memset(why, 'x', sizeof why - 1);
	cr_assert_eq(run.done, 1);
	cr_assert_str_eq(run.text, "told to");
	stop();
}
