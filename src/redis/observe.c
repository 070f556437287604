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

#include "rop/permissions.h"
#include "rop/text.h"
#include "wire.h"

#define OPERATORS_BYTES_MAX 16384
#define LINE_BYTES_MAX 4096

enum question { Q_NODES, Q_CLUSTER_INFO, Q_SERVER, Q_REPLICATION, Q_KEYSPACE, QUESTIONS_N };

static const struct {
	const char *argv[2], *name;
	bool needed; /* without the permission for it the node cannot be used */
} QUESTIONS[QUESTIONS_N] = {
	[Q_NODES] = { { "CLUSTER", "NODES" }, "CLUSTER NODES", true },
	[Q_CLUSTER_INFO] = { { "CLUSTER", "INFO" }, "CLUSTER INFO", true },
	[Q_SERVER] = { { "INFO", "server" }, "INFO server", true },
	[Q_REPLICATION] = { { "INFO", "replication" }, "INFO replication", true },
	[Q_KEYSPACE] = { { "INFO", "keyspace" }, "INFO keyspace", false },
};

/* ---- what is permitted ---------------------------------------------------------------------------------------- */

#define DRYRUN_WORDS_MAX 8

/* The i-th of the permissions that are probed. */
static enum rop_permission probed(size_t i)
{
	const char *const *argv;
	int p = 0;
	while (rop_permission_probe((enum rop_permission)p, &argv) == 0 || i-- > 0)
		p++;
	return (enum rop_permission)p;
}

static size_t n_probed(void)
{
	const char *const *argv;
	size_t n = 0;
	for (int p = 0; p < ROP_PERMISSIONS_N; p++)
		n += rop_permission_probe((enum rop_permission)p, &argv) > 0;
	return n;
}

/* Where they begin, after those of QUESTIONS. */
static size_t rights_at(const struct questions *questions)
{
	return questions->n_settings + questions->functions + questions->memory + questions->clients +
	       questions->shards;
}

static void put_probes(struct rop_text *wire, const char *user)
{
	for (int p = 0; p < ROP_PERMISSIONS_N; p++) {
		const char *argv[DRYRUN_WORDS_MAX] = { "ACL", "DRYRUN", user };
		const char *const *command;
		size_t n = rop_permission_probe((enum rop_permission)p, &command);
		if (!n)
			continue;
		memcpy(argv + 3, command, n * sizeof *command);
		wire_put(wire, n + 3, argv);
	}
}

/* OK, or a text that says who may not run what; an error where this question itself is not answered. */
static void take_probe(const struct verdict_login *login, struct rop_arena *arena, enum rop_permission permission,
		       const redisReply *reply, struct rop_answer *answer)
{
	struct verdict verdict;
	if (reply->type == REDIS_REPLY_STRING)
		answer->forbidden |= 1u << permission;
	if (reply->type != REDIS_REPLY_ERROR || answer->rights_hidden)
		return;
	if (verdict_is_noperm(reply->str, reply->len)) {
		verdict_of_error(login, "ACL DRYRUN", reply->str, reply->len, &verdict);
		answer->rights_hidden = rop_strdup(arena, verdict.why);
	} else {
		answer->rights_hidden = "it has no ACL DRYRUN (before 7.0, renamed or disabled)";
	}
}

/* ---- shards ---------------------------------------------------------------------------------------------------- */

/* The value of a key in a list of keys and values; NULL: it is not there. */
static const redisReply *value_of(const redisReply *pairs, const char *key)
{
	for (size_t i = 0; pairs->type == REDIS_REPLY_ARRAY && i + 1 < pairs->elements; i += 2)
		if (pairs->element[i]->type == REDIS_REPLY_STRING && strcmp(pairs->element[i]->str, key) == 0)
			return pairs->element[i + 1];
	return NULL;
}

/* One line for each shard, the ids of its nodes; NULL: it does not tell. */
static const char *take_shards(struct rop_arena *arena, const redisReply *reply)
{
	ROP_OWN_TEXT text = { 0 };
	if (reply->type != REDIS_REPLY_ARRAY)
		return NULL;
	for (size_t s = 0; s < reply->elements; s++) {
		const redisReply *nodes = value_of(reply->element[s], "nodes");
		for (size_t i = 0; nodes && nodes->type == REDIS_REPLY_ARRAY && i < nodes->elements; i++) {
			const redisReply *id = value_of(nodes->element[i], "id");
			if (id && id->type == REDIS_REPLY_STRING && id->len == ROP_ID_SIZE - 1 &&
			    !strpbrk(id->str, " \n"))
				rop_text_add(&text, "%s ", id->str);
		}
		rop_text_add(&text, "\n");
	}
	return rop_strndup(arena, text.at ? text.at : "", text.n);
}

/* ---- the pipeline --------------------------------------------------------------------------------------------- */

struct questions *questions_new(struct rop_arena *arena, unsigned flags, const char *user, const char **setting_names,
				size_t n_settings)
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
	questions->shards = flags & ROP_OBSERVE_SHARDS;
	if (questions->shards)
		wire_put(&wire, 2, (const char *[]){ "CLUSTER", "SHARDS" });
	questions->rights = flags & ROP_OBSERVE_RIGHTS;
	if (questions->rights)
		put_probes(&wire, user ? user : "default");
	questions->wire = rop_strndup(arena, wire.at, wire.n);
	questions->wire_n = wire.n;
	questions->n = QUESTIONS_N + rights_at(questions) + (questions->rights ? n_probed() : 0);
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

static bool take_question(const struct verdict_login *login, struct rop_arena *arena, enum question q,
			  const redisReply *reply, struct rop_answer *answer, struct verdict *ret_verdict)
{
	const char **texts[QUESTIONS_N] = {
		[Q_NODES] = &answer->cluster_nodes,    [Q_CLUSTER_INFO] = &answer->cluster_info,
		[Q_SERVER] = &answer->info_server,     [Q_REPLICATION] = &answer->info_replication,
		[Q_KEYSPACE] = &answer->info_keyspace,
	};
	if (reply->type != REDIS_REPLY_ERROR)
		return take_text(arena, QUESTIONS[q].name, reply, texts[q], ret_verdict);
	if (!QUESTIONS[q].needed && verdict_is_noperm(reply->str, reply->len)) {
		note_refused(arena, answer, QUESTIONS[q].name);
		return true;
	}
	struct verdict verdict;
	verdict_of_error(login, QUESTIONS[q].name, reply->str, reply->len, &verdict);
	if (answer->reach == ROP_REACH_OK) {
		answer->reach = verdict.reach;
		answer->reach_why = rop_strdup(arena, verdict.why);
	}
	return true;
}

#define INFO_BYTES_MAX ((size_t)1 << 20) /* a line for each replica, for each database */
#define SETTING_BYTES_MAX ((size_t)64 << 10)
#define FUNCTIONS_BYTES_MAX ((size_t)8 << 20) /* names and descriptions of all, not their code */
#define RIGHTS_BYTES_MAX ((size_t)4 << 10)

size_t questions_limit(const struct questions *questions, size_t declared, size_t i, const char **ret_asked)
{
	if (i < QUESTIONS_N) {
		*ret_asked = QUESTIONS[i].name;
		return i == Q_NODES ? ROP_VIEW_BYTES_MAX(declared) : INFO_BYTES_MAX;
	}
	i -= QUESTIONS_N;
	if (i >= rights_at(questions)) {
		*ret_asked = "ACL DRYRUN";
		return RIGHTS_BYTES_MAX;
	}
	if (questions->shards && i + 1 == rights_at(questions)) {
		*ret_asked = "CLUSTER SHARDS";
		return ROP_VIEW_BYTES_MAX(declared);
	}
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
		answer->config_denied |= reply->type == REDIS_REPLY_ERROR && verdict_is_noperm(reply->str, reply->len);
		return true;
	}
	if (i >= QUESTIONS_N + rights_at(questions)) {
		enum rop_permission permission = probed(i - QUESTIONS_N - rights_at(questions));
		take_probe(login, arena, permission, reply, answer);
		return true;
	}
	if (questions->shards && i + 1 == QUESTIONS_N + rights_at(questions)) {
		answer->shards = take_shards(arena, reply);
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
