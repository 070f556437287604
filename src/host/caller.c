/* caller.c - who asks for something, from where, with which command: what history shows of a person. */
#include "config.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rop/host.h"
#include "rop/text.h"

#define TEXT_MAX 500 /* bytes kept of a command or a reason */

/* Root may have been asked by somebody: sudo says by whom. Of anybody else the environment is not believed. */
static const char *user(struct rop_arena *arena)
{
	const char *sudo = getenv("SUDO_USER");
	if (getuid() == 0 && sudo && *sudo)
		return rop_text_visible(arena, sudo, strlen(sudo), TEXT_MAX);
	const struct passwd *entry = getpwuid(getuid());
	return entry ? rop_strdup(arena, entry->pw_name) : rop_printf(arena, "%lld", (long long)getuid());
}

static const char *host(struct rop_arena *arena)
{
	char name[256] = "";
	if (gethostname(name, sizeof name - 1) != 0)
		return "";
	return rop_text_visible(arena, name, strlen(name), TEXT_MAX);
}

static const char *command(struct rop_arena *arena, int argc, char **argv)
{
	ROP_OWN_TEXT text = { 0 };
	rop_text_add(&text, "redis-operator");
	for (int i = 1; i < argc; i++)
		rop_text_add(&text, " %s", argv[i]);
	return rop_text_visible(arena, text.at, text.n, TEXT_MAX);
}

struct rop_deed rop_deed_by_caller(struct rop_arena *arena, enum rop_deed_kind what, int argc, char **argv,
				   const char *reason, const char *note)
{
	return (struct rop_deed){
		.what = what,
		.user = user(arena),
		.host = host(arena),
		.command = command(arena, argc, argv),
		.uid = (int64_t)getuid(),
		.pid = (int)getpid(),
		.reason = reason ? rop_text_visible(arena, reason, strlen(reason), TEXT_MAX) : NULL,
		.note = note,
	};
}

const char *rop_state_path(struct rop_arena *arena)
{
	const char *home = getenv("HOME"), *base = getenv("XDG_STATE_HOME");
	if (geteuid() == 0)
		return "/var/lib/redis-operator/state.db";
	if (base && base[0] == '/')
		return rop_printf(arena, "%s/redis-operator/state.db", base);
	return rop_printf(arena, "%s/.local/state/redis-operator/state.db", home ? home : "");
}
