/* sync_delay.c - repl-diskless-sync-delay is 0 for a while on the nodes that a backup is taken from. */
#include "sync_delay.h"

#include <string.h>
#include <unistd.h>

#include "rop/talk.h"

#define NAME "repl-diskless-sync-delay"
#define LOWERED "0"
#define MAX_PAUSE_MS 500

int64_t max_pause_of(const struct cli *cli)
{
	if (!cli->values.consistent)
		return 0;
	return cli->values.max_pause_ms ? cli->values.max_pause_ms : MAX_PAUSE_MS;
}

bool max_pause_fits(const struct cli *cli, struct rop_err *err)
{
	return !cli->values.max_pause_ms || cli->values.consistent ||
	       rop_fail(err, ROP_INVALID, "--max-pause goes with --consistent");
}

/* Nobody else is at work meanwhile. */
bool session_open_to_pause(struct session *s, struct cli *cli, const char *file, const char *command,
			   struct rop_lock **ret_lock, struct rop_err *err)
{
	if (!session_open_topology(s, cli, file, err) ||
	    !rop_lock_take(cli_state_path(cli), s->topology->name, command, ret_lock, err) ||
	    !session_open_machine(s, err) || !session_open_store(s, ROP_STORE_WRITE, err) ||
	    !session_open_nodes(s, err))
		return false;
	session_look(s, ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL | ROP_OBSERVE_MEMORY);
	return !rop_image_is_paused(&s->image, rop_wall_ms()) ||
	       rop_fail(err, ROP_REFUSED,
			"cluster %s is paused, and --consistent changes a setting for a while\n  -> `redis-operator "
			"resume %s`, or no --consistent",
			s->topology->name, s->topology->name);
}

static struct rop_temporary temporary_of(const struct sync_delay *delay)
{
	struct rop_temporary t = {
		.address = delay->source->address, .name = NAME, .original = delay->original, .temporary = LOWERED
	};
	memcpy(t.node, delay->source->id, strnlen(delay->source->id, ROP_ID_SIZE - 1));
	return t;
}

static bool commit(struct session *s, struct rop_entry *entry, struct rop_err *err)
{
	bool paused = false;
	entry->wall_ms = rop_wall_ms();
	entry->boot_ms = rop_boot_ms();
	entry->boot_id = rop_boot_id();
	entry->pid = (int)getpid();
	if (!rop_store_commit(s->store, s->topology->name, entry, &paused, err))
		return false;
	return !paused || rop_fail(err, ROP_REFUSED, "cluster %s is paused", s->topology->name);
}

static bool set(const struct session *s, const struct rop_snapshot_source *source, const char *value,
		struct rop_err *err)
{
	const struct rop_talk_options options = { .address = source->address,
						  .ip = source->ip,
						  .port = source->port,
						  .user = s->fleet.user,
						  .password = s->fleet.password,
						  .client_name = s->fleet.client_name,
						  .connect_timeout_ms = s->fleet.connect_timeout_ms,
						  .timeout_ms = s->fleet.command_timeout_ms,
						  .stop_fd = -1 };
	struct rop_talk *talk;
	struct rop_talk_reply reply;
	ROP_OWN_TEXT command = { 0 };
	if (!rop_talk_open(&options, &talk, err))
		return false;
	rop_text_add(&command, "CONFIG SET " NAME " %s", value);
	bool fine = rop_talk_ask(talk, command.at, &reply, err) &&
		    rop_talk_is_ok(talk, "CONFIG SET " NAME, &reply, err);
	rop_talk_close(talk);
	return fine;
}

static bool lower(struct sync_delays *delays, const struct rop_snapshot_source *source, struct rop_err *err)
{
	struct session *s = delays->session;
	int node = rop_observed_find(s->seen, source->id), at = rop_observed_setting(s->seen, NAME);
	const char *original = node >= 0 && at >= 0 ? s->seen->nodes[node].settings[at] : NULL;
	struct rop_entry entry = { 0 };
	if (!original)
		return rop_fail(err, ROP_DENIED, "%s does not tell its " NAME, source->address);
	if (strcmp(original, LOWERED) == 0)
		return true;
	struct sync_delay delay = { .source = source, .original = rop_strdup(s->cli->arena, original) };
	*rop_push(s->cli->arena, &entry.temporaries_set) = temporary_of(&delay);
	if (!commit(s, &entry, err))
		return false;
	*rop_push(s->cli->arena, &delays->lowered) = delay;
	return set(s, source, LOWERED, err);
}

bool sync_delays_lower(struct session *s, const struct rop_snapshots *snapshots, struct sync_delays *ret_delays,
		       struct rop_err *err)
{
	*ret_delays = (struct sync_delays){ .session = s };
	for (size_t i = 0; i < snapshots->shards.n; i++)
		if (!lower(ret_delays, &snapshots->shards.at[i].sources.at[0], err))
			return false;
	return true;
}

bool sync_delays_put_back(struct sync_delays *delays, struct rop_err *err)
{
	bool fine = true;
	struct rop_entry entry = { .ignore_pause = true };
	for (size_t i = 0; i < delays->lowered.n; i++) {
		const struct sync_delay *delay = &delays->lowered.at[i];
		struct rop_err why = { 0 };
		if (set(delays->session, delay->source, delay->original, &why)) {
			*rop_push(delays->session->cli->arena, &entry.temporaries_gone) = temporary_of(delay);
			continue;
		}
		fine = rop_fail(err, why.code, NAME " of %s is still 0, and was %s: %s; the next `apply` puts it back",
				delay->source->address, delay->original, why.text);
	}
	if (entry.temporaries_gone.n && !commit(delays->session, &entry, fine ? err : NULL))
		fine = false;
	delays->lowered.n = 0;
	return fine;
}
