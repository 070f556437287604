/* cmd_demo.c - six servers on 127.0.0.1 to try things on. Touches no server it did not start. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/host.h"
#include "rop/look.h"
#include "rop/text.h"

#define FIRST_PORT 7000
#define LAST_PORT 55535  /* the cluster bus listens 10000 above */
#define DEMO_NAME "demo" /* rop_demo_topology */
#define SERVERS 6
#define WAIT_MS 10000
#define LOOK_AGAIN_MS 10

static const char *demo_folder(struct cli *cli)
{
	char *path = rop_strdup(cli->arena, cli_state_path(cli));
	char *slash = strrchr(path, '/');
	if (!slash)
		return "./demo";
	*slash = '\0';
	return rop_printf(cli->arena, "%s/demo", *path ? path : "/");
}

static const char *server_folder(struct cli *cli, int port)
{
	return rop_printf(cli->arena, "%s/%d", demo_folder(cli), port);
}

/* One demo at a time: down stops all that up started. */
static bool is_the_only_one(struct cli *cli, int first, struct rop_err *err)
{
	const int *ports;
	size_t n;
	rop_servers_in(cli->arena, demo_folder(cli), &ports, &n);
	for (size_t i = 0; i < n; i++)
		if (ports[i] < first || ports[i] >= first + SERVERS)
			return rop_fail(err, ROP_REFUSED,
					"a demo with a server on 127.0.0.1:%d is there already, in %s\n  -> "
					"`redis-operator demo down`, then up with another --port",
					ports[i], demo_folder(cli));
	return true;
}

/* Before the first of ours is started. */
static bool ports_are_free(struct cli *cli, const struct rop_look *look, int first, struct rop_err *err)
{
	for (int port = first; port < first + SERVERS; port++)
		if (!rop_server_runs(cli->arena, server_folder(cli, port)) && rop_look_answers(look, "127.0.0.1", port))
			return rop_fail(err, ROP_REFUSED,
					"something else listens on 127.0.0.1:%d already; the demo touches no server it "
					"did not start\n  -> stop it, or take other ports: `redis-operator demo up "
					"--port %d`",
					port, first + 100 + SERVERS <= LAST_PORT ? first + 100 : FIRST_PORT);
	return true;
}

static bool start(struct cli *cli, int first, int *ret_started, struct rop_err *err)
{
	for (int port = first; port < first + SERVERS; port++) {
		ROP_OWN_TEXT conf = { 0 };
		const char *folder = server_folder(cli, port);
		if (rop_server_runs(cli->arena, folder))
			continue;
		rop_demo_server(folder, port, &conf);
		if (!rop_server_start(cli->arena, folder, conf.at, port, err))
			return false;
		++*ret_started;
	}
	return true;
}

static bool wait_for_all(struct cli *cli, const struct rop_look *look, int first, struct rop_err *err)
{
	int64_t give_up = rop_boot_ms() + WAIT_MS;
	for (int port = first; port < first + SERVERS; port++)
		while (!rop_look_answers(look, "127.0.0.1", port)) {
			if (rop_boot_ms() > give_up)
				return rop_fail(err, ROP_UNREACHABLE, "127.0.0.1:%d does not answer; see %s/redis.log",
						port, server_folder(cli, port));
			rop_look_wait(look->loop, LOOK_AGAIN_MS);
		}
	return true;
}

static enum rop_code up(struct cli *cli, int first)
{
	static const struct rop_fleet_options FLEET = { .connect_timeout_ms = 1000, .command_timeout_ms = 1000 };
	struct rop_err err = { 0 };
	const char *folder = demo_folder(cli), *topology = rop_printf(cli->arena, "%s/demo.yaml", folder);
	struct rop_look look = { .loop = rop_loop_new(&err), .arena = cli->arena, .fleet = &FLEET };
	int started = 0;
	ROP_OWN_TEXT text = { 0 };
	rop_demo_topology(first, SERVERS, &text);
	bool fine = look.loop && is_the_only_one(cli, first, &err) && ports_are_free(cli, &look, first, &err) &&
		    rop_file_put(cli->arena, folder, "demo.yaml", text.at, &err) && start(cli, first, &started, &err) &&
		    wait_for_all(cli, &look, first, &err);
	if (look.loop)
		rop_loop_free(look.loop);
	if (!fine)
		return cli_fail(&err);
	cli_tell(cli,
		 started ? "%d servers started on 127.0.0.1:%d-%d, in %s"
			 : "%.0d servers run on 127.0.0.1:%d-%d already, in %s",
		 started ? started : SERVERS, first, first + SERVERS - 1, folder);
	if (cli->values.output == CLI_TEXT)
		printf("topology: %s\n", topology);
	else
		cli_print_json(rop_json("{s:o, s:i, s:i}", "topology", rop_json_text(topology), "servers", SERVERS,
					"started", started));
	const char *state = cli->values.state ? rop_printf(cli->arena, " --state %s", cli->values.state) : "";
	cli_tell(cli, "next:\n  redis-operator plan%s %s\n  redis-operator apply%s %s\n  redis-operator demo down%s",
		 state, topology, state, topology, state);
	return ROP_OK;
}

/* A cluster of that name, all of whose members were these servers. */
static bool is_of_demo(const struct rop_image *image, const int *ports, size_t n)
{
	size_t ours = 0;
	for (size_t m = 0; m < image->members.n; m++)
		for (size_t i = 0; i < n; i++) {
			char address[32];
			snprintf(address, sizeof address, "127.0.0.1:%d", ports[i]);
			ours += rop_streq(image->members.at[m].address, address);
		}
	return ours > 0 && ours == image->members.n;
}

/* Else the next demo would be told that the data of this one is lost. */
static bool forget_it(struct cli *cli, const int *ports, size_t n)
{
	struct rop_err err = { 0 };
	struct rop_store *store = NULL;
	struct rop_lock *lock = NULL;
	struct rop_image image = { 0 };
	bool done = n && access(cli_state_path(cli), W_OK) == 0 &&
		    rop_store_open(cli_state_path(cli), ROP_STORE_WRITE, &store, &err) &&
		    rop_store_load(store, cli->arena, DEMO_NAME, &image, &err) && is_of_demo(&image, ports, n) &&
		    rop_lock_take(cli_state_path(cli), DEMO_NAME, "demo down", &lock, &err) &&
		    rop_store_forget_cluster(store, DEMO_NAME, &err);
	rop_lock_release(lock);
	rop_store_close(store);
	if (err.code != ROP_OK)
		cli_tell(cli, "cluster '%s' stays in the database: %s", DEMO_NAME, err.text);
	return done;
}

static enum rop_code down(struct cli *cli)
{
	struct rop_err err = { 0 };
	const char *folder = demo_folder(cli);
	const int *ports;
	size_t n;
	int stopped = 0;
	rop_servers_in(cli->arena, folder, &ports, &n);
	for (size_t i = 0; i < n; i++) {
		bool ran;
		if (!rop_server_remove(cli->arena, server_folder(cli, ports[i]), ports[i], &ran, &err))
			return cli_fail(&err);
		stopped += ran;
	}
	bool forgotten = forget_it(cli, ports, n);
	unlink(rop_printf(cli->arena, "%s/demo.yaml", folder));
	rmdir(folder);
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_json("{s:i}", "stopped", stopped));
	if (stopped)
		cli_tell(cli, "%d servers stopped, and their files in %s removed%s", stopped, folder,
			 forgotten ? "; the database knows nothing of them any more" : "");
	else
		cli_tell(cli, "no server of a demo runs in %s", folder);
	return ROP_OK;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	int64_t first = cli->values.port ? cli->values.port : FIRST_PORT;
	bool is_up = strcmp(argv[0], "up") == 0;
	if (!is_up && strcmp(argv[0], "down") != 0)
		rop_fail(&err, ROP_INVALID, "demo: '%s' is neither up nor down", argv[0]);
	else if (!is_up && cli->values.port)
		rop_fail(&err, ROP_INVALID, "--port goes with demo up: down stops all that up started");
	else if (first + SERVERS - 1 > LAST_PORT)
		rop_fail(&err, ROP_INVALID, "--port: at most %d: six servers, and their cluster bus 10000 above",
			 LAST_PORT - SERVERS + 1);
	if (err.code != ROP_OK)
		return cli_fail(&err);
	return is_up ? up(cli, (int)first) : down(cli);
}

static const struct cli_option OPTIONS[] = {
	{ "port", 0, CLI_NUMBER, "PORT", "of the first of them (default 7000)", CLI_VALUE(port) },
	{ 0 },
};

const struct cli_command cli_demo = {
	.name = "demo",
	.operands = "up|down",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Six servers on 127.0.0.1:7000-7005 to try things on",
	.about = "up starts them, in a folder beside the database, and writes a topology file for them (its "
		 "path is printed); plan and apply of that file make the cluster. down stops them, removes "
		 "the folder, and what the database knows of them.\n",
};
