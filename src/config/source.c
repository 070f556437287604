/* source.c - the bytes of a declared file: read without trust, checked to be text before libyaml sees them.
 *
 * libyaml's reader gives no line for NUL or bad UTF-8, converts UTF-16, and counts NEL and U+2028 as line ends, which
 * no editor does. Here all of these are found first, so that every mark means what the person's editor means.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "documents.h"
#include "rop/io.h"
#include "rop/text.h"

static const struct rop_mark NOWHERE = { 0 };

static bool refuse(struct rop_diags *diags, struct rop_doc *doc, const char *hint, const char *what, const char *why)
{
	rop_diag_at(diags, doc, NOWHERE, 1, false, hint, rop_printf(diags->arena, "%s%s", what, why));
	return false;
}

/* O_NONBLOCK: a fifo without a writer must not hang us between the look and the open. */
static int open_regular(struct rop_doc *doc, struct rop_diags *diags)
{
	struct stat st;
	if (stat(doc->path, &st) != 0) {
		refuse(diags, doc, NULL, "cannot read the file: ", strerror(errno));
		return -1;
	}
	if (S_ISREG(st.st_mode)) {
		int fd = open(doc->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
		if (fd < 0) {
			refuse(diags, doc, NULL, "cannot read the file: ", strerror(errno));
			return -1;
		}
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return fd;
		close(fd);
	}
	refuse(diags, doc, "name a regular file", S_ISDIR(st.st_mode) ? "is a directory" : "is not a regular file", "");
	return -1;
}

static bool refuse_size(struct rop_diags *diags, struct rop_doc *doc)
{
	return refuse(diags, doc, "is this the right file?", "the file is larger than 1 MiB", "");
}

bool config_source_load(struct rop_arena *arena, struct rop_doc *doc, struct rop_diags *diags)
{
	struct stat st;
	int fd = open_regular(doc, diags);
	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && (size_t)st.st_size > CONFIG_BYTES_MAX) {
		close(fd);
		return refuse_size(diags, doc);
	}
	/* One byte more than allowed: the size may lie (it grows, or it is a file of /proc). */
	char *bytes = rop_malloc(CONFIG_BYTES_MAX + 1);
	ssize_t n = rop_read_all(fd, bytes, CONFIG_BYTES_MAX + 1);
	int why = errno;
	close(fd);
	bool ok = n >= 0 && (size_t)n <= CONFIG_BYTES_MAX;
	if (ok) {
		doc->source = rop_strndup(arena, bytes, (size_t)n);
		doc->source_n = (size_t)n;
	} else if (n < 0) {
		refuse(diags, doc, NULL, "cannot read the file: ", strerror(why));
	} else {
		refuse_size(diags, doc);
	}
	free(bytes);
	return ok;
}

/* libyaml would convert it; then no mark would fit what the person sees. */
static bool is_utf16(const char *s, size_t n)
{
	if (n >= 2 && (memcmp(s, "\xff\xfe", 2) == 0 || memcmp(s, "\xfe\xff", 2) == 0))
		return true;
	return n >= 4 && ((s[0] && !s[1] && s[2] && !s[3]) || (!s[0] && s[1] && !s[2] && s[3]));
}

static struct rop_mark mark_of(const struct rop_doc *doc, size_t offset)
{
	struct rop_mark mark = { .line = 1, .column = 1 };
	uint32_t c;
	for (size_t at = 0; at < offset; at += rop_char(doc->source + at, doc->source_n - at, &c)) {
		if (doc->source[at] == '\n')
			mark = (struct rop_mark){ .line = mark.line + 1, .column = 1 };
		else
			mark.column++;
	}
	return mark;
}

static bool refuse_at(struct rop_diags *diags, const struct rop_doc *doc, size_t offset, const char *hint,
		      const char *message)
{
	rop_diag_at(diags, doc, mark_of(doc, offset), 1, false, hint, message);
	return false;
}

static bool refuse_char(struct rop_diags *diags, const struct rop_doc *doc, size_t at, uint32_t c)
{
	if (c == 0)
		return refuse_at(diags, doc, at, "is this a text file?", "the file holds a NUL byte");
	if (c == '\r')
		return refuse_at(diags, doc, at, "end lines with a newline", "a carriage return without a newline");
	return refuse_at(diags, doc, at, "remove it: what is reviewed must be what is meant",
			 rop_printf(diags->arena, "hidden character U+%04X", (unsigned)c));
}

bool config_source_check(struct rop_doc *doc, struct rop_diags *diags)
{
	size_t bad;
	if (is_utf16(doc->source, doc->source_n))
		return refuse(diags, doc, "save it as UTF-8", "the file is UTF-16", "");
	if (doc->source_n >= 3 && memcmp(doc->source, "\xef\xbb\xbf", 3) == 0) {
		doc->source += 3;
		doc->source_n -= 3;
	}
	if (!rop_utf8_valid(doc->source, doc->source_n, &bad)) {
		const char *what = rop_printf(diags->arena, "byte 0x%02x is not valid UTF-8",
					      (unsigned)(unsigned char)doc->source[bad]);
		return refuse_at(diags, doc, bad, "save the file as UTF-8", what);
	}
	for (size_t at = 0, size; at < doc->source_n; at += size) {
		uint32_t c;
		size = rop_char(doc->source + at, doc->source_n - at, &c);
		bool crlf = c == '\r' && at + 1 < doc->source_n && doc->source[at + 1] == '\n';
		if (c != '\n' && c != '\t' && !crlf && rop_char_hidden(c))
			return refuse_char(diags, doc, at, c);
	}
	return true;
}

const char *config_beside(struct rop_arena *arena, const char *file, const char *path)
{
	if (!path || path[0] == '/')
		return path;
	const char *slash = strrchr(file, '/');
	const char *folder = slash ? rop_strndup(arena, file, (size_t)(slash - file) + 1) : ".";
	char *real = realpath(folder, NULL);
	const char *all = rop_printf(arena, "%s/%s", real ? real : folder, path);
	free(real);
	return all;
}
