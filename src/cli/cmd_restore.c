/* cmd_restore.c - a backup into the empty cluster that a file declares, of any number of shards.
 *
 * Before the first key is given that is written down beside the database, until the last one is counted. So whoever
 * restores the same backup into the same members again goes on: there are keys, and each must be the backup's. Where a
 * primary is lost on the way it is gone on with in the same run, when another one leads.
 */
#include <string.h>

#include "backing.h"
#include "rop/backup_report.h"
#include "rop/host.h"
#include "rop/look.h"
#include "rop/snapshots.h"
#include "rop/text.h"
#include "targets.h"

#define LOSSES_MOST 5     /* of primaries, in one run */
#define PATIENCE_MS 60000 /* until another one leads */
#define LOOK_AGAIN_MS 500
#define LOOKS (ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_MEMORY)

static const struct cli_option OPTIONS[] = {
	{ "dry-run", 0, CLI_FLAG, NULL, "read the backup and ask the servers, and give them nothing",
	  CLI_VALUE(dry_run) },
	{ 0 },
};

struct restoring {
	struct cli *cli;
	struct session *s;
	const char *folder, *file;
	struct rop_backup backup;
	struct rop_situation *now;
	struct rop_restore_options options;
	struct targets targets;
	struct rop_lock *lock;
	char identity[ROP_SHA256_SIZE]; /* of the backup */
	struct rop_restore_mark mark;   /* of a restore that was begun and is not over */
	bool begun;                     /* keys may be there that are the backup's */
};

/* ---- is it fit -------------------------------------------------------------------------------------------------- */

/* Of another backup, or keys that are there without any: a client's. */
static bool is_not_empty(const struct restoring *r, const struct rop_node *node, struct rop_err *err)
{
	const struct rop_restore_mark *mark = &r->mark;
	if (!mark->backup[0])
		return rop_fail(err, ROP_REFUSED,
				"%s holds %lld keys already: a backup is restored into an empty cluster", node->address,
				(long long)node->keys);
	if (strcmp(mark->backup, r->identity) != 0)
		return rop_fail(err, ROP_REFUSED,
				"%s holds %lld keys: the restore of another backup, begun %s, is not over\n  -> "
				"`redis-operator restore %s %s` goes on with it; or empty the cluster",
				node->address, (long long)node->keys, rop_backup_when(r->cli->arena, mark->begun_ms),
				mark->folder, r->s->topology->name);
	return rop_fail(err, ROP_REFUSED,
			"%s holds %lld keys already, and was no member when the restore of this backup was begun (%s): "
			"whose they are is not known",
			node->address, (long long)node->keys, rop_backup_when(r->cli->arena, mark->begun_ms));
}

static bool is_of_mark(const struct restoring *r, const struct rop_node *node)
{
	for (size_t i = 0; i < r->mark.nodes.n; i++)
		if (strcmp(r->mark.nodes.at[i], node->id) == 0)
			return strcmp(r->mark.backup, r->identity) == 0;
	return false;
}

static bool is_empty(const struct restoring *r, const struct rop_node *node, struct rop_err *err)
{
	if (!targets_tells_keys(node, err))
		return false;
	if (is_of_mark(r, node))
		return true;
	if (node->keys > 0)
		return is_not_empty(r, node, err);
	for (size_t i = 0; i < r->backup.shards.n; i++)
		if (r->backup.shards.at[i].functions > 0 && node->functions != 0)
			return rop_fail(err, ROP_REFUSED,
					"%s has function libraries already, and the backup has some too: a backup is "
					"restored into an empty cluster",
					node->address);
	return true;
}

/* What comes to it, if keys are spread evenly over slots; in memory they take more than in a snapshot. */
static bool has_room(const struct restoring *r, const struct rop_node *node, struct rop_err *err)
{
	double bytes = 0;
	struct rop_slots slots;
	for (size_t i = 0; i < r->backup.shards.n; i++) {
		const struct rop_backup_shard *shard = &r->backup.shards.at[i];
		if (rop_slots_parse(shard->slots, &slots) && !rop_slots_empty(&slots))
			bytes += (double)shard->bytes * rop_slots_common(&slots, &node->slots) /
				 rop_slots_count(&slots);
	}
	if (node->max_memory <= 0 || node->used_memory < 0 || is_of_mark(r, node) ||
	    (double)node->used_memory + bytes <= (double)node->max_memory)
		return true;
	return rop_fail(err, ROP_REFUSED,
			"%s would get at least %s and uses %s, and its maxmemory is %s: it would %s\n  -> raise its "
			"maxmemory where its host has the memory, or declare more shards",
			node->address, rop_bytes_about(r->cli->arena, (int64_t)bytes),
			rop_bytes_about(r->cli->arena, node->used_memory),
			rop_bytes_about(r->cli->arena, node->max_memory),
			node->evicts ? "delete keys to make room (maxmemory-policy)" : "refuse them");
}

static bool fits(void *arg, const struct rop_node *node, struct rop_err *err)
{
	struct restoring *r = arg;
	if (!is_empty(r, node, err) || !has_room(r, node, err))
		return false;
	r->options.resumes |= is_of_mark(r, node);
	return true;
}

static bool take_targets(struct restoring *r, struct rop_err *err)
{
	if (!targets_choose(r->s, r->now, r->file, "restore", fits, r, &r->targets, err))
		return false;
	r->options.targets = r->targets.at;
	r->options.n_targets = r->targets.n;
	return true;
}

/* ---- begun, and lost on the way ---------------------------------------------------------------------------------- */

struct giving { /* what the callbacks are told */
	struct backing backing;
	struct restoring *r;
};

static void tell(void *arg, const struct rop_backup_progress *shards, size_t n)
{
	backing_tell(&((struct giving *)arg)->backing, shards, n);
}

static bool begin(void *arg, struct rop_err *err)
{
	struct restoring *r = ((struct giving *)arg)->r;
	struct rop_restore_mark mark = { .folder = rop_full_path(r->cli->arena, r->folder), .begun_ms = rop_wall_ms() };
	if (!r->options.resumes) {
		memcpy(mark.backup, r->identity, sizeof mark.backup);
		for (size_t i = 0; i < r->s->seen->n; i++)
			if (r->s->seen->nodes[i].id[0])
				*rop_push(r->cli->arena, &mark.nodes) = rop_strdup(r->cli->arena,
										   r->s->seen->nodes[i].id);
		if (!rop_restore_mark_write(cli_state_path(r->cli), r->s->topology->name, &mark, err))
			return false;
		r->mark = mark;
	}
	r->begun = true;
	return true;
}

/* A target that answers, or has a replica that does. */
static bool can_be_led(const struct restoring *r, const char *id)
{
	for (size_t i = 0; i < r->s->seen->n; i++) {
		const struct rop_node *node = &r->s->seen->nodes[i];
		if (rop_answers(r->s->seen, i) && (strcmp(node->id, id) == 0 || strcmp(node->primary_id, id) == 0))
			return true;
	}
	return false;
}

/* Until the slots are all led again: by those who did, or by their replicas. */
static bool wait_for_leaders(struct restoring *r)
{
	for (int64_t until = rop_boot_ms() + PATIENCE_MS; rop_boot_ms() < until;) {
		struct rop_err err = { 0 };
		rop_look_wait(r->s->loop, LOOK_AGAIN_MS);
		session_look(r->s, LOOKS);
		r->now = session_situation(r->s);
		if (take_targets(r, &err))
			return true;
		for (size_t i = 0; i < r->options.n_targets; i++)
			if (!can_be_led(r, r->targets.ids[i]))
				return false;
	}
	return false;
}

static bool give_all(struct restoring *r, struct rop_restore_result *result, struct rop_err *err)
{
	for (int losses = 0;; losses++) {
		struct giving giving = { .r = r };
		giving.backing = backing_begin(r->cli, rop_printf(r->cli->arena, "restore of %s", r->s->topology->name),
					       rop_backup_bytes(&r->backup));
		r->options.tell = tell;
		r->options.begin = begin;
		r->options.arg = &giving;
		bool done = rop_backup_restore(r->cli->arena, r->folder, &r->backup, &r->options, result, err);
		backing_end(&giving.backing);
		if (done || !r->begun || err->code != ROP_UNREACHABLE || losses == LOSSES_MOST)
			return done;
		cli_tell(r->cli, "%s: %s; waiting for a primary to go on with", r->s->topology->name, err->text);
		if (!wait_for_leaders(r))
			return false;
	}
}

/* ---- the command ------------------------------------------------------------------------------------------------ */

static enum rop_code give(struct restoring *r)
{
	struct rop_err err = { 0 };
	struct rop_restore_result result;
	ROP_OWN_TEXT text = { 0 };
	if (r->options.resumes)
		cli_tell(r->cli, "%s: going on with the restore that was begun %s", r->s->topology->name,
			 rop_backup_when(r->cli->arena, r->mark.begun_ms));
	bool done = give_all(r, &result, &err) &&
		    (r->options.dry_run || rop_restore_mark_remove(cli_state_path(r->cli), r->s->topology->name, &err));
	if (!done && r->begun)
		rop_wrap(&err, "a part of the backup was given (`redis-operator restore %s %s` goes on with it)",
			 r->folder, r->s->topology->name);
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
	rop_backup_identity(&r->backup, r->identity);
	if (!rop_restore_mark_read(r->cli->arena, cli_state_path(r->cli), r->s->topology->name, &r->mark, err))
		return false;
	session_look(r->s, LOOKS);
	r->now = session_situation(r->s);
	r->options = (struct rop_restore_options){ .user = fleet->user,
						   .password = fleet->password,
						   .client_name = fleet->client_name,
						   .connect_timeout_ms = fleet->connect_timeout_ms,
						   .command_timeout_ms = fleet->command_timeout_ms,
						   .dry_run = r->cli->values.dry_run > 0 };
	return (r->cli->values.dry_run || targets_not_paused(r->s, "restore", err)) && take_targets(r, err);
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct restoring r = { .cli = cli, .s = &s, .folder = argv[0], .file = argv[1] };
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
		 "RDB version, or have no room, are refused before anything is sent. In the end the keys of each slot "
		 "are counted.\n"
		 "Interrupted, it leaves a part of the keys: the same command again goes on. What is there by then "
		 "must be as in the backup; no key is written over. Where a primary fails and a replica leads instead, "
		 "it goes on by itself.\n",
};
