# booted.sh - machines for tests: Debian booted by systemd, in containers with addresses of their own.
# shellcheck shell=bash
#
# A test of this kind is an executable bash script tests/booted/NAME.sh that begins
#
#     #!/bin/bash
#     # NAME.sh - what it shows
#     # timeout: 240
#     . "$(dirname "$0")/../lib/booted.sh"
#
# and goes on as a live test does: booted.sh ends with sourcing live.sh, so check, wait_until, topology, agreed,
# changes_begin ... are there. It prints `skip - booted/NAME: WHY` and ends where this system cannot have such machines.
#
# A machine is `systemd-nspawn -b` on an overlay: below, for all machines, a debootstrap'ed Debian that is made once and
# kept in the cache folder of peers.sh; above, the machine's own changes in memory, which survive its reboot.
#
# Sourcing starts the script anew in namespaces of its own (network, mounts, processes), whose first process it is.
# So nothing of this system is configured, and when the script ends, by kill -9 even, the kernel ends every
# process of the machines and forgets their mounts, links, addresses and files. What remains, empty cgroups, is removed
# by the waiting outer process, or else by the next test.
#
#   machine_up NAME...        machines with addresses of their own on one bridge; returns when they are booted
#   machine_down NAME         power off, as by its cord; what it wrote is kept: machine_up boots it again
#   machine_reboot NAME       `systemctl reboot` in it; returns when it is up again
#   machine_run NAME COMMAND...   in the machine, as root: output, exit code; never longer than BOOTED_RUN s (60)
#   machine_put NAME PATH [MODE]  writes standard input to that file of the machine
#   machine_journal NAME ARG...   journalctl -o json of the machine, one object a line (all boots)
#   machine_unit NAME UNIT PROPERTY   the property's value
#   machine_wait NAME SECONDS 'COMMAND'   polls the command in the machine
#   machine_address NAME      its address
#   machine_install NAME...   `make install` of BUILD_DIR into them, then systemd-sysusers, systemd-tmpfiles, daemon-reload
#   machine_path NAME         the machine's root, to look at from outside
#   link_cut NAME  link_heal NAME     the cord between the machine and the bridge
#   servers_up MACHINE PORT... [-- LINE...]   redis-server@PORT.service (Debian's template) in cluster mode, enabled and
#                             started. Each becomes the next node of live.sh: rcli I, agreed, changes_count, topology
#   server_machine I          the machine of node I
#   booted_journal_on_failure NAME UNIT   its journal is shown when the script ends with a failed case
#
# Variables: BUILD_DIR (the build to install; default: build/plain of the tree), BOOTED_REBUILD=yes (make the root anew).

# ---------------------------------------------------------------- outside: what is possible here, and the root

# shellcheck source=tests/lib/packages.sh
. "$(dirname "${BASH_SOURCE[0]}")/packages.sh"
# shellcheck source=tests/lib/peers.sh
. "$(dirname "${BASH_SOURCE[0]}")/peers.sh"

BOOTED_NAME=booted/$(basename "$0" .sh)
# What is in the root. The cache is keyed by all of it, and by the recipe below (count its version up with a change).
BOOTED_RECIPE=1
BOOTED_PACKAGES=(systemd systemd-sysv dbus libsystemd0 redis-server redis-tools libyaml-0-2 libhiredis0.14 libconfig9
	libsqlite3-0 libuv1 libjansson4 iproute2 procps)
BOOTED_LIMIT=420 # seconds to make it

booted_say() { echo "$*" >&2; return 1; }

# The hierarchies in which a machine needs a cgroup of its own: cgroup2, and on a hybrid system systemd's named one too.
booted_cgroups() { # prints our own cgroup's folder in each
	local kind root path
	while read -r _ _ _ _ root _ kind; do
		case " $kind" in
		*' - cgroup2 '*) path=$(sed -n 's/^0:://p' /proc/self/cgroup) ;;
		*' - cgroup '*name=systemd*) path=$(sed -n 's/^[0-9]*:name=systemd://p' /proc/self/cgroup) ;;
		*) continue ;;
		esac
		path=$root/${path#/}
		[ -d "$path" ] && echo "${path%/}"
	done </proc/self/mountinfo
}

# 0, or the reason on stderr. Every demand is tried, not guessed.
booted_possible() {
	local missing why folder try
	[ "$(id -u)" -eq 0 ] || { booted_say "only root can boot containers"; return; }
	mapfile -t missing < <(packages_missing "${PACKAGES_BOOTED[@]}")
	[ "${#missing[@]}" -eq 0 ] || { booted_say "not installed: ${missing[*]}"; return; }
	why=$(timeout -k 5 20 unshare --net --mount --pid --ipc --uts --fork --kill-child --mount-proc bash -c '
		mount -t tmpfs tmpfs /run && mkdir /run/lower /run/upper /run/work /run/root &&
			mount -t overlay overlay -o lowerdir=/run/lower,upperdir=/run/upper,workdir=/run/work /run/root &&
			ip link set lo up && ip link add rop0 type bridge && ip netns add one &&
			ip link add rop1 type veth peer name eth0 netns one' 2>&1) ||
		{ booted_say "the kernel or this container refuses namespaces, overlays, bridges or veth pairs: $(tail -1 <<<"$why")"; return; }
	folder=$(booted_cgroups)
	grep -q ' - cgroup2 ' /proc/self/mountinfo && [ -n "$folder" ] || { booted_say "no cgroup2 hierarchy is mounted"; return; }
	while read -r folder; do
		try=$folder/rop-booted.$$
		why=$(mkdir "$try" 2>&1 && bash -c 'echo $$ >"$1"/cgroup.procs' - "$try" 2>&1 && mkdir "$try/child" 2>&1)
		rmdir "$try/child" "$try" 2>/dev/null
		[ -z "$why" ] || { booted_say "cgroups cannot be delegated: $why"; return; }
	done < <(booted_cgroups)
}

booted_key() {
	# shellcheck source=/dev/null
	(. /etc/os-release && echo "${VERSION_CODENAME:-none}-$(dpkg --print-architecture)-$BOOTED_RECIPE-$(
		printf '%s\n' "${BOOTED_PACKAGES[@]}" | sha256sum | cut -c1-12)")
}

booted_make_root() { # booted_make_root FOLDER
	local root=$1 codename uri keyring log=$PEERS_CACHE/booted.log
	codename=$(booted_key)
	codename=${codename%%-*}
	peers_sources "$codename" >"$PEERS_CACHE/booted.sources" || { booted_say "this machine's apt sources have no Debian release"; return; }
	uri=$(sed -n 's/^URIs: *//p' "$PEERS_CACHE/booted.sources")
	keyring=$(sed -n 's/^Signed-By: *//p' "$PEERS_CACHE/booted.sources")
	rm -rf --one-file-system "$root".new.*
	local new=$root.new.$$ list
	printf -v list '%s,' "${BOOTED_PACKAGES[@]}"
	# In namespaces of its own: what it mounts and starts ends with it. Its /run is not this system's.
	timeout -k 10 "$BOOTED_LIMIT" unshare --mount --pid --fork --kill-child --mount-proc \
		debootstrap --variant=minbase ${keyring:+--keyring="$keyring"} --include="${list%,}" "$codename" "$new" "$uri" \
		>"$log" 2>&1 </dev/null
	local status=$?
	if [ "$status" -ne 0 ]; then
		rm -rf --one-file-system "$new"
		[ "$status" -ne 124 ] || { booted_say "debootstrap of $codename did not end within $BOOTED_LIMIT s"; return; }
		booted_say "debootstrap of $codename failed: $(grep -E '^E:|rror' "$log" | tail -1)"
		return
	fi
	rm -rf "$new"/var/cache/apt/archives/*.deb "$new"/var/lib/apt/lists/* "$new/etc/machine-id" "$new/etc/hostname"
	mkdir -p "$new/var/log/journal" # a journal that outlives a reboot
	# Nobody logs in, and what Debian does by the clock would only disturb measurements.
	chroot "$new" systemctl mask -q console-getty.service getty.target systemd-logind.service apt-daily.timer \
		apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer e2scrub_reap.service >>"$log" 2>&1
	chroot "$new" systemctl disable -q redis-server.service >>"$log" 2>&1
	chroot "$new" systemctl set-default -q multi-user.target >>"$log" 2>&1
	mv "$new" "$root"
}

# Prints the root's folder; makes it where there is none. One process at a time makes it.
booted_root() {
	local root
	root=$PEERS_CACHE/booted-$(booted_key)
	mkdir -p "$PEERS_CACHE" || { booted_say "no cache folder $PEERS_CACHE"; return; }
	(
		exec {lock}>"$PEERS_CACHE/.booted-lock"
		flock "$lock"
		[ -z "${BOOTED_REBUILD:-}" ] || rm -rf --one-file-system "$root"
		[ -d "$root" ] || booted_make_root "$root" {lock}>&-
	) || return
	echo "$root"
}

# Empty cgroups of tests that were killed together with their outer process, whose pid they are named for.
booted_sweep() { # booted_sweep NAME-PATTERN
	local folder old
	while read -r folder; do
		for old in "$folder"/$1; do
			# One that is in use cannot be removed, but one that is just being made could.
			[ "${old##*.}" = "$$" ] || ! kill -0 "${old##*.}" 2>/dev/null || continue
			[ ! -d "$old" ] || find "$old" -depth -type d -exec rmdir {} \; 2>/dev/null
		done
	done < <(booted_cgroups)
}

booted_enter() {
	local why root inner='' status
	why=$(booted_possible 2>&1) || { echo "skip - $BOOTED_NAME: $why"; exit 0; }
	root=$(booted_root 2>"${TMPDIR:-/tmp}/rop-booted.$$") ||
		{ why=$(tail -1 "${TMPDIR:-/tmp}/rop-booted.$$"); rm -f "${TMPDIR:-/tmp}/rop-booted.$$"; echo "skip - $BOOTED_NAME: $why"; exit 0; }
	rm -f "${TMPDIR:-/tmp}/rop-booted.$$"
	booted_sweep 'rop-booted.*'
	# unshare itself does not listen to signals: they are for the script, its child.
	trap 'inner=$(cat "/proc/$!/task/$!/children" 2>/dev/null); [ -z "$inner" ] || kill -TERM $inner' TERM INT HUP
	# Killed with -9 itself, it takes unshare along, which takes the script along, and that is the end of all inside.
	BOOTED_INSIDE=$$ BOOTED_ROOT=$root setpriv --pdeathsig KILL unshare --net --mount --pid --ipc --uts --fork \
		--kill-child --mount-proc --propagation private bash "$0" "$@" &
	while :; do
		status=0
		wait "$!" || status=$?
		kill -0 "$!" 2>/dev/null || break
	done
	# The kernel has ended every process of the machines by now, or does so at this moment.
	local end=$((SECONDS + 10))
	until booted_sweep "rop-booted.$$"; [ -z "$(booted_cgroups | sed "s|\$|/rop-booted.$$|" | xargs -r ls -d 2>/dev/null)" ]; do
		[ "$SECONDS" -lt "$end" ] || break
		sleep 0.05
	done
	exit "$status"
}

[ -n "${BOOTED_INSIDE:-}" ] || booted_enter "$@"

# ---------------------------------------------------------------- inside

# /run is this script's: systemd-nspawn and ip leave things there. So is the private folder, but when it is to be kept.
mount -t tmpfs -o mode=755 tmpfs /run && mkdir -p /run/netns /run/tmp || { echo 'not ok - a private /run'; exit 1; }
[ -n "${LIVE_KEEP:-}" ] || export TMPDIR=/run/tmp

# shellcheck source=tests/lib/live.sh
. "$(dirname "${BASH_SOURCE[0]}")/live.sh"

BUILD_DIR=${BUILD_DIR:-$TOP/build/plain}
BOOTED_RUN=${BOOTED_RUN:-60}
BOOTED_DIR=/run/rop-booted # in memory, and seen by nobody else
BOOTED_NET=10.77.0
BOOTED_SHOWN=()
declare -A MACHINE_NUMBER=() MACHINE_PID=() MACHINE_LEADER=()
NODE_MACHINE=() # of node I: its machine; NODE_PORT: its port
NODE_PORT=()

booted_world() {
	mkdir -p "$BOOTED_DIR" && ip link set lo up && ip link add rop0 type bridge && ip addr add "$BOOTED_NET.1/24" dev rop0 && ip link set rop0 up
}
booted_world || { not_ok 'a private network'; exit 1; }

booted_journal_on_failure() { BOOTED_SHOWN+=("$1 $2"); }

booted_end() { # before live_end: the machines' own words about a failure
	local pair
	[ "$LIVE_FAILED" -gt 0 ] || return 0
	for pair in "${BOOTED_SHOWN[@]}"; do
		echo "    journal of ${pair#* } on ${pair% *}, the end:"
		timeout 10 journalctl -q -D "$(machine_path "${pair% *}")/var/log/journal" -u "${pair#* }" -o short-monotonic --no-pager 2>&1 |
			tail -"${BOOTED_LINES:-40}" | sed 's/^/    | /'
	done
}
# live_end stays the last: it counts and gives the exit code.
trap 'booted_status=$?; booted_end; (exit $booted_status); live_end' EXIT

machine_path() { echo "$BOOTED_DIR/$1/root"; }
machine_address() { echo "$BOOTED_NET.$((10 + MACHINE_NUMBER[$1]))"; }

machine_make() { # its overlay and its end of the bridge, once
	local name=$1 dir=$BOOTED_DIR/$1
	MACHINE_NUMBER[$name]=$((${#MACHINE_NUMBER[@]} + 1))
	mkdir -p "$dir/upper" "$dir/work" "$dir/root" || return
	mount -t overlay overlay -o "lowerdir=$BOOTED_ROOT,upperdir=$dir/upper,workdir=$dir/work" "$dir/root" || return
	printf '%032x\n' "$((0xb007ed000 + MACHINE_NUMBER[$name]))" >"$dir/root/etc/machine-id"
	echo "$name" >"$dir/root/etc/hostname"
	printf '127.0.0.1 localhost\n%s %s\n' "$(machine_address "$name")" "$name" >"$dir/root/etc/hosts"
	ip netns add "$name" && ip link add "$name" type veth peer name eth0 netns "$name" &&
		ip link set "$name" master rop0 up && ip -n "$name" link set lo up &&
		ip -n "$name" addr add "$(machine_address "$name")/24" dev eth0 && ip -n "$name" link set eth0 up
}

# systemd-nspawn ends with 133 when the machine reboots (that is what --keep-unit means), and is started again: same
# root, same network, a new life. Its cgroup is its own, or the machines would find each other's units in it.
machine_life() {
	local name=$1 folder
	trap - EXIT INT TERM HUP PIPE
	while read -r folder; do
		mkdir -p "$folder/rop-booted.$BOOTED_INSIDE/$name"
		echo "$BASHPID" >"$folder/rop-booted.$BOOTED_INSIDE/$name/cgroup.procs" || exit
	done < <(booted_cgroups)
	while :; do
		# One cgroup2 hierarchy in the machine, as Debian has it, whatever the system around it has.
		SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 systemd-nspawn -q -b -D "$(machine_path "$name")" -M "$name" --register=no --keep-unit \
			--network-namespace-path="/run/netns/$name" --console=pipe --link-journal=no --resolv-conf=off --timezone=off
		[ $? -eq 133 ] || break
	done </dev/null >>"$BOOTED_DIR/$name/console" 2>&1
}

machine_leader() { # sets MACHINE_LEADER: the machine's first process as seen from here
	local name=$1 pid child
	# The life's child is systemd-nspawn, whose child is the machine's systemd. (These files end without a newline.)
	pid=$(cat "/proc/${MACHINE_PID[$name]}/task/${MACHINE_PID[$name]}/children" 2>/dev/null)
	pid=${pid%% *}
	child=$(cat "/proc/${pid:-none}/task/$pid/children" 2>/dev/null)
	child=${child%% *}
	[ -n "$child" ] || return
	[ "$(cat "/proc/$child/comm" 2>/dev/null)" = systemd ] || return
	MACHINE_LEADER[$name]=$child
}

machine_booted() { # machine_booted NAME [OTHER-THAN-THIS-BOOT]
	local state
	machine_leader "$1" || return
	[ -z "${2:-}" ] || [ "$(machine_boot "$1" 2>/dev/null)" != "$2" ] || return
	state=$(BOOTED_RUN=5 machine_run "$1" systemctl is-system-running 2>&1)
	[ "$state" = running ] || [ "$state" = degraded ] || { echo "$state"; return 1; }
}

# systemd-nspawn gives every boot of a container a boot id of its own.
machine_boot() { cat "/proc/${MACHINE_LEADER[$1]}/root/proc/sys/kernel/random/boot_id"; }

machine_wait_booted() { # machine_wait_booted NAME [BOOT]
	wait_until 60 "machine_booted '$1' '${2:-}'" && return
	echo "$1 does not boot; its console:"
	tail -20 "$BOOTED_DIR/$1/console"
	return 1
}

machine_up() {
	local name
	for name; do
		[ -n "${MACHINE_NUMBER[$name]:-}" ] || machine_make "$name" || return
		machine_life "$name" &
		MACHINE_PID[$name]=$!
		disown "$!"
	done
	for name; do machine_wait_booted "$name" || return; done
}

machine_down() {
	local pid start leader
	machine_leader "$1" || return 0
	leader=${MACHINE_LEADER[$1]} pid=${MACHINE_PID[$1]}
	pid_start "$pid" || return 0
	start=$REPLY
	kill -9 "$leader"
	while pid_lives "$pid" "$start"; do nap 0.01; done
	unset "MACHINE_LEADER[$1]"
}

machine_reboot() {
	local boot
	boot=$(machine_boot "$1")
	machine_run "$1" systemctl reboot || return
	machine_wait_booted "$1" "$boot"
}

machine_run() {
	local name=$1
	shift
	timeout -k 2 "$BOOTED_RUN" nsenter -t "${MACHINE_LEADER[$name]}" -m -u -i -n -p -C -r -w \
		env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C SYSTEMD_PAGER= "$@"
}

machine_put() {
	local path
	path=$(machine_path "$1")$2
	mkdir -p "${path%/*}" && cat >"$path" && chmod "${3:-644}" "$path"
}

machine_journal() {
	local name=$1
	shift
	machine_run "$name" journalctl -q -o json --no-pager "$@"
}

machine_unit() { machine_run "$1" systemctl show -P "$3" "$2"; }

machine_wait() { # the words are kept together: machine_wait vm 10 'test -e /x'
	local name=$1 seconds=$2
	shift 2
	wait_until "$seconds" "machine_run '$name' sh -c $(printf '%q' "$*")"
}

link_cut() { ip link set "$1" down; }
link_heal() { ip link set "$1" up; }

machine_install() {
	local name tree=$BOOTED_DIR/install
	if [ ! -d "$tree" ]; then
		make -s -C "$BUILD_DIR" install DESTDIR="$tree" >"$LIVE_DIR/install.log" 2>&1 || { tail -20 "$LIVE_DIR/install.log"; return 1; }
	fi
	for name; do
		cp -a "$tree/." "$(machine_path "$name")" || return
		machine_run "$name" systemd-sysusers && machine_run "$name" systemd-tmpfiles --create &&
			machine_run "$name" systemctl daemon-reload || return
	done
}

# ---------------------------------------------------------------- servers: nodes for live.sh, but in machines

server_machine() { echo "${NODE_MACHINE[$1]}"; }

servers_up() {
	local name=$1 port units=()
	shift
	local ports=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		ports+=("$1")
		shift
	done
	[ $# -eq 0 ] || shift
	for port in "${ports[@]}"; do
		{
			echo "port $port"
			echo "bind 0.0.0.0"
			echo "protected-mode no"
			echo "dir /var/lib/redis"
			echo "dbfilename dump-$port.rdb"
			echo "cluster-config-file nodes-$port.conf"
			echo "pidfile /run/redis-$port/redis-server.pid"
			echo "save \"\""
			echo "appendonly no"
			echo "cluster-enabled yes"
			echo "cluster-node-timeout $FLEET_TIMEOUT"
			# As in fleet_up: the slow log is the record of commands.
			echo "slowlog-log-slower-than 0"
			echo "slowlog-max-len 20000"
			[ $# -eq 0 ] || printf '%s\n' "$@"
		} | machine_put "$name" "/etc/redis/redis-$port.conf" 640
		machine_run "$name" chown redis:redis "/etc/redis/redis-$port.conf"
		units+=("redis-server@$port.service")
		NODE_MACHINE+=("$name")
		NODE_PORT+=("$port")
	done
	COUNT=${#NODE_MACHINE[@]}
	# Type=notify: returns when they serve.
	machine_run "$name" systemctl enable -q --now "${units[@]}"
}

# What live.sh says of its nodes, said of these. The server's own network namespace is entered: a cut link hides nothing.
rcli() {
	local i=$1
	shift
	timeout 5 nsenter --net="/run/netns/${NODE_MACHINE[$i]}" redis-cli -p "${NODE_PORT[$i]}" "$@"
}
port() { echo "${NODE_PORT[$1]}"; }
address() { echo "$(machine_address "${NODE_MACHINE[$1]}"):${NODE_PORT[$1]}"; }
addresses() {
	local i
	for ((i = 0; i < COUNT; i++)); do address "$i"; done
}
node_running() { [ -n "${NODE_MACHINE[$1]:-}" ]; }
