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
check '... plan says who it was and who it is, and refuses' eval \
	'wait_until 10 "op plan \"$F\" 2>&1 | grep -q \"was node $old when it was seen last\"" && expect 4 plan "$F" && has "$ERR" "$(address 0) was node $old when it was seen last, and came back as $(rcli 0 CLUSTER MYID)"'
check '... status has no contradiction' eval 'expect 0 status "$F" && has "$OUT" "SlotsCovered   True" && has "$OUT" "Rebuilt"'
check '... apply does nothing, and tells what to do' eval 'expect 4 apply --yes "$F" && no_changes && has "$ERR" "cluster forget $old"'
check '... done as told, apply takes it in again' eval 'as_told && expect 0 apply --yes --timeout 40s "$F" && agreed && replicas_up && [ "$(role 0)" = slave ]'
check '... and every key is there' eval '[ "$(keys 0 1 2 3 4 5)" = 300 ]'
check '... nothing is left to do' expect 0 plan --detailed-exitcode "$F"
