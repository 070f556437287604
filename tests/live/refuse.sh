#!/bin/bash
# refuse.sh - what must not be touched is not touched: each refusal names the node and the finding, and sends nothing
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

# refused NAME CODE FILE TEXT... - plan and apply exit so, say all of this, and change nothing
refused() {
	local name=$1 code=$2 file=$3
	shift 3
	check "$name" refusal "$code" "$file" "$@"
}
refusal() {
	local code=$1 file=$2 text
	shift 2
	changes_begin
	for command in "plan" "apply --yes --timeout 20s"; do
		# shellcheck disable=SC2086
		expect "$code" $command "$file" || return
		for text; do has "$ERR" "$text" || return; done
		if grep -q '^Plan:\|^No changes\.' "$OUT"; then
			echo "a plan in spite of it:"
			cat "$OUT"
			return 1
		fi
	done
	no_changes
}

# A cluster of these nodes, made by the program itself with a database that is thrown away.
formed() { # formed SHARDS REPLICAS I...
	local state=$STATE code=0
	STATE=$LIVE_DIR/other.db
	TOPOLOGY_NAME=other TOPOLOGY_NODES="${*:3}" topology "$LIVE_DIR/other.yaml" "$1" "$2"
	expect 0 apply --yes "$LIVE_DIR/other.yaml" || code=1
	STATE=$state
	rm -f "$LIVE_DIR"/other.*
	return $code
}

write_key() { # write_key I VALUE - a key in a slot of node I
	local first
	first=$(rcli "$1" CLUSTER NODES | awk '/myself/ { print $9 }' | sed 's/-.*//')
	for key in {1..60000}; do echo "CLUSTER KEYSLOT key$key"; done | head -3000 | rcli "$1" |
		awk -v f="$first" -v l="$(rcli "$1" CLUSTER NODES | awk '/myself/ { print $9 }' | sed 's/.*-//')" \
			'$1 >= f && $1 <= l { print "SET key" NR " x"; exit }' | rcli "$1"
}

fresh_again() { # fresh_again I... - as if just installed
	local i
	for i; do
		rcli "$i" FLUSHALL >/dev/null
		rcli "$i" CLUSTER RESET HARD >/dev/null
		rcli "$i" CONFIG SET cluster-node-timeout "$FLEET_TIMEOUT" >/dev/null
	done
	wait_until 5 "each 'rcli \$i CLUSTER INFO | grep -q \"^cluster_known_nodes:1\"' $*"
}

check 'six servers, a stranger, and one that is on two addresses' eval 'fleet_up 7 && fleet_up 1 "bind 127.0.0.1 127.0.0.2"'
TOPOLOGY_NODES='0 1 2 3 4 5'
topology "$F" 3 1

# ---------------------------------------------------------------- who is who

TOPOLOGY_NODES="$(address 0) 1" # (only the entries differ below)
two_names() { # two_names FILE ADDRESS ADDRESS
	TOPOLOGY_NODES=$(printf '{ address: %s }\n' "$2" "$3") topology "$1" 1 1
}
two_names "$LIVE_DIR/loop.yaml" "$(address 7)" "127.0.0.2:$(port 7)"
refused 'one server under two addresses' 4 "$LIVE_DIR/loop.yaml" "$(address 7) and 127.0.0.2:$(port 7) have the same node id $(rcli 7 CLUSTER MYID)"
two_names "$LIVE_DIR/name.yaml" "$(address 7)" "localhost:$(port 7)"
refused 'one server under its address and a name' 4 "$LIVE_DIR/name.yaml" "$(address 7) and localhost:$(port 7) have the same node id"
node_stop 4
node_stop 5
node_wipe 5
cp "$LIVE_DIR/4/nodes.conf" "$LIVE_DIR/5/nodes.conf"
node_start 4
node_start 5
refused 'a copied nodes.conf' 4 "$F" "$(address 4) and $(address 5) have the same node id" 'delete its cluster-config-file'
node_stop 5
node_wipe 5
node_start 5

rcli 2 CLUSTER MEET 127.0.0.1 "$(port 6)" >/dev/null
wait_until 10 'rcli 2 CLUSTER NODES | grep -q ":$(port 6)@.* connected"' >/dev/null
refused 'a foreign peer' 4 "$F" "$(address 2) knows a peer that is not declared: $(rcli 6 CLUSTER MYID) at $(address 6)" 'add it to spec.nodes'
fresh_again 2 6

# ---------------------------------------------------------------- nodes that are not empty

rcli 3 FUNCTION LOAD $'#!lua name=lib\nredis.register_function("f", function() return 1 end)' >/dev/null
refused 'a function library' 4 "$F" "$(address 3) is not empty: it holds 1 function library" 'FUNCTION DELETE'
rcli 3 FUNCTION FLUSH >/dev/null

# Keys on a node that owns no slots: owned, written, slots deleted again.
rcli 1 CONFIG SET cluster-node-timeout 500 >/dev/null
rcli 1 CLUSTER ADDSLOTSRANGE 0 16383 >/dev/null
check 'a node with keys ...' wait_until 10 '[ "$(rcli 1 SET key value)" = OK ]'
check '... and all slots, where more shards are declared: they are to move' eval 'expect 0 plan "$F" && has "$OUT" "introduce 6 nodes" && has "$OUT" " slots to move"'
rcli 1 CLUSTER DELSLOTSRANGE 0 16383 >/dev/null
refused '... and no slots' 4 "$F" "$(address 1) holds 1 key but owns no slots"
check '... still has them' eval '[ "$(rcli 1 DBSIZE)" = 1 ]'
fresh_again 1

# ---------------------------------------------------------------- several owners

rcli 0 CLUSTER ADDSLOTSRANGE 0 100 >/dev/null
rcli 1 CLUSTER ADDSLOTSRANGE 100 200 >/dev/null
refused 'two claimants of one slot, without keys' 4 "$F" "$(address 0) and $(address 1) both own 1 of the same slots, and do not know each other"
fresh_again 0 1

check 'two clusters' eval 'formed 3 0 0 1 2 && formed 3 0 3 4 5'
write_key 0 >/dev/null
write_key 3 >/dev/null
check '... with keys' eval '[ "$(rcli 0 DBSIZE)" = 1 ] && [ "$(rcli 3 DBSIZE)" = 1 ]'
refused 'two clusters with keys, declared as one' 4 "$F" 'belongs to another group' 'both own 5461 of the same slots'
TOPOLOGY_NODES='0 1 2 3 4 5' topology "$LIVE_DIR/six.yaml" 6 0
refused '... with as many shards as owners' 4 "$LIVE_DIR/six.yaml" 'belongs to another group than'
rcli 3 FLUSHALL >/dev/null
refused '... when only one of them has keys' 4 "$F" 'belongs to another group'
check 'the keys are still there' eval '[ "$(rcli 0 DBSIZE)" = 1 ]'
TOPOLOGY_NODES='0 1 3 4 5 6' topology "$LIVE_DIR/part.yaml" 3 1
refused 'a cluster one of whose nodes is not declared' 4 "$LIVE_DIR/part.yaml" 'knows a peer that is not declared' "$(address 2)"
TOPOLOGY_NODES='0 1 2' topology "$LIVE_DIR/few.yaml" 2 0
check 'fewer shards than owners: the slots of one are to move' eval 'expect 0 plan "$LIVE_DIR/few.yaml" && has "$OUT" "5461 slots to move"'
TOPOLOGY_NODES='0 1 2 6' topology "$LIVE_DIR/more.yaml" 4 0
check 'more shards than owners: a quarter of the slots is to move' eval 'expect 0 plan "$LIVE_DIR/more.yaml" && has "$OUT" "4096 slots to move"'
fresh_again 3 4 5

# ---------------------------------------------------------------- total loss

fresh_again 0 1 2
TOPOLOGY_NODES='0 1 2'
topology "$LIVE_DIR/loss.yaml" 3 0
check 'a cluster is formed' expect 0 apply --yes "$LIVE_DIR/loss.yaml"
for i in 0 1 2; do
	node_stop $i
	node_wipe $i
	node_start $i
done
check 'total loss is seen' eval 'expect 4 plan -o json "$LIVE_DIR/loss.yaml" && json ".case == \"refuse\" and .findings[0].reason == \"TotalLoss\" and .changes == []"'
refused 'total loss' 4 "$LIVE_DIR/loss.yaml" "all 3 nodes are empty, but cluster 'cart' was formed before" 'onTotalLoss: Reform'
check 'status says Blocked, and why' eval 'expect 0 status -o json "$LIVE_DIR/loss.yaml" && json "[.conditions[] | select(.type == \"Blocked\")][0] | .status == \"True\" and .reason == \"TotalLoss\""'
mv "$STATE" "$STATE.kept"
check 'the database remembers it; without it the nodes are fresh' expect 2 plan --detailed-exitcode "$LIVE_DIR/loss.yaml"
mv "$STATE.kept" "$STATE"
topology "$LIVE_DIR/loss.yaml" 3 0 'onTotalLoss: Reform'
check 'with consent in the file it is formed anew' eval 'expect 0 apply --yes "$LIVE_DIR/loss.yaml" && agreed 0 1 2'
node_stop 1
node_wipe 1
node_start 1
check 'one node that lost everything is no total loss' eval 'expect 4 plan "$LIVE_DIR/loss.yaml" || expect 0 plan "$LIVE_DIR/loss.yaml"; lacks "$ERR" "were formed before"'

# ---------------------------------------------------------------- files

says_where() { # says_where FILE - exit 3, and `FILE:LINE:COLUMN: error:` on stderr, from every command that reads it
	local command
	for command in validate plan "apply --yes" status check explain; do
		# shellcheck disable=SC2086
		expect 3 $command "$1" || return
		grep -qE "^$1:[0-9]+:[0-9]+: error: " "$ERR" && continue
		echo "$command:"
		cat "$ERR"
		return 1
	done
	[ ! -s "$OUT" ]
}
changes_begin
topology "$LIVE_DIR/bad.yaml" 3 1 'replicas_per_shard: 1'
check 'an unknown key' says_where "$LIVE_DIR/bad.yaml"
check '... with the one that was meant' has "$ERR" "did you mean 'replicasPerShard'?"
TOPOLOGY_NODES='0 1 2 3' topology "$LIVE_DIR/bad.yaml" 3 1
check 'too few nodes' says_where "$LIVE_DIR/bad.yaml"
TOPOLOGY_NODES='0 1 2 0' topology "$LIVE_DIR/bad.yaml" 3 0
check 'the same address twice' says_where "$LIVE_DIR/bad.yaml"
printf 'apiVersion: redis-operator/v1\nkind: [\n' >"$LIVE_DIR/bad.yaml"
check 'malformed YAML' says_where "$LIVE_DIR/bad.yaml"
{ cat "$F"; printf '# \000\n'; } >"$LIVE_DIR/bad.yaml"
check 'a NUL byte' says_where "$LIVE_DIR/bad.yaml"
{ cat "$F"; head -c 10485760 /dev/zero | tr '\0' '#'; } >"$LIVE_DIR/bad.yaml"
check 'a file of 10 MiB' eval 'expect 3 plan "$LIVE_DIR/bad.yaml" && has "$ERR" "$LIVE_DIR/bad.yaml"'
: >"$LIVE_DIR/bad.yaml"
check 'an empty file' eval 'expect 3 plan "$LIVE_DIR/bad.yaml" && has "$ERR" "bad.yaml"'
check 'a folder' eval 'expect 3 plan "$LIVE_DIR" && has "$ERR" "$LIVE_DIR"'
check 'no such file' eval 'expect 3 plan "$LIVE_DIR/none.yaml" && has "$ERR" none.yaml'
check 'no such cluster' eval 'expect 3 status nobody && has "$ERR" "no file '\''nobody'\'', and no cluster of that name"'
check 'none of these sent a changing command' no_changes
