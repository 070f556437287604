#!/bin/bash
# ternaries.sh - no conditional expression within another: early returns, a switch or a table are read at a glance
#
# ternaries.sh [FILE...]     the C files of src/ and include/; or these
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
mapfile -t files < <(if [ $# -gt 0 ]; then printf '%s\n' "$@"; else find src include -name '*.[ch]' | sort; fi)

# Of each bracket that is open: has a `?` come and not ended yet (open), has one ended in a bracket within it (done),
# does it belong to an `if` (control)? A comma, a semicolon or the bracket's end ends it. So the second `?` is found in `a ? b : c ? d : e`, in
# `a ? f(b ? c : d) : e` and in `(a ? b : c) ? d : e`, over as many lines as it takes, and `f(a ? b : c, d ? e : f)` has none.
found=$(awk '
	function ends() { open[depth] = done[depth] = 0 }
	function look(file, line, c,    i, within) {
		if (c ~ /[({[]/) {
			open[++depth] = done[depth] = 0
			control[depth] = word ~ /^(if|while|for|switch)$/
		} else if (c ~ /[])}]/) {
			within = (open[depth] || done[depth]) && !control[depth]
			if (depth) depth--
			if (c == "}" && !open[depth]) ends()
			else if (within) done[depth] = 1
		} else if (c ~ /[,;]/) {
			ends()
		} else if (c == "?") {
			within = done[depth]
			for (i = depth; i >= 0; i--) within = within || open[i]
			if (within) print file ":" line
			open[depth] = 1
		}
	}
	FNR == 1 { depth = 0; ends(); comment = directive = 0 }
	{
		text = $0
		if (!comment && text ~ /^[ \t]*#/) directive = 1
		while (text != "") {
			if (comment) {
				if (!(at = index(text, "*/"))) break
				text = substr(text, at + 2)
				comment = 0
			} else if (text ~ /^\/\*/) {
				comment = 1
				text = substr(text, 3)
			} else if (text ~ /^\/\//) {
				break
			} else if (match(text, /^"([^"\\]|\\.)*"/) || match(text, /^\047([^\047\\]|\\.)*\047/)) {
				text = substr(text, RLENGTH + 1)
			} else if (match(text, /^[A-Za-z_0-9]+/)) {
				word = substr(text, 1, RLENGTH)
				text = substr(text, RLENGTH + 1)
			} else {
				look(FILENAME, FNR, substr(text, 1, 1))
				if (text !~ /^[ \t]/) word = ""
				text = substr(text, 2)
			}
		}
		if (directive && $0 !~ /\\$/) { directive = 0; ends() }
	}' "${files[@]}" | sort -u -t: -k1,1 -k2,2n)
if [ -n "$found" ]; then
	echo 'not ok - no conditional expression within another'
	while IFS=: read -r file line; do
		echo "    $file:$line: $(sed -n "${line}s/^[[:space:]]*//p" "$file")"
	done <<<"$found"
else
	echo "ok - no conditional expression within another in ${#files[@]} files of C"
fi
exit 0
