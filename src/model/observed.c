/* observed.c - the observed cluster: make, copy, find. */
#include "rop/observed.h"

#include <string.h>

#include "rop/text.h"

struct rop_observed *rop_observed_new(struct rop_arena *arena, size_t n, const char **setting_names, size_t n_settings)
{
	struct rop_observed *seen = rop_alloc(arena, sizeof *seen);
	seen->arena = arena;
	seen->n = seen->asked = n;
	seen->words = (n + 63) / 64;
	seen->nodes = rop_alloc_n(arena, n, sizeof *seen->nodes);
	seen->known = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->linked = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->agrees = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->failing = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->astray = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->apart = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->online = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->unlisted = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->listed = rop_alloc_n(arena, n * seen->words, sizeof(uint64_t));
	seen->setting_names = setting_names;
	seen->n_settings = n_settings;
	for (size_t i = 0; i < n; i++) {
		seen->nodes[i].primary = -1;
		seen->nodes[i].keys = seen->nodes[i].functions = ROP_COUNT_UNKNOWN;
		seen->nodes[i].priority = seen->nodes[i].offset = seen->nodes[i].sync_idle_s = seen->nodes[i]
												       .uptime_s = -1;
		seen->nodes[i].used_memory = seen->nodes[i].data_memory = seen->nodes[i]
										  .max_memory = ROP_COUNT_NOT_ASKED;
		seen->nodes[i].settings = rop_alloc_n(arena, n_settings, sizeof(char *));
	}
	return seen;
}

static void copy_rows(const struct rop_observed *seen, const uint64_t *from, const struct rop_observed *copy,
		      uint64_t *to)
{
	for (size_t i = 0; i < seen->asked; i++)
		memcpy(to + i * copy->words, from + i * seen->words, seen->words * sizeof *to);
}

static void copy_node(struct rop_arena *arena, const struct rop_observed *seen, size_t i, struct rop_node *to)
{
	const char **settings = to->settings;
	memcpy(settings, seen->nodes[i].settings, seen->n_settings * sizeof *settings);
	*to = seen->nodes[i];
	to->settings = settings;
	memset(&to->open, 0, sizeof to->open);
	for (size_t k = 0; k < seen->nodes[i].open.n; k++)
		*rop_push(arena, &to->open) = seen->nodes[i].open.at[k];
}

static void copy_foreign(const struct rop_observed *seen, struct rop_observed *copy)
{
	for (size_t i = 0; i < seen->foreign.n; i++) {
		struct rop_foreign *peer = rop_push(copy->arena, &copy->foreign);
		*peer = seen->foreign.at[i];
		peer->viewers = rop_alloc_n(copy->arena, copy->words + 1, sizeof *peer->viewers);
		memcpy(peer->viewers, seen->foreign.at[i].viewers, seen->words * sizeof *peer->viewers);
	}
}

struct rop_observed *rop_observed_widened(struct rop_arena *arena, const struct rop_observed *seen, size_t more)
{
	struct rop_observed *copy = rop_observed_new(arena, seen->asked + more, seen->setting_names, seen->n_settings);
	for (size_t i = 0; i < seen->asked; i++)
		copy_node(arena, seen, i, &copy->nodes[i]);
	copy_rows(seen, seen->known, copy, copy->known);
	copy_rows(seen, seen->linked, copy, copy->linked);
	copy_rows(seen, seen->agrees, copy, copy->agrees);
	copy_rows(seen, seen->failing, copy, copy->failing);
	copy_rows(seen, seen->astray, copy, copy->astray);
	copy_rows(seen, seen->apart, copy, copy->apart);
	copy_rows(seen, seen->online, copy, copy->online);
	copy_rows(seen, seen->unlisted, copy, copy->unlisted);
	copy_rows(seen, seen->listed, copy, copy->listed);
	copy->n = seen->n < seen->asked ? seen->n : seen->n + more;
	copy->n_leaving = seen->n_leaving;
	copy_foreign(seen, copy);
	for (size_t i = 0; i < seen->differences.n; i++)
		*rop_push(arena, &copy->differences) = seen->differences.at[i];
	copy->began_ms = seen->began_ms;
	copy->foreign_more = seen->foreign_more;
	copy->boot_ms = seen->boot_ms;
	return copy;
}

struct rop_observed *rop_observed_copy(struct rop_arena *arena, const struct rop_observed *seen)
{
	return rop_observed_widened(arena, seen, 0);
}

#define SHOWN_MAX 128 /* of an address, of flags: more than any server sends */

static const char *shown_slots(struct rop_arena *arena, const char *slots)
{
	return slots && *slots ? rop_text_visible(arena, slots, strlen(slots), SHOWN_MAX) : NULL;
}

static struct rop_foreign *find_foreign(const struct rop_observed *seen, const char *id)
{
	for (size_t f = 0; f < seen->foreign.n; f++)
		if (strcmp(seen->foreign.at[f].id, id) == 0)
			return &seen->foreign.at[f];
	return NULL;
}

static void add_viewer(struct rop_observed *seen, struct rop_foreign *peer, size_t viewer, const char *address,
		       const char *slots)
{
	peer->viewers[viewer / 64] |= (uint64_t)1 << (viewer % 64);
	if (!peer->slots)
		peer->slots = shown_slots(seen->arena, slots);
	if (rop_address_is_unknown(address))
		return;
	if (rop_address_is_unknown(peer->address))
		peer->address = rop_text_visible(seen->arena, address, strlen(address), SHOWN_MAX);
	else
		peer->addresses_differ |= strcmp(peer->address, address) != 0;
}

struct rop_foreign *rop_observed_add_foreign(struct rop_observed *seen, size_t viewer, const char *id,
					     const char *address, const char *flags, const char *slots)
{
	struct rop_node *self = &seen->nodes[viewer];
	self->strangers++;
	self->strangers_digest += rop_digest(ROP_DIGEST_START, id, strlen(id));
	struct rop_foreign *peer = find_foreign(seen, id);
	if (peer) {
		add_viewer(seen, peer, viewer, address, slots);
		return peer;
	}
	if (seen->foreign.n == ROP_FOREIGN_MAX) {
		seen->foreign_more++;
		return NULL;
	}
	peer = rop_push(seen->arena, &seen->foreign);
	*peer = (struct rop_foreign){ .viewer = (int)viewer };
	peer->viewers = rop_alloc_n(seen->arena, seen->words + 1, sizeof *peer->viewers);
	peer->viewers[viewer / 64] |= (uint64_t)1 << (viewer % 64);
	memcpy(peer->id, id, strnlen(id, ROP_ID_SIZE - 1));
	peer->address = rop_text_visible(seen->arena, address, strlen(address), SHOWN_MAX);
	peer->slots = shown_slots(seen->arena, slots);
	peer->flags = rop_text_visible(seen->arena, flags, strlen(flags), SHOWN_MAX);
	return peer;
}

bool rop_node_is_at(const struct rop_node *node, const char *address)
{
	size_t n = node->ip ? strlen(node->ip) : 0;
	int64_t port;
	return n && strncmp(address, node->ip, n) == 0 && address[n] == ':' &&
	       rop_int_parse(address + n + 1, 1, UINT16_MAX, &port) && port == node->port;
}

bool rop_observed_may_be_torn(const struct rop_observed *seen)
{
	bool torn = false;
	for (size_t i = 0; i < seen->n; i++) {
		const struct rop_node *node = &seen->nodes[i];
		if (!rop_node_answers(node))
			continue;
		if (node->elsewhere && !rop_node_is_held_in_vain(node, node->elsewhere))
			return false; /* here is the other one */
		torn |= node->elsewhere || node->torn || node->fresh;
	}
	return torn;
}

bool rop_observed_any_astray(const struct rop_observed *seen)
{
	for (size_t i = 0; i < seen->n; i++)
		for (size_t w = 0; w < seen->words && rop_answers(seen, i); w++)
			for (uint64_t left = seen->astray[i * seen->words + w]; left; left &= left - 1)
				if (rop_answers(seen, w * 64 + (size_t)__builtin_ctzll(left)))
					return true;
	return false;
}

int64_t rop_observed_rtt_ms(const struct rop_observed *seen)
{
	int64_t longest = 0;
	for (size_t i = 0; i < seen->n; i++)
		if (rop_node_answers(&seen->nodes[i]) && seen->nodes[i].rtt_ms > longest)
			longest = seen->nodes[i].rtt_ms;
	return longest;
}

int rop_observed_find(const struct rop_observed *seen, const char *id)
{
	if (!id[0])
		return -1;
	for (size_t i = 0; i < seen->n; i++)
		if (memcmp(seen->nodes[i].id, id, 8) == 0 && strcmp(seen->nodes[i].id, id) == 0)
			return (int)i;
	return -1;
}

int rop_observed_find_leaving(const struct rop_observed *seen, const char *id)
{
	for (size_t i = seen->asked - seen->n_leaving; i < seen->asked && id[0]; i++)
		if (strcmp(seen->nodes[i].id, id) == 0 || rop_streq(seen->nodes[i].leaving, id))
			return (int)i;
	return -1;
}

int rop_observed_setting(const struct rop_observed *seen, const char *name)
{
	for (size_t i = 0; i < seen->n_settings; i++)
		if (strcmp(seen->setting_names[i], name) == 0)
			return (int)i;
	return -1;
}

const char *rop_observed_value(const struct rop_observed *seen, size_t node, const char *name)
{
	int at = rop_observed_setting(seen, name);
	return at < 0 ? NULL : seen->nodes[node].settings[at];
}

int64_t rop_observed_number(const struct rop_observed *seen, size_t node, const char *name, int64_t otherwise)
{
	const char *value = rop_observed_value(seen, node, name);
	int64_t n;
	return value && rop_int_parse(value, 1, INT32_MAX, &n) ? n : otherwise;
}

/* ---- open slots --------------------------------------------------------------------------------------------- */

/* Where it is, or would be. */
static size_t place_of(const struct rop_node *node, int slot)
{
	size_t low = 0, high = node->open.n;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (node->open.at[middle].slot < slot)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct rop_open_slot *rop_node_open(const struct rop_node *node, int slot)
{
	size_t at = place_of(node, slot);
	return at < node->open.n && node->open.at[at].slot == slot ? &node->open.at[at] : NULL;
}

void rop_node_set_open(struct rop_arena *arena, struct rop_node *node, const struct rop_open_slot *open)
{
	struct rop_open_slot *there = rop_node_open(node, open->slot);
	if (there) {
		*there = *open;
		return;
	}
	size_t at = place_of(node, open->slot);
	rop_push(arena, &node->open);
	memmove(&node->open.at[at + 1], &node->open.at[at], (node->open.n - 1 - at) * sizeof *node->open.at);
	node->open.at[at] = *open;
}

void rop_node_close(struct rop_node *node, int slot)
{
	struct rop_open_slot *there = rop_node_open(node, slot);
	if (!there)
		return;
	size_t at = (size_t)(there - node->open.at);
	node->open.n--;
	memmove(there, there + 1, (node->open.n - at) * sizeof *there);
}
