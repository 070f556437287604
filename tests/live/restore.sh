#!/bin/bash
# restore.sh - a restore that is interrupted is gone on with: killed, out of memory, targets that die; clients are named
# timeout: 150
. "$(dirname "$0")/../lib/live.sh"

keys() { python3 "$TOP/tests/lib/backup_keys.py" "$@"; }
newest() { find "$1" -mindepth 1 -maxdepth 1 -type d | sort | tail -1; }
held() { # held I... - keys of these, in all
	local i sum=0
	for i; do sum=$((sum + $(rcli "$i" DBSIZE))); done
	echo "$sum"
}
digest() { # digest FILE I... - into the file
	local file=$1 i ports=()
	shift
	for i; do ports+=("$(port "$i")"); done
	keys digest "${ports[@]}" >"$file"
}
empty() { each 'rcli "$i" FLUSHALL && rcli "$i" FUNCTION FLUSH' "$@"; }
give() { # it is stopped at once, and by each `part`
	op_start restore "$A" "$LIVE_DIR/$1.yaml"
	kill -STOP "$OP_PID"
}
part() { # part PERCENT I... - it goes on until so many keys are there
	local percent=$1 i ports=()
	shift
	for i; do ports+=("$(port "$i")"); done
	keys until "$OP_PID" $((KEYS * percent / 100 + 1)) "${ports[@]}"
}
go_on() { kill -CONT "$OP_PID"; }

FLEET_TIMEOUT=3000 fleet_up 13 'enable-debug-command yes' 'repl-diskless-sync-delay 0' 'save ""' || exit 1
TOPOLOGY_NAME=cart TOPOLOGY_NODES='0 1 2' topology "$LIVE_DIR/from.yaml" 3 0
TOPOLOGY_NAME=four TOPOLOGY_NODES='3 4 5 6 7 8 9 10' topology "$LIVE_DIR/four.yaml" 4 1
TOPOLOGY_NAME=lone TOPOLOGY_NODES='11 12' topology "$LIVE_DIR/lone.yaml" 2 0
check 'clusters are formed' each 'expect 0 apply --yes "$LIVE_DIR/$i.yaml"' from four lone
check 'keys of every type are there' keys fill "$(port 0)" 30
check 'and many' keys simple "$(port 0)" 100000
rcli 0 FUNCTION LOAD $'#!lua name=lib\nredis.register_function("f", function() return 1 end)' >/dev/null
check 'a backup is made' expect 0 backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/taken"
A=$(newest "$LIVE_DIR/taken")
KEYS=$(held 0 1 2)
digest "$LIVE_DIR/was" 0 1 2
mapfile -t LEADERS < <(for i in {3..10}; do rcli $i ROLE | head -1 | grep -q master && echo $i; done)

# ---------------------------------------------------------------- killed six times, one time after the other

killed() { # killed PERCENT - it is, when so many keys are there
	give four
	part "$1" "${LEADERS[@]}" || return 1
	kill -9 "$OP_PID"
	! op_wait && [ -e "$LIVE_DIR/four.restore" ]
}
for percent in 0 15 35 55 75 90; do
	check "killed with -9 when it has given $percent % of the keys" killed "$percent"
done
check 'a part is there' eval '[ "$(held "${LEADERS[@]}")" -lt "$KEYS" ]'
check 'a backup of its own is not given into it' expect 0 backup "$LIVE_DIR/four.yaml" --to "$LIVE_DIR/others"
check '... refused' expect 4 restore "$(newest "$LIVE_DIR/others")" "$LIVE_DIR/four.yaml"
check '... with what to do' has "$ERR" "restore $A four"
check 'nobody else goes on: another database' eval "! '$ROP_BIN' --state '$LIVE_DIR/else/state.db' restore '$A' '$LIVE_DIR/four.yaml' >'$OUT' 2>'$ERR'"
check '... knows nothing of it' has "$ERR" 'keys already'
check 'the same restore goes on to the end' expect 0 restore "$A" "$LIVE_DIR/four.yaml" -o json
check 'with every key' json ".keys == $KEYS and .functions == 1"
check 'and it says so' has "$ERR" 'going on with the restore'
digest "$LIVE_DIR/four" "${LEADERS[@]}"
check 'it holds the same, key by key' same "$LIVE_DIR/was" "$LIVE_DIR/four"
check 'that is over' test ! -e "$LIVE_DIR/four.restore"
check 'and not begun again' expect 4 restore "$A" "$LIVE_DIR/four.yaml"

# ---------------------------------------------------------------- a primary dies, and its replica leads

check '(it is empty again)' empty "${LEADERS[@]}"
D=${LEADERS[0]}
give four
check 'a primary dies while it is loaded' eval 'part 20 "${LEADERS[@]}" && node_kill9 "$D" && go_on'
check 'its replica leads, and the restore goes on to the end' op_wait
check 'which was told' has "$ERR" 'waiting for a primary to go on with'
mapfile -t LEADERS < <(for i in {3..10}; do [ "$i" != "$D" ] && rcli $i ROLE | head -1 | grep -q master && echo $i; done)
check 'with every key' eval '[ "$(held "${LEADERS[@]}")" = "$KEYS" ]'
digest "$LIVE_DIR/four" "${LEADERS[@]}"
check 'it holds the same, key by key' same "$LIVE_DIR/was" "$LIVE_DIR/four"

# ---------------------------------------------------------------- without room

check 'too small a server' rcli 11 CONFIG SET maxmemory 5mb
check 'is refused' expect 4 restore "$A" "$LIVE_DIR/lone.yaml"
check '... by its maxmemory' has "$ERR" 'its maxmemory is'
check '... before anything is given' eval '[ "$(held 11 12)" = 0 ] && [ ! -e "$LIVE_DIR/lone.restore" ]'
check '(it is larger)' rcli 11 CONFIG SET maxmemory 0
give lone
check 'one that becomes full' eval 'part 10 11 12 && rcli 11 CONFIG SET maxmemory 1mb && go_on'
check '... ends it' eval '! op_wait'
check '... clearly' has "$ERR" 'maxmemory'
check '... with what goes on' has "$ERR" "restore $A lone"
check '(it is larger)' rcli 11 CONFIG SET maxmemory 0

# ---------------------------------------------------------------- clients write meanwhile

MINE=$(rcli 11 --raw RANDOMKEY | head -1)
while [[ $MINE != key:* ]]; do MINE=$(rcli 11 --raw RANDOMKEY | head -1); done
check 'a client writes a key of the backup' rcli 11 SET "$MINE" mine
check 'it is not gone on with' expect 4 restore "$A" "$LIVE_DIR/lone.yaml"
check '... the key is named' has "$ERR" "key '$MINE' is there with another value"
check '... and is the client'"'"'s still' test "$(rcli 11 GET "$MINE")" = mine
check '(it removes the key)' rcli 11 DEL "$MINE"
check 'a server is started again, from its disk' eval 'rcli 11 SAVE && node_kill9 11 && node_start 11 && wait_until 20 "agreed 11 12"'
FOREIGN=
for n in {1..200}; do rcli 11 SET "foreign:$n" x | grep -q OK && FOREIGN=foreign:$n && break; done
check 'a client writes another key' test -n "$FOREIGN"
check 'what is there is compared, and the key found' expect 1 restore "$A" "$LIVE_DIR/lone.yaml"
check '... its slot is named' has "$ERR" "the slots $(rcli 11 CLUSTER KEYSLOT "$FOREIGN") do not hold"
check '(it removes the key)' rcli 11 DEL "$FOREIGN"
check 'then it is whole' expect 0 restore "$A" "$LIVE_DIR/lone.yaml"
digest "$LIVE_DIR/lone" 11 12
check 'key by key' same "$LIVE_DIR/was" "$LIVE_DIR/lone"

# ---------------------------------------------------------------- cloned, with nothing on a disk

check 'not into one that holds keys' expect 4 clone "$LIVE_DIR/from.yaml" "$LIVE_DIR/lone.yaml"
check '... which is said' has "$ERR" 'a clone goes into an empty cluster'
check '(it is empty again)' empty 11 12
check 'a clone' expect 0 clone "$LIVE_DIR/from.yaml" "$LIVE_DIR/lone.yaml" -o json
check 'of every key' json ".keys == $KEYS and .functions == 1 and (.targets | length) == 2"
digest "$LIVE_DIR/lone" 11 12
check 'holds the same, key by key' same "$LIVE_DIR/was" "$LIVE_DIR/lone"
check 'functions too' each 'rcli "$i" FUNCTION LIST | grep -q lib' 11 12
check '(it is empty again)' empty 11 12
op_start clone "$LIVE_DIR/from.yaml" "$LIVE_DIR/lone.yaml"
kill -STOP "$OP_PID"
check 'one of its primaries dies meanwhile' eval 'part 20 11 12 && node_kill9 12 && go_on'
check '... it ends' eval '! op_wait'
check '... clearly' has "$ERR" 'lone is no clone of cart'
check '(it is there again, and empty)' eval 'node_start 12 && wait_until 20 "agreed 11 12" && empty 11 12'

# ---------------------------------------------------------------- a primary dies that nobody follows

check '(it is empty again)' empty 11 12
give lone
check 'a primary dies that has no replica' eval 'part 20 11 12 && node_kill9 12 && go_on'
check '... it ends' eval '! op_wait'
check '... soon, and clearly' has "$ERR" 'goes on with it'
