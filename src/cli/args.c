/* args.c - options from one table; they may stand before or after operands. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "rop/text.h"

const struct cli_option CLI_GLOBAL_OPTIONS[] = {
	{ "state", 0, CLI_STRING, "PATH",
	  "database (default: /var/lib/redis-operator/state.db as root, else $XDG_STATE_HOME/redis-operator/state.db)",
	  CLI_VALUE(state) },
	{ "config", 0, CLI_STRING, "PATH", "the daemon's configuration (libconfig)", CLI_VALUE(config) },
	{ "machines", 0, CLI_STRING, "DIR", "take machines from DIR instead of those compiled in",
	  CLI_VALUE(machines) },
	{ "output", 'o', CLI_OUTPUT, "text|json|jsonl", "how to print", CLI_VALUE(output) },
	{ "color", 0, CLI_COLOR, "auto|always|never", "colours (NO_COLOR and TERM=dumb are respected)",
	  CLI_VALUE(color) },
	{ "quiet", 'q', CLI_FLAG, NULL, "no progress", CLI_VALUE(quiet) },
	{ "verbose", 'v', CLI_FLAG, NULL, "say more; twice: everything", CLI_VALUE(verbose) },
	{ "help", 'h', CLI_FLAG, NULL, "this text", CLI_VALUE(help) },
	{ "version", 0, CLI_FLAG, NULL, "print the version", CLI_VALUE(version) },
	{ 0 },
};

static const struct cli_option *find_in(const struct cli_option *options, const char *name, size_t n, char letter)
{
	for (const struct cli_option *o = options; o && o->name; o++)
		if (name ? strlen(o->name) == n && memcmp(o->name, name, n) == 0 : o->letter && o->letter == letter)
			return o;
	return NULL;
}

static const struct cli_option *find_option(const struct cli *cli, const char *name, size_t n, char letter)
{
	const struct cli_option *o = find_in(CLI_GLOBAL_OPTIONS, name, n, letter);
	if (!o && cli->command)
		o = find_in(cli->command->options, name, n, letter);
	/* Before the command's name is read, any command's option may stand. */
	for (const struct cli_command *const *c = CLI_COMMANDS; !o && !cli->command && *c; c++)
		o = find_in((*c)->options, name, n, letter);
	return o;
}

static bool unknown_option(const struct cli *cli, const char *text, struct rop_err *err)
{
	const char *names[64];
	size_t n = 0;
	for (const struct cli_option *o = CLI_GLOBAL_OPTIONS; o->name; o++)
		names[n++] = o->name;
	for (const struct cli_option *o = cli->command ? cli->command->options : NULL; o && o->name; o++)
		names[n++] = o->name;
	const char *meant = rop_suggest(text, names, n);
	const char *command = cli->command ? cli->command->name : "";
	if (meant)
		return rop_fail(err, ROP_INVALID, "unknown option '%s' (did you mean '--%s'?)", text, meant);
	return rop_fail(err, ROP_INVALID, "unknown option '%s'; see `redis-operator %s%s--help`", text, command,
			*command ? " " : "");
}

static bool one_of(const char *value, const char *const *names, int *ret)
{
	for (int i = 0; names[i]; i++) {
		if (strcmp(names[i], value) == 0) {
			*ret = i;
			return true;
		}
	}
	return false;
}

static bool set_value(struct cli *cli, const struct cli_option *o, const char *value, struct rop_err *err)
{
	static const char *const OUTPUTS[] = { "text", "json", "jsonl", NULL }, *const COLORS[] = { "auto", "always",
												    "never", NULL };
	void *place = (char *)&cli->values + o->offset;
	int choice = 0;
	bool fine = true;
	switch (o->type) {
	case CLI_FLAG: ++*(int *)place; break;
	case CLI_STRING:
		*(const char **)place = value;
		fine = *value != '\0';
		break;
	case CLI_DURATION: fine = rop_duration_parse(value, place) && *(int64_t *)place > 0; break; /* 0: not given */
	case CLI_NUMBER: fine = rop_int_parse(value, 1, 1000000, place); break;                     /* 0: not given */
	case CLI_OUTPUT:
		fine = one_of(value, OUTPUTS, &choice);
		*(enum cli_output *)place = (enum cli_output)choice;
		break;
	case CLI_COLOR:
		fine = one_of(value, COLORS, &choice);
		*(enum cli_color *)place = (enum cli_color)choice;
		break;
	}
	if (fine)
		return true;
	const char *wanted = o->arg;
	if (o->type == CLI_DURATION)
		wanted = "a duration such as 250ms, 5s, 10m or 1h, longer than 0 and at most 720h";
	else if (o->type == CLI_NUMBER)
		wanted = "a whole number from 1 to 1000000";
	return rop_fail(err, ROP_INVALID, "--%s: '%s' is not %s", o->name, value, wanted);
}

/* One argument that begins with a dash; may take the next one as its value. */
static bool take_option(struct cli *cli, char **argv, int argc, int *at, struct rop_err *err)
{
	const char *text = argv[*at], *value = NULL;
	bool is_long = text[1] == '-';
	size_t n = is_long ? strcspn(text + 2, "=") : 0;
	for (const char *letter = text + 1; is_long || *letter; letter++) {
		const struct cli_option *o = is_long ? find_option(cli, text + 2, n, 0)
						     : find_option(cli, NULL, 0, *letter);
		if (!o)
			return unknown_option(cli, text, err);
		if (is_long && text[2 + n] == '=')
			value = text + 3 + n;
		else if (!is_long && o->type != CLI_FLAG && letter[1])
			value = letter + 1;
		if (o->type == CLI_FLAG && value)
			return rop_fail(err, ROP_INVALID, "--%s takes no value", o->name);
		if (o->type != CLI_FLAG && !value) {
			if (*at + 1 >= argc)
				return rop_fail(err, ROP_INVALID, "--%s needs a value: %s", o->name, o->arg);
			value = argv[++*at];
		}
		if (!set_value(cli, o, value, err))
			return false;
		if (is_long || value)
			break;
	}
	return true;
}

bool cli_find_command(const char *name, const struct cli_command **ret_command, struct rop_err *err)
{
	const char *names[32];
	size_t n = 0;
	for (const struct cli_command *const *c = CLI_COMMANDS; *c; c++) {
		if (strcmp((*c)->name, name) == 0) {
			*ret_command = *c;
			return true;
		}
		names[n++] = (*c)->name;
	}
	const char *meant = rop_suggest(name, names, n);
	if (meant)
		return rop_fail(err, ROP_INVALID, "unknown command '%s' (did you mean '%s'?)", name, meant);
	return rop_fail(err, ROP_INVALID, "unknown command '%s'; see `redis-operator --help`", name);
}

static bool own_option(const struct cli *cli, const char *text)
{
	bool is_long = text[1] == '-';
	size_t n = is_long ? strcspn(text + 2, "=") : 0;
	return find_option(cli, is_long ? text + 2 : NULL, n, is_long ? 0 : text[1]) != NULL;
}

/* An error may stand in front of -o: who asked for a document gets one all the same. */
enum cli_output cli_wanted_output(int argc, char **argv)
{
	enum cli_output wanted = CLI_TEXT;
	for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
		const char *next = i + 1 < argc ? argv[i + 1] : "", *value = NULL;
		if (strcmp(argv[i], "-o") == 0 || strcmp(argv[i], "--output") == 0)
			value = next;
		else if (strncmp(argv[i], "--output=", 9) == 0)
			value = argv[i] + 9;
		else if (strncmp(argv[i], "-o", 2) == 0)
			value = argv[i] + 2;
		if (rop_streq(value, "json"))
			wanted = CLI_JSON;
		else if (rop_streq(value, "jsonl"))
			wanted = CLI_JSONL;
		else if (rop_streq(value, "text"))
			wanted = CLI_TEXT;
	}
	return wanted;
}

bool cli_parse(struct cli *cli, int argc, char **argv, char ***ret_operands, int *ret_n, struct rop_err *err)
{
	char **operands = rop_alloc_n(cli->arena, (size_t)argc + 1, sizeof *operands);
	const char *early[8]; /* options before the command's name: are they this command's? */
	int n = 0;
	size_t n_early = 0;
	bool only_operands = false;
	for (int i = 1; i < argc; i++) {
		if (!only_operands && strcmp(argv[i], "--") == 0) {
			only_operands = true;
		} else if (!only_operands && argv[i][0] == '-' && argv[i][1]) {
			if (!cli->command && n_early < sizeof early / sizeof *early)
				early[n_early++] = argv[i];
			if (!take_option(cli, argv, argc, &i, err))
				return false;
		} else if (!cli->command) {
			if (!cli_find_command(argv[i], &cli->command, err))
				return false;
		} else {
			operands[n++] = argv[i];
		}
	}
	for (size_t i = 0; cli->command && i < n_early; i++)
		if (!own_option(cli, early[i]))
			return unknown_option(cli, early[i], err);
	*ret_operands = operands;
	*ret_n = n;
	if (!cli->command || cli->values.help || cli->values.version)
		return true;
	if (n < cli->command->min_operands)
		return rop_fail(err, ROP_INVALID, "%s: %s is missing; see `redis-operator %s --help`",
				cli->command->name, cli->command->operands, cli->command->name);
	if (cli->command->max_operands >= 0 && n > cli->command->max_operands)
		return rop_fail(err, ROP_INVALID, "%s: '%s' is one argument too many; see `redis-operator %s --help`",
				cli->command->name, operands[cli->command->max_operands], cli->command->name);
	return true;
}

/* ---- help -------------------------------------------------------------------------------------------------- */

void cli_version(const struct cli *cli)
{
	if (cli->values.output == CLI_TEXT)
		printf("redis-operator %s\n", PACKAGE_VERSION);
	else
		cli_print_json(rop_json("{s:s}", "version", PACKAGE_VERSION));
}

static struct rop_usage usage_of(const struct cli *cli, const char *name, const struct cli_option *options)
{
	ROP_LIST(struct rop_usage_option) list = { 0 };
	for (const struct cli_option *o = options; o && o->name; o++)
		*rop_push(cli->arena, &list) = (struct rop_usage_option){
			.name = o->name, .letter = o->letter, .arg = o->arg, .doc = o->doc
		};
	return (struct rop_usage){ .name = name, .options = list.at, .n_options = list.n };
}

void cli_help(const struct cli *cli, const struct cli_command *command)
{
	struct rop_usage everywhere = usage_of(cli, "redis-operator", CLI_GLOBAL_OPTIONS);
	ROP_LIST(struct rop_usage) list = { 0 };
	ROP_OWN_TEXT text = { 0 };
	everywhere.summary = "redis-operator - creates, verifies and keeps Redis and Valkey clusters on plain machines";
	everywhere.about = "Exit codes: 0 done  1 error  2 changes (plan --detailed-exitcode)\n"
			   "            3 wrong input  4 refused  5 busy  6 not converged in time\n"
			   "            7 stale plan  8 unreachable  9 not permitted\n"
			   "            10 slots not served (--exit-code)  70 internal error\n"
			   "\nTo try it: redis-operator demo up\n";
	for (const struct cli_command *const *c = CLI_COMMANDS; *c; c++) {
		if (command && command != *c)
			continue;
		struct rop_usage *usage = rop_push(cli->arena, &list);
		*usage = usage_of(cli, (*c)->name, (*c)->options);
		usage->operands = (*c)->operands;
		usage->summary = (*c)->summary;
		usage->about = (*c)->about;
	}
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_report_usage_json(list.at, list.n, &everywhere));
	else if (command)
		rop_report_usage(list.at, &everywhere, &text);
	else
		rop_report_overview(list.at, list.n, &everywhere, &text);
	cli_print(&text);
}
