#!/bin/bash
# auth.sh - passwords and users: what is missing is named with exit 9, and the password is told to nobody
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
SECRET='gE7eim#nis-42'
export REDISCLI_AUTH=$SECRET

as() { # as USER FILE [YAML...] - the topology, with this user (- for none) and the right password
	local user="user: $1, "
	[ "$1" = - ] && user=
	topology "$2" 3 1 "auth: { ${user}passwordFile: password }" "${@:3}"
}
denied() { # denied NAME FILE TEXT...
	check "$1" denial "${@:2}"
}
denial() {
	local command text
	changes_begin
	for command in plan 'apply --yes --timeout 20s'; do
		# shellcheck disable=SC2086
		expect 9 $command "$1" || return
		for text in "${@:2}"; do has "$ERR" "$text" || return; done
	done
	no_changes
}

check 'six servers with a password' fleet_up 6 "requirepass $SECRET" "masterauth $SECRET"
printf '%s\n' "$SECRET" >"$LIVE_DIR/password"
printf 'wrong\n' >"$LIVE_DIR/wrong"
chmod 600 "$LIVE_DIR/password" "$LIVE_DIR/wrong"
for i in 0 1 2 3 4 5; do
	rcli $i ACL SETUSER blind on ">$SECRET" +@all '-cluster|nodes' >/dev/null
	rcli $i ACL SETUSER shy on ">$SECRET" +@all '-cluster|meet' >/dev/null
	rcli $i ACL SETUSER lazy on ">$SECRET" +@all '-config|set' >/dev/null
	rcli $i ACL SETUSER good on ">$SECRET" +@all >/dev/null
done

topology "$F" 3 1
denied 'no password declared' "$F" "$(address 0): it asks for a password, and none is declared" 'check spec.auth'
topology "$F" 3 1 'auth: { passwordFile: wrong }'
denied 'a wrong password' "$F" "$(address 3): user 'default': wrong password"
check '... nobody is called silent' eval 'expect 0 status "$F" && lacks "$OUT" silent && grep -qE "^ +- +$(address 3) .* denied " "$OUT" && grep -qE "^Reachable +False +Denied " "$OUT" && expect 9 check "$F"'
as nobody "$F"
denied 'a wrong user' "$F" "user 'nobody': wrong password, or no such user, or it is disabled"
as blind "$F"
denied 'a user who may not look' "$F" "$(address 0): user 'blind' may not run 'cluster|nodes'"
check '... status says so, and exits 0' eval 'expect 0 status -o json "$F" && json ".nodes[0].why | test(\"cluster.nodes\")"'
check '... check fails' eval 'expect 9 check "$F" && has "$OUT" "may not run"'
chmod 644 "$LIVE_DIR/password"
as - "$F"
check 'a password file that others can read' eval 'expect 3 plan "$F" && has "$ERR" "$LIVE_DIR/password" && has "$ERR" "chmod 600" && expect 3 apply --yes "$F" && has "$ERR" "$LIVE_DIR/password"'
chmod 600 "$LIVE_DIR/password"
topology "$LIVE_DIR/none.yaml" 3 1 'auth: { passwordFile: nowhere }'
check 'no password file' eval 'expect 3 plan "$LIVE_DIR/none.yaml" && has "$ERR" nowhere'

settings() { # of all nodes, each once
	local i
	for i in $(nodes_running); do rcli "$i" CONFIG GET "$1" | tail -1; done | sort -u | xargs
}
as lazy "$F" 'settings: { maxmemory: 90mb }'
check 'a user who may not set: 9, the permission named' eval 'expect 9 apply --yes --timeout 20s "$F" && has "$ERR" "config|set" && has "$ERR" "lazy"'
for i in 0 1 2 3 4 5; do rcli $i ACL SETUSER shy '-acl|dryrun' >/dev/null; done
as shy "$F"
check 'a user who may not introduce, nor ask about it: 9, the permission named' eval 'expect 9 apply --yes --timeout 20s "$F" && has "$ERR" "cluster|meet" && has "$ERR" "shy"'
check '... what was lowered is put back' eval '[ "$(settings cluster-node-timeout)" = 5000 ] && [ "$(settings repl-diskless-sync-delay)" = 5 ]'

as good "$F"
{
	op plan -v -v "$F"
	op plan -o json "$F"
	op apply --yes -v -v -o jsonl "$F"
	op status "$F"
	op status -o json "$F"
	op explain "$F"
	op check "$F"
	op history
	op history -o json
} >"$LIVE_DIR/all" 2>&1 </dev/null
check 'with the right one it is formed' eval 'agreed && replicas_up && expect 0 plan --detailed-exitcode "$F"'
as - "$F"
check 'the default user, by password alone, sees the same' eval 'expect 0 plan --detailed-exitcode "$F" && has "$OUT" "No changes."'
check 'the password is in nothing that was printed' lacks "$LIVE_DIR/all" "$SECRET"
check '... nor in the database' eval '! grep -aF -e "$SECRET" "$STATE"*'
check '... nor in errors about a server that wants none' eval 'rcli 2 CONFIG SET requirepass "" >/dev/null; rcli 2 ACL SETUSER default nopass >/dev/null
	op plan "$F" >"$LIVE_DIR/all" 2>&1; lacks "$LIVE_DIR/all" "$SECRET"'
