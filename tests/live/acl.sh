#!/bin/bash
# acl.sh - the smallest permissions, each taken away: what is missing is known before the first change, and named
# timeout: 150
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
E=$LIVE_DIR/eye.yaml
printf 'secret\n' >"$LIVE_DIR/password"
chmod 600 "$LIVE_DIR/password"

users() { # users [I...] - those of `redis-operator acl`, as it prints them
	local i user
	for i in "${@:-0 1 2 3 4 5}"; do
		for user in operator:op observer:eye; do
			"$ROP_BIN" acl "${user%:*}" --user "${user#*:}" | rcli "$i" || return
			rcli "$i" ACL SETUSER "${user#*:}" '>secret' || return
		done
	done >/dev/null
}
allow() { # allow USER RULE... - on every node
	local i
	for i in $(nodes_running); do rcli "$i" ACL SETUSER "$@" >/dev/null || return; done
}
files() { # files SHARDS REPLICAS [YAML...]
	topology "$F" "$1" "$2" 'auth: { user: op, passwordFile: password }' "${@:3}"
	topology "$E" "$1" "$2" 'auth: { user: eye, passwordFile: password }' "${@:3}"
}
log_reset() { each 'rcli $i ACL LOG RESET >/dev/null' $(nodes_running); }
log_empty() { each '[ -z "$(rcli $i ACL LOG)" ]' $(nodes_running); }

missing_one() { # missing_one PERMISSION - plan warns, apply ends with 9 and has changed nothing
	allow op "-$1" || return
	changes_begin
	expect 0 plan "$F" && has "$ERR" "may not run $1" && has "$ERR" 'end with code 9' &&
		expect 9 apply --yes "$F" && has "$ERR" "user 'op' may not run $1, which is needed there" &&
		has "$ERR" 'redis-operator acl operator' && no_changes
	local result=$?
	allow op "+$1"
	return $result
}

check 'six servers, and users as they are printed' eval 'fleet_up 6 && users 0 1 2 3 4 5'
check 'a name that a server would read otherwise is refused' eval \
	'expect 3 acl operator --user "a b" && expect 3 acl operator --user "a\"b" && expect 3 acl emperor'
check 'as JSON' eval 'expect 0 acl observer -o json && json ".acl == \"observer\" and (.permissions | length) > 5"'
files 3 1 'settings: { maxmemory: 90mb }'
log_reset

check 'who may only look is shown the plan, and told that an apply needs more' eval \
	'changes_begin; expect 0 plan "$E" && has "$OUT" "introduce 6 nodes" && has "$ERR" "user '"'eye'"' may not run" &&
	has "$ERR" "cluster|meet" && expect 9 apply --yes "$E" && no_changes'
for permission in 'cluster|meet' 'cluster|set-config-epoch' 'cluster|addslotsrange' 'cluster|replicate' 'config|set' 'config|rewrite'; do
	check "fresh, without $permission" missing_one "$permission"
done
check 'where it may not be asked beforehand, that is said, and the server decides' eval \
	'allow op "-acl|dryrun" "-cluster|meet" && expect 0 plan "$F" && has "$ERR" "cannot be checked beforehand" &&
	has "$ERR" "acl|dryrun" && expect 9 apply --yes "$F" && has "$ERR" "cluster|meet"'
allow op '+acl|dryrun' '+cluster|meet'
check 'one node alone lacks it: it is named' eval \
	'rcli 4 ACL SETUSER op "-cluster|replicate" >/dev/null && expect 9 apply --yes "$F" && has "$ERR" "$(address 4): user" && ! grep -v "^cart: not done: " "$ERR" | grep -F "$(address 3)"'
check '... and status names it' eval 'expect 0 status "$F" && grep -qE "^Blocked +True +Denied " "$OUT" && has "$OUT" "- $(address 4): user '"'op'"' may not run cluster|replicate, which is needed there" && expect 0 status -o json "$F" && json ".conditions[] | select(.type == \"Blocked\") | .message | test(\"cluster.replicate\")"'
rcli 4 ACL SETUSER op '+cluster|replicate' >/dev/null
for permission in 'cluster|nodes' 'cluster|info' info 'config|get' 'function|list'; do
	check "fresh, without $permission: code 9, and its name" eval \
		'allow op "-$permission" && changes_begin && expect 9 plan "$F" && expect 9 apply --yes "$F" && { has "$ERR" "$permission" || has "$ERR" "FUNCTION LIST"; } && no_changes; r=$?; allow op "+$permission"; [ $r = 0 ]'
done
for permission in 'client|list' 'client|setname'; do
	check "without $permission: another operator would not be recognised" eval \
		'allow op "-$permission" && expect 0 plan "$F" && has "$ERR" "may not run $permission: another redis-operator"; r=$?; allow op "+$permission"; [ $r = 0 ]'
done

log_reset
check 'formed with the printed rule' eval 'expect 0 apply --yes "$F" && agreed && replicas_up && lacks "$ERR" "may not"'
check '... without one refusal in the servers'"'"' ACL LOG' log_empty
check 'who may only look: plan, status, check, explain, import' eval \
	'changes_begin; expect 0 plan --detailed-exitcode "$E" && lacks "$ERR" "may not" && expect 0 status "$E" && expect 0 check "$E" && expect 0 explain "$E" &&
	expect 0 import "$(address 0)" --user eye --password-file "$LIVE_DIR/password" && has "$OUT" "maxmemory" && no_changes'
check '... and no refusal either' log_empty
check 'a change of a setting by who may only look: code 9, nothing done' eval \
	'files 3 1 "settings: { maxmemory: 95mb }"; changes_begin; expect 0 plan "$E" && has "$ERR" "config|set, config|rewrite" && expect 9 apply --yes "$E" && no_changes'
check 'by the operator it is done' eval 'expect 0 apply --yes "$F" && [ "$(rcli 3 CONFIG GET maxmemory | tail -1)" = $((95 * 1048576)) ]'
files 3 1
check 'without config|get nothing is missing where the file declares no settings' eval \
	'allow op "-config|get" && expect 0 plan "$F"; r=$?; allow op "+config|get"; [ $r = 0 ]'
fleet_down

# Lowering settings is a help; where it is not permitted, forming takes longer.
rm -f "$STATE"*
COUNT=0
check 'three servers whose operator may not set, nor ask what it may' eval \
	'fleet_up 3 && users 0 1 2 && allow op "-config|set" "-config|rewrite" "-acl|dryrun"'
files 3 0
check '... are formed all the same' eval 'expect 0 apply --yes "$F" && agreed'
