#!/bin/bash
# import.sh - a cluster that exists already, whoever made it, as a topology file: nothing is sent, and nothing is left out
# timeout: 600
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
unset XDG_STATE_HOME
export HOME=$LIVE_DIR

schema() { # schema FILE - by the JSON schema, with both readings of YAML that are about
	/usr/bin/python3 - "$TOP/data/redis-operator.schema.json" "$1" <<'PYTHON'
import json, sys
import jsonschema, yaml
schema = json.load(open(sys.argv[1]))
jsonschema.Draft7Validator.check_schema(schema)
jsonschema.validate(yaml.safe_load(open(sys.argv[2])), schema)
PYTHON
}
imported() { # imported NODE [OPTION...] - into $F, twice the same, with nothing sent and no database made
	changes_begin
	expect 0 import "$(address "$1")" "${@:2}" || return
	cp "$OUT" "$F" && cp "$ERR" "$LIVE_DIR/notes"
	expect 0 import "${@:2}" "$(address "$1")" && same "$OUT" "$F" && no_changes || return
	awk 'length > 80 && !/^    / { print "wider than a terminal: " $0; bad = 1 } END { exit bad }' "$F" || return
	[ -e "$STATE" ] && echo 'there is a database' && return 1
	return 0
}
unchanged() { # of $F: the schema, validate, plan and apply have nothing to say against it
	schema "$F" && expect 0 validate "$F" || return
	changes_begin
	expect 0 plan --detailed-exitcode "$F" && has "$OUT" 'No changes. The cluster matches its topology.' || return
	expect 0 apply --yes "$F" && silent && no_changes || return
	rm -f "$STATE"*
}
explains() { # explains TEXT: in comments, whose lines are as long as a terminal is wide
	sed 's/^ *# *//' "$F" | tr '\n' ' ' | grep -qF -e "$1" || has "$F" "$1"
}
refused() { # refused CODE NODE TEXT...
	local code=$1 node=$2 text
	shift 2
	changes_begin
	expect "$code" import "$(address "$node")" && no_changes || return
	[ -s "$OUT" ] && echo 'there is something on stdout:' && head "$OUT" && return 1
	[ -e "$STATE" ] && echo 'there is a database' && return 1
	for text; do has "$ERR" "$text" || return; done
}
pairs() { # who replicates whom, and the slots, by port: what makes two clusters of the same servers equal
	rcli "$1" CLUSTER NODES | tr -d '\r' | awk '{ split($2, a, "@"); at[$1] = a[1]; of[$1] = $4; line[$1] = ""
		for (i = 9; i <= NF; i++) line[$1] = line[$1] " " $i }
		END { for (n in at) print at[n], of[n] == "-" ? "primary" line[n] : "of " at[of[n]] }' | sort
}
anew() { # the servers made empty, and a cluster formed of them by $F: prints nothing when it has the pairs of file $1
	local i
	for i in $(nodes_running); do rcli "$i" FLUSHALL >/dev/null; rcli "$i" CLUSTER RESET HARD >/dev/null; done
	wait_until 10 'each "[ \$(rcli \$i CLUSTER NODES | wc -l) = 1 ] && [ -z \"\$(rcli \$i CLUSTER NODES | cut -d\" \" -f9-)\" ]" $(nodes_running)' || return
	expect 0 apply --yes "$F" && wait_until 20 'agreed && replicas_up' || return
	rm -f "$STATE"*
	pairs 0 >"$LIVE_DIR/anew" && same "$1" "$LIVE_DIR/anew"
}
meet_all() {
	local i
	for ((i = 0; i < COUNT; i++)); do
		rcli "$i" CLUSTER SET-CONFIG-EPOCH $((i + 1)) >/dev/null
		[ "$i" = 0 ] || rcli 0 CLUSTER MEET 127.0.0.1 "$(port "$i")" ${BUS:+$((BUS + i))} >/dev/null
	done
	wait_until 20 'each "[ \$(rcli \$i CLUSTER NODES | grep -vc -e handshake -e fail) = $COUNT ]" $(nodes_running)'
}
follow() { rcli "$1" CLUSTER REPLICATE "$(rcli "$2" CLUSTER MYID)" | grep -q OK; }
settled() { wait_until 30 "agreed $* && replicas_up $*"; }

# ---------------------------------------------------------------- made by redis-cli, with keys

check 'seven servers' fleet_up 7 'repl-diskless-sync-delay 0'
check 'a lone, empty node: 4' refused 4 6 "$(address 6) is a node by itself, without slots and peers" 'list the servers in a topology file'
"$REDIS_CLI" --cluster create $(addresses | head -6) --cluster-replicas 1 --cluster-yes >"$LIVE_DIR/create" 2>&1
check 'redis-cli makes a cluster of six' settled 0 1 2 3 4 5
for i in {1..50}; do echo "SET key$i value$i"; done | "$REDIS_CLI" -c -p "$(port 0)" >"$LIVE_DIR/set"
pairs 0 >"$LIVE_DIR/pairs"
check 'it is imported' imported 0
check '... without a word' test ! -s "$LIVE_DIR/notes"
check '... as three shards with a replica each' eval 'has "$F" "  shards: 3" && has "$F" "  replicasPerShard: 1" && [ "$(grep -c "{ address: 127" "$F")" = 6 ] && lacks "$F" "shard: "'
check '... under a name made from the port' has "$F" "  name: cluster-$(port 0)"
check '... with what all have set' eval 'has "$F" "cluster-node-timeout: 5000" && has "$F" "repl-diskless-sync-delay: 0" && has "$F" "save: \"\""'
check '... and nothing else' eval '[ "$(sed -n "/^  settings:/,\$p" "$F" | grep -c "^    ")" = 3 ]'
check '... no changes' unchanged
sed 1d "$F" >"$LIVE_DIR/first"
check 'another node is asked: the same but for the name' eval 'imported 4 && diff <(sed "1d; s/cluster-$(port 4)$/cluster-$(port 0)/" "$F") "$LIVE_DIR/first"'
check 'by the name of the host: still as announced' eval 'expect 0 import "localhost:$(port 0)" && diff <(sed 1d "$OUT") "$LIVE_DIR/first"'
check '--name' eval 'imported 0 --name shop && has "$F" "  name: shop" && unchanged'
check '--name no' eval 'imported 0 --name no && has "$F" "  name: \"no\"" && unchanged'
check 'a wrong name: 3' eval 'expect 3 import "$(address 0)" --name Shop_1 && has "$ERR" "lower-case letters"'
check 'something else than HOST:PORT: 3' eval 'expect 3 import nowhere && has "$ERR" "is not HOST:PORT"'
check 'for programs: the file as a text of the document' eval 'expect 0 import -o json "$(address 0)" && json ".topology | test(\"kind: RedisCluster\")"'
check '--user alone: 3' eval 'expect 3 import "$(address 0)" --user you && has "$ERR" "--password-file"'
rcli 1 CONFIG SET maxmemory 100mb >/dev/null
for i in 0 1 2 3 4 5; do rcli $i CONFIG SET maxmemory-policy volatile-ttl >/dev/null; rcli $i CONFIG SET appendonly yes >/dev/null; rcli $i CONFIG SET auto-aof-rewrite-min-size 128mb >/dev/null; done
check 'settings: what all have is declared, in words of redis.conf' eval 'imported 0 && has "$F" "    maxmemory-policy: volatile-ttl" && has "$F" "    appendonly: \"yes\"" && has "$F" "    auto-aof-rewrite-min-size: 128mb"'
check '... where nodes differ they are named' eval 'explains "maxmemory: $(address 1) has 100mb; the others, 5: 0" && lacks "$F" "    maxmemory:"'
check '... no changes' unchanged
check '... whichever node is asked' eval 'imported 1 && lacks "$F" "    maxmemory:" && unchanged'

# The odd ones, and nothing on stdout.
rcli 0 ACL SETUSER default -psync -sync >/dev/null
rcli 0 CLIENT KILL TYPE replica >/dev/null
cut=$(for i in 3 4 5; do rcli $i INFO replication | grep -q "master_port:$(port 0)" && echo $i; done)
check 'a primary refuses its replica' wait_until 10 'rcli "$cut" INFO replication | grep -q master_link_status:down'
check 'a replica without its primary is waited for, then refused: 4' refused 4 1 "$(address "$cut"): its link to its primary $(address 0) is " "redis-operator check $(address 1)"
op_start import "$(address 1)"
rcli 0 ACL SETUSER default +psync +sync >/dev/null
check '... when it comes back in time it is imported' eval 'op_wait || { cat "$ERR"; false; } && has "$OUT" "shards: 3"'
check '... and all is well' settled 0 1 2 3 4 5
rcli 1 CLUSTER SETSLOT 6500 MIGRATING "$(rcli 2 CLUSTER MYID)" >/dev/null
check 'an open slot: 4' refused 4 0 "$(address 1) has 1 slot on the way" 'import again when they have arrived' 'redis-cli --cluster fix'
rcli 1 CLUSTER SETSLOT 6500 STABLE >/dev/null
rcli 0 CLUSTER MEET 127.0.0.1 "$(port 6)" >/dev/null
check 'a seventh node joins' settled
check 'a primary without slots: 4' refused 4 0 "$(address 6) is a primary without slots" 'cluster replicate'
node_freeze 6
check 'a node that does not answer: 8' refused 8 0 "$(address 6), a node of this cluster, does not answer" 'it may hold the only copy'
node_thaw 6
node_stop 6
check 'a node that is gone: 8' refused 8 0 "$(address 6), a node of this cluster, does not answer"
check '... asked itself too' refused 8 6 "$(address 6): "
gone=$(rcli 0 CLUSTER NODES | grep ":$(port 6)@" | cut -d' ' -f1)
rcli 0 CLUSTER FORGET "$gone" >/dev/null
if rcli 1 CLUSTER NODES | grep -q "$gone"; then
	check 'a node that only the others know: 4' refused 4 0 "knows node $gone" "and $(address 0) does not"
else
	skip 'a node that only the others know' 'these servers tell each other whom to forget, and did already'
fi
for i in 1 2 3 4 5; do rcli $i CLUSTER FORGET "$gone" >/dev/null; done
check 'forgotten by all, no changes again' eval 'wait_until 10 "agreed" && imported 0 && unchanged'
node_wipe 6
node_start 6
rcli 0 CLUSTER MEET 127.0.0.1 1 >/dev/null
check 'a handshake with nobody: 4' refused 4 0 "$(address 0) is being introduced to 1 node (handshake)"
check '... it passes' wait_until 20 '! rcli 0 CLUSTER NODES | grep -q handshake'
node_stop 6
node_wipe 6
sed -i 's/^cluster-enabled.*/cluster-enabled no/' "$LIVE_DIR/6/redis.conf" 2>/dev/null
node_start 6
check 'a server that is not in cluster mode: 4' refused 4 6 "$(address 6): " 'cluster mode'
node_stop 6
check 'what is no server at all: 8' refused 8 6 "$(address 6): "
/usr/bin/python3 - "$(port 6)" <<'PYTHON' &
import socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen()
while True:
    c, _ = s.accept()
    try:
        c.sendall(b"220 mail.example ESMTP\r\n")
        while c.recv(1000):
            pass
    except OSError:
        pass
    c.close()
PYTHON
LIVE_JOBS+=($!)
other=$!
check 'a server of another kind listens' wait_until 10 '(exec 3<>"/dev/tcp/127.0.0.1/$(port 6)")'
check '... is not a Redis: 4' refused 4 6 "$(address 6): "
{ kill "$other"; wait "$other"; } 2>/dev/null

check 'formed anew from the file: the same pairs and slots' eval 'imported 0 && anew "$LIVE_DIR/pairs"'
fleet_down

# ---------------------------------------------------------------- five primaries, and no replica

check 'five servers' fleet_up 5
"$REDIS_CLI" --cluster create $(addresses) --cluster-yes >"$LIVE_DIR/create" 2>&1
check 'redis-cli makes a cluster of five primaries' settled
pairs 0 >"$LIVE_DIR/pairs"
check 'imported: no replicas' eval 'imported 2 && has "$F" "  shards: 5" && has "$F" "  replicasPerShard: 0"'
check '... no changes' unchanged
check 'formed anew: the same' anew "$LIVE_DIR/pairs"
rcli 2 CONFIG SET cluster-require-full-coverage no >/dev/null
rcli 0 CLUSTER DELSLOTS 7 >/dev/null
check 'a slot that nobody owns: 4' refused 4 1 '1 of 16384 slots are owned by nobody' 'cluster fix'
fleet_down

# ---------------------------------------------------------------- by hand: uneven, scattered slots; odd pairs

check 'six servers, strangers' fleet_up 6
check 'met by hand' meet_all
check 'met, without slots: 4' refused 4 3 "and its 5 peers own no slots"
# (the lowest slot is at node 2: it is shard 1)
rcli 2 CLUSTER ADDSLOTSRANGE 0 99 200 299 5000 6999 16000 16383 >/dev/null
rcli 0 CLUSTER ADDSLOTSRANGE 100 199 300 4999 >/dev/null
rcli 1 CLUSTER ADDSLOTSRANGE 7000 15999 >/dev/null
follow 3 1 && follow 4 2 && follow 5 0
check 'uneven and scattered slots' settled
before=$(view 0)
check 'imported' imported 5
check '... in order of the lowest slot' test "$(grep -o "address: [0-9.:]*" "$F" | cut -d: -f3 | xargs)" = "$(port 2) $(port 0) $(port 1) $(port 4) $(port 5) $(port 3)"
check '... the file says what it cannot say' eval 'explains "a cluster formed anew from this file would have equal ranges" && explains "shard 1 owns 2584 slots, shard 2 owns 4800 slots, shard 3 owns 9000 slots"'
check '... stderr too' eval 'has "$LIVE_DIR/notes" "shard 3 owns 9000 slots: the file keeps them as they are" && [ "$(wc -l <"$LIVE_DIR/notes")" = 1 ]'
check '... no changes' unchanged
check '... not a slot moved' test "$(view 0)" = "$before"
check 'formed anew: the same pairs, equal ranges' eval 'anew /dev/null >/dev/null; diff <(awk "{ print \$1, \$2, (\$2 == \"of\" ? \$3 : \"\") }" "$LIVE_DIR/anew") - <<<"$(printf "%s\n" "$(address 0) primary " "$(address 1) primary " "$(address 2) primary " "$(address 3) of $(address 1)" "$(address 4) of $(address 2)" "$(address 5) of $(address 0)")" && [ "$(ranges 0)" = "0-5460 5461-10922 10923-16383" ]'
fleet_down

# ---------------------------------------------------------------- replicas of different number; two each

# (left to themselves, the servers would move a replica to a shard that has lost its own)
check 'seven servers' fleet_up 7 'repl-diskless-sync-delay 0' 'cluster-allow-replica-migration no'
check 'met by hand' meet_all
rcli 0 CLUSTER ADDSLOTSRANGE 0 5460 >/dev/null
rcli 1 CLUSTER ADDSLOTSRANGE 5461 10922 >/dev/null
rcli 2 CLUSTER ADDSLOTSRANGE 10923 16383 >/dev/null
follow 3 0 && follow 4 1 && follow 5 2 && follow 6 2
check 'a cluster with 1, 1 and 2 replicas' settled
pairs 0 >"$LIVE_DIR/pairs"
check 'imported: at least one, and each node with its shard' eval 'imported 0 && has "$F" "  replicasPerShard: 1 " && explains "at least; there are 1, 1, 2" && has "$F" "address: $(address 6), shard: 3 }" && [ "$(grep -c "shard: [123] }" "$F")" = 7 ]'
check '... stderr says so' has "$LIVE_DIR/notes" 'shard 1 has 1, shard 2 has 1, shard 3 has 2'
check '... no changes' unchanged
check 'formed anew: 1, 1 and 2 again' anew "$LIVE_DIR/pairs"
check '... and again no changes' eval 'imported 3 && unchanged'
check 'a replica goes where there is one already: 0, 1, 3' eval 'follow 3 2 && settled'
pairs 0 >"$LIVE_DIR/pairs"
check 'imported' eval 'imported 3 && has "$F" "  replicasPerShard: 0 " && explains "at least; there are 0, 1, 3" && unchanged'
check 'formed anew: 0, 1 and 3 again' anew "$LIVE_DIR/pairs"
check 'two servers more' fleet_up 2 'repl-diskless-sync-delay 0' 'cluster-allow-replica-migration no'
rcli 0 CLUSTER MEET 127.0.0.1 "$(port 7)" >/dev/null
rcli 0 CLUSTER MEET 127.0.0.1 "$(port 8)" >/dev/null
check 'they join' wait_until 20 agreed
check 'two replicas each' eval 'follow 3 0 && follow 7 0 && follow 8 1 && settled'
pairs 0 >"$LIVE_DIR/pairs"
check 'imported, without pins' eval 'imported 8 && has "$F" "  replicasPerShard: 2" && lacks "$F" "shard: 1" && unchanged'
check 'formed anew: the same' anew "$LIVE_DIR/pairs"
fleet_down

# ---------------------------------------------------------------- a password; a user; a bus port; several hosts

SECRET='gE7eim#nis-42'
BUS=$((LIVE_BLOCK + 50))
export REDISCLI_AUTH=$SECRET
check 'three servers with a password' fleet_up 3 "requirepass $SECRET" "masterauth $SECRET"
for i in 0 1 2; do
	node_stop $i
	echo "cluster-port $((BUS + i))" >>"$LIVE_DIR/$i/redis.conf"
	echo 'cluster-announce-hostname redis.example.org' >>"$LIVE_DIR/$i/redis.conf"
	node_start $i
	rcli $i ACL SETUSER reader on ">$SECRET" +@all >/dev/null
done
check '... and bus ports of their own' meet_all
rcli 0 CLUSTER ADDSLOTSRANGE 0 5460 >/dev/null
rcli 1 CLUSTER ADDSLOTSRANGE 5461 10922 >/dev/null
rcli 2 CLUSTER ADDSLOTSRANGE 10923 16383 >/dev/null
check 'a cluster' settled
printf '%s\n' "$SECRET" >"$LIVE_DIR/password"
printf 'wrong\n' >"$LIVE_DIR/wrong"
chmod 600 "$LIVE_DIR/password" "$LIVE_DIR/wrong"
check 'no password: 9' refused 9 0 'asks for a password'
check 'a wrong one: 9' eval 'expect 9 import "$(address 0)" --password-file "$LIVE_DIR/wrong" && has "$ERR" "wrong password" && [ ! -s "$OUT" ]'
check 'imported' imported 0 --password-file "$LIVE_DIR/password"
check '... the file names the password, and does not tell it' eval 'has "$F" "    passwordFile: $LIVE_DIR/password" && lacks "$F" "$SECRET" && lacks "$F" "user:"'
check '... bus ports and host names' eval 'has "$F" "{ address: $(address 1), busPort: $((BUS + 1)) }" && explains "calls itself redis.example.org"'
check '... no changes' unchanged
check 'a user, and a file beside' eval 'cd "$LIVE_DIR" && imported 0 --user reader --password-file password && has "$F" "    user: reader" && has "$F" "    passwordFile: password" && unchanged'
check 'check takes them too' eval 'expect 0 check "$(address 0)" --user reader --password-file "$LIVE_DIR/password" && expect 9 check "$(address 0)"'
check '... but not beside a file' eval 'expect 3 check --password-file "$LIVE_DIR/password" "$F" && has "$ERR" "spec.auth"'
for i in 0 1 2; do rcli $i ACL SETUSER reader '-config|get' >/dev/null; done
check 'a user who may not read settings: a file without them' eval 'imported 0 --user reader --password-file "$LIVE_DIR/password" && lacks "$F" settings: && unchanged'
unset REDISCLI_AUTH BUS
fleet_down

# ---------------------------------------------------------------- hosts and addresses

three_primaries() {
	meet_all || return
	rcli 0 CLUSTER ADDSLOTSRANGE 0 5460 >/dev/null
	rcli 1 CLUSTER ADDSLOTSRANGE 5461 10922 >/dev/null
	rcli 2 CLUSTER ADDSLOTSRANGE 10923 16383 >/dev/null
}
# Each replica on its primary's host, against all good advice: placed anew by order alone, they would be kept apart.
check 'six servers on three hosts' fleet_up 6 'bind 127.0.0.1 127.0.0.2 127.0.0.3' 'repl-diskless-sync-delay 0'
for i in 0 1 2 3 4 5; do rcli $i CONFIG SET cluster-announce-ip "127.0.0.$((i % 3 + 1))" >/dev/null; done
check 'met by hand' three_primaries
check 'replicas beside their primaries' eval 'follow 3 0 && follow 4 1 && follow 5 2 && settled'
check '... and all know where' wait_until 20 'each "[ \$(rcli \$i CLUSTER NODES | grep -c \" 127.0.0.[23]:\") = 4 ]" 0 1 2 3 4 5'
pairs 0 >"$LIVE_DIR/pairs"
check 'imported: each node says its shard' eval 'imported 0 && has "$F" "{ address: 127.0.0.2:$(port 4), shard: 2 }" && [ "$(grep -c "shard: [123] }" "$F")" = 6 ] && explains "by order alone"'
check '... no changes' unchanged
check 'formed anew: the same pairs' anew "$LIVE_DIR/pairs"
check 'not without these' eval 'sed -i "s/, shard: [123] }/ }/" "$F" && ! anew "$LIVE_DIR/pairs"'
check 'two of three apart: by order alone again' eval 'follow 3 1 && follow 4 2 && follow 5 0 && settled && imported 0 && lacks "$F" "shard: 1" && unchanged'
# What the addresses lead to is held against the ids.
rcli 4 CONFIG SET cluster-announce-ip 127.0.0.9 >/dev/null
check 'a node moves to an address where nobody listens' wait_until 20 'each "rcli \$i CLUSTER NODES | grep -q \" 127.0.0.9:\"" 0 1 2 3 5'
check '... others refuse: 8' refused 8 0 "127.0.0.9:$(port 4), a node of this cluster, does not answer"
check '... and asked itself: 8' refused 8 4 "127.0.0.9:$(port 4), a node of this cluster, does not answer"
rcli 4 CONFIG SET cluster-announce-ip 127.0.0.2 >/dev/null
rcli 4 CONFIG SET cluster-announce-port "$(port 5)" >/dev/null
check 'a node announces the port of another' wait_until 20 'each "rcli \$i CLUSTER NODES | grep -q \" 127.0.0.2:$(port 5)@\"" 0 1 2 3 5'
check '... who is not it: 4' refused 4 0 "at 127.0.0.2:$(port 5) another node answers"
fleet_down

if [ -e /proc/net/if_inet6 ] && grep -q '^0*1 ' /proc/net/if_inet6; then
	check 'three servers on IPv6' fleet_up 3 'bind 127.0.0.1 ::1'
	for i in 0 1 2; do rcli $i CONFIG SET cluster-announce-ip ::1 >/dev/null; done
	check 'met by hand' three_primaries
	check 'a cluster on IPv6' settled
	check 'imported' eval 'imported 0 && has "$F" "{ address: \"[::1]:$(port 2)\" }" && unchanged'
	check '... by an address in brackets' eval 'expect 0 import "[::1]:$(port 0)" && diff <(grep -v "^#" "$OUT") <(grep -v "^#" "$F")'
	fleet_down
else
	skip 'IPv6' 'this machine has none'
fi

outside=$(hostname -I 2>/dev/null | tr ' ' '\n' | grep -E '^[0-9.]+$' | head -1)
if [ -n "$outside" ]; then
	check 'four servers that know each other by loopback' fleet_up 4 "bind 127.0.0.1 $outside" 'protected-mode no'
	check 'a lone one, by another address: its announced one is empty' eval 'rcli 3 CLUSTER ADDSLOTSRANGE 0 16383 && wait_until 10 "rcli 3 CLUSTER INFO | grep -q cluster_state:ok" && expect 0 import "$outside:$(port 3)" && has "$OUT" "{ address: $outside:$(port 3) }" && cp "$OUT" "$F" && unchanged'
	node_stop 3
	COUNT=3
	check 'met by hand' three_primaries
	check 'a cluster' settled
	changes_begin
	check 'imported by an address of the machine: the file says that one' eval 'expect 0 import "$outside:$(port 1)" && has "$ERR" "3 nodes announce a loopback address" && [ "$(grep -c "address: $outside:" "$OUT")" = 3 ] && cp "$OUT" "$F"'
	check '... no changes' unchanged
	check '... the nodes as they announce themselves, from here' eval 'imported 1 && [ "$(grep -c "address: 127.0.0.1:" "$F")" = 3 ]'
	fleet_down
else
	skip 'loopback from outside' 'this machine has no other address'
fi
