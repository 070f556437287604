/* words.h - of this folder: what the vocabularies of the machines are written with. */
#ifndef ROP_POLICY_WORDS_H
#define ROP_POLICY_WORDS_H

#include "policy.h"

/* What the words of a file are about: on(subject). */
#define WORDS_ON(type) \
	static const type *on(const void *subject) \
	{ \
		return subject; \
	}

/* The fact is_FIELD: a flag that the assessment filled in. */
#define WORDS_FLAG(field) \
	static bool is_##field(const void *subject, const int64_t *args) \
	{ \
		(void)args; \
		return on(subject)->field; \
	}

/* Of FACTS and ACTIONS, both arrays. */
#define WORDS_VOCABULARY(name, facts_, actions_) \
	static const struct rop_vocabulary name = { \
		.facts = facts_, \
		.n_facts = sizeof(facts_) / sizeof *(facts_), \
		.actions = actions_, \
		.n_actions = sizeof(actions_) / sizeof *(actions_), \
	}

#endif
