/* password.c - the file that holds a password: read only when nobody else could have. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rop/topology.h"

#define PASSWORD_MAX 512

static bool check(const char *path, const struct stat *st, struct rop_err *err)
{
	if (!S_ISREG(st->st_mode))
		return rop_fail(err, ROP_INVALID, "password file %s: is not a regular file", path);
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return rop_fail(err, ROP_INVALID, "password file %s: belongs to user %u, not to user %u or root", path,
				(unsigned)st->st_uid, (unsigned)geteuid());
	if (st->st_mode & 07777 & ~(mode_t)0600)
		return rop_fail(err, ROP_INVALID, "password file %s: mode %04o lets others read it (run: chmod 600 %s)", path,
				(unsigned)st->st_mode & 07777, path);
	return true;
}

static ssize_t read_all(int fd, char *buf, size_t size)
{
	size_t n = 0;
	while (n < size) {
		ssize_t got = read(fd, buf + n, size - n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -1;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

/* buf has room for two bytes more than a password may have: its newline, and one to tell that there is too much. */
static bool read_password(const char *path, int fd, char *buf, size_t size, size_t *ret_n, struct rop_err *err)
{
	ssize_t got = read_all(fd, buf, size);
	if (got < 0)
		return rop_fail(err, ROP_INVALID, "password file %s: %s", path, strerror(errno));
	size_t n = (size_t)got;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	if (n == 0)
		return rop_fail(err, ROP_INVALID, "password file %s: is empty", path);
	if (n > PASSWORD_MAX)
		return rop_fail(err, ROP_INVALID, "password file %s: holds more than %d bytes", path, PASSWORD_MAX);
	if (memchr(buf, '\0', n))
		return rop_fail(err, ROP_INVALID, "password file %s: holds a NUL byte", path);
	*ret_n = n;
	return true;
}

/* O_NONBLOCK: a fifo in its place must not hang us. */
static int open_password(const char *path, struct rop_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		rop_fail(err, ROP_INVALID, "password file %s: %s", path,
			 errno == ELOOP ? "is a symbolic link; name the file itself" : strerror(errno));
	return fd;
}

bool rop_password_load(const char *path, char **ret_password, struct rop_err *err)
{
	int fd = open_password(path, err);
	if (fd < 0)
		return false;
	struct stat st;
	char buf[PASSWORD_MAX + 2];
	size_t n = 0;
	bool ok = fstat(fd, &st) == 0 ? check(path, &st, err) :
					rop_fail(err, ROP_INVALID, "password file %s: %s", path, strerror(errno));
	ok = ok && read_password(path, fd, buf, sizeof buf, &n, err);
	close(fd);
	if (ok) {
		char *password = rop_malloc(n + 1);
		memcpy(password, buf, n);
		*ret_password = password;
	}
	explicit_bzero(buf, sizeof buf);
	return ok;
}

void rop_secret_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
