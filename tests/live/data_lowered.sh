#!/bin/bash
# data_lowered.sh - killed while settings are lowered, and the database lost: they are put back all the same
# timeout: 120
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/data.sh"
FLEET_TIMEOUT=3000
F=$LIVE_DIR/cart.yaml

timeouts() { # of all running nodes, each value once
	local i
	for i in $(nodes_running); do rcli "$i" CONFIG GET cluster-node-timeout | tail -1; done | sort -u | xargs
}
timeouts_are() {
	local got
	got=$(timeouts)
	[ "$got" = "$1" ] && return
	echo "cluster-node-timeout: $got, not $1"
	return 1
}
interrupted() { # interrupted STATE [YAML...] - killed when it was there, and the database is gone
	local state=$1
	shift
	fleet_down
	rm -rf "$STATE"* "$LIVE_DIR"/*.lock
	fleet_up 6 "$QUICK" && topology "$F" 3 1 "$@" && apply_upon "$state" "$F" || return
	kill -9 "$OP_PID"
	end_apply
	rm -f "$STATE"* "$LIVE_DIR"/*.lock
	[ "$(timeouts)" != 3000 ]
}

for state in AssignSlots Replicate Verify; do
	check "killed in $state while settings are lowered, the database lost" interrupted $state
	check '... plan says that the node timeout goes back' eval 'told "0|2" plan "$F" && tells cluster-node-timeout 3000'
	check '... apply brings it to the end' eval 'told 0 apply --yes "$F" && wait_until 10 "agreed && replicas_up"'
	check '... every node timeout is what it was' timeouts_are 3000
	check '... nothing is left to do' eval 'told 0 plan --detailed-exitcode "$F" && tells "No changes."'
done

check 'again, and a person declares another value' eval \
	'interrupted Verify && topology "$F" 3 1 "settings: { cluster-node-timeout: 4000 }"'
check '... which wins' eval 'told 0 apply --yes "$F" && timeouts_are 4000'

check 'again; the daemon finds it' interrupted Verify 'intervals: { observe: 200ms }'
wait_until 10 'agreed && replicas_up' >/dev/null
cp "$F" "$CLUSTERS/cart.yaml"
daemon_start
check '... it says so, or puts it back' eval \
	'wait_until 10 "timeouts_are 3000 || says cluster-node-timeout" || { tail -20 "$SAID"; false; }'
check '... and ends' daemon_stop
check 'a value that fits no original is left alone' eval \
	'for i in 0 1 2 3 4 5; do rcli $i CONFIG SET cluster-node-timeout 2500 >/dev/null; done; told 0 apply --yes "$F" &&
		timeouts_are 2500'
