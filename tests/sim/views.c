/* views.c - what nodes say of each other where it matters where they look for each other: the lines of CLUSTER NODES
 * as servers write them, and the shipped comparison of them (src/model/compare.c).
 */
#include <string.h>

#include "../../src/model/view.h"
#include "sim.h"

#define CLOCK_MS 1700000000000 /* the servers' own clock; it does not jump */

struct showing {
	const struct world *w;
	struct rop_observed *seen;
	struct rop_arena *work;
	struct text_of { /* [node] of its slots, as the last one to be asked showed them: most show the same */
		struct rop_slots slots;
		char *text;
	} * slots;
	char nobody[2], roles[2][7]; /* "-"; their flags */
};

static bool has(const uint64_t *row, size_t subject)
{
	return row[subject / 64] >> (subject % 64) & 1;
}

static void show_entry(struct showing *sh, struct rop_node_line *line, const struct claim *claim, size_t subject)
{
	const struct rop_node *truth = &sh->w->truth->nodes[subject];
	const char *primary_id = claim->primary >= 0 ? sh->w->truth->nodes[claim->primary].id : truth->primary_id;
	line->id = rop_strdup(sh->work, truth->id);
	line->replica = claim->role == ROP_ROLE_REPLICA;
	line->primary = !line->replica;
	line->primary_id = rop_strdup(sh->work, line->replica && *primary_id ? primary_id : "-");
	bool told = line->replica && rop_answers(sh->seen, subject);
	line->epoch = told ? sh->seen->nodes[subject].epoch : look_shown_epoch(sh->w, claim);
	struct text_of *shown = &sh->slots[subject];
	if (!shown->text || memcmp(&shown->slots, &claim->slots, sizeof shown->slots) != 0)
		*shown = (struct text_of){ claim->slots,
					   rop_strdup(sh->work, rop_slots_text(sh->work, &claim->slots)) };
	line->slots = shown->text;
	line->flags = sh->roles[line->replica];
}

/* One of two servers with one identity: measured on 7.0, three of four times without a link, and half of the times at
 * either address; heard within the last second. */
static void tear(const struct showing *sh, const struct reply *r, size_t subject, struct rop_node_line *line)
{
	const struct world *w = sh->w;
	uint64_t luck = world_luck(w, 'T', r->node, (size_t)(r->at_ms / 100));
	bool both = w->servers[subject].up;
	int place = !both || luck % 2 ? (int)(w->truth->n + subject) : (int)subject;
	line->address = rop_strdup(sh->work, bus_place_text(w, sh->work, place));
	line->connected = !both || luck / 2 % 4 == 0;
	line->ping_sent = both && luck / 8 % 6 == 0 ? CLOCK_MS + r->at_ms - 300 : 0;
	line->pong = CLOCK_MS + r->at_ms - (int64_t)(luck / 64 % 900);
}

static void show_line(struct showing *sh, const struct reply *r, size_t subject, struct rop_node_line *line)
{
	const struct world *w = sh->w;
	const struct line *entry = &r->lines[subject];
	struct claim room;
	show_entry(sh, line, look_heard_by(w, r, subject, &room), subject);
	if (w->clone == (int)subject) {
		tear(sh, r, subject, line);
		return;
	}
	line->address = rop_strdup(sh->work, bus_place_text(w, sh->work, entry->place));
	line->noaddr = entry->place == PLACE_NONE;
	line->connected = has(r->linked, subject) && !line->noaddr;
	bool failing = has(r->failing, subject), agreed = w->servers[subject].fail_ms != NEVER;
	line->fail = failing && agreed;
	line->pfail = failing && !agreed;
	line->ping_sent = entry->tried_ms == NEVER ? 0 : CLOCK_MS + entry->tried_ms;
	line->pong = CLOCK_MS + (entry->tried_ms == NEVER && line->connected ? r->at_ms - 400 : entry->heard_ms);
	if (w->clone == (int)r->node) /* what either of the two sends drops the links of the other */
		line->connected &= world_luck(w, 't', subject, (size_t)(r->at_ms / 100)) % 4 == 0;
}

/* Who was told of it, and does not find it where it says that it is. */
static bool is_being_met(const struct world *w, const struct reply *r, size_t subject)
{
	return !has(r->known, subject) && w->servers[subject].up && w->says[subject] != (int)subject &&
	       rop_bit(w->truth, w->truth->known, subject, r->node);
}

static struct view view_of(struct showing *sh, const struct reply *r)
{
	const struct world *w = sh->w;
	struct view view = { .clock_ms = CLOCK_MS + r->at_ms };
	view.lines = rop_alloc_n(sh->work, w->truth->n, sizeof *view.lines);
	for (size_t j = 0; j < w->truth->n; j++) {
		struct rop_node_line *line = &view.lines[view.n];
		if (j == r->node) {
			const struct claim own = { .role = r->own.role,
						   .primary = r->own.primary,
						   .epoch = r->own.epoch,
						   .slots = r->own.slots };
			show_entry(sh, line, &own, j);
			line->myself = line->connected = true;
			line->address = rop_strdup(sh->work, r->own.own_address);
			view.own = line;
		} else if (has(r->known, j)) {
			show_line(sh, r, j, line);
		} else if (is_being_met(w, r, j)) {
			*line = (struct rop_node_line){ .handshake = true, .flags = sh->nobody };
			line->id = rop_strdup(sh->work, "0123456789012345678901234567890123456789");
			line->primary_id = line->slots = sh->nobody;
			line->address = rop_strdup(sh->work, bus_place_text(w, sh->work, w->says[j]));
		} else {
			continue;
		}
		view.n++;
	}
	return view;
}

void views_show(const struct world *w, struct rop_observed *seen, const struct reply *replies,
		const struct rop_image *image)
{
	ROP_OWN_ARENA work = rop_arena_new();
	struct showing sh = { .w = w, .seen = seen, .work = work, .nobody = "-", .roles = { "master", "slave" } };
	sh.slots = rop_alloc_n(work, seen->n, sizeof *sh.slots);
	struct view *views = rop_alloc_n(work, seen->n, sizeof *views);
	const char **shards = rop_alloc_n(work, seen->n, sizeof *shards);
	int *others = rop_alloc_n(work, seen->n, sizeof *others), *handshakes = rop_alloc_n(work, seen->n, sizeof(int));
	for (size_t k = 0; k < seen->n; k++) {
		size_t i = replies[k].node;
		struct rop_node *node = &seen->nodes[i];
		const char *expected = look_expected_id(image, node->address);
		if (replies[k].answers)
			views[i] = view_of(&sh, &replies[k]);
		else
			memcpy(node->id, expected, strlen(expected) + 1);
		others[i] = node->others;
		handshakes[i] = node->handshakes;
		node->others = 0;
	}
	views_compare(seen, views, shards);
	for (size_t i = 0; i < seen->n; i++) { /* with ghosts and foreign peers, which are shown elsewhere */
		seen->nodes[i].others = others[i];
		if (handshakes[i] > seen->nodes[i].handshakes)
			seen->nodes[i].handshakes = handshakes[i];
	}
}
