#!/bin/bash
# values.sh - settings that the servers write their own way: set twice, said once, and then as declared
# timeout: 200
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

declared() { # declared "NAME: VALUE"...
	topology "$F" 3 0 'settings:' "${@/#/  }"
}
shown() { rcli 1 CONFIG GET "$1" | tail -1; }
as_it_was_made() { # as_it_was_made NAME VALUE SHOWN
	declared "$1: $2"
	changes_begin
	expect 0 apply --yes "$F" || return
	[ "$(shown "$1")" = "$3" ] || { echo "shown: $(shown "$1")"; return 1; }
	[ "$(changes_list | awk '$2 == "config|set" { print $3 }' | xargs)" = '2 2 2' ] || { changes_list; return 1; }
	[[ $(changes_list | awk '$2 == "config|rewrite" { print $3 }' | xargs) =~ ^[12]\ [12]\ [12]$ ]] ||
		{ changes_list; return 1; }
	has "$ERR" "cart: $1 ${2//\"/} is kept as $3 by the servers" || return
	[ "$(grep -c 'is kept as' "$ERR")" = 1 ]
}
stays() {
	changes_begin
	expect 0 plan --detailed-exitcode "$F" && has "$OUT" 'No changes.' || return
	expect 0 apply --yes "$F" && silent && no_changes
}

check 'three servers' fleet_up 3
topology "$F" 3 0
check 'a cluster' eval 'expect 0 apply --yes "$F" && agreed'
while IFS='|' read -r name value shows; do
	check "$name $value: set twice a node, and what it is kept as is said once" as_it_was_made "$name" "$value" "$shows"
	check '... and then it is as declared' stays
done <<-END
	notify-keyspace-events|KEA|AKE
	client-output-buffer-limit|"replica 256mb 64mb 60"|normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60
	latency-tracking-info-percentiles|"50.0 99.0"|50 99
	shutdown-on-sigterm|"force save"|save force
	hz|1000|500
END
check 'the configuration file holds it' eval 'grep -q "^hz 500" "$LIVE_DIR/1/redis.conf"'
check 'history has it, too' eval 'expect 0 history cart -o json && has "$OUT" "kept as 500"'
rcli 1 CONFIG SET hz 20 >/dev/null
changes_begin
check 'a value of somebody else is none of that: it is set again' eval \
	'expect 0 apply --yes "$F" && [ "$(shown hz)" = 500 ] && [ "$(changes_list | xargs)" = "1 config|rewrite 1 1 config|set 1" ]'
