#!/bin/bash
# daemon_beside.sh - the daemon beside apply, pause and a hung cluster; killed and told to end while it forms
# timeout: 240
# shellcheck disable=SC2034,SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$(dirname "$0")/../lib/daemon.sh"
CART=$CLUSTERS/cart.yaml

fleet_up 9 || exit 1
TOPOLOGY_NODES='0 1 2 3 4 5' topology "$CART" 3 1 "$MANAGED"
lowered() { # how many of the nodes have a lowered timeout
	local i n=0
	for i in 0 1 2 3 4 5; do [ "$(rcli $i CONFIG GET cluster-node-timeout | tail -1)" = "$FLEET_TIMEOUT" ] || n=$((n + 1)); done
	echo $n
}
ready() { expect 0 status -o json cart >/dev/null && json '.converged and (.expectations | length == 0)' >/dev/null; }

# ---------------------------------------------------------------- told to end, and killed, while it forms

daemon_start
check 'it has begun: settings are lowered' wait_until 10 '[ "$(lowered)" -gt 0 ]'
check 'told to end in the middle: code 0' daemon_stop
check 'temporary settings are put back' test "$(lowered)" = 0
check 'and none is left in the journal' test "$(sqlite3 "$STATE" 'SELECT count(*) FROM temporary_setting')" = 0
for state in Configure AssignSlots; do
	daemon_start
	wait_until 20 "says 'to=$state'" >/dev/null
	kill -KILL "$DAEMON_PID"
	daemon_wait
	check "killed after $state" test $? = 137
	: >"$SAID"
done
daemon_start -vv
check 'the next one finishes' wait_until 30 'agreed 0 1 2 3 4 5'
check 'settings are as they were' wait_until 10 '[ "$(lowered)" = 0 ]'
check 'status says converged' wait_until 10 ready

# ---------------------------------------------------------------- apply beside it

check 'between episodes the lock is free: apply has nothing to do' eval 'expect 0 apply --yes "$CART" && silent'
changes_begin
check 'a hundred reads beside it' eval 'for i in $(seq 20); do expect 0 status cart && expect 0 history cart && expect 0 explain cart && expect 0 plan "$CART" && expect 0 check "$CART" || exit 1; done'
check 'change nothing' test "$(changes_count)" = 0

# An apply that waits holds the lock: its topology has a node more, which does not answer.
exec {LOCK}>"$LIVE_DIR/cart.lock"
flock "$LOCK"
printf '%d apply %d\n' $$ "$(date +%s)" >"$LIVE_DIR/cart.lock"
before=$(sqlite3 "$STATE" 'SELECT max(id) FROM pass')
spoil 0
check 'while somebody else is changing it, it only looks, and says who' wait_until 10 'says "another process is changing this cluster: only looking" && says "pid $$ (apply"'
check 'nothing is mended meanwhile' spoiled 0
check 'nor written' test "$(sqlite3 "$STATE" 'SELECT max(id) FROM pass')" = "$before"
flock -u "$LOCK"
check 'then it goes on' eval 'wait_until 10 "mended 0" && says "nobody else is changing this cluster any more"'
wait_until 10 ready >/dev/null

# What another process has written meanwhile is known before anything is decided: the daemon begins anew.
rounds=0
for i in 1 2 3 4 5 6; do
	spoil $((i - 1))
	op apply --yes "$CART" >"$LIVE_DIR/apply.out" 2>&1
	case $? in
	0 | 5) rounds=$((rounds + 1)) ;;
	*) cat "$LIVE_DIR/apply.out" ;;
	esac
	wait_until 10 "mended $((i - 1))" || break
done
check 'apply and daemon race for the same repair: one of them does it' test $rounds = 6
# Held up at rest: in the middle of an episode it would keep the lock.
wait_until 10 ready >/dev/null
wait_until 10 'flock -n "$LIVE_DIR/cart.lock" true' >/dev/null
kill -STOP "$DAEMON_PID"
spoil 0
check 'an apply while the daemon is held up' expect 0 apply --yes "$CART"
spoil 0
kill -CONT "$DAEMON_PID"
check 'the daemon notices that another process was at work, and decides anew' eval 'wait_until 10 "mended 0" && says "another process has changed it meanwhile"'
check 'no subject was claimed twice' test "$(sqlite3 -readonly -cmd '.timeout 5000' "$STATE" "SELECT count(*) FROM expectation WHERE kind = 'set-setting' AND status NOT IN ('met', 'superseded')")" = 0
wait_until 10 ready >/dev/null

# ---------------------------------------------------------------- pause

check 'pause' expect 0 pause cart
spoil 3
wait_until 10 'says "to=Paused"' >/dev/null
check 'the daemon knows within a moment' says 'to=Paused'
changes_begin
nodes_calls() { rcli 0 INFO commandstats | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\).*/\1/p'; }
seen=$(nodes_calls)
check 'it goes on looking' wait_until 20 '[ "$(nodes_calls)" -ge '$((seen + 5))' ]'
check 'and changes nothing' eval 'spoiled 3 && [ "$(changes_count)" = 0 ]'
check 'resume' expect 0 resume cart
check 'it mends what waited' wait_until 10 'mended 3'
check 'pause for a time' eval 'wait_until 10 ready && expect 0 pause cart --for 2s'
began=${EPOCHREALTIME/./}
spoil 4
check 'ends by itself' wait_until 15 'mended 4'
check 'not before its time' test $((${EPOCHREALTIME/./} - began)) -gt 1500000

# ---------------------------------------------------------------- a cluster that hangs delays no other

TOPOLOGY_NAME=slow TOPOLOGY_NODES='6 7 8' topology "$CLUSTERS/slow.yaml" 3 0 "$MANAGED"
check 'another cluster' wait_until 20 'agreed 6 7 8'
for i in 6 7 8; do node_freeze $i; done
worst=0
for i in 0 1 2 3 4 5; do
	began=${EPOCHREALTIME/./}
	spoil $i
	wait_until 10 "mended $i" || break
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	[ $took -gt $worst ] && worst=$took
done
check "all its nodes hang, the other is mended as fast as before (at worst $worst ms)" test $worst -lt 2000
for i in 6 7 8; do node_thaw $i; done
check 'it is cared for again' eval 'wait_until 30 "agreed 6 7 8" && spoil 7 && wait_until 20 "mended 7"'
for i in 6 7 8; do node_kill9 $i; done
check 'all its nodes dead: the other is mended' eval 'spoil 2; wait_until 5 "mended 2"'
printf 'apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: lost }\nspec:\n  shards: 1\n  replicasPerShard: 0\n  nodes: [ { address: "no-such-name.invalid:7000" } ]\n' >"$CLUSTERS/lost.yaml"
check 'a name that does not resolve is said' wait_until 30 'says "no-such-name.invalid"'
check 'and delays nobody' eval 'spoil 2; wait_until 5 "mended 2"'
check 'ends with code 0 whatever hangs' daemon_stop
