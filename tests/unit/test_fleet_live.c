/* test_fleet_live.c - observing and sending with a real redis-server. */
#include <criterion/criterion.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "fleet_lib.h"
#include "rop/permissions.h"
#include "rop/text.h"

static const char *const CLUSTER[] = { "--cluster-enabled", "yes" };
static const char *const LOCKED[] = { "--cluster-enabled", "yes", "--requirepass", "s3cret" };

static void assert_reach(const struct rop_answer *answer, enum rop_reach reach, const char *why)
{
	cr_assert_eq(answer->reach, reach, "reach %d: %s", (int)answer->reach, answer->reach_why);
	if (why)
		cr_assert(strstr(answer->reach_why, why), "'%s' does not say '%s'", answer->reach_why, why);
	else
		cr_assert_null(answer->reach_why);
}

/* A user as the server knows it, then one look as that user. */
static void look_as(int port, const char *user, const char *password, enum rop_reach reach, const char *why)
{
	struct view view;
	view_init(&view);
	view.options.command_timeout_ms = 5000;
	view.options.user = user;
	view.options.password = password;
	view_open(&view, &port, 1);
	const struct rop_answer *answer = look(&view, ROP_OBSERVE_FULL | ROP_OBSERVE_SETTINGS);
	assert_reach(answer, reach, why);
	if (reach == ROP_REACH_OK) {
		cr_assert_not_null(strstr(answer->cluster_nodes, "myself,master"));
		cr_assert_not_null(strstr(answer->cluster_info, "cluster_state:"));
	}
	view_done(&view);
}

Test(fleet_live, an_empty_node_is_observed_whole)
{
	struct server server;
	struct view view;
	server_start(&server, CLUSTER, 2);
	view_init(&view);
	view.options.command_timeout_ms = 5000;
	view_open(&view, &server.port, 1);
	for (int pass = 0; pass < 3; pass++) {
		unsigned flags = pass ? ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL : 0;
		const struct rop_answer *answer = look(&view, flags);
		assert_reach(answer, ROP_REACH_OK, NULL);
		cr_assert_not_null(strstr(answer->cluster_nodes, " myself,master - 0 0 0 connected"));
		cr_assert_not_null(strstr(answer->cluster_info, "cluster_state:fail"));
		cr_assert_not_null(strstr(answer->info_server, "redis_version:"));
		cr_assert_not_null(strstr(answer->info_replication, "role:master"));
		cr_assert_not_null(strstr(answer->info_keyspace, "# Keyspace"));
		if (!pass) {
			cr_assert_null(answer->settings);
			cr_assert_eq(answer->functions, ROP_COUNT_NOT_ASKED);
			continue;
		}
		cr_assert_str_eq(answer->settings[0], "15000");
		cr_assert_null(answer->settings[1], "no such setting");
		cr_assert_str_eq(answer->settings[2], "0");
		int version = 0;
		sscanf(strstr(answer->info_server, "redis_version:"), "redis_version:%d", &version);
		cr_assert_eq(answer->functions, 0);
	}
	const struct rop_answer *before = view.answers;
	struct rop_observed *seen = rop_observed_from_answers(view.arena, before, 1, NULL, 0, rop_boot_ms());
	cr_assert_eq(strlen(seen->nodes[0].id), 40);
	view_done(&view);
	server_stop(&server);
}

Test(fleet_live, a_password_opens_and_a_wrong_one_is_named)
{
	struct server server;
	server_start(&server, LOCKED, 4);
	look_as(server.port, NULL, "s3cret", ROP_REACH_OK, NULL);
	look_as(server.port, "default", "s3cret", ROP_REACH_OK, NULL);
	look_as(server.port, NULL, "wrong", ROP_REACH_DENIED, "wrong password");
	look_as(server.port, "nobody", "s3cret", ROP_REACH_DENIED, "user 'nobody'");
	look_as(server.port, NULL, NULL, ROP_REACH_DENIED, "asks for a password, and none is declared");
	server_stop(&server);
}

Test(fleet_live, a_password_that_the_server_does_not_know_of_is_refused)
{
	struct server server;
	server_start(&server, CLUSTER, 2);
	look_as(server.port, NULL, "s3cret", ROP_REACH_DENIED, "the server has none set");
	server_stop(&server);
}

Test(fleet_live, a_missing_permission_is_named)
{
	static const char *const USERS[] = {
		"ACL SETUSER blind on >pw ~* +@all -cluster|nodes",
		"ACL SETUSER uninformed on >pw ~* +@all -info",
		"ACL SETUSER modest on >pw +cluster +info +client",
		"ACL SETUSER nameless on >pw +cluster +info",
	};
	struct server server;
	struct view view;
	server_start(&server, CLUSTER, 2);
	view_init(&view);
	view.options.command_timeout_ms = 5000;
	view_open(&view, &server.port, 1);
	const struct rop_outcome *outcomes = tell(&view, USERS, 4);
	for (int i = 0; i < 4; i++)
		cr_assert_eq(outcomes[i].sent, ROP_SENT_OK, "%s", outcomes[i].text);
	view_done(&view);
	look_as(server.port, "blind", "pw", ROP_REACH_DENIED, "user 'blind' may not run 'cluster|nodes'");
	look_as(server.port, "uninformed", "pw", ROP_REACH_DENIED, "user 'uninformed' may not run 'info'");
	look_as(server.port, "modest", "pw", ROP_REACH_OK, NULL);   /* settings, functions: unknown */
	look_as(server.port, "nameless", "pw", ROP_REACH_OK, NULL); /* CLIENT SETNAME is a courtesy */
	server_stop(&server);
}

Test(fleet_live, who_else_is_connected_is_told_where_the_user_may_know)
{
	static const char *const USERS[] = { "ACL SETUSER discreet on >pw ~* +@all -client|list" };
	static const char PING[] = "PING";
	struct server server;
	struct view view, other;
	server_start(&server, CLUSTER, 2);
	view_init(&other);
	other.options.client_name = "redis-operator:test:1a2b3c4d";
	view_open(&other, &server.port, 1);
	cr_assert_eq(tell(&other, USERS, 1)->sent, ROP_SENT_OK);
	const struct {
		unsigned flags;
		const char *user;
		bool known;
	} ROUNDS[] = {
		{ ROP_OBSERVE_FULL, NULL, false },
		{ ROP_OBSERVE_CLIENTS, NULL, true },
		{ ROP_OBSERVE_CLIENTS | ROP_OBSERVE_SETTINGS | ROP_OBSERVE_FULL, NULL, true },
		{ ROP_OBSERVE_CLIENTS, "discreet", false },
	};
	for (size_t i = 0; i < sizeof ROUNDS / sizeof *ROUNDS; i++) {
		view_init(&view);
		view.options.command_timeout_ms = 5000;
		view.options.user = ROUNDS[i].user;
		view.options.password = ROUNDS[i].user ? "pw" : NULL;
		view_open(&view, &server.port, 1);
		for (int pass = 0; pass < 2; pass++) { /* the second time on the same connection */
			const struct rop_answer *answer = look(&view, ROUNDS[i].flags);
			assert_reach(answer, ROP_REACH_OK, NULL);
			cr_assert_eq(answer->operators != NULL, ROUNDS[i].known, "round %zu", i);
			if (!ROUNDS[i].known)
				continue;
			cr_assert_not_null(strstr(answer->operators, " name=redis-operator:test:1a2b3c4d "));
			cr_assert_not_null(strstr(answer->operators, " name=redis-operator:test "));
			cr_assert_geq(answer->n_clients, 2);
		}
		const char *refusals[] = { PING };
		cr_assert_eq(tell(&view, refusals, 1)->sent, ROP_SENT_OK, "the connection is in step");
		view_done(&view);
	}
	view_done(&other);
	server_stop(&server);
}

Test(fleet_live, what_a_user_may_do_is_told_without_doing_it)
{
	static const char *const USERS[] = { "ACL SETUSER meek on >pw +@all -cluster|meet -client|list",
					     "ACL SETUSER mute on >pw +@all -acl|dryrun" };
	static const struct {
		const char *user;
		uint64_t forbidden;
		const char *hidden;
	} USERS_SEE[] = { { NULL, 0, NULL },
			  { "meek", /* who may reach no key may not move any */
			    ROP_PERMIT(MEET) | ROP_PERMIT(CLIENT_LIST) | ROP_PERMIT(MIGRATE) |
				    ROP_PERMIT(RESTORE_ASKING) | ROP_PERMIT(MEMORY_USAGE),
			    NULL },
			  { "mute", 0, "user 'mute' may not run 'acl|dryrun'" } };
	struct server server;
	struct view view;
	server_start(&server, CLUSTER, 2);
	view_init(&view);
	view_open(&view, &server.port, 1);
	cr_assert(tell(&view, USERS, 2)[0].sent == ROP_SENT_OK && view.outcomes[1].sent == ROP_SENT_OK);
	view_done(&view);
	for (size_t i = 0; i < sizeof USERS_SEE / sizeof *USERS_SEE; i++) {
		view_init(&view);
		view.options.command_timeout_ms = 5000;
		view.options.user = USERS_SEE[i].user;
		view.options.password = USERS_SEE[i].user ? "pw" : NULL;
		view_open(&view, &server.port, 1);
		const struct rop_answer *answer = look(&view,
						       ROP_OBSERVE_RIGHTS | ROP_OBSERVE_SHARDS | ROP_OBSERVE_FULL);
		assert_reach(answer, ROP_REACH_OK, NULL);
		cr_assert_eq(answer->forbidden, USERS_SEE[i].forbidden, "%zu: %" PRIx64, i, answer->forbidden);
		cr_assert(rop_streq(answer->rights_hidden, USERS_SEE[i].hidden), "%s", answer->rights_hidden);
		cr_assert(answer->asked_shards && strlen(answer->shards) == 42, "one shard of one node: '%s'",
			  answer->shards);
		cr_assert_eq(strncmp(answer->shards, answer->cluster_nodes, 40), 0);
		view_done(&view);
	}
	server_stop(&server);
}

Test(fleet_live, a_server_without_cluster_mode_is_told_apart)
{
	struct server server;
	server_start(&server, NULL, 0);
	look_as(server.port, NULL, NULL, ROP_REACH_NOT_CLUSTER, "cluster mode");
	server_stop(&server);
}

Test(fleet_live, a_server_that_was_restarted_or_stopped_between_two_looks)
{
	struct server server;
	struct view view;
	server_start(&server, CLUSTER, 2);
	view_init(&view);
	view.options.command_timeout_ms = 1000;
	view_open(&view, &server.port, 1);
	assert_reach(look(&view, 0), ROP_REACH_OK, NULL);
	server_kill(&server);
	server_restart(&server);
	assert_reach(look(&view, 0), ROP_REACH_OK, NULL);
	kill(server.pid, SIGSTOP);
	assert_reach(look(&view, 0), ROP_REACH_SILENT, "answered, then did not answer within 1s");
	const struct rop_outcome *outcome = tell(&view, (const char *const[]){ "CLUSTER SET-CONFIG-EPOCH 7" }, 1);
	cr_assert_eq(outcome->sent, ROP_SENT_ERROR, "CLIENT SETNAME was not answered: nothing was sent");
	kill(server.pid, SIGCONT);
	assert_reach(look(&view, 0), ROP_REACH_OK, NULL);
	kill(server.pid, SIGSTOP);
	outcome = tell(&view, (const char *const[]){ "CLUSTER SET-CONFIG-EPOCH 7" }, 1);
	cr_assert_eq(outcome->sent, ROP_SENT_UNKNOWN, "%s", outcome->text);
	kill(server.pid, SIGCONT);
	server_kill(&server);
	assert_reach(look(&view, 0), ROP_REACH_SILENT, "connection refused");
	view_done(&view);
	server_stop(&server);
}

Test(fleet_live, commands_run_in_order_and_errors_are_told)
{
	static const char *const COMMANDS[] = { "CLUSTER SET-CONFIG-EPOCH 3", "CLUSTER SET-CONFIG-EPOCH 4",
						"CLUSTER ADDSLOTS 1 2 3", "CLUSTER ADDSLOTS 3" };
	struct server server;
	struct view view;
	server_start(&server, CLUSTER, 2);
	view_init(&view);
	view.options.command_timeout_ms = 5000;
	view_open(&view, &server.port, 1);
	const struct rop_outcome *outcomes = tell(&view, COMMANDS, 4);
	cr_assert_eq(outcomes[0].sent, ROP_SENT_OK);
	cr_assert_eq(outcomes[1].sent, ROP_SENT_ERROR);
	cr_assert(strstr(outcomes[1].text, "config epoch is already non-zero"), "%s", outcomes[1].text);
	cr_assert_eq(outcomes[2].sent, ROP_SENT_OK);
	cr_assert_eq(outcomes[3].sent, ROP_SENT_ERROR);
	cr_assert_not_null(strstr(look(&view, 0)->cluster_nodes, " 3 connected 1-3"));
	view_done(&view);
	server_stop(&server);
}
