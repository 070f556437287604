# packages.sh - which Debian packages each purpose needs, and how to install the missing ones without starting a service.
# shellcheck shell=bash
#
# Sourced by examples/quickstart and tests/run. Debian's redis-server package starts a server on 6379 as it is
# installed, and enables it for the next boot; neither is wanted here, so while packages are being installed a
# policy-rc.d forbids every start, stop and restart, and a redis-server unit that came new is disabled again.
# What was installed or running before is not touched.

# shellcheck disable=SC2034  # the lists are for those who source this file
PACKAGES_BUILD=(gcc libc6-dev make autoconf automake pkg-config libyaml-dev libhiredis-dev libconfig-dev libsqlite3-dev
	libuv1-dev libjansson-dev libsystemd-dev libzstd-dev libssl-dev)
PACKAGES_RUN=(redis-server redis-tools)
PACKAGES_TEST=(libcriterion-dev clang clang-format shellcheck graphviz jq sqlite3 python3 python3-jsonschema python3-yaml xz-utils
	util-linux procps findutils diffutils socat
	mandoc bash-completion)
# libFuzzer, for tests/fuzz/run (Debian 12's name of it): wanted, not needed; without it that suite is skipped.
PACKAGES_FUZZ=(libclang-rt-14-dev)
# For machines that tests boot (tests/lib/booted.sh): wanted, not needed; without them these tests are skipped.
PACKAGES_BOOTED=(systemd systemd-container debootstrap iproute2 util-linux jq redis-tools)

PACKAGES_POLICY=/usr/sbin/policy-rc.d
PACKAGES_POLICY_MARK='redis-operator: no service starts while its packages are installed'
PACKAGES_MASK=/etc/systemd/system/redis-server.service

# packages_root COMMAND... - as root, through sudo where need be
packages_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "need root for: $* (become root, or install sudo)" >&2
		return 1
	fi
}

# packages_missing NAME... - prints those that are not installed
packages_missing() {
	local name
	for name; do
		[ "$(dpkg-query -W -f='${db:Status-Status}' "$name" 2>/dev/null)" = installed ] || echo "$name"
	done
}

# Undoes packages_forbid_services; also called when the installation is interrupted.
packages_allow_services() {
	if [ -f "$PACKAGES_POLICY" ] && grep -qF "$PACKAGES_POLICY_MARK" "$PACKAGES_POLICY"; then
		packages_root rm -f "$PACKAGES_POLICY"
	fi
	if [ "${packages_masked:-}" = yes ]; then
		packages_root rm -f "$PACKAGES_MASK"
		packages_masked=
	fi
}

packages_forbid_services() {
	packages_masked=
	if [ ! -e "$PACKAGES_POLICY" ]; then
		printf '#!/bin/sh\n# %s\nexit 101\n' "$PACKAGES_POLICY_MARK" |
			packages_root sh -c "umask 022; cat >'$PACKAGES_POLICY' && chmod 755 '$PACKAGES_POLICY'"
		return
	fi
	# Somebody's policy is there already (containers have one). It may allow what we do not want: then hide the unit.
	local answer=0
	packages_root "$PACKAGES_POLICY" redis-server start >/dev/null 2>&1 || answer=$?
	if [ "$answer" -ne 101 ] && [ ! -e "$PACKAGES_MASK" ] && [ ! -L "$PACKAGES_MASK" ]; then
		packages_root mkdir -p "${PACKAGES_MASK%/*}" && packages_root ln -s /dev/null "$PACKAGES_MASK" &&
			packages_masked=yes
	fi
}

# packages_install NAME... - installs the missing ones; 0 when all are there afterwards
packages_install() {
	local missing fresh_redis='' status=0
	mapfile -t missing < <(packages_missing "$@")
	[ "${#missing[@]}" -eq 0 ] && return 0
	if ! command -v apt-get >/dev/null; then
		echo "missing packages (this is not a Debian system, install them by hand): ${missing[*]}" >&2
		return 1
	fi
	[[ " ${missing[*]} " == *' redis-server '* ]] && fresh_redis=yes
	echo "installing ${missing[*]}" >&2
	local log
	log=$(mktemp) || return 1
	local options=(-y -q -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 --no-install-recommends)
	(
		# In a subshell, so that the traps of the caller stay as they are.
		trap 'packages_allow_services' EXIT
		trap 'exit 130' INT TERM HUP
		packages_forbid_services || exit 1
		packages_root apt-get update -q -o DPkg::Lock::Timeout=300 ||
			echo "apt-get update failed; trying with the lists that are there" >&2
		packages_root env DEBIAN_FRONTEND=noninteractive apt-get install "${options[@]}" "${missing[@]}"
	) >"$log" 2>&1 </dev/null || status=1
	if [ "$fresh_redis" = yes ]; then
		packages_disable_redis
	fi
	mapfile -t missing < <(packages_missing "$@")
	if [ "$status" -ne 0 ] || [ "${#missing[@]}" -ne 0 ]; then
		tail -30 "$log" >&2
		rm -f "$log"
		echo "could not install: ${missing[*]:-(apt-get failed)}" >&2
		return 1
	fi
	rm -f "$log"
}

# The unit that came with the package would start at the next boot.
packages_disable_redis() {
	if command -v systemctl >/dev/null; then
		packages_root systemctl disable -q redis-server.service >/dev/null 2>&1
	elif command -v deb-systemd-helper >/dev/null; then
		packages_root deb-systemd-helper disable redis-server.service >/dev/null 2>&1
	fi
	if command -v update-rc.d >/dev/null; then
		packages_root update-rc.d redis-server disable >/dev/null 2>&1
	fi
	return 0
}
