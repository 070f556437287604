#!/bin/bash
# failover_again.sh - an attempt to hand a shard over that the servers let come to nothing: known, waited for, said, and made again
# timeout: 90
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

# Redis votes for nobody in the place of one primary twice within two node timeouts, whoever asks: there the first attempt
# of ours fails, if a person handed the shard over and back just before. Valkey since 8.1 votes again at once.
# Who has not heard that the old one follows now would not vote for it.
by_hand() { [ "$(rcli "$1" CLUSTER FAILOVER)" = OK ] && wait_until 15 "leads $1 && ! leads $2 && replicas_up && agreed"; }
attempts() { sqlite3 "$STATE" "SELECT status FROM expectation WHERE kind = 'fail-over' ORDER BY id" | paste -sd' '; }
said() { op status cart >"$OUT" 2>&1 && tr '\n' ' ' <"$OUT" | grep -qE 'attempt 1 of 3 to hand shard 1 over +failed .*the servers +take no other +one for +[0-9]+ +s'; }

FLEET_TIMEOUT=3000
check 'six servers' fleet_up 6 'repl-diskless-sync-delay 0'
topology "$F" 3 1
check 'formed' eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
if rcli 0 CONFIG GET cluster-manual-failover-timeout | grep -q .; then
	check '(its pause is set)' each 'rcli $i CONFIG SET cluster-manual-failover-timeout 3000' 0 1 2 3 4 5
	check '--plan says how long writes wait, as the servers have it' eval 'expect 0 failover --plan "$F" 1 && tr "\n" " " <"$OUT" | grep -qE "for 3 s +at most"'
else
	check '--plan says how long writes wait' eval 'expect 0 failover --plan "$F" 1 && tr "\n" " " <"$OUT" | grep -qE "for 5 s +at most"'
fi
H=$(for i in 3 4 5; do rcli "$i" CLUSTER NODES | grep myself | grep -q "$(rcli 0 CLUSTER MYID)" && echo "$i"; done)
check 'a person hands the shard over by hand' by_hand "$H" 0
check '... and back' by_hand 0 "$H"
voters() { local i; for i in 0 1 2; do rcli "$i" CONFIG SET cluster-node-timeout "$1" >/dev/null; done; }
voters 60000 # (so long ago they voted in its place, for this test)
op_start failover --yes "$F" 1
if [[ $(rcli 0 INFO server | tr -d '\r') == *valkey_version* ]]; then
	check 'it is done all the same' eval 'op_wait && leads "$H"'
else
	check 'the servers vote for no other one: status says so, and for how long' wait_until 20 said
	voters 3000
	check '... it is made again when they take it, and comes about' eval 'op_wait && leads "$H"'
	check '... in two attempts' eval '[ "$(attempts)" = "expired met" ] || { attempts; false; }'
	check '... the second one not before four node timeouts' eval '[ "$(sqlite3 "$STATE" "SELECT max(issued_boot_ms) - min(issued_boot_ms) >= 4 * 3000 FROM expectation WHERE kind = '"'fail-over'"'")" = 1 ]'
fi
check 'all say so' eval 'wait_until 10 agreed && expect 0 plan --detailed-exitcode "$F"'
fleet_down
