"""The image variables of a callback (OSS manual: "Callback").

Rule: only the head of the object is read. Data that cannot be read is no image.
"""

import struct
from io import BytesIO

import imagesize  # type: ignore[import-untyped]

HEAD_BYTES = 256 * 1024
"""Enough for the metadata that cameras write before the size."""
_BEGINNINGS = {b"\xff\xd8\xff": "jpg", b"\x89PNG\r\n\x1a\n": "png", b"GIF8": "gif", b"BM": "bmp"}


def image_variables(head: bytes) -> dict[str, str]:
    """`imageInfo.height` and `imageInfo.width` (pixels) and `imageInfo.format`; empty if `head` is not of an image."""
    kind = next((kind for beginning, kind in _BEGINNINGS.items() if head.startswith(beginning)), "")
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        kind = "webp"
    if not kind:
        return {}
    try:
        width, height = imagesize.get(BytesIO(head))
    except (ValueError, struct.error, IndexError, OverflowError):
        return {}
    if width <= 0 or height <= 0:
        return {}
    return {"imageInfo.height": str(height), "imageInfo.width": str(width), "imageInfo.format": kind}
