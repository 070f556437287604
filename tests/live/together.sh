#!/bin/bash
# together.sh - several processes at once: one changes a cluster, others look, and other clusters are not held up
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1

# ---------------------------------------------------------------- one writer per cluster

begin_apply "$CART"
check 'an apply is under way' upon Configure
changes_begin
check 'a second one is refused' expect 5 apply --yes "$CART"
check 'it names the pid' has "$ERR" "pid $OP_PID "
check 'and the command and its start' eval 'grep -qE "\(apply, since 20[0-9]{2}-[0-9]{2}-[0-9]{2} [0-9]{2}:[0-9]{2}:[0-9]{2}\)" "$ERR" || { cat "$ERR"; false; }'
since=$(sed -n 's/.*since \(.*\))$/\1/p' "$ERR")
check 'the start is true' eval '[ $(($(date +%s) - $(date -d "$since" +%s))) -lt 30 ]'
check 'it changed nothing' no_changes
check 'stdout stays empty' test ! -s "$OUT"
check 'another path to the same database is the same lock' eval 'ln -s "$LIVE_DIR" "$LIVE_DIR.link" && ! "$ROP_BIN" --state "$LIVE_DIR.link/state.db" apply --yes "$CART" 2>"$ERR"; rm -f "$LIVE_DIR.link"; has "$ERR" "pid $OP_PID "'

# ---------------------------------------------------------------- looking beside it

# The holder stands still: looking must not wait for it to go on. (Not in the middle of a transaction, though: for that
# the others wait, and give up after five seconds.)
while ! sqlite3 -cmd '.timeout 0' "$STATE" 'BEGIN IMMEDIATE; ROLLBACK' 2>/dev/null; do
	kill -CONT "$OP_PID"
	kill -STOP "$OP_PID"
done
changes_begin
quick() { # quick MS CODES COMMAND...
	local limit=$1 codes=$2 began=${EPOCHREALTIME/./} took code=0
	shift 2
	op "$@" >"$OUT" 2>"$ERR" </dev/null || code=$?
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	[ "$took" -le "$limit" ] && [[ " $codes " == *" $code "* ]] && return
	echo "exit code $code (allowed: $codes), it took $took ms"
	cat "$OUT" "$ERR"
	return 1
}
for command in plan status explain; do
	check "$command beside an apply that stands still" quick 3000 0 "$command" "$CART"
done
check 'check beside it' quick 3000 '0 1' check "$CART"
check 'history beside it' quick 3000 0 history cart
check 'looking changed nothing' no_changes
kill -9 "$OP_PID"
end_apply
check 'after kill -9 of the holder the lock is free' formed "$CART"

fleet_reset || exit 1
op_start apply --yes "$CART"
looks=0
while kill -0 "$OP_PID" 2>/dev/null; do
	for command in "status $CART" "plan -o json $CART" 'history cart'; do
		began=${EPOCHREALTIME/./}
		# shellcheck disable=SC2086
		op $command >"$LIVE_DIR/look" 2>&1
		code=$?
		took=$(((${EPOCHREALTIME/./} - began) / 1000))
		looks=$((looks + 1))
		[ "$took" -gt 3000 ] && not_ok "$command beside an apply" "took $took ms"
		case $code in
		0 | 4 | 8) ;; # before there is a database history knows no cluster; plan may see a state that it refuses
		3) [[ $command == history* ]] || not_ok "$command beside an apply" "$(cat "$LIVE_DIR/look")" ;;
		*) not_ok "$command beside an apply: exit code $code" "$(cat "$LIVE_DIR/look")" ;;
		esac
	done
done
op_wait
check "the apply was not disturbed by $looks looks" eval 'code=$?; [ $code = 0 ] || { cat "$ERR"; false; }'
check 'and all is well' eval 'wait_until 5 agreed && settings_original && journal_clean'
check 'the servers saw one formation' test "$(total meet) $(total addslotsrange) $(total replicate)" = '15 3 3'

# ---------------------------------------------------------------- two clusters in one database

fleet_reset || exit 1
half() { # half NAME FIRST: three of the nodes
	local count=$COUNT i
	{
		echo "apiVersion: redis-operator/v1"
		echo "kind: RedisCluster"
		echo "metadata: { name: $1 }"
		echo "spec:"
		echo "  shards: 3"
		echo "  replicasPerShard: 0"
		echo "  nodes:"
		for ((i = $2; i < $2 + 3; i++)); do echo "    - { address: $(address $i) }"; done
	} >"$LIVE_DIR/$1.yaml"
}
half left 0
half right 3
begin_apply "$LIVE_DIR/left.yaml"
check 'left is being applied' upon Configure
check 'and is locked' expect 5 apply --yes "$LIVE_DIR/left.yaml"
kill -CONT "$OP_PID"
check 'right is not' expect 0 apply --yes "$LIVE_DIR/right.yaml"
end_apply
check 'left succeeds too' test $? = 0

codes=
for round in 1 2 3; do
	fleet_reset || exit 1
	op apply --yes "$LIVE_DIR/left.yaml" >"$LIVE_DIR/left.out" 2>&1 &
	left=$!
	op apply --yes "$LIVE_DIR/right.yaml" >"$LIVE_DIR/right.out" 2>&1 &
	right=$!
	LIVE_JOBS+=("$left" "$right")
	wait "$left"
	codes+=" $?"
	wait "$right"
	codes+=" $?"
done
check 'two clusters applied at the same moment, three times' eval '[ "$codes" = " 0 0 0 0 0 0" ] || { echo "$codes"; cat "$LIVE_DIR"/left.out "$LIVE_DIR"/right.out; false; }'
check 'neither is left with anything' eval 'settings_original && journal_clean'
check 'status of all lists both' eval 'expect 0 status && has "$OUT" "cluster left" && has "$OUT" "cluster right"'
check 'each has its history' eval 'expect 0 history left && has "$OUT" ADDSLOTSRANGE && ! grep -q "$(address 3)" "$OUT"'
