/* unpack.c - a stored snapshot read back. */
#include "unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <zstd.h>

#include "digest.h"
#include "rop/mem.h"

#define CHUNK_BYTES ((size_t)256 << 10)
#define WINDOW_LOG_MAX 27 /* of what zstd may ask for: 128 MiB; ours asks for 2 */

struct unpack {
	int fd;
	char *path;
	bool begun, ended, compressed, frame_open;
	ZSTD_DCtx *zstd;
	struct digest *digest;
	int64_t stored;
	ZSTD_inBuffer in;
	uint8_t raw[CHUNK_BYTES], out[CHUNK_BYTES];
};

static bool cannot(const struct unpack *u, const char *why, struct rop_err *err)
{
	return rop_fail(err, ROP_FAIL, "%s: %s", u->path, why);
}

bool unpack_open(const char *where, const char *name, struct unpack **ret_unpack, struct rop_err *err)
{
	struct unpack *u = rop_malloc(sizeof *u);
	struct rop_text path = { 0 };
	struct stat st;
	memset(u, 0, sizeof *u);
	rop_text_add(&path, "%s/%s", where, name);
	u->path = path.at;
	u->digest = digest_new();
	u->fd = open(u->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	bool fine = u->fd >= 0 || cannot(u, errno == ENOENT ? "it is missing" : strerror(errno), err);
	if (fine)
		fine = (fstat(u->fd, &st) == 0 && S_ISREG(st.st_mode)) || cannot(u, "it is no regular file", err);
	if (!fine) {
		unpack_close(u);
		return false;
	}
	*ret_unpack = u;
	return true;
}

void unpack_close(struct unpack *u)
{
	if (!u)
		return;
	if (u->fd >= 0)
		close(u->fd);
	ZSTD_freeDCtx(u->zstd);
	digest_free(u->digest);
	free(u->path);
	free(u);
}

/* *ret_n 0: the end. */
static bool read_raw(struct unpack *u, size_t *ret_n, struct rop_err *err)
{
	ssize_t n;
	do
		n = read(u->fd, u->raw, sizeof u->raw);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return cannot(u, strerror(errno), err);
	digest_add(u->digest, u->raw, (size_t)n);
	u->stored += n;
	u->ended = n == 0;
	*ret_n = (size_t)n;
	return true;
}

static bool begin(struct unpack *u, struct rop_err *err)
{
	static const uint8_t MAGIC[] = { 0x28, 0xb5, 0x2f, 0xfd };
	size_t n;
	if (!read_raw(u, &n, err))
		return false;
	u->begun = true;
	u->compressed = n >= sizeof MAGIC && memcmp(u->raw, MAGIC, sizeof MAGIC) == 0;
	u->in = (ZSTD_inBuffer){ .src = u->raw, .size = n };
	if (!u->compressed)
		return true;
	u->zstd = ZSTD_createDCtx();
	return (u->zstd && !ZSTD_isError(ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, WINDOW_LOG_MAX))) ||
	       cannot(u, "zstd cannot be used", err);
}

static ptrdiff_t more_plain(struct unpack *u, const uint8_t **ret_at, struct rop_err *err)
{
	size_t n = u->in.size - u->in.pos;
	if (n == 0 && !u->ended && !read_raw(u, &n, err))
		return -1;
	u->in = (ZSTD_inBuffer){ .src = u->raw };
	*ret_at = u->raw;
	return (ptrdiff_t)n;
}

static ptrdiff_t more_compressed(struct unpack *u, const uint8_t **ret_at, struct rop_err *err)
{
	ZSTD_outBuffer out = { .dst = u->out, .size = sizeof u->out };
	while (out.pos == 0) {
		if (u->in.pos == u->in.size) {
			size_t n;
			if (u->ended || !read_raw(u, &n, err))
				return u->ended ? 0 : -1;
			u->in = (ZSTD_inBuffer){ .src = u->raw, .size = n };
			if (n == 0 && u->frame_open)
				return cannot(u, "it is cut short", err) ? 0 : -1;
			if (n == 0)
				return 0;
		}
		size_t left = ZSTD_decompressStream(u->zstd, &out, &u->in);
		if (ZSTD_isError(left))
			return cannot(u, ZSTD_getErrorName(left), err) ? 0 : -1;
		u->frame_open = left != 0;
	}
	*ret_at = u->out;
	return (ptrdiff_t)out.pos;
}

ptrdiff_t unpack_more(void *arg, const uint8_t **ret_at, struct rop_err *err)
{
	struct unpack *u = arg;
	if (!u->begun && !begin(u, err))
		return -1;
	return u->compressed ? more_compressed(u, ret_at, err) : more_plain(u, ret_at, err);
}

bool unpack_end(struct unpack *u, char *ret_sha256, int64_t *ret_stored, struct rop_err *err)
{
	const uint8_t *rest;
	ptrdiff_t n = unpack_more(u, &rest, err);
	if (n != 0)
		return n > 0 ? cannot(u, "there is more in it than a snapshot", err) : false;
	digest_end(u->digest, ret_sha256);
	*ret_stored = u->stored;
	return true;
}
