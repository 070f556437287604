#!/bin/bash
# complete.sh - a formation that somebody began and did not finish is finished, with the slots as they were given
# shellcheck disable=SC2034,SC2046

FLEET_TIMEOUT=2000 # what owns all its slots already keeps its timeout, and gossip follows it
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

# A round: servers as if just installed, something done by hand, then apply. Restarting all of them is quicker and
# surer than CLUSTER RESET, which the peers undo by gossip.
afresh() {
	local i
	for i in "${!NODE_PID[@]}"; do node_kill9 "$i"; done
	for ((i = 0; i < COUNT; i++)); do
		node_wipe "$i"
		node_launch "$i"
	done
	nodes_wait $(seq 0 $((COUNT - 1)))
	rm -f "$STATE"*
}

# completed NAME RANGES [TEXT...] - plan says what is left (all of TEXT), apply completes, all agree, these ranges
completed() {
	check "$1" completion "${@:2}"
}
completion() {
	local ranges=$1 text
	shift
	expect 2 plan --detailed-exitcode "$F" || return
	for text; do has "$OUT" "$text" || return; done
	has "$OUT" 'Data-loss risk: none.' || return
	expect 0 apply --yes "$F" || return
	agreed && replicas_up || return
	if [ "$(ranges 0)" != "$ranges" ]; then
		echo "slots are $(ranges 0), expected $ranges"
		return 1
	fi
	each '[ "$(rcli $i CONFIG GET cluster-node-timeout | tail -1)" = $FLEET_TIMEOUT ]' $(nodes_running) || return
	changes_begin
	expect 0 apply "$F" && silent && no_changes
}
master() { rcli "$1" CLUSTER MYID; }
meet() { rcli "$1" CLUSTER MEET 127.0.0.1 "$(port "$2")" >/dev/null; }
slots() { rcli "$1" CLUSTER ADDSLOTSRANGE "$2" "$3" >/dev/null; }
EVEN='0-5460 5461-10922 10923-16383'
known() { # known N I...: each of them knows N nodes that are no handshakes
	each "[ \"\$(rcli \$i CLUSTER NODES | grep -vc handshake)\" = $1 ]" "${@:2}"
}

check 'six servers' fleet_up 6 'repl-diskless-sync-delay 0'
topology "$F" 3 1

# ---------------------------------------------------------------- redis-cli's own steps, up to a point

epochs() { local i; for i in 0 1 2 3 4 5; do rcli $i CLUSTER SET-CONFIG-EPOCH $((i + 1)) >/dev/null; done; }
given() { slots 0 0 5460; slots 1 5461 10922; slots 2 10923 16383; }
star() { local i; for i; do meet "$i" 0; done; }

given
completed 'after ADDSLOTS on isolated primaries' "$EVEN" 'introduce 6 nodes' '0 slots to assign, 3 replicas to attach'
afresh
slots 0 0 5460
completed 'after one ADDSLOTS of three' "$EVEN" '10923 slots to assign'
afresh
given
epochs
completed 'after the epochs' "$EVEN" '0 slots to assign'
afresh
given
epochs
star 1 2 3
wait_until 10 'known 4 0' >/dev/null
completed 'after some of the MEETs' "$EVEN" '0 slots to assign'
afresh
given
epochs
star 1 2 3 4 5
wait_until 20 'known 6 0 1 2 3 4 5' >/dev/null
completed 'after all MEETs, before REPLICATE' "$EVEN" '0 nodes to introduce, 0 slots to assign, 3 replicas to attach'
afresh
given
epochs
star 1 2 3 4 5
wait_until 20 'known 6 0 1 2 3 4 5' >/dev/null
wait_until 10 'rcli 4 CLUSTER REPLICATE $(master 0) | grep -qx OK' >/dev/null
completed 'after one REPLICATE, not the one we would have chosen' "$EVEN" '2 replicas to attach'
check '... which stays' eval 'rcli 0 CLUSTER NODES | grep ":$(port 4)@" | grep -q "slave $(master 0)"'

# ---------------------------------------------------------------- redis-cli itself, killed

# killed_when NAME CONDITION - the moment the condition is seen (a slow poll may be too late; then it had finished)
killed_when() {
	afresh
	"$REDIS_CLI" --cluster create $(addresses) --cluster-replicas 1 --cluster-yes >"$LIVE_DIR/create" 2>&1 </dev/null &
	local pid=$!
	LIVE_JOBS+=("$pid")
	wait_until 10 "$2" >/dev/null
	{ kill -9 "$pid" && wait "$pid"; } 2>/dev/null
	check "redis-cli --cluster create, killed when $1: apply completes it" eval \
		'expect 0 apply --yes "$F" && agreed && replicas_up && [ "$(ranges 0)" = "$EVEN" ]'
}
killed_when 'the first slots were assigned' 'rcli 0 CLUSTER INFO | grep -q slots_assigned:5461'
killed_when 'the first two nodes had met' 'rcli 0 CLUSTER NODES | grep -vc handshake | grep -qv "^1"'
killed_when 'it waited for all to join' 'grep -q "Waiting for the cluster to join" "$LIVE_DIR/create"'
killed_when 'the first replica was attached' 'rcli 3 CLUSTER NODES | grep -q myself,slave'

# ---------------------------------------------------------------- odd ways

afresh
slots 3 0 99
completed 'one node owns 0-99 only: it keeps them, and becomes a primary' '0-5460 5461-10922 10923-16383' 'slots 100-5460'
check '... the node is one of the three primaries' eval 'rcli 3 CLUSTER NODES | grep myself | grep -q "master .*0-5460"'
afresh
slots 5 16000 16383
slots 4 8000 8099
completed 'pieces here and there' "$EVEN" 'slots 5461-7999 8100-10922' 'slots 10923-15999'
afresh
meet 4 5
wait_until 10 'known 2 4 5' >/dev/null
completed 'two nodes MET, by hand' "$EVEN" 'introduce 4 nodes to the others'
afresh
meet 1 4
wait_until 10 'known 2 1 4' >/dev/null
wait_until 10 'rcli 4 CLUSTER REPLICATE $(master 1) | grep -qx OK' >/dev/null
completed 'a replica of a primary without slots' "$EVEN" 'introduce 4 nodes to the others'
check '... two groups, each with slots, but no keys' eval 'afresh; meet 0 1; meet 2 3; slots 0 0 99; slots 2 200 299; wait_until 10 "known 2 0 1 2 3"'
completed '... are joined, each keeps its slots' '0-199 200-299 300-5460 5461-10922 10923-16383' '16184 slots to assign'
afresh
slots 0 0 8191
slots 1 8192 16383
check 'all slots given to two of three primaries: the third gets its share of them' eval \
	'expect 0 apply --yes "$F" && agreed && replicas_up && has "$OUT" "-> shard" && [ "$(rcli 0 CLUSTER NODES | grep -c "master.*connected [0-9]")" = 3 ]'
