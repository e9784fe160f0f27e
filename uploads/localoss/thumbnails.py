"""The actions of `x-oss-process=image/…` that make thumbnails (OSS manual: "Image processing").

Rule: pure, on Pillow, which is imported when it is needed. Actions are done in their order. The limits are OSS's.
"""

import io
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

MAX_SOURCE_BYTES = 20 * 1024 * 1024
MAX_SOURCE_SIDE, MAX_SOURCE_PIXELS = 30_000, 250_000_000
MAX_SIDE, MAX_PIXELS = 16_384, 16_777_216
TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "BMP": "image/bmp", "GIF": "image/gif",
         "TIFF": "image/tiff"}  # fmt: skip
_FORMATS = {"jpg": "JPEG", "jpeg": "JPEG", "png": "PNG", "webp": "WEBP", "bmp": "BMP", "gif": "GIF", "tiff": "TIFF"}
_COLOR = re.compile(r"[0-9A-Fa-f]{6}")
Options = Mapping[str, str]


class UnknownAction(Exception):
    """An action that is not imitated here; its name is the argument."""


class InvalidOption(Exception):
    """An action, an option or an image that OSS refuses; the argument says why."""


@dataclass(slots=True)
class _Job:
    """An image between two actions, and how to encode the result."""

    image: "Image"
    format: str
    quality: int | None = None


def process(content: bytes, actions: str) -> tuple[bytes, str]:
    """The result of actions such as `image/resize,w_100/format,png`, and its media type.

    InvalidOption if the content is no image or is too large, or if an action is not valid; UnknownAction.
    """
    kind, *steps = actions.split("/")
    if kind != "image" or not steps:
        raise UnknownAction(kind)
    job = _open(content)
    if steps == ["info"]:
        return json.dumps(_info(content, job)).encode(), "application/json"
    for step in steps:
        name, *options = step.split(",")
        if name not in _ACTIONS:
            raise UnknownAction(name)
        _ACTIONS[name](job, _read(options))
    return _encode(job), TYPES[job.format]


def _open(content: bytes) -> _Job:
    from PIL import Image, UnidentifiedImageError

    if len(content) > MAX_SOURCE_BYTES:
        raise InvalidOption("The image is larger than 20 MB.")
    try:
        image = Image.open(io.BytesIO(content), formats=list(TYPES))
        width, height = image.size
        if max(width, height) > MAX_SOURCE_SIDE or width * height > MAX_SOURCE_PIXELS:
            raise InvalidOption("The image has too many pixels.")
        image.load()
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise InvalidOption("The object is not an image.") from error
    # Phones write JPEG files that hold several pictures (MPO); the first one counts.
    return _Job(image, image.format if image.format in TYPES else "JPEG")


def _read(options: list[str]) -> dict[str, str]:
    """Options such as `w_100`. A value alone, as in `format,png`, has the empty name."""
    pairs = (option.partition("_") for option in options)
    return {name if mark else "": value if mark else name for name, mark, value in pairs}


def _number(options: Options, name: str, low: int, high: int) -> int | None:
    """The number of an option; None without it."""
    if name not in options:
        return None
    text = options[name]
    if not (text.isascii() and text.isdigit() and len(text) <= 6 and low <= int(text) <= high):
        raise InvalidOption(f"The value of {name} must be between {low} and {high}.")
    return int(text)


def _resize(job: _Job, options: Options) -> None:
    """OSS manual: "Resize images". Without limit_0 or a percentage, an image is not enlarged."""
    from PIL import Image, ImageOps

    mode, color = options.get("m", "lfit"), options.get("color", "FFFFFF")
    if mode not in ("lfit", "mfit", "fill", "pad", "fixed") or not _COLOR.fullmatch(color):
        raise InvalidOption("The value of m or color is not valid.")
    source = job.image.size
    width, height = _target(options, source)
    exact = mode in ("fill", "pad", "fixed") and width is not None and height is not None
    size = (width or 1, height or 1) if exact else _proportional(source, width, height, mode)
    if max(size) > MAX_SIDE or size[0] * size[1] > MAX_PIXELS:
        raise InvalidOption("The result has too many pixels.")
    if options.get("limit", "1") != "0" and "p" not in options and (size[0] > source[0] or size[1] > source[1]):
        return
    if exact and mode == "fill":
        job.image = ImageOps.fit(_plain(job.image), size, Image.Resampling.LANCZOS)
    elif exact and mode == "pad":
        job.image = ImageOps.pad(_plain(job.image), size, Image.Resampling.LANCZOS, color=f"#{color}")
    else:
        job.image = _plain(job.image).resize(size, Image.Resampling.LANCZOS)


def _proportional(source: tuple[int, int], width: int | None, height: int | None, mode: str) -> tuple[int, int]:
    """The size with the source's proportions: within the width and the height, or for mfit around them."""
    ratios = [target / side for target, side in zip((width, height), source, strict=True) if target is not None]
    scale = max(ratios) if mode == "mfit" else min(ratios)
    return max(1, round(source[0] * scale)), max(1, round(source[1] * scale))


def _target(options: Options, source: tuple[int, int]) -> tuple[int | None, int | None]:
    """The width and the height that the options name, by `w` and `h`, the longer or shorter side, or in percent."""
    width, height = _number(options, "w", 1, MAX_SIDE), _number(options, "h", 1, MAX_SIDE)
    if width or height:
        return width, height
    longer, shorter = _number(options, "l", 1, MAX_SIDE), _number(options, "s", 1, MAX_SIDE)
    wide = source[0] >= source[1]
    if longer:
        return (longer, None) if wide else (None, longer)
    if shorter:
        return (None, shorter) if wide else (shorter, None)
    if percent := _number(options, "p", 1, 1000):
        return max(1, source[0] * percent // 100), max(1, source[1] * percent // 100)
    raise InvalidOption("A width, a height, a side or a percentage is needed.")


def _crop(job: _Job, options: Options) -> None:
    """OSS manual: "Custom crop", with the gravity as origin."""
    width, height = job.image.size
    gravity = options.get("g", "nw")
    if gravity not in ("nw", "north", "ne", "west", "center", "east", "sw", "south", "se"):
        raise InvalidOption("The value of g is not valid.")
    x, y = _number(options, "x", 0, MAX_SOURCE_SIDE) or 0, _number(options, "y", 0, MAX_SOURCE_SIDE) or 0
    w = min(_number(options, "w", 0, MAX_SOURCE_SIDE) or width, width)
    h = min(_number(options, "h", 0, MAX_SOURCE_SIDE) or height, height)
    if gravity in ("ne", "east", "se"):
        x = width - w - x
    elif gravity in ("north", "center", "south"):
        x += (width - w) // 2
    if gravity in ("sw", "south", "se"):
        y = height - h - y
    elif gravity in ("west", "center", "east"):
        y += (height - h) // 2
    if not (0 <= x < width and 0 <= y < height):
        raise InvalidOption("The area lies outside of the image.")
    job.image = job.image.crop((x, y, min(x + w, width), min(y + h, height)))


def _rotate(job: _Job, options: Options) -> None:
    """OSS manual: "Rotate": clockwise."""
    angle = _number({"value": options.get("", "")}, "value", 0, 360) or 0
    job.image = _plain(job.image).rotate(-angle, expand=True, fillcolor="white")


def _auto_orient(job: _Job, options: Options) -> None:
    """OSS manual: "Auto-orient": as the Exif data say."""
    from PIL import ImageOps

    if _number({"value": options.get("", "")}, "value", 0, 1):
        job.image = ImageOps.exif_transpose(job.image)


def _quality(job: _Job, options: Options) -> None:
    """OSS manual: "Adjust image quality", of JPEG and WebP."""
    job.quality = _number(options, "Q", 1, 100) or _number(options, "q", 1, 100)


def _format(job: _Job, options: Options) -> None:
    """OSS manual: "Convert image formats"."""
    name = options.get("", "")
    if name not in _FORMATS:
        raise InvalidOption("The value of format is not valid.")
    job.format = _FORMATS[name]


_ACTIONS: Mapping[str, Callable[[_Job, Options], None]] = {
    "resize": _resize,
    "crop": _crop,
    "rotate": _rotate,
    "auto-orient": _auto_orient,
    "quality": _quality,
    "format": _format,
}


def _plain(image: "Image") -> "Image":
    """The image without a palette, which cannot be resampled."""
    return image.convert("RGBA" if "transparency" in image.info else "RGB") if image.mode in ("P", "1") else image


def _encode(job: _Job) -> bytes:
    image = job.image
    if job.format in ("JPEG", "BMP") and image.mode not in ("RGB", "L"):
        image = image.convert("RGB")
    output = io.BytesIO()
    quality = {"quality": job.quality} if job.quality and job.format in ("JPEG", "WEBP") else {}
    image.save(output, job.format, **quality)
    return output.getvalue()


def _info(content: bytes, job: _Job) -> dict[str, dict[str, str]]:
    """OSS manual: "Query image information"."""
    width, height = job.image.size
    names = {value: name for name, value in reversed(_FORMATS.items())}
    values = {"FileSize": len(content), "Format": names[job.format], "ImageHeight": height, "ImageWidth": width}
    return {name: {"value": str(value)} for name, value in values.items()}
