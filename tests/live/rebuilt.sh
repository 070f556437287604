#!/bin/bash
# rebuilt.sh - a member that came back without its nodes.conf: said so, with commands that take it in again, and nothing is lost
# timeout: 120
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=2000

load() { seq 300 | sed 's/.*/SET k& v&/' | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/load"; [ "$(grep -c OK "$LIVE_DIR/load")" = 300 ]; }
keys() { for i in "$@"; do rcli "$i" --scan; done | sort -u | wc -l; }
role() { rcli "$1" ROLE | head -1; }
as_told() { # what apply advises, given to the nodes
	grep -o 'redis-cli -h [^;]* cluster forget [0-9a-f]*' "$ERR" | sed "s|^redis-cli|$REDIS_CLI|" >"$LIVE_DIR/told"
	[ "$(wc -l <"$LIVE_DIR/told")" = 5 ] && bash "$LIVE_DIR/told" >"$LIVE_DIR/forgot" && [ "$(grep -c OK "$LIVE_DIR/forgot")" = 5 ]
}

check 'six servers, a cluster with 300 keys' eval 'fleet_up 6 && topology "$F" 3 1 && expect 0 apply --yes "$F" && agreed && replicas_up && load'
old=$(rcli 0 CLUSTER MYID)
check 'a primary ends, its replica takes over' eval 'node_kill9 0 && wait_until 15 "[ \"\$(role 3)\" = master ]"'
rm -f "$LIVE_DIR/0/nodes.conf"
check 'it comes back without its nodes.conf' node_start 0
changes_begin
check '... plan says who it was and who it is, and what is done' eval \
	'wait_until 10 "op plan \"$F\" 2>&1 | grep -q \"was node $old when it was seen last\"" && expect 0 plan "$F" && has "$ERR" "answers as $(rcli 0 CLUSTER MYID)" && has "$OUT" "introduce 1 node" && has "$OUT" "replica of shard 1" && has "$OUT" "forget $(address 0) (formerly ${old:0:8})"'
check '... status has no contradiction' eval 'expect 0 status "$F" && has "$OUT" "SlotsCovered   True" && has "$OUT" "(formerly ${old:0:8}) is nobody any more, and is listed by others still"'
check '... and nothing was changed by that' no_changes
check '... apply takes it in as a replica, and has the others forget who it was' eval 'expect 0 apply --yes --timeout 40s "$F" && has "$OUT" "forget $(address 0) (formerly ${old:0:8})" && agreed && replicas_up && [ "$(role 0)" = slave ]'
check '... nobody lists it any more' eval 'each "[ \"\$(rcli \$i CLUSTER NODES | grep -c $old)\" = 0 ]" 0 1 2 3 4 5'
check '... which is watched, by the next process too' eval 'expect 0 status "$F" && has "$OUT" "(formerly ${old:0:8}) has left"'
check '... and every key is there' eval '[ "$(keys 0 1 2 3 4 5)" = 300 ]'
check '... nothing is left to do' expect 0 plan --detailed-exitcode "$F"

# ---------------------------------------------------------------- with the copy that it had

old=$(rcli 1 CLUSTER MYID)
check 'a primary saves its keys and ends, its replica takes over' eval '[ "$(rcli 1 SAVE)" = OK ] && node_kill9 1 && wait_until 15 "[ \"\$(role 4)\" = master ]"'
rm -f "$LIVE_DIR/1/nodes.conf"
check 'it comes back without its nodes.conf and with its keys' eval 'node_start 1 && [ "$(rcli 1 DBSIZE)" -gt 0 ]'
check '... it is called rebuilt, and nothing else' eval \
	'wait_until 10 "op plan \"$F\" 2>&1 | grep -q \"was node $old when it was seen last\"" && expect 4 plan "$F" && [ "$(grep -c "^redis-operator: " "$ERR")" = 1 ] && has "$ERR" "any of the $(rcli 1 DBSIZE) keys that it kept"'
check '... status: every slot has an owner, some have two' eval 'expect 0 status "$F" && has "$OUT" "ClaimedTwice" && has "$OUT" "claimed by two: $(address 1) and $(address 4)" && lacks "$OUT" "slots are owned"'
check '... and with which word it is emptied, which does nothing by itself' eval 'expect 4 plan "$F" && has "$ERR" "have it emptied and taken in again" && CONSENT=$(grep -oE -e "--allow-data-loss=cart@[0-9a-f]+" "$ERR" | head -1) && [ "$CONSENT" ] && kept=$(rcli 1 DBSIZE) && expect 4 apply --yes "$F" && [ "$(rcli 1 DBSIZE)" = "$kept" ]'
check '... plan with it: what is emptied, and what that may cost' eval 'expect 0 plan "$CONSENT" "$F" && has "$OUT" "is emptied: $kept keys that it kept" && has "$OUT" "DATA IS LOST" && lacks "$OUT" "It will not be converged"'
check '... apply with it takes it in again' eval 'expect 0 apply --yes --timeout 40s "$CONSENT" "$F" && agreed && replicas_up && [ "$(role 1)" = slave ]'
check '... and every key is there' eval '[ "$(keys 0 1 2 3 4 5)" = 300 ]'

# ---------------------------------------------------------------- a peer that nobody declared, gone for good

fleet_up 1
check 'somebody adds a seventh server, by hand' eval 'rcli 0 CLUSTER MEET 127.0.0.1 "$(port 6)" >/dev/null && wait_until 10 "[ \"\$(rcli 5 CLUSTER NODES | grep -c $(rcli 6 CLUSTER MYID))\" = 1 ]"'
stranger=$(rcli 6 CLUSTER MYID)
check '... while it is alive nobody is told to forget it' eval 'expect 4 plan "$F" && has "$ERR" "$stranger" && has "$ERR" "add it to spec.nodes" && lacks "$ERR" "cluster forget"'
node_kill9 6
check '... when it is gone, how to let it go' eval 'wait_until 15 "op plan \"$F\" 2>&1 | grep -q \"cluster forget $stranger., on every node\""'
check '... done as told, nothing is left to do' eval 'each "[ \"\$(rcli \$i CLUSTER FORGET $stranger)\" = OK ]" 0 1 2 3 4 5 && expect 0 plan --detailed-exitcode "$F" && [ "$(keys 0 1 2 3 4 5)" = 300 ]'

# ---------------------------------------------------------------- before anybody could take over

check 'a primary is rebuilt, empty, before the others call it failed' eval 'node_kill9 2 && node_wipe 2 && node_start 2'
wait_until 20 '[ "$(role 5)" = master ] || each "rcli \$i CLUSTER NODES | grep -q \"master,.*noaddr\"" 0 1 3 4' >/dev/null
check '... who followed it leads the shard: elected by the servers, or made to by apply after their time' eval \
	'op apply --yes --timeout 40s "$F" >"$OUT" 2>"$ERR"; [ "$(role 5)" = master ] && each "rcli \$i CLUSTER INFO | grep -q cluster_state:ok" 0 1 3 4 5'
check '... what was wiped is said; given up, all is as declared' eval \
	'yes=$(grep -o "allow-data-loss=cart@[0-9a-f]*" "$ERR" | head -1); expect 0 apply --yes ${yes:+"--$yes"} --timeout 40s "$F" && agreed 0 1 2 3 4 5 && replicas_up && [ "$(role 2)" = slave ]'
