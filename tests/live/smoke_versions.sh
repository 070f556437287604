#!/bin/bash
# smoke_versions.sh - the other servers, each for a few seconds: formed, written to, as declared, in order
# timeout: 400
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

written() { # 100 keys, over all shards
	seq 100 | sed 's/.*/SET key& value/' | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/set" 2>&1
	[ "$(grep -c '^OK$' "$LIVE_DIR/set")" = 100 ] && return
	sort "$LIVE_DIR/set" | uniq -c | head -5
	return 1
}

OWN_SERVER=$(command -v "$REDIS_SERVER")
for version in redis-8.0 valkey-8.1 valkey-9.1; do
	if ! said=$("$TOP/tests/servers" $version 2>&1); then
		skip "$version" "${said#skip - "$version": }"
		continue
	fi
	{ read -r REDIS_SERVER && read -r REDIS_CLI; } <<<"$said"
	rm -f "$STATE"*
	check "$version: six servers start" fleet_up 6
	check "$version: it is the version it should be" eval \
		'rcli 0 INFO server | grep -E "^${version%-*}_version:${version#*-}"'
	topology "$F" 3 1
	check "$version: formed" eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
	check "$version: written to" written
	check "$version: plan says no changes" eval 'expect 0 plan --detailed-exitcode "$F" && has "$OUT" "No changes."'
	check "$version: check has nothing to say" eval 'expect 0 check "$F" && lacks "$OUT" "[ERR]" && has "$OUT" "[OK]"'
	check "$version: a shard is handed over" eval \
		'expect 0 failover --yes "$F" 2 && has "$OUT" "leads shard 2" && wait_until 5 agreed && expect 0 failover --yes "$F" "$(address 1)" && has "$OUT" "$(address 1) leads shard 2"'
	fleet_down

	# Members of 7.0 that are started anew on it, one after the other, with the folders that they had: what CLUSTER
	# SHARDS leaves behind there makes CLUSTER NODES say slots twice.
	[ -x "$OWN_SERVER" ] && [[ $("$OWN_SERVER" --version) == *' v=7.0.'* ]] || continue
	rm -f "$STATE"*
	REDIS_SERVER=$OWN_SERVER
	check "$version: six of 7.0 are formed" eval 'fleet_up 6 && expect 0 apply --yes "$F" && agreed && replicas_up'
	{ read -r REDIS_SERVER && read -r REDIS_CLI; } <<<"$said"
	check "... a replica and its primary come back on it" eval 'for i in 4 1; do node_stop $i; node_start $i || exit; wait_until 30 "rcli 0 CLUSTER INFO | grep -q cluster_state:ok && rcli $i CLUSTER INFO | grep -q cluster_state:ok" || exit; done'
	rcli 1 CLUSTER SHARDS >/dev/null
	check "... is told as what it is" eval 'expect 0 status "$F" && lacks "$OUT" "no node of a cluster" && has "$OUT" "AllServed"'
	check "... and apply comes to its end, however often it asks for shards" eval 'wait_until 30 replicas_up && expect 0 apply --yes --timeout 60s "$F" && rcli 1 CLUSTER SHARDS >/dev/null && expect 0 plan "$F" && lacks "$ERR" "not a Redis"'
	fleet_down
done
