/* files.c - the folder and the file of a database: where they may be, who may read them. Never opens the database:
 * closing any descriptor of it would drop the locks that SQLite holds on it for this process. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "inner.h"
#include "rop/io.h"

/* Numbers from statfs(2). Locks and syncs cannot be relied upon there. */
const char *store_network_name(unsigned long magic)
{
	static const struct {
		unsigned long magic;
		const char *name;
	} NETWORK[] = {
		{ 0x6969, "NFS" },      { 0x01021997, "9P" },     { 0x65735546, "FUSE" }, { 0x517b, "SMB" },
		{ 0xff534d42, "CIFS" }, { 0xfe534d42, "SMB2" },   { 0x5346414f, "AFS" },  { 0x73757245, "Coda" },
		{ 0x00c36400, "Ceph" }, { 0x0bd00bd0, "Lustre" },
	};
	for (size_t i = 0; i < sizeof NETWORK / sizeof *NETWORK; i++)
		if (NETWORK[i].magic == (magic & 0xffffffff))
			return NETWORK[i].name;
	return NULL;
}

static bool make_folders(char *folder, struct rop_err *err)
{
	return rop_make_folders(folder) ||
	       rop_fail(err, ROP_FAIL, "the folder %s cannot be made: %s. Name another place with --state", folder,
			strerror(errno));
}

static bool check_folder(const char *folder, bool make, struct rop_err *err)
{
	struct statfs fs;
	struct stat st;
	if (stat(folder, &st) != 0 || statfs(folder, &fs) != 0)
		return rop_fail(err, ROP_FAIL, "the folder %s: %s", folder, strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return rop_fail(err, ROP_FAIL, "%s is not a folder. Name another place with --state", folder);
	const char *network = store_network_name((unsigned long)fs.f_type);
	if (network)
		return rop_fail(err, ROP_FAIL,
				"the folder %s is on %s, where locks and syncs cannot be relied upon. Name a place on "
				"a local disk with --state",
				folder, network);
	if (make && faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) != 0)
		return rop_fail(err, ROP_FAIL,
				"the folder %s cannot be written: %s. Run as its owner, or name another place with "
				"--state",
				folder, strerror(errno));
	return true;
}

static char *folder_of(const char *path, const char *slash)
{
	if (!slash)
		return rop_heap_strdup(".");
	return slash == path ? rop_heap_strdup("/") : rop_heap_strndup(path, (size_t)(slash - path));
}

bool store_folder(const char *path, bool make, char **ret_folder, struct rop_err *err)
{
	const char *slash = strrchr(path, '/');
	if (!path[0] || (slash && !slash[1]))
		return rop_fail(err, ROP_FAIL, "'%s' does not name a file", path);
	char *folder = folder_of(path, slash);
	bool ok = !make || make_folders(folder, err);
	/* SQLite refuses symbolic links anywhere in the path when asked to; only the file itself must be none. */
	char *resolved = ok ? realpath(folder, NULL) : NULL;
	if (ok && !resolved && (make || (errno != ENOENT && errno != ENOTDIR)))
		ok = rop_fail(err, ROP_FAIL, "the folder %s: %s", folder, strerror(errno));
	if (resolved)
		ok = check_folder(resolved, make, err);
	free(folder);
	if (!ok) {
		free(resolved);
		return false;
	}
	*ret_folder = resolved;
	return true;
}

/* Root beside the service: what root makes in the service's folder belongs to the service, or it could not go on.
 * SQLite does the same with its journal. What is given away is the open file, for its name may stand for another one by
 * now: the folder is the service's. */
void store_give_away(int fresh_fd, const char *fresh)
{
	struct stat st;
	const char *slash = strrchr(fresh, '/');
	if (geteuid() != 0 || !slash)
		return;
	char *folder = rop_heap_strndup(fresh, (size_t)(slash - fresh));
	if (stat(*folder ? folder : "/", &st) == 0 && st.st_uid != 0 &&
	    fchownat(fresh_fd, "", st.st_uid, st.st_gid, AT_EMPTY_PATH) != 0)
		errno = 0; /* then it is root's, as it would have been */
	free(folder);
}

/* O_PATH: nothing is opened that could be read, so that closing it drops no lock. -1: under that name there is no empty
 * file of ours, with no other name. */
static int open_fresh(const char *file)
{
	struct stat st;
	int fd = open(file, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() && st.st_nlink == 1 &&
	    st.st_size == 0)
		return fd;
	if (fd >= 0)
		close(fd);
	return -1;
}

static void finish_fresh(const char *file)
{
	char of_fd[32];
	int fd = open_fresh(file);
	if (fd < 0)
		return;
	snprintf(of_fd, sizeof of_fd, "/proc/self/fd/%d", fd);
	chmod(of_fd, 0600); /* whatever the umask took away */
	store_give_away(fd, file);
	close(fd);
}

/* mknod, not open: it makes an empty file without a descriptor, never follows a link, and the mode is right from the
 * first moment. SQLite gives its journal the mode of the database. */
static bool make_file(const char *file, const char *path, struct rop_err *err)
{
	if (mknod(file, S_IFREG | 0600, 0) == 0) {
		finish_fresh(file);
		return true;
	}
	if (errno == EEXIST) /* another process was faster */
		return true;
	return rop_fail(err, ROP_FAIL, "the database %s cannot be made: %s", path, strerror(errno));
}

bool store_file(const char *file, const char *path, bool make, bool *ret_exists, struct rop_err *err)
{
	struct stat st;
	if (lstat(file, &st) != 0) {
		if (errno != ENOENT)
			return rop_fail(err, ROP_FAIL, "the database %s: %s", path, strerror(errno));
		*ret_exists = make;
		return !make || make_file(file, path, err);
	}
	if (S_ISLNK(st.st_mode))
		return rop_fail(err, ROP_FAIL,
				"the database %s is a symbolic link, which is not followed. Name the file itself with "
				"--state",
				path);
	if (!S_ISREG(st.st_mode))
		return rop_fail(err, ROP_FAIL, "the database %s is not a regular file. Name another one with --state",
				path);
	if (make && (st.st_mode & 0077) && st.st_uid == geteuid())
		chmod(file, 0600);
	*ret_exists = true;
	return true;
}

/* For a finished copy that no SQLite connection has open. */
bool store_sync_file(const char *file, struct rop_err *err)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	bool ok = fd >= 0 && fsync(fd) == 0;
	if (!ok)
		rop_fail(err, ROP_FAIL, "%s: %s", file, strerror(errno));
	if (fd >= 0)
		close(fd);
	return ok;
}
