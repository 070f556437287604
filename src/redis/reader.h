/* reader.h - hiredis' protocol reader with limits, so that no peer can make us hold more than we are willing to. */
#ifndef REDIS_READER_H
#define REDIS_READER_H

#include <stdbool.h>
#include <stddef.h>

#include <hiredis/hiredis.h>

#if HIREDIS_MAJOR >= 1
typedef size_t reader_count;
#else
typedef int reader_count;
#endif

struct reader { /* embedded in a link; counts what one exchange brings */
	size_t bytes, elements;
	size_t begun;                        /* of the bytes: those before the reply that is being read */
	char start[8];                       /* its first bytes, to tell what a peer speaks instead */
	const char *beyond;                  /* the limit that was passed, or NULL */
	redisReplyObjectFunctions functions; /* hiredis' own, but for arrays */
	void *(*create_array)(const redisReadTask *task, reader_count n);
	char why[192];
};

/* A new connection. */
void reader_attach(struct reader *reader, redisContext *context);
/* A new exchange. */
void reader_begin(struct reader *reader);
/* An exchange is over and the connection stays: lets go of a buffer that grew big. */
void reader_settle(struct reader *reader, redisContext *context);

/* Reads once. false: closed or broken. *ret_got 0: nothing there now. */
bool reader_read(struct reader *reader, redisContext *context, size_t *ret_got);
/* The next whole reply, to be freed by the caller; NULL with *ret_why NULL: more must be read first; NULL with *ret_why
 * set: this is not the protocol, or a limit is passed. limit: of this reply's bytes; asked: the command it answers. */
redisReply *reader_next(struct reader *reader, redisContext *context, size_t limit, const char *asked,
			const char **ret_why);
/* Something has been read that was not taken. */
bool reader_unread(const redisContext *context);

#endif
