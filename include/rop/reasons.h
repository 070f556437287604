/* reasons.h - why a cluster is not as declared, cannot become so, or could be better: one word each, and what follows
 * from it. Their order is of no matter; the words are part of what programs read (conditions, JSON).
 */
#ifndef ROP_REASONS_H
#define ROP_REASONS_H

#include "rop/err.h"

enum rop_reason_kind {
	ROP_REASON_FORBIDS,   /* nothing may be changed while it holds */
	ROP_REASON_SHOWS,     /* not as declared yet, or not well, by what a node shows of itself */
	ROP_REASON_OPEN,      /* not as declared yet */
	ROP_REASON_SETTING,   /* a setting or version, which no run may change now: a warning of every command */
	ROP_REASON_SECOND,    /* somebody else is at work: a warning of every command that may change something */
	ROP_REASON_RIGHTS,    /* what a run is not permitted, or nobody knows: a warning of a plan */
	ROP_REASON_PLACEMENT, /* the nodes as they are declared allow no better: a warning of a plan */
};

/* X(enum, word, exit code of a run that ends with it, kind). DENIED is also one of an open point: waiting does not help
 * there; SETTING_REFUSED, UNLIKE_SERVERS and NO_CONFIG are warnings too. */
/* clang-format off */
#define ROP_REASONS(X) \
	X(DENIED,           "Denied",          ROP_DENIED,      FORBIDS) \
	X(NOT_REDIS,        "NotRedis",        ROP_REFUSED,     FORBIDS) \
	X(NOT_CLUSTER,      "NotCluster",      ROP_REFUSED,     FORBIDS) \
	X(SENTINEL,         "Sentinel",        ROP_REFUSED,     FORBIDS) \
	X(NO_COMMAND,       "NoCommand",       ROP_REFUSED,     FORBIDS) \
	X(SEVERAL_SERVERS,  "SeveralServers",  ROP_REFUSED,     FORBIDS) \
	X(SAME_NODE_ID,     "SameNodeId",      ROP_REFUSED,     FORBIDS) \
	X(LEAVES_FROM,      "LeavesFrom",      ROP_REFUSED,     FORBIDS) \
	X(ANNOUNCED,        "Announced",       ROP_REFUSED,     FORBIDS) \
	X(FOREIGN_PEER,     "ForeignPeer",     ROP_REFUSED,     FORBIDS) \
	X(REBUILT,          "Rebuilt",         ROP_REFUSED,     FORBIDS) \
	X(NOT_EMPTY,        "NotEmpty",        ROP_REFUSED,     FORBIDS) \
	X(RIVAL_CLAIMS,     "RivalClaims",     ROP_REFUSED,     FORBIDS) \
	X(IDENTITIES_LOST,  "IdentitiesLost",  ROP_REFUSED,     FORBIDS) \
	X(SEVERAL_CLUSTERS, "SeveralClusters", ROP_REFUSED,     FORBIDS) \
	X(UNKNOWN,          "Unknown",         ROP_DENIED,      FORBIDS) \
	X(TOO_MANY_SHARDS,  "TooManyShards",   ROP_REFUSED,     FORBIDS) \
	X(TOO_FEW_SHARDS,   "TooFewShards",    ROP_REFUSED,     FORBIDS) \
	X(UNKNOWN_SETTING,  "UnknownSetting",  ROP_INVALID,     FORBIDS) \
	X(TOTAL_LOSS,       "TotalLoss",       ROP_REFUSED,     FORBIDS) \
	X(DATA_LOSS,        "DataLoss",        ROP_REFUSED,     FORBIDS) \
	X(UNLIKE_SERVERS,   "UnlikeServers",   ROP_REFUSED,     FORBIDS) \
	X(NO_ROOM,          "NoRoom",          ROP_REFUSED,     FORBIDS) \
	X(FUNCTIONS_APART,  "FunctionsApart",  ROP_REFUSED,     FORBIDS) \
	X(UNREACHABLE,      "Unreachable",     ROP_UNREACHABLE, SHOWS) \
	X(SLOTS_UNCOVERED,  "SlotsUncovered",  ROP_TIMEOUT,     SHOWS) \
	X(STATE_FAIL,       "StateFail",       ROP_TIMEOUT,     SHOWS) \
	X(OPEN_SLOTS,       "OpenSlots",       ROP_TIMEOUT,     SHOWS) \
	X(NOT_ATTACHED,     "NotAttached",     ROP_TIMEOUT,     SHOWS) \
	X(TEMPORARY_WAITS,  "TemporaryWaits",  ROP_TIMEOUT,     SHOWS) \
	X(NOT_INTRODUCED,   "NotIntroduced",   ROP_TIMEOUT,     OPEN) \
	X(NOT_LINKED,       "NotLinked",       ROP_TIMEOUT,     OPEN) \
	X(VIEWS_DIFFER,     "ViewsDiffer",     ROP_TIMEOUT,     OPEN) \
	X(DOUBLE_CLAIM,     "DoubleClaim",     ROP_TIMEOUT,     OPEN) \
	X(LINK_DOWN,        "LinkDown",        ROP_TIMEOUT,     OPEN) \
	X(STEP_FAILS,       "StepFails",       ROP_TIMEOUT,     OPEN) \
	X(MOVING,           "Moving",          ROP_TIMEOUT,     OPEN) \
	X(DRAINED,          "Drained",         ROP_TIMEOUT,     OPEN) \
	X(LEAVING,          "Leaving",         ROP_TIMEOUT,     OPEN) \
	X(CANNOT_LEAVE,     "CannotLeave",     ROP_REFUSED,     OPEN) \
	X(SETTINGS,         "Settings",        ROP_TIMEOUT,     OPEN) \
	X(SETTING_REFUSED,  "SettingRefused",  ROP_TIMEOUT,     SETTING) \
	X(NO_CONFIG,        "NoConfig",        ROP_REFUSED,     SETTING) \
	X(NAMELESS,         "Nameless",        ROP_OK,          SETTING) \
	X(UNWRITTEN,        "Unwritten",       ROP_OK,          SETTING) \
	X(LEFT_LOWERED,     "LeftLowered",     ROP_OK,          SETTING) \
	X(NEVER_TAKES_OVER, "NeverTakesOver",  ROP_OK,          SETTING) \
	X(UNLIKE_LATER,     "UnlikeLater",     ROP_OK,          SETTING) \
	X(ANNOUNCES,        "Announces",       ROP_OK,          SETTING) \
	X(NO_ENDPOINT,      "NoEndpoint",      ROP_OK,          SETTING) \
	X(PROTECTED,        "Protected",       ROP_OK,          SETTING) \
	X(WRITES_REFUSED,   "WritesRefused",   ROP_OK,          SETTING) \
	X(JOB_FAILED,       "JobFailed",       ROP_OK,          SETTING) \
	X(SECOND_OPERATOR,  "SecondOperator",  ROP_OK,          SECOND) \
	X(NOT_PERMITTED,    "NotPermitted",    ROP_OK,          RIGHTS) \
	X(RIGHTS_HIDDEN,    "RightsHidden",    ROP_OK,          RIGHTS) \
	X(REPLACED,         "Replaced",        ROP_OK,          PLACEMENT) \
	X(NO_LIMIT,         "NoLimit",         ROP_OK,          PLACEMENT) \
	X(ROOM_UNKNOWN,     "RoomUnknown",     ROP_OK,          RIGHTS) \
	X(FEW_PRIMARIES,    "FewPrimaries",    ROP_OK,          PLACEMENT) \
	X(MISPLACED,        "Misplaced",       ROP_OK,          PLACEMENT) \
	X(ONE_HOST,         "OneHost",         ROP_OK,          PLACEMENT) \
	X(SHARED_HOST,      "SharedHost",      ROP_OK,          PLACEMENT) \
	X(SHARED_ZONE,      "SharedZone",      ROP_OK,          PLACEMENT)

enum rop_reason {
#define X(id, word, code, kind) ROP_WHY_##id,
	ROP_REASONS(X)
#undef X
	ROP_REASONS_N
};
/* clang-format on */
const char *rop_reason_word(enum rop_reason reason);
enum rop_code rop_reason_code(enum rop_reason reason);
enum rop_reason_kind rop_reason_kind(enum rop_reason reason);

#endif
