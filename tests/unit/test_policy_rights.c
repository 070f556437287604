/* test_policy_rights.c - what is needed and not permitted, known before the first change. */
#include <criterion/criterion.h>
#include <string.h>

#include "rop/permissions.h"
#include "world.h"

TestSuite(policy_rights, .init = world_setup, .fini = world_teardown);

static struct rop_topology *topology;
static struct rop_observed *world;

static void fresh(void)
{
	topology = topology_of(3, 1, 6);
	world = fresh_world(topology);
}

static void forbid(unsigned set)
{
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].forbidden |= set;
}

static struct rop_situation *look(bool once)
{
	return rop_situation_make(&(struct rop_situation){ .arena = pool,
							   .topology = topology,
							   .seen = world,
							   .image = &no_image,
							   .boot_ms = 1,
							   .may_lower = true,
							   .looks_once = once });
}

static const char *denied(const struct rop_situation *now)
{
	for (size_t i = 0; i < now->findings.n; i++)
		if (now->findings.at[i].is == ROP_WHY_DENIED)
			return now->findings.at[i].text;
	return NULL;
}

static const char *warned(const struct rop_situation *now, enum rop_reason is)
{
	for (size_t i = 0; i < now->warnings.n; i++)
		if (now->warnings.at[i].is == is)
			return now->warnings.at[i].text;
	return NULL;
}

/* ---- the table ---------------------------------------------------------------------------------------------- */

/* Who adds a step adds its permission. */
Test(policy_rights, every_step_has_its_permission_in_the_table)
{
	fresh();
	for (int kind = 0; kind < ROP_STEP_KINDS_N; kind++) {
		struct rop_step step = { .node = 0, .peer = 1 };
		step.expect.kind = (enum rop_step_kind)kind;
		step.expect.name = "maxmemory";
		step.expect.value = "0"; /* a slot, too */
		step.expect.first = step.expect.last = 0;
		memcpy(step.expect.node, world->nodes[0].id, ROP_ID_SIZE);
		memcpy(step.expect.peer, world->nodes[1].id, ROP_ID_SIZE);
		rop_step_describe(pool, world, &step);
		if (kind == ROP_STEP_CARRY || kind == ROP_STEP_FUNCTIONS) /* their commands are made in redis/ */
			continue;
		if (kind == ROP_STEP_MOVE) /* other servers do not know the name: without it slots go key by key */
			continue;
		const struct rop_words *words = &step.commands[0];
		const char *name = words->argc > 1 ? rop_printf(pool, "%s|%s", words->argv[0], words->argv[1])
						   : words->argv[0];
		bool found = false;
		for (int p = 0; p < ROP_PERMISSIONS_N; p++) {
			const char *const *probe;
			found |= strcasecmp(rop_permission_name((enum rop_permission)p), name) == 0 &&
				 rop_permission_is_of((enum rop_permission)p, ROP_ACL_MOVER) &&
				 !rop_permission_is_of((enum rop_permission)p, ROP_ACL_OBSERVER) &&
				 rop_permission_probe((enum rop_permission)p, &probe) > 0;
		}
		cr_assert(found, "%s", name);
	}
}

Test(policy_rights, the_rules_are_what_acl_setuser_takes)
{
	cr_assert_str_eq(rop_acl_rule(pool, ROP_ACL_REPLICATION, "r"), "ACL SETUSER r on resetkeys resetchannels -@all "
								       "+psync +replconf +ping");
	const char *observer = rop_acl_rule(pool, ROP_ACL_OBSERVER, "o"),
		   *operator= rop_acl_rule(pool, ROP_ACL_OPERATOR, "o");
	cr_assert_eq(strncmp(operator, observer, strlen(observer)), 0, "the operator has what the observer has");
	cr_assert(!strstr(observer, "set ") && !strstr(observer, "meet") && strstr(operator, " +cluster|meet "));
	cr_assert_eq(rop_acl_find("observer"), ROP_ACL_OBSERVER);
	cr_assert_eq(rop_acl_find("emperor"), -1);
}

/* ---- before the first change -------------------------------------------------------------------------------- */

Test(policy_rights, a_run_does_not_begin_what_it_could_not_end)
{
	static const unsigned NEEDED[] = { ROP_PERMIT(MEET), ROP_PERMIT(SET_CONFIG_EPOCH), ROP_PERMIT(ADDSLOTSRANGE),
					   ROP_PERMIT(REPLICATE) };
	for (size_t i = 0; i < sizeof NEEDED / sizeof *NEEDED; i++) {
		fresh();
		forbid(NEEDED[i]);
		struct rop_situation *now = look(false);
		cr_assert(now->refused && denied(now));
		cr_assert(strstr(denied(now), rop_permissions_text(pool, NEEDED[i])));
		now = look(true);
		cr_assert(!now->refused && !denied(now), "a plan is shown");
		cr_assert(strstr(warned(now, ROP_WHY_NOT_PERMITTED), rop_permissions_text(pool, NEEDED[i])));
	}
}

Test(policy_rights, settings_to_be_set_hide_nothing_else_that_is_needed)
{
	fresh();
	manage_setting(topology, "maxmemory", "90mb");
	world = fresh_world(topology);
	forbid(ROP_PERMIT(ADDSLOTSRANGE));
	struct rop_situation *now = look(false);
	cr_assert(now->refused && denied(now));
	cr_assert(strstr(denied(now), rop_permissions_text(pool, ROP_PERMIT(ADDSLOTSRANGE))), "%s", denied(now));
}

Test(policy_rights, what_is_not_needed_is_not_asked_for)
{
	topology = topology_of(3, 1, 6);
	manage_setting(topology, "maxmemory", "90mb");
	world = formed_world(topology);
	for (size_t i = 0; i < world->n; i++)
		set_value(world, i, "maxmemory", "94371840");
	forbid(~0u);
	for (size_t i = 0; i < world->n; i++)
		world->nodes[i].forbidden &= ~(ROP_PERMIT(CLIENT_LIST) | ROP_PERMIT(CLIENT_SETNAME));
	struct rop_situation *now = look(false);
	cr_assert(!now->refused && !warned(now, ROP_WHY_NOT_PERMITTED) && rop_situation_converged(now));
	set_value(world, 3, "maxmemory", "0");
	now = look(false);
	cr_assert(now->refused && strstr(denied(now), "config|set, config|rewrite"));
}

Test(policy_rights, nodes_that_lack_the_same_are_told_together)
{
	fresh();
	forbid(ROP_PERMIT(REPLICATE));
	world->nodes[0].forbidden |= ROP_PERMIT(MEET);
	struct rop_situation *now = look(false);
	cr_assert_eq(now->findings.n, 2);
	cr_assert(strstr(now->findings.at[0].text, "10.0.0.1:6379: user 'default' may not run cluster|meet,"));
	cr_assert(strstr(now->findings.at[1].text, "10.0.0.4:6379, 10.0.0.5:6379, 10.0.0.6:6379: user"));
}

Test(policy_rights, a_help_that_is_not_permitted_is_left_out)
{
	fresh();
	forbid(ROP_PERMIT(CONFIG_SET) | ROP_PERMIT(CONFIG_REWRITE));
	struct rop_situation *now = look(false);
	cr_assert(!now->refused);
	cr_assert_eq(batch_of(now, "lower_settings").steps.n, 0);
	struct rop_batch epochs = batch_of(now, "set_epochs");
	cr_assert_eq(epochs.steps.n, 6);
}

/* Found out by trying, where it may not be asked. */
Test(policy_rights, a_help_that_was_refused_is_not_tried_again)
{
	fresh();
	struct rop_tries *tries = rop_tries_new(pool);
	struct rop_situation *now = situation_with(topology, world, &no_image, tries, 1);
	now->may_lower = true;
	struct rop_batch batch = batch_of(now, "lower_settings");
	size_t n = batch.steps.n;
	cr_assert_gt(n, 0);
	for (size_t i = 0; i < n; i++) {
		batch.steps.at[i].expect.note = "NOPERM User op has no permissions to run the 'config|set' command";
		rop_step_describe(pool, world, &batch.steps.at[i]);
		rop_tries_pending(tries, &batch.steps.at[i].expect);
		rop_tries_ended(tries, &batch.steps.at[i].expect, ROP_EXPECT_REFUSED, 2);
	}
	cr_assert(!rop_tries_gave_up(tries, NULL, NULL), "nothing depends on it");
	now = situation_with(topology, world, &no_image, tries, 100000);
	now->may_lower = true;
	cr_assert_eq(batch_of(now, "lower_settings").steps.n, 0);
	struct rop_tries *copy = rop_tries_copy(pool, tries);
	now = situation_with(topology, world, &no_image, copy, 200000);
	now->may_lower = true;
	cr_assert_eq(batch_of(now, "lower_settings").steps.n, 0, "remembered");
}

/* ---- what is not known -------------------------------------------------------------------------------------- */

Test(policy_rights, that_it_cannot_be_checked_is_said_where_something_is_to_be_done)
{
	fresh();
	world->nodes[2].rights_hidden = "user 'op' may not run 'acl|dryrun'";
	struct rop_situation *now = look(false);
	cr_assert(!now->refused && strstr(warned(now, ROP_WHY_RIGHTS_HIDDEN), "10.0.0.3:6379: user 'op' may not run"));
	world = formed_world(topology);
	world->nodes[2].rights_hidden = "user 'op' may not run 'acl|dryrun'";
	cr_assert_null(warned(look(false), ROP_WHY_RIGHTS_HIDDEN));
}

Test(policy_rights, declared_settings_cannot_be_compared_unseen)
{
	topology = topology_of(3, 1, 6);
	world = formed_world(topology);
	world->nodes[1].config_denied = true;
	cr_assert(!look(true)->refused, "none is declared");
	manage_setting(topology, "maxmemory", "90mb");
	cr_assert(strstr(denied(look(true)), "10.0.0.2:6379: user 'default' may not run config|get"));
	go_silent(world, 1);
	cr_assert_null(denied(look(true)));
}
