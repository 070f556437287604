/* end.c - how a cluster goes, and why the daemon cannot go on. Called by all of the daemon, calls nothing of it. */
#include <stdlib.h>

#include "daemon.h"
#include "rop/service.h"

void daemon_fail(struct daemon *daemon, const struct rop_err *err)
{
	if (daemon->err.code == ROP_OK)
		daemon->err = *err;
	if (!daemon->ending) {
		daemon->ending = true;
		rop_service_stopping();
	}
	rop_loop_stop(daemon->loop);
}

void cluster_free(struct cluster *c)
{
	rop_write_close(&c->accepting); /* first: the writer's thread may be at them */
	rop_write_close(&c->rereading);
	rop_drive_free(c->drive);
	rop_timer_free(c->timer);
	rop_secret_free(c->password);
	if (c->running != c->wanted)
		revision_free(c->running);
	revision_free(c->wanted);
	revision_free(c->again);
	free((char *)c->converged.reason);
	free(c->trouble);
	free(c->nameless);
	free(c->drained);
	free(c->warned);
	free(c->name);
	free(c->path);
	free(c);
}

void daemon_cluster_gone(struct daemon *daemon, struct cluster *cluster)
{
	struct cluster **at = &daemon->clusters;
	while (*at != cluster)
		at = &(*at)->next;
	*at = cluster->next;
	daemon->n_clusters--;
	cluster_free(cluster);
	if (daemon->ending && !daemon->clusters)
		rop_loop_stop(daemon->loop);
}
