/* cmd_restore.c - a backup into the empty cluster that a file declares, of any number of shards. */
#include <string.h>

#include "backing.h"
#include "rop/backup_report.h"
#include "rop/snapshots.h"

static const struct cli_option OPTIONS[] = {
	{ "dry-run", 0, CLI_FLAG, NULL, "read the backup and ask the servers, and give them nothing",
	  CLI_VALUE(dry_run) },
	{ 0 },
};

struct restoring {
	struct cli *cli;
	struct session *s;
	const char *folder;
	struct rop_backup backup;
	struct rop_situation *now;
	struct rop_restore_options options;
	struct rop_lock *lock;
};

/* ---- is it fit -------------------------------------------------------------------------------------------------- */

static bool is_formed(const struct restoring *r, const char *file, struct rop_err *err)
{
	return r->now->owner != NULL ||
	       rop_fail(err, ROP_REFUSED,
			"cluster %s is not formed yet\n  -> `redis-operator apply %s` forms it, "
			"then restore",
			r->s->topology->name, file);
}

static bool is_empty(const struct restoring *r, const struct rop_node *node, struct rop_err *err)
{
	if (node->keys == ROP_COUNT_UNKNOWN)
		return rop_fail(err, ROP_DENIED, "%s does not tell whether it holds keys%s%s", node->address,
				node->refused ? ": user may not " : "", node->refused ? node->refused : "");
	if (node->keys > 0)
		return rop_fail(err, ROP_REFUSED,
				"%s holds %lld keys already: a backup is restored into an empty cluster", node->address,
				(long long)node->keys);
	for (size_t i = 0; i < r->backup.shards.n; i++)
		if (r->backup.shards.at[i].functions > 0 && node->functions != 0)
			return rop_fail(err, ROP_REFUSED,
					"%s has function libraries already, and the backup has some too: a backup is "
					"restored into an empty cluster",
					node->address);
	return true;
}

static bool take_targets(struct restoring *r, struct rop_err *err)
{
	struct rop_snapshots shards;
	if (!rop_snapshots_choose(r->now, &shards, err))
		return false;
	struct rop_restore_target *targets = rop_alloc_n(r->cli->arena, shards.shards.n + 1, sizeof *targets);
	for (size_t i = 0; i < shards.shards.n; i++) {
		const struct rop_snapshot *shard = &shards.shards.at[i];
		const struct rop_snapshot_source *leads = &shard->sources.at[shard->sources.n - 1];
		int node = rop_observed_find(r->s->seen, leads->id);
		if (node < 0 || !is_empty(r, &r->s->seen->nodes[node], err))
			return false;
		targets[i] = (struct rop_restore_target){ .address = leads->address,
							  .ip = leads->ip,
							  .flavour = leads->flavour,
							  .port = leads->port,
							  .slots = shard->slots };
	}
	r->options.targets = targets;
	r->options.n_targets = shards.shards.n;
	return true;
}

static bool is_not_paused(const struct restoring *r, struct rop_err *err)
{
	return r->cli->values.dry_run || !rop_image_is_paused(&r->s->image, rop_wall_ms()) ||
	       rop_fail(err, ROP_REFUSED, "cluster %s is paused\n  -> `redis-operator resume %s`, then restore",
			r->s->topology->name, r->s->topology->name);
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static enum rop_code give(struct restoring *r)
{
	struct rop_err err = { 0 };
	struct rop_restore_result result;
	ROP_OWN_TEXT text = { 0 };
	struct backing backing = backing_begin(r->cli, rop_printf(r->cli->arena, "restore of %s", r->s->topology->name),
					       rop_backup_bytes(&r->backup));
	r->options.tell = backing_tell;
	r->options.arg = &backing;
	bool done = rop_backup_restore(r->cli->arena, r->folder, &r->backup, &r->options, &result, &err);
	backing_end(&backing);
	if (!done)
		return cli_fail(&err);
	if (r->cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_restore_json(r->folder, r->s->topology->name, &r->options, &result));
	else
		rop_report_restore(&r->backup, &r->options, &result, &text);
	cli_print_lines(&text);
	return ROP_OK;
}

static bool prepare(struct restoring *r, const char *file, struct rop_err *err)
{
	const struct rop_fleet_options *fleet = &r->s->fleet;
	if (!rop_backup_load(r->cli->arena, r->folder, &r->backup, err) ||
	    !session_open_topology(r->s, r->cli, file, err) ||
	    (!r->cli->values.dry_run &&
	     !rop_lock_take(cli_state_path(r->cli), r->s->topology->name, "restore", &r->lock, err)) ||
	    !session_open_machine(r->s, err) || !session_open_store(r->s, ROP_STORE_READ, err) ||
	    !session_open_nodes(r->s, err))
		return false;
	session_look(r->s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL);
	r->now = session_situation(r->s);
	r->options = (struct rop_restore_options){ .user = fleet->user,
						   .password = fleet->password,
						   .client_name = fleet->client_name,
						   .connect_timeout_ms = fleet->connect_timeout_ms,
						   .command_timeout_ms = fleet->command_timeout_ms,
						   .dry_run = r->cli->values.dry_run > 0 };
	return is_not_paused(r, err) && is_formed(r, file, err) && take_targets(r, err);
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct restoring r = { .cli = cli, .s = &s, .folder = argv[0] };
	enum rop_code code = prepare(&r, argv[1], &err) ? give(&r) : cli_fail(&err);
	session_close(&s);
	rop_lock_release(r.lock);
	return code;
}

const struct cli_command cli_restore = {
	.name = "restore",
	.operands = "BACKUP FILE|CLUSTER",
	.min_operands = 2,
	.max_operands = 2,
	.options = OPTIONS,
	.run = run,
	.summary = "Give a backup to an empty cluster of any number of shards",
	.about = "The cluster must be formed ('apply' does that) and hold no key. Each record goes, as it is, to the "
		 "primary that owns its slot now, with its expiry and how lately or often it was used; function "
		 "libraries go to every primary; what has expired since is passed over. Servers that cannot read this "
		 "RDB version are refused before anything is sent. In the end the keys of each slot are counted.\n"
		 "Interrupted, it leaves a part of the keys: empty the cluster, and restore again.\n",
};
