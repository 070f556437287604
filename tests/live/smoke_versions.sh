#!/bin/bash
# smoke_versions.sh - the other servers, each for a few seconds: formed, written to, as declared, in order
# timeout: 240
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

written() { # 100 keys, over all shards
	seq 100 | sed 's/.*/SET key& value/' | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/set" 2>&1
	[ "$(grep -c '^OK$' "$LIVE_DIR/set")" = 100 ] && return
	sort "$LIVE_DIR/set" | uniq -c | head -5
	return 1
}

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
	fleet_down
done
