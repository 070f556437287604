#!/bin/bash
# names.sh - nodes declared by name: one whose name is gone is a silent node, one with several addresses is found at each
# timeout: 200
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
HOSTS=$LIVE_DIR/dns/hosts

if ! unshare -rm true 2>/dev/null; then
	skip 'nodes declared by name' 'no mount namespace for a hosts file of its own'
	exit 0
fi
mkdir "$LIVE_DIR/dns"
# The file is ours in a mount namespace of the program's own: the machine's stays as it is.
printf '#!/bin/bash\nmount --bind "%s" /etc/hosts && exec "%s" "$@"\n' "$HOSTS" "$ROP_BIN" >"$LIVE_DIR/dns/op"
printf '#!/bin/bash\nexec unshare -rm bash "%s" "$@"\n' "$LIVE_DIR/dns/op" >"$LIVE_DIR/dns/named"
chmod +x "$LIVE_DIR/dns/named"
for i in 0 1 2 3 4 5; do echo "127.0.0.1 m$i.test"; done >"$HOSTS"
ROP_BIN=$LIVE_DIR/dns/named

check 'six servers' fleet_up 6
TOPOLOGY_NODES=$(for i in 0 1 2 3 4 5; do echo "{ address: m$i.test:$(port $i) }"; done)
topology "$F" 3 1
check 'by their names they become a cluster' eval 'expect 0 apply --yes "$F" && agreed && replicas_up'
check 'the names are what is shown' eval 'expect 0 status "$F" && has "$OUT" "m5.test:$(port 5)"'

sed -i '/m5.test/d' "$HOSTS"
changes_begin
LAST="m5.test:$(port 5): its name does not resolve"
check 'a name that is gone: its node is where it was last' eval \
	'expect 0 status "$F" && has "$OUT" "6 nodes, 6 answer" && has "$ERR" "$LAST" && has "$ERR" "reached where it was last, at 127.0.0.1"'
check '... of which check warns' eval 'expect 0 check "$F" && has "$OUT" "[WARNING] $LAST"'
check '... and plan and apply, which have nothing to change' eval \
	'expect 0 plan --detailed-exitcode "$F" && has "$ERR" "$LAST" && expect 0 apply --yes "$F" && has "$ERR" "$LAST" && no_changes'
check 'without the database nobody knows where' eval \
	'STATE=$LIVE_DIR/none.db expect 0 status "$F" && has "$OUT" "6 nodes, 5 answer" && has "$OUT" "SlotsCovered   True"'

node_stop 5
check 'it is not there any more: silent, with the reason' eval \
	'expect 1 check "$F" && has "$OUT" "m5.test:$(port 5) does not answer: its name does not resolve" &&
	has "$OUT" "where it was last, at 127.0.0.1: connection refused"'
changes_begin
check 'plan goes on without it' eval 'expect 0 plan "$F"'
check 'apply does what can be done, and says that it is not converged' eval \
	'expect 6 apply --yes --timeout 5s "$F" && has "$ERR" "its name does not resolve"'
check '... which was nothing' no_changes
cp "$LIVE_DIR/5/nodes.conf" "$LIVE_DIR/nodes.5"
node_wipe 5
node_start 5
check 'another server is there: it is not taken for it' eval \
	'expect 1 check "$F" && has "$OUT" "where it was last, at 127.0.0.1: another server answers"'
check '... nor told anything' eval 'expect 6 apply --yes --timeout 3s "$F"; [ -z "$(monitor_begin; rcli 5 CLUSTER NODES | grep -v myself)" ]'
node_stop 5
cp "$LIVE_DIR/nodes.5" "$LIVE_DIR/5/nodes.conf"
rcli 1 CONFIG SET maxmemory-policy allkeys-lru >/dev/null
topology "$F" 3 1 'settings: { maxmemory-policy: noeviction }'
check 'what can be done for the others is done' eval \
	'expect 6 apply --yes --timeout 5s "$F"; [ "$(rcli 1 CONFIG GET maxmemory-policy | tail -1)" = noeviction ]'
node_start 5
wait_until 10 'agreed && replicas_up' >/dev/null
topology "$F" 3 1
echo '127.0.0.1 m5.test' >>"$HOSTS"
check 'the name is back: as declared' eval 'expect 0 apply --yes "$F" && silent'

# The server listens at the second address of its name only.
sed -i '/m5.test/d' "$HOSTS"
printf '127.0.0.99 m5.test\n127.0.0.1 m5.test\n' >>"$HOSTS"
check 'a name of two addresses, of which one listens: found' eval 'expect 0 status "$F" && has "$OUT" "6 nodes, 6 answer"'
check '... and nothing is to be changed' eval 'expect 0 plan --detailed-exitcode "$F" && has "$OUT" "No changes."'
node_kill9 5
check 'nobody listens: what was tried is said' eval \
	'expect 1 check "$F" && has "$OUT" "connection refused (tried 127.0.0." && has "$OUT" "and 127.0.0."'
node_start 5

# The name leads to another server, of the same port on another host.
mkdir "$LIVE_DIR/other"
(cd "$LIVE_DIR/other" && exec "$REDIS_SERVER" --port "$(port 5)" --bind 127.0.0.2 --cluster-enabled yes --save '' \
	>log 2>&1 </dev/null) &
LIVE_JOBS+=($!)
disown $!
check 'another server, where the name leads now' wait_until 10 \
	'"$REDIS_CLI" -h 127.0.0.2 -p "$(port 5)" PING | grep -q PONG && agreed'
sed -i '/m5.test/d' "$HOSTS"
echo '127.0.0.2 m5.test' >>"$HOSTS"
changes_begin
check 'the member that it led to is not to be forgotten: it lives' eval \
	'expect 4 plan "$F" && has "$ERR" "$(address 5)" && has "$ERR" "m5.test:$(port 5) leads to another server now" &&
	lacks "$ERR" "cluster forget"'
check '... nothing was changed' no_changes

# The name is that of both.
echo '127.0.0.1 m5.test' >>"$HOSTS"
check 'a name of two servers: both are named' eval \
	'expect 4 plan "$F" && has "$ERR" "m5.test:$(port 5): its name leads to two servers: node" &&
	has "$ERR" " at 127.0.0.1" && has "$ERR" " at 127.0.0.2" && has "$ERR" "a name of its own"'
check '... by apply, check and status, too' eval \
	'expect 4 apply --yes "$F" && has "$ERR" "leads to two servers" && expect 1 check "$F" && has "$OUT" "leads to two servers" &&
	expect 0 status "$F" && has "$OUT" SeveralServers && expect 4 check "m5.test:$(port 5)" && has "$ERR" "leads to two servers"'
check '... nothing was changed' no_changes

# The servers listen on the second address of the name alone: that is where the seed is.
for i in 0 1 2 3 4; do sed -i "/m$i.test/d" "$HOSTS"; done
printf '127.0.0.99 m0.test\n127.0.0.1 m0.test\n' >>"$HOSTS"
check 'check and import of a name try each of its addresses' eval \
	'expect 0 check "m0.test:$(port 0)" && expect 0 import "m0.test:$(port 0)"'
