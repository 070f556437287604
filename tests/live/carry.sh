#!/bin/bash
# carry.sh - keys on their way: what a target that dies takes with it, kills under a ledger, large keys, a rate
# timeout: 400
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/data.sh"
. "$TOP/tests/lib/ledger.sh"
F=$LIVE_DIR/cart.yaml
KEYS=12000
RATE=3000
BATCH=$((RATE / 20)) # keys that travel at a time under that rate

shape() { # shape SHARDS NODES [YAML]
	local COUNT=$2
	topology "$F" "$1" 1 "${@:3}"
}
dbsize() { rcli "$1" DBSIZE; }
closed() {
	local i
	for i in $(nodes_running); do
		rcli "$i" CLUSTER NODES | grep myself | grep -F '[' && return 1
	done
	return 0
}
in_all() { # keys that primaries with slots have
	local i n=0
	for i in $(owners); do n=$((n + $(dbsize "$i"))); done
	echo "$n"
}
well() { agreed && closed && "$REDIS_CLI" --cluster check "$(address 0)" | grep -vqE 'ERR|WARNING'; }

fleet_up 8 'repl-diskless-sync-delay 0' 'appendonly yes' || exit 1
shape 3 6
check 'three shards are formed' expect 0 apply --yes "$F"
check 'and hold keys' "$TOP/tests/bench/fill.py" $KEYS 100 $(for i in $(owners); do address "$i"; done)

# ---------------------------------------------------------------- the target dies in mid-chunk, its replica cut off before

target() { # of the new shard: who leads it, and its replica
	for i in 6 7; do
		rcli $i ROLE | head -1 | grep -q master && T=$i || R=$i
	done
	[ -n "$T" ] && [ -n "$R" ] && rcli "$R" INFO replication | grep -q 'master_link_status:up'
}
at_least() { [ "$(dbsize "$T")" -ge "$1" ]; }
cut_off() {
	rcli "$R" CONFIG SET masteruser nobody && rcli "$R" CONFIG SET masterauth nothing && rcli "$R" CLIENT KILL TYPE master &&
		wait_until 5 'rcli "$R" INFO replication | grep -q master_link_status:down'
}
stands_still() {
	local before=-1 now
	while now=$(dbsize "$T") && [ "$now" != "$before" ]; do
		before=$now
		stays 1 true || return
	done
}
T='' R=''
shape 4 8 "migration: { profile: fast, rate: $RATE }"
op_start apply --yes "$F"
check 'a fourth shard gets keys' eval 'wait_until 30 target && wait_until 30 "at_least 500"'
check '... at the declared rate' eval 'a=$(dbsize "$T") && stays 1 true && b=$(dbsize "$T") && echo $((b - a)) && [ $((b - a)) -le $((RATE * 13 / 10)) ] && [ $((b - a)) -ge 200 ]'
check '... until its replica is cut off' eval 'cut_off && stands_still'
ALONE=$(($(dbsize "$T") - $(dbsize "$R")))
echo "# say: $ALONE keys are with the target alone, of batches of $BATCH"
check '... then no more than one batch of each source is with the target alone' [ "$ALONE" -le $((3 * BATCH)) ]
node_kill9 "$T"
rcli "$R" CONFIG SET masteruser '' >/dev/null
rcli "$R" CONFIG SET masterauth '' >/dev/null
check 'the target dies: its replica takes over' wait_until 30 'rcli "$R" ROLE | head -1 | grep -q master'
node_start "$T"
check 'it comes back as a replica, and apply goes on to the end' eval 'op_wait && has "$OUT" converged'
LOST=$((KEYS - $(in_all)))
echo "# say: $LOST of $KEYS keys are lost"
check '... nothing but that batch is lost' [ "$LOST" -le "$ALONE" ]
check '... nothing is open, all agree' wait_until 10 well

# ---------------------------------------------------------------- all at once, with AOF, under the ledger

shape 3 8 "migration: { profile: fast, rate: $RATE }"
check 'writes go on' ledger_start --connections 8 --rate 1500 --keys 256 --hot-slots 4096-5460 || exit
TAKEN=$(journal "SELECT count(*) FROM expectation WHERE kind = 'take-slots' AND status = 'met'")
op_start apply --yes "$F"
check 'back to three: some slots have moved' \
	wait_until 30 '[ "$(journal "SELECT count(*) FROM expectation WHERE kind = '\''take-slots'\'' AND status = '\''met'\''")" -gt $((TAKEN + 3)) ]'
kill -9 "$OP_PID"
op_wait
for i in 0 "$R" "$T"; do node_kill9 "$i"; done
for i in 0 "$R" "$T"; do node_start "$i"; done
check 'killed with a source, the target and a replica, which come back: apply goes on to the end' expect 0 apply --yes "$F"
check '... the writes end' ledger_end
check '... none is lost, doubled or out of order' ledger_verify 0
check '... nothing is open, all agree' wait_until 10 well

# ---------------------------------------------------------------- a large key

BIG=$(printf 'big\x1b[31mkey')
large_in() { # a name with a control character, in a slot that is to move
	local n slot
	for n in $(seq 2000); do
		slot=$(rcli 0 CLUSTER KEYSLOT "$BIG:$n")
		[ "$slot" -ge 4096 ] && [ "$slot" -le 5460 ] && break
	done
	BIG=$BIG:$n SLOT=$slot
	"$REDIS_CLI" -c -p "$(port 0)" SETRANGE "$BIG" 5999999 x | tail -1
}
fleet_up 2 'repl-diskless-sync-delay 0' 'appendonly yes' || exit 1
check 'a key of six megabytes' eval '[ "$(large_in)" = 6000000 ]'
large_in >/dev/null
shape 4 10 'migration: { profile: fast }'
check 'it is not moved, and is named' eval '! op apply --yes --timeout 30s "$F" >"$OUT" 2>"$ERR" && cat "$OUT" "$ERR" >"$TOLD" && tells "a large key: " "key:" "of slot $SLOT has 6." "largeKeys: Move" && ! grep -q "$(printf "\x1b")" "$TOLD"'
check '... and stays where it is' eval '[ "$("$REDIS_CLI" -c -p "$(port 0)" STRLEN "$BIG")" = 6000000 ]'
check '... all other keys of its slots are over' eval '[ "$(for i in 0 1 2 3 4 5 6 7; do rcli $i CLUSTER COUNTKEYSINSLOT "$SLOT"; done | sort -n | tail -1)" = 1 ]'
shape 4 10 'migration: { profile: fast, largeKeys: Move }'
check 'declared so, it is moved' expect 0 apply --yes "$F"
check '... whole' eval '[ "$("$REDIS_CLI" -c -p "$(port 0)" STRLEN "$BIG")" = 6000000 ]'
check '... nothing is open, all agree' wait_until 10 well
check '... and no key is lost' eval '[ "$(in_all)" -ge $((KEYS - LOST + 1)) ]'
