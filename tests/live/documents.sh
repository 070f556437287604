#!/bin/bash
# documents.sh - what programs read: every command's -o json is one document of the schema, errors too; the one verdict
# shellcheck disable=SC2034,SC2016

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
if ! /usr/bin/python3 -c 'import jsonschema' 2>/dev/null; then
	skip 'the schema of what is printed' 'python3-jsonschema is not installed'
	exit 0
fi

cat >"$LIVE_DIR/fits.py" <<'PYTHON'
"""fits.py SCHEMA DEFINITION FILE json|jsonl - one document, or an object a line; fields that the schema lacks are errors."""
import json, sys
import jsonschema

with open(sys.argv[1]) as f:
    schema = json.load(f)
jsonschema.Draft7Validator.check_schema(schema)


def strict(s):
    if isinstance(s, dict):
        if "properties" in s:
            s.setdefault("additionalProperties", False)
        for v in s.values():
            strict(v)
    elif isinstance(s, list):
        for v in s:
            strict(v)


strict(schema["definitions"])
text = open(sys.argv[3]).read()
documents = [json.loads(text)] if sys.argv[4] == "json" else [json.loads(line) for line in text.splitlines()]
if not documents:
    sys.exit("nothing was printed")
validator = jsonschema.Draft7Validator({"$ref": "#/definitions/" + sys.argv[2], "definitions": schema["definitions"]})
for document in documents:
    for error in validator.iter_errors(document):
        print("/".join(map(str, error.absolute_path)) + ": " + error.message[:300])
        sys.exit(1)
PYTHON
fits() { # fits DEFINITION json|jsonl CODE ARG... - the exit code, and what was printed
	local definition=$1 how=$2 code=$3
	shift 3
	expect "$code" -o "$how" "$@" &&
		/usr/bin/python3 "$LIVE_DIR/fits.py" "$TOP/data/redis-operator-output.schema.json" "$definition" "$OUT" "$how"
}
schema() { # schema DEFINITION FILE - lines that were printed
	/usr/bin/python3 "$LIVE_DIR/fits.py" "$TOP/data/redis-operator-output.schema.json" "$1" "$2" jsonl
}
both() { # both NAME DEFINITION DEFINITION-OF-A-LINE CODE ARG...
	local name=$1 definition=$2 line=$3
	shift 3
	check "$name" fits "$definition" json "$@"
	check "$name, a line" fits "$line" jsonl "$@"
}
error() { # error NAME CODE ARG... - a document that is an error, and the sentence on stderr as ever
	local name=$1 code=$2
	shift 2
	check "$name: $code" eval 'fits error json '"$code $(printf '%q ' "$@")"' && json ".error.code == '"$code"' and (.error.message | length > 0)" && [ -s "$ERR" ]'
	check "$name: a line" eval 'fits event jsonl '"$code $(printf '%q ' "$@")"' && [ "$(wc -l <"$OUT")" = 1 ] && jq -e ".type == \"error\" and .error.code == '"$code"'" "$OUT" >/dev/null'
}
verdict() { # verdict NAME CODE WORD - the same of status, check and plan, by exit code and in the document
	check "$1: status" eval 'fits status json '"$2"' status --exit-code "$F" && json ".verdict.exit_code == '"$2"' and .verdict.word == \"'"$3"'\""'
	check "$1: check" eval 'fits check json '"$2"' check --exit-code "$F" && json ".verdict.exit_code == '"$2"'"'
	check "$1: plan" eval 'fits plan json '"$2"' plan --detailed-exitcode "$F" && json ".verdict.exit_code == '"$2"'"'
	check "$1: with -q nothing is printed" each 'expect '"$2"' $i "$F" -q && [ ! -s "$OUT" ]' 'status --exit-code' 'check --exit-code' 'plan --detailed-exitcode'
}

check 'six servers' fleet_up 6
topology "$F" 3 1
printf 'x: 1\n' >"$LIVE_DIR/bad.yaml"

# ---------------------------------------------------------------- without a cluster

both validate validate validated_file 0 validate "$F"
both 'validate of a bad file' validate validated_file 3 validate "$F" "$LIVE_DIR/bad.yaml"
{ echo 'spec:'; seq 25 | sed 's/.*/  k&: 1/'; } >"$LIVE_DIR/worse.yaml"
check '... of many errors all are counted, and twenty told' eval 'fits validate json 3 validate "$LIVE_DIR/worse.yaml" && json ".files[0].errors == 30 and (.files[0].diagnostics | length) == 20"'
both 'acl' acl acl 0 acl operator
both 'machine graph' machine machine 0 machine graph
both 'machine graph mermaid' machine machine 0 machine graph mermaid
both 'machine table' machine machine 0 machine table
both 'machine words' machine machine 0 machine words
both 'machine check' machine_check machine_check 0 machine check
both '--version' version version 0 --version
both '--help' help help 0 --help
both 'help' help help 0 help
both 'version' version version 0 version
both 'status --help' help help 0 status --help
both 'demo down, where none is' demo_down demo_down 0 demo down
check 'status of an empty database' fits status_all json 0 status
error 'an unknown command' 3 aply
error 'no command' 3
error 'an unknown option' 3 plan --frobnicate "$F"
error 'a missing operand' 3 apply
error 'a file with errors' 3 plan "$LIVE_DIR/bad.yaml"
error 'a file that is not there' 3 status "$LIVE_DIR/nowhere.yaml"
error 'a machine with errors' 3 machine check "$LIVE_DIR/bad.yaml"
error 'a cluster that is not known' 3 pause nosuch
error 'a cluster to forget that is not known' 3 forget --yes nosuch
error 'no server' 8 check 127.0.0.1:1
error 'a verdict on clusters of a database that is not there' 3 status --exit-code --state "$LIVE_DIR/none.db"
check '-o json before what is wrong' eval 'expect 3 -o json plan --frobnicate; json .error'

# ---------------------------------------------------------------- formed

verdict 'nothing there yet' 2 changes
check 'apply without a yes' eval 'fits apply json 4 apply "$F" && json ".error.code == 4 and (.error.advice | test(\"--yes\")) and .summary == null"'
check 'apply -o json is one object' eval 'fits apply json 0 apply --yes "$F" && json ".cluster == \"cart\" and .exit_code == 0 and .summary.converged and (.events | length > 100) and (has(\"error\") | not)"'
both 'apply of what is there' apply event 0 apply --yes "$F"
verdict 'as declared' 0 converged
both 'plan' plan plan 0 plan "$F"
both 'status' status status 0 status "$F"
check 'status of all' eval 'fits status_all json 0 status && json ".clusters | length == 1"'
check 'status of all, a line each' fits status jsonl 0 status
both 'check of an address' check check 0 check "$(address 0)"
both 'history' history history_line 0 history
both 'history of one' history history_line 0 history cart
both 'explain' explain explain 0 explain "$F"
both 'explain of a node' explain explain 0 explain "$F" "$(address 1)"
both 'rebalance' rebalance rebalance 0 rebalance --by keys "$F"
both 'import' import import 0 import "$(address 0)"
check '... the topology in it is one' eval 'expect 0 import -o json "$(address 0)" && jq -r .topology "$OUT" >"$LIVE_DIR/imported.yaml" && expect 0 plan --detailed-exitcode "$LIVE_DIR/imported.yaml"'
both 'failover --plan' failover failover 0 failover --plan "$F" 2
check 'failover' eval 'fits failover json 0 failover --yes "$F" 2 && json ".result == \"met\" and .elapsed_ms > 0"'
check '... where it leads already' eval 'fits failover json 0 failover --yes "$F" "$(jq -r .to.address "$OUT")" && json ".result == \"met\" and .changes == []"'
check '... with -o jsonl the events of apply, and then the same' eval 'expect 0 failover --yes -o jsonl "$F" 1 && head -n -1 "$OUT" >"$LIVE_DIR/events" && tail -1 "$OUT" >"$LIVE_DIR/last" &&
	schema event "$LIVE_DIR/events" && schema failover "$LIVE_DIR/last" && grep -q step_done "$LIVE_DIR/events"'
check '... status and history have it' eval 'fits status json 0 status "$F" && json ".last_failover.status == \"met\"" && fits history json 0 history cart'
check '(the first ones lead again)' each 'expect 0 failover --yes "$F" "$i"' "$(address 0)" "$(address 1)"
check 'drain --plan, which takes a consent' fits drain json 4 drain --plan "$F" 127.0.0.1
DIGEST=$(jq -r .digest "$OUT")
check '... refused without it' fits drain json 4 drain --yes "$F" 127.0.0.1
check '... held, for nobody is elsewhere' eval 'fits drain json 6 drain --yes --timeout 1s --allow-fewer-copies="cart@$DIGEST" "$F" 127.0.0.1 && json ".result == \"held\" and .leads == 3"'
check '... status and history have it' eval 'fits status json 0 status "$F" && json ".drains[0].target == \"127.0.0.1\" and .verdict.word == \"draining\"" && fits history json 0 history cart'
both 'undrain' undrain undrain 0 undrain cart 127.0.0.1
error 'a drain of no host' 3 drain --yes "$F" nowhere
check 'takeover, where it is refused' eval 'fits takeover json 4 takeover "$F" 2 && json ".result == \"refused\" and .risk == null and .error.code == 4"'
check '(snapshots begin at once)' each 'rcli "$i" CONFIG SET repl-diskless-sync-delay 0' $(seq 0 $((COUNT - 1)))
check '(replicas follow)' wait_until 10 replicas_up
both 'backup' backup backup 0 backup "$F" --to "$LIVE_DIR/taken"
check 'backup --consistent' fits backup json 0 backup "$F" --consistent --to "$LIVE_DIR/moment"
BACKUP=$(find "$LIVE_DIR/taken" -mindepth 1 -maxdepth 1 -type d | sort | head -1)
mkdir "$LIVE_DIR/taken/none"
both 'backup show' backup backup 0 backup show "$BACKUP"
both 'backup verify' backup_verify backup_verify 0 backup verify "$BACKUP"
both 'backup list' backup_list backup_list 0 backup list "$LIVE_DIR/taken"
both 'backup drill' backup_drill backup_drill 0 backup drill --server "$REDIS_SERVER" "$BACKUP"
error 'a clone into itself' 3 clone "$F" "$F"
check 'backup prune' fits backup_prune json 0 backup prune --dry-run --keep-last 1 "$LIVE_DIR/taken"
error 'a backup that is none' 3 backup verify "$LIVE_DIR/taken/none"
error 'a fail-over of no shard' 3 failover --yes "$F" 9
check 'a saved plan' fits plan json 0 plan --out "$LIVE_DIR/saved" "$F"
both 'show' show show 0 show "$LIVE_DIR/saved"
error 'a saved plan where a topology belongs' 3 status "$LIVE_DIR/saved"
check '... of validate, beside what it found' eval 'fits validate json 3 validate "$F" "$LIVE_DIR/saved" && json ".error.code == 3 and (.files | length) == 1"'
both 'pause' pause pause 0 pause --for 1h cart
check 'a pause over a pause says which one is over' eval 'expect 0 pause --for 2h cart && has "$ERR" "it was paused already, by"'
both 'plan while paused' plan plan 0 plan "$F"
error 'apply while paused' 4 apply --yes "$F"
check '... nor by another name for the same nodes' eval 'sed "s/name: cart/name: other/" "$F" >"$LIVE_DIR/other.yaml"; expect 4 apply --yes "$LIVE_DIR/other.yaml" && has "$ERR" "is a member of cluster '"'cart'"'" && expect 0 plan "$LIVE_DIR/other.yaml" && has "$ERR" "call it by one name"'
both 'resume' pause pause 0 resume cart
error 'forget, where nobody can be asked' 4 forget cart
check '--watch -o json would be many documents' eval 'timeout 5 "$ROP_BIN" --state "$STATE" status --watch -o json "$F" >"$OUT" 2>"$ERR"; [ $? = 3 ] && json ".error.advice == \"-o jsonl\""'
exec {held}>"$LIVE_DIR/cart.lock"
flock "$held"
error 'another one at work' 5 apply --yes "$F"
exec {held}>&-

# ---------------------------------------------------------------- the one verdict

rcli 3 CONFIG SET maxmemory 1mb >/dev/null
topology "$F" 3 1 'settings: { maxmemory: 0 }'
verdict 'a setting that drifted' 2 changes
topology "$F" 3 1
node_stop 5
verdict 'a replica is dead' 6 degraded
check 'apply: what it is by then, as an error' eval 'fits apply json 6 apply --yes --timeout 1s "$F" && json ".error.code == 6 and .summary.exit_code == 6 and .exit_code == 6"'
node_stop 2
wait_until 20 'rcli 0 CLUSTER INFO | grep -q cluster_state:fail' >/dev/null
verdict 'a shard is dead' 10 unserved
check 'check of an address says so too' expect 10 check --exit-code "$(address 0)"
check 'status without --exit-code is 0 all the same, check 1' eval 'expect 0 status "$F" && expect 1 check "$F"'
check 'of several clusters the worst' expect 10 status --exit-code
node_stop 1
check 'no majority: status' expect 8 status --exit-code "$F"
check 'no majority: check' expect 8 check --exit-code "$F"
check 'no majority: plan, a document with its error' eval 'fits plan json 8 plan --detailed-exitcode "$F" && json ".error.code == 8"'
for i in 1 2 5; do node_start "$i"; done
wait_until 30 'agreed && replicas_up' >/dev/null
verdict 'all are back' 0 converged
rcli 3 ACL SETUSER nobody on '>pw' +ping >/dev/null
check 'a password file, for a user who may do nothing' eval 'printf pw >"$LIVE_DIR/pw"; chmod 600 "$LIVE_DIR/pw"; for i in 0 1 2 3 4 5; do rcli $i ACL SETUSER nobody on ">pw" +ping; done >/dev/null; topology "$F" 3 1 "auth: { user: nobody, passwordFile: pw }"'
check 'not permitted: status' expect 9 status --exit-code "$F"
check 'not permitted: check' expect 9 check --exit-code "$F"
check 'not permitted: plan' expect 9 plan --detailed-exitcode "$F"
