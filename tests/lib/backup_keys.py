#!/usr/bin/env python3
"""backup_keys.py - keys of every type for tests of backups, and what servers hold, as text to be compared.

  fill PORT [N]      into the cluster that the server at PORT is of; N (60) scales the number of keys
  simple PORT N [S]  N plain keys of S (100) bytes, quickly
  until PID N PORT...  lets that stopped process go on until these hold N keys together, and stops it again
  write PORT FILE    seq:1, seq:2, ..., each when the one before was acknowledged, until FILE is there; prints those that
                     took 20 ms or more: when they began, how long (ms)
  prefix PORT...     do these hold seq:1 to seq:N and none beyond?
  digest PORT...     a line a key, sorted: name, type, expiry and DEBUG DIGEST-VALUE (needs enable-debug-command)
"""
import binascii
import os
import signal
import socket
import sys
import time


class Link:
    def __init__(self, port):
        self.socket = socket.create_connection(('127.0.0.1', port))
        self.file = self.socket.makefile('rb')
        self.out = bytearray()
        self.asked = 0

    def put(self, *words):
        words = [w if isinstance(w, bytes) else str(w).encode() for w in words]
        self.out += b'*%d\r\n' % len(words)
        for w in words:
            self.out += b'$%d\r\n%s\r\n' % (len(w), w)
        self.asked += 1
        if self.asked >= 1000:
            self.flush()

    def flush(self):
        self.socket.sendall(self.out)
        self.out.clear()
        asked, self.asked = self.asked, 0
        return [self.reply() for _ in range(asked)]

    def reply(self):
        line = self.file.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b'-':
            sys.exit('refused: %s' % rest.decode())
        if kind == b'$':
            return None if rest == b'-1' else self.file.read(int(rest) + 2)[:-2]
        if kind in b'*~>':
            return [self.reply() for _ in range(int(rest))]
        return int(rest) if kind == b':' else rest

    def ask(self, *words):
        self.flush()
        self.put(*words)
        return self.flush()[0]


def slot(key):
    a = key.find(b'{')
    b = key.find(b'}', a + 1) if a >= 0 else -1
    return binascii.crc_hqx(key[a + 1:b] if b > a + 1 else key, 0) % 16384


class Cluster:
    def __init__(self, port):
        self.owner, links = [None] * 16384, {}
        for first, last, primary, *_ in Link(port).ask('CLUSTER', 'SLOTS'):
            link = links.setdefault(primary[1], Link(primary[1]))
            self.owner[first:last + 1] = [link] * (last + 1 - first)
        self.links = links.values()

    def put(self, command, key, *words):
        key = key if isinstance(key, bytes) else str(key).encode()
        self.owner[slot(key)].put(command, key, *words)

    def flush(self):
        for link in self.links:
            link.flush()


def fill(port, n=60):
    c = Cluster(port)
    later = int(time.time() * 1000) + 3600000
    for i in range(n * 25):
        c.put('SET', 'plain:%d' % i, 'x' * (i % 200))
        c.put('SET', 'later:%d' % i, i, 'PXAT', later + i)
        c.put('SET', b'\x00\xff\r\n{' + str(i).encode() + b'} \xe2\x82', bytes([i % 256]) * 30)
    for i in range(n):
        c.put('SET', i * 1000, i * 1000003)
        c.put('SET', 'squeezed' * 20 + str(i), 'again and ' * 300)
        c.put('RPUSH', 'list:%d' % i, *['entry %d' % e for e in range(i * 7 + 1)])
        c.put('SADD', 'ints:%d' % i, *range(i + 1))
        c.put('SADD', 'set:%d' % i, *['m%d' % e for e in range(i * 5 + 1)])
        c.put('HSET', 'hash:%d' % i, *[x for e in range(i * 10 + 1) for x in ('f%d' % e, 'v' * e)])
        c.put('ZADD', 'zset:%d' % i, *[x for e in range(i * 5 + 1) for x in (e / 3, 'z%d' % e)])
        c.put('PFADD', 'hll:%d' % i, *range(i + 1))
        for e in range(1, 130 if i % 8 == 0 else 3):
            c.put('XADD', 'stream:%d' % i, '%d-1' % e, 'field', 'value %d' % e)
        c.owner[slot(b'stream:%d' % i)].put('XGROUP', 'CREATE', 'stream:%d' % i, 'g', '0')
    c.flush()
    for i in range(n):
        key = b'stream:%d' % i
        c.owner[slot(key)].put('XREADGROUP', 'GROUP', 'g', 'consumer', 'COUNT', 2, 'STREAMS', key, '>')
    c.flush()
    link = next(iter(c.links))
    if link.ask('COMMAND', 'INFO', 'HPEXPIREAT') != [None]:
        for i in range(n):
            c.put('HSET', 'fields:%d' % i, *[x for e in range(i * 10 + 2) for x in ('f%d' % e, 'v')])
            c.put('HPEXPIREAT', 'fields:%d' % i, later, 'FIELDS', 1, 'f1')
        c.flush()


def simple(port, n, size=100):
    c = Cluster(port)
    for i in range(n):
        c.put('SET', 'key:%012d' % i, ('%d ' % (i * 2654435761 % 4294967296) * size)[:size])
    c.flush()


def digest(ports):
    lines = []
    for port in ports:
        link, cursor, keys = Link(port), b'0', []
        while True:
            cursor, some = link.ask('SCAN', cursor, 'COUNT', 1000)
            keys += some
            if cursor == b'0':
                break
        for at in range(0, len(keys), 200):
            some = keys[at:at + 200]
            for key in some:
                link.put('TYPE', key)
                link.put('PEXPIRETIME', key)
            told = link.flush()
            digests = link.ask('DEBUG', 'DIGEST-VALUE', *some)
            for i, key in enumerate(some):
                lines.append('%s %s %d %s' % (key.hex(), told[2 * i].decode(), told[2 * i + 1], digests[i].decode()))
    print('\n'.join(sorted(lines)))


def write(port, path):
    c, n = Cluster(port), 0
    while not os.path.exists(path):
        n, began = n + 1, time.time()
        c.owner[slot(b'seq:%d' % n)].ask('SET', 'seq:%d' % n, n)
        took = time.time() - began
        if took >= 0.02:
            print('%d %d' % (began * 1000, took * 1000))


def prefix(ports):
    there = set()
    for port in ports:
        there |= {int(key[4:]) for key in Link(port).ask('KEYS', 'seq:*')}
    missing = set(range(1, max(there, default=0) + 1)) - there
    print('%d of %d are missing' % (len(missing), max(there, default=0)))
    sys.exit(1 if missing or not there else 0)


def until(pid, n, ports):
    links, end = [Link(port) for port in ports], time.time() + 30
    os.kill(pid, signal.SIGCONT)
    while sum(link.ask('DBSIZE') for link in links) < n:
        if time.time() > end:
            sys.exit('not in 30 s')
    os.kill(pid, signal.SIGSTOP)


if sys.argv[1] == 'until':
    until(int(sys.argv[2]), int(sys.argv[3]), [int(p) for p in sys.argv[4:]])
elif sys.argv[1] == 'write':
    write(int(sys.argv[2]), sys.argv[3])
elif sys.argv[1] == 'prefix':
    prefix([int(p) for p in sys.argv[2:]])
elif sys.argv[1] == 'digest':
    digest([int(p) for p in sys.argv[2:]])
else:
    {'fill': fill, 'simple': simple}[sys.argv[1]](*[int(a) for a in sys.argv[2:]])
