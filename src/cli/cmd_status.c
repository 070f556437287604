/* cmd_status.c - nodes, roles, slots, state, conditions, pending expectations. Reads only. */
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/text.h"

static const struct cli_option OPTIONS[] = {
	{ "watch", 'w', CLI_FLAG, NULL, "print again every interval until interrupted", CLI_VALUE(watch) },
	{ 0 },
};

static const char *role_text(const struct rop_node *node)
{
	return node->role == ROP_ROLE_PRIMARY ? "primary" : node->role == ROP_ROLE_REPLICA ? "replica" : "-";
}

static const char *link_text(const struct rop_node *node)
{
	if (node->reach != ROP_REACH_OK)
		return "silent";
	if (node->role == ROP_ROLE_REPLICA)
		return node->syncing ? "syncing" : node->link_up ? "up" : "down";
	return node->state_ok ? "ok" : "fail";
}

/* A node that follows nobody and owns nothing belongs to no shard yet, whatever is planned for it. */
static int shard_of(const struct rop_situation *now, size_t i)
{
	const struct rop_node *node = &now->seen->nodes[i];
	int owner = node->role == ROP_ROLE_REPLICA ? node->primary : (int)i;
	if (owner < 0 || rop_slots_first(&now->seen->nodes[owner].slots) == ROP_SLOTS ||
	    now->layout.shard_of[owner] < 0)
		return 0;
	return now->layout.shards[now->layout.shard_of[owner]].number;
}

struct standing {
	const struct rop_machine *machine;
	size_t moves;
	int state;
};

static bool stand(void *arg, const struct rop_state *state, const struct rop_row *row)
{
	struct standing *standing = arg;
	(void)state;
	if (row)
		standing->state = row->to;
	return ++standing->moves < standing->machine->n_states;
}

/* The state the machine would be in now: from the last one written, by the rows that what is seen makes it take. Where
 * none was written nobody has begun: it has only been looked at. */
static const char *state_of(const struct session *s, const struct rop_situation *now)
{
	const struct rop_machine *m = s->machine;
	struct rop_clock_in_state clock = { .in_state_ms = 0, .n_subjects = s->topology->nodes.n };
	struct standing standing = { .machine = m,
				     .state = s->image.state ? rop_machine_find_state(m, s->image.state) : -1 };
	const struct rop_walk walk = { .visit = stand, .arg = &standing };
	if (standing.state < 0)
		return rop_situation_converged(now) ? "Ready" : m->states[m->initial].name;
	rop_machine_walk(m, standing.state, now, clock, &walk);
	return m->states[standing.state].name;
}

static void conditions_of(const struct session *s, struct rop_situation *now,
			  struct rop_condition ret[ROP_CONDITIONS_N])
{
	bool converged = rop_situation_converged(now);
	if (!converged)
		rop_situation_open(now);
	/* What the last run ended with holds until it has been tried again. */
	bool stuck = !converged && s->image.conditions[ROP_COND_BLOCKED].status == ROP_TRUE;
	rop_conditions_make(now, converged, now->refused || !now->in_view || stuck, ret);
}

static void print_nodes(struct cli *cli, const struct rop_situation *now)
{
	int width = 7;
	for (size_t i = 0; i < now->seen->n; i++)
		if ((int)strlen(now->seen->nodes[i].address) > width)
			width = (int)strlen(now->seen->nodes[i].address);
	printf("%s%-5s  %-*s  %-7s  %-7s  %-13s  %-14s  %s%s\n", rop_paint(cli->color, "bold"), "shard", width, "node",
	       "role", "link", "slots", "version", "id", rop_paint(cli->color, "off"));
	for (int number = 0; number <= (int)now->layout.n; number++) {
		for (int pass = 0; pass < 2; pass++) { /* primaries first */
			for (size_t i = 0; i < now->seen->n; i++) {
				const struct rop_node *node = &now->seen->nodes[i];
				/* shards in order, those of no shard last */
				if (shard_of(now, i) != (number + 1) % ((int)now->layout.n + 1) ||
				    (node->role == ROP_ROLE_REPLICA) != (pass == 1))
					continue;
				const char *link = link_text(node);
				bool fine = strcmp(link, "ok") == 0 || strcmp(link, "up") == 0;
				const char *slots = rop_slots_text(cli->arena, &node->slots);
				char shard[16];
				snprintf(shard, sizeof shard, "%d", shard_of(now, i));
				printf("%5s  %-*s  %-7s  %s%-7s%s  %-13.40s  %-14s  %.8s\n",
				       shard_of(now, i) ? shard : "-", width, node->address, role_text(node),
				       rop_paint(cli->color, fine ? "green" : "red"), link,
				       rop_paint(cli->color, "off"), *slots ? slots : "-",
				       node->flavour ? node->flavour : "-", node->id[0] ? node->id : "-");
			}
		}
	}
}

/* ---- files that the daemon could not take --------------------------------------------------------------------- */

struct file_errors {
	struct rop_file_error *at;
	size_t n;
};

static bool load_file_errors(struct cli *cli, struct rop_store *store, const char *cluster,
			     struct file_errors *ret_errors, struct rop_err *err)
{
	*ret_errors = (struct file_errors){ 0 };
	return !store || rop_store_file_errors(store, cli->arena, cluster, &ret_errors->at, &ret_errors->n, err);
}

/* revision 0: there is none in force. */
static void print_file_errors(struct cli *cli, const struct file_errors *errors, int64_t revision)
{
	for (size_t i = 0; i < errors->n; i++) {
		const struct rop_file_error *e = &errors->at[i];
		printf("%s  %s%s has errors%s since %s; ", i ? "" : "File\n", rop_paint(cli->color, "red"),
		       rop_text_visible(cli->arena, e->path, strlen(e->path), SIZE_MAX), rop_paint(cli->color, "off"),
		       rop_time_text(cli->arena, e->since_wall_ms));
		if (revision)
			printf("revision %lld, the last good one, is in force\n", (long long)revision);
		else
			printf("nothing is done for it\n");
		for (const char *line = e->text; *line;) {
			size_t n = strcspn(line, "\n");
			printf("    %s\n", rop_text_visible(cli->arena, line, n, SIZE_MAX));
			line += n + (line[n] == '\n');
		}
	}
}

static json_t *file_errors_json(const struct file_errors *errors)
{
	json_t *list = json_array();
	for (size_t i = 0; i < errors->n; i++) {
		const struct rop_file_error *e = &errors->at[i];
		json_array_append_new(list, rop_json("{s:o, s:o, s:o, s:o}", "path", rop_json_text(e->path), "cluster",
						     rop_json_text(e->cluster), "message", rop_json_text(e->text),
						     "since", rop_json_time(e->since_wall_ms)));
	}
	return list;
}

/* ---- one cluster ----------------------------------------------------------------------------------------------- */

static void print_text(struct cli *cli, const struct session *s, struct rop_situation *now,
		       const struct file_errors *errors)
{
	struct rop_condition conditions[ROP_CONDITIONS_N];
	conditions_of(s, now, conditions);
	bool converged = rop_situation_converged(now);
	printf("cluster %s%s%s   %s%s%s   %d shards, %zu nodes, %zu answer", rop_paint(cli->color, "bold"),
	       s->topology->name, rop_paint(cli->color, "off"), rop_paint(cli->color, converged ? "green" : "yellow"),
	       state_of(s, now), rop_paint(cli->color, "off"), s->topology->shards, now->seen->n, now->answering);
	if (s->image.revision)
		printf("   revision %lld declared, %lld reached", (long long)s->image.revision,
		       (long long)s->image.reached_revision);
	printf("\n\n");
	print_file_errors(cli, errors, s->image.revision);
	if (errors->n)
		printf("\n");
	print_nodes(cli, now);
	printf("\n");
	for (int i = 0; i < ROP_CONDITIONS_N; i++) {
		bool good = (i == ROP_COND_PAUSED || i == ROP_COND_BLOCKED) == (conditions[i].status == ROP_FALSE);
		if (conditions[i].status == ROP_UNKNOWN)
			good = false;
		printf("%-14s %s%-8s%s %-12s %s\n", rop_condition_type_name((enum rop_condition_type)i),
		       rop_paint(cli->color, good ? "green" : "yellow"), rop_truth_name(conditions[i].status),
		       rop_paint(cli->color, "off"), conditions[i].reason, conditions[i].message);
	}
	for (size_t i = 0; i < s->image.pending.n; i++) {
		const struct rop_expect *e = &s->image.pending.at[i];
		printf("%s%s  %s  attempt %d, until %s\n", i ? "" : "\nPending expectations\n",
		       e->address ? e->address : e->node, e->command ? e->command : e->subject, e->attempts,
		       rop_time_text(cli->arena, e->issued_wall_ms + (e->deadline_boot_ms - e->issued_boot_ms)));
	}
	for (size_t i = 0; i < s->image.temporaries.n; i++) {
		const struct rop_temporary *t = &s->image.temporaries.at[i];
		printf("%s%s  ", i ? "" : "\nTemporary settings in force\n", t->address);
		if (rop_temporary_waits(now, t))
			printf("%s\n", rop_temporary_sentence(cli->arena, now, t));
		else
			printf("%s is %s, will be put back to %s\n", t->name, t->temporary, t->original);
	}
}

static json_t *nodes_json(struct cli *cli, const struct rop_situation *now)
{
	json_t *nodes = json_array();
	for (size_t i = 0; i < now->seen->n; i++) {
		const struct rop_node *node = &now->seen->nodes[i];
		int shard = shard_of(now, i), planned = now->layout.shard_of[i];
		const char *want = now->layout.primary_of[i] >= 0    ? "replica"
				   : now->layout.primary_of[i] == -1 ? "primary"
								     : "none";
		json_t *declared = rop_json("{s:s, s:o}", "role", want, "shard",
					    planned < 0 ? json_null()
							: json_integer(now->layout.shards[planned].number));
		json_t *observed = rop_json("{s:b, s:s, s:o, s:I, s:I, s:o, s:s}", "answers",
					    node->reach == ROP_REACH_OK, "role", role_text(node), "primary",
					    rop_json_text(node->primary_id[0] ? node->primary_id : NULL), "epoch",
					    (json_int_t)node->epoch, "keys", (json_int_t)node->keys, "version",
					    rop_json_text(node->flavour), "cluster_state",
					    node->state_ok ? "ok" : "fail");
		json_array_append_new(nodes, rop_json("{s:o, s:s, s:s, s:o, s:s, s:s, s:o, s:o, s:o}", "id",
						      rop_json_text(node->id[0] ? node->id : NULL), "address",
						      node->address, "role", role_text(node), "shard",
						      shard ? json_integer(shard) : json_null(), "slots",
						      rop_slots_text(cli->arena, &node->slots), "link", link_text(node),
						      "why", rop_json_text(node->reach_why), "declared", declared,
						      "observed", observed));
	}
	return nodes;
}

static json_t *warnings_json(const struct rop_situation *now)
{
	json_t *list = json_array();
	for (size_t i = 0; i < now->layout.warnings.n; i++) {
		const struct rop_finding *w = &now->layout.warnings.at[i];
		json_array_append_new(list, rop_json("{s:s, s:s, s:o}", "reason", w->reason, "message", w->text,
						     "advice", rop_json_text(w->advice)));
	}
	return list;
}

static json_t *status_json(struct cli *cli, const struct session *s, struct rop_situation *now,
			   const struct file_errors *errors)
{
	struct rop_condition conditions[ROP_CONDITIONS_N];
	json_t *list = json_array(), *expectations = json_array(), *temporaries = json_array();
	conditions_of(s, now, conditions);
	for (int i = 0; i < ROP_CONDITIONS_N; i++)
		json_array_append_new(list, rop_json("{s:s, s:s, s:s, s:s, s:o}", "type",
						     rop_condition_type_name((enum rop_condition_type)i), "status",
						     rop_truth_name(conditions[i].status), "reason",
						     conditions[i].reason, "message", conditions[i].message,
						     "lastTransitionTime", rop_json_time(conditions[i].since_wall_ms)));
	for (size_t i = 0; i < s->image.pending.n; i++) {
		const struct rop_expect *e = &s->image.pending.at[i];
		json_array_append_new(expectations, rop_json("{s:s, s:s, s:s, s:o, s:i}", "subject", e->subject, "kind",
							     rop_step_kind_name(e->kind), "status",
							     rop_expect_status_name(e->status), "deadline",
							     rop_json_time(e->issued_wall_ms +
									   (e->deadline_boot_ms - e->issued_boot_ms)),
							     "attempts", e->attempts));
	}
	for (size_t i = 0; i < s->image.temporaries.n; i++) {
		const struct rop_temporary *t = &s->image.temporaries.at[i];
		json_array_append_new(temporaries, rop_json("{s:s, s:s, s:s, s:s, s:b}", "node", t->node, "name",
							    t->name, "original", t->original, "temporary", t->temporary,
							    "waits", rop_temporary_waits(now, t)));
	}
	return rop_json("{s:s, s:s, s:s, s:b, s:b, s:I, s:I, s:o, s:o, s:o, s:o, s:o, s:o}", "format_version", "1.0",
			"cluster", s->topology->name, "state", state_of(s, now), "converged",
			rop_situation_converged(now), "paused", now->paused, "revision", (json_int_t)s->image.revision,
			"observedRevision", (json_int_t)s->image.reached_revision, "conditions", list, "nodes",
			nodes_json(cli, now), "expectations", expectations, "temporarySettings", temporaries,
			"warnings", warnings_json(now), "file_errors", file_errors_json(errors));
}

static bool print_one(struct cli *cli, const char *name, struct rop_err *err)
{
	struct session s = { 0 };
	struct file_errors errors;
	bool fine = session_open_to_look(&s, cli, name, ROP_OBSERVE_CLIENTS, err) &&
		    load_file_errors(cli, s.store, s.topology->name, &errors, err);
	if (fine) {
		struct rop_situation *now = session_situation(&s);
		if (cli->values.watch && cli->values.output == CLI_TEXT && isatty(STDOUT_FILENO))
			fputs("\033[H\033[2J", stdout);
		if (cli->values.output == CLI_TEXT)
			print_text(cli, &s, now, &errors);
		else if (cli->values.output == CLI_JSON)
			cli_print_json(status_json(cli, &s, now, &errors));
		else
			cli_print_jsonl(status_json(cli, &s, now, &errors));
		fflush(stdout);
		session_warn_of_second(cli, now);
	}
	session_close(&s);
	return fine;
}

/* Every interval anew, with memory of its own: it may run for days. A reader that went away ends it. */
static bool watch(struct cli *cli, const char *name, struct rop_err *err)
{
	struct rop_arena *whole_call = cli->arena;
	bool fine = true;
	while (fine && !ferror(stdout)) {
		cli->arena = rop_arena_new();
		fine = print_one(cli, name, err);
		rop_arena_free(cli->arena);
		if (fine && !ferror(stdout))
			usleep(1000000);
	}
	cli->arena = whole_call;
	return fine;
}

/* Those of no cluster that was shown: a file that was never right, or whose cluster is not known any more. */
static void keep_unknown(struct file_errors *errors, const char *const *names, size_t n)
{
	size_t kept = 0;
	for (size_t i = 0; i < errors->n; i++) {
		bool known = false;
		for (size_t k = 0; k < n; k++)
			known |= rop_streq(errors->at[i].cluster, names[k]);
		if (!known)
			errors->at[kept++] = errors->at[i];
	}
	errors->n = kept;
}

static void print_unknown(struct cli *cli, const struct file_errors *errors)
{
	json_t *json = rop_json("{s:s, s:n, s:o}", "format_version", "1.0", "cluster", "file_errors",
				file_errors_json(errors));
	if (cli->values.output == CLI_JSON)
		cli_print_json(json);
	else if (cli->values.output == CLI_JSONL)
		cli_print_jsonl(json);
	else
		json_decref(json);
	if (cli->values.output == CLI_TEXT)
		print_file_errors(cli, errors, 0);
}

static bool print_all(struct cli *cli, struct rop_err *err)
{
	struct rop_store *store = NULL;
	const char **names = NULL;
	size_t n = 0;
	struct file_errors errors = { 0 };
	bool fine = rop_store_open(cli_state_path(cli), ROP_STORE_READ, &store, err) &&
		    (!store || rop_store_clusters(store, cli->arena, &names, &n, err)) &&
		    load_file_errors(cli, store, NULL, &errors, err);
	rop_store_close(store);
	if (!fine)
		return false;
	keep_unknown(&errors, names, n);
	if (!n && !errors.n)
		cli_tell(cli, "no clusters in %s; 'redis-operator status FILE' looks at one", cli_state_path(cli));
	for (size_t i = 0; fine && i < n; i++) {
		if (i && cli->values.output == CLI_TEXT)
			printf("\n");
		fine = print_one(cli, names[i], err);
	}
	if (n && errors.n && cli->values.output == CLI_TEXT)
		printf("\n");
	if (errors.n)
		print_unknown(cli, &errors);
	return fine;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	struct rop_err err = { 0 };
	bool fine = argc == 0           ? print_all(cli, &err)
		    : cli->values.watch ? watch(cli, argv[0], &err)
					: print_one(cli, argv[0], &err);
	return fine ? ROP_OK : cli_fail(&err);
}

const struct cli_command cli_status = {
	.name = "status",
	.operands = "[FILE|CLUSTER]",
	.min_operands = 0,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Nodes, roles, slots, state, conditions, pending expectations",
	.about = "Looks at the nodes and reads the database; changes neither. Without an operand: every cluster of the "
		 "database.\n",
};
