/* tell.c - what the service manager and the log are told of the daemon and its clusters. */
#include <stdlib.h>
#include <string.h>

#include "daemon.h"
#include "rop/report.h"
#include "rop/service.h"
#include "rop/text.h"

#define STATUS_AT_ONCE 32
#define WARNED_MAX 64  /* warnings that are over and remembered all the same, so that none is said twice */
#define STATUS_NAMED 4 /* clusters that are named in the status; more are counted */

static void keep(char **at, const char *s)
{
	free(*at);
	*at = rop_heap_strdup(s);
}

/* ---- one line for `systemctl status` ------------------------------------------------------------------------ */

static bool is_calm(const struct cluster *c)
{
	const struct rop_reconcile *r = c->drive ? rop_drive_reconcile(c->drive) : NULL;
	return r && rop_reconcile_converged(r);
}

static const char *state_of(const struct cluster *c)
{
	const struct rop_reconcile *r = c->drive ? rop_drive_reconcile(c->drive) : NULL;
	if (r)
		return rop_reconcile_state(r);
	return c->phase == PHASE_WAITING ? "waiting" : "beginning";
}

static void make_status(const struct daemon *daemon, struct rop_text *text)
{
	size_t n = 0, calm = 0, named = 0, more = 0;
	if (daemon->waiting)
		rop_text_add(text, "waiting for the database, which another process uses; ");
	for (const struct cluster *c = daemon->clusters; c; c = c->next) {
		n++;
		calm += is_calm(c);
	}
	rop_text_add(text, "%zu of %zu cluster%s converged", calm, n, rop_plural((int64_t)n));
	for (const struct cluster *c = daemon->clusters; c; c = c->next) {
		if (is_calm(c) && n > STATUS_NAMED)
			continue;
		if (named == STATUS_NAMED) {
			more++;
			continue;
		}
		rop_text_add(text, "%s %s %s", named++ ? "," : ":", c->name, state_of(c));
	}
	if (more)
		rop_text_add(text, " and %zu more", more);
	size_t wrong = 0;
	for (const struct file *file = daemon->files; file; file = file->next)
		wrong += file->errors.n > 0;
	if (wrong)
		rop_text_add(text, "; %zu file%s with errors", wrong, rop_plural((int64_t)wrong));
}

/* With very many clusters, making it costs more than a look: then once a second. */
void tell_status(struct daemon *daemon)
{
	ROP_OWN_TEXT text = { 0 };
	int64_t now = rop_boot_ms();
	if (daemon->n_clusters > STATUS_AT_ONCE && now - daemon->status_boot_ms < 1000 && !daemon->ending)
		return;
	daemon->status_boot_ms = now;
	if (daemon->ending)
		rop_text_add(&text, "stopping: what is under way is finished");
	else
		make_status(daemon, &text);
	if (rop_streq(daemon->status, text.at))
		return;
	keep(&daemon->status, text.at);
	rop_service_status(daemon->status);
}

/* ---- alive and ready --------------------------------------------------------------------------------------- */

/* A watchdog that a timer feeds watches the timer. */
static void tell_alive(struct daemon *daemon)
{
	int64_t now = rop_boot_ms();
	if (!daemon->watchdog_ms || now - daemon->alive_boot_ms < daemon->watchdog_ms / 4)
		return;
	daemon->alive_boot_ms = now;
	rop_service_alive();
}

static bool all_looked(const struct daemon *daemon)
{
	for (const struct cluster *c = daemon->clusters; c; c = c->next)
		if (!c->looked)
			return false;
	return true;
}

void tell_pass(struct daemon *daemon)
{
	tell_alive(daemon);
	tell_status(daemon);
	if (daemon->ready || daemon->ending || !all_looked(daemon))
		return;
	daemon->ready = true;
	rop_service_ready();
}

/* Each try that found the database in use is word from the loop and from the writer's thread: no hang, whatever the
 * passes wait for. */
void tell_waiting(struct daemon *daemon, const struct rop_err *why)
{
	bool news = daemon->waiting != (why != NULL);
	daemon->waiting = why != NULL;
	tell_alive(daemon);
	if (!news)
		return;
	if (why)
		rop_log(ROP_LOG_WARN, "waiting for the database: what must be written first is not sent meanwhile",
			ROP_FIELDS({ "path", daemon->state }, { "why", why->text }));
	else
		rop_log(ROP_LOG_INFO, "the database is free again", ROP_FIELDS({ "path", daemon->state }));
	tell_status(daemon);
}

/* ---- the log ----------------------------------------------------------------------------------------------- */

/* That a shard goes down or comes back is told also where the cluster is not as declared before and after. */
static void tell_served(struct cluster *c, const struct rop_condition *covered)
{
	bool unserved = covered->status == ROP_FALSE && rop_streq(covered->reason, "NotServed");
	if (unserved == c->unserved || (c->unserved && covered->status != ROP_TRUE))
		return;
	c->unserved = unserved;
	if (unserved)
		rop_log(ROP_LOG_ERROR, "slots are not served",
			ROP_FIELDS({ "cluster", c->name }, { "reason", covered->reason }, { "why", covered->message }));
	else
		rop_log(ROP_LOG_INFO, "all slots are served again", ROP_FIELDS({ "cluster", c->name }));
}

static void tell_conditions(struct cluster *c, const struct rop_condition *conditions)
{
	const struct rop_condition *now = &conditions[ROP_COND_CONVERGED];
	bool blocked = conditions[ROP_COND_BLOCKED].status == ROP_TRUE;
	bool under_way = now->status == ROP_FALSE && !blocked;
	if (c->blocked && under_way)
		rop_log(ROP_LOG_INFO, "no longer blocked",
			ROP_FIELDS({ "cluster", c->name }, { "reason", now->reason }, { "why", now->message }));
	bool again = blocked && !c->blocked && c->converged.status != ROP_UNKNOWN;
	c->blocked = blocked;
	if (!again && now->status == c->converged.status && rop_streq(now->reason, c->converged.reason))
		return;
	if (under_way && c->converged.status != ROP_TRUE && conditions[ROP_COND_REACHABLE].status == ROP_TRUE)
		return; /* the transitions tell */
	c->converged.status = now->status;
	keep((char **)&c->converged.reason, now->reason);
	const struct rop_condition *why = blocked ? &conditions[ROP_COND_BLOCKED] : now;
	enum rop_log_level level = blocked ? ROP_LOG_ERROR : ROP_LOG_WARN;
	const char *word = blocked ? "blocked" : "not converged";
	if (now->status == ROP_TRUE) {
		level = ROP_LOG_INFO;
		word = "converged";
	}
	rop_log(level, word, ROP_FIELDS({ "cluster", c->name }, { "reason", why->reason }, { "why", why->message }));
}

void tell_written(struct cluster *c, const struct rop_entry *entry)
{
	for (size_t i = 0; i < entry->transitions.n; i++)
		rop_log_transition(c->name, &entry->transitions.at[i]);
	if (entry->conditions_changed) {
		tell_served(c, &entry->conditions[ROP_COND_SLOTS_COVERED]);
		tell_conditions(c, entry->conditions);
	}
}

static uint64_t digest_of(const struct rop_finding *warning)
{
	return rop_digest(ROP_DIGEST_START, warning->text, strlen(warning->text));
}

static bool is_warned_of(const struct rop_situation *now, uint64_t digest)
{
	for (size_t i = 0; i < now->warnings.n; i++)
		if (digest_of(&now->warnings.at[i]) == digest)
			return true;
	return false;
}

static bool was_logged(const struct cluster *c, uint64_t digest)
{
	for (size_t i = 0; i < c->n_warned; i++)
		if (c->warned[i] == digest)
			return true;
	return false;
}

/* Months bring other warnings now and then: of very many, those that stand no more are forgotten. */
static void remember_warned(struct cluster *c, const struct rop_situation *now, uint64_t digest)
{
	size_t kept = 0;
	bool many = c->n_warned >= WARNED_MAX + now->warnings.n;
	for (size_t i = 0; i < c->n_warned; i++)
		if (!many || is_warned_of(now, c->warned[i]))
			c->warned[kept++] = c->warned[i];
	c->warned = rop_realloc(c->warned, (kept + 1) * sizeof *c->warned);
	c->warned[kept++] = digest;
	c->n_warned = kept;
}

/* Those of a second operator come only with the looks that ask for it, so silence is not the end of one: each is said
 * once. */
void tell_warnings(struct cluster *c, const struct rop_situation *now)
{
	for (size_t i = 0; i < now->warnings.n; i++) {
		const struct rop_finding *w = &now->warnings.at[i];
		uint64_t digest = digest_of(w);
		if (was_logged(c, digest))
			continue;
		remember_warned(c, now, digest);
		rop_log(ROP_LOG_WARN, w->text,
			ROP_FIELDS({ "cluster", c->name }, { "reason", w->reason }, { "advice", w->advice }));
	}
}

/* One at a time is all there is. Who reads the log of a node that fell silent finds here that somebody meant it. */
void tell_drain(struct cluster *c, const struct rop_situation *now)
{
	const struct rop_drained *d = now->drains.n ? &now->drains.at[0] : NULL;
	if (c->drained && (!d || d->drain->id != c->drain_id)) {
		rop_log(ROP_LOG_INFO, "not drained any more",
			ROP_FIELDS({ "cluster", c->name }, { "target", c->drained }));
		keep(&c->drained, NULL);
	}
	if (d && !c->drained) {
		const struct rop_deed *by = &d->drain->by;
		char *until = rop_time_text(now->arena, d->drain->until_wall_ms);
		rop_log(ROP_LOG_INFO, "drained: nothing there gets a new role, and its silence is expected",
			ROP_FIELDS({ "cluster", c->name }, { "target", d->drain->target }, { "until", until },
				   { "user", by->user }, { "host", by->host }, { "reason", by->reason }));
		keep(&c->drained, d->drain->target);
		c->drain_id = d->drain->id;
		c->may_be_stopped = false;
	}
	if (!d || c->may_be_stopped == !d->holds)
		return;
	c->may_be_stopped = !d->holds;
	rop_log(ROP_LOG_INFO, d->holds ? "it may not be stopped any more" : "it may be stopped",
		ROP_FIELDS({ "cluster", c->name }, { "target", c->drained }, { "why", d->holds }));
}

void tell_nameless(struct cluster *c, const struct rop_topology *topology)
{
	ROP_OWN_TEXT nodes = { 0 };
	const char *why = NULL;
	for (size_t i = 0; i < topology->nodes.n; i++) {
		const struct rop_declared_node *node = &topology->nodes.at[i];
		if (!node->no_ip)
			continue;
		rop_text_add(&nodes, "%s%s:%d", nodes.n ? ", " : "", node->host, node->port);
		why = node->no_ip;
	}
	if (rop_streq(c->nameless, nodes.at))
		return;
	keep(&c->nameless, nodes.at);
	if (nodes.n)
		rop_log(ROP_LOG_WARN, "nodes without an address count as silent, or keep the address that they had",
			ROP_FIELDS({ "cluster", c->name }, { "nodes", nodes.at }, { "why", why }));
}

void tell_trouble(struct cluster *c, const char *why)
{
	if (rop_streq(c->trouble, why))
		return;
	keep(&c->trouble, why);
	if (why)
		rop_log(ROP_LOG_ERROR, "it cannot be looked at; tried again every few seconds",
			ROP_FIELDS({ "cluster", c->name }, { "error", why }));
}
