/* module.c - a module of Redis and Valkey with a data type of its own, for tests of servers that are unlike: KEEP.SET
 * key.
 *
 * Without the servers' header: a module's functions are handed out by the first member of its context (redismodule.h,
 * RedisModule_Init), and the structs below are the parts of that interface that are used.
 */
#include <stdint.h>
#include <stdlib.h>

struct methods { /* RedisModuleTypeMethods, version 1 */
	uint64_t version;
	void *(*load)(void *io, int encoding);
	void (*save)(void *io, void *value);
	void (*rewrite)(void *aof, void *key, void *value);
	size_t (*memory)(const void *value);
	void (*digest)(void *digest, void *value);
	void (*free)(void *value);
};

static void *(*open_key)(void *context, void *name, int mode);
static int (*set_value)(void *key, void *type, void *value);
static void (*close_key)(void *key);
static int (*reply)(void *context, const char *text);
static int (*replicate)(void *context);
static void (*save_number)(void *io, uint64_t number);
static uint64_t (*load_number)(void *io);
static void *type;

static void *load(void *io, int encoding)
{
	uint64_t *value = malloc(sizeof *value);
	(void)encoding;
	if (value)
		*value = load_number(io);
	return value;
}

static void save(void *io, void *value)
{
	save_number(io, *(uint64_t *)value);
}

static void rewrite(void *aof, void *key, void *value)
{
	(void)aof, (void)key, (void)value;
}

static int keep_set(void *context, void **argv, int argc)
{
	uint64_t *value = malloc(sizeof *value);
	if (argc != 2 || !value)
		return reply(context, "no");
	*value = 7;
	void *key = open_key(context, argv[1], 3); /* to be read and written */
	set_value(key, type, value);
	close_key(key);
	replicate(context);
	return reply(context, "OK");
}

int RedisModule_OnLoad(void *context, void **argv, int argc);
int RedisModule_OnLoad(void *context, void **argv, int argc)
{
	static struct methods methods = { .version = 1, .load = load, .save = save, .rewrite = rewrite, .free = free };
	int (*get)(const char *name, void *where) = (int (*)(const char *, void *))((void **)context)[0];
	void (*set_attributes)(void *context, const char *name, int version, int api);
	void *(*create_type)(void *context, const char *name, int encoding, void *methods);
	int (*create_command)(void *context, const char *name, int (*run)(void *, void **, int), const char *flags,
			      int first, int last, int step);
	(void)argv, (void)argc;
	get("RedisModule_SetModuleAttribs", &set_attributes);
	get("RedisModule_CreateDataType", &create_type);
	get("RedisModule_CreateCommand", &create_command);
	get("RedisModule_OpenKey", &open_key);
	get("RedisModule_ModuleTypeSetValue", &set_value);
	get("RedisModule_CloseKey", &close_key);
	get("RedisModule_ReplyWithSimpleString", &reply);
	get("RedisModule_ReplicateVerbatim", &replicate);
	get("RedisModule_SaveUnsigned", &save_number);
	get("RedisModule_LoadUnsigned", &load_number);
	set_attributes(context, "keeper", 1, 1);
	type = create_type(context, "keeper-rp", 0, &methods);
	return type && create_command(context, "keep.set", keep_set, "write", 1, 1, 1) == 0 ? 0 : 1;
}
