/* observe.h - what one observation asks of a node, and what its replies mean. */
#ifndef REDIS_OBSERVE_H
#define REDIS_OBSERVE_H

#include "rop/fleet.h"
#include "verdict.h"

struct redisReply;

/* What a reply answers, and which one of its kind: a setting by its place, a right by its permission. */
struct question {
	int kind;
	size_t at;
};
struct questions { /* one observation's pipeline, the same for every node */
	const char **setting_names;
	size_t n_settings;            /* asked for; 0 without ROP_OBSERVE_SETTINGS */
	bool clients, shards, memory; /* are among them */
	ROP_LIST(struct question) asked;
	const char *wire;
	size_t wire_n, n;
};

/* Owned by the arena. user: who asks; NULL: the default user. */
struct questions *questions_new(struct rop_arena *arena, unsigned flags, const char *user, const char **setting_names,
				size_t n_settings);
/* The i-th reply into the answer, texts in the arena. false: the reply makes no sense, nothing more can be believed.
 * A reply that decides on the node (no permission, not a cluster ...) sets the answer's reach; later ones do not. */
bool questions_take(const struct questions *questions, const struct verdict_login *login, struct rop_arena *arena,
		    size_t i, const struct redisReply *reply, struct rop_answer *answer, struct verdict *ret_verdict);

/* How many bytes the i-th reply may have, generously, where so many nodes are declared; and the question's name. */
size_t questions_limit(const struct questions *questions, size_t declared, size_t i, const char **ret_asked);

/* Asked of a node with n connections only after it is known that there are so few; its reply, lines of operators kept.
 * false: it does not tell. */
#define CLIENT_LIST_WIRE "*4\r\n$6\r\nCLIENT\r\n$4\r\nLIST\r\n$4\r\nTYPE\r\n$6\r\nnormal\r\n"
#define CLIENT_LIST_MAX 5000
#define CLIENT_LIST_BYTES_MAX ((size_t)8 << 20)
bool client_list_take(struct rop_arena *arena, const struct redisReply *reply, struct rop_answer *answer);

#endif
