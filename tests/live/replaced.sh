#!/bin/bash
# replaced.sh - two members rebuilt at once; a dead one replaced by a server at another address: taken in, who they were is forgotten
# timeout: 120
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=2000

load() { seq 300 | sed 's/.*/SET k& v&/' | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/load"; [ "$(grep -c OK "$LIVE_DIR/load")" = 300 ]; }
keys() { for i in "$@"; do rcli "$i" --scan; done | sort -u | wc -l; }
role() { rcli "$1" ROLE | head -1; }
id_of() { rcli "$1" CLUSTER MYID; }
nobody_lists() { # nobody_lists ID NODE...
	local id=$1 i
	shift
	for i; do rcli "$i" CLUSTER NODES | grep -q "^$id" && { echo "node $i lists $id"; return 1; }; done
	return 0
}
rebuilt() { each 'node_kill9 $i && node_wipe $i' "$@" && each 'node_start $i' "$@"; }

check 'six servers, a cluster with 300 keys' eval 'fleet_up 6 "repl-diskless-sync-delay 0" && topology "$F" 3 1 && expect 0 apply --yes "$F" && agreed && replicas_up && load'

# ---------------------------------------------------------------- two at once

A=$(id_of 3) B=$(id_of 4)
check 'the replicas of two shards are rebuilt, empty, at once' rebuilt 3 4
check '... plan says who both were' eval 'wait_until 10 "op plan \"$F\" 2>\"$ERR\" >\"$OUT\"; grep -q \"$A\" \"$ERR\" && grep -q \"$B\" \"$ERR\"" && has "$OUT" "introduce 2 nodes"'
check '... apply takes both in' eval 'expect 0 apply --yes --timeout 60s "$F" && agreed && replicas_up && [ "$(role 3) $(role 4)" = "slave slave" ]'
check '... nobody lists who they were' eval 'nobody_lists "$A" 0 1 2 3 4 5 && nobody_lists "$B" 0 1 2 3 4 5'
check '... nothing is left to do, and every key is there' eval 'expect 0 plan --detailed-exitcode "$F" && [ "$(keys 0 1 2 3 4 5)" = 300 ]'

# A primary, whose replica took over, and the replica of another shard.
follows() { rcli "$1" CLUSTER NODES | awk '/myself/ { print $4 }'; }
HEIR=$(for i in 3 4 5; do [ "$(follows "$i")" = "$(id_of 0)" ] && echo "$i"; done)
OTHER=$(for i in 3 4 5; do [ "$i" != "$HEIR" ] && echo "$i"; done | head -1)
A=$(id_of 0) B=$(id_of "$OTHER")
check 'a primary and the replica of another shard end at once; who followed the primary leads' eval \
	'node_kill9 0; node_kill9 "$OTHER"; wait_until 20 "[ \"\$(role $HEIR)\" = master ]"'
check '... both are rebuilt' eval 'node_wipe 0 && node_wipe "$OTHER" && each "node_start \$i" 0 "$OTHER"'
check '... apply takes both in, as replicas' eval 'expect 0 apply --yes --timeout 60s "$F" && agreed && replicas_up && [ "$(role 0) $(role "$OTHER")" = "slave slave" ]'
check '... nobody lists who they were' eval 'nobody_lists "$A" 0 1 2 3 4 5 && nobody_lists "$B" 0 1 2 3 4 5'
check '... and every key is there' eval '[ "$(keys 0 1 2 3 4 5)" = 300 ]'

# ---------------------------------------------------------------- at another address

C=$(id_of 0)
check "a replica's host is gone, and the file names another one" eval 'node_kill9 0 && fleet_up 1 && TOPOLOGY_NODES="1 2 3 4 5 6" topology "$F" 3 1'
check '... plan says both' eval 'wait_until 15 "op plan \"$F\" >\"$OUT\" 2>\"$ERR\" && grep -q \"introduce 1 node\" \"$OUT\"" && has "$OUT" "$(address 6)" && has "$OUT" "$(address 0)"'
check '... apply: the new one is in its place, the dead one is forgotten' eval 'expect 0 apply --yes --timeout 60s "$F" && agreed 1 2 3 4 5 6 && [ "$(role 6)" = slave ] && nobody_lists "$C" 1 2 3 4 5 6'
check '... nothing is left to do, and every key is there' eval 'expect 0 plan --detailed-exitcode "$F" && [ "$(keys 1 2 3 4 5 6)" = 300 ]'
