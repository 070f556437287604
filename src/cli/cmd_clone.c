/* cmd_clone.c - one cluster's keys into another, empty one of any number of shards; nothing on a disk. */
#include <string.h>

#include "backing.h"
#include "rop/backup_report.h"
#include "rop/snapshots.h"
#include "sync_delay.h"
#include "targets.h"

static const struct cli_option OPTIONS[] = {
	{ "consistent", 0, CLI_FLAG, NULL, "all shards of one moment: clients' writes wait until all have begun",
	  CLI_VALUE(consistent) },
	{ "max-pause", 0, CLI_DURATION, "TIME", "for so long at most, else nothing is cloned (default: 500ms)",
	  CLI_VALUE(max_pause_ms) },
	{ 0 },
};

struct cloning {
	struct cli *cli;
	struct session from, to;
	struct rop_lock *from_lock, *to_lock;
	struct rop_snapshots snapshots;
	struct targets targets;
};

static bool is_empty(void *arg, const struct rop_node *node, struct rop_err *err)
{
	(void)arg;
	if (!targets_tells_keys(node, err))
		return false;
	if (node->keys > 0)
		return rop_fail(err, ROP_REFUSED, "%s holds %lld keys already: a clone goes into an empty cluster",
				node->address, (long long)node->keys);
	return node->functions == 0 ||
	       rop_fail(err, ROP_REFUSED, "%s has function libraries already: a clone goes into an empty cluster",
			node->address);
}

static bool open_source(struct cloning *c, const char *file, struct rop_err *err)
{
	bool fine = c->cli->values.consistent
			    ? session_open_to_pause(&c->from, c->cli, file, "clone", &c->from_lock, err)
			    : session_open_to_look(&c->from, c->cli, file, 0, err);
	return fine && rop_snapshots_choose(session_situation(&c->from), &c->snapshots, err);
}

static bool open_target(struct cloning *c, const char *file, struct rop_err *err)
{
	struct session *s = &c->to;
	if (!session_open_topology(s, c->cli, file, err))
		return false;
	if (strcmp(s->topology->name, c->from.topology->name) == 0)
		return rop_fail(err, ROP_INVALID, "both files are of cluster %s", s->topology->name);
	if (!rop_lock_take(cli_state_path(c->cli), s->topology->name, "clone", &c->to_lock, err) ||
	    !session_open_machine(s, err) || !session_open_store(s, ROP_STORE_READ, err) || !session_open_nodes(s, err))
		return false;
	session_look(s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL);
	return targets_not_paused(s, "clone", err) &&
	       targets_choose(s, session_situation(s), file, "clone", is_empty, NULL, &c->targets, err);
}

static bool same_source(struct cloning *c, struct rop_err *err)
{
	struct rop_snapshots after;
	session_look(&c->from, ROP_OBSERVE_SETTINGS);
	return rop_snapshots_choose(session_situation(&c->from), &after, err) &&
	       rop_snapshots_same(&c->snapshots, &after, err);
}

static bool pour(struct cloning *c, struct rop_clone_result *ret, struct rop_err *err)
{
	const struct rop_fleet_options *source = &c->from.fleet, *target = &c->to.fleet;
	struct backing backing = backing_begin(c->cli, rop_printf(c->cli->arena, "clone of %s", c->from.topology->name),
					       -1);
	const struct rop_backup_options from = { .user = source->user,
						 .password = source->password,
						 .client_name = source->client_name,
						 .connect_timeout_ms = source->connect_timeout_ms,
						 .command_timeout_ms = source->command_timeout_ms,
						 .max_pause_ms = max_pause_of(c->cli) };
	const struct rop_restore_options to = { .targets = c->targets.at,
						.n_targets = c->targets.n,
						.user = target->user,
						.password = target->password,
						.client_name = target->client_name,
						.connect_timeout_ms = target->connect_timeout_ms,
						.command_timeout_ms = target->command_timeout_ms,
						.tell = backing_tell,
						.arg = &backing };
	struct sync_delays delays = { .session = &c->from };
	struct rop_err left = { 0 };
	bool fine = (!from.max_pause_ms || sync_delays_lower(&c->from, &c->snapshots, &delays, err)) &&
		    rop_backup_clone(c->cli->arena, &from, &c->snapshots, &to, ret, err);
	backing_end(&backing);
	if (!sync_delays_put_back(&delays, &left))
		cli_tell(c->cli, "%s", left.text);
	return fine && same_source(c, err);
}

static enum rop_code give(struct cloning *c)
{
	struct rop_err err = { 0 };
	struct rop_clone_result result;
	const struct rop_clone_names names = { .from = c->from.topology->name, .to = c->to.topology->name };
	ROP_OWN_TEXT text = { 0 };
	if (!pour(c, &result, &err)) {
		rop_wrap(&err, "%s is no clone of %s", names.to, names.from);
		return cli_fail(&err);
	}
	if (c->cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_clone_json(&names, c->targets.at, c->targets.n, &result));
	else
		rop_report_clone(&names, c->targets.at, c->targets.n, &result, &text);
	cli_print_lines(&text);
	return ROP_OK;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct cloning c = { .cli = cli };
	bool fine = max_pause_fits(cli, &err) && open_source(&c, argv[0], &err) && open_target(&c, argv[1], &err);
	enum rop_code code = fine ? give(&c) : cli_fail(&err);
	session_close(&c.to);
	session_close(&c.from);
	rop_lock_release(c.to_lock);
	rop_lock_release(c.from_lock);
	return code;
}

const struct cli_command cli_clone = {
	.name = "clone",
	.operands = "SOURCE TARGET",
	.min_operands = 2,
	.max_operands = 2,
	.options = OPTIONS,
	.run = run,
	.summary = "Give one cluster's keys to another, empty one of any number of shards",
	.about =
		"SOURCE and TARGET are files or names of clusters. As backup and restore, with nothing on a disk: "
		"each shard is streamed from its best replica, and each record goes on, as it is, to the primary of "
		"TARGET that owns its slot. TARGET must be formed, and hold no key and no function library. In the end "
		"the keys of each slot are counted, and SOURCE is looked at again. What is written to SOURCE meanwhile "
		"does not come along. Interrupted, it leaves a part of the keys: empty TARGET, and clone again.\n",
};
