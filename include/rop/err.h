/* err.h - an error is a code for the program and a sentence for a person.
 *
 * A function that can fail returns bool and takes `struct rop_err *err` last. On failure it has called
 * rop_fail() (made the error) or rop_wrap() (put context in front of one made below) and returns false;
 * its other outputs are untouched. The codes are the exit codes of the command line (cli.md).
 */
#ifndef ROP_ERR_H
#define ROP_ERR_H

#include <stdbool.h>
#include <stddef.h>

enum rop_code {
	ROP_OK = 0,
	ROP_FAIL = 1,        /* an error that is nobody's fault in the input: I/O, database */
	ROP_CHANGES = 2,     /* plan --detailed-exitcode: there are changes */
	ROP_INVALID = 3,     /* the file, the machine, the configuration or the arguments are wrong */
	ROP_REFUSED = 4,     /* unsafe, or needs a person's consent */
	ROP_BUSY = 5,        /* another process is changing this cluster */
	ROP_TIMEOUT = 6,     /* not converged in time */
	ROP_STALE = 7,       /* a saved plan no longer fits the world */
	ROP_UNREACHABLE = 8, /* too few views to decide */
	ROP_DENIED = 9,      /* authentication or permission */
	ROP_UNSERVED = 10,   /* status and check with --exit-code: some slots are not served */
	ROP_INTERNAL = 70,
};

struct rop_err {
	enum rop_code code;
	char text[1536];
};

/* Make an error. Always returns false, so that `return rop_fail(err, ...)` reads as one thought. err may be NULL. */
bool rop_fail(struct rop_err *err, enum rop_code code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Put context in front: "<context>: <cause>". The tail of the cause is dropped when too long, never the context. */
bool rop_wrap(struct rop_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
