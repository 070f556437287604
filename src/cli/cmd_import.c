/* cmd_import.c - the topology file of a cluster that exists already. What the file could not say is refused, not left
 * out.
 *
 * The text is not trusted to be right because it was made with care: it is read back, a cluster formed anew from it is
 * laid out, and it is planned against the living nodes. Only a file that changes nothing is printed.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "import.h"
#include "rop/text.h"

#define AGREE_MS 10000 /* how long nodes may take to come to agree by themselves */
#define LOOK_AGAIN_MS 100
#define SHARDS_TOLD 6

/* ---- what stands in the way -------------------------------------------------------------------------------- */

typedef ROP_LIST(struct rop_finding) problem_list;

static void problem(struct import *im, problem_list *list, enum rop_code code, const char *text, const char *advice)
{
	*rop_push(im->cli->arena,
		  list) = (struct rop_finding){ .code = code, .node = -1, .text = text, .advice = advice };
}

/* Not permitted comes before not there: nobody can say more without it. */
static enum rop_code tell(const problem_list *list)
{
	ROP_OWN_TEXT text = { 0 };
	enum rop_code code = ROP_REFUSED;
	for (size_t i = 0; i < list->n; i++) {
		const struct rop_finding *p = &list->at[i];
		rop_text_add(&text, p->advice ? "%s\n  -> %s\n" : "%s\n", p->text, p->advice);
		if (p->code == ROP_DENIED || (p->code == ROP_UNREACHABLE && code != ROP_DENIED))
			code = p->code;
	}
	if (text.n)
		cli_findings(text.at);
	return code;
}

static void find_unreached(struct import *im, problem_list *list)
{
	for (size_t i = 0; i < im->seed.n; i++) {
		const struct rop_node *node = &im->seed.seen->nodes[i];
		const char *text = rop_printf(im->cli->arena, "%s: %s", node->address, node->reach_why);
		switch (node->reach) {
		case ROP_REACH_OK: break;
		case ROP_REACH_SILENT:
		case ROP_REACH_LOADING:
			problem(im, list, ROP_UNREACHABLE,
				rop_printf(im->cli->arena, "%s, a node of this cluster, does not answer: %s",
					   node->address, node->reach_why),
				rop_printf(im->cli->arena,
					   "start it, or run import where it can be reached; if it is gone for good, "
					   "on every node: redis-cli cluster forget %s",
					   node->id));
			break;
		case ROP_REACH_DENIED:
			problem(im, list, ROP_DENIED, text,
				"--user and --password-file say as whom to log in; all nodes need the same");
			break;
		case ROP_REACH_NOT_REDIS:
		case ROP_REACH_NOT_CLUSTER:
			problem(im, list, ROP_REFUSED, text,
				rop_printf(im->cli->arena,
					   "a node of the cluster is announced at this address: correct its "
					   "cluster-announce-ip and cluster-announce-port (asked: %s)",
					   im->seed.text));
			break;
		}
	}
}

static void find_strangers(struct import *im, problem_list *list)
{
	struct rop_arena *arena = im->cli->arena;
	const struct rop_observed *seen = im->seed.seen;
	for (size_t i = 0; i < seen->n; i++) {
		const char *id = im->seed.endpoints[i].expected_id;
		if (id && strcmp(seen->nodes[i].id, id) != 0)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "at %s another node answers (%s) than the one that %s knows there (%s)",
					   seen->nodes[i].address, seen->nodes[i].id, im->seed.text, id),
				"run import where the addresses that the nodes announce lead to them");
		if (seen->nodes[i].handshakes)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "%s is being introduced to %d node%s (handshake): who belongs to the "
					   "cluster is not settled",
					   seen->nodes[i].address, seen->nodes[i].handshakes,
					   seen->nodes[i].handshakes == 1 ? "" : "s"),
				"import again when that is over: it ends within the node timeout");
	}
	for (size_t i = 0; i < im->seed.nowhere.n; i++)
		problem(im, list, ROP_REFUSED,
			rop_printf(arena, "%s lists node %s without an address", im->seed.text, im->seed.nowhere.at[i]),
			rop_printf(arena, "if it is gone for good, on every node: redis-cli cluster forget %s",
				   im->seed.nowhere.at[i]));
	for (size_t f = 0; f < seen->foreign.n && !im->seed.nowhere.n; f++)
		problem(im, list, ROP_REFUSED,
			rop_printf(arena, "%s knows node %s at %s (%s), and %s does not",
				   seen->nodes[seen->foreign.at[f].viewer].address, seen->foreign.at[f].id,
				   seen->foreign.at[f].address, seen->foreign.at[f].flags, im->seed.text),
			rop_printf(arena,
				   "if it is gone for good, on every node: redis-cli cluster forget %s; else introduce "
				   "it to all (cluster meet)",
				   seen->foreign.at[f].id));
	if (seen->foreign_more && !im->seed.nowhere.n)
		problem(im, list, ROP_REFUSED,
			rop_printf(arena, "and there are more that %s does not know: %d more entries of CLUSTER NODES",
				   im->seed.text, seen->foreign_more),
			"correct the above first");
}

static bool owns(const struct import *im, size_t i)
{
	return rop_slots_first(&im->seed.seen->nodes[i].slots) < ROP_SLOTS;
}

static void find_odd_roles(struct import *im, problem_list *list)
{
	struct rop_arena *arena = im->cli->arena;
	for (size_t i = 0; i < im->seed.n; i++) {
		const struct rop_node *node = &im->seed.seen->nodes[i];
		if (node->role != ROP_ROLE_REPLICA && !owns(im, i))
			problem(im, list, ROP_REFUSED,
				rop_printf(arena,
					   "%s is a primary without slots: the file cannot say that, and apply would "
					   "make it a replica",
					   node->address),
				rop_printf(arena,
					   "give it slots (redis-cli --cluster rebalance --cluster-use-empty-masters), "
					   "a primary (cluster replicate), or remove it (redis-cli --cluster del-node "
					   "%s %s)",
					   im->seed.text, node->id));
		else if (node->role == ROP_ROLE_REPLICA && node->primary < 0)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena, "%s replicates %s, which is no node of this cluster", node->address,
					   node->primary_id),
				"give it another primary: cluster replicate");
		else if (node->role == ROP_ROLE_REPLICA && !owns(im, (size_t)node->primary))
			problem(im, list, ROP_REFUSED,
				rop_printf(arena, "%s replicates %s, which owns no slots: the file cannot say that",
					   node->address, im->seed.seen->nodes[node->primary].address),
				"give it another primary: cluster replicate");
		if (node->open_slots)
			problem(im, list, ROP_REFUSED,
				rop_printf(arena, "%s has %d open slot%s, migrating or importing: %.120s",
					   node->address, node->open_slots, node->open_slots == 1 ? "" : "s",
					   node->open_text),
				rop_printf(arena, "finish what somebody began: redis-cli --cluster fix %s",
					   im->seed.text));
	}
}

/* As long as nobody owns anything there is nothing to describe, whatever else is odd. */
static void find_wrong_shape(struct import *im, problem_list *list)
{
	struct rop_slots owned = { 0 };
	for (size_t i = 0; i < im->seed.n; i++)
		rop_slots_join(&owned, &im->seed.seen->nodes[i].slots);
	int missing = ROP_SLOTS - rop_slots_count(&owned);
	if (missing == ROP_SLOTS) {
		problem(im, list, ROP_REFUSED,
			im->seed.n == 1 ? rop_printf(im->cli->arena,
						     "%s is a node by itself, without slots and peers: there is no "
						     "cluster to describe",
						     im->seed.text)
					: rop_printf(im->cli->arena,
						     "%s and its %zu peers own no slots: there is no cluster to "
						     "describe yet",
						     im->seed.text, im->seed.n - 1),
			"to make one, list the servers in a topology file (examples/topologies) and apply it");
		return;
	}
	find_odd_roles(im, list);
	if (missing)
		problem(im, list, ROP_REFUSED,
			rop_printf(im->cli->arena, "%d of 16384 slots are owned by nobody", missing),
			rop_printf(im->cli->arena, "give them to somebody: redis-cli --cluster fix %s", im->seed.text));
}

/* ---- which address stands in the file ------------------------------------------------------------------------ */

static bool is_loopback(const char *ip)
{
	return strncmp(ip, "127.", 4) == 0 || strcmp(ip, "::1") == 0;
}

/* As the nodes announce themselves. Loopback in the seed's view is the seed's own machine: seen from here, its host. */
static void choose_addresses(struct import *im)
{
	struct rop_seed *seed = &im->seed;
	bool elsewhere = !is_loopback(seed->ip);
	size_t replaced = 0;
	if (*seed->announced.ip && !(elsewhere && is_loopback(seed->announced.ip))) {
		seed->endpoints[0] = seed->announced;
	} else {
		seed->endpoints[0].address = rop_address_join(im->cli->arena, seed->host, seed->port);
		replaced += *seed->announced.ip != '\0';
	}
	for (size_t i = 1; i < seed->n; i++) {
		struct rop_endpoint *peer = &seed->endpoints[i];
		if (!elsewhere || !is_loopback(peer->ip))
			continue;
		peer->ip = seed->ip;
		peer->address = rop_address_join(im->cli->arena, seed->host, peer->port);
		replaced++;
	}
	if (replaced)
		cli_tell(im->cli,
			 "warning: %zu node%s announce%s a loopback address, which leads nowhere from other machines; "
			 "the file says %s (set cluster-announce-ip)",
			 replaced, replaced == 1 ? "" : "s", replaced == 1 ? "s" : "", seed->host);
}

/* ---- shards, and the order of the file ------------------------------------------------------------------------ */

static int compare_numbers(const void *a, const void *b)
{
	const int *x = a, *y = b;
	return (x[0] > y[0]) - (x[0] < y[0]);
}

static void find_shards(struct import *im)
{
	struct rop_arena *arena = im->cli->arena;
	const struct rop_observed *seen = im->seed.seen;
	int(*owners)[2] = rop_alloc_n(arena, seen->n, sizeof *owners);
	for (size_t i = 0; i < seen->n; i++) {
		if (!owns(im, i))
			continue;
		owners[im->n_shards][0] = rop_slots_first(&seen->nodes[i].slots);
		owners[im->n_shards++][1] = (int)i;
	}
	qsort(owners, im->n_shards, sizeof *owners, compare_numbers);
	im->shards = rop_alloc_n(arena, im->n_shards, sizeof *im->shards);
	im->shard_of = rop_alloc_n(arena, seen->n, sizeof(int));
	for (size_t k = 0; k < im->n_shards; k++) {
		im->shards[k].primary = owners[k][1];
		im->shard_of[owners[k][1]] = (int)k;
	}
	for (size_t i = 0; i < seen->n; i++) {
		if (owns(im, i))
			continue;
		im->shard_of[i] = im->shard_of[seen->nodes[i].primary];
		im->shards[im->shard_of[i]].replicas++;
	}
	im->fewest = im->most = im->shards[0].replicas;
	for (size_t k = 1; k < im->n_shards; k++) {
		im->fewest = im->shards[k].replicas < im->fewest ? im->shards[k].replicas : im->fewest;
		im->most = im->shards[k].replicas > im->most ? im->shards[k].replicas : im->most;
	}
}

struct place {                  /* of a node in the file */
	int node, round, shard; /* round: 0 the primaries, 1 the first replica of each shard, 2 the second ... */
	const char *address;
};

static int compare_addresses(const void *a, const void *b)
{
	return strverscmp(((const struct place *)a)->address, ((const struct place *)b)->address);
}

static int compare_places(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	return x->round != y->round ? x->round - y->round : x->shard - y->shard;
}

/* The same whichever node was asked. */
static void find_order(struct import *im)
{
	struct place *places = rop_alloc_n(im->cli->arena, im->seed.n, sizeof *places);
	int *next = rop_alloc_n(im->cli->arena, im->n_shards, sizeof(int));
	im->order = rop_alloc_n(im->cli->arena, im->seed.n, sizeof(int));
	for (size_t i = 0; i < im->seed.n; i++)
		places[i] = (struct place){ .node = (int)i,
					    .shard = im->shard_of[i],
					    .address = im->seed.endpoints[i].address };
	qsort(places, im->seed.n, sizeof *places, compare_addresses);
	for (size_t i = 0; i < im->seed.n; i++)
		places[i].round = im->shards[places[i].shard].primary == places[i].node ? 0 : ++next[places[i].shard];
	qsort(places, im->seed.n, sizeof *places, compare_places);
	for (size_t i = 0; i < im->seed.n; i++)
		im->order[i] = places[i].node;
}

/* ---- is the text right? --------------------------------------------------------------------------------------- */

static bool read_back(struct import *im, const char *text, struct rop_topology **ret_topology, struct rop_err *err)
{
	struct rop_diags diags;
	struct rop_doc *doc;
	rop_diags_init(&diags, im->cli->arena);
	if (rop_doc_parse(im->cli->arena, "import", text, strlen(text), &diags, &doc) &&
	    rop_topology_from_doc(im->cli->arena, doc, &diags, ret_topology))
		return true;
	rop_diags_fail(&diags, err);
	const char *why = rop_strdup(im->cli->arena, err->text);
	return rop_fail(err, ROP_REFUSED, "a topology file cannot describe this cluster: %s", why);
}

/* What would a cluster formed anew from the file look like? */
static void lay_out_anew(struct import *im, const struct rop_topology *topology, struct rop_layout *ret_layout)
{
	struct rop_observed *blank = rop_observed_new(im->cli->arena, im->seed.n, NULL, 0);
	for (size_t line = 0; line < im->seed.n; line++) {
		blank->nodes[line].role = ROP_ROLE_PRIMARY;
		blank->nodes[line].address = im->seed.endpoints[im->order[line]].address;
	}
	rop_layout_make(im->cli->arena, topology, blank, NULL, 0, ret_layout);
}

static bool same_pairs(const struct import *im, const struct rop_layout *layout)
{
	for (size_t line = 0; line < im->seed.n; line++) {
		int node = im->order[line], primary = im->shards[im->shard_of[node]].primary,
		    then = layout->primary_of[line];
		if (then == -2 || layout->shard_of[line] != im->shard_of[node] ||
		    (then == -1 ? node : im->order[then]) != primary)
			return false;
	}
	return layout->n == im->n_shards;
}

static void note_slots(struct import *im, const struct rop_layout *layout)
{
	ROP_OWN_TEXT text = { 0 };
	size_t uneven = 0;
	for (size_t k = 0; k < im->n_shards; k++) {
		const struct rop_slots *now = &im->seed.seen->nodes[im->shards[k].primary].slots;
		if (memcmp(now, &layout->shards[k].add, sizeof *now) != 0 && uneven++ < SHARDS_TOLD)
			rop_text_add(&text, "%sshard %zu owns %d %sslots", text.n ? ", " : "", k + 1,
				     rop_slots_count(now),
				     rop_slots_count(now) == rop_slots_count(&layout->shards[k].add) ? "other " : "");
	}
	if (uneven > SHARDS_TOLD)
		rop_text_add(&text, ", and so on for %zu more", uneven - SHARDS_TOLD);
	im->even = !uneven;
	im->uneven = rop_strdup(im->cli->arena, uneven ? text.at : "");
}

/* By order alone if that gives the same pairs again, else each node says its shard. */
static bool write_text(struct import *im, const char **ret_text, struct rop_topology **ret_topology,
		       struct rop_err *err)
{
	struct rop_layout layout;
	im->even = true;
	for (int pinned = im->fewest != im->most; pinned < 2; pinned++) {
		im->pinned = pinned;
		if (!read_back(im, import_text(im), ret_topology, err))
			return false;
		lay_out_anew(im, *ret_topology, &layout);
		if (!same_pairs(im, &layout))
			continue;
		note_slots(im, &layout);
		*ret_text = import_text(im);
		return read_back(im, *ret_text, ret_topology, err);
	}
	return rop_fail(err, ROP_REFUSED,
			"no topology file leads to the same primaries and replicas as %s has: a cluster formed anew "
			"would be another one",
			im->seed.text);
}

static void wake(void *arg)
{
	rop_loop_stop(arg);
}

static void nap(struct session *s)
{
	struct rop_timer *timer = rop_timer_new(s->loop, wake, s->loop);
	rop_timer_start(timer, LOOK_AGAIN_MS);
	rop_loop_run(s->loop);
	rop_timer_free(timer);
}

/* As plan does it. What the nodes are about to settle by themselves is waited for, a little. */
static bool plan_it(struct session *s, struct rop_plan *ret_plan, struct rop_err *err)
{
	struct rop_reconcile_options options;
	int64_t until = rop_boot_ms() + AGREE_MS;
	bool told = false;
	if (!session_open_machine(s, err) || !session_open_nodes(s, err))
		return false;
	for (;; nap(s)) {
		if (!session_look(s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, err))
			return false;
		session_reconcile_options(s, &options);
		rop_plan_make(s->cli->arena, &options, s->seen, (struct rop_clock){ rop_wall_ms(), rop_boot_ms() },
			      ret_plan);
		bool settling = ret_plan->steps.n == 0 && ret_plan->result.reached &&
				!rop_situation_converged(ret_plan->first);
		if (!settling || rop_boot_ms() >= until)
			return true;
		if (!told)
			cli_tell(s->cli, "waiting up to %d s for what the nodes settle by themselves ...",
				 AGREE_MS / 1000);
		told = true;
	}
}

static void find_changes(struct import *im, struct rop_plan *plan, problem_list *list)
{
	struct rop_situation *now = rop_alloc(im->cli->arena, sizeof *now);
	*now = *plan->first;
	rop_situation_open(now);
	for (size_t i = 0; i < now->findings.n; i++)
		problem(im, list, now->findings.at[i].code, now->findings.at[i].text, now->findings.at[i].advice);
	for (size_t i = 0; i < now->open.n; i++)
		problem(im, list, ROP_REFUSED, now->open.at[i].text, now->open.at[i].advice);
	for (size_t i = 0; !list->n && i < plan->steps.n; i++)
		problem(im, list, ROP_REFUSED,
			rop_printf(im->cli->arena, "apply would still send to %s: %s",
				   now->seen->nodes[plan->steps.at[i].node].address, plan->steps.at[i].expect.command),
			NULL);
	problem(im, list, ROP_REFUSED,
		rop_printf(im->cli->arena, "%s: only a cluster that is whole and agrees can be described",
			   im->seed.text),
		rop_printf(im->cli->arena, "mend it (redis-operator check %s names everything), then import again",
			   im->seed.text));
}

/* ---- the command ---------------------------------------------------------------------------------------------- */

static void say_what_is_lost(const struct import *im)
{
	if (!im->even)
		cli_tell(im->cli,
			 "note: %s: the file keeps them as they are; a cluster formed anew from it would have equal "
			 "ranges",
			 im->uneven);
	if (im->fewest == im->most)
		return;
	ROP_OWN_TEXT text = { 0 };
	for (size_t k = 0; k < im->n_shards && k < SHARDS_TOLD; k++)
		rop_text_add(&text, "%sshard %zu has %d", k ? ", " : "", k + 1, im->shards[k].replicas);
	cli_tell(im->cli,
		 "note: the numbers of replicas differ (%s%s): the file says 'at least %d', and for each node its "
		 "shard",
		 text.at, im->n_shards > SHARDS_TOLD ? ", ..." : "", im->fewest);
}

static enum rop_code describe(struct import *im, struct session *s)
{
	struct rop_err err = { 0 };
	struct rop_plan plan;
	const char *text = NULL;
	problem_list changes = { 0 };
	find_shards(im);
	find_order(im);
	if (!write_text(im, &text, &s->topology, &err) || !plan_it(s, &plan, &err))
		return cli_fail(&err);
	if (plan.steps.n || !plan.result.reached || !rop_situation_converged(plan.first)) {
		find_changes(im, &plan, &changes);
		return tell(&changes);
	}
	say_what_is_lost(im);
	fputs(text, stdout);
	return ROP_OK;
}

/* Each stage alone: of a node that does not answer, nothing more can be said. */
static bool is_fit(struct import *im, enum rop_code *ret_code)
{
	static void (*const STAGES[])(struct import *, problem_list *) = { find_unreached, find_strangers,
									   find_wrong_shape };
	for (size_t i = 0; i < sizeof STAGES / sizeof *STAGES; i++) {
		problem_list list = { 0 };
		STAGES[i](im, &list);
		if (!list.n)
			continue;
		*ret_code = tell(&list);
		return false;
	}
	return true;
}

static bool name_is_fine(const char *name, struct rop_err *err)
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

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct import im = { .cli = cli };
	struct session s = { .cli = cli };
	enum rop_code code = ROP_OK;
	if (cli->values.output != CLI_TEXT) {
		rop_fail(&err, ROP_INVALID, "import prints a topology file, which is YAML: leave --output out");
		return cli_fail(&err);
	}
	if (!name_is_fine(cli->values.name, &err) ||
	    !rop_seed_open(&im.seed, cli->arena, argv[0], cli->values.user, cli->values.password_file, &err)) {
		code = cli_fail(&err);
	} else {
		im.name = cli->values.name ? cli->values.name : rop_printf(cli->arena, "cluster-%d", im.seed.port);
		choose_addresses(&im);
		im.settings = import_settings(cli->arena, &im.n_settings);
		rop_seed_look(&im.seed, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, im.settings, im.n_settings);
		if (is_fit(&im, &code))
			code = describe(&im, &s);
	}
	session_close(&s);
	rop_seed_close(&im.seed);
	return code;
}

static const struct cli_option OPTIONS[] = {
	{ "name", 0, CLI_STRING, "NAME", "the cluster's name (default: cluster-PORT)", CLI_VALUE(name) },
	CLI_SEED_OPTIONS,
	{ 0 },
};

const struct cli_command cli_import = {
	.name = "import",
	.operands = "HOST:PORT",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Print the topology file of a cluster that exists already",
	.about = "Asks every node that the one at HOST:PORT knows, and changes nothing. The file is printed only if "
		 "'plan' of it says\n"
		 "that there are no changes: a cluster that is not whole, or that the file could not describe, is "
		 "refused (exit 4).\n",
};
