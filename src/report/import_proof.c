/* import_proof.c - the text is not trusted to be right because it was made with care: it is read back, and a cluster
 * formed anew from it is laid out. */
#include <string.h>

#include "import_text.h"
#include "rop/doc.h"
#include "rop/text.h"

#define SHARDS_TOLD 6

static bool read_back(struct rop_import *im, const char *text, struct rop_topology **ret_topology, struct rop_err *err)
{
	struct rop_diags diags;
	struct rop_doc *doc;
	rop_diags_init(&diags, im->arena);
	if (rop_doc_parse(im->arena, "import", text, strlen(text), &diags, &doc) &&
	    rop_topology_from_doc(im->arena, doc, &diags, ret_topology))
		return true;
	rop_diags_fail(&diags, err);
	const char *why = rop_strdup(im->arena, err->text);
	return rop_fail(err, ROP_REFUSED, "a topology file cannot describe this cluster: %s", why);
}

/* What would a cluster formed anew from the file look like? */
static void lay_out_anew(struct rop_import *im, const struct rop_topology *topology, struct rop_layout *ret_layout)
{
	struct rop_observed *blank = rop_observed_new(im->arena, im->seed->n, NULL, 0);
	for (size_t line = 0; line < im->seed->n; line++) {
		blank->nodes[line].role = ROP_ROLE_PRIMARY;
		blank->nodes[line].address = im->seed->endpoints[im->shape.order[line]].address;
	}
	rop_layout_make(im->arena, topology, blank, NULL, 0, NULL, ret_layout);
}

static bool same_pairs(const struct rop_import *im, const struct rop_layout *layout)
{
	for (size_t line = 0; line < im->seed->n; line++) {
		int node = im->shape.order[line], primary = im->shape.shards[im->shape.shard_of[node]].primary,
		    then = layout->primary_of[line];
		if (then == ROP_NO_PLACE || layout->shard_of[line] != im->shape.shard_of[node] ||
		    (then == ROP_LEADS ? node : im->shape.order[then]) != primary)
			return false;
	}
	return layout->n == im->shape.n_shards;
}

static void note_slots(struct rop_import *im, const struct rop_layout *layout)
{
	ROP_OWN_TEXT text = { 0 };
	size_t uneven = 0;
	for (size_t k = 0; k < im->shape.n_shards; k++) {
		const struct rop_slots *now = &im->seed->seen->nodes[im->shape.shards[k].primary].slots;
		if (memcmp(now, &layout->shards[k].add, sizeof *now) != 0 && uneven++ < SHARDS_TOLD)
			rop_text_add(&text, "%sshard %zu owns %d %sslots", text.n ? ", " : "", k + 1,
				     rop_slots_count(now),
				     rop_slots_count(now) == rop_slots_count(&layout->shards[k].add) ? "other " : "");
	}
	if (uneven > SHARDS_TOLD)
		rop_text_add(&text, ", and so on for %zu more", uneven - SHARDS_TOLD);
	im->even = !uneven;
	im->uneven = rop_strdup(im->arena, uneven ? text.at : "");
}

bool rop_import_write(struct rop_import *im, const char **ret_text, struct rop_topology **ret_topology,
		      struct rop_err *err)
{
	struct rop_layout layout;
	im->even = true;
	for (int pinned = im->shape.fewest != im->shape.most; pinned < 2; pinned++) {
		im->pinned = pinned;
		if (!read_back(im, report_import_text(im), ret_topology, err))
			return false;
		lay_out_anew(im, *ret_topology, &layout);
		if (!same_pairs(im, &layout))
			continue;
		note_slots(im, &layout);
		*ret_text = report_import_text(im);
		return read_back(im, *ret_text, ret_topology, err);
	}
	return rop_fail(err, ROP_REFUSED,
			"no topology file leads to the same primaries and replicas as %s has: a cluster formed anew "
			"would be another one",
			im->seed->text);
}

void rop_import_notes(const struct rop_import *im, struct rop_text *out)
{
	if (!im->even)
		rop_text_add(out,
			     "note: %s: the file keeps them as they are; a cluster formed anew from it would have "
			     "equal ranges\n",
			     im->uneven);
	if (im->shape.fewest == im->shape.most)
		return;
	ROP_OWN_TEXT text = { 0 };
	for (size_t k = 0; k < im->shape.n_shards && k < SHARDS_TOLD; k++)
		rop_text_add(&text, "%sshard %zu has %d", k ? ", " : "", k + 1, im->shape.shards[k].replicas);
	rop_text_add(out,
		     "note: the numbers of replicas differ (%s%s): the file says 'at least %d', and for each node its "
		     "shard\n",
		     text.at, im->shape.n_shards > SHARDS_TOLD ? ", ..." : "", im->shape.fewest);
}

void rop_import_addresses(const struct rop_seed *seed, size_t replaced, struct rop_text *out)
{
	if (replaced)
		rop_text_add(
			out,
			"warning: %zu node%s announce%s a loopback address, which leads nowhere from other machines; "
			"the file says %s (set cluster-announce-ip)\n",
			replaced, rop_plural((int64_t)replaced), replaced == 1 ? "s" : "", seed->host);
}

bool rop_import_name_is_fine(const char *name, struct rop_err *err)
{
	size_t n = name ? strlen(name) : 0;
	if (!name)
		return true;
	if (n <= 63 && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && name[0] != '-' &&
	    name[n - 1] != '-')
		return true;
	return rop_fail(err, ROP_INVALID,
			"--name: '%s' is not a cluster's name: lower-case letters, digits and '-', with a letter or "
			"digit at both ends, at most 63",
			name);
}
