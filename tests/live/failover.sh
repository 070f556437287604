#!/bin/bash
# failover.sh - a shard is handed over to its best replica, or to the one that is named; what is refused; killed in the middle
# timeout: 300
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
. "$TOP/tests/lib/ledger.sh"
. "$TOP/tests/lib/daemon.sh"
F=$LIVE_DIR/cart.yaml

all_hold() { # all_hold I: every node lists node I as a primary with slots
	local i id
	id=$(rcli "$1" CLUSTER MYID)
	for i in $(nodes_running); do
		rcli "$i" CLUSTER NODES | grep "^$id" | grep -qE 'master .* [0-9]+-[0-9]+' || { echo "node $i does not"; return 1; }
	done
}
wishes() { sqlite3 "$STATE" 'SELECT status FROM wish ORDER BY id' | paste -sd' '; }
asked() { # asked I: how often CLUSTER FAILOVER was sent to node I
	rcli "$1" INFO commandstats | tr -d '\r' | sed -n 's/^cmdstat_cluster|failover:calls=\([0-9]*\),.*/\1/p' | grep . || echo 0
}

# ---------------------------------------------------------------- nine servers in three zones

FLEET_TIMEOUT=2000
check 'nine servers' fleet_up 9 'repl-diskless-sync-delay 0'
TOPOLOGY_NODES=$(for i in 0 1 2 3 4 5 6 7 8; do echo "{ address: $(address $i), zone: $([ $i -lt 6 ] && echo a || echo b) }"; done)
topology "$F" 3 2
check 'a cluster that is not known yet is not touched' eval 'expect 4 failover --yes "$F" 1 && has "$ERR" "not one that this database knows"'
check 'formed' eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
BEST=$(for i in 6 7 8; do rcli $i CLUSTER NODES | grep myself | grep -q "$(rcli 1 CLUSTER MYID)" && echo $i; done)
OTHER=$(for i in 3 4 5; do rcli $i CLUSTER NODES | grep myself | grep -q "$(rcli 1 CLUSTER MYID)" && echo $i; done)

# ---------------------------------------------------------------- shown

changes_begin
check '--plan shows each replica with the reasons' eval 'expect 0 failover --plan "$F" 2 && has "$OUT" "$(address 1)" &&
	grep -q "^  $(address "$BEST") .*0 bytes behind, zone b: in sync, takes over" "$OUT" &&
	grep -q "^  $(address "$OTHER") .*zone a: in sync$" "$OUT" && has "$OUT" "takes shard 2 over from $(address 1)"'
check '... for programs' eval 'expect 0 failover --plan -o json "$F" 2 && json ".result == \"planned\" and .to.address == \"$(address "$BEST")\" and (.candidates | length) == 2 and .changes[0].command == \"CLUSTER FAILOVER\""'
check '... of the one that is named' eval 'expect 0 failover --plan "$F" "$(address "$OTHER")" && grep -q "^  $(address "$OTHER") .*takes over" "$OUT"'
check 'without a yes nothing is done' eval 'expect 4 failover "$F" 2 && has "$ERR" "--yes"'
check 'a shard or a node that is not there' each 'expect 3 failover --yes "$F" "$i"' 4 0 nobody "$(address 40)"
check '... and nothing was changed, nor written down' eval 'no_changes && [ -z "$(wishes)" ]'

# ---------------------------------------------------------------- handed over, under writes

check 'clients write' ledger_start
check 'by its number: the best takes over' eval 'expect 0 failover --yes --reason "a new kernel" "$F" 2 && has "$OUT" "$(address "$BEST") leads shard 2"'
check '... as all say' eval 'all_hold "$BEST" && follows 1 "$BEST"'
check '... asked for once' eval '[ "$(asked "$BEST")" = 1 ] && [ "$(asked "$OTHER")" = 0 ]'
check 'by name: that one takes over' eval 'expect 0 failover --yes -o json cart "$(address 1)" && json ".result == \"met\" and .elapsed_ms > 0 and .to.address == \"$(address 1)\"" && all_hold 1'
check 'who leads already: nothing to do' eval 'expect 0 failover --yes "$F" "$(address 1)" && has "$ERR" "leads shard 2 already" && [ "$(asked 1)" = 1 ]'
check 'by its id' eval 'expect 0 failover --yes cart "$(rcli "$OTHER" CLUSTER MYID)" && all_hold "$OTHER"'
check 'clients go on' ledger_goes_on
check '... to the end' ledger_end
check '... nothing of it is lost' eval 'ledger_verify 0 && json ".lost == 0"'
check '... and no client waited for a second' json '.longestGap.us < 1000000'
echo "# say: $(jq -c '{acknowledged, unknown, lost, longestGap}' "$OUT")"
check 'history says who, what for, what became of it, and how long it took' eval 'expect 0 history cart && grep -qE "failover by .* of shard 2 from $(address 1): a new kernel .* met \([0-9]+ ms\): $(address "$BEST") leads shard 2" "$OUT"'
check '... for programs' eval 'expect 0 history -o json cart && json "[.clusters.cart[] | select(.what == \"failover\")] | length == 3 and .[0].status == \"met\" and .[0].reason == \"a new kernel\""'
check 'status tells of the last one' eval 'expect 0 status cart && has "$OUT" "Last fail-over" && has "$OUT" "$(address "$OTHER") leads shard 2"'
check '... for programs' eval 'expect 0 status -o json cart && json ".failover == null and .last_failover.status == \"met\" and .last_failover.to.address == \"$(address "$OTHER")\""'
check 'the cluster is as declared' eval 'expect 0 plan --detailed-exitcode "$F"'

# ---------------------------------------------------------------- killed in the middle

killed() { # killed COMMAND... - as soon as the wish is written down
	local n
	n=$(sqlite3 "$STATE" 'SELECT count(*) FROM wish')
	op_start "$@"
	wait_until 10 "[ \"\$(sqlite3 '$STATE' 'SELECT count(*) FROM wish')\" -gt $n ]" && kill -9 "$OP_PID"
	op_wait >/dev/null 2>&1
	[ "$(sqlite3 "$STATE" "SELECT count(*) FROM wish WHERE status = 'open'")" = 1 ]
}
check 'clients write again' ledger_start
check 'the command is killed' killed failover --yes --reason 'killed' "$F" 1
check '... status says that it is under way' eval 'expect 0 status cart && has "$OUT" "Fail-over" && has "$OUT" ": killed"'
check '... another shard has to wait' eval 'expect 4 failover --yes "$F" 3 && has "$ERR" "one at a time"'
check '... apply goes on with it' eval 'expect 0 apply --yes "$F" && [ "$(wishes)" = "met met met met" ] && ! leads 0'
check '... which asked a replica once' eval '[ $(($(asked 3) + $(asked 6))) = 1 ]'
check 'killed again' killed failover --yes "$F" "$(address 0)"
check '... the same words go on with it, too' eval 'expect 0 failover --yes "$F" "$(address 0)" && all_hold 0 && { [ "$(wishes)" = "met met met met met" ] || { wishes; false; }; }'
check 'clients end' ledger_end
check '... nothing of it is lost' eval 'ledger_verify 0 && json ".lost == 0 and .longestGap.us < 1000000"'
check 'interrupted, it takes its wish back' eval 'op_start failover --yes "$F" 3
	wait_until 10 "[ \"\$(sqlite3 \"$STATE\" \"SELECT count(*) FROM wish\")\" -gt 5 ]" && kill -INT "$OP_PID"; op_wait >/dev/null 2>&1
	[[ "$(wishes)" =~ (met|withdrawn|open)$ ]] && expect 0 apply --yes "$F" && [ -z "$(sqlite3 "$STATE" "SELECT id FROM wish WHERE status = '"'open'"'")" ]'

sqlite3 "$STATE" "INSERT INTO wish (cluster, pass, what, shard, node, leader, asked_wall_ms, user, uid, host, pid, command)
	SELECT id, 0, 'failover', 3, '', '', 1000, 'ada', 1, 'desk', 1, 'x' FROM cluster"
check 'one that nobody came to is in nobody'"'"'s way' eval 'expect 0 failover --yes "$F" "$(address 3)" && [[ "$(wishes)" == *"refused met" ]]'

# ---------------------------------------------------------------- refused

P=$(for i in 2 5 8; do leads $i && echo $i; done)
mapfile -t R < <(for i in 2 5 8; do [ "$i" = "$P" ] || echo $i; done)
N=$(sqlite3 "$STATE" 'SELECT count(*) FROM wish')
all_asked() { for i in 0 1 2 3 4 5 6 7 8; do [ "$i" = "$P" ] || asked $i; done | paste -sd' '; }
A=$(all_asked)
unasked() { [ "$(sqlite3 "$STATE" 'SELECT count(*) FROM wish')" = "$N" ]; }
rcli "${R[0]}" CONFIG SET cluster-replica-no-failover yes >/dev/null
node_freeze "${R[1]}"
check 'no replica is ready: each is named with the reason' eval 'expect 4 failover --yes "$F" 3 && has "$ERR" "no replica of shard 3 is ready" &&
	has "$ERR" "$(address "${R[0]}") has cluster-replica-no-failover set" && has "$ERR" "$(address "${R[1]}") does not answer" && unasked'
check '... -o json says so, too' eval 'expect 4 failover --yes -o json "$F" 3 && json ".result == \"refused\" and .error.code == 4 and .candidates[0].ready == false"'
check '... nor is a named one' eval 'expect 4 failover --yes "$F" "$(address "${R[1]}")" && has "$ERR" "does not answer" && unasked'
node_thaw "${R[1]}"
rcli "${R[0]}" CONFIG SET cluster-replica-no-failover no >/dev/null
check '(all are back)' wait_until 20 'agreed && replicas_up'
check "(a slot is opened)" eval 'rcli "$P" CLUSTER SETSLOT 16000 MIGRATING "$(rcli 3 CLUSTER MYID)" | grep -qx OK'
check 'a slot is open' eval 'expect 4 failover --yes "$F" 3 && has "$ERR" "slots are on their way to or from $(address "$P")" && unasked'
rcli "$P" CLUSTER SETSLOT 16000 STABLE >/dev/null
check '(it is closed)' wait_until 10 agreed
op pause cart >/dev/null 2>&1
check 'paused' eval 'expect 4 failover --yes "$F" 3 && has "$ERR" "paused" && unasked'
check '... --plan shows it all the same' eval 'expect 0 failover --plan "$F" 3 && has "$OUT" "takes over"'
op resume cart >/dev/null 2>&1
exec {held}>"$LIVE_DIR/cart.lock"
flock "$held"
check 'another one at work' eval 'expect 5 failover --yes "$F" 3 && unasked'
exec {held}>&-
each 'rcli $i CONFIG SET cluster-node-timeout 30000' 0 1 2 3 4 5 6 7 8 >/dev/null # or they elect while a busy machine looks
node_freeze "$P"
check 'the primary is silent: that is for the servers' eval 'expect 4 failover --yes "$F" 3 && has "$ERR" "$(address "$P") does not answer" && unasked'
node_thaw "$P"
each 'rcli $i CONFIG SET cluster-node-timeout $FLEET_TIMEOUT' 0 1 2 3 4 5 6 7 8 >/dev/null
check '(all are well)' wait_until 30 'agreed && replicas_up && op apply --yes "$F" >/dev/null 2>&1'
check 'of all that was refused no replica was asked' eval '[ "$(all_asked)" = "$A" ] || { all_asked; echo "$A"; false; }'

# ---------------------------------------------------------------- beside the daemon

none_open() { [ "$(sqlite3 "$STATE" "SELECT count(*) FROM wish WHERE status = 'open'")" = 0 ]; }
last_is() { [ "$(sqlite3 "$STATE" 'SELECT status FROM wish ORDER BY id DESC LIMIT 1')" = "$1" ]; }
cp "$F" "$CLUSTERS/"
check 'a daemon looks after it' eval 'daemon_start && passes 3'
check 'the command works beside it' expect 0 failover --yes cart 1
check 'killed in the middle, the daemon goes on' eval 'killed failover --yes cart 1; wait_until 20 none_open && last_is met'
check 'the daemon ends' daemon_stop
fleet_down
