/* words.c - the words of the journal. */
#include "words.h"

const char *const KIND_WORDS[KINDS_N] = {
#define X(id, word, share) word,
	KINDS(X)
#undef X
};

const unsigned KIND_SHARES[KINDS_N] = {
#define X(id, word, share) share,
	KINDS(X)
#undef X
};

const char *const OUTCOME_WORDS[OUTCOMES_N] = { "acknowledged", "unknown", "refused" };

const char *const DETOUR_WORDS[DETOURS_N] = {
#define X(id, word) word,
	DETOURS(X)
#undef X
};
