#!/bin/bash
# daemon.sh - run keeps the folder's clusters converged: files come, go and are wrong; it is told to reload and to end
# timeout: 180
# shellcheck disable=SC2034,SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$(dirname "$0")/../lib/daemon.sh"

fleet_up 6 || exit 1
trio() { # trio FILE NAME NODES: three of the nodes, by themselves
	TOPOLOGY_NAME=$2 TOPOLOGY_NODES=$3 topology "$1" 3 0 "$MANAGED"
}

# ---------------------------------------------------------------- nothing to do, and what cannot be

check 'a folder that is not there: code 3, named' eval 'expect 3 run --clusters "$LIVE_DIR/nowhere" --config "$CONF" && has "$ERR" "$LIVE_DIR/nowhere"'
echo 'intervall = "5s";' >"$LIVE_DIR/wrong.conf"
check 'a wrong configuration: code 3, file, line and suggestion' eval 'expect 3 run --config "$LIVE_DIR/wrong.conf" && has "$ERR" "wrong.conf:1: error:" && has "$ERR" "interval"'

# ---------------------------------------------------------------- one cluster, told to the service manager

SOCKET=$LIVE_DIR/notify
socat -u "UNIX-RECVFROM:$SOCKET,fork" "OPEN:$LIVE_DIR/notified,creat,append" 2>/dev/null &
LIVE_JOBS+=($!)
wait_until 5 'test -S "$SOCKET"'
told() { tr '\0' '\n' <"$LIVE_DIR/notified" 2>/dev/null | grep -q -e "$1"; }

trio "$CLUSTERS/cart.yaml" cart '0 1 2'
NOTIFY_SOCKET=$SOCKET daemon_start
check 'it forms the cluster of the file that is there' wait_until 20 'agreed 0 1 2'
check 'and says so' wait_until 5 'says "msg=converged"'
check 'with the transitions and their reasons' eval 'says "cluster=cart from=Observe to=Configure" && says "why=\"some nodes do not know each other yet\""'
check 'READY was told' wait_until 5 'told READY=1'
check 'STATUS names the cluster and its state' wait_until 5 'told "STATUS=.*cart Ready"'
check 'status says converged' eval 'expect 0 status -o json cart && json ".converged and .state == \"Ready\""'
check 'a second daemon on this database: code 5, the first one named' eval 'expect 5 run --clusters "$CLUSTERS" --config "$CONF" && has "$ERR" "pid $DAEMON_PID (run"'

check 'what a person changes is mended' eval 'spoil 1; wait_until 10 "mended 1"'
wait_until 5 'says "Settle -> Verify"'
wait_until 10 'expect 0 status -o json cart && json ".converged and (.expectations | length == 0)"' >/dev/null
sleep_passes() { # until it has looked so many more times at node 0
	local before
	before=$(rcli 0 INFO commandstats | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\).*/\1/p')
	wait_until 30 "[ \$(rcli 0 INFO commandstats | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\).*/\1/p') -ge $((before + $1)) ]"
}
sleep_passes 3
sum=$(sha256sum <"$STATE")
changes_begin
check 'ten passes later' sleep_passes 10
check 'nothing was committed' test "$(sha256sum <"$STATE")" = "$sum"
check 'and nothing sent' test "$(changes_count)" = 0

# ---------------------------------------------------------------- files come and go

trio "$LIVE_DIR/shop.yaml" shop '3 4 5'
mv "$LIVE_DIR/shop.yaml" "$CLUSTERS/shop.yaml"
check 'a file that comes is taken up' wait_until 20 'agreed 3 4 5'
check 'STATUS names both' wait_until 10 'told "STATUS=2 of 2 clusters converged: cart Ready, shop Ready"'
changes_begin
rm "$CLUSTERS/shop.yaml"
check 'a file that goes is no longer managed' wait_until 10 'says "cluster=shop path=$CLUSTERS/shop.yaml msg=\"its file is gone"'
check 'nothing is changed, the cluster is as it was' eval 'agreed 3 4 5 && [ "$(changes_count)" = 0 ]'
spoil 4
spoil 1
check 'it is let alone while the other is kept' eval 'wait_until 10 "mended 1" && spoiled 4'
trio "$CLUSTERS/shop.yaml" shop '3 4 5'
check 'when the file is back, so is the care' wait_until 10 'mended 4'

# ---------------------------------------------------------------- files with errors

cp "$CLUSTERS/cart.yaml" "$LIVE_DIR/cart.good"
sed 's/shards: 3/shards: drei/' "$LIVE_DIR/cart.good" >"$CLUSTERS/cart.yaml"
check 'a file with errors: said with place' wait_until 10 'says "cart.yaml:6:11: error"'
check 'status shows them, and that the last good one is in force' wait_until 5 'expect 0 status cart && has "$OUT" "cart.yaml:6:11: error" && has "$OUT" "is in force"'
check 'STATUS counts it' wait_until 5 'told "1 file with errors"'
spoil 2
check 'the last good revision stays in force' wait_until 10 'mended 2'
check 'SIGTERM: ends with code 0' eval 'daemon_stop'
check 'STOPPING was told' told STOPPING=1
daemon_start
spoil 2
check 'also after a restart, from the journal' wait_until 20 'mended 2'
cp "$LIVE_DIR/cart.good" "$CLUSTERS/cart.yaml"
check 'when it is right again the errors are gone' wait_until 10 'says "the topology file is right again" && expect 0 status -o json cart && json ".file_errors == []"'

cp "$LIVE_DIR/cart.good" "$CLUSTERS/stray.yml"
check 'a name that ends in .yml is no topology, and that is said' wait_until 10 'says "not taken for a topology file: its name does not end in .yaml" && says "path=$CLUSTERS/stray.yml"'
trio "$CLUSTERS/twin.yaml" cart '3 4 5'
check 'the same name in two files: an error in both' wait_until 10 'says "cart.yaml: error: cluster '"'cart'"' is also declared in $CLUSTERS/twin.yaml" && says "twin.yaml: error: cluster '"'cart'"' is also declared in $CLUSTERS/cart.yaml"'
spoil 0
check 'each keeps its last good version' wait_until 10 'mended 0'
trio "$CLUSTERS/twin.yaml" twin '2 3 4'
check 'the same node in two files: an error in each' wait_until 10 'says "twin.yaml: error: node $(address 2) is also declared in $CLUSTERS/cart.yaml" && says "shop.yaml: error: node $(address 4) is also declared in $CLUSTERS/twin.yaml"'
check 'status lists the file that stands for nothing' eval 'expect 0 status && has "$OUT" "twin.yaml"'
spoil 0
spoil 5
check 'both go on with what was good' eval 'wait_until 10 "mended 0" && wait_until 10 "mended 5"'
rm "$CLUSTERS/twin.yaml"
check 'without it all is well again' wait_until 10 'expect 0 status && ! grep -q "^File" "$OUT"'

mv "$CLUSTERS" "$LIVE_DIR/away"
kill -HUP "$DAEMON_PID"
check 'a folder that vanished is no reason to let go' wait_until 10 'says "everything stays as it is"'
spoil 0
check 'its clusters are kept' wait_until 10 'mended 0'
mv "$LIVE_DIR/away" "$CLUSTERS"

# ---------------------------------------------------------------- told to reload

printf 'log = { level = "debug"; format = "json"; };\n' >"$CONF"
kill -HUP "$DAEMON_PID"
check 'SIGHUP reads the configuration again' wait_until 10 'says "\"msg\":\"configuration read again\""'
printf 'concurrency = 99;\nmachines = "%s/elsewhere";\n' "$LIVE_DIR" >"$CONF"
kill -HUP "$DAEMON_PID"
check 'another concurrency and other machines need a restart, and it says so' wait_until 10 'says "another concurrency needs a restart" && says "other machines need a restart"'
printf 'concurrency = "many";\n' >"$CONF"
kill -HUP "$DAEMON_PID"
check 'one with errors changes nothing' wait_until 10 'says "the one in force stays"'
spoil 1
check 'and the daemon goes on' wait_until 10 'mended 1'
check 'every JSON line is one' eval 'grep "^{" "$SAID" | jq -e . >/dev/null'
: >"$CONF"
check 'ends' daemon_stop
check 'RELOADING comes with its time' eval ': >"$LIVE_DIR/notified"; NOTIFY_SOCKET=$SOCKET daemon_start; wait_until 10 "told READY=1"; kill -HUP $DAEMON_PID; wait_until 5 "told RELOADING=1" && wait_until 5 "told MONOTONIC_USEC=[1-9]"'
check 'and READY ends it' wait_until 5 '[ "$(tr "\0" "\n" <"$LIVE_DIR/notified" | grep -c READY=1)" -ge 2 ]'
check 'ends once more' daemon_stop

# ---------------------------------------------------------------- ready when it has looked, not before

for i in 0 1 2 3 4 5; do node_freeze $i; done
: >"$LIVE_DIR/notified"
began=${EPOCHREALTIME/./}
NOTIFY_SOCKET=$SOCKET daemon_start
check 'with nodes that hang it is ready once they were looked at' wait_until 20 'told READY=1'
check 'and not before' test $((${EPOCHREALTIME/./} - began)) -gt 3000000
began=${EPOCHREALTIME/./}
check 'told to end while all nodes hang: code 0' daemon_stop
took=$(((${EPOCHREALTIME/./} - began) / 1000))
check "at once, it is only looking ($took ms)" test $took -lt 2000
for i in 0 1 2 3 4 5; do node_thaw $i; done

# ---------------------------------------------------------------- all places from the configuration, which is read again

for i in 0 1 2 3 4 5; do wait_until 10 "rcli $i PING | grep -q PONG" >/dev/null; done
printf 'state = "%s";\nclusters = "%s";\n' "$STATE" "$CLUSTERS" >"$CONF"
# shellcheck disable=SC2034
DAEMON_PLACES=()
: >"$SAID"
daemon_start
spoil 0
check 'a daemon that has its places from the configuration' wait_until 20 'mended 0'
printf '# longer\nstate = "%s/elsewhere.db";\nclusters = "%s";\n' "$LIVE_DIR" "$CLUSTERS" >"$CONF"
kill -HUP "$DAEMON_PID"
check 'told of another database: it needs a restart, and says so' wait_until 10 'says "another database needs a restart" && says "configuration read again"'
spoil 0
check 'it goes on with the one it has' eval 'wait_until 10 "mended 0" && [ ! -e "$LIVE_DIR/elsewhere.db" ]'
check 'and ends' daemon_stop
