/* reader.c - fuzz target: the bytes that a server sends, through the reader with its limits and the questions' replies,
 * to the situation of that node. The first byte says which questions are asked. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../src/redis/observe.h"
#include "../../src/redis/reader.h"
#include "fuzz.h"

#define INPUT_MAX ((size_t)1 << 16) /* what a socket takes at once */

struct asked {
	struct rop_arena *arena;
	struct questions *questions;
	struct rop_answer answer;
	size_t replied;
};

/* false: it ends here. */
static bool take(struct asked *a, const redisReply *reply)
{
	struct verdict verdict = { 0 };
	struct verdict_login login = { "op", "s3cret" };
	if (a->replied == a->questions->n) {
		client_list_take(a->arena, reply, &a->answer);
		return false;
	}
	return questions_take(a->questions, &login, a->arena, a->replied++, reply, &a->answer, &verdict);
}

static void read_all(struct asked *a, redisContext *context)
{
	struct reader reader = { 0 };
	reader_attach(&reader, context);
	reader_begin(&reader);
	for (size_t got = 1; reader_read(&reader, context, &got) && got > 0;) {
		redisReply *reply;
		const char *why = NULL, *asked;
		bool more = true;
		for (;;) {
			size_t limit = questions_limit(a->questions, 1, a->replied, &asked);
			reply = more ? reader_next(&reader, context, limit, asked, &why) : NULL;
			if (!reply)
				break;
			more = take(a, reply);
			freeReplyObject(reply);
		}
		if (why || !more)
			break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *names[] = { "maxmemory" };
	int pair[2];
	if (size < 1 || size > INPUT_MAX || socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair) != 0)
		return 0;
	ROP_OWN_ARENA arena = rop_arena_new();
	struct asked a = { .arena = arena };
	a.questions = questions_new(arena, data[0] & 15, NULL, names, 1);
	a.answer = (struct rop_answer){ .address = "10.0.0.1:6379", .ip = "10.0.0.1", .port = 6379, .functions = -1 };
	a.answer.settings = rop_alloc_n(arena, 1, sizeof *a.answer.settings);
	redisContext *context = redisConnectFd(pair[0]); /* owns it */
	if (context && write(pair[1], data + 1, size - 1) == (ssize_t)size - 1) {
		context->flags &= ~REDIS_BLOCK;
		read_all(&a, context);
	}
	if (context)
		redisFree(context);
	close(pair[1]);
	fuzz_assess(arena, &a.answer, 1, names, 1);
	return 0;
}
