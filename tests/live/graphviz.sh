#!/bin/sh
# graphviz.sh - Graphviz draws every committed .dot file without a complaint.
#
# Prints `ok - ...`, `not ok - ...` or `skip - why` lines; fails when one is not ok. No arguments.
here=$(dirname "$0")/../..
if ! command -v dot >/dev/null 2>&1; then
	echo "skip - Graphviz (dot) is not installed"
	exit 0
fi
failed=0 drawn=0
for file in "$here"/states/*.dot "$here"/tests/golden/*.dot; do
	[ -e "$file" ] || continue
	drawn=$((drawn + 1))
	name=${file#"$here"/}
	if ! complaints=$(dot -Tsvg -o /dev/null "$file" 2>&1) || [ -n "$complaints" ]; then
		echo "not ok - $name: $complaints"
		failed=1
	elif ! dot -Tsvg "$file" | grep -q '<g id="edge1"'; then
		echo "not ok - $name: the drawing has no edges"
		failed=1
	else
		echo "ok - dot draws $name"
	fi
done
if [ "$drawn" = 0 ]; then
	echo "not ok - there is no drawing to check"
	failed=1
fi
exit $failed
