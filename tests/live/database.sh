#!/bin/bash
# database.sh - the database damaged, foreign, full, read-only, lost: nothing is sent, nothing is formed twice
. "$(dirname "$0")/../lib/live.sh"
. "$TOP/tests/lib/rounds.sh"
CART=$LIVE_DIR/cart.yaml
SEED=${SEED:-$((${EPOCHREALTIME/./} % 32768))}
RANDOM=$SEED
echo "# say: seed $SEED"

fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1
KEPT=$LIVE_DIR/kept.db

# On fresh nodes: whatever is wrong with the database, nothing may be sent to them.
refused() { # refused TEXT
	changes_begin
	expect 1 apply --yes "$CART" && has "$ERR" "$1" && lacks "$ERR" 'AddressSanitizer' && no_changes && fleet_alone
}
fleet_alone() {
	local i
	for i in 0 1 2 3 4 5; do
		[ "$(view $i | wc -l)" = 1 ] || return
	done
}

# ---------------------------------------------------------------- not ours

head -c 8192 /dev/urandom >"$STATE"
check 'not a database' refused "$STATE"
check 'it is left as it is' eval '[ "$(stat -c %s "$STATE")" = 8192 ]'
check 'status says so as well' expect 1 status "$CART"
echo 'once upon a time' >"$STATE"
check 'a text' refused "$STATE"
rm -f "$STATE"
sqlite3 "$STATE" 'CREATE TABLE t (x); PRAGMA application_id = 77; PRAGMA user_version = 1'
check 'a database of another program' refused 'another program'
check 'it is left as it is' eval '[ "$(sqlite3 "$STATE" .tables)" = t ]'
rm -f "$STATE"
mkdir "$STATE"
check 'a folder' refused 'not a regular file'
rmdir "$STATE"
ln -s "$KEPT" "$STATE"
check 'a symbolic link' refused 'symbolic link'
check 'nothing was made behind it' test ! -e "$KEPT"
rm -f "$STATE"

# ---------------------------------------------------------------- modes, and no secret

secret=canary-$RANDOM$RANDOM
fleet_down
fleet_up 6 "$QUICK" "requirepass $secret" "masterauth $secret" || exit 1
export REDISCLI_AUTH=$secret
(umask 077; echo "$secret" >"$LIVE_DIR/password")
topology "$CART" 3 1 "auth: { passwordFile: $LIVE_DIR/password }"
STATE=$LIVE_DIR/deep/er/state.db
(umask 0; expect 0 apply --yes "$CART") >"$LIVE_DIR/said" 2>&1
check 'with umask 0, in folders that do not exist yet: applied' eval '[ -s "$STATE" ] || { cat "$LIVE_DIR/said"; false; }'
check 'folders are 0700, files 0600' test \
	"$(stat -c %a "$LIVE_DIR/deep" "$LIVE_DIR/deep/er" "$STATE" "$LIVE_DIR/deep/er/cart.lock" | tr '\n' ' ')" = '700 700 600 600 '
op_start apply --yes -o jsonl "$CART"
op_wait
expect 0 history cart
check 'no secret in the database or beside it' eval '! grep -ra -e "$secret" "$LIVE_DIR/deep"'
check 'nor in what was printed' eval '! grep -e "$secret" "$OUT" "$ERR" "$LIVE_DIR/said"'
unset REDISCLI_AUTH
rm -rf "$LIVE_DIR/deep"
STATE=$LIVE_DIR/state.db
fleet_down
fleet_up 6 "$QUICK" || exit 1
topology "$CART" 3 1

# ---------------------------------------------------------------- from a newer version

check 'formed' formed "$CART"
cp "$STATE" "$KEPT"
sqlite3 "$STATE" 'PRAGMA user_version = 99'
changes_begin
check 'from a newer version' expect 1 apply --yes "$CART"
check 'it says which' has "$ERR" 'written by schema 99'
check 'status and plan do as well' eval 'expect 1 status "$CART" && expect 1 plan "$CART"'
check 'nothing was sent' no_changes

# ---------------------------------------------------------------- damaged

damage() { # damage FILE: one random way, said in $HOW
	local size at i
	size=$(stat -c %s "$1")
	if [ $((RANDOM % 4)) = 0 ]; then
		at=$((RANDOM * 32768 + RANDOM))
		at=$((at % size))
		truncate -s "$at" "$1"
		HOW="cut to $at bytes"
	else
		HOW="flipped:"
		for ((i = 0; i < 1 + RANDOM % 8; i++)); do
			at=$((RANDOM * 32768 + RANDOM))
			at=$((at % size))
			[ $((RANDOM % 4)) = 0 ] && at=$((at % 4096)) # the header and the schema, more often
			printf "\\x$(printf %02x $((RANDOM % 256)))" | dd of="$1" bs=1 seek="$at" conv=notrunc 2>/dev/null
			HOW+=" $at"
		done
	fi
}
# Where the damage is in a place that means nothing, apply may go on and find nothing to do; a byte of the pause's row
# may make it a pause, one of a rewrite that was done make it one that is owed: then a server writes what is in force to its
# file once more. It never sends anything else, and never fails otherwise than by 1.
declare -A ENDS=()
changes_begin
for ((round = 0; round < ${ROUNDS:-40}; round++)); do
	cp "$KEPT" "$STATE"
	rm -f "$STATE-journal"
	damage "$STATE"
	code=0
	op apply --yes --timeout 5s "$CART" >"$OUT" 2>"$ERR" </dev/null || code=$?
	ENDS[$code]=$((${ENDS[$code]:-0} + 1))
	case $code in
	0 | 4) [ "$code" = 0 ] || grep -q 'is paused' "$ERR" || not_ok "damaged ($HOW): exit code 4" "$(cat "$ERR")" ;;
	1) grep -qF "$STATE" "$ERR" || not_ok "damaged ($HOW): the file is not named" "$(cat "$ERR")" ;;
	*) not_ok "damaged ($HOW): exit code $code" "$(cat "$ERR")" ;;
	esac
done
check "damaged in $round ways: nothing was sent (exit codes:$(for code in "${!ENDS[@]}"; do printf ' %s %sx' "$code" "${ENDS[$code]}"; done))" eval \
	'! changes_list | grep -vE " config[|]rewrite [0-9]+$"'
check 'some damage was found' test "${ENDS[1]:-0}" -ge 3 # most bytes mean nothing: free space, old rows
check 'the cluster is as it was' agreed

# ---------------------------------------------------------------- lost

rm -f "$STATE" "$STATE-journal"
id=$(rcli 0 CLUSTER MYID)
rcli 0 SET '{0}key' value >/dev/null 2>&1 || true
changes_begin
check 'lost between two runs: plan has no changes' eval 'expect 0 plan --detailed-exitcode "$CART" && has "$OUT" "No changes"'
check 'and makes no database' test ! -e "$STATE"
check 'history is empty' eval '! op history cart >"$OUT" 2>"$ERR" || [ ! -s "$OUT" ]'
check 'apply adopts the cluster' expect 0 apply --yes "$CART"
check 'nothing was sent' no_changes
check 'the nodes are the same' test "$(rcli 0 CLUSTER MYID)" = "$id"
check 'the database knows it as formed' eval '[ "$(journal "SELECT formed_wall_ms > 0 AND state = '"'Ready'"' FROM cluster")" = 1 ]'

# Lost in the middle of a formation: what was lowered is told by the nodes alone, and the cluster is completed, not begun
# anew.
fleet_reset || exit 1
check 'lost midway: upon Replicate' apply_upon Replicate "$CART"
kill -9 "$OP_PID"
end_apply
slots=$(total addslotsrange)
rm -f "$STATE" "$STATE-journal"
check 'lost midway: settings are still lowered' settings_lowered
LEFT='left by an interrupted formation'
check 'lost midway: status names the nodes' eval 'expect 0 status "$CART" && has "$ERR" "$(address 0): cluster-node-timeout is 505 instead of 2000, $LEFT" && has "$ERR" "$(address 5): repl-diskless-sync-delay is 0 instead of 5, $LEFT"'
check 'lost midway: so does check' eval 'expect 1 check "$CART"; has "$OUT" "[WARNING] $(address 0): cluster-node-timeout is 505 instead of 2000, $LEFT"'
check 'lost midway: plan puts them back' eval 'expect 0 plan "$CART" && has "$OUT" "cluster-node-timeout 505 -> 2000, $LEFT" && has "$OUT" "repl-diskless-sync-delay 0 -> 5, $LEFT" && has "$OUT" "12 temporary settings to put back" && lacks "$OUT" "restored when formed"'
check 'lost midway: in JSON too' eval 'expect 0 plan -o json "$CART" && json "[.changes[] | select(.why == \"505 -> 2000, $LEFT\")] | length == 6 and all(.action == \"restore-setting\")"'
check 'lost midway: the next apply completes the cluster' eval 'expect 0 apply --yes "$CART" && wait_until 5 agreed'
check 'lost midway: settings are put back' settings_original
check 'lost midway: nobody is named any more' eval 'expect 0 status "$CART" && lacks "$ERR" "$LEFT" && expect 0 check "$CART" && ! grep WARNING "$OUT" | grep -v "save nothing"'
check 'lost midway: no slot was given twice' test "$slots $(total addslotsrange)" = '3 3'

# A node that never takes over: named, unless the file declares it.
rcli 4 CONFIG SET cluster-replica-no-failover yes >/dev/null
NEVER="$(address 4) never takes over: cluster-replica-no-failover is yes and the file does not declare it"
check 'a node that never takes over: status and check name it' eval 'expect 0 status "$CART" && has "$ERR" "$NEVER" && expect 0 check "$CART" && has "$OUT" "[WARNING] $NEVER"'
check 'plan has no changes for that' eval 'expect 0 plan --detailed-exitcode "$CART"'
topology "$LIVE_DIR/never.yaml" 3 1 'settings: { cluster-replica-no-failover: "yes" }'
check 'not where it is declared' eval 'expect 0 check "$LIVE_DIR/never.yaml" && lacks "$OUT" "$NEVER"'
rcli 4 CONFIG SET cluster-replica-no-failover no >/dev/null

# ---------------------------------------------------------------- places that cannot be written; a full disk

holder=
in_namespace() { # a private mount namespace, held open by a process of ours
	unshare -m sleep 600 2>/dev/null &
	holder=$!
	LIVE_JOBS+=("$holder")
	wait_until 5 '[ "$(readlink /proc/$holder/ns/mnt)" != "$(readlink /proc/self/ns/mnt)" ]' >/dev/null || return
	inside mount --make-rprivate / 2>/dev/null
}
inside() { nsenter -t "$holder" -m -- "$@"; }
if [ "$(id -u)" != 0 ] || ! command -v nsenter >/dev/null || ! in_namespace; then
	skip 'read-only and full disks' 'needs root and mount namespaces'
	exit 0
fi
printf '#!/bin/sh\nexec nsenter -t %s -m -- "%s" "$@"\n' "$holder" "$ROP_BIN" >"$LIVE_DIR/inside"
chmod +x "$LIVE_DIR/inside"
ROP_BIN=$LIVE_DIR/inside
DISK=$LIVE_DIR/disk
mkdir "$DISK"

fleet_reset || exit 1
STATE=$DISK/state.db
inside mount -t tmpfs -o size=64k,mode=700 tmpfs "$DISK"
inside dd if=/dev/zero of="$DISK/filler" bs=4096 2>/dev/null
check 'disk full at the start' refused 'No space left'
inside rm "$DISK/filler"
check 'too small for a database' refused 'full'
inside umount "$DISK"
inside mount -t tmpfs -o size=400k,mode=700 tmpfs "$DISK"
inside mount -o remount,ro "$DISK"
check 'a read-only folder' refused "$DISK"
inside mount -o remount,rw "$DISK"

# Full midway: from the moment that the first settings are lowered.
begin_apply "$CART"
while read -r line <&"$EVENTS"; do
	[[ $line == *'"step_start"'* ]] && break
done
kill -STOP "$OP_PID"
inside dd if=/dev/zero of="$DISK/filler" bs=4096 2>/dev/null
changes_begin
kill -CONT "$OP_PID"
end_apply
check 'full midway: exit code 1' test $? = 1
check 'it says so' has "$ERR" 'full'
check 'and that it stopped' has "$ERR" 'nothing more is changed'
changes_list >"$LIVE_DIR/after"
# What was committed before the disk was full may still be sent; what comes after it is not.
check 'nothing that comes later was sent' eval '! grep -E "addslots|replicate" "$LIVE_DIR/after"'
check 'no introduction without a journal' eval '[ "$(total meet)" -le "$(inside sqlite3 "$STATE" "SELECT count(*) FROM expectation WHERE kind = '"'meet'"'")" ]'
check 'settings are still lowered, and the database knows' eval 'settings_lowered && [ "$(inside sqlite3 "$STATE" "SELECT count(*) FROM temporary_setting")" = 12 ]'
check 'still full: apply refuses again' expect 1 apply --yes "$CART"
inside rm "$DISK/filler"
check 'with space again, the next apply finishes' eval 'expect 0 apply --yes "$CART" && wait_until 5 agreed && settings_original'
check 'and leaves nothing behind' eval '[ "$(inside sqlite3 "$STATE" "SELECT (SELECT count(*) FROM temporary_setting) || (SELECT count(*) FROM expectation WHERE status = '"'pending'"')")" = 00 ]'

# Read-only from one run to the next, on a formed cluster: looking goes on, changing does not.
inside mount -o remount,ro "$DISK"
changes_begin
check 'read-only: apply refuses' expect 1 apply --yes "$CART"
check 'read-only: pause refuses' expect 1 pause cart
check 'read-only: status looks' expect 0 status "$CART"
check 'read-only: history reads' expect 0 history cart
check 'read-only: nothing was sent' no_changes

# The daemon on a disk that fills up: it stops changing and ends, so that the service manager starts a new one.
inside mount -o remount,rw "$DISK"
. "$TOP/tests/lib/daemon.sh"
topology "$CLUSTERS/cart.yaml" 3 1 "$MANAGED"
daemon_start
spoil 0
check 'a daemon keeps it' wait_until 20 'mended 0'
wait_until 10 'op status -o json cart 2>/dev/null | jq -e ".converged and (.expectations | length == 0)" >/dev/null'
inside dd if=/dev/zero of="$DISK/filler" bs=4096 2>/dev/null
spoil 1
check 'the disk is full when it wants to write: it ends, with code 1' eval 'wait_until 20 "! kill -0 $DAEMON_PID" >/dev/null 2>&1; daemon_wait; code=$?; [ $code = 1 ] || { echo "code $code"; tail -3 "$SAID"; false; }'
check 'it says why' eval 'says full || says "No space left"' # the database, or the lock file
check 'and has changed nothing' spoiled 1
inside rm "$DISK/filler"
daemon_start
check 'the next one, with space, goes on' wait_until 20 'mended 1'
check 'and ends as told' daemon_stop
