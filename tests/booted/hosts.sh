#!/bin/bash
# hosts.sh - six machines under the daemon: one is rebooted under drain, ones are cut off as a fail-over is wanted, ones are rebuilt
# timeout: 240
# shellcheck disable=SC2016
. "$(dirname "$0")/../lib/booted.sh"
. "$TOP/tests/lib/ledger.sh"
FLEET_TIMEOUT=2000
UNIT=redis-operator.service
VMS=(vm0 vm1 vm2 vm3 vm4 vm5)
booted_journal_on_failure vm0 $UNIT

operator() { machine_run vm0 redis-operator "$@" >"$OUT" 2>"$ERR"; }
ends() { # ends CODE ARG...: the operator does, on its machine
	local code=$1 got=0
	shift
	operator "$@" || got=$?
	[ "$got" -eq "$code" ] && return
	echo "redis-operator $*: exit code $got, expected $code:"
	cat "$OUT" "$ERR"
	return 1
}
status_text() { machine_unit vm0 $UNIT StatusText; }
converged() { [[ $(status_text) == '1 of 1 cluster converged'* ]] && agreed && replicas_up; }
role() { rcli "$1" ROLE | head -1; }
node_of() { rcli "$1" CLUSTER MYID; }
leader_but() { for i in 1 2 3 4 5; do [ "$(role $i)" = master ] && [ "$i" != "${1:-}" ] && echo "$i" && return; done; }
follower() { for i in 1 2 3 4 5; do [ "$(role $i)" = slave ] && echo "$i" && return; done; }
replica_of() { # the node that follows node I
	local i id
	id=$(node_of "$1")
	for ((i = 0; i < COUNT; i++)); do
		[ "$(rcli $i CLUSTER NODES | tr -d '\r' | awk '$3 ~ /myself/ { print $4 }')" = "$id" ] && echo $i && return
	done
	return 1
}
shard_of() { machine_run vm0 redis-operator status -o json cart | jq --arg at "$(address "$1")" '.nodes[] | select(.address == $at) | .shard'; }
host() { machine_address "$(server_machine "$1")"; }
answers() { rcli "$1" PING | grep -q PONG; }
nobody_lists() { for ((i = 0; i < COUNT; i++)); do rcli $i CLUSTER NODES | grep -q "^$1" && return 1; done; return 0; }

check 'six machines boot' machine_up "${VMS[@]}" || exit 1
for vm in "${VMS[@]}"; do
	servers_up "$vm" 7000 -- 'repl-diskless-sync-delay 0' || { not_ok "a server on $vm"; exit 1; }
done
check 'the operator is installed on one of them' machine_install vm0 || exit 1
topology "$LIVE_DIR/cart.yaml" 3 1 'disruption: { keepCopies: 0 }' 'intervals: { observe: 500ms, connectTimeout: 1s, commandTimeout: 1s }'
machine_put vm0 /etc/redis-operator/clusters.d/cart.yaml <"$LIVE_DIR/cart.yaml"
check 'the service starts' machine_run vm0 systemctl start $UNIT
check 'a cluster is formed across the machines' wait_until 40 converged || exit 1

# ---------------------------------------------------------------- rebooted, under drain

N=$(leader_but)
VM=$(server_machine "$N")
check 'clients write' ledger_start
check "the host of a primary is drained" ends 0 drain --yes --for 10m --reason 'a new kernel' cart "$(host "$N")"
check '... nobody leads from there, and status says that it may be stopped' eval '[ "$(role $N)" = slave ] && ends 0 status --exit-code cart && has "$OUT" "may be stopped"'
check '... it is rebooted' machine_reboot "$VM"
check '... its server is back and follows' wait_until 40 'answers $N && [ "$(role $N)" = slave ] && agreed && replicas_up'
check '... that was no trouble of anybody: never Degraded' eval 'ends 0 history cart && lacks "$OUT" "Degraded"'
check '... not drained any more' ends 0 undrain cart "$(host "$N")"
check '... converged' wait_until 20 converged
check 'clients end' eval 'ledger_goes_on && ledger_end'
check '... nothing of it is lost' eval 'ledger_verify 0 && json ".lost == 0"'
echo "# say: reboot under drain: longest gap of writes $(jq -r '.longestGap.us / 1000 | floor' "$OUT") ms"

# ---------------------------------------------------------------- cut off for longer than the node timeout

N=$(leader_but)
R=$(replica_of "$N")
changes_begin
link_cut "$(server_machine "$R")"
check 'the one that is to take over is cut off' wait_until 30 'rcli $N CLUSTER NODES | grep "$(host $R):" | grep -q "slave,fail "'
check '... a fail-over to it is refused, with the reason' eval 'ends 4 failover --yes cart "$(address "$R")" && has "$ERR" "$(address "$R")"'
check '... and to whoever is best: there is nobody' eval 'ends 4 failover --yes cart "$(shard_of "$N")" && has "$ERR" "$(address "$R")"'
check '... nothing was changed' eval '! changes_list | grep -vE " (del|unlink) [0-9]+$"' # (what expires)
link_heal "$(server_machine "$R")"
check '... healed' wait_until 40 converged
OTHER=$(leader_but "$N")
link_cut "$(server_machine "$OTHER")"
HEIR=$(replica_of "$OTHER")
check 'another primary is cut off: its replica takes over' wait_until 30 '[ "$(role $HEIR)" = master ]'
machine_run vm0 redis-operator failover --yes --timeout 20s cart "$(address "$R")" >"$OUT" 2>"$ERR"
CODE=$?
check '... a fail-over meanwhile was done, or refused with a reason, and nothing between' eval \
	'[ $CODE = 0 ] && [ "$(role $R)" = master ] || { [ $CODE != 0 ] && [ -s "$ERR" ] && [ "$(role $N)" = master ]; }'
echo "# say: a fail-over wanted while another primary's machine was cut off: exit code $CODE"
link_heal "$(server_machine "$OTHER")"
check '... healed: converged, each slot has one owner' wait_until 40 '[ "$(role $OTHER)" = slave ] && converged'
check '... and what was wanted can be had' eval '[ "$(role $R)" = master ] || ends 0 failover --yes cart "$(address "$R")"'
check '... as all say' wait_until 20 '[ "$(role $R)" = master ] && converged'

# ---------------------------------------------------------------- rebuilt

N=$(follower)
VM=$(server_machine "$N") OLD=$(node_of "$N")
check 'clients write' ledger_start
machine_down "$VM"
find "$(machine_path "$VM")/var/lib/redis" -mindepth 1 -delete
check "a replica's host is rebuilt under its address" machine_up "$VM"
check '... the daemon takes the new one in' wait_until 40 'answers $N && [ "$(node_of $N)" != "$OLD" ] && [ "$(role $N)" = slave ] && nobody_lists "$OLD" && agreed && replicas_up'
check 'clients end' eval 'ledger_goes_on && ledger_end'
check '... nothing of it is lost' eval 'ledger_verify 0 && json ".lost == 0"'

N=$(leader_but)
VM=$(server_machine "$N") OLD=$(node_of "$N") HEIR=$(replica_of "$N")
machine_down "$VM"
check "a primary's host dies: its replica takes over" wait_until 30 '[ "$(role $HEIR)" = master ]'
find "$(machine_path "$VM")/var/lib/redis" -mindepth 1 -delete
check '... it is rebuilt' machine_up "$VM"
check '... the daemon takes it in, as a replica' wait_until 40 'answers $N && [ "$(node_of $N)" != "$OLD" ] && [ "$(role $N)" = slave ] && nobody_lists "$OLD" && converged'
check '... nothing is lost of what was written before' eval 'ledger_verify 0 && json ".lost == 0"'
