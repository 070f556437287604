/* saved_plan_file.c - a saved plan as a file: written whole and private, recognised by its content. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rop/host.h"
#include "rop/io.h"
#include "rop/saved_plan.h"

#define BLANK " \t\r\n"

/* ---- reading ----------------------------------------------------------------------------------------------- */

static bool read_more(int fd, struct rop_text *ret, bool *ret_end)
{
	char buf[65536];
	ssize_t n = rop_read_all(fd, buf, sizeof buf);
	*ret_end = n < (ssize_t)sizeof buf;
	if (n > 0)
		rop_text_put(ret, buf, (size_t)n);
	return n >= 0;
}

static bool begins_otherwise(const struct rop_text *text)
{
	size_t blank = text->n ? strspn(text->at, BLANK) : 0;
	return blank < text->n && text->at[blank] != '{';
}

/* A topology may be written as a flow mapping or as JSON, which begins like a plan: only a plan has a "format". */
static bool says_so(const struct rop_text *text)
{
	return text->n && text->at[strspn(text->at, BLANK)] == '{' && memmem(text->at, text->n, "\"format\"", 8);
}

static int open_file(const char *path, struct stat *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd >= 0 && fstat(fd, ret) == 0)
		return fd;
	int error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	return -1;
}

/* Whoever can write to a file decides what is done with the caller's password and rights. What is asked about is the
 * open file: its name may stand for another one by now. */
static bool is_ours_alone(const struct stat *st, const char *path, const char *what, struct rop_err *err)
{
	struct stat link;
	if (lstat(path, &link) != 0)
		return rop_fail(err, ROP_INVALID, "%s: cannot be looked at: %s", path, strerror(errno));
	if (S_ISLNK(link.st_mode) || !S_ISREG(st->st_mode))
		return rop_fail(err, ROP_INVALID, "%s is %s: %s must be a regular file, named by its own path", path,
				S_ISLNK(link.st_mode) ? "a symbolic link" : "no regular file", what);
	if (link.st_dev != st->st_dev || link.st_ino != st->st_ino)
		return rop_fail(err, ROP_INVALID, "%s was replaced while it was being read; try again", path);
	if (st->st_uid != geteuid() && st->st_uid != 0)
		return rop_fail(err, ROP_INVALID,
				"%s belongs to another user (uid %u): %s is taken only from you or root\n  -> look "
				"through it and plan again yourself",
				path, (unsigned)st->st_uid, what);
	if (st->st_mode & (S_IWGRP | S_IWOTH))
		return rop_fail(err, ROP_INVALID,
				"%s may be written to by others (mode %04o): %s is taken only where nobody else can "
				"change it\n  -> look through it, then: `chmod go-w %s`",
				path, (unsigned)st->st_mode & 07777, what, path);
	return true;
}

bool rop_plan_file_read(struct rop_arena *arena, const char *path, const char **ret_bytes, size_t *ret_n,
			struct rop_err *err)
{
	ROP_OWN_TEXT text = { 0 };
	struct stat st;
	bool end = false, read = true;
	*ret_bytes = NULL;
	int fd = open_file(path, &st);
	if (fd < 0)
		return true;
	if (!S_ISREG(st.st_mode))
		end = true;
	while (read && !end && text.n <= ROP_SAVED_PLAN_MAX && !begins_otherwise(&text))
		read = read_more(fd, &text, &end);
	close(fd);
	if (!read || !says_so(&text))
		return true;
	if (!is_ours_alone(&st, path, "a saved plan", err))
		return false;
	if (text.n > ROP_SAVED_PLAN_MAX)
		return rop_fail(err, ROP_INVALID, "%s: a saved plan has at most %zu MiB", path,
				ROP_SAVED_PLAN_MAX >> 20);
	*ret_bytes = rop_strndup(arena, text.at, text.n); /* NUL bytes are kept: the parser refuses them */
	*ret_n = text.n;
	return true;
}

bool rop_plan_file_topology(struct rop_arena *arena, const char *path, const char **ret_source, struct rop_err *err)
{
	ROP_OWN_TEXT text = { 0 };
	struct stat st;
	bool end = false, read = true;
	*ret_source = NULL;
	if (lstat(path, &st) != 0 && (errno == ENOENT || errno == ENOTDIR))
		return true; /* a link to nothing is not gone */
	int fd = open_file(path, &st);
	if (fd < 0)
		return rop_fail(err, ROP_INVALID, "%s: cannot be read: %s", path, strerror(errno));
	bool ours = is_ours_alone(&st, path, "the topology file of a saved plan", err);
	while (ours && read && !end && text.n <= ROP_SAVED_TOPOLOGY_MAX)
		read = read_more(fd, &text, &end);
	close(fd);
	if (!ours)
		return false;
	const char *wrong = NULL;
	if (!read)
		wrong = strerror(errno);
	else if (text.n > ROP_SAVED_TOPOLOGY_MAX)
		wrong = "it is too large";
	else if (text.n && memchr(text.at, '\0', text.n))
		wrong = "it holds a zero byte";
	if (wrong)
		return rop_fail(err, ROP_INVALID, "%s: cannot be read as a topology file: %s", path, wrong);
	*ret_source = rop_strndup(arena, text.n ? text.at : "", text.n);
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

static const char *kind_of_file(mode_t mode)
{
	if (S_ISLNK(mode))
		return "a symbolic link";
	return S_ISDIR(mode) ? "a folder" : "no regular file";
}

/* Only a plan of ours is written over: whatever else is there is somebody's. */
static bool is_plan(const char *path)
{
	ROP_OWN_TEXT text = { 0 };
	struct stat st;
	bool end = false, read = true;
	int fd = open_file(path, &st);
	if (fd < 0)
		return false;
	while (read && !end && text.n <= ROP_SAVED_PLAN_MAX && !begins_otherwise(&text))
		read = read_more(fd, &text, &end);
	close(fd);
	return read && says_so(&text);
}

static bool may_replace(const char *path, struct rop_err *err)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return errno == ENOENT ||
		       rop_fail(err, ROP_FAIL, "cannot write the plan %s: %s", path, strerror(errno));
	if (S_ISREG(st.st_mode) && (st.st_size == 0 || is_plan(path)))
		return true;
	if (S_ISREG(st.st_mode))
		return rop_fail(err, ROP_INVALID,
				"cannot write the plan %s: that file is there, and is no saved plan; name another",
				path);
	return rop_fail(err, ROP_INVALID,
			"cannot write the plan %s: it is %s, and only a regular file is replaced; name another", path,
			kind_of_file(st.st_mode));
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
bool rop_plan_file_write(const char *path, const char *bytes, size_t n, struct rop_err *err)
{
	if (n > ROP_SAVED_PLAN_MAX)
		return rop_fail(err, ROP_FAIL,
				"the plan has %zu MiB, and a saved plan at most %zu; apply the topology itself",
				n >> 20, ROP_SAVED_PLAN_MAX >> 20);
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
