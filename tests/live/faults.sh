#!/bin/bash
# faults.sh - nodes that are down, hang, lie, want a password, or cannot be reached by their peers: exit code and words
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
QUICK='intervals: { connectTimeout: 500ms, commandTimeout: 500ms }'

elapsed() { # elapsed COMMAND... - how long it took: $TOOK, in ms
	local began=${EPOCHREALTIME/./} status=0
	"$@" || status=$?
	TOOK=$(((${EPOCHREALTIME/./} - began) / 1000))
	return $status
}

# fails NAME CODE FILE TEXT... - plan and apply exit so, and say all of this
fails() {
	check "$1" failing "${@:2}"
}
failing() {
	local code=$1 file=$2 command text
	shift 2
	for command in plan 'apply --yes --timeout 20s'; do
		# shellcheck disable=SC2086
		elapsed expect "$code" $command "$file" || return
		for text; do has "$ERR" "$text" || return; done
		[ "$TOOK" -lt 4000 ] && continue
		echo "$command took $TOOK ms"
		return 1
	done
}

# Something that is no Redis server, on port number I of our block: `speaker I COMMAND`, run anew for each connection.
speaker() {
	echo "$2" >"$LIVE_DIR/speaker$1"
	(cd "$LIVE_DIR" && exec socat "TCP-LISTEN:$(port "$1"),bind=127.0.0.1,reuseaddr,fork" "EXEC:bash speaker$1") >"$LIVE_DIR/speaker$1.log" 2>&1 &
	LIVE_JOBS+=($!)
	disown $!
	wait_until 5 "ports_used | grep -qx $(port "$1")"
}

# ---------------------------------------------------------------- not formed yet: a node that does not answer

check 'six servers' fleet_up 6
changes_begin
TOPOLOGY_NODES='0 1 2 3 4 5'
topology "$F" 3 1
node_stop 5
fails 'a declared node is down' 8 "$F" "$(address 5) does not answer: connection refused" 'a cluster is formed only when every declared node answers'
check 'status shows it, and exits 0' eval 'expect 0 status "$F" && grep -qE "127.0.0.1:$(port 5) +- +silent" "$OUT" && has "$OUT" "5 of 6 nodes answer"'
check 'check calls it an error' eval 'expect 1 check "$F" && has "$OUT" "[ERR] $(address 5) does not answer: connection refused"'
node_start 5
topology "$LIVE_DIR/far.yaml" 3 1
sed "s/$(address 5)/192.0.2.1:6379/" "$LIVE_DIR/far.yaml" >"$LIVE_DIR/far2.yaml"
fails 'a declared host is not there' 8 "$LIVE_DIR/far2.yaml" '192.0.2.1:6379 does not answer'
sed "s/$(address 5)/nowhere.invalid:6379/" "$LIVE_DIR/far.yaml" >"$LIVE_DIR/far3.yaml"
fails 'a name that does not resolve' 8 "$LIVE_DIR/far3.yaml" 'nowhere.invalid:6379 does not answer: its name does not resolve'
topology "$LIVE_DIR/quick.yaml" 3 1 "$QUICK"
node_freeze 5
fails 'a node that takes connections and is silent' 8 "$LIVE_DIR/quick.yaml" "$(address 5) does not answer: it takes connections, but did not answer within 500ms"
node_thaw 5
check 'none of these sent a changing command' no_changes

# ---------------------------------------------------------------- not a Redis server

stranger() { # stranger NAME CODE COMMAND TEXT - the sixth node says what COMMAND says
	speaker "$NEXT" "$3" >/dev/null
	sed "s/$(address 5)/$(address $NEXT)/" "$LIVE_DIR/quick.yaml" >"$LIVE_DIR/stranger.yaml"
	fails "$1" "$2" "$LIVE_DIR/stranger.yaml" "$(address $NEXT)" "$4"
	NEXT=$((NEXT + 1))
}
NEXT=60
if command -v socat >/dev/null; then
	stranger 'a web server' 4 'read -r l; printf "HTTP/1.1 400 Bad Request\r\n\r\n"' 'is not a Redis or Valkey server'
	stranger 'an SSH server' 4 'printf "SSH-2.0-OpenSSH_9.2p1\r\n"; sleep 9' 'is not a Redis or Valkey server'
	stranger 'a binary protocol' 4 'printf "\\001\\377\\000\\015\\012"; sleep 9' 'is not a Redis or Valkey server'
	stranger 'endless replies' 4 'yes +OK' 'is not a Redis or Valkey server'
	stranger 'one endless reply' 4 'printf "+"; tr "\\0" x </dev/zero' 'is not a Redis or Valkey server'
	stranger 'a reply that claims to be huge' 4 'printf "\$2000000000\r\n"; cat /dev/zero' 'is not a Redis or Valkey server'
	stranger 'arrays without an end' 4 'yes "*1"' 'is not a Redis or Valkey server'
	stranger 'it hangs up' 8 ':' 'does not answer: it closed the connection'
	stranger 'it answers once and hangs' 8 'printf "+OK\r\n"; sleep 9' 'it began to answer, but was not done within 500ms'
	check 'none of these sent a changing command' no_changes
else
	skip 'servers that are no Redis' 'socat is not installed'
fi
check 'a server without cluster mode' fleet_up 1 'cluster-enabled no'
sed "s/$(address 5)/$(address 6)/" "$F" >"$LIVE_DIR/plain.yaml"
fails '... is refused' 4 "$LIVE_DIR/plain.yaml" "$(address 6) is not in cluster mode" 'cluster-enabled yes'

# ---------------------------------------------------------------- a node that hangs in the middle

node_timeouts() { # all running nodes' cluster-node-timeout, each once
	local i
	for i in $(nodes_running); do rcli "$i" CONFIG GET cluster-node-timeout | tail -1; done | sort -u | xargs
}
: >"$LIVE_DIR/hung"
op_start apply --yes --timeout 20s "$LIVE_DIR/quick.yaml"
wait_until 5 '[ "$(rcli 3 CONFIG GET cluster-node-timeout | tail -1)" = 511 ]' >/dev/null
node_freeze 3
code=0
op_wait || code=$?
check 'a node that hangs while the cluster is formed: 6 or 8, and named' eval '[ $code = 8 -o $code = 6 ] && has "$ERR" "$(address 3)"'
check 'temporary settings are put back on the others' each '[ "$(rcli $i CONFIG GET cluster-node-timeout | tail -1)" = 5000 ]' 0 1 2 4 5
check 'what is still open is known' eval 'expect 0 status -o json cart && json ".temporarySettings | length > 0 and all(.node != null)"'
node_thaw 3
check 'the next apply finishes, and puts back the last one' eval 'expect 0 apply --yes "$LIVE_DIR/quick.yaml" && agreed 0 1 2 3 4 5 && [ "$(node_timeouts)" = 5000 ]'
check 'nothing temporary is left' eval 'expect 0 status -o json cart && json ".temporarySettings == [] and .expectations == []"'

# ---------------------------------------------------------------- formed: a minority, then too many

node_stop 5
check 'a minority is down: plan warns and exits 0' eval 'expect 0 plan "$LIVE_DIR/quick.yaml" && cat "$OUT" "$ERR" | grep -qF "$(address 5) does not answer: connection refused"'
TOPOLOGY_NODES='0 1 2 3 4 5' topology "$LIVE_DIR/more.yaml" 3 1 "$QUICK" 'settings: { maxmemory-policy: allkeys-lfu }'
check '... what can be done is in the plan' eval 'expect 0 plan "$LIVE_DIR/more.yaml" && has "$OUT" "maxmemory-policy noeviction -> allkeys-lfu" && has "$OUT" "It will not be converged then"'
check 'apply does it, then exits 6 and names the node' eval 'elapsed expect 6 apply --yes --timeout 2s "$LIVE_DIR/more.yaml" && has "$ERR" "$(address 5) does not answer"'
check '... at the timeout' eval '[ "$TOOK" -ge 1900 ] && [ "$TOOK" -lt 8000 ]'
check '... it was done' each '[ "$(rcli $i CONFIG GET maxmemory-policy | tail -1)" = allkeys-lfu ]' 0 1 2 3 4
check 'status: Degraded, not converged, Reachable false' eval 'expect 0 status -o json cart && json ".state == \"Degraded\" and .converged == false and ([.conditions[] | select(.type == \"Reachable\")][0].status == \"False\")"'
node_start 5
check 'when it is back, apply brings it in line' eval 'wait_until 20 "agreed 0 1 2 3 4 5" && expect 0 apply --yes "$LIVE_DIR/more.yaml" && [ "$(rcli 5 CONFIG GET maxmemory-policy | tail -1)" = allkeys-lfu ]'
changes_begin
node_freeze 0
node_freeze 1
node_freeze 3
node_freeze 4
fails 'no majority of the primaries in view' 8 "$LIVE_DIR/more.yaml" "$(address 0) does not answer" "$(address 1) does not answer" 'bring the majority of the primaries back'
node_thaw 0
node_thaw 1
node_thaw 3
node_thaw 4
check 'nothing was sent' no_changes
fleet_down

# ---------------------------------------------------------------- the bus

# Node 2 listens for its peers on another port than it says, and than the file says.
check 'three servers, one with a bus port of its own' eval 'fleet_up 2 && fleet_up 1 "cluster-port $((LIVE_BLOCK + 10050))" "cluster-announce-bus-port $((LIVE_BLOCK + 10051))"'
TOPOLOGY_NODES="{ address: $(address 0) }
{ address: $(address 1) }
{ address: $(address 2), busPort: $((LIVE_BLOCK + 10051)) }"
TOPOLOGY_NAME=bus topology "$LIVE_DIR/bus.yaml" 3 0
check 'a bus port that cannot be reached: 6, or earlier' eval 'elapsed expect 6 apply --yes --timeout 30s "$LIVE_DIR/bus.yaml"'
check '... within 10 s' eval '[ "$TOOK" -lt 10000 ]'
check '... the pair is named' eval 'grep -F "cannot reach the cluster bus of $(address 2) (port $((LIVE_BLOCK + 10051)))" "$ERR" | grep -F "$(address 0)" | grep -qF "$(address 1)"'
check '... and the way out' has "$ERR" 'declare busPort'
check '... temporary settings are put back' test "$(node_timeouts)" = 5000
check 'it says where it is: found without a word in the file' eval 'rcli 2 CONFIG SET cluster-announce-bus-port 0 >/dev/null'
TOPOLOGY_NODES=$(printf '{ address: %s }\n' $(addresses))
TOPOLOGY_NAME=bus topology "$LIVE_DIR/bus.yaml" 3 0
check '... it is reached' eval 'expect 0 apply --yes "$LIVE_DIR/bus.yaml" && agreed'
fleet_down

# ---------------------------------------------------------------- names

if unshare -rm true 2>/dev/null; then
	mkdir "$LIVE_DIR/dns"
	printf '127.0.0.1 localhost\n127.0.0.11 fleet.test\n127.0.0.12 fleet.test\n127.0.0.13 fleet.test\n' >"$LIVE_DIR/dns/hosts"
	# The file is ours in a mount namespace of the program's own: the machine's stays as it is.
	printf '#!/bin/bash\nmount --bind "%s" /etc/hosts && exec "%s" "$@"\n' "$LIVE_DIR/dns/hosts" "$ROP_BIN" >"$LIVE_DIR/dns/op"
	printf '#!/bin/bash\nexec unshare -rm bash "%s" "$@"\n' "$LIVE_DIR/dns/op" >"$LIVE_DIR/dns/named"
	chmod +x "$LIVE_DIR/dns/named"
	for i in 1 2 3; do
		mkdir "$LIVE_DIR/dns/$i"
		printf '%s\n' "port $(port 90)" "bind 127.0.0.1$i" "dir $LIVE_DIR/dns/$i" 'save ""' 'cluster-enabled yes' \
			'cluster-node-timeout 5000' "cluster-announce-ip 127.0.0.1$i" >"$LIVE_DIR/dns/$i/redis.conf"
		(cd "$LIVE_DIR/dns/$i" && exec "$REDIS_SERVER" redis.conf >log 2>&1 </dev/null) &
		LIVE_JOBS+=($!)
	done
	wait_until 10 "each 'redis-cli -h 127.0.0.1\$i -p $(port 90) PING' 1 2 3" >/dev/null
	printf '%s\n' 'apiVersion: redis-operator/v1' 'kind: RedisCluster' 'metadata: { name: found }' 'spec:' '  shards: 3' \
		'  replicasPerShard: 0' "  discovery: { dns: fleet.test, port: $(port 90) }" >"$LIVE_DIR/found.yaml"
	ROP_REAL=$ROP_BIN
	ROP_BIN=$LIVE_DIR/dns/named
	check 'nodes found by a DNS name' eval 'expect 2 plan --detailed-exitcode "$LIVE_DIR/found.yaml" && has "$OUT" "3 shards, 3 nodes   3/3 nodes answer"'
	check '... become a cluster' eval 'expect 0 apply --yes "$LIVE_DIR/found.yaml" && expect 0 plan "$LIVE_DIR/found.yaml" && has "$OUT" "No changes."'
	sed -i '$d' "$LIVE_DIR/dns/hosts"
	check 'an address that vanished from the answer is still a member' eval 'expect 0 status "$LIVE_DIR/found.yaml" && has "$OUT" "3 nodes, 3 answer"'
	sed -i 's/shards: 3/shards: 4/; s/found/lost/' "$LIVE_DIR/found.yaml"
	check 'fewer addresses than nodes needed' eval 'expect 8 plan "$LIVE_DIR/found.yaml" && has "$ERR" "fleet.test" && has "$ERR" "need 4 nodes"'
	sed -i 's/fleet.test/nowhere.invalid/' "$LIVE_DIR/found.yaml"
	check 'a discovery name that does not resolve' eval 'expect 8 plan "$LIVE_DIR/found.yaml" && has "$ERR" "'\''nowhere.invalid'\'' does not resolve"'
	ROP_BIN=$ROP_REAL
else
	skip 'discovery by DNS name' 'no mount namespace for a hosts file of its own'
fi
