/* lock.c - one writer per cluster: a file beside the database, locked with flock() while a process changes things.
 *
 * The kernel lets go of the lock when its holder dies, so a lock file that lies about means nothing. It is never
 * unlinked: another process may have it open and would then lock a file that nobody else can find.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "inner.h"
#include "rop/text.h"

/* A holder writes its name right after it got the lock. Who looks in between waits a little, not for ever. */
#define LOOKS 20
#define LOOK_AGAIN_NS (10 * 1000 * 1000)

#define DAEMON "run.daemon" /* no cluster's name has a dot */

struct rop_lock {
	int fd; /* -1: of a database in memory, which nobody shares */
};

struct holder {
	int64_t pid, since_s;
	char command[64];
};

/* "4711 apply 1767268867": the process, what it does, since when (Unix time; shown in the reader's time zone). */
static bool parse_holder(char *line, struct holder *ret)
{
	struct holder h;
	line[strcspn(line, "\n")] = '\0';
	char *command = strchr(line, ' ');
	char *since = strrchr(line, ' ');
	if (!command || since == command)
		return false;
	*command++ = *since++ = '\0';
	if (!rop_int_parse(line, 1, INT32_MAX, &h.pid) || !rop_int_parse(since, 0, INT64_C(253402300799), &h.since_s))
		return false;
	snprintf(h.command, sizeof h.command, "%s", command);
	*ret = h;
	return true;
}

static bool read_holder(int fd, struct holder *ret)
{
	char line[128];
	ssize_t n = pread(fd, line, sizeof line - 1, 0);
	if (n <= 0)
		return false;
	line[n] = '\0';
	return strchr(line, '\n') && parse_holder(line, ret); /* without its end it is still being written */
}

static bool held(const char *cluster, const char *file, const struct holder *h, struct rop_err *err)
{
	/* Not of the database: locks lie in its folder, where there may be others. */
	const char *open = cluster ? "cluster '" : "the place of the daemon, one for all databases beside ";
	const char *name = cluster ? cluster : file, *closed = cluster ? "'" : "";
	if (!h)
		return rop_fail(err, ROP_BUSY, "%s%s%s is held by another process, which has not yet said who it is",
				open, name, closed);
	char since[32] = "?";
	time_t when = (time_t)h->since_s;
	struct tm tm;
	if (localtime_r(&when, &tm))
		strftime(since, sizeof since, "%Y-%m-%d %H:%M:%S", &tm);
	return rop_fail(err, ROP_BUSY, "%s%s%s is held by pid %lld (%s, since %s)", open, name, closed,
			(long long)h->pid, h->command, since);
}

/* Take it, or learn who has it. A name of a dead process is left from before: the new holder is about to write. */
static bool take(int fd, const char *cluster, const char *file, struct rop_err *err)
{
	struct holder h;
	bool named = false;
	for (int look = 0; look < LOOKS; look++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK && errno != EINTR)
			return rop_fail(err, ROP_FAIL, "the lock file %s: %s", file, strerror(errno));
		named = read_holder(fd, &h);
		if (named && (kill((pid_t)h.pid, 0) == 0 || errno == EPERM))
			break;
		nanosleep(&(struct timespec){ .tv_nsec = LOOK_AGAIN_NS }, NULL);
	}
	return held(cluster, file, named ? &h : NULL, err);
}

static bool sign(int fd, const char *command, const char *file, struct rop_err *err)
{
	char line[128];
	/* The one place outside loop/ that asks for the time: rop_lock_take is not given it. */
	int n = snprintf(line, sizeof line, "%ld %.60s %lld\n", (long)getpid(), command && *command ? command : "?",
			 (long long)time(NULL));
	if (ftruncate(fd, 0) != 0 || pwrite(fd, line, (size_t)n, 0) != n)
		return rop_fail(err, ROP_FAIL, "the lock file %s cannot be written: %s", file, strerror(errno));
	return true;
}

static bool open_and_take(const char *file, const char *cluster, const char *command, int *ret_fd, struct rop_err *err)
{
	int fd = open(file, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd >= 0)
		store_give_away(fd, file);
	else
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return rop_fail(err, ROP_FAIL, "the lock file %s cannot be made: %s", file, strerror(errno));
	fchmod(fd, 0600); /* whatever the umask took away */
	if (!take(fd, cluster, file, err) || !sign(fd, command, file, err)) {
		close(fd);
		return false;
	}
	*ret_fd = fd;
	return true;
}

bool rop_lock_take(const char *store_path, const char *cluster, const char *command, struct rop_lock **ret_lock,
		   struct rop_err *err)
{
	int fd = -1;
	if (cluster && (!*cluster || *cluster == '.' || strchr(cluster, '/')))
		return rop_fail(err, ROP_INVALID, "'%s' is not the name of a cluster", cluster);
	if (strcmp(store_path, ":memory:") != 0) {
		ROP_OWN_ARENA arena = rop_arena_new();
		char *folder = NULL;
		if (!store_folder(store_path, true, &folder, err))
			return false;
		const char *file = rop_printf(arena, "%s/%s.lock", folder, cluster ? cluster : DAEMON);
		free(folder);
		if (!open_and_take(file, cluster, command, &fd, err))
			return false;
	}
	struct rop_lock *lock = rop_malloc(sizeof *lock);
	lock->fd = fd;
	*ret_lock = lock;
	return true;
}

void rop_lock_release(struct rop_lock *lock)
{
	if (!lock)
		return;
	if (lock->fd >= 0) {
		if (ftruncate(lock->fd, 0) != 0) /* a stale name is no harm: the kernel knows who holds it */
			errno = 0;
		close(lock->fd);
	}
	free(lock);
}
