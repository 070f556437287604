#!/bin/bash
# idle.sh - an apply over a cluster that is as declared writes nothing: the database stays as it is, to the byte
# timeout: 120
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml

# The database with whatever lies beside it, and the history as it is told.
database() { (cd "$LIVE_DIR" && sha256sum "${STATE##*/}"* && stat -c %y "${STATE##*/}"); }
idle() { # idle ARG...: such an apply
	local before after
	before=$(database && op history cart)
	expect 0 apply --yes "$@" || return
	after=$(database && op history cart)
	[ "$before" = "$after" ] || {
		echo "before: $before"
		echo "after: $after"
		return 1
	}
}

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1
check 'formed' formed "$CART"
check 'history tells the whole way' eval 'expect 0 history cart && has "$OUT" "Observe -> Configure" && has "$OUT" " -> Ready"'
for n in 1 2 3; do check "apply $n over the converged cluster writes nothing" idle "$CART"; done
check 'not silently with -v: what it did is told' eval 'idle -v "$CART" && has "$ERR" "Observe -> Verify" && has "$ERR" "Verify -> Ready"'

# The same topology, told to wait for lasting agreement.
topology "$CART" 3 1 'intervals: { settle: 2s }'
check 'another revision is written' expect 0 apply --yes "$CART"
check 'an apply that waits two seconds to be sure writes nothing' idle "$CART"

# A cluster that this database has never seen.
STATE=$LIVE_DIR/other.db
check 'adopted' expect 0 apply --yes "$CART"
check 'that is written' eval 'expect 0 history cart && has "$OUT" " -> Ready"'
check 'the next apply writes nothing' idle "$CART"

# What happens is written: a node that is gone, and one that is back.
node_stop 5
check 'a node is gone: it waits in vain' expect 6 apply --yes --timeout 2s "$CART"
check 'that is written' eval 'expect 0 history cart && has "$OUT" "-> Degraded"'
node_start 5
check 'it is back: all agree' wait_until 20 agreed
check 'apply' expect 0 apply --yes "$CART"
check 'the way back is written' eval 'expect 0 history -n 2 cart && has "$OUT" " -> Ready"'
check 'and then nothing any more' idle "$CART"
