#!/bin/bash
# moved.sh - members that came back at other addresses are introduced again; a second server with one's identity is no such
# timeout: 120
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=2000

keep() { rcli "$1" CLUSTER SAVECONFIG >/dev/null && rcli "$1" SAVE >/dev/null; } # over its end
stale() { # stale I...: what these were told of the others' addresses is of another network
	local i
	for i; do keep "$i"; done
	for i; do node_kill9 "$i"; done
	for i; do sed -i 's/127\.0\.0\.1:/127.0.9.9:/g' "$LIVE_DIR/$i/nodes.conf"; done
	for i; do node_start "$i" || return; done
}
without_address() { # without_address I J: each has lost the other's address
	local a b
	a=$(rcli "$1" CLUSTER MYID) b=$(rcli "$2" CLUSTER MYID)
	keep "$1" && keep "$2"
	node_kill9 "$1"
	node_kill9 "$2"
	sed -i -E "s/^$b [^ ]+ [^ ]+/$b :0@0 master,noaddr/" "$LIVE_DIR/$1/nodes.conf"
	sed -i -E "s/^$a [^ ]+ [^ ]+/$a :0@0 master,noaddr/" "$LIVE_DIR/$2/nodes.conf"
	node_start "$1" && node_start "$2"
}
noaddr() { for i in $(nodes_running); do rcli "$i" CLUSTER NODES; done | grep -c noaddr; }
load() { seq 300 | sed "s/.*/SET k& v&/" | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/load"; [ "$(grep -c OK "$LIVE_DIR/load")" = 300 ] || tail -3 "$LIVE_DIR/load"; }
keys() { for i in "$@"; do rcli "$i" --scan; done | sort -u | wc -l; }

check 'six servers, a cluster with 300 keys' eval 'fleet_up 6 && topology "$F" 3 1 && expect 0 apply --yes "$F" && agreed && load'

check 'all hosts have other addresses than before' stale 0 1 2 3 4 5
wait_until 10 'rcli 0 CLUSTER NODES | grep -q "127.0.9.9.*disconnected" && op plan "$F" 2>/dev/null | grep -q "again, at new"'
changes_begin
check '... plan says that they have moved, and changes nothing' eval \
	'expect 2 plan --detailed-exitcode "$F" && has "$OUT" "introduce 6 nodes again, at new addresses" && has "$OUT" "Data-loss risk: none." && no_changes'
check '... check says where they are looked for' eval 'expect 1 check "$F" && has "$OUT" "has moved: 5 peers look for it at 127.0.9.9:"'
check '... apply introduces them again: converged' eval 'expect 0 apply --yes --timeout 40s "$F" && agreed && replicas_up'
check "... and every key is there" eval 'n=$(keys 0 1 2 3 4 5); [ "$n" = 300 ] || { echo "$n keys"; false; }'
check '... what a node calls itself may be old: that is no second server' eval 'expect 0 plan --detailed-exitcode "$F" && expect 0 check "$F"'

check 'two primaries that have lost each other'"'"'s address' without_address 0 1
# (Valkey finds the other one by itself, from what third nodes say.)
wait_until 10 '[ "$(noaddr)" -ge 2 ] || agreed' >/dev/null
check '... are introduced again, and nobody else' eval \
	'lost=$(noaddr); changes_begin; expect 0 apply --yes --timeout 40s "$F" && agreed && [ "$(changes_count)" = $((lost > 0)) ]'
check '... keys' eval '[ "$(keys 0 1 2 3 4 5)" = 300 ]'

swap() { # swap I J: they come back with each other's port
	keep "$1" && keep "$2"
	node_kill9 "$1"
	node_kill9 "$2"
	local file # with their data: a server takes keys that it owns no slots of for a migration
	for file in nodes.conf dump.rdb; do
		mv "$LIVE_DIR/$1/$file" "$LIVE_DIR/$file" && mv "$LIVE_DIR/$2/$file" "$LIVE_DIR/$1/" &&
			mv "$LIVE_DIR/$file" "$LIVE_DIR/$2/$file" || return
	done
	node_start "$1" && node_start "$2"
}
check 'two replicas come back with each other'"'"'s port' swap 3 4
wait_until 10 '[ "$(noaddr)" -ge 1 ] || agreed' >/dev/null
check '... no open port is blamed, they are introduced again' eval \
	'op plan "$F" >"$OUT" 2>&1; { [ "$(noaddr)" = 0 ] || has "$OUT" "again, at new addresses"; } && expect 0 apply --yes --timeout 40s "$F" && agreed && replicas_up'
check '... keys' eval '[ "$(keys 0 1 2 3 4 5)" = 300 ]'

# A second server with the identity of one is none that has moved.
twin() {
	rcli 1 CLUSTER SAVECONFIG >/dev/null
	fleet_up 1 && node_kill9 6 && cp "$LIVE_DIR/1/nodes.conf" "$LIVE_DIR/6/nodes.conf" && node_start 6
}
check 'an image of a running primary is started again, at another address' twin
told() { expect 4 plan "$F" && has "$ERR" "$(address 1) answers as node" && has "$ERR" "connected to $(address 6) for that id: a second server"; }
# (At a moment when all peers hold the first one, no look can tell.)
check '... which is told soon, again and again' eval \
	'for k in 1 2 3 4; do wait_until 15 "told >/dev/null" || break; done'
check '... each time with both addresses' eval 'wait_until 15 "told >/dev/null"; has "$ERR" "$(address 6)" && has "$ERR" "$(address 1)"'
check '... status and check tell it, too' eval \
	'wait_until 15 "op status \"$F\" | grep -q SameNodeId" && wait_until 15 "op check \"$F\" | grep -q \"a second server\""'
check '... and nobody is introduced' eval 'changes_begin; expect 4 apply --yes --timeout 20s "$F" && no_changes'
