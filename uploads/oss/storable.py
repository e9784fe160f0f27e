"""Which JSON of others every database can store, and every answer can hold.

Rule: pure. PostgreSQL refuses NUL, no database has surrogates, MariaDB stores 32 levels, and MySQL 64-bit numbers.
"""

import json
import math
import re
from contextlib import suppress
from typing import Any

UNSTORABLE = re.compile("[\0\ud800-\udfff]")
"""Characters that not every database can store."""
MAX_LEVELS = 16
"""Of arrays and objects. Each costs the code that walks through them a call of a function."""


def is_storable(value: Any, levels: int = MAX_LEVELS) -> bool:
    """Whether this parsed JSON can be stored. It has at most so many levels."""
    if isinstance(value, (dict, list)):
        inside = [*value, *value.values()] if isinstance(value, dict) else value
        return levels > 0 and all(is_storable(each, levels - 1) for each in inside)
    if isinstance(value, str):
        return not UNSTORABLE.search(value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, int) or -(2**63) <= value < 2**64


def parsed(body: bytes) -> Any:
    """The JSON in this body, or the body as a text where it is none, or cannot be stored."""
    with suppress(ValueError, RecursionError):
        if is_storable(value := json.loads(body)):
            return value
    return UNSTORABLE.sub("\ufffd", body.decode(errors="replace"))


def readable(value: Any) -> Any:
    """A value that an earlier version stored, or its JSON as a text where it is one that is not stored now."""
    if is_storable(value):
        return value
    try:
        return json.dumps(value)
    except RecursionError:
        return None
