#!/usr/bin/env python3
"""fill.py COUNT BYTES ADDRESS... - COUNT keys with values of BYTES bytes, each at its owner among these primaries."""
import binascii
import socket
import sys

count, size = int(sys.argv[1]), int(sys.argv[2])
links, owner = [], {}


def command(link, *words):
    link.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
    return link.makefile("rb")


for address in sys.argv[3:]:
    host, port = address.rsplit(":", 1)
    link = socket.create_connection((host, int(port)))
    reply = command(link, b"CLUSTER", b"NODES")
    text = reply.read(int(reply.readline()[1:])).decode()
    for run in next(line for line in text.splitlines() if "myself" in line).split()[8:]:
        if not run.startswith("["):
            first, _, last = run.partition("-")
            for slot in range(int(first), int(last or first) + 1):
                owner[slot] = len(links)
    reply.read(2)
    links.append(link)

value = b"x" * size
pending = [[] for _ in links]


def flush(at):
    links[at].sendall(b"".join(pending[at]))
    left = len(pending[at]) * 5
    while left:
        left -= len(links[at].recv(min(left, 1 << 16)))
    pending[at].clear()


for n in range(count):
    key = b"key:%012d" % n
    at = owner[binascii.crc_hqx(key, 0) % 16384]
    pending[at].append(b"*3\r\n$3\r\nSET\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n" % (len(key), key, size, value))
    if len(pending[at]) == 1000:
        flush(at)
for at in range(len(links)):
    flush(at)
