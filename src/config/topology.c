/* topology.c - the topology file: read, checked, and put into the one form that its digest is made of. */
#include "rop/topology.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "documents.h"
#include "rop/text.h"
#include "walk.h"

#define STALL_DEFAULT_MS 5 /* as the table has it */

static int by_name(const void *a, const void *b)
{
	const struct rop_setting *const *p = a, *const *q = b;
	return strcmp((*p)->name, (*q)->name);
}

/* Sorted: their order in the file means nothing. */
static void put_settings(struct rop_arena *arena, const struct rop_topology *t, struct rop_text *out)
{
	const struct rop_setting **sorted = rop_alloc_n(arena, t->settings.n, sizeof *sorted);
	for (size_t i = 0; i < t->settings.n; i++)
		sorted[i] = &t->settings.at[i];
	if (t->settings.n > 0)
		qsort(sorted, t->settings.n, sizeof *sorted, by_name);
	for (size_t i = 0; i < t->settings.n; i++)
		rop_text_add(out, "spec.settings.%s=%s\n", sorted[i]->name, sorted[i]->value);
}

static int common_divisor(int a, int b)
{
	while (b) {
		int rest = a % b;
		a = b;
		b = rest;
	}
	return a;
}

/* Only where they are declared: what was before there were weights keeps its digest. Reduced, for { 1: 2, 2: 2, 3: 4 }
 * means what { 3: 2 } does. */
static void put_weights(const struct rop_topology *t, struct rop_text *out)
{
	int by = 0;
	for (int k = 0; t->weights && k < t->shards; k++)
		by = common_divisor(t->weights[k], by);
	for (int k = 0; t->weights && k < t->shards; k++)
		rop_text_add(out, "spec.shardWeights.%d=%d\n", k + 1, t->weights[k] / by);
}

/* By the host as declared, never by what it resolves to today. */
static void put_nodes(struct rop_arena *arena, const struct rop_topology *t, struct rop_text *out)
{
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct rop_declared_node *node = &t->nodes.at[i];
		const char *host = config_host_key(arena, node->host);
		rop_text_add(out, "spec.nodes[%zu].address=%s\n", i, rop_address_join(arena, host, node->port));
		rop_text_add(out, "spec.nodes[%zu].busPort=%d\n", i,
			     node->bus_port ? node->bus_port : node->port + ROP_BUS_OFFSET);
		rop_text_add(out, "spec.nodes[%zu].zone=%s\n", i, node->zone ? node->zone : "");
		rop_text_add(out, "spec.nodes[%zu].shard=%d\n", i, node->shard);
	}
}

/* Only what is not the default: what was declared before there was this keeps its digest. */
static void put_migration(const struct rop_topology *t, struct rop_text *out)
{
	const struct rop_declared_migration *m = &t->migration;
	if (m->fast)
		rop_text_add(out, "spec.migration.profile=fast\n");
	if (m->stall_ms != STALL_DEFAULT_MS)
		rop_text_add(out, "spec.migration.stall=%" PRId64 "ms\n", m->stall_ms);
	if (m->rate)
		rop_text_add(out, "spec.migration.rate=%d\n", m->rate);
	if (m->move_large)
		rop_text_add(out, "spec.migration.largeKeys=Move\n");
}

char *rop_topology_canonical(struct rop_arena *arena, const struct rop_topology *t)
{
	ROP_OWN_TEXT out = { 0 };
	rop_text_add(&out, "apiVersion=redis-operator/v1\nkind=RedisCluster\n");
	rop_text_add(&out, "metadata.name=%s\n", t->name);
	rop_text_add(&out, "spec.shards=%d\n", t->shards);
	rop_text_add(&out, "spec.replicasPerShard=%d\n", t->replicas_per_shard);
	put_weights(t, &out);
	rop_text_add(&out, "spec.discovery.dns=%s\n", t->discovery_dns ? config_host_key(arena, t->discovery_dns) : "");
	rop_text_add(&out, "spec.discovery.port=%d\n", t->discovery_port);
	if (!t->discovery_dns)
		put_nodes(arena, t, &out);
	rop_text_add(&out, "spec.auth.user=%s\n", t->auth_user ? t->auth_user : "");
	rop_text_add(&out, "spec.auth.passwordFile=%s\n", t->auth_password_file ? t->auth_password_file : "");
	if (t->auth_credential) /* only then: what was declared before there were credentials keeps its digest */
		rop_text_add(&out, "spec.auth.credential=%s\n", t->auth_credential);
	put_settings(arena, t, &out);
	rop_text_add(&out, "spec.intervals.observe=%" PRId64 "ms\n", t->interval_ms);
	rop_text_add(&out, "spec.intervals.connectTimeout=%" PRId64 "ms\n", t->connect_timeout_ms);
	rop_text_add(&out, "spec.intervals.commandTimeout=%" PRId64 "ms\n", t->command_timeout_ms);
	rop_text_add(&out, "spec.intervals.settle=%" PRId64 "ms\n", t->settle_ms);
	rop_text_add(&out, "spec.onTotalLoss=%s\n", t->reform_on_total_loss ? "Reform" : "Refuse");
	put_migration(t, &out);
	if (t->never_atomic)
		rop_text_add(&out, "spec.migration.atomic=Never\n");
	if (t->disruption.shards_at_once != 1)
		rop_text_add(&out, "spec.disruption.shardsAtOnce=%d\n", t->disruption.shards_at_once);
	if (t->disruption.keep_copies != 1)
		rop_text_add(&out, "spec.disruption.keepCopies=%d\n", t->disruption.keep_copies);
	if (t->repair_placement)
		rop_text_add(&out, "spec.placement.repair=Auto\n");
	if (t->keep_replica_migration) /* only then: as with the credential */
		rop_text_add(&out, "spec.replicaMigration=Keep\n");
	return rop_strdup(arena, out.at);
}

static void finish(struct rop_arena *arena, struct rop_topology *t)
{
	t->auth_password_file = config_beside(arena, t->path, t->auth_password_file);
	const char *canonical = rop_topology_canonical(arena, t);
	snprintf(t->digest, sizeof t->digest, "%016" PRIx64,
		 rop_digest(ROP_DIGEST_START, canonical, strlen(canonical)));
}

static bool check_root(const struct rop_doc *doc, struct rop_diags *diags)
{
	if (doc->root && config_is_broken(doc->root))
		return false;
	if (!doc->root)
		rop_diag_error(diags, doc, NULL, "begin with 'apiVersion: redis-operator/v1'", "the file is empty");
	else if (doc->root->type != ROP_DOC_MAP)
		rop_diag_error(diags, doc, doc->root, "begin with 'apiVersion: redis-operator/v1'",
			       "a topology file must be a map of keys, not a %s",
			       doc->root->type == ROP_DOC_LIST ? "list" : "single value");
	else
		return true;
	return false;
}

bool rop_topology_from_doc(struct rop_arena *arena, const struct rop_doc *doc, struct rop_diags *diags,
			   struct rop_topology **ret_topology)
{
	if (!check_root(doc, diags))
		return false;
	struct rop_topology *topology = rop_alloc(arena, sizeof *topology);
	topology->path = doc->path;
	struct config_walk walk = { .arena = arena, .doc = doc, .diags = diags, .topology = topology };
	config_walk(&walk);
	config_checks(&walk);
	if (diags->errors) /* also of the document itself: what an alias stands for was not read */
		return false;
	finish(arena, topology);
	*ret_topology = topology;
	return true;
}

bool rop_topology_load(struct rop_arena *arena, const char *path, struct rop_diags *diags,
		       struct rop_topology **ret_topology)
{
	struct rop_doc *doc;
	struct rop_topology *topology;
	if (!config_doc_load(arena, path, diags, &doc) || !rop_topology_from_doc(arena, doc, diags, &topology))
		return false;
	*ret_topology = topology;
	return true;
}
