# daemon.sh - `redis-operator run` in live tests: started, told, asked what it said. Sourced after live.sh.
# shellcheck shell=bash
#
#   daemon_start [ARG...]      in the background over $CLUSTERS, facts in $SAID; daemon_wait gives its exit code
#   daemon_stop                SIGTERM, then its exit code (137: it did not end in time)
#   says TEXT                  did it say so? (for wait_until: 'says "..."')
#   db_keep DB SQL             another process uses the database from here on (SQL begins a transaction); db_leave DB
#   spoil I, spoiled I, mended I   a managed setting of node I made wrong by hand: what a daemon that may change things mends
#
# A topology that declares ${MANAGED} has a setting to spoil, and is looked at every 200 ms.

CLUSTERS=$LIVE_DIR/clusters.d
SAID=$LIVE_DIR/said
CONF=$LIVE_DIR/redis-operator.conf
DAEMON_PLACES=(--state "$STATE" --clusters "$CLUSTERS") # empty: $CONF says where
# shellcheck disable=SC2034  # for those who source this file
MANAGED='settings: { maxmemory-policy: allkeys-lru }
intervals: { observe: 200ms }'
mkdir -p "$CLUSTERS"
: >"$CONF"
: >"$SAID"

daemon_start() {
	(
		export ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}"
		export UBSAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS:-}"
		export TSAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${TSAN_OPTIONS:-}"
		exec "$ROP_BIN" run --config "$CONF" "${DAEMON_PLACES[@]}" "$@" >"$LIVE_DIR/daemon.out" 2>>"$SAID" </dev/null
	) &
	DAEMON_PID=$!
	LIVE_JOBS+=("$DAEMON_PID")
}

daemon_wait() {
	{ wait "$DAEMON_PID"; } 2>/dev/null
}

daemon_stop() {
	kill -TERM "$DAEMON_PID" 2>/dev/null
	wait_until 20 "! kill -0 $DAEMON_PID" 2>/dev/null >&2 || kill -KILL "$DAEMON_PID" 2>/dev/null
	daemon_wait
}

declare -A KEEPER=() KEEPER_IN=()
db_keep() {
	local fifo=$LIVE_DIR/keeper.$BASHPID.${#KEEPER[@]}.$RANDOM fd
	mkfifo "$fifo"
	sqlite3 "$1" <"$fifo" >"$fifo.out" 2>&1 &
	KEEPER[$1]=$!
	LIVE_JOBS+=($!)
	exec {fd}>"$fifo"
	KEEPER_IN[$1]=$fd
	printf '.timeout 10000\n%s\n.print kept\n' "$2" >&"$fd"
	wait_until 20 "grep -q kept '$fifo.out'"
}
db_leave() {
	local fd=${KEEPER_IN[$1]}
	echo .quit >&"$fd" # (what was begun meanwhile may have inherited its input: there need not be an end of it)
	exec {fd}>&-
	wait "${KEEPER[$1]}" 2>/dev/null
}

says() { grep -qF -e "$1" "$SAID"; }
policy() { rcli "$1" CONFIG GET maxmemory-policy | tail -1; }
spoil() { rcli "$1" CONFIG SET maxmemory-policy noeviction >/dev/null; }
spoiled() { [ "$(policy "$1")" = noeviction ]; }
mended() { [ "$(policy "$1")" = allkeys-lru ]; }
