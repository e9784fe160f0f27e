"""A slow and lossy link inside this machine, for the whole TCP of the kernel: a network namespace with a TUN device.

Every packet that is sent to 10.9.<link>.2 comes back with its source and its destination exchanged, after the delay of
the link, or never. So a connection to that address ends at a server of this machine that listens on all addresses,
and both directions have the link's properties. Exchanging the two leaves all checksums valid. It needs no `tc netem`,
which many kernels lack. TCP's congestion control is CUBIC, as by default on Windows, macOS, Android and Linux.

Rule: `inside` runs a module again in a namespace of its own; nothing else of the machine is touched.
"""

import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import count

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
MARK = "OSS_UPLOADS_LOSSY_LINK"
MTU = 1500


@dataclass(frozen=True, slots=True)
class Link:
    """`delay`: seconds there and back. `loss`: the share of lost packets, of those to the server. `rate`: bytes a
    second to the server; 0: no limit."""

    delay: float
    loss: float = 0.0
    rate: int = 0


def inside(module: str) -> bytes:
    """What `python -m module` prints when it runs in a network namespace of its own. CalledProcessError if it fails."""
    separate = ["unshare", "-n"] if os.geteuid() == 0 else ["unshare", "-rn"]
    command = [*separate, sys.executable, "-m", module]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, env={**os.environ, MARK: "1"}).stdout


def is_inside() -> bool:
    """Whether this process was started by `inside`."""
    return MARK in os.environ


def host(link: int) -> str:
    """The address of a server of this machine at the other end of a link."""
    return f"10.9.{link}.2"


class LossyLinks:
    """Makes the device and moves its packets. `links` may be replaced at any time."""

    def __init__(self) -> None:
        self.links: Mapping[int, Link] = {}
        self._random = random.Random(1)
        self._device = os.open("/dev/net/tun", os.O_RDWR)
        fcntl.ioctl(self._device, TUNSETIFF, struct.pack("16sH", b"lossy", IFF_TUN | IFF_NO_PI))
        for command in (
            "ip link set lo up",
            f"ip link set lossy mtu {MTU} txqueuelen 10000 up",
            "ip addr add 10.9.0.1/32 dev lossy",
            "ip route add 10.9.0.0/16 dev lossy src 10.9.0.1 congctl cubic",
        ):
            subprocess.run(command.split(), check=True)
        threading.Thread(target=self._move, daemon=True).start()

    def _move(self) -> None:
        waiting: list[tuple[float, int, bytes]] = []
        free: dict[int, float] = {}
        for order in count():
            timeout = max(0.0, waiting[0][0] - time.monotonic()) if waiting else None
            if select.select([self._device], [], [], timeout)[0]:
                packet = os.read(self._device, 65536)
                if (due := self._due(packet, free)) is not None:
                    swapped = packet[:12] + packet[16:20] + packet[12:16] + packet[20:]
                    heapq.heappush(waiting, (due, order, swapped))
            while waiting and waiting[0][0] <= time.monotonic():
                os.write(self._device, heapq.heappop(waiting)[2])

    def _due(self, packet: bytes, free: dict[int, float]) -> float | None:
        """When the packet arrives; None if it is lost. Packets of data go to the server, the others come back."""
        if packet[0] >> 4 != 4:
            return None
        number, now = packet[18], time.monotonic()
        link = self.links.get(number, Link(0))
        if len(packet) <= MTU // 2:
            return now + link.delay / 2
        if self._random.random() < link.loss:
            return None
        if link.rate:
            free[number] = max(now, free.get(number, 0.0)) + len(packet) / link.rate
            now = free[number]
        return now + link.delay / 2
