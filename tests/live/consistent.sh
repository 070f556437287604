#!/bin/bash
# consistent.sh - backup --consistent: all shards of one moment, while a client writes; the pause ends however it comes
. "$(dirname "$0")/../lib/live.sh"

keys() { python3 "$TOP/tests/lib/backup_keys.py" "$@"; }
newest() { find "$1" -mindepth 1 -maxdepth 1 -type d | sort | tail -1; }
delays() { for i in 0 1 2 3 4 5; do rcli $i CONFIG GET repl-diskless-sync-delay | tail -1; done | tr '\n' ' '; }
takes_writes() { each 'timeout 0.3 "$REDIS_CLI" -p "$(port "$i")" SET "$(key_of "$i")" x | grep -q OK' 0 1 2; }
consistent() { # consistent CODE ARG...
	local code=$1
	shift
	expect "$code" backup "$LIVE_DIR/from.yaml" --consistent --to "$LIVE_DIR/taken" "$@"
}
saves_slowly() { rcli 4 CONFIG SET rdb-key-save-delay 50 && wait_until 5 'rcli 4 BGSAVE | grep -q started'; }
into_lone() { # what the newest one holds
	each 'rcli "$i" FLUSHALL' 6 7 && expect 0 restore "$(newest "$1")" "$LIVE_DIR/lone.yaml" && keys prefix "$(port 6)" "$(port 7)"
}

fleet_up 8 || exit 1
TOPOLOGY_NAME=cart TOPOLOGY_NODES='0 1 2 3 4 5' topology "$LIVE_DIR/from.yaml" 3 1
TOPOLOGY_NAME=lone TOPOLOGY_NODES='6 7' topology "$LIVE_DIR/lone.yaml" 2 0
check 'clusters are formed' each 'expect 0 apply --yes "$LIVE_DIR/$i.yaml"' from lone
check 'with keys' keys simple "$(port 0)" 9000
W=()
for i in 0 1 2; do
	for n in {1..100}; do rcli $i SET "w$n" x | grep -q OK && break; done
	W[i]=w$n
done
key_of() { echo "${W[$1]}"; }

# ---------------------------------------------------------------- one moment

keys write "$(port 0)" "$LIVE_DIR/enough" >"$LIVE_DIR/slow" &
LIVE_JOBS+=($!)
WRITER=$!
check 'a client writes, one key after the other' wait_until 10 '[ $(($(rcli 0 DBSIZE) + $(rcli 1 DBSIZE) + $(rcli 2 DBSIZE))) -gt 10000 ]'
check 'a backup of one moment' consistent 0 -o json
check '... which says for how long writes were paused' json '.consistent and .paused_us > 0 and .paused_us < 500000'
check 'a replica writes a snapshot of its own for some seconds' saves_slowly
BEGAN=$((${EPOCHREALTIME/./} / 1000))
check 'a backup of one moment, in which the others wait for it' consistent 0 --max-pause 20s -o json
ENDED=$((${EPOCHREALTIME/./} / 1000))
check '... and so do writes' json '.consistent and .paused_us > 200000'
PAUSED=$(jq '.paused_us / 1000 | floor' "$OUT")
check '... from replicas' json '.shards | all(.replica)'
check '(it does so again)' saves_slowly
check 'a clone of one moment' expect 0 clone "$LIVE_DIR/from.yaml" "$LIVE_DIR/lone.yaml" --consistent --max-pause 20s -o json
check '... for which writes waited' json '.consistent and .paused_us > 200000'
check '... has what was written first when it has anything later' keys prefix "$(port 6)" "$(port 7)"
check '(and once more)' saves_slowly
check 'another one, of a moment for each shard' expect 0 backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/apart"
check '(it is quick again)' rcli 4 CONFIG SET rdb-key-save-delay 0
check 'writes go on' wait_until 1 takes_writes
check 'the delay is as before' test "$(delays)" = '5 5 5 5 5 5 '
check 'nothing of it is open' test "$(sqlite3 "$STATE" 'SELECT count(*) FROM temporary_setting')" = 0
touch "$LIVE_DIR/enough"
wait "$WRITER"
check 'what was written first is there when anything later is' into_lone "$LIVE_DIR/taken"
check '... which is not so without --consistent' eval '! into_lone "$LIVE_DIR/apart"'
LONGEST=$(awk -v a="$BEGAN" -v b="$ENDED" '$1 >= a && $1 <= b && $2 > most { most = $2 } END { print most + 0 }' "$LIVE_DIR/slow")
check "... a write waited for the pause ($PAUSED ms), and not much longer" test "$LONGEST" -lt $((PAUSED + 1000))
check 'it is sound' expect 0 backup verify "$(newest "$LIVE_DIR/taken")"
check 'and shown' eval 'expect 0 backup show "$(newest "$LIVE_DIR/taken")" && has "$OUT" "all shards are of one moment"'

# ---------------------------------------------------------------- given up

FOLDERS=$(find "$LIVE_DIR/taken" -mindepth 1 -maxdepth 1 | wc -l)
given_up() { [ "$(find "$LIVE_DIR/taken" -mindepth 1 -maxdepth 1 | wc -l)" = "$FOLDERS" ] && [ "$(delays)" = '5 5 5 5 5 5 ' ]; }
check 'a replica writes a snapshot of its own for a while' eval 'rcli 4 CONFIG SET rdb-key-save-delay 2000 && rcli 4 BGSAVE | grep -q started'
check 'it cannot begin in time' consistent 6 --max-pause 300ms
check '... which is said' has "$ERR" 'given up: after 300 ms'
check '... writes go on at once' wait_until 1 takes_writes
check '... and nothing is left' given_up
begin() { op_start backup "$LIVE_DIR/from.yaml" --consistent --to "$LIVE_DIR/taken" --max-pause 4s && wait_until 10 '! takes_writes'; }
check 'another one has paused writes' begin
kill -INT "$OP_PID"
op_wait
check 'interrupted, it says so' has "$ERR" 'interrupted'
check '... writes go on at once' wait_until 1 takes_writes
check '... and nothing is left' given_up
check 'another one has paused writes' begin
kill -9 "$OP_PID"
op_wait
check 'killed with -9, writes go on when the pause is over' wait_until 6 takes_writes
check '... the delay is lowered still' test "$(delays)" != '5 5 5 5 5 5 '
check '... the next apply puts it back' expect 0 apply --yes "$LIVE_DIR/from.yaml"
check '... everywhere' test "$(delays)" = '5 5 5 5 5 5 '
check '--max-pause alone' expect 3 backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/taken" --max-pause 1s
