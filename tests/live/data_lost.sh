#!/bin/bash
# data_lost.sh - slots whose data is gone are a loss, named, and nobody's to give out but for consent to this loss
# timeout: 180
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml
QUICKLY='intervals: { observe: 200ms }'

rebuilt() { # rebuilt I... - killed, and there again at once without nodes.conf and data
	local i
	for i; do node_kill9 "$i"; done
	for i; do node_wipe "$i" && node_start "$i" || return; done
}
# The old ids are ghosts then: in the views of the others, owning their slots, nowhere to be found.
ghosts_seen() { # ghosts_seen I ID...
	local id i=$1
	shift
	for id; do rcli "$i" CLUSTER NODES | grep "^$id " | grep -E 'fail|noaddr|handshake' || return; done
}
goes_on() { # with the consent that was asked for
	told 0 apply --yes "$CONSENT" "$F" && wait_until 10 'agreed && replicas_up' && kept "$LEFT"
}
over() { told 0 plan --detailed-exitcode "$F" && tells 'No changes.' && silent_about '--allow-data-loss'; }

# ---------------------------------------------------------------- three primaries, one rebuilt empty

partial() {
	fresh 3 && TOPOLOGY_NAME=part topology "$F" 3 0 "$QUICKLY" && expect 0 apply --yes "$F" && load 300 || return
	LEFT=$((300 - $(rcli 0 DBSIZE)))
	GHOST=$(rcli 0 CLUSTER MYID)
	rebuilt 0 && wait_until 15 "ghosts_seen 1 $GHOST && ghosts_seen 2 $GHOST"
}
LEFT=0 GHOST=none
check 'three primaries with 300 keys; one is rebuilt empty' partial
changes_begin
check 'its old id is a ghost: what it owned is named, and forgetting it is no advice without a word of the loss' eval \
	'told "0|4" plan "$F" && tells "$GHOST" 0-5460 && { silent_about "cluster forget" || tells_like "los[st]|only copy"; }'
check '... apply gives its slots to nobody' eval \
	'told "4|6" apply --yes --timeout 3s "$F" && rcli 1 CLUSTER NODES | grep "^$GHOST .* 0-5460" &&
		! changes_list | grep -F addslots'
check '(a person forgets it)' forget_all "$GHOST" -- 1 2
check 'slots that were owned before are a loss: shard and slots named; no step without consent to it' \
	asks "$F" 'shard 1' 0-5460
check '... and who held them last' tells "$(address 0)"
check '... the consent names this cluster' eval '[[ $CONSENT == --allow-data-loss=part@* ]]'
check '... JSON says it too' eval \
	'told "0|4" plan -o json "$F" && json "[.summary.risk, (.losses[]?, .changes[]?.risk) | objects.kind, strings] |
	any(. == \"loss\")"'
check '... and the worst is not called none' \
	json '.summary.risk | if type == "object" then .kind else . end | . != "none"'
check 'with it the slots are given out, and the other keys are kept' goes_on
check '... history has who consented, and to what' eval 'told 0 history part && tells " consent by $(id -un)@" && tells " to ${CONSENT#*=}"'
check '... it is over' over

# ---------------------------------------------------------------- a whole shard rebuilt empty

lost_shard() {
	fresh 6 && topology "$F" 3 1 "$QUICKLY" && expect 0 apply --yes "$F" && load 300 || return
	LEFT=$((300 - $(rcli 1 DBSIZE)))
	IDS="$(rcli 1 CLUSTER MYID) $(rcli 4 CLUSTER MYID)"
	rebuilt 1 4 && wait_until 15 "ghosts_seen 0 $IDS"
}
IDS='none none'
check 'primary and replica of shard 2 are rebuilt empty' lost_shard
check '... the ghosts are refused, and what they owned is named' eval 'told "0|4" plan "$F" && tells 5461-10922'
check '(a person forgets them)' forget_all $IDS -- 0 2 3 5
check 'a loss, named; nothing without consent' asks "$F" 'shard 2' 5461-10922
check '... and who held them last' tells "$(address 1)"
cp "$F" "$CLUSTERS/cart.yaml"
changes_begin
daemon_start
check 'the daemon looks' eval 'passes 8 || { tail -20 "$SAID"; false; }'
check '... and gives the slots to nobody' eval 'no_changes || { tail -20 "$SAID"; false; }'
check '... it ends' daemon_stop
rm "$CLUSTERS/cart.yaml"
check 'with consent the slots are given out, the others'\'' keys are kept' goes_on
check '... it is over' over

check 'once more' lost_shard
check '(a person forgets the ghosts)' forget_all $IDS -- 0 2 3 5
rm -f "$STATE"*
check 'the database is lost too: the same end' asks "$F" 5461-10922
check '... with consent' goes_on
check '... it is over' over
