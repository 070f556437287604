#!/bin/bash
# data_plan.sh - what was shown is what may be done: the open question, and saved plans that are not one's own
# timeout: 120
# shellcheck disable=SC2016
FLEET_TIMEOUT=2000
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/data.sh"
F=$LIVE_DIR/cart.yaml
QUESTION="Only 'yes' is taken for a yes:"

asked() { # asked CODES COMMAND [ARG...] - yes is said on a terminal after COMMAND was run; what was seen in $TOLD
	local got=0
	ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}" TERM=xterm python3 "$TOP/tests/lib/terminal.py" \
		"$QUESTION" "$2" "${ANSWER:-yes}" \
		"$ROP_BIN" --state "$STATE" apply --color never --timeout 20s "${@:3}" "$F" \
		>"$TOLD" 2>&1 </dev/null || got=$?
	[[ "|$1|" == *"|$got|"* ]] && return
	echo "exit code $got, expected $1"
	cat "$TOLD"
	return 1
}

# ---------------------------------------------------------------- asked, then changed

check 'six fresh servers' fresh 6
topology "$F" 3 1
changes_begin
check 'the cluster changes while the question stands: yes is not taken for another plan' asked '4|7' \
	"'$REDIS_CLI' -p $(port 3) CLUSTER ADDSLOTSRANGE 0 5460"
check '... the plan that was shown had another node as shard 1' tells "$(address 0)"
check '... nothing was sent, but for what changed it' eval \
	'[ "$(changes_list)" = "3 cluster|addslotsrange 1" ] || { changes_list; cat "$TOLD"; false; }'
check '... it is said that the world moved' tells_like 'changed|moved|another plan|does not fit|differ|otherwise'
check 'what then is planned can be applied' eval 'told 0 apply --yes "$F" && agreed'

rcli 2 CONFIG SET maxmemory-samples 7 >/dev/null
topology "$F" 3 1 'settings: { maxmemory-samples: 6 }'
changes_begin
check 'a setting drifts while the question stands' \
	asked '0|4|7' "'$REDIS_CLI' -p $(port 4) CONFIG SET maxmemory-samples 9"
check '... it is not set back unseen' eval \
	'[ "$(rcli 4 CONFIG GET maxmemory-samples | tail -1)" = 9 ] || { cat "$TOLD"; false; }'

rcli 2 CONFIG SET maxmemory-samples 7 >/dev/null
check 'the open question does not keep others from working' asked '0|4|7' \
	"'$ROP_BIN' --state '$STATE' apply --yes --timeout 10s '$F' >'$OUT' 2>'$ERR' </dev/null; echo \$? >'$LIVE_DIR/other'"
check '... another apply did the work meanwhile' eval \
	'[ "$(cat "$LIVE_DIR/other")" = 0 ] && [ "$(rcli 2 CONFIG GET maxmemory-samples | tail -1)" = 6 ] ||
		{ told_is; cat "$TOLD"; false; }'
check 'unchanged meanwhile: yes is a yes' eval \
	'rcli 2 CONFIG SET maxmemory-samples 7 >/dev/null; asked 0 true &&
		[ "$(rcli 2 CONFIG GET maxmemory-samples | tail -1)" = 6 ]'

topology "$F" 3 1 'settings: { maxmemory-samples: 6 }' 'intervals: { settle: 6s }'
check 'as declared, and nobody was asked' eval 'told 0 apply --yes "$F"'
looks() { rcli 2 INFO commandstats | tr -d '\r' | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\),.*/\1/p'; }
LOOKS=$(looks)
"$ROP_BIN" --state "$STATE" apply --timeout 20s "$F" >"$OUT" 2>"$ERR" </dev/null &
LIVE_JOBS+=($!)
quiet=$!
check '... an apply without a yes looks on' wait_until 5 '[ "$(looks)" -ge $((LOOKS + 3)) ]' # its plan is made by then
rcli 2 CONFIG SET maxmemory-samples 7 >/dev/null
check '... what comes up meanwhile is not done' eval \
	'code=0; wait $quiet || code=$?; told_is; [ $code = 7 ] && tells "it was not sent" &&
		tells "CONFIG SET maxmemory-samples 6" && [ "$(rcli 2 CONFIG GET maxmemory-samples | tail -1)" = 7 ] ||
		{ echo "code $code"; cat "$TOLD"; false; }'

# ---------------------------------------------------------------- consent: that question too leaves others alone

lost() { # slots of one that was rebuilt empty, and forgotten
	local id
	fresh 3 && topology "$F" 3 0 && told 0 apply --yes "$F" && load 30 && id=$(rcli 0 CLUSTER MYID) || return
	node_kill9 0
	node_wipe 0 && node_start 0 &&
		wait_until 15 "rcli 1 CLUSTER NODES | grep -qE '^$id .*(fail|noaddr)' &&
			rcli 2 CLUSTER NODES | grep -qE '^$id .*(fail|noaddr)'" &&
		forget_all "$id" -- 1 2
}
consented() { # the cluster's name is said on a terminal, after somebody else tried the lock
	QUESTION='is taken for a yes:' ANSWER=cart asked 0 \
		"flock -n '$LIVE_DIR/cart.lock' true; echo \$? >'$LIVE_DIR/other'" --yes --allow-data-loss=cart
}
check 'a loss that can be consented to' lost
check 'consent on a terminal' consented
check '... the open question held no lock' eval '[ "$(cat "$LIVE_DIR/other")" = 0 ]'
check '... and was kept to' agreed

# ---------------------------------------------------------------- a saved plan from somebody else

# The victim's password, and servers that the forger had: listeners stand in their places when the plan is applied.
SECRET='gE7eim#nis-42'
printf '%s\n' "$SECRET" >"$LIVE_DIR/password"
chmod 600 "$LIVE_DIR/password"
P=$LIVE_DIR/forged.plan
MINE=$LIVE_DIR/mine.yaml
export REDISCLI_AUTH=$SECRET

listen() { # where the fleet was
	local i
	for i in 0 1 2; do
		: >"$LIVE_DIR/heard.$i"
		socat -u "TCP-LISTEN:$(port $i),bind=127.0.0.1,reuseaddr,fork" "OPEN:$LIVE_DIR/heard.$i,append" 2>/dev/null &
		LIVE_JOBS+=($!)
		wait_until 5 "ports_used | grep -qx $(port $i)" || return
	done
}
plan_made() {
	fresh 3 "requirepass $SECRET" "masterauth $SECRET" && topology "$MINE" 3 0 'auth: { passwordFile: password }' || return
	told 0 plan --out "$P" "$MINE" || return
	cp "$P" "$LIVE_DIR/kept.plan"
	cp "$MINE" "$LIVE_DIR/kept.yaml"
}
taken_back() { # plan and topology as they were when made, and nothing heard yet
	local i
	for i in 0 1 2; do : >"$LIVE_DIR/heard.$i"; done
	rm -f "$P" "$MINE"
	cp "$LIVE_DIR/kept.plan" "$P"
	cp "$LIVE_DIR/kept.yaml" "$MINE"
	chmod 600 "$P"
	chmod 644 "$MINE"
}
refused() { # refused TEXT... - the plan is, and no word reached a listener
	told '3|4|7' apply --timeout 3s "$P" && tells "$@" && unheard
}
unheard() {
	[ -z "$(cat "$LIVE_DIR"/heard.*)" ] && return
	echo "heard: $(tr -d '\r' <<<"$(cat "$LIVE_DIR"/heard.*)" | xargs)"
	return 1
}

check 'a plan of three servers with a password' plan_made
fleet_down
check 'listeners in their places' listen
rm "$MINE"
check 'its topology file is gone: no word leaves' refused "$MINE"
taken_back
TOPOLOGY_NODES='0 1' topology "$MINE" 2 0 'auth: { passwordFile: password }'
check 'its topology is not that of the file at its path: no word leaves' refused "$MINE"
taken_back
chmod 666 "$MINE"
check 'its topology file can be written by others' refused "$MINE"
taken_back
chmod 622 "$P"
check 'the plan can be written by others' refused "$P"
taken_back
chmod 620 "$P"
check 'the plan can be written by a group' refused "$P"
if [ "$(id -u)" -eq 0 ]; then
	taken_back
	chown 65534 "$P"
	check 'the plan is somebody else'\''s' refused "$P"
	taken_back
	chown 65534 "$MINE"
	check 'its topology file is somebody else'\''s' refused "$MINE"
	taken_back
	mkdir "$LIVE_DIR/theirs"
	cp "$P" "$LIVE_DIR/theirs/a.plan"
	chown -R 65534 "$LIVE_DIR/theirs"
	ln -s "$LIVE_DIR/theirs/a.plan" "$LIVE_DIR/link.plan"
	check '... also by way of a link' eval \
		'P=$LIVE_DIR/link.plan; refused; code=$?; P=$LIVE_DIR/forged.plan; [ $code = 0 ]'
else
	skip 'a plan of somebody else' 'only root can give files away'
fi
taken_back
ln -s "$P" "$LIVE_DIR/own.plan"
check 'a link, also to one'\''s own' eval \
	'told 3 apply --timeout 3s "$LIVE_DIR/own.plan" && tells "a symbolic link" && unheard'
taken_back
mv "$MINE" "$LIVE_DIR/elsewhere.yaml" && ln -s elsewhere.yaml "$MINE"
check 'its topology file became a link' refused "$MINE" 'a symbolic link'
taken_back
mkdir -p "$LIVE_DIR/cwd" && cp "$MINE" "$LIVE_DIR/cwd/cart" && cp "$LIVE_DIR/password" "$LIVE_DIR/cwd/" && rm "$MINE"
check 'its topology file is gone: a file here that has the cluster'\''s name is none' eval \
	'(cd "$LIVE_DIR/cwd" && refused "$MINE" "is gone")'
taken_back
check 'a plan that was edited to ask another server: no word leaves' eval \
	'sed -i "s/127\.0\.0\.1:$(port 1)/127.0.0.1:$(port 2)/g" "$P" && ! cmp -s "$P" "$LIVE_DIR/kept.plan" &&
		told "3|4|7" apply --timeout 3s "$P" && unheard'
taken_back
check 'one'\''s own is taken (and the listeners hear of it)' eval \
	'told "4|6|7|8" apply --timeout 3s "$P" && grep -q AUTH "$LIVE_DIR"/heard.*'
