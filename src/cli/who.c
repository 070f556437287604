/* who.c - who asks for something, from where, with which command: what history shows of a person. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "rop/text.h"

#define TEXT_MAX 500 /* bytes kept of a command or a reason */

/* Root may have been asked by somebody: sudo says by whom. Of anybody else the environment is not believed. */
static const char *user(struct cli *cli)
{
	const char *sudo = getenv("SUDO_USER");
	if (getuid() == 0 && sudo && *sudo)
		return rop_text_visible(cli->arena, sudo, strlen(sudo), TEXT_MAX);
	const struct passwd *entry = getpwuid(getuid());
	return entry ? rop_strdup(cli->arena, entry->pw_name) : rop_printf(cli->arena, "%lld", (long long)getuid());
}

static const char *host(struct cli *cli)
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1) != 0)
		return "";
	return rop_text_visible(cli->arena, name, strlen(name), TEXT_MAX);
}

static const char *command(struct cli *cli)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "redis-operator");
	for (int i = 1; i < cli->argc; i++)
		rop_text_add(&text, " %s", cli->argv[i]);
	return rop_text_visible(cli->arena, text.at, text.n, TEXT_MAX);
}

struct rop_deed cli_deed(struct cli *cli, enum rop_deed_kind what, const char *note)
{
	const char *reason = cli->values.reason;
	return (struct rop_deed){
		.what = what,
		.user = user(cli),
		.host = host(cli),
		.command = command(cli),
		.uid = (int64_t)getuid(),
		.pid = (int)getpid(),
		.reason = reason ? rop_text_visible(cli->arena, reason, strlen(reason), TEXT_MAX) : NULL,
		.note = note,
	};
}
