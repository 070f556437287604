# peers.sh - other versions of the servers and of hiredis, from Debian's later suites, beside the system's own.
# shellcheck shell=bash
#
#   peer_server redis-8.0 | valkey-8.1 | valkey-9.1  prints the path of a wrapper that runs that server
#   peer_cli NAME                                    the same of its redis-cli or valkey-cli, once the server is there
#   peer_hiredis                                     prints a prefix with a hiredis >= 1.2 (static) in it
#
# Both return 1 with the reason on stderr when it cannot be had: then a test prints `skip`. The system is not touched:
# apt works on a configuration and a state of its own, made at run time from the machine's own sources with another
# suite's name, and packages are unpacked, with the libraries they need, into a cache folder
# (${ROP_CACHE:-~/.cache/redis-operator-tests}). Removing that folder removes everything.

PEERS_CACHE=${ROP_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/redis-operator-tests}

peers_say() { echo "$*" >&2; return 1; }

# peers_sources SUITE: the machine's main Debian source, for another suite (and its source packages)
peers_sources() {
	local codename file
	# shellcheck source=/dev/null
	codename=$(. /etc/os-release && echo "${VERSION_CODENAME:-}")
	[ -n "$codename" ] || return
	for file in /etc/apt/sources.list.d/*.sources; do
		[ -e "$file" ] || continue
		# Paragraphs of `Field: value`; the first that has the release itself and `main`.
		awk -v RS= -v suite="$1" -v release="$codename" '
			{
				uris = suites = signed = ""; has_main = 0; enabled = 1
				n = split($0, line, "\n")
				for (i = 1; i <= n; i++) {
					value = line[i]; sub(/^[^:]*:[ \t]*/, "", value)
					if (line[i] ~ /^URIs:/) { split(value, u, " "); uris = u[1] }
					if (line[i] ~ /^Suites:/) suites = " " value " "
					if (line[i] ~ /^Components:/) has_main = (" " value " ") ~ / main /
					if (line[i] ~ /^Signed-By:/ && value ~ /^\//) signed = value
					if (line[i] ~ /^Enabled:[ \t]*no/) enabled = 0
				}
				if (enabled && uris != "" && has_main && index(suites, " " release " ")) {
					print "Types: deb deb-src"; print "URIs: " uris; print "Suites: " suite; print "Components: main"
					if (signed != "") print "Signed-By: " signed
					exit
				}
			}' "$file"
	done >"$PEERS_CACHE/found.sources"
	if [ ! -s "$PEERS_CACHE/found.sources" ]; then
		for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
			[ -e "$file" ] || continue
			awk -v suite="$1" -v release="$codename" '$1 == "deb" {
				at = 2; options = ""; signed = ""
				if ($at ~ /^\[/) {
					while (at <= NF) { options = options " " $at; if ($at ~ /\]$/) break; at++ }
					at++
				}
				if (match(options, /signed-by=[^] ]*/)) signed = substr(options, RSTART + 10, RLENGTH - 10)
				if ($(at + 1) == release && (" " $0 " ") ~ / main /) {
					print "Types: deb deb-src"; print "URIs: " $at; print "Suites: " suite; print "Components: main"
					if (signed != "") print "Signed-By: " signed
					exit
				}
			}' "$file"
		done >"$PEERS_CACHE/found.sources"
	fi
	[ -s "$PEERS_CACHE/found.sources" ] && awk -v RS= 'NR == 1' "$PEERS_CACHE/found.sources"
}

# peers_apt SUITE COMMAND... - apt-get or apt-cache in the suite's own configuration
peers_apt() {
	local root=$PEERS_CACHE/apt-$1 command=$2
	shift 2
	"$command" -q -o Dir::Etc::SourceList="$root/suite.sources" -o Dir::Etc::SourceParts=/dev/null \
		-o Dir::Etc::Preferences=/dev/null -o Dir::Etc::PreferencesParts=/dev/null \
		-o Dir::State="$root/state" -o Dir::State::status="$root/status" -o Dir::Cache="$root/cache" \
		-o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=false -o Acquire::Languages=none \
		-o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false "$@"
}

# peers_suite SUITE: its package lists are there and not older than a week
peers_suite() {
	local root=$PEERS_CACHE/apt-$1
	command -v apt-get >/dev/null || { peers_say "no apt-get on this system"; return; }
	mkdir -p "$root/state/lists/partial" "$root/cache/archives/partial" || return
	[ -n "$(find "$root/fresh" -mtime -7 2>/dev/null)" ] && return
	: >"$root/status"
	peers_sources "$1" >"$root/suite.sources" || { peers_say "this machine's apt sources have no Debian release"; return; }
	if ! peers_apt "$1" apt-get update >"$root/update.log" 2>&1 || grep -qE '^(Err|W: Failed|E:)' "$root/update.log"; then
		peers_say "Debian's $1 cannot be reached from here"
		return
	fi
	touch "$root/fresh"
}

# One at a time: two live scripts may ask for the same peer.
peers_locked() {
	mkdir -p "$PEERS_CACHE" || { peers_say "no cache folder $PEERS_CACHE"; return; }
	(
		exec {lock}>"$PEERS_CACHE/.lock"
		flock "$lock"
		"$@" {lock}>&-
	)
}

# peers_unpack SUITE ROOT PACKAGE - the package and all it depends on, into ROOT
peers_unpack() {
	local suite=$1 root=$2 package=$3 deb archives=$PEERS_CACHE/apt-$1/cache/archives
	rm -f "$archives"/*.deb
	# An empty dpkg status: every dependency counts as missing and is fetched.
	peers_apt "$suite" apt-get install -y --download-only "$package" >"$PEERS_CACHE/apt-$suite/install.log" 2>&1 || {
		peers_say "$package of $suite cannot be downloaded"
		return
	}
	rm -rf "$root.new"
	mkdir -p "$root.new"
	for deb in "$archives"/*.deb; do
		case ${deb##*/} in
		lib* | redis* | valkey* | *ssl* | zlib*) dpkg-deb -x "$deb" "$root.new" || return ;;
		esac
	done
	rm -f "$archives"/*.deb
	rm -rf "$root"
	mv "$root.new" "$root"
}

# peers_wrapper ROOT PROGRAM WORDS - a script ROOT/PROGRAM that starts it on its own libraries
peers_wrapper() {
	local root=$1 program=$2 loader folder folders=""
	loader=$(find "$root" -name 'ld-linux*.so.*' \( -type f -o -type l \) | head -1)
	[ -n "$loader" ] && [ -e "$root/usr/bin/$program" ] || { peers_say "$3: no $program in it, or no loader"; return; }
	while read -r folder; do
		folders+=${folders:+:}$folder
	done < <(find "$root" -name '*.so.*' -printf '%h\n' | sort -u)
	cat >"$root/$program" <<-END
		#!/bin/sh
		# $program of $3, on its own libraries
		exec '$loader' --library-path '$folders' --argv0 '$program' '$root/usr/bin/$program' "\$@"
	END
	chmod +x "$root/$program"
}

peers_make_server() { # NAME SUITE PACKAGE VERSION-PREFIX
	local name=$1 suite=$2 package=$3 prefix=$4 root=$PEERS_CACHE/$1 program cli version
	program=${package%-server}-server
	cli=${package%-server}-cli
	if [ ! -x "$root/$program" ] || [ ! -x "$root/$cli" ]; then
		peers_suite "$suite" || return
		version=$(peers_apt "$suite" apt-cache policy "$package" 2>/dev/null | sed -n 's/^ *Candidate: *//p')
		version=${version#*:}
		if [[ $version != "$prefix"* ]]; then
			peers_say "$suite has $package ${version:-(none)}, not $prefix*"
			return
		fi
		peers_unpack "$suite" "$root" "$package" || return
		peers_wrapper "$root" "$cli" "$package $version of Debian's $suite" || return
		peers_wrapper "$root" "$program" "$package $version of Debian's $suite" || return
	fi
	if ! version=$("$root/$program" --version 2>&1) || [[ $version != *v=* ]]; then
		rm -f "$root/$program"
		peers_say "$name does not run here: $version"
		return
	fi
	echo "$root/$program"
}

peer_server() {
	case $1 in
	redis-8.0) peers_locked peers_make_server redis-8.0 trixie redis-server 8.0. ;;
	valkey-8.1) peers_locked peers_make_server valkey-8.1 trixie valkey-server 8.1. ;;
	valkey-9.1) peers_locked peers_make_server valkey-9.1 sid valkey-server 9.1. ;;
	*) peers_say "no peer '$1' (redis-8.0, valkey-8.1, valkey-9.1)" ;;
	esac
}

peer_cli() { echo "$PEERS_CACHE/$1/${1%%-*}-cli"; }

peers_make_hiredis() {
	local root=$PEERS_CACHE/hiredis source version
	if [ ! -e "$root/lib/pkgconfig/hiredis.pc" ]; then
		peers_suite trixie || return
		rm -rf "$PEERS_CACHE/hiredis-source"
		mkdir -p "$PEERS_CACHE/hiredis-source"
		# Only the upstream tarball is used; Debian's patches (its own build) are not.
		(cd "$PEERS_CACHE/hiredis-source" && peers_apt trixie apt-get source --download-only hiredis) \
			>"$PEERS_CACHE/apt-trixie/source.log" 2>&1 || { peers_say "the source of hiredis cannot be downloaded"; return; }
		tar -x -C "$PEERS_CACHE/hiredis-source" -f "$PEERS_CACHE"/hiredis-source/hiredis_*.orig.tar.* || return
		source=$(find "$PEERS_CACHE/hiredis-source" -mindepth 1 -maxdepth 1 -type d | head -1)
		(
			cd "$source" && make -j2 static hiredis.pc PREFIX="$root" &&
				make install PREFIX="$root" LIBRARY_PATH=lib
		) >"$PEERS_CACHE/hiredis.log" 2>&1 || { peers_say "hiredis does not build: $PEERS_CACHE/hiredis.log"; return; }
		# Static only, so that programs linked with it need no path to it.
		find "$root" -name 'libhiredis*.so*' -delete
	fi
	version=$(PKG_CONFIG_PATH=$root/lib/pkgconfig pkg-config --modversion hiredis) || return
	case $version in
	0.* | 1.0.* | 1.1.*) peers_say "hiredis of trixie is $version, not 1.2 or later" ;;
	*) echo "$root" ;;
	esac
}

peer_hiredis() { peers_locked peers_make_hiredis; }
