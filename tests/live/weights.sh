#!/bin/bash
# weights.sh - shards get the shares that their weights give them, with their keys; rebalance prints weights to be pasted
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
KEYS=3000

weigh() { topology "$F" 3 0 "$@"; }
own_slots() { rcli "$1" CLUSTER NODES | tr -d '\r' | grep myself | cut -d' ' -f9-; }
count() { own_slots "$1" | tr ' ' '\n' | awk -F- '/^[0-9]+(-[0-9]+)?$/ { n += (NF > 1 ? $2 : $1) - $1 + 1 } END { print n + 0 }'; }
shares() { # shares N N N: so many slots nodes 0, 1 and 2 own
	local got
	got=$(for i in 0 1 2; do count "$i"; done | xargs)
	[ "$got" = "$*" ] || { echo "shares are '$got', not '$*'"; return 1; }
}
said() { grep -qF -e "$1" "$OUT" "$ERR"; }
all_keys() { [ "$(for i in $(seq $KEYS); do echo GET k$i; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c '^v')" = $KEYS ]; }
pasted() { # the lines that rebalance printed, in the file
	mapfile -t LINES < <(sed -n '/^  shardWeights:$/,/^$/p' "$OUT" | sed '/^$/d; s/^  //')
	[ ${#LINES[@]} -gt 1 ] && weigh "${LINES[@]}"
}

fleet_up 3 || exit 1
weigh
check 'three shards are formed' expect 0 apply --yes "$F"
check '... with even shares' shares 5461 5462 5461
for i in $(seq $KEYS); do echo "SET k$i v$i"; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c OK >"$LIVE_DIR/loaded"
check 'and hold keys' all_keys
check 'rebalance: nothing is to be done by slots' eval 'expect 0 rebalance --by slots "$F" && has "$OUT" "Nothing is to be done" && lacks "$OUT" "shardWeights"'

weigh 'shardWeights: { 1: 2 }'
check 'a weight: validate takes it, and says that no label keeps it with its shard' eval 'expect 0 validate "$F" && has "$ERR" "no node has the label of shard 1"'
changes_begin
check '... plan shows the ranges, and changes nothing' eval 'expect 0 plan "$F" && has "$OUT" "shard 2 -> shard 1" && has "$OUT" "shard 3 -> shard 1" && has "$OUT" "2731 slots to move" && [ "$(changes_count)" = 0 ]'
check '... with keys and about how many bytes' grep -qE '~[0-9]+ keys \(~[0-9.]+ [KM]?i?B\)' "$OUT"
check '... and says that nobody knows whether they fit: there is no maxmemory' said 'no maxmemory is set there'
limit() { rcli 0 CONFIG SET maxmemory "$1" maxmemory-policy "$2" >/dev/null; }
limit 1mb noeviction
changes_begin
check '... a target that is too small: plan refuses, and names it' eval 'expect 4 plan "$F" && said "$(address 0) would get about" && said "refuse them"'
check '... so does apply, and nothing is changed' eval 'expect 4 apply --yes "$F" && [ "$(changes_count)" = 0 ] && shares 5461 5462 5461'
limit "$(($(rcli 0 INFO memory | sed -n 's/^used_memory:\([0-9]*\).*/\1/p') + 300000))" allkeys-lru
check '... the same where it would delete keys instead' eval 'expect 4 plan "$F" && said "would delete keys"'
limit 100mb noeviction
check '... with room for it there is nothing to be said' eval 'expect 0 plan "$F" && ! said memory'
weigh 'shardWeights: { 1: 2 }' 'migration: { rate: 100 }'
check '... at a declared rate it says how long it takes' eval 'expect 0 plan "$F" && has "$OUT" "At 100 keys a second" && has "$OUT" "take about"'
weigh 'shardWeights: { 1: 2 }'
check '... apply moves them' expect 0 apply --yes "$F"
check '... exactly to the shares' shares 8192 4096 4096
check '... all agree, no key is lost' eval 'agreed && all_keys'
check '... a second apply has nothing to do' eval 'expect 0 apply --yes "$F" && silent'

id() { rcli "$1" CLUSTER MYID; }
give() { # give FROM TO N: its highest slots, that are empty of keys or not, by redis-cli
	"$REDIS_CLI" --cluster reshard "$(address 0)" --cluster-from "$(id "$1")" --cluster-to "$(id "$2")" --cluster-slots "$3" --cluster-yes >"$LIVE_DIR/reshard.out" 2>&1
}
check 'somebody moves 60 slots' give 0 1 60
check '... within 2 % it is let be' eval 'changes_begin; expect 0 plan "$F" && has "$OUT" "No changes." && expect 0 apply --yes "$F" && [ "$(changes_count)" = 0 ] && shares 8132 4156 4096'
check 'and 60 more' give 0 1 60
check '... beyond 2 % the shares are restored' eval 'expect 0 apply --yes "$F" && shares 8192 4096 4096 && agreed && all_keys'

changes_begin
check 'rebalance by keys prints lines, in 80 columns' eval 'expect 0 rebalance --by keys "$F" && has "$OUT" "shardWeights:" && has "$OUT" "shard 1 -> shard 2" && ! grep -E "^.{81}" "$OUT"'
check '... that validate accepts when they are pasted' eval 'pasted && expect 0 validate "$F"'
check '... and changes nothing' eval '[ "$(changes_count)" = 0 ]'
check '... as JSON too' eval 'weigh "shardWeights: { 1: 2 }"; expect 0 rebalance --by keys -o json "$F" && json ".even == false and (.shards | length) == 3 and (.moves | map(.slots) | add) > 2000 and .shardWeights[\"1\"] >= 1"'
check 'by memory' eval 'expect 0 rebalance --by memory "$F" && has "$OUT" "used_memory of each primary"'
check 'by slots: the same for all' eval 'expect 0 rebalance --by slots "$F" && has "$OUT" "    1: 1" && has "$OUT" "They would move 2730 slots"'
check '... pasted and applied' eval 'pasted && expect 0 apply --yes "$F" && shares 5462 5461 5461 && agreed && all_keys'
check 'then by keys nothing much is to be done' eval 'expect 0 rebalance --by slots "$F" && has "$OUT" "Nothing is to be done"'
check 'without --by it says what it needs' eval 'expect 3 rebalance "$F" && has "$ERR" "--by memory, --by keys or --by slots"'
rcli 1 CLUSTER NODES >/dev/null
node_stop 1
check 'a shard that does not answer is not weighed' eval 'expect 8 rebalance --by slots "$F" && has "$ERR" "does not answer"'
