# rounds.sh - what live tests share that form clusters again and again, and look into the journal; after live.sh.
# shellcheck shell=bash
#
#   fleet_up N "$QUICK"       servers that lose no time (this file sets FLEET_TIMEOUT too)
#   fleet_reset               all running nodes blank and alone again, original settings, counters at nought; verified
#   fleet_blank               are they?
#   totals                    lines "WORD TIMES" of the cluster-changing commands since fleet_reset, over all nodes
#   total WORD                one of them: meet, addslotsrange, replicate, set-config-epoch
#   settings_original         do all running nodes have the timeouts they were started with?
#   settings_lowered          has any of them not?
#   journal SQL               asks the database; it is only read, and a missing one is not made
#   journal_clean             nothing pending, no temporary setting, integrity_check ok
#   begin_apply ARG...        apply -o jsonl in the background; end_apply waits, gives its code and its output in $OUT
#   at_us US                  when this long has passed since begin_apply
#   upon STATE                when apply has journalled that it is in this state: it stands still then, $OP_PID
#   apply_upon STATE ARG...   both of a blank fleet, which is blanked and tried again when the state went by unstopped
#   step_until 'COMMAND'      lets an apply that stands still go on, a moment at a time, until the command succeeds
#   remains SQL               asks a copy of the database, so that what a kill left is left to the next apply
#   formed FILE               apply it and see it agreed: exit 0, settings put back, the journal clean
set -u

# Servers for many rounds: a primary that owns slots again reports fail for cluster-node-timeout (up to 5 s), and a
# synchronisation without disk waits for more replicas; both are lowered while forming, and not before or after.
FLEET_TIMEOUT=2000
ORIGINAL_SYNC_DELAY=5
QUICK="repl-diskless-sync-delay $ORIGINAL_SYNC_DELAY"

# The reset goes to all nodes at once. A MEET under way may make two of them known to each other again: hence the loop.
fleet_reset() {
	local end=$((${EPOCHREALTIME/./} + 20000000)) i jobs
	until fleet_blank >"$LIVE_DIR/blank" 2>&1; do
		if [ "${EPOCHREALTIME/./}" -ge "$end" ]; then
			echo "the fleet does not become blank:"
			cat "$LIVE_DIR/blank"
			return 1
		fi
		jobs=()
		for i in $(nodes_running); do
			printf '%s\n' FLUSHALL 'CLUSTER RESET HARD' FLUSHALL 'FUNCTION FLUSH' "CONFIG SET cluster-node-timeout $FLEET_TIMEOUT" \
				"CONFIG SET repl-diskless-sync-delay $ORIGINAL_SYNC_DELAY" 'SLOWLOG RESET' 'CONFIG RESETSTAT' |
				rcli "$i" >/dev/null 2>&1 &
			jobs+=($!)
		done
		wait "${jobs[@]}"
	done
	rm -f "$STATE" "$STATE-journal" "$LIVE_DIR"/*.lock
}

ask_all() { # ask_all LINES: what each running node answers to these commands, in $LIVE_DIR/ask.N
	local i jobs=()
	rm -f "$LIVE_DIR"/ask.*
	for i in $(nodes_running); do
		printf '%s\n' "$1" | rcli "$i" 2>/dev/null | tr -d '\r' >"$LIVE_DIR/ask.$i" &
		jobs+=($!)
	done
	[ "${#jobs[@]}" -eq 0 ] || wait "${jobs[@]}"
}

fleet_blank() {
	local i
	ask_all 'CLUSTER INFO
CLUSTER NODES
DBSIZE
CONFIG GET cluster-node-timeout
CONFIG GET repl-diskless-sync-delay
INFO commandstats'
	for i in $(nodes_running); do
		awk -v timeout="$FLEET_TIMEOUT" -v delay="$ORIGINAL_SYNC_DELAY" '
			/^cluster_known_nodes:1$/ { alone = 1 }
			/^cluster_current_epoch:0$/ { epoch = 1 }
			/^cluster_slots_assigned:0$/ { empty = 1 }
			/ myself,master / { nodes++ }
			/^0$/ { keys = 1 }
			before == "cluster-node-timeout" && $0 == timeout { first = 1 }
			before == "repl-diskless-sync-delay" && $0 == delay { second = 1 }
			/^cmdstat_cluster[|](meet|addslotsrange|replicate|set-config-epoch)/ { counted = 1 }
			{ before = $0 }
			END { exit !(alone && epoch && empty && nodes == 1 && keys && first && second && !counted) }
		' "$LIVE_DIR/ask.$i" && continue
		echo "node $i:"
		head -40 "$LIVE_DIR/ask.$i"
		return 1
	done
}

totals() {
	ask_all 'INFO commandstats'
	cat "$LIVE_DIR"/ask.* | awk -F'[|:=,]' '
		/^cmdstat_cluster[|](meet|addslots|addslotsrange|replicate|set-config-epoch|forget|reset|delslots|setslot|failover|bumpepoch):/ { n[$2] += $4 }
		END { for (word in n) print word, n[word] }' | sort
}

total() { totals | awk -v word="$1" '$1 == word { n = $2 } END { print n + 0 }'; }

settings_now() { # lines "NODE NAME VALUE"
	local i
	ask_all 'CONFIG GET cluster-node-timeout
CONFIG GET repl-diskless-sync-delay'
	for i in $(nodes_running); do
		paste -d' ' - - <"$LIVE_DIR/ask.$i" | sed "s/^/$i /"
	done
}
settings_original() {
	local got wanted
	got=$(settings_now)
	wanted=$(for i in $(nodes_running); do
		echo "$i cluster-node-timeout $FLEET_TIMEOUT"
		echo "$i repl-diskless-sync-delay $ORIGINAL_SYNC_DELAY"
	done)
	[ "$got" = "$wanted" ] && return
	echo "settings are:"
	echo "$got"
	return 1
}
settings_lowered() { ! settings_original >/dev/null; }

journal() {
	[ -s "$STATE" ] || return 1
	sqlite3 -readonly -cmd '.timeout 5000' "$STATE" "$1"
}

journal_clean() {
	local said
	said=$(journal 'PRAGMA integrity_check' 2>&1)
	said+=$(journal "SELECT ' pending: ' || subject || ' ' || command FROM expectation WHERE status = 'pending'" 2>&1)
	said+=$(journal "SELECT ' temporary: ' || address || ' ' || name FROM temporary_setting" 2>&1)
	[ "$said" = ok ] && return
	echo "$said"
	return 1
}

# Looks at a copy: to roll back a journal left behind is the next apply's work.
remains() { # remains SQL
	cp "$STATE" "$LIVE_DIR/remains.db" 2>/dev/null || return
	rm -f "$LIVE_DIR/remains.db-journal"
	[ -e "$STATE-journal" ] && cp "$STATE-journal" "$LIVE_DIR/remains.db-journal"
	sqlite3 "$LIVE_DIR/remains.db" "$1" 2>/dev/null
}

now_us() { echo "${EPOCHREALTIME/./}"; }
begin_apply() { # begin_apply ARG... - its events come over a pipe, so that a kill can follow an event at once
	exec {EVENTS}< <(
		export ASAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:${ASAN_OPTIONS:-}" UBSAN_OPTIONS="log_path=$LIVE_DIR/sanitizer:halt_on_error=1:${UBSAN_OPTIONS:-}"
		exec "$ROP_BIN" --state "$STATE" apply --yes -o jsonl "$@" 2>"$ERR" </dev/null
	)
	OP_PID=$!
	BEGAN=$(now_us)
	LIVE_JOBS+=("$OP_PID")
}
end_apply() { # reads on to the end: the process is gone then
	cat <&"$EVENTS" >"$OUT"
	exec {EVENTS}<&-
	local status=0
	wait "$OP_PID" 2>/dev/null || status=$?
	return "$status"
}
at_us() { # at_us US: when this long has passed since begin_apply
	local left=$(($1 - ($(now_us) - BEGAN)))
	[ "$left" -gt 0 ] && nap "$(printf '%d.%06d' $((left / 1000000)) $((left % 1000000)))"
	return 0
}
upon() { # upon STATE: until apply has written that it is there, then it stands still; fails when it went by
	local line from give_up=$((SECONDS + 5))
	while read -r line <&"$EVENTS"; do
		[[ $line == *'"transition"'*"\"to\":\"$1\""* ]] || continue
		# On the way from Configure it only passes through Verify; it stays there after Replicate.
		[[ $1 == Verify && $line != *'"from":"Replicate"'* ]] && continue
		break
	done
	# It says so before it writes it. From here on it gets a moment at a time.
	while kill -STOP "$OP_PID" 2>/dev/null && from=$(remains 'SELECT state FROM cluster'); do
		[ "$from" = "$1" ] && return
		[ "$SECONDS" -lt "$give_up" ] || break
		kill -CONT "$OP_PID"
	done
	return 1
}
apply_upon() { # apply_upon STATE ARG...: begin_apply and upon; a state that was over before it could be stopped in is tried again
	local state=$1 try
	shift
	for try in 1 2 3 4 5; do
		begin_apply "$@"
		upon "$state" && return
		kill -CONT "$OP_PID" 2>/dev/null
		end_apply
		echo "try $try: $state was over"
		fleet_reset || return
	done
	return 1
}
step_until() {
	local give_up=$((SECONDS + 5))
	until eval "$1" >/dev/null 2>&1; do
		[ "$SECONDS" -lt "$give_up" ] || return
		# Long enough to get from a look to what rests on it: a look that has grown old is not acted upon.
		kill -CONT "$OP_PID" && nap 0.03 && kill -STOP "$OP_PID" || return
	done
}

formed() {
	expect 0 apply --yes "$1" && wait_until 5 agreed && settings_original && journal_clean
}
