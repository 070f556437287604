#!/bin/bash
# names.sh - a file's name says which file is meant: no two of src/ share one
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
found=$(find src -name '*.[ch]' | sed 's#.*/##' | sort | uniq -d)
if [ -n "$found" ]; then
	echo 'not ok - no two files of src/ share a name'
	for name in $found; do
		echo "    $(find src -name "$name" | sort | tr '\n' ' ')"
	done
else
	echo "ok - no two of $(find src -name '*.[ch]' | wc -l) files of src/ share a name"
fi
exit 0
