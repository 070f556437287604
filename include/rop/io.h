/* io.h - small things about folders and open files that more than one folder needs; libc only.
 *
 * They say what failed by errno: the sentence is the caller's, who knows what the file is for.
 */
#ifndef ROP_IO_H
#define ROP_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* mkdir -p, private from the start: mode 0700, whatever the umask says. A folder that was there keeps its mode, for it
 * may be shared with other things. `path` is cut at the folder that could not be made. false: errno. */
bool rop_make_folders(char *path);

/* Reads until the end or until buf is full: `size` bytes may mean that there are more. Signals do not end it. -1:
 * errno.
 */
ssize_t rop_read_all(int fd, char *buf, size_t size);

#endif
