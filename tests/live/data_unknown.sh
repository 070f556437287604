#!/bin/bash
# data_unknown.sh - what the user may not ask is unknown, not empty: that forbids what needs to know, and nothing else
# timeout: 120
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml
SECRET='gE7eim#nis-42'
printf '%s\n' "$SECRET" >"$LIVE_DIR/password"
chmod 600 "$LIVE_DIR/password"

as() { topology "$F" 3 1 "auth: { user: $1, passwordFile: password }" "${@:2}"; }
users() {
	local i
	for i in $(nodes_running); do
		# (INFO without keyspace: its sections one by one)
		rcli "$i" ACL SETUSER keyless on ">$SECRET" +@all -info +info\|server +info\|replication '~*' >/dev/null
		rcli "$i" ACL SETUSER funless on ">$SECRET" +@all '-function|list' '~*' >/dev/null
		rcli "$i" ACL SETUSER good on ">$SECRET" +@all '~*' >/dev/null
	done
	[ "$(rcli 5 ACL LIST | grep -cE 'user (keyless|funless|good) on')" = 3 ]
}
denied() { # denied TEXT... - plan and apply end with 9 and say so; nothing is sent
	changes_begin
	told 9 plan "$F" && tells "$@" && silent_about '^Data-loss risk: none' || return
	told 9 apply --yes --timeout 10s "$F" && tells "$@" && no_changes
}
# A key on a node without slots: owned, written, slots given back.
hidden_key() {
	rcli 2 CLUSTER ADDSLOTSRANGE 0 16383 >/dev/null
	wait_until 10 '[ "$(rcli 2 SET {a}key value)" = OK ]' || return
	rcli 2 CLUSTER DELSLOTSRANGE 0 16383 >/dev/null
	[ "$(rcli 2 DBSIZE)" = 1 ]
}

check 'six servers with users' eval 'fresh 6 && users'
check 'one holds a key and owns no slot' hidden_key
as good
check 'who may ask is told so' eval 'told 4 plan "$F" && tells "$(address 2) holds 1 key"'
as keyless
check 'who may not ask INFO keyspace is told that it cannot be known' denied keyless
check '... which permission is missing, and where' eval 'tells "$(address 2)" && tells_like "info.*keyspace|.info."'
check '... the key is still there, and no cluster was formed' eval \
	'[ "$(rcli 2 DBSIZE)" = 1 ] && rcli 0 CLUSTER INFO | grep -q "cluster_known_nodes:1"'
check '... status says unknown, and exits 0' eval \
	'told 0 status -o json "$F" && ! jq -e "[.nodes[].keys?] | any(. == 0 or . == -1)" "$OUT"'
rcli 2 FLUSHALL >/dev/null

rcli 5 FUNCTION LOAD $'#!lua name=lib\nredis.register_function("f", function() return 1 end)' >/dev/null
as funless
check 'one holds a library, and the user may not ask FUNCTION LIST' denied funless "$(address 5)"
check '... which permission is missing' tells_like 'function.list'
check '... the library is still there' eval '[ "$(rcli 5 FUNCTION LIST | grep -cx lib)" = 1 ]'
as good
check 'who may ask is told so' eval 'told 4 plan "$F" && tells "$(address 5) is not empty: it holds 1 function library"'
rcli 5 FUNCTION FLUSH >/dev/null

check 'formed by one who may ask' eval 'told 0 apply --yes "$F" && agreed && load 300'
for user in keyless funless; do
	as $user 'settings: { maxmemory-samples: '$((${#user} * 2))' }'
	check "what needs no count is done for $user all the same: a setting" eval \
		'told 0 apply --yes --timeout 10s "$F" &&
			[ "$(rcli 4 CONFIG GET maxmemory-samples | tail -1)" = '$((${#user} * 2))' ]'
	check '... plan has no more changes' eval 'told 0 plan --detailed-exitcode "$F" && tells "No changes."'
done
check '... 300 of 300 keys' kept 300
