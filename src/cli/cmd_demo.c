/* cmd_demo.c - six servers on 127.0.0.1:7000-7005 to try things on. Touches no server it did not start. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli.h"
#include "rop/io.h"

#define FIRST_PORT 7000
#define SERVERS 6
#define WAIT_MS 10000

extern char **environ;

static const char *demo_folder(struct cli *cli)
{
	char *path = rop_strdup(cli->arena, cli_state_path(cli));
	char *slash = strrchr(path, '/');
	if (!slash)
		return "./demo";
	*slash = '\0';
	return rop_printf(cli->arena, "%s/demo", *path ? path : "/");
}

static bool make_folders(struct cli *cli, const char *path, struct rop_err *err)
{
	char *folder = rop_strdup(cli->arena, path);
	return rop_make_folders(folder) || rop_fail(err, ROP_FAIL, "cannot create %s: %s", folder, strerror(errno));
}

static bool write_file(const char *path, const char *text, struct rop_err *err)
{
	FILE *file = fopen(path, "we");
	if (!file || fputs(text, file) < 0 || fflush(file) != 0) {
		rop_fail(err, ROP_FAIL, "cannot write %s: %s", path, strerror(errno));
		if (file)
			fclose(file);
		return false;
	}
	fclose(file);
	return true;
}

static pid_t read_pid(const char *path)
{
	FILE *file = fopen(path, "re");
	long pid = 0;
	if (!file)
		return 0;
	if (fscanf(file, "%ld", &pid) != 1)
		pid = 0;
	fclose(file);
	return pid > 1 ? (pid_t)pid : 0;
}

/* Ours is what runs in our folder: pids are used again by the system. */
static bool runs_in(struct cli *cli, pid_t pid, const char *folder)
{
	char cwd[4096], real[4096];
	ssize_t n = pid ? readlink(rop_printf(cli->arena, "/proc/%ld/cwd", (long)pid), cwd, sizeof cwd - 1) : -1;
	if (n <= 0 || !realpath(folder, real))
		return false;
	cwd[n] = '\0';
	return strcmp(cwd, real) == 0;
}

static pid_t running(struct cli *cli, int port)
{
	const char *folder = rop_printf(cli->arena, "%s/%d", demo_folder(cli), port);
	pid_t pid = read_pid(rop_printf(cli->arena, "%s/redis.pid", folder));
	return runs_in(cli, pid, folder) ? pid : 0;
}

static void answered(void *arg, const struct rop_answer *answers, size_t n)
{
	bool *ret = ((void **)arg)[1];
	(void)n;
	*ret = answers[0].reach != ROP_REACH_SILENT;
	rop_loop_stop(((void **)arg)[0]);
}

static bool answers(struct cli *cli, struct rop_loop *loop, int port)
{
	struct rop_fleet_options options = { .connect_timeout_ms = 1000, .command_timeout_ms = 1000 };
	struct rop_endpoint endpoint = { .address = "demo", .ip = "127.0.0.1", .port = port };
	bool found = false;
	void *arg[2] = { loop, &found };
	struct rop_fleet *fleet = rop_fleet_new(loop, &options, &endpoint, 1);
	rop_fleet_observe(fleet, cli->arena, 0, NULL, 0, answered, arg);
	rop_loop_run(loop);
	rop_fleet_free(fleet);
	return found;
}

static bool start_server(struct cli *cli, int port, struct rop_err *err)
{
	const char *server = getenv("REDIS_SERVER") ? getenv("REDIS_SERVER") : "redis-server";
	const char *folder = rop_printf(cli->arena, "%s/%d", demo_folder(cli), port);
	const char *conf = rop_printf(cli->arena, "%s/redis.conf", folder);
	const char *text = rop_printf(cli->arena,
				      "# written by redis-operator demo up\n"
				      "bind 127.0.0.1\nport %d\ndir %s\npidfile %s/redis.pid\nlogfile %s/redis.log\n"
				      "daemonize yes\ncluster-enabled yes\ncluster-config-file nodes.conf\n"
				      "cluster-node-timeout 5000\nappendonly no\nsave \"\"\n",
				      port, folder, folder, folder);
	if (!make_folders(cli, folder, err) || !write_file(conf, text, err))
		return false;
	char *argv[] = { (char *)server, (char *)conf, NULL };
	pid_t pid;
	int status, failed = posix_spawnp(&pid, server, NULL, NULL, argv, environ);
	if (failed)
		return rop_fail(err, ROP_FAIL, "cannot start %s: %s\n  -> apt-get install redis-server", server,
				strerror(failed));
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return rop_fail(err, ROP_FAIL, "%s did not start on port %d; see %s/redis.log", server, port, folder);
	return true;
}

static const char *topology_text(struct cli *cli)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "# written by redis-operator demo up: three shards with one replica each\n"
			    "apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata:\n  name: demo\nspec:\n"
			    "  shards: 3\n  replicasPerShard: 1\n"
			    "  onTotalLoss: Reform   # demo down throws everything away, and demo up may come again\n  "
			    "nodes:\n");
	for (int i = 0; i < SERVERS; i++)
		rop_text_add(&text, "    - { address: 127.0.0.1:%d }\n", FIRST_PORT + i);
	return rop_strndup(cli->arena, text.at, text.n);
}

static enum rop_code up(struct cli *cli)
{
	struct rop_err err = { 0 };
	const char *topology = rop_printf(cli->arena, "%s/demo.yaml", demo_folder(cli));
	struct rop_loop *loop = rop_loop_new(&err);
	int started = 0;
	bool fine = loop && make_folders(cli, demo_folder(cli), &err) && write_file(topology, topology_text(cli), &err);
	for (int port = FIRST_PORT; fine && port < FIRST_PORT + SERVERS; port++) {
		if (running(cli, port))
			continue;
		if (answers(cli, loop, port)) {
			fine = rop_fail(&err, ROP_REFUSED,
					"something else listens on 127.0.0.1:%d already; the demo touches no server it "
					"did not start\n  -> stop it, or try on your own servers",
					port);
			break;
		}
		fine = start_server(cli, port, &err);
		started += fine;
	}
	int64_t give_up = rop_boot_ms() + WAIT_MS;
	for (int port = FIRST_PORT; fine && port < FIRST_PORT + SERVERS; port++) {
		while (!answers(cli, loop, port)) {
			if (rop_boot_ms() > give_up) {
				fine = rop_fail(&err, ROP_UNREACHABLE,
						"127.0.0.1:%d does not answer; see %s/%d/redis.log", port,
						demo_folder(cli), port);
				break;
			}
			usleep(10000);
		}
	}
	if (loop)
		rop_loop_free(loop);
	if (!fine)
		return cli_fail(&err);
	cli_tell(cli,
		 started ? "%d servers started on 127.0.0.1:%d-%d, in %s"
			 : "%.0d servers run on 127.0.0.1:%d-%d already, in %s",
		 started ? started : SERVERS, FIRST_PORT, FIRST_PORT + SERVERS - 1, demo_folder(cli));
	if (cli->values.output == CLI_TEXT)
		printf("topology: %s\n", topology);
	else
		cli_print_json(rop_json("{s:o, s:i, s:i}", "topology", rop_json_text(topology), "servers", SERVERS,
					"started", started));
	cli_tell(cli, "next:  redis-operator plan %s\n       redis-operator apply %s\n       redis-operator demo down",
		 topology, topology);
	return ROP_OK;
}

static bool remove_server(struct cli *cli, int port, int *stopped, struct rop_err *err)
{
	static const char *const FILES[] = { "redis.conf", "redis.log", "redis.pid", "nodes.conf", "dump.rdb" };
	const char *folder = rop_printf(cli->arena, "%s/%d", demo_folder(cli), port);
	pid_t pid = running(cli, port);
	int64_t give_up = rop_boot_ms() + WAIT_MS;
	*stopped += pid != 0;
	if (pid && kill(pid, SIGTERM) < 0 && errno != ESRCH)
		return rop_fail(err, ROP_FAIL, "cannot stop server %ld on port %d: %s", (long)pid, port,
				strerror(errno));
	while (runs_in(cli, pid, folder)) { /* it removes its pid file first, and exits after */
		if (rop_boot_ms() > give_up)
			return rop_fail(err, ROP_FAIL, "server %ld on port %d does not stop", (long)pid, port);
		usleep(10000);
	}
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
		unlink(rop_printf(cli->arena, "%s/%s", folder, FILES[i]));
	rmdir(folder);
	return true;
}

static enum rop_code down(struct cli *cli)
{
	struct rop_err err = { 0 };
	int stopped = 0;
	for (int port = FIRST_PORT; port < FIRST_PORT + SERVERS; port++)
		if (!remove_server(cli, port, &stopped, &err))
			return cli_fail(&err);
	unlink(rop_printf(cli->arena, "%s/demo.yaml", demo_folder(cli)));
	rmdir(demo_folder(cli));
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_json("{s:i}", "stopped", stopped));
	if (stopped)
		cli_tell(cli, "%d servers stopped, and their files in %s removed", stopped, demo_folder(cli));
	else
		cli_tell(cli, "no server of a demo runs in %s", demo_folder(cli));
	return ROP_OK;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	if (strcmp(argv[0], "up") == 0)
		return up(cli);
	if (strcmp(argv[0], "down") == 0)
		return down(cli);
	rop_fail(&err, ROP_INVALID, "demo: '%s' is neither up nor down", argv[0]);
	return cli_fail(&err);
}

const struct cli_command cli_demo = {
	.name = "demo",
	.operands = "up|down",
	.min_operands = 1,
	.max_operands = 1,
	.run = run,
	.summary = "Six servers on 127.0.0.1:7000-7005 to try things on",
	.about = "up starts them, in a folder beside the database, and writes a topology file for them (its path is "
		 "printed);\n"
		 "plan and apply of that file make the cluster. down stops them and removes the folder.\n",
};
