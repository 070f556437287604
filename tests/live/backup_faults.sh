#!/bin/bash
# backup_faults.sh - what goes wrong while a backup flows: a link that stalls, a node that dies, a disk that is full
. "$(dirname "$0")/../lib/live.sh"

keys() { python3 "$TOP/tests/lib/backup_keys.py" "$@"; }
newest() { find "$1" -mindepth 1 -maxdepth 1 -type d | sort | tail -1; }
flows() { find "$1" -name "shard-$2.*part" -size +0 | grep -q .; } # flows FOLDER SHARD - some of it is on the disk
slowly() { rcli "$1" CONFIG SET rdb-key-save-delay "$2" | grep -q OK; }
take() { op_start backup "$LIVE_DIR/from.yaml" --to "$1" --compress none -o json; }

fleet_up 6 'repl-diskless-sync-delay 0' || exit 1
topology "$LIVE_DIR/from.yaml" 3 1
check 'the cluster is formed' expect 0 apply --yes "$LIVE_DIR/from.yaml"
check 'with keys' keys simple "$(port 0)" 30000 400
check 'replicas take their time' each 'slowly "$i" 500' 3 4

take "$LIVE_DIR/died"
check 'a snapshot flows' wait_until 10 'flows "$LIVE_DIR/died" 1'
check 'its replica dies, and the backup is made' eval 'node_kill9 3 && op_wait'
check '... from the primary instead' json '.shards | map(.replica) == [false, true, true]'
check '... and is sound' expect 0 backup verify "$(newest "$LIVE_DIR/died")"
check '(the replica is there again)' eval 'node_start 3 && wait_until 20 replicas_up'

take "$LIVE_DIR/stalled"
check 'a snapshot flows' wait_until 10 'flows "$LIVE_DIR/stalled" 2'
node_freeze 4
BEGAN=$SECONDS
check 'its replica stalls, and the backup is made' op_wait
check '... when nothing came for 15 s' eval '[ $((SECONDS - BEGAN)) -ge 13 ] && [ $((SECONDS - BEGAN)) -le 40 ]'
check '... from the primary instead' json '.shards | map(.replica) == [true, false, true]'
check '... and is sound' expect 0 backup verify "$(newest "$LIVE_DIR/stalled")"
node_kill9 4

check 'a primary that nobody else stands for takes its time' slowly 1 500
take "$LIVE_DIR/lost"
check 'a snapshot flows' wait_until 10 'flows "$LIVE_DIR/lost" 2'
node_kill9 1
check 'it dies, and no backup is made' eval '! op_wait'
check '... which is said' has "$ERR" "no backup was made: shard 2: the snapshot of $(address 1)"
check '... and nothing is left' test -z "$(ls -A "$LIVE_DIR/lost")"
check '(both are there again)' eval 'node_start 1 && node_start 4 && wait_until 20 replicas_up && wait_until 20 agreed'

# ---------------------------------------------------------------- a disk that is full

DISK=$LIVE_DIR/disk
mkdir "$DISK"
full() { # full SIZE ARG... - the program, in a mount namespace where the disk has that size
	local size=$1
	shift
	unshare -m bash -c 'mount -t tmpfs -o size="$1",mode=700 tmpfs "$2" || exit 99
		"${@:3}"; code=$?; ls -AR "$2" >"$2.left"; exit $code' - "$size" "$DISK" "$ROP_BIN" --state "$STATE" "$@" >"$OUT" 2>"$ERR"
}
if unshare -m true 2>/dev/null; then
	full 300k backup "$LIVE_DIR/from.yaml" --to "$DISK/taken" --compress none
	check 'the disk is full' test $? = 1
	check '... which is said' has "$ERR" 'No space left on device'
	check '... and nothing is left' test "$(grep -c shard "$DISK.left")" = 0
	full 30m backup "$LIVE_DIR/from.yaml" --to "$DISK/taken" --compress none
	check 'with room it is made' test $? = 0
else
	skip 'the disk is full' 'there are no mount namespaces here'
fi
