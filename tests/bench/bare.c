/* bare.c - the least that `check` can cost: read the same replies from all nodes at once, and exit.
 *
 *   bare HOST:PORT...     (addresses of this machine or numeric ones)
 *
 * Connects to all nodes concurrently, sends all commands to each in one write, and counts complete replies; it parses
 * no more of them than their length.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NODES_MAX = 1024, REPLIES = 5 };

static const char COMMANDS[] = "*2\r\n$7\r\nCLUSTER\r\n$5\r\nNODES\r\n"
			       "*2\r\n$7\r\nCLUSTER\r\n$4\r\nINFO\r\n"
			       "*2\r\n$4\r\nINFO\r\n$6\r\nserver\r\n"
			       "*2\r\n$4\r\nINFO\r\n$11\r\nreplication\r\n"
			       "*2\r\n$4\r\nINFO\r\n$8\r\nkeyspace\r\n";

struct node {
	bool sent;
	int replies;
	size_t skip; /* bytes of the current bulk still to come, its last CR LF included */
	char header[64];
	size_t header_used;
};

/* Takes received bytes; counts replies. False on anything but bulk strings and one-line replies. */
static bool node_take(struct node *node, const char *data, size_t size)
{
	while (size > 0) {
		if (node->skip > 0) {
			size_t n = size < node->skip ? size : node->skip;
			node->skip -= n;
			data += n;
			size -= n;
			if (node->skip == 0)
				node->replies++;
			continue;
		}
		if (node->header_used + 1 >= sizeof node->header && *data != '\n')
			node->header_used--; /* a long error: only its first byte matters */
		node->header[node->header_used++] = *data;
		if (*data == '\n') {
			node->header[node->header_used] = '\0';
			node->header_used = 0;
			if (*node->header == '$')
				node->skip = strtoul(node->header + 1, NULL, 10) + 2;
			else if (*node->header == '-' || *node->header == '+')
				node->replies++;
			else
				return false;
		}
		data++;
		size--;
	}
	return true;
}

int main(int argc, char **argv)
{
	static struct pollfd polls[NODES_MAX];
	static struct node nodes[NODES_MAX];
	static char buf[1 << 18];
	int n = argc - 1, open_nodes = n;

	if (n < 1 || n > NODES_MAX) {
		fputs("bare HOST:PORT...\n", stderr);
		return 2;
	}
	for (int i = 0; i < n; i++) {
		char host[64];
		struct sockaddr_in to = { .sin_family = AF_INET };
		const char *colon = strrchr(argv[i + 1], ':');
		if (!colon)
			return 2;
		snprintf(host, sizeof host, "%.*s", (int)(colon - argv[i + 1]), argv[i + 1]);
		to.sin_port = htons((unsigned short)atoi(colon + 1));
		if (inet_pton(AF_INET, host, &to.sin_addr) != 1)
			return 2;
		polls[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		polls[i].events = POLLOUT;
		if (polls[i].fd < 0 ||
		    (connect(polls[i].fd, (struct sockaddr *)&to, sizeof to) < 0 && errno != EINPROGRESS)) {
			perror(argv[i + 1]);
			return 1;
		}
	}
	while (open_nodes > 0) {
		if (poll(polls, (nfds_t)n, 5000) <= 0) {
			fputs("bare: no answer within 5 s\n", stderr);
			return 1;
		}
		for (int i = 0; i < n; i++) {
			if (polls[i].fd < 0 || !polls[i].revents)
				continue;
			if (!nodes[i].sent) {
				if (write(polls[i].fd, COMMANDS, sizeof COMMANDS - 1) != (ssize_t)sizeof COMMANDS - 1) {
					perror(argv[i + 1]);
					return 1;
				}
				nodes[i].sent = true;
				polls[i].events = POLLIN;
				continue;
			}
			ssize_t got = read(polls[i].fd, buf, sizeof buf);
			if (got < 0 && errno == EAGAIN)
				continue;
			if (got <= 0 || !node_take(&nodes[i], buf, (size_t)got)) {
				fprintf(stderr, "bare: %s: broken reply\n", argv[i + 1]);
				return 1;
			}
			if (nodes[i].replies == REPLIES) {
				close(polls[i].fd);
				polls[i].fd = -1;
				open_nodes--;
			}
		}
	}
	return 0;
}
