#!/bin/bash
# daemon_log.sh - what the daemon's log holds outside of the journal: when, which node was changed, that it is free again
# shellcheck disable=SC2034,SC2016
. "$(dirname "$0")/../lib/live.sh"
. "$(dirname "$0")/../lib/daemon.sh"

fleet_up 4 || exit 1
rcli 2 CLUSTER MEET 127.0.0.1 "$(port 3)" >/dev/null
check 'one of them knows a server that is not declared' wait_until 10 'rcli 2 CLUSTER INFO | grep -q "cluster_known_nodes:2"'
TOPOLOGY_NODES='0 1 2' topology "$CLUSTERS/cart.yaml" 3 0 "$MANAGED"
daemon_start
check 'what stands in the way is said' wait_until 20 'says "msg=blocked"'
rcli 2 CLUSTER RESET >/dev/null
rcli 3 CLUSTER RESET >/dev/null
check 'without it the cluster is formed' wait_until 30 'agreed 0 1 2'
check 'that nothing stands in the way any more is said, and what is open then' eval 'says "msg=\"no longer blocked\"" && ! says "not as declared yet"'
check 'and that it is done' wait_until 10 'says "msg=converged"'
check 'who got which slots is said' each 'says "node=$(address $i) step=add-slots status=met"' 0 1 2
spoil 1
check 'a node that is changed is named' wait_until 10 'says "cluster=cart node=$(address 1) step=set-setting status=met"'
check 'what a formation does to all of them is not' eval '! says "step=meet" && ! says "step=lower-setting"'

# ---------------------------------------------------------------- a shard that goes down

node_kill9 1
check 'that slots are not served is an error, with whose they are' wait_until 20 'grep "level=error cluster=cart reason=NotServed" "$SAID" | grep -q "shard 2: $(address 1) dead"'
check '... once' eval '[ "$(grep -c "msg=\"slots are not served\"" "$SAID")" = 1 ] && ! says "served again"'
node_start 1
check 'and so is, when they are, that they are again' wait_until 20 'says "level=info cluster=cart msg=\"all slots are served again\""'
check 'the others go on' wait_until 30 'agreed 0 1 2'

# ---------------------------------------------------------------- links

TOPOLOGY_NODES='0 1 2' topology "$LIVE_DIR/real.yaml" 3 0 "$MANAGED"
ln -s "$LIVE_DIR/real.yaml" "$LIVE_DIR/link"
mv -T "$LIVE_DIR/link" "$CLUSTERS/cart.yaml"
spoil 0
check 'a link to a file is that file' wait_until 10 'mended 0'
mv "$LIVE_DIR/real.yaml" "$LIVE_DIR/away.yaml"
kill -HUP "$DAEMON_PID"
check 'a link that leads nowhere is a file with errors' wait_until 10 'says "level=error" && says "cart.yaml: error:"'
check '... and not one that is gone' eval '! says "its file is gone"'
spoil 0
check '... what it said last stays in force' wait_until 10 'mended 0'
check 'status shows it' wait_until 5 'expect 0 status cart && has "$OUT" "cart.yaml has errors"'
mv "$LIVE_DIR/away.yaml" "$LIVE_DIR/real.yaml"
kill -HUP "$DAEMON_PID"
check 'when it leads there again it is right again' wait_until 10 'says "the topology file is right again"'
rm "$CLUSTERS/cart.yaml"
check 'a link that is removed is gone' wait_until 10 'says "its file is gone"'
check 'each line begins with its time' eval '[ -s "$SAID" ] && ! grep -vE "^time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z level=" "$SAID"'
check 'ends' daemon_stop
: >"$SAID"
printf 'log = { level = "info"; format = "json"; };\n' >"$CONF"
daemon_start
check 'as JSON too' wait_until 10 'head -1 "$SAID" | jq -e ".time | test(\"^[0-9-]{10}T[0-9:.]{12}Z$\")" >/dev/null'
check '... it has started' wait_until 10 'grep -q "\"started\"" "$SAID"'
check 'ends once more' daemon_stop
