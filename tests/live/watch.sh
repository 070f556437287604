#!/bin/bash
# watch.sh - what is said while one waits: status --watch, and the progress of an apply that has to wait
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1
check 'formed' formed "$CART"

# ---------------------------------------------------------------- status --watch

watch_start() { # (bash starts background jobs with INT ignored: hence env)
	env --default-signal=INT "$ROP_BIN" --state "$STATE" status --watch "$@" >"$OUT" 2>"$ERR" </dev/null &
	OP_PID=$!
	LIVE_JOBS+=("$OP_PID")
}
changes_begin
watch_start "$CART"
check 'status --watch prints again and again' wait_until 10 '[ "$(grep -c "^cluster cart" "$OUT")" -ge 3 ]'
check 'whole screens' eval '[ "$(grep -c "nothing stands in the way" "$OUT")" -ge 2 ]'
check 'without control characters, not being on a terminal' eval '! grep -q "$(printf "\033")" "$OUT"'
node_stop 5
check 'it shows a node that went away' wait_until 10 'grep -q "$(address 5) .*silent" "$OUT"'
kill -INT "$OP_PID"
began=$SECONDS
op_wait
check 'SIGINT ends it' eval 'code=$?; [ $code = 130 ] || [ $code = 0 ] || { echo "exit code $code"; false; }'
check 'at once' test $((SECONDS - began)) -le 2
check 'without a word on stderr' test ! -s "$ERR"
watch_start "$CART"
wait_until 10 'grep -q "^cluster cart" "$OUT"'
kill -TERM "$OP_PID"
op_wait
check 'so does SIGTERM' test $? = 143

{
	op status --watch "$CART" 2>"$ERR"
	echo $? >"$LIVE_DIR/code"
} | head -2 >"$OUT"
check 'a closed pipe ends it' wait_until 10 'test -s "$LIVE_DIR/code"'
check 'quietly' eval '[ ! -s "$ERR" ] || { cat "$ERR"; false; }'
timeout 3 "$ROP_BIN" --state "$STATE" status --watch -o jsonl "$CART" >"$OUT" 2>"$ERR"
check '-o jsonl: an object a line' eval '[ "$(jq -r .cluster "$OUT" | grep -cx cart)" = "$(wc -l <"$OUT")" ] && [ "$(wc -l <"$OUT")" -ge 2 ]'
check 'watching changed nothing' no_changes

# ---------------------------------------------------------------- the progress of an apply that waits

# The same wait twice at once, as text and as objects, each with a database of its own: so neither holds the other up.
began=${EPOCHREALTIME/./}
STATE=$LIVE_DIR/other.db op apply --yes -o jsonl --timeout 12s "$CART" >"$LIVE_DIR/objects" 2>/dev/null </dev/null &
objects=$!
LIVE_JOBS+=("$objects")
mkdir "$LIVE_DIR/own"
(
	STATE=$LIVE_DIR/own/state.db
	expect 6 apply --yes --timeout 12s "$CART"
) >"$LIVE_DIR/waited" 2>&1
check 'an apply that waits for a stopped node ends with 6' eval '[ ! -s "$LIVE_DIR/waited" ] || { cat "$LIVE_DIR/waited"; false; }'
took=$(((${EPOCHREALTIME/./} - began) / 1000))
check "after its 12 s, not later ($took ms)" test "$took" -ge 12000 -a "$took" -le 14500
check 'one line of progress' test "$(grep -c '^cart: ' "$ERR")" = 1
check 'it says what it waits for' eval 'grep "^cart: " "$ERR" | grep -qF "$(address 5) does not answer"'
check 'since when, and for how long yet' eval 'grep -qE "^cart: [A-Z][a-z]+, for 10 s, gives up in 2 s: " "$ERR" || { cat "$ERR"; false; }'
check 'at the end it names what is missing' eval 'has "$ERR" "not converged after 12s" && [ "$(grep -c "$(address 5) does not answer" "$ERR")" = 2 ]'
check 'stdout stays empty' test ! -s "$OUT"
wait "$objects"
check '-o jsonl: exit code 6 too' test $? = 6
some_object() { jq -se --arg node "$(address 5)" "any(.[]; $1)" "$LIVE_DIR/objects"; }
check '-o jsonl: a waiting object' some_object '.type == "waiting" and (.["for"] | contains($node)) and .at_most_ms > 0 and .at_most_ms <= 2000'
check '-o jsonl: and the summary says why' some_object '.type == "summary" and .exit_code == 6 and (.converged | not) and (.message | contains($node))'

# A wait that ends: when the node comes back, so does apply.
op_start apply --yes "$CART"
check 'it waits' eval '! wait_until 1 "! kill -0 \$OP_PID" >/dev/null'
node_start 5
check 'the node is back: it converges' eval 'op_wait'
check 'and without a terminal says only what it did' eval '[ ! -s "$ERR" ] && { [ ! -s "$OUT" ] || has "$OUT" "converged in"; }'
