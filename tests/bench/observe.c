/* observe.c - how long does a command take until ALL nodes are ok and agree? One external observer for both tools.
 *
 *   observe [--replicas R] [--deadline SECONDS] [--still SECONDS] [--output FILE] [HOST:PORT...] -- COMMAND ARG...
 *
 * Starts the command and asks every node every 20 ms, pipelined over all nodes: CLUSTER INFO, and, as soon as all say
 * cluster_state:ok with 16384 slots assigned and as many known nodes as there are addresses, CLUSTER NODES. (Asking for
 * all views all the time would cost more than what is measured where 100 servers share two cores.) Agreed means: equal
 * views in ids, addresses, roles, primaries, config epochs and slots; nobody failing, in handshake or disconnected;
 * every slot owned once; every other node a replica, R to each primary. The time is that of the first such look after
 * which no look until the end disagreed; the end is `still` seconds after both agreement and the command's exit.
 * Prints: agreed_ms=N exit_ms=N exit=CODE still=0|1 looks=N. Without addresses: only the two of the command.
 * Exits 0 when agreement was reached in time, 1 when not, 2 on wrong use.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <hiredis/hiredis.h>

enum { NODES_MAX = 1024, LOOK_MS = 20, SLOTS = 16384 };

extern char **environ;

struct node {
	char host[256];
	int port;
	redisContext *link;
};

static struct node nodes[NODES_MAX];
static int n_nodes;

static double now_ms(void)
{
	struct timespec ts;
	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static void nap(double ms)
{
	if (ms > 0)
		poll(NULL, 0, (int)(ms + 0.5));
}

static bool node_connect(struct node *node)
{
	struct timeval limit = { 5, 0 };
	node->link = redisConnectWithTimeout(node->host, node->port, limit);
	if (!node->link || node->link->err) {
		fprintf(stderr, "observe: %s:%d: %s\n", node->host, node->port,
			node->link ? node->link->errstr : "no memory");
		return false;
	}
	redisSetTimeout(node->link, limit);
	return true;
}

/* Sends one command to all nodes, then reads all replies. The caller frees them. */
static bool ask_all(const char *command, redisReply **ret_replies)
{
	bool good = true;
	for (int i = 0; i < n_nodes; i++) {
		int done = 0;
		ret_replies[i] = NULL;
		if (redisAppendCommand(nodes[i].link, command) != REDIS_OK)
			good = false;
		while (!done && good)
			good = redisBufferWrite(nodes[i].link, &done) == REDIS_OK;
	}
	for (int i = 0; i < n_nodes && good; i++) {
		void *reply = NULL;
		good = redisGetReply(nodes[i].link, &reply) == REDIS_OK;
		ret_replies[i] = reply;
		if (good && ret_replies[i]->type != REDIS_REPLY_STRING)
			good = false;
	}
	if (!good) {
		for (int i = 0; i < n_nodes; i++) {
			if (ret_replies[i])
				freeReplyObject(ret_replies[i]);
			ret_replies[i] = NULL;
		}
	}
	return good;
}

static void free_all(redisReply **replies)
{
	for (int i = 0; i < n_nodes; i++)
		freeReplyObject(replies[i]);
}

static bool info_is(const char *info, const char *key, const char *value)
{
	const char *at = strstr(info, key);
	size_t length = strlen(value);
	return at && !strncmp(at + strlen(key), value, length) && at[strlen(key) + length] == '\r';
}

static int line_compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

struct row {
	char id[64], primary[64];
	bool is_replica;
	int slots, replicas;
};

/* Turns one CLUSTER NODES line into what all nodes must agree on; false when the node is not well. */
static bool line_normalise(char *line, char *buf, size_t size, struct row *row)
{
	char *save = NULL, *field[8];
	for (int i = 0; i < 8; i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return false;
	}
	char *flags = field[2];
	if (!strncmp(flags, "myself,", 7))
		flags += 7;
	if (strcmp(flags, "master") && strcmp(flags, "slave"))
		return false; /* fail, fail?, handshake, noaddr, nofailover ... */
	if (strcmp(field[7], "connected"))
		return false;
	*row = (struct row){ .is_replica = *flags == 's' };
	snprintf(row->id, sizeof row->id, "%s", field[0]);
	snprintf(row->primary, sizeof row->primary, "%s", field[3]);
	int used = snprintf(buf, size, "%s %s %s %s %s", field[0], field[1], flags, field[3], field[6]);
	for (char *slots; (slots = strtok_r(NULL, " ", &save));) {
		int first = 0, last = 0;
		if (*slots == '[')
			return false; /* an open slot */
		int n = sscanf(slots, "%d-%d", &first, &last);
		if (n < 1 || used < 0 || (size_t)used >= size)
			return false;
		row->slots += n == 2 ? last - first + 1 : 1;
		used += snprintf(buf + used, size - (size_t)used, " %s", slots);
	}
	return used > 0 && (size_t)used < size;
}

/* One view as sorted lines in one string (malloc), or NULL when it cannot be right yet. */
static char *view_normalise(const char *text, int replicas)
{
	static struct row rows[NODES_MAX];
	char *lines[NODES_MAX], *copy = strdup(text), *view = NULL, *save = NULL;
	int n = 0, slots = 0;
	size_t total = 1;
	bool good = copy != NULL;
	for (char *line = good ? strtok_r(copy, "\n", &save) : NULL; line && good; line = strtok_r(NULL, "\n", &save)) {
		char buf[4096];
		line[strcspn(line, "\r")] = '\0';
		good = n < n_nodes && line_normalise(line, buf, sizeof buf, &rows[n]) && (lines[n] = strdup(buf));
		if (good) {
			slots += rows[n].slots;
			total += strlen(lines[n++]) + 1;
		}
	}
	good = good && n == n_nodes && slots == SLOTS;
	for (int i = 0; i < n && good; i++) {
		if (!rows[i].is_replica)
			continue;
		int of = 0;
		while (of < n && strcmp(rows[of].id, rows[i].primary))
			of++;
		good = of < n && !rows[of].is_replica;
		if (good)
			rows[of].replicas++;
	}
	for (int i = 0; i < n && good; i++)
		good = rows[i].is_replica || (rows[i].slots > 0 && rows[i].replicas == replicas);
	if (good && (view = calloc(1, total))) {
		qsort(lines, (size_t)n, sizeof *lines, line_compare);
		char *at = view;
		for (int i = 0; i < n; i++) {
			at = stpcpy(at, lines[i]);
			*at++ = '\n';
		}
	}
	for (int i = 0; i < n; i++)
		free(lines[i]);
	free(copy);
	return view;
}

static bool all_agree(int replicas)
{
	redisReply *replies[NODES_MAX];
	char known[32];
	bool good = true;

	snprintf(known, sizeof known, "%d", n_nodes);
	if (!ask_all("CLUSTER INFO", replies))
		return false;
	for (int i = 0; i < n_nodes; i++)
		good = good && info_is(replies[i]->str, "cluster_state:", "ok") &&
		       info_is(replies[i]->str, "cluster_slots_assigned:", "16384") &&
		       info_is(replies[i]->str, "cluster_known_nodes:", known);
	free_all(replies);
	if (!good || !ask_all("CLUSTER NODES", replies))
		return false;
	char *first = NULL;
	for (int i = 0; i < n_nodes && good; i++) {
		/* A node that nobody has told its own address yet prints none; that view does not agree. */
		char *view = view_normalise(replies[i]->str, replicas);
		good = view && (!first || !strcmp(first, view));
		if (!first)
			first = view;
		else
			free(view);
	}
	free(first);
	free_all(replies);
	return good;
}

static int fail_usage(const char *why)
{
	fprintf(stderr,
		"observe: %s\nobserve [--replicas R] [--deadline S] [--still S] [--output FILE] [HOST:PORT...] -- "
		"COMMAND ARG...\n",
		why);
	return 2;
}

int main(int argc, char **argv)
{
	int replicas = 1, at = 1;
	double deadline_ms = 120e3, still_ms = 1e3;
	const char *output = "/dev/null";

	for (; at < argc && strcmp(argv[at], "--"); at++) {
		bool has_value = at + 1 < argc;
		if (!strcmp(argv[at], "--replicas") && has_value) {
			replicas = atoi(argv[++at]);
		} else if (!strcmp(argv[at], "--deadline") && has_value) {
			deadline_ms = atof(argv[++at]) * 1e3;
		} else if (!strcmp(argv[at], "--still") && has_value) {
			still_ms = atof(argv[++at]) * 1e3;
		} else if (!strcmp(argv[at], "--output") && has_value) {
			output = argv[++at];
		} else {
			struct node *node = &nodes[n_nodes];
			const char *colon = strrchr(argv[at], ':');
			if (!colon || n_nodes == NODES_MAX)
				return fail_usage(argv[at]);
			snprintf(node->host, sizeof node->host, "%.*s", (int)(colon - argv[at]), argv[at]);
			node->port = atoi(colon + 1);
			if (!node_connect(node))
				return 2;
			n_nodes++;
		}
	}
	if (at + 1 >= argc)
		return fail_usage("no command");
	char **command = argv + at + 1;

	posix_spawn_file_actions_t files;
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_addopen(&files, 1, output, O_WRONLY | O_CREAT | O_APPEND, 0666);
	posix_spawn_file_actions_adddup2(&files, 1, 2);
	pid_t pid;
	double start = now_ms();
	int failed = posix_spawnp(&pid, command[0], &files, NULL, command, environ);
	if (failed) {
		fprintf(stderr, "observe: %s: %s\n", command[0], strerror(failed));
		return 2;
	}

	int status = 0;
	double agreed = -1, ended = -1;
	long looks = 0;
	bool last = false;
	if (n_nodes == 0) {
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
		ended = now_ms() - start;
	}
	while (n_nodes > 0) {
		double looked = now_ms() - start;
		last = all_agree(replicas);
		looks++;
		if (last && agreed < 0)
			agreed = now_ms() - start;
		if (!last)
			agreed = -1;
		if (ended < 0 && waitpid(pid, &status, WNOHANG) == pid)
			ended = now_ms() - start;
		double now = now_ms() - start;
		if (agreed >= 0 && ended >= 0 && now >= (agreed > ended ? agreed : ended) + still_ms)
			break;
		if (now >= deadline_ms)
			break;
		nap((agreed >= 0 && ended >= 0 ? 5 * LOOK_MS : LOOK_MS) - (now - looked));
	}
	if (ended < 0) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
	}
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	if (n_nodes > 0)
		printf("agreed_ms=%.1f ", agreed);
	printf("exit_ms=%.2f exit=%d", ended, code);
	if (n_nodes > 0)
		printf(" still=%d looks=%ld", last, looks);
	printf("\n");
	return n_nodes > 0 && !last;
}
