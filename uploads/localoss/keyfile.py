"""Keys of a root that outlive the server.

Rule: made once, whole or not at all, and readable by their owner alone.
"""

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path


def keep(path: Path, make: Callable[[], bytes]) -> bytes:
    """What the file holds; made now if it is not there."""
    with suppress(FileNotFoundError):
        return path.read_bytes()
    content = make()
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    draft.rename(path)
    return content
