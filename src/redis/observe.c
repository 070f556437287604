/* observe.c - the questions of one observation, and the replies to them as text.
 *
 * Some of them decide whether the node can be used at all; the others only fill in values that may stay unknown: a
 * user without CONFIG or FUNCTION can still see a cluster. FUNCTION LIST came with Redis 7.0.
 */
#include "observe.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <hiredis/hiredis.h>

#include "rop/text.h"
#include "wire.h"

#define OPERATORS_BYTES_MAX 16384
#define LINE_BYTES_MAX 4096

enum question { Q_NODES, Q_CLUSTER_INFO, Q_SERVER, Q_REPLICATION, Q_KEYSPACE, Q_MODULES, QUESTIONS_N };

static const struct {
	const char *argv[2], *name;
	bool needed; /* without the permission for it the node cannot be used */
} QUESTIONS[QUESTIONS_N] = {
	[Q_NODES] = { { "CLUSTER", "NODES" }, "CLUSTER NODES", true },
	[Q_CLUSTER_INFO] = { { "CLUSTER", "INFO" }, "CLUSTER INFO", true },
	[Q_SERVER] = { { "INFO", "server" }, "INFO server", true },
	[Q_REPLICATION] = { { "INFO", "replication" }, "INFO replication", true },
	[Q_KEYSPACE] = { { "INFO", "keyspace" }, "INFO keyspace", false },
	[Q_MODULES] = { { "INFO", "modules" }, "INFO modules", false },
};

struct questions *questions_new(struct rop_arena *arena, unsigned flags, const char **setting_names, size_t n_settings)
{
	struct questions *questions = rop_alloc(arena, sizeof *questions);
	ROP_OWN_TEXT wire = { 0 };
	for (size_t q = 0; q < QUESTIONS_N; q++)
		wire_put(&wire, 2, (const char **)QUESTIONS[q].argv);
	questions->n_settings = flags & ROP_OBSERVE_SETTINGS ? n_settings : 0;
	questions->setting_names = rop_alloc_n(arena, questions->n_settings, sizeof *setting_names);
	for (size_t s = 0; s < questions->n_settings; s++) {
		questions->setting_names[s] = rop_strdup(arena, setting_names[s]);
		wire_put(&wire, 3, (const char *[]){ "CONFIG", "GET", setting_names[s] });
	}
	questions->functions = flags & ROP_OBSERVE_FULL;
	if (questions->functions)
		wire_put(&wire, 2, (const char *[]){ "FUNCTION", "LIST" });
	for (size_t i = 0; i < questions->n_settings; i++) /* whoever sets the limit asks what is used */
		questions->memory |= strcasecmp(questions->setting_names[i], "maxmemory") == 0;
	if (questions->memory)
		wire_put(&wire, 2, (const char *[]){ "INFO", "memory" });
	questions->clients = flags & ROP_OBSERVE_CLIENTS;
	if (questions->clients)
		wire_put(&wire, 2, (const char *[]){ "INFO", "clients" });
	questions->wire = rop_strndup(arena, wire.at, wire.n);
	questions->wire_n = wire.n;
	questions->n = QUESTIONS_N + questions->n_settings + questions->functions + questions->memory +
		       questions->clients;
	return questions;
}

static const char *kind(const redisReply *reply)
{
	switch (reply->type) {
	case REDIS_REPLY_STRING: return "a string";
	case REDIS_REPLY_STATUS: return "a status";
	case REDIS_REPLY_INTEGER: return "a number";
	case REDIS_REPLY_ARRAY: return "an array";
	case REDIS_REPLY_NIL: return "nothing";
	default: return "something odd";
	}
}

/* false: not a text that such a server sends. */
static bool take_text(struct rop_arena *arena, const char *name, const redisReply *reply, const char **ret_text,
		      struct verdict *ret_verdict)
{
	if (reply->type != REDIS_REPLY_STRING) {
		verdict_set(ret_verdict, ROP_REACH_NOT_REDIS, "it answers %s with %s", name, kind(reply));
		return false;
	}
	if (memchr(reply->str, '\0', reply->len)) {
		verdict_set(ret_verdict, ROP_REACH_NOT_REDIS, "it answers %s with a text that holds NUL bytes", name);
		return false;
	}
	*ret_text = rop_strndup(arena, reply->str, reply->len);
	return true;
}

static void note_refused(struct rop_arena *arena, struct rop_answer *answer, const char *name)
{
	answer->refused = answer->refused ? rop_printf(arena, "%s, %s", answer->refused, name) : name;
}

/* A server that does not know the command has none (before 7.0); one that will not say may have some. */
static int count_functions(struct rop_arena *arena, const redisReply *reply, struct rop_answer *answer)
{
	if (reply->type == REDIS_REPLY_ARRAY)
		return (int)reply->elements;
	if (reply->type == REDIS_REPLY_ERROR && strncmp(reply->str, "ERR unknown", strlen("ERR unknown")) == 0)
		return 0;
	note_refused(arena, answer, "FUNCTION LIST");
	return ROP_COUNT_UNKNOWN;
}

static const char *memory_text(struct rop_arena *arena, const redisReply *reply, struct rop_answer *answer)
{
	if (reply->type == REDIS_REPLY_STRING && !memchr(reply->str, '\0', reply->len))
		return rop_strndup(arena, reply->str, reply->len);
	note_refused(arena, answer, "INFO memory");
	return NULL;
}

static void set_reach(struct rop_arena *arena, struct rop_answer *answer, enum rop_reach reach, const char *why)
{
	answer->reach = reach;
	answer->reach_why = rop_strdup(arena, why);
}

/* CLUSTER is not known there: what INFO says of the server tells whether it was renamed, or is no data node at all. */
static void tell_apart(struct rop_arena *arena, struct rop_answer *answer)
{
	char mode[16];
	const char *info = answer->info_server;
	if (!rop_info_get(info, "redis_mode", mode, sizeof mode) &&
	    !rop_info_get(info, "server_mode", mode, sizeof mode)) /* of Valkey, from 9.0 on */
		return;
	if (strcmp(mode, "sentinel") == 0)
		set_reach(arena, answer, ROP_REACH_SENTINEL, "it is a Sentinel, not a data node");
	else if (strcmp(mode, "standalone") == 0)
		set_reach(arena, answer, ROP_REACH_NOT_CLUSTER, "it does not run in cluster mode (cluster-enabled no)");
}

static void take_refusal(struct rop_arena *arena, enum question q, const struct verdict *verdict,
			 struct rop_answer *answer)
{
	if (answer->reach == ROP_REACH_OK)
		set_reach(arena, answer, verdict->reach, verdict->why);
	else if (answer->reach == ROP_REACH_NO_COMMAND && verdict->reach == ROP_REACH_NO_COMMAND && q == Q_SERVER)
		set_reach(arena, answer, ROP_REACH_NO_COMMAND,
			  "CLUSTER and INFO are renamed or disabled there (rename-command), or it is no data node");
}

static bool take_question(const struct verdict_login *login, struct rop_arena *arena, enum question q,
			  const redisReply *reply, struct rop_answer *answer, struct verdict *ret_verdict)
{
	const char **texts[QUESTIONS_N] = {
		[Q_NODES] = &answer->cluster_nodes,    [Q_CLUSTER_INFO] = &answer->cluster_info,
		[Q_SERVER] = &answer->info_server,     [Q_REPLICATION] = &answer->info_replication,
		[Q_KEYSPACE] = &answer->info_keyspace, [Q_MODULES] = &answer->info_modules,
	};
	if (reply->type != REDIS_REPLY_ERROR) {
		if (!take_text(arena, QUESTIONS[q].name, reply, texts[q], ret_verdict))
			return false;
		if (q == Q_SERVER && answer->reach == ROP_REACH_NO_COMMAND)
			tell_apart(arena, answer);
		return true;
	}
	if (!QUESTIONS[q].needed && verdict_is_noperm(reply->str, reply->len)) {
		if (q != Q_MODULES) /* not what has to be known of every node: src/policy/alike.c says where it has */
			note_refused(arena, answer, QUESTIONS[q].name);
		return true;
	}
	struct verdict verdict;
	verdict_of_error(login, QUESTIONS[q].name, reply->str, reply->len, &verdict);
	take_refusal(arena, q, &verdict, answer);
	return true;
}

#define INFO_BYTES_MAX ((size_t)1 << 20) /* a line for each replica, for each database */
#define SETTING_BYTES_MAX ((size_t)64 << 10)
#define FUNCTIONS_BYTES_MAX ((size_t)8 << 20) /* names and descriptions of all, not their code */

size_t questions_limit(const struct questions *questions, size_t declared, size_t i, const char **ret_asked)
{
	if (i < QUESTIONS_N) {
		*ret_asked = QUESTIONS[i].name;
		return i == Q_NODES ? ROP_VIEW_BYTES_MAX(declared) : INFO_BYTES_MAX;
	}
	i -= QUESTIONS_N;
	*ret_asked = i < questions->n_settings ? "CONFIG GET" : "FUNCTION LIST";
	if (i < questions->n_settings)
		return SETTING_BYTES_MAX;
	if (questions->functions && i == questions->n_settings)
		return FUNCTIONS_BYTES_MAX;
	bool memory = questions->memory && i == questions->n_settings + questions->functions;
	*ret_asked = memory ? "INFO memory" : "INFO clients";
	return INFO_BYTES_MAX;
}

/* CONFIG GET replies with pairs; the one asked for may come under the old or new spelling of its name only. */
static const char *setting_value(struct rop_arena *arena, const char *name, const redisReply *reply)
{
	const redisReply *value = NULL;
	if (reply->type != REDIS_REPLY_ARRAY)
		return NULL;
	for (size_t i = 0; i + 1 < reply->elements; i += 2) {
		const redisReply *key = reply->element[i];
		if (reply->elements == 2 || (key->type == REDIS_REPLY_STRING && strcasecmp(key->str, name) == 0))
			value = reply->element[i + 1];
	}
	if (!value || value->type != REDIS_REPLY_STRING || memchr(value->str, '\0', value->len))
		return NULL;
	return rop_strndup(arena, value->str, value->len);
}

static int64_t connections(const redisReply *reply)
{
	char text[24];
	int64_t n;
	return reply->type == REDIS_REPLY_STRING && rop_info_get(reply->str, "connected_clients", text, sizeof text) &&
			       rop_int_parse(text, 0, INT64_MAX, &n)
		       ? n
		       : 0;
}

bool questions_take(const struct questions *questions, const struct verdict_login *login, struct rop_arena *arena,
		    size_t i, const struct redisReply *reply, struct rop_answer *answer, struct verdict *ret_verdict)
{
	if (i < QUESTIONS_N)
		return take_question(login, arena, (enum question)i, reply, answer, ret_verdict);
	if (i < QUESTIONS_N + questions->n_settings) {
		size_t s = i - QUESTIONS_N;
		answer->settings[s] = setting_value(arena, questions->setting_names[s], reply);
		if (answer->no_setting)
			answer->no_setting[s] = reply->type == REDIS_REPLY_ARRAY && reply->elements == 0;
		answer->no_config |= reply->type == REDIS_REPLY_ERROR && verdict_is_unknown(reply->str, reply->len);
		return true;
	}
	if (questions->functions && i == QUESTIONS_N + questions->n_settings)
		answer->functions = count_functions(arena, reply, answer);
	else if (questions->memory && i == QUESTIONS_N + questions->n_settings + questions->functions)
		answer->info_memory = memory_text(arena, reply, answer);
	else
		answer->n_clients = connections(reply);
	return true;
}

/* Of thousands of lines a few are kept. */
bool client_list_take(struct rop_arena *arena, const struct redisReply *reply, struct rop_answer *answer)
{
	ROP_OWN_TEXT kept = { 0 };
	if (reply->type != REDIS_REPLY_STRING)
		return false;
	for (const char *line = reply->str, *next; *line && kept.n < OPERATORS_BYTES_MAX; line = next) {
		size_t n = strcspn(line, "\n");
		next = line + n + (line[n] == '\n');
		const char *name = strstr(line, " name=redis-operator:");
		if (name && name < line + n && n < LINE_BYTES_MAX)
			rop_text_add(&kept, "%.*s\n", (int)n, line);
	}
	answer->operators = rop_strndup(arena, kept.at ? kept.at : "", kept.n);
	return true;
}
