#!/bin/bash
# ending.sh - the daemon told to end with work in the writer, once and twice, at each kind of call
# timeout: 240
# shellcheck disable=SC2034,SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$(dirname "$0")/../lib/daemon.sh"

# Built with a sanitizer, what is touched after it was freed, or by two threads at once, ends up in a report, which
# fails the last case of live.sh. tests/run does all of it with ASan, and once more with TSan.

READ='BEGIN; SELECT count(*) FROM pass;'
fleet_up 6 || exit 1

place() { # place NAME - another database, folder and log
	STATE=$LIVE_DIR/$1/state.db CLUSTERS=$LIVE_DIR/$1/clusters.d SAID=$LIVE_DIR/$1/said
	DAEMON_PLACES=(--state "$STATE" --clusters "$CLUSTERS")
	mkdir -p "$CLUSTERS"
	chmod 0700 "$LIVE_DIR/$1"
	: >>"$SAID"
}
waits() { wait_until 20 'says "waiting for the database"'; }
at_rest() { # at_rest NAME
	wait_until 30 "expect 0 status -o json $1 && json .converged" &&
		wait_until 10 "flock -n '${STATE%/*}/$1.lock' true"
}
ends() { # ends CODES SECONDS: one of these codes, after that time at most
	wait_until "$2" "! kill -0 $DAEMON_PID" || { kill -KILL "$DAEMON_PID"; return 1; }
	daemon_wait
	local code=$?
	[[ " $1 " == *" $code "* ]] || { echo "code $code"; tail -5 "$SAID"; return 1; }
}
once() { kill -TERM "$DAEMON_PID"; }
twice() {
	kill -TERM "$DAEMON_PID"
	wait_until 5 'says msg=stopping' >/dev/null
	kill -TERM "$DAEMON_PID"
}
both() { # both NAME CODE-ONCE BEGIN: BEGIN leaves a daemon with work in the writer
	local name=$1 code=$2 begin=$3
	: >"$SAID"
	check "$name: it waits" eval "$begin && waits"
	once
	check "... told to end: code $code" ends "$code" 15
	db_leave "$STATE"
	: >"$SAID"
	"$begin" && waits >/dev/null
	twice
	# (143: the second signal met a process that had done everything but exit)
	check '... told twice: at once' ends '0 143' 5
	db_leave "$STATE"
}

# One minute after its start: history is forgotten, and names are looked up again. It is left alone until then.
place slow
TOPOLOGY_NAME=slow TOPOLOGY_NODES="{ address: localhost:$(port 0) }
{ address: localhost:$(port 1) }
{ address: localhost:$(port 2) }" topology "$CLUSTERS/slow.yaml" 3 0
slow_since=$SECONDS
daemon_start
SLOW_PID=$DAEMON_PID
at_rest slow >/dev/null
db_keep "$STATE" 'BEGIN IMMEDIATE;'

# ---------------------------------------------------------------- accepted

place many
for i in 1 2 3 4 5 6; do
	TOPOLOGY_NAME=c$i TOPOLOGY_NODES="{ address: 127.0.0.$i:1 }" topology "$CLUSTERS/c$i.yaml" 1 0
done
accepting() {
	rm -f "$STATE" && daemon_start && wait_until 10 'says msg=started' && daemon_stop # makes the database
	for i in 1 2 3 4 5 6; do sed -i "s/127.0.0.[0-9]*/127.0.0.$((RANDOM % 200 + 10))/" "$CLUSTERS/c$i.yaml"; done
	: >"$SAID"
	db_keep "$STATE" "$READ" && daemon_start
}
both 'files being accepted' 0 accepting

# ---------------------------------------------------------------- a commit, a file with errors, pauses

place cart
TOPOLOGY_NODES='3 4 5' topology "$CLUSTERS/cart.yaml" 3 0 "$MANAGED"
committing() {
	daemon_start
	at_rest cart
	wait_until 10 'mended 3' || return
	db_keep "$STATE" "$READ" && spoil 3
}
both 'a commit' 1 committing
spoil_file() {
	rm -f "$CLUSTERS/wrong.yaml"
	daemon_start
	at_rest cart
	wait_until 10 'mended 3' && at_rest cart
	db_keep "$STATE" "$READ" && printf 'spec: [ %s\n' $RANDOM >"$CLUSTERS/wrong.yaml"
}
both 'a file with errors' 0 spoil_file
rm "$CLUSTERS/wrong.yaml"
alone() {
	daemon_start
	at_rest cart
	db_keep "$STATE" 'BEGIN EXCLUSIVE;'
}
both 'pauses being read' 0 alone

# ---------------------------------------------------------------- old history, and members for names

place slow
DAEMON_PID=$SLOW_PID
check 'old history to be forgotten: it waits' wait_until 80 \
	'says "waiting for the database" && [ $((SECONDS - slow_since)) -ge 63 ]'
once
check '... and while its names are looked up again: told to end: code 0' ends 0 15
db_leave "$STATE"
