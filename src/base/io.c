/* io.c - small things about folders and open files that more than one folder needs. */
#include "rop/io.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

bool rop_make_folders(char *path)
{
	for (char *p = path + 1;; p++) {
		if (*p != '/' && *p != '\0')
			continue;
		char kept = *p;
		*p = '\0';
		bool made = mkdir(path, 0700) == 0;
		int why = errno;
		if (!made && why != EEXIST && access(path, F_OK) != 0) {
			errno = why;
			return false;
		}
		if (made)
			chmod(path, 0700); /* whatever the umask took away */
		*p = kept;
		if (!kept)
			return true;
	}
}

ssize_t rop_read_all(int fd, char *buf, size_t size)
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
