#!/bin/bash
# peers.sh - the other servers can be had and form clusters under the same library
# timeout: 240
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/peers.sh"

for peer in redis-8.0 valkey-8.1 valkey-9.1; do
	if ! REDIS_SERVER=$(peer_server "$peer" 2>"$LIVE_DIR/why"); then
		skip "$peer" "$(tail -1 "$LIVE_DIR/why")"
		continue
	fi
	check "$peer: six servers start" fleet_up 6
	check "$peer: it is the version it should be" eval 'rcli 0 INFO server | grep -E "^(redis|valkey)_version:${peer#*-}"'
	"$REDIS_CLI" --cluster create $(addresses) --cluster-replicas 1 --cluster-yes >"$LIVE_DIR/create" 2>&1
	check "$peer: they form a cluster that the library calls agreed" wait_until 30 agreed
	changes_begin
	monitor_begin
	rcli 0 CONFIG SET maxmemory-samples 6 >/dev/null
	check "$peer: changing commands are counted" test "$(changes_list)" = '0 config|set 1'
	check "$peer: and recorded" test "$(monitor_commands 0)" = 'CONFIG SET maxmemory-samples 6'
	fleet_down
done
