/* loop.h - what the files of this folder share; libuv goes no further than here. */
#ifndef LOOP_LOOP_H
#define LOOP_LOOP_H

#include <uv.h>

#include "rop/loop.h"

struct resolving {
	uv_getaddrinfo_t request; /* first: what libuv hands back */
	struct rop_loop *loop;
	struct resolving *next; /* of the loop's list, so that freeing the loop can cancel it */
	void (*found)(void *arg, const char *const *ips, size_t n, const char *why);
	void *arg;
};

struct rop_loop {
	uv_loop_t uv;
	struct resolving *resolving;
	bool closing; /* being freed: nobody is called any more */
};

/* Closes a handle that is the first member of a heap struct of ours; the struct is freed once libuv let go of it. */
void loop_close_handle(uv_handle_t *handle);

#endif
