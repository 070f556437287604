/* outcome.h - what became of a command that was to be sent: plain data, told by the fleet, taken by the reconciler. */
#ifndef ROP_OUTCOME_H
#define ROP_OUTCOME_H

#include <stdint.h>

#define ROP_LARGE_KEY "a large key: " /* how the text of a carry begins that found one which it may not move */

enum rop_sent {
	ROP_SENT_OK,
	ROP_SENT_ERROR,   /* known not executed */
	ROP_SENT_UNKNOWN, /* no reply: nobody knows */
};

struct rop_outcome {
	enum rop_sent sent;
	const char *text; /* the error's or the reason's text, in the arena; NULL when OK */
	int64_t keys;     /* of a carry: how many were moved */
};

#endif
