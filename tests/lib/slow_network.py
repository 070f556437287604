"""slow_network.py - hosts on a network with a round trip of so many milliseconds, without privileges of the machine's own.

    slow_network.py RTT_MS HOSTS FOLDER

Makes HOSTS network namespaces, each with the address 10.77.0.N (N from 1) on a TUN device, and carries packets between
them in user space, each half a round trip late. Needs to be in a user namespace (or root): `unshare -rn python3 ...`. Writes
the process id that holds host N's namespace into FOLDER/N (`nsenter -t "$(cat FOLDER/N)" -n COMMAND`), then FOLDER/ready.
Ends with its standard input, or by a signal, and takes the namespaces along.
"""

import array
import ctypes
import fcntl
import heapq
import os
import select
import signal
import socket
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TUN_NO_PI = 0x0001 | 0x1000
CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PACKET_MAX = 65536

libc = ctypes.CDLL(None, use_errno=True)


def host(number, channel):
    """In a child: a namespace with its device, whose descriptor goes to the parent; then it only holds the namespace."""
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    tun = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tun, TUNSETIFF, struct.pack("16sH22x", b"slow0", IFF_TUN_NO_PI))
    for command in (
        "ip link set lo up",
        f"ip address add 10.77.0.{number}/24 dev slow0",
        "ip link set slow0 mtu 9000 up",
    ):
        subprocess.run(command.split(), check=True)
    rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [tun]))]
    channel.sendmsg([b"x"], rights)
    while True:
        signal.pause()


def start(number, folder):
    ours, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        ours.close()
        try:
            host(number, theirs)
        except BaseException as error:  # pylint: disable=broad-except
            print(f"slow_network: host {number}: {error}", file=sys.stderr)
        os._exit(1)
    theirs.close()
    data, rights, _, _ = ours.recvmsg(1, socket.CMSG_SPACE(4))
    if not data:
        sys.exit(1)
    with open(f"{folder}/{number}", "w", encoding="ascii") as file:
        print(child, file=file)
    return array.array("i", rights[0][2])[0]


def carry(tuns, delay):
    """Until standard input ends: each packet to the host that it is addressed to, `delay` seconds late."""
    numbers = {tun: number for number, tun in tuns.items()}
    late, order = [], 0
    while True:
        timeout = max(0, late[0][0] - time.monotonic()) if late else None
        readable, _, _ = select.select([0, *numbers], [], [], timeout)
        if 0 in readable and not os.read(0, 4096):
            return
        for tun in readable:
            if tun == 0:
                continue
            packet = os.read(tun, PACKET_MAX)
            if packet[0] >> 4 == 4 and packet[16:19] == bytes([10, 77, 0]) and packet[19] in tuns:
                order += 1
                heapq.heappush(late, (time.monotonic() + delay, order, tuns[packet[19]], packet))
        while late and late[0][0] <= time.monotonic():
            _, _, tun, packet = heapq.heappop(late)
            try:
                os.write(tun, packet)
            except OSError:
                pass  # a full queue loses packets, as networks do


def main():
    rtt_ms, hosts, folder = float(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
    tuns = {number: start(number, folder) for number in range(1, hosts + 1)}
    with open(f"{folder}/ready", "w", encoding="ascii"):
        pass
    carry(tuns, rtt_ms / 2000)


main()
