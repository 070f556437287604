# data.sh - what live tests about data share: keys that must be kept, losses that must be named. Sourced after live.sh.
# shellcheck shell=bash
#
#   fresh N [LINE...]         N servers without a past, after fleet_down, and no database
#   load N                    keys k1 ... kN over all shards, by a client that follows redirections
#   held [I...]               how many different keys the running primaries with slots (or these nodes) hold together
#   kept N [I...]             for check: held is N; else who holds how many
#   follows I J               for check: node I is a replica of node J, by its own word
#   stays SECONDS 'COMMAND'   for check: it holds now, and whenever it is looked at until then
#   told CODES ARG...         like expect, but several codes may be right (`0|4`); $TOLD has both outputs, and is shown
#   tells TEXT...             for check: $TOLD has each of them; tells_like REGEX... ignores case
#   silent_about REGEX...     for check: $TOLD has none of them
#   consent                   the flag that $TOLD names, --allow-data-loss=CLUSTER@DIGEST
#   asks FILE TEXT...         for check: plan names the loss with these texts and the flag, kept in $CONSENT; apply ends
#                             with exit 4 without the flag, with another digest and with none, names it, sends nothing
#   forget_all ID... -- I...  these nodes forget these ids, and it is waited until they are gone
#   passes N                  for check: until a running daemon has looked N times more at node 0 (or $PASSES_OF)

TOLD=$LIVE_DIR/told
CONSENT=--allow-data-loss=none@0

fresh() {
	fleet_down
	# (fleet_down leaves the folders of nodes that are down already)
	rm -rf "$STATE"* "${LIVE_DIR:?}"/[0-9] "$LIVE_DIR"/*.lock
	fleet_up "$1" 'repl-diskless-sync-delay 0' "${@:2}"
}

load() {
	seq "$1" | sed 's/.*/SET k& v&/' | timeout 20 "$REDIS_CLI" -c -p "$(port "${LOAD_BY:-0}")" >"$LIVE_DIR/load" 2>&1
	[ "$(grep -c '^OK$' "$LIVE_DIR/load")" -eq "$1" ] && return
	sort "$LIVE_DIR/load" | uniq -c | sort -rn | head -5
	return 1
}

owners() { # the running nodes that are primaries with slots, by their own word
	local i
	for i in $(nodes_running); do
		rcli "$i" CLUSTER NODES 2>/dev/null | grep -qE 'myself,master .* [0-9]+(-[0-9]+)?( |$)' && echo "$i"
	done
	return 0
}

held() {
	local i nodes=("$@")
	[ $# -gt 0 ] || mapfile -t nodes < <(owners)
	for i in "${nodes[@]}"; do rcli "$i" --scan 2>/dev/null; done | sort -u | grep -c .
}

kept() {
	local n=$1 got i
	shift
	got=$(held "$@")
	[ "$got" -eq "$n" ] && return
	echo "$got of $n keys"
	for i in $(nodes_running); do
		echo "node $i: $(rcli "$i" DBSIZE 2>&1) keys, $(rcli "$i" CLUSTER NODES 2>&1 | grep myself | cut -d' ' -f3,4,9-)"
	done
	return 1
}

follows() {
	local got
	got=$(rcli "$1" INFO replication | tr -d '\r' | sed -n 's/^master_port://p')
	[ "$got" = "$(port "$2")" ] && return
	echo "node $1 follows port '$got', not node $2 ($(port "$2"))"
	return 1
}

stays() {
	local end=$((${EPOCHREALTIME/./} + $1 * 1000000))
	while eval "$2" >"$LIVE_DIR/stays" 2>&1; do
		[ "${EPOCHREALTIME/./}" -lt "$end" ] || return 0
		nap 0.1
	done
	echo "no longer: $2"
	tail -20 "$LIVE_DIR/stays"
	return 1
}

told_is() { # for those who fill $OUT and $ERR by themselves
	cat "$OUT" "$ERR" >"$TOLD"
}

told() {
	local codes=$1 got=0
	shift
	op "$@" >"$OUT" 2>"$ERR" </dev/null || got=$?
	told_is
	[[ "|$codes|" == *"|$got|"* ]] && return
	echo "exit code $got, expected $codes: redis-operator $*"
	head -60 "$TOLD"
	return 1
}

tells() {
	local text
	for text; do has "$TOLD" "$text" || return; done
}

tells_like() {
	local text
	for text; do
		grep -qiE -e "$text" "$TOLD" && continue
		echo "nothing like '$text' in:"
		head -40 "$TOLD"
		return 1
	done
}

silent_about() {
	local text
	for text; do
		grep -qiE -e "$text" "$TOLD" || continue
		echo "'$text' is in:"
		head -40 "$TOLD"
		return 1
	done
}

consent() {
	grep -oE -e '--allow-data-loss=[A-Za-z0-9_.-]+@[0-9a-f]+' "$TOLD" | head -1 | grep . && return
	echo "no --allow-data-loss=CLUSTER@DIGEST in:"
	head -40 "$TOLD"
	return 1
}

asks() {
	local file=$1 flag other
	shift
	CONSENT=--allow-data-loss=none@0
	changes_begin
	told '0|4' plan "$file" || return
	flag=$(consent) || { echo "$flag"; return 1; }
	CONSENT=$flag
	tells "$@" || return
	told 4 apply --yes --timeout 10s "$file" && tells "$CONSENT" "$@" || return
	other=${CONSENT%?}$([[ $CONSENT == *0 ]] && echo 1 || echo 0)
	told 4 apply --yes --timeout 10s "$other" "$file" && tells "$CONSENT" || return
	told 4 apply --yes --timeout 10s "${CONSENT%@*}" "$file" && tells "$CONSENT" || return
	no_changes
}

forget_all() {
	local ids=() i id
	while [ "$1" != -- ]; do ids+=("$1") && shift; done
	shift
	for i; do
		for id in "${ids[@]}"; do rcli "$i" CLUSTER FORGET "$id" >/dev/null; done
	done
	for id in "${ids[@]}"; do
		wait_until 10 "each '! rcli \$i CLUSTER NODES | grep -q $id' $*" || return
	done
}

looks() {
	rcli "${PASSES_OF:-0}" INFO commandstats | tr -d '\r' |
		sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\).*/\1/p'
}
passes() {
	local before
	before=$(looks)
	wait_until 30 "[ \"\$(looks)\" -ge $((${before:-0} + $1)) ]"
}
