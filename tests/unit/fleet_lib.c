/* fleet_lib.c - for the suites about the fleet: looking at nodes once, peers that misbehave, real servers. */
#include "fleet_lib.h"

#include <criterion/criterion.h>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- misbehaving peers ------------------------------------------------------------------------------------- */

static int listen_at(const char *host, int port, int *ret_port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = inet_addr(host),
				       .sin_port = htons((unsigned short)port) };
	socklen_t n = sizeof address;
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 64) != 0) {
		close(fd);
		return -1;
	}
	getsockname(fd, (struct sockaddr *)&address, &n);
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static int listen_on(int port, int *ret_port)
{
	return listen_at("127.0.0.1", port, ret_port);
}

static void *peer_thread(void *arg)
{
	struct peer *peer = arg;
	while (!peer->stop) {
		struct pollfd poll_for = { .fd = peer->listener, .events = POLLIN };
		if (poll(&poll_for, 1, 20) <= 0)
			continue;
		int fd = accept(peer->listener, NULL, NULL);
		if (fd < 0)
			continue;
		struct timeval patience = { .tv_sec = 10 };
		int on = 1; /* as servers do: else what is said last is lost when the connection is closed */
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
		peer->connections++;
		peer->serve(peer, fd);
		close(fd);
	}
	return NULL;
}

static void start_at(struct peer *peer, const char *host, int port, void (*serve)(struct peer *peer, int fd),
		     const char *say)
{
	signal(SIGPIPE, SIG_IGN);
	*peer = (struct peer){ .serve = serve, .say = say };
	peer->listener = listen_at(host, port, &peer->port);
	cr_assert(peer->listener >= 0);
	pthread_t thread;
	cr_assert(pthread_create(&thread, NULL, peer_thread, peer) == 0);
	peer->thread = thread;
}

void peer_start(struct peer *peer, void (*serve)(struct peer *peer, int fd), const char *say)
{
	start_at(peer, "127.0.0.1", 0, serve, say);
}

void peer_start_beside(struct peer *peer, const struct peer *other, void (*serve)(struct peer *peer, int fd),
		       const char *say)
{
	start_at(peer, "127.0.0.2", other->port, serve, say);
}

void peer_stop(struct peer *peer)
{
	peer->stop = true;
	pthread_join(peer->thread, NULL);
	close(peer->listener);
}

static bool read_line(int fd, char *line, size_t size)
{
	size_t n = 0;
	while (n + 1 < size && recv(fd, line + n, 1, 0) == 1) {
		if (line[n++] != '\n')
			continue;
		line[n - 2] = '\0';
		return true;
	}
	return false;
}

bool peer_command(struct peer *peer, int fd, char *name, size_t size)
{
	char line[256];
	*name = '\0';
	if (!read_line(fd, line, sizeof line) || line[0] != '*')
		return false;
	for (int argc = atoi(line + 1); argc > 0; argc--) {
		if (!read_line(fd, line, sizeof line) || !read_line(fd, line, sizeof line))
			return false;
		snprintf(name + strlen(name), size - strlen(name), "%s%s", *name ? " " : "", line);
	}
	peer->commands++;
	return true;
}

bool peer_say(int fd, const char *bytes, size_t n)
{
	while (n > 0) {
		ssize_t sent = send(fd, bytes, n, MSG_NOSIGNAL);
		if (sent <= 0)
			return false;
		bytes += sent;
		n -= (size_t)sent;
	}
	return true;
}

void peer_answer(int fd, const char *name)
{
	const char *text = "+OK\r\n";
	char bulk[256];
	if (strcmp(name, "CLUSTER NODES") == 0)
		text = NODE_ID " 127.0.0.1:7000@17000 myself,master - 0 0 0 connected\n";
	else if (strcmp(name, "CLUSTER INFO") == 0)
		text = "cluster_state:fail\r\n";
	else if (strncmp(name, "INFO", 4) == 0)
		text = "# Server\r\nredis_version:7.0.15\r\n";
	if (*text == '+')
		snprintf(bulk, sizeof bulk, "%s", text);
	else
		snprintf(bulk, sizeof bulk, "$%zu\r\n%s\r\n", strlen(text), text);
	peer_say(fd, bulk, strlen(bulk));
}

void peer_wait_closed(int fd)
{
	char buf[4096];
	while (recv(fd, buf, sizeof buf, 0) > 0)
		;
}

/* ---- real servers ------------------------------------------------------------------------------------------ */

static bool is_free(int port)
{
	int ignored, fd = listen_on(port, &ignored);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

/* The bus listens 10000 above; both stay below the ephemeral range. */
static int free_port(void)
{
	for (int i = 0; i < 2000; i++) {
		int port = 11000 + (getpid() * 37 + i * 11) % 11000;
		if (is_free(port) && is_free(port + 10000))
			return port;
	}
	return 0;
}

static bool installed(void)
{
	char *path = strdup(getenv("PATH") ? getenv("PATH") : ""), *rest = path, *folder, file[512];
	bool found = false;
	while (!found && (folder = strsep(&rest, ":"))) {
		snprintf(file, sizeof file, "%s/redis-server", folder);
		found = access(file, X_OK) == 0;
	}
	free(path);
	return found;
}

static bool says_pong(int port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons((unsigned short)port) };
	char buf[8] = "";
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool answers = connect(fd, (struct sockaddr *)&address, sizeof address) == 0 &&
		       send(fd, "PING\r\n", 6, 0) == 6 && recv(fd, buf, sizeof buf, 0) > 0;
	close(fd);
	return answers;
}

void server_restart(struct server *server)
{
	char port[8];
	snprintf(port, sizeof port, "%d", server->port);
	server->pid = fork();
	if (server->pid == 0) {
		const char *argv[40] = { "redis-server", "--port",    port,        "--bind",
					 "127.0.0.1",    "--save",    "",          "--dir",
					 server->folder, "--logfile", "server.log" };
		size_t n = 11;
		for (size_t i = 0; server->args[i]; i++)
			argv[n++] = server->args[i];
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	int64_t deadline = rop_boot_ms() + 10000;
	while (!says_pong(server->port)) {
		cr_assert(rop_boot_ms() < deadline, "redis-server on port %d does not answer", server->port);
		nanosleep(&(struct timespec){ .tv_nsec = 5000000 }, NULL);
	}
}

void server_start(struct server *server, const char *const *args, size_t n)
{
	if (!installed())
		cr_skip_test("redis-server is not installed");
	*server = (struct server){ .port = free_port(), .folder = "/tmp/rop-fleet-XXXXXX" };
	cr_assert(server->port && mkdtemp(server->folder));
	for (size_t i = 0; i < n; i++)
		server->args[i] = args[i];
	server_restart(server);
}

void server_kill(struct server *server)
{
	kill(server->pid, SIGKILL);
	waitpid(server->pid, NULL, 0);
}

void server_stop(struct server *server)
{
	static const char *const FILES[] = { "nodes.conf", "server.log", "dump.rdb" };
	char path[128];
	server_kill(server);
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
		snprintf(path, sizeof path, "%s/%s", server->folder, FILES[i]);
		unlink(path);
	}
	rmdir(server->folder);
}

/* ---- looking ----------------------------------------------------------------------------------------------- */

void view_init(struct view *view)
{
	*view = (struct view){ .loop = rop_loop_new(NULL), .arena = rop_arena_new() };
	view->options = (struct rop_fleet_options){ .client_name = "redis-operator:test",
						    .connect_timeout_ms = 2000,
						    .command_timeout_ms = 300 };
}

void view_open(struct view *view, const int *ports, size_t n)
{
	struct rop_endpoint *endpoints = rop_alloc_n(view->arena, n, sizeof *endpoints);
	for (size_t i = 0; i < n; i++)
		endpoints[i] = (struct rop_endpoint){ .address = rop_printf(view->arena, "127.0.0.1:%d", ports[i]),
						      .ip = "127.0.0.1",
						      .port = ports[i] };
	view->fleet = rop_fleet_new(view->loop, &view->options, endpoints, n);
}

void view_done(struct view *view)
{
	rop_fleet_free(view->fleet);
	rop_loop_free(view->loop);
	rop_arena_free(view->arena);
}

static void observed(void *arg, const struct rop_answer *answers, size_t n)
{
	struct view *view = arg;
	view->answers = answers;
	view->n = n;
	view->calls++;
	rop_loop_stop(view->loop);
}

const struct rop_answer *look(struct view *view, unsigned flags)
{
	static const char *SETTINGS[] = { "cluster-node-timeout", "no-such-setting", "maxmemory",
					  ROP_SLOT_JOBS_SETTING };
	int before = view->calls;
	rop_fleet_observe(view->fleet, view->arena, flags, SETTINGS, 4, observed, view);
	cr_assert_eq(view->calls, before, "done is never called from inside");
	rop_loop_run(view->loop);
	cr_assert_eq(view->calls, before + 1);
	return view->answers;
}

static void sent(void *arg, const struct rop_outcome *outcomes, size_t n)
{
	struct view *view = arg;
	view->outcomes = outcomes;
	view->n = n;
	view->calls++;
	rop_loop_stop(view->loop);
}

const struct rop_outcome *send_all(struct view *view, const struct rop_command *commands, size_t n)
{
	rop_fleet_send(view->fleet, view->arena, commands, n, 0, sent, view);
	rop_loop_run(view->loop);
	cr_assert_eq(view->n, n);
	return view->outcomes;
}

const struct rop_outcome *tell(struct view *view, const char *const *commands, size_t n)
{
	return tell_paced(view, commands, n, NULL);
}

const struct rop_outcome *tell_paced(struct view *view, const char *const *commands, size_t n,
				     const struct rop_pace *pace)
{
	struct rop_command *list = rop_alloc_n(view->arena, n, sizeof *list);
	for (size_t i = 0; i < n; i++) {
		char *rest = rop_strdup(view->arena, commands[i]), *word;
		list[i].argv = rop_alloc_n(view->arena, 16, sizeof *list[i].argv);
		list[i].pace = pace;
		while ((word = strsep(&rest, " ")))
			list[i].argv[list[i].argc++] = word;
	}
	return send_all(view, list, n);
}

struct rop_answer look_once(int port)
{
	static char why[320], nodes[512];
	struct view view;
	view_init(&view);
	view_open(&view, &port, 1);
	struct rop_answer answer = *look(&view, 0);
	snprintf(why, sizeof why, "%s", answer.reach_why ? answer.reach_why : "");
	snprintf(nodes, sizeof nodes, "%s", answer.cluster_nodes ? answer.cluster_nodes : "");
	view_done(&view);
	return (struct rop_answer){ .reach = answer.reach,
				    .reach_why = why,
				    .cluster_nodes = answer.cluster_nodes ? nodes : NULL };
}

long memory_peak_kib(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_maxrss;
}
