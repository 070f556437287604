#!/bin/bash
# backup.sh - snapshots of a cluster: streamed, counted, proven, found damaged; and given to clusters of another shape
# timeout: 120
. "$(dirname "$0")/../lib/live.sh"

fleet_up 6 'enable-debug-command yes' 'repl-diskless-sync-delay 0' || exit 1
topology "$LIVE_DIR/from.yaml" 3 1
TAKEN=$LIVE_DIR/taken
check 'the cluster is formed' expect 0 apply --yes "$LIVE_DIR/from.yaml"

# Keys of every type, some with binary names, some that expire.
fill() {
	python3 - "$LIVE_BLOCK" <<-'PY'
	import socket, sys, time
	port = int(sys.argv[1])
	def crc(key):
	    a = key.find(b'{')
	    if a >= 0:
	        b = key.find(b'}', a + 1)
	        if b > a + 1: key = key[a + 1:b]
	    c = 0
	    for x in key:
	        c ^= x << 8
	        for _ in range(8): c = (c << 1 ^ 0x1021 if c & 0x8000 else c << 1) & 0xffff
	    return c % 16384
	links, out = {}, {}
	for i in range(3):
	    links[i] = socket.create_connection(('127.0.0.1', port + i)); out[i] = bytearray()
	def reply(f):
	    line = f.readline()
	    if line[:1] == b'-': sys.exit('refused: %r' % line)
	    if line[:1] == b'$' and line[1:2] != b'-': f.read(int(line[1:]) + 2)
	    if line[:1] == b'*':
	        for _ in range(int(line[1:])): reply(f)
	sent = {0: 0, 1: 0, 2: 0}
	def cmd(*words):
	    words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
	    slot = crc(words[1]); i = 0 if slot < 5461 else 1 if slot < 10923 else 2
	    out[i] += b'*%d\r\n' % len(words) + b''.join(b'$%d\r\n%s\r\n' % (len(w), w) for w in words)
	    sent[i] += 1
	soon = int(time.time() * 1000)
	for n in range(1500):
	    cmd('SET', 'plain:%d' % n, 'x' * (n % 200))
	    cmd('SET', 'later:%d' % n, n, 'PXAT', soon + 3600000 + n)
	    cmd('SET', b'\x00\xff\r\n{' + str(n).encode() + b'} \xe2\x82', bytes([n % 256]) * 30)
	for n in range(60):
	    cmd('SET', n, n * 1000003)
	    cmd('SET', 'squeezed' * 20 + str(n), 'again and ' * 300)
	    cmd('RPUSH', 'list:%d' % n, *['entry %d' % e for e in range(n * 7 + 1)])
	    cmd('SADD', 'ints:%d' % n, *range(n + 1))
	    cmd('SADD', 'set:%d' % n, *['m%d' % e for e in range(n * 5 + 1)])
	    cmd('HSET', 'hash:%d' % n, *[x for e in range(n * 10 + 1) for x in ('f%d' % e, 'v' * e)])
	    cmd('ZADD', 'zset:%d' % n, *[x for e in range(n * 5 + 1) for x in (e / 3, 'z%d' % e)])
	    cmd('PFADD', 'hll:%d' % n, *range(n + 1))
	    cmd('XADD', 'stream:%d' % n, '1-1', 'a', n)
	    for e in range(2, 130): cmd('XADD', 'stream:%d' % n, '%d-1' % e, 'field', 'value %d' % e)
	    cmd('XGROUP', 'CREATE', 'stream:%d' % n, 'g', '0') if False else None
	for i, link in links.items():
	    link.sendall(out[i]); f = link.makefile('rb')
	    for _ in range(sent[i]): reply(f)
	PY
}
check 'keys of every type are there' fill
check 'replicas have them' wait_until 10 'replicas_up'
rcli 0 FUNCTION LOAD $'#!lua name=lib\nredis.register_function("f", function() return 1 end)' >/dev/null

check 'a backup is made' expect 0 backup "$LIVE_DIR/from.yaml" --to "$TAKEN"
cat "$OUT" "$ERR"
A=$(ls -d "$TAKEN"/*/)
ls -la $A
expect 0 backup list "$TAKEN"; cat $OUT
expect 0 backup verify "$A"; cat $OUT $ERR
expect 0 backup show "$A"; cat $OUT $ERR
