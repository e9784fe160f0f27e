"""CRC-64 as OSS computes it (CRC-64/XZ: the ECMA-182 polynomial, reflected), and its combination.

Manual, "Check data integrity by using CRC-64":
https://help.aliyun.com/en/oss/user-guide/check-data-transmission-integrity-by-using-crc-64
The combination is that of zlib's crc32_combine; oss2 (`oss2/crc64_combine.py`) computes the same.

Rule: values are ints here and unsigned decimal numbers in messages (`x-oss-hash-crc64ecma`).
"""

from collections.abc import Iterable

import anycrc

_MODEL = anycrc.Model("CRC64-XZ")


def crc64(data: bytes | bytearray | memoryview, running: int = 0) -> int:
    """The CRC of `data`. With the CRC of the bytes before it as `running`, the CRC of both together."""
    return int(_MODEL.calc(data, running))


def combine(first: int, second: int, second_size: int) -> int:
    """The CRC of two pieces together, from the CRC of each and the size of the second in bytes."""
    return int(_MODEL.combine(first, second, second_size)) if second_size else first


def combine_all(pieces: Iterable[tuple[int, int]]) -> int:
    """The CRC of an object, from the CRC and the size in bytes of each of its parts in order; 0 without parts."""
    whole = 0
    for value, size in pieces:
        whole = combine(whole, value, size)
    return whole
