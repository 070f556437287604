#!/bin/bash
# reader.sh - somebody reads the database for long (sqlite3 and a pager): nobody ends of it, nothing is sent unwritten
# timeout: 240
# shellcheck disable=SC2034,SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$(dirname "$0")/../lib/daemon.sh"
CART=$CLUSTERS/cart.yaml

READ='BEGIN; SELECT count(*) FROM pass;'
ask() { sqlite3 -cmd '.timeout 5000' "$STATE" "$1"; }
passes() { ask 'SELECT count(*) FROM pass'; }

fleet_up 6 || exit 1
TOPOLOGY_NODES='0 1 2' topology "$CART" 3 0 "$MANAGED"
TOPOLOGY_NAME=shop TOPOLOGY_NODES='3 4 5' topology "$CLUSTERS/shop.yaml" 3 0 "$MANAGED"

daemon_start
check 'both clusters are formed' wait_until 40 \
	'agreed 0 1 2 && agreed 3 4 5 && [ "$(grep -c "msg=converged" "$SAID")" -ge 2 ]'
wait_until 10 'flock -n "$LIVE_DIR/cart.lock" true && flock -n "$LIVE_DIR/shop.lock" true' >/dev/null

# ---------------------------------------------------------------- the daemon

db_keep "$STATE" "$READ"
before=$(passes)
changes_begin
spoil 0
spoil 4
check 'it says that it waits, and what to do' wait_until 10 'says "waiting for the database" && says "fuser $STATE"'
nap 7 # longer than anybody waits for a lock
check 'it lives' kill -0 "$DAEMON_PID"
check 'nothing was written' test "$(passes)" = "$before"
check 'nothing was sent (but what a person did)' eval \
	'changes_list; spoiled 0 && spoiled 4 && ! changes_list | grep -v " config|set 1$"'
check 'who only reads is let in meanwhile' eval 'expect 0 status cart && expect 0 status shop && expect 0 history cart'
check 'it was said once' test "$(grep -c 'waiting for the database' "$SAID")" = 1
db_leave "$STATE"
check 'free again: both are mended' wait_until 15 'mended 0 && mended 4'
check 'which is said, once' eval 'says "the database is free again" && [ "$(grep -c "free again" "$SAID")" = 1 ]'
check 'what waited too long was not sent on an old look' wait_until 10 \
	'ask "SELECT status FROM expectation WHERE note LIKE '"'%had grown old%'"'" | grep -q superseded'

# Whoever waited is behind nobody: files, new clusters and pauses come as before.
db_keep "$STATE" 'BEGIN EXCLUSIVE;'
printf 'spec: [\n' >"$CLUSTERS/wrong.yaml"
wait_until 10 '[ "$(grep -c "waiting for the database" "$SAID")" = 2 ]' >/dev/null
check 'somebody has it alone: it waits, too' eval 'says "wrong.yaml" && kill -0 "$DAEMON_PID"'
db_leave "$STATE"
check 'then the file with errors is noted' wait_until 10 'expect 0 status && has "$OUT" wrong.yaml'
rm "$CLUSTERS/wrong.yaml"
check 'a pause is heard of' eval 'expect 0 pause cart && wait_until 10 "says to=Paused" && expect 0 resume cart'
wait_until 10 'says "from=Paused"' >/dev/null

db_keep "$STATE" "$READ"
spoil 1
wait_until 10 '[ "$(grep -c "waiting for the database" "$SAID")" = 3 ]' >/dev/null
began=${EPOCHREALTIME/./}
check 'told to end while it waits: code 1, and it says why' eval \
	'daemon_stop; [ $? = 1 ] && has "$SAID" "in use by another process"'
check 'soon' test $((${EPOCHREALTIME/./} - began)) -lt 12000000
check 'nothing was sent' spoiled 1

# ---------------------------------------------------------------- apply, once

changes_begin
op_start apply --yes "$CART"
check 'apply waits as well, and says so' wait_until 10 'has "$ERR" "waiting, nothing is sent meanwhile"'
nap 7
check 'it lives, nothing is sent' eval 'kill -0 "$OP_PID" && spoiled 1 && no_changes'
db_leave "$STATE"
check 'free again: it is done, code 0' eval \
	'op_wait; code=$?; cat "$ERR"; [ $code = 0 ] && mended 1 && has "$ERR" "the database is free again"'
spoil 1
db_keep "$STATE" "$READ"
began=${EPOCHREALTIME/./}
check 'not for ever: code 1 when --timeout is over' eval \
	'expect 1 apply --yes --timeout 4s "$CART" && has "$ERR" "in use by another process"'
took=$((${EPOCHREALTIME/./} - began))
check "after that time ($((took / 1000)) ms)" test $took -gt 3000000 -a $took -lt 12000000
check 'nothing was sent' spoiled 1
op_start apply --yes "$CART"
wait_until 10 'has "$ERR" "waiting, nothing is sent meanwhile"' >/dev/null
kill -INT "$OP_PID"
check 'interrupted it ends at once' eval 'wait_until 5 "! kill -0 $OP_PID"; op_wait; [ $? != 0 ]'
db_leave "$STATE"
check 'and the next one does it' eval 'expect 0 apply --yes "$CART" && mended 1'

# ---------------------------------------------------------------- begun over what is there already

wait_until 10 'agreed' >/dev/null
changes_begin
: >"$SAID"
nodes_calls() { rcli 0 INFO commandstats | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\).*/\1/p'; }
seen=$(nodes_calls)
daemon_start
check 'a daemon begun over converged clusters looks' wait_until 20 '[ "$(nodes_calls)" -ge '$((seen + 8))' ]'
check 'and sends nothing, from its first look on' no_changes
check 'ends' daemon_stop
