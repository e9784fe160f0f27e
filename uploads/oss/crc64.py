"""CRC-64 as OSS computes it (CRC-64/XZ: ECMA-182 polynomial, reflected), and its combination.

Rule: values are ints here and unsigned decimal text on the wire (`x-oss-hash-crc64ecma`).
"""

from collections.abc import Iterable

import anycrc

_MODEL = anycrc.Model("CRC64-XZ")


def crc64(data: bytes | bytearray | memoryview, running: int = 0) -> int:
    """The CRC of `data`, or, with the CRC of what came before as `running`, of both together."""
    return int(_MODEL.calc(data, running))


def combine(first: int, second: int, second_size: int) -> int:
    """The CRC of two pieces together, from the CRC of each and the second one's size in bytes."""
    return int(_MODEL.combine(first, second, second_size)) if second_size else first


def combine_all(pieces: Iterable[tuple[int, int]]) -> int:
    """Fold (crc, size) of parts in their order: the CRC that the whole object must have."""
    whole = 0
    for value, size in pieces:
        whole = combine(whole, value, size)
    return whole
