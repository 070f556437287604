#!/bin/bash
# format.sh - no line of C is over 120 columns (a tab is 8), and .clang-format would change none
set -u
export LC_ALL=C.UTF-8
cd "$(dirname "$0")/../.." || exit 1
# What make writes into the tree, where it is built there, is nobody's to lay out.
mapfile -t files < <(find src include tests -name '*.[ch]' -exec grep -L '^/\* made from .* by make' {} + | sort)
wide=$(for file in "${files[@]}"; do expand "$file" | awk -v file="$file" 'length($0) > 120 { print file ":" FNR ": " length($0) " columns" }'; done)
if [ -n "$wide" ]; then
	echo 'not ok - no line of C is over 120 columns'
	sed 's/^/    /' <<<"$wide"
else
	echo "ok - no line of ${#files[@]} files of C is over 120 columns"
fi
if ! command -v clang-format >/dev/null; then
	echo 'skip - the layout of the C sources: clang-format is not installed'
elif ! why=$(clang-format --dry-run -Werror "${files[@]}" 2>&1); then
	echo 'not ok - the C sources are laid out as .clang-format says (clang-format -i FILE mends it)'
	grep error: <<<"$why" | head -30 | sed 's/^/    /'
else
	echo 'ok - the C sources are laid out as .clang-format says'
fi
