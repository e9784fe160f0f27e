"""What goes wrong at OSS: rules of the local OSS server's fault injection, by the names of the result's table.

Bytes are damaged only where somebody checks them: below `checked/` and `staging/`, where the clients send a CRC64 or
an MD5.
"""

import random
from typing import Any

BUSY = {"status": 503, "code": "ServiceUnavailable"}
BROKEN = {"status": 500, "code": "InternalError"}
RULES: dict[str, dict[str, Any]] = {
    "part refused": {"operation": "UploadPart", "probability": 0.15, "error": BUSY},
    "part cut off": {"operation": "UploadPart", "probability": 0.08, "reset": "middle"},
    "part's answer lost": {"operation": "UploadPart", "probability": 0.08, "lose_answer": True},
    "part damaged": {"operation": "UploadPart", "key": "checked/*", "probability": 0.05, "flip_byte": True},
    "staged part damaged": {"operation": "UploadPart", "key": "staging/*", "probability": 0.05, "flip_byte": True},
    "copy refused": {"operation": "CopyObject", "probability": 0.2, "error": BUSY},
    "copy's answer lost": {"operation": "CopyObject", "probability": 0.2, "lose_answer": True},
    "part slow": {"operation": "UploadPart", "probability": 0.1, "slow": 400_000},
    "form's answer lost": {"operation": "PostObject", "probability": 0.15, "lose_answer": True},
    "form refused": {"operation": "PostObject", "probability": 0.15, "error": BUSY},
    "initiate's answer lost": {"operation": "InitiateMultipartUpload", "probability": 0.1, "lose_answer": True},
    "initiate refused": {"operation": "InitiateMultipartUpload", "probability": 0.1, "error": BUSY},
    "complete's answer lost": {"operation": "CompleteMultipartUpload", "probability": 0.2, "lose_answer": True},
    "complete refused": {"operation": "CompleteMultipartUpload", "probability": 0.15, "error": BROKEN},
    "list cut off": {"operation": "ListParts", "probability": 0.15, "reset": "before"},
    "head refused": {"operation": "HeadObject", "probability": 0.15, "error": BUSY},
    "abort's answer lost": {"operation": "AbortMultipartUpload", "probability": 0.3, "lose_answer": True},
    "STS refused": {"operation": "AssumeRole", "probability": 0.3, "error": BUSY},
    "CORS headers missing": {"operation": "UploadPart", "probability": 0.05, "hide_cors": True},
    "OSS's clock ahead": {"clock_shift": 1800.0},
    "OSS's clock behind": {"clock_shift": -1800.0},
}
AT_ONCE = 5


class Deck:
    """Names in random order, dealt one after another, so that each comes before any comes twice more."""

    def __init__(self, names: list[str], luck: random.Random) -> None:
        self._names, self._luck = names, luck
        self._left: list[str] = []

    def deal(self) -> str:
        if not self._left:
            self._left = self._luck.sample(self._names, k=len(self._names))
        return self._left.pop()


def seeded(names: list[str], luck: random.Random) -> list[dict[str, Any]]:
    """The rules of these names, for the local OSS server."""
    return [{**RULES[name], "seed": luck.randrange(1 << 30)} for name in names]
