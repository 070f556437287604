#!/bin/bash
# forget.sh - a cluster is not managed any more: its rows go, its servers are left alone, and it can be known anew
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
rows() { sqlite3 "$STATE" "SELECT (SELECT count(*) FROM cluster) + (SELECT count(*) FROM member) + (SELECT count(*) FROM pass) + (SELECT count(*) FROM expectation) + (SELECT count(*) FROM revision) + (SELECT count(*) FROM shard_copy)"; }

fleet_up 3 || exit 1
topology "$F" 3 0
check 'three servers are formed' expect 0 apply --yes "$F"
check 'a name that is not known' eval 'expect 3 forget --yes crat && has "$ERR" "crat"'
check 'without a yes nothing is forgotten' eval 'expect 4 forget cart && has "$ERR" "--yes" && [ "$(rows)" -gt 5 ]'
exec {held}>"$LIVE_DIR/cart.lock"
flock "$held"
check 'nor while somebody is at work on it' eval 'expect 5 forget --yes cart && [ "$(rows)" -gt 5 ]'
exec {held}>&-
sqlite3 "$STATE" "INSERT INTO temporary_setting (cluster, node, name, address, original, temporary) SELECT id, '$(rcli 0 CLUSTER MYID)', 'cluster-node-timeout', '$(address 0)', '15000', '500' FROM cluster"
check 'nor while a setting is changed for a while, which is named' eval 'expect 4 forget --yes cart && has "$ERR" "cluster-node-timeout of $(address 0) is 500, and was 15000" && [ "$(rows)" -gt 5 ]'
changes_begin
check 'with --force it is, and what stays is said' eval 'expect 0 forget --yes --force cart && has "$ERR" "was 15000"'
check '... nothing is left of it' eval '[ "$(rows)" = 0 ] && expect 0 status && lacks "$OUT" cart'
check '... its servers were sent nothing, and serve' eval 'no_changes && agreed'
check '... it is not known any more' expect 3 forget --yes cart
check 'its file makes it known anew: adopted as it is' eval 'changes_begin; expect 0 apply --yes "$F" && no_changes && expect 0 status && has "$OUT" cart'

# ---------------------------------------------------------------- an address that is another cluster's now

G=$LIVE_DIR/orders.yaml
orders() { TOPOLOGY_NAME=orders TOPOLOGY_NODES=$1 topology "$G" 3 0; }
reuse() { # the host of the one is gone, and its address given to a host of the other
	rcli 5 CLUSTER SAVECONFIG >/dev/null
	node_kill9 2
	node_kill9 5
	mv "$LIVE_DIR/5/nodes.conf" "$LIVE_DIR/2/nodes.conf"
	rm -f "$LIVE_DIR"/[25]/dump.rdb
	node_start 2
}
check 'a second cluster, in the same database' eval 'fleet_up 3 && orders "3 4 5" && expect 0 apply --yes "$G"'
check 'one of its nodes has the address of a node of the first now' reuse
changes_begin
check '... that is refused, both are named, and nothing is advised that costs data' eval \
	'expect 4 plan "$F" && has "$ERR" "$(address 2) is a node of cluster '\''orders'\'' now" && has "$ERR" "of cluster '\''cart'\''" && lacks "$ERR" flushall && lacks "$ERR" "cluster forget" && expect 4 apply --yes --timeout 5s "$F" && no_changes'
check '... its own file follows: it has moved, and nobody is told to forget it' eval 'orders "3 4 2" && expect 0 apply --yes --timeout 30s "$G" && lacks "$OUT" forget && agreed 2 3 4'
