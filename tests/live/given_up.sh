#!/bin/bash
# given_up.sh - a shard that nobody is left of: named, with the consent that it takes; then empty servers have its slots
# timeout: 180
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml

formed() { # formed NODES: of the first six
	fresh "$1" && topology "$F" 3 1 && sed -i "/:$(port 6)\|:$(port 7)/d" "$F" && expect 0 apply --yes "$F" && load 300 && expect 0 apply --yes "$F" && LEFT=$((300 - $(rcli 1 DBSIZE)))
}
gone() { node_kill9 1 && node_kill9 4 && wait_until 15 'rcli 0 CLUSTER NODES | grep " $(address 1)@.*master,fail "'; }
word() { CONSENT=$(grep -o -- '--allow-data-loss=cart@[0-9a-f]*' "$OUT" "$ERR" | head -1 | cut -d: -f2) && [ "$CONSENT" ]; }
lists_none_of() { each "[ \"\$(rcli \$i CLUSTER NODES | grep -cE '$1')\" = 0 ]" "${@:2}"; }

# ---------------------------------------------------------------- both servers of a shard rebuilt at their addresses

check 'three shards with a replica each, 300 keys' formed 6
OLD="$(rcli 1 CLUSTER MYID)|$(rcli 4 CLUSTER MYID)"
check 'both servers of shard 2 are lost' gone
check '... and come back empty, with other ids' eval 'node_wipe 1 && node_wipe 4 && node_start 1 && node_start 4'
changes_begin
check 'plan: what is lost, who had it, and the word that gives it up' eval \
	'wait_until 10 "told \"0|4\" plan \"$F\" && tells \"nobody is left who had slots 5461-10922\"" && tells "$(address 1) (led it; rebuilt, and empty)" && word'
check '... status names the shard, and is not blocked' eval 'told 0 status "$F" && tells "5462 of 16384 slots are not served (shard 2:" && tells "Blocked        False"'
check '... apply gives nothing up by itself: code 4, with what is lost' eval \
	'told 4 apply --yes "$F" && tells "nobody is left who had slots 5461-10922" && tells "$CONSENT"'
check '... a word for something else is none' eval 'told 4 apply --yes --allow-data-loss=cart@12345678 "$F"'
check '... and nobody has forgotten anybody' eval '! changes_list | grep -iE "forget|addslots"'
check 'plan with it: the loss beside the steps' eval 'told 0 plan "$CONSENT" "$F" && tells "DATA IS LOST" && tells "nobody is left who had slots 5461-10922"'
check 'apply with it: the slots go to a server that is empty' told 0 apply --yes "$CONSENT" "$F"
check '... all agree, and the other keys are there' eval 'wait_until 10 "agreed && replicas_up" && kept "$LEFT"'
check '... nobody lists who was lost' lists_none_of "$OLD" 0 1 2 3 4 5
check '... history: who consented, and to what' eval 'told 0 history cart && tells " consent by $(id -un)@" && tells " to ${CONSENT#*=}"'
check '... nothing is left to do' expect 0 plan --detailed-exitcode "$F"

# ---------------------------------------------------------------- other servers instead, in the file

check 'again, and two servers that are empty' formed 8
OLD="$(rcli 1 CLUSTER MYID)|$(rcli 4 CLUSTER MYID)"
check 'both servers of shard 2 are lost, and stay away' gone
check '... while they are declared nothing is offered: they may come back' eval \
	'told "0|4|6|8" plan "$F" && silent_about "--allow-data-loss"'
check 'the file names the other two' eval 'sed -i "s/:$(port 1)\b/:$(port 6)/; s/:$(port 4)\b/:$(port 7)/" "$F"'
check '... now it is offered, with whom it concerns' eval \
	'told "0|4" plan "$F" && tells "$(address 1) (led it; silent, and not declared any more)" && tells "$(address 4) (silent, and not declared any more)" && word'
check '(one of them comes back after all)' eval 'node_start 4 && wait_until 10 "rcli 4 PING"'
check '... it is not offered any more' eval 'told "0|4|6" plan "$F" && silent_about "--allow-data-loss"'
check '(and is lost for good)' eval 'node_kill9 4 && wait_until 15 "rcli 0 CLUSTER NODES | grep \" $(address 4)@.*fail \""'
killed() { # as soon as some node was told to forget who was lost
	op_start apply --yes "$CONSENT" "$F" && wait_until 15 'grep -qi forget "$OUT"' && kill -9 "$OP_PID" || return
	op_wait
	[ $? = 137 ]
}
check 'apply, killed as it forgets' killed
check '... what is lost still has its word' eval 'told "0|4" plan "$F" && { ! tells 5461-10922 >/dev/null || word; }'
check '... and with it the next one goes on to the end' eval \
	'told 0 apply --yes "$CONSENT" "$F" && wait_until 10 "agreed" && kept "$LEFT"'
check '... nobody lists who was lost' lists_none_of "$OLD" 0 2 3 5 6 7
check '... nothing is left to do' expect 0 plan --detailed-exitcode "$F"
