#!/bin/bash
# install.sh - make install puts everything where it belongs and make uninstall takes it away; units, user, completion work
# timeout: 300
# shellcheck disable=SC2016,SC2034,SC2046,SC2154

. "$(dirname "$0")/../lib/live.sh"
BUILD=${BUILD_DIR:-$(dirname "$ROP_BIN")}
if [ ! -e "$BUILD/Makefile" ]; then
	skip 'make install' "no build at $BUILD"
	exit 0
fi
BUILD=$(cd "$BUILD" && pwd)
DEST=$LIVE_DIR/dest
umask 022

make_in() { make -C "$BUILD" -s "$@"; }
value() { # value VARIABLE - of the build's makefile
	(cd "$BUILD" && printf 'include Makefile\nprint-%%: ; @echo $($*)\n' | make -s -f - "print-$1")
}
# What make remakes of itself would be printed among the values.
make_in Makefile >"$LIVE_DIR/make" 2>&1 || { not_ok "the makefile of $BUILD is up to date" "$(tail -5 "$LIVE_DIR/make")"; exit 1; }
for name in bindir confdir pkgdatadir docdir mandir bashcompletiondir systemdsystemunitdir sysusersdir tmpfilesdir; do
	declare "$name=$(value $name)"
	if [[ ${!name} != /* ]]; then
		not_ok "the makefile of $BUILD has a $name" "got: ${!name}"
		exit 1
	fi
done
files() { (cd "$DEST" 2>/dev/null && find . ! -type d -printf '%m /%P\n' | sort -k 2); }

# ---------------------------------------------------------------- everything in its place

cat >"$LIVE_DIR/wanted.unsorted" <<END
755 $bindir/redis-operator
644 $confdir/redis-operator.conf
$(cd "$TOP/states" && printf "644 $pkgdatadir/machines/%s\n" *.yaml)
644 $pkgdatadir/redis-operator-output.schema.json
644 $pkgdatadir/redis-operator.schema.json
644 $docdir/README.md
644 $docdir/HACKING.md
644 $docdir/NEWS
644 $docdir/examples/crontab
644 $docdir/examples/redis-operator.conf
$(cd "$TOP/examples/topologies" && printf "644 $docdir/examples/%s\n" *.yaml)
$(cd "$TOP/data/man" && for page in *.[158]; do echo "644 $mandir/man${page##*.}/$page"; done)
644 $bashcompletiondir/redis-operator
644 $systemdsystemunitdir/redis-operator.service
644 $systemdsystemunitdir/redis-operator-apply@.service
644 $systemdsystemunitdir/redis-operator-apply@.timer
644 $sysusersdir/redis-operator.conf
644 $tmpfilesdir/redis-operator.conf
END
sort -k 2 "$LIVE_DIR/wanted.unsorted" >"$LIVE_DIR/wanted"
check 'make install' make_in install "DESTDIR=$DEST"
files >"$LIVE_DIR/installed"
check '... every file in its place, with its mode, and no other' same "$LIVE_DIR/wanted" "$LIVE_DIR/installed"
check '... clusters.d is there' eval '[ "$(stat -c %a "$DEST$confdir/clusters.d")" = 755 ]'
check '... no file names the place of the build or of the installation' eval '! grep -rlIF -e "$BUILD" -e "$DEST" -e "$LIVE_DIR" "$DEST"'
check '... no placeholder is left' eval '! grep -rnIE "@[a-z]+@" "$DEST"'
check 'the installed program runs' eval '"$DEST$bindir/redis-operator" --version | grep -q "^redis-operator [0-9]"'
check 'the installed examples are valid' eval '"$DEST$bindir/redis-operator" validate "$DEST$docdir"/examples/*.yaml'
check 'the installed machine is the one compiled in' eval 'expect 0 machine table && cp "$OUT" "$LIVE_DIR/table" && expect 0 machine table "$DEST$pkgdatadir/machines/cluster.yaml" && same "$LIVE_DIR/table" "$OUT"'
check 'the schema is JSON' jq -e '."$schema"' "$DEST$pkgdatadir/redis-operator.schema.json"
check 'the configuration names the folder that was made for it' has "$DEST$confdir/redis-operator.conf" "clusters = \"$confdir/clusters.d\""

# ---------------------------------------------------------------- systemd

UNITS=$DEST$systemdsystemunitdir
exec_of() { sed -n 's/^ExecStart=//p' "$UNITS/$1"; }
check 'the service starts what was installed, with its configuration' test "$(exec_of redis-operator.service)" = \
	"$bindir/redis-operator run --config $confdir/redis-operator.conf"
check 'the timer applies a file of the folder, on the same database' eval \
	'[[ $(exec_of redis-operator-apply@.service) == "$bindir/redis-operator apply --yes --state /var/lib/redis-operator/state.db "*" $confdir/clusters.d/%i.yaml" ]]'
check '... busy is no failure there' grep -qx SuccessExitStatus=5 "$UNITS/redis-operator-apply@.service"
if command -v systemd-analyze >/dev/null; then
	# As if installed: the program and the man pages are looked for where the units say.
	mkdir "$LIVE_DIR/units"
	for file in "$UNITS"/*; do
		sed "s|^\(Exec[A-Za-z]*=\)$bindir/|\1$DEST$bindir/|" "$file" >"$LIVE_DIR/units/${file##*/}"
	done
	verify() { # verify FOLDER - exits 0 for what it only warns about: not a word may be said
		local man=yes
		command -v man >/dev/null || man=no
		MANPATH=$DEST$mandir systemd-analyze verify --man=$man "$1"/* >"$LIVE_DIR/verify" 2>&1 && [ ! -s "$LIVE_DIR/verify" ] && return
		cat "$LIVE_DIR/verify"
		return 1
	}
	check 'systemd-analyze verify has nothing to say' verify "$LIVE_DIR/units"
	cp -r "$LIVE_DIR/units" "$LIVE_DIR/units.wrong"
	sed -i 's/^ProtectHome=/ProtectHom=/' "$LIVE_DIR/units.wrong/redis-operator.service"
	check '... a misspelt key would be seen' eval '! verify "$LIVE_DIR/units.wrong" && has "$LIVE_DIR/verify" ProtectHom'
	for unit in redis-operator.service redis-operator-apply@.service; do
		check "$unit: exposure 1.5 or better" systemd-analyze security --no-pager --offline=true --threshold=15 "$UNITS/$unit"
	done
	sed '/^CapabilityBoundingSet=/d; /^SystemCallFilter=/d' "$UNITS/redis-operator.service" >"$LIVE_DIR/units.wrong/redis-operator.service"
	check '... less hardening would be seen' eval \
		'! systemd-analyze security --no-pager --offline=true --threshold=15 "$LIVE_DIR/units.wrong/redis-operator.service" >"$OUT" && has "$OUT" "Overall exposure"'
	check 'the timer comes up every five minutes' systemd-analyze calendar "$(sed -n 's/^OnCalendar=//p' "$UNITS/redis-operator-apply@.timer")"
else
	skip 'systemd-analyze verify and security' 'systemd-analyze is not installed'
fi
hardening() { sed -n '/^# ---- what both services/,/^SystemCallErrorNumber=/p' "$UNITS/$1"; }
check 'both services are hardened alike' eval '[ "$(hardening redis-operator.service | wc -l)" -gt 30 ] && [ "$(hardening redis-operator.service)" = "$(hardening redis-operator-apply@.service)" ]'

ROOT=$LIVE_DIR/root
as_root() { # COMMAND is there, and may change owners
	command -v "$1" >/dev/null || { skip "$2" "$1 is not installed"; return 1; }
	[ "$(id -u)" -eq 0 ] || { skip "$2" 'only root can make users and change owners'; return 1; }
}
if as_root systemd-sysusers 'sysusers.d and tmpfiles.d'; then
	mkdir -p "$ROOT/etc" "$ROOT/usr/lib/sysusers.d" "$ROOT/usr/lib/tmpfiles.d"
	cp "$DEST$sysusersdir/redis-operator.conf" "$ROOT/usr/lib/sysusers.d/"
	cp "$DEST$tmpfilesdir/redis-operator.conf" "$ROOT/usr/lib/tmpfiles.d/"
	check 'systemd-sysusers makes the user' eval 'systemd-sysusers --root="$ROOT" && grep -q "^redis-operator:x:[0-9]*:[0-9]*:[^:]*:/var/lib/redis-operator:.*nologin$" "$ROOT/etc/passwd"'
	uid=$(awk -F: '$1 == "redis-operator" { print $3 }' "$ROOT/etc/passwd")
	check 'systemd-tmpfiles makes the folders' systemd-tmpfiles --root="$ROOT" --create
	modes() { stat -c '%a %u' "$ROOT$confdir" "$ROOT$confdir/clusters.d" "$ROOT$confdir/credentials" "$ROOT/var/lib/redis-operator" | xargs; }
	check '... credentials and database for the service only' test "$(modes)" = "755 0 755 0 700 $uid 700 $uid"
fi

# ---------------------------------------------------------------- man pages and completion

if command -v mandoc >/dev/null; then
	check 'the man pages render' each '[ "$(mandoc -Tutf8 "$i" | wc -l)" -gt 20 ]' "$DEST$mandir"/man?/*
else
	skip 'the man pages render' 'mandoc is not installed'
fi
COMPLETION=$DEST$bashcompletiondir/redis-operator
export PATH=$DEST$bindir:$PATH
mkdir "$LIVE_DIR/person" && cp "$TOP/examples/topologies/zones.yaml" "$LIVE_DIR/person/" && : >"$LIVE_DIR/person/other.txt"
check 'completion is registered in bash' eval \
	'bash --norc -c ". \"\$1\"; complete -p redis-operator" bash "$COMPLETION" | grep -qx "complete -F _redis_operator redis-operator"'
if [ -e /usr/share/bash-completion/bash_completion ]; then
	check '... and found by the bash-completion package' eval 'XDG_DATA_DIRS=${DEST}${bashcompletiondir%/bash-completion/completions} bash --norc -c "
		. /usr/share/bash-completion/bash_completion; _completion_loader redis-operator; complete -p redis-operator" | grep -q "_redis_operator redis-operator"'
else
	skip '... and found by the bash-completion package' 'it is not installed'
fi
# typed TEXT - what an interactive bash makes of it, up to the end of the line; \t is the tab
typed() {
	printf "PS1=; . '%s'; cd '%s'; bind 'set show-all-if-ambiguous on'; echo ready\n%b\n exit\n" "$COMPLETION" "$LIVE_DIR/person" "$1" >"$LIVE_DIR/keys"
	TERM=dumb script -qec 'bash --norc --noprofile -i' /dev/null <"$LIVE_DIR/keys" 2>&1 | tr -d '\r\a' >"$OUT"
}
function_says() { # function_says WORD... - what completion offers for the last one, on one line
	(cd "$LIVE_DIR/person" && bash --norc -c '. "$1"; shift; compopt() { :; }
		COMP_WORDS=(redis-operator "$@") COMP_CWORD=$#
		_redis_operator redis-operator "${COMP_WORDS[COMP_CWORD]}" redis-operator; echo "${COMPREPLY[*]}"' bash "$COMPLETION" "$@")
}
offers() { # for check: offers 'WHAT' WORD...
	local got
	got=$(function_says "${@:2}")
	[ "$got" = "$1" ] && return
	echo "got '$got', expected '$1'"
	return 1
}
check 'a command' offers explain expl
check 'a file of topologies' offers zones.yaml validate z
check '... no other file' offers '' validate oth
check '... after the options' offers zones.yaml plan --detailed-exitcode -o json z
check 'any file for --config' offers other.txt --config o
check 'the words of an option' offers 'json jsonl' status --output j
check 'nothing after a number' offers '' history -n ''
check 'a node of the file' offers 10.0.1.11:6379 failover zones.yaml 10.0.1.11:63
check 'one operand is enough' offers '' plan zones.yaml ''
typed 'redis-operator expl\t --vers\t'
check 'a tab in a real bash' has "$OUT" "redis-operator $("$DEST$bindir/redis-operator" --version | cut -d' ' -f2)"
check 'three servers' fleet_up 3
topology "$LIVE_DIR/cart.yaml" 3 0
check '... made into a cluster' expect 0 apply --yes "$LIVE_DIR/cart.yaml"
check 'clusters of the database are offered' offers cart --state "$STATE" pause ''
check '... none where there is no database' offers '' --state "$LIVE_DIR/nowhere.db" pause ''
fleet_down

# ---------------------------------------------------------------- again, and away

echo 'interval = "7s";' >>"$DEST$confdir/redis-operator.conf"
cp "$DEST$confdir/redis-operator.conf" "$LIVE_DIR/edited"
cp "$LIVE_DIR/cart.yaml" "$DEST$confdir/clusters.d/cart.yaml"
check 'make install again' make_in install "DESTDIR=$DEST"
check '... an edited configuration survives it' same "$LIVE_DIR/edited" "$DEST$confdir/redis-operator.conf"
check 'make uninstall' make_in uninstall "DESTDIR=$DEST"
check '... an edited configuration survives it too' same "$LIVE_DIR/edited" "$DEST$confdir/redis-operator.conf"
check '... and a topology' test -e "$DEST$confdir/clusters.d/cart.yaml"
files | cut -d' ' -f2- >"$LIVE_DIR/left"
check '... nothing else' same "$LIVE_DIR/left" <(printf '%s\n' "$confdir/clusters.d/cart.yaml" "$confdir/redis-operator.conf")
rm -rf "$DEST"
check 'make install and uninstall' eval 'make_in install "DESTDIR=$DEST" && make_in uninstall "DESTDIR=$DEST"'
check '... leave no file' eval '[ -z "$(files)" ]'
check '... nor a folder of ours' eval '[ -z "$(find "$DEST" -name "redis-operator*")" ]'
