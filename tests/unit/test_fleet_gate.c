/* test_fleet_gate.c - fleets that share a limit on open connections. */
#include <criterion/criterion.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "fleet_lib.h"

#define CONNECTIONS_MAX 512

/* ---- a peer that serves many at once and counts them -------------------------------------------------------- */

struct crowd {
	struct peer peer; /* its listener and its port; not its thread */
	int fds[CONNECTIONS_MAX];
	size_t n;
	_Atomic size_t most, accepted;
	_Atomic bool stop;
	pthread_t thread;
};

static bool established(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	return getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &n) == 0 && info.tcpi_state == TCP_ESTABLISHED;
}

static void crowd_count(struct crowd *crowd)
{
	int fd;
	while (crowd->n < CONNECTIONS_MAX && (fd = accept(crowd->peer.listener, NULL, NULL)) >= 0) {
		crowd->fds[crowd->n++] = fd;
		crowd->accepted++;
	}
	size_t open = 0;
	for (size_t i = 0; i < crowd->n; i++)
		open += established(crowd->fds[i]);
	if (open > crowd->most)
		crowd->most = open;
}

static bool has_data(int fd)
{
	char byte;
	return recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 1;
}

/* Answers one connection, late enough for others to come meanwhile. */
static void crowd_serve(struct crowd *crowd, size_t i)
{
	char name[256];
	int fd = crowd->fds[i];
	if (!has_data(fd)) {
		close(fd);
		crowd->fds[i] = crowd->fds[--crowd->n];
		return;
	}
	nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
	crowd_count(crowd);
	while (has_data(fd) && peer_command(&crowd->peer, fd, name, sizeof name))
		peer_answer(fd, name);
}

static void *crowd_thread(void *arg)
{
	struct crowd *crowd = arg;
	while (!crowd->stop) {
		struct pollfd fds[CONNECTIONS_MAX + 1];
		size_t n = crowd->n;
		crowd_count(crowd);
		for (size_t i = 0; i < n; i++)
			fds[i] = (struct pollfd){ .fd = crowd->fds[i], .events = POLLIN };
		fds[n] = (struct pollfd){ .fd = crowd->peer.listener, .events = POLLIN };
		if (poll(fds, n + 1, 20) <= 0)
			continue;
		for (size_t i = n; i-- > 0;)
			if (fds[i].revents)
				crowd_serve(crowd, i);
	}
	for (size_t i = 0; i < crowd->n; i++)
		close(crowd->fds[i]);
	return NULL;
}

static void nobody(struct peer *peer, int fd)
{
	(void)peer;
	(void)fd;
}

static void crowd_start(struct crowd *crowd)
{
	*crowd = (struct crowd){ 0 };
	peer_start(&crowd->peer, nobody, NULL);
	crowd->peer.stop = true; /* only its socket is wanted */
	pthread_join(crowd->peer.thread, NULL);
	fcntl(crowd->peer.listener, F_SETFL, O_NONBLOCK);
	cr_assert(listen(crowd->peer.listener, 4096) == 0);
	cr_assert(pthread_create(&crowd->thread, NULL, crowd_thread, crowd) == 0);
}

static void crowd_stop(struct crowd *crowd)
{
	crowd->stop = true;
	pthread_join(crowd->thread, NULL);
	close(crowd->peer.listener);
}

/* ---- fleets on one loop -------------------------------------------------------------------------------------- */

struct group {
	struct rop_loop *loop;
	struct rop_arena *arena;
	struct rop_gate *gate;
	int busy; /* fleets that are looking */
	int64_t began_ms;
};

struct one { /* a fleet */
	struct group *group;
	struct rop_fleet *fleet;
	size_t reached, out_of_descriptors;
	int64_t took_ms;
	int again; /* looks to follow */
};

static void group_init(struct group *group, int limit)
{
	*group = (struct group){ .loop = rop_loop_new(NULL),
				 .arena = rop_arena_new(),
				 .gate = rop_gate_new(limit),
				 .began_ms = rop_boot_ms() };
}

static void group_done(struct group *group)
{
	rop_gate_free(group->gate);
	rop_loop_free(group->loop);
	rop_arena_free(group->arena);
}

static void one_open(struct one *one, struct group *group, const int *ports, size_t n)
{
	struct rop_endpoint *endpoints = rop_alloc_n(group->arena, n, sizeof *endpoints);
	struct rop_fleet_options options = { .client_name = "redis-operator:test",
					     .connect_timeout_ms = 300,
					     .command_timeout_ms = 300,
					     .concurrency = 1000,
					     .gate = group->gate };
	for (size_t i = 0; i < n; i++)
		endpoints[i] = (struct rop_endpoint){ .address = "a node", .ip = "127.0.0.1", .port = ports[i] };
	*one = (struct one){ .group = group, .fleet = rop_fleet_new(group->loop, &options, endpoints, n) };
}

static void one_look(struct one *one);

static void one_looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct one *one = arg;
	struct group *group = one->group;
	one->reached = 0;
	for (size_t i = 0; i < n; i++)
		if (answers[i].reach == ROP_REACH_OK)
			one->reached++;
		else
			one->out_of_descriptors += !strstr(answers[i].reach_why, "did not answer");
	one->took_ms = rop_boot_ms() - group->began_ms;
	group->busy--;
	if (one->again-- > 0)
		one_look(one);
	else if (group->busy == 0)
		rop_loop_stop(group->loop);
}

static void one_look(struct one *one)
{
	one->group->busy++;
	rop_fleet_observe(one->fleet, one->group->arena, 0, NULL, 0, one_looked, one);
}

static void fill(int *ports, size_t n, int port)
{
	for (size_t i = 0; i < n; i++)
		ports[i] = port;
}

/* ---- the tests --------------------------------------------------------------------------------------------- */

Test(fleet_gate, four_fleets_of_six_never_have_more_than_three_connections_open)
{
	struct crowd crowd;
	struct group group;
	struct one ones[4];
	int ports[6];
	crowd_start(&crowd);
	group_init(&group, 3);
	fill(ports, 6, crowd.peer.port);
	for (int i = 0; i < 4; i++) {
		one_open(&ones[i], &group, ports, 6);
		ones[i].again = 2;
	}
	for (int i = 0; i < 4; i++)
		one_look(&ones[i]);
	rop_loop_run(group.loop);
	for (int i = 0; i < 4; i++) {
		cr_assert_eq(ones[i].reached, 6, "fleet %d reached %zu", i, ones[i].reached);
		rop_fleet_free(ones[i].fleet);
	}
	cr_assert_eq(crowd.most, 3, "%zu connections were open at once", crowd.most);
	group_done(&group);
	crowd_stop(&crowd);
}

Test(fleet_gate, a_limit_of_nothing_lets_one_after_the_other_through)
{
	struct crowd crowd;
	struct group group;
	struct one one;
	int ports[6];
	crowd_start(&crowd);
	group_init(&group, 0);
	fill(ports, 6, crowd.peer.port);
	one_open(&one, &group, ports, 6);
	one_look(&one);
	rop_loop_run(group.loop);
	cr_assert(one.reached == 6 && crowd.most == 1, "%zu reached, %zu at once", one.reached, crowd.most);
	rop_fleet_free(one.fleet);
	group_done(&group);
	crowd_stop(&crowd);
}

Test(fleet_gate, connections_stay_open_where_there_is_room)
{
	struct crowd crowd;
	struct group group;
	struct one ones[2];
	int ports[6];
	crowd_start(&crowd);
	group_init(&group, 12);
	fill(ports, 6, crowd.peer.port);
	for (int i = 0; i < 2; i++) {
		one_open(&ones[i], &group, ports, 6);
		ones[i].again = 4;
	}
	for (int i = 0; i < 2; i++)
		one_look(&ones[i]);
	rop_loop_run(group.loop);
	cr_assert_eq(crowd.accepted, 12, "%zu connections were made", crowd.accepted);
	for (int i = 0; i < 2; i++)
		rop_fleet_free(ones[i].fleet);
	group_done(&group);
	crowd_stop(&crowd);
}

/* Its nodes take connections and never answer: one turn of them is 300 ms. */
Test(fleet_gate, a_hung_cluster_does_not_starve_the_others)
{
	struct crowd crowd, hung;
	struct group group;
	struct one bad, good[3];
	int ports[12];
	crowd_start(&crowd);
	crowd_start(&hung);
	hung.stop = true;
	pthread_join(hung.thread, NULL);
	group_init(&group, 4);
	fill(ports, 12, hung.peer.port);
	one_open(&bad, &group, ports, 12); /* six turns of two */
	fill(ports, 6, crowd.peer.port);
	for (int i = 0; i < 3; i++)
		one_open(&good[i], &group, ports, 6);
	one_look(&bad);
	for (int i = 0; i < 3; i++)
		one_look(&good[i]);
	rop_loop_run(group.loop);
	cr_assert_eq(bad.reached, 0);
	cr_assert(bad.took_ms >= 1500, "%d ms", (int)bad.took_ms);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(good[i].reached, 6);
		cr_assert(good[i].took_ms < 300, "%d ms", (int)good[i].took_ms);
		rop_fleet_free(good[i].fleet);
	}
	rop_fleet_free(bad.fleet);
	group_done(&group);
	close(hung.peer.listener);
	crowd_stop(&crowd);
}

/* Two of them hold all there is; what is freed goes to those who have nothing. */
Test(fleet_gate, hung_clusters_that_hold_all_delay_the_others_by_one_timeout)
{
	struct crowd crowd, hung;
	struct group group;
	struct one bad[2], good[3];
	int ports[12];
	crowd_start(&crowd);
	crowd_start(&hung);
	hung.stop = true;
	pthread_join(hung.thread, NULL);
	group_init(&group, 4);
	fill(ports, 12, hung.peer.port);
	for (int i = 0; i < 2; i++) {
		one_open(&bad[i], &group, ports, 12);
		one_look(&bad[i]);
	}
	fill(ports, 6, crowd.peer.port);
	for (int i = 0; i < 3; i++) {
		one_open(&good[i], &group, ports, 6);
		one_look(&good[i]);
	}
	rop_loop_run(group.loop);
	for (int i = 0; i < 3; i++) {
		cr_assert_eq(good[i].reached, 6);
		cr_assert(good[i].took_ms < 600, "%d ms", (int)good[i].took_ms);
		rop_fleet_free(good[i].fleet);
	}
	for (int i = 0; i < 2; i++)
		rop_fleet_free(bad[i].fleet);
	group_done(&group);
	close(hung.peer.listener);
	crowd_stop(&crowd);
}

Test(fleet_gate, a_freed_fleet_leaves_its_connections_to_the_others)
{
	struct crowd crowd, hung;
	struct group group;
	struct one bad, good;
	int ports[6];
	crowd_start(&crowd);
	crowd_start(&hung);
	hung.stop = true;
	pthread_join(hung.thread, NULL);
	group_init(&group, 1);
	fill(ports, 6, hung.peer.port);
	one_open(&bad, &group, ports, 6);
	one_look(&bad);
	fill(ports, 6, crowd.peer.port);
	one_open(&good, &group, ports, 6);
	one_look(&good); /* waits: the only connection is the other's */
	rop_fleet_free(bad.fleet);
	group.busy--;
	rop_loop_run(group.loop);
	cr_assert_eq(good.reached, 6);
	cr_assert(good.took_ms < 300, "%d ms", (int)good.took_ms);
	rop_fleet_free(good.fleet);
	group_done(&group);
	close(hung.peer.listener);
	crowd_stop(&crowd);
}

/* The server hangs up between two looks: its place must not be lost for good. */
Test(fleet_gate, a_connection_closed_by_its_server_gives_its_place_back)
{
	struct crowd crowd;
	struct group group;
	struct one one;
	int ports[6];
	crowd_start(&crowd);
	group_init(&group, 2);
	fill(ports, 6, crowd.peer.port);
	one_open(&one, &group, ports, 6);
	for (int i = 0; i < 4; i++) {
		one_look(&one);
		rop_loop_run(group.loop);
		cr_assert_eq(one.reached, 6, "look %d reached %zu", i, one.reached);
		crowd.stop = true;
		pthread_join(crowd.thread, NULL); /* closes them all */
		crowd.n = 0;
		crowd.stop = false;
		cr_assert(pthread_create(&crowd.thread, NULL, crowd_thread, &crowd) == 0);
	}
	rop_fleet_free(one.fleet);
	group_done(&group);
	crowd_stop(&crowd);
}

/* What waits for a descriptor would else look like a node that has none to give. */
Test(fleet_gate, the_systems_limit_of_descriptors_is_kept)
{
	struct crowd hung;
	struct group group;
	struct one one;
	int ports[400];
	crowd_start(&hung);
	hung.stop = true;
	pthread_join(hung.thread, NULL);
	struct rlimit few = { 300, 300 };
	cr_assert(setrlimit(RLIMIT_NOFILE, &few) == 0);
	group_init(&group, 5000);
	fill(ports, 400, hung.peer.port);
	one_open(&one, &group, ports, 400);
	one_look(&one);
	rop_loop_run(group.loop);
	cr_assert_eq(one.out_of_descriptors, 0, "%zu nodes are said to be silent", one.out_of_descriptors);
	rop_fleet_free(one.fleet);
	group_done(&group);
	close(hung.peer.listener);
}
