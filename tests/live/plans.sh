#!/bin/bash
# plans.sh - saved plans: done as they were reviewed, or refused with what has changed; hostile files
# timeout: 400
# shellcheck disable=SC2034,SC2046,SC2016

. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
FLEET_TIMEOUT=5000
ORIGINAL_SYNC_DELAY=5
F=$LIVE_DIR/cart.yaml
P=$LIVE_DIR/cart.plan
SECRET='gE7eim#nis-42'
export REDISCLI_AUTH=$SECRET

declared() { # the topology of these tests, with more lines of spec
	topology "$F" 3 1 "auth: { passwordFile: password }" "$@"
}
fleet() {
	fleet_down
	rm -f "$STATE"*
	fleet_up 6 "requirepass $SECRET" "masterauth $SECRET"
	declared
	expect 0 plan --out "$P" "$F"
}
stale() { # stale TEXT... - exit 7, each text on stderr, nothing sent, nothing on stdout
	local text
	changes_begin
	expect 7 apply "$P" && no_changes && [ ! -s "$OUT" ] || return
	has "$ERR" 'does not fit any more' || return
	for text; do has "$ERR" "$text" || return; done
}
edit() { # edit FILTER [ARG...] - the plan, edited
	jq "$@" "$P" >"$LIVE_DIR/edited"
	! cmp -s "$LIVE_DIR/edited" <(jq . "$P")
}
refused() { # refused CODE TEXT - the edited plan is; nothing is sent
	changes_begin
	expect "$1" apply "$LIVE_DIR/edited" && has "$ERR" "$2" && no_changes && [ ! -s "$OUT" ]
}

printf '%s\n' "$SECRET" >"$LIVE_DIR/password"
chmod 600 "$LIVE_DIR/password"

# ---------------------------------------------------------------- saved

umask 0
check 'plan --out' fleet
umask 022
check '... prints the plan all the same, and says how to go on' eval 'has "$OUT" "Plan: 6 nodes to introduce" && has "$ERR" "redis-operator apply $P"'
check '... mode 0600, whatever the umask' test "$(stat -c %a "$P")" = 600
check '... made no database' test ! -e "$STATE"
check '... left no file beside it' eval '[ "$(find "$LIVE_DIR" -maxdepth 1 -name "cart.plan*" | wc -l)" = 1 ]'
check '... holds what it relied on' eval 'jq -e ".format == \"redis-operator plan\" and .format_version == \"1.0\" and .cluster == \"cart\" and (.nodes | length) == 6
	and (.nodes | all(.[]; .answers and .role == \"primary\" and .slots == \"\" and .peers.count == 0 and .settings[\"cluster-node-timeout\"] == \"5000\"))
	and (.steps | length) > 50 and (.topology.path | startswith(\"/\")) and .machine.digest and .program" "$P" >/dev/null'
check '... and the text of the topology' eval 'jq -r .topology.source "$P" | diff - <(cat "$F"; echo) >/dev/null || jq -j .topology.source "$P" | cmp - "$F"'
check '... no secret, no key count, no ping time' eval '! grep -qF -e "$SECRET" "$P" && ! grep -qiE "keys|ping|pong" <(jq "del(.topology)" "$P")'
check '... twice: the same bytes' eval 'cp "$P" "$LIVE_DIR/first" && expect 0 plan --out "$P" "$F" && cmp "$P" "$LIVE_DIR/first"'
check '... --detailed-exitcode' expect 2 plan --detailed-exitcode --out "$P" "$F"
check '... -o json' eval 'expect 0 plan -o json --out "$P" "$F" && json ".changes | length > 50" && cmp "$P" "$LIVE_DIR/first"'
cp "$F" "$LIVE_DIR/kept"
ln -s kept "$LIVE_DIR/link"
check 'no link is followed' eval 'expect 3 plan --out "$LIVE_DIR/link" "$F" && has "$ERR" "symbolic link" && [ -L "$LIVE_DIR/link" ] && cmp "$F" "$LIVE_DIR/kept"'
mkfifo "$LIVE_DIR/fifo"
check 'nothing but a regular file is replaced' eval 'expect 3 plan --out "$LIVE_DIR/fifo" "$F" && has "$ERR" "only a regular file" && expect 3 plan --out "$LIVE_DIR" "$F" && has "$ERR" "a folder"'
check 'the topology itself is not written over' eval 'expect 3 plan --out "$F" "$F" && has "$ERR" "is the topology file itself" && cmp "$F" "$LIVE_DIR/kept"'
printf 'kind: precious\n' >"$LIVE_DIR/precious"
check 'no file that is no plan is written over' eval 'expect 3 plan --out "$LIVE_DIR/precious" "$F" && has "$ERR" "is no saved plan" && [ "$(cat "$LIVE_DIR/precious")" = "kind: precious" ]'
: >"$LIVE_DIR/nothing"
check 'one without a byte is' expect 0 plan --out "$LIVE_DIR/nothing" "$F"
check 'show reads it back: what goes together in one line' eval 'expect 0 show "$P" && grep -q "^  6 nodes  *CONFIG SET cluster-node-timeout [56]" "$OUT" && [ "$(grep -c "CLUSTER ADDSLOTSRANGE" "$OUT")" = 3 ] && [ "$(grep -c "^  [^ ]" "$OUT")" -lt 35 ]'
check '... with --verbose every command' eval 'expect 0 show -v "$P" && has "$OUT" "saved plan of cluster cart   6 nodes, " && [ "$(grep -c "CLUSTER ADDSLOTSRANGE" "$OUT")" = 3 ] && [ "$(grep -c "^  " "$OUT")" = "$(jq ".steps | length" "$P")" ]'
check '... as JSON: what was saved' eval 'expect 0 show -o json "$P" && diff <(jq -S . "$OUT") <(jq -S . "$P")'
check '... of something else' eval 'expect 3 show "$F" && has "$ERR" "is no saved plan"'
check 'where a topology belongs it is called what it is' each 'expect 3 $i "$P" && has "$ERR" "is a saved plan, not a topology file" && has "$ERR" "redis-operator show $P"' validate plan status check explain
check 'a folder that is not there' eval 'expect 1 plan --out "$LIVE_DIR/no/where" "$F" && has "$ERR" "No such file"'
check 'a refused plan is not saved' eval 'rcli 4 CLUSTER ADDSLOTS 7 >/dev/null; rcli 5 CLUSTER ADDSLOTS 7 >/dev/null; rcli 4 set "{}k" v >/dev/null; rcli 4 function load "#!lua name=a
redis.register_function(\"a\", function() return 1 end)" >/dev/null; expect 4 plan --out "$LIVE_DIR/refused" "$F" && [ ! -e "$LIVE_DIR/refused" ]'

# ---------------------------------------------------------------- applied

check 'a fresh fleet and its plan' fleet
cp "$F" "$LIVE_DIR/kept"
rm "$F"
changes_begin
check 'without its file, and never accepted: nobody says whom to ask with which password' eval 'expect 3 apply "$P" && has "$ERR" "$F is gone" && no_changes'
cp "$LIVE_DIR/kept" "$F"
monitor_begin
check 'apply PLAN: from another folder, without --yes' eval '(cd / && expect 0 apply "$P") && agreed && replicas_up && settings_original'
check '... what the servers received is what was reviewed' eval 'monitor_end "$LIVE_DIR/record" && grep -vE " (CONFIG SET|REPLCONF|SLAVEOF)" "$LIVE_DIR/record" | sort >"$LIVE_DIR/received" &&
	jq -r ".steps[] | .node + \" \" + .command" "$P" | sed "s/^127.0.0.1:$((LIVE_BLOCK / 100))0\([0-9]\) /\1 /" | grep -v "CONFIG SET" | sort | diff - "$LIVE_DIR/received"'
rm "$F"
check '... the topology is the accepted revision' eval 'expect 0 status cart && has "$OUT" "revision 1 declared, 1 reached"'
cp "$LIVE_DIR/kept" "$F"
check 'the same as apply FILE: nothing is left to do' eval 'changes_begin; expect 0 apply "$F" && silent && no_changes'
check 'a second time: 7, and what has changed' stale "- $(address 0): slots were none, are 0-5460" "- $(address 3): role was primary, is replica of $(address 0)" \
	"- $(address 1): knew 0 other nodes, knows 5" "plan --out $P $F"
check 'a plan of nothing' eval 'expect 0 plan --out "$P" "$F" && has "$ERR" "nothing is to be applied; $P was written all the same" && jq -e ".steps == []" "$P" >/dev/null && changes_begin && expect 0 apply "$P" && silent && no_changes'
check '... again' eval 'expect 0 apply "$P" && silent'
check 'the lock is taken' eval 'exec {held}>"$LIVE_DIR/cart.lock" && flock "$held"; expect 5 apply "$P"; code=$?; exec {held}>&-; [ $code = 0 ]'

# ---------------------------------------------------------------- stale: of an empty plan first, then of one with a step

rcli 0 CONFIG SET cluster-node-timeout 6000 >/dev/null
check 'a setting changed' stale "- $(address 0): cluster-node-timeout was 5000, is 6000"
rcli 0 CONFIG SET cluster-node-timeout 5000 >/dev/null
declared 'settings: { maxmemory: 1gb }'
check 'the file changed' stale "- the file $F says something else now"
echo 'what: ever' >>"$F"
check 'the file has errors' eval 'changes_begin; expect 3 apply "$P" && has "$ERR" "$F:" && no_changes'
declared
rm "$F"
check 'the file is gone: whom to ask, with which password, says the accepted revision' eval \
	'(cd / && expect 0 apply "$P") && silent'
declared 'settings: { maxmemory-samples: 6 }'
expect 0 plan --out "$LIVE_DIR/edited" "$F"
rm "$F"
check '... and not where that is another' eval 'changes_begin; expect 7 apply "$LIVE_DIR/edited" && no_changes &&
	has "$ERR" "the newest accepted revision of cluster cart says something else now"'
declared
echo '# a word more' >>"$F"
check 'a comment in the file is no change' eval 'expect 0 apply "$P" && silent'
check 'a machine changed' eval 'mkdir -p "$LIVE_DIR/machines" && sed "s/some slots are owned by nobody/orphans/" "$TOP/states/cluster.yaml" >"$LIVE_DIR/machines/cluster.yaml" &&
	expect 7 apply --machines "$LIVE_DIR/machines" "$P" && has "$ERR" "digest was"'
node_freeze 5
check 'a node does not answer' stale "- $(address 5): answered, does not now"
node_thaw 5
wait_until 20 'agreed && replicas_up' >/dev/null
rcli 3 CLUSTER FAILOVER >/dev/null
check '(a fail-over by a person)' wait_until 20 'agreed && replicas_up && rcli 3 CLUSTER NODES | grep myself | grep -q master'
check 'roles changed' stale "- $(address 0): role was primary, is replica of $(address 3)" "- $(address 3): slots were none, are 0-5460"
expect 0 plan --out "$P" "$F" >/dev/null
check 'a slot moved' eval 'for i in 1 2; do rcli $i CLUSTER SETSLOT 6000 NODE "$(rcli 2 CLUSTER MYID)" >/dev/null; done; wait_until 20 agreed; stale "- $(address 1): slots were 5461-10922, are 5461-5999 6001-10922" "- $(address 2): slots were 10923-16383, are 6000 10923-16383"'

check 'a fresh fleet again' fleet
node_stop 2
node_wipe 2
node_start 2
check 'a node with a new id' stale "- $(address 2): node id was"
expect 0 plan --out "$P" "$F" >/dev/null
fleet_up 1 "requirepass $SECRET" "masterauth $SECRET"
rcli 6 CLUSTER MEET 127.0.0.1 "$(port 0)" >/dev/null
wait_until 10 'rcli 0 CLUSTER NODES | grep -F ":$(port 6)@" | grep -q " master "' >/dev/null
check 'a peer more' stale "- $(address 0): knew 0 other nodes, knows 1"
check 'a wrong password is exit 9, not a stale plan' eval 'printf "wrong\n" >"$LIVE_DIR/password"; expect 9 apply "$P" && has "$ERR" "wrong password"'
printf '%s\n' "$SECRET" >"$LIVE_DIR/password"

# ---------------------------------------------------------------- edited

check 'a fresh fleet again' fleet
check 'a step more' eval 'edit ".steps += [.steps[0] | .command = \"FLUSHALL\"]" && refused 7 "'\''FLUSHALL'\'' to $(address 0) is in the plan, and is not to be done now"'
check 'a step less' eval 'edit "del(.steps[10])" && refused 7 "is to be done now, and is not in the plan"'
check 'a step changed' eval 'edit "(.steps[] | select(.command == \"CLUSTER ADDSLOTSRANGE 0 5460\") | .command) = \"CLUSTER ADDSLOTSRANGE 0 5461\"" && refused 7 "ADDSLOTSRANGE 0 5461"'
check 'to another node' eval 'edit ".steps[3].node = .steps[0].node" && refused 7 "is in the plan, and is not to be done now"'
check 'a step twice' eval 'edit ".steps += [.steps[0]]" && refused 7 "is in the plan, and is not to be done now"'
check 'in another order' eval 'edit ".steps |= reverse" && refused 7 "in another order"'
check 'a fact changed' eval 'edit ".nodes[1].id = \"$(printf %040d 0)\"" && refused 7 "node id was"'
check 'another topology under the same digest' eval 'edit ".topology.source |= sub(\"shards: 3\"; \"shards: 2\")" && refused 3 "its topology is not the one that it names"'
check 'another cluster' eval 'edit ".cluster = \"other\"" && refused 3 "its topology is not the one that it names"'
check 'a topology with errors' eval 'edit ".topology.source += \"x: 1\n\"" && refused 3 "unknown key"'
check 'control characters reach no terminal' eval 'edit ".steps[0].command = \"CLUSTER \\u001b]0;owned\\u0007\"" && refused 3 "cannot be printed" && ! grep -q "$(printf "\033")" "$ERR"'
check 'an unknown key' eval 'edit ".nodes[0].extra = 1" && refused 3 "nodes[0] has the unknown key '\''extra'\''"'
check 'a newer format' eval 'edit ".format_version = \"2.0\"" && refused 3 "make a new plan"'
check 'cut short' eval 'head -c 3000 "$P" >"$LIVE_DIR/edited" && refused 3 "not a plan that can be applied: line "'
check 'a key twice' eval 'sed "0,/\"cluster\"/s//\"cluster\": \"other\", \"cluster\"/" "$P" >"$LIVE_DIR/edited" && refused 3 "duplicate"'
check 'nested without end' eval '{ printf "{\"format\": "; head -c 100000 /dev/zero | tr "\0" "["; } >"$LIVE_DIR/edited" && refused 3 "not a plan"'
check 'zero bytes' eval '{ printf "{\"format\": \"a\0b\"}"; } >"$LIVE_DIR/edited" && refused 3 "not a plan"'
check 'far too large' eval '{ printf "{\"format\": 1}"; head -c 70000000 /dev/zero | tr "\0" " "; } >"$LIVE_DIR/edited" && refused 3 "at most 64 MiB"'
check 'a topology written as JSON is no plan' eval 'python3 -c "import json, sys, yaml; json.dump(yaml.safe_load(open(sys.argv[1])), open(sys.argv[2], \"w\"))" "$F" "$LIVE_DIR/cart.json" && expect 0 validate "$LIVE_DIR/cart.json" && expect 4 apply "$LIVE_DIR/cart.json" && has "$ERR" "give --yes"'
check 'whatever its name' eval 'cp "$P" "$LIVE_DIR/odd.yaml" && rcli 0 CONFIG SET cluster-node-timeout 6000 >/dev/null && expect 7 apply "$LIVE_DIR/odd.yaml"; code=$?; rcli 0 CONFIG SET cluster-node-timeout 5000 >/dev/null; [ $code = 0 ]'
check 'consent must name the cluster' expect 3 apply --allow-data-loss=other "$P"

# ---------------------------------------------------------------- in the middle

check '--step does one batch of it' eval 'expect 0 apply --step "$P" && has "$ERR" "one batch of" && expect 7 apply "$P" && has "$ERR" "config epoch was 0, is"'
check 'a fresh fleet again' fleet
check 'killed while it assigns slots' eval 'begin_apply "$P" && upon AssignSlots && kill -9 "$OP_PID"; end_apply; [ $? = 137 ]'
check '... apply PLAN again: 7, and what has changed' eval 'expect 7 apply "$P" && has "$ERR" "knew 0 other nodes, knows 5"'
check '... apply FILE goes on' eval 'expect 0 apply --yes "$F" && agreed && settings_original'

check 'a fresh fleet, with a setting that is as declared' eval 'fleet && declared "settings: { maxmemory-samples: 5 }" && expect 0 plan --out "$P" "$F" && ! grep -q "SET maxmemory-samples" "$P"'
check 'what the plan does not hold is not done when it becomes necessary on the way' eval 'begin_apply "$P" && upon AssignSlots; rcli 4 CONFIG SET maxmemory-samples 6 >/dev/null; kill -CONT "$OP_PID"; end_apply; code=$?; cat "$ERR"; [ $code = 7 ]'
check '... it is said' eval 'has "$ERR" "the plan does not hold '\''CONFIG SET maxmemory-samples 5'\'' to $(address 4)" && has "$ERR" "it was not sent"'
check '... it was not sent' test "$(rcli 4 CONFIG GET maxmemory-samples | tail -1)" = 6
check '... temporary settings are put back' settings_original
check '... apply FILE goes on' eval 'expect 0 apply --yes "$F" && agreed && [ "$(rcli 4 CONFIG GET maxmemory-samples | tail -1)" = 5 ]'

check 'a fresh fleet again' fleet
check '--timeout is kept' eval 'expect 6 apply --timeout 100ms "$P" && has "$ERR" "not converged after 100ms" && settings_original'
