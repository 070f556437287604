#!/bin/bash
# unwritten.sh - settings that no configuration file holds: not planned as written, not told as done, not forgotten
# timeout: 60

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

bare_up() { # as fleet_up 3, but all that a server knows is on its command line
	local i home=$PWD
	[ -n "$LIVE_BLOCK" ] || ports_take || return
	for i in 0 1 2; do
		mkdir -p "$LIVE_DIR/$i"
		cd "$LIVE_DIR/$i" || return
		"$REDIS_SERVER" --port "$(port $i)" --bind 127.0.0.1 --dir "$LIVE_DIR/$i" --save '' --cluster-enabled yes \
			--cluster-node-timeout "$FLEET_TIMEOUT" >>log 2>&1 </dev/null &
		NODE_PID[$i]=$!
		disown "$!"
		cd "$home" || return
	done
	COUNT=3
	nodes_wait 0 1 2
}

# ---------------------------------------------------------------- no file at all

check 'three servers without a configuration file' bare_up
topology "$F" 3 0 'settings: { maxmemory: 64mb }'
check 'plan does not promise to write one' eval 'expect 0 plan "$F" && lacks "$OUT" "write the settings" &&
	has "$ERR" "maxmemory = 64mb is in no configuration file of"'
check 'apply sets it, and does not say that it wrote it' eval 'expect 0 apply --yes "$F" &&
	op history cart >"$OUT" && lacks "$OUT" "CONFIG REWRITE"'
check 'it is not forgotten: status' eval 'expect 0 status "$F" && has "$ERR" "(started without one): a restart loses it"'
check '... plan, which has no changes' eval 'expect 0 plan "$F" && has "$OUT" "No changes." && has "$ERR" "a restart loses it"'
check '... and check' eval 'expect 0 check "$F" && has "$OUT" "[WARNING] maxmemory = 64mb is in no configuration file"'
fleet_down

# ---------------------------------------------------------------- a file that cannot be written

STATE=$LIVE_DIR/second.db
check 'three servers with one' fleet_up 3
topology "$F" 3 0 'settings: { maxmemory: 64mb }'
for i in 0 1 2; do # nothing can be renamed over a folder
	mv "$LIVE_DIR/$i/redis.conf" "$LIVE_DIR/$i/redis.conf.away"
	mkdir "$LIVE_DIR/$i/redis.conf"
done
for time in first second; do
	check "that it cannot be written ends the $time apply" eval 'expect 6 apply --yes --timeout 20s "$F" &&
		has "$ERR" "not in its configuration file"'
	check '... and is what status says, at its head and below' eval 'expect 0 status "$F" && grep -q "^cluster cart   Blocked" "$OUT" &&
		grep -q "^Converged  *False .*not in its configuration file: ERR Rewriting" "$OUT" &&
		grep -q "^Blocked  *True" "$OUT" && has "$ERR" "a restart loses it"'
	check '... and what plan wants to do' eval 'expect 0 plan "$F" && has "$OUT" "write the settings to the configuration file"'
done
for i in 0 1 2; do
	rmdir "$LIVE_DIR/$i/redis.conf"
	mv "$LIVE_DIR/$i/redis.conf.away" "$LIVE_DIR/$i/redis.conf"
done
check 'as soon as it can be written it is' eval 'expect 0 apply --yes "$F" && each "grep -q \"^maxmemory 64mb\\|^maxmemory 67108864\" \"$LIVE_DIR/\$i/redis.conf\"" 0 1 2'
check '... and there is nothing left to say' eval 'expect 0 status "$F" && lacks "$ERR" restart && grep -q "^cluster cart   Ready" "$OUT" &&
	expect 0 plan "$F" && has "$OUT" "No changes." && expect 0 check "$F" && lacks "$OUT" WARNING.*maxmemory'
fleet_down
