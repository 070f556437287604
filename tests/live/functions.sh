#!/bin/bash
# functions.sh - function libraries are given to new shards before slots, and what a node has of its own is left alone
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

shape() { # shape SHARDS NODES: the first so many nodes are declared
	local COUNT=$2
	topology "$F" "$1" 1
}
load() { # load NODE LIBRARY ANSWER
	rcli "$1" FUNCTION LOAD REPLACE "#!lua name=$2
redis.register_function{function_name='$2', callback=function() return '$3' end, flags={'no-writes'}}"
}
code() { rcli "$1" FUNCTION LIST WITHCODE | sort | md5sum; }

fleet_up 10 'repl-diskless-sync-delay 0' 'appendonly yes' || exit 1
if ! rcli 0 FUNCTION LIST >/dev/null 2>&1 || rcli 0 FUNCTION LIST | grep -q '^ERR'; then
	skip 'function libraries' 'this server has none'
	exit 0
fi
shape 3 6
check 'three shards are formed' expect 0 apply --yes "$F"
for i in 0 1 2; do load "$i" one first >/dev/null && load "$i" two second >/dev/null; done
shape 4 8
check 'plan shows that they are given' eval 'expect 0 plan "$F" && has "$OUT" "function libraries of $(address 0): one, two" && has "$OUT" "4096 slots to move" && has "$OUT" "risk: none"'
check '... as JSON too' eval 'expect 0 plan -o json "$F" && json "[.changes[] | select(.action == \"give-functions\")] | length == 1"'
check 'a fourth shard is made' expect 0 apply --yes "$F"
N=$(for i in 6 7; do rcli $i CLUSTER NODES | grep myself | grep -q master && echo $i; done)
check 'its primary has the same code' eval '[ "$(code "$N")" = "$(code 0)" ]'
check '... its replica too' eval 'wait_until 5 "[ \"\$(code 6)\" = \"\$(code 7)\" ]"'
check '... before it got a slot' eval 'expect 0 history -o json cart && json ".clusters.cart | map(select(.type == \"step\" and .status == \"met\") | .subject | split(\":\")[0]) | index(\"functions\") < (index(\"import\") // index(\"move\"))"'
check 'and answers there' eval '[ "$(rcli "$N" FCALL two 0)" = second ]'
check 'a second apply does nothing' eval 'changes_begin; expect 0 apply --yes "$F" && silent && no_changes'

# ---------------------------------------------------------------- what is not alike is left alone

for k in 8 9; do rcli 0 CLUSTER MEET 127.0.0.1 "$(port $k)" >/dev/null; done
shape 5 10
refused() { expect 4 plan "$F" && has "$ERR" "$1" && expect 4 apply --yes "$F" && no_changes; }
check 'two more nodes are met' wait_until 20 'agreed'
load 8 one other >/dev/null
load 9 one other >/dev/null
changes_begin
check 'one with other code is refused' refused "have function library 'one' with other code each"
for k in 8 9; do rcli $k FUNCTION FLUSH >/dev/null && load $k three third >/dev/null; done
changes_begin
check 'one with others of its own is refused' refused "holds 'three'"
for k in 8 9; do rcli $k FUNCTION FLUSH >/dev/null && rcli $k CLUSTER NODES >/dev/null; done
check 'flushed, it gets them' expect 0 apply --yes "$F"
check '... the same code everywhere' eval 'for i in 1 2 "$N" 8 9; do [ "$(code $i)" = "$(code 0)" ] || { echo $i; return 1; }; done'
