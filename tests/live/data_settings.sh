#!/bin/bash
# data_settings.sh - settings that delete data ask for consent; those that cannot be right for all nodes are refused
# timeout: 120
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml

declared() { topology "$F" 3 0 "settings: { $1 }"; } # declared 'NAME: VALUE, ...'
big() { # 3000 keys of 500 bytes
	local x
	printf -v x '%0500d' 0
	seq 3000 | sed "s/.*/SET k& $x/" | timeout 20 "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/load" 2>&1
	kept 3000
}
value() { rcli "$1" CONFIG GET "$2" | tail -1; }
fewer() { # keys after what was consented to
	wait_until 5 '[ "$(held)" -lt 3000 ]'
}

# ---------------------------------------------------------------- an evicting limit under what is used

check 'three primaries with 3000 keys' eval 'fresh 3 && topology "$F" 3 0 && told 0 apply --yes "$F" && big'
declared 'maxmemory: 2mb, maxmemory-policy: allkeys-lru'
check 'a limit far under what is used, with an evicting policy: a loss, the nodes and the setting named' \
	asks "$F" maxmemory "$(address 0)" "$(address 1)" "$(address 2)"
check '... how much is at stake' tells_like '[0-9]+(\.[0-9]+)? *([KMG]i?B|bytes)'
check '... nothing was set' eval \
	'[ "$(value 1 maxmemory)" = 0 ] && [ "$(value 1 maxmemory-policy)" = noeviction ] && kept 3000'
declared 'maxmemory: 1gb, maxmemory-policy: allkeys-lru'
check 'a limit above what is used is none' eval \
	'told 0 plan "$F" && silent_about --allow-data-loss && tells "Data-loss risk: none" && told 0 apply --yes "$F" &&
		kept 3000'
declared 'maxmemory: 2mb, maxmemory-policy: allkeys-lru'
check 'the policy is there, the limit comes down: a loss' asks "$F" maxmemory "$(address 1)"
declared 'maxmemory: 2mb, maxmemory-policy: noeviction'
# (In this order: the policy first. The other way round the old policy evicts down to the new limit.)
check 'without an evicting policy it deletes nothing' eval 'told 0 apply --yes "$F" && kept 3000'
declared 'maxmemory: 2mb, maxmemory-policy: allkeys-lru'
kept 3000 >/dev/null || big >/dev/null
check 'the limit is there, the policy comes: a loss' asks "$F" "$(address 1)"
check 'with consent it is done' eval \
	'told 0 apply --yes "$CONSENT" "$F" && [ "$(value 1 maxmemory-policy)" = allkeys-lru ]'
check '... (and keys are evicted)' fewer

# ---------------------------------------------------------------- one value cannot be right for all

check 'three servers, and what they are asked for is counted' eval \
	'fresh 3 && topology "$F" 3 0 && told 0 apply --yes "$F"'
changes_begin
REASONS='every node|each node|all nodes|one value|node of its own|per node|needed by the operator'
refused() { # refused NAME VALUE - by every command that reads the file, with the name
	local command
	declared "$1: $2"
	for command in validate plan 'apply --yes'; do
		# shellcheck disable=SC2086
		told 3 $command "$F" && tells "$1" && tells_like "$REASONS" || return
	done
}
while read -r name value; do
	check "refused with the reason: $name" refused "$name" "$value"
done <<-END
	cluster-announce-ip 10.99.99.99
	cluster-announce-port 7000
	cluster-announce-bus-port 17000
	cluster-announce-tls-port 7001
	cluster-announce-hostname a.example
	replica-announce-ip 10.99.99.99
	replica-announce-port 7000
	slave-announce-ip 10.99.99.99
	port 7000
	tls-port 7001
	cluster-port 17000
	bind 127.0.0.1
	logfile /tmp/log
	dir /tmp
	cluster-config-file nodes.conf
	pidfile /tmp/pid
	unixsocket /tmp/socket
END
check 'whatever the case of the letters' eval 'declared "Cluster-Announce-IP: 10.99.99.99"; told 3 plan "$F"'
check '... all that sent nothing' no_changes

# ---------------------------------------------------------------- names that no node knows, values that no node takes

declared 'maxmemroy-samples: 6'
changes_begin
check 'a name that no node knows is found out in plan' eval 'told "3|4|6" plan "$F" && tells maxmemroy-samples'
check '... and apply sends nothing' eval \
	'told "3|4|6" apply --yes --timeout 5s "$F" && tells maxmemroy-samples && no_changes'

sets() { changes_list | awk '$2 == "config|set" { n += $3 } END { print n + 0 }'; }
rewrites() { changes_list | awk '$2 == "config|rewrite" { n += $3 } END { print n + 0 }'; }
one_try() { # one_try NAME VALUE
	declared "$1: $2"
	changes_begin
	told '4|6' apply --yes --timeout 10s "$F" && tells "$1" || return
	[ "$(sets)" = 1 ] && [ "$(rewrites)" = 0 ] && return
	echo "CONFIG SET $(sets) times, CONFIG REWRITE $(rewrites) times"
	changes_list
	return 1
}
remembered() { # remembered NAME
	told '0|4|6' plan "$F" && tells "$1" && tells_like 'refused' || return
	told 0 status "$F" && tells "$1"
}
check 'a name that cannot be set at run time: one try, on one node' one_try set-proc-title no
check '... plan and status remember it' remembered set-proc-title
check 'a value that no node takes: one try, on one node' one_try activerehashing '"maybe"'
check '... plan and status remember it' remembered activerehashing
node_stop 0
echo 'set-proc-title no' >>"$LIVE_DIR/0/redis.conf"
node_start 0
check '(a node that was started with it, the others not)' eval 'wait_until 20 agreed && [ "$(value 0 set-proc-title)" = no ]'
check 'that one node has it proves nothing: one try, on one of the others' one_try set-proc-title no
check 'a right one is set thereafter' eval \
	'declared "maxmemory-samples: 7"; told 0 apply --yes "$F" &&
		[ "$(value 0 maxmemory-samples)$(value 1 maxmemory-samples)$(value 2 maxmemory-samples)" = 777 ]'
