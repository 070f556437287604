#!/bin/bash
# crash.sh - primaries are killed as clients write, in pairs: once with the operator beside, once without; it loses no more by that
# timeout: 150
#
#   PAIRS (3) pairs from SEED (1) on: 20 are what tells something, `PAIRS=20 timeout 900 tests/live/crash.sh`; what was seen of
#   each pair is printed, and SEED=N PAIRS=1 is that pair again.
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/daemon.sh"
. "$TOP/tests/lib/ledger.sh"
PAIRS=${PAIRS:-3} SEED=${SEED:-1}
FLEET_TIMEOUT=1000
F=$LIVE_DIR/cart.yaml

luck() { # luck WHAT BELOW: of the seed, the same again for the same seed
	echo $((0x$(printf '%s %s' "$SEED" "$1" | sha256sum | cut -c1-12) % $2))
}
role() { rcli "$1" ROLE | head -1; }
primaries() { for i in 0 1 2 3 4 5; do [ "$(role $i)" = master ] && echo $i; done; }
follower() {
	local i id
	id=$(rcli "$1" CLUSTER MYID)
	for i in 0 1 2 3 4 5; do rcli $i CLUSTER NODES | grep -q "myself,slave $id" && echo $i; done
}
# A host that dies loses its network first: what is acknowledged between has not reached the replica, and is lost.
crash() { # crash ARM: how many acknowledged writes are lost, in lost.ARM
	local victim heir
	victim=$(primaries | sed -n "$(($(luck victim 3) + 1))p")
	heir=$(follower "$victim")
	ledger_start || return
	nap 0.$(luck moment 1000 | xargs printf '%03d')
	node_freeze "$heir" # or it would be linked again at once
	rcli "$victim" CLIENT KILL TYPE replica >/dev/null
	nap 0.$(luck cut 150 | xargs printf '%03d')
	node_kill9 "$victim"
	node_thaw "$heir"
	wait_until 20 "[ \"\$(role $heir)\" = master ]" && ledger_goes_on 300 && node_start "$victim" && wait_until 20 'agreed && replicas_up' &&
		ledger_end || return
	(ledger verify --nodes "$(ledger_nodes)" --journal "$LEDGER_JOURNAL" --json) >"$OUT" 2>"$ERR" </dev/null
	jq -e '.lost | numbers' "$OUT" >"$LIVE_DIR/lost.$1" || { cat "$OUT" "$ERR"; return 1; }
}
looked() { rcli 0 CLIENT LIST | grep -q 'name=redis-operator:cart'; }
nothing_but_writes() { # the clients' own
	changes_list >"$LIVE_DIR/sent"
	! grep -vE ' (del|exec|expire|incr|multi|pexpire|rpush|set) [0-9]+$' "$LIVE_DIR/sent"
}
with_operator() {
	local fine=0
	daemon_start && wait_until 15 'looked' || return
	changes_begin
	crash with && nothing_but_writes || fine=1
	daemon_stop
	return $fine
}

check 'six servers' fleet_up 6 'repl-diskless-sync-delay 0'
topology "$F" 3 1 'intervals: { observe: 200ms }'
check 'formed' eval 'expect 0 apply --yes "$F" && agreed && replicas_up' || exit 1
cp "$F" "$CLUSTERS/cart.yaml"
: >"$LIVE_DIR/pairs"
for ((end = SEED + PAIRS; SEED < end; SEED++)); do
	: >"$SAID"
	if [ "$(luck order 2)" = 0 ]; then
		check "pair $SEED: without the operator" crash without
		check "pair $SEED: with it, which sends nothing that changes anything" with_operator
	else
		check "pair $SEED: with the operator, which sends nothing that changes anything" with_operator
		check "pair $SEED: without it" crash without
	fi
	echo "$(cat "$LIVE_DIR/lost.with") $(cat "$LIVE_DIR/lost.without")" >>"$LIVE_DIR/pairs"
	echo "# pair $SEED: lost with the operator, without it: $(tail -1 "$LIVE_DIR/pairs")"
done

# Had the operator no part in it, each pair could as well have come out the other way round (at most 20 pairs: all ways).
no_more() {
	python3 - "$LIVE_DIR/pairs" <<'PYTHON'
import sys
pairs = [tuple(map(int, line.split())) for line in open(sys.argv[1])]
differences = [a - b for a, b in pairs]
seen = sum(differences)
if len(pairs) > 20:
    import random
    draw = random.Random(1)
    sums = [sum(d if draw.random() < 0.5 else -d for d in differences) for _ in range(1000000)]
else:
    sums = [0]
    for d in differences:
        sums = [s + e for s in sums for e in (d, -d)]
p = sum(s >= seen for s in sums) / len(sums)
print(f"# say: {len(pairs)} crash fail-overs with the operator lost {sum(a for a, _ in pairs)} acknowledged writes, without it "
      f"{sum(b for _, b in pairs)}; by chance alone p = {p:.3f} (least possible here: {2.0 ** -len(pairs):.1g})")
sys.exit(p < 0.01)
PYTHON
}
no_more | grep '^# say'
check 'with the operator no more is lost than without it (permutation test, 1 %)' [ "${PIPESTATUS[0]}" = 0 ]
