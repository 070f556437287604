#!/bin/bash
# expired.sh - keys that have expired, and that their server has not come by to delete, hold up no slot that is to move
# timeout: 90
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=2000

held() { for i in 0 1 2; do rcli $i DBSIZE; done | awk '{ n += $1 } END { print n + 0 }'; }

fleet_up 6 'repl-diskless-sync-delay 0' 'enable-debug-command yes' || exit 1
topology "$F" 3 1 'migration: { atomic: Never }'
check 'a cluster with keys' eval 'expect 0 apply --yes "$F" && load 1000'
check 'its servers delete nothing by themselves' each 'rcli $i DEBUG SET-ACTIVE-EXPIRE 0 | grep -qx OK' 0 1 2
check 'as many keys expire at once' eval 'seq 1000 | sed "s/.*/SET expired& v PX 1/" | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/load" && [ "$(held)" = 2000 ]'
topology "$F" 3 1 'migration: { atomic: Never }' 'shardWeights: { 1: 3, 2: 2, 3: 1 }'
check 'slots move all the same' expect 0 apply --yes -o jsonl --timeout 40s "$F"
check '... in so many passes as for other keys' eval 'tail -1 "$OUT" | jq -e ".converged and .passes < 400" >/dev/null || { tail -1 "$OUT"; false; }'
check '... no key is lost' eval '[ "$(for i in $(seq 1000); do echo GET k$i; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c "^v")" = 1000 ]'
check '... and nobody has the expired ones in the slots that moved' eval '[ "$(held)" -lt 2000 ] && agreed && replicas_up'
