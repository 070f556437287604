#!/bin/bash
# announced.sh - what servers say of their addresses, held against the file: said before anything is changed, used where it is silent
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml
FLEET_TIMEOUT=1000

set_on() { # set_on I NAME VALUE
	[ "$(rcli "$1" CONFIG SET "$2" "$3")" = OK ]
}
no_slots() { each 'rcli $i CLUSTER NODES | grep -q "myself,master - 0 [0-9]* [0-9]* connected$"' 0 1 2; }
original() { each '[ "$(rcli $i CONFIG GET cluster-node-timeout | tail -1)" = 1000 ]' 0 1 2; }
refused() { # refused TEXT...: by plan and by apply, which sends nothing
	local text
	changes_begin
	expect 4 plan "$F" || return
	for text; do has "$ERR" "$text" || return; done
	expect 4 apply --yes --timeout 20s "$F" && no_changes || return
	for text; do has "$ERR" "$text" || return; done
}

# ---------------------------------------------------------------- before there is a cluster

check 'three servers' eval 'fleet_up 3 && topology "$F" 3 0'
P=$(port 1) BUS=$(($(port 1) + 10000))

set_on 1 cluster-announce-bus-port 12999
check 'a bus port that is announced and not listened on' refused \
	"$(address 1) announces port 12999 of its cluster bus (cluster-announce-bus-port), and listens on $BUS" \
	'CONFIG SET cluster-announce-bus-port 0` on it' 'say busPort: 12999'
set_on 1 cluster-announce-bus-port 0

cp "$F" "$LIVE_DIR/kept.yaml"
sed -i "s/address: $(address 1) /address: $(address 1), busPort: 12998 /" "$F"
check 'a busPort in the file where the bus is not' refused \
	"the file says busPort: 12998 of $(address 1), whose cluster bus is at port $BUS, as it says" "correct busPort of that node in the file ($BUS)"
set_on 1 cluster-announce-bus-port 12999
check '... and one that is announced otherwise' refused \
	"announces port 12999 of its cluster bus (cluster-announce-bus-port), and the file says busPort: 12998"
set_on 1 cluster-announce-bus-port 0
sed -i "s/busPort: 12998/busPort: $BUS/" "$F"
check 'the right one is none to be refused' eval 'expect 0 plan "$F" && lacks "$ERR" busPort'
cp "$LIVE_DIR/kept.yaml" "$F"

set_on 1 cluster-announce-port $((P + 50))
check 'a port for clients that is announced and not listened on' refused \
	"$(address 1) announces itself at 127.0.0.1:$((P + 50)) (cluster-announce-port $((P + 50))), and listens on port $P" \
	'CONFIG SET cluster-announce-port 0` on'
set_on 1 cluster-announce-port "$(port 2)"
check 'the port of another one' refused "announces itself at $(address 2) (cluster-announce-port $(port 2)), where $(address 2) is"
set_on 1 cluster-announce-port 0
set_on 1 cluster-announce-ip 0.0.0.0
check 'no address at all' refused "announces itself at 0.0.0.0:$P (cluster-announce-ip 0.0.0.0), which is no address of a host"

# Nobody asks at an address that is not declared: whether it leads there is seen when the others look.
for i in 0 1 2; do set_on $i cluster-announce-ip 127.0.9.9; done
changes_begin
check 'an address where nobody is: plan warns, names node, setting and value, and changes nothing' eval \
	'expect 0 plan "$F" && has "$ERR" "$(address 1) announces itself at 127.0.9.9:$P (cluster-announce-ip 127.0.9.9)" &&
	has "$ERR" "CONFIG SET cluster-announce-ip \"\"\` on $(address 1)" && no_changes'
check 'apply stops before slots are given, says where they look, and blames no port' eval \
	'expect 4 apply --yes --timeout 30s "$F" && has "$ERR" " at 127.0.9.9:" &&
	has "$ERR" "as it announces (cluster-announce-ip 127.0.9.9), and get" && lacks "$ERR" "bus link" && no_slots'
check '... what was done on its way is told in words, and nothing as done and as not done' eval \
	'has "$OUT" "introduce 3 nodes" && lacks "$OUT" "CLUSTER MEET" && lacks "$ERR" "not done: $(address 0) ... $(port 2): introduce"'
check 'and nothing stays lowered' wait_until 5 original
# Peers hold what was announced for a moment still, and look there: apply waits for that, whenever it is begun.
for i in 0 1 2; do set_on $i cluster-announce-ip ''; done
check 'put right, they become a cluster, and nobody has to do more' eval 'expect 0 apply --yes --timeout 60s "$F" && wait_until 10 agreed'
check 'and nothing is held against it' eval 'expect 0 plan "$F" && lacks "$ERR" announce && expect 0 check "$F" && lacks "$OUT" announce'

# ---------------------------------------------------------------- in a cluster

set_on 1 cluster-announce-ip 127.0.9.9
lost() { rcli 0 CLUSTER NODES | grep "127.0.9.9:$P@" | grep -q disconnected && [ "$(rcli 2 CLUSTER NODES | grep "127.0.9.9:$P@" | grep -c disconnected)" = 1 ]; }
check 'one of a cluster announces a wrong address' wait_until 20 lost
SAID="look for $(address 1) at 127.0.9.9:$P (port $BUS of its bus), as it announces (cluster-announce-ip 127.0.9.9)"
told() { expect 1 check "$F" && has "$OUT" "$SAID" && lacks "$OUT" "no healthy bus link to $(address 1)"; }
check '... check says where it is looked for, and blames no port that is open' wait_until 10 told
check '... and apply' eval 'expect 6 apply --yes --timeout 4s "$F"; has "$ERR" "$SAID" && has "$ERR" "CONFIG SET cluster-announce-ip \"\"\` on $(address 1)"'
set_on 1 cluster-announce-ip ''
check '... put right, it is one again' eval 'expect 0 apply --yes --timeout 40s "$F" && wait_until 20 agreed'

sed -i "s/address: $(address 1) /address: $(address 1), busPort: 12998 /" "$F"
check 'a wrong busPort of a member is a warning everywhere' eval \
	'expect 0 plan "$F" && has "$ERR" "the file says busPort: 12998 of $(address 1), whose cluster bus is at port $BUS" &&
	expect 0 check "$F" && has "$OUT" "the file says busPort: 12998" && expect 0 status "$F" && has "$ERR" "busPort: 12998"'
cp "$LIVE_DIR/kept.yaml" "$F"

# ---------------------------------------------------------------- where clients are sent

if set_on 0 cluster-preferred-endpoint-type hostname; then
	set_on 1 cluster-announce-hostname one.test
	HOW="clients are sent to '?' for $(address 0), $(address 2): cluster-preferred-endpoint-type is hostname on $(address 0), and no cluster-announce-hostname is set there"
	check "clients are sent to '?' where no host name is" eval '[ "$(rcli 0 CLUSTER SLOTS | grep -c "^?$")" -ge 1 ]'
	check '... plan, check, status and apply warn of it' eval \
		'expect 0 plan "$F" && has "$ERR" "$HOW" && expect 0 check "$F" && has "$OUT" "$HOW" && expect 0 status "$F" && has "$ERR" "$HOW" &&
		expect 0 apply --yes "$F" && has "$ERR" "$HOW"'
	set_on 0 cluster-announce-hostname zero.test
	set_on 2 cluster-announce-hostname two.test
	check '... with names on all there is nothing to warn of' eval 'expect 0 plan "$F" && lacks "$ERR" "cluster-announce-hostname"'
	set_on 0 cluster-preferred-endpoint-type unknown-endpoint
	check 'a node that tells no address is named' eval \
		'expect 0 check "$F" && has "$OUT" "$(address 0) tells clients no address" && expect 0 plan "$F" && has "$ERR" unknown-endpoint'
	set_on 0 cluster-preferred-endpoint-type ip
	check 'addresses: nothing to warn of' eval 'expect 0 check "$F" && lacks "$OUT" endpoint'
else
	skip 'host names' 'before 7.0'
fi
fleet_down
rm -f "$STATE"*

# ---------------------------------------------------------------- a port of the bus that only the node knows

fleet_up 1 "cluster-port $(($(port 0) + 10050))" && fleet_up 1 "cluster-port $(($(port 1) + 10060))" && fleet_up 1
topology "$F" 3 0
check 'a bus port of its own, which the file does not tell: the node says it' eval \
	'expect 0 plan -o json "$F" && grep -q "CLUSTER MEET 127.0.0.1 $(port 1) $(($(port 1) + 10060))" "$OUT" &&
	expect 0 apply --yes --timeout 30s "$F" && agreed'
