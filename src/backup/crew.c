/* crew.c - the same work on many things, some at a time, each on a thread of its own. */
#include "crew.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "rop/mem.h"

#define TICK_MS 200
#define STACK_BYTES ((size_t)512 << 10)

struct crew {
	const struct crew_job *job;
	int stop, news, signals; /* descriptors: to stop; a thread has ended; a signal came */
	sigset_t waited;         /* the signals */
	pthread_mutex_t mutex;   /* the rest */
	size_t next, working;
	bool failed;
	struct rop_err first;
};

static void raise_fd(int fd)
{
	uint64_t one = 1;
	while (write(fd, &one, sizeof one) < 0 && errno == EINTR)
		;
}

int crew_stop_fd(const struct crew *crew)
{
	return crew->stop;
}

bool crew_stopped(struct crew *crew, struct rop_err *err)
{
	struct pollfd fd = { .fd = crew->stop, .events = POLLIN };
	if (poll(&fd, 1, 0) <= 0)
		return false;
	rop_fail(err, ROP_FAIL, "stopped");
	return true;
}

/* The first error is the reason; what the others say is that they were stopped. */
static void fail(struct crew *crew, const struct rop_err *err)
{
	pthread_mutex_lock(&crew->mutex);
	if (!crew->failed)
		crew->first = *err;
	crew->failed = true;
	pthread_mutex_unlock(&crew->mutex);
	raise_fd(crew->stop);
}

static bool take_next(struct crew *crew, size_t *ret_index)
{
	pthread_mutex_lock(&crew->mutex);
	bool more = crew->next < crew->job->n && !crew->failed;
	if (more)
		*ret_index = crew->next++;
	pthread_mutex_unlock(&crew->mutex);
	return more;
}

static void *run(void *arg)
{
	struct crew *crew = arg;
	for (size_t index; take_next(crew, &index);) {
		struct rop_err err = { 0 };
		if (!crew->job->work(crew->job->arg, index, crew, &err))
			fail(crew, &err);
	}
	pthread_mutex_lock(&crew->mutex);
	crew->working--;
	pthread_mutex_unlock(&crew->mutex);
	raise_fd(crew->news);
	return NULL;
}

static size_t working(struct crew *crew)
{
	pthread_mutex_lock(&crew->mutex);
	size_t n = crew->working;
	pthread_mutex_unlock(&crew->mutex);
	return n;
}

static void take_signal(struct crew *crew)
{
	struct signalfd_siginfo info;
	struct rop_err err = { 0 };
	if (read(crew->signals, &info, sizeof info) != sizeof info)
		return;
	rop_fail(&err, ROP_FAIL, info.ssi_signo == SIGINT ? "interrupted" : "told to stop");
	fail(crew, &err);
}

static void wait_for_all(struct crew *crew)
{
	while (working(crew)) {
		struct pollfd fds[2] = { { .fd = crew->news, .events = POLLIN },
					 { .fd = crew->signals, .events = POLLIN } };
		uint64_t count;
		int n = poll(fds, 2, TICK_MS);
		if (n > 0 && fds[0].revents && read(crew->news, &count, sizeof count) < 0)
			continue;
		if (n > 0 && fds[1].revents)
			take_signal(crew);
		if (crew->job->tick)
			crew->job->tick(crew->job->arg);
	}
}

static bool start(struct crew *crew, pthread_t *threads, size_t n, size_t *ret_started)
{
	pthread_attr_t attributes;
	int error = 0;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, STACK_BYTES);
	for (*ret_started = 0; *ret_started < n && !error;) {
		pthread_mutex_lock(&crew->mutex);
		crew->working++;
		pthread_mutex_unlock(&crew->mutex);
		error = pthread_create(&threads[*ret_started], &attributes, run, crew);
		if (!error)
			++*ret_started;
	}
	pthread_attr_destroy(&attributes);
	if (!error)
		return true;
	struct rop_err err = { 0 };
	pthread_mutex_lock(&crew->mutex);
	crew->working--;
	pthread_mutex_unlock(&crew->mutex);
	rop_fail(&err, ROP_FAIL, "no thread can be started: %s", strerror(error));
	fail(crew, &err);
	return false;
}

static bool open_all(struct crew *crew, struct rop_err *err)
{
	crew->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	crew->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	crew->signals = signalfd(-1, &crew->waited, SFD_CLOEXEC | SFD_NONBLOCK);
	return (crew->stop >= 0 && crew->news >= 0 && crew->signals >= 0) ||
	       rop_fail(err, ROP_FAIL, "no descriptors: %s", strerror(errno));
}

static void close_all(struct crew *crew)
{
	int fds[] = { crew->stop, crew->news, crew->signals };
	for (size_t i = 0; i < sizeof fds / sizeof *fds; i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

bool crew_run(const struct crew_job *job, struct rop_err *err)
{
	struct crew crew = { .job = job, .mutex = PTHREAD_MUTEX_INITIALIZER };
	size_t n = job->at_a_time < job->n ? job->at_a_time : job->n, started = 0;
	pthread_t *threads = rop_malloc((n + 1) * sizeof *threads);
	sigset_t before;
	sigemptyset(&crew.waited);
	sigaddset(&crew.waited, SIGINT);
	sigaddset(&crew.waited, SIGTERM);
	sigaddset(&crew.waited, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &crew.waited, &before);
	bool fine = open_all(&crew, err);
	if (fine) {
		start(&crew, threads, n, &started);
		wait_for_all(&crew);
		for (size_t i = 0; i < started; i++)
			pthread_join(threads[i], NULL);
		if (crew.failed && err)
			*err = crew.first;
		fine = !crew.failed;
	}
	close_all(&crew);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	free(threads);
	return fine;
}
