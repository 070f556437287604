#!/bin/bash
# leaves_from.sh - servers whose packets leave from another address than the one they listen on: said before slots are given
# timeout: 200
if [ -z "${LEAVES_FROM:-}" ]; then # a network of our own: addresses, and nobody else's
	LEAVES_FROM=inside exec unshare -rn bash "$0" 2>/dev/null
	echo 'skip - servers on a second address: no network namespace'
	exit 0
fi
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
if ! ip link set lo up 2>/dev/null; then
	skip 'servers on a second address' 'no ip(8)'
	exit 0
fi

declare -A HOST=() PORT=()
serve() { # serve I HOST PORT [BIND] [ARG...]: server I there
	local i=$1
	HOST[$i]=$2 PORT[$i]=$3
	mkdir -p "$LIVE_DIR/far/$i"
	(cd "$LIVE_DIR/far/$i" && exec "$REDIS_SERVER" --port "$3" --bind "${4:-$2}" --cluster-enabled yes --save '' \
		--cluster-node-timeout "$FLEET_TIMEOUT" --protected-mode no "${@:5}" >>log 2>&1 </dev/null) &
	LIVE_JOBS+=($!)
	disown $!
}
c() { timeout 5 "$REDIS_CLI" -h "${HOST[$1]}" -p "${PORT[$1]}" "${@:2}"; }
answer() { wait_until 10 "each 'c \$i PING | grep -q PONG' ${!HOST[*]}"; }
away() { # all of them, and what they were
	local i
	for i in "${!HOST[@]}"; do c "$i" SHUTDOWN NOSAVE >/dev/null 2>&1; done
	wait_until 5 '! pgrep -f "$LIVE_DIR/far" >/dev/null'
	rm -rf "$LIVE_DIR/far" "$STATE"*
	HOST=() PORT=()
}
file() { # file SHARDS REPLICAS I...
	local i
	TOPOLOGY_NODES=$(for i in "${@:3}"; do
		if [[ ${HOST[$i]} == *:* ]]; then echo "{ address: '[${HOST[$i]}]:${PORT[$i]}' }"
		else echo "{ address: ${HOST[$i]}:${PORT[$i]} }"; fi
	done) topology "$F" "$1" "$2"
}
no_slots() { each '! c "$i" CLUSTER NODES | grep -q "[0-9]-[0-9]*$"' "${!HOST[@]}"; }
formed() { # all agree, and all slots are covered
	each 'c "$i" CLUSTER INFO | grep -q "^cluster_state:ok" && [ "$(c "$i" CLUSTER NODES | grep -c " connected")" = '"${#HOST[@]}"' ]' \
		"${!HOST[@]}"
}
SAID='its packets leave from that address'

# ---------------------------------------------------------------- each on a second address of the host

for i in 1 2 3 4 5 6; do serve $i 127.0.1.$i 6379; done
check 'six servers on addresses that nothing leaves from' answer
file 3 1 1 2 3 4 5 6
check 'the plan cannot know it yet' expect 0 plan "$F"
check 'apply stops, and says from where and what to do' eval \
	'expect 4 apply --yes --timeout 30s "$F" && has "$ERR" " at 127.0.0.1:6379, " && has "$ERR" "leave from that address" &&
	has "$ERR" "bind-source-addr" && lacks "$ERR" "second server" && lacks "$ERR" "bus link"'
check '... before slots are given' no_slots
check '... and nothing stays lowered' eval 'each "[ \"\$(c \$i CONFIG GET cluster-node-timeout | tail -1)\" = $FLEET_TIMEOUT ]" 1 2 3 4 5 6'
for i in 1 2 3 4 5 6; do
	for k in 1 2 3 4 5 6; do [ $i = $k ] || c $i CLUSTER MEET "${HOST[$k]}" 6379 >/dev/null; done
done
sees() { expect "$1" $2 "$F" && has "${3:-$ERR}" "$SAID" && lacks "${3:-$ERR}" "second server"; }
check 'when peers have come to hold them there, plan sees it' wait_until 20 'sees 4 plan'
check '... check' wait_until 10 'sees 1 check "$OUT"'
check '... and status' wait_until 10 'sees 0 status "$OUT" && has "$OUT" LeavesFrom'
for i in 1 2 3 4 5 6; do c $i CONFIG SET cluster-announce-ip 127.0.1.$i >/dev/null; done
check 'with cluster-announce-ip they become a cluster' eval \
	'wait_until 20 "expect 0 plan \"\$F\"" && expect 0 apply --yes --timeout 60s "$F" && formed'
away

# ---------------------------------------------------------------- two, which nobody else tells of each other

serve 1 127.0.1.1 6379
serve 2 127.0.1.2 6379
answer >/dev/null
file 1 1 1 2
check 'of two servers one is never known: said as well' eval \
	'expect 4 apply --yes --timeout 30s "$F" && has "$ERR" "at 127.0.0.1:6379, " &&
	has "$ERR" "leave" && has "$ERR" bind-source-addr && lacks "$ERR" "bus link" && no_slots'
for i in 1 2; do c $i SHUTDOWN NOSAVE >/dev/null 2>&1; done
check 'they end' wait_until 5 '! pgrep -f "$LIVE_DIR/far" >/dev/null'
for i in 1 2; do serve $i 127.0.1.$i 6379 127.0.1.$i --bind-source-addr 127.0.1.$i; done
check 'with bind-source-addr, restarted, they become a cluster' eval \
	'answer && wait_until 20 "expect 0 plan \"\$F\"" && expect 0 apply --yes --timeout 60s "$F" && formed'
away

# ---------------------------------------------------------------- IPv4 and IPv6

if ip -6 addr show dev lo | grep -q ::1; then
	for i in 1 2 3; do serve $i 127.0.0.1 $((7000 + i)); done
	for i in 4 5 6; do serve $i ::1 $((7000 + i)); done
	check 'three servers on 127.0.0.1 and three on ::1' answer
	file 3 1 1 2 3 4 5 6
	check 'mixed: it is said where from, of whom, and that one family will do' eval \
		'expect 4 apply --yes --timeout 30s "$F" && has "$ERR" "1:700" && has "$ERR" "leave" &&
		has "$ERR" "declare all nodes by addresses of one family" && lacks "$ERR" "second server" && no_slots'
	away
else
	skip 'IPv4 and IPv6 mixed' 'no IPv6'
fi

# ---------------------------------------------------------------- at home on both: no second server is made up

for i in 1 2 3; do serve $i 127.0.1.$i $((7000 + i)) "127.0.1.$i 127.0.0.1"; done
check 'three servers that listen on both addresses' answer
file 3 0 1 2 3
check 'what is known is said: one server on two addresses, or a copy' eval \
	'expect 4 apply --yes --timeout 30s "$F" && has "$ERR" "or it is this server, whose packets leave from there" && no_slots'
for i in 1 2 3; do c $i CONFIG SET cluster-announce-ip 127.0.1.$i >/dev/null; done
check 'announced, they become a cluster' eval \
	'wait_until 20 "expect 0 plan \"\$F\"" && expect 0 apply --yes --timeout 60s "$F" && formed'
check 'and nothing is held against it afterwards' eval 'expect 0 check "$F" && expect 0 plan --detailed-exitcode "$F"'
