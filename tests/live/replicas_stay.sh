#!/bin/bash
# replicas_stay.sh - spec.replicaMigration: formed clusters get cluster-allow-replica-migration no; others with their first move
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
N=cluster-allow-replica-migration

shape() { # shape SHARDS NODES [YAML...]: the first so many nodes are declared
	local COUNT=$2 shards=$1
	shift 2
	topology "$F" "$shards" 1 "$@"
}
value() { [ "$(rcli "$i" CONFIG GET $N | sed -n 2p)" = "$1" ]; }
written() { [ "$(grep -c "^$N no" "$(rcli "$i" INFO server | tr -d '\r' | sed -n 's/^config_file://p')")" = 1 ]; }

fleet_up 8 'repl-diskless-sync-delay 0' || exit 1
if [ -z "$(rcli 0 CONFIG GET $N)" ]; then
	skip 'replica migration' "this server has no $N"
	exit 0
fi
shape 3 6
check 'plan of a formation shows it' eval 'expect 0 plan "$F" && has "$OUT" "$N"'
check 'three shards are formed' expect 0 apply --yes "$F"
check 'each of them has it' each 'value no' 0 1 2 3 4 5
check '... and in its file' each 'written' 0 1 2 3 4 5
check 'a second apply changes nothing' eval 'changes_begin; expect 0 apply --yes "$F" && silent && no_changes'
for i in 0 1 2 3 4 5; do rcli "$i" CONFIG SET $N yes >/dev/null; done
changes_begin
check 'a cluster in which nobody has it is left as it is' eval 'expect 0 plan "$F" && has "$OUT" "No changes" && expect 0 apply --yes "$F" && no_changes'
check 'import keeps it so' eval 'expect 0 import "$(address 0)" && has "$OUT" "replicaMigration: Keep"'
shape 4 8 'replicaMigration: Keep'
check 'Keep: a plan that moves slots leaves it alone' eval 'expect 0 plan "$F" && has "$OUT" "4096 slots to move" && lacks "$OUT" "$N"'
shape 4 8
check 'Managed: a plan that moves slots shows it' eval 'expect 0 plan "$F" && has "$OUT" "4096 slots to move" && has "$OUT" "$N"'
check 'the fourth shard gets its share' expect 0 apply --yes "$F"
check 'all have it' each 'value no' 0 1 2 3 4 5 6 7
check '... in their files too' each 'written' 0 1 2 3 4 5 6 7
