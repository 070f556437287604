/* cluster.c - one managed cluster, from a revision of its file to a drive, and on to the next revision.
 *
 *     idle -> accepting (the journal records the revision) -> naming (names to addresses) -> driving -> idle ...
 *
 * Whatever is under way is finished or stopped before the next revision is begun: two drives never work on one cluster.
 * What fails (a name, a password file) is tried again; the other clusters do not notice.
 */
#include "daemon.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rop/text.h"

#define RETRY_MS 5000
#define NAMES_AGAIN_MS 60000
#define CLIENTS_EVERY_MS 60000

static void go_on(struct cluster *c);

/* ---- one revision's life ----------------------------------------------------------------------------------- */

static void idle(struct cluster *c)
{
	rop_timer_stop(c->timer);
	rop_drive_free(c->drive);
	c->drive = NULL;
	rop_secret_free(c->password);
	c->password = NULL;
	if (c->running != c->wanted)
		revision_free(c->running);
	c->running = NULL;
	c->stopping = false;
	c->phase = PHASE_IDLE;
	go_on(c);
}

static void wait_and_retry(struct cluster *c, const char *why)
{
	tell_trouble(c, why);
	c->phase = PHASE_WAITING;
	c->looked = true;
	rop_timer_start(c->timer, RETRY_MS);
	tell_pass(c->daemon); /* as far as can be: it is known that this cluster cannot be looked at now */
}

static void drive_done(void *arg, const struct rop_result *result, const struct rop_err *err)
{
	struct cluster *c = arg;
	if (err && err->code != ROP_INTERNAL) {
		daemon_fail(c->daemon, err);
		return;
	}
	if (c->stopping) {
		idle(c);
		return;
	}
	struct rop_drive *over = c->drive;
	c->drive = NULL;
	wait_and_retry(c, err ? err->text : result->text);
	rop_drive_free(over); /* last: the texts are the drive's */
}

static void drive_pass(void *arg, const struct rop_reconcile *r)
{
	struct cluster *c = arg;
	c->looked = true;
	tell_warnings(c, rop_reconcile_situation(r));
	tell_drain(c, rop_reconcile_situation(r));
	tell_pass(c->daemon);
}

static void drive_written(void *arg, const struct rop_entry *entry)
{
	tell_written(arg, entry);
}

static void drive_step(void *arg, const struct rop_step *step, enum rop_expect_status status, const char *note)
{
	rop_log_change(((struct cluster *)arg)->name, step, status, note);
}

static void drive_held(void *arg, const struct rop_err *err)
{
	struct cluster *c = arg;
	rop_log(ROP_LOG_INFO,
		err ? "another process is changing this cluster: only looking"
		    : "nobody else is changing this cluster any more",
		ROP_FIELDS({ "cluster", c->name }, { "why", err ? err->text : NULL }));
}

/* A look that takes longer than the watchdog waits would be taken for a hang. */
static void fit_watchdog(struct cluster *c)
{
	int64_t most = c->daemon->watchdog_ms / 2;
	struct rop_topology *t = c->running->topology;
	if (!most || t->connect_timeout_ms + t->command_timeout_ms <= most)
		return;
	t->connect_timeout_ms = t->connect_timeout_ms < most / 2 ? t->connect_timeout_ms : most / 2;
	t->command_timeout_ms = most - t->connect_timeout_ms;
	rop_log(ROP_LOG_WARN,
		"connectTimeout and commandTimeout together are more than half of WatchdogSec: less is used",
		ROP_FIELDS({ "cluster", c->name }));
}

static void drive(struct cluster *c)
{
	struct daemon *daemon = c->daemon;
	const struct rop_topology *t = c->running->topology;
	struct rop_err err = { 0 };
	if (!rop_topology_password(t, &c->password, &err)) {
		wait_and_retry(c, err.text);
		return;
	}
	tell_trouble(c, NULL);
	tell_nameless(c, t);
	fit_watchdog(c);
	c->fleet = (struct rop_fleet_options){
		.client_name = rop_printf(c->running->arena, "redis-operator:%s:%s", t->name, daemon->instance),
		.user = t->auth_user,
		.password = c->password,
		.connect_timeout_ms = t->connect_timeout_ms,
		.command_timeout_ms = t->command_timeout_ms,
		.concurrency = daemon->config.concurrency,
		.gate = daemon->gate,
	};
	struct rop_drive_options options = {
		.loop = daemon->loop, .writer = daemon->writer, .lock_path = daemon->state, .lock_command = "run",
		.fleet = &c->fleet, .clients_every_ms = CLIENTS_EVERY_MS,
		.reconcile = {
			.machine = daemon->options->machine,
			.topology = t,
			.boot_id = rop_boot_id(),
			.pid = (int)getpid(), .revision = c->number, .keep = true, .instance = daemon->instance,
			.look_at_most_ms = daemon->watchdog_ms / 3, .on_step = drive_step, .arg = c,
		},
		.on_pass = drive_pass,
		.on_written = drive_written,
		.on_held = drive_held,
		.on_done = drive_done,
		.arg = c,
	};
	c->phase = PHASE_DRIVING;
	c->drive = rop_drive_start(&options);
	if (c->running->named)
		rop_timer_start(c->timer, NAMES_AGAIN_MS);
}

/* ---- names ------------------------------------------------------------------------------------------------- */

/* A node that another cluster is working on already: only addresses tell, once names are looked up. */
static const struct cluster *taken_by(const struct cluster *c, const struct rop_declared_node **ret_node)
{
	const struct rop_topology *mine = c->running->topology;
	for (const struct cluster *other = c->daemon->clusters; other; other = other->next) {
		if (other == c || other->phase != PHASE_DRIVING)
			continue;
		const struct rop_topology *theirs = other->running->topology;
		for (size_t i = 0; i < mine->nodes.n; i++)
			for (size_t k = 0; k < theirs->nodes.n; k++)
				if (mine->nodes.at[i].port == theirs->nodes.at[k].port &&
				    rop_streq(mine->nodes.at[i].ip, theirs->nodes.at[k].ip)) {
					*ret_node = &mine->nodes.at[i];
					return other;
				}
	}
	return NULL;
}

static void named(void *arg, const struct rop_err *err)
{
	struct cluster *c = arg;
	const struct rop_declared_node *node = NULL;
	if (c->wanted != c->running) {
		idle(c);
		return;
	}
	if (err) {
		wait_and_retry(c, err->text);
		return;
	}
	const struct cluster *other = taken_by(c, &node);
	if (other) {
		struct rop_arena *arena = c->running->arena;
		wait_and_retry(c,
			       rop_printf(arena, "node %s is also a node of cluster '%s' (%s): it can be in one only",
					  rop_address_join(arena, node->host, node->port), other->name, other->path));
		return;
	}
	drive(c);
}

/* A name that has its address again is news too, though it be the one that was remembered. */
static bool has_address(const struct rop_topology *t, const struct rop_declared_node *node)
{
	for (size_t i = 0; i < t->nodes.n; i++)
		if (t->nodes.at[i].port == node->port && rop_streq(t->nodes.at[i].ip, node->ip) &&
		    (node->no_ip || !t->nodes.at[i].no_ip))
			return true;
	return false;
}

static bool same_addresses(const struct rop_topology *a, const struct rop_topology *b)
{
	for (size_t i = 0; i < a->nodes.n; i++) /* one that does not resolve now has the address that it had */
		if (a->nodes.at[i].ip && !has_address(b, &a->nodes.at[i]))
			return false;
	return a->nodes.n == b->nodes.n;
}

/* The same once more, to be begun or named anew. What was right once is right again. */
static struct revision *once_more(const struct cluster *c)
{
	ROP_OWN_TEXT errors = { 0 };
	return revision_parse(&c->daemon->config, c->running->topology->path, c->running->source, &errors);
}

/* The addresses that were good a minute ago stay in force while names cannot be looked up. */
static void named_again(void *arg, const struct rop_err *err)
{
	struct cluster *c = arg;
	struct revision *again = c->again;
	bool current = c->phase == PHASE_DRIVING && c->wanted == c->running;
	c->again = NULL;
	if (current)
		rop_timer_start(c->timer, NAMES_AGAIN_MS);
	if (current && err)
		tell_trouble(c, err->text);
	if (current && !err)
		tell_nameless(c, again->topology);
	if (current && !err && !same_addresses(again->topology, c->running->topology)) {
		rop_log(ROP_LOG_INFO, "the addresses of its nodes have changed", ROP_FIELDS({ "cluster", c->name }));
		cluster_want(c, once_more(c));
	}
	revision_free(again);
	go_on(c);
}

static bool read_members(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct cluster *c = ROP_OWNER(write, struct cluster, rereading);
	return rop_store_load(store, c->again->arena, c->name, &c->image_again, err);
}

static void members_read(struct rop_write *write, const struct rop_err *err)
{
	struct cluster *c = ROP_OWNER(write, struct cluster, rereading);
	if (err)
		named_again(c, err);
	else
		rop_names_resolve(c->daemon->loop, c->again->arena, c->again->topology, c->image_again.members.at,
				  c->image_again.members.n, named_again, c);
}

static void name_again(struct cluster *c)
{
	c->again = once_more(c);
	rop_writer_call(c->daemon->writer, &c->rereading, read_members, members_read);
}

/* ---- begun ------------------------------------------------------------------------------------------------- */

static bool accept(struct rop_store *store, struct rop_write *write, struct rop_err *err)
{
	struct cluster *c = ROP_OWNER(write, struct cluster, accepting);
	struct revision *r = c->running;
	return rop_store_accept(store, c->name, r->topology->digest, c->canonical, r->source, r->topology->path,
				rop_wall_ms(), &c->number, err) &&
	       rop_store_load(store, r->arena, c->name, &c->image, err);
}

static void accepted(struct rop_write *write, const struct rop_err *err)
{
	struct cluster *c = ROP_OWNER(write, struct cluster, accepting);
	if (err) {
		daemon_fail(c->daemon, err);
		return;
	}
	if (c->wanted != c->running) {
		idle(c);
		return;
	}
	struct rop_topology *t = c->running->topology;
	c->phase = PHASE_NAMING;
	if (rop_names_used(t))
		rop_names_resolve(c->daemon->loop, c->running->arena, t, c->image.members.at, c->image.members.n, named,
				  c);
	else
		named(c, NULL);
}

static void begin(struct cluster *c)
{
	c->running = c->wanted;
	c->phase = PHASE_ACCEPTING;
	c->canonical = rop_topology_canonical(c->running->arena, c->running->topology);
	rop_writer_call(c->daemon->writer, &c->accepting, accept, accepted);
}

/* ---- what next --------------------------------------------------------------------------------------------- */

/* At the end nobody waits for a database that others use: the next process asks the same. */
static bool given_up(const struct cluster *c, struct rop_write *write)
{
	if (!c->daemon->ending || !rop_write_is_open(write))
		return false;
	rop_write_close(write);
	return true;
}

static void go_on(struct cluster *c)
{
	switch (c->phase) {
	case PHASE_IDLE:
		if (c->wanted)
			begin(c);
		else if (!c->again || given_up(c, &c->rereading))
			daemon_cluster_gone(c->daemon, c);
		return;
	case PHASE_WAITING:
		if (c->wanted != c->running)
			idle(c);
		return;
	case PHASE_DRIVING:
		if (c->wanted == c->running || c->stopping)
			return;
		c->stopping = true;
		rop_drive_stop(c->drive, ROP_OK, "");
		return;
	case PHASE_ACCEPTING: /* their callbacks look */
		if (!c->wanted && given_up(c, &c->accepting))
			idle(c);
		return;
	case PHASE_NAMING: return;
	}
}

static void timer_fired(void *arg)
{
	struct cluster *c = arg;
	if (c->phase == PHASE_WAITING) {
		c->wanted = once_more(c);
		idle(c);
	} else if (c->phase == PHASE_DRIVING && !c->again) {
		name_again(c);
	}
}

struct cluster *cluster_new(struct daemon *daemon, const char *name, const char *path)
{
	struct cluster *c = rop_malloc(sizeof *c);
	*c = (struct cluster){ .daemon = daemon };
	c->name = rop_heap_strdup(name);
	c->path = rop_heap_strdup(path);
	c->timer = rop_timer_new(daemon->loop, timer_fired, c);
	struct cluster **at = &daemon->clusters;
	while (*at && strcmp((*at)->name, name) < 0)
		at = &(*at)->next;
	c->next = *at;
	*at = c;
	daemon->n_clusters++;
	return c;
}

void cluster_want(struct cluster *c, struct revision *revision)
{
	if (c->wanted != c->running)
		revision_free(c->wanted);
	c->wanted = revision;
	go_on(c);
}
