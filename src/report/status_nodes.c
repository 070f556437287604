/* status_nodes.c - the table of nodes: a row each, as many columns as the terminal has room for; on a narrow one two
 * lines a node. */
#include <string.h>

#include "rop/text.h"
#include "shared.h"

#define SLOTS_LEAST 13 /* "10923-16383", and a title */
#define SLOTS_MOST 40  /* more ranges go on below, in their column */

struct table {
	const struct rop_report *r;
	const struct rop_situation *now;
	int address, slots, version;
	bool versions, ids;
	struct rop_text *out;
};

static void put_slots(const struct table *t, const char *slots, size_t column, size_t width)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_wrap(&text, slots, 0, width);
	for (const char *line = text.at; line;) { /* each range whole */
		size_t n = strcspn(line, "\n");
		rop_text_add(t->out, "%.*s", (int)n, line);
		line = line[n] ? line + n + 1 : NULL;
		if (line)
			rop_text_add(t->out, "\n%*s", (int)column, "");
	}
}

static bool is_fine(const char *health)
{
	return strcmp(health, "ok") == 0 || strcmp(health, "up") == 0;
}

/* Of one that is nobody any more only where it was: its id stands in the last column. */
static const char *where(const struct table *t, const struct rop_node *node)
{
	return node->ghost ? rop_strndup(t->r->arena, node->address, strcspn(node->address, " ")) : node->address;
}

static void put_narrow(const struct table *t, const struct rop_node *node, const char *slots)
{
	const char *health = report_link(node);
	rop_text_add(t->out, "  %-*s  %-7s  %s%s%s\n", t->address, where(t, node), report_role(node),
		     report_paint(t->r, is_fine(health) ? "green" : "red"), health, report_paint(t->r, "off"));
	if (!*slots)
		return;
	rop_text_add(t->out, "    slots ");
	put_slots(t, slots, 10, t->r->columns - 10);
	rop_text_add(t->out, "\n");
}

/* The first line of ranges stands before the last columns, the others below it. */
static void put_row(const struct table *t, int shard, const struct rop_node *node, const char *slots)
{
	const char *health = report_link(node), *more = NULL;
	ROP_OWN_TEXT ranges = { 0 };
	rop_text_wrap(&ranges, *slots ? slots : "-", 0, (size_t)t->slots);
	char *end = strchr(ranges.at, '\n');
	if (end) {
		*end = '\0';
		more = end + 1;
	}
	rop_text_add(t->out, "%5s  %-*s  %-7s  %s%-7s%s  ", shard ? rop_printf(t->r->arena, "%d", shard) : "-",
		     t->address, where(t, node), report_role(node),
		     report_paint(t->r, is_fine(health) ? "green" : "red"), health, report_paint(t->r, "off"));
	rop_text_add(t->out, t->versions || t->ids ? "%-*s" : "%.*s", t->versions || t->ids ? t->slots : 1000,
		     ranges.at);
	if (t->versions)
		rop_text_add(t->out, t->ids ? "  %-14s" : "  %s", node->flavour ? node->flavour : "-");
	if (t->ids)
		rop_text_add(t->out, "  %.8s", node->id[0] ? node->id : "-");
	rop_text_add(t->out, "\n");
	if (!more)
		return;
	size_t column = 5 + 2 + (size_t)t->address + 2 + 7 + 2 + 7 + 2;
	rop_text_add(t->out, "%*s", (int)column, "");
	put_slots(t, more, column, (size_t)t->slots);
	rop_text_add(t->out, "\n");
}

/* What tells least goes first. */
static bool choose_columns(struct table *t)
{
	size_t least = 5 + 2 + (size_t)t->address + 2 + 7 + 2 + 7 + 2;
	t->ids = report_fits(t->r, least + (size_t)t->slots + 2 + 14 + 2 + 8);
	t->versions = t->ids || report_fits(t->r, least + (size_t)t->slots + 2 + 14);
	while (t->slots > SLOTS_LEAST && !report_fits(t->r, least + (size_t)t->slots))
		t->slots--;
	return !report_is_narrow(t->r) && report_fits(t->r, least + (size_t)t->slots);
}

static void measure(struct table *t)
{
	const struct rop_observed *seen = t->now->seen;
	for (size_t i = 0; i < seen->n; i++) {
		int address = (int)strlen(where(t, &seen->nodes[i]));
		int slots = (int)strlen(rop_slots_text(t->r->arena, &seen->nodes[i].slots));
		if (address > t->address)
			t->address = address;
		if (slots > t->slots)
			t->slots = slots < SLOTS_MOST ? slots : SLOTS_MOST;
	}
}

void report_nodes(const struct rop_report *r, const struct rop_situation *now, struct rop_text *out)
{
	struct table t = { .r = r, .now = now, .address = 7, .slots = SLOTS_LEAST, .out = out };
	measure(&t);
	bool rows = choose_columns(&t);
	if (rows)
		rop_text_add(out, "%s%-5s  %-*s  %-7s  %-7s  %s", report_paint(r, "bold"), "shard", t.address, "node",
			     "role", "health", t.versions ? rop_printf(r->arena, "%-*s", t.slots, "slots") : "slots");
	if (rows && t.versions)
		rop_text_add(out, t.ids ? "  %-14s  id" : "  %s", "version");
	if (rows)
		rop_text_add(out, "%s\n", report_paint(r, "off"));
	for (int number = 0; number <= (int)now->layout.n; number++) {
		int shard = (number + 1) % ((int)now->layout.n + 1); /* those of no shard last */
		bool headed = false;
		for (int pass = 0; pass < 2; pass++) { /* primaries first */
			for (size_t i = 0; i < now->seen->n; i++) {
				const struct rop_node *node = &now->seen->nodes[i];
				if (report_shard_of(now, i) != shard || (node->role == ROP_ROLE_REPLICA) != (pass == 1))
					continue;
				const char *slots = rop_slots_text(r->arena, &node->slots);
				if (rows) {
					put_row(&t, shard, node, slots);
					continue;
				}
				if (!headed)
					rop_text_add(out, "%s%s%s\n", report_paint(r, "bold"),
						     shard ? rop_printf(r->arena, "shard %d", shard) : "of no shard",
						     report_paint(r, "off"));
				headed = true;
				put_narrow(&t, node, slots);
			}
		}
	}
}
