#!/bin/bash
# served.sh - owned is not served: status, plan and check say what clients get no answer for, and agree with redis-cli
# timeout: 60

FLEET_TIMEOUT=1000
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

first_line() { # first_line TEXT - of what was printed
	head -1 "$OUT" | grep -qF -e "$1" && return
	echo "the first line is not '$1':"
	head -5 "$OUT"
	return 1
}
led_by() { # prints the node that leads the shard with this slot, as node $2 sees it
	local p
	p=$(rcli "$2" CLUSTER NODES | awk -v s="$1" '$3 ~ /master/ { for (i = 9; i <= NF; i++) { split($i, r, "-");
		if (r[1] <= s && s <= (r[2] == "" ? r[1] : r[2])) { sub(/@.*/, "", $2); sub(/.*:/, "", $2); print $2 } } }')
	echo $((p - LIVE_BLOCK))
}
follower() { # prints the node that follows node $1, as node $2 sees it
	local p
	p=$(rcli "$2" CLUSTER NODES | awk -v id="$(rcli "$1" CLUSTER MYID)" '$4 == id { sub(/@.*/, "", $2); sub(/.*:/, "", $2); print $2 }')
	echo $((p - LIVE_BLOCK))
}
as_redis_cli() { # both say [OK], or both say [ERR], of the slots
	local ours=OK theirs=OK
	op check "$F" 2>&1 | grep -q '^\[OK\] All 16384 slots covered' || ours=ERR
	"$REDIS_CLI" --cluster check "127.0.0.1:$(port "$1")" 2>&1 | grep -q 'OK\] All 16384 slots covered' || theirs=ERR
	[ "$ours" = "$theirs" ] && [ "$ours" = "$2" ] && return
	echo "ours $ours, redis-cli's $theirs, expected $2"
	return 1
}
flags_fail() { # flags_fail VIEWER I
	rcli "$1" CLUSTER NODES | grep -q "127.0.0.1:$(port "$2")@[^ ]* [^ ]*fail\>"
}

# ---------------------------------------------------------------- a reshard, a dead shard

check 'six servers' fleet_up 6 'cluster-require-full-coverage no' 'repl-diskless-sync-delay 0'
topology "$F" 3 1
check 'form' expect 0 apply --yes "$F"
check 'all slots are served' eval 'as_redis_cli 0 OK && expect 0 status "$F" && has "$OUT" "16384 of 16384 slots are served"'
check 'they are of the owners that live' first_line 'cluster cart'
a=$(led_by 100 0) b=$(led_by 8000 0)
ida=$(rcli "$a" CLUSTER MYID) idb=$(rcli "$b" CLUSTER MYID)
rcli "$b" CLUSTER SETSLOT 100 IMPORTING "$ida" >/dev/null
rcli "$a" CLUSTER SETSLOT 100 MIGRATING "$idb" >/dev/null
check 'an open slot is a warning of check, not an error' eval 'expect 0 check "$F" && has "$OUT" "[OK] All nodes agree" &&
	has "$OUT" "[WARNING] Node 127.0.0.1:$(port "$a") has 1 slot in migrating"'
rcli "$a" CLUSTER SETSLOT 100 STABLE >/dev/null
rcli "$b" CLUSTER SETSLOT 100 STABLE >/dev/null
check 'no open slot, no warning' eval 'expect 0 check "$F" && ! grep WARNING "$OUT" | grep -v "save nothing"'

r=$(follower "$b" 0)
other=$a
node_kill9 "$r"
node_kill9 "$b"
check 'the others call both failing' wait_until 15 'flags_fail "$other" "$b" && flags_fail "$other" "$r"'
said="slots are not served (shard 2: 127.0.0.1:$(port "$b") dead, its replica 127.0.0.1:$(port "$r") dead too)"
check 'a shard without a live node: status begins with it' eval 'expect 0 status "$F" && first_line "$said" && has "$OUT" "SlotsCovered   False"'
check '... so does plan' eval 'op plan "$F" >"$OUT" 2>"$ERR"; first_line "$said"'
check '... and check' eval 'expect 1 check "$F" && first_line "$said" && lacks "$OUT" "has no replica: its loss"'
check '... and it agrees with redis-cli' as_redis_cli "$other" ERR
check '... and nobody is named who could take over' lacks "$OUT" takeover
node_start "$b"
node_start "$r"
check 'both are back' wait_until 20 'as_redis_cli "$other" OK'
check '... and its slots are served' eval 'expect 0 status "$F" && has "$OUT" "SlotsCovered   True"'
fleet_down

# ---------------------------------------------------------------- two primaries

F=$LIVE_DIR/two.yaml
STATE=$LIVE_DIR/two.db
check 'four servers' fleet_up 4 'repl-diskless-sync-delay 0'
TOPOLOGY_NAME=two topology "$F" 2 1
check 'plan warns of fewer than three primaries' eval 'expect 0 plan "$F" && has "$ERR" "fewer than 3 primaries cannot fail over"'
check 'so does apply' eval 'expect 0 apply --yes "$F" && has "$ERR" "fewer than 3 primaries cannot fail over"'
check 'and check' eval 'expect 0 check "$F" && has "$OUT" "[WARNING] a cluster with fewer than 3 primaries"'
a=$(led_by 100 0) b=$(led_by 16000 0)
r=$(follower "$a" "$b")
rcli "$a" SET b x >/dev/null 2>&1
node_kill9 "$a"
check 'one of two is dead: status names the takeover, and its price' wait_until 15 'expect 0 status "$F" &&
	grep -qE "redis-operator takeover [^ ]+ [0-9.:]+. \(it holds .* lost then" "$OUT"'
check '... so does apply, which changes nothing' eval 'expect 8 apply --yes --timeout 5s "$F" &&
	grep -q "^redis-operator: 8192 of 16384 slots are not served" "$ERR" && has "$ERR" "redis-operator takeover"'
named() { tr '\n' ' ' <"$1" | sed -n 's/.*`redis-operator \(takeover [^`]*\)`.*/\1/p'; } # the command in that file
op status "$F" >"$OUT" 2>&1
command=$(named "$OUT")
# shellcheck disable=SC2086
check 'the command that it names asks for consent' expect 4 $command
command=$(named "$ERR")
# shellcheck disable=SC2086
check '... and with that the slots are served' expect 0 $command
check '... as status says' wait_until 15 'expect 0 status "$F" && has "$OUT" "SlotsCovered   True"'
fleet_down
