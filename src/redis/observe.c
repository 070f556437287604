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

#include "rop/libraries.h"
#include "rop/permissions.h"
#include "rop/text.h"
#include "wire.h"

#define OPERATORS_BYTES_MAX 16384
#define LINE_BYTES_MAX 4096

/* The kinds of questions, in the order in which they are asked: those before Q_SETTING always. */
enum kind {
	Q_NODES,
	Q_CLUSTER_INFO,
	Q_SERVER,
	Q_REPLICATION,
	Q_KEYSPACE,
	Q_MODULES,
	Q_SETTING,
	Q_FUNCTIONS,
	Q_MEMORY,
	Q_CLIENTS,
	Q_SHARDS,
	Q_RIGHT,
	KINDS_N
};

#define INFO_BYTES ((size_t)1 << 20) /* a line for each replica, for each database */
#define VIEW_BYTES 0                 /* by the number of declared nodes */

static const struct {
	const char *argv[2]; /* of a setting and a right: what they begin with */
	const char *name;
	size_t limit; /* of the reply */
} KINDS[KINDS_N] = {
	[Q_NODES] = { { "CLUSTER", "NODES" }, "CLUSTER NODES", VIEW_BYTES },
	[Q_CLUSTER_INFO] = { { "CLUSTER", "INFO" }, "CLUSTER INFO", INFO_BYTES },
	[Q_SERVER] = { { "INFO", "server" }, "INFO server", INFO_BYTES },
	[Q_REPLICATION] = { { "INFO", "replication" }, "INFO replication", INFO_BYTES },
	[Q_KEYSPACE] = { { "INFO", "keyspace" }, "INFO keyspace", INFO_BYTES },
	[Q_MODULES] = { { "INFO", "modules" }, "INFO modules", INFO_BYTES },
	[Q_SETTING] = { { "CONFIG", "GET" }, "CONFIG GET", (size_t)64 << 10 },
	[Q_FUNCTIONS] = { { "FUNCTION", "LIST" },
			  "FUNCTION LIST",
			  (size_t)64 << 20 }, /* with the code, of which a digest is kept */
	[Q_MEMORY] = { { "INFO", "memory" }, "INFO memory", INFO_BYTES },
	[Q_CLIENTS] = { { "INFO", "clients" }, "INFO clients", INFO_BYTES },
	[Q_SHARDS] = { { "CLUSTER", "SHARDS" }, "CLUSTER SHARDS", VIEW_BYTES },
	[Q_RIGHT] = { { "ACL", "DRYRUN" }, "ACL DRYRUN", (size_t)4 << 10 },
};

/* ---- what is permitted ---------------------------------------------------------------------------------------- */

/* OK, or a text that says who may not run what; an error where this question itself is not answered. */
static void take_probe(const struct verdict_login *login, struct rop_arena *arena, enum rop_permission permission,
		       const redisReply *reply, struct rop_answer *answer)
{
	struct verdict verdict;
	if (reply->type == REDIS_REPLY_STRING)
		answer->forbidden |= (uint64_t)1 << permission;
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

#define WORDS_MAX 8

/* `more` words, after those of its kind. */
static void ask(struct questions *questions, struct rop_arena *arena, struct rop_text *wire, enum kind kind, size_t at,
		const char *const *more, size_t n_more)
{
	const char *argv[2 + WORDS_MAX] = { KINDS[kind].argv[0], KINDS[kind].argv[1] };
	memcpy(argv + 2, more, n_more * sizeof *more);
	wire_put(wire, 2 + n_more, argv);
	*rop_push(arena, &questions->asked) = (struct question){ .kind = (int)kind, .at = at };
}

static void ask_for_rights(struct questions *questions, struct rop_arena *arena, struct rop_text *wire,
			   const char *user)
{
	for (int p = 0; p < ROP_PERMISSIONS_N; p++) {
		const char *words[WORDS_MAX] = { user };
		const char *const *command;
		size_t n = rop_permission_probe((enum rop_permission)p, &command);
		if (!n)
			continue;
		memcpy(words + 1, command, n * sizeof *command);
		ask(questions, arena, wire, Q_RIGHT, (size_t)p, words, n + 1);
	}
}

struct questions *questions_new(struct rop_arena *arena, unsigned flags, const char *user, const char **setting_names,
				size_t n_settings)
{
	struct questions *q = rop_alloc(arena, sizeof *q);
	ROP_OWN_TEXT wire = { 0 };
	static const char *const NOTHING[1] = { NULL };
	q->memory = flags & ROP_OBSERVE_MEMORY;
	for (enum kind kind = Q_NODES; kind < Q_SETTING; kind++)
		ask(q, arena, &wire, kind, 0, NOTHING, 0);
	q->n_settings = flags & ROP_OBSERVE_SETTINGS ? n_settings : 0;
	q->setting_names = rop_alloc_n(arena, q->n_settings, sizeof *setting_names);
	for (size_t s = 0; s < q->n_settings; s++) {
		q->setting_names[s] = rop_strdup(arena, setting_names[s]);
		ask(q, arena, &wire, Q_SETTING, s, &setting_names[s], 1);
		q->memory |= strcasecmp(setting_names[s], "maxmemory") == 0; /* whoever sets it asks what is used */
	}
	q->clients = flags & ROP_OBSERVE_CLIENTS;
	q->shards = flags & ROP_OBSERVE_SHARDS;
	static const char *const WITHCODE[1] = { "WITHCODE" };
	if (flags & ROP_OBSERVE_FULL)
		ask(q, arena, &wire, Q_FUNCTIONS, 0, WITHCODE, 1);
	if (q->memory)
		ask(q, arena, &wire, Q_MEMORY, 0, NOTHING, 0);
	if (q->clients)
		ask(q, arena, &wire, Q_CLIENTS, 0, NOTHING, 0);
	if (q->shards)
		ask(q, arena, &wire, Q_SHARDS, 0, NOTHING, 0);
	if (flags & ROP_OBSERVE_RIGHTS)
		ask_for_rights(q, arena, &wire, user ? user : "default");
	q->wire = rop_strndup(arena, wire.at, wire.n);
	q->wire_n = wire.n;
	q->n = q->asked.n;
	return q;
}

/* ---- the replies ---------------------------------------------------------------------------------------------- */

static const char *type_of(const redisReply *reply)
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
		verdict_set(ret_verdict, ROP_REACH_NOT_REDIS, "it answers %s with %s", name, type_of(reply));
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

#define FUNCTIONS_SINCE 7 /* the major version, also of what a Valkey says that it is compatible with */

static bool is_older_than_functions(const struct rop_answer *answer)
{
	char version[32];
	return rop_info_get(answer->info_server, "redis_version", version, sizeof version) &&
	       strtol(version, NULL, 10) < FUNCTIONS_SINCE;
}

/* A server from before functions has none; one where the command is renamed, or that will not say, may have some. */
static int count_functions(struct rop_arena *arena, const redisReply *reply, struct rop_answer *answer)
{
	if (reply->type == REDIS_REPLY_ARRAY)
		return (int)reply->elements;
	bool unknown = reply->type == REDIS_REPLY_ERROR && verdict_is_unknown(reply->str, reply->len);
	if (unknown && is_older_than_functions(answer))
		return 0;
	note_refused(arena, answer, unknown ? "FUNCTION LIST (renamed or disabled there)" : "FUNCTION LIST");
	return ROP_COUNT_UNKNOWN;
}

static bool take_library(const redisReply *reply, struct rop_library *ret_library)
{
	const redisReply *name = value_of(reply, "library_name"), *engine = value_of(reply, "engine"),
			 *code = value_of(reply, "library_code");
	if (!name || !engine || !code || name->type != REDIS_REPLY_STRING || engine->type != REDIS_REPLY_STRING ||
	    code->type != REDIS_REPLY_STRING)
		return false;
	*ret_library = (struct rop_library){ .name = name->str,
					     .engine = engine->str,
					     .engine_n = engine->len,
					     .code = code->str,
					     .code_n = code->len };
	return true;
}

static const char *libraries_of(struct rop_arena *arena, const redisReply *reply)
{
	if (reply->type != REDIS_REPLY_ARRAY)
		return NULL;
	struct rop_library *libraries = rop_alloc_n(arena, reply->elements + 1, sizeof *libraries);
	for (size_t i = 0; i < reply->elements; i++)
		if (!take_library(reply->element[i], &libraries[i]))
			return NULL;
	return rop_libraries_text(arena, libraries, reply->elements);
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

static void take_refusal(struct rop_arena *arena, enum kind kind, const struct verdict *verdict,
			 struct rop_answer *answer)
{
	if (answer->reach == ROP_REACH_OK)
		set_reach(arena, answer, verdict->reach, verdict->why);
	else if (answer->reach == ROP_REACH_NO_COMMAND && verdict->reach == ROP_REACH_NO_COMMAND && kind == Q_SERVER)
		set_reach(arena, answer, ROP_REACH_NO_COMMAND,
			  "CLUSTER and INFO are renamed or disabled there (rename-command), or it is no data node");
}

static bool take_base(const struct verdict_login *login, struct rop_arena *arena, enum kind kind,
		      const redisReply *reply, struct rop_answer *answer, struct verdict *ret_verdict)
{
	const char **texts[Q_SETTING] = {
		[Q_NODES] = &answer->cluster_nodes,    [Q_CLUSTER_INFO] = &answer->cluster_info,
		[Q_SERVER] = &answer->info_server,     [Q_REPLICATION] = &answer->info_replication,
		[Q_KEYSPACE] = &answer->info_keyspace, [Q_MODULES] = &answer->info_modules,
	};
	if (reply->type != REDIS_REPLY_ERROR) {
		if (!take_text(arena, KINDS[kind].name, reply, texts[kind], ret_verdict))
			return false;
		if (kind == Q_SERVER && answer->reach == ROP_REACH_NO_COMMAND)
			tell_apart(arena, answer);
		return true;
	}
	bool denied = verdict_is_noperm(reply->str, reply->len);
	/* The modules of a node need not be known of every one: src/policy/alike.c says where they must. */
	if (kind == Q_MODULES && denied)
		return true;
	if (kind == Q_KEYSPACE && denied) {
		note_refused(arena, answer, KINDS[kind].name);
		return true;
	}
	struct verdict verdict;
	verdict_of_error(login, KINDS[kind].name, reply->str, reply->len, &verdict);
	take_refusal(arena, kind, &verdict, answer);
	return true;
}

size_t questions_limit(const struct questions *questions, size_t declared, size_t i, const char **ret_asked)
{
	if (i >= questions->asked.n) { /* more than was asked: none of it is taken */
		*ret_asked = "nothing";
		return 0;
	}
	int kind = questions->asked.at[i].kind;
	*ret_asked = KINDS[kind].name;
	return KINDS[kind].limit == VIEW_BYTES ? ROP_VIEW_BYTES_MAX(declared) : KINDS[kind].limit;
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

static void take_setting(struct rop_arena *arena, const char *name, size_t at, const redisReply *reply,
			 struct rop_answer *answer)
{
	bool error = reply->type == REDIS_REPLY_ERROR;
	answer->settings[at] = setting_value(arena, name, reply);
	if (answer->no_setting)
		answer->no_setting[at] = reply->type == REDIS_REPLY_ARRAY && reply->elements == 0;
	answer->config_denied |= error && verdict_is_noperm(reply->str, reply->len);
	answer->no_config |= error && verdict_is_unknown(reply->str, reply->len);
}

bool questions_take(const struct questions *questions, const struct verdict_login *login, struct rop_arena *arena,
		    size_t i, const struct redisReply *reply, struct rop_answer *answer, struct verdict *ret_verdict)
{
	size_t at = questions->asked.at[i].at;
	enum kind kind = (enum kind)questions->asked.at[i].kind;
	switch (kind) {
	case Q_NODES:
	case Q_CLUSTER_INFO:
	case Q_SERVER:
	case Q_REPLICATION:
	case Q_KEYSPACE:
	case Q_MODULES: return take_base(login, arena, kind, reply, answer, ret_verdict);
	case Q_SETTING: take_setting(arena, questions->setting_names[at], at, reply, answer); break;
	case Q_FUNCTIONS:
		answer->functions = count_functions(arena, reply, answer);
		answer->libraries = libraries_of(arena, reply);
		break;
	case Q_MEMORY: answer->info_memory = memory_text(arena, reply, answer); break;
	case Q_CLIENTS: answer->n_clients = connections(reply); break;
	case Q_SHARDS: answer->shards = take_shards(arena, reply); break;
	case Q_RIGHT: take_probe(login, arena, (enum rop_permission)at, reply, answer); break;
	case KINDS_N: break;
	}
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
