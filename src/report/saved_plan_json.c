/* saved_plan_json.c - a saved plan as JSON: written for reviewers, read back as if a stranger had written it. */
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "rop/saved_plan.h"
#include "rop/text.h"

/* ---- written ----------------------------------------------------------------------------------------------- */

static const char *const ROLES[] = {
	[ROP_ROLE_UNKNOWN] = "unknown", [ROP_ROLE_PRIMARY] = "primary", [ROP_ROLE_REPLICA] = "replica"
};
#define ROLES_N (sizeof ROLES / sizeof *ROLES)

static json_t *text_or_null(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *node_json(const struct rop_saved_node *n)
{
	json_t *settings = json_object();
	for (size_t i = 0; i < n->settings.n; i++)
		json_object_set_new(settings, n->settings.at[i].name, text_or_null(n->settings.at[i].value));
	return json_pack("{s:s, s:s, s:i, s:i, s:b, s:s, s:s, s:s, s:s, s:I, s:{s:i, s:s}, s:o}", "address", n->address,
			 "ip", n->ip, "port", n->port, "bus_port", n->bus_port, "answers", n->answers, "id", n->id,
			 "role", ROLES[n->role], "replica_of", n->primary_id, "slots", n->slots, "epoch",
			 (json_int_t)n->epoch, "peers", "count", n->peers, "digest", n->peers_digest, "settings",
			 settings);
}

json_t *rop_saved_plan_json(const struct rop_saved_plan *plan)
{
	json_t *nodes = json_array(), *steps = json_array();
	for (size_t i = 0; i < plan->nodes.n; i++)
		json_array_append_new(nodes, node_json(&plan->nodes.at[i]));
	for (size_t i = 0; i < plan->steps.n; i++) {
		const struct rop_saved_step *s = &plan->steps.at[i];
		json_array_append_new(steps, json_pack("{s:s, s:s, s:s, s:s}", "action", s->kind, "subject", s->subject,
						       "node", s->node, "command", s->command));
	}
	return json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s, s:s}, s:{s:s}, s:o, s:o}", "format",
			 ROP_SAVED_PLAN_FORMAT, "format_version", ROP_SAVED_PLAN_VERSION, "program", plan->program,
			 "cluster", plan->cluster, "accepted", text_or_null(plan->accepted), "topology", "path",
			 plan->path, "digest", plan->digest, "source", plan->source, "machine", "digest", plan->machine,
			 "nodes", nodes, "steps", steps);
}

/* ---- read back --------------------------------------------------------------------------------------------- */

struct reader {
	struct rop_arena *arena;
	const char *name;
	struct rop_err *err;
};

#define TEXT_MAX ((size_t)4096)
#define COMMAND_MAX ((size_t)256 << 10) /* ADDSLOTS of all slots, each written out */
#define SOURCE_MAX ((size_t)1 << 20)    /* of a topology file */
#define DIGEST_LENGTH 16

static bool wrong(struct reader *r, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct reader *r, const char *fmt, ...)
{
	va_list ap;
	va_start(ap, fmt);
	const char *text = rop_vprintf(r->arena, fmt, ap);
	va_end(ap);
	return rop_fail(r->err, ROP_INVALID, "%s: not a plan that can be applied: %s", r->name, text);
}

/* What comes out of a plan onto a terminal is words: no control characters, nothing that turns the writing around. */
static bool is_clean(const char *s)
{
	return rop_text_is_visible(s, strlen(s));
}

/* A hostile key in a message: its clean beginning. */
static const char *shown(struct reader *r, const char *key)
{
	return is_clean(key) && strlen(key) <= 64 ? key : rop_strdup(r->arena, "(a key that cannot be printed)");
}

static bool only_keys(struct reader *r, const json_t *map, const char *where, const char *const *known)
{
	const char *key;
	json_t *value;
	size_t n = 0;
	while (known[n])
		n++;
	if (!json_is_object(map))
		return wrong(r, "%s is missing, or is no object", where);
	json_object_foreach((json_t *)map, key, value)
	{
		bool found = false;
		for (size_t i = 0; i < n && !found; i++)
			found = strcmp(known[i], key) == 0;
		if (!found)
			return wrong(r, "%s has the unknown key '%s'", where, shown(r, key));
	}
	return true;
}

static bool take_text(struct reader *r, const json_t *map, const char *where, const char *key, size_t max,
		      const char **ret)
{
	const json_t *value = json_object_get(map, key);
	if (!json_is_string(value))
		return wrong(r, "%s.%s is missing, or is no string", where, key);
	const char *text = json_string_value(value);
	if (strlen(text) > max)
		return wrong(r, "%s.%s is longer than %zu bytes", where, key, max);
	if (max != SOURCE_MAX && !is_clean(text)) /* the topology's text goes through its own reader */
		return wrong(r, "%s.%s holds characters that cannot be printed", where, key);
	*ret = rop_strdup(r->arena, text);
	return true;
}

static bool take_number(struct reader *r, const json_t *map, const char *where, const char *key, int64_t min,
			int64_t max, int64_t *ret)
{
	const json_t *value = json_object_get(map, key);
	if (!json_is_integer(value))
		return wrong(r, "%s.%s is missing, or is no whole number", where, key);
	*ret = json_integer_value(value);
	if (*ret < min || *ret > max)
		return wrong(r, "%s.%s is %" PRId64 ", not within %" PRId64 " and %" PRId64, where, key, *ret, min,
			     max);
	return true;
}

static bool is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static bool take_digest(struct reader *r, const json_t *map, const char *where, const char *key, const char **ret)
{
	if (!take_text(r, map, where, key, TEXT_MAX, ret))
		return false;
	return is_hex(*ret, DIGEST_LENGTH) ||
	       wrong(r, "%s.%s is no digest of %d hex digits", where, key, DIGEST_LENGTH);
}

static bool take_id(struct reader *r, const json_t *map, const char *where, const char *key, char ret[ROP_ID_SIZE])
{
	const char *text;
	if (!take_text(r, map, where, key, TEXT_MAX, &text))
		return false;
	if (*text && !is_hex(text, ROP_ID_SIZE - 1))
		return wrong(r, "%s.%s is no node id of %d hex digits", where, key, ROP_ID_SIZE - 1);
	memcpy(ret, text, strlen(text) + 1);
	return true;
}

/* Ranges as they are written: ascending, apart, within the slots. */
static bool take_slots(struct reader *r, const json_t *map, const char *where, const char **ret)
{
	struct rop_slots slots = { 0 };
	if (!take_text(r, map, where, "slots", COMMAND_MAX, ret))
		return false;
	for (const char *at = *ret; *at;) {
		char *end;
		long first = strtol(at, &end, 10), last = *end == '-' ? strtol(end + 1, &end, 10) : first;
		if (end == at || first < 0 || last < first || last >= ROP_SLOTS)
			break;
		rop_slots_add(&slots, (int)first, (int)last);
		at = end + (*end == ' ');
	}
	return strcmp(rop_slots_text(r->arena, &slots), *ret) == 0 ||
	       wrong(r, "%s.slots are no ranges of slots", where);
}

static bool take_settings(struct reader *r, const json_t *map, const char *where, struct rop_saved_node *node)
{
	const char *key;
	json_t *value;
	if (!json_is_object(map))
		return wrong(r, "%s.settings is missing, or is no object", where);
	json_object_foreach((json_t *)map, key, value)
	{
		const char *text = NULL;
		if (!is_clean(key) || strlen(key) > TEXT_MAX)
			return wrong(r, "%s.settings has a name that cannot be printed", where);
		if (!json_is_null(value) &&
		    !take_text(r, map, rop_printf(r->arena, "%s.settings", where), key, TEXT_MAX, &text))
			return false;
		*rop_push(r->arena, &node->settings) = (struct rop_setting){ .name = rop_strdup(r->arena, key),
									     .value = text };
	}
	return true;
}

static bool take_role(struct reader *r, const json_t *map, const char *where, enum rop_role *ret)
{
	const char *text;
	if (!take_text(r, map, where, "role", TEXT_MAX, &text))
		return false;
	for (size_t i = 0; i < ROLES_N; i++) {
		if (strcmp(text, ROLES[i]) == 0) {
			*ret = (enum rop_role)i;
			return true;
		}
	}
	return wrong(r, "%s.role is none of unknown, primary, replica", where);
}

static bool take_peers(struct reader *r, const json_t *map, const char *where, struct rop_saved_node *node)
{
	static const char *const KEYS[] = { "count", "digest", NULL };
	const char *digest;
	int64_t count;
	where = rop_printf(r->arena, "%s.peers", where);
	if (!only_keys(r, map, where, KEYS) || !take_number(r, map, where, "count", 0, 1000000, &count) ||
	    !take_digest(r, map, where, "digest", &digest))
		return false;
	node->peers = (int)count;
	memcpy(node->peers_digest, digest, sizeof node->peers_digest);
	return true;
}

static bool take_node(struct reader *r, const json_t *map, const char *where, struct rop_saved_node *node)
{
	static const char *const KEYS[] = { "address",    "ip",    "port",  "bus_port", "answers",  "id", "role",
					    "replica_of", "slots", "epoch", "peers",    "settings", NULL };
	int64_t port, bus_port;
	if (!only_keys(r, map, where, KEYS) || !take_text(r, map, where, "address", TEXT_MAX, &node->address) ||
	    !take_text(r, map, where, "ip", TEXT_MAX, &node->ip) ||
	    !take_number(r, map, where, "port", 1, 65535, &port) ||
	    !take_number(r, map, where, "bus_port", 1, 65535, &bus_port) || !take_id(r, map, where, "id", node->id) ||
	    !take_role(r, map, where, &node->role) || !take_id(r, map, where, "replica_of", node->primary_id) ||
	    !take_slots(r, map, where, &node->slots) ||
	    !take_number(r, map, where, "epoch", 0, INT64_MAX, &node->epoch) ||
	    !take_peers(r, json_object_get(map, "peers"), where, node) ||
	    !take_settings(r, json_object_get(map, "settings"), where, node))
		return false;
	if (!json_is_boolean(json_object_get(map, "answers")))
		return wrong(r, "%s.answers is missing, or is neither true nor false", where);
	node->answers = json_is_true(json_object_get(map, "answers"));
	node->port = (int)port;
	node->bus_port = (int)bus_port;
	return true;
}

static bool take_nodes(struct reader *r, const json_t *list, struct rop_saved_plan *plan)
{
	if (!json_is_array(list))
		return wrong(r, "nodes is missing, or is no list");
	if (json_array_size(list) > ROP_NODES_MAX)
		return wrong(r, "it has %zu nodes; a cluster has at most %d", json_array_size(list), ROP_NODES_MAX);
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct rop_saved_node node = { 0 };
		if (!take_node(r, json_array_get(list, i), rop_printf(r->arena, "nodes[%zu]", i), &node))
			return false;
		for (size_t k = 0; k < i; k++)
			if (strcmp(plan->nodes.at[k].address, node.address) == 0)
				return wrong(r, "nodes[%zu] is nodes[%zu] again: %s", i, k, node.address);
		*rop_push(r->arena, &plan->nodes) = node;
	}
	return true;
}

static bool take_steps(struct reader *r, const json_t *list, struct rop_saved_plan *plan)
{
	static const char *const KEYS[] = { "action", "subject", "node", "command", NULL };
	if (!json_is_array(list))
		return wrong(r, "steps is missing, or is no list");
	for (size_t i = 0; i < json_array_size(list); i++) {
		struct rop_saved_step step = { 0 };
		const json_t *map = json_array_get(list, i);
		const char *where = rop_printf(r->arena, "steps[%zu]", i);
		if (!only_keys(r, map, where, KEYS) || !take_text(r, map, where, "action", TEXT_MAX, &step.kind) ||
		    !take_text(r, map, where, "subject", TEXT_MAX, &step.subject) ||
		    !take_text(r, map, where, "node", TEXT_MAX, &step.node) ||
		    !take_text(r, map, where, "command", COMMAND_MAX, &step.command))
			return false;
		if (rop_step_kind_find(step.kind) < 0)
			return wrong(r, "%s.action is no kind of step: '%.64s'", where, step.kind);
		*rop_push(r->arena, &plan->steps) = step;
	}
	return true;
}

/* "1.0": any minor of the major that is known, as a minor only adds; what it added is then an unknown key. */
static bool take_format(struct reader *r, const json_t *root)
{
	const char *format, *version;
	if (!take_text(r, root, "plan", "format", TEXT_MAX, &format) ||
	    !take_text(r, root, "plan", "format_version", TEXT_MAX, &version))
		return false;
	if (strcmp(format, ROP_SAVED_PLAN_FORMAT) != 0)
		return wrong(r, "its format is '%.64s', not '%s'", format, ROP_SAVED_PLAN_FORMAT);
	return strncmp(version, ROP_SAVED_PLAN_VERSION, 2) == 0 ||
	       wrong(r, "its format_version is '%.64s', and this program knows %s; make a new plan", version,
		     ROP_SAVED_PLAN_VERSION);
}

static bool take_root(struct reader *r, const json_t *root, struct rop_saved_plan *plan)
{
	static const char *const KEYS[] = { "format",   "format_version", "program", "cluster", "accepted",
					    "topology", "machine",        "nodes",   "steps",   NULL };
	static const char *const TOPOLOGY_KEYS[] = { "path", "digest", "source", NULL }, *const MACHINE_KEYS[] = {
		"digest", NULL
	};
	const json_t *topology = json_object_get(root, "topology"), *machine = json_object_get(root, "machine"),
		     *accepted = json_object_get(root, "accepted");
	if (!take_format(r, root) || !only_keys(r, root, "plan", KEYS) ||
	    !take_text(r, root, "plan", "program", TEXT_MAX, &plan->program) ||
	    !take_text(r, root, "plan", "cluster", TEXT_MAX, &plan->cluster) ||
	    !only_keys(r, topology, "topology", TOPOLOGY_KEYS) ||
	    !take_text(r, topology, "topology", "path", TEXT_MAX, &plan->path) ||
	    !take_digest(r, topology, "topology", "digest", &plan->digest) ||
	    !take_text(r, topology, "topology", "source", SOURCE_MAX, &plan->source) ||
	    !only_keys(r, machine, "machine", MACHINE_KEYS) ||
	    !take_digest(r, machine, "machine", "digest", &plan->machine))
		return false;
	if (!accepted || (!json_is_null(accepted) && !take_digest(r, root, "plan", "accepted", &plan->accepted)))
		return accepted ? false : wrong(r, "plan.accepted is missing");
	return take_nodes(r, json_object_get(root, "nodes"), plan) &&
	       take_steps(r, json_object_get(root, "steps"), plan);
}

bool rop_saved_plan_parse(struct rop_arena *arena, const char *name, const char *bytes, size_t n,
			  struct rop_saved_plan *ret, struct rop_err *err)
{
	struct reader r = { .arena = arena, .name = name, .err = err };
	struct rop_saved_plan plan = { 0 };
	json_error_t error;
	if (n > ROP_SAVED_PLAN_MAX)
		return wrong(&r, "it has more than %zu MiB", ROP_SAVED_PLAN_MAX >> 20);
	json_t *root = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, &error);
	if (!root) { /* its text quotes the input */
		const char *what = is_clean(error.text) ? error.text : "malformed JSON";
		return wrong(&r, "line %d, column %d: %s", error.line, error.column, what);
	}
	bool taken = json_is_object(root) ? take_root(&r, root, &plan) : wrong(&r, "it is no object");
	json_decref(root);
	if (taken)
		*ret = plan;
	return taken;
}

bool rop_saved_plan_bytes(struct rop_arena *arena, const char *name, const struct rop_saved_plan *plan,
			  struct rop_text *out, struct rop_err *err)
{
	struct rop_saved_plan again;
	struct rop_err unreadable = { 0 };
	json_t *json = rop_saved_plan_json(plan);
	char *text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	json_decref(json);
	if (!text)
		return rop_fail(err, ROP_FAIL, "the plan cannot be saved: it holds text that is not UTF-8");
	rop_text_add(out, "%s\n", text);
	free(text);
	if (!rop_saved_plan_parse(arena, name, out->at, out->n, &again, &unreadable))
		return rop_fail(err, ROP_FAIL, "the plan cannot be saved: %s", unreadable.text);
	return (again.nodes.n == plan->nodes.n && again.steps.n == plan->steps.n) ||
	       rop_fail(err, ROP_FAIL, "the plan cannot be saved: it holds text that is not UTF-8");
}
