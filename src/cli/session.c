/* session.c - one cluster from the command line: its file, its machine, its rows, its nodes. */
#include "config.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "builtin.h"
#include "cli.h"
#include "rop/host.h"
#include "rop/leaving.h"
#include "rop/look.h"
#include "rop/shipped.h"

const char *cli_state_path(struct cli *cli)
{
	return cli->values.state ? cli->values.state : rop_state_path(cli->arena);
}

/* ---- topology ---------------------------------------------------------------------------------------------- */

/* A name has no slash and no dot; everything else is a path. A file of that very name wins, a folder does not. */
bool session_is_file(const char *name)
{
	struct stat st;
	return strpbrk(name, "/.") || (stat(name, &st) == 0 && !S_ISDIR(st.st_mode));
}

static bool take_doc(struct session *s, struct rop_diags *diags, struct rop_doc *doc, bool loaded, struct rop_err *err)
{
	struct cli *cli = s->cli;
	if (!loaded || !rop_topology_from_doc(cli->arena, doc, diags, &s->topology)) {
		cli_print_diags(diags);
		return rop_fail(err, ROP_INVALID, "%s", ""); /* said already */
	}
	s->source = doc->source;
	return true;
}

bool session_open_source(struct session *s, struct cli *cli, const char *path, const char *source, struct rop_err *err)
{
	struct rop_diags diags;
	struct rop_doc *doc = NULL;
	s->cli = cli;
	rop_diags_init(&diags, cli->arena);
	bool loaded = rop_doc_parse(cli->arena, path, source, strlen(source), &diags, &doc);
	return take_doc(s, &diags, doc, loaded, err);
}

/* The database is closed again: who goes on with it opens it as it is needed, for reading or for writing. */
bool session_open_accepted(struct session *s, struct cli *cli, const char *name, const char *missing,
			   struct rop_err *err)
{
	struct rop_store *store = NULL;
	const char *source = NULL, *path = NULL;
	if (!rop_store_open(cli_state_path(cli), ROP_STORE_READ, &store, err))
		return false;
	bool read = !store || rop_store_source(store, cli->arena, name, &source, &path, err);
	rop_store_close(store);
	if (!read)
		return false;
	if (!source)
		return rop_fail(err, ROP_INVALID, "%s, and no cluster of that name in %s", missing,
				cli_state_path(cli));
	return session_open_source(s, cli, path ? path : name, source, err);
}

bool session_is_no_plan(struct cli *cli, const char *path, struct rop_err *err)
{
	const char *bytes = NULL;
	size_t n = 0;
	struct rop_err unsafe = { 0 };
	if (rop_plan_file_read(cli->arena, path, &bytes, &n, &unsafe) && !bytes)
		return true;
	return rop_fail(err, ROP_INVALID,
			"%s is a saved plan, not a topology file\n  -> `redis-operator show %s` prints it, "
			"`redis-operator apply %s` does it",
			path, path, path);
}

bool session_open_topology(struct session *s, struct cli *cli, const char *file_or_name, struct rop_err *err)
{
	struct rop_diags diags;
	struct rop_doc *doc = NULL;
	const char *text;
	s->cli = cli;
	if (strcmp(file_or_name, CLI_STDIN) == 0)
		return rop_stdin_read(cli->arena, &text, err) && session_open_source(s, cli, CLI_STDIN, text, err);
	if (!session_is_file(file_or_name))
		return session_open_accepted(s, cli, file_or_name, rop_printf(cli->arena, "no file '%s'", file_or_name),
					     err);
	if (!session_is_no_plan(cli, file_or_name, err))
		return false;
	rop_diags_init(&diags, cli->arena);
	bool loaded = rop_doc_load(cli->arena, file_or_name, &diags, &doc);
	return take_doc(s, &diags, doc, loaded, err);
}

/* ---- machine ----------------------------------------------------------------------------------------------- */

bool cli_machine_load(struct cli *cli, const char *path, struct rop_machine **ret_machine, struct rop_err *err)
{
	static const struct rop_shipped SHIPPED = { .cluster = BUILTIN_CLUSTER_YAML,
						    .migration = BUILTIN_MIGRATION_YAML,
						    .retire = BUILTIN_RETIRE_YAML,
						    .failover = BUILTIN_FAILOVER_YAML };
	struct rop_diags diags;
	rop_diags_init(&diags, cli->arena);
	if (!path && cli->values.machines)
		path = rop_printf(cli->arena, "%s/cluster.yaml", cli->values.machines);
	if (rop_shipped_load(cli->arena, path, &SHIPPED, &diags, ret_machine))
		return true;
	cli_print_diags(&diags);
	return rop_fail(err, ROP_INVALID, "%s", "");
}

bool session_open_machine(struct session *s, struct rop_err *err)
{
	return cli_machine_load(s->cli, NULL, &s->machine, err);
}

/* ---- database ---------------------------------------------------------------------------------------------- */

bool session_open_store(struct session *s, enum rop_store_mode mode, struct rop_err *err)
{
	if (!s->store && !rop_store_open(cli_state_path(s->cli), mode, &s->store, err))
		return false;
	if (!s->store) /* reading, and there is none: nothing is known */
		return true;
	s->changes = mode == ROP_STORE_WRITE;
	return rop_store_instance(s->store, s->instance, err) &&
	       rop_store_load(s->store, s->cli->arena, s->topology->name, &s->image, err);
}

bool cli_clusters(struct cli *cli, struct rop_store *store, const char *only, const char ***ret_names, size_t *ret_n,
		  struct rop_err *err)
{
	const char **names = NULL;
	size_t n = 0;
	if (store && !rop_store_clusters(store, cli->arena, &names, &n, err))
		return false;
	for (size_t i = 0; only && i <= n; i++) {
		if (i == n)
			return rop_fail(err, ROP_INVALID, "no cluster '%s' in %s", only, cli_state_path(cli));
		if (strcmp(names[i], only) == 0) {
			names += i;
			n = 1;
			break;
		}
	}
	*ret_names = names;
	*ret_n = n;
	return true;
}

/* ---- nodes ------------------------------------------------------------------------------------------------- */

bool session_open_nodes(struct session *s, struct rop_err *err)
{
	struct rop_topology *t = s->topology;
	s->loop = rop_loop_new(err);
	if (!s->loop || !rop_look_names(s->loop, s->cli->arena, t, &s->image, err) ||
	    !rop_topology_password(t, &s->password, err))
		return false;
	s->topology = rop_topology_leaving(s->cli->arena, t, &s->image);
	s->fleet = (struct rop_fleet_options){
		.client_name = rop_printf(s->cli->arena, "redis-operator:%s%s%s", t->name, s->changes ? ":" : "",
					  s->changes ? s->instance : ""),
		.user = t->auth_user,
		.password = s->password,
		.connect_timeout_ms = t->connect_timeout_ms,
		.command_timeout_ms = t->command_timeout_ms,
	};
	return true;
}

const struct rop_observed *session_look(struct session *s, unsigned flags)
{
	const struct rop_look look = { .loop = s->loop, .arena = s->cli->arena, .fleet = &s->fleet };
	s->seen = rop_observed_with_ghosts(s->cli->arena, rop_look_at(&look, s->topology, &s->image, flags), &s->image);
	return s->seen;
}

static const char *seen_at(const struct session *s, const struct rop_image *image)
{
	for (size_t m = 0; m < image->members.n; m++) {
		int node = rop_observed_find(s->seen, image->members.at[m].node);
		if (node >= 0 && rop_answers(s->seen, (size_t)node) && !image->members.at[m].forgotten_boot_ms)
			return s->seen->nodes[node].address;
	}
	return NULL;
}

/* Under two names it would be changed twice; and a pause of one is none of the other. */
static bool tell_of_other(struct session *s, const char *name, const struct rop_image *other, struct rop_err *err)
{
	const char *address = seen_at(s, other);
	if (!address)
		return true;
	if (s->changes && rop_image_is_paused(other, rop_wall_ms()))
		return rop_fail(
			err, ROP_REFUSED,
			"%s is a member of cluster '%s', which %s paused; the file calls its cluster '%s'\n"
			"  -> call it '%s' in the file (metadata.name); or `redis-operator forget %s` first, where it "
			"is to be renamed",
			address, name, other->paused_by ? other->paused_by : "a person", s->topology->name, name, name);
	cli_tell(
		s->cli,
		"warning: %s is a member of cluster '%s' too, and the file calls its cluster '%s': call it by one name "
		"(metadata.name), or `redis-operator forget %s`",
		address, name, s->topology->name, name);
	return true;
}

bool session_is_of_no_other(struct session *s, struct rop_err *err)
{
	const char **names;
	size_t n;
	if (!s->store || s->image.members.n) /* it is known by this name */
		return true;
	if (!rop_store_clusters(s->store, s->cli->arena, &names, &n, err))
		return false;
	for (size_t i = 0; i < n; i++) {
		struct rop_image other;
		if (strcmp(names[i], s->topology->name) == 0)
			continue;
		if (!rop_store_load(s->store, s->cli->arena, names[i], &other, err) ||
		    !tell_of_other(s, names[i], &other, err))
			return false;
	}
	return true;
}

bool session_open_to_look(struct session *s, struct cli *cli, const char *file_or_name, unsigned more,
			  struct rop_err *err)
{
	return session_open_topology(s, cli, file_or_name, err) && session_open_machine(s, err) &&
	       session_open_store(s, ROP_STORE_READ, err) && session_open_nodes(s, err) &&
	       session_look(s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_MEMORY | more);
}

void session_close(struct session *s)
{
	rop_secret_free(s->password);
	s->password = NULL;
	if (s->loop)
		rop_loop_free(s->loop);
	rop_store_close(s->store);
	s->loop = NULL;
	s->store = NULL;
}

struct rop_report session_report(const struct session *s)
{
	return (struct rop_report){ .arena = s->cli->arena,
				    .topology = s->topology,
				    .machine = s->machine,
				    .image = &s->image,
				    .color = s->cli->color,
				    .columns = cli_columns(stdout),
				    .verbose = s->cli->values.verbose > 0 };
}

void session_reconcile_options(const struct session *s, struct rop_reconcile_options *ret)
{
	*ret = (struct rop_reconcile_options){
		.machine = s->machine,
		.topology = s->topology,
		.image = &s->image,
		.instance = s->instance[0] ? s->instance : NULL,
		.boot_id = rop_boot_id(),
		.pid = (int)getpid(),
		.step = s->cli->values.step > 0,
		.consent = s->consent,
	};
}

struct rop_deed cli_deed(struct cli *cli, enum rop_deed_kind what, const char *note)
{
	return rop_deed_by_caller(cli->arena, what, cli->argc, cli->argv, cli->values.reason, note);
}

struct rop_clock session_clock(void)
{
	return (struct rop_clock){ .wall_ms = rop_wall_ms(), .boot_ms = rop_boot_ms() };
}

struct rop_situation *session_situation(const struct session *s)
{
	return rop_situation_make(&(struct rop_situation){ .arena = s->cli->arena,
							   .topology = s->topology,
							   .seen = s->seen,
							   .image = &s->image,
							   .moving = s->image.moving,
							   .instance = s->instance[0] ? s->instance : NULL,
							   .wall_ms = rop_wall_ms(),
							   .boot_ms = rop_boot_ms(),
							   .may_lower = true,
							   .warn_of_found = true,
							   .looks_once = true });
}

const char *plan_reason(const struct rop_plan *plan)
{
	const struct rop_situation *first = plan->first;
	const char *reason = rop_situation_reason(first);
	return !reason && first->paused ? "Paused" : reason;
}

void session_warn_of_second(struct cli *cli, const struct rop_situation *now)
{
	ROP_OWN_TEXT text = { 0 };
	rop_report_second(now, &text);
	cli_tell_text(cli, &text);
}
