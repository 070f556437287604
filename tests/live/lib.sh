#!/bin/bash
# lib.sh - the library of the live tests, tested against real servers (the program under test is not needed)
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"

check 'six servers start' fleet_up 6
check 'ports and bus ports stay below the ephemeral range' eval '[ "$(port 0)" -ge 10000 ] && [ "$(port 99)" -lt 20000 ]'
check 'each answers' eval 'for i in 0 1 2 3 4 5; do [ "$(rcli $i PING)" = PONG ] || exit 1; done'
check 'fresh nodes do not agree' eval '! agreed'
check 'wait_until gives up in time and says on what' eval \
	'! wait_until 1 "echo because; false" >"$LIVE_DIR/said"; has "$LIVE_DIR/said" "still not after 1 s" && has "$LIVE_DIR/said" because'

printf '==12==Unable to get registers from thread 13.\n' >"$LIVE_DIR/report"
check 'of a sanitizer, that a process ended in its leak check is no finding' no_finding "$LIVE_DIR/report"
echo '==12==ERROR: LeakSanitizer: detected memory leaks' >>"$LIVE_DIR/report"
check 'anything else is, and so is a report without a word' eval \
	'! no_finding "$LIVE_DIR/report" && : >"$LIVE_DIR/report" && ! no_finding "$LIVE_DIR/report"'

changes_begin
monitor_begin
agreed >/dev/null
rcli 0 CONFIG GET maxmemory >/dev/null
rcli 0 CLUSTER NODES >/dev/null
check 'looking changes nothing' no_changes
check 'and counts nothing' test "$(changes_count)" = 0

rcli 1 CONFIG SET maxmemory-samples 6 >/dev/null
rcli 1 CLUSTER SET-CONFIG-EPOCH 2 >/dev/null
rcli 2 set key value >/dev/null 2>&1 # refused: CLUSTERDOWN; it counts all the same
check 'changing commands are counted' test "$(changes_count)" = 3
check 'by node and name' eval 'changes_list | grep -qx "1 config|set 1" && changes_list | grep -qx "2 set 1"'
check 'no_changes says which' eval '! no_changes >"$LIVE_DIR/said"; has "$LIVE_DIR/said" "1 cluster|set-config-epoch 1"'
check 'the record has administrative commands in order' test \
	"$(monitor_commands 1)" = "$(printf 'CONFIG SET maxmemory-samples 6\nCLUSTER SET-CONFIG-EPOCH 2')"
monitor_end "$LIVE_DIR/record"
check 'the merged record names the node' eval 'grep -qx "1 CLUSTER SET-CONFIG-EPOCH 2" "$LIVE_DIR/record"'
node_stop 2
node_start 2
check 'a restarted server counts from nought' eval '! changes_list | grep -q "^2 "'

node_freeze 3
check 'a frozen node does not answer' eval '! timeout 0.3 "$REDIS_CLI" -p "$(port 3)" PING'
node_thaw 3
check 'a thawed one does' eval '[ "$(rcli 3 PING)" = PONG ]'
id=$(rcli 4 CLUSTER MYID)
node_kill9 4
check 'a killed node is gone' eval '! node_answers 4'
node_start 4
check 'a killed node comes back as itself' eval '[ "$(rcli 4 CLUSTER MYID)" = "$id" ]'
node_stop 4
node_wipe 4
node_start 4
check 'a wiped node comes back as another' eval '[ "$(rcli 4 CLUSTER MYID)" != "$id" ]'
node_stop 4
check 'a stopped node is not among the running' eval '[ "$(nodes_running | tr "\n" " ")" = "0 1 2 3 5 " ]'

fleet_down
check 'after fleet_down nobody answers' eval '! node_answers 0'
check 'a new fleet takes their place' fleet_up 6
check 'a server that cannot start is reported' eval \
	'! (fleet_up 1 "no-such-directive yes") >"$LIVE_DIR/said"; has "$LIVE_DIR/said" "did not start"'
topology "$LIVE_DIR/cart.yaml" 3 1 'onTotalLoss: Refuse' 'settings:
  cluster-node-timeout: 5000'
check 'the topology file lists the fleet' eval '[ "$(grep -c "address: 127.0.0.1:" "$LIVE_DIR/cart.yaml")" = 6 ]'
check 'the topology file is YAML' python3 -c 'import sys, yaml
spec = yaml.safe_load(open(sys.argv[1]))["spec"]
assert spec["shards"] == 3 and len(spec["nodes"]) == 6 and spec["settings"]["cluster-node-timeout"] == 5000
assert spec["onTotalLoss"] == "Refuse"' "$LIVE_DIR/cart.yaml"

"$REDIS_CLI" --cluster create $(addresses) --cluster-replicas 1 --cluster-yes >"$LIVE_DIR/create" 2>&1
check 'a formed cluster agrees' wait_until 20 agreed
check 'its replicas are up' wait_until 20 replicas_up
check 'a view is normalised' eval '[ "$(view 0)" = "$(view 5)" ] && [ "$(view 0 | wc -l)" = 6 ]'
rcli 0 CONFIG SET cluster-node-timeout 500 >/dev/null
node_freeze 5
check 'a dead replica ends the agreement' wait_until 10 '! agreed'
node_thaw 5
check 'and its return restores it' wait_until 20 agreed

# A child script that is terminated in the middle of a command leaves nothing.
cat >"$LIVE_DIR/child.sh" <<END
. "$TOP/tests/lib/live.sh"
fleet_up 3 && node_freeze 1
echo "\$LIVE_DIR \${NODE_PID[0]} \${NODE_PID[1]} \${NODE_PID[2]}"
wait_until 60 false
END
for signal in TERM INT HUP; do
	rm -f "$LIVE_DIR/child"
	# (bash starts background jobs with INT ignored, and an ignored signal cannot be trapped: hence env)
	env --default-signal=INT bash "$LIVE_DIR/child.sh" >"$LIVE_DIR/child" 2>&1 &
	child=$!
	wait_until 20 '[ -s "$LIVE_DIR/child" ]'
	read -r dir pids <"$LIVE_DIR/child"
	check "the child of $signal runs three servers, apart from ours" eval 'kill -0 $pids && [ "$dir" != "$LIVE_DIR" ]'
	kill "-$signal" "$child"
	wait "$child" 2>/dev/null
	check "after kill -$signal no server of it is left, frozen or not" eval '! kill -0 ${pids%% *} && ! kill -0 ${pids##* } && ! pgrep -f "$dir"'
	check "after kill -$signal its folder is gone" test ! -e "$dir"
done
check 'ours still run' agreed

cat >"$LIVE_DIR/program" <<'END'
#!/bin/sh
echo "args: $*"
echo "sorry" >&2
exit 3
END
chmod +x "$LIVE_DIR/program"
ROP_BIN=$LIVE_DIR/program
check 'expect compares the exit code' expect 3 validate x
check 'stdout and the database path' has "$OUT" "args: --state $STATE validate x"
check 'stderr apart' has "$ERR" sorry
check 'expect fails with the whole story' eval '! expect 0 plan y >"$LIVE_DIR/said"; has "$LIVE_DIR/said" "exit code 3, expected 0"'
printf '#!/bin/sh\nexec sleep 60\n' >"$LIVE_DIR/program"
op_start apply x
check 'op_start runs it in the background' eval 'kill -0 "$OP_PID"'
kill -9 "$OP_PID"
check 'and op_wait tells how it ended' eval 'op_wait; [ $? = 137 ]'
check 'not_ok counts as failed' eval '(LIVE_FAILED=0; not_ok x >/dev/null; [ "$LIVE_FAILED" = 1 ])'
