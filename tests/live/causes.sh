#!/bin/bash
# causes.sh - the cause is said, not what follows from it: TLS, protected mode, a primary that is looked for elsewhere
# timeout: 120
# shellcheck disable=SC2034
if [ -z "${CAUSES:-}" ]; then # a network of our own: addresses, and nobody else's
	CAUSES=inside exec unshare -rn bash "$0" 2>/dev/null
	echo 'skip - causes: no network namespace'
	exit 0
fi
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=1000
if ! ip link set lo up 2>/dev/null; then
	skip 'causes' 'no ip(8)'
	exit 0
fi
export FLEET_RECORD=no

# ---------------------------------------------------------------- TLS

tls_lines() {
	printf '%s\n' "tls-cert-file $LIVE_DIR/c.pem" "tls-key-file $LIVE_DIR/k.pem" "tls-ca-cert-file $LIVE_DIR/c.pem" 'tls-auth-clients no' \
		'tls-cluster yes' 'tls-replication yes'
}
listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
tls_only() { # a server that speaks nothing else, by hand: the library asks plainly
	mkdir -p "$LIVE_DIR/tls"
	{
		printf '%s\n' 'port 0' "tls-port $(port 90)" 'bind 127.0.0.1' "dir $LIVE_DIR/tls" 'cluster-enabled yes' 'save ""'
		tls_lines
	} >"$LIVE_DIR/tls/redis.conf"
	(cd "$LIVE_DIR/tls" && exec "$REDIS_SERVER" "$LIVE_DIR/tls/redis.conf" >>log 2>&1 </dev/null) &
	LIVE_JOBS+=($!)
	disown $!
	wait_until 10 "listens $(port 90)" >/dev/null
}
ports_take
if ! openssl req -x509 -newkey rsa:2048 -nodes -keyout "$LIVE_DIR/k.pem" -out "$LIVE_DIR/c.pem" -days 2 -subj /CN=localhost >/dev/null 2>&1; then
	skip 'TLS' 'no openssl(1)'
elif ! tls_only; then
	skip 'TLS' 'this server does not speak it'
else
	TOPOLOGY_NODES="{ address: $(address 90) }" topology "$F" 1 0
	TOPOLOGY_NODES=
	for command in plan 'apply --yes --timeout 5s'; do
		check "${command%% *}: a port that speaks TLS only is called one" eval \
			'expect 8 $command "$F" && has "$ERR" "$(address 90) does not answer: it speaks TLS" && has "$ERR" tls-port'
	done
	check '... check and status, too' eval 'expect 1 check "$F"; has "$OUT" "it speaks TLS" && expect 0 status "$F" && has "$OUT" "it speaks TLS"'
	for i in 0 1 2; do
		# shellcheck disable=SC2046
		mapfile -t lines < <(tls_lines)
		fleet_up 1 "tls-port $(($(port $i) + 50))" "${lines[@]}"
	done
	topology "$F" 3 0
	check 'plain ports beside it, and TLS among the servers: the bus is where the nodes say' eval \
		'expect 0 apply --yes --timeout 30s "$F" && agreed && expect 0 check "$F"'
	fleet_down
fi
rm -f "$STATE"*

# ---------------------------------------------------------------- protected mode, among servers

far_up() { # far_up I: on 127.0.1.I, whence its packets leave, too
	mkdir -p "$LIVE_DIR/far$1"
	local tls=()
	[ -s "$LIVE_DIR/tls/log" ] && tls=(--tls-cert-file "$LIVE_DIR/c.pem" --tls-key-file "$LIVE_DIR/k.pem" --tls-ca-cert-file "$LIVE_DIR/c.pem")
	(cd "$LIVE_DIR/far$1" && exec "$REDIS_SERVER" --port 6379 --bind "127.0.1.$1" --bind-source-addr "127.0.1.$1" --cluster-enabled yes \
		--save '' --cluster-node-timeout 1000 --repl-diskless-sync-delay 0 "${tls[@]}" >>log 2>&1 </dev/null) &
	LIVE_JOBS+=($!)
	disown $!
}
far() { timeout 5 "$REDIS_CLI" -h "127.0.1.$1" "${@:2}"; }
far_up 1
far_up 2
check 'two servers that are each on an address of its own' wait_until 10 'each "far \$i PING | grep -q PONG" 1 2'
COUNT=0
TOPOLOGY_NODES='{ address: 127.0.1.1:6379 }
{ address: 127.0.1.2:6379 }' topology "$F" 1 1
if far 1 INFO server | grep -q '^redis_version:7\.0\.'; then
	check 'apply: the replica of a protected primary is told as such' eval \
		'expect 6 apply --yes --timeout 5s "$F"; has "$ERR" "127.0.1.2:6379: its link to its primary 127.0.1.1:6379 is down: that one is in protected mode" && has "$ERR" "protected-mode no"'
	check '... check, too' eval 'expect 1 check "$F"; has "$OUT" "that one is in protected mode"'
else
	skip 'a protected primary' 'from 7.2 on all of 127.0.0.0/8 is taken for local, and we are let in from nowhere else'
	check 'who comes from there is let in: nothing is warned of' eval 'expect 0 plan "$F" && lacks "$ERR" "protected mode"'
fi
for i in 1 2; do far $i CONFIG SET protected-mode no >/dev/null; done
check 'put right it converges, and nothing is warned of' eval \
	'expect 0 apply --yes --timeout 30s "$F" && expect 0 plan "$F" && lacks "$ERR" "protected mode"'

# ---------------------------------------------------------------- what a replica is told of its primary

down() { far 2 INFO replication | grep -q master_link_status:down; }
break_off() { far 1 CLIENT KILL TYPE replica >/dev/null; wait_until 15 "${1:-down}"; }
far 1 CONFIG SET cluster-announce-port 7777 >/dev/null
wait_until 15 'far 2 CLUSTER NODES | grep -q ":7777@"' >/dev/null
check 'a replica that looks for its primary at a port that nobody listens on' eval \
	'break_off && expect 6 apply --yes --timeout 2s "$F"; has "$ERR" "it looks for it at port 7777, as that one announces (cluster-announce-port)" && has "$ERR" "CONFIG SET cluster-announce-port 0\` on 127.0.1.1:6379"'
far 1 CONFIG SET cluster-announce-port 0 >/dev/null
check '... put right it converges' expect 0 apply --yes --timeout 30s "$F"
if [ "$(far 2 CONFIG SET tls-replication yes)" = OK ]; then
	check 'a replica that speaks TLS to a primary that has no port for it' eval \
		'break_off && expect 6 apply --yes --timeout 2s "$F"; has "$ERR" "it speaks TLS to its primary (tls-replication yes), which has no port for it (tls-port 0)"'
	far 2 CONFIG SET tls-replication no >/dev/null
	far 1 CLIENT KILL TYPE normal SKIPME yes >/dev/null # it would wait for an answer to its handshake
	check '... put right it converges' expect 0 apply --yes --timeout 30s "$F"
else
	skip 'a replica that speaks TLS' 'this server does not'
fi
