/* cmd_backup.c - snapshots of a cluster into a folder; those that are there: list, show, verify, prune, drill. */
#include <string.h>

#include "config.h"

#include "backing.h"
#include "backup_drill.h"
#include "rop/backup_report.h"
#include "rop/snapshots.h"
#include "sync_delay.h"

static const struct cli_option OPTIONS[] = {
	{ "to", 0, CLI_STRING, "FOLDER", "where the backup is made, in a folder of its own", CLI_VALUE(to) },
	{ "compress", 0, CLI_STRING, "zstd|none", "how snapshots are stored (default: zstd)", CLI_VALUE(compress) },
	{ "consistent", 0, CLI_FLAG, NULL, "all shards of one moment: clients' writes wait until all have begun",
	  CLI_VALUE(consistent) },
	{ "max-pause", 0, CLI_DURATION, "TIME", "for so long at most, else there is no backup (default: 500ms)",
	  CLI_VALUE(max_pause_ms) },
	{ "keep-last", 0, CLI_NUMBER, "N", "prune: keep the newest N of each cluster", CLI_VALUE(keep_last) },
	{ "keep-daily", 0, CLI_NUMBER, "N", "prune: keep the newest of each of N days (UTC)", CLI_VALUE(keep_daily) },
	{ "server", 0, CLI_STRING, "PROGRAM", "drill: servers to start (default: redis-server)", CLI_VALUE(server) },
	{ "dry-run", 0, CLI_FLAG, NULL, "prune: only say what would go", CLI_VALUE(dry_run) },
	{ 0 },
};

/* ---- those that are there --------------------------------------------------------------------------------------- */

static enum rop_code list(struct cli *cli, const char *folder)
{
	struct rop_err err = { 0 };
	struct rop_backup_list all;
	ROP_OWN_TEXT text = { 0 };
	if (!rop_backup_list(cli->arena, folder, &all, &err))
		return cli_fail(&err);
	if (cli->values.output != CLI_TEXT) {
		cli_print_json(rop_report_backups_json(folder, &all));
		return ROP_OK;
	}
	rop_report_backups(folder, &all, &text);
	cli_print_lines(&text);
	return ROP_OK;
}

static enum rop_code show(struct cli *cli, const char *folder)
{
	struct rop_err err = { 0 };
	struct rop_backup_entry entry;
	ROP_OWN_TEXT text = { 0 };
	if (!rop_backup_look(cli->arena, folder, &entry, &err))
		return cli_fail(&err);
	if (cli->values.output != CLI_TEXT) {
		cli_print_json(rop_report_backup_json(folder, &entry.backup, &entry));
		return ROP_OK;
	}
	rop_report_backup(folder, &entry.backup, &entry, &text);
	cli_print_lines(&text);
	return ROP_OK;
}

static enum rop_code verify(struct cli *cli, const char *folder)
{
	struct rop_err err = { 0 };
	struct rop_backup backup;
	struct rop_proofs proofs;
	ROP_OWN_TEXT text = { 0 };
	if (!rop_backup_load(cli->arena, folder, &backup, &err))
		return cli_fail(&err);
	struct backing backing = backing_begin(cli, "verify", rop_backup_bytes(&backup));
	bool done = rop_backup_verify(cli->arena, folder, &backup, backing_tell, &backing, &proofs, &err);
	backing_end(&backing);
	if (!done)
		return cli_fail(&err);
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_proofs_json(folder, &backup, &proofs));
	else
		rop_report_proofs(folder, &backup, &proofs, &text);
	cli_print_lines(&text);
	return proofs.bad ? ROP_FAIL : ROP_OK;
}

static enum rop_code prune(struct cli *cli, const char *folder)
{
	const struct cli_values *v = &cli->values;
	struct rop_err err = { 0 };
	struct rop_backup_list all;
	ROP_OWN_TEXT text = { 0 };
	if (!v->keep_last && !v->keep_daily) {
		rop_fail(&err, ROP_INVALID, "backup prune needs --keep-last N, --keep-daily N, or both");
		return cli_fail(&err);
	}
	if (!rop_backup_list(cli->arena, folder, &all, &err))
		return cli_fail(&err);
	bool *goes = rop_alloc_n(cli->arena, all.at.n + 1, sizeof *goes);
	rop_backup_prune_choose(&all, v->keep_last, v->keep_daily, goes);
	for (size_t i = 0; !v->dry_run && i < all.at.n; i++)
		if (goes[i] && !rop_backup_remove(&all.at.at[i], &err))
			return cli_fail(&err);
	if (v->output != CLI_TEXT)
		cli_print_json(rop_report_prune_json(folder, &all, goes, v->dry_run > 0));
	else
		rop_report_prune(&all, goes, v->dry_run > 0, &text);
	cli_print_lines(&text);
	return ROP_OK;
}

/* ---- taking one ------------------------------------------------------------------------------------------------- */

static bool choose(struct session *s, struct rop_snapshots *ret, struct rop_err *err)
{
	return rop_snapshots_choose(session_situation(s), ret, err);
}

/* What was seen before the snapshots began still holds. */
static bool confirm(void *arg, struct rop_err *err)
{
	struct backing *b = arg;
	struct rop_snapshots after;
	session_look(b->session, ROP_OBSERVE_SETTINGS);
	return choose(b->session, &after, err) && rop_snapshots_same(b->snapshots, &after, err);
}

static void print_made(struct cli *cli, const char *folder, const struct rop_backup *backup)
{
	ROP_OWN_TEXT text = { 0 };
	if (cli->values.output != CLI_TEXT) {
		cli_print_json(rop_report_backup_json(folder, backup, NULL));
		return;
	}
	rop_report_backup(folder, backup, NULL, &text);
	cli_print_lines(&text);
}

/* Servers that are waited for by writers begin at once. */
static bool take_it(struct session *s, const struct rop_backup_options *options, const struct rop_snapshots *snapshots,
		    struct rop_backup *ret_backup, const char **ret_folder, struct rop_err *err)
{
	struct sync_delays delays = { .session = s };
	struct rop_err left = { 0 };
	bool done = (!options->max_pause_ms || sync_delays_lower(s, snapshots, &delays, err)) &&
		    rop_backup_take(s->cli->arena, options, snapshots, ret_backup, ret_folder, err);
	if (!sync_delays_put_back(&delays, &left))
		cli_tell(s->cli, "%s", left.text);
	return done;
}

static enum rop_code take(struct cli *cli, struct session *s)
{
	struct rop_err err = { 0 };
	struct rop_snapshots snapshots;
	struct rop_backup backup;
	const char *folder;
	if (!choose(s, &snapshots, &err))
		return cli_fail(&err);
	struct backing backing = backing_begin(cli, rop_printf(cli->arena, "backup of %s", s->topology->name), -1);
	backing.session = s;
	backing.snapshots = &snapshots;
	struct rop_backup_options options = {
		.to = cli->values.to,
		.cluster = s->topology->name,
		.program = PACKAGE_NAME " " PACKAGE_VERSION,
		.topology = s->source,
		.topology_digest = s->topology->digest,
		.compress = !cli->values.compress || strcmp(cli->values.compress, "none") != 0,
		.max_pause_ms = max_pause_of(cli),
		.user = s->fleet.user,
		.password = s->fleet.password,
		.client_name = s->fleet.client_name,
		.connect_timeout_ms = s->fleet.connect_timeout_ms,
		.command_timeout_ms = s->fleet.command_timeout_ms,
		.tell = backing_tell,
		.confirm = confirm,
		.arg = &backing,
	};
	bool done = take_it(s, &options, &snapshots, &backup, &folder, &err);
	backing_end(&backing);
	if (!done) {
		rop_wrap(&err, "no backup was made");
		return cli_fail(&err);
	}
	print_made(cli, folder, &backup);
	return ROP_OK;
}

static bool options_fit(const struct cli *cli, struct rop_err *err)
{
	const char *compress = cli->values.compress;
	if (compress && strcmp(compress, "zstd") != 0 && strcmp(compress, "none") != 0)
		return rop_fail(err, ROP_INVALID, "--compress: '%s' is not zstd|none", compress);
	if (!max_pause_fits(cli, err))
		return false;
	return cli->values.to || rop_fail(err, ROP_INVALID, "backup needs --to FOLDER");
}

static enum rop_code back_up(struct cli *cli, const char *file)
{
	struct rop_err err = { 0 };
	struct session s = { 0 };
	struct rop_lock *lock = NULL;
	bool fine = options_fit(cli, &err) &&
		    (cli->values.consistent ? session_open_to_pause(&s, cli, file, "backup", &lock, &err)
					    : session_open_to_look(&s, cli, file, 0, &err));
	enum rop_code code = fine ? take(cli, &s) : cli_fail(&err);
	session_close(&s);
	rop_lock_release(lock);
	return code;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	static const struct {
		const char *name;
		enum rop_code (*run)(struct cli *cli, const char *folder);
	} DEEDS[] = {
		{ "list", list }, { "show", show }, { "verify", verify }, { "prune", prune }, { "drill", backup_drill }
	};
	struct rop_err err = { 0 };
	if (argc == 1)
		return back_up(cli, argv[0]);
	for (size_t i = 0; i < sizeof DEEDS / sizeof *DEEDS; i++)
		if (strcmp(argv[0], DEEDS[i].name) == 0)
			return DEEDS[i].run(cli, argv[1]);
	rop_fail(&err, ROP_INVALID, "backup: '%s' is none of list, show, verify, prune, drill", argv[0]);
	return cli_fail(&err);
}

const struct cli_command cli_backup = {
	.name = "backup",
	.operands = "FILE|CLUSTER|list|show|verify|prune|drill [FOLDER|BACKUP]",
	.min_operands = 1,
	.max_operands = 2,
	.options = OPTIONS,
	.run = run,
	.summary = "Snapshots of all shards into a folder; what is there: list, show, verify, prune, drill",
	.about = "FILE|CLUSTER --to FOLDER makes one. Each shard is streamed from its replica that is in sync and lags "
		 "least, else from its primary, all at "
		 "once, by the replication protocol: no server needs its disk. Nothing of the cluster is changed. Each "
		 "record is checked as it comes; the manifest is written last, and a folder without one is no backup. "
		 "Servers begin after their repl-diskless-sync-delay (5 s by default). Each shard is as it was at a "
		 "moment of its own; show says how far they are apart. --consistent makes it one.\n"
		 "  list FOLDER    the backups in it, the newest first, and what is none\n"
		 "  show BACKUP    what its manifest says\n"
		 "  verify BACKUP  reads every record: digests, checksums, counts, and whose slot each key is of\n"
		 "  prune FOLDER   removes what neither --keep-last nor --keep-daily keeps; never the newest verified "
		 "one\n"
		 "  drill BACKUP   restores it into servers started on this host, and compares each key with what they "
		 "read by themselves\n",
};
