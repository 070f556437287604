/* paths.c - files by their names, and standard input: what is no topology, plan or database of a store's own. */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rop/host.h"
#include "rop/io.h"
#include "rop/saved_plan.h"

bool rop_is_same_file(const char *a, const char *b)
{
	struct stat x, y;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

const char *rop_full_path(struct rop_arena *arena, const char *path)
{
	char *real = realpath(path, NULL);
	const char *copy = rop_strdup(arena, real ? real : path);
	free(real);
	return copy;
}

bool rop_stdin_read(struct rop_arena *arena, const char **ret_text, struct rop_err *err)
{
	ROP_OWN_TEXT text = { 0 };
	char buf[65536];
	ssize_t n = sizeof buf;
	while (n == sizeof buf && text.n <= ROP_SAVED_TOPOLOGY_MAX) {
		n = rop_read_all(STDIN_FILENO, buf, sizeof buf);
		if (n < 0)
			return rop_fail(err, ROP_INVALID, "standard input cannot be read: %s", strerror(errno));
		rop_text_put(&text, buf, (size_t)n);
	}
	if (text.n > ROP_SAVED_TOPOLOGY_MAX)
		return rop_fail(err, ROP_INVALID, "standard input: a topology file has at most %zu MiB",
				ROP_SAVED_TOPOLOGY_MAX >> 20);
	if (text.n && memchr(text.at, '\0', text.n))
		return rop_fail(err, ROP_INVALID, "standard input holds a zero byte: it is no topology file");
	*ret_text = rop_strndup(arena, text.n ? text.at : "", text.n);
	return true;
}

bool rop_file_put(struct rop_arena *arena, const char *folder, const char *name, const char *text, struct rop_err *err)
{
	char *made = rop_strdup(arena, folder);
	if (!rop_make_folders(made))
		return rop_fail(err, ROP_FAIL, "cannot create %s: %s", made, strerror(errno));
	const char *path = rop_printf(arena, "%s/%s", folder, name);
	FILE *file = fopen(path, "we");
	bool fine = file && fputs(text, file) >= 0 && fflush(file) == 0;
	int error = errno;
	if (file)
		fclose(file);
	return fine || rop_fail(err, ROP_FAIL, "cannot write %s: %s", path, strerror(error));
}
