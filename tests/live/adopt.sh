#!/bin/bash
# adopt.sh - a cluster that exists already is described by a file: nothing is changed but what the file says otherwise
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

unchanged() { # plan, apply and the servers say that there is nothing to do
	changes_begin
	expect 0 plan --detailed-exitcode "$F" || return
	has "$OUT" 'No changes. The cluster matches its topology.' || return
	expect 0 apply "$F" && silent && no_changes
}
keys() { # how many keys all primaries hold
	local i sum=0
	for i in $(nodes_running); do
		[[ $(rcli "$i" ROLE | head -1) == master ]] && sum=$((sum + $(rcli "$i" DBSIZE)))
	done
	echo "$sum"
}
role() { rcli "$1" ROLE | head -1; }
meet_again() { wait_until 20 "agreed && replicas_up"; }

# ---------------------------------------------------------------- made by redis-cli, with keys

check 'seven servers' fleet_up 7 'repl-diskless-sync-delay 0'
"$REDIS_CLI" --cluster create $(addresses | head -6) --cluster-replicas 1 --cluster-yes >"$LIVE_DIR/create" 2>&1
check 'redis-cli makes a cluster of six' wait_until 20 'agreed 0 1 2 3 4 5 && replicas_up 0 1 2 3 4 5'
for i in {1..300}; do echo "SET key$i value$i"; done | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/set"
check 'with 300 keys' test "$(keys)" = 300
before=$(view 0)
TOPOLOGY_NODES='0 1 2 3 4 5'
topology "$F" 3 1
check 'described by a file: no changes' unchanged
check 'the plan says that it adopts' eval 'expect 0 plan -o json "$F" && json ".case == \"adopt\" and .changes == []"'
TOPOLOGY_NODES='5 4 3 2 1 0'
topology "$F" 3 1
check 'the order in the file does not matter' unchanged
TOPOLOGY_NODES='0 1 2 3 4 5'
topology "$F" 3 1 'settings: { maxmemory-policy: volatile-ttl }'
check 'only declared settings are changed' eval 'expect 0 plan -o json "$F" && json "[.changes[].command] | unique == [\"CONFIG REWRITE\", \"CONFIG SET maxmemory-policy volatile-ttl\"]"'
changes_begin
check '... by apply too' eval 'expect 0 apply --yes "$F" && [ "$(changes_list | awk "{ print \$2 }" | sort -u | xargs)" = "config|rewrite config|set" ]'
check '... and no timeout was ever lowered' eval '! rcli 0 SLOWLOG GET -1 | xargs -d "\n" | grep -q "cluster-node-timeout [5-9][0-9][0-9] "'
topology "$F" 3 1
check 'then no changes' unchanged
check 'not a key was touched' eval '[ "$(keys)" = 300 ] && [ "$(view 0)" = "$before" ]'

# ---------------------------------------------------------------- after a fail-over

replica=$(for i in 3 4 5; do rcli $i INFO replication | grep -q "master_port:$(port 0)" && echo $i; done)
check 'a fail-over by hand' eval '[ "$(rcli "$replica" CLUSTER FAILOVER)" = OK ] && wait_until 10 "[ \$(role $replica) = master ] && [ \$(role 0) = slave ]" && wait_until 20 "agreed 0 1 2 3 4 5 && replicas_up 0 1 2 3 4 5"'
check 'roles swapped: still no changes' unchanged
check 'status numbers the shards by their slots' eval 'expect 0 status -o json "$F" && json "[.nodes[] | select(.role == \"primary\")] | length == 3 and all(.[]; (.shard == 1 and .slots == \"0-5460\") or (.shard == 2 and .slots == \"5461-10922\") or (.shard == 3 and .slots == \"10923-16383\"))"'

# ---------------------------------------------------------------- a node more, a node emptied

TOPOLOGY_NODES='0 1 2 3 4 5 6'
topology "$F" 3 1
before=$(keys)
changes_begin
check 'an empty node more: joined, and made a replica' eval 'expect 2 plan --detailed-exitcode "$F" && has "$OUT" "+ $(address 6)" && has "$OUT" "1 node to introduce, 0 slots to assign, 1 replica to attach" && lacks "$OUT" "cluster-node-timeout"'
check '... by apply' eval 'expect 0 apply --yes "$F" && agreed && replicas_up && [ "$(role 6)" = slave ]'
check '... which sent introductions, and told the newcomer whom to follow, and not to stand for election meanwhile' eval \
	'[ "$(changes_list | awk "\$2 != \"cluster|meet\"" | xargs)" = "6 cluster|replicate 1 6 config|set 2" ] && [ "$(rcli 6 CONFIG GET cluster-replica-no-failover | tail -1)" = no ]'
check 'the keys are there' test "$(keys)" = "$before"
gone=$(rcli 6 CLUSTER MYID)
rcli 6 CLUSTER RESET HARD >/dev/null
for i in 0 1 2 3 4 5; do rcli $i CLUSTER FORGET "$gone" >/dev/null; done
check 'a replica was reset by hand, and forgotten' wait_until 10 'agreed 0 1 2 3 4 5 && [ "$(rcli 0 CLUSTER NODES | wc -l)" = 6 ]'
check 'still declared: it is joined again' eval 'expect 2 plan --detailed-exitcode "$F" && expect 0 apply --yes "$F" && agreed && replicas_up && [ "$(role 6)" = slave ]'
check 'the keys are there' test "$(keys)" = "$before"
check 'then no changes' unchanged

# ---------------------------------------------------------------- uneven slots, wrong shapes

from=$(rcli 1 CLUSTER MYID)
to=$(rcli 2 CLUSTER MYID)
"$REDIS_CLI" --cluster reshard "$(address 1)" --cluster-from "$from" --cluster-to "$to" --cluster-slots 500 --cluster-yes >"$LIVE_DIR/reshard" 2>&1
check 'redis-cli moves 500 slots' eval 'meet_again && [ "$(rcli 2 CLUSTER NODES | grep myself | cut -d" " -f9-)" != "10923-16383" ]'
check 'uneven slots are nobody'\''s error: no changes' unchanged
check 'the keys are there' test "$(keys)" = "$before"
topology "$F" 2 2
changes_begin
check 'fewer shards declared: plan moves their slots' eval 'expect 0 plan "$F" && has "$OUT" "shard 3 -> shard 1" && has "$OUT" "shard 3 -> shard 2"'
topology "$F" 7 0
check 'more shards declared: 4, and why' eval 'expect 4 plan "$F" && has "$ERR" "the slots are owned by 3 nodes, but the file declares 7 shards, and no empty node that answers can lead another one" && expect 4 apply --yes "$F"'
check '... nothing was sent' no_changes

# An open slot: somebody's migration under way is finished by that somebody.
topology "$F" 3 1
rcli 1 CLUSTER SETSLOT 6500 MIGRATING "$to" >/dev/null
changes_begin
check 'an open slot is told of, not touched' eval 'expect 6 apply --yes --timeout 1s "$F"; has "$ERR" "somebody began to move it" && no_changes'
rcli 1 CLUSTER SETSLOT 6500 STABLE >/dev/null
check 'then no changes' unchanged
