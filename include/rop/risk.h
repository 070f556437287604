/* risk.h - what a step may cost in data: a pure function of (step, situation), and the consent of a person to it.
 *
 * Every kind of step has a risk (src/policy/risk.c, a switch without default), and every step passes one guard before
 * it is planned: policy_add. A loss passes only with consent that names it (safety.md, "Risk is a pure function of a
 * step").
 */
#ifndef ROP_RISK_H
#define ROP_RISK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rop/err.h"
#include "rop/mem.h"

/* clang-format off */
#define ROP_RISK_KINDS(X) X(NONE, "none") X(DURABILITY, "durability") X(LOSS, "loss")
enum rop_risk_kind { /* from harmless to worst */
#define X(id, name) ROP_RISK_##id,
	ROP_RISK_KINDS(X)
#undef X
	ROP_RISK_KINDS_N
};
/* clang-format on */
const char *rop_risk_kind_name(enum rop_risk_kind kind);

struct rop_risk {
	enum rop_risk_kind kind;
	const char *what; /* one word: "slots", "copy", "evict", "persistence", "emptied", "takeover"; NULL with NONE */
	int shard;        /* from 1; 0: none */
	const char *slots;  /* rop_slots_text of what is at stake; NULL */
	int64_t keys;       /* at stake, counted last; -1 unknown */
	const char *copies; /* "id id ..." of those that hold or held it, sorted; part of the digest; NULL */
	const char *nodes;  /* their addresses, for people; NULL */
	const char *text;   /* the whole sentence; NULL with NONE */
};

#define ROP_RISK_EMPTIED "emptied" /* of no step: it has happened, and a person is to give the keys up */

/* A list of losses, each once. The digest is over kinds, shards, slots and copies, not over counts of keys: 8 hex
 * digits. */
struct rop_losses {
	ROP_LIST(struct rop_risk) list;
	char digest[9];
};

/* What a person consented to, for one run: the losses that had this digest when it was first met; later ones are
 * covered as far as they are part of those. NULL list until then. */
struct rop_consent {
	const char *digest;
	struct rop_losses taken;
};

/* CLUSTER@DIGEST, or CLUSTER alone (*ret_digest NULL), as a person gives it on the command line. */
bool rop_consent_parse(struct rop_arena *arena, const char *word, const char *cluster, const char **ret_digest,
		       struct rop_err *err);

#endif
