#!/bin/bash
# scripts.sh - shell scripts parse and pass shellcheck; none names a path of the machine it was written on
set -u
cd "$(dirname "$0")/../.." || exit 1
mapfile -t scripts < <(grep -rlE --exclude-dir=build --exclude-dir=.git --exclude-dir=autom4te.cache --exclude-dir=build-aux \
	'^#!/(usr/)?bin/(env )?(ba)?sh|^# shellcheck shell=' tests examples data src .ci 2>/dev/null | sort)
failed=0
for script in "${scripts[@]}"; do
	if ! why=$(bash -n "$script" 2>&1) || { command -v shellcheck >/dev/null &&
		# Live tests use what live.sh sets and set what it uses, and split `$(addresses)` on purpose.
		! why=$(shellcheck -S warning -e SC1091,SC2034,SC2046,SC2154 "$script" 2>&1); }; then
		echo "not ok - $script"
		sed 's/^/    /' <<<"$why"
		failed=1
	fi
done
[ "$failed" -ne 0 ] || echo "ok - ${#scripts[@]} shell scripts pass shellcheck"

# (the brackets keep this line from finding itself)
if found=$(grep -rnIE --exclude-dir=build --exclude-dir=.git --exclude=.git --exclude-dir=autom4te.cache --exclude-dir=build-aux \
	'(^|[^[:alnum:]_.-])/[w]ork/|/home/[a-z]' . 2>/dev/null); then
	echo 'not ok - no path of one machine in the tree'
	head -20 <<<"$found" | cut -c1-160 | sed 's/^/    /'
else
	echo 'ok - no path of one machine in the tree'
fi
exit 0
