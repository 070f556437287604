/* backup_drill.c - a backup is restored here and now, into servers of this host that nobody else reaches, and compared
 * with what servers read of it by themselves; then they go.
 *
 * For each shard two servers: one loads its snapshot, one is given it by `restore`. They are children, which the kernel
 * kills when we die; what is left in the temporary folder then, the next drill removes.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "backing.h"
#include "backup_drill.h"
#include "rop/backup_report.h"
#include "rop/host.h"
#include "rop/io.h"
#include "rop/talk.h"
#include "rop/text.h"

#define BEGIN_MS 20000 /* until a server takes connections; how long it loads is not limited */
#define POLL_MS 20
#define TIMEOUT_MS 30000
#define HOST "127.0.0.1"

struct server {
	struct rop_child child;
	int port;
	const char *address;
};

struct drill {
	struct cli *cli;
	const char *folder;
	struct rop_backup backup;
	const char *program, *scratch, *flavour;
	char password[33];
	struct server *loads, *given; /* [shard] */
	struct rop_restore_target *loaders, *targets;
};

/* ---- told to stop ----------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t told_to_stop;

static void take_signal(int signal)
{
	told_to_stop = signal;
}

static void take_signals(void (*handler)(int))
{
	static const int SIGNALS[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = handler };
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < sizeof SIGNALS / sizeof *SIGNALS; i++)
		sigaction(SIGNALS[i], &action, NULL);
}

static bool goes_on(struct rop_err *err)
{
	return !told_to_stop || rop_fail(err, ROP_FAIL, told_to_stop == SIGINT ? "interrupted" : "told to stop");
}

/* ---- servers ---------------------------------------------------------------------------------------------------- */

static bool start(struct drill *d, struct server *server, const char *kind, size_t i, bool clustered,
		  struct rop_err *err)
{
	ROP_OWN_TEXT conf = { 0 };
	const char *folder = rop_printf(d->cli->arena, "%s/%s-%d", d->scratch, kind, d->backup.shards.at[i].number);
	server->address = rop_printf(d->cli->arena, HOST ":%d", server->port);
	rop_text_add(&conf,
		     "bind " HOST "\nport %d\ndaemonize no\nrequirepass %s\nenable-debug-command local\nsave \"\"\n"
		     "appendonly no\ndbfilename dump.rdb\ncluster-enabled %s\n%s",
		     server->port, d->password, clustered ? "yes" : "no",
		     clustered ? "cluster-config-file nodes.conf\ncluster-require-full-coverage no\n" : "");
	return rop_child_start(d->cli->arena, d->program, folder, conf.at, &server->child, err);
}

static bool start_loader(struct drill *d, size_t i, struct rop_err *err)
{
	const struct rop_backup_shard *shard = &d->backup.shards.at[i];
	char *folder = rop_printf(d->cli->arena, "%s/loads-%d", d->scratch, shard->number);
	return (rop_make_folders(folder) || rop_fail(err, ROP_FAIL, "cannot make the folder %s", folder)) &&
	       rop_backup_unpack(d->folder, shard, rop_printf(d->cli->arena, "%s/dump.rdb", folder), err) &&
	       start(d, &d->loads[i], "loads", i, false, err);
}

static bool open_talk(const struct drill *d, const struct server *server, struct rop_talk **ret, struct rop_err *err)
{
	const struct rop_talk_options options = { .address = server->address,
						  .ip = HOST,
						  .port = server->port,
						  .password = d->password,
						  .connect_timeout_ms = TIMEOUT_MS,
						  .timeout_ms = TIMEOUT_MS,
						  .stop_fd = -1 };
	return rop_talk_open(&options, ret, err);
}

static bool died(struct drill *d, const struct server *server, struct rop_err *err)
{
	return rop_fail(err, ROP_FAIL, "%s does not run: %s", d->program,
			rop_child_last_words(d->cli->arena, &server->child));
}

static void nap(void)
{
	nanosleep(&(struct timespec){ .tv_nsec = POLL_MS * 1000000L }, NULL);
}

static bool connect_to(struct drill *d, struct server *server, struct rop_talk **ret, struct rop_err *err)
{
	for (int64_t until = rop_boot_ms() + BEGIN_MS;; nap()) {
		struct rop_err why = { 0 };
		if (!goes_on(err))
			return false;
		if (!rop_child_runs(&server->child))
			return died(d, server, err);
		if (open_talk(d, server, ret, &why))
			return true;
		if (rop_boot_ms() > until)
			return rop_fail(err, ROP_FAIL, "%s", why.text);
	}
}

/* Loaded, or in the state that takes keys. */
static bool wait_until(struct drill *d, struct server *server, struct rop_talk *talk, const char *command,
		       const char *text, struct rop_err *err)
{
	for (;; nap()) {
		struct rop_talk_reply reply;
		if (!goes_on(err))
			return false;
		if (!rop_child_runs(&server->child))
			return died(d, server, err);
		if (!rop_talk_ask(talk, command, &reply, err))
			return rop_child_runs(&server->child) ? false : died(d, server, err);
		if (strstr(reply.text, text))
			return true;
		if (reply.kind == '-' && strncmp(reply.text, "LOADING", 7) != 0)
			return rop_talk_refused(talk, command, &reply, err);
	}
}

static bool own_slots(struct drill *d, size_t i, struct rop_talk *talk, struct rop_err *err)
{
	struct rop_slots *slots = &d->targets[i].slots;
	struct rop_talk_reply reply;
	if (!rop_slots_parse(d->backup.shards.at[i].slots, slots))
		return rop_fail(err, ROP_INTERNAL, "slots of shard %d", d->backup.shards.at[i].number);
	for (int from = 0, first, last; rop_slots_run(slots, from, &first, &last); from = last + 1) {
		rop_talk_begin(talk, 4);
		rop_talk_text(talk, "CLUSTER");
		rop_talk_text(talk, "ADDSLOTSRANGE");
		rop_talk_number(talk, first);
		rop_talk_number(talk, last);
		if (!rop_talk_flush(talk, err) || !rop_talk_reply(talk, &reply, err) ||
		    !rop_talk_is_ok(talk, "CLUSTER ADDSLOTSRANGE", &reply, err))
			return false;
	}
	return true;
}

static bool take_version(struct drill *d, struct rop_talk *talk, struct rop_err *err)
{
	static const char *const FORKS[] = { "valkey", "redis" }; /* valkey tells a redis_version too */
	struct rop_talk_reply reply;
	if (!rop_talk_ask(talk, "INFO server", &reply, err))
		return false;
	for (size_t i = 0; i < sizeof FORKS / sizeof *FORKS && !d->flavour; i++) {
		const char *name = rop_printf(d->cli->arena, "%s_version:", FORKS[i]);
		const char *at = strstr(reply.text, name);
		if (at)
			d->flavour = rop_printf(d->cli->arena, "%s %.*s", FORKS[i],
						(int)strcspn(at + strlen(name), "\r\n"), at + strlen(name));
	}
	return d->flavour || rop_fail(err, ROP_FAIL, "%s tells no version", d->program);
}

static bool ready(struct drill *d, size_t i, struct rop_err *err)
{
	struct rop_talk *talk;
	if (!connect_to(d, &d->loads[i], &talk, err))
		return false;
	bool fine = wait_until(d, &d->loads[i], talk, "PING", "PONG", err) &&
		    (d->flavour || take_version(d, talk, err));
	rop_talk_close(talk);
	if (!fine || !connect_to(d, &d->given[i], &talk, err))
		return false;
	fine = own_slots(d, i, talk, err) && wait_until(d, &d->given[i], talk, "CLUSTER INFO", "cluster_state:ok", err);
	rop_talk_close(talk);
	d->loaders[i].address = d->loads[i].address;
	d->loaders[i].port = d->loads[i].port;
	d->targets[i].address = d->given[i].address;
	d->targets[i].port = d->given[i].port;
	d->loaders[i].ip = d->targets[i].ip = HOST;
	d->loaders[i].flavour = d->targets[i].flavour = d->flavour;
	return fine;
}

static bool start_all(struct drill *d, struct rop_err *err)
{
	size_t n = d->backup.shards.n;
	int *ports = rop_alloc_n(d->cli->arena, 2 * n + 1, sizeof *ports);
	uint64_t random[2];
	if (getrandom(random, sizeof random, 0) != sizeof random)
		return rop_fail(err, ROP_FAIL, "no random numbers");
	snprintf(d->password, sizeof d->password, "%016" PRIx64 "%016" PRIx64, random[0], random[1]);
	if (!rop_scratch_make(d->cli->arena, "redis-operator-drill", &d->scratch, err) ||
	    !rop_ports_free(2 * n, ports, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		d->loads[i].port = ports[2 * i];
		d->given[i].port = ports[2 * i + 1];
		if (!goes_on(err) || !start_loader(d, i, err) || !start(d, &d->given[i], "given", i, true, err))
			return false;
	}
	for (size_t i = 0; i < n; i++)
		if (!ready(d, i, err))
			return false;
	return true;
}

static void remove_all(struct drill *d)
{
	for (size_t i = 0; i < d->backup.shards.n; i++) {
		rop_child_end(&d->loads[i].child);
		rop_child_end(&d->given[i].child);
	}
	if (d->scratch)
		rop_scratch_remove(d->scratch);
}

/* ---- the drill -------------------------------------------------------------------------------------------------- */

static bool give_and_compare(struct drill *d, struct rop_drill_result *ret, struct rop_err *err)
{
	struct rop_restore_result given;
	struct backing backing = backing_begin(d->cli, "drill: restore", rop_backup_bytes(&d->backup));
	struct rop_restore_options options = { .targets = d->targets,
					       .n_targets = d->backup.shards.n,
					       .password = d->password,
					       .connect_timeout_ms = TIMEOUT_MS,
					       .command_timeout_ms = TIMEOUT_MS,
					       .tell = backing_tell,
					       .arg = &backing };
	bool fine = rop_backup_restore(d->cli->arena, d->folder, &d->backup, &options, &given, err);
	backing_end(&backing);
	if (!fine)
		return false;
	backing = backing_begin(d->cli, "drill: compare", rop_backup_bytes(&d->backup));
	fine = rop_backup_compare(d->cli->arena, d->folder, &d->backup, d->loaders, &options, ret, err);
	backing_end(&backing);
	return fine;
}

static bool drill(struct drill *d, struct rop_drill_result *ret, struct rop_err *err)
{
	size_t n = d->backup.shards.n;
	d->loads = rop_alloc_n(d->cli->arena, n + 1, sizeof *d->loads);
	d->given = rop_alloc_n(d->cli->arena, n + 1, sizeof *d->given);
	d->loaders = rop_alloc_n(d->cli->arena, n + 1, sizeof *d->loaders);
	d->targets = rop_alloc_n(d->cli->arena, n + 1, sizeof *d->targets);
	take_signals(take_signal);
	bool fine = start_all(d, err) && give_and_compare(d, ret, err) && goes_on(err);
	remove_all(d);
	take_signals(SIG_DFL);
	return fine;
}

enum rop_code backup_drill(struct cli *cli, const char *folder)
{
	struct rop_err err = { 0 };
	struct rop_drill_result result;
	const char *of_environment = getenv("REDIS_SERVER");
	struct drill d = { .cli = cli, .folder = folder, .program = cli->values.server };
	ROP_OWN_TEXT text = { 0 };
	if (!d.program)
		d.program = of_environment && *of_environment ? of_environment : "redis-server";
	if (strchr(d.program, '/'))
		d.program = rop_full_path(cli->arena, d.program); /* each server has a folder of its own */
	if (!rop_backup_load(cli->arena, folder, &d.backup, &err))
		return cli_fail(&err);
	if (!drill(&d, &result, &err)) {
		rop_wrap(&err, "the drill failed");
		return cli_fail(&err);
	}
	if (!rop_backup_write_drilled(folder, &d.backup, d.flavour, &err))
		return cli_fail(&err);
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_drill_json(folder, &d.backup, d.flavour, &result));
	else
		rop_report_drill(&d.backup, d.flavour, &result, &text);
	cli_print_lines(&text);
	return ROP_OK;
}
