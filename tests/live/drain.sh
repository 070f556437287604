#!/bin/bash
# drain.sh - a host is drained: its shards are handed over, it may be stopped, its silence is expected; what is refused
# timeout: 120
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
. "$TOP/tests/lib/ledger.sh"
. "$TOP/tests/lib/daemon.sh"
F=$LIVE_DIR/cart.yaml

verdict() { expect "$1" status --exit-code cart; } # verdict CODE
rows() { sqlite3 "$STATE" "$1" | paste -sd' '; }

# Two servers on each of three hosts. Of the second host, node 2 leads a shard and node 3 follows in another.
FLEET_TIMEOUT=1000
check 'six servers on three hosts' fleet_on_hosts 3 'repl-diskless-sync-delay 0'
TOPOLOGY_NODES=$(for i in 0 2 4 1 3 5; do echo "{ address: 127.0.0.$((i / 2 + 1)):$(port $i), zone: $([ $i -lt 4 ] && echo a || echo b) }"; done)
topology "$F" 3 1
check 'a cluster that is not known yet is not drained' eval 'expect 4 drain --yes "$F" 127.0.0.2 && has "$ERR" "not one that this database knows"'
check 'formed' eval 'expect 0 apply --yes "$F" && agreed && replicas_up && leads 2'

# ---------------------------------------------------------------- asked

changes_begin
check 'what would be left is said, and takes a consent' eval 'expect 4 drain --plan "$F" 127.0.0.2 &&
	has "$OUT" "primary of shard" && has "$ERR" "would have 0 replicas in sync while 127.0.0.2 is stopped, and is to keep 1" && has "$ERR" "--allow-fewer-copies=cart@"'
DIGEST=$(grep -o 'cart@[0-9a-f]*' "$ERR" | head -1)
check '... a yes is none' eval 'expect 4 drain --yes "$F" 127.0.0.2 && has "$ERR" "$DIGEST"'
check '... nor is one to something else' expect 4 drain --yes --allow-fewer-copies=cart@00000000 "$F" 127.0.0.2
check '... and for programs' eval 'expect 4 drain --plan -o json "$F" 127.0.0.2 && json ".result == \"planned\" and (.may_stop | not) and (.fewer | length) == 2 and \"cart@\" + .digest == \"$DIGEST\" and .error.code == 4"'
check 'a host that is not there' eval 'expect 3 drain --yes "$F" 127.0.0.9 && has "$ERR" "neither a host nor a zone"'
check '... and nothing was changed, nor written down' eval 'no_changes && [ "$(rows "SELECT count(*) FROM drain")" = 0 ]'

# ---------------------------------------------------------------- drained

check 'clients write' ledger_start
check 'drained: it may be stopped' eval 'expect 0 drain --yes --for 30m --reason "a new kernel" --allow-fewer-copies=$DIGEST "$F" 127.0.0.2 && has "$OUT" "it may be stopped"'
check '... nobody leads from there' wait_until 10 '! leads 2 && ! leads 3 && agreed'
check '... as status says, and why' eval 'verdict 0 && has "$OUT" "127.0.0.2 until" && has "$OUT" "a new kernel: may be stopped" && has "$OUT" "somebody consented to that"'
check 'it may not be led from there again' eval 'expect 4 failover --yes "$F" "127.0.0.2:$(port 2)" && has "$ERR" "its host is drained"'
check 'one host at a time' eval 'expect 4 drain --yes "$F" 127.0.0.3 && has "$ERR" "one at a time" && has "$ERR" "undrain cart 127.0.0.2"'
check 'its servers are stopped' each 'node_stop $i' 2 3
check '... status says until when, and is well' wait_until 10 'expect 0 status --exit-code cart && has "$OUT" "silent, expected until" && has "$OUT" ": a new kernel)" && has "$OUT" "Drained"'
check '... and check' eval 'expect 0 check "$F" && has "$OUT" "[WARNING] 127.0.0.2:$(port 2) is silent, expected until" && expect 0 check -q --exit-code "$F"'
check '... for programs' eval 'expect 0 status -o json cart && json ".state == \"Drained\" and .verdict.word == \"drained\" and (.converged | not) and ([.nodes[] | select(.silenceExpectedUntil)] | length) == 2 and .drains[0].may_stop and .drains[0].reason == \"a new kernel\""'
cp "$OUT" "$LIVE_DIR/silent.json"
STEPS=$(rows 'SELECT count(*) FROM expectation')
check 'apply has nothing to do, and does not wait' eval 'expect 0 apply --yes --timeout 20s "$F" && [ "$(rows "SELECT count(*) FROM expectation")" = "$STEPS" ]'
check 'nobody else may be silent: degraded' eval 'node_freeze 1; expect 6 status --exit-code cart && has "$OUT" "Degraded"; node_thaw 1'
OTHER=$(jq '[.nodes[] | { shard, here: (.address | startswith("127.0.0.2:")) }] | group_by(.shard)[] | select(all(.here | not)) | .[0].shard' "$LIVE_DIR/silent.json")
check 'no other shard is disturbed meanwhile' eval 'wait_until 10 "verdict 0" && expect 4 failover --yes "$F" "$OTHER" && has "$ERR" "not more than 1 shard at once"'
check 'clients go on' ledger_goes_on
check 'its servers are back' each 'node_start $i' 2 3
check '... and follow' wait_until 20 'agreed && replicas_up'
check 'not drained any more' eval 'expect 0 undrain --reason done cart 127.0.0.2 && verdict 0 && lacks "$OUT" "may be stopped"'
check '... twice is once' eval 'expect 0 undrain cart 127.0.0.2 && has "$ERR" "was not drained"'
check 'clients go on to the end' eval 'ledger_goes_on && ledger_end'
check '... nothing of it is lost' eval 'ledger_verify 0 && json ".lost == 0"'
check 'history says who, what for, until when' eval 'expect 0 history cart && grep -qE "drain by .* of 127.0.0.2 until .*: a new kernel" "$OUT" && grep -qE "undrain by .* of 127.0.0.2: done" "$OUT" && grep -qE "failover by .*: drain of 127.0.0.2: a new kernel .* met" "$OUT"'
check '... for programs' eval 'expect 0 history -o json cart && json "[.clusters.cart[] | select(.target == \"127.0.0.2\") | .what] == [\"drain\", \"undrain\"]"'

# ---------------------------------------------------------------- by the daemon; the time passes

topology "$F" 3 1 'disruption: { keepCopies: 0 }' 'intervals: { observe: 500ms }'
check 'with keepCopies 0 nobody is asked' eval 'expect 0 drain --plan "$F" 127.0.0.1'
cp "$F" "$CLUSTERS/cart.yaml"
op_start drain --yes --for 8s "$CLUSTERS/cart.yaml" 127.0.0.1
check 'the command is killed' eval 'wait_until 10 "[ -n \"\$(rows \"SELECT 1 FROM drain WHERE ended_wall_ms = 0\")\" ]" && kill -9 "$OP_PID"; op_wait; true'
check 'the daemon goes on with it' eval 'daemon_start && wait_until 15 "! leads 0 && ! leads 1"'
check '... its log says what is drained, by whom, until when, and that it may be stopped' eval \
	'wait_until 5 "says \"it may be stopped\"" && grep "drained: nothing there gets a new role" "$SAID" | grep "target=127.0.0.1" | grep "until=" | grep -q "user=$(id -un)"'
check '... until its time has passed' wait_until 15 'expect 0 status cart && lacks "$OUT" "127.0.0.1 until"'
check '... which is said too' wait_until 5 'says "not drained any more"'
check 'the daemon ends' daemon_stop
