#!/bin/bash
# pending.sh - pending expectations decide; so does a pause
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml
STRANDED=$LIVE_DIR/stranded.yaml

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1 'intervals: { commandTimeout: 500ms }'
# The same nodes, but the last one's bus is said to be where nobody listens, by the file and by the node itself: MEETs to
# it are sent and never seen done.
sed "s/address: $(address 5)/&, busPort: $((LIVE_BLOCK + 10099))/" "$CART" >"$STRANDED"
announces() { rcli 5 CONFIG SET cluster-announce-bus-port "$1" >/dev/null; } # 0: where it is

boot_ms() { awk '{ printf "%d\n", $1 * 1000 }' /proc/uptime; }
pending() { remains "SELECT count(*) FROM expectation WHERE status = 'pending'"; }

# ---------------------------------------------------------------- pending MEETs, and the same ones hidden

# Kills an apply whose MEETs are on their way, and gives their expectations some seconds more, so that a slow machine
# does not matter.
MORE=3000
strand() {
	fleet_reset && announces $((LIVE_BLOCK + 10099)) || return
	op_start apply --yes "$STRANDED"
	wait_until 10 '[ "$(total meet)" -ge 15 ] && [ "$(journal "SELECT count(*) FROM expectation WHERE status = '"'pending'"'")" = 5 ]' || return
	kill -9 "$OP_PID"
	op_wait
	sqlite3 "$STATE" "UPDATE expectation SET deadline_boot_ms = $(boot_ms) + $MORE WHERE status = 'pending'" || return
	DEADLINE=$(journal "SELECT max(deadline_boot_ms) FROM expectation WHERE status = 'pending'")
	MEETS=$(total meet)
}
# Starts apply and waits for its first MEET; FIRST: on the boot clock, when it was certainly not yet there.
first_meet() {
	op_start apply --yes "$STRANDED"
	local end=$((SECONDS + 15))
	while FIRST=$(boot_ms) && [ "$(total meet)" = "$MEETS" ]; do
		if [ "$SECONDS" -ge "$end" ] || ! kill -0 "$OP_PID" 2>/dev/null; then
			echo "no MEET came"
			cat "$ERR"
			return 1
		fi
	done
	AFTER=$(boot_ms)
}

check 'five MEETs are pending when the operator is killed' strand
check 'the next one sends' first_meet
check 'but only what was pending has expired' eval '[ "$AFTER" -gt "$DEADLINE" ] || { echo "sent before $AFTER, pending until $DEADLINE"; false; }'
kill -9 "$OP_PID"
op_wait
check 'the expired ones are told as expired' test "$(journal "SELECT count(*) FROM expectation WHERE kind = 'meet' AND status = 'expired'")" = 5
check 'and what is sent in their place is a second attempt' test "$(journal "SELECT DISTINCT attempts FROM expectation WHERE kind = 'meet' AND status = 'pending'")" = 2

check 'five MEETs are pending again' strand
check 'they are hidden from the next one' eval 'sqlite3 "$STATE" "DELETE FROM expectation WHERE status = '"'pending'"'" && [ "$(pending)" = 0 ]'
check 'it sends too' first_meet
check 'at once: the rows decided' eval '[ "$FIRST" -lt "$DEADLINE" ] || { echo "not sent at $FIRST, it would have been pending until $DEADLINE"; false; }'
kill -9 "$OP_PID"
op_wait
check 'told the right bus port, apply finishes' eval 'announces 0 && formed "$CART"'

# ---------------------------------------------------------------- pending ADDSLOTSRANGE on a frozen node

fleet_reset || exit 1
check 'apply is about to assign slots' apply_upon AssignSlots "$CART"
node_freeze 1
kill -CONT "$OP_PID"
check 'two of three nodes got theirs' wait_until 5 '[ "$(awk "/cluster.addslotsrange/" <(rcli 0 INFO commandstats) <(rcli 2 INFO commandstats) | wc -l)" = 2 ]'
kill -9 "$OP_PID"
end_apply
check 'it was killed with expectations pending' test "$(pending)" -ge 1
changes_begin_without() { # node 1 does not answer
	nodes_running() { echo '0 2 3 4 5'; }
	changes_begin
}
(changes_begin_without)
check 'while the node is frozen, the next apply changes nothing' eval '(nodes_running() { echo "0 2 3 4 5"; }; expect 8 apply --yes "$CART" && ! changes_list | grep -v "config.set")'
check 'and names it' has "$ERR" "$(address 1)"
node_thaw 1
check 'thawed, it has what was sent before' wait_until 5 'rcli 1 CLUSTER NODES | grep -q "myself.* 5461-10922"'
check 'apply finishes' formed "$CART"
check 'no slot was given twice' test "$(total addslotsrange)" = 3
check 'nor tried' eval '! for i in 0 1 2; do rcli $i INFO commandstats | grep "addslotsrange" | grep -v "rejected_calls=0,failed_calls=0"; done | grep .'

# A one-way or repeated command must never come from a second operator's blind trust in the database either: rows that
# say "pending" for what is long done are seen as met.
sqlite3 "$STATE" "UPDATE expectation SET status = 'pending', resolved_wall_ms = 0, deadline_boot_ms = $(boot_ms) + 600000 WHERE kind IN ('add-slots', 'replicate')"
changes_begin
check 'what is seen done is met, whatever the deadline' eval 'formed "$CART" && no_changes'

# ---------------------------------------------------------------- pause

fleet_reset && announces $((LIVE_BLOCK + 10099)) || exit 1
op_start apply --yes "$STRANDED"
check 'an apply is under way' wait_until 10 '[ "$(total meet)" -ge 15 ]'
check 'pause' env USER=ada SUDO_USER=ada "$ROP_BIN" --state "$STATE" pause cart
PAUSED_MEETS=$(total meet)
changes_begin
began=$SECONDS
op_wait
code=$?
check 'apply ends with 4' test "$code" = 4
check 'soon' test $((SECONDS - began)) -le 5
check 'it says who paused' has "$ERR" "cluster 'cart' is paused by ada"
check 'and how to go on' has "$ERR" 'redis-operator resume cart'
check 'settings are put back' settings_original
check 'and nothing else was sent' eval '! changes_list | grep -v "config|set" && [ "$(total meet)" = "$PAUSED_MEETS" ]'
check 'the journal is clean' journal_clean
announces 0
changes_begin
check 'while paused, apply refuses' expect 4 apply --yes "$CART"
check 'and says who paused' has "$ERR" 'is paused by ada'
check 'plan shows the plan all the same, and who paused' eval 'expect 0 plan "$CART" && has "$OUT" "Plan: " && has "$OUT" "Paused by ada"'
check 'status shows it' eval 'expect 0 status -o json "$CART" && jq -e ".paused and (.conditions[] | select(.type == \"Paused\")).message == \"ada paused it\"" "$OUT"'
check 'nothing was changed' no_changes
check 'a misspelt name is no pause' expect 3 pause carl
check 'resume' expect 0 resume cart
check 'then apply finishes' formed "$CART"

check 'pause --for 1s' expect 0 pause --for 1s cart
check 'it holds' expect 4 apply --yes "$CART"
check 'and says for how long' has "$ERR" 'for another 1 s'
check 'and ends by itself' wait_until 5 'expect 0 apply --yes "$CART"'

# Paused while apply only waits, with settings lowered: they are put back first.
fleet_reset && announces $((LIVE_BLOCK + 10099)) || exit 1
check 'an apply waits for a bus port that is closed' eval 'op_start apply --yes "$STRANDED"; wait_until 10 "settings_lowered && [ \"\$(total meet)\" -ge 15 ]"'
check 'paused' expect 0 pause --for 30s cart
check 'settings come back while it ends' wait_until 5 settings_original
op_wait
check 'with 4' test $? = 4
