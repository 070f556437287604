/* memory.c - what a reconciler holds from pass to pass: copied from the database's image, and copied again without what
 * is over, so that months of passes need no more room than the first. */
#include <string.h>

#include "pass.h"

#define SMALL_BYTES ((size_t)64 * 1024) /* below that nothing is gained */

static struct rop_drain memory_drain(struct rop_arena *arena, const struct rop_drain *drain);

/* Everything but the pending expectations, which the reconciler has as steps. `to` may be `from`. */
static void copy_image(struct rop_arena *arena, struct rop_image *to, const struct rop_image *from)
{
	struct rop_image copy = *from;
	copy.digest = rop_strdup(arena, from->digest);
	copy.state = rop_strdup(arena, from->state);
	copy.paused_by = rop_strdup(arena, from->paused_by);
	memset(&copy.pending, 0, sizeof copy.pending);
	memset(&copy.temporaries, 0, sizeof copy.temporaries);
	memset(&copy.members, 0, sizeof copy.members);
	memset(&copy.shards, 0, sizeof copy.shards);
	memset(&copy.tried, 0, sizeof copy.tried);
	for (size_t i = 0; i < from->tried.n; i++)
		*rop_push(arena, &copy.tried) = rop_expect_dup(arena, &from->tried.at[i]);
	memset(&copy.unwritten, 0, sizeof copy.unwritten);
	for (size_t i = 0; i < from->unwritten.n; i++)
		*rop_push(arena, &copy.unwritten) = rop_expect_dup(arena, &from->unwritten.at[i]);
	for (size_t i = 0; i < from->temporaries.n; i++)
		*rop_push(arena, &copy.temporaries) = memory_temporary(arena, &from->temporaries.at[i]);
	for (size_t i = 0; i < from->members.n; i++)
		*rop_push(arena, &copy.members) = memory_member(arena, &from->members.at[i]);
	memset(&copy.others, 0, sizeof copy.others);
	for (size_t i = 0; i < from->others.n; i++)
		*rop_push(arena, &copy.others) = from->others.at[i];
	for (size_t i = 0; i < copy.others.n; i++) { /* in the order of clusters */
		bool same = i && from->others.at[i].cluster == from->others.at[i - 1].cluster;
		copy.others.at[i].cluster = same ? copy.others.at[i - 1].cluster
						 : rop_strdup(arena, from->others.at[i].cluster);
	}
	memory_shards(arena, &copy, from->shards.at, from->shards.n);
	for (int i = 0; i < ROP_CONDITIONS_N; i++) {
		copy.conditions[i].reason = rop_strdup(arena, from->conditions[i].reason);
		copy.conditions[i].message = rop_strdup(arena, from->conditions[i].message);
	}
	memset(&copy.handed, 0, sizeof copy.handed);
	for (size_t i = 0; i < from->handed.n; i++)
		*rop_push(arena, &copy.handed) = from->handed.at[i];
	memset(&copy.drains, 0, sizeof copy.drains);
	for (size_t i = 0; i < from->drains.n; i++)
		*rop_push(arena, &copy.drains) = memory_drain(arena, &from->drains.at[i]);
	copy.wish = memory_wish(arena, &from->wish);
	copy.last_wish = memory_wish(arena, &from->last_wish);
	*to = copy;
}

static void copy_deed(struct rop_arena *arena, struct rop_deed *deed)
{
	const char **texts[] = { &deed->user, &deed->host, &deed->command, &deed->reason, &deed->note };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_strdup(arena, *texts[i]);
}

struct rop_wish memory_wish(struct rop_arena *arena, const struct rop_wish *wish)
{
	struct rop_wish copy = *wish;
	const char **texts[] = { &copy.address, &copy.primary_address, &copy.note, &copy.failure };
	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
		*texts[i] = rop_strdup(arena, *texts[i]);
	copy_deed(arena, &copy.by);
	return copy;
}

static struct rop_drain memory_drain(struct rop_arena *arena, const struct rop_drain *drain)
{
	struct rop_drain copy = *drain;
	copy.target = rop_strdup(arena, drain->target);
	copy.fewer = rop_strdup(arena, drain->fewer);
	copy_deed(arena, &copy.by);
	return copy;
}

void memory_shards(struct rop_arena *arena, struct rop_image *image, const struct rop_shard_memory *shards, size_t n)
{
	memset(&image->shards, 0, sizeof image->shards);
	for (size_t s = 0; s < n; s++) {
		struct rop_shard_memory *shard = rop_push(arena, &image->shards);
		*shard = (struct rop_shard_memory){ .number = shards[s].number,
						    .slots = rop_strdup(arena, shards[s].slots) };
		for (size_t c = 0; c < shards[s].copies.n; c++) {
			struct rop_copy_memory *copy = rop_push(arena, &shard->copies);
			*copy = shards[s].copies.at[c];
			copy->address = rop_strdup(arena, copy->address);
		}
	}
}

struct rop_temporary memory_temporary(struct rop_arena *arena, const struct rop_temporary *temporary)
{
	struct rop_temporary copy = *temporary;
	copy.address = rop_strdup(arena, temporary->address);
	copy.name = rop_strdup(arena, temporary->name);
	copy.original = rop_strdup(arena, temporary->original);
	copy.temporary = rop_strdup(arena, temporary->temporary);
	return copy;
}

struct rop_member memory_member(struct rop_arena *arena, const struct rop_member *member)
{
	struct rop_member copy = *member;
	copy.address = rop_strdup(arena, member->address);
	copy.ip = rop_strdup(arena, member->ip);
	return copy;
}

/* The database's arena belongs to the caller. Pending expectations of an earlier process are matched like our own.
 * Their deadlines are on the boot clock; after a reboot that clock started anew, so they are taken as due: what is seen
 * decides, then they expire. */
void memory_take_image(struct rop_reconcile *r, const struct rop_image *image)
{
	bool same_boot = r->options.boot_id && strcmp(image->boot_id, r->options.boot_id) == 0;
	copy_image(r->arena, &r->image, image);
	for (size_t m = 0; m < r->image.members.n && !same_boot; m++)
		r->image.members.at[m].forgotten_boot_ms = 0;
	if (!same_boot) {
		r->image.wish.failed_boot_ms = 0;
		r->image.handed.n = 0;
	}
	r->moving = image->moving;
	for (size_t i = 0; i < image->unwritten.n; i++) {
		const struct rop_expect *e = &image->unwritten.at[i];
		if (rop_setting_is_declared(r->options.topology, e->name, e->value) && !rop_has_no_file_note(e->note))
			rop_tries_owe_rewrite(r->tries, e->node);
	}
	for (size_t i = 0; i < image->pending.n; i++) {
		struct rop_step step = { .node = -1, .peer = -1, .state = "" };
		step.expect = rop_expect_dup(r->arena, &image->pending.at[i]);
		step.expect.unwritten = step.expect.kind == ROP_STEP_SETTING;
		if (!same_boot)
			step.expect.deadline_boot_ms = 0;
		*rop_push(r->arena, &r->pending) = step;
		rop_tries_pending(r->tries, &step.expect);
	}
	r->compact_above_bytes = SMALL_BYTES;
}

static void compact(struct rop_reconcile *r)
{
	struct rop_reconcile was = *r;
	r->arena = rop_arena_new();
	copy_image(r->arena, &r->image, &was.image);
	r->tries = rop_tries_copy(r->arena, was.tries);
	r->children.at = children_copy(r->arena, was.children.at, was.children.n);
	r->children.n = r->children.cap = was.children.n;
	memset(&r->pending, 0, sizeof r->pending);
	memset(&r->ended, 0, sizeof r->ended);
	memset(&r->gone, 0, sizeof r->gone);
	memset(&r->held, 0, sizeof r->held);
	for (size_t i = 0; i < was.pending.n; i++) {
		struct rop_step step = was.pending.at[i];
		step.expect = rop_expect_dup(r->arena, &step.expect);
		*rop_push(r->arena, &r->pending) = step;
	}
	for (size_t i = 0; i < was.ended.n; i++) {
		struct rop_resolution end = was.ended.at[i];
		end.note = rop_strdup(r->arena, end.note);
		*rop_push(r->arena, &r->ended) = end;
	}
	for (size_t i = 0; i < was.gone.n; i++)
		*rop_push(r->arena, &r->gone) = memory_temporary(r->arena, &was.gone.at[i]);
	for (size_t i = 0; i < was.held.n; i++)
		*rop_push(r->arena, &r->held) = was.held.at[i];
	size_t bytes = rop_arena_bytes(r->arena);
	r->compact_above_bytes = 4 * bytes > SMALL_BYTES ? 4 * bytes : SMALL_BYTES;
	r->sent_since_compact = false;
	rop_arena_free(was.arena);
}

/* Copying what lives costs as much as there is, so it waits until that is a quarter at most; and once after work, when
 * all is calm again: forming a thousand nodes takes a hundred thousand subjects that never come back. */
void memory_compact(struct rop_reconcile *r)
{
	size_t bytes = rop_arena_bytes(r->arena);
	bool calm = r->sent_since_compact && !r->pending.n && r->options.machine->states[r->state].final;
	if (bytes > r->compact_above_bytes || (calm && bytes > SMALL_BYTES))
		compact(r);
}
