#!/bin/bash
# backup.sh - snapshots of a cluster: streamed, counted, proven, found damaged; and given to clusters of another shape
# timeout: 180
. "$(dirname "$0")/../lib/live.sh"

keys() { python3 "$TOP/tests/lib/backup_keys.py" "$@"; }
primaries() { # primaries FIRST N - their ports
	local i
	for ((i = $1; i < $1 + $2; i++)); do port "$i"; done
}
offset() { rcli "$1" INFO replication | sed -n 's/^master_repl_offset://p'; }
caught_up() { [ "$(offset "$1")" = "$(offset "$2")" ]; }
newest() { find "$1" -mindepth 1 -maxdepth 1 -type d | sort | tail -1; }

D=$LIVE_DIR/damaged
copy() { rm -rf "$LIVE_DIR/damaged" && cp -r "$A" "$LIVE_DIR/damaged"; }
flip() { # flip FILE - a byte in its middle
	local at=$(($(stat -c %s "$1") / 2))
	printf '\x55' | dd of="$1" bs=1 seek=$at conv=notrunc status=none
	cmp -s "$1" "$A/${1##*/}" || return 0
	printf '\xaa' | dd of="$1" bs=1 seek=$at conv=notrunc status=none
}

FLEET_TIMEOUT=15000 fleet_up 13 'enable-debug-command yes' 'repl-diskless-sync-delay 0' || exit 1
TOPOLOGY_NAME=cart TOPOLOGY_NODES='0 1 2 3 4 5' topology "$LIVE_DIR/from.yaml" 3 1
TOPOLOGY_NAME=two TOPOLOGY_NODES='6 7' topology "$LIVE_DIR/two.yaml" 2 0
TOPOLOGY_NAME=five TOPOLOGY_NODES='8 9 10 11 12' topology "$LIVE_DIR/five.yaml" 5 0
TAKEN=$LIVE_DIR/taken
check 'the cluster is formed' expect 0 apply --yes "$LIVE_DIR/from.yaml"
check 'keys of every type are there' keys fill "$(port 0)" 40
rcli 0 FUNCTION LOAD $'#!lua name=lib\nredis.register_function("f", function() return 1 end)' >/dev/null
check 'replicas have them' each 'wait_until 10 "caught_up $i $((i + 3))"' 0 1 2

# ---------------------------------------------------------------- taken

check 'a backup is made' expect 0 backup "$LIVE_DIR/from.yaml" --to "$TAKEN" -o json
check 'from replicas, with a history and an offset each' json '
	.shards | length == 3 and all(.replica and .checksum and (.replication_id | test("^[0-9a-f]{40}$")) and .offset > 0)'
KEYS=$(jq .keys "$OUT")
check 'every key is counted' test "$KEYS" = $(($(rcli 0 DBSIZE) + $(rcli 1 DBSIZE) + $(rcli 2 DBSIZE)))
A=$(newest "$TAKEN")
check 'it is whole by its name only' test "$(ls -A "$A" | tr '\n' ' ')" = 'manifest.json shard-1.rdb.zst shard-2.rdb.zst shard-3.rdb.zst '
check 'for its owner only' test "$(stat -c %a "$A" "$A"/* | sort -u | tr '\n' ' ')" = '600 700 '
check 'it is verified' expect 0 backup verify "$A"
check 'and listed so' expect 0 backup list "$TAKEN" -o json
check 'once' json ".backups | length == 1 and .[0].keys == $KEYS and .[0].verified != null"
check 'shown' expect 0 backup show "$A"
check 'stored plainly' expect 0 backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/plain" --compress none
if "$REDIS_SERVER" --version | grep -q '^Redis'; then # the server's own reader, under the name that makes it one
	check 'it is what the servers read' bash -c 'exec -a redis-check-rdb "$1" "$2"' - "$REDIS_SERVER" "$(newest "$LIVE_DIR/plain")/shard-1.rdb"
else
	skip 'it is what the servers read' 'Valkey has no such name'
fi

# ---------------------------------------------------------------- given

check 'not into a cluster that is not formed' expect 4 restore "$A" "$LIVE_DIR/two.yaml"
check 'with what to do' has "$ERR" "redis-operator apply $LIVE_DIR/two.yaml"
check 'two shards' expect 0 apply --yes "$LIVE_DIR/two.yaml"
check 'five shards' expect 0 apply --yes "$LIVE_DIR/five.yaml"

check 'a dry run' expect 0 restore --dry-run "$A" "$LIVE_DIR/two.yaml"
check 'gives nothing' test "$(rcli 6 DBSIZE)$(rcli 7 DBSIZE)" = 00
copy
flip "$D/shard-2.rdb.zst"
check 'a dry run of a damaged one tells' expect 1 restore --dry-run "$D" "$LIVE_DIR/two.yaml"
check 'into two shards' expect 0 restore "$A" "$LIVE_DIR/two.yaml" -o json
check 'every key' json ".keys == $KEYS and .functions == 1 and (.targets | length) == 2"
check 'into five shards' expect 0 restore "$A" "$LIVE_DIR/five.yaml"
keys digest $(primaries 0 3) >"$LIVE_DIR/was"
keys digest $(primaries 6 2) >"$LIVE_DIR/two"
keys digest $(primaries 8 5) >"$LIVE_DIR/five"
check 'there are keys to compare' test "$(wc -l <"$LIVE_DIR/was")" = "$KEYS"
check 'two shards hold the same, key by key' same "$LIVE_DIR/was" "$LIVE_DIR/two"
check 'and five' same "$LIVE_DIR/was" "$LIVE_DIR/five"
check 'functions are everywhere' each 'rcli "$i" FUNCTION LIST | grep -q lib' 6 7 8 9 10 11 12
check 'not again: there are keys' expect 4 restore "$A" "$LIVE_DIR/two.yaml"
check 'and how many' has "$ERR" 'keys already'

# ---------------------------------------------------------------- with a user that may do no more than it must

printf 'secret\n' >"$LIVE_DIR/password" && chmod 600 "$LIVE_DIR/password"
allow() { # allow I RULE...
	local i=$1
	shift
	op acl observer --user saver | rcli "$i" >/dev/null && rcli "$i" ACL SETUSER saver '>secret' "$@" >/dev/null
}
as_saver() { sed "s|^spec:|&\n  auth: { user: saver, passwordFile: $LIVE_DIR/password }|" "$1" >"$2"; }
as_saver "$LIVE_DIR/from.yaml" "$LIVE_DIR/saver.yaml"
as_saver "$LIVE_DIR/two.yaml" "$LIVE_DIR/giver.yaml"
check 'users' each 'allow "$i"' 0 1 2 3 4 5 6 7
check 'an observer may not' expect 9 backup "$LIVE_DIR/saver.yaml" --to "$LIVE_DIR/saved"
check '... and is told what is missing' has "$ERR" "may not run 'replconf'"
check 'with what the man page says' each 'allow "$i" +psync +replconf' 0 1 2 3 4 5
check '... a backup is made' expect 0 backup "$LIVE_DIR/saver.yaml" --to "$LIVE_DIR/saved"
check '(the two shards are empty again)' each 'rcli "$i" FLUSHALL && rcli "$i" FUNCTION FLUSH' 6 7
check 'with what the man page says' each 'allow "$i" "~*" +restore +dbsize "+function|restore" "+cluster|countkeysinslot"' 6 7
check '... it is restored' expect 0 restore "$A" "$LIVE_DIR/giver.yaml"

# ---------------------------------------------------------------- drilled: does it come back?

export TMPDIR=$LIVE_DIR/tmp
mkdir "$TMPDIR"
drill() { expect "$1" backup drill --server "${3:-$REDIS_SERVER}" "$2" -o json; }
gone() { ! find "$TMPDIR" -mindepth 1 -name 'redis-operator-drill*' | grep -q . && ! drilling; }
drilling() { # a server of a drill runs
	local cwd
	for cwd in /proc/[0-9]*/cwd; do [[ $(readlink "$cwd") == "$TMPDIR"/redis-operator-drill.*/given-* ]] && return; done
	return 1
}
check 'it comes back' drill 0 "$A"
check 'with every key' json ".keys + .expired == $KEYS"
check 'nothing is left of the servers' gone
check 'that is listed' eval 'expect 0 backup list "$TAKEN" -o json && json ".backups[0].drilled.server | test(\"^(redis|valkey) [0-9]\")"'
check 'and shown' eval 'expect 0 backup show "$A" && has "$OUT" "restored in a drill"'
copy
flip "$D/shard-2.rdb.zst"
check 'a damaged one does not' drill 1 "$D"
check '... which counts for what was drilled only' eval '[ -e "$D/drilled.json" ] && gone'
cat >"$LIVE_DIR/meddler" <<-END
	#!/bin/bash
	# a server where something is other than in the snapshot that it loaded
	[[ \$PWD == */loads-2 ]] && (
		cli() { "$REDIS_CLI" -p "\$(sed -n 's/^port //p' redis.conf)" -a "\$(sed -n 's/^requirepass //p' redis.conf)" --no-auth-warning "\$@"; }
		until cli PING | grep -q PONG; do :; done
		\${MEDDLE:-} cli
	) >/dev/null 2>&1 &
	exec "$REDIS_SERVER" "\$@"
END
chmod +x "$LIVE_DIR/meddler"
more() { "$1" SET 'one more' x; }
other() { "$1" APPEND "$("$1" --scan --pattern 'plain:*' | head -1)" x; }
later() { for key in $("$1" --scan --pattern 'plain:*' | head -1); do "$1" EXPIRE "$key" 100; done; }
export -f more other later
check 'a key that only the server reads' eval 'MEDDLE=more drill 1 "$A" "$LIVE_DIR/meddler"'
check '... is told' has "$ERR" 'and we read'
check 'a value that is another' eval 'MEDDLE=other drill 1 "$A" "$LIVE_DIR/meddler"'
check '... is told' has "$ERR" 'has another value where it was restored'
check 'a time that is another' eval 'MEDDLE=later drill 1 "$A" "$LIVE_DIR/meddler"'
check '... is told' has "$ERR" "where it was restored"
check 'no server' drill 1 "$A" /bin/true
check '... is told' has "$ERR" 'does not run'
op_start backup drill --server "$REDIS_SERVER" "$A"
check 'a drill has begun' wait_until 10 drilling
kill -9 "$OP_PID"
op_wait
check 'killed with -9, no server is left' wait_until 5 '! drilling'
check '... nor, after the next one, its folder' eval 'touch -d "2 minutes ago" "$TMPDIR"/redis-operator-drill.* && drill 0 "$A" && gone'
op_start backup drill --server "$REDIS_SERVER" "$A"
check 'another one has begun' wait_until 10 drilling
kill -INT "$OP_PID"
op_wait
check 'interrupted, it leaves nothing' eval 'has "$ERR" interrupted && gone'

# ---------------------------------------------------------------- damaged: each is found, and named

damaged() { # damaged NAME CODE TEXT COMMAND... - verify ends with the code and says the text
	local name=$1 code=$2 text=$3
	shift 3
	copy
	check "$name" eval "$* && expect $code backup verify '$LIVE_DIR/damaged' && cat \"\$OUT\" \"\$ERR\" >\"\$LIVE_DIR/said\" && has \"\$LIVE_DIR/said\" '$text'"
}
damaged 'a flipped byte' 1 '[ERR] shard 2' 'flip "$D/shard-2.rdb.zst"'
check '... the others are told to be sound' has "$OUT" '[OK] shard 1'
damaged 'a shard that is missing' 1 '[ERR] shard 3' 'rm "$D/shard-3.rdb.zst"'
damaged 'a file that is cut' 1 'cut short' 'truncate -s -20 "$D/shard-1.rdb.zst"'
damaged 'bytes behind the end' 1 '[ERR] shard 1' 'cat "$D/shard-2.rdb.zst" >>"$D/shard-1.rdb.zst"'
damaged 'a shard in the place of another' 1 'which is another shard' 'cp "$D/shard-2.rdb.zst" "$D/shard-1.rdb.zst"'
damaged 'a manifest that was edited' 3 'its digest is another' "sed -i 's/\"keys\": [0-9]*/\"keys\": 7/' \"\$D/manifest.json\""
damaged 'a manifest of a newer format' 3 'it is of format 2.0' "sed -i 's/\"format_version\": \"1.1\"/\"format_version\": \"2.0\"/' \"\$D/manifest.json\""
damaged 'two manifests in one' 3 'it is no JSON' 'cat "$A/manifest.json" >>"$D/manifest.json"'
damaged 'a manifest of another backup beside these files' 1 'the manifest says' 'cp "$(newest "$LIVE_DIR/plain")/manifest.json" "$D/manifest.json" && for i in 1 2 3; do cp "$D/shard-$i.rdb.zst" "$D/shard-$i.rdb"; done'
damaged 'no manifest' 3 'no backup' 'rm "$D/manifest.json"'
check 'a folder that cannot be made' expect 1 backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/from.yaml/taken"

# ---------------------------------------------------------------- killed, and pruned

check 'servers take their time to begin' each 'rcli "$i" CONFIG SET repl-diskless-sync-delay 3' 3 4 5
op_start backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/killed"
check 'a backup has begun' wait_until 10 '[ -d "$(newest "$LIVE_DIR/killed")" ]'
kill -9 "$OP_PID"
op_wait
check 'killed with -9 it is no backup' eval 'expect 0 backup list "$LIVE_DIR/killed" -o json && json ".backups | length == 1 and .[0].whole == false"'
op_start backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/interrupted"
check 'another one has begun' wait_until 10 '[ -d "$(newest "$LIVE_DIR/interrupted")" ]'
kill -TERM "$OP_PID"
op_wait
check 'told to stop, it says so' has "$ERR" 'told to stop'
check 'and leaves nothing' test -z "$(ls -A "$LIVE_DIR/interrupted")"
check 'at once again' each 'rcli "$i" CONFIG SET repl-diskless-sync-delay 0' 3 4 5
check 'another backup' expect 0 backup "$LIVE_DIR/from.yaml" --to "$TAKEN"
check 'prune says what would go' eval 'expect 0 backup prune --dry-run --keep-last 1 "$TAKEN" && has "$OUT" "0 backups would be removed"'
B=$(newest "$TAKEN")
check 'once the newer one is verified too' expect 0 backup verify "$B"
check 'the older one goes' eval 'expect 0 backup prune --keep-last 1 "$TAKEN" && [ "$(newest "$TAKEN")" = "$B" ] && [ ! -e "$A" ]'

# ---------------------------------------------------------------- a source that dies in the middle is followed by another

check 'a replica takes its time to begin' rcli 3 CONFIG SET repl-diskless-sync-delay 5
op_start backup "$LIVE_DIR/from.yaml" --to "$LIVE_DIR/other" -o json
check 'it was asked' wait_until 10 'rcli 3 INFO replication | grep -q wait_bgsave'
node_kill9 3
check 'it dies, and the backup is made' op_wait
check 'from the primary then' json '.shards | map(.replica) == [false, true, true]'
check 'and is sound' expect 0 backup verify "$(newest "$LIVE_DIR/other")"
