#!/bin/bash
# alike.sh - servers that cannot load what others send, or have fewer databases: kept apart before anything is changed
# timeout: 200
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

role() { rcli "$1" ROLE | head -1; }

use() { # use VERSION: the servers started from now on
	local said
	said=$("$TOP/tests/servers" "$1" 2>&1) || { skip "$2" "${said#skip - "$1": }"; return 1; }
	{ read -r REDIS_SERVER && read -r REDIS_CLI; } <<<"$said"
}

versions_apart() {
	use redis-8.0 'versions side by side' || return
	check 'three servers of Redis 8.0' fleet_up 3
	use redis-7.0 'versions side by side' || { fleet_down; return; }
	check 'and three of 7.0 behind them in the file' fleet_up 3
	topology "$F" 3 1
	changes_begin
	check 'the older ones are to be primaries, and it is said what a fail-over would do' eval \
		'expect 2 plan --detailed-exitcode "$F" &&
		has "$ERR" "after a fail-over of shard 1 $(address 3) (redis 7.0." && has "$ERR" "cannot load what"'
	check 'nothing was changed' no_changes
	TOPOLOGY_NODES="{ address: $(address 0), shard: 1 }
{ address: $(address 1), shard: 2 }
{ address: $(address 2), shard: 3 }
{ address: $(address 3), shard: 1 }
{ address: $(address 4), shard: 2 }
{ address: $(address 5), shard: 3 }"
	topology "$F" 3 1
	check 'pinned, the older ones still lead: a pin says the shard, not the role' eval 'expect 0 plan "$F"'
	TOPOLOGY_NODES='0 1 2 3 4 5'
	topology "$F" 3 1
	check 'formed: in sync, with the older ones as primaries' eval \
		'expect 0 apply --yes "$F" && agreed && replicas_up && each "[ \$(role \$i) = master ]" 3 4 5'
	check 'check and status warn as well' eval \
		'expect 0 check "$F" && has "$OUT" "[WARNING] after a fail-over" && expect 0 status "$F" && has "$ERR" "cannot load what"'
	fleet_down
}

newer_ones_lead() {
	rm -f "$STATE"*
	use redis-8.0 'an older server joins newer ones' || return
	check 'three primaries of Redis 8.0' eval \
		'fleet_up 3 && TOPOLOGY_NODES="0 1 2" && topology "$F" 3 0 && expect 0 apply --yes "$F" && agreed'
	use redis-7.0 'an older server joins newer ones' || { fleet_down; return; }
	check 'and a server of 7.0' fleet_up 1
	TOPOLOGY_NODES='0 1 2 3'
	topology "$F" 3 0
	changes_begin
	check 'it is not made a replica that cannot load what it is sent' eval \
		'expect 4 plan "$F" && has "$ERR" "$(address 3) (redis 7.0." && has "$ERR" "as its replica it would never be in sync"'
	check 'nor by apply' expect 4 apply --yes "$F"
	check 'nothing was changed' no_changes
	fleet_down
}

databases_apart() {
	use valkey-9.1 'unlike cluster-databases' || return
	rm -f "$STATE"*
	check 'five servers of Valkey 9.1 with 16 databases' fleet_up 5 'cluster-databases 16'
	check 'and one with the default' fleet_up 1
	TOPOLOGY_NODES='0 1 2 3 4 5'
	topology "$F" 3 1
	changes_begin
	check 'it is not made a member' eval \
		'expect 4 plan "$F" && has "$ERR" "$(address 5) has cluster-databases 1, the others 16"'
	check 'nor by apply' eval 'expect 4 apply --yes "$F" && has "$ERR" "set '"'cluster-databases 16'"' in its configuration"'
	check 'nothing was changed' no_changes
	node_stop 5
	echo 'cluster-databases 16' >>"$LIVE_DIR/5/redis.conf"
	node_start 5
	check 'with the same number: formed' eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
	node_stop 5
	sed -i '/cluster-databases/d' "$LIVE_DIR/5/redis.conf"
	node_start 5
	check 'a member that came back with fewer is named' eval \
		'wait_until 10 "agreed && replicas_up" && expect 1 check "$F" && has "$OUT" "[ERR] $(address 5) has cluster-databases 1, the others 16"'
	fleet_down
}

modules_apart() { # modules_apart VERSION
	use "$1" "$1: unlike modules" || return
	rm -f "$STATE"*
	check "$1: three servers with a module that keeps data" fleet_up 3 "loadmodule $LIVE_DIR/keeper.so"
	check '... and three without' fleet_up 3
	TOPOLOGY_NODES='0 1 2 3 4 5'
	topology "$F" 3 1
	changes_begin
	check 'who lacks the module is not made a replica of who has it' eval \
		'expect 4 plan "$F" && has "$ERR" "$(address 3) lacks the module '"'keeper'"' that $(address 0) has" && has "$ERR" loadmodule'
	check '... nor by apply' eval 'expect 4 apply --yes "$F" && has "$ERR" "lacks the module"'
	check '... nothing was changed' no_changes
	TOPOLOGY_NODES='3 4 5 0 1 2'
	topology "$F" 3 1
	check 'the other way round they become a cluster, with a word on what a fail-over would do' eval \
		'expect 0 apply --yes "$F" && has "$ERR" "after a fail-over of shard 1 $(address 3) lacks the module" && agreed && replicas_up'
	check '... which check says as well' eval 'expect 0 check "$F" && has "$OUT" "[WARNING] after a fail-over"'
	rcli 0 CLUSTER FAILOVER TAKEOVER >/dev/null
	check 'after one it is an error' wait_until 10 \
		'expect 1 check "$F" && has "$OUT" "[ERR] $(address 3) lacks the module '"'keeper'"' that $(address 0) has"'
	fleet_down
}

versions_apart
newer_ones_lead
databases_apart
if cc -shared -fPIC -o "$LIVE_DIR/keeper.so" "$TOP/tests/lib/module.c" 2>"$LIVE_DIR/cc"; then
	modules_apart redis-7.0
	modules_apart valkey-9.1
else
	skip 'unlike modules' "no compiler: $(head -1 "$LIVE_DIR/cc")"
fi
