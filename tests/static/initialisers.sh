#!/bin/bash
# initialisers.sh - what is shared is initialised by name: a member that comes later must not shift what others meant
#
# initialisers.sh     in the source tree; BUILD_DIR is a build of it, for what is generated
#
# Each struct of include/rop gets gcc's attribute designated_init, in a copy; the compiler then knows better than any
# pattern. `{ 0 }` is all zeros, whatever there is. A field of the log is a pair by its nature, and written by ROP_FIELDS.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
if [ -z "${BUILD_DIR:-}" ]; then
	echo 'skip - shared structs are initialised by name: no BUILD_DIR'
	exit 0
fi
copy=$(mktemp -d) || exit 1
trap 'rm -rf "$copy"' EXIT
cp -r include/rop "$copy/"
sed -E -i '/^struct rop_log_field /!s/^struct (rop_[a-z_]+) \{/struct __attribute__((designated_init)) \1 {/' "$copy"/rop/*.h
marked=$(cat "$copy"/rop/*.h | grep -c 'designated_init')
printf '#include "rop/topology.h"\nstruct rop_setting s = { "a", "b" };\n' >"$copy/proof.c"
compile() { gcc -std=gnu11 -fsyntax-only -fno-diagnostics-show-caret -I"$copy" -Isrc/cli -I"$BUILD_DIR" "$1" 2>&1; }
if ! command -v gcc >/dev/null || ! compile "$copy/proof.c" | grep -q 'positional initialization'; then
	echo 'skip - shared structs are initialised by name: no gcc that knows designated_init'
	exit 0
fi
for file in src/*/*.c; do compile "$file"; done >"$copy/said"
awk -F: '/: (fatal )?error: /' "$copy/said" >"$copy/bad"
grep 'warning: positional initialization' "$copy/said" | sort -u -t: -k1,1 -k2,2n -k3,3n | while IFS=: read -r file line column _; do
	# The compiler counts columns with tabs of 8.
	[[ $(sed -n "${line}p" "$file" | expand | cut -c"$column-") == '0 }'* ]] ||
		echo "$file:$line: $(sed -n "${line}s/^[[:space:]]*//p" "$file")"
done | uniq >>"$copy/bad"
if [ -s "$copy/bad" ]; then
	echo 'not ok - shared structs are initialised by name'
	sed 's/^/    /' "$copy/bad"
else
	echo "ok - all $marked structs of include/rop are initialised by name"
fi
exit 0
