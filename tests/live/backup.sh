#!/bin/bash
# backup.sh - snapshots of a cluster: streamed, counted, proven, found damaged; and given to clusters of another shape
# timeout: 120
. "$(dirname "$0")/../lib/live.sh"

keys() { python3 "$TOP/tests/lib/backup_keys.py" "$@"; }
primaries() { # primaries FIRST N - their ports
	local i
	for ((i = $1; i < $1 + $2; i++)); do port "$i"; done
}
newest() { find "$1" -mindepth 1 -maxdepth 1 -type d | sort | tail -1; }

fleet_up 13 'enable-debug-command yes' 'repl-diskless-sync-delay 0' || exit 1
TOPOLOGY_NAME=cart TOPOLOGY_NODES='0 1 2 3 4 5' topology "$LIVE_DIR/from.yaml" 3 1
TOPOLOGY_NAME=two TOPOLOGY_NODES='6 7' topology "$LIVE_DIR/two.yaml" 2 0
TOPOLOGY_NAME=five TOPOLOGY_NODES='8 9 10 11 12' topology "$LIVE_DIR/five.yaml" 5 0
TAKEN=$LIVE_DIR/taken
check 'the cluster is formed' expect 0 apply --yes "$LIVE_DIR/from.yaml"
check 'keys of every type are there' keys fill "$(port 0)" 40
rcli 0 FUNCTION LOAD $'#!lua name=lib\nredis.register_function("f", function() return 1 end)' >/dev/null
check 'replicas have them' wait_until 10 'replicas_up'

# ---------------------------------------------------------------- taken

changes_begin
check 'a backup is made' expect 0 backup "$LIVE_DIR/from.yaml" --to "$TAKEN" -o json
check 'from replicas, with a history and an offset each' json '
	.shards | length == 3 and all(.replica and .checksum and (.replicationId | test("^[0-9a-f]{40}$")) and .offset > 0)'
KEYS=$(jq .keys "$OUT")
check 'every key is counted' test "$KEYS" = $(($(rcli 0 DBSIZE) + $(rcli 1 DBSIZE) + $(rcli 2 DBSIZE)))
A=$(newest "$TAKEN")
check 'it is whole by its name only' test "$(ls -A "$A" | tr '\n' ' ')" = 'manifest.json shard-1.rdb.zst shard-2.rdb.zst shard-3.rdb.zst '
check 'for its owner only' test "$(stat -c %a "$A" "$A"/* | sort -u | tr '\n' ' ')" = '600 700 '
check 'it is verified' expect 0 backup verify "$A"
check 'and listed so' expect 0 backup list "$TAKEN" -o json
check 'once' json ".backups | length == 1 and .[0].keys == $KEYS and .[0].verified != null"
check 'shown' expect 0 backup show "$A"
check 'stored plainly, it is what redis-check-rdb takes' expect 0 backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/plain" --compress none

# ---------------------------------------------------------------- given

check 'not into a cluster that is not formed' expect 4 restore "$A" "$LIVE_DIR/two.yaml"
check 'with what to do' has "$ERR" "redis-operator apply $LIVE_DIR/two.yaml"
check 'two shards' expect 0 apply --yes "$LIVE_DIR/two.yaml"
check 'five shards' expect 0 apply --yes "$LIVE_DIR/five.yaml"
changes_begin
check 'a dry run' expect 0 restore --dry-run "$A" "$LIVE_DIR/two.yaml"
check 'gives nothing' test "$(rcli 6 DBSIZE)$(rcli 7 DBSIZE)" = 00
check 'into two shards' expect 0 restore "$A" "$LIVE_DIR/two.yaml" -o json
check 'every key' json ".keys == $KEYS and .functions == 1 and (.targets | length) == 2"
check 'into five shards' expect 0 restore "$A" "$LIVE_DIR/five.yaml"
keys digest $(primaries 0 3) >"$LIVE_DIR/was"
keys digest $(primaries 6 2) >"$LIVE_DIR/two"
keys digest $(primaries 8 5) >"$LIVE_DIR/five"
check 'there are keys to compare' test "$(wc -l <"$LIVE_DIR/was")" = "$KEYS"
check 'two shards hold the same, key by key' same "$LIVE_DIR/was" "$LIVE_DIR/two"
check 'and five' same "$LIVE_DIR/was" "$LIVE_DIR/five"
check 'functions are everywhere' each 'rcli "$i" FUNCTION LIST | grep -q lib' 6 7 8 9 10 11 12
check 'not again: there are keys' expect 4 restore "$A" "$LIVE_DIR/two.yaml"
check 'and how many' has "$ERR" 'keys already'
