#!/bin/bash
# differ.sh - views that differ: who gives the slot to whom, both values, and nothing is done about it that could cost keys
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=1000

SLOT=16383
owner_in() { # owner_in I: of that slot, in its view
	rcli "$1" CLUSTER NODES | awk -v slot=$SLOT '{
		for (i = 9; i <= NF; i++) {
			n = split($i, r, "-")
			if (slot >= r[1] && slot <= (n > 1 ? r[2] : r[1])) print $2
		}
	}' | sed 's/@.*//'
}
# The news that its owner gave a slot up comes from the owner alone: while that one is silent, who claims the slot with a
# smaller epoch is not believed.
claimed_meanwhile() {
	node_freeze 2
	rcli 0 CLUSTER SETSLOT $SLOT NODE "$(rcli 0 CLUSTER MYID)"
	wait_until 10 'rcli 0 CLUSTER NODES | grep "$(address 2)@" | grep -q fail && rcli 1 CLUSTER NODES | grep "$(address 2)@" | grep -q fail'
}
told() { # what the first two were told of the cluster so far: a node that stands still would keep the count waiting
	for i in 0 1; do rcli $i INFO commandstats | tr -d '\r' | sed -n -E 's/^cmdstat_(cluster.(bumpepoch|setslot|meet|addslots[a-z]*|replicate|forget)):(calls=[0-9]*),.*/\1 \3/p'; done
}
split() { [ "$(owner_in 0)" = "$(address 0)" ] && [ "$(owner_in 1)" = "$(address 2)" ]; }

check 'three primaries, a key in each' eval 'fleet_up 3 && topology "$F" 3 0 "intervals: { connectTimeout: 300ms, commandTimeout: 300ms }" && expect 0 apply --yes "$F" && agreed &&
	for k in one two three four; do [ "$(rcli 0 -c SET $k 1)" = OK ] || return; done'
check 'a node claims a slot of one that is silent, and is not believed' eval 'claimed_meanwhile && split'
SAID="$(address 1) gives slot $SLOT to $(address 2), $(address 0) gives it to itself"
check 'check says who gives it to whom' eval 'expect 1 check "$F" && has "$OUT" "$SAID"'
check '... and the others are no riddle: nothing is told twice' eval '[ "$(grep -c "slot $SLOT" "$OUT")" = 1 ] && lacks "$OUT" "another role, epoch or slots"'
before=$(told)
check '... apply, too, and leaves it to them' eval '{ expect 6 apply --yes --timeout 3s "$F" || expect 8 apply --yes --timeout 3s "$F"; } && has "$ERR" "$SAID" && lacks "$ERR" bumpepoch && [ "$(told)" = "$before" ]'
check 'it has not ended by itself' split
node_thaw 2
check 'the owner is back: its claim is the greater' eval 'wait_until 20 agreed && expect 0 apply --yes --timeout 30s "$F" && expect 0 check "$F"'
check '... and no key is lost' eval '[ "$(for i in 0 1 2; do rcli $i DBSIZE; done | awk "{ n += \$1 } END { print n }")" = 4 ]'

# ---------------------------------------------------------------- a primary that went back

epochs() { for i in 0 1 2; do rcli $i CLUSTER NODES | awk -v at="$(address 1)@" 'index($2, at) { print $7 }'; done | xargs; }
apart() { set -- $(epochs) && [ "$1" = "$3" ] && [ "$1" -gt "$2" ]; }
go_back() { # its nodes.conf of before it took an epoch of which the others have heard
	cp "$LIVE_DIR/1/nodes.conf" "$LIVE_DIR/old" && rcli 1 CLUSTER BUMPEPOCH >/dev/null &&
		wait_until 10 '[ "$(epochs | xargs -n1 | sort -u | wc -l)" = 1 ]' || return
	rcli 1 SAVE >/dev/null
	node_kill9 1
	cp "$LIVE_DIR/old" "$LIVE_DIR/1/nodes.conf"
	node_start 1 && wait_until 10 'rcli 0 CLUSTER INFO | grep -q state:ok && rcli 1 CLUSTER INFO | grep -q state:ok' && apart
}
check 'a primary comes back with an older nodes.conf, and its peers do not go back' go_back
check '... check says both epochs' eval 'expect 1 check "$F" && has "$OUT" "config epoch" && has "$OUT" "for $(address 1), which says that it is"'
# With another node silent nobody can know who claims its slots.
node_freeze 2
before=$(told)
check '... while somebody is silent nothing is done about it' eval '! op apply --yes --timeout 3s "$F" >"$OUT" 2>"$ERR"; lacks "$OUT" BUMPEPOCH && [ "$(told)" = "$before" ]'
node_thaw 2
wait_until 15 apart
check '... plan says what apply will do' eval 'wait_until 10 "op plan --detailed-exitcode \"\$F\" 2>/dev/null | grep -q \"a new config epoch: it went back\""'
changes_begin
check '... apply gives it a new one, and that is all' eval 'expect 0 apply --yes --timeout 30s "$F" && [ "$(changes_list)" = "1 cluster|bumpepoch 1" ] && agreed'
check '... no key is lost, and nothing is left to do' eval '[ "$(for i in 0 1 2; do rcli $i DBSIZE; done | awk "{ n += \$1 } END { print n }")" = 4 ] && expect 0 plan --detailed-exitcode "$F"'
