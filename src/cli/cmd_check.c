/* cmd_check.c - is this cluster healthy? redis-cli's phrases, and what it does not look at. Exit 1 on any [ERR]. */
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "rop/seed.h"
#include "rop/text.h"

struct checking {
	struct cli *cli;
	const struct rop_observed *seen;
	bool declared;                   /* there is a file */
	const struct rop_image *journal; /* NULL: there is no file, or it cannot be read */
};

/* Nothing is known of anything, for one reason. */
static bool all_deny(const struct rop_situation *now)
{
	size_t n = 0;
	for (size_t i = 0; i < now->seen->n; i++)
		n += now->seen->nodes[i].reach == ROP_REACH_DENIED;
	return n && n == now->seen->n;
}

static enum rop_code check(struct checking *c, const struct rop_topology *topology, const char *name)
{
	static const struct rop_image nothing_known;
	struct rop_image image = c->journal ? rop_report_health_image(c->journal) : nothing_known;
	struct rop_situation *now = rop_situation_make(&(struct rop_situation){ .arena = c->cli->arena,
										.topology = topology,
										.seen = c->seen,
										.image = &image,
										.wall_ms = rop_wall_ms(),
										.warn_of_found = c->journal != NULL,
										.looks_once = true });
	struct rop_report report = { .arena = c->cli->arena, .topology = topology, .color = c->cli->color };
	ROP_OWN_TEXT text = { 0 };
	size_t errors;
	json_t *json = NULL;
	if (c->cli->values.output != CLI_TEXT)
		json = rop_report_health_json(&report, now, name, &errors);
	else
		errors = rop_report_health(&report, now, &text);
	struct rop_grade grade = rop_report_check_grade(&report, now, errors, c->declared);
	if (json) {
		json_object_set_new(json, "verdict", rop_report_grade_json(&grade));
		cli_print_json(json);
	} else if (!(c->cli->values.quiet && c->cli->values.exit_code)) {
		cli_print_lines(&text);
	}
	if (c->cli->values.exit_code)
		return grade.code;
	if (all_deny(now))
		return ROP_DENIED;
	return errors ? ROP_FAIL : ROP_OK;
}

static enum rop_code check_file(struct checking *c, const char *path)
{
	struct rop_err err = { 0 }, unread = { 0 };
	struct session s = { 0 };
	enum rop_code code;
	if (c->cli->values.user || c->cli->values.password_file) {
		rop_fail(&err, ROP_INVALID,
			 "--user and --password-file go with HOST:PORT; a file says it under spec.auth");
		return cli_fail(&err);
	}
	bool read = session_open_topology(&s, c->cli, path, &err) && session_open_store(&s, ROP_STORE_READ, &unread);
	if (s.topology && session_open_nodes(&s, &err) && session_look(&s, ROP_OBSERVE_SETTINGS)) {
		c->seen = s.seen;
		c->declared = true;
		c->journal = read ? &s.image : NULL;
		code = check(c, s.topology, s.topology->name);
	} else {
		code = cli_fail(&err);
	}
	session_close(&s);
	return code;
}

static enum rop_code check_seed(struct checking *c, const char *text)
{
	struct rop_err err = { 0 };
	struct rop_seed seed = { 0 };
	enum rop_code code;
	if (rop_seed_open(&seed, c->cli->arena, text, c->cli->values.user, c->cli->values.password_file, &err)) {
		rop_seed_look(&seed, 0, NULL, 0);
		c->seen = seed.seen;
		code = check(c, rop_seed_topology(&seed), text);
	} else {
		code = cli_fail(&err);
	}
	rop_seed_close(&seed);
	return code;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct checking c = { .cli = cli };
	char *host;
	int port;
	bool is_address = rop_address_split(cli->arena, argv[0], &host, &port) && !strchr(host, '/');
	if (is_address)
		return check_seed(&c, argv[0]);
	if (session_is_file(argv[0]))
		return check_file(&c, argv[0]);
	struct rop_err err = { 0 };
	rop_fail(&err, ROP_INVALID, "'%s' is neither a file nor HOST:PORT", argv[0]);
	return cli_fail(&err);
}

static const struct cli_option OPTIONS[] = { CLI_EXIT_CODE_OPTION, CLI_SEED_OPTIONS, { 0 } };

const struct cli_command cli_check = {
	.name = "check",
	.operands = "FILE|HOST:PORT",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Is this cluster healthy? Exit 1 on any [ERR]",
	.about = "redis-cli's phrases. Also looked at: every pair of views (members, roles, epochs, slots), "
		 "links, cluster_state of every node, replicas of replicas, rival claims; with a file and a "
		 "database, data that is known to be lost.\n"
		 "Exit 9 where every node denies the user, the password or what is asked.\n"
		 "With --exit-code, for monitoring, the first that holds of: 9 not permitted, 8 too few nodes "
		 "answer, 4 refused, 10 some slots are not served, 6 any other [ERR] or degraded, 2 not as "
		 "declared, 0. -q then prints nothing.\n",
};
