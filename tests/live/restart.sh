#!/bin/bash
# restart.sh - nodes that restart, and settings that are put back whatever happens
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml

fleet_up 6 "$QUICK" 'enable-debug-command local' || exit 1
topology "$CART" 3 1
all() { # all COMMAND: for each of the six
	local i
	for i in 0 1 2 3 4 5; do "$1" $i || return; done
}

# ---------------------------------------------------------------- all at the same time, nodes.conf kept

check 'formed' formed "$CART"
ids=$(view 0 | cut -d' ' -f1 | sort)
for how in stop kill9; do
	for i in 0 1 2 3 4 5; do "node_$how" $i & done
	wait
	NODE_PID=()
	all node_launch
	nodes_wait 0 1 2 3 4 5
	changes_begin
	check "all restarted ($how): apply converges" expect 0 apply --yes "$CART"
	check "all restarted ($how): nothing had to be done, and nothing is said" silent
	check "all restarted ($how): nothing was" no_changes
	check "all restarted ($how): the same cluster" eval 'agreed && [ "$(view 0 | cut -d" " -f1 | sort)" = "$ids" ]'
done
# Restarted with something left to do: a declared setting that was never written to its file.
topology "$CART" 3 1 'settings:
  maxmemory-samples: 8'
check 'a setting is declared' expect 0 apply --yes "$CART"
node_stop 2
sed -i /maxmemory-samples/d "$LIVE_DIR/2/redis.conf"
node_start 2
check 'a node restarted without it: apply converges' expect 0 apply --yes "$CART"
check 'and says what it had to do' eval 'has "$OUT" "maxmemory-samples" && has "$OUT" "converged in" && has "$OUT" "2 steps"'

# ---------------------------------------------------------------- all lost

topology "$CART" 3 1
lose_all() {
	all node_kill9 && all node_wipe && all node_launch && nodes_wait 0 1 2 3 4 5
}
lose_all
changes_begin
check 'total loss: apply refuses' expect 4 apply --yes "$CART"
check 'total loss: it says so, and how to go on' eval 'has "$ERR" "was formed before" && has "$ERR" "onTotalLoss: Reform"'
check 'total loss: plan refuses as well' expect 4 plan "$CART"
check 'total loss: nothing was changed' no_changes
topology "$CART" 3 1 'onTotalLoss: Reform'
check 'total loss, Reform: formed anew' formed "$CART"
check 'total loss, Reform: other nodes than before' test -z "$(comm -12 <(echo "$ids") <(view 0 | cut -d' ' -f1 | sort))"
check 'total loss, Reform: a second apply changes nothing' eval 'changes_begin; expect 0 apply --yes "$CART" && no_changes'

# ---------------------------------------------------------------- one restarted while the cluster is formed

topology "$CART" 3 1
for case in 'Configure 3' 'AssignSlots 1' 'Verify 4'; do
	read -r state node <<<"$case"
	fleet_reset || exit 1
	check "node $node restarts upon $state" apply_upon "$state" "$CART"
	node_kill9 "$node"
	node_start "$node"
	kill -CONT "$OP_PID"
	end_apply
	code=$?
	check "node $node restarts upon $state: apply ends with 0, 6 or 8 ($code)" test "$code" = 0 -o "$code" = 6 -o "$code" = 8
	check "node $node restarts upon $state: settings are as they were" settings_original
	check "node $node restarts upon $state: the next apply finishes" formed "$CART"
done

# ---------------------------------------------------------------- temporary settings go back, in every outcome

outcome() { # outcome NAME CODE STATE COMMAND... - what happens to an apply that stands in STATE; then it must end with CODE
	local name=$1 code=$2 state=$3 got=0
	shift 3
	fleet_reset || exit 1
	check "$name: upon $state" apply_upon "$state" "$CART"
	check "$name: settings are lowered" step_until settings_lowered
	"$@" >"$LIVE_DIR/outcome" 2>&1 || cat "$LIVE_DIR/outcome"
	kill -CONT "$OP_PID"
	end_apply || got=$?
	check "$name: exit code $code" eval '[ "$got" = "$code" ] || { echo "$got"; cat "$OUT" "$ERR"; false; }'
	check "$name: settings are put back" settings_original
	check "$name: nothing is left pending" test "$(journal "SELECT count(*) FROM expectation WHERE status = 'pending'")" = 0
}
fleet_reset || exit 1
check 'timeout: exit code 6' expect 6 apply --yes --timeout 300ms "$CART"
check 'timeout: it says so' has "$ERR" 'not converged after 300ms'
check 'timeout: settings are put back' eval 'settings_original && journal_clean'
check 'timeout: they had been lowered' test "$(journal "SELECT count(*) FROM expectation WHERE kind = 'restore-setting' AND status = 'met'")" = 12
check 'timeout: the next apply finishes' formed "$CART"

signal() { kill "-$1" "$OP_PID"; }
outcome SIGINT 1 Verify signal INT
check 'SIGINT: it says how to go on' has "$ERR" 'interrupted; apply again to go on'
outcome SIGTERM 1 Verify signal TERM
check 'SIGTERM: the next apply finishes' formed "$CART"

outcome 'a key appears' 4 Configure rcli 4 DEBUG POPULATE 3
check 'a key appears: the node is named' has "$ERR" "$(address 4) holds 3 keys"
check 'a key appears: it was not touched' test "$(rcli 4 DBSIZE)" = 3
rcli 4 FLUSHALL >/dev/null
check 'a key appears: when it is gone, the next apply finishes' formed "$CART"

outcome 'a function appears' 4 Configure rcli 2 FUNCTION LOAD "#!lua name=mine
redis.register_function('f', function() return 1 end)"
check 'a function appears: the node is named' has "$ERR" "$(address 2)"
rcli 2 FUNCTION FLUSH >/dev/null
check 'a function appears: when it is gone, the next apply finishes' formed "$CART"

fleet_up 1
COUNT=6 # it is not declared, and not looked at
stranger() { rcli 0 CLUSTER MEET 127.0.0.1 "$(port 6)" && wait_until 5 'rcli 0 CLUSTER NODES | grep "$(port 6)@.* connected"'; }
outcome 'a foreign peer appears' 4 Verify stranger
check 'a foreign peer appears: it is named' has "$ERR" "$(address 6)"

outcome 'a node is killed' 8 Configure node_kill9 5
check 'a node is killed: it is named' has "$ERR" "$(address 5)"
check 'a node is killed: what it had is remembered' test "$(journal 'SELECT count(*) FROM temporary_setting')" = 2
node_start 5
check 'a node is killed: back again, the next apply finishes' formed "$CART"
