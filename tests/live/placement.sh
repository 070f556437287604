#!/bin/bash
# placement.sh - after a crash two primaries are on one host: that is said, and mended where the file has it so
# timeout: 120
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
. "$TOP/tests/lib/ledger.sh"
. "$TOP/tests/lib/daemon.sh"
F=$LIVE_DIR/cart.yaml

host_leads() { leads $((2 * $1 - 2)) || leads $((2 * $1 - 1)); } # host_leads 1|2|3
even() { each 'host_leads $i' 1 2 3; }
another_leads() { [ "$(owners | wc -w)" = 3 ] && ! leads "$1"; }
crashes() { # crashes I: its replica takes over, and it comes back
	node_kill9 "$1" && wait_until 15 "[ \"\$(owners | wc -w)\" = 3 ]" && node_start "$1" && wait_until 15 'agreed && replicas_up'
}

# Two servers on each of three hosts; 0, 2 and 4 are to lead.
FLEET_TIMEOUT=1000
check 'six servers on three hosts' fleet_on_hosts 3 'repl-diskless-sync-delay 0'
TOPOLOGY_NODES=$(for i in 0 2 4 1 3 5; do echo "{ address: 127.0.0.$((i / 2 + 1)):$(port $i) }"; done)
topology "$F" 3 1
check 'formed: each host leads one' eval 'expect 0 apply --yes "$F" && agreed && replicas_up && even'
check '... as status says' eval 'expect 0 status -o json "$F" && json "[.conditions[] | select(.type == \"Placed\")][0] | .status == \"True\" and .reason == \"Spread\"" && json ".warnings == []"'

# ---------------------------------------------------------------- said

check 'a primary crashes, its replica takes over, it comes back' crashes 0
check '... two are led from one host' eval '! host_leads 1 && another_leads 0'
changes_begin
check 'plan says which had better be led by whom; it is no change' eval 'expect 0 plan --detailed-exitcode "$F" && has "$OUT" "No changes. The cluster matches its topology." &&
	has "$ERR" "2 of 3 shards are led from host 127.0.0." && has "$ERR" ", and none from 127.0.0.1: shard" && grep -qE "had better be led by 127.0.0.1:[0-9]+ than by" "$ERR" &&
	grep -qE "\`redis-operator failover $F 127.0.0.1:[0-9]+\`" "$ERR"'
HEIR=$(grep -oE "failover $F 127.0.0.1:[0-9]+" "$ERR" | grep -oE '127.*')
check 'status says so, and is converged' eval 'expect 0 status --exit-code "$F" && has "$OUT" "cluster cart   Ready" && has "$OUT" "Placed         False    Misplaced" && has "$OUT" "redis-operator failover $F $HEIR"'
check '... for programs' eval 'expect 0 status -o json "$F" && json ".state == \"Ready\" and .converged and .warnings[0].reason == \"Misplaced\" and (.warnings[0].advice | contains(\"$HEIR\"))"'
check 'check warns of it' eval 'expect 0 check --exit-code "$F" && has "$OUT" "[WARNING] 2 of 3 shards are led from host" && has "$OUT" "$HEIR"'
check 'explain, too' eval 'expect 0 explain "$F" && has "$OUT" "Nothing is open." && has "$OUT" "failover $F $HEIR"'
check 'apply does nothing about it' eval 'expect 0 apply --yes "$F" && silent'
check '... and nothing was changed' no_changes

# ---------------------------------------------------------------- mended

topology "$F" 3 1 'placement: { repair: Auto }' 'intervals: { observe: 500ms }'
check 'Auto: it is a change, one fail-over' eval 'expect 2 plan --detailed-exitcode "$F" && has "$OUT" "$HEIR" && has "$OUT" "1 fail-over, 0 restarts."'
check 'clients write' ledger_start
check 'apply hands over to the one that was proposed' eval 'expect 0 apply --yes "$F" && has "$OUT" "$HEIR" && agreed && even'
check '... by one fail-over' eval '[ "$(sqlite3 "$STATE" "SELECT count(*) FROM expectation WHERE kind = '\''fail-over'\''")" = 1 ]'
check 'status: converged, and placed' eval 'expect 0 status -o json "$F" && json ".state == \"Ready\" and .converged and .warnings == [] and ([.conditions[] | select(.type == \"Placed\")][0].status == \"True\")"'
check 'history says what for' eval 'expect 0 history cart && grep -qE "failover by redis-operator of shard [0-9] .*to $HEIR: 2 of 3 shards are led from host .* met" "$OUT"'
check 'once more: nothing to do' eval 'expect 0 apply --yes "$F" && silent && expect 0 plan --detailed-exitcode "$F"'
check 'clients go on to the end' eval 'ledger_goes_on && ledger_end'
check '... nothing of it is lost' eval 'ledger_verify 0 && json ".lost == 0"'

# ---------------------------------------------------------------- by the daemon

cp "$F" "$CLUSTERS/cart.yaml"
check 'the daemon runs, and another one crashes' eval 'daemon_start && crashes 4'
check '... it mends that by itself' wait_until 20 'even && agreed && replicas_up'
check '... and is done' wait_until 10 'expect 0 status --exit-code cart && has "$OUT" "cluster cart   Ready" && has "$OUT" "Placed         True"'
check 'the daemon ends' daemon_stop
