/* servers.c - servers that are started on this machine, each in a folder of its own. Touches none that it did not
 * start. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rop/host.h"
#include "rop/loop.h"
#include "rop/text.h"

#define WAIT_MS 10000

extern char **environ;

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

static bool runs_in(struct rop_arena *arena, pid_t pid, const char *folder)
{
	char cwd[4096], real[4096];
	ssize_t n = pid ? readlink(rop_printf(arena, "/proc/%ld/cwd", (long)pid), cwd, sizeof cwd - 1) : -1;
	if (n <= 0 || !realpath(folder, real))
		return false;
	cwd[n] = '\0';
	return strcmp(cwd, real) == 0;
}

static pid_t running(struct rop_arena *arena, const char *folder)
{
	pid_t pid = read_pid(rop_printf(arena, "%s/redis.pid", folder));
	return runs_in(arena, pid, folder) ? pid : 0;
}

bool rop_server_runs(struct rop_arena *arena, const char *folder)
{
	return running(arena, folder) != 0;
}

bool rop_server_start(struct rop_arena *arena, const char *folder, const char *conf, int port, struct rop_err *err)
{
	const char *server = getenv("REDIS_SERVER") ? getenv("REDIS_SERVER") : "redis-server";
	if (!rop_file_put(arena, folder, "redis.conf", conf, err))
		return false;
	char *argv[] = { (char *)server, rop_printf(arena, "%s/redis.conf", folder), NULL };
	pid_t pid;
	int status, failed = posix_spawnp(&pid, server, NULL, NULL, argv, environ);
	if (failed)
		return rop_fail(err, ROP_FAIL, "cannot start %s: %s\n  -> `apt-get install redis-server`", server,
				strerror(failed));
	if (waitpid(pid, &status, 0) < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return rop_fail(err, ROP_FAIL, "%s did not start on port %d; see %s/redis.log", server, port, folder);
	return true;
}

bool rop_server_remove(struct rop_arena *arena, const char *folder, int port, bool *ret_ran, struct rop_err *err)
{
	static const char *const FILES[] = { "redis.conf", "redis.log", "redis.pid", "nodes.conf", "dump.rdb" };
	pid_t pid = running(arena, folder);
	int64_t give_up = rop_boot_ms() + WAIT_MS;
	*ret_ran = pid != 0;
	if (pid && kill(pid, SIGTERM) < 0 && errno != ESRCH)
		return rop_fail(err, ROP_FAIL, "cannot stop server %ld on port %d: %s", (long)pid, port,
				strerror(errno));
	while (runs_in(arena, pid, folder)) { /* it removes its pid file first, and exits after */
		if (rop_boot_ms() > give_up)
			return rop_fail(err, ROP_FAIL, "server %ld on port %d does not stop", (long)pid, port);
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	}
	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++)
		unlink(rop_printf(arena, "%s/%s", folder, FILES[i]));
	rmdir(folder);
	return true;
}

static int in_order(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

void rop_servers_in(struct rop_arena *arena, const char *folder, const int **ret_ports, size_t *ret_n)
{
	ROP_LIST(int) ports = { 0 };
	DIR *dir = opendir(folder);
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		int64_t port;
		if (rop_int_parse(entry->d_name, 1, 65535, &port))
			*rop_push(arena, &ports) = (int)port;
	}
	if (dir)
		closedir(dir);
	if (ports.n)
		qsort(ports.at, ports.n, sizeof *ports.at, in_order);
	*ret_ports = ports.at;
	*ret_n = ports.n;
}
