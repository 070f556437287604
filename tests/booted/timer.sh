#!/bin/bash
# timer.sh - without a daemon: the timer forms a cluster, is silent while there is nothing to do, and repairs
# timeout: 180
. "$(dirname "$0")/../lib/booted.sh"
FLEET_TIMEOUT=2000
UNIT=redis-operator-apply@cart.service
TIMER=redis-operator-apply@cart.timer
booted_journal_on_failure vm $UNIT

cursor() { machine_journal vm -n 1 | jq -r .__CURSOR; }
ends() { # runs of the unit that ended well since the cursor
	machine_journal vm --after-cursor="$1" UNIT=$UNIT MESSAGE_ID=7ad2d189f7e94e70a38c781354912448 | wc -l
}
lines() { # what the program itself said since the cursor
	machine_journal vm --after-cursor="$1" _SYSTEMD_UNIT=$UNIT | jq -r .MESSAGE
}
whole() { agreed && replicas_up; }

check 'a machine boots' machine_up vm || exit 1
check 'the program is installed into it' machine_install vm || exit 1
check 'six servers run' servers_up vm 7000 7001 7002 7003 7004 7005 || exit 1
topology "$LIVE_DIR/cart.yaml" 3 1
machine_put vm /etc/redis-operator/clusters.d/cart.yaml <"$LIVE_DIR/cart.yaml"
# Every five minutes is too long for a test: one second after it is started, and two after each run.
machine_put vm /etc/systemd/system/$TIMER.d/test.conf <<'END'
[Timer]
OnCalendar=
Persistent=no
RandomizedDelaySec=0
OnActiveSec=1s
OnUnitInactiveSec=2s
AccuracySec=10ms
END
machine_run vm systemctl daemon-reload
at=$(cursor) begun=$EPOCHREALTIME
check 'the timer is enabled and started; nothing else is' machine_run vm systemctl enable -q --now $TIMER
check 'it forms the cluster' wait_until 30 whole
check 'in a run that ends well' wait_until 20 '[ "$(ends "$at")" -ge 1 ] && [ "$(machine_unit vm $UNIT Result)" = success ]'
echo "# say: by the timer: $(lines "$at" | grep -m1 'converged in')"
check 'and tells what it did' test -n "$(lines "$at")"
check 'it does not run as root' test "$(machine_run vm stat -c %U /var/lib/redis-operator/state.db)" = redis-operator

at=$(cursor)
changes_begin
check 'it runs again, and again' wait_until 20 '[ "$(ends "$at")" -ge 2 ]'
check 'these say nothing: there was nothing to do' test -z "$(lines "$at")"
check 'and change nothing' no_changes

# One replica too many here, none there: as when a person repeats a CLUSTER REPLICATE at the wrong prompt.
replica=$(for ((i = 0; i < COUNT; i++)); do [[ $(rcli $i ROLE | head -1) = slave ]] && echo $i; done | head -1)
followed() { # the primaries' ids, each as often as it has replicas
	rcli 0 CLUSTER NODES | tr -d '\r' | awk '$3 ~ /slave/ { print $4 }' | sort
}
followed >"$LIVE_DIR/followed"
of=$(rcli "$replica" CLUSTER NODES | tr -d '\r' | awk '$3 ~ /myself/ { print $4 }')
other=$(grep -vxF "$of" "$LIVE_DIR/followed" | head -1)
at=$(cursor)
check 'a replica is made to follow another primary' test "$(rcli "$replica" CLUSTER REPLICATE "$other")" = OK
check 'which is seen' wait_until 10 '! followed | cmp -s "$LIVE_DIR/followed" -'
roles_right() { followed | diff "$LIVE_DIR/followed" - && whole; }
check 'the next run repairs that' wait_until 30 roles_right
check 'and says so' wait_until 10 '[ -n "$(lines "$at")" ]'
at=$(cursor)
check 'after that there is nothing to do again' wait_until 20 '[ "$(ends "$at")" -ge 2 ]'
check 'and nothing is said' eval '[ -z "$(lines "$at")" ] || { lines "$at"; false; }'

check 'the host reboots' machine_reboot vm
at=$(cursor)
check 'the timer goes on by itself' wait_until 30 '[ "$(ends "$at")" -ge 1 ]'
check 'with the cluster as it was' wait_until 20 'roles_right'
