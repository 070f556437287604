#!/bin/bash
# second.sh - a second operator with a database of its own is noticed and warned about; one with the same is not
# timeout: 240
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
CART=$LIVE_DIR/cart.yaml
OTHER=$LIVE_DIR/elsewhere/state.db # the lock is beside the database: in one folder it would keep them apart

instance() { sqlite3 "$1" 'SELECT name FROM instance'; }
named() { # named NODE NAME: a connection of this name is there
	rcli "$1" CLIENT LIST | grep -q " name=$2 "
}
with() { # with DATABASE CODE ARG...: expect, with another --state
	local STATE=$1
	expect "${@:2}"
}
warns() { # warns FILE INSTANCE: once, whose it is, from where, what to do
	has "$1" "another redis-operator (database $2, connected from 127.0.0.1) manages cluster 'cart' too" &&
		has "$1" '-> stop one of them' && [ "$(grep -c 'another redis-operator' "$1")" = 1 ]
}

fleet_up 6 || exit 1
topology "$CART" 3 1
check 'alone it forms the cluster without a warning' eval 'expect 0 apply --yes "$CART" && lacks "$ERR" "another redis-operator"'

# A replica that does not answer makes apply wait; it stays connected to the others meanwhile.
node_freeze 5
ERR=$LIVE_DIR/first.err OUT=$LIVE_DIR/first.out op_start apply --yes --timeout 90s "$CART"
ours=$(instance "$STATE")
check 'its connections carry the name of its database' wait_until 20 "named 0 redis-operator:cart:$ours"

check 'one with the same database sees no other: status' eval 'expect 0 status "$CART" && lacks "$ERR" "another redis-operator" && expect 0 status -o json "$CART" && json ".warnings | map(.reason) | index(\"SecondOperator\") | not"'
check 'nor does an apply, which is kept out by the lock' eval 'expect 5 apply --yes "$CART" && lacks "$ERR" "another redis-operator"'
check 'without a database nobody is told apart' eval 'with "$LIVE_DIR/none.db" 0 status "$CART" && lacks "$ERR" "another redis-operator"'

check 'a second apply with another database warns, and names the first' eval 'with "$OTHER" 6 apply --yes --timeout 1s "$CART"; warns "$ERR" "$ours"'
theirs=$(instance "$OTHER")
check 'the two have names of their own' test "$ours" != "$theirs"
check 'with -o jsonl it is an object too' eval 'with "$OTHER" 6 apply --yes --timeout 1s -o jsonl "$CART"; warns "$ERR" "$ours" && [ "$(jq -r "select(.type == \"warning\" and .reason == \"SecondOperator\") | .cluster" "$OUT")" = cart ]'
check 'status warns as well' eval 'with "$OTHER" 0 status "$CART" && warns "$ERR" "$ours"'
check 'and with -o json it is among the warnings' eval 'with "$OTHER" 0 status -o json "$CART" && json ".warnings[] | select(.reason == \"SecondOperator\").message | test(\"database $ours\")"'
check '-q keeps it quiet' eval 'with "$OTHER" 0 -q status "$CART" && [ ! -s "$ERR" ]'

op_start_other() { # with the other database
	local STATE=$OTHER
	op_start "$@"
}
kill "$OP_PID"
op_wait
check 'once it is gone there is no warning' eval 'wait_until 10 "! named 0 redis-operator:cart:$ours" && with "$OTHER" 0 status "$CART" && lacks "$ERR" "another redis-operator"'
ERR=$LIVE_DIR/first.err OUT=$LIVE_DIR/first.out op_start_other apply --yes --timeout 90s "$CART"
check 'the other way round it is the same' eval 'wait_until 20 "named 0 redis-operator:cart:$theirs" && expect 0 status "$CART" && warns "$ERR" "$theirs"'

for i in 0 1 2 3 4; do
	rcli "$i" ACL SETUSER discreet on '>geheim' '~*' '+@all' '-client|list' >/dev/null
done
printf 'geheim\n' >"$LIVE_DIR/password"
chmod 600 "$LIVE_DIR/password"
topology "$LIVE_DIR/discreet.yaml" 3 1 'auth: { user: discreet, passwordFile: password }'
check 'a user who may not list clients sees all the rest' eval 'expect 0 status -o json "$LIVE_DIR/discreet.yaml" && json "[.nodes[] | select(.observed.answers)] | length == 5" && lacks "$ERR" "another redis-operator"'
kill "$OP_PID"
op_wait
node_thaw 5
check 'the cluster is whole again' wait_until 30 agreed
check 'and nothing is left to do nor to warn about' eval 'expect 0 apply --yes "$CART" && silent'
