/* test_store.c - what is written is what is read; what must be refused is refused and leaves nothing behind. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/text.h"
#include "store_fixture.h"

TestSuite(store, .init = store_setup, .fini = store_teardown);

/* ---- round trip -------------------------------------------------------------------------------------------- */

/* Every field with a value of its own. */
static struct rop_expect full_expect(enum rop_step_kind kind, const char *subject)
{
	struct rop_expect x = { .kind = kind,
				.subject = subject,
				.node = NODE_A,
				.peer = NODE_B,
				.first = 3,
				.last = 7,
				.epoch = 5000000001,
				.name = "cluster-node-timeout",
				.value = "500",
				.was = "15000",
				.address = "[2001:db8::1]:7000",
				.command = "CLUSTER MEET 10.0.0.2 7001",
				.precondition = "alone",
				.why = "some nodes do not know each other yet; \xc3\xbc",
				.issued_wall_ms = 1700000000001,
				.issued_boot_ms = 5001,
				.deadline_boot_ms = 6501,
				.attempts = 3 };
	return x;
}

static void assert_same_expect(const struct rop_expect *got, const struct rop_expect *want)
{
	cr_assert_eq(got->id, want->id);
	cr_assert_eq(got->kind, want->kind);
	cr_assert_str_eq(got->subject, want->subject);
	cr_assert_str_eq(got->node, want->node);
	cr_assert_str_eq(got->peer, want->peer);
	cr_assert_eq(got->first, want->first);
	cr_assert_eq(got->last, want->last);
	cr_assert_eq(got->epoch, want->epoch);
	cr_assert(rop_streq(got->name, want->name));
	cr_assert(rop_streq(got->value, want->value));
	cr_assert(rop_streq(got->was, want->was));
	cr_assert(rop_streq(got->address, want->address));
	cr_assert(rop_streq(got->command, want->command));
	cr_assert(rop_streq(got->precondition, want->precondition));
	cr_assert(rop_streq(got->why, want->why));
	cr_assert_eq(got->issued_wall_ms, want->issued_wall_ms);
	cr_assert_eq(got->issued_boot_ms, want->issued_boot_ms);
	cr_assert_eq(got->deadline_boot_ms, want->deadline_boot_ms);
	cr_assert_eq(got->attempts, want->attempts);
	cr_assert_eq(got->status, ROP_EXPECT_PENDING);
	cr_assert_null(got->note);
}

static void assert_same_shards(const struct rop_image *image, const struct rop_entry *entry)
{
	cr_assert_eq(image->shards.n, entry->shards.n);
	for (size_t s = 0; s < entry->shards.n; s++) {
		const struct rop_shard_memory *got = &image->shards.at[s], *want = &entry->shards.at[s];
		cr_assert_eq(got->number, want->number);
		cr_assert_str_eq(got->slots, want->slots);
		cr_assert_eq(got->copies.n, want->copies.n);
		for (size_t c = 0; c < want->copies.n; c++) {
			const struct rop_copy_memory *a = &got->copies.at[c], *b = &want->copies.at[c];
			cr_assert_str_eq(a->node, b->node);
			cr_assert(rop_streq(a->address, b->address));
			cr_assert(a->led == b->led && a->offset == b->offset && a->keys == b->keys);
			cr_assert_eq(a->seen_wall_ms, b->seen_wall_ms);
		}
	}
}

static struct rop_entry full_entry(void)
{
	struct rop_entry entry = entry_at(1700000000000);
	*rop_push(arena, &entry.transitions) = (struct rop_transition){
		"cluster", "0123456789abcdef", "cart", "Observe", "Configure", "Observe#1", "all nodes answer"
	};
	for (int kind = 0; kind < ROP_STEP_KINDS_N; kind++)
		add_expect(&entry, full_expect((enum rop_step_kind)kind, rop_printf(arena, "subject:%d", kind)));
	struct rop_expect bare = { .kind = ROP_STEP_PERSIST, .subject = "config:" NODE_B, .first = -1, .last = -1 };
	add_expect(&entry, bare);
	*rop_push(arena,
		  &entry.temporaries_set) = (struct rop_temporary){ NODE_A,  "10.0.0.1:6379", "cluster-node-timeout",
								    "15000", "500",           NODE_B };
	*rop_push(arena,
		  &entry.members) = (struct rop_member){ .node = NODE_B, .address = "10.0.0.2:6379", .shard = 2 };
	*rop_push(arena, &entry.members) = (struct rop_member){ .node = NODE_A, .address = "10.0.0.1:6379" };
	struct rop_shard_memory *shard = add_shard(&entry, 2, "0-5460 6000");
	add_copy(shard, (struct rop_copy_memory){ NODE_B, "10.0.0.2:6379", true, 5000000002, 12345, 1700000000003 });
	add_copy(shard, (struct rop_copy_memory){ NODE_A, NULL, false, -1, -1, 1600000000004 });
	add_shard(&entry, 7, "5461-5999");
	entry.members_changed = entry.formed = entry.state_entered = entry.conditions_changed = true;
	entry.state = "Configure";
	entry.reached_revision = 1;
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		entry.conditions[i] = (struct rop_condition){ (enum rop_truth)(i % 3), rop_printf(arena, "Reason%d", i),
							      rop_printf(arena, "message %d", i), 1600000000000 + i };
	return entry;
}

Test(store, every_field_comes_back_from_another_process_s_view)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	int64_t revision = 0;
	cr_assert(rop_store_accept(store, "cart", "d1", "shards=3\n", "spec:\n", "/etc/cart.yaml", 1, &revision, &err));
	struct rop_entry entry = full_entry();
	commit_or_die(store, "cart", &entry);
	cr_assert(rop_store_pause(store, "cart", 1800000000000, "ada", NULL, 1700000000002, &err));
	rop_store_close(store);

	store = open_or_die(db_path, ROP_STORE_READ);
	struct rop_image image = image_of(store, "cart");
	cr_assert(image.known && image.paused);
	cr_assert_eq(image.formed_wall_ms, entry.wall_ms);
	cr_assert_eq(image.revision, 1);
	cr_assert_eq(image.reached_revision, 1);
	cr_assert_str_eq(image.digest, "d1");
	cr_assert_str_eq(image.state, "Configure");
	cr_assert_eq(image.state_since_wall_ms, entry.wall_ms);
	cr_assert_eq(image.state_since_boot_ms, entry.boot_ms);
	cr_assert_str_eq(image.boot_id, BOOT_1);
	cr_assert_eq(image.paused_until_wall_ms, 1800000000000);
	cr_assert_str_eq(image.paused_by, "ada");
	cr_assert_eq(image.pending.n, entry.expects.n);
	for (size_t i = 0; i < image.pending.n; i++) {
		cr_assert_gt(entry.expects.at[i].id, 0, "ids are filled in");
		assert_same_expect(&image.pending.at[i], &entry.expects.at[i]);
	}
	cr_assert_eq(image.temporaries.n, 1);
	cr_assert_str_eq(image.temporaries.at[0].node, NODE_A);
	cr_assert_str_eq(image.temporaries.at[0].address, "10.0.0.1:6379");
	cr_assert_str_eq(image.temporaries.at[0].name, "cluster-node-timeout");
	cr_assert_str_eq(image.temporaries.at[0].original, "15000");
	cr_assert_str_eq(image.temporaries.at[0].temporary, "500");
	cr_assert_str_eq(image.temporaries.at[0].peer, NODE_B);
	assert_same_shards(&image, &entry);
	cr_assert_eq(image.members.n, 2);
	cr_assert_str_eq(image.members.at[0].node, NODE_B, "members keep their order");
	cr_assert_str_eq(image.members.at[1].address, "10.0.0.1:6379");
	cr_assert_eq(image.members.at[0].shard, 2);
	for (int i = 0; i < ROP_CONDITIONS_N; i++) {
		cr_assert_eq(image.conditions[i].status, entry.conditions[i].status);
		cr_assert_str_eq(image.conditions[i].reason, entry.conditions[i].reason);
		cr_assert_str_eq(image.conditions[i].message, entry.conditions[i].message);
		cr_assert_eq(image.conditions[i].since_wall_ms, entry.conditions[i].since_wall_ms);
	}
	rop_store_close(store);
}

Test(store, a_cluster_never_seen_gives_an_empty_image)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_image image = image_of(store, "nobody");
	cr_assert_not(image.known);
	cr_assert_eq(image.pending.n + image.members.n + image.temporaries.n, 0);
	cr_assert_null(image.state);
	cr_assert_str_eq(image.conditions[ROP_COND_CONVERGED].reason, "", "reasons are never NULL");
	rop_store_close(store);
}

Test(store, a_later_entry_changes_only_what_it_names)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = full_entry();
	commit_or_die(store, "cart", &entry);
	struct rop_entry later = entry_at(1700000005000);
	later.state = "Verify";
	later.formed = true;
	commit_or_die(store, "cart", &later);
	struct rop_image image = image_of(store, "cart");
	cr_assert_str_eq(image.state, "Verify");
	cr_assert_eq(image.state_since_wall_ms, entry.wall_ms, "not entered: since stays");
	cr_assert_eq(image.formed_wall_ms, entry.wall_ms, "formed: the first time counts");
	cr_assert_eq(image.reached_revision, 1);
	cr_assert_eq(image.members.n, 2);
	cr_assert_eq(image.pending.n, entry.expects.n);
	cr_assert_str_eq(image.conditions[0].reason, "Reason0");
	struct rop_entry alone = entry_at(1700000006000);
	alone.members_changed = true;
	commit_or_die(store, "cart", &alone);
	cr_assert_eq(image_of(store, "cart").members.n, 0, "the whole new set");
	assert_same_shards(&image, &entry);
	struct rop_entry fewer = entry_at(1700000007000), other = entry_at(1700000007000);
	add_copy(add_shard(&fewer, 7, "0-99"), (struct rop_copy_memory){ NODE_A, "a:1", true, 1, 2, 3 });
	commit_or_die(store, "cart", &fewer);
	add_copy(add_shard(&other, 7, "1-2"), (struct rop_copy_memory){ NODE_A, "b:1", true, 4, 5, 6 });
	commit_or_die(store, "other", &other);
	image = image_of(store, "cart");
	assert_same_shards(&image, &fewer);
	fewer.shards.n = 0;
	commit_or_die(store, "cart", &fewer);
	cr_assert_eq(image_of(store, "cart").shards.n, 0);
	cr_assert_eq(image_of(store, "other").shards.n, 1);
	cr_assert_not(image_of(store, "wishlist").known, "clusters do not mix");
	rop_store_close(store);
}

Test(store, an_empty_entry_writes_nothing)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1);
	commit_or_die(store, "cart", &entry);
	cr_assert_not(image_of(store, "cart").known);
	rop_store_close(store);
}

Test(store, shards_that_cannot_be_are_refused_and_nothing_is_written)
{
	static const struct {
		int number;
		const char *slots;
	} BAD[] = {
		{ 0, "1-2" }, { -1, "1-2" }, { 1, "" }, { 1, NULL }, { 1, "1-" }, { 1, "0-16384" }, { 1, "all" },
	};
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct rop_entry entry = entry_at(1);
		add_shard(&entry, BAD[i].number, BAD[i].slots);
		bool paused;
		cr_assert_not(rop_store_commit(store, "cart", &entry, &paused, &err), "%zu", i);
		cr_assert(err.code == ROP_INTERNAL && strstr(err.text, "shard"), "%s", err.text);
	}
	struct rop_entry twice = entry_at(1);
	add_shard(&twice, 2, "1");
	add_shard(&twice, 2, "2");
	bool paused;
	cr_assert_not(rop_store_commit(store, "cart", &twice, &paused, &err));
	cr_assert_not(image_of(store, "cart").known);
	rop_store_close(store);
}

/* ---- expectations ------------------------------------------------------------------------------------------ */

static void assert_refused(struct rop_store *store, struct rop_entry *entry, const char *named)
{
	bool paused = true;
	cr_assert_not(rop_store_commit(store, "cart", entry, &paused, &err));
	cr_assert_eq(err.code, ROP_INTERNAL, "%s", err.text);
	cr_assert(strstr(err.text, named), "'%s' names '%s'", err.text, named);
	cr_assert(paused, "a failure leaves its outputs alone");
	for (size_t i = 0; i < entry->expects.n; i++)
		cr_assert_eq(entry->expects.at[i].id, 0, "no id of a row that is not there");
}

Test(store, a_second_pending_expectation_on_a_subject_is_refused_and_nothing_is_written)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1000);
	add_expect(&entry, expect_of(ROP_STEP_MEET, "link:A>B"));
	commit_or_die(store, "cart", &entry);
	struct rop_entry second = entry_at(2000);
	second.state = "Elsewhere";
	add_expect(&second, expect_of(ROP_STEP_MEET, "link:A>C"));
	add_expect(&second, expect_of(ROP_STEP_ROLE, "link:A>B"));
	assert_refused(store, &second, "link:A>B");
	struct rop_image image = image_of(store, "cart");
	cr_assert_eq(image.pending.n, 1);
	cr_assert_null(image.state, "the move was not written either");
	/* another cluster's subject of the same name is another subject */
	struct rop_entry other = entry_at(2000);
	add_expect(&other, expect_of(ROP_STEP_MEET, "link:A>B"));
	commit_or_die(store, "wishlist", &other);
	/* twice in one entry is no better */
	struct rop_entry twice = entry_at(2000);
	add_expect(&twice, expect_of(ROP_STEP_MEET, "link:X>Y"));
	add_expect(&twice, expect_of(ROP_STEP_MEET, "link:X>Y"));
	assert_refused(store, &twice, "link:X>Y");
	rop_store_close(store);
}

/* Of each list every member is checked, the first and the last too: a mistake of the program stays out of the database.
 */
Test(store, an_entry_with_a_hole_in_it_is_refused_whole)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	for (int hole = 0; hole < 12; hole++) {
		struct rop_entry entry = entry_at(1000);
		size_t at = (size_t)hole % 2;
		bool paused;
		for (size_t i = 0; i < 2; i++) {
			add_temporary(&entry, i ? NODE_A : NODE_B, "10.0.0.1:6379", "15000", "500");
			*rop_push(arena, &entry.temporaries_gone) = entry.temporaries_set.at[i];
			add_resolution(&entry, 7, ROP_EXPECT_MET, NULL);
			add_expect(&entry, expect_slots((int)i * 10, (int)i * 10 + 9));
		}
		switch (hole / 2) {
		case 0: entry.temporaries_set.at[at].name = NULL; break;
		case 1: entry.temporaries_set.at[at].original = NULL; break;
		case 2: entry.temporaries_set.at[at].temporary = NULL; break;
		case 3: entry.temporaries_gone.at[at].name = NULL; break;
		case 4: entry.resolutions.at[at].status = ROP_EXPECT_PENDING; break;
		default: entry.expects.at[at].subject = NULL; break;
		}
		err = (struct rop_err){ 0 };
		cr_assert_not(rop_store_commit(store, "cart", &entry, &paused, &err), "hole %d", hole);
		cr_assert_eq(err.code, ROP_INTERNAL, "hole %d: %s", hole, err.text);
		cr_assert(strstr(err.text, "must have") || strstr(err.text, "cannot be resolved as pending"),
			  "hole %d: %s", hole, err.text);
	}
	rop_store_close(store);
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pass"), 0);
}

Test(store, a_retry_resolves_and_claims_the_subject_anew_in_one_entry)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1000);
	add_expect(&entry, expect_of(ROP_STEP_MEET, "link:A>B"));
	add_expect(&entry, expect_slots(0, 99));
	commit_or_die(store, "cart", &entry);
	struct rop_entry retry = entry_at(2000);
	add_resolution(&retry, entry.expects.at[0].id, ROP_EXPECT_EXPIRED, "not seen in time");
	add_resolution(&retry, entry.expects.at[1].id, ROP_EXPECT_REFUSED, "ERR Slot 7 is already busy");
	struct rop_expect again = expect_of(ROP_STEP_MEET, "link:A>B");
	again.attempts = 2;
	add_expect(&retry, again);
	add_expect(&retry, expect_slots(50, 99));
	commit_or_die(store, "cart", &retry);
	struct rop_image image = image_of(store, "cart");
	cr_assert_eq(image.pending.n, 2);
	cr_assert_eq(image.pending.at[0].attempts, 2);
	rop_store_close(store);
}

Test(store, overlapping_slot_ranges_are_refused_and_neighbours_are_not)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1000);
	add_expect(&entry, expect_slots(5461, 10922));
	add_expect(&entry, expect_slots(0, 99));
	add_expect(&entry, expect_slots(200, 200));
	commit_or_die(store, "cart", &entry);
	static const int BAD[][2] = {
		{ 5461, 10922 }, { 0, 0 },       { 99, 100 },      { 150, 250 },   { 200, 201 },
		{ 0, 16383 },    { 5000, 5461 }, { 10922, 16383 }, { 6000, 7000 }, { 5460, 10923 }
	};
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct rop_entry bad = entry_at(2000);
		struct rop_expect x = expect_slots(BAD[i][0], BAD[i][1]);
		x.subject = rop_printf(arena, "other-%zu", i); /* the subject alone would not tell */
		add_expect(&bad, x);
		assert_refused(store, &bad, "pending for some of these slots");
	}
	static const int GOOD[][2] = { { 100, 199 }, { 201, 5460 }, { 10923, 16383 } };
	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		struct rop_entry good = entry_at(3000);
		add_expect(&good, expect_slots(GOOD[i][0], GOOD[i][1]));
		commit_or_die(store, "cart", &good);
	}
	static const int NONE[][2] = { { -1, 5 }, { 7, 6 }, { 16383, 16384 } };
	for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
		struct rop_entry none = entry_at(4000);
		add_expect(&none, expect_slots(NONE[i][0], NONE[i][1]));
		assert_refused(store, &none, "no range");
	}
	rop_store_close(store);
}

Test(store, the_overlap_check_agrees_with_a_bitmap)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	bool claimed[ROP_SLOTS] = { false };
	unsigned seed = 20240607;
	int taken = 0, refused = 0;
	for (int round = 0; round < 800; round++) {
		int first = (int)(next_random(&seed) % ROP_SLOTS);
		int last = first + (int)(next_random(&seed) % 40);
		last = last < ROP_SLOTS ? last : ROP_SLOTS - 1;
		bool free_range = true;
		for (int slot = first; slot <= last; slot++)
			free_range = free_range && !claimed[slot];
		struct rop_entry entry = entry_at(round + 1);
		add_expect(&entry, expect_slots(first, last));
		bool paused;
		cr_assert_eq(rop_store_commit(store, "cart", &entry, &paused, &err), free_range, "%d-%d", first, last);
		for (int slot = first; free_range && slot <= last; slot++)
			claimed[slot] = true;
		*(free_range ? &taken : &refused) += 1;
	}
	cr_assert(taken > 50 && refused > 50, "%d taken, %d refused", taken, refused);
	rop_store_close(store);
}

Test(store, a_resolution_touches_only_pending_rows_of_its_cluster)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1000);
	add_expect(&entry, expect_of(ROP_STEP_MEET, "link:A>B"));
	commit_or_die(store, "cart", &entry);
	int64_t id = entry.expects.at[0].id;
	struct rop_entry foreign = entry_at(1500);
	add_resolution(&foreign, id, ROP_EXPECT_EXPIRED, "by the wrong cluster");
	commit_or_die(store, "wishlist", &foreign);
	cr_assert_eq(image_of(store, "cart").pending.n, 1);
	struct rop_entry met = entry_at(2000);
	add_resolution(&met, id, ROP_EXPECT_MET, NULL);
	commit_or_die(store, "cart", &met);
	cr_assert_eq(image_of(store, "cart").pending.n, 0);
	struct rop_entry late = entry_at(3000);
	add_resolution(&late, id, ROP_EXPECT_EXPIRED, "too late");
	commit_or_die(store, "cart", &late);
	struct rop_history_line *lines;
	size_t n;
	cr_assert(rop_store_history(store, arena, "cart", 10, &lines, &n, &err));
	cr_assert_eq(n, 1);
	cr_assert_str_eq(lines[0].status, "met");
	cr_assert_null(lines[0].note);
	cr_assert_eq(lines[0].resolved_wall_ms, 2000);
	struct rop_entry back = entry_at(4000);
	add_resolution(&back, id, ROP_EXPECT_PENDING, NULL);
	assert_refused(store, &back, "pending");
	rop_store_close(store);
}

static void write_step(struct rop_store *store, int64_t wall_ms, enum rop_step_kind kind, const char *value,
		       enum rop_expect_status status, const char *note)
{
	struct rop_entry entry = entry_at(wall_ms), end = entry_at(wall_ms + 1);
	struct rop_expect x = full_expect(kind, kind == ROP_STEP_SETTING ? "setting:A/maxmemory" : "config:A");
	x.name = kind == ROP_STEP_SETTING ? "maxmemory" : NULL;
	x.value = value;
	add_expect(&entry, x);
	commit_or_die(store, "cart", &entry);
	add_resolution(&end, entry.expects.at[0].id, status, note);
	commit_or_die(store, "cart", &end);
}

Test(store, a_setting_is_unwritten_until_a_rewrite_after_it_has_worked)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	write_step(store, 1000, ROP_STEP_PERSIST, NULL, ROP_EXPECT_MET, NULL);
	write_step(store, 2000, ROP_STEP_SETTING, "1gb", ROP_EXPECT_REFUSED, "ERR");
	cr_assert_eq(image_of(store, "cart").unwritten.n, 0, "it was not set");
	write_step(store, 3000, ROP_STEP_SETTING, "1gb", ROP_EXPECT_MET, NULL);
	struct rop_image image = image_of(store, "cart");
	cr_assert_eq(image.unwritten.n, 1, "what worked before it does not count");
	cr_assert_str_eq(image.unwritten.at[0].node, NODE_A);
	cr_assert_str_eq(image.unwritten.at[0].name, "maxmemory");
	cr_assert_str_eq(image.unwritten.at[0].value, "1gb");
	write_step(store, 4000, ROP_STEP_PERSIST, NULL, ROP_EXPECT_REFUSED, "ERR Permission denied");
	image = image_of(store, "cart");
	cr_assert(image.unwritten.n == 1 && image.unwritten.at[0].status == ROP_EXPECT_REFUSED);
	cr_assert_str_eq(image.unwritten.at[0].note, "ERR Permission denied");
	write_step(store, 5000, ROP_STEP_PERSIST, NULL, ROP_EXPECT_MET, "ERR running without a config file");
	cr_assert_eq(image_of(store, "cart").unwritten.n, 1, "an earlier program called that done");
	cr_assert_eq(image_of(store, "wishlist").unwritten.n, 0);
	write_step(store, 6000, ROP_STEP_PERSIST, NULL, ROP_EXPECT_MET, NULL);
	cr_assert_eq(image_of(store, "cart").unwritten.n, 0);
	write_step(store, 7000, ROP_STEP_SETTING, "2gb", ROP_EXPECT_MET, NULL);
	image = image_of(store, "cart");
	cr_assert(image.unwritten.n == 1 && strcmp(image.unwritten.at[0].value, "2gb") == 0);
	rop_store_close(store);
}

Test(store, a_temporary_setting_set_again_keeps_the_first_original)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1000);
	add_temporary(&entry, NODE_A, "a:1", "15000", "500");
	commit_or_die(store, "cart", &entry);
	struct rop_entry again = entry_at(2000);
	add_temporary(&again, NODE_A, "a:2", "500", "250");
	add_temporary(&again, NODE_B, "b:1", "9000", "250");
	commit_or_die(store, "cart", &again);
	struct rop_image image = image_of(store, "cart");
	cr_assert_eq(image.temporaries.n, 2);
	cr_assert_str_eq(image.temporaries.at[0].original, "15000");
	cr_assert_str_eq(image.temporaries.at[0].temporary, "250");
	cr_assert_str_eq(image.temporaries.at[0].address, "a:2");
	cr_assert_str_eq(image.temporaries.at[1].original, "9000");
	struct rop_entry gone = entry_at(3000);
	*rop_push(arena, &gone.temporaries_gone) = (struct rop_temporary){ .node = NODE_A, .name = "timeout" };
	*rop_push(arena, &gone.temporaries_gone) = (struct rop_temporary){ .node = NODE_B, .name = "timeout" };
	add_temporary(&gone, NODE_B, "b:1", "8000", "250");
	commit_or_die(store, "cart", &gone);
	image = image_of(store, "cart");
	cr_assert_eq(image.temporaries.n, 1);
	cr_assert_str_eq(image.temporaries.at[0].original, "8000", "restored and lowered again: a new original");
	rop_store_close(store);
}

/* ---- boots ------------------------------------------------------------------------------------------------- */

Test(store, after_a_reboot_all_boot_times_belong_to_the_new_boot)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_entry entry = entry_at(1000000);
	entry.boot_ms = 500000;
	entry.state = "Verify";
	entry.state_entered = true;
	struct rop_expect x = expect_of(ROP_STEP_MEET, "link:A>B");
	x.issued_wall_ms = 1000000, x.issued_boot_ms = 500000, x.deadline_boot_ms = 501500;
	add_expect(&entry, x);
	struct rop_expect ahead = expect_of(ROP_STEP_MEET, "link:A>C"); /* the wall clock was wrong then */
	ahead.issued_wall_ms = 99000000, ahead.issued_boot_ms = 500000, ahead.deadline_boot_ms = 501500;
	add_expect(&entry, ahead);
	commit_or_die(store, "cart", &entry);
	struct rop_entry next = entry_at(1060000);
	next.boot_ms = 7000;
	next.boot_id = BOOT_2;
	next.reached_revision = 1;
	commit_or_die(store, "cart", &next);
	struct rop_image image = image_of(store, "cart");
	cr_assert_str_eq(image.boot_id, BOOT_2);
	cr_assert_eq(image.state_since_boot_ms, 7000 - 60000);
	cr_assert_eq(image.pending.at[0].issued_boot_ms, 7000 - 60000);
	cr_assert_eq(image.pending.at[0].deadline_boot_ms, 7000 - 60000 + 1500);
	cr_assert_eq(image.pending.at[1].issued_boot_ms, 7000, "never in the future");
	cr_assert_eq(image.pending.at[1].deadline_boot_ms, 7000 + 1500);
	rop_store_close(store);
}

/* ---- pauses ------------------------------------------------------------------------------------------------ */

Test(store, a_paused_cluster_takes_no_entry_until_resumed_or_expired)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	bool paused = true;
	cr_assert(rop_store_paused(store, "cart", 1, &paused, &err) && !paused, "never heard of: not paused");
	cr_assert(rop_store_pause(store, "cart", 0, "ada", NULL, 1000, &err));
	cr_assert(rop_store_paused(store, "cart", INT64_MAX, &paused, &err) && paused, "until resumed");
	struct rop_entry entry = entry_at(2000);
	entry.state = "Verify";
	add_expect(&entry, expect_of(ROP_STEP_MEET, "link:A>B"));
	paused = false;
	cr_assert(rop_store_commit(store, "cart", &entry, &paused, &err) && paused);
	cr_assert_eq(entry.expects.at[0].id, 0);
	cr_assert_null(image_of(store, "cart").state);
	cr_assert_eq(image_of(store, "cart").pending.n, 0);
	struct rop_entry nothing = entry_at(2000);
	paused = false;
	cr_assert(rop_store_commit(store, "cart", &nothing, &paused, &err) && paused, "an empty entry hears of it too");
	struct rop_entry restore = entry_at(2100);
	restore.ignore_pause = true;
	add_expect(&restore, expect_of(ROP_STEP_RESTORE, "setting:A/timeout"));
	commit_or_die(store, "cart", &restore);
	cr_assert_eq(image_of(store, "cart").pending.n, 1);
	cr_assert(rop_store_resume(store, "cart", NULL, 3000, &err));
	cr_assert_not(image_of(store, "cart").paused);
	cr_assert_null(image_of(store, "cart").paused_by);
	commit_or_die(store, "cart", &entry);
	/* with an end */
	cr_assert(rop_store_pause(store, "cart", 5000, "ada", NULL, 4000, &err));
	cr_assert(rop_store_paused(store, "cart", 4999, &paused, &err) && paused);
	cr_assert(rop_store_paused(store, "cart", 5000, &paused, &err) && !paused, "its time has passed");
	struct rop_entry after = entry_at(5000);
	after.state = "Ready";
	commit_or_die(store, "cart", &after);
	cr_assert(rop_store_resume(store, "nobody", NULL, 1, &err), "resuming what is not there is no error");
	cr_assert_not(image_of(store, "nobody").known);
	rop_store_close(store);
}

/* ---- revisions, clusters, history --------------------------------------------------------------------------- */

Test(store, a_topology_that_means_the_same_is_the_same_revision)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	int64_t revision = 0;
	const char *source = "x", *path = "x";
	cr_assert(rop_store_source(store, arena, "cart", &source, &path, &err));
	cr_assert(source == NULL && path == NULL);
	static const struct {
		const char *digest, *source;
		int64_t revision;
	} ROUNDS[] = {
		{ "d1", "one", 1 },
		{ "d1", "one, with a comment", 1 },
		{ "d2", "two", 2 },
		{ "d1", "one again", 3 },
	};
	for (size_t i = 0; i < sizeof ROUNDS / sizeof *ROUNDS; i++) {
		cr_assert(rop_store_accept(store, "cart", ROUNDS[i].digest, "c", ROUNDS[i].source, "f.yaml", 1,
					   &revision, &err));
		cr_assert_eq(revision, ROUNDS[i].revision);
	}
	cr_assert(rop_store_source(store, arena, "cart", &source, &path, &err));
	cr_assert_str_eq(source, "one again");
	cr_assert_str_eq(path, "f.yaml");
	cr_assert_eq(image_of(store, "cart").revision, 3);
	cr_assert(rop_store_accept(store, "basket", "d1", "c", "s", "p", 1, &revision, &err));
	cr_assert_eq(revision, 1, "each cluster counts for itself");
	const char **names;
	size_t n;
	cr_assert(rop_store_clusters(store, arena, &names, &n, &err));
	cr_assert_eq(n, 2);
	cr_assert_str_eq(names[0], "basket");
	cr_assert_str_eq(names[1], "cart");
	rop_store_close(store);
}

static void one_pass(struct rop_store *store, const char *cluster, int i, int64_t wall_ms)
{
	struct rop_entry entry = entry_at(wall_ms);
	*rop_push(arena, &entry.transitions) = (struct rop_transition){ "cluster",
									"d",
									cluster,
									rop_printf(arena, "S%d", i),
									rop_printf(arena, "S%d", i + 1),
									"S#1",
									rop_printf(arena, "reason %d", i) };
	struct rop_expect x = expect_of(ROP_STEP_MEET, rop_printf(arena, "link:%d", i));
	x.issued_wall_ms = wall_ms;
	add_expect(&entry, x);
	commit_or_die(store, cluster, &entry);
}

Test(store, history_is_in_order_and_gives_the_newest)
{
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_history_line *lines = NULL;
	size_t n = 99;
	cr_assert(rop_store_history(store, arena, "cart", 10, &lines, &n, &err) && n == 0);
	for (int i = 0; i < 20; i++) {
		one_pass(store, "cart", i, i == 10 ? 5 : 1000 + i); /* the wall clock once jumps back */
		one_pass(store, "wishlist", i, 1000 + i);
	}
	cr_assert(rop_store_history(store, arena, "cart", SIZE_MAX, &lines, &n, &err));
	cr_assert_eq(n, 40);
	for (size_t i = 0; i < n; i++) {
		const struct rop_history_line *line = &lines[i];
		cr_assert_eq(line->is_step, i % 2 == 1, "a move stands before its step");
		cr_assert_eq(line->wall_ms, i / 2 == 10 ? 5 : 1000 + (int64_t)i / 2);
		cr_assert_eq(line->pid, 4711);
		if (line->is_step) {
			cr_assert_str_eq(line->subject, rop_printf(arena, "link:%zu", i / 2));
			cr_assert_str_eq(line->command, "PING");
			cr_assert_str_eq(line->why, "a test");
			cr_assert_str_eq(line->status, "pending");
			cr_assert_str_eq(line->address, "10.0.0.1:6379");
			cr_assert(line->attempts == 1 && line->resolved_wall_ms == 0 && !line->from);
		} else {
			cr_assert_str_eq(line->from, rop_printf(arena, "S%zu", i / 2));
			cr_assert_str_eq(line->to, rop_printf(arena, "S%zu", i / 2 + 1));
			cr_assert_str_eq(line->row, "S#1");
			cr_assert_str_eq(line->why, rop_printf(arena, "reason %zu", i / 2));
			cr_assert_null(line->subject);
		}
	}
	cr_assert(rop_store_history(store, arena, "cart", 3, &lines, &n, &err) && n == 3);
	cr_assert_str_eq(lines[0].subject, "link:18");
	cr_assert_str_eq(lines[1].from, "S19");
	cr_assert_str_eq(lines[2].subject, "link:19");
	cr_assert(rop_store_history(store, arena, "cart", 0, &lines, &n, &err) && n == 0);
	rop_store_close(store);
}

Test(store, history_says_whose_a_move_is)
{
	static struct rop_transition moves[] = {
		{ .machine = "retire",
		  .digest = "d",
		  .subject = "node:aaaa",
		  .from = "Forget",
		  .to = "Watch",
		  .row = "r",
		  .why = "y" },
		{ .machine = "retire",
		  .digest = "d",
		  .subject = "node:bbbb",
		  .from = "Forget",
		  .to = "Watch",
		  .row = "r",
		  .why = "y" },
		{ .machine = "migration",
		  .digest = "d",
		  .subject = "slots:0-63 aaaa>bbbb",
		  .from = "Open",
		  .to = "Carry",
		  .row = "r",
		  .why = "y" },
		{ .machine = "any",
		  .digest = "d",
		  .subject = "cluster",
		  .from = "Retire",
		  .to = "Ready",
		  .row = "r",
		  .why = "y" },
	};
	struct rop_store *store = open_or_die(":memory:", ROP_STORE_WRITE);
	struct rop_history_line *lines = NULL;
	struct rop_entry entry = entry_at(1);
	size_t n = 0;
	for (size_t i = 0; i < 4; i++)
		*rop_push(arena, &entry.transitions) = moves[i];
	struct rop_expect x = expect_of(ROP_STEP_RESET, "node:aaaa");
	memcpy(x.node, "aaaa", 5);
	x.address = "10.0.0.9:6379";
	add_expect(&entry, x);
	commit_or_die(store, "cart", &entry);
	cr_assert(rop_store_history(store, arena, "cart", 9, &lines, &n, &err) && n == 5);
	cr_assert_str_eq(lines[0].address, "10.0.0.9:6379");
	cr_assert(!lines[1].address && strcmp(lines[1].subject, "node:bbbb") == 0, "seen nowhere");
	cr_assert(!lines[2].address && strcmp(lines[2].subject, "slots:0-63 aaaa>bbbb") == 0);
	cr_assert(!lines[3].address && !lines[3].subject, "the cluster's own");
	rop_store_close(store);
}

/* ---- who asked for what -------------------------------------------------------------------------------------- */

static struct rop_deed deed_of(enum rop_deed_kind what, const char *reason)
{
	return (struct rop_deed){ .what = what,
				  .user = "ada",
				  .uid = 1000,
				  .host = "box",
				  .pid = 7,
				  .command = "redis-operator ...",
				  .reason = reason };
}

Test(store, history_has_what_people_asked_for_in_its_place)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_history_line *lines;
	struct rop_deed pause = deed_of(ROP_DEED_PAUSE, "a new disk"), resume = deed_of(ROP_DEED_RESUME, NULL);
	struct rop_deed both[] = { deed_of(ROP_DEED_APPLY, NULL), deed_of(ROP_DEED_CONSENT, NULL) };
	size_t n;
	struct rop_entry entry = entry_at(1000);
	entry.state = "Observe";
	*rop_push(arena, &entry.transitions) = (struct rop_transition){
		.machine = "cluster", .digest = "d", .subject = "cart", .from = "A", .to = "B", .row = "A#1", .why = "x"
	};
	commit_or_die(store, "cart", &entry);
	cr_assert(rop_store_pause(store, "cart", 0, "ada", &pause, 2000, &err), "%s", err.text);
	cr_assert(rop_store_resume(store, "cart", &resume, 3000, &err), "%s", err.text);
	cr_assert(rop_store_resume(store, "nobody", &resume, 3000, &err), "%s", err.text);
	cr_assert(rop_store_deeds(store, "cart", both, 2, 4000, &err), "%s", err.text);
	entry.wall_ms = 5000;
	commit_or_die(store, "cart", &entry);
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err), "%s", err.text);
	cr_assert_eq(n, 6);
	cr_assert(!lines[0].deed && !lines[5].deed);
	cr_assert_eq(lines[1].deed->what, ROP_DEED_PAUSE);
	cr_assert_str_eq(lines[1].deed->reason, "a new disk");
	cr_assert_str_eq(lines[1].deed->user, "ada");
	cr_assert_str_eq(lines[1].deed->host, "box");
	cr_assert_eq(lines[1].deed->uid, 1000);
	cr_assert_eq(lines[1].wall_ms, 2000);
	cr_assert_eq(lines[2].deed->what, ROP_DEED_RESUME);
	cr_assert_null(lines[2].deed->reason);
	cr_assert_eq(lines[3].deed->what, ROP_DEED_APPLY);
	cr_assert_eq(lines[4].deed->what, ROP_DEED_CONSENT);
	rop_store_close(store);
}

Test(store, a_cluster_that_is_forgotten_leaves_nothing_and_the_others_stay)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	const char *const CLUSTERS[] = { "cart", "orders" };
	for (size_t i = 0; i < 2; i++) {
		struct rop_entry entry = entry_at(1000);
		int64_t revision;
		add_expect(&entry, expect_of(ROP_STEP_MEET, "link:a>b"));
		add_temporary(&entry, NODE_A, "a:1", "15000", "500");
		add_copy(add_shard(&entry, 1, "0-100"), (struct rop_copy_memory){ .node = NODE_A, .address = "a:1" });
		struct rop_member *member = rop_push(arena, &entry.members);
		*member = (struct rop_member){ .node = NODE_A, .address = "a:1", .shard = 1 };
		entry.members_changed = entry.conditions_changed = entry.formed = true;
		commit_or_die(store, CLUSTERS[i], &entry);
		cr_assert(rop_store_accept(store, CLUSTERS[i], "d", "c", "s", "/p", 1000, &revision, &err), "%s",
			  err.text);
		cr_assert(rop_store_pause(store, CLUSTERS[i], 0, "me",
					  &(struct rop_deed){ .what = ROP_DEED_PAUSE,
							      .user = "me",
							      .host = "here",
							      .command = "pause" },
					  1000, &err),
			  "%s", err.text);
		cr_assert(rop_store_file_error(store, rop_printf(arena, "/f%zu", i), CLUSTERS[i], "bad", 1000, &err),
			  "%s", err.text);
	}
	cr_assert(rop_store_forget_cluster(store, "cart", &err), "%s", err.text);
	cr_assert_not(image_of(store, "cart").known);
	cr_assert(image_of(store, "orders").known);
	rop_store_close(store);
	static const char *const TABLES[] = { "cluster",     "revision",          "member",   "pass",
					      "expectation", "temporary_setting", "shard",    "shard_copy",
					      "deed",        "file_error",        "condition" };
	for (size_t t = 0; t < sizeof TABLES / sizeof *TABLES; t++) {
		int64_t rows = raw_int(db_path, rop_printf(arena, "SELECT count(*) FROM %s", TABLES[t]));
		cr_assert(strcmp(TABLES[t], "condition") == 0 ? rows >= 1 : rows == 1, "%s has %d rows", TABLES[t],
			  (int)rows);
	}
	cr_assert_eq(raw_int(db_path, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
	cr_assert(integrity_ok(db_path));
}

Test(store, what_people_asked_for_is_forgotten_with_the_rest_but_for_the_newest)
{
	struct rop_store *store = open_or_die(db_path, ROP_STORE_WRITE);
	struct rop_history_line *lines;
	struct rop_deed deed = deed_of(ROP_DEED_PAUSE, NULL);
	size_t n;
	bool more;
	for (int i = 1; i <= 3; i++)
		cr_assert(rop_store_deeds(store, "cart", &deed, 1, i * 1000, &err));
	cr_assert(rop_store_forget_before(store, 2500, 1, &more, &err), "%s", err.text);
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 1);
	cr_assert(rop_store_forget_before(store, INT64_MAX, 1, &more, &err), "%s", err.text);
	cr_assert(rop_store_history(store, arena, "cart", 100, &lines, &n, &err) && n == 1 && lines[0].wall_ms == 3000);
	rop_store_close(store);
}
