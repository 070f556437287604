#!/bin/bash
# service.sh - the installed service under a real systemd: it forms, is killed, reloaded, stopped, hung and rebooted
# timeout: 240
. "$(dirname "$0")/../lib/booted.sh"
FLEET_TIMEOUT=2000
UNIT=redis-operator.service
booted_journal_on_failure vm $UNIT

show() { machine_unit vm $UNIT "$1"; }
main_pid() { show MainPID; }
clusters_d=/etc/redis-operator/clusters.d
operator() { machine_run vm redis-operator "$@"; }
converged() { [[ $(show StatusText) == '1 of 1 cluster converged'* ]] && agreed && replicas_up; }
epochs() { # of every node: its id, and the epochs that a fail-over or a new formation would raise
	local i
	for ((i = 0; i < COUNT; i++)); do
		echo "$i $(rcli $i CLUSTER MYID) $(rcli $i CLUSTER INFO | tr -d '\r' | grep -E '^cluster_(current|my)_epoch:' | xargs)"
	done
}
transitions() { # journal entries of the service that have the fields of a transition, since a cursor (or of all time)
	machine_journal vm -u $UNIT ${1:+--after-cursor="$1"} | jq -c 'select(.STATE_FROM)'
}
cursor() { machine_journal vm -n 1 | jq -r .__CURSOR; }
forget_all() { # every server as new again, and the operator without memory
	machine_run vm systemctl stop $UNIT 'redis-server@*' &&
		machine_run vm sh -c 'rm -rf /var/lib/redis/* /var/lib/redis-operator/*' &&
		machine_run vm systemctl start redis-server@{7000..7005}
}

check 'a machine boots' machine_up vm || exit 1
check 'the program is installed into it, with its user and its folders' machine_install vm || exit 1
check 'the user exists, has no shell and no way in' eval \
	'machine_run vm getent passwd redis-operator | grep -qE ":/var/lib/redis-operator:.*(nologin|false)$"'
check 'the folders are there as tmpfiles.d says' eval \
	'[ "$(machine_run vm stat -c %U:%a /var/lib/redis-operator)" = redis-operator:700 ] &&
		[ "$(machine_run vm stat -c %U:%a $clusters_d)" = root:755 ]'
check 'systemd finds nothing wrong with the units' machine_run vm systemd-analyze verify --man=no $UNIT redis-operator-apply@cart.timer
check 'six servers run' servers_up vm 7000 7001 7002 7003 7004 7005 || exit 1
topology "$LIVE_DIR/cart.yaml" 3 1 || exit 1

# ---- killed in the middle: the journal says when it is in the middle
machine_put vm $clusters_d/cart.yaml <"$LIVE_DIR/cart.yaml"
in_the_middle() { transitions "$at" | grep -q '"STATE_TO":"Configure"'; }
# Forming takes a second. Where looking into the journal takes longer, it is tried again with new servers.
for ((try = 1; try <= 3; try++)); do
	at=$(cursor) begun=$EPOCHREALTIME
	machine_run vm systemctl start --no-block $UNIT
	wait_until 20 in_the_middle >"$LIVE_DIR/middle" || break
	machine_run vm systemctl kill -s KILL $UNIT
	half=$(rcli 0 CLUSTER INFO | tr -d '\r' | grep -c 'cluster_state:ok')
	[ "$half" != 0 ] || break
	[ "$try" = 3 ] || forget_all
done
check 'killed with -9 after it began to form and before the cluster is whole' test "${half:-never began}" = 0
check 'systemd starts it again' wait_until 10 '[ "$(show NRestarts)" -ge 1 ] && [ "$(show ActiveState)" = active ]'
check 'and the cluster is completed' wait_until 30 converged
echo "# say: killed with -9 in mid-formation, converged $(((${EPOCHREALTIME/./} - ${begun/./}) / 1000)) ms after its first start"
check 'of three primaries and three replicas' test "$(ranges 0)" = '0-5460 5461-10922 10923-16383'

# ---- what is told
check 'it does not run as root' eval '[ "$(machine_run vm ps -o user= -p "$(main_pid)" | tr -d " ")" = redis-operator ] ||
	[ "$(machine_run vm ps -o uid= -p "$(main_pid)" | tr -d " ")" = "$(machine_run vm id -u redis-operator)" ]'
check 'systemctl status names the cluster and its state' eval \
	'machine_run vm systemctl status $UNIT >"$LIVE_DIR/said"; grep -E "Status: .*cart Ready" "$LIVE_DIR/said" || { cat "$LIVE_DIR/said"; false; }'
transitions >"$LIVE_DIR/moves"
check 'the journal has each transition with its fields' eval \
	'[ -s "$LIVE_DIR/moves" ] && jq -es "all(.[]; .REDIS_CLUSTER == \"cart\" and (.STATE_TO | length > 0) and (.WHY | length > 0) and
		.PRIORITY == \"6\" and .SYSLOG_IDENTIFIER == \"redis-operator\")" "$LIVE_DIR/moves" >/dev/null'
check 'so that the journal can be asked for a cluster' eval \
	'[ "$(machine_journal vm REDIS_CLUSTER=cart STATE_TO=Ready | wc -l)" -ge 1 ]'
check 'nothing in the journal is an error' test -z "$(machine_journal vm -u $UNIT -p err _SYSTEMD_UNIT=$UNIT)"
check 'history knows both lives' eval 'machine_run vm redis-operator history cart | grep -q Ready'

# ---- reload, stop, start
changes_begin
pid=$(main_pid)
at=$(cursor)
check 'systemctl reload' machine_run vm systemctl reload $UNIT
check 'was done by the same process' eval \
	'machine_journal vm -u $UNIT --after-cursor="$at" | jq -r .MESSAGE | grep -q "configuration read again" && [ "$(main_pid)" = "$pid" ] &&
		[ "$(show ActiveState)" = active ]'
stopped=$EPOCHREALTIME
check 'systemctl stop' machine_run vm systemctl stop $UNIT
stopped=$(((${EPOCHREALTIME/./} - ${stopped/./}) / 1000))
check 'is clean' test "$(show Result) $(show ActiveState) $(show ExecMainStatus)" = 'success inactive 0'
check "and quick (within 2 s)" test "$stopped" -lt 2000
started=$EPOCHREALTIME
check 'started again, it is ready when systemctl returns: it has looked at the cluster' eval \
	'machine_run vm systemctl start $UNIT && [[ $(show StatusText) == *cart* ]]'
echo "# say: stop $stopped ms, start until READY $(((${EPOCHREALTIME/./} - ${started/./}) / 1000)) ms"
check 'converged' wait_until 20 converged
check 'none of this changed anything' no_changes

# ---- the host reboots
check 'it is enabled' machine_run vm systemctl enable -q $UNIT
epochs >"$LIVE_DIR/epochs"
lives=$(machine_journal vm -u $UNIT MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l)
check 'the host reboots' machine_reboot vm
changes_begin # (restarted servers count from nought)
check 'everything comes up by itself' wait_until 60 converged
check 'started once more by systemd alone' eval \
	'[ "$(machine_journal vm -u $UNIT MESSAGE_ID=39f53479d3a045ac8e11786248231fbf | wc -l)" = $((lives + 1)) ]'
epochs >"$LIVE_DIR/epochs.after"
check 'the same nodes with the same epochs: nothing was formed again' same "$LIVE_DIR/epochs" "$LIVE_DIR/epochs.after"
changes_snapshot "$LIVE_DIR/since"
check 'and not one changing command since the boot' eval '! [ -s "$LIVE_DIR/since" ] || { cat "$LIVE_DIR/since"; false; }'

# ---- the watchdog
machine_put vm /etc/systemd/system/$UNIT.d/watchdog.conf <<'END'
[Service]
WatchdogSec=3s
END
machine_run vm systemctl daemon-reload
check 'a drop-in with a watchdog of 3 s' machine_run vm systemctl restart $UNIT
check 'is fed' wait_until 20 converged
restarts=$(show NRestarts) pid=$(main_pid) at=$(cursor) fed=$(show WatchdogTimestampMonotonic)
check 'in time' wait_until 5 '[ "$(show WatchdogTimestampMonotonic)" != "$fed" ]'
frozen=$EPOCHREALTIME
machine_run vm kill -STOP "$pid"
check 'the process is hung: systemd kills it and starts another' wait_until 10 '[ "$(show NRestarts)" -gt "$restarts" ] && [ "$(show ActiveState)" = active ]'
bite=$(((${EPOCHREALTIME/./} - ${frozen/./}) / 1000))
check 'within twice its time' test "$bite" -lt 6000
echo "# say: watchdog of 3 s: running again $bite ms after it was hung"
check 'another process' test "$(main_pid)" != "$pid"
check 'the journal says why' eval \
	'machine_journal vm --after-cursor="$at" UNIT=$UNIT | jq -r "[.UNIT_RESULT // \"\", .MESSAGE] | join(\" \")" | grep -i "^watchdog .*failed with result" ||
		{ machine_journal vm --after-cursor="$at" | jq -r .MESSAGE; false; }'
check 'converged after' wait_until 20 converged
check 'nothing was changed by it' eval 'changes_snapshot "$LIVE_DIR/since"; ! [ -s "$LIVE_DIR/since" ] || { cat "$LIVE_DIR/since"; false; }'
machine_run vm rm -r /etc/systemd/system/$UNIT.d
machine_run vm systemctl daemon-reload

# ---- a secret that systemd hands over
SECRET=hunter2-$RANDOM$RANDOM
machine_run vm systemctl stop $UNIT
machine_run vm rm $clusters_d/cart.yaml
forget_all || not_ok 'new servers'
export REDISCLI_AUTH=$SECRET
# (CONFIG REWRITE has written the default user, without a password: that line would win over requirepass.)
machine_run vm sh -c "for f in /etc/redis/redis-70*.conf; do sed -i '/^user default /d' \$f; printf 'requirepass $SECRET\nmasterauth $SECRET\n' >>\$f; done"
machine_run vm systemctl restart redis-server@{7000..7005}
printf '%s\n' "$SECRET" | machine_put vm /etc/redis-operator/credentials/cart 600
machine_run vm chown root:root /etc/redis-operator/credentials/cart
machine_put vm /etc/systemd/system/$UNIT.d/secret.conf <<'END'
[Service]
LoadCredential=cart:/etc/redis-operator/credentials/cart
END
machine_run vm systemctl daemon-reload
topology "$LIVE_DIR/secret.yaml" 3 1 'auth: { credential: cart }'
machine_put vm $clusters_d/cart.yaml <"$LIVE_DIR/secret.yaml"
at=$(cursor)
check 'with a password that only root can read, by LoadCredential=' machine_run vm systemctl start $UNIT
check 'a cluster is formed' wait_until 90 converged
check 'the password is not in the journal' eval '! machine_journal vm --after-cursor="$at" | grep -F "$SECRET"'
check 'nor in the arguments, the environment or the database' eval \
	'pid=$(main_pid); ! machine_run vm sh -c "cat /proc/$pid/cmdline /proc/$pid/environ /var/lib/redis-operator/*" | grep -aqF "$SECRET"'
