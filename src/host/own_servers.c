/* own_servers.c - servers that are children of this process and end with it, however it ends; in a folder that goes
 * too.
 */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "rop/host.h"
#include "rop/text.h"

/* ---- the folder ------------------------------------------------------------------------------------------------- */

#define STALE_S 60 /* younger ones may be about to be locked */

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *walk)
{
	(void)st;
	(void)walk;
	if (type == FTW_DP || type == FTW_D)
		rmdir(path);
	else
		unlink(path);
	return 0;
}

void rop_scratch_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/* What a process left that was killed: ours, and nobody holds it any more. */
static void remove_stale(struct rop_arena *arena, const char *above, const char *name)
{
	DIR *dir = opendir(above);
	for (const struct dirent *entry; dir && (entry = readdir(dir));) {
		const char *path = rop_printf(arena, "%s/%s", above, entry->d_name);
		struct stat st;
		if (strncmp(entry->d_name, name, strlen(name)) != 0 || entry->d_name[strlen(name)] != '.')
			continue;
		int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			continue;
		if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && st.st_mtime + STALE_S < time(NULL) &&
		    flock(fd, LOCK_EX | LOCK_NB) == 0)
			rop_scratch_remove(path);
		close(fd);
	}
	if (dir)
		closedir(dir);
}

bool rop_scratch_make(struct rop_arena *arena, const char *name, const char **ret_path, struct rop_err *err)
{
	const char *above = getenv("TMPDIR") && *getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp";
	char *path = rop_printf(arena, "%s/%s.XXXXXX", above, name);
	remove_stale(arena, above, name);
	if (!mkdtemp(path))
		return rop_fail(err, ROP_FAIL, "cannot make a folder in %s: %s", above, strerror(errno));
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* held until this process ends */
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) != 0)
		return rop_fail(err, ROP_FAIL, "%s: %s", path, strerror(errno));
	*ret_path = path;
	return true;
}

/* ---- ports ------------------------------------------------------------------------------------------------------ */

#define FIRST_PORT 11000
#define BUS 10000
#define PORTS BUS /* none is another one's bus, and all are below those that outgoing connections get */
#define TRIES 1000

static bool is_free(int port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	if (fd >= 0)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	bool fine = fd >= 0 && bind(fd, (const struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0;
	if (fd >= 0)
		close(fd);
	return fine;
}

static bool is_among(const int *ports, size_t n, int port)
{
	for (size_t i = 0; i < n; i++)
		if (ports[i] == port)
			return true;
	return false;
}

bool rop_ports_free(size_t n, int *ret_ports, struct rop_err *err)
{
	size_t found = 0;
	for (int try = 0; try < TRIES && found < n; try++) {
		unsigned random;
		if (getrandom(&random, sizeof random, 0) != sizeof random)
			break;
		int port = FIRST_PORT + (int)(random % PORTS);
		if (!is_among(ret_ports, found, port) && is_free(port) && is_free(port + BUS))
			ret_ports[found++] = port;
	}
	return found == n || rop_fail(err, ROP_FAIL, "no %zu free ports on 127.0.0.1", n);
}

/* ---- a server --------------------------------------------------------------------------------------------------- */

#define LOG "log"

/* Between fork and exec: nothing but calls of the kernel. */
static void become(const char *server, const char *folder, const char *conf, pid_t parent)
{
	sigset_t none;
	int null = open("/dev/null", O_RDWR), out;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || chdir(folder) != 0)
		_exit(127);
	out = open(LOG, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(null, 0);
	dup2(out, 1);
	dup2(out, 2);
	execlp(server, server, conf, (char *)NULL);
	_exit(127);
}

bool rop_child_start(struct rop_arena *arena, const char *server, const char *folder, const char *conf,
		     struct rop_child *ret_child, struct rop_err *err)
{
	pid_t parent = getpid();
	if (!rop_file_put(arena, folder, "redis.conf", conf, err))
		return false;
	pid_t pid = fork();
	if (pid == 0)
		become(server, folder, "redis.conf", parent);
	if (pid < 0)
		return rop_fail(err, ROP_FAIL, "cannot start %s: %s", server, strerror(errno));
	*ret_child = (struct rop_child){ .pid = pid, .folder = folder };
	return true;
}

bool rop_child_runs(struct rop_child *child)
{
	if (child->pid && waitpid(child->pid, NULL, WNOHANG) == child->pid)
		child->pid = 0;
	return child->pid != 0;
}

void rop_child_end(struct rop_child *child)
{
	if (!child->pid)
		return;
	kill(child->pid, SIGKILL);
	while (waitpid(child->pid, NULL, 0) < 0 && errno == EINTR)
		;
	child->pid = 0;
}

#define TAIL 4096

const char *rop_child_last_words(struct rop_arena *arena, const struct rop_child *child)
{
	char text[TAIL + 1];
	int fd = open(rop_printf(arena, "%s/" LOG, child->folder), O_RDONLY | O_CLOEXEC);
	off_t size = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;
	off_t from = size > TAIL ? size - TAIL : 0;
	ssize_t n = size >= 0 ? pread(fd, text, TAIL, from) : -1;
	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return "it says nothing (is it a server's program?)";
	while (n > 0 && text[n - 1] == '\n')
		n--;
	text[n] = '\0';
	const char *line = strrchr(text, '\n') ? strrchr(text, '\n') + 1 : text;
	return rop_text_visible(arena, line, strlen(line), 300);
}
