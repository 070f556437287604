# live.sh - what live tests stand on: a private fleet of redis-servers, waiting without sleeping, counting, cleaning up.
# shellcheck shell=bash
#
# A live test is an executable bash script tests/live/NAME.sh that begins
#
#     #!/bin/bash
#     # NAME.sh - what it shows
#     # alone            (only if it must not share the machine, e.g. because it measures)
#     # timeout: 300     (seconds, only if it needs more than the 240 that tests/run gives)
#     . "$(dirname "$0")/../lib/live.sh"
#
# and prints one line per case: `ok - NAME`, `not ok - NAME` (details follow, indented) or `skip - NAME: WHY`.
# Nodes are numbered from 0. Nothing in here changes a server except where the function says so, so that what the
# servers counted is what the program under test did.
#
#   fleet_up N [LINE...]      start N more servers (extra redis.conf lines); fleet_down stops and deletes all
#   fleet_on_hosts N [LINE...]   two on each of 127.0.0.1 to 127.0.0.N
#   leads I                   node I is a primary with slots
#   node_stop I  node_start I  node_kill9 I  node_freeze I  node_thaw I  node_wipe I (stopped: lose nodes.conf and data)
#   port I   address I        where node I listens
#   rcli I ARG...             $REDIS_CLI to node I (REDISCLI_AUTH is honoured; never hangs longer than 5 s)
#   topology FILE SHARDS REPLICAS [YAML...]   the fleet's topology file; extra lines of spec, indented by two;
#                             TOPOLOGY_NAME, and TOPOLOGY_NODES: numbers, or `{ address: ... }` entries one a line
#   agreed [I...]             all running nodes (or these): cluster_state ok, 16384 slots, equal views, nobody failing
#   replicas_up [I...]        every replica's link to its primary is up
#   ranges I                  the slots of the primaries in node I's view, in order, on one line
#   view I                    node I's CLUSTER NODES, normalised: what is left must be equal on all nodes
#   wait_until SECONDS 'COMMAND'   polls every 20 ms
#   op ARG...                 the program under test, with --state in the private folder
#   expect CODE ARG...        op, its exit code compared; stdout in $OUT, stderr in $ERR
#   op_start ARG..., op_wait  the same in the background: kill "$OP_PID" hits the program itself; op_wait gives its code
#   check 'NAME' COMMAND...   one case: passes when the command succeeds; its output is shown when it does not
#   has FILE TEXT  lacks FILE TEXT    for check: does the file contain the text?
#   same FILE FILE            for check: equal files, else a diff
#   each 'COMMAND' I...       for check: COMMAND holds for each $i
#   json FILTER               for check: the jq filter is true of what `expect` got
#   silent                    for check: `expect` got neither data nor sentences
#   ok NAME  not_ok NAME [DETAIL]  skip NAME WHY
#   changes_begin, changes_count, changes_list   changing commands that all servers received since (INFO commandstats)
#   monitor_begin, monitor_end FILE, monitor_commands I   the changing commands themselves, in order, per node
#
# Variables: LIVE_DIR (private folder), STATE (the database), OUT, ERR, COUNT (nodes), TOP (the source tree),
# ROP_BIN (the program; default: the newest build in the tree), SERVER and CLI from outside (default redis-server and
# redis-cli; tests/servers prints those of other versions) as REDIS_SERVER and REDIS_CLI, FLEET_TIMEOUT
# (cluster-node-timeout, 5000), FLEET_RECORD=no (servers without the command record).
set -u
export LC_ALL=C

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
REDIS_SERVER=${SERVER:-${REDIS_SERVER:-redis-server}}
REDIS_CLI=${CLI:-redis-cli}
FLEET_TIMEOUT=${FLEET_TIMEOUT:-5000}
FLEET_RECORD=${FLEET_RECORD:-yes}
if [ -z "${ROP_BIN:-}" ]; then
	for ROP_BIN in "$TOP"/build/asan/redis-operator "$TOP"/build/plain/redis-operator "$TOP"/redis-operator; do
		[ -x "$ROP_BIN" ] && break
	done
fi

LIVE_SELF=$BASHPID
LIVE_FAILED=0
LIVE_CASES=0
LIVE_BLOCK=
LIVE_JOBS=()
declare -A NODE_PID=()
COUNT=0
LIVE_DIR=$(mktemp -d "${TMPDIR:-/tmp}/rop-live.XXXXXX") || exit 1
STATE=$LIVE_DIR/state.db
OUT=$LIVE_DIR/out
ERR=$LIVE_DIR/err
: >"$OUT"
: >"$ERR"

# (`read -t` on a silent descriptor would save the process, but bash 5.2 crashes when a trap exits in the middle of it.)
nap() { # nap SECONDS
	sleep "$1"
}

# ---------------------------------------------------------------- the end, however it comes

live_child() { # is this process a child of ours?
	local stat
	stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1 # (in a trap a bare return gives what came before the trap)
	read -r _ stat _ <<<"${stat##*) }"
	[ "$stat" = "$LIVE_SELF" ]
}

# All that LSan wrote is that a thread was gone in its leak check: the process was ended meanwhile. That is no leak.
no_finding() { # no_finding REPORT
	[ -s "$1" ] && ! grep -qvE '^==[0-9]+==Unable to get registers from thread [0-9]+\.?$' "$1"
}

live_end() {
	local status=$?
	trap '' INT TERM HUP PIPE
	[ "$BASHPID" = "$LIVE_SELF" ] || return
	exec 2>/dev/null # (bash would tell of every job that is killed)
	local pid
	for pid in "${LIVE_JOBS[@]}"; do
		live_child "$pid" && kill -9 "$pid"
	done
	fleet_down
	# Whatever else stands in the private folder is ours too: a server started the moment a signal came, say.
	for pid in /proc/[0-9]*; do
		[[ $(readlink "$pid/cwd") == "$LIVE_DIR"* ]] && [ "${pid#/proc/}" != "$LIVE_SELF" ] && kill -9 "${pid#/proc/}"
	done
	local report
	for report in "$LIVE_DIR"/sanitizer.*; do
		[ -e "$report" ] || continue
		no_finding "$report" && continue
		not_ok "no sanitizer report" "$(head -60 "$report")"
	done
	if [ "$LIVE_FAILED" -gt 0 ] && [ -n "${LIVE_KEEP:-}" ]; then
		echo "# kept: $LIVE_DIR"
	else
		rm -rf "$LIVE_DIR"
	fi
	[ "$LIVE_FAILED" -gt 0 ] && [ "$status" -eq 0 ] && status=1
	exit "$status"
}
trap live_end EXIT
trap 'exit 129' HUP
trap 'exit 141' PIPE # the reader of our lines went away
trap 'exit 130' INT
trap 'exit 143' TERM

# ---------------------------------------------------------------- cases

ok() {
	LIVE_CASES=$((LIVE_CASES + 1))
	echo "ok - $1"
}

not_ok() {
	LIVE_CASES=$((LIVE_CASES + 1))
	LIVE_FAILED=$((LIVE_FAILED + 1))
	echo "not ok - $1"
	[ -n "${2:-}" ] && sed 's/^/    /' <<<"$2"
	return 1
}

skip() {
	echo "skip - $1: $2"
}

check() { # check 'NAME' COMMAND...
	local name=$1 status=0
	shift
	"$@" >"$LIVE_DIR/check" 2>&1 || status=$?
	if [ "$status" -eq 0 ]; then
		ok "$name"
		return
	fi
	not_ok "$name" "failed ($status): $*
$(tail -40 "$LIVE_DIR/check")"
}

has() {
	grep -qF -e "$2" "$1" && return
	echo "'$2' is not in ${1##*/}:"
	head -40 "$1"
	return 1
}

lacks() {
	grep -qF -e "$2" "$1" || return 0
	echo "'$2' is in ${1##*/}:"
	grep -nF -e "$2" "$1" | head -10
	return 1
}

same() {
	diff -u "$1" "$2"
}

each() {
	local i command=$1
	shift
	for i; do
		eval "$command" && continue
		echo "not for $i: $command"
		return 1
	done
}

json() {
	jq -e "$1" "$OUT" >/dev/null && return
	echo "does not hold: $1"
	head -60 "$OUT"
	return 1
}

silent() {
	[ ! -s "$OUT" ] && [ ! -s "$ERR" ] && return
	head "$OUT" "$ERR"
	return 1
}

wait_until() { # wait_until SECONDS 'COMMAND'
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	until eval "$2" >"$LIVE_DIR/until" 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
			echo "still not after $1 s: $2"
			tail -20 "$LIVE_DIR/until"
			return 1
		fi
		nap 0.02
	done
}

# ---------------------------------------------------------------- the program under test

op() {
	ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}" \
		UBSAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS:-}" \
		"$ROP_BIN" --state "$STATE" "$@"
}

# op_start ARG... - in the background, for tests that kill it; op_wait gives its exit code (137 when killed with -9)
op_start() {
	(
		export ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}"
		export UBSAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS:-}"
		exec "$ROP_BIN" --state "$STATE" "$@" >"$OUT" 2>"$ERR" </dev/null
	) &
	OP_PID=$!
	LIVE_JOBS+=("$OP_PID")
}
op_wait() {
	{ wait "$OP_PID"; } 2>/dev/null
}

expect() { # expect CODE ARG...
	local code=$1 got=0
	shift
	op "$@" >"$OUT" 2>"$ERR" </dev/null || got=$?
	[ "$got" -eq "$code" ] && return
	echo "exit code $got, expected $code: redis-operator $*"
	echo "stdout:"
	tail -20 "$OUT"
	echo "stderr:"
	tail -20 "$ERR"
	return 1
}

# ---------------------------------------------------------------- ports
# A block is 100 ports from 10000-19900; the bus uses the same ports plus 10000. Both stay clear of each other and of
# the range that the kernel gives to outgoing connections (from 32768 on). A lock file per block keeps scripts that run
# at the same time apart; servers hold it too, so that a block whose servers outlived their script is not used again.

ports_used() { # prints every local port of this machine, one a line
	awk 'FNR > 1 { n = split($2, a, ":"); print strtonum_hex(a[n]) }
		function strtonum_hex(s,   i, v) {
			v = 0
			for (i = 1; i <= length(s); i++) v = v * 16 + index("123456789ABCDEF", toupper(substr(s, i, 1)))
			return v
		}' /proc/net/tcp /proc/net/tcp6 2>/dev/null | sort -un
}

ports_take() {
	local locks=${TMPDIR:-/tmp}/rop-live-ports start i block fd
	mkdir -p "$locks" && chmod 1777 "$locks" 2>/dev/null
	start=$((RANDOM % 100))
	for ((i = 0; i < 100; i++)); do
		block=$((10000 + (start + i) % 100 * 100))
		# Open for reading where another user made it; flock needs no more.
		[ -e "$locks/$block" ] || (umask 0; : >"$locks/$block") 2>/dev/null
		exec {fd}<"$locks/$block" || continue
		if flock -n "$fd" && [ -z "$(ports_used | awk -v b="$block" '
				($1 >= b && $1 < b + 100) || ($1 >= b + 10000 && $1 < b + 10100)')" ]; then
			LIVE_BLOCK=$block
			return
		fi
		exec {fd}<&-
	done
	echo "no free block of ports between 10000 and 20000"
	return 1
}

port() { echo $((LIVE_BLOCK + $1)); }
address() { echo "127.0.0.1:$((LIVE_BLOCK + $1))"; }
addresses() {
	local i
	for ((i = 0; i < COUNT; i++)); do echo "127.0.0.1:$((LIVE_BLOCK + i))"; done
}

# ---------------------------------------------------------------- servers

node_running() { # is it our server, alive (frozen counts)? By its folder, so that a pid used again is never taken for it
	local pid=${NODE_PID[$1]:-}
	[ -n "$pid" ] && [ "$(readlink "/proc/$pid/cwd" 2>/dev/null)" = "$LIVE_DIR/$1" ]
}

node_launch() {
	local home=$PWD
	# The shell itself goes to the folder and back, so that the child is in its place from its first moment.
	cd "$LIVE_DIR/$1" || return
	"$REDIS_SERVER" "$LIVE_DIR/$1/redis.conf" >>log 2>&1 </dev/null &
	NODE_PID[$1]=$!
	disown "$!" # no word from bash when it is killed
	cd "$home" || return
}

node_answers() { # any reply but LOADING counts (it may want a password)
	local line
	line=$(timeout 2 "$REDIS_CLI" -p "$((LIVE_BLOCK + $1))" PING 2>/dev/null)
	[ -n "$line" ] && [[ $line != LOADING* ]]
}

# The child of a server that was killed, which writes a snapshot, has its port for a moment still.
node_found_its_port_taken() {
	! kill -0 "${NODE_PID[$1]}" 2>/dev/null && tail -2 "$LIVE_DIR/$1/log" | grep -q 'Failed listening'
}

nodes_wait() { # until all these answer
	local end=$((${EPOCHREALTIME/./} + 30000000)) i
	for i; do
		until node_answers "$i"; do
			if [ "${EPOCHREALTIME/./}" -lt "$end" ] && node_found_its_port_taken "$i"; then
				node_launch "$i"
			elif ! kill -0 "${NODE_PID[$i]}" 2>/dev/null || [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
				echo "node $i (port $(port "$i")) did not start:"
				tail -5 "$LIVE_DIR/$i/log"
				return 1
			fi
			nap 0.01
		done
	done
}

fleet_up() { # fleet_up N [LINE...]
	local n=$1 i first=$COUNT
	shift
	if ((COUNT + n > 100)); then
		echo "a fleet has at most 100 nodes"
		return 1
	fi
	[ -n "$LIVE_BLOCK" ] || ports_take || return
	for ((i = first; i < first + n; i++)); do
		mkdir -p "$LIVE_DIR/$i"
		{
			echo "port $((LIVE_BLOCK + i))"
			echo "bind 127.0.0.1"
			echo "daemonize no"
			echo "dir $LIVE_DIR/$i"
			echo "save \"\""
			echo "appendonly no"
			echo "cluster-enabled yes"
			echo "cluster-node-timeout $FLEET_TIMEOUT"
			if [ "$FLEET_RECORD" = yes ]; then
				# MONITOR shows no administrative command (CLUSTER MEET, CONFIG SET ...); the slow log does.
				echo "slowlog-log-slower-than 0"
				echo "slowlog-max-len 20000"
			fi
			[ $# -eq 0 ] || printf '%s\n' "$@"
		} >"$LIVE_DIR/$i/redis.conf"
		node_launch "$i"
	done
	COUNT=$((first + n))
	nodes_wait $(seq "$first" $((COUNT - 1)))
}

fleet_on_hosts() { # fleet_on_hosts N [LINE...]: two servers on each of 127.0.0.1 to 127.0.0.N
	local n=$1 host
	shift
	for ((host = 1; host <= n; host++)); do
		fleet_up 2 "bind 127.0.0.1 $([ "$host" = 1 ] || echo "127.0.0.$host")" "cluster-announce-ip 127.0.0.$host" "$@" || return
	done
}

fleet_down() { # the data is of no worth: no polite shutdown
	local i pid killed=()
	for i in "${!NODE_PID[@]}"; do
		node_running "$i" && pid_start "${NODE_PID[$i]}" || continue
		kill -9 "${NODE_PID[$i]}" 2>/dev/null
		killed+=("${NODE_PID[$i]} $REPLY")
	done
	for pid in "${killed[@]}"; do
		# shellcheck disable=SC2086  # pid and start time
		while pid_lives $pid; do nap 0.005; done
	done
	for i in "${!NODE_PID[@]}"; do rm -rf "${LIVE_DIR:?}/$i"; done
	NODE_PID=()
	COUNT=0
}

# Its folder is left before its sockets are closed: only when it is a zombie or gone can its port be bound again.
# (A pid is used again soon on a busy machine: the start time tells whether it is still the same process.)
pid_start() { # sets REPLY to the start time of a process that lives; 1 where it does not
	local stat fields
	{ read -r stat <"/proc/$1/stat"; } 2>/dev/null || return 1
	read -ra fields <<<"${stat##*) }"
	REPLY=${fields[19]}
	[ "${fields[0]}" != Z ] && [ "${fields[0]}" != X ]
}
pid_lives() { # pid_lives PID START
	pid_start "$1" && [ "$REPLY" = "$2" ]
}

node_end() { # node_end SIGNAL I - and until it is gone
	local pid=${NODE_PID[$2]:-} start
	node_running "$2" && pid_start "$pid" || return 0
	start=$REPLY
	kill "-$1" "$pid"
	[ "$1" = 9 ] || kill -CONT "$pid"
	while pid_lives "$pid" "$start"; do nap 0.005; done
	unset "NODE_PID[$2]"
	return 0
}
node_stop() { node_end TERM "$1"; }
node_kill9() { node_end 9 "$1"; }
node_freeze() { kill -STOP "${NODE_PID[$1]}"; }
node_thaw() { kill -CONT "${NODE_PID[$1]}"; }
node_start() {
	node_running "$1" && return
	node_launch "$1"
	nodes_wait "$1"
}
node_wipe() {
	node_running "$1" && return 1
	find "$LIVE_DIR/$1" -mindepth 1 ! -name redis.conf ! -name log -exec rm -rf {} +
}

rcli() { # rcli I ARG...
	local i=$1
	shift
	timeout 5 "$REDIS_CLI" -p "$((LIVE_BLOCK + i))" "$@"
}

nodes_running() {
	local i
	for ((i = 0; i < COUNT; i++)); do node_running "$i" && echo "$i"; done
	return 0
}

# ---------------------------------------------------------------- views

# Of `CLUSTER NODES`: ping and pong times, `myself`, open slots and an own address not yet learned go, and `nofailover`, which
# peers hear of with the next ping; lines sorted.
view_normalise() {
	awk 'NF >= 8 {
		gsub(/myself,|,nofailover/, "", $3)
		sub(/^:/, "127.0.0.1:", $2)
		line = $1 " " $2 " " $3 " " $4 " " $7 " " $8
		for (i = 9; i <= NF; i++) if ($i !~ /^\[/) line = line " " $i
		print line
	}' | sort
}

view() { rcli "$1" CLUSTER NODES | tr -d '\r' | view_normalise; }

agreed() {
	local i nodes=("$@") jobs=() dir=$LIVE_DIR/agreed
	[ $# -gt 0 ] || mapfile -t nodes < <(nodes_running)
	rm -rf "$dir"
	mkdir -p "$dir"
	for i in "${nodes[@]}"; do
		{
			printf 'CLUSTER INFO\nCLUSTER NODES\n' | rcli "$i" | tr -d '\r' >"$dir/$i.raw" 2>/dev/null
			view_normalise <"$dir/$i.raw" >"$dir/$i.view"
		} &
		jobs+=($!)
	done
	wait "${jobs[@]}"
	for i in "${nodes[@]}"; do
		if ! grep -qx 'cluster_state:ok' "$dir/$i.raw" || ! grep -qx 'cluster_slots_assigned:16384' "$dir/$i.raw"; then
			echo "node $i is not ok yet: $(grep -E '^cluster_(state|slots_assigned)' "$dir/$i.raw" | tr '\n' ' ')"
			return 1
		fi
		if grep -E '^[^ ]+ [^ ]+ [^ ]*(fail|handshake|noaddr|noflags)| disconnected' "$dir/$i.view"; then
			echo "in the view of node $i"
			return 1
		fi
		if ! cmp -s "$dir/${nodes[0]}.view" "$dir/$i.view"; then
			echo "the views of nodes ${nodes[0]} and $i differ:"
			diff "$dir/${nodes[0]}.view" "$dir/$i.view" | head -10
			return 1
		fi
	done
	[ "${#nodes[@]}" -gt 0 ]
}

replicas_up() {
	local i text nodes=("$@")
	[ $# -gt 0 ] || mapfile -t nodes < <(nodes_running)
	for i in "${nodes[@]}"; do
		text=$(rcli "$i" INFO replication)
		if [[ $text == *role:slave* && $text != *master_link_status:up* ]]; then
			echo "the link of node $i is not up"
			return 1
		fi
	done
}

ranges() {
	rcli "$1" CLUSTER NODES | tr -d '\r' | awk '$3 ~ /master/ { for (i = 9; i <= NF; i++) print $i }' | sort -n | xargs
}

leads() { # leads I: it is a primary with slots, and says so
	rcli "$1" CLUSTER NODES | grep -qE 'myself,master .* [0-9]+-[0-9]+'
}

topology_nodes() {
	local node
	if [[ ${TOPOLOGY_NODES:-} == *'{'* ]]; then
		echo "$TOPOLOGY_NODES"
	elif [ -n "${TOPOLOGY_NODES:-}" ]; then
		for node in $TOPOLOGY_NODES; do echo "{ address: $(address "$node") }"; done
	else
		addresses | sed 's/.*/{ address: & }/'
	fi
}

topology() { # topology FILE SHARDS REPLICAS [YAML...]
	local file=$1 shards=$2 replicas=$3 line
	shift 3
	{
		echo "apiVersion: redis-operator/v1"
		echo "kind: RedisCluster"
		echo "metadata:"
		echo "  name: ${TOPOLOGY_NAME:-cart}"
		echo "spec:"
		echo "  shards: $shards"
		echo "  replicasPerShard: $replicas"
		for line; do
			sed 's/^/  /' <<<"$line"
		done
		echo "  nodes:"
		topology_nodes | sed 's/^/    - /'
	} >"$file"
}

# ---------------------------------------------------------------- what the servers received

# Everything else changes something. (`reset` is the connection's RESET; the cluster's is cluster|reset.)
LIVE_READ_ONLY='^(cluster[|](nodes|info|myid|myshardid|slots|shards|links|countkeysinslot|getkeysinslot|count-failure-reports|replicas|slaves|keyslot|slot-stats|getslotmigrations|help)|config[|](get|help)|acl[|](whoami|getuser|list|users|cat|dryrun|log|help|genpass)|client[|](setname|setinfo|getname|id|info|list|no-evict|no-touch|reply|tracking|trackinginfo|caching|getredir|help)|command([|].*)?|function[|](list|dump|stats|help)|script[|]exists|memory[|].*|latency[|](latest|history|doctor|graph|histogram)|slowlog[|](get|len|help)|commandlog[|](get|len|help)|object[|].*|module[|]list|pubsub[|].*|info|ping|echo|hello|auth|reset|quit|select|role|dbsize|time|lastsave|monitor|get|mget|exists|type|ttl|pttl|scan|keys|strlen|lrange|llen|hgetall|hget|smembers|dump|randomkey|wait|waitaof|readonly|readwrite|asking|psync|sync|replconf)$'

changes_snapshot() { # FILE: lines "node run_id command calls"
	local i jobs=()
	for i in $(nodes_running); do
		{
			rcli "$i" INFO everything 2>/dev/null | tr -d '\r' | awk -F: -v node="$i" -v quiet="$LIVE_READ_ONLY" '
				$1 == "run_id" { run = $2 }
				/^cmdstat_/ {
					name = substr($1, 9)
					if (name ~ quiet) next
					calls = rejected = 0
					n = split($2, part, ",")
					for (k = 1; k <= n; k++) {
						split(part[k], kv, "=")
						if (kv[1] == "calls") calls = kv[2]
						if (kv[1] == "rejected_calls") rejected = kv[2]
					}
					print node, run, name, calls + rejected
				}' >"$1.$i"
		} &
		jobs+=($!)
	done
	[ "${#jobs[@]}" -eq 0 ] || wait "${jobs[@]}"
	cat "$1".* >"$1" 2>/dev/null
	rm -f "$1".*
}

changes_begin() { changes_snapshot "$LIVE_DIR/changes0"; }

changes_list() { # sorted lines "node command times"; a server restarted since counts from nought
	changes_snapshot "$LIVE_DIR/changes1"
	awk '!now { before[$1, $2, $3] = $4; next }
		$4 > before[$1, $2, $3] { print $1, $3, $4 - before[$1, $2, $3] }' "$LIVE_DIR/changes0" now=1 "$LIVE_DIR/changes1" |
		sort -k1,1n -k2,2
}

changes_count() { changes_list | awk '{ sum += $3 } END { print sum + 0 }'; }

no_changes() { # for check
	local list
	list=$(changes_list)
	[ -z "$list" ] && return
	echo "node, changing command, times:"
	echo "$list"
	return 1
}

# The record is the slow log with a threshold of 0 (see fleet_up). It keeps 31 arguments of a command, 128 bytes each.
# A node restarted in between loses what it had.
monitor_begin() {
	local i
	for i in $(nodes_running); do
		rcli "$i" --json SLOWLOG GET 1 | jq -r '.[0][0] // -1' >"$LIVE_DIR/record.$i"
	done
}

monitor_commands() { # monitor_commands I - since monitor_begin, oldest first: words as sent, the command's in capitals
	local since
	since=$(cat "$LIVE_DIR/record.$1" 2>/dev/null || echo -1)
	rcli "$1" --json SLOWLOG GET -1 | jq -r --argjson since "$since" --arg quiet "$LIVE_READ_ONLY" '
		[.[] | select(.[0] > $since)] | sort_by(.[0])[] | .[3]
		| (["cluster", "config", "acl", "client", "command", "function", "script", "memory", "latency", "slowlog",
		    "object", "module", "pubsub", "commandlog"]) as $parents
		| (.[0] | ascii_downcase) as $first
		| (if ($parents | index($first)) and length > 1 then 2 else 1 end) as $words
		| select(.[:$words] | map(ascii_downcase) | join("|") | test($quiet) | not)
		| (.[:$words] | map(ascii_upcase)) + .[$words:] | join(" ")'
}

monitor_end() { # monitor_end FILE: lines "I COMMAND", node by node
	local i
	for i in $(nodes_running); do
		monitor_commands "$i" | sed "s/^/$i /"
	done >"$1"
}
