/* stub.c - many healthy clusters in one process, for measuring who watches them: real replies, recorded, told again.
 *
 *   stub PORT SERVER_PORT...
 *
 * Listens on one port of all loopback addresses. Node k of cluster c is 127.(16 + c / 250).(c % 250).(k + 1):PORT; the
 * address that a connection was made to says which node is asked. SERVER_PORT... are the nodes of a real, formed
 * cluster on 127.0.0.1: what a node of cluster 0 is asked for the first time is asked of them, and their raw reply kept
 * (ask all that matters once, then the servers may go). What was kept is told to whoever asks the same of that node in
 * any cluster, with ids and addresses made that cluster's own. Questions never asked of cluster 0 are an error, counted
 * as unknown; commands that are no questions are an error, counted as changing, and never passed on.
 *
 * 127.0.0.1:PORT is the stub itself:  STUB RESET  starts counting anew,  STUB REPORT  prints
 *   nodes=N looks=N median_ms=N p99_ms=N max_ms=N open=N connects=N kept=N unknown=N changing=N
 * looks: CLUSTER NODES answered since the reset; the times are those between two looks at the same node, max_ms also
 * over the time since each node's last look.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CLUSTERS_MAX = 4000, MEMBERS_MAX = 16, QUESTIONS_MAX = 64, WORDS_MAX = 8, INTERVAL_MAX_MS = 120000 };

struct text {
	char *at;
	size_t n, cap;
};

struct question { /* asked of cluster 0; what each of its nodes said */
	struct text wire, raw[MEMBERS_MAX];
};

struct node {
	struct text said[QUESTIONS_MAX]; /* as this node says it */
	double looked_ms;                /* 0: not since the reset */
};

struct peer {
	int fd, cluster, member; /* cluster -1: the stub itself */
	struct text in, out;
	size_t written;
};

static int port, n_members;
static int server_ports[MEMBERS_MAX], servers[MEMBERS_MAX]; /* servers: descriptors, or -1 */
static struct question questions[QUESTIONS_MAX];
static int n_questions;
static struct node *nodes[CLUSTERS_MAX];
static uint32_t intervals[INTERVAL_MAX_MS + 1];
static long looks, connects, open_now, unknown, changing;
static int epoll_fd;

/* What never changes anything: only these are passed on to a real server. */
static const char *const QUESTIONS[] = {
	"CLUSTER NODES", "CLUSTER INFO",  "CLUSTER MYID", "CLUSTER SHARDS", "CLUSTER LINKS", "INFO",
	"CONFIG GET",    "FUNCTION LIST", "CLIENT LIST",  "CLIENT ID",      "ACL WHOAMI",    "PING",
	"ROLE",          "DBSIZE",        "TIME",         "LASTSAVE",
};

static void die(const char *what)
{
	fprintf(stderr, "stub: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void text_add(struct text *text, const char *bytes, size_t n)
{
	if (text->n + n + 1 > text->cap) {
		text->cap = (text->n + n + 1) * 2;
		text->at = realloc(text->at, text->cap);
		if (!text->at)
			die("memory");
	}
	memcpy(text->at + text->n, bytes, n);
	text->n += n;
	text->at[text->n] = '\0';
}

/* ---- the protocol, as much of it as is needed ---------------------------------------------------------------- */

/* The length of the reply that begins here; 0: it is not whole yet. */
static size_t reply_length(const char *at, size_t n)
{
	const char *end = memchr(at, '\n', n);
	if (!end)
		return 0;
	size_t head = (size_t)(end - at) + 1;
	long count = atol(at + 1);
	if (*at == '$' && count >= 0)
		return n >= head + (size_t)count + 2 ? head + (size_t)count + 2 : 0;
	if (*at != '*')
		return head;
	for (long i = 0; i < count; i++) {
		size_t more = reply_length(at + head, n - head);
		if (!more)
			return 0;
		head += more;
	}
	return head;
}

struct command {
	const char *wire;
	size_t wire_n;
	char words[WORDS_MAX][128];
	int n;
};

/* The command that begins here; false: it is not whole yet. */
static bool command_read(const char *at, size_t n, struct command *ret)
{
	struct command command = { .wire = at, .wire_n = n && *at == '*' ? reply_length(at, n) : 0 };
	if (!command.wire_n)
		return false;
	int argc = atoi(at + 1);
	const char *p = memchr(at, '\n', n);
	for (p++; command.n < argc && command.n < WORDS_MAX && *p == '$'; command.n++) {
		int length = atoi(p + 1);
		p = strchr(p, '\n') + 1;
		snprintf(command.words[command.n], sizeof command.words[0], "%.*s", length, p);
		p += length + 2;
	}
	*ret = command;
	return true;
}

static bool is_question(const struct command *command)
{
	char name[260];
	snprintf(name, sizeof name, "%s %s", command->words[0], command->n > 1 ? command->words[1] : "");
	for (size_t i = 0; i < sizeof QUESTIONS / sizeof *QUESTIONS; i++) {
		size_t n = strlen(QUESTIONS[i]);
		if (strncasecmp(name, QUESTIONS[i], n) == 0 && (name[n] == ' ' || name[n] == '\0'))
			return true;
	}
	return false;
}

/* ---- recording ----------------------------------------------------------------------------------------------- */

static bool ask_server(int member, const struct command *command, struct text *ret_raw)
{
	int fd = servers[member];
	struct text raw = { 0 };
	char buf[16384];
	if (fd < 0 || send(fd, command->wire, command->wire_n, MSG_NOSIGNAL) != (ssize_t)command->wire_n)
		return false;
	do {
		ssize_t got = recv(fd, buf, sizeof buf, 0);
		if (got <= 0)
			return false;
		text_add(&raw, buf, (size_t)got);
	} while (reply_length(raw.at, raw.n) != raw.n);
	*ret_raw = raw;
	return true;
}

static int question_find(const struct command *command)
{
	for (int q = 0; q < n_questions; q++)
		if (questions[q].wire.n == command->wire_n &&
		    memcmp(questions[q].wire.at, command->wire, command->wire_n) == 0)
			return q;
	return -1;
}

static int question_add(const struct command *command)
{
	if (n_questions == QUESTIONS_MAX)
		return -1;
	text_add(&questions[n_questions].wire, command->wire, command->wire_n);
	return n_questions++;
}

/* ---- telling again ------------------------------------------------------------------------------------------- */

static void node_address(int cluster, int member, char *buf, size_t size)
{
	snprintf(buf, size, "127.%d.%d.%d", 16 + cluster / 250, cluster % 250, member + 1);
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Ids (of nodes, runs, replications) are 40 digits: four of them become the cluster's. */
static size_t put_id(struct text *out, const char *at, size_t n, int cluster)
{
	char digits[8];
	size_t length = 0;
	while (length < n && is_hex(at[length]))
		length++;
	if (length == 0)
		length = 1;
	if (length == 40) {
		snprintf(digits, sizeof digits, "%04x", (unsigned)cluster & 0xffff);
		text_add(out, digits, 4);
		text_add(out, at + 4, 36);
	} else {
		text_add(out, at, length);
	}
	return length;
}

/* An address in one of the ways in which they are written; 0: none begins here. */
static size_t put_address(struct text *out, const char *at, size_t n, int cluster)
{
	static const struct {
		const char *before, *between, *after;
		bool bus;
	} WAYS[] = {
		{ "", ":", "@", true },
		{ "ip=", ",port=", ",", false },
		{ "master_host:", "\r\nmaster_port:", "\r\n", false },
	};
	for (int member = 0; member < n_members; member++) {
		for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
			char from[128], to[128], ip[32], bus[2][16] = { "", "" };
			if (WAYS[i].bus) {
				snprintf(bus[0], sizeof bus[0], "%d", server_ports[member] + 10000);
				snprintf(bus[1], sizeof bus[1], "%d", port + 10000);
			}
			snprintf(from, sizeof from, "%s127.0.0.1%s%d%s%s", WAYS[i].before, WAYS[i].between,
				 server_ports[member], WAYS[i].after, bus[0]);
			if (strlen(from) > n || memcmp(at, from, strlen(from)) != 0)
				continue;
			node_address(cluster, member, ip, sizeof ip);
			snprintf(to, sizeof to, "%s%s%s%d%s%s", WAYS[i].before, ip, WAYS[i].between, port,
				 WAYS[i].after, bus[1]);
			text_add(out, to, strlen(to));
			return strlen(from);
		}
	}
	return 0;
}

static void retell(struct text *out, const struct text *raw, int cluster)
{
	struct text body = { 0 };
	if (raw->at[0] != '$' || raw->at[1] == '-') { /* settings, functions: the same everywhere */
		text_add(out, raw->at, raw->n);
		return;
	}
	const char *at = strchr(raw->at, '\n') + 1, *end = raw->at + raw->n - 2;
	while (at < end) {
		size_t n = (size_t)(end - at);
		size_t taken = *at == '1' || *at == 'i' || *at == 'm' ? put_address(&body, at, n, cluster) : 0;
		at += taken ? taken : put_id(&body, at, n, cluster);
	}
	char head[32];
	text_add(out, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", body.n));
	if (body.n)
		text_add(out, body.at, body.n);
	text_add(out, "\r\n", 2);
	free(body.at);
}

/* NULL: nobody ever asked cluster 0's node for it, and its server is gone. */
static const struct text *say(struct peer *peer, const struct command *command)
{
	int q = question_find(command);
	if (q < 0 && peer->cluster == 0)
		q = question_add(command);
	if (q < 0)
		return NULL;
	struct text *raw = &questions[q].raw[peer->member], *said = &nodes[peer->cluster][peer->member].said[q];
	if (!raw->n && !(peer->cluster == 0 && ask_server(peer->member, command, raw)))
		return NULL;
	if (!said->n)
		retell(said, raw, peer->cluster);
	return said;
}

/* ---- counting ------------------------------------------------------------------------------------------------ */

static void looked_at(struct node *node)
{
	double now = now_ms(), took = now - node->looked_ms;
	looks++;
	if (node->looked_ms > 0)
		intervals[took < INTERVAL_MAX_MS ? (int)(took + 0.5) : INTERVAL_MAX_MS]++;
	node->looked_ms = now;
}

static void reset(void)
{
	memset(intervals, 0, sizeof intervals);
	looks = connects = unknown = changing = 0;
	for (int c = 0; c < CLUSTERS_MAX; c++)
		for (int m = 0; nodes[c] && m < n_members; m++)
			nodes[c][m].looked_ms = 0;
}

static int quantile(long total, double share)
{
	long seen = 0;
	for (int ms = 0; ms <= INTERVAL_MAX_MS; ms++) {
		seen += intervals[ms];
		if (total && (double)seen >= share * (double)total)
			return ms;
	}
	return 0;
}

static void report(struct text *out)
{
	long total = 0, seen = 0, kept = 0;
	double now = now_ms(), longest = 0;
	for (int ms = 0; ms <= INTERVAL_MAX_MS; ms++)
		total += intervals[ms];
	for (int c = 0; c < CLUSTERS_MAX; c++) {
		for (int m = 0; nodes[c] && m < n_members; m++) {
			if (nodes[c][m].looked_ms <= 0)
				continue;
			seen++;
			if (now - nodes[c][m].looked_ms > longest)
				longest = now - nodes[c][m].looked_ms;
		}
	}
	for (int q = 0; q < n_questions; q++)
		for (int m = 0; m < n_members; m++)
			kept += questions[q].raw[m].n > 0;
	int most = quantile(total, 1);
	char body[320], head[32];
	int n = snprintf(body, sizeof body,
			 "nodes=%ld looks=%ld median_ms=%d p99_ms=%d max_ms=%.0f open=%ld connects=%ld kept=%ld "
			 "unknown=%ld changing=%ld",
			 seen, looks, quantile(total, 0.5), quantile(total, 0.99),
			 longest > most ? longest : (double)most, open_now, connects, kept, unknown, changing);
	text_add(out, head, (size_t)snprintf(head, sizeof head, "$%d\r\n", n));
	text_add(out, body, (size_t)n);
	text_add(out, "\r\n", 2);
}

/* ---- connections --------------------------------------------------------------------------------------------- */

static void put(struct text *out, const char *line)
{
	text_add(out, line, strlen(line));
}

static void answer_self(struct peer *peer, const struct command *command)
{
	if (strcasecmp(command->words[0], "STUB") != 0) {
		put(&peer->out, "-ERR 127.0.0.1 is the stub itself: STUB RESET, STUB REPORT\r\n");
	} else if (strcasecmp(command->words[1], "RESET") == 0) {
		reset();
		put(&peer->out, "+OK\r\n");
	} else {
		report(&peer->out);
	}
}

static void answer(struct peer *peer, const struct command *command)
{
	if (peer->cluster < 0) {
		answer_self(peer, command);
		return;
	}
	if (strcasecmp(command->words[0], "CLIENT") == 0 && strncasecmp(command->words[1], "SET", 3) == 0) {
		put(&peer->out, "+OK\r\n");
		return;
	}
	if (!is_question(command)) {
		changing++;
		fprintf(stderr, "stub: changing: %s %s\n", command->words[0], command->words[1]);
		put(&peer->out, "-ERR the stub changes nothing\r\n");
		return;
	}
	const struct text *said = say(peer, command);
	if (!said) {
		unknown++;
		fprintf(stderr, "stub: unknown: %s %s\n", command->words[0], command->words[1]);
		put(&peer->out, "-ERR not recorded\r\n");
		return;
	}
	if (strcasecmp(command->words[0], "CLUSTER") == 0 && strcasecmp(command->words[1], "NODES") == 0)
		looked_at(&nodes[peer->cluster][peer->member]);
	text_add(&peer->out, said->at, said->n);
}

static void peer_free(struct peer *peer)
{
	close(peer->fd);
	free(peer->in.at);
	free(peer->out.at);
	free(peer);
	open_now--;
}

static void watch(struct peer *peer, int how, uint32_t events)
{
	epoll_ctl(epoll_fd, how, peer->fd, &(struct epoll_event){ .events = events, .data.ptr = peer });
}

/* false: the connection is over. */
static bool flush(struct peer *peer)
{
	while (peer->written < peer->out.n) {
		ssize_t n = send(peer->fd, peer->out.at + peer->written, peer->out.n - peer->written, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN) {
			watch(peer, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
			return true;
		}
		if (n <= 0)
			return false;
		peer->written += (size_t)n;
	}
	if (peer->written > 0)
		watch(peer, EPOLL_CTL_MOD, EPOLLIN);
	peer->written = peer->out.n = 0;
	return true;
}

static bool serve(struct peer *peer)
{
	char buf[16384];
	ssize_t got = recv(peer->fd, buf, sizeof buf, 0);
	if (got < 0 && errno == EAGAIN)
		return flush(peer);
	if (got <= 0)
		return false;
	text_add(&peer->in, buf, (size_t)got);
	size_t at = 0;
	struct command command;
	while (command_read(peer->in.at + at, peer->in.n - at, &command)) {
		answer(peer, &command);
		at += command.wire_n;
	}
	memmove(peer->in.at, peer->in.at + at, peer->in.n - at + 1);
	peer->in.n -= at;
	return flush(peer);
}

/* Which node is asked? By the address that was connected to. */
static bool which_node(struct peer *peer)
{
	struct sockaddr_in own;
	socklen_t n = sizeof own;
	if (getsockname(peer->fd, (struct sockaddr *)&own, &n) != 0)
		return false;
	uint32_t ip = ntohl(own.sin_addr.s_addr);
	peer->cluster = (int)((ip >> 16 & 255) - 16) * 250 + (int)(ip >> 8 & 255);
	peer->member = (int)(ip & 255) - 1;
	if (ip == INADDR_LOOPBACK) {
		peer->cluster = -1;
		return true;
	}
	if (ip >> 24 != 127 || peer->cluster < 0 || peer->cluster >= CLUSTERS_MAX || peer->member < 0 ||
	    peer->member >= n_members)
		return false;
	if (!nodes[peer->cluster])
		nodes[peer->cluster] = calloc((size_t)n_members, sizeof **nodes);
	return nodes[peer->cluster] != NULL;
}

static void take_connections(int listener)
{
	int fd, on = 1;
	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		fcntl(fd, F_SETFL, O_NONBLOCK);
		struct peer *peer = calloc(1, sizeof *peer);
		if (!peer)
			die("memory");
		peer->fd = fd;
		connects++;
		open_now++;
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
		if (which_node(peer))
			watch(peer, EPOLL_CTL_ADD, EPOLLIN);
		else
			peer_free(peer);
	}
	if (errno == EMFILE || errno == ENFILE)
		die("too few descriptors");
}

static int listen_on_loopback(void)
{
	struct sockaddr_in any = { .sin_family = AF_INET,
				   .sin_addr.s_addr = htonl(INADDR_ANY),
				   .sin_port = htons((uint16_t)port) };
	int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Bound to the device, no other machine reaches it; where that is not allowed, which_node sends strangers away.
	 */
	setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof any) != 0 || listen(fd, 4096) != 0)
		die("listening");
	return fd;
}

static int connect_to(int server_port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				  .sin_port = htons((uint16_t)server_port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
		die("connecting to a server to record from");
	return fd;
}

int main(int argc, char **argv)
{
	if (argc < 3 || argc > 2 + MEMBERS_MAX) {
		fprintf(stderr, "stub PORT SERVER_PORT...\n");
		return 2;
	}
	struct rlimit limit;
	getrlimit(RLIMIT_NOFILE, &limit);
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	port = atoi(argv[1]);
	n_members = argc - 2;
	for (int m = 0; m < n_members; m++) {
		server_ports[m] = atoi(argv[2 + m]);
		servers[m] = connect_to(server_ports[m]);
	}
	int listener = listen_on_loopback();
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	epoll_ctl(epoll_fd, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN });
	for (;;) {
		struct epoll_event events[256];
		int n = epoll_wait(epoll_fd, events, 256, -1);
		for (int i = 0; i < n; i++) {
			struct peer *peer = events[i].data.ptr;
			if (!peer)
				take_connections(listener);
			else if (!serve(peer))
				peer_free(peer);
		}
	}
}
