#!/bin/bash
# shard_ids.sh - servers with shard ids: when a cluster is said to be as declared, every server may end and start again
# timeout: 120
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=15000 # what a live cluster has, which is not lowered

if [ -z "${SERVER:-}" ]; then # of those that are installed, 7.0 has none
	said=$("$TOP/tests/servers" valkey-8.1 2>&1) || { skip 'shard ids' "${said#skip - valkey-8.1: }"; exit 0; }
	{ read -r REDIS_SERVER && read -r REDIS_CLI; } <<<"$said"
fi

apart() { # apart FILE: replicas that stand in another shard than their primary
	awk '{ shard = ""; if (match($0, /shard-id=[0-9a-f]+/)) shard = substr($0, RSTART, RLENGTH); of[$1] = shard }
		$3 ~ /slave/ { primary[$1] = $4 }
		END { for (r in primary) if (primary[r] in of && of[r] != of[primary[r]]) print r, of[r], of[primary[r]] }' "$1"
}
none_apart() {
	local i
	for i in $(nodes_running); do
		[ -z "$(apart "$LIVE_DIR/$i/nodes.conf")" ] || { echo "node $i: $(apart "$LIVE_DIR/$i/nodes.conf")"; return 1; }
	done
}
all_end_and_start() {
	local i
	for i in $(nodes_running); do node_kill9 "$i"; done
	for ((i = 0; i < COUNT; i++)); do node_start "$i" || { tail -3 "$LIVE_DIR/$i"/*log* 2>/dev/null; return 1; }; done
}

check 'eight servers, six of them a cluster' eval \
	'fleet_up 8 && TOPOLOGY_NODES="0 1 2 3 4 5" topology "$F" 3 1 && expect 0 apply --yes "$F" && agreed 0 1 2 3 4 5'
check 'when it is formed, no nodes.conf has a replica in another shard than its primary' none_apart
rcli 0 SET "{06S}" x >/dev/null 2>&1 || rcli 1 SET "{06S}" x >/dev/null 2>&1 || rcli 2 SET "{06S}" x >/dev/null 2>&1
TOPOLOGY_NODES='0 1 2 3 4 5 6 7' topology "$F" 3 1 'onTotalLoss: Reform' # they keep nothing on disk
check 'two more join while it lives' eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
check '... and the same holds at once' none_apart
check '... so that all of them start again when all of them end' eval 'all_end_and_start && wait_until 30 agreed'
check '... as what they were' eval 'wait_until 15 "replicas_up >/dev/null" && expect 0 plan --detailed-exitcode "$F"'
