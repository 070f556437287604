#!/bin/bash
# file_errors.sh - status shows what is wrong with a topology file, and which revision is in force
# shellcheck disable=SC2034
. "$(dirname "$0")/../lib/live.sh"
CART=$LIVE_DIR/cart.yaml

kept() { # kept PATH CLUSTER TEXT: as the daemon writes it down
	sqlite3 "$STATE" "INSERT OR REPLACE INTO file_error VALUES ('$1', $2, '$3', 1772366467000)"
}

fleet_up 3 || exit 1
topology "$CART" 3 0
check 'a cluster is formed' expect 0 apply --yes "$CART"
check 'its file is right: nothing of it' eval 'expect 0 status cart && ! grep -q "^File" "$OUT" && expect 0 status -o json cart && json ".file_errors == []"'

kept /etc/clusters.d/cart.yaml "'cart'" "/etc/clusters.d/cart.yaml:3:1: error: unknown key ''spce''
    3 | spce:
      | ^^^^ did you mean ''spec''?"
kept /etc/clusters.d/new.yaml NULL '/etc/clusters.d/new.yaml:1:1: error: no document'

check 'status names the file, since when, and what is in force' eval 'TZ=UTC expect 0 status cart && grep -q "^File$" "$OUT" && has "$OUT" "/etc/clusters.d/cart.yaml has errors since 2026-03-01 12:01:07; revision 1, the last good one, is in force"'
check 'and the errors as they were found' has "$OUT" "    /etc/clusters.d/cart.yaml:3:1: error: unknown key 'spce'"
check 'whole' has "$OUT" "          | ^^^^ did you mean 'spec'?"
check 'of this cluster only' lacks "$OUT" new.yaml
check 'the cluster is shown as before' has "$OUT" "$(address 0)"
check 'also when asked by file' eval 'expect 0 status "$CART" && has "$OUT" "has errors since"'
check 'for programs' eval 'expect 0 status -o json cart && json ".file_errors | length == 1 and .[0].path == \"/etc/clusters.d/cart.yaml\" and .[0].cluster == \"cart\" and .[0].since == \"2026-03-01T12:01:07.000Z\" and (.[0].message | test(\"spce\"))"'
check 'the list of all has the file of no cluster too' eval 'expect 0 status && has "$OUT" "/etc/clusters.d/new.yaml has errors" && has "$OUT" "nothing is done for it" && [ "$(grep -c "cart.yaml has errors" "$OUT")" = 1 ]'
check 'for programs an object of its own' eval 'expect 0 status -o jsonl && [ "$(jq -s "length" "$OUT")" = 2 ] && [ "$(jq -sr ".[1].file_errors[0].path" "$OUT")" = /etc/clusters.d/new.yaml ]'
sqlite3 "$STATE" 'DELETE FROM file_error'
check 'once they are right it is gone' eval 'expect 0 status && ! grep -q "^File" "$OUT"'
