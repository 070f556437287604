/* saved_plan_file.c - a saved plan as a file: written whole and private, recognised by its content. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "saved_plan.h"

#define BLANK " \t\r\n"

/* ---- reading ----------------------------------------------------------------------------------------------- */

static bool read_all(int fd, struct rop_text *ret)
{
	char buf[65536];
	ssize_t n;
	while (ret->n <= SAVED_PLAN_MAX && (n = read(fd, buf, sizeof buf)) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		rop_text_put(ret, buf, (size_t)n);
		size_t blank = strspn(ret->at, BLANK);
		if (blank < ret->n && ret->at[blank] != '{')
			break; /* something else */
	}
	return true;
}

/* A topology may be written as a flow mapping or as JSON, which begins like a plan: only a plan has a "format". */
static bool says_so(const struct rop_text *text)
{
	return text->n && text->at[strspn(text->at, BLANK)] == '{' && memmem(text->at, text->n, "\"format\"", 8);
}

bool saved_plan_read(struct rop_arena *arena, const char *path, const char **ret_bytes, size_t *ret_n, struct rop_err *err)
{
	ROP_OWN_TEXT text = { 0 };
	struct stat st;
	*ret_bytes = NULL;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return true;
	bool read = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && read_all(fd, &text);
	close(fd);
	if (!read || !says_so(&text))
		return true;
	if (text.n > SAVED_PLAN_MAX)
		return rop_fail(err, ROP_INVALID, "%s: a saved plan has at most %zu MiB", path, SAVED_PLAN_MAX >> 20);
	*ret_bytes = rop_strndup(arena, text.at, text.n); /* NUL bytes are kept: the parser refuses them */
	*ret_n = text.n;
	return true;
}

/* ---- writing ----------------------------------------------------------------------------------------------- */

static bool write_all(int fd, const char *bytes, size_t n)
{
	while (n) {
		ssize_t done = write(fd, bytes, n);
		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		bytes += done;
		n -= (size_t)done;
	}
	return fchmod(fd, 0600) == 0 && fsync(fd) == 0;
}

static bool may_replace(const char *path, struct rop_err *err)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT || rop_fail(err, ROP_FAIL, "cannot write the plan %s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode))
		return true;
	return rop_fail(err, ROP_INVALID, "cannot write the plan %s: it is %s, and only a regular file is replaced; name another", path,
			S_ISLNK(st.st_mode) ? "a symbolic link" : S_ISDIR(st.st_mode) ? "a folder" : "no regular file");
}

static void sync_folder(const char *path)
{
	const char *slash = strrchr(path, '/');
	ROP_OWN_TEXT folder = { 0 };
	rop_text_put(&folder, slash ? path : ".", slash ? (size_t)(slash - path) + 1 : 1);
	int fd = open(folder.at, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd); /* the file is whole whether or not its name survives a power cut */
	close(fd);
}

/* A file of its own beside it, then renamed: rename(2) replaces a link that came meanwhile, and never follows it. */
bool saved_plan_write(const char *path, const char *bytes, size_t n, struct rop_err *err)
{
	if (n > SAVED_PLAN_MAX)
		return rop_fail(err, ROP_FAIL, "the plan has %zu MiB, and a saved plan at most %zu; apply the topology itself", n >> 20,
				SAVED_PLAN_MAX >> 20);
	if (!may_replace(path, err))
		return false;
	ROP_OWN_TEXT beside = { 0 };
	rop_text_add(&beside, "%s.XXXXXX", path);
	int fd = mkostemp(beside.at, O_CLOEXEC);
	if (fd < 0)
		return rop_fail(err, ROP_FAIL, "cannot write the plan %s: %s", path, strerror(errno));
	bool written = write_all(fd, bytes, n);
	int error = errno;
	if (close(fd) != 0 && written) {
		written = false;
		error = errno;
	}
	if (written && rename(beside.at, path) == 0) {
		sync_folder(path);
		return true;
	}
	error = written ? errno : error;
	unlink(beside.at);
	return rop_fail(err, ROP_FAIL, "cannot write the plan %s: %s", path, strerror(error));
}
