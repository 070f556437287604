/* resolve.c - names to literal addresses, off the loop (libuv's threads call getaddrinfo).
 *
 * Addresses come in the order of getaddrinfo (RFC 6724), each once. Literals, IPv4 or IPv6, go the same way and come
 * back as the resolver prints them; the callback is never called before rop_resolve has returned.
 */
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "loop.h"

static void forget(struct resolving *resolving)
{
	struct resolving **at = &resolving->loop->resolving;
	while (*at != resolving)
		at = &(*at)->next;
	*at = resolving->next;
	free(resolving);
}

/* In words for a person; libuv's own for what is rare. */
static const char *reason(int status)
{
	switch (status) {
	case UV_EAI_NONAME:
	case UV_EAI_NODATA: return "there is no such name, or it has no address";
	case UV_EAI_AGAIN: return "the name servers do not answer";
	default: return uv_strerror(status);
	}
}

static void answered(uv_getaddrinfo_t *request, int status, struct addrinfo *info)
{
	struct resolving *resolving = (struct resolving *)request;
	struct rop_arena *arena = rop_arena_new();
	ROP_LIST(const char *) ips = { 0 };
	for (struct addrinfo *i = status == 0 ? info : NULL; i; i = i->ai_next) {
		char text[128]; /* with a scope: fe80::1%eth0 */
		if (getnameinfo(i->ai_addr, i->ai_addrlen, text, sizeof text, NULL, 0, NI_NUMERICHOST) != 0)
			continue;
		bool twice = false;
		for (size_t k = 0; k < ips.n; k++)
			twice |= strcmp(ips.at[k], text) == 0;
		if (!twice)
			*rop_push(arena, &ips) = rop_strdup(arena, text);
	}
	uv_freeaddrinfo(info);
	void (*found)(void *, const char *const *, size_t, const char *) = resolving->found;
	void *arg = resolving->arg;
	bool tell = !resolving->loop->closing;
	forget(resolving);
	if (status == 0 && !ips.n)
		status = UV_EAI_NODATA;
	if (tell)
		found(arg, ips.at, ips.n, ips.n ? NULL : reason(status));
	rop_arena_free(arena);
}

/* libuv refuses some names on the spot (too long, not a name): the answer still comes by callback. */
struct refusal {
	uv_timer_t handle; /* first */
	void (*found)(void *arg, const char *const *ips, size_t n, const char *why);
	void *arg;
};

static void refused(uv_timer_t *handle)
{
	struct refusal *refusal = (struct refusal *)handle;
	loop_close_handle((uv_handle_t *)handle);
	refusal->found(refusal->arg, NULL, 0, "it is not a name that can be looked up");
}

static void refuse(struct rop_loop *loop, void (*found)(void *arg, const char *const *ips, size_t n, const char *why),
		   void *arg)
{
	struct refusal *refusal = rop_malloc(sizeof *refusal);
	refusal->found = found;
	refusal->arg = arg;
	uv_timer_init(&loop->uv, &refusal->handle);
	uv_timer_start(&refusal->handle, refused, 0, 0);
}

void rop_resolve(struct rop_loop *loop, const char *host,
		 void (*found)(void *arg, const char *const *ips, size_t n, const char *why), void *arg)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct resolving *resolving = rop_malloc(sizeof *resolving);
	resolving->loop = loop;
	resolving->found = found;
	resolving->arg = arg;
	if (uv_getaddrinfo(&loop->uv, &resolving->request, answered, host, NULL, &hints) != 0) {
		free(resolving);
		refuse(loop, found, arg);
		return;
	}
	resolving->next = loop->resolving;
	loop->resolving = resolving;
}
