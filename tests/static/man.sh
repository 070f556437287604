#!/bin/bash
# man.sh - man pages are well-formed, and they, --help and completion name the same commands, operands, options and keys
#
# man.sh     in the source tree; the program is $BUILD_DIR/redis-operator (tests/run sets it) or $ROP_BIN
# shellcheck disable=SC2013 # names have no blanks
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
PROGRAM=${ROP_BIN:-${BUILD_DIR:+$BUILD_DIR/redis-operator}}
PROGRAM=${PROGRAM:-./redis-operator}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT

ok() { echo "ok - $1"; }
not_ok() { # not_ok NAME, details on stdin
	echo "not ok - $1"
	sed 's/^/    /'
}
nothing() { # nothing NAME FILE - passes when the file is empty
	if [ -s "$2" ]; then not_ok "$1" <"$2"; else ok "$1"; fi
}
compare() { # compare NAME LEFT RIGHT LEFT-FILE RIGHT-FILE - equal sets of lines; else what only one of them has
	sort -u "$4" >"$dir/left"
	sort -u "$5" >"$dir/right"
	if [ ! -s "$dir/left" ]; then
		not_ok "$1" <<<"nothing found in $2: has its form changed?"
		return
	fi
	{
		comm -23 "$dir/left" "$dir/right" | sed "s/^/only in $2: /"
		comm -13 "$dir/left" "$dir/right" | sed "s/^/only in $3: /"
	} >"$dir/differences"
	nothing "$1" "$dir/differences"
}

# ---------------------------------------------------------------- well-formed

if command -v mandoc >/dev/null; then
	# (whether pages of other packages are installed here, and indexed, is not what is asked)
	for page in data/man/*.[158]; do
		mandoc -Tlint "$page" 2>&1 | grep -vE 'outdated mandoc\.db|referenced manual not found'
	done >"$dir/lint"
	nothing 'mandoc has nothing to say about the man pages' "$dir/lint"
else
	echo 'skip - mandoc has nothing to say about the man pages: mandoc is not installed'
fi
for page in data/man/*.[158]; do
	name=${page##*/}
	grep -qxF ".Nm ${name%.*}" "$page" || echo "$page: its NAME is not ${name%.*}"
	grep -qixF ".Dt ${name%.*} ${name##*.}" "$page" || echo "$page: its title is not ${name%.*} ${name##*.}"
	grep -qF "data/man/$name" data/local.mk || echo "$page is not installed (data/local.mk)"
	while read -r _ other section _; do
		[ -e "data/man/$other.$section" ] || echo "$page refers to $other($section), which is not there"
	done < <(grep -E '^\.Xr redis-operator' "$page")
done >"$dir/pages"
nothing 'every page is named, installed, and refers to pages that exist' "$dir/pages"

for acl in observer operator mover; do "$PROGRAM" acl "$acl" -o json | jq -r '.permissions[].command'; done >"$dir/permissions"
sed -n 's/^\.It Li \([a-z|-]*\)$/\1/p' data/man/redis-operator-acl.1 >"$dir/written"
compare 'permissions: the program and redis-operator-acl(1)' 'the program' 'the man page' "$dir/permissions" "$dir/written"

# ---------------------------------------------------------------- the formats' keys

jq -r 'def keys(path): (.properties // {} | to_entries[] | .key as $k |
		(path + $k), (.value | keys(path + $k + ".")), (.value.items // {} | keys(path + $k + "[].")));
	keys("")' data/redis-operator.schema.json | grep -vxE 'metadata|spec|spec\.(intervals|migration)' >"$dir/schema"
sed -n 's/^\.It Li \([a-z][][A-Za-z.]*\)$/\1/p' data/man/redis-operator.yaml.5 >"$dir/yaml"
compare 'redis-operator.yaml(5) has every key of the schema' 'the schema' 'the man page' "$dir/schema" "$dir/yaml"
# Name and default value; a group's keys stand on its line.
sed 's/#.*//' examples/redis-operator.conf | awk 'NF {
		gsub(/^[ \t]+|[ \t]+$/, "")
		if (/\{$/) group = $0
		else if (group && /^\}/) { print group " }"; group = "" }
		else if (group) group = group " " $0
		else { sub(/;$/, ""); print }
	}' >"$dir/conf"
sed -n 's/^\.It Li \([a-zA-Z]* = .*\)/\1/p' data/man/redis-operator.conf.5 | sed 's/\\(dq/"/g' >"$dir/conf.man"
compare 'redis-operator.conf(5) has every key and default of the example' 'the example' 'the man page' "$dir/conf" "$dir/conf.man"

# ---------------------------------------------------------------- what the program says of itself

if [ ! -x "$PROGRAM" ]; then
	echo "skip - --help, man pages and completion say the same: no program at $PROGRAM"
	exit 0
fi
case $PROGRAM in /*) ;; *) PROGRAM=$PWD/$PROGRAM ;; esac

# From --help: "-o --output text|json|jsonl", "- --watch"; the same form as from the man pages.
help_options() {
	sed -nE -e 's/^  (-[a-zA-Z]), (--[a-z-]+)( [^ ]+)?(  .*|$)/\1 \2\3/p' -e 's/^      (--[a-z-]+)( [^ ]+)?(  .*|$)/- \1\2/p'
}
# From mdoc: `.It Fl o , Fl -output Cm text | json | jsonl`
man_options() {
	sed -n 's/^\.It Fl //p' |
		sed -E -e 's/ \| /|/g' -e 's/ (Ar|Cm) / /g' -e 's/ , Fl / /' -e 's/^-/- --/' -e 's/^([a-zA-Z]) -/-\1 --/'
}

"$PROGRAM" --help >"$dir/overview"
sed -n '/^Commands/,/^$/s/^  \([a-z][a-z-]*\) .*/\1/p' "$dir/overview" >"$dir/commands"
for command in $(cat "$dir/commands"); do
	"$PROGRAM" "$command" --help >"$dir/help"
	sed -e 's/^redis-operator //' -e 's/ \[options\]$//' -e 1q "$dir/help" >>"$dir/help.operands"
	sed '/^Options everywhere/,$d' "$dir/help" | help_options | sed "s/^/$command /" >>"$dir/help.options"
	# Options everywhere are printed with each command, so that no command can lack one.
	sed -n '/^Options everywhere/,$p' "$dir/help" | help_options >"$dir/help.everywhere.$command"
done
sed -n '/^Options everywhere/,/^$/p' "$dir/overview" | help_options >"$dir/help.everywhere"
for command in $(cat "$dir/commands"); do
	cmp -s "$dir/help.everywhere" "$dir/help.everywhere.$command" || echo "$command --help has other options everywhere"
done >"$dir/everywhere"
nothing '--help of each command lists the options everywhere' "$dir/everywhere"

: >"$dir/man.operands"
: >"$dir/man.options"
for page in data/man/*.[18]; do
	sed -n '/^\.Sh COMMANDS/,/^\.Sh /p' "$page" | sed 's/\\&$//' >"$dir/section"
	sed -n 's/^\.Ss //p' "$dir/section" >"$dir/subsections"
	cat "$dir/subsections" >>"$dir/man.operands"
	while read -r command _; do
		awk -v command="$command" '/^\.Ss / { inside = $2 == command } inside' "$dir/section" | man_options |
			sed "s/^/$command /" >>"$dir/man.options"
	done <"$dir/subsections"
	# Each option of a command stands in the SYNOPSIS of its page too.
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/p' "$page" >"$dir/synopsis"
	awk '/^\.Ss / { command = $2 } /^\.It Fl / { n = split($0, part, "Fl "); print command, part[n] }' "$dir/section" |
		while read -r command option _; do
			letter=$(awk -v c="$command" -v o="-$option" '$1 == c && $3 == o && $2 != "-" { print substr($2, 2) }' "$dir/man.options")
			grep -qE "^\.(Op )?Fl ($option${letter:+|$letter})( |$)" "$dir/synopsis" || echo "$page: $command: -$option is not in the SYNOPSIS"
		done >>"$dir/synopses"
done
compare 'commands and operands: --help and the man pages' '--help' 'the man pages' "$dir/help.operands" "$dir/man.operands"
compare 'options of each command: --help and the man pages' '--help' 'the man pages' "$dir/help.options" "$dir/man.options"
nothing 'options of each command stand in the SYNOPSIS' "$dir/synopses"
sed -n '/^\.Sh OPTIONS/,/^\.Sh ENV/p' data/man/redis-operator.1 | man_options >"$dir/man.everywhere"
compare 'options everywhere: --help and redis-operator(1)' '--help' 'the man page' "$dir/help.everywhere" "$dir/man.everywhere"
sed -n '/^\.Sh COMMANDS/,/^\.Sh /s/^\.It Cm //p' data/man/redis-operator.1 >"$dir/man.commands"
compare 'the overview of redis-operator(1) lists every command' '--help' 'the man page' "$dir/commands" "$dir/man.commands"
sed -n '/^Exit codes/,/^$/p' "$dir/overview" | sed 's/^Exit codes:/ /' | grep -oE '(^|  )[0-9]+ ' | tr -d ' ' >"$dir/help.codes"
sed -n '/^\.Sh EXIT STATUS/,/^\.El/s/^\.It //p' data/man/redis-operator.1 >"$dir/man.codes"
compare 'exit codes: --help and redis-operator(1)' '--help' 'the man page' "$dir/help.codes" "$dir/man.codes"

# ---------------------------------------------------------------- completion

complete_words() { # complete_words WORD... - what is offered for the last one
	bash --norc -c '. data/bash-completion/redis-operator
		compopt() { :; }
		program=$1
		shift
		COMP_WORDS=(redis-operator "$@") COMP_CWORD=$#
		_redis_operator "$program" "${COMP_WORDS[COMP_CWORD]}" redis-operator
		[ "${#COMPREPLY[@]}" -eq 0 ] || printf "%s\n" "${COMPREPLY[@]}"' bash "$PROGRAM" "$@"
}
complete_words '' >"$dir/complete"
compare 'completion offers every command' '--help' 'completion' "$dir/commands" "$dir/complete"
for command in $(cat "$dir/commands"); do
	{
		sed -n "s/^$command //p" "$dir/help.options"
		cat "$dir/help.everywhere"
	} | awk '{ print $2; if ($1 != "-") print $1 }' | sed "s/^/$command /" >>"$dir/options"
	complete_words "$command" - | sed "s/^/$command /" >>"$dir/complete.options"
done
compare 'completion offers every option of each command' '--help' 'completion' "$dir/options" "$dir/complete.options"
# Words that an option takes, and words that are operands.
{
	sed 's/^[a-z]* //' "$dir/help.options"
	cat "$dir/help.everywhere"
} | awk '$3 ~ /^[a-z|]+$/ { n = split($3, word, "|"); for (i = 1; i <= n; i++) print $2, word[i] }' | sort -u >"$dir/values"
for option in $(awk '{ print $1 }' "$dir/values" | sort -u); do
	command=$(awk -v o="$option" '$3 == o { print $1; exit }' "$dir/help.options") # that has it for itself
	complete_words ${command:+"$command"} "$option" '' | sed "s/^/$option /" >>"$dir/complete.values"
	complete_words ${command:+"$command"} "$option" = '' | sed "s/^/$option /" >>"$dir/complete.values.equals"
done
compare "completion offers every word that an option takes" '--help' 'completion' "$dir/values" "$dir/complete.values"
compare "completion offers them after = too" '--help' 'completion' "$dir/values" "$dir/complete.values.equals"
awk '$2 ~ /^[a-z|]+$/ { n = split($2, word, "|"); for (i = 1; i <= n; i++) print $1, word[i] }' "$dir/help.operands" >"$dir/words"
for command in $(awk '{ print $1 }' "$dir/words" | sort -u); do
	complete_words "$command" '' | sed "s/^/$command /" >>"$dir/complete.words"
done
compare 'completion offers the words that are operands' '--help' 'completion' "$dir/words" "$dir/complete.words"
# An option that takes a value is followed by that value, one that takes none is not.
while read -r command option; do
	complete_words "$command" "$option" --s | grep -qx -e --state || echo "$command $option takes no value, but completion waits for one"
done < <(awk '$4 == "" { print $1, $3 }' "$dir/help.options") >"$dir/followed"
while read -r command option; do
	complete_words "$command" "$option" --s | grep -qx -e --state && echo "$command $option takes a value, but completion offers options"
done < <(awk '$4 != "" { print $1, $3 }' "$dir/help.options") >>"$dir/followed"
nothing 'completion knows which options take a value' "$dir/followed"
# A word of ours that is a macro's name too (No, Li, At ...) would be obeyed instead of printed, unless it is escaped.
grep -nE '^\.(Qq|Sq|Dq|Pq|Li|Cm|Op) (No|Ns|At|An|In|As|Do|So|Up|Os|Bx|Ex|Ed|On)( |$)' data/man/* >"$dir/obeyed"
nothing 'no word of a man page is taken for a macro' "$dir/obeyed"
# The levels of the log, as the program takes them.
grep -oE '"error", "warn[a-z]*", [^}]*' src/base/log.c | tr -d '" ' | tr ',' '\n' >"$dir/levels"
sed -n '/^\.Li level$/,/^\.Li format$/p' data/man/redis-operator.conf.5 | sed '1d;$d' |
	sed -n 's/^\.Li //p' | tr -d ' .' | tr ',' '\n' >"$dir/man.levels"
compare 'the levels of the log' 'the program' 'redis-operator.conf(5)' "$dir/levels" "$dir/man.levels"
exit 0
