#!/bin/bash
# root.sh - the root that booted machines stand on is made, or found in the cache; one machine boots on it, and again
# timeout: 500
. "$(dirname "$0")/../lib/booted.sh"

started=$EPOCHREALTIME
check 'a machine boots' machine_up one || exit 1
booted=$EPOCHREALTIME
check 'its first process is systemd, and all its units are well' eval \
	'[ "$(machine_run one cat /proc/1/comm)" = systemd ] && [ "$(machine_run one systemctl is-system-running)" = running ] ||
		{ machine_run one systemctl --failed; false; }'
check 'a command in it gives its exit code and output' eval \
	'code=0; machine_run one sh -c "cat /etc/hostname; exit 7" >"$LIVE_DIR/said" || code=$?
	[ "$code" = 7 ] && [ "$(cat "$LIVE_DIR/said")" = one ]'
check 'it has an address of its own' eval '[ "$(machine_run one hostname -I | xargs)" = "$(machine_address one)" ]'
echo kept | machine_put one /var/lib/kept
first=$(machine_boot one)
rebooted=$EPOCHREALTIME
check 'it reboots' machine_reboot one
again=$EPOCHREALTIME
check 'into another life, with what it wrote and with its journal' eval \
	'[ "$(machine_boot one)" != "$first" ] && [ "$(machine_run one cat /var/lib/kept)" = kept ] &&
		[ "$(machine_journal one _PID=1 | jq -r ._BOOT_ID | sort -u | wc -l)" = 2 ] &&
		[ "$(machine_journal one _PID=1 MESSAGE="Reached target multi-user.target - Multi-User System." | wc -l)" = 2 ]'
check 'its power can be cut' machine_down one
check 'and given again' machine_up one
check 'with what it wrote' eval '[ "$(machine_run one cat /var/lib/kept)" = kept ]'
check 'a second machine boots beside it' machine_up two
check 'each has units of its own' eval \
	'machine_run two systemctl start redis-server && [ "$(machine_unit two redis-server ActiveState)" = active ] &&
		[ "$(machine_unit one redis-server ActiveState)" = inactive ]'
check 'they reach each other' eval \
	'machine_run two redis-cli -h "$(machine_address two)" CONFIG SET bind "0.0.0.0" >/dev/null;
	machine_run two redis-cli CONFIG SET bind "0.0.0.0" protected-mode no >/dev/null;
	[ "$(machine_run one redis-cli -h "$(machine_address two)" PING)" = PONG ]'
link_cut two
check 'but not over a cut link' eval '! BOOTED_RUN=1 machine_run one redis-cli -h "$(machine_address two)" PING'
link_heal two
check 'which can be healed' wait_until 10 '[ "$(BOOTED_RUN=2 machine_run one redis-cli -h "$(machine_address two)" PING)" = PONG ]'
milliseconds() { echo $(((${2/./} - ${1/./}) / 1000)); }
echo "# say: boot $(milliseconds "$started" "$booted") ms, reboot $(milliseconds "$rebooted" "$again") ms"
