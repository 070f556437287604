#!/bin/bash
# leave.sh - nodes leave by deleting their lines: a replica, one that leads, a whole shard, one that is dead
# timeout: 400
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/data.sh"
CART=$LIVE_DIR/cart.yaml

# listed BY WHOM...: does node BY list these addresses?
lists() {
	local by=$1 i
	shift
	for i in "$@"; do
		rcli "$by" cluster nodes | grep -q " $(address "$i")@" || return 1
	done
}
nobody_lists() { # nobody_lists WHOM BY...
	local whom=$1 i
	shift
	for i in "$@"; do
		! lists "$i" "$whom" || { echo "node $i lists node $whom"; return 1; }
	done
}
alone() { # alone I: it knows nobody, and is empty
	[ "$(rcli "$1" cluster nodes | wc -l)" = 1 ] && [ "$(rcli "$1" dbsize)" = 0 ]
}
written() { # the rows of the database of nodes that leave
	sqlite3 "$STATE" "SELECT address FROM member WHERE forgotten_boot_ms > 0 ORDER BY address" | paste -sd' '
}

FLEET_TIMEOUT=2000
fleet_up 9 "$QUICK" || exit 1
TOPOLOGY_NODES='0 1 2 3 4 5 6 7 8' topology "$CART" 3 2
check 'formed: 3 shards, 2 replicas each' formed "$CART"
check 'keys are written' load 3000
check 'keys are there' kept 3000

TOPOLOGY_NODES='0 1 2 3 4 5' topology "$CART" 3 1
check 'three lines are deleted: the plan says who leaves' eval 'expect 2 plan --detailed-exitcode "$CART" &&
	has "$OUT" "leaves: a replica, reset" && has "$OUT" "6 nodes" && has "$OUT" "forget 127.0.0.1" &&
	has "$OUT" "3 nodes to leave"'
check 'and changes nothing' lists 0 6 7 8
check 'they leave' expect 0 apply --yes "$CART"
check 'nobody lists them' each 'nobody_lists $i 0 1 2 3 4 5' 6 7 8
check 'they are empty, and know nobody' each 'alone $i' 6 7 8
check 'no key is lost' kept 3000
check 'it is written since when nobody lists them' eval '[ "$(written)" = "$(address 6) $(address 7) $(address 8)" ] || { written; false; }'
check 'history says of each move whose it is' eval 'expect 0 history cart -n 1000 && has "$OUT" "Forget -> Watch  $(address 6): " && has "$OUT" "Forget -> Watch  $(address 8): "'
check 'nothing is left to be done' expect 0 plan --detailed-exitcode "$CART"
check 'status says that they have left' eval 'expect 0 status "$CART" && has "$OUT" "left"'

# ---------------------------------------------------------------- one that leads: its replica takes over

leader() { # leader I...: which of these leads a shard
	local i
	for i; do rcli "$i" cluster nodes | grep -q 'myself,master.*[0-9]-[0-9]' && echo "$i"; done
}
# Each shard has one more replica again, and then the primaries' own lines go.
check 'their lines are back: they are taken in anew' eval 'TOPOLOGY_NODES="0 1 2 3 4 5 6 7 8" topology "$CART" 3 2 && expect 0 apply --yes "$CART" && agreed && replicas_up'
check 'and are written as members again, under the ids that they have now' eval '[ "$(sqlite3 "$STATE" "SELECT count(DISTINCT address) FROM member WHERE forgotten_boot_ms = 0")" = 9 ]'
TOPOLOGY_NODES='1 2 3 4 5 6 7 8' topology "$CART" 3 1
check 'a primary is deleted: its replica is to take over' eval 'expect 2 plan --detailed-exitcode "$CART" && has "$OUT" "takes shard 1 over" && has "$OUT" "1 fail-over"'
check 'it takes over, and the primary leaves' expect 0 apply --yes "$CART"
check '... nobody lists it' nobody_lists 0 1 2 3 4 5 6 7 8
check '... it is empty, and knows nobody' alone 0
check '... three lead, none of them is it' eval '[ "$(leader 1 2 3 4 5 6 7 8 | wc -l)" = 3 ]'
LOAD_BY=1
check '... no key is lost' kept 3000
check '... all agree' agreed 1 2 3 4 5 6 7 8

# ---------------------------------------------------------------- one that is dead, and comes back

D=$(for i in 3 4 5 6 7 8; do leader "$i" | grep -q . || { echo "$i"; break; }; done)
node_stop "$D"
STAY=$(for i in 1 2 3 4 5 6 7 8; do [ "$i" = "$D" ] || echo "$i"; done | xargs)
TOPOLOGY_NODES=$STAY topology "$CART" 3 1
check 'a replica that is dead leaves: it is forgotten' expect 0 apply --yes "$CART"
# shellcheck disable=SC2086
check '... by all' nobody_lists "$D" $STAY
node_start "$D"
check '... back with its old nodes.conf, it is reset and forgotten again' wait_until 20 "expect 0 apply --yes '$CART' && alone $D && nobody_lists $D $STAY"
check '... nothing is lost' kept 3000

# ---------------------------------------------------------------- a whole shard, with its slots

fresh 8
topology "$CART" 4 1
check 'four shards' expect 0 apply --yes "$CART"
check 'keys in all of them' load 3000
LOAD_BY=0
# The second shard goes, though its number is not the last one.
P=$(rcli 1 cluster myid)
R=$(for i in 4 5 6 7; do rcli "$i" cluster nodes | grep myself | grep -q "$P" && echo "$i"; done)
STAY=$(for i in 0 1 2 3 4 5 6 7; do [ "$i" = 1 ] || [ "$i" = "$R" ] || echo "$i"; done | xargs)
TOPOLOGY_NODES=$STAY topology "$CART" 3 1
check 'a shard is deleted: its slots go first, then it leaves' eval 'expect 2 plan --detailed-exitcode "$CART" && has "$OUT" "4096 slots to move" && has "$OUT" "2 nodes to leave" && has "$OUT" "0 fail-overs"'
steps() { grep -o '[0-9]* steps' "$1"; }
check '... the plan is saved, and read back with one number of steps' eval 'expect 0 plan --out "$LIVE_DIR/plan" "$CART" && N=$(steps "$ERR") && expect 0 show "$LIVE_DIR/plan" && [ "$(steps "$OUT")" = "$N" ] && expect 0 plan -o json "$CART" && json ".summary.steps == ${N% *}"'
check '... apply does it, in so many' eval 'expect 0 apply "$LIVE_DIR/plan"; [ "$(cat "$OUT" "$ERR" | grep -o "[0-9]* steps")" = "$N" ]'
# shellcheck disable=SC2086
check '... nobody lists the two' eval 'nobody_lists 1 $STAY && nobody_lists "$R" $STAY'
check '... they are empty, and know nobody' eval 'alone 1 && alone "$R"'
check '... no key is lost' kept 3000
# shellcheck disable=SC2086
check '... all agree' agreed $STAY

# ---------------------------------------------------------------- replaced: a new node in the place of an old primary

check 'one of the two is the new node' eval 'set -- $STAY; OLD=$1; TOPOLOGY_NODES="1 ${STAY#* }" topology "$CART" 3 1; expect 2 plan --detailed-exitcode "$CART" && has "$OUT" "replica of shard" && has "$OUT" "1 fail-over"'
check '... it is brought in sync, and takes over or lets the other replica do so' expect 0 apply --yes "$CART"
check '... the old one is gone' eval 'alone 0 && nobody_lists 0 1 ${STAY#* }'
LOAD_BY=1
check '... no key is lost' kept 3000

# ---------------------------------------------------------------- a file that grew goes back, in mid-way

fresh 8
MEMBERS='0 1 2 3 4 5'
TOPOLOGY_NODES=$MEMBERS topology "$CART" 3 1
check 'three shards' expect 0 apply --yes "$CART"
check 'keys in all of them' load 3000
TOPOLOGY_NODES="$MEMBERS 6 7" topology "$CART" 4 1
op_start apply --yes "$CART"
check 'a shard more: slots are on their way to it' wait_until 30 \
	'rcli 6 cluster nodes | grep myself | grep -q "connected [0-9]" || rcli 7 cluster nodes | grep myself | grep -q "connected [0-9]"'
kill -TERM "$OP_PID"
op_wait
TOPOLOGY_NODES=$MEMBERS topology "$CART" 3 1
check '... the file is put back: what was taken in meanwhile leaves, and is no stranger' eval \
	'expect 2 plan --detailed-exitcode "$CART" && has "$OUT" "2 nodes to leave"'
check '... apply does it' expect 0 apply --yes "$CART"
check '... no key is lost' kept 3000
