#!/bin/bash
# takeover.sh - most primaries are lost: replicas take over without a vote, one after the other, with consent and not without
# timeout: 90
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml

replica_of() { # replica_of I: the node that follows node I
	local i
	for i in $(nodes_running); do rcli "$i" CLUSTER NODES | grep myself | grep -q "slave $(rcli "$1" CLUSTER MYID)" && echo "$i"; done
}
digest() { sed -n 's/^Its digest: \(cart@[0-9a-f]*\)$/\1/p' "$OUT"; }
taken() { # taken I: how often CLUSTER FAILOVER was sent to it
	rcli "$1" INFO commandstats | tr -d '\r' | sed -n 's/^cmdstat_cluster|failover:calls=\([0-9]*\),.*/\1/p' | grep . || echo 0
}

FLEET_TIMEOUT=2500
check 'eight servers' fleet_up 8 'repl-diskless-sync-delay 0' 'cluster-replica-validity-factor 0'
topology "$F" 4 1
check 'formed' eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
check '(with keys)' load 400
R=([0]=$(replica_of 0) [1]=$(replica_of 1) [2]=$(replica_of 2) [3]=$(replica_of 3))
check '(that is remembered)' eval 'expect 0 apply --yes "$F"'

# ---------------------------------------------------------------- refused

changes_begin
check 'where the primary answers it is refused: failover is for that' eval 'expect 4 takeover "$F" 2 && has "$ERR" "$(address 1) answers, and leads it" && has "$ERR" "redis-operator failover"'
check '... where it leads already there is nothing to do' eval 'expect 0 takeover "$F" "$(address 1)" && has "$ERR" "leads shard 2 already"'
all_nodes() { local i; for i in 0 1 2 3 4 5 6 7; do "$1" "$i" "${@:2}" >/dev/null; done; }
all_nodes rcli CONFIG SET cluster-node-timeout 15000
for i in 0 1 2; do node_freeze $i; done
check 'silent ones that others are in touch with may be alive' eval 'expect 4 takeover "$F" 2 && has "$ERR" "may be alive, though it does not answer here"'
for i in 0 1 2; do node_thaw $i; done
check '(all are well)' wait_until 20 'agreed && replicas_up'
check '... and nothing was changed' eval 'changes_list | grep -vi config; [ -z "$(changes_list | grep -vi config)" ]'
all_nodes rcli CONFIG SET cluster-node-timeout 2500

# ---------------------------------------------------------------- three of four are lost

node_kill9 0
node_kill9 1
node_kill9 2
lost() { op status "$F" | grep -q 'redis-operator takeover'; }
check 'three of four primaries die: status names the command' wait_until 15 lost
check '... failover says what stands in the way' eval 'expect 8 failover --plan "$F" 1 && has "$ERR" "bring the majority of the primaries back"'
silent_for() { expect 0 takeover --plan "$F" "$1" && has "$OUT" 'takes over'; }
check '--plan shows the price' eval 'wait_until 10 "silent_for 1" && has "$OUT" "without a vote" && grep -q "does not answer" "$OUT" &&
	tr "\n" " " <"$OUT" | grep -qE "has [0-9]+ keys, where $(address 0) had [0-9]+ when they were counted last" && tr "\n" " " <"$OUT" | grep -qE "two primaries take +writes" &&
	tr "\n" " " <"$OUT" | grep -qE "is [0-9]+ bytes? +behind"'
D=$(digest)
check '... for programs' eval 'expect 0 takeover --plan -o json "$F" 1 && json ".result == \"planned\" and .consent == \"$D\" and .risk.kind == \"loss\" and .to.address == \"$(address "${R[0]}")\""'
changes_begin
check 'without consent it is not done, and the command is named' eval 'expect 4 takeover "$F" 1 && has "$ERR" "takeover --allow-data-loss=$D"'
check '... nor with --yes, which it does not have' expect 3 takeover --yes "$F" 1
check '... nor with another digest' eval 'expect 4 takeover --allow-data-loss=cart@00000000 "$F" 1 && has "$ERR" "not what was consented to"'
check '... nor with that of another shard' eval 'wait_until 10 "silent_for 2" && expect 4 takeover --allow-data-loss="$D" "$F" 2 && has "$ERR" "not what was consented to"'
check '... nor by apply with that digest' eval 'expect 8 apply --yes --timeout 3s --allow-data-loss="$D" "$F"'
check '... and nothing was changed' no_changes
rm -rf "$LIVE_DIR/other.db"
check 'a database that never saw the cluster knows nobody' eval 'expect 4 takeover --state "$LIVE_DIR/other.db" --plan "$F" 1 && has "$ERR" "not one that this database knows"'

check 'the first takes over' eval 'expect 0 takeover --reason "rack 7 burnt down" --allow-data-loss="$D" "$F" 1 && has "$OUT" "$(address "${R[0]}") leads shard 1" && leads "${R[0]}"'
check '... two of four are no majority: so does the second' eval 'expect 0 takeover --plan cart "$(address "${R[1]}")" && expect 0 takeover --allow-data-loss="$(digest)" cart "$(address "${R[1]}")" && leads "${R[1]}"'
check '... three of four are one: the servers elect the third' wait_until 20 'leads "${R[2]}"'
check '... and takeover has nothing left to do, or says so' eval 'expect 0 takeover "$F" "$(address "${R[2]}")" && has "$ERR" "leads shard 3 already"'
check 'each was asked once, the third not at all' eval '[ "$(taken "${R[0]}")$(taken "${R[1]}")$(taken "${R[2]}")" = 110 ]'
check 'all slots are served' wait_until 20 'expect 0 status "$F" && has "$OUT" "SlotsCovered   True"'
check '... and every key is there' kept 400
check 'history says who consented, to what, and what for' eval 'expect 0 history cart && grep -qE "consent .*to $D: $(address "${R[0]}") leads shard 1 without a vote" "$OUT" && has "$OUT" "rack 7 burnt down"'
node_start 0
node_start 1
node_start 2
check 'the old ones come back as replicas, and all is as declared' eval 'wait_until 30 "agreed && replicas_up" && expect 0 apply --yes "$F" && agreed'
check '... with every key' kept 400
fleet_down
