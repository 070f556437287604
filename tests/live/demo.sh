#!/bin/bash
# demo.sh - servers to try things on: on ports of one's own, as the next lines say, and all of it goes again
# shellcheck disable=SC2034
if [ -z "${DEMO:-}" ]; then # a network of our own: nobody else's servers, whatever their ports
	DEMO=inside exec unshare -rn bash "$0" 2>/dev/null
	echo 'skip - demo: no network namespace'
	exit 0
fi
. "$(dirname "$0")/../lib/live.sh"
if ! ip link set lo up 2>/dev/null; then
	skip 'demo' 'no ip(8)'
	exit 0
fi
if ! command -v redis-server >/dev/null && ! command -v valkey-server >/dev/null; then
	skip 'demo' 'no server in the PATH'
	exit 0
fi
unset XDG_STATE_HOME
export HOME=$LIVE_DIR
D=$LIVE_DIR/demo
runs() { [ "$(redis-cli -p "$1" PING 2>&1)" = PONG ]; }
is_gone() { ! runs "$1" && [ ! -e "$D" ]; }

check 'up, on ports of its own' eval 'expect 0 demo up --port 7300 && has "$OUT" "topology: $D/demo.yaml" && runs 7300 && runs 7305 && ! runs 7000 && grep -q "address: 127.0.0.1:7305 }" "$D/demo.yaml"'
check '... what is next goes to the same database' eval 'has "$ERR" "redis-operator plan --state $STATE $D/demo.yaml" && has "$ERR" "redis-operator demo down --state $STATE"'
check '... the file is a topology that fits a terminal' eval 'expect 0 validate "$D/demo.yaml" && [ "$(awk "length > 80" "$D/demo.yaml" | wc -l)" = 0 ]'
check '... again: they run already' eval 'expect 0 demo up --port 7300 -o json && json ".started == 0 and .servers == 6"'
check '... not another one beside it' eval 'expect 4 demo up --port 7400 && has "$ERR" "a demo with a server on 127.0.0.1:7300 is there already" && has "$ERR" "demo down" && ! runs 7400'
check '... a cluster is made of it' eval 'expect 0 apply --yes --timeout 60s "$D/demo.yaml" && expect 0 check "$D/demo.yaml"'
check '... where a folder is called like it, it is the cluster that is meant' eval 'cd "$LIVE_DIR" && expect 0 status demo && has "$OUT" "cluster demo   Ready" && expect 0 explain demo && has "$OUT" "cluster demo: Ready"'
check 'a port that somebody else has' eval 'expect 4 --state "$LIVE_DIR/other/state.db" demo up --port 7303 && has "$ERR" "something else listens on 127.0.0.1:7303 already" && has "$ERR" "demo up --port 7403" && runs 7303'
check 'ports that there are not' eval 'expect 3 demo up --port 60000 && has "$ERR" "--port: at most 55530"'
check 'down has no port' eval 'expect 3 demo down --port 7300 && has "$ERR" "down stops all that up started" && runs 7300'
check 'down' eval 'expect 0 demo down && has "$ERR" "6 servers stopped" && is_gone 7300'
check '... the database knows nothing of it' eval 'has "$ERR" "the database knows nothing of them any more" && expect 3 status demo'
check '... the next one is a new one, which lost nothing' eval 'expect 0 demo up --port 7300 && expect 0 plan "$D/demo.yaml" && has "$OUT" "Data-loss risk: none." && expect 0 demo down'
check '... again: nothing runs' eval 'expect 0 demo down && has "$ERR" "no server of a demo runs"'
