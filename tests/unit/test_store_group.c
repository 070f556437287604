/* test_store_group.c - several clusters in one transaction, each with a result of its own; passes that are outdated. */
#include <criterion/criterion.h>

#include "store_fixture.h"

TestSuite(store_group, .init = store_setup, .fini = store_teardown);

static struct rop_entry move_with(const char *state, const char *subject)
{
	struct rop_entry entry = entry_at(2000);
	entry.state = state;
	add_expect(&entry, expect_of(ROP_STEP_MEET, subject));
	return entry;
}

static int64_t first_pass(struct rop_store *store, const char *cluster)
{
	struct rop_entry entry = move_with("Configure", "link:A>B");
	commit_or_die(store, cluster, &entry);
	cr_assert_gt(entry.pass, 0);
	return entry.pass;
}

static void assert_untouched(struct rop_store *store, const struct rop_commit_request *request, int64_t pass)
{
	struct rop_image image = image_of(store, request->cluster);
	cr_assert_eq(image.pass, pass, "%s", request->cluster);
	cr_assert_str_eq(image.state, "Configure", "%s", request->cluster);
	cr_assert_eq(image.pending.n, 1, "%s", request->cluster);
	cr_assert_eq(request->entry->pass, 0, "%s", request->cluster);
	for (size_t i = 0; i < request->entry->expects.n; i++)
		cr_assert_eq(request->entry->expects.at[i].id, 0, "%s: no id of a row that is not there",
			     request->cluster);
}

Test(store_group, of_outdated_paused_refused_and_good_exactly_the_good_one_is_written)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	enum { OUTDATED, PAUSED, REFUSED, GOOD, N };
	static const char *const NAMES[N] = { "outdated", "paused", "refused", "good" };
	static const enum rop_commit RESULTS[N] = { ROP_COMMIT_OUTDATED, ROP_COMMIT_PAUSED, ROP_COMMIT_REFUSED,
						    ROP_COMMIT_WRITTEN };
	int64_t passes[N];
	for (int i = 0; i < N; i++)
		passes[i] = first_pass(store, NAMES[i]);
	cr_assert(rop_store_pause(store, "paused", 0, "ada", NULL, 1000, &err));
	for (int turn = 0; turn < N; turn++) { /* wherever the good one stands */
		struct rop_entry entries[N];
		struct rop_commit_request requests[N] = { { 0 } };
		const struct rop_commit_request *of[N];
		for (int i = 0; i < N; i++) {
			struct rop_commit_request *request = &requests[(i + turn) % N];
			entries[i] = move_with(rop_printf(arena, "State%d", turn),
					       rop_printf(arena, "link:A>C%d", turn));
			entries[i].check_pass = true;
			entries[i].after_pass = passes[i] - (i == OUTDATED);
			*request = (struct rop_commit_request){ .cluster = NAMES[i], .entry = &entries[i] };
			of[i] = request;
		}
		add_expect(&entries[REFUSED], expect_of(ROP_STEP_ROLE, "link:A>B"));
		cr_assert(rop_store_commit_group(store, requests, N, &err), "%s", err.text);
		for (int i = 0; i < N; i++)
			cr_assert_eq(of[i]->result, RESULTS[i], "%s: %d", NAMES[i], of[i]->result);
		for (int i = 0; i < GOOD; i++)
			assert_untouched(store, of[i], passes[i]);
		cr_assert(of[REFUSED]->err.code == ROP_INTERNAL && strstr(of[REFUSED]->err.text, "link:A>B"), "%s",
			  of[REFUSED]->err.text);
		struct rop_image image = image_of(store, "good");
		cr_assert_eq(image.pass, entries[GOOD].pass);
		cr_assert_gt(image.pass, passes[GOOD]);
		cr_assert_str_eq(image.state, entries[GOOD].state);
		cr_assert_eq(image.pending.n, 2 + (size_t)turn);
		cr_assert_eq(image.pending.at[1 + turn].id, entries[GOOD].expects.at[0].id);
		passes[GOOD] = image.pass;
	}
	rop_store_close(store);
	cr_assert(integrity_ok(db_path));
}

Test(store_group, the_second_of_two_that_decided_after_the_same_pass_is_outdated)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry first = move_with("Verify", "link:A>B"), second = move_with("Ready", "link:A>C");
	first.check_pass = second.check_pass = true; /* after none at all */
	struct rop_commit_request requests[] = { { .cluster = "cart", .entry = &first },
						 { .cluster = "cart", .entry = &second } };
	cr_assert(rop_store_commit_group(store, requests, 2, &err), "%s", err.text);
	cr_assert_eq(requests[0].result, ROP_COMMIT_WRITTEN);
	cr_assert_eq(requests[1].result, ROP_COMMIT_OUTDATED);
	cr_assert_str_eq(image_of(store, "cart").state, "Verify");
	bool paused = true;
	cr_assert_not(rop_store_commit(store, "cart", &second, &paused, &err));
	cr_assert(err.code == ROP_FAIL && strstr(err.text, "another process"), "%s", err.text);
	second.after_pass = first.pass;
	commit_or_die(store, "cart", &second);
	rop_store_close(store);
}

Test(store_group, one_that_claims_a_subject_of_another_request_of_its_cluster_is_refused)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry first = move_with("Verify", "link:A>B"), second = move_with("Ready", "link:A>B");
	struct rop_entry wrong = entry_at(2000);
	add_expect(&wrong, expect_slots(7, 6)); /* found before anything is written */
	struct rop_commit_request requests[] = { { .cluster = "cart", .entry = &first },
						 { .cluster = "cart", .entry = &second },
						 { .cluster = "wishlist", .entry = &wrong } };
	cr_assert(rop_store_commit_group(store, requests, 3, &err), "%s", err.text);
	cr_assert_eq(requests[0].result, ROP_COMMIT_WRITTEN);
	cr_assert_eq(requests[1].result, ROP_COMMIT_REFUSED);
	cr_assert_eq(requests[2].result, ROP_COMMIT_REFUSED);
	cr_assert(strstr(requests[2].err.text, "no range"), "%s", requests[2].err.text);
	cr_assert_str_eq(image_of(store, "cart").state, "Verify");
	cr_assert_not(image_of(store, "wishlist").known, "not even its name is left behind");
	rop_store_close(store);
}

Test(store_group, a_group_with_nothing_to_write_touches_no_file)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE), *other = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t pass = first_pass(store, "cart");
	cr_assert(rop_store_pause(store, "paused", 0, "ada", NULL, 1000, &err));
	bool changed;
	cr_assert(rop_store_changed(other, &changed, &err) && changed);
	struct rop_entry empty = entry_at(3000), in_pause = move_with("Verify", "link:A>C"), late = empty;
	late.check_pass = true;
	late.after_pass = pass + 7;
	struct rop_commit_request requests[] = { { .cluster = "cart", .entry = &empty },
						 { .cluster = "paused", .entry = &in_pause },
						 { .cluster = "paused", .entry = &empty },
						 { .cluster = "cart", .entry = &late } };
	cr_assert(rop_store_commit_group(store, requests, 4, &err), "%s", err.text);
	cr_assert_eq(requests[0].result, ROP_COMMIT_WRITTEN);
	cr_assert_eq(requests[1].result, ROP_COMMIT_PAUSED);
	cr_assert_eq(requests[2].result, ROP_COMMIT_PAUSED, "an empty entry hears of it too");
	cr_assert_eq(requests[3].result, ROP_COMMIT_OUTDATED);
	cr_assert_eq(empty.pass, 0);
	cr_assert_eq(image_of(store, "cart").pass, pass);
	cr_assert(rop_store_changed(other, &changed, &err) && !changed);
	cr_assert(rop_store_commit_group(store, NULL, 0, &err));
	rop_store_close(other);
	rop_store_close(store);
}
