#!/bin/bash
# data_attach.sh - nothing is done towards a primary that is silent: not by apply, not by the daemon, not for a pin
# timeout: 180
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/bare.yaml
QUICKLY='intervals: { observe: 200ms, connectTimeout: 500ms, commandTimeout: 500ms }'

# ---------------------------------------------------------------- a shard without a replica, its primary down

# Shard 1 has two replicas then, shard 2 none: the surplus one is what the program wants to give to shard 2.
OWNER=
bare_shard() {
	fresh 6 'appendonly yes' && TOPOLOGY_NAME=bare topology "$F" 3 1 "$QUICKLY" || return
	expect 0 apply --yes "$F" && load 300 || return
	rcli 4 CLUSTER REPLICATE "$(rcli 0 CLUSTER MYID)" >/dev/null
	wait_until 10 'agreed && replicas_up && [ "$(rcli 0 INFO replication | grep -c "^slave[0-9].*online")" = 2 ]' || return
	OWNER=$(rcli 1 CLUSTER MYID)
	changes_begin
	node_kill9 1
}
not_attached() { # nobody was told to follow anybody, and nobody has taken the slots
	local owner
	owner=$(rcli 0 CLUSTER NODES | awk '/ 5461-10922/ { print $1 }')
	[ "$owner" = "$OWNER" ] || { echo "slots 5461-10922 are of '$owner', not $OWNER"; return 1; }
	! changes_list | grep -F 'cluster|replicate'
}
comes_back() { # the primary, with its AOF: it has its slots, and is followed at last
	node_start 1 && wait_until 20 'agreed && replicas_up' && kept 300
}
both_followed() { [ "$(rcli 1 INFO replication | grep -c '^slave[0-9].*online')" = 1 ]; }

check 'shard 2 has a primary with 100 keys and no replica; it goes down' bare_shard
check 'apply: says what is missing' eval \
	'told "4|6" apply --yes --timeout 4s "$F" && tells "$(address 1) does not answer"'
check '... nothing is attached to it, and the servers promote nothing' stays 3 not_attached
check '... it comes back: 300 of 300 keys' comes_back
check '... then it gets its replica' eval \
	'told 0 apply --yes "$F" && wait_until 5 "agreed && replicas_up" && both_followed && kept 300'

check 'once more' bare_shard
cp "$F" "$CLUSTERS/bare.yaml"
daemon_start
check 'the daemon looks at it' eval 'passes 3 || { cat "$SAID"; false; }'
check '... nothing is attached to it, and the servers promote nothing' eval \
	'stays 6 not_attached || { tail -20 "$SAID"; false; }'
check '... it comes back: 300 of 300 keys' comes_back
check '... then it gets its replica' eval 'wait_until 20 both_followed && kept 300'
check '... and the daemon ends' daemon_stop
rm "$CLUSTERS/bare.yaml"

# ---------------------------------------------------------------- pins swapped

FLEET_TIMEOUT=4000
pinned() { # pinned FILE SHARD SHARD [YAML] - of the replicas of the first two shards
	local i=0 shard nodes=
	for shard in 1 2 3 "$2" "$3" 3; do
		nodes+="{ address: $(address $i), shard: $shard }"$'\n'
		i=$((i + 1))
	done
	TOPOLOGY_NODES=${nodes%$'\n'} TOPOLOGY_NAME=pin topology "$1" 3 1 "$QUICKLY" ${4:+"$4"}
}
pinned_fleet() {
	fresh 6 && pinned "$LIVE_DIR/a.yaml" 1 2 && pinned "$LIVE_DIR/b.yaml" 2 1 && expect 0 apply --yes "$LIVE_DIR/a.yaml" &&
		load 300 && wait_until 10 '[ "$(rcli 3 DBSIZE)" = "$(rcli 0 DBSIZE)" ]' && changes_begin
}
took_over() { rcli 1 CLUSTER NODES | grep -F "$(address 3)@" | grep -q ' master .* 0-5460'; }
no_failover_is() { each '[ "$(rcli $i CONFIG GET cluster-replica-no-failover | tail -1)" = '"$1"' ]' 0 1 2 3 4 5; }

check 'six pinned nodes' pinned_fleet
check 'pins swapped while all is well: each is the last copy in sync of its shard, and stays' eval \
	'told "4|6" apply --yes --timeout 2s "$LIVE_DIR/b.yaml" && tells keepCopies && follows 3 0 && follows 4 1'
check '... unless a shard may be without for a while: the replicas move' eval \
	'pinned "$LIVE_DIR/b.yaml" 2 1 "disruption: { keepCopies: 0 }" && told 0 apply --yes "$LIVE_DIR/b.yaml" && wait_until 10 "agreed && replicas_up"'
check '... to each other'\''s shard' eval 'follows 3 1 && follows 4 0'
check '... each with cluster-replica-no-failover for the time of it' eval \
	'changes_list | grep -q "^3 config|set" && no_failover_is no'
check '... 300 of 300 keys' kept 300

for way in kill9 freeze; do
	check "six pinned nodes again ($way)" pinned_fleet
	node_$way 0
	check "pins swapped while shard 1's primary is silent ($way): apply does not do it" eval \
		'told "4|6" apply --yes --timeout 2s "$LIVE_DIR/b.yaml" && tells "$(address 0)"'
	check '... no replica was moved' eval 'follows 3 0 && follows 4 1'
	check '... the last living copy of shard 1 takes over' wait_until 15 took_over
	check '... 300 of 300 keys' kept 300 1 2 3 4 5
	[ $way = freeze ] && node_thaw 0
done
