#!/bin/bash
# data_identity.sh - a twin of a member, and members that have all lost their ids: refused, with what is at stake
# timeout: 120
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml
TOPOLOGY_NODES='0 1 2 3 4 5'

refused() { # refused TEXT... - plan and apply, and nothing is sent
	changes_begin
	told 4 plan "$F" && tells "$@" || return
	told 4 apply --yes --timeout 5s "$F" && tells "$@" && no_changes
}
cluster() {
	fresh 6 && topology "$F" 3 1 && expect 0 apply --yes "$F" && load 300 &&
		wait_until 5 '[ "$(rcli 4 DBSIZE)" = "$(rcli 1 DBSIZE)" ]'
}

# ---------------------------------------------------------------- a copy of a primary's nodes.conf runs elsewhere

cloned() {
	rcli 1 CLUSTER SAVECONFIG >/dev/null
	fleet_up 1 'repl-diskless-sync-delay 0' || return
	node_stop 6
	node_wipe 6
	cp "$LIVE_DIR/1/nodes.conf" "$LIVE_DIR/6/nodes.conf"
	node_start 6
	wait_until 15 'rcli 0 CLUSTER NODES | grep "^$ID " | grep -F "$(address 6)@" | grep -v " [^ ]*fail"'
}
ID=none
check 'a cluster with 300 keys' cluster
ID=$(rcli 1 CLUSTER MYID)
check 'the others go over to a clone of shard 2'\''s primary' cloned
# (The two take the id from each other: what a look shows changes from moment to moment, so each looks until it knows.)
every_plan() {
	local i
	for i in 1 2 3 4 5; do
		told 4 plan "$F" && tells "$ID" "$(address 1)" "$(address 6)" || return
	done
}
check 'each plan refuses: id and both addresses named' every_plan
check '... the danger is said' tells_like 'data|keys|empt'
check '... nobody calls it an agreement to come' silent_about 'come to agree' 'No changes'
changes_begin
check '... apply does neither' eval \
	'told "4|6" apply --yes --timeout 8s "$F" && tells "$ID" "$(address 1)" "$(address 6)" && no_changes'
check 'status: blocked, not converged' eval 'expect 0 status -o json "$F" &&
	json "(.converged | not) and ([.conditions[] | select(.type == \"Blocked\")][0].status == \"True\")"'
check 'check finds it' eval 'told 1 check "$F" && tells "$ID" "$(address 6)"'

# ---------------------------------------------------------------- every nodes.conf is lost, the data is not

all_alone() {
	local i
	for i in 0 1 2 3 4 5; do
		rcli $i SAVE >/dev/null
		node_kill9 $i
		rm "$LIVE_DIR/$i/nodes.conf"
	done
	rm -f "$LIVE_DIR"/[345]/dump.rdb
	for i in 0 1 2 3 4 5; do node_start $i || return; done
	kept 300
}
check 'another cluster with 300 keys' cluster
check 'every nodes.conf is lost, the primaries'\'' data is not' all_alone
check 'refused, nothing is sent' refused cart
check '... that all ids are new is said' tells_like 'all .*(ids|nodes) .*new|new .*ids|nodes\.conf'
check '... that nothing overlaps' \
	tells_like 'overlap|no two of them|no slot .*(two|twice|more than one)|each slot .*one'
check '... nobody is told to empty a node that holds the only copy' \
	silent_about 'empty the node' 'flushall' 'cluster reset'
check '... 300 of 300 keys' kept 300 0 1 2
rm -f "$STATE"*
check 'the database is lost too: still refused' refused
check '... and nobody is told to empty a node' silent_about 'empty the node' 'flushall' 'cluster reset'
