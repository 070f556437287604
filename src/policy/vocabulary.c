/* vocabulary.c - the vocabulary of the cluster machine. A word without an implementation does not link. */
#include <string.h>

#include "words.h"

WORDS_ON(struct rop_situation)

WORDS_FLAG(paused)
WORDS_FLAG(all_answer)
WORDS_FLAG(in_view)
WORDS_FLAG(refused)
WORDS_FLAG(prepared)
WORDS_FLAG(introduced)
WORDS_FLAG(members_agree)
WORDS_FLAG(slots_assigned)
WORDS_FLAG(replicas_attached)
WORDS_FLAG(replicas_held)
WORDS_FLAG(rejoins)

static bool is_to_be_emptied(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->to_empty != NULL;
}
WORDS_FLAG(links_up)
WORDS_FLAG(synchronising)
WORDS_FLAG(state_ok)
WORDS_FLAG(views_equal)
WORDS_FLAG(views_agree)
WORDS_FLAG(slots_in_place)
WORDS_FLAG(leaving)
WORDS_FLAG(wish_due)
WORDS_FLAG(host_drained)
WORDS_FLAG(drain_due)
WORDS_FLAG(placement_due)
WORDS_FLAG(silence_expected)
WORDS_FLAG(optional_waits)
WORDS_FLAG(takeover_due)
WORDS_FLAG(leavers_held)
WORDS_FLAG(leavers_watched)
WORDS_FLAG(epochs_behind)

static bool is_orphaned(const void *subject, const int64_t *args)
{
	(void)args;
	return on(subject)->orphan != NULL;
}

WORDS_FLAG(shards_known)
WORDS_FLAG(shards_apart)
WORDS_FLAG(temporaries_in_force)
WORDS_FLAG(temporaries_waiting)
WORDS_FLAG(settings_as_declared)
WORDS_FLAG(settings_refused)
WORDS_FLAG(gave_up)
WORDS_FLAG(finding_gone)

static bool is_agreed_for(const void *subject, const int64_t *args)
{
	const struct rop_situation *now = on(subject);
	return now->views_agree && now->agreed_ms >= args[0];
}

static bool is_chunks_open(const void *subject, const int64_t *args)
{
	const struct rop_situation *now = on(subject);
	(void)args;
	for (size_t i = 0; i < now->migrations.n; i++)
		if (now->migrations.at[i].open)
			return true;
	return false;
}

static bool is_stalled_for(const void *subject, const int64_t *args)
{
	return on(subject)->stalled_ms >= args[0];
}

static bool is_settling(const void *subject, const int64_t *args)
{
	const struct rop_situation *now = on(subject);
	(void)args;
	return now->views_agree && now->agreed_ms < now->topology->settle_ms;
}

static const struct rop_fact FACTS[] = {
	{ .name = "paused", .doc = "a person asked to stop changing this cluster", .holds = is_paused },
	{ .name = "all_answer",
	  .doc = "every declared node answered",
	  .holds = is_all_answer,
	  .implies = { "in_view" } },
	{ .name = "in_view",
	  .doc = "enough nodes answered to decide: all of them; or, where nodes that know each other own all 16384 "
		 "slots, a majority of those that own some",
	  .holds = is_in_view },
	{ .name = "refused", .doc = "something was seen that makes every change unsafe", .holds = is_refused },
	{ .name = "prepared",
	  .doc = "temporary settings are lowered and config epochs are unique, where there is no data and no cluster "
		 "yet",
	  .holds = is_prepared },
	{ .name = "introduced", .doc = "every answering node knows every other", .holds = is_introduced },
	{ .name = "members_agree",
	  .doc = "every answering node lists exactly the declared nodes, all of them healthy",
	  .holds = is_members_agree,
	  .implies = { "introduced" } },
	{ .name = "slots_assigned",
	  .doc = "each of the 16384 slots is owned by exactly one node",
	  .holds = is_slots_assigned },
	{ .name = "replicas_attached",
	  .doc = "every replica follows the primary it should",
	  .holds = is_replicas_attached },
	{ .name = "empties",
	  .doc = "a server kept a copy that somebody gave up, and cannot be taken in with it",
	  .holds = is_to_be_emptied },
	{ .name = "rejoins",
	  .doc = "all identities were lost, the nodes are to come together again, and one has no epoch of its own yet",
	  .holds = is_rejoins },
	{ .name = "replicas_held",
	  .doc = "some nodes follow no primary yet, and each has to wait: its own or its new primary is silent, "
		 "failing or changing, or another one moves",
	  .holds = is_replicas_held,
	  .excludes = { "replicas_attached" } },
	{ .name = "links_up",
	  .doc = "every replica's link to its primary is up and synchronised",
	  .holds = is_links_up },
	{ .name = "synchronising",
	  .doc = "a replica is taking over its primary's data now; how long depends on how much there is",
	  .holds = is_synchronising,
	  .excludes = { "links_up" } },
	{ .name = "state_ok", .doc = "every answering node reports cluster_state:ok", .holds = is_state_ok },
	{ .name = "views_equal",
	  .doc = "the views of all answering nodes are equal, members, roles, epochs, slots; some slots may be open",
	  .holds = is_views_equal,
	  .implies = { "members_agree", "introduced" } },
	{ .name = "views_agree",
	  .doc = "the views of all answering nodes are equal, and no slot is open, no introduction under way",
	  .holds = is_views_agree,
	  .implies = { "views_equal", "members_agree", "introduced" } },
	{ .name = "slots_in_place",
	  .doc = "as many shards own slots as are declared, what was begun to be moved is moved, and no slot is open",
	  .holds = is_slots_in_place,
	  .excludes = { "chunks_open" } },
	{ .name = "chunks_open", .doc = "slots are on their way from one node to another", .holds = is_chunks_open },
	{ .name = "wish_due",
	  .doc = "a person asked for a shard to be led by another node, and that can be gone on with, or is over",
	  .holds = is_wish_due },
	{ .name = "host_drained",
	  .doc = "a host is to be stopped, as somebody said (drain), and the time for that is not over",
	  .holds = is_host_drained },
	{ .name = "drain_due",
	  .doc = "a shard is led from such a host, and can be handed over now",
	  .holds = is_drain_due,
	  .implies = { "host_drained" } },
	{ .name = "placement_due",
	  .doc = "all is as declared, and a shard is to be led from another host or zone, where fewer are "
		 "(spec.placement.repair: Auto)",
	  .holds = is_placement_due,
	  .implies = { "views_agree", "all_answer" },
	  .excludes = { "host_drained", "leavers_watched" } },
	{ .name = "silence_expected",
	  .doc = "some nodes do not answer, and all of these are on hosts that are drained; of what they hold that "
		 "says nothing",
	  .holds = is_silence_expected,
	  .implies = { "host_drained", "in_view" },
	  .excludes = { "all_answer" } },
	{ .name = "optional_waits",
	  .doc = "slots are to be moved, or nodes to leave, and that is not begun while a host is drained",
	  .holds = is_optional_waits,
	  .implies = { "host_drained" },
	  .excludes = { "chunks_open" } },
	{ .name = "takeover_due",
	  .doc = "this run is for a replica to take over without a vote, and a person consented to what that costs",
	  .holds = is_takeover_due },
	{ .name = "leaving",
	  .doc = "a node that an earlier revision declared and this one does not is still in the cluster",
	  .holds = is_leaving },
	{ .name = "leavers_held",
	  .doc = "one of those has what the others are not known to have, or cannot be done without",
	  .holds = is_leavers_held },
	{ .name = "leavers_watched",
	  .doc = "one of those has left, and might come back as long as the servers let it",
	  .holds = is_leavers_watched },
	{ .name = "stalled_for",
	  .doc = "slots are to be moved, and neither a slot nor a key has moved for so long",
	  .args = { { .name = "time",
		      .doc = "since the last one moved, or the moving began",
		      .type = ROP_ARG_DURATION,
		      .min = 1,
		      .max = 3600000 } },
	  .holds = is_stalled_for },
	{ .name = "orphaned",
	  .doc = "an id that nobody has any more owns slots, and who followed it may take them over",
	  .holds = is_orphaned,
	  .implies = { "all_answer" } },
	{ .name = "epochs_behind",
	  .doc = "a node says a smaller config epoch than its peers hold for it, which does not end by itself; every "
		 "view gives it, and nobody else, its slots",
	  .holds = is_epochs_behind,
	  .excludes = { "views_equal" } },
	{ .name = "shards_known",
	  .doc = "every answering node knows which shard each replica belongs to, or may not be asked",
	  .holds = is_shards_known },
	{ .name = "shards_apart",
	  .doc = "some node holds a replica for one of another shard than its primary's: it was not told yet",
	  .holds = is_shards_apart,
	  .excludes = { "shards_known" } },
	{ .name = "agreed_for",
	  .doc = "views_agree held in at least two looks, that long apart",
	  .args = { { .name = "time",
		      .doc = "time between the first and the last of them",
		      .type = ROP_ARG_DURATION,
		      .min = 1,
		      .max = 3600000 } },
	  .holds = is_agreed_for,
	  .implies = { "views_agree", "views_equal", "members_agree", "introduced" } },
	{ .name = "settling",
	  .doc = "the views agree, but not for as long yet as spec.intervals.settle asks",
	  .holds = is_settling,
	  .implies = { "views_agree", "views_equal", "members_agree", "introduced" } },
	{ .name = "temporaries_in_force",
	  .doc = "a temporary setting that may go back now is in force on a node that answers",
	  .holds = is_temporaries_in_force },
	{ .name = "temporaries_waiting",
	  .doc = "a temporary setting may not go back yet: its node is not in sync with the primary it is to follow",
	  .holds = is_temporaries_waiting },
	{ .name = "settings_as_declared",
	  .doc = "managed settings have their declared values",
	  .holds = is_settings_as_declared },
	{ .name = "settings_refused",
	  .doc = "a node refused the name or the value of a declared setting; it is not tried again in this run",
	  .holds = is_settings_refused,
	  .excludes = { "settings_as_declared" } },
	{ .name = "gave_up",
	  .doc = "a step was refused or not seen done as often as it may be tried",
	  .holds = is_gave_up },
	{ .name = "finding_gone",
	  .doc = "what was told a person to stand in the way is not seen any more",
	  .holds = is_finding_gone,
	  .implies = { "in_view" },
	  .excludes = { "refused" } },
};

static void do_report(const void *subject, const int64_t *args, void *output)
{
	(void)subject;
	(void)args;
	((struct rop_batch *)output)->report = true;
}

static void do_run_migrations(const void *subject, const int64_t *args, void *output)
{
	(void)subject;
	(void)args;
	((struct rop_batch *)output)->children = ROP_CHILDREN_ALL;
}

static void do_finish_migrations(const void *subject, const int64_t *args, void *output)
{
	(void)subject;
	(void)args;
	((struct rop_batch *)output)->children = ROP_CHILDREN_OPEN;
}

static void do_run_retirements(const void *subject, const int64_t *args, void *output)
{
	(void)subject;
	(void)args;
	((struct rop_batch *)output)->children = ROP_CHILDREN_LEAVING;
}

static void do_run_failover(const void *subject, const int64_t *args, void *output)
{
	(void)subject;
	(void)args;
	((struct rop_batch *)output)->children = ROP_CHILDREN_WISH;
}

static void do_record_reached(const void *subject, const int64_t *args, void *output)
{
	(void)subject;
	(void)args;
	((struct rop_batch *)output)->reached = true;
}

static const struct rop_action ACTIONS[] = {
	{ .name = "lower_settings",
	  .doc = "lower cluster-node-timeout and repl-diskless-sync-delay while the cluster forms; journalled with "
		 "their values",
	  .plan = policy_lower_settings },
	{ .name = "restore_settings", .doc = "put temporary settings back", .plan = policy_restore_settings },
	{ .name = "set_epochs", .doc = "give every node a config epoch of its own", .plan = policy_set_epochs },
	{ .name = "raise_epochs",
	  .doc = "CLUSTER BUMPEPOCH on nodes that went back to an older config epoch than their peers hold for them",
	  .plan = policy_raise_epochs },
	{ .name = "introduce_nodes",
	  .doc = "MEET between all nodes that do not know each other",
	  .plan = policy_introduce_nodes },
	{ .name = "greet_nodes",
	  .doc = "MEET again, towards nodes that hold a replica for one of another shard than its primary's",
	  .plan = policy_greet_nodes },
	{ .name = "empty_kept",
	  .doc = "FLUSHALL and CLUSTER RESET of servers that kept a copy which somebody gave up",
	  .plan = policy_empty_kept },
	{ .name = "forget_lost",
	  .doc = "CLUSTER FORGET of nodes that are gone for good with slots whose data was given up",
	  .plan = policy_forget_lost },
	{ .name = "assign_slots",
	  .doc = "give slots that nobody owns to the primaries, in even ranges",
	  .plan = policy_assign_slots },
	{ .name = "take_over",
	  .doc = "CLUSTER FAILOVER FORCE on who followed an id that nobody has any more, where it would be wiped, or "
		 "the servers had their time",
	  .plan = policy_take_over },
	{ .name = "attach_idle",
	  .doc = "CLUSTER REPLICATE on those that gave their last slots away, where their shard gets some",
	  .plan = policy_attach_idle },
	{ .name = "attach_replicas",
	  .doc = "make the other nodes replicas, apart from their primaries where the topology allows it",
	  .plan = policy_attach_replicas },
	{ .name = "apply_settings",
	  .doc = "bring managed settings to their declared values and write them to the nodes' configuration files",
	  .plan = policy_apply_settings },
	{ .name = "keep_replicas",
	  .doc = "have no server move replicas between shards by itself (spec.replicaMigration: Managed), in a cluster "
		 "that is being formed, or whose slots move",
	  .plan = policy_keep_replicas },
	{ .name = "run_migrations",
	  .doc = "move slots, chunk by chunk, each by a machine `migration` of its own",
	  .plan = do_run_migrations },
	{ .name = "finish_migrations",
	  .doc = "the same with the chunks that are open already; no other is begun",
	  .plan = do_finish_migrations },
	{ .name = "run_retirements",
	  .doc = "let nodes leave that are not declared any more, each by a machine `retire` of its own",
	  .plan = do_run_retirements },
	{ .name = "run_failover",
	  .doc = "hand the leadership of a shard over, by a machine `failover` of its own",
	  .plan = do_run_failover },
	{ .name = "begin_handover",
	  .doc = "note that the shard which is next is to be handed over, because its host is drained, or led by "
		 "another node it is placed better",
	  .plan = policy_begin_handover },
	{ .name = "take_over_unvoted",
	  .doc = "CLUSTER FAILOVER TAKEOVER on the replica that a person chose, in a run that is for nothing else",
	  .plan = policy_take_over_unvoted },
	{ .name = "report", .doc = "stop here and tell a person what was seen", .plan = do_report },
	{ .name = "record_reached",
	  .doc = "note that the declared cluster has been reached",
	  .plan = do_record_reached },
};

const struct rop_vocabulary *rop_cluster_words(void)
{
	WORDS_VOCABULARY(WORDS, FACTS, ACTIONS);
	return &WORDS;
}

const struct rop_vocabulary *rop_words_of(const char *machine)
{
	if (machine && strcmp(machine, "cluster") == 0)
		return rop_cluster_words();
	if (machine && strcmp(machine, "retire") == 0)
		return rop_retire_words();
	if (machine && strcmp(machine, "failover") == 0)
		return rop_failover_words();
	return machine && strcmp(machine, "migration") == 0 ? rop_migration_words() : NULL;
}
