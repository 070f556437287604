#!/bin/bash
# data_move.sh - a primary that dies while a replica is given to it: between look and send, and right after REPLICATE
# timeout: 120
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/bare.yaml
QUICKLY='intervals: { observe: 200ms, connectTimeout: 500ms, commandTimeout: 500ms }'

# Shard 1 has two replicas then, shard 2 none: the surplus one, node 4, is what the program gives to shard 2's primary.
bare_shard() {
	fresh 6 'appendonly yes' && TOPOLOGY_NAME=bare topology "$F" 3 1 "$QUICKLY" && expect 0 apply --yes "$F" && load 300 || return
	rcli 4 CLUSTER REPLICATE "$(rcli 0 CLUSTER MYID)" >/dev/null
	wait_until 10 'agreed && replicas_up && [ "$(rcli 0 INFO replication | grep -c "^slave[0-9].*online")" = 2 ]'
}
not_promoted() { # nobody has taken the slots of shard 2
	local owner
	owner=$(rcli 0 CLUSTER NODES | awk '/ 5461-10922/ { print $2 }')
	[[ $owner == "$(address 1)"@* ]] || { echo "slots 5461-10922 are of '$owner'"; return 1; }
}
comes_back() { # with its AOF: it has its slots and its keys
	node_start 1 && wait_until 20 'agreed && replicas_up' && kept 300
}

# ---------------------------------------------------------------- between look and send

decided_then_dead() { # apply stands still when it has decided; the primary goes; the look is old when apply goes on
	begin_apply --timeout 4s "$F" && upon Replicate || return
	node_kill9 1
	nap 4
	changes_begin
	kill -CONT "$OP_PID"
	end_apply
	[ $? = 6 ] || { cat "$OUT" "$ERR"; return 1; }
}
nothing_was_sent() { ! changes_list | grep -E 'cluster\|replicate|config\|set'; }

check 'shard 2 has a primary with 100 keys and no replica' bare_shard
check 'it dies when apply has decided to attach one, and before that is sent' decided_then_dead
check '... nothing is sent that rests on what is not so any more' nothing_was_sent
check '... nobody is promoted' stays 5 not_promoted
check '... it comes back: 300 of 300 keys' comes_back
check '... then it gets its replica' eval 'told 0 apply --yes "$F" && wait_until 5 "agreed && replicas_up" && follows 4 1 && kept 300'

# ---------------------------------------------------------------- right after REPLICATE

attached_then_dead() { # nothing of shard 2's data has reached node 4 yet: repl-diskless-sync-delay holds it up
	rcli 1 CONFIG SET repl-diskless-sync-delay 5 >/dev/null
	begin_apply --timeout 4s "$F"
	wait_until 5 '[ "$(rcli 4 INFO replication | tr -d "\r" | sed -n s/^master_port://p)" = "$(port 1)" ]' || return
	node_kill9 1
	end_apply
	return 0
}

check 'once more' bare_shard
check 'it dies right after a replica was told to follow it' attached_then_dead
check '... that replica stands for no election' eval '[ "$(rcli 4 CONFIG GET cluster-replica-no-failover | tail -1)" = yes ]'
check '... and is not promoted with another shard'\''s data' stays 8 not_promoted
check '... it comes back: 300 of 300 keys' comes_back
check '... and the setting goes back once it is in sync' eval 'told 0 apply --yes "$F" && wait_until 5 "agreed && replicas_up" && follows 4 1 &&
	kept 300 && [ "$(rcli 4 CONFIG GET cluster-replica-no-failover | tail -1)" = no ]'
