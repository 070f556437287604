/* value.c - one scalar of the topology file: is it what its key wants, and what did the person probably mean?
 *
 * YAML's versions disagree on what a bare word is: yes, on, 012, 1:30 and 1e3 are text to one reader and a boolean or
 * a number to another. Here the key decides, and a word that another reader would take for something else is refused.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "documents.h"
#include "rop/text.h"
#include "walk.h"

#define DIGITS "0123456789"

enum looks {
	LOOKS_TEXT,
	LOOKS_NOTHING,     /* empty, ~, null */
	LOOKS_BOOLEAN,     /* true, yes, on ... */
	LOOKS_INTEGER,     /* 0, 7, 42 */
	LOOKS_ODD_NUMBER,  /* -3, 012, 0x10, 1_000, 1.5, 1e3, .inf */
	LOOKS_SEXAGESIMAL, /* 1:30 is 90 to YAML 1.1 */
	LOOKS_N
};

static const char *const LOOKS[LOOKS_N] = { "text", "nothing", "a boolean", "a number", "a number", "a number" };

static bool is_one_of(const char *s, const char *const *words)
{
	for (; *words; words++)
		if (strcasecmp(s, *words) == 0)
			return true;
	return false;
}

static bool is_sexagesimal(const char *s)
{
	size_t n = strspn(s, DIGITS);
	bool parts = false;
	for (s += n; n > 0 && *s == ':'; s += n) {
		n = strspn(++s, DIGITS);
		if (n == 0 || n > 2 || (n == 2 && s[0] > '5'))
			return false;
		parts = true;
	}
	return parts && *s == '\0';
}

/* strtod() knows hexadecimal too, but not 0o17 and 1_000. */
static bool is_number(const char *s)
{
	static const char *const SPECIAL[] = { ".inf", "+.inf", "-.inf", ".nan", NULL };
	if (is_one_of(s, SPECIAL))
		return true;
	const char *digits = s + (s[0] == '+' || s[0] == '-');
	if (digits[0] == '.' ? !strchr(DIGITS, digits[1]) || !digits[1] : !digits[0] || !strchr(DIGITS, digits[0]))
		return false;
	if (digits[0] == '0' && digits[1] == 'o')
		return digits[2] && digits[2 + strspn(digits + 2, "01234567")] == '\0';
	char *end;
	strtod(s, &end);
	return *end == '\0' || digits[strspn(digits, DIGITS "_")] == '\0';
}

static enum looks looks_of(const struct rop_doc_node *value)
{
	static const char *const NOTHING[] = { "~", "null", NULL };
	static const char *const BOOLEAN[] = { "true", "false", "yes", "no", "on", "off", NULL };
	const char *s = value->text;
	if (value->quoted)
		return LOOKS_TEXT;
	if (s[0] == '\0' || is_one_of(s, NOTHING))
		return LOOKS_NOTHING;
	if (is_one_of(s, BOOLEAN))
		return LOOKS_BOOLEAN;
	if (is_sexagesimal(s))
		return LOOKS_SEXAGESIMAL;
	if (s[strspn(s, DIGITS)] == '\0' && (s[0] != '0' || s[1] == '\0'))
		return LOOKS_INTEGER;
	return is_number(s) ? LOOKS_ODD_NUMBER : LOOKS_TEXT;
}

/* "a whole number from 1 to 500" */
static const char *wanted(struct rop_arena *arena, const struct config_key *key)
{
	char min[24], max[24];
	switch (key->type) {
	case CONFIG_MAP:
	case CONFIG_SETTINGS:
	case CONFIG_WEIGHTS: return "a map";
	case CONFIG_LIST: return "a list";
	case CONFIG_INT: return rop_printf(arena, "a whole number from %" PRId64 " to %" PRId64, key->min, key->max);
	case CONFIG_TEXT: return "text";
	case CONFIG_DURATION:
		return rop_printf(arena, "a duration from %s to %s", rop_duration_print(key->min, min, sizeof min),
				  rop_duration_print(key->max, max, sizeof max));
	case CONFIG_CHOICE:
		return key->choices[1] ? rop_printf(arena, "%s or %s", key->choices[0], key->choices[1])
				       : key->choices[0];
	case CONFIG_TYPES: break;
	}
	return "something else";
}

static bool has_no_value(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
			 const struct rop_doc_node *value)
{
	if (value->type != ROP_DOC_SCALAR || looks_of(value) != LOOKS_NOTHING)
		return false;
	const char *hint = rop_printf(w->arena, "%s belongs here%s", wanted(w->arena, key),
				      key->required ? "" : "; or leave the key out");
	rop_diag_error(w->diags, w->doc, value->text[0] ? value : name, hint, "'%s' has no value", name->text);
	return true;
}

void config_wrong_type(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
		       const struct rop_doc_node *value)
{
	static const char *const TYPES[] = {
		[ROP_DOC_SCALAR] = "a single value", [ROP_DOC_LIST] = "a list", [ROP_DOC_MAP] = "a map"
	};
	const char *hint = NULL;
	if (has_no_value(w, key, name, value))
		return;
	if (strcmp(config_key_name(key), "address") == 0 && value->type == ROP_DOC_LIST)
		hint = "an IPv6 address needs quotes: \"[::1]:7000\"";
	rop_diag_error(w->diags, w->doc, value, hint, "'%s' must be %s, not %s", name->text, wanted(w->arena, key),
		       TYPES[value->type]);
}

/* What 012, 0x10, 1_000 and 1e3 are probably meant to be; LOOKS_ODD_NUMBER only. */
static const char *written_out(struct config_walk *w, const struct config_key *key, const char *s)
{
	char digits[64];
	size_t n = 0;
	for (; *s && n < sizeof digits - 1; s++)
		if (*s != '_')
			digits[n++] = *s;
	digits[n] = '\0';
	double number = strtod(digits, NULL);
	if (!(number >= (double)key->min && number <= (double)key->max) || number != (double)(int64_t)number)
		return rop_printf(w->arena, "write %s", wanted(w->arena, key));
	return rop_printf(w->arena, "write %.0f", number);
}

static int read_int(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
		    const struct rop_doc_node *value)
{
	const char *want = wanted(w->arena, key), *write = rop_printf(w->arena, "write %s", want);
	int64_t number;
	bool fits = rop_int_parse(value->text, key->min, key->max, &number);
	switch (looks_of(value)) {
	case LOOKS_INTEGER:
		if (fits)
			return (int)number;
		rop_diag_error(w->diags, w->doc, value, NULL, "'%s' must be %s, not %.20s", name->text, want,
			       value->text);
		break;
	case LOOKS_ODD_NUMBER:
		rop_diag_error(w->diags, w->doc, value, written_out(w, key, value->text),
			       value->text[0] == '0' && strchr(DIGITS, value->text[1]) ? "'%s' must not begin with a "
											 "zero: some readers take "
											 "%.20s for octal"
										       : "'%s' must be a plain whole "
											 "number, not %.20s",
			       name->text, value->text);
		break;
	case LOOKS_SEXAGESIMAL:
		rop_diag_error(w->diags, w->doc, value, write,
			       "'%s' must be a plain whole number: %.20s is a number of base 60 to some readers",
			       name->text, value->text);
		break;
	case LOOKS_TEXT:
	case LOOKS_NOTHING:
	case LOOKS_BOOLEAN:
	case LOOKS_N:
		rop_diag_error(w->diags, w->doc, value,
			       fits ? rop_printf(w->arena, "remove the quotes: %" PRId64, number) : write,
			       "'%s' must be %s, not %s", name->text, want,
			       value->quoted ? "text in quotes" : LOOKS[looks_of(value)]);
		break;
	}
	return CONFIG_WRONG;
}

/* The value is not repeated: it may be a secret in the wrong place. */
static const char *read_text(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
			     const struct rop_doc_node *value)
{
	enum looks looks = looks_of(value);
	size_t n = strlen(value->text);
	if (looks != LOOKS_TEXT)
		rop_diag_error(w->diags, w->doc, value, "put it in quotes",
			       "'%s' must be text, but YAML readers take this for %s", name->text, LOOKS[looks]);
	else if (n > (size_t)key->max)
		rop_diag_error(w->diags, w->doc, value, NULL, "'%s' is too long: %zu bytes, at most %" PRId64,
			       name->text, n, key->max);
	else if (n == 0 || (key->fits && !key->fits(value->text)))
		rop_diag_error(w->diags, w->doc, value, key->form, n ? "'%s' is not well formed" : "'%s' is empty",
			       name->text);
	else
		return value->text;
	return NULL;
}

static int64_t read_duration(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
			     const struct rop_doc_node *value)
{
	int64_t ms;
	const char *want = wanted(w->arena, key), *hint = "one number and one of ms, s, m, h, like 250ms or 5s";
	if (rop_duration_parse(value->text, &ms) && ms >= key->min && ms <= key->max)
		return ms;
	if (rop_duration_parse(value->text, &ms))
		rop_diag_error(w->diags, w->doc, value, NULL, "'%s' must be %s, not %.20s", name->text, want,
			       value->text);
	else if (looks_of(value) == LOOKS_INTEGER)
		rop_diag_error(w->diags, w->doc, value,
			       rop_printf(w->arena, "write %.20ss or %.20sms", value->text, value->text),
			       "'%s' needs a unit", name->text);
	else
		rop_diag_error(w->diags, w->doc, value, hint, "'%s' must be %s", name->text, want);
	return CONFIG_WRONG;
}

static bool read_choice(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
			const struct rop_doc_node *value)
{
	size_t n = 0;
	for (; key->choices[n]; n++)
		if (strcmp(key->choices[n], value->text) == 0)
			return n == 1;
	const char *close = rop_suggest(value->text, key->choices, n);
	const char *hint = close ? rop_printf(w->arena, "did you mean '%s'?", close) : NULL;
	rop_diag_error(w->diags, w->doc, value, hint, "'%s' must be %s", name->text, wanted(w->arena, key));
	return false;
}

void config_value(struct config_walk *w, const struct config_key *key, const struct rop_doc_node *name,
		  const struct rop_doc_node *value, void *base)
{
	void *at = key->at == CONFIG_NOT_STORED ? NULL : (char *)base + key->at;
	bool fine = !config_is_broken(value);
	if (fine && value->type != ROP_DOC_SCALAR) {
		config_wrong_type(w, key, name, value);
		fine = false;
	} else if (fine) {
		fine = !has_no_value(w, key, name, value);
	}
	if (key->declared)
		*(bool *)((char *)base + key->declared) = true;
	switch (key->type) {
	case CONFIG_INT: *(int *)at = fine ? read_int(w, key, name, value) : CONFIG_WRONG; break;
	case CONFIG_TEXT: *(const char **)at = fine ? read_text(w, key, name, value) : NULL; break;
	case CONFIG_DURATION: *(int64_t *)at = fine ? read_duration(w, key, name, value) : CONFIG_WRONG; break;
	case CONFIG_CHOICE: {
		bool second = fine && read_choice(w, key, name, value);
		if (at)
			*(bool *)at = second;
		break;
	}
	case CONFIG_MAP:
	case CONFIG_LIST:
	case CONFIG_SETTINGS:
	case CONFIG_WEIGHTS:
	case CONFIG_TYPES: break;
	}
}

/* How Redis would spell it: lower case, '-' for '_'. NULL when that is no name either. */
static const char *as_redis_spells(struct rop_arena *arena, const char *name)
{
	char *s = rop_strdup(arena, name);
	for (char *p = s; *p; p++) {
		if (*p == '_')
			*p = '-';
		else if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p - 'A' + 'a');
	}
	return s[0] && s[strspn(s, "abcdefghijklmnopqrstuvwxyz-" DIGITS)] == '\0' ? s : NULL;
}

static bool setting_name_is_fine(struct config_walk *w, const struct rop_doc_node *name)
{
	const char *spelt = as_redis_spells(w->arena, name->text), *message = NULL, *hint = NULL;
	if (!spelt || strcmp(spelt, name->text) != 0) {
		hint = spelt ? rop_printf(w->arena, "did you mean '%.60s'?", spelt)
			     : "lower-case letters, digits and '-'";
		message = "'%.60s' is not the name of a Redis setting";
	}
	switch (config_setting_kind(spelt ? spelt : "")) {
	case CONFIG_SETTING_FREE: break;
	case CONFIG_SETTING_SECRET:
		message = "'%.60s' is a secret and does not belong in this file";
		hint = "keep it in redis.conf, and name its file with auth.passwordFile";
		break;
	case CONFIG_SETTING_OURS:
		message = "'%.60s' is needed by the operator itself and cannot be set here";
		hint = "set it in the server's redis.conf";
		break;
	case CONFIG_SETTING_EACH:
		message = "'%.60s' is each server's own: one value cannot be right for all of them";
		hint = "set it in the redis.conf of each server";
		break;
	case CONFIG_SETTING_FIXED:
		message = "'%.60s' cannot be changed while a server runs";
		hint = "set it in the server's redis.conf";
		break;
	}
	if (!message)
		return true;
	ROP_OWN_TEXT text = { 0 };
	const char *percent = strchr(message, '%');
	rop_text_add(&text, "%.*s%.60s%s", (int)(percent - message), message, name->text, percent + strlen("%.60s"));
	rop_diag_error(w->diags, w->doc, name, hint, "%s", text.at);
	return false;
}

/* As servers read it: "512mb", "1g", "1048576"; the unit in any case. */
static bool is_memory(const char *value)
{
	static const char *const UNITS[] = { "", "b", "k", "kb", "m", "mb", "g", "gb" };
	size_t n = strspn(value, DIGITS);
	for (size_t i = 0; n && i < sizeof UNITS / sizeof *UNITS; i++)
		if (strcasecmp(value + n, UNITS[i]) == 0)
			return true;
	return false;
}

#define CLIENTS_MIN 64

/* What all servers refuse, and what keeps everybody out. NULL: nothing is known against it. */
static const char *wrong_value(struct config_walk *w, const char *name, const char *value, const char **ret_hint)
{
	int64_t clients;
	if ((strcmp(name, "maxmemory") == 0 || strcmp(name, "repl-backlog-size") == 0) && !is_memory(value)) {
		*ret_hint = "such as 512mb or 4gb, without a blank";
		return rop_printf(w->arena, "'%.60s' is no size as servers read it", value);
	}
	if (strcmp(name, "maxclients") == 0 && rop_int_parse(value, 0, CLIENTS_MIN - 1, &clients)) {
		*ret_hint = rop_printf(w->arena, "%d at least", CLIENTS_MIN);
		return rop_printf(w->arena, "%.20s connections keep the operator and the replicas out", value);
	}
	return NULL;
}

void config_setting(struct config_walk *w, const struct rop_doc_node *name, const struct rop_doc_node *value)
{
	const char *wrong, *hint = NULL;
	if (!setting_name_is_fine(w, name) || config_is_broken(value))
		return;
	if (value->type != ROP_DOC_SCALAR)
		rop_diag_error(w->diags, w->doc, value, "write it as one text, as CONFIG SET takes it",
			       "the setting '%.60s' must be a single value", name->text);
	else if (looks_of(value) == LOOKS_NOTHING)
		rop_diag_error(w->diags, w->doc, value->text[0] ? value : name, "write \"\" for an empty one",
			       "the setting '%.60s' has no value", name->text);
	else if (!value->quoted && (strcasecmp(value->text, "true") == 0 || strcasecmp(value->text, "false") == 0))
		rop_diag_error(w->diags, w->doc, value, "Redis says yes and no",
			       "the setting '%.60s' cannot be a boolean", name->text);
	else if (strpbrk(value->text, "\n\t"))
		rop_diag_error(w->diags, w->doc, value, NULL, "the setting '%.60s' must be a single line without tabs",
			       name->text);
	else if ((wrong = wrong_value(w, name->text, value->text, &hint)) != NULL)
		rop_diag_error(w->diags, w->doc, value, hint, "%s", wrong);
	else
		*rop_push(w->arena, &w->topology->settings) = (struct rop_setting){ .name = name->text,
										    .value = value->text };
}

/* All defaults are numbers, durations, or the first choice (false, as the arena gives it). */
void config_defaults(struct rop_topology *topology)
{
	for (size_t i = 0; i < CONFIG_KEYS_N; i++) {
		const struct config_key *key = &CONFIG_KEYS[i];
		int64_t number;
		if (!key->fallback)
			continue;
		if (key->type == CONFIG_INT && rop_int_parse(key->fallback, key->min, key->max, &number))
			*(int *)((char *)topology + key->at) = (int)number;
		if (key->type == CONFIG_DURATION && rop_duration_parse(key->fallback, &number))
			*(int64_t *)((char *)topology + key->at) = number;
	}
}
