/* daemon_config.c - the daemon's configuration: libconfig's syntax, one table of keys, every mistake said in one run.
 */
#include <errno.h>
#include <inttypes.h>
#include <libconfig.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "documents.h"
#include "rop/config.h"

#define SECOND ((int64_t)1000)
#define MINUTE (60 * SECOND)
#define HOUR (60 * MINUTE)

enum kind {
	KIND_GROUP,    /* { ... } */
	KIND_PATH,     /* const char *; the empty text where min is 0 */
	KIND_DURATION, /* int64_t, in milliseconds */
	KIND_COUNT,    /* int */
	KIND_CHOICE,   /* an enum, found by `find` */
	KINDS_N
};

struct key {
	const char *name; /* "log.level" */
	enum kind kind;
	int64_t min, max;          /* DURATION: ms; PATH: bytes */
	const char *fallback;      /* as it would be written, without quotes */
	size_t at;                 /* in struct rop_config */
	int (*find)(const char *); /* CHOICE; -1: none */
	const char *choices[5];    /* CHOICE: for messages, NULL at the end */
};

#define PATH_BYTES_MAX 4000
#define IN_CONFIG(field) offsetof(struct rop_config, field)

static const struct key KEYS[] = {
	{ "state", KIND_PATH, 1, PATH_BYTES_MAX, "/var/lib/redis-operator/state.db", IN_CONFIG(state), NULL, { 0 } },
	{ "clusters",
	  KIND_PATH,
	  1,
	  PATH_BYTES_MAX,
	  "/etc/redis-operator/clusters.d",
	  IN_CONFIG(clusters),
	  NULL,
	  { 0 } },
	{ "machines", KIND_PATH, 0, PATH_BYTES_MAX, "", IN_CONFIG(machines), NULL, { 0 } },
	{ "interval", KIND_DURATION, 100, HOUR, "5s", IN_CONFIG(interval_ms), NULL, { 0 } },
	{ "connectTimeout", KIND_DURATION, 10, 10 * MINUTE, "2s", IN_CONFIG(connect_timeout_ms), NULL, { 0 } },
	{ "commandTimeout", KIND_DURATION, 10, 10 * MINUTE, "5s", IN_CONFIG(command_timeout_ms), NULL, { 0 } },
	{ "concurrency", KIND_COUNT, 1, 65536, "256", IN_CONFIG(concurrency), NULL, { 0 } },
	{ "log", KIND_GROUP, 0, 0, NULL, SIZE_MAX, NULL, { 0 } },
	{ "log.level",
	  KIND_CHOICE,
	  0,
	  0,
	  "info",
	  IN_CONFIG(log_level),
	  rop_log_level_find,
	  { "error", "warn", "info", "debug" } },
	{ "log.format",
	  KIND_CHOICE,
	  0,
	  0,
	  "auto",
	  IN_CONFIG(log_format),
	  rop_log_format_find,
	  { "auto", "logfmt", "json" } },
};
#define KEYS_N (sizeof KEYS / sizeof *KEYS)
_Static_assert(sizeof(enum rop_log_level) == sizeof(int) && sizeof(enum rop_log_format) == sizeof(int),
	       "a CHOICE is an int");

struct complaint {
	int line;
	size_t nth;
	const char *text;
}; /* line 0: the file as a whole */

struct reading {
	struct rop_arena *arena;
	const char *path;
	struct rop_config *config;
	ROP_LIST(struct complaint) complaints;
};

static void complain(struct reading *r, int line, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
static void complain(struct reading *r, int line, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = rop_vprintf(r->arena, fmt, ap);
	va_end(ap);
	size_t nth = r->complaints.n;
	*rop_push(r->arena, &r->complaints) = (struct complaint){ line, nth, text };
}

/* ---------------------------------------------------------------- the table */

static const char *own_name(const struct key *key)
{
	const char *dot = strchr(key->name, '.');
	return dot ? dot + 1 : key->name;
}

/* Is it written directly in this group ("" is the file)? */
static bool key_in(const struct key *key, const char *group)
{
	size_t n = (size_t)(own_name(key) - key->name);
	return n == 0 ? group[0] == '\0' : strlen(group) == n - 1 && strncmp(key->name, group, n - 1) == 0;
}

static const char *wanted(struct reading *r, const struct key *key)
{
	char min[24], max[24];
	switch (key->kind) {
	case KIND_GROUP: return rop_printf(r->arena, "a group: %s = { ... };", key->name);
	case KIND_PATH: return key->min > 0 ? "a path in double quotes" : "a path in double quotes, or \"\"";
	case KIND_DURATION:
		return rop_printf(r->arena, "a duration from %s to %s in double quotes, like \"%s\"",
				  rop_duration_print(key->min, min, sizeof min),
				  rop_duration_print(key->max, max, sizeof max), key->fallback);
	case KIND_COUNT: return rop_printf(r->arena, "a whole number from %" PRId64 " to %" PRId64, key->min, key->max);
	case KIND_CHOICE: {
		ROP_OWN_TEXT text = { 0 };
		rop_text_add(&text, "one of");
		for (size_t i = 0; key->choices[i]; i++)
			rop_text_add(&text, " \"%s\"", key->choices[i]);
		return rop_strdup(r->arena, text.at);
	}
	case KINDS_N: break;
	}
	return "something else";
}

/* Tabs, newlines and the like come into a path by mistake only, and break every line that names it. */
static bool is_path(const struct key *key, const char *text)
{
	size_t n = strlen(text);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < 0x20 || text[i] == 0x7f)
			return false;
	return n >= (size_t)key->min && n <= (size_t)key->max;
}

static bool put_text(struct reading *r, const struct key *key, const char *text)
{
	void *at = (char *)r->config + key->at;
	int64_t number;
	int choice;
	switch (key->kind) {
	case KIND_PATH:
		if (!is_path(key, text))
			return false;
		*(const char **)at = text[0] ? config_beside(r->arena, r->path, rop_strdup(r->arena, text)) : "";
		return true;
	case KIND_DURATION:
		if (!rop_duration_parse(text, &number) || number < key->min || number > key->max)
			return false;
		*(int64_t *)at = number;
		return true;
	case KIND_COUNT:
		if (!rop_int_parse(text, key->min, key->max, &number))
			return false;
		*(int *)at = (int)number;
		return true;
	case KIND_CHOICE:
		choice = key->find(text);
		if (choice >= 0)
			memcpy(at, &choice, sizeof choice);
		return choice >= 0;
	case KIND_GROUP:
	case KINDS_N: break;
	}
	return false;
}

/* ---------------------------------------------------------------- what libconfig read, against the table */

static int line_of(const config_setting_t *setting)
{
	return (int)setting->line;
}

static const char *type_name(const config_setting_t *setting)
{
	switch (config_setting_type(setting)) {
	case CONFIG_TYPE_GROUP: return "a group";
	case CONFIG_TYPE_STRING: return "a text";
	case CONFIG_TYPE_BOOL: return "a boolean";
	case CONFIG_TYPE_ARRAY:
	case CONFIG_TYPE_LIST: return "a list";
	default: /* libconfig's own constants, no enum: INT, INT64, FLOAT */ return "a number";
	}
}

static void take_text(struct reading *r, const struct key *key, const config_setting_t *setting)
{
	const char *text = config_setting_get_string(setting), *close = NULL;
	size_t n = 0;
	if (put_text(r, key, text))
		return;
	while (key->choices[n])
		n++;
	close = n > 0 ? rop_suggest(text, key->choices, n) : NULL;
	if (close)
		complain(r, line_of(setting), "'%s' must be %s, not \"%.40s\" (did you mean \"%s\"?)", key->name,
			 wanted(r, key), text, close);
	else if (key->kind == KIND_PATH)
		complain(r, line_of(setting),
			 "'%s' must be %s, at most %" PRId64 " bytes and without control characters", key->name,
			 wanted(r, key), key->max);
	else
		complain(r, line_of(setting), "'%s' must be %s, not \"%.40s\"", key->name, wanted(r, key), text);
}

static void take_count(struct reading *r, const struct key *key, const config_setting_t *setting)
{
	int64_t number = config_setting_type(setting) == CONFIG_TYPE_INT64 ? config_setting_get_int64(setting)
									   : config_setting_get_int(setting);
	if (number >= key->min && number <= key->max)
		*(int *)((char *)r->config + key->at) = (int)number;
	else
		complain(r, line_of(setting), "'%s' must be %s, not %" PRId64, key->name, wanted(r, key), number);
}

static void take_group(struct reading *r, const char *group, const config_setting_t *settings);

static void take(struct reading *r, const struct key *key, const config_setting_t *setting)
{
	int type = config_setting_type(setting);
	bool text = type == CONFIG_TYPE_STRING, whole = type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64;
	if (key->kind == KIND_GROUP && type == CONFIG_TYPE_GROUP)
		take_group(r, key->name, setting);
	else if (key->kind == KIND_COUNT && whole)
		take_count(r, key, setting);
	else if (text && key->kind != KIND_COUNT && key->kind != KIND_GROUP)
		take_text(r, key, setting);
	else
		complain(r, line_of(setting), "'%s' must be %s, not %s", key->name, wanted(r, key), type_name(setting));
}

static void complain_unknown(struct reading *r, const char *group, const config_setting_t *setting)
{
	const char *name = config_setting_name(setting), *candidates[KEYS_N], *close;
	size_t n = 0;
	for (size_t i = 0; i < KEYS_N; i++)
		if (key_in(&KEYS[i], group))
			candidates[n++] = own_name(&KEYS[i]);
	ROP_OWN_TEXT hint = { 0 };
	close = rop_suggest(name, candidates, n);
	if (close)
		rop_text_add(&hint, "did you mean '%s'?", close);
	for (size_t i = 0; i < KEYS_N && !hint.at; i++)
		if (strcmp(own_name(&KEYS[i]), name) == 0)
			rop_text_add(&hint, "its name is '%s'", KEYS[i].name);
	for (size_t i = 0, known = hint.n; i < n && known == 0; i++)
		rop_text_add(&hint, "%s%s", i ? ", " : "known here: ", candidates[i]);
	complain(r, line_of(setting), "unknown key '%s%s%.60s' (%s)", group, group[0] ? "." : "", name, hint.at);
}

static void take_group(struct reading *r, const char *group, const config_setting_t *settings)
{
	for (int i = 0; i < config_setting_length(settings); i++) {
		const config_setting_t *setting = config_setting_get_elem(settings, (unsigned)i);
		const struct key *key = NULL;
		for (size_t k = 0; k < KEYS_N && !key; k++)
			if (key_in(&KEYS[k], group) && strcmp(own_name(&KEYS[k]), config_setting_name(setting)) == 0)
				key = &KEYS[k];
		if (config_setting_type(setting) == CONFIG_TYPE_NONE)
			continue; /* the one in whose middle the syntax error is */
		if (key)
			take(r, key, setting);
		else
			complain_unknown(r, group, setting);
	}
}

/* ---------------------------------------------------------------- the file */

/* What ends the comment or the text that begins at c; NULL: none does. */
static const char *quiet_until(const char *c)
{
	if (*c == '#' || strncmp(c, "//", 2) == 0)
		return "\n";
	if (strncmp(c, "/*", 2) == 0)
		return "*/";
	return *c == '"' ? "\"" : NULL;
}

/* Past a comment or a text that begins at c; c itself where none does. */
static char *skip_quiet(char *c, int *line)
{
	const char *end = quiet_until(c);
	if (!end)
		return c;
	for (c += strlen(end); *c && strncmp(c, end, strlen(end)) != 0; c++) {
		*line += *c == '\n';
		if (end[0] == '"' && c[0] == '\\' && c[1])
			*line += *++c == '\n';
	}
	return *c && *c != '\n' ? c + strlen(end) : c; /* the newline is for the caller to count */
}

#define LETTERS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
#define DIGITS_MAX 9 /* libconfig 1.5 wraps what does not fit into an int: 4294967297 would be 1 */

/* Past a name or a number; c itself where none begins. */
static char *skip_word(struct reading *r, char *c, int line)
{
	bool number = *c >= '0' && *c <= '9';
	size_t n = strspn(c, LETTERS);
	if (n > 0 && !number)
		n = strspn(c, LETTERS "-_*");
	if (number && n > DIGITS_MAX) {
		complain(r, line, "the number %.*s has too many digits", (int)(n < 40 ? n : 40), c);
		memset(c, ' ', n);
		c[0] = '1'; /* so that the rest is still read */
	}
	return c + n;
}

/* libconfig would follow `@include`, and its errors would lie in files that were never named here: the configuration is
 * one file. Outside of comments and texts '@' means nothing else; the directive is said and blanked, so that the rest
 * is still read. */
static void screen(struct reading *r, char *text)
{
	int line = 1;
	for (char *c = text, *next; *c; c = next) {
		next = skip_quiet(c, &line);
		if (next == c)
			next = skip_word(r, c, line);
		if (next != c)
			continue;
		if (*c == '@') {
			complain(r, line, "@include is not supported: the configuration is one file");
			memset(c, ' ', strcspn(c, "\n"));
		}
		line += *next++ == '\n';
	}
}

/* One error is all that libconfig tells of its syntax; what it had read until there is looked at all the same. */
static void parse(struct reading *r, const char *text)
{
	config_t file;
	config_init(&file);
	bool ok = config_read_string(&file, text) == CONFIG_TRUE;
	take_group(r, "", config_root_setting(&file));
	if (!ok)
		complain(r, config_error_line(&file),
			 "%s (a setting is: name = value; with texts and durations in double quotes, each name once, "
			 "and no comma after the last of a list)",
			 config_error_text(&file));
	config_destroy(&file);
}

/* The reader's diagnostics have columns, which libconfig has not. */
static void adopt_diags(struct reading *r, const struct rop_diags *diags)
{
	for (size_t i = 0; i < diags->list.n; i++) {
		const struct rop_diag *d = &diags->list.at[i];
		const char *hint = d->hint ? rop_printf(r->arena, " (%s)", d->hint) : "";
		complain(r, d->mark.line, "%s%s", d->message, hint);
	}
}

static int by_line(const void *a, const void *b)
{
	const struct complaint *p = a, *q = b;
	return p->line != q->line ? (p->line > q->line) - (p->line < q->line) : (p->nth > q->nth) - (p->nth < q->nth);
}

static void print_complaints(struct reading *r, struct rop_text *errors)
{
	if (r->complaints.n > 0)
		qsort(r->complaints.at, r->complaints.n, sizeof *r->complaints.at, by_line);
	for (size_t i = 0; i < r->complaints.n; i++) {
		const struct complaint *c = &r->complaints.at[i];
		if (c->line > 0)
			rop_text_add(errors, "%s:%d: error: %s\n", r->path, c->line, c->text);
		else
			rop_text_add(errors, "%s: error: %s\n", r->path, c->text);
	}
}

void rop_config_defaults(struct rop_config *ret_config)
{
	struct reading r = { .path = "", .config = ret_config };
	*ret_config = (struct rop_config){ 0 };
	for (size_t i = 0; i < KEYS_N; i++) {
		if (KEYS[i].kind == KIND_PATH) /* absolute or empty, and constants: no arena is needed */
			*(const char **)((char *)ret_config + KEYS[i].at) = KEYS[i].fallback;
		else if (KEYS[i].fallback)
			put_text(&r, &KEYS[i], KEYS[i].fallback);
	}
}

bool rop_config_load(struct rop_arena *arena, const char *path, bool *missing, struct rop_config *ret_config,
		     struct rop_text *errors)
{
	struct rop_config config;
	struct rop_diags diags;
	struct rop_doc doc = { .path = path };
	struct reading r = { .arena = arena, .path = path, .config = &config };
	rop_config_defaults(&config);
	rop_diags_init(&diags, arena);
	struct stat st; /* of a link itself: one that leads nowhere is somebody's mistake, not a missing file */
	if (missing)
		*missing = lstat(path, &st) != 0 && errno == ENOENT;
	if (!(missing && *missing)) {
		if (config_source_load(arena, &doc, &diags) && config_source_check(&doc, &diags)) {
			char *text = rop_strndup(arena, doc.source, doc.source_n);
			screen(&r, text);
			parse(&r, text);
		}
		adopt_diags(&r, &diags);
	}
	print_complaints(&r, errors);
	if (r.complaints.n > 0)
		return false;
	*ret_config = config;
	return true;
}
