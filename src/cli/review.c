/* review.c - a plan that was agreed upon, held against what is seen now; and whether a saved one may be believed at all. */
#include "review.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "rop/text.h"

/* ---- may it be believed? ----------------------------------------------------------------------------------- */

/* Whoever can write to a file decides what is done with the caller's password and rights. */
static bool is_ours_alone(int fd, const char *path, const char *what, struct rop_err *err)
{
	struct stat st, link;
	if (fstat(fd, &st) != 0 || lstat(path, &link) != 0)
		return rop_fail(err, ROP_INVALID, "%s: cannot be looked at: %s", path, strerror(errno));
	if (S_ISLNK(link.st_mode) || !S_ISREG(st.st_mode))
		return rop_fail(err, ROP_INVALID, "%s is %s: %s must be a regular file, named by its own path", path,
				S_ISLNK(link.st_mode) ? "a symbolic link" : "no regular file", what);
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return rop_fail(err, ROP_INVALID, "%s belongs to another user (uid %u): %s is taken only from you or root\n  -> look through it and plan again yourself",
				path, (unsigned)st.st_uid, what);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return rop_fail(err, ROP_INVALID, "%s may be written to by others (mode %04o): %s is taken only where nobody else can change it\n  -> look through it, then: chmod go-w %s",
				path, (unsigned)st.st_mode & 07777, what, path);
	return true;
}

static bool check_file(const char *path, const char *what, struct rop_err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	if (fd < 0)
		return rop_fail(err, ROP_INVALID, "%s: cannot be read: %s", path, strerror(errno));
	bool fine = is_ours_alone(fd, path, what, err);
	close(fd);
	return fine;
}

/* ---- opening ----------------------------------------------------------------------------------------------- */

static bool open_topology(struct session *s, struct cli *cli, const struct saved_plan *plan, const char *operand, struct rop_err *err)
{
	if (access(plan->path, F_OK) == 0)
		return check_file(plan->path, "the topology file of a saved plan", err) && session_open_topology(s, cli, plan->path, err);
	if (session_open_topology(s, cli, plan->cluster, err))
		return true;
	return rop_wrap(err, "%s: the topology file %s is gone, and its cluster is in no database", operand, plan->path);
}

/* Nothing is connected, and no password read, before this. */
static bool is_the_same(const struct session *s, const struct saved_plan *plan, const char *operand, struct rop_err *err)
{
	if (strcmp(s->topology->name, plan->cluster) == 0 && strcmp(s->topology->digest, plan->digest) == 0)
		return true;
	return rop_fail(err, ROP_STALE, "%s does not fit any more: since it was planned this has changed; nothing was sent\n- the file %s says something else now\n  -> redis-operator plan --out %s %s, and review it again",
			operand, plan->path, operand, plan->path);
}

/* A plan whose own parts do not fit each other was not written by this program. */
static bool holds_together(struct cli *cli, const struct saved_plan *plan, const char *operand, struct rop_err *err)
{
	struct session reviewed = { 0 };
	if (!session_open_source(&reviewed, cli, plan->path, plan->source, err))
		return false;
	if (strcmp(reviewed.topology->digest, plan->digest) == 0 && strcmp(reviewed.topology->name, plan->cluster) == 0)
		return true;
	return rop_fail(err, ROP_INVALID, "%s: not a plan that can be applied: its topology is not the one that it names", operand);
}

bool review_open(struct session *s, struct cli *cli, const char *operand, struct review *review, struct rop_err *err)
{
	const char *bytes = NULL;
	size_t n = 0;
	struct saved_plan *plan = &review->plan;
	if (session_is_file(operand) && !saved_plan_read(cli->arena, operand, &bytes, &n, err))
		return false;
	if (!bytes)
		return session_open_topology(s, cli, operand, err);
	if (!check_file(operand, "a saved plan", err) || !saved_plan_parse(cli->arena, operand, bytes, n, plan, err) ||
	    !holds_together(cli, plan, operand, err) || !open_topology(s, cli, plan, operand, err) || !is_the_same(s, plan, operand, err))
		return false;
	review->path = operand;
	review->index = saved_plan_index(cli->arena, plan);
	return true;
}

/* ---- held against what is seen ----------------------------------------------------------------------------- */

#define LINES_MAX 200 /* of what has changed; who moves a thousand steps need not read each */

void review_take(struct session *s, const struct rop_plan *plan, struct review *review)
{
	saved_plan_make(s->cli->arena, s->topology, s->source, s->machine, &s->image, plan, &review->plan);
	review->index = saved_plan_index(s->cli->arena, &review->plan);
}

bool review_fits(struct session *s, const struct review *review, const struct rop_plan *plan)
{
	struct saved_plan now;
	saved_lines lines = { 0 };
	saved_plan_make(s->cli->arena, s->topology, s->source, s->machine, &s->image, plan, &now);
	saved_plan_differences(s->cli->arena, &review->plan, &now, &lines);
	if (!lines.n)
		return true;
	fprintf(stderr, "redis-operator: %s does not fit any more: since %s this has changed; nothing was sent\n",
		review->path ? review->path : "the plan", review->path ? "it was planned" : "it was shown");
	for (size_t i = 0; i < lines.n && i < LINES_MAX; i++)
		fprintf(stderr, "- %s\n", lines.at[i]);
	if (lines.n > LINES_MAX)
		fprintf(stderr, "- ... and %zu more\n", lines.n - LINES_MAX);
	if (review->path)
		fprintf(stderr, "  -> redis-operator plan --out %s %s, and review it again\n", review->path, review->plan.path);
	else
		fprintf(stderr, "  -> apply again, to see what would be done now\n");
	return false;
}

/* Putting a temporary setting back is part of lowering it, whoever did that. */
bool review_holds(const struct review *review, const struct rop_step *step)
{
	return !review->index || step->expect.kind == ROP_STEP_RESTORE ||
	       saved_plan_holds(review->index, review->plan.steps.n, step);
}
