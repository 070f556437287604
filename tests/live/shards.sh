#!/bin/bash
# shards.sh - a shard's number is its own: slots move and primaries fail, and it stays; the database knows who had what
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml

# numbers I...: the shard numbers that status gives these nodes, on one line
numbers() {
	local i
	expect 0 status -o json "$CART" || return
	for i in "$@"; do
		jq -r --arg address "$(address "$i")" '.nodes[] | select(.address == $address) | .shard' "$OUT"
	done | paste -sd' '
}
# numbered 'NUMBERS' I...
numbered() {
	local expected=$1 got
	shift
	got=$(numbers "$@")
	[ "$got" = "$expected" ] || { echo "got: $got"; return 1; }
}
# remembered: number, slots, who led and how many copies, a line for each shard
remembered() {
	sqlite3 "$STATE" "SELECT s.number, s.slots, (SELECT address FROM shard_copy c WHERE c.number = s.number AND led = 1),
		(SELECT count(*) FROM shard_copy c WHERE c.number = s.number) FROM shard s ORDER BY s.number"
}
remembers() { # remembers NUMBER SLOTS LEADER COPIES
	local line
	line=$(remembered | grep "^$1|")
	[ "$line" = "$1|$2|$(address "$3")|$4" ] || { echo "got: $line"; return 1; }
}
move_slot() { # move_slot SLOT FROM TO: an empty one, told to all primaries
	local id i
	id=$(rcli "$3" cluster myid)
	for i in "$3" "$2" 0 1 2; do rcli "$i" cluster setslot "$1" node "$id" || return; done
}

FLEET_TIMEOUT=1000
fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1
check 'formed' formed "$CART"
check 'numbered in order' numbered '1 2 3 1 2 3' 0 1 2 3 4 5
check 'and who has the data is written down' eval 'remembers 1 0-5460 0 2 && remembers 2 5461-10922 1 2 && remembers 3 10923-16383 2 2'

check 'the first slot moves to the last shard' move_slot 0 0 2
check 'all have heard of it' wait_until 10 agreed
check 'no shard is another one for it' numbered '1 2 3 1 2 3' 0 1 2 3 4 5
check 'nothing is to be done' expect 0 apply --yes "$CART"
check 'it is written where it is now' eval 'remembers 1 1-5460 0 2 && remembers 3 "0 10923-16383" 2 2'
before=$(sha256sum "$STATE")
check 'and nothing more' eval 'expect 0 apply --yes "$CART" && [ "$before" = "$(sha256sum "$STATE")" ]'

node_stop 1
check 'a primary dies: its replica takes over' wait_until 20 'rcli 4 role | head -1 | grep -q master'
check 'and the number with it' wait_until 10 'numbered "1 2 3" 0 4 2'
check 'a run sees it, and waits in vain for the other' expect 6 apply --yes --timeout 2s "$CART"
check 'who led has a copy still, for all that is known' remembers 2 5461-10922 4 2
node_start 1
check 'it is back, as a replica' wait_until 20 'agreed && replicas_up'
check 'converged' expect 0 apply --yes "$CART"
check 'the same shards' numbered '1 2 3 1 2 3' 0 4 2 3 1 5

node_stop 1
node_stop 4
check 'all of a shard is gone: a look changes nothing about it' expect 6 apply --yes --timeout 2s "$CART"
check 'it is remembered' remembers 2 5461-10922 4 2
node_start 4
node_start 1
check 'and is there again' wait_until 20 'agreed && replicas_up'

STATE=$LIVE_DIR/other.db
check 'without the database the order of slots counts' numbered '2 1' 0 2
topology "$CART" 3 1
sed -i "/$(address 0)/s/.*/    - { address: '$(address 0)', shard: 1 }/; /$(address 2)/s/.*/    - { address: '$(address 2)', shard: 3 }/" "$CART"
check 'unless labels say it' numbered '1 2 3' 0 4 2
