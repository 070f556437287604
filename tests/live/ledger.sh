#!/bin/bash
# ledger.sh - the ledger itself: it finds nothing where nothing is wrong, and every thing that is
# timeout: 180
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/ledger.sh"
CART=$LIVE_DIR/cart.yaml
HOT=0-399
LOST=$LIVE_DIR/lost
FROM_US=0 TO_US=0 GONE=0 LIST='' REPLICA=''

id() { rcli "$1" CLUSTER MYID; }
# of KIND [AT_LEAST [SLOT]]: a key of this kind to which at least so many (1) writes were acknowledged, and none is unknown
of() {
	awk -v kind="$1" -v least="${2:-1}" -v slot="${3:-}" '$2 == kind && (slot == "" || $5 == slot) { n[$6] += $1 == "acknowledged"; bad[$6] += $1 != "acknowledged" }
		END { for (key in n) if (n[key] >= least && !bad[key]) { print key; exit } }' "$LEDGER_JOURNAL"
}
# values KEY: its acknowledged values, the oldest first
values() { awk -v key="$1" '$1 == "acknowledged" && $6 == key { print $7 }' "$LEDGER_JOURNAL"; }
ccli() { timeout 5 "$REDIS_CLI" -c -p "$(port 0)" "$@"; }

FLEET_TIMEOUT=1500
fleet_up 6 'repl-diskless-sync-delay 0' "$QUICK" || exit 1
topology "$CART" 3 1
check 'formed' formed "$CART" || exit

probed() {
	(ledger probe --nodes "$(address 1)" --seconds 1 --rate 200) >"$OUT" 2>"$ERR" &&
		grep -qE '^[0-9]{3} probes, 0 without an answer, p50 [0-9]+ us, p99 [0-9]+ us, p99.9 [0-9]+ us, max [0-9]+ us$' "$OUT" && return
	cat "$OUT" "$ERR"
	return 1
}
refuses() { # refuses TEXT ARG...
	local text=$1 got=0
	shift
	(ledger "$@") >"$OUT" 2>"$ERR" || got=$?
	[ "$got" -eq 2 ] && has "$ERR" "$text"
}
check 'a light client is answered' probed
check 'no cluster is said' refuses 'is the cluster formed' run --nodes 127.0.0.1:1 --journal "$LIVE_DIR/none"
check '... and leaves no journal' [ ! -e "$LIVE_DIR/none" ]
check 'what is no option is said' refuses "unknown option '--pace'" run --pace 5
check 'what is no list of slots is said' refuses "'9-1' is no list of slots" run --hot-slots 9-1

# ---------------------------------------------------------------- slots move

reshard() {
	FROM_US=$(ledger_us)
	timeout 60 "$REDIS_CLI" --cluster reshard "$(address 0)" --cluster-from "$(id 0)" --cluster-to "$(id 1)" \
		--cluster-slots 400 --cluster-pipeline 1 --cluster-yes >"$LIVE_DIR/reshard" 2>&1 || { tail -5 "$LIVE_DIR/reshard"; return 1; }
	TO_US=$(ledger_us)
	wait_until 10 'agreed && ranges 0 | grep -q "^0-399 400-5460 "'
}
check 'it writes, most of it to slots that will move' ledger_start --connections 16 --rate 4000 --keys 512 --hot-slots "$HOT" || exit
check '400 slots move to another primary meanwhile' reshard
check 'it goes on' ledger_goes_on
check 'it ends' ledger_end
check 'its journal is not written over' refuses 'is there already' run --nodes "$(ledger_nodes)" --journal "$LEDGER_JOURNAL"
check 'nothing is lost, doubled, out of order or elsewhere' ledger_verify 0 --between "$FROM_US" "$TO_US" --slots "$HOT"
check '... and it was where the slots moved' json '.verified and .moved > 0 and .betweenInSlots > 500 and
	.betweenInSlots > .between / 2 and .keys > 1000 and .primaries == 3'
check '... as many are verified as the journal has' eval '[ "$(ledger_acknowledged)" = "$(jq .acknowledged "$OUT")" ]'
echo "# say: $(cat "$LEDGER_SAID")"
echo "# say: $(jq -c '{between, betweenInSlots, longestGap, longestGapInSlots}' "$OUT")"

# A slot stays open with one half of a pair on each side: such a transaction has to wait (TRYAGAIN), a new key goes to
# where the slot goes to (ASK).
SLOT=600
migrate() { # migrate KEY...
	local said
	said=$(rcli 0 MIGRATE 127.0.0.1 "$(port 1)" '' 0 5000 KEYS "$@")
	[ "$said" = OK ] || [ "$said" = NOKEY ] || { echo "MIGRATE: $said"; return 1; }
}
half_moved() {
	local pair
	rcli 1 CONFIG RESETSTAT >/dev/null # (what transactions waited for before does not count)
	rcli 1 CLUSTER SETSLOT $SLOT IMPORTING "$(id 0)" && rcli 0 CLUSTER SETSLOT $SLOT MIGRATING "$(id 1)" || return
	pair=$(of pair 1 $SLOT) && [ -n "$pair" ] && migrate "${pair}a" || return
	wait_until 10 'rcli 1 INFO errorstats | grep -q TRYAGAIN'
}
all_moved() {
	local keys i
	while mapfile -t keys < <(rcli 0 CLUSTER GETKEYSINSLOT $SLOT 100) && [ -n "${keys[0]:-}" ]; do
		migrate "${keys[@]}" || return
	done
	for i in 1 0 2; do rcli "$i" CLUSTER SETSLOT $SLOT NODE "$(id 1)" || return; done
	wait_until 10 agreed
}
check 'it writes to one slot' ledger_start --connections 8 --rate 2000 --keys 16 --hot-slots $SLOT || exit
check '... of which a pair is moved by half' half_moved
check '... and the rest' all_moved
check 'it goes on' ledger_goes_on
check 'it ends upon SIGTERM, too' eval 'kill -TERM "$LEDGER_PID" && wait "$LEDGER_PID"'
check 'nothing is lost' ledger_verify 0
check '... and transactions waited' json '.verified and .tryagain > 0 and .ask > 0'

# ---------------------------------------------------------------- what it must find; faults stay, so counts add up

found() { # found FILTER
	ledger_verify 1 --lost "$LOST" && json "$1" && has "$ERR" "${2:-lost}"
}
remove_value() { # of a list of one worker
	LIST=$(of own 3) && [ "$(ccli LREM "$LIST" 1 "$(values "$LIST" | head -1)")" = 1 ]
}
remove_list() {
	LIST=$(of shared) && GONE=$(values "$LIST" | wc -l) && [ "$(ccli DEL "$LIST")" = 1 ]
}
repeat_value() {
	LIST=$(of own 3) && ccli RPUSH "$LIST" "$(values "$LIST" | tail -1)"
}
reorder() { # its second value behind its last one (the first is gone, the last is there twice)
	local value
	LIST=$(of own 3) && value=$(values "$LIST" | sed -n 2p) && ccli LREM "$LIST" 1 "$value" && ccli RPUSH "$LIST" "$value"
}
older_version() {
	REGISTER=$(of register 3) && ccli SET "$REGISTER" "$(values "$REGISTER" | tail -3 | head -1)"
}
tear() {
	PAIR=$(of pair) && [ "$(ccli LREM "${PAIR}b" 1 "$(values "$PAIR" | head -1)")" = 1 ]
}
check 'a value is taken out of a list' remove_value
check '... one lost' found '.lost == 1 and .duplicated == 0 and .outOfOrder == 0'
check '... that one' eval '[ "$(cat "$LOST")" = "$LIST $(values "$LIST" | head -1)" ]'
check 'a list is deleted' remove_list
check '... all of it lost' eval 'found ".lost == 1 + $GONE"'
check 'a value is pushed again' repeat_value
check '... one duplicated' eval 'found ".lost == 1 + $GONE and .duplicated == 1 and .outOfOrder == 0" duplicated'
check 'a value is put behind a later one' reorder
check '... one out of order' eval 'found ".lost == 1 + $GONE and .duplicated == 1 and .outOfOrder == 1" "out of order"'
check 'a register gets an older version' older_version
check '... the two later ones lost' eval 'found ".lost == 3 + $GONE and .torn == 0"'
check 'half a transaction is taken away' tear
check '... one torn' found '.torn == 1 and .outlived == 0' torn
check 'a key loses its time' eval '[ "$(ccli PERSIST "$(of lasting)")" = 1 ]'
check '... one outlived' found '.outlived == 1 and .neverSent == 0' outlived
check 'a value comes that nobody sent' ccli RPUSH "$(of own)" 7:999999999
check '... one never sent' found '.neverSent == 1' 'never sent'
check 'and a key of the run that nobody wrote' ccli SET "$(of lasting | cut -d: -f1):own:x" 1
check '... two never sent' found '.neverSent == 2 and .misplaced == 0 and .onTwoNodes == 0' 'never sent'

second_copy() { # on a node that never had its slot: it is let in as if it came with the slot, then the slot stays away
	KEY=$(of register 1 $SLOT)
	rcli 2 CLUSTER SETSLOT $SLOT IMPORTING "$(id 1)" || return
	printf 'ASKING\nSET %s 1\nCLUSTER SETSLOT %s STABLE\n' "$KEY" $SLOT | rcli 2
	[ "$(rcli 2 CLUSTER COUNTKEYSINSLOT $SLOT)" = 1 ]
}
check 'a key is on a second node, too, which does not own its slot' second_copy
check '... both are said' found '.misplaced == 1 and .onTwoNodes == 1 and .disputedSlots == 0' "on $(address 2)"

# ---------------------------------------------------------------- a primary dies, and with it what no replica had

emptied() {
	for i in 0 1 2; do rcli "$i" FLUSHALL || return; done
}
# Its replica is kept from following: what is acknowledged from now on nobody else has.
alone() {
	REPLICA=$(for i in 3 4 5; do rcli $i INFO replication | grep -q "master_port:$(port 2)" && echo $i; done)
	rcli "$REPLICA" CONFIG SET masteruser nobody && rcli "$REPLICA" CONFIG SET masterauth nothing &&
		rcli "$REPLICA" CLIENT KILL TYPE master && wait_until 5 'rcli "$REPLICA" INFO replication | grep -q "master_link_status:down"'
}
# Connections to node 2 that hold what it has not read.
unread() {
	awk -v port="$(printf ':%04X$' "$(port 2)")" '$2 ~ port && $4 == "01" && $5 !~ /:0+$/ { n++ } END { exit !n }' /proc/net/tcp
}
failed_over() { # it dies with requests under way: whether those were executed, nobody can know
	node_freeze 2
	wait_until 5 unread || return
	node_kill9 2
	wait_until 20 'rcli "$REPLICA" ROLE | head -1 | grep -q master && rcli 0 CLUSTER INFO | grep -q "cluster_state:ok"'
}
# The same count by other means: what redis-cli reads, against the journal. (Fleeting keys are left out: time goes on.)
lost_by_hand() {
	local kind
	awk '$1 == "acknowledged" && $2 != "fleeting" { print $2, $6 }' "$LEDGER_JOURNAL" | sort -u >"$LIVE_DIR/keys"
	awk '$1 ~ /own|shared/ { print "LRANGE", $2, "0 -1" } $1 == "pair" { print "LRANGE", $2 "a 0 -1" }' "$LIVE_DIR/keys" |
		timeout 20 "$REDIS_CLI" -c -p "$(port 0)" | tr -d '\r' | sort -u >"$LIVE_DIR/there"
	for kind in register lasting; do
		awk -v kind=$kind '$1 == kind { print $2 }' "$LIVE_DIR/keys" >"$LIVE_DIR/names"
		sed 's/^/GET /' "$LIVE_DIR/names" | timeout 20 "$REDIS_CLI" -c -p "$(port 0)" |
			tr -d '\r' | grep -v 'Redirected' | paste -d' ' "$LIVE_DIR/names" - >"$LIVE_DIR/$kind"
	done
	awk 'FILENAME ~ /there$/ { there[$1]; next }
		FILENAME ~ /(register|lasting)$/ { split($2, at, ":"); version[$1] = at[2] + 0; next }
		$1 != "acknowledged" || $2 == "fleeting" { next }
		$2 ~ /own|shared|pair/ { if (!($7 in there)) print $6, $7; next }
		{ split($7, at, ":"); if (at[2] + 0 > version[$6]) print $6, $7 }' \
		"$LIVE_DIR/there" "$LIVE_DIR/register" "$LIVE_DIR/lasting" "$LEDGER_JOURNAL" | sort >"$LIVE_DIR/lost.hand"
	grep -v ':fleeting:' "$LOST" | sort >"$LIVE_DIR/lost.verify"
	diff "$LIVE_DIR/lost.hand" "$LIVE_DIR/lost.verify" | head -20
	cmp -s "$LIVE_DIR/lost.hand" "$LIVE_DIR/lost.verify" && [ -s "$LIVE_DIR/lost.hand" ]
}
# Every lost write was acknowledged by the node that died, after it was alone.
lost_of_the_dead() {
	awk -v dead="$(address 2)" -v alone="$ALONE_US" 'NR == FNR { lost[$2]; next }
		$7 in lost && ($10 != dead || $4 < alone) { print; bad = 1 } END { exit bad }' "$LOST" "$LEDGER_JOURNAL"
}
check 'all data is deleted' emptied
check 'it writes again' ledger_start --connections 16 --rate 3000 --keys 128 || exit
ALONE_US=$(ledger_us)
check 'a primary writes without its replica' alone
check '... for a while' ledger_goes_on 1000
check '... and is killed: the replica takes over' failed_over
check 'it goes on' ledger_goes_on 1000
check 'it ends' ledger_end
check 'what only the dead had is lost' ledger_verify 1 --lost "$LOST"
check '... and nothing else is wrong' json '.lost > 0 and (.duplicated + .outOfOrder + .torn + .neverSent + .refusedButThere +
	.outlived + .misplaced + .onTwoNodes + .disputedSlots + .unreadable) == 0'
check '... each of them is told' eval '[ "$(jq .lost "$OUT")" = "$(wc -l <"$LOST")" ]'
check '... the same ones that redis-cli does not find' lost_by_hand
check '... all acknowledged by the dead, after it was alone' lost_of_the_dead
check '... the gap is that of the fail-over' json '.longestGap.us > 1000000 and .unreached > 0'
check '... what was under way is unknown' json '.unknown > 0'
echo "# say: $(cat "$LEDGER_SAID")"
echo "# say: $(jq -c '{acknowledged, unknown, lost, longestGap}' "$OUT")"

# ---------------------------------------------------------------- primaries that say different things

forgotten() {
	rcli 1 CONFIG SET cluster-require-full-coverage no && rcli 1 CLUSTER DELSLOTS "$FREE"
}
FREE=$(awk 'NR > 1 { used[$5] } END { for (slot = 6000; slot in used; slot++); print slot }' "$LEDGER_JOURNAL")
check 'a primary forgets one of its slots' forgotten
check '... which is said' eval 'ledger_verify 1 && json ".disputedSlots > 0 and .unreadable == 0"'
