#!/bin/bash
# rejoin.sh - every nodes.conf is lost and the keys are kept: with consent the nodes come together again, and none is emptied
# timeout: 120
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml

lost() { # lost I...: all end; these have saved what they have
	local i saved="$*"
	for i; do [ "$(rcli "$i" SAVE)" = OK ] || return; done
	for i in 0 1 2 3 4 5; do node_kill9 "$i" && rm -f "$LIVE_DIR/$i/nodes.conf" || return; done
	for i in 0 1 2 3 4 5; do [[ " $saved " == *" $i "* ]] || rm -f "$LIVE_DIR/$i/dump.rdb" || return; done
	for i in 0 1 2 3 4 5; do node_start "$i" || return; done
}
check 'three shards with a replica each, 300 keys' eval 'fresh 6 && topology "$F" 3 1 && expect 0 apply --yes "$F" && load 300'
check 'all end, and come back with their keys and other ids' lost 0 1 2
changes_begin
check 'it is said, with the word that brings them together' eval \
	'told 4 plan "$F" && tells "all 6 nodes have other ids" "each holds the only copy of its keys" "empty none of them by hand" && CONSENT=$(consent)'
check '... which does nothing by itself, nor does another word' eval \
	'told 4 apply --yes "$F" && told 4 apply --yes --allow-data-loss=cart@00000000 "$F" && no_changes'
check 'plan with it: epochs, introductions, the slots between the keys in a line for each' eval \
	'told 0 plan "$CONSENT" "$F" && tells "a config epoch of its own for each" "introduce 6 nodes" "ranges, from" "DATA IS LOST"'
killed() { # once they have met, and the slots are being given out
	op_start apply --yes "$CONSENT" "$F" && wait_until 15 'grep -q "introduce 6 nodes" "$OUT"' && kill -9 "$OP_PID" || return
	op_wait
	[ $? = 137 ]
}
check 'apply with it, killed in between' killed
check '... the next one goes on, with the word that it asks for then' eval \
	'told "0|4" plan "$F" && { CONSENT=$(consent) || CONSENT=--allow-data-loss=cart@00000000; } && told 0 apply --yes "$CONSENT" "$F"'
check '... and each key is there' eval 'wait_until 10 "agreed && replicas_up" && kept 300'
check '... nothing is left to do' expect 0 plan --detailed-exitcode "$F"

# ---------------------------------------------------------------- the replicas have kept their copies, too

check 'three shards with a replica each, 300 keys' eval 'fresh 6 && topology "$F" 3 1 && expect 0 apply --yes "$F" && load 300 && expect 0 apply --yes "$F"'
check 'all end, and come back with their copies and other ids' eval 'wait_until 10 "[ \"\$(rcli 3 DBSIZE)\" = \"\$(rcli 0 DBSIZE)\" ]" && lost 0 1 2 3 4 5 && [ "$(rcli 3 DBSIZE)" -gt 0 ]'
changes_begin
check 'it is said which ones led, and what each of the others may lose' eval \
	'told 4 plan "$F" && tells "These led, and have no fewer keys" "$(address 3) came back with another id" "$(address 5) came back" && silent_about "two clusters" && CONSENT=$(consent)'
check '... which does nothing by itself' eval 'told 4 apply --yes "$F" && no_changes'
check 'apply with the word: the replicas are emptied, and follow again' told 0 apply --yes "$CONSENT" "$F"
check '... and each key is there' eval 'wait_until 10 "agreed && replicas_up" && kept 300 && each "[ \"\$(rcli \$i ROLE | head -1)\" = master ]" 0 1 2'
check '... nothing is left to do' expect 0 plan --detailed-exitcode "$F"
