/* test_drive_turns.c - a drive turn by turn, on what fakes.c makes up: the lock, an outdated journal, a pause that
 * comes between decision and commit, a journal that fails, being stopped or freed at any point, and when it looks
 * again. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "fakes.h"
#include "rop/names.h"
#include "rop/permissions.h"
#include "rop/text.h"
#include "store_fixture.h"

static struct {
	struct rop_drive *drive;
	struct rop_drive_options options;
	int written, done, held, let_in;
	struct rop_result result;
	enum rop_code code; /* of the journal's failure */
	char text[512], holder[512];
} run;

static void on_written(void *arg, const struct rop_entry *entry)
{
	(void)arg;
	cr_assert_gt(entry->pass, 0);
	run.written++;
}

static void on_held(void *arg, const struct rop_err *why)
{
	(void)arg;
	run.held += why != NULL;
	run.let_in += why == NULL;
	if (why)
		snprintf(run.holder, sizeof run.holder, "%.511s", why->text);
}

static void on_done(void *arg, const struct rop_result *result, const struct rop_err *why)
{
	(void)arg;
	run.done++;
	run.result = *result;
	run.code = why ? why->code : ROP_OK;
	const char *text = why ? why->text : result->text;
	snprintf(run.text, sizeof run.text, "%.511s", text ? text : "");
}

static void drive_setup(void)
{
	world_setup();
	store_setup();
	fakes_begin();
	struct rop_topology *topology = topology_of(3, 1, 6);
	memset(&run, 0, sizeof run);
	fakes.world = fresh_world(topology);
	run.options = (struct rop_drive_options){
		.lock_path = db_path,
		.lock_command = "run",
		.reconcile = { .machine = shipped_machine(),
			       .topology = topology,
			       .boot_id = BOOT_1,
			       .pid = 1,
			       .revision = 0,
			       .keep = true },
		.on_written = on_written,
		.on_held = on_held,
		.on_done = on_done,
	};
}

static void drive_teardown(void)
{
	rop_drive_free(run.drive);
	fakes_end();
	store_teardown();
	world_teardown();
}

TestSuite(drive_turns, .init = drive_setup, .fini = drive_teardown, .timeout = 30);

static void start(void)
{
	fakes.drive = run.drive = rop_drive_start(&run.options);
}

static const char *state_now(void)
{
	return rop_reconcile_state(rop_drive_reconcile(run.drive));
}

/* Formed, seen to be so, and at rest. */
static void until_rest(void)
{
	for (int turns = 0; fake_out() != OUT_TIMER || !rop_reconcile_converged(rop_drive_reconcile(run.drive)) ||
			    !rop_reconcile_at_rest(rop_drive_reconcile(run.drive));
	     turns++) {
		cr_assert_lt(turns, 2000, "it never rests; state %s", state_now());
		fake_turn();
	}
}

static void until_done(void)
{
	for (int turns = 0; !run.done; turns++) {
		cr_assert_lt(turns, 2000, "it never ends; state %s", state_now());
		fake_turn();
	}
}

static int64_t rows(const char *status)
{
	struct rop_history_line *lines;
	size_t n;
	int64_t found = 0;
	cr_assert(rop_store_history(fakes.store, pool, "cart", 10000, &lines, &n, &err), "%s", err.text);
	for (size_t i = 0; i < n; i++)
		found += lines[i].is_step && (!status || strcmp(lines[i].status, status) == 0);
	return found;
}

/* As another process would: an entry that names no transaction before it. */
static void somebody_writes(void)
{
	struct rop_entry entry = entry_at(fakes.now_ms);
	entry.state = "Observe";
	entry.state_entered = true;
	commit_or_die(fakes.store, "cart", &entry);
}

/* ---- the way without trouble ------------------------------------------------------------------------------- */

Test(drive_turns, a_cluster_is_formed_and_nothing_goes_out_before_it_is_written)
{
	run.options.reconcile.keep = false;
	start();
	cr_assert_eq(fake_out(), OUT_CALL, "the database is read first");
	cr_assert_null(rop_drive_reconcile(run.drive));
	until_done();
	cr_assert(run.result.code == ROP_OK && run.result.reached && run.code == ROP_OK, "%s", run.text);
	cr_assert(fakes.commands > 6 && fakes.unwritten == 0);
	cr_assert_geq((int64_t)fakes.commands, rows(NULL));
	cr_assert_eq(rows("pending"), 0);
	cr_assert_eq((size_t)run.written, fakes.commits);
	cr_assert_eq(fake_out(), OUT_NOTHING, "it is over");
	struct rop_image image = image_of(fakes.store, "cart");
	for (size_t i = 0; i < 6; i++)
		cr_assert_str_eq(fakes.expected[i], node_id(i), "known by its id from now on, also when it is silent");
	cr_assert_eq(image.members.n, 6);
}

Test(drive_turns, over_a_cluster_that_is_as_declared_nothing_is_written)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	start();
	until_rest();
	int64_t commits = (int64_t)fakes.commits;
	for (int looks = 0; looks < 5; looks++) {
		fake_turn();
		fake_until(OUT_TIMER);
	}
	cr_assert_eq((int64_t)fakes.commits, commits);
	cr_assert(fakes.sends == 0 && fakes.looks >= 6);
}

/* Whose lock it is all the time gives an image with the options; nothing is read. */
Test(drive_turns, with_the_callers_lock_it_begins_with_a_look)
{
	struct rop_lock *lock;
	run.options.lock_path = NULL;
	run.options.reconcile.image = &no_image;
	run.options.reconcile.keep = false;
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	start();
	cr_assert_eq(fake_out(), OUT_LOOK);
	fake_until(OUT_COMMIT);
	somebody_writes(); /* nobody can have; nothing is asked */
	until_done();
	cr_assert(run.result.reached && fakes.calls == 0 && run.held == 0);
	rop_lock_release(lock);
}

Test(drive_turns, nodes_that_the_database_knows_are_expected_from_the_first_look)
{
	start();
	until_rest();
	rop_drive_free(run.drive);
	memset(fakes.expected, 0, sizeof fakes.expected);
	start();
	fake_until(OUT_LOOK);
	for (size_t i = 0; i < 6; i++)
		cr_assert_str_eq(fakes.expected[i], node_id(i));
}

Test(drive_turns, endpoints_have_addresses_ids_and_ports)
{
	struct rop_topology *t = topology_of(3, 0, 3);
	struct rop_image image = { 0 };
	t->nodes.at[1].host = t->nodes.at[1].ip = "2001:db8::2";
	t->nodes.at[1].bus_port = 9999;
	t->nodes.at[2].host = "c.internal";
	*rop_push(pool, &image.members) = (struct rop_member){ .node = "", .address = "10.9.9.9:6379" };
	*rop_push(pool, &image.members) = (struct rop_member){ .node = "", .address = "c.internal:6379" };
	snprintf(image.members.at[1].node, ROP_ID_SIZE, "%s", node_id(2));
	const struct rop_endpoint *e = rop_endpoints_of(pool, t, &image);
	cr_assert_str_eq(e[0].address, "10.0.0.1:6379");
	cr_assert_str_eq(e[0].ip, "10.0.0.1");
	cr_assert_str_eq(e[1].address, "[2001:db8::2]:6379");
	cr_assert(e[1].bus_port == 9999 && e[1].port == 6379 && e[0].bus_port == 0);
	cr_assert_str_eq(e[2].address, "c.internal:6379");
	cr_assert(!e[0].expected_id && !e[1].expected_id);
	cr_assert_str_eq(e[2].expected_id, node_id(2));
	cr_assert_null(rop_endpoints_of(pool, t, NULL)[2].expected_id);
}

/* ---- another process has written --------------------------------------------------------------------------- */

Test(drive_turns, an_outdated_journal_begins_it_anew_and_nothing_is_written_or_sent)
{
	start();
	fake_until(OUT_SEND);
	fake_turn();
	fake_until(OUT_COMMIT);
	size_t sends = fakes.sends, looks = fakes.looks;
	int64_t before = rows(NULL);
	int written = run.written;
	somebody_writes();
	fake_turn();
	cr_assert_eq(run.written, written);
	cr_assert_eq(rows(NULL), before);
	cr_assert_eq(fake_out(), OUT_CALL, "from the database ...");
	fake_turn();
	cr_assert_eq(fake_out(), OUT_LOOK, "... and a fresh look");
	cr_assert(fakes.looks == looks + 1 && fakes.sends == sends);
	cr_assert_eq(fakes.fleets, 1, "the connections stay");
	until_rest();
	cr_assert(run.written > written && run.done == 0 && fakes.unwritten == 0);
}

Test(drive_turns, what_another_process_knows_of_the_members_is_known_from_then_on)
{
	start();
	fake_until(OUT_COMMIT);
	cr_assert_str_eq(fakes.expected[4], "");
	struct rop_entry entry = entry_at(fakes.now_ms);
	entry.state = "Observe";
	entry.members_changed = true;
	struct rop_member *member = rop_push(pool, &entry.members);
	*member = (struct rop_member){ .address = "10.0.0.5:6379" };
	snprintf(member->node, ROP_ID_SIZE, "%s", node_id(77));
	commit_or_die(fakes.store, "cart", &entry);
	fake_turn();
	fake_until(OUT_LOOK);
	cr_assert_str_eq(fakes.expected[4], node_id(77));
	cr_assert_str_eq(fakes.expected[3], "");
}

Test(drive_turns, who_lost_once_to_another_goes_on_from_its_transaction)
{
	start();
	for (int i = 0; i < 3; i++) {
		fake_until(OUT_COMMIT);
		somebody_writes();
		fake_turn();
		cr_assert_eq(fake_out(), OUT_CALL, "time %d", i);
	}
	fake_until(OUT_COMMIT);
	fake_turn();
	cr_assert_eq(run.written, 1);
	cr_assert_neq(fake_out(), OUT_CALL);
}

Test(drive_turns, stopped_while_it_reads_anew_it_ends_at_once)
{
	char why[] = "told to";
	start();
	fake_until(OUT_COMMIT);
	somebody_writes();
	fake_turn();
	cr_assert_eq(fake_out(), OUT_CALL);
	rop_drive_stop(run.drive, ROP_FAIL, why);
	memset(why, 'x', sizeof why - 1);
	cr_assert(run.done == 1 && run.result.code == ROP_FAIL && run.code == ROP_OK);
	cr_assert_str_eq(run.result.text, "told to");
	cr_assert_eq(fake_out(), OUT_NOTHING);
	rop_drive_stop(run.drive, ROP_OK, "again");
	cr_assert_eq(run.done, 1, "once");
}

/* ---- the lock ---------------------------------------------------------------------------------------------- */

static bool lock_is_free(void)
{
	struct rop_lock *lock;
	struct rop_err held = { 0 };
	if (!rop_lock_take(db_path, "cart", "test", &lock, &held)) {
		cr_assert_eq(held.code, ROP_BUSY);
		return false;
	}
	rop_lock_release(lock);
	return true;
}

Test(drive_turns, the_lock_is_its_own_from_the_first_commit_until_it_rests)
{
	start();
	fake_until(OUT_LOOK);
	cr_assert(lock_is_free(), "looking needs none");
	fake_until(OUT_COMMIT);
	cr_assert_not(lock_is_free());
	fake_until(OUT_SEND);
	cr_assert_not(lock_is_free());
	fake_turn();
	fake_until(OUT_TIMER);
	cr_assert_not(rop_reconcile_at_rest(rop_drive_reconcile(run.drive)));
	cr_assert_not(lock_is_free(), "it waits for what it has sent");
	until_rest();
	cr_assert(lock_is_free());
	go_silent(fakes.world, 5); /* something to write, much later */
	fake_until(OUT_COMMIT);
	cr_assert_not(lock_is_free());
	rop_drive_free(run.drive);
	run.drive = NULL;
	cr_assert(lock_is_free());
}

Test(drive_turns, a_lock_that_another_process_holds_is_waited_for_and_said_once)
{
	struct rop_lock *lock;
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	start();
	fake_until(OUT_TIMER);
	cr_assert(run.held == 1 && run.let_in == 0 && fakes.looks == 1);
	cr_assert(strstr(run.holder, "held by pid") && strstr(run.holder, "apply"), "%s", run.holder);
	cr_assert_eq(fake_timer_ms(), run.options.reconcile.topology->interval_ms);
	for (size_t i = 2; i < 5; i++) {
		fake_turn();
		cr_assert_eq(fake_out(), OUT_CALL, "from the database: it may have changed");
		fake_until(OUT_TIMER);
		cr_assert(fakes.looks == i && run.held == 1, "said once");
	}
	cr_assert(fakes.commits == 0 && fakes.sends == 0 && run.written == 0);
	rop_lock_release(lock);
	fake_until(OUT_COMMIT);
	cr_assert_eq(run.let_in, 1);
	until_rest();
	cr_assert(run.held == 1 && run.let_in == 1 && run.written > 0);
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	go_silent(fakes.world, 5);
	for (int turns = 0; run.held == 1 && turns < 100; turns++)
		fake_turn();
	cr_assert_eq(run.held, 2, "and once more when it is held again");
	rop_lock_release(lock);
}

Test(drive_turns, nobody_needs_to_listen)
{
	struct rop_lock *lock;
	run.options.on_held = NULL;
	run.options.on_written = NULL;
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	start();
	fake_until(OUT_TIMER);
	rop_lock_release(lock);
	until_rest();
	cr_assert_gt(fakes.commits, 0);
}

Test(drive_turns, a_lock_that_cannot_be_used_ends_it)
{
	char *lock = in_folder("cart.lock");
	cr_assert_eq(mkdir(lock, 0700), 0);
	start();
	until_done();
	cr_assert_eq(run.code, ROP_FAIL);
	cr_assert(strstr(run.text, "nothing more is changed"), "%s", run.text);
	cr_assert_eq(fake_out(), OUT_NOTHING);
	cr_assert(fakes.commits == 0 && fakes.sends == 0 && run.held == 0);
}

Test(drive_turns, stopped_while_another_process_holds_the_lock_it_ends_at_once)
{
	struct rop_lock *lock;
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	start();
	fake_until(OUT_TIMER);
	rop_drive_stop(run.drive, ROP_OK, "the daemon ends");
	cr_assert(run.done == 1 && fake_out() == OUT_NOTHING);
	cr_assert_str_eq(run.text, "the daemon ends");
	rop_lock_release(lock);
}

/* ---- pauses ------------------------------------------------------------------------------------------------ */

static void pause_cluster(int64_t until_ms)
{
	cr_assert(rop_store_pause(fakes.store, "beside", 0, "somebody else", NULL, fakes.now_ms, &err));
	cr_assert(rop_store_pause(fakes.store, "cart", until_ms, "ann", NULL, fakes.now_ms, &err), "%s", err.text);
}

Test(drive_turns, a_pause_between_decision_and_commit_is_heard_of_and_nothing_is_sent)
{
	start();
	do {
		fake_turn();
		fake_until(OUT_COMMIT);
	} while (!rop_reconcile_entry((struct rop_reconcile *)rop_drive_reconcile(run.drive))->expects.n);
	size_t sends = fakes.sends;
	int64_t before = rows(NULL);
	int written = run.written;
	pause_cluster(0);
	fake_turn();
	cr_assert_eq(fake_out(), OUT_CALL, "who, and until when?");
	cr_assert_eq(run.written, written);
	cr_assert(rop_reconcile_paused(rop_drive_reconcile(run.drive)), "known before it is known who");
	fake_turn();
	cr_assert(rop_reconcile_paused(rop_drive_reconcile(run.drive)));
	for (int i = 0; i < 40; i++)
		fake_turn();
	cr_assert_eq(rows(NULL), before, "nothing new is begun");
	cr_assert(run.done == 0 && fakes.sends == sends);
	cr_assert(rop_store_resume(fakes.store, "cart", NULL, fakes.now_ms, &err));
	rop_drive_pauses(run.drive, NULL, 0);
	cr_assert_not(rop_reconcile_paused(rop_drive_reconcile(run.drive)));
	until_rest();
	cr_assert_gt(rows(NULL), before);
}

Test(drive_turns, a_pause_that_cannot_be_read_ends_it)
{
	start();
	fake_until(OUT_COMMIT);
	pause_cluster(0);
	fake_turn();
	cr_assert_eq(fake_out(), OUT_CALL);
	fakes.broken = (struct rop_err){ .code = ROP_FAIL, .text = "the disk is gone" };
	fake_turn();
	cr_assert(run.done == 1 && run.code == ROP_FAIL && fake_out() == OUT_NOTHING);
	cr_assert(strstr(run.text, "the disk is gone") && strstr(run.text, "nothing more is changed"), "%s", run.text);
}

/* What comes of the question then is nobody's: who has heard of the end may have freed all. */
Test(drive_turns, stopped_while_it_learns_of_a_pause_it_ends_once)
{
	start();
	fake_until(OUT_COMMIT);
	pause_cluster(0);
	fake_turn();
	cr_assert_eq(fake_out(), OUT_CALL);
	rop_drive_stop(run.drive, ROP_FAIL, "told to");
	cr_assert(run.done == 1 && run.result.code == ROP_FAIL && run.code == ROP_OK);
	fakes.broken = (struct rop_err){ .code = ROP_FAIL, .text = "the disk is gone" };
	fake_turn();
	cr_assert(run.done == 1 && fake_out() == OUT_NOTHING);
	cr_assert_eq(strncmp(run.text, "told to", 7), 0, "%s", run.text);
}

Test(drive_turns, a_pause_wakes_it_and_the_end_of_one_too)
{
	const struct rop_pause PAUSES[] = { { "beside", "bob", 0, 0, 0 }, { "cart", "ann", 0, 0, 0 } };
	start();
	rop_drive_pauses(run.drive, PAUSES, 2); /* nothing is known yet: it is read with the database */
	until_rest();
	cr_assert_not(rop_reconcile_paused(rop_drive_reconcile(run.drive)));
	cr_assert_gt(fake_timer_ms(), 0);
	rop_drive_pauses(run.drive, PAUSES, 1);
	cr_assert_gt(fake_timer_ms(), 0, "of another cluster");
	rop_drive_pauses(run.drive, PAUSES, 2);
	cr_assert(rop_reconcile_paused(rop_drive_reconcile(run.drive)));
	cr_assert_eq(fake_timer_ms(), 0);
	fake_turn();
	fake_until(OUT_TIMER);
	int64_t rest = fake_timer_ms();
	cr_assert_gt(rest, 0);
	rop_drive_pauses(run.drive, PAUSES, 2);
	cr_assert_eq(fake_timer_ms(), rest, "that is no news");
	rop_drive_pauses(run.drive, PAUSES, 1);
	cr_assert_eq(fake_timer_ms(), 0);
	fake_until(OUT_LOOK);
	rop_drive_pauses(run.drive, PAUSES, 2);
	cr_assert_eq(fake_out(), OUT_LOOK, "it looks already");
	cr_assert_eq(fake_timer_ms(), -1);
}

Test(drive_turns, a_wish_that_it_does_not_know_of_has_it_begin_anew_once_it_rests)
{
	const struct rop_pause OTHERS = { "beside", NULL, 0, 7, 0 };
	struct rop_wish wish = { .shard = 1, .primary = NODE_A };
	struct rop_pause told = { "cart", NULL, 0, 0, 0 };
	start();
	until_rest();
	int64_t rest = fake_timer_ms();
	rop_drive_pauses(run.drive, &OTHERS, 1);
	cr_assert(fake_timer_ms() == rest && rest > 0, "of another cluster");
	cr_assert(rop_store_wish(fakes.store, "cart", &wish, 5, &told.wish, &err), "%s", err.text);
	rop_drive_pauses(run.drive, &told, 1);
	cr_assert_not(rop_reconcile_paused(rop_drive_reconcile(run.drive)), "it is no pause");
	cr_assert_eq(fake_timer_ms(), 0);
	fake_turn();
	cr_assert_eq(fake_out(), OUT_CALL, "the database is read");
	fake_until(OUT_LOOK);
	cr_assert_eq(rop_reconcile_wish(rop_drive_reconcile(run.drive)), told.wish);
	until_rest(); /* another one than NODE_A leads the shard: so it is met */
	cr_assert_eq(rop_reconcile_wish(rop_drive_reconcile(run.drive)), 0);
	cr_assert_eq(image_of(fakes.store, "cart").last_wish.status, ROP_WISH_MET);
	fake_turn();
	cr_assert_eq(fake_out(), OUT_LOOK, "what it closed itself is no news");
}

Test(drive_turns, a_pause_does_not_hurry_one_that_waits_for_the_lock)
{
	const struct rop_pause PAUSE = { "cart", "ann", 0, 0, 0 };
	struct rop_lock *lock;
	cr_assert(rop_lock_take(db_path, "cart", "apply", &lock, &err));
	start();
	fake_until(OUT_TIMER);
	rop_drive_pauses(run.drive, &PAUSE, 1);
	cr_assert_gt(fake_timer_ms(), 0);
	rop_lock_release(lock);
	rop_drive_stop(run.drive, ROP_OK, "");
	rop_drive_pauses(run.drive, NULL, 0); /* of one that is over */
	cr_assert(run.done == 1 && fake_out() == OUT_NOTHING);
}

/* ---- a journal that fails ---------------------------------------------------------------------------------- */

Test(drive_turns, what_cannot_be_written_is_not_sent)
{
	start();
	fake_until(OUT_COMMIT);
	fakes.broken = (struct rop_err){ .code = ROP_FAIL, .text = "the disk is full" };
	fake_turn();
	cr_assert(run.done == 1 && run.code == ROP_FAIL && run.written == 0);
	cr_assert(strstr(run.text, "the disk is full") && strstr(run.text, "nothing more is changed"), "%s", run.text);
	cr_assert(fake_out() == OUT_NOTHING && fakes.sends == 0);
	cr_assert(lock_is_free());
}

Test(drive_turns, a_database_that_cannot_be_read_ends_it)
{
	start();
	fakes.broken = (struct rop_err){ .code = ROP_FAIL, .text = "it is damaged" };
	fake_turn();
	cr_assert(run.done == 1 && run.code == ROP_FAIL && fakes.looks == 0 && fakes.fleets == 0);
	cr_assert(strstr(run.text, "it is damaged"), "%s", run.text);
	cr_assert_null(rop_drive_reconcile(run.drive));
	cr_assert_eq(fake_out(), OUT_NOTHING);
}

/* ---- time -------------------------------------------------------------------------------------------------- */

Test(drive_turns, out_of_time_it_puts_back_what_was_lowered_and_ends)
{
	run.options.reconcile.keep = false;
	run.options.timeout_ms = 5000;
	start();
	fake_until(OUT_SEND);
	fake_turn();
	fakes.frozen = true;
	while (fakes.now_ms < 1000000 + 5000)
		fake_turn();
	cr_assert_eq(run.done, 0);
	fakes.frozen = false;
	until_done();
	cr_assert(run.result.code == ROP_TIMEOUT && !run.result.reached, "%s", run.text);
	cr_assert(strstr(run.text, "not converged after 5s"), "%s", run.text);
	cr_assert_eq(image_of(fakes.store, "cart").temporaries.n, 0);
	cr_assert_eq(fake_out(), OUT_NOTHING);
}

Test(drive_turns, without_a_timeout_it_has_all_the_time)
{
	go_silent(fakes.world, 0);
	start();
	while (fakes.now_ms < 1000000 + 3600 * 1000)
		fake_turn();
	cr_assert_eq(run.done, 0);
}

Test(drive_turns, stopped_in_a_look_that_changed_nothing_it_ends_at_once)
{
	start();
	fake_until(OUT_LOOK);
	rop_drive_stop(run.drive, ROP_FAIL, "told to");
	cr_assert(run.done == 1 && run.result.code == ROP_FAIL);
	cr_assert_str_eq(run.text, "told to");
	fake_turn(); /* the look ends all the same */
	cr_assert(run.done == 1 && fake_out() == OUT_NOTHING && fakes.commits == 0);
}

Test(drive_turns, stopped_while_it_sends_it_hears_of_that_first)
{
	start();
	fake_until(OUT_SEND);
	rop_drive_stop(run.drive, ROP_FAIL, "told to");
	cr_assert(run.done == 0 && fake_out() == OUT_SEND);
	until_done();
	cr_assert_eq(strncmp(run.text, "told to", 7), 0, "%s", run.text);
	cr_assert_eq(image_of(fakes.store, "cart").temporaries.n, 0);
	cr_assert(fakes.unwritten == 0 && rows("pending") == 0);
}

Test(drive_turns, stopped_at_rest_it_does_not_wait_for_the_interval)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	start();
	until_rest();
	rop_drive_stop(run.drive, ROP_OK, "told to");
	while (!run.done && fake_out() != OUT_TIMER)
		fake_turn();
	cr_assert_eq(run.done, 1);
}

Test(drive_turns, what_was_decided_on_a_look_that_has_grown_old_is_not_sent)
{
	start();
	do {
		fake_turn();
		fake_until(OUT_COMMIT);
	} while (!rop_reconcile_entry((struct rop_reconcile *)rop_drive_reconcile(run.drive))->expects.n);
	size_t sends = fakes.sends, looks = fakes.looks;
	fakes.commit_takes_ms = 5000;
	fake_turn();
	fakes.commit_takes_ms = 0;
	cr_assert_eq(fake_out(), OUT_LOOK);
	cr_assert(fakes.sends == sends && fakes.looks == looks + 1);
	until_rest();
	cr_assert(rows("superseded") > 0 && rows("pending") == 0);
}

Test(drive_turns, the_fleet_is_told_until_when_a_command_may_leave)
{
	start();
	fake_until(OUT_SEND);
	cr_assert_gt(fakes.not_after_ms, fakes.now_ms);
	cr_assert_eq(fakes.not_after_ms, rop_reconcile_send_by_ms(rop_drive_reconcile(run.drive)));
}

Test(drive_turns, clients_are_asked_for_now_and_then)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	run.options.clients_every_ms = 60000;
	start();
	fake_until(OUT_LOOK);
	cr_assert_eq(fakes.look_flags,
		     ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_CLIENTS | ROP_OBSERVE_RIGHTS);
	int64_t asked_ms = fakes.now_ms;
	for (int i = 0; i < 40; i++) {
		fake_turn();
		fake_until(OUT_LOOK);
		bool asks = fakes.look_flags & ROP_OBSERVE_CLIENTS;
		cr_assert_eq(fakes.look_flags & (ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL),
			     ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL);
		cr_assert_eq(asks, fakes.now_ms >= asked_ms + 60000);
		if (asks)
			asked_ms = fakes.now_ms;
	}
	cr_assert_geq(asked_ms, 1000000 + 120000);
}

Test(drive_turns, who_does_not_want_them_never_asks_for_clients)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	start();
	for (int i = 0; i < 5; i++) {
		fake_until(OUT_LOOK);
		cr_assert_not(fakes.look_flags & ROP_OBSERVE_CLIENTS);
		fake_turn();
	}
}

/* Each answer is as long as a view: only at the end, where all else agrees. */
Test(drive_turns, shards_are_asked_for_at_the_end)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	start();
	fake_until(OUT_LOOK);
	cr_assert_not(fakes.look_flags & ROP_OBSERVE_SHARDS, "nothing is known yet");
	fake_turn();
	fake_until(OUT_LOOK);
	cr_assert(fakes.look_flags & ROP_OBSERVE_SHARDS);
	for (int i = 0; fakes.look_flags & ROP_OBSERVE_SHARDS; i++) {
		cr_assert_lt(i, 50, "it is converged by then");
		fake_turn();
		fake_until(OUT_LOOK);
	}
}

/* What one may not tell stays unknown whatever the others say, and each of their answers is long. */
Test(drive_turns, shards_are_not_asked_for_where_one_may_not_tell)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	fakes.world->nodes[2].forbidden = ROP_PERMIT(CLUSTER_SHARDS);
	start();
	for (int i = 0; i < 10; i++) {
		fake_until(OUT_LOOK);
		cr_assert_not(fakes.look_flags & ROP_OBSERVE_SHARDS, "look %d", i);
		fake_turn();
	}
}

/* Rights are asked for as long as there is something to do, and not again of who hides them. */
static bool rights_were_asked(void)
{
	fake_until(OUT_LOOK);
	bool asked = fakes.look_flags & ROP_OBSERVE_RIGHTS;
	fake_turn();
	return asked;
}

Test(drive_turns, rights_are_asked_for_until_it_is_as_declared)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	start();
	cr_assert(rights_were_asked());
	int looks = 1;
	while (rights_were_asked())
		cr_assert_lt(++looks, 20);
	go_silent(fakes.world, 5);
	rights_were_asked();
	cr_assert(rights_were_asked());
}

Test(drive_turns, who_hides_rights_is_not_asked_again)
{
	fakes.world = fresh_world(run.options.reconcile.topology);
	fakes.world->nodes[1].rights_hidden = "user 'op' may not run 'acl|dryrun'";
	start();
	cr_assert(rights_were_asked());
	cr_assert(!rights_were_asked());
}

/* An interval is from the beginning of one look to that of the next; the first is shorter, by the cluster's name. */
Test(drive_turns, looks_are_an_interval_apart_however_long_they_take)
{
	fakes.world = formed_world(run.options.reconcile.topology);
	fakes.look_takes_ms = 700;
	start();
	until_rest();
	int64_t interval = run.options.reconcile.topology->interval_ms, began = fakes.look_began_ms;
	int64_t first = fakes.now_ms + fake_timer_ms() - began;
	cr_assert(first >= 0 && first < interval, "%lld", (long long)first);
	uint64_t place = rop_digest(ROP_DIGEST_START, "cart", 4) % 1000;
	cr_assert_eq(fake_timer_ms(),
		     interval * (int64_t)place / 1000 > 700 ? interval * (int64_t)place / 1000 - 700 : 0);
	for (int i = 0; i < 4; i++) {
		fake_until(OUT_LOOK);
		if (i)
			cr_assert_eq(fakes.look_began_ms - began, interval);
		began = fakes.look_began_ms;
		fake_until(OUT_TIMER);
	}
	fakes.look_takes_ms = interval + 1000; /* longer than that: at once, and never in the past */
	fake_until(OUT_LOOK);
	fake_turn();
	fake_until(OUT_TIMER);
	cr_assert_eq(fake_timer_ms(), 0);
}

/* While something is under way, at most a quarter of the time goes into looking; but no second is slept away so. */
Test(drive_turns, a_slow_look_is_followed_by_a_longer_sleep)
{
	static const struct {
		int64_t takes_ms, factor;
	} CASES[] = { { 100, 3 }, { 300, 3 }, { 600, 0 } };
	for (size_t c = 0; c < 3; c++) {
		fakes.world = fresh_world(run.options.reconcile.topology);
		fakes.frozen = false;
		fakes.look_takes_ms = CASES[c].takes_ms;
		start();
		fake_until(OUT_SEND);
		fakes.frozen = true; /* what is waited for does not come */
		fake_turn();
		fake_until(OUT_TIMER);
		cr_assert_not(rop_reconcile_at_rest(rop_drive_reconcile(run.drive)));
		int64_t wanted = rop_reconcile_sleep_ms(rop_drive_reconcile(run.drive));
		cr_assert_lt(wanted, 300);
		cr_assert_eq(fake_timer_ms(), CASES[c].factor ? CASES[c].factor * CASES[c].takes_ms : wanted);
		rop_drive_free(run.drive);
		run.drive = NULL;
		somebody_writes();
		cr_assert(rop_store_resume(fakes.store, "cart", NULL, fakes.now_ms, &err));
	}
}

/* ---- freed ------------------------------------------------------------------------------------------------- */

/* At every point of the way: nobody is called afterwards, nothing is left (fakes_end), nothing leaks. */
Test(drive_turns, may_be_freed_at_any_point)
{
	bool seen[OUT_TIMER + 1] = { false };
	for (int turns = 0; turns < 60; turns++) {
		fakes.world = fresh_world(run.options.reconcile.topology);
		start();
		for (int i = 0; i < turns; i++)
			fake_turn();
		seen[fake_out()] = true;
		rop_drive_free(run.drive);
		run.drive = NULL;
		cr_assert(fake_out() == OUT_NOTHING && run.done == 0);
		cr_assert(fakes.fleets == 0 && fakes.timers == 0 && fakes.requests == 0);
		cr_assert(lock_is_free());
	}
	cr_assert(seen[OUT_CALL] && seen[OUT_LOOK] && seen[OUT_COMMIT] && seen[OUT_SEND] && seen[OUT_TIMER]);
}

Test(drive_turns, may_be_freed_while_it_learns_of_a_pause)
{
	start();
	fake_until(OUT_COMMIT);
	pause_cluster(0);
	fake_turn();
	cr_assert_eq(fake_out(), OUT_CALL);
	rop_drive_free(run.drive);
	run.drive = NULL;
	rop_drive_free(NULL);
	cr_assert_eq(run.done, 0);
}
