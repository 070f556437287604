/* words.h - the words of the journal: kinds of writes, how they ended, what they met on their way. */
#ifndef LEDGER_WORDS_H
#define LEDGER_WORDS_H

#define KINDS(X)                    /* id, word, of a hundred writes */ \
	X(OWN, "own", 30)           /* RPUSH to a list of the worker's own */ \
	X(SHARED, "shared", 20)     /* RPUSH to a list that all workers share */ \
	X(REGISTER, "register", 15) /* SET by the key's one owner, with a growing number */ \
	X(PAIR, "pair", 15)         /* MULTI, RPUSH to two lists with one hash tag, EXEC */ \
	X(LASTING, "lasting", 10)   /* SET with PX far ahead; a key of its own each time */ \
	X(FLEETING, "fleeting", 10) /* SET with PX of some seconds */

/* clang-format off */
enum kind {
#define X(id, word, share) KIND_##id,
	KINDS(X)
#undef X
	KINDS_N
};
/* clang-format on */
extern const char *const KIND_WORDS[KINDS_N];
extern const unsigned KIND_SHARES[KINDS_N];

enum outcome {
	ACKNOWLEDGED,
	UNKNOWN, /* sent, and the reply was lost: it may be there once, or not */
	REFUSED, /* never executed: it must not be there */
	OUTCOMES_N
};
extern const char *const OUTCOME_WORDS[OUTCOMES_N];

#define DETOURS(X) \
	X(MOVED, "moved") \
	X(ASK, "ask") \
	X(TRYAGAIN, "tryagain") \
	X(DOWN, "down")           /* CLUSTERDOWN, LOADING and others that pass */ \
	X(UNREACHED, "unreached") /* no connection: nothing was sent */

/* clang-format off */
enum detour {
#define X(id, word) DETOUR_##id,
	DETOURS(X)
#undef X
	DETOURS_N
};
/* clang-format on */
extern const char *const DETOUR_WORDS[DETOURS_N];

#endif
