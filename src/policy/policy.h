/* policy.h - what the files of this folder share; what others see is rop/policy.h. */
#ifndef ROP_POLICY_INTERNAL_H
#define ROP_POLICY_INTERNAL_H

#include "rop/policy.h"
#include "rop/tries.h"

/* findings.c: what forbids to go on, once each, however often it is found; what is open yet; what is warned of, of a
 * situation or (as a value) of a layout */
void policy_find(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice);
#define POLICY_OPEN_MAX 12   /* what is open is told up to here */
#define POLICY_PAIRS_MAX 5   /* ... of one kind */
#define POLICY_VIEWERS_MAX 3 /* nodes in one sentence */
void policy_note_open(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice);
void policy_warn(struct rop_situation *now, int node, enum rop_reason is, const char *text, const char *advice);
struct rop_finding policy_warning(int node, enum rop_reason is, const char *text);
const char *policy_user(const struct rop_situation *now); /* who we are on the nodes */
/* the advice where something is not permitted */
#define POLICY_ALLOW \
	"allow it on every node ('redis-operator acl operator' prints all that is needed, 'acl observer' what is " \
	"needed to look, 'acl mover' what it takes to move slots and to " \
	"let nodes leave), or declare another user under spec.auth"

/* layout.c: the same servers before anybody spoke to them, as far as a layout asks */
struct rop_observed *policy_blank(struct rop_arena *arena, const struct rop_observed *seen);
/* seats.c: [node] owns slots, and nobody with a greater epoch claims them all */
bool *policy_owners(struct rop_arena *arena, const struct rop_observed *seen);
/* epochs.c: nodes that say a smaller config epoch than their peers hold for them */
bool policy_any_behind(const struct rop_situation *now);                     /* and can be given a new one */
const char *policy_bump_waits(const struct rop_situation *now, size_t node); /* why not; NULL: it can */
/* elsewhere.c: peers hold nodes at other addresses than their own */
void policy_find_elsewhere(struct rop_situation *now);
/* Where they hold this one, when its packets leave from there; NULL: they do not, or not for long. */
const char *policy_leaves_from(const struct rop_situation *now, size_t node);
const char *policy_set_its_address(const struct rop_situation *now); /* the advice on it */
/* Of nodes that are not a cluster yet nothing of the kind was seen, now or just before, nor a peer on its way from one
 * address to another; and who announces an address was found there. */
bool policy_addresses_settled(const struct rop_situation *now);
/* announced.c: where nodes say that they are; what clients are told of them */
void policy_find_announced(struct rop_situation *now);
void policy_warn_of_endpoints(struct rop_situation *now);
/* It announces another place than where it is declared, and no peer was seen to find it there. */
bool policy_announced_unseen(const struct rop_situation *now, size_t node);
/* Peers look for it in vain where it announces itself; NULL: they do not, or not for long. */
const char *policy_announced_in_vain(const struct rop_situation *now, size_t node, const char **ret_advice);
/* links.c: why the link of a replica does not stand, in a sentence */
const char *policy_link_down(const struct rop_situation *now, size_t replica, const char **ret_advice);
const char *policy_silent_advice(const struct rop_node *node); /* of a cause that is known; NULL */
void policy_warn_of_protected(struct rop_situation *now);
/* differ.c: what views hold otherwise than the node itself, with both values, for those that hold the same together.
 * What is left of it are the pairs without a bit. */
const uint64_t *policy_note_differences(struct rop_situation *now);
/* strangers.c: peers that are not declared */
void policy_find_strangers(struct rop_situation *now);
/* ids.c
 * Of the member with that id, as declared when it was seen last; NULL: none had it. */
const char *policy_address_before(const struct rop_image *image, const char *id);
/* Of the first n nodes the one that answers by the name, or at the address, that this id was declared by. -1: none. */
int policy_in_its_place(const struct rop_observed *seen, size_t n, const struct rop_image *image, const char *id);
int policy_follower_of(const struct rop_observed *seen, const char *id); /* of those that answer; -1: none */
/* A node that has slots open with that one, and how many do; -1: none. */
int policy_open_towards(const struct rop_observed *seen, const char *id, int *ret_slots);
/* merging.c: it is a node of a cluster that is not ours; all who list that peer are such; "node 1a2b3c4d of cluster
 * 'x'". */
bool policy_is_of_another_cluster(const struct rop_situation *now, size_t node);
bool policy_is_of_others_alone(const struct rop_situation *now, const struct rop_foreign *peer);
const char *policy_cluster_of(const struct rop_situation *now, size_t node);
void policy_find_merging(struct rop_situation *now);
/* orphans.c: false: that peer is none whose slots who followed it may take over. */
bool policy_find_orphan(struct rop_situation *now, const struct rop_foreign *peer, int place);
void policy_take_over(const void *subject, const int64_t *args, void *output);
void policy_find_emptied(struct rop_situation *now); /* emptied.c: into `emptied` */
/* lost.c: shards that nobody is left of, and that may be given up */
void policy_warn_of_lost(struct rop_situation *now);
void policy_find_owning_ghosts(struct rop_situation *now); /* and that may not be */
/* retiring.c */
void policy_forget_lost(const void *subject, const int64_t *args, void *output);
/* guard.c: what a consent to these is named by; the command with it */
void policy_digest_losses(struct rop_losses *losses);
const char *policy_consenting_command(const struct rop_situation *now, const struct rop_losses *losses);
/* kept.c: servers that came back with another id and a copy; introduce.c empties them where somebody gave that up */
void policy_find_kept(struct rop_situation *now);
void policy_empty_kept(const void *subject, const int64_t *args, void *output);
static inline bool policy_is_to_empty(const struct rop_situation *now, size_t node)
{
	return now->to_empty && now->to_empty[node];
}
/* ghosts.c: who is taken in where another one was */
void policy_warn_of_ghosts(struct rop_situation *now);
/* second.c: warns of another operator that was seen on the nodes */
void policy_warn_of_second(struct rop_situation *now);

/* neighbours.c: fills in the layout's warnings */
void policy_warn_of_neighbours(struct rop_arena *arena, const struct rop_topology *topology,
			       const struct rop_observed *seen, struct rop_layout *layout);
/* temporary.c: settings changed for a while */
enum policy_temporary { POLICY_NODE_TIMEOUT, POLICY_SYNC_DELAY, POLICY_NO_FAILOVER, POLICY_TEMPORARIES_N };
extern const char *const policy_temporary_names[POLICY_TEMPORARIES_N];
#define POLICY_NO_DELAY "0" /* what repl-diskless-sync-delay is lowered to */
int64_t policy_timeout_wanted(const struct rop_situation *now, size_t node); /* -1: it stays */
bool policy_delay_is_wanted(const struct rop_situation *now, size_t node);
bool policy_found_goes_back(const struct rop_situation *now, const struct rop_temporary *temporary);
bool policy_all_lowered(const struct rop_situation *now);
void policy_find_temporaries(struct rop_situation *now); /* fills in `found` */
void policy_set_temporary_flags(struct rop_situation *now);
void policy_warn_of_temporaries(struct rop_situation *now);
/* CONFIG REWRITE writes what is in force: never while a temporary value is, unless this batch sets the declared one
 * first. */
bool policy_may_rewrite(const struct rop_situation *now, const struct rop_batch *batch, size_t node);
/* introduce.c */
bool policy_epochs_set(const struct rop_situation *now);
bool policy_needs_epoch(const struct rop_situation *now, size_t node);
/* rights.c: what is not permitted, before anything is changed */
void policy_find_rights(struct rop_situation *now);
/* limit.c */
void policy_warn_of_limit(struct rop_situation *now);
/* values.c */
bool policy_memory_parse(const char *s, int64_t *ret_bytes); /* "100mb", as the servers read it */
bool policy_same_value(const char *a, const char *b);        /* "100mb" and "104857600" are */
/* settings.c: managed settings */
bool policy_settings_as_declared(const struct rop_situation *now);
const char *policy_settings_off(const struct rop_situation *now); /* those that are not, in a sentence */
bool policy_node_as_declared(const struct rop_situation *now, size_t node);
bool policy_rest_unsettable(const struct rop_situation *now); /* all that is not as declared is where CONFIG is gone */
/* In force, and not in the configuration file: a sentence for the first such node, NULL where there is none. */
const char *policy_unwritten(const struct rop_situation *now, size_t *ret_node);
void policy_warn_of_unwritten(struct rop_situation *now);
/* unsettable.c */
void policy_find_unknown_settings(struct rop_situation *now);
void policy_find_no_config(struct rop_situation *now);
void policy_warn_of_refusals(struct rop_situation *now);
/* The server's words where that node refused the setting in this run; NULL: it did not. */
const char *policy_refusal(const struct rop_situation *now, size_t node, const struct rop_setting *setting);
const struct rop_setting *policy_refused_setting(const struct rop_situation *now, size_t *ret_node); /* NULL: none */

/* takeover.c: fills in `takeover`; and its action */
void policy_find_takeover(struct rop_situation *now);
void policy_take_over_unvoted(const void *subject, const int64_t *args, void *output);

/* replicas_stay.c: where it is to be, ROP_REPLICA_MIGRATION becomes one of the declared settings of the situation */
void policy_take_replica_migration(struct rop_situation *now);

/* Planners, one per action word: subject is the situation, output the batch. */
void policy_lower_settings(const void *subject, const int64_t *args, void *output);
void policy_restore_settings(const void *subject, const int64_t *args, void *output);
void policy_set_epochs(const void *subject, const int64_t *args, void *output);
void policy_raise_epochs(const void *subject, const int64_t *args, void *output);
void policy_introduce_nodes(const void *subject, const int64_t *args, void *output);
void policy_greet_nodes(const void *subject, const int64_t *args, void *output);
void policy_assign_slots(const void *subject, const int64_t *args, void *output);
/* It follows a node that has become a replica itself, and has not heard of that: then it follows its new primary. */
bool policy_follows_on(const struct rop_situation *now, size_t node);
void policy_attach_replicas(const void *subject, const int64_t *args, void *output);
void policy_attach_idle(const void *subject, const int64_t *args, void *output);
void policy_apply_settings(const void *subject, const int64_t *args, void *output);
void policy_begin_handover(const void *subject, const int64_t *args, void *output); /* draining.c */
void policy_keep_replicas(const void *subject, const int64_t *args, void *output);

/* subject.c: the canonical subject of a step; needs kind, node, peer, and what of its kind names it. */
const char *policy_subject(struct rop_arena *arena, const struct rop_expect *e);
/* subject.c: a step's skeleton for a node, for what its kind needs to be filled in. */
struct rop_step policy_step(const struct rop_situation *now, enum rop_step_kind kind, int node, int peer);
/* steps.c: appends it, where the guard and the tries let it go; else it is dropped: false. */
bool policy_add(const struct rop_situation *now, struct rop_batch *batch, struct rop_step *step);
/* Such a step failed as often as it may be tried. */
bool policy_gave_up(const struct rop_situation *now, const struct rop_step *step);

#endif
