#!/bin/bash
# build.sh - one of the builds that tests/run makes, out of tree: build.sh KIND SOURCE BUILD
#
#   asan         gcc, AddressSanitizer and UndefinedBehaviorSanitizer: for unit and live tests
#   tsan         gcc, ThreadSanitizer: the program alone, for what runs beside the loop
#   plain        gcc -O2, as it is shipped: for benchmarks and for looking into objects
#   clang        clang's warnings
#   hiredis-1.2  against the newer hiredis, which has TLS; its unit tests are run
#   distcheck    the tarball is whole: it builds, tests, installs and uninstalls from read-only sources
set -u
kind=$1 source=$2 build=$3
lib=$(cd "$(dirname "$0")" && pwd)
dir=$build/$kind
JOBS=2

say() { # say WORD TEXT: ends
	echo "$1 - $2"
	[ "$1" != 'not ok' ]
	exit
}

configure() { # configure OPTION... - again only when options changed: make looks after the rest
	mkdir -p "$dir" && cd "$dir" || exit 1
	printf '%s\n' "$source" "$@" >options.new
	if [ ! -e Makefile ] || ! cmp -s options.new options; then
		rm -f options
		"$source/configure" "$@" || { sed -n '/error:/,$p' config.log | head -20; say 'not ok' "$kind: configure"; }
		mv options.new options
	fi
}

compile() { # compile TARGET... - warnings are errors
	local status=0
	make -j$JOBS "$@" >make.log 2>&1 || status=$?
	if [ "$status" -ne 0 ]; then
		echo "not ok - $kind builds without a warning"
		grep -E -A4 '(error|warning): |undefined reference|multiple definition|\*\*\* ' make.log | head -60 | sed 's/^/    /'
		exit 1
	fi
}

tools() { # the measuring programs, where the makefile knows them
	grep -q '^tests/bench/observe' Makefile && compile tests/bench/observe tests/bench/bare
	if grep -q '^tests/bench/model' Makefile; then
		compile tests/bench/model
	fi
}

case $kind in
asan)
	configure --enable-sanitizers --enable-werror CFLAGS='-O1 -g'
	compile all
	compile check TESTS=
	say ok 'builds with gcc, ASan and UBSan, without a warning'
	;;
tsan)
	mkdir -p "$dir" # not every kernel gives it the addresses that it wants
	echo 'int main(void) { return 0; }' >"$dir/can.c"
	if ! ${CC:-gcc} -fsanitize=thread "$dir/can.c" -o "$dir/can" 2>"$dir/can.log" ||
		! "$dir/can" 2>>"$dir/can.log"; then
		rm -f "$dir/redis-operator"
		say skip "tsan: a program with ThreadSanitizer does not run here: $(head -1 "$dir/can.log")"
	fi
	configure --enable-werror CFLAGS='-O1 -g -fsanitize=thread' LDFLAGS='-fsanitize=thread'
	compile redis-operator
	say ok 'builds with gcc and TSan, without a warning'
	;;
plain)
	configure --enable-werror CFLAGS='-O2 -g'
	compile all
	compile check TESTS=
	tools
	say ok 'builds with gcc -O2, without a warning'
	;;
clang)
	configure --enable-werror CC=clang CFLAGS='-O1 -g'
	compile all
	compile check TESTS=
	tools
	say ok 'builds with clang, without a warning'
	;;
hiredis-1.2)
	. "$lib/peers.sh"
	if ! prefix=$(peer_hiredis 2>"$build/test-logs/peer-hiredis.log"); then
		say skip "hiredis 1.2: $(tail -1 "$build/test-logs/peer-hiredis.log")"
	fi
	configure --enable-werror CFLAGS='-O1 -g' HIREDIS_LIBS="$prefix/lib/libhiredis.a" \
		HIREDIS_CFLAGS="-isystem $prefix/include -isystem $prefix/include/hiredis" # its headers' warnings are not ours
	version=$(PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config --modversion hiredis)
	compile all
	compile check TESTS=
	echo "ok - builds with hiredis $version, without a warning"
	if ldd redis-operator | grep -q libhiredis; then
		say 'not ok' "the build uses hiredis $version, not the system's"
	fi
	word=ok
	bash "$source/tests/unit/run" tests/unit/units >units.log 2>&1 || word='not ok'
	echo "$word - the unit tests pass with hiredis $version ($(grep -c '^ok - ' units.log) cases)"
	grep -A8 '^not ok - ' units.log | sed 's/^/    /'
	[ "$word" = ok ]
	exit
	;;
distcheck)
	dir=$build/plain
	configure --enable-werror CFLAGS='-O2 -g'
	if ! make -j$JOBS distcheck DISTCHECK_CONFIGURE_FLAGS='--enable-werror CFLAGS=-O1' >distcheck.log 2>&1; then
		echo 'not ok - make distcheck'
		cat redis-operator-*/_build/sub/tests/unit/run.log 2>/dev/null | grep -E -A12 '^not ok|^\[----\]' | head -40 | sed 's/^/    /'
		tail -25 distcheck.log | sed 's/^/    /'
		exit 1
	fi
	echo 'ok - make distcheck'
	if ! grep -qE '^# PASS: +[1-9]' distcheck.log; then
		echo "not ok - make distcheck runs the unit tests"
		exit 1
	fi
	echo 'ok - make distcheck runs the unit tests'
	# What is in git is in the tarball, but for git's own and CI's files.
	if [ -e "$source/.git" ] && command -v git >/dev/null; then
		missing=$(comm -23 <(git -C "$source" ls-files | grep -vE '(^|/)\.gitignore$|^\.ci/' | sort) \
			<(tar -tf redis-operator-*.tar.xz | sed 's,^[^/]*/,,' | sort))
		if [ -n "$missing" ]; then
			echo 'not ok - the tarball holds every file of the tree (EXTRA_DIST)'
			sed 's/^/    /' <<<"$missing"
			exit 1
		fi
		echo 'ok - the tarball holds every file of the tree'
	fi
	;;
*)
	echo "build.sh: no build '$kind'" >&2
	exit 3
	;;
esac
