#!/bin/bash
# move.sh - slots go to new shards, and back, with their keys: under load, killed in the middle, and where others began it
# timeout: 400
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/data.sh"
. "$TOP/tests/lib/ledger.sh"
F=$LIVE_DIR/cart.yaml
KEYS=3000

shape() { # shape SHARDS NODES: the first so many nodes are declared
	local COUNT=$2
	topology "$F" "$1" 1 'migration: { atomic: Never }' # by servers: atomic.sh
}
own_slots() { rcli "$1" CLUSTER NODES | tr -d '\r' | grep myself | cut -d' ' -f9-; }
shares() { # shares N...: so many slots each primary owns, the fewest first
	local got
	got=$(for i in $(owners); do own_slots "$i" | tr ' ' '\n' | awk -F- '/^[0-9]+(-[0-9]+)?$/ { n += (NF > 1 ? $2 : $1) - $1 + 1 } END { print n + 0 }'; done | sort -n | xargs)
	[ "$got" = "$*" ] || { echo "shares are '$got', not '$*'"; return 1; }
}
closed() { # no slot is open anywhere
	local i
	for i in $(nodes_running); do
		rcli "$i" CLUSTER NODES | grep myself | grep -F '[' && return 1
	done
	return 0
}
check_agrees() { # redis-cli finds nothing wrong either
	"$REDIS_CLI" --cluster check "$(address 0)" >"$LIVE_DIR/check.out" 2>&1 && ! grep -E 'ERR|WARNING' "$LIVE_DIR/check.out"
}
whole() { agreed && closed && check_agrees && kept "$KEYS"; }

fleet_up 8 'repl-diskless-sync-delay 0' 'appendonly yes' || exit 1
shape 3 6
check 'three shards are formed' expect 0 apply --yes "$F"
check 'and hold keys' load $KEYS

# ---------------------------------------------------------------- scale out

shape 4 8
changes_begin
check 'plan says what goes where, and changes nothing' eval 'expect 0 plan "$F" && has "$OUT" "shard 1 -> shard 4" && has "$OUT" "4096 slots to move" && has "$OUT" "risk: none" && no_changes'
check 'as JSON too' eval 'expect 0 plan -o json "$F" && json ".summary.slots_to_move == 4096 and ([.changes[].action] | index(\"take-slots\")) != null"'
check 'writes go on meanwhile' ledger_start --connections 8 --rate 1500 --keys 256 --hot-slots 4096-5460 || exit
check 'a fourth shard gets its share' expect 0 apply --yes "$F"
check '... and says what was done' eval 'has "$OUT" "shard 3 -> shard 4: 1365 slots" && has "$OUT" "converged"'
check '... every shard has 4096' shares 4096 4096 4096 4096
check 'the writes end' ledger_end
check '... none is lost, doubled or out of order' ledger_verify 0
check '... all nodes agree, nothing is open' eval 'agreed && closed && check_agrees'
check 'no key is lost' eval '[ "$(for i in $(seq $KEYS); do echo GET k$i; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c "^v")" = $KEYS ]'
check 'a second apply has nothing to do' eval 'changes_begin; expect 0 apply --yes "$F" && silent && ! changes_list | grep -vE "(del|unlink) [0-9]+$"'
check 'history has a line for each run of slots' eval 'expect 0 history -n 1000 cart && lacks "$OUT" "SETSLOT" && lacks "$OUT" "MIGRATE" && n=$(grep -c "has slots [0-9]*-[0-9]* now" "$OUT") && [ "$n" -ge 64 ] && [ "$n" -le 130 ] && [ "$(grep -c "Move -> Move" "$OUT")" -le 2 ]'
check '... told in full, it has the commands, and no keys' eval 'expect 0 history -v -n 2000 cart && has "$OUT" "SETSLOT" && n=$(grep -c MIGRATE "$OUT") && [ "$n" -gt 0 ] && [ "$n" -lt 100 ]'

# ---------------------------------------------------------------- scale in, killed on the way

shape 3 8
half_moved() { [ "$(journal "SELECT count(*) FROM expectation WHERE kind = 'take-slots' AND status = 'met'")" -gt "$1" ]; }
taken() { journal "SELECT count(*) FROM expectation WHERE kind = 'take-slots' AND status = 'met'"; }
TAKEN=$(taken)
op_start apply --yes "$F"
check 'back to three: some slots have moved' wait_until 30 'half_moved $((TAKEN + 6))'
kill -INT "$OP_PID"
op_wait
CODE=$?
check 'interrupted: exit 1, and it says how to go on' eval '[ "$CODE" = 1 ] && has "$ERR" "interrupted; apply again to go on" && has "$ERR" "slots left to move"'
check '... what was open was seen through first' closed
check '... it was in the middle' eval '! shares 5461 5461 5462 >/dev/null'
TAKEN=$(taken)
op_start apply --yes "$F"
check 'gone on with: some more have moved' wait_until 30 'half_moved $((TAKEN + 6))'
kill -9 "$OP_PID"
op_wait
check 'killed: check has no error' eval 'expect 0 check "$F" || expect 1 check "$F"; ! grep -F "[ERR]" "$OUT"'
check 'killed: status knows that it was us who moved them' eval 'expect 0 status "$F" && lacks "$OUT" somebody'
check 'killed: plan goes on where it was' eval 'expect 0 plan "$F" && has "$OUT" "shard 4 -> "'
check 'the next apply goes on to the end' expect 0 apply --yes "$F"
check '... three shards have it all' shares 5461 5461 5462
check '... nothing is open, all agree' eval 'agreed && closed && check_agrees'
check '... no key is lost' eval '[ "$(for i in $(seq $KEYS); do echo GET k$i; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c "^v")" = $KEYS ]'

# ---------------------------------------------------------------- opened by others

id() { rcli "$1" CLUSTER MYID; }
slot_of_0() { own_slots 0 | tr ' ' '\n' | head -1 | cut -d- -f1; }
S=$(slot_of_0)
T=$(owners | sed -n 2p)
rcli "$T" CLUSTER SETSLOT "$S" IMPORTING "$(id 0)" >/dev/null
rcli 0 CLUSTER SETSLOT "$S" MIGRATING "$(id "$T")" >/dev/null
check 'somebody opened a slot and carried nothing: check warns' eval 'expect 0 check "$F" || expect 1 check "$F"; has "$OUT" "in migrating or importing state" && ! grep -F "[ERR]" "$OUT"'
check '... plan says once that it stays where it is' eval 'expect 0 plan "$F" && [ "$(grep -c "carried nothing" "$OUT")" = 1 ] && has "$OUT" "shard 1 -> shard 2"'
changes_begin
check '... for ten seconds it is left to whoever opened it' eval 'expect 6 apply --yes --timeout 3s "$F"; ! changes_list | grep -vE "(del|unlink) [0-9]+$"'
check '... then it is taken home' expect 0 apply --yes "$F"
check '... and is closed' eval 'closed && agreed && own_slots 0 | grep -qE "^$S(-| |$)"'

KEY=$(for i in $(seq $KEYS); do echo "CLUSTER KEYSLOT k$i"; done | "$REDIS_CLI" -p "$(port 0)" | grep -n "^[0-9]" | head -1 | cut -d: -f1)
S=$("$REDIS_CLI" -p "$(port 0)" CLUSTER KEYSLOT "k$KEY")
O=$(for i in $(owners); do "$REDIS_CLI" -p "$(port "$i")" GET "k$KEY" | grep -q '^v' && echo "$i"; done | head -1)
T=$(owners | grep -vx "$O" | head -1)
rcli "$T" CLUSTER SETSLOT "$S" IMPORTING "$(id "$O")" >/dev/null
rcli "$O" CLUSTER SETSLOT "$S" MIGRATING "$(id "$T")" >/dev/null
rcli "$O" MIGRATE 127.0.0.1 "$(port "$T")" "k$KEY" 0 5000 >/dev/null
check 'somebody carried a key and went away: it is seen through' expect 0 apply --yes "$F"
check '... nothing is open, no key is lost' eval 'agreed && closed && [ "$("$REDIS_CLI" -c -p "$(port 0)" GET "k$KEY")" = "v$KEY" ]'
check '... and the new owner is the one it was on its way to' eval 'rcli "$T" CLUSTER COUNTKEYSINSLOT "$S" | grep -qvx 0'
check 'all is well' eval 'expect 0 apply --yes "$F" && check_agrees && [ "$(for i in $(seq $KEYS); do echo GET k$i; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c "^v")" = $KEYS ]'
