/* look.c - a look at nodes that is waited for: the loop runs until it is there. */
#include "rop/look.h"

#include "rop/names.h"
#include "rop/policy.h"

#define LOOKS_AT_TORN 40 /* each server pings each peer within a second or two: one of so many shows the other one */
#define LOOK_AGAIN_MS 100

struct waiting {
	struct rop_loop *loop;
	struct rop_arena *arena;
	const char **names;
	size_t n_names;
	const struct rop_observed *seen;
	enum rop_reach reach;
	struct rop_err err;
};

/* ---- names, and time --------------------------------------------------------------------------------------------- */

static void named(void *arg, const struct rop_err *err)
{
	struct waiting *w = arg;
	if (err)
		w->err = *err;
	rop_loop_stop(w->loop);
}

bool rop_look_names(struct rop_loop *loop, struct rop_arena *arena, struct rop_topology *topology,
		    const struct rop_image *image, struct rop_err *err)
{
	struct waiting w = { .loop = loop };
	if (!rop_names_used(topology))
		return true;
	rop_names_resolve(loop, arena, topology, image->members.at, image->members.n, named, &w);
	rop_loop_run(loop);
	if (w.err.code != ROP_OK)
		*err = w.err;
	return w.err.code == ROP_OK;
}

static void wake(void *arg)
{
	rop_loop_stop(arg);
}

void rop_look_wait(struct rop_loop *loop, int64_t ms)
{
	struct rop_timer *timer = rop_timer_new(loop, wake, loop);
	rop_timer_start(timer, ms);
	rop_loop_run(loop);
	rop_timer_free(timer);
}

/* ---- nodes ------------------------------------------------------------------------------------------------------- */

static void looked(void *arg, const struct rop_answer *answers, size_t n)
{
	struct waiting *w = arg;
	w->seen = rop_observed_from_answers(w->arena, answers, n, w->names, w->n_names, rop_boot_ms());
	rop_loop_stop(w->loop);
}

const struct rop_observed *rop_look_at(const struct rop_look *look, const struct rop_topology *topology,
				       const struct rop_image *image, unsigned flags)
{
	struct waiting w = { .loop = look->loop, .arena = look->arena };
	w.names = rop_settings_watched(look->arena, topology, &w.n_names);
	if (!(flags & ROP_OBSERVE_SETTINGS))
		w.n_names = 0;
	struct rop_fleet *fleet = rop_fleet_new(look->loop, look->fleet, rop_endpoints_of(look->arena, topology, image),
						topology->nodes.n);
	for (int i = 0; i < LOOKS_AT_TORN && (!i || rop_observed_may_be_torn(w.seen)); i++) {
		if (i)
			rop_look_wait(look->loop, LOOK_AGAIN_MS);
		rop_fleet_observe(fleet, look->arena, flags, w.names, w.n_names, looked, &w);
		rop_loop_run(look->loop);
	}
	rop_fleet_free(fleet);
	return w.seen;
}

static void answered(void *arg, const struct rop_answer *answers, size_t n)
{
	struct waiting *w = arg;
	(void)n;
	w->reach = answers[0].reach;
	rop_loop_stop(w->loop);
}

bool rop_look_answers(const struct rop_look *look, const char *ip, int port)
{
	struct rop_endpoint endpoint = { .address = "one", .ip = ip, .port = port };
	struct waiting w = { .loop = look->loop, .reach = ROP_REACH_SILENT };
	struct rop_fleet *fleet = rop_fleet_new(look->loop, look->fleet, &endpoint, 1);
	rop_fleet_observe(fleet, look->arena, 0, NULL, 0, answered, &w);
	rop_loop_run(look->loop);
	rop_fleet_free(fleet);
	return w.reach != ROP_REACH_SILENT;
}
