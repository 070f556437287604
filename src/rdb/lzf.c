/* lzf.c - LibLZF's format: runs of bytes as they are, and "again what stood there". */
#include "lzf.h"

#include <string.h>

struct expanding {
	const uint8_t *at, *end;
	uint8_t *to;
	size_t done, size;
};

static bool literal(struct expanding *e, size_t n)
{
	if ((size_t)(e->end - e->at) < n || e->size - e->done < n)
		return false;
	memcpy(e->to + e->done, e->at, n);
	e->at += n;
	e->done += n;
	return true;
}

/* It may reach into what it writes itself. */
static bool again(struct expanding *e, unsigned control)
{
	size_t n = control >> 5, back = (size_t)(control & 31) << 8;
	if (n == 7) {
		if (e->at == e->end)
			return false;
		n += *e->at++;
	}
	if (e->at == e->end)
		return false;
	back += (size_t)*e->at++ + 1;
	n += 2;
	if (back > e->done || e->size - e->done < n)
		return false;
	for (; n; n--, e->done++)
		e->to[e->done] = e->to[e->done - back];
	return true;
}

bool lzf_expand(const uint8_t *from, size_t n, uint8_t *to, size_t size)
{
	if (!n) /* FROM may be NULL */
		return !size;
	struct expanding e = { .at = from, .end = from + n, .to = to, .size = size };
	while (e.at < e.end) {
		unsigned control = *e.at++;
		if (!(control < 32 ? literal(&e, control + 1) : again(&e, control)))
			return false;
	}
	return e.done == size;
}
