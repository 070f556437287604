/* commit.c - write down what one pass decided; group.c makes a transaction of it. */
#include <stdio.h>
#include <string.h>

#include "inner.h"
#include "rop/observed.h"

#define BOOT_ID_SIZE sizeof(((struct rop_image *)NULL)->boot_id)

/* One entry being written. */
struct writing {
	struct rop_store *store;
	const struct rop_entry *entry;
	int64_t cluster, pass;
};

/* Mistakes of the caller, found before anything is written. */
bool store_check_entry(const struct rop_entry *entry, struct rop_err *err)
{
	if (entry->boot_id && strlen(entry->boot_id) >= BOOT_ID_SIZE)
		return rop_fail(err, ROP_INTERNAL, "'%s' is no boot id", entry->boot_id);
	for (size_t i = 0; i < entry->resolutions.n; i++) {
		const struct rop_resolution *r = &entry->resolutions.at[i];
		if (r->status == ROP_EXPECT_PENDING || r->status >= ROP_EXPECT_STATUSES_N)
			return rop_fail(err, ROP_INTERNAL, "expectation %lld cannot be resolved as pending",
					(long long)r->id);
	}
	for (size_t i = 0; i < entry->expects.n; i++) {
		const struct rop_expect *x = &entry->expects.at[i];
		if (x->kind >= ROP_STEP_KINDS_N || !x->subject || x->status != ROP_EXPECT_PENDING)
			return rop_fail(err, ROP_INTERNAL,
					"a new expectation must have a kind and a subject and be pending");
		if (x->kind == ROP_STEP_SLOTS && (x->first < 0 || x->first > x->last || x->last >= ROP_SLOTS))
			return rop_fail(err, ROP_INTERNAL, "slots %d-%d are no range", x->first, x->last);
	}
	for (size_t i = 0; i < entry->temporaries_set.n; i++)
		if (!entry->temporaries_set.at[i].name || !entry->temporaries_set.at[i].original ||
		    !entry->temporaries_set.at[i].temporary)
			return rop_fail(err, ROP_INTERNAL, "a temporary setting must have a name and both values");
	for (size_t i = 0; i < entry->temporaries_gone.n; i++)
		if (!entry->temporaries_gone.at[i].name)
			return rop_fail(err, ROP_INTERNAL, "a temporary setting must have a name");
	for (size_t i = 0; i < entry->shards.n; i++) {
		const struct rop_shard_memory *s = &entry->shards.at[i];
		struct rop_slots slots;
		if (s->number < 1 || (i && s->number <= entry->shards.at[i - 1].number))
			return rop_fail(err, ROP_INTERNAL, "shard %d is no number, or stands in the wrong place",
					s->number);
		if (!s->slots || !*s->slots || !rop_slots_parse(s->slots, &slots))
			return rop_fail(err, ROP_INTERNAL, "shard %d: '%s' are no slots", s->number,
					s->slots ? s->slots : "");
	}
	return true;
}

bool store_cluster(struct rop_store *store, const char *name, int64_t *ret_id, char *ret_boot_id, struct rop_err *err)
{
	int64_t id = 0;
	char boot_id[BOOT_ID_SIZE] = "";
	struct sql q = sql_start(store, SQL_CLUSTER_FIND);
	sql_put_text(&q, name);
	while (sql_row(&q)) {
		id = sql_int(&q);
		sql_copy(&q, boot_id, sizeof boot_id);
	}
	if (!sql_end(&q, err))
		return false;
	if (!id) {
		q = sql_start(store, SQL_CLUSTER_ADD);
		sql_put_text(&q, name);
		if (!sql_run(&q, err))
			return false;
		id = sqlite3_last_insert_rowid(store->db);
	}
	*ret_id = id;
	if (ret_boot_id)
		memcpy(ret_boot_id, boot_id, sizeof boot_id);
	return true;
}

/* Values of an earlier boot's clock mean nothing on this one. The same moments are written on the new clock, by way of
 * the wall clock, so that one boot id holds for all of them; what seems to lie in the future counts as just now. */
static bool follow_boot(struct writing *w, const char *old_boot_id, struct rop_err *err)
{
	const struct rop_entry *entry = w->entry;
	if (!old_boot_id[0] || !entry->boot_id || strcmp(old_boot_id, entry->boot_id) == 0)
		return true;
	static const enum sql_name UPDATES[] = { SQL_CLUSTER_REBOOT, SQL_EXPECT_REBOOT };
	for (size_t i = 0; i < sizeof UPDATES / sizeof *UPDATES; i++) {
		struct sql q = sql_start(w->store, UPDATES[i]);
		sql_put_int(&q, w->cluster);
		sql_put_int(&q, entry->boot_ms);
		sql_put_int(&q, entry->wall_ms);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

static bool add_pass(struct writing *w, struct rop_err *err)
{
	struct sql q = sql_start(w->store, SQL_PASS_ADD);
	sql_put_int(&q, w->cluster);
	sql_put_int(&q, w->entry->wall_ms);
	sql_put_int(&q, w->entry->boot_ms);
	sql_put_always(&q, w->entry->boot_id);
	sql_put_int(&q, w->entry->pid);
	if (!sql_run(&q, err))
		return false;
	w->pass = sqlite3_last_insert_rowid(w->store->db);
	return true;
}

static bool move_cluster(struct writing *w, const char *old_boot_id, struct rop_err *err)
{
	const struct rop_entry *entry = w->entry;
	struct sql q = sql_start(w->store, SQL_CLUSTER_MOVE);
	sql_put_int(&q, w->cluster);
	sql_put_text(&q, entry->boot_id ? entry->boot_id : old_boot_id);
	sql_put_text(&q, entry->state);
	sql_put_int(&q, entry->state_entered);
	sql_put_int(&q, entry->wall_ms);
	sql_put_int(&q, entry->boot_ms);
	sql_put_int(&q, entry->formed);
	sql_put_int(&q, entry->reached_revision);
	if (entry->moving == ROP_UNKNOWN)
		sql_put_text(&q, NULL);
	else
		sql_put_int(&q, entry->moving == ROP_TRUE);
	return sql_run(&q, err);
}

static bool resolve(struct writing *w, struct rop_err *err)
{
	for (size_t i = 0; i < w->entry->resolutions.n; i++) {
		const struct rop_resolution *r = &w->entry->resolutions.at[i];
		struct sql q = sql_start(w->store, SQL_EXPECT_RESOLVE);
		sql_put_int(&q, r->id);
		sql_put_int(&q, w->cluster);
		sql_put_text(&q, rop_expect_status_name(r->status));
		sql_put_text(&q, r->note);
		sql_put_int(&q, w->entry->wall_ms);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

static bool add_transitions(struct writing *w, struct rop_err *err)
{
	for (size_t i = 0; i < w->entry->transitions.n; i++) {
		const struct rop_transition *t = &w->entry->transitions.at[i];
		struct sql q = sql_start(w->store, SQL_TRANSITION_ADD);
		sql_put_int(&q, w->cluster);
		sql_put_int(&q, w->pass);
		const char *const texts[] = { t->machine, t->digest, t->subject, t->from, t->to, t->row, t->why };
		for (size_t k = 0; k < sizeof texts / sizeof *texts; k++)
			sql_put_always(&q, texts[k]);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

/* A pending range that shares a slot with this one? Those pending are disjoint, so one look is enough. */
static bool check_overlap(struct writing *w, const struct rop_expect *x, struct rop_err *err)
{
	int64_t id = 0;
	char subject[64] = "";
	struct sql q = sql_start(w->store, SQL_EXPECT_OVERLAP);
	sql_put_int(&q, w->cluster);
	sql_put_int(&q, x->first);
	sql_put_int(&q, x->last);
	while (sql_row(&q)) {
		id = sql_int(&q);
		const char *text = (const char *)sqlite3_column_text(q.stmt, 1);
		snprintf(subject, sizeof subject, "%s", text ? text : "?");
	}
	if (!sql_end(&q, err))
		return false;
	if (!id)
		return true;
	return rop_fail(err, ROP_INTERNAL, "%s: expectation %lld on %s is pending for some of these slots", x->subject,
			(long long)id, subject);
}

/* The unique index has refused it: by which row? When there is none, the index lies. */
static bool second_pending(struct writing *w, const struct rop_expect *x, struct rop_err *err)
{
	int64_t id = 0;
	struct sql q = sql_start(w->store, SQL_EXPECT_OF_SUBJECT);
	sql_put_int(&q, w->cluster);
	sql_put_text(&q, x->subject);
	while (sql_row(&q))
		id = sql_int(&q);
	if (!sql_end(&q, err))
		return false;
	if (!id)
		return store_damaged(w->store, "an index names a row that does not exist", err);
	return rop_fail(err, ROP_INTERNAL, "%s: expectation %lld is pending on this subject already", x->subject,
			(long long)id);
}

static void put_expect(struct sql *q, const struct rop_expect *x)
{
	sql_put_text(q, rop_step_kind_name(x->kind));
	sql_put_text(q, x->subject);
	sql_put_text(q, x->node);
	sql_put_text(q, x->peer);
	sql_put_int(q, x->first);
	sql_put_int(q, x->last);
	sql_put_int(q, x->epoch);
	sql_put_text(q, x->name);
	sql_put_text(q, x->value);
	sql_put_text(q, x->was);
	sql_put_text(q, x->address);
	sql_put_text(q, x->command);
	sql_put_text(q, x->precondition);
	sql_put_text(q, x->why);
	sql_put_int(q, x->issued_wall_ms);
	sql_put_int(q, x->issued_boot_ms);
	sql_put_int(q, x->deadline_boot_ms);
	sql_put_int(q, x->attempts);
}

static bool add_expect(struct writing *w, struct rop_expect *x, struct rop_err *err)
{
	if (x->kind == ROP_STEP_SLOTS && !check_overlap(w, x, err))
		return false;
	struct sql q = sql_start(w->store, SQL_EXPECT_ADD);
	sql_put_int(&q, w->cluster);
	sql_put_int(&q, w->pass);
	put_expect(&q, x);
	sql_row(&q);
	bool second = q.rc == SQLITE_CONSTRAINT_UNIQUE;
	if (!sql_end(&q, err))
		return second ? second_pending(w, x, err) : false;
	x->id = sqlite3_last_insert_rowid(w->store->db);
	return true;
}

static bool write_temporaries(struct writing *w, struct rop_err *err)
{
	const struct rop_entry *entry = w->entry;
	for (size_t i = 0; i < entry->temporaries_gone.n;
	     i++) { /* first: one restored and lowered again is a new one */
		struct sql q = sql_start(w->store, SQL_TEMPORARY_DROP);
		sql_put_int(&q, w->cluster);
		sql_put_text(&q, entry->temporaries_gone.at[i].node);
		sql_put_text(&q, entry->temporaries_gone.at[i].name);
		if (!sql_run(&q, err))
			return false;
	}
	for (size_t i = 0; i < entry->temporaries_set.n; i++) {
		const struct rop_temporary *t = &entry->temporaries_set.at[i];
		struct sql q = sql_start(w->store, SQL_TEMPORARY_SET);
		sql_put_int(&q, w->cluster);
		sql_put_text(&q, t->node);
		sql_put_text(&q, t->name);
		sql_put_text(&q, t->address);
		sql_put_text(&q, t->original);
		sql_put_text(&q, t->temporary);
		sql_put_text(&q, t->peer);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

static bool write_members(struct writing *w, struct rop_err *err)
{
	if (!w->entry->members_changed)
		return true;
	struct sql q = sql_start(w->store, SQL_MEMBERS_CLEAR);
	sql_put_int(&q, w->cluster);
	if (!sql_run(&q, err))
		return false;
	for (size_t i = 0; i < w->entry->members.n; i++) {
		const struct rop_member *m = &w->entry->members.at[i];
		q = sql_start(w->store, SQL_MEMBER_ADD);
		sql_put_int(&q, w->cluster);
		sql_put_text(&q, m->node);
		sql_put_text(&q, m->address);
		sql_put_int(&q, m->shard);
		sql_put_text(&q, m->ip);
		sql_put_int(&q, m->forgotten_boot_ms);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

static bool clear_shards(struct writing *w, struct rop_err *err)
{
	static const enum sql_name CLEARS[] = { SQL_SHARD_COPIES_CLEAR, SQL_SHARDS_CLEAR }; /* copies refer to shards */
	for (size_t i = 0; i < sizeof CLEARS / sizeof *CLEARS; i++) {
		struct sql q = sql_start(w->store, CLEARS[i]);
		sql_put_int(&q, w->cluster);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

static bool add_copy(struct writing *w, int number, size_t place, const struct rop_copy_memory *copy,
		     struct rop_err *err)
{
	struct sql q = sql_start(w->store, SQL_SHARD_COPY_ADD);
	sql_put_int(&q, w->cluster);
	sql_put_int(&q, number);
	sql_put_int(&q, (int64_t)place);
	sql_put_text(&q, copy->node);
	sql_put_text(&q, copy->address);
	sql_put_int(&q, copy->led);
	sql_put_int(&q, copy->offset);
	sql_put_int(&q, copy->keys);
	sql_put_int(&q, copy->seen_wall_ms);
	return sql_run(&q, err);
}

static bool write_shards(struct writing *w, struct rop_err *err)
{
	if (!w->entry->shards_changed)
		return true;
	if (!clear_shards(w, err))
		return false;
	for (size_t i = 0; i < w->entry->shards.n; i++) {
		const struct rop_shard_memory *shard = &w->entry->shards.at[i];
		struct sql q = sql_start(w->store, SQL_SHARD_ADD);
		sql_put_int(&q, w->cluster);
		sql_put_int(&q, shard->number);
		sql_put_text(&q, shard->slots);
		if (!sql_run(&q, err))
			return false;
		for (size_t c = 0; c < shard->copies.n; c++)
			if (!add_copy(w, shard->number, c, &shard->copies.at[c], err))
				return false;
	}
	return true;
}

static bool write_conditions(struct writing *w, struct rop_err *err)
{
	for (int i = 0; w->entry->conditions_changed && i < ROP_CONDITIONS_N; i++) {
		const struct rop_condition *c = &w->entry->conditions[i];
		struct sql q = sql_start(w->store, SQL_CONDITION_SET);
		sql_put_int(&q, w->cluster);
		sql_put_text(&q, rop_condition_type_name((enum rop_condition_type)i));
		sql_put_text(&q, rop_truth_name(c->status));
		sql_put_always(&q, c->reason);
		sql_put_always(&q, c->message);
		sql_put_int(&q, c->since_wall_ms);
		if (!sql_run(&q, err))
			return false;
	}
	return true;
}

/* Resolutions go before the new expectations: a retry supersedes and claims the subject anew in one entry. */
bool store_write_entry(struct rop_store *store, const char *cluster, struct rop_entry *entry, struct rop_err *err)
{
	struct writing w = { .store = store, .entry = entry };
	char boot_id[BOOT_ID_SIZE];
	if (!store_cluster(store, cluster, &w.cluster, boot_id, err) || !follow_boot(&w, boot_id, err) ||
	    !add_pass(&w, err) || !move_cluster(&w, boot_id, err) || !resolve(&w, err) || !add_transitions(&w, err))
		return false;
	for (size_t i = 0; i < entry->expects.n; i++)
		if (!add_expect(&w, &entry->expects.at[i], err))
			return false;
	if (!write_temporaries(&w, err) || !write_members(&w, err) || !write_shards(&w, err) ||
	    !write_conditions(&w, err) ||
	    (entry->wish_end.id && !store_close_wish(store, w.cluster, &entry->wish_end, entry->wall_ms, err)) ||
	    (entry->wish_begin.shard &&
	     !store_add_wish(store, w.cluster, w.pass, &entry->wish_begin, entry->wall_ms, &entry->wish_begin.id, err)))
		return false;
	entry->pass = w.pass;
	return true;
}
