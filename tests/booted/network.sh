#!/bin/bash
# network.sh - six machines with a server each and the operator on one of them; links are cut and healed
# timeout: 240
. "$(dirname "$0")/../lib/booted.sh"
FLEET_TIMEOUT=2000
UNIT=redis-operator.service
VMS=(vm0 vm1 vm2 vm3 vm4 vm5)
booted_journal_on_failure vm0 $UNIT

operator() { machine_run vm0 redis-operator "$@"; }
status() { operator --state /var/lib/redis-operator/state.db status cart; }
status_text() { machine_unit vm0 $UNIT StatusText; }
converged() { [[ $(status_text) == '1 of 1 cluster converged'* ]] && agreed && replicas_up; }
cursor() { machine_journal vm0 -n 1 | jq -r .__CURSOR; }
said() { machine_journal vm0 --after-cursor="$1" -u $UNIT | jq -c '{MESSAGE, STATE_FROM, STATE_TO, WHY, REDIS_NODE, PRIORITY}'; }
node_of() { rcli "$1" CLUSTER NODES | tr -d '\r' | awk '$3 ~ /myself/ { print $1 }'; }
role() { rcli "$1" ROLE | head -1; }
flags_of() { # flags_of I IN-THE-VIEW-OF
	rcli "$2" CLUSTER NODES | tr -d '\r' | awk -v id="${ID[$1]}" '$1 == id { print $3 }'
}
members() { rcli "$1" CLUSTER NODES | tr -d '\r' | awk '{ print $1 }' | sort; }
replica_of() { # the node that follows node I
	local i
	for ((i = 0; i < COUNT; i++)); do
		[ "$(rcli $i CLUSTER NODES | tr -d '\r' | awk '$3 ~ /myself/ { print $4 }')" = "${ID[$1]}" ] && echo $i && return
	done
	return 1
}

booting=$EPOCHREALTIME
check 'six machines boot' machine_up "${VMS[@]}" || exit 1
echo "# say: six machines booted in $(((${EPOCHREALTIME/./} - ${booting/./}) / 1000)) ms"
for vm in "${VMS[@]}"; do
	servers_up "$vm" 7000 || { not_ok "a server on $vm"; exit 1; }
done
check 'the operator is installed on one of them' machine_install vm0 || exit 1
topology "$LIVE_DIR/cart.yaml" 3 1 'intervals: { observe: 500ms, connectTimeout: 1s, commandTimeout: 1s }'
machine_put vm0 /etc/redis-operator/clusters.d/cart.yaml <"$LIVE_DIR/cart.yaml"
sed -n '/nodes:/,$p' "$LIVE_DIR/cart.yaml" >"$LIVE_DIR/nodes"
check 'its file names six addresses' test "$(grep -c "10.77.0.*:7000" "$LIVE_DIR/nodes")" = 6
forming=$EPOCHREALTIME
check 'the service starts' machine_run vm0 systemctl start $UNIT
check 'a cluster is formed across the machines' wait_until 40 converged || exit 1
echo "# say: formed across six machines in $(((${EPOCHREALTIME/./} - ${forming/./}) / 1000)) ms"
ID=()
for ((i = 0; i < COUNT; i++)); do ID+=("$(node_of $i)"); done
members 0 >"$LIVE_DIR/members"

# ---- the link of a replica's machine: nothing in Redis has to change
cut=$(for i in 1 2 3 4 5; do [ "$(role $i)" = slave ] && echo $i; done | tail -1)
changes_begin
at=$(cursor)
link_cut "vm$cut"
check 'a replica cut off: the others agree that it failed' wait_until 30 '[[ $(flags_of $cut 0) == *fail ]] && [[ $(flags_of $cut 1) == *fail ]]'
check 'observed: the state is Degraded, for people' wait_until 20 '[[ $(status_text) == *"cart Degraded"* ]]'
check 'and in the journal, with why' eval 'said "$at" | grep "\"STATE_TO\":\"Degraded\""'
check 'the node is named there' eval 'said "$at" | grep -F "$(address $cut)"'
check 'and by status' eval 'status >"$LIVE_DIR/status" 2>&1; grep -q Degraded "$LIVE_DIR/status" && grep -F "$(address $cut)" "$LIVE_DIR/status" ||
	{ cat "$LIVE_DIR/status"; false; }'
# Longer than the node timeout, and many passes of the operator: by its own count of looks at a node that answers.
looks() { rcli 1 INFO commandstats | tr -d '\r' | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\),.*/\1/p'; }
seen=$(looks)
check 'it goes on looking' wait_until 20 '[ "$(looks)" -ge $((seen + 10)) ]'
check 'but does nothing: not one changing command on any node' no_changes
check 'and forgets nobody' eval 'for i in 0 1 2; do members $i | diff "$LIVE_DIR/members" - || exit 1; done'
link_heal "vm$cut"
check 'healed: converged again' wait_until 40 converged
check 'by itself: still not one changing command' no_changes
check 'told in the journal' wait_until 10 'said "$at" | grep -q "\"STATE_TO\":\"Ready\""'

# ---- the link of a primary's machine: its replica takes over, the operator only looks on
cut=$(for i in 1 2 3 4 5; do [ "$(role $i)" = master ] && echo $i; done | head -1)
heir=$(replica_of "$cut")
at=$(cursor)
changes_begin
link_cut "vm$cut"
check 'a primary cut off: its replica takes over' wait_until 30 '[ "$(role $heir)" = master ]'
check 'observed as Degraded' wait_until 20 '[[ $(status_text) == *"cart Degraded"* ]]'
seen=$(rcli "$heir" INFO commandstats | tr -d '\r' | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\),.*/\1/p')
check 'and named by status' eval 'status >"$LIVE_DIR/status" 2>&1; grep -F "$(address $cut)" "$LIVE_DIR/status" || { cat "$LIVE_DIR/status"; false; }'
looks() { rcli "$heir" INFO commandstats | tr -d '\r' | sed -n 's/^cmdstat_cluster|nodes:calls=\([0-9]*\),.*/\1/p'; }
check 'it goes on looking' wait_until 20 '[ "$(looks)" -ge $((seen + 10)) ]'
check 'and changes nothing' no_changes
link_heal "vm$cut"
back() { [ "$(role $cut)" = slave ] && [ "$(replica_of $heir)" = "$cut" ] && converged; }
check 'healed: the old primary follows the new one, and all is Ready' wait_until 40 back
check 'and the operator has not changed anything' no_changes
check 'it is the same six nodes' eval 'members 0 | diff "$LIVE_DIR/members" -'

# ---- the operator's own machine cut off: a minority must not act
at=$(cursor)
changes_begin
link_cut vm0
check 'the operator cut off from the majority: it says that it cannot decide' wait_until 30 '[[ $(status_text) == *"cart Blocked"* ]]'
check 'and changes nothing' no_changes
link_heal vm0
check 'healed: Ready again' wait_until 60 converged
check 'without a changing command' no_changes
