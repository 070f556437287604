# ledger.sh - a ledger beside a live test: what the cluster acknowledged while it was changed, and what is there of it.
# shellcheck shell=bash disable=SC2120
# Sourced after live.sh. tests/ledger/main.c says what the program can do.
#
#   ledger_start ARG...       writes in the background from now on, to all nodes of the fleet, with a journal of its own
#                             ($LEDGER_JOURNAL, a new one each time); until the first writes are acknowledged
#   ledger_goes_on [N]        until N (100) more writes are acknowledged; fails after 20 s
#   ledger_end                ends it; what it said is in $LEDGER_SAID
#   ledger_verify CODE ARG... reads all back; fails when the exit code is another one. For `json FILTER`: the report is $OUT
#   ledger_us                 the journal's clock, for --between

LEDGER=${LEDGER:-$(dirname "$ROP_BIN")/tests/ledger/ledger}
LEDGER_SAID=$LIVE_DIR/ledger.said
LEDGER_RUNS=0

ledger() {
	ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}" \
		UBSAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:halt_on_error=1:print_stacktrace=1:${UBSAN_OPTIONS:-}" \
		exec "$LEDGER" "$@"
}

ledger_nodes() { addresses | paste -sd,; }

ledger_us() { (ledger now); }

ledger_acknowledged() { grep -c '^acknowledged' "$LEDGER_JOURNAL"; }

ledger_goes_on() {
	local wanted=$(($(ledger_acknowledged) + ${1:-100}))
	wait_until 20 "[ \"\$(ledger_acknowledged)\" -ge $wanted ]"
}

ledger_start() {
	LEDGER_RUNS=$((LEDGER_RUNS + 1))
	LEDGER_JOURNAL=$LIVE_DIR/ledger.$LEDGER_RUNS
	LEDGER_STOP=$LEDGER_JOURNAL.stop
	(ledger run --nodes "$(ledger_nodes)" --journal "$LEDGER_JOURNAL" --stop-file "$LEDGER_STOP" "$@" \
		>"$LEDGER_SAID" 2>&1 </dev/null) &
	LEDGER_PID=$!
	LIVE_JOBS+=("$LEDGER_PID")
	wait_until 20 '[ -s "$LEDGER_JOURNAL" ]' && ledger_goes_on && return
	cat "$LEDGER_SAID"
	return 1
}

ledger_end() {
	local status=0
	: >"$LEDGER_STOP"
	wait "$LEDGER_PID" || status=$?
	[ "$status" -eq 0 ] || cat "$LEDGER_SAID"
	return "$status"
}

ledger_verify() {
	local code=$1 got=0
	shift
	(ledger verify --nodes "$(ledger_nodes)" --journal "$LEDGER_JOURNAL" --json "$@") >"$OUT" 2>"$ERR" </dev/null ||
		got=$?
	[ "$got" -eq "$code" ] && return
	echo "exit code $got, expected $code:"
	cat "$OUT" "$ERR"
	return 1
}
