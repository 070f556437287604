#!/bin/bash
# killed.sh - the operator is killed at any moment of a formation, and the next apply finishes it
# alone
# timeout: 400
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml
ROUNDS=${ROUNDS:-30}    # kills at random moments, spread over the measured duration of a formation
IN_STATE=${IN_STATE:-1} # kills seen in each of the states
SIGNALS=${SIGNALS:-3}   # each of SIGINT, SIGTERM and SIGHUP
SEED=${SEED:-$((${EPOCHREALTIME/./} % 32768))}
RANDOM=$SEED
echo "# say: seed $SEED (SEED=$SEED $0 does the same again, as far as time allows)"

STATES='Configure Verify AssignSlots Replicate Settle'
KINDS='meet:meet add-slots:addslotsrange replicate:replicate set-epoch:set-config-epoch' # journal's word : server's word
declare -A BASELINE=() HIT=()

# ---------------------------------------------------------------- what a kill left behind, and what must not be

note_remains() { # the state it died in; its pending steps may be sent once more
	LAST_STATE=$(remains 'SELECT state FROM cluster')
	LAST_STATE=${LAST_STATE:-nothing written}
	remains "SELECT kind FROM expectation WHERE status = 'pending'" >>"$LIVE_DIR/interrupted"
}

# Nothing was sent that was not journalled, and no more journalled than a formation takes, plus what was interrupted,
# plus what was refused. A slot that has its owner, an epoch that is set: the servers count an attempt as failed.
greetings() { # greetings KIND - servers with shard ids are sent a second MEET, where it hastens
	[ "$1" = meet ] || { echo 0; return; }
	journal "SELECT count(*) FROM expectation WHERE kind = 'greet'"
}
count_is_right() {
	local pair kind word rows allowed sent status=0
	ask_all 'INFO commandstats'
	cat "$LIVE_DIR"/ask.* >"$LIVE_DIR/stats"
	for pair in $KINDS; do
		kind=${pair%:*} word=${pair#*:}
		sent=$(awk -F'[:=,]' -v name="cmdstat_cluster|$word" '$1 == name { n += $3 } END { print n + 0 }' "$LIVE_DIR/stats")
		rows=$(journal "SELECT count(*) FROM expectation WHERE kind = '$kind'")
		sent=$((sent > rows ? sent - $(greetings "$kind") : sent))
		allowed=$((${BASELINE[$kind]} + $(grep -cx "$kind" "$LIVE_DIR/interrupted") +
			$(journal "SELECT count(*) FROM expectation WHERE kind = '$kind' AND status = 'refused'")))
		if [ "$sent" -gt "$rows" ] || [ "$rows" -gt "$allowed" ]; then
			echo "$kind: $sent received by the servers, $rows in the journal, $allowed allowed"
			status=1
		fi
	done
	if grep -E '^cmdstat_cluster.(addslotsrange|set-config-epoch):' "$LIVE_DIR/stats" | grep -v 'rejected_calls=0,failed_calls=0'; then
		echo 'a slot or an epoch was given twice'
		status=1
	fi
	if grep -E '^cmdstat_(cluster.(forget|reset|delslots|delslotsrange|setslot|failover|bumpepoch|flushslots|addslots)|flush.*|debug.*|shutdown|migrate|restore.*):' "$LIVE_DIR/stats"; then
		echo 'this has no place in a formation'
		status=1
	fi
	return "$status"
}
finished() { # what must hold after the apply that finishes
	wait_until 5 agreed && settings_original && journal_clean && count_is_right &&
		[ "$(journal 'SELECT state FROM cluster')" = Ready ]
}
finish() { # finish HOW - and the words of the round when it fails
	{
		expect 0 apply --yes "$CART" && finished
	} >"$LIVE_DIR/finish" 2>&1 && return
	echo "$1; it died in: $LAST_STATE"
	cat "$LIVE_DIR/finish"
	journal "SELECT id, pass, kind, address, command, status, attempts, ifnull(note, '') FROM expectation WHERE status <> 'met' OR attempts > 1"
	return 1
}
fresh() {
	: >"$LIVE_DIR/interrupted"
	fleet_reset
}

# ---------------------------------------------------------------- rounds

killed_at() { # killed_at US: and, with 1 in 4, the apply that goes on is killed too
	local us=$1 how="killed after $1 us" again=0
	fresh || return
	begin_apply "$CART"
	at_us "$us"
	kill -9 "$OP_PID" 2>/dev/null
	end_apply
	note_remains
	HIT[$LAST_STATE]=$((${HIT[$LAST_STATE]:-0} + 1))
	while [ $((RANDOM % 4)) = 0 ] && [ "$again" -lt 3 ]; do
		again=$((again + 1))
		AGAIN=$((AGAIN + 1))
		us=$((RANDOM * DURATION / 32768))
		how+=", the next one after $us us"
		begin_apply "$CART"
		at_us "$us"
		kill -9 "$OP_PID" 2>/dev/null
		end_apply
		note_remains
	done
	finish "$how"
}
killed_upon() { # killed_upon STATE
	fresh || return
	begin_apply "$CART"
	upon "$1"
	kill -9 "$OP_PID" 2>/dev/null
	end_apply
	note_remains
	HIT[$LAST_STATE]=$((${HIT[$LAST_STATE]:-0} + 1))
	finish "killed when it went to $1"
}
told_at() { # told_at SIGNAL US
	local status=0 left
	fresh || return
	begin_apply "$CART"
	at_us "$2"
	kill "-$1" "$OP_PID" 2>/dev/null
	left=$(now_us)
	end_apply || status=$?
	left=$(($(now_us) - left))
	note_remains
	if [ "$left" -gt 4000000 ]; then
		echo "$1 after $2 us: it ended only $left us later"
		return 1
	fi
	# Before it looks at the clock and the signals nothing is changed; the signal may also have come too late.
	case $1:$status in
	*:0 | *:1 | INT:130 | TERM:143 | HUP:129) ;;
	*)
		echo "$1 after $2 us: exit code $status"
		tail -5 "$ERR"
		return 1
		;;
	esac
	[ "$status" = 1 ] && STOPPED=$((STOPPED + 1))
	if [ "$status" != 0 ] && ! settings_original; then
		echo "$1 after $2 us: settings were left behind"
		return 1
	fi
	finish "$1 after $2 us"
}
goes_on_without_a_terminal() { # as under nohup
	local status=0
	fresh || return
	trap '' HUP
	begin_apply "$CART"
	trap 'exit 129' HUP
	at_us $((DURATION / 2))
	kill -HUP "$OP_PID" 2>/dev/null
	end_apply || status=$?
	[ "$status" = 0 ] || { echo "exit code $status"; tail -5 "$ERR"; return 1; }
	finish 'HUP that it ignores'
}

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1
times=()
for round in 1 2 3; do
	fresh || exit 1
	began=$(now_us)
	check "measured: formation $round" expect 0 apply --yes -o jsonl "$CART"
	times+=($(($(now_us) - began)))
	for pair in $KINDS; do BASELINE[${pair%:*}]=$(($(total "${pair#*:}") - $(greetings "${pair%:*}"))); done
done
DURATION=$(printf '%s\n' "${times[@]}" | sort -n | sed -n 2p) # the median
echo "# say: a formation takes $DURATION us"
check 'measured: 15 introductions, 6 epochs, 3 ranges, 3 replicas' test \
	"${BASELINE[meet]} ${BASELINE[set-epoch]} ${BASELINE[add-slots]} ${BASELINE[replicate]}" = '15 6 3 3'
check 'measured: nothing is left of it' finished
LAST_STATE=

AGAIN=0
for ((round = 0; round < ROUNDS; round++)); do
	us=$(((round * 32768 + RANDOM) * (DURATION / 1000) / (ROUNDS * 32768) * 1000 + RANDOM % 1000))
	check "kill -9 $((round + 1)) of $ROUNDS, after $((us / 1000)) ms" killed_at "$us"
done
for state in $STATES; do
	for ((hit = 0, try = 1; hit < IN_STATE && try < 6; try++)); do
		check "kill -9 upon $state, try $try" killed_upon "$state"
		[ "$LAST_STATE" = "$state" ] && hit=$((hit + 1))
	done
	check "at least $IN_STATE kills in $state" test "$hit" -ge "$IN_STATE"
done
echo "# say: killed in:$(for state in "${!HIT[@]}"; do printf ' %s %d' "$state" "${HIT[$state]}"; done); the one that goes on: $AGAIN times"
kills=$AGAIN
for state in "${!HIT[@]}"; do kills=$((kills + ${HIT[$state]})); done
check "$kills kills" test "$kills" -ge $((ROUNDS + 8))

STOPPED=0
for signal in INT TERM HUP; do
	for ((round = 0; round < SIGNALS; round++)); do
		us=$(((round * 32768 + RANDOM) * (DURATION / 1000) / (SIGNALS * 32768) * 1000))
		check "$signal after $((us / 1000)) ms: it ends at once, puts settings back, the next apply finishes" told_at "$signal" "$us"
	done
done
check "some signals came midway ($STOPPED)" test "$STOPPED" -ge "$SIGNALS"
check 'HUP is ignored by who is told to ignore it (nohup)' goes_on_without_a_terminal
