#!/bin/bash
# commands.sh - a command that a sentence advises stands in backticks, so that no end of line comes into it (src/base/wrap.c)
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
# What is no sentence: --help (laid out by hand), comments of files that are written, the program's name in a sentence.
laid_out='src/cli/(cmd_acl|cmd_demo|args)\.c|src/report/(demo_text|import_text)\.c|another redis-operator at work'
found=$(grep -rnE '"([^"]*[^`"])?redis-(cli|operator) [a-z-]' --include='*.c' src | grep -vE "$laid_out")
if [ -n "$found" ]; then
	echo 'not ok - a command that is advised stands in backticks'
	sed 's/^/    /' <<<"$found"
else
	echo 'ok - a command that is advised stands in backticks'
fi
exit 0
