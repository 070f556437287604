#!/bin/bash
# form.sh - from fresh servers to the declared cluster: the plan, what it promises, the result, and that looking is free
# shellcheck disable=SC2034,SC2046

. "$(dirname "$0")/../lib/live.sh"
F=$LIVE_DIR/cart.yaml

# Ports and node ids vary from run to run: ports count from 17000 here (as wide), and an id is its node's number.
normalised() {
	local i args=()
	for ((i = 0; i < COUNT; i++)); do
		args+=(-e "s/\\b$(port "$i")\\b/$((17000 + i))/g" -e "s/$(rcli "$i" CLUSTER MYID)/ID$i/g")
	done
	sed -E "${args[@]}" "$1"
}

setting() { # setting I NAME
	rcli "$1" CONFIG GET "$2" | tail -1
}

everywhere() { # everywhere NAME VALUE [I...] - the setting on all nodes
	local i name=$1 value=$2 nodes=("${@:3}")
	[ ${#nodes[@]} -gt 0 ] || mapfile -t nodes < <(nodes_running)
	for i in "${nodes[@]}"; do
		[ "$(setting "$i" "$name")" = "$value" ] && continue
		echo "node $i: $name is $(setting "$i" "$name")"
		return 1
	done
}

# ---------------------------------------------------------------- looking at six fresh servers

check 'six fresh servers' fleet_up 6
topology "$F" 3 1
changes_begin
check 'validate says what it read' eval 'expect 0 validate "$F" && has "$OUT" "ok, cluster '\''cart'\'': 3 shards, 6 nodes"'
check 'plan exits 0' expect 0 plan "$F"
normalised "$OUT" >"$LIVE_DIR/plan.txt"
check 'the plan, as text' same "$TOP/tests/golden/plan-form.txt" "$LIVE_DIR/plan.txt"
check 'the plan warns that one host holds all' has "$ERR" 'warning: all 6 nodes are on one host (127.0.0.1)'
check 'plan --detailed-exitcode exits 2: there are changes' expect 2 plan --detailed-exitcode "$F"
check 'plan -o json' expect 0 plan -o json "$F"
check 'plan json: the frame' json '.format_version == "1.0" and .cluster == "cart" and .converges and .case == "form"'
check 'plan json: every change has its fields' json \
	'.changes | length > 0 and all(.[]; ([.state, .action, .subject, .command, .why, .expectation, .node] | all(type == "string" and . != "")) and .risk == null)'
check 'plan json: states in the order of the work' json \
	'[.changes[].state] | reduce .[] as $s ([]; if .[-1] == $s then . else . + [$s] end) == ["Configure", "AssignSlots", "Replicate", "Settle"]'
check 'plan json: the summary' json '.summary | .nodes_to_introduce == 6 and .slots_to_assign == 16384 and .replicas_to_attach == 3 and
	.slots_to_move == 0 and .failovers == 0 and .restarts == 0'
check 'plan json: what is lowered is put back' json '[.changes[] | select(.action == "lower-setting")] as $l |
	[.changes[] | select(.action == "restore-setting") | .subject] | sort == ($l | map(.subject) | sort) and length == 12'
check 'plan json: one line with -o jsonl' eval 'expect 0 plan -o jsonl "$F" && [ "$(wc -l <"$OUT")" = 1 ] && json .cluster'
check 'status of fresh nodes exits 0' expect 0 status "$F"
check 'status says that nothing is there yet' eval 'grep -qE "^cluster cart   (Observe|Configure) " "$OUT" && has "$OUT" "0 of 16384 slots are owned"'
check 'status does not blame a network that nobody tried' lacks "$OUT" 'cannot reach'
check 'status json' eval 'expect 0 status -o json "$F" && json ".converged == false and .paused == false and .revision == 0 and (.nodes | length) == 6"'
check 'check finds errors' eval 'expect 1 check "$F" && has "$OUT" "[ERR] Not all 16384 slots are covered by nodes."'
check 'check says nothing twice' eval '[ -z "$(sort "$OUT" | grep "^\[" | uniq -d)" ]'
check 'explain names the row and its facts' eval 'expect 0 explain "$F" && has "$OUT" "cluster cart: Observe" && grep -n "^Not as declared\|^Rows\|^Facts" "$OUT" | cut -d: -f2 | cut -c1-4 | xargs | grep -qx "Not Rows" &&
	has "$OUT" "to Configure, because some nodes do not know each other yet" && has "$OUT" "does set_epochs"'
check '... with -v every fact' eval 'expect 0 explain -v "$F" && has "$OUT" "Facts" && has "$OUT" "  all_answer "'
check 'explain json' eval 'expect 0 explain -o json "$F" && json ".case == \"form\" and .facts.all_answer and (.facts.introduced | not) and .rows[0].state == \"Observe\""'
check 'explain of one node' eval 'expect 0 explain "$F" "$(address 4)" && has "$OUT" "$(address 4)" && ! grep "^  - " "$OUT" | grep -v "$(address 4)"'
check 'explain of an unknown node' eval 'expect 3 explain "$F" 127.0.0.1:1 && has "$ERR" "is no node of cluster"'
check 'history of nothing' eval 'expect 0 history && [ ! -s "$OUT" ] && has "$ERR" "no clusters in"'
check 'none of them made a database' test ! -e "$STATE"
check 'none of them sent a changing command' no_changes

# ---------------------------------------------------------------- apply

check 'apply' expect 0 apply --yes "$F"
check 'all nodes agree the moment it returns' agreed
check 'all replicas are linked the moment it returns' replicas_up
check 'it says so in one line' eval 'grep -qE "^cart: converged in [0-9.]+ s, [0-9]+ steps: 6 nodes agree" "$OUT"'
check 'slots in even ranges' test "$(ranges 5)" = '0-5460 5461-10922 10923-16383'
check 'in file order' each 'rcli $i CLUSTER NODES | grep myself | grep -q master' 0 1 2
check 'each primary has its replica' each 'rcli 0 CLUSTER NODES | grep -q ":$(port $((i + 3)))@.* slave $(rcli $i CLUSTER MYID) "' 0 1 2
check 'unique config epochs' eval '[ "$(rcli 0 CLUSTER NODES | awk "/master/ { print \$7 }" | sort -u | wc -l)" = 3 ]'
check 'the timeout is put back' everywhere cluster-node-timeout 5000
check 'the delay is put back' everywhere repl-diskless-sync-delay 5
check 'the temporary values reached no file' eval '! grep -lE "^(cluster-node-timeout 511|repl-diskless-sync-delay 0)$" "$LIVE_DIR"/[0-9]*/redis.conf'
check 'a client can write and read' eval '[ "$(timeout 5 "$REDIS_CLI" -c -p "$(port 0)" set key value)" = OK ] && [ "$(timeout 5 "$REDIS_CLI" -c -p "$(port 2)" get key)" = value ]'

check 'check warns of primaries that save nothing, and have replicas' eval 'expect 0 check "$F" && has "$OUT" "[WARNING] 3 of 3 primaries ($(address 0) ...) save nothing" && [ "$(grep -c WARNING "$OUT")" = 1 ] && each "[ \"\$(rcli \$i CONFIG SET save \"3600 1\")\" = OK ]" 0 1 2'
changes_begin
check 'plan: no changes' eval 'expect 0 plan "$F" && has "$OUT" "No changes. The cluster matches its topology."'
check 'plan --detailed-exitcode exits 0' expect 0 plan --detailed-exitcode "$F"
check 'plan json: nothing' eval 'expect 0 plan -o json "$F" && json ".changes == [] and .converges and .case == \"adopt\""'
check 'a second apply is silent and asks nothing' eval 'expect 0 apply "$F" && silent'
check 'status by name' eval 'expect 0 status cart && has "$OUT" "cluster cart   Ready" && has "$OUT" "revision 1 declared, 1 reached"'
check 'status of all' eval 'expect 0 status && has "$OUT" "cluster cart   Ready"'
check 'status shows who follows whom' eval 'grep -qE "^ +2  127.0.0.1:$(port 4) +replica  up " "$OUT" && grep -qE "^ +2  127.0.0.1:$(port 1) +primary  ok +5461-10922 " "$OUT"'
check 'status json: the frame' eval 'expect 0 status -o json "$F" && json ".format_version == \"1.0\" and .cluster == \"cart\" and .state == \"Ready\" and .converged
	and .paused == false and .revision == 1 and .observedRevision == 1 and .expectations == [] and .temporarySettings == []"'
check 'status json: conditions' json '([.conditions[] | {key: .type, value: .status}] | from_entries) == {Reachable: "True", WellFormed: "True",
	SlotsCovered: "True", ReplicasReady: "True", Converged: "True", Paused: "False", Blocked: "False", Drained: "False", Placed: "True"}'
check 'status json: conditions have reason, message, time' json \
	'.conditions | all(.reason != "" and .message != "" and (.lastTransitionTime | test("^20[0-9]{2}-[0-9-]+T[0-9:.]+Z$")))'
check 'status json: nodes' json '.nodes | length == 6 and all(.id != null and .address != null and .role == .declared.role and .observed.answers and .shard == .declared.shard)'
check 'check finds nothing' eval 'expect 0 check "$F" && has "$OUT" "[OK] All nodes agree about slots configuration." && has "$OUT" "[OK] All 16384 slots covered." && lacks "$OUT" "[ERR]" && lacks "$OUT" "[WARNING]"'
check 'check from one address' eval 'expect 0 check "$(address 4)" && [ "$(grep -c "^[MS]: " "$OUT")" = 6 ]'
check 'check json' eval 'expect 0 check -o json "$F" && json ".errors == 0 and .warnings == 0 and (.findings | length) > 0"'
check 'explain of a cluster as declared' eval 'expect 0 explain "$F" && has "$OUT" "Nothing is open." && has "$OUT" "to Ready, because all views agree and did so at the last look too"'
check 'history as text' eval 'expect 0 history cart && has "$OUT" "Observe -> Configure  some nodes do not know each other yet" && has "$OUT" "CLUSTER ADDSLOTSRANGE 5461 10922" && lacks "$OUT" pending'
check 'history json: every step met, states in order' eval 'expect 0 history -o json cart && json ".clusters.cart |
	([.[] | select(.type == \"step\")] | length >= 51 and all(.[]; .status == \"met\" and .command and .why and .resolved)) and
	([.[] | select(.type == \"transition\") | .to] | map(select(. != \"Configure\" and . != \"Settle\")) | .[:4] == [\"Verify\", \"AssignSlots\", \"AssignSlots\", \"Replicate\"])"'
check 'history of one that is not there' eval 'expect 3 history nobody && has "$ERR" "no cluster '\''nobody'\''"'
check 'history --limit' eval 'expect 0 history -n 3 cart && [ "$(wc -l <"$OUT")" = 3 ]'
check 'validate' expect 0 validate "$F"
check 'all that sent no changing command' no_changes

# ---------------------------------------------------------------- managed settings

topology "$F" 3 1 'settings:
  maxmemory: 64mb
  maxmemory-policy: allkeys-lru'
check 'declared settings are changes' eval 'expect 2 plan --detailed-exitcode "$F" && has "$OUT" "maxmemory 0 -> 64mb" && has "$OUT" "maxmemory-policy noeviction -> allkeys-lru"'
check 'and the only ones' eval 'expect 0 plan -o json "$F" && json "[.changes[].action] | unique == [\"persist-settings\", \"set-setting\"]"'
changes_begin
check 'apply' expect 0 apply --yes "$F"
check 'only CONFIG was sent' eval '[ "$(changes_list | awk "{ print \$2 }" | sort -u | xargs)" = "config|rewrite config|set" ]'
check 'all nodes have them' eval 'everywhere maxmemory 67108864 && everywhere maxmemory-policy allkeys-lru'
check 'they are in the configuration files' each 'grep -q "^maxmemory-policy allkeys-lru" "$LIVE_DIR/$i/redis.conf" && grep -qE "^maxmemory (64mb|67108864)" "$LIVE_DIR/$i/redis.conf"' 0 1 2 3 4 5
check 'no changes afterwards' eval 'expect 0 plan --detailed-exitcode "$F" && has "$OUT" "No changes."'
check 'the revision is reached' eval 'expect 0 status -o json "$F" && json ".revision == 2 and .observedRevision == 2"'
rcli 4 CONFIG SET maxmemory 1gb >/dev/null
check 'drift is seen' eval 'expect 2 plan --detailed-exitcode "$F" && has "$OUT" "127.0.0.1:$(port 4)" && has "$OUT" "maxmemory 1gb -> 64mb"'
check 'status tells of it' eval 'expect 0 status -o json "$F" && json ".converged == false"'
changes_begin
check 'and is put right' eval 'expect 0 apply --yes "$F" && everywhere maxmemory 67108864'
check 'on that node alone' test "$(changes_list | sort | xargs)" = '4 config|rewrite 1 4 config|set 1'

# ---------------------------------------------------------------- shapes, zones, hosts

fleet_down
check 'servers for other shapes' eval 'fleet_up 16 && fleet_up 2 "bind 127.0.0.1 127.0.0.2" "cluster-announce-ip 127.0.0.2"'
shape() { # shape NAME SHARDS REPLICAS [YAML...] - of TOPOLOGY_NODES
	TOPOLOGY_NAME=$1 topology "$LIVE_DIR/$1.yaml" "${@:2}"
	expect 0 plan --detailed-exitcode "$LIVE_DIR/$1.yaml" && return 1
	expect 0 apply --yes "$LIVE_DIR/$1.yaml" && expect 0 plan --detailed-exitcode "$LIVE_DIR/$1.yaml" && has "$OUT" 'No changes.'
}
TOPOLOGY_NODES='0 1 2'
check '3 shards without replicas' shape bare 3 0
check '... agree, evenly' eval 'agreed 0 1 2 && [ "$(ranges 2)" = "0-5460 5461-10922 10923-16383" ]'
TOPOLOGY_NODES='3 4'
check '1 shard with a replica, and a declared timeout' shape pair 1 1 'settings: { cluster-node-timeout: 4000 }'
check '... agree; one range' eval 'agreed 3 4 && replicas_up 3 4 && [ "$(ranges 4)" = 0-16383 ]'
check '... the declared timeout holds, and is persistent' eval 'everywhere cluster-node-timeout 4000 3 4 && grep -qx "cluster-node-timeout 4000" "$LIVE_DIR/4/redis.conf"'
TOPOLOGY_NODES='5 6 7 8 9 10'
check '2 shards with 2 replicas each' shape double 2 2
check '... agree; 2 replicas each' eval 'agreed 5 6 7 8 9 10 && replicas_up 5 6 7 8 9 10 && [ "$(ranges 5)" = "0-8191 8192-16383" ] &&
	[ "$(rcli 5 CLUSTER NODES | awk "/slave/ { print \$4 }" | sort | uniq -c | awk "{ print \$1 }" | xargs)" = "2 2" ]'
TOPOLOGY_NODES='11'
check '1 shard, alone' shape alone 1 0
check '... is ok' eval 'agreed 11 && [ "$(ranges 11)" = 0-16383 ]'

# Nodes 12-15 on one host in zones a b a b: dealt in file order, each replica would share its primary's zone.
apart() { # apart CLUSTER KEY - no node shares KEY (a function of its address) with another of its shard
	expect 0 status -o json "$LIVE_DIR/$1.yaml" && jq -r '.nodes[] | "\(.shard) \(.address)"' "$OUT" |
		while read -r shard node; do echo "$shard $("$2" "$node")"; done | sort >"$LIVE_DIR/apart"
	[ "$(wc -l <"$LIVE_DIR/apart")" = 4 ] && [ -z "$(uniq -d "$LIVE_DIR/apart")" ] && return
	cat "$LIVE_DIR/apart" "$OUT"
	return 1
}
zone() { grep -F "$1" "$LIVE_DIR/zoned.yaml" | sed 's/.*zone: \([a-z]\).*/\1/'; }
host() { echo "${1%:*}"; }
TOPOLOGY_NODES=$(for i in 12 13 14 15; do echo "{ address: $(address $i), zone: $([ $((i % 2)) = 0 ] && echo a || echo b) }"; done)
check '2 shards over 2 zones' shape zoned 2 1
check '... no replica in the zone of its primary' apart zoned zone
fleet_up 2
TOPOLOGY_NODES=$(printf '{ address: %s }\n' "127.0.0.2:$(port 16)" "127.0.0.2:$(port 17)" "$(address 18)" "$(address 19)")
check '2 shards over 2 hosts' shape hosts 2 1
check '... no replica on the host of its primary' apart hosts host
check '... and no warning of hosts' eval 'expect 0 plan "$LIVE_DIR/hosts.yaml" && lacks "$ERR" host'
check 'one database knows them all, and that the first one is no more' eval 'expect 0 status && [ "$(grep -c "^cluster .* Ready " "$OUT")" = 6 ] && has "$OUT" "cluster cart   Blocked"'
