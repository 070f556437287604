#!/bin/bash
# dance.sh - replicas that their primaries turn away: the daemon does not go to and fro, writes nothing about it, and names the cause
# timeout: 90

FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$(dirname "$0")/../lib/daemon.sh"
F=$CLUSTERS/cart.yaml

bytes() { cat "$STATE" "$STATE"-wal 2>/dev/null | wc -c; }
moves() { grep -c 'from=' "$SAID"; }
blocked() { nap 0.5 && expect 0 status cart && grep -q '^Blocked  *True ' "$OUT"; }

check 'six servers that want a password, and replicas that have none' fleet_up 6 'requirepass secret1' 'repl-diskless-sync-delay 0'
topology "$F" 3 1 'auth: { passwordFile: pw }'
(umask 077 && printf secret1 >"$CLUSTERS/pw")
daemon_start
export REDISCLI_AUTH=secret1
check 'the cluster forms but for its replicas' wait_until 15 'rcli 0 CLUSTER INFO | grep -q cluster_state:ok'
nap 3
before=$(bytes) told=$(moves)
check 'within half a minute it is given up' wait_until 30 blocked
check '... with the cause, which no one was asked for' eval 'has "$OUT" "(masterauth, masteruser)" && lacks "$OUT" secret1'
nap 2
check '... which the log names too' says masterauth
check '... and nothing danced meanwhile' test "$(($(moves) - told))" -le 4
check '... nor did the journal grow' test "$(($(bytes) - before))" -le 65536
check 'check names it as well' eval 'op check "$F" >"$OUT" 2>&1; has "$OUT" "(masterauth, masteruser)"'
for i in $(seq 0 5); do rcli "$i" CONFIG SET masterauth secret1 >/dev/null; done
check 'with a password it is as declared' wait_until 25 'nap 0.5 && expect 0 status cart && grep -q "^Converged  *True" "$OUT"'
daemon_stop
fleet_down
