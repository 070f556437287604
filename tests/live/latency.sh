#!/bin/bash
# latency.sh - on a slow network a cluster is formed, and what is lowered meanwhile causes no fail-over
# timeout: 120
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
N=6

network_up() { # network_up RTT_MS - hosts 1 to N for servers, N+1 for the program
	local net=$LIVE_DIR/net
	rm -rf "$net"
	mkdir "$net"
	mkfifo "$net/end"
	unshare -rn python3 "$TOP/tests/lib/slow_network.py" "$1" $((N + 1)) "$net" <"$net/end" 2>"$net/log" &
	LIVE_JOBS+=($!)
	exec 9>"$net/end" # held open; closed, it ends
	wait_until 5 '[ -e "$LIVE_DIR/net/ready" ]' || { cat "$net/log"; return 1; }
}
inside() { # inside HOST COMMAND...
	exec nsenter -t "$(cat "$LIVE_DIR/net/$1")" -U -n --preserve-credentials "${@:2}"
}
address() { echo "10.77.0.$(($1 + 1)):6379"; }
rcli() { (inside $((N + 1)) timeout 10 "$REDIS_CLI" -h "10.77.0.$(($1 + 1))" "${@:2}"); }
nodes_running() { seq 0 $((N - 1)); }
servers_up() {
	local i dir
	for ((i = 0; i < N; i++)); do
		dir=$LIVE_DIR/slow$i
		rm -rf "$dir"
		mkdir "$dir"
		(inside $((i + 1)) "$REDIS_SERVER" --bind "10.77.0.$((i + 1))" --port 6379 --protected-mode no --cluster-enabled yes \
			--cluster-node-timeout 15000 --dir "$dir" --logfile "$dir/log" --save '' >/dev/null 2>&1) &
		LIVE_JOBS+=($!)
		SERVERS+=($!)
	done
	wait_until 10 'each "grep -q \"Ready to accept\" \"\$LIVE_DIR/slow\$i/log\"" $(nodes_running)'
}
servers_down() {
	{ kill -9 "${SERVERS[@]}" && wait "${SERVERS[@]}"; } 2>/dev/null
	SERVERS=()
	exec 9>&-
}
file() { # file SHARDS REPLICAS
	{
		printf 'apiVersion: redis-operator/v1\nkind: RedisCluster\nmetadata: { name: cart }\nspec:\n  shards: %s\n  replicasPerShard: %s\n  nodes:\n' "$1" "$2"
		for i in $(nodes_running); do echo "    - { address: $(address "$i") }"; done
	} >"$F"
}
fail_overs() { # how many elections were won
	cat "$LIVE_DIR"/slow*/log | grep -c 'Failover election won'
}
marks() { cat "$LIVE_DIR"/slow*/log | grep -c 'as failing'; }

if ! unshare -rn true 2>/dev/null || [ ! -c /dev/net/tun ]; then
	skip 'a slow network' 'no network namespaces, or no TUN device'
	exit 0
fi
program=$ROP_BIN
printf '#!/bin/bash\nexec nsenter -t "$(cat "%s/net/%s")" -U -n --preserve-credentials "%s" "$@"\n' "$LIVE_DIR" $((N + 1)) "$program" >"$LIVE_DIR/op"
chmod +x "$LIVE_DIR/op"
ROP_BIN=$LIVE_DIR/op
SERVERS=()

for rtt in ${ROUND_TRIPS:-400}; do
	rm -f "$STATE"*
	check "a network with a round trip of $rtt ms" network_up "$rtt"
	check "six servers on it" servers_up
	file 3 1
	begun=$EPOCHREALTIME
	check "a cluster is formed at $rtt ms" eval 'expect 0 apply --yes --timeout 60s "$F"'
	echo "# $rtt ms: $(((${EPOCHREALTIME/./} - ${begun/./}) / 1000)) ms, $(fail_overs) fail-overs, $(marks) marks of failing"
	check "... without a fail-over" eval '[ "$(fail_overs)" = 0 ]'
	check "... nor a node taken for failing" eval '[ "$(marks)" = 0 ]'
	check "... the primaries are the file's, and all is as declared" eval \
		'expect 0 plan --detailed-exitcode "$F" && each "[ \"\$(rcli \$i ROLE | head -1)\" = master ]" 0 1 2'
	check "... settings are put back" eval 'each "[ \"\$(rcli \$i CONFIG GET cluster-node-timeout | tail -1)\" = 15000 ]" $(nodes_running)'
	servers_down
done
