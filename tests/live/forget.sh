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
