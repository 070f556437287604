#!/bin/bash
# cron.sh - apply without a terminal, as cron runs it: silent when there is nothing to do, else a line a change
# shellcheck disable=SC2034,SC2016

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

# No terminal, no session, next to no environment, the home folder, output into the mail: here two files.
cron() { # cron CODE LINE - a crontab line's command, with $ROP and $F in it
	local code=$1 got=0
	(cd "$LIVE_DIR" && setsid env -i HOME="$LIVE_DIR" LOGNAME=root PATH=/usr/bin:/bin SHELL=/bin/sh F="$F" \
		ROP="$ROP_BIN --state $STATE" /bin/sh -c "$2") >"$OUT" 2>"$ERR" </dev/null || got=$?
	[ "$got" -eq "$code" ] && return
	echo "exit code $got, expected $code: $2"
	head -40 "$OUT" "$ERR"
	return 1
}
only_lines() { # every line on stdout is the cluster's
	[ -s "$OUT" ] && ! grep -vE '^cart: [^ ]' "$OUT"
}
errors() { # stderr but for what the topology is warned of
	grep -v '^warning: ' "$ERR"
}

check 'six servers' fleet_up 6
topology "$F" 3 1
changes_begin
check 'without --yes: 4, and why; what is planned is called so' eval 'cron 4 "\$ROP apply \$F" && has "$ERR" "give --yes" && ! grep -v "^cart: planned: " "$OUT" && has "$OUT" "cart: planned: $(address 3): replica of shard 1"'
check '... nothing was sent' no_changes
check 'forming: a line a change' eval 'cron 0 "\$ROP apply --yes \$F" && only_lines && ! errors'
check '... grouped as in the plan' eval 'has "$OUT" "cart: $(address 0) ... $(port 5): introduce 6 nodes" && has "$OUT" "cart: 6 nodes: cluster-node-timeout 5000 -> 511, restored when formed"'
check '... who gets what' eval 'has "$OUT" "cart: $(address 1): slots 5461-10922 of shard 2" && has "$OUT" "cart: $(address 3): replica of shard 1 ($(address 0))"'
check '... at last the result' eval 'tail -1 "$OUT" | grep -qE "^cart: converged in [0-9.]+ s, [0-9]+ steps"'
check '... what was lowered is told when it is, and again when it is put back' eval 'has "$OUT" "cart: 6 nodes: cluster-node-timeout 511 -> 5000, put back" && [ "$(grep -n "restored when formed" "$OUT" | tail -1 | cut -d: -f1)" -lt "$(grep -n "introduce 6 nodes" "$OUT" | cut -d: -f1)" ]'
check '... nothing else' test "$(wc -l <"$OUT")" = 15
check '... no colour' eval '! grep -q "$(printf "\033")" "$OUT" "$ERR"'
check 'again: silent, and 0' eval 'changes_begin; cron 0 "\$ROP apply --yes \$F" && silent && no_changes'
check 'without --yes too, as nothing is to be agreed upon' eval 'cron 0 "\$ROP apply \$F" && silent'
topology "$F" 3 1 'intervals: { settle: 1500ms }'
check 'silent also where agreement must last' eval 'cron 0 "\$ROP apply --yes \$F" && silent'
topology "$F" 3 1 'settings: { maxmemory-samples: 6 }'
check 'one change for all: one line for the change, one for the file, one result' eval 'cron 0 "\$ROP apply --yes \$F" && only_lines && has "$OUT" "cart: 6 nodes: maxmemory-samples 5 -> 6" && ! errors'
rcli 2 CONFIG SET maxmemory-samples 7 >/dev/null
check '-q: the change, no result' eval 'cron 0 "\$ROP apply -q --yes \$F" && has "$OUT" "cart: $(address 2): maxmemory-samples 7 -> 6" && lacks "$OUT" converged && [ ! -s "$ERR" ]'
node_stop 5
check 'a fault: a sentence on stderr, nothing on stdout' eval 'cron 6 "\$ROP apply --yes --timeout 1s \$F" && [ ! -s "$OUT" ] && has "$ERR" "redis-operator: " && has "$ERR" "$(address 5) does not answer"'
node_start 5
wait_until 20 'agreed && replicas_up' >/dev/null
check 'another one at work: 5' eval 'exec {held}>"$LIVE_DIR/cart.lock" && flock "$held"; cron 5 "\$ROP apply --yes \$F"; code=$?; exec {held}>&-; [ $code = 0 ] && [ ! -s "$OUT" ] && [ -s "$ERR" ]'
check 'a file with errors: 3, on stderr' eval 'echo "x: 1" >>"$F"; cron 3 "\$ROP apply --yes \$F" && [ ! -s "$OUT" ] && has "$ERR" "unknown key"'
rm "$F"
fleet_down
rm -f "$STATE"*
check 'six others' fleet_up 6
topology "$F" 3 1
check 'an end before the end: what was done is on stdout, what was not on stderr' eval 'cron 6 "\$ROP apply --yes --timeout 40ms \$F" && has "$ERR" "cart: not done: $(address 3): replica of shard 1" && lacks "$OUT" "replica of shard" && lacks "$OUT" "converged in"'
check '... as the journal has it' eval 'op history cart >"$LIVE_DIR/past" && ! grep -q "met .*CLUSTER REPLICATE" "$LIVE_DIR/past"'
check '... the next one does the rest, and says only that' eval 'cron 0 "\$ROP apply --yes \$F" && only_lines && ! errors && has "$OUT" "cart: $(address 3): replica of shard 1" && agreed'
node_freeze 4
topology "$F" 3 1 'intervals: { connectTimeout: 300ms, commandTimeout: 300ms }' 'settings: { maxmemory-samples: 6 }'
check 'done where it could be, though it ends with 6' eval 'cron 6 "\$ROP apply --yes --timeout 3s \$F"; cat "$OUT" "$ERR"; has "$OUT" "cart: 5 nodes: maxmemory-samples 5 -> 6" && [ "$(rcli 1 CONFIG GET maxmemory-samples | tail -1)" = 6 ]'
node_thaw 4
