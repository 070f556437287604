#!/bin/bash
# cli.sh - the command line: words and exit codes for what people and scripts get wrong, terminals, pipes, events, machines
# shellcheck disable=SC2034,SC2046,SC2094

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
unset XDG_STATE_HOME
export HOME=$LIVE_DIR # (nothing may be looked for, or made, in the tester's home)
COMMANDS='validate plan apply status check history explain pause resume import machine demo'

usage() { # usage NAME TEXT ARG... - exit 3, one sentence on stderr that has TEXT, nothing on stdout
	check "$1" usage_error "${@:2}"
}
usage_error() {
	local text=$1
	shift
	expect 3 "$@" && has "$ERR" "$text" && [ ! -s "$OUT" ] && [ "$(grep -c '^redis-operator: ' "$ERR")" = 1 ]
}

# ---------------------------------------------------------------- usage

check 'six servers' fleet_up 6
topology "$F" 3 1
usage 'an unknown command' "unknown command 'aply' (did you mean 'apply'?)" aply "$F"
usage 'one that is like none' "unknown command 'frobnicate'; see \`redis-operator --help\`" frobnicate
usage 'an unknown option' "unknown option '--detailed-exit' (did you mean '--detailed-exitcode'?)" plan --detailed-exit "$F"
usage 'one that is like none' "unknown option '--frobnicate'; see \`redis-operator plan --help\`" plan --frobnicate "$F"
usage 'an option of another command' "unknown option '--step'" plan --step "$F"
usage 'before the command too' "unknown option '--step'" --step plan "$F"
usage 'an unknown letter' "unknown option '-Z'" plan -Z "$F"
usage 'a missing operand' 'plan: FILE is missing' plan
usage 'an operand too many' "plan: 'b.yaml' is one argument too many" plan a.yaml b.yaml
usage 'a missing value' '--timeout needs a value: TIME' apply "$F" --timeout
usage 'a value where none belongs' '--yes takes no value' apply --yes=1 "$F"
usage 'a wrong duration' "--timeout: '5 minutes' is not a duration such as 250ms, 5s, 10m or 1h" apply --timeout '5 minutes' "$F"
usage 'a pause of no time is no pause for ever' "--for: '0s' is not a duration such as" pause --for 0s cart
usage 'a timeout of none neither' "--timeout: '0ms' is not a duration such as" apply --timeout 0ms "$F"
usage 'too long, and how long it may be' 'at most 720h' pause --for 1000h cart
usage 'a wrong output' "--output: 'yaml' is not text|json|jsonl" plan -o yaml "$F"
usage 'a wrong number' "--limit: 'x' is not a whole number" history -n x
usage 'no lines at all' "--limit: '0' is not a whole number from 1 to" history -n 0
usage 'options alone' 'which command?' -q
usage 'machine without a word that it knows' "machine: 'draw' is none of check, graph, table, words" machine draw
check 'no argument at all: the overview, and exit 3' eval '"$ROP_BIN" >"$OUT" 2>"$ERR"; [ $? = 3 ] && has "$OUT" "Commands"'
check '--help' eval 'expect 0 --help && each "has \"$OUT\" \"  \$i \"" $COMMANDS'
check '--help is not cut anywhere' eval '! grep -E "\[[^]]*$" "$OUT"'
check '--help of each command' each 'expect 0 $i --help && has "$OUT" "redis-operator $i" && has "$OUT" "Options everywhere" && [ ! -s "$ERR" ]' $COMMANDS
check '... in a person'\''s words' each 'expect 0 $i --help && lacks "$OUT" expectation' $COMMANDS
check 'help is a command too' eval 'expect 0 help && cp "$OUT" "$LIVE_DIR/all" && expect 0 --help && same "$LIVE_DIR/all" "$OUT" && expect 0 help plan && cp "$OUT" "$LIVE_DIR/all" && expect 0 plan --help && same "$LIVE_DIR/all" "$OUT" && expect 3 help aply && has "$ERR" "did you mean '\''apply'\''"'
check 'version is one' eval 'expect 0 version && grep -qE "^redis-operator [0-9]" "$OUT"'
check 'history of an empty database says so' eval 'expect 0 history && [ ! -s "$OUT" ] && has "$ERR" "no clusters in"'
check '- is standard input: validate' eval 'op validate - <"$F" >"$OUT" && has "$OUT" "-: ok, cluster '\''cart'\''"'
check '- is standard input: what is wrong, and where' eval 'printf "x: 1\\n" | op validate - >"$OUT" 2>"$ERR"; [ $? = 3 ] && has "$ERR" "-:1:1: error: unknown key"'
check '- is standard input: plan' eval 'op plan - <"$F" >"$OUT" 2>"$ERR" && has "$OUT" "Plan: 6 nodes" && ! op plan --out "$LIVE_DIR/p" - <"$F" >"$OUT" 2>"$ERR" && has "$ERR" "standard input" && [ ! -e "$LIVE_DIR/p" ]'
check '--version' eval 'expect 0 --version && grep -qE "^redis-operator [0-9]" "$OUT"'
check 'options before and after operands' eval 'expect 2 plan "$F" --detailed-exitcode -o json && json .cluster && expect 2 -o json --detailed-exitcode plan "$F" && json .cluster && expect 2 plan -ojson --detailed-exitcode -- "$F" && json .cluster'
check '--option=value' eval 'expect 0 plan --output=jsonl "$F" && json .cluster'
check 'all that made no database' test ! -e "$STATE"

# ---------------------------------------------------------------- descriptors and pipes

raw() { "$ROP_BIN" --state "$STATE" "$@"; }
check 'stdin closed' eval 'raw plan "$F" <&- >"$OUT" 2>"$ERR" && has "$OUT" "Plan:"'
check 'stdout closed' eval 'raw plan --detailed-exitcode "$F" >&- 2>"$ERR" </dev/null; [ $? = 2 ]'
check 'stderr closed' eval 'raw plan "$F" 2>&- >"$OUT" </dev/null && has "$OUT" "Plan:"'
check 'all closed' eval 'raw plan --detailed-exitcode "$F" <&- >&- 2>&-; [ $? = 2 ]'
check 'a reader that went away ends it quietly' eval '{ raw machine words 2>"$ERR"; echo $? >"$LIVE_DIR/code"; } </dev/null | head -0; [ "$(cat "$LIVE_DIR/code")" = 0 ] && [ ! -s "$ERR" ]'
check 'a full disk is told' eval 'raw plan "$F" >/dev/full 2>"$ERR" </dev/null; [ $? = 1 ] && has "$ERR" "cannot write to standard output"'
check 'no colour into a file' eval 'expect 0 plan "$F" && ! grep -q $'\''\033'\'' "$OUT"'
check '--color always' eval 'expect 0 plan --color always "$F" && grep -q $'\''\033'\'' "$OUT"'
check 'help is without colour' eval 'expect 0 --help --color always'

# ---------------------------------------------------------------- asking

changes_begin
check 'apply without a terminal: 4, and names --yes' eval 'expect 4 apply "$F" && has "$ERR" "give --yes" && has "$OUT" "introduce 6 nodes"'
terminal() { # terminal ANSWER COMMAND... - on a terminal of its own; what is seen there in $OUT
	local answer=$1 status=0
	shift
	printf '%s\n' "$answer" | TERM=${TERM_FOR:-xterm} script -qec "$(printf '%q ' "$@")" /dev/null >"$OUT" 2>&1 || status=$?
	return $status
}
check 'on a terminal: no' eval 'terminal no "$ROP_BIN" --state "$STATE" apply "$F"; [ $? = 4 ] && has "$OUT" "Make these changes? Only '\''yes'\'' is taken for a yes:" && has "$OUT" "not confirmed; nothing was changed"'
check 'on a terminal: y is no yes' eval 'terminal y "$ROP_BIN" --state "$STATE" apply "$F"; [ $? = 4 ]'
check 'all that sent no changing command' no_changes
check 'a terminal gets colours' eval 'terminal "" "$ROP_BIN" --state "$STATE" plan "$F" && grep -q $'\''\033\\[1m'\'' "$OUT"'
check '... not with NO_COLOR' eval 'NO_COLOR=1 terminal "" "$ROP_BIN" --state "$STATE" plan "$F" && ! grep -q $'\''\033\\[1m'\'' "$OUT"'
check '... not with TERM=dumb' eval 'TERM_FOR=dumb terminal "" "$ROP_BIN" --state "$STATE" plan "$F" && ! grep -q $'\''\033\\[1m'\'' "$OUT"'
check '... not with --color never' eval 'terminal "" "$ROP_BIN" --state "$STATE" plan --color never "$F" && ! grep -q $'\''\033\\[1m'\'' "$OUT"'

# ---------------------------------------------------------------- machines: the YAML decides

mkdir "$LIVE_DIR/machines"
changed() { # changed SED - the shipped machine, edited
	sed "$1" "$TOP/states/cluster.yaml" >"$LIVE_DIR/machines/cluster.yaml"
	! cmp -s "$TOP/states/cluster.yaml" "$LIVE_DIR/machines/cluster.yaml"
}
M=(--machines "$LIVE_DIR/machines")
check 'another reason in the machine file is another reason in the plan' eval 'changed "s/some slots are owned by nobody/the slots want an owner/" && expect 0 plan "${M[@]}" -o json "$F" && json "[.changes[] | select(.action == \"add-slots\") | .why] | unique == [\"the slots want an owner\"]"'
check '... and in the explanation' eval 'changed "s/some nodes do not know each other yet/strangers/" && expect 0 explain "${M[@]}" "$F" && has "$OUT" "to Configure, because strangers"'
broken() { # broken NAME SED TEXT
	check "a machine with $1: 3, and where" eval 'changed "'"$2"'" && expect 3 plan "${M[@]}" "$F" && grep -qE "^$LIVE_DIR/machines/cluster.yaml:[0-9]+:[0-9]+: error: " "$ERR" && has "$ERR" "'"$3"'"'
}
broken 'a misspelt fact' 's/not introduced, not prepared/not introducd, not prepared/' 'introduced'
broken 'a misspelt action' 's/do: \[introduce_nodes\]/do: [introduce_node]/' 'introduce_nodes'
broken 'a state that is not there' 's/to: AssignSlots, why: all nodes/to: AssignSlot, why: all nodes/' 'AssignSlot'
broken 'an unknown key' 's/    within: 20s/    whithin: 20s/' 'within'
check 'no such folder' eval 'expect 3 plan --machines "$LIVE_DIR/nowhere" "$F" && has "$ERR" nowhere'
check 'machine check, graph, table, words' each 'expect 0 machine $i && [ -s "$OUT" ]' check graph table words
check 'machine check of a broken file' eval 'expect 3 machine check "$LIVE_DIR/machines/cluster.yaml"'
check 'machine graph mermaid' eval 'expect 0 machine graph mermaid && has "$OUT" "Configure"'

# ---------------------------------------------------------------- step by step, with a machine without lowered settings

check 'without lower_settings in the machine file the plan has no temporary settings' eval 'changed "s/do: \[lower_settings, set_epochs\]/do: [set_epochs]/" && expect 0 plan "${M[@]}" "$F" && lacks "$OUT" "Settings (temporary)" && has "$OUT" "a config epoch of its own"'
changes_begin
check '--step: one batch, then it stops' eval 'expect 0 apply --yes --step "${M[@]}" "$F" && has "$ERR" "one batch of 6 steps done; apply --step again"'
check '... the servers received what the machine file says: epochs, no setting' eval '[ "$(changes_list | awk "{ print \$2 }" | sort -u | xargs)" = "cluster|set-config-epoch" ]'
check '... a reader of the database sees it' eval 'expect 0 history cart && [ "$(grep -c "CLUSTER SET-CONFIG-EPOCH" "$OUT")" = 6 ] && lacks "$OUT" pending'
steps=1
while [ $steps -lt 12 ] && ! { expect 0 plan --detailed-exitcode "$F" >/dev/null && has "$OUT" 'No changes. The cluster matches' >/dev/null; }; do
	expect 0 apply --yes --step "$F" >"$LIVE_DIR/said" || break
	steps=$((steps + 1))
done
check '--step again and again brings it to the end' eval 'echo "after $steps steps:"; cat "$LIVE_DIR/said" "$ERR"; [ $steps -ge 4 ] && [ $steps -le 11 ] && agreed && replicas_up'
check '... without ever lowering a setting' eval '! for i in 0 1 2 3 4 5; do monitor_commands $i 2>/dev/null; done | grep -qE "CONFIG SET (cluster-node-timeout|repl-diskless)"'
check 'apply is silent then' eval 'expect 0 apply "$F" && silent'

# ---------------------------------------------------------------- events

fleet_down
rm -f "$STATE"*
check 'six others' fleet_up 6
topology "$F" 3 1
check 'apply -o jsonl' eval 'expect 0 apply --yes -o jsonl "$F"'
check '... every line an object with a type and the cluster' eval 'jq -e -s "length > 100 and all(.[]; .cluster == \"cart\" and (.type | IN(\"planned_change\", \"transition\", \"step_start\", \"step_done\", \"step_failed\", \"waiting\", \"summary\")))" "$OUT" >/dev/null'
check '... first what is planned, at last one summary' eval 'jq -e -s ".[0].type == \"planned_change\" and .[-1].type == \"summary\" and ([.[] | select(.type == \"summary\")] | length) == 1" "$OUT" >/dev/null'
check '... the summary' eval 'jq -e -s ".[-1] | .converged and .exit_code == 0 and .steps > 50 and .elapsed_ms > 0" "$OUT" >/dev/null'
check '... every step that was begun ended' eval 'jq -e -s "([.[] | select(.type == \"step_start\")] | length) == ([.[] | select(.type == \"step_done\" or .type == \"step_failed\")] | length)" "$OUT" >/dev/null'
check '... what was planned is what was done' eval 'jq -s -r ".[] | select(.type == \"planned_change\") | .node + \" \" + .command" "$OUT" | sort -u >"$LIVE_DIR/planned"; jq -s -r ".[] | select(.type == \"step_start\") | .node + \" \" + .command" "$OUT" | sort -u >"$LIVE_DIR/done"; same "$LIVE_DIR/planned" "$LIVE_DIR/done"'
check '... a word on stderr only for people' eval '! grep -vE "^warning: " "$ERR"'
check 'apply -o jsonl of a converged cluster: a summary, exit 0' eval 'expect 0 apply -o jsonl "$F" && jq -e -s ".[-1].type == \"summary\" and .[-1].converged and .[-1].steps == 0" "$OUT" >/dev/null'
check 'on a terminal, yes' eval 'rcli 3 CONFIG SET maxmemory 1mb >/dev/null; topology "$F" 3 1 "settings: { maxmemory: 0 }"; terminal yes "$ROP_BIN" --state "$STATE" apply "$F" && has "$OUT" "converged in" && [ "$(rcli 3 CONFIG GET maxmemory | tail -1)" = 0 ]'
node_freeze 5
check '--timeout is kept' eval 'began=$SECONDS; topology "$F" 3 1 "intervals: { connectTimeout: 200ms, commandTimeout: 200ms }"; expect 6 apply --yes --timeout 1500ms "$F" && has "$ERR" "not converged after 1500ms" && [ $((SECONDS - began)) -le 5 ]'
check 'the line of progress is cut to the terminal, so that none is left behind' eval 'terminal "" bash -c "stty cols 30; exec \"\$0\" \"\$@\"" "$ROP_BIN" --state "$STATE" apply --yes --timeout 1500ms "$F"; tr "\r" "\n" <"$OUT" | sed -n "s/^$(printf "\033")\\[Kcart: /cart: /p" >"$LIVE_DIR/lines"; [ "$(wc -l <"$LIVE_DIR/lines")" -ge 3 ] && [ "$(awk "length > 29" "$LIVE_DIR/lines" | wc -l)" = 0 ] || { cat -v "$OUT"; false; }'
check '... -o jsonl says so too' eval 'expect 6 apply --yes --timeout 1s -o jsonl "$F"; jq -e -s ".[-1].type == \"summary\" and .[-1].exit_code == 6 and (.[-1].converged | not) and (.[-1].message | test(\"does not answer\"))" "$OUT" >/dev/null'
node_thaw 5
check 'pause and resume' eval 'expect 0 pause --for 1h cart && expect 4 apply --yes "$F" && has "$ERR" "is paused" && has "$ERR" "redis-operator resume cart" && expect 0 status -o json cart && json .paused && expect 0 resume cart && wait_until 20 "agreed" && expect 0 apply --yes "$F"'
check 'who resumes what was not paused is told' eval 'expect 0 resume cart && has "$ERR" "cart: goes on (it was not paused)" && expect 0 pause cart && expect 0 resume cart && has "$ERR" "cart: goes on" && lacks "$ERR" "not paused"'
check 'plan while paused: the plan, that it is paused, and its own exit code' eval 'rcli 3 CONFIG SET maxmemory 1mb >/dev/null; topology "$F" 3 1 "settings: { maxmemory: 0 }"; expect 0 pause --for 1h cart && expect 2 plan --detailed-exitcode "$F" && has "$OUT" "maxmemory" && has "$OUT" "Paused by " && has "$OUT" "redis-operator resume cart" && expect 0 plan -o json "$F" && json ".paused and (.changes | length) > 0" && expect 4 apply --yes "$F" && has "$ERR" "is paused" && [ "$(rcli 3 CONFIG GET maxmemory | tail -1)" = 1048576 ]'
check '... not afterwards' eval 'expect 0 resume cart && expect 0 apply --yes "$F" && expect 0 plan "$F" && lacks "$OUT" Paused && expect 0 plan -o json "$F" && json ".paused | not"'
check 'a pause with a reason: who is stopped reads it' eval 'expect 0 pause --reason "a new disk" cart && expect 4 apply --yes "$F" && has "$ERR" "is paused by $(id -un) (a new disk)" && expect 0 status cart && has "$OUT" "(a new disk) paused it" && expect 0 resume --reason "it is in" cart'
check '... history has who, where, what for, and the command' eval 'expect 0 history cart && grep -qE "pause by $(id -un)@[^ ]+ \(uid $(id -u)\): a new disk  \[redis-operator .*pause --reason a new disk cart\]" "$OUT" && grep -qE "resume by .*: it is in  \[" "$OUT"'
check '... and who applied, once for each that changed something' eval 'n=$(op history cart | grep -c " apply by "); [ "$n" -gt 0 ] && rcli 3 CONFIG SET maxmemory 2mb >/dev/null && expect 0 apply --yes --reason "less is more" "$F" && expect 0 apply --yes "$F" && expect 0 history cart && [ "$(grep -c " apply by " "$OUT")" = $((n + 1)) ] && grep -q "apply by .*: less is more  \[" "$OUT" && expect 0 history -o json cart && json ".clusters.cart | map(select(.type == \"deed\" and .reason == \"less is more\")) | length == 1 and (.[0].uid | type == \"number\")"'
check 'history has milliseconds and the zone' eval 'TZ=Asia/Kolkata expect 0 history cart && ! grep -vE "^[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}\.[0-9]{3} \+0530 " "$OUT"'
check 'a value that is empty is seen, and two sizes have units both' eval 'rcli 1 CONFIG SET save "900 1" maxmemory 5242880 >/dev/null && topology "$F" 3 1 "settings: { save: \"\", maxmemory: 100mb }" && expect 0 plan "$F" && has "$OUT" "save 900 1 -> \"\"" && has "$OUT" "maxmemory 5mb -> 100mb"; code=$?; topology "$F" 3 1 "settings: { maxmemory: 0 }"; rcli 1 CONFIG SET save "" maxmemory 0 >/dev/null; [ $code = 0 ]'
check 'what a reason hides is shown as a sign' eval 'expect 0 pause --reason "$(printf "a\033[2Jb")" cart && expect 0 resume cart && expect 0 history cart && ! grep -q "$(printf "\033")" "$OUT"'
check 'pause of a misspelt name' eval 'expect 3 pause carts && has "$ERR" "no cluster '\''carts'\''"'
op_start status --watch cart
check 'status --watch prints again and again' wait_until 10 '[ "$(grep -c "^cluster cart " "$OUT")" -ge 2 ]'
kill "$OP_PID"
op_wait
check 'nothing was left in the home folder' eval '[ ! -e "$LIVE_DIR/.local" ]'
