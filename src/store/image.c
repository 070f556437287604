/* image.c - read what the database knows of one cluster, all of it as of one moment. */
#include <string.h>

#include "inner.h"
#include "rop/observed.h"

/* One reading under way. */
struct reading {
	struct rop_store *store;
	struct rop_arena *arena;
	int64_t cluster;
};

static struct sql start(struct reading *r, enum sql_name name)
{
	struct sql q = sql_start(r->store, name);
	sql_put_int(&q, r->cluster);
	return q;
}

static bool read_cluster(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, r->store->schema < 4 ? SQL_CLUSTER_GET_3 : SQL_CLUSTER_GET);
	while (sql_row(&q)) {
		image->known = true;
		image->formed_wall_ms = sql_int(&q);
		image->reached_revision = sql_int(&q);
		image->state = sql_text(&q, r->arena);
		image->state_since_wall_ms = sql_int(&q);
		image->state_since_boot_ms = sql_int(&q);
		sql_copy(&q, image->boot_id, sizeof image->boot_id);
		image->paused = sql_int(&q) != 0;
		image->paused_until_wall_ms = sql_int(&q);
		image->paused_by = sql_text(&q, r->arena);
		image->moving = sql_int(&q) != 0;
	}
	return sql_end(&q, err);
}

static bool read_revision(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, SQL_REVISION_NEWEST);
	while (sql_row(&q)) {
		image->revision = sql_int(&q);
		image->digest = sql_text(&q, r->arena);
	}
	return sql_end(&q, err);
}

static void get_expect(struct sql *q, struct rop_arena *arena, struct rop_expect *x)
{
	x->id = sql_int(q);
	x->kind = (enum rop_step_kind)sql_name_of(q, rop_step_kind_find, "a step of kind");
	x->subject = sql_always(q, arena);
	sql_copy(q, x->node, sizeof x->node);
	sql_copy(q, x->peer, sizeof x->peer);
	x->first = sql_small(q);
	x->last = sql_small(q);
	x->epoch = sql_int(q);
	x->name = sql_text(q, arena);
	x->value = sql_text(q, arena);
	x->was = sql_text(q, arena);
	x->address = sql_text(q, arena);
	x->command = sql_text(q, arena);
	x->precondition = sql_text(q, arena);
	x->why = sql_text(q, arena);
	x->issued_wall_ms = sql_int(q);
	x->issued_boot_ms = sql_int(q);
	x->deadline_boot_ms = sql_int(q);
	x->attempts = sql_small(q);
	x->status = ROP_EXPECT_PENDING;
}

static bool read_pending(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, SQL_EXPECT_PENDING);
	while (sql_row(&q))
		get_expect(&q, r->arena, rop_push(r->arena, &image->pending));
	return sql_end(&q, err);
}

static bool read_tried(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, SQL_SETTINGS_TRIED);
	while (sql_row(&q)) {
		struct rop_expect *x = rop_push(r->arena, &image->tried);
		*x = (struct rop_expect){ .kind = ROP_STEP_SETTING, .first = -1, .last = -1 };
		sql_copy(&q, x->node, sizeof x->node);
		x->address = sql_text(&q, r->arena);
		x->name = sql_text(&q, r->arena);
		x->value = sql_text(&q, r->arena);
		x->note = sql_text(&q, r->arena);
		int status = rop_expect_status_find(sql_text(&q, r->arena));
		x->status = status < 0 ? ROP_EXPECT_REFUSED : (enum rop_expect_status)status;
	}
	return sql_end(&q, err);
}

static bool read_unwritten(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, SQL_SETTINGS_UNWRITTEN);
	while (sql_row(&q)) {
		struct rop_expect *x = rop_push(r->arena, &image->unwritten);
		*x = (struct rop_expect){ .kind = ROP_STEP_SETTING, .first = -1, .last = -1 };
		sql_copy(&q, x->node, sizeof x->node);
		x->address = sql_text(&q, r->arena);
		x->name = sql_always(&q, r->arena);
		x->value = sql_always(&q, r->arena);
		x->note = sql_text(&q, r->arena);
		x->status = (enum rop_expect_status)sql_name_of(&q, rop_expect_status_find, "a step that is");
	}
	return sql_end(&q, err);
}

static bool read_temporaries(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, r->store->schema < 3 ? SQL_TEMPORARIES_GET_2 : SQL_TEMPORARIES_GET);
	while (sql_row(&q)) {
		struct rop_temporary *t = rop_push(r->arena, &image->temporaries);
		sql_copy(&q, t->node, sizeof t->node);
		t->name = sql_always(&q, r->arena);
		t->address = sql_text(&q, r->arena);
		t->original = sql_always(&q, r->arena);
		t->temporary = sql_always(&q, r->arena);
		sql_copy(&q, t->peer, sizeof t->peer);
	}
	return sql_end(&q, err);
}

static bool read_members(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, r->store->schema < 4 ? SQL_MEMBERS_GET_3 : SQL_MEMBERS_GET);
	while (sql_row(&q)) {
		struct rop_member *m = rop_push(r->arena, &image->members);
		sql_copy(&q, m->node, sizeof m->node);
		m->address = sql_text(&q, r->arena);
		m->shard = sql_small(&q);
		m->ip = sql_text(&q, r->arena);
		m->forgotten_boot_ms = sql_int(&q);
	}
	return sql_end(&q, err);
}

static bool read_others(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, SQL_OTHERS_GET);
	const char *last = "";
	while (sql_row(&q)) {
		struct rop_elsewhere *other = rop_push(r->arena, &image->others);
		sql_copy(&q, other->node, sizeof other->node);
		const char *name = sql_always(&q, r->arena);
		other->cluster = last = strcmp(name, last) == 0 ? last : name;
	}
	return sql_end(&q, err);
}

/* The shard of the row; a new one when the number is. */
static struct rop_shard_memory *get_shard(struct sql *q, struct rop_arena *arena, struct rop_image *image)
{
	int number = sql_small(q);
	const char *slots = sql_always(q, arena);
	if (image->shards.n && image->shards.at[image->shards.n - 1].number == number)
		return &image->shards.at[image->shards.n - 1];
	struct rop_slots set;
	if (number < 1 || !*slots || !rop_slots_parse(slots, &set))
		sql_odd(q, "a shard with slots", slots);
	struct rop_shard_memory *shard = rop_push(arena, &image->shards);
	*shard = (struct rop_shard_memory){ .number = number, .slots = slots };
	return shard;
}

static bool read_shards(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	if (r->store->schema < 3)
		return true;
	struct sql q = start(r, SQL_SHARDS_GET);
	while (sql_row(&q)) {
		struct rop_shard_memory *shard = get_shard(&q, r->arena, image);
		struct rop_copy_memory copy = { 0 };
		sql_copy(&q, copy.node, sizeof copy.node);
		copy.address = sql_text(&q, r->arena);
		copy.led = sql_int(&q) != 0;
		copy.offset = sql_int(&q);
		copy.keys = sql_int(&q);
		copy.seen_wall_ms = sql_int(&q);
		if (copy.node[0])
			*rop_push(r->arena, &shard->copies) = copy;
	}
	return sql_end(&q, err);
}

static int condition_find(const char *name)
{
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		if (strcmp(rop_condition_type_name((enum rop_condition_type)i), name) == 0)
			return i;
	return -1;
}

static int truth_find(const char *name)
{
	for (int i = ROP_UNKNOWN; i <= ROP_TRUE; i++)
		if (strcmp(rop_truth_name((enum rop_truth)i), name) == 0)
			return i;
	return -1;
}

static bool read_conditions(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	struct sql q = start(r, SQL_CONDITIONS_GET);
	while (sql_row(&q)) {
		struct rop_condition *c = &image->conditions[sql_name_of(&q, condition_find, "a condition of type")];
		c->status = (enum rop_truth)sql_name_of(&q, truth_find, "a condition that is");
		c->reason = sql_always(&q, r->arena);
		c->message = sql_always(&q, r->arena);
		c->since_wall_ms = sql_int(&q);
	}
	return sql_end(&q, err);
}

bool store_find_cluster(struct rop_store *store, const char *name, int64_t *ret_id, struct rop_err *err)
{
	int64_t id = 0;
	struct sql q = sql_start(store, SQL_CLUSTER_FIND);
	sql_put_text(&q, name);
	while (sql_row(&q))
		id = sql_int(&q);
	if (!sql_end(&q, err))
		return false;
	*ret_id = id;
	return true;
}

bool store_newest_pass(struct rop_store *store, int64_t cluster, int64_t *ret_pass, struct rop_err *err)
{
	int64_t pass = 0;
	struct sql q = sql_start(store, SQL_PASS_NEWEST);
	sql_put_int(&q, cluster);
	while (sql_row(&q))
		pass = sql_int(&q);
	if (!sql_end(&q, err))
		return false;
	*ret_pass = pass;
	return true;
}

static bool read_image(struct reading *r, struct rop_image *image, struct rop_err *err)
{
	return store_newest_pass(r->store, r->cluster, &image->pass, err) && read_cluster(r, image, err) &&
	       read_revision(r, image, err) && read_pending(r, image, err) && read_tried(r, image, err) &&
	       read_unwritten(r, image, err) && read_temporaries(r, image, err) && read_members(r, image, err) &&
	       read_shards(r, image, err) && read_conditions(r, image, err) &&
	       store_read_wishes(r->store, r->arena, r->cluster, image, err) &&
	       store_read_drains(r->store, r->arena, r->cluster, image, err);
}

bool rop_store_load(struct rop_store *store, struct rop_arena *arena, const char *cluster, struct rop_image *ret_image,
		    struct rop_err *err)
{
	struct reading r = { .store = store, .arena = arena };
	struct rop_image image = { 0 };
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		image.conditions[i].reason = image.conditions[i].message = "";
	if (!store_begin_read(store, err))
		return rop_wrap(err, "cluster '%s'", cluster);
	bool ok = store_find_cluster(store, cluster, &r.cluster, err) && (!r.cluster || read_image(&r, &image, err)) &&
		  read_others(&r, &image, err);
	store_end_read(store);
	if (!ok)
		return rop_wrap(err, "cluster '%s'", cluster);
	*ret_image = image;
	return true;
}
