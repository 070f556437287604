/* caller.c - one client with one request in flight.
 *
 * Happy path: the slot's owner as the map has it, one exchange, the replies to who asked.
 *
 * Failure modes: sent elsewhere (MOVED: the map is set right; ASK: once, behind ASKING); refused for now (TRYAGAIN,
 * CLUSTERDOWN, LOADING ...) or nobody there: a wait that grows, then the slot's owner again; refused for good; no
 * reply.
 */
#include "caller.h"

#include <stdlib.h>
#include <string.h>

enum { DETOURS_WITHOUT_A_WAIT = 8 };

/* Error replies, by their first word. Of several in one request the first in this table decides: EXECABORT only says
 * that there was another. */
static const struct {
	const char *word;
	enum detour detour;
	int64_t first_ms, longest_ms; /* waits */
} PASSING[] = {
	{ "MOVED", DETOUR_MOVED, 0, 0 },        { "ASK", DETOUR_ASK, 0, 0 },
	{ "TRYAGAIN", DETOUR_TRYAGAIN, 1, 32 }, { "CLUSTERDOWN", DETOUR_DOWN, 10, 100 },
	{ "LOADING", DETOUR_DOWN, 10, 100 },    { "MASTERDOWN", DETOUR_DOWN, 10, 100 },
	{ "READONLY", DETOUR_DOWN, 10, 100 },   { "NOREPLICAS", DETOUR_DOWN, 10, 100 },
	{ "BUSY", DETOUR_DOWN, 10, 100 },       { "MISCONF", DETOUR_DOWN, 10, 100 },
	{ "OOM", DETOUR_DOWN, 10, 100 },
};
enum { PASSING_N = sizeof PASSING / sizeof *PASSING, FINAL = PASSING_N, NO_ERROR };

static void end(struct caller *caller, enum call_end how, struct resp_cursor replies)
{
	caller->asked = NULL;
	caller->wake_us = 0;
	caller->ended(caller, how, replies);
}

static void wait_until(struct caller *caller, int64_t at_us)
{
	caller->wake_us = at_us;
	cluster_due(caller->cluster, at_us);
}

/* Not before a while that doubles with each wait in a row. */
static void wait(struct caller *caller, int64_t first_ms, int64_t longest_ms)
{
	int64_t ms = first_ms << (caller->waits < 10 ? caller->waits : 10);
	caller->waits++;
	caller->asked = NULL;
	caller->node = NOBODY;
	caller->asking = false;
	wait_until(caller, now_us() + (ms < longest_ms ? ms : longest_ms) * US_PER_MS);
}

static void unreached(struct caller *caller)
{
	caller->detours[DETOUR_UNREACHED]++;
	cluster_want_map(caller->cluster);
	wait(caller, 5, 100);
}

static void lost(struct conn *conn)
{
	struct caller *caller = conn->owner;
	cluster_want_map(caller->cluster);
	if (conn->sent)
		end(caller, CALL_LOST, (struct resp_cursor){ 0 });
	else
		unreached(caller);
}

static void answered(struct conn *conn, struct resp_cursor replies);

static struct conn *connection(struct caller *caller, int node)
{
	struct conn **conn = &caller->conns[node];
	if (*conn)
		return *conn;
	*conn = zeroed(1, sizeof **conn);
	conn_init(*conn, &caller->cluster->loop, caller);
	(*conn)->answered = answered;
	(*conn)->lost = lost;
	return *conn;
}

static void ask(struct caller *caller)
{
	static const char ASKING[] = "*1\r\n$6\r\nASKING\r\n";
	struct text first = { .at = (char *)(uintptr_t)ASKING, .n = caller->asking ? sizeof ASKING - 1 : 0 };
	struct map *map = &caller->cluster->map;
	if (caller->node == NOBODY)
		caller->node = map->owner[caller->slot];
	if (caller->node == NOBODY) {
		unreached(caller);
		return;
	}
	caller->asked = connection(caller, caller->node);
	wait_until(caller, now_us() + caller->cluster->timeout_us);
	conn_ask(caller->asked, &map->nodes[caller->node], &first, caller->wire, caller->replies + caller->asking);
}

/* ---- replies ------------------------------------------------------------------------------------------------- */

static int error_of(const struct resp_item *item)
{
	const char *blank = memchr(item->text, ' ', item->n);
	size_t n = blank ? (size_t)(blank - item->text) : item->n;
	for (int i = 0; i < PASSING_N; i++)
		if (strlen(PASSING[i].word) == n && memcmp(PASSING[i].word, item->text, n) == 0)
			return i;
	return FINAL;
}

/* The error among the replies that decides, or NO_ERROR. */
static int decisive(struct resp_cursor replies, size_t n, struct resp_item *ret_item)
{
	int least = NO_ERROR;
	for (; n > 0; n--) {
		struct resp_cursor at = replies;
		struct resp_item item;
		if (!resp_next(&at, &item) || !resp_skip(&replies))
			break;
		int error = item.type == RESP_ERROR ? error_of(&item) : NO_ERROR;
		if (error >= least)
			continue;
		least = error;
		*ret_item = item;
	}
	return least;
}

/* "MOVED SLOT HOST:PORT", or ASK: where to; NOBODY if it says no such thing. */
static int directed_to(struct caller *caller, const struct resp_item *item)
{
	const char *last = item->text + item->n;
	while (last > item->text && last[-1] != ' ')
		last--;
	return map_address(&caller->cluster->map, last, (size_t)(item->text + item->n - last), caller->node);
}

static void redirect(struct caller *caller, enum detour detour, const struct resp_item *item)
{
	int node = directed_to(caller, item);
	if (detour == DETOUR_MOVED) {
		cluster_want_map(caller->cluster);
		caller->cluster->map.owner[caller->slot] = node;
	}
	if (node == NOBODY ||
	    (caller->detours[DETOUR_MOVED] + caller->detours[DETOUR_ASK]) % DETOURS_WITHOUT_A_WAIT == 0) {
		wait(caller, 2, 50);
		return;
	}
	caller->node = node;
	caller->asking = detour == DETOUR_ASK;
	ask(caller);
}

static void answered(struct conn *conn, struct resp_cursor replies)
{
	struct caller *caller = conn->owner;
	struct resp_item item;
	if (caller->asking)
		resp_skip(&replies);
	int error = decisive(replies, caller->replies, &item);
	if (error >= FINAL) {
		end(caller, error == FINAL ? CALL_REFUSED : CALL_ANSWERED, replies);
		return;
	}
	enum detour detour = PASSING[error].detour;
	caller->detours[detour]++;
	if (detour == DETOUR_MOVED || detour == DETOUR_ASK) {
		redirect(caller, detour, &item);
		return;
	}
	if (detour == DETOUR_DOWN)
		cluster_want_map(caller->cluster);
	wait(caller, PASSING[error].first_ms, PASSING[error].longest_ms);
}

/* ---- from outside -------------------------------------------------------------------------------------------- */

void caller_init(struct caller *caller, struct cluster *cluster, void *owner)
{
	*caller = (struct caller){ .cluster = cluster, .owner = owner };
}

void caller_done(struct caller *caller)
{
	for (size_t i = 0; i < NODES_MAX; i++) {
		if (caller->conns[i])
			conn_done(caller->conns[i]);
		free(caller->conns[i]);
	}
}

void caller_begin(struct caller *caller, unsigned slot, const struct text *wire, size_t replies)
{
	caller->wire = wire;
	caller->replies = replies;
	caller->slot = slot;
	caller->node = NOBODY;
	caller->asking = false;
	caller->waits = 0;
	memset(caller->detours, 0, sizeof caller->detours);
	ask(caller);
}

void caller_give_up(struct caller *caller)
{
	struct conn *conn = caller->asked;
	if (!caller_busy(caller))
		return;
	bool sent = conn && conn->sent;
	if (conn)
		conn_close(conn);
	end(caller, sent ? CALL_LOST : CALL_REFUSED, (struct resp_cursor){ 0 });
}

void caller_give_up_waiting(struct caller *caller)
{
	if (!caller->asked || !caller->asked->sent)
		caller_give_up(caller);
}

void caller_tick(struct caller *caller, int64_t now)
{
	if (!caller_busy(caller))
		return;
	if (now < caller->wake_us) {
		cluster_due(caller->cluster, caller->wake_us);
		return;
	}
	if (!caller->asked) {
		ask(caller);
		return;
	}
	bool sent = caller->asked->sent;
	conn_close(caller->asked);
	cluster_want_map(caller->cluster);
	if (sent)
		end(caller, CALL_LOST, (struct resp_cursor){ 0 });
	else
		unreached(caller);
}
