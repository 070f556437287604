#!/bin/bash
# canary.sh - a password is in no place but its file: not in arguments, environment, output, database, plans, logs or /proc
# timeout: 300
# shellcheck disable=SC2016,SC2034,SC2046,SC2154

. "$(dirname "$0")/../lib/live.sh"
# 64 letters and digits: of a kind that nothing quotes or escapes, so that one grep finds it however it is written.
CANARY=$(head -c 256 /dev/urandom | base64 -w0 | tr -d '+/=' | head -c 64)
CREDENTIALS=$LIVE_DIR/secrets/credentials
WATCHED=$LIVE_DIR/watched # what is searched: the database's folder, topologies, plans, everything that was printed
SAID=$WATCHED/said
STATE=$WATCHED/state/state.db
F=$WATCHED/cart.yaml
mkdir -p "$CREDENTIALS" "$SAID" "$WATCHED/state"
chmod 700 "$LIVE_DIR/secrets" "$CREDENTIALS" "$WATCHED/state"
# As it is, in base64 at each of the three offsets, and in hexadecimal.
spellings() {
	printf '%s\n' "$CANARY"
	printf '%s' "$CANARY" | base64 -w0 | cut -c 1-80
	printf 'x%s' "$CANARY" | base64 -w0 | cut -c 5-80
	printf 'xx%s' "$CANARY" | base64 -w0 | cut -c 5-80
	printf '%s' "$CANARY" | od -An -v -tx1 | tr -d ' \n'
	echo
}
# A part of it is as bad as the whole: a message may have been cut. Any 12 characters in a row count.
# (In base64 16: the lines of that are cut too.)
while read -r word; do
	n=12
	[ "$word" = "$CANARY" ] || n=16
	for ((i = 0; i + n <= ${#word}; i++)); do echo "${word:i:n}"; done
done < <(spellings) >"$LIVE_DIR/secrets/spellings"

found() { # found FILE|FOLDER... - names the files that hold it
	grep -rlaiF -f "$LIVE_DIR/secrets/spellings" "$@" 2>/dev/null
}
nowhere() { # for check
	local list
	[ $# -gt 0 ] || set -- "$WATCHED"
	list=$(found "$@")
	[ -z "$list" ] && return
	echo "the password is in:"
	echo "$list"
	return 1
}
N=0
say() { # say CODE ARG... - one command, its output kept to be searched; CODE may be several, a|b
	local codes=$1 got=0
	shift
	N=$((N + 1))
	echo "$*" >"$SAID/$N.command"
	timeout -k 5 60 env ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}" \
		"$ROP_BIN" --state "$STATE" "$@" >"$SAID/$N.out" 2>"$SAID/$N.err" </dev/null || got=$?
	[[ "|$codes|" == *"|$got|"* ]] && return
	echo "exit code $got, expected $codes: redis-operator $*"
	tail -5 "$SAID/$N.out" "$SAID/$N.err"
	return 1
}
knows() { # knows COMMAND [OPTION] - does this program have it?
	"$ROP_BIN" --help | grep -q "^  $1 " && { [ -z "${2:-}" ] || "$ROP_BIN" "$1" --help | grep -q -e " $2 "; }
}

# ---------------------------------------------------------------- would it be found?

mkdir "$LIVE_DIR/control"
control() { # control NAME COMMAND - the command's output, searched: it must be found
	eval "$2" >"$LIVE_DIR/control/$1"
	found "$LIVE_DIR/control/$1" >"$LIVE_DIR/control.list"
	[ -s "$LIVE_DIR/control.list" ] || echo "$1"
}
controls() {
	local missed
	missed=$(
		control plain 'echo "password=$CANARY"'
		control cut 'echo "AUTH ${CANARY:20:20}..."'
		control binary 'printf "\0\1%s\0" "$CANARY"'
		control base64 'echo "user:$CANARY" | base64'
		control base64-1 'echo "$CANARY" | base64'
		control base64-2 'echo "x$CANARY" | base64'
		control hex 'printf %s "$CANARY" | xxd -p -c 1000 2>/dev/null || printf %s "$CANARY" | od -An -v -tx1 | tr -d " \n"'
		control database 'rm -f "$LIVE_DIR/control.db"; sqlite3 "$LIVE_DIR/control.db" "CREATE TABLE t (s); INSERT INTO t VALUES (\"$CANARY\")"; cat "$LIVE_DIR/control.db"'
	)
	[ -z "$missed" ] && return
	echo "not found in: $missed"
	return 1
}
check 'the search finds it as text, cut, in binary, base64, hexadecimal and a database' controls
sleeper() { # the same two ways to look into a process, with one that does carry it
	env "SECRET=$CANARY" sleep 60 &
	LIVE_JOBS+=($!)
	SLEEPER=$!
	wait_until 5 'tr "\0" "\n" </proc/$SLEEPER/environ | grep -q "^SECRET="'
}
check 'a process that has it in its environment' sleeper
check '... is found' eval 'found "/proc/$SLEEPER/environ"'
kill "$SLEEPER"
bash -c 'sleep 60; :' "$CANARY" &
SLEEPER=$!
LIVE_JOBS+=("$SLEEPER")
check '... and one that has it among its arguments' wait_until 5 'found "/proc/$SLEEPER/cmdline"'
kill "$SLEEPER"

# ---------------------------------------------------------------- every command

# The servers' own files hold it, and lie outside of what is searched.
export REDISCLI_AUTH=$CANARY
check 'six servers with a password' fleet_up 6 "requirepass $CANARY" "masterauth $CANARY"
unset REDISCLI_AUTH # (it would be in the environment of the program under test)
# Not with -a, which redis-cli warns of, and without its environment for the others.
secret_cli() { REDISCLI_AUTH=$CANARY rcli "$@"; }
printf '%s\n' "$CANARY" >"$LIVE_DIR/secrets/password"
printf '%s' "$CANARY" >"$CREDENTIALS/cart"
printf '%s\n' "${CANARY:0:40}${CANARY:0:24}" >"$LIVE_DIR/secrets/wrong"
chmod 600 "$LIVE_DIR/secrets/"* 2>/dev/null
chmod 700 "$CREDENTIALS"
chmod 400 "$CREDENTIALS/cart"

# While it runs: what others can see of the process, and what is in its folder.
seen_running() {
	local pid=$OP_PID
	# (before that it is still the shell that becomes it)
	wait_until 5 'tr "\0" "\n" <"/proc/$OP_PID/cmdline" | grep -qx -e --state' || return
	mkdir -p "$WATCHED/proc"
	for file in cmdline environ comm status; do cat "/proc/$pid/$file" >"$WATCHED/proc/$file" 2>/dev/null; done
	readlink "/proc/$pid/fd"/* >"$WATCHED/proc/fd" 2>/dev/null
	[ -s "$WATCHED/proc/cmdline" ] && [ -s "$WATCHED/proc/environ" ] && nowhere "$WATCHED/proc" "$WATCHED"
}
start() { # start ARG... - in the background; what it prints is searched too
	N=$((N + 1))
	OUT=$SAID/$N.out ERR=$SAID/$N.err op_start "$@"
}

# all_commands NAME AUTH - every command, with every amount of words, in every form; AUTH is that of the topology
all_commands() {
	local how=$1 output
	rm -f "$WATCHED/cart.plan"
	topology "$F" 3 1 "auth: $2" 'intervals: { connectTimeout: 500ms, commandTimeout: 500ms }'
	echo 'spec: [' >"$WATCHED/broken.yaml"
	sed 's/passwordFile:/passwordFil:/; s/credential:/credentia:/' "$F" >"$WATCHED/misspelt.yaml"
	check "[$how] validate" eval 'say 0 validate -vv "$F" && say 3 validate -vv "$WATCHED/broken.yaml" && say 3 validate -vv -o json "$WATCHED/misspelt.yaml"'
	check "[$how] plan, in every form" eval 'for output in text json jsonl; do say 0 plan -vv -o $output "$F" || exit 1; done'
	check "[$how] not confirmed" say '0|4' apply -vv "$F"
	if knows plan --out; then
		check "[$how] a saved plan" eval 'say 0 plan -vv --out "$WATCHED/cart.plan" "$F" && [ -s "$WATCHED/cart.plan" ]'
	else
		skip "[$how] a saved plan" 'plan has no --out'
	fi
	# A node that hangs keeps apply waiting, so that there is time to look at it from outside.
	node_freeze 5
	start apply --yes -vv --timeout 30s "$F"
	check "[$how] while apply runs: arguments, environment, descriptors, journal" seen_running
	op_wait
	start apply --yes -vv -o jsonl --timeout 30s "$F"
	node_thaw 5
	check "[$how] ... and once more, as it goes on" seen_running
	op_wait
	check "[$how] apply" eval 'say 0 apply --yes -vv "$F" && say 0 apply --yes -vv -o jsonl "$F"'
	check "[$how] the servers are formed by it" eval 'secret_cli 0 CLUSTER INFO | grep -q cluster_state:ok'
	node_freeze 5
	start apply --yes -vv --timeout 20s "$F"
	check "[$how] while it waits for a node that hangs: the lock says who holds it" wait_until 10 '[ -s "$WATCHED/state/cart.lock" ]'
	check "[$how] ... and nothing else is told" seen_running
	check "[$how] busy" say 5 apply --yes -vv "$F"
	kill "$OP_PID" 2>/dev/null
	op_wait
	node_thaw 5
	for output in text json jsonl; do
		check "[$how] status, check, history, explain, machine as $output" eval 'say 0 status -vv -o $output "$F" && say 0 status -vv -o $output cart &&
			say "0|1" check -vv -o $output "$F" && say 0 history -vv -o $output && say 0 explain -vv -o $output "$F" && say 0 machine words -o $output'
	done
	check "[$how] pause, resume, demo, help" eval 'say 0 pause -vv cart && say 4 apply --yes -vv "$F" && say 0 resume -vv cart && say 0 --help && say 0 apply --help'
	if [ -e "$WATCHED/cart.plan" ]; then
		check "[$how] a saved plan that is stale, or has come true" say '0|7' apply --yes -vv "$WATCHED/cart.plan"
	fi
	if knows import; then
		check "[$how] import without a password: refused, without naming it" say '4|8|9' import -vv "$(address 0)"
	else
		skip "[$how] import" 'there is no import'
	fi
	check "[$how] no password in anything that was printed, saved or journalled" nowhere
}
all_commands file "{ passwordFile: $LIVE_DIR/secrets/password }"

topology "$WATCHED/credential.yaml" 3 1 'auth: { credential: cart }'
if "$ROP_BIN" validate "$WATCHED/credential.yaml" >/dev/null 2>&1; then
	export CREDENTIALS_DIRECTORY=$CREDENTIALS
	for i in 0 1 2 3 4 5; do
		secret_cli $i FLUSHALL >/dev/null
		secret_cli $i CLUSTER RESET HARD >/dev/null
	done
	rm -rf "$WATCHED/state" && mkdir -m 700 "$WATCHED/state"
	all_commands credential '{ credential: cart }'
	topology "$WATCHED/nowhere.yaml" 3 1 'auth: { credential: nowhere }'
	check 'a credential that is not there' say 3 plan -vv "$WATCHED/nowhere.yaml"
	unset CREDENTIALS_DIRECTORY
	check 'no credentials at all' say 3 plan -vv "$WATCHED/credential.yaml"
else
	skip 'the same with a systemd credential' 'topologies have no auth.credential'
fi

# ---------------------------------------------------------------- when it goes wrong

wrong() { # wrong NAME CODE YAML
	topology "$WATCHED/wrong.yaml" 3 1 "$3"
	check "$1" eval "say '$2' plan -vv '$WATCHED/wrong.yaml' && say '$2' apply --yes -vv --timeout 5s '$WATCHED/wrong.yaml' && say '0|$2' status -vv '$WATCHED/wrong.yaml' && say '1|$2' check -vv '$WATCHED/wrong.yaml' && say '0|$2' explain -vv '$WATCHED/wrong.yaml'"
}
secret() { # secret FILE [MODE], its content on stdin
	cat >"$LIVE_DIR/secrets/$1" && chmod "${2:-600}" "$LIVE_DIR/secrets/$1"
}
wrong 'a wrong password' 9 "auth: { passwordFile: $LIVE_DIR/secrets/wrong }"
wrong 'no password' 9 ''
wrong 'a user that is not there' 9 "auth: { user: nobody, passwordFile: $LIVE_DIR/secrets/password }"
echo "$CANARY" | secret open 644
wrong 'a password file that others can read' 3 "auth: { passwordFile: $LIVE_DIR/secrets/open }"
printf '%s\n\n' "$CANARY" | secret lines
wrong 'a password file with an empty line too many' 9 "auth: { passwordFile: $LIVE_DIR/secrets/lines }"
printf '%s\0%s' "$CANARY" "$CANARY" | secret binary
wrong 'a password file with a NUL in it' 3 "auth: { passwordFile: $LIVE_DIR/secrets/binary }"
for ((i = 0; i < 10; i++)); do printf %s "$CANARY"; done | secret long
wrong 'a password file that is too long' 3 "auth: { passwordFile: $LIVE_DIR/secrets/long }"
# A password where it does not belong is the one thing that is shown: the line of the topology, to the person who wrote it.
node_stop 4
check 'a node that is down' say '6|8' apply --yes -vv --timeout 3s "$F"
check 'no password in anything that was said about all that' nowhere
check '... nor in the database, its journal and the locks' eval 'ls "$WATCHED/state/"*.db >/dev/null && nowhere "$WATCHED/state"'

# ---------------------------------------------------------------- the daemon

if knows run; then
	mkdir "$WATCHED/clusters.d" && cp "$F" "$WATCHED/clusters.d/cart.yaml"
	[ "$(grep -c credential "$F")" = 0 ] || export CREDENTIALS_DIRECTORY=$CREDENTIALS
	node_start 4
	start run --clusters "$WATCHED/clusters.d" -vv
	check 'the daemon looks after it' wait_until 30 'say 0 status -o json cart && jq -e .converged "$SAID/$N.out"'
	node_stop 4
	check '... and tells of a node that went down' wait_until 30 'grep -q "$(address 4)" "$SAID/"*.err'
	check 'arguments, environment, descriptors of the daemon' seen_running
	kill -HUP "$OP_PID"
	kill "$OP_PID"
	op_wait
	check 'no password in what the daemon printed and wrote' nowhere
else
	skip 'the daemon' 'there is no run'
fi
check 'at last: it was there all the time, and is still found where it should be' eval 'found "$LIVE_DIR/secrets/password" "$LIVE_DIR/0/redis.conf"'
