/* password.c - the file that holds a password: read only when nobody else could have; or systemd's credential. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rop/io.h"
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
		return rop_fail(err, ROP_INVALID,
				"password file %s: mode %04o lets others read it; if it is that one: `chmod 600 %s`",
				path, (unsigned)st->st_mode & 07777, path);
	return true;
}

/* buf has room for two bytes more than a password may have: its newline, and one to tell that there is too much. */
static bool read_password(const char *what, int fd, char *buf, size_t size, size_t *ret_n, struct rop_err *err)
{
	ssize_t got = rop_read_all(fd, buf, size);
	if (got < 0)
		return rop_fail(err, ROP_INVALID, "%s: %s", what, strerror(errno));
	size_t n = (size_t)got;
	if (n > 0 && buf[n - 1] == '\n')
		n--;
	if (n == 0)
		return rop_fail(err, ROP_INVALID, "%s: is empty", what);
	if (n > PASSWORD_MAX)
		return rop_fail(err, ROP_INVALID, "%s: holds more than %d bytes", what, PASSWORD_MAX);
	if (memchr(buf, '\0', n))
		return rop_fail(err, ROP_INVALID, "%s: holds a NUL byte", what);
	*ret_n = n;
	return true;
}

/* O_NONBLOCK: a fifo in its place must not hang us. */
static int open_secret(const char *path)
{
	return open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK);
}

/* what: begins the error's sentence. */
static bool take_password(const char *what, int fd, char **ret_password, struct rop_err *err)
{
	char buf[PASSWORD_MAX + 2];
	size_t n = 0;
	bool ok = read_password(what, fd, buf, sizeof buf, &n, err);
	if (ok) {
		char *password = rop_malloc(n + 1);
		memcpy(password, buf, n);
		*ret_password = password;
	}
	explicit_bzero(buf, sizeof buf);
	return ok;
}

bool rop_password_load(const char *path, char **ret_password, struct rop_err *err)
{
	int fd = open_secret(path);
	if (fd < 0)
		return rop_fail(err, ROP_INVALID, "password file %s: %s", path,
				errno == ELOOP ? "is a symbolic link; name the file itself" : strerror(errno));
	struct stat st;
	ROP_OWN_TEXT what = { 0 };
	rop_text_add(&what, "password file %s", path);
	bool ok = fstat(fd, &st) == 0 ? check(path, &st, err)
				      : rop_fail(err, ROP_INVALID, "%s: %s", what.at, strerror(errno));
	ok = ok && take_password(what.at, fd, ret_password, err);
	close(fd);
	return ok;
}

/* systemd made the folder for this service alone; what a person can get wrong is the unit. */
static bool load_credential(const char *name, char **ret_password, struct rop_err *err)
{
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	if (!folder || folder[0] != '/')
		return rop_fail(err, ROP_INVALID,
				"spec.auth.credential '%s': this process was given no credentials "
				"($CREDENTIALS_DIRECTORY is not set): its unit needs "
				"LoadCredential=%s:/path/of/the/password, or name a file with passwordFile",
				name, name);
	ROP_OWN_TEXT path = { 0 };
	rop_text_add(&path, "%s/%s", folder, name);
	int fd = open_secret(path.at);
	if (fd < 0 && errno == ENOENT)
		return rop_fail(err, ROP_INVALID,
				"spec.auth.credential '%s': is not among the credentials of this service (%s): its "
				"unit needs LoadCredential=%s:/path/of/the/password, or name a file with passwordFile",
				name, folder, name);
	ROP_OWN_TEXT what = { 0 };
	rop_text_add(&what, "credential %s", path.at);
	if (fd < 0)
		return rop_fail(err, ROP_INVALID, "%s: %s", what.at, strerror(errno));
	struct stat st;
	bool ok = fstat(fd, &st) == 0 && S_ISREG(st.st_mode)
			  ? take_password(what.at, fd, ret_password, err)
			  : rop_fail(err, ROP_INVALID, "%s: is not a regular file", what.at);
	close(fd);
	return ok;
}

bool rop_topology_password(const struct rop_topology *topology, char **ret_password, struct rop_err *err)
{
	if (topology->auth_credential)
		return load_credential(topology->auth_credential, ret_password, err);
	if (topology->auth_password_file)
		return rop_password_load(topology->auth_password_file, ret_password, err);
	*ret_password = NULL;
	return true;
}

void rop_secret_free(char *secret)
{
	if (!secret)
		return;
	explicit_bzero(secret, strlen(secret));
	free(secret);
}
