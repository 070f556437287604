#!/bin/bash
# who.sh - who answers there: a Sentinel, a server without CLUSTER, INFO or CONFIG, one that is asked for twice; once each
# timeout: 120
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

once() { # once FILE TEXT - on one line, no more
	[ "$(grep -cF -e "$2" "$1")" = 1 ] && return
	echo "'$2' is not on just one line of ${1##*/}:"
	cat "$1"
	return 1
}

# said TEXT ADVICE - by plan, apply, check, status of the file; each once; and nothing is changed
said() {
	local command
	changes_begin
	for command in plan 'apply --yes --timeout 10s'; do
		# shellcheck disable=SC2086
		expect 4 $command "$F" && once "$ERR" "$1" && has "$ERR" "$2" || return
	done
	expect 1 check "$F" && once "$OUT" "$1" && lacks "$OUT" 'does not answer' || return
	expect 0 status "$F" && has "$OUT" "$1" || return
	no_changes
}

check 'five servers' fleet_up 5
check 'and some without one of the commands' eval \
	'fleet_up 1 "rename-command CLUSTER hidden" && fleet_up 1 "rename-command INFO \"\"" &&
	fleet_up 1 "rename-command CONFIG \"\"" && fleet_up 1 "rename-command CLUSTER \"\"" "rename-command INFO \"\""'
with() { TOPOLOGY_NODES="0 1 2 3 4 $1" topology "$F" 3 1 "${@:2}"; }

# ---------------------------------------------------------------- a Sentinel

mkdir "$LIVE_DIR/watcher"
printf 'port %s\nbind 127.0.0.1\ndir %s\n' "$(port 50)" "$LIVE_DIR/watcher" >"$LIVE_DIR/watcher/sentinel.conf"
"$REDIS_SERVER" "$LIVE_DIR/watcher/sentinel.conf" --sentinel >"$LIVE_DIR/watcher/log" 2>&1 </dev/null &
LIVE_JOBS+=($!)
disown $!
check 'and a Sentinel' wait_until 10 'rcli 50 PING | grep -q PONG'
with 50
check 'a Sentinel is called one' said "$(address 50) is a Sentinel, not a data node" 'declare the address of a data node'
check 'check of its address says so' eval \
	'expect 4 check "$(address 50)" && once "$ERR" "it is a Sentinel, not a data node; give the address of a data node"'
check 'and import' eval \
	'expect 4 import "$(address 50)" && once "$ERR" "it is a Sentinel, not a data node; give the address of a data node"'

# ---------------------------------------------------------------- commands that are gone

with 5
check 'CLUSTER renamed' said "$(address 5): CLUSTER is renamed or disabled there (rename-command)" "take 'rename-command' out"
with 6
check 'INFO disabled' said "$(address 6): INFO is renamed or disabled there (rename-command)" "take 'rename-command' out"
with 8
check 'both' said "$(address 8): CLUSTER and INFO are renamed or disabled there (rename-command), or it is no data node" \
	"take 'rename-command' out"
check 'check and import of such a server' eval \
	'expect 4 check "$(address 6)" && once "$ERR" "INFO is renamed or disabled there" &&
	expect 4 import "$(address 5)" && once "$ERR" "CLUSTER is renamed or disabled there"'
with 7 'settings: { maxmemory: 90mb }'
check 'CONFIG disabled, and settings declared' said \
	"$(address 7): CONFIG is renamed or disabled there (rename-command): what the file declares (maxmemory)" 'leave spec.settings out'
with 7
check 'without settings such a server can be a member' eval 'expect 0 apply --yes "$F" && agreed 0 1 2 3 4 7 && expect 0 check "$F"'
with 7 'settings: { maxmemory: 90mb }'
check 'settings declared later: plan warns' eval \
	'expect 6 plan --detailed-exitcode "$F" && once "$ERR" "$(address 7): CONFIG is renamed or disabled there"'
check 'apply sets them where it can, names the other, and is done soon' eval \
	'began=$SECONDS; expect 6 apply --yes "$F" && has "$ERR" "$(address 7): CONFIG is renamed or disabled there" &&
	lacks "$ERR" "as declared" && [ $((SECONDS - began)) -lt 10 ] &&
	each "[ \"\$(rcli \$i CONFIG GET maxmemory | tail -1)\" = 94371840 ]" 0 1 2 3 4'
changes_begin
check 'check calls it an error' eval 'expect 1 check "$F" && once "$OUT" "[ERR] $(address 7): CONFIG is renamed or disabled there"'
check '... and the next apply changes nothing' eval 'expect 6 apply --yes "$F" && no_changes'

# ---------------------------------------------------------------- once, and of the node that it is about

TOPOLOGY_NODES=$(for i in 0 1 2 3 4; do echo "{ address: $(address $i) }"; done; echo "{ address: localhost:$(port 0) }")
topology "$F" 3 1
check 'a server declared twice is one error' eval \
	'expect 4 plan "$F" && has "$ERR" "have the same node id" && lacks "$ERR" "own slots, but the file declares"'
if command -v socat >/dev/null; then
	echo 'printf "HTTP/1.1 400 Bad Request\r\n\r\n"; cat >/dev/null' >"$LIVE_DIR/web"
	(cd "$LIVE_DIR" && exec socat "TCP-LISTEN:$(port 51),bind=127.0.0.1,reuseaddr,fork" 'EXEC:bash web') >"$LIVE_DIR/socat" 2>&1 &
	LIVE_JOBS+=($!)
	disown $!
	wait_until 5 'ports_used | grep -qx "$(port 51)"'
	with 51
	check 'a web server is told of once' eval \
		'expect 1 check "$F" && once "$OUT" "$(address 51)" && has "$OUT" "is not a Redis or Valkey server"'
else
	skip 'a web server is told of once' 'no socat'
fi
with 52
check 'who does not answer is told of once' eval \
	'expect 1 check "$F" && once "$OUT" "$(address 52)" && has "$OUT" "does not answer: connection refused"'
fleet_down

# ---------------------------------------------------------------- a permission, of the node that it lacks for

rm -f "$STATE"*
check 'three servers' fleet_up 3
for i in 0 1 2; do rcli $i ACL SETUSER op on '>pw' '~*' '&*' +@all >/dev/null; done
rcli 2 ACL SETUSER op '-cluster|addslotsrange' >/dev/null
printf pw >"$LIVE_DIR/pw"
chmod 600 "$LIVE_DIR/pw"
TOPOLOGY_NODES='0 1 2' topology "$F" 3 0 "auth: { user: op, passwordFile: $LIVE_DIR/pw }"
check 'a permission that is missing is said of its node' eval \
	'expect 9 apply --yes "$F" && has "$ERR" "$(address 2): user '"'op'"'" && lacks "$ERR" "slot:" &&
	lacks "$ERR" "another role, epoch or slots"'
fleet_down
