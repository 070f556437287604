#!/bin/bash
# layers.sh - the direction of the layers, as HACKING.md draws them: by what files include, and by what objects call
#
# layers.sh     in the source tree; with BUILD_DIR (a plain build of it) also looks into the objects
set -u
export LC_ALL=C
cd "$(dirname "$0")/../.." || exit 1
bad=$(mktemp) || exit 1
trap 'rm -f "$bad" "$bad".*' EXIT

case_end() { # case_end NAME - passes when nothing was written down as bad
	if [ -s "$bad" ]; then
		echo "not ok - $1"
		sort -u "$bad" | sed 's/^/    /'
	else
		echo "ok - $1"
	fi
	: >"$bad"
}

# Every include as `FILE:LINE <header>` or `FILE:LINE "header"`.
grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include' src include |
	sed -E 's/^([^:]*):([0-9]*):[[:space:]]*#[[:space:]]*include[[:space:]]*([<"][^>"]*[>"]).*/\1:\2 \3/' >"$bad.all"
layer() { # of a path
	case $1 in src/*/*) REPLY=${1#src/}; REPLY=${REPLY%%/*} ;; *) REPLY=include ;; esac
}

# ---------------------------------------------------------------- what is included

PURE=' assert.h ctype.h errno.h float.h inttypes.h limits.h math.h stdalign.h stdarg.h stdbool.h stddef.h stdint.h stdio.h stdlib.h string.h strings.h '
while read -r where what; do
	layer "$where"
	case $REPLY in policy | model | machine | rdb) ;; *) continue ;; esac
	name=${what:1:-1}
	[ "${what:0:1}" = '<' ] && [[ $PURE != *" $name "* ]] && echo "$where includes $what" >>"$bad"
done <"$bad.all"
case_end 'policy, model, machine and rdb include no I/O and no third-party header'

# It gives texts and JSON: who prints them is none of its business. time.h is for writing a time, never for asking it.
while read -r where what; do
	layer "$where"
	name=${what:1:-1}
	[ "$REPLY" = report ] && [ "${what:0:1}" = '<' ] && [ "$name" != jansson.h ] && [ "$name" != time.h ] &&
		[[ $PURE != *" $name "* || $name = stdio.h ]] && echo "$where includes $what" >>"$bad"
done <"$bad.all"
case_end 'report includes no stdio.h and no I/O'

# header prefix -> the folders that may include it
wraps() {
	case $1 in
	yaml.h | libconfig.h) REPLY=' config ' ;;
	sqlite3.h) REPLY=' store ' ;;
	hiredis/adapters/*) REPLY=' loop redis ' ;;
	hiredis/*) REPLY=' redis ' ;;
	uv.h) REPLY=' loop ' ;;
	systemd/*) REPLY=' systemd ' ;;
	jansson.h) REPLY=' backup cli report ' ;;
	zstd.h | openssl/*) REPLY=' backup ' ;;
	*) return 1 ;;
	esac
}
while read -r where what; do
	wraps "${what:1:-1}" || continue
	allowed=$REPLY
	layer "$where"
	[[ $allowed == *" $REPLY "* ]] || echo "$where includes $what, which belongs to$allowed" >>"$bad"
done <"$bad.all"
case_end 'each third-party header stays in the folder that wraps it'

while read -r where what; do
	[ "${what:0:1}" = '"' ] || continue
	name=${what:1:-1}
	case $name in config.h | rop/*) continue ;; esac
	# A header of its own folder, by its bare name.
	[ -e "$(dirname "${where%%:*}")/$name" ] && [[ $name != *..* ]] && continue
	# What the build generates is found from the top: still only its own folder's.
	layer "$where"
	[[ $name == "src/$REPLY/"*.inc ]] && continue
	echo "$where includes $what: neither rop/... nor of its own folder" >>"$bad"
done <"$bad.all"
case_end 'folders share headers through include/rop only'

# What is pure compiles without the loop's headers, also at second hand: who drives it is none of its business.
sed -E 's/:[0-9]+ /\t/' "$bad.all" | awk -F'\t' '
	{
		name = substr($2, 2, length($2) - 2)
		dir = $1
		sub(/[^\/]*$/, "", dir)
		if (name ~ /^rop\//) name = "include/" name
		else if ($2 ~ /^"/) name = dir name
		to[$1] = to[$1] " " name
		file[$1]
	}
	function walk(at, path,    n, i, next_) {
		if (at ~ /include\/rop\/(io|loop|fleet|drive|writer|store|names|look|host|daemon|service)\.h$/) print path
		n = split(to[at], next_, " ")
		for (i = 1; i <= n; i++)
			if (!(next_[i] in seen)) { seen[next_[i]]; walk(next_[i], path " -> " next_[i]) }
	}
	END {
		for (f in file)
			if (f ~ /^src\/(policy|model|machine|rdb|report)\// ||
			    (f ~ /^src\/operator\// && f !~ /\/(drive|events|look|names|seed|sending|writer)\.[ch]$/)) { delete seen; walk(f, f) }
	}' >>"$bad"
case_end 'policy, model, machine, rdb, report and the reconciler include nothing of files, the loop, the fleet or the database, at any hand'

# ---------------------------------------------------------------- what is called
# The objects know better than the includes: which folder's symbols does each folder use?

may_use() { # may_use LAYER: the layers below it
	case $1 in
	base) REPLY=' base ' ;;
	model) REPLY=' base model ' ;;
	machine) REPLY=' base ports machine ' ;; # it reads documents through their port
	rdb) REPLY=' base rdb ' ;;
	policy) REPLY=' base model machine policy ' ;;
	redis | store | loop | config | systemd | host) REPLY=" base model machine ports $1 " ;;
	backup) REPLY=' base model rdb ports backup ' ;;
	operator) REPLY=' base model machine policy ports operator ' ;;
	report) REPLY=' base model machine policy ports report ' ;; # of operator/ only what its headers declare
	*) REPLY=any ;;
	esac
}

if [ -z "${BUILD_DIR:-}" ]; then
	echo "skip - what objects call: no BUILD_DIR"
	exit 0
fi
(cd "$BUILD_DIR" && find src -name '*.o' | sort) >"$bad.objects"
while read -r object; do
	layer "$object"
	nm -f posix -g "$BUILD_DIR/$object" | awk -v o="$object" -v l="$REPLY" '{ print $1, $2, l, o }'
done <"$bad.objects" >"$bad.symbols"
awk 'NR == FNR { if ($2 != "U") home[$1] = $3; next }
	$2 == "U" && $1 in home && home[$1] != $3 { print $3, home[$1], $4, $1 }' "$bad.symbols" "$bad.symbols" >"$bad.uses"
while read -r from to object symbol; do
	# An adapter may stand on another one's port (timers, say): what include/rop declares, not what is behind it.
	case $to in
	redis | store | loop | config | systemd | host | backup) grep -rqw "$symbol" include/rop && to=ports ;;
	esac
	may_use "$from"
	[ "$REPLY" = any ] || [[ $REPLY == *" $to "* ]] || echo "$object calls $symbol of src/$to" >>"$bad"
done <"$bad.uses"
case_end 'no layer calls upwards, and adapters are reached through their ports only'

# clock, randomness, environment, files, sockets, processes, the end of the program
IMPURE='^(time|clock|clock_gettime|gettimeofday|ftime|nanosleep|usleep|sleep|localtime|localtime_r|rand|rand_r|srand|random|srandom|drand48|getrandom|getentropy|arc4random.*|getenv|secure_getenv|setenv|putenv|fopen|fopen64|fdopen|freopen|open|open64|openat|openat64|creat|read|write|pread|pwrite|fread|fwrite|fgets|fputs|fputc|putc|puts|putchar|printf|fprintf|vfprintf|dprintf|perror|__printf_chk|__fprintf_chk|__vfprintf_chk|stdin|stdout|stderr|socket|connect|bind|listen|accept|send|sendto|recv|recvfrom|poll|ppoll|select|epoll_.*|getaddrinfo|gethostbyname|fork|vfork|exec.*|posix_spawn.*|system|popen|exit|_exit|_Exit|quick_exit|kill|signal|sigaction|pthread_.*)$'
awk -v impure="$IMPURE" '$2 == "U" && ($3 == "policy" || $3 == "model" || $3 == "machine" || $3 == "rdb") && $1 ~ impure {
	print $4 " uses " $1 }' "$bad.symbols" >>"$bad"
# The one thing that report asks for: in which time zone a person lives.
awk -v impure="$IMPURE" '$2 == "U" && $3 == "report" && $1 != "localtime_r" && $1 ~ impure {
	print $4 " uses " $1 }' "$bad.symbols" >>"$bad"
case_end 'policy, model, machine, rdb and report use no clock, no randomness, no environment and do no I/O'

while read -r object; do
	layer "$object"
	case $REPLY in policy | model | machine | rdb) ;; *) continue ;; esac
	# What can be written to at run time; tables of pointers (.data.rel.ro) are constants.
	nm -f sysv "$BUILD_DIR/$object" | awk -F'|' -v o="$object" '
		{ gsub(/ /, "") } $NF ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $NF !~ /^\.data\.rel\.ro/ && $3 !~ /^[Nn]$/ && $1 != "" && $1 !~ /^\./ {
			print o " holds the variable " $1 }'
done <"$bad.objects" >>"$bad"
case_end 'policy, model, machine and rdb hold no globals'
exit 0
