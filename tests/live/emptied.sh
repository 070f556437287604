#!/bin/bash
# emptied.sh - a primary comes back without its keys before anybody takes over: said as a loss until a person gives them up
# shellcheck disable=SC2016,SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

load() { seq 300 | sed 's/.*/SET k& v&/' | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/load"; [ "$(grep -c OK "$LIVE_DIR/load")" = 300 ]; }
empty_start() { # empty_start NODE - killed and started again without its data, at once: no fail-over
	node_kill9 "$1" && rm -f "$LIVE_DIR/$1"/dump.rdb && node_start "$1" && wait_until 20 "[ \"\$(rcli $1 DBSIZE)\" = 0 ] && agreed && replicas_up"
}
wiped() { [ "$(rcli 0 DBSIZE)$(rcli 3 DBSIZE)" = 00 ]; }
consent() { grep -o 'allow-data-loss=cart@[0-9a-f]*' "$1" | head -1; }

FLEET_TIMEOUT=15000
fleet_up 6 'save ""' 'repl-diskless-sync-delay 0' || exit 1
topology "$F" 3 1
check 'six servers without persistence are formed' expect 0 apply --yes "$F"
check 'and hold 300 keys' load
had=$(rcli 0 DBSIZE)
check 'a run that has nothing to do counts them' eval 'expect 0 apply --yes "$F" && [ "$(sqlite3 "$STATE" "SELECT sum(keys) FROM shard_copy WHERE led")" = 300 ]'
check 'all keys of a shard are deleted by a client' eval 'rcli 1 FLUSHALL >/dev/null && [ "$(rcli 1 DBSIZE)" = 0 ]'
check '... that is no loss to speak of' eval 'expect 0 plan --detailed-exitcode "$F" && expect 0 apply --yes "$F"'
check 'a primary is started anew, empty, and wipes its replica' eval 'empty_start 0 && wait_until 10 wiped'
changes_begin
check '... plan says what was lost: the node, how many keys, when they were counted' eval 'expect 4 plan "$F" && has "$ERR" "shard 1: $(address 0) was started anew without its keys: it had $had when they were counted last" && has "$ERR" "its copies have no more" && has "$ERR" "$(consent "$ERR")"'
check '... status does not call it converged, and has the word for it' eval 'expect 0 status -o json "$F" && json ".converged == false" && expect 4 status --exit-code "$F"'
check '... check names it, and says [OK] of nothing' eval 'expect 1 check "$F" && has "$OUT" "[ERR] shard 1: $(address 0) was started anew without its keys" && lacks "$OUT" "[OK]" && has "$OUT" "All 16384 slots covered." && expect 4 check --exit-code "$F"'
check '... apply refuses, again and again, and changes nothing' eval 'expect 4 apply --yes "$F" && expect 4 apply --yes "$F" && no_changes'
check '... also when clients have written again' eval 'rcli 0 SET "{06S}" x >/dev/null && expect 4 plan "$F" && has "$ERR" "and has 1;"'
check '... the consent to another loss is none' expect 4 apply --yes --allow-data-loss=cart@00000000 "$F"
check '... once it is given up by its name, all is as declared' eval 'expect 4 plan "$F"; yes=$(consent "$ERR"); expect 0 apply --yes "--$yes" "$F" && expect 0 plan --detailed-exitcode "$F" && expect 0 status --exit-code "$F" && expect 0 check --exit-code "$F"'
check '... and history says who gave it up' eval 'expect 0 history cart && has "$OUT" "consent"'

check 'keys again' eval 'load && expect 0 apply --yes "$F"'
node_stop 3
check 'its replica is away when a primary comes back empty' eval 'node_kill9 0 && rm -f "$LIVE_DIR/0/dump.rdb" && node_start 0 && wait_until 20 "[ \"\$(rcli 0 DBSIZE)\" = 0 ] && rcli 0 CLUSTER INFO | grep -q cluster_state:ok"'
check '... it says not to start that one before its files are safe' eval 'expect 4 plan "$F" && has "$ERR" "$(address 3), which had a copy, does not answer: before it is started again its files (RDB, AOF) are to be copied elsewhere"'
topology "$F" 3 1 'onTotalLoss: Reform'
node_start 3
check 'a cache, whose file says so, goes on' eval 'wait_until 20 "agreed && replicas_up" && expect 0 apply --yes "$F" && expect 0 plan --detailed-exitcode "$F"'
