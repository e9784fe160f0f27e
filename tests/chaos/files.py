"""Files that a page and this program make alike from a number, so that 600 MiB need no memory and no transport.

A file is a sequence of blocks: the number of the block in four bytes, then words of a xorshift generator, the same ones
in each block. Parts in a wrong order, or of another file, have another digest. `page.js` has the same code.
"""

import hashlib
import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

BLOCK = 65_536
KIB, MIB = 1024, 1024 * 1024
SIZES: tuple[tuple[float, int, int], ...] = (
    (0.06, 0, 0),
    (0.04, 1, 16),
    (0.45, 100, 200 * KIB),
    (0.25, 200 * KIB, 2 * MIB),
    (0.15, 2 * MIB, 12 * MIB),
    (0.05, 12 * MIB, 48 * MIB),
)
"""The share of files, and the least and most bytes that they have."""
HUGE = (48 * MIB, 600 * MIB)
HUGE_SHARE = 0.01
SMALL_SIZES = (0, 10, 5_000, 60_000, 200_000)


@dataclass(frozen=True, slots=True)
class Mix:
    """What a page uploads: the share of its turns that are many small files together, the most files of a folder, and
    whether some files are huge."""

    small: float = 0.15
    folder: int = 40
    huge: bool = False


@dataclass(frozen=True, slots=True)
class Spec:
    """A file to upload, and how. `name` is the file's name: it tells which row belongs to which file."""

    name: str
    seed: int
    size: int
    how: str = "file"
    """`file`, `stream`, `form` (with a callback), `batch` or `folder`; or `rude`, of a Python client."""
    destination: str = "default"
    signing: str = "url"
    integrity: str = "crc64"
    parallel: int = 4
    part_size: int | None = None

    @property
    def modified(self) -> int:
        """The date of the file's last change in milliseconds: the same whenever the page makes the file again."""
        return 1_700_000_000_000 + self.seed % 1_000_000_000


@lru_cache(maxsize=64)
def _words(seed: int) -> bytes:
    words, value = [], seed & 0xFFFFFFFF or 1
    for _ in range(BLOCK // 4 - 1):
        value ^= value << 13 & 0xFFFFFFFF
        value ^= value >> 17
        value ^= value << 5 & 0xFFFFFFFF
        words.append(value)
    return struct.pack(f"<{len(words)}I", *words)


def blocks(seed: int, size: int) -> Iterator[bytes]:
    """The bytes of a file, block by block."""
    rest = _words(seed)
    for number in range(-(-size // BLOCK)):
        yield (struct.pack("<I", number) + rest)[: size - number * BLOCK]


def content(spec: Spec) -> bytes:
    """The whole file."""
    return b"".join(blocks(spec.seed, spec.size))


def digest(seed: int, size: int) -> str:
    """SHA-256 of the first `size` bytes, in hexadecimal."""
    found = hashlib.sha256()
    for block in blocks(seed, size):
        found.update(block)
    return found.hexdigest()


def random_size(luck: random.Random) -> int:
    """Bytes."""
    (share,) = luck.choices(SIZES, weights=[weight for weight, *_ in SIZES])
    return luck.randint(share[1], share[2])


def huge_size(luck: random.Random) -> int:
    """Bytes: as often below the middle of HUGE on a logarithmic scale as above."""
    least, most = HUGE
    return int(least * (most / least) ** luck.random())


def specs_of_turn(luck: random.Random, name: str, turn: int, mix: Mix) -> list[Spec]:
    """What a page uploads in its turn, from 1 on. The first turns have what a short run might else miss."""
    if turn == 1:
        return small_specs(luck, name, mix, "folder")
    if turn == 2:
        return [replace(random_spec(luck, name), how="file", destination="staged", integrity="crc64")]
    if mix.huge and (turn == 3 or luck.random() < HUGE_SHARE):
        return [Spec(name, luck.randrange(1, 1 << 31), huge_size(luck))]
    if luck.random() < mix.small:
        return small_specs(luck, name, mix, luck.choice(("batch", "folder")))
    return [random_spec(luck, name)]


def random_spec(luck: random.Random, name: str) -> Spec:
    """How a page uploads one file. Where nobody checks the bytes, the destination is one whose bytes nobody damages."""
    seed, size = luck.randrange(1, 1 << 31), random_size(luck)
    how = luck.choices(("file", "stream", "form"), weights=(7, 2, 2))[0]
    if how == "form":
        return Spec(name, seed, min(size, MIB), how, "called")
    destination = luck.choice(("default", "small", "staged"))
    part_size = luck.choice((None, 100 * KIB, 256 * KIB, MIB))
    if how == "stream":
        return Spec(name, seed, size, how, destination, parallel=luck.randint(1, 6))
    integrity = luck.choice(("crc64", "crc64", "md5", "none"))
    signing = "url" if integrity == "md5" else luck.choice(("url", "url", "sts"))
    destination = "unchecked" if integrity == "none" else destination
    return Spec(name, seed, size, how, destination, signing, integrity, luck.randint(1, 6), part_size)


def small_specs(luck: random.Random, name: str, mix: Mix, how: str) -> list[Spec]:
    """Small files that a page uploads together: as a folder, or as a batch of single ones."""
    destination = luck.choice(("default", "default", "staged"))
    sizes = luck.choices(SMALL_SIZES, k=luck.randint(5, mix.folder if how == "folder" else 20))
    return [Spec(f"{name}-{n}", luck.randrange(1, 1 << 31), size, how, destination) for n, size in enumerate(sizes)]
