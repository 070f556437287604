/* cmd_forget.c - a cluster is not managed any more: what the database knows of it goes, its servers are left alone. */
#include <string.h>

#include "cli.h"
#include "rop/backup.h"
#include "rop/text.h"

static const struct cli_option OPTIONS[] = {
	{ "yes", 'y', CLI_FLAG, NULL, "do not ask", CLI_VALUE(yes) },
	{ "force", 0, CLI_FLAG, NULL, "also while settings are changed for a while: they stay as they are",
	  CLI_VALUE(force) },
	{ 0 },
};

/* What a server has for a while and nobody would put back any more. */
static const char *temporaries_text(struct cli *cli, const struct rop_image *image)
{
	ROP_OWN_TEXT text = { 0 };
	for (size_t i = 0; i < image->temporaries.n; i++) {
		const struct rop_temporary *t = &image->temporaries.at[i];
		rop_text_add(&text, "%s%s of %s is %s, and was %s", i ? "; " : "", t->name,
			     t->address ? t->address : t->node, t->temporary, t->original);
	}
	return rop_strndup(cli->arena, text.at ? text.at : "", text.n);
}

static bool may_be_forgotten(struct cli *cli, const char *name, const struct rop_image *image, struct rop_err *err)
{
	if (!image->temporaries.n || cli->values.force)
		return true;
	return rop_fail(
		err, ROP_REFUSED,
		"cluster '%s': settings are changed for a while, and nobody else knows what they were: %s\n"
		"  -> `redis-operator apply %s` puts them back; --force leaves them, where the servers are gone",
		name, temporaries_text(cli, image), name);
}

static bool ask(struct cli *cli, const char *name, const struct rop_image *image, struct rop_err *err)
{
	return cli_agreed(cli,
			  rop_printf(cli->arena,
				     "What the database knows of cluster '%s' goes: %zu member%s, its history, who\n"
				     "held which data. Its servers are left as they are.\n"
				     "Forget it? Only the cluster's name is taken for a yes: ",
				     name, image->members.n, rop_plural((int64_t)image->members.n)),
			  name, rop_printf(cli->arena, "--yes forgets cluster '%s' without asking", name),
			  rop_printf(cli->arena, "cluster '%s' is not forgotten: its name was not given", name), err);
}

static bool forget(struct cli *cli, struct rop_store *store, const char *name, struct rop_image *image,
		   struct rop_err *err)
{
	const char **names;
	size_t n;
	struct rop_lock *lock = NULL;
	bool done = cli_clusters(cli, store, name, &names, &n, err) &&
		    rop_store_load(store, cli->arena, name, image, err) && ask(cli, name, image, err) &&
		    rop_lock_take(cli_state_path(cli), name, "forget", &lock, err) && /* nobody is at work on it */
		    rop_store_load(store, cli->arena, name, image, err) && may_be_forgotten(cli, name, image, err) &&
		    rop_store_forget_cluster(store, name, err) &&
		    rop_restore_mark_remove(cli_state_path(cli), name, err);
	rop_lock_release(lock);
	return done;
}

static enum rop_code run(struct cli *cli, int argc, char **argv)
{
	(void)argc;
	struct rop_err err = { 0 };
	struct rop_store *store = NULL;
	struct rop_image image = { 0 };
	const char *name = argv[0];
	bool done = rop_store_open(cli_state_path(cli), ROP_STORE_WRITE, &store, &err) &&
		    forget(cli, store, name, &image, &err);
	rop_store_close(store);
	if (!done)
		return cli_fail(&err);
	json_t *left = json_array();
	for (size_t i = 0; i < image.temporaries.n; i++) {
		const struct rop_temporary *t = &image.temporaries.at[i];
		json_array_append_new(left,
				      rop_json("{s:o, s:s, s:s, s:s}", "address", rop_json_text(t->address), "name",
					       t->name, "original", t->original, "temporary", t->temporary));
	}
	if (cli->values.output != CLI_TEXT)
		cli_print_json(rop_json("{s:s, s:b, s:o}", "cluster", name, "forgotten", true, "settings_left", left));
	else
		json_decref(left);
	cli_tell(cli, "%s: forgotten; its servers are as they were. A file that declares it makes it known anew", name);
	if (image.temporaries.n)
		cli_tell(cli, "%s: left changed: %s", name, temporaries_text(cli, &image));
	return ROP_OK;
}

const struct cli_command cli_forget = {
	.name = "forget",
	.operands = "CLUSTER",
	.min_operands = 1,
	.max_operands = 1,
	.options = OPTIONS,
	.run = run,
	.summary = "Stop managing a cluster: drop what is known of it",
};
