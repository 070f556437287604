#!/bin/bash
# circles.sh - no files that stand on each other: among what is included, and among what objects call
#
# circles.sh     in the source tree; with BUILD_DIR (a plain build of it) also looks into the objects
#
# A circle is two or more files of which each reaches each other one: none of them can be understood, moved or tested
# without the rest. It is named whole, with the edges that close it.
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
edges=$(mktemp) || exit 1
trap 'rm -f "$edges" "$edges".*' EXIT

circles() { # circles NAME - reads lines `FROM TO WHY` in $edges, says ok or names each circle
	local found
	found=$(awk '
		{ if ($1 != $2 && !(($1, $2) in why)) { why[$1, $2] = $3; to[$1] = to[$1] " " $2; file[$1]; file[$2] } }
		function walk(at, seen,    n, i, next_) {
			n = split(to[at], next_, " ")
			for (i = 1; i <= n; i++)
				if (!(next_[i] in seen)) { seen[next_[i]]; walk(next_[i], seen) }
		}
		END {
			for (a in file) { delete seen; walk(a, seen); for (b in seen) reach[a, b] }
			for (a in file) {
				if (!((a, a) in reach)) continue
				first = a
				for (b in file) if (((a, b) in reach) && ((b, a) in reach) && b < first) first = b
				for (b in file) if (((a, b) in why) && ((b, a) in reach))
					print first, "circle of " first ": " a " -> " b " (" why[a, b] ")"
			}
		}' "$edges" | sort | cut -d' ' -f2-)
	if [ -n "$found" ]; then
		echo "not ok - $1"
		sed 's/^/    /' <<<"$found"
	else
		echo "ok - $1 ($(cut -d' ' -f1,2 "$edges" | sort -u | wc -l) edges)"
	fi
}

# What a name means: rop/NAME.h is include/rop/NAME.h, a bare one is of the same folder.
grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]*"' src include |
	sed -E 's/^([^:]*):([0-9]*):[^"]*"([^"]*)".*/\1 \2 \3/' | while read -r file line name; do
	case $name in
	rop/*) target=include/$name ;;
	*) target=$(dirname "$file")/$name ;;
	esac
	[ -e "$target" ] && echo "$file $target line-$line"
done >"$edges"
[ -s "$edges" ] || { echo 'not ok - there are includes to look at'; exit 0; }
circles 'no files include each other in a circle'

if [ -z "${BUILD_DIR:-}" ]; then
	echo 'skip - circles of calls: no BUILD_DIR'
	exit 0
fi
# Who defines what, then who needs it. A file that is gone may have left its object behind.
(cd "$BUILD_DIR" && find src -name '*.o' ! -name '*.asan.o' | sort) | while read -r object; do
	source=${object%.o}.c
	[ -e "$source" ] || source=$(dirname "$object")/$(basename "$object" | sed -E 's/^[a-z_]*-//; s/\.o$/.c/')
	[ -e "$source" ] || continue
	nm -f posix -g "$BUILD_DIR/$object" | awk -v source="$source" '{ print source, $2, $1 }'
done >"$edges.symbols"
awk 'NR == FNR { if ($2 != "U") home[$3] = $1; next }
	$2 == "U" && ($3 in home) { print $1, home[$3], $3 }' "$edges.symbols" "$edges.symbols" | sort -u >"$edges"
[ -s "$edges" ] || { echo "not ok - there are objects in $BUILD_DIR"; exit 0; }
circles 'no files call each other in a circle, within a folder or over folders'
exit 0
