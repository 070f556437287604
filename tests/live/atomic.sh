#!/bin/bash
# atomic.sh - servers that move slots by themselves (CLUSTER MIGRATESLOTS) do: under load, killed in the middle, refused
# timeout: 240
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
. "$TOP/tests/lib/data.sh"
. "$TOP/tests/lib/ledger.sh"
F=$LIVE_DIR/cart.yaml
KEYS=3000

shape() { # shape SHARDS NODES [YAML...]: the first so many nodes are declared
	local COUNT=$2 shards=$1
	shift 2
	topology "$F" "$shards" 1 "$@"
}
own_slots() { rcli "$1" CLUSTER NODES | tr -d '\r' | grep myself | cut -d' ' -f9-; }
shares() { # shares N...: so many slots each primary owns, the fewest first
	local got
	got=$(for i in $(owners); do own_slots "$i" | tr ' ' '\n' | awk -F- '/^[0-9]+(-[0-9]+)?$/ { n += (NF > 1 ? $2 : $1) - $1 + 1 } END { print n + 0 }'; done | sort -n | xargs)
	[ "$got" = "$*" ] || { echo "shares are '$got', not '$*'"; return 1; }
}
all_there() { [ "$(for i in $(seq $KEYS); do echo GET k"$i"; done | "$REDIS_CLI" -c -p "$(port 0)" | grep -c '^v')" = $KEYS ]; }
steps() { journal "SELECT count(*) FROM expectation WHERE kind = '$1'"; }

fleet_up 8 'repl-diskless-sync-delay 0' 'appendonly yes' || exit 1
if [ -z "$(rcli 0 COMMAND INFO 'cluster|migrateslots' | grep migrateslots)" ]; then
	skip 'slots that servers move by themselves' 'this server has no CLUSTER MIGRATESLOTS'
	exit 0
fi
shape 3 6
check 'three shards are formed' expect 0 apply --yes "$F"
check 'and hold keys' load $KEYS
for i in 0 1 2; do
	rcli "$i" FUNCTION LOAD "#!lua name=one
redis.register_function{function_name='one', callback=function() return 'yes' end, flags={'no-writes'}}" >/dev/null
done

# ---------------------------------------------------------------- scale out

shape 4 8 'migration: { atomic: Never }'
check 'atomic: Never: key by key' eval 'expect 0 plan -o json "$F" && json "[.changes[].action] | (index(\"migrate-slots\") == null and index(\"carry-keys\") != null)"'
shape 4 8
changes_begin
check 'plan says what goes where, and that the servers do it' eval 'expect 0 plan "$F" && has "$OUT" "4096 slots to move" && has "$OUT" "shard 1 -> shard 4" && expect 0 plan -o json "$F" && json "[.changes[].action] | (index(\"migrate-slots\") != null and index(\"carry-keys\") == null)" && no_changes'
check 'writes go on meanwhile' ledger_start --connections 8 --rate 1500 --keys 256 --hot-slots 4096-5460 || exit
check 'a fourth shard gets its share' expect 0 apply --yes "$F"
check '... every shard has 4096' shares 4096 4096 4096 4096
check 'the writes end' ledger_end
check '... none is lost, doubled or out of order' ledger_verify 0
check '... by jobs of the servers, not key by key' eval '[ "$(steps migrate-slots)" -ge 3 ] && [ "$(steps carry-keys)" = 0 ]'
check '... functions went before' eval '[ "$(rcli 6 FCALL one 0)$(rcli 7 FCALL one 0)" != "" ] && [ "$(steps give-functions)" = 1 ]'
check '... all agree, no key is lost' eval 'agreed && all_there'
check 'a second apply has nothing to do' eval 'changes_begin; expect 0 apply --yes "$F" && silent && ! changes_list | grep -vE "(del|unlink) [0-9]+$"'

# ---------------------------------------------------------------- scale in, killed on the way

shape 3 8
check 'writes go on meanwhile again' ledger_start --connections 8 --rate 1500 --keys 256 || exit
BEFORE=$(steps migrate-slots)
op_start apply --yes "$F"
check 'back to three: the servers are asked' wait_until 30 '[ "$(steps migrate-slots)" -gt $BEFORE ]'
kill -9 "$OP_PID"
op_wait
check 'killed: the next apply goes on to the end' expect 0 apply --yes "$F"
check '... no job was begun twice' eval '[ "$(steps migrate-slots)" -le $((BEFORE + 3)) ] && ! for i in 0 1 2 3 4 5 6 7; do rcli $i CLUSTER GETSLOTMIGRATIONS; done | grep -x failed'
check '... three shards have it all' shares 5461 5461 5462
check 'the writes end' ledger_end
check '... none is lost, doubled or out of order' ledger_verify 0
check '... all agree, no key is lost' eval 'agreed && all_there'
