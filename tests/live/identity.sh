#!/bin/bash
# identity.sh - what apply does is what plan printed: step by step, counted on the servers
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml

# Lines "NODE COMMAND", node by node, each node's in order. A repeated attempt of the same command is not a new step.
planned() { # planned FILE
	jq -r '.changes[] | [.node, .command] | join(" ")' "$1" | by_node
}
by_node() { sort -s -k1,1 | sed "s/^127\.0\.0\.1:$((LIVE_BLOCK / 100))0\{0,1\}//"; }
received() {
	local file=$LIVE_DIR/received.raw
	monitor_end "$file"
	awk '!said[$0]++' "$file" | sort -s -n -k1,1
}

changes_nothing() { expect 0 apply --yes "$@" && no_changes; }

# The whole of one case: plan, apply, and the three lists are equal.
identical() { # identical NAME LEAST-STEPS ARG... (of plan and apply)
	local name=$1 least=$2
	shift 2
	changes_begin
	check "$name: plan" expect 0 plan -o json "$@"
	cp "$OUT" "$LIVE_DIR/plan.json"
	check "$name: plan sends no changing command" no_changes
	planned "$LIVE_DIR/plan.json" >"$LIVE_DIR/planned"
	check "$name: the plan converges, in at least $least steps" eval \
		'jq -e .converges "$LIVE_DIR/plan.json" >/dev/null && [ "$(wc -l <"$LIVE_DIR/planned")" -ge '"$least"' ]'
	check "$name: no step is planned twice" test -z "$(sort "$LIVE_DIR/planned" | uniq -d)"
	journal 'SELECT max(id) FROM expectation' >"$LIVE_DIR/before" 2>/dev/null || echo 0 >"$LIVE_DIR/before"
	monitor_begin
	check "$name: apply" expect 0 apply --yes -o jsonl "$@"
	received >"$LIVE_DIR/received"
	check "$name: the servers received what was planned, each node in the planned order" same "$LIVE_DIR/planned" "$LIVE_DIR/received"
	# What apply shows before it begins is the same plan.
	jq -r 'select(.type == "planned_change") | [.node, .command] | join(" ")' "$OUT" | by_node >"$LIVE_DIR/shown"
	check "$name: apply shows that plan" same "$LIVE_DIR/planned" "$LIVE_DIR/shown"
	# (A second MEET only hastens what servers with shard ids tell each other: no plan holds it.)
	journal "SELECT address || ' ' || command FROM expectation WHERE kind <> 'greet' AND id > $(($(cat "$LIVE_DIR/before"))) ORDER BY id" |
		awk '!said[$0]++' | by_node >"$LIVE_DIR/journalled"
	check "$name: and the journal has the same steps" same "$LIVE_DIR/planned" "$LIVE_DIR/journalled"
	# Kind, subject and arguments of each step, as plan and journal have them.
	jq -r '.changes[] | [.action, .subject] | join(" ")' "$LIVE_DIR/plan.json" | sort >"$LIVE_DIR/subjects"
	journal "SELECT DISTINCT kind || ' ' || subject FROM expectation WHERE kind <> 'greet' AND id > $(($(cat "$LIVE_DIR/before")))" | sort >"$LIVE_DIR/subjects.journal"
	check "$name: by kind and subject too" same "$LIVE_DIR/subjects" "$LIVE_DIR/subjects.journal"
	# The machine took the states in the planned order.
	jq -r '.changes[].state' "$LIVE_DIR/plan.json" | uniq >"$LIVE_DIR/states"
	jq -r 'select(.type == "transition" and .from == .to).to' "$OUT" | grep -vx Confirm | uniq >"$LIVE_DIR/states.taken"
	check "$name: in the planned states" same "$LIVE_DIR/states" "$LIVE_DIR/states.taken"
	check "$name: all nodes agree" wait_until 5 agreed
	changes_begin
	check "$name: a second plan has no changes" expect 0 plan --detailed-exitcode "$@"
	check "$name: a second apply sends none" changes_nothing "$@"
}

all_know_six() {
	local i
	for i in 0 1 2 3 4 5; do
		[ "$(view $i | grep -c ' connected')" = 6 ] || return
	done
}
all_have_both() {
	local i
	for i in 0 1 2 3 4 5; do
		[ "$(rcli $i CONFIG GET cluster-node-timeout | tail -1)" = 3000 ] || return
		[ "$(rcli $i CONFIG GET maxmemory-samples | tail -1)" = 7 ] || return
	done
}

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1
identical 'fresh nodes' 51 "$CART"

# A change of settings only.
topology "$CART" 3 1 'settings:
  maxmemory-samples: 7
  cluster-node-timeout: 3000'
identical 'settings only' 12 "$CART"
check 'settings only: every node has them' all_have_both
topology "$CART" 3 1

# Partly formed: three nodes know each other and own some slots; the others are blank.
fleet_reset || exit 1
for i in 0 1 2; do rcli $i CLUSTER SET-CONFIG-EPOCH $((i + 1)); done >/dev/null
rcli 0 CLUSTER MEET 127.0.0.1 "$(port 1)" >/dev/null
rcli 0 CLUSTER MEET 127.0.0.1 "$(port 2)" >/dev/null
rcli 0 CLUSTER ADDSLOTSRANGE 0 5460 >/dev/null
rcli 1 CLUSTER ADDSLOTSRANGE 5461 6000 >/dev/null
check 'partly formed: three nodes know each other' wait_until 20 '[ "$(view 0 | wc -l)" = 3 ] && [ "$(view 0)" = "$(view 1)" ] && [ "$(view 1)" = "$(view 2)" ]'
identical 'partly formed' 20 "$CART"
check 'partly formed: what was there was kept' eval 'rcli 0 CLUSTER NODES | grep -q "myself.* 0-5460$" && rcli 1 CLUSTER NODES | grep -q "myself.* 5461-"'

# All introduced and nothing else, as a redis-cli that was interrupted leaves it: no node is given what it has.
fleet_reset || exit 1
for i in 0 1 2 3 4 5; do rcli $i CLUSTER SET-CONFIG-EPOCH $((i + 1)); done >/dev/null
for i in 1 2 3 4 5; do rcli 0 CLUSTER MEET 127.0.0.1 "$(port $i)" >/dev/null; done
check 'introduced: six nodes know each other' wait_until 20 all_know_six
identical 'introduced' 6 "$CART"
check 'introduced: no MEET was sent' eval '! grep -q MEET "$LIVE_DIR/received"'

# One replica forgot the others. (A synchronisation without disk waits for more replicas, by default five seconds.)
for i in 0 1 2 3 4 5; do rcli $i CONFIG SET repl-diskless-sync-delay 0; done >/dev/null
rcli 5 CLUSTER RESET SOFT >/dev/null
check 'a lost replica: no node agrees with it' eval '! agreed'
# On some versions its peers, who know it still, make themselves known to it again, and not at once.
wait_until 5 all_know_six >/dev/null
identical 'a lost replica' 1 "$CART"
