/* sink.c - a file that is written once: compressed and digested on the way, under a temporary name. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zstd.h>

#include "digest.h"
#include "rop/mem.h"

#define LEVEL 1 /* the disk and the servers set the pace: measured, higher levels cost more than they save */
#define OUT_BYTES ((size_t)256 << 10)

struct sink {
	int folder, fd;
	char *where, *name, *part;
	ZSTD_CCtx *zstd; /* NULL: plain */
	struct digest *digest;
	int64_t stored;
	size_t n;
	char out[OUT_BYTES];
};

static bool cannot(const struct sink *sink, const char *what, struct rop_err *err)
{
	return rop_fail(err, ROP_FAIL, "%s %s/%s: %s", what, sink->where, sink->name, strerror(errno));
}

static void sink_free(struct sink *sink)
{
	if (sink->fd >= 0)
		close(sink->fd);
	ZSTD_freeCCtx(sink->zstd);
	digest_free(sink->digest);
	free(sink->where);
	free(sink->name);
	free(sink->part);
	free(sink);
}

bool sink_open(int folder, const char *where, const char *name, bool compress, struct sink **ret_sink,
	       struct rop_err *err)
{
	struct sink *sink = rop_malloc(sizeof *sink);
	struct rop_text part = { 0 };
	memset(sink, 0, sizeof *sink);
	rop_text_add(&part, "%s" SINK_PART, name);
	sink->folder = folder;
	sink->where = rop_heap_strdup(where);
	sink->name = rop_heap_strdup(name);
	sink->part = part.at;
	sink->digest = digest_new();
	sink->fd = openat(folder, sink->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	bool fine = sink->fd >= 0 || cannot(sink, "cannot create", err);
	if (fine && compress) {
		sink->zstd = ZSTD_createCCtx();
		fine = (sink->zstd &&
			!ZSTD_isError(ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_compressionLevel, LEVEL)) &&
			!ZSTD_isError(ZSTD_CCtx_setParameter(sink->zstd, ZSTD_c_checksumFlag, 1))) ||
		       rop_fail(err, ROP_FAIL, "zstd cannot be used");
	}
	if (!fine && sink->fd >= 0)
		unlinkat(folder, sink->part, 0);
	if (!fine) {
		sink_free(sink);
		return false;
	}
	*ret_sink = sink;
	return true;
}

static bool flush(struct sink *sink, struct rop_err *err)
{
	digest_add(sink->digest, sink->out, sink->n);
	for (size_t done = 0; done < sink->n;) {
		ssize_t n = write(sink->fd, sink->out + done, sink->n - done);
		if (n < 0 && errno != EINTR)
			return cannot(sink, "cannot write", err);
		if (n > 0)
			done += (size_t)n;
	}
	sink->stored += (int64_t)sink->n;
	sink->n = 0;
	return true;
}

static bool put_plain(struct sink *sink, const char *bytes, size_t n, struct rop_err *err)
{
	while (n) {
		size_t here = sizeof sink->out - sink->n < n ? sizeof sink->out - sink->n : n;
		memcpy(sink->out + sink->n, bytes, here);
		sink->n += here;
		bytes += here;
		n -= here;
		if (sink->n == sizeof sink->out && !flush(sink, err))
			return false;
	}
	return true;
}

static bool compress(struct sink *sink, ZSTD_inBuffer *in, ZSTD_EndDirective how, size_t *ret_left, struct rop_err *err)
{
	ZSTD_outBuffer out = { .dst = sink->out, .size = sizeof sink->out, .pos = sink->n };
	*ret_left = ZSTD_compressStream2(sink->zstd, &out, in, how);
	if (ZSTD_isError(*ret_left))
		return rop_fail(err, ROP_FAIL, "zstd: %s", ZSTD_getErrorName(*ret_left));
	sink->n = out.pos;
	return sink->n < sizeof sink->out || flush(sink, err);
}

bool sink_put(struct sink *sink, const void *bytes, size_t n, struct rop_err *err)
{
	ZSTD_inBuffer in = { .src = bytes, .size = n };
	size_t left;
	if (!sink->zstd)
		return put_plain(sink, bytes, n, err);
	while (in.pos < in.size)
		if (!compress(sink, &in, ZSTD_e_continue, &left, err))
			return false;
	return true;
}

static bool finish(struct sink *sink, struct rop_err *err)
{
	ZSTD_inBuffer none = { 0 };
	for (size_t left = sink->zstd ? 1 : 0; left;)
		if (!compress(sink, &none, ZSTD_e_end, &left, err))
			return false;
	if (!flush(sink, err))
		return false;
	if (fsync(sink->fd) != 0)
		return cannot(sink, "cannot sync", err);
	int fd = sink->fd;
	sink->fd = -1;
	if (close(fd) != 0)
		return cannot(sink, "cannot write", err);
	return renameat(sink->folder, sink->part, sink->folder, sink->name) == 0 || cannot(sink, "cannot rename", err);
}

bool sink_close(struct sink *sink, char *ret_sha256, int64_t *ret_stored, struct rop_err *err)
{
	if (!finish(sink, err)) {
		sink_drop(sink);
		return false;
	}
	digest_end(sink->digest, ret_sha256);
	*ret_stored = sink->stored;
	sink_free(sink);
	return true;
}

void sink_drop(struct sink *sink)
{
	if (!sink)
		return;
	unlinkat(sink->folder, sink->part, 0);
	sink_free(sink);
}

bool folder_sync(int folder, const char *where, struct rop_err *err)
{
	return fsync(folder) == 0 || rop_fail(err, ROP_FAIL, "cannot sync %s: %s", where, strerror(errno));
}
