"""Files with secret keys in the data directory.

Rule: a file is written once and atomically, and only its owner can read it.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def load_or_create(path: Path, make: Callable[[], bytes]) -> bytes:
    """The content of the file. If there is none, it is created with the result of `make`."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    content = make()
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.rename(path)
    return content
